/* world_engine.c - what surrounds one node: the engine that steps it and carries out what it wants; see world.h. */
#include "tests/sim/world.h"

enum {
	PROBES_MAX = 8,
	QUESTIONS_MAX = 16,
	OTHERS_MAX = 24,
};

const char *world_name(int i)
{
	return i == A ? "a" : "b";
}

/* SPEC 5.N1: but for an operator's word, only a whole copy takes over. */
static void check_promotion(const struct world *w, int i, const struct node_action *a)
{
	const struct world_node *n = &w->n[i];

	if (n->store.paired && n->node.config.paired && !n->whole && a->reason != REASON_FORCED)
		world_broken(w, INV_FIRST_SYNC, "took over without a whole copy");
}

static void tell_event(struct world *w, int i, const struct node_action *a)
{
	const char *name = world_name(i);

	switch (a->event) {
	case EVENT_STATE:
		w->n[i].promotions += a->to == HA_ACTIVE;
		if (a->to == HA_ACTIVE) {
			w->n[i].promoted_at = w->now;
			check_promotion(w, i, a);
		}
		world_tell(w, "%s %s %s", name, ha_state_name(a->to), reason_rule(a->reason));
		break;
	case EVENT_PATH_UP:
	case EVENT_PATH_DOWN:
	case EVENT_CARRIER_UP:
	case EVENT_CARRIER_DOWN:
		world_tell(w, "%s %s %s", name, node_event_name(a->event),
			   ha_path_name(a->detail ? HA_PATH_MANAGEMENT : HA_PATH_LINK));
		break;
	case EVENT_CONFLICT:
		world_tell(w, "%s conflict, %s", name, a->detail ? "stays" : "yields");
		break;
	default:
		world_tell(w, "%s %s", name, node_event_name(a->event));
		break;
	}
}

static void act(struct world *w, int i, const struct node_action *a)
{
	struct world_node *n = &w->n[i];
	struct world_message *m;

	switch (a->type) {
	case ACT_HEARTBEAT:
		world_heartbeat(w, i, a->path);
		break;
	case ACT_SOLICIT:
	case ACT_ANSWER:
		world_solicit(w, i, a);
		break;
	case ACT_PROBE:
	case ACT_ASK:
		world_question(w, i, a);
		break;
	case ACT_ALIVE:
		break;
	case ACT_HOLD:
	case ACT_RELEASE:
		m = world_post(w, TO_GUARDIAN, i, w->now + n->guardian.delay);
		m->action = *a;
		m->life = n->life;
		m->list = world_list(w, i);
		break;
	case ACT_ANNOUNCE:
		world_announce(w, i, a);
		break;
	case ACT_SAVE:
		world_save(w, i)->action = *a;
		break;
	case ACT_EVENT:
		tell_event(w, i, a);
		break;
	case ACT_REPLY:
		world_tell(w, "%s reply %u: %s", world_name(i), a->request,
			   node_refusal_text(a->refusal));
		break;
	case ACT_EXIT:
		n->running = false;
		mirror_stop(w, i);
		world_tell(w, "%s exit", world_name(i));
		break;
	}
}

static void check_actions(const struct world *w, const struct node_actions *out)
{
	unsigned probes = 0, questions = 0;

	for (unsigned k = 0; k < out->n; k++) {
		probes += out->a[k].type == ACT_PROBE;
		questions += out->a[k].type == ACT_ASK;
	}
	if (probes > PROBES_MAX || questions > QUESTIONS_MAX ||
	    out->n - probes - questions > OTHERS_MAX)
		world_broken(w, INV_ACTIONS, "too many actions in a step");
}

static void check_term(struct world *w, int i)
{
	struct world_node *n = &w->n[i];

	if (n->node.term < n->term_seen)
		world_broken(w, INV_TERM, "a term went back");
	if (!n->node.lease.wanted || !n->node.config.paired || w->terms_unchecked)
		return;
	if (n->node.term != n->term_seen && n->node.term <= n->term_used)
		world_broken(w, INV_TERM, "a term used twice");
	n->term_seen = n->node.term;
	if (n->node.reason == REASON_FORCED)
		return; /* SPEC 5.R1: an operator's last word needs no disk */
	n->term_used = n->node.term;
	if (n->node.term % 2 != (i == A ? 0u : 1u))
		world_broken(w, INV_TERM, "a term of the other's");
	if (n->store.disk.term < n->node.term && n->store.disk.reserved < n->node.term)
		world_broken(w, INV_TERM, "a term used before it was on disk");
}

