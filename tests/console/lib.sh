# shellcheck shell=bash
# lib.sh - the lab of tests/system with a console on each appliance, and curl at the client.
#
# Each console runs in its appliance's namespaces as the user haconsole, and is asked from c over the network as a browser
# would, by the management address. Everything is in the lab's directory and is gone with it.

# shellcheck source=tests/system/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../system/lib.sh"

HACONSOLE=${HACONSOLE:-$LAB_ROOT/build/haconsole}
CONSOLE_USER=${CONSOLE_USER:-haconsole}
CONSOLE_PASSWORD="correct horse $$"
CONSOLE_OPTIONS=() # lines for its configuration

console_require() {
	local tool
	[ -x "$HACONSOLE" ] || skip_all "needs build/haconsole: make"
	id "$CONSOLE_USER" >/dev/null 2>&1 || skip_all "needs the user $CONSOLE_USER: scripts/install-deps"
	for tool in curl perl setpriv jq openssl; do
		command -v $tool >/dev/null || skip_all "needs $tool: scripts/install-deps"
	done
}

# For every configuration of the agent: what the console's user may ask for.
console_operator() {
	local virtual=
	! "$HAAGENT" --help | grep -q -- --virtual-ip || virtual=', "virtual_ip"' # not every HAAGENT can
	lab_options "${LAB_OPTIONS[@]}" \
		"operator \"$CONSOLE_USER\" { actions = {\"swap\", \"suspend\", \"resume\", \"test-connection\", \"join\", \"detach\", \"remove\"$virtual} }"
}

console_config() { # a|b
	install -d -m 700 -o "$CONSOLE_USER" "$LAB/$1/console"
	cat >"$LAB/$1/console.conf" <<-END
		control         = "$LAB/$1/run/control"
		state_directory = "$LAB/$1/console"
		user            = "$CONSOLE_USER"
	END
	[ ${#CONSOLE_OPTIONS[@]} -eq 0 ] || printf '%s\n' "${CONSOLE_OPTIONS[@]}" >>"$LAB/$1/console.conf"
	chmod 644 "$LAB/$1/console.conf"
}

# console_password a|b USER PASSWORD: as typed at a terminal of the appliance.
console_password() {
	local command
	printf -v command '%q ' "$HACONSOLE" -c "$LAB/$1/console.conf" --set-password "$2"
	{
		sleep 0.5
		printf '%s\n' "$3"
		sleep 0.5
		printf '%s\n' "$3"
	} | timeout 20 script -qfec "$command" /dev/null >"$LAB/out" 2>&1
	return "${PIPESTATUS[1]}"
}

# What starts one in an appliance's namespaces, with nothing but its user and the agent's group.
console_command() { # a|b
	# shellcheck disable=SC2016 # for the inner shell
	CONSOLE_COMMAND=(ip netns exec "$NS$1" unshare --uts sh -c
		'printf %s "$0" >/proc/sys/kernel/hostname; exec "$@"' "$(lab_name "$1")"
		setpriv --reuid "$CONSOLE_USER" --regid "$CONSOLE_USER" --groups "$(id -g "$LAB_USER")"
		--bounding-set=-all --inh-caps=-all "$HACONSOLE" -c "$LAB/$1/console.conf")
}

# A socket at this machine's own 127.0.0.1, handed over as a service manager does: whoever sits here reaches the console
# in its namespace, and nothing has to forward anything.
console_listen() { # a|b PORT
	console_command "$1"
	perl -MSocket -MPOSIX -e '
		BEGIN { $^F = 3 } # what is handed over stays open
		my $port = shift;
		socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
		setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
		bind($s, pack_sockaddr_in($port, inet_aton("127.0.0.1"))) or die "127.0.0.1:$port: $!\n";
		listen($s, 128) or die "listen: $!";
		POSIX::dup2(fileno($s), 3) if fileno($s) != 3;
		@ENV{qw(LISTEN_FDS LISTEN_PID)} = (1, $$);
		exec @ARGV or die "exec: $!";
	' "$2" "${CONSOLE_COMMAND[@]}" >>"$LAB/$1/console.log" 2>&1 &
	echo $! >"$LAB/$1/console.pid"
	disown $!
	wait_for 10 "curl -sko /dev/null https://127.0.0.1:$2/api/v1/session"
}

# console a|b start|stop
console() {
	local n=$1 i
	case $2 in
	start)
		console_command "$n"
		"${CONSOLE_COMMAND[@]}" >>"$LAB/$n/console.log" 2>&1 &
		echo $! >"$LAB/$n/console.pid"
		disown $!
		wait_for 10 "in_ns $n ss -Hltn 'sport = :8443' | grep -q ."
		;;
	stop)
		kill -TERM "$(console_pid "$n")" 2>/dev/null
		for ((i = 0; i < 100; i++)); do
			kill -0 "$(console_pid "$n")" 2>/dev/null || return 0
			sleep 0.05
		done
		return 1
		;;
	esac
}
console_pid() { cat "$LAB/$1/console.pid"; }
console_rss() { awk '/^VmHWM/ {print $2}' "/proc/$(console_pid "$1")/status"; } # KB, at most so far

