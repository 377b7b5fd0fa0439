/* What the node keeps of its own place on the management segment. */
#include "agent/segment.h"

#include <criterion/criterion.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

enum {
	OURS = 7,
	ELSEWHERE = 8,
};

static const struct ha_mac mac = {{2, 0, 0, 0, 0, 1}}, new_mac = {{2, 0, 0, 0, 0, 2}};

static struct segment segment_new(void)
{
	struct segment segment;

	segment_init(&segment, "eth0", OURS, &mac);
	return segment;
}

static struct ha_address v4(uint8_t net, uint8_t last)
{
	return (struct ha_address){HA_IPV4, {192, 0, net, last}};
}

static struct ha_address v6(uint8_t first, uint8_t last)
{
	return (struct ha_address){HA_IPV6, {first, 0x80, [15] = last}};
}

static struct monitor_event address(struct ha_address a, uint8_t prefix_len, uint8_t scope)
{
	return (struct monitor_event){
		.type = MONITOR_ADDRESS,
		.address = {.added = true,
			    .ifindex = OURS,
			    .address = a,
			    .prefix_len = prefix_len,
			    .scope = scope},
	};
}

static struct monitor_event route(struct ha_address gateway, bool added)
{
	return (struct monitor_event){
		.type = MONITOR_ROUTE,
		.route = {.added = added, .gateway = gateway, .ifindex = OURS},
	};
}

static unsigned add(struct segment *segment, struct ha_address a, uint8_t prefix_len)
{
	struct monitor_event event = address(a, prefix_len, RT_SCOPE_UNIVERSE);

	return segment_observe(segment, &event);
}

static unsigned stated(const struct segment *segment)
{
	struct msg_prefix out[HA_ADDRESS_MAX];
	unsigned n = 0;

	segment_identity(segment, out);
	while (n < HA_ADDRESS_MAX && out[n].address.family != HA_FAMILY_NONE)
		n++;
	return n;
}

Test(segment, address_is_stated_once_and_a_repeat_changes_nothing)
{
	struct segment segment = segment_new();
	struct ha_address own = v4(2, 11);

	cr_assert_eq(add(&segment, own, 24), SEGMENT_ADDRESSES);
	cr_assert_eq(add(&segment, own, 24), 0);
	cr_assert_eq(add(&segment, own, 25), SEGMENT_ADDRESSES, "another prefix");
	cr_assert_eq(stated(&segment), 1);
	cr_assert(segment_owns(&segment, &own));
}

Test(segment, virtual_address_is_no_own_one)
{
	struct segment segment = segment_new();
	struct ha_address virtual = v4(2, 100);
	struct monitor_event tagged = address(v4(2, 101), 32, RT_SCOPE_HOST);

	segment_set_vips(&segment, &virtual, 1);
	tagged.address.proto = ADDRESS_PROTO;
	cr_assert_eq(add(&segment, virtual, 32), 0);
	cr_assert_eq(segment_observe(&segment, &tagged), 0);
	cr_assert_not(segment_owns(&segment, &virtual));
}

Test(segment, tentative_and_foreign_addresses_are_not_taken)
{
	struct segment segment = segment_new();
	struct monitor_event event = address(v6(0x20, 1), 64, RT_SCOPE_UNIVERSE);

	event.address.flags = IFA_F_TENTATIVE;
	cr_assert_eq(segment_observe(&segment, &event), 0);
	event.address.flags = 0;
	event.address.ifindex = ELSEWHERE;
	cr_assert_eq(segment_observe(&segment, &event), 0);
	cr_assert_eq(stated(&segment), 0);
}

Test(segment, link_local_address_asks_but_is_not_stated)
{
	struct segment segment = segment_new();
	struct ha_address local = v6(0xfe, 1), target = v6(0xfe, 9);
	struct monitor_event event = address(local, 64, RT_SCOPE_LINK);

	segment_observe(&segment, &event);
	cr_assert_eq(stated(&segment), 0);
	cr_assert(ha_address_equal(segment_sender(&segment, &target), &local));
}

