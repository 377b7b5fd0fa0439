#!/bin/bash
# The join: refused and nothing changed, asked for at a terminal, by IPv4 and by IPv6, with a passphrase, with a key.
. "$(dirname "$0")/lib.sh"

factory() { # both as they left the factory, a with the virtual IP
	lab_agent b stop
	lab_agent a stop
	lab_wipe a
	lab_wipe b
	lab_config b
	lab_begin
}
registration() { dump "$1" '"\(.registration.allowed) \(.registration.addresses | sort | join(" "))"'; }
peer() { dump "$1" '.peer | "\(.host_name) \(.management_addresses | sort | join(" "))"'; }
unchanged() { # DESCRIPTION: since $before was taken
	check "$1" '[ "$before" = "$(lab_snapshot)" ]' || diag "before: $before" "now: $(lab_snapshot)"
}

lab_up
lab_begin && pass "a holds the virtual IP, b is as it left the factory" || fail "a holds the virtual IP"
key_a=$(dump a .fingerprint) key_b=$(dump b .fingerprint)
before=$(lab_snapshot)

check "an appliance that is active and no pair: is-active says so" 'ha a --is-active >/dev/null 2>&1'
check "... and it may register, under the virtual IP" '[ "$(registration a)" = "true $VIP4 $VIP6" ]'
check "so does one that never joined: it works for itself" 'ha b --is-active >/dev/null 2>&1 && is_state b active'
check "... and may register under its own addresses" '[ "$(registration b)" = "true 192.0.2.12 2001:db8::12" ]'

check_refused "a join to an address that is not the other's" 'address' b --join 192.0.2.77 --yes
check_refused "... to the own one" 'address' b --join 192.0.2.12 --yes
sleep 1.5 # SPEC 7.R17: b has just asked a
check_refused "a join at the active" 'active' a --join 192.0.2.12 --yes
ha b --join 192.0.2 --yes >"$LAB/out" 2>&1
check "a join to what is no address: exit 2" "[ $? -eq 2 ]"
check_refused "without a terminal and without --yes" '--yes' b --join 192.0.2.11
lab_appliance b patch 3
lab_agent b restart
ha b --join 192.0.2.11 --yes >"$LAB/out" 2>&1
check "with a requirement that is not met: refused" "[ $? -eq 1 ]" || diag "$(cat "$LAB/out")"
check "... and the row is shown" 'said "Firmware, hotfix" && said "patch"' || diag "$(cat "$LAB/out")"
lab_config b
lab_agent b restart
check "... nobody has become part of a pair" \
	'[ "$(dump b .mode), $(dump b .peer), $(dump a .peer)" = "standalone, null, null" ] && is_state a active'
before=$(lab_snapshot)

other=$(ask b "{\"action\": \"join\", \"address\": \"192.0.2.11\", \"peer_fingerprint\": \"$key_b\"}")
check "with a key that is not the one the operator saw: refused" '[ "$(jq -r .result <<<"$other")" != done ]' || diag "$other"
unchanged "... and nothing has changed"
other=$(ask b '{"action": "join", "address": "192.0.2.11", "peer_fingerprint": "no key"}')
check "with what is no key: refused" '[ "$(jq -r .result <<<"$other")" != done ]' || diag "$other"
on_terminal no b --join 192.0.2.11 >"$LAB/out" 2>&1
check "at a terminal, answered with no: nothing is done" "[ $? -eq 1 ]" || diag "$(cat "$LAB/out")"
check "... after the fingerprints of both were shown" 'grep -qF "$key_a" "$LAB/out" && grep -qF "$key_b" "$LAB/out"' || diag "$(cat "$LAB/out")"
unchanged "... and nothing has changed"

on_terminal yes b --join 192.0.2.11 >"$LAB/out" 2>&1
check "... answered with yes: it joins" "[ $? -eq 0 ]" || diag "$(cat "$LAB/out")"
check "... and each knows the other one's name and addresses at once" \
	'[ "$(peer a), $(peer b)" = "appliance-b 192.0.2.12 2001:db8::12, appliance-a 192.0.2.11 2001:db8::11" ]' ||
	diag "$(peer a), $(peer b)"
eventually 20 "a is active, b passive and ready" 'lab_settled a b'
check "the keys are those that were shown" '[ "$(dump b .peer.fingerprint) $(dump a .peer.fingerprint)" = "$key_a $key_b" ]'
check "the passive may not register" '[ "$(registration b)" = "false " ] && [ -n "$(dump b .registration.reason)" ]'
check "... the active may, under the virtual IP" '[ "$(registration a)" = "true $VIP4 $VIP6" ]'
check "is-active: a is, b is not" 'ha a --is-active >/dev/null 2>&1 && { ha b --is-active >/dev/null 2>&1; [ $? -eq 1 ]; }'
check "the requirements are in the dump of the pair, and met" \
	'[ "$(dump a "[.requirements[] | .result == \"pass\"] | all") $(dump b "[.requirements[] | .result == \"pass\"] | all")" = "true true" ]' ||
	diag "$(dump a '.requirements[] | tojson')"

before=$(lab_snapshot)
check "the address to register under is the first of them" '[ "$(dump a .registration.address) $(dump b .registration.address)" = "$VIP4 null" ]'
check_refused "b does not join once more, and names the active" 'pair.*appliance-a at 192.0.2.11' b --join 192.0.2.11 --yes
check_refused "nor does a join b" 'pair|active' a --join 192.0.2.12 --yes
check_refused "a connection test in a pair has its row for that" 'pair' b --test-connection 192.0.2.11
unchanged "nothing has changed by it"

factory || fail "both as they left the factory"
key_a=$(dump a .fingerprint)
other=$(ask b "{\"action\": \"join\", \"address\": \"2001:db8::11\", \"peer_fingerprint\": \"$key_a\"}")
check "by the IPv6 address, and the key that the operator saw: it joins" '[ "$(jq -r .result <<<"$other")" = done ]' || diag "$other"
eventually 20 "a is active, b passive and ready" 'lab_settled a b'

lab_agent b stop
lab_agent a stop
lab_options 'cluster_passphrase = "open sesame"'
lab_wipe a
lab_wipe b
lab_config b
lab_option b 'cluster_passphrase = "open barley"'
lab_begin || fail "both as they left the factory, with passphrases"
before=$(lab_snapshot)
check_refused "with another passphrase" 'passphrase' b --join 192.0.2.11 --yes
unchanged "... nothing has changed"
lab_config b
lab_agent b restart
check_done "with the same" b --join 192.0.2.11 --yes
eventually 20 "a is active, b passive and ready" 'lab_settled a b'
lab_agent b restart
eventually 20 "... and after a restart" 'lab_settled a b'
done_testing
