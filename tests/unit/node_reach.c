/* node_reach.c - SPEC 5.2: eligible, evidence, deaf, witnesses. */
#include "tests/unit/node_solo.h"

#include "proto/reach.h"

#include <criterion/criterion.h>

static struct world w;
static struct solo solo;

static void setup(void)
{
	world_init(&w, 1);
	world_pair(&w);
}

TestSuite(node_reach, .init = setup);

static uint16_t why_not(int i)
{
	return node_why_not(&w.n[i].node, world_local(&w, i, w.now));
}

/* An ARP request for somebody else, as a switch carries it to everybody. */
static void frame_from(struct ha_mac mac, uint8_t host)
{
	world_event(&w, B,
		    &(struct node_event){
			    .type = EV_SEGMENT,
			    .heard_at = world_local(&w, B, w.now),
			    .segment = {.source = mac, .sender = {HA_IPV4, {192, 0, 2, host}}}});
}

/* --- E1: each bit of why_not --- */

Test(node_reach, E1_each_missing_condition_is_a_bit)
{
	struct node *n = &w.n[B].node;

	cr_expect_eq(why_not(B), 0);
	n->whole_copy = false;
	cr_expect_eq(why_not(B), WHY_NOT_COPY);
	n->suspended = true;
	cr_expect_eq(why_not(B), WHY_NOT_COPY | WHY_NOT_SUSPENDED);
	n->whole_copy = true;
	n->suspended = false;
	n->check_failing = true;
	cr_expect_eq(why_not(B), WHY_NOT_CHECK);
	n->check_failing = false;
	n->guardian_hold_until = n->now + HA_SEC;
	cr_expect_eq(why_not(B), WHY_NOT_GUARDIAN);
	n->guardian_hold_until = 0;
	n->check_hold_until = n->now + HA_SEC;
	cr_expect_eq(why_not(B), WHY_NOT_CHECK);
	n->check_hold_until = 0;
	n->path[HA_PATH_MANAGEMENT].carrier = false;
	cr_expect_eq(why_not(B), WHY_NOT_CARRIER, "and not deaf besides");
	n->path[HA_PATH_MANAGEMENT].carrier = true;
	n->reach.asked = n->now - 300 * HA_MS;
	cr_expect_eq(why_not(B), WHY_NOT_DEAF);
	n->reach.asked = HA_NEVER;
	n->reserved = n->term_known;
	cr_expect_eq(why_not(B), WHY_NOT_STORE);
	n->reserved = n->term_known + 1;
	n->lease.failing = n->now - 300 * HA_MS;
	cr_expect_eq(why_not(B), WHY_NOT_GUARDIAN);
	n->lease.failing = HA_NEVER;
	n->watch_until = n->now + HA_MS * 100;
	cr_expect_eq(why_not(B), WHY_NOT_STARTING);
	n->watch_until = 0;
	n->leaving = true;
	cr_expect_eq(why_not(B), WHY_NOT_LEAVING);
	n->leaving = false;
	n->disproved = true;
	cr_expect_eq(why_not(B), WHY_NOT_DISPROVED);
}

Test(node_reach, E1_every_bit_has_a_text)
{
	for (unsigned bit = 1; bit < WHY_NOT_ALL; bit <<= 1)
		cr_expect_str_neq(node_why_not_text((enum msg_why_not)bit), "?");
	cr_expect_str_eq(node_why_not_text(WHY_NOT_ALL), "?");
}

/* --- E2 --- */

Test(node_reach, E2_a_frame_of_a_third_station_is_evidence_and_nothing_else_is)
{
	ha_time before = w.n[B].node.reach.evidence;

	frame_from(w.n[B].node.config.mac, 8);
	frame_from(w.n[A].node.config.mac, 9);
	cr_assert_eq(w.n[B].node.reach.evidence, before);
	frame_from((struct ha_mac){{2, 9}}, 10);
	cr_assert_eq(w.n[B].node.reach.evidence, world_local(&w, B, w.now));
}

/* --- E3 --- */

static void asked_in_vain(void)
{
	w.station_silent = true;
	while (w.n[B].node.reach.asked == HA_NEVER)
		world_run(&w, HA_MS);
}

