/* node_yield.c - SPEC 5.6 and V1, I1: when a holder gives the virtual IP up. */
#include "tests/unit/node_solo.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct world w;
static struct solo solo;

static void setup(void)
{
	world_init(&w, 1);
	world_pair(&w);
}

TestSuite(node_yield, .init = setup);

/* --- Y1 --- */

static uint16_t why_not(int i)
{
	return node_why_not(&w.n[i].node, world_local(&w, i, w.now));
}

static bool eligible(int i)
{
	return why_not(i) == 0;
}

static void handed_over_by(enum ha_reason reason, ha_time within)
{
	cr_assert(world_until_holder(&w, B, within));
	world_run(&w, 100 * HA_MS);
	cr_assert_eq(w.n[A].node.reason, reason);
	cr_assert_eq(w.n[B].node.reason, REASON_HANDOVER);
	cr_assert_eq(w.dual, 0);
}

Test(node_yield, Y1_a_failed_check_hands_over)
{
	world_check(&w, A, false);
	handed_over_by(REASON_CHECK_FAILED, HA_MS);
}

Test(node_yield, Y1_a_guardian_that_cannot_keep_the_address_hands_over)
{
	ha_time began = w.now;

	w.n[A].guardian.failing = true;
	w.n[A].guardian.hold.renew_at = 0; /* with the next heartbeat */
	handed_over_by(REASON_GUARDIAN, 330 * HA_MS);
	cr_assert_geq(w.now - began, 300 * HA_MS);
}

Test(node_yield, Y1_two_guardians_that_cannot_do_not_hand_it_to_and_fro)
{
	w.n[A].guardian.failing = w.n[B].guardian.failing = true;
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(w.n[B].promotions, 1u);
	cr_assert_eq(w.n[A].promotions, 1u, "at boot");
	cr_assert_eq(why_not(A), WHY_NOT_GUARDIAN, "for the hold");
	w.n[A].guardian.failing = false;
	world_power_off(&w, B);
	cr_assert(world_until_holder(&w, A, 20 * HA_MS), "which gives way to nobody");
}

/* A hears nothing of B, and takes; B hears it claim, and yields. Without an address that serves nobody. */
Test(node_yield, L6_a_claim_without_an_address_keeps_nobody_from_holding)
{
	ha_time taken;

	world_operator(&w, A, OP_SWAP, 1);
	cr_assert(world_until_holder(&w, B, 100 * HA_MS));
	world_run(&w, 100 * HA_MS);
	w.n[A].guardian.failing = true;
	world_cut(&w, HA_PATH_LINK, B, A, true);
	world_cut(&w, HA_PATH_MANAGEMENT, B, A, true);
	w.probe_lost = true;
	for (unsigned i = 0; i < 1000 && w.n[A].node.state != HA_ACTIVE; i++)
		world_run(&w, HA_MS);
	cr_assert_eq(w.n[A].node.state, HA_ACTIVE);
	taken = w.now;
	world_run(&w, 290 * HA_MS);
	cr_expect_eq(w.n[A].node.claim, HA_CLAIM_TAKING);
	cr_expect_eq(w.n[B].node.state, HA_PASSIVE);
	cr_assert(world_until_holder(&w, B, HA_SEC));
	cr_expect_eq(w.n[B].node.reason, REASON_NOBODY);
	cr_expect_lt(w.now - taken, 800 * HA_MS);
	cr_expect_eq(w.n[A].node.claim, HA_CLAIM_NONE);
	world_run(&w, HA_SEC);
	world_heal(&w);
	world_run(&w, HA_SEC);
	cr_expect_eq(world_holder(&w), B, "whose term is the higher one");
	cr_expect_eq(w.n[A].node.state, HA_PASSIVE);
}

Test(node_yield, Y1_management_without_carrier_hands_over)
{
	world_carrier(&w, A, HA_PATH_MANAGEMENT, false);
	world_run(&w, 95 * HA_MS);
	cr_assert_eq(world_holder(&w), A);
	handed_over_by(REASON_CARRIER_DOWN, 10 * HA_MS);
}

/* The switch comes back, and the passive's port before the active's. */
Test(node_yield, Y1_whoever_gets_its_carrier_back_first_is_not_handed_to_at_once)
{
	world_carrier(&w, A, HA_PATH_MANAGEMENT, false);
	world_carrier(&w, B, HA_PATH_MANAGEMENT, false);
	world_run(&w, 5 * HA_SEC);
	world_carrier(&w, B, HA_PATH_MANAGEMENT, true);
	world_run(&w, 80 * HA_MS);
	world_carrier(&w, A, HA_PATH_MANAGEMENT, true);
	world_run(&w, 2 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[B].promotions, 0u);
}

