/* The bodies: SPEC 3. Every field has a value of its own, so that no two can be confused. */
#include "proto/msg.h"
#include "proto/reason.h"

#include <criterion/criterion.h>

#include <string.h>

#define EQ(field)   cr_assert_eq(out.field, in.field, #field)
#define SAME(field) cr_assert(memcmp(&out.field, &in.field, sizeof(in.field)) == 0, #field)

static const struct msg_beacon beacon = {.key = {0xb0, 0xb1, [31] = 0xbf},
					 .boot = 0x0102030405060708};

static const struct msg_heartbeat heartbeat = {
	.boot = 0x0101010101010101,
	.number = 0x0202020202020202,
	.mode = HA_MODE_PRIMARY_PASSIVE,
	.state = HA_FAULTED,
	.claim = HA_CLAIM_RESIGNED,
	.reason = REASON_CHECK_FAILED,
	.flags = MSG_FLAG_LEAVING | MSG_FLAG_REACH_OK | MSG_FLAG_RESERVED,
	.why_not = WHY_NOT_SUSPENDED | WHY_NOT_LEAVING,
	.term = 0x0303030303030303,
	.handover = {HANDOVER_RESIGNED, 0x0404040404040404, 0x05050505, 0x06060606},
	.heard = {{0x0707070707070707, 0x08080808}, {0x0909090909090909, 0x0a0a0a0a}},
	.reach_age_ms = 0x0b0b0b0b,
	.lineage = {0x0c0c0c0c0c0c0c0c, 0x0d0d0d0d0d0d0d0d, {0xd0, 0xd1, [31] = 0xdf}},
	.identity_revision = 0x0e0e0e0e,
	.lateness_us = 0x0f0f0f0f,
	.sent_us = 0x1010101010101010,
	.echo_us = 0x1111111111111111,
	.echo_hold_us = 0x12121212,
	.suspended_s = 0x13131313,
};

static const struct msg_solicit solicit = {.nonce = 0x5152535455565758};

static const struct msg_identity identity = {
	.revision = 0x21222324,
	.model = "1100",
	.firmware = "7.1.0.1234",
	.hotfix = "1050",
	.patch = "0123456789abcdef0123456789ABCDEF", /* fills its field */
	.host_name = "wächter-1",
	.agent = "1.0",
	.management_mac = {{0x02, 0x31, 0x32, 0x33, 0x34, 0x35}},
	.management = {{{HA_IPV4, {192, 0, 2, 11}}, 24},
		       {{HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x11}}, 64}},
	.vip = {{HA_IPV4, {192, 0, 2, 100}}, {HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x64}}},
	.cluster_id = {0xc0, 0xc1, [15] = 0xcf},
	.flags = MSG_IDENTITY_DIRECT,
	.heartbeat_us = 0x41424344,
	.dead_us = 0x45464748,
	.confirm_us = 0x494a4b4c,
};

static const struct msg_join join = {
	.op = JOIN_REFUSE,
	.refusal = JOIN_WRONG_ADDRESS,
	.address = {HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x07}},
	.cluster_id = {0xe0, 0xe1, [15] = 0xef},
	.term = 0x3132333435363738,
	.cause = {0x71, 0x72, [11] = 0x7c},
};

static const struct msg_detach detach = {
	.op = DETACH_REFUSE,
	.refusal = DETACH_STORE,
	.cluster_id = {0xf0, 0xf1, [15] = 0xff},
};

static const struct msg_addresses addresses = {
	.op = ADDRESSES_REFUSE,
	.refusal = ADDRESSES_BUSY,
	.cluster_id = {0xf0, 0xf1, [15] = 0xff},
	.vip = {{HA_IPV4, {192, 0, 2, 100}}, {HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x64}}},
};

/* All messages behind one face, for the rules that hold for each. */
static size_t encode(enum msg_type type, uint8_t *out, size_t cap)
{
	switch (type) {
	case MSG_BEACON:
		return msg_encode_beacon(out, cap, &beacon);
	case MSG_HEARTBEAT:
		return msg_encode_heartbeat(out, cap, &heartbeat);
	case MSG_SOLICIT:
		return msg_encode_solicit(out, cap, &solicit);
	case MSG_IDENTITY:
		return msg_encode_identity(out, cap, &identity);
	case MSG_JOIN:
		return msg_encode_join(out, cap, &join);
	case MSG_ADDRESSES:
		return msg_encode_addresses(out, cap, &addresses);
	default:
		return msg_encode_detach(out, cap, &detach);
	}
}

