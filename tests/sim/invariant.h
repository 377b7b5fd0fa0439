/* invariant.h - what must be true of a pair at every step, and for how long it may not be (SPEC 5.11). */
#ifndef HA_TESTS_SIM_INVARIANT_H
#define HA_TESTS_SIM_INVARIANT_H

#include "proto/types.h"

enum invariant {
	INV_NONE = 0,
	INV_ANNOUNCED, /* no announcement without the address */
	INV_DUAL,   /* two hold only where a cut or a pause excuses it, and not for long after it */
	INV_HEALED, /* after heal exactly one holds, and stays */
	INV_NOBODY, /* nobody holds for a bounded time while a ready node is alive */
	INV_FIRST_SYNC, /* a passive without a whole copy never takes over */
	INV_TERM,       /* terms never go back, and none is used twice or before it is on disk */
	INV_PARTIAL,    /* the copy of one that follows is one whole generation */
	INV_BARRIER,    /* what a barrier acknowledged is on both disks, and stays */
	INV_SPIN,       /* time goes on: no timer is due again at once */
	INV_ACTIONS,    /* no list of actions overflows */
	INV_SWITCH,     /* the client is answered by who holds */
	INV_ELIGIBLE,   /* eligible exactly when no reason speaks against it */
	INV_PARTED,     /* of a pair that has ended nothing is left */
	INV_ADDRESSES, /* both have the same virtual IPs in the end, and none that was done is lost */
	INV_WIRE,      /* what is said is read as it was said */
	INV_ASSERT,    /* no assertion of the code fails */
	INV_WORLD,     /* the simulator itself */
	INV_N,
};

struct world;

/* How long what takes time has lasted. Times of the world. */
struct watch {
	ha_time torn;     /* when the two were last not connected and awake; see invariant_dual() */
	ha_time dual;     /* since when two hold; HA_NEVER: they do not */
	ha_time held[2];  /* when each last did */
	ha_time ready[2]; /* since when the node is ready and nobody holds; HA_NEVER: not so */
	ha_time clear[2]; /* since when the holder's way to the client is whole */
};

const char *invariant_name(enum invariant);

void invariant_init(struct world *);
void invariant_check(struct world *); /* after everything that happens */

/* The bounds, by the pair's timing. */
ha_time invariant_dual_onset(const struct world *);
ha_time invariant_dual_most(const struct world *);
ha_time invariant_nobody_most(const struct world *);

#endif
