#include "proto/announce.h"

#include "proto/cursor.h"

#include <assert.h>
#include <string.h>

enum {
	MAC_LEN = 6,
	ETHERNET_LEN = 14,
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_IPV6 = 0x86dd,

	ARP_LEN = 28,
	ARP_ETHERNET = 1, /* hardware type */
	ARP_REQUEST = 1,
	ARP_REPLY = 2,

	IPV6_LEN = 40,
	IPV6_VERSION = 6,
	NEXT_ICMPV6 = 58,
	HOP_LIMIT = 255, /* proof that no router passed it on: RFC 4861 11.2 */

	ND_SOLICIT = 135,
	ND_ADVERT = 136,
	ND_CHECKSUM_AT = 2,
	ND_OPTION_UNIT = 8,
	ND_LEN = 24 + ND_OPTION_UNIT, /* as built here */
	ND_SOURCE_MAC = 1,            /* options */
	ND_TARGET_MAC = 2,
};

/* the flags of an NA; its last 29 bits are reserved */
#define NA_ROUTER    UINT32_C(0x80000000)
#define NA_SOLICITED UINT32_C(0x40000000)
#define NA_OVERRIDE  UINT32_C(0x20000000)

static const struct ha_mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
static const struct ha_mac all_nodes_mac = {{0x33, 0x33, 0, 0, 0, 1}};
static const struct ha_address all_nodes = {HA_IPV6, {0xff, 0x02, [15] = 1}};

static bool is_unspecified(const uint8_t ip[16])
{
	static const uint8_t zero[16];

	return memcmp(ip, zero, sizeof(zero)) == 0;
}

/* ff02::1:ff00:0/104 and the last three bytes of the address: RFC 4291 2.7.1 */
static struct ha_address solicited_node(const struct ha_address *target)
{
	struct ha_address group = {HA_IPV6, {0xff, 0x02, [11] = 1, [12] = 0xff}};

	memcpy(group.b + 13, target->b + 13, 3);
	return group;
}

/* 33:33 and the last four bytes of the group: RFC 2464 7 */
static struct ha_mac group_mac(const struct ha_address *group)
{
	struct ha_mac mac = {{0x33, 0x33}};

	memcpy(mac.b + 2, group->b + 12, 4);
	return mac;
}

/* RFC 1071 over the pseudo-header and the ICMPv6 message (RFC 4443 2.3), whose length is even.
 * Over a message that bears its checksum it is 0. */
static uint16_t icmpv6_checksum(const uint8_t *source, const uint8_t *destination,
				const uint8_t *icmp, size_t len)
{
	uint64_t sum = len + NEXT_ICMPV6;

	assert(len % 2 == 0);
	for (size_t i = 0; i < 16; i += 2)
		sum += (uint64_t)((source[i] << 8 | source[i + 1]) +
				  (destination[i] << 8 | destination[i + 1]));
	for (size_t i = 0; i < len; i += 2)
		sum += (uint64_t)(icmp[i] << 8 | icmp[i + 1]);
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)~sum;
}

static void put_ethernet(struct cursor_writer *w, const struct ha_mac *to,
			 const struct ha_mac *from, uint16_t ethertype)
{
	cursor_put_bytes(w, to->b, MAC_LEN);
	cursor_put_bytes(w, from->b, MAC_LEN);
	cursor_put_u16(w, ethertype);
}

struct arp {
	uint16_t op;
	const struct ha_mac *sender_mac, *target_mac;
	const uint8_t *sender, *target; /* 4 bytes each */
};

static size_t build_arp(uint8_t *out, const struct ha_mac *to, const struct arp *a)
{
	struct cursor_writer w;

	cursor_write(&w, out, ANNOUNCE_FRAME_MAX);
	put_ethernet(&w, to, a->sender_mac, ETHERTYPE_ARP);
	cursor_put_u16(&w, ARP_ETHERNET);
	cursor_put_u16(&w, ETHERTYPE_IPV4);
	cursor_put_u8(&w, MAC_LEN);
	cursor_put_u8(&w, 4);
	cursor_put_u16(&w, a->op);
	cursor_put_bytes(&w, a->sender_mac->b, MAC_LEN);
	cursor_put_bytes(&w, a->sender, 4);
	cursor_put_bytes(&w, a->target_mac->b, MAC_LEN);
	cursor_put_bytes(&w, a->target, 4);
	return cursor_written(&w);
}

struct nd {
	uint8_t type;
	uint32_t flags;
	const struct ha_address *source, *destination, *target;
	uint8_t option; /* the sender's MAC goes into this one */
};

