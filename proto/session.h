/* session.h - one authenticated session with the peer on one path (SPEC 4).
 *
 * A session is Noise over single frames. After the join it is KKpsk0 with the pinned key and the
 * pair secret; the side with the lower static key initiates, every hour anew, and the old keys are
 * accepted until the new ones have proved themselves (make before break). Before the join, and on
 * the link path only, it is XX, begun by whoever wants to join. Nothing that is not authenticated
 * changes a session that is up.
 *
 * Pure: time and randomness are arguments. Whatever makes an ephemeral key takes
 * SESSION_ENTROPY_LEN fresh random bytes, which must not be used for anything else.
 *
 * What is left to the caller: to send out->frame where it says so; when `up` is set, to send a
 * message at once, so that the other side learns that the new keys work (4.R19, 4.R33); and to
 * judge who is alive. A session stays up until it is replaced or too old.
 */
#ifndef HA_PROTO_SESSION_H
#define HA_PROTO_SESSION_H

#include "proto/drop.h"
#include "proto/limit.h"
#include "proto/msg.h"
#include "proto/noise.h"
#include "proto/replay.h"
#include "proto/types.h"

enum {
	SESSION_ENTROPY_LEN = 40, /* 32 for an ephemeral key, 4 for an index, 4 for jitter */
	SESSION_FRAME_MAX = 256,  /* of what the session itself sends: beacons and handshakes */

	SESSION_BEACON_MS = 100,     /* between beacons of the non-initiator without a session */
	SESSION_FIRST_MS = 50,       /* between first messages, +-25 % ... */
	SESSION_FIRST_TRIES = 20,    /* ... and after so many ... */
	SESSION_FIRST_SLOW_MS = 200, /* ... so long, +-25 %: never above 250 ms */
	SESSION_HANDSHAKE_MS = 1000, /* an unfinished handshake is forgotten */
	SESSION_QUIET_MS = 1000,     /* nothing heard under the newest keys: try a new handshake */
	SESSION_PREVIOUS_MS = 3000,  /* old keys receive for so long after the new ones' proof */
	SESSION_REKEY_S = 3600,
	SESSION_KEY_MAX_S = 3900, /* older keys neither send nor receive */

	SESSION_BEACON_SLOW_MS = 1000, /* between the beacons that no session sends (4.R26) */
};

#define SESSION_REKEY_MESSAGES (UINT64_C(1) << 59)
#define SESSION_KEY_MESSAGES   (UINT64_C(1) << 60)

enum session_pattern {
	SESSION_XX, /* before the join */
	SESSION_KK, /* between the two of a pair */
};

struct session_config {
	enum session_pattern pattern;
	enum ha_path path;
	bool initiator;                 /* KK: own key is the lower; XX: this side asked to join */
	uint64_t boot;                  /* own; goes into the handshake */
	uint64_t peer_boot;             /* newest known of the peer, 0 = none */
	uint8_t secret_key[HA_KEY_LEN]; /* own static */
	uint8_t public_key[HA_KEY_LEN];
	uint8_t peer_key[HA_KEY_LEN];    /* KK only: pinned */
	uint8_t pair_secret[HA_KEY_LEN]; /* KK: the psk; XX: the hashed passphrase, or zeros */
	uint8_t cluster_id[HA_CLUSTER_ID_LEN]; /* zeros before the join */
};

/* What a call asks of its caller: a frame to send (header and all, without Ethernet's), and a
 * message received. */
struct session_output {
	size_t frame_len; /* 0 = nothing to send */
	uint8_t frame[SESSION_FRAME_MAX];
	bool to_group; /* send to the group address: where the peer is now is not known */
	bool up;       /* a new session carries data from now on */
	bool crossed;  /* XX initiator: another one's, whose MAC holds, initiates too */
	bool message;  /* the fields below hold an authenticated message */
	struct msg_header header;
	const uint8_t *body; /* points into the caller's frame */
	size_t body_len;
	bool current; /* it came under the newest keys, not under those that are being replaced */
};