/* One after the other, where both have happened. */
static bool ordered(ha_time a, ha_time b)
{
	return a == 0 || b == 0 || a <= b;
}

/* What the observer tells can have happened so. The newest content may have been heard ahead of the one before, on the other
 * path: so the peer may have been heard to hold after it. */
static void check_account(const struct world *w, int i)
{
	const struct msg_account *m = &w->n[i].account.last;
	ha_time now = w->n[i].node.now;

	if (m->decided == 0)
		return;
	if (!ordered(m->awake, m->decided) || !ordered(m->decided, m->lease.on) ||
	    !ordered(m->lease.on, m->lease.announced) || !ordered(m->lease.announced, now) ||
	    !ordered(m->lease.released, m->lease.off) || !ordered(m->lease.off, now) ||
	    !ordered(m->handover.intent, m->handover.ack) ||
	    !ordered(m->handover.ack, m->handover.resigned) ||
	    !ordered(m->handover.resigned, m->handover.taking) ||
	    !ordered(m->handover.taking, now) || !ordered(m->probe.first, m->probe.last) ||
	    !ordered(m->probe.last, m->decided) || !ordered(m->probe.answered, m->decided) ||
	    !ordered(m->solicit.since, m->decided) || !ordered(m->reach.evidence, m->decided) ||
	    !ordered(m->reach.asked, m->reach.evidence) ||
	    !ordered(m->reach.unanswered, m->decided) || !ordered(m->peer.held, m->decided) ||
	    !ordered(m->peer.heard, m->decided))
		world_fail(w, "an account that cannot be");
	if (m->to != HA_ACTIVE && (m->lease.on || m->lease.announced))
		world_fail(w, "an account of a passive that was announced");
	for (int path = 0; path < HA_PATH_N; path++)
		if (!ordered(m->path[path].heard, m->decided) ||
		    !ordered(m->path[path].carrier_since, m->decided))
			world_fail(w, "an account of what came after it");
}

static void check_step(struct world *w, int i, bool timer, const struct node_actions *out)
{
	const struct node *node = &w->n[i].node;

	check_actions(w, out);
	if ((timer && node_deadline(node) <= node->now) || node_deadline(node) == HA_NEVER)
		world_broken(w, INV_SPIN, "the deadline does not lie ahead");
	world_check_parted(w, i);
	check_term(w, i);
	check_account(w, i);
}

void world_engine_step(struct world *w, int i, struct node_event *ev)
{
	struct world_node *n = &w->n[i];
	struct node_actions out;

	if (!n->running)
		return;
	n->steps++;
	ev->now = world_local(w, i, w->now);
	if (w->mutant != MUTANT_NONE)
		mutant_event(w, ev);
	node_step(&n->node, ev, &out);
	account_observe(&n->account, &n->node, ev, &out);
	if (w->mutant != MUTANT_NONE)
		mutant_step(w, i, &n->node, &out);
	world_hash(w,
		   n->node.number << 16 | (uint64_t)n->node.claim << 8 | (uint64_t)n->node.state);
	world_hash(w, n->node.term << 8 | out.n);
	check_step(w, i, ev->type == EV_TIMER, &out);
	for (unsigned k = 0; k < out.n; k++)
		act(w, i, &out.a[k]);
	if (w->mirrored)
		mirror_follow(w, i);
	world_adopt(w, i);
}

ha_time world_engine_next(const struct world *w, int i)
{
	ha_time node = node_deadline(&w->n[i].node), sealed = world_sealed_next(w, i);

	return sealed < node ? sealed : node;
}

/* Sessions first, as in the engine. */
void world_engine_timer(struct world *w, int i)
{
	const struct node *node = &w->n[i].node;

	world_sealed_timer(w, i);
	if (world_local(w, i, w->now) >= node_deadline(node))
		world_engine_step(w, i, &(struct node_event){.type = EV_TIMER});
}

