/* pair_engine.c - what surrounds one node: frames out and in, guardian, disk; see pair.h. */
#include "tests/explore/pair.h"

#include <assert.h>
#include <string.h>

enum {
	PROBES_MAX = 8,
	QUESTIONS_MAX = 16,
	OTHERS_MAX = 24,
	LATES = 3,
};

static const struct ha_address vip = {HA_IPV4, {192, 0, 2, 100}};
static const struct ha_address station = {HA_IPV4, {192, 0, 2, 1}};

static struct ha_mac mac_of(unsigned who)
{
	return (struct ha_mac){{2, 0, 0, 0, 0, (uint8_t)(who + 1)}};
}

/* ---- frames ---- */

/* Is it lost, or late, and by how much? */
static bool survives(struct pair *p, ha_time *delay)
{
	const struct node_timing *t = &pair_scenario->timing;
	const ha_time late[LATES] = {pair_scenario->tick, t->heartbeat, t->dead + t->heartbeat};
	bool may_be_lost = p->left[PRICE_ALL] && p->left[PRICE_LOSS];
	bool may_be_late = p->left[PRICE_ALL] && p->left[PRICE_DELAY];
	unsigned choice, options = 1u + may_be_lost + (may_be_late ? LATES : 0u);

	*delay = 0;
	choice = options > 1 ? search_choice(options) : 0;
	if (choice == 0)
		return true;
	pair_disturb(p);
	if (may_be_lost && choice == 1) {
		pair_spend(p, PRICE_LOSS);
		return false;
	}
	*delay = late[choice - 1 - may_be_lost];
	pair_spend(p, PRICE_DELAY);
	return true;
}

static const char *frame_name(enum pair_kind kind)
{
	return kind == HEARTBEAT ? "heartbeat" : kind == SOLICIT ? "solicit" : "answer";
}

static struct pair_message *send_frame(struct pair *p, unsigned from, enum ha_path path,
				       enum pair_kind kind)
{
	struct pair_machine *m = &p->m[from];
	struct pair_message *frame;
	ha_time delay;

	if (!m->session[path] || !pair_passes(p, path, from) || !p->m[1 - from].powered)
		return NULL;
	if (!survives(p, &delay)) {
		pair_say(p, "%s of %s on %s is lost", frame_name(kind), pair_name(from),
			 ha_path_name(path));
		return NULL;
	}
	if (delay)
		pair_say(p, "%s of %s on %s is %lld ms late", frame_name(kind), pair_name(from),
			 ha_path_name(path), (long long)(delay / HA_MS));
	frame = pair_post(p, kind, 1 - from);
	frame->at = p->now + delay;
	frame->late = delay > 0;
	frame->path = (uint8_t)path;
	frame->boot = m->boot;
	frame->to_boot = m->session[path];
	return frame;
}

/* At once, where both can be heard. */
static void handshake(struct pair *p, enum ha_path path)
{
	if (!pair_hears(p, A) || !pair_hears(p, B) || !pair_passes(p, path, A) ||
	    !pair_passes(p, path, B))
		return;
	for (unsigned i = A; i <= B; i++) {
		struct pair_message *up = pair_post(p, SESSION, i);

		up->path = (uint8_t)path;
		up->boot = p->m[i].session[path] = p->m[1 - i].boot;
		up->to_boot = p->m[i].boot;
	}
}

static void send_heartbeat(struct pair *p, unsigned i, enum ha_path path)
{
	struct pair_machine *m = &p->m[i];
	struct pair_message *frame;

	if (!m->session[path])
		handshake(p, path);
	frame = send_frame(p, i, path, HEARTBEAT);
	if (frame != NULL)
		node_heartbeat(&m->node, path, p->now, &frame->heartbeat);
}

static void send_solicit(struct pair *p, unsigned i, const struct node_action *a)
{
	struct pair_message *frame =
		send_frame(p, i, a->path, a->type == ACT_SOLICIT ? SOLICIT : ANSWER);

	if (frame != NULL)
		frame->number = a->nonce;
}

/* ---- the segment ---- */

static void segment(struct pair *p, unsigned to, unsigned source, bool claims)
{
	struct pair_message *f = pair_post(p, SEGMENT, to);

	f->number = source;
	f->flag = claims;
}

