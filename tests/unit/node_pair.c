/* node_pair.c - whole stories of a pair, each as people would tell it. */
#include "tests/sim/world.h"

#include <criterion/criterion.h>

static struct world w;

static void setup(void)
{
	world_init(&w, 1);
	world_pair(&w);
}

TestSuite(node_pair, .init = setup);

Test(node_pair, forms_in_either_order_of_power)
{
	for (int first = A; first <= B; first++) {
		world_init(&w, 1);
		world_power_on(&w, first);
		world_run(&w, first == A ? 300 * HA_MS : 20 * HA_SEC);
		world_power_on(&w, 1 - first);
		world_run(&w, 2 * HA_SEC);
		cr_assert_eq(world_holder(&w), A);
		cr_assert_eq(w.n[B].node.state, HA_PASSIVE);
		cr_assert(!node_degraded(&w.n[A].node, world_local(&w, A, w.now)));
	}
}

Test(node_pair, power_off_of_the_active_and_its_return)
{
	world_power_off(&w, A);
	world_run(&w, 10 * HA_SEC);
	world_power_on(&w, A);
	world_run(&w, 5 * HA_SEC);
	cr_assert_str_eq(w.story,
			 "\nb carrier_down link\nb active T3\nb path_down link\n"
			 "b path_down management\nb carrier_up link\n"
			 "b peer_restarted\nb path_up link\na passive boot\na path_up link\n"
			 "b path_up management\na path_up management\n");
	cr_assert_eq(world_holder(&w), B, "no preemption");
}

Test(node_pair, freeze_of_the_active_and_its_wake)
{
	world_suspend(&w, A, 2 * HA_SEC);
	world_run(&w, 4 * HA_SEC);
	cr_assert(world_saw(&w, "b active T2"));
	cr_assert(world_saw(&w, "a passive Y6"));
	cr_assert_eq(world_holder(&w), B);
	cr_assert_eq(w.dual, 0);
}

Test(node_pair, the_cable_alone_is_cut)
{
	world_carrier(&w, A, HA_PATH_LINK, false);
	world_carrier(&w, B, HA_PATH_LINK, false);
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert(node_degraded(&w.n[A].node, world_local(&w, A, w.now)));
	cr_assert_eq(w.n[B].promotions, 0u);
	world_power_off(&w, A); /* and now the other way: still T2 */
	cr_assert(world_until_holder(&w, B, 110 * HA_MS));
}

Test(node_pair, management_of_the_active_is_cut)
{
	world_isolate(&w, A, true);
	world_run(&w, 3 * HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	cr_assert_eq(w.n[A].node.reason, REASON_DEAF);
	cr_assert_eq(w.dual, 0);
}

Test(node_pair, management_of_the_passive_is_cut)
{
	world_isolate(&w, B, true);
	world_run(&w, 3 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert(!node_peer_ready(&w.n[A].node, world_local(&w, A, w.now)));
}

/* The passive hears nothing of the active, which hears it: the new holder wins at once. */
Test(node_pair, one_way_loss)
{
	w.dual_allowed = true;
	world_cut(&w, HA_PATH_LINK, A, B, true);
	world_cut(&w, HA_PATH_MANAGEMENT, A, B, true);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	cr_assert(world_saw(&w, "a passive Y3"));
	cr_assert_leq(w.dual, HA_MS);
	world_heal(&w);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), B);
}

Test(node_pair, one_way_loss_the_other_way)
{
	world_cut(&w, HA_PATH_LINK, B, A, true);
	world_cut(&w, HA_PATH_MANAGEMENT, B, A, true);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	world_heal(&w);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), A);
}

/* A split of the segment with stations on both sides is the one that two nodes cannot tell from death. */
Test(node_pair, total_partition_and_heal)
{
	w.dual_allowed = true;
	world_split(&w, HA_PATH_LINK, true);
	world_split(&w, HA_PATH_MANAGEMENT, true);
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(world_holder(&w), BOTH);
	w.dual = 0;
	world_heal(&w);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), B, "the higher term");
	cr_assert_leq(w.dual, 2 * w.timing.heartbeat + HA_MS, "a session, one frame, the release");
	cr_assert_eq(w.n[A].promotions + w.n[B].promotions, 2u);
}

