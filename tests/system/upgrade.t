#!/bin/bash
# Another program goes on in the place of the one that runs. Where a passive is ready it takes over meanwhile; where there is none
# the virtual IP stays where it is. Either way the client has its service.
# shellcheck disable=SC2034 # what conditions look at
. "$(dirname "$0")/lib.sh"

configuration() { dump "$1" ".configuration.$2"; } # a|b FIELD
guardian() { pid_of "$1" guardian; }
engine() { pid_of "$1" engine; }
program_of() { readlink "/proc/$1/exe"; } # PID
term() { dump "$1" .term; }
# In the place of the program another one that has its name, as a package does it: a new file.
install_program() {
	cp "$1" "$LAB/program/new" && mv "$LAB/program/new" "$LAB/program/haagent"
}

lab_options 'boot_wait_ms = 1500' 'boot_wait_passive_ms = 2500'
lab_up wire
mkdir -m 755 "$LAB/program"
real=$(readlink -f "$HAAGENT")
install_program "$real"
HAAGENT=$LAB/program/haagent

# shellcheck disable=SC2046 # a list
lab_config a $(lab_vips)
lab_agent a start
eventually 20 "a stands alone, and holds the virtual IP" 'is_state a active && [ "$(holder)" = a ]'
pid=$(guardian a) before=$(engine a) term=$(term a)
install_program "$real"
check "the program is another file now" '[[ $(program_of "$pid") = *deleted* ]]' || diag "$(program_of "$pid")"
lab_watch
check_done "it is upgraded" a --upgrade
check "... in the same process, by the new program" '[ "$(guardian a)" = "$pid" ] && [ "$(program_of "$pid")" = "$LAB/program/haagent" ]' ||
	diag "$(guardian a) $(program_of "$pid")"
check "... and another engine" '[ "$(engine a)" != "$before" ] && [ "$(configuration a upgrades)" = 1 ]'
eventually 5 "... it holds on, under the same term" 'is_state a active && [ "$(holder)" = a ] && [ "$(term a)" = "$term" ]'
check "... and says so" 'dump a .rule | grep -qx U1' || diag "$(dump a '"\(.reason) \(.rule)"')"
check_done "... and again" a --upgrade
check_done "... and again" a --upgrade
eventually 5 "... it holds on" 'is_state a active && [ "$(holder)" = a ] && [ "$(configuration a upgrades)" = 3 ]'
sleep 4 # longer than the addresses live when nobody renews them
check "... and renews what it holds" '[ "$(holder)" = a ] && [ "$(dump a .guardian.fence)" = true ]'
lab_watched
check_unnoticed "the client noticed nothing"

# What keeps it as it is.
printf '#!/bin/sh\nexit 1\n' >"$LAB/script"
chmod 755 "$LAB/script"
pid=$(guardian a) before=$(engine a)
lab_watch
install_program "$LAB/script"
HAAGENT=$real
check_refused "a program that does not run is refused" 'does not run|cannot' a --upgrade
rm "$LAB/program/haagent"
check_refused "... and one that is not there" 'No such file' a --upgrade
install_program "$real"
cp "$LAB/a/haagent.conf" "$LAB/good"
echo 'nonsense = 1' >>"$LAB/a/haagent.conf"
check_refused "... and one that does not like the configuration" 'nonsense' a --upgrade
cp "$LAB/good" "$LAB/a/haagent.conf"
check "the one before is still there, and nothing of it has changed" \
	'[ "$(guardian a) $(engine a)" = "$pid $before" ] && is_state a active && [ "$(holder)" = a ]'
lab_watched
check_unnoticed "the client noticed nothing of these"

# Another interface or address in the configuration: nothing to go on with, so it is a start.
lab_option a 'virtual_ip = {"192.0.2.100"}'
check_done "upgraded with another virtual IP configured" a --upgrade
eventually 10 "... it is a new start, with that one" 'is_state a active && holds a 192.0.2.100 && ! holds a 2001:db8::100'
cp "$LAB/good" "$LAB/a/haagent.conf"
check_done "... and back" a --upgrade
eventually 10 "... with both" 'is_state a active && [ "$(holder)" = a ]'