/* The kernel answers for the virtual IP while its fence is open, whatever the engine does. */
static void probe(struct pair *p, unsigned i)
{
	ha_time delay;

	if (!pair_passes(p, HA_PATH_MANAGEMENT, i) || !pair_passes(p, HA_PATH_MANAGEMENT, 1 - i) ||
	    !pair_holds(p, 1 - i, p->now))
		return;
	if (!survives(p, &delay)) {
		pair_say(p, "a probe of %s is lost", pair_name(i));
		return;
	}
	segment(p, i, 1 - i, true);
	p->message[p->messages - 1].at += delay;
	p->message[p->messages - 1].late = delay > 0;
}

static void announce(struct pair *p, unsigned i, const struct node_action *a)
{
	const struct pair_machine *m = &p->m[i];

	if (!m->node.lease.wanted || !a->mask || (a->mask & ~m->node.lease.on))
		search_violated("announces", "%s announces what it does not hold", pair_name(i));
	if (pair_passes(p, HA_PATH_MANAGEMENT, i) && p->m[1 - i].powered)
		segment(p, 1 - i, i, true);
}

/* ---- guardian ---- */

static void tell_lease(struct pair *p, unsigned i, uint64_t lease, int status)
{
	struct pair_message *m = pair_tell(p, i, EV_LEASE);

	m->number = lease;
	m->status = (uint8_t)status;
}

static void withdraw(struct pair_guardian *g)
{
	if (g->lease > g->ended)
		g->ended = g->lease;
	g->lease = 0;
	g->fence_until = g->deadline = 0;
}

static void hold(struct pair *p, unsigned i, const struct node_action *a)
{
	struct pair_guardian *g = &p->m[i].guardian;

	if (a->deadline <= p->now && a->lease == g->lease)
		return; /* the running deadline decides */
	if (a->lease <= g->ended || a->deadline <= p->now) {
		tell_lease(p, i, a->lease, NODE_LEASE_DROPPED);
		return;
	}
	if (g->lease != a->lease)
		pair_say(p, "%s can answer", pair_name(i));
	g->lease = a->lease;
	g->deadline = g->fence_until = a->deadline;
	tell_lease(p, i, a->lease, NODE_LEASE_HELD);
}

static void release(struct pair *p, unsigned i, const struct node_action *a)
{
	struct pair_guardian *g = &p->m[i].guardian;

	if (g->lease != 0)
		pair_say(p, "%s is mute", pair_name(i));
	if (a->lease >= g->lease)
		withdraw(g);
	if (a->lease > g->ended)
		g->ended = a->lease;
	tell_lease(p, i, a->lease, NODE_LEASE_DROPPED);
}

void pair_expire(struct pair *p, unsigned i)
{
	struct pair_guardian *g = &p->m[i].guardian;
	uint64_t lease = g->lease;

	if (lease == 0 || p->m[i].guardian_paused || p->now < g->deadline)
		return;
	pair_say(p, "%s is mute: its lease ran out", pair_name(i));
	withdraw(g);
	tell_lease(p, i, lease, NODE_LEASE_DROPPED);
}

/* ---- disk ---- */

static void save(struct pair *p, unsigned i, const struct node_action *a)
{
	struct pair_saving *s = &p->m[i].saving;

	if (s->at == 0)
		s->at = p->now + pair_scenario->tick;
	s->number = a->number;
	node_durable(&p->m[i].node, &s->what);
}

static void written(struct pair *p, unsigned i)
{
	struct pair_machine *m = &p->m[i];
	struct pair_saving *s = &m->saving;

	if (s->what.term < m->disk.term || s->what.held_term < m->disk.held_term)
		search_violated("terms", "a term of %s went back on disk", pair_name(i));
	m->disk = s->what;
	if (m->running)
		pair_tell(p, i, EV_SAVED)->number = s->number;
	memset(s, 0, sizeof(*s));
}

void pair_saved(struct pair *p, unsigned i)
{
	ha_time at = p->m[i].saving.at;

	if (at != 0 && p->now >= at)
		written(p, i);
}

/* ---- the engine ---- */

