#!/bin/bash
# Broken and hostile frames on both paths: dropped, counted by name, no state change, no flood of log lines.
. "$(dirname "$0")/lib.sh"

lab_up_pair
lab_injects

mac_a=02:00:00:00:00:0a
in_ns a "$TOOLS/injector" capture -n 200 eth3 "$LAB/link.frames" || fail "frames of the link are recorded"
in_ns a "$TOOLS/injector" capture -n 200 eth0 "$LAB/management.frames" || fail "frames of management are recorded"
history_a=$(transitions a) history_b=$(transitions b)
lines=$(wc -l <"$LAB/a/log")
lab_watch

# A frame of b that comes in again at a, as it was or spoiled: KIND COUNTER
sent() {
	local before
	before=$(counter a "link.$2")
	in_ns b "$TOOLS/injector" "$1" -n 200 eth3 "$LAB/link.frames" >/dev/null
	eventually 5 "link: 200 frames, $1: counted as $2" "[ \$(counter a link.$2) -ge $((before + 150)) ]"
	before=$(counter a "management.$2")
	in_ns c "$TOOLS/injector" "$1" -n 200 -d $mac_a eth0 "$LAB/management.frames" >/dev/null
	eventually 5 "management: 200 frames, $1: counted as $2" "[ \$(counter a management.$2) -ge $((before + 150)) ]"
}

sent replay replay
sent tamper bad_tag
sent version bad_version
sent type bad_type
sent path bad_path
sent oversize oversized
sent index unknown_index

total() { dump a "[.counters | to_entries[] | select(.key | startswith(\"$1.\")) | .value | numbers] | add"; }
for kind in random header truncate; do
	before=$(total link)
	in_ns b "$TOOLS/injector" $kind -n 500 eth3 "$LAB/link.frames" >/dev/null
	eventually 5 "link: 500 frames, $kind: counted" "[ \$(total link) -gt $before ]"
	before=$(total management)
	in_ns c "$TOOLS/injector" $kind -n 500 -d $mac_a eth0 "$LAB/management.frames" >/dev/null
	eventually 5 "management: 500 frames, $kind: counted" "[ \$(total management) -gt $before ]"
done

# As fast as they come, for three seconds, at both.
timeout 3 ip netns exec "${NS}b" "$TOOLS/injector" header -n 0 -i 0 eth3 >/dev/null &
flood_b=$!
timeout 3 ip netns exec "${NS}a" "$TOOLS/injector" header -n 0 -i 0 eth3 >/dev/null &
flood_a=$!
always 3 "a flood from both sides: a holds the virtual IP, b is passive" \
	'[ "$(holder)" = a ] && is_state a active && is_state b passive'
wait $flood_a $flood_b

lab_watched
check "no state changed by all this" "[ \"\$(transitions a) \$(transitions b)\" = \"$history_a $history_b\" ]"
check "the pair is whole" 'lab_settled a b'
check_unnoticed "the client noticed nothing of it" 3
check "the log was not flooded" "[ \$((\$(wc -l <\$LAB/a/log) - $lines)) -lt 200 ]"
check_one_answered
done_testing