/* The verdict; *touched tells whether the decoder wrote its result. */
static enum ha_drop decode(enum msg_type type, const uint8_t *body, size_t len, bool *touched)
{
	union {
		struct msg_beacon beacon;
		struct msg_heartbeat heartbeat;
		struct msg_solicit solicit;
		struct msg_identity identity;
		struct msg_join join;
		struct msg_detach detach;
		struct msg_addresses addresses;
		uint8_t bytes[1024];
	} out;
	enum ha_drop drop;

	memset(&out, 0xee, sizeof(out));
	switch (type) {
	case MSG_BEACON:
		drop = msg_decode_beacon(body, len, &out.beacon);
		break;
	case MSG_HEARTBEAT:
		drop = msg_decode_heartbeat(body, len, &out.heartbeat);
		break;
	case MSG_SOLICIT:
		drop = msg_decode_solicit(body, len, &out.solicit);
		break;
	case MSG_IDENTITY:
		drop = msg_decode_identity(body, len, &out.identity);
		break;
	case MSG_JOIN:
		drop = msg_decode_join(body, len, &out.join);
		break;
	case MSG_ADDRESSES:
		drop = msg_decode_addresses(body, len, &out.addresses);
		break;
	default:
		drop = msg_decode_detach(body, len, &out.detach);
		break;
	}
	*touched = false;
	for (size_t i = 0; i < sizeof(out.bytes); i++)
		*touched |= out.bytes[i] != 0xee;
	return drop;
}

static const enum msg_type bodies[] = {MSG_BEACON, MSG_HEARTBEAT, MSG_SOLICIT,  MSG_IDENTITY,
				       MSG_JOIN,   MSG_DETACH,    MSG_ADDRESSES};

/* The verdict on the sample of the type after value was written at offset. */
static enum ha_drop patched(enum msg_type type, size_t offset, const void *value, size_t len)
{
	uint8_t body[1024];
	size_t body_len = encode(type, body, sizeof(body));
	enum ha_drop drop;
	bool touched;

	cr_assert(offset + len <= body_len);
	memcpy(body + offset, value, len);
	drop = decode(type, body, body_len, &touched);
	cr_assert_eq(touched, drop == DROP_NONE, "*out is written exactly on success");
	return drop;
}

static enum ha_drop patched_byte(enum msg_type type, size_t offset, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	return patched(type, offset, &byte, 1);
}

Test(msg_body, spec_2_R8_any_length_but_the_exact_one_is_refused)
{
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		uint8_t body[1024] = {0};
		size_t exact = encode(bodies[i], body, sizeof(body));

		cr_assert_eq(exact, msg_body_len(bodies[i]));
		for (size_t len = 0; len < exact + 20; len++) {
			/* on the heap, and of just that size: a byte read too far is caught */
			uint8_t *copy = malloc(len ? len : 1);
			bool touched;

			memcpy(copy, body, len);
			cr_assert_eq(decode(bodies[i], copy, len, &touched),
				     len == exact ? DROP_NONE : DROP_BAD_LENGTH,
				     "type %d, %zu of %zu", bodies[i], len, exact);
			cr_assert_eq(touched, len == exact);
			free(copy);
		}
	}
}

Test(msg_body, encoders_need_their_room)
{
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		for (size_t cap = 0; cap < msg_body_len(bodies[i]); cap++) {
			uint8_t *out = malloc(cap ? cap : 1);

			cr_assert_eq(encode(bodies[i], out, cap), 0);
			free(out);
		}
	}
}

Test(msg_body, spec_3_1_beacon_round_trip)
{
	const struct msg_beacon in = beacon;
	struct msg_beacon out;
	uint8_t body[40];

	cr_assert_eq(msg_encode_beacon(body, sizeof(body), &in), sizeof(body));
	cr_assert_eq(msg_decode_beacon(body, sizeof(body), &out), DROP_NONE);
	SAME(key);
	EQ(boot);
}