Test(node_yield, Y1_not_to_one_that_hears_nobody_either)
{
	solo_active(&solo);
	solo.says.flags &= (uint8_t)~MSG_FLAG_REACH_OK;
	solo_say(&solo);
	world_carrier(&solo.w, A, HA_PATH_MANAGEMENT, false);
	solo_goes_on(&solo, 2 * HA_SEC);
	cr_assert_eq(solo_node(&solo)->handover.number, 0u);
	solo.says.flags |= MSG_FLAG_REACH_OK;
	solo_goes_on(&solo, 70 * HA_MS);
	cr_assert_eq(solo_node(&solo)->handover.number, 0u, "not before it has for D");
	solo_goes_on(&solo, 50 * HA_MS);
	cr_assert_eq(solo_node(&solo)->handover.number, 1u);
}

Test(node_yield, Y1_a_deaf_holder_hands_over)
{
	ha_time began = w.now;

	world_isolate(&w, A, true);
	handed_over_by(REASON_DEAF, 2 * HA_SEC);
	cr_assert_geq(w.now - began, 500 * HA_MS);
}

Test(node_yield, Y1_both_managements_down_and_nobody_moves)
{
	world_carrier(&w, A, HA_PATH_MANAGEMENT, false);
	world_carrier(&w, B, HA_PATH_MANAGEMENT, false);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
}

Test(node_yield, Y1_both_deaf_and_nobody_moves)
{
	w.station_silent = true;
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
}

Test(node_yield, Y1_with_no_ready_peer_it_stays_degraded)
{
	world_check(&w, B, false);
	world_run(&w, 100 * HA_MS);
	world_check(&w, A, false);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert(node_degraded(&w.n[A].node, world_local(&w, A, w.now)));
}

Test(node_yield, Y1_who_resigned_stays_ineligible_until_a_hold_ends_that_doubles)
{
	ha_time hold = 60 * HA_SEC;

	for (int k = 0; k < 3; k++) {
		world_check(&w, A, false);
		cr_assert(world_until_holder(&w, B, HA_SEC));
		world_run(&w, HA_SEC);
		cr_assert(!eligible(A));
		world_check(&w, A, true);
		world_run(&w, hold - HA_MS);
		cr_assert(!eligible(A));
		world_run(&w, 2 * HA_MS);
		cr_assert(eligible(A));
		world_run(&w, w.timing.heartbeat); /* B is told */
		world_operator(&w, B, OP_SWAP, 1);
		cr_assert(world_until_holder(&w, A, HA_SEC));
		world_run(&w, HA_SEC);
		hold *= 2;
	}
	w.n[A].node.check_hold = 1920 * HA_SEC;
	world_check(&w, A, false);
	cr_assert(world_until_holder(&w, B, HA_SEC));
	cr_assert_eq(w.n[A].node.check_hold, 3600 * HA_SEC);
}

Test(node_yield, Y1_the_hold_gives_way_when_nobody_else_holds)
{
	world_check(&w, A, false);
	cr_assert(world_until_holder(&w, B, HA_SEC));
	world_check(&w, A, true);
	world_run(&w, HA_SEC);
	world_power_off(&w, B);
	cr_assert(world_until_holder(&w, A, 20 * HA_MS));
}

/* --- Y2, I1 --- */

static bool replied(char node, uint32_t request, enum node_refusal refusal)
{
	char line[160];

	snprintf(line, sizeof(line), "%c reply %u: %s", node, request, node_refusal_text(refusal));
	return world_saw(&w, line);
}

