# shellcheck shell=bash
# lib.sh - the lab: two appliances, a client and a gateway in network namespaces, and what can happen to them.
#
#          g  gateway                              c  client
#          |  192.0.2.1  2001:db8::1               |  192.0.2.10  2001:db8::10
#          | eth0                                  | eth0
#     .----pg--------------------------------------pc----.
#     |                     sw: br0                      |    recorder: who speaks for the virtual IP,
#     '----pa--------------------------------------pb----'    seen at the ports pa and pb
#          | eth0                                  | eth0
#          |  192.0.2.11  2001:db8::11             |  192.0.2.12  2001:db8::12
#          a  appliance                            b  appliance
#          '- eth3 ======= [wa  w: wire  wb] ===== eth3 -'
#
#     virtual IP: 192.0.2.100 and 2001:db8::100, probed by the client every millisecond
#
# The wire is there when asked for (`lab_up wire`): it can be cut like a cable, it can lose frames, and it can be something
# else than a cable, a bridge or a hub. So is a third appliance, x, with its eth3 at the wire and eth0 at the switch
# (`lab_up wire third`; 192.0.2.13, 2001:db8::13). Everything is named after this process, is in a directory and in
# namespaces of its own, and is gone when it ends, however it ends.
#
# A test file sources this, calls lab_up, tells its story with the functions below, and ends with done_testing.

set -u

LAB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HAAGENT=${HAAGENT:-$LAB_ROOT/build/haagent}
TOOLS=${TOOLS:-$LAB_ROOT/build/tools}
NS=ha$$-
VIP4=192.0.2.100
VIP6=2001:db8::100
LAB=      # this lab's directory
LAB_WIRE= # set when the wire is there
LAB_V4=   # set when there is no IPv6
LAB_BOXES="a b" # the appliances
LAB_OPTIONS=()  # lines for the configuration of every appliance
# Calm timing: what is tested is who holds the address, and a noisy machine that stands still for a tenth of a second
# must not decide that. The bench measures, with the default timing and the fast one.
LAB_TIMING=${LAB_TIMING:-calm}
LAB_USER=${LAB_USER:-haagent}

# ---- TAP -------------------------------------------------------------------------------------------------------

tap_n=0
tap_failed=0

diag() { printf '%s\n' "$@" | sed 's/^/# /'; }

pass() { tap_n=$((tap_n + 1)) && echo "ok $tap_n - $1"; }

fail() {
	tap_n=$((tap_n + 1)) tap_failed=$((tap_failed + 1))
	echo "not ok $tap_n - $1"
	lab_evidence
}

# check DESCRIPTION CONDITION: the condition, a piece of shell, holds now.
check() {
	if eval "$2"; then
		pass "$1"
	else
		fail "$1"
		diag "does not hold: $2"
		return 1
	fi
}

# eventually SECONDS DESCRIPTION CONDITION: it holds within a generous time.
eventually() {
	if wait_for "$1" "$3"; then
		pass "$2"
	else
		fail "$2"
		diag "did not come true in $1 s: $3"
		return 1
	fi
}

# always SECONDS DESCRIPTION CONDITION: it holds all the time.
always() {
	local end=$((SECONDS + $1))
	while [ $SECONDS -lt $end ]; do
		if ! eval "$3"; then
			fail "$2"
			diag "was not always true: $3"
			return 1
		fi
		sleep 0.05
	done
	pass "$2"
}

# check_done DESCRIPTION a|b ACTION...: it is done, by exit status and without a question; what it said is in $LAB/out.
check_done() {
	local what=$1 status
	shift
	ha "$@" >"$LAB/out" 2>&1 </dev/null
	status=$?
	check "$what" "[ $status -eq 0 ]" || diag "exit status $status: $(cat "$LAB/out")"
}

# check_refused DESCRIPTION PATTERN a|b ACTION...: it is refused, by exit status, and what it said has the pattern in it.
check_refused() {
	local what=$1 pattern=$2 status
	shift 2
	ha "$@" >"$LAB/out" 2>&1 </dev/null
	status=$?
	check "$what" "[ $status -eq 1 ] && said '$pattern'" || diag "exit status $status: $(cat "$LAB/out")"
}

# check_table DESCRIPTION ROWS a|b|x [ADDRESS]: a connection test there. Of the table just these rows are not met, written
# NAME=fail or NAME=unknown in alphabetical order, each with a remedy; the exit status says the same, and nothing is
# changed anywhere. The table stays in $LAB/table.
check_table() {
	local what=$1 expected=$2 n=$3 before after rows status
	before=$(lab_snapshot)
	ha "$n" --test-connection "${4:-192.0.2.11}" >"$LAB/out" 2>&1 </dev/null
	status=$?
	after=$(lab_snapshot)
	dump "$n" .requirements >"$LAB/table"
	rows=$(jq -r '[.[] | select(.result != "pass") | "\(.name)=\(.result)"] | sort | join(" ")' "$LAB/table")
	check "$what: ${expected:-all pass}" \
		'[ "$rows" = "$expected" ] && [ $status -eq $([ -z "$expected" ] && echo 0 || echo 1) ]' ||
		diag "exit status $status, rows $rows" "$(cat "$LAB/out")"
	check "... a remedy for what is not met, and only for that" \
		'jq -e "length == 12 and all(.[]; (.result == \"pass\") == (.remedy == \"\"))" "$LAB/table" >/dev/null' ||
		diag "$(jq -c '.[]' "$LAB/table")"
	check "... nothing has changed" '[ "$before" = "$after" ]' || diag "before: $before" "after: $after"
}

