/* tls.h - key and certificate: given ones, or one of the appliance's own, made at the first start.
 *
 * The own one is for the host name and the configured names, on P-256, good for ten years and made anew a month before
 * its end. Browsers do not know who signed it: its fingerprint is logged at each start, to be compared.
 */
#ifndef HA_CONSOLE_TLS_H
#define HA_CONSOLE_TLS_H

#include <gnutls/x509.h>
#include <time.h>

#include "console/conf.h"

enum {
	TLS_PEM_MAX = 65536,
	TLS_FINGERPRINT_MAX = 96, /* SHA-256 as AA:BB:... */
};

/* What is offered: TLS 1.3 and 1.2 with forward secrecy and authenticated ciphers, the server's choice. The groups are
 * those of which one costs less than a millisecond: with the finite fields of NORMAL a stranger can ask for a second of
 * this one thread by each handshake. No signature is over SHA-1, although TLS 1.2 would let a client ask for it. */
#define TLS_PRIORITIES                                                                             \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"              \
	"-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD:"                 \
	"-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"                              \
	"-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%SERVER_PRECEDENCE:%NO_TICKETS"

struct tls {
	char certificate[TLS_PEM_MAX], key[TLS_PEM_MAX]; /* PEM, terminated */
	char fingerprint[TLS_FINGERPRINT_MAX];
	gnutls_x509_crt_t given; /* NULL: it is one of its own */
	time_t ends;             /* its validity */
};

/* 0, or -errno and it was said why on stderr. host_name may be empty. */
int tls_load(struct tls *, const struct conf *, const char *host_name);
/* Whether the given ones could be loaded by whoever calls; 0 also if none are given. */
int tls_check(const struct conf *);

/* Is it that host name's, by a certificate that was given? */
bool tls_is_named(const struct tls *, const char *name);

#endif
