/* invariant.c - see invariant.h: those that take time. The others are checked where they can be broken. */
#include "tests/sim/world.h"

enum {
	HEARTBEATS_HEARD = 4, /* Y5: three, and the one that says so */
};

#define REFRESH (60 * HA_SEC) /* SPEC 5.A2 */

const char *invariant_name(enum invariant i)
{
	static const char *const name[INV_N] = {
		[INV_NONE] = "none",           [INV_ANNOUNCED] = "announced",
		[INV_DUAL] = "dual",           [INV_HEALED] = "healed",
		[INV_NOBODY] = "nobody",       [INV_FIRST_SYNC] = "first sync",
		[INV_TERM] = "term",           [INV_PARTIAL] = "partial",
		[INV_BARRIER] = "barrier",     [INV_SPIN] = "spin",
		[INV_ACTIONS] = "actions",     [INV_SWITCH] = "switch",
		[INV_ELIGIBLE] = "eligible",   [INV_PARTED] = "parted",
		[INV_ADDRESSES] = "addresses", [INV_WIRE] = "wire",
		[INV_ASSERT] = "assert",       [INV_WORLD] = "world",
	};

	return i < INV_N ? name[i] : "?";
}

void invariant_init(struct world *w)
{
	w->watch.torn = w->now;
	w->watch.dual = HA_NEVER;
	for (int i = A; i <= B; i++)
		w->watch.ready[i] = w->watch.clear[i] = HA_NEVER;
}

static ha_time longest_answer(const struct world *w)
{
	ha_time most = 0;

	for (int i = A; i <= B; i++) {
		ha_time answer = w->n[i].guardian.delay + 4 * w->n[i].guardian.slow;

		most = answer > most ? answer : most;
	}
	return most;
}

/* It takes D to take over in spite of a cut, and what the guardian needs. */
ha_time invariant_dual_onset(const struct world *w)
{
	return 2 * w->timing.dead + 2 * longest_answer(w);
}

ha_time invariant_dual_most(const struct world *w)
{
	return HEARTBEATS_HEARD * w->timing.heartbeat + 2 * longest_answer(w) + 5 * HA_MS;
}

/* T4a at the worse of two, and the wait for a witness that is silent. */
ha_time invariant_nobody_most(const struct world *w)
{
	return 4 * HA_SEC + 10 * w->timing.dead;
}

/* --- two hold --- */

static bool is_whole(const struct world *w, enum ha_path path, int from, int to)
{
	const struct world_wire *wire = &w->wire[path][from][to];

	return !wire->cut && wire->loss == 0 && wire->jitter == 0 &&
	       wire->delay <= w->timing.heartbeat / 4;
}

static bool is_awake(const struct world *w, int i)
{
	const struct world_node *n = &w->n[i];

	return n->running && w->now >= n->blocked_until && w->now >= n->frozen_until &&
	       w->now >= n->guardian.blocked_until && !n->guardian.dead && !n->resigned_lost &&
	       !n->taking_lost;
}

/* Both run, and some path connects them in both directions. */
static bool is_connected(const struct world *w)
{
	if (!is_awake(w, A) || !is_awake(w, B))
		return false;
	for (int k = 0; k < HA_PATH_N; k++) {
		enum ha_path path = k ? HA_PATH_MANAGEMENT : HA_PATH_LINK;

		if (w->n[A].carrier[k] && w->n[B].carrier[k] && is_whole(w, path, A, B) &&
		    is_whole(w, path, B, A) && world_has_session(w, A, path) &&
		    world_has_session(w, B, path))
			return true;
	}
	return false;
}

/* A pair that has ended is two appliances: what holds for them is in SPEC 5.9, "after --remove". */
static bool is_pair(const struct world *w)
{
	return w->n[A].store.paired && w->n[B].store.paired;
}

static void check_dual(struct world *w)
{
	struct watch *t = &w->watch;
	bool dual = world_holder(w) == BOTH;

	if (!is_connected(w) || !is_pair(w))
		t->torn = w->now;
	if (!dual) {
		t->dual = HA_NEVER;
		return;
	}
	if (t->dual == HA_NEVER) {
		t->dual = w->now;
		if (w->now - t->torn > invariant_dual_onset(w))
			world_broken(w, INV_DUAL, "both hold, and nothing excuses it");
	}
	if (w->now - t->torn > invariant_dual_most(w) && w->now - t->dual > invariant_dual_most(w))
		world_broken(w, INV_DUAL, "both still hold, and hear each other");
}

