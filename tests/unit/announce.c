/* ARP and neighbour discovery: as the RFCs want them, and as a hostile segment may send them. */
#include "proto/announce.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static const struct ha_mac mac = {{0x02, 0x11, 0x22, 0x33, 0x44, 0x55}};
static const struct ha_mac peer = {{0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee}};
static const struct ha_mac to_all;
static const struct ha_address nobody;
static const struct ha_address vip4 = {HA_IPV4, {192, 0, 2, 100}};
static const struct ha_address own4 = {HA_IPV4, {192, 0, 2, 11}};
static const struct ha_address vip6 = {HA_IPV6,
				       {0x20, 0x01, 0x0d, 0xb8, [12] = 0x00, 0x12, 0x34, 0x56}};
static const struct ha_address own6 = {HA_IPV6, {0xfe, 0x80, [15] = 0x11}};

static const uint8_t golden_arp[42] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff,                     /* broadcast */
	0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x08, 0x06,         /* own MAC, ARP */
	0x00, 0x01, 0x08, 0x00, 6,    4,    0x00, 0x01,         /* Ethernet, IPv4, request */
	0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 192,  0,    2, 100, /* sender */
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 192,  0,    2, 100, /* target */
};

/* clang-format off */
static const uint8_t golden_na[86] = {
	0x33, 0x33, 0x00, 0x00, 0x00, 0x01,             /* all nodes */
	0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x86, 0xdd, /* own MAC, IPv6 */
	0x60, 0x00, 0x00, 0x00, 0x00, 0x20, 58, 255,    /* 32 bytes, ICMPv6, hop limit */
	0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x12, 0x34, 0x56,
	0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01,
	136, 0, 0x29, 0xc4, 0x20, 0x00, 0x00, 0x00,     /* NA, checksum, override */
	0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x12, 0x34, 0x56,
	2, 1, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55,       /* target link-layer address */
};
/* clang-format on */

enum { /* offsets in an IPv6 frame */
	IP = 14,
	ICMP = 54,
};

/* The checksum anew, another way: added byte by byte, the carry taken round at once. */
static uint16_t reference_checksum(const uint8_t *frame, size_t len)
{
	uint8_t pseudo[40] = {0};
	uint8_t high = 0, low = 0;

	memcpy(pseudo, frame + IP + 8, 32);
	pseudo[34] = (uint8_t)((len - ICMP) >> 8);
	pseudo[35] = (uint8_t)(len - ICMP);
	pseudo[39] = 58;
	for (size_t i = 0; i < 40 + len - ICMP; i += 2) {
		const uint8_t *two = i < 40 ? pseudo + i : frame + ICMP + i - 40;
		unsigned l = low + (i == 42 ? 0u : two[1]);
		unsigned h = high + (i == 42 ? 0u : two[0]) + (l >> 8);

		l = (l & 0xff) + (h >> 8);
		h = (h & 0xff) + (l >> 8);
		low = (uint8_t)l;
		high = (uint8_t)h;
	}
	return (uint16_t) ~(high << 8 | low);
}

/* Gives the frame the length and checksum that fit it: only the fault under test is left. */
static void mend(uint8_t *frame, size_t len)
{
	uint16_t sum;

	frame[IP + 4] = (uint8_t)((len - ICMP) >> 8);
	frame[IP + 5] = (uint8_t)(len - ICMP);
	sum = reference_checksum(frame, len);
	frame[ICMP + 2] = (uint8_t)(sum >> 8);
	frame[ICMP + 3] = (uint8_t)sum;
}

/* segment_parse() on a copy of just that size, so that a byte read too far is caught. */
static bool parses(const uint8_t *frame, size_t len, struct segment_frame *out)
{
	uint8_t *copy = malloc(len ? len : 1);
	bool ok;

	memcpy(copy, frame, len);
	ok = segment_parse(copy, len, out);
	free(copy);
	return ok;
}

static bool accepts(const uint8_t *frame, size_t len)
{
	struct segment_frame out;

	return parses(frame, len, &out);
}

/* The verdict on the frame with one byte changed; an ND frame gets a checksum that fits again. */
static bool accepts_with(const uint8_t *frame, size_t len, size_t offset, uint8_t value)
{
	uint8_t copy[ANNOUNCE_FRAME_MAX];

	memcpy(copy, frame, len);
	copy[offset] = value;
	if (frame[12] == 0x86 && offset != ICMP + 2 && offset != IP + 5)
		mend(copy, len);
	return accepts(copy, len);
}

static size_t solicit(uint8_t *out, const struct ha_mac *to)
{
	return announce_question(out, &vip6, to, &own6, &mac);
}

