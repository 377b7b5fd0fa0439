#!/bin/bash
# Disks that are full or read-only, and trees that are not where they should be. Either side says so; what was there stays, at the
# passive too; and it goes on by itself when it can.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

lab_up
lab_settings '' settings
lab_disk b size=24m
a=$LAB/a/etc/settings
b=$LAB/b/etc/settings
outside=$LAB/outside
mkdir "$outside"
mkdir "$a/sub"
echo one >"$a/sub/one"
head -c 5000000 /dev/urandom >"$a/large"
if ! lab_pair; then
	fail "no pair could be formed"
	done_testing
fi
eventually 20 "the first copy ends" is_synced
check_trees "... the trees are the same"

random() { head -c $(($1 * 1000000)) /dev/urandom >"$2"; } # MILLIONS FILE

# fails PATTERN: both sides say why, and the passive has what it had.
fails() {
	eventually 10 "... it is an error, with the reason, at the passive" "has_error b '$1'"
	eventually 10 "... and at the active" "has_error a '$1'"
	check "... the passive has what it had" '[ "$(lab_tree b)" = "$old" ]' || diag "$(diff <(echo "$old") <(lab_tree b))"
}
heals() {
	eventually 20 "... then it goes on by itself" 'is_synced && trees_same' || diag "$(diff <(lab_tree a) <(lab_tree b))"
}

# ---- full
old=$(lab_tree b)
lab_at_once random 22 "$a/more"
diag "there is no room for it:"
fails 'are free|No space'
check_refused "... a barrier says so" 'are free|No space' a --barrier=2
check "... the passive can take over with what it has" 'is_ready b'
check "... it is in the history, once, and not for each attempt" '[ "$(events b sync_failed)" = 1 ] && [ "$(events a sync_failed)" = 1 ]'
lab_disk b size=64m
heals

old=$(lab_tree b)
lab_slow 40
lab_at_once random 12 "$a/more"
eventually 10 "a copy that has room is under way" 'is_past 30'
head -c 60000000 /dev/zero >"$LAB/b/etc/filler" 2>/dev/null
diag "the disk becomes full meanwhile:"
fails 'are free|No space'
rm "$LAB/b/etc/filler"
heals
lab_slow 1000

# ---- read-only
old=$(lab_tree b)
lab_disk b ro
echo changed >"$a/sub/one"
diag "the disk of the passive is read-only:"
fails 'Read-only'
check "... and either page tells of the unit, which lets it write where it says only" 'ha a --dump | grep -q ReadWritePaths= && ha b --dump | grep -q ReadWritePaths='
lab_disk b rw
heals

# ---- the tree of the active
old=$(lab_tree b)
mv "$a" "$a.away"
check_refused "the active's directory is missing: a barrier is refused" 'No such file' a --barrier=5
eventually 10 "... the active says why" 'has_error a "No such file"'
always 3 "... nothing is removed at the passive" '[ "$(lab_tree b)" = "$old" ]'
check "... nor is it made anew" '[ ! -e "$a" ]'
mv "$a.away" "$a"
heals
mv "$a" "$a.away"
ln -s "$a.away" "$a"
check_refused "it is a link: a barrier is refused" 'settings: ' a --barrier=5
eventually 10 "... the active says why" 'has_error a "settings: "'
always 2 "... nothing is removed at the passive" '[ "$(lab_tree b)" = "$old" ]'
rm "$a"
mv "$a.away" "$a"
heals

# ---- swapped for a link at the passive, while something comes
lab_slow 40
lab_at_once random 12 "$a/third"
eventually 10 "a copy is under way" 'is_past 30'
mv "$b" "$b.away"
ln -s "$outside" "$b"
eventually 20 "the passive's directory was swapped for a link: it is an error there" 'has_error b settings'
eventually 10 "... and at the active" 'has_error a settings'
check "... nothing is written where it leads" '[ -z "$(ls -A "$outside")" ]'
rm "$b"
mv "$b.away" "$b"
heals

lab_at_once random 6 "$a/sub/fourth"
eventually 10 "a copy into a directory is under way" 'is_past 30'
mv "$b/sub" "$b/../sub.away"
ln -s "$outside" "$b/sub"
eventually 20 "that was swapped for a link: it becomes what it should be" 'ha a --sync >/dev/null 2>&1; is_synced && trees_same'
check "... nothing is written where it leads" '[ -z "$(ls -A "$outside")" ]'

done_testing
