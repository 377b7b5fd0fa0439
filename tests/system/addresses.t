#!/bin/bash
# Other virtual IPs while the agents run: alone and in a pair, what is refused and why, and whatever may happen in between.
# shellcheck disable=SC2034 # what conditions look at
. "$(dirname "$0")/lib.sh"

list() { dump "$1" '[.virtual_ip[].address] | join(" ")'; } # a|b
lists() { [ "$(list a)" = "$1" ] && [ "$(list b)" = "$1" ]; } # both have it
held() { dump "$1" '[.virtual_ip[] | select(.held) | .address] | join(" ")'; }
# Does the client, which knows nobody any more, get an answer from there?
answers() {
	ip -n "${NS}c" neigh flush all
	in_ns c ping -qnc1 -W1 "$1" >/dev/null 2>&1
}
has() { [ "$(ip -n "$NS$1" -o address show dev eth0 | grep -oE " (192\.0\.2|2001:db8:)[^ ]*/(32|128) " | tr -d ' ' | sort | xargs)" = "$(printf '%s\n' "${@:2}" | sort | xargs)" ]; } # a|b ADDRESS/LENGTH...: all of its virtual ones
possible() { [ "$(dump "$1" .operations.virtual_ip.allowed)" = true ]; }

NEW4=192.0.2.110
NEW6=2001:db8::110

# ---- alone --------------------------------------------------------------------------------------------------------

lab_options 'boot_wait_ms = 1500' 'boot_wait_passive_ms = 2500'
lab_up wire
lab_config a
lab_option a "hooks = \"$LAB/a/hooks\""
lab_hook a registration <<END
#!/bin/sh
echo "\$HAAGENT_REGISTRATION_ALLOWED \$HAAGENT_REGISTRATION_ADDRESSES" >>"$LAB/registered"
END
lab_agent a start
wait_for 10 'is_alive a'
check "one without a virtual IP is standalone" '[ "$(dump a .mode)" = standalone ] && possible a'
check_done "it is given one" a --virtual-ip=$VIP4
diag "$(cat "$LAB/out")"
eventually 5 "... it takes it, and is primary (active)" 'holds a $VIP4 && is_state a active && [ "$(dump a .mode)" = "primary (active)" ]'
pids=$(dump a '"\(.guardian.pids)"')
check_done "another one besides" a --virtual-ip=$VIP4,$VIP6
diag "$(cat "$LAB/out")"
check "... both are held when it says so" 'holds a $VIP4 && holds a $VIP6 && [ "$(held a)" = "$VIP4 $VIP6" ]'
check "... in the history" '[ "$(events a virtual_ip)" = 2 ]'
check_done "none" a --virtual-ip=none
diag "$(cat "$LAB/out")"
check "... it is standalone" '[ "$(dump a .mode)" = standalone ] && ! holds a any'
check "... all this in the same processes" '[ "$(dump a "\"\\(.guardian.pids)\"")" = "$pids" ]'

# ---- a pair -------------------------------------------------------------------------------------------------------

lab_agent b start
check_done "a has the virtual IPs again" a --virtual-ip=$VIP4,$VIP6
check "... and holds them when it says so" 'holds a all'
check_done "b joins a" b --join 192.0.2.11 --yes
eventually 20 "a and b are a pair, a active" 'lab_settled a b'
sleep 1

transitions=$(transitions a)
term=$(dump a .term)
: >"$LAB/registered"
check_done "other addresses in both families" a --virtual-ip=$NEW4,$NEW6
check "... the holder has them when it says so, and not the former ones" 'has a $NEW4/32 $NEW6/128' || diag "$(cat "$LAB/out")"
check "... both have the list" 'lists "$NEW4 $NEW6"' || diag "$(list a), $(list b)"
check "... the new ones answer" 'answers $NEW4 && answers $NEW6'
check "... the former ones do not, any more" '! answers $VIP4 && ! answers $VIP6'
check "... nobody has changed his role, nor the term" '[ "$(transitions a)" = "$transitions" ] && [ "$(dump a .term)" = "$term" ] && is_state b passive && is_ready b'
eventually 5 "... it registers under the new ones, and has not been without" '[ "$(cat "$LAB/registered")" = "yes $NEW4 $NEW6" ]' || diag "$(cat "$LAB/registered")"
check "... the histories have it, and say why" '[ "$(events a virtual_ip)" -ge 3 ] && [ "$(events b virtual_ip)" = 1 ] &&
	ha b --history=json | jq -e "[.history[] | select(.reason | test(\"changed by an operator\"))] | length == 1" >/dev/null'

