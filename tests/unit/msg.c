/* The header and the reasons to drop: SPEC 2. The bodies are in msg_body.c. */
#include "proto/msg.h"

#include <criterion/criterion.h>

#include <string.h>

static const struct msg_header sample = {
	.version = MSG_VERSION,
	.type = MSG_HEARTBEAT,
	.path = HA_PATH_MANAGEMENT,
	.length = 190,
	.receiver = 0x0a0b0c0d,
	.counter = 0x1112131415161718,
};

static const enum msg_type types[] = {MSG_BEACON,   MSG_HANDSHAKE, MSG_HEARTBEAT, MSG_SOLICIT,
				      MSG_ANSWER,   MSG_IDENTITY,  MSG_JOIN,      MSG_DETACH,
				      MSG_DISOWN,   MSG_ACCOUNT,   MSG_ADDRESSES, MSG_SYNC_DATA,
				      MSG_SYNC_ACK, MSG_SYNC_HELLO};

/* The verdict on a frame of the type with that length field, of which `present` bytes arrived. */
static enum ha_drop verdict(enum msg_type type, size_t length, size_t present)
{
	static uint8_t frame[UINT16_MAX + 1];
	struct msg_header h = sample, out;

	h.type = (uint8_t)type;
	h.length = (uint16_t)length;
	cr_assert_eq(msg_encode_header(frame, sizeof(frame), &h), MSG_HEADER_LEN);
	return msg_decode_header(frame, present, HA_PATH_MANAGEMENT, &out);
}

Test(msg, spec_2_1_header_round_trip)
{
	uint8_t frame[190] = {0};
	struct msg_header out;

	cr_assert_eq(msg_encode_header(frame, sizeof(frame), &sample), MSG_HEADER_LEN);
	cr_assert_eq(msg_decode_header(frame, sizeof(frame), HA_PATH_MANAGEMENT, &out), DROP_NONE);
	cr_assert_eq(out.version, sample.version);
	cr_assert_eq(out.type, sample.type);
	cr_assert_eq(out.path, sample.path);
	cr_assert_eq(out.flags, 0);
	cr_assert_eq(out.length, sample.length);
	cr_assert_eq(out.receiver, sample.receiver);
	cr_assert_eq(out.counter, sample.counter);
}

Test(msg, spec_2_1_header_bytes)
{
	static const uint8_t golden[MSG_HEADER_LEN] = {
		1,    3,    1,    0,                            /* version, type, path, flags */
		0x00, 0xbe,                                     /* length */
		0x0a, 0x0b, 0x0c, 0x0d,                         /* receiver */
		0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, /* counter */
	};
	uint8_t out[MSG_HEADER_LEN];

	cr_assert_eq(msg_encode_header(out, sizeof(out), &sample), sizeof(golden));
	cr_assert_arr_eq(out, golden, sizeof(golden));
}

Test(msg, spec_2_R2_flags_are_sent_as_zero_and_ignored)
{
	struct msg_header h = sample, out;
	uint8_t frame[190] = {0};

	h.flags = 0xff;
	msg_encode_header(frame, sizeof(frame), &h);
	cr_assert_eq(frame[3], 0);
	frame[3] = 0xff;
	cr_assert_eq(msg_decode_header(frame, sizeof(frame), HA_PATH_MANAGEMENT, &out), DROP_NONE);
}

Test(msg, header_needs_its_room)
{
	uint8_t out[MSG_HEADER_LEN];

	for (size_t cap = 0; cap < MSG_HEADER_LEN; cap++)
		cr_assert_eq(msg_encode_header(out, cap, &sample), 0);
}

Test(msg, spec_2_R4_truncated_at_every_length)
{
	uint8_t frame[190] = {0};
	struct msg_header out;

	memset(&out, 0xee, sizeof(out));
	msg_encode_header(frame, sizeof(frame), &sample);
	for (size_t len = 0; len < sizeof(frame); len++) {
		/* on the heap, and of just that size: a byte read too far is caught */
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, frame, len);
		cr_assert_eq(msg_decode_header(copy, len, HA_PATH_MANAGEMENT, &out), DROP_TRUNCATED,
			     "%zu bytes", len);
		free(copy);
	}
	cr_assert_eq(out.version, 0xee, "a dropped frame leaves *out alone");
}

