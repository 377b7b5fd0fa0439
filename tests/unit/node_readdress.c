/* node_readdress.c - SPEC 5.12: other virtual IPs while the pair runs, and without a pair. */
#include "tests/unit/node_solo.h"

#include <criterion/criterion.h>

#include <string.h>

static struct world w;
static struct solo solo;

static void setup(void)
{
	world_init(&w, 1);
	world_pair(&w);
}

TestSuite(node_readdress, .init = setup);

static ha_time now_of(int i)
{
	return world_local(&w, i, w.now);
}

static struct node_event addresses(unsigned list)
{
	struct node_event ev = {.type = EV_ADDRESSES, .addresses.n = WORLD_VIPS};

	for (unsigned v = 0; v < WORLD_VIPS; v++)
		ev.addresses.vip[v] = world_address(list, v);
	return ev;
}

static bool answers(int i, unsigned list)
{
	return world_holds(&w, i) && w.n[i].guardian.list == list;
}

/* --- X1 --- */

Test(node_readdress, X1_is_the_holder_s_while_the_passive_is_heard_and_whole)
{
	cr_expect_eq(node_may_readdress(&w.n[A].node, now_of(A)), REFUSED_NOT);
	cr_expect_eq(node_may_readdress(&w.n[B].node, now_of(B)), REFUSED_NOT_ACTIVE);
	w.n[B].node.whole_copy = false;
	world_run(&w, 100 * HA_MS);
	cr_expect_eq(node_may_readdress(&w.n[A].node, now_of(A)), REFUSED_SYNCING);
	world_power_off(&w, B);
	world_run(&w, HA_SEC);
	cr_expect_eq(node_may_readdress(&w.n[A].node, now_of(A)), REFUSED_NO_PEER);
}

Test(node_readdress, X1_not_in_a_handover_nor_twice_nor_with_an_unreadable_state)
{
	struct node n = w.n[A].node;

	n.handover.giving = true;
	cr_expect_eq(node_may_readdress(&n, now_of(A)), REFUSED_BUSY);
	n = w.n[A].node;
	n.readdress.pending = true;
	cr_expect_eq(node_may_readdress(&n, now_of(A)), REFUSED_READDRESSING);
	n = w.n[A].node;
	n.leaving = true;
	cr_expect_eq(node_may_readdress(&n, now_of(A)), REFUSED_BUSY);
	n = w.n[A].node;
	n.config.store_ok = false;
	cr_expect_eq(node_may_readdress(&n, now_of(A)), REFUSED_STORE);
	n = w.n[A].node;
	n.claim = HA_CLAIM_TAKING;
	cr_expect_eq(node_may_readdress(&n, now_of(A)), REFUSED_BUSY, "it is not on yet");
	n = w.n[A].node;
	n.peer.last.claim = HA_CLAIM_HOLDING;
	cr_expect_eq(node_may_readdress(&n, now_of(A)), REFUSED_PEER_ACTIVE);
}

/* --- X2 --- */

Test(node_readdress, X2_the_passive_takes_them_from_a_holder_only)
{
	struct node n = w.n[B].node;

	cr_expect_eq(node_may_be_readdressed(&n, now_of(B)), ADDRESSES_OK);
	cr_expect_eq(node_may_be_readdressed(&w.n[A].node, now_of(A)), ADDRESSES_HOLDER);
	n.peer.last.claim = HA_CLAIM_NONE;
	cr_expect_eq(node_may_be_readdressed(&n, now_of(B)), ADDRESSES_HOLDER);
	n = w.n[B].node;
	n.whole_copy = false;
	cr_expect_eq(node_may_be_readdressed(&n, now_of(B)), ADDRESSES_SYNCING);
	n = w.n[B].node;
	n.config.store_ok = false;
	cr_expect_eq(node_may_be_readdressed(&n, now_of(B)), ADDRESSES_STORE);
}

Test(node_readdress, X2_X3_both_have_them_and_nobody_changes_his_role)
{
	uint64_t term = w.n[A].node.term, lease = w.n[A].node.lease.id;

	world_forget(&w);
	world_readdress(&w, A);
	world_run(&w, 300 * HA_MS);
	cr_expect_str_eq(w.story, "\na addresses 1\nb virtual_ip\na virtual_ip\n");
	cr_expect(answers(A, 1) && world_lists_same(&w));
	cr_expect_eq(w.n[A].node.term, term);
	cr_expect_eq(w.n[A].node.lease.id, lease + 1, "L1");
	cr_expect_eq(w.n[A].node.state, HA_ACTIVE);
	cr_expect_eq(w.dual, 0);
}

