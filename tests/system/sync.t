#!/bin/bash
# The settings of the active come to the passive, and stay the same there: files of every kind, changes, takeovers, and what two
# made apart from each other.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

lab_up
lab_settings
(
	cd "$LAB/a/etc" || exit
	mkdir -p deep/er/still empty 'with space'
	echo one >deep/one
	echo two >deep/er/two
	: >nothing
	printf 'x' >"$(printf 'odd\nname\377')"
	head -c 3000000 /dev/urandom >big
	truncate -s 5000000 sparse
	ln -s deep/one link
	ln -s /etc/passwd outside
	ln deep/one hard
	chmod 4750 deep/er/two
	chown 12:34 deep/er/two
	chmod 1777 empty
	touch -d '2001-02-03 04:05:06.789' deep/one
	mkfifo pipe
)
echo 'of b itself' >"$LAB/b/etc/own"
lab_record a

if ! lab_pair; then
	fail "no pair could be formed"
	done_testing
fi
eventually 20 "the first copy ends" is_synced
check "a pipe is reported" '[ "$(sync_of a skipped)" -ge 1 ]'
rm "$LAB/a/etc/pipe"
check_done "a barrier returns" a --barrier
check_trees "... the trees are the same"
check "... what the passive had is replaced" '[ ! -e "$LAB/b/etc/own" ]'
check "... a hard link is a file" '[ "$(stat -c %h "$LAB/b/etc/hard")" = 1 ]'
check "... holes stay holes" '[ "$(stat -c %b "$LAB/b/etc/sparse")" -lt 100 ]'
check "both say so, with the same digest" '[ -n "$(sync_of a digest)" ] && [ "$(sync_of a digest)" = "$(sync_of b digest)" ]'
check "the active sends, the passive receives" '[ "$(sync_of a direction)" = sends ] && [ "$(sync_of b direction)" = receives ]'

# ---- changes
echo changed >"$LAB/a/etc/deep/one"
mkdir "$LAB/a/etc/new"
echo new >"$LAB/a/etc/new/file"
rm "$LAB/a/etc/nothing"
mv "$LAB/a/etc/deep/er" "$LAB/a/etc/moved"
printf 'middle' | dd of="$LAB/a/etc/big" bs=1 seek=1500000 conv=notrunc status=none
# shellcheck disable=SC2034 # used in a condition
before=$(stat -c %i "$LAB/b/etc/big")
check_done "a barrier returns when all of it is there" a --barrier
check_trees "... and it is"
check "... a large file with a small change is written in place" '[ "$(stat -c %i "$LAB/b/etc/big")" = "$before" ]'
check_refused "a barrier at the passive is refused, and names the active" 'appliance-a' b --barrier

# Far behind the beginning of a large one: all that is before it is passed over at once.
truncate -s 300M "$LAB/a/etc/sparse"
check_done "a file grows" a --barrier
printf 'end' | dd of="$LAB/a/etc/sparse" bs=1M seek=299 conv=notrunc status=none
check_done "... and changes at its end" a --barrier
check_trees "... at the passive too"

rm "$LAB/a/etc/link" && mkdir "$LAB/a/etc/link" && echo in >"$LAB/a/etc/link/x"
rm -r "$LAB/a/etc/new" && echo file >"$LAB/a/etc/new"
check_done "what was a file is a directory, and the other way round" a --barrier
check_trees "... at the passive too"

# ---- what is changed behind its back
echo tampered >"$LAB/b/etc/moved/two"
check_done "a full compare" a --sync
check_trees "... puts right what was changed at the passive"
check "... and keeps what was there" 'grep -rqs tampered "$LAB/b/state/sync/conflicts"'

# ---- a takeover
echo last >"$LAB/a/etc/last"
check_done "a barrier before the power fails" a --barrier
lab_power_off a
eventually 10 "the passive takes over" 'is_state b active'
check "... and has what was acknowledged" '[ "$(cat "$LAB/b/etc/last")" = last ]'
echo 'by b' >"$LAB/b/etc/last"
echo more >"$LAB/b/etc/more"
lab_power_on a
eventually 30 "the old active returns, and the direction turns" 'lab_settled b a && is_synced && [ "$(sync_of b direction)" = sends ]'
check_trees "... with what the new one made"
check "... nothing had to be kept aside" '[ ! -d "$LAB/a/state/sync/conflicts" ] || [ -z "$(ls "$LAB/a/state/sync/conflicts")" ]'

# ---- two that went apart
lab_agent a stop
echo 'a alone' >"$LAB/b/etc/alone-b"
eventually 5 "b makes a generation without a" '[ "$(sync_of b pending 2>/dev/null || echo 0)" != 1 ] && sleep 0.5'
lab_agent b stop
lab_agent a start
ha a --force-active --yes >/dev/null 2>&1
eventually 60 "a, which does not know of it, is active" 'is_state a active || { ha a --force-active --yes >/dev/null 2>&1; false; }'
echo 'of a' >"$LAB/a/etc/alone-a"
eventually 5 "... and makes one of its own" '[ -n "$(sync_of a generation)" ] && sleep 1'
lab_agent b start
eventually 30 "they meet again" 'lab_settled a b && is_synced'
check_done "... a barrier returns" a --barrier
check_trees "... and are the same"
check "... the holder's changes stand" '[ -e "$LAB/a/etc/alone-a" ]'
check "... the other's are kept aside" 'grep -rqs "a alone" "$LAB/b/state/sync/conflicts"'
check "... and it is in the history" '[ "$(events b settings_kept)" -ge 1 ]'

check "the frames of the sync are among what was recorded" '"$HAAGENT" --decode "$LAB/a.pcapng" 2>/dev/null | awk "{n[\$4]++} END {exit !(n[\"SYNC_HELLO\"] && n[\"SYNC_DATA\"] && n[\"SYNC_ACK\"])}"'
done_testing
