/* outbox.c - see outbox.h. */
#include "agent/sync/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_CAP = 4096,
	KEEP_MAX = 1 << 20, /* more is given back */
};

uint8_t *outbox_room(struct outbox *box, size_t len)
{
	size_t cap = box->cap == 0 ? FIRST_CAP : box->cap;
	uint8_t *bytes;

	if (box->cap - box->first - box->len < len && box->first >= box->len) {
		memmove(box->bytes, box->bytes + box->first, box->len); /* less than was taken */
		box->first = 0;
	}
	if (box->cap - box->first - box->len >= len)
		return box->bytes + box->first + box->len;
	while (cap - box->first - box->len < len)
		cap *= 2;
	bytes = realloc(box->bytes, cap);
	if (bytes == NULL)
		return NULL;
	box->bytes = bytes;
	box->cap = cap;
	return box->bytes + box->first + box->len;
}

void outbox_added(struct outbox *box, size_t len)
{
	assert(len <= box->cap - box->first - box->len);
	box->len += len;
}

const uint8_t *outbox_next(const struct outbox *box)
{
	return box->bytes + box->first;
}

void outbox_taken(struct outbox *box, size_t len)
{
	assert(len <= box->len);
	box->first += len;
	box->len -= len;
	if (box->len == 0)
		outbox_clear(box);
}

void outbox_clear(struct outbox *box)
{
	if (box->cap > KEEP_MAX) {
		free(box->bytes);
		*box = (struct outbox){0};
	}
	box->first = box->len = 0;
}