Test(announce, spec_3_R12_gratuitous_arp_request)
{
	uint8_t out[ANNOUNCE_FRAME_MAX];

	cr_assert_eq(announce_build(out, ANNOUNCE_ARP_REQUEST, &vip4, &mac, false), 42);
	cr_assert_arr_eq(out, golden_arp, 42);
}

Test(announce, spec_3_R12_gratuitous_arp_reply)
{
	uint8_t out[ANNOUNCE_FRAME_MAX], expected[42];

	memcpy(expected, golden_arp, 42);
	expected[21] = 2;
	memcpy(expected + 32, mac.b, 6); /* Linux ignores it with another target */
	cr_assert_eq(announce_build(out, ANNOUNCE_ARP_REPLY, &vip4, &mac, false), 42);
	cr_assert_arr_eq(out, expected, 42);
}

Test(announce, spec_3_R13_unsolicited_na)
{
	uint8_t out[ANNOUNCE_FRAME_MAX];

	cr_assert_eq(announce_build(out, ANNOUNCE_NA, &vip6, &mac, false), 86);
	cr_assert_arr_eq(out, golden_na, 86);
	cr_assert_eq(reference_checksum(out, 86), out[ICMP + 2] << 8 | out[ICMP + 3]);

	cr_assert_eq(announce_build(out, ANNOUNCE_NA, &vip6, &mac, true), 86);
	cr_assert_eq(out[ICMP + 4], 0xa0, "router and override");
	cr_assert_eq(reference_checksum(out, 86), out[ICMP + 2] << 8 | out[ICMP + 3]);
}

Test(announce, a_form_of_the_other_family_is_not_built)
{
	uint8_t out[ANNOUNCE_FRAME_MAX];

	cr_assert_eq(announce_build(out, ANNOUNCE_ARP_REQUEST, &vip6, &mac, false), 0);
	cr_assert_eq(announce_build(out, ANNOUNCE_ARP_REPLY, &vip6, &mac, false), 0);
	cr_assert_eq(announce_build(out, ANNOUNCE_NA, &vip4, &mac, false), 0);
	cr_assert_eq(announce_build(out, ANNOUNCE_NA, &nobody, &mac, false), 0);
}

Test(announce, spec_3_R14_arp_question)
{
	uint8_t out[ANNOUNCE_FRAME_MAX], expected[42];

	memcpy(expected, golden_arp, 42);
	memset(expected + 28, 0, 4); /* an RFC 5227 probe */
	cr_assert_eq(announce_question(out, &vip4, &to_all, &nobody, &mac), 42);
	cr_assert_arr_eq(out, expected, 42);

	memcpy(expected, peer.b, 6);
	cr_assert_eq(announce_question(out, &vip4, &peer, &nobody, &mac), 42);
	cr_assert_arr_eq(out, expected, 42);

	memcpy(expected + 28, own4.b, 4);
	cr_assert_eq(announce_question(out, &vip4, &peer, &own4, &mac), 42);
	cr_assert_arr_eq(out, expected, 42);
}

Test(announce, spec_3_R15_neighbour_solicitation)
{
	uint8_t out[ANNOUNCE_FRAME_MAX], expected[86];

	memcpy(expected, golden_na, 86);
	memcpy(expected, "\x33\x33\xff\x12\x34\x56", 6);
	memcpy(expected + IP + 8, own6.b, 16);
	memcpy(expected + IP + 24, "\xff\x02\0\0\0\0\0\0\0\0\0\x01\xff\x12\x34\x56", 16);
	expected[ICMP] = 135;
	expected[ICMP + 4] = 0;
	expected[ICMP + 24] = 1; /* source link-layer address */
	mend(expected, 86);
	cr_assert_eq(solicit(out, &to_all), 86);
	cr_assert_arr_eq(out, expected, 86);

	memcpy(expected, peer.b, 6);
	memcpy(expected + IP + 24, vip6.b, 16);
	mend(expected, 86);
	cr_assert_eq(solicit(out, &peer), 86);
	cr_assert_arr_eq(out, expected, 86);
}

Test(announce, a_question_needs_a_sender_of_its_family)
{
	static const struct ha_address unspecified = {.family = HA_IPV6};
	uint8_t out[ANNOUNCE_FRAME_MAX];

	cr_assert_eq(announce_question(out, &vip4, &to_all, &own6, &mac), 0);
	cr_assert_eq(announce_question(out, &vip6, &to_all, &own4, &mac), 0);
	cr_assert_eq(announce_question(out, &vip6, &to_all, &nobody, &mac), 0);
	cr_assert_eq(announce_question(out, &vip6, &to_all, &unspecified, &mac), 0);
	cr_assert_eq(announce_question(out, &nobody, &to_all, &nobody, &mac), 0);
}

