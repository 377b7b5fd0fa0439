/* world_frame.c - messages between the engines, and the stand-in for their sessions; see world.h.
 *
 * The stand-in has no keys. It knows of each path which boots of the two have shaken hands, and by that which frame would
 * verify; no frame passes twice.
 */
#include "tests/sim/world.h"

#include <string.h>

static bool lost_on_purpose(const struct world_node *n, const struct msg_heartbeat *hb)
{
	bool taking = hb->claim == HA_CLAIM_TAKING || hb->claim == HA_CLAIM_HOLDING ||
		      hb->handover.phase == HANDOVER_TAKING;

	return (n->resigned_lost && hb->claim == HA_CLAIM_RESIGNED) || (n->taking_lost && taking);
}

bool world_has_session(const struct world *w, int i, enum ha_path path)
{
	if (w->sealed)
		return w->n[i].sealed.open && session_is_up(&w->n[i].sealed.session[path]);
	return w->n[i].session[path] != 0;
}

void world_drop_sessions(struct world *w, int i)
{
	memset(w->n[i].session, 0, sizeof(w->n[i].session));
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

static ha_time flight(struct world *w, const struct world_wire *wire)
{
	return wire->delay + (wire->jitter ? (ha_time)world_chance(w, (uint64_t)wire->jitter) : 0);
}

/* A queue that nobody reads is full at some time. */
static bool is_full(const struct world *w)
{
	return w->messages > WORLD_MESSAGES / 2;
}

void world_send(struct world *w, int from, enum ha_path path, enum msg_type type,
		const uint8_t *body, size_t body_len)
{
	struct world_node *n = &w->n[from];
	struct world_message *m;

	if (w->sealed) {
		world_sealed_send(w, from, path, type, body, body_len);
		return;
	}
	n->counter++;
	if (!n->session[path] || is_full(w) || !world_passes(w, path, from, 1 - from))
		return;
	m = world_post(w, FRAME, 1 - from, w->now + flight(w, &w->wire[path][from][1 - from]));
	m->from = from;
	m->path = path;
	m->type = type;
	m->boot = n->store.boot;
	m->peer_boot = n->session[path]; /* whom it is for */
	m->counter = n->counter;
	m->body_len = body_len;
	memcpy(m->body, body, body_len);
}

/* A whole frame, sealed. */
void world_send_frame(struct world *w, int from, enum ha_path path, const uint8_t *frame,
		      size_t len)
{
	const struct world_wire *wire = &w->wire[path][from][1 - from];
	unsigned copies = wire->twice && world_chance(w, 100) < wire->twice ? 2 : 1;

	for (; copies > 0 && !is_full(w); copies--) {
		struct world_message *m;

		if (!world_passes(w, path, from, 1 - from))
			continue;
		m = world_post(w, FRAME, 1 - from, w->now + flight(w, wire));
		m->from = from;
		m->path = path;
		m->body_len = len;
		memcpy(m->body, frame, len);
	}
}

static void check_wire(const struct world *w, const struct msg_heartbeat *hb, const uint8_t *body,
		       size_t len)
{
	struct msg_heartbeat read;
	uint8_t again[WORLD_BODY];

	if (msg_decode_heartbeat(body, len, &read) != DROP_NONE ||
	    msg_encode_heartbeat(again, sizeof(again), &read) != len || memcmp(body, again, len) ||
	    read.term != hb->term)
		world_broken(w, INV_WIRE, "a heartbeat does not survive the wire");
}

void world_heartbeat(struct world *w, int i, enum ha_path path)
{
	struct world_node *n = &w->n[i];
	ha_time now = world_local(w, i, w->now);
	struct msg_heartbeat hb;
	uint8_t body[256];
	size_t len;

	node_heartbeat(&n->node, path, now, &hb);
	if ((hb.why_not == 0) != !!(hb.flags & MSG_FLAG_ELIGIBLE) ||
	    hb.why_not != node_why_not(&n->node, now))
		world_broken(w, INV_ELIGIBLE, "eligible and why_not disagree");
	hb.identity_revision = 1 + world_list(w, i); /* rises with each change */
	len = msg_encode_heartbeat(body, sizeof(body), &hb);
	if (len == 0)
		world_broken(w, INV_WIRE, "a heartbeat cannot be encoded");
	if (hb.number % 16 == 0)
		check_wire(w, &hb, body, len);
	if (!w->sealed && (!n->session[path] || !w->n[1 - i].store.paired))
		handshake(w, path);
	if (!lost_on_purpose(n, &hb))
		world_send(w, i, path, MSG_HEARTBEAT, body, len);
}

void world_solicit(struct world *w, int i, const struct node_action *a)
{
	const struct msg_solicit solicit = {.nonce = a->nonce};
	uint8_t body[16];
	size_t len = msg_encode_solicit(body, sizeof(body), &solicit);

	if (a->type == ACT_SOLICIT)
		w->solicits++;
	else
		w->answers++;
	world_send(w, i, a->path, a->type == ACT_SOLICIT ? MSG_SOLICIT : MSG_ANSWER, body, len);
}

void world_hear_message(struct world *w, int i, enum ha_path path, enum msg_type type,
			uint64_t counter, const uint8_t *body, size_t body_len, ha_time at)
{
	struct node_event ev = {.type = EV_HEARTBEAT, .path = path, .counter = counter};
	struct msg_solicit solicit = {0};
	enum ha_drop drop = DROP_NONE;

	if (type == MSG_ADDRESSES) {
		world_on_addresses(w, i, body, body_len);
		return;
	}
	ev.heard_at = world_local(w, i, at);
	if (type == MSG_HEARTBEAT) {
		drop = msg_decode_heartbeat(body, body_len, &ev.heartbeat);
		if (!w->sealed) /* the stand-in has no IDENTITY */
			world_hear_list(w, i, ev.heartbeat.identity_revision - 1);
	} else {
		ev.type = type == MSG_SOLICIT ? EV_SOLICIT : EV_ANSWER;
		drop = msg_decode_solicit(body, body_len, &solicit);
		ev.nonce = solicit.nonce;
	}
	if (drop != DROP_NONE)
		world_broken(w, INV_WIRE, "a message does not decode");
	world_engine_step(w, i, &ev);
}

void world_on_frame(struct world *w, struct world_message *m)
{
	const struct world_node *n = &w->n[m->to];

	if (!n->running)
		return;
	if (w->sealed)
		world_sealed_receive(w, m);
	else if (n->session[m->path] == m->boot && m->peer_boot == n->store.boot)
		world_hear_message(w, m->to, m->path, m->type, m->counter, m->body, m->body_len,
				   m->at);
}

void world_on_session(struct world *w, const struct world_message *m)
{
	struct world_node *n = &w->n[m->to];
	struct node_event session = {.type = EV_SESSION, .path = m->path, .boot = m->boot};
	struct node_event mac = {.type = EV_PEER_MAC, .mac = world_mac(1 - m->to)};

	n->session[m->path] = m->boot;
	world_engine_step(w, m->to, &session);
	world_engine_step(w, m->to, &mac);
}
