#!/bin/bash
# The same on a segment without IPv6, with default timing: pair, power failure, return.
export LAB_TIMING=default
. "$(dirname "$0")/lib.sh"

lab_up_pair v4only
check "the virtual IP is the IPv4 address alone" '[ "$(dump a "[.virtual_ip[].address] | join(\" \")")" = $VIP4 ]'
lab_watch
lab_power_off a
eventually 10 "the power of a fails: b holds the virtual IP" '[ "$(holder)" = b ] && is_state b active'
sleep 1
lab_watched
check_client_served
check_outage_below 3000 "the client was without an answer for less than 3 s"
check_one_answered
lab_power_on a
eventually 45 "a returns as passive" 'lab_settled b a'
done_testing
