/* addresses.h - which virtual IPs are this appliance's: the configuration's, the pair's, or those that an operator has set.
 *
 * Those of a pair are in its record. Without a pair what an operator has set (--virtual-ip), or a pair has left behind, goes
 * ahead of virtual_ip in the configuration until that changes: the record remembers against which one it was set. Engine, steward
 * and guardian go by the same rule, each with what it has.
 */
#ifndef HA_AGENT_ADDRESSES_H
#define HA_AGENT_ADDRESSES_H

#include "agent/config.h"
#include "agent/store.h"

struct addresses {
	unsigned n;
	struct ha_address vip[HA_VIP_MAX]; /* behind the last one: family none */
};

/* What is in the record counts, though it may be none; else the configuration's do. */
bool addresses_are_recorded(const struct store_record *, const struct config *);
/* What counts. */
void addresses_of(const struct store_record *, const struct config *, struct addresses *out);

/* Into the record, as set against this configuration; or nothing at all: the configuration's rule again. */
void addresses_record(struct store_record *, const struct config *, const struct addresses *);
void addresses_unrecord(struct store_record *);

bool addresses_same(const struct addresses *, const struct ha_address *vip, unsigned n);
bool addresses_have(const struct addresses *, const struct ha_address *);

/* A number that tells one list from another one: of the same list in the same order always the same. */
uint64_t addresses_sum(const struct ha_address *vip, unsigned n);

#endif
