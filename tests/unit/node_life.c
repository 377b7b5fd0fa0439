/* node_life.c - SPEC 5.10: the end of a pair, what is refused, and roles. */
#include "tests/unit/node_solo.h"

#include <criterion/criterion.h>

#include "proto/judge.h"

static struct world w;
static struct solo solo;

static void setup(void)
{
	world_init(&w, 1);
	world_pair(&w);
}

TestSuite(node_life, .init = setup);

static ha_time now(int i)
{
	return world_local(&w, i, w.now);
}

static enum node_role role(int i)
{
	return node_role(&w.n[i].node);
}

static void is_standalone(int i, enum ha_reason reason)
{
	const struct node *n = &w.n[i].node;

	cr_assert_eq(n->mode, HA_MODE_STANDALONE);
	cr_assert_eq(n->state, HA_ACTIVE);
	cr_assert_eq(n->reason, reason);
	cr_assert_eq(n->claim, HA_CLAIM_NONE);
	cr_assert_eq(role(i), ROLE_STANDALONE);
	cr_assert_eq(w.n[i].store.disk.mode, HA_MODE_STANDALONE);
	cr_assert(w.n[i].store.disk.whole_copy);
	cr_assert(!w.n[i].store.disk.in_sync);
	cr_assert_eq(w.n[i].store.disk.reserved, 0u);
}

/* --- D1 --- */

Test(node_life, D1_detach_leaves_the_virtual_ip_with_the_holder)
{
	world_run(&w, 10 * HA_SEC);
	world_detach(&w, A);
	world_run(&w, HA_SEC);
	cr_assert_str_eq(w.story,
			 "\nb detached\nb active D1\nb is standalone\na detached\na keeps it\n");
	cr_assert_eq(world_holder(&w), A);
	cr_assert_geq(w.now - w.held_at, 13 * HA_SEC, "without a gap");
	cr_assert_eq(role(A), ROLE_ACTIVE);
	cr_assert_eq(w.n[A].node.mode, HA_MODE_PRIMARY_ACTIVE);
	is_standalone(B, REASON_DETACHED);
	cr_assert(!node_degraded(&w.n[A].node, now(A)));
	cr_assert(!node_degraded(&w.n[B].node, now(B)));
}

Test(node_life, D1_is_told_with_its_reason_and_how)
{
	struct node_event ev = {.type = EV_UNPAIRED,
				.unpaired = {.why = PARTING_DETACHED, .keeps = true}};
	struct node_actions out;
	unsigned told = 0;

	ev.now = now(A);
	node_step(&w.n[A].node, &ev, &out);
	for (unsigned k = 0; k < out.n; k++) {
		if (out.a[k].type != ACT_EVENT || out.a[k].event != EVENT_DETACHED)
			continue;
		told++;
		cr_assert_eq(out.a[k].reason, REASON_DETACHED);
		cr_assert_eq(out.a[k].detail, PARTING_DETACHED);
	}
	cr_assert_eq(told, 1u);
}

Test(node_life, D4_the_holder_goes_on_announcing_and_renewing)
{
	unsigned announced;

	world_detach(&w, A);
	world_run(&w, HA_SEC);
	announced = w.announced[A];
	world_run(&w, 200 * HA_SEC);
	cr_assert_geq(w.announced[A], announced + 3, "every 60 s");
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[A].promotions, 1u);
}

