/* ether.h - who else is on the link: the source address of every frame that arrives, whatever its protocol.
 *
 * The wire's own socket is given this protocol's frames only, and a bridge or another host speaks something else. This
 * one is a plain packet socket for all of them, also for those to somebody else (promiscuous), with the first bytes of
 * each copied and no more. It costs every frame of the interface a wake, so it is open for the seconds of a survey
 * (agent/survey.h) and no longer: no settings are synced then. Its buffer is small, and what does not fit in is lost:
 * one frame of a station is enough.
 *
 * CAP_NET_RAW is all it takes.
 */
#ifndef HA_AGENT_ETHER_H
#define HA_AGENT_ETHER_H

#include "proto/types.h"

enum {
	ETHER_BUDGET = 32, /* frames of one ether_read: a flood starves nobody */
	ETHER_BUFFER_LEN = 65536,
};

/* The fd, to be polled for input and closed by close(); or -ENODEV, -ENETDOWN, -EPERM, other -errno. */
int ether_open(const char *ifname);

/* The sources of what has arrived, oldest first. How many, 0 if nothing has; ETHER_BUDGET: there may be more. Frames that
 * this host sends are not among them, nor their echo. -errno: the interface has gone, or is down. */
int ether_read(int fd, struct ha_mac from[ETHER_BUDGET]);

#endif