row() { jq -r ".[] | select(.name == \"$1\") | .$2" "$LAB/table"; } # NAME result|local|peer|remedy

said() { grep -qiE -- "$1" "$LAB/out"; }

skip() { tap_n=$((tap_n + 1)) && echo "ok $tap_n - $1 # SKIP $2"; }

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

done_testing() {
	[ -z "$LAB" ] || lab_check_captures
	lab_check_dumps
	lab_check_logs
	echo "1..$tap_n"
	[ $tap_failed -eq 0 ]
	exit
}

# wait_for SECONDS CONDITION
wait_for() {
	local end=$((SECONDS + $1 + 1))
	until eval "$2"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# lab_captured a|b|x: what its agent has recorded becomes a file now, if it runs and its disk has room; the newest is its name.
lab_captured() {
	local guardian before
	guardian=$(pid_of "$1" guardian)
	before=$(lab_captures "$1")
	[ -z "$guardian" ] || ! kill -USR1 "$guardian" 2>/dev/null ||
		wait_for 2 '[ "$(lab_captures '"$1"')" != "$before" ]'
	lab_captures "$1" | tail -n 1
}
lab_captures() { find "$LAB/$1/state/captures" -name '*.pcapng' 2>/dev/null | sort; }

# decodes FILE...: all of it, and every frame is one that the protocol has. What it says is in $LAB/decoded.
decodes() {
	local file
	: >"$LAB/decoded"
	for file; do
		"$HAAGENT" --decode "$file" >>"$LAB/decoded" 2>"$LAB/decode.log" && ! [ -s "$LAB/decode.log" ] && continue
		diag "$file: $(cat "$LAB/decode.log")" "$(grep -m 5 ' present=' "$LAB/decoded")"
		return 1
	done
}

# lab_record a|b|x: from now on all of both paths there is recorded, the frames of the sync as well; looked at in the end.
LAB_RECORDS=()
lab_record() {
	ip netns exec "$NS$1" "$HAAGENT" -c "$LAB/$1/haagent.conf" --capture "$LAB/$1.pcapng" 2>"$LAB/$1.record" &
	LAB_RECORDS+=($!)
	wait_for 5 '[ -s "$LAB/'"$1"'.pcapng" ]'
}

# At the end of every test: what was on the wire is what the protocol has, but for what the test itself put there.
LAB_INJECTED=
lab_injects() { LAB_INJECTED=1; } # this test puts frames there that are none
lab_check_captures() {
	local n files=()
	for n in "${LAB_RECORDS[@]}"; do
		kill -TERM "$n" 2>/dev/null
		wait "$n" 2>/dev/null
	done
	for n in $LAB_BOXES; do
		lab_captured "$n" >/dev/null
		[ ! -e "$LAB/$n.pcapng" ] || files+=("$LAB/$n.pcapng")
		mapfile -t -O ${#files[@]} files < <(lab_captures "$n")
	done
	[ ${#files[@]} -gt 0 ] || return 0
	if [ -n "$LAB_INJECTED" ]; then
		check "what the agents recorded can be read" '! for n in "${files[@]}"; do "$HAAGENT" --decode "$n" 2>&1 >/dev/null; done | grep -v malformed'
	else
		check "what the agents recorded decodes without one unknown byte" 'decodes "${files[@]}" && [ -s "$LAB/decoded" ]'
	fi
}

# What an investigator would ask for first.
lab_evidence() {
	local n
	[ -n "$LAB" ] || return 0
	diag "virtual IP at: $(holder)"
	for n in $LAB_BOXES; do
		diag "$n: $(dump $n '"\(.mode), \(.state) (\(.reason)) since \(.since_ms) ms, term \(.term), paths \([.paths[]? | .name + "=" + .state] | join(" "))"')"
		[ -s "$LAB/$n/log" ] && tail -n 12 "$LAB/$n/log" | sed "s/^/#   $n: /"
	done
	return 0
}

# Each line of a log is one event, key=value, that a program can split again (or an error of the start, for people), and
# no secret is in it.
lab_check_logs() {
	local n secret bad=
	local event='(<[0-7]>)?event=[a-z_]+ proc=[a-z]+( [a-z_]+=([^] "=\\[:cntrl:]]+|"([^"\\[:cntrl:]]|\\.)*"))*'
	[ -n "$LAB" ] || return 0
	for n in $LAB_BOXES; do
		[ -s "$LAB/$n/log" ] || continue
		bad+=$(grep -anvE "^($event|haagent: .*|$LAB/$n/haagent.conf:.*)\$" "$LAB/$n/log" | head -n 3)
		secret=$(sed -nE 's/^cluster_passphrase *= *"(.+)"$/\1/p' "$LAB/$n/haagent.conf")
		[ -z "$secret" ] || ! grep -qF -- "$secret" "$LAB/$n/log" || bad+="a passphrase is in the log of $n"
	done
	check "the logs are lines of key=value, without secrets" '[ -z "$bad" ]' || diag "$bad"
}

# ---- building and clearing -------------------------------------------------------------------------------------

lab_require() {
	local tool
	[ "$(id -u)" -eq 0 ] || skip_all "needs root for network namespaces"
	for tool in ip nft jq bridge unshare; do
		command -v $tool >/dev/null || skip_all "needs $tool: scripts/install-deps"
	done
	[ -x "$TOOLS/prober" ] || skip_all "needs build/tools: make tools"
	ip netns add "${NS}try" 2>/dev/null || skip_all "network namespaces are refused here"
	ip netns del "${NS}try"
}

lab_require_agent() {
	[ -x "$HAAGENT" ] || skip_all "needs build/haagent: make"
	id "$LAB_USER" >/dev/null 2>&1 || skip_all "needs the user $LAB_USER: scripts/install-deps"
}

in_ns() { # NAMESPACE COMMAND...
	local n=$1
	shift
	ip netns exec "$NS$n" "$@"
}

# One host on the segment: its port at the switch, its addresses.
lab_host() { # NAME LAST-BYTE LAST-GROUP
	ip netns add "$NS$1"
	in_ns "$1" sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 \
		net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.default.accept_ra=0
	[ -z "$LAB_V4" ] || in_ns "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
		net.ipv6.conf.default.disable_ipv6=1
	ip -n "$NS$1" link set lo up
	ip link add eth0 netns "$NS$1" address "02:00:00:00:00:$2" type veth peer name "p$1" netns "${NS}sw"
	ip -n "${NS}sw" link set "p$1" master br0 up
	lab_addresses "$1" "$2" "$3"
}

lab_last() { case $1 in a) echo 11 ;; b) echo 12 ;; x) echo 13 ;; esac; } # byte of an appliance's addresses

lab_addresses() { # NAME MAC-BYTE LAST-BYTE
	ip -n "$NS$1" link set eth0 up
	ip -n "$NS$1" address replace "192.0.2.$3/24" dev eth0
	[ -n "$LAB_V4" ] || ip -n "$NS$1" address replace "2001:db8::$3/64" dev eth0 nodad
	[ "$1" = g ] || ip -n "$NS$1" route replace default via 192.0.2.1
	[ "$1" = g ] || [ -n "$LAB_V4" ] || ip -n "$NS$1" route replace default via 2001:db8::1
}

lab_cable() {
	local n
	if [ -n "$LAB_WIRE" ]; then
		ip netns add "${NS}w"
		in_ns w sysctl -qw net.ipv6.conf.default.disable_ipv6=1
		for n in $LAB_BOXES; do
			ip link add eth3 netns "$NS$n" type veth peer name "w$n" netns "${NS}w"
			ip -n "${NS}w" link set "w$n" up
		done
		lab_wire cable
	else
		ip link add eth3 netns "${NS}a" type veth peer name eth3 netns "${NS}b"
	fi
	for n in $LAB_BOXES; do
		in_ns $n sysctl -qw net.ipv6.conf.eth3.disable_ipv6=1
		ip -n "$NS$n" link set eth3 address "02:00:00:03:00:$(lab_last $n)" up
	done
}

# lab_up [v4only] [wire [third]] [bare]: bare does without the agents' program.
lab_up() {
	local n
	LAB_WIRE='' LAB_V4='' LAB_BOXES="a b"
	lab_require
	for n in "$@"; do
		case $n in
		wire) LAB_WIRE=1 ;;
		v4only) LAB_V4=1 ;;
		third) LAB_BOXES="a b x" ;;
		bare) ;;
		esac
	done
	[[ " $* " = *" bare "* ]] || lab_require_agent
	LAB=$(mktemp -d "${TMPDIR:-/tmp}/haagent-lab.XXXXXX")
	chmod 755 "$LAB"
	trap lab_down EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	ip netns add "${NS}sw"
	ip -n "${NS}sw" link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
	ip -n "${NS}sw" link set br0 up
	lab_host g 01 1
	lab_host c 10 10
	lab_host a 0a 11
	lab_host b 0b 12
	[ "$LAB_BOXES" = "a b" ] || lab_host x 0c 13
	lab_cable
	for n in $LAB_BOXES; do
		mkdir -p "$LAB/$n/run" "$LAB/$n/state"
		chmod 700 "$LAB/$n/state"
		lab_config $n
	done
	wait_for 5 'in_ns c ping -qnc1 -W1 192.0.2.11 >/dev/null && in_ns c ping -qnc1 -W1 192.0.2.12 >/dev/null'
}