void world_deliver(struct world *w, struct world_message *m)
{
	bool station = m->to == STATION;
	const struct world_node *n = station ? NULL : &w->n[m->to];
	bool wire = m->kind == FRAME || m->kind == QUESTION || m->kind == SEGMENT;

	if (!station &&
	    (!n->powered || (wire && m->at >= n->frozen_since && m->at < n->frozen_until)))
		return;
	switch (m->kind) {
	case TO_ENGINE:
		if (m->life != n->life)
			break;
		if (m->event.type == EV_LEASE && n->guardian.untold > 0)
			w->n[m->to].guardian.untold--;
		if (m->event.type == EV_ADDRESSES)
			world_readdressed(w, m->to, m->list, m->event.ok);
		else if (m->event.type == EV_UNPAIRED)
			world_part(w, m->to, &m->event);
		else
			world_engine_step(w, m->to, &m->event);
		break;
	case TO_GUARDIAN:
		world_on_guardian(w, m);
		break;
	case TO_STORE:
		world_on_store(w, m);
		break;
	case TO_SYNCER:
		mirror_errand(w, m);
		break;
	case STREAM:
		mirror_on_stream(w, m);
		break;
	case FRAME:
		world_on_frame(w, m);
		break;
	case SESSION:
		if (m->life == n->life)
			world_on_session(w, m);
		break;
	case QUESTION:
		world_on_question(w, m);
		break;
	case SEGMENT:
		world_on_segment(w, m);
		break;
	}
}

/* The steward does one thing after the other: what it was told before is on disk before a new engine has the record. */
static void finish_saves(struct world *w, int i)
{
	static struct world_message m;

	for (;;) {
		unsigned first = w->messages;

		for (unsigned k = 0; k < w->messages; k++) {
			const struct world_message *saving = &w->message[w->heap[k].slot];

			if (saving->kind == TO_STORE && saving->to == i &&
			    (first == w->messages || w->heap[k].order < w->heap[first].order))
				first = k;
		}
		if (first == w->messages)
			return;
		m = w->message[w->heap[first].slot];
		world_remove_message(w, first); /* the answer moves the others */
		world_on_store(w, &m);
	}
}

void world_engine_boot(struct world *w, int i)
{
	struct world_node *n = &w->n[i];
	struct world_store *s = &n->store;
	struct node_config config;
	struct world_message *m;

	finish_saves(w, i);
	s->boot++;
	config = (struct node_config){
		.timing = w->timing,
		.boot = s->boot,
		.mode = s->disk.mode,
		.paired = s->paired,
		.lower = i == A,
		.store_ok = s->readable,
		.suspended = s->disk.suspended,
		.suspended_until = s->disk.suspended_until == HA_NEVER
					   ? HA_NEVER
					   : world_local(w, i, s->disk.suspended_until),
		.whole_copy = s->disk.whole_copy,
		.in_sync = s->disk.in_sync,
		.term = s->disk.term,
		.held_term = s->disk.held_term,
		.reserved = s->disk.reserved,
		.mac = world_mac(i),
		.witness_learn = !w->no_witness,
		.disputed = s->parting == PARTING_LEFT,
		.fenced = n->guardian.fence,
	};

	world_readdress_boot(w, i, &config);
	n->running = true;
	n->life++;
	n->guardian.untold = 0;
	n->term_seen = 0;
	world_drop_sessions(w, i);
	world_guardian_engine(&n->guardian);
	if (w->mutant != MUTANT_NONE)
		mutant_config(w, &config);
	world_sealed_open(w, i);
	node_init(&n->node, &config, world_local(w, i, w->now));
	n->account = (struct account){.step = 0};
	m = world_tell_engine(w, i, EV_WITNESS, w->now);
	m->event.witness.n = w->no_witness ? 0 : 1;
	m->event.witness.address[0] = *world_vip(WORLD_VIPS);
	m = world_tell_engine(w, i, EV_COPY, w->now);
	m->event.copy.whole = s->disk.whole_copy;
	m->event.copy.in_sync = s->disk.in_sync;
	m->event.copy.lineage = n->lineage;
	for (int path = 0; path < HA_PATH_N; path++) {
		m = world_tell_engine(w, i, EV_CARRIER, w->now);
		m->event.path = path ? HA_PATH_MANAGEMENT : HA_PATH_LINK;
		m->event.up = n->carrier[path];
	}
	if (w->mirrored)
		mirror_start(w, i);
}
