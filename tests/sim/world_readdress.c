/* world_readdress.c - other virtual IPs, as the engines, stewards and guardians carry them out (SPEC 5.12); see world.h.
 *
 * A list of virtual IPs is a number here: the later it was made up the higher. Each has addresses of its own.
 */
#include "tests/sim/world.h"

#include <string.h>

#define ASK_TIMEOUT (3 * HA_SEC)
#define SETTLED     (10 * HA_SEC)

struct ha_address world_address(unsigned list, unsigned i)
{
	struct ha_address a = *world_vip(i);

	a.b[i == 0 ? 3 : 15] = (uint8_t)(100 + list);
	return a;
}

unsigned world_list_of(const struct ha_address *a)
{
	return a->b[a->family == HA_IPV4 ? 3 : 15] - 100U;
}

unsigned world_list(const struct world *w, int i)
{
	const struct node_config *config = &w->n[i].node.config;

	return config->vip_n == 0 ? 0 : world_list_of(&config->vip[0]);
}

/* What stands in a record that is written now: as in act_record(). */
unsigned world_record_list(const struct world *w, int i)
{
	const struct world_readdress *r = &w->n[i].readdress;

	return r->phase == WORLD_SAVING ? r->list : r->record;
}

/* --- the guardian --- */

static void switch_list(struct world_guardian *g)
{
	if (g->dead || hold_holds(&g->hold) || g->hold.leaving != 0)
		return;
	g->list = g->wanted;
	g->on = 0;
}

/* As keeper_request() does. False: answer says that it means another list. */
bool world_guardian_means(struct world_guardian *g, const struct world_message *m)
{
	switch_list(g);
	if (m->action.type != ACT_HOLD || m->list == g->list)
		return true;
	if (m->action.lease > g->hold.lease)
		hold_withdraw(&g->hold);
	switch_list(g);
	return m->list == g->list;
}

void world_guardian_told(struct world *w, int i, unsigned list)
{
	struct world_guardian *g = &w->n[i].guardian;

	g->wanted = list;
	switch_list(g);
	(void)w;
}

/* --- the disk --- */

static void save(struct world *w, int i, unsigned list, bool proposed)
{
	struct world_readdress *r = &w->n[i].readdress;

	r->phase = WORLD_SAVING;
	r->list = list;
	r->proposed = proposed;
	r->adopted = false;
	world_save(w, i)->action.type = ACT_EXIT; /* which no other save is: on_saved() follows */
}

/* The steward tells the guardian before it answers; which of the two is read first is chance. */
void world_list_stored(struct world *w, const struct world_message *m)
{
	struct world_node *n = &w->n[m->to];
	struct world_message *told, *saved;

	if (!n->store.failing && n->store.list != m->list) {
		n->store.list = m->list;
		told = world_post(w, TO_GUARDIAN, m->to,
				  w->now + (ha_time)world_chance(w, 400) * HA_US);
		told->action.type = ACT_SAVE;
		told->list = m->list;
	}
	if (m->action.type != ACT_EXIT)
		return;
	saved = world_tell_engine(w, m->to, EV_ADDRESSES, w->now);
	saved->life = m->life;
	saved->list = m->list;
	saved->event.ok = !n->store.failing;
}

/* --- the engines --- */

static void say(struct world *w, int i, enum msg_addresses_op op, unsigned list)
{
	struct msg_addresses m = {.op = (uint8_t)op};
	uint8_t body[256];
	size_t len;

	for (unsigned v = 0; v < WORLD_VIPS; v++)
		m.vip[v] = world_address(list, v);
	len = msg_encode_addresses(body, sizeof(body), &m);
	for (int path = 0; path < HA_PATH_N; path++)
		world_send(w, i, path ? HA_PATH_MANAGEMENT : HA_PATH_LINK, MSG_ADDRESSES, body,
			   len);
}

void world_readdress(struct world *w, int i)
{
	struct world_node *n = &w->n[i];
	enum node_refusal refusal = node_may_readdress(&n->node, world_local(w, i, w->now));

	if (w->now < n->blocked_until || !n->running || w->lists + 1 >= WORLD_LISTS)
		return;
	/* It would be an appliance of its own, beside the other one, and the two no pair. */
	if (!n->store.paired && n->node.mode == HA_MODE_STANDALONE)
		return;
	if (refusal == REFUSED_NOT && n->readdress.phase != WORLD_IDLE &&
	    w->now < n->readdress.until)
		refusal = REFUSED_BUSY;
	if (refusal != REFUSED_NOT) {
		world_tell(w, "%s addresses: %s", world_name(i), node_refusal_text(refusal));
		return;
	}
	w->lists++;
	world_tell(w, "%s addresses %u", world_name(i), w->lists);
	n->readdress.until = w->now + ASK_TIMEOUT;
	if (!n->store.paired) {
		save(w, i, w->lists, false);
		return;
	}
	n->readdress.phase = WORLD_ASKING;
	n->readdress.list = w->lists;
	say(w, i, ADDRESSES_PROPOSE, w->lists);
}

