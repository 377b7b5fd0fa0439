/* world_life.c - a pair's beginning and end as the engines and stewards carry them out; see world.h. */
#include "tests/sim/world.h"

#include <string.h>

/* The record is on its way to the disk; what follows from it happens when it is there. */
void world_part_later(struct world *w, int i, enum msg_parting why, bool by_peer, ha_time at)
{
	struct world_node *n = &w->n[i];
	struct world_message *m = world_tell_engine(w, i, EV_UNPAIRED, at);

	m->event.unpaired.why = why;
	m->event.unpaired.keeps = node_keeps(&n->node, why, by_peer);
	m->event.unpaired.vip_n = n->node.config.vip_n;
	memcpy(m->event.unpaired.vip, n->node.config.vip, sizeof(m->event.unpaired.vip));
}

static bool heard(struct world *w, int from, int to)
{
	return world_passes(w, HA_PATH_LINK, from, to) ||
	       world_passes(w, HA_PATH_MANAGEMENT, from, to);
}

void world_part(struct world *w, int i, struct node_event *ev)
{
	struct world_node *n = &w->n[i];
	bool asked_by_peer = ev->unpaired.why == PARTING_DETACHED && !ev->unpaired.keeps;

	if (!n->store.paired)
		return;
	n->store.paired = false;
	n->store.parting = ev->unpaired.why;
	n->store.parted = w->order;
	n->whole = true; /* its settings are its own from now on */
	world_drop_sessions(w, A);
	world_drop_sessions(w, B);
	world_sealed_part(w, i);
	world_engine_step(w, i, ev);
	node_durable(&n->node, &n->store.disk);
	world_tell(w, "%s %s", world_name(i), ev->unpaired.keeps ? "keeps it" : "is standalone");
	if (asked_by_peer && w->n[1 - i].running && w->n[1 - i].store.paired &&
	    heard(w, i, 1 - i)) /* DONE */
		world_part_later(w, 1 - i, PARTING_DETACHED, false,
				 w->now + HA_MS + w->n[1 - i].store.delay);
}

void world_detach(struct world *w, int i)
{
	struct world_node *n = &w->n[i], *peer = &w->n[1 - i];
	enum node_refusal refusal = node_may_detach(&n->node, world_local(w, i, w->now));

	if (w->now < n->blocked_until)
		return; /* nobody listens */
	if (refusal) {
		world_tell(w, "%s detach: %s", world_name(i), node_refusal_text(refusal));
		return;
	}
	if (!peer->running || w->now < peer->blocked_until || !peer->store.paired ||
	    !heard(w, i, 1 - i))
		return; /* the request is lost */
	if (node_may_be_detached(&peer->node, world_local(w, 1 - i, w->now)) != DETACH_OK ||
	    peer->store.failing) {
		world_tell(w, "%s refuses to be detached", world_name(1 - i));
		return;
	}
	world_part_later(w, 1 - i, PARTING_DETACHED, true, w->now + peer->store.delay);
}

void world_remove(struct world *w, int i)
{
	enum node_refusal refusal = node_may_remove(&w->n[i].node, world_local(w, i, w->now));

	if (w->now < w->n[i].blocked_until)
		return; /* nobody listens */
	if (refusal)
		world_tell(w, "%s remove: %s", world_name(i), node_refusal_text(refusal));
	else
		world_part_later(w, i, PARTING_LEFT, false, w->now + w->n[i].store.delay);
}

/* SPEC 4.8: a beacon of one that was in the pair is answered by one that is not in it any more. */
void world_disown(struct world *w, enum ha_path path)
{
	for (int i = A; i <= B; i++) {
		struct world_node *n = &w->n[i], *other = &w->n[1 - i];
		bool keeps = other->node.mode != HA_MODE_STANDALONE;

		if (path != HA_PATH_LINK || !n->running || !n->store.paired || !other->running ||
		    other->store.parting == PARTING_NONE || w->now < n->blocked_until ||
		    w->now < other->blocked_until || !world_passes(w, path, i, 1 - i) ||
		    !world_passes(w, path, 1 - i, i))
			continue;
		w->handshake_until[path] = w->now + HA_SEC;
		world_part_later(w, i, keeps ? PARTING_REMOVED : PARTING_DETACHED, false,
				 w->now + HA_MS + (keeps ? 0 : n->store.delay));
	}
}

void world_join(struct world *w, int holder)
{
	bool terms_unchecked = w->terms_unchecked;
	struct node_event ev = {.type = EV_PAIRED};

	world_sealed_keys(w, ++w->pairs);
	for (int k = A; k <= B; k++) {
		w->n[k].store.paired = true;
		w->n[k].store.parting = PARTING_NONE;
		w->n[k].whole = k == holder || !w->mirrored;
		world_sealed_open(w, k);
	}
	if (w->mirrored)
		mirror_joined(w, 1 - holder);
	world_readdress_join(w, holder);
	ev.paired.term = w->n[holder].node.term_known; /* JOIN_ACCEPT: the active's */
	w->terms_unchecked = true; /* the join itself is what makes it durable */
	for (int k = 0; k < 2; k++) {
		int i = k ? holder : 1 - holder;
		struct world_node *n = &w->n[i];

		ev.paired.mode = i == holder ? HA_MODE_PRIMARY_ACTIVE : HA_MODE_PRIMARY_PASSIVE;
		ev.paired.lower = i == A;
		ev.paired.vip_n = WORLD_VIPS;
		for (unsigned v = 0; v < WORLD_VIPS; v++)
			ev.paired.vip[v] = world_address(n->store.list, v);
		if (i != holder)
			n->term_seen = 0; /* of another past */
		world_event(w, i, &ev);
		n->store.disk.term = n->node.term_known;
		n->store.disk.held_term = n->node.term;
		n->store.disk.mode = ev.paired.mode;
	}
	w->terms_unchecked = terms_unchecked;
}

void world_check_parted(const struct world *w, int i)
{
	const struct node *n = &w->n[i].node;

	if (n->config.paired)
		return;
	if (n->mode == HA_MODE_STANDALONE && n->lease.wanted)
		world_broken(w, INV_PARTED, "a standalone node wants the virtual IP");
	if (n->suspended || n->reserved || n->peer.known || n->handover.giving ||
	    n->handover.own.phase != HANDOVER_NONE)
		world_broken(w, INV_PARTED, "something of the former peer is left");
}
