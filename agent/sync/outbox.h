/* outbox.h - bytes that wait in order: a queue that grows, and gives back what it took when it is empty. */
#ifndef HA_AGENT_SYNC_OUTBOX_H
#define HA_AGENT_SYNC_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outbox {
	uint8_t *bytes;
	size_t first, len, cap; /* what waits stands at bytes + first */
};

/* Room for len bytes at the end, which count only when outbox_added() says so; NULL: no memory. */
uint8_t *outbox_room(struct outbox *, size_t len);
void outbox_added(struct outbox *, size_t len);
const uint8_t *outbox_next(const struct outbox *); /* len bytes wait there */
void outbox_taken(struct outbox *, size_t len);
void outbox_clear(struct outbox *);

#endif
