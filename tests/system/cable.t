#!/bin/bash
# The direct cable: cut, flapping, losing frames, deaf on one side. As long as management works, nobody takes over.
. "$(dirname "$0")/lib.sh"

lab_up_pair wire
before=$(transitions b)
lab_watch

lab_cut_link
always 3 "the cable is cut: a holds the virtual IP, alone" '[ "$(holder)" = a ]'
check "... b is passive still" 'is_state b passive'
check "both see the link silent and management up" \
	'[ "$(path_state a link) $(path_state a management)" = "silent up" ] && [ "$(path_state b link) $(path_state b management)" = "silent up" ]'
check "both are degraded" '[ "$(dump a .degraded) $(dump b .degraded)" = "true true" ]'
lab_heal_link
eventually 10 "the cable is back: both paths are up" '[ "$(path_state a link) $(path_state b link)" = "up up" ] && lab_settled a b'

for ((i = 0; i < 20; i++)); do
	lab_cut_link
	sleep 0.0$((RANDOM % 9 + 1))
	lab_heal_link
	sleep 0.1$((RANDOM % 9))
done
check "the cable flaps twenty times: a holds the virtual IP" '[ "$(holder)" = a ] && is_state a active'
eventually 10 "... and the pair is whole afterwards" '[ "$(path_state a link) $(path_state b link)" = "up up" ] && lab_settled a b'

lab_loss 30 30
always 6 "the cable loses 30 %: a holds the virtual IP" '[ "$(holder)" = a ] && is_state b passive'
lab_loss 100 0
always 3 "it is dead from a to b: a holds the virtual IP" '[ "$(holder)" = a ] && is_state b passive'
check "... b hears nothing on it" '[ "$(path_state b link)" = silent ]'
lab_loss 0 100
always 3 "it is dead from b to a: a holds the virtual IP" '[ "$(holder)" = a ] && is_state b passive'
check "... a hears nothing on it" '[ "$(path_state a link)" = silent ]'
lab_loss 100 100
always 3 "it is dead both ways with carrier: a holds the virtual IP" '[ "$(holder)" = a ] && is_state b passive'
lab_loss 0 0
eventually 10 "it is whole again: so is the pair" '[ "$(path_state a link) $(path_state b link)" = "up up" ] && lab_settled a b'

lab_watched
check "b never changed its state" "[ \"\$(transitions b)\" = $before ]"
check_unnoticed "the client noticed nothing of all this" 3
check_one_answered

lab_watch
lab_cut_link
sleep 1
lab_power_off a
eventually 15 "with the cable cut, the power of a fails: b holds the virtual IP" '[ "$(holder)" = b ]'
sleep 1
lab_watched
check_client_served
check_one_answered
done_testing
