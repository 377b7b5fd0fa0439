/* world.c - time, wires and faults; see world.h. */
#include "tests/sim/world.h"

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

static __attribute__((noreturn)) void fail(const struct world *w, enum invariant broken,
					   const char *what)
{
	char line[160];

	snprintf(line, sizeof(line), "%.60s: %.90s", invariant_name(broken), what);
	if (w->catch == NULL)
		world_give_up(w, line);
	w->catch->broken = broken;
	memcpy(w->catch->what, line, sizeof(line));
	longjmp(w->catch->jump, 1);
}

void world_broken(const struct world *w, enum invariant broken, const char *what)
{
	fail(w, broken, what);
}

void world_fail(const struct world *w, const char *what)
{
	fail(w, INV_WORLD, what);
}

/* --- chance and time --- */

uint64_t world_chance(struct world *w, uint64_t below)
{
	w->chance ^= w->chance << 13;
	w->chance ^= w->chance >> 7;
	w->chance ^= w->chance << 17;
	return w->chance % below;
}

void world_hash(struct world *w, uint64_t what)
{
	w->hash = (w->hash ^ what) * UINT64_C(0x100000001b3);
	w->hash ^= w->hash >> 29;
}

/* Its clock gains ppm ns in each ms. */
ha_time world_local(const struct world *w, int i, ha_time at)
{
	return at + w->n[i].base + at / HA_MS * w->n[i].ppm;
}

ha_time world_global(const struct world *w, int i, ha_time local)
{
	const struct world_node *n = &w->n[i];
	ha_time at;

	if (local == HA_NEVER)
		return HA_NEVER;
	at = local - n->base;
	if (n->ppm == 0)
		return at;
	at -= at / HA_MS * n->ppm;
	while (world_local(w, i, at) < local)
		at += local - world_local(w, i, at);
	return at;
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

	return n->powered && g->on && !g->absent && w->now < g->valid_until &&
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

/* --- messages: a heap of slots, by when they are due --- */

static bool before(const struct world *w, unsigned a, unsigned b)
{
	if (w->heap[a].due != w->heap[b].due)
		return w->heap[a].due < w->heap[b].due;
	if (w->heap[a].at != w->heap[b].at)
		return w->heap[a].at < w->heap[b].at;
	return w->heap[a].order < w->heap[b].order;
}

static void exchange(struct world *w, unsigned a, unsigned b)
{
	__typeof__(w->heap[0]) kept = w->heap[a];

	w->heap[a] = w->heap[b];
	w->heap[b] = kept;
}

static void sift_up(struct world *w, unsigned i)
{
	for (; i > 0 && before(w, i, (i - 1) / 2); i = (i - 1) / 2)
		exchange(w, i, (i - 1) / 2);
}

static void sift_down(struct world *w, unsigned i)
{
	for (;;) {
		unsigned least = i;

		for (unsigned child = 2 * i + 1; child <= 2 * i + 2 && child < w->messages; child++)
			if (before(w, child, least))
				least = child;
		if (least == i)
			return;
		exchange(w, i, least);
		i = least;
	}
}

static unsigned slot(struct world *w)
{
	return w->free_n ? w->free[--w->free_n] : w->slots++;
}

struct world_message *world_post(struct world *w, enum world_kind kind, int to, ha_time at)
{
	struct world_message *m;
	unsigned i = w->messages;

	if (i == WORLD_MESSAGES)
		world_fail(w, "too much under way");
	w->heap[i].due = w->heap[i].at = at;
	w->heap[i].order = ++w->order;
	w->heap[i].slot = slot(w);
	m = &w->message[w->heap[i].slot];
	w->messages++;
	sift_up(w, i);
	memset(m, 0, offsetof(struct world_message, body));
	m->body_len = 0;
	memset(&m->event, 0, sizeof(*m) - offsetof(struct world_message, event));
	m->kind = kind;
	m->to = to;
	m->at = at;
	m->order = w->order;
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
	switch (m->kind) {
	case QUESTION:
	case TO_STORE:
		return m->at;
	case TO_SYNCER:
	case STREAM:
		return later(m->at, w->n[m->to].frozen_until);
	case TO_GUARDIAN:
		return later(m->at, w->n[m->to].guardian.blocked_until);
	default:
		return m->to == STATION ? m->at : later(m->at, w->n[m->to].blocked_until);
	}
}

/* What comes to one that is stopped waits on: its place in the heap is looked at again when it is its turn. */
unsigned world_first(struct world *w)
{
	for (;;) {
		ha_time at = due(w, &w->message[w->heap[0].slot]);

		if (at <= w->heap[0].due)
			return w->heap[0].slot;
		w->heap[0].due = at;
		sift_down(w, 0);
	}
}

/* Takes the first one out. */
void world_take(struct world *w, struct world_message *out)
{
	unsigned first = w->heap[0].slot;

	*out = w->message[first];
	w->free[w->free_n++] = first;
	w->heap[0] = w->heap[--w->messages];
	sift_down(w, 0);
}

void world_drop_messages(struct world *w, int to)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < w->messages; i++) {
		if (w->message[w->heap[i].slot].to != to)
			w->heap[kept++] = w->heap[i];
		else
			w->free[w->free_n++] = w->heap[i].slot;
	}
	w->messages = kept;
	for (unsigned i = kept; i-- > 0;)
		sift_down(w, i);
}

