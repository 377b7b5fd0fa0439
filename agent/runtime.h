/* runtime.h - what the guardian opens and makes before it gives up the right to: once, at the
 * start.
 *
 * The runtime directory, a lock in it against a second daemon, the control socket for the engine,
 * the configuration as a sealed memory file, the memory of the flight recorder, and the program's own executable, from which children
 * are started even when the file has been replaced.
 */
#ifndef HA_AGENT_RUNTIME_H
#define HA_AGENT_RUNTIME_H

#include <sys/types.h>

#include "agent/config.h"

struct runtime {
	int executable; /* O_PATH */
	int config;     /* sealed */
	int directory;
	int lock;               /* of the runtime directory */
	int state;              /* ... of the state directory, or -1: it cannot be opened */
	int station;            /* ... of the management interface, in this network namespace */
	int control;            /* listening, non-blocking SOCK_SEQPACKET */
	int recorder, recorded; /* the flight recorder's memory, to be written and to be read */
	uid_t uid;              /* of the configured user */
	gid_t gid;
};

/* 0, or -errno after a line on stderr that says what is wrong. Nothing needs undoing then: the
 * caller exits. */
int runtime_open(struct runtime *, const struct config *);

/* Removes the control socket. The lock goes with the process. */
void runtime_close(struct runtime *);

/* A sealed memory file of it, or -errno after a line on stderr. */
int runtime_seal(const struct config *);

/* In a child: the configuration from IPC_FD_CONFIG. 0 or -errno. */
int runtime_config(struct config *out);

#endif
