#!/bin/bash
# The flight recorder and its files, --capture and --decode: what is recorded, and when; that tcpdump and tshark read every
# file; and that nothing of it, whatever is wrong with a disk, a file or a client, disturbs a heartbeat.
# shellcheck disable=SC2034 # what conditions use
. "$(dirname "$0")/lib.sh"

for tool in tshark tcpdump capinfos; do
	command -v $tool >/dev/null || skip_all "needs $tool: scripts/install-deps"
done

# A file of that name or pattern is there: a|b WHY
newest_of() { lab_captures "$1" | grep -- "-$2.pcapng" | tail -n 1; }
dissect() { tshark -X "lua_script:$LAB_ROOT/scripts/haagent.lua" -r "$@" 2>"$LAB/tshark.log"; }

# check_capture DESCRIPTION FILE: three programs read all of it, and find the same frames.
wrong='haagent.bad_length or haagent.bad_type or haagent.bad_version or haagent.bad_value or _ws.lua.error'
check_capture() {
	local file=$2 frames
	check "$1" 'decodes "$file"' || return
	frames=$(wc -l <"$LAB/decoded")
	check "... tcpdump reads it" '[ "$(tcpdump -nr "$file" 2>/dev/null | grep -c "^[0-9]")" = "$frames" ]'
	check "... tshark too, and finds nothing wrong with it" \
		'[ "$(dissect "$file" -T fields -e frame.number | wc -l)" = "$frames" ] && [ -z "$(dissect "$file" -Y "$wrong")" ]' ||
		diag "$(dissect "$file" -Y "$wrong" | head -n 3)" "$(cat "$LAB/tshark.log")"
	capinfos "$file" >"$LAB/capinfos" 2>/dev/null
	check "... it says who wrote it, on what, and has its three interfaces" \
		'grep -q "haagent" "$LAB/capinfos" && grep -q "1100" "$LAB/capinfos" && [ "$(grep -c "Name = " "$LAB/capinfos")" = 3 ]' ||
		diag "$(cat "$LAB/capinfos")"
}

# What has been decoded: heartbeats of both nodes on both paths, before the decision that matches and behind it.
around() {
	awk -v decision="$1" '$0 ~ decision {behind = 1} / HEARTBEAT / {n[behind + 0, $2, $3]++}
		END {exit length(n) != 8}' "$LAB/decoded"
}
# Of that source, no second is without a heartbeat; and no heartbeat is there twice.
unbroken() {
	awk -F '[-T:Z ]' -v source="$1" '$0 ~ source " HEARTBEAT" {
			t = $4 * 3600 + $5 * 60 + $6
			if (seen && t > seen + 1) hole = 1
			seen = t
		} END {exit hole || !seen}' "$LAB/decoded"
}
twice() { grep -oE ' (link|management) [0-9a-f:]* HEARTBEAT receiver=[0-9a-f]* counter=[0-9]*' "$LAB/decoded" | sort | uniq -d; }

# as_capture a|b OPTIONS...: --capture there. What it says is in $LAB/out.
as_capture() {
	local n=$1
	shift
	ip netns exec "$NS$n" timeout 60 "$HAAGENT" -c "$LAB/$n/haagent.conf" --capture "$@" 2>"$LAB/out"
}
# check_fails DESCRIPTION STATUS PATTERN COMMAND...
check_fails() {
	local what=$1 status=$2 pattern=$3 got
	shift 3
	"$@" >"$LAB/stdout" </dev/null
	got=$?
	check "$what" "[ $got -eq $status ] && said '$pattern'" || diag "exit status $got: $(cat "$LAB/out")"
}

lab_up_pair

# ---- what the recorder writes ----

check_done "the pair is swapped" a --swap
eventually 10 "a while later both have a file of it" '[ -n "$(newest_of a change)" ] && [ -n "$(newest_of b change)" ]'
eventually 10 "... written behind the change" 'decodes "$(newest_of b change)" && grep -q "event=state from=passive to=active" "$LAB/decoded"'
file=$(newest_of b change)
check_capture "it decodes" "$file"
check "... heartbeats of both, on both paths, before the decision and behind it" \
	'around "event=state from=passive to=active"'
check "... the decision names rule and reason" 'grep -q "from=passive to=active reason=\"the peer handed over\" rule=T1" "$LAB/decoded"'
check "... tshark knows the direction, and which frame changed what" \
	'[ "$(dissect "$file" -Y haagent -T fields -e frame.packet_flags_direction | sort -u | xargs)" = "0x00000001 0x00000002" ] &&
	[ -n "$(dissect "$file" -Y haagent.changed_role)" ]'
