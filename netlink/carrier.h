/* carrier.h - does the wire have a peer? Asked directly, since the kernel may hold back its own
 * report of a loss for up to a second when several came in a row.
 *
 * Two ioctls, no heap, for any user; both the driver (ETHTOOL_GLINK) and the stack (IFF_UP,
 * IFF_RUNNING) must say yes.
 */
#ifndef HA_NETLINK_CARRIER_H
#define HA_NETLINK_CARRIER_H

#include "proto/types.h"

struct carrier {
	int fd;
};

int carrier_open(struct carrier *); /* 0 or -errno */
void carrier_close(struct carrier *);

/* ifname as in the config, up to 15 characters. */
int carrier_up(struct carrier *, const char *ifname); /* 1 up, 0 down, -ENODEV or other -errno */
int carrier_ifindex(struct carrier *, const char *ifname);              /* > 0, or -ENODEV */
int carrier_mac(struct carrier *, const char *ifname, struct ha_mac *); /* 0 or -errno */

#endif
