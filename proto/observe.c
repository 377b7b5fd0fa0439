#include "proto/observe.h"
#include "proto/handover.h"
#include "proto/judge.h"
#include "proto/lease.h"
#include "proto/peer.h"
#include "proto/reach.h"
#include "proto/step.h"

#include <string.h>

enum {
	THIRD_PARTY_S = 10, /* a third party is defended against and reported at most this often */
};

/* T3: the cable lost its signal while the peer was well a moment ago. Ask it the other way. */
static void solicit_begin(struct node *n)
{
	const struct node_timing *t = &n->config.timing;
	const struct node_path *m = &n->path[HA_PATH_MANAGEMENT];
	ha_time wait = 2 * worst_of(&m->rtt_worst) + worst_of(&n->late_worst) +
		       (ha_time)n->peer.last.lateness_us * HA_US;

	if (n->lease.wanted || !m->session ||
	    n->now - m->heard > 2 * t->heartbeat + t->heartbeat / 2)
		return;
	if (wait < t->confirm)
		wait = t->confirm;
	if (wait > t->dead)
		wait = t->dead;
	n->solicit = (struct node_solicit){.running = true,
					   .since = n->now,
					   .until = n->now + wait,
					   .nonce = ++n->nonce,
					   .next = n->now};
	n->probe.n = 0;
}

static void on_carrier(struct node *n, const struct node_event *ev, struct node_actions *out)
{
	struct node_path *p = &n->path[ev->path];
	bool first = !p->carrier_known;

	if (p->carrier_known && p->carrier == ev->up)
		return;
	p->carrier_known = true;
	p->carrier = ev->up;
	p->carrier_since = n->now;
	n->kick = true;
	if (!first)
		step_event(n, out, ev->up ? EVENT_CARRIER_UP : EVENT_CARRIER_DOWN,
			   (uint32_t)ev->path);
	if (ev->path == HA_PATH_LINK) {
		if (!ev->up && !first)
			solicit_begin(n);
		return;
	}
	if (ev->up) {
		n->boot_until = n->now + (judge_held_last(n) ? n->config.timing.boot_wait
							     : n->config.timing.boot_wait_passive);
		n->reach.asked = HA_NEVER;
		n->reach.next_ask = n->now;
		lease_announce_again(n);
	} else {
		n->boot_until = HA_NEVER;
	}
}

static void peer_is_heard(struct node *n, struct clock *c, struct node_actions *out)
{
	bool holds = peer_claims(n, c);

	if (n->disproved) {
		n->disproved = false;
		n->kick = true;
	}
	n->verify_since = HA_NEVER;
	/* S1: suspension follows the holder */
	if (holds && !n->lease.wanted) {
		bool suspended = n->peer.last.why_not & WHY_NOT_SUSPENDED;

		if (suspended != n->suspended) {
			n->suspended = suspended;
			n->dirty = n->kick = true;
			step_event(n, out, suspended ? EVENT_SUSPENDED : EVENT_RESUMED, 0);
		}
	}
	if (n->lease.wanted || !n->config.store_ok || n->handover.own.phase == HANDOVER_RESIGNED)
		return;
	if (holds && n->suspended) {
		step_state(n, out, HA_SUSPENDED, REASON_SUSPENDED);
	} else if (n->state != HA_PASSIVE &&
		   (holds || n->state == HA_ISOLATED || n->state == HA_FAULTED)) {
		step_state(n, out, HA_PASSIVE, holds ? REASON_HOLDER_HEARD : REASON_PEER_HEARD);
	}
}

void observe_pause(struct node *n, struct node_actions *out)
{
	n->watch_until = n->now + n->config.timing.dead;
	n->solicit.running = false;
	n->probe.n = 0;
	n->reach.asked = HA_NEVER; /* the answer waits in the queue */
	if (n->lease.wanted)
		step_yield(n, REASON_PAUSED, HA_PASSIVE, out); /* Y6 */
}

static void on_heartbeat(struct node *n, const struct node_event *ev, struct clock *c,
			 struct node_actions *out)
{
	enum peer_news news;

	if (!n->config.paired)
		return;
	news = peer_heartbeat(n, ev);
	if (news == PEER_STALE)
		return;
	if (news == PEER_RESTARTED) {
		n->nobody_since = HA_NEVER;
		step_event(n, out, EVENT_PEER_RESTARTED, (uint32_t)n->peer.boot);
	}
	if (news == PEER_JUMPED)
		observe_pause(n, out);
	if (news != PEER_LIVENESS)
		step_know_term(n, n->peer.last.term);
	peer_is_heard(n, c, out);
	if (news == PEER_LIVENESS)
		return;
	if (handover_heard(n, ev, c, out) && !n->lease.wanted && !n->lease.releasing)
		step_active(n, REASON_HANDOVER, out); /* T1 */
	if (n->lease.wanted && peer_claims(n, c) && n->peer.last.term < n->term && !n->conflict) {
		n->conflict = true; /* Y4 */
		lease_announce_again(n);
		step_event(n, out, EVENT_CONFLICT, 1);
	} else if (!peer_claims(n, c)) {
		n->conflict = false;
	}
}

