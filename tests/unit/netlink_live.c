/* netlink_live.c - addresses, monitor and carrier against the kernel. Each test has a network
 * namespace of its own with a veth pair:
 *
 *	ha0 (under test) ---- ha1 (the segment: sends questions, sees what leaves ha0)
 *
 * Where a namespace may not be made the tests are skipped. They wait for conditions, never for
 * durations.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "netlink/address.h"
#include "netlink/carrier.h"
#include "netlink/monitor.h"
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
static struct monitor monitor;
static struct carrier carrier;

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

/* Everything that the monitor has reported. */
static struct seen {
	unsigned added[2], removed[2]; /* of both[], on ha0 */
	unsigned begun, ended;
	unsigned others; /* addresses that are not ours */
	struct monitor_link ha0;
	struct monitor_route route;
	unsigned routes;
} seen;

static void note_address(const struct address_event *e)
{
	unsigned i;

	(void)vip_observe(&vip, e);
	for (i = 0; i < 2; i++)
		if (ha_address_equal(&e->address, &both[i]))
			break;
	if (i == 2)
		seen.others++;
	else if (e->added)
		seen.added[i]++;
	else
		seen.removed[i]++;
}

static void note(const struct monitor_event *e, void *arg)
{
	(void)arg;
	switch (e->type) {
	case MONITOR_LINK:
		if (strcmp(e->link.name, "ha0") == 0)
			seen.ha0 = e->link;
		break;
	case MONITOR_ADDRESS:
		note_address(&e->address);
		break;
	case MONITOR_ROUTE:
		seen.route = e->route;
		seen.routes++;
		break;
	case MONITOR_RESYNC_BEGIN:
		seen.begun++;
		break;
	case MONITOR_RESYNC_END:
		seen.ended++;
		break;
	}
}

typedef bool condition(void);

static bool reached(condition *is)
{
	struct pollfd p = {.fd = monitor_fd(&monitor), .events = POLLIN};
	int64_t end = now_ms() + PATIENCE_MS;

	while (now_ms() < end) {
		cr_assert_eq(monitor_read(&monitor, note, NULL), 0);
		if (is())
			return true;
		(void)poll(&p, 1, 20);
	}
	return false;
}

static bool all_on(void)
{
	return vip.on == vip_all(&vip);
}

static bool none_on(void)
{
	return vip.on == 0;
}

static bool both_removed(void)
{
	return seen.removed[0] && seen.removed[1];
}

static bool resynced(void)
{
	return seen.ended > 0;
}

static void open_vip(unsigned valid_s)
{
	enter();
	cr_assert_eq(monitor_open(&monitor, MONITOR_ALL), 0);
	cr_assert_eq(vip_open(&vip, "ha0", both, 2, valid_s), 0);
}

static void add_and_wait(void)
{
	uint32_t acked;

	cr_assert_eq(vip_add(&vip, &acked), 0);
	cr_assert_eq(acked, 3u);
	cr_assert(reached(all_on));
}

Test(netlink_live, addresses_are_on_when_acknowledged_and_reported)
{
	uint32_t acked;

	open_vip(60);
	cr_assert_eq(vip_add(&vip, &acked), 0);
	cr_assert_eq(acked, 3u);
	cr_assert_eq(vip.on & 1, 1u, "IPv4 is on with its acknowledgement");
	cr_assert(reached(all_on));
	run("ip -4 addr show dev ha0 | grep -q '192.0.2.100/32 scope host'");
	run("ip -6 addr show dev ha0 | grep -q '2001:db8::64/128 scope global nodad deprecated'");
}

Test(netlink_live, a_renewal_takes_no_address_off)
{
	int i;

	open_vip(60);
	add_and_wait();
	for (i = 0; i < 5; i++)
		cr_assert_eq(vip_add(&vip, NULL), 0);
	vip.on = 0; /* reported again by each renewal */
	cr_assert(reached(all_on));
	cr_assert_eq(seen.removed[0] + seen.removed[1], 0);
	cr_assert_gt(seen.added[0], 5);
}

Test(netlink_live, addresses_not_renewed_expire)
{
	open_vip(1);
	add_and_wait();
	cr_assert(reached(both_removed));
	cr_assert(reached(none_on));
	run("! ip addr show dev ha0 | grep -q 192.0.2.100");
	run("! ip addr show dev ha0 | grep -q 2001:db8::64");
}

Test(netlink_live, deleting_what_is_not_there_is_done)
{
	uint32_t gone = 0;

	open_vip(60);
	add_and_wait();
	run("ip -4 addr del 192.0.2.100/32 dev ha0");
	cr_assert_eq(vip_delete(&vip, &gone), 0);
	cr_assert_eq(gone, 3u);
	cr_assert_eq(vip_delete(&vip, &gone), 0);
	cr_assert_eq(gone, 3u);
	run("! ip addr show dev ha0 | grep -q -e 192.0.2.100 -e 2001:db8::64");
}