Test(node_life, D4_a_standalone_node_never_takes_and_asks_nobody)
{
	unsigned probes;

	world_detach(&w, A);
	world_run(&w, HA_SEC);
	world_power_off(&w, A);
	probes = w.probes;
	world_run(&w, 120 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert_eq(w.probes, probes);
	world_engine_kill(&w, B);
	world_engine_start(&w, B);
	world_run(&w, 120 * HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY, "nor after a reboot");
	cr_assert_eq(role(B), ROLE_STANDALONE);
}

Test(node_life, D4_a_standalone_node_is_not_moved_by_who_has_the_virtual_ip)
{
	struct node_event ev = {.type = EV_SEGMENT};

	world_detach(&w, A);
	world_run(&w, HA_SEC);
	world_forget(&w);
	ev.heard_at = now(B);
	ev.segment.source = w.n[A].node.config.mac;
	ev.segment.sender = w.n[B].node.config.vip[0];
	world_event(&w, B, &ev);
	world_run(&w, HA_SEC);
	cr_assert_str_eq(w.story, "\n");
}

Test(node_life, D4_nothing_of_the_peer_is_left_and_nothing_that_it_still_says_counts)
{
	const struct node *n = solo_node(&solo);

	solo_passive(&solo);
	solo.says.why_not = WHY_NOT_SUSPENDED;
	solo.says.suspended_s = 100;
	solo.says.flags = 0;
	solo_say(&solo);
	cr_assert(n->suspended);
	world_event(&solo.w, A,
		    &(struct node_event){.type = EV_UNPAIRED, .unpaired.why = PARTING_DETACHED});
	cr_assert(!n->suspended);
	solo_say(&solo);
	solo_session(&solo, HA_PATH_LINK);
	world_event(&solo.w, A, &(struct node_event){.type = EV_SOLICIT, .heard_at = n->now});
	world_run(&solo.w, HA_SEC);
	cr_assert(!n->peer.known);
	cr_assert(ha_mac_is_zero(&n->peer.mac));
	cr_assert(!n->path[HA_PATH_LINK].session && !n->path[HA_PATH_MANAGEMENT].session);
	cr_assert_eq(solo.w.answers, 0u);
	cr_assert_eq(n->suspended_until, HA_NEVER);
	cr_assert_eq(n->state, HA_ACTIVE);
}

Test(node_life, D4_who_is_standalone_has_the_virtual_ips_of_its_own_configuration)
{
	struct node_event ev = {.type = EV_UNPAIRED,
				.unpaired = {.why = PARTING_DETACHED,
					     .vip_n = 1,
					     .vip = {{HA_IPV4, {192, 0, 2, 200}}}}};

	world_event(&w, B, &ev);
	cr_assert_eq(w.n[B].node.config.vip_n, 1u);
	cr_assert(ha_address_equal(&w.n[B].node.config.vip[0], &ev.unpaired.vip[0]));
	ev.unpaired.keeps = true;
	world_event(&w, A, &ev);
	cr_assert_eq(w.n[A].node.config.vip_n, 2u, "a holder's stay as they are");
}

/* While the passive's record is being written its holder resigns: it is the passive that yields. */
Test(node_life, D1_who_agreed_to_be_detached_holds_nothing_even_if_it_took_meanwhile)
{
	w.n[B].store.delay = 50 * HA_MS;
	world_detach(&w, A);
	world_check(&w, A, false);
	cr_assert(world_until_holder(&w, B, 40 * HA_MS));
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), A, "by the boot rule");
	cr_assert_eq(role(A), ROLE_ACTIVE);
	is_standalone(B, REASON_DETACHED);
	cr_assert_eq(w.dual, 0);
}

Test(node_life, D1_a_holder_in_the_midst_of_a_handover_takes_it_back)
{
	solo_active(&solo);
	world_operator(&solo.w, A, OP_SWAP, 1);
	solo.says.handover = solo_node(&solo)->handover.own;
	solo.says.handover.phase = HANDOVER_ACK;
	solo_goes_on(&solo, 20 * HA_MS);
	cr_assert_eq(solo_node(&solo)->claim, HA_CLAIM_RESIGNED);
	cr_assert(node_keeps(solo_node(&solo), PARTING_LEFT, false));
	world_event(&solo.w, A,
		    &(struct node_event){.type = EV_UNPAIRED,
					 .unpaired = {.why = PARTING_LEFT, .keeps = true}});
	cr_assert(world_saw(&solo.w, "a reply 1: this appliance is not part of a pair"));
	cr_assert_eq(solo_node(&solo)->claim, HA_CLAIM_NONE);
	cr_assert(world_until_holder(&solo.w, A, HA_SEC));
}

/* The last word of the passive is lost, and the active learns of it when it is heard on the link. */
Test(node_life, D1_the_active_keeps_it_also_if_it_learns_late)
{
	w.n[B].store.delay = 10 * HA_MS;
	world_detach(&w, A);
	world_split(&w, HA_PATH_LINK, true);
	world_split(&w, HA_PATH_MANAGEMENT, true);
	world_run(&w, HA_SEC);
	cr_assert(w.n[A].store.paired);
	cr_assert(!w.n[B].store.paired);
	world_engine_kill(&w, A);
	world_engine_start(&w, A);
	world_heal(&w);
	world_run(&w, 3 * HA_SEC);
	cr_assert(!w.n[A].store.paired);
	cr_assert_eq(world_holder(&w), A);
	is_standalone(B, REASON_DETACHED);
}

