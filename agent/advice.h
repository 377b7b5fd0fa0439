/* advice.h - is all well, and what is to be done if not: a dump, judged for an operator.
 *
 * The client's, from the dump as it came: so that the page and the metrics say the same, and an operator reads it of an
 * older daemon, too. Each piece of advice has a name that stays, for monitoring.
 */
#ifndef HA_AGENT_ADVICE_H
#define HA_AGENT_ADVICE_H

#include <jansson.h>

#include "agent/page.h"

enum {
	ADVICE_MAX = 48,
};

enum advice_level {
	ADVICE_REMARK = 0, /* to be looked at in daylight */
	ADVICE_IMPORTANT,  /* the next failure is not survived, or might not be */
	ADVICE_CRITICAL,   /* the service is not given, or may stop any moment */
	ADVICE_LEVEL_N,
};

struct advice {
	enum advice_level level;
	const char *name; /* "takeover", "path", ... */
	struct cell what, remedy;
};

struct advice_list {
	unsigned n; /* the most urgent first; what does not fit is the least urgent */
	struct advice a[ADVICE_MAX];
};

void advice_of(const json_t *dump, struct advice_list *);

/* The worst of them; false: there is none, all is well. */
bool advice_worst(const struct advice_list *, enum advice_level *);

/* Who is active, and can the other one take over: "alpha is active, and beta can take over." */
struct cell advice_sentence(const json_t *dump);

/* Is the peer heard on any path? Where nothing is said of the paths nothing is known against it. */
bool advice_peer_heard(const json_t *dump);

#endif
