/* wire.h - whole Ethernet frames in and out of one interface, through libpcap.
 *
 * Non-blocking, immediate, filtered in the kernel: the link passes this protocol without its SYNC_*
 * messages, management passes ARP and neighbour discovery of others besides. What this host sends
 * itself is never read back. Frames carry the kernel's receive time on CLOCK_BOOTTIME. It is
 * stamped with the wall clock, which may be set at any moment: so it is never trusted beyond what
 * is certain, which is that a frame came after its queue was last seen empty, and before now.
 *
 * The link hears both of its groups, whichever it sends to: while two appliances meet they use either in turn, so
 * that a device that forwards between them shows. The frame's destination tells which it was.
 *
 * An interface may vanish and come back: wire_read then answers -ENODEV, and the caller closes and
 * opens anew.
 */
#ifndef HA_AGENT_WIRE_H
#define HA_AGENT_WIRE_H

#include <net/if.h>

#include "proto/types.h"

enum {
	WIRE_BUDGET = 256,   /* frames of one wire_read: a flood starves nobody */
	WIRE_ETHER_LEN = 14, /* destination, source, EtherType */
	WIRE_SNAP_LEN = 1024,
	WIRE_BUFFER_LEN = 262144,
	WIRE_PRIORITY = 6, /* SO_PRIORITY: before bulk data in every queue discipline */
};

struct pcap;

struct wire {
	struct pcap *pcap; /* NULL: not open */
	int fd;            /* to be polled for input; -1: not open */
	enum ha_path path;
	char ifname[IFNAMSIZ];
	struct ha_mac mac;    /* own */
	struct ha_mac group;  /* where the peer listens */
	ha_time empty_at;     /* the queue was seen empty then */
	uint64_t send_errors; /* frames that the kernel did not take */
	uint64_t opened;      /* how often it was opened */
};

typedef void wire_fn(void *arg, const uint8_t *frame, size_t len, ha_time heard_at);

/* Where the peer listens (SPEC 1.R2, 1.R3). direct: the nearest-bridge group, which no 802.1D
 * bridge forwards; else on the link the one that bridges do forward. */
struct ha_mac wire_group(enum ha_path, bool direct);

void wire_init(struct wire *, enum ha_path, const char *ifname, const struct ha_mac *group);

/* 0; -ENODEV: no such interface; -ENETDOWN: it is down; -EPERM; other -errno. It allocates and may
 * wait for the kernel. */
int wire_open(struct wire *, const struct ha_mac *own);
void wire_close(struct wire *); /* fine when not open */

/* Hands out what has arrived. 0: the queue is empty; 1: the budget is used up, there may be more;
 * -ENODEV: the interface is gone. */
int wire_read(struct wire *, wire_fn *, void *arg);

/* Writes the Ethernet header of a frame of this protocol; `to` NULL = the group. WIRE_ETHER_LEN
 * bytes. */
void wire_header(const struct wire *, const struct ha_mac *to, uint8_t *frame);

/* One whole frame. 0 or -errno, which is counted and never fatal: the wire may be unplugged at any
 * time. */
int wire_send(struct wire *, const uint8_t *frame, size_t len);

/* True if the interface exists and is administratively up; socket is any socket. */
bool wire_interface_up(int socket, const char *ifname);

#endif
