/* The frames of the sync: SPEC 6.1. Their records are in sync_record.c. Every field has a value of its own, so that no two
 * can be confused. */
#include "proto/sync_msg.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sync_hello hello = {
	.salt = {0xa0, 0xa1, [15] = 0xaf},
	.echo = {0xb0, 0xb1, [15] = 0xbf},
	.mtu = 0x0506,
	.aes = true,
	.window = 0x0102,
};

static const struct sync_data data = {.offset = 0x1112131415161718, .flags = SYNC_FLUSH};

static const struct sync_ack ack = {.cumulative = 0x2122232425262728,
				    .bitmap = {0x31, 0x32, [127] = 0x3f}};

/* All three behind one face, for the rules that hold for each. */
static size_t encode(enum msg_type type, uint8_t *out, size_t cap)
{
	return type == MSG_SYNC_HELLO  ? sync_encode_hello(out, cap, &hello)
	       : type == MSG_SYNC_DATA ? sync_encode_data(out, cap, &data)
				       : sync_encode_ack(out, cap, &ack);
}

/* The verdict; *out is written exactly when it is DROP_NONE. */
static enum ha_drop decode(enum msg_type type, const uint8_t *bytes, size_t len)
{
	union {
		struct sync_hello hello;
		struct sync_data data;
		struct sync_ack ack;
		uint8_t bytes[256];
	} out;
	enum ha_drop drop;
	bool touched = false;

	memset(&out, 0xee, sizeof(out));
	drop = type == MSG_SYNC_HELLO  ? sync_decode_hello(bytes, len, &out.hello)
	       : type == MSG_SYNC_DATA ? sync_decode_data(bytes, len, &out.data)
				       : sync_decode_ack(bytes, len, &out.ack);
	for (size_t i = 0; i < sizeof(out.bytes); i++)
		touched |= out.bytes[i] != 0xee;
	cr_assert_eq(touched, drop == DROP_NONE);
	return drop;
}

/* The verdict on the sample of the type after value was written at offset. */
static enum ha_drop patched(enum msg_type type, size_t offset, const void *value, size_t len)
{
	uint8_t bytes[256];
	size_t total = encode(type, bytes, sizeof(bytes));

	cr_assert(offset + len <= total);
	memcpy(bytes + offset, value, len);
	return decode(type, bytes, total);
}

static const struct {
	enum msg_type type;
	size_t len;
} frames[] = {{MSG_SYNC_DATA, 9}, {MSG_SYNC_ACK, 136}, {MSG_SYNC_HELLO, 40}};

enum {
	FRAMES = sizeof(frames) / sizeof(*frames),
};

Test(sync_msg, spec_2_2_types_and_lengths)
{
	cr_assert_eq(MSG_SYNC_DATA, 0x40);
	cr_assert_eq(MSG_SYNC_ACK, 0x41);
	cr_assert_eq(MSG_SYNC_HELLO, 0x42);
	cr_assert_eq(msg_body_len(MSG_SYNC_HELLO), SYNC_HELLO_LEN);
	cr_assert_eq(msg_body_len(MSG_SYNC_ACK), SYNC_ACK_LEN);
	cr_assert_eq(SYNC_DATA_OVERHEAD, 18 + 9 + 16);
}

Test(sync_msg, any_length_but_the_exact_one_is_refused)
{
	for (size_t i = 0; i < FRAMES; i++) {
		uint8_t bytes[256] = {0};

		cr_assert_eq(encode(frames[i].type, bytes, sizeof(bytes)), frames[i].len);
		for (size_t len = 0; len < frames[i].len + 20; len++) {
			/* on the heap, and of just that size: a byte read too far is caught */
			uint8_t *copy = malloc(len ? len : 1);

			memcpy(copy, bytes, len);
			cr_assert_eq(decode(frames[i].type, copy, len),
				     len == frames[i].len ? DROP_NONE : DROP_BAD_LENGTH,
				     "type %d, %zu bytes", frames[i].type, len);
			free(copy);
		}
	}
}

Test(sync_msg, encoders_need_their_room)
{
	for (size_t i = 0; i < FRAMES; i++) {
		for (size_t cap = 0; cap < frames[i].len; cap++) {
			uint8_t *out = malloc(cap ? cap : 1);

			cr_assert_eq(encode(frames[i].type, out, cap), 0);
			free(out);
		}
	}
}

