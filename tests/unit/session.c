/* Sessions between the two of a pair (SPEC 4.2, 4.3, 4.6). */
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
	cr_assert_not(session_is_up(&r.side[RESPONDER]));
	cr_assert_eq(
	    session_seal(&r.side[RESPONDER], MSG_SOLICIT, f.bytes, 8, f.bytes, sizeof(f.bytes)), 0);
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

Test(session, r26_beacons_every_100_ms_until_up)
{
	struct rig r;
	ha_time last;

	rig_init(&r, SESSION_KK);
	for (unsigned i = 0; i < 5; i++) {
		last = r.now;
		cr_assert_gt(rig_wait(&r, RESPONDER).len, 0);
		cr_assert_eq(r.now - last, i == 0 ? 0 : 100 * HA_MS);
	}
	rig_establish(&r, SESSION_KK);
	cr_assert_gt(session_deadline(&r.side[RESPONDER]), r.now + HA_SEC);
}

Test(session, r28_first_messages_with_jitter_then_slower_never_above_250_ms)
{
	ha_time gap, least = HA_SEC, most = 0;
	struct rig r;

	rig_init(&r, SESSION_KK);
	rig_timer(&r, INITIATOR);
	for (unsigned i = 1; i < 200; i++) {
		gap = session_deadline(&r.side[INITIATOR]) - r.now;
		cr_assert_gt(rig_wait(&r, INITIATOR).len, 0);
		if (i < SESSION_FIRST_TRIES) {
			cr_assert_geq(gap, 37 * HA_MS);
			cr_assert_leq(gap, 63 * HA_MS);
		} else if (i > SESSION_FIRST_TRIES) {
			least = gap < least ? gap : least;
			most = gap > most ? gap : most;
		}
	}
	cr_assert_geq(least, 150 * HA_MS);
	cr_assert_leq(most, 250 * HA_MS);
	cr_assert_gt(most - least, 50 * HA_MS, "there is jitter");
}

