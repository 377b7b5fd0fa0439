/* check.h - what the runs of a service check amount to. Pure: no process, no clock.
 *
 *   unknown -> passing -> failing -> (recovering <-> failing) -> failed
 *                ^---------- rise passes in a row --------------'
 *
 * fall failures in a row are a failure. Then the recovery command runs, recover_attempts times at
 * most, each followed by fall more chances; when they are used up, or there is none, the check has
 * failed beyond recovery. rise passes in a row mend it at any point; while it is down fewer of them
 * forgive nothing, so that one that flaps is not recovering for ever. A timeout counts as a failure
 * and is told apart from it by its outcome. Until the hook of the active role has ended, and within
 * the grace after that, failures count for nothing.
 */
#ifndef HA_AGENT_CHECK_H
#define HA_AGENT_CHECK_H

#include "agent/command.h"
#include "agent/config.h"

enum check_state {
	CHECK_UNKNOWN = 0, /* has not passed or failed often enough yet: counts as passing */
	CHECK_PASSING,
	CHECK_FAILING,    /* down; recovery is still possible */
	CHECK_RECOVERING, /* its recovery command runs */
	CHECK_FAILED,     /* down, beyond recovery */
	CHECK_IDLE,       /* not run in this role */
	CHECK_STATE_N,
};

struct check {
	const struct config_check *config;
	enum check_state state;
	uint32_t passes;    /* in a row */
	uint32_t failures;  /* in a row; while it is down: since then, or since its recovery */
	uint32_t attempts;  /* at recovery, since it is down */
	uint32_t runs, bad; /* that have ended */
	ha_time started;    /* its newest run */
	ha_time next; /* its next run is due; HA_NEVER while one runs, or its recovery, and when idle */
	ha_time grace_until;
};

enum check_do {
	CHECK_NOTHING,
	CHECK_RUN,     /* its command, now: then check_ran() */
	CHECK_RECOVER, /* its recovery command, now: then check_recovered() */
};

/* Due at once. Until the first check_role() it is as at a passive. */
void check_init(struct check *, const struct config_check *, ha_time now);

/* The role has changed, and a grace begins if it is the active one. A check that is not for this role is idle, and what runs of it is to be killed: check_ran()
 * and check_recovered() are not called then. One that begins to run begins anew. */
void check_role(struct check *, bool active, ha_time now);
/* The grace of the active role is counted from then; HA_NEVER: it is not over before it is known from when. */
void check_grace(struct check *, ha_time from);
/* A run that is due waits until then. */
void check_postpone(struct check *, ha_time until);
ha_time check_deadline(const struct check *);
enum check_do check_timer(struct check *, ha_time now);
/* The run that was asked for has ended (or could not be started); answers what is to be done at once. */
enum check_do check_ran(struct check *, enum command_outcome, ha_time now);
void check_recovered(struct check *, enum command_outcome, ha_time now);

bool check_is_down(enum check_state);        /* whether or not beyond recovery */
bool check_is_failing(const struct check *); /* down, whether or not beyond recovery */

const char *check_state_name(enum check_state); /* "unknown", "passing", ... */

#endif
