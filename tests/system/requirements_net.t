#!/bin/bash
# Test connection, what is between the two and around them: bridge, hub, segments, who else has the virtual IP.
. "$(dirname "$0")/lib.sh"

lab_up wire third
lab_begin && pass "a holds the virtual IP, b is as it left the factory" || fail "a holds the virtual IP"
check_table "a cable between the two" "" b

lab_wire bridge
check_table "a bridge between the two" "physical_connection=fail" b
check "... and it says so" 'row physical_connection remedy | grep -qi switch'
lab_wire hub
ip -n "${NS}x" address add 192.0.2.99/24 dev eth3
ip netns exec "${NS}x" ping -qi0.2 -I eth3 192.0.2.98 >/dev/null 2>&1 &
ping=$!
check_table "a hub between the two, and somebody else on it" "physical_connection=fail" b
check "... and it says so" 'row physical_connection remedy | grep -qi station'
kill $ping
wait $ping 2>/dev/null
ip -n "${NS}x" address del 192.0.2.99/24 dev eth3
lab_wire cable
eventually 30 "a cable again: all pass" 'ha b --test-connection 192.0.2.11 >/dev/null 2>&1'

lab_segment other
check_table "the management interfaces are in two segments" "network_segment=fail" b
lab_segment routed
check_table "... with a router between that answers for others, the virtual IP too" "network_segment=fail virtual_ip=fail" b
lab_segment same
eventually 30 "one segment again: all pass" 'ha b --test-connection 192.0.2.11 >/dev/null 2>&1'

ip -n "${NS}c" address add $VIP4/24 dev eth0
check_table "a third host has the virtual IP" "virtual_ip=fail" b
ip -n "${NS}c" address del $VIP4/24 dev eth0
ip -n "${NS}c" address add $VIP6/64 dev eth0 nodad
check_table "... or the other one, in IPv6" "virtual_ip=fail" b
ip -n "${NS}c" address del $VIP6/64 dev eth0
ip -n "${NS}b" address add $VIP4/24 dev eth0
check_table "the virtual IP is an address of the passive's own" "virtual_ip=fail" b
ip -n "${NS}b" address del $VIP4/24 dev eth0
eventually 30 "nobody else has it: all pass" 'ha b --test-connection 192.0.2.11 >/dev/null 2>&1'

lab_agent a stop
lab_config a $VIP4 2001:db8:1::100
lab_agent a start
wait_for 20 'is_state a active'
check_table "one of two virtual IPs is outside of the segment" "virtual_ip=fail" b
lab_agent a stop

lab_config a 192.0.2.11
lab_agent a start
wait_for 20 'is_state a active'
check_table "the virtual IP is the active's own management address" "virtual_ip=fail" b
check "... and it says so" 'row virtual_ip remedy | grep -qi "management address"' || diag "$(row virtual_ip remedy)"
check "... which it keeps" 'ip -n "${NS}a" -o address show dev eth0 | grep -qF " 192.0.2.11/24 "'
lab_agent a stop
check "... also when it ends" 'ip -n "${NS}a" -o address show dev eth0 | grep -qF " 192.0.2.11/24 "'

# Through a switch, as configured: one pair, and a third one that would join it.
lab_wire bridge
lab_options 'link_direct = false'
lab_config a $VIP4 $VIP6
lab_config b
lab_agent b restart
lab_agent a start
wait_for 20 'is_state a active'
check_table "a bridge, and both are configured for one" "" b
lab_config x 192.0.2.101
lab_agent x start
wait_for 20 'is_state x active'
check_refused "three on one link" 'disconnect' b --test-connection 192.0.2.11
lab_agent x stop
eventually 30 "... two again: b joins" 'ha b --join 192.0.2.11 --yes >"$LAB/out" 2>&1' || diag "$(cat "$LAB/out")"
eventually 20 "a and b are a pair" 'lab_settled a b'
for n in b x; do
	ip -n "${NS}w" link set "w$n" type bridge_slave isolated on # else chance decides which of the two x meets
done
lab_config x
lab_agent x start
wait_for 10 'is_alive x'
check_table "the active has a passive already; that it is on the link, too, only the active can tell" \
	"physical_connection=fail vacant=fail" x
check_refused "... nor can x join" 'passive' x --join 192.0.2.11 --yes
check "the pair is what it was" 'lab_settled a b'
done_testing
