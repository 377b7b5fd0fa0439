#include "proto/pair.h"
#include "proto/handover.h"
#include "proto/lease.h"
#include "proto/peer.h"
#include "proto/reach.h"
#include "proto/step.h"

#include <string.h>

/* S1: of the pair that was. Who joins is to take over, once it can. */
static void unsuspend(struct node *n, struct node_actions *out)
{
	if (n->suspended)
		step_event_for(n, out, EVENT_RESUMED, REASON_JOINED, 0);
	n->suspended = false;
	n->suspended_until = HA_NEVER;
}

void pair_begin(struct node *n, const struct node_event *ev, struct node_actions *out)
{
	peer_forget(n);
	unsuspend(n, out);
	n->config.paired = true;
	n->config.disputed = false;
	n->config.lower = ev->paired.lower;
	n->config.vip_n = ev->paired.vip_n;
	memcpy(n->config.vip, ev->paired.vip, sizeof(n->config.vip));
	reach_forget_pair(n);
	n->mode = ev->paired.mode;
	/* who joins copies from the other (D5) */
	n->whole_copy = n->in_sync = n->mode == HA_MODE_PRIMARY_ACTIVE;
	n->dirty = n->kick = true;
	step_know_term(n, ev->paired.term);
	n->reserved = n->reserving = 0;
	n->lease.again = HA_NEVER;
	n->readdress.pending = false;
	if (n->lease.wanted && n->mode == HA_MODE_PRIMARY_ACTIVE) {
		n->term = step_next_term(n, n->term_floor);
		n->term_floor = n->term;
		step_know_term(n, n->term);
	} else {
		lease_release(n, out); /* it may have taken one of its own while it was joining */
		n->verify_since = HA_NEVER;
		if (n->mode == HA_MODE_PRIMARY_PASSIVE)
			n->term = 0; /* D5: what it held before was not this pair's */
		n->boot_until = n->now + n->config.timing.boot_wait_passive;
		step_state(n, out, HA_INITIALIZING, REASON_JOINED);
	}
	step_event(n, out, EVENT_JOINED, 0);
}

/* Nothing is left of the peer but the terms that are known. */
static void forget(struct node *n)
{
	n->config.paired = false;
	peer_forget(n);
	n->handover = (struct node_handover){.number = n->handover.number};
	n->solicit = (struct node_solicit){.running = false};
	n->probe = (struct node_probe){.answered = -1, .third = -1};
	n->nobody_since = n->verify_since = HA_NEVER;
	n->conflict = n->disproved = n->stuck = false;
	n->suspended = false;
	n->suspended_until = HA_NEVER;
	n->reserved = n->reserving = 0;
	n->lease.again = HA_NEVER;
	n->whole_copy = true; /* its settings are its own now */
	n->in_sync = false;
	n->dirty = true;
}

static enum ha_reason reason_of(enum msg_parting why)
{
	switch (why) {
	case PARTING_DETACHED:
		return REASON_DETACHED; /* D1 */
	case PARTING_LEFT:
		return REASON_LEFT; /* D2 */
	case PARTING_REMOVED:
	case PARTING_NONE:
	case PARTING_N:
		break;
	}
	return REASON_REMOVED; /* D3 */
}

/* The one where --detach was asked, or the one that removes the other and holds. A giver holds: nobody else will take
 * what it gives up. */
bool node_keeps(const struct node *n, enum msg_parting why, bool by_peer)
{
	if (!n->config.vip_n)
		return false;
	if (why == PARTING_DETACHED)
		return !by_peer;
	return why == PARTING_LEFT && (n->lease.wanted || n->handover.giving);
}

void pair_end(struct node *n, const struct node_event *ev, struct node_actions *out)
{
	enum ha_reason reason = reason_of(ev->unpaired.why);
	bool keeps = ev->unpaired.keeps;

	if (!n->config.paired)
		return;
	handover_cancel(n, REFUSED_UNPAIRED, out);
	forget(n);
	step_event_for(n, out, EVENT_DETACHED, reason, (uint32_t)ev->unpaired.why);
	n->config.disputed = ev->unpaired.why == PARTING_LEFT;
	n->mode = keeps ? HA_MODE_PRIMARY_ACTIVE : HA_MODE_STANDALONE;
	if (!keeps) {
		lease_release(n, out);
		n->readdress.pending = false;
		n->config.vip_n = ev->unpaired.vip_n;
		memcpy(n->config.vip, ev->unpaired.vip, sizeof(n->config.vip));
		step_state(n, out, HA_ACTIVE, reason);
	} else if (!n->lease.wanted) {
		step_state(n, out, HA_INITIALIZING, reason); /* and active by the boot rule */
	}
	if (!n->lease.wanted && !n->lease.releasing)
		step_claim(n, HA_CLAIM_NONE);
}
