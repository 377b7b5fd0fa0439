/* seal.c - see seal.h. A context is made once for each key, and then given nothing but the nonce: setting the key anew
 * would cost as much as sealing half a frame.
 */
#include "agent/sync/seal.h"

#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>
#include <string.h>
#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

enum {
	NONCE_LEN = 12,
};

/* AES alone does not make GCM fast: the carry-less multiplication does. */
bool seal_has_aes(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
	return (getauxval(AT_HWCAP) & (HWCAP_AES | HWCAP_PMULL)) == (HWCAP_AES | HWCAP_PMULL);
#else
	return false;
#endif
}

/* A byte for everything that two keys may differ in: none of them is ever used for another's purpose. */
static void derive(const uint8_t exporter[HA_KEY_LEN], bool from_lower, enum msg_type type,
		   const uint8_t sender[SYNC_SALT_LEN], const uint8_t receiver[SYNC_SALT_LEN],
		   bool aes, uint8_t key[HA_KEY_LEN])
{
	static const char label[] = "haagent sync key";
	const uint8_t use[3] = {from_lower, (uint8_t)type, aes};
	crypto_generichash_state state;

	crypto_generichash_init(&state, exporter, HA_KEY_LEN, HA_KEY_LEN);
	crypto_generichash_update(&state, (const uint8_t *)label, sizeof(label) - 1);
	crypto_generichash_update(&state, use, sizeof(use));
	crypto_generichash_update(&state, sender, SYNC_SALT_LEN);
	crypto_generichash_update(&state, receiver, SYNC_SALT_LEN);
	crypto_generichash_final(&state, key, HA_KEY_LEN);
	sodium_memzero(&state, sizeof(state));
}

static EVP_CIPHER_CTX *context(const EVP_CIPHER *cipher, const uint8_t key[HA_KEY_LEN], bool out)
{
	static const uint8_t nonce[NONCE_LEN];
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	if (c != NULL && EVP_CipherInit_ex2(c, cipher, key, nonce, out, NULL) != 1) {
		EVP_CIPHER_CTX_free(c);
		c = NULL;
	}
	return c;
}

int seal_open(struct seal *s, const uint8_t exporter[HA_KEY_LEN], bool lower,
	      const uint8_t own_salt[SYNC_SALT_LEN], const uint8_t peer_salt[SYNC_SALT_LEN],
	      bool aes)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, aes ? "AES-256-GCM" : "ChaCha20-Poly1305", "");
	EVP_CIPHER_CTX **const made[4] = {&s->data_out, &s->ack_out, &s->data_in, &s->ack_in};
	uint8_t key[HA_KEY_LEN];
	int error = 0;

	*s = (struct seal){0};
	if (cipher == NULL)
		return -EIO;
	for (unsigned i = 0; i < 4; i++) {
		bool out = i < 2;

		derive(exporter, out == lower, i % 2 == 0 ? MSG_SYNC_DATA : MSG_SYNC_ACK,
		       out ? own_salt : peer_salt, out ? peer_salt : own_salt, aes, key);
		*made[i] = context(cipher, key, out);
		if (*made[i] == NULL)
			error = -ENOMEM;
	}
	sodium_memzero(key, sizeof(key));
	EVP_CIPHER_free(cipher);
	if (error)
		seal_close(s);
	return error;
}

void seal_close(struct seal *s)
{
	/* libcrypto wipes the keys */
	EVP_CIPHER_CTX_free(s->data_out);
	EVP_CIPHER_CTX_free(s->data_in);
	EVP_CIPHER_CTX_free(s->ack_out);
	EVP_CIPHER_CTX_free(s->ack_in);
	*s = (struct seal){0};
}

/* 32 zero bits and the number as it stands in the header. */
static void set_nonce(EVP_CIPHER_CTX *c, uint64_t number)
{
	uint8_t nonce[NONCE_LEN] = {0};
	int done;

	for (unsigned i = 0; i < 8; i++)
		nonce[NONCE_LEN - 1 - i] = (uint8_t)(number >> 8 * i);
	/* -1: as it was made, to seal or to open */
	done = EVP_CipherInit_ex2(c, NULL, NULL, nonce, -1, NULL);
	assert(done == 1);
}

