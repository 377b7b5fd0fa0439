#!/bin/bash
# Two appliances become a pair; dual stack.
. "$(dirname "$0")/lib.sh"

lab_up

lab_config a $VIP4 $VIP6
lab_agent a start
eventually 15 "an appliance with a virtual IP and no pair holds it" '[ "$(holder)" = a ] && is_state a active'
check "... both addresses of it" 'holds a $VIP4 && holds a $VIP6'
check "... as primary (active) or standalone, with a reason" '[ -n "$(dump a .reason)" ] && [ -n "$(dump a .since_ms)" ]'

lab_agent b start
eventually 15 "an appliance as it leaves the factory runs and holds nothing" 'is_alive b && ! holds b any'
check "each names itself by its own host name" \
	'[ "$(dump a .host_name)" = appliance-a ] && [ "$(dump b .host_name)" = appliance-b ]'

check "a join to an address that is not the peer's is refused" '! ha b --join 192.0.2.77 --yes >$LAB/out 2>&1'
check "... and says why" '[ -s $LAB/out ]'
check "the active does not join: it is refused" '! ha a --join 192.0.2.12 --yes >$LAB/out 2>&1'

lab_watch
check "b joins a" 'ha b --join 192.0.2.11 --yes >$LAB/out 2>&1' || diag "$(cat $LAB/out)"
eventually 15 "b is passive and ready to take over" 'is_state b passive && is_ready b'
check "a is active still" 'is_state a active && [ "$(holder)" = a ]'
eventually 5 "both paths are up at both" \
	'[ "$(path_state a link) $(path_state a management) $(path_state b link) $(path_state b management)" = "up up up up" ]'
check "modes: primary (active) and primary (passive)" \
	'[ "$(dump a .mode), $(dump b .mode)" = "primary (active), primary (passive)" ]'
check "each knows the other by name" \
	'[ "$(dump a .peer.host_name) $(dump b .peer.host_name)" = "appliance-b appliance-a" ]'
check "... and by its fingerprint" \
	'[ "$(dump a .peer.fingerprint)" = "$(dump b .fingerprint)" ] && [ "$(dump b .peer.fingerprint)" = "$(dump a .fingerprint)" ]'
check "the passive knows the cluster's virtual IP" \
	'[ "$(dump b "[.virtual_ip[].address] | sort | join(\" \")")" = "$VIP4 $VIP6" ]'
check "the dump says who holds it" \
	'[ "$(dump a "[.virtual_ip[].held] | all")" = true ] && [ "$(dump b "[.virtual_ip[].held] | any")" = false ]'
check "the dump tells of fence, real time and locked memory" \
	'[ "$(dump a "[.guardian.fence, .guardian.realtime, .guardian.locked] | map(type) | unique | join(\" \")")" = boolean ]'
check "the plain dump is for people" 'ha a --dump | grep -q "primary (active)"'
check "the history has the join" 'ha b --history | grep -qi join'
lab_watched
check_unnoticed "the client noticed nothing of it"
check_one_answered

lab_agent b stop
lab_agent b start
eventually 20 "a passive that is started again is passive again" 'lab_settled a b'
check "a stranger, and not root: the dump of a socket that nobody serves exits 3" \
	'cp $LAB/a/haagent.conf $LAB/nobody.conf; sed -i "s|/a/run|/a/none|" $LAB/nobody.conf;
	$HAAGENT -c $LAB/nobody.conf --dump >/dev/null 2>&1; [ $? -eq 3 ]'
check "an unknown option exits 2" '$HAAGENT --no-such-thing >/dev/null 2>&1; [ $? -eq 2 ]'
done_testing
