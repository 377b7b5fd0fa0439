/* account.c - what led to a change of role, observed in the worlds of tests/sim: exact times, in which nothing but the
 * node tells.
 */
#include "proto/account.h"
#include "tests/sim/world.h"

#include <criterion/criterion.h>

static struct world w;

/* To the guardian and back. */
#define ASKED    (100 * HA_US)
#define ANSWERED (10 * HA_US)
#define NOTICED  (200 * HA_US) /* a carrier that is lost */

static void setup(void)
{
	world_init(&w, 1);
}

TestSuite(account, .init = setup);

static const struct msg_account *told(int i)
{
	return &w.n[i].account.last;
}

/* The node's clock against the world's. */
static ha_time local(int i, ha_time at)
{
	return world_local(&w, i, at);
}

static void assert_change(int i, enum ha_state from, enum ha_state to, enum ha_reason reason)
{
	cr_assert_eq(told(i)->from, from);
	cr_assert_eq(told(i)->to, to);
	cr_assert_eq(told(i)->reason, reason, "%s", reason_text((enum ha_reason)told(i)->reason));
	cr_assert_eq(told(i)->boot, w.n[i].node.config.boot);
}

Test(account, there_is_none_before_the_first_change)
{
	world_power_on(&w, A);
	world_run(&w, HA_MS);
	cr_assert_eq(told(A)->decided, 0);
}

Test(account, boot_the_one_takes_and_the_other_hears_it)
{
	world_power_on(&w, A);
	world_power_on(&w, B);
	world_run(&w, 3 * HA_SEC);
	assert_change(A, HA_INITIALIZING, HA_ACTIVE, REASON_NOBODY);
	cr_assert_eq(told(A)->decided, local(A, world_when(&w, "a active T4")));
	cr_assert_eq(told(A)->term, w.n[A].node.term);
	cr_assert_eq(told(A)->probe.rounds, 0);
	cr_assert_eq(told(A)->peer.held, 0, "nobody held before");
	cr_assert_eq(told(A)->lease.until, 0);
	cr_assert_eq(told(A)->lease.on, told(A)->decided + ASKED + ANSWERED);
	cr_assert_eq(told(A)->lease.announced, told(A)->lease.on);
	assert_change(B, HA_INITIALIZING, HA_PASSIVE, REASON_HOLDER_HEARD);
	cr_assert_eq(told(B)->peer.claim, HA_CLAIM_TAKING);
	cr_assert_eq(told(B)->lease.on, 0);
}

Test(account, T1_both_sides_of_a_swap)
{
	const struct msg_account *giver, *taker;
	ha_time asked;

	world_pair(&w);
	w.n[A].guardian.delay = 3 * HA_MS;
	world_run(&w, 7 * HA_MS);
	asked = w.now;
	world_operator(&w, A, OP_SWAP, 1);
	world_run(&w, HA_SEC);
	giver = told(A);
	taker = told(B);
	assert_change(A, HA_ACTIVE, HA_PASSIVE, REASON_SWAP);
	assert_change(B, HA_PASSIVE, HA_ACTIVE, REASON_HANDOVER);
	/* 50 us for each frame, 3 ms to the guardian */
	cr_assert_eq(giver->handover.intent, local(A, asked));
	cr_assert_eq(taker->handover.intent, local(B, asked) + 50 * HA_US);
	cr_assert_eq(taker->handover.ack, taker->handover.intent);
	cr_assert_eq(giver->handover.ack, local(A, asked) + 100 * HA_US);
	cr_assert_eq(giver->lease.released, giver->handover.ack);
	cr_assert_eq(giver->lease.off, giver->lease.released + 3 * HA_MS + ANSWERED);
	cr_assert_eq(giver->handover.resigned, giver->lease.off);
	cr_assert_eq(giver->decided, giver->lease.off);
	cr_assert_eq(taker->handover.resigned, local(B, asked) + 3160 * HA_US);
	cr_assert_eq(taker->handover.taking, taker->handover.resigned);
	cr_assert_eq(taker->decided, taker->handover.taking);
	cr_assert_eq(giver->handover.taking, local(A, asked) + 3210 * HA_US);
	cr_assert_eq(taker->lease.on, taker->decided + ASKED + ANSWERED);
	cr_assert_eq(taker->lease.announced, taker->lease.on);
	cr_assert_eq(taker->lease.off, 0);
	cr_assert_eq(taker->peer.reason, REASON_SWAP);
	cr_assert_eq(taker->peer.claim, HA_CLAIM_RESIGNED);
	cr_assert_lt(taker->peer.held, taker->decided);
	cr_assert_eq(taker->term, giver->term + 1);
	cr_assert_eq(taker->probe.rounds + giver->probe.rounds, 0);
	cr_assert_eq(taker->solicit.sent + giver->solicit.sent, 0);
	cr_assert_eq(taker->path[HA_PATH_LINK].missed, 0);
}

