/* netlink.c - netlink/ without a socket: messages byte for byte, malformed ones, and whose answers
 * count. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include "netlink/address.h"
#include "netlink/attribute.h"
#include "netlink/exchange.h"
#include "netlink/monitor.h"
#include "netlink/ruleset.h"
#include "netlink/vip.h"

static const struct ha_address v4 = {HA_IPV4, {192, 0, 2, 100}};
static const struct ha_address v6 = {HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x64}};

/* Golden bytes are those of a little-endian machine: netlink speaks the host's byte order. */
static const uint8_t golden_add4[] = {
	0x4c, 0,  0,  0,   20,   0, 0x05, 0x05, 0,  0, 0, 0, 0, 0, 0, 0, /* NEWADDR, flags */
	2,    32, 0,  254, 7,    0, 0,    0,   /* AF_INET, /32, host, ifindex 7 */
	8,    0,  2,  0,   192,  0, 2,    100, /* IFA_LOCAL */
	8,    0,  1,  0,   192,  0, 2,    100, /* IFA_ADDRESS */
	8,    0,  8,  0,   0,    2, 0,    0,   /* IFA_FLAGS: NOPREFIXROUTE */
	20,   0,  6,  0,   60,   0, 0,    0,    60, 0, 0, 0, 0, 0, 0, 0,
	0,    0,  0,  0,                     /* IFA_CACHEINFO */
	5,    0,  11, 0,   0x48, 0, 0,    0, /* IFA_PROTO */
};

static const uint8_t
	golden_add6
		[] =
			{
				0x64, 0, 0,  0, 20,   0,    0x05, 0x05, 0,    0,    0,
				0,    0, 0,  0, 0,    10,   128,  0,    0,    7,    0,
				0,    0, 20, 0, 2,    0,    0x20, 0x01, 0x0d, 0xb8, 0,
				0,    0, 0,  0, 0,    0,    0,    0,    0,    0,    0x64,
				20,   0, 1,  0, 0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,
				0,    0, 0,  0, 0,    0,    0,    0,    0x64, 8,    0,
				8,    0, 2,  2, 0,    0, /* NODAD NOPREFIXROUTE */
				20,   0, 6,  0, 0,    0,    0,    0,    60,   0,    0,
				0,    0, 0,  0, 0,    0,    0,    0,    0, /* preferred 0 */
				5,    0, 11, 0, 0x48, 0,    0,    0,
};

static const uint8_t golden_delete4[] = {
	0x28, 0, 0, 0, 21, 0, 0x05, 0, 0,   0, 0, 0,   0, 0, 0, 0, 2,   32, 0, 0,
	7,    0, 0, 0, 8,  0, 2,    0, 192, 0, 2, 100, 8, 0, 1, 0, 192, 0,  2, 100,
};

static void expect_bytes(const void *got, size_t got_len, const void *want, size_t want_len)
{
	cr_assert_eq(got_len, want_len, "%zu bytes instead of %zu", got_len, want_len);
	cr_assert_arr_eq(got, want, want_len);
}

Test(netlink, an_ipv4_address_is_added_with_host_scope_and_our_tag)
{
	_Alignas(8) uint8_t m[ADDRESS_MESSAGE_MAX];
	size_t len = address_put_add(m, &v4, 7, 60);

	expect_bytes(m, len, golden_add4, sizeof(golden_add4));
}

Test(netlink, an_ipv6_address_is_added_without_detection_and_never_preferred)
{
	_Alignas(8) uint8_t m[ADDRESS_MESSAGE_MAX];
	size_t len = address_put_add(m, &v6, 7, 60);

	expect_bytes(m, len, golden_add6, sizeof(golden_add6));
}

Test(netlink, an_address_is_deleted_by_its_exact_prefix)
{
	_Alignas(8) uint8_t m[ADDRESS_MESSAGE_MAX];
	size_t len = address_put_delete(m, &v4, 32, 7);

	expect_bytes(m, len, golden_delete4, sizeof(golden_delete4));
}