/* Nothing is taken for dead at the moment of healing because the station is heard before the peer. */
Test(node_pair, a_cut_of_any_length_heals_without_a_new_takeover)
{
	for (ha_time length = 10 * HA_MS; length < 700 * HA_MS; length += 17 * HA_MS) {
		world_init(&w, 1);
		world_pair(&w);
		world_split(&w, HA_PATH_LINK, true);
		world_isolate(&w, B, true);
		world_run(&w, length);
		world_heal(&w);
		world_run(&w, HA_SEC);
		cr_assert_eq(w.n[B].promotions, 0u, "%lld ms", (long long)(length / HA_MS));
		cr_assert_eq(world_holder(&w), A);
	}
}

Test(node_pair, a_link_that_flaps_a_hundred_times)
{
	for (int k = 0; k < 100; k++) {
		bool up = k % 2;

		world_carrier(&w, A, HA_PATH_LINK, up);
		world_carrier(&w, B, HA_PATH_LINK, up);
		world_run(&w, (ha_time)world_chance(&w, 60) * HA_MS);
	}
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[B].promotions, 0u);
}

Test(node_pair, thirty_per_cent_loss_for_ten_minutes)
{
	world_loss(&w, 30);
	world_run(&w, 600 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[B].promotions, 0u);
	cr_assert_eq(w.n[A].promotions, 1u);
}

Test(node_pair, sigterm_and_the_return)
{
	world_operator(&w, A, OP_SHUTDOWN, 0);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	world_engine_start(&w, A);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	cr_assert_eq(w.n[A].node.state, HA_PASSIVE);
	cr_assert_eq(w.dual, 0);
}

/* Faster than the dead interval: it is the better one still; slower: the passive has taken over. */
Test(node_pair, restart_of_the_active_s_engine)
{
	world_engine_kill(&w, A);
	world_run(&w, 50 * HA_MS);
	world_engine_start(&w, A);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[B].promotions, 0u);
	world_engine_kill(&w, A);
	world_run(&w, 500 * HA_MS);
	world_engine_start(&w, A);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	cr_assert_eq(w.dual, 0);
}

Test(node_pair, the_active_s_guardian_is_stopped)
{
	w.n[A].guardian.blocked_until = w.now + 5 * HA_SEC;
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(w.dual, 0);
	cr_assert_geq(world_holder(&w), A);
	cr_assert_leq(w.n[A].promotions + w.n[B].promotions, 3u);
}

/* Nothing comes from the address any more, and only the engine can say so. */
Test(node_pair, the_active_s_guardian_is_stopped_for_good)
{
	w.n[A].guardian.blocked_until = w.now + 1000 * HA_SEC;
	cr_assert(world_until_holder(&w, B, HA_SEC));
	cr_assert_eq(w.dual, 0);
	cr_assert(world_saw(&w, "a passive Y1"));
	cr_assert(node_why_not(&w.n[A].node, world_local(&w, A, w.now)) & WHY_NOT_GUARDIAN);
}

Test(node_pair, a_guardian_that_can_put_nothing_on)
{
	w.n[B].guardian.failing = true;
	world_power_off(&w, A);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
	world_power_on(&w, A);
	cr_assert(world_until_holder(&w, A, 5 * HA_SEC), "it hands over what it cannot hold");
}

Test(node_pair, both_lose_power_at_once)
{
	world_power_off(&w, A);
	world_power_off(&w, B);
	world_run(&w, HA_SEC);
	world_power_on(&w, B);
	world_power_on(&w, A);
	cr_assert(world_until_holder(&w, A, HA_SEC));
	world_run(&w, HA_SEC);
	cr_assert_eq(w.n[B].promotions, 0u);
}

Test(node_pair, the_same_seed_gives_the_same_story)
{
	static char first[WORLD_STORY];

	for (int k = 0; k < 2; k++) {
		world_init(&w, 42);
		world_pair(&w);
		w.dual_allowed = true;
		world_loss(&w, 70);
		world_run(&w, 20 * HA_SEC);
		if (!k)
			strcpy(first, w.trace);
	}
	cr_assert_str_eq(w.trace, first);
	cr_assert_neq(w.trace_len, 1u);
}
