#include "proto/reach.h"
#include "proto/peer.h"
#include "proto/step.h"

#include <string.h>

enum {
	ASK_MS = 1000,  /* a station that answers */
	DEAF_MS = 300,  /* least time of unanswered questions that counts as deaf */
	KEEP_MS = 3000, /* a learned station that was heard within this keeps its place */
};

void reach_init(struct node_reach *r)
{
	memset(r, 0, sizeof(*r));
	r->evidence = -1;
	r->asked = HA_NEVER;
}

static struct node_station *find(struct node_reach *r, const struct ha_address *a)
{
	for (unsigned i = 0; i < r->n; i++)
		if (ha_address_equal(&r->station[i].address, a))
			return &r->station[i];
	return NULL;
}

void reach_configure(struct node *n, const struct node_event *ev)
{
	struct node_reach *old = &n->reach, new = n->reach;

	if (ev->witness.again)
		n->config.witness_learn = ev->witness.learn;
	new.n = 0;
	for (unsigned i = 0; i < ev->witness.n && new.n < NODE_STATIONS_MAX; i++) {
		struct node_station *known = find(old, &ev->witness.address[i]);
		struct node_station *s = &new.station[new.n++];

		if (known)
			*s = *known;
		else
			*s = (struct node_station){.address = ev->witness.address[i]};
		s->configured = true;
	}
	for (unsigned i = 0; i < old->n && new.n < 2 * NODE_STATIONS_MAX; i++)
		if (n->config.witness_learn && !old->station[i].configured &&
		    !find(&new, &old->station[i].address))
			new.station[new.n++] = old->station[i];
	new.next_ask = n->now;
	*old = new;
}

/* SPEC 5.E4: the place of a newly heard station: a free one, or that of the learned one heard longest ago. NULL: all
 * of them answer, and no flood of new names may push out whom there is to ask. */
static struct node_station *learn(struct node_reach *r, ha_time now)
{
	struct node_station *oldest = NULL;
	unsigned learned = 0;

	for (unsigned i = 0; i < r->n; i++) {
		struct node_station *s = &r->station[i];

		if (s->configured)
			continue;
		learned++;
		if (!oldest || s->heard < oldest->heard)
			oldest = s;
	}
	if (learned < NODE_STATIONS_MAX)
		return &r->station[r->n++];
	return now - oldest->heard >= KEEP_MS * HA_MS ? oldest : NULL;
}

void reach_evidence(struct node *n, const struct segment_frame *f, ha_time heard_at)
{
	struct node_reach *r = &n->reach;
	struct node_station *s;

	if (heard_at > r->evidence)
		r->evidence = heard_at;
	r->asked = HA_NEVER;
	if (f->sender.family == HA_FAMILY_NONE)
		return;
	s = find(r, &f->sender);
	if (!s) {
		if (!n->config.witness_learn)
			return;
		s = learn(r, n->now);
		if (!s)
			return;
		*s = (struct node_station){.address = f->sender};
	}
	s->mac = f->source;
	s->answered = true;
	s->heard = heard_at;
}

static bool is_of_pair(const struct node *n, const struct node_station *s)
{
	for (unsigned i = 0; i < n->config.vip_n; i++)
		if (ha_address_equal(&s->address, &n->config.vip[i]))
			return true;
	return !ha_mac_is_zero(&n->peer.mac) && ha_mac_equal(&s->mac, &n->peer.mac);
}

void reach_forget_pair(struct node *n)
{
	struct node_reach *r = &n->reach;
	bool third = false;
	unsigned kept = 0;

	for (unsigned i = 0; i < r->n; i++) {
		if (!r->station[i].configured && is_of_pair(n, &r->station[i]))
			continue;
		r->station[kept] = r->station[i];
		third |= r->station[kept++].answered;
	}
	if (kept == r->n)
		return;
	r->n = kept;
	r->asked = HA_NEVER;
	if (!third)
		r->evidence = -1; /* it was the peer that was heard */
}

bool reach_known(const struct node *n)
{
	return n->reach.evidence >= 0;
}

static ha_time deaf_after(const struct node *n)
{
	return n->config.timing.dead > DEAF_MS * HA_MS ? n->config.timing.dead : DEAF_MS * HA_MS;
}

ha_time reach_deaf_since(const struct node *n)
{
	const struct node_path *p = &n->path[HA_PATH_MANAGEMENT];

	return p->carrier ? n->reach.asked : p->carrier_since;
}

bool reach_deaf(const struct node *n, struct clock *c)
{
	if (!n->path[HA_PATH_MANAGEMENT].carrier)
		return true;
	if (!reach_known(n) || n->reach.asked == HA_NEVER)
		return false;
	return clock_due(c, n->reach.asked + deaf_after(n));
}

/* In doubt: the peer misses heartbeats, or nobody has answered the last question. */
static ha_time ask_interval(const struct node *n, struct clock *c)
{
	bool deaf = reach_deaf(n, c);
	bool doubt = peer_missed(n, c) || n->reach.asked != HA_NEVER;

	if (n->solicit.running)
		return n->config.timing.confirm / 3;
	if (!doubt || !reach_known(n))
		return ASK_MS * HA_MS;
	return deaf || peer_silent(n, c) ? 100 * HA_MS : n->config.timing.heartbeat;
}

void reach_ask(struct node *n, struct clock *c, struct node_actions *out)
{
	struct node_reach *r = &n->reach;
	ha_time interval = ask_interval(n, c), at = r->last_ask + interval;

	if (!n->path[HA_PATH_MANAGEMENT].carrier)
		return;
	/* sooner than planned while there is doubt */
	if (!clock_due(c, at < r->next_ask ? at : r->next_ask))
		return;
	for (unsigned i = 0; i < r->n; i++) {
		struct node_station *s = &r->station[i];
		struct node_action *a;

		if (!s->answered && !s->configured)
			continue;
		a = step_add(out, ACT_ASK);
		a->address = s->address;
		a->mac = s->mac;
		if (s->answered && r->asked == HA_NEVER)
			r->asked = n->now;
	}
	r->last_ask = n->now;
	r->next_ask = n->now + interval;
	(void)clock_due(c, r->next_ask);
}
