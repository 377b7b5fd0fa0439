/* Sessions between the two of a pair (SPEC 4.2, 4.3). */
#include "tests/unit/session_rig.h"

static const struct ha_mac stranger = {{2, 0, 0, 0, 9, 9}};

Test(session, r19_established_by_two_messages_and_first_data)
{
	struct frame f;
	struct rig r;

	rig_init(&r, SESSION_KK);
	cr_assert_eq(session_deadline(&r.side[INITIATOR]), r.now, "message 1 goes out at once");
	f = rig_timer(&r, INITIATOR);
	cr_assert(r.out.to_group, "nobody knows the peer's MAC yet");
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_NONE);
	cr_assert_not(r.out.up, "message 1 may be a replay: nothing is up yet");
	cr_assert_not(r.out.to_group);
	f = rig_sent(&r);
	cr_assert_eq(rig_receive(&r, INITIATOR, &f), DROP_NONE);
	cr_assert(r.out.up);
	cr_assert_eq(r.out.frame_len, 0);
	cr_assert_eq(session_deadline(&r.side[INITIATOR]), r.now + SESSION_QUIET_MS * HA_MS);
	cr_assert_not(session_is_up(&r.side[RESPONDER]));
	cr_assert_eq(
		session_seal(&r.side[RESPONDER], MSG_SOLICIT, f.bytes, 8, f.bytes, sizeof(f.bytes)),
		0);
	rig_talk(&r, RESPONDER);
	cr_assert(r.out.up && r.out.current);
	rig_talk(&r, INITIATOR);
	cr_assert(!r.out.up && r.out.current);
	rig_talk_both_ways(&r);
}

Test(session, r19_each_side_may_start_first)
{
	struct frame beacon, first;
	struct rig r;

	rig_init(&r, SESSION_KK); /* the initiator called before the responder was there */
	for (unsigned i = 0; i < 30; i++)
		rig_wait(&r, INITIATOR);
	beacon = rig_timer(&r, RESPONDER);
	cr_assert(r.out.to_group);
	r.now += 60 * HA_MS;
	cr_assert_eq(rig_receive(&r, INITIATOR, &beacon), DROP_NONE);
	first = rig_sent(&r);
	cr_assert_gt(first.len, 0, "its beacon is answered at once");
	rig_handshake(&r, &first);
}

Test(session, r17_duplicates_and_late_messages_change_nothing)
{
	struct frame old, first, second;
	struct rig r, before;

	rig_init(&r, SESSION_KK);
	old = rig_timer(&r, INITIATOR); /* overtaken by the next */
	first = rig_wait(&r, INITIATOR);
	cr_assert_eq(rig_receive(&r, RESPONDER, &first), DROP_NONE);
	second = rig_sent(&r);
	cr_assert_eq(rig_receive(&r, RESPONDER, &first), DROP_STALE_HANDSHAKE);
	cr_assert_eq(rig_receive(&r, RESPONDER, &old), DROP_STALE_HANDSHAKE);
	cr_assert_eq(rig_receive(&r, INITIATOR, &second), DROP_NONE);
	cr_assert_eq(rig_receive(&r, INITIATOR, &second), DROP_BAD_HANDSHAKE);
	rig_talk_both_ways(&r);
	before = r;
	cr_assert_eq(rig_receive(&r, RESPONDER, &first), DROP_STALE_HANDSHAKE);
	cr_assert_eq(rig_receive(&r, INITIATOR, &second), DROP_BAD_HANDSHAKE);
	rig_assert_unaffected(&r, &before, "replayed handshake");
}

Test(session, r17_message_1_of_an_earlier_boot_is_stale)
{
	struct frame old;
	struct rig r;

	rig_init(&r, SESSION_KK);
	old = rig_timer(&r, INITIATOR);
	r.config[INITIATOR].boot++;
	rig_start(&r, INITIATOR);
	r.config[RESPONDER].peer_boot =
		r.config[INITIATOR].boot; /* durable knowledge, after a restart */
	rig_start(&r, RESPONDER);
	cr_assert_eq(rig_receive(&r, RESPONDER, &old), DROP_STALE_HANDSHAKE);
	cr_assert_eq(r.out.frame_len, 0);
	old = rig_timer(&r, INITIATOR);
	cr_assert_eq(rig_receive(&r, RESPONDER, &old), DROP_NONE, "the floor itself is served");
}

