#!/bin/bash
# The direction turns: in the middle of a copy, in the middle of a commit, and with changes on both sides; and it stands still
# while the two have different versions.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

lab_faulty
lab_up
lab_options 'hook_timeout_ms = 5000'
lab_settings
for n in a b; do
	lab_option $n "hooks = \"$LAB/$n/hooks\""
	# What is there when it begins to process.
	lab_hook $n role-active <<-END
		#!/bin/sh
		cd "$LAB/$n/etc" && find . -type f ! -path './.haagent-stage/*' | sort | xargs sha256sum >"$LAB/$n/found.new"
		mv "$LAB/$n/found.new" "$LAB/$n/found"
	END
done
files() { (cd "$LAB/$1/etc" && find . -type f ! -path './.haagent-stage/*' | sort | xargs sha256sum); }
random() { head -c $(($1 * 1000000)) /dev/urandom >"$2"; } # MILLIONS FILE

mkdir "$LAB/a/etc/d"
for i in 1 2 3 4 5 6 7 8; do
	echo "$i" >"$LAB/a/etc/d/$i"
done
if ! lab_pair; then
	fail "no pair could be formed"
	done_testing
fi
eventually 20 "the first copy ends" is_synced

# ---- a swap, and back
for n in 'a b' 'b a'; do
	# shellcheck disable=SC2086 # two of them
	set -- $n
	echo "by $1" >"$LAB/$1/etc/by-$1" # and no generation has it yet
	check_done "a swap from $1 to $2 in the moment of a change" "$1" --swap
	check "... that got through before it" "[ -e '$LAB/$2/etc/by-$1' ]"
	echo "by $2" >"$LAB/$2/etc/by-$2"
	eventually 20 "... both have what either made" "lab_settled $2 $1 && is_synced && trees_same && [ -e '$LAB/$2/etc/by-$1' ] && [ -e '$LAB/$1/etc/by-$2' ]"
	check "... and it was sent to where it was lacking" "[ \"\$(sync_of $2 direction)\" = sends ]"
done

# ---- in the middle of a copy
lab_slow 30
lab_at_once random 8 "$LAB/a/etc/large"
eventually 10 "a copy is under way" 'is_past 20'
check_done "a swap in the middle of it" a --swap
check "... the new active has not got it" '[ ! -e "$LAB/b/etc/large" ]'
echo 'by b' >"$LAB/b/etc/meanwhile"
eventually 20 "... it gets what it lacks, and gives what it made" 'lab_settled b a && is_synced && trees_same'
check "... both are there" '[ -e "$LAB/b/etc/large" ] && [ -e "$LAB/a/etc/meanwhile" ]'
check "... nothing was a conflict" '[ "$(conflicts_of a)" = 0 ] && [ "$(conflicts_of b)" = 0 ]'
lab_slow 1000
check_done "and a swap back" b --swap
eventually 20 "... to where it was" 'lab_settled a b && is_synced'

# ---- in the middle of a commit
change() {
	for i in 1 2 3 4 5 6 7 8; do
		echo "$i, changed" >"$LAB/a/etc/d/$i"
	done
}
old=$(files b)
rm -f "$LAB/b/found"
lab_faults b '=renamed:4'
lab_at_once change
new=$(files a)
eventually 10 "the passive is in the middle of a commit" 'is_stopped b'
# shellcheck disable=SC2034 # for check
half=$(files b)
check "... it has neither the old generation nor the new one" '[ "$half" != "$old" ] && [ "$half" != "$new" ]'
lab_power_off a
eventually 10 "the active's power fails: the passive takes over at once" 'is_state b active && [ "$(holder)" = b ]'
always 1 "... but does not begin to process" '[ ! -e "$LAB/b/found" ]'
lab_syncer_kill b CONT
eventually 10 "... before the commit has ended" '[ -e "$LAB/b/found" ]'
check "... then it has the whole of it" '[ "$(cat "$LAB/b/found")" = "$new" ]' || diag "$(diff <(echo "$new") "$LAB/b/found")"
lab_power_on a
eventually 40 "the old active returns" 'lab_settled b a && is_synced && trees_same'

# ---- two that went apart
lab_slow 10
two() {
	echo 'only at b' >"$LAB/b/etc/d/1"
	random 4 "$LAB/b/etc/only"
}
lab_syncer_kill b STOP
two
lab_syncer_kill b CONT
eventually 10 "a copy from b to a is under way" '[ "$(sync_of a status)" = syncing ] && [ "$(sync_of a percent)" -ge 10 ]'
lab_power_off b
eventually 10 "its power fails: a takes over" 'is_state a active'
check "... with the last whole generation" '[ "$(cat "$LAB/a/etc/d/1")" = "1, changed" ] && [ ! -e "$LAB/a/etc/only" ]'
echo 'only at a' >"$LAB/a/etc/d/2"
eventually 5 "it makes a generation of its own" '[ "$(sync_of a generation)" != "$(sync_of a peer_generation)" ]'
lab_slow 1000
lab_power_on b
eventually 40 "b returns, and follows" 'lab_settled a b && is_synced'
check_trees "... the trees are the same"
check "... what a made stands" '[ "$(cat "$LAB/b/etc/d/2")" = "only at a" ] && [ "$(cat "$LAB/b/etc/d/1")" = "1, changed" ]'
kept=$LAB/b/state/sync/conflicts
check "... what b made is kept" 'grep -qx "only at b" "$kept"/*/*/d/1 || grep -rqx "only at b" "$kept"' || diag "$(find "$kept")"
# More may be kept than must: of what changed after the index was last saved it is not known who changed it.
check "... and nothing at a" '[ "$(conflicts_of b)" -ge 2 ] && [ "$(conflicts_of a)" = 0 ]' || diag "$(find "$kept")"
eventually 5 "... in the history, too" '[ "$(events b settings_kept)" = 1 ]'
eventually 5 "... and in the dump" '[ "$(sync_of b conflicts)" = "$(conflicts_of b)" ]'

# ---- different versions
# shellcheck disable=SC2034 # for always
old=$(lab_tree b)
lab_appliance b firmware 7.2.0.1
lab_agent b restart
eventually 20 "a passive with another firmware: the sync pauses" '[ "$(sync_of a status)" = paused ] && [ "$(sync_of b status)" = paused ]'
check "... with the reason" 'sync_of a reason | grep -q version && sync_of b reason | grep -q version'
echo 'while it pauses' >"$LAB/a/etc/paused"
check_refused "... a barrier says so" 'different versions' a --barrier=5
always 2 "... nothing is sent" '[ "$(lab_tree b)" = "$old" ]'
check "... it stands by all the same" 'lab_settled a b'
lab_appliance b firmware 7.1.0.1234
lab_agent b restart
eventually 20 "the same firmware again: it goes on" 'lab_settled a b && is_synced && trees_same'
check "... with what was made meanwhile" '[ -e "$LAB/b/etc/paused" ]'

done_testing
