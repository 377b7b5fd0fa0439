#!/bin/bash
# Open pages when things end: the power of the active, an agent, a console, the network of whoever looks. The page says what it
# knows, turns by itself, heals by itself, and never offers what cannot be done.
. "$(dirname "$0")/lib.sh"

browser_require
console_up
lab_pair || diag "no pair"
browse takeover
done_testing
