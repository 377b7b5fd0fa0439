/* The guardian's lease on the virtual addresses, on a kernel made of a struct.
 *
 * The trace has a letter for each call into the kernel: H fence opened, S fence shut, A addresses
 * added, R one restored, D addresses deleted.
 */
#include "agent/hold.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

struct fake {
	ha_time now;
	ha_time slip;       /* what the next call to add takes */
	ha_time fence_slip; /* what the next call to open the fence takes, before it opens it */
	uint32_t on, acks;
	int add_error, remove_error, fence_error, restore_error;
	unsigned fence_ms; /* open for so long; 0: shut */
	char trace[64];
};

static void note(struct fake *fake, char what)
{
	size_t len = strlen(fake->trace);

	if (len + 1 < sizeof(fake->trace))
		fake->trace[len] = what;
}

static ha_time fake_now(void *arg)
{
	struct fake *fake = arg;

	return fake->now;
}

static int fake_add(void *arg, uint32_t *acked)
{
	struct fake *fake = arg;

	note(fake, 'A');
	fake->now += fake->slip;
	fake->slip = 0;
	*acked = fake->acks;
	fake->on |= fake->acks & 1; /* address 1 is IPv6: it is on when the kernel reports it */
	return fake->add_error;
}

static int fake_restore(void *arg, unsigned i)
{
	struct fake *fake = arg;

	note(fake, 'R');
	if (fake->restore_error == 0)
		fake->on |= UINT32_C(1) << i;
	return fake->restore_error;
}

static int fake_remove(void *arg)
{
	struct fake *fake = arg;

	note(fake, 'D');
	if (fake->remove_error == 0)
		fake->on = 0;
	return fake->remove_error;
}

static uint32_t fake_on(void *arg)
{
	struct fake *fake = arg;

	return fake->on;
}

static int fake_fence_hold(void *arg, unsigned ms)
{
	struct fake *fake = arg;

	note(fake, 'H');
	fake->now += fake->fence_slip;
	fake->fence_slip = 0;
	if (fake->fence_error == 0)
		fake->fence_ms = ms;
	return fake->fence_error;
}

static int fake_fence_shut(void *arg)
{
	struct fake *fake = arg;

	note(fake, 'S');
	fake->fence_ms = 0;
	return 0;
}

static struct fake fake;
static const struct hold_kernel kernel = {
	.now = fake_now,
	.add = fake_add,
	.restore = fake_restore,
	.remove = fake_remove,
	.on = fake_on,
	.fence_hold = fake_fence_hold,
	.fence_shut = fake_fence_shut,
	.arg = &fake,
};
static struct hold hold;
static struct ipc_message answer;

static void begin(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.now = 1000 * HA_SEC;
	fake.acks = 3;
	hold_init(&hold, &kernel);
}

static bool request(uint64_t lease, ha_time from_now)
{
	memset(&answer, 0, sizeof(answer));
	return hold_request(&hold, lease, fake.now + from_now, &answer);
}

static void expect(uint64_t lease, enum ipc_lease_status status, enum ipc_lease_cause cause)
{
	cr_assert_eq(answer.type, IPC_LEASE);
	cr_assert_eq(answer.u.lease.lease, lease);
	cr_assert_eq(answer.u.lease.status, status);
	cr_assert_eq(answer.u.lease.cause, cause);
}

static void expect_trace(const char *trace)
{
	cr_assert_str_eq(fake.trace, trace);
	memset(fake.trace, 0, sizeof(fake.trace));
}

static void acquire(uint64_t lease)
{
	cr_assert(request(lease, 60 * HA_MS));
	expect(lease, LEASE_HELD, 0);
	memset(fake.trace, 0, sizeof(fake.trace));
}

TestSuite(hold, .init = begin);

Test(hold, the_fence_is_opened_before_the_addresses_come_on_for_what_is_left)
{
	cr_assert(request(1, 60 * HA_MS + 1));
	expect(1, LEASE_HELD, 0);
	expect_trace("HA");
	cr_assert_eq(fake.fence_ms, 60);
	cr_assert_eq(hold_next(&hold), fake.now + 60 * HA_MS + 1);
}

Test(hold, ipv6_is_on_when_the_kernel_reports_it_and_the_engine_is_told)
{
	acquire(1);
	cr_assert_eq(answer.u.lease.on, 1);
	fake.on = 3;
	cr_assert(hold_observe(&hold, 1, true, &answer));
	expect(1, LEASE_HELD, 0);
	cr_assert_eq(answer.u.lease.on, 3);
	cr_assert_not(hold_observe(&hold, 1, true, &answer), "once");
}

