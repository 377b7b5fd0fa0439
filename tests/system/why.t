#!/bin/bash
# Why the role changed: asked after each kind of change, at both appliances. The chain has the facts that it should have, and in
# an order in which they can have happened. No time is judged but by what is certain: an order, the dead interval.
. "$(dirname "$0")/lib.sh"

# Times of one form sort as texts. Each has happened, and none before the one ahead of it.
ORDER='def ordered(l): (l | all(. != null)) and l == (l | sort);
       def us: (.[0:19] + "Z" | fromdate) * 1000000 + (.[20:26] | tonumber);
       def path(n): .paths[] | select(.name == n);'

why() { ha "$1" --why=json 2>/dev/null | jq -e "$ORDER $2" >/dev/null 2>&1; } # a|b CONDITION

# told SECONDS DESCRIPTION a|b CONDITION: on both sides there is what the peer has to tell; it is sent once a second.
told() {
	eventually "$1" "$2" "why $3 '$4'" || diag "$(ha "$3" --why=json)"
}

# shellcheck disable=SC2034 # good is in the condition
page() { # DESCRIPTION a|b PATTERN...: each in the page, in this order, and no line is too wide
	local what=$1 n=$2 at=0 line pattern good=1
	shift 2
	ha "$n" --why >"$LAB/out" 2>&1 || good=
	for pattern in "$@"; do
		line=$(tail -n +$((at + 1)) "$LAB/out" | grep -nE -- "$pattern" | head -n 1 | cut -d: -f1)
		[ -n "$line" ] || { diag "not there, or not behind the one before: $pattern" && good= && break; }
		at=$((at + line - 1))
	done
	[ "$(awk '{ if (length > m) m = length } END { print m }' "$LAB/out")" -le 80 ] || good=
	check "$what" '[ -n "$good" ]' || diag "$(cat "$LAB/out")"
}

lab_up

# ---- before there is a pair ----

# shellcheck disable=SC2046 # a list
lab_config a $(lab_vips)
lab_agent a start
eventually 10 "alone: it became active" 'is_state a active && why a ".change == \"own\" and .own.to == \"active\" and .own.rule == \"boot\""'
told 5 "... probed, taken, put on and announced in this order" a \
	'ordered([.own.probe.first, .own.probe.last, .own.decided, .own.lease.on, .own.lease.announced]) and .own.probe.answered_by == "nobody"'
check "... of a peer there is nothing" 'why a ".paired == false and .peer == null and .gap == null" && ! ha a --why | grep -q "not heard"'
page "... and a page says so" a 'appliance-a became active at ' '\[boot\]' 'virtual IP probed' 'initializing -> active' 'virtual IP announced'
lab_agent b start
eventually 10 "one without a virtual IP has changed to nothing" 'is_alive b && ha b --why >$LAB/out 2>&1 && said "^No change of role is known"'
check "... by data too" 'why b ".change == null and .own == null and .related == false"'
check "it takes --json as well, and nothing else" 'ha b --why --json | jq -e .history >/dev/null && ! ha b --why=xml >/dev/null 2>&1'
lab_agent a stop
lab_agent b stop
lab_wipe a
lab_wipe b

# ---- a pair ----

lab_pair
check "a and b are a pair" 'lab_settled a b'
told 5 "the join: b became passive, as it heard the holder" b '.own.to == "passive" and .own.other.claim == "holding"'

check "a swap" 'ha a --swap >$LAB/out 2>&1' || diag "$(cat "$LAB/out")"
eventually 10 "... b is active" 'lab_settled b a'
SWAP_A='.change == "peer" and .related and .own.reason == "swapped by an operator" and .peer.rule == "T1" and
	ordered([.own.handover.intent, .own.handover.acknowledged, .own.lease.released, .own.lease.off, .own.handover.resigned,
		.own.handover.taking]) and
	ordered([.peer.handover.acknowledged, .peer.handover.resigned, .peer.decided, .peer.lease.on, .peer.lease.announced])'
told 5 "... at the giver: both sides, each in its order" a "$SWAP_A"
told 5 "... at the taker too" b "$(sed 's/\.own\./.OWN./g; s/\.peer\./.own./g; s/\.OWN\./.peer./g; s/"peer"/"own"/' <<<"$SWAP_A")"
for n in a b; do
	told 1 "... the gap is from off to announced, and the handover was measured ($n)" $n \
		'.gap.by == "address off" and ordered([.gap.from, .gap.until]) and .gap.handover_ms > 0 and .gap.at_most_ms < 1000'
	page "... a page has it ($n)" $n 'appliance-b became active at ' 'peer handed over \[T1\]' 'asked appliance-b to take over' \
		'virtual IP off the interface' 'passive -> active' 'virtual IP announced' '^Clients were without' 'handover took'
