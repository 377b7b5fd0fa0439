#include "proto/suspend.h"
#include "proto/peer.h"
#include "proto/step.h"

enum {
	TOLERANCE_S = 2, /* what the heartbeat says is rounded, and a while on its way */
};

uint32_t suspend_left(const struct node *n, ha_time now)
{
	ha_time left;

	if (!n->suspended)
		return 0;
	if (n->suspended_until == HA_NEVER)
		return UINT32_MAX;
	if (n->suspended_until <= now)
		return 1; /* its end is due in this moment */
	left = (n->suspended_until - now - 1) / HA_SEC + 1;
	return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX - 1;
}

static void set(struct node *n, bool suspended, ha_time until, enum ha_reason reason,
		struct node_actions *out)
{
	uint32_t left;

	n->suspended = suspended;
	n->suspended_until = suspended ? until : HA_NEVER;
	n->dirty = n->kick = true;
	left = suspend_left(n, n->now);
	step_event_for(n, out, suspended ? EVENT_SUSPENDED : EVENT_RESUMED, reason,
		       left == UINT32_MAX ? 0 : left);
	if (suspended && n->state == HA_PASSIVE)
		step_state(n, out, HA_SUSPENDED, reason);
	if (!suspended && n->state == HA_SUSPENDED)
		step_state(n, out, HA_PASSIVE, reason);
}

/* The passive is not managed directly while there is an active to go to. */
static enum node_refusal refusal(const struct node *n, struct clock *c)
{
	if (!n->config.paired)
		return REFUSED_UNPAIRED;
	if (!n->lease.wanted && peer_claims(n, c))
		return REFUSED_NOT_ACTIVE;
	return REFUSED_NOT;
}

enum node_refusal node_may_suspend(const struct node *n, ha_time now)
{
	struct clock c = {.now = now, .next = HA_NEVER};

	return refusal(n, &c);
}

enum node_refusal suspend_request(struct node *n, const struct node_event *ev, struct clock *c,
				  struct node_actions *out)
{
	enum node_refusal no = refusal(n, c);
	bool suspend = ev->op == OP_SUSPEND;

	if (no != REFUSED_NOT)
		return no;
	if (suspend != n->suspended || (suspend && ev->until != n->suspended_until))
		set(n, suspend, ev->until, suspend ? REASON_SUSPENDED : REASON_RESUMED, out);
	return REFUSED_NOT;
}

static bool same_end(ha_time a, ha_time b)
{
	if (a == HA_NEVER || b == HA_NEVER)
		return a == b;
	return (a < b ? b - a : a - b) <= TOLERANCE_S * HA_SEC;
}

void suspend_follow(struct node *n, struct node_actions *out)
{
	const struct msg_heartbeat *last = &n->peer.last;
	bool theirs = last->why_not & WHY_NOT_SUSPENDED;
	ha_time until = last->suspended_s == UINT32_MAX
				? HA_NEVER
				: n->peer.last_at + (ha_time)last->suspended_s * HA_SEC;
	bool due = n->suspended_until != HA_NEVER &&
		   n->now >= n->suspended_until - TOLERANCE_S * HA_SEC;

	if (theirs != n->suspended) {
		set(n, theirs, until,
		    theirs ? REASON_SUSPENDED
		    : due  ? REASON_SUSPENSION_OVER
			   : REASON_RESUMED,
		    out);
	} else if (theirs && !same_end(until, n->suspended_until)) {
		n->suspended_until = until;
		n->dirty = true;
	}
}

void suspend_timer(struct node *n, struct clock *c, struct node_actions *out)
{
	if (!n->suspended || n->suspended_until == HA_NEVER)
		return;
	if (!n->lease.wanted && peer_claims(n, c))
		return; /* the holder says when */
	if (clock_due(c, n->suspended_until))
		set(n, false, HA_NEVER, REASON_SUSPENSION_OVER, out);
}