Test(sync_msg, spec_6_1_hello_bytes_and_back)
{
	/* clang-format off */
	static const uint8_t golden[40] = {
		0xa0, 0xa1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xaf, /* salt */
		0xb0, 0xb1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbf, /* echo */
		0x05, 0x06, 0x01,                                       /* MTU, AES */
		0x00, 0x00, 0x01, 0x02,                                 /* window */
		0x00,                                                   /* reserved */
	};
	/* clang-format on */
	struct sync_hello out;
	uint8_t body[40];

	cr_assert_eq(sync_encode_hello(body, sizeof(body), &hello), sizeof(golden));
	cr_assert_arr_eq(body, golden, sizeof(golden));
	cr_assert_eq(sync_decode_hello(body, sizeof(body), &out), DROP_NONE);
	cr_assert_arr_eq(out.salt, hello.salt, sizeof(out.salt));
	cr_assert_arr_eq(out.echo, hello.echo, sizeof(out.echo));
	cr_assert_eq(out.mtu, hello.mtu);
	cr_assert_eq(out.aes, hello.aes);
	cr_assert_eq(out.window, hello.window);
}

Test(sync_msg, spec_6_1_data_bytes_and_back)
{
	static const uint8_t golden[9] = {0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x01};
	struct sync_data out;
	uint8_t clear[9];

	cr_assert_eq(sync_encode_data(clear, sizeof(clear), &data), sizeof(golden));
	cr_assert_arr_eq(clear, golden, sizeof(golden));
	cr_assert_eq(sync_decode_data(clear, sizeof(clear), &out), DROP_NONE);
	cr_assert_eq(out.offset, data.offset);
	cr_assert_eq(out.flags, data.flags);
}

Test(sync_msg, spec_6_1_ack_bytes_and_back)
{
	static const uint8_t golden[136] = {0x21, 0x22, 0x23, 0x24, 0x25,        0x26,
					    0x27, 0x28, 0x31, 0x32, [135] = 0x3f};
	struct sync_ack out;
	uint8_t body[136];

	cr_assert_eq(sync_encode_ack(body, sizeof(body), &ack), sizeof(golden));
	cr_assert_arr_eq(body, golden, sizeof(golden));
	cr_assert_eq(sync_decode_ack(body, sizeof(body), &out), DROP_NONE);
	cr_assert_eq(out.cumulative, ack.cumulative);
	cr_assert_arr_eq(out.bitmap, ack.bitmap, sizeof(out.bitmap));
}

