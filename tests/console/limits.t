#!/bin/bash
# What a console does not let itself in for: sizes, methods, types, names, paths, text that is none; clients that are
# slow, many, or both. Each is answered with the right status and a message, or shown the door, and everybody else is
# served meanwhile. Nothing is changed by any of it.
# shellcheck disable=SC2034,SC2046 # what is assigned is used by the conditions; lists of processes
. "$(dirname "$0")/lib.sh"

export LOCALDOMAIN="example.net lan" # as resolv.conf would have it
console_up
lab_pair || diag "no pair"
login a >/dev/null
before=$(lab_snapshot)
J='Content-Type: application/json'

# refused DESCRIPTION STATUS CODE CURL-ARGUMENT...: an Error of that code, with a message.
refused() {
	local what=$1 expected=$2 code=$3 got
	shift 3
	got=$(http c a "$@")
	check "$what: $expected $code" "[ '$got' = '$expected' ] && [ \"\$(body .error.code)\" = '$code' ] && [ -n \"\$(body .error.message)\" ]" ||
		diag "answered $got: $(head -c 300 "$LAB/body")"
}
long() { head -c "$1" /dev/zero | tr '\0' x; }

# ---- sizes ----
refused "an address that is too long" 414 too_long "/$(long 1100)"
refused "headers that are too large" 431 too_large /api/v1/session -H "X-A: $(long 5000)" -H "X-B: $(long 5000)"
# The library answers and hangs up; the client may still be writing, and then sees only that.
check "headers that are larger than all memory for them: 431, or cut off" '[[ $(http c a /api/v1/session -H "X-A: $(long 60000)") = @(431|000) ]]'
refused "a body that is announced too large" 413 too_large /api/v1/login -H "$J" -d "{\"user\": \"$(long 5000)\"}"
refused "one that is too large in pieces" 413 too_large /api/v1/login -H "$J" -H 'Transfer-Encoding: chunked' -d "{\"user\": \"$(long 5000)\"}"
long 200000 >"$LAB/big"
check "one without an end is cut off" '[ "$(http c a /api/v1/login -H "$J" -H "Transfer-Encoding: chunked" -d @"$LAB/big")" = 000 ]'

# ---- methods and types ----
refused "GET where POST belongs" 405 method /api/v1/login
check "... and what is allowed" '[ "$(header allow)" = POST ]'
refused "POST where GET belongs" 405 method /api/v1/state -H "$J" -d '{}'
for method in PUT DELETE PATCH OPTIONS TRACE CONNECT FOO; do
	refused "$method" 405 method /api/v1/state -X $method --request-target /api/v1/state
done
check "HEAD is GET without a body" '[ "$(http c a / -I)" = 200 ] && [ "$(header content-length)" -gt 100 ]'
check_http "... but not of what has no end" 405 get a /api/v1/events -I
refused "a form" 415 type /api/v1/login -d 'user=admin&password=x'
refused "a type that only begins like JSON" 415 type /api/v1/login -H 'Content-Type: application/jsonp' -d '{}'
refused "an encoded body" 415 type /api/v1/login -H "$J" -H 'Content-Encoding: gzip' -d '{}'

# ---- bodies ----
refused "no JSON" 400 json /api/v1/login -H "$J" -d 'hello'
refused "a list" 400 json /api/v1/login -H "$J" -d '[1]'
refused "a half" 400 json /api/v1/login -H "$J" -d '{"user": "admin", '
refused "a member twice" 400 json /api/v1/login -H "$J" -d '{"user": "a", "user": "b"}'
refused "deep brackets" 400 json /api/v1/login -H "$J" -d "$(long 2000 | tr x '[')"
printf '{"user": "\xff\xfe", "password": "x"}' >"$LAB/latin"
refused "no UTF-8" 400 json /api/v1/login -H "$J" --data-binary @"$LAB/latin"
printf '{"user": "a\\u0000b", "password": "x"}' >"$LAB/nul"
refused "a NUL in a text" 400 json /api/v1/login -H "$J" --data-binary @"$LAB/nul"
refused "a password that is too long" 400 fields /api/v1/login -H "$J" -d "{\"user\": \"admin\", \"password\": \"$(long 300)\"}"
refused "a member more" 400 fields /api/v1/login -H "$J" -d '{"user": "admin", "password": "x", "x": 1}'

