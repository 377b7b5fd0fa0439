#!/bin/bash
# Hooks: which run when, in what order, with what in their environment; and hooks that hang, fail or may not be run.
. "$(dirname "$0")/lib.sh"

nap=$((4000000 + $$)) # of a hook that hangs; nobody else sleeps so long
names='role-active role-passive role-standalone registration'

# A good hook: notes its environment as one line of JSON.
good() { # a|b NAME
	lab_hook "$1" "$2" <<-END
		#!/bin/sh
		exec jq -nc env >>"$LAB/$1/hooks.log"
	END
}
ran() { jq -rs '[.[].HAAGENT_HOOK] | join(" ")' "$LAB/$1/hooks.log" 2>/dev/null; }
newest() { # a|b HOOK VARIABLE
	jq -rs "[.[] | select(.HAAGENT_HOOK == \"$2\")] | last | .HAAGENT_$3 // \"\"" "$LAB/$1/hooks.log" 2>/dev/null
}
# One that hangs, beyond SIGTERM too, and so does what it has started.
hanging() { # a|b NAME
	lab_hook "$1" "$2" <<-END
		#!/bin/sh
		trap '' TERM
		sleep $nap &
		while :; do sleep 1; done
	END
}
hangs() { pgrep -f "^sleep $nap" >/dev/null; }
forget() { : >"$LAB/a/hooks.log" && : >"$LAB/b/hooks.log"; }
hook() { dump "$1" ".hooks[] | select(.name == \"$2\") | .$3"; } # a|b NAME KEY
told() { # a|b EVENT HOOK
	ha "$1" --history=json | jq -e "[.history[] | select(.event == \"$2\" and .subject == \"$3\")] | length > 0" >/dev/null
}

lab_up
for n in a b; do
	for name in $names; do good $n $name; done
done
lab_options 'hook_timeout_ms = 2000' "hooks = \"$LAB/a/hooks\""
lab_option b 'hook_timeout_ms = 2000' "hooks = \"$LAB/b/hooks\""
lab_begin "$VIP4" "$VIP6" || fail "a holds the virtual IP"

eventually 10 "an appliance that holds the virtual IP alone: role-active, then registration" '[ "$(ran a)" = "role-active registration" ]' || diag "$(ran a)"
check "... it may register, under the virtual IP" \
	'[ "$(newest a registration REGISTRATION_ALLOWED) $(newest a registration REGISTRATION_ADDRESSES)" = "yes $VIP4 $VIP6" ]'
eventually 10 "one that never joined: role-standalone, then registration" '[ "$(ran b)" = "role-standalone registration" ]' || diag "$(ran b)"

# Without its management port a new engine does not become active: what the one before registered is withdrawn.
forget
lab_cut_mgmt a
kill -KILL "$(pid_of a engine)"
eventually 15 "an engine that starts without carrier: nothing but registration" 'is_state a initializing && [ "$(ran a)" = registration ]' || diag "$(ran a)"
check "... it may not register any more" '[ "$(newest a registration REGISTRATION_ALLOWED) $(newest a registration ROLE)" = "no none" ]'
lab_heal_mgmt a
eventually 30 "... and may again when it is active: nothing but registration" 'is_state a active && [ "$(ran a)" = "registration registration" ]' || diag "$(ran a)"
check "... under the virtual IP" '[ "$(newest a registration REGISTRATION_ALLOWED) $(newest a registration REGISTRATION_ADDRESSES)" = "yes $VIP4 $VIP6" ]'

forget
check_done "b joins" b --join 192.0.2.11 --yes
eventually 20 "a and b are a pair, a active" 'lab_settled a b'
eventually 10 "after the join, b: role-passive, then registration" '[ "$(ran b)" = "role-passive registration" ]' || diag "$(ran b)"
check "... it may not register" '[ "$(newest b registration REGISTRATION_ALLOWED)" = no ]'
check "... the role, and why" '[ "$(newest b role-passive ROLE)" = passive ] && [ -n "$(newest b role-passive REASON)" ]'
check "... the term" '[ "$(newest b role-passive TERM)" = "$(dump b .term)" ]'
check "... the cluster's virtual IPs" '[ "$(newest b role-passive VIRTUAL_IPS)" = "$VIP4 $VIP6" ]'
check "... the peer" '[ "$(newest b role-passive PEER), $(newest b role-passive PEER_ADDRESSES)" = "appliance-a, 192.0.2.11 2001:db8::11" ]'
check "... and for a nothing is new" '[ -z "$(ran a)" ]' || diag "$(ran a)"

