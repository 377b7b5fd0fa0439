/* said.h - what one settings machine says, as the event that it is for the one that hears it: for the models that carry
 * it from one to the other. A list of entries is no such word; each model carries that in its own way.
 */
#ifndef HA_TESTS_SIM_SAID_H
#define HA_TESTS_SIM_SAID_H

#include "proto/sync.h"

/* False: it is a list. Of head and status only the one that the type names is looked at. */
static inline bool said_heard(enum sync_action_type type, uint64_t since,
			      const struct sync_head *head, const struct sync_status *status,
			      struct sync_event *ev)
{
	*ev = (struct sync_event){.since = since};
	switch (type) {
	case SYNC_ACT_SAY_HEAD:
		ev->type = SYNC_EV_HEAD;
		ev->head = *head;
		return true;
	case SYNC_ACT_SAY_STATUS:
		ev->type = SYNC_EV_STATUS;
		ev->status = *status;
		return true;
	case SYNC_ACT_SAY_PULL:
		ev->type = SYNC_EV_PULL;
		return true;
	case SYNC_ACT_SAY_COMPARE:
		ev->type = SYNC_EV_COMPARE;
		return true;
	default:
		return false;
	}
}

#endif
