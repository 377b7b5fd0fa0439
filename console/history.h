/* history.h - all events that the agent remembers, for the pages' timeline; a state has only the newest.
 *
 * The agent makes them anew for each who asks it, beside its heartbeats: so what it has answered serves everybody for
 * HISTORY_AGE. Whoever has the newest state too misses nothing by it.
 */
#ifndef HA_CONSOLE_HISTORY_H
#define HA_CONSOLE_HISTORY_H

#include <jansson.h>

#include "proto/types.h"

#define HISTORY_AGE (1 * HA_SEC)

struct history {
	json_t *events; /* oldest first; NULL before the first time */
	ha_time at;
};

void history_close(struct history *);

#endif
