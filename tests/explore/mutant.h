/* mutant.h - one rule of proto/ broken at a time, to show that the explorer notices.
 *
 * The objects are those that are shipped. The linker puts a function of mutant.c in front of one of theirs (--wrap): it hands
 * through, unless its mutant is the one that is on.
 */
#ifndef HA_TESTS_EXPLORE_MUTANT_H
#define HA_TESTS_EXPLORE_MUTANT_H

#include <stdbool.h>

enum mutant {
	MUTANT_NONE = 0,
	/* of the failover machine, with the property that has to fail */
	MUTANT_Y3,       /* two holders: a claimant of a higher term is not heard */
	MUTANT_LEASE,    /* two holders: it outlives the takeover, and no probe asks */
	MUTANT_T2,       /* nobody holds: probes never count as unanswered */
	MUTANT_WATCH,    /* settles: the watch after a pause never ends */
	MUTANT_TERM,     /* terms: they are not of one node alone */
	MUTANT_PROBES,   /* actions: too many probes at once */
	MUTANT_DEADLINE, /* time: a timer that is due again at once */
	MUTANT_ANNOUNCE, /* announces: it goes on after the release */
	MUTANT_COPY,     /* first copy: nobody asks for it */
	/* of the settings machine */
	MUTANT_BARRIER, /* acknowledged: it does not wait for the trees to be looked at */
	MUTANT_NUMBER,  /* generation: its number does not rise */
	MUTANT_HEAD,    /* settles: a new HEAD is taken for the old one */
	MUTANT_ASIDE,   /* kept: what diverged counts as known to both */
	MUTANT_BEGIN,   /* no error: a list is taken wherever it begins */
	MUTANT_N,
};

void mutant_set(enum mutant);
void mutant_rest(bool); /* while the model itself asks */

#endif
