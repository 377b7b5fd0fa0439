/* The session of the join (SPEC 4.4). */
#include "tests/unit/session_rig.h"

static void set_passphrase(struct rig *r, unsigned side, uint8_t hash)
{
	memset(r->config[side].pair_secret, hash, HA_KEY_LEN);
	rig_start(r, side);
}

static void check_equal_secrets(const struct rig *r)
{
	const struct session *a = &r->side[INITIATOR], *b = &r->side[RESPONDER];

	cr_assert_arr_eq(a->join_secret, b->join_secret, HA_KEY_LEN);
	cr_assert_arr_eq(a->join_hash, b->join_hash, HA_KEY_LEN);
	cr_assert_arr_eq(a->join_peer_key, b->config.public_key, HA_KEY_LEN);
	cr_assert_arr_eq(b->join_peer_key, a->config.public_key, HA_KEY_LEN);
	cr_assert_neq(sodium_is_zero(a->join_secret, HA_KEY_LEN), 1);
}

Test(session_join, r21_both_sides_derive_the_same_secret)
{
	uint8_t without[HA_KEY_LEN];
	struct frame first;
	struct rig r;

	rig_establish(&r, SESSION_XX);
	check_equal_secrets(&r);
	memcpy(without, r.side[0].join_secret, HA_KEY_LEN);

	rig_init(&r, SESSION_XX); /* the same entropy, and a passphrase: another secret */
	set_passphrase(&r, INITIATOR, 0x77);
	set_passphrase(&r, RESPONDER, 0x77);
	first = rig_timer(&r, INITIATOR);
	rig_handshake(&r, &first);
	check_equal_secrets(&r);
	cr_assert_neq(memcmp(without, r.side[0].join_secret, HA_KEY_LEN), 0);
}

Test(session_join, r20_another_passphrase_cannot_even_begin)
{
	struct frame f;
	struct rig r;

	rig_init(&r, SESSION_XX);
	set_passphrase(&r, RESPONDER, 0x77);
	f = rig_timer(&r, INITIATOR);
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_BAD_HANDSHAKE);
	cr_assert_eq(r.out.frame_len, 0);
	set_passphrase(&r, INITIATOR, 0x78);
	f = rig_timer(&r, INITIATOR);
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_BAD_HANDSHAKE);
	cr_assert_eq(r.out.frame_len, 0);
}

Test(session_join, r13_every_changed_byte_of_a_handshake_is_refused)
{
	struct frame f;
	struct rig r;

	rig_init(&r, SESSION_XX);
	f = rig_timer(&r, INITIATOR);
	rig_tamper(&r, RESPONDER, &f, "message 1");
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_NONE);
	f = rig_sent(&r);
	rig_tamper(&r, INITIATOR, &f, "message 2");
	cr_assert_eq(rig_receive(&r, INITIATOR, &f), DROP_NONE);
	f = rig_sent(&r);
	rig_tamper(&r, RESPONDER, &f, "message 3");
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_NONE);
	rig_talk_both_ways(&r);
	f = rig_seal(&r, RESPONDER);
	rig_tamper(&r, INITIATOR, &f, "data");
	check_equal_secrets(&r);
}

Test(session_join, r33_message_3_is_repeated_until_the_responder_is_heard)
{
	struct frame third, again;
	struct rig r;

	rig_init(&r, SESSION_XX);
	third = rig_timer(&r, INITIATOR);
	cr_assert_eq(rig_receive(&r, RESPONDER, &third), DROP_NONE);
	third = rig_sent(&r);
	cr_assert_eq(rig_receive(&r, INITIATOR, &third), DROP_NONE);
	third = rig_sent(&r); /* lost */
	again = rig_wait(&r, INITIATOR);
	cr_assert_leq(r.now, 1000 * HA_SEC + 63 * HA_MS);
	cr_assert_eq(again.len, third.len);
	cr_assert_arr_eq(again.bytes, third.bytes, third.len);
	cr_assert_eq(rig_receive(&r, RESPONDER, &again), DROP_NONE);
	cr_assert(r.out.up);
	cr_assert_eq(rig_receive(&r, RESPONDER, &again), DROP_REPLAY);
	cr_assert_not(r.out.up);
	rig_talk(&r, INITIATOR);
	r.now += 10 * HA_SEC;
	cr_assert_eq(rig_timer(&r, INITIATOR).len, 0);
	check_equal_secrets(&r);
}

Test(session_join, r33_the_keys_of_a_join_never_change_by_themselves)
{
	struct rig r;

	rig_establish(&r, SESSION_XX);
	cr_assert_eq(session_deadline(&r.side[INITIATOR]), r.now + SESSION_KEY_MAX_S * HA_SEC);
	cr_assert_eq(session_deadline(&r.side[RESPONDER]), r.now + SESSION_KEY_MAX_S * HA_SEC);
}

Test(session_join, r22_a_message_is_always_of_the_session_whose_secret_is_shown)
{
	struct frame old, first;
	struct rig r;

	rig_establish(&r, SESSION_XX);
	old = rig_seal(&r, INITIATOR);
	rig_start(&r, INITIATOR); /* the joiner begins anew */
	first = rig_timer(&r, INITIATOR);
	rig_handshake(&r, &first);
	check_equal_secrets(&r);
	cr_assert_eq(rig_receive(&r, RESPONDER, &old), DROP_UNKNOWN_INDEX);
}