Test(netlink, what_was_encoded_decodes_to_the_same)
{
	_Alignas(8) uint8_t m[ADDRESS_MESSAGE_MAX];
	struct address_event e;
	size_t len = address_put_add(m, &v6, 7, 60);

	cr_assert_eq(address_decode(m, len, &e), 0);
	cr_assert(e.added);
	cr_assert(ha_address_equal(&e.address, &v6));
	cr_assert_eq(e.ifindex, 7);
	cr_assert_eq(e.prefix_len, 128);
	cr_assert_eq(e.proto, ADDRESS_PROTO);
	cr_assert_eq(e.flags, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	cr_assert_eq(e.valid_s, 60);

	len = address_put_delete(m, &v4, 24, 9);
	cr_assert_eq(address_decode(m, len, &e), 0);
	cr_assert(!e.added);
	cr_assert(ha_address_equal(&e.address, &v4));
	cr_assert_eq(e.ifindex, 9);
	cr_assert_eq(e.prefix_len, 24);
	cr_assert_eq(e.proto, 0);
	cr_assert_eq(e.valid_s, UINT32_MAX, "without a lifetime it is for ever");
}

Test(netlink, the_local_address_of_a_point_to_point_link_counts_in_either_order)
{
	static const uint8_t local[4] = {192, 0, 2, 1}, other[4] = {192, 0, 2, 2};
	int order;

	for (order = 0; order < 2; order++) {
		_Alignas(8) uint8_t m[ADDRESS_MESSAGE_MAX];
		struct nlmsghdr *h = mnl_nlmsg_put_header(m);
		struct ifaddrmsg *ifa;
		struct address_event e;

		h->nlmsg_type = RTM_NEWADDR;
		ifa = mnl_nlmsg_put_extra_header(h, sizeof(*ifa));
		ifa->ifa_family = AF_INET;
		ifa->ifa_index = 3;
		if (order)
			mnl_attr_put(h, IFA_ADDRESS, 4, other);
		mnl_attr_put(h, IFA_LOCAL, 4, local);
		if (!order)
			mnl_attr_put(h, IFA_ADDRESS, 4, other);
		cr_assert_eq(address_decode(m, h->nlmsg_len, &e), 0);
		cr_assert_arr_eq(e.address.b, local, 4);
	}
}

typedef int decoder(const void *, size_t);

static int decode_address(const void *m, size_t len)
{
	struct address_event e;

	return address_decode(m, len, &e);
}

static int decode_link(const void *m, size_t len)
{
	struct monitor_link link;

	return monitor_decode_link(m, len, &link);
}

static void ignore(const struct monitor_event *e, void *arg)
{
	(void)e;
	(void)arg;
}

static int decode_route(const void *m, size_t len)
{
	return monitor_decode_route(m, len, ignore, NULL);
}

/* An exact allocation, so that the address sanitizer sees one byte too many. */
static int decode_copy(decoder *decode, const void *m, size_t len)
{
	void *copy = malloc(len ? len : 1);
	int error;

	memcpy(copy, m, len);
	error = decode(copy, len);
	free(copy);
	return error;
}

/* Cut at every length, as it arrives and with the header's length cut alike; then every byte behind
 * the header takes every value. No more than the message may be read. */
static void expect_robust(decoder *decode, const void *message, size_t len)
{
	_Alignas(8) uint8_t m[512];
	struct nlmsghdr *h = (void *)m;
	size_t cut, i;
	unsigned value;

	cr_assert_leq(len, sizeof(m));
	memcpy(m, message, len);
	cr_assert_eq(decode_copy(decode, m, len), 0);
	for (cut = 0; cut < len; cut++)
		cr_assert_eq(decode_copy(decode, m, cut), -EBADMSG, "cut at %zu", cut);
	for (cut = 0; cut < len; cut++) {
		memcpy(m, message, len);
		h->nlmsg_len = (uint32_t)cut;
		(void)decode_copy(decode, m, cut);
	}
	for (i = sizeof(*h); i < len; i++)
		for (value = 0; value < 256; value++) {
			memcpy(m, message, len);
			m[i] = (uint8_t)value;
			(void)decode_copy(decode, m, len);
		}
}

Test(netlink, a_malformed_address_message_is_refused)
{
	expect_robust(decode_address, golden_delete4, sizeof(golden_delete4));
	expect_robust(decode_address, golden_add6, sizeof(golden_add6));
}

Test(netlink, an_address_message_needs_an_address_of_its_family)
{
	_Alignas(8) uint8_t m[ADDRESS_MESSAGE_MAX];
	struct nlmsghdr *h = (void *)m;
	struct address_event e;

	memcpy(m, golden_add4, sizeof(golden_add4));
	m[16] = AF_INET6;
	cr_assert_eq(address_decode(m, sizeof(golden_add4), &e), -EBADMSG);
	m[16] = AF_UNIX;
	cr_assert_eq(address_decode(m, sizeof(golden_add4), &e), -ENOMSG);
	memcpy(m, golden_add4, sizeof(golden_add4));
	h->nlmsg_len = 24;
	cr_assert_eq(address_decode(m, 24, &e), -EBADMSG);
	h->nlmsg_type = RTM_NEWLINK;
	cr_assert_eq(address_decode(m, 24, &e), -ENOMSG);
}

Test(netlink, a_prefix_is_no_longer_than_its_address)
{
	_Alignas(8) uint8_t m[ADDRESS_MESSAGE_MAX];
	struct address_event e;
	unsigned bits;

	memcpy(m, golden_add4, sizeof(golden_add4));
	for (bits = 0; bits < 256; bits++) {
		m[17] = (uint8_t)bits;
		cr_assert_eq(address_decode(m, sizeof(golden_add4), &e), bits <= 32 ? 0 : -EBADMSG);
	}
}

static size_t put_link(void *m, unsigned flags)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 7};
	struct nlmsghdr *h = mnl_nlmsg_put_header(m);
	struct ifinfomsg *i;

	h->nlmsg_type = RTM_NEWLINK;
	i = mnl_nlmsg_put_extra_header(h, sizeof(*i));
	i->ifi_index = 7;
	i->ifi_flags = flags;
	mnl_attr_put_strz(h, IFLA_IFNAME, "eth3");
	mnl_attr_put(h, IFLA_ADDRESS, sizeof(mac), mac);
	return h->nlmsg_len;
}

