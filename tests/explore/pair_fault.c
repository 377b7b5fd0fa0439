/* pair_fault.c - what happens to the pair, and what it costs; see pair.h. */
#include "tests/explore/pair.h"

enum {
	AT_ONCE = 2, /* things that happen at one moment */
};

struct fault {
	enum pair_price price;   /* PRICE_ALL: it costs nothing, for it mends */
	const char *text, *rest; /* the name of the machine stands between, if it is of one */
	bool of_each;            /* there is one for A and one for B */
	bool (*may)(const struct pair *, unsigned i);
	void (*happen)(struct pair *, unsigned i);
};

/* ---- machines ---- */

static bool may_fail(const struct pair *p, unsigned i)
{
	return p->m[i].powered && !p->m[i].paused;
}

static void power_off(struct pair *p, unsigned i)
{
	pair_power(p, i, false);
}

static bool is_off(const struct pair *p, unsigned i)
{
	return !p->m[i].powered;
}

static void power_on(struct pair *p, unsigned i)
{
	pair_power(p, i, true);
}

static bool may_stop(const struct pair *p, unsigned i)
{
	return pair_hears(p, i);
}

static bool is_dead(const struct pair *p, unsigned i)
{
	return p->m[i].powered && !p->m[i].running;
}

static void pause_engine(struct pair *p, unsigned i)
{
	p->m[i].paused = true;
	p->m[i].paused_since = p->now;
}

static void pause_all(struct pair *p, unsigned i)
{
	pause_engine(p, i);
	p->m[i].guardian_paused = true;
}

static bool is_paused(const struct pair *p, unsigned i)
{
	return p->m[i].paused && p->now > p->m[i].paused_since;
}

static void wake(struct pair *p, unsigned i)
{
	p->m[i].paused = p->m[i].guardian_paused = false;
	p->m[i].paused_since = 0;
}

/* ---- operators ---- */

static bool may_swap(const struct pair *p, unsigned i)
{
	return pair_hears(p, i) && p->m[i].node.lease.wanted;
}

static void swap(struct pair *p, unsigned i)
{
	(void)pair_tell(p, i, EV_OPERATOR);
}

/* ---- wires ---- */

static void carrier(struct pair *p, unsigned i, enum ha_path path, bool up)
{
	struct pair_message *m;

	if (!p->m[i].powered || !p->m[i].running)
		return;
	m = pair_tell(p, i, EV_CARRIER);
	m->path = (uint8_t)path;
	m->flag = up;
}

static bool is_link_uncut(const struct pair *p, unsigned i)
{
	return !p->cut[HA_PATH_LINK][i] && !p->pulled;
}

/* What is cut both ways is mended both ways. */
static bool is_link_cut(const struct pair *p, unsigned i)
{
	return p->cut[HA_PATH_LINK][i] && (i == A || !p->cut[HA_PATH_LINK][A]);
}

static void cut_link(struct pair *p, unsigned i)
{
	p->cut[HA_PATH_LINK][i] = true;
}

static void mend_link(struct pair *p, unsigned i)
{
	(void)i;
	p->cut[HA_PATH_LINK][A] = p->cut[HA_PATH_LINK][B] = false;
}

static bool is_link_whole(const struct pair *p, unsigned i)
{
	(void)i;
	return is_link_uncut(p, A) && is_link_uncut(p, B);
}

static void cut_link_both(struct pair *p, unsigned i)
{
	(void)i;
	cut_link(p, A);
	cut_link(p, B);
}

static void pull(struct pair *p, unsigned i)
{
	(void)i;
	p->pulled = true;
	carrier(p, A, HA_PATH_LINK, false);
	carrier(p, B, HA_PATH_LINK, false);
}

static bool is_pulled(const struct pair *p, unsigned i)
{
	(void)i;
	return p->pulled;
}

static void plug_in(struct pair *p, unsigned i)
{
	(void)i;
	p->pulled = false;
	carrier(p, A, HA_PATH_LINK, true);
	carrier(p, B, HA_PATH_LINK, true);
}

static bool is_segment_uncut(const struct pair *p, unsigned i)
{
	return !p->cut[HA_PATH_MANAGEMENT][i];
}

static bool is_segment_cut(const struct pair *p, unsigned i)
{
	return p->cut[HA_PATH_MANAGEMENT][i] && (i == A || !p->cut[HA_PATH_MANAGEMENT][A]);
}

static void split(struct pair *p, unsigned i)
{
	p->cut[HA_PATH_MANAGEMENT][i] = true;
}

static void unsplit(struct pair *p, unsigned i)
{
	(void)i;
	p->cut[HA_PATH_MANAGEMENT][A] = p->cut[HA_PATH_MANAGEMENT][B] = false;
}

static bool is_segment_whole(const struct pair *p, unsigned i)
{
	(void)i;
	return is_segment_uncut(p, A) && is_segment_uncut(p, B);
}

static void split_both(struct pair *p, unsigned i)
{
	(void)i;
	split(p, A);
	split(p, B);
}

static bool is_whole_between(const struct pair *p, unsigned i)
{
	return is_link_whole(p, i) && is_segment_whole(p, i);
}

/* SPEC 5.9: the cut that no rule can do anything about. */
static void cut_both(struct pair *p, unsigned i)
{
	cut_link_both(p, i);
	split_both(p, i);
}

static bool is_attached(const struct pair *p, unsigned i)
{
	return !p->m[i].isolated && !p->m[i].unplugged;
}