Test(account, T1_a_swap_that_fails_is_no_change)
{
	struct msg_account before;

	world_pair(&w);
	before = *told(A);
	w.n[B].blocked_until = w.now + 300 * HA_MS;
	world_operator(&w, A, OP_SWAP, 1);
	world_run(&w, 90 * HA_MS);
	cr_assert(memcmp(&before, told(A), sizeof(before)) == 0);
}

/* ... but the one that took back had given up before. */
Test(account, T1_the_grant_runs_out)
{
	world_pair(&w);
	w.n[B].taking_lost = true;
	w.n[B].guardian.dead = true;
	w.n[A].resigned_lost = true;
	world_operator(&w, A, OP_SWAP, 1);
	world_run(&w, HA_SEC);
	assert_change(A, HA_PASSIVE, HA_ACTIVE, REASON_TOOK_BACK);
	cr_assert_neq(told(A)->handover.resigned, 0);
	cr_assert_eq(told(A)->handover.taking, 0);
	cr_assert_eq(told(A)->decided, told(A)->handover.resigned + 3 * w.timing.dead);
	cr_assert_eq(told(A)->lease.on, told(A)->decided + ASKED + ANSWERED);
}

Test(account, T2_the_active_dies)
{
	const struct msg_account *m;
	ha_time last;

	world_pair(&w);
	world_engine_kill(&w, A);
	world_run(&w, 50 * HA_MS);
	last = w.n[B].node.path[HA_PATH_MANAGEMENT].heard;
	world_run(&w, HA_SEC);
	m = told(B);
	assert_change(B, HA_PASSIVE, HA_ACTIVE, REASON_BOTH_SILENT);
	cr_assert_eq(m->decided, last + w.timing.dead);
	cr_assert_eq(m->path[HA_PATH_LINK].heard, last);
	cr_assert_eq(m->path[HA_PATH_MANAGEMENT].heard, last);
	cr_assert_eq(m->path[HA_PATH_LINK].missed, 5);
	cr_assert_eq(m->path[HA_PATH_MANAGEMENT].missed, 5);
	cr_assert_eq(m->path[HA_PATH_LINK].carrier, ACCOUNT_CARRIER_UP);
	cr_assert_eq(m->peer.heard, last);
	cr_assert_eq(m->peer.held, last);
	cr_assert_eq(m->peer.claim, HA_CLAIM_HOLDING);
	cr_assert_eq(m->peer.state, HA_ACTIVE);
	cr_assert_eq(m->peer.boot, w.n[A].store.boot);
	/* From one and a half heartbeats on, each half a heartbeat. The first is answered still, by the kernel of the dead:
	 * the count begins anew. */
	cr_assert_eq(m->probe.answer, ACCOUNT_ANSWER_PEER);
	cr_assert_eq(m->probe.answered, last + 30 * HA_MS + 105 * HA_US);
	cr_assert_eq(m->probe.first, last + 40 * HA_MS);
	cr_assert_eq(m->probe.last, m->decided);
	cr_assert_eq(m->probe.rounds, 7);
	cr_assert_eq(m->solicit.sent, 0);
	cr_assert_gt(m->reach.evidence, last + w.timing.heartbeat);
	cr_assert_eq(m->reach.asked, m->reach.evidence - 105 * HA_US, "there and back");
	cr_assert(ha_address_equal(&m->reach.station, world_vip(WORLD_VIPS)));
	cr_assert_eq(m->reach.configured, 1);
	cr_assert_eq(m->lease.on, m->decided + ASKED + ANSWERED);
	cr_assert_eq(m->lease.announced, m->decided + ASKED + ANSWERED);
	cr_assert_eq(m->lease.until, 0, "it did not hold before");
	cr_assert_eq(m->handover.intent, 0);
}

