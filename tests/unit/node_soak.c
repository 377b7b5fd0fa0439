/* node_soak.c - seeded random faults and operators, then everything is healed: exactly one holds, soon, and stays. A pair
 * that ended meanwhile has left it with the one that keeps it, if there is one; it joins again, and is ready. On a
 * failure the seed is in the message; the same seed gives the same story. */
#include "tests/sim/world.h"

#include <criterion/criterion.h>

enum {
	FAULTS = 12,  /* of a sequence */
	HEALED_S = 8, /* SPEC 5.9: the slowest way back is V1's 3 s and a boot */
	SEQUENCES = 150,
	SEQUENCES_FAST = 8, /* ten times the frames */
};

static const struct node_timing normal = {20 * HA_MS, 100 * HA_MS, 5 * HA_MS, 3 * HA_SEC,
					  30 * HA_SEC};
static const struct node_timing fast = {2 * HA_MS, 8 * HA_MS, 3 * HA_MS, 3 * HA_SEC, 30 * HA_SEC};
static const struct node_timing calm = {200 * HA_MS, 1000 * HA_MS, 50 * HA_MS, 3 * HA_SEC,
					30 * HA_SEC};

static struct world w;

static int any_node(void)
{
	return (int)world_chance(&w, 2);
}

static enum ha_path any_path(void)
{
	return world_chance(&w, 2) ? HA_PATH_MANAGEMENT : HA_PATH_LINK;
}

static ha_time up_to(ha_time most)
{
	return (ha_time)world_chance(&w, (uint64_t)most);
}

/* What one appliance can suffer: none of it may ever make two holders. */
static void appliance_fault(void)
{
	int i = any_node();
	struct world_node *n = &w.n[i];

	switch (world_chance(&w, 13)) {
	case 0:
		world_power_off(&w, i);
		break;
	case 1:
	case 2:
		world_power_on(&w, i);
		break;
	case 3:
		world_engine_kill(&w, i);
		break;
	case 4:
	case 5:
		world_engine_start(&w, i);
		break;
	case 6:
		world_pause(&w, i, up_to(50 * w.timing.heartbeat));
		break;
	case 7:
		world_suspend(&w, i, up_to(50 * w.timing.heartbeat));
		break;
	case 8:
		n->guardian.failing = !n->guardian.failing;
		break;
	case 9:
		n->store.failing = !n->store.failing;
		break;
	case 10:
		world_carrier(&w, i, HA_PATH_LINK, n->powered && world_chance(&w, 2));
		break;
	case 11:
	case 12:
		if (n->running)
			world_checks(&w, i, world_chance(&w, 2), world_chance(&w, 3) == 0);
		break;
	}
}

/* What people ask of it. */
static void operators(void)
{
	int i = any_node();

	if (!w.n[i].running)
		return;
	switch (world_chance(&w, 7)) {
	case 0:
	case 1:
		world_operator(&w, i, OP_SWAP, 1);
		break;
	case 2:
		world_operator(&w, i, OP_SUSPEND, 2);
		break;
	case 3:
		world_suspend_for(&w, i, up_to(2 * HA_SEC), 3);
		break;
	case 4:
		world_operator(&w, i, OP_RESUME, 4);
		break;
	case 5:
		world_detach(&w, i);
		break;
	case 6: /* at both ends of a cut it would be one pair of holders: two appliances that never meet again */
		if (w.n[1 - i].store.paired)
			world_remove(&w, i);
		break;
	}
}

/* What the wires can suffer besides. */
static void wire_fault(void)
{
	int i = any_node();
	struct world_node *n = &w.n[i];

	switch (world_chance(&w, 9)) {
	case 0:
		world_cut(&w, any_path(), i, 1 - i, world_chance(&w, 2));
		break;
	case 1:
		world_split(&w, any_path(), world_chance(&w, 2));
		break;
	case 2:
		world_isolate(&w, i, world_chance(&w, 2));
		break;
	case 3:
		world_loss(&w, (unsigned)world_chance(&w, 80));
		break;
	case 4:
		world_carrier(&w, i, any_path(), n->powered && world_chance(&w, 2));
		break;
	case 5:
		w.station_silent = world_chance(&w, 2);
		break;
	case 6:
		n->resigned_lost = world_chance(&w, 2);
		n->taking_lost = world_chance(&w, 2);
		break;
	case 7:
		world_freeze(&w, i, up_to(50 * w.timing.heartbeat));
		break;
	case 8:
		n->guardian.dead = world_chance(&w, 2);
		break;
	}
}

