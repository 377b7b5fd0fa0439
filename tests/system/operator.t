#!/bin/bash
# What an operator does: swap, suspend and resume, stop and start.
. "$(dirname "$0")/lib.sh"

lab_up_pair

lab_watch
check "a swap succeeds" 'ha a --swap >$LAB/out 2>&1' || diag "$(cat $LAB/out)"
eventually 10 "b is active, a stands by" 'lab_settled b a'
check "a swap at the passive is refused, and says why" '! ha a --swap >$LAB/out 2>&1 && [ -s $LAB/out ]'
check "... by the exit status 1" 'ha a --swap >/dev/null 2>&1; [ $? -eq 1 ]'
sleep 1.5
check "a swap back" 'ha b --swap >$LAB/out 2>&1' || diag "$(cat $LAB/out)"
eventually 10 "a is active, b stands by" 'lab_settled a b'
sleep 1
lab_watched
check_client_served
check_outage_below 1000 "no swap took a second"
check "nobody spoke after his successor" '[ "$(overlaps)" = 0 ]'
check "history tells of it" 'ha a --history | grep -q active'

check "at the active, an operator suspends the pair" 'ha a --suspend >$LAB/out 2>&1' || diag "$(cat $LAB/out)"
eventually 5 "... the passive is suspended, and not ready" 'is_state b suspended && ! is_ready b'
check "a swap to a suspended one is refused" '! ha a --swap >/dev/null 2>&1'
check "... and the active stays" '[ "$(holder)" = a ] && is_state a active'
check "it is resumed" 'ha a --resume >$LAB/out 2>&1' || diag "$(cat $LAB/out)"
eventually 10 "... and b is ready" 'lab_settled a b'

lab_watch
check "SIGTERM at the active: it ends" 'lab_agent a stop'
eventually 10 "... having handed over" '[ "$(holder)" = b ] && is_state b active'
check "... and left nothing behind" '! holds a any && [ -z "$(lab_pids a)" ]'
sleep 1
lab_watched
check_client_served
check_outage_below 1000 "the handover took less than a second"
check_one_answered
lab_agent a start
eventually 45 "it returns as passive" 'lab_settled b a'

check "SIGTERM at the passive: it ends" 'lab_agent a stop'
always 2 "... and the active stays" '[ "$(holder)" = b ] && is_state b active'
check "SIGTERM at the active without a passive: it releases and ends" 'lab_agent b stop'
check "... nobody holds it" '[ "$(holder)" = none ]'
done_testing
