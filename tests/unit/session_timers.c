/* Beacons, timers, rekey and limits of a pair's session (SPEC 4.6). */
#include "tests/unit/session_rig.h"

static const struct ha_mac stranger = {{2, 0, 0, 0, 9, 9}};

Test(session_timers, r26_beacons_every_100_ms_until_up)
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

Test(session_timers, r26_a_beacon_takes_no_session)
{
	struct frame beacon, other;
	struct rig r;

	rig_init(&r, SESSION_KK);
	beacon = rig_timer(&r, RESPONDER);
	other.len = session_beacon(r.config[RESPONDER].public_key, r.config[RESPONDER].boot, true,
				   HA_PATH_LINK, other.bytes, sizeof(other.bytes));
	cr_assert_eq(other.len, 58);
	cr_assert_eq(other.len, beacon.len);
	cr_assert_arr_eq(other.bytes, beacon.bytes, beacon.len);
	session_beacon(r.config[RESPONDER].public_key, 1, true, HA_PATH_MANAGEMENT, other.bytes,
		       58);
	cr_assert_eq(other.bytes[2], HA_PATH_MANAGEMENT);
	for (size_t cap = 0; cap < beacon.len; cap++)
		cr_assert_eq(session_beacon(r.config[0].public_key, 1, true, HA_PATH_LINK,
					    other.bytes, cap),
			     0);
}

Test(session_timers, r27_an_initiators_beacon_tells_the_responder_nothing_new)
{
	struct rig r, before;
	struct frame f;

	rig_init(&r, SESSION_KK);
	f.len = session_beacon(r.config[INITIATOR].public_key, r.config[INITIATOR].boot, true,
			       HA_PATH_LINK, f.bytes, sizeof(f.bytes));
	before = r;
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_NONE);
	cr_assert_eq(r.out.frame_len, 0);
	cr_assert_arr_eq(&r.side[RESPONDER], &before.side[RESPONDER], sizeof(before.side[0]));
}

Test(session_timers, r28_first_messages_with_jitter_then_slower_never_above_250_ms)
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

Test(session_timers, r28_a_lost_message_1_or_2_is_made_good_by_the_next_try)
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

Test(session_timers, r27_a_beacon_by_another_key_or_of_an_earlier_boot)
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

Test(session_timers, r27_a_restarted_responder_is_taken_up_by_its_beacon)
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
	cr_assert_eq(session_deadline(&r.side[INITIATOR]), r.now + SESSION_QUIET_MS * HA_MS);
	r.now += 500 * HA_MS;
	cr_assert_eq(rig_receive(&r, INITIATOR, &beacon), DROP_NONE);
	cr_assert_eq(r.out.frame_len, 0, "it has a session with that boot");
	cr_assert_gt(session_deadline(&r.side[INITIATOR]), r.now);
}

Test(session_timers, r27_forged_beacons_cost_one_handshake_per_50_ms_and_nothing_else)
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

Test(session_timers, r29_a_silent_peer_is_called_in_the_background)
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
	for (unsigned i = 0; i < 2 * SESSION_FIRST_TRIES; i++)
		rig_wait(&r, INITIATOR);
	rig_talk_both_ways(&r);
	first = rig_wait(&r, INITIATOR);
	cr_assert_lt(session_deadline(&r.side[INITIATOR]), r.now + 63 * HA_MS, "fast again");
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

Test(session_timers, r30_r31_rekey_make_before_break)
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

Test(session_timers, r31_old_keys_receive_until_the_new_ones_have_proved_themselves)
{
	struct frame first, second;
	struct rig r;

	rig_establish(&r, SESSION_KK);
	/* From here on nothing of the initiator's data arrives, and it goes on trying. */
	for (unsigned i = 0; i < 5; i++) {
		for (unsigned ms = 0; ms < SESSION_QUIET_MS; ms += 250) {
			r.now += 250 * HA_MS;
			rig_talk(&r, INITIATOR);
			cr_assert_eq(r.out.current, i == 0);
		}
		r.now += i == 0 ? SESSION_QUIET_MS * HA_MS : 0;
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

Test(session_timers, r32_keys_too_old_are_gone_on_both_sides)
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

/* Seals the frame anew under another counter, as session_seal() would not. */
static void forge_counter(const struct session_keys *k, uint64_t counter, struct frame *f)
{
	size_t sealed_from = f->len - MSG_TAG_LEN;

	for (unsigned i = 0; i < 8; i++)
		f->bytes[10 + i] = (uint8_t)(counter >> (56 - 8 * i));
	noise_seal(k->send, counter, f->bytes, sealed_from, NULL, 0, f->bytes + sealed_from);
}

Test(session_timers, r32_keys_that_sealed_too_much_are_refused)
{
	uint8_t body[8] = {0}, out[64];
	struct frame f;
	struct rig r;

	rig_establish(&r, SESSION_KK);
	r.side[INITIATOR].current.send_counter = SESSION_KEY_MESSAGES - 1;
	f = rig_seal(&r, INITIATOR);
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_NONE);
	cr_assert_eq(session_seal(&r.side[INITIATOR], MSG_SOLICIT, body, 8, out, sizeof(out)), 0);
	forge_counter(&r.side[INITIATOR].current, SESSION_KEY_MESSAGES, &f);
	cr_assert_eq(rig_receive(&r, RESPONDER, &f), DROP_BAD_TAG, "nor are they received");
	f = rig_wait(&r, INITIATOR);
	cr_assert_leq(r.now, 1000 * HA_SEC + 63 * HA_MS, "new keys were due long before");
	rig_handshake(&r, &f);
}