Test(msg_body, spec_3_3_heartbeat_round_trip)
{
	const struct msg_heartbeat in = heartbeat;
	struct msg_heartbeat out;
	uint8_t body[156];

	cr_assert_eq(msg_encode_heartbeat(body, sizeof(body), &in), sizeof(body));
	cr_assert_eq(msg_decode_heartbeat(body, sizeof(body), &out), DROP_NONE);
	EQ(boot);
	EQ(number);
	EQ(mode);
	EQ(state);
	EQ(claim);
	EQ(reason);
	EQ(flags);
	EQ(why_not);
	EQ(term);
	EQ(handover.phase);
	EQ(handover.term);
	EQ(handover.number);
	EQ(handover.grant_ms);
	for (size_t i = 0; i < HA_PATH_N; i++) {
		EQ(heard[i].counter);
		EQ(heard[i].age_us);
	}
	EQ(reach_age_ms);
	EQ(lineage.term);
	EQ(lineage.number);
	SAME(lineage.digest);
	EQ(identity_revision);
	EQ(lateness_us);
	EQ(sent_us);
	EQ(echo_us);
	EQ(echo_hold_us);
	EQ(suspended_s);
}

Test(msg_body, spec_3_3_heartbeat_bytes)
{
	/* clang-format off */
	static const uint8_t golden[156] = {
		1, 1, 1, 1, 1, 1, 1, 1,                         /* boot */
		2, 2, 2, 2, 2, 2, 2, 2,                         /* number */
		2, 4, 3, 16,                                    /* mode, state, claim, reason */
		0x2a, 0x01, 0x02,                               /* flags, why not */
		3, 3, 3, 3, 3, 3, 3, 3,                         /* term */
		3, 4, 4, 4, 4, 4, 4, 4, 4,                      /* handover: phase, term */
		5, 5, 5, 5, 6, 6, 6, 6,                         /* its number and grant */
		7, 7, 7, 7, 7, 7, 7, 7, 8, 8, 8, 8,             /* heard on the link */
		9, 9, 9, 9, 9, 9, 9, 9, 10, 10, 10, 10,         /* and on management */
		11, 11, 11, 11,                                 /* reach */
		12, 12, 12, 12, 12, 12, 12, 12,                 /* lineage: term */
		13, 13, 13, 13, 13, 13, 13, 13,                 /* its number */
		0xd0, 0xd1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xdf, /* and digest */
		14, 14, 14, 14,                                 /* identity revision */
		15, 15, 15, 15,                                 /* lateness */
		16, 16, 16, 16, 16, 16, 16, 16,                 /* sent */
		17, 17, 17, 17, 17, 17, 17, 17, 18, 18, 18, 18, /* echo, and how long held */
		19, 19, 19, 19,                                 /* suspended for */
	};
	/* clang-format on */
	uint8_t body[156];

	cr_assert_eq(msg_encode_heartbeat(body, sizeof(body), &heartbeat), sizeof(golden));
	cr_assert_arr_eq(body, golden, sizeof(golden));
}

Test(msg_body, spec_3_R5_heartbeat_values_out_of_range)
{
	static const struct {
		size_t offset;
		unsigned limit;
	} fields[] = {{16, 3}, {17, 6}, {18, 4}, {31, 5}};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		for (unsigned value = 1; value <= UINT8_MAX; value++)
			cr_assert_eq(patched_byte(MSG_HEARTBEAT, fields[i].offset, value),
				     value < fields[i].limit ? DROP_NONE : DROP_BAD_VALUE,
				     "offset %zu, value %u", fields[i].offset, value);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(patched_byte(MSG_HEARTBEAT, fields[i].offset, 0), DROP_NONE);
	for (size_t offset = 23; offset <= 32; offset += 32 - 23) { /* the terms' first bytes */
		cr_assert_eq(patched_byte(MSG_HEARTBEAT, offset, 0x3f), DROP_NONE);
		cr_assert_eq(patched_byte(MSG_HEARTBEAT, offset, 0x40), DROP_BAD_VALUE);
		cr_assert_eq(patched_byte(MSG_HEARTBEAT, offset, 0x80), DROP_BAD_VALUE);
	}
}

Test(msg_body, spec_3_R5_a_reason_of_a_newer_version_is_none)
{
	struct msg_heartbeat out;
	uint8_t body[156];

	cr_assert_eq(msg_encode_heartbeat(body, sizeof(body), &heartbeat), sizeof(body));
	body[19] = REASON_N - 1;
	cr_assert_eq(msg_decode_heartbeat(body, sizeof(body), &out), DROP_NONE);
	cr_expect_eq(out.reason, REASON_N - 1);
	for (unsigned value = REASON_N; value <= UINT8_MAX; value++) {
		body[19] = (uint8_t)value;
		cr_assert_eq(msg_decode_heartbeat(body, sizeof(body), &out), DROP_NONE);
		cr_expect_eq(out.reason, REASON_NONE);
	}
}

