/* addresses.c - see addresses.h. */
#include "agent/addresses.h"

#include <assert.h>
#include <string.h>

/* FNV-1a, with all bits of a family's unused bytes in it: they are zero. It guards against what came too early or too late,
 * not against somebody who wants two lists to have the same. */
uint64_t addresses_sum(const struct ha_address *vip, unsigned n)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	assert(n <= HA_VIP_MAX);
	for (unsigned i = 0; i < n; i++) {
		sum = (sum ^ vip[i].family) * UINT64_C(0x100000001b3);
		for (unsigned k = 0; k < sizeof(vip[i].b); k++)
			sum = (sum ^ vip[i].b[k]) * UINT64_C(0x100000001b3);
	}
	return sum;
}

bool addresses_are_recorded(const struct store_record *record, const struct config *config)
{
	if (!record->paired && record->vip_set)
		return record->vip_against == addresses_sum(config->vip, config->vip_n);
	return ha_address_count(record->vip, HA_VIP_MAX) > 0;
}

void addresses_of(const struct store_record *record, const struct config *config,
		  struct addresses *out)
{
	bool recorded = addresses_are_recorded(record, config);
	const struct ha_address *vip = recorded ? record->vip : config->vip;

	*out = (struct addresses){.n = recorded ? ha_address_count(record->vip, HA_VIP_MAX)
						: config->vip_n};
	memcpy(out->vip, vip, out->n * sizeof(*vip));
}

void addresses_record(struct store_record *record, const struct config *config,
		      const struct addresses *addresses)
{
	record->vip_set = true;
	record->vip_against = addresses_sum(config->vip, config->vip_n);
	memset(record->vip, 0, sizeof(record->vip));
	memcpy(record->vip, addresses->vip, addresses->n * sizeof(addresses->vip[0]));
}

void addresses_unrecord(struct store_record *record)
{
	record->vip_set = false;
	record->vip_against = 0;
	memset(record->vip, 0, sizeof(record->vip));
}

bool addresses_same(const struct addresses *addresses, const struct ha_address *vip, unsigned n)
{
	return addresses->n == n && memcmp(addresses->vip, vip, n * sizeof(*vip)) == 0;
}

bool addresses_have(const struct addresses *addresses, const struct ha_address *address)
{
	for (unsigned i = 0; i < addresses->n; i++)
		if (ha_address_equal(&addresses->vip[i], address))
			return true;
	return false;
}