Test(msg, spec_1_R6_padding_after_the_length_is_ignored)
{
	for (size_t extra = 0; extra < 50; extra++)
		cr_assert_eq(verdict(MSG_SOLICIT, 42, 42 + extra), DROP_NONE);
}

Test(msg, spec_2_R5_other_versions_are_dropped)
{
	struct msg_header h = sample, out;
	uint8_t frame[190] = {0};

	for (unsigned version = 0; version <= UINT8_MAX; version++) {
		enum ha_drop expected = version == 1 ? DROP_NONE : DROP_BAD_VERSION;

		h.version = (uint8_t)version;
		msg_encode_header(frame, sizeof(frame), &h);
		cr_assert_eq(msg_decode_header(frame, sizeof(frame), HA_PATH_MANAGEMENT, &out),
			     expected, "version %u", version);
	}
}

Test(msg, spec_2_2_unknown_types_are_dropped)
{
	for (unsigned type = 0; type <= UINT8_MAX; type++) {
		bool known = false;

		for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
			known |= type == types[i];
		cr_assert_eq(verdict(type, 17, 17 + 1) == DROP_BAD_TYPE, !known, "type %u", type);
	}
}

Test(msg, spec_2_R8_each_type_has_its_exact_length)
{
	static const struct {
		enum msg_type type;
		size_t total;
	} rows[] = {{MSG_BEACON, 58},     {MSG_HEARTBEAT, 190}, {MSG_SOLICIT, 42},
		    {MSG_ANSWER, 42},     {MSG_IDENTITY, 561},  {MSG_JOIN, 89},
		    {MSG_DETACH, 52},     {MSG_DISOWN, 91},     {MSG_ACCOUNT, 288},
		    {MSG_ADDRESSES, 188}, {MSG_SYNC_ACK, 170},  {MSG_SYNC_HELLO, 74}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum msg_type type = rows[i].type;

		cr_assert_eq(MSG_HEADER_LEN + msg_body_len(type) + msg_tag_len(type),
			     rows[i].total);
		for (size_t length = 0; length <= MSG_LEN_MAX; length++) {
			enum ha_drop expected =
				length == rows[i].total ? DROP_NONE : DROP_BAD_LENGTH;

			cr_assert_eq(verdict(type, length, MSG_LEN_MAX), expected,
				     "type %d, length %zu", type, length);
		}
	}
}

Test(msg, spec_2_R6_length_holds_at_least_header_and_tag)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		size_t shortest = MSG_HEADER_LEN + msg_tag_len(types[i]);

		for (size_t length = 0; length < shortest; length++)
			cr_assert_eq(verdict(types[i], length, 100), DROP_BAD_LENGTH);
	}
	cr_assert_eq(verdict(MSG_HANDSHAKE, 18, 18), DROP_NONE, "session.h judges its body");
	for (size_t length = 0; length <= 44; length++) /* and one byte of the stream */
		cr_assert_eq(verdict(MSG_SYNC_DATA, length, 100),
			     length < 44 ? DROP_BAD_LENGTH : DROP_NONE);
}

Test(msg, spec_2_R7_oversized)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		bool sync = types[i] >= MSG_SYNC_FIRST;
		size_t largest = sync ? 9216 : 1500;

		cr_assert_neq(verdict(types[i], largest, UINT16_MAX), DROP_OVERSIZED);
		for (size_t length = largest + 1; length <= UINT16_MAX; length++)
			cr_assert_eq(verdict(types[i], length, UINT16_MAX), DROP_OVERSIZED);
	}
	cr_assert_eq(verdict(MSG_HANDSHAKE, 1500, 1500), DROP_NONE);
	cr_assert_eq(verdict(MSG_SYNC_DATA, 9216, 9216), DROP_NONE);
}

