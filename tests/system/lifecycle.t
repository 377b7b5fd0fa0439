#!/bin/bash
# The end of a pair: detach, remove, and what becomes of a former peer or a stranger that comes back.
. "$(dirname "$0")/lib.sh"

# An appliance that has been sent away must not take the virtual IP that its own configuration still names.
named() {
	# shellcheck disable=SC2046 # a list
	lab_config "$1" $(lab_vips)
}
standalone() { [ "$(dump "$1" '"\(.mode), \(.role)"')" = "standalone, standalone" ] && ! holds "$1" any; }
told() { ha "$1" --history=json | jq -e --arg r "$2" '[.history[] | select(.reason | test($r))] | length > 0' >/dev/null; }
unreachable() { wait_for 10 "[ \"\$(path_state $1 link) \$(path_state $1 management)\" = 'silent silent' ]"; }

lab_options 'boot_wait_ms = 1500' 'boot_wait_passive_ms = 2500'
lab_up_pair wire

before=$(lab_snapshot)
for action in '--detach --yes' '--remove --yes' '--swap' '--suspend' '--resume'; do
	# shellcheck disable=SC2086 # an action and its option
	check_refused "$action at the passive is refused, and names the active" '192\.0\.2\.11|2001:db8::11' b $action
done
check_refused "remove is refused while the passive is heard" 'heard' a --remove --yes
check "nothing has changed by it" '[ "$before" = "$(lab_snapshot)" ]' || diag "$before" "$(lab_snapshot)"

lab_watch
check_done "the active detaches its passive" a --detach --yes
eventually 10 "... the passive is standalone, and holds nothing" 'standalone b'
check "... the active is active" 'is_state a active && [ "$(holder)" = a ]'
check "... neither has a peer" '[ "$(dump a .peer) $(dump b .peer)" = "null null" ]'
check "... both say why" '[ "$(dump b .parting)" = detached ] && told a "ended by an operator" && told b "ended by an operator"'
check_refused "... swap is refused now" 'not part of a pair' a --swap
newest_frames() { ip netns exec "$NS$1" "$HAAGENT" -c "$LAB/$1/haagent.conf" --capture - --seconds 3 2>/dev/null | "$HAAGENT" --decode - | tail -n 4; }
check "... each says that it has no pair, and neither answers that" '[ "$(newest_frames a | grep -c "BEACON .*unpaired")" = 4 ]' ||
	diag "$(newest_frames a)"

# Detached, and started again with a virtual IP in its configuration: it takes that when it is told to, if nobody has it.
named b
lab_agent b restart
check "started again, b does not take the virtual IP that its configuration names" 'standalone b'
check_done "it is forced to be active while a is" b --force-active --yes
eventually 10 "... it finds the virtual IP in use" 'is_state b faulted'
always 2 "... and does not take it" '[ "$(holder)" = a ] && is_state b faulted'
lab_watched
check_unnoticed "the client noticed nothing of all this"
check_one_answered

lab_watch
lab_agent a stop
eventually 10 "a stops: the one that was forced takes it" 'is_state b active && [ "$(holder)" = b ]'
lab_agent a start
eventually 10 "a starts: it finds the virtual IP in use" 'is_state a faulted'
always 2 "... and does not take it" '[ "$(holder)" = b ] && is_state a faulted'
lab_agent b stop
eventually 10 "b stops: a takes it" 'is_state a active && [ "$(holder)" = a ]'
lab_watched
check_client_served
check_one_answered
lab_config b
lab_agent b start
eventually 10 "b starts, without it in its configuration: it is standalone" 'standalone b'

check_done "b joins again" b --join 192.0.2.11 --yes
eventually 20 "... they are a pair again, a active" 'lab_settled a b'
check "... and the parting is forgotten" '[ "$(dump b .parting)" = null ]'
check "... nor is the peer a stranger any more, on either" '[ "$(dump a ".strangers | length") $(dump b ".strangers | length")" = "0 0" ]' ||
	diag "$(dump a .strangers)" "$(dump b .strangers)"

lab_power_off b
unreachable a
check "what needs a peer that is not heard is unknown, and not failed" \
	'[ "$(dump a ".requirements[] | select(.name == \"network_segment\") | .result")" = unknown ]' || diag "$(dump a .requirements)"
lab_watch
check_done "the power of the passive is off: the active removes it" a --remove --yes
check "... with a warning about what the other one may think" 'said "may think"' || diag "$(cat "$LAB/out")"
check "... and has no peer" '[ "$(dump a .peer)" = null ]'
lab_power_on b
lab_cut_link
eventually 20 "it comes back, but for the link: it is told, and standalone" 'standalone b && [ "$(dump b .parting)" = removed ]'
check "... its history has it" 'told b remove'
eventually 5 "... the active recognises it" 'dump a ".strangers[].why" | grep -q "removed from the pair"'
always 3 "... and it never takes the virtual IP" 'standalone b'
lab_watched
check_unnoticed "the client noticed nothing of it"
check_one_answered
lab_heal_link
check_done "b joins again" b --join 192.0.2.11 --yes
eventually 20 "... they are a pair again, a active" 'lab_settled a b'

lab_cut_link
lab_cut_mgmt b
unreachable a
unreachable b
check_done "each is cut off from the other: a removes b" a --remove --yes
check_done "... and b removes a" b --remove --yes
check "... who held the virtual IP holds it" '[ "$(holder)" = a ] && is_state a active && standalone b'
lab_heal_mgmt b
lab_heal_link
always 3 "... also when they hear each other again" '[ "$(holder)" = a ] && is_state a active && standalone b'
check_done "b joins again" b --join 192.0.2.11 --yes
eventually 20 "... they are a pair again, a active" 'lab_settled a b'

lab_power_off a
eventually 15 "the power of the active is off: b takes over" 'is_state b active && [ "$(holder)" = b ]'
unreachable b
check_done "... and removes a" b --remove --yes
lab_watch
lab_power_on a
eventually 20 "a comes back, its configuration names the virtual IP: it is told, and standalone" \
	'standalone a && [ "$(dump a .parting)" = removed ]'
always 3 "... and never takes it" '[ "$(holder)" = b ] && standalone a'
lab_agent a restart
always 3 "... nor after a restart" '[ "$(holder)" = b ] && ! holds a any'
check "... standalone as before" 'standalone a'
lab_watched
check_unnoticed "the client noticed nothing of it"
check_one_answered
check_done "a joins b" a --join 192.0.2.12 --yes
eventually 20 "... they are a pair, b active" 'lab_settled b a'

# Another appliance in the place of a: it has no key of a's.
lab_agent a stop
lab_wipe a
lab_config a
lab_agent a start
wait_for 10 'is_alive a'
eventually 15 "a stranger in the place of a is seen as one, by its fingerprint" \
	'[ "$(dump b ".strangers[] | select(.fingerprint == \"$(dump a .fingerprint)\") | .why")" = "not a member of this pair" ]'
check "... and reported" '[ "$(events b stranger)" -ge 1 ]'
check_refused "... it cannot join, for b has a passive" 'passive' a --join 192.0.2.12 --yes
check "... and b is what it was" 'is_state b active && [ "$(holder)" = b ] && [ "$(dump b .role)" = active ] && [ "$(dump b .peer)" != null ]'
check_done "b removes the appliance that is gone" b --remove --yes
check_done "... and takes the new one" a --join 192.0.2.12 --yes
eventually 20 "... they are a pair, b active" 'lab_settled b a'
done_testing