/* EVP_Cipher() and the parameters straight: EVP_EncryptUpdate() and EVP_CIPHER_CTX_ctrl() look up by name, for each frame,
 * what is the same for all of them. */
static bool get_tag(EVP_CIPHER_CTX *c, uint8_t *tag)
{
	OSSL_PARAM get[] = {
		OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, MSG_TAG_LEN),
		OSSL_PARAM_END,
	};

	return EVP_CIPHER_CTX_get_params(c, get) == 1;
}

static bool set_tag(EVP_CIPHER_CTX *c, uint8_t *tag)
{
	const OSSL_PARAM set[] = {
		OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, MSG_TAG_LEN),
		OSSL_PARAM_END,
	};

	return EVP_CIPHER_CTX_set_params(c, set) == 1;
}

static void seal_with(EVP_CIPHER_CTX *c, uint64_t number, const uint8_t *ad, size_t ad_len,
		      const uint8_t *plain, size_t len, uint8_t *out, uint8_t *tag)
{
	uint8_t none[1];
	bool done;

	set_nonce(c, number);
	done = EVP_Cipher(c, NULL, ad, (unsigned)ad_len) >= 0;
	if (len > 0)
		done = EVP_Cipher(c, out, plain, (unsigned)len) >= 0 && done;
	done = EVP_Cipher(c, none, NULL, 0) >= 0 && done;
	done = get_tag(c, tag) && done;
	assert(done);
}

static bool unseal_with(EVP_CIPHER_CTX *c, uint64_t number, const uint8_t *ad, size_t ad_len,
			const uint8_t *in, size_t len, const uint8_t *tag, uint8_t *out)
{
	uint8_t none[1], copy[MSG_TAG_LEN];
	bool done;

	memcpy(copy, tag, sizeof(copy));
	set_nonce(c, number);
	done = set_tag(c, copy);
	done = EVP_Cipher(c, NULL, ad, (unsigned)ad_len) >= 0 && done;
	if (len > 0)
		done = EVP_Cipher(c, out, in, (unsigned)len) >= 0 && done;
	assert(done);
	return EVP_Cipher(c, none, NULL, 0) >= 0;
}

void seal_data(struct seal *s, uint64_t number, const uint8_t *ad, size_t ad_len,
	       const uint8_t *plain, size_t len, uint8_t *out)
{
	seal_with(s->data_out, number, ad, ad_len, plain, len, out, out + len);
}

bool unseal_data(struct seal *s, uint64_t number, const uint8_t *ad, size_t ad_len,
		 const uint8_t *in, size_t len, uint8_t *out)
{
	return unseal_with(s->data_in, number, ad, ad_len, in, len, in + len, out);
}

void seal_ack(struct seal *s, uint64_t number, const uint8_t *ad, size_t ad_len,
	      uint8_t tag[MSG_TAG_LEN])
{
	seal_with(s->ack_out, number, ad, ad_len, NULL, 0, NULL, tag);
}

bool unseal_ack(struct seal *s, uint64_t number, const uint8_t *ad, size_t ad_len,
		const uint8_t tag[MSG_TAG_LEN])
{
	return unseal_with(s->ack_in, number, ad, ad_len, NULL, 0, tag, NULL);
}

uint32_t seal_key_id(const uint8_t exporter[HA_KEY_LEN])
{
	static const char label[] = "haagent sync key id";
	uint8_t hash[crypto_generichash_BYTES_MIN];

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)label, sizeof(label) - 1, exporter,
			   HA_KEY_LEN);
	return (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
}

void seal_hello_mac(const uint8_t exporter[HA_KEY_LEN], bool from_lower, const uint8_t *frame,
		    size_t len, uint8_t mac[MSG_TAG_LEN])
{
	static const char label[] = "haagent sync hello";
	const uint8_t from = from_lower;
	crypto_generichash_state state;

	crypto_generichash_init(&state, exporter, HA_KEY_LEN, MSG_TAG_LEN);
	crypto_generichash_update(&state, (const uint8_t *)label, sizeof(label) - 1);
	crypto_generichash_update(&state, &from, sizeof(from));
	crypto_generichash_update(&state, frame, len);
	crypto_generichash_final(&state, mac, MSG_TAG_LEN);
	sodium_memzero(&state, sizeof(state));
}