Test(node_yield, Y2_cut_off_from_everybody_it_is_isolated)
{
	w.dual_allowed = true; /* where nobody can reach it */
	world_isolate(&w, A, true);
	world_split(&w, HA_PATH_LINK, true);
	world_run(&w, 2 * HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	cr_assert_eq(w.n[A].node.state, HA_ISOLATED);
	cr_assert_leq(world_when(&w, "a isolated Y2"), 4 * HA_SEC + 450 * HA_MS);
	w.dual_allowed = false;
	world_heal(&w);
	world_run(&w, HA_SEC);
	cr_assert_eq(w.n[A].node.state, HA_PASSIVE, "I1");
	cr_assert_eq(world_holder(&w), B);
}

Test(node_yield, Y2_not_when_the_peer_could_not_take_over)
{
	world_check(&w, B, false);
	world_run(&w, 100 * HA_MS);
	world_isolate(&w, A, true);
	world_split(&w, HA_PATH_LINK, true);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
}

Test(node_yield, Y2_not_when_the_peer_left)
{
	world_operator(&w, B, OP_SHUTDOWN, 0);
	world_run(&w, 10 * HA_MS);
	world_isolate(&w, A, true);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
}

/* Its last word, then both paths and the segment are silent. */
static int cut_off_after(uint8_t flags)
{
	solo_active(&solo);
	solo.says.flags = flags;
	solo_say(&solo);
	solo.w.station_silent = true;
	world_run(&solo.w, 5 * HA_SEC);
	return world_holder(&solo.w);
}

Test(node_yield, Y2_not_when_the_peer_said_that_it_leaves)
{
	cr_assert_eq(cut_off_after(MSG_FLAG_ELIGIBLE), NOBODY);
	cr_assert_eq(cut_off_after(MSG_FLAG_ELIGIBLE | MSG_FLAG_LEAVING), A);
}

Test(node_yield, Y2_not_on_old_content)
{
	solo_active(&solo);
	for (int k = 0; k < 10; k++) { /* alive, and nothing new said for two dead intervals */
		solo.says.echo_us = (uint64_t)(solo_now(&solo) / HA_US);
		solo_hear(&solo, HA_PATH_LINK);
		world_run(&solo.w, solo.w.timing.heartbeat);
	}
	solo.w.station_silent = true;
	world_run(&solo.w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&solo.w), A);
}

Test(node_yield, Y2_not_on_a_live_segment)
{
	world_power_off(&w, B);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
}

Test(node_yield, Y2_to_force_an_isolated_one_is_refused_until_it_hears_the_segment)
{
	w.dual_allowed = true; /* where nobody can reach it */
	world_isolate(&w, A, true);
	world_split(&w, HA_PATH_LINK, true);
	world_run(&w, 2 * HA_SEC);
	world_operator(&w, A, OP_FORCE, 1);
	cr_assert(replied('a', 1, REFUSED_ISOLATED));
	cr_assert_eq(w.n[A].node.state, HA_ISOLATED);
	cr_assert_eq(w.n[A].promotions, 1u);
	world_isolate(&w, A, false);
	world_power_off(&w, B);
	world_check(&w, A, false);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY, "with a check that fails it does not take by T2");
	world_operator(&w, A, OP_FORCE, 2);
	cr_assert(replied('a', 2, REFUSED_NOT));
	cr_assert(world_until_holder(&w, A, HA_SEC));
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), A);
}

/* It lost the holder, not the address: the same two are left. */
Test(node_yield, Y2_nor_is_a_passive_forced_that_hears_nobody)
{
	world_isolate(&w, B, true);
	world_split(&w, HA_PATH_LINK, true);
	world_run(&w, 2 * HA_SEC);
	world_operator(&w, B, OP_FORCE, 1);
	cr_assert(replied('b', 1, REFUSED_ISOLATED));
	cr_assert_eq(w.n[B].promotions, 0u);
	cr_assert_eq(world_holder(&w), A);
}

Test(node_yield, I1_isolated_ends_by_T2_where_the_peer_stays_silent)
{
	w.dual_allowed = true;
	world_isolate(&w, A, true);
	world_split(&w, HA_PATH_LINK, true);
	world_run(&w, 2 * HA_SEC);
	cr_assert_eq(w.n[A].node.state, HA_ISOLATED);
	world_power_off(&w, B);
	world_isolate(&w, A, false);
	cr_assert(world_until_holder(&w, A, HA_SEC));
	cr_assert(world_saw(&w, "a active T2"));
}

Test(node_yield, I1_isolated_ends_as_passive_when_the_peer_is_heard_holder_or_not)
{
	cr_assert_eq(cut_off_after(MSG_FLAG_ELIGIBLE), NOBODY);
	cr_assert_eq(solo_node(&solo)->state, HA_ISOLATED);
	solo_say(&solo);
	cr_assert_eq(solo_node(&solo)->state, HA_PASSIVE);
	cr_assert_eq(solo_node(&solo)->reason, REASON_PEER_HEARD);
}