Test(account, T2_what_answered_for_the_address_meanwhile_is_told)
{
	world_pair(&w);
	world_engine_kill(&w, A);
	w.n[A].guardian.blocked_until = w.now + HA_SEC; /* the address stays on */
	w.n[A].guardian.fence = false;
	w.dual_allowed = true;
	world_run(&w, 10 * HA_SEC);
	assert_change(B, HA_PASSIVE, HA_ACTIVE, REASON_BOTH_SILENT);
	cr_assert_eq(told(B)->probe.answer, ACCOUNT_ANSWER_PEER);
	cr_assert_gt(told(B)->probe.answered, told(B)->peer.held + w.timing.heartbeat);
	cr_assert_lt(told(B)->probe.answered, told(B)->probe.first);
}

Test(account, T3_the_power_of_the_active_fails)
{
	const struct msg_account *m;
	ha_time last, off;

	world_pair(&w);
	world_run(&w, 7 * HA_MS);
	off = w.now + NOTICED;
	last = w.n[B].node.path[HA_PATH_LINK].heard;
	world_power_off(&w, A);
	world_run(&w, HA_SEC);
	m = told(B);
	assert_change(B, HA_PASSIVE, HA_ACTIVE, REASON_CARRIER_LOST);
	cr_assert_eq(m->path[HA_PATH_LINK].carrier, ACCOUNT_CARRIER_DOWN);
	cr_assert_eq(m->path[HA_PATH_LINK].carrier_since, local(B, off));
	cr_assert_eq(m->path[HA_PATH_MANAGEMENT].carrier, ACCOUNT_CARRIER_UP);
	cr_assert_eq(m->path[HA_PATH_LINK].missed, 0);
	cr_assert_eq(m->path[HA_PATH_LINK].heard, last);
	cr_assert_eq(m->solicit.since, local(B, off));
	cr_assert_eq(m->solicit.sent, 3);
	cr_assert_eq(m->solicit.answered, 0);
	cr_assert_eq(m->decided, local(B, off) + w.timing.confirm);
	cr_assert_eq(m->probe.first, local(B, off));
	cr_assert_geq(m->probe.rounds, 3);
	cr_assert_geq(m->reach.evidence, m->solicit.since);
	cr_assert_eq(m->lease.announced, m->decided + ASKED + ANSWERED);
}

Test(account, T3_an_answer_is_told)
{
	world_pair(&w);
	world_carrier(&w, B, HA_PATH_LINK, false);
	world_run(&w, 10 * HA_MS);
	cr_assert_eq(world_holder(&w), A);
	world_engine_kill(&w, A);
	world_run(&w, HA_SEC);
	assert_change(B, HA_PASSIVE, HA_ACTIVE, REASON_BOTH_SILENT);
	cr_assert_gt(told(B)->solicit.sent, 0);
	cr_assert_eq(told(B)->solicit.answered, 1);
}

/* A cable that has been down for long asked its question long ago, and of somebody who was well since. */
Test(account, T3_the_question_of_an_earlier_story_is_not_told)
{
	world_pair(&w);
	world_carrier(&w, B, HA_PATH_LINK, false);
	world_run(&w, HA_SEC);
	world_engine_kill(&w, A);
	world_run(&w, HA_SEC);
	assert_change(B, HA_PASSIVE, HA_ACTIVE, REASON_BOTH_SILENT);
	cr_assert_eq(told(B)->solicit.sent, 0);
	cr_assert_eq(told(B)->solicit.since, 0);
	cr_assert_eq(told(B)->path[HA_PATH_LINK].missed, 55);
}

Test(account, Y1_a_check_failed)
{
	world_pair(&w);
	world_check(&w, A, false);
	world_run(&w, HA_SEC);
	assert_change(A, HA_ACTIVE, HA_PASSIVE, REASON_CHECK_FAILED);
	assert_change(B, HA_PASSIVE, HA_ACTIVE, REASON_HANDOVER);
	cr_assert_eq(told(B)->peer.reason, REASON_CHECK_FAILED);
	cr_assert_eq(told(A)->peer.claim, HA_CLAIM_NONE);
	cr_assert(told(A)->peer.flags & MSG_FLAG_ELIGIBLE);
	cr_assert_neq(told(A)->handover.taking, 0);
}

