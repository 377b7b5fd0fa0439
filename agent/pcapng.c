/* pcapng.c - see pcapng.h. */
#include "agent/pcapng.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_FRAME = 6,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINKTYPE_ETHERNET = 1,
	OPTION_END = 0,
	OPTION_HARDWARE = 2, /* of a section */
	OPTION_OS = 3,
	OPTION_APPLICATION = 4,
	OPTION_NAME = 2, /* of an interface */
	OPTION_DESCRIPTION = 3,
	OPTION_RESOLUTION = 9,
	OPTION_FLAGS = 2, /* of a frame */
	TEXT_MAX = 255,
};

struct block {
	uint8_t *out;
	size_t cap, len;
	bool failed;
};

static void put(struct block *b, const void *bytes, size_t len)
{
	size_t padded = (len + 3) & ~(size_t)3;

	if (b->failed || padded > b->cap - b->len) {
		b->failed = true;
		return;
	}
	memcpy(b->out + b->len, bytes, len);
	memset(b->out + b->len + len, 0, padded - len);
	b->len += padded;
}

static void put_u32(struct block *b, uint32_t value)
{
	const uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
				  (uint8_t)(value >> 24)};

	put(b, bytes, sizeof(bytes));
}

/* Two numbers of 16 bits, the first one first. */
static void put_u16s(struct block *b, uint16_t first, uint16_t second)
{
	put_u32(b, first | (uint32_t)second << 16);
}

static void put_option(struct block *b, uint16_t code, const void *value, size_t len)
{
	put_u16s(b, code, (uint16_t)len);
	put(b, value, len);
}

static void put_text(struct block *b, uint16_t code, const char *text)
{
	size_t len = strnlen(text, TEXT_MAX);

	if (len > 0)
		put_option(b, code, text, len);
}

static struct block begin(uint8_t *out, size_t cap, uint32_t type)
{
	struct block b = {.out = out, .cap = cap};

	put_u32(&b, type);
	put_u32(&b, 0); /* its length, when it is known */
	return b;
}

static size_t end(struct block *b)
{
	struct block length = {.out = b->out + 4, .cap = 4};

	put_u32(b, (uint32_t)b->len + 4);
	if (b->failed)
		return 0;
	put_u32(&length, (uint32_t)b->len);
	return b->len;
}

size_t pcapng_section(uint8_t *out, size_t cap, const char *hardware, const char *os,
		      const char *application)
{
	struct block b = begin(out, cap, BLOCK_SECTION);

	put_u32(&b, BYTE_ORDER_MAGIC);
	put_u16s(&b, 1, 0);      /* version */
	put_u32(&b, UINT32_MAX); /* of a section whose length is not stated */
	put_u32(&b, UINT32_MAX);
	put_text(&b, OPTION_HARDWARE, hardware);
	put_text(&b, OPTION_OS, os);
	put_text(&b, OPTION_APPLICATION, application);
	put_u16s(&b, OPTION_END, 0);
	return end(&b);
}

size_t pcapng_interface(uint8_t *out, size_t cap, const char *name, const char *description)
{
	static const uint8_t nanoseconds = 9;
	struct block b = begin(out, cap, BLOCK_INTERFACE);

	put_u16s(&b, LINKTYPE_ETHERNET, 0);
	put_u32(&b, PCAPNG_SNAP_LEN);
	put_text(&b, OPTION_NAME, name);
	put_text(&b, OPTION_DESCRIPTION, description);
	put_option(&b, OPTION_RESOLUTION, &nanoseconds, 1);
	put_u16s(&b, OPTION_END, 0);
	return end(&b);
}

size_t pcapng_frame(uint8_t *out, size_t cap, const struct pcapng_frame *frame)
{
	struct block b = begin(out, cap, BLOCK_FRAME);

	assert(frame->len <= PCAPNG_SNAP_LEN && frame->len <= frame->wire_len);
	put_u32(&b, frame->interface);
	put_u32(&b, (uint32_t)(frame->time_ns >> 32));
	put_u32(&b, (uint32_t)frame->time_ns);
	put_u32(&b, frame->len);
	put_u32(&b, frame->wire_len);
	put(&b, frame->bytes, frame->len);
	if (frame->direction != PCAPNG_UNKNOWN) {
		put_u16s(&b, OPTION_FLAGS, 4);
		put_u32(&b, (uint32_t)frame->direction);
		put_u16s(&b, OPTION_END, 0);
	}
	return end(&b);
}