Test(sync_msg, spec_6_R4_hello_values_out_of_range)
{
	static const uint8_t zero[SYNC_SALT_LEN], last[SYNC_SALT_LEN] = {[15] = 1};
	static const struct {
		const char *what;
		size_t offset, len;
		uint8_t bytes[4];
		enum ha_drop verdict;
	} rows[] = {
		{"MTU 575", 32, 2, {575 >> 8, 575 & 0xff}, DROP_BAD_VALUE},
		{"MTU 576", 32, 2, {576 >> 8, 576 & 0xff}, DROP_NONE},
		{"MTU 9216", 32, 2, {9216 >> 8, 9216 & 0xff}, DROP_NONE},
		{"MTU 9217", 32, 2, {9217 >> 8, 9217 & 0xff}, DROP_BAD_VALUE},
		{"no AES", 34, 1, {0}, DROP_NONE},
		{"AES neither yes nor no", 34, 1, {2}, DROP_BAD_VALUE},
		{"no window", 35, 4, {0, 0, 0, 0}, DROP_BAD_VALUE},
		{"a window of 1", 35, 4, {0, 0, 0, 1}, DROP_NONE},
		{"a window of 1024", 35, 4, {0, 0, 4, 0}, DROP_NONE},
		{"a window of 1025", 35, 4, {0, 0, 4, 1}, DROP_BAD_VALUE},
		{"a window of 2^24 and 1", 35, 4, {1, 0, 0, 1}, DROP_BAD_VALUE},
		{"reserved", 39, 1, {0xff}, DROP_NONE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_assert_eq(patched(MSG_SYNC_HELLO, rows[i].offset, rows[i].bytes, rows[i].len),
			     rows[i].verdict, "%s", rows[i].what);
	cr_assert_eq(patched(MSG_SYNC_HELLO, 0, zero, sizeof(zero)), DROP_BAD_VALUE, "no salt");
	cr_assert_eq(patched(MSG_SYNC_HELLO, 0, last, sizeof(last)), DROP_NONE);
	cr_assert_eq(patched(MSG_SYNC_HELLO, 16, zero, sizeof(zero)), DROP_NONE, "none heard yet");
}

Test(sync_msg, spec_6_R4_such_a_hello_is_not_encoded_either)
{
	static const struct sync_hello samples[] = {
		{.salt = {0}, .mtu = 1500, .window = 1},    {.salt = {1}, .mtu = 575, .window = 1},
		{.salt = {1}, .mtu = 9217, .window = 1},    {.salt = {1}, .mtu = 1500, .window = 0},
		{.salt = {1}, .mtu = 1500, .window = 1025},
	};
	uint8_t body[40];

	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++)
		cr_assert_eq(sync_encode_hello(body, sizeof(body), &samples[i]), 0, "%zu", i);
}

Test(sync_msg, spec_3_R4_unknown_flags_are_neither_sent_nor_seen)
{
	const struct sync_data all = {.offset = 1, .flags = 0xff};
	struct sync_data out;
	uint8_t clear[9];

	cr_assert_eq(sync_encode_data(clear, sizeof(clear), &all), sizeof(clear));
	cr_assert_eq(clear[8], SYNC_FLUSH);
	clear[8] = 0xfe;
	cr_assert_eq(sync_decode_data(clear, sizeof(clear), &out), DROP_NONE);
	cr_assert_eq(out.flags, 0);
}

Test(sync_msg, spec_6_R2_offsets_and_numbers_are_below_2_to_the_63)
{
	static const uint8_t top[] = {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, over = 0x80;
	uint8_t bytes[256];

	cr_assert_eq(patched(MSG_SYNC_DATA, 0, top, sizeof(top)), DROP_NONE);
	cr_assert_eq(patched(MSG_SYNC_DATA, 0, &over, 1), DROP_BAD_VALUE);
	cr_assert_eq(patched(MSG_SYNC_ACK, 0, top, sizeof(top)), DROP_NONE);
	cr_assert_eq(patched(MSG_SYNC_ACK, 0, &over, 1), DROP_BAD_VALUE);
	cr_assert_eq(sync_encode_data(bytes, sizeof(bytes),
				      &(struct sync_data){.offset = SYNC_COUNT_MAX + 1}),
		     0);
	cr_assert_eq(sync_encode_ack(bytes, sizeof(bytes),
				     &(struct sync_ack){.cumulative = SYNC_COUNT_MAX + 1}),
		     0);
}

/* Read from the tree: run from its root. */
Test(sync_msg, spec_2_2_says_what_the_header_check_takes)
{
	FILE *spec = fopen("proto/SPEC.md", "r");
	char line[1024], name[16];
	unsigned type, rows = 0;
	size_t least, most;

	cr_assert_not_null(spec, "not run from the root of the tree");
	while (fgets(line, sizeof(line), spec) != NULL) {
		static uint8_t frame[MSG_SYNC_LEN_MAX + 1];
		int fields = sscanf(line, "| %x | SYNC_%15[A-Z] | %*[^|] | %zu to %zu |", &type,
				    name, &least, &most);

		if (fields < 3)
			continue;
		if (fields < 4)
			most = least;
		cr_assert_eq(type, (unsigned)frames[rows].type, "%s", line);
		for (size_t length = 0; length <= sizeof(frame); length++) {
			struct msg_header h = {.version = MSG_VERSION,
					       .type = (uint8_t)type,
					       .length = (uint16_t)length};
			bool taken;

			msg_encode_header(frame, sizeof(frame), &h);
			taken = msg_decode_header(frame, sizeof(frame), HA_PATH_LINK, &h) ==
				DROP_NONE;
			cr_assert_eq(taken, length >= least && length <= most, "%s: %zu", name,
				     length);
		}
		rows++;
	}
	fclose(spec);
	cr_assert_eq(rows, FRAMES);
}