static void act(struct pair *p, unsigned i, const struct node_action *a)
{
	switch (a->type) {
	case ACT_HEARTBEAT:
		send_heartbeat(p, i, a->path);
		break;
	case ACT_SOLICIT:
	case ACT_ANSWER:
		send_solicit(p, i, a);
		break;
	case ACT_PROBE:
		probe(p, i);
		break;
	case ACT_ASK:
		if (pair_witness(p, i))
			segment(p, i, 2, false);
		break;
	case ACT_HOLD:
		hold(p, i, a);
		break;
	case ACT_RELEASE:
		release(p, i, a);
		break;
	case ACT_ANNOUNCE:
		announce(p, i, a);
		break;
	case ACT_SAVE:
		save(p, i, a);
		break;
	case ACT_EVENT:
		if (a->event == EVENT_STATE)
			pair_say(p, "%s %s, term %llu: %s (%s)", pair_name(i), ha_state_name(a->to),
				 (unsigned long long)p->m[i].node.term, reason_text(a->reason),
				 reason_rule(a->reason));
		else
			pair_say(p, "%s says %s (%u)", pair_name(i), node_event_name(a->event),
				 a->detail);
		break;
	case ACT_ALIVE:
	case ACT_REPLY:
	case ACT_EXIT:
		break;
	}
}

static void check_terms(struct pair *p, unsigned i)
{
	struct pair_machine *m = &p->m[i];
	uint64_t term = m->node.term, ever = p->m[A].term_used;

	if (p->m[B].term_used > ever)
		ever = p->m[B].term_used;
	if (!m->node.lease.wanted || term == m->term_used)
		return;
	if (term <= m->term_used || term == p->m[1 - i].term_used || term % 2 != (i == A ? 0u : 1u))
		search_violated("terms", "%s holds under term %llu, the newest was %llu",
				pair_name(i), (unsigned long long)term, (unsigned long long)ever);
	if (m->disk.term < term && m->disk.reserved < term)
		search_violated("terms", "%s holds under term %llu, which is not on disk",
				pair_name(i), (unsigned long long)term);
	m->term_used = term;
}

static void check_actions(struct pair *p, unsigned i, const struct node_actions *out)
{
	unsigned probes = 0, questions = 0;

	for (unsigned k = 0; k < out->n; k++) {
		probes += out->a[k].type == ACT_PROBE;
		questions += out->a[k].type == ACT_ASK;
	}
	if (probes > PROBES_MAX || questions > QUESTIONS_MAX ||
	    out->n - probes - questions > OTHERS_MAX)
		search_violated("actions", "%u actions in a step of %s", out->n, pair_name(i));
	(void)p;
}

void pair_step(struct pair *p, unsigned i, struct node_event *ev)
{
	struct pair_machine *m = &p->m[i];
	struct node_actions out;
	uint64_t term = m->node.term;

	ev->now = p->now;
	node_step(&m->node, ev, &out);
	check_actions(p, i, &out);
	if (ev->type == EV_TIMER && node_deadline(&m->node) <= p->now)
		search_violated("time", "the deadline of %s does not lie ahead", pair_name(i));
	if (m->node.term < term)
		search_violated("terms", "the term of %s went back", pair_name(i));
	check_terms(p, i);
	for (unsigned k = 0; k < out.n; k++)
		act(p, i, &out.a[k]);
}

static void hear_segment(struct pair *p, const struct pair_message *f)
{
	struct node_event ev = {.type = EV_SEGMENT, .path = HA_PATH_MANAGEMENT, .heard_at = f->at};

	ev.segment.source = ev.segment.sender_mac = mac_of((unsigned)f->number);
	ev.segment.sender = f->flag ? vip : station;
	ev.segment.answer = true;
	pair_step(p, f->to, &ev);
}

static void hear_frame(struct pair *p, const struct pair_message *f)
{
	struct pair_machine *m = &p->m[f->to];
	struct node_event ev = {.path = f->path, .heard_at = f->at, .nonce = f->number};

	if (m->session[f->path] != f->boot || m->boot != f->to_boot)
		return; /* its tag does not verify */
	ev.type = f->kind == HEARTBEAT ? EV_HEARTBEAT : f->kind == SOLICIT ? EV_SOLICIT : EV_ANSWER;
	ev.heartbeat = f->heartbeat;
	pair_step(p, f->to, &ev);
}

