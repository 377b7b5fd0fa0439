/* node_handover.c - SPEC 5.5, T1: the orderly change of holder. */
#include "tests/unit/node_solo.h"

#include <criterion/criterion.h>

static struct world w;
static struct solo solo;

static void setup(void)
{
	world_init(&w, 1);
	world_pair(&w);
}

TestSuite(node_handover, .init = setup);

Test(node_handover, T1_swap)
{
	ha_time began = w.now;

	world_operator(&w, A, OP_SWAP, 7);
	cr_assert(world_until_holder(&w, B, HA_SEC));
	cr_assert_leq(w.now - began, HA_MS, "release, confirmation and three frames");
	world_run(&w, HA_SEC);
	cr_assert_str_eq(w.story, "\na passive T1\nb active T1\na reply 7: done\n");
	cr_assert_eq(w.dual, 0);
	cr_assert_eq(w.n[B].node.term, 5);
	cr_assert_eq(w.n[A].node.handover.own.phase, HANDOVER_NONE);
	cr_assert_eq(w.n[B].node.handover.own.phase, HANDOVER_NONE);
}

Test(node_handover, T1_swap_and_back_twenty_times)
{
	for (uint32_t k = 1; k <= 20; k++) {
		int from = k % 2 ? A : B;

		world_operator(&w, from, OP_SWAP, k);
		cr_assert(world_until_holder(&w, 1 - from, HA_SEC));
		world_run(&w, 100 * HA_MS);
	}
	cr_assert_eq(w.n[A].promotions + w.n[B].promotions, 21u);
	cr_assert_eq(w.dual, 0);
}

Test(node_handover, T1_is_refused_with_the_reason)
{
	world_operator(&w, B, OP_SWAP, 1);
	cr_expect(world_saw(&w, "b reply 1: only the active can do that"));
	world_check(&w, B, false);
	world_run(&w, 10 * HA_MS);
	world_operator(&w, A, OP_SWAP, 2);
	cr_expect(world_saw(&w, "a reply 2: the passive is not ready"));
	world_check(&w, B, true);
	world_run(&w, 10 * HA_MS);
	world_pause(&w, B, 50 * HA_MS);
	world_operator(&w, A, OP_SWAP, 3);
	world_operator(&w, A, OP_SWAP, 4);
	cr_expect(world_saw(&w, "a reply 4: a handover, or a detach, is under way"));
	world_run(&w, HA_SEC);
	world_power_off(&w, A);
	world_run(&w, HA_SEC);
	world_operator(&w, B, OP_SWAP, 5);
	cr_expect(world_saw(&w, "b reply 5: the passive is not heard"));
}

Test(node_handover, T1_the_giver_releases_only_on_an_acknowledgement_of_its_own_id)
{
	solo_active(&solo);
	world_operator(&solo.w, A, OP_SWAP, 1);
	solo.says.handover = (struct msg_handover){.phase = HANDOVER_ACK, .term = 4, .number = 99};
	solo_say(&solo);
	cr_assert(solo_node(&solo)->lease.wanted);
	solo.says.handover.number = solo_node(&solo)->handover.own.number;
	solo_say(&solo);
	cr_assert(!solo_node(&solo)->lease.wanted);
	cr_assert_eq(solo_node(&solo)->claim, HA_CLAIM_HOLDING, "until it is certain");
	world_run(&solo.w, HA_MS);
	cr_assert_eq(solo_node(&solo)->claim, HA_CLAIM_RESIGNED);
	cr_assert_eq(world_holder(&solo.w), NOBODY);
}

Test(node_handover, T1a_without_acknowledgement_the_giver_stays)
{
	solo_active(&solo);
	world_operator(&solo.w, A, OP_SWAP, 1);
	solo_goes_on(&solo, HA_SEC);
	cr_assert_str_eq(solo.w.story,
			 "\na handover_failed\na reply 1: the passive did not answer in time\n");
	cr_assert_eq(world_holder(&solo.w), A);
}

Test(node_handover, T1a_is_not_tried_again_by_Y1_for_a_second)
{
	solo_active(&solo);
	world_check(&solo.w, A, false);
	solo_goes_on(&solo, HA_SEC);
	cr_assert_eq(world_count(&solo.w, "a handover_failed"), 1u);
	solo_goes_on(&solo, HA_SEC);
	cr_assert_eq(world_count(&solo.w, "a handover_failed"), 2u);
	cr_assert_eq(solo_node(&solo)->check_hold, 0, "an attempt is no resignation");
}

