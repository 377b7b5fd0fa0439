/* session_rig.h - two sessions against each other in one process; the test is the wire between
 * them. */
#ifndef HA_TESTS_UNIT_SESSION_RIG_H
#define HA_TESTS_UNIT_SESSION_RIG_H

#include "proto/session.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

enum {
	INITIATOR = 0,
	RESPONDER = 1,
};

struct frame {
	size_t len;
	uint8_t bytes[SESSION_FRAME_MAX];
};

struct rig {
	struct session_config config[2];
	struct session side[2];
	struct ha_mac mac[2];
	ha_time now;
	uint8_t draws;             /* of entropy */
	struct session_output out; /* of the newest call */
};

static inline void rig_entropy(struct rig *r, uint8_t entropy[SESSION_ENTROPY_LEN])
{
	r->draws++;
	crypto_generichash(entropy, SESSION_ENTROPY_LEN, &r->draws, 1, NULL, 0);
}

static inline void rig_keys(struct session_config *c, uint8_t seed)
{
	crypto_generichash(c->secret_key, HA_KEY_LEN, &seed, 1, NULL, 0);
	crypto_scalarmult_curve25519_base(c->public_key, c->secret_key);
}

/* (Re)starts one side from its config, as its engine's start does. */
static inline void rig_start(struct rig *r, unsigned side)
{
	session_init(&r->side[side], &r->config[side], r->now);
}

static inline void rig_init(struct rig *r, enum session_pattern pattern)
{
	memset(r, 0, sizeof(*r));
	r->now = 1000 * HA_SEC;
	for (unsigned i = 0; i < 2; i++) {
		struct session_config *c = &r->config[i];

		c->pattern = pattern;
		c->path = HA_PATH_LINK;
		c->initiator = i == INITIATOR;
		c->boot = 10 + i;
		rig_keys(c, (uint8_t)(100 + i));
		if (pattern == SESSION_KK) {
			memset(c->pair_secret, 0x5a, HA_KEY_LEN);
			memset(c->cluster_id, 0xc1, HA_CLUSTER_ID_LEN);
		}
		r->mac[i] = (struct ha_mac){{2, 0, 0, 0, 0, (uint8_t)i}};
	}
	for (unsigned i = 0; i < 2 && pattern == SESSION_KK; i++)
		memcpy(r->config[i].peer_key, r->config[1 - i].public_key, HA_KEY_LEN);
	rig_start(r, INITIATOR);
	rig_start(r, RESPONDER);
}

static inline struct frame rig_sent(const struct rig *r)
{
	struct frame f = {.len = r->out.frame_len};

	memcpy(f.bytes, r->out.frame, f.len);
	return f;
}

static inline struct frame rig_timer(struct rig *r, unsigned side)
{
	uint8_t entropy[SESSION_ENTROPY_LEN];

	rig_entropy(r, entropy);
	session_timer(&r->side[side], r->now, entropy, &r->out);
	return rig_sent(r);
}

/* Lets the time pass until the side's timer is due. */
static inline struct frame rig_wait(struct rig *r, unsigned side)
{
	ha_time at = session_deadline(&r->side[side]);

	cr_assert_neq(at, HA_NEVER);
	if (at > r->now)
		r->now = at;
	return rig_timer(r, side);
}

static inline enum ha_drop rig_receive_from(struct rig *r, unsigned side, const struct ha_mac *from,
					    const struct frame *f)
{
	uint8_t entropy[SESSION_ENTROPY_LEN];

	rig_entropy(r, entropy);
	return session_receive(&r->side[side], r->now, from, entropy, f->bytes, f->len, &r->out);
}

/* The side receives what the other one sent. */
static inline enum ha_drop rig_receive(struct rig *r, unsigned side, const struct frame *f)
{
	return rig_receive_from(r, side, &r->mac[1 - side], f);
}

static inline struct frame rig_seal(struct rig *r, unsigned side)
{
	static const uint8_t body[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct frame f;

	f.len = session_seal(&r->side[side], MSG_SOLICIT, body, sizeof(body), f.bytes,
			     sizeof(f.bytes));
	cr_assert_eq(f.len, MSG_HEADER_LEN + sizeof(body) + MSG_TAG_LEN);
	return f;
}

/* A message from the other side arrives and is what was sent. */
static inline void rig_talk(struct rig *r, unsigned to)
{
	struct frame f = rig_seal(r, 1 - to);

	cr_assert_eq(rig_receive(r, to, &f), DROP_NONE);
	cr_assert(r->out.message);
	cr_assert_eq(r->out.header.type, MSG_SOLICIT);
	cr_assert_eq(r->out.body_len, 8);
	cr_assert_eq(r->out.body, f.bytes + MSG_HEADER_LEN);
	r->out.body = NULL; /* f ends here */
}

static inline void rig_talk_both_ways(struct rig *r)
{
	rig_talk(r, RESPONDER);
	rig_talk(r, INITIATOR);
}

/* A whole handshake, begun by message 1, and the first data. */
static inline void rig_handshake(struct rig *r, const struct frame *first)
{
	struct frame f;

	cr_assert_eq(rig_receive(r, RESPONDER, first), DROP_NONE);
	f = rig_sent(r);
	cr_assert_eq(rig_receive(r, INITIATOR, &f), DROP_NONE);
	cr_assert(r->out.up);
	if (r->config[INITIATOR].pattern == SESSION_XX) {
		f = rig_sent(r);
		cr_assert_eq(rig_receive(r, RESPONDER, &f), DROP_NONE);
		cr_assert(r->out.up);
	}
	rig_talk_both_ways(r);
}

static inline void rig_establish(struct rig *r, enum session_pattern pattern)
{
	struct frame first;

	rig_init(r, pattern);
	first = rig_timer(r, INITIATOR);
	rig_handshake(r, &first);
}

/* The session lives on, whatever `what` did: messages pass both ways, under the same keys as in
 * `before`. */
static inline void rig_assert_unaffected(struct rig *r, const struct rig *before, const char *what)
{
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(r->side[i].current.local, before->side[i].current.local, "%s", what);
	rig_talk_both_ways(r);
}

/* Each byte of the frame, changed, is refused and moves nothing at the receiver. */
static inline void rig_tamper(struct rig *r, unsigned side, const struct frame *f, const char *what)
{
	for (size_t i = 0; i < f->len; i++) {
		struct session before = r->side[side];
		struct frame bad = *f;

		bad.bytes[i] ^= 1;
		cr_assert_neq(rig_receive(r, side, &bad), DROP_NONE, "%s, byte %zu", what, i);
		cr_assert_eq(r->out.frame_len, 0, "%s, byte %zu", what, i);
		cr_assert_not(r->out.up || r->out.message, "%s, byte %zu", what, i);
		before.limit = r->side[side].limit; /* the only thing that may change */
		cr_assert_arr_eq(&before, &r->side[side], sizeof(before), "%s, byte %zu", what, i);
	}
	for (size_t len = 0; len < f->len; len++) {
		struct frame cut = {.len = len};

		memcpy(cut.bytes, f->bytes, len);
		cr_assert_neq(rig_receive(r, side, &cut), DROP_NONE, "%s, cut to %zu", what, len);
	}
}

#endif
