/* pair.c - time, and what must always be true; see pair.h. */
#include "tests/explore/pair.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	STEPS = 256, /* of one moment: a loop */
	ROOT_S = 8,  /* until the pair is at rest */
};

const struct pair_scenario *pair_scenario;
struct pair_figures pair_figures;
static ha_time told_at; /* of the trace: since the root */

/* ---- seen from the parts ---- */

void pair_say(const struct pair *p, const char *format, ...)
{
	char text[160];
	va_list args;

	if (!search_telling())
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)p;
	search_tell("%7lld ms  %s", (long long)(told_at / HA_MS), text);
}

static void tell_machine(const struct pair *p, unsigned i, char *out, size_t size)
{
	const struct pair_machine *m = &p->m[i];

	(void)snprintf(out, size, "%s %s%s, %s, term %llu, %s", pair_name(i),
		       !m->powered   ? "off"
		       : !m->running ? "without engine"
		       : !m->paused  ? ha_state_name(m->node.state)
				     : "stopped, ",
		       m->paused ? ha_state_name(m->node.state) : "", ha_claim_name(m->node.claim),
		       (unsigned long long)m->node.term,
		       pair_holds(p, i, p->now) ? "ANSWERS" : "mute");
}

static void tell_both(const struct pair *p)
{
	char a[96], b[96];

	if (!search_telling())
		return;
	tell_machine(p, A, a, sizeof(a));
	tell_machine(p, B, b, sizeof(b));
	pair_say(p, "    [%s | %s]", a, b);
}

bool pair_holds(const struct pair *p, unsigned i, ha_time at)
{
	return p->m[i].powered && at < p->m[i].guardian.fence_until;
}

bool pair_hears(const struct pair *p, unsigned i)
{
	return p->m[i].running && !p->m[i].paused;
}

bool pair_passes(const struct pair *p, enum ha_path path, unsigned from)
{
	if (p->cut[path][from])
		return false;
	if (path == HA_PATH_LINK)
		return !p->pulled;
	return !p->m[A].isolated && !p->m[B].isolated && !p->m[A].unplugged && !p->m[B].unplugged;
}

bool pair_witness(const struct pair *p, unsigned i)
{
	return !p->m[i].isolated && !p->m[i].unplugged;
}

bool pair_spend(struct pair *p, enum pair_price price)
{
	if (!p->left[PRICE_ALL] || !p->left[price])
		return false;
	p->left[PRICE_ALL]--;
	p->left[price]--;
	return true;
}

void pair_disturb(struct pair *p)
{
	p->calm_since = p->now;
	p->vacant_since = HA_NEVER;
}

/* ---- messages ---- */

struct pair_message *pair_post(struct pair *p, enum pair_kind kind, unsigned to)
{
	struct pair_message *m;

	assert(p->messages < PAIR_MESSAGES);
	m = &p->message[p->messages++];
	memset(m, 0, sizeof(*m));
	m->kind = kind;
	m->to = (uint8_t)to;
	m->at = p->now;
	return m;
}

struct pair_message *pair_tell(struct pair *p, unsigned to, enum node_event_type type)
{
	struct pair_message *m = pair_post(p, LOCAL, to);

	m->event = type;
	return m;
}

static void take_out(struct pair *p, unsigned i)
{
	p->messages--;
	memmove(&p->message[i], &p->message[i + 1], (p->messages - i) * sizeof(p->message[0]));
	memset(&p->message[p->messages], 0, sizeof(p->message[0]));
}

void pair_forget(struct pair *p, unsigned to, bool local)
{
	for (unsigned i = p->messages; i-- > 0;) {
		bool is_local = p->message[i].kind == LOCAL || p->message[i].kind == SESSION;

		if (p->message[i].to == to && (is_local || !local))
			take_out(p, i);
	}
}

/* Is there one that can be heard now? The oldest, and taken out. */
static bool next_message(struct pair *p, struct pair_message *out)
{
	unsigned first = p->messages;

	for (unsigned i = 0; i < p->messages; i++) {
		const struct pair_message *m = &p->message[i];

		if (m->at <= p->now && !p->m[m->to].paused &&
		    (first == p->messages || m->at < p->message[first].at))
			first = i;
	}
	if (first == p->messages)
		return false;
	*out = p->message[first];
	take_out(p, first);
	return true;
}

