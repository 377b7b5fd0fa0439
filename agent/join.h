/* join.h - pairing: the first --join, on both sides, as two small machines without sockets.
 *
 *   joiner                                       active
 *     |  -- XX handshake on the link --------------> |
 *     |  -- IDENTITY, JOIN_REQUEST(address) -------> |  judges: join_refusal(), writes its record
 *     |  <- IDENTITY, JOIN_ACCEPT(cluster, term) --- |  once that is on disk
 *     |  writes its record, then says so             |
 *
 * The request is repeated every JOIN_REPEAT until it is answered; a request that was accepted once
 * is accepted again, so that no frame's loss matters. Either side's record is on disk before it
 * says yes, and the joiner's last: what a crash can leave behind is an active that waits for its
 * passive, which may then join again.
 *
 * The caller does the I/O. A call answers with what to do next.
 */
#ifndef HA_AGENT_JOIN_H
#define HA_AGENT_JOIN_H

#include "agent/store.h"
#include "proto/msg.h"

#define JOIN_REPEAT  (200 * HA_MS)
#define JOIN_TIMEOUT (10 * HA_SEC)

enum join_phase {
	JOIN_IDLE = 0,
	JOIN_MEETING, /* joiner: handshake */
	JOIN_ASKING,  /* joiner: request sent, not answered */
	JOIN_SAVING,  /* either: own record on its way to the disk */
};

enum join_do {
	JOIN_NOTHING = 0,
	JOIN_SEND,   /* own identity, then message */
	JOIN_SAVE,   /* write the record that join_record() makes; then join_saved() */
	JOIN_PAIRED, /* done; active: and send as for JOIN_SEND */
	JOIN_FAILED, /* joiner: text says why */
};

struct join_step {
	enum join_do what;
	struct msg_join message;
	const char *text;
	bool refused; /* JOIN_FAILED: by the peer, not by an error */
};

struct join {
	bool joiner;
	enum join_phase phase;
	struct ha_address address; /* joiner: what the operator typed */
	ha_time until, next;       /* joiner */
	uint8_t peer_key[HA_KEY_LEN], pair_secret[HA_KEY_LEN];
	uint8_t cluster_id[HA_CLUSTER_ID_LEN];
	uint64_t term;
	bool identity_known; /* joiner: of the active */
	struct msg_identity identity;
};

/* What the active's judgement rests on. */
struct join_view {
	bool active; /* mode primary (active), and it is */
	bool paired;
	bool peer_alive; /* the paired passive is heard */
	bool store_ok;
	bool address_own; /* the address asked for is one of this node's own on management */
	unsigned vip_n;
	uint64_t term;
	uint8_t peer_key[HA_KEY_LEN], pair_secret[HA_KEY_LEN]; /* of the record, while paired */
	uint8_t cluster_id[HA_CLUSTER_ID_LEN];
};

/* ---- the joiner ---- */
void join_start(struct join *, const struct ha_address *, ha_time now);
ha_time join_deadline(const struct join *); /* HA_NEVER unless a join is under way */
struct join_step join_timer(struct join *, ha_time now);
/* The XX session is up, also for a second time. */
struct join_step join_up(struct join *, const uint8_t peer_key[HA_KEY_LEN],
			 const uint8_t pair_secret[HA_KEY_LEN], ha_time now);
void join_identity(struct join *, const struct msg_identity *);
struct join_step join_answer(struct join *, const struct msg_join *);

/* ---- the active ---- */
/* May this key join? JOIN_OK or why not. */
enum msg_join_refusal join_refusal(const struct join_view *, const uint8_t key[HA_KEY_LEN]);
/* A JOIN_REQUEST in a session with peer_key; fresh are random bytes for a new cluster. */
struct join_step join_request(struct join *, const struct join_view *,
			      const uint8_t peer_key[HA_KEY_LEN],
			      const uint8_t pair_secret[HA_KEY_LEN],
			      const uint8_t fresh[HA_CLUSTER_ID_LEN]);

/* ---- both ---- */
struct join_step join_saved(struct join *, bool ok);
/* What to write while the phase is JOIN_SAVING: *record with the pairing in it. own: this node's
 * virtual IPs. */
void join_record(const struct join *, const struct ha_address *own, unsigned own_n,
		 struct store_record *);

const char *join_refusal_text(enum msg_join_refusal); /* for people */

#endif
