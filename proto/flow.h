/* flow.h - the bookkeeping of a reliable stream over single frames (SPEC 6.1).
 *
 * Numbers only: no bytes, no keys, no clock. The sender numbers its frames from 0; the receiver acknowledges
 * cumulatively and selectively. A frame is lost once one that was *sent later* (a repetition counts by when it was
 * repeated) is acknowledged; what nothing was sent after is repeated when the timeout, from the smoothed round trip
 * and doubling, has passed since the oldest unacknowledged one was sent. The window bounds what is under way.
 */
#ifndef HA_PROTO_FLOW_H
#define HA_PROTO_FLOW_H

#include "proto/sync_msg.h"
#include "proto/types.h"

enum {
	FLOW_WINDOW_MAX = 1024, /* frames; what an ACK can tell of */
	FLOW_ACK_EVERY = 32,    /* frames received, at the latest */
	FLOW_PROBE_FRAMES =
		8, /* repeated when the timeout has passed, spread over what is under way */
};

#define FLOW_TIMEOUT_MIN (10 * HA_MS)
#define FLOW_TIMEOUT_MAX (500 * HA_MS)

struct flow_slot {
	uint64_t order; /* of its newest sending among all sendings; 0 = slot is free */
	ha_time sent;   /* its newest sending */
	bool repeated, lost;
};

struct flow_sender {
	uint32_t window;
	uint64_t base, next; /* oldest not acknowledged, and next new number */
	uint64_t order;      /* sendings so far */
	uint64_t newest;     /* highest order that has arrived for certain */
	unsigned lost_n;
	uint64_t lost_hint;         /* no lost one is below this number */
	ha_time rtt, timeout;       /* smoothed, 0 = none measured; in force, with its doublings */
	uint64_t repeats, timeouts; /* counters, for the dump and the bench */
	struct flow_slot slot[FLOW_WINDOW_MAX];
};

void flow_sender_init(struct flow_sender *, uint32_t window); /* 1 to FLOW_WINDOW_MAX */
bool flow_may_send(const struct flow_sender *);               /* a new frame */
uint64_t flow_send(struct flow_sender *, ha_time now);        /* a new one goes out: its number */
bool flow_lost(struct flow_sender *, ha_time now,
	       uint64_t *number); /* one to be repeated now; noted as sent */
bool flow_acknowledge(struct flow_sender *, const struct sync_ack *,
		      ha_time now); /* false: nonsense, ignored */
/* HA_NEVER while nothing is under way, or something lost is still to be repeated. */
ha_time flow_deadline(const struct flow_sender *);
void flow_timer(struct flow_sender *,
		ha_time now); /* the timeout: flow_lost() gives what to repeat */

enum flow_verdict {
	FLOW_NEW,       /* noted */
	FLOW_DUPLICATE, /* had it: its acknowledgement was lost, say it again */
	FLOW_BEYOND,    /* outside of the window */
};

struct flow_receiver {
	uint64_t cumulative;                   /* all below have arrived */
	uint64_t top;                          /* one above the highest that has arrived */
	uint64_t bitmap[FLOW_WINDOW_MAX / 64]; /* ring by number */
	unsigned unacknowledged;
	bool urgent; /* a gap opened, a duplicate, or a flush: acknowledge at once */
};

void flow_receiver_init(struct flow_receiver *);
/* Asked before a frame is opened, so that no key is used on what has no place. */
enum flow_verdict flow_judge(const struct flow_receiver *, uint64_t number);
/* It has arrived and verified: to be called on FLOW_NEW and FLOW_DUPLICATE. */
void flow_received(struct flow_receiver *, uint64_t number, bool flush);
bool flow_ack_due(const struct flow_receiver *);
void flow_ack(struct flow_receiver *, struct sync_ack *out); /* and notes that it was said */

#endif