Test(announce, spec_3_R16_parses_arp)
{
	struct segment_frame f;
	uint8_t frame[60] = {0}; /* padded, as it arrives */

	announce_question(frame, &vip4, &peer, &own4, &mac);
	cr_assert(parses(frame, sizeof(frame), &f));
	cr_assert(ha_mac_equal(&f.source, &mac));
	cr_assert(ha_mac_equal(&f.sender_mac, &mac));
	cr_assert(ha_address_equal(&f.sender, &own4));
	cr_assert(ha_address_equal(&f.target, &vip4));
	cr_assert_not(f.answer);

	memcpy(frame + 22, peer.b, 6); /* a proxy: the MAC it tells is not its own */
	frame[21] = 2;
	cr_assert(parses(frame, sizeof(frame), &f));
	cr_assert(ha_mac_equal(&f.source, &mac));
	cr_assert(ha_mac_equal(&f.sender_mac, &peer));
	cr_assert(f.answer);
}

Test(announce, spec_3_R16_a_probe_has_no_sender)
{
	struct segment_frame f;
	uint8_t frame[ANNOUNCE_FRAME_MAX];

	announce_question(frame, &vip4, &to_all, &nobody, &mac);
	cr_assert(parses(frame, 42, &f));
	cr_assert_eq(f.sender.family, HA_FAMILY_NONE);
	cr_assert(ha_address_equal(&f.target, &vip4));

	/* duplicate address detection: from ::, to the group, without option */
	solicit(frame, &to_all);
	memset(frame + IP + 8, 0, 16);
	mend(frame, 78);
	cr_assert(parses(frame, 78, &f));
	cr_assert_eq(f.sender.family, HA_FAMILY_NONE);
	cr_assert(ha_address_equal(&f.target, &vip6));
	cr_assert(ha_mac_equal(&f.sender_mac, &mac), "the Ethernet source stands in");

	mend(frame, 86);
	cr_assert_not(accepts(frame, 86), "RFC 4861 7.1.1: from :: with a link-layer option");
	frame[IP + 24 + 15] ^= 1;
	mend(frame, 78);
	cr_assert_not(accepts(frame, 78), "RFC 4861 7.1.1: from :: to another group");
}

Test(announce, spec_3_R17_parses_na_and_ns)
{
	struct segment_frame f;
	uint8_t frame[ANNOUNCE_FRAME_MAX];

	memcpy(frame, golden_na, 86);
	memcpy(frame + 6, peer.b, 6);
	cr_assert(parses(frame, 86, &f));
	cr_assert(ha_mac_equal(&f.source, &peer));
	cr_assert(ha_mac_equal(&f.sender_mac, &mac), "the option's");
	cr_assert(ha_address_equal(&f.sender, &vip6));
	cr_assert_eq(f.target.family, HA_FAMILY_NONE);
	cr_assert(f.answer);

	mend(frame, 78); /* without option */
	cr_assert(parses(frame, 78, &f));
	cr_assert(ha_mac_equal(&f.sender_mac, &peer));

	solicit(frame, &peer);
	cr_assert(parses(frame, 86, &f));
	cr_assert(ha_mac_equal(&f.sender_mac, &mac));
	cr_assert(ha_address_equal(&f.sender, &own6));
	cr_assert(ha_address_equal(&f.target, &vip6));
	cr_assert_not(f.answer);
}

Test(announce, spec_3_R16_truncated_at_every_length)
{
	struct segment_frame f;
	uint8_t frame[ANNOUNCE_FRAME_MAX];

	memset(&f, 0xee, sizeof(f));
	for (size_t len = 0; len < 42; len++)
		cr_assert_not(parses(golden_arp, len, &f), "ARP, %zu bytes", len);
	for (size_t len = 0; len < 86; len++)
		cr_assert_not(parses(golden_na, len, &f), "NA, %zu bytes", len);
	solicit(frame, &to_all);
	for (size_t len = 0; len < 86; len++)
		cr_assert_not(parses(frame, len, &f), "NS, %zu bytes", len);
	cr_assert_eq(f.source.b[0], 0xee, "a refused frame leaves *out alone");
}

Test(announce, spec_3_R17_na_of_every_shorter_length_that_its_header_admits)
{
	uint8_t frame[86];

	for (size_t len = ICMP; len < 86; len += 2) {
		memcpy(frame, golden_na, len);
		if (len >= ICMP + 4)
			mend(frame, len);
		else
			frame[IP + 5] = (uint8_t)(len - ICMP);
		cr_assert_eq(accepts(frame, len), len == ICMP + 24, "%zu bytes", len);
	}
}

