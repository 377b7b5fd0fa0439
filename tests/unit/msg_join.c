/* JOIN and DETACH, how a pair begins and ends: SPEC 3.6, 3.7. Their lengths are in msg_body.c. */
#include "proto/msg.h"

#include <criterion/criterion.h>

#include <string.h>

#define EQ(field)   cr_assert_eq(out.field, in.field, #field)
#define SAME(field) cr_assert(memcmp(&out.field, &in.field, sizeof(in.field)) == 0, #field)

enum {
	CAUSES = 43, /* where they begin in JOIN */
};

static const struct msg_join report = {
	.op = JOIN_REPORT,
	.refusal = JOIN_WRONG_ADDRESS,
	.address = {HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x07}},
	.cluster_id = {0xe0, 0xe1, [15] = 0xef},
	.term = 0x3132333435363738,
	.cause = {0x71, 0x72, 0x73, [11] = 0x7c},
};

/* The verdict on the report after value was written at offset. */
static enum ha_drop patched(size_t offset, const void *value, size_t len)
{
	struct msg_join out;
	uint8_t body[55];

	cr_assert_eq(msg_encode_join(body, sizeof(body), &report), sizeof(body));
	cr_assert(offset + len <= sizeof(body));
	memcpy(body + offset, value, len);
	return msg_decode_join(body, sizeof(body), &out);
}

Test(msg_join, spec_3_6_round_trip)
{
	const struct msg_join in = report;
	struct msg_join out;
	uint8_t body[55];

	cr_assert_eq(msg_encode_join(body, sizeof(body), &in), sizeof(body));
	cr_assert_eq(msg_decode_join(body, sizeof(body), &out), DROP_NONE);
	EQ(op);
	EQ(refusal);
	SAME(address);
	SAME(cluster_id);
	EQ(term);
	SAME(cause);
}

Test(msg_join, spec_3_6_bytes)
{
	/* clang-format off */
	static const uint8_t golden[55] = {
		5, 3,                                           /* op, refusal */
		6, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x07,
		0xe0, 0xe1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xef, /* cluster */
		0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, /* term */
		0x71, 0x72, 0x73, 0, 0, 0, 0, 0, 0, 0, 0, 0x7c, /* causes */
	};
	/* clang-format on */
	uint8_t body[55];

	cr_assert_eq(msg_encode_join(body, sizeof(body), &report), sizeof(golden));
	cr_assert_arr_eq(body, golden, sizeof(golden));
}

Test(msg_join, spec_3_R10_a_refusal_says_why_and_a_report_may)
{
	static const uint8_t no_cause[MSG_CAUSES];

	for (unsigned op = 0; op <= UINT8_MAX; op++) {
		for (unsigned refusal = 0; refusal <= UINT8_MAX; refusal++) {
			struct msg_join in = report, out;
			bool good = refusal <= 6;
			uint8_t body[55];

			if (op == JOIN_REQUEST || op == JOIN_ACCEPT || op == JOIN_TEST)
				good = refusal == 0;
			else if (op == JOIN_REFUSE)
				good &= refusal != 0;
			else if (op != JOIN_REPORT)
				good = false;
			in.op = (uint8_t)op;
			in.refusal = (uint8_t)refusal;
			memcpy(in.cause, no_cause, sizeof(no_cause));
			msg_encode_join(body, sizeof(body), &in);
			cr_assert_eq(msg_decode_join(body, sizeof(body), &out),
				     good ? DROP_NONE : DROP_BAD_VALUE, "%u %u", op, refusal);
		}
	}
	cr_assert_eq(patched(2, "\x05", 1), DROP_BAD_VALUE, "the address's family");
	cr_assert_eq(patched(35, "\x3f\xff\xff\xff\xff\xff\xff\xff", 8), DROP_NONE);
	cr_assert_eq(patched(35, "\x40\0\0\0\0\0\0\0", 8), DROP_BAD_VALUE,
		     "a term without enough above it");
}

Test(msg_join, spec_3_R19_causes_are_those_of_a_report_or_a_refusal)
{
	static const struct {
		uint8_t value[2]; /* op, refusal */
		bool causes;
	} rows[] = {{{JOIN_REQUEST, 0}, false},
		    {{JOIN_ACCEPT, 0}, false},
		    {{JOIN_TEST, 0}, false},
		    {{JOIN_REPORT, JOIN_OK}, true},
		    {{JOIN_REPORT, JOIN_REQUIREMENTS}, true},
		    {{JOIN_REFUSE, JOIN_REQUIREMENTS}, true}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (size_t at = 0; at < MSG_CAUSES; at++) {
			struct msg_join in = report, out;
			uint8_t body[55];

			in.op = rows[i].value[0];
			in.refusal = rows[i].value[1];
			memset(in.cause, 0, sizeof(in.cause));
			in.cause[at] = 1;
			msg_encode_join(body, sizeof(body), &in);
			cr_assert_eq(msg_decode_join(body, sizeof(body), &out),
				     rows[i].causes ? DROP_NONE : DROP_BAD_VALUE,
				     "row %zu, cause %zu", i, at);
		}
	}
}