Test(account, Y2_isolated_by_itself)
{
	world_pair(&w);
	w.dual_allowed = true; /* where nobody can reach it */
	world_split(&w, HA_PATH_LINK, true);
	world_isolate(&w, A, true);
	world_run(&w, HA_SEC);
	assert_change(A, HA_ACTIVE, HA_ISOLATED, REASON_ISOLATED);
	cr_assert_neq(told(A)->reach.unanswered, 0);
	cr_assert_gt(told(A)->reach.unanswered, told(A)->reach.evidence);
	cr_assert_gt(told(A)->path[HA_PATH_MANAGEMENT].missed, 4);
	cr_assert_geq(told(A)->lease.released, told(A)->decided);
	cr_assert_geq(told(A)->lease.off, told(A)->lease.released);
	assert_change(B, HA_PASSIVE, HA_ACTIVE, REASON_BOTH_SILENT);
}

/* It sleeps past the takeover: its lease ran out meanwhile, and it gives up when it wakes. */
Test(account, Y6_the_active_stood_still)
{
	const struct msg_account *m;
	ha_time from, wakes;

	world_pair(&w);
	world_run(&w, 3 * HA_MS);
	from = w.now;
	wakes = from + 500 * HA_MS;
	world_suspend(&w, A, 500 * HA_MS);
	world_run(&w, HA_SEC);
	m = told(A);
	assert_change(A, HA_ACTIVE, HA_PASSIVE, REASON_PAUSED);
	cr_assert_eq(m->decided, local(A, wakes));
	cr_assert_leq(m->awake, local(A, from));
	cr_assert_gt(m->awake, local(A, from) - w.timing.heartbeat);
	cr_assert_gt(m->lease.until, m->awake);
	cr_assert_lt(m->lease.until, m->awake + w.timing.dead);
	cr_assert_neq(m->lease.off, 0);
	cr_assert_eq(told(B)->reason, REASON_BOTH_SILENT);
	cr_assert_lt(told(B)->term, UINT64_MAX);
	cr_assert_lt(m->term, told(B)->term, "it gave up in the term of before");
}

/* Passive, suspended, passive again: it never stopped being a passive. */
Test(account, what_stays_passive_has_no_change_to_tell)
{
	struct msg_account before;

	world_pair(&w);
	before = *told(B);
	world_operator(&w, A, OP_SUSPEND, 1);
	world_run(&w, HA_SEC);
	cr_assert_eq(w.n[B].node.state, HA_SUSPENDED);
	world_operator(&w, A, OP_RESUME, 2);
	world_run(&w, HA_SEC);
	cr_assert_eq(w.n[B].node.state, HA_PASSIVE);
	cr_assert(memcmp(&before, told(B), sizeof(before)) == 0);
}

Test(account, shutdown_without_a_passive_releases)
{
	world_pair(&w);
	world_power_off(&w, B);
	world_run(&w, HA_SEC);
	world_operator(&w, A, OP_SHUTDOWN, 0);
	world_run(&w, HA_SEC);
	assert_change(A, HA_ACTIVE, HA_PASSIVE, REASON_SHUTDOWN);
	cr_assert_geq(told(A)->lease.off, told(A)->lease.released);
	cr_assert_eq(told(A)->handover.resigned, 0);
}

/* The engine withdrew what the guardian had lost, and an earlier lease says nothing of it. */
Test(account, a_lease_that_was_lost)
{
	world_pair(&w);
	w.n[A].guardian.blocked_until = w.now + 200 * HA_MS;
	world_run(&w, 2 * HA_SEC);
	if (told(A)->from == HA_ACTIVE)
		cr_assert_leq(told(A)->lease.off, told(A)->decided + HA_SEC);
	else
		cr_assert_eq(told(A)->to, HA_ACTIVE);
}

/* Its steps are the node's own, and of two that are equal both tell the same. */
Test(account, observing_changes_nothing)
{
	uint64_t hash[2];

	for (unsigned k = 0; k < 2; k++) {
		world_init(&w, 7);
		world_pair(&w);
		world_power_off(&w, A);
		world_run(&w, HA_SEC);
		hash[k] = w.hash;
	}
	cr_assert_eq(hash[0], hash[1]);
}