# Two appliances, and a console on each with the account admin; agents are the caller's.
console_up() {
	local n
	console_require
	console_operator
	lab_up "$@"
	for n in $LAB_BOXES; do
		console_config "$n"
		console_password "$n" admin "$CONSOLE_PASSWORD" || diag "no password: $(cat "$LAB/out")"
		console "$n" start || diag "no console: $(cat "$LAB/$n/console.log")"
	done
}

# http FROM a|b PATH [CURL-OPTION...]: the body is in $LAB/body, headers in $LAB/headers; prints the status.
http() {
	local from=$1 n=$2 path=$3
	shift 3
	in_ns "$from" curl -sk --max-time 30 --path-as-is -D "$LAB/headers" -o "$LAB/body" -w '%{http_code}' \
		"$@" "https://192.0.2.$(lab_last "$n"):8443$path"
}

body() { jq -r "$1" "$LAB/body"; }
header() { tr -d '\r' <"$LAB/headers" | sed -nE "s/^$1: //Ip"; } # NAME

# login a|b [PASSWORD [USER]]: prints the status; the cookie is in $LAB/N.jar, the token in $LAB/N.csrf.
login() {
	http c "$1" /api/v1/login -c "$LAB/$1.jar" -H 'Content-Type: application/json' \
		-d "$(jq -nc --arg u "${3:-admin}" --arg p "${2:-$CONSOLE_PASSWORD}" '{user: $u, password: $p}')"
	jq -r .csrf "$LAB/body" >"$LAB/$1.csrf"
}

get() { # a|b PATH [CURL-OPTION...]: logged in
	local n=$1 path=$2
	shift 2
	http c "$n" "$path" -b "$LAB/$n.jar" "$@"
}

post() { # a|b PATH JSON [CURL-OPTION...]: logged in, with the token
	local n=$1 path=$2 json=$3
	shift 3
	http c "$n" "$path" -b "$LAB/$n.jar" -H "X-CSRF-Token: $(cat "$LAB/$n.csrf")" \
		-H 'Content-Type: application/json' -d "$json" "$@"
}

# check_http DESCRIPTION STATUS COMMAND...: a request that is answered so.
check_http() {
	local what=$1 expected=$2 got
	shift 2
	got=$("$@")
	check "$what: $expected" "[ '$got' = '$expected' ]" || diag "answered $got: $(head -c 600 "$LAB/body" 2>/dev/null)"
}

# ---- a browser at the client ----

BROWSER_MODULES=${HAAGENT_BROWSER:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/haagent/browser}

browser_require() {
	command -v chromium >/dev/null && command -v node >/dev/null && [ -e "$BROWSER_MODULES/installed" ] ||
		skip_all "needs chromium, node and playwright-core: scripts/install-deps"
}

# browse STORY: a story of tests/console/browser is played in the client's namespace. Its checks are checks of this test,
# and what it wants done to the appliances is done here.
browse() {
	local verb rest ended=
	# What a browser writes beside its profile is the lab's.
	mkdir -p "$LAB/browser"
	coproc BROWSER {
		HOME=$LAB/browser TMPDIR=$LAB/browser BROWSER_MODULES=$BROWSER_MODULES CONSOLE_PASSWORD=$CONSOLE_PASSWORD \
			in_ns c node "$LAB_ROOT/tests/console/browser/$1.mjs" 2>"$LAB/browser.err"
	}
	# shellcheck disable=SC2154 # coproc sets it
	local out=${BROWSER[0]} in=${BROWSER[1]} pid=$BROWSER_PID
	while read -r -t 120 verb rest <&"$out"; do
		case $verb in
		ok) pass "$rest" ;;
		no) fail "$rest" ;;
		diag) diag "$rest" ;;
		figure) echo "$rest" ;;
		lab)
			(eval "$rest") >"$LAB/out" 2>&1 </dev/null
			echo $? >&"$in"
			;;
		end) ended=1 && break ;;
		esac
	done
	[ -n "$ended" ] || {
		fail "the story $1 has an end"
		diag "$(cat "$LAB/browser.err")"
	}
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}
