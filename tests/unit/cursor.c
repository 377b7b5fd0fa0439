/* The cursor: one big-endian byte order, and nothing beyond the buffer, whatever is asked. */
#include "proto/cursor.h"

#include <criterion/criterion.h>

#include <string.h>

Test(cursor, puts_big_endian_in_order)
{
	static const uint8_t expected[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
					   0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 'a',  'b',  0x00};
	uint8_t out[sizeof(expected)];
	struct cursor_writer w;

	memset(out, 0xee, sizeof(out));
	cursor_write(&w, out, sizeof(out));
	cursor_put_u8(&w, 0x01);
	cursor_put_u16(&w, 0x0203);
	cursor_put_u32(&w, 0x04050607);
	cursor_put_u64(&w, 0x08090a0b0c0d0e0f);
	cursor_put_bytes(&w, "ab", 2);
	cursor_put_zeros(&w, 1);
	cr_assert_eq(cursor_written(&w), sizeof(expected));
	cr_assert_arr_eq(out, expected, sizeof(expected));
}

Test(cursor, gets_what_was_put)
{
	static const uint8_t in[] = {0xff, 0x80, 0x01, 0x80, 0x00, 0x00, 0x02, 0xff, 0xff, 0xff,
				     0xff, 0xff, 0xff, 0xff, 0xfe, 0x77, 0x77, 'x',  'y'};
	struct cursor_reader r;
	char text[2];

	cursor_read(&r, in, sizeof(in));
	cr_assert_eq(cursor_get_u8(&r), 0xff);
	cr_assert_eq(cursor_get_u16(&r), 0x8001);
	cr_assert_eq(cursor_get_u32(&r), 0x80000002);
	cr_assert_eq(cursor_get_u64(&r), 0xfffffffffffffffe);
	cursor_skip(&r, 2);
	cr_assert_not(cursor_finished(&r), "two bytes are left");
	cursor_get_bytes(&r, text, sizeof(text));
	cr_assert(memcmp(text, "xy", 2) == 0);
	cr_assert(cursor_finished(&r));
}

Test(cursor, refuses_a_value_that_does_not_fit_its_field)
{
	static const struct {
		void (*put)(struct cursor_writer *, uint64_t);
		uint64_t largest;
	} fields[] = {
		{cursor_put_u8, UINT8_MAX},
		{cursor_put_u16, UINT16_MAX},
		{cursor_put_u32, UINT32_MAX},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		uint8_t out[8];
		struct cursor_writer w;

		cursor_write(&w, out, sizeof(out));
		fields[i].put(&w, fields[i].largest);
		cr_assert_eq(cursor_written(&w), (size_t)1 << i);

		cursor_write(&w, out, sizeof(out));
		fields[i].put(&w, fields[i].largest + 1);
		cr_assert_eq(cursor_written(&w), 0);

		cursor_write(&w, out, sizeof(out));
		fields[i].put(&w, UINT64_MAX);
		cr_assert_eq(cursor_written(&w), 0);
	}
}

Test(cursor, writes_nothing_beyond_its_room)
{
	uint8_t out[16];
	struct cursor_writer w;

	for (size_t cap = 0; cap < 15; cap++) {
		memset(out, 0xee, sizeof(out));
		cursor_write(&w, out, cap);
		cursor_put_u64(&w, 0);
		cursor_put_u32(&w, 0);
		cursor_put_u16(&w, 0);
		cursor_put_u8(&w, 0);
		cr_assert_eq(cursor_written(&w), 0, "room for %zu of 15", cap);
		for (size_t i = cap; i < sizeof(out); i++)
			cr_assert_eq(out[i], 0xee);
	}
}

Test(cursor, stays_failed_even_for_what_would_fit)
{
	uint8_t buffer[4] = {1, 2, 3, 4}, out[3] = {9, 9, 9};
	struct cursor_writer w;
	struct cursor_reader r;

	cursor_write(&w, buffer, sizeof(buffer));
	cursor_put_u64(&w, 0);
	cursor_put_u8(&w, 7);
	cr_assert_eq(cursor_written(&w), 0);
	cr_assert_eq(buffer[0], 1, "nothing was put after the failure");

	cursor_read(&r, buffer, sizeof(buffer));
	cr_assert_eq(cursor_get_u64(&r), 0);
	cr_assert_eq(cursor_get_u8(&r), 0);
	cursor_get_bytes(&r, out, sizeof(out));
	cr_assert(out[0] == 0 && out[1] == 0 && out[2] == 0, "defined, though failed");
	cr_assert_not(cursor_finished(&r));
}

Test(cursor, does_not_wrap_on_huge_lengths)
{
	uint8_t buffer[4] = {0};
	struct cursor_writer w;
	struct cursor_reader r;

	cursor_write(&w, buffer, sizeof(buffer));
	cursor_put_u8(&w, 1);
	cursor_put_zeros(&w, SIZE_MAX);
	cr_assert_eq(cursor_written(&w), 0);

	cursor_read(&r, buffer, sizeof(buffer));
	cursor_get_u8(&r);
	cursor_skip(&r, SIZE_MAX);
	cr_assert_not(cursor_finished(&r));
}

Test(cursor, an_empty_buffer_is_finished_and_full)
{
	struct cursor_writer w;
	struct cursor_reader r;

	cursor_read(&r, NULL, 0);
	cr_assert(cursor_finished(&r));
	cursor_get_bytes(&r, NULL, 0);
	cr_assert(cursor_finished(&r));
	cursor_get_u8(&r);
	cr_assert_not(cursor_finished(&r));

	cursor_write(&w, NULL, 0);
	cursor_put_bytes(&w, NULL, 0);
	cr_assert_not(w.failed);
	cursor_put_u8(&w, 0);
	cr_assert(w.failed);
}
