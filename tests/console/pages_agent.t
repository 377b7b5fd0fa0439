#!/bin/bash
# Pages whose agent is away, starting, or of another version: they say which, show what there is, and never a half of it.
# shellcheck disable=SC2034 # what is assigned is used by the story
. "$(dirname "$0")/lib.sh"

browser_require
command -v python3 >/dev/null || skip_all "needs python3: scripts/install-deps"
console_up
lab_pair || diag "no pair"
dump a . >"$LAB/whole.json"

# agent FILTER: what stands in for a's agent tells its dump, put through jq.
agent() { jq "$1" "$LAB/whole.json" >"$LAB/told.new" && mv "$LAB/told.new" "$LAB/told"; }
stand_in() {
	ip netns exec "${NS}a" "$LAB_ROOT/tests/console/stand_in" "$LAB/a/run/control" "$LAB/told" >"$LAB/stand_in.log" 2>&1 &
	echo $! >"$LAB/stand_in"
	wait_for 5 '[ -S "$LAB/a/run/control" ]'
}
stand_down() { kill "$(cat "$LAB/stand_in")" && rm -f "$LAB/a/run/control"; }

browse agent
done_testing