lab_down() {
	local n pids
	trap '' INT TERM HUP
	trap - EXIT
	for n in a b x c g sw w; do
		[ -e "/run/netns/$NS$n" ] || continue
		pids=$(ip netns pids "$NS$n" 2>/dev/null)
		# shellcheck disable=SC2086 # a list
		[ -z "$pids" ] || kill -KILL $pids 2>/dev/null
		ip netns del "$NS$n"
	done
	wait 2>/dev/null
	[ -z "$LAB" ] || lab_unmount
	[ -z "$LAB" ] || rm -rf "$LAB"
	LAB=
	trap - INT TERM HUP
}

# ---- the appliances --------------------------------------------------------------------------------------------

# lab_config a|b|x [VIRTUAL_IP...]
lab_config() {
	local n=$1 list
	shift
	list=$(printf ', "%s"' "$@")
	[ $# -gt 0 ] || list=', '
	cat >"$LAB/$n/haagent.conf" <<END
link              = "eth3"
management        = "eth0"
virtual_ip        = {${list#, }}
timing            = "$LAB_TIMING"
state_directory   = "$LAB/$n/state"
runtime_directory = "$LAB/$n/run"
user              = "$LAB_USER"
appliance { model = "1100"  firmware = "7.1.0.1234"  hotfix = "1050"  patch = "2" }
END
	chmod 600 "$LAB/$n/haagent.conf"
	[ ${#LAB_OPTIONS[@]} -eq 0 ] || lab_option "$n" "${LAB_OPTIONS[@]}"
}

lab_options() { LAB_OPTIONS=("$@"); } # for every configuration from now on

# lab_option a|b|x LINE...: options of its configuration, instead of what is there.
lab_option() {
	local n=$1 line
	shift
	for line in "$@"; do
		sed -i -E "/^${line%%[ =]*} *=/d" "$LAB/$n/haagent.conf"
		printf '%s\n' "$line" >>"$LAB/$n/haagent.conf"
		[[ $line != cluster_passphrase* ]] || chmod 600 "$LAB/$n/haagent.conf" # a secret
	done
}

# lab_appliance a|b|x NAME VALUE: of the appliance section.
lab_appliance() { sed -i -E "/^appliance/s/($2 = )\"[^\"]*\"/\1\"$3\"/" "$LAB/$1/haagent.conf"; }

# lab_settings [OPTIONS [BELOW]]: before they start: both appliances have settings, at a place of the same name, each its own
# tree: $LAB/a/etc, $LAB/b/etc, or what is BELOW that.
LAB_TREE=etc
lab_settings() {
	local n
	LAB_TREE=etc${2:+/$2}
	mkdir -p "$LAB/etc"
	lab_options "${LAB_OPTIONS[@]}" "settings { paths = {\"$LAB/$LAB_TREE\"} ${1:-} }"
	for n in $LAB_BOXES; do
		mkdir -p "$LAB/$n/$LAB_TREE"
		lab_config "$n"
	done
}

# lab_disk a|b SIZE: before it starts: its settings are on a small disk of their own; later: that is another size, or ro, rw.
lab_disk() {
	if mountpoint -q "$LAB/$1/etc"; then
		mount -o "remount,$2" "$LAB/$1/etc"
	else
		mount -t tmpfs -o "$2" tmpfs "$LAB/$1/etc" && mkdir -p "$LAB/$1/$LAB_TREE"
	fi
}

# lab_tree a|b: everything that is synced of a tree, one line each.
lab_tree() {
	(
		cd "$LAB/$1/$LAB_TREE" || exit
		find . \( -path ./.haagent-stage -o -name '*.local' \) -prune -o -printf '%P %y %m %U:%G %T@ %l\n'
		find . \( -path ./.haagent-stage -o -name '*.local' \) -prune -o -type f -print0 | xargs -0r sha256sum
	) | sort
}
trees_same() { [ "$(lab_tree a | sha256sum)" = "$(lab_tree b | sha256sum)" ]; }
sync_of() { dump "$1" ".sync.$2"; } # a|b FIELD
has_error() { [ "$(sync_of "$1" status)" = "sync error" ] && sync_of "$1" reason | grep -qE -- "$2"; } # a|b PATTERN
conflicts_of() { find "$LAB/$1/state/sync/conflicts" ! -type d 2>/dev/null | wc -l; }
is_past() { [ "$(sync_of b status)" = syncing ] && [ "$(sync_of b percent)" -ge "$1" ]; } # PERCENT of a copy under way
stream_of() { dump "$1" ".sync.stream.$2"; }                                              # a|b FIELD
generation_of() { sync_of "$1" generation | sed 's/.*\.//'; } # its number
is_synced() { [ "$(sync_of a status)" = "fully synced" ] && [ "$(sync_of b status)" = "fully synced" ]; }

# check_trees DESCRIPTION: both trees are the same, byte by byte, with owners, modes and times.
check_trees() {
	check "$1" trees_same || diag "$(diff <(lab_tree a) <(lab_tree b) | head -20)"
}

# lab_faults a|b FAULT...: where its syncer ends or stops, one life after the other (agent/sync/fault.h). It needs the program that
# has such points: lab_faulty, before lab_up.
lab_faulty() { HAAGENT=$LAB_ROOT/build/fault/haagent; }
lab_faults() {
	local n=$1
	shift
	install -d -m 700 "$LAB/$n/state/sync"
	printf '%s\n' "$@" >"$LAB/$n/state/fault" && mv "$LAB/$n/state/fault" "$LAB/$n/state/sync/fault"
}
lab_fault_left() { [ -e "$LAB/$1/state/sync/fault" ]; } # one has not happened

# Its process that syncs; nothing if it is down.
lab_syncer() {
	local pid
	for pid in $(lab_pids "$1"); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != ha-syncer ] || echo "$pid"
	done
}
lab_syncer_kill() { # a|b SIGNAL
	local pid
	pid=$(lab_syncer "$1")
	[ -z "$pid" ] || kill -"$2" "$pid"
}
# lab_at_once COMMAND...: what it does to the settings of a becomes one generation.
lab_at_once() {
	lab_syncer_kill a STOP
	"$@"
	lab_syncer_kill a CONT
}
is_stopped() { grep -q '^State:.T' "/proc/$(lab_syncer "$1")/status" 2>/dev/null; }

# lab_disks MEBIBYTES: before they start: state and settings of each appliance are on small disks of their own, which can run
# full. A power failure leaves them what they have.
lab_disks() {
	local n disk
	for n in $LAB_BOXES; do
		for disk in state etc; do
			mkdir -p "$LAB/$n/$disk"
			mount -t tmpfs -o "size=$1m,mode=$(stat -c %a "$LAB/$n/$disk")" haagent-lab "$LAB/$n/$disk"
		done
	done
}
lab_unmount() { findmnt -rno TARGET | grep -F "$LAB/" | sort -r | xargs -r umount -l; }

# lab_full a|b state|etc: nothing more can be written there; lab_room: it can. What fills it is no setting (*.local).
lab_full() { dd if=/dev/zero of="$LAB/$1/$2/ballast.local" bs=4k status=none 2>/dev/null; }
lab_room() { rm -f "$LAB/$1/$2/ballast.local"; }

# lab_uptime a|b SECONDS: its CLOCK_BOOTTIME at its next start, as of a machine that has just booted.
lab_uptime() { echo $(($2 - $(cut -d. -f1 /proc/uptime))) >"$LAB/$1/uptime"; }
lab_can_uptime() { unshare --time --boottime 1000 true 2>/dev/null; }

# lab_check a|b|x NAME OPTIONS: a service check.
lab_check() { printf 'check "%s" { interval_ms = 200 %s }\n' "$2" "$3" >>"$LAB/$1/haagent.conf"; }

# lab_hook a|b NAME: a hook, the script on standard input.
lab_hook() {
	mkdir -p "$LAB/$1/hooks"
	cat >"$LAB/$1/hooks/$2"
	chmod 755 "$LAB/$1/hooks/$2"
}

# As it left the factory.
lab_wipe() { rm -rf "$LAB/$1/state" && mkdir -m 700 "$LAB/$1/state"; }

lab_vips() { [ -n "$LAB_V4" ] && echo "$VIP4" || echo "$VIP4 $VIP6"; }

ha() { # a|b ACTION...
	local n=$1
	shift
	timeout 60 "$HAAGENT" -c "$LAB/$n/haagent.conf" "$@"
}

# dump a|b [JQ-EXPRESSION]: raw output; nothing if the agent is down. The newest of each appliance is kept.
dump() {
	local data
	data=$(ha "$1" --dump=json 2>/dev/null) && [ -n "$data" ] || return
	printf '%s\n' "$data" >"$LAB/$1/dump.json.$BASHPID" && mv "$LAB/$1/dump.json.$BASHPID" "$LAB/$1/dump.json"
	jq -r "${2:-.}" <<<"$data" 2>/dev/null
}

# The newest dump of each appliance is one as agent/dump.schema.json says; of one that runs, its page fits, too.
lab_check_dumps() {
	local n dumps=() wide status
	[ -n "$LAB" ] || return 0
	for n in $LAB_BOXES; do
		wide=$(ha "$n" --dump 2>/dev/null | wc -L)
		[ "${wide:-0}" -le 80 ] || fail "the dump of $n fits a terminal: it has $wide columns"
		[ ! -s "$LAB/$n/dump.json" ] || dumps+=("$LAB/$n/dump.json")
	done
	[ ${#dumps[@]} -gt 0 ] || return 0
	"$LAB_ROOT/tests/valid" dump "${dumps[@]}" >"$LAB/invalid" 2>&1
	status=$?
	if [ $status -eq 77 ]; then
		skip "the dumps are as their schema says" "$(cat "$LAB/invalid")"
	else
		check "the dumps are as their schema says" "[ $status -eq 0 ]" || diag "$(cat "$LAB/invalid")"
	fi
}
state() { dump "$1" .state; }
counter() { dump "$1" ".counters[\"$2\"] // 0"; }
pid_of() { dump "$1" ".guardian.pids.$2"; } # a|b guardian|engine|steward
lab_pids() { ip netns pids "$NS$1" | grep -vxF "$(printf '%s\n' "${LAB_RECORDS[@]}")"; } # but for lab_record's

is_alive() { ha "$1" --dump=json >/dev/null 2>&1; }
is_state() { [ "$(state "$1")" = "$2" ]; }
path_state() { dump "$1" ".paths[] | select(.name == \"$2\") | .state"; } # link|management
is_ready() { [ "$(dump "$1" .takeover.ready)" = true ]; }                # could take over now
events() { ha "$1" --history=json | jq "[.history[] | select(.event == \"$2\")] | length"; } # a|b EVENT: how often
transitions() { events "$1" state; }

# lab_rename a|b|x [NAME]: its host name from the next start on; none: it is in this machine's own UTS.
lab_rename() { echo "${2:-}" >"$LAB/$1/name"; }
lab_name() { cat "$LAB/$1/name" 2>/dev/null || echo "appliance-$1"; }

# lab_agent a|b|x start|stop|restart
lab_agent() {
	local n=$1 i name uptime
	case $2 in
	start)
		name=$(lab_name "$n")
		uptime=$(cat "$LAB/$n/uptime" 2>/dev/null)
		# shellcheck disable=SC2016 # for the inner shell
		HA_FAULT="@$LAB/$n/state/sync/fault" ip netns exec "$NS$n" unshare ${name:+--uts} ${uptime:+--time --boottime "$uptime"} --mount setsid sh -c \
			'[ -z "$2" ] || printf %s "$2" >/proc/sys/kernel/hostname
			[ ! -d "$3/etc" ] || mount --bind "$3/etc" "$3/../etc" && exec "$0" -c "$1"' \
			"$HAAGENT" "$LAB/$n/haagent.conf" "$name" "$LAB/$n" >>"$LAB/$n/log" 2>&1 &
		echo $! >"$LAB/$n/pid"
		disown $! # that it is killed is no news
		;;
	stop)
		kill -TERM "$(cat "$LAB/$n/pid")" 2>/dev/null
		for ((i = 0; i < 200; i++)); do
			[ -n "$(lab_pids "$n")" ] || return 0
			sleep 0.05
		done
		return 1
		;;
	restart)
		lab_agent "$n" stop
		lab_agent "$n" start
		wait_for 10 "is_alive $n"
		;;
	esac
}

# Two appliances as they leave the factory: a is given the virtual IP, and is active; b is what it was.
lab_begin() { # [VIRTUAL_IP...]
	# shellcheck disable=SC2046 # a list
	[ $# -gt 0 ] || set -- $(lab_vips)
	lab_config a "$@"
	lab_agent a start
	lab_agent b start
	wait_for 20 'is_state a active && is_alive b'
}

# ... and become a pair: a active, b passive and ready to take over.
lab_pair() {
	lab_begin && wait_for 5 '[ "$(holder)" = a ]' &&
		ha b --join 192.0.2.11 --yes >"$LAB/join" 2>&1 &&
		wait_for 20 'is_state b passive && is_ready b' && return
	diag "no pair: $(cat "$LAB/join" 2>/dev/null)"
	lab_evidence
	return 1
}

# What no question and no refusal may change.
lab_snapshot() {
	local n
	for n in $LAB_BOXES; do
		dump "$n" '"\(.mode), \(.state), term \(.term), \(.virtual_ip), peer \(.peer.fingerprint)"'
		cat "$LAB/$n/state/cluster" "$LAB/$n/state/key" 2>/dev/null | sha256sum
	done
}

# ask a|b REQUEST: a raw one to the control socket.
ask() { "$TOOLS/ask" "$LAB/$1/run/control" "$2"; }

# on_terminal ANSWER a|b ACTION...: as typed at a terminal, and the answer to its question once that is there.
on_terminal() {
	local answer=$1 n=$2 command
	shift 2
	printf -v command '%q ' "$HAAGENT" -c "$LAB/$n/haagent.conf" "$@"
	: >"$LAB/terminal"
	{
		wait_for 30 'grep -qE "Type |Script done" "$LAB/terminal"'
		printf '%s\n' "$answer"
	} | timeout 60 script -qfec "$command" "$LAB/terminal" | tr -d '\r'
	return "${PIPESTATUS[1]}"
}

# For tests that need a pair to begin with.
lab_up_pair() {
	lab_up "$@"
	lab_pair && pass "a and b are a pair, a active" && return
	fail "a and b are a pair, a active"
	done_testing
}

holds() { # a|b [ADDRESS]
	local got
	got=$(ip -n "$NS$1" -o address show dev eth0 2>/dev/null)
	case ${2:-all} in
	all) [[ $got = *" $VIP4/"* ]] && { [ -n "$LAB_V4" ] || [[ $got = *" $VIP6/"* ]]; } ;;
	any) [[ $got = *" $VIP4/"* || $got = *" $VIP6/"* ]] ;;
	*) [[ $got = *" $2/"* ]] ;;
	esac
}

# Who has the virtual IP: a, b, both, none, or partial when one of its addresses is missing.
holder() {
	if holds a any && holds b any; then
		echo both
	elif holds a all; then
		echo a
	elif holds b all; then
		echo b
	elif holds a any || holds b any; then
		echo partial
	else
		echo none
	fi
}

# b is active and a stands by, or the other way round.
lab_settled() { # ACTIVE PASSIVE
	is_state "$1" active && [ "$(holder)" = "$1" ] && is_state "$2" passive && is_ready "$2"
}

# ---- what the client and the switch saw ------------------------------------------------------------------------

lab_watch() { # [NAMESPACE PORT...]: where the recorder listens, the appliances' ports of the switch by default
	[ $# -gt 0 ] || set -- sw pa pb
	local ns=$1
	shift
	# shellcheck disable=SC2046 # lists
	ip netns exec "$NS$ns" "$TOOLS/recorder" $(lab_vips) -- "$@" >"$LAB/recorder.json" 2>"$LAB/recorder.log" &
	LAB_RECORDER=$!
	# shellcheck disable=SC2046
	ip netns exec "${NS}c" "$TOOLS/prober" -i "${LAB_PROBE_US:-1000}" $(lab_vips) >"$LAB/prober.json" 2>"$LAB/prober.log" &
	LAB_PROBER=$!
	sleep 0.5
}

lab_watched() {
	kill -TERM "$LAB_PROBER" && wait "$LAB_PROBER"
	kill -TERM "$LAB_RECORDER" && wait "$LAB_RECORDER"
	diag "client: $(jq -r '[.targets[] | "\(.address) \(.sent) sent, \(.lost) lost, longest outage \(.longest_outage_ms) ms"] | join("; ")' "$LAB/prober.json")$(
		client 'if .stalled_ms > 20 then "; the machine itself stood still for \(.stalled_ms) ms" else "" end')"
}

client() { jq -r "$1" "$LAB/prober.json"; }
witness() { jq -r "$1" "$LAB/recorder.json"; }
outage_ms() { client '[.targets[].longest_outage_ms] | max'; }
lost() { client '[.targets[].lost] | max'; }
overlaps() { witness '[.addresses[].overlap_count] | add'; }

# The client has the service again: of every address an answer came in the last half second. (The machine itself stands
# still for tens of milliseconds now and then.)
client_served() { client '[.targets[] | .answered > 0 and ([.outages[] | select(.open and .ms > 500)] | length == 0)] | all' | grep -qx true; }

check_client_served() { check "${1:-the client is served at the end}" client_served; }

# What a machine that stands still does to its probes is not the agents' doing: then it is skipped, and says so.
check_unnoticed() { # DESCRIPTION [LOST]: so many probes at most, 2 by default
	local stalled
	stalled=$(client '.stalled_ms | floor')
	if [ "$(lost)" -gt "${2:-2}" ] && [ "$stalled" -gt 50 ]; then
		skip "$1" "the machine itself stood still for $stalled ms"
	else
		check "$1" "[ \"\$(lost)\" -le ${2:-2} ]"
	fi
}

check_one_answered() {
	check "${1:-at no moment two answered for the virtual IP}" '[ "$(overlaps)" = 0 ]' ||
		diag "$(cat "$LAB/recorder.json")"
}

# At most so many ms without an answer; generous, so that it tells a takeover from none, not a good one from a bad one.
check_outage_below() { # MS DESCRIPTION
	check "$2" "jq -en \"\$(outage_ms) < $1\" >/dev/null"
}

# ---- what can happen -------------------------------------------------------------------------------------------

strike() { "$TOOLS/strike" "$@"; }

lab_power_ports() { echo "$NS$1:eth0" && { [ -z "$LAB_WIRE" ] && echo "$NS$1:eth3" || echo "${NS}w:wa ${NS}w:wb"; }; }

# A power failure: both cables dead and every process gone at one moment; the kernel's memory is lost too.
lab_power_off() {
	# shellcheck disable=SC2046 # lists
	strike power $(lab_power_ports "$1") -- $(lab_pids "$1") >"$LAB/strike.json"
	ip -n "$NS$1" address flush dev eth0
	ip -n "$NS$1" neighbour flush all 2>/dev/null
	in_ns "$1" nft flush ruleset
	rm -rf "$LAB/$1/run" && mkdir "$LAB/$1/run"
}

lab_power_on() {
	lab_addresses "$1" - "$(lab_last "$1")"
	ip -n "$NS$1" link set eth3 up
	[ -z "$LAB_WIRE" ] || strike up "${NS}w:wa" "${NS}w:wb" >/dev/null
	lab_agent "$1" start
}

# lab_family a|b|x 4|6|dual: which management addresses it has; its agent runs on.
lab_family() {
	local last
	last=$(lab_last "$1")
	lab_addresses "$1" - "$last"
	[ "$2" != 6 ] || ip -n "$NS$1" address del "192.0.2.$last/24" dev eth0
	[ "$2" != 4 ] || ip -n "$NS$1" address del "2001:db8::$last/64" dev eth0
}

# The machine stands still: no frame, no process, but carrier everywhere.
lab_freeze() {
	# shellcheck disable=SC2046
	strike freeze "${NS}sw:p$1" -- $(lab_pids "$1") >"$LAB/strike.json"
}

lab_thaw() {
	# shellcheck disable=SC2046
	strike thaw "${NS}sw:p$1" -- $(lab_pids "$1") >"$LAB/strike.json"
}

# The link's cable, pulled and plugged in (needs the wire).
lab_cut_link() { strike down "${NS}w:wa" "${NS}w:wb" >/dev/null; }
lab_heal_link() { strike up "${NS}w:wa" "${NS}w:wb" >/dev/null; }

# lab_slow MBIT: no more than that goes over the link, in either direction, so that there is a middle of a transfer.
lab_slow() {
	local n
	for n in a b; do
		tc -n "$NS$n" qdisc replace dev eth3 root tbf rate "$1mbit" burst 32kb latency 50ms
	done
}

# The management cable of an appliance.
lab_cut_mgmt() { strike down "${NS}sw:p$1" >/dev/null; }
lab_heal_mgmt() { strike up "${NS}sw:p$1" >/dev/null; }

# lab_wire cable|bridge|hub: what is between the appliances' eth3 (needs the wire). A bridge forwards what bridges forward
# (802.1D 7.12.6: not the nearest-bridge group); a hub repeats everything to everybody. x has no part in a cable.
lab_wire() {
	local n
	in_ns w nft flush ruleset
	ip -n "${NS}w" link del br1 2>/dev/null
	case $1 in
	cable) lab_loss 0 0 ;;
	bridge)
		ip -n "${NS}w" link add br1 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
		ip -n "${NS}w" link set br1 up
		for n in $LAB_BOXES; do
			ip -n "${NS}w" link set "w$n" master br1
		done
		;;
	hub)
		in_ns w nft -f - <<-END
			table netdev wire {
				chain from_a { type filter hook ingress device "wa" priority 0; dup to "wx"; fwd to "wb"; }
				chain from_b { type filter hook ingress device "wb" priority 0; dup to "wx"; fwd to "wa"; }
				chain from_x { type filter hook ingress device "wx" priority 0; dup to "wa"; fwd to "wb"; }
			}
		END
		;;
	esac
}

