/* world_guardian.c - a node's guardian over a kernel made of a struct, and its store; see world.h. */
#include "tests/sim/world.h"

#include <errno.h>

enum {
	ALL = (1 << WORLD_VIPS) - 1,
};

#define TICK (4 * HA_MS) /* of a kernel with 250 Hz */

static ha_time to_world(const struct world *w, int i, ha_time local)
{
	return world_global(w, i, local);
}

struct world_message *world_tell_engine(struct world *w, int i, enum node_event_type type,
					ha_time at)
{
	struct world_message *m = world_post(w, TO_ENGINE, i, at);

	m->life = w->n[i].life;
	m->event.type = type;
	return m;
}

/* --- the kernel --- */

static ha_time kernel_now(void *arg)
{
	const struct world_guardian *g = arg;

	return world_local(g->world, g->node, g->world->now + g->spent);
}

static int kernel_add(void *arg, uint32_t *acked)
{
	struct world_guardian *g = arg;

	*acked = 0;
	g->spent += g->slow;
	if (g->absent)
		return -ENODEV;
	if (g->failing)
		return -EEXIST;
	*acked = g->on = g->want;
	g->valid_until = g->world->now + g->spent + HOLD_VALID_S * HA_SEC;
	return g->want == ALL ? 0 : -EADDRINUSE;
}

static int kernel_restore(void *arg, unsigned i)
{
	struct world_guardian *g = arg;

	g->spent += g->slow;
	if (g->absent)
		return -ENODEV;
	if (g->failing)
		return -EEXIST;
	if (!(g->want >> i & 1))
		return -EADDRINUSE;
	g->on |= UINT32_C(1) << i;
	return 0;
}

static int kernel_remove(void *arg)
{
	struct world_guardian *g = arg;

	g->spent += g->slow;
	g->on = 0;
	return 0;
}

static uint32_t kernel_on(void *arg)
{
	const struct world_guardian *g = arg;

	return g->on;
}

/* The kernel counts in ticks, of which the first has begun already. */
static int kernel_fence_hold(void *arg, unsigned ms)
{
	struct world_guardian *g = arg;
	ha_time at = g->world->now + g->spent, time = (ha_time)ms * HA_MS;

	if (!g->fence)
		return 0;
	if (g->ticks)
		g->fence_until = (at / TICK + (time + TICK - 1) / TICK) * TICK;
	else
		g->fence_until = at + time;
	g->spent += g->slow;
	return 0;
}

static int kernel_fence_shut(void *arg)
{
	struct world_guardian *g = arg;

	g->fence_until = 0;
	return 0;
}

void world_guardian_init(struct world *w, int i)
{
	struct world_guardian *g = &w->n[i].guardian;

	if (g->world == NULL)
		*g = (struct world_guardian){.delay = 100 * HA_US, .fence = true, .want = ALL};
	g->world = w;
	g->node = i;
	g->kernel = (struct hold_kernel){
		.now = kernel_now,
		.add = kernel_add,
		.restore = kernel_restore,
		.remove = kernel_remove,
		.on = kernel_on,
		.fence_hold = kernel_fence_hold,
		.fence_shut = kernel_fence_shut,
		.arg = g,
	};
	g->on = 0;
	g->list = g->wanted = w->n[i].store.list;
	g->fence_until = g->valid_until = 0;
	hold_init(&g->hold, &g->kernel);
}

/* --- the guardian --- */

static void tell_lease(struct world *w, int i, const struct ipc_message *answer)
{
	struct world_message *m =
		world_tell_engine(w, i, EV_LEASE, w->now + w->n[i].guardian.spent + 10 * HA_US);

	w->n[i].guardian.untold++;
	m->event.lease.id = answer->u.lease.lease;
	m->event.lease.on = answer->u.lease.on;
	m->event.lease.gone = answer->u.lease.cause == LEASE_GONE;
	switch (answer->u.lease.status) {
	case LEASE_HELD:
		m->event.lease.status = NODE_LEASE_HELD;
		break;
	case LEASE_DROPPED:
		m->event.lease.status = NODE_LEASE_DROPPED;
		break;
	default:
		m->event.lease.status = NODE_LEASE_FAILED;
		break;
	}
}

/* Whatever the kernel took, it took of the guardian's time. */
static void done(struct world *w, struct world_guardian *g)
{
	if (g->spent > 0 && w->now + g->spent > g->blocked_until)
		g->blocked_until = w->now + g->spent;
	g->spent = 0;
}

void world_guardian_engine(struct world_guardian *g)
{
	hold_new_engine(&g->hold);
	g->spent = 0;
}

