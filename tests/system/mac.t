#!/bin/bash
# The management interface gets another MAC address while both run (a port is replaced, a virtual machine is moved): at
# the passive, at the active.
. "$(dirname "$0")/lib.sh"

mac() { ip -n "$NS$1" -j link show dev eth0 | jq -r '.[0].address'; }
learnt() { in_ns c ip neigh show $VIP4 dev eth0 | grep -q "$(mac "$1")"; } # the client, that it is there
up() { [ "$(path_state a management) $(path_state b management)" = "up up" ]; }

lab_up_pair
history_b=$(transitions b)

lab_watch
ip -n "${NS}b" link set eth0 address 02:00:00:00:07:0b
eventually 10 "the passive has another MAC: both hear each other by it" 'up && lab_settled a b' || diag "$(dump a .paths)"
check "... and the requirements are met" '[ "$(dump a "[.requirements[] | .result == \"pass\"] | all") $(dump b "[.requirements[] | .result == \"pass\"] | all")" = "true true" ]' ||
	diag "$(dump a '.requirements[] | tojson')"
check "... nobody moved" "[ \"\$(transitions b)\" = $history_b ]"
sleep 1
lab_watched
check_unnoticed "the client noticed nothing of it"

check_done "a swap to it" a --swap
eventually 10 "b serves by it, a stands by" 'lab_settled b a'
eventually 5 "... as the client has learnt" 'learnt b' || diag "$(in_ns c ip neigh)"

lab_watch
ip -n "${NS}b" link set eth0 address 02:00:00:00:08:0b
eventually 15 "the active has another MAC: one serves, the other stands by" 'up && { lab_settled b a || lab_settled a b; }' || diag "$(dump b .paths)"
sleep 2
lab_watched
check_client_served
check_one_answered
serves=$(holder)
eventually 5 "... as the client has learnt" 'learnt $serves' || diag "$(in_ns c ip neigh)"

lab_power_off "$serves"
[ "$serves" = a ] && other=b || other=a
eventually 15 "its power fails: the other one takes over, though its MAC is another" "is_state $other active && [ \"\$(holder)\" = $other ]"
done_testing