/* --- Y3, Y4, Y5 --- */

Test(node_yield, Y3_a_claim_of_a_higher_term_releases_at_once)
{
	solo_active(&solo);
	solo.says.claim = HA_CLAIM_HOLDING;
	solo.says.term = 5;
	solo_say(&solo);
	cr_assert_str_eq(solo.w.story, "\na conflict, yields\na passive Y3\n");
	world_run(&solo.w, HA_MS);
	cr_assert_eq(world_holder(&solo.w), NOBODY);
}

Test(node_yield, Y4_a_claim_of_a_lower_term_is_announced_against)
{
	unsigned announced;

	solo_active(&solo);
	solo_goes_on(&solo, 10 * HA_SEC);
	announced = solo.w.announced[A];
	solo.says.claim = HA_CLAIM_HOLDING;
	solo.says.term = 3;
	solo.says.heard[HA_PATH_LINK].age_us = 1000;
	solo_say(&solo);
	cr_assert_str_eq(solo.w.story, "\na conflict, stays\n");
	cr_assert_gt(solo.w.announced[A], announced);
	solo_goes_on(&solo, HA_SEC);
	cr_assert_eq(world_holder(&solo.w), A);
	cr_assert_eq(world_count(&solo.w, "a conflict, stays"), 1u, "said once");
}

/* Cut off from each other both held, and the other one announced last; then it restarted. */
Test(node_yield, A2_who_hears_that_the_peer_has_held_meanwhile_announces_again)
{
	unsigned announced;

	solo_active(&solo);
	solo_goes_on(&solo, 10 * HA_SEC);
	announced = solo.w.announced[A];
	solo.says.term = 5;
	solo_say(&solo);
	world_run(&solo.w, HA_MS);
	cr_assert_gt(solo.w.announced[A], announced);
	solo_goes_on(&solo, 10 * HA_SEC);
	announced = solo.w.announced[A];
	solo_goes_on(&solo, HA_SEC);
	cr_assert_eq(solo.w.announced[A], announced, "once");
	cr_assert_eq(world_holder(&solo.w), A);
}

/* No carrier was lost, but what it said in between went nowhere. */
Test(node_yield, A2_who_hears_management_again_announces_again)
{
	unsigned announced;

	world_run(&w, 10 * HA_SEC);
	world_isolate(&w, A, true);
	world_isolate(&w, B, true); /* both: nobody hands over */
	world_run(&w, 500 * HA_MS);
	cr_assert_eq(world_holder(&w), A);
	announced = w.announced[A];
	world_isolate(&w, A, false);
	world_isolate(&w, B, false);
	world_run(&w, 60 * HA_MS);
	cr_assert_gt(w.announced[A], announced);
}

/* The peer holds in term 3, which this node outranks. */
static void peer_holds_lower(uint32_t link_age_us, uint32_t management_age_us)
{
	solo_active(&solo);
	solo.says.claim = HA_CLAIM_HOLDING;
	solo.says.term = 3;
	solo.says.heard[HA_PATH_LINK].age_us = link_age_us;
	solo.says.heard[HA_PATH_MANAGEMENT].age_us = management_age_us;
}

Test(node_yield, Y5_a_claimant_that_does_not_hear_this_node_wins_whatever_its_term)
{
	peer_holds_lower(100000, UINT32_MAX);
	solo_say(&solo);
	cr_assert(world_saw(&solo.w, "a passive Y5"));
}

Test(node_yield, Y5_not_if_it_hears_this_node_on_any_path)
{
	peer_holds_lower(UINT32_MAX, 99999);
	solo_goes_on(&solo, HA_SEC);
	cr_assert_eq(world_holder(&solo.w), A);
}

Test(node_yield, Y5_is_not_fooled_by_the_first_frames_after_a_cut)
{
	peer_holds_lower(UINT32_MAX, UINT32_MAX);
	world_run(&solo.w, HA_SEC); /* silent */
	for (int k = 0; k < 2; k++) {
		solo_say(&solo);
		cr_assert_eq(world_holder(&solo.w), A);
		world_run(&solo.w, solo.w.timing.heartbeat);
	}
	solo.says.heard[HA_PATH_LINK].age_us = 1000; /* now it has heard */
	solo_goes_on(&solo, HA_SEC);
	cr_assert_eq(world_holder(&solo.w), A);
}

