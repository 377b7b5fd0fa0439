#!/bin/bash
# The management segment: cut at the active, at the passive, at both; deaf; the gateway and the switch restart.
. "$(dirname "$0")/lib.sh"

lab_up_pair wire

lab_watch
lab_cut_mgmt a
eventually 15 "management is cut at the active: it hands over" '[ "$(holder)" = b ] && is_state b active'
eventually 5 "... and says that it cannot serve" '! is_state a active && ! holds a any'
sleep 1
lab_watched
check_client_served
check_outage_below 5000 "the client was without an answer for less than 5 s"
check_one_answered
lab_heal_mgmt a
eventually 45 "it is back: a stands by" 'lab_settled b a'

lab_watch
lab_cut_mgmt a
always 3 "management is cut at the passive: the active stays" '[ "$(holder)" = b ] && is_state b active'
check "... and the passive is not ready" '! is_ready a'
lab_heal_mgmt a
eventually 45 "it is back: a stands by" 'lab_settled b a'
lab_watched
check_unnoticed "the client noticed nothing of it"

lab_cut_mgmt a
lab_cut_mgmt b
always 4 "management is cut at both: nobody moves" '[ "$(holder)" = b ]'
lab_heal_mgmt b
lab_heal_mgmt a
eventually 45 "it is back: b serves, a stands by" 'lab_settled b a'

lab_watch
lab_gateway down
always 4 "the gateway is away: nothing moves" '[ "$(holder)" = b ] && is_state b active && is_state a passive'
lab_gateway up
always 2 "the gateway is back: nothing moves" '[ "$(holder)" = b ]'
lab_watched
check_unnoticed "the client noticed nothing of it"
check_one_answered
eventually 20 "the pair is whole" 'lab_settled b a'

lab_watch
lab_switch down
always 4 "the switch restarts: nobody moves, for neither could do better" '[ "$(holder)" = b ]'
lab_switch up
eventually 45 "it is back, one port after the other: one serves, the other stands by" 'lab_settled b a || lab_settled a b'
sleep 1
lab_watched
check_client_served
check_one_answered
[ "$(holder)" = b ] || { ha a --swap >/dev/null && wait_for 10 'lab_settled b a'; }

# Everything of the active is silent, its carriers are up, its processes live: it must find out itself. What it says on
# its own port meanwhile reaches nobody (SPEC 5.9), so the client's port is the witness.
lab_watch c eth0
lab_loss 100 100
in_ns sw bridge link set dev pb state 0
eventually 15 "the active is cut off on both paths: a takes over" 'is_state a active && holds a'
eventually 15 "... and the active has given up by itself" '! holds b any && ! is_state b active'
sleep 1
lab_watched
check_client_served
check_one_answered
lab_loss 0 0
in_ns sw bridge link set dev pb state 3
eventually 45 "it is back: b stands by, a serves" 'lab_settled a b'
done_testing
