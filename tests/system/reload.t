#!/bin/bash
# SIGHUP: another configuration while the agents run and the client is served. What is wrong changes nothing, what can be
# applied is, and what needs a restart is named and left alone; the client notices nothing of any of it.
# shellcheck disable=SC2034 # what conditions look at
. "$(dirname "$0")/lib.sh"

configuration() { dump "$1" ".configuration.$2"; } # a|b FIELD
list() { dump "$1" ".configuration.$2 | join(\" \")"; }
service() { dump "$1" ".checks[] | select(.name == \"$2\") | .state"; } # a|b CHECK
starts() { dump "$1" '"\(.guardian.engine_starts) \(.guardian.steward_starts)"'; }
pids() { dump "$1" '"\(.guardian.pids.guardian) \(.guardian.pids.engine) \(.guardian.pids.steward)"'; }
gaps() { dump b '[.paths[].worst_gap_ms] | max < 1000'; } # less than the dead interval of calm timing

lab_up wire
lab_options "hooks = \"$LAB/a/hooks\"" "settings { paths = {\"$LAB/etc\"} }"
lab_config b
# shellcheck disable=SC2046 # a list
lab_config a $(lab_vips)
lab_check a stays 'command = "true"'
mkdir -p "$LAB/etc" "$LAB/a/etc" "$LAB/b/etc"
echo one >"$LAB/a/etc/file"
lab_agent a start
lab_agent b start
wait_for 20 'is_state a active && is_alive b'
check_done "b joins a" b --join 192.0.2.11 --yes
eventually 30 "a and b are a pair, and in sync" 'lab_settled a b && is_synced'
eventually 10 "its check passes" '[ "$(service a stays)" = passing ]'
sleep 1
before=$(pids a)
state=$(starts a)
cp "$LAB/a/haagent.conf" "$LAB/good"
lab_watch

check_done "reloaded as it is" a --reload
check "... nothing has changed" 'said "nothing has changed"' || diag "$(cat "$LAB/out")"

cat >>"$LAB/a/haagent.conf" <<'END'
witness = {"192.0.2.300"}
nonsense = 3
check "broken" { interval_ms = 1 }
END
check_refused "a configuration with mistakes is refused" 'refused' a --reload
check "... each is named with its line" \
	'[ "$(dump a ".configuration.mistakes | length")" -ge 3 ] && list a mistakes | grep -qE "haagent.conf:[0-9]+: .*192.0.2.300" &&
		list a mistakes | grep -q "nonsense" && list a mistakes | grep -q "interval_ms"' || diag "$(list a mistakes)"
check "... in the log, too" 'grep -q "event=config_mistake.*nonsense" "$LAB/a/log" || grep -q "config_mistake.*nonsense" "$LAB/a/log"'
check "... and to whoever asks" 'ha a --dump 2>/dev/null | grep -q "REFUSED"'
check "the former one is in force" '[ "$(configuration a result)" = refused ] && [ "$(service a stays)" = passing ] && is_state a active'
echo 'settings {' >>"$LAB/a/haagent.conf"
check_refused "one that cannot even be read to its end is refused" 'syntax|not closed|ends' a --reload || diag "$(cat "$LAB/out")"
rm "$LAB/a/haagent.conf"
attempts() { "$HAAGENT" -c "$LAB/good" --dump=json | jq -r '"\(.configuration.attempts) \(.configuration.result)"'; }
kill -HUP "${before%% *}"
eventually 10 "... and one that is not there" '[ "$(attempts)" = "4 refused" ]' || diag "$(attempts)"
cp "$LAB/good" "$LAB/a/haagent.conf"

lab_check a new 'command = "true"'
check_done "a new check at the active" a --reload
check "... is applied" '[ "$(list a applied)" = check ]' || diag "$(list a applied)"
eventually 10 "... it is run, and passes" '[ "$(service a new)" = passing ]'
check "... the other one went on as it was" '[ "$(service a stays)" = passing ]'
cp "$LAB/good" "$LAB/a/haagent.conf"
check_done "it is removed" a --reload
eventually 5 "... and gone" '[ "$(dump a ".checks | length")" = 1 ] && [ "$(service a stays)" = passing ]' || diag "$(dump a .checks)"

