#!/bin/bash
# What a console starts with. Key and certificate: its own, made once and made anew before its end, also where the disk
# has no room; given ones, whose names are the console's. Open files for all its connections. What is wrong is said before
# anything is served.
# shellcheck disable=SC2034 # what is assigned is used by the conditions
. "$(dirname "$0")/lib.sh"

console_require
lab_up
install -d -m 755 "$LAB/a/run"
console_config a
STATE=$LAB/a/console

print() { in_ns c openssl s_client -connect 192.0.2.11:8443 </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256; }
file_print() { openssl x509 -in "$1" -noout -fingerprint -sha256; }
# pem FILES-PREFIX DAYS NAME...: self-signed, as somebody else would make it, for the console's user to read
pem() {
	local to=$1 days=$2 names
	shift 2
	names=$(printf 'DNS:%s,' "$@")
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$days" -subj "/CN=$1" \
		-addext "subjectAltName=${names%,}" -keyout "${to}key.pem" -out "${to}certificate.pem" 2>/dev/null
	chown "$CONSOLE_USER" "${to}key.pem" "${to}certificate.pem"
	chmod 600 "${to}key.pem"
}
refuses() { # STATUS DESCRIPTION PATTERN [PREFIX...]: it does not start, and says why; 2: the configuration is to be mended
	local status=$1 what=$2 pattern=$3
	shift 3
	console_command a
	timeout 10 "$@" "${CONSOLE_COMMAND[@]}" >"$LAB/out" 2>&1
	check "$what: it does not start, and says why" "[ $? -eq $status ] && said '$pattern'" || diag "$(cat "$LAB/out")"
}

# ---- its own ----
console a start
check "at the first start it makes one" '[ "$(print)" = "$(file_print "$STATE/certificate.pem")" ]'
check "... for the console's user alone" '[ "$(stat -c "%a %U" "$STATE"/*.pem | sort -u)" = "600 $CONSOLE_USER" ] && [ "$(ls "$STATE" | xargs)" = "certificate.pem key.pem" ]'
first=$(print)
console a stop && console a start
check "at the next it has the same" '[ "$(print)" = "$first" ]'
console a stop

pem "$STATE/" 20 appliance-a
ending=$(file_print "$STATE/certificate.pem")
chmod 500 "$STATE" # nothing can be written, as on a disk that is full
console a start
check "one that ends soon serves on where none can be put in its place" '[ "$(print)" = "$ending" ]'
check "... it is said" 'grep -q "cannot keep the certificate" "$LAB/a/console.log"'
console a stop
chmod 700 "$STATE"
mkdir "$STATE/certificate.pem.tmp" # the key can be written, the certificate cannot
console a start
check "... also where there is room for one half" '[ "$(print)" = "$ending" ]'
console a stop
rmdir "$STATE/certificate.pem.tmp"
check "... of which nothing is left" '[ "$(ls "$STATE" | xargs)" = "certificate.pem key.pem" ]'
console a start
check "... and is replaced as soon as one can" '[ "$(print)" = "$(file_print "$STATE/certificate.pem")" ] && [ "$(print)" != "$ending" ]'
console a stop
rm -f "$STATE/key.pem"
console a start
check "without its key it is made anew" '[ "$(print)" = "$(file_print "$STATE/certificate.pem")" ]'
console a stop
chmod 755 "$STATE"
refuses 1 "a state directory that others may look into" "mode 700"
chmod 700 "$STATE"

# ---- as many open files as there may be connections ----
CONSOLE_OPTIONS=("connections = 1000")
console_config a
refuses 1 "fewer open files than connections" "1000 connections take" prlimit --nofile=500:500
ulimit -S -n 500
console a start
check "where more are allowed it allows them to itself" 'awk "/^Max open files/ {exit !(\$4 > 1000)}" "/proc/$(console_pid a)/limits"'
console a stop

# ---- a token that cannot be guessed ----
install -m 644 /dev/null "$LAB/a/token"
CONSOLE_OPTIONS=("metrics_token_file = \"$LAB/a/token\"")
console_config a
refuses 1 "an empty token" "16 characters"
echo short >"$LAB/a/token"
refuses 1 "a short one" "16 characters"
rm "$LAB/a/token"
refuses 1 "none" "token: No such file"

# ---- one that is given ----
pem "$LAB/a/given-" 100 ha.example.net '*.pair.example.net'
CONSOLE_OPTIONS=("certificate = \"$LAB/a/given-certificate.pem\"" "key = \"$LAB/a/given-key.pem\"")
console_config a
console a start
check "a given one is served" '[ "$(print)" = "$(file_print "$LAB/a/given-certificate.pem")" ]'
for host in ha.example.net HA.example.net:8443 one.pair.example.net appliance-a; do
	check_http "by its name: $host" 200 http c a / -H "Host: $host"
done
for host in example.net x.ha.example.net two.one.pair.example.net pair.example.net ha.example.net.evil.example; do
	check_http "by another: $host" 421 http c a / -H "Host: $host"
done
console a stop
mv "$LAB/a/given-key.pem" "$LAB/a/other"
openssl ecparam -name prime256v1 -genkey -noout -out "$LAB/a/given-key.pem" && chown "$CONSOLE_USER" "$LAB/a/given-key.pem"
refuses 2 "another's key" "not the key of this certificate"
rm "$LAB/a/given-key.pem"
refuses 2 "no key" "given-key.pem: No such file"
echo hello >"$LAB/a/given-certificate.pem"
mv "$LAB/a/other" "$LAB/a/given-key.pem"
refuses 2 "no certificate" "no certificate in PEM"
done_testing