/* The verdict on the sample with these terms. */
static enum ha_drop with_terms(uint64_t term, uint64_t handover)
{
	struct msg_heartbeat in = heartbeat, out;
	uint8_t body[156];

	in.term = term;
	in.handover.term = handover;
	cr_assert_eq(msg_encode_heartbeat(body, sizeof(body), &in), sizeof(body),
		     "its own may be above");
	return msg_decode_heartbeat(body, sizeof(body), &out);
}

Test(msg_body, spec_3_R5_a_term_that_is_heard_has_a_next_one)
{
	cr_assert_eq(with_terms(MSG_TERM_HEARD_MAX, MSG_TERM_HEARD_MAX), DROP_NONE);
	cr_assert_eq(with_terms(MSG_TERM_HEARD_MAX + 1, 0), DROP_BAD_VALUE);
	cr_assert_eq(with_terms(0, MSG_TERM_HEARD_MAX + 1), DROP_BAD_VALUE);
	cr_assert_eq(with_terms(MSG_TERM_MAX, 0), DROP_BAD_VALUE);
}

/* The verdict on the sample with these bits and that duration. */
static enum ha_drop with_why_not(unsigned flags, unsigned why_not, uint32_t suspended_s)
{
	struct msg_heartbeat in = heartbeat, out;
	uint8_t body[156];

	in.flags = (uint8_t)flags;
	in.why_not = (uint16_t)why_not;
	in.suspended_s = suspended_s;
	cr_assert_eq(msg_encode_heartbeat(body, sizeof(body), &in), sizeof(body));
	return msg_decode_heartbeat(body, sizeof(body), &out);
}

Test(msg_body, spec_3_R6_why_not_is_empty_exactly_when_eligible)
{
	cr_assert_eq(with_why_not(0, 0, 0), DROP_BAD_VALUE);
	cr_assert_eq(with_why_not(MSG_FLAG_ELIGIBLE, WHY_NOT_COPY, 0), DROP_BAD_VALUE);
	cr_assert_eq(with_why_not(MSG_FLAG_ELIGIBLE, 0, 0), DROP_NONE);
	cr_assert_eq(with_why_not(0, WHY_NOT_DISPROVED, 0), DROP_NONE);
}

Test(msg_body, spec_3_R18_a_suspension_and_nothing_else_has_a_duration)
{
	static const uint32_t some[] = {1, 3600, UINT32_MAX};

	for (unsigned bit = 1; bit <= WHY_NOT_ALL; bit <<= 1) {
		bool suspended = bit == WHY_NOT_SUSPENDED;

		cr_assert_eq(with_why_not(0, bit, 0), suspended ? DROP_BAD_VALUE : DROP_NONE);
		for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
			cr_assert_eq(with_why_not(0, bit, some[i]),
				     suspended ? DROP_NONE : DROP_BAD_VALUE, "bit %u", bit);
	}
	cr_assert_eq(with_why_not(0, WHY_NOT_ALL, 1), DROP_NONE);
	cr_assert_eq(with_why_not(MSG_FLAG_ELIGIBLE, 0, 1), DROP_BAD_VALUE);
}

Test(msg_body, spec_3_R4_unknown_bits_are_neither_sent_nor_seen)
{
	static const uint8_t all_bits[] = {0xff, 0xfc,
					   0x00}; /* eligible, and only unknown reasons */
	struct msg_heartbeat in = heartbeat, out;
	uint8_t body[156];

	in.flags = 0xff & ~MSG_FLAG_ELIGIBLE;
	in.why_not = 0xffff;
	msg_encode_heartbeat(body, sizeof(body), &in);
	cr_assert_eq(body[20], MSG_FLAG_ALL - MSG_FLAG_ELIGIBLE);
	cr_assert_eq(body[21] << 8 | body[22], WHY_NOT_ALL);

	memcpy(body + 20, all_bits, sizeof(all_bits));
	memset(body + 152, 0, 4); /* not suspended */
	cr_assert_eq(msg_decode_heartbeat(body, sizeof(body), &out), DROP_NONE);
	cr_assert_eq(out.flags, MSG_FLAG_ALL);
	cr_assert_eq(out.why_not, 0);
}