static void heal(void)
{
	ha_time wait = 0;

	for (int i = A; i <= B; i++) {
		ha_time blocked = w.n[i].blocked_until - w.now;

		wait = blocked > wait ? blocked : wait;
	}
	world_run(&w, wait + HA_MS);
	world_heal(&w);
	for (int i = A; i <= B; i++) {
		if (!w.n[i].powered)
			world_power_on(&w, i);
		world_engine_start(&w, i);
	}
	for (int i = A; i <= B; i++)
		world_check(&w, i, true);
	world_run(&w, HA_SEC);
	for (int i = A; i <= B; i++)
		world_operator(&w, i, OP_RESUME, 9);
}

/* Who is to hold now that everything is whole: of a pair either, else the one that kept it. If two removed each other
 * in the same moment the other finds it taken. */
static void check_settled(void)
{
	int holder = world_holder(&w), keeper = NOBODY;

	if (w.n[A].store.paired != w.n[B].store.paired)
		world_fail(&w, "one of them does not know that the pair has ended");
	for (int i = A; i <= B; i++)
		if (!w.n[i].store.paired && w.n[i].node.mode == HA_MODE_PRIMARY_ACTIVE)
			keeper = keeper == NOBODY ? i : BOTH;
	if (w.n[A].store.paired || keeper == BOTH ? holder < 0 : holder != keeper)
		world_fail(&w, "not one holder after everything was healed");
}

/* A pair that has ended is made anew. */
static void join_again(void)
{
	int holder = world_holder(&w);

	if (w.n[A].store.paired)
		return;
	if (holder == NOBODY) {
		world_operator(&w, A, OP_FORCE, 10);
		world_run(&w, HA_SEC);
		holder = world_holder(&w);
	}
	world_join(&w, holder);
	world_copy(&w, 1 - holder, true, true, w.n[holder].lineage.number);
	world_run(&w, 3 * HA_SEC);
	if (world_holder(&w) != holder ||
	    !(node_peer_ready(&w.n[holder].node, world_local(&w, holder, w.now)) ||
	      w.n[holder].node.peer.last.why_not == WHY_NOT_GUARDIAN ||
	      w.n[holder].node.peer.last.why_not == WHY_NOT_CHECK))
		world_fail(&w, "the new pair is not whole");
}

static void sequence(uint64_t seed, const struct node_timing *timing, bool wires)
{
	ha_time long_while = 50 * timing->heartbeat, short_while = timing->dead / 2;

	world_init(&w, seed);
	w.timing = *timing;
	world_pair(&w);
	w.dual_allowed = wires;
	for (int k = 0; k < FAULTS; k++) {
		if (world_chance(&w, 4) == 0)
			operators();
		else if (wires && world_chance(&w, 2))
			wire_fault();
		else
			appliance_fault();
		world_run(&w, up_to(world_chance(&w, 3) ? short_while : long_while));
	}
	world_tell(&w, "(healed)");
	heal();
	world_run(&w, HEALED_S * HA_SEC);
	check_settled();
	w.dual_allowed = false;
	world_run(&w, HA_SEC);
	if (w.now - w.held_at < HA_SEC)
		world_fail(&w, "the holder still changes after everything was healed");
	join_again();
}

static void soak(uint64_t first, unsigned n, const struct node_timing *timing, bool wires)
{
	for (uint64_t seed = first; seed < first + n; seed++) {
		cr_log_info("seed %llu", (unsigned long long)seed);
		sequence(seed, timing, wires);
	}
}

Test(node_soak, appliances_fail_and_never_two_hold)
{
	soak(1, SEQUENCES, &normal, false);
}

Test(node_soak, wires_fail_too_and_one_holds_after_healing)
{
	soak(100001, SEQUENCES, &normal, true);
}

Test(node_soak, the_same_with_fast_timing)
{
	soak(200001, SEQUENCES_FAST, &fast, false);
	soak(300001, SEQUENCES_FAST, &fast, true);
}

Test(node_soak, the_same_with_calm_timing)
{
	soak(400001, SEQUENCES, &calm, false);
	soak(500001, SEQUENCES, &calm, true);
}