# What looks something up takes no body, and does not mind one.
for path in / /console.js /api/v1/session /healthz; do
	check_http "GET of $path with a body" 200 http c a "$path" -X GET -d 'x'
done
check_http "... in pieces" 200 http c a / -X GET -H 'Transfer-Encoding: chunked' -d '/console.js'
check "... the console is still there" 'kill -0 "$(console_pid a)"'

# ---- names ----
refused "another Host" 421 wrong_host / -H 'Host: evil.example'
refused "one that begins like ours" 421 wrong_host / -H 'Host: appliance-a2'
refused "our name in just any domain" 421 wrong_host / -H 'Host: appliance-a.evil.example'
refused "... or behind our own" 421 wrong_host / -H 'Host: appliance-a.example.net.evil.example'
refused "another address" 421 wrong_host / -H 'Host: 192.0.2.77'
refused "loopback, from elsewhere" 421 wrong_host / -H 'Host: localhost'
refused "no Host that is one" 400 bad_host / -H 'Host: a b/c'
raw() { # REQUEST: as it is, with \r\n; the reply
	{ printf "$1" && sleep 1; } | in_ns c timeout 10 openssl s_client -quiet -connect 192.0.2.11:8443 2>/dev/null
}
check "two of them" 'raw "GET / HTTP/1.1\r\nHost: appliance-a\r\nHost: evil.example\r\n\r\n" | grep -q "^HTTP/1.1 400"'
check "no HTTP at all: nothing, or 400" 'reply=$(raw "hello\r\n\r\n" | head -n 1) && [[ -z $reply || $reply = *400* ]]'
check "a negative length: 400, or nothing" 'reply=$(raw "POST /api/v1/login HTTP/1.1\r\nHost: appliance-a\r\nContent-Type: application/json\r\nContent-Length: -1\r\n\r\n" | head -n 1) && [[ -z $reply || $reply = *400* ]]'
lengths() { raw "POST /api/v1/login HTTP/1.1\r\nHost: appliance-a\r\nContent-Type: application/json\r\n$1\r\n\r\n{}"; }
check "two lengths: 400" 'lengths "Content-Length: 2\r\nContent-Length: 3" | grep -q bad_length'
check "a length, and pieces: 400" 'lengths "Content-Length: 2\r\nTransfer-Encoding: chunked" | grep -q bad_length'
check "none" '[ "$(http c a / -H "Host:")" = 400 ]'
for host in appliance-a APPLIANCE-A:8443 appliance-a.example.net appliance-a.lan. 192.0.2.11; do
	check_http "ours: $host" 200 http c a / -H "Host: $host"
done
check "... IPv6, too" '[ "$(in_ns c curl -sko /dev/null -w "%{http_code}" "https://[2001:db8::11]:8443/")" = 200 ]'
check "... and the virtual IP" '[ "$(in_ns c curl -sko /dev/null -w "%{http_code}" "https://$VIP4:8443/")" = 200 ]'

# ---- paths ----
for path in /../../etc/passwd /%2e%2e/%2e%2e/etc/passwd /..%2f..%2fetc/passwd //etc/passwd /console.js/ /console.js%00.html \
	'/\..\..\etc\passwd' /.git/config /%c0%ae%c0%ae/ /api/v1/ /api/v1/state/ /API/V1/STATE /index.html~; do
	refused "nothing at $path" 404 not_found "$path"
done

# ---- headers of every reply ----
for path in / /console.js /api/v1/session /api/v1/nothing /healthz; do
	http c a "$path" >/dev/null
	check "the headers of $path" '[[ $(header content-security-policy) = "default-src '"'none'"';"* && $(header content-security-policy) = *"frame-ancestors '"'none'"'"* ]] &&
		[ "$(header x-content-type-options)" = nosniff ] && [ "$(header referrer-policy)" = no-referrer ] &&
		[[ $(header strict-transport-security) = max-age=* ]] && [[ $(header cache-control) = no-* ]]'