/* --- nobody holds --- */

/* Nothing that is known to the world, or to the node itself, keeps it from holding. */
static bool is_ready(const struct world *w, int i)
{
	const struct world_node *n = &w->n[i];
	enum ha_path m = HA_PATH_MANAGEMENT;

	return is_awake(w, i) && n->powered && n->carrier[m] && !n->guardian.failing &&
	       !n->guardian.absent && !n->guardian.slow && !n->store.failing && n->store.paired &&
	       !w->station_silent && !w->third_party && is_whole(w, m, i, STATION) &&
	       is_whole(w, m, STATION, i) && !n->node.check_failing &&
	       node_why_not(&n->node, world_local(w, i, w->now)) == 0;
}

/* Frames that come and go tell a node now this, now that. */
static bool is_steady(const struct world *w)
{
	for (int path = 0; path < HA_PATH_N; path++)
		for (int i = A; i <= B; i++)
			if (w->wire[path][i][1 - i].loss != 0 ||
			    w->wire[path][i][1 - i].jitter != 0 ||
			    w->wire[path][i][1 - i].delay > w->timing.heartbeat / 4)
				return false;
	return !w->n[A].resigned_lost && !w->n[A].taking_lost && !w->n[B].resigned_lost &&
	       !w->n[B].taking_lost;
}

static void check_nobody(struct world *w)
{
	bool nobody = w->holder == NOBODY && is_steady(w) && is_pair(w);

	for (int i = A; i <= B; i++) {
		ha_time *since = &w->watch.ready[i];

		if (!nobody || !is_ready(w, i))
			*since = HA_NEVER;
		else if (*since == HA_NEVER)
			*since = w->now;
		else if (w->now - *since > invariant_nobody_most(w))
			world_broken(w, INV_NOBODY, "nobody holds, and a ready node waits");
	}
}

/* --- who answers the client --- */

/* Its way to the client was whole when it announced itself last. */
static bool is_clear(const struct world *w, int i)
{
	const struct world_node *n = &w->n[i];

	return w->holder == i && is_awake(w, i) && n->carrier[HA_PATH_MANAGEMENT] &&
	       is_whole(w, HA_PATH_MANAGEMENT, i, STATION) && n->guardian.on == 3 &&
	       n->guardian.slow == 0;
}

/* Whoever held after this one began, and is not heard to have done so, cannot be known of: until all is said anew. */
static bool is_unknown(const struct world *w, int h)
{
	const struct watch *t = &w->watch;

	return t->torn == w->now && t->held[1 - h] >= w->n[h].promoted_at &&
	       w->now - t->held[1 - h] < REFRESH;
}

static void check_switch(struct world *w)
{
	const struct watch *t = &w->watch;
	int h = w->holder;
	ha_time since;

	for (int i = A; i <= B; i++)
		if (!is_clear(w, i))
			w->watch.clear[i] = HA_NEVER;
		else if (w->watch.clear[i] == HA_NEVER)
			w->watch.clear[i] = w->now;
	for (int i = A; i <= B; i++)
		if (h == i || h == BOTH)
			w->watch.held[i] = w->now;
	if (h < 0 || is_unknown(w, h))
		return;
	since = t->torn > w->held_at && t->torn < w->now ? t->torn : w->held_at;
	if (w->now - since <= 2 * w->timing.heartbeat + 150 * HA_MS)
		return;
	if (t->clear[h] == HA_NEVER ||
	    (t->clear[h] > w->held_at && w->now - t->clear[h] < REFRESH + HA_SEC))
		return; /* what it said went nowhere */
	for (unsigned v = 0; v < WORLD_VIPS; v++)
		if (w->learned[v] != h)
			world_broken(w, INV_SWITCH, "the client's packets go elsewhere");
}

void invariant_check(struct world *w)
{
	if (!w->watched)
		return;
	check_dual(w);
	check_nobody(w);
	check_switch(w);
	for (int i = A; i <= B && w->mirrored; i++)
		mirror_check(w, i);
}