/* ---- time ---- */

static ha_time sooner(ha_time a, ha_time b)
{
	return a < b ? a : b;
}

static ha_time later(ha_time a, ha_time b)
{
	return a > b ? a : b;
}

/* The next tick at which anything happens by itself, or could be decided that makes a difference. */
static ha_time next_moment(const struct pair *p)
{
	ha_time tick = pair_scenario->tick, at = p->now + pair_scenario->timing.heartbeat;

	for (unsigned i = A; i <= B; i++) {
		const struct pair_machine *m = &p->m[i];

		if (m->paused)
			return p->now + tick;
		if (m->running)
			at = sooner(at, node_deadline(&m->node));
		if (m->guardian.lease && !m->guardian_paused)
			at = sooner(at, m->guardian.deadline);
		if (m->saving.at)
			at = sooner(at, m->saving.at);
	}
	for (unsigned i = 0; i < p->messages; i++)
		at = sooner(at, p->message[i].at);
	at = later(at, p->now + 1);
	return (at + tick - 1) / tick * tick;
}

static bool two_way(const struct pair *p, enum ha_path path)
{
	return pair_passes(p, path, A) && pair_passes(p, path, B);
}

static bool is_late(const struct pair *p)
{
	for (unsigned i = 0; i < p->messages; i++)
		if (p->message[i].late)
			return true;
	return false;
}

/* ---- what must always be true ---- */

/* SPEC 5.9: two answer only where no path works both ways, and from then on until one frame has been heard, and by Y5
 * three intervals. A pause or a crash alone makes no such window. */
static ha_time dual_bound(void)
{
	return 4 * pair_scenario->timing.heartbeat + pair_scenario->tick;
}

static void check_dual(struct pair *p, ha_time until)
{
	ha_time end =
		sooner(until, sooner(p->m[A].guardian.fence_until, p->m[B].guardian.fence_until));
	ha_time window = end - p->calm_since;

	if (!pair_holds(p, A, p->now) || !pair_holds(p, B, p->now))
		return;
	if (window > dual_bound()) {
		search_violated("two holders",
				"both can answer %lld ms after the wires were last disturbed",
				(long long)(window / HA_MS));
		tell_both(p);
	} else if (window > pair_figures.dual) {
		pair_figures.dual = window;
	}
}

/* A node that could hold: nothing of its own speaks against it, and it has the segment. */
static bool is_ready(const struct pair *p, unsigned i)
{
	return pair_hears(p, i) && pair_witness(p, i) && !node_why_not(&p->m[i].node, p->now);
}

/* SPEC 5.9: D until the silence is known, 4 D at worst for T4, and where it has to be asked again as much as a frame. */
static ha_time vacant_bound(void)
{
	const struct node_timing *t = &pair_scenario->timing;

	return 5 * t->dead + 2 * t->heartbeat;
}

static void check_vacant(struct pair *p)
{
	ha_time vacant;

	if (pair_holds(p, A, p->now) || pair_holds(p, B, p->now) ||
	    (!is_ready(p, A) && !is_ready(p, B))) {
		p->vacant_since = HA_NEVER;
		return;
	}
	if (p->vacant_since == HA_NEVER)
		p->vacant_since = p->now;
	vacant = p->now - p->vacant_since;
	if (vacant > vacant_bound())
		search_violated("nobody holds", "nobody for %lld ms although one is ready",
				(long long)(vacant / HA_MS));
	else if (vacant > pair_figures.vacant)
		pair_figures.vacant = vacant;
}

static void check_first_sync(const struct pair *p)
{
	for (unsigned i = A; i <= B; i++)
		if (p->m[i].powered && !p->m[i].disk.whole_copy && pair_holds(p, i, p->now))
			search_violated("first copy", "%s holds without a whole copy",
					pair_name(i));
}

static void check(struct pair *p)
{
	check_vacant(p);
	check_first_sync(p);
}

/* ---- a move ---- */

static bool timer_due(const struct pair *p, unsigned i)
{
	return pair_hears(p, i) && p->now >= node_deadline(&p->m[i].node);
}

