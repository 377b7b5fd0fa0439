/* action.h - the client: one request to the running daemon, its answer for people.
 *
 * Request and answer are one JSON packet each on <runtime_directory>/control:
 *
 *   {"action": "join", "address": "192.0.2.2"}
 *   {"result": "done" | "refused" | "error", "text": "...", "data": {...}}
 */
#ifndef HA_AGENT_ACTION_H
#define HA_AGENT_ACTION_H

#include <stdbool.h>

/* What haagent exits with. */
enum action_exit {
	ACTION_DONE = 0,
	ACTION_REFUSED = 1, /* or failed */
	ACTION_USAGE = 2,   /* wrong command line, or configuration */
	ACTION_NO_DAEMON = 3,
};

struct action {
	const char *
		name; /* as in the request: "dump", "history", "swap", "suspend", "resume", "join" */
	const char *address; /* join; else NULL */
	bool json;           /* dump, history: the data as it came */
	bool yes;            /* join: do not ask */
};

/* Finds the daemon by its configuration, and does it. enum action_exit. */
int action_run(const char *config_file, const struct action *);

#endif
