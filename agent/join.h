/* join.h - pairing: --test-connection and --join, on both sides, as two small machines without sockets.
 *
 *   joiner                                       active
 *     |  -- XX handshake on the link --------------> |
 *     |  <- IDENTITY ------------------------------- |
 *     |  -- IDENTITY, JOIN_TEST(address) ----------> |
 *     |  surveys, judges by requirement.h            |  so does it
 *     |  <- IDENTITY, JOIN_REPORT(causes) ---------- |
 *     |  merges both: the table                      |
 *     |      ... --test-connection ends here         |
 *     |  -- IDENTITY, JOIN_REQUEST(address) -------> |  judges again, writes its record
 *     |  <- IDENTITY, JOIN_ACCEPT(cluster, term) --- |  once that is on disk
 *     |  writes its record, then says so             |
 *
 * Tests are repeated every JOIN_REPEAT until the table is whole, requests until they are answered; a request that was
 * accepted once is accepted again, so that no frame's loss matters. Either side's record is on disk before it
 * says yes, and the joiner's last: what a crash can leave behind is an active that waits for its
 * passive, which may then join again. Until then nothing has changed on either side.
 *
 * The caller does the I/O, the survey and the judgement of its own side. A call answers with what to do
 * next. When a join has ended, one way or the other, the pair secret is wiped from it; an active that has accepted has
 * it in its record.
 */
#ifndef HA_AGENT_JOIN_H
#define HA_AGENT_JOIN_H

#include "agent/store.h"
#include "proto/msg.h"
#include "proto/requirement.h"

#define JOIN_REPEAT (200 * HA_MS)
#define JOIN_TEST_TIMEOUT                                                                          \
	(4500 * HA_MS)             /* of the table, from the start: what is unknown then stays so */
#define JOIN_TIMEOUT (10 * HA_SEC) /* of the rest, from the table on */

enum join_phase {
	JOIN_IDLE = 0,
	JOIN_MEETING, /* joiner: handshake */
	JOIN_TESTING, /* joiner: test sent; the report or the own survey is not complete */
	JOIN_ASKING,  /* joiner: request sent, not answered */
	JOIN_SAVING,  /* either: own record on its way to the disk */
};

enum join_do {
	JOIN_NOTHING = 0,
	JOIN_SEND,   /* own identity, then message */
	JOIN_SAVE,   /* write the record that join_record() makes; then join_saved() */
	JOIN_PAIRED, /* done; active: and send as for JOIN_SEND */
	JOIN_TESTED, /* joiner: the test has ended, the table is in join.cause */
	JOIN_FAILED, /* joiner: text says why; join.tested: and the table is in join.cause */
};

struct join_step {
	enum join_do what;
	struct msg_join message;
	const char *text; /* of JOIN_TESTED and JOIN_FAILED */
	bool refused; /* by the peer, by the table, or for another key than expected; not by an error */
};

struct join {
	bool joiner, test_only;
	enum join_phase phase;
	struct ha_address address; /* joiner: what the operator typed */
	ha_time until, next;       /* joiner */
	bool expecting; /* joiner: only this key is to be pinned: what the operator has seen */
	uint8_t expected[HA_KEY_LEN];
	bool met;      /* the peer's key is known: there was a handshake */
	bool crossed;  /* joiner: the peer asks to join this one at the same time */
	bool reported; /* joiner: by the active, as follows */
	enum msg_join_refusal refusal;
	uint8_t report[REQUIREMENT_N];
	bool tested; /* joiner: cause is the merged table; after JOIN_FAILED: and the reason for it */
	uint8_t cause[REQUIREMENT_N];
	uint8_t peer_key[HA_KEY_LEN], pair_secret[HA_KEY_LEN];
	uint8_t cluster_id[HA_CLUSTER_ID_LEN];
	uint64_t term;
	bool identity_known; /* joiner: of the active */
	struct msg_identity
		identity; /* active: of the one whose request is being written, by the caller */
};

/* What the active's judgement rests on. */
struct join_view {
	bool active; /* mode primary (active), and it is */
	bool paired;
	bool peer_alive; /* the paired passive is heard */
	bool store_ok;
	bool address_own; /* the address asked for is one of this node's own on management */
	unsigned vip_n;
	bool surveyed; /* cause is the judgement of this side; else it is still being made */
	uint8_t cause[REQUIREMENT_N];
	uint64_t term;
	uint8_t peer_key[HA_KEY_LEN], pair_secret[HA_KEY_LEN]; /* of the record, while paired */
	uint8_t cluster_id[HA_CLUSTER_ID_LEN];
};

/* ---- the joiner ---- */
/* expected: NULL, or the SHA-256 of the only key to pair with. */
void join_start(struct join *, const struct ha_address *, bool test_only,
		const uint8_t expected[HA_KEY_LEN], ha_time now);
ha_time join_deadline(const struct join *); /* HA_NEVER unless a join is under way */
struct join_step join_timer(struct join *, ha_time now);
/* A message of an initiator's XX handshake has come, while this side initiates: no session comes of that. It words the
 * failure of this join, and is nothing to whatever comes after it. */
void join_crossed(struct join *);
/* The XX session is up, also for a second time: then the test, or the request, begins anew. */
struct join_step join_up(struct join *, const uint8_t peer_key[HA_KEY_LEN],
			 const uint8_t pair_secret[HA_KEY_LEN], ha_time now);
void join_identity(struct join *, const struct msg_identity *);
struct join_step join_answer(struct join *, const struct msg_join *); /* REPORT, ACCEPT, REFUSE */
/* What this side thinks of it by now. open: some of it may yet become known. To be called whenever something
 * has changed, and after join_timer(): the test's end is noticed here, also that its time is over. */
struct join_step join_judged(struct join *, const uint8_t cause[REQUIREMENT_N], bool open,
			     ha_time now);

/* ---- the active ---- */
/* May this key join? JOIN_OK or why not. */
enum msg_join_refusal join_refusal(const struct join_view *, const uint8_t key[HA_KEY_LEN]);
/* A JOIN_TEST: the report, or nothing as long as it is not surveyed (the test comes again). */
struct join_step join_test(struct join *, const struct join_view *,
			   const uint8_t peer_key[HA_KEY_LEN]);
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
