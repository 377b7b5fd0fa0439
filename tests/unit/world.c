/* world.c - time, wires and faults; see world.h. */
#include "tests/unit/world.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	STEPS_AT_ONCE = 2000, /* without time passing: a loop */
};

/* --- story --- */

static void append(char *text, size_t *len, const char *line)
{
	size_t add = strlen(line);

	if (*len + add + 1 >= WORLD_STORY) { /* the older half goes */
		size_t half = *len / 2;

		memmove(text, text + half, *len - half);
		*len -= half;
	}
	memcpy(text + *len, line, add + 1);
	*len += add;
}

void world_tell(struct world *w, const char *format, ...)
{
	char line[128], timed[160];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	snprintf(timed, sizeof(timed), "%9.3f %s\n", (double)w->now / (double)HA_MS, line);
	append(w->trace, &w->trace_len, timed);
	append(w->story, &w->story_len, line);
	append(w->story, &w->story_len, "\n");
}

void world_forget(struct world *w)
{
	w->story_len = w->trace_len = 0;
	append(w->story, &w->story_len, "\n");
	append(w->trace, &w->trace_len, "\n");
}

unsigned world_count(const struct world *w, const char *line)
{
	char whole[160];
	unsigned n = 0;

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	for (const char *at = w->story; (at = strstr(at, whole)); at++)
		n++;
	return n;
}

bool world_saw(const struct world *w, const char *line)
{
	return world_count(w, line) > 0;
}

ha_time world_when(const struct world *w, const char *line)
{
	char whole[160];
	const char *found = NULL;
	double ms = 0;

	snprintf(whole, sizeof(whole), " %s\n", line);
	for (const char *at = w->trace; (at = strstr(at, whole)); at++)
		found = at;
	if (!found)
		return -1;
	while (found > w->trace && found[-1] != '\n')
		found--;
	if (sscanf(found, "%lf", &ms) != 1)
		return -1;
	return (ha_time)(ms * 1000 + 0.5) * HA_US;
}

void world_fail(const struct world *w, const char *what)
{
	cr_assert_fail("%.3f ms: %s\n%s", (double)w->now / (double)HA_MS, what, w->trace);
}

/* --- chance and time --- */

uint64_t world_chance(struct world *w, uint64_t below)
{
	w->chance ^= w->chance << 13;
	w->chance ^= w->chance >> 7;
	w->chance ^= w->chance << 17;
	return w->chance % below;
}

ha_time world_local(const struct world *w, int i, ha_time at)
{
	return at + w->n[i].base;
}

static ha_time later(ha_time a, ha_time b)
{
	return a > b ? a : b;
}

static ha_time sooner(ha_time a, ha_time b)
{
	return a < b ? a : b;
}

bool world_holds(const struct world *w, int i)
{
	const struct world_node *n = &w->n[i];
	const struct world_guardian *g = &n->guardian;

	return n->powered && g->on && w->now < g->valid_until &&
	       (!g->fence || w->now < g->fence_until) && w->now >= n->frozen_until;
}

int world_holder(const struct world *w)
{
	bool a = world_holds(w, A), b = world_holds(w, B);

	return a && b ? BOTH : a ? A : b ? B : NOBODY;
}

static ha_time mute_at(const struct world_guardian *g)
{
	return g->fence ? sooner(g->fence_until, g->valid_until) : g->valid_until;
}

static void advance(struct world *w, ha_time to)
{
	if (world_holder(w) == BOTH)
		w->dual +=
			sooner(to, sooner(mute_at(&w->n[A].guardian), mute_at(&w->n[B].guardian))) -
			w->now;
	w->now = to;
}

/* --- messages --- */

struct world_message *world_post(struct world *w, enum world_kind kind, int to, ha_time at)
{
	struct world_message *m;

	if (w->messages == WORLD_MESSAGES)
		world_fail(w, "too much under way");
	m = &w->message[w->messages++];
	memset(m, 0, sizeof(*m));
	m->kind = kind;
	m->to = to;
	m->at = at;
	m->order = ++w->order;
	return m;
}

bool world_passes(struct world *w, enum ha_path path, int from, int to)
{
	const struct world_wire *wire = &w->wire[path][from][to];

	if (from != STATION && !w->n[from].carrier[path])
		return false;
	if (to != STATION && (!w->n[to].carrier[path] || !w->n[to].powered))
		return false;
	return !wire->cut && (!wire->loss || world_chance(w, 100) >= wire->loss);
}

/* Whoever it is for may be stopped. */
static ha_time due(const struct world *w, const struct world_message *m)
{
	if (m->to == STATION || m->kind == QUESTION || m->kind == TO_STORE)
		return m->at;
	return later(m->at, m->kind == TO_GUARDIAN ? w->n[m->to].guardian.blocked_until
						   : w->n[m->to].blocked_until);
}

