#include "proto/step.h"
#include "proto/handover.h"
#include "proto/lease.h"

#include <assert.h>
#include <string.h>

struct node_action *step_add(struct node_actions *out, enum node_action_type type)
{
	struct node_action *a;

	assert(out->n < NODE_ACTIONS_MAX);
	a = &out->a[out->n++];
	memset(a, 0, sizeof(*a));
	a->type = type;
	return a;
}

void step_event(struct node *n, struct node_actions *out, enum node_event_code event,
		uint32_t detail)
{
	struct node_action *a = step_add(out, ACT_EVENT);

	a->event = event;
	a->from = n->state;
	a->to = n->state;
	a->reason = n->reason;
	a->term = n->term_known;
	a->detail = detail;
}

void step_event_for(struct node *n, struct node_actions *out, enum node_event_code event,
		    enum ha_reason reason, uint32_t detail)
{
	step_event(n, out, event, detail);
	out->a[out->n - 1].reason = reason;
}

void step_reply(struct node_actions *out, uint32_t request, enum node_refusal refusal)
{
	struct node_action *a;

	if (!request)
		return;
	a = step_add(out, ACT_REPLY);
	a->request = request;
	a->refusal = refusal;
}

void step_state(struct node *n, struct node_actions *out, enum ha_state state,
		enum ha_reason reason)
{
	enum ha_state from = n->state;

	if (state == n->state && reason == n->reason)
		return;
	n->state = state;
	n->reason = reason;
	n->since = n->now;
	n->kick = true;
	step_event(n, out, EVENT_STATE, 0);
	out->a[out->n - 1].from = from;
}

void step_claim(struct node *n, enum ha_claim claim)
{
	n->kick |= n->claim != claim;
	n->claim = claim;
}

uint64_t step_next_term(const struct node *n, uint64_t above)
{
	uint64_t term = above + 1;

	return term % 2 == (n->config.lower ? 0u : 1u) ? term : term + 1;
}

void step_know_term(struct node *n, uint64_t term)
{
	if (term > n->term_known) {
		n->term_known = term;
		n->dirty = true;
	}
	if (n->term_known > n->term_floor)
		n->term_floor = n->term_known;
}

void step_active(struct node *n, enum ha_reason reason, struct node_actions *out)
{
	bool told =
		reason == REASON_HANDOVER || reason == REASON_NOBODY || reason == REASON_TOOK_BACK;

	n->term = n->reserved > n->term_known ? n->reserved : step_next_term(n, n->term_floor);
	n->reserved = 0;
	if (n->term > n->term_floor)
		n->term_floor = n->term;
	step_know_term(n, n->term);
	n->dirty = true;
	n->verify_since = told ? HA_NEVER : n->now;
	n->solicit.running = false;
	n->nobody_since = HA_NEVER;
	n->probe.n = 0;
	lease_acquire(n, out);
	step_state(n, out, HA_ACTIVE, reason);
}

void step_yield(struct node *n, enum ha_reason reason, enum ha_state state,
		struct node_actions *out)
{
	if (n->handover.giving)
		handover_cancel(n, REFUSED_PEER_ACTIVE, out);
	lease_release(n, out);
	n->verify_since = HA_NEVER;
	step_state(n, out, state, reason);
}
