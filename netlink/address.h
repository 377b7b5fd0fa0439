/* address.h - rtnetlink address messages, encoded and decoded apart from any socket.
 *
 * A virtual address is put on as /32 or /128 with a finite valid lifetime, without a prefix route,
 * and so that it is never chosen as the source of anything: an IPv4 address has host scope, an IPv6
 * one a preferred lifetime of zero. Each carries ADDRESS_PROTO in IFA_PROTO, by which a later start
 * finds what an earlier one left behind.
 *
 * Pure: no socket, no clock, no heap. Buffers are aligned to four bytes.
 */
#ifndef HA_NETLINK_ADDRESS_H
#define HA_NETLINK_ADDRESS_H

#include "proto/types.h"

enum {
	ADDRESS_PROTO = 0x48,      /* IFA_PROTO of every address that this program adds */
	ADDRESS_MESSAGE_MAX = 128, /* bytes of the longest message built here */
};

struct address_event {
	bool added; /* RTM_NEWADDR, also for a renewal; false: RTM_DELADDR */
	int ifindex;
	struct ha_address address; /* the local one of a point-to-point interface */
	uint8_t prefix_len;
	uint8_t scope;    /* RT_SCOPE_* */
	uint8_t proto;    /* IFA_PROTO, 0 if the kernel gave none */
	uint32_t flags;   /* IFA_F_* */
	uint32_t valid_s; /* UINT32_MAX: for ever */
};

/* Each writes one message of at most ADDRESS_MESSAGE_MAX bytes with sequence number 0 and returns
 * its length, a multiple of 4. Add and delete ask for an acknowledgement. valid_s is from 1 to
 * UINT32_MAX - 1. */
size_t address_put_add(void *buffer, const struct ha_address *, int ifindex, uint32_t valid_s);
size_t address_put_delete(void *buffer, const struct ha_address *, uint8_t prefix_len, int ifindex);
size_t address_put_dump(void *buffer); /* all addresses of both families on all interfaces */

uint8_t address_prefix_len(const struct ha_address *); /* 32 or 128 */

/* Decodes the message at the front of len bytes. 0; -ENOMSG: of another type or family; -EBADMSG:
 * malformed. */
int address_decode(const void *message, size_t len, struct address_event *);

#endif
