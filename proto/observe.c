#include "proto/observe.h"
#include "proto/handover.h"
#include "proto/judge.h"
#include "proto/lease.h"
#include "proto/operate.h"
#include "proto/pair.h"
#include "proto/peer.h"
#include "proto/reach.h"
#include "proto/readdress.h"
#include "proto/step.h"
#include "proto/suspend.h"

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
	if (holds && !n->lease.wanted)
		suspend_follow(n, out);
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
		step_yield(n, REASON_PAUSED, n->config.paired ? HA_PASSIVE : HA_INITIALIZING,
			   out); /* Y6 */
}

static void on_heartbeat(struct node *n, const struct node_event *ev, struct clock *c,
			 struct node_actions *out)
{
	uint64_t known = n->term_known;
	enum peer_news news;

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
	/* A2: it has held while this node did, unheard, and is where the switches send the clients now. */
	if (n->peer.last.term > known && !peer_claims(n, c))
		lease_announce_again(n);
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
	if (!n->config.paired && !n->lease.wanted && n->mode != HA_MODE_STANDALONE)
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

/* E1, Y1. Whatever the role is: it stands until the next word. */
static void on_check(struct node *n, const struct node_event *ev)
{
	bool failing = ev->check.failing || ev->check.failed;

	if (!failing && n->check_hold_until == HA_NEVER)
		n->check_hold_until = n->now + n->check_hold; /* Y1: no way back before */
	n->kick |= failing != n->check_failing;
	n->check_failing = failing;
	n->check_failed = ev->check.failed;
}

static void on_copy(struct node *n, const struct node_event *ev, struct node_actions *out)
{
	bool first = ev->copy.whole && !n->whole_copy, synced = ev->copy.in_sync != n->in_sync;

	if (n->config.paired && first)
		step_event(n, out, EVENT_COPY_WHOLE, 0);
	else if (n->config.paired && synced)
		step_event(n, out, ev->copy.in_sync ? EVENT_IN_SYNC : EVENT_OUT_OF_SYNC, 0);
	if (ev->copy.whole != n->whole_copy || synced)
		n->dirty = n->kick = true;
	n->whole_copy = ev->copy.whole;
	n->in_sync = ev->copy.in_sync;
	n->lineage = ev->copy.lineage;
}

static void on_lease(struct node *n, const struct node_event *ev, struct node_actions *out)
{
	bool releasing = n->lease.releasing;

	if (lease_event(n, ev)) {
		handover_cancel(n, REFUSED_TIMEOUT, out);
		step_event(n, out, EVENT_LEASE_LOST, 0);
		if (!ev->lease.gone && !n->leaving && lease_unbroken(n)) {
			lease_again(n, out); /* L4; and if it fails all the time: Y1 */
			return;
		}
		n->lease.failing = n->verify_since = HA_NEVER;
		step_state(n, out, n->config.paired ? HA_PASSIVE : HA_INITIALIZING,
			   REASON_LEASE_LOST);
	} else if (releasing && !n->lease.releasing) {
		handover_released(n, out);
	}
}

/* Without a pair there is no peer: what still comes from a former one is not of it. */
static bool of_peer(enum node_event_type type)
{
	return type == EV_SESSION || type == EV_HEARTBEAT || type == EV_SOLICIT ||
	       type == EV_ANSWER || type == EV_PEER_MAC;
}

void observe(struct node *n, const struct node_event *ev, struct clock *c, struct node_actions *out)
{
	if (!n->config.paired && of_peer(ev->type))
		return;
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
		on_copy(n, ev, out);
		break;
	case EV_PAIRED:
		pair_begin(n, ev, out);
		break;
	case EV_UNPAIRED:
		pair_end(n, ev, out);
		break;
	case EV_ADDRESSES:
		readdress(n, ev);
		break;
	case EV_OPERATOR:
		operate(n, ev, c, out);
		break;
	}
}
