/* family.h - the guardian's two children and the descriptors between the three.
 *
 * Whoever ends is started anew (child.h), with new sockets; the one that lives is told:
 * IPC_STEWARD, IPC_ENGINE. What a child was connected by is closed as soon as it is lost, so that
 * nothing that it left in a queue is taken for its successor's word.
 */
#ifndef HA_AGENT_FAMILY_H
#define HA_AGENT_FAMILY_H

#include "agent/child.h"
#include "agent/loop.h"
#include "agent/runtime.h"

struct family {
	struct child engine, steward;
	struct loop *loop;
	const struct runtime *runtime;
	loop_fn *engine_ready, *steward_ready; /* a message waits, or the end of the connection */
	void *arg;
	int spare; /* one end between the two, for the one that is not running; -1: none */
	enum ipc_process spare_for;
};

void family_init(struct family *, struct loop *, const struct runtime *, loop_fn *engine_ready,
		 loop_fn *steward_ready, void *arg);

/* Starts who is due, the steward first. */
void family_start(struct family *, ha_time now);
ha_time family_next(const struct family *); /* when somebody is due */

/* It is of no use any more: disconnects and kills it. */
void family_drop(struct family *, struct child *);

/* Takes note of children that ended; call it upon SIGCHLD. Disconnected by then, or disconnected
 * by it. */
void family_reap(struct family *, ha_time now);

/* Disconnects the steward, which makes it write what it has and end; waits for it up to
 * `patience`, then kills all. */
void family_end(struct family *, ha_time patience);

#endif