done
check "nothing inline is allowed" '! header content-security-policy | grep -q unsafe'
http c a /console.js >/dev/null
etag=$(header etag)
check_http "what a browser has is not sent again" 304 http c a /console.js -H "If-None-Match: $etag"
check_http "compressed for who can read that" 200 http c a /console.js -H 'Accept-Encoding: br, gzip'
check "... which is the same file" '[ "$(header content-encoding)" = gzip ] && gzip -dc "$LAB/body" | cmp - "$LAB_ROOT/console/pages/console.js"'
check "... under another tag" '[ -n "$(header etag)" ] && [ "$(header etag)" != "$etag" ] && [ "$(header vary)" = Accept-Encoding ]'
check_http "... and not for who refuses it" 200 http c a /console.js -H 'Accept-Encoding: gzip;q=0'
check "... who gets it as it is" '[ -z "$(header content-encoding)" ] && cmp "$LAB/body" "$LAB_ROOT/console/pages/console.js"'
check "the pages fit into 100 KB" '[ "$(cat "$LAB_ROOT"/console/pages/* | wc -c)" -lt 102400 ]'

# ---- TLS ----
tls() { in_ns c timeout 10 openssl s_client -connect 192.0.2.11:8443 "$@" </dev/null 2>&1; }
check "TLS 1.3 and 1.2" 'tls -tls1_3 | grep -q "Cipher is TLS_" && tls -tls1_2 | grep -q "Cipher is ECDHE"'
check "not 1.1" '! tls -tls1_1 -cipher DEFAULT@SECLEVEL=0 | grep -q "Cipher is [A-Z]"'
check "not without forward secrecy" '! tls -tls1_2 -cipher AES256-GCM-SHA384 | grep -q "Cipher is [A-Z]"'
for group in X25519 P-256 P-384; do
	check "a group that costs little: $group" 'tls -groups "$group" | grep -q "Cipher is [A-Z]"'
done
for group in ffdhe2048 ffdhe8192 P-521 X448; do
	check "... not one that is dear: $group" '! tls -groups "$group" | grep -q "Cipher is [A-Z]"'
done
check "no signature over SHA-1" '! tls -tls1_2 -sigalgs ECDSA+SHA1 -cipher DEFAULT@SECLEVEL=0 | grep -q "Cipher is [A-Z]"'
check "the certificate is the one in the log" \
	'grep -q "certificate=$(tls | openssl x509 -noout -fingerprint -sha256 | sed s/.*=//)" "$LAB/a/console.log"'
check "... for the host name" 'tls | openssl x509 -noout -ext subjectAltName | grep -q DNS:appliance-a'
check "its key is nobody else's to read" '[ "$(stat -c "%a %U" "$LAB/a/console/key.pem" "$LAB/a/console/accounts" | sort -u)" = "600 $CONSOLE_USER" ]'
check "plain HTTP gets nothing" '! in_ns c curl -s --max-time 5 http://192.0.2.11:8443/'

# ---- slow and many ----
# crowd N HOW: so many clients at once from c; prints how many of them still have a connection after 14 s.
crowd() {
	in_ns c perl -MSocket -MIO::Socket::INET -MTime::HiRes=sleep -e '
		my ($n, $how) = @ARGV;
		$SIG{PIPE} = "IGNORE";
		my @all = grep { $_ } map { IO::Socket::INET->new(PeerAddr => "192.0.2.11:8443", Timeout => 5) } 1 .. $n;
		# The first bytes of a TLS record that never ends, one each second.
		my @drip = (0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, (0) x 100);
		for my $second (0 .. 13) {
			if ($how eq "drip") { syswrite($_, chr $drip[$second]) for @all }
			sleep 1;
		}
		my $left = 0;
		for (@all) { $_->blocking(0); my $got = sysread($_, my $byte, 1); $left++ if !defined $got && $!{EAGAIN} }
		print "$left\n";
	' "$1" "$2"
}
crowd 40 drip >"$LAB/left" &
crowd=$!
sleep 2
check_http "while forty drip a byte a second, others are served" 200 get a /api/v1/state
wait $crowd
check "... and after their time they are shown the door" '[ "$(cat "$LAB/left")" -eq 0 ]' || diag "left: $(cat "$LAB/left")"

