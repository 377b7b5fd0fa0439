#include "proto/handover.h"
#include "proto/judge.h"
#include "proto/lease.h"
#include "proto/peer.h"
#include "proto/step.h"

#include <string.h>

enum {
	CHECK_HOLD_S = 60,    /* Y1: after a check had it resign, doubling */
	GUARDIAN_HOLD_S = 10, /* ... after its guardian had */
	HOLD_MAX_S = 3600,
};

static bool same(const struct msg_handover *a, const struct msg_handover *b)
{
	return a->term == b->term && a->number == b->number;
}

static void phase(struct node *n, enum msg_handover_phase p)
{
	if (p == HANDOVER_NONE)
		n->handover.own = (struct msg_handover){0};
	else
		n->handover.own.phase = (uint8_t)p;
	n->kick = true;
}

static void reply(struct node *n, enum node_refusal refusal, struct node_actions *out)
{
	if (!n->handover.request)
		return;
	step_reply(out, n->handover.request, refusal);
	out->a[out->n - 1].took = refusal ? 0 : n->now - n->handover.released_at;
	n->handover.request = 0;
}

void handover_begin(struct node *n, enum ha_reason why, uint32_t request, struct node_actions *out)
{
	struct node_handover *h = &n->handover;

	if (h->giving) {
		step_reply(out, request, REFUSED_BUSY);
		return;
	}
	h->giving = true;
	h->releasing = false;
	h->why = why;
	h->since = n->now;
	h->request = request;
	h->own = (struct msg_handover){.term = n->term, .number = ++h->number};
	phase(n, HANDOVER_INTENT);
}

void handover_cancel(struct node *n, enum node_refusal refusal, struct node_actions *out)
{
	if (!n->handover.giving)
		return;
	n->handover.giving = false;
	n->handover.releasing = false;
	n->handover.retry_at = n->now + HA_SEC;
	phase(n, HANDOVER_NONE);
	step_event(n, out, EVENT_HANDOVER_FAILED, refusal);
	reply(n, refusal, out);
}

static void given(struct node *n, struct node_actions *out)
{
	n->handover.giving = false;
	phase(n, HANDOVER_NONE);
	step_claim(n, HA_CLAIM_NONE);
	reply(n, REFUSED_NOT, out);
}

static void giver_heard(struct node *n, struct node_actions *out)
{
	const struct msg_heartbeat *hb = &n->peer.last;
	struct node_handover *h = &n->handover;

	if (h->own.phase == HANDOVER_INTENT && !h->releasing &&
	    hb->handover.phase == HANDOVER_ACK && same(&hb->handover, &h->own)) {
		h->releasing = true;
		h->released_at = n->now;
		lease_release(n, out);
	}
	if (h->own.phase == HANDOVER_RESIGNED &&
	    (hb->claim == HA_CLAIM_TAKING || hb->claim == HA_CLAIM_HOLDING))
		given(n, out);
}

/* The taker answers an intent while it is ready, and drops what the giver dropped. */
static bool taker_heard(struct node *n, const struct node_event *ev, struct clock *c)
{
	const struct msg_handover *theirs = &n->peer.last.handover;
	struct msg_handover *own = &n->handover.own;
	bool acked = own->phase == HANDOVER_ACK && same(own, theirs);

	if (theirs->phase == HANDOVER_INTENT && !acked && !judge_why_not(n, c)) {
		*own = (struct msg_handover){.term = theirs->term, .number = theirs->number};
		phase(n, HANDOVER_ACK);
	} else if (theirs->phase == HANDOVER_INTENT && acked && judge_why_not(n, c)) {
		phase(n, HANDOVER_NONE);
	} else if (theirs->phase == HANDOVER_RESIGNED && acked) {
		if (n->now >= ev->heard_at + (ha_time)theirs->grant_ms * HA_MS) {
			phase(n, HANDOVER_NONE);
			return false;
		}
		phase(n, HANDOVER_TAKING);
		return true;
	} else if (theirs->phase == HANDOVER_NONE && own->phase != HANDOVER_NONE) {
		phase(n, HANDOVER_NONE);
	}
	return false;
}

bool handover_heard(struct node *n, const struct node_event *ev, struct clock *c,
		    struct node_actions *out)
{
	if (n->handover.giving) {
		giver_heard(n, out);
		return false;
	}
	return taker_heard(n, ev, c);
}

static ha_time longer_hold(ha_time hold, ha_time first)
{
	ha_time next = hold ? 2 * hold : first;

	return next < HOLD_MAX_S * HA_SEC ? next : HOLD_MAX_S * HA_SEC;
}

void handover_released(struct node *n, struct node_actions *out)
{
	struct node_handover *h = &n->handover;

	if (!h->giving || !h->releasing)
		return;
	h->releasing = false;
	h->since = n->now;
	if (h->why == REASON_CHECK_FAILED) {
		n->check_hold = longer_hold(n->check_hold, CHECK_HOLD_S * HA_SEC);
		n->check_hold_until = n->check_failing ? HA_NEVER : n->now + n->check_hold;
	}
	if (h->why == REASON_GUARDIAN) { /* nothing tells when it could again */
		n->guardian_hold = longer_hold(n->guardian_hold, GUARDIAN_HOLD_S * HA_SEC);
		n->guardian_hold_until = n->now + n->guardian_hold;
	}
	h->own.grant_ms = (uint32_t)(2 * n->config.timing.dead / HA_MS);
	phase(n, HANDOVER_RESIGNED);
	step_claim(n, HA_CLAIM_RESIGNED);
	step_state(n, out, HA_PASSIVE, h->why);
}

bool handover_timer(struct node *n, struct clock *c, struct node_actions *out)
{
	struct node_handover *h = &n->handover;
	ha_time dead = n->config.timing.dead;

	if (!h->giving) {
		if (h->own.phase != HANDOVER_NONE && peer_silent(n, c))
			phase(n, HANDOVER_NONE);
		return false;
	}
	if (h->own.phase == HANDOVER_INTENT && !h->releasing) {
		if (clock_due(c, h->since + 2 * dead))
			handover_cancel(n, REFUSED_TIMEOUT, out);
		return false;
	}
	/* the grant and a margin in which its use would have been heard */
	if (h->own.phase != HANDOVER_RESIGNED ||
	    !clock_due(c, h->since + (ha_time)h->own.grant_ms * HA_MS + dead))
		return false;
	handover_cancel(n, REFUSED_TIMEOUT, out);
	step_claim(n, HA_CLAIM_NONE);
	return !n->leaving && n->reserved > n->term_known && n->path[HA_PATH_MANAGEMENT].carrier &&
	       !peer_claims(n, c);
}
