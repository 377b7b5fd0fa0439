/* node_boot.c - SPEC 5.4: T5 and the start without a pair. */
#include "tests/sim/world.h"

#include <criterion/criterion.h>

static struct world w;

static void setup(void)
{
	world_init(&w, 1);
}

TestSuite(node_boot, .init = setup);

/* --- unpaired --- */

static void alone(void)
{
	w.n[A].store.paired = false;
	w.n[A].store.disk =
		(struct node_durable){.mode = HA_MODE_PRIMARY_ACTIVE, .whole_copy = true};
}

Test(node_boot, unpaired_probes_and_holds_what_nobody_answers_for)
{
	ha_time began = w.now;

	alone();
	world_power_on(&w, A);
	cr_assert(world_until_holder(&w, A, HA_SEC));
	cr_assert_geq(w.now - began, 300 * HA_MS, "three probes 100 ms apart, then 100 ms");
	cr_assert_leq(w.now - began, 301 * HA_MS);
	cr_assert_geq(w.probes, 6u, "of two addresses");
	cr_assert_eq(w.n[A].node.reason, REASON_UNPAIRED);
}

Test(node_boot, unpaired_an_answer_is_obeyed_until_it_ends)
{
	alone();
	w.third_party = true;
	world_power_on(&w, A);
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert_eq(w.n[A].node.state, HA_FAULTED);
	cr_assert_eq(w.n[A].node.reason, REASON_VIP_TAKEN);
	cr_assert_leq(w.probes, 24u, "once a second");
	w.third_party = false;
	cr_assert(world_until_holder(&w, A, 2 * HA_SEC));
}

/* RFC 5227 2.1.1: two appliances of the same configuration, switched on together. */
Test(node_boot, unpaired_of_two_that_probe_at_once_the_lower_MAC_goes_on)
{
	struct node_event ev = {.type = EV_SEGMENT, .segment = {.source = {{3}}}};

	for (int lower = 0; lower <= 1; lower++) {
		world_init(&w, 1);
		alone();
		world_power_on(&w, A);
		world_run(&w, 150 * HA_MS);
		ev.heard_at = world_local(&w, A, w.now);
		ev.segment.source.b[0] = lower ? 0 : 4;
		ev.segment.target = w.n[A].node.config.vip[0];
		world_event(&w, A, &ev);
		world_run(&w, 200 * HA_MS);
		cr_assert_eq(world_holder(&w), lower ? NOBODY : A);
		cr_assert_eq(w.n[A].node.state, lower ? HA_FAULTED : HA_ACTIVE);
	}
	cr_assert(world_until_holder(&w, A, 2 * HA_SEC), "it did not take it after all");
}

Test(node_boot, unpaired_without_management_carrier_waits)
{
	alone();
	w.n[A].carrier[HA_PATH_MANAGEMENT] = false;
	world_power_on(&w, A);
	world_carrier(&w, A, HA_PATH_MANAGEMENT, false);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
	world_carrier(&w, A, HA_PATH_MANAGEMENT, true);
	cr_assert(world_until_holder(&w, A, 310 * HA_MS));
}

Test(node_boot, standalone_is_active_and_holds_nothing)
{
	alone();
	w.n[A].store.disk.mode = HA_MODE_STANDALONE;
	world_power_on(&w, A);
	world_run(&w, HA_SEC);
	cr_assert_eq(w.n[A].node.state, HA_ACTIVE);
	cr_assert_eq(world_holder(&w), NOBODY);
}

Test(node_boot, an_unreadable_store_is_never_active_by_guess)
{
	w.n[A].store.readable = false;
	world_power_on(&w, A);
	world_run(&w, 60 * HA_SEC);
	world_operator(&w, A, OP_FORCE, 3);
	cr_assert_eq(w.n[A].node.state, HA_FAULTED);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert(world_saw(&w, "a reply 3: the state could not be made durable"));
}

Test(node_boot, nor_without_a_pair)
{
	alone();
	w.n[A].store.readable = false;
	world_power_on(&w, A);
	world_run(&w, 60 * HA_SEC);
	cr_assert_eq(w.n[A].node.state, HA_FAULTED);
	cr_assert_eq(world_holder(&w), NOBODY);
}

/* --- T5 --- */

Test(node_boot, T5_the_last_holder_waits_three_seconds)
{
	ha_time began = w.now;

	world_power_on(&w, A);
	cr_assert(world_until_holder(&w, A, 10 * HA_SEC));
	cr_assert_eq(w.n[A].node.reason, REASON_ALONE);
	cr_assert_geq(w.now - began, 3 * HA_SEC);
	cr_assert_leq(w.now - began, 3310 * HA_MS, "and three probes");
}

Test(node_boot, T5_the_boot_wait_is_counted_from_management_carrier)
{
	world_power_on(&w, A);
	world_carrier(&w, A, HA_PATH_MANAGEMENT, false);
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
	world_carrier(&w, A, HA_PATH_MANAGEMENT, true);
	world_run(&w, 2900 * HA_MS);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert(world_until_holder(&w, A, HA_SEC));
}

Test(node_boot, T5_who_did_not_hold_last_waits_thirty)
{
	world_power_on(&w, B);
	world_run(&w, 29900 * HA_MS);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert(world_until_holder(&w, B, HA_SEC));
}