cp "$LAB/b/haagent.conf" "$LAB/good-b"
lab_check b bad 'command = "false" fall = 2 grace_ms = 0'
check_done "a check that fails at the passive" b --reload
eventually 10 "... makes it not ready" '[ "$(service b bad)" = failed ] && ! is_ready b'
cp "$LAB/good-b" "$LAB/b/haagent.conf"
check_done "... until it is removed" b --reload
eventually 10 "... and with it its failure" 'is_ready b'

lab_hook a role-active <<END
#!/bin/sh
echo first >>"$LAB/hooked"
END
mv "$LAB/a/hooks" "$LAB/a/hooks2"
lab_option a "hooks = \"$LAB/a/hooks2\""
check_done "hooks in another directory" a --reload
check "... are applied" '[ "$(list a applied)" = hooks ]'
check "... and do not run because of it" '[ ! -e "$LAB/hooked" ]'

sed -i 's|^settings { |settings { exclude = {"*.local", "*.tmp"} |' "$LAB/a/haagent.conf" "$LAB/b/haagent.conf"
syncer=$(lab_syncer a)
check_done "other excludes in the settings, at the active" a --reload
check_done "... and at the passive" b --reload
check "... is applied" '[ "$(list a applied)" = settings ] && [ "$(list b applied)" = settings ]'
eventually 10 "... by another process" '[ -n "$(lab_syncer a)" ] && [ "$(lab_syncer a)" != "$syncer" ]'
echo draft >"$LAB/a/etc/draft.tmp"
echo two >"$LAB/a/etc/file"
eventually 30 "... they are in sync again" 'is_synced && [ "$(cat "$LAB/b/etc/file")" = two ] && [ ! -e "$LAB/b/etc/draft.tmp" ]' || diag "$(dump a .sync)" "$(dump b .sync)"

lab_appliance a patch 3
lab_appliance b patch 3
check_done "another patch level" a --reload
check_done "... at both" b --reload
eventually 5 "... is told to the other one" '[ "$(dump a .peer.patch)$(dump b .peer.patch)" = 33 ] || [ "$(dump b .degraded)" = false ]'

lab_option a 'witness = {"192.0.2.1"}'
check_done "a list of witnesses" a --reload
eventually 5 "... is applied" '[ "$(dump a .witness.policy)" = list ]'

lab_option a 'timing = "fast"' 'virtual_ip = {"192.0.2.100"}' 'link = "eth9"'
check_done "what needs a restart" a --reload
check "... is named" '[ "$(list a needs_restart)" = "link timing" ] && [ "$(list a applied)" = virtual_ip ]' ||
	diag "$(list a needs_restart), $(list a applied)"
check "... and left as it was; the virtual IP is the pair's" \
	'[ "$(dump a .timing.name)" = calm ] && [ "$(dump a ".virtual_ip | length")" = 2 ] && [ "$(path_state a link)" = up ]' ||
	diag "$(dump a .timing.name) $(dump a .virtual_ip) $(path_state a link)"

check "all the time the processes were the same" '[ "$(pids a)" = "$before" ] && [ "$(starts a)" = "$state" ]' ||
	diag "$before, now $(pids a)" "$state, now $(starts a)"
check "... and no heartbeat was missed" '[ "$(gaps)" = true ]' || diag "$(dump b .paths)"
lab_watched
check_unnoticed "the client noticed nothing"
check_one_answered

for _ in $(seq 1 50); do kill -HUP "${before%% *}"; done
eventually 10 "fifty at once are one or two more" 'is_state a active && [ "$(configuration a result)" = done ]'
check "... and nothing has ended by it" '[ "$(pids a)" = "$before" ]'

# Where there is no pair the virtual IP is the configuration's.
check_done "the pair is ended" a --detach --yes
lab_option a 'virtual_ip = {"192.0.2.100", "192.0.2.101"}'
check_done "another virtual IP of one that stands alone" a --reload
eventually 15 "... is held, with the one before" 'is_state a active && holds a 192.0.2.100 && holds a 192.0.2.101'

# One that reads has all the time it wants, but does not hold up the end.
lab_option a 'cluster_passphrase = "correct horse battery"'
kill -HUP "$(pid_of a guardian)"
reader() { local pid; for pid in $(lab_pids a); do [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != ha-reader ] || echo "$pid"; done; }
wait_for 5 'kill -STOP $(reader) 2>/dev/null'
# shellcheck disable=SC2046 # a list
check "SIGTERM waits for no reader" 'lab_agent a stop' || kill -KILL $(lab_pids a)
done_testing
