/* world_segment.c - the management segment beside the nodes' own frames: questions, answers, announcements, and a switch that
 * learns from them where the client's packets go; see world.h. */
#include "tests/sim/world.h"

static const struct ha_address vips[WORLD_VIPS] = {
	{HA_IPV4, {192, 0, 2, 100}},
	{HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x64}},
};
static const struct ha_address station_address = {HA_IPV4, {192, 0, 2, 1}};

struct ha_mac world_mac(int station)
{
	return (struct ha_mac){{2, 0, 0, 0, 0, (uint8_t)(station + 1)}};
}

const struct ha_address *world_vip(unsigned i)
{
	return i < WORLD_VIPS ? &vips[i] : &station_address;
}

static void send_segment(struct world *w, int from, int to, const struct ha_address *sender,
			 ha_time delay, bool answer)
{
	const struct world_wire *wire = &w->wire[HA_PATH_MANAGEMENT][from][to];
	struct world_message *m;

	if (!world_passes(w, HA_PATH_MANAGEMENT, from, to))
		return;
	m = world_post(w, SEGMENT, to, w->now + delay + wire->delay);
	m->from = from;
	m->path = HA_PATH_MANAGEMENT;
	m->event.type = EV_SEGMENT;
	m->event.segment.source = m->event.segment.sender_mac = world_mac(from);
	m->event.segment.sender = *sender;
	m->event.segment.answer = answer;
}

void world_question(struct world *w, int i, const struct node_action *a)
{
	bool to_all = ha_mac_is_zero(&a->mac);

	if (a->type == ACT_PROBE)
		w->probes++;
	else
		w->asked[i]++;
	for (int to = A; to < WORLD_STATIONS; to++) {
		struct world_message *m;
		struct ha_mac mac = world_mac(to);

		if (to == i || (!to_all && !ha_mac_equal(&a->mac, &mac)) ||
		    !world_passes(w, HA_PATH_MANAGEMENT, i, to))
			continue;
		m = world_post(w, QUESTION, to, w->now + w->wire[HA_PATH_MANAGEMENT][i][to].delay);
		m->from = i;
		m->event.segment.target = a->address;
	}
}

/* Of whichever list. */
static bool is_vip(const struct ha_address *a, unsigned *v)
{
	for (unsigned list = 0; list < WORLD_LISTS; list++)
		for (*v = 0; *v < WORLD_VIPS; ++*v) {
			struct ha_address one = world_address(list, *v);

			if (ha_address_equal(a, &one))
				return true;
		}
	return false;
}

/* The kernel answers for the addresses that it has, whatever the engine does. */
void world_on_question(struct world *w, const struct world_message *m)
{
	const struct ha_address *target = &m->event.segment.target;
	unsigned v;
	bool vip = is_vip(target, &v);
	bool own = vip && m->to != STATION && world_holds(w, m->to) &&
		   world_list_of(target) == w->n[m->to].guardian.list;

	if (vip && w->probe_lost)
		return;
	if (m->to == STATION
		    ? !w->station_silent &&
			      (vip ? w->third_party : ha_address_equal(target, &station_address))
		    : own)
		send_segment(w, m->to, m->from, target, 5 * HA_US, true);
}

/* Past the fence: to the other node, and to whoever else is there. */
void world_announce(struct world *w, int i, const struct node_action *a)
{
	const struct world_node *n = &w->n[i];
	const struct world_guardian *g = &n->guardian;
	bool current = g->hold.lease == n->node.lease.id && !g->untold && !g->dead;

	if (!n->node.lease.wanted || !a->mask || (a->mask & ~n->node.lease.on) ||
	    (current && (a->mask & ~g->on)))
		world_broken(w, INV_ANNOUNCED, "announced without the address");
	w->announced[i]++;
	for (unsigned v = 0; v < WORLD_VIPS; v++)
		if ((a->mask & 1u << v) && (v ? a->na : a->arp)) {
			send_segment(w, i, 1 - i, &n->node.config.vip[v], 0, true);
			if (w->watched && world_holds(w, i))
				send_segment(w, i, STATION, &n->node.config.vip[v], 0, false);
		}
}

void world_on_segment(struct world *w, struct world_message *m)
{
	unsigned v;

	if (m->to != STATION) {
		m->event.heard_at = world_local(w, m->to, m->at);
		world_engine_step(w, m->to, &m->event);
		return;
	}
	if (!m->event.segment.answer && is_vip(&m->event.segment.sender, &v))
		w->learned[v] = m->from;
}
