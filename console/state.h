/* state.h - one object for the pages, from the agent's dump: with it a page needs nothing else.
 *
 * What moves all the time (ages, round trips, counters) is in its member "live", and nowhere else: so whether something
 * has changed is seen by comparing the rest, and a page is told at once, and only then. openapi.yaml describes every
 * member.
 */
#ifndef HA_CONSOLE_STATE_H
#define HA_CONSOLE_STATE_H

#include <jansson.h>
#include <stdbool.h>

enum state_screen {
	STATE_DOWN,    /* no agent, it is starting, or it is of a version that is not understood */
	STATE_CONSOLE, /* standalone or active */
	STATE_STANDBY,
};

/* dump NULL: the agent is not there, for that reason. "live" is a new reference of its own, left out of the result:
 * NULL without a dump. NULL: out of memory. */
json_t *state_make(const json_t *dump, const char *why, json_t **live);

enum state_screen state_screen(const json_t *state);
const char *state_screen_name(enum state_screen);

/* Where to go instead of the standby appliance: an object, or NULL (borrowed). */
const json_t *state_active(const json_t *state);

#endif
