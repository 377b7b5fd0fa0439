/* disown.h - the frame that tells a former peer that it is none any more (SPEC 3.8, 4.8).
 *
 * There is no session with it: who has left a pair has none of its keys in use. So the frame stands
 * by itself, under a MAC whose key is derived from the pair secret that both still know, and it is
 * bound to one start of its addressee by the boot number of the beacon that it answers. It makes the
 * addressee leave the pair, and nothing else.
 */
#ifndef HA_PROTO_DISOWN_H
#define HA_PROTO_DISOWN_H

#include "proto/drop.h"
#include "proto/msg.h"

/* Header, body and MAC into out; its length, or 0 if cap is too small. */
size_t disown_seal(const struct msg_disown *, enum ha_path, const uint8_t pair_secret[HA_KEY_LEN],
		   uint8_t *out, size_t cap);

/* frame..len as msg_decode_header() takes it. The fields of *expected (cluster_id, key, boot) are what
 * it has to say; *why is set only for DROP_NONE. DROP_WRONG_PEER: another key or cluster;
 * DROP_STALE_HANDSHAKE: another boot; DROP_BAD_TAG; DROP_BAD_VALUE. */
enum ha_drop disown_open(const uint8_t *frame, size_t len, enum ha_path on,
			 const struct msg_disown *expected, const uint8_t pair_secret[HA_KEY_LEN],
			 enum msg_parting *why);

/* Of a DISOWN whose header is decoded: what it says, not verified. DROP_NONE or DROP_BAD_VALUE. */
enum ha_drop disown_fields(const struct msg_header *, const uint8_t *frame, struct msg_disown *out);

#endif
