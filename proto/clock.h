/* clock.h - time as an argument, and the next deadline as a by-product.
 *
 * Whatever waits for a time asks clock_due(); the earliest that is still to come is then the deadline of the whole
 * machine. So no timer can be forgotten: a condition that looks at the time has armed it by looking.
 */
#ifndef HA_PROTO_CLOCK_H
#define HA_PROTO_CLOCK_H

#include "proto/types.h"

struct clock {
	ha_time now;
	ha_time next; /* earliest time asked for that is still to come, or HA_NEVER */
};

/* Has `at` come? HA_NEVER never does. */
static inline bool clock_due(struct clock *c, ha_time at)
{
	if (at != HA_NEVER && c->now >= at)
		return true;
	if (at < c->next)
		c->next = at;
	return false;
}

#endif
