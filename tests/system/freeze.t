#!/bin/bash
# The active stands still while every carrier stays up: no frame, no process. Later it wakes as if nothing had been.
. "$(dirname "$0")/lib.sh"

lab_up_pair
lab_watch
lab_freeze a
eventually 10 "a freezes: b holds the virtual IP" 'holds b && is_state b active'
sleep 1
lab_watched
check_client_served
check_outage_below 3000 "the client was without an answer for less than 3 s"
check_one_answered

lab_watch
sleep 4
lab_thaw a
eventually 20 "a wakes: it is passive, b holds the virtual IP alone" 'lab_settled b a'
sleep 1
lab_watched
check_unnoticed "the client noticed nothing of it"
check_one_answered

lab_watch
lab_freeze a
always 3 "the passive freezes: the active stays" 'is_state b active && [ "$(holder)" = b ]'
lab_thaw a
eventually 20 "... and it stands by again" 'lab_settled b a'
lab_watched
check_unnoticed "the client noticed nothing of it"

# Short pauses: the engine slept past what the peer waits for, or did not.
for ms in 0.03 0.08 0.15 0.4; do
	lab_watch
	lab_freeze b
	sleep $ms
	lab_thaw b
	eventually 20 "the active pauses for about $ms s: one holds it, the other is ready" 'lab_settled a b || lab_settled b a'
	sleep 0.5
	lab_watched
	check_client_served
	check_one_answered
	[ "$(holder)" = b ] || { ha a --swap >/dev/null 2>&1 && wait_for 10 'lab_settled b a'; }
done
done_testing
