/* node_corner.c - where two rules meet: what an operator asks for while something else is under way. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/node_solo.h"

static struct solo s;

static bool answered(uint32_t request, enum node_refusal refusal)
{
	char line[128];

	snprintf(line, sizeof(line), "a reply %u: %s", request, node_refusal_text(refusal));
	return world_saw(&s.w, line);
}

/* SPEC 5.T1a: a passive that is ready, and then says nothing of the intent. */
Test(node_corner, a_shutdown_ends_although_the_passive_never_answers_the_intent)
{
	solo_active(&s);
	world_operator(&s.w, A, OP_SHUTDOWN, 0);
	solo_goes_on(&s, s.w.timing.dead);
	cr_expect(world_holds(&s.w, A), "it may answer yet");
	cr_expect_not(world_saw(&s.w, "a exit"));
	solo_goes_on(&s, 2 * s.w.timing.dead);
	cr_expect_not(world_holds(&s.w, A));
	cr_expect(world_saw(&s.w, "a handover_failed"));
	cr_expect(world_saw(&s.w, "a exit"));
}

Test(node_corner, what_is_asked_for_during_a_handover_has_to_wait)
{
	solo_active(&s);
	world_operator(&s.w, A, OP_SWAP, 1);
	world_operator(&s.w, A, OP_SWAP, 2);
	cr_expect(answered(2, REFUSED_BUSY));
	cr_expect_eq(node_may_detach(solo_node(&s), solo_now(&s)), REFUSED_BUSY);
	solo_goes_on(&s, 3 * s.w.timing.dead);
	cr_expect(answered(1, REFUSED_TIMEOUT));
	cr_expect(world_holds(&s.w, A), "nobody took it");
	cr_expect_eq(node_may_detach(solo_node(&s), solo_now(&s)), REFUSED_NOT);
}

/* SPEC 5.Y3: it was about to give it to the one that has it by another rule already. */
Test(node_corner, a_swap_ends_where_the_peer_takes_under_a_higher_term)
{
	solo_active(&s);
	world_operator(&s.w, A, OP_SWAP, 1);
	s.says.claim = HA_CLAIM_HOLDING;
	s.says.term = 9;
	solo_say(&s);
	cr_expect(answered(1, REFUSED_PEER_ACTIVE));
	cr_expect_eq(solo_node(&s)->reason, REASON_HIGHER_TERM);
	world_run(&s.w, HA_MS);
	cr_expect_not(world_holds(&s.w, A));
}

static void may(enum node_refusal swap, enum node_refusal suspend)
{
	cr_expect_eq(node_may_swap(solo_node(&s), solo_now(&s)), swap);
	cr_expect_eq(node_may_suspend(solo_node(&s), solo_now(&s)), suspend);
}

/* What a console shows as possible is what is done when it is asked for. */
Test(node_corner, what_may_be_asked_for_is_known_before)
{
	solo_active(&s);
	may(REFUSED_NOT, REFUSED_NOT);
	s.says.flags &= (uint8_t)~MSG_FLAG_ELIGIBLE;
	s.says.why_not = WHY_NOT_CHECK;
	solo_say(&s);
	may(REFUSED_PEER_NOT_READY, REFUSED_NOT);
	world_run(&s.w, 2 * s.w.timing.dead);
	may(REFUSED_NO_PEER, REFUSED_NOT);
	solo_passive(&s);
	may(REFUSED_NOT_ACTIVE, REFUSED_NOT_ACTIVE);
	world_init(&s.w, 1);
	s.w.n[A].store.paired = false;
	world_power_on(&s.w, A);
	may(REFUSED_UNPAIRED, REFUSED_UNPAIRED);
}

Test(node_corner, to_force_a_holder_is_done_already_and_one_that_leaves_is_not_forced)
{
	solo_active(&s);
	world_operator(&s.w, A, OP_FORCE, 1);
	cr_expect(answered(1, REFUSED_NOT));
	cr_expect(world_holds(&s.w, A));
	s.says.flags &= (uint8_t)~MSG_FLAG_ELIGIBLE;
	s.says.why_not = WHY_NOT_CHECK;
	solo_say(&s);
	world_operator(&s.w, A, OP_SHUTDOWN, 0);
	world_operator(&s.w, A, OP_FORCE, 2);
	cr_expect(answered(2, REFUSED_BUSY));
	world_operator(&s.w, A, OP_SWAP, 3);
	cr_expect(answered(3, REFUSED_NOT_ACTIVE));
	solo_goes_on(&s, s.w.timing.dead);
	cr_expect(world_saw(&s.w, "a exit"));
}

/* SPEC 3.R5, 5.4: a peer that lies makes nobody run out of terms. */
Test(node_corner, above_the_highest_term_that_is_believed_there_are_enough)
{
	struct node_durable disk;

	solo_passive(&s);
	s.says.term = MSG_TERM_HEARD_MAX;
	solo_goes_on(&s, HA_SEC);
	cr_assert_eq(solo_node(&s)->term_known, MSG_TERM_HEARD_MAX);
	cr_assert_eq(node_why_not(solo_node(&s), solo_now(&s)), 0u, "it could take over");
	node_durable(solo_node(&s), &disk);
	cr_assert_eq(disk.reserved, MSG_TERM_HEARD_MAX + 1);
	cr_assert_lt(disk.reserved, MSG_TERM_KEPT_MAX, "and after a start as well");
}

