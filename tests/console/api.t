#!/bin/bash
# The API against what openapi.yaml says of it: every operation, each reply with its status, type and schema, through a
# pair's life: test, join, swap, suspend, resume, detach; the stream of events; health and metrics.
# shellcheck disable=SC2034,SC2046 # what is assigned is used by the conditions; lists of processes
. "$(dirname "$0")/lib.sh"

openapi() { "$LAB_ROOT/tests/console/openapi" "$@"; }
"$LAB_ROOT/tests/console/openapi" paths >/dev/null 2>&1 || skip_all "needs python3-jsonschema and python3-yaml: scripts/install-deps"

# call DESCRIPTION STATUS METHOD a|b PATH [JSON]: answered so, and as the document says.
call() {
	local what=$1 expected=$2 method=$3 n=$4 path=$5 got wrong
	if [ "$method" = POST ]; then got=$(post "$n" "$path" "$6"); else got=$(get "$n" "$path"); fi
	echo "$method $path $got" >>"$SEEN"
	wrong=$(openapi reply "$method" "$path" "$got" "$(header content-type)" <"$LAB/body" 2>&1)
	check "$what: $expected, as described" "[ '$got' = '$expected' ] && [ -z \"\$wrong\" ]" ||
		diag "answered $got: $(head -c 1500 "$LAB/body")" "$wrong"
}

check "the document is valid" 'openapi validate'

console_up
SEEN=$LAB/seen
lab_begin || diag "a is not active"

check "nobody is logged in at first" '[ "$(http c a /api/v1/session)" = 200 ] && [ "$(body .user)" = null ]'
call "the state takes a login" 401 GET a /api/v1/state
call "so do events" 401 GET a /api/v1/events
call "so do those of former times" 401 GET a /api/v1/history
for n in a b; do check_http "login at $n" 200 login $n; done
openapi reply POST /api/v1/login 200 application/json <"$LAB/body" && echo "POST /api/v1/login 200" >>"$SEEN"
call "who am I" 200 GET a /api/v1/session
call "state of the active" 200 GET a /api/v1/state
[ "$(get a /api/v1/state)" = 200 ] && cp "$LAB/body" "$LAB/state"
check "... it is the console, and there is one node" '[ "$(body ".screen, .role, (.nodes | length)" | xargs)" = "console active 1" ]'
call "state of a standalone" 200 GET b /api/v1/state
check "... a swap is not possible, and it says why" '[ "$(body .operations.swap.allowed)" = false ] && [ -n "$(body .operations.swap.reason)" ]'
check "... a join is" '[ "$(body .operations.join.allowed)" = true ]'

# ---- all events ----
call "all events" 200 GET a /api/v1/history
check "... are those of the agent" 'diff <(body .history) <(ha a --history=json | jq .history)'
check "... the newest of them are in a state" '[ "$(jq -c ".history[-1]" "$LAB/state")" = "$(jq -c ".history[-1]" "$LAB/body")" ]'

# ---- virtual IP addresses ----
virtual() { call "$1" "$2" POST "$3" /api/v1/actions/virtual_ip "$4"; }
addresses() { dump "$1" '[.virtual_ip[].address] | join(" ")'; }
virtual "a length is no address" 400 a '{"addresses": ["192.0.2.110/24"]}'
check "... and the error says so" '[ "$(body .error.code)" = addresses ]'
virtual "nor is a number" 400 a '{"addresses": [1]}'
virtual "one alone is no list" 400 a '{"addresses": "192.0.2.110"}'
virtual "nothing is none" 400 a '{}'
virtual "nine are too many" 400 a "$(jq -nc '{addresses: [range(9) | "192.0.2.\(110 + .)"]}')"
virtual "what else is in it is refused" 400 a '{"addresses": [], "confirm": "yes"}'
virtual "one in no network of the appliance is refused by the agent" 409 a '{"addresses": ["198.51.100.7"]}'
check "... in its words" '[ "$(body .error.code)" = refused ] && body .error.message | grep -q "198.51.100.7 is in no network"'
check "by then nothing has changed" '[ "$(addresses a)" = "$VIP4 $VIP6" ]'
virtual "others" 200 a '{"addresses": ["192.0.2.110", "2001:db8::100"]}'
check "... are in force" '[ "$(addresses a)" = "192.0.2.110 $VIP6" ] && in_ns c ping -qnc1 -W2 192.0.2.110 >/dev/null'
virtual "the former ones again" 200 a "{\"addresses\": [\"$VIP4\", \"$VIP6\"]}"
check "who asked for which is in the log" '[ "$(grep -cE "event=audit .*user=admin .*action=virtual_ip what=192.0.2.110,2001:db8::100 result=done" "$LAB/a/console.log")" = 1 ]'
check "... and what was refused" 'grep -qE "event=audit .*action=virtual_ip what=198.51.100.7 result=refused" "$LAB/a/console.log"'