static size_t build_nd(uint8_t *out, const struct ha_mac *to, const struct ha_mac *mac,
		       const struct nd *n)
{
	uint8_t *icmp = out + ETHERNET_LEN + IPV6_LEN;
	struct cursor_writer w;
	size_t len;

	cursor_write(&w, out, ANNOUNCE_FRAME_MAX);
	put_ethernet(&w, to, mac, ETHERTYPE_IPV6);
	cursor_put_u32(&w, (uint32_t)IPV6_VERSION << 28);
	cursor_put_u16(&w, ND_LEN);
	cursor_put_u8(&w, NEXT_ICMPV6);
	cursor_put_u8(&w, HOP_LIMIT);
	cursor_put_bytes(&w, n->source->b, 16);
	cursor_put_bytes(&w, n->destination->b, 16);
	cursor_put_u8(&w, n->type);
	cursor_put_u8(&w, 0);
	cursor_put_u16(&w, 0); /* the checksum, below */
	cursor_put_u32(&w, n->flags);
	cursor_put_bytes(&w, n->target->b, 16);
	cursor_put_u8(&w, n->option);
	cursor_put_u8(&w, 1);
	cursor_put_bytes(&w, mac->b, MAC_LEN);
	len = cursor_written(&w);

	cursor_write(&w, icmp + ND_CHECKSUM_AT, 2);
	cursor_put_u16(&w, icmpv6_checksum(n->source->b, n->destination->b, icmp, ND_LEN));
	return len;
}

size_t announce_build(uint8_t *out, enum announce_form form, const struct ha_address *address,
		      const struct ha_mac *mac, bool router)
{
	static const struct ha_mac none;
	struct arp arp = {
		.op = ARP_REQUEST,
		.sender_mac = mac,
		.target_mac = &none,
		.sender = address->b,
		.target = address->b,
	};
	struct nd nd = {
		.type = ND_ADVERT,
		.flags = NA_OVERRIDE,
		.source = address,
		.destination = &all_nodes,
		.target = address,
		.option = ND_TARGET_MAC,
	};

	if (address->family != (form == ANNOUNCE_NA ? HA_IPV6 : HA_IPV4))
		return 0;
	switch (form) {
	case ANNOUNCE_ARP_REQUEST:
		return build_arp(out, &broadcast, &arp);
	case ANNOUNCE_ARP_REPLY:
		arp.op = ARP_REPLY;
		arp.target_mac = mac;
		return build_arp(out, &broadcast, &arp);
	case ANNOUNCE_NA:
		if (router)
			nd.flags |= NA_ROUTER;
		return build_nd(out, &all_nodes_mac, mac, &nd);
	}
	return 0;
}

size_t announce_question(uint8_t *out, const struct ha_address *target, const struct ha_mac *to,
			 const struct ha_address *from, const struct ha_mac *mac)
{
	static const struct ha_mac none;
	static const uint8_t probe[4];
	bool to_all = ha_mac_is_zero(to), anonymous = from->family == HA_FAMILY_NONE;

	if (target->family == HA_IPV4 && (anonymous || from->family == HA_IPV4)) {
		struct arp arp = {
			.op = ARP_REQUEST,
			.sender_mac = mac,
			.target_mac = &none,
			.sender = anonymous ? probe : from->b,
			.target = target->b,
		};

		return build_arp(out, to_all ? &broadcast : to, &arp);
	}
	/* RFC 4861 4.3: from :: a source link-layer option must not be sent */
	if (target->family == HA_IPV6 && from->family == HA_IPV6 && !is_unspecified(from->b)) {
		struct ha_address group = solicited_node(target);
		struct ha_mac to_group = group_mac(&group);
		struct nd nd = {
			.type = ND_SOLICIT,
			.source = from,
			.destination = to_all ? &group : target,
			.target = target,
			.option = ND_SOURCE_MAC,
		};

		return build_nd(out, to_all ? &to_group : to, mac, &nd);
	}
	return 0;
}

static void get_ipv4(struct cursor_reader *r, struct ha_address *a)
{
	static const struct ha_address zero = {.family = HA_IPV4};

	*a = zero;
	cursor_get_bytes(r, a->b, 4);
}

/* RFC 826, Ethernet and IPv4 only; r stands behind the EtherType. */
static bool parse_arp(struct cursor_reader *r, struct segment_frame *f)
{
	static const struct ha_address none;
	uint16_t hardware, protocol, op;
	uint8_t hardware_len, protocol_len, target_mac[MAC_LEN];

	hardware = cursor_get_u16(r);
	protocol = cursor_get_u16(r);
	hardware_len = cursor_get_u8(r);
	protocol_len = cursor_get_u8(r);
	op = cursor_get_u16(r);
	cursor_get_bytes(r, f->sender_mac.b, MAC_LEN);
	get_ipv4(r, &f->sender);
	cursor_get_bytes(r, target_mac, MAC_LEN);
	get_ipv4(r, &f->target);
	if (r->failed || hardware != ARP_ETHERNET || protocol != ETHERTYPE_IPV4 ||
	    hardware_len != MAC_LEN || protocol_len != 4 || (op != ARP_REQUEST && op != ARP_REPLY))
		return false;
	if (is_unspecified(f->sender.b))
		f->sender = none;
	f->answer = op == ARP_REPLY;
	return true;
}