Test(node_reach, E3_deaf_is_three_hundred_milliseconds_of_unanswered_questions)
{
	ha_time asked;

	asked_in_vain();
	asked = w.n[B].node.reach.asked - w.n[B].base;
	world_run(&w, asked + 299 * HA_MS - w.now);
	cr_assert_eq(why_not(B), 0);
	world_run(&w, 2 * HA_MS);
	cr_assert_eq(why_not(B), WHY_NOT_DEAF);
	cr_assert(world_saw(&w, "b deaf"));
	frame_from((struct ha_mac){{2, 9}}, 10);
	cr_assert_eq(why_not(B), 0);
	cr_assert(world_saw(&w, "b reach_ok"));
}

Test(node_reach, E3_a_witness_that_never_answered_makes_nobody_deaf)
{
	world_init(&w, 1);
	w.station_silent = true;
	world_pair(&w);
	world_run(&w, 10 * HA_SEC);
	cr_assert_eq(why_not(B), 0);
}

Test(node_reach, E3_no_carrier_is_deaf_at_once)
{
	struct clock c = {.next = HA_NEVER};

	world_carrier(&w, B, HA_PATH_MANAGEMENT, false);
	world_run(&w, HA_MS);
	c.now = world_local(&w, B, w.now);
	cr_assert(reach_deaf(&w.n[B].node, &c));
	cr_assert_eq(reach_deaf_since(&w.n[B].node),
		     w.n[B].node.path[HA_PATH_MANAGEMENT].carrier_since);
}

/* --- E4 --- */

Test(node_reach, E4_witnesses_are_asked_once_a_second)
{
	w.asked[B] = 0;
	world_run(&w, 10 * HA_SEC);
	cr_assert_geq(w.asked[B], 10u);
	cr_assert_leq(w.asked[B], 11u);
}

Test(node_reach, E4_and_every_heartbeat_interval_while_a_question_is_unanswered)
{
	asked_in_vain();
	w.asked[B] = 0;
	world_run(&w, 200 * HA_MS);
	cr_assert_geq(w.asked[B], 9u);
	cr_assert_leq(w.asked[B], 11u);
}

Test(node_reach, E4_every_tenth_of_a_second_once_deaf)
{
	w.station_silent = true;
	world_run(&w, 2 * HA_SEC);
	w.asked[B] = 0;
	world_run(&w, HA_SEC);
	cr_assert_geq(w.asked[B], 9u);
	cr_assert_leq(w.asked[B], 11u);
}

Test(node_reach, E4_eight_stations_are_learned_and_the_one_heard_longest_ago_gives_way)
{
	struct node_reach *r = &w.n[B].node.reach;

	for (uint8_t k = 0; k < 20; k++) {
		world_run(&w, HA_SEC);
		frame_from((struct ha_mac){{2, 9, k}}, (uint8_t)(10 + k));
	}
	cr_assert_eq(r->n, 1u + NODE_STATIONS_MAX);
	cr_assert(r->station[0].configured);
	for (unsigned i = 1; i < r->n; i++)
		cr_assert_geq(r->station[i].address.b[3], 22u);
}

/* With no gateway, and nobody left to ask but who never was, it would count as deaf. */
Test(node_reach, E4_a_flood_of_new_senders_pushes_out_nobody_who_answers)
{
	struct node_reach *r = &w.n[B].node.reach;

	for (uint8_t k = 0; k < NODE_STATIONS_MAX; k++)
		frame_from((struct ha_mac){{2, 9, k}}, (uint8_t)(10 + k));
	for (unsigned k = 0; k < 200; k++)
		frame_from((struct ha_mac){{2, 8, 1}}, (uint8_t)(20 + k));
	for (unsigned i = 1; i < r->n; i++)
		cr_assert_lt(r->station[i].address.b[3], 20u);
}

Test(node_reach, E4_a_list_means_that_nobody_else_is_asked)
{
	w.n[B].node.config.witness_learn = false;
	for (uint8_t k = 0; k < 20; k++)
		frame_from((struct ha_mac){{2, 9, k}}, (uint8_t)(10 + k));
	cr_assert_eq(w.n[B].node.reach.n, 1u);
}

