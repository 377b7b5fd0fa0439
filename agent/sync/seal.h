/* seal.h - the bulk cipher: AES-256-GCM where the processor has AES, else ChaCha20-Poly1305, by libcrypto, with contexts that are
 * made once (SPEC 6.1).
 *
 * The keys of a stream come from the exporter of the link's session and both sides' salts, one for each direction and
 * type of frame; the nonce is the frame's number. No key outlives its stream, and none is used by two processes.
 */
#ifndef HA_AGENT_SYNC_SEAL_H
#define HA_AGENT_SYNC_SEAL_H

#include <openssl/types.h>

#include "proto/sync_msg.h"

struct seal {
	EVP_CIPHER_CTX *data_out, *data_in, *ack_out, *ack_in;
};

bool seal_has_aes(void); /* is AES-256-GCM the fast one here? */

/* lower: own static key is the lower one. 0 or -EIO, -ENOMEM. */
int seal_open(struct seal *, const uint8_t exporter[HA_KEY_LEN], bool lower,
	      const uint8_t own_salt[SYNC_SALT_LEN], const uint8_t peer_salt[SYNC_SALT_LEN],
	      bool aes);
void seal_close(struct seal *);

/* ad..ad_len is authenticated, plain..len encrypted to out, which may be the same; tag follows at out + len. */
void seal_data(struct seal *, uint64_t number, const uint8_t *ad, size_t ad_len,
	       const uint8_t *plain, size_t len, uint8_t *out);
/* in: len bytes and the tag behind. False: it does not verify, and out holds nothing of use. */
bool unseal_data(struct seal *, uint64_t number, const uint8_t *ad, size_t ad_len,
		 const uint8_t *in, size_t len, uint8_t *out);
/* The same for what is only authenticated. */
void seal_ack(struct seal *, uint64_t number, const uint8_t *ad, size_t ad_len,
	      uint8_t tag[MSG_TAG_LEN]);
bool unseal_ack(struct seal *, uint64_t number, const uint8_t *ad, size_t ad_len,
		const uint8_t tag[MSG_TAG_LEN]);

/* The key id that stands in the header's receiver field, and the MAC of a HELLO. */
uint32_t seal_key_id(const uint8_t exporter[HA_KEY_LEN]);
void seal_hello_mac(const uint8_t exporter[HA_KEY_LEN], bool from_lower, const uint8_t *frame,
		    size_t len, uint8_t mac[MSG_TAG_LEN]);

#endif
