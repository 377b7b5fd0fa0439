/* replay.h - which counters were seen: a sliding window as a ring of bitmap words (RFC 6479). */
#ifndef HA_PROTO_REPLAY_H
#define HA_PROTO_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	REPLAY_WORDS = 32, /* 64 bits each */
	REPLAY_WINDOW = (REPLAY_WORDS - 1) *
			64, /* counters up to this far behind the newest are still judged */
};

struct replay {
	uint64_t next; /* one above the newest seen; 0 = none yet */
	uint64_t bitmap[REPLAY_WORDS];
};

/* True, and noted, if counter is new; false if it was seen or is behind the window. Call after
 * authentication. */
bool replay_accept(struct replay *, uint64_t counter);

#endif
