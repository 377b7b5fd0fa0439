/* node_take.c - SPEC 5.4: when a passive takes the virtual IP, and when it must not. */
#include "tests/unit/node_solo.h"

#include <criterion/criterion.h>

static struct world w;
static struct solo solo;

static uint16_t why_not(int i)
{
	return node_why_not(&w.n[i].node, world_local(&w, i, w.now));
}

/* The active's engine dies, its guardian lives: both paths fall silent, both carriers stay. */
static void silence(void)
{
	world_pair(&w);
	world_engine_kill(&w, A);
}

static void setup(void)
{
	world_init(&w, 1);
}

TestSuite(node_take, .init = setup);

/* --- T2 --- */

Test(node_take, T2_both_paths_silent_takes_after_the_dead_interval_and_waits_for_nothing_more)
{
	ha_time last;

	silence();
	world_run(&w, 50 * HA_MS);
	last = w.n[B].node.path[HA_PATH_MANAGEMENT].heard - w.n[B].base;
	cr_assert(world_until_holder(&w, B, HA_SEC));
	cr_assert_eq(world_when(&w, "b active T2"), last + w.timing.dead);
	cr_assert_eq(w.n[B].node.reason, REASON_BOTH_SILENT);
	cr_assert_eq(w.n[B].node.term, 5);
	cr_assert_eq(w.dual, 0);
}

Test(node_take, T2_needs_both_paths_silent)
{
	world_pair(&w);
	world_split(&w, HA_PATH_LINK, true);
	world_run(&w, HA_SEC);
	world_split(&w, HA_PATH_LINK, false);
	world_split(&w, HA_PATH_MANAGEMENT, true);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert(!world_saw(&w, "b active T2"));
	cr_assert(node_degraded(&w.n[A].node, world_local(&w, A, w.now)));
}

/* Meanwhile the segment was heard, and nobody answered for the address. */
Test(node_take, T2_a_gap_on_the_path_that_is_left_is_no_silence)
{
	world_pair(&w);
	w.probe_lost = true; /* no answer for the address tells, either */
	world_split(&w, HA_PATH_LINK, true);
	world_run(&w, HA_SEC);
	world_split(&w, HA_PATH_MANAGEMENT, true);
	world_run(&w, 90 * HA_MS);
	cr_assert_eq(w.n[B].node.probe.n, 3u);
	world_split(&w, HA_PATH_MANAGEMENT, false);
	world_run(&w, HA_SEC);
	cr_assert_eq(w.n[B].promotions, 0u);
	cr_assert_eq(w.n[B].node.probe.n, 0u, "the next silence is asked about anew");
}

/* Neither holds, and the peer is heard on management: that is T4's, and takes longer. */
Test(node_take, T2_one_path_that_is_heard_is_enough)
{
	solo_start(&solo);
	solo.says.number = 1;
	solo_hear(&solo, HA_PATH_MANAGEMENT);
	world_run(&solo.w, 95 * HA_MS);
	cr_assert_eq(solo_node(&solo)->probe.n, 3u);
	cr_assert_eq(node_why_not(solo_node(&solo), solo_now(&solo)), 0);
	cr_assert_eq(world_holder(&solo.w), NOBODY);
}

Test(node_take, T2_needs_evidence_from_after_the_last_frame)
{
	silence();
	w.station_silent = true;
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert_eq(why_not(B), WHY_NOT_DEAF);
	w.station_silent = false;
	cr_assert(world_until_holder(&w, B, 200 * HA_MS));
}

Test(node_take, T2_a_witness_that_never_answered_costs_three_seconds)
{
	ha_time killed;

	w.station_silent = true;
	silence();
	killed = w.now;
	world_run(&w, 2900 * HA_MS);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert(world_until_holder(&w, B, HA_SEC));
	cr_assert_leq(w.now - killed, 3010 * HA_MS);
	cr_assert_eq(w.n[B].node.reason, REASON_NO_WITNESS);
}

Test(node_take, T2_where_no_third_station_was_ever_known_carrier_stands_in)
{
	w.no_witness = true;
	silence();
	cr_assert(world_until_holder(&w, B, 110 * HA_MS));
	cr_assert_eq(w.n[B].node.reason, REASON_BOTH_SILENT);
}

/* witness = {"none"}: what is heard by chance is nobody to ask. */
Test(node_take, T2_nor_where_none_is_to_be_asked)
{
	w.no_witness = true;
	world_pair(&w);
	for (int i = A; i <= B; i++) {
		w.n[i].node.config.witness_learn = false;
		w.n[i].node.reach.n = 0;
		w.n[i].node.reach.evidence = w.n[i].node.now;
	}
	world_engine_kill(&w, A);
	cr_assert(world_until_holder(&w, B, 110 * HA_MS));
}