/* The guardian is told by the steward before the engine is: it takes its two answers, and no heartbeat. */
Test(node_readdress, X3_the_gap_is_of_the_guardian_s_making)
{
	ha_time released;

	world_readdress(&w, A);
	cr_assert(world_until_holder(&w, NOBODY, HA_SEC));
	released = w.now;
	cr_assert(world_until_holder(&w, A, HA_SEC));
	cr_expect_leq(w.now - released, HA_MS, "%lld us", (long long)((w.now - released) / HA_US));
	cr_expect(answers(A, 1));
}

Test(node_readdress, X2_a_takeover_between_the_two_records_is_by_the_new_ones)
{
	w.n[A].store.delay = 500 * HA_MS;
	world_readdress(&w, A);
	world_run(&w, 100 * HA_MS);
	cr_assert(answers(A, 0));
	cr_assert_eq(world_list(&w, B), 1);
	world_power_off(&w, A);
	cr_assert(world_until_holder(&w, B, HA_SEC));
	cr_expect(answers(B, 1));
	world_power_on(&w, A);
	world_run(&w, 6 * HA_SEC);
	cr_expect_eq(world_holder(&w), B);
	cr_expect(world_lists_same(&w), "X4: it adopts them");
	cr_expect_eq(w.n[A].store.list, 1);
}

/* --- X3 --- */

static unsigned count(const struct node_actions *out, enum node_action_type type)
{
	unsigned n = 0;

	for (unsigned k = 0; k < out->n; k++)
		n += out->a[k].type == type;
	return n;
}

static void step(struct node_event ev, struct node_actions *out)
{
	ev.now = solo_now(&solo);
	node_step(solo_node(&solo), &ev, out);
}

static struct node_event dropped(void)
{
	struct node_event ev = {.type = EV_LEASE};

	ev.lease.id = solo_node(&solo)->lease.id;
	ev.lease.status = NODE_LEASE_DROPPED;
	return ev;
}

Test(node_readdress, X3_the_new_lease_comes_when_the_old_one_is_certainly_over)
{
	struct node *n = solo_node(&solo);
	struct node_actions out;
	struct ha_address first = world_address(1, 0);
	uint64_t id;

	solo_active(&solo);
	id = n->lease.id;
	step(addresses(1), &out);
	cr_expect_eq(count(&out, ACT_RELEASE), 1);
	cr_expect_eq(count(&out, ACT_HOLD), 0);
	cr_expect_eq(n->claim, HA_CLAIM_HOLDING, "until it is certain");
	cr_expect_not(ha_address_equal(&n->config.vip[0], &first));
	step(dropped(), &out);
	cr_expect(ha_address_equal(&n->config.vip[0], &first));
	cr_expect_eq(count(&out, ACT_HOLD), 0, "by the timer");
	step((struct node_event){.type = EV_TIMER}, &out);
	cr_expect_eq(count(&out, ACT_HOLD), 1);
	cr_expect_eq(n->lease.id, id + 1);
	cr_expect_eq(n->state, HA_ACTIVE);
}

/* As L4: whoever slept meanwhile must not come back beside its successor. */
Test(node_readdress, X3_a_holder_that_was_stopped_meanwhile_does_not_take_it_anew)
{
	struct node *n = solo_node(&solo);
	struct node_actions out;

	solo_active(&solo);
	step(addresses(1), &out);
	solo.w.now += 200 * HA_MS;
	step(dropped(), &out);
	step((struct node_event){.type = EV_TIMER}, &out);
	cr_expect_eq(count(&out, ACT_HOLD), 0);
	cr_expect_eq(n->state, HA_PASSIVE);
	cr_expect_eq(n->config.vip_n, WORLD_VIPS);
}

Test(node_readdress, X3_a_higher_claim_in_between_ends_it_as_ever)
{
	struct node *n = solo_node(&solo);
	struct node_actions out;

	solo_active(&solo);
	step(addresses(1), &out);
	solo.says.claim = HA_CLAIM_HOLDING;
	solo.says.state = HA_ACTIVE;
	solo.says.term = n->term + 1;
	solo_say(&solo);
	cr_expect_eq(n->state, HA_PASSIVE);
	step(dropped(), &out);
	step((struct node_event){.type = EV_TIMER}, &out);
	cr_expect_eq(count(&out, ACT_HOLD), 0);
}