Test(msg_join, spec_3_R19_a_cause_that_is_not_known_is_taken_as_it_is)
{
	struct msg_join in = report, out;
	uint8_t body[55];

	for (unsigned value = 0; value <= UINT8_MAX; value++) {
		memset(in.cause, (int)value, sizeof(in.cause));
		msg_encode_join(body, sizeof(body), &in);
		cr_assert_arr_eq(body + CAUSES, in.cause, MSG_CAUSES);
		cr_assert_eq(msg_decode_join(body, sizeof(body), &out), DROP_NONE);
		SAME(cause);
	}
}

Test(msg_join, spec_3_7_detach_round_trip)
{
	const struct msg_detach in = {DETACH_REFUSE, DETACH_HOLDS, {0xf0, 0xf1, [15] = 0xff}};
	struct msg_detach out;
	uint8_t body[18];

	cr_assert_eq(msg_encode_detach(body, sizeof(body), &in), sizeof(body));
	cr_assert(memcmp(body, "\x03\x03\xf0\xf1\x00", 5) == 0 && body[17] == 0xff);
	cr_assert_eq(msg_decode_detach(body, sizeof(body), &out), DROP_NONE);
	EQ(op);
	EQ(refusal);
	SAME(cluster_id);
}

Test(msg_join, spec_3_R20_a_refused_detach_and_nothing_else_says_why)
{
	for (unsigned op = 0; op <= UINT8_MAX; op++) {
		for (unsigned refusal = 0; refusal <= UINT8_MAX; refusal++) {
			uint8_t body[18] = {(uint8_t)op, (uint8_t)refusal};
			bool good = op == DETACH_REFUSE ? refusal >= 1 && refusal <= 3
							: (op == 1 || op == 2) && refusal == 0;
			struct msg_detach out;

			cr_assert_eq(msg_decode_detach(body, sizeof(body), &out),
				     good ? DROP_NONE : DROP_BAD_VALUE, "%u %u", op, refusal);
		}
	}
}

Test(msg_join, spec_3_13_addresses_round_trip)
{
	const struct msg_addresses in = {
		.op = ADDRESSES_ACCEPT,
		.cluster_id = {0xf0, 0xf1, [15] = 0xff},
		.vip = {{HA_IPV4, {192, 0, 2, 100}}, [1] = {HA_IPV6, {0x20, 1, [15] = 7}}},
	};
	struct msg_addresses out;
	uint8_t body[154];

	cr_assert_eq(msg_encode_addresses(body, sizeof(body), &in), sizeof(body));
	cr_assert_eq(msg_encode_addresses(body, sizeof(body) - 1, &in), 0);
	cr_assert(memcmp(body, "\x02\x00\xf0\xf1\x00", 5) == 0 && body[17] == 0xff);
	cr_assert(memcmp(body + 18, "\x04\xc0\x00\x02\x64", 5) == 0 && body[35] == 6);
	cr_assert_eq(msg_decode_addresses(body, sizeof(body), &out), DROP_NONE);
	EQ(op);
	EQ(refusal);
	SAME(cluster_id);
	SAME(vip);
}

Test(msg_join, spec_3_R24_a_refused_list_and_nothing_else_says_why)
{
	for (unsigned op = 0; op <= UINT8_MAX; op++) {
		for (unsigned refusal = 0; refusal <= UINT8_MAX; refusal++) {
			uint8_t body[154] = {(uint8_t)op, (uint8_t)refusal, [18] = 4, 192, 0, 2, 1};
			bool good = op == ADDRESSES_REFUSE ? refusal >= 1 && refusal <= 7
							   : (op == 1 || op == 2) && refusal == 0;
			struct msg_addresses out;

			cr_assert_eq(msg_decode_addresses(body, sizeof(body), &out),
				     good ? DROP_NONE : DROP_BAD_VALUE, "%u %u", op, refusal);
		}
	}
}

/* With the first of a list of two as it is: what the second one may be, and the eighth. */
Test(msg_join, spec_3_R24_a_list_has_one_at_least_no_gap_and_nothing_twice)
{
	struct msg_addresses m = {.op = ADDRESSES_PROPOSE}, out;
	uint8_t body[154];

#define VERDICT()                                                                                  \
	(msg_encode_addresses(body, sizeof(body), &m),                                             \
	 msg_decode_addresses(body, sizeof(body), &out))
	cr_expect_eq(VERDICT(), DROP_BAD_VALUE, "none");
	for (uint8_t i = 0; i < HA_VIP_MAX; i++)
		m.vip[i] = (struct ha_address){HA_IPV4, {192, 0, 2, i}};
	cr_expect_eq(VERDICT(), DROP_NONE);
	m.vip[3] = (struct ha_address){HA_FAMILY_NONE, {0}};
	cr_expect_eq(VERDICT(), DROP_BAD_VALUE, "a gap");
	m.vip[3] = m.vip[7];
	cr_expect_eq(VERDICT(), DROP_BAD_VALUE, "twice");
	m.vip[3] = (struct ha_address){HA_IPV6, {192, 0, 2, 7}};
	cr_expect_eq(VERDICT(), DROP_NONE, "of another family it is another one");
	m.vip[3] = (struct ha_address){HA_IPV4, {192, 0, 2, 7, 1}};
	cr_expect_eq(VERDICT(), DROP_BAD_VALUE, "a byte that is not used");
	m.vip[3] = (struct ha_address){5, {192, 0, 2, 9}};
	cr_expect_eq(VERDICT(), DROP_BAD_VALUE, "a family that is none");
#undef VERDICT
}