/* --- D2, D3 --- */

Test(node_life, D2_a_holder_that_removes_its_dead_peer_stays_and_the_peer_learns_of_it)
{
	world_power_off(&w, B);
	world_run(&w, HA_SEC);
	world_remove(&w, A);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[A].node.mode, HA_MODE_PRIMARY_ACTIVE);
	world_power_on(&w, B);
	world_run(&w, 3 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	is_standalone(B, REASON_REMOVED);
}

Test(node_life, D2_a_passive_that_removes_its_dead_holder_is_standalone)
{
	world_operator(&w, A, OP_SUSPEND, 1); /* or it would hold by then */
	world_run(&w, 100 * HA_MS);
	world_power_off(&w, A);
	world_run(&w, HA_SEC);
	world_remove(&w, B);
	world_run(&w, 60 * HA_SEC);
	is_standalone(B, REASON_LEFT);
	cr_assert_eq(world_holder(&w), NOBODY);
}

/* A passive that was taken out of its place, and removed the active that it does not hear there. */
Test(node_life, D3_a_passive_that_left_takes_nothing_from_the_active)
{
	world_operator(&w, A, OP_SUSPEND, 1); /* it will not take over meanwhile */
	world_run(&w, 100 * HA_MS);
	world_split(&w, HA_PATH_LINK, true);
	world_isolate(&w, B, true);
	world_run(&w, HA_SEC);
	world_remove(&w, B);
	world_run(&w, HA_SEC);
	is_standalone(B, REASON_LEFT);
	world_heal(&w);
	world_run(&w, 3 * HA_SEC);
	cr_assert(!w.n[A].store.paired, "it was told");
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[A].promotions, 1u, "without a gap");
	cr_assert_eq(w.n[A].node.mode, HA_MODE_PRIMARY_ACTIVE);
	is_standalone(B, REASON_LEFT);
}

/* Of two that kept it one has to go: the one that was made active by an operator, for want of the other, stays. */
Test(node_life, D3_one_that_was_forced_since_keeps_it_from_the_one_that_comes_back)
{
	w.dual_allowed = true;
	world_operator(&w, A, OP_SUSPEND, 1);
	world_run(&w, 100 * HA_MS);
	world_split(&w, HA_PATH_LINK, true);
	world_split(&w, HA_PATH_MANAGEMENT, true);
	world_run(&w, HA_SEC);
	world_remove(&w, B);
	world_run(&w, HA_SEC);
	world_operator(&w, B, OP_FORCE, 1);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), BOTH);
	world_heal(&w);
	world_run(&w, 3 * HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	is_standalone(A, REASON_REMOVED);
}

/* Both hold, each in its half of a network that is cut in two. */
Test(node_life, D3_a_holder_that_was_removed_releases_at_once)
{
	w.dual_allowed = true;
	world_split(&w, HA_PATH_LINK, true);
	world_split(&w, HA_PATH_MANAGEMENT, true);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), BOTH);
	world_remove(&w, A);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), BOTH);
	w.dual = 0;
	world_heal(&w);
	world_run(&w, 3 * HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_leq(w.dual, HA_SEC + 10 * HA_MS, "a beacon's time");
	is_standalone(B, REASON_REMOVED);
}

Test(node_life, D3_never_keeps)
{
	cr_assert(!node_keeps(&w.n[A].node, PARTING_REMOVED, false));
	cr_assert(node_keeps(&w.n[A].node, PARTING_LEFT, false));
	cr_assert(!node_keeps(&w.n[B].node, PARTING_LEFT, false));
	cr_assert(node_keeps(&w.n[A].node, PARTING_DETACHED, false));
	cr_assert(!node_keeps(&w.n[B].node, PARTING_DETACHED, true));
}

/* --- the lease of an unpaired holder --- */