Test(session, r17_a_replayed_message_1_gives_its_sender_nothing)
{
	struct frame replayed, first;
	struct rig r;

	rig_init(&r, SESSION_KK);
	replayed = rig_timer(&r, INITIATOR);
	rig_start(&r, RESPONDER); /* knows the boot, not the sequence */
	cr_assert_eq(rig_receive_from(&r, RESPONDER, &stranger, &replayed), DROP_NONE);
	cr_assert_not(session_is_up(&r.side[RESPONDER]));
	first = rig_wait(&r, INITIATOR);
	rig_handshake(&r, &first);
}

Test(session, r18_message_2_of_an_earlier_boot_is_stale)
{
	struct frame f;
	struct rig r;

	rig_init(&r, SESSION_KK);
	r.config[INITIATOR].peer_boot = r.config[RESPONDER].boot + 1;
	rig_start(&r, INITIATOR);
	f = rig_timer(&r, INITIATOR);
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_NONE);
	f = rig_sent(&r);
	cr_assert_eq(rig_receive(&r, INITIATOR, &f), DROP_STALE_HANDSHAKE);
	cr_assert_not(session_is_up(&r.side[INITIATOR]));
}

Test(session, r13_every_changed_byte_of_a_handshake_is_refused)
{
	struct frame first, second;
	struct rig r;

	rig_init(&r, SESSION_KK);
	first = rig_timer(&r, INITIATOR);
	rig_tamper(&r, RESPONDER, &first, "message 1");
	cr_assert_eq(rig_receive(&r, RESPONDER, &first), DROP_NONE);
	second = rig_sent(&r);
	rig_tamper(&r, INITIATOR, &second, "message 2");
	cr_assert_eq(rig_receive(&r, INITIATOR, &second), DROP_NONE);
	rig_talk_both_ways(&r);
}

Test(session, r13_forgeries_do_not_disturb_a_session_that_is_up)
{
	struct rig r, before;
	struct frame f;

	rig_establish(&r, SESSION_KK);
	f = rig_seal(&r, INITIATOR);
	before = r;
	rig_tamper(&r, RESPONDER, &f, "data");
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_NONE);
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_REPLAY);
	r.now += 2 * HA_SEC;
	f = rig_timer(&r, INITIATOR); /* quiet: a handshake in the background */
	rig_tamper(&r, RESPONDER, &f, "message 1");
	rig_assert_unaffected(&r, &before, "forgeries");
}

/* A first message is refused by a responder whose config differs in one thing. */
static void check_refused(struct rig *r, enum ha_drop want)
{
	struct frame f;

	rig_start(r, INITIATOR);
	rig_start(r, RESPONDER);
	f = rig_timer(r, INITIATOR);
	cr_assert_eq(rig_receive(r, RESPONDER, &f), want);
	cr_assert_eq(r->out.frame_len, 0);
}

Test(session, r2_r4_wrong_secret_key_cluster_or_path)
{
	struct rig r;

	rig_init(&r, SESSION_KK);
	r.config[RESPONDER].pair_secret[31] ^= 1;
	check_refused(&r, DROP_BAD_HANDSHAKE);

	rig_init(&r, SESSION_KK); /* the responder pins another key */
	rig_keys(&r.config[INITIATOR], 7);
	check_refused(&r, DROP_BAD_HANDSHAKE);

	rig_init(&r, SESSION_KK); /* the initiator pins another key */
	r.config[INITIATOR].peer_key[0] ^= 1;
	check_refused(&r, DROP_BAD_HANDSHAKE);

	rig_init(&r, SESSION_KK);
	r.config[RESPONDER].cluster_id[0] ^= 1;
	check_refused(&r, DROP_BAD_HANDSHAKE);

	rig_init(&r, SESSION_KK);
	r.config[RESPONDER].path = HA_PATH_MANAGEMENT;
	check_refused(&r, DROP_BAD_PATH);
}

Test(session, r3_a_pinned_key_of_low_order_has_no_handshake)
{
	struct rig r;

	rig_init(&r, SESSION_KK);
	memset(r.config[INITIATOR].peer_key, 0, HA_KEY_LEN);
	rig_start(&r, INITIATOR);
	cr_assert_eq(rig_timer(&r, INITIATOR).len, 0);
	cr_assert_gt(session_deadline(&r.side[INITIATOR]), r.now, "and no busy loop");
}

