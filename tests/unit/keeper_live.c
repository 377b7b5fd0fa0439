/* keeper_live.c - what the guardian does to the kernel, in a network namespace of each test's own.
 * Where none may be made the tests are skipped.
 */
#include "agent/keeper.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "agent/addresses.h"
#include "agent/loop.h"

static const struct ha_address vip = {.family = HA_IPV4, .b = {192, 0, 2, 100}};
static struct keeper keeper;
static struct ipc_message answer;

static void run(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

static void enter(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("no network namespace: %s", strerror(errno));
	run("ip link add ha0 type veth peer name ha1 && ip link set ha0 up && ip link set ha1 up");
}

static void on_answer(void *arg, const struct ipc_message *message)
{
	(void)arg;
	answer = *message;
}

static const struct ha_address other = {.family = HA_IPV4, .b = {192, 0, 2, 101}};

static void request_for(enum ipc_type type, uint64_t lease, const struct ha_address *meant)
{
	struct ipc_message message = {.type = type};

	message.u.lease.addresses = addresses_sum(meant, 1);

	message.u.lease.lease = lease;
	message.u.lease.deadline = loop_now() + 60 * HA_SEC;
	memset(&answer, 0, sizeof(answer));
	keeper_request(&keeper, &message);
}

static void request(enum ipc_type type, uint64_t lease)
{
	request_for(type, lease, &vip);
}

TestSuite(keeper_live, .init = enter);

Test(keeper_live, puts_the_address_on_and_takes_it_off)
{
	cr_assert_eq(keeper_open(&keeper, "ha0", &vip, 1, on_answer, NULL), 0);
	request(IPC_HOLD, 1);
	cr_assert_eq(answer.u.lease.status, LEASE_HELD);
	run("ip address show dev ha0 | grep -q 192.0.2.100/32");
	request(IPC_RELEASE, 1);
	cr_assert_eq(answer.u.lease.status, LEASE_DROPPED);
	run("! ip address show dev ha0 | grep -q 192.0.2.100");
	keeper_close(&keeper);
}

/* The fence would cut it off, and of an IPv6 address nothing would be left. */
Test(keeper_live, does_not_touch_an_address_that_is_this_hosts_own)
{
	run("ip address add 192.0.2.100/24 dev ha1");
	cr_assert_eq(keeper_open(&keeper, "ha0", &vip, 1, on_answer, NULL), 0);
	request(IPC_HOLD, 1);
	cr_assert_eq(answer.u.lease.status, LEASE_FAILED);
	cr_assert_not(keeper.fenced);
	run("! ip address show dev ha0 | grep -q 192.0.2.100");
	run("ip address del 192.0.2.100/24 dev ha1");
	request(IPC_HOLD, 1); /* which finds that it is free now */
	request(IPC_HOLD, 1);
	cr_assert_eq(answer.u.lease.status, LEASE_HELD);
	keeper_close(&keeper);
}

Test(keeper_live, what_the_record_names_is_switched_to_when_nothing_is_held)
{
	cr_assert_eq(keeper_open(&keeper, "ha0", &vip, 1, on_answer, NULL), 0);
	request(IPC_HOLD, 1);
	cr_assert(keeper_set_addresses(&keeper, &other, 1));
	run("ip address show dev ha0 | grep -q 192.0.2.100/32");
	request(IPC_RELEASE, 1);
	request_for(IPC_HOLD, 2, &other);
	run("ip address show dev ha0 | grep -q 192.0.2.101/32");
	run("! ip address show dev ha0 | grep -q 192.0.2.100");
	keeper_close(&keeper);
}

/* The engine is faster than the steward's word: the former one must not come back in the new lease. */
Test(keeper_live, a_hold_of_addresses_that_are_not_told_yet_puts_nothing_on)
{
	cr_assert_eq(keeper_open(&keeper, "ha0", &vip, 1, on_answer, NULL), 0);
	request(IPC_HOLD, 1);
	request(IPC_RELEASE, 1);
	request_for(IPC_HOLD, 2, &other);
	cr_expect_eq(answer.u.lease.status, LEASE_FAILED);
	cr_expect_eq(answer.u.lease.lease, 2);
	run("! ip address show dev ha0 | grep -q 192.0.2.1");
	cr_assert(keeper_set_addresses(&keeper, &other, 1));
	request_for(IPC_HOLD, 2, &other);
	cr_expect_eq(answer.u.lease.status, LEASE_HELD);
	run("ip address show dev ha0 | grep -q 192.0.2.101/32");
	run("! ip address show dev ha0 | grep -q 192.0.2.100");
	keeper_close(&keeper);
}

/* The other way round; and the word that released the former one was lost, or is in the same queue. */
Test(keeper_live, a_newer_lease_of_other_addresses_ends_the_former_one)
{
	cr_assert_eq(keeper_open(&keeper, "ha0", &vip, 1, on_answer, NULL), 0);
	request(IPC_HOLD, 1);
	cr_assert(keeper_set_addresses(&keeper, &other, 1));
	run("ip address show dev ha0 | grep -q 192.0.2.100/32");
	request_for(IPC_HOLD, 2, &other);
	cr_expect_eq(answer.u.lease.status, LEASE_HELD);
	run("ip address show dev ha0 | grep -q 192.0.2.101/32");
	run("! ip address show dev ha0 | grep -q 192.0.2.100");
	request(IPC_HOLD, 1);
	cr_expect_eq(answer.u.lease.status, LEASE_FAILED, "it has ended, and was of others");
	run("ip address show dev ha0 | grep -q 192.0.2.101/32");
	keeper_close(&keeper);
}

/* What the kernel says of that is not somebody else's doing either. */
Test(keeper_live, an_address_that_stays_is_not_missed_for_its_own_removal)
{
	const struct ha_address both[] = {vip, other};
	struct ipc_message message = {.type = IPC_HOLD};

	cr_assert_eq(keeper_open(&keeper, "ha0", &vip, 1, on_answer, NULL), 0);
	request(IPC_HOLD, 1);
	cr_assert(keeper_set_addresses(&keeper, both, 2));
	message.u.lease.addresses = addresses_sum(both, 2);
	message.u.lease.lease = 2;
	message.u.lease.deadline = loop_now() + 60 * HA_SEC;
	keeper_request(&keeper, &message);
	cr_assert_eq(answer.u.lease.status, LEASE_HELD);
	cr_assert_eq(keeper_read(&keeper), 0);
	cr_expect_eq(keeper.hold.restored, 0);
	cr_expect_eq(answer.u.lease.on, 3);
	keeper_close(&keeper);
}

/* Who means others must not renew what is on either. */
Test(keeper_live, a_renewal_that_means_other_addresses_renews_nothing)
{
	ha_time deadline;

	cr_assert_eq(keeper_open(&keeper, "ha0", &vip, 1, on_answer, NULL), 0);
	request(IPC_HOLD, 1);
	deadline = keeper.hold.deadline;
	request_for(IPC_HOLD, 1, &other);
	cr_expect_eq(answer.u.lease.status, LEASE_FAILED);
	cr_expect_eq(keeper.hold.deadline, deadline);
	run("ip address show dev ha0 | grep -q 192.0.2.100/32");
	keeper_close(&keeper);
}

/* An upgrade in place between the record and the change: the new engine goes on with lease 1, and has the record's. */
Test(keeper_live, what_was_taken_over_ends_where_the_record_has_others)
{
	ha_time until = loop_now() + 60 * HA_SEC;

	cr_assert_eq(keeper_open(&keeper, "ha0", &vip, 1, on_answer, NULL), 0);
	request(IPC_HOLD, 7);
	cr_assert(keeper_bridge(&keeper, until));
	vip_close(&keeper.vip);
	monitor_close(&keeper.monitor);
	cr_assert_eq(keeper_adopt(&keeper, "ha0", &vip, 1, until, on_answer, NULL), 0);
	cr_assert(keeper_set_addresses(&keeper, &other, 1));
	run("ip address show dev ha0 | grep -q 192.0.2.100/32");
	request_for(IPC_HOLD, 1, &other);
	cr_expect_eq(answer.u.lease.status, LEASE_DROPPED);
	cr_expect_eq(answer.u.lease.lease, 1);
	run("! ip address show dev ha0 | grep -q 192.0.2.1");
	request_for(IPC_HOLD, 2, &other);
	cr_expect_eq(answer.u.lease.status, LEASE_HELD);
	run("ip address show dev ha0 | grep -q 192.0.2.101/32");
	keeper_close(&keeper);
}

Test(keeper_live, what_no_station_can_have_is_refused)
{
	static const struct ha_address hostile[] = {
		{.family = HA_FAMILY_NONE},
		{.family = 7, .b = {192, 0, 2, 101}},
		{.family = HA_IPV4, .b = {0}},
		{.family = HA_IPV4, .b = {127, 0, 0, 1}},
		{.family = HA_IPV4, .b = {224, 0, 0, 1}},
		{.family = HA_IPV4, .b = {255, 255, 255, 255}},
		{.family = HA_IPV6, .b = {0}},
		{.family = HA_IPV6, .b = {[15] = 1}},
		{.family = HA_IPV6, .b = {0xff, 2, [15] = 1}},
		{.family = HA_IPV6, .b = {[10] = 0xff, 0xff, 192, 0, 2, 101}},
	};

	cr_assert_eq(keeper_open(&keeper, "ha0", &vip, 1, on_answer, NULL), 0);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		cr_assert_not(keeper_set_addresses(&keeper, &hostile[i], 1), "%zu", i);
	cr_assert_not(keeper_set_addresses(&keeper, hostile, HA_VIP_MAX + 1));
	request(IPC_HOLD, 1);
	run("ip address show dev ha0 | grep -q 192.0.2.100/32");
	keeper_close(&keeper);
}

/* That run was killed; what it kept closed may be an ordinary address now. */
Test(keeper_live, an_earlier_runs_fence_goes_where_there_is_no_address_any_more)
{
	static struct fence fence;
	int error = fence_open(&fence, "ha0", &vip, 1);

	if (error != 0)
		cr_skip_test("no fence: %s", strerror(-error));
	cr_assert_eq(keeper_open(&keeper, "ha0", &vip, 0, on_answer, NULL), 0);
	cr_assert_eq(fence_shut(&fence), -ENOENT);
	keeper_close(&keeper);
	fence_close(&fence);
}