Test(node_yield, Y5_needs_three_heartbeat_intervals_without_a_gap)
{
	peer_holds_lower(UINT32_MAX, UINT32_MAX);
	world_run(&solo.w, HA_SEC);
	solo_goes_on(&solo, 4 * solo.w.timing.heartbeat);
	cr_assert(world_saw(&solo.w, "a passive Y5"));
}

/* --- Y6 --- */

Test(node_yield, Y6_a_holder_that_slept_past_D_releases_before_it_sends)
{
	world_suspend(&w, A, HA_SEC);
	world_run(&w, 2 * HA_SEC);
	cr_assert_eq(w.dual, 0);
	cr_assert_eq(world_holder(&w), B);
	cr_assert(world_saw(&w, "a passive Y6"));
	cr_assert_eq(world_count(&w, "b conflict, stays"), 0u, "it said nothing before");
}

Test(node_yield, Y6_a_pause_after_which_the_peer_cannot_have_taken_is_none)
{
	for (ha_time slept = 5 * HA_MS; slept <= 70 * HA_MS; slept += 5 * HA_MS) {
		world_suspend(&w, A, slept);
		world_run(&w, HA_SEC);
		cr_assert_eq(world_count(&w, "a passive Y6"), 0u);
		cr_assert_eq(world_holder(&w), A);
		cr_assert_eq(w.n[B].promotions, 0u);
	}
}

/* Its clock stood still too: only the peer's shows it. The first frame does, before one of its own is answered. */
Test(node_yield, Y6_a_holder_whose_peer_s_clock_jumped_was_paused)
{
	solo_active(&solo);
	solo.w.dual_allowed = true;
	solo.says.number++;
	solo.says.sent_us = (uint64_t)(solo_now(&solo) / HA_US) + 5000000 + 10000000;
	solo.says.echo_us = (uint64_t)(solo_now(&solo) / HA_US) - 5000;
	solo.says.echo_hold_us = 10000000; /* it waited ten seconds with our frame in hand */
	solo_hear(&solo, HA_PATH_LINK);
	cr_assert_str_eq(solo.w.story, "\na passive Y6\n");
}

