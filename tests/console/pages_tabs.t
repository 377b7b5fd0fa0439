#!/bin/bash
# More tabs of a console than a browser has connections to it.
. "$(dirname "$0")/lib.sh"

console_require
browser_require
console_up
lab_pair || diag "no pair"

browse tabs
done_testing
