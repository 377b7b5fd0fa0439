/* world_guardian.c - a node's guardian with the kernel behind it, and its store; see world.h. */
#include "tests/unit/world.h"

enum {
	VALID_S = 3, /* valid_lft of an address */
};

static ha_time to_world(const struct world *w, int i, ha_time local)
{
	return local - w->n[i].base;
}

struct world_message *world_tell_engine(struct world *w, int i, enum node_event_type type,
					ha_time at)
{
	struct world_message *m = world_post(w, TO_ENGINE, i, at);

	m->life = w->n[i].life;
	m->event.type = type;
	return m;
}

static void tell_lease(struct world *w, int i, uint64_t lease, int status)
{
	struct world_message *m = world_tell_engine(w, i, EV_LEASE, w->now + 10 * HA_US);

	m->event.lease.id = lease;
	m->event.lease.on = w->n[i].guardian.on;
	switch (status) {
	case NODE_LEASE_HELD:
		m->event.lease.status = NODE_LEASE_HELD;
		break;
	case NODE_LEASE_DROPPED:
		m->event.lease.status = NODE_LEASE_DROPPED;
		break;
	default:
		m->event.lease.status = NODE_LEASE_FAILED;
		break;
	}
}

void world_guardian_withdraw(struct world_guardian *g)
{
	if (g->lease > g->ended)
		g->ended = g->lease;
	g->lease = 0;
	g->on = 0;
	g->fence_until = 0;
}

static void guardian_hold(struct world *w, int i, const struct node_action *a)
{
	struct world_guardian *g = &w->n[i].guardian;
	ha_time deadline = to_world(w, i, a->deadline);

	if (deadline <= w->now && a->lease == g->lease)
		return; /* the running deadline decides */
	if (a->lease <= g->ended || deadline <= w->now) {
		tell_lease(w, i, a->lease, NODE_LEASE_DROPPED);
		return;
	}
	g->lease = a->lease;
	g->deadline = deadline;
	g->fence_until = deadline;
	if (g->failing) {
		tell_lease(w, i, a->lease, NODE_LEASE_FAILED);
		return;
	}
	g->valid_until = w->now + VALID_S * HA_SEC;
	g->on = g->want;
	tell_lease(w, i, a->lease, NODE_LEASE_HELD);
}

void world_on_guardian(struct world *w, const struct world_message *m)
{
	struct world_guardian *g = &w->n[m->to].guardian;

	if (g->dead)
		return;
	if (m->action.type == ACT_HOLD) {
		guardian_hold(w, m->to, &m->action);
		return;
	}
	if (m->action.type != ACT_RELEASE)
		return;
	if (m->action.lease >= g->lease)
		world_guardian_withdraw(g);
	if (m->action.lease > g->ended)
		g->ended = m->action.lease;
	tell_lease(w, m->to, m->action.lease, NODE_LEASE_DROPPED);
}

void world_guardian_expire(struct world *w, int i)
{
	struct world_guardian *g = &w->n[i].guardian;
	uint64_t lease = g->lease;

	world_guardian_withdraw(g);
	tell_lease(w, i, lease, NODE_LEASE_DROPPED);
}

void world_on_store(struct world *w, const struct world_message *m)
{
	struct world_store *s = &w->n[m->to].store;
	struct world_message *saved = world_tell_engine(w, m->to, EV_SAVED, w->now);

	saved->event.number = m->action.number;
	saved->event.ok = !s->failing;
	if (s->failing || m->order <= s->parted)
		return;
	if (m->durable.term < s->disk.term || m->durable.held_term < s->disk.held_term ||
	    (s->paired && m->durable.reserved < s->disk.reserved &&
	     m->durable.term < s->disk.reserved))
		world_fail(w, "a term went back on disk");
	s->disk = m->durable;
	if (s->disk.suspended_until != HA_NEVER)
		s->disk.suspended_until = to_world(w, m->to, s->disk.suspended_until);
}