static bool is_vip(const struct node *n, const struct ha_address *a, unsigned *index)
{
	for (unsigned i = 0; i < n->config.vip_n; i++)
		if (ha_address_equal(&n->config.vip[i], a)) {
			*index = i;
			return true;
		}
	return false;
}

/* RFC 5227 2.1.1: another station, not paired either, asks for it before taking it. The lower MAC goes on. */
static bool probed_first(const struct node *n, const struct segment_frame *f)
{
	unsigned index;

	return !n->config.paired && !n->lease.wanted && f->sender.family == HA_FAMILY_NONE &&
	       is_vip(n, &f->target, &index) &&
	       memcmp(f->source.b, n->config.mac.b, sizeof(f->source.b)) < 0;
}

static void third_party(struct node *n, unsigned index, struct node_actions *out)
{
	struct node_announce *a = &n->announce;

	if ((!n->lease.wanted && !n->config.paired) ||
	    n->now - a->defended < THIRD_PARTY_S * HA_SEC)
		return;
	a->defended = n->now;
	lease_announce_again(n);
	step_event(n, out, EVENT_THIRD_PARTY, index);
}

/* Claims by others: the peer, a third party or an echo of our own (SPEC 5.8). */
static void on_segment(struct node *n, const struct node_event *ev, struct clock *c,
		       struct node_actions *out)
{
	const struct segment_frame *f = &ev->segment;
	bool mac_known = !ha_mac_is_zero(&n->peer.mac);
	bool peer = mac_known && ha_mac_equal(&f->source, &n->peer.mac);
	unsigned index = 0;

	if (ha_mac_equal(&f->source, &n->config.mac))
		return;
	if (!is_vip(n, &f->sender, &index) && !probed_first(n, f)) {
		if (peer)
			return;
		/* T2: what was asked of the peer while nobody answered proves nothing */
		if (n->reach.asked != HA_NEVER &&
		    ev->heard_at - n->reach.asked > n->config.timing.heartbeat)
			n->probe.n = 0;
		reach_evidence(n, f, ev->heard_at);
		return;
	}
	if (peer || (n->config.paired && !mac_known)) {
		n->probe.answered = ev->heard_at;
		n->probe.n = 0;
		if (n->lease.wanted && n->verify_since != HA_NEVER && peer_silent(n, c)) {
			n->disproved = true; /* V1 */
			step_event(n, out, EVENT_DISPROVED, index);
		}
		return;
	}
	n->probe.third = ev->heard_at;
	if (!n->config.paired || !n->peer.known)
		n->probe.n = 0; /* boot: whoever answers is obeyed */
	if (!n->config.paired && !n->lease.wanted)
		step_state(n, out, HA_FAULTED, REASON_VIP_TAKEN);
	third_party(n, index, out);
}

static void on_saved(struct node *n, const struct node_event *ev, struct node_actions *out)
{
	if (!ev->ok) {
		if (n->save_retry == HA_NEVER)
			step_event(n, out, EVENT_STORE_FAILED, 0);
		n->save_retry = n->now + HA_SEC;
		return;
	}
	n->save_retry = HA_NEVER;
	if (n->reserving && ev->number == n->save_number) {
		n->reserved = n->reserving;
		n->reserving = 0;
		n->kick = true;
	}
}

static void on_check(struct node *n, const struct node_event *ev)
{
	if (ev->ok && !n->check_ok)
		n->check_hold_until = n->now + n->check_hold; /* Y1: no way back before */
	n->kick |= ev->ok != n->check_ok;
	n->check_ok = ev->ok;
}

static void on_paired(struct node *n, const struct node_event *ev, struct node_actions *out)
{
	peer_forget(n);
	n->config.paired = true;
	n->config.lower = ev->paired.lower;
	n->config.vip_n = ev->paired.vip_n;
	memcpy(n->config.vip, ev->paired.vip, sizeof(n->config.vip));
	reach_forget_pair(n);
	n->mode = ev->paired.mode;
	n->dirty = n->kick = true;
	step_know_term(n, ev->paired.term);
	n->reserved = n->reserving = 0;
	if (n->lease.wanted) {
		n->term = step_next_term(n, n->term_floor);
		n->term_floor = n->term;
		step_know_term(n, n->term);
	} else {
		n->boot_until = n->now + n->config.timing.boot_wait_passive;
		step_state(n, out, HA_INITIALIZING, REASON_JOINED);
	}
	step_event(n, out, EVENT_JOINED, 0);
}

static void reply(struct node_actions *out, uint32_t request, enum node_refusal refusal)
{
	struct node_action *a;

	if (!request)
		return;
	a = step_add(out, ACT_REPLY);
	a->request = request;
	a->refusal = refusal;
}

