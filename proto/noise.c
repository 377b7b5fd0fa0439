#include "proto/noise.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

enum token {
	TOKEN_END = 0,
	TOKEN_E,
	TOKEN_S,
	TOKEN_EE,
	TOKEN_ES,
	TOKEN_SE,
	TOKEN_SS,
	TOKEN_PSK,
};

enum {
	MESSAGES_MAX = 3,
	TOKENS_MAX = 5, /* of one message, with TOKEN_END */
};

/* Noise 7.5 and 9.4. In KK both static keys are pre-messages. */
static const struct {
	const char *name;
	uint8_t name_len, message_n;
	uint8_t tokens[MESSAGES_MAX][TOKENS_MAX];
} patterns[] = {
	[NOISE_XX] = {"Noise_XX_25519_ChaChaPoly_SHA256",
		      32,
		      3,
		      {{TOKEN_E}, {TOKEN_E, TOKEN_EE, TOKEN_S, TOKEN_ES}, {TOKEN_S, TOKEN_SE}}},
	[NOISE_KKPSK0] = {"Noise_KKpsk0_25519_ChaChaPoly_SHA256",
			  36,
			  2,
			  {{TOKEN_PSK, TOKEN_E, TOKEN_ES, TOKEN_SS},
			   {TOKEN_E, TOKEN_EE, TOKEN_SE}}},
};

static void hmac(uint8_t out[HA_KEY_LEN], const uint8_t key[HA_KEY_LEN], const uint8_t *a,
		 size_t a_len, uint8_t b)
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, key, HA_KEY_LEN);
	if (a_len != 0)
		crypto_auth_hmacsha256_update(&state, a, a_len);
	if (b != 0)
		crypto_auth_hmacsha256_update(&state, &b, 1);
	crypto_auth_hmacsha256_final(&state, out);
	sodium_memzero(&state, sizeof(state));
}

/* HKDF of Noise 4.3 with three outputs; the first two do not depend on whether there is a third. */
static void hkdf(uint8_t out[3][HA_KEY_LEN], const uint8_t ck[HA_KEY_LEN], const uint8_t *input,
		 size_t input_len)
{
	uint8_t temp[HA_KEY_LEN];

	hmac(temp, ck, input, input_len, 0);
	hmac(out[0], temp, NULL, 0, 1);
	hmac(out[1], temp, out[0], HA_KEY_LEN, 2);
	hmac(out[2], temp, out[1], HA_KEY_LEN, 3);
	sodium_memzero(temp, sizeof(temp));
}

static void mix_hash(struct noise *n, const uint8_t *data, size_t len)
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, n->h, sizeof(n->h));
	if (len != 0)
		crypto_hash_sha256_update(&state, data, len);
	crypto_hash_sha256_final(&state, n->h);
}

static void set_key(struct noise *n, const uint8_t key[HA_KEY_LEN])
{
	memcpy(n->k, key, HA_KEY_LEN);
	n->has_key = true;
	n->n = 0;
}

static void mix_key(struct noise *n, const uint8_t input[HA_KEY_LEN])
{
	uint8_t out[3][HA_KEY_LEN];

	hkdf(out, n->ck, input, HA_KEY_LEN);
	memcpy(n->ck, out[0], HA_KEY_LEN);
	set_key(n, out[1]);
	sodium_memzero(out, sizeof(out));
}

static void mix_psk(struct noise *n)
{
	uint8_t out[3][HA_KEY_LEN];

	hkdf(out, n->ck, n->psk, HA_KEY_LEN);
	memcpy(n->ck, out[0], HA_KEY_LEN);
	mix_hash(n, out[1], HA_KEY_LEN);
	set_key(n, out[2]);
	sodium_memzero(out, sizeof(out));
}

/* The ephemeral key enters the chaining key, too, where there is a psk (Noise 9.2). */
static void mix_ephemeral(struct noise *n, const uint8_t e_public[HA_KEY_LEN])
{
	mix_hash(n, e_public, HA_KEY_LEN);
	if (n->pattern == NOISE_KKPSK0)
		mix_key(n, e_public);
}

