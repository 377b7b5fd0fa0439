/* loop.h - descriptors and one timer, served in one order: queues are drained before timers are
 * looked at.
 *
 * A process that slept must see what arrived meanwhile before it judges that nothing did. So the
 * timer callback runs only after every ready descriptor was served, and it is given a time that was
 * read before the last look at them: whatever had arrived by then has been handed to its callback.
 *
 * Callbacks drain their descriptor until it would block, or they are called again at once. They may
 * add and remove descriptors, their own too, and arm the timer. Nothing is allocated.
 */
#ifndef HA_AGENT_LOOP_H
#define HA_AGENT_LOOP_H

#include <signal.h>

#include "proto/types.h"

enum {
	LOOP_SOURCES_MAX = 64,
};

typedef void loop_fn(void *arg, uint32_t events); /* EPOLLIN, EPOLLERR, EPOLLHUP */
typedef void loop_timer_fn(void *arg, ha_time now);
typedef void loop_signal_fn(void *arg, int signal);

struct loop_source {
	int fd;              /* -1: free */
	uint32_t generation; /* an event for an earlier user of this slot is ignored */
	loop_fn *callback;
	void *arg;
};

struct loop {
	int epoll, timer, signals;
	ha_time at;        /* HA_NEVER: not armed */
	bool fired;        /* the timer has called back, and is still to be made quiet */
	ha_time waited_at; /* when this process last had to wait for something */
	uint64_t wakes;    /* calls of loop_run_once */
	loop_timer_fn *timer_callback;
	void *timer_arg;
	loop_signal_fn *signal_callback;
	void *signal_arg;
	struct loop_source source[LOOP_SOURCES_MAX];
};

ha_time loop_now(void); /* CLOCK_BOOTTIME */

/* 0 or -errno. The struct stays where it is until loop_close, which closes its own descriptors. */
int loop_init(struct loop *, loop_timer_fn *, void *arg);
void loop_close(struct loop *);

/* Watches fd for input. 0, -ENOSPC if there are LOOP_SOURCES_MAX already, other -errno.
 * loop_remove before fd is closed; it does nothing for a descriptor that is not watched. */
int loop_add(struct loop *, int fd, loop_fn *, void *arg);
void loop_remove(struct loop *, int fd);

/* Blocks the signals for the process and has them reported here. Once for each loop. 0 or
 * -errno. */
int loop_signals(struct loop *, const sigset_t *, loop_signal_fn *, void *arg);

/* Calls the timer callback once when `at` has come; HA_NEVER: not at all. The newest call
 * counts. Cheap to repeat. */
void loop_arm(struct loop *, ha_time at);

/* Waits for something to do and does it. 0 or -errno. */
int loop_run_once(struct loop *);

#endif
