/* node_suspend.c - SPEC 5.6, S1: no takeover for a while. */
#include "tests/unit/node_solo.h"

#include <criterion/criterion.h>

static struct world w;
static struct solo solo;

static void setup(void)
{
	world_init(&w, 1);
	world_pair(&w);
}

TestSuite(node_suspend, .init = setup);

Test(node_suspend, S1_a_suspension_follows_the_holder_and_is_durable)
{
	world_operator(&w, B, OP_SUSPEND, 1);
	cr_assert(world_saw(&w, "b reply 1: only the active can do that"));
	world_operator(&w, A, OP_SUSPEND, 2);
	world_run(&w, 100 * HA_MS);
	cr_assert(world_saw(&w, "b suspended S1"));
	cr_assert(w.n[A].store.disk.suspended);
	cr_assert(w.n[B].store.disk.suspended);
	world_power_off(&w, B);
	world_run(&w, HA_SEC);
	world_operator(&w, A, OP_RESUME, 3);
	world_power_on(&w, B);
	world_run(&w, HA_SEC);
	cr_assert(!w.n[B].store.disk.suspended);
	cr_assert_eq(w.n[B].node.state, HA_PASSIVE);
}

/* The passive has lost its record, and joins anew. */
Test(node_suspend, S1_a_suspension_ends_with_a_join)
{
	world_operator(&w, A, OP_SUSPEND, 1);
	world_run(&w, HA_SEC);
	world_power_off(&w, B);
	world_run(&w, HA_SEC);
	cr_assert(w.n[A].node.suspended && w.n[A].store.disk.suspended);
	world_power_on(&w, B);
	world_forget(&w);
	world_join(&w, A);
	cr_assert(world_saw(&w, "a resumed"));
	world_copy(&w, B, true, true, 7);
	world_run(&w, 10 * HA_SEC);
	cr_assert_not(w.n[A].node.suspended || w.n[B].node.suspended);
	cr_assert_not(w.n[A].store.disk.suspended || w.n[B].store.disk.suspended);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[B].node.state, HA_PASSIVE);
}

static uint32_t says_suspended(int i)
{
	struct msg_heartbeat hb;

	node_heartbeat(&w.n[i].node, HA_PATH_LINK, world_local(&w, i, w.now), &hb);
	return hb.suspended_s;
}

Test(node_suspend, S1_a_duration_ends_by_itself_on_both_and_on_disk)
{
	world_suspend_for(&w, A, 10 * HA_SEC, 1);
	cr_assert_eq(says_suspended(A), 10u);
	world_run(&w, 100 * HA_MS);
	cr_assert_eq(says_suspended(A), 10u, "rounded up");
	cr_assert_leq(says_suspended(B), 11u);
	cr_assert(w.n[B].store.disk.suspended);
	world_run(&w, 9890 * HA_MS);
	cr_assert(w.n[A].node.suspended);
	cr_assert_eq(says_suspended(A), 1u);
	world_run(&w, 100 * HA_MS);
	cr_assert_str_eq(w.story, "\na suspended\na reply 1: done\nb suspended\nb suspended S1\n"
				  "a resumed\nb resumed\nb passive S1\n");
	cr_assert_eq(w.n[B].node.reason, REASON_SUSPENSION_OVER);
	cr_assert(!w.n[A].store.disk.suspended && !w.n[B].store.disk.suspended);
	cr_assert_eq(says_suspended(A), 0u);
	cr_assert_eq(world_holder(&w), A);
}

Test(node_suspend, S1_without_a_duration_it_lasts_until_resumed)
{
	world_operator(&w, A, OP_SUSPEND, 1);
	world_run(&w, 100000 * HA_SEC / 1000);
	cr_assert_eq(says_suspended(A), UINT32_MAX);
	cr_assert_eq(says_suspended(B), UINT32_MAX);
	cr_assert_eq(w.n[B].store.disk.suspended_until, HA_NEVER);
	world_operator(&w, A, OP_RESUME, 2);
	world_run(&w, 100 * HA_MS);
	cr_assert_eq(w.n[B].node.reason, REASON_RESUMED);
}

Test(node_suspend, S1_asked_for_again_it_gets_the_new_end)
{
	world_suspend_for(&w, A, 3600 * HA_SEC, 1);
	world_run(&w, HA_SEC);
	world_suspend_for(&w, A, 2 * HA_SEC, 2);
	cr_assert_eq(world_count(&w, "a suspended"), 2u);
	world_run(&w, 2500 * HA_MS);
	cr_assert(!w.n[A].node.suspended && !w.n[B].node.suspended);
	world_suspend_for(&w, A, 2 * HA_SEC, 3);
	world_operator(&w, A, OP_SUSPEND, 4);
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(says_suspended(B), UINT32_MAX);
}