/* Queues before timers, as in the daemon; which of two nodes is first is anybody's guess. */
static bool one_thing(struct pair *p)
{
	struct node_event timer = {.type = EV_TIMER};
	struct pair_message m;
	bool a, b;

	if (next_message(p, &m)) {
		if (p->m[m.to].running)
			pair_deliver(p, &m);
		return true;
	}
	a = timer_due(p, A);
	b = timer_due(p, B);
	if (!a && !b)
		return false;
	if (a && b)
		b = search_choice(2) == 1;
	pair_step(p, b ? B : A, &timer);
	return true;
}

static ha_time move(void *state)
{
	struct pair *p = state;
	ha_time from = p->now, to = next_moment(p);
	uint32_t was[2] = {p->m[A].node.state, p->m[B].node.state};

	check_dual(p, to);
	p->now = to;
	told_at += to - from;
	pair_faults(p);
	for (unsigned i = A; i <= B; i++) {
		pair_expire(p, i);
		pair_saved(p, i);
	}
	for (unsigned steps = 0; one_thing(p); steps++)
		if (steps > STEPS) {
			search_violated("time", "time stands still");
			break;
		}
	if ((!two_way(p, HA_PATH_LINK) && !two_way(p, HA_PATH_MANAGEMENT)) || is_late(p))
		pair_disturb(p);
	check(p);
	if (was[A] != p->m[A].node.state || was[B] != p->m[B].node.state)
		tell_both(p);
	return to - from;
}

/* ---- the model ---- */

static void root(void *state, unsigned which)
{
	struct pair *p = state;

	p->now = PAIR_EPOCH;
	p->calm_since = p->now - HA_SEC;
	p->vacant_since = HA_NEVER;
	for (unsigned i = A; i <= B; i++) {
		struct pair_machine *m = &p->m[i];

		m->boot = 10;
		m->disk = (struct node_durable){
			.term = 2,
			.held_term = i == A ? 2 : 0,
			.reserved = i == A ? 2 : 1,
			.mode = i == A ? HA_MODE_PRIMARY_ACTIVE : HA_MODE_PRIMARY_PASSIVE,
			.whole_copy = i == A || !pair_scenario->first_sync,
			.in_sync = true,
			.suspended_until = HA_NEVER,
		};
	}
	pair_power(p, A, true);
	for (unsigned k = 0; k < which; k++)
		p->now += pair_scenario->tick;
	pair_power(p, B, true);
	for (ha_time end = p->now + ROOT_S * HA_SEC; p->now < end;)
		(void)move(p);
	memcpy(p->left, pair_scenario->allowance, sizeof(p->left));
	memset(&pair_figures, 0, sizeof(pair_figures));
	told_at = 0;
}

static bool is_open(const void *state)
{
	const struct pair *p = state;

	return p->left[PRICE_ALL] > 0 || !pair_is_whole(p);
}

/* One holds and knows it, the other one knows it, too, and could take over. */
static bool is_settled(const void *state)
{
	const struct pair *p = state;
	unsigned holder = pair_holds(p, A, p->now) ? A : B;
	const struct node *h = &p->m[holder].node, *o = &p->m[1 - holder].node;

	return pair_holds(p, holder, p->now) && !pair_holds(p, 1 - holder, p->now) &&
	       h->state == HA_ACTIVE && h->claim == HA_CLAIM_HOLDING && o->state == HA_PASSIVE &&
	       o->claim == HA_CLAIM_NONE &&
	       (node_peer_ready(h, p->now) || pair_scenario->first_sync) &&
	       node_path_audible(o, HA_PATH_LINK, p->now) &&
	       node_path_audible(o, HA_PATH_MANAGEMENT, p->now);
}

static size_t canonical(void *state)
{
	return pair_canonical(state);
}

static void heal(void *state)
{
	pair_heal(state);
	pair_disturb(state);
}

const struct search_model *pair_model(const struct pair_scenario *scenario)
{
	static struct search_model model = {
		.size = sizeof(struct pair),
		.root = root,
		.is_open = is_open,
		.move = move,
		.canonical = canonical,
		.heal = heal,
		.is_settled = is_settled,
		.settle_within = 4 * HA_SEC,
	};

	pair_scenario = scenario;
	model.roots = (unsigned)(scenario->timing.heartbeat / scenario->tick);
	model.settle_stable = 3 * scenario->timing.dead;
	return &model;
}
