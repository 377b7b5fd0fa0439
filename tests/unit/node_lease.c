/* node_lease.c - SPEC 5.7, 5.8 and R1: the lease on the virtual IP, what is announced, what is on disk. */
#include "tests/unit/node_solo.h"

#include <criterion/criterion.h>

static struct world w;
static struct solo solo;

static void setup(void)
{
	world_init(&w, 1);
	world_pair(&w);
}

TestSuite(node_lease, .init = setup);

static void steps(const struct node_event *ev, struct node_actions *out)
{
	struct node_event at = *ev;

	at.now = solo_now(&solo);
	node_step(solo_node(&solo), &at, out);
}

static const struct node_action *find(const struct node_actions *out, enum node_action_type type,
				      unsigned *at)
{
	for (unsigned i = 0; i < out->n; i++)
		if (out->a[i].type == type) {
			*at = i;
			return &out->a[i];
		}
	return NULL;
}

/* --- L1 to L4 --- */

Test(node_lease, L1_every_acquisition_has_a_new_number)
{
	uint64_t first = w.n[A].node.lease.id;

	world_operator(&w, A, OP_SWAP, 1);
	world_run(&w, 100 * HA_MS);
	world_operator(&w, B, OP_SWAP, 1);
	world_run(&w, 100 * HA_MS);
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[A].node.lease.id, first + 1);
}

Test(node_lease, L1_is_renewed_with_each_heartbeat_and_before_it)
{
	const struct node_action *hold;
	struct node_actions out;
	unsigned held = 0, beat = 0;

	solo_active(&solo);
	solo.w.now = solo_node(&solo)->tick - solo.w.n[A].base;
	steps(&(struct node_event){.type = EV_TIMER}, &out);
	hold = find(&out, ACT_HOLD, &held);
	cr_assert(hold && find(&out, ACT_HEARTBEAT, &beat));
	cr_assert_lt(held, beat);
	cr_assert_eq(hold->deadline, solo_now(&solo) + 60 * HA_MS, "L = 0.6 D");
	cr_assert_eq(hold->lease, solo_node(&solo)->lease.id);
}

/* The promise of a holder that was late, and then stops, has ended when its successor begins. */
Test(node_lease, L1_a_late_renewal_promises_less)
{
	const struct node_action *hold;
	struct node_actions out;
	ha_time beat;
	unsigned at = 0;

	solo_active(&solo);
	beat = solo_node(&solo)->beat_at;
	solo.w.now = beat + 80 * HA_MS - solo.w.n[A].base;
	steps(&(struct node_event){.type = EV_TIMER}, &out);
	hold = find(&out, ACT_HOLD, &at);
	cr_assert(hold);
	cr_assert_eq(hold->deadline, beat + 95 * HA_MS, "D - H / 4 after the heartbeat");
}

/* The fence counts in the kernel's ticks: with timing "fast" the peer may take sooner than two of them have passed. */
Test(node_lease, L1_no_promise_is_shorter_than_two_ticks_of_the_kernel)
{
	const struct node *n = &w.n[A].node;

	world_init(&w, 1);
	w.timing = (struct node_timing){2 * HA_MS, 8 * HA_MS, 3 * HA_MS, 3 * HA_SEC, 30 * HA_SEC};
	world_pair(&w);
	world_run(&w, 10 * HA_MS);
	cr_assert_eq(n->lease.deadline, n->tick - w.timing.heartbeat + 8 * HA_MS);
}

Test(node_lease, L1_no_stall_of_the_engine_makes_two_holders_even_if_it_then_dies)
{
	for (ha_time stall = 5 * HA_MS; stall <= 150 * HA_MS; stall += HA_MS) {
		setup();
		world_pause(&w, A, stall);
		world_run(&w, stall + HA_MS / 10);
		world_engine_kill(&w, A);
		w.n[A].guardian.dead = true; /* nothing but the fence is left */
		cr_assert(world_until_holder(&w, B, HA_SEC));
		cr_assert_eq(w.dual, 0);
	}
}

Test(node_lease, L2_the_death_of_the_engine_ends_it_within_L)
{
	ha_time killed = w.now;

	world_engine_kill(&w, A);
	cr_assert(world_until_holder(&w, NOBODY, HA_SEC));
	cr_assert_leq(w.now - killed, 61 * HA_MS);
	cr_assert_eq(w.n[A].guardian.on, 0u);
}

