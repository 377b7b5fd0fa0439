/* plug_live.c - what the kernel says of carrier, in a network namespace of each test's own with its
 * own /sys. Where none may be made the tests are skipped.
 */
#include "agent/plug.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

static struct carrier carrier;
static struct plug plug;

static void run(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

static void enter(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL) != 0)
		cr_skip_test("no namespaces: %s", strerror(errno));
	run("ip link add ha0 type veth peer name ha1 && ip link set ha1 up");
	cr_assert_eq(carrier_open(&carrier), 0);
}

/* Asked until it answers so; the stack may take a while to agree. */
static bool becomes(int up)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	for (int i = 0; i < 500; i++) {
		if (plug_up(&plug, &carrier) == up)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

TestSuite(plug_live, .init = enter);

Test(plug_live, follows_the_cable)
{
	plug_init(&plug, "ha0");
	cr_assert_eq(plug_up(&plug, &carrier), 0, "not up yet");
	run("ip link set ha0 up");
	for (int i = 0; i < 3; i++) {
		cr_assert(becomes(1));
		run("ip link set ha1 down");
		cr_assert_eq(plug_up(&plug, &carrier), 0, "at once");
		run("ip link set ha1 up");
	}
	cr_assert_geq(plug.fd, 0, "by the count");
	plug_close(&plug);
}

/* A bridge has carrier while it is down, which nothing counts. */
Test(plug_live, an_interface_that_comes_up_after_the_agent)
{
	run("ip link add br0 type bridge && ip link set ha0 up");
	plug_init(&plug, "br0");
	cr_assert_eq(plug_up(&plug, &carrier), 0);
	run("ip link set ha0 master br0 && ip link set br0 up");
	cr_assert(becomes(1));
	run("ip link set br0 down");
	plug_doubt(&plug);
	cr_assert(becomes(0));
	run("ip link set br0 up");
	cr_assert(becomes(1));
	plug_close(&plug);
}

Test(plug_live, an_interface_that_is_deleted_and_made_anew)
{
	plug_init(&plug, "ha0");
	run("ip link set ha0 up");
	cr_assert(becomes(1));
	run("ip link del ha0");
	cr_assert_eq(plug_up(&plug, &carrier), 0);
	run("ip link add ha0 type veth peer name ha1 && ip link set ha1 up && ip link set ha0 up");
	cr_assert(becomes(1));
	plug_close(&plug);
}