Test(session_join, r33_an_unfinished_handshake_does_not_disturb_and_is_forgotten)
{
	struct rig r, other, before;
	struct frame f;

	rig_establish(&r, SESSION_XX);
	before = r;
	rig_init(&other, SESSION_XX);
	rig_keys(&other.config[INITIATOR], 9);
	rig_start(&other, INITIATOR);
	f = rig_timer(&other, INITIATOR);
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_NONE);
	rig_assert_unaffected(&r, &before, "another joiner");
	cr_assert_eq(session_deadline(&r.side[RESPONDER]), r.now + SESSION_HANDSHAKE_MS * HA_MS);
	rig_wait(&r, RESPONDER);
	cr_assert_not(r.side[RESPONDER].handshake.active);
	check_equal_secrets(&r);
}

Test(session_join, r14_handshakes_are_limited_before_the_curve)
{
	static const struct ha_mac honest = {{2, 0, 0, 0, 7, 7}};
	enum ha_drop drop;
	struct frame f;
	struct rig r;

	rig_init(&r, SESSION_XX);
	f = rig_timer(&r, INITIATOR);
	for (unsigned i = 0; i < 100; i++) {
		drop = rig_receive(&r, RESPONDER, &f);
		cr_assert_eq(drop, i < LIMIT_SOURCE_BURST ? DROP_NONE : DROP_RATE_LIMIT);
	}
	cr_assert_eq(rig_receive_from(&r, RESPONDER, &honest, &f), DROP_NONE, "others are served");
	f.bytes[f.len - 1] ^= 1;
	for (unsigned i = 0; i < 100; i++)
		cr_assert_eq(rig_receive_from(&r, RESPONDER, &honest, &f), DROP_BAD_HANDSHAKE);
	f.bytes[f.len - 1] ^= 1;
	cr_assert_eq(rig_receive_from(&r, RESPONDER, &honest, &f), DROP_NONE,
		     "forgeries in its name cost it nothing");
}

Test(session_join, r15_own_frames_that_come_back_are_named)
{
	struct frame first, second, third;
	struct rig r;

	rig_init(&r, SESSION_XX);
	first = rig_timer(&r, INITIATOR);
	cr_assert_eq(rig_receive(&r, INITIATOR, &first), DROP_OWN_ECHO);
	cr_assert_eq(rig_receive(&r, RESPONDER, &first), DROP_NONE);
	second = rig_sent(&r);
	cr_assert_eq(rig_receive(&r, RESPONDER, &second), DROP_OWN_ECHO);
	cr_assert_eq(rig_receive(&r, INITIATOR, &second), DROP_NONE);
	third = rig_sent(&r);
	cr_assert_eq(rig_receive(&r, INITIATOR, &third), DROP_OWN_ECHO);
}

/* Two initiators: of anybody but a peer with this side's passphrase that is not known (SPEC 7.R17). */
Test(session_join, r13_that_the_other_initiates_too_is_told_if_its_mac_holds)
{
	struct rig r, other;
	struct frame f;

	rig_init(&r, SESSION_XX);
	rig_timer(&r, INITIATOR);
	rig_init(&other, SESSION_XX);
	rig_keys(&other.config[INITIATOR], 9);
	other.config[INITIATOR].boot = 77;
	rig_start(&other, INITIATOR);
	f = rig_timer(&other, INITIATOR);
	cr_assert_eq(rig_receive(&r, INITIATOR, &f), DROP_BAD_HANDSHAKE);
	cr_assert(r.out.crossed);
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_NONE);
	cr_assert_not(r.out.crossed, "it is what a responder is for");
	for (size_t i = 0; i < f.len; i++) {
		struct frame bad = f;

		bad.bytes[i] ^= 1;
		rig_receive(&r, INITIATOR, &bad);
		cr_assert_not(r.out.crossed, "byte %zu", i);
	}
	f = rig_sent(&other);
	cr_assert_eq(rig_receive(&other, INITIATOR, &f), DROP_OWN_ECHO);
	cr_assert_not(other.out.crossed, "its own frame is nobody else's");
}

Test(session_join, r23_a_peer_with_the_same_static_key_is_no_peer)
{
	struct frame f;
	struct rig r;

	rig_init(&r, SESSION_XX); /* a cloned disk */
	rig_keys(&r.config[RESPONDER], 100);
	rig_start(&r, RESPONDER);
	f = rig_timer(&r, INITIATOR);
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_NONE);
	f = rig_sent(&r);
	cr_assert_eq(rig_receive(&r, INITIATOR, &f), DROP_OWN_ECHO);
	cr_assert_not(session_is_up(&r.side[INITIATOR]));
}

Test(session_join, r20_a_join_does_not_talk_to_a_pair)
{
	struct frame join, pair;
	struct rig x, k;

	rig_init(&x, SESSION_XX);
	rig_init(&k, SESSION_KK);
	join = rig_timer(&x, INITIATOR);
	pair = rig_timer(&k, INITIATOR);
	cr_assert_eq(rig_receive(&k, RESPONDER, &join), DROP_BAD_HANDSHAKE);
	cr_assert_eq(rig_receive(&x, RESPONDER, &pair), DROP_BAD_HANDSHAKE);
	pair = rig_timer(&k, RESPONDER);
	cr_assert_eq(rig_receive(&x, INITIATOR, &pair), DROP_UNPAIRED);
}