# What stays is away for a moment that a client hardly sees.
check_done "the former ones again" a --virtual-ip=$VIP4,$VIP6
lab_watch
check_done "another one in the place of one" a --virtual-ip=$NEW4,$VIP6
sleep 1
lab_watched
stays() { client ".targets[] | select(.address == \"$VIP6\") | $1"; }
if [ "$(client '.stalled_ms | floor')" -gt 50 ]; then
	skip "the client of the one that stays hardly notices" "the machine itself stood still"
else
	check "the client of the one that stays hardly notices" '[ "$(stays .lost)" -le 300 ]'
fi
diag "away: $(stays .longest_outage_ms) ms"
check_one_answered

# ---- what is refused ----------------------------------------------------------------------------------------------

before=$(lab_snapshot)
check_refused "no list of a pair is empty" 'a pair needs' a --virtual-ip=none
check_refused "a management address is none for it" 'management address of this' a --virtual-ip=192.0.2.11
check_refused "... the other's neither" 'management address of the other' a --virtual-ip=192.0.2.12
in_ns a ip address add 192.0.2.77/32 dev eth3
check_refused "one of another interface" 'another interface' a --virtual-ip=192.0.2.77
in_ns a ip address del 192.0.2.77/32 dev eth3
in_ns b ip address add 2001:db8::77/128 dev lo
check_refused "... of the other's" 'address of the passive' a --virtual-ip=2001:db8::77
in_ns b ip address del 2001:db8::77/128 dev lo
check_refused "the gateway has its own" 'gateway' a --virtual-ip=192.0.2.1
check_refused "another network" 'no network of the management interface' a --virtual-ip=$NEW4,198.51.100.7
check_refused "the address of a network" 'no address of a station' a --virtual-ip=192.0.2.255
check_refused "twice the same" 'named twice' a --virtual-ip=$NEW4,$NEW4
check_refused "loopback" 'loopback' a --virtual-ip=::1
check_refused "what another station has, whose hardware address is named" '192\.0\.2\.10: 02:00:00:00:00:10' a --virtual-ip=192.0.2.10
check_refused "... in IPv6, too" '2001:db8::10: 02:00:00:00:00:10' a --virtual-ip=$NEW4,2001:db8::10
check_refused "more than eight" 'more than 8' a "--virtual-ip=$(echo 192.0.2.{120..128} | tr ' ' ,)"
check_refused "at the passive, which names the active" '192\.0\.2\.11|2001:db8::11' b --virtual-ip=$NEW4
ha a --virtual-ip=192.0.2.300 >"$LAB/out" 2>&1
check "what is no address is a mistake of the command line" '[ $? -eq 2 ] && said "no list"'
check "nothing has changed by it" '[ "$before" = "$(lab_snapshot)" ]' || diag "$before" "$(lab_snapshot)"
check "the same ones in another order are done already" 'ha a --virtual-ip=$VIP6,$NEW4 >/dev/null && [ "$before" = "$(lab_snapshot)" ]'
ip -n "${NS}b" address add 192.0.2.130/24 dev eth0
sleep 1.5 # it says so in its identity
check_refused "an address that the passive has besides" 'the other appliance' a --virtual-ip=192.0.2.130
ip -n "${NS}b" address del 192.0.2.130/24 dev eth0
ha a --suspend >/dev/null && wait_for 5 'is_state b suspended'
check_done "a suspended pair may, too" a --virtual-ip=$VIP4,$VIP6
check "... and has" 'lists "$VIP4 $VIP6"'
ha a --resume >/dev/null && wait_for 5 'is_ready b'

# ---- afterwards ---------------------------------------------------------------------------------------------------

check_done "another one" a --virtual-ip=$NEW4
check_done "a swap" a --swap
eventually 10 "... hands it over, and nothing else" 'has b $NEW4/32 && has a && is_state a passive && is_ready a'
check_done "one more, at the one that is active now" b --virtual-ip=$NEW4,$NEW6
check "... both have the list" 'lists "$NEW4 $NEW6" && has b $NEW4/32 $NEW6/128'
lab_power_off b
eventually 15 "the power of the active is off: the other one has both" 'has a $NEW4/32 $NEW6/128 && is_state a active'
check_refused "without the passive nothing is changed" 'not heard' a --virtual-ip=$VIP4,$VIP6
lab_power_on b
eventually 20 "it comes back, and stands by" 'is_state b passive && is_ready b && lists "$NEW4 $NEW6"'