Test(msg, spec_2_R9_a_frame_of_the_other_path_is_dropped)
{
	struct msg_header h = sample, out;
	uint8_t frame[190] = {0};

	for (unsigned path = 0; path <= UINT8_MAX; path++) {
		h.path = (uint8_t)path;
		msg_encode_header(frame, sizeof(frame), &h);
		cr_assert_eq(msg_decode_header(frame, sizeof(frame), HA_PATH_LINK, &out),
			     path == 0 ? DROP_NONE : DROP_BAD_PATH, "path %u", path);
		cr_assert_eq(msg_decode_header(frame, sizeof(frame), HA_PATH_MANAGEMENT, &out),
			     path == 1 ? DROP_NONE : DROP_BAD_PATH, "path %u", path);
	}
}

/* One frame with every fault: each step mends the one that was named, and the next shows. */
Test(msg, spec_2_4_the_order_of_the_checks)
{
	struct msg_header h = {.version = 9, .type = 99, .path = 9, .length = 5}, out;
	uint8_t frame[600] = {0};

	msg_encode_header(frame, sizeof(frame), &h);
	cr_assert_eq(msg_decode_header(frame, 17, HA_PATH_LINK, &out), DROP_TRUNCATED);
	cr_assert_eq(msg_decode_header(frame, 18, HA_PATH_LINK, &out), DROP_BAD_VERSION);
	frame[0] = 1;
	cr_assert_eq(msg_decode_header(frame, 18, HA_PATH_LINK, &out), DROP_BAD_TYPE);
	frame[1] = MSG_IDENTITY;
	cr_assert_eq(msg_decode_header(frame, 18, HA_PATH_LINK, &out), DROP_BAD_LENGTH);
	frame[4] = 0xff;
	cr_assert_eq(msg_decode_header(frame, 18, HA_PATH_LINK, &out), DROP_OVERSIZED);
	frame[4] = 1;
	cr_assert_eq(msg_decode_header(frame, 18, HA_PATH_LINK, &out), DROP_BAD_LENGTH);
	frame[4] = 561 >> 8;
	frame[5] = 561 & 0xff;
	cr_assert_eq(msg_decode_header(frame, 560, HA_PATH_LINK, &out), DROP_TRUNCATED);
	cr_assert_eq(msg_decode_header(frame, 561, HA_PATH_LINK, &out), DROP_BAD_PATH);
	frame[2] = HA_PATH_LINK;
	cr_assert_eq(msg_decode_header(frame, 561, HA_PATH_LINK, &out), DROP_NONE);
}

Test(msg, spec_2_R3_all_but_beacon_handshake_and_disown_bear_a_tag)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		bool bare = types[i] == MSG_BEACON || types[i] == MSG_HANDSHAKE ||
			    types[i] == MSG_DISOWN;

		cr_assert_eq(msg_tag_len(types[i]), bare ? 0 : 16);
	}
	cr_assert_eq(msg_body_len(MSG_HANDSHAKE), 0);
	cr_assert_eq(msg_body_len(MSG_SYNC_DATA), 0);
	cr_assert_eq(msg_body_len(0), 0);
}

Test(msg, spec_2_4_every_reason_to_drop_has_its_own_name)
{
	for (enum ha_drop a = DROP_NONE; a < DROP_N; a++) {
		cr_assert_not_null(drop_name(a));
		cr_assert_str_neq(drop_name(a), "?");
		for (enum ha_drop b = DROP_NONE; b < a; b++)
			cr_assert_str_neq(drop_name(a), drop_name(b));
	}
	cr_assert_str_eq(drop_name(DROP_NONE), "none");
	cr_assert_str_eq(drop_name(DROP_BAD_TAG), "bad_tag");
	cr_assert_str_eq(drop_name(DROP_N), "?");
	cr_assert_str_eq(drop_name((enum ha_drop) - 1), "?");
}