Test(node_boot, T5_nor_is_who_held_once_but_not_last_the_last_holder)
{
	w.n[B].store.disk.held_term = 1;
	world_power_on(&w, B);
	world_run(&w, 29 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert(world_until_holder(&w, B, 3 * HA_SEC));
}

/* A question on the link, and nothing else: from then on T2 says, which asks for more. */
Test(node_boot, T5_who_was_heard_at_all_leaves_nobody_alone)
{
	struct node_event ev = {.type = EV_SOLICIT, .path = HA_PATH_LINK};

	w.station_silent = true;
	world_power_on(&w, A);
	world_run(&w, 2500 * HA_MS);
	ev.heard_at = world_local(&w, A, w.now);
	world_event(&w, A, &ev);
	world_run(&w, 2900 * HA_MS);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert(world_until_holder(&w, A, 200 * HA_MS));
	cr_assert_eq(w.n[A].node.reason, REASON_NO_WITNESS);
}

Test(node_boot, T5_who_did_not_hold_last_needs_to_have_been_in_sync)
{
	w.n[B].store.disk.in_sync = false;
	world_power_on(&w, B);
	world_run(&w, 120 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
	world_operator(&w, B, OP_FORCE, 1);
	world_run(&w, 10 * HA_MS);
	cr_assert_eq(world_holder(&w), B);
	cr_assert_eq(w.n[B].node.reason, REASON_FORCED);
}

Test(node_boot, T5_on_a_link_with_carrier_silence_is_waited_for_thirty_seconds)
{
	world_power_on(&w, A);
	world_carrier(&w, A, HA_PATH_LINK, true);
	world_run(&w, 29900 * HA_MS);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert(world_until_holder(&w, A, HA_SEC));
}

Test(node_boot, T5_needs_the_virtual_ip_unanswered)
{
	w.third_party = true;
	world_power_on(&w, A);
	world_run(&w, 60 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
	w.third_party = false;
	cr_assert(world_until_holder(&w, A, 2 * HA_SEC));
}

Test(node_boot, T5_is_not_for_a_deaf_node)
{
	world_power_on(&w, A);
	world_run(&w, HA_SEC);
	w.station_silent = true;
	world_run(&w, 30 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
}

Test(node_boot, T5_the_last_holder_comes_back_suspended_or_not_the_other_does_not)
{
	w.n[A].store.disk.suspended = w.n[B].store.disk.suspended = true;
	world_power_on(&w, A);
	cr_assert(world_until_holder(&w, A, 10 * HA_SEC));
	world_init(&w, 1);
	w.n[B].store.disk.suspended = true;
	world_power_on(&w, B);
	world_run(&w, 60 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
}

Test(node_boot, T5_with_a_failing_check_it_takes_thirty_seconds_later)
{
	world_power_on(&w, A);
	world_checks(&w, A, true, true);
	world_run(&w, 32900 * HA_MS);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert(world_until_holder(&w, A, HA_SEC));
	cr_assert_eq(w.n[A].node.reason, REASON_ALONE);
	cr_assert(node_degraded(&w.n[A].node, world_local(&w, A, w.now)));
	world_init(&w, 1);
	world_power_on(&w, B);
	world_checks(&w, B, true, false);
	world_run(&w, 59900 * HA_MS);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert(world_until_holder(&w, B, HA_SEC));
}

Test(node_boot, T5_force_is_refused_while_a_holder_is_audible)
{
	world_pair(&w);
	world_operator(&w, B, OP_FORCE, 4);
	cr_assert(world_saw(&w, "b reply 4: the peer holds the virtual IP"));
	cr_assert_eq(world_holder(&w), A);
}

/* --- a pair --- */

/* Both come up, and one dies before anybody held. */
static void lost_at_boot(int died)
{
	world_power_on(&w, A);
	world_power_on(&w, B);
	world_run(&w, 50 * HA_MS);
	cr_assert(w.n[1 - died].node.peer.known);
	cr_assert_eq(world_holder(&w), NOBODY);
	world_power_off(&w, died);
}

Test(node_boot, a_peer_that_is_lost_again_before_anybody_held_is_judged_by_T2)
{
	lost_at_boot(B);
	cr_assert(world_until_holder(&w, A, 5 * HA_SEC));
	world_init(&w, 1);
	lost_at_boot(A);
	cr_assert(world_until_holder(&w, B, 5 * HA_SEC));
}

Test(node_boot, but_not_by_who_may_be_behind_it)
{
	w.n[B].store.disk.in_sync = false;
	lost_at_boot(A);
	world_run(&w, 120 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert_eq(node_why_not(&w.n[B].node, world_local(&w, B, w.now)), WHY_NOT_STARTING);
}

Test(node_boot, a_holder_that_is_heard_makes_a_passive)
{
	world_pair(&w);
	world_power_off(&w, B);
	world_run(&w, HA_SEC);
	world_forget(&w);
	world_power_on(&w, B);
	world_run(&w, 2 * HA_SEC);
	cr_assert(world_saw(&w, "b passive boot"));
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[B].promotions, 0u);
}

Test(node_boot, joining_makes_a_holder_and_a_passive_of_two)
{
	for (int i = A; i <= B; i++) {
		w.n[i].store.paired = false;
		w.n[i].store.disk = (struct node_durable){.mode = i == A ? HA_MODE_PRIMARY_ACTIVE
									 : HA_MODE_STANDALONE,
							  .whole_copy = i == A};
		world_power_on(&w, i);
	}
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	world_join(&w, A);
	world_run(&w, HA_SEC);
	cr_assert_eq(w.n[B].node.state, HA_PASSIVE);
	cr_assert_eq(node_why_not(&w.n[B].node, world_local(&w, B, w.now)), WHY_NOT_COPY);
	cr_assert_eq(w.n[A].node.term % 2, 0u);
	world_copy(&w, B, true, true, 1);
	world_run(&w, HA_SEC);
	world_power_off(&w, A);
	cr_assert(world_until_holder(&w, B, 20 * HA_MS));
}