# An answer that never comes: the passive is stopped, and then it dies with the list on its disk or without.
kill -STOP "$(pid_of b steward)"
ha a --virtual-ip=$VIP4,$VIP6 >"$LAB/out" 2>&1
check "a passive whose disk hangs: it is given up, and nothing has changed" '[ $? -eq 1 ] && said "did not answer" && has a $NEW4/32 $NEW6/128' || diag "$(cat "$LAB/out")"
kill -CONT "$(pid_of b steward)"
eventually 5 "... the passive has written it after all" '[ "$(list b)" = "$VIP4 $VIP6" ]'
eventually 20 "... and comes back to what the holder has" 'lists "$NEW4 $NEW6"'
kill -STOP "$(pid_of b steward)"
ha a --virtual-ip=$VIP4,$VIP6 >/dev/null 2>&1 &
sleep 1
lab_power_off b
wait $!
lab_power_on b
eventually 20 "a passive that dies in between: both have one list when it is back" 'is_state b passive && is_ready b && lists "$NEW4 $NEW6"' || diag "$(list a), $(list b)"
check "... the holder held all the time" 'has a $NEW4/32 $NEW6/128 && is_state a active'

# The active dies when the passive has the new list and it has not: the successor has it, and so it comes back to it.
kill -STOP "$(pid_of a steward)"
ha a --virtual-ip=$VIP4,$VIP6 >/dev/null 2>&1 &
eventually 5 "the passive has the new list, the active not yet" '[ "$(list b)" = "$VIP4 $VIP6" ] && [ "$(list a)" = "$NEW4 $NEW6" ]'
lab_power_off a
wait $!
eventually 15 "the active dies: its successor has the new ones" 'has b $VIP4/32 $VIP6/128 && is_state b active'
lab_power_on a
eventually 20 "... and it takes them on when it is back" 'is_state a passive && is_ready a && lists "$VIP4 $VIP6"'
check_done "back" b --swap
eventually 10 "... a is active" 'is_state a active && has a $VIP4/32 $VIP6/128 && is_ready b'

# One that was off while its peer, alone, cannot change anything; and one whose record is from before.
check_done "others" a --virtual-ip=$NEW4
lab_agent b stop
cp "$LAB/b/state/cluster" "$LAB/kept"
lab_agent b start
eventually 20 "b is back" 'is_ready b'
check_done "... others again" a --virtual-ip=$VIP4,$VIP6
lab_agent b stop
cp "$LAB/kept" "$LAB/b/state/cluster"
lab_agent b start
eventually 20 "a passive whose record is from before adopts what the holder has" 'is_ready b && lists "$VIP4 $VIP6"'

check_done "others before a restart" a --virtual-ip=$NEW4,$VIP6
lab_agent b restart
lab_agent a restart
eventually 45 "both are started again: they have the list" 'lists "$NEW4 $VIP6" && { has a $NEW4/32 $VIP6/128 || has b $NEW4/32 $VIP6/128; }'

# ---- and alone again: what the operator has set, until the configuration says something else ---------------------------

n=$(is_state a active && echo a || echo b)
m=$([ "$n" = a ] && echo b || echo a)
eventually 20 "the other one stands by" "is_ready $m"
lab_config "$n" $VIP4
check_done "another virtual IP in the configuration of the active, in a pair" "$n" --reload
check "... is not the pair's" 'lists "$NEW4 $VIP6"'
check_done "the pair is ended" "$n" --detach --yes
check "... who keeps the virtual IP keeps it" 'has $n $NEW4/32 $VIP6/128'
check_done "it is given another one" "$n" --virtual-ip=$NEW6
lab_agent "$n" restart
eventually 10 "... which it has after a restart, whatever the configuration says" 'has $n $NEW6/128 && is_state $n active'
check_done "a reload without another virtual_ip" "$n" --reload
check "... changes nothing" 'has $n $NEW6/128'
lab_config "$n" $VIP6
check_done "another virtual_ip" "$n" --reload
eventually 10 "... is held in its place" 'has $n $VIP6/128 && is_state $n active'
check_done "the one that was detached is given one of its own" "$m" --virtual-ip=$NEW4
eventually 5 "... and has it" 'has $m $NEW4/32 && [ "$(dump $m .mode)" = "primary (active)" ]'
check_refused "... but not what the other one has" 'another station' "$m" --virtual-ip=$VIP6
done_testing
