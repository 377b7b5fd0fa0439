#!/bin/bash
# Service checks: commands that misbehave; recovery; a passive that is not ready; the handover, or none.
. "$(dirname "$0")/lib.sh"

service() { dump "$1" ".checks[] | select(.name == \"$2\") | \"\\(.state) \\(.last)\""; } # a|b CHECK: state, newest run
told() { # a|b EVENT CHECK
	ha "$1" --history=json | jq -e "[.history[] | select(.event == \"$2\" and .subject == \"$3\")] | length > 0" >/dev/null
}
critical() { # a|b EVENT
	ha "$1" --history=json | jq -e "[.history[] | select(.event == \"$2\" and .level == \"critical\")] | length > 0" >/dev/null
}

nap=$((5000000 + $$)) # of commands that hang; nobody else sleeps so long
lab_options 'boot_wait_ms = 1500' 'boot_wait_passive_ms = 2500'
lab_up
# shellcheck disable=SC2046 # a list
lab_config a $(lab_vips)
lab_check a good 'command = "true"'
lab_check a bad 'command = "echo it is broken; exit 3" fall = 2 grace_ms = 0'
lab_check a hangs "command = \"sleep $nap\" timeout_ms = 300 fall = 2 grace_ms = 0"
lab_check a stubborn 'command = "trap : TERM; while :; do sleep 0.1; done" timeout_ms = 300 fall = 2 grace_ms = 0'
lab_check a missing 'command = "/nonexistent/check" fall = 2 grace_ms = 0'
lab_check a floods 'command = "head -c 20000000 /dev/zero | tr \"\\\\0\" x; head -c 20000000 /dev/zero >&2" timeout_ms = 10000'
lab_check a forks "command = \"sleep $nap & (sleep $nap &); exit 0\""
lab_agent a start
eventually 15 "checks that fail: a holds the virtual IP all the same, for nobody could do better" 'is_state a active && [ "$(holder)" = a ]'
eventually 10 "one that is well passes" '[ "$(service a good)" = "passing passed" ]'
eventually 10 "one that fails has failed" '[ "$(service a bad)" = "failed failed" ]'
check "... with its exit status" '[ "$(dump a ".checks[] | select(.name == \"bad\") | .status")" = 3 ]'
eventually 10 "one that hangs has failed, by its timeout" '[ "$(service a hangs)" = "failed timeout" ]'
eventually 15 "... also one that SIGTERM does not end" '[ "$(service a stubborn)" = "failed timeout" ]'
eventually 10 "one that is not there has failed, as missing" '[ "$(service a missing)" = "failed missing" ]'
eventually 30 "one that floods its output passes" '[ "$(service a floods)" = "passing passed" ]'
eventually 10 "one that forks passes" '[ "$(service a forks)" = "passing passed" ]'
check "each that failed is in the history, by its name" \
	'told a check_failed bad && told a check_failed hangs && told a check_failed missing'
check "a is degraded, and says why" '[ "$(dump a .degraded)" = true ] && [ "$(dump a ".degraded_reasons | length")" -ge 1 ]'
always 3 "a holds the virtual IP" 'is_state a active && [ "$(holder)" = a ]'
lab_agent a stop
check "nothing of all these commands is left" '! pgrep -f "^sleep $nap" >/dev/null' || diag "$(pgrep -af "^sleep $nap")"

# A service that is well unless it is broken, and that can be mended unless it cannot.
box() { echo "command = \"test ! -e $LAB/$1/broken\" fall = 2 rise = 2 grace_ms = 0 recover = \"$LAB/$1/mend\" recover_attempts = 2"; }
broken() { touch "$LAB/$1/broken"; }
mended() { rm -f "$LAB/$1/broken" "$LAB/$1/hopeless"; }
for n in a b; do
	cat >"$LAB/$n/mend" <<-END
		#!/bin/sh
		[ ! -e "$LAB/$n/hopeless" ] && rm -f "$LAB/$n/broken"
	END
	chmod 755 "$LAB/$n/mend"
	lab_wipe $n
done
# shellcheck disable=SC2046
lab_config a $(lab_vips)
lab_config b
lab_check a service "$(box a)"
lab_check b service "$(box b)"
lab_agent a start
lab_agent b start
wait_for 20 'is_state a active && is_alive b'
check_done "b joins a" b --join 192.0.2.11 --yes
eventually 20 "a is active, b ready" 'lab_settled a b && [ "$(service a service) $(service b service)" = "passing passed passing passed" ]'

before=$(transitions a)
lab_watch
broken a
eventually 15 "the service of the active fails: it is recovered" '[ ! -e "$LAB/a/broken" ] && [ "$(service a service)" = "passing passed" ]'
check "... the history tells of it" 'told a check_failing service && told a check_recovering service && told a check_recovered service'
check "... and nobody moved" "[ \"\$(transitions a)\" = $before ] && lab_settled a b"

touch "$LAB/b/hopeless"
broken b
eventually 15 "the service of the passive fails: it is not ready" '! is_ready b'
check "... and says so" 'dump b ".takeover.reasons | tojson" | grep -qi check'
eventually 15 "... beyond recovery, after two attempts" '[ "$(service b service)" = "failed failed" ] && [ "$(dump b ".checks[0].attempts")" = 2 ]'
check_refused "a swap is refused, for that reason" 'check' a --swap

touch "$LAB/a/hopeless"
broken a
eventually 15 "the service of the active fails, too, beyond recovery" '[ "$(service a service)" = "failed failed" ]'
eventually 5 "... it says critically that it stays" 'critical a no_handover'
always 3 "... and stays" 'is_state a active && [ "$(holder)" = a ]'
check "... degraded" '[ "$(dump a .degraded)" = true ]'
lab_watched
check_unnoticed "the client noticed nothing of all this"

# Nobody is better: who boots with a check that fails takes the virtual IP when the other one does not either (T4a).
lab_power_off a
always 2 "the power of the active fails: a passive whose check fails does not take over" '[ "$(holder)" = none ] && ! is_state b active'
lab_power_off b
lab_power_on a
lab_power_on b
eventually 30 "both are back, and the services of both fail: one serves all the same" \
	'[ "$(service a service) $(service b service)" = "failed failed failed failed" ] && is_state a active && [ "$(holder)" = a ]'
eventually 10 "... the other one is there, and is not ready" 'is_state b passive && ! is_ready b'

lab_watch
mended b
eventually 20 "the passive is well again: the active hands over" 'is_state b active && [ "$(holder)" = b ]'
eventually 5 "... the other one says why, by the name of the check" \
	'dump a .reason | grep -qi check && told a check_failed service'
check "... and cannot take it back" '! is_ready a'
sleep 1
lab_watched
check_client_served
check_one_answered
mended a
eventually 15 "its service is well again" '[ "$(service a service)" = "passing passed" ]'
check "... it may not have it back at once" '! is_ready a && is_state b active'
done_testing