Test(node_life, L4_unpaired_it_is_acquired_anew_at_once_while_nobody_can_have_taken)
{
	world_detach(&w, A);
	world_run(&w, HA_SEC);
	world_pause(
		&w, A,
		120 * HA_MS); /* the lease ends at 60, three probes cannot have gone out by then */
	world_run(&w, 125 * HA_MS);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[A].promotions, 1u);
	world_suspend(&w, A, 2 * HA_SEC);
	world_run(&w, 2100 * HA_MS);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert(world_saw(&w, "a initializing Y6"));
	cr_assert(world_until_holder(&w, A, HA_SEC), "by the boot rule");
}

Test(node_life, L4_unpaired_by_remove_it_is_never_acquired_anew_at_once)
{
	world_power_off(&w, B);
	world_run(&w, HA_SEC);
	world_remove(&w, A);
	world_run(&w, HA_SEC);
	for (int booted = 0; booted <= 1; booted++) {
		world_forget(&w);
		world_pause(&w, A, 90 * HA_MS);
		world_run(&w, 150 * HA_MS);
		cr_assert_eq(world_holder(&w), NOBODY);
		cr_assert(world_saw(&w, "a initializing Y6"));
		cr_assert(world_until_holder(&w, A, HA_SEC), "by the boot rule");
		world_run(&w, 10 * HA_MS);
		world_engine_kill(&w, A);
		world_engine_start(&w, A);
		cr_assert(world_until_holder(&w, A, HA_SEC));
		world_run(&w, HA_SEC);
	}
}

/* The removed peer knows nothing of it, cannot be told, and takes over from a holder that is stopped. */
Test(node_life, Y6_an_unpaired_holder_that_slept_does_not_hold_beside_a_former_peer)
{
	world_power_off(&w, B);
	world_run(&w, HA_SEC);
	world_remove(&w, A);
	world_split(&w, HA_PATH_LINK, true);
	world_power_on(&w, B);
	world_run(&w, 35 * HA_SEC);
	cr_assert_eq(world_holder(&w), A, "it answers");
	world_suspend(&w, A, 2 * HA_SEC);
	cr_assert(world_until_holder(&w, B, 2 * HA_SEC));
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	cr_assert_eq(w.n[A].node.state, HA_FAULTED);
	cr_assert_eq(w.dual, 0);
	world_split(&w, HA_PATH_LINK, false);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), A, "it was told");
	is_standalone(B, REASON_REMOVED);
}

/* --- D5 --- */

Test(node_life, D5_a_detached_pair_joins_again)
{
	world_detach(&w, A);
	world_run(&w, HA_SEC);
	world_join(&w, A);
	cr_assert(!w.n[B].node.whole_copy);
	cr_assert(w.n[A].node.whole_copy);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(role(B), ROLE_PASSIVE);
	cr_assert_eq(node_why_not(&w.n[B].node, now(B)), WHY_NOT_COPY);
	world_copy(&w, B, true, true, 7);
	world_run(&w, HA_SEC);
	cr_assert(world_saw(&w, "b copy_whole"));
	cr_assert(!node_degraded(&w.n[A].node, now(A)));
	world_power_off(&w, A);
	cr_assert(world_until_holder(&w, B, 20 * HA_MS));
}

Test(node_life, D5_who_was_standalone_joins_the_other_way_round)
{
	world_detach(&w, A);
	world_run(&w, HA_SEC);
	world_power_off(&w, A);
	world_operator(&w, B, OP_FORCE, 1);
	cr_assert(world_until_holder(&w, B, HA_SEC));
	world_power_on(&w, A);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	cr_assert_eq(w.n[A].node.state, HA_FAULTED, "its virtual IP is taken");
	cr_assert_eq(role(A), ROLE_PASSIVE);
	world_join(&w, B);
	world_copy(&w, A, true, true, 7);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	cr_assert_eq(w.n[A].node.state, HA_PASSIVE);
}

Test(node_life, D5_force_makes_a_standalone_node_active_by_the_boot_rule)
{
	world_detach(&w, A);
	world_run(&w, HA_SEC);
	world_operator(&w, B, OP_FORCE, 1);
	cr_assert(world_saw(&w, "b reply 1: done"));
	cr_assert_eq(role(B), ROLE_NONE, "not decided yet");
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(world_holder(&w), A, "it answers");
	cr_assert_eq(w.n[B].node.state, HA_FAULTED);
	world_operator(&w, B, OP_FORCE, 2);
	cr_assert(world_saw(&w, "b reply 2: another station answers for the virtual IP"));
	world_power_off(&w, A);
	cr_assert(world_until_holder(&w, B, 2 * HA_SEC));
	cr_assert_eq(role(B), ROLE_ACTIVE);
	cr_assert_eq(w.n[B].store.disk.mode, HA_MODE_PRIMARY_ACTIVE);
}

