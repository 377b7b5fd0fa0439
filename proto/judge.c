#include "proto/judge.h"
#include "proto/lease.h"
#include "proto/peer.h"
#include "proto/reach.h"

#include <string.h>

enum {
	DEAF_HANDOVER_MS = 500,
	NO_WITNESS_MS = 3000,
	ALONE_MS =
		30000, /* T5: silence on a link that has carrier; and how much longer with a failing check */
};

static const struct verdict stay = {.judgement = JUDGE_STAY};

static struct verdict take(enum ha_reason reason)
{
	return (struct verdict){.judgement = JUDGE_TAKE, .reason = reason, .state = HA_ACTIVE};
}

static struct verdict yield(enum ha_reason reason, enum ha_state state)
{
	return (struct verdict){.judgement = JUDGE_YIELD, .reason = reason, .state = state};
}

static struct verdict hand_over(enum ha_reason reason)
{
	return (struct verdict){.judgement = JUDGE_HAND_OVER, .reason = reason};
}

/* SPEC 5.6 */
bool better(const struct side *a, const struct side *b)
{
	if (a->eligible != b->eligible)
		return a->eligible;
	if (a->lineage.term != b->lineage.term)
		return a->lineage.term > b->lineage.term;
	if (a->lineage.number != b->lineage.number)
		return a->lineage.number > b->lineage.number;
	if (a->term != b->term)
		return a->term > b->term;
	return a->lower;
}

/* SPEC 5.E1: nobody was heard yet. Who heard the peer and lost it again goes on by T2, unless T5 would keep it, too. */
static bool is_booting(const struct node *n, struct clock *c)
{
	if (n->state != HA_INITIALIZING || peer_audible(n, c))
		return false;
	return peer_last_heard(n) < 0 || !(n->in_sync || judge_held_last(n));
}

/* SPEC 5.E1: the guardian does not keep the address, or had this node resign a short while ago. */
static bool guardian_fails(const struct node *n, struct clock *c)
{
	if (n->lease.failing != HA_NEVER && clock_due(c, n->lease.failing + LEASE_FAILS_MS * HA_MS))
		return true;
	return !clock_due(c, n->guardian_hold_until);
}

uint16_t judge_why_not(const struct node *n, struct clock *c)
{
	unsigned why = 0;

	if (!n->whole_copy)
		why |= WHY_NOT_COPY;
	if (n->suspended)
		why |= WHY_NOT_SUSPENDED;
	if (n->check_failing || !clock_due(c, n->check_hold_until))
		why |= WHY_NOT_CHECK;
	if (!n->path[HA_PATH_MANAGEMENT].carrier)
		why |= WHY_NOT_CARRIER;
	else if (reach_deaf(n, c))
		why |= WHY_NOT_DEAF;
	if (!n->config.store_ok || (n->config.paired && n->reserved <= n->term_known))
		why |= WHY_NOT_STORE;
	if (guardian_fails(n, c))
		why |= WHY_NOT_GUARDIAN;
	if (is_booting(n, c) || !clock_due(c, n->watch_until))
		why |= WHY_NOT_STARTING;
	if (n->leaving)
		why |= WHY_NOT_LEAVING;
	if (n->disproved)
		why |= WHY_NOT_DISPROVED;
	return (uint16_t)why;
}

bool judge_isolated(const struct node *n, struct clock *c)
{
	const struct msg_heartbeat *last = &n->peer.last;

	return n->peer.known && peer_silent(n, c) && reach_deaf(n, c) &&
	       (last->flags & MSG_FLAG_ELIGIBLE) && !(last->flags & MSG_FLAG_LEAVING) &&
	       peer_last_heard(n) - n->peer.last_at <= n->config.timing.dead;
}

static ha_time later(ha_time a, ha_time b)
{
	return a > b ? a : b;
}

