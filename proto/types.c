#include "proto/types.h"

#include <string.h>

bool ha_mac_equal(const struct ha_mac *a, const struct ha_mac *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool ha_mac_is_zero(const struct ha_mac *a)
{
	static const struct ha_mac zero;

	return ha_mac_equal(a, &zero);
}

bool ha_mac_is_group(const struct ha_mac *a)
{
	return a->b[0] & 1;
}

size_t ha_address_len(const struct ha_address *a)
{
	return a->family == HA_IPV4 ? 4 : a->family == HA_IPV6 ? 16 : 0;
}

unsigned ha_address_count(const struct ha_address *list, unsigned max)
{
	unsigned n = 0;

	while (n < max && list[n].family != HA_FAMILY_NONE)
		n++;
	return n;
}

bool ha_address_equal(const struct ha_address *a, const struct ha_address *b)
{
	return a->family == b->family && memcmp(a->b, b->b, ha_address_len(a)) == 0;
}

bool ha_address_same_network(const struct ha_address *a, const struct ha_address *b, unsigned bits)
{
	size_t whole = bits / 8U;
	unsigned rest = bits % 8U;

	if (a->family != b->family || bits == 0 || bits > 8 * ha_address_len(a) ||
	    memcmp(a->b, b->b, whole) != 0)
		return false;
	return rest == 0 || (a->b[whole] ^ b->b[whole]) >> (8 - rest) == 0;
}

#define NAME_OF(table, i) ((size_t)(i) < sizeof(table) / sizeof(*(table)) ? (table)[i] : "?")

const char *ha_path_name(enum ha_path path)
{
	static const char *const names[] = {"link", "management"};

	return NAME_OF(names, path);
}

const char *ha_mode_name(enum ha_mode mode)
{
	static const char *const names[] = {"standalone", "primary (active)", "primary (passive)"};

	return NAME_OF(names, mode);
}

const char *ha_state_name(enum ha_state state)
{
	static const char *const names[] = {"initializing", "active",  "passive",
					    "suspended",    "faulted", "isolated"};

	return NAME_OF(names, state);
}

const char *ha_claim_name(enum ha_claim claim)
{
	static const char *const names[] = {"none", "taking", "holding", "resigned"};

	return NAME_OF(names, claim);
}
