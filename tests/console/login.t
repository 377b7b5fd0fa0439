#!/bin/bash
# Who gets in, and as whom: accounts made at a terminal only, cookies, tokens, origins, a planted session, passwords that
# change, failures that slow down, and the machine itself that is never locked out.
# shellcheck disable=SC2034,SC2046 # what is assigned is used by the conditions; lists of processes
. "$(dirname "$0")/lib.sh"

J='Content-Type: application/json'
console_require
lab_up
console_config a
console a start
lab_begin || diag "a is not active"

# ---- no account that nobody made ----
check_http "without an account nobody gets in" 403 login a
check "... and it says what to do" 'body .error.message | grep -q -- "--set-password"'
check "the session says so, too" '[ "$(http c a /api/v1/session)" = 200 ] && [ "$(body .accounts)" = false ]'
check "so does the log" 'grep -q "event=accounts.*--set-password" "$LAB/a/console.log"'
check "a password is asked for at a terminal only" \
	'! setsid "$HACONSOLE" -c "$LAB/a/console.conf" --set-password admin >"$LAB/out" 2>&1 </dev/null && said terminal'
check "a short one is none" '! console_password a admin short && said "ten characters"'
check "nor is a strange name" '! "$HACONSOLE" -c "$LAB/a/console.conf" --set-password "a:b" >"$LAB/out" 2>&1 && said "no name"'
check "nothing was made" '[ ! -e "$LAB/a/console/accounts" ]'
check "a good one is" 'console_password a admin "$CONSOLE_PASSWORD"' || diag "$(cat "$LAB/out")"
check "... as Argon2id, for the console's user alone" \
	'grep -q "^admin:[$]argon2id[$]" "$LAB/a/console/accounts" && [ "$(stat -c "%a %U" "$LAB/a/console/accounts")" = "600 $CONSOLE_USER" ]'
check "... it was not shown" '! said "$CONSOLE_PASSWORD"'
check_http "and is good at once" 200 login a

# ---- the cookie ----
cookie=$(header set-cookie)
for attribute in __Host-session= 'Path=/' Secure HttpOnly SameSite=Strict Max-Age=; do
	check "the cookie has $attribute" '[[ $cookie = *"$attribute"* ]]'
done
check "... and no domain" '[[ $cookie != *[Dd]omain* ]]'
check "256 random bits" '[[ $cookie =~ __Host-session=[A-Za-z0-9_-]{43}\; ]]'
check_http "it is good for the state" 200 get a /api/v1/state
check_http "without it there is nothing" 401 http c a /api/v1/state
check_http "with another there is nothing" 401 http c a /api/v1/state -H "Cookie: __Host-session=$(printf 'A%.0s' {1..43})"
check "the token is not in the process's memory as it is in the cookie" '! grep -qa "$(awk "/__Host-session/ {print \$7}" "$LAB/a.jar")" "$LAB/a/console/accounts" "$LAB/a/console.log"'

# ---- a session that somebody planted ----
planted=$(printf 'P%.0s' {1..43})
http c a /api/v1/login -H "$J" -H "Cookie: __Host-session=$planted" -d "$(jq -nc --arg p "$CONSOLE_PASSWORD" '{user: "admin", password: $p}')" >/dev/null
check "a login makes a session of its own" '[[ $(header set-cookie) != *"$planted"* ]]'
check_http "... and the planted one is worth nothing" 401 http c a /api/v1/state -H "Cookie: __Host-session=$planted"
cp "$LAB/a.jar" "$LAB/before.jar"
check_http "a login with a session" 200 http c a /api/v1/login -b "$LAB/a.jar" -c "$LAB/a.jar" -H "$J" -d "$(jq -nc --arg p "$CONSOLE_PASSWORD" '{user: "admin", password: $p}')"
jq -r .csrf "$LAB/body" >"$LAB/a.csrf"
check_http "... ends that one" 401 http c a /api/v1/state -b "$LAB/before.jar"
check_http "... the new one is good" 200 get a /api/v1/state

# ---- requests from elsewhere ----
before=$(lab_snapshot)
swap() { http c a /api/v1/actions/swap -b "$LAB/a.jar" -H "$J" -d '{}' "$@"; }
code() { [ "$(body .error.code)" = "$1" ]; }
check "without the token: 403" '[ "$(swap)" = 403 ] && code csrf'
check "with another's: 403" '[ "$(swap -H "X-CSRF-Token: $(printf "A%.0s" {1..43})")" = 403 ] && code csrf'
check "from another origin: 403, with the right token, too" '[ "$(swap -H "X-CSRF-Token: $(cat "$LAB/a.csrf")" -H "Origin: https://evil.example")" = 403 ] && code cross_site'
check "from the same host without TLS: 403" '[ "$(swap -H "X-CSRF-Token: $(cat "$LAB/a.csrf")" -H "Origin: http://192.0.2.11:8443")" = 403 ] && code cross_site'
check "from an origin that is none: 403" '[ "$(swap -H "X-CSRF-Token: $(cat "$LAB/a.csrf")" -H "Origin: null")" = 403 ] && code cross_site'
for site in cross-site same-site none; do
	check "Sec-Fetch-Site: $site: 403" '[ "$(swap -H "X-CSRF-Token: $(cat "$LAB/a.csrf")" -H "Sec-Fetch-Site: $site")" = 403 ] && code cross_site'