/* SPEC 5.Y1: something is wrong here that is not wrong there. */
static struct verdict should_hand_over(const struct node *n, struct clock *c)
{
	const struct node_path *management = &n->path[HA_PATH_MANAGEMENT];
	bool peer_reaches = n->peer.last.flags & MSG_FLAG_REACH_OK;
	ha_time dead = n->config.timing.dead;

	if (n->check_failed)
		return hand_over(REASON_CHECK_FAILED);
	if (n->lease.failing != HA_NEVER && clock_due(c, n->lease.failing + LEASE_FAILS_MS * HA_MS))
		return hand_over(REASON_GUARDIAN);
	/* Both for a while: of two that come back with their switch, one is always the first. */
	if (!management->carrier && peer_reaches &&
	    clock_due(c, later(management->carrier_since, n->peer.reach_since) + dead))
		return hand_over(REASON_CARRIER_DOWN);
	if (management->carrier && peer_reaches && reach_deaf(n, c) &&
	    clock_due(c, later(n->reach.asked, n->peer.reach_since) + DEAF_HANDOVER_MS * HA_MS))
		return hand_over(REASON_DEAF);
	return stay;
}

static struct verdict holder(const struct node *n, struct clock *c)
{
	if (n->disproved)
		return yield(REASON_DISPROVED, HA_FAULTED); /* V1 */
	if (peer_claims(n, c)) {
		if (n->peer.last.term > n->term)
			return yield(REASON_HIGHER_TERM, HA_PASSIVE); /* Y3 */
		if (peer_unheard_us(n, c))
			return yield(REASON_UNHEARD, HA_PASSIVE); /* Y5 */
	}
	if (judge_isolated(n, c))
		return yield(REASON_ISOLATED, HA_ISOLATED); /* Y2 */
	if (peer_ready(n, c) && clock_due(c, n->handover.retry_at))
		return should_hand_over(n, c); /* Y1 */
	return stay;
}

/* Before there is a pair: whoever else answers for the virtual IP has it (RFC 5227 2.1, shortened). */
static struct verdict unpaired(const struct node *n, struct clock *c)
{
	if (n->mode == HA_MODE_STANDALONE || !n->config.vip_n || n->leaving ||
	    !n->path[HA_PATH_MANAGEMENT].carrier)
		return stay;
	return lease_unanswered(n, c) ? take(REASON_UNPAIRED) : stay;
}

/* SPEC 5.T2, 5.T3: is there word from the segment that is younger than the peer's silence? */
static bool evidence(const struct node *n, struct clock *c, enum ha_reason *reason)
{
	bool t3 = n->solicit.unanswered && !n->path[HA_PATH_LINK].carrier;
	ha_time last = peer_last_heard(n);
	ha_time began = t3 ? n->solicit.since : last + n->config.timing.heartbeat;

	*reason = t3 ? REASON_CARRIER_LOST : REASON_BOTH_SILENT;
	if (n->reach.evidence >= began)
		return true;
	if (n->reach.n == 0)
		return true; /* there is nobody to ask: carrier stands in */
	if (!clock_due(c, last + NO_WITNESS_MS * HA_MS))
		return false;
	*reason = REASON_NO_WITNESS;
	return true; /* and not deaf: whoever takes is eligible */
}

bool judge_held_last(const struct node *n)
{
	return n->term && n->term == n->term_known;
}

bool judge_alone(const struct node *n, struct clock *c)
{
	if (!n->config.paired || n->peer.known || n->path[HA_PATH_LINK].session ||
	    n->path[HA_PATH_MANAGEMENT].session)
		return false;
	if (!judge_held_last(n) && !n->in_sync)
		return false;
	return clock_due(c, n->boot_until) &&
	       (!n->path[HA_PATH_LINK].carrier || clock_due(c, n->born + ALONE_MS * HA_MS));
}