done

# ---- power ----

lab_power_off b
eventually 10 "the power of b fails: a is active" 'is_state a active && [ "$(holder)" = a ]'
told 5 "... by the carrier of the link, or by silence" a '.change == "own" and (.own.rule == "T3" or .own.rule == "T2")'
told 5 "... from the last frame to the announcement in its order" a \
	'ordered([.own.other.holding, (.own | path("link")).carrier_since, .own.probe.last, .own.decided, .own.lease.on, .own.lease.announced])
	and (.own | path("link")).carrier == false and (.own | path("management")).carrier
	and (.own.probe.answered_by == "nobody" or ordered([.own.probe.answered, .own.probe.last]))'
told 1 "... asked in vain, where that decided it" a \
	'.own.rule != "T3" or (.own.solicit.sent > 0 and (.own.solicit.answered | not) and
		ordered([(.own | path("link")).carrier_since, .own.solicit.since, .own.witness.evidence, .own.decided]))'
told 1 "... the segment was heard after the last frame, from a witness" a \
	'ordered([.own.other.heard, .own.witness.evidence, .own.decided]) and .own.witness.station != ""'
told 1 "... the gap is bounded by the last sign of b: a word, or an answer for the address" a \
	'.gap.until == .own.lease.announced and .gap.at_most_ms > 0 and
	([.own.other.holding, (.own.probe | select(.answered_by == "peer") | .answered)] | max) == .gap.from'
check "... what b told before is of another story, and it is not heard" 'why a "(.related | not) and (.peer_heard | not)"'
page "... a page has it" a 'appliance-a became active' 'last word of appliance-b: active' 'no carrier on link' \
	'virtual IP probed' 'passive -> active' 'announced' '^Clients were without' 'appliance-b is not heard now'
lab_power_on b
eventually 45 "b returns" 'lab_settled a b'
told 5 "... at a: it has been restarted since, and its return follows" a \
	'.change == "own" and .restarted and .related and .peer.from == "initializing" and ordered([.own.decided, .peer.decided])'
told 5 "... at b: the same story, from a" b \
	'.change == "peer" and .restarted and .own.from == "initializing" and (.peer.rule == "T3" or .peer.rule == "T2") and (.gap.by | test("holding|answered"))'
page "... a page at b" b 'appliance-a became active' 'appliance-a +passive -> active' 'appliance-b +initializing -> passive' \
	'agent of appliance-b has been restarted'

# ---- standing still ----

lab_freeze a
eventually 10 "a stands still: b is active" 'is_state b active && [ "$(holder)" = b ]'
told 5 "... both paths fell silent, with their carrier" b \
	'.own.rule == "T2" and ([.own.paths[] | .carrier and .missed >= 3] | all) and .own.solicit.sent == 0'
DEAD_US=$(dump b '.timing.dead_ms * 1000')
told 1 "... for a dead interval at least" b \
	"[.own.paths[].heard | us] as \$heard | (.own.decided | us) - (\$heard | max) >= $DEAD_US - 1000"
told 1 "... last frame, probe, decision, announcement" b \
	'ordered([.own.other.heard, .own.probe.first, .own.probe.last, .own.decided, .own.lease.on, .own.lease.announced])'
page "... a page has it" b 'appliance-b became active.*' '\[T2\]' 'last frame of appliance-a on (link|management): [0-9]+ missed' \
	'virtual IP probed' 'passive -> active' 'Clients were without' 'appliance-a is not heard now'
lab_thaw a
eventually 30 "a wakes" 'lab_settled b a'
told 5 "... and has its side to tell: it gave up, or its agent began anew" b \
	'.change == "own" and .related and (.peer.from == "active" or .restarted) and ordered([.own.decided, .peer.decided])'
told 5 "... at a: b is the one that changed last" a '.change == "peer" and .peer.rule == "T2" and (.gap.by | test("holding|answered"))'

# ---- a restart of the one that serves ----

check "the agent that serves is killed" 'kill -KILL "$(pid_of b engine)"'
eventually 45 "... one of them holds it again" 'lab_settled b a || lab_settled a b'
check "... and it can be asked why, at both" 'ha a --why >/dev/null && ha b --why >/dev/null'

check "no account was refused" '[ "$(counter a link.bad_value)" = 0 ] && [ "$(counter b link.bad_value)" = 0 ] && [ "$(counter a link.bad_type)" = 0 ]'
done_testing
