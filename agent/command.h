/* command.h - one command of the configuration, run and watched: a check, its recovery, or a hook.
 *
 * /bin/sh -c in a session and process group of its own, with nothing on its standard input, the
 * environment that it is given, and its output caught: the end of it is kept, the rest is read and
 * forgotten, so that neither a flood nor a full pipe matters. When its time is over the whole group
 * is told SIGTERM and, COMMAND_MERCY later, killed; what is left of its group when the shell has
 * ended, in time or not, is killed at once. What escaped into another session is not followed.
 *
 * One that even SIGKILL does not end (it waits for a disk) is reported after another COMMAND_MERCY
 * and let be: nothing else is started in its place until it is gone. When this process dies the
 * kernel kills the shell with it.
 *
 * For the steward only: it has the rights of this process, no more, no less. Nothing here waits.
 */
#ifndef HA_AGENT_COMMAND_H
#define HA_AGENT_COMMAND_H

#include <sys/types.h>

#include "agent/loop.h"

#define COMMAND_MERCY HA_SEC

enum {
	COMMAND_OUTPUT_MAX = 256, /* of the end of its output */
	COMMAND_ENVIRONMENT_MAX = 16,
};

/* Stored nowhere; in IPC_CHECK and IPC_HOOK. */
enum command_outcome {
	COMMAND_NONE = 0,  /* did not run yet */
	COMMAND_PASSED,    /* exit status 0 */
	COMMAND_FAILED,    /* another exit status, or a signal: status is negative then */
	COMMAND_MISSING,   /* 126 or 127: there is no such command, or it cannot be run */
	COMMAND_TIMEOUT,   /* it did not end in time; status as it ended, 0 if it is stuck */
	COMMAND_UNSTARTED, /* this machine could not start it: status is -errno */
	COMMAND_OUTCOME_N,
};

enum command_phase {
	COMMAND_IDLE = 0,
	COMMAND_RUNS,
	COMMAND_ASKED,  /* its time is over: SIGTERM was sent */
	COMMAND_KILLED, /* SIGKILL was sent */
	COMMAND_STUCK,  /* as before, and nobody waits for it any more */
};

struct command {
	struct loop *loop;
	enum command_phase phase;
	pid_t pid;            /* valid unless idle */
	int pidfd, output;    /* -1: none */
	ha_time started, due; /* due: when the phase is over; HA_NEVER when idle or stuck */
	char text[COMMAND_OUTPUT_MAX];             /* the newest of its output, a ring */
	size_t text_n;                             /* bytes of output so far */
	void (*done)(void *arg, struct command *); /* may start it anew */
	void *arg;
	/* valid in done() */
	enum command_outcome outcome;
	int status;
	ha_time took;
};

/* The process must not ignore SIGCHLD. */
void command_init(struct command *, struct loop *, void (*done)(void *, struct command *),
		  void *arg);

/* argument: "$1" in the line, or NULL. environment: "NAME=value" strings, NULL at the end, up to
 * COMMAND_ENVIRONMENT_MAX; PATH and LANG are added. 0; -EBUSY: the last one is stuck; other -errno:
 * then done() is not called. Not while one is running. */
int command_start(struct command *, const char *line, const char *argument,
		  char *const environment[], ha_time timeout, ha_time now);
bool command_running(const struct command *);     /* done() is to be expected */
ha_time command_deadline(const struct command *); /* when command_timer() is due, or HA_NEVER */
void command_timer(struct command *, ha_time now);
void command_kill(struct command *); /* its group, at once; done() is not called */

/* Its output's end, on one line (text_tail()). */
void command_output(const struct command *, char *out, size_t cap);

/* "none", "passed", "failed", "missing", "timeout", "unstarted" */
const char *command_outcome_name(enum command_outcome);

#endif