Test(node_readdress, X3_a_handover_under_way_goes_first)
{
	struct node_event swap = {.type = EV_OPERATOR, .op = OP_SWAP, .request = 1};
	struct node *n = solo_node(&solo);
	struct node_actions out;

	solo_active(&solo);
	step(swap, &out);
	cr_assert(n->handover.giving);
	step(addresses(1), &out);
	cr_expect_eq(count(&out, ACT_RELEASE), 0);
	solo.says.handover = n->handover.own;
	solo.says.handover.phase = HANDOVER_ACK;
	solo_say(&solo);
	cr_expect(n->handover.releasing, "the peer takes it now");
	step(dropped(), &out);
	cr_expect_eq(n->handover.own.phase, HANDOVER_RESIGNED);
	cr_expect_eq(n->state, HA_PASSIVE);
	cr_expect_not(n->readdress.pending, "and the list is the new one");
	step((struct node_event){.type = EV_TIMER}, &out);
	cr_expect_eq(count(&out, ACT_HOLD), 0);
}

Test(node_readdress, X3_without_an_answer_of_the_guardian_the_lease_runs_out_first)
{
	world_readdress(&w, A);
	world_run(&w, 3 * HA_MS); /* the passive has them, and the own disk is about to */
	w.n[A].guardian.dead = true;
	world_run(&w, 200 * HA_MS);
	cr_assert_eq(world_list(&w, A), 1);
	cr_expect(!world_holds(&w, A));
	w.n[A].guardian.dead = false;
	world_run(&w, 100 * HA_MS);
	cr_expect(answers(A, 1));
	cr_expect_eq(w.dual, 0);
}

Test(node_readdress, X3_the_same_ones_again_change_nothing)
{
	struct node_event ev = addresses(0);
	uint64_t lease = w.n[A].node.lease.id;

	world_forget(&w);
	world_event(&w, A, &ev);
	world_run(&w, 100 * HA_MS);
	cr_expect_str_eq(w.story, "\n");
	cr_expect_eq(w.n[A].node.lease.id, lease);
}

Test(node_readdress, X3_they_are_announced)
{
	unsigned before;

	world_run(&w, 10 * HA_SEC); /* the first ones have been */
	before = w.announced[A];
	world_readdress(&w, A);
	world_run(&w, 200 * HA_MS);
	cr_expect_geq(w.announced[A] - before, 3, "A2: at 0, 20 and 100 ms");
}

/* --- X4 --- */

Test(node_readdress, X4_follows_a_holder_of_no_older_term_and_only_who_holds_nothing)
{
	struct node n = w.n[B].node;

	cr_expect(node_follows(&n, now_of(B)));
	cr_expect_not(node_follows(&w.n[A].node, now_of(A)));
	n.peer.last.claim = HA_CLAIM_TAKING;
	cr_expect_not(node_follows(&n, now_of(B)), "it may not come to that");
	n = w.n[B].node;
	n.term_known++;
	cr_expect_not(node_follows(&n, now_of(B)), "somebody has held since");
	n = w.n[B].node;
	n.lease.releasing = true;
	cr_expect_not(node_follows(&n, now_of(B)));
	cr_expect_not(node_follows(&w.n[B].node, now_of(B) + HA_SEC), "it is not heard any more");
}

Test(node_readdress, X4_one_that_was_away_has_them_when_it_is_back)
{
	world_readdress(&w, A);
	world_run(&w, 300 * HA_MS);
	w.n[B].store.list = 0; /* as if the answer had come and the disk had not kept it */
	world_power_off(&w, B);
	world_run(&w, HA_SEC);
	world_power_on(&w, B);
	world_run(&w, 4 * HA_SEC);
	cr_expect(answers(A, 1));
	cr_expect(world_lists_same(&w));
}

/* The answer is lost: the active goes on with what it has, and the passive comes back to that. */
Test(node_readdress, X4_what_was_given_up_is_given_up_at_both)
{
	world_readdress(&w, A);
	for (int path = 0; path < HA_PATH_N; path++)
		world_cut(&w, path ? HA_PATH_MANAGEMENT : HA_PATH_LINK, B, A, true);
	world_run(&w, 10 * HA_MS); /* shorter than anybody notices */
	for (int path = 0; path < HA_PATH_N; path++)
		world_cut(&w, path ? HA_PATH_MANAGEMENT : HA_PATH_LINK, B, A, false);
	world_run(&w, 4 * HA_SEC);
	cr_assert(answers(A, 0));
	cr_assert_eq(world_list(&w, B), 1);
	world_run(&w, 8 * HA_SEC);
	cr_expect(answers(A, 0) && world_lists_same(&w));
}

/* --- X5 --- */

static void alone(void)
{
	world_init(&w, 1);
	w.n[A].store.paired = false;
	w.n[A].store.disk.mode = HA_MODE_PRIMARY_ACTIVE;
	world_power_on(&w, A);
	cr_assert(world_until_holder(&w, A, 4 * HA_SEC));
	world_forget(&w);
}