/* Neither engine nor guardian nor fence: only the addresses' own lifetime makes the dead mute. */
Test(node_take, T2_waits_while_the_peer_answers_for_the_virtual_ip)
{
	ha_time mute;

	world_pair(&w);
	w.n[A].guardian.fence = false;
	w.n[A].guardian.dead = true;
	mute = w.n[A].guardian.valid_until;
	world_engine_kill(&w, A);
	world_run(&w, mute - w.now - HA_MS);
	cr_assert_eq(world_holder(&w), A);
	cr_assert(world_until_holder(&w, B, 100 * HA_MS));
	cr_assert_geq(w.now, mute);
	cr_assert_eq(w.dual, 0);
}

Test(node_take, T2_an_answer_starts_the_count_of_probes_anew)
{
	struct node_probe *p = &w.n[B].node.probe;

	silence();
	world_run(&w, 85 * HA_MS);
	cr_assert_eq(p->n, 3);
	world_event(&w, B,
		    &(struct node_event){.type = EV_SEGMENT,
					 .heard_at = world_local(&w, B, w.now),
					 .segment = {.source = solo_peer_mac,
						     .sender = w.n[B].node.config.vip[0]}});
	cr_assert_eq(p->n, 3, "solo_peer_mac is B's own here: an echo, ignored (A3)");
	world_event(&w, B,
		    &(struct node_event){.type = EV_SEGMENT,
					 .heard_at = world_local(&w, B, w.now),
					 .segment = {.source = w.n[A].node.config.mac,
						     .sender = w.n[B].node.config.vip[0]}});
	cr_assert_eq(p->n, 0);
}

/* B was cut off from everybody. At the end of that a third station may be heard before the peer is. */
Test(node_take, T2_what_was_probed_into_a_cut_counts_for_nothing)
{
	world_pair(&w);
	world_isolate(&w, B, true);
	world_split(&w, HA_PATH_LINK, true);
	world_run(&w, 150 * HA_MS);
	cr_assert_eq(w.n[B].node.probe.n, 3u);
	world_event(&w, B,
		    &(struct node_event){.type = EV_SEGMENT,
					 .heard_at = world_local(&w, B, w.now),
					 .segment = {.source = {{2, 9}}}});
	cr_assert_eq(w.n[B].promotions, 0u);
	world_heal(&w);
	world_run(&w, HA_SEC);
	cr_assert_eq(w.n[B].promotions, 0u);
}

Test(node_take, T2_a_third_party_is_reported_not_obeyed)
{
	silence();
	world_run(&w, 85 * HA_MS);
	world_event(&w, B,
		    &(struct node_event){
			    .type = EV_SEGMENT,
			    .heard_at = world_local(&w, B, w.now),
			    .segment = {.source = {{2, 9}}, .sender = w.n[B].node.config.vip[0]}});
	cr_assert(world_saw(&w, "b third_party"));
	cr_assert(world_until_holder(&w, B, 20 * HA_MS));
}

/* E1: none of these takes. */
static void never_takes(uint16_t why)
{
	cr_assert_eq(why_not(B), why);
	world_engine_kill(&w, A);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert_eq(w.n[B].promotions, 0u);
}

Test(node_take, N1_never_before_the_first_whole_copy)
{
	world_pair(&w);
	world_copy(&w, B, false, false, 7);
	never_takes(WHY_NOT_COPY);
}

Test(node_take, S1_never_while_suspended)
{
	world_pair(&w);
	world_operator(&w, A, OP_SUSPEND, 1);
	world_run(&w, 100 * HA_MS);
	never_takes(WHY_NOT_SUSPENDED);
}

Test(node_take, E1_never_while_its_own_check_fails)
{
	world_pair(&w);
	world_check(&w, B, false);
	never_takes(WHY_NOT_CHECK);
}

Test(node_take, E1_never_without_management_carrier)
{
	world_pair(&w);
	world_carrier(&w, B, HA_PATH_MANAGEMENT, false);
	world_run(&w, 10 * HA_MS);
	never_takes(WHY_NOT_CARRIER);
}

Test(node_take, R1_never_without_a_term_on_disk)
{
	w.n[B].store.failing = true;
	world_power_on(&w, A);
	world_power_on(&w, B);
	world_run(&w, 2 * HA_SEC);
	never_takes(WHY_NOT_STORE);
	cr_assert_eq(world_count(&w, "b store_failed"), 1u);
	w.n[B].store.failing = false; /* tried again every second */
	cr_assert(world_until_holder(&w, B, 1100 * HA_MS));
}

