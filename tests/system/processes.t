#!/bin/bash
# Processes that die or stand still: each of the three, and all of them, at the active.
. "$(dirname "$0")/lib.sh"

lab_up_pair

settled() { lab_settled a b || lab_settled b a; }
active() { is_state a active && echo a || echo b; }

for process in engine steward guardian; do
	n=$(active)
	pid=$(pid_of "$n" $process)
	lab_watch
	check "the $process has a process of its own" "[ \"\${pid:-0}\" -gt 1 ] && kill -0 $pid"
	kill -KILL "$pid"
	if [ $process = guardian ]; then
		eventually 10 "the guardian is killed: nothing of it is left running" "[ -z \"\$(lab_pids $n)\" ]"
		eventually 20 "... and the peer holds the virtual IP" "[ \"\$(holder)\" != none ] && ! holds $n any && [ \"\$(holder)\" != partial ]"
		lab_agent "$n" start
	fi
	eventually 45 "the $process is killed: one holds the virtual IP, the other is ready" settled
	sleep 1
	check "... the $process runs again" "[ \"\$(pid_of $n $process)\" -gt 1 ] && [ \"\$(pid_of $n $process)\" != $pid ]"
	lab_watched
	check_client_served
	check_one_answered
done

for process in engine steward guardian; do
	n=$(active)
	pid=$(pid_of "$n" $process)
	lab_watch
	kill -STOP "$pid"
	sleep 1
	kill -CONT "$pid"
	eventually 45 "the $process is stopped for 1 s: one holds the virtual IP, the other is ready" settled
	sleep 1
	lab_watched
	check_client_served
	check_one_answered
done

n=$(active)
lab_watch
# shellcheck disable=SC2046 # a list
kill -STOP $(lab_pids "$n")
sleep 1
# shellcheck disable=SC2046
kill -CONT $(lab_pids "$n")
eventually 45 "all are stopped for 1 s: one holds the virtual IP, the other is ready" settled
sleep 1
lab_watched
check_client_served
check_one_answered

n=$(active)
lab_watch
# shellcheck disable=SC2046
kill -KILL $(lab_pids "$n")
eventually 20 "all are killed: the peer holds the virtual IP" "[ \"\$(active)\" != $n ] && holds \$(active)"
eventually 10 "... and the kernel clears what is left" "! holds $n any"
sleep 1
lab_watched
check_client_served
check_outage_below 5000 "the client was without an answer for less than 5 s"
check_one_answered
lab_agent "$n" start
eventually 45 "it is started again: it stands by" "! is_state $n active && settled"

n=$(active)
m=$([ "$n" = a ] && echo b || echo a)
lab_watch
# shellcheck disable=SC2046
kill -KILL $(lab_pids "$m")
always 3 "all are killed at the passive: the active stays" "is_state $n active && [ \"\$(holder)\" = $n ]"
lab_agent "$m" start
eventually 45 "it is started again: it stands by" settled
lab_watched
check_unnoticed "the client noticed nothing of it"
done_testing