Test(announce, spec_3_R16_malformed_arp)
{
	static const struct {
		size_t offset;
		unsigned first, last; /* good values */
	} fields[] = {{6, 0x02, 0x02}, {12, 0x08, 0x08}, {13, 0x06, 0x06}, {14, 0, 0},
		      {15, 1, 1},      {16, 8, 8},       {17, 0, 0},       {18, 6, 6},
		      {19, 4, 4},      {20, 0, 0},       {21, 1, 2}};

	for (size_t i = 1; i < sizeof(fields) / sizeof(*fields); i++)
		for (unsigned value = 0; value <= UINT8_MAX; value++)
			cr_assert_eq(accepts_with(golden_arp, 42, fields[i].offset, (uint8_t)value),
				     value >= fields[i].first && value <= fields[i].last,
				     "offset %zu, value %u", fields[i].offset, value);
	cr_assert_not(accepts_with(golden_arp, 42, 6, 0x03), "from a group address");
}

Test(announce, spec_3_R17_malformed_nd)
{
	static const struct {
		size_t offset;
		uint8_t value;
		const char *what;
	} faults[] = {
		{6, 0x03, "from a group MAC"},
		{IP, 0x40, "IP version"},
		{IP + 6, 0, "an extension header before it"},
		{IP + 6, 17, "another protocol"},
		{IP + 7, 254, "a hop limit that a router has lowered"},
		{IP + 7, 64, "a hop limit that a router has lowered"},
		{IP + 8, 0xff, "from a multicast address"},
		{ICMP, 134, "a router advertisement"},
		{ICMP, 137, "a redirect"},
		{ICMP + 1, 1, "code"},
		{ICMP + 2, 0x28, "checksum"},
		{ICMP + 4, 0x60, "solicited, though to a group"},
		{ICMP + 8, 0xff, "a multicast target"},
		{ICMP + 25, 0, "an option of length zero"},
		{ICMP + 25, 2, "an option longer than the message"},
		{ICMP + 25, 255, "an option longer than the message"},
		{IP + 5, 31, "an odd length"},
		{IP + 5, 33, "a length beyond the frame"},
		{IP + 5, 24, "a length that the checksum does not know"},
	};

	cr_assert(accepts_with(golden_na, 86, 6, 0x02));
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		cr_assert_not(accepts_with(golden_na, 86, faults[i].offset, faults[i].value), "%s",
			      faults[i].what);
}

Test(announce, spec_3_R17_every_wrong_bit_is_caught_by_the_checksum)
{
	uint8_t frame[86];

	for (size_t bit = 8 * (IP + 8); bit < 8 * 86; bit++) {
		memcpy(frame, golden_na, 86);
		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		cr_assert_not(accepts(frame, 86), "bit %zu", bit);
	}
}

Test(announce, spec_3_R17_options)
{
	struct segment_frame f;
	uint8_t frame[ICMP + 24 + 16 + 8 + 8] = {0};
	uint8_t *option = frame + ICMP + 24;

	memcpy(frame, golden_na, ICMP + 24);
	option[0] = 14; /* unknown, two units: skipped */
	option[1] = 2;
	memcpy(option + 16, "\x02\x01\x02\xaa\xbb\xcc\xdd\xee", 8);
	memcpy(option + 24, "\x02\x01\x02\x11\x22\x33\x44\x55", 8);
	mend(frame, sizeof(frame));
	cr_assert(parses(frame, sizeof(frame), &f));
	cr_assert(ha_mac_equal(&f.sender_mac, &peer), "the first of two");

	option[16] = 1; /* a source link-layer option does not count in an NA */
	mend(frame, sizeof(frame));
	cr_assert(parses(frame, sizeof(frame), &f));
	cr_assert(ha_mac_equal(&f.sender_mac, &mac));

	option[16] = 2;
	option[17] = 2; /* not an Ethernet address */
	mend(frame, sizeof(frame));
	cr_assert_not(accepts(frame, sizeof(frame)));
}

Test(announce, spec_3_R16_vlan_tagged_and_foreign_frames_are_refused)
{
	uint8_t tagged[90];

	memcpy(tagged, golden_na, 12);
	memcpy(tagged + 12, "\x81\x00\x00\x07", 4);
	memcpy(tagged + 16, golden_na + 12, 74);
	cr_assert_not(accepts(tagged, 90));
	memcpy(tagged + 16, golden_arp + 12, 30);
	cr_assert_not(accepts(tagged, 46));
	cr_assert_not(accepts_with(golden_arp, 42, 12, 0x88));
}
