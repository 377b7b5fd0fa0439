#include "proto/limit.h"

static const ha_time path_period = HA_SEC / LIMIT_PATH_HZ;
static const ha_time source_period = HA_SEC / LIMIT_SOURCE_HZ;

/* A bucket is the time at which it will be full: each token taken puts that off by one period. */
static bool has_token(ha_time full_at, ha_time now, ha_time period, int burst)
{
	return full_at <= now || full_at - now <= (burst - 1) * period;
}

static ha_time take_token(ha_time full_at, ha_time now, ha_time period)
{
	return (full_at > now ? full_at : now) + period;
}

static const struct limit_source *find(const struct limit *l, const struct ha_mac *mac)
{
	for (size_t i = 0; i < LIMIT_SOURCES; i++) {
		if (ha_mac_equal(&l->source[i].mac, mac))
			return &l->source[i];
	}
	return NULL;
}

static struct limit_source *find_or_replace(struct limit *l, const struct ha_mac *mac)
{
	struct limit_source *oldest = &l->source[0];

	for (size_t i = 0; i < LIMIT_SOURCES; i++) {
		if (ha_mac_equal(&l->source[i].mac, mac))
			return &l->source[i];
		if (l->source[i].seen < oldest->seen)
			oldest = &l->source[i];
	}
	*oldest = (struct limit_source){.mac = *mac};
	return oldest;
}

bool limit_allows(const struct limit *l, ha_time now, const struct ha_mac *from)
{
	const struct limit_source *s = find(l, from);

	return has_token(l->full_at, now, path_period, LIMIT_PATH_BURST) &&
	       (!s || has_token(s->full_at, now, source_period, LIMIT_SOURCE_BURST));
}

void limit_charge(struct limit *l, ha_time now, const struct ha_mac *from)
{
	struct limit_source *s = find_or_replace(l, from);

	l->full_at = take_token(l->full_at, now, path_period);
	s->full_at = take_token(s->full_at, now, source_period);
	s->seen = now;
}
