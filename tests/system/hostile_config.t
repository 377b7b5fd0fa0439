#!/bin/bash
# A configuration with several mistakes: each listed with its line, exit 2, nothing started.
. "$(dirname "$0")/lib.sh"

lab_up
bad() { cat >"$LAB/bad.conf"; }
listed() { grep -q "bad.conf:$1:" "$LAB/errors"; }

check "a good one is accepted" 'ha a --check-config >$LAB/out 2>&1' || diag "$(cat $LAB/out)"

bad <<END
link = "eth3"
management = "eth0"
virtual_ip = {"192.0.2.300", "2001:db8::100"}
timing = "hasty"
colour = "red"
user = "haagent"
state_directory = "relative/path"
appliance { model = "1100" flavour = "sweet" }
END
$HAAGENT -c "$LAB/bad.conf" --check-config >"$LAB/errors" 2>&1
status=$?
diag "$(cat "$LAB/errors")"
check "five mistakes: exit 2" "[ $status -eq 2 ]"
for line in 3 4 5 7 8; do
	check "the mistake of line $line is listed with its line" "listed $line"
done
check "nothing else is" '[ $(grep -c "bad.conf:" $LAB/errors) -eq 5 ]'

timeout 10 ip netns exec "${NS}a" "$HAAGENT" -c "$LAB/bad.conf" >"$LAB/errors" 2>&1
status=$?
check "the daemon does not start with it: exit 2" "[ $status -eq 2 ]"
check "... and lists the same" 'listed 3 && listed 4 && listed 5 && listed 7 && listed 8'
check "... and left nothing running" '[ -z "$(lab_pids a)" ]'

bad <<<'link = "eth3'
$HAAGENT -c "$LAB/bad.conf" --check-config >"$LAB/errors" 2>&1
check "a string without an end: exit 2" "[ $? -eq 2 ] && [ -s \$LAB/errors ]"
bad <<<'appliance { model = "1100"'
$HAAGENT -c "$LAB/bad.conf" --check-config >"$LAB/errors" 2>&1
check "a section without an end: exit 2" "[ $? -eq 2 ] && [ -s \$LAB/errors ]"
head -c 100000 /dev/urandom | bad
$HAAGENT -c "$LAB/bad.conf" --check-config >"$LAB/errors" 2>&1
check "garbage: exit 2" "[ $? -eq 2 ] && [ -s \$LAB/errors ]"
$HAAGENT -c "$LAB" --check-config >"$LAB/errors" 2>&1
check "a directory: exit 2" "[ $? -eq 2 ] && [ -s \$LAB/errors ]"
$HAAGENT -c "$LAB/none.conf" --check-config >"$LAB/errors" 2>&1
check "no file: exit 2" "[ $? -eq 2 ] && [ -s \$LAB/errors ]"
done_testing