Test(node_lease, L3_a_release_is_certain_when_the_guardian_says_so)
{
	world_operator(&w, A, OP_SWAP, 1);
	world_run(&w, 230 * HA_US);
	cr_assert_eq(w.n[A].node.claim, HA_CLAIM_RESIGNED);
}

/* The guardian is stopped: with the fence the end of the lease is certainty enough. */
Test(node_lease, L3_or_when_the_lease_has_run_out_behind_the_fence)
{
	w.n[A].guardian.dead = true;
	world_operator(&w, A, OP_SWAP, 1);
	world_run(&w, 10 * HA_MS);
	cr_assert_eq(w.n[A].node.claim, HA_CLAIM_HOLDING);
	cr_assert(world_until_holder(&w, B, 60 * HA_MS));
	cr_assert_eq(w.dual, 0);
}

Test(node_lease, L3_and_without_the_fence_when_the_address_s_own_lifetime_has)
{
	ha_time began = w.now;

	w.n[A].guardian.fence = w.n[A].node.config.fenced = false;
	w.n[A].guardian.dead = true;
	world_operator(&w, A, OP_SWAP, 1);
	cr_assert(world_until_holder(&w, B, 10 * HA_SEC));
	cr_assert_geq(w.now - began, 4 * HA_SEC);
	cr_assert_eq(w.dual, 0);
}

/* Its last word to a guardian that was not there is lost, and nobody would ever say anything again. */
Test(node_lease, L3_a_guardian_that_owes_an_answer_is_told_again)
{
	w.n[A].guardian.dead = true;
	world_run(&w, 100 * HA_MS);
	world_pause(&w, A, 200 * HA_MS);
	world_run(&w, 5 * HA_SEC);
	cr_assert_eq(world_holder(&w), B);
	cr_assert(node_why_not(&w.n[A].node, w.n[A].node.now) & WHY_NOT_GUARDIAN);
	world_guardian_init(&w, A); /* another one, which knows of nothing */
	w.n[A].guardian.dead = false;
	world_run(&w, HA_SEC);
	cr_assert_eq(node_why_not(&w.n[A].node, w.n[A].node.now), 0);
}

static void withdraw(bool gone)
{
	struct node_event ev = {.type = EV_LEASE};

	hold_withdraw(&w.n[A].guardian.hold);
	ev.lease.id = w.n[A].node.lease.id;
	ev.lease.status = NODE_LEASE_DROPPED;
	ev.lease.gone = gone;
	world_event(&w, A, &ev);
}

Test(node_lease, L4_one_that_ran_out_is_acquired_anew_while_the_peer_cannot_have_taken)
{
	uint64_t term = w.n[A].node.term;

	withdraw(false);
	cr_assert_eq(w.n[A].node.claim, HA_CLAIM_NONE);
	world_run(&w, 5 * HA_MS);
	cr_assert_str_eq(w.story, "\na lease_lost\n");
	cr_assert_eq(world_holder(&w), A);
	cr_assert_eq(w.n[A].node.term, term);
}

static unsigned holds(const struct node_actions *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < out->n; i++)
		n += out->a[i].type == ACT_HOLD;
	return n;
}

/* A holder that was paused finds the guardian's word before the peer's in its queues. */
static void paused_and_lost(struct node_actions *out)
{
	struct node *n;

	solo_active(&solo);
	n = solo_node(&solo);
	solo.w.now += 80 * HA_MS;
	steps(&(struct node_event){.type = EV_LEASE,
				   .lease = {.id = n->lease.id, .status = NODE_LEASE_DROPPED}},
	      out);
	cr_assert_eq(holds(out), 0u);
	cr_assert_eq(n->state, HA_ACTIVE);
	cr_assert_leq(node_deadline(n), solo_now(&solo), "at once");
	steps(&(struct node_event){.type = EV_GUARDIAN, .ok = true}, out);
	cr_assert_eq(holds(out), 0u);
	cr_assert_leq(node_deadline(n), solo_now(&solo), "whatever else comes");
}

/* Its kernel takes so long that each lease has ended before it is confirmed: acquired anew for ever, it would never have one. */
Test(node_lease, L4_but_a_guardian_that_loses_it_all_the_time_hands_over)
{
	w.n[A].guardian.slow = 20 * HA_MS;
	cr_assert(world_until_holder(&w, B, 2 * HA_SEC));
	cr_assert(world_saw(&w, "a passive Y1"));
	cr_assert_eq(w.dual, 0);
}

