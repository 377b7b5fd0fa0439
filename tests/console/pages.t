#!/bin/bash
# The pages, as an administrator uses them: one appliance joins the other, its first copy is watched, the two are swapped,
# suspended, detached; what is refused is refused with a reason, and nothing changes by it.
. "$(dirname "$0")/lib.sh"

console_require
browser_require
console_operator
lab_up
lab_settings
head -c 24000000 /dev/urandom >"$LAB/a/etc/blob"
for n in a b; do
	console_config $n
	console_password $n admin "$CONSOLE_PASSWORD"
done
lab_appliance b patch 1
lab_begin || diag "a is not active"
console a start
console b start

browse cluster
done_testing
