#include "proto/operate.h"
#include "proto/handover.h"
#include "proto/peer.h"
#include "proto/step.h"
#include "proto/suspend.h"

/* SPEC 5.D7: its first whole copy comes from a peer that is there. */
static bool syncing(const struct node *n, struct clock *c)
{
	return !n->whole_copy && !n->lease.wanted && peer_audible(n, c);
}

static bool peer_syncing(const struct node *n, struct clock *c)
{
	return n->peer.known && (n->peer.last.why_not & WHY_NOT_COPY) && peer_audible(n, c);
}

/* What swap and detach have in common: at the holder, with a peer that has its copy, one thing at a time. */
static enum node_refusal not_at_the_holder(const struct node *n, struct clock *c)
{
	if (!n->config.paired)
		return REFUSED_UNPAIRED;
	if (syncing(n, c))
		return REFUSED_SYNCING;
	if (n->handover.giving)
		return REFUSED_BUSY;
	if (!n->lease.wanted)
		return REFUSED_NOT_ACTIVE;
	if (n->leaving)
		return REFUSED_BUSY;
	if (!n->peer.known || !peer_audible(n, c))
		return REFUSED_NO_PEER;
	return peer_syncing(n, c) ? REFUSED_SYNCING : REFUSED_NOT;
}

static enum node_refusal swap_refusal(const struct node *n, struct clock *c)
{
	enum node_refusal refusal = not_at_the_holder(n, c);

	if (refusal)
		return refusal;
	return peer_ready(n, c) ? REFUSED_NOT : REFUSED_PEER_NOT_READY;
}

enum node_refusal node_may_swap(const struct node *n, ha_time now)
{
	struct clock c = {.now = now, .next = HA_NEVER};

	return swap_refusal(n, &c);
}

bool node_may_go_on(const struct node *n, ha_time now)
{
	struct clock c = {.now = now, .next = HA_NEVER};

	if (!n->lease.wanted || n->claim != HA_CLAIM_HOLDING || n->handover.giving || n->leaving)
		return false;
	return !n->config.paired || (!peer_ready(n, &c) && !peer_claims(n, &c));
}

enum node_refusal node_may_detach(const struct node *n, ha_time now)
{
	struct clock c = {.now = now, .next = HA_NEVER};
	enum node_refusal refusal = not_at_the_holder(n, &c);

	if (refusal)
		return refusal;
	return peer_claims(n, &c) ? REFUSED_PEER_ACTIVE : REFUSED_NOT;
}

enum node_refusal node_may_readdress(const struct node *n, ha_time now)
{
	struct clock c = {.now = now, .next = HA_NEVER};
	enum node_refusal refusal;

	if (!n->config.store_ok)
		return REFUSED_STORE;
	if (n->readdress.pending)
		return REFUSED_READDRESSING;
	if (n->leaving)
		return REFUSED_BUSY;
	if (!n->config.paired)
		return REFUSED_NOT;
	refusal = not_at_the_holder(n, &c);
	if (refusal)
		return refusal;
	if (peer_claims(n, &c))
		return REFUSED_PEER_ACTIVE;
	return n->claim == HA_CLAIM_HOLDING ? REFUSED_NOT : REFUSED_BUSY;
}

enum msg_addresses_refusal node_may_be_readdressed(const struct node *n, ha_time now)
{
	struct clock c = {.now = now, .next = HA_NEVER};

	if (!n->config.store_ok)
		return ADDRESSES_STORE;
	if (syncing(n, &c))
		return ADDRESSES_SYNCING;
	return node_follows(n, now) ? ADDRESSES_OK : ADDRESSES_HOLDER;
}

bool node_follows(const struct node *n, ha_time now)
{
	struct clock c = {.now = now, .next = HA_NEVER};
	bool holds = n->lease.wanted || n->lease.releasing || n->claim != HA_CLAIM_NONE;

	return n->config.paired && n->config.store_ok && !holds && n->peer.known &&
	       peer_audible(n, &c) && n->peer.last.claim == HA_CLAIM_HOLDING &&
	       n->peer.last.term >= n->term_known;
}

enum node_refusal node_may_remove(const struct node *n, ha_time now)
{
	struct clock c = {.now = now, .next = HA_NEVER};

	if (!n->config.paired)
		return REFUSED_UNPAIRED;
	if (syncing(n, &c) || peer_syncing(n, &c))
		return REFUSED_SYNCING;
	if (peer_audible(n, &c))
		return REFUSED_PEER_HEARD;
	return n->config.store_ok ? REFUSED_NOT : REFUSED_STORE;
}

enum msg_detach_refusal node_may_be_detached(const struct node *n, ha_time now)
{
	struct clock c = {.now = now, .next = HA_NEVER};

	if (!n->config.paired)
		return DETACH_OK; /* it is so already, and its answer was lost */
	if (!n->config.store_ok)
		return DETACH_STORE;
	if (n->lease.wanted || n->lease.releasing || n->claim != HA_CLAIM_NONE)
		return DETACH_HOLDS;
	return syncing(n, &c) ? DETACH_SYNCING : DETACH_OK;
}

/* SPEC 5.T5, 5.D5: an operator's last word, but not against a holder that is heard. */
static enum node_refusal force(struct node *n, struct clock *c, struct node_actions *out)
{
	if (!n->config.store_ok)
		return REFUSED_STORE;
	if (peer_claims(n, c))
		return REFUSED_PEER_ACTIVE;
	if (n->lease.wanted)
		return REFUSED_NOT;
	if (n->lease.releasing || n->handover.giving || n->leaving)
		return REFUSED_BUSY;
	if (!n->config.vip_n)
		return REFUSED_NO_VIP;
	if (n->config.paired) {
		step_active(n, REASON_FORCED, out);
		return REFUSED_NOT;
	}
	if (n->state == HA_FAULTED)
		return REFUSED_VIP_TAKEN;
	if (n->mode == HA_MODE_STANDALONE) {
		n->mode = HA_MODE_PRIMARY_ACTIVE;
		n->dirty = true;
		step_state(n, out, HA_INITIALIZING, REASON_FORCED);
	}
	return REFUSED_NOT; /* by the boot rule: nobody would resolve a conflict of two that are no pair */
}

static void shutdown(struct node *n, struct clock *c, struct node_actions *out)
{
	n->leaving = n->kick = true;
	if (n->lease.wanted && peer_ready(n, c))
		handover_begin(n, REASON_SHUTDOWN, 0, out);
	else if (n->lease.wanted)
		step_yield(n, REASON_SHUTDOWN, HA_PASSIVE, out);
}

void operate(struct node *n, const struct node_event *ev, struct clock *c, struct node_actions *out)
{
	enum node_refusal refusal = REFUSED_NOT;

	switch (ev->op) {
	case OP_SWAP:
		refusal = swap_refusal(n, c);
		if (!refusal) {
			handover_begin(n, REASON_SWAP, ev->request, out);
			return; /* the answer comes when it is done */
		}
		break;
	case OP_SUSPEND:
	case OP_RESUME:
		refusal = suspend_request(n, ev, c, out);
		break;
	case OP_FORCE:
		refusal = force(n, c, out);
		break;
	case OP_SHUTDOWN:
		shutdown(n, c, out);
		break;
	}
	step_reply(out, ev->request, refusal);
}