Test(node_corner, without_a_virtual_ip_there_is_none_to_keep)
{
	static struct node node = {.config.paired = true, .lease.wanted = true};

	cr_expect_not(node_keeps(&node, PARTING_DETACHED, false));
	node.config.vip_n = 1;
	cr_expect(node_keeps(&node, PARTING_DETACHED, false));
	cr_expect_not(node_keeps(&node, PARTING_DETACHED, true), "the passive that was asked");
	cr_expect(node_keeps(&node, PARTING_LEFT, false));
	cr_expect_not(node_keeps(&node, PARTING_REMOVED, false));
}

Test(node_corner, the_peer_is_audible_on_any_path)
{
	solo_start(&s);
	cr_expect_not(node_peer_audible(solo_node(&s), solo_now(&s)));
	s.says.number++;
	s.says.echo_us = (uint64_t)(solo_now(&s) / HA_US);
	s.says.sent_us = s.says.echo_us;
	solo_hear(&s, HA_PATH_MANAGEMENT);
	cr_expect(node_peer_audible(solo_node(&s), solo_now(&s)));
	cr_expect_not(node_path_audible(solo_node(&s), HA_PATH_LINK, solo_now(&s)));
}

/* SPEC 5.10: a pair that has ended ends once. */
Test(node_corner, the_end_of_a_pair_that_is_none_changes_nothing)
{
	static struct node_actions first, again;
	struct node_event ev = {.type = EV_UNPAIRED, .unpaired.why = PARTING_DETACHED};
	enum ha_state state;

	solo_start(&s);
	ev.now = solo_now(&s);
	node_step(solo_node(&s), &ev, &first);
	cr_assert_not(solo_node(&s)->config.paired);
	cr_assert_eq(first.a[0].type, ACT_EVENT);
	cr_expect_eq(first.a[0].event, EVENT_DETACHED);
	state = solo_node(&s)->state;
	node_step(solo_node(&s), &ev, &again);
	cr_expect_eq(solo_node(&s)->state, state);
	for (unsigned i = 0; i < again.n; i++)
		cr_expect_neq(again.a[i].type, ACT_EVENT);
}

/* ---- stations ---- */

static const struct ha_address neighbour = {HA_IPV4, {192, 0, 2, 7}};

static void hear_neighbour(void)
{
	static const struct ha_mac mac = {{2, 0, 0, 0, 0, 9}};
	struct node_event ev = {
		.type = EV_SEGMENT,
		.heard_at = solo_now(&s),
		.segment = {.source = mac, .sender_mac = mac, .sender = neighbour, .answer = true}};

	world_event(&s.w, A, &ev);
}

static bool knows_neighbour(void)
{
	const struct node_reach *r = &solo_node(&s)->reach;

	for (unsigned i = 0; i < r->n; i++)
		if (ha_address_equal(&r->station[i].address, &neighbour))
			return true;
	return false;
}

/* SPEC 5.E4 */
Test(node_corner, what_was_learned_stays_when_the_gateways_change)
{
	struct node_event ev = {.type = EV_WITNESS,
				.witness = {.n = 1, .address = {{HA_IPV4, {192, 0, 2, 2}}}}};

	solo_start(&s);
	hear_neighbour();
	cr_assert(knows_neighbour());
	world_event(&s.w, A, &ev);
	cr_expect(knows_neighbour());
	cr_expect_eq(solo_node(&s)->reach.station[0].address.b[3], 2, "and the new one is there");
	ev.witness.address[0] = neighbour;
	world_event(&s.w, A, &ev);
	cr_expect(knows_neighbour());
	cr_expect_eq(solo_node(&s)->reach.n, 1, "once");
}

Test(node_corner, a_station_whose_address_becomes_the_pairs_is_no_witness)
{
	static struct node_actions out;
	struct node_event end = {.type = EV_UNPAIRED, .unpaired.why = PARTING_DETACHED};
	struct node_event join = {.type = EV_PAIRED,
				  .paired = {.mode = HA_MODE_PRIMARY_PASSIVE, .vip_n = 1}};

	solo_start(&s);
	hear_neighbour();
	end.now = join.now = solo_now(&s);
	node_step(solo_node(&s), &end, &out);
	cr_assert(knows_neighbour());
	join.paired.vip[0] = neighbour;
	node_step(solo_node(&s), &join, &out);
	cr_expect_not(knows_neighbour());
}

Test(node_corner, a_carrier_that_is_told_again_is_no_news)
{
	struct node_event ev = {.type = EV_CARRIER, .path = HA_PATH_LINK, .up = true};
	ha_time since;

	solo_start(&s);
	since = solo_node(&s)->path[HA_PATH_LINK].carrier_since;
	world_event(&s.w, A, &ev);
	cr_expect_eq(solo_node(&s)->path[HA_PATH_LINK].carrier_since, since);
	cr_expect_not(world_saw(&s.w, "a carrier_up link"));
}
