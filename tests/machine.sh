# shellcheck shell=bash
# machine.sh - a machine of its own for tests of packages: Debian in a directory, booted by its own systemd.
#
# The root is made for this (mmdebstrap, minimal, from the mirrors that this machine's apt uses). systemd is process 1 of
# namespaces of its own, in a control group of its own, in the network namespace $ns: units, sockets, sandboxes and watchdogs are
# the real ones, and so are the maintainers' scripts that ask for them. All of it is gone with machine_gone.
#
# shellcheck disable=SC2154 # of whoever sources this: $root, its place, and $ns

# machine_root PACKAGE...: the root is there, with these in it.
machine_root() {
	local mirrors list line IFS=,
	local -a apt=(--aptopt='Acquire::Languages "none"')
	mirrors=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep -E '^deb ')
	if [ -e /etc/apt/sources.list.d/debian.sources ]; then
		list=/etc/apt/sources.list.d/debian.sources
	else
		list=$(dirname "$root")/sources.list
		printf '%s\n' "$mirrors" >"$list"
	fi
	while read -r line; do
		[ -z "$line" ] || apt+=(--aptopt="$line")
	done < <(apt-config dump | grep -E '^Acquire::(http|https)::(Proxy|CaInfo|Verify-Peer)')
	mmdebstrap --quiet --variant=minbase --mode=root --include="ca-certificates,systemd,systemd-sysv,dbus,$*" "${apt[@]}" \
		"$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root" "$list" || return
	tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
	echo appliance-a >"$root/etc/hostname"
}

# machine_boot: false if systemd cannot be run here.
machine_boot() {
	local groups
	groups=$(findmnt -nrt cgroup2 -o TARGET | head -n 1)
	machine_group=$groups/${root//[^A-Za-z0-9]/_}
	[ -n "$groups" ] && mkdir "$machine_group" 2>/dev/null || return
	# shellcheck disable=SC2016 # for the inner shell
	(
		echo "$BASHPID" >"$machine_group/cgroup.procs" &&
			exec ip netns exec "$ns" unshare --pid --fork --kill-child --mount --uts --ipc --cgroup sh -ec '
				mount --make-rprivate /
				mount --bind "$0" "$0"
				cd "$0"
				mount -t proc proc proc
				mount -t sysfs sysfs sys
				mount -t cgroup2 cgroup2 sys/fs/cgroup
				mount -t tmpfs -o mode=755,nosuid,nodev run run
				mount -t tmpfs -o mode=755 dev dev
				mkdir dev/pts dev/shm
				for device in null zero full random urandom tty; do
					touch dev/$device
					mount --bind /dev/$device dev/$device
				done
				mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
				ln -s pts/ptmx dev/ptmx
				mount -t tmpfs shm dev/shm
				mkdir -p mnt/before
				pivot_root . mnt/before
				umount -l mnt/before
				exec env -i container=haagent PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=null --show-status=no
			' "$root"
	) </dev/null >/dev/null 2>&1 &
	disown $!
	wait_for 60 machine_is_up
}

# Process 1, as this machine numbers it. Nothing else of the group is in a scope of that name.
machine_init() { head -n 1 "$machine_group/init.scope/cgroup.procs" 2>/dev/null; }
machine_is_up() { [ -n "$(machine_init)" ] && run systemctl is-system-running 2>/dev/null | grep -qxE 'running|degraded'; }

# run COMMAND...: in there.
run() {
	nsenter -t "$(machine_init)" -m -u -i -n -p -C \
		env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 TERM=dumb "$@"
}

machine_gone() {
	local i
	[ -n "${machine_group:-}" ] && [ -d "$machine_group" ] || return 0
	echo 1 >"$machine_group/cgroup.kill"
	for ((i = 0; i < 100; i++)); do
		find "$machine_group" -depth -type d -exec rmdir {} + 2>/dev/null && break
		sleep 0.05
	done
}
