/* ratelimit.c - see ratelimit.h. */
#include "console/ratelimit.h"

static bool is_over(const struct ratelimit_entry *entry, ha_time now)
{
	ha_time from = entry->until > entry->failed ? entry->until : entry->failed;

	return entry->failures == 0 || now - from >= RATELIMIT_LAST;
}

/* The entry of that network; else the common one, if that is where it counts. */
static const struct ratelimit_entry *find(const struct ratelimit *limit,
					  const struct address *network, ha_time now)
{
	bool full = true;

	if (address_is_loopback(network))
		return &limit->local;
	for (unsigned i = 0; i < RATELIMIT_MAX; i++) {
		const struct ratelimit_entry *entry = &limit->entry[i];

		if (is_over(entry, now))
			full = false;
		else if (address_equal(&entry->network, network))
			return entry;
	}
	return full ? &limit->common : NULL;
}

ha_time ratelimit_wait(const struct ratelimit *limit, const struct address *from, ha_time now)
{
	struct address network = address_network(from);
	const struct ratelimit_entry *entry = find(limit, &network, now);

	if (entry == NULL || is_over(entry, now) || now >= entry->until)
		return 0;
	return entry->until - now;
}

/* The entry of that network, or one that is free for it; else the common one. */
static struct ratelimit_entry *place(struct ratelimit *limit, const struct address *network,
				     ha_time now)
{
	struct ratelimit_entry *vacant = &limit->common;

	if (address_is_loopback(network))
		return &limit->local;
	for (unsigned i = 0; i < RATELIMIT_MAX; i++) {
		struct ratelimit_entry *entry = &limit->entry[i];

		if (is_over(entry, now))
			vacant = entry;
		else if (address_equal(&entry->network, network))
			return entry;
	}
	return vacant;
}

void ratelimit_failed(struct ratelimit *limit, const struct address *from, ha_time now)
{
	struct address network = address_network(from);
	struct ratelimit_entry *entry = place(limit, &network, now);
	ha_time wait = RATELIMIT_FIRST;

	if (is_over(entry, now))
		*entry = (struct ratelimit_entry){.network = network};
	entry->failures++;
	entry->failed = now;
	if (entry->failures < RATELIMIT_FREE)
		return;
	for (unsigned i = RATELIMIT_FREE; i < entry->failures && wait < RATELIMIT_LAST; i++)
		wait *= 2;
	if (wait > RATELIMIT_LAST)
		wait = RATELIMIT_LAST;
	if (address_is_loopback(from) && wait > RATELIMIT_LOCAL)
		wait = RATELIMIT_LOCAL;
	entry->until = now + wait;
}

void ratelimit_passed(struct ratelimit *limit, const struct address *from, ha_time now)
{
	struct address network = address_network(from);
	struct ratelimit_entry *entry = place(limit, &network, now);

	if (is_over(entry, now))
		return;
	entry->failures--;
	entry->until = now;
}
