/* world_engine.c - what surrounds one node: the engine with its wires and the segment; see world.h. */
#include "tests/unit/world.h"

#include <criterion/criterion.h>
#include <string.h>

enum {
	PROBES_MAX = 8,
	QUESTIONS_MAX = 16,
	OTHERS_MAX = 24,
};

static const struct ha_address vips[] = {
	{HA_IPV4, {192, 0, 2, 100}},
	{HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x64}},
};
static const struct ha_address station_address = {HA_IPV4, {192, 0, 2, 1}};

static struct ha_mac mac_of(int station)
{
	return (struct ha_mac){{2, 0, 0, 0, 0, (uint8_t)(station + 1)}};
}

/* --- frames out --- */

static bool lost_on_purpose(const struct world_node *n, const struct msg_heartbeat *hb)
{
	bool taking = hb->claim == HA_CLAIM_TAKING || hb->claim == HA_CLAIM_HOLDING ||
		      hb->handover.phase == HANDOVER_TAKING;

	return (n->resigned_lost && hb->claim == HA_CLAIM_RESIGNED) || (n->taking_lost && taking);
}

static void handshake(struct world *w, enum ha_path path)
{
	ha_time delay = w->wire[path][A][B].delay + w->wire[path][B][A].delay;

	if (w->now < w->handshake_until[path])
		return;
	world_disown(w, path);
	for (int i = A; i <= B; i++)
		if (!w->n[i].running || !w->n[i].store.paired || w->now < w->n[i].blocked_until ||
		    !world_passes(w, path, i, 1 - i))
			return;
	w->handshake_until[path] = w->now + 2 * delay;
	for (int i = A; i <= B; i++) {
		struct world_message *m = world_post(w, SESSION, i, w->now + 2 * delay - 1);

		m->path = path;
		m->boot = w->n[1 - i].store.boot;
		m->life = w->n[i].life;
	}
}

static struct world_message *send_frame(struct world *w, int from, enum ha_path path,
					enum node_event_type type)
{
	struct world_node *n = &w->n[from];
	struct world_message *m;

	n->counter++;
	if (!n->session[path] || !world_passes(w, path, from, 1 - from))
		return NULL;
	m = world_post(w, FRAME, 1 - from, w->now + w->wire[path][from][1 - from].delay);
	m->from = from;
	m->path = path;
	m->boot = n->store.boot;
	m->event.type = type;
	m->event.boot = n->session[path]; /* whom it is for */
	m->event.path = path;
	m->event.counter = n->counter;
	return m;
}

static void send_heartbeat(struct world *w, int i, enum ha_path path)
{
	struct world_node *n = &w->n[i];
	ha_time now = world_local(w, i, w->now);
	struct msg_heartbeat hb, read;
	struct world_message *m;
	uint8_t body[sizeof(m->body)], again[sizeof(m->body)];
	size_t len;

	node_heartbeat(&n->node, path, now, &hb);
	if ((hb.why_not == 0) != !!(hb.flags & MSG_FLAG_ELIGIBLE) ||
	    hb.why_not != node_why_not(&n->node, now))
		world_fail(w, "eligible and why_not disagree");
	len = msg_encode_heartbeat(body, sizeof(body), &hb);
	if (!len ||
	    (hb.number % 16 == 0 && (msg_decode_heartbeat(body, len, &read) != DROP_NONE ||
				     msg_encode_heartbeat(again, sizeof(again), &read) != len ||
				     memcmp(body, again, len))))
		world_fail(w, "a heartbeat does not survive the wire");
	if (!n->session[path] || !w->n[1 - i].store.paired)
		handshake(w, path);
	if (lost_on_purpose(n, &hb))
		return;
	m = send_frame(w, i, path, EV_HEARTBEAT);
	if (!m)
		return;
	m->body_len = len;
	memcpy(m->body, body, len);
}

static void send_solicit(struct world *w, int i, const struct node_action *a)
{
	struct world_message *m =
		send_frame(w, i, a->path, a->type == ACT_SOLICIT ? EV_SOLICIT : EV_ANSWER);

	if (a->type == ACT_SOLICIT)
		w->solicits++;
	else
		w->answers++;
	if (m)
		m->event.nonce = a->nonce;
}

/* --- the segment --- */

