/* plug.h - is the cable in? Asked hundreds of times a second, so without waiting for anybody.
 *
 * netlink/carrier.h gives the kernel's answer at once, but takes its rtnl lock, which somebody else
 * may hold for seconds: no place for the process that sends heartbeats. The kernel also counts each
 * change of carrier, where it happens and before it reports anything, and lets the count be read
 * without a lock (/sys/class/net/NAME/carrier_changes). So the state is asked once, and from then
 * on every change turns it over. Where there is no such file the answer is carrier_up()'s.
 */
#ifndef HA_AGENT_PLUG_H
#define HA_AGENT_PLUG_H

#include <net/if.h>

#include "netlink/carrier.h"

struct plug {
	char ifname[IFNAMSIZ];
	int fd;              /* of the count; -1: not open */
	bool up;             /* the driver's state ... */
	unsigned long count; /* ... when the count was this */
	bool running;        /* and the stack agreed: the answer, as long as the count stays */
};

void plug_init(struct plug *, const char *ifname);
void plug_close(struct plug *);
void plug_doubt(struct plug *); /* the interface has changed: its flags are looked at again */

/* 1: there is carrier, and the interface is up; 0: not, or there is no such interface. */
int plug_up(struct plug *, struct carrier *);

#endif
