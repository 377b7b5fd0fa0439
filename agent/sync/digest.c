/* digest.c - see digest.h. */
#include "agent/sync/digest.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

enum {
	NONCE_LEN = 12,
	/* An entry with everything that it may have. */
	ENTRY_MAX = 128 + SYNC_PATH_MAX + SYNC_XATTR_MAX + SYNC_TARGET_MAX,
};

/* What a key that is derived from the lineage's is for. */
enum {
	SUBKEY_GMAC = 1,
	SUBKEY_ENTRY = 2
};

static const uint8_t nonce[NONCE_LEN]; /* the same for all: tags are compared, never shown */

static void derive(uint8_t out[HA_KEY_LEN], const uint8_t key[HA_KEY_LEN], uint64_t what)
{
	int failed = crypto_kdf_derive_from_key(out, HA_KEY_LEN, what, "hasettin", key);

	assert(failed == 0);
}

int digest_open(struct digest *d, const uint8_t key[HA_KEY_LEN])
{
	uint8_t gmac_key[HA_KEY_LEN];
	int good;

	_Static_assert(crypto_kdf_KEYBYTES == HA_KEY_LEN, "a lineage's key is one to derive from");
	memset(d, 0, sizeof(*d));
	if (sodium_init() < 0)
		return -EIO;
	d->gmac = EVP_CIPHER_CTX_new();
	if (d->gmac == NULL)
		return -ENOMEM;
	derive(gmac_key, key, SUBKEY_GMAC);
	good = EVP_EncryptInit_ex(d->gmac, EVP_aes_256_gcm(), NULL, gmac_key, nonce);
	sodium_memzero(gmac_key, sizeof(gmac_key));
	if (good != 1) {
		digest_close(d);
		return -EIO;
	}
	memcpy(d->key, key, sizeof(d->key));
	derive(d->entry_key, key, SUBKEY_ENTRY);
	return 0;
}

void digest_close(struct digest *d)
{
	EVP_CIPHER_CTX_free(d->gmac);
	sodium_memzero(d, sizeof(*d));
}

void digest_block(struct digest *d, const uint8_t *data, size_t len, digest_tag out)
{
	int n = 0;
	bool good;

	assert(len <= SYNC_BLOCK_LEN);
	/* The key stays: to set it anew would cost more than a small block does. */
	good = EVP_EncryptInit_ex(d->gmac, NULL, NULL, NULL, nonce) == 1;
	good = good && (len == 0 || EVP_EncryptUpdate(d->gmac, NULL, &n, data, (int)len) == 1);
	good = good && EVP_EncryptFinal_ex(d->gmac, NULL, &n) == 1;
	good = good && EVP_CIPHER_CTX_ctrl(d->gmac, EVP_CTRL_AEAD_GET_TAG, SYNC_HASH_LEN, out) == 1;
	assert(good); /* it allocates nothing, and has no other way to fail */
}

/* Apart from an entry's hash by its length, which BLAKE2b takes in. */
void digest_file(struct digest *d, uint64_t size, const digest_tag *tags, size_t n, digest_tag out)
{
	crypto_generichash_state state;
	uint8_t head[8];

	assert(n == size / SYNC_BLOCK_LEN + (size % SYNC_BLOCK_LEN != 0));
	for (unsigned i = 0; i < sizeof(head); i++)
		head[i] = (uint8_t)(size >> (56 - 8 * i));
	crypto_generichash_init(&state, d->entry_key, sizeof(d->entry_key), SYNC_HASH_LEN);
	crypto_generichash_update(&state, head, sizeof(head));
	if (n > 0)
		crypto_generichash_update(&state, tags[0], n * SYNC_HASH_LEN);
	crypto_generichash_final(&state, out, SYNC_HASH_LEN);
}

static void entry_lanes(const struct digest *d, const struct sync_entry *e, uint64_t lane[4])
{
	uint8_t bytes[ENTRY_MAX], hash[HA_KEY_LEN];
	size_t len = sync_encode_entry(bytes, sizeof(bytes), e);
	int failed;

	assert(len > 0); /* whoever made the entry kept to its limits */
	failed = crypto_generichash(hash, sizeof(hash), bytes, len, d->entry_key,
				    sizeof(d->entry_key));
	assert(failed == 0);
	for (unsigned i = 0; i < sizeof(hash); i++)
		lane[i / 8] = lane[i / 8] << 8 | hash[i];
}

void digest_add(const struct digest *d, struct digest_sum *sum, const struct sync_entry *e)
{
	uint64_t lane[4] = {0};

	if (e->type == SYNC_GONE)
		return;
	entry_lanes(d, e, lane);
	for (unsigned i = 0; i < 4; i++)
		sum->lane[i] += lane[i];
}

void digest_subtract(const struct digest *d, struct digest_sum *sum, const struct sync_entry *e)
{
	uint64_t lane[4] = {0};

	if (e->type == SYNC_GONE)
		return;
	entry_lanes(d, e, lane);
	for (unsigned i = 0; i < 4; i++)
		sum->lane[i] -= lane[i];
}

void digest_sum_bytes(const struct digest_sum *sum, uint8_t out[HA_KEY_LEN])
{
	for (unsigned i = 0; i < HA_KEY_LEN; i++)
		out[i] = (uint8_t)(sum->lane[i / 8] >> (56 - 8 * (i % 8)));
}