void world_remove_message(struct world *w, unsigned at)
{
	w->free[w->free_n++] = w->heap[at].slot;
	w->heap[at] = w->heap[--w->messages];
	if (at == w->messages)
		return;
	sift_down(w, at);
	sift_up(w, at);
}

static void deliver(struct world *w)
{
	static struct world_message m;

	world_take(w, &m);
	world_hash(w, (uint64_t)w->now);
	world_hash(w, (uint64_t)m.kind << 8 | (uint64_t)m.to);
	world_deliver(w, &m);
}

enum timer {
	ENGINE,
	GUARDIAN,
	SYNCER,
	TIMER_N,
};

static ha_time timer_at(const struct world *w, int i, enum timer what)
{
	const struct world_node *n = &w->n[i];

	switch (what) {
	case ENGINE:
		return !n->running ? HA_NEVER
				   : later(world_global(w, i, world_engine_next(w, i)),
					   n->blocked_until);
	case GUARDIAN:
		return !n->powered || n->guardian.dead ? HA_NEVER : world_guardian_next(w, i);
	default:
		return !n->mirror.running ? HA_NEVER : world_global(w, i, mirror_next(w, i));
	}
}

/* The next timer of an engine, a guardian or a syncer, after the messages of the same moment. */
static bool timer(struct world *w, ha_time until)
{
	ha_time first = HA_NEVER;
	enum timer what = ENGINE;
	int who = A;

	for (int i = A; i <= B; i++)
		for (int t = ENGINE; t < TIMER_N; t++) {
			ha_time at = timer_at(w, i, (enum timer)t);

			if (at < first) {
				first = at;
				what = (enum timer)t;
				who = i;
			}
		}
	if (first >= until)
		return false;
	advance(w, later(first, w->now));
	world_hash(w, (uint64_t)w->now);
	world_hash(w, (uint64_t)what << 16 | (uint64_t)who);
	if (what == ENGINE)
		world_engine_timer(w, who);
	else if (what == GUARDIAN)
		world_guardian_timer(w, who);
	else
		mirror_timer(w, who);
	return true;
}

void world_check_holders(struct world *w)
{
	int holder = world_holder(w);

	if (holder == BOTH && !w->dual_allowed)
		world_broken(w, INV_DUAL, "both hold");
	if (holder != w->holder) {
		w->holder = holder;
		w->held_at = w->now;
		world_hash(w, (uint64_t)(holder + 2));
	}
	invariant_check(w);
}

/* One thing that happens before `until`, which is the end of the run or the moment it waits for. */
static bool happen(struct world *w, ha_time until)
{
	ha_time at = HA_NEVER;

	if (w->messages > 0) {
		(void)world_first(w);
		at = w->heap[0].due;
	}
	if (at <= until) {
		if (timer(w, later(at, w->now)))
			return true;
		advance(w, later(at, w->now));
		deliver(w);
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
			world_broken(w, INV_SPIN, "time stands still");
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

		world_guardian_init(w, i);
		n->store.delay = 2 * HA_MS;
		n->store.paired = n->store.readable = true;
		n->store.boot = n->store.peer_boot = 10;
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
		n->whole = true;
	}
	for (unsigned v = 0; v < WORLD_VIPS; v++)
		w->learned[v] = NOBODY;
	w->pairs = 1;
	invariant_init(w);
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
