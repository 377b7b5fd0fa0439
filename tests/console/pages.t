#!/bin/bash
# The pages, as an administrator uses them: one appliance joins the other, its first copy is watched, the two are swapped,
# suspended, detached; what is refused is refused with a reason, and nothing changes by it.
. "$(dirname "$0")/lib.sh"

console_require
browser_require
events=$(sed -n 's/.*\[EVENT_[A-Z_]*\] = {"\([a-z_]*\)".*/\1/p' "$LAB_ROOT/proto/node_names.c" | grep -vxE 'none|state')
missing=
for event in $events; do
	grep -qE "(^|[[:space:]])$event: \"" "$LAB_ROOT/console/pages/strings.js" || missing="$missing $event"
done
check "each event of the agent has words" '[ "$(wc -w <<<"$events")" -gt 30 ] && [ -z "$missing" ]' || diag "none:$missing"
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