/* SPEC 5.S1: a suspension keeps others from taking over, not the last holder from coming back. */
static bool may_come_back(uint16_t why_not, bool held_last)
{
	return !(why_not & ~(held_last ? WHY_NOT_SUSPENDED : 0));
}

/* Like judge_why_not(), but for what does not keep it from holding where nobody else does. */
static uint16_t why_not_return(const struct node *n, struct clock *c)
{
	uint16_t why_not = judge_why_not(n, c);

	if (!n->check_failing)
		why_not &= (uint16_t)~WHY_NOT_CHECK; /* Y1: the hold gives way to nobody */
	if (n->lease.failing == HA_NEVER)
		why_not &= (uint16_t)~WHY_NOT_GUARDIAN;
	return why_not;
}

/* The peer's side of the comparison in T4. */
static struct side peer_side(const struct node *n)
{
	const struct msg_heartbeat *last = &n->peer.last;

	return (struct side){
		may_come_back(last->why_not, last->term && last->term == n->term_known),
		last->lineage, last->term, !n->config.lower};
}

enum nobody judge_nobody(const struct node *n, struct clock *c)
{
	uint16_t why_not = why_not_return(n, c);
	bool held_last = judge_held_last(n);

	if (!n->config.paired || !n->peer.known || !peer_audible(n, c) ||
	    n->claim != HA_CLAIM_NONE || n->peer.last.claim != HA_CLAIM_NONE)
		return NOBODY_NOT;
	if (n->peer.last.state == HA_ACTIVE && judge_why_not(n, c))
		return NOBODY_NOT; /* L6: it tries, and this one has no reason to do better */
	if (may_come_back(why_not, held_last))
		return NOBODY_WILLING;
	why_not &= (uint16_t)~WHY_NOT_CHECK;
	return may_come_back(why_not, held_last) && !peer_side(n).eligible ? NOBODY_RELUCTANT
									   : NOBODY_NOT;
}

/* SPEC 5.T4: both are there and none holds. Each sees the same two sides. */
static bool nobody(const struct node *n, struct clock *c)
{
	struct side self = {may_come_back(judge_why_not(n, c), judge_held_last(n)), n->lineage,
			    n->term, n->config.lower};
	struct side peer = peer_side(n);
	ha_time dead = n->config.timing.dead, wait = 2 * dead;

	if (n->nobody_since == HA_NEVER)
		return false;
	if (!better(&self, &peer))
		wait += 2 * dead;
	if (n->nobody_reluctant)
		wait += 4 * dead; /* T4a: after everybody else */
	return clock_due(c, n->nobody_since + wait);
}

static struct verdict taker(const struct node *n, struct clock *c)
{
	uint16_t why_not = why_not_return(n, c);
	bool held_last = judge_held_last(n);
	enum ha_reason reason;

	if (n->handover.own.phase == HANDOVER_RESIGNED || peer_claims(n, c))
		return stay;
	if (nobody(n, c))
		return take(REASON_NOBODY); /* T4 */
	if (judge_alone(n, c)) {
		why_not &= (uint16_t)~WHY_NOT_STARTING;
		if (why_not & WHY_NOT_CHECK && clock_due(c, n->boot_until + ALONE_MS * HA_MS))
			why_not &= (uint16_t)~WHY_NOT_CHECK; /* T4a */
		return may_come_back(why_not, held_last) && lease_unanswered(n, c)
			       ? take(REASON_ALONE)
			       : stay;
	}
	if (why_not || peer_last_heard(n) < 0 || !peer_silent(n, c))
		return stay;
	if (evidence(n, c, &reason) && lease_unanswered(n, c))
		return take(reason); /* T2, T3 */
	return stay;
}

struct verdict may_hold(const struct node *n, struct clock *c)
{
	if (!n->config.store_ok)
		return stay; /* never active by guess */
	if (n->lease.wanted)
		return holder(n, c);
	if (n->lease.releasing)
		return stay;
	return n->config.paired ? taker(n, c) : unpaired(n, c);
}