/* False for a public key of low order: the result would be zero whatever our secret is. */
static bool mix_dh(struct noise *n, enum token token)
{
	bool own_e = token == TOKEN_EE || token == (n->initiator ? TOKEN_ES : TOKEN_SE);
	bool peer_e = token == TOKEN_EE || token == (n->initiator ? TOKEN_SE : TOKEN_ES);
	uint8_t shared[HA_KEY_LEN];
	bool ok;

	ok = crypto_scalarmult_curve25519(shared, own_e ? n->e : n->s, peer_e ? n->re : n->rs) == 0;
	if (ok)
		mix_key(n, shared);
	sodium_memzero(shared, sizeof(shared));
	return ok;
}

static size_t encrypt_and_hash(struct noise *n, const uint8_t *plain, size_t len, uint8_t *out)
{
	size_t sealed_len = len;

	if (n->has_key) {
		noise_seal(n->k, n->n++, n->h, sizeof(n->h), plain, len, out);
		sealed_len += NOISE_TAG_LEN;
	} else if (len != 0) {
		memcpy(out, plain, len);
	}
	mix_hash(n, out, sealed_len);
	return sealed_len;
}

/* sealed_len includes the tag, if there is a key already. */
static bool decrypt_and_hash(struct noise *n, const uint8_t *sealed, size_t sealed_len,
			     uint8_t *out)
{
	if (n->has_key) {
		if (!noise_open(n->k, n->n++, n->h, sizeof(n->h), sealed, sealed_len, out))
			return false;
	} else if (sealed_len != 0) {
		memcpy(out, sealed, sealed_len);
	}
	mix_hash(n, sealed, sealed_len);
	return true;
}

static size_t tag_len(bool has_key)
{
	return has_key ? NOISE_TAG_LEN : 0;
}

/* What the next message adds to its payload. From the first DH or psk on there is a key. */
static size_t overhead(const struct noise *n)
{
	bool has_key = n->has_key;
	size_t len = 0;

	for (const uint8_t *t = patterns[n->pattern].tokens[n->step]; *t != TOKEN_END; t++) {
		if (*t == TOKEN_E)
			len += HA_KEY_LEN;
		else if (*t == TOKEN_S)
			len += HA_KEY_LEN + tag_len(has_key);
		else
			has_key = true;
	}
	return len + tag_len(has_key);
}

static bool my_turn_to_write(const struct noise *n)
{
	return (n->step % 2 == 0) == n->initiator;
}

void noise_init(struct noise *n, enum noise_pattern pattern, bool initiator,
		const uint8_t *prologue, size_t prologue_len, const uint8_t secret_key[HA_KEY_LEN],
		const uint8_t peer_key[HA_KEY_LEN], const uint8_t psk[HA_KEY_LEN])
{
	const uint8_t *name = (const uint8_t *)patterns[pattern].name;
	size_t name_len = patterns[pattern].name_len;

	memset(n, 0, sizeof(*n));
	n->pattern = pattern;
	n->initiator = initiator;
	memcpy(n->s, secret_key, HA_KEY_LEN);
	crypto_scalarmult_curve25519_base(n->s_public, n->s);

	if (name_len <= sizeof(n->h))
		memcpy(n->h, name, name_len);
	else
		crypto_hash_sha256(n->h, name, name_len);
	memcpy(n->ck, n->h, sizeof(n->ck));
	mix_hash(n, prologue, prologue_len);

	if (pattern == NOISE_KKPSK0) {
		assert(peer_key && psk);
		memcpy(n->rs, peer_key, HA_KEY_LEN);
		memcpy(n->psk, psk, HA_KEY_LEN);
		mix_hash(n, initiator ? n->s_public : n->rs, HA_KEY_LEN);
		mix_hash(n, initiator ? n->rs : n->s_public, HA_KEY_LEN);
	}
}

static bool write_token(struct noise *n, enum token token, const uint8_t *ephemeral, uint8_t **to)
{
	switch (token) {
	case TOKEN_E:
		memcpy(n->e, ephemeral, HA_KEY_LEN);
		crypto_scalarmult_curve25519_base(n->e_public, n->e);
		memcpy(*to, n->e_public, HA_KEY_LEN);
		*to += HA_KEY_LEN;
		mix_ephemeral(n, n->e_public);
		return true;
	case TOKEN_S:
		*to += encrypt_and_hash(n, n->s_public, HA_KEY_LEN, *to);
		return true;
	case TOKEN_PSK:
		mix_psk(n);
		return true;
	default:
		return mix_dh(n, token);
	}
}