static void proposed(struct world *w, int i, unsigned list)
{
	struct world_node *n = &w->n[i];
	ha_time now = world_local(w, i, w->now);

	if (n->readdress.phase == WORLD_SAVING || !n->store.paired ||
	    node_may_be_readdressed(&n->node, now) != ADDRESSES_OK)
		return; /* whoever asked gives up, as after a refusal */
	if (world_list(w, i) != list) {
		save(w, i, list, true);
		return;
	}
	n->readdress.settled = w->now + SETTLED;
	say(w, i, ADDRESSES_ACCEPT, list);
}

void world_on_addresses(struct world *w, int i, const uint8_t *body, size_t len)
{
	struct world_readdress *r = &w->n[i].readdress;
	struct msg_addresses m;
	unsigned list;

	if (msg_decode_addresses(body, len, &m) != DROP_NONE)
		world_broken(w, INV_WIRE, "a list of addresses does not decode");
	list = world_list_of(&m.vip[0]);
	if (m.op == ADDRESSES_PROPOSE)
		proposed(w, i, list);
	else if (r->phase == WORLD_ASKING && r->list == list && w->now < r->until)
		save(w, i, list, false);
}

/* What was to be written is, or could not be. */
void world_readdressed(struct world *w, int i, unsigned list, bool ok)
{
	struct world_node *n = &w->n[i];
	struct world_readdress *r = &n->readdress;
	struct node_event ev = {.type = EV_ADDRESSES, .addresses.n = WORLD_VIPS};

	if (r->phase != WORLD_SAVING || r->list != list)
		return;
	r->phase = WORLD_IDLE;
	if (r->proposed && !(ok && r->adopted))
		r->settled = w->now + SETTLED;
	if (!ok)
		(void)world_save(
			w, i); /* the former one, should another save with these be on its way */
	if (!ok || (r->proposed && !n->store.paired))
		return;
	r->record = list;
	for (unsigned v = 0; v < WORLD_VIPS; v++)
		ev.addresses.vip[v] = world_address(list, v);
	world_engine_step(w, i, &ev);
	if (r->proposed && !r->adopted)
		say(w, i, ADDRESSES_ACCEPT, list);
	else if (!r->proposed && n->store.paired && list > w->list_done)
		w->list_done = list;
	n->sealed.identity_at = world_local(w, i, w->now);
}

/* SPEC 5.X4, by the newest IDENTITY. */
void world_adopt(struct world *w, int i)
{
	struct world_node *n = &w->n[i];
	struct world_readdress *r = &n->readdress;

	if (!n->store.paired || !r->heard || r->phase == WORLD_SAVING || w->now < r->settled ||
	    r->peer == world_list(w, i) || r->peer + 1 != n->node.peer.last.identity_revision ||
	    !node_follows(&n->node, world_local(w, i, w->now)))
		return;
	save(w, i, r->peer, true);
	r->adopted = true;
}

void world_hear_list(struct world *w, int i, unsigned list)
{
	w->n[i].readdress.peer = list;
	w->n[i].readdress.heard = true;
}

/* A start: what the record says. */
void world_readdress_boot(struct world *w, int i, struct node_config *config)
{
	struct world_node *n = &w->n[i];

	n->readdress = (struct world_readdress){.record = n->store.list};
	world_guardian_told(w, i, n->store.list);
	config->vip_n = WORLD_VIPS;
	for (unsigned v = 0; v < WORLD_VIPS; v++)
		config->vip[v] = world_address(n->store.list, v);
}

/* A join: the holder's. */
void world_readdress_join(struct world *w, int holder)
{
	unsigned list = world_list(w, holder);

	for (int i = A; i <= B; i++) {
		w->n[i].readdress = (struct world_readdress){.record = list};
		w->n[i].store.list = list;
		world_guardian_told(w, i, list);
	}
}

static bool has(const struct world *w, int i, unsigned list)
{
	const struct world_node *n = &w->n[i];

	return world_list(w, i) == list && n->store.list == list &&
	       (n->guardian.list == list || !hold_holds(&n->guardian.hold)) &&
	       !n->node.readdress.pending;
}

bool world_lists_same(const struct world *w)
{
	unsigned list = world_list(w, A);

	return !w->n[A].store.paired || (has(w, A, list) && has(w, B, list));
}
