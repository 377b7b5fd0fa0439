/* mutant.h - what is broken on purpose, so that an invariant can be seen to fire.
 *
 * A simulator that cannot fail proves nothing. Each mutant is one mistake that the code could make, made between it and the
 * world; each is named after the invariant that has to notice.
 */
#ifndef HA_TESTS_SIM_MUTANT_H
#define HA_TESTS_SIM_MUTANT_H

#include "proto/node.h"
#include "tests/sim/invariant.h"

enum mutant {
	MUTANT_NONE = 0,
	MUTANT_ANNOUNCE_EARLY, /* announces when it asks for the address, not when it has it */
	MUTANT_DEAF_TO_CLAIMS, /* does not see that the peer holds */
	MUTANT_UNREADABLE,     /* takes its record for unreadable at every start */
	MUTANT_NEVER_SURE,     /* the count of unanswered probes starts anew with each step */
	MUTANT_WHOLE_AT_ONCE,  /* takes a copy that has just begun for a whole one */
	MUTANT_FORGETS_TERM,   /* reads the term of its first start after each crash */
	MUTANT_HALF_COMMIT,    /* writes half of what it was told, and says that it is all */
	MUTANT_LAZY_DISK,      /* says that a commit is durable when it is written only */
	MUTANT_SPINS,          /* asks to be woken at a time that has passed */
	MUTANT_FLOODS,         /* probes a dozen times in one step */
	MUTANT_MUTE,           /* never announces */
	MUTANT_SAME_ADDRESSES, /* goes on with the virtual IPs that it had, whatever it has written */
	MUTANT_N,
};

struct world;

const char *mutant_name(enum mutant);
enum invariant mutant_breaks(enum mutant);

/* Around node_step() and node_init(). */
void mutant_config(const struct world *, struct node_config *);
void mutant_event(const struct world *, struct node_event *);
void mutant_step(const struct world *, int node, struct node *, struct node_actions *);

#endif
