#!/bin/bash
# Two appliances power down and up, in every order: in the end one is active and one passive, and the one with the newer
# term leads. (power.t has what the client sees of a power failure.)
. "$(dirname "$0")/lib.sh"

lab_options 'boot_wait_ms = 1500' 'boot_wait_passive_ms = 2500'
lab_up
lab_config b
lab_pair && pass "a and b are a pair, a active" || fail "a and b are a pair, a active"
active=a passive=b

both_off() {
	# shellcheck disable=SC2046 # lists
	strike power $(lab_power_ports a) $(lab_power_ports b) -- $(lab_pids a) $(lab_pids b) >"$LAB/strike.json"
	lab_power_off a
	lab_power_off b
}

# Power is back for both: neither has a head start but what its own start takes.
both_on() {
	local n
	for n in a b; do
		lab_addresses $n - "$(lab_last $n)"
		ip -n "$NS$n" link set eth3 up
	done
	lab_agent a start
	lab_agent b start
}

# cycle LEADER STEP...: off or on of p (active at the beginning), of q, of both, and "wait" until the one that is left or
# back serves. Then LEADER leads.
cycle() {
	local leader=$1 p=$active q=$passive step one
	shift
	for step in "$@"; do
		case $step in p*) one=$p ;; q*) one=$q ;; esac
		case $step in
		pq-) both_off ;;
		pq+) both_on ;;
		?-) lab_power_off $one ;;
		?+) lab_power_on $one ;;
		wait) wait_for 20 '[ "$(holder)" = a ] || [ "$(holder)" = b ]' || diag "nobody serves" ;;
		esac
	done
	if [ "$leader" = p ]; then active=$p passive=$q; else active=$q passive=$p; fi
	eventually 30 "active $p, passive $q: $*: $active leads" "lab_settled $active $passive" || {
		# The next one wants a pair to begin with.
		wait_for 30 'lab_settled a b || lab_settled b a' || done_testing
		is_state a active && active=a passive=b || active=b passive=a
	}
	check "... nobody else does" "[ \"\$(holder)\" = $active ] && [ \"\$(dump $active .term)\" -ge \"\$(dump $passive .term)\" ]"
}

# The active fails first, and its successor held last.
cycle q p- wait q- q+ wait p+
cycle q p- wait q- p+ q+
cycle q p- wait q- q+ p+
# ... but who is back alone serves with a new term, and is followed.
cycle p p- wait q- p+ wait q+
# The passive fails first: it never held.
cycle p q- p- p+ wait q+
cycle p q- p- p+ q+
cycle p q- p- q+ p+
cycle q q- p- q+ wait p+
# Both at one moment: the successor has had no time.
cycle p pq- p+ q+
cycle p pq- q+ p+
cycle p pq- pq+
# ... and back at one moment, whoever held last and however they went.
cycle q p- wait q- pq+
cycle p q- p- pq+
# One alone.
cycle q p- wait p+
cycle p q- q+
done_testing
