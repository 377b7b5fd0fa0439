/* limit.h - how many frames are served, per path and per source MAC (SPEC 4.R14).
 *
 * Token buckets in fixed room. All zeros is a fresh struct limit.
 */
#ifndef HA_PROTO_LIMIT_H
#define HA_PROTO_LIMIT_H

#include "proto/types.h"

enum {
	LIMIT_PATH_HZ = 20,
	LIMIT_PATH_BURST = 20,
	LIMIT_SOURCE_HZ = 5,
	LIMIT_SOURCE_BURST = 5,
	LIMIT_SOURCES = 8, /* the one that was not seen for longest makes room */
};

struct limit_source {
	struct ha_mac mac;
	ha_time seen;
	ha_time full_at; /* when its bucket will be full again; in the past = it is full */
};

struct limit {
	ha_time full_at; /* of the path's bucket */
	struct limit_source source[LIMIT_SOURCES];
};

/* True if both buckets have a token for this sender; limit_charge() takes it. */
bool limit_allows(const struct limit *, ha_time now, const struct ha_mac *from);
void limit_charge(struct limit *, ha_time now, const struct ha_mac *from);

#endif