Test(netlink_live, one_that_somebody_removed_is_noticed_and_restored)
{
	open_vip(60);
	add_and_wait();
	run("ip addr del 192.0.2.100/32 dev ha0 && ip addr del 2001:db8::64/128 dev ha0");
	cr_assert(reached(both_removed));
	cr_assert_eq(vip.on, 0u);
	cr_assert_eq(vip_add_one(&vip, 0), 0);
	cr_assert_eq(vip.on, 1u);
	cr_assert_eq(vip_add_one(&vip, 1), 0);
	cr_assert(reached(all_on));
}

Test(netlink_live, a_sweep_deletes_the_tagged_ones_of_all_interfaces_only)
{
	int i;

	open_vip(60);
	run("ip addr add 192.0.2.1/24 dev ha0 && ip addr add 2001:db8::1/64 dev ha0 nodad");
	cr_assert_eq(vip_add(&vip, NULL), 0);
	vip_set_ifindex(&vip, ifindex("ha1"));
	for (i = 0; i < 20; i++) { /* more than one round holds */
		vip.addresses[0].b[3] = (uint8_t)(101 + i);
		cr_assert_eq(vip_add_one(&vip, 0), 0);
	}
	cr_assert_eq(vip_sweep(&vip), 22);
	cr_assert_eq(vip_sweep(&vip), 0);
	run("ip addr show dev ha0 | grep -q 192.0.2.1/24");
	run("ip addr show dev ha0 | grep -q 2001:db8::1/64");
	run("! ip addr | grep -q -e 192.0.2.100 -e 192.0.2.101 -e 2001:db8::64");
}

/* 2001:db8::64/64 by somebody else would be renewed for three seconds, and then be lost. */
Test(netlink_live, an_address_that_this_host_has_already_is_found_and_its_own_are_not)
{
	open_vip(60);
	cr_assert_eq(vip_check(&vip), 0);
	cr_assert_eq(vip_add(&vip, NULL), 0);
	cr_assert_eq(vip_check(&vip), 0, "these are ours");
	cr_assert_eq(vip_delete(&vip, NULL), 0);
	run("ip addr add 2001:db8::64/64 dev ha1 nodad");
	cr_assert_eq(vip_check(&vip), -EADDRINUSE, "whatever the interface");
	run("ip addr del 2001:db8::64/64 dev ha1 && ip addr add 192.0.2.100/24 dev ha0");
	cr_assert_eq(vip_check(&vip), -EADDRINUSE);
}

Test(netlink_live, the_interface_is_followed_by_name)
{
	int old;

	open_vip(60);
	add_and_wait();
	old = vip.ifindex;
	run("ip link del ha0");
	cr_assert_eq(vip_add(&vip, NULL), -ENODEV);
	cr_assert_eq(vip.on, 0u);
	cr_assert_eq(vip_delete(&vip, NULL), 0, "what is on no interface is off");
	make_link();
	cr_assert_eq(vip_add(&vip, NULL), 0);
	cr_assert_neq(vip.ifindex, old);
	cr_assert(reached(all_on));
}

Test(netlink_live, an_interface_may_come_later)
{
	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("no network namespace: %s", strerror(errno));
	cr_assert_eq(vip_open(&vip, "ha0", both, 2, 60), 0);
	cr_assert_eq(vip_add(&vip, NULL), -ENODEV);
	make_link();
	vip_set_ifindex(&vip, ifindex("ha0"));
	cr_assert_eq(vip_add(&vip, NULL), 0);
}

Test(netlink_live, a_refused_address_does_not_hide_the_other)
{
	uint32_t acked = 0;

	open_vip(60);
	run("echo 1 > /proc/sys/net/ipv6/conf/ha0/disable_ipv6");
	cr_assert_neq(vip_add(&vip, &acked), 0);
	cr_assert_eq(acked, 1u);
	cr_assert_eq(vip.on, 1u);
}

static bool ha0_gone(void)
{
	return seen.ha0.gone;
}

static bool ha0_carrier(void)
{
	return seen.ha0.ifindex && seen.ha0.carrier;
}

static bool ha0_no_carrier(void)
{
	return seen.ha0.ifindex && seen.ha0.up && !seen.ha0.carrier;
}

Test(netlink_live, the_monitor_reports_carrier_and_deletion)
{
	struct ha_mac mac;

	open_vip(60);
	cr_assert_eq(monitor_dump(&monitor), 0);
	cr_assert(reached(ha0_carrier));
	cr_assert_eq(carrier_open(&carrier), 0);
	cr_assert_eq(carrier_mac(&carrier, "ha0", &mac), 0);
	cr_assert(ha_mac_equal(&mac, &seen.ha0.mac));
	run("ip link set ha1 down");
	cr_assert(reached(ha0_no_carrier));
	run("ip link set ha1 up");
	cr_assert(reached(ha0_carrier));
	run("ip link del ha0");
	cr_assert(reached(ha0_gone));
}

static bool gateway_known(void)
{
	return seen.routes > 0;
}

