/* notify.h - sd_notify(3) by hand: one datagram to the socket that the service manager named.
 *
 * Without a service manager every call does nothing. The socket is connected once, at the start,
 * and never blocks.
 */
#ifndef HA_AGENT_NOTIFY_H
#define HA_AGENT_NOTIFY_H

#include "proto/types.h"

struct notify {
	int fd;           /* -1: nobody listens */
	char name[108];   /* of the socket */
	ha_time interval; /* of WATCHDOG=1: half of what the manager allows; 0: no watchdog */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them from the environment:
 * they are not for children. */
void notify_open(struct notify *);

/* Back into the environment, for another program in the place of this one. */
void notify_restore(const struct notify *);

/* RELOADING=1 and what belongs to it; READY=1 ends it. */
void notify_reloading(const struct notify *);

/* "READY=1", "WATCHDOG=1", "STOPPING=1". */
void notify_send(const struct notify *, const char *state);

#endif