done
check "a login from elsewhere: 403" '[ "$(http c a /api/v1/login -H "$J" -H "Origin: https://evil.example" -d "{}")" = 403 ]'
check "from its own page: the agent is asked" '[ "$(swap -H "X-CSRF-Token: $(cat "$LAB/a.csrf")" -H "Origin: https://192.0.2.11:8443" -H "Sec-Fetch-Site: same-origin")" = 409 ] && code refused'
check "nothing was changed" '[ "$(lab_snapshot)" = "$before" ]'

# ---- the console's user may not do more than it is allowed to ----
check "what the agent does not allow the console is refused by the agent" 'body .error.message | grep -q "only root may swap"'

# ---- a session that ends between the headers of a request and its body ----
late() { # DURING: what happens meanwhile; the reply
	local length=2
	{
		printf 'POST /api/v1/actions/swap HTTP/1.1\r\nHost: 192.0.2.11\r\nContent-Type: application/json\r\n'
		printf 'Content-Length: %s\r\nConnection: close\r\n' $length
		printf 'Cookie: __Host-session=%s\r\nX-CSRF-Token: %s\r\n\r\n' "$(awk '/__Host-session/ {print $7}' "$LAB/a.jar")" "$(cat "$LAB/a.csrf")"
		sleep 1
		eval "$1" >/dev/null
		printf '{}'
		sleep 1
	} | in_ns c timeout 10 openssl s_client -quiet -connect 192.0.2.11:8443 2>/dev/null | head -n 1
}
check "a request whose body comes later is carried out" 'late : | grep -q " 409 "'
check "... not if its session has ended meanwhile" 'late "post a /api/v1/logout {}" | grep -q " 401 "'
login a >/dev/null

# ---- another password ends sessions ----
in_ns c timeout 30 curl -skN -b "$LAB/a.jar" https://192.0.2.11:8443/api/v1/events >"$LAB/events" 2>/dev/null &
wait_for 5 'grep -q "^event: state" "$LAB/events"'
console_password a other "another password"
check_http "a second account does not" 200 get a /api/v1/state
CONSOLE_OLD=$CONSOLE_PASSWORD CONSOLE_PASSWORD="battery staple $$"
console_password a admin "$CONSOLE_PASSWORD"
eventually 15 "another password ends the open stream, though nobody asks for anything" 'grep -q "^event: bye" "$LAB/events"'
check_http "... and the session" 401 get a /api/v1/state
check_http "the old password is none" 401 login a "$CONSOLE_OLD"
check_http "the new one is" 200 login a
check_http "the other account is what it was" 200 login a "another password" other
login a >/dev/null
check "logout" '[ "$(post a /api/v1/logout "{}")" = 200 ] && [[ $(header set-cookie) = *Max-Age=0* ]]'
check_http "... ends it" 401 get a /api/v1/state
login a >/dev/null
cp "$LAB/a.jar" "$LAB/elsewhere.jar"
login a >/dev/null
login a "another password" other >/dev/null
cp "$LAB/a.jar" "$LAB/other.jar"
login a >/dev/null
check_http "a logout with something else in it is none" 400 post a /api/v1/logout '{"everywhere": 1}'
check_http "logout everywhere" 200 post a /api/v1/logout '{"everywhere": true}'
check_http "... ends what was left open elsewhere" 401 http c a /api/v1/state -b "$LAB/elsewhere.jar"
check_http "... and nobody else's" 200 http c a /api/v1/state -b "$LAB/other.jar"

# ---- accounts are changed at the terminal, by several at once ----
check "an account that is removed is gone" '"$HACONSOLE" -c "$LAB/a/console.conf" --remove-user other >"$LAB/out" 2>&1 && ! grep -q ^other: "$LAB/a/console/accounts"'
check_http "... and its session" 401 http c a /api/v1/state -b "$LAB/other.jar"
check_http "... nobody gets in by it" 401 login a "another password" other
check "there is nothing to remove then" '! "$HACONSOLE" -c "$LAB/a/console.conf" --remove-user other >"$LAB/out" 2>&1 && said "no account"'
check "root did not leave anything of its own there" '[ "$(find "$LAB/a/console" ! -user "$CONSOLE_USER" | wc -l)" -eq 0 ]'
console_password a other "another password"
printf -v command '%q ' "$HACONSOLE" -c "$LAB/a/console.conf" --set-password admin
# shellcheck disable=SC2034 # used by check
shown=$({ sleep 1; printf '\003'; sleep 1; printf '\004'; } | timeout 20 script -qfec "trap : INT; $command; stty -a" /dev/null 2>&1)
check "whoever thinks better of it has a terminal that shows what is typed" 'grep -q "nothing was changed" <<<"$shown" && grep -qE "(^| )echo( |$)" <<<"$shown"' || diag "$shown"
check_http "... and the password that was" 200 login a