Test(session, r28_a_lost_message_1_or_2_is_made_good_by_the_next_try)
{
	struct frame first, second;
	struct rig r;

	rig_init(&r, SESSION_KK);
	rig_timer(&r, INITIATOR); /* lost */
	first = rig_wait(&r, INITIATOR);
	cr_assert_eq(rig_receive(&r, RESPONDER, &first), DROP_NONE); /* its answer is lost */
	first = rig_wait(&r, INITIATOR);
	cr_assert_eq(rig_receive(&r, RESPONDER, &first), DROP_NONE);
	second = rig_sent(&r);
	cr_assert_eq(rig_receive(&r, INITIATOR, &second), DROP_NONE);
	rig_talk_both_ways(&r);
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

Test(session, r27_a_beacon_by_another_key_or_of_an_earlier_boot)
{
	struct frame beacon;
	struct rig r;

	rig_init(&r, SESSION_KK);
	beacon = rig_timer(&r, RESPONDER);
	r.config[INITIATOR].peer_boot = r.config[RESPONDER].boot + 1;
	rig_start(&r, INITIATOR);
	cr_assert_eq(rig_receive(&r, INITIATOR, &beacon), DROP_STALE_HANDSHAKE);
	beacon.bytes[MSG_HEADER_LEN] ^= 1;
	cr_assert_eq(rig_receive(&r, INITIATOR, &beacon), DROP_WRONG_PEER);
	cr_assert_eq(r.out.frame_len, 0);
}

Test(session, r27_a_restarted_responder_is_taken_up_by_its_beacon)
{
	struct frame beacon, first;
	struct rig r;

	rig_establish(&r, SESSION_KK);
	r.config[RESPONDER].boot++;
	rig_start(&r, RESPONDER);
	beacon = rig_timer(&r, RESPONDER);
	cr_assert_eq(rig_receive(&r, INITIATOR, &beacon), DROP_NONE);
	first = rig_sent(&r);
	if (first.len == 0) /* the last one was sent less than 50 ms ago */
		first = rig_wait(&r, INITIATOR);
	cr_assert_leq(r.now, 1000 * HA_SEC + 50 * HA_MS);
	rig_handshake(&r, &first);
	cr_assert_eq(r.side[INITIATOR].peer_boot, r.config[RESPONDER].boot);
	cr_assert_eq(rig_receive(&r, INITIATOR, &beacon), DROP_NONE);
	cr_assert_eq(r.out.frame_len, 0, "it has a session with that boot");
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

Test(session, r27_forged_beacons_cost_one_handshake_per_50_ms_and_nothing_else)
{
	unsigned sent = 0;
	struct rig r, before;
	struct frame f;

	rig_init(&r, SESSION_KK);
	f = rig_timer(&r, RESPONDER);
	rig_establish(&r, SESSION_KK);
	before = r;
	f.bytes[MSG_HEADER_LEN + HA_KEY_LEN] = 0xff; /* a boot far above */
	for (unsigned i = 0; i < 1000; i++) {
		r.now += HA_MS / 2;
		cr_assert_eq(rig_receive_from(&r, INITIATOR, &stranger, &f), DROP_NONE);
		sent += r.out.frame_len != 0;
	}
	cr_assert_leq(sent, 10);
	rig_assert_unaffected(&r, &before, "forged beacons");
}

Test(session, r29_a_silent_peer_is_called_in_the_background)
{
	struct rig r, before;
	struct frame first;

	rig_establish(&r, SESSION_KK);
	before = r;
	cr_assert_eq(session_deadline(&r.side[INITIATOR]), r.now + HA_SEC);
	first = rig_wait(&r, INITIATOR);
	cr_assert(r.out.to_group);
	cr_assert(session_is_up(&r.side[INITIATOR]), "the old session is not torn down");
	rig_assert_unaffected(&r, &before, "a handshake in the background");
	cr_assert_geq(session_deadline(&r.side[INITIATOR]), r.now + HA_SEC,
		      "heard again: no more of them");
	rig_handshake(&r, &first);
}

/* Both sides talk every half second for so long. */
static void live(struct rig *r, ha_time duration)
{
	for (ha_time end = r->now + duration; r->now < end;) {
		r->now += HA_SEC / 2;
		rig_talk_both_ways(r);
	}
}

Test(session, r30_r31_rekey_make_before_break)
{
	struct frame first, second, to_initiator, to_responder, late;
	struct rig r;

	rig_establish(&r, SESSION_KK);
	live(&r, SESSION_REKEY_S * HA_SEC - HA_SEC);
	cr_assert_eq(rig_timer(&r, INITIATOR).len, 0, "not yet");
	live(&r, HA_SEC);
	first = rig_timer(&r, INITIATOR);
	cr_assert_gt(first.len, 0);
	cr_assert_not(r.out.to_group, "the peer's MAC is known");
	to_responder = rig_seal(&r, INITIATOR); /* in flight, under the old keys */
	cr_assert_eq(rig_receive(&r, RESPONDER, &first), DROP_NONE);
	second = rig_sent(&r);
	to_initiator = rig_seal(&r, RESPONDER);
	late = rig_seal(&r, RESPONDER);
	cr_assert_eq(rig_receive(&r, INITIATOR, &second), DROP_NONE);
	cr_assert(r.out.up);

	cr_assert_eq(rig_receive(&r, INITIATOR, &to_initiator), DROP_NONE);
	cr_assert_not(r.out.current);
	cr_assert_eq(rig_receive(&r, RESPONDER, &to_responder), DROP_NONE);
	cr_assert(!r.out.up && r.out.current);
	rig_talk(&r, RESPONDER);
	cr_assert(r.out.up && r.out.current);
	rig_talk(&r, INITIATOR);
	cr_assert(r.out.current);

	r.now += SESSION_PREVIOUS_MS * HA_MS - 1;
	cr_assert_eq(rig_receive(&r, INITIATOR, &late), DROP_NONE);
	cr_assert_eq(rig_receive(&r, INITIATOR, &late), DROP_REPLAY);
	r.now += 1;
	cr_assert_eq(rig_receive(&r, INITIATOR, &late), DROP_UNKNOWN_INDEX);
	rig_talk_both_ways(&r);
}

Test(session, r31_old_keys_receive_until_the_new_ones_have_proved_themselves)
{
	struct frame first, second;
	struct rig r;

	rig_establish(&r, SESSION_KK);
	/* From here on nothing of the initiator's data arrives, and it goes on trying. */
	for (unsigned i = 0; i < 5; i++) {
		r.now += 10 * HA_SEC;
		first = rig_timer(&r, INITIATOR);
		cr_assert_gt(first.len, 0, "old keys do not count as hearing the peer: try %u", i);
		cr_assert_eq(rig_receive(&r, RESPONDER, &first), DROP_NONE);
		second = rig_sent(&r);
		cr_assert_eq(rig_receive(&r, INITIATOR, &second), DROP_NONE);
		rig_talk(&r, INITIATOR);
		cr_assert_not(r.out.current);
	}
	rig_talk_both_ways(&r);
	cr_assert(r.out.current, "healed by one frame");
}

Test(session, r32_keys_too_old_are_gone_on_both_sides)
{
	struct frame f;
	struct rig r;

	rig_establish(&r, SESSION_KK);
	live(&r, SESSION_KEY_MAX_S * HA_SEC - HA_SEC);
	f = rig_seal(&r, INITIATOR);
	r.now += HA_SEC;
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_UNKNOWN_INDEX);
	cr_assert_not(session_is_up(&r.side[RESPONDER]));
	f = rig_timer(&r, RESPONDER);
	cr_assert_eq(f.bytes[1], MSG_BEACON);
	f = rig_timer(&r, INITIATOR);
	cr_assert_eq(f.bytes[1], MSG_HANDSHAKE);
	cr_assert_not(session_is_up(&r.side[INITIATOR]));
	rig_handshake(&r, &f);
}

Test(session, r32_keys_that_sealed_too_much_are_refused)
{
	uint8_t body[8] = {0}, out[64];
	struct frame f;
	struct rig r;

	rig_establish(&r, SESSION_KK);
	r.side[INITIATOR].current.send_counter = SESSION_KEY_MESSAGES - 1;
	f = rig_seal(&r, INITIATOR);
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_NONE);
	cr_assert_eq(session_seal(&r.side[INITIATOR], MSG_SOLICIT, body, 8, out, sizeof(out)), 0);
	f = rig_wait(&r, INITIATOR);
	cr_assert_leq(r.now, 1000 * HA_SEC + 63 * HA_MS, "new keys were due long before");
	rig_handshake(&r, &f);
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
}

Test(session, r34_wiped_is_zero)
{
	static const struct session zero;
	struct rig r;

	rig_establish(&r, SESSION_KK);
	session_wipe(&r.side[0]);
	cr_assert_arr_eq(&r.side[0], &zero, sizeof(zero));
}
