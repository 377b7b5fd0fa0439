/* fence_live.c - the fence against the kernel. Each test has a network namespace of its own with a
 * veth pair:
 *
 *	ha0 (under test, with the fence) ---- ha1 (the segment: asks, and sees what leaves ha0)
 *
 * Where a namespace may not be made, or the kernel has no egress hook, the tests are skipped. They
 * wait for conditions, never for durations.
 */
#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "netlink/carrier.h"
#include "netlink/fence.h"
#include "netlink/vip.h"

enum {
	PATIENCE_MS = 20000,
	LEASE_MS = 60000
};

static const struct ha_address both[] = {
	{HA_IPV4, {192, 0, 2, 100}},
	{HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x64}},
};

static struct vip vip;
static struct fence fence;

static void run(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

static void make_link(void)
{
	run("ip link add ha0 type veth peer name ha1 && ip link set ha0 up && ip link set ha1 up");
}

static void enter(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("no network namespace: %s", strerror(errno));
	make_link();
}

static int ifindex(const char *name)
{
	struct carrier carrier;
	int index;

	cr_assert_eq(carrier_open(&carrier), 0);
	index = carrier_ifindex(&carrier, name);
	carrier_close(&carrier);
	return index;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int packet_socket(const char *name)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int one = 1;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	to.sll_ifindex = ifindex(name);
	cr_assert_eq(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)), 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

struct frame {
	size_t len;
	uint8_t b[128];
};

/* ARP, from MAC 02:00:00:00:00:01. */
static struct frame arp(uint8_t op, const uint8_t sender[4], const uint8_t target[4])
{
	struct frame f = {60, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0,  0, 0, 0, 1, 8, 6,
			       0,    1,    8,    0,    6,    4,    0, op, 2, 0, 0, 0, 0, 1}};

	memcpy(f.b + 28, sender, 4);
	memcpy(f.b + 38, target, 4);
	return f;
}

/* A neighbour advertisement for both[1], from `source`; nobody here looks at the checksum. */
static struct frame advertisement(const uint8_t source[16])
{
	struct frame f = {78, {0x33, 0x33, 0,    0,    0, 1, 2, 0, 0,  0,  0,
			       1,    0x86, 0xdd, 0x60, 0, 0, 0, 0, 24, 58, 255}};

	memcpy(f.b + 22, source, 16);
	f.b[38] = 0xff;
	f.b[39] = 2;
	f.b[53] = 1;
	f.b[54] = 136;
	memcpy(f.b + 62, both[1].b, 16);
	return f;
}

/* Does `want` (its first 62 or fewer bytes) arrive before a marker sent after it does? */
static bool arrives(int to, const struct frame *want)
{
	static const uint8_t marker[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
					   0,    0,    0,    0,    1,    0x88, 0xb6};
	int from = packet_socket("ha0");
	struct pollfd p = {.fd = to, .events = POLLIN};
	bool seen_it = false;
	uint8_t b[256];
	ssize_t len;

	/* The kernel answers ENOBUFS where the fence dropped it. */
	if (send(from, want->b, want->len, 0) < 0)
		cr_assert_eq(errno, ENOBUFS);
	cr_assert_eq(send(from, marker, sizeof(marker), 0), (ssize_t)sizeof(marker));
	for (;;) {
		cr_assert_eq(poll(&p, 1, PATIENCE_MS), 1, "the marker is lost");
		len = recv(to, b, sizeof(b), 0);
		if (len == (ssize_t)sizeof(marker) && memcmp(b, marker, 14) == 0)
			break;
		seen_it |= len == (ssize_t)want->len && memcmp(b, want->b, want->len) == 0;
	}
	close(from);
	return seen_it;
}

/* The segment asks who has the virtual IPv4 address; then it asks for 192.0.2.1, which is always
 * answered. */
static bool arp_answered(int segment)
{
	static const uint8_t own[4] = {192, 0, 2, 1}, asker[4] = {192, 0, 2, 2};
	struct frame question = arp(1, asker, both[0].b);
	struct frame control = arp(1, asker, own);
	struct pollfd p = {.fd = segment, .events = POLLIN};
	int64_t end = now_ms() + PATIENCE_MS;
	bool answered = false;
	uint8_t b[256];
	ssize_t len;

	cr_assert_eq(send(segment, question.b, question.len, 0), (ssize_t)question.len);
	cr_assert_eq(send(segment, control.b, control.len, 0), (ssize_t)control.len);
	while (now_ms() < end) {
		(void)poll(&p, 1, 100);
		len = recv(segment, b, sizeof(b), MSG_DONTWAIT);
		if (len < 42 || b[12] != 8 || b[13] != 6 || b[21] != 2)
			continue;
		answered |= memcmp(b + 28, both[0].b, 4) == 0;
		if (memcmp(b + 28, own, 4) == 0)
			return answered;
	}
	cr_assert_fail("the control question is not answered");
	return false;
}

static bool never_answered_again(int segment)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (arp_answered(segment))
		if (now_ms() > end)
			return false;
	return true;
}

/* A fence on ha0, with both addresses on it, closed. */
static int open_fence(void)
{
	int error;

	enter();
	cr_assert_eq(vip_open(&vip, "ha0", both, 2, 3600), 0);
	run("ip addr add 192.0.2.1/24 dev ha0");
	cr_assert_eq(vip_add(&vip, NULL), 0);
	error = fence_open(&fence, "ha0", both, 2);
	if (error == -EOPNOTSUPP || error == -EPROTONOSUPPORT || error == -ENOENT)
		cr_skip_test("this kernel has no egress hook: %s", strerror(-error));
	cr_assert_eq(error, 0);
	return packet_socket("ha1");
}