Test(node_lease, L4_one_that_ran_out_in_a_pause_is_acquired_anew_when_all_that_came_is_read)
{
	struct node_actions out;

	paused_and_lost(&out);
	steps(&(struct node_event){.type = EV_TIMER}, &out);
	cr_assert_geq(holds(&out), 1u);
	cr_assert_eq(solo_node(&solo)->claim, HA_CLAIM_TAKING);
	cr_assert_gt(node_deadline(solo_node(&solo)), solo_now(&solo));
}

Test(node_lease, L4_nor_is_it_when_the_peer_has_taken_meanwhile)
{
	struct node_event taking = {.type = EV_HEARTBEAT, .path = HA_PATH_MANAGEMENT};
	struct node_actions out;

	paused_and_lost(&out);
	taking.heard_at = solo_now(&solo);
	taking.counter = ++solo.counter;
	taking.heartbeat = solo.says;
	taking.heartbeat.number++;
	taking.heartbeat.state = HA_ACTIVE;
	taking.heartbeat.claim = HA_CLAIM_TAKING;
	taking.heartbeat.term = 7;
	steps(&taking, &out);
	cr_assert_eq(holds(&out), 0u);
	cr_assert_eq(solo_node(&solo)->state, HA_PASSIVE);
	steps(&(struct node_event){.type = EV_TIMER}, &out);
	cr_assert_eq(holds(&out), 0u);
	cr_assert_eq(solo_node(&solo)->lease.again, HA_NEVER);
}

Test(node_lease, L4_nor_when_that_comes_too_late)
{
	struct node_actions out;

	paused_and_lost(&out);
	solo.w.now += 20 * HA_MS;
	steps(&(struct node_event){.type = EV_TIMER}, &out);
	cr_assert_eq(holds(&out), 0u);
	cr_assert_eq(solo_node(&solo)->state, HA_PASSIVE);
	cr_assert_eq(solo_node(&solo)->reason, REASON_LEASE_LOST);
}

Test(node_lease, L1_nothing_is_promised_before_what_was_received_is_read)
{
	struct node_actions out;

	solo_active(&solo);
	solo.w.now += 50 * HA_MS;
	steps(&(struct node_event){.type = EV_GUARDIAN, .ok = true}, &out);
	cr_assert_eq(holds(&out), 0u);
	cr_assert_leq(node_deadline(solo_node(&solo)), solo_now(&solo));
	steps(&(struct node_event){.type = EV_TIMER}, &out);
	cr_assert_eq(holds(&out), 1u);
}

Test(node_lease, L4_with_the_interface_gone_it_makes_a_passive_that_may_come_back)
{
	withdraw(true);
	cr_assert_str_eq(w.story, "\na lease_lost\na passive Y6\n");
	cr_assert(world_until_holder(&w, A, 3 * w.timing.dead));
	cr_assert(world_saw(&w, "a active T4"));
	cr_assert_eq(w.n[B].promotions, 0u);
}

Test(node_lease, L4_what_is_said_of_an_earlier_lease_is_ignored)
{
	struct node_event ev = {.type = EV_LEASE};

	ev.lease.id = w.n[A].node.lease.id - 1;
	ev.lease.status = NODE_LEASE_DROPPED;
	world_event(&w, A, &ev);
	cr_assert_str_eq(w.story, "\n");
}

Test(node_lease, a_claim_is_taking_until_the_guardian_confirms)
{
	w.n[B].guardian.delay = 10 * HA_MS;
	world_engine_kill(&w, A);
	world_run(&w, 105 * HA_MS);
	cr_assert_eq(w.n[B].node.claim, HA_CLAIM_TAKING);
	cr_assert_eq(w.announced[B], 0u, "A1");
	world_run(&w, 10 * HA_MS);
	cr_assert_eq(w.n[B].node.claim, HA_CLAIM_HOLDING);
	cr_assert_geq(w.announced[B], 1u);
}

Test(node_lease, L5_a_holder_that_lacks_an_address_is_degraded_and_says_so)
{
	w.n[A].guardian.want = 1; /* somebody else has deleted the second, and has it */
	world_delete_address(&w, A, 1);
	world_run(&w, 290 * HA_MS);
	cr_assert_not(node_degraded(&w.n[A].node, world_local(&w, A, w.now)));
	cr_assert_str_eq(w.story, "\n");
	world_run(&w, 50 * HA_MS);
	cr_assert(node_degraded(&w.n[A].node, world_local(&w, A, w.now)));
	cr_assert_eq(world_holder(&w), A);
	w.n[A].guardian.want = 3;
	world_run(&w, HA_SEC);
	cr_assert_not(node_degraded(&w.n[A].node, world_local(&w, A, w.now)));
	cr_assert_str_eq(w.story, "\na address_missing\na addresses_whole\n");
}