static unsigned first_message(const struct world *w, ha_time *at)
{
	unsigned first = w->messages;

	*at = HA_NEVER;
	for (unsigned i = 0; i < w->messages; i++) {
		const struct world_message *m = &w->message[i];
		ha_time t = due(w, m);

		if (first == w->messages || t < *at ||
		    (t == *at &&
		     (m->at < w->message[first].at ||
		      (m->at == w->message[first].at && m->order < w->message[first].order)))) {
			first = i;
			*at = t;
		}
	}
	return first;
}

static void deliver(struct world *w, unsigned i)
{
	static struct world_message m;

	m = w->message[i];
	w->message[i] = w->message[--w->messages];
	world_deliver(w, &m);
}

/* The next timer of an engine or a guardian, after the messages of the same moment. */
static bool timer(struct world *w, ha_time until)
{
	ha_time at = HA_NEVER;
	int who = 0;

	for (int i = A; i <= B; i++) {
		const struct world_node *n = &w->n[i];
		const struct world_guardian *g = &n->guardian;
		ha_time engine = later(node_deadline(&n->node) - n->base, n->blocked_until);
		ha_time guardian = later(g->deadline, g->blocked_until);

		if (n->running && engine < at) {
			at = engine;
			who = i;
		}
		if (n->powered && g->lease && !g->dead && guardian < at) {
			at = guardian;
			who = i + 2;
		}
	}
	if (at >= until)
		return false;
	advance(w, later(at, w->now));
	if (who < 2)
		world_engine_step(w, who, &(struct node_event){.type = EV_TIMER});
	else
		world_guardian_expire(w, who - 2);
	return true;
}

void world_check_holders(struct world *w)
{
	int holder = world_holder(w);

	if (holder == BOTH && !w->dual_allowed)
		world_fail(w, "both hold");
	if (holder != w->holder) {
		w->holder = holder;
		w->held_at = w->now;
	}
}

/* One thing that happens before `until`, which is the end of the run or the moment it waits for. */
static bool happen(struct world *w, ha_time until)
{
	ha_time at;
	unsigned m = first_message(w, &at);

	if (m < w->messages && at <= until) {
		if (timer(w, later(at, w->now)))
			return true;
		advance(w, later(at, w->now));
		deliver(w, m);
		return true;
	}
	return timer(w, until + 1);
}

static void run_until(struct world *w, ha_time end, int holder)
{
	unsigned at_once = 0;
	ha_time before = w->now;

	while (holder == WORLD_STATIONS || world_holder(w) != holder) {
		if (!happen(w, end)) {
			advance(w, end);
			return;
		}
		world_check_holders(w);
		at_once = w->now == before ? at_once + 1 : 0;
		before = w->now;
		if (at_once > STEPS_AT_ONCE)
			world_fail(w, "time stands still");
	}
}

void world_run(struct world *w, ha_time duration)
{
	run_until(w, w->now + duration, WORLD_STATIONS);
}

bool world_until_holder(struct world *w, int holder, ha_time within)
{
	run_until(w, w->now + within, holder);
	return world_holder(w) == holder;
}

void world_init(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->now = HA_SEC;
	w->chance = seed * 0x9e3779b97f4a7c15 + 1;
	w->holder = NOBODY;
	w->timing = (struct node_timing){.heartbeat = 20 * HA_MS,
					 .dead = 100 * HA_MS,
					 .confirm = 5 * HA_MS,
					 .boot_wait = 3 * HA_SEC,
					 .boot_wait_passive = 30 * HA_SEC};
	for (int path = 0; path < HA_PATH_N; path++)
		for (int from = A; from < WORLD_STATIONS; from++)
			for (int to = A; to < WORLD_STATIONS; to++)
				w->wire[path][from][to].delay = 50 * HA_US;
	for (int i = A; i <= B; i++) {
		struct world_node *n = &w->n[i];

		n->guardian.delay = 100 * HA_US;
		n->guardian.fence = true;
		n->guardian.want = 3;
		n->store.delay = 2 * HA_MS;
		n->store.paired = n->store.readable = true;
		n->store.boot = 10;
		n->store.disk = (struct node_durable){
			.term = 2,
			.held_term = i == A ? 2 : 0,
			.reserved = i == A ? 2 : 1,
			.mode = i == A ? HA_MODE_PRIMARY_ACTIVE : HA_MODE_PRIMARY_PASSIVE,
			.whole_copy = true,
			.in_sync = true,
			.suspended_until = HA_NEVER,
		};
		n->lineage = (struct msg_lineage){.term = 2, .number = 7};
	}
	world_forget(w);
}

void world_pair(struct world *w)
{
	world_power_on(w, A);
	world_power_on(w, B);
	world_run(w, 3 * HA_SEC);
	if (world_holder(w) != A || !node_peer_ready(&w->n[A].node, world_local(w, A, w->now)))
		world_fail(w, "the pair did not form");
	world_forget(w);
	w->probes = w->solicits = w->answers = 0;
}