Test(node_yield, Y6_a_frozen_machine_ends_as_passive)
{
	w.dual_allowed = true;
	world_freeze(&w, A, 10 * HA_SEC);
	world_run(&w, 9 * HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	world_run(&w, 2 * HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	cr_assert_leq(w.dual, 2 * w.timing.heartbeat, "until the first frame of the peer");
	cr_assert(!world_saw(&w, "b passive Y3"));
}

Test(node_yield, Y6_a_frozen_peer_is_no_pause_of_this_node)
{
	world_freeze(&w, B, 10 * HA_SEC);
	world_run(&w, 15 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert(!world_saw(&w, "a passive Y6"));
}

/* Frames of the peer wait in the queue, or were lost while it slept: it does not judge by its own sleep. */
Test(node_yield, Y6_a_passive_that_slept_watches_a_dead_interval_first)
{
	for (ha_time slept = 71 * HA_MS; slept < 3 * HA_SEC; slept += 170 * HA_MS) {
		world_freeze(&w, B, 0);
		world_pause(&w, B, slept);
		world_run(&w, slept + HA_SEC);
		cr_assert_eq(w.n[B].promotions, 0u);
	}
	world_engine_kill(&w, A);
	world_pause(&w, B, 300 * HA_MS);
	world_run(&w, 390 * HA_MS);
	cr_assert_eq(w.n[B].promotions, 0u);
	cr_assert(world_until_holder(&w, B, 100 * HA_MS));
}

Test(node_yield, Y6_what_was_probed_before_a_pause_counts_for_nothing)
{
	world_engine_kill(&w, A);
	world_run(&w, 85 * HA_MS);
	cr_assert_eq(w.n[B].node.probe.n, 3u);
	world_pause(&w, B, 200 * HA_MS);
	world_run(&w, 201 * HA_MS);
	cr_assert_leq(w.n[B].node.probe.n, 1u);
}

/* The question went out, and the answer came while it slept. */
Test(node_yield, Y6_a_question_of_before_a_pause_makes_nobody_deaf)
{
	unsigned asked = w.asked[B];

	w.station_silent = true;
	while (w.asked[B] == asked)
		world_run(&w, HA_MS);
	world_pause(&w, B, 400 * HA_MS);
	world_run(&w, 300 * HA_MS);
	w.station_silent = false;
	world_run(&w, HA_SEC);
	cr_assert_not(world_saw(&w, "b deaf"));
}

Test(node_yield, Y6_what_it_slept_through_is_reported_as_no_silence)
{
	solo_passive(&solo);
	world_pause(&solo.w, A, 300 * HA_MS);
	world_run(&solo.w, 350 * HA_MS);
	solo_goes_on(&solo, HA_SEC);
	cr_assert_str_eq(solo.w.story, "\n");
	world_run(&solo.w, 150 * HA_MS);
	cr_assert(world_saw(&solo.w, "a path_down link"), "what it was awake for is");
}

/* --- V1 --- */

/* B takes over while A cannot be heard; then A's address is seen. */
static void disproved(void)
{
	w.dual_allowed = true;
	w.probe_lost = true;
	world_split(&w, HA_PATH_LINK, true);
	for (int from = A; from <= B; from++)
		w.wire[HA_PATH_MANAGEMENT][from][1 - from].cut = true;
	world_run(&w, 150 * HA_MS);
	cr_assert_eq(world_holder(&w), BOTH);
	memset(w.n[A].session, 0,
	       sizeof(w.n[A].session)); /* no heartbeat comes through, ARP does */
	memset(w.n[B].session, 0, sizeof(w.n[B].session));
	w.handshake_until[HA_PATH_LINK] = w.handshake_until[HA_PATH_MANAGEMENT] = HA_NEVER;
	world_split(&w, HA_PATH_MANAGEMENT, false);
	w.probe_lost = false;
	world_run(&w, 110 * HA_MS);
}

Test(node_yield, V1_an_answer_of_the_silent_peer_disproves_the_promotion)
{
	disproved();
	cr_assert_eq(w.n[B].node.state, HA_FAULTED);
	cr_assert_eq(w.n[B].node.reason, REASON_DISPROVED);
	cr_assert_eq(world_holder(&w), A);
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(w.n[B].promotions, 1u, "as long as it answers");
}

Test(node_yield, V1_to_force_one_whose_promotion_was_disproved_is_refused)
{
	disproved();
	world_operator(&w, B, OP_FORCE, 1);
	cr_assert(replied('b', 1, REFUSED_VIP_TAKEN));
	cr_assert_eq(w.n[B].node.state, HA_FAULTED);
	cr_assert_eq(world_holder(&w), A);
}

/* Both promotions need its silence; only the first one was without its word. */
Test(node_yield, V1_ends_when_the_peer_is_heard)
{
	struct node_event stale = {.type = EV_HEARTBEAT, .path = HA_PATH_LINK};
	unsigned probes;

	world_engine_kill(&w, A);
	cr_assert(world_until_holder(&w, B, HA_SEC));
	stale.heard_at = world_local(&w, B, w.now);
	stale.counter = 1 << 30;
	stale.heartbeat = w.n[B].node.peer.last;
	stale.heartbeat.boot--;
	world_event(&w, B, &stale);
	cr_assert_neq(w.n[B].node.verify_since, HA_NEVER, "what an earlier boot said is no word");
	world_engine_start(&w, A);
	world_run(&w, HA_SEC);
	cr_assert_eq(w.n[B].node.verify_since, HA_NEVER);
	world_engine_kill(&w, A);
	world_run(&w, 200 * HA_MS);
	probes = w.probes;
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(w.probes, probes);
	cr_assert_eq(world_holder(&w), B);
}

Test(node_yield, I1_faulted_ends_as_passive_when_the_peer_is_heard)
{
	disproved();
	w.handshake_until[HA_PATH_LINK] = w.handshake_until[HA_PATH_MANAGEMENT] = 0;
	world_heal(&w);
	world_run(&w, HA_SEC);
	cr_assert_eq(w.n[B].node.state, HA_PASSIVE);
	cr_assert_not(why_not(B) & WHY_NOT_DISPROVED);
	cr_assert_eq(world_holder(&w), A);
}

Test(node_yield, I1_V1_s_mark_goes_when_the_peer_has_not_answered_for_three_seconds)
{
	ha_time dead;

	disproved();
	world_engine_kill(&w, A);
	dead = w.now;
	cr_assert(world_until_holder(&w, NOBODY, HA_SEC));
	cr_assert(world_until_holder(&w, B, 5 * HA_SEC));
	cr_assert_geq(w.now - dead, 2900 * HA_MS);
}
