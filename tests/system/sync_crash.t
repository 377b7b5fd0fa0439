#!/bin/bash
# The passive's syncer dies, at each step of a commit and of what leads to one. Up to the journal nothing has happened, from
# then on the new generation is there, whole, at the next start; and the copy goes on.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh
# shellcheck source=tests/system/sync_crash.sh
. tests/system/sync_crash.sh

lab_faulty
lab_up
lab_settings
change 0
lab_faults b stage-made content-written staged
if ! lab_pair; then
	fail "no pair could be formed"
	done_testing
fi
eventually 20 "a first copy that dies again and again ends all the same" is_synced
check "... it died as often as it should" '! lab_fault_left b'
check_trees "... the trees are the same"

n=0
all() { # old|new POINT...
	local which=$1 point
	shift
	for point; do
		dies b "$which" "$point"
		n=$((n + 1))
		[ $((n % 6)) -ne 0 ] || soothe b
	done
}
all old stage-directory stage-created stage-written stage-done stage-link content-created content-written content-filled content-done kept staged
all new journal removed made moved way-cleared renamed block blocks changed directory applied synced ledger ledger-written journal-kept \
	journal-unlinked journal-gone
soothe b
dies b new journal renamed blocks applied journal-kept
soothe b
all new index index-saved

check "no other process died with it" '[ "$(engine_starts b)" = 1 ]'
check "nothing was taken for a change of its own" '[ "$(conflicts_of b)" = 0 ]'

done_testing