Test(hold, a_renewal_is_answered_and_moves_the_deadline_but_not_the_kernel_address)
{
	acquire(1);
	fake.now += 20 * HA_MS;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_HELD, 0);
	expect_trace("H");
	cr_assert_eq(hold_next(&hold), fake.now + 60 * HA_MS);
}

Test(hold, the_kernel_address_is_renewed_once_a_second)
{
	acquire(1);
	for (int i = 0; i < 150; i++) {
		fake.now += 20 * HA_MS;
		cr_assert(request(1, 60 * HA_MS));
		if (i == 48 || i == 98)
			memset(fake.trace, 0, sizeof(fake.trace));
		if (i == 49 || i == 99)
			expect_trace("HA");
	}
}

Test(hold, what_is_not_renewed_is_silenced_then_withdrawn)
{
	acquire(1);
	fake.now += 60 * HA_MS - 1;
	cr_assert_not(hold_timer(&hold, &answer), "not before the deadline");
	expect_trace("");
	fake.now += 1;
	cr_assert(hold_timer(&hold, &answer));
	expect(1, LEASE_DROPPED, LEASE_EXPIRED);
	expect_trace("SD");
	cr_assert_eq(hold_next(&hold), HA_NEVER);
	cr_assert_not(hold_timer(&hold, &answer));
}

Test(hold, a_lease_that_has_ended_never_lives_again)
{
	acquire(5);
	fake.now += 60 * HA_MS;
	cr_assert(hold_timer(&hold, &answer));
	memset(fake.trace, 0, sizeof(fake.trace));
	for (uint64_t lease = 1; lease <= 5; lease++) {
		cr_assert(request(lease, 60 * HA_MS));
		expect(lease, LEASE_DROPPED, LEASE_STALE);
	}
	expect_trace("");
	cr_assert(request(6, 60 * HA_MS));
	expect(6, LEASE_HELD, 0);
}

Test(hold, lease_zero_is_none)
{
	cr_assert(request(0, 60 * HA_MS));
	expect(0, LEASE_DROPPED, LEASE_STALE);
	expect_trace("");
}

Test(hold, a_request_whose_deadline_has_passed_changes_nothing)
{
	cr_assert(request(1, 0));
	expect(1, LEASE_DROPPED, LEASE_STALE);
	expect_trace("");
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_HELD, 0);
}

Test(hold, a_renewal_that_comes_too_late_for_itself_ends_the_lease)
{
	acquire(1);
	fake.now += 100 * HA_MS;
	cr_assert(request(1, -1));
	expect(1, LEASE_DROPPED, LEASE_EXPIRED);
	expect_trace("SD");
}

Test(hold, a_renewal_read_late_counts_if_its_own_deadline_lies_ahead)
{
	acquire(1);
	fake.now += 70 * HA_MS;
	cr_assert(request(1, 40 * HA_MS));
	expect(1, LEASE_HELD, 0);
	expect_trace("H");
	cr_assert_eq(fake.fence_ms, 40);
}

Test(hold, less_than_a_millisecond_is_nothing)
{
	cr_assert(request(1, HA_MS - 1));
	expect(1, LEASE_DROPPED, LEASE_EXPIRED);
	expect_trace("SD");
}

Test(hold, a_guardian_that_was_stopped_within_the_call_shuts_the_fence_at_once)
{
	fake.slip = 60 * HA_MS;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_DROPPED, LEASE_EXPIRED);
	expect_trace("HASD");
	cr_assert_eq(fake.fence_ms, 0);
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_DROPPED, LEASE_STALE);
}

Test(hold, stopped_within_a_renewal_likewise)
{
	acquire(1);
	fake.now += HA_SEC;
	fake.slip = HA_SEC;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_DROPPED, LEASE_EXPIRED);
	expect_trace("HASD");
}

/* Stopped between a look at the clock and the call: the fence would outlive the deadline by that. */
Test(hold, a_fence_that_was_opened_late_is_given_what_is_left_then)
{
	fake.fence_slip = 20 * HA_MS;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_HELD, 0);
	expect_trace("HHA");
	cr_assert_eq(fake.fence_ms, 40);
}

Test(hold, a_fence_that_was_opened_after_the_deadline_is_shut)
{
	acquire(1);
	fake.fence_slip = 60 * HA_MS;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_DROPPED, LEASE_EXPIRED);
	expect_trace("HSD");
	cr_assert_eq(fake.fence_ms, 0);
}

Test(hold, release_is_confirmed_and_final)
{
	acquire(1);
	cr_assert(hold_release(&hold, 1, &answer));
	expect(1, LEASE_DROPPED, LEASE_ASKED);
	expect_trace("SD");
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_DROPPED, LEASE_STALE);
}