Test(node_life, D5_force_needs_a_virtual_ip)
{
	world_event(&w, B,
		    &(struct node_event){.type = EV_UNPAIRED, .unpaired.why = PARTING_REMOVED});
	world_operator(&w, B, OP_FORCE, 1);
	cr_assert(world_saw(&w, "b reply 1: no virtual IP is configured"));
	is_standalone(B, REASON_REMOVED);
}

/* It was active alone for longer than the pair exists: its terms are higher. */
Test(node_life, D5_who_joins_has_never_held_in_the_pair)
{
	world_detach(&w, A);
	world_run(&w, HA_SEC);
	w.n[B].node.term = w.n[B].node.term_known = w.n[B].node.term_floor = 101;
	world_join(&w, A);
	world_copy(&w, B, true, true, 7);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[B].node.term, 0u);
	cr_assert_eq(w.n[B].store.disk.held_term, 0u);
	cr_assert(judge_held_last(&w.n[A].node), "the last holder of the pair is a");
	cr_assert(!judge_held_last(&w.n[B].node));
	world_power_off(&w, A);
	cr_assert(world_until_holder(&w, B, HA_SEC));
	cr_assert_gt(w.n[B].node.term, 101u, "and no term is used twice");
}

/* While it was joining nobody answered for the virtual IP of its configuration. */
Test(node_life, D5_who_joins_lets_go_of_what_it_took_meanwhile)
{
	world_detach(&w, A);
	world_run(&w, HA_SEC);
	w.dual_allowed = true;
	world_isolate(&w, A, true);
	world_operator(&w, B, OP_FORCE, 1);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), BOTH);
	world_join(&w, A);
	cr_assert(!w.n[B].node.lease.wanted);
	world_heal(&w);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(role(B), ROLE_PASSIVE);
	cr_assert_eq(w.n[A].promotions, 1u, "without a gap");
}

/* --- D6, D7 --- */

Test(node_life, D6_detach_is_refused)
{
	cr_expect_eq(node_may_detach(&w.n[A].node, now(A)), REFUSED_NOT);
	cr_expect_eq(node_may_detach(&w.n[B].node, now(B)), REFUSED_NOT_ACTIVE);
	world_pause(&w, B, 50 * HA_MS);
	world_operator(&w, A, OP_SWAP, 1);
	cr_expect_eq(node_may_detach(&w.n[A].node, now(A)), REFUSED_BUSY);
	world_run(&w, HA_SEC);
	world_power_off(&w, A);
	world_run(&w, HA_SEC);
	cr_expect_eq(node_may_detach(&w.n[B].node, now(B)), REFUSED_NO_PEER);
	world_remove(&w, B);
	world_run(&w, HA_SEC);
	cr_expect_eq(node_may_detach(&w.n[B].node, now(B)), REFUSED_UNPAIRED);
}

Test(node_life, D6_detach_is_refused_while_the_peer_claims)
{
	solo_active(&solo);
	solo.says.claim = HA_CLAIM_TAKING;
	solo.says.term = 3;
	solo.says.heard[HA_PATH_LINK].age_us = 1000;
	solo_say(&solo);
	cr_assert_eq(node_may_detach(solo_node(&solo), solo_now(&solo)), REFUSED_PEER_ACTIVE);
}

Test(node_life, D6_remove_is_refused_while_the_peer_is_heard_on_any_path)
{
	cr_expect_eq(node_may_remove(&w.n[A].node, now(A)), REFUSED_PEER_HEARD);
	cr_expect_eq(node_may_remove(&w.n[B].node, now(B)), REFUSED_PEER_HEARD);
	world_split(&w, HA_PATH_LINK, true);
	world_run(&w, HA_SEC);
	cr_expect_eq(node_may_remove(&w.n[A].node, now(A)), REFUSED_PEER_HEARD);
	world_split(&w, HA_PATH_MANAGEMENT, true);
	w.dual_allowed = true;
	world_run(&w, HA_SEC);
	cr_expect_eq(node_may_remove(&w.n[A].node, now(A)), REFUSED_NOT);
	world_remove(&w, A);
	world_run(&w, HA_SEC);
	cr_expect_eq(node_may_remove(&w.n[A].node, now(A)), REFUSED_UNPAIRED);
}

