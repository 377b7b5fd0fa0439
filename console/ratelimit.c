/* ratelimit.c - see ratelimit.h. */
#include "console/ratelimit.h"

static bool is_over(const struct ratelimit_entry *entry, ha_time now)
{
	ha_time from = entry->until > entry->failed ? entry->until : entry->failed;

	return entry->failures == 0 || now - from >= RATELIMIT_LAST;
}

/* NULL: nobody got in from there, or so many have since then from elsewhere. */
static struct ratelimit_entry *known(struct ratelimit *limit, const struct address *network)
{
	for (unsigned i = 0; i < RATELIMIT_KNOWN; i++)
		if (limit->known[i].passed != 0 && address_equal(&limit->known[i].network, network))
			return &limit->known[i];
	return NULL;
}

/* The entry of that network, or one that is free for it; else the common one. */
static struct ratelimit_entry *place(struct ratelimit *limit, const struct address *network,
				     ha_time now)
{
	struct ratelimit_entry *vacant = &limit->common, *own = known(limit, network);

	if (address_is_loopback(network))
		return &limit->local;
	if (own != NULL)
		return own;
	for (unsigned i = 0; i < RATELIMIT_MAX; i++) {
		struct ratelimit_entry *entry = &limit->entry[i];

		if (is_over(entry, now))
			vacant = entry;
		else if (address_equal(&entry->network, network))
			return entry;
	}
	return vacant;
}

ha_time ratelimit_wait(struct ratelimit *limit, const struct address *from, ha_time now)
{
	struct address network = address_network(from);
	const struct ratelimit_entry *entry = place(limit, &network, now);

	if (is_over(entry, now) || now >= entry->until)
		return 0;
	return entry->until - now;
}

void ratelimit_failed(struct ratelimit *limit, const struct address *from, ha_time now)
{
	struct address network = address_network(from);
	struct ratelimit_entry *entry = place(limit, &network, now);
	ha_time wait = RATELIMIT_FIRST;

	if (is_over(entry, now))
		*entry = (struct ratelimit_entry){.network = network, .passed = entry->passed};
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

/* In the place of the one that has not been used longest, with what has failed from there. */
static struct ratelimit_entry *get_to_know(struct ratelimit *limit, struct ratelimit_entry *entry,
					   const struct address *network)
{
	struct ratelimit_entry *oldest = &limit->known[0];

	for (unsigned i = 1; i < RATELIMIT_KNOWN; i++)
		if (limit->known[i].passed < oldest->passed)
			oldest = &limit->known[i];
	*oldest = *entry;
	oldest->network = *network;
	*entry = (struct ratelimit_entry){0};
	return oldest;
}

void ratelimit_passed(struct ratelimit *limit, const struct address *from, ha_time now)
{
	struct address network = address_network(from);
	struct ratelimit_entry *entry = place(limit, &network, now), none = {0};

	if (is_over(entry, now))
		return;
	entry->failures--;
	entry->until = now;
	if (entry == &limit->common)
		entry = get_to_know(limit, &none, &network);
	else if (entry != &limit->local && entry->passed == 0)
		entry = get_to_know(limit, entry, &network);
	entry->passed = now;
}
