/* search.h - every way in which a model can go on, breadth first, so that what is found wrong has the shortest trace.
 *
 * A model is a state without pointers and a move that takes it to its next moment. Wherever more than one thing could
 * happen the move asks search_choice(); the search runs it once for each combination of answers. States that are alike in all
 * that decides have one canonical form and are followed once. From every state the model is also healed and followed without
 * any fault: it has to settle, within a bound. There is no chance in it: the same bounds give the same numbers.
 */
#ifndef HA_TESTS_EXPLORE_SEARCH_H
#define HA_TESTS_EXPLORE_SEARCH_H

#include "proto/types.h"

struct search_model {
	size_t size; /* of a state at most */
	unsigned roots;
	void (*root)(void *state, unsigned which);
	bool (*is_open)(const void *state); /* is there anything left to decide? */
	ha_time (*move)(void *state);       /* returns how much time passed */
	size_t (*canonical)(void *state); /* brings it into its form; how many bytes of it count */
	void (*heal)(void *state); /* all that is broken is whole, and nothing breaks any more */
	bool (*is_settled)(const void *state);
	ha_time settle_within; /* after heal() */
	ha_time settle_stable; /* ... and for so long it stays so */
};

struct search_limit {
	unsigned long states;
	size_t frontier; /* bytes of the states that are still to be followed */
};

struct search_result {
	unsigned long states, moves, healed; /* different ones; tried; of the ways back */
	unsigned depth;                      /* moves from a root to the farthest state followed */
	bool complete; /* nothing was left out: the whole of the model's bounds */
	ha_time settle_longest;
	const char *violated; /* the property; NULL = none */
};

/* With a violation the trace is printed, each line behind "# ", unless quiet. */
void search_run(const struct search_model *, const struct search_limit *, bool quiet,
		struct search_result *out);

/* For the model, inside of a move. */
unsigned search_choice(unsigned n); /* 0 to n - 1; 0 is what happens without a fault */
void search_violated(const char *property, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool search_telling(void); /* the trace is being printed: */
void search_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