/* Another configuration: whom it has learned it forgets, where it is to learn nobody, and learns anew where it is. */
Test(node_reach, E4_a_list_that_comes_while_it_runs_ends_the_learning_and_its_end_begins_it)
{
	struct node_event ev = {
		.type = EV_WITNESS,
		.witness = {.n = 1, .address = {{HA_IPV4, {192, 0, 2, 99}}}, .again = true}};

	frame_from((struct ha_mac){{2, 0, 0, 0, 9, 1}}, 41);
	cr_assert_gt(w.n[B].node.reach.n, 1u);
	world_event(&w, B, &ev);
	cr_assert_eq(w.n[B].node.reach.n, 1u);
	frame_from((struct ha_mac){{2, 0, 0, 0, 9, 1}}, 41);
	cr_assert_eq(w.n[B].node.reach.n, 1u);
	ev.witness.learn = true;
	world_event(&w, B, &ev);
	frame_from((struct ha_mac){{2, 0, 0, 0, 9, 1}}, 41);
	cr_assert_eq(w.n[B].node.reach.n, 2u);
}

Test(node_reach, E4_a_new_list_keeps_what_is_known_of_a_station)
{
	struct node_event ev = {.type = EV_WITNESS};
	struct node_reach *r = &w.n[B].node.reach;

	ev.witness.n = 2;
	ev.witness.address[0] = (struct ha_address){HA_IPV4, {192, 0, 2, 77}};
	ev.witness.address[1] = r->station[0].address;
	world_event(&w, B, &ev);
	cr_assert_eq(r->n, 2u);
	cr_assert(!r->station[0].answered);
	cr_assert(r->station[1].answered);
}

Test(node_reach,
     a_node_alone_on_the_link_has_no_bounds_broken_by_eight_addresses_and_sixteen_stations)
{
	solo_start(&solo);
	solo_node(&solo)->config.vip_n = HA_VIP_MAX;
	for (unsigned k = 2; k < HA_VIP_MAX; k++)
		solo_node(&solo)->config.vip[k] =
			(struct ha_address){HA_IPV4, {192, 0, 2, (uint8_t)(100 + k)}};
	solo_node(&solo)->reach.n = 2 * NODE_STATIONS_MAX;
	for (unsigned k = 0; k < 2 * NODE_STATIONS_MAX; k++)
		solo_node(&solo)->reach.station[k] =
			(struct node_station){.address = {HA_IPV4, {192, 0, 2, (uint8_t)k}},
					      .answered = true,
					      .configured = k < NODE_STATIONS_MAX};
	solo.w.dual_allowed = true;
	solo.says.claim = HA_CLAIM_HOLDING;
	solo.says.term = 5;
	solo_goes_on(&solo, HA_SEC);
	world_carrier(&solo.w, A, HA_PATH_LINK, false); /* the world counts the actions */
	world_run(&solo.w, 10 * HA_SEC);
}

/* On a segment without a gateway: the first stations heard at boot are the peer's addresses. */
Test(node_reach, E4_what_turns_out_to_be_the_peer_is_no_witness)
{
	const struct ha_mac peer = {{2, 0, 0, 0, 0, A + 1}};
	struct node *n = &w.n[B].node;

	reach_init(&n->reach);
	n->config.witness_learn = true;
	n->peer.mac = (struct ha_mac){{0}};
	frame_from(peer, 11);
	frame_from(peer, 12);
	cr_assert_eq(n->reach.n, 2u);
	cr_assert(reach_known(n));
	world_event(&w, B, &(struct node_event){.type = EV_PEER_MAC, .mac = peer});
	cr_assert_eq(n->reach.n, 0u);
	cr_assert_not(reach_known(n));
	world_run(&w, 3 * HA_SEC);
	cr_assert_eq(why_not(B), 0, "it is not deaf: there is nobody to hear");
}

Test(node_reach, E4_a_third_station_stays_when_the_peer_is_forgotten)
{
	struct node *n = &w.n[B].node;

	reach_init(&n->reach);
	n->config.witness_learn = true;
	n->peer.mac = (struct ha_mac){{0}};
	frame_from((struct ha_mac){{2, 0, 0, 0, 0, A + 1}}, 11);
	frame_from((struct ha_mac){{2, 0, 0, 0, 0, 9}}, 9);
	world_event(&w, B,
		    &(struct node_event){.type = EV_PEER_MAC, .mac = {{2, 0, 0, 0, 0, A + 1}}});
	cr_assert_eq(n->reach.n, 1u);
	cr_assert(reach_known(n));
}
