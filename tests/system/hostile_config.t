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

# What hooks, checks, models and the passphrase add, and the appliance's own file.
printf 'model = "1100"\nfirmwear = "7"\npatch = "%s"\n' "$(head -c 40 /dev/zero | tr '\0' x)" >"$LAB/appliance"
bad <<END
link = "eth3"
hooks = "hooks"
hook_timeout_ms = 10
supported_models = {"1100", "1100"}
cluster_passphrase = xyzzyxyzzy xyzzyxyzzy
appliance { file = "$LAB/appliance" }
check "web server" { command = "true" }
check "web" {
	when = "never"
	fall = 0
	recover_timeout_ms = 30s
}
END
chmod 600 "$LAB/bad.conf"
$HAAGENT -c "$LAB/bad.conf" --check-config >"$LAB/errors" 2>&1
status=$?
diag "$(cat "$LAB/errors")"
check "hooks, models, checks and the appliance's file: exit 2" "[ $status -eq 2 ]"
for line in 2 3 4 5 7 8 9 10 11; do
	check "the mistake of line $line is listed with its line" "listed $line"
done
check "nothing else of it is" '[ $(grep -c "bad.conf:" $LAB/errors) -eq 9 ]'
check "those of the appliance's file are listed with its name" \
	'grep -q "$LAB/appliance:2:" $LAB/errors && grep -q "$LAB/appliance:3:" $LAB/errors'
check "the passphrase is not" '! grep -q xyzzy $LAB/errors'

rm "$LAB/appliance"
bad <<<"appliance { file = \"$LAB/appliance\" }"
$HAAGENT -c "$LAB/bad.conf" --check-config >"$LAB/errors" 2>&1
check "an appliance file that is not there: exit 2" "[ $? -eq 2 ] && listed 1"

# A configuration with a passphrase is a secret. Whoever may read one without can check it.
bad <<<'cluster_passphrase = "correct horse battery staple"'
chmod 640 "$LAB/bad.conf"
$HAAGENT -c "$LAB/bad.conf" --check-config >"$LAB/errors" 2>&1
check "a passphrase in a file that others can read: exit 2" "[ $? -eq 2 ] && listed 1"
check "... the text is not told" '! grep -q horse $LAB/errors'
timeout 10 ip netns exec "${NS}a" "$HAAGENT" -c "$LAB/bad.conf" >"$LAB/errors" 2>&1
check "... and the daemon does not start with it" "[ $? -eq 2 ]"
chmod 600 "$LAB/bad.conf"
$HAAGENT -c "$LAB/bad.conf" --check-config >"$LAB/errors" 2>&1
check "for root alone it is good" "[ $? -eq 0 ]"
as_user() { setpriv --reuid="$LAB_USER" --regid="$LAB_USER" --clear-groups "$@"; }
as_user $HAAGENT -c "$LAB/bad.conf" --check-config >"$LAB/errors" 2>&1
check "nobody else can check it" "[ $? -eq 2 ]"
install -m 644 "$LAB_ROOT/agent/haagent.conf" "$LAB/sample.conf"
chmod 755 "$LAB"
as_user $HAAGENT -c "$LAB/sample.conf" --check-config >"$LAB/errors" 2>&1
check "the sample can be checked by anybody" "[ $? -eq 0 ]"

# With one the daemon runs, and none of its processes has the text of it.
in_memory() { # PID TEXT
	perl -e 'my ($pid, $text) = @ARGV;
		open(MAPS, "<", "/proc/$pid/maps") && open(MEMORY, "<:raw", "/proc/$pid/mem") or exit 2;
		while (<MAPS>) {
			/^([0-9a-f]+)-([0-9a-f]+) r/ or next;
			sysseek(MEMORY, hex($1), 0) && sysread(MEMORY, my $bytes, hex($2) - hex($1)) or next;
			exit 0 if index($bytes, $text) >= 0;
		}
		exit 1' "$1" "$2"
}
echo 'cluster_passphrase = "correct horse battery staple"' >>"$LAB/a/haagent.conf"
chmod 600 "$LAB/a/haagent.conf"
lab_agent a start
eventually 10 "the daemon runs with a passphrase" 'is_alive a'
for process in guardian engine steward; do
	pid=$(pid_of a $process)
	check "the $process has the configuration in its memory" "in_memory $pid '$LAB/a/state'"
	in_memory "$pid" "horse battery"
	check "... and not the passphrase" "[ $? -eq 1 ]"
done
check "the passphrase is not in the log, nor in the dump" '! grep -q horse "$LAB/a/log" && ! ha a --dump=json | grep -q horse'
lab_agent a stop

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
