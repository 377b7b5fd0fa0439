/* fence.h - the kernel's own lease on the virtual addresses.
 *
 * An nftables chain on the interface's way out drops what speaks for a virtual address: ARP with it
 * as sender, IP packets from it, and neighbour advertisements for it whatever their source. It lets
 * them pass only while the addresses are in a set whose elements time out, and which the guardian
 * renews. So a dead or stopped guardian falls silent by itself, to the millisecond, with no thread
 * to be scheduled and no lock to be waited for.
 *
 *	table netdev haagent_<ifname> {
 *		set vip4   { type ipv4_addr; flags constant; elements = { ... } }
 *		set lease4 { type ipv4_addr; flags timeout; }
 *		set vip6, lease6 alike
 *		chain out {
 *			type filter hook egress device <ifname> priority 0; policy accept;
 *			arp saddr ip @vip4 arp saddr ip != @lease4 drop
 *			ip saddr @vip4 ip saddr != @lease4 drop
 *			ip6 saddr @vip6 ip6 saddr != @lease6 drop
 *			icmpv6 type 136 icmpv6 target @vip6 icmpv6 target != @lease6 drop
 *		}
 *	}
 *
 * It stands on that one interface. Another one in the same segment answers ARP for any address of the
 * host, also while this is closed, unless its arp_ignore is 1.
 *
 * A timeout of T ms closes the fence after T at the latest, and up to one kernel tick (4 ms at
 * HZ=250) earlier. All calls: 0 or -errno; the wait is bounded as in exchange.h. Nothing is
 * allocated after fence_install.
 */
#ifndef HA_NETLINK_FENCE_H
#define HA_NETLINK_FENCE_H

#include "netlink/exchange.h"
#include "proto/types.h"

struct fence {
	struct exchange exchange;
	char ifname[16];
	char table[32];
	unsigned n;
	struct ha_address addresses[HA_VIP_MAX];
	unsigned hold_ms; /* what the renewal below was built for, 0: not built */
	size_t renewal_len;
	_Alignas(8) uint8_t renewal[2048];
};

/* Opens the socket and installs the fence, closed. -ENODEV: no such interface. -EOPNOTSUPP,
 * -EPROTONOSUPPORT or -ENOENT: this kernel has no such fence. After an error nothing is open. */
int fence_open(struct fence *, const char *ifname, const struct ha_address *, unsigned n);

/* Opens the socket to the fence that another program has left there, as it is. Whether it is there shows at the first
 * fence_hold(). */
int fence_adopt(struct fence *, const char *ifname, const struct ha_address *, unsigned n);

/* From the next fence_install() on it is for these. To close its socket and open another one would take the kernel some
 * grace periods, 15 ms. */
void fence_readdress(struct fence *, const struct ha_address *, unsigned n);

/* Replaces the table by a new, closed one, in one transaction: also after the interface was
 * recreated. */
int fence_install(struct fence *);

/* Opens the fence for timeout_ms (>= 1) from now, or renews it. -ENOENT: somebody removed the
 * table; install it. */
int fence_hold(struct fence *, unsigned timeout_ms);

int fence_shut(struct fence *); /* closes it now */
int fence_remove(
	struct fence *); /* deletes the table: nothing is held back any more; 0 if there is none */
void fence_close(struct fence *); /* the socket only: the table stays, and closes by its timeout */

#endif