check "... it is for root alone" '[ "$(stat -c "%a %U" "$file" "$(dirname "$file")" | xargs)" = "600 root 700 root" ]'

kill -USR1 "$(pid_of a guardian)"
eventually 5 "SIGUSR1 writes one" '[ -n "$(newest_of a request)" ]'
check_capture "... which decodes" "$(newest_of a request)"

written() { lab_captures a | grep -c -- "-$1.pcapng"; }
changes=$(written change) requests=$(written request)
check_done "takeovers are suspended: a changes its state" b --suspend
kill -USR1 "$(pid_of a guardian)"
eventually 5 "SIGUSR1 just after it writes one" '[ "$(written request)" -gt "$requests" ]'
eventually 12 "... and the change is written all the same" '[ "$(written change)" -gt "$changes" ]'
check_done "resumed" b --resume
eventually 12 "... which is written, too" '[ "$(written change)" -gt $((changes + 1)) ]'

boot=$(dump b .peer.boot)
kill -KILL "$(pid_of a engine)"
eventually 10 "the engine of a dies: its memory is written all the same" '[ -n "$(newest_of a engine)" ]'
check_capture "... which decodes" "$(newest_of a engine)"
check "... it has what was before, and the start of the next one" \
	'grep -q " HEARTBEAT .* boot=$boot " "$LAB/decoded" && grep -q "event=started .* detail=$((boot + 1))" "$LAB/decoded"'
eventually 20 "the pair is whole again" 'lab_settled b a'

# ---- --capture ----

as_capture b "$LAB/live.pcapng" --seconds 3 &
capture=$!
wait_for 10 '[ -s "$LAB/live.pcapng" ]'
pid=$(pgrep -f "haagent -c $LAB/b/haagent.conf --capture" -n)
check "--capture has no right left while it records" \
	'grep -qx "CapEff:.0000000000000000" /proc/$pid/status && [ "$(stat -c %U /proc/$pid)" != root ] && grep -q "^Groups:.[[:space:]]*$" /proc/$pid/status' ||
	diag "$(grep -E 'Uid|Groups|Cap' "/proc/$pid/status")"
check "meanwhile the pair is swapped" 'ha b --swap >"$LAB/swap" 2>&1' || diag "$(cat "$LAB/swap")"
wait $capture
status=$?
check "it ends after its time, and has nothing to say" '[ $status -eq 0 ] && ! [ -s "$LAB/out" ]' || diag "$(cat "$LAB/out")"
check_capture "its file decodes" "$LAB/live.pcapng"
check "... it has what was remembered, and goes on without a hole" \
	'awk "NR == 1 {exit \$0 !~ /event=started/}" "$LAB/decoded" && unbroken 02:00:00:03:00:12'
check "... no heartbeat twice" \
	'[ -z "$(twice)" ]' || diag "$(twice | head -n 3)"
check "... and what was decided meanwhile" 'grep -q "DECISION .* from=active to=passive reason=\"swapped by an operator\"" "$LAB/decoded"'
check "... mode 0600" '[ "$(stat -c %a "$LAB/live.pcapng")" = 600 ]'
eventually 20 "the pair is whole" 'lab_settled a b'

check "to a pipe" '[ "$(as_capture a - --seconds 1 | "$HAAGENT" --decode - | grep -c HEARTBEAT)" -gt 10 ]'
as_capture a - | head -c 20000 >/dev/null
status=${PIPESTATUS[0]}
check "a pipe that breaks ends it quietly" '[ $status -eq 0 ] && ! [ -s "$LAB/out" ]' || diag "$(cat "$LAB/out")"
for signal in INT TERM; do
	rm -f "$LAB/ended.pcapng"
	ip netns exec "${NS}a" "$HAAGENT" -c "$LAB/a/haagent.conf" --capture "$LAB/ended.pcapng" 2>/dev/null &
	capture=$!
	wait_for 10 '[ -s "$LAB/ended.pcapng" ]'
	kill -$signal $capture
	wait $capture
	status=$?
	check "SIG$signal ends it, and its file is whole" '[ $status -eq 0 ] && decodes "$LAB/ended.pcapng"'
done

# ---- where it may not write ----

