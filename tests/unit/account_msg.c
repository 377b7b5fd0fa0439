/* ACCOUNT, SPEC 3.11: every field at its place, at both of its ends, and what is refused. */
#include "proto/msg.h"
#include "proto/msg_account.h"
#include "proto/reason.h"

#include <criterion/criterion.h>

#include <stddef.h>
#include <string.h>

#define TIME_MAX ((((uint64_t)1 << 53) - 1) * 1000)

/* Each field's place in the body and in the struct. */
enum kind {
	TIME, /* us on the wire */
	NUMBER,
};

static const struct {
	const char *name;
	size_t at, len, member, size;
	enum kind kind;
	uint64_t max; /* of what is accepted; and of time, as ns */
} fields[] = {
#define F(at, len, kind, max, member)                                                              \
	{                                                                                          \
#member, at, len, offsetof(struct msg_account, member),                            \
			sizeof(((struct msg_account *)0)->member), kind, max                       \
	}
	F(0, 8, NUMBER, UINT64_MAX, boot),
	F(8, 8, TIME, TIME_MAX, decided),
	F(16, 1, NUMBER, HA_STATE_N - 1, from),
	F(17, 1, NUMBER, HA_STATE_N - 1, to),
	F(18, 1, NUMBER, REASON_N - 1, reason),
	F(19, 8, NUMBER, MSG_TERM_MAX, term),
	F(27, 8, TIME, TIME_MAX, awake),
	F(35, 8, TIME, TIME_MAX, path[0].heard),
	F(43, 2, NUMBER, UINT16_MAX, path[0].missed),
	F(45, 1, NUMBER, 2, path[0].carrier),
	F(46, 8, TIME, TIME_MAX, path[0].carrier_since),
	F(54, 8, TIME, TIME_MAX, path[1].heard),
	F(62, 2, NUMBER, UINT16_MAX, path[1].missed),
	F(64, 1, NUMBER, 2, path[1].carrier),
	F(65, 8, TIME, TIME_MAX, path[1].carrier_since),
	F(73, 8, TIME, TIME_MAX, probe.first),
	F(81, 8, TIME, TIME_MAX, probe.last),
	F(89, 2, NUMBER, UINT16_MAX, probe.rounds),
	F(91, 1, NUMBER, 2, probe.answer),
	F(92, 8, TIME, TIME_MAX, probe.answered),
	F(100, 8, TIME, TIME_MAX, solicit.since),
	F(108, 1, NUMBER, UINT8_MAX, solicit.sent),
	F(109, 1, NUMBER, 1, solicit.answered),
	F(110, 8, TIME, TIME_MAX, reach.evidence),
	F(118, 8, TIME, TIME_MAX, reach.asked),
	F(126, 8, TIME, TIME_MAX, reach.unanswered),
	F(151, 1, NUMBER, 1, reach.configured),
	F(152, 8, TIME, TIME_MAX, peer.heard),
	F(160, 8, NUMBER, UINT64_MAX, peer.boot),
	F(168, 1, NUMBER, HA_STATE_N - 1, peer.state),
	F(169, 1, NUMBER, HA_CLAIM_N - 1, peer.claim),
	F(170, 1, NUMBER, REASON_N - 1, peer.reason),
	F(171, 1, NUMBER, MSG_FLAG_ALL, peer.flags),
	F(172, 2, NUMBER, WHY_NOT_ALL, peer.why_not),
	F(174, 8, TIME, TIME_MAX, peer.held),
	F(182, 8, TIME, TIME_MAX, handover.intent),
	F(190, 8, TIME, TIME_MAX, handover.ack),
	F(198, 8, TIME, TIME_MAX, handover.resigned),
	F(206, 8, TIME, TIME_MAX, handover.taking),
	F(214, 8, TIME, TIME_MAX, lease.until),
	F(222, 8, TIME, TIME_MAX, lease.released),
	F(230, 8, TIME, TIME_MAX, lease.off),
	F(238, 8, TIME, TIME_MAX, lease.on),
	F(246, 8, TIME, TIME_MAX, lease.announced),
};

enum {
	FIELDS = sizeof(fields) / sizeof(*fields),
	STATION = 134,
};

static void set(struct msg_account *m, size_t i, uint64_t value)
{
	cr_assert_leq(fields[i].size, sizeof(value));
	memcpy((uint8_t *)m + fields[i].member, &value, fields[i].size); /* little-endian */
}

static uint64_t get(const struct msg_account *m, size_t i)
{
	uint64_t value = 0;

	memcpy(&value, (const uint8_t *)m + fields[i].member, fields[i].size);
	return value;
}

static uint64_t read_wire(const uint8_t *body, size_t i)
{
	uint64_t value = 0;

	for (size_t k = 0; k < fields[i].len; k++)
		value = value << 8 | body[fields[i].at + k];
	return value;
}

static void write_wire(uint8_t *body, size_t i, uint64_t value)
{
	for (size_t k = fields[i].len; k-- > 0; value >>= 8)
		body[fields[i].at + k] = (uint8_t)value;
}