# ---- test and join, the rows live ----
in_ns c timeout 60 curl -skN -b "$LAB/b.jar" https://192.0.2.12:8443/api/v1/events >"$LAB/events" 2>/dev/null &
events=$!
wait_for 5 'grep -q "^event: state" "$LAB/events"'
states() { sed -n 's/^data: \({"agent".*\)/\1/p' "$LAB/events"; }
call "a test at a wrong address" 200 POST b /api/v1/actions/test '{"address": "192.0.2.99"}'
check "... is refused by its table" '[ "$(body .result)" = refused ] && [ "$(body ".data.requirements[] | select(.name == \"address\").result")" = fail ]'
call "a test" 200 POST b /api/v1/actions/test '{"address": "192.0.2.11"}'
check "... is passed" '[ "$(body .result)" = done ]'
fingerprint=$(body .data.peer_fingerprint)
eventually 5 "... its rows were seen while it ran" 'states | jq -se "any(.[]; .testing and ([.requirements[].result] | index(\"unknown\")))" >/dev/null'
eventually 5 "... and as they are at the end" '[ "$(states | tail -n 1 | jq -r "[.requirements[].result] | unique | join(\" \")")" = pass ]'
call "a join with another key is refused" 409 POST b /api/v1/actions/join "{\"address\": \"192.0.2.11\", \"peer_fingerprint\": \"SHA256:$(printf 'A%.0s' {1..43})\"}"
call "a join without a key is none" 400 POST b /api/v1/actions/join '{"address": "192.0.2.11"}'
call "a join" 200 POST b /api/v1/actions/join "{\"address\": \"192.0.2.11\", \"peer_fingerprint\": \"$fingerprint\"}"
eventually 10 "b stands by" 'lab_settled a b'
eventually 5 "... the open page at b turns into the standby screen" '[ "$(states | tail -n 1 | jq -r .screen)" = standby ]'
eventually 5 "... which names the active" '[ "$(states | tail -n 1 | jq -r ".active.management_addresses[0]")" = 192.0.2.11 ]'
kill $events 2>/dev/null
check "every event is as described" '! { states | while read -r line; do openapi event State <<<"$line" 2>&1; done; sed -n "/^event: live/{n;n;s/^data: //p}" "$LAB/events" | while read -r line; do openapi event Live <<<"$line" 2>&1; done; } | grep .'

# ---- the passive refuses ----
for action in swap suspend resume test join detach remove virtual_ip; do
	call "$action at the passive" 409 POST b /api/v1/actions/$action '{}'
	check "... and it says where to go" '[ "$(body ".error.code, .error.active.host_name" | xargs)" = "standby appliance-a" ]'
done
call "its state is shown" 200 GET b /api/v1/state
call "so are its events" 200 GET b /api/v1/history
check "health: the active, not the passive" '[ "$(http c a /healthz) $(http c b /healthz)" = "200 503" ]'
call "health as described" 200 GET a /healthz
call "health of the passive as described" 503 GET b /healthz

