#!/bin/bash
# Test connection, what the two appliances are: each requirement violated, told by its row, and nothing changed.
. "$(dirname "$0")/lib.sh"

lab_up
lab_begin $VIP4 && pass "a holds the virtual IP, b is as it left the factory" || fail "a holds the virtual IP"

check_table "both are as they should be" "" b
check "the table has the product's seven requirements first" \
	'[ "$(jq -r "[.[:7][].name] | join(\" \")" "$LAB/table")" = "hardware_model physical_connection version host_name ip_addresses network_segment virtual_ip" ]'
check "... and the values of both sides" \
	'[ "$(row hardware_model local) $(row hardware_model peer) $(row host_name local) $(row host_name peer)" = "1100 1100 appliance-b appliance-a" ]'
check "for people it is a table of the same" \
	'[ "$(sed "1d; /^\$/,\$d" "$LAB/out" | cut -c1-20 | xargs)" = "$(jq -r ".[].title" "$LAB/table" | xargs)" ]' ||
	diag "$(cat "$LAB/out")"
check "... and the same once more in JSON, as the dump keeps it" \
	'ha b --test-connection 192.0.2.11 --json | jq -S .requirements >"$LAB/json" && [ -s "$LAB/json" ] &&
		dump b .requirements | jq -S . | cmp -s - "$LAB/json"'
lab_family b 4
check "... also when the addresses change then" 'dump b .requirements | jq -S . | cmp -s - "$LAB/json"'
lab_family b dual
check_table "by the active's IPv6 address" "" b 2001:db8::11

# The address that the operator types.
check_table "an address that nobody has" "address=fail" b 192.0.2.77
check_table "an IPv6 address that nobody has" "address=fail" b 2001:db8::77
check_table "the gateway's address" "address=fail" b 192.0.2.1
check_table "the own address" "address=fail" b 192.0.2.12
check_table "the virtual IP" "address=fail" b $VIP4
for address in '' appliance-a 192.0.2 192.0.2.11/24 192.0.2.11x 2001:db8:::11 "$(printf '1%.0s' {1..5000})"; do
	ha b --test-connection "$address" >"$LAB/out" 2>&1
	check "'${address:0:20}' is no address: exit 2" "[ $? -eq 2 ] && [ -s \"\$LAB/out\" ]"
done

# Both at once, and the cable is plugged in when they have begun: they are told so, and no passphrase is to blame.
sleep 1.5 # SPEC 7.R17: the visit of b is over
ip -n "${NS}a" link set eth3 down
ha a --test-connection 192.0.2.12 >"$LAB/out.a" 2>&1 &
tests=$!
ha b --test-connection 192.0.2.11 >"$LAB/out.b" 2>&1 &
tests+=" $!"
sleep 0.5
ip -n "${NS}a" link set eth3 up
# shellcheck disable=SC2086 # a list
wait $tests
check "both test at once: they are told so" 'tr -s "\n " " " <"$LAB/out.a" | grep -q "one of the two only" &&
	tr -s "\n " " " <"$LAB/out.b" | grep -q "one of the two only"' || diag "$(cat "$LAB/out.a" "$LAB/out.b")"
check "... and the passphrases are not blamed" '! grep -qh "same cluster_passphrase" "$LAB/out.a" "$LAB/out.b"'
sleep 1.5 # SPEC 7.R17: the visit is over
check_table "... and alone it passes again" "" b

# Addresses, as they change while the agents run.
lab_family b 4
check_table "the active has both families, the passive IPv4 only" "ip_addresses=fail" b
lab_family b 6
check_table "... or IPv6 only" "ip_addresses=fail virtual_ip=fail" b
lab_family b dual
lab_family a 4
check_table "the active has IPv4 only, the passive both" "ip_addresses=fail" b
lab_family b 4
check_table "both have IPv4 only" "" b
lab_family a dual
lab_family b dual
ip -n "${NS}b" address del 192.0.2.12/24 dev eth0
ip -n "${NS}b" address add 192.0.2.12/25 dev eth0
check_table "another prefix length" "network_segment=fail" b
check "... and the row shows both" 'row network_segment local | grep -q /25 && row network_segment peer | grep -q /24'
ip -n "${NS}b" address del 192.0.2.12/25 dev eth0
lab_addresses b - 12
ip -n "${NS}b" address del 2001:db8::12/64 dev eth0
ip -n "${NS}b" address add 2001:db8:1::12/64 dev eth0 nodad
check_table "another prefix" "network_segment=fail" b
ip -n "${NS}b" address del 2001:db8:1::12/64 dev eth0
lab_addresses b - 12

ip -n "${NS}a" address add 192.0.2.50/24 dev eth0
ip -n "${NS}b" address add 192.0.2.50/24 dev eth0
check_table "a management address on both" "network_segment=fail" b
check "... and it says so" 'row network_segment remedy | grep -q "both have the same"' || diag "$(row network_segment remedy)"
ip -n "${NS}a" address del 192.0.2.50/24 dev eth0
ip -n "${NS}b" address del 192.0.2.50/24 dev eth0
check_table "on neither: all is as it should be" "" b

# The appliance: b is started again, each time as another one.
other() { # DESCRIPTION ROWS
	lab_agent b restart
	check_table "$@" b
	lab_config b
}
lab_appliance b model 1000
other "another model" "hardware_model=fail"
lab_option b 'supported_models = {"1000", "1200"}'
other "a model that may not form a pair" "hardware_model=fail"
lab_appliance b firmware 7.1.0.1235
other "another firmware" "version=fail"
check "... and the row shows both" 'row version local | grep -q 7.1.0.1235 && row version peer | grep -q 7.1.0.1234'
lab_appliance b hotfix 1051
other "another hotfix" "version=fail"
lab_appliance b patch ''
other "no patch" "version=fail"
lab_rename b appliance-a
other "the same host name" "host_name=fail"
lab_rename b $'appliance-\xff'
other "a host name that is no UTF-8" "host_name=fail"
lab_rename b "$(printf 'b%.0s' {1..64})"
other "the longest host name" ""
lab_rename b appliance-b
lab_option b 'timing = "default"'
other "another timing" "timing=fail"
lab_option b 'link_direct = false'
other "a direct cable is claimed on one side only" "physical_connection=fail"

wrong() { # DESCRIPTION: in $LAB/bad.conf
	"$HAAGENT" -c "$LAB/bad.conf" --check-config >"$LAB/out" 2>&1
	check "$1: the configuration is refused with its line" "[ $? -eq 2 ]"' && said "bad.conf:8:"' || diag "$(cat "$LAB/out")"
}
sed "s/7.1.0.1234/$(printf '7%.0s' {1..33})/" "$LAB/b/haagent.conf" >"$LAB/bad.conf"
wrong "a firmware of 33 bytes"
LC_ALL=C sed $'s/7.1.0.1234/7.1\xff\xfe/' "$LAB/b/haagent.conf" >"$LAB/bad.conf"
wrong "a firmware that is no UTF-8"
done_testing
