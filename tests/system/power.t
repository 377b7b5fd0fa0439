#!/bin/bash
# Power failures: of the active, its return, and of both at once.
. "$(dirname "$0")/lib.sh"

lab_up_pair

lab_watch
lab_power_off a
eventually 10 "the power of a fails: b holds the virtual IP" '[ "$(holder)" = b ] && is_state b active'
check "b says why" '[ -n "$(dump b .reason)" ]' && diag "$(dump b .reason)"
sleep 1
lab_watched
check_client_served
check_outage_below 3000 "the client was without an answer for less than 3 s"
check_one_answered
check "b is degraded: it has no passive" '[ "$(dump b .degraded)" = true ] || dump b .peer.state | grep -qv passive'

lab_watch
lab_power_on a
eventually 45 "a returns as passive" 'lab_settled b a'
always 2 "... and does not take the address back" '[ "$(holder)" = b ]'
lab_watched
check_unnoticed "the client noticed nothing of the return"
check_one_answered

lab_power_off a
always 3 "the power of the passive fails: the active stays" 'is_state b active && [ "$(holder)" = b ]'
lab_power_on a
eventually 45 "... and it comes back as passive" 'lab_settled b a'

lab_watch
lab_power_off b
eventually 10 "the power of b fails: a, which returned, takes over" '[ "$(holder)" = a ] && is_state a active'
sleep 1
lab_watched
check_client_served
check_one_answered
lab_power_on b
eventually 45 "b returns as passive" 'lab_settled a b'

lab_power_off a
lab_power_off b
check "both without power: nobody holds it" '[ "$(holder)" = none ]'
lab_power_on a
lab_power_on b
eventually 60 "both boot together: one of them holds it, the other is passive" 'lab_settled a b || lab_settled b a'
always 3 "... and it stays so" '[ "$(holder)" = a ] || [ "$(holder)" = b ]'
done_testing