# One that is through with TLS and the headers, and then sends its body a byte at a time.
slow_body() {
	{
		printf 'POST /api/v1/login HTTP/1.1\r\nHost: 192.0.2.11\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n'
		for ((i = 0; i < 20; i++)); do sleep 1; printf ' ' || break; done
	} | in_ns c timeout 30 openssl s_client -quiet -connect 192.0.2.11:8443 2>/dev/null
}
start=$SECONDS
slow_body >"$LAB/slow"
check "a body that drips is cut off, without an answer" '[ $((SECONDS - start)) -lt 25 ] && [ ! -s "$LAB/slow" ]' || diag "$((SECONDS - start)) s: $(cat "$LAB/slow")"

heartbeats=$(events b state)
crowd 1000 idle >"$LAB/left" &
crowd=$!
sleep 4
check "a thousand idle ones from one address: few have a place" '[ "$(in_ns a ss -Htn "sport = :8443" | grep -c ESTAB)" -le 80 ]'
check "... the machine itself is served" '[ "$(in_ns a curl -sko /dev/null --max-time 10 -w "%{http_code}" https://127.0.0.1:8443/)" = 200 ]'
check "... and other addresses are" '[ "$(in_ns g curl -sko /dev/null --max-time 10 -w "%{http_code}" https://192.0.2.11:8443/)" = 200 ]'
wait $crowd
check "... and all of them are gone" '[ "$(cat "$LAB/left")" -eq 0 ]' || diag "left: $(cat "$LAB/left")"
check_http "the address is served again" 200 get a /api/v1/state

# Whoever follows the state and whose network is gone: the kernel alone would try for a quarter of an hour.
pages() { in_ns a curl -sk https://127.0.0.1:8443/metrics | sed -n 's/^haconsole_pages //p'; }
in_ns c timeout 120 curl -skN -b "$LAB/a.jar" https://192.0.2.11:8443/api/v1/events >/dev/null 2>&1 &
stream=$!
eventually 5 "a page follows" '[ "$(pages)" = 1 ]'
ip -n "${NS}sw" link set pc nomaster
eventually 60 "... and is let go when its network is gone" '[ "$(pages)" = 0 ]'
ip -n "${NS}sw" link set pc master br0
kill $stream 2>/dev/null
check_http "the network is back" 200 get a /api/v1/state

# Every place, from as many addresses as it takes; renewed as soon as one is lost.
for ((i = 0; i < 6; i++)); do ip -n "${NS}c" addr add "192.0.2.$((150 + i))/24" dev eth0; done
in_ns c perl -MSocket -MIO::Socket::INET -MTime::HiRes=sleep,time -e '
	$SIG{PIPE} = "IGNORE";
	my ($end, %all) = (time + 20);
	while (time < $end) {
		for my $from (150 .. 155) {
			my $list = $all{$from} //= [];
			@$list = grep { $_->blocking(0); my $got = sysread($_, my $byte, 1); !defined $got && $!{EAGAIN} } @$list;
			while (@$list < 64) {
				push @$list, IO::Socket::INET->new(PeerAddr => "192.0.2.11:8443", LocalAddr => "192.0.2.$from", Timeout => 1) // last;
			}
		}
		sleep 0.05;
	}
' &
crowd=$!
sleep 4
check "every place is taken by idle ones of six addresses" '[ "$(in_ns a ss -Htn "sport = :8443" | grep -c ESTAB)" -ge 300 ]'
served=0
for ((i = 0; i < 10; i++)); do [ "$(get a /api/v1/state)" != 200 ] || served=$((served + 1)); done
check "... who works here gets one" '[ $served -ge 8 ]' || diag "$served of 10"
check "... and who logs in" '[ "$(login a)" = 200 ]'
wait $crowd

check "below 30 MB at the worst of it" '[ "$(console_rss a)" -lt 30720 ]' || diag "$(console_rss a) KB"
diag "the console had $(console_rss a) KB at most"
check "no role changed" '[ "$(events b state)" = "$heartbeats" ]'
check "nothing was changed by all this" '[ "$(lab_snapshot)" = "$before" ]'
check "it still runs, as its user, without a capability" \
	'grep -q "^CapEff:.0000000000000000" "/proc/$(console_pid a)/status" && grep -q "^NoNewPrivs:.1" "/proc/$(console_pid a)/status" && [ "$(ps -o user= -p "$(console_pid a)")" = "$CONSOLE_USER" ]'
done_testing