Test(netlink_live, the_monitor_reports_default_gateways)
{
	static const struct ha_address gateway = {HA_IPV4, {192, 0, 2, 254}};

	open_vip(60);
	run("ip addr add 192.0.2.1/24 dev ha0");
	run("ip route add 198.51.100.0/24 via 192.0.2.253");
	run("ip route add default via 192.0.2.254");
	cr_assert(reached(gateway_known));
	cr_assert(seen.route.added);
	cr_assert(ha_address_equal(&seen.route.gateway, &gateway));
	cr_assert_eq(seen.route.ifindex, vip.ifindex);

	/* The kernel drops it in silence; the resync does not report it again. */
	memset(&seen, 0, sizeof(seen));
	run("ip link set ha0 down");
	cr_assert(reached(resynced));
	cr_assert_eq(seen.routes, 0);
}

Test(netlink_live, a_dump_reports_everything_between_begin_and_end)
{
	open_vip(60);
	cr_assert_eq(vip_add(&vip, NULL), 0);
	monitor_close(&monitor);
	cr_assert_eq(monitor_open(&monitor, MONITOR_ALL), 0);
	cr_assert_eq(monitor_dump(&monitor), 0);
	cr_assert_eq(monitor_dump(&monitor), 0, "while one is under way");
	cr_assert(reached(resynced));
	cr_assert_geq(seen.begun, 1);
	cr_assert_gt(seen.added[0], 0);
	cr_assert_gt(seen.added[1], 0);
	cr_assert_eq(seen.ha0.ifindex, vip.ifindex);
}

Test(netlink_live, after_an_overflow_the_monitor_reads_everything_anew)
{
	int small = 1;
	int i;

	open_vip(60);
	cr_assert_eq(setsockopt(monitor_fd(&monitor), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)),
		     0);
	for (i = 0; i < 200; i++) {
		cr_assert_eq(vip_add(&vip, NULL), 0);
		cr_assert_eq(vip_delete(&vip, NULL), 0);
	}
	/* Its report is lost among the others. */
	cr_assert_eq(vip_add(&vip, NULL), 0);
	vip.on = 0;
	cr_assert(reached(resynced));
	cr_assert_gt(monitor.overflow_n, 0);
	cr_assert_geq(seen.begun, 1);
	cr_assert(reached(all_on));
}

Test(netlink_live, what_another_process_sends_to_the_monitor_is_ignored)
{
	_Alignas(8) uint8_t m[ADDRESS_MESSAGE_MAX];
	struct sockaddr_nl to = {.nl_family = AF_NETLINK};
	struct mnl_socket *forger;
	size_t len;

	open_vip(60);
	to.nl_pid = mnl_socket_get_portid(monitor.socket);
	forger = mnl_socket_open(NETLINK_ROUTE);
	cr_assert_not_null(forger);
	cr_assert_eq(mnl_socket_bind(forger, 0, MNL_SOCKET_AUTOPID), 0);
	len = address_put_add(m, &both[1], vip.ifindex, 60);
	cr_assert_eq(
		sendto(mnl_socket_get_fd(forger), m, len, 0, (struct sockaddr *)&to, sizeof(to)),
		(ssize_t)len);
	cr_assert_eq(monitor_read(&monitor, note, NULL), 0);
	cr_assert_eq(monitor.foreign_n, 1u);
	cr_assert_eq(vip.on, 0u);
	mnl_socket_close(forger);
}

Test(netlink_live, an_unprivileged_user_may_watch)
{
	enter();
	if (setresuid(65534, 65534, 65534) < 0)
		cr_skip_test("cannot change the user: %s", strerror(errno));
	cr_assert_eq(monitor_open(&monitor, MONITOR_ALL), 0);
	cr_assert_eq(monitor_dump(&monitor), 0);
	cr_assert(reached(resynced));
	cr_assert_gt(seen.ha0.ifindex, 0);
	cr_assert_eq(carrier_open(&carrier), 0);
	cr_assert_geq(carrier_up(&carrier, "ha0"), 0);
	cr_assert_eq(vip_open(&vip, "ha0", both, 2, 60), 0);
	cr_assert_eq(vip_add(&vip, NULL), -EPERM);
}

static bool carrier_becomes(int wanted)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (carrier_up(&carrier, "ha0") != wanted) {
		if (now_ms() > end)
			return false;
		(void)poll(NULL, 0, 5);
	}
	return true;
}

Test(netlink_live, carrier_is_lost_with_the_peers_end_or_the_own)
{
	int i;

	enter();
	cr_assert_eq(carrier_open(&carrier), 0);
	/* Several losses within a second: the stack may report the later ones late. */
	for (i = 0; i < 4; i++) {
		cr_assert(carrier_becomes(1));
		run("ip link set ha1 down");
		cr_assert_eq(carrier_up(&carrier, "ha0"), 0, "loss %d, at once", i);
		run("ip link set ha1 up");
	}
	cr_assert(carrier_becomes(1));
	run("ip link set ha0 down");
	cr_assert_eq(carrier_up(&carrier, "ha0"), 0);
	run("ip link del ha0");
	cr_assert_eq(carrier_up(&carrier, "ha0"), -ENODEV);
	cr_assert_eq(carrier_ifindex(&carrier, "ha0"), -ENODEV);
	carrier_close(&carrier);
}
