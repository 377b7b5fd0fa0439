#!/bin/bash
# The pages for everybody: from the first start to the pair by keyboard alone, what a screen reader is told, what axe-core finds,
# in light and dark, and from 360 px up. With CONSOLE_PICTURES=DIRECTORY each screen is left there to be looked at.
. "$(dirname "$0")/lib.sh"

console_require
browser_require
console_operator
lab_up
lab_settings
for n in a b; do console_config $n; done
console_password a admin "$CONSOLE_PASSWORD"
lab_begin || diag "a is not active"
console a start
console b start

browse look
done_testing
