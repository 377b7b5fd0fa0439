/* loss.h - how many heartbeats of the peer did not arrive on a path.
 *
 * Heartbeats are numbered by the peer, one number for both paths, and rise by one each round; a number that is left out
 * on a path was lost there. One that comes late after all, because the network has changed the order, is not. A new
 * start of the peer numbers anew: what was under way then is not known. While a path is cut the peer goes on counting,
 * so a cut counts with all that it took.
 *
 * Pure, constant in time and size: it is on the way of each heartbeat.
 */
#ifndef HA_AGENT_LOSS_H
#define HA_AGENT_LOSS_H

#include <stdint.h>

#define LOSS_MAX (UINT64_C(1) << 53) /* of lost: what JSON's readers can count */

struct loss {
	uint64_t boot;   /* of the peer: to whose start the numbers belong */
	uint64_t newest; /* number heard */
	uint64_t lost;
};

/* A heartbeat was received that has not been before (the session sees to that). Starts with zeros. */
void loss_note(struct loss *, uint64_t boot, uint64_t number);

#endif
