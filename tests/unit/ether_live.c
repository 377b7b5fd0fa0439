/* ether_live.c - who is heard on the link, in a network namespace of each test's own with a veth pair:
 *
 *	ha0 (under test) ---- ha1 (sends whatever a test wants)
 *
 * Where none may be made the tests are skipped. IPv6 is off, so that the kernel says nothing by itself.
 */
#include "agent/ether.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/survey.h"

enum {
	PATIENCE_MS = 20000,
};

static const struct ha_mac ha0 = {{2, 0, 0, 0, 0, 1}}, ha1 = {{2, 0, 0, 0, 0, 2}},
			   third = {{2, 0, 0, 0, 0, 3}},
			   everybody = {{255, 255, 255, 255, 255, 255}};

static int ether = -1;
static struct ha_mac from[ETHER_BUDGET];

static void run(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

static void enter(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("no network namespace: %s", strerror(errno));
	run("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6;"
	    "ip link add ha0 address 02:00:00:00:00:01 type veth "
	    "peer name ha1 address 02:00:00:00:00:02 && ip link set ha0 up && ip link set ha1 up");
	ether = ether_open("ha0");
	cr_assert_geq(ether, 0);
}

static void leave(void)
{
	if (ether >= 0)
		close(ether);
}

TestSuite(ether_live, .init = enter, .fini = leave);

static void say(const char *ifname, const struct ha_mac *source, const struct ha_mac *to,
		uint16_t type)
{
	const struct sockaddr_ll at = {.sll_family = AF_PACKET,
				       .sll_ifindex = (int)if_nametoindex(ifname)};
	uint8_t frame[60] = {0};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	memcpy(frame, to->b, 6);
	memcpy(frame + 6, source->b, 6);
	frame[12] = (uint8_t)(type >> 8);
	frame[13] = (uint8_t)type;
	cr_assert_eq(sendto(fd, frame, sizeof(frame), 0, (const struct sockaddr *)&at, sizeof(at)),
		     (ssize_t)sizeof(frame));
	close(fd);
}

/* Waits for a frame, so that all that were sent before it are there as well. */
static void await(void)
{
	struct pollfd p = {.fd = ether, .events = POLLIN};

	cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1);
}

/* Reads until a frame of that source is the last one; how many came before it. */
static unsigned heard_before(const struct ha_mac *last)
{
	unsigned n = 0;

	for (;;) {
		int got;

		await();
		got = ether_read(ether, from);
		cr_assert_geq(got, 0);
		for (int i = 0; i < got; i++, n++)
			if (ha_mac_equal(&from[i], last))
				return n;
	}
}

Test(ether_live, hears_every_protocol_and_every_destination)
{
	cr_assert_eq(ether_read(ether, from), 0);
	say("ha1", &ha1, &everybody, ETHERTYPE_ARP);
	say("ha1", &ha1, &third, 0x1234);
	say("ha1", &ha1, &(struct ha_mac){{1, 0x80, 0xc2}}, ETHERTYPE_LOOPBACK);
	say("ha1", &third, &ha0, MSG_ETHERTYPE);
	cr_assert_eq(heard_before(&third), 3);
	cr_assert(ha_mac_equal(&from[0], &ha1));
	cr_assert_eq(ether_read(ether, from), 0);
}

Test(ether_live, does_not_hear_itself)
{
	say("ha0", &ha0, &everybody, MSG_ETHERTYPE);
	say("ha0", &third, &everybody, MSG_ETHERTYPE);
	say("ha1", &ha0, &everybody, MSG_ETHERTYPE); /* an echo */
	say("ha1", &ha1, &everybody, MSG_ETHERTYPE);
	cr_assert_eq(heard_before(&ha1), 0);
}

Test(ether_live, a_flood_is_read_in_portions)
{
	for (unsigned i = 0; i < 4 * ETHER_BUDGET; i++)
		say("ha1", &third, &everybody, ETHERTYPE_IP);
	await();
	cr_assert_eq(ether_read(ether, from), ETHER_BUDGET);
	while (ether_read(ether, from) > 0)
		continue;
	say("ha1", &ha1, &everybody, ETHERTYPE_IP);
	cr_assert_eq(heard_before(&ha1), 0, "what was too much is forgotten");
}

Test(ether_live, is_promiscuous_while_it_is_open_only)
{
	run("ip -details link show dev ha0 | grep -q 'promiscuity 1'");
	close(ether);
	ether = -1;
	run("ip -details link show dev ha0 | grep -q 'promiscuity 0'");
}

Test(ether_live, an_interface_that_is_not_there_or_goes)
{
	cr_assert_eq(ether_open("ha7"), -ENODEV);
	run("ip link del ha0");
	cr_assert_lt(ether_read(ether, from), 0);
	cr_assert_lt(ether_read(ether, from), 0, "for good");
}

Test(ether_live, a_survey_learns_of_a_third_station)
{
	struct survey survey;

	survey_init(&survey, false, &(struct ha_mac){{2, 0, 0, 0, 1, 1}});
	survey_authentic(&survey, &ha1, SURVEY_TO_NEAREST);
	say("ha1", &ha1, &everybody, MSG_ETHERTYPE);
	cr_assert_eq(heard_before(&ha1), 0);
	survey_station(&survey, &from[0]);
	cr_assert_not(survey.facts.stations);
	say("ha1", &third, &everybody, ETHERTYPE_IP);
	cr_assert_eq(heard_before(&third), 0);
	survey_station(&survey, &from[0]);
	cr_assert(survey.facts.stations);
}