/* RFC 4861 4.6: options whole, none of length zero. The first one of the wanted kind gives *mac. */
static bool parse_options(struct cursor_reader *r, uint8_t wanted, struct ha_mac *mac, bool *found)
{
	*found = false;
	while (r->left > 0 && !r->failed) {
		uint8_t type = cursor_get_u8(r), units = cursor_get_u8(r);

		if (units == 0)
			return false;
		if (type != wanted || *found) {
			cursor_skip(r, (size_t)units * ND_OPTION_UNIT - 2);
			continue;
		}
		if (units != 1)
			return false;
		cursor_get_bytes(r, mac->b, MAC_LEN);
		*found = true;
	}
	return cursor_finished(r);
}

/* What is behind an IPv6 header: the checks that RFC 4861 7.1.1 and 7.1.2 want. */
static bool parse_nd(const uint8_t *icmp, size_t len, const struct ha_address *source,
		     const struct ha_address *destination, struct segment_frame *f)
{
	struct cursor_reader r;
	struct ha_address target = {.family = HA_IPV6};
	uint8_t type, code;
	uint32_t flags;
	bool has_mac, from_nobody = is_unspecified(source->b);

	if (len % 2 != 0 || icmpv6_checksum(source->b, destination->b, icmp, len) != 0)
		return false;
	cursor_read(&r, icmp, len);
	type = cursor_get_u8(&r);
	code = cursor_get_u8(&r);
	cursor_skip(&r, 2); /* the checksum */
	flags = cursor_get_u32(&r);
	cursor_get_bytes(&r, target.b, sizeof(target.b));
	if (r.failed || (type != ND_SOLICIT && type != ND_ADVERT) || code != 0 ||
	    target.b[0] == 0xff)
		return false;
	if (!parse_options(&r, type == ND_ADVERT ? ND_TARGET_MAC : ND_SOURCE_MAC, &f->sender_mac,
			   &has_mac))
		return false;
	if (!has_mac)
		f->sender_mac = f->source;
	f->answer = type == ND_ADVERT;
	if (f->answer) {
		f->sender = target;
		return !(destination->b[0] == 0xff && flags & NA_SOLICITED);
	}
	f->target = target;
	if (!from_nobody) {
		f->sender = *source;
		return true;
	}
	/* duplicate address detection goes to the solicited-node group, and says no MAC */
	target = solicited_node(&target);
	return !has_mac && ha_address_equal(destination, &target);
}

static bool parse_ipv6(struct cursor_reader *r, struct segment_frame *f)
{
	struct ha_address source = {.family = HA_IPV6}, destination = {.family = HA_IPV6};
	uint32_t version_class_flow;
	uint16_t payload;
	uint8_t next, hop_limit;

	version_class_flow = cursor_get_u32(r);
	payload = cursor_get_u16(r);
	next = cursor_get_u8(r);
	hop_limit = cursor_get_u8(r);
	cursor_get_bytes(r, source.b, sizeof(source.b));
	cursor_get_bytes(r, destination.b, sizeof(destination.b));
	if (r->failed || version_class_flow >> 28 != IPV6_VERSION || next != NEXT_ICMPV6 ||
	    hop_limit != HOP_LIMIT || payload > r->left || source.b[0] == 0xff)
		return false;
	return parse_nd(r->next, payload, &source, &destination, f);
}

bool segment_parse(const uint8_t *frame, size_t len, struct segment_frame *out)
{
	struct segment_frame f = {.answer = false};
	struct cursor_reader r;
	struct ha_mac destination;
	uint16_t ethertype;

	cursor_read(&r, frame, len);
	cursor_get_bytes(&r, destination.b, MAC_LEN);
	cursor_get_bytes(&r, f.source.b, MAC_LEN);
	ethertype = cursor_get_u16(&r);
	if (r.failed || ha_mac_is_group(&f.source))
		return false;
	if (ethertype != ETHERTYPE_ARP && ethertype != ETHERTYPE_IPV6)
		return false;
	if (!(ethertype == ETHERTYPE_ARP ? parse_arp(&r, &f) : parse_ipv6(&r, &f)))
		return false;
	*out = f;
	return true;
}
