#!/bin/bash
# The power of either side fails in the middle of a copy: of the first one, which keeps the passive from taking over, and of a later
# one, which does not. What has come need not come again.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/system/lib.sh
. tests/system/lib.sh

lab_up
lab_settings
lab_slow 80
(
	cd "$LAB/a/etc" || exit
	mkdir small
	head -c 20000000 /dev/urandom >large
	head -c 20000000 /dev/urandom | split -b 50000 -a 4 - small/
)

# Bytes of the link that b has received since its syncer started, in millions.
received() { echo $(($(stream_of b bytes_received) / 1000000)); }
came_less_than() { # MILLIONS DESCRIPTION
	local n
	n=$(received)
	diag "$n million bytes have come"
	check "$2" "[ $n -lt $1 ]"
}

# ---- the first copy
lab_begin
check_done "b joins a" b --join 192.0.2.11 --yes
eventually 20 "the first copy is under way" 'is_past 20'
check "both say so" '[ "$(sync_of a status)" = syncing ] && [ "$(sync_of a percent)" -gt 0 ] && [ "$(sync_of a bytes_total)" -gt 39000000 ]'
check "... the passive is not ready, and says why" '! is_ready b && dump b ".takeover.reasons[]" | grep -q "no whole copy"'
check_refused "a swap is refused, with the reason" 'first copy of the settings' a --swap
check_refused "... a detach at the active too" 'first copy of the settings' a --detach --yes
check_refused "... and at the passive" 'first copy of the settings' b --detach --yes
check_refused "... and there nothing else can be joined" 'first copy of the settings' b --join 192.0.2.13 --yes
eventually 20 "half of it has come" 'is_past 50'
lab_power_off b
lab_power_on b
eventually 20 "the power of the passive failed: it goes on" 'is_past 60'
check "a is active all the while" '[ "$(holder)" = a ]'
lab_power_off a
eventually 5 "then that of the active fails" '[ "$(dump b .peer.state)" != active ] || [ "$(path_state b management)" != up ]'
always 5 "nobody takes over: it has no whole copy" '[ "$(holder)" = none ]'
check "... and says so" '! is_ready b && dump b ".takeover.reasons[]" | grep -q "no whole copy"'
lab_power_on a
eventually 40 "the active returns, and the copy ends" 'lab_settled a b && is_synced'
check_trees "... the trees are the same"
came_less_than 28 "... and what had come did not come again"

# ---- a later one
change() { # NAME
	head -c 8000000 /dev/urandom >"$LAB/a/etc/large.$1"
	head -c 8000000 /dev/urandom | split -b 50000 -a 4 - "$LAB/a/etc/small/$1"
	rm -f "$LAB/a/etc/small/aaaa" "$LAB/a/etc/large"
}
lab_slow 30
# shellcheck disable=SC2034 # for check
old=$(lab_tree b)
lab_at_once change one
eventually 20 "a change is under way" 'is_past 50'
check "the passive is ready" 'is_ready b'
lab_power_off b
check "its power fails: it has the last whole generation" '[ "$(lab_tree b)" = "$old" ]'
lab_power_on b
eventually 40 "it returns: the copy goes on, to the end" 'lab_settled a b && is_synced'
check_trees "... the trees are the same"
came_less_than 11 "... and what had come did not come again"

# shellcheck disable=SC2034 # for check
old=$(lab_tree b)
before=$(received)
lab_at_once change two
eventually 20 "another one is under way" 'is_past 50'
lab_power_off a
eventually 10 "the power of the active fails: the passive takes over" 'is_state b active && [ "$(holder)" = b ]'
check "... with the last whole generation" '[ "$(lab_tree b)" = "$old" ]'
lab_power_on a
eventually 40 "the old active returns: what only it had is fetched, though the new one holds" 'lab_settled b a && is_synced'
check_trees "... the trees are the same"
check "... with it" '[ -e "$LAB/b/etc/large.two" ]'
check "... nothing was a conflict" '[ "$(conflicts_of a)" = 0 ] && [ "$(conflicts_of b)" = 0 ]'
came_less_than $((before + 21)) "... and what had come did not come again"

done_testing
