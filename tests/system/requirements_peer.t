#!/bin/bash
# Test connection, who is there and whether he may be asked: passphrase, protocol version, one UTS, IPv6 only, nobody.
. "$(dirname "$0")/lib.sh"

others='address host_name hardware_model ip_addresses network_segment physical_connection protocol role timing vacant version virtual_ip'
unknown_but() { # ROW: all others are unknown
	local row list=''
	for row in $(printf '%s\n' $others | sort); do
		list+=" $row=$([ "$row" = "$1" ] && echo fail || echo unknown)"
	done
	echo "${list# }"
}

lab_up
lab_injects
lab_begin && pass "a holds the virtual IP, b is as it left the factory" || fail "a holds the virtual IP"
wait_for 10 'in_ns b "$TOOLS/injector" capture -n 3 eth3 "$LAB/frames" >/dev/null 2>&1' || fail "frames of a are recorded"

lab_option b 'cluster_passphrase = "correct horse battery staple"'
lab_agent b restart
check_table "a passphrase on one side only" "$(unknown_but protocol)" b
lab_config b
lab_agent b restart

lab_agent a stop
check_table "a host without an agent" "$(unknown_but nobody)" b
check "... and it says what to look for" 'row physical_connection remedy | grep -qi cable'
ip netns exec "${NS}a" "$TOOLS/injector" newer -n 0 -i 200000 eth3 "$LAB/frames" >/dev/null &
injector=$!
check_table "an agent of another protocol version" "$(unknown_but protocol)" b
check "... and it says so" 'row protocol remedy | grep -qi version'
kill $injector
wait $injector 2>/dev/null

lab_config a
lab_agent a start
wait_for 10 'is_alive a'
check_table "the other one is as it left the factory, too" "role=fail virtual_ip=fail" b
lab_agent a stop

# From here on: IPv6 only, one UTS for both, a passphrase.
lab_family a 6
lab_family b 6
lab_rename a
lab_config a $VIP6
lab_option a 'cluster_passphrase = "correct horse battery staple"'
lab_agent b restart
lab_agent a start
wait_for 20 'is_state a active'
check_table "a passphrase at the active only" "$(unknown_but protocol)" b 2001:db8::11
check_refused "... and a join without it is refused" 'passphrase' b --join 2001:db8::11 --yes
lab_option b 'cluster_passphrase = "correct horse battery"'
lab_agent b restart
check_table "another passphrase" "$(unknown_but protocol)" b 2001:db8::11
check "... and it says so" 'row protocol remedy | grep -qi passphrase'
lab_option b 'cluster_passphrase = "correct horse battery staple"'
lab_agent b restart
check_table "the same passphrase; both have IPv6 only" "" b 2001:db8::11
check "neither's dump nor log shows it" \
	'! grep -q "correct horse" "$LAB/a/log" "$LAB/b/log" && ! dump a | grep -q "correct horse" && ! dump b | grep -q "correct horse"'
check_table "an IPv4 address then" "address=fail" b
lab_family b dual
check_table "the active has IPv6 only, the passive both" "ip_addresses=fail" b 2001:db8::11
lab_family b 6
lab_rename b
lab_agent b restart
check_table "the same host name, in one UTS" "host_name=fail" b 2001:db8::11
check "... and the row shows it" '[ "$(row host_name local)" = "$(hostname)" ] && [ "$(row host_name peer)" = "$(hostname)" ]'
done_testing
