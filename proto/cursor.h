/* cursor.h - bounds-checked reading and writing of big-endian fields.
 *
 * A cursor never leaves its buffer. What goes wrong is remembered and asked for once, at the end:
 * after a failure every put does nothing and every get yields zeros, so that a codec is a plain
 * list of its fields, in the order in which they stand on the wire.
 */
#ifndef HA_PROTO_CURSOR_H
#define HA_PROTO_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor_writer {
	uint8_t *buffer;
	size_t cap, len; /* bytes: room, and written so far */
	bool failed;
};

struct cursor_reader {
	const uint8_t *next;
	size_t left; /* bytes not read yet */
	bool failed;
};

void cursor_write(struct cursor_writer *, uint8_t *buffer, size_t cap);

/* Every value comes as uint64_t, so that no caller narrows it unseen. What does not fit fails. */
void cursor_put_u8(struct cursor_writer *, uint64_t value);
void cursor_put_u16(struct cursor_writer *, uint64_t value);
void cursor_put_u32(struct cursor_writer *, uint64_t value);
void cursor_put_u64(struct cursor_writer *, uint64_t value);
void cursor_put_bytes(struct cursor_writer *, const void *bytes, size_t len);
void cursor_put_zeros(struct cursor_writer *, size_t len);
size_t cursor_written(const struct cursor_writer *); /* bytes, or 0 if any put failed */

void cursor_read(struct cursor_reader *, const uint8_t *buffer, size_t len);

uint8_t cursor_get_u8(struct cursor_reader *);
uint16_t cursor_get_u16(struct cursor_reader *);
uint32_t cursor_get_u32(struct cursor_reader *);
uint64_t cursor_get_u64(struct cursor_reader *);
void cursor_get_bytes(struct cursor_reader *, void *bytes, size_t len);
void cursor_skip(struct cursor_reader *, size_t len);
bool cursor_finished(const struct cursor_reader *); /* no get failed, and nothing is left */

#endif
