/* SPEC 5.U1: another program goes on as the holder. */
#include "tests/unit/node_solo.h"

#include <criterion/criterion.h>

static struct solo solo;

static bool may_go_on(void)
{
	return node_may_go_on(solo_node(&solo), solo_now(&solo));
}

/* --- who may be silent for a moment --- */

Test(node_upgrade, U1_a_holder_whose_peer_is_ready_hands_over_instead)
{
	solo_active(&solo);
	cr_assert(!may_go_on());
}

Test(node_upgrade, U1_a_holder_whose_peer_cannot_take_goes_on)
{
	solo_active(&solo);
	solo.says.flags &= (uint8_t)~MSG_FLAG_ELIGIBLE;
	solo.says.why_not = WHY_NOT_CHECK;
	solo_goes_on(&solo, 100 * HA_MS);
	cr_assert(may_go_on());
}

Test(node_upgrade, U1_a_holder_whose_peer_is_silent_goes_on)
{
	solo_active(&solo);
	world_run(&solo.w, 2 * solo.w.timing.dead);
	cr_assert(world_holds(&solo.w, A));
	cr_assert(may_go_on());
}

Test(node_upgrade, U1_not_while_the_peer_claims)
{
	solo_active(&solo);
	solo.says.flags &= (uint8_t)~MSG_FLAG_ELIGIBLE;
	solo.says.why_not = WHY_NOT_CHECK;
	solo.says.claim = HA_CLAIM_HOLDING;
	solo.says.term = 1; /* a lower one: this node stays */
	solo_goes_on(&solo, 100 * HA_MS);
	cr_assert(world_holds(&solo.w, A));
	cr_assert(!may_go_on());
}

Test(node_upgrade, U1_not_who_holds_nothing_or_is_about_to_leave)
{
	struct node_event stop = {.type = EV_OPERATOR, .op = OP_SHUTDOWN};

	solo_passive(&solo);
	cr_assert(!may_go_on());
	solo_active(&solo);
	world_run(&solo.w, 2 * solo.w.timing.dead);
	world_event(&solo.w, A, &stop);
	cr_assert(!may_go_on());
}

/* --- how it goes on --- */

static struct node node;
static struct node_actions out;

static struct node_config held(void)
{
	return (struct node_config){
		.timing = {.heartbeat = 20 * HA_MS,
			   .dead = 100 * HA_MS,
			   .confirm = 5 * HA_MS,
			   .boot_wait = 3 * HA_SEC,
			   .boot_wait_passive = 30 * HA_SEC},
		.boot = 7,
		.mode = HA_MODE_PRIMARY_ACTIVE,
		.paired = true,
		.store_ok = true,
		.whole_copy = true,
		.term = 4,
		.held_term = 4,
		.reserved = 6,
		.vip_n = 1,
		.vip = {{HA_IPV4, {192, 0, 2, 100}}},
		.fenced = true,
		.held = true,
	};
}

static void step(enum node_event_type type, ha_time now)
{
	const struct node_event ev = {.type = type, .now = now};

	node_step(&node, &ev, &out);
}

static const struct node_action *action(enum node_action_type type)
{
	for (unsigned i = 0; i < out.n; i++)
		if (out.a[i].type == type)
			return &out.a[i];
	return NULL;
}

Test(node_upgrade, U1_holds_on_at_the_first_step_under_the_term_that_it_has)
{
	const struct node_config config = held();
	const struct node_action *hold;

	node_init(&node, &config, HA_SEC);
	step(EV_TIMER, HA_SEC);
	hold = action(ACT_HOLD);
	cr_assert_not_null(hold);
	cr_expect_eq(hold->lease, 1, "the one that the guardian keeps for it");
	cr_expect_eq(node.state, HA_ACTIVE);
	cr_expect_eq(node.reason, REASON_UPGRADED);
	cr_expect_eq(node.term, 4);
	cr_expect_eq(node.term_known, 4);
	cr_expect_eq(node.claim, HA_CLAIM_TAKING, "until the guardian confirms it");
}

Test(node_upgrade, U1_a_lease_that_was_withdrawn_meanwhile_is_lost_like_any_other)
{
	const struct node_config config = held();
	struct node_event ev = {.type = EV_LEASE, .now = HA_SEC + HA_MS};

	node_init(&node, &config, HA_SEC);
	step(EV_TIMER, HA_SEC);
	ev.lease.id = 1;
	ev.lease.status = NODE_LEASE_DROPPED;
	node_step(&node, &ev, &out);
	cr_expect(!node.lease.wanted);
	step(EV_TIMER, HA_SEC + 500 * HA_MS); /* too late to acquire it anew */
	cr_expect_eq(node.state, HA_PASSIVE);
	cr_expect_eq(node.claim, HA_CLAIM_NONE);
}

Test(node_upgrade, U1_gives_way_to_a_peer_that_took_under_a_higher_term)
{
	const struct node_config config = held();
	struct node_event session = {
		.type = EV_SESSION, .now = HA_SEC + HA_MS, .path = HA_PATH_LINK, .boot = 3};
	struct node_event heard = {.type = EV_HEARTBEAT,
				   .now = HA_SEC + 2 * HA_MS,
				   .path = HA_PATH_LINK,
				   .heard_at = HA_SEC + 2 * HA_MS,
				   .counter = 1};

	node_init(&node, &config, HA_SEC);
	step(EV_TIMER, HA_SEC);
	node_step(&node, &session, &out);
	heard.heartbeat = (struct msg_heartbeat){
		.boot = 3,
		.number = 1,
		.mode = HA_MODE_PRIMARY_PASSIVE,
		.state = HA_ACTIVE,
		.claim = HA_CLAIM_HOLDING,
		.flags = MSG_FLAG_ELIGIBLE | MSG_FLAG_REACH_OK | MSG_FLAG_CARRIER,
		.term = 5,
	};
	node_step(&node, &heard, &out);
	cr_expect_not_null(action(ACT_RELEASE));
	cr_expect_eq(node.state, HA_PASSIVE);
	cr_expect_eq(node.reason, REASON_HIGHER_TERM);
}

Test(node_upgrade, U1_not_by_guess)
{
	struct node_config config = held();

	config.store_ok = false;
	node_init(&node, &config, HA_SEC);
	step(EV_TIMER, HA_SEC);
	cr_expect_null(action(ACT_HOLD));
	cr_expect_eq(node.state, HA_FAULTED);
	config = held();
	config.vip_n = 0;
	node_init(&node, &config, HA_SEC);
	step(EV_TIMER, HA_SEC);
	cr_expect_null(action(ACT_HOLD));
}
