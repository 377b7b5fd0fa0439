#!/bin/bash
# The virtual IP itself: deleted by hand, claimed by somebody else, a stale one at start.
. "$(dirname "$0")/lib.sh"

lab_up_pair

lab_watch
ip -n "${NS}a" address del $VIP4/32 dev eth0
eventually 5 "the IPv4 address is deleted by hand: it is put back" 'holds a $VIP4'
ip -n "${NS}a" address del $VIP6/128 dev eth0
eventually 5 "the IPv6 address is deleted by hand: it is put back" 'holds a $VIP6'
check "... the dump counts it" '[ "$(dump a .guardian.restored)" -ge 2 ]'
check "... nobody changed his role" 'lab_settled a b'
sleep 1
lab_watched
check_client_served
check_one_answered

lab_watch
in_ns g "$TOOLS/injector" claim -n 20 -i 50000 eth0 $VIP4 >/dev/null
eventually 5 "somebody else claims it: the history says who" \
	'[ "$(events a third_party)" -ge 1 ]'
check "... the holder holds on" 'lab_settled a b'
sleep 1
lab_watched
check "... and defends it: the client is served" client_served
check "one claim a moment is one line in the history, not twenty" \
	'[ "$(events a third_party)" -le 3 ]'

check "an address of the lease has an end, should nobody renew it" \
	'ip -n ${NS}a -o address show dev eth0 | grep -F "$VIP4/" | grep -q "valid_lft [0-9]"'
check "it is not chosen as a source" \
	'[ "$(in_ns a ip route get 192.0.2.10 | grep -o "src [^ ]*")" = "src 192.0.2.11" ] &&
	in_ns a ip route get 2001:db8::10 | grep -q "src 2001:db8::11 "'

# shellcheck disable=SC2046 # a list
kill -KILL $(lab_pids a)
wait_for 5 '[ -z "$(lab_pids a)" ]'
check "the holder is killed, all of it: the kernel has the address still" 'holds a any'
lab_agent a start
wait_for 10 'is_alive a'
check "... it is started again: what an earlier run left is swept at start" '! holds a any'
eventually 45 "one holds it, the other stands by" 'lab_settled b a || lab_settled a b'
done_testing