echo precious >"$LAB/precious"
ln -s precious "$LAB/link"
ln -s nowhere "$LAB/dangling"
mkdir "$LAB/small" && mount -t tmpfs -o size=64k haagent-lab "$LAB/small"
check_fails "a file that exists is not written over" 1 'exists' as_capture a "$LAB/precious" --seconds 1
check_fails "... nor what a link leads to" 1 'exists' as_capture a "$LAB/link" --seconds 1
check_fails "... nor is a file made where one leads to nothing" 1 'exists' as_capture a "$LAB/dangling" --seconds 1
check "... all is as it was" '[ "$(cat "$LAB/precious")" = precious ] && [ ! -e "$LAB/nowhere" ]'
check_fails "a directory that is not there" 1 'No such file' as_capture a "$LAB/nowhere/file" --seconds 1
check_fails "a disk that runs full" 1 'No space left' as_capture a "$LAB/small/file" --seconds 5
check "... what is in the file is whole" 'decodes "$LAB/small/file"'
sed "s/^user .*/user = \"nobody\"/" "$LAB/a/haagent.conf" >"$LAB/any.conf" && chmod 644 "$LAB/any.conf"
as_nobody() { ip netns exec "${NS}a" runuser -u nobody -- "$HAAGENT" -c "$LAB/any.conf" "$@" 2>"$LAB/out"; }
check_fails "another user may not" 1 'permi' as_nobody --capture - --seconds 1
check_fails "--seconds belongs to --capture" 2 'capture' sh -c '"$1" --dump --seconds 3 2>"$2"' - "$HAAGENT" "$LAB/out"
check_fails "--seconds is a number" 2 'number' sh -c '"$1" --capture x --seconds soon 2>"$2"' - "$HAAGENT" "$LAB/out"

# The agent's own directory: a link that somebody planted, a disk that is full.
captures=$LAB/b/state/captures
mv "$captures" "$LAB/b/kept" && mkdir "$LAB/elsewhere" && ln -s "$LAB/elsewhere" "$captures"
kill -USR1 "$(pid_of b guardian)"
eventually 5 "a link in the place of captures/ is not followed, and that is logged" 'grep -q "event=capture.*directory=.*error=" "$LAB/b/log"'
kill -USR1 "$(pid_of b guardian)"
sleep 1.5
check "... once" '[ "$(grep -c "event=capture.*directory=.*error=" "$LAB/b/log")" = 1 ] && [ -z "$(ls "$LAB/elsewhere")" ]'
lab_agent b stop
rm "$captures" && mkdir -m 700 "$captures" && mount -t tmpfs -o size=1m haagent-lab "$captures"
lab_agent b start
wait_for 20 'lab_settled a b'
kill -USR1 "$(pid_of b guardian)"
eventually 5 "a disk without room gets no file" '[ "$(grep -c "event=capture.*error=.No space" "$LAB/b/log")" = 1 ]'
check "... and no half one" '[ -z "$(ls "$captures")" ]'
mount -o remount,size=64m "$captures"
kill -USR1 "$(pid_of b guardian)"
eventually 5 "... with room it gets one" '[ -n "$(newest_of b request)" ]'
mount -o remount,ro "$captures"
kill -USR1 "$(pid_of b guardian)"
eventually 5 "a disk that is read-only is logged" 'grep -q "event=capture.*error=.Read-only" "$LAB/b/log"'
check "... and changes nothing" '[ "$(lab_captures b | wc -l)" = 1 ] && lab_settled a b'
lab_agent b stop
umount "$captures" && rmdir "$captures" && mv "$LAB/b/kept" "$captures"
lab_agent b start
eventually 20 "the pair is whole" 'lab_settled a b'

# ---- many at once, and at the wrong moment ----

history_before="$(transitions a) $(transitions b)"
mkdir "$LAB/many"
for i in $(seq 100); do
	ha a --dump >"$LAB/many/$i.dump" 2>&1 &
	as_capture a "$LAB/many/$i.pcapng" --seconds 1 &
done
wait
check "100 captures and 100 dumps at once: no heartbeat was late enough to matter" \
	'[ "$(transitions a) $(transitions b)" = "$history_before" ] &&
	jq -ne "$(dump b "[.paths[].worst_gap_ms] | max") < $(dump b .timing.dead_ms)" >/dev/null' ||
	diag "worst gap $(dump b "[.paths[].worst_gap_ms] | max") ms of $(dump b .timing.dead_ms) ms"
diag "worst gap $(dump b "[.paths[].worst_gap_ms] | max") ms of $(dump b .timing.dead_ms) ms; $(grep -l virtual "$LAB"/many/*.dump | wc -l) dumps answered"
check "... each has a whole file" '[ "$(find "$LAB/many" -name "*.pcapng" | wc -l)" = 100 ] && decodes "$LAB"/many/*.pcapng'
check "... and each dump an answer or an error" '! find "$LAB/many" -name "*.dump" -empty | grep -q .'
rm -rf "$LAB/many"

