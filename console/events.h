/* events.h - server-sent events: one text for all who listen.
 *
 *   event: state   the whole state, when anything in it but "live" has changed, and first of all
 *   event: live    its member "live", once in each second, and while settings are on their way as often as they move
 *   event: bye     the session has ended; the stream ends with it
 *   : heartbeat    when there is nothing to say for EVENTS_HEARTBEAT
 *
 * Who is slow misses what lies between: when he has read what he has, he is given the newest. Nothing is queued.
 */
#ifndef HA_CONSOLE_EVENTS_H
#define HA_CONSOLE_EVENTS_H

#include <jansson.h>
#include <stdint.h>

#include "proto/types.h"

enum {
	EVENTS_LISTENERS_MAX = 256,
};

#define EVENTS_HEARTBEAT (10 * HA_SEC)
#define EVENTS_LIVE      (1 * HA_SEC)
#define EVENTS_PROGRESS  (200 * HA_MS)

struct console;
struct request;
struct listener;

/* A text that several send at once. */
struct frame {
	unsigned references;
	size_t len;
	char text[];
};

struct events {
	struct listener *first;
	unsigned n;
	struct frame *state, *live; /* the newest, or NULL */
	uint64_t state_number, live_number;
	json_t *progress; /* what the last live told of the settings */
	ha_time live_at, heartbeat_at;
};

void events_init(struct events *);
void events_close(struct console *); /* ends every stream */

/* The reply to a request: a stream. */
void events_listen(struct request *);

/* console->state is another than before; console->live is new. */
void events_state(struct console *);
void events_live(struct console *, ha_time now);

ha_time events_deadline(const struct events *);
void events_timer(struct console *, ha_time now);

#endif
