#!/bin/bash
# The active's syncer dies: while it makes a generation, tells it, or sends what is in it. The passive has one whole
# generation all the while; and the copy goes on.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh
# shellcheck source=tests/system/sync_crash.sh
. tests/system/sync_crash.sh

lab_faulty
lab_up
lab_settings
change 0
if ! lab_pair; then
	fail "no pair could be formed"
	done_testing
fi
eventually 20 "the first copy ends" is_synced
# shellcheck disable=SC2034 # for check
first=$(generation_of a)

dies a old generation
dies a old generation-made
dies a old list
dies a old list-told
dies a old wanted
soothe a
dies a old giving
dies a whole given
dies a whole given:2
dies a new index
dies a new index-saved
soothe a
dies a old generation generation-made list list-told wanted
check "each generation has a number of its own" '[ $(($(generation_of a) - first)) -ge $k ]'
check "no other process died with it" '[ "$(engine_starts a)" = 1 ]'
check "... and a stays active" 'is_state a active && is_state b passive'

# Between its list and its content a name is linked to a file, elsewhere: it looks changed, and no generation will tell of it.
lab_faults a =wanted
echo linked >"$LAB/a/etc/linked"
eventually 15 "the active is asked for a file" 'is_stopped a'
ln "$LAB/a/etc/linked" "$LAB/a/linked"
lab_syncer_kill a CONT
eventually 10 "... which looks other than it was told, but is the same: it is given" 'is_synced && trees_same'

# What the passive's dies of while there is something to be kept aside.
echo 'of b' >"$LAB/b/etc/text"
lab_faults b conflict kept
ha a --sync >"$LAB/out" 2>&1
eventually 15 "the passive's dies where it keeps aside what was changed there" '! lab_fault_left b'
eventually 15 "... the copy is as it should be" 'is_synced && trees_same'
check "... and what was there is kept" 'grep -rqsx "of b" "$LAB/b/state/sync/conflicts"'

done_testing