/* --- A1 to A3 --- */

static void on(uint32_t mask, struct node_actions *out)
{
	struct node_event ev = {.type = EV_LEASE};

	ev.lease.id = solo_node(&solo)->lease.id;
	ev.lease.status = NODE_LEASE_HELD;
	ev.lease.on = mask;
	solo.w.n[A].guardian.on = solo.w.n[A].guardian.want = mask;
	steps(&ev, out);
}

Test(node_lease, A1_each_address_is_announced_when_it_is_on_and_not_before_or_after)
{
	const struct node_action *a;
	struct node_actions out;
	unsigned at = 0;

	solo_active(&solo);
	on(1, &out);
	cr_assert_not(find(&out, ACT_ANNOUNCE, &at), "the second went off: nothing new to say");
	solo_goes_on(&solo, 70 * HA_SEC); /* the world checks what the refresh says */
	on(3, &out);
	a = find(&out, ACT_ANNOUNCE, &at);
	cr_assert(a);
	cr_assert_eq(a->mask, 3u);
	cr_assert(a->arp && a->na);
}

/* ms after the address came on */
static void announced_at(const unsigned *ms, unsigned n, bool arp)
{
	struct node *node = solo_node(&solo);
	struct node_actions out;
	ha_time began;
	unsigned said = 0, at = 0;

	solo_active(&solo);
	solo.says.flags = MSG_FLAG_LEAVING;
	solo_say(&solo);
	on(0, &out);
	began = solo_now(&solo);
	on(3, &out);
	while (solo_now(&solo) - began < 59 * HA_SEC) {
		const struct node_action *a = find(&out, ACT_ANNOUNCE, &at);

		if (a && (arp ? a->arp : a->na)) {
			cr_assert_lt(said, n);
			cr_assert_eq(solo_now(&solo) - began, ms[said] * HA_MS, "%u", said);
			said++;
		}
		solo.w.now = node_deadline(node) - solo.w.n[A].base;
		steps(&(struct node_event){.type = EV_TIMER}, &out);
	}
	cr_assert_eq(said, n);
}

Test(node_lease, A2_gratuitous_ARP_six_times)
{
	announced_at((const unsigned[]){0, 20, 100, 1000, 2000, 5000}, 6, true);
}

Test(node_lease, A2_unsolicited_NA_three_times)
{
	announced_at((const unsigned[]){0, 1000, 2000}, 3, false);
}

Test(node_lease, A2_again_every_minute_and_when_management_gets_carrier)
{
	unsigned announced;

	world_run(&w, 20 * HA_SEC);
	announced = w.announced[A];
	world_run(&w, 30 * HA_SEC);
	cr_assert_eq(w.announced[A], announced);
	world_run(&w, 30 * HA_SEC);
	cr_assert_eq(w.announced[A], announced + 6);
	world_run(&w, 60 * HA_SEC);
	cr_assert_eq(w.announced[A], announced + 12);
	world_run(&w, 10 * HA_SEC);
	world_carrier(&w, A, HA_PATH_MANAGEMENT, false);
	world_run(&w, 50 * HA_MS);
	announced = w.announced[A];
	world_carrier(&w, A, HA_PATH_MANAGEMENT, true);
	world_run(&w, HA_MS);
	cr_assert_gt(w.announced[A], announced);
}

static void claimed_by(struct ha_mac mac)
{
	world_event(&w, A,
		    &(struct node_event){
			    .type = EV_SEGMENT,
			    .heard_at = world_local(&w, A, w.now),
			    .segment = {.source = mac, .sender = w.n[A].node.config.vip[0]}});
}

Test(node_lease, A3_a_third_party_is_announced_against_once_in_ten_seconds)
{
	unsigned announced;

	world_run(&w, 20 * HA_SEC);
	announced = w.announced[A];
	claimed_by((struct ha_mac){{2, 9}});
	cr_assert_eq(w.announced[A], announced + 1);
	world_run(&w, 9 * HA_SEC);
	announced = w.announced[A];
	claimed_by((struct ha_mac){{2, 9}});
	cr_assert_eq(w.announced[A], announced);
	cr_assert_eq(world_count(&w, "a third_party"), 1u);
	world_run(&w, HA_SEC);
	claimed_by((struct ha_mac){{2, 9}});
	cr_assert_eq(world_count(&w, "a third_party"), 2u);
	cr_assert_eq(world_holder(&w), A, "never obeyed");
}