/* --- T3 --- */

Test(node_take, T3_power_failure_takes_after_confirm)
{
	ha_time off;

	world_pair(&w);
	off = w.now;
	world_power_off(&w, A);
	cr_assert(world_until_holder(&w, B, HA_SEC));
	cr_assert_eq(world_when(&w, "b active T3"), off + 200 * HA_US + w.timing.confirm);
	cr_assert_eq(w.n[B].node.reason, REASON_CARRIER_LOST);
	cr_assert_eq(w.solicits, 3u);
}

Test(node_take, T3_an_answer_ends_it)
{
	world_pair(&w);
	world_carrier(&w, B, HA_PATH_LINK, false);
	world_run(&w, 3 * HA_SEC);
	cr_assert_geq(w.answers, 1u);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[B].promotions, 0u);
}

/* Runs until A has sent a heartbeat and the next is almost a whole interval away. */
static void after_a_beat(int i)
{
	world_run(&w, w.n[i].node.tick - w.n[i].base - w.now + HA_MS);
}

Test(node_take, T3_is_not_for_the_holder)
{
	world_pair(&w);
	world_carrier(&w, A, HA_PATH_LINK, false);
	world_run(&w, HA_SEC);
	cr_assert_eq(w.solicits, 0u);
	cr_assert_eq(world_holder(&w), A);
}

Test(node_take, T3_asks_the_segment_every_third_of_confirm)
{
	unsigned asked;

	world_pair(&w);
	world_power_off(&w, A);
	asked = w.asked[B]; /* a moment ago */
	world_run(&w, 2 * w.timing.confirm / 3 + 100 * HA_US);
	cr_assert_eq(w.asked[B], asked + 2);
}

/* A gap on both paths, then the cable: the three that went unanswered meanwhile are no answer to this question. */
Test(node_take, T3_what_was_probed_before_counts_for_nothing)
{
	world_pair(&w);
	after_a_beat(A);
	world_split(&w, HA_PATH_LINK, true);
	world_split(&w, HA_PATH_MANAGEMENT, true);
	world_run(&w, 45 * HA_MS);
	cr_assert_geq(w.n[B].node.probe.n, 2u);
	world_carrier(&w, B, HA_PATH_LINK, false);
	world_run(&w, 300 * HA_US);
	cr_assert(w.n[B].node.solicit.running);
	cr_assert_eq(w.n[B].node.probe.n, 1u);
}

Test(node_take, T3_one_solicit_of_three_is_enough)
{
	world_pair(&w);
	after_a_beat(A);
	world_carrier(&w, B, HA_PATH_LINK, false);
	world_cut(&w, HA_PATH_MANAGEMENT, B, A, true);
	world_run(&w, 2 * HA_MS); /* the first two leave at 0.2 and 1.45 */
	cr_assert_eq(w.solicits, 2u);
	world_cut(&w, HA_PATH_MANAGEMENT, B, A, false);
	world_run(&w, 5 * HA_MS);
	cr_assert(!w.n[B].node.solicit.running && !w.n[B].node.solicit.unanswered);
	world_run(&w, HA_SEC);
	cr_assert_eq(w.answers, 1u);
	cr_assert_eq(w.n[B].promotions, 0u);
}

Test(node_take, T3_a_heartbeat_sent_afterwards_is_as_good_as_an_answer)
{
	world_pair(&w);
	world_run(&w, w.n[A].node.tick - w.n[A].base - w.now - HA_MS);
	world_carrier(&w, B, HA_PATH_LINK, false);
	world_cut(&w, HA_PATH_MANAGEMENT, B, A, true); /* no solicit arrives */
	world_run(&w, 5500 * HA_US);
	cr_assert_eq(w.answers, 0u);
	cr_assert_eq(w.n[B].promotions, 0u);
	cr_assert(!w.n[B].node.solicit.running);
	cr_assert(!w.n[B].node.solicit.unanswered);
}

Test(node_take, T3_needs_evidence_from_after_the_carrier_was_lost)
{
	world_pair(&w);
	w.station_silent = true;
	world_power_off(&w, A);
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(w.n[B].promotions, 0u);
}

