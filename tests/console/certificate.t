#!/bin/bash
# Certificates that an administrator gives to the console: kinds of keys, chains, one file for both; and each mistake that can be made
# with them, which --check-config finds with the eyes of the service. The console's own, made, kept, and made anew near its end.
# shellcheck disable=SC2034 # what is assigned is used by the conditions
. "$(dirname "$0")/lib.sh"

console_require
lab_up
pki=$LAB/a/pki
install -d -m 755 "$pki"

# made NAME ALGORITHM... : NAME.pem and NAME.key, for the next 90 days unless $END says until when.
made() {
	local name=$1
	shift
	openssl genpkey "$@" -out "$pki/$name.key" 2>/dev/null
	openssl req -new -key "$pki/$name.key" -subj "/CN=$name" -out "$pki/$name.csr" 2>/dev/null
	openssl x509 -req -in "$pki/$name.csr" -signkey "$pki/$name.key" -days "${DAYS:-90}" -out "$pki/$name.pem" 2>/dev/null
}
P256="-algorithm EC -pkeyopt ec_paramgen_curve:P-256"
# shellcheck disable=SC2086 # lists
made p256 $P256
made rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
made ed25519 -algorithm ED25519
# shellcheck disable=SC2086 # lists
DAYS=5 made soon $P256
cat "$pki/p256.pem" "$pki/rsa.pem" >"$pki/chain.pem"
cat "$pki/p256.pem" "$pki/p256.key" >"$pki/both.pem"
openssl pkey -in "$pki/p256.key" -aes128 -passout pass:secret -out "$pki/locked.key"
openssl x509 -in "$pki/p256.pem" -outform DER -out "$pki/p256.der"
chmod 644 "$pki"/*
install -m 600 "$pki/p256.key" "$pki/roots.key"

give() { # CERTIFICATE KEY
	CONSOLE_OPTIONS=("certificate = \"$pki/$1\"" "key = \"$pki/$2\"")
	console_config a
	: >"$LAB/a/console.log"
}
checked() { "$HACONSOLE" -c "$LAB/a/console.conf" --check-config >"$LAB/out" 2>&1; }
serial() { openssl x509 -noout -serial -in "$1"; }
shown() { in_ns c openssl s_client -connect 192.0.2.11:8443 </dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null; }

for kind in p256.pem:p256.key rsa.pem:rsa.key ed25519.pem:ed25519.key chain.pem:p256.key both.pem:both.pem; do
	give "${kind%:*}" "${kind#*:}"
	check "$kind: is found right" checked || diag "$(cat "$LAB/out")"
	console a start
	check "... and shown to browsers" '[ "$(shown)" = "$(serial "$pki/${kind%:*}")" ]' || diag "$(cat "$LAB/a/console.log")"
	check "... with its fingerprint in the log" \
		'grep -q "certificate=$(openssl x509 -noout -fingerprint -sha256 -in "$pki/${kind%:*}" | sed s/.*=//)" "$LAB/a/console.log"'
	check "... and no word about its end" '! grep -q "event=certificate" "$LAB/a/console.log"'
	console a stop
done

# refused DESCRIPTION CERTIFICATE KEY WORDS: by --check-config, and by a start.
refused() {
	give "$2" "$3"
	checked
	check "$1: found by --check-config" "[ $? -eq 2 ] && said '$4'" || diag "$(cat "$LAB/out")"
	console_command a
	timeout 10 "${CONSOLE_COMMAND[@]}" >"$LAB/out" 2>&1
	check "... and no start" "[ $? -eq 2 ] && said '$4'" || diag "$(cat "$LAB/out")"
}
refused "the key of another" p256.pem rsa.key "not the key of this certificate"
refused "a key with a passphrase" p256.pem locked.key "without a passphrase"
refused "a certificate that is no PEM" p256.der p256.key "no certificate in PEM"
refused "the two the wrong way round" p256.key p256.pem "no certificate in PEM"
refused "a key that root alone may read" p256.pem roots.key "roots.key: Permission denied"
refused "a certificate that is not there" none.pem p256.key "none.pem: No such file"
refused "a directory" . p256.key "Is a directory"

give soon.pem soon.key
console a start
check "one that ends soon is good, and the log says until when" \
	'[ "$(shown)" = "$(serial "$pki/soon.pem")" ] && grep -q "event=certificate .*ends=$(date -u -d "+5 days" +%F)" "$LAB/a/console.log"' ||
	diag "$(cat "$LAB/a/console.log")"
check "... and the metrics" \
	'[ "$(in_ns a curl -sk https://127.0.0.1:8443/metrics | sed -n "s/^haconsole_certificate_ends_seconds //p")" = "$(date -d "$(openssl x509 -noout -enddate -in "$pki/soon.pem" | sed s/.*=//)" +%s)" ]'
console a stop

# ---- its own ----
CONSOLE_OPTIONS=()
console_config a
own=$LAB/a/console/certificate.pem
console a start
first=$(serial "$own")
check "its own is made where none is given" '[ "$(shown)" = "$first" ]'
console a stop
console a start
check "... and kept" '[ "$(shown)" = "$first" ]'
console a stop
install -m 600 -o "$CONSOLE_USER" "$pki/soon.pem" "$own"
install -m 600 -o "$CONSOLE_USER" "$pki/soon.key" "$LAB/a/console/key.pem"
console a start
check "... and made anew when it ends within a month" '[ "$(shown)" = "$(serial "$own")" ] && [ "$(serial "$own")" != "$(serial "$pki/soon.pem")" ]'
console a stop
install -m 600 -o "$CONSOLE_USER" "$pki/rsa.key" "$LAB/a/console/key.pem"
console a start
check "... and when the two do not belong together" '[ -n "$(shown)" ] && [ "$(shown)" = "$(serial "$own")" ]'
console a stop
done_testing