Test(node_suspend, S1_what_is_left_is_followed_without_a_write_at_every_heartbeat)
{
	uint64_t saves;

	world_suspend_for(&w, A, 100 * HA_SEC, 1);
	world_run(&w, HA_SEC);
	saves = w.n[B].node.save_number;
	world_run(&w, 90 * HA_SEC);
	cr_assert_eq(w.n[B].node.save_number, saves);
	cr_assert_eq(world_count(&w, "b suspended"), 1u);
	world_suspend_for(&w, A, 12 * HA_SEC, 2);
	world_run(&w, HA_SEC);
	cr_assert_eq(w.n[B].node.save_number, saves + 1);
	cr_assert_leq(w.n[B].store.disk.suspended_until, w.now + 12 * HA_SEC);
	cr_assert_geq(w.n[B].store.disk.suspended_until, w.now + 10 * HA_SEC);
}

Test(node_suspend, S1_survives_a_reboot_and_ends_in_its_time)
{
	world_suspend_for(&w, A, 60 * HA_SEC, 1);
	world_run(&w, HA_SEC);
	world_power_off(&w, A);
	world_power_off(&w, B);
	world_run(&w, 20 * HA_SEC);
	world_power_on(&w, A);
	world_power_on(&w, B);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[B].node.state, HA_SUSPENDED);
	cr_assert_leq(says_suspended(A), 35u);
	cr_assert_geq(says_suspended(A), 33u);
	world_run(&w, 35 * HA_SEC);
	cr_assert_eq(w.n[B].node.state, HA_PASSIVE);
	world_power_off(&w, A);
	cr_assert(world_until_holder(&w, B, HA_SEC));
}

Test(node_suspend, S1_an_end_that_passed_while_powered_off_has_passed)
{
	world_suspend_for(&w, A, 10 * HA_SEC, 1);
	world_run(&w, HA_SEC);
	world_power_off(&w, A);
	world_power_off(&w, B);
	world_run(&w, 20 * HA_SEC);
	world_power_on(&w, B);
	world_run(&w, HA_SEC);
	cr_assert(world_saw(&w, "b resumed"));
	cr_assert(!w.n[B].store.disk.suspended);
}

/* Nobody is there to say when it ends but itself. */
Test(node_suspend, S1_a_node_that_hears_no_holder_ends_it_by_itself)
{
	world_suspend_for(&w, A, 5 * HA_SEC, 1);
	world_run(&w, HA_SEC);
	world_engine_kill(&w, A);
	world_run(&w, 3 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert(world_until_holder(&w, B, 3 * HA_SEC));
}

Test(node_suspend, S1_while_a_holder_is_heard_its_word_counts)
{
	solo_passive(&solo);
	solo.says.why_not = WHY_NOT_SUSPENDED;
	solo.says.flags &= (uint8_t)~MSG_FLAG_ELIGIBLE;
	solo.says.suspended_s = 1;
	solo_goes_on(&solo, 10 * HA_SEC); /* its last second is a long one */
	cr_assert(solo_node(&solo)->suspended);
	cr_assert_eq(world_count(&solo.w, "a resumed"), 0u);
}

Test(node_suspend, S1_what_is_left_is_counted_from_when_it_was_said)
{
	uint64_t saves;

	solo_passive(&solo);
	solo.says.why_not = WHY_NOT_SUSPENDED;
	solo.says.flags &= (uint8_t)~MSG_FLAG_ELIGIBLE;
	solo.says.suspended_s = 100;
	solo_goes_on(&solo, HA_SEC);
	saves = solo_node(&solo)->save_number;
	for (int k = 0; k < 250; k++) { /* alive, and nothing new said for five seconds */
		solo.says.echo_us = (uint64_t)(solo_now(&solo) / HA_US);
		solo_hear(&solo, HA_PATH_LINK);
		world_run(&solo.w, solo.w.timing.heartbeat);
	}
	cr_assert_eq(solo_node(&solo)->save_number, saves);
}

Test(node_suspend, S1_a_suspended_pair_is_degraded)
{
	cr_assert(!node_degraded(&w.n[B].node, world_local(&w, B, w.now)));
	world_operator(&w, A, OP_SUSPEND, 1);
	world_run(&w, 100 * HA_MS);
	for (int i = A; i <= B; i++)
		cr_assert(node_degraded(&w.n[i].node, world_local(&w, i, w.now)));
}