/* The peer acknowledges, and then does nothing. */
static void resigned_in_vain(enum node_op op)
{
	solo_active(&solo);
	world_operator(&solo.w, A, op, 1);
	solo.says.handover = solo_node(&solo)->handover.own;
	solo.says.handover.phase = HANDOVER_ACK;
	solo_goes_on(&solo, 20 * HA_MS);
	cr_assert_eq(solo_node(&solo)->claim, HA_CLAIM_RESIGNED);
}

Test(node_handover, T1b_what_is_not_taken_is_taken_back)
{
	ha_time resigned;

	resigned_in_vain(OP_SWAP);
	resigned = world_when(&solo.w, "a passive T1");
	solo_goes_on(&solo, HA_SEC);
	cr_assert_eq(world_when(&solo.w, "a active T1"), resigned + 3 * solo.w.timing.dead);
	cr_assert_eq(solo_node(&solo)->reason, REASON_TOOK_BACK);
	cr_assert_eq(solo_node(&solo)->term, 6);
	cr_assert(world_saw(&solo.w, "a reply 1: the passive did not answer in time"));
}

/* Its successor may have taken, and only not be heard: silence is no reason to come back before the grant is over. */
Test(node_handover, T1b_not_sooner_where_the_peer_falls_silent)
{
	ha_time resigned;

	resigned_in_vain(OP_SWAP);
	resigned = world_when(&solo.w, "a passive T1");
	world_run(&solo.w, HA_SEC);
	cr_assert(!world_saw(&solo.w, "a active T2"));
	cr_assert_eq(world_when(&solo.w, "a active T1"), resigned + 3 * solo.w.timing.dead);
}

Test(node_handover, T1b_not_without_a_term_on_disk)
{
	solo_active(&solo);
	solo.w.n[A].store.failing = true;
	solo.says.term = 7; /* what was reserved is too low now */
	solo_goes_on(&solo, 20 * HA_MS);
	world_operator(&solo.w, A, OP_SWAP, 1);
	solo.says.handover = solo_node(&solo)->handover.own;
	solo.says.handover.phase = HANDOVER_ACK;
	solo_goes_on(&solo, HA_SEC);
	cr_assert(!world_saw(&solo.w, "a active T1"));
	solo.w.n[A].store.failing = false;
	solo_goes_on(&solo, 2 * HA_SEC);
	cr_assert_eq(world_holder(&solo.w), A, "by T4");
	cr_assert_eq(solo_node(&solo)->term, 8);
}

Test(node_handover, T1b_not_while_leaving)
{
	resigned_in_vain(OP_SHUTDOWN);
	cr_assert(solo.w.n[A].running);
	solo_goes_on(&solo, 3 * solo.w.timing.dead);
	cr_assert(world_saw(&solo.w, "a exit"));
	cr_assert(!world_saw(&solo.w, "a active T1"));
}

Test(node_handover, T1b_not_without_management_carrier)
{
	resigned_in_vain(OP_SWAP);
	world_carrier(&solo.w, A, HA_PATH_MANAGEMENT, false);
	solo_goes_on(&solo, HA_SEC);
	cr_assert(!world_saw(&solo.w, "a active T1"));
}

Test(node_handover, T1b_not_when_the_peer_claims_and_that_ends_it)
{
	resigned_in_vain(OP_SWAP);
	solo.says.claim = HA_CLAIM_TAKING;
	solo.says.term = 5;
	solo_goes_on(&solo, HA_SEC);
	cr_assert(world_saw(&solo.w, "a reply 1: done"));
	cr_assert(!world_saw(&solo.w, "a active T1"));
}

/* Each frame of the giver is lost from then on: that is silence, and T2 is sooner than the grant's end. */
Test(node_handover, T1_a_lost_resigned_leaves_nobody_for_three_dead_intervals_at_most)
{
	ha_time resigned;

	w.n[A].resigned_lost = true;
	world_operator(&w, A, OP_SWAP, 1);
	world_run(&w, 5 * HA_MS);
	cr_assert_eq(world_holder(&w), NOBODY);
	resigned = world_when(&w, "a passive T1");
	cr_assert(world_until_holder(&w, B, HA_SEC));
	cr_assert_leq(w.now - resigned, 3 * w.timing.dead);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	cr_assert_eq(w.dual, 0);
}

