/* digest.h - keyed fingerprints: of a block, of a file's content, of an entry, of a generation (SPEC 6.2).
 *
 * Blocks are fingerprinted by AES-256-GMAC under a key that only the two of the pair have, so that nobody else can
 * make two contents with one fingerprint, at memory speed. Nonce and key are the same for all blocks: tags are compared,
 * never shown to anybody but the other one, and only inside of the encrypted stream.
 *
 * The digest of a generation is the sum, modulo 2^64 in each of four lanes, of a keyed BLAKE2b of each of its entries: it does not
 * depend on an order, and one changed entry costs one hash.
 */
#ifndef HA_AGENT_SYNC_DIGEST_H
#define HA_AGENT_SYNC_DIGEST_H

#include <openssl/types.h>

#include "proto/sync_msg.h"

typedef uint8_t digest_tag[SYNC_HASH_LEN];

struct digest {
	uint8_t key[HA_KEY_LEN]; /* of the lineage */
	uint8_t entry_key[HA_KEY_LEN];
	EVP_CIPHER_CTX *gmac;
};

/* A sum of entries; zeros = none. */
struct digest_sum {
	uint64_t lane[4];
};

int digest_open(struct digest *, const uint8_t key[HA_KEY_LEN]); /* 0 or -ENOMEM, -EIO */
void digest_close(struct digest *); /* wipes the keys; fine when zeroed */

/* Of one block, up to SYNC_BLOCK_LEN bytes. */
void digest_block(struct digest *, const uint8_t *data, size_t len, digest_tag out);

/* Of a file, from its size and the tags of its blocks (size / SYNC_BLOCK_LEN, rounded up, of them). */
void digest_file(struct digest *, uint64_t size, const digest_tag *tags, size_t n, digest_tag out);

/* Adds or takes away one entry; SYNC_GONE counts for nothing. */
void digest_add(const struct digest *, struct digest_sum *, const struct sync_entry *);
void digest_subtract(const struct digest *, struct digest_sum *, const struct sync_entry *);
void digest_sum_bytes(const struct digest_sum *, uint8_t out[HA_KEY_LEN]);

#endif
