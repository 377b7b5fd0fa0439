/* segment.h - this node's own place on the management segment: its addresses and default gateways,
 * as netlink reports them.
 *
 * Fed with the monitor's events, it keeps what the identity states, what questions are asked from,
 * and which gateways serve as witnesses. Virtual addresses are not own ones: they are told apart by
 * address and by their tag. No I/O, no heap, no clock. What does not fit in is left out; an
 * appliance has few of both.
 */
#ifndef HA_AGENT_SEGMENT_H
#define HA_AGENT_SEGMENT_H

#include "netlink/monitor.h"
#include "proto/msg.h"
#include "proto/node_state.h"

enum {
	SEGMENT_ADDRESSES_MAX = 2 * HA_ADDRESS_MAX, /* link-local ones are kept besides */
};

struct segment_address {
	struct ha_address address; /* family 0: unused */
	uint8_t prefix_len;
	bool global;
	bool seen; /* in the resync under way */
};

struct segment_gateway {
	struct ha_address address;
	bool seen;
};

struct segment {
	char ifname[16];
	int ifindex; /* 0: absent */
	struct ha_mac mac;
	unsigned vip_n;
	struct ha_address vip[HA_VIP_MAX];
	bool stale; /* monitor_dump() is due: what was reported no longer tells all */
	struct segment_address address[SEGMENT_ADDRESSES_MAX];
	struct segment_gateway gateway[NODE_STATIONS_MAX];
};

/* What a call changed; bits. */
enum {
	SEGMENT_ADDRESSES = 1, /* what the identity states: addresses or MAC */
	SEGMENT_GATEWAYS = 2,
	SEGMENT_INTERFACE = 4, /* it has gone, or has come */
};

void segment_init(struct segment *, const char *ifname, int ifindex, const struct ha_mac *);
void segment_set_vips(struct segment *, const struct ha_address *, unsigned n);

/* Any event of the monitor, of any interface. Returns what it changed. */
unsigned segment_observe(struct segment *, const struct monitor_event *);

/* The own address to ask target from: of the same subnet if there is one, else of the same family.
 * NULL: none. */
const struct ha_address *segment_sender(const struct segment *, const struct ha_address *target);

/* Is it one of ours, whatever its scope? */
bool segment_owns(const struct segment *, const struct ha_address *);

void segment_identity(const struct segment *,
		      struct msg_prefix out[HA_ADDRESS_MAX]); /* global ones */
unsigned segment_gateways(const struct segment *, struct ha_address out[NODE_STATIONS_MAX]);

#endif
