#!/bin/bash
# A console whose agent lies: garbage, too much, nothing, twice, members of other types, markup in every text. It says what
# it does not understand, serves on, is as small as before, and no page takes a text for anything else.
# shellcheck disable=SC2034 # what is assigned is used by the conditions
. "$(dirname "$0")/lib.sh"

console_require
command -v python3 >/dev/null || skip_all "needs python3: scripts/install-deps"
console_operator
lab_up
install -d -m 755 "$LAB/a/run"
console_config a
console_password a admin "$CONSOLE_PASSWORD"

how() { echo "$1" >"$LAB/how.new" && mv "$LAB/how.new" "$LAB/how"; }
impostor() { # DUMP
	[ -z "${impostor:-}" ] || kill "$impostor"
	"$LAB_ROOT/tests/console/impostor" "$LAB/a/run/control" "$LAB/how" "$LAB_ROOT/tests/golden/$1.json" 2>>"$LAB/impostor.log" &
	impostor=$!
	wait_for 5 '[ -S "$LAB/a/run/control" ]'
}
how true
impostor active
console a start
login a >/dev/null
in_ns c timeout 300 curl -skN -b "$LAB/a.jar" https://192.0.2.11:8443/api/v1/events >"$LAB/events" 2>/dev/null &
stream=$!
eventually 10 "an agent that tells the truth is shown" '[ "$(get a /api/v1/state)" = 200 ] && [ "$(body .screen)" = console ]'
before=$(console_rss a)

# ---- answers that are none ----
for how in garbage deep huge list; do
	how $how
	eventually 10 "$how: it is not understood, and that is said" '[ "$(get a /api/v1/state)" = 200 ] && [ "$(body .screen)" = down ] && body .agent.text | grep -q "not understood"'
	check_http "... nor as the answer of an action" 503 post a /api/v1/actions/swap '{}'
	check_http "... health says no" 503 http c a /healthz
done
how empty
eventually 10 "an answer without anything in it: the agent is not there" '[ "$(get a /api/v1/state)" = 200 ] && [ "$(body .screen)" = down ]'
how gone
eventually 10 "one that hangs up: it is not there" '[ "$(get a /api/v1/state)" = 200 ] && body .agent.text | grep -q "has ended"'
how never
eventually 15 "one that never answers: it is said" '[ "$(get a /api/v1/state)" = 200 ] && body .agent.text | grep -q "does not answer"'
check_http "... others are served meanwhile" 200 http c a /api/v1/session
how twice
eventually 15 "one that answers twice: it is shown" '[ "$(get a /api/v1/state)" = 200 ] && [ "$(body .screen)" = console ]'

# ---- every member of another type ----
how types
check "members of other types: every request is answered" 'for ((i = 0; i < 150; i++)); do
	[ "$(get a /api/v1/state)" = 200 ] || break
	[ "$(get a /metrics)$(http c a /healthz)" != 000 ] || break
	[ "$(post a /api/v1/actions/test "{\"address\": \"192.0.2.12\"}")" != 000 ] || break
done; [ $i -eq 150 ]'
check "... it is the same process" 'kill -0 "$(console_pid a)"'
sleep 20 # the stream has it go through more of them

# ---- no text is anything else ----
how markup
eventually 10 "markup in every text" '[ "$(get a /api/v1/state)" = 200 ] && body .reason | grep -q "<img"'
check "... is JSON, and nothing that a browser would sniff" '[ "$(header content-type)" = application/json ] && [ "$(header x-content-type-options)" = nosniff ]'
post a /api/v1/actions/test '{"address": "192.0.2.12"}' >/dev/null
check "... one line of the log" '[ "$(grep -c "action=test.*<img" "$LAB/a/console.log")" -ge 1 ] && ! grep -qv "^event=" "$LAB/a/console.log"' ||
	diag "$(grep -v "^event=" "$LAB/a/console.log" | head)"
if command -v chromium >/dev/null && command -v node >/dev/null && [ -e "$BROWSER_MODULES/installed" ]; then
	browse markup
	impostor passive
	eventually 10 "... of the passive one, too" '[ "$(get a /api/v1/state)" = 200 ] && [ "$(body .screen)" = standby ]'
	browse markup
	impostor standalone
	eventually 10 "... and of one that is none" '[ "$(get a /api/v1/state)" = 200 ] && [ "$(body .role)" = standalone ]'
	browse markup
else
	skip "the pages" "needs chromium, node and playwright-core: scripts/install-deps"
fi

kill "$stream" "$impostor" 2>/dev/null
check "it is as small as before" '[ "$(console_rss a)" -lt $((before + 4096)) ] && [ "$(console_rss a)" -lt 30720 ]' || diag "$before KB before, $(console_rss a) KB at most"
check "SIGTERM: it ends in good order" 'console a stop && tail -n 1 "$LAB/a/console.log" | grep -q "event=stop.*error=none"'
done_testing