/* The giver does not hear that its offer was taken: it takes back, and yields to what it then hears. */
Test(node_handover, T1b_a_lost_taking_ends_with_one_holder)
{
	w.dual_allowed = true;
	w.n[B].taking_lost = true;
	world_operator(&w, A, OP_SWAP, 1);
	world_run(&w, 250 * HA_MS);
	cr_assert_eq(world_holder(&w), B);
	w.n[B].taking_lost = false; /* in time */
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	cr_assert_eq(w.dual, 0);
	cr_assert_eq(w.n[A].promotions, 1u);
}

Test(node_handover, T1c_a_taker_that_did_not_acknowledge_does_not_take)
{
	solo_passive(&solo);
	solo.says.claim = HA_CLAIM_RESIGNED;
	solo.says.handover = (struct msg_handover){
		.phase = HANDOVER_RESIGNED, .term = 5, .number = 1, .grant_ms = 200};
	solo_say(&solo);
	cr_assert(!solo_node(&solo)->lease.wanted);
}

static void acknowledged(void)
{
	solo_passive(&solo);
	solo.says.handover =
		(struct msg_handover){.phase = HANDOVER_INTENT, .term = 5, .number = 1};
	solo_say(&solo);
	cr_assert_eq(solo_node(&solo)->handover.own.phase, HANDOVER_ACK);
	solo.says.claim = HA_CLAIM_RESIGNED;
	solo.says.handover.phase = HANDOVER_RESIGNED;
}

Test(node_handover, T1c_a_taker_does_not_take_when_the_grant_is_over)
{
	acknowledged();
	solo.says.handover.grant_ms = 0;
	solo_say(&solo);
	cr_assert(!solo_node(&solo)->lease.wanted);
}

Test(node_handover, T1c_nor_by_a_frame_that_waited_longer_than_the_grant)
{
	struct node_event ev = {.type = EV_HEARTBEAT, .path = HA_PATH_LINK};

	acknowledged();
	solo.says.handover.grant_ms = 200;
	solo.says.number++;
	ev.heartbeat = solo.says;
	ev.counter = ++solo.counter;
	ev.heard_at = solo_now(&solo);
	world_pause(&solo.w, A, 200 * HA_MS);
	world_run(&solo.w, 200 * HA_MS);
	world_event(&solo.w, A, &ev);
	cr_assert(!solo_node(&solo)->lease.wanted);
}

Test(node_handover, T1c_the_grant_runs_down_from_frame_to_frame)
{
	struct msg_heartbeat hb;
	ha_time resigned;

	resigned_in_vain(OP_SWAP);
	resigned = world_when(&solo.w, "a passive T1");
	solo_goes_on(&solo, 100 * HA_MS);
	node_heartbeat(solo_node(&solo), HA_PATH_LINK, solo_now(&solo), &hb);
	cr_assert_eq(hb.handover.phase, HANDOVER_RESIGNED);
	cr_assert_eq((ha_time)hb.handover.grant_ms,
		     2 * solo.w.timing.dead / HA_MS - (solo.w.now - resigned) / HA_MS);
}

Test(node_handover, T1_a_taker_that_is_not_eligible_does_not_acknowledge)
{
	solo_passive(&solo);
	world_check(&solo.w, A, false);
	solo.says.handover =
		(struct msg_handover){.phase = HANDOVER_INTENT, .term = 5, .number = 1};
	solo_say(&solo);
	cr_assert_eq(solo_node(&solo)->handover.own.phase, HANDOVER_NONE);
}

Test(node_handover, T1_a_taker_s_word_ends_with_the_silence_of_the_giver)
{
	solo_passive(&solo);
	solo.w.station_silent = true; /* or it would take by T2 */
	solo.says.handover =
		(struct msg_handover){.phase = HANDOVER_INTENT, .term = 5, .number = 1};
	solo_say(&solo);
	cr_assert_eq(solo_node(&solo)->handover.own.phase, HANDOVER_ACK);
	world_run(&solo.w, solo.w.timing.dead - HA_MS);
	cr_assert_eq(solo_node(&solo)->handover.own.phase, HANDOVER_ACK);
	world_run(&solo.w, 2 * HA_MS);
	cr_assert_eq(solo_node(&solo)->handover.own.phase, HANDOVER_NONE);
}

