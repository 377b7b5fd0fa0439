#!/bin/bash
# A state file that is torn, foreign or unreadable: a clear error, and never active by guess.
. "$(dirname "$0")/lib.sh"

lab_up_pair wire
lab_agent b stop
lab_agent a stop
lab_cut_link
cp -a "$LAB/a/state" "$LAB/saved"
record=$LAB/a/state/cluster
check "there is a cluster record" '[ -s "$record" ]'

# Alone, without carrier on the link, the last active takes the address after its wait; one that does not know must not.
lab_agent a start
eventually 20 "with a whole record it becomes active, alone" 'is_state a active && [ "$(holder)" = a ]'
lab_agent a stop

damaged() { # DESCRIPTION
	: >"$LAB/a/log"
	lab_agent a start
	always 8 "$1: it does not become active" '! holds a any && ! is_state a active'
	check "... and says why" 'grep -q "event=record_unreadable.*/cluster.*error=" $LAB/a/log' &&
		diag "$(grep record_unreadable "$LAB/a/log" | head -n 2)"
	lab_agent a stop
	rm -rf "$LAB/a/state"
	cp -a "$LAB/saved" "$LAB/a/state"
}

truncate -s $(($(stat -c %s "$record") / 2)) "$record"
damaged "the record is torn"
: >"$record"
damaged "the record is empty"
printf '\377' | dd of="$record" bs=1 seek=40 conv=notrunc status=none
damaged "the record has a wrong byte"
head -c 300 /dev/urandom >"$record"
damaged "the record is garbage"
rm "$record" && mkdir "$record"
damaged "the record is a directory"

lab_heal_link
lab_agent b start
lab_agent a start
eventually 60 "with the record restored the pair is whole" 'lab_settled a b || lab_settled b a'
done_testing