forget
check_done "a swap" a --swap
eventually 10 "after it, a: role-passive, then registration" '[ "$(ran a)" = "role-passive registration" ]' || diag "$(ran a)"
eventually 10 "... b: role-active, then registration" '[ "$(ran b)" = "role-active registration" ]' || diag "$(ran b)"
check "... one transition, one number" '[ -n "$(newest a role-passive TRANSITION)" ] && [ "$(newest a role-passive TRANSITION)" = "$(newest a registration TRANSITION)" ]'
check "... which rises: b may register when the virtual IP is on" '[ "$(newest b role-active TRANSITION)" -lt "$(newest b registration TRANSITION)" ]'
check "... the rule" '[ "$(newest b role-active RULE)" = T1 ]'
eventually 10 "b is active, a stands by" 'lab_settled b a'

# At a, role-active hangs, beyond SIGTERM too; at b role-passive fails and registration is not root's.
hanging a role-active
lab_hook b role-passive <<END
#!/bin/sh
echo "no such luck"
exit 3
END
chown "$LAB_USER" "$LAB/b/hooks/registration"
forget
lab_watch
check_done "a swap to one whose role-active hangs" b --swap
check "... a holds the virtual IP while it hangs" 'is_state a active && [ "$(holder)" = a ] && [ -z "$(ran a)" ]'
eventually 10 "... it is given up, and told of" 'told a hook_timeout role-active'
check "... as such" '[ "$(hook a role-active outcome)" = timeout ]'
eventually 10 "... registration runs after it" '[ "$(ran a)" = registration ]' || diag "$(ran a)"
check "... nothing of it is left" '! hangs'
check "one that fails is told of, with its status" 'told b hook_failed role-passive && [ "$(hook b role-passive outcome) $(hook b role-passive status)" = "failed 3" ]'
check "... and its output" 'hook b role-passive output | grep -q "no such luck"'
eventually 5 "one that is not root's is not run, and told of" 'told b hook_failed registration'
check "... b ran none" '[ -z "$(ran b)" ]' || diag "$(ran b)"
eventually 10 "a is active, b stands by" 'lab_settled a b'
lab_watched
check_client_served
check_one_answered

chown root "$LAB/b/hooks/registration"
good b role-passive
chmod 777 "$LAB/b/hooks/role-active"
rm "$LAB/b/hooks/registration"
ln -s "$LAB/b/hooks/role-passive" "$LAB/b/hooks/registration"
forget
lab_power_off a
eventually 15 "the power of a fails: b, whose hooks others can write, holds the virtual IP" 'is_state b active && [ "$(holder)" = b ]'
eventually 5 "... one that all can write is not run, and told of" 'told b hook_failed role-active'
check "... nor is a link" '[ -z "$(ran b)" ] && [ "$(hook b registration outcome)" = missing ]' || diag "$(ran b)"
chmod 755 "$LAB/b/hooks/role-active"
rm "$LAB/b/hooks/registration"
good b registration
chmod 777 "$LAB/b/hooks"
rm "$LAB/a/hooks/role-active"
lab_power_on a
eventually 45 "a returns" 'lab_settled b a'
check_done "b hands over" b --swap
eventually 10 "a is active, b stands by" 'lab_settled a b'
check "none is run of a directory that all can write" '[ -z "$(ran b)" ]' || diag "$(ran b)"
chmod 755 "$LAB/b/hooks"

# The virtual IP does not wait for a hook that hangs, and the next one does.
hanging b role-passive
lab_option b 'hook_timeout_ms = 6000'
forget
lab_agent b restart
eventually 20 "b is passive, and its hook hangs" 'lab_settled a b && hangs'
lab_power_off a
eventually 5 "the power of a fails: b holds the virtual IP, and its hook hangs still" 'is_state b active && [ "$(holder)" = b ] && hangs'
check "... role-active waits" '[ -z "$(ran b)" ]' || diag "$(ran b)"
eventually 15 "... until the other is given up" '[ "$(ran b)" = "role-active registration" ]' || diag "$(ran b)"
check "... of which nothing is left" '! hangs && [ "$(hook b role-passive outcome)" = timeout ]'
lab_power_on a
eventually 20 "a returns" 'lab_settled b a'

forget
check_done "b detaches a" b --detach --yes
eventually 10 "a: role-standalone, then registration" '[ "$(ran a)" = "role-standalone registration" ]' || diag "$(ran a)"
check "... and for b nothing is new" '[ -z "$(ran b)" ]' || diag "$(ran b)"
done_testing
