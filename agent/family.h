/* family.h - the guardian's children and the descriptors between them.
 *
 * Whoever ends is started anew (child.h), with new sockets. The engine is connected to each of the others; the one that
 * lives is told of a new one: IPC_STEWARD, IPC_SYNCER, IPC_ENGINE. What a child was connected by is closed as
 * soon as it is lost, so that nothing that it left in a queue is taken for its successor's word.
 */
#ifndef HA_AGENT_FAMILY_H
#define HA_AGENT_FAMILY_H

#include "agent/child.h"
#include "agent/loop.h"
#include "agent/runtime.h"

/* One of the engine's connections. */
struct family_link {
	struct child *other;
	enum ipc_type news; /* for the engine, of a new other */
	int spare;          /* one end, for the one of the two that is not running; -1: none */
	bool for_engine;
};

enum {
	FAMILY_LINKS = 2,
};

struct family {
	struct child engine, steward, syncer;
	bool syncs; /* there is a syncer */
	struct family_link link[FAMILY_LINKS];
	struct loop *loop;
	const struct runtime *runtime;
	loop_fn *ready[IPC_PROCESS_N]; /* a message waits, or the end of the connection */
	void *arg;
};

/* ready: by process; the guardian's is not used. */
void family_init(struct family *, struct loop *, const struct runtime *, bool syncs,
		 loop_fn *const ready[IPC_PROCESS_N], void *arg);

/* Starts who is due, the steward first. */
void family_start(struct family *, ha_time now);
ha_time family_next(const struct family *); /* when somebody is due */

/* By another configuration from now on: the syncer is started anew, or ends, or there is one. */
void family_resync(struct family *, bool syncs, ha_time now);

/* It is of no use any more: disconnects and kills it. */
void family_drop(struct family *, struct child *);

/* Takes note of children that ended; call it upon SIGCHLD. Disconnected by then, or disconnected
 * by it. other: of a process that is none of them. */
void family_reap(struct family *, ha_time now, void (*other)(void *arg, pid_t));

/* Disconnects the steward, which makes it write what it has and end; waits for it up to
 * `patience`, then kills all. */
void family_end(struct family *, ha_time patience);

#endif