Test(hold, release_of_what_is_not_held_is_confirmed_all_the_same)
{
	cr_assert(hold_release(&hold, 3, &answer));
	expect(3, LEASE_DROPPED, LEASE_ASKED);
	expect_trace("SD");
	cr_assert(request(3, 60 * HA_MS));
	expect(3, LEASE_DROPPED, LEASE_STALE);
}

Test(hold, release_of_an_older_lease_does_not_touch_the_newer)
{
	acquire(2);
	cr_assert(hold_release(&hold, 1, &answer));
	expect(1, LEASE_DROPPED, LEASE_STALE);
	expect_trace("");
	cr_assert(hold_holds(&hold));
}

Test(hold, an_unconfirmed_removal_is_tried_again_and_answered_when_it_is_done)
{
	acquire(1);
	fake.remove_error = -ETIMEDOUT;
	cr_assert_not(hold_release(&hold, 1, &answer), "not off yet");
	expect_trace("SD");
	cr_assert_eq(hold_next(&hold), fake.now + HOLD_RETRY_EVERY);
	cr_assert_not(hold_timer(&hold, &answer), "not due");
	expect_trace("");
	fake.now = hold_next(&hold);
	fake.remove_error = 0;
	cr_assert(hold_timer(&hold, &answer));
	expect(1, LEASE_DROPPED, LEASE_ASKED);
	expect_trace("SD");
	cr_assert_eq(hold_next(&hold), HA_NEVER);
}

Test(hold, a_dead_engine_is_withdrawn_without_an_answer)
{
	acquire(1);
	fake.remove_error = -ETIMEDOUT;
	hold_new_engine(&hold);
	expect_trace("SD");
	fake.now = hold_next(&hold);
	fake.remove_error = 0;
	cr_assert_not(hold_timer(&hold, &answer), "it was told to nobody");
	expect_trace("SD");
	cr_assert(request(1, 60 * HA_MS), "the new one counts anew");
	expect(1, LEASE_HELD, 0);
}

Test(hold, a_newer_lease_takes_over_from_the_older)
{
	acquire(1);
	cr_assert(request(2, 60 * HA_MS));
	expect(2, LEASE_HELD, 0);
	expect_trace("HA");
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_DROPPED, LEASE_STALE);
	cr_assert(hold_holds(&hold));
}

Test(hold, the_kernel_refuses_all_nothing_is_left_and_the_lease_may_be_asked_for_again)
{
	fake.add_error = -EPERM;
	fake.acks = 0;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_FAILED, 0);
	cr_assert_eq(answer.error, -EPERM);
	expect_trace("HASD");
	cr_assert_not(hold_holds(&hold));
	fake.add_error = 0;
	fake.acks = 3;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_HELD, 0);
}

Test(hold, the_kernel_refuses_one_and_the_others_are_held)
{
	fake.add_error = -EACCES;
	fake.acks = 1;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_HELD, 0);
	cr_assert_eq(answer.error, -EACCES);
	cr_assert_eq(answer.u.lease.on, 1);
}

Test(hold, a_renewal_that_the_kernel_refuses_for_one_is_held_likewise)
{
	acquire(1);
	fake.now += HA_SEC;
	fake.add_error = -EACCES;
	fake.acks = 1;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_HELD, 0);
	cr_assert_eq(answer.error, -EACCES);
	fake.now += HOLD_RETRY_EVERY;
	fake.acks = 0;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_FAILED, 0);
}

/* Between two attempts nothing was confirmed either: the engine counts how long that lasts (SPEC 5.Y1). */
Test(hold, a_renewal_that_is_refused_is_so_until_one_succeeds)
{
	acquire(1);
	fake.now += HA_SEC;
	fake.add_error = -EEXIST;
	fake.acks = 0;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_FAILED, 0);
	fake.now += 20 * HA_MS;
	memset(fake.trace, 0, sizeof(fake.trace));
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_FAILED, 0);
	cr_assert_eq(answer.error, -EEXIST);
	expect_trace("H");
	fake.now += HOLD_RETRY_EVERY;
	fake.add_error = 0;
	fake.acks = 3;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_HELD, 0);
}

Test(hold, what_was_refused_is_removed_until_the_kernel_confirms_it)
{
	fake.add_error = -ETIMEDOUT;
	fake.acks = 0;
	fake.remove_error = -ENOBUFS;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_FAILED, 0);
	expect_trace("HASD");
	fake.now = hold_next(&hold);
	fake.remove_error = 0;
	cr_assert_not(hold_timer(&hold, &answer), "nobody waits for it");
	expect_trace("SD");
	cr_assert_eq(hold_next(&hold), HA_NEVER);
}

