/* ratelimit.h - how often an address may try a password.
 *
 * Some tries are free, then each failure doubles the wait. A success takes none of them back, or who has an account could
 * guess another's for ever, with a login of his own between. The table is bounded: who comes when it is full of
 * addresses that wait shares one entry with everybody like him, so that nobody can push out what holds him back. Networks
 * from which somebody got in lately have entries of their own: who works here is not held back with those. The
 * machine itself is never made to wait longer than RATELIMIT_LOCAL: whoever is at the appliance gets in.
 */
#ifndef HA_CONSOLE_RATELIMIT_H
#define HA_CONSOLE_RATELIMIT_H

#include "console/address.h"
#include "proto/types.h"

enum {
	RATELIMIT_MAX = 256,
	RATELIMIT_KNOWN = 16,
	RATELIMIT_FREE = 5,
};

#define RATELIMIT_FIRST (1 * HA_SEC)
#define RATELIMIT_LAST  (300 * HA_SEC)
#define RATELIMIT_LOCAL (1 * HA_SEC)

struct ratelimit_entry {
	struct address network;
	ha_time passed;    /* when somebody got in last; of the known ones */
	unsigned failures; /* 0: free */
	ha_time until;     /* the next try */
	ha_time failed;    /* the last one; forgotten RATELIMIT_LAST after both */
};

struct ratelimit {
	struct ratelimit_entry entry[RATELIMIT_MAX];
	struct ratelimit_entry known[RATELIMIT_KNOWN];
	struct ratelimit_entry common; /* of everybody who has no other */
	struct ratelimit_entry local;  /* of the machine itself */
};

/* How long until that address may try; 0: now. */
ha_time ratelimit_wait(struct ratelimit *, const struct address *, ha_time now);
/* A try begins, as if it failed: many at once must not be one for free. */
void ratelimit_failed(struct ratelimit *, const struct address *, ha_time now);
/* It did not fail: it does not count, and the next one need not wait for it. */
void ratelimit_passed(struct ratelimit *, const struct address *, ha_time now);

#endif
