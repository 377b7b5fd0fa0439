/* vip.h - the virtual addresses on their interface: the only place that adds or deletes them.
 *
 * All addresses go in one sendmsg and come back with one acknowledgement each. Nothing is allocated
 * after vip_open. The wait for acknowledgements is bounded (EXCHANGE_TIMEOUT_MS): -ETIMEDOUT then,
 * and late ones are skipped the next time. The sendmsg itself is not bounded: the kernel works
 * inside it, behind its rtnl lock. That is why the fence, which needs no rtnl lock, is the layer
 * above.
 *
 * The interface is followed by name: when the kernel does not know its index any more the name is
 * looked up once more. While it is absent adding answers -ENODEV, and there is nothing to delete.
 *
 * An acknowledged IPv4 address is on. An IPv6 address is on when its RTM_NEWADDR arrives at the
 * monitor, since a kernel worker installs its route after the acknowledgement: feed what the
 * monitor reports to vip_observe. Masks: bit i stands for addresses[i].
 */
#ifndef HA_NETLINK_VIP_H
#define HA_NETLINK_VIP_H

#include "netlink/address.h"
#include "netlink/exchange.h"

struct vip {
	struct exchange exchange;
	char ifname[16];
	int ifindex; /* 0: absent */
	uint32_t valid_s;
	unsigned n;
	struct ha_address addresses[HA_VIP_MAX];
	uint32_t on; /* mask of those known to be on the interface */
	_Alignas(8) uint8_t batch[HA_VIP_MAX * ADDRESS_MESSAGE_MAX];
};

/* 1 <= n <= HA_VIP_MAX; valid_s >= 1, and the kernel expires up to a second later. The interface
 * may be absent. */
int vip_open(struct vip *, const char *ifname, const struct ha_address *addresses, unsigned n,
	     unsigned valid_s);
void vip_close(struct vip *); /* leaves the addresses; fine on a zeroed or closed one */

/* Adds all, or renews their lifetime without taking them off. 0 when all are acknowledged, else the
 * first error; *acked (may be NULL) is the mask of those acknowledged. */
int vip_add(struct vip *, uint32_t *acked);

/* Deletes all; one that is not there, or whose interface is not there, counts as deleted. *gone as
 * above. */
int vip_delete(struct vip *, uint32_t *gone);

/* One address, for restoring what somebody else removed. i < n. */
int vip_add_one(struct vip *, unsigned i);

/* -EADDRINUSE if this host has one of the addresses by somebody else's doing: to add it would shorten
 * that one's life (IPv6), and the fence would cut the host off. Else 0 or -errno. */
int vip_check(struct vip *);

/* At start: deletes every address tagged ADDRESS_PROTO from all interfaces. How many, or -errno. */
int vip_sweep(struct vip *);

/* The monitor saw the interface: its index, or 0 when it is gone. A change empties `on`. */
void vip_set_ifindex(struct vip *, int ifindex);

/* Takes note of what the monitor saw. The index of the address if the event concerns one of ours on
 * our interface, else -1. An address that is removed or still tentative is not on. */
int vip_observe(struct vip *, const struct address_event *);

uint32_t vip_all(const struct vip *); /* the mask with every address's bit */

#endif
