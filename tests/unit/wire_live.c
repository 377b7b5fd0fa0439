/* wire_live.c - the groups that a wire listens to, in a network namespace of each test's own. Where none may be made
 * the tests are skipped.
 */
#include "agent/wire.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum {
	PATIENCE_MS = 20000,
};

static const struct ha_mac ha0 = {{2, 0, 0, 0, 0, 1}}, ha1 = {{2, 0, 0, 0, 0, 2}};
static struct wire wire[2];

static void run(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

static void enter(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("no network namespace: %s", strerror(errno));
	run("ip link add ha0 address 02:00:00:00:00:01 type veth "
	    "peer name ha1 address 02:00:00:00:00:02 && ip link set ha0 up && ip link set ha1 up");
}

static void open_wire(unsigned i, enum ha_path path, bool direct)
{
	struct ha_mac group = wire_group(path, direct);

	wire_init(&wire[i], path, i ? "ha1" : "ha0", &group);
	cr_assert_eq(wire_open(&wire[i], i ? &ha1 : &ha0), 0);
}

TestSuite(wire_live, .init = enter);

Test(wire_live, the_link_is_in_both_groups_whichever_it_sends_to)
{
	for (int direct = 0; direct < 2; direct++) {
		open_wire(0, HA_PATH_LINK, direct);
		run("ip maddress show dev ha0 | grep -q 01:80:c2:00:00:0e");
		run("ip maddress show dev ha0 | grep -q 03:48:41:47:00:02");
		wire_close(&wire[0]);
		run("! ip maddress show dev ha0 | grep -q 03:48:41:47:00:02");
	}
}

Test(wire_live, management_is_in_its_own_group_only)
{
	open_wire(0, HA_PATH_MANAGEMENT, true);
	run("ip maddress show dev ha0 | grep -q 03:48:41:47:00:01");
	run("! ip maddress show dev ha0 | grep -q -e 01:80:c2:00:00:0e -e 03:48:41:47:00:02");
	wire_close(&wire[0]);
}

static void note(void *destination, const uint8_t *frame, size_t len, ha_time at)
{
	(void)at;
	cr_assert_geq(len, WIRE_ETHER_LEN);
	memcpy(destination, frame, 6);
}

/* Sends a frame of ha1's to that destination, and returns the one with which ha0 receives it. */
static struct ha_mac pass(const struct ha_mac *to)
{
	struct pollfd p = {.fd = wire[0].fd, .events = POLLIN};
	struct ha_mac destination = {{0}};
	uint8_t frame[60] = {0};

	wire_header(&wire[1], to, frame);
	cr_assert_eq(wire_send(&wire[1], frame, sizeof(frame)), 0);
	while (ha_mac_is_zero(&destination)) {
		cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1);
		cr_assert_geq(wire_read(&wire[0], note, &destination), 0);
	}
	return destination;
}

Test(wire_live, the_receiver_sees_which_group_it_was)
{
	struct ha_mac relayed = wire_group(HA_PATH_LINK, false), got;

	open_wire(0, HA_PATH_LINK, true);
	open_wire(1, HA_PATH_LINK, true);
	got = pass(NULL);
	cr_assert(ha_mac_equal(&got, &wire[0].group));
	got = pass(&relayed);
	cr_assert(ha_mac_equal(&got, &relayed));
	wire_close(&wire[0]);
	wire_close(&wire[1]);
}
