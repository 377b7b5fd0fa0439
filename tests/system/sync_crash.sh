# shellcheck shell=bash
# sync_crash.sh - a syncer that dies where it is told to, for sync_crash*.t.
#
# While nothing changes the faults are armed, and all changes are made at once, behind the back of the stopped active. The
# process dies where it is to, is started anew by the guardian, and is stopped again before it talks to anybody: then what is
# on the disk of the passive is looked at.

# The K-th generation: of every kind of operation one, of every K.
change() {
	(
		cd "$LAB/a/etc" || exit
		echo "$1" >text
		ln -sfn "to $1" link
		rm -rf gone.* "swap.$(($1 % 2))" "swap.$((1 - $1 % 2))"
		echo "$1" >"gone.$1"
		mkdir "gone.$1.d" "swap.$(($1 % 2))"
		echo "$1" >"gone.$1.d/file"
		echo "$1" >"swap.$((1 - $1 % 2))"
		touch attributes
		chmod $((600 + $1 % 8)) attributes
		chown "$1:$1" attributes
		head -c 200000 /dev/urandom >fresh
		[ -e large ] || head -c 1400000 /dev/urandom >large
		printf '%d' "$1" | dd of=large bs=1 seek=$((65536 * ($1 % 20))) conv=notrunc status=none
	)
}

# dies a|b old|new|whole FAULT...: it does, each time; what is at the passive then is whole; and it goes on.
k=0
dies() {
	local n=$1 which=$2 old new now what="${*:3}"
	shift 2
	old=$(lab_tree b)
	lab_faults "$n" "$@" "=recovered"
	k=$((k + 1))
	lab_at_once change $k
	new=$(lab_tree a)
	if ! wait_for 15 "is_stopped $n"; then
		fail "at $n, $what: it dies, and is started anew"
		rm -f "$LAB/$n/state/sync/fault"
		return
	fi
	now=$(lab_tree b)
	# shellcheck disable=SC2034 # for check
	local is_old='[ "$now" = "$old" ]' is_new='[ "$now" = "$new" ]'
	case $which in
	old) check "at $n, $what: nothing has happened" "$is_old" ;;
	new) check "at $n, $what: the new generation is there" "$is_new" ;;
	whole) check "at $n, $what: one or the other is there" "$is_old || $is_new" ;;
	esac ||
		diag "to the old one:" "$(diff <(echo "$old") <(echo "$now"))" "to the new one:" "$(diff <(echo "$new") <(echo "$now"))"
	lab_syncer_kill "$n" CONT
	eventually 15 "... and the copy goes on" 'is_synced && trees_same' || diag "$(diff <(lab_tree a) <(lab_tree b))"
}

engine_starts() { dump "$1" .guardian.engine_starts; } # since its agent was started

# A guardian has less and less patience with a process that dies; at the passive it is exchanged, at the active waited for.
soothe() {
	if [ "$1" = a ]; then
		sleep 10.5
		return
	fi
	lab_agent b restart
	wait_for 20 'is_state a active && lab_settled a b && is_synced' || fail "the pair is whole again"
}