Test(hold, no_address_comes_on_behind_a_fence_that_cannot_be_opened)
{
	fake.fence_error = -ETIMEDOUT;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_FAILED, 0);
	expect_trace("HSD");
}

Test(hold, the_interface_is_gone)
{
	acquire(1);
	cr_assert(hold_gone(&hold, &answer));
	expect(1, LEASE_DROPPED, LEASE_GONE);
	cr_assert_not(hold_gone(&hold, &answer));
	cr_assert(request(2, 60 * HA_MS), "and back");
	expect(2, LEASE_HELD, 0);
}

static bool lose(unsigned i)
{
	fake.on &= ~(UINT32_C(1) << i);
	return hold_observe(&hold, i, false, &answer);
}

Test(hold, what_somebody_else_deletes_is_put_back_at_once_and_counted)
{
	acquire(1);
	cr_assert_not(lose(0), "the engine need not know");
	expect_trace("R");
	cr_assert_eq(fake.on, 1);
	cr_assert_eq(hold.restored, 1);
}

Test(hold, at_most_ten_times_a_second)
{
	acquire(1);
	cr_assert(request(1, 10 * HA_SEC));
	memset(fake.trace, 0, sizeof(fake.trace));
	for (int i = 0; i < HOLD_RESTORES_MAX; i++)
		cr_assert_not(lose(0));
	expect_trace("RRRRRRRRRR");
	cr_assert(lose(0));
	expect(1, LEASE_HELD, 0);
	cr_assert_eq(answer.u.lease.on, 0, "the engine is told");
	expect_trace("");
	fake.now += HA_SEC - 1;
	cr_assert_not(hold_timer(&hold, &answer));
	fake.now += 1;
	cr_assert_eq(hold_next(&hold), fake.now);
	cr_assert(hold_timer(&hold, &answer));
	expect_trace("R");
	cr_assert_eq(answer.u.lease.on, 1);
	cr_assert_eq(hold.restored, HOLD_RESTORES_MAX + 1);
}

Test(hold, what_cannot_be_put_back_is_tried_again_each_second)
{
	acquire(1);
	cr_assert(request(1, 10 * HA_SEC));
	memset(fake.trace, 0, sizeof(fake.trace));
	fake.restore_error = -ENOBUFS;
	cr_assert(lose(0));
	expect_trace("R");
	fake.now += HA_SEC;
	cr_assert_not(hold_timer(&hold, &answer));
	expect_trace("R");
	cr_assert_gt(hold_next(&hold), fake.now, "no busy loop");
}

Test(hold, nothing_is_put_back_that_is_not_held)
{
	acquire(1);
	cr_assert(hold_release(&hold, 1, &answer));
	memset(fake.trace, 0, sizeof(fake.trace));
	cr_assert_not(lose(0));
	expect_trace("");
}

/* --- another program goes on --- */

Test(hold, bridged_it_stays_on_until_the_next_engine_renews_it_as_lease_1)
{
	acquire(7);
	cr_assert(hold_bridge(&hold, fake.now + 2 * HA_SEC));
	expect_trace("HA");
	cr_assert_eq(fake.fence_ms, 2000);
	cr_assert_eq(hold_next(&hold), fake.now + 2 * HA_SEC);
	fake.now += HA_SEC;
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_HELD, 0);
	cr_assert_eq(fake.fence_ms, 60, "from then on it is a lease like any other");
}

Test(hold, bridged_it_ends_by_itself)
{
	acquire(7);
	cr_assert(hold_bridge(&hold, fake.now + 2 * HA_SEC));
	memset(fake.trace, 0, sizeof(fake.trace));
	fake.now += 2 * HA_SEC;
	cr_assert(hold_timer(&hold, &answer));
	expect(1, LEASE_DROPPED, LEASE_EXPIRED);
	expect_trace("SD");
	cr_assert(request(1, 60 * HA_MS));
	expect(1, LEASE_DROPPED, LEASE_STALE);
}

Test(hold, what_is_not_held_or_has_ended_is_not_bridged)
{
	cr_assert_not(hold_bridge(&hold, fake.now + 2 * HA_SEC));
	expect_trace("");
	acquire(7);
	fake.now += 60 * HA_MS;
	cr_assert_not(hold_bridge(&hold, fake.now + 2 * HA_SEC));
	expect_trace("");
}

Test(hold, adopted_in_time_it_is_on_and_too_late_it_is_taken_off)
{
	cr_assert(hold_adopt(&hold, fake.now + HA_SEC));
	expect_trace("HA");
	begin();
	cr_assert_not(hold_adopt(&hold, fake.now));
	expect_trace("SD");
	cr_assert_not(hold_holds(&hold));
}