static void send_segment(struct world *w, int from, int to, const struct ha_address *sender,
			 ha_time delay)
{
	struct world_message *m;

	if (!world_passes(w, HA_PATH_MANAGEMENT, from, to))
		return;
	m = world_post(w, SEGMENT, to,
		       w->now + delay + w->wire[HA_PATH_MANAGEMENT][from][to].delay);
	m->path = HA_PATH_MANAGEMENT;
	m->event.type = EV_SEGMENT;
	m->event.segment.source = m->event.segment.sender_mac = mac_of(from);
	m->event.segment.sender = *sender;
	m->event.segment.answer = true;
}

static void send_question(struct world *w, int i, const struct node_action *a)
{
	bool to_all = ha_mac_is_zero(&a->mac);

	if (a->type == ACT_PROBE)
		w->probes++;
	else
		w->asked[i]++;
	for (int to = A; to < WORLD_STATIONS; to++) {
		struct world_message *m;
		struct ha_mac mac = mac_of(to);

		if (to == i || (!to_all && !ha_mac_equal(&a->mac, &mac)) ||
		    !world_passes(w, HA_PATH_MANAGEMENT, i, to))
			continue;
		m = world_post(w, QUESTION, to, w->now + w->wire[HA_PATH_MANAGEMENT][i][to].delay);
		m->from = i;
		m->event.segment.target = a->address;
	}
}

static bool is_vip(const struct ha_address *a)
{
	return ha_address_equal(a, &vips[0]) || ha_address_equal(a, &vips[1]);
}

/* The kernel answers for the addresses that it has, whatever the engine does. */
static void on_question(struct world *w, const struct world_message *m)
{
	const struct ha_address *target = &m->event.segment.target;
	bool vip = is_vip(target);

	if (vip && w->probe_lost)
		return;
	if (m->to == STATION
		    ? !w->station_silent &&
			      (vip ? w->third_party : ha_address_equal(target, &station_address))
		    : vip && world_holds(w, m->to))
		send_segment(w, m->to, m->from, target, 5 * HA_US);
}

static void announce(struct world *w, int i, const struct node_action *a)
{
	const struct world_node *n = &w->n[i];
	bool current = n->guardian.lease == n->node.lease.id;

	if (!n->node.lease.wanted || !a->mask || (a->mask & ~n->node.lease.on) ||
	    (current && (a->mask & ~n->guardian.on)))
		world_fail(w, "announced without the address");
	w->announced[i]++;
	for (unsigned v = 0; v < 2; v++)
		if (a->mask & 1u << v && (v ? a->na : a->arp))
			send_segment(w, i, 1 - i, &vips[v], 0);
}

/* --- the engine --- */

static void tell_event(struct world *w, int i, const struct node_action *a)
{
	const char *name = i == A ? "a" : "b";

	switch (a->event) {
	case EVENT_STATE:
		w->n[i].promotions += a->to == HA_ACTIVE;
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
		send_heartbeat(w, i, a->path);
		break;
	case ACT_SOLICIT:
	case ACT_ANSWER:
		send_solicit(w, i, a);
		break;
	case ACT_PROBE:
	case ACT_ASK:
		send_question(w, i, a);
		break;
	case ACT_ALIVE:
		break;
	case ACT_HOLD:
	case ACT_RELEASE:
		m = world_post(w, TO_GUARDIAN, i, w->now + n->guardian.delay);
		m->action = *a;
		break;
	case ACT_ANNOUNCE:
		announce(w, i, a);
		break;
	case ACT_SAVE:
		m = world_post(w, TO_STORE, i, w->now + n->store.delay);
		m->action = *a;
		node_durable(&n->node, &m->durable);
		break;
	case ACT_EVENT:
		tell_event(w, i, a);
		break;
	case ACT_REPLY:
		world_tell(w, "%s reply %u: %s", i == A ? "a" : "b", a->request,
			   node_refusal_text(a->refusal));
		break;
	case ACT_EXIT:
		n->running = false;
		world_tell(w, "%s exit", i == A ? "a" : "b");
		break;
	}
}

