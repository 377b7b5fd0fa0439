/* agent.h - the agent's control socket, seen from the console: never waited for.
 *
 * One connection asks for dumps, and only while somebody wants one: as long as a page is open or a request waits, and
 * never more often than every AGENT_INTERVAL, however many there are. Actions have connections of their own, few at a
 * time, as the agent has few places and each takes as long as what it asks for.
 */
#ifndef HA_CONSOLE_AGENT_H
#define HA_CONSOLE_AGENT_H

#include <jansson.h>
#include <stdbool.h>

#include "agent/loop.h"

enum {
	AGENT_ACTIONS_MAX = 2,
	AGENT_TEXT_MAX = 160,
};

#define AGENT_INTERVAL (100 * HA_MS) /* between dumps */
#define AGENT_RETRY    (500 * HA_MS) /* ... when there is no agent */
#define AGENT_PATIENCE (2 * HA_SEC)  /* for a dump */
#define AGENT_DONE_IN  (30 * HA_SEC) /* for an action */

/* dump NULL: there is none, and why says so. Both belong to the caller of the callback. */
typedef void agent_dump_fn(void *arg, const json_t *dump, const char *why);

/* answer NULL: none came, and why says so. */
typedef void agent_answer_fn(void *arg, const json_t *answer, const char *why);

struct agent;

struct agent_action {
	int fd; /* -1: free */
	ha_time until;
	agent_answer_fn *then;
	void *arg;
	struct agent *agent;
};

struct agent {
	struct loop *loop;
	const char *path;
	agent_dump_fn *on_dump;
	void *arg;
	int fd;      /* of the dumps; -1: none */
	bool asked;  /* an answer is on its way */
	bool wanted; /* somebody wants dumps */
	ha_time at;  /* the next one, or the end of the patience */
	uint64_t dumps;
	struct agent_action action[AGENT_ACTIONS_MAX];
};

void agent_init(struct agent *, struct loop *, const char *path, agent_dump_fn *, void *arg);
void agent_close(struct agent *); /* whoever waits for an action is told that it goes on unseen */

/* From now on dumps are asked for, or no more. The first one at once, if the last is older than AGENT_INTERVAL. */
void agent_want(struct agent *, bool wanted, ha_time now);

/* 0, and then() is called once, later; -EBUSY: too many at a time; other -errno: no agent. Does not free request. */
int agent_ask(struct agent *, const json_t *request, ha_time now, agent_answer_fn *then, void *arg);

/* In words. */
const char *agent_reason(int error);

ha_time agent_deadline(const struct agent *);
void agent_timer(struct agent *, ha_time now);

#endif