Test(node_take, T3_is_only_for_a_peer_heard_on_management_just_before)
{
	world_pair(&w);
	world_split(&w, HA_PATH_MANAGEMENT, true);
	world_run(&w, 71 * HA_MS);
	world_power_off(&w, A);
	world_run(&w, 10 * HA_MS);
	cr_assert_eq(w.solicits, 0u);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert(world_until_holder(&w, B, 100 * HA_MS));
	cr_assert(world_saw(&w, "b active T2"));
}

Test(node_take, T3_waits_twice_the_worst_round_trip_but_no_longer_than_dead)
{
	ha_time off;

	w.wire[HA_PATH_MANAGEMENT][A][B].delay = 10 * HA_MS;
	world_pair(&w);
	off = w.now;
	world_power_off(&w, A);
	cr_assert(world_until_holder(&w, B, HA_SEC));
	cr_assert_geq(w.now - off, 20 * HA_MS);
	cr_assert_leq(w.now - off, 25 * HA_MS);
	cr_assert(world_saw(&w, "b active T3"));
}

Test(node_take, T3_waits_for_the_worst_lateness_of_either_side)
{
	for (int late = A; late <= B; late++) {
		struct msg_heartbeat hb;
		ha_time off;

		world_init(&w, 1);
		world_pair(&w);
		world_pause(&w, late, 60 * HA_MS);
		world_run(&w, HA_SEC);
		node_heartbeat(&w.n[late].node, HA_PATH_LINK, world_local(&w, late, w.now), &hb);
		cr_assert_gt(hb.lateness_us, 20000u, "%u", hb.lateness_us);
		cr_assert_leq(hb.lateness_us, 60000u);
		off = w.now;
		world_power_off(&w, A);
		cr_assert(world_until_holder(&w, B, HA_SEC));
		cr_assert_geq(w.now - off, hb.lateness_us * HA_US);
		cr_assert(world_saw(&w, "b active T3"));
	}
}

Test(node_take, T3_waits_no_longer_than_a_dead_interval)
{
	ha_time off;

	w.wire[HA_PATH_MANAGEMENT][A][B].delay = 45 * HA_MS;
	world_pair(&w);
	world_pause(&w, B, 60 * HA_MS);
	world_run(&w, HA_SEC);
	off = w.now;
	world_power_off(&w, A);
	cr_assert(world_until_holder(&w, B, HA_SEC));
	cr_assert(world_saw(&w, "b active T3"));
	cr_assert_leq(w.now - off, 101 * HA_MS);
}

/* --- T4 --- */

Test(node_take, T4_the_better_takes_after_two_dead_intervals)
{
	ha_time up;

	for (int first = A; first <= B; first++) {
		world_init(&w, 1);
		world_power_on(&w, first);
		world_run(&w, 500 * HA_MS);
		world_power_on(&w, 1 - first);
		cr_assert(world_until_holder(&w, A, 2 * HA_SEC));
		up = world_when(&w, "a path_up link");
		cr_assert_geq(w.now - up, 2 * w.timing.dead);
		cr_assert_leq(w.now - up, 2 * w.timing.dead + w.timing.heartbeat);
		world_run(&w, HA_SEC);
		cr_assert_eq(w.n[B].promotions, 0u);
	}
}

Test(node_take, T4_the_other_takes_after_four)
{
	ha_time heard;

	solo_start(&solo);
	solo.says.lineage.number = 8; /* the peer is better, and does nothing */
	heard = solo.w.now;
	solo_goes_on(&solo, HA_SEC);
	cr_assert_geq(world_when(&solo.w, "a active T4") - heard, 4 * solo.w.timing.dead);
	cr_assert_leq(world_when(&solo.w, "a active T4") - heard,
		      4 * solo.w.timing.dead + solo.w.timing.heartbeat);
}

Test(node_take, T4_its_time_starts_anew_when_the_peer_does)
{
	solo_start(&solo);
	solo_goes_on(&solo, 160 * HA_MS);
	solo.says.boot++;
	solo.says.number = 0;
	solo_session(&solo, HA_PATH_LINK);
	solo_session(&solo, HA_PATH_MANAGEMENT);
	solo_goes_on(&solo, 180 * HA_MS);
	cr_assert_eq(world_holder(&solo.w), NOBODY);
	solo_goes_on(&solo, 40 * HA_MS);
	cr_assert_eq(world_holder(&solo.w), A);
}

Test(node_take, T4_its_time_starts_when_it_may_hold)
{
	world_check(&w, A, true);
	world_power_on(&w, A);
	world_power_on(&w, B);
	world_check(&w, A, false);
	world_check(&w, B, false);
	world_run(&w, 5 * w.timing.dead);
	cr_assert_eq(world_holder(&w), NOBODY);
	world_check(&w, A, true);
	world_check(&w, B, true); /* at the same moment: not both at once */
	cr_assert(world_until_holder(&w, A, 2 * w.timing.dead + 2 * HA_MS));
	world_run(&w, HA_SEC);
	cr_assert_eq(w.n[B].promotions, 0u);
}