Test(session, r15_own_frames_that_come_back_are_named)
{
	struct frame first, beacon;
	struct rig r;

	rig_init(&r, SESSION_KK);
	first = rig_timer(&r, INITIATOR);
	beacon = rig_timer(&r, RESPONDER);
	cr_assert_eq(rig_receive(&r, INITIATOR, &first), DROP_OWN_ECHO);
	cr_assert_eq(rig_receive(&r, RESPONDER, &beacon), DROP_OWN_ECHO);
	cr_assert_eq(rig_receive(&r, RESPONDER, &first), DROP_NONE);
	first = rig_sent(&r);
	cr_assert_eq(rig_receive(&r, RESPONDER, &first), DROP_OWN_ECHO);
}

Test(session, r19_a_restarted_initiator_replaces_a_session_that_is_up)
{
	struct frame first, old;
	struct rig r;

	rig_establish(&r, SESSION_KK);
	old = rig_seal(&r, INITIATOR);
	r.config[INITIATOR].boot++;
	rig_start(&r, INITIATOR);
	first = rig_timer(&r, INITIATOR);
	rig_handshake(&r, &first);
	cr_assert_eq(rig_receive(&r, RESPONDER, &old), DROP_NONE);
	cr_assert_not(r.out.current, "under the old keys: for liveness at most");
}

Test(session, r18_message_2_later_than_a_second_is_refused)
{
	struct frame f;
	struct rig r;

	rig_init(&r, SESSION_KK);
	f = rig_timer(&r, INITIATOR);
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_NONE);
	f = rig_sent(&r);
	r.now += SESSION_HANDSHAKE_MS * HA_MS;
	cr_assert_eq(rig_receive(&r, INITIATOR, &f), DROP_BAD_HANDSHAKE);
}

Test(session, r14_a_flood_of_forged_message_1_does_not_stop_the_peer)
{
	struct frame first, forged;
	unsigned served = 0;
	struct rig r;

	rig_init(&r, SESSION_KK);
	forged = first = rig_timer(&r, INITIATOR);
	forged.bytes[forged.len - 1] ^= 1;
	for (unsigned i = 0; i < 2000; i++) { /* from many, and in the peer's name, too */
		struct ha_mac from = {{2, 0, 0, 1, (uint8_t)(i >> 8), (uint8_t)i}};
		enum ha_drop drop =
			rig_receive_from(&r, RESPONDER, i % 2 ? &from : &r.mac[INITIATOR], &forged);

		cr_assert(drop == DROP_BAD_HANDSHAKE || drop == DROP_RATE_LIMIT);
		served += drop == DROP_BAD_HANDSHAKE;
	}
	cr_assert_eq(served, LIMIT_PATH_BURST);
	rig_handshake(&r, &first);
}

Test(session, r14_one_source_has_a_smaller_share_than_the_path)
{
	struct frame forged;
	struct rig r;

	rig_init(&r, SESSION_KK);
	forged = rig_timer(&r, INITIATOR);
	forged.bytes[forged.len - 1] ^= 1;
	for (unsigned i = 0; i < LIMIT_SOURCE_BURST; i++)
		cr_assert_eq(rig_receive_from(&r, RESPONDER, &stranger, &forged),
			     DROP_BAD_HANDSHAKE);
	cr_assert_eq(rig_receive_from(&r, RESPONDER, &stranger, &forged), DROP_RATE_LIMIT);
	cr_assert_eq(rig_receive(&r, RESPONDER, &forged), DROP_BAD_HANDSHAKE);
	r.now += HA_SEC / LIMIT_SOURCE_HZ;
	cr_assert_eq(rig_receive_from(&r, RESPONDER, &stranger, &forged), DROP_BAD_HANDSHAKE);
	cr_assert_eq(rig_receive_from(&r, RESPONDER, &stranger, &forged), DROP_RATE_LIMIT);
}

Test(session, r11_indices_are_never_zero_and_never_taken)
{
	uint8_t entropy[SESSION_ENTROPY_LEN] = {0};
	struct session_output out;
	struct session *s;
	struct rig r;

	rig_establish(&r, SESSION_KK);
	s = &r.side[INITIATOR];
	s->current.local = 1;
	s->previous.valid = true;
	s->previous.local = 2;
	s->previous.born = r.now;
	s->next.valid = true;
	s->next.local = 3;
	s->next.born = r.now;
	r.now += HA_SEC;
	entropy[0] = 1;
	session_timer(s, r.now, entropy, &out);
	cr_assert_gt(out.frame_len, 0);
	cr_assert_eq(s->handshake.local, 4);
	memset(&entropy[HA_KEY_LEN], 0xff, 4);
	s->current.local = UINT32_MAX;
	r.now = session_deadline(s);
	session_timer(s, r.now, entropy, &out);
	cr_assert_eq(s->handshake.local, 1, "it wraps round");
}

