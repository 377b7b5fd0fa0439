#!/bin/bash
# Suspension and force: a pair that may not take over, for a time or until resumed, over restarts and a loss of the
# active; and a pair of two versions.
. "$(dirname "$0")/lib.sh"

suspended() { is_state b suspended && [ "$(dump a .suspension.suspended) $(dump b .suspension.suspended)" = "true true" ]; }
resumed() { lab_settled a b && [ "$(dump a .suspension.suspended) $(dump b .suspension.suspended)" = "false false" ]; }
is_active() { # a|b STATUS
	ha "$1" --is-active >/dev/null 2>&1
	[ $? -eq "$2" ]
}

lab_options 'boot_wait_ms = 2500' 'boot_wait_passive_ms = 5000'
lab_up_pair wire

ha a --suspend=never >"$LAB/out" 2>&1
check "a duration that is none: exit 2" "[ $? -eq 2 ]"
check_done "the active suspends the pair for 3 s" a --suspend=3
eventually 2 "both are suspended" suspended
check "... and say until when" '[ "$(dump a ".suspension.left_s <= 3 and .suspension.until != null")" = true ]'
eventually 10 "it ends by itself" resumed
check "... and the history has both" '[ "$(events a suspended) $(events a resumed)" = "1 1" ]'

check_done "suspended for 15 s" a --suspend=15s
eventually 4 "both are suspended" suspended
lab_power_off b
lab_power_off a
lab_power_on a
wait_for 10 'is_state a initializing'
check "the power of both fails. a, which has not decided yet, is not active" 'is_active a 1'
lab_power_on b
eventually 20 "... it holds the virtual IP again" '[ "$(holder)" = a ] && is_state a active && is_active a 0'
eventually 10 "... and they are suspended still" 'suspended && is_active b 1'
check "... for what is left" '[ "$(dump a ".suspension.left_s < 15")" = true ]'
eventually 25 "it ends by itself" resumed

check_done "suspended until it is resumed" a --suspend
eventually 4 "both are suspended" suspended
check "... without an end" '[ "$(dump a ".suspension | [.until, .left_s] | tojson")" = "[null,null]" ]'
check_refused "... no swap" 'suspend' a --swap
lab_power_off a
always 3 "the power of the active fails: b does not take over" '[ "$(holder)" = none ] && is_state b suspended'

check_refused "b is not forced without a terminal and without --yes" '--yes' b --force-active
on_terminal '' b --force-active >"$LAB/out" 2>&1
check "at a terminal, an empty answer: nothing is done" "[ $? -eq 1 ]"' && [ "$(holder)" = none ]' || diag "$(cat "$LAB/out")"
on_terminal yes b --force-active >"$LAB/out" 2>&1
check "... nor is a plain yes enough" "[ $? -eq 1 ]"' && [ "$(holder)" = none ]' || diag "$(cat "$LAB/out")"
on_terminal force b --force-active >"$LAB/out" 2>&1
check "... it wants the word, and does it" "[ $? -eq 0 ]" || diag "$(cat "$LAB/out")"
eventually 10 "... b is active, and holds the virtual IP" 'is_state b active && [ "$(holder)" = b ]'
check "... the history says by whom" 'ha b --history | grep -qi force'
lab_power_on a
check_done "b resumes" b --resume
eventually 30 "a comes back: it stands by" 'lab_settled b a'
check_refused "nothing is forced at the passive of an active" 'holds' a --force-active --yes
check "... b holds the virtual IP" 'lab_settled b a'

# Two versions, as in an upgrade of one after the other.
check "sync is not paused" '[ "$(dump b .sync.paused) $(dump a .sync.paused)" = "null null" ]'
lab_appliance a patch 3
lab_agent a restart
eventually 20 "the passive comes back with another patch: it can take over still" 'lab_settled b a'
eventually 5 "... sync is paused, and both say why" \
	'dump b .sync.paused | grep -q version && dump a .sync.paused | grep -q version' || diag "$(dump b .sync)"
check "... the active is degraded, and says why" '[ "$(dump b .degraded)" = true ] && dump b ".degraded_reasons[]" | grep -q version' ||
	diag "$(dump b '.degraded_reasons | tojson')"
check "... its requirement is not met, and says what to do" \
	'[ "$(dump b ".requirements[] | select(.name == \"version\") | .result")" = fail ] &&
	dump b ".requirements[] | select(.name == \"version\") | .remedy" | grep -q patch'
check "... the history has it" '[ "$(events b version_mismatch)" = 1 ]'
check_done "a swap, to upgrade the other one" b --swap
eventually 10 "... a is active, b stands by" 'lab_settled a b'
lab_appliance b patch 3
lab_agent b restart
eventually 20 "b comes back with the same patch" 'lab_settled a b'
eventually 5 "... and sync goes on" '[ "$(dump b .sync.paused) $(dump a .sync.paused)" = "null null" ]'
check "... neither is degraded" '[ "$(dump a .degraded) $(dump b .degraded)" = "false false" ]'
check "... the history has it" '[ "$(events a version_match)" -ge 1 ]'
done_testing