Test(node_life, D6_who_holds_or_claims_is_not_detached)
{
	struct node *n = &w.n[B].node;

	cr_expect_eq(node_may_be_detached(&w.n[A].node, now(A)), DETACH_HOLDS);
	cr_expect_eq(node_may_be_detached(n, now(B)), DETACH_OK);
	n->claim = HA_CLAIM_RESIGNED;
	cr_expect_eq(node_may_be_detached(n, now(B)), DETACH_HOLDS);
	n->claim = HA_CLAIM_NONE;
	n->config.store_ok = false;
	cr_expect_eq(node_may_be_detached(n, now(B)), DETACH_STORE);
	n->config.store_ok = true;
	world_detach(&w, A);
	world_run(&w, HA_SEC);
	cr_expect_eq(node_may_be_detached(n, now(B)), DETACH_OK, "asked again: so it is");
}

Test(node_life, D7_while_the_first_copy_is_under_way_nothing_changes_mode)
{
	world_copy(&w, B, false, false, 0);
	world_run(&w, 50 * HA_MS);
	for (int i = A; i <= B; i++) {
		cr_expect_eq(node_may_detach(&w.n[i].node, now(i)), REFUSED_SYNCING);
		cr_expect_eq(node_may_remove(&w.n[i].node, now(i)), REFUSED_SYNCING);
	}
	cr_expect_eq(node_may_be_detached(&w.n[B].node, now(B)), DETACH_SYNCING);
	world_operator(&w, A, OP_SWAP, 1);
	world_operator(&w, B, OP_SWAP, 2);
	cr_expect(world_saw(&w, "a reply 1: the first copy of the settings is still under way"));
	cr_expect(world_saw(&w, "b reply 2: the first copy of the settings is still under way"));
	world_operator(&w, B, OP_FORCE, 3);
	cr_expect(world_saw(&w, "b reply 3: the peer holds the virtual IP"));
	world_copy(&w, B, true, true, 7);
	world_run(&w, 50 * HA_MS);
	cr_expect_eq(node_may_detach(&w.n[A].node, now(A)), REFUSED_NOT);
}

Test(node_life, D7_ends_when_the_active_is_gone)
{
	world_copy(&w, B, false, false, 0);
	world_power_off(&w, A);
	world_run(&w, HA_SEC);
	cr_assert_eq(world_holder(&w), NOBODY);
	cr_assert_eq(node_may_remove(&w.n[B].node, now(B)), REFUSED_NOT);
	world_operator(&w, B, OP_FORCE, 3);
	world_run(&w, 10 * HA_MS);
	cr_assert_eq(world_holder(&w), B, "an operator's last word");
	world_power_on(&w, A);
	world_run(&w, HA_SEC);
	cr_assert_eq(node_may_detach(&w.n[B].node, now(B)), REFUSED_NOT, "it copies from nobody");
}

Test(node_life, the_copy_is_reported_when_it_changes)
{
	world_copy(&w, B, true, false, 7);
	world_copy(&w, B, true, false, 7);
	world_copy(&w, B, true, true, 7);
	world_copy(&w, B, true, true, 8);
	cr_assert_str_eq(w.story, "\nb out_of_sync\nb in_sync\n");
	world_run(&w, 10 * HA_MS);
	cr_assert(w.n[B].store.disk.in_sync);
}

/* --- what is durable --- */

Test(node_life, every_order_of_power_after_a_detach_ends_with_the_same_holder)
{
	for (int first = A; first <= B; first++) {
		setup();
		world_detach(&w, A);
		world_run(&w, HA_SEC);
		world_power_off(&w, A);
		world_power_off(&w, B);
		world_run(&w, HA_SEC);
		world_power_on(&w, first);
		world_run(&w, 40 * HA_SEC);
		world_power_on(&w, 1 - first);
		world_run(&w, 5 * HA_SEC);
		cr_assert_eq(world_holder(&w), A);
		cr_assert_eq(role(B), ROLE_STANDALONE);
	}
}
