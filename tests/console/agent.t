#!/bin/bash
# What a page sees of its agent: changes as they come, an agent that ends, is killed, hangs or returns, roles that change
# under an open page, power failures. The console never ends with its agent, and costs it next to nothing.
# shellcheck disable=SC2034,SC2046 # what is assigned is used by the conditions; lists of processes
. "$(dirname "$0")/lib.sh"

console_up
lab_pair || diag "no pair"
login a >/dev/null
login b >/dev/null

stream() { # a|b: in the background; what comes is in $LAB/N.events
	in_ns c timeout 120 curl -skN -b "$LAB/$1.jar" "https://192.0.2.$(lab_last "$1"):8443/api/v1/events" >"$LAB/$1.events" 2>/dev/null &
}
states() { sed -n 's/^data: \({"agent".*\)/\1/p' "$LAB/$1.events"; } # a|b
last() { states "$1" | tail -n 1 | jq -r "$2" 2>/dev/null; }         # a|b JQ-EXPRESSION
stream a
stream b
wait_for 5 '[ "$(last a .screen)$(last b .screen)" = consolestandby ]'
check "an open page at the active is the console, at the passive the standby screen" '[ "$(last a .screen)$(last b .screen)" = consolestandby ]'
check "live figures follow" 'wait_for 5 "[ \$(grep -c \"^event: live\" \"$LAB/a.events\") -ge 2 ]"'
check "... of both paths" '[ "$(grep -A2 "^event: live" "$LAB/a.events" | sed -n "s/^data: //p" | head -n 1 | jq -r "[.paths[] | select(.rtt_us > 0) | .name] | join(\" \")")" = "link management" ]'

# ---- a quiet pair is quiet ----
sleep 2
n=$(states a | wc -l)
sleep 5
check "while nothing changes no state is sent" '[ "$(states a | wc -l)" -eq "$n" ]' ||
	diag "$(diff <(states a | tail -n 2 | head -n 1 | jq 'del(.live)') <(states a | tail -n 1 | jq 'del(.live)'))"

# ---- a swap under open pages ----
check_http "a swap" 200 post a /api/v1/actions/swap '{}'
eventually 5 "the old active's page turns into the standby screen" '[ "$(last a .screen)" = standby ] && [ "$(last a .active.host_name)" = appliance-b ]'
eventually 5 "the new active's into the console" '[ "$(last b .screen)" = console ]'
check_http "the old one refuses now" 409 post a /api/v1/actions/swap '{}'
check "... and says where to go" '[ "$(body .error.active.management_addresses[0])" = 192.0.2.12 ]'

# ---- a power failure ----
lab_power_off b
eventually 20 "after a power failure the passive's page turns into the console" '[ "$(last a .screen)" = console ]'
eventually 10 "... the other one is shown as not reachable" '[ "$(last a ".nodes[1] | \"\(.connected) \(.status.level)\"")" = "false error" ]'
check "... nobody could take over, with a reason" '[ "$(last a .takeover.ready)" = false ] && [ -n "$(last a ".takeover.reasons[0]")" ]'
check_http "removing it is possible now" 200 get a /api/v1/state
check "... it says" '[ "$(body .operations.remove.allowed)" = true ]'
lab_power_on b
eventually 60 "it returns and stands by" 'lab_settled a b'
console b start
check_http "its console asks for a login, again" 401 get b /api/v1/state

# ---- the agent ends, and returns ----
login b >/dev/null
stream b
wait_for 5 '[ "$(last b .screen)" = standby ]'
lab_agent b stop
eventually 5 "an agent that has ended: the page says so" '[ "$(last b .screen)" = down ] && last b .agent.text | grep -q "not running"'
check_http "... requests are answered" 200 get b /api/v1/state
check_http "... health is not" 503 http c b /healthz
check_http "... actions cannot be done" 503 post b /api/v1/actions/swap '{}'
check "... and say why" '[ "$(body .error.code)" = agent_down ]'
lab_agent b start
eventually 20 "it returns: so does the page" '[ "$(last b .screen)" = standby ]'
wait_for 60 'lab_settled a b'

# ---- the engine is killed, then stopped ----
kill -KILL "$(pid_of b engine)"
eventually 20 "an engine that is killed: the page recovers" 'is_alive b && [ "$(get b /api/v1/state)" = 200 ] && [ "$(body .screen)" = standby ] && [ "$(last b .screen)" = standby ]'
guardian=$(pid_of b guardian)
kill -STOP "$guardian" "$(pid_of b engine)"
eventually 10 "one that hangs: the page says so" '[ "$(last b .screen)" = down ] && last b .agent.text | grep -q "does not answer"'
in_ns c curl -sko "$LAB/body" --max-time 10 https://192.0.2.12:8443/healthz &
sleep 0.5
check "SIGTERM while a request waits for it: the console ends" 'console b stop'
check "... in good order" 'tail -n 1 "$LAB/b/console.log" | grep -q "event=stop.*error=none"' || diag "$(tail -n 2 "$LAB/b/console.log")"
console b start
kill -CONT "$guardian" $(lab_pids b)
login b >/dev/null
stream b
eventually 30 "... and recovers" '[ "$(last b .screen)" = standby ]'
wait_for 60 'lab_settled a b'

# ---- what it may not do ----
lab_agent b stop
mv "$LAB/b/run/control" "$LAB/b/run/gone" 2>/dev/null
chmod 700 "$LAB/b/run"
eventually 5 "a console outside of the agent's group: the page says so" 'last b .agent.text | grep -q "group"'
chmod 755 "$LAB/b/run"
lab_agent b start
eventually 30 "... and recovers" '[ "$(last b .screen)" = standby ]'

# ---- one poll for all ----
wait_for 60 'lab_settled a b'
# shellcheck disable=SC2034 # used by check
polls() { in_ns a curl -sk https://127.0.0.1:8443/metrics | sed -n 's/^haconsole_agent_dumps_total //p'; }
for ((i = 0; i < 40; i++)); do
	in_ns c timeout 20 curl -skN -b "$LAB/a.jar" https://192.0.2.11:8443/api/v1/events >/dev/null 2>&1 &
done
sleep 3
first=$(polls)
sleep 4
second=$(polls)
check "forty pages cost the agent as many polls as one" '[ $((second - first)) -le 60 ] && [ $((second - first)) -ge 10 ]' || diag "$((second - first)) in 4 s"
sleep 16
ip netns pids "${NS}c" | xargs -r kill # every page closes
sleep 12
first=$(polls)
sleep 2
second=$(polls)
check "without a page it is not asked" '[ $((second - first)) -le 2 ]' || diag "$((second - first)) in 2 s"

check "SIGTERM: it ends" 'console a stop'
check "... in good order" 'tail -n 1 "$LAB/a/console.log" | grep -q "event=stop.*error=none"'
done_testing