# ---- what a page does by itself is no use of the session ----
CONSOLE_OPTIONS=("idle_timeout_s = 60")
console a stop
console_config a
console a start
login a >/dev/null
for ((i = 0; i < 7; i++)); do
	sleep 10
	http c a /api/v1/session -b "$LAB/a.jar" >/dev/null
done
check "a page that is open, and asks who is logged in, does not keep a session alive" '[ "$(body .user)" = null ]'
CONSOLE_OPTIONS=()
console a stop
console_config a
console a start
login a >/dev/null

# ---- a password that changes while it is checked ----
accounts=$LAB/a/console/accounts
cp -p "$accounts" "$LAB/a/console/before"
console_password a admin "horse battery $$"
cp -p "$accounts" "$LAB/a/console/after"
enter() { # FROM USER PASSWORD JAR
	in_ns "$1" curl -sko /dev/null -c "$4" https://192.0.2.11:8443/api/v1/login -H "$J" -d "$(jq -nc --arg u "$2" --arg p "$3" '{user: $u, password: $p}')"
}
# shellcheck disable=SC2034 # used by check
late=$(for delay in 20 30 35 40 45 50 60; do
	cp -p "$LAB/a/console/before" "$accounts.new" && mv "$accounts.new" "$accounts"
	http c a /api/v1/session >/dev/null
	for i in 1 2 3 4; do enter g other "another password" /dev/null & done # they take their time
	for i in 1 2 3 4; do enter c admin "$CONSOLE_PASSWORD" "$LAB/late$i.jar" & done
	sleep "0.$delay"
	cp -p "$LAB/a/console/after" "$accounts.new" && mv "$accounts.new" "$accounts"
	http c a /api/v1/session >/dev/null
	wait
	for i in 1 2 3 4; do http c a /api/v1/state -b "$LAB/late$i.jar"; echo; done
	sleep 1.2 # failures slow down
done)
check "is good for no session" '! grep -qx 200 <<<"$late"' || diag "$late"
mv "$LAB/a/console/before" "$accounts"
eventually 15 "the one before is good again" '[ "$(login a)" = 200 ]'

# ---- failures slow down ----
for ((i = 0; i < 5; i++)); do login a "wrong password" >/dev/null; done
check_http "after five failures an address has to wait" 429 login a
check "... and is told how long" '[ "$(header retry-after)" -ge 1 ] && code too_many'
check_http "... also for a name that is none" 429 login a x nobody
other() { http g a /api/v1/login -H "$J" -d "$(jq -nc --arg p "$1" '{user: "admin", password: $p}')"; }
check "other addresses do not" '[ "$(other "$CONSOLE_PASSWORD")" = 200 ]'
local_login() { in_ns a curl -sk -o "$LAB/body" -w '%{http_code}' https://127.0.0.1:8443/api/v1/login -H "$J" -d "$(jq -nc --arg p "$1" '{user: "admin", password: $p}')"; }
for ((i = 0; i < 12; i++)); do local_login "wrong password" >/dev/null; done
sleep 1.2
check "the machine itself waits a second at most, whatever happens" '[ "$(local_login "$CONSOLE_PASSWORD")" = 200 ]'
eventually 15 "after its wait the address gets in" '[ "$(login a)" = 200 ]'

# ---- a hundred at once ----
# shellcheck disable=SC2034 # used by check
hundred=$(in_ns c sh -c 'for i in $(seq 40); do curl -sko /dev/null -w "%{http_code}\n" --max-time 30 https://192.0.2.11:8443/api/v1/login -H "Content-Type: application/json" -d "{\"user\": \"admin\", \"password\": \"wrong $i\"}" & done; wait' &
	sleep 0.3
	for ((i = 0; i < 10; i++)); do get a /api/v1/state -w 'state %{http_code} after %{time_total} s\n'; done
	wait)
check "while many log in at once, others are served" '[ "$(grep -c "^state 200" <<<"$hundred")" -eq 10 ]' || diag "$hundred"
diag "the slowest of them $(grep -o 'after.*' <<<"$hundred" | sort -k 2 -g | tail -n 1)"
check "... most of them are turned away unchecked" '[ "$(grep -cE "^(429|503)$" <<<"$hundred")" -ge 20 ]' || diag "$(sort <<<"$hundred" | uniq -c)"
check "no password is in the log" '! grep -qE "wrong|battery|correct horse" "$LAB/a/console.log"'
check "failures are, with the address" 'grep -q "event=audit .*user=admin from=192.0.2.10 action=login .*result=refused" "$LAB/a/console.log"'
check "below 30 MB with all that" '[ "$(console_rss a)" -lt 30720 ]'
diag "the console had $(console_rss a) KB at most"
done_testing