Test(account, the_peers_times_by_our_clock)
{
	struct msg_account m = {.decided = 5 * HA_SEC,
				.peer = {.held = 4 * HA_SEC},
				.lease = {.on = HA_MS, .off = 6 * HA_SEC}};
	struct msg_account ahead = m, behind = m;

	account_translate(&ahead, 2000000);
	cr_assert_eq(ahead.decided, 3 * HA_SEC);
	cr_assert_eq(ahead.peer.held, 2 * HA_SEC);
	cr_assert_eq(ahead.lease.on, 0, "before our clock began");
	cr_assert_eq(ahead.lease.announced, 0, "what did not happen still has not");
	account_translate(&behind, -2000000);
	cr_assert_eq(behind.decided, 7 * HA_SEC);
	cr_assert_eq(behind.lease.on, 2001 * HA_MS);
	cr_assert_eq(behind.lease.off, 8 * HA_SEC);
}

Test(account, a_clock_that_lies_is_no_time)
{
	static const int64_t offset[] = {INT64_MIN, INT64_MIN / 2, -INT64_MAX / HA_US,
					 -(INT64_C(1) << 52), INT64_MAX};

	for (size_t i = 0; i < sizeof(offset) / sizeof(*offset); i++) {
		struct msg_account m = {.decided = 5 * HA_SEC};

		account_translate(&m, offset[i]);
		cr_expect_eq(m.decided, 0);
	}
}

/* ---- what both tell of one handover ---- */

static struct msg_account giver(void)
{
	return (struct msg_account){
		.decided = HA_SEC + 60 * HA_US,
		.from = HA_ACTIVE,
		.to = HA_PASSIVE,
		.term = 4,
		.handover = {HA_SEC, HA_SEC + 40 * HA_US, HA_SEC + 60 * HA_US, HA_SEC + 90 * HA_US},
	};
}

/* As exact as can be: each frame takes 10 us. */
static struct msg_account taker(void)
{
	return (struct msg_account){
		.decided = HA_SEC + 80 * HA_US,
		.from = HA_PASSIVE,
		.to = HA_ACTIVE,
		.term = 5,
		.peer = {.heard = HA_SEC + 70 * HA_US, .claim = HA_CLAIM_RESIGNED},
		.handover = {HA_SEC + 10 * HA_US, HA_SEC + 30 * HA_US, HA_SEC + 80 * HA_US,
			     HA_SEC + 80 * HA_US},
	};
}

/* By how many us the peer's account is moved, which came wrong us late. */
static int64_t moved(struct msg_account theirs, const struct msg_account *own, int64_t wrong)
{
	struct msg_account told;

	account_translate(&theirs, -wrong);
	told = theirs;
	account_align(&told, own);
	return (told.decided - theirs.decided) / HA_US;
}

Test(account, no_effect_is_told_ahead_of_its_cause)
{
	struct msg_account gave = giver(), took = taker();

	for (int wrong = -9; wrong <= 9; wrong++) {
		cr_expect_eq(moved(gave, &took, wrong), 0, "giver: %d us can be", wrong);
		cr_expect_eq(moved(took, &gave, wrong), 0, "taker: %d us can be", wrong);
	}
	for (int wrong = 10; wrong < 60; wrong++) {
		cr_expect_eq(moved(gave, &took, wrong), 9 - wrong);
		cr_expect_eq(moved(gave, &took, -wrong), wrong - 9);
		cr_expect_eq(moved(took, &gave, wrong), 9 - wrong);
		cr_expect_eq(moved(took, &gave, -wrong), wrong - 9);
	}
	gave.handover.resigned += HA_US / 2; /* our own clock counts nanoseconds */
	cr_expect_eq(moved(took, &gave, -20), 12, "rounded so that it is enough");
}

Test(account, only_what_a_handover_proves_is_moved)
{
	struct msg_account gave = giver(), took = taker(), other;

	other = took;
	other.handover.resigned = 0; /* by silence */
	cr_expect_eq(moved(gave, &other, 50), 0);
	other = took;
	other.term = gave.term; /* an earlier one */
	cr_expect_eq(moved(gave, &other, 50), 0);
	other = took;
	other.from = HA_ACTIVE;
	other.to = HA_PASSIVE;
	cr_expect_eq(moved(gave, &other, 50), 0, "both gave");
	cr_expect_eq(moved(gave, &took, 10 * HA_MS / HA_US + 10), 0, "no error of a clock");
	took.handover.intent = HA_SEC - 5 * HA_US;
	cr_expect_eq(moved(gave, &took, 0), -6, "each frame is looked at");
	gave.handover.taking = took.decided - 20 * HA_US;
	cr_expect_eq(moved(gave, &took, 0), 0, "no clock is so");
	gave = (struct msg_account){0};
	cr_expect_eq(moved(gave, &took, 0), 0, "nothing is told");
}
