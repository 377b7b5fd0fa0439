/* node_check.c - SPEC 5.E1, 5.Y1: what a service check that fails does to a passive, and to a holder. */
#include "tests/unit/node_solo.h"

#include <criterion/criterion.h>

static struct world w;
static struct solo solo;

static void setup(void)
{
	world_init(&w, 1);
	world_pair(&w);
}

TestSuite(node_check, .init = setup);

static uint16_t why_not(int i)
{
	return node_why_not(&w.n[i].node, world_local(&w, i, w.now));
}

static bool eligible(int i)
{
	return why_not(i) == 0;
}

static void handed_over(ha_time within)
{
	cr_assert(world_until_holder(&w, B, within));
	world_run(&w, 100 * HA_MS);
	cr_assert_eq(w.n[A].node.reason, REASON_CHECK_FAILED);
	cr_assert_eq(w.dual, 0);
}

Test(node_check, Y1_a_holder_whose_check_may_recover_stays)
{
	world_checks(&w, A, true, false);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert(node_degraded(&w.n[A].node, world_local(&w, A, w.now)));
	world_checks(&w, A, true, true);
	handed_over(HA_MS);
}

Test(node_check, E1_a_passive_whose_check_fails_at_all_is_not_ready)
{
	world_checks(&w, B, true, false);
	world_run(&w, w.timing.heartbeat);
	cr_assert_eq(why_not(B), WHY_NOT_CHECK);
	cr_assert(!node_peer_ready(&w.n[A].node, world_local(&w, A, w.now)));
	world_checks(&w, B, false, false);
	world_run(&w, w.timing.heartbeat);
	cr_assert(eligible(B), "no hold: it did not resign");
}

Test(node_check, Y1_with_nobody_to_hand_over_to_it_is_said_once_until_something_changes)
{
	world_checks(&w, B, true, true);
	world_run(&w, 100 * HA_MS);
	world_check(&w, A, false);
	world_run(&w, 60 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(world_count(&w, "a no_handover"), 1u);
	cr_assert_eq(world_count(&w, "b no_handover"), 0u);
	world_check(&w, A, true);
	world_check(&w, A, false);
	world_run(&w, 60 * HA_SEC);
	cr_assert_eq(world_count(&w, "a no_handover"), 2u);
	world_check(&w, B, true);
	handed_over(2 * w.timing.heartbeat);
	cr_assert_eq(world_count(&w, "a no_handover"), 2u);
}

Test(node_check, Y1_a_handover_under_way_is_waited_for_before_it_is_said)
{
	solo_active(&solo);
	world_check(&solo.w, A, false);
	solo.says.why_not = WHY_NOT_CHECK; /* it was ready when it was asked */
	solo.says.flags &= (uint8_t)~MSG_FLAG_ELIGIBLE;
	solo_goes_on(&solo, HA_SEC);
	cr_assert_str_eq(solo.w.story, "\na handover_failed\na no_handover\n");
}

Test(node_check, Y1_without_a_pair_there_is_nobody_to_miss)
{
	world_detach(&w, A);
	world_run(&w, HA_SEC);
	world_check(&w, A, false);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert(!world_saw(&w, "a no_handover"));
	cr_assert(node_degraded(&w.n[A].node, world_local(&w, A, w.now)));
}

Test(node_check, Y1_the_check_is_not_forgotten_when_the_role_changes)
{
	world_check(&w, A, false);
	cr_assert(world_until_holder(&w, B, HA_SEC));
	world_run(&w, 1000 * HA_SEC);
	cr_assert_eq(why_not(A), WHY_NOT_CHECK, "the hold has not begun");
	world_check(&w, B, false);
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(world_holder(&w), B, "both fail: nobody moves");
	world_check(&w, A, true);
	world_run(&w, 59 * HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	cr_assert(world_until_holder(&w, A, 2 * HA_SEC));
}

Test(node_check, Y1_the_hold_is_for_who_resigned_and_ends_once)
{
	world_check(&w, A, false);
	cr_assert(world_until_holder(&w, B, HA_SEC));
	world_check(&w, A, true);
	world_run(&w, 61 * HA_SEC);
	cr_assert(eligible(A));
	world_checks(&w, A, true, true);
	world_checks(&w, A, false, false);
	cr_assert(eligible(A), "it did not resign this time");
}