static enum node_refusal swap_refusal(const struct node *n, struct clock *c)
{
	if (!n->config.paired)
		return REFUSED_UNPAIRED;
	if (!n->lease.wanted)
		return REFUSED_NOT_ACTIVE;
	if (!n->peer.known || !peer_audible(n, c))
		return REFUSED_NO_PEER;
	if (!peer_ready(n, c))
		return REFUSED_PEER_NOT_READY;
	return n->handover.giving ? REFUSED_BUSY : REFUSED_NOT;
}

/* S1. The passive is not managed directly while there is an active to go to. */
static enum node_refusal suspend(struct node *n, bool suspended, struct clock *c,
				 struct node_actions *out)
{
	if (!n->config.paired)
		return REFUSED_UNPAIRED;
	if (!n->lease.wanted && peer_claims(n, c))
		return REFUSED_NOT_ACTIVE;
	if (n->suspended == suspended)
		return REFUSED_NOT;
	n->suspended = suspended;
	n->dirty = n->kick = true;
	step_event(n, out, suspended ? EVENT_SUSPENDED : EVENT_RESUMED, 0);
	if (n->state == HA_SUSPENDED || (suspended && n->state == HA_PASSIVE))
		step_state(n, out, suspended ? HA_SUSPENDED : HA_PASSIVE,
			   suspended ? REASON_SUSPENDED : REASON_RESUMED);
	return REFUSED_NOT;
}

static enum node_refusal force(struct node *n, struct clock *c, struct node_actions *out)
{
	if (!n->config.store_ok)
		return REFUSED_STORE;
	if (peer_claims(n, c))
		return REFUSED_PEER_ACTIVE;
	if (!n->lease.wanted && !n->lease.releasing)
		step_active(n, REASON_FORCED, out);
	return REFUSED_NOT;
}

static void shutdown(struct node *n, struct clock *c, struct node_actions *out)
{
	n->leaving = n->kick = true;
	if (n->lease.wanted && peer_ready(n, c))
		handover_begin(n, REASON_SHUTDOWN, 0, out);
	else if (n->lease.wanted)
		step_yield(n, REASON_SHUTDOWN, HA_PASSIVE, out);
}

static void on_operator(struct node *n, const struct node_event *ev, struct clock *c,
			struct node_actions *out)
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
		refusal = suspend(n, ev->op == OP_SUSPEND, c, out);
		break;
	case OP_FORCE:
		refusal = force(n, c, out);
		break;
	case OP_SHUTDOWN:
		shutdown(n, c, out);
		break;
	}
	reply(out, ev->request, refusal);
}

static void on_lease(struct node *n, const struct node_event *ev, struct node_actions *out)
{
	bool releasing = n->lease.releasing;

	if (lease_event(n, ev)) {
		handover_cancel(n, REFUSED_TIMEOUT, out);
		step_event(n, out, EVENT_LEASE_LOST, 0);
		if (!ev->lease.gone && !n->leaving && lease_unbroken(n)) {
			lease_acquire(n, out); /* L4: nobody can have taken it meanwhile */
			return;
		}
		n->verify_since = HA_NEVER;
		step_state(n, out, n->config.paired ? HA_PASSIVE : HA_INITIALIZING,
			   REASON_LEASE_LOST);
	} else if (releasing && !n->lease.releasing) {
		handover_released(n, out);
	}
}

void observe(struct node *n, const struct node_event *ev, struct clock *c, struct node_actions *out)
{
	switch (ev->type) {
	case EV_TIMER:
		break;
	case EV_CARRIER:
		on_carrier(n, ev, out);
		break;
	case EV_SESSION:
		peer_session(n, ev);
		n->kick = true;
		break;
	case EV_HEARTBEAT:
		on_heartbeat(n, ev, c, out);
		break;
	case EV_SOLICIT: {
		struct node_action *a = step_add(out, ACT_ANSWER);

		peer_heard(n, ev);
		a->path = ev->path;
		a->nonce = ev->nonce;
		break;
	}
	case EV_ANSWER:
		if (ev->nonce != n->solicit.nonce)
			break; /* to an earlier question: it does not tell when it was sent */
		peer_heard(n, ev);
		n->solicit.running = n->solicit.unanswered = false;
		break;
	case EV_PEER_MAC:
		n->peer.mac = ev->mac;
		reach_forget_pair(n);
		break;
	case EV_SEGMENT:
		on_segment(n, ev, c, out);
		break;
	case EV_WITNESS:
		reach_configure(n, ev);
		break;
	case EV_LEASE:
		on_lease(n, ev, out);
		break;
	case EV_GUARDIAN:
		n->config.fenced = ev->ok;
		break;
	case EV_SAVED:
		on_saved(n, ev, out);
		break;
	case EV_CHECK:
		on_check(n, ev);
		break;
	case EV_COPY:
		n->dirty |= n->whole_copy != ev->copy.whole || n->in_sync != ev->copy.in_sync;
		n->whole_copy = ev->copy.whole;
		n->in_sync = ev->copy.in_sync;
		n->lineage = ev->copy.lineage;
		break;
	case EV_PAIRED:
		on_paired(n, ev, out);
		break;
	case EV_OPERATOR:
		on_operator(n, ev, c, out);
		break;
	}
}
