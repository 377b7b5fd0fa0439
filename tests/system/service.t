#!/bin/bash
# What the service manager is told: ready, reloading, stopping, and that all is well, for as long as it is.
. "$(dirname "$0")/lib.sh"

told() { grep -cE "^$1" "$LAB/told"; } # PATTERN: how often
fed() { # for 1.5 s: is the watchdog?
	local before
	before=$(told WATCHDOG=1)
	sleep 1.5
	[ "$(told WATCHDOG=1)" -gt "$before" ]
}

lab_up
# shellcheck disable=SC2046 # a list
lab_config a $(lab_vips)
# shellcheck disable=SC2016 # perl's
ip netns exec "${NS}a" perl -MIO::Socket::UNIX -e '$| = 1; my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die;
	while (defined $s->recv(my $m, 4096)) { $m =~ s/\n/ /g; print "$m\n" }' "$LAB/notify" >"$LAB/told" &
disown $!
wait_for 5 '[ -S "$LAB/notify" ]'
export NOTIFY_SOCKET=$LAB/notify WATCHDOG_USEC=1000000
lab_agent a start
unset NOTIFY_SOCKET WATCHDOG_USEC
eventually 15 "it says that it is ready, when its engine is" '[ "$(told READY=1)" -ge 1 ] && is_state a active'
check "it feeds the watchdog" fed
check "what it was told of the service manager is not passed on" \
	'! tr "\0" "\n" <"/proc/$(pid_of a steward)/environ" | grep -qE "NOTIFY_SOCKET|WATCHDOG"'

engine=$(pid_of a engine) guardian=$(pid_of a guardian)
kill -STOP "$engine"
eventually 15 "an engine that stands still is replaced" '[ "$(pid_of a engine)" != "$engine" ] && is_state a active'
check "... and the watchdog is fed, for the guardian has seen to it" fed
check "... by the same guardian" '[ "$(pid_of a guardian)" = "$guardian" ]'

check_done "a reload" a --reload
check "... is announced, with its time" '[ "$(told "RELOADING=1 MONOTONIC_USEC=[0-9]+")" = 1 ]' || diag "$(cat "$LAB/told")"
check "... and its end" '[ "$(tail -n 20 "$LAB/told" | grep -vx "WATCHDOG=1" | tail -n 1)" = READY=1 ]'
check_done "an upgrade" a --upgrade
eventually 5 "... goes on to feed it, by another program in the same process" '[ "$(pid_of a guardian)" = "$guardian" ] && fed'
check "... and is announced as one, too" '[ "$(told "RELOADING=1")" = 2 ]'

kill -STOP "$guardian"
sleep 0.2
check "a guardian that stands still feeds nothing" '! fed'
kill -CONT "$guardian"
eventually 5 "... and goes on" fed
lab_agent a stop
check "its end is announced" '[ "$(told STOPPING=1)" = 1 ]'
done_testing