Test(netlink, a_links_carrier_is_that_of_the_wire)
{
	_Alignas(8) uint8_t m[256];
	struct monitor_link link;
	size_t len = put_link(m, IFF_UP | IFF_LOWER_UP);

	cr_assert_eq(monitor_decode_link(m, len, &link), 0);
	cr_assert(link.up && link.carrier && !link.gone);
	cr_assert_str_eq(link.name, "eth3");
	cr_assert_eq(link.mac.b[5], 7);

	/* Running for the stack, which has not yet noticed that the wire is dead. */
	len = put_link(m, IFF_UP | IFF_RUNNING);
	cr_assert_eq(monitor_decode_link(m, len, &link), 0);
	cr_assert(link.up && !link.carrier);
	expect_robust(decode_link, m, len);
}

static struct nlmsghdr *put_route(void *m, uint8_t dst_len, uint8_t table)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(m);
	struct rtmsg *r;

	h->nlmsg_type = RTM_NEWROUTE;
	r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
	r->rtm_family = AF_INET;
	r->rtm_dst_len = dst_len;
	r->rtm_table = table;
	r->rtm_type = RTN_UNICAST;
	return h;
}

struct gateways {
	unsigned n;
	struct monitor_route last;
};

static void count_gateway(const struct monitor_event *e, void *arg)
{
	struct gateways *g = arg;

	cr_assert_eq(e->type, MONITOR_ROUTE);
	g->last = e->route;
	g->n++;
}

Test(netlink, a_default_route_of_the_main_table_has_a_gateway)
{
	_Alignas(8) uint8_t m[256];
	struct nlmsghdr *h = put_route(m, 0, RT_TABLE_MAIN);
	struct gateways g = {0};

	mnl_attr_put(h, RTA_GATEWAY, 4, v4.b);
	mnl_attr_put_u32(h, RTA_OIF, 5);
	cr_assert_eq(monitor_decode_route(m, h->nlmsg_len, count_gateway, &g), 0);
	cr_assert_eq(g.n, 1);
	cr_assert(g.last.added);
	cr_assert(ha_address_equal(&g.last.gateway, &v4));
	cr_assert_eq(g.last.ifindex, 5);
	expect_robust(decode_route, m, h->nlmsg_len);
}

