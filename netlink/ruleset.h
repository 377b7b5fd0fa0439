/* ruleset.h - the fence's table as one nf_tables transaction, built apart from any socket. See
 * fence.h for the rules.
 */
#ifndef HA_NETLINK_RULESET_H
#define HA_NETLINK_RULESET_H

#include "proto/types.h"

enum {
	RULESET_LEN_MAX = 16384
};

/* Writes the whole batch, with sequence numbers of 0: whatever table of this name there is,
 * replaced by a closed fence. *len is its length. 0 or -ENOMEM. The buffer holds RULESET_LEN_MAX
 * bytes and is aligned to 8. */
int ruleset_put_install(void *buffer, size_t *len, const char *table, const char *ifname,
			const struct ha_address *addresses, unsigned n);

/* Deletes the table; RULESET_LEASE_MAX bytes suffice. */
size_t ruleset_put_remove(void *buffer, const char *table);

/* The lease: empties the timed sets and, with timeout_ms > 0, puts all addresses into them, in one
 * transaction. It needs no heap and asks for one acknowledgement. RULESET_LEASE_MAX bytes suffice.
 */
enum {
	RULESET_LEASE_MAX = 2048
};
size_t ruleset_put_lease(void *buffer, const char *table, const struct ha_address *addresses,
			 unsigned n, unsigned timeout_ms);

#endif
