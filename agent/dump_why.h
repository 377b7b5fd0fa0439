/* dump_why.h - how the last change of role came about, as a JSON object (haagent --why).
 *
 * Of both nodes what they have observed themselves (proto/account.h), with times of this node's wall clock, and what
 * follows from the two together: whose change it was, and how long the clients can have been without an answer at most.
 */
#ifndef HA_AGENT_DUMP_WHY_H
#define HA_AGENT_DUMP_WHY_H

#include <jansson.h>

#include "agent/dump.h"
#include "proto/msg_account.h"

struct why_view {
	ha_time now;
	int64_t realtime_ns; /* the same moment on the wall clock */
	const struct node *node;
	const struct msg_account *own, *peer; /* decided == 0: none; both by this node's clock */
	const char *own_name, *peer_name;     /* peer_name "": no pair */
	const struct dump_history *history;
};

json_t *dump_why(const struct why_view *);

#endif
