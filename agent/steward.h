/* steward.h - the process that may block: everything durable.
 *
 * Root, with normal scheduling. It counts the engine's starts, keeps the cluster record, the static
 * key and the history, and tells the guardian which virtual addresses the record names. It believes
 * the engine nothing that its own files know better, and writes no record whose fields are out of
 * range. It runs the service checks, the hooks and the commands of the settings (services.h): no
 * hook of a role before what it rests on is on disk. What it runs ends with it.
 */
#ifndef HA_AGENT_STEWARD_H
#define HA_AGENT_STEWARD_H

#include "agent/config.h"
#include "agent/store.h"

/* Runs until the guardian goes. Exit status: 0 then, 1 on a message that is none. */
int steward_main(void);

/* The record of an appliance that has none yet. */
void steward_fresh_record(struct store_record *, const struct config *);

/* May this be written? Fields in range, by their bytes: the struct comes from another process. */
bool steward_record_valid(const struct store_record *);

/* May this be kept? The subject is not asked for: it is cut to what is text. */
bool steward_event_valid(const struct store_event *);

/* The newest STORE_HISTORY_MAX events. */
struct steward_history {
	unsigned n, first; /* the oldest stands at event[first] */
	struct store_event event[STORE_HISTORY_MAX];
};

void steward_history_append(struct steward_history *, const struct store_event *);

/* i = 0 is the oldest; i < n. */
const struct store_event *steward_history_at(const struct steward_history *, unsigned i);

#endif