Test(node_lease, A3_an_own_echo_is_ignored)
{
	unsigned announced = w.announced[A];

	claimed_by(w.n[A].node.config.mac);
	cr_assert_eq(w.announced[A], announced);
	cr_assert_str_eq(w.story, "\n");
}

/* --- R1 --- */

Test(node_lease, R1_no_term_is_used_twice_over_a_crash)
{
	uint64_t term = w.n[A].node.term;

	for (int k = 0; k < 10; k++) {
		world_power_off(&w, A);
		world_power_off(&w, B);
		world_run(&w, HA_MS * k);
		world_power_on(&w, A);
		world_run(&w, 4 * HA_SEC);
		cr_assert_eq(world_holder(&w), A);
		cr_assert_gt(w.n[A].node.term, term);
		term = w.n[A].node.term;
	}
}

Test(node_lease, R1_nor_over_one_right_after_the_promotion)
{
	uint64_t term;

	world_power_off(&w, A);
	world_power_off(&w, B);
	world_run(&w, HA_SEC);
	world_power_on(&w, A);
	world_run(&w, 2 * HA_SEC);
	w.n[A].store.delay = HA_SEC;
	cr_assert(world_until_holder(&w, A, 5 * HA_SEC));
	term = w.n[A].node.term;
	world_power_off(&w, A);
	cr_assert_lt(w.n[A].store.disk.held_term, term, "nothing of it was written");
	w.n[A].store.delay = HA_MS;
	world_power_on(&w, A);
	cr_assert(world_until_holder(&w, A, 40 * HA_SEC));
	cr_assert_gt(w.n[A].node.term, term);
}

Test(node_lease, R1_a_save_that_failed_is_tried_again_once_a_second)
{
	uint64_t saves;

	w.n[A].store.failing = true;
	w.n[A].store.delay = 500 * HA_MS;
	world_copy(&w, A, true, false, 8);
	saves = w.n[A].node.save_number;
	world_run(&w, 10 * HA_SEC);
	cr_assert_geq(w.n[A].node.save_number, saves + 5);
	cr_assert_leq(w.n[A].node.save_number, saves + 10);
	w.n[A].store.failing = false;
	world_run(&w, 2 * HA_SEC);
	cr_assert_not(w.n[A].store.disk.in_sync);
	cr_assert_eq(w.n[A].node.save_retry, HA_NEVER);
}

Test(node_lease, R1_the_disk_is_not_waited_for_at_a_takeover)
{
	w.n[B].store.delay = 10 * HA_SEC;
	world_power_off(&w, A);
	cr_assert(world_until_holder(&w, B, 10 * HA_MS));
}

/* Two are under way: the disk answers for the one that came before it. */
Test(node_lease, R1_a_term_is_reserved_by_its_own_save)
{
	solo_start(&solo);
	solo_say(&solo);
	world_run(&solo.w, HA_MS);
	solo.w.n[A].store.delay = 100 * HA_MS;
	world_copy(&solo.w, A, true, false, 8);
	solo_goes_on(&solo, 60 * HA_MS);
	solo.says.term = 9;
	solo_goes_on(&solo, 60 * HA_MS);
	cr_assert_eq(solo_node(&solo)->reserving, 10u);
	cr_assert_eq(solo_node(&solo)->reserved, 0u);
	solo_goes_on(&solo, 60 * HA_MS);
	cr_assert_eq(solo_node(&solo)->reserved, 10u);
}

Test(node_lease, R1_a_reserved_term_that_the_peer_overtook_is_not_used)
{
	solo_start(&solo);
	solo_say(&solo);
	cr_assert_eq(solo_node(&solo)->reserved, 4u);
	solo.w.n[A].store.delay = 100 * HA_MS;
	solo.says.term = 9;
	solo_say(&solo);
	cr_assert(node_why_not(solo_node(&solo), solo_now(&solo)) & WHY_NOT_STORE);
	solo_goes_on(&solo, 200 * HA_MS);
	cr_assert_eq(solo_node(&solo)->reserved, 10u);
	cr_assert_eq(node_why_not(solo_node(&solo), solo_now(&solo)), 0);
}
