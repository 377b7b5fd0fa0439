/* mutant.c - see mutant.h. */
#include "tests/explore/mutant.h"

#include "proto/clock.h"
#include "proto/judge.h"
#include "proto/lease.h"
#include "proto/lineage.h"
#include "proto/observe.h"
#include "proto/peer.h"
#include "proto/step.h"
#include "proto/suspend.h"
#include "proto/sync.h"

static enum mutant set;
static bool rests;

void mutant_set(enum mutant m)
{
	set = m;
}

void mutant_rest(bool rest)
{
	rests = rest;
}

static bool is(enum mutant m)
{
	return set == m && !rests;
}

/* What the linker calls them. */
#define WRAPPED(type, name, ...)                                                                   \
	type __real_##name(__VA_ARGS__);                                                           \
	type __wrap_##name(__VA_ARGS__);                                                           \
	type __wrap_##name(__VA_ARGS__)

WRAPPED(bool, peer_claims, const struct node *n, struct clock *c)
{
	if (is(MUTANT_Y3) && n->lease.wanted)
		return false;
	return __real_peer_claims(n, c);
}

WRAPPED(void, lease_renew, struct node *n, struct node_actions *out)
{
	__real_lease_renew(n, out);
	if (is(MUTANT_LEASE) && out->a[out->n - 1].type == ACT_HOLD)
		out->a[out->n - 1].deadline += 2 * n->config.timing.dead;
}

WRAPPED(bool, lease_unanswered, const struct node *n, struct clock *c)
{
	if (is(MUTANT_T2) || is(MUTANT_LEASE))
		return is(MUTANT_LEASE);
	return __real_lease_unanswered(n, c);
}

WRAPPED(void, observe_pause, struct node *n, struct node_actions *out)
{
	__real_observe_pause(n, out);
	if (is(MUTANT_WATCH))
		n->watch_until = n->now + 1000 * HA_SEC;
}

WRAPPED(uint64_t, step_next_term, const struct node *n, uint64_t above)
{
	return is(MUTANT_TERM) ? above + 1 : __real_step_next_term(n, above);
}

WRAPPED(void, lease_probe, struct node *n, struct clock *c, struct node_actions *out)
{
	if (is(MUTANT_LEASE))
		return;
	for (unsigned i = 0; i < 9 && is(MUTANT_PROBES); i++) {
		__real_lease_probe(n, c, out);
		n->probe.next = n->now;
	}
	__real_lease_probe(n, c, out);
}

WRAPPED(void, suspend_timer, struct node *n, struct clock *c, struct node_actions *out)
{
	__real_suspend_timer(n, c, out);
	if (is(MUTANT_DEADLINE) && peer_missed(n, c))
		c->next = c->now;
}

WRAPPED(void, lease_release, struct node *n, struct node_actions *out)
{
	struct node_announce said = n->announce;

	__real_lease_release(n, out);
	if (is(MUTANT_ANNOUNCE))
		n->announce = said;
}

WRAPPED(bool, lease_event, struct node *n, const struct node_event *ev)
{
	struct node_announce said = n->announce;
	bool lost = __real_lease_event(n, ev);

	if (is(MUTANT_ANNOUNCE) && ev->lease.status == NODE_LEASE_DROPPED)
		n->announce = said;
	return lost;
}

WRAPPED(uint16_t, judge_why_not, const struct node *n, struct clock *c)
{
	uint16_t why_not = __real_judge_why_not(n, c);

	return is(MUTANT_COPY) ? why_not & (uint16_t)~WHY_NOT_COPY : why_not;
}

WRAPPED(void, sync_step, struct sync *s, const struct sync_event *ev, struct sync_actions *out)
{
	struct sync_event heard = *ev;

	if (is(MUTANT_BEGIN) && ev->type == SYNC_EV_BEGIN)
		heard.since = 0;
	__real_sync_step(s, &heard, out);
	for (unsigned i = 0; i < SYNC_BARRIERS_MAX && is(MUTANT_BARRIER); i++)
		if (s->wait[i].request != 0 && !s->wait[i].flushed) {
			s->wait[i].flushed = true;
			s->wait[i].number = lineage_head(&s->lineage).number;
		}
}

WRAPPED(void, lineage_extend, struct lineage *l, uint64_t term, const uint8_t digest[HA_KEY_LEN])
{
	__real_lineage_extend(l, term, digest);
	if (is(MUTANT_NUMBER) && l->point[l->n - 1].number > 1)
		l->point[l->n - 1].number--;
}

WRAPPED(bool, lineage_equal, const struct lineage *a, const struct lineage *b)
{
	return is(MUTANT_HEAD) || __real_lineage_equal(a, b);
}

WRAPPED(enum lineage_relation, lineage_compare, const struct lineage *own,
	const struct lineage *other, uint64_t *common)
{
	enum lineage_relation r = __real_lineage_compare(own, other, common);

	if (is(MUTANT_ASIDE) && r == LINEAGE_DIVERGED)
		*common = UINT64_MAX - 1;
	return r;
}