Test(netlink, other_routes_are_of_no_interest)
{
	_Alignas(8) uint8_t m[256];
	struct gateways g = {0};
	struct nlmsghdr *h = put_route(m, 24, RT_TABLE_MAIN);

	mnl_attr_put(h, RTA_GATEWAY, 4, v4.b);
	cr_assert_eq(monitor_decode_route(m, h->nlmsg_len, count_gateway, &g), -ENOMSG);
	h = put_route(m, 0, RT_TABLE_LOCAL);
	mnl_attr_put(h, RTA_GATEWAY, 4, v4.b);
	cr_assert_eq(monitor_decode_route(m, h->nlmsg_len, count_gateway, &g), -ENOMSG);
	h = put_route(m, 0, RT_TABLE_MAIN); /* straight onto a link */
	mnl_attr_put_u32(h, RTA_OIF, 5);
	cr_assert_eq(monitor_decode_route(m, h->nlmsg_len, count_gateway, &g), -ENOMSG);
	cr_assert_eq(g.n, 0);
}

Test(netlink, each_hop_of_a_multipath_default_route_is_a_gateway)
{
	_Alignas(8) uint8_t m[256];
	struct nlmsghdr *h = put_route(m, 0, RT_TABLE_MAIN);
	struct gateways g = {0};
	_Alignas(4) uint8_t hops[2][16] = {
		{16, 0, 0, 0, 3, 0, 0, 0, 8, 0, RTA_GATEWAY, 0, 192, 0, 2, 1},
		{16, 0, 0, 0, 4, 0, 0, 0, 8, 0, RTA_GATEWAY, 0, 192, 0, 2, 2},
	};

	mnl_attr_put(h, RTA_MULTIPATH, sizeof(hops), hops);
	cr_assert_eq(monitor_decode_route(m, h->nlmsg_len, count_gateway, &g), 0);
	cr_assert_eq(g.n, 2);
	cr_assert_eq(g.last.ifindex, 4);
	cr_assert_eq(g.last.gateway.b[3], 2);

	hops[1][0] = 17; /* a hop longer than what is left */
	h = put_route(m, 0, RT_TABLE_MAIN);
	mnl_attr_put(h, RTA_MULTIPATH, sizeof(hops), hops);
	cr_assert_eq(monitor_decode_route(m, h->nlmsg_len, ignore, NULL), -EBADMSG);
	hops[1][0] = 7; /* shorter than itself */
	h = put_route(m, 0, RT_TABLE_MAIN);
	mnl_attr_put(h, RTA_MULTIPATH, sizeof(hops), hops);
	cr_assert_eq(monitor_decode_route(m, h->nlmsg_len, ignore, NULL), -EBADMSG);
}

Test(netlink, an_ipv4_default_route_may_have_an_ipv6_gateway)
{
	_Alignas(8) uint8_t m[256];
	struct nlmsghdr *h = put_route(m, 0, RT_TABLE_MAIN);
	struct gateways g = {0};
	uint8_t via[18] = {AF_INET6, 0};

	memcpy(via + 2, v6.b, 16);
	mnl_attr_put(h, RTA_VIA, sizeof(via), via);
	cr_assert_eq(monitor_decode_route(m, h->nlmsg_len, count_gateway, &g), 0);
	cr_assert_eq(g.last.family, HA_IPV4);
	cr_assert(ha_address_equal(&g.last.gateway, &v6));
}

/* Answers as the kernel would give them. */

static struct exchange exchange;
static _Alignas(8) uint8_t batch[2 * ADDRESS_MESSAGE_MAX];

static void two_requests(void)
{
	size_t len = address_put_add(batch, &v4, 7, 60);

	len += address_put_add(batch + len, &v6, 7, 60);
	exchange_number(&exchange, batch, len);
}

