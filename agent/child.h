/* child.h - a process of this program, started as itself anew.
 *
 * Fork and exec of the executable that the guardian opened at its start: a child inherits none of
 * its parent's memory, finds its descriptors where enum ipc_fd says, has no other, and is killed by
 * the kernel when the guardian ends. It is the leader of a session of its own, so that a terminal's
 * Ctrl-C reaches the guardian alone.
 *
 * The engine gets its user, its capabilities and SCHED_FIFO before exec; the steward is root with
 * normal scheduling, and so is the syncer until it has opened what takes that.
 */
#ifndef HA_AGENT_CHILD_H
#define HA_AGENT_CHILD_H

#include <sys/types.h>

#include "agent/ipc.h"

enum {
	CHILD_ENGINE_PRIORITY = 40, /* SCHED_FIFO; below the guardian's */
	CHILD_QUIET_MAX = 30,       /* longer than a disk in trouble that may still answer */
};

struct child {
	enum ipc_process process; /* any but the guardian */
	pid_t pid;                /* 0: not running */
	int fd;                   /* the guardian's end, -1: none */
	uint32_t starts;
	ha_time started;
	ha_time heard;      /* its newest message; started, if there was none */
	unsigned quiet;     /* seconds without one, as child_is_silent() counts them */
	ha_time restart_at; /* HA_NEVER while it runs */
	ha_time backoff;    /* before the restart after the next */
};

/* What a child is given. The descriptors stay the caller's. */
struct child_gift {
	int executable;
	int guardian, config, peer;
	int control, syncer;    /* engine only; syncer: -1 if there is none */
	int recorder, recorded; /* engine only; engine and steward: else -1 */
	uid_t uid;              /* engine only */
	gid_t gid;
	const char *file; /* reader only: the configuration */
};

void child_init(struct child *, enum ipc_process, ha_time now); /* due at once */

/* 0 or -errno. A child that cannot become what it should be exits with status 127. */
int child_start(struct child *, const struct child_gift *, ha_time now);

/* It ended. The first restart comes at once, the next after 100 ms, doubling to 5 s; 10 s of
 * life are forgiven. */
void child_ended(struct child *, ha_time now);

/* A message has come. */
void child_heard(struct child *, ha_time now);

/* Asked once a second: has nothing come for CHILD_QUIET_MAX of them? Counted and not measured, so that nobody is
 * blamed for the time in which the machine, or who asks, slept as well. */
bool child_is_silent(struct child *);

void child_kill(struct child *); /* SIGKILL; child_ended when the kernel reports it */

const char *child_name(enum ipc_process); /* "guardian", "engine", "steward", "syncer", "reader" */

#endif