/* --- T4a --- */

static void both_up_with_failing_checks(void)
{
	world_power_on(&w, A);
	world_power_on(&w, B);
	world_checks(&w, A, true, false);
	world_checks(&w, B, true, true);
}

Test(node_take, T4a_where_the_checks_of_both_fail_the_better_takes_after_six)
{
	ha_time up;

	both_up_with_failing_checks();
	up = w.now;
	cr_assert(world_until_holder(&w, A, 2 * HA_SEC));
	cr_assert_geq(w.now - up, 6 * w.timing.dead);
	cr_assert_leq(w.now - up, 6 * w.timing.dead + 2 * w.timing.heartbeat);
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(w.n[B].promotions, 0u);
	cr_assert_eq(world_holder(&w), A);
	cr_assert(node_degraded(&w.n[A].node, world_local(&w, A, w.now)));
	world_check(&w, A, false);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_count(&w, "a no_handover"), 1u, "nor is B ready");
}

Test(node_take, T4a_the_other_takes_after_eight)
{
	ha_time heard;

	solo_start(&solo);
	world_check(&solo.w, A, false);
	solo.says.lineage.number = 8; /* the peer is better, and does nothing */
	solo.says.why_not = WHY_NOT_CHECK;
	solo.says.flags &= (uint8_t)~MSG_FLAG_ELIGIBLE;
	heard = solo.w.now;
	solo_goes_on(&solo, 2 * HA_SEC);
	cr_assert_geq(world_when(&solo.w, "a active T4") - heard, 8 * solo.w.timing.dead);
	cr_assert_leq(world_when(&solo.w, "a active T4") - heard,
		      8 * solo.w.timing.dead + solo.w.timing.heartbeat);
}

Test(node_take, T4a_is_not_for_who_has_an_eligible_peer)
{
	solo_start(&solo);
	world_check(&solo.w, A, false);
	solo_goes_on(&solo, 10 * HA_SEC);
	cr_assert(!world_holds(&solo.w, A));
	solo.says.why_not = WHY_NOT_COPY; /* it never will be: now the time begins */
	solo.says.flags &= (uint8_t)~MSG_FLAG_ELIGIBLE;
	solo_goes_on(&solo, 5 * solo.w.timing.dead);
	cr_assert(!world_holds(&solo.w, A));
	solo_goes_on(&solo, 4 * solo.w.timing.dead);
	cr_assert(world_holds(&solo.w, A));
}

Test(node_take, T4a_gives_way_to_no_other_reason)
{
	solo_start(&solo);
	world_check(&solo.w, A, false);
	world_copy(&solo.w, A, false, false, 0);
	solo.says.why_not = WHY_NOT_CHECK;
	solo.says.flags &= (uint8_t)~MSG_FLAG_ELIGIBLE;
	solo_goes_on(&solo, 10 * HA_SEC);
	cr_assert(!world_holds(&solo.w, A));
}

/* Whenever the checks of either change meanwhile: one takes, and never both. */
Test(node_take, T4a_and_T4_never_make_two_holders)
{
	for (ha_time at = 0; at < 10 * w.timing.dead; at += 7 * HA_MS) {
		world_init(&w, 1);
		both_up_with_failing_checks();
		world_run(&w, at);
		world_check(&w, at % 2 ? A : B, true);
		world_run(&w, 3 * HA_MS);
		world_check(&w, A, true);
		world_check(&w, B, true);
		world_run(&w, 3 * HA_SEC);
		cr_assert_geq(world_holder(&w), A);
		cr_assert_leq(w.n[A].promotions + w.n[B].promotions, 2u);
	}
}

Test(node_take, T4a_a_failing_check_gives_way_to_no_silence)
{
	world_pair(&w);
	world_checks(&w, B, true, false);
	world_engine_kill(&w, A);
	world_run(&w, 60 * HA_SEC);
	cr_assert_eq(w.n[B].promotions, 0u);
}

Test(node_take, T4_the_last_holder_comes_back_in_spite_of_a_suspension_and_nobody_else_does)
{
	w.n[A].store.disk.suspended = w.n[B].store.disk.suspended = true;
	world_power_on(&w, A);
	world_power_on(&w, B);
	world_run(&w, 2 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[B].node.state, HA_SUSPENDED);
}
