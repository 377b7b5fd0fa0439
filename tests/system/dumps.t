#!/bin/bash
# The dump in every form, a hundred at once, of an agent that starts and of one that dies: an error or a right answer, and
# the heartbeats do not notice.
. "$(dirname "$0")/lib.sh"

lab_up_pair
valid() { "$LAB_ROOT/tests/valid" "$@" >"$LAB/invalid" 2>&1; }
reader() { # DESCRIPTION STATUS: of tests/valid
	[ "$2" -eq 77 ] && skip "$1" "$(cat "$LAB/invalid")" && return
	check "$1" "[ $2 -eq 0 ]" || diag "$(head -n 5 "$LAB/invalid")"
}

# ---- forms ----
check "the page begins with the verdict" 'ha a --dump | head -n 1 | grep -q "^All is well: appliance-a is active, and appliance-b can take over.$"'
check "... the passive's, too" 'ha b --dump | head -n 1 | grep -q "^All is well: appliance-a is active, and appliance-b can take over.$"'
check "... plain in a pipe" '! ha a --dump | grep -q $'"'\\e'"
on_terminal '' a --dump >"$LAB/out"
check "... in colour on a terminal" 'grep -q $'"'\\e\\[32mAll is well'"' "$LAB/out"'
NO_COLOR=1 on_terminal '' a --dump >"$LAB/out"
check "... where NO_COLOR allows it" '! grep -q $'"'\\e'"' "$LAB/out" && grep -q "^All is well" "$LAB/out"'
ha a --dump=openmetrics >"$LAB/a.om"
valid openmetrics "$LAB/a.om"
reader "the metrics are OpenMetrics" $?
check "... and say that b could take over" 'grep -qx "haagent_takeover_ready 1" "$LAB/a.om"'
if command -v promtool >/dev/null; then
	check "promtool finds nothing in the text format" 'ha a --dump=prometheus | promtool check metrics >"$LAB/out" 2>&1' || diag "$(cat "$LAB/out")"
else
	skip "promtool finds nothing in the text format" "no promtool: scripts/install-deps"
fi
check "another form is refused" 'ha a --dump=yaml >"$LAB/out" 2>&1; [ $? -eq 2 ]'

# ---- a hundred at once ----
before="$(transitions a) $(transitions b)"
lost_before=$(dump a '[.paths[].heartbeats_lost] | add')
lab_watch
mkdir "$LAB/many"
for ((i = 0; i < 100; i++)); do
	case $((i % 3)) in 0) form="=json" ;; 1) form="" ;; 2) form="=openmetrics" ;; esac
	{
		ha a --dump$form >"$LAB/many/$i" 2>"$LAB/many/$i.error"
		echo $? >"$LAB/many/$i.status"
	} &
	many[i]=$!
done
wait "${many[@]}"
answered=0 refused=0 wrong=0
for ((i = 0; i < 100; i++)); do
	status=$(cat "$LAB/many/$i.status")
	if [ "$status" -eq 0 ] && [ -s "$LAB/many/$i" ] && [ ! -s "$LAB/many/$i.error" ]; then
		answered=$((answered + 1))
		[ $((i % 3)) -ne 0 ] || whole+=("$LAB/many/$i")
	elif [ "$status" -eq 1 ] && [ -s "$LAB/many/$i.error" ] && [ ! -s "$LAB/many/$i" ]; then
		refused=$((refused + 1))
	else
		wrong=$((wrong + 1))
		diag "dump $i: status $status: $(head -c 200 "$LAB/many/$i.error")"
	fi
done
diag "$answered answered, $refused refused"
check "a hundred dumps at once: each an answer or an error" "[ $wrong -eq 0 ]"
check "... nearly all of them an answer" "[ $answered -ge 90 ]"
check "... and whoever was refused was told why" '! grep -L "busy" $(find "$LAB/many" -name "*.error" -size +0) /dev/null | grep -v /dev/null | grep -q .'
valid dump "${whole[@]}"
reader "... each of those is whole" $?
lab_watched
check "... nobody changed state" "[ \"\$(transitions a) \$(transitions b)\" = \"$before\" ]"
for n in a b; do
	check "... no heartbeat at $n was late by as much as the dead interval" \
		"[ \"\$(dump $n '[.paths[] | .state == \"up\" and .margin_ms > 0] | all')\" = true ]"
done
check "... none was lost" "[ \"\$(dump a '[.paths[].heartbeats_lost] | add')\" = \"$lost_before\" ]"
diag "worst gap $(dump a '[.paths[].worst_gap_ms] | max') ms and $(dump b '[.paths[].worst_gap_ms] | max') ms, of $(dump a .timing.dead_ms) ms"
check_unnoticed "... and the client noticed nothing"

# ---- while it starts and while it dies ----
# dumps_of a|b: one after the other, until told to stop; what came of each is in $LAB/turn.
dumps_of() {
	local n
	: >"$LAB/turn"
	rm -f "$LAB/stop" "$LAB"/turn.*
	for ((n = 0; n < 2000; n++)); do
		[ ! -e "$LAB/stop" ] || return
		ha "$1" --dump=json >"$LAB/turn.$n" 2>"$LAB/turn.error"
		echo "$? $(stat -c %s "$LAB/turn.$n") $(stat -c %s "$LAB/turn.error")" >>"$LAB/turn"
		[ -s "$LAB/turn.$n" ] || rm -f "$LAB/turn.$n"
	done
}
# Each was answered, or failed with something on stderr and nothing on stdout.
turns_right() { awk '!(($1 == 0 && $2 > 0 && $3 == 0) || (($1 == 1 || $1 == 3) && $2 == 0 && $3 > 0)) {bad = 1} END {exit bad || NR == 0}' "$LAB/turn"; }

for how in TERM KILL; do
	dumps_of b &
	dumper=$!
	# shellcheck disable=SC2046 # a list
	kill -$how $([ $how = TERM ] && cat "$LAB/b/pid" || lab_pids b)
	wait_for 20 '[ -z "$(lab_pids b)" ]'
	lab_agent b start
	eventually 30 "SIG$how, and started again: it stands by" 'lab_settled a b'
	touch "$LAB/stop"
	wait $dumper
	check "... every dump meanwhile was an answer or an error" turns_right || diag "$(sort "$LAB/turn" | uniq -c)"
	check "... there were both" 'grep -q "^0 " "$LAB/turn" && grep -q "^[13] " "$LAB/turn"'
	valid dump "$LAB"/turn.[0-9]*
	reader "... each of the answers is whole" $?
done
ha b --dump=prometheus >/dev/null
lab_agent b stop
check "without a daemon: exit 3" 'ha b --dump=prometheus >"$LAB/out" 2>/dev/null; [ $? -eq 3 ]'
check "... and a metric that says so" 'grep -qx "haagent_up 0" "$LAB/out"'
done_testing