moments() { # a capture and a dump, again and again; what is wrong about one goes to $LAB/wrong
	local i
	for ((i = 0; ; i++)); do
		as_capture b "$LAB/moment" --seconds 1 || echo "capture $i: $?, $(cat "$LAB/out")" >>"$LAB/wrong"
		decodes "$LAB/moment" || echo "capture $i does not decode" >>"$LAB/wrong"
		rm -f "$LAB/moment"
		ha b --dump >/dev/null 2>&1
		[[ $? = [013] ]] || echo "dump $i" >>"$LAB/wrong"
		[ ! -e "$LAB/enough" ] || return
	done
}
moments &
watcher=$!
lab_agent b restart
kill -KILL "$(pid_of b engine)"
sleep 1
kill -KILL "$(cat "$LAB/b/pid")"
sleep 1
lab_agent b start
wait_for 20 'is_alive b'
touch "$LAB/enough"
wait $watcher
check "while the agent starts, dies and is killed a capture is a capture" '! [ -e "$LAB/wrong" ]' || diag "$(cat "$LAB/wrong")"
eventually 30 "the pair is whole" 'lab_settled a b'

lab_agent b stop
as_capture b "$LAB/alone.pcapng" --seconds 1
status=$?
check "without an agent it says so and records the wire" '[ $status -eq 0 ] && said "no agent is running" && decodes "$LAB/alone.pcapng" && grep -q HEARTBEAT "$LAB/decoded"' ||
	diag "$(cat "$LAB/out")"

# ---- --decode ----

decode() { "$HAAGENT" --decode "$@" 2>"$LAB/out"; }
head -c 30000 /dev/urandom >"$LAB/random"
: >"$LAB/empty"
whole=$(newest_of a request)
size=$(stat -c %s "$whole")
check_fails "what is random is no capture" 1 '.' decode "$LAB/random"
check_fails "nor is an empty file" 1 '.' decode "$LAB/empty"
check_fails "nor a directory" 1 '.' decode "$LAB"
check_fails "nor what is not there" 1 'No such file' decode "$LAB/nowhere"
head -c $((size - 10)) "$whole" >"$LAB/cut"
check_fails "one that is cut is decoded as far as it goes, and then it is an error" 1 'truncated' decode "$LAB/cut"
check "... all but its last frame" '[ "$(wc -l <"$LAB/stdout")" = $(($(decode "$whole" | wc -l) - 1)) ]'
head -c $((size / 2)) "$whole" >"$LAB/torn" && head -c 5000 /dev/urandom >>"$LAB/torn"
check_fails "one that is torn in the middle" 1 '.' decode "$LAB/torn"
check "... shows what was before" '[ "$(wc -l <"$LAB/stdout")" -gt 10 ]'
in_ns a ping -qc 20 -i 0.05 192.0.2.1 >/dev/null &
in_ns a timeout 3 tcpdump -i any -w "$LAB/any.pcap" 2>/dev/null
in_ns a timeout 3 tcpdump -i eth0 -w "$LAB/eth0.pcap" 2>/dev/null
wait
decode "$LAB/any.pcap" >"$LAB/stdout"
status=$?
check "what tcpdump recorded on all interfaces, with frames of others: those are counted" \
	'[ $status -eq 0 ] && said "frames of other protocols" && grep -q "HEARTBEAT" "$LAB/stdout" && ! grep -q " present=" "$LAB/stdout"' ||
	diag "$(cat "$LAB/out")"
decode "$LAB/eth0.pcap" >"$LAB/stdout"
status=$?
check "... and on one" '[ $status -eq 0 ] && grep -q " management .* HEARTBEAT" "$LAB/stdout"' || diag "$(cat "$LAB/out")"
chmod 644 "$LAB/eth0.pcap"
check "any user may decode" '[ "$(runuser -u nobody -- "$HAAGENT" --decode "$LAB/eth0.pcap" 2>/dev/null | wc -l)" = "$(wc -l <"$LAB/stdout")" ]'
decode "$whole" | head -n 1 >/dev/null
status=${PIPESTATUS[0]}
check "who reads may stop" '[ $status -eq 0 ] && ! [ -s "$LAB/out" ]'
check "a full disk is an error" '! decode "$whole" >/dev/full && said "No space left"'

lab_agent b start
eventually 30 "the pair is whole at the end" 'lab_settled a b'
done_testing