# ---- the active's actions ----
call "state of a pair" 200 GET a /api/v1/state
check "... with both nodes, and the passive can take over" '[ "$(body "(.nodes | length), .takeover.ready" | xargs)" = "2 true" ]'
call "suspend for a while" 200 POST a /api/v1/actions/suspend '{"seconds": 3600}'
eventually 5 "... both know" '[ "$(get a /api/v1/state) $(body .suspended)" = "200 true" ]'
check "... until when" 'body .live.suspended_until | grep -q Z'
call "no time at all is none" 400 POST a /api/v1/actions/suspend '{"seconds": 0}'
call "nor is a text" 400 POST a /api/v1/actions/suspend '{"seconds": "1h"}'
call "resume" 200 POST a /api/v1/actions/resume '{}'
eventually 5 "b is ready again" 'lab_settled a b'
call "remove, while the other one is there" 409 POST a /api/v1/actions/remove '{"confirm": "remove"}'
call "... and without its confirmation" 400 POST a /api/v1/actions/remove '{}'
virtual "other addresses for the pair" 200 a '{"addresses": ["192.0.2.110", "2001:db8::100"]}'
check "... at both" '[ "$(addresses a), $(addresses b)" = "192.0.2.110 $VIP6, 192.0.2.110 $VIP6" ]'
virtual "the former ones for the pair" 200 a "{\"addresses\": [\"$VIP4\", \"$VIP6\"]}"
eventually 5 "... and the passive is ready" 'lab_settled a b'
call "swap" 200 POST a /api/v1/actions/swap '{}'
eventually 10 "b is active, a stands by" 'lab_settled b a'
call "detach at the former active" 409 POST a /api/v1/actions/detach '{"confirm": "detach"}'
call "detach without its confirmation" 400 POST b /api/v1/actions/detach '{"confirm": "yes"}'
call "detach" 200 POST b /api/v1/actions/detach '{"confirm": "detach"}'
eventually 10 "... both stand alone" '[ "$(dump a .role)" = standalone ] && [ "$(dump b .peer)" = null ]'
audited() { cat "$LAB"/[ab]/console.log | grep -cE "event=audit .*user=admin from=192.0.2.10 action=$1 .*result=$2"; }
for action in suspend resume join swap detach; do
	check "$action is in the log, with user and address" "[ \$(audited $action done) -eq 1 ]"
done
check "so is what the agent refused" '[ "$(audited remove refused)" -eq 1 ] && [ "$(audited join refused)" -eq 1 ]'

# ---- metrics ----
got=$(in_ns a curl -sk -o "$LAB/body" -D "$LAB/headers" -w '%{http_code}' https://127.0.0.1:8443/metrics)
echo "GET /metrics $got" >>"$SEEN"
check "metrics, for the machine itself" "[ $got = 200 ] && openapi reply GET /metrics 200 \"\$(header content-type)\" <\"\$LAB/body\""
check "... they end as they must" '[ "$(tail -n 1 "$LAB/body")" = "# EOF" ]'
call "metrics, for others, take a token" 401 GET a /metrics
console a stop
echo "a token of many letters $$" >"$LAB/a/token" && chmod 644 "$LAB/a/token"
CONSOLE_OPTIONS=("metrics_token_file = \"$LAB/a/token\"")
console_config a
console a start
check_http "with the token" 200 http c a /metrics -H "Authorization: Bearer a token of many letters $$"
check_http "with another" 401 http c a /metrics -H "Authorization: Bearer a tokem of many letters $$"
check_http "a restart has ended the sessions" 401 get a /api/v1/state
login a >/dev/null
call "logout" 200 POST a /api/v1/logout '{}'
call "... the session is over" 401 POST a /api/v1/logout '{}'

missing=$(openapi paths | while read -r method path; do grep -q "^$method $path " "$SEEN" || echo "$method $path"; done)
check "no operation was left out" '[ -z "$missing" ]' || diag "$missing"
done_testing