static bool answer(uint32_t seq, int error, uint32_t sender, bool transaction)
{
	_Alignas(8) uint8_t m[64];
	struct nlmsghdr *h = mnl_nlmsg_put_header(m);
	struct nlmsgerr *e;

	h->nlmsg_type = NLMSG_ERROR;
	h->nlmsg_seq = seq;
	e = mnl_nlmsg_put_extra_header(h, sizeof(*e));
	e->error = error;
	return exchange_take(&exchange, m, h->nlmsg_len, sender, transaction);
}

Test(netlink, a_batch_is_done_when_each_message_is_answered)
{
	two_requests();
	cr_assert_eq(exchange.n, 2);
	cr_assert(!answer(exchange.first + 1, 0, 0, false));
	cr_assert_eq(exchange.acked, 2u);
	cr_assert(answer(exchange.first, -EEXIST, 0, false));
	cr_assert_eq(exchange.acked, 2u);
	cr_assert_eq(exchange.error, -EEXIST);
	cr_assert_eq(exchange.result[0], -EEXIST);
	cr_assert_eq(exchange.result[1], 0);
}

Test(netlink, the_first_error_ends_a_transaction)
{
	two_requests();
	cr_assert(answer(exchange.first, -ENOENT, 0, true));
	cr_assert_eq(exchange.error, -ENOENT);
}

Test(netlink, an_answer_from_another_process_is_ignored)
{
	two_requests();
	cr_assert(!answer(exchange.first, 0, 4711, false));
	cr_assert(!answer(exchange.first + 1, 0, 4711, false));
	cr_assert_eq(exchange.acked, 0u);
	cr_assert_eq(exchange.foreign_n, 2u);
}

Test(netlink, a_late_or_repeated_answer_is_ignored)
{
	uint32_t before;

	two_requests();
	before = exchange.first;
	two_requests();
	cr_assert_eq(exchange.first, before + 2);
	cr_assert(!answer(before, 0, 0, false));
	cr_assert(!answer(before + 1, 0, 0, false));
	cr_assert(!answer(exchange.first + 2, 0, 0, false));
	cr_assert_eq(exchange.late_n, 3u);
	cr_assert(!answer(exchange.first, 0, 0, false));
	cr_assert(!answer(exchange.first, -EPERM, 0, false));
	cr_assert_eq(exchange.error, 0);
	cr_assert_eq(exchange.late_n, 4u);
}

Test(netlink, a_cut_answer_is_ignored)
{
	_Alignas(8) uint8_t m[64] = {0};
	struct nlmsghdr *h = (void *)m;
	size_t len;

	two_requests();
	for (len = 0; len < NLMSG_LENGTH(sizeof(struct nlmsgerr)); len++) {
		h->nlmsg_len = (uint32_t)len;
		h->nlmsg_type = NLMSG_ERROR;
		h->nlmsg_seq = exchange.first;
		cr_assert(!exchange_take(&exchange, m, len, 0, false));
	}
	cr_assert_eq(exchange.acked, 0u);
}

/* libmnl compares lengths as int, so that 2 GiB and more were shorter than anything. */
Test(netlink, a_length_beyond_all_bounds_is_no_message)
{
	static const uint32_t lengths[] = {0x7fffffff, 0x80000000, 0xd3000000, UINT32_MAX};
	_Alignas(8) uint8_t m[NLMSG_LENGTH(sizeof(struct nlmsgerr))] = {0};
	struct nlmsghdr *h = (void *)m;
	struct address_event address;
	struct monitor_link link;
	size_t i;

	two_requests();
	for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct monitor monitor = {.what = MONITOR_ALL};

		h->nlmsg_len = lengths[i];
		h->nlmsg_type = NLMSG_ERROR;
		h->nlmsg_seq = exchange.first;
		cr_assert(!exchange_take(&exchange, m, sizeof(m), 0, false));
		cr_assert_eq(exchange.acked, 0u);
		monitor_take(&monitor, m, sizeof(m), 0, NULL, NULL);
		cr_assert_eq(monitor.malformed_n, 1u);
		h->nlmsg_type = RTM_NEWADDR;
		cr_assert_eq(address_decode(m, sizeof(m), &address), -EBADMSG);
		h->nlmsg_type = RTM_NEWLINK;
		cr_assert_eq(monitor_decode_link(m, sizeof(m), &link), -EBADMSG);
	}
}

