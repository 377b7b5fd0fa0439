#!/bin/bash
# A state file that is torn, foreign or unreadable: a clear error, and never active by guess.
. "$(dirname "$0")/lib.sh"

lab_up_pair
lab_agent a stop
eventually 10 "b holds the virtual IP" '[ "$(holder)" = b ]'
lab_agent b stop
cp -a "$LAB/a/state" "$LAB/saved"

# The peer is away: a healthy former active would take the address after a while. One that does not know must not.
damaged() { # DESCRIPTION
	: >"$LAB/a/log"
	lab_agent a start
	always 6 "$1: a is not active" '! holds a any && ! is_state a active'
	check "... and says so" 'grep -qiE "store|state|record|torn" $LAB/a/log' && diag "$(grep -iE 'store|state|record|torn' "$LAB/a/log" | head -n 2)"
	lab_agent a stop || true
	rm -rf "$LAB/a/state" && cp -a "$LAB/saved" "$LAB/a/state"
}

diag "$(ls -l "$LAB/a/state")"
record=$(find "$LAB/a/state" -name '*record*' -type f | head -n 1)
check "there is a cluster record" '[ -s "$record" ]'
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

lab_agent b start
eventually 60 "b, which is whole, serves" '[ "$(holder)" = b ]'
lab_agent a start
eventually 45 "a with its record restored stands by" 'lab_settled b a'
done_testing
