#!/bin/bash
# The lab itself, without the program: what it claims to do to a machine is done, and its witnesses see it.
. "$(dirname "$0")/lib.sh"

lab_up bare wire third
put() {
	ip -n "$NS$1" address add $VIP4/32 dev eth0
	ip -n "$NS$1" address add $VIP6/128 dev eth0 nodad
}
take() {
	ip -n "$NS$1" address del $VIP4/32 dev eth0
	ip -n "$NS$1" address del $VIP6/128 dev eth0
}
forget() { ip -n "${NS}c" neighbour flush all && ip -n "${NS}c" neighbour flush nud permanent 2>/dev/null; }
carrier() { [ "$(in_ns "$1" cat "/sys/class/net/$2/carrier" 2>/dev/null)" = "$3" ]; }

check "nobody holds the virtual IP at first" '[ "$(holder)" = none ]'
put a
check "it is put on a: the holder is a" '[ "$(holder)" = a ]'
lab_watch
sleep 0.5
lab_watched
check "the client is served" 'client_served && [ "$(lost)" = 0 ]'
check "its longest wait was a few milliseconds" 'jq -en "$(outage_ms) < 50" >/dev/null'
check "the witness saw one station" '[ "$(witness "[.addresses[].stations | length] | max")" = 1 ]'
check_one_answered

lab_watch
take a
sleep 0.4
put b
forget
sleep 0.6
lab_watched
check "400 ms without an answer are seen as such" 'jq -en "$(outage_ms) > 390 and $(outage_ms) < 3000" >/dev/null'
check "the witness saw it move from one station to the other" '[ "$(witness "[.addresses[].switches | length] | min")" = 1 ]'
check_one_answered

lab_watch
put a
check "it is on both: the holder is both" '[ "$(holder)" = both ]'
for ((i = 0; i < 20; i++)); do
	forget
	sleep 0.05
done
lab_watched
check "the witness saw that two answered" '[ "$(overlaps)" -gt 0 ]'
take a
forget

lab_watch
lab_freeze b
sleep 0.4
check "frozen: b's carriers are up" 'carrier b eth0 1 && carrier b eth3 1'
lab_thaw b
sleep 0.3
lab_watched
check "... the client saw it stand still, and go on" 'client_served && jq -en "$(outage_ms) > 390" >/dev/null'

lab_watch
lab_power_off b
sleep 1
check "power-off of b: a has no carrier on eth3, the switch none at its port" 'carrier a eth3 0 && carrier sw pb 0'
check "... both went within 5 ms" 'jq -e ".took_us < 5000" $LAB/strike.json >/dev/null'
lab_watched
check "the client is not served, and the run says so" '! client_served'

lab_addresses b - 12
ip -n "${NS}b" link set eth3 up
strike up "${NS}w:wa" "${NS}w:wb" >/dev/null
eventually 5 "the power is back: carriers are up" 'carrier a eth3 1 && carrier sw pb 1 && carrier b eth0 1'

received() { in_ns "$1" cat /sys/class/net/eth3/statistics/rx_packets; }
crossing() { # [TO [FROM [MAC]]]: of 200 frames sent at FROM's eth3, how many reach TO's
	local to=${1:-b} before
	before=$(received "$to")
	in_ns "${2:-a}" "$TOOLS/injector" header -n 200 -d "${3:-01:80:c2:00:00:0e}" eth3 >/dev/null
	sleep 0.1
	echo $(($(received "$to") - before))
}
check "the wire passes everything" '[ "$(crossing)" = 200 ]'
lab_loss 30 0
check "... or loses about a third" 'n=$(crossing) && [ $n -gt 100 ] && [ $n -lt 180 ]'
lab_loss 100 0
check "... or everything" '[ "$(crossing)" = 0 ]'
check "... and the carrier stays" 'carrier a eth3 1 && carrier b eth3 1'
lab_wire bridge
check "a bridge on it passes no frame to the nearest-bridge group" '[ "$(crossing) $(crossing a b)" = "0 0" ]'
check "... and every one to another" '[ "$(crossing b a 03:48:41:47:00:02) $(crossing x b 03:48:41:47:00:02)" = "200 200" ]'
lab_wire hub
check "a hub on it passes everything to everybody" '[ "$(crossing b a) $(crossing x a) $(crossing a x) $(crossing b x)" = "200 200 200 200" ]'
lab_wire cable
check "a cable again: x has no part in it" '[ "$(crossing b a) $(crossing x a) $(crossing a x)" = "200 0 0" ]'
lab_cut_link
check "the cable is cut: no carrier at either end" 'carrier a eth3 0 && carrier b eth3 0'
lab_heal_link
lab_cut_mgmt a
check "the management cable of a is cut: no carrier" 'carrier a eth0 0 && carrier a eth3 1'

lab_heal_mgmt a
wait_for 5 'carrier a eth0 1'
who() { # answers for b's address at a
	ip -n "${NS}a" neighbour flush dev eth0
	in_ns a ping -qnc1 -W1 192.0.2.12 >/dev/null
	ip -n "${NS}a" neighbour show 192.0.2.12 dev eth0
}
check "b is in a's segment" 'who | grep -q 02:00:00:00:00:0b'
lab_segment other
check "... in another one: nobody answers for it" '! who | grep -q lladdr'
lab_segment routed
check "... behind the gateway, that answers for it" 'who | grep -q 02:00:00:00:00:01'
lab_segment same
check "... and back" 'who | grep -q 02:00:00:00:00:0b'
lab_family b 6
check "b has IPv6 only" '! ip -n "${NS}b" address show dev eth0 | grep -q "192\.0\.2" && ip -n "${NS}b" address show dev eth0 | grep -q 2001:db8::12/64'
lab_family b 4
check "... IPv4 only" 'ip -n "${NS}b" address show dev eth0 | grep -q 192.0.2.12/24 && ! ip -n "${NS}b" address show dev eth0 | grep -q 2001:db8::12/64'

dir=$LAB
lab_down
check "nothing is left of the lab" "[ ! -e $dir ]"' && ! ip netns list | grep -q "^$NS"'

left=$(bash -c ". '$LAB_ROOT/tests/system/lib.sh'; lab_up bare; lab_watch; echo \$NS \$LAB; kill -INT \$\$; sleep 20" 2>/dev/null)
check "nor of one that was interrupted" \
	'[ -n "${left#* }" ] && [ ! -e "${left#* }" ] && ! ip netns list | grep -q "^${left% *}"' || diag "$left"
done_testing
