#!/bin/bash
# The chart of the heartbeats, second by second, with a path that is late, cut and healed; and the timeline back to all that the
# agent remembers.
. "$(dirname "$0")/lib.sh"

browser_require
console_require
console_operator
lab_up wire
for n in a b; do
	console_config $n
	console_password $n admin "$CONSOLE_PASSWORD"
done
lab_pair || diag "no pair"
for n in a b; do console $n start; done
browse live
done_testing
