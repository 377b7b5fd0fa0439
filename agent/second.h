/* second.h - what each whole second was like on a path: the longest gap between heartbeats that ended in it, and the
 * longest round trip.
 *
 * Seconds of the agent's clock: all paths change at the same moment. For a chart, which takes one sample of each; the worst of
 * minutes (peer.h) is for judging. A gap belongs to the second in which it ended, however long it was, so a silence
 * that is over shows once, in its whole length. A second without a heartbeat has no figures.
 *
 * Pure, constant in time and size: it is on the way of each heartbeat, where it costs two comparisons.
 */
#ifndef HA_AGENT_SECOND_H
#define HA_AGENT_SECOND_H

#include <stdbool.h>

#include "proto/types.h"

struct second_figures {
	bool heard; /* else nothing below is of use */
	ha_time gap, rtt;
};

struct second {
	ha_time until;                   /* where the one that is being counted ends */
	struct second_figures now, last; /* ... and of the one before */
};

/* A heartbeat came at that time, so long after the one before it (-1: there was none), and this is the round trip of the
 * path now. Starts with zeros. */
void second_note(struct second *, ha_time heard, ha_time gap, ha_time rtt);

/* Of the newest second that is over at that time. */
struct second_figures second_last(const struct second *, ha_time now);

#endif