/* The kernel has reported something of its own accord: the interface is gone, or an address. */
static void on_kernel(struct world *w, int i)
{
	struct world_guardian *g = &w->n[i].guardian;
	struct ipc_message answer;
	uint32_t gone = g->hold.told & ~g->on;

	if (g->absent) {
		if (hold_gone(&g->hold, &answer))
			tell_lease(w, i, &answer);
		return;
	}
	for (unsigned v = 0; v < WORLD_VIPS; v++)
		if ((gone >> v & 1) && hold_observe(&g->hold, v, false, &answer))
			tell_lease(w, i, &answer);
}

void world_on_guardian(struct world *w, const struct world_message *m)
{
	struct world_guardian *g = &w->n[m->to].guardian;
	struct ipc_message answer;
	bool due;

	if (m->action.type == ACT_SAVE) { /* of the steward, who says it again to the next one */
		world_guardian_told(w, m->to, m->list);
		return;
	}
	if (g->dead)
		return;
	if (m->action.type == 0) {
		on_kernel(w, m->to);
		done(w, g);
		return;
	}
	if (m->life != w->n[m->to].life)
		return;
	if (!world_guardian_means(g, m)) {
		answer = (struct ipc_message){.type = IPC_LEASE};
		answer.u.lease.lease = m->action.lease;
		answer.u.lease.status = LEASE_FAILED;
		tell_lease(w, m->to, &answer);
		done(w, g);
		return;
	}
	if (m->action.type == ACT_HOLD)
		due = hold_request(&g->hold, m->action.lease, m->action.deadline, &answer);
	else
		due = hold_release(&g->hold, m->action.lease, &answer);
	if (due)
		tell_lease(w, m->to, &answer);
	done(w, g);
}

ha_time world_guardian_next(const struct world *w, int i)
{
	const struct world_guardian *g = &w->n[i].guardian;
	ha_time next = hold_next(&g->hold);

	if (next != HA_NEVER)
		next = to_world(w, i, next);
	if (g->on && g->valid_until < next)
		next = g->valid_until;
	return next == HA_NEVER || next > g->blocked_until ? next : g->blocked_until;
}

/* The addresses' own lifetime, which the kernel reports like any other end of them. */
static void expire(struct world *w, int i)
{
	struct world_guardian *g = &w->n[i].guardian;

	if (g->on == 0 || w->now < g->valid_until)
		return;
	g->on = 0;
	on_kernel(w, i);
}

void world_guardian_timer(struct world *w, int i)
{
	struct world_guardian *g = &w->n[i].guardian;
	struct ipc_message answer;

	expire(w, i);
	while (hold_timer(&g->hold, &answer))
		tell_lease(w, i, &answer);
	done(w, g);
}

void world_interface(struct world *w, int i, bool present)
{
	struct world_guardian *g = &w->n[i].guardian;

	if (g->absent == !present)
		return;
	g->absent = !present;
	world_carrier(w, i, HA_PATH_MANAGEMENT, present);
	if (present)
		return;
	g->on = 0;
	g->fence_until = 0;
	world_post(w, TO_GUARDIAN, i, w->now + 20 * HA_US);
}

void world_delete_address(struct world *w, int i, unsigned vip)
{
	struct world_guardian *g = &w->n[i].guardian;

	if (!(g->on >> vip & 1))
		return;
	g->on &= ~(UINT32_C(1) << vip);
	world_post(w, TO_GUARDIAN, i, w->now + 20 * HA_US);
}

/* --- the store --- */

struct world_message *world_save(struct world *w, int i)
{
	struct world_node *n = &w->n[i];
	struct world_store *s = &n->store;
	struct world_message *m;

	if (s->busy_until < w->now + s->delay)
		s->busy_until = w->now + s->delay; /* never before the one before it */
	m = world_post(w, TO_STORE, i, s->busy_until);
	m->boot = n->sealed.peer_boot;
	m->life = n->life;
	node_durable(&n->node, &m->durable);
	m->list = world_record_list(w, i);
	return m;
}

void world_on_store(struct world *w, const struct world_message *m)
{
	struct world_store *s = &w->n[m->to].store;
	struct world_message *saved;

	if (m->action.type == ACT_SAVE) {
		saved = world_tell_engine(w, m->to, EV_SAVED, w->now);
		saved->event.number = m->action.number;
		saved->event.ok = !s->failing;
		saved->life = m->life;
	}
	if (m->order > s->parted || m->action.type == ACT_EXIT)
		world_list_stored(w, m);
	if (s->failing || m->order <= s->parted)
		return;
	if (m->boot > s->peer_boot)
		s->peer_boot = m->boot;
	if (m->durable.term < s->disk.term || m->durable.held_term < s->disk.held_term ||
	    (s->paired && m->durable.reserved < s->disk.reserved &&
	     m->durable.term < s->disk.reserved))
		world_broken(w, INV_TERM, "a term went back on disk");
	s->disk = m->durable;
	if (s->disk.suspended_until != HA_NEVER)
		s->disk.suspended_until = to_world(w, m->to, s->disk.suspended_until);
}
