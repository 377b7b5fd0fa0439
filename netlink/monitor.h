/* monitor.h - what changes on links, addresses and default routes, as the kernel reports it.
 *
 * A socket of its own, non-blocking, for any user. The kernel's queue can overflow; then everything
 * is read anew by a dump, announced by MONITOR_RESYNC_BEGIN and closed by MONITOR_RESYNC_END. In
 * between, each thing that exists is reported once or more as if it had just been added: what was
 * known before and is not reported again is gone. BEGIN may come again before END (another
 * overflow): start over. Changes that happen meanwhile are reported in their order, too.
 *
 * Datagrams that the kernel did not send are ignored and counted.
 */
#ifndef HA_NETLINK_MONITOR_H
#define HA_NETLINK_MONITOR_H

#include "netlink/address.h"

struct mnl_socket;

enum { /* what to watch */
	MONITOR_LINKS = 1,
	MONITOR_ADDRESSES = 2,
	MONITOR_ROUTES = 4,
	MONITOR_ALL = 7,
};

enum {
	MONITOR_READ_MAX = 64, /* datagrams of one monitor_read: a flood starves nobody */
	MONITOR_BUFFER_LEN = 32768,
};

enum monitor_type {
	MONITOR_LINK,
	MONITOR_ADDRESS,
	MONITOR_ROUTE,
	MONITOR_RESYNC_BEGIN,
	MONITOR_RESYNC_END,
};

struct monitor_link {
	int ifindex;
	char name[16];
	bool up;           /* by the administrator */
	bool carrier;      /* and the wire has a peer */
	bool gone;         /* deleted; its index never comes back */
	struct ha_mac mac; /* zero if it has none of six bytes */
};

/* A gateway of a default route in the main table. The kernel does not report IPv4 routes that
 * vanish together with their interface's going down: the monitor then dumps anew by itself. */
struct monitor_route {
	bool added;
	uint8_t family;            /* enum ha_family of the route */
	struct ha_address gateway; /* of an IPv4 route it may be an IPv6 address (RFC 5549) */
	int ifindex;
};

struct monitor_event {
	enum monitor_type type;
	union {
		struct monitor_link link;
		struct address_event address;
		struct monitor_route route;
	};
};

typedef void monitor_fn(const struct monitor_event *, void *arg);

struct monitor {
	struct mnl_socket *socket;
	uint32_t port; /* its address, which the answers to our dumps bear */
	unsigned what;
	unsigned pending; /* mask: dumps that are still to be made in this resync */
	unsigned running; /* the one under way, 0 if none */
	uint32_t seq;     /* its sequence number */
	bool begin;       /* MONITOR_RESYNC_BEGIN is due */
	bool resyncing;   /* and MONITOR_RESYNC_END after it */
	bool overflowed;  /* start over when the dump under way has ended */
	bool interrupted; /* the dump under way is not consistent: repeat it */
	uint64_t overflow_n, foreign_n, malformed_n;
	_Alignas(8) uint8_t buffer[MONITOR_BUFFER_LEN];
};

int monitor_open(struct monitor *, unsigned what); /* 0 or -errno */
void monitor_close(struct monitor *);              /* fine on a zeroed or closed one */
int monitor_fd(const struct monitor *);            /* to be polled for input */

/* Asks for everything; it arrives through monitor_read. While a dump is under way it starts over
 * after it. */
int monitor_dump(struct monitor *);

/* Takes what has arrived, at most MONITOR_READ_MAX datagrams. 0, also when there was nothing;
 * -errno when the socket is of no use any more. The callback must not call this module. */
int monitor_read(struct monitor *, monitor_fn *, void *arg);

/* One datagram of monitor_read, apart from the socket. */
void monitor_take(struct monitor *, const void *data, size_t len, uint32_t sender, monitor_fn *,
		  void *arg);

/* Decoding apart from the socket; 0, -ENOMSG (nothing of interest) or -EBADMSG.
 * monitor_decode_route calls back for each gateway. */
int monitor_decode_link(const void *message, size_t len, struct monitor_link *);
int monitor_decode_route(const void *message, size_t len, monitor_fn *, void *arg);

#endif