# A new engine that is late, for its steward waits: what is held for it has run out, and another station has the address now.
late='my ($guardian, %old) = (shift, map { $_ => 1 } @ARGV);
	for (;;) {
		open my $children, "<", "/proc/$guardian/task/$guardian/children" or exit 1;
		for my $pid (grep { !$old{$_} } split / /, <$children> // "") {
			open my $comm, "<", "/proc/$pid/comm" or next;
			(<$comm> // "") eq "ha-steward\n" or next;
			kill STOP => $pid;
			print $pid;
			exit;
		}
	}'
pid=$(guardian a)
# shellcheck disable=SC2046 # a list
timeout 20 chrt -f 60 perl -e "$late" "$pid" $(cat "/proc/$pid/task/$pid/children") >"$LAB/steward" &
sleep 0.3
kill -USR2 "$pid"
wait $!
eventually 10 "what is held for a new engine runs out" '! holds a any'
in_ns c ip address add 192.0.2.100/32 dev eth0
kill -CONT "$(cat "$LAB/steward")"
wait_for 10 'is_alive a'
always 2 "... and is not taken when it comes, from another one that has it" '! holds a any' || diag "$(state a) $(dump a .reason)"
in_ns c ip address del 192.0.2.100/32 dev eth0
eventually 20 "... until that one has gone" 'is_state a active && [ "$(holder)" = a ]'

lab_agent b start
wait_for 10 'is_alive b'
check_done "b joins a" b --join 192.0.2.11 --yes
eventually 20 "a and b are a pair, a active" 'lab_settled a b'

lab_watch
pid=$(guardian b)
check_done "the passive is upgraded" b --upgrade
eventually 20 "... and stands by again" 'lab_settled a b && [ "$(guardian b)" = "$pid" ] && [ "$(configuration b upgrades)" = 1 ]'
pid=$(guardian a)
check_done "the active is upgraded while the passive is ready" a --upgrade
eventually 20 "... which has taken over by a handover; a stands by" 'lab_settled b a && dump b .rule | grep -qx T1' || diag "$(dump b .rule)"
check "... in the same process" '[ "$(guardian a)" = "$pid" ]'
check "... and its history says what for" 'ha a --history=json |
	jq -e "[.history[] | select(.event == \"state\" and .to == \"passive\" and .rule == \"U1\")] | length == 1" >/dev/null'
lab_watched
check_unnoticed "the client noticed nothing" 20
check_one_answered

check_done "takeovers are suspended: the passive is not ready" b --suspend
wait_for 5 '! is_ready a'
term=$(term b)
lab_watch
check_done "the active is upgraded while the passive is not ready" b --upgrade
eventually 10 "... it holds on, under the same term, and they hear each other" \
	'is_state b active && [ "$(holder)" = b ] && [ "$(term b)" = "$term" ] && [ "$(path_state b link) $(path_state b management)" = "up up" ]'
always 3 "... a has not taken anything" '! holds a any'
lab_watched
check_unnoticed "the client noticed nothing"
check_one_answered
check_done "resumed" b --resume
eventually 20 "a is ready again" 'lab_settled b a'

lab_power_off a
eventually 10 "the power of the passive is off" '[ "$(path_state b link)" != up ] && [ "$(path_state b management)" != up ]'
lab_watch
check_done "the active is upgraded while it is alone" b --upgrade
eventually 10 "... it holds on" 'is_state b active && [ "$(holder)" = b ]'
lab_watched
check_unnoticed "the client noticed nothing"
lab_power_on a
eventually 30 "the passive comes back, and stands by" 'lab_settled b a'

lab_agent b stop
eventually 10 "SIGTERM hands over all the same" 'is_state a active && [ "$(holder)" = a ]'
check "... and leaves nothing" '[ -z "$(lab_pids b)" ] && ! holds b any'

# One that comes while the new program reads the configuration, which takes a while with a passphrase to hash. An engine that
# does not answer leaves it the time to.
lab_option a 'cluster_passphrase = "correct horse battery"'
pid=$(guardian a)
kill -STOP "$(engine a)"
kill -USR2 "$pid"
kill -TERM "$pid"
eventually 10 "SIGTERM ends an upgrade, too" '[ -z "$(lab_pids a)" ]'
check "... and leaves nothing" '! holds a any'
done_testing