Test(node_readdress, X5_alone_one_that_holds_changes_over_at_once)
{
	struct node_event ev = addresses(1);

	alone();
	w.n[A].guardian.wanted = 1;
	world_event(&w, A, &ev);
	world_run(&w, 10 * HA_MS);
	cr_expect(answers(A, 1));
	cr_expect_str_eq(w.story, "\na virtual_ip\n");
}

Test(node_readdress, X5_alone_none_makes_it_standalone)
{
	struct node_event ev = {.type = EV_ADDRESSES};

	alone();
	world_event(&w, A, &ev);
	world_run(&w, 10 * HA_MS);
	cr_expect_eq(world_holder(&w), NOBODY);
	cr_expect_eq(w.n[A].node.mode, HA_MODE_STANDALONE);
	cr_expect_eq(w.n[A].node.state, HA_ACTIVE);
	cr_expect_eq(w.n[A].node.reason, REASON_READDRESSED);
	cr_expect_eq(w.n[A].store.disk.mode, HA_MODE_STANDALONE, "on disk");
	ev = addresses(0);
	world_event(&w, A, &ev);
	cr_expect_eq(w.n[A].node.state, HA_INITIALIZING);
	cr_expect(world_until_holder(&w, A, HA_SEC), "and back, by the boot rule");
	cr_expect_eq(w.n[A].node.mode, HA_MODE_PRIMARY_ACTIVE);
}

Test(node_readdress, X5_alone_what_somebody_else_has_is_not_taken)
{
	struct node_event ev = {.type = EV_ADDRESSES};

	alone();
	world_event(&w, A, &ev);
	world_run(&w, 10 * HA_MS);
	w.third_party = true;
	ev = addresses(0);
	world_event(&w, A, &ev);
	cr_expect_not(world_until_holder(&w, A, 2 * HA_SEC));
	cr_expect_eq(w.n[A].node.state, HA_FAULTED);
	w.third_party = false;
	ev = addresses(1);
	w.n[A].guardian.wanted = 1;
	world_event(&w, A, &ev);
	cr_expect_eq(w.n[A].node.state, HA_INITIALIZING, "others are another question");
	cr_expect(world_until_holder(&w, A, HA_SEC));
}

/* Detached: its configuration names them, and it has not got them. */
Test(node_readdress, X5_alone_a_standalone_node_is_given_those_of_its_configuration)
{
	struct node_event ev = addresses(0);

	world_init(&w, 1);
	w.n[A].store.paired = false;
	w.n[A].store.disk.mode = HA_MODE_STANDALONE;
	world_power_on(&w, A);
	cr_assert_not(world_until_holder(&w, A, 2 * HA_SEC));
	world_event(&w, A, &ev);
	cr_expect(world_until_holder(&w, A, HA_SEC));
	cr_expect_eq(w.n[A].node.mode, HA_MODE_PRIMARY_ACTIVE);
}

Test(node_readdress, X3_whoever_is_told_to_end_in_between_ends)
{
	struct node_event ev = addresses(1);
	uint64_t lease;

	alone();
	lease = w.n[A].node.lease.id;
	w.n[A].guardian.wanted = 1;
	world_event(&w, A, &ev);
	world_operator(&w, A, OP_SHUTDOWN, 0);
	world_run(&w, 100 * HA_MS);
	cr_expect(world_saw(&w, "a exit"));
	cr_expect_eq(w.n[A].node.lease.id, lease, "without another lease");
	cr_expect_eq(world_holder(&w), NOBODY);
}

Test(node_readdress, a_pair_has_one)
{
	struct node_event ev = {.type = EV_ADDRESSES};

	world_event(&w, A, &ev);
	world_run(&w, 100 * HA_MS);
	cr_expect(answers(A, 0));
	cr_expect_eq(w.n[A].node.config.vip_n, WORLD_VIPS);
}

Test(node_readdress, the_end_of_a_pair_in_between_leaves_no_half_of_it)
{
	struct node *n = solo_node(&solo);
	struct node_event end = {.type = EV_UNPAIRED};
	struct node_actions out;

	solo_active(&solo);
	step(addresses(1), &out);
	end.unpaired.why = PARTING_REMOVED;
	end.unpaired.vip_n = 1;
	end.unpaired.vip[0] = world_address(3, 0);
	step(end, &out);
	cr_expect_not(n->readdress.pending);
	step(dropped(), &out);
	cr_expect_eq(n->config.vip_n, 1);
	cr_expect(ha_address_equal(&n->config.vip[0], &end.unpaired.vip[0]));
	cr_expect_eq(n->mode, HA_MODE_STANDALONE);
}