Test(netlink, an_ipv6_address_is_on_when_it_is_reported_without_tentative)
{
	struct vip vip = {.ifindex = 7, .n = 2, .addresses = {v4, v6}};
	struct address_event e = {.added = true,
				  .ifindex = 7,
				  .address = v6,
				  .prefix_len = 128,
				  .flags = IFA_F_TENTATIVE};

	cr_assert_eq(vip_observe(&vip, &e), 1);
	cr_assert_eq(vip.on, 0u);
	e.flags = IFA_F_PERMANENT;
	cr_assert_eq(vip_observe(&vip, &e), 1);
	cr_assert_eq(vip.on, 2u);
	cr_assert_neq(vip.on, vip_all(&vip));
	e.ifindex = 8;
	cr_assert_eq(vip_observe(&vip, &e), -1);
	e.ifindex = 7;
	e.prefix_len = 64;
	cr_assert_eq(vip_observe(&vip, &e), -1);
	e.prefix_len = 128;
	e.added = false;
	cr_assert_eq(vip_observe(&vip, &e), 1);
	cr_assert_eq(vip.on, 0u);
}

/* A monitor in the middle of its only dump, of links, with no socket. */
static struct monitor monitor_dumping(void)
{
	return (struct monitor){.what = MONITOR_LINKS,
				.pending = MONITOR_LINKS,
				.running = MONITOR_LINKS,
				.port = 99,
				.seq = 5,
				.begin = true};
}

/* 'B' begin, 'E' end, 'L' link. */
static void write_trace(const struct monitor_event *e, void *arg)
{
	char *trace = arg;
	size_t len = strlen(trace);

	trace[len] = e->type == MONITOR_RESYNC_BEGIN ? 'B'
		     : e->type == MONITOR_RESYNC_END ? 'E'
						     : 'L';
	trace[len + 1] = 0;
}

static void feed(struct monitor *m, bool done, uint32_t seq, uint16_t flags, uint32_t sender,
		 char *trace)
{
	_Alignas(8) uint8_t b[256] = {0};
	struct nlmsghdr *h = (void *)b;

	if (done) {
		mnl_nlmsg_put_header(b);
		h->nlmsg_type = NLMSG_DONE;
		mnl_nlmsg_put_extra_header(h, sizeof(int));
	} else {
		(void)put_link(b, IFF_UP | IFF_LOWER_UP);
	}
	h->nlmsg_seq = seq;
	h->nlmsg_pid = 99;
	h->nlmsg_flags = flags;
	monitor_take(m, b, h->nlmsg_len, sender, write_trace, trace);
}

Test(netlink, a_resync_begins_with_the_dump_not_with_what_was_queued_before)
{
	struct monitor m = monitor_dumping();
	char trace[16] = "";

	feed(&m, false, 0, 0, 0, trace); /* an event */
	feed(&m, false, 5, NLM_F_MULTI, 0, trace);
	feed(&m, true, 5, NLM_F_MULTI, 0, trace);
	cr_assert_str_eq(trace, "LBLE");
	cr_assert_eq(m.running, 0u);
	cr_assert_eq(m.pending, 0u);
}

Test(netlink, an_interrupted_dump_is_repeated)
{
	struct monitor m = monitor_dumping();
	char trace[16] = "";

	feed(&m, false, 5, NLM_F_MULTI | NLM_F_DUMP_INTR, 0, trace);
	feed(&m, true, 5, NLM_F_MULTI, 0, trace);
	cr_assert_str_eq(trace, "BL");
	cr_assert_eq(m.running, 0u);
	cr_assert_eq(m.pending, (unsigned)MONITOR_LINKS);
}

