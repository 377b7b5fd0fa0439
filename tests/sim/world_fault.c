/* world_fault.c - what a test does to the two nodes; see world.h. */
#include "tests/sim/world.h"

static ha_time later(ha_time a, ha_time b)
{
	return a > b ? a : b;
}

void world_carrier(struct world *w, int i, enum ha_path path, bool up)
{
	struct world_message *m;

	if (w->n[i].carrier[path] == up)
		return;
	w->n[i].carrier[path] = up;
	if (!w->n[i].running)
		return;
	m = world_post(w, TO_ENGINE, i, w->now + 200 * HA_US);
	m->life = w->n[i].life;
	m->event.type = EV_CARRIER;
	m->event.path = path;
	m->event.up = up;
}

void world_power_on(struct world *w, int i)
{
	struct world_node *n = &w->n[i];

	if (n->powered)
		return;
	n->powered = true;
	n->base = 10 * HA_SEC - w->now - w->now / HA_MS * n->ppm; /* CLOCK_BOOTTIME begins anew */
	n->blocked_until = n->frozen_until = n->store.busy_until = 0;
	n->guardian.blocked_until = 0;
	world_guardian_init(w, i);
	n->carrier[HA_PATH_MANAGEMENT] = true;
	if (w->n[1 - i].powered)
		for (int k = A; k <= B; k++)
			world_carrier(w, k, HA_PATH_LINK, true);
	world_engine_boot(w, i);
}

void world_engine_kill(struct world *w, int i)
{
	w->n[i].running = false;
	w->n[i].life++;
	world_drop_sessions(w, i);
}

void world_power_off(struct world *w, int i)
{
	struct world_node *n = &w->n[i];

	if (!n->powered)
		return;
	world_engine_kill(w, i);
	n->powered = false;
	world_drop_messages(w, i);
	world_guardian_init(w, i);
	if (w->mirrored)
		mirror_power_off(w, i);
	n->carrier[HA_PATH_LINK] = n->carrier[HA_PATH_MANAGEMENT] = false;
	world_carrier(w, 1 - i, HA_PATH_LINK, false);
}

void world_engine_start(struct world *w, int i)
{
	if (w->n[i].powered && !w->n[i].running)
		world_engine_boot(w, i);
}

void world_pause(struct world *w, int i, ha_time duration)
{
	w->n[i].blocked_until = later(w->n[i].blocked_until, w->now + duration);
}

void world_suspend(struct world *w, int i, ha_time duration)
{
	world_pause(w, i, duration);
	w->n[i].guardian.blocked_until = later(w->n[i].guardian.blocked_until, w->now + duration);
}

void world_freeze(struct world *w, int i, ha_time duration)
{
	struct world_node *n = &w->n[i];

	if (w->now < n->frozen_until)
		return;
	world_suspend(w, i, duration);
	n->frozen_since = w->now;
	n->frozen_until = w->now + duration;
	n->base -= world_local(w, i, n->frozen_until) - world_local(w, i, w->now);
	n->guardian.fence_until += duration;
	n->guardian.valid_until += duration;
}

void world_cut(struct world *w, enum ha_path path, int from, int to, bool cut)
{
	w->wire[path][from][to].cut = cut;
}

void world_split(struct world *w, enum ha_path path, bool cut)
{
	world_cut(w, path, A, B, cut);
	world_cut(w, path, B, A, cut);
}

void world_isolate(struct world *w, int i, bool cut)
{
	for (int k = A; k < WORLD_STATIONS; k++) {
		world_cut(w, HA_PATH_MANAGEMENT, i, k, cut);
		world_cut(w, HA_PATH_MANAGEMENT, k, i, cut);
	}
}

void world_loss(struct world *w, unsigned percent)
{
	for (int path = 0; path < HA_PATH_N; path++)
		w->wire[path][A][B].loss = w->wire[path][B][A].loss = percent;
}

void world_jitter(struct world *w, enum ha_path path, ha_time jitter)
{
	w->wire[path][A][B].jitter = w->wire[path][B][A].jitter = jitter;
}

void world_twice(struct world *w, enum ha_path path, unsigned percent)
{
	w->wire[path][A][B].twice = w->wire[path][B][A].twice = percent;
}

void world_switch_restart(struct world *w)
{
	for (int i = A; i <= B; i++)
		world_carrier(w, i, HA_PATH_MANAGEMENT, false);
	for (unsigned v = 0; v < WORLD_VIPS; v++)
		w->learned[v] = NOBODY;
}

void world_heal(struct world *w)
{
	world_loss(w, 0);
	for (int path = 0; path < HA_PATH_N; path++) {
		world_jitter(w, (enum ha_path)path, 0);
		world_twice(w, (enum ha_path)path, 0);
		w->wire[path][A][B].delay = w->wire[path][B][A].delay = 50 * HA_US;
	}
	world_isolate(w, A, false);
	world_isolate(w, B, false);
	world_split(w, HA_PATH_LINK, false);
	w->station_silent = w->third_party = w->probe_lost = false;
	for (int i = A; i <= B; i++) {
		struct world_node *n = &w->n[i];

		n->resigned_lost = n->taking_lost = false;
		n->guardian.failing = n->guardian.dead = false;
		n->guardian.slow = 0;
		n->guardian.delay = 100 * HA_US;
		n->guardian.want = 3;
		n->store.failing = false;
		n->store.delay = 2 * HA_MS;
		if (!n->powered) {
			n->guardian.absent = false;
			continue;
		}
		world_interface(w, i, true);
		world_carrier(w, i, HA_PATH_MANAGEMENT, true);
		world_carrier(w, i, HA_PATH_LINK, w->n[1 - i].powered);
	}
}

/* --- what people and the rest of the agent say --- */

void world_event(struct world *w, int i, struct node_event *ev)
{
	struct world_message *m;

	if (w->now >= w->n[i].blocked_until) {
		if (ev->type == EV_UNPAIRED)
			world_part(w, i, ev);
		else
			world_engine_step(w, i, ev);
		world_check_holders(w);
		return;
	}
	m = world_post(w, TO_ENGINE, i, w->now);
	m->life = w->n[i].life;
	m->event = *ev;
}

void world_operator(struct world *w, int i, enum node_op op, uint32_t request)
{
	world_event(w, i,
		    &(struct node_event){
			    .type = EV_OPERATOR, .op = op, .request = request, .until = HA_NEVER});
}

void world_suspend_for(struct world *w, int i, ha_time duration, uint32_t request)
{
	world_event(w, i,
		    &(struct node_event){.type = EV_OPERATOR,
					 .op = OP_SUSPEND,
					 .request = request,
					 .until = world_local(w, i, w->now) + duration});
}

void world_check(struct world *w, int i, bool ok)
{
	world_checks(w, i, !ok, !ok);
}

void world_checks(struct world *w, int i, bool failing, bool failed)
{
	world_event(w, i,
		    &(struct node_event){.type = EV_CHECK,
					 .check = {.failing = failing, .failed = failed}});
}

void world_copy(struct world *w, int i, bool whole, bool in_sync, uint64_t number)
{
	struct node_event ev = {.type = EV_COPY};

	w->n[i].lineage.number = number;
	ev.copy.whole = whole;
	ev.copy.in_sync = in_sync;
	ev.copy.lineage = w->n[i].lineage;
	world_event(w, i, &ev);
}