Test(session, r16_equal_entropy_gives_equal_frames)
{
	struct frame one, other;
	struct rig a, b;

	rig_init(&a, SESSION_KK);
	rig_init(&b, SESSION_KK);
	one = rig_timer(&a, INITIATOR);
	other = rig_timer(&b, INITIATOR);
	cr_assert_eq(one.len, other.len);
	cr_assert_arr_eq(one.bytes, other.bytes, one.len);
	cr_assert_arr_eq(&a.side, &b.side, sizeof(a.side));
	rig_init(&b, SESSION_KK);
	b.draws = 77;
	other = rig_timer(&b, INITIATOR);
	cr_assert_eq(one.len, other.len);
	cr_assert_neq(memcmp(one.bytes, other.bytes, one.len), 0);
}

Test(session, r9_padding_is_ignored)
{
	struct frame f;
	struct rig r;

	rig_establish(&r, SESSION_KK);
	f = rig_seal(&r, INITIATOR);
	memset(f.bytes + f.len, 0xee, 60 - f.len);
	f.len = 60;
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_NONE);
	cr_assert_eq(r.out.body_len, 8);
}

Test(session, r8_owns_its_pattern_and_its_indices)
{
	struct msg_header h = {.type = MSG_HANDSHAKE};
	uint8_t body[1] = {SESSION_KK};
	struct rig r, join;

	rig_establish(&r, SESSION_KK);
	rig_init(&join, SESSION_XX);
	cr_assert(session_owns(&r.side[0], &h, body, 1));
	cr_assert_not(session_owns(&join.side[0], &h, body, 1));
	cr_assert_not(session_owns(&r.side[0], &h, body, 0));
	h.type = MSG_BEACON;
	cr_assert(session_owns(&r.side[0], &h, body, 1));
	cr_assert_not(session_owns(&join.side[0], &h, body, 1));
	h.type = MSG_HEARTBEAT;
	cr_assert_not(session_owns(&r.side[0], &h, body, 1));
	h.receiver = r.side[0].current.local;
	cr_assert(session_owns(&r.side[0], &h, body, 1));
	cr_assert_not(session_owns(&join.side[0], &h, body, 1));
	h.type = MSG_DISOWN;
	cr_assert_not(session_owns(&r.side[0], &h, body, 1), "whatever index it names");
}

Test(session, r34_wiped_is_zero)
{
	static const struct session zero;
	struct rig r;

	rig_establish(&r, SESSION_KK);
	session_wipe(&r.side[0]);
	cr_assert_arr_eq(&r.side[0], &zero, sizeof(zero));
}

Test(session, r39_both_sides_export_the_same_and_other_keys_another)
{
	uint8_t first[HA_KEY_LEN];
	struct frame f;
	struct rig r;

	rig_init(&r, SESSION_KK);
	cr_assert_null(session_exporter(&r.side[INITIATOR]), "there are no keys yet");
	f = rig_timer(&r, INITIATOR);
	rig_handshake(&r, &f);
	memcpy(first, session_exporter(&r.side[INITIATOR]), HA_KEY_LEN);
	cr_assert_arr_eq(first, session_exporter(&r.side[RESPONDER]), HA_KEY_LEN);
	cr_assert_arr_neq(first, r.side[INITIATOR].current.send, HA_KEY_LEN);
	cr_assert_arr_neq(first, r.side[INITIATOR].current.receive, HA_KEY_LEN);
	r.now += SESSION_REKEY_S * HA_SEC;
	f = rig_timer(&r, INITIATOR);
	rig_handshake(&r, &f);
	cr_assert_arr_neq(first, session_exporter(&r.side[INITIATOR]), HA_KEY_LEN);
	cr_assert_arr_eq(session_exporter(&r.side[RESPONDER]), session_exporter(&r.side[INITIATOR]),
			 HA_KEY_LEN);
}

Test(session, r39_a_join_exports_nothing)
{
	struct rig r;

	rig_init(&r, SESSION_XX);
	r.side[INITIATOR].current.valid = true;
	cr_assert_null(session_exporter(&r.side[INITIATOR]));
}