Test(segment, question_comes_from_the_target_s_subnet)
{
	struct segment segment = segment_new();
	struct ha_address first = v4(3, 1), second = v4(2, 130), near = v4(2, 190), far = v4(2, 1),
			  other_family = v6(0x20, 1);

	cr_assert_null(segment_sender(&segment, &near));
	add(&segment, first, 24);
	add(&segment, second, 25);
	cr_assert(ha_address_equal(segment_sender(&segment, &near), &second));
	cr_assert(ha_address_equal(segment_sender(&segment, &far), &first),
		  "of the family at least");
	cr_assert_null(segment_sender(&segment, &other_family));
}

Test(segment, gateways_come_and_a_vanished_one_asks_for_a_dump)
{
	struct segment segment = segment_new();
	struct ha_address out[NODE_STATIONS_MAX];
	struct monitor_event up = route(v4(2, 1), true), down = route(v4(2, 1), false);
	struct monitor_event begin = {.type = MONITOR_RESYNC_BEGIN};
	struct monitor_event end = {.type = MONITOR_RESYNC_END};

	cr_assert_eq(segment_observe(&segment, &up), SEGMENT_GATEWAYS);
	cr_assert_eq(segment_observe(&segment, &up), 0);
	cr_assert_eq(segment_gateways(&segment, out), 1);
	cr_assert_eq(segment_observe(&segment, &down), 0, "another route may name it");
	cr_assert(segment.stale);
	segment_observe(&segment, &begin);
	cr_assert_eq(segment_observe(&segment, &end), SEGMENT_GATEWAYS);
	cr_assert_eq(segment_gateways(&segment, out), 0);
}

Test(segment, resync_forgets_what_is_not_reported_again)
{
	struct segment segment = segment_new();
	struct ha_address kept = v4(2, 11), lost = v4(2, 12);
	struct monitor_event begin = {.type = MONITOR_RESYNC_BEGIN};
	struct monitor_event end = {.type = MONITOR_RESYNC_END};

	add(&segment, kept, 24);
	add(&segment, lost, 24);
	segment_observe(&segment, &begin);
	add(&segment, kept, 24);
	cr_assert_eq(segment_observe(&segment, &end), SEGMENT_ADDRESSES);
	cr_assert(segment_owns(&segment, &kept));
	cr_assert_not(segment_owns(&segment, &lost));
}

Test(segment, interface_is_followed_by_name)
{
	struct segment segment = segment_new();
	struct monitor_event link = {
		.type = MONITOR_LINK,
		.link = {.ifindex = OURS, .name = "eth0", .mac = mac, .up = true},
	};

	add(&segment, v4(2, 11), 24);
	cr_assert_eq(segment_observe(&segment, &link), 0);
	link.link.gone = true;
	cr_assert(segment_observe(&segment, &link) & SEGMENT_INTERFACE);
	cr_assert_eq(stated(&segment), 0);
	link.link = (struct monitor_link){.ifindex = 12, .name = "eth0", .mac = new_mac};
	cr_assert(segment_observe(&segment, &link) & SEGMENT_INTERFACE);
	cr_assert(segment.stale, "what came before its name is read again");
	cr_assert(ha_mac_equal(&segment.mac, &new_mac));
	cr_assert_eq(add(&segment, v4(2, 11), 24), 0, "the old index is nobody's");
}

Test(segment, more_addresses_than_fit_are_left_out)
{
	struct segment segment = segment_new();

	for (uint8_t i = 1; i <= SEGMENT_ADDRESSES_MAX; i++)
		cr_assert_eq(add(&segment, v4(2, i), 24), SEGMENT_ADDRESSES);
	cr_assert_eq(add(&segment, v4(2, 200), 24), 0);
	cr_assert_eq(stated(&segment), HA_ADDRESS_MAX);
}
