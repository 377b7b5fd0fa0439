#include "proto/cursor.h"

#include <string.h>

void cursor_write(struct cursor_writer *w, uint8_t *buffer, size_t cap)
{
	*w = (struct cursor_writer){.buffer = buffer, .cap = cap};
}

/* Where the next len bytes go, or NULL: no room, or nothing to write. */
static uint8_t *claim(struct cursor_writer *w, size_t len)
{
	uint8_t *at;

	if (w->failed || len > w->cap - w->len) {
		w->failed = true;
		return NULL;
	}
	if (len == 0) /* the buffer may be NULL */
		return NULL;
	at = w->buffer + w->len;
	w->len += len;
	return at;
}

static void put(struct cursor_writer *w, uint64_t value, size_t width)
{
	uint8_t *at;

	if (width < sizeof(value) && value >> (8 * width) != 0) {
		w->failed = true;
		return;
	}
	at = claim(w, width);
	if (at == NULL)
		return;
	for (size_t i = width; i-- > 0; value >>= 8)
		at[i] = (uint8_t)value;
}

void cursor_put_u8(struct cursor_writer *w, uint64_t value)
{
	put(w, value, 1);
}

void cursor_put_u16(struct cursor_writer *w, uint64_t value)
{
	put(w, value, 2);
}

void cursor_put_u32(struct cursor_writer *w, uint64_t value)
{
	put(w, value, 4);
}

void cursor_put_u64(struct cursor_writer *w, uint64_t value)
{
	put(w, value, 8);
}

void cursor_put_bytes(struct cursor_writer *w, const void *bytes, size_t len)
{
	uint8_t *at = claim(w, len);

	if (at != NULL)
		memcpy(at, bytes, len);
}

void cursor_put_zeros(struct cursor_writer *w, size_t len)
{
	uint8_t *at = claim(w, len);

	if (at != NULL)
		memset(at, 0, len);
}

size_t cursor_written(const struct cursor_writer *w)
{
	return w->failed ? 0 : w->len;
}

void cursor_read(struct cursor_reader *r, const uint8_t *buffer, size_t len)
{
	*r = (struct cursor_reader){.next = buffer, .left = len};
}

/* The next len bytes, or NULL. */
static const uint8_t *take(struct cursor_reader *r, size_t len)
{
	const uint8_t *at = r->next;

	if (r->failed || len > r->left) {
		r->failed = true;
		return NULL;
	}
	if (len > 0)
		r->next += len;
	r->left -= len;
	return at;
}

static uint64_t get(struct cursor_reader *r, size_t width)
{
	const uint8_t *at = take(r, width);
	uint64_t value = 0;

	if (at == NULL)
		return 0;
	for (size_t i = 0; i < width; i++)
		value = value << 8 | at[i];
	return value;
}

uint8_t cursor_get_u8(struct cursor_reader *r)
{
	return (uint8_t)get(r, 1);
}

uint16_t cursor_get_u16(struct cursor_reader *r)
{
	return (uint16_t)get(r, 2);
}

uint32_t cursor_get_u32(struct cursor_reader *r)
{
	return (uint32_t)get(r, 4);
}

uint64_t cursor_get_u64(struct cursor_reader *r)
{
	return get(r, 8);
}

void cursor_get_bytes(struct cursor_reader *r, void *bytes, size_t len)
{
	const uint8_t *at = take(r, len);

	if (len == 0)
		return;
	if (at != NULL)
		memcpy(bytes, at, len);
	else
		memset(bytes, 0, len);
}

void cursor_skip(struct cursor_reader *r, size_t len)
{
	take(r, len);
}

bool cursor_finished(const struct cursor_reader *r)
{
	return !r->failed && r->left == 0;
}