# lab_segment same|other|routed: the management port of b is where it belongs; in a segment of its own; or in one behind
# the gateway, which answers for it (proxy ARP).
lab_segment() {
	ip -n "${NS}g" link del eth1 2>/dev/null
	ip -n "${NS}sw" link del br2 2>/dev/null
	in_ns g sysctl -qw net.ipv4.conf.all.proxy_arp=0 net.ipv4.ip_forward=0
	if [ "$1" = same ]; then
		ip -n "${NS}sw" link set pb master br0
		return
	fi
	ip -n "${NS}sw" link add br2 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
	ip -n "${NS}sw" link set br2 up
	ip -n "${NS}sw" link set pb master br2
	[ "$1" = routed ] || return 0
	ip link add eth1 netns "${NS}g" type veth peer name pg2 netns "${NS}sw"
	ip -n "${NS}sw" link set pg2 master br2 up
	ip -n "${NS}g" link set eth1 up
	ip -n "${NS}g" route add 192.0.2.12/32 dev eth1
	in_ns g sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.proxy_arp=1 \
		net.ipv4.neigh.eth0.proxy_delay=0 net.ipv4.neigh.eth1.proxy_delay=0
}

lab_losing() { [ "$1" -ge 100 ] && echo drop || echo "numgen random mod 100 < $1 drop"; }

# lab_loss PERCENT-FROM-A PERCENT-FROM-B: what the wire loses, at random (needs the wire).
lab_loss() {
	in_ns w nft -f - <<END
table netdev wire
delete table netdev wire
table netdev wire {
	chain from_a {
		type filter hook ingress device "wa" priority 0
		$(lab_losing "$1")
		fwd to "wb"
	}
	chain from_b {
		type filter hook ingress device "wb" priority 0
		$(lab_losing "$2")
		fwd to "wa"
	}
}
END
}

lab_gateway() { # down|up
	strike "$1" "${NS}sw:pg" >/dev/null
}

lab_switch() { # down|up
	strike "$1" "${NS}sw:pa" "${NS}sw:pb" "${NS}sw:pc" "${NS}sw:pg" >/dev/null
}