Test(msg_body, spec_3_R7_no_handover_has_no_fields)
{
	static const uint8_t none[17] = {0};

	cr_assert_eq(patched(MSG_HEARTBEAT, 31, none, sizeof(none)), DROP_NONE);
	for (size_t i = 1; i < sizeof(none); i++) {
		uint8_t field[17] = {0};

		field[i] = 1;
		cr_assert_eq(patched(MSG_HEARTBEAT, 31, field, sizeof(field)), DROP_BAD_VALUE,
			     "byte %zu", i);
	}
}

Test(msg_body, spec_3_4_solicit_round_trip)
{
	const struct msg_solicit in = solicit;
	struct msg_solicit out;
	uint8_t body[8];

	cr_assert_eq(msg_body_len(MSG_ANSWER), sizeof(body));
	cr_assert_eq(msg_encode_solicit(body, sizeof(body), &in), sizeof(body));
	cr_assert_eq(msg_decode_solicit(body, sizeof(body), &out), DROP_NONE);
	EQ(nonce);
}

Test(msg_body, spec_3_5_identity_round_trip)
{
	const struct msg_identity in = identity;
	struct msg_identity out;
	uint8_t body[527];

	cr_assert_eq(msg_encode_identity(body, sizeof(body), &in), sizeof(body));
	cr_assert_eq(msg_decode_identity(body, sizeof(body), &out), DROP_NONE);
	EQ(revision);
	cr_assert_str_eq(out.model, in.model);
	cr_assert_str_eq(out.firmware, in.firmware);
	cr_assert_str_eq(out.hotfix, in.hotfix);
	cr_assert_str_eq(out.patch, in.patch);
	cr_assert_str_eq(out.host_name, in.host_name);
	cr_assert_str_eq(out.agent, in.agent);
	SAME(management_mac);
	SAME(management);
	SAME(vip);
	SAME(cluster_id);
	EQ(flags);
	EQ(heartbeat_us);
	EQ(dead_us);
	EQ(confirm_us);
}

Test(msg_body, spec_3_5_identity_offsets)
{
	uint8_t body[527];

	msg_encode_identity(body, sizeof(body), &identity);
	cr_assert(memcmp(body,
			 "\x21\x22\x23\x24"
			 "1100\0",
			 9) == 0);
	cr_assert(memcmp(body + 36, "7.1.0.1234\0", 11) == 0);
	cr_assert(memcmp(body + 68, "1050\0", 5) == 0);
	cr_assert(memcmp(body + 100,
			 "0123456789abcdef0123456789ABCDEF"
			 "w",
			 33) == 0);
	cr_assert(memcmp(body + 196, "1.0\0", 4) == 0);
	cr_assert(memcmp(body + 212, "\x02\x31\x32\x33\x34\x35", 6) == 0);
	cr_assert(memcmp(body + 218, "\x04\xc0\x00\x02\x0b\x00", 6) == 0);
	cr_assert_eq(body[218 + 17], 24);
	cr_assert(memcmp(body + 362, "\x04\xc0\x00\x02\x64\x00", 6) == 0);
	cr_assert(memcmp(body + 498, "\xc0\xc1\x00", 3) == 0);
	cr_assert(memcmp(body + 513,
			 "\xcf\x01"
			 "ABCDEFGHIJKL",
			 14) == 0);
}

Test(msg_body, spec_3_R4_unknown_flags_of_an_identity_are_neither_sent_nor_seen)
{
	struct msg_identity in = identity, out;
	uint8_t body[527];

	in.flags = 0xff;
	msg_encode_identity(body, sizeof(body), &in);
	cr_assert_eq(body[514], MSG_IDENTITY_ALL);
	body[514] = (uint8_t)~MSG_IDENTITY_ALL;
	cr_assert_eq(msg_decode_identity(body, sizeof(body), &out), DROP_NONE);
	cr_assert_eq(out.flags, 0);
}

