/* action.h - the client: what the command line asks of the running daemon, its answer for people.
 *
 * Request and answer are one JSON packet each on <runtime_directory>/control:
 *
 *   {"action": "join", "address": "192.0.2.2", "peer_fingerprint": "SHA256:..."}
 *   {"result": "done" | "refused" | "error" | "busy", "text": "...", "data": {...}}
 */
#ifndef HA_AGENT_ACTION_H
#define HA_AGENT_ACTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/config.h"
#include "agent/page.h"
#include "agent/render_metrics.h"

/* What haagent exits with. */
enum action_exit {
	ACTION_DONE = 0,
	ACTION_REFUSED = 1, /* or failed */
	ACTION_USAGE = 2,   /* wrong command line, or configuration */
	ACTION_NO_DAEMON = 3,
};

enum action_verb {
	ACTION_NONE = 0, /* the daemon itself */
	ACTION_DUMP,
	ACTION_HISTORY,
	ACTION_TEST,
	ACTION_JOIN,
	ACTION_SWAP,
	ACTION_SUSPEND,
	ACTION_RESUME,
	ACTION_DETACH,
	ACTION_REMOVE,
	ACTION_FORCE,
	ACTION_IS_ACTIVE,
	ACTION_SYNC,
	ACTION_BARRIER,
	ACTION_WHY,
	ACTION_CHECK_CONFIG, /* this one and the next two need no daemon */
	ACTION_CAPTURE,
	ACTION_DECODE,
	ACTION_RELOAD, /* by signals: renew.h */
	ACTION_UPGRADE,
	ACTION_VIRTUAL_IP,
	ACTION_VERB_N,
};

enum {
	ACTION_SECONDS_MAX = 30 * 86400,
};

struct action {
	enum action_verb verb;
	const char *address;   /* ACTION_TEST, ACTION_JOIN; else NULL */
	const char *addresses; /* ACTION_VIRTUAL_IP: "192.0.2.100,2001:db8::100", or "none" */
	const char *file;      /* ACTION_CAPTURE, ACTION_DECODE; else NULL */
	uint32_t
		seconds; /* ACTION_SUSPEND: for so long; 0 = until resumed. ACTION_BARRIER: at most so
			      * long; 0 = CONTROL_BARRIER_S */
	bool json;       /* dump, history, why, test: the data as it came */
	enum render_metrics_format metrics; /* dump: as metrics, not as a page */
	bool yes;                           /* do not ask */
};

const char *action_name(enum action_verb); /* "test-connection", ...: of request and option */
bool action_asks(enum action_verb);        /* for confirmation: it takes --yes */
bool action_shows(enum action_verb);       /* data: it takes --json */

/* "90", "90s", "15m", "2h", "1d": 1 s to ACTION_SECONDS_MAX. */
bool action_duration(const char *text, uint32_t *seconds);

/* The same, up to CONTROL_BARRIER_MAX_S. */
bool action_patience(const char *text, uint32_t *seconds);

/* peer_fingerprint: of a join, the key that the operator has compared; else NULL. */
json_t *action_request(const struct action *, const char *peer_fingerprint);

/* Prints what the daemon answered: data and what was done on the page, why it was not on errors. */
enum action_exit action_report(const struct action *, const json_t *answer, const struct page *,
			       FILE *errors);

/* The daemon's control socket, by the configuration; of one with mistakes, too, as long as it says where a daemon is, and
 * one answers: it runs by what it has read before. False: the mistakes were said on stderr. */
bool action_find(struct config *, const char *config_file, char *path, size_t cap);

/* Says on stderr why the daemon at this control socket was not asked, or did not answer: a negative errno. */
enum action_exit action_failed(const char *path, const char *user, int error);

/* Finds the daemon by its configuration, and does it. */
enum action_exit action_run(const char *config_file, const struct action *);

#endif