static void check_step(struct world *w, int i, bool timer, const struct node_actions *out)
{
	struct world_node *n = &w->n[i];
	unsigned probes = 0, questions = 0;

	for (unsigned k = 0; k < out->n; k++) {
		probes += out->a[k].type == ACT_PROBE;
		questions += out->a[k].type == ACT_ASK;
	}
	if (probes > PROBES_MAX || questions > QUESTIONS_MAX ||
	    out->n - probes - questions > OTHERS_MAX)
		world_fail(w, "too many actions in a step");
	if ((timer && node_deadline(&n->node) <= n->node.now) ||
	    node_deadline(&n->node) == HA_NEVER)
		world_fail(w, "the deadline does not lie ahead");
	if (n->node.term < n->term_seen)
		world_fail(w, "a term went back");
	world_check_parted(w, i);
	if (!n->node.lease.wanted || !n->node.config.paired || w->terms_unchecked)
		return;
	if (n->node.term != n->term_seen && n->node.term <= n->term_used)
		world_fail(w, "a term used twice");
	n->term_seen = n->term_used = n->node.term;
	if (n->node.term % 2 != (i == A ? 0u : 1u))
		world_fail(w, "a term of the other's");
	if (n->store.disk.term < n->node.term && n->store.disk.reserved < n->node.term)
		world_fail(w, "a term used before it was on disk");
}

void world_engine_step(struct world *w, int i, struct node_event *ev)
{
	struct world_node *n = &w->n[i];
	struct node_actions out;

	if (!n->running)
		return;
	n->steps++;
	ev->now = world_local(w, i, w->now);
	node_step(&n->node, ev, &out);
	check_step(w, i, ev->type == EV_TIMER, &out);
	for (unsigned k = 0; k < out.n; k++)
		act(w, i, &out.a[k]);
}

static void on_frame(struct world *w, struct world_message *m)
{
	struct world_node *n = &w->n[m->to];
	struct node_event *ev = &m->event;

	if (n->session[m->path] != m->boot || ev->boot != n->store.boot)
		return; /* its tag does not verify */
	ev->heard_at = world_local(w, m->to, m->at);
	if (ev->type == EV_HEARTBEAT &&
	    msg_decode_heartbeat(m->body, m->body_len, &ev->heartbeat) != DROP_NONE)
		world_fail(w, "a heartbeat does not decode");
	world_engine_step(w, m->to, ev);
}

static void on_session(struct world *w, const struct world_message *m)
{
	struct world_node *n = &w->n[m->to];
	struct node_event session = {.type = EV_SESSION, .path = m->path, .boot = m->boot};
	struct node_event mac = {.type = EV_PEER_MAC, .mac = mac_of(1 - m->to)};

	n->session[m->path] = m->boot;
	world_engine_step(w, m->to, &session);
	world_engine_step(w, m->to, &mac);
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
		if (m->event.type == EV_UNPAIRED)
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
	case FRAME:
		on_frame(w, m);
		break;
	case SESSION:
		if (m->life == n->life)
			on_session(w, m);
		break;
	case QUESTION:
		on_question(w, m);
		break;
	case SEGMENT:
		if (!station) {
			m->event.heard_at = world_local(w, m->to, m->at);
			world_engine_step(w, m->to, &m->event);
		}
		break;
	}
}

void world_engine_boot(struct world *w, int i)
{
	struct world_node *n = &w->n[i];
	const struct world_store *s = &n->store;
	struct node_config config = {
		.timing = w->timing,
		.boot = ++n->store.boot,
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
		.vip_n = 2,
		.vip = {vips[0], vips[1]},
		.mac = mac_of(i),
		.witness_learn = !w->no_witness,
		.disputed = s->parting == PARTING_LEFT,
		.fenced = n->guardian.fence,
	};
	struct world_message *m;

	n->running = true;
	n->life++;
	n->term_seen = 0;
	memset(n->session, 0, sizeof(n->session));
	world_guardian_withdraw(&n->guardian);
	n->guardian.ended = 0; /* a new engine counts its leases anew */
	node_init(&n->node, &config, world_local(w, i, w->now));
	m = world_tell_engine(w, i, EV_WITNESS, w->now);
	m->event.witness.n = w->no_witness ? 0 : 1;
	m->event.witness.address[0] = station_address;
	m = world_tell_engine(w, i, EV_COPY, w->now);
	m->event.copy.whole = s->disk.whole_copy;
	m->event.copy.in_sync = s->disk.in_sync;
	m->event.copy.lineage = n->lineage;
	for (int path = 0; path < HA_PATH_N; path++) {
		m = world_tell_engine(w, i, EV_CARRIER, w->now);
		m->event.path = path ? HA_PATH_MANAGEMENT : HA_PATH_LINK;
		m->event.up = n->carrier[path];
	}
}