static bool is_isolated(const struct pair *p, unsigned i)
{
	return p->m[i].isolated;
}

static void isolate(struct pair *p, unsigned i)
{
	p->m[i].isolated = true;
}

static void attach(struct pair *p, unsigned i)
{
	p->m[i].isolated = false;
}

static bool is_unplugged(const struct pair *p, unsigned i)
{
	return p->m[i].unplugged;
}

static void unplug(struct pair *p, unsigned i)
{
	p->m[i].unplugged = true;
	carrier(p, i, HA_PATH_MANAGEMENT, false);
}

static void plug(struct pair *p, unsigned i)
{
	p->m[i].unplugged = false;
	carrier(p, i, HA_PATH_MANAGEMENT, true);
}

static const struct fault faults[] = {
	{PRICE_CRASH, "power of ", " fails", true, may_fail, power_off},
	{PRICE_CRASH, "the engine of ", " is killed", true, may_stop, pair_kill},
	{PRICE_PAUSE, "the engine of ", " is stopped", true, may_stop, pause_engine},
	{PRICE_PAUSE, "engine and guardian of ", " are stopped", true, may_stop, pause_all},
	{PRICE_SWAP, "an operator swaps at ", "", true, may_swap, swap},
	{PRICE_CUT, "the link is cut for what ", " sends", true, is_link_uncut, cut_link},
	{PRICE_CUT, "the link is cut", "", false, is_link_whole, cut_link_both},
	{PRICE_CUT, "the cable is pulled", "", false, is_link_whole, pull},
	{PRICE_CUT, "management is cut for what ", " sends to the other", true, is_segment_uncut,
	 split},
	{PRICE_CUT, "management is cut between the two", "", false, is_segment_whole, split_both},
	{PRICE_CUT, "both paths are cut", "", false, is_whole_between, cut_both},
	{PRICE_CUT, "management of ", " is cut from everybody", true, is_attached, isolate},
	{PRICE_CUT, "management of ", " has no carrier", true, is_attached, unplug},
	{PRICE_ALL, "", " is switched on", true, is_off, power_on},
	{PRICE_ALL, "the engine of ", " starts", true, is_dead, pair_boot},
	{PRICE_ALL, "", " goes on", true, is_paused, wake},
	{PRICE_ALL, "the link passes again", "", true, is_link_cut, mend_link},
	{PRICE_ALL, "the cable is plugged in", "", false, is_pulled, plug_in},
	{PRICE_ALL, "management passes again", "", true, is_segment_cut, unsplit},
	{PRICE_ALL, "management of ", " is attached again", true, is_isolated, attach},
	{PRICE_ALL, "management of ", " has carrier again", true, is_unplugged, plug},
};

enum {
	FAULTS = sizeof(faults) / sizeof(*faults),
};

static bool may_happen(const struct pair *p, unsigned code)
{
	const struct fault *f = &faults[code / 2];

	if (!f->of_each && code % 2)
		return false;
	if (f->price != PRICE_ALL && (!p->left[PRICE_ALL] || !p->left[f->price]))
		return false;
	return f->may(p, code % 2);
}

static void happen(struct pair *p, unsigned code)
{
	const struct fault *f = &faults[code / 2];

	pair_say(p, "%s%s%s", f->text, f->of_each && f->rest[0] ? pair_name(code % 2) : "",
		 f->rest);
	if (f->price != PRICE_ALL)
		pair_spend(p, f->price);
	p->vacant_since = HA_NEVER;
	f->happen(p, code % 2);
}

/* What is stopped goes on by itself after a while: what waits for it is kept. */
static void wake_late(struct pair *p)
{
	const struct node_timing *t = &pair_scenario->timing;

	for (unsigned i = A; i <= B; i++)
		if (p->m[i].paused && p->now - p->m[i].paused_since > 2 * t->dead + t->heartbeat) {
			pair_say(p, "%s goes on", pair_name(i));
			wake(p, i);
		}
}

/* Of several things at one moment the order is always the same: it makes no difference. */
void pair_faults(struct pair *p)
{
	unsigned least = 0;

	wake_late(p);
	for (unsigned k = 0; k < AT_ONCE; k++) {
		unsigned code[2 * FAULTS], n = 0, chosen;

		for (unsigned c = least; c < 2 * FAULTS; c++)
			if (may_happen(p, c))
				code[n++] = c;
		chosen = n > 0 ? search_choice(n + 1) : 0;
		if (chosen == 0)
			return;
		happen(p, code[chosen - 1]);
		least = code[chosen - 1] + 1;
	}
}

bool pair_is_whole(const struct pair *p)
{
	for (unsigned c = 0; c < 2 * FAULTS; c++) {
		const struct fault *f = &faults[c / 2];

		if (f->price == PRICE_ALL && (f->of_each || c % 2 == 0) &&
		    (f->may(p, c % 2) || p->m[c % 2].paused))
			return false;
	}
	return true;
}

void pair_heal(struct pair *p)
{
	for (unsigned i = 0; i < PRICE_N; i++)
		p->left[i] = 0;
	for (unsigned i = A; i <= B; i++)
		if (p->m[i].paused)
			wake(p, i);
	for (unsigned c = 0; c < 2 * FAULTS; c++)
		if (faults[c / 2].price == PRICE_ALL && may_happen(p, c))
			happen(p, c);
}