static void hear_session(struct pair *p, const struct pair_message *f)
{
	struct node_event up = {.type = EV_SESSION, .path = f->path, .boot = f->boot};
	struct node_event mac = {.type = EV_PEER_MAC, .mac = mac_of(1u - f->to)};

	if (p->m[f->to].boot != f->to_boot)
		return;
	pair_step(p, f->to, &up);
	pair_step(p, f->to, &mac);
}

static void hear_local(struct pair *p, const struct pair_message *f)
{
	struct pair_machine *m = &p->m[f->to];
	struct node_event ev = {
		.type = f->event, .path = f->path, .up = f->flag, .ok = true, .number = f->number};

	switch (f->event) {
	case EV_LEASE:
		ev.lease.id = f->number;
		ev.lease.status = f->status;
		ev.lease.on = m->guardian.lease == f->number;
		break;
	case EV_WITNESS:
		ev.witness.n = 1;
		ev.witness.address[0] = station;
		break;
	case EV_COPY:
		ev.copy.whole = m->disk.whole_copy;
		ev.copy.in_sync = m->disk.in_sync;
		ev.copy.lineage = (struct msg_lineage){.term = 2, .number = 7};
		break;
	case EV_OPERATOR:
		ev.op = OP_SWAP;
		ev.request = 1;
		break;
	default:
		break;
	}
	pair_step(p, f->to, &ev);
}

void pair_deliver(struct pair *p, const struct pair_message *f)
{
	switch (f->kind) {
	case LOCAL:
		hear_local(p, f);
		break;
	case SESSION:
		hear_session(p, f);
		break;
	case SEGMENT:
		hear_segment(p, f);
		break;
	case HEARTBEAT:
	case SOLICIT:
	case ANSWER:
		hear_frame(p, f);
		break;
	}
}

/* ---- its life ---- */

void pair_boot(struct pair *p, unsigned i)
{
	struct pair_machine *m = &p->m[i];
	struct node_config config = {
		.timing = pair_scenario->timing,
		.paired = true,
		.lower = i == A,
		.store_ok = true,
		.suspended_until = HA_NEVER,
		.vip_n = 1,
		.vip = {vip},
		.mac = mac_of(i),
		.fenced = true,
	};

	if (m->saving.at != 0)
		written(p, i); /* the steward hears first what the last engine had to say */
	config.boot = ++m->boot;
	config.mode = m->disk.mode;
	config.whole_copy = m->disk.whole_copy;
	config.in_sync = m->disk.in_sync;
	config.term = m->disk.term;
	config.held_term = m->disk.held_term;
	config.reserved = m->disk.reserved;
	m->running = true;
	memset(m->session, 0, sizeof(m->session));
	withdraw(&m->guardian);
	m->guardian.ended = 0; /* a new engine counts its leases anew */
	node_init(&m->node, &config, p->now);
	(void)pair_tell(p, i, EV_WITNESS);
	(void)pair_tell(p, i, EV_COPY);
	for (unsigned path = 0; path < HA_PATH_N; path++) {
		struct pair_message *carrier = pair_tell(p, i, EV_CARRIER);

		carrier->path = (uint8_t)path;
		carrier->flag = path == HA_PATH_LINK ? !p->pulled : !m->unplugged;
	}
}

void pair_kill(struct pair *p, unsigned i)
{
	struct pair_machine *m = &p->m[i];

	m->running = false;
	pair_forget(p, i, true);
	memset(&m->node, 0, sizeof(m->node));
}

void pair_power(struct pair *p, unsigned i, bool on)
{
	struct pair_machine *m = &p->m[i];

	assert(m->powered != on);
	m->powered = on;
	if (on) {
		pair_boot(p, i);
		return;
	}
	pair_kill(p, i);
	pair_forget(p, i, false);
	m->paused = m->guardian_paused = false;
	memset(&m->guardian, 0, sizeof(m->guardian));
	memset(&m->saving, 0, sizeof(m->saving));
}