Test(node_handover, T1_a_taker_takes_back_its_acknowledgement)
{
	acknowledged();
	solo.says.claim = HA_CLAIM_HOLDING;
	solo.says.handover.phase = HANDOVER_INTENT;
	world_check(&solo.w, A, false);
	solo_say(&solo);
	cr_assert_eq(solo_node(&solo)->handover.own.phase, HANDOVER_NONE);
}

Test(node_handover, T1_sigterm_at_the_active_hands_over_and_exits)
{
	world_operator(&w, A, OP_SHUTDOWN, 0);
	world_run(&w, 5 * HA_MS);
	cr_assert_str_eq(w.story, "\na passive T1\nb active T1\na exit\n");
	cr_assert_eq(world_holder(&w), B);
}

/* Whoever reads the history has to tell one that went away from one that comes back. */
Test(node_handover, T1_an_upgrade_hands_over_like_sigterm_and_says_what_for)
{
	world_operator(&w, A, OP_UPGRADE, 0);
	world_run(&w, 5 * HA_MS);
	cr_assert_str_eq(w.story, "\na passive U1\nb active T1\na exit\n");
	cr_assert_eq(w.n[A].node.reason, REASON_UPGRADE);
	cr_assert_eq(world_holder(&w), B);
}

Test(node_handover, T1_an_upgrade_with_a_passive_that_does_not_answer_says_so_too)
{
	solo_active(&solo);
	world_operator(&solo.w, A, OP_UPGRADE, 0);
	solo_goes_on(&solo, 190 * HA_MS);
	world_run(&solo.w, 20 * HA_MS);
	cr_assert_str_eq(solo.w.story, "\na handover_failed\na passive U1\na exit\n");
	cr_assert_eq(solo_node(&solo)->reason, REASON_UPGRADE);
}

Test(node_handover, T1_sigterm_with_a_passive_that_does_not_answer_releases_and_exits)
{
	solo_active(&solo);
	world_operator(&solo.w, A, OP_SHUTDOWN, 0);
	solo_goes_on(&solo, 190 * HA_MS);
	cr_assert_eq(world_holder(&solo.w), A);
	world_run(&solo.w, 20 * HA_MS);
	cr_assert_str_eq(solo.w.story, "\na handover_failed\na passive T1\na exit\n");
	cr_assert_eq(world_holder(&solo.w), NOBODY);
}

/* Whoever asked for the swap is answered when that is done: there is one handover, not two. */
Test(node_handover, T1_sigterm_in_the_middle_of_a_swap_is_the_swap_and_then_exits)
{
	solo_active(&solo);
	world_operator(&solo.w, A, OP_SWAP, 1);
	world_operator(&solo.w, A, OP_SHUTDOWN, 0);
	cr_assert_eq(solo_node(&solo)->handover.number, 1u);
	solo.says.handover = solo_node(&solo)->handover.own;
	solo.says.handover.phase = HANDOVER_ACK;
	solo_goes_on(&solo, 20 * HA_MS);
	solo.says.claim = HA_CLAIM_TAKING;
	solo_say(&solo);
	cr_assert(world_saw(&solo.w, "a reply 1: done"));
	cr_assert(world_saw(&solo.w, "a exit"));
}

Test(node_handover, T1_sigterm_at_the_passive_exits_at_once)
{
	world_operator(&w, B, OP_SHUTDOWN, 0);
	cr_assert_str_eq(w.story, "\nb exit\n");
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert(w.n[A].node.peer.last.flags & MSG_FLAG_LEAVING);
}

Test(node_handover, T1_sigterm_with_no_passive_releases_and_exits)
{
	world_power_off(&w, B);
	world_run(&w, HA_SEC);
	world_operator(&w, A, OP_SHUTDOWN, 0);
	world_run(&w, 5 * HA_MS);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert(world_saw(&w, "a exit"));
}