Test(msg_body, spec_3_R2_addresses_have_one_encoding)
{
	enum {
		PREFIX = 218,
		VIP = 362
	};

	for (unsigned family = 0; family <= UINT8_MAX; family++)
		cr_assert_eq(patched_byte(MSG_IDENTITY, VIP + 17, family),
			     family == HA_IPV6 ? DROP_NONE : DROP_BAD_VALUE, "family %u", family);
	for (size_t i = 5; i <= 16; i++)
		cr_assert_eq(patched_byte(MSG_IDENTITY, VIP + i, 1), DROP_BAD_VALUE,
			     "an IPv4 address with byte %zu", i);
	for (size_t i = 1; i <= 16; i++)
		cr_assert_eq(patched_byte(MSG_IDENTITY, VIP + 7 * 17 + i, 1), DROP_BAD_VALUE,
			     "an unused entry with byte %zu", i);
	for (unsigned length = 0; length <= UINT8_MAX; length++) {
		cr_assert_eq(patched_byte(MSG_IDENTITY, PREFIX + 17, length),
			     length <= 32 ? DROP_NONE : DROP_BAD_VALUE);
		cr_assert_eq(patched_byte(MSG_IDENTITY, PREFIX + 18 + 17, length),
			     length <= 128 ? DROP_NONE : DROP_BAD_VALUE);
		cr_assert_eq(patched_byte(MSG_IDENTITY, PREFIX + 7 * 18 + 17, length),
			     length == 0 ? DROP_NONE : DROP_BAD_VALUE);
	}
}

Test(msg_body, spec_3_R9_a_management_mac_is_not_a_group)
{
	cr_assert_eq(patched_byte(MSG_IDENTITY, 212, 0x03), DROP_BAD_VALUE);
	cr_assert_eq(patched_byte(MSG_IDENTITY, 212, 0xfe), DROP_NONE);
}

/* text at the start of a field whose rest is zero */
static enum ha_drop with_text(const void *text, size_t len)
{
	uint8_t field[MSG_HOST_LEN] = {0};

	memcpy(field, text, len);
	return patched(MSG_IDENTITY, 132, field, sizeof(field));
}

Test(msg_body, spec_3_R3_text_is_utf_8_without_controls)
{
	static const struct {
		enum ha_drop verdict;
		const char *what, *texts[7];
	} rows[] = {
		{DROP_NONE, "ASCII", {"", " ", "a~z"}},
		{DROP_NONE, "two bytes", {"\xc2\xa0", "\xdf\xbf"}},
		{DROP_NONE,
		 "three bytes",
		 {"\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf"}},
		{DROP_NONE, "four bytes", {"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}},
		{DROP_BAD_VALUE, "controls", {"\x01", "\x1b[2J", "a\nb", "\x1f", "\x7f"}},
		{DROP_BAD_VALUE, "ISO 6429 controls", {"\xc2\x80", "\xc2\x9b", "\xc2\x9f"}},
		{DROP_BAD_VALUE, "parts", {"\x80", "\xbf", "\xc2", "a\xe2\x82", "\xf0\x9f\x98"}},
		{DROP_BAD_VALUE,
		 "interrupted",
		 {"\xc2\x41", "\xe2\x41\x82", "\xe2\x82\x41", "\xf0\x9f\x98\xc0"}},
		{DROP_BAD_VALUE,
		 "overlong",
		 {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf"}},
		{DROP_BAD_VALUE, "surrogates", {"\xed\xa0\x80", "\xed\xbf\xbf"}},
		{DROP_BAD_VALUE,
		 "beyond Unicode",
		 {"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff"}}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (const char *const *text = rows[i].texts; *text; text++)
			cr_assert_eq(with_text(*text, strlen(*text)), rows[i].verdict, "%s",
				     rows[i].what);
	}
}

Test(msg_body, spec_3_R3_after_the_text_only_zeros)
{
	uint8_t cut[MSG_HOST_LEN];

	cr_assert_eq(with_text("a\0b", 3), DROP_BAD_VALUE);
	memset(cut, 'x', sizeof(cut));
	cr_assert_eq(with_text(cut, sizeof(cut)), DROP_NONE, "it may fill its field");
	cut[sizeof(cut) - 1] = 0xc3;
	cr_assert_eq(with_text(cut, sizeof(cut)), DROP_BAD_VALUE, "a character cut by its end");
}

Test(msg_body, a_text_without_end_is_not_encoded)
{
	struct msg_identity in = identity;
	uint8_t body[527];

	memset(in.agent, 'x', sizeof(in.agent));
	cr_assert_eq(msg_encode_identity(body, sizeof(body), &in), 0);
}
