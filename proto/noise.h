/* noise.h - the two Noise handshakes that haagent uses (Noise Protocol Framework, revision 34).
 *
 * Noise_XX_25519_ChaChaPoly_SHA256 and Noise_KKpsk0_25519_ChaChaPoly_SHA256, and no others. Pure:
 * the ephemeral secret is an argument. A handshake that failed once fails for ever.
 */
#ifndef HA_PROTO_NOISE_H
#define HA_PROTO_NOISE_H

#include "proto/types.h"

enum noise_pattern {
	NOISE_XX,
	NOISE_KKPSK0,
};

enum {
	NOISE_MESSAGE_MAX = 256, /* handshake message with its payload */
	NOISE_TAG_LEN = 16,
};

struct noise {
	enum noise_pattern pattern;
	bool initiator;
	bool failed;
	uint8_t step;                                /* messages written and read so far */
	uint8_t s[HA_KEY_LEN], s_public[HA_KEY_LEN]; /* own static */
	uint8_t e[HA_KEY_LEN], e_public[HA_KEY_LEN]; /* own ephemeral */
	uint8_t rs[HA_KEY_LEN], re[HA_KEY_LEN];      /* the peer's */
	uint8_t psk[HA_KEY_LEN];
	uint8_t ck[HA_KEY_LEN], k[HA_KEY_LEN];
	uint8_t h[HA_KEY_LEN]; /* at the end: the handshake hash */
	bool has_key;
	uint64_t n;
};

void noise_init(struct noise *, enum noise_pattern, bool initiator, const uint8_t *prologue,
		size_t prologue_len, const uint8_t secret_key[HA_KEY_LEN],
		const uint8_t peer_key[HA_KEY_LEN] /* KK */,
		const uint8_t psk[HA_KEY_LEN] /* KKpsk0 */);

/* Next message with payload into out; its length, or 0 if out of turn, failed, or cap too small.
 * ephemeral: 32 fresh random bytes, used by the first message that each side writes. */
size_t noise_write(struct noise *, const uint8_t ephemeral[HA_KEY_LEN], const uint8_t *payload,
		   size_t payload_len, uint8_t *out, size_t cap);

/* Reads the peer's next message; the payload goes to payload (cap bytes), its length to
 * *payload_len. False if it does not verify, is out of turn, or a public key is of low order. */
bool noise_read(struct noise *, const uint8_t *message, size_t len, uint8_t *payload, size_t cap,
		size_t *payload_len);

bool noise_done(const struct noise *); /* all messages exchanged */

/* After noise_done(): this side's sending and receiving keys, and a third key from the same
 * HKDF, which the join uses for the pair secret (Noise: additional symmetric keys). extra may be
 * NULL. */
void noise_split(const struct noise *, uint8_t send[HA_KEY_LEN], uint8_t receive[HA_KEY_LEN],
		 uint8_t extra[HA_KEY_LEN]);

void noise_wipe(struct noise *);

/* Transport: ChaCha20-Poly1305 with Noise's nonce (32 zero bits, then counter little-endian).
 * Plain may be empty. */
void noise_seal(const uint8_t key[HA_KEY_LEN], uint64_t counter, const uint8_t *ad, size_t ad_len,
		const uint8_t *plain, size_t plain_len,
		uint8_t *out /* plain_len + NOISE_TAG_LEN */);
bool noise_open(const uint8_t key[HA_KEY_LEN], uint64_t counter, const uint8_t *ad, size_t ad_len,
		const uint8_t *sealed, size_t sealed_len,
		uint8_t *out /* sealed_len - NOISE_TAG_LEN */);

#endif
