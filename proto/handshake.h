/* handshake.h - the handshake half of a session: frames, their MAC, and what they make of the keys
 * (SPEC 4.2 to 4.4). For session.c; the fields also for who shows a capture.
 */
#ifndef HA_PROTO_HANDSHAKE_H
#define HA_PROTO_HANDSHAKE_H

#include "proto/session.h"

/* A HANDSHAKE's body (SPEC 4.2); message is that of a received one. */
struct handshake_body {
	uint8_t pattern, step;
	uint32_t sender;
	uint64_t boot, sequence;
	const uint8_t *message;
	size_t message_len;
};

/* Of a frame whose header is decoded: what it says, of whichever pattern, and nothing verified. DROP_BAD_LENGTH,
 * DROP_BAD_HANDSHAKE: there is no such pattern or step. *message points into the frame. */
enum ha_drop handshake_fields(const struct msg_header *, const uint8_t *frame,
			      struct handshake_body *out);

/* Derives the keys of the frames' MACs from the session's config. */
void handshake_init(struct session *);

/* Begins a handshake as the initiator and writes message 1 to out; one in flight is given up. */
void handshake_first(struct session *, ha_time now, const uint8_t entropy[SESSION_ENTROPY_LEN],
		     struct session_output *out);

/* A HANDSHAKE frame; its header is decoded, and the frame holds what the header's length says. */
enum ha_drop handshake_receive(struct session *, ha_time now, const struct ha_mac *from,
			       const uint8_t entropy[SESSION_ENTROPY_LEN],
			       const struct msg_header *, const uint8_t *frame,
			       struct session_output *out);

/* Makes `fresh` (which may be s->next, and is wiped) the current keys, and keeps the old ones
 * for receiving. */
void handshake_adopt(struct session *, struct session_keys *fresh, ha_time now);

/* When the next message is repeated if no answer comes; counts the try. */
void handshake_schedule(struct session *, ha_time now, const uint8_t entropy[SESSION_ENTROPY_LEN]);

#endif