struct session_keys {
	bool valid;
	bool proved;            /* something authenticated was received under them */
	uint32_t local, remote; /* indices */
	uint8_t send[HA_KEY_LEN], receive[HA_KEY_LEN];
	uint8_t exporter[HA_KEY_LEN]; /* KK: what keys of other streams are made from (4.R39) */
	uint64_t send_counter;
	uint64_t peer_boot; /* of the handshake that made them */
	struct replay replay;
	ha_time born;
};

/* The handshake in flight. As a KK responder there is none: its second message completes it. */
struct session_handshake {
	bool active;
	struct noise noise;
	uint32_t local, remote; /* indices; remote is known to the responder only */
	uint64_t sequence;      /* of its first message */
	ha_time begun;
};

struct session {
	struct session_config config;
	struct session_keys current, next, previous;
	struct session_handshake handshake;
	uint8_t mac_in[HA_KEY_LEN], mac_out[HA_KEY_LEN]; /* keys of the handshake frames' MACs */
	uint64_t sequence;                               /* of the newest own first message */
	uint64_t peer_boot, peer_sequence;               /* newest accepted of the peer */
	unsigned tries;         /* first messages sent since something was heard */
	bool wanted;            /* a beacon says that the peer has restarted */
	ha_time send_at;        /* next beacon or (repeated) handshake message, not before this */
	ha_time sent_at;        /* the newest first message */
	ha_time heard_at;       /* newest authenticated frame under the current keys */
	ha_time previous_until; /* HA_NEVER while the current keys are unproved */
	uint8_t third[SESSION_FRAME_MAX]; /* XX initiator: message 3, to be repeated */
	size_t third_len;
	struct limit limit;

	/* XX, once up: always those of the handshake that made the current keys. The pair secret
	 * to pin, the handshake hash (a fingerprint that both sides can compare) and the peer's
	 * static key. */
	uint8_t join_hash[HA_KEY_LEN], join_secret[HA_KEY_LEN], join_peer_key[HA_KEY_LEN];
};

void session_init(struct session *, const struct session_config *, ha_time now);
void session_wipe(struct session *); /* forgets every key; only session_init() may follow */

/* A frame that arrived on the session's path, from a source MAC (for the rate limit per sender).
 * HANDSHAKE frames of the session's own pattern and frames with one of its indices belong to it,
 * BEACONs to the KK session, DISOWN to none (disown.h): session_owns() tells. */
bool session_owns(const struct session *, const struct msg_header *, const uint8_t *body,
		  size_t body_len);
enum ha_drop session_receive(struct session *, ha_time now, const struct ha_mac *from,
			     const uint8_t entropy[SESSION_ENTROPY_LEN], const uint8_t *frame,
			     size_t len, struct session_output *out);

/* When session_timer() is due, or HA_NEVER. It sends beacons while there is no session, first
 * handshakes and their repeats, rekeys, and retires keys that are too old (SPEC 4.6). */
ha_time session_deadline(const struct session *);
void session_timer(struct session *, ha_time now, const uint8_t entropy[SESSION_ENTROPY_LEN],
		   struct session_output *out);

/* Seals a message into out: header, body in the clear, tag. The length of the frame, or 0 when
 * there is no session or cap is too small. */
size_t session_seal(struct session *, enum msg_type, const uint8_t *body, size_t body_len,
		    uint8_t *out, size_t cap);

bool session_is_up(const struct session *);

/* HA_KEY_LEN bytes that both sides of the current keys know and nobody else, for keys of streams beside this one
 * (4.R39). NULL: there are no current keys, or they are of a join. Dies with the keys. */
const uint8_t *session_exporter(const struct session *);

/* A BEACON, for which it takes no session: what a node without one, or without a pair, says on the
 * link (4.R26). Its length, or 0 if cap is too small. */
size_t session_beacon(const uint8_t public_key[HA_KEY_LEN], uint64_t boot, bool paired,
		      enum ha_path, uint8_t *out, size_t cap);

#endif