Test(netlink, a_resync_starts_over_after_an_overflow_in_it)
{
	struct monitor m = monitor_dumping();
	char trace[16] = "";

	feed(&m, false, 5, NLM_F_MULTI, 0, trace);
	m.overflowed = true;
	feed(&m, true, 5, NLM_F_MULTI, 0, trace);
	cr_assert_str_eq(trace, "BL");
	cr_assert_eq(m.pending, (unsigned)MONITOR_LINKS);
	cr_assert(m.begin);
	cr_assert(!m.overflowed);
}

Test(netlink, the_end_of_another_dump_ends_nothing)
{
	struct monitor m = monitor_dumping();
	char trace[16] = "";

	feed(&m, true, 4, NLM_F_MULTI, 0, trace);
	feed(&m, true, 5, NLM_F_MULTI, 4711, trace);
	cr_assert_str_eq(trace, "");
	cr_assert_eq(m.running, (unsigned)MONITOR_LINKS);
	cr_assert_eq(m.foreign_n, 1u);
}

/* Types of a batch's messages, and how many ask for an answer. */
static unsigned list_types(const void *data, size_t len, uint16_t *types, unsigned *acks)
{
	const struct nlmsghdr *h = data;
	int left = (int)len;
	unsigned n = 0;

	for (*acks = 0; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		*acks += (h->nlmsg_flags & NLM_F_ACK) != 0;
		types[n++] = h->nlmsg_type;
	}
	cr_assert_eq(left, 0);
	return n;
}

Test(netlink, a_lease_is_emptied_and_filled_in_one_transaction)
{
	static const uint16_t want[] = {
		NFNL_MSG_BATCH_BEGIN,
		NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELSETELEM,
		NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM,
		NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELSETELEM,
		NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM,
		NFNL_MSG_BATCH_END,
	};
	_Alignas(8) uint8_t m[RULESET_LEASE_MAX];
	const struct ha_address both[] = {v4, v6};
	uint16_t types[EXCHANGE_MESSAGES_MAX];
	unsigned acks;
	size_t len = ruleset_put_lease(m, "haagent_eth0", both, 2, 60);

	cr_assert_eq(list_types(m, len, types, &acks), 6);
	cr_assert_arr_eq(types, want, sizeof(want));
	cr_assert_eq(acks, 2);
}

Test(netlink, the_largest_configuration_fits_its_buffers)
{
	static _Alignas(8) uint8_t m[RULESET_LEN_MAX];
	struct ha_address all[HA_VIP_MAX];
	uint16_t types[64];
	unsigned acks, i;
	size_t len;

	for (i = 0; i < HA_VIP_MAX; i++) {
		all[i] = i ? v6 : v4;
		all[i].b[15] = (uint8_t)(i ? i : 0);
	}
	cr_assert_eq(ruleset_put_install(m, &len, "haagent_fifteen_letters", "fifteen_letters", all,
					 HA_VIP_MAX),
		     0);
	cr_assert_leq(list_types(m, len, types, &acks), EXCHANGE_MESSAGES_MAX);
	len = ruleset_put_lease(m, "haagent_fifteen_letters", all, HA_VIP_MAX, UINT32_MAX);
	cr_assert_leq(len, RULESET_LEASE_MAX);
}

static int count_attribute(const struct nlattr *attr, void *arg)
{
	(void)attr;
	++*(unsigned *)arg;
	return 0;
}

Test(netlink, attributes_must_fill_their_message_exactly)
{
	static const _Alignas(4) uint8_t two[] = {8, 0, 1, 0, 1, 2, 3, 4, 5, 0, 2, 0, 9, 0, 0, 0};
	unsigned n = 0;

	cr_assert_eq(attribute_walk(two, 16, count_attribute, &n), 0);
	cr_assert_eq(n, 2);
	cr_assert_eq(attribute_walk(two, 13, count_attribute, &n), 0, "the last needs no padding");
	cr_assert_eq(attribute_walk(two, 12, count_attribute, &n), -EBADMSG);
	cr_assert_eq(attribute_walk(two, 10, count_attribute, &n), -EBADMSG);
	cr_assert_eq(attribute_walk(two, 7, count_attribute, &n), -EBADMSG);
	cr_assert_eq(attribute_walk(two, 0, count_attribute, &n), 0);
}