Test(fence_live, the_fence_starts_closed_and_opens_and_shuts)
{
	int segment = open_fence();

	cr_assert(!arp_answered(segment));
	cr_assert_eq(fence_hold(&fence, LEASE_MS), 0);
	cr_assert(arp_answered(segment));
	cr_assert_eq(fence_hold(&fence, LEASE_MS), 0);
	cr_assert(arp_answered(segment));
	cr_assert_eq(fence_shut(&fence), 0);
	cr_assert(!arp_answered(segment));
	cr_assert_eq(fence_shut(&fence), 0);
	cr_assert_eq(fence_hold(&fence, LEASE_MS), 0);
	cr_assert(arp_answered(segment));
}

Test(fence_live, the_fence_closes_by_itself)
{
	int segment = open_fence();

	cr_assert_eq(fence_hold(&fence, 200), 0);
	cr_assert(never_answered_again(segment));
	/* An element that has timed out is no obstacle to the next lease. */
	cr_assert_eq(fence_hold(&fence, LEASE_MS), 0);
	cr_assert(arp_answered(segment));
	/* A shorter lease replaces the longer one. */
	cr_assert_eq(fence_hold(&fence, 50), 0);
	cr_assert(never_answered_again(segment));
}

Test(fence_live, a_renewal_outlasts_the_lease_before_it)
{
	int segment = open_fence();
	int64_t end;

	/* Were the first lease not replaced, the answer would cease. */
	cr_assert_eq(fence_hold(&fence, 100), 0);
	cr_assert_eq(fence_hold(&fence, LEASE_MS), 0);
	for (end = now_ms() + 400; now_ms() < end;)
		cr_assert(arp_answered(segment));
}

Test(fence_live, the_fence_stays_and_closes_when_its_holder_dies)
{
	int segment = open_fence();

	cr_assert_eq(fence_hold(&fence, 200), 0);
	fence_close(&fence);
	cr_assert(never_answered_again(segment));
	run("nft list table netdev haagent_ha0 > /dev/null");
}

Test(fence_live, the_fence_holds_injected_announcements_too)
{
	static const uint8_t other[16] = {0xfe, 0x80, [15] = 1};
	int segment = open_fence();
	struct frame frames[] = {
		arp(1, both[0].b, both[0].b), arp(2, both[0].b, both[0].b),
		advertisement(both[1].b), advertisement(other), /* whatever its source */
	};
	size_t i;

	for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		cr_assert(!arrives(segment, &frames[i]), "frame %zu", i);
	cr_assert_eq(fence_hold(&fence, LEASE_MS), 0);
	for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		cr_assert(arrives(segment, &frames[i]), "frame %zu", i);
}

Test(fence_live, the_fence_lets_everything_else_pass)
{
	static const uint8_t other4[4] = {192, 0, 2, 1}, other6[16] = {0xfe, 0x80, [15] = 1};
	int segment = open_fence();
	struct frame question = arp(1, other4, both[0].b);
	struct frame advertised = advertisement(other6);

	advertised.b[77] = 0x65; /* another target */
	cr_assert(arrives(segment, &question),
		  "who asks for the virtual address does not claim it");
	cr_assert(arrives(segment, &advertised));
}

Test(fence_live, a_fence_opened_anew_replaces_the_old_one)
{
	static struct fence next;
	static const struct ha_address another = {HA_IPV4, {192, 0, 2, 101}};
	int segment = open_fence();

	cr_assert_eq(fence_hold(&fence, LEASE_MS), 0);
	cr_assert_eq(fence_open(&next, "ha0", both, 2), 0);
	cr_assert(!arp_answered(segment));
	fence_close(&fence);
	cr_assert_eq(fence_open(&fence, "ha0", &another, 1), 0);
	cr_assert(arp_answered(segment), "no longer one of its addresses");
	run("! nft list table netdev haagent_ha0 | grep -q 192.0.2.100");
}

Test(fence_live, a_removed_fence_holds_nothing_back)
{
	int segment = open_fence();

	cr_assert_eq(fence_remove(&fence), 0);
	cr_assert(arp_answered(segment));
	cr_assert_eq(fence_remove(&fence), 0);
	cr_assert_eq(fence_hold(&fence, LEASE_MS), -ENOENT);
	cr_assert_eq(fence_shut(&fence), -ENOENT);
	cr_assert_eq(fence_install(&fence), 0);
	cr_assert(!arp_answered(segment));
}

Test(fence_live, a_fence_is_installed_again_on_a_recreated_interface)
{
	int segment = open_fence();

	close(segment);
	run("ip link del ha0");
	make_link();
	run("ip addr add 192.0.2.1/24 dev ha0");
	cr_assert_eq(vip_add(&vip, NULL), 0);
	cr_assert_eq(fence_install(&fence), 0);
	segment = packet_socket("ha1");
	cr_assert(!arp_answered(segment));
	cr_assert_eq(fence_hold(&fence, LEASE_MS), 0);
	cr_assert(arp_answered(segment));
}

Test(fence_live, no_fence_on_an_interface_that_is_not_there)
{
	enter();
	cr_assert_eq(fence_open(&fence, "nope0", both, 2), -ENODEV);
	cr_assert_null(fence.exchange.socket);
	run("! nft list tables | grep -q haagent");
}

Test(fence_live, no_fence_without_the_privilege)
{
	enter();
	if (setresuid(65534, 65534, 65534) < 0)
		cr_skip_test("cannot change the user: %s", strerror(errno));
	cr_assert_eq(fence_open(&fence, "ha0", both, 2), -EPERM);
}
