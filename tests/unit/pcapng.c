/* Capture files, byte by byte as the format has them (draft-ietf-opsawg-pcapng 4.1, 4.2, 4.3). */
#include "agent/pcapng.h"

#include <criterion/criterion.h>

#include <string.h>

static uint8_t out[PCAPNG_BLOCK_MAX];

#define CHECK_BYTES(len, ...)                                                                      \
	do {                                                                                       \
		static const uint8_t expected[] = {__VA_ARGS__};                                   \
                                                                                                   \
		cr_assert_eq((len), sizeof(expected));                                             \
		for (size_t i = 0; i < sizeof(expected); i++)                                      \
			cr_assert_eq(out[i], expected[i], "byte %zu is %02x", i, out[i]);          \
	} while (0)

Test(pcapng, a_section)
{
	CHECK_BYTES(pcapng_section(out, sizeof(out), "1100", "", "haagent"), 0x0a, 0x0d, 0x0d, 0x0a,
		    52, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff,
		    0xff, 0xff, 0xff, /* hardware */ 2, 0, 4, 0, '1', '1', '0', '0',
		    /* application */ 4, 0, 7, 0, 'h', 'a', 'a', 'g', 'e', 'n', 't', 0,
		    /* end */ 0, 0, 0, 0, 52, 0, 0, 0);
}

Test(pcapng, an_interface)
{
	CHECK_BYTES(pcapng_interface(out, sizeof(out), "link", "eth3"), 1, 0, 0, 0, 48, 0, 0, 0,
		    /* Ethernet */ 1, 0, 0, 0, /* 1514 */ 0xea, 5, 0, 0, /* name */ 2, 0, 4, 0, 'l',
		    'i', 'n', 'k', /* description */ 3, 0, 4, 0, 'e', 't', 'h', '3',
		    /* nanoseconds */ 9, 0, 1, 0, 9, 0, 0, 0, /* end */ 0, 0, 0, 0, 48, 0, 0, 0);
}

Test(pcapng, a_frame)
{
	static const uint8_t bytes[5] = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4};
	struct pcapng_frame frame = {
		.interface = 1,
		.time_ns = 0x0102030405060708,
		.direction = PCAPNG_OUTBOUND,
		.bytes = bytes,
		.len = sizeof(bytes),
		.wire_len = 0x2345,
	};

	CHECK_BYTES(pcapng_frame(out, sizeof(out), &frame), 6, 0, 0, 0, 52, 0, 0, 0, 1, 0, 0, 0, 4,
		    3, 2, 1, 8, 7, 6, 5, 5, 0, 0, 0, 0x45, 0x23, 0, 0, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4,
		    0, 0, 0, /* flags */ 2, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0, 52, 0, 0, 0);
	frame.direction = PCAPNG_UNKNOWN;
	frame.len = 4;
	CHECK_BYTES(pcapng_frame(out, sizeof(out), &frame), 6, 0, 0, 0, 36, 0, 0, 0, 1, 0, 0, 0, 4,
		    3, 2, 1, 8, 7, 6, 5, 4, 0, 0, 0, 0x45, 0x23, 0, 0, 0xa0, 0xa1, 0xa2, 0xa3, 36,
		    0, 0, 0);
}

Test(pcapng, what_does_not_fit_is_not_written)
{
	static const uint8_t bytes[PCAPNG_SNAP_LEN];
	const struct pcapng_frame frame = {
		.direction = PCAPNG_INBOUND,
		.bytes = bytes,
		.len = sizeof(bytes),
		.wire_len = sizeof(bytes),
	};
	size_t len = pcapng_frame(out, sizeof(out), &frame);

	cr_assert_gt(len, sizeof(bytes));
	for (size_t cap = 0; cap < len; cap++) {
		memset(out, 0x5a, sizeof(out));
		cr_assert_eq(pcapng_frame(out, cap, &frame), 0);
		cr_assert_eq(out[cap], 0x5a);
	}
	len = pcapng_section(out, sizeof(out), "a", "b", "c");
	for (size_t cap = 0; cap < len; cap++)
		cr_assert_eq(pcapng_section(out, cap, "a", "b", "c"), 0);
	len = pcapng_interface(out, sizeof(out), "a", "b");
	for (size_t cap = 0; cap < len; cap++)
		cr_assert_eq(pcapng_interface(out, cap, "a", "b"), 0);
}

Test(pcapng, a_text_that_is_too_long_is_cut)
{
	char text[2000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	cr_assert_eq(pcapng_section(out, sizeof(out), text, "", ""), 28 + 4 + 256 + 4);
	cr_assert_eq(out[26], 255);
	cr_assert_eq(out[27], 0);
}