/* Alone beside the least that is valid. */
static void round_trip(size_t i, uint64_t value)
{
	struct msg_account in = {.decided = HA_US}, out;
	uint8_t body[MSG_ACCOUNT_LEN], least[MSG_ACCOUNT_LEN];

	cr_assert_eq(msg_encode_account(least, sizeof(least), &in), MSG_ACCOUNT_LEN);
	set(&in, i, value);
	cr_assert_eq(msg_encode_account(body, sizeof(body), &in), MSG_ACCOUNT_LEN);
	cr_assert_eq(read_wire(body, i), fields[i].kind == TIME ? value / 1000 : value, "%s",
		     fields[i].name);
	cr_assert_eq(msg_decode_account(body, sizeof(body), &out), DROP_NONE, "%s", fields[i].name);
	cr_assert_eq(get(&out, i), value, "%s", fields[i].name);
	memcpy(body + fields[i].at, least + fields[i].at, fields[i].len);
	cr_assert(memcmp(body, least, sizeof(body)) == 0, "%s is nowhere else", fields[i].name);
}

Test(account_msg, spec_3_11_each_field_at_both_its_ends)
{
	for (size_t i = 0; i < FIELDS; i++) {
		bool decided = fields[i].member == offsetof(struct msg_account, decided);

		round_trip(i, decided ? 1000 : 0);
		round_trip(i, fields[i].kind == TIME ? 1000 : 1);
		round_trip(i, fields[i].max);
	}
}

Test(account_msg, spec_3_R22_beyond_its_end_it_is_refused)
{
	const struct msg_account in = {.decided = HA_US};

	for (size_t i = 0; i < FIELDS; i++) {
		uint64_t all =
			fields[i].len == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * fields[i].len) - 1;
		uint64_t max = fields[i].kind == TIME ? fields[i].max / 1000 : fields[i].max;
		bool bits = strstr(fields[i].name, "flags") || strstr(fields[i].name, "why_not");
		bool reason = strstr(fields[i].name, "reason"); /* 3.R5 */
		uint8_t body[MSG_ACCOUNT_LEN];
		struct msg_account out;

		if (max == all)
			continue;
		msg_encode_account(body, sizeof(body), &in);
		for (unsigned far = 0; far < 2; far++) {
			write_wire(body, i, far ? all : max + 1);
			cr_assert_eq(msg_decode_account(body, sizeof(body), &out),
				     bits || reason ? DROP_NONE : DROP_BAD_VALUE, "%s",
				     fields[i].name);
			if (bits) /* 3.R4 */
				cr_assert_eq(get(&out, i), far ? max : 0, "%s", fields[i].name);
			if (reason)
				cr_assert_eq(get(&out, i), REASON_NONE, "%s", fields[i].name);
		}
	}
}

Test(account_msg, spec_3_R22_an_account_of_nothing_is_refused)
{
	const struct msg_account in = {.boot = 1};
	uint8_t body[MSG_ACCOUNT_LEN];
	struct msg_account out;

	msg_encode_account(body, sizeof(body), &in);
	cr_assert_eq(msg_decode_account(body, sizeof(body), &out), DROP_BAD_VALUE);
}

Test(account_msg, spec_3_R22_a_station_is_an_address)
{
	static const struct ha_address stations[] = {
		{HA_FAMILY_NONE, {0}},
		{HA_IPV4, {192, 0, 2, 1}},
		{HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x01}},
	};
	struct msg_account in = {.decided = HA_US}, out;
	uint8_t body[MSG_ACCOUNT_LEN];

	for (size_t i = 0; i < sizeof(stations) / sizeof(*stations); i++) {
		in.reach.station = stations[i];
		msg_encode_account(body, sizeof(body), &in);
		cr_assert_eq(body[STATION], stations[i].family);
		cr_assert(memcmp(body + STATION + 1, stations[i].b, 16) == 0);
		cr_assert_eq(msg_decode_account(body, sizeof(body), &out), DROP_NONE);
		cr_assert(ha_address_equal(&out.reach.station, &stations[i]));
		body[STATION + 16] ^= 0x80;
		cr_assert_eq(msg_decode_account(body, sizeof(body), &out),
			     stations[i].family == HA_IPV6 ? DROP_NONE : DROP_BAD_VALUE);
	}
	body[STATION] = 5;
	cr_assert_eq(msg_decode_account(body, sizeof(body), &out), DROP_BAD_VALUE);
}

Test(account_msg, spec_2_R8_it_has_one_length)
{
	const struct msg_account in = {.decided = HA_US};
	uint8_t body[MSG_ACCOUNT_LEN];

	for (size_t len = 0; len < MSG_ACCOUNT_LEN + 20; len++) {
		/* on the heap, and of just that size: a byte read or written too far is caught */
		uint8_t *copy = calloc(len ? len : 1, 1);
		struct msg_account out;

		msg_encode_account(body, sizeof(body), &in);
		memcpy(copy, body, len < sizeof(body) ? len : sizeof(body));
		cr_assert_eq(msg_decode_account(copy, len, &out),
			     len == MSG_ACCOUNT_LEN ? DROP_NONE : DROP_BAD_LENGTH);
		cr_assert_eq(msg_encode_account(copy, len, &in),
			     len < MSG_ACCOUNT_LEN ? 0 : MSG_ACCOUNT_LEN);
		free(copy);
	}
}

/* Less than a us is not nothing. */
Test(account_msg, a_time_of_some_ns_happened)
{
	struct msg_account in = {.decided = 1, .awake = 999}, out;
	uint8_t body[MSG_ACCOUNT_LEN];

	msg_encode_account(body, sizeof(body), &in);
	cr_assert_eq(msg_decode_account(body, sizeof(body), &out), DROP_NONE);
	cr_assert_eq(out.decided, HA_US);
	cr_assert_eq(out.awake, HA_US);
}