size_t noise_write(struct noise *n, const uint8_t ephemeral[HA_KEY_LEN], const uint8_t *payload,
		   size_t payload_len, uint8_t *out, size_t cap)
{
	uint8_t *to = out;

	if (n->failed || noise_done(n) || !my_turn_to_write(n))
		return 0;
	if (payload_len > NOISE_MESSAGE_MAX || cap < overhead(n) + payload_len)
		return 0;
	for (const uint8_t *t = patterns[n->pattern].tokens[n->step]; *t != TOKEN_END; t++) {
		if (!write_token(n, *t, ephemeral, &to)) {
			n->failed = true;
			return 0;
		}
	}
	to += encrypt_and_hash(n, payload, payload_len, to);
	n->step++;
	return (size_t)(to - out);
}

/* overhead() has assured that the message holds what its tokens take. */
static bool read_token(struct noise *n, enum token token, const uint8_t **from)
{
	size_t sealed_len = HA_KEY_LEN + tag_len(n->has_key);

	switch (token) {
	case TOKEN_E:
		memcpy(n->re, *from, HA_KEY_LEN);
		*from += HA_KEY_LEN;
		mix_ephemeral(n, n->re);
		return true;
	case TOKEN_S:
		*from += sealed_len;
		return decrypt_and_hash(n, *from - sealed_len, sealed_len, n->rs);
	case TOKEN_PSK:
		mix_psk(n);
		return true;
	default:
		return mix_dh(n, token);
	}
}

bool noise_read(struct noise *n, const uint8_t *message, size_t len, uint8_t *payload, size_t cap,
		size_t *payload_len)
{
	const uint8_t *from = message;
	size_t plain_len;

	if (n->failed || noise_done(n) || my_turn_to_write(n))
		return false;
	n->failed = true; /* until it is known to be good */
	if (len < overhead(n) || len - overhead(n) > cap)
		return false;
	plain_len = len - overhead(n);
	for (const uint8_t *t = patterns[n->pattern].tokens[n->step]; *t != TOKEN_END; t++) {
		if (!read_token(n, *t, &from))
			return false;
	}
	if (!decrypt_and_hash(n, from, len - (size_t)(from - message), payload))
		return false;
	*payload_len = plain_len;
	n->failed = false;
	n->step++;
	return true;
}

bool noise_done(const struct noise *n)
{
	return n->step == patterns[n->pattern].message_n;
}

void noise_split(const struct noise *n, uint8_t send[HA_KEY_LEN], uint8_t receive[HA_KEY_LEN],
		 uint8_t extra[HA_KEY_LEN])
{
	uint8_t out[3][HA_KEY_LEN];

	assert(noise_done(n) && !n->failed);
	hkdf(out, n->ck, NULL, 0);
	memcpy(send, out[n->initiator ? 0 : 1], HA_KEY_LEN);
	memcpy(receive, out[n->initiator ? 1 : 0], HA_KEY_LEN);
	if (extra)
		memcpy(extra, out[2], HA_KEY_LEN);
	sodium_memzero(out, sizeof(out));
}

void noise_wipe(struct noise *n)
{
	sodium_memzero(n, sizeof(*n));
}

static void make_nonce(uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES], uint64_t counter)
{
	memset(nonce, 0, 4);
	for (unsigned i = 0; i < 8; i++)
		nonce[4 + i] = (uint8_t)(counter >> (8 * i));
}

void noise_seal(const uint8_t key[HA_KEY_LEN], uint64_t counter, const uint8_t *ad, size_t ad_len,
		const uint8_t *plain, size_t plain_len, uint8_t *out)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];

	make_nonce(nonce, counter);
	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain, plain_len, ad, ad_len, NULL,
						  nonce, key);
}

bool noise_open(const uint8_t key[HA_KEY_LEN], uint64_t counter, const uint8_t *ad, size_t ad_len,
		const uint8_t *sealed, size_t sealed_len, uint8_t *out)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_IETF_NPUBBYTES];

	if (sealed_len < NOISE_TAG_LEN)
		return false;
	make_nonce(nonce, counter);
	return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, sealed_len, ad,
							 ad_len, nonce, key) == 0;
}
