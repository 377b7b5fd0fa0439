/* keeper.h - the virtual addresses in the guardian's hands: the lease's rules (hold.h) with the
 * kernel that they act on (netlink/vip.h, netlink/fence.h) and what the kernel reports
 * (netlink/monitor.h).
 *
 * The interface is followed by name: gone, it ends a lease; back, it gets a new fence, since a
 * netdev chain dies with its device. Other addresses take effect when nothing is held: at once, or
 * after the drop. An address that this host has by somebody else's doing is not taken on.
 */
#ifndef HA_AGENT_KEEPER_H
#define HA_AGENT_KEEPER_H

#include <net/if.h>

#include "agent/hold.h"
#include "netlink/fence.h"
#include "netlink/monitor.h"
#include "netlink/vip.h"

/* IPC_LEASE, for the engine. */
typedef void keeper_answer_fn(void *arg, const struct ipc_message *);

struct keeper {
	char ifname[IFNAMSIZ];
	struct hold hold;
	struct hold_kernel kernel;
	struct vip vip;
	bool vip_open; /* there are addresses */
	struct fence fence;
	bool fence_open;   /* its socket */
	bool fenced;       /* it is in place */
	int fence_error;   /* why not; 1: not tried yet */
	int fence_ifindex; /* on this interface: its chain dies with it */
	struct monitor monitor;
	int ifindex;       /* as the monitor reported it; 0: absent */
	bool link_seen;    /* in this resync */
	uint32_t seen;     /* mask of addresses, likewise */
	unsigned wanted_n; /* addresses to switch to when nothing is held */
	struct ha_address wanted[HA_VIP_MAX];
	int address_error; /* why they could not be taken on */
	keeper_answer_fn *answer;
	void *arg;
};

/* Sweeps addresses that an earlier guardian left, on any interface. 0 or -errno; a missing fence
 * is no error. n may be 0. */
int keeper_open(struct keeper *, const char *ifname, const struct ha_address *, unsigned n,
		keeper_answer_fn *, void *arg);

/* The same in the place of another program that held these addresses until then (keeper_bridge): they are left where they
 * are, and the fence as it is. */
int keeper_adopt(struct keeper *, const char *ifname, const struct ha_address *, unsigned n,
		 ha_time held_until, keeper_answer_fn *, void *arg);

/* What is held stays on until then, whatever becomes of the engine. False: nothing is. */
bool keeper_bridge(struct keeper *, ha_time until);

/* Withdraws, removes the fence unless an address could not be removed, closes. */
void keeper_close(struct keeper *);

/* False, and nothing changes, if one of them can be no virtual address. n may be 0. */
bool keeper_set_addresses(struct keeper *, const struct ha_address *, unsigned n);

/* IPC_HOLD or IPC_RELEASE. Addresses are told by the steward and held for the engine, which come by two ways: a hold that
 * means others than those that are at hand puts nothing on, and fails. */
void keeper_request(struct keeper *, const struct ipc_message *);
bool keeper_means(const struct keeper *, const struct ipc_message *); /* ... does it mean these? */
void keeper_new_engine(struct keeper *);                              /* withdraws */

int keeper_fd(const struct keeper *); /* to be watched for input */
int keeper_read(struct keeper *); /* 0, or -errno: the kernel's reports cannot be had any more */

void keeper_timer(struct keeper *);
ha_time keeper_next(const struct keeper *);

#endif
