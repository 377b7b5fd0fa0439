#include "proto/account.h"

#include "proto/peer.h"

#define US_MAX (INT64_C(1) << 52) /* 142 years: as nanoseconds it has room for a time of day */
#define FLIGHT HA_US              /* no frame takes less */
#define APART  (10 * HA_MS)       /* more is another handover, or no error of a clock */

enum role {
	UNDECIDED,
	ACTIVE,
	INACTIVE,
};

static enum role role_of(enum ha_state state)
{
	if (state == HA_INITIALIZING)
		return UNDECIDED;
	return state == HA_ACTIVE ? ACTIVE : INACTIVE;
}

/* ---- what is kept from step to step ---- */

static void watch_handover(struct account *a, const struct node *n)
{
	const struct node_handover *h = &n->handover;
	bool taken =
		n->peer.last.claim == HA_CLAIM_TAKING || n->peer.last.claim == HA_CLAIM_HOLDING;

	if (h->releasing && !a->releasing)
		a->ack = n->now;
	a->releasing = h->releasing;
	if (h->own.phase == a->phase)
		return;
	switch (h->own.phase) {
	case HANDOVER_INTENT:
	case HANDOVER_ACK:
		a->intent = n->now;
		a->ack = h->own.phase == HANDOVER_ACK ? n->now : 0;
		a->resigned = a->taking = 0;
		break;
	case HANDOVER_RESIGNED:
		a->resigned = n->now;
		break;
	case HANDOVER_TAKING:
		a->resigned = a->taking = n->now;
		break;
	default:
		if (a->phase == HANDOVER_RESIGNED && taken && a->resigned == a->last.decided)
			a->last.handover.taking = a->taking = n->now;
		break;
	}
	a->phase = h->own.phase;
}

static void watch_lease(struct account *a, const struct node *n)
{
	const struct node_lease *l = &n->lease;
	bool had = a->lease_wanted || a->lease_releasing;

	if ((l->wanted || l->releasing) && !had) /* or both in one step */
		a->released = a->off = 0;
	if (l->releasing && !a->lease_releasing)
		a->released = n->now;
	if (had && !l->wanted && !l->releasing)
		a->off = n->now;
	a->lease_wanted = l->wanted;
	a->lease_releasing = l->releasing;
	if (role_of((enum ha_state)a->last.from) == ACTIVE && n->state != HA_ACTIVE) {
		a->last.lease.released = a->released;
		a->last.lease.off = a->off;
	}
	if (a->last.to == HA_ACTIVE && a->last.lease.on == 0 && n->state == HA_ACTIVE && l->on != 0)
		a->last.lease.on = n->now;
}

/* The third round is the last that the node counts; from then on it stays at three until the run ends. */
static void watch_probe(struct account *a, const struct node *n)
{
	if (n->probe.n == 1 || a->probe_first == 0) {
		a->probe_first = n->now;
		a->probe_rounds = 0;
	}
	a->probe_last = n->now;
	if (a->probe_rounds < UINT16_MAX)
		a->probe_rounds++;
}

/* What ends the wait before its time, and was heard since it began, is an answer. */
static void watch_solicit(struct account *a, const struct node *n)
{
	const struct node_solicit *s = &n->solicit;

	if (s->running)
		a->solicit_answered = false;
	else if (a->soliciting)
		a->solicit_answered =
			!s->unanswered && n->path[HA_PATH_MANAGEMENT].heard > s->since;
	a->soliciting = s->running;
}

static void watch(struct account *a, const struct node *n)
{
	if (n->reach.evidence != a->evidence) {
		a->evidence = n->reach.evidence;
		a->answer = a->asked;
	}
	if (n->peer.known && n->peer.last.claim == HA_CLAIM_HOLDING)
		a->peer_held = n->peer.last_at;
	watch_handover(a, n);
	watch_lease(a, n);
	watch_solicit(a, n);
}

/* ---- the account ---- */

static ha_time at(ha_time t)
{
	return t > 0 ? t : 0;
}

static uint16_t missed(const struct node *n, ha_time heard)
{
	ha_time interval = n->config.timing.heartbeat;
	ha_time beats = heard > 0 && interval > 0 ? (n->now - heard) / interval : 0;

	return beats < UINT16_MAX ? (uint16_t)beats : UINT16_MAX;
}

static void tell_paths(struct msg_account *m, const struct node *n)
{
	for (int i = 0; i < HA_PATH_N; i++) {
		const struct node_path *p = &n->path[i];
		struct account_path *out = &m->path[i];

		out->heard = p->session ? at(p->heard) : 0;
		out->missed = missed(n, out->heard);
		if (!p->carrier_known)
			continue;
		out->carrier = p->carrier ? ACCOUNT_CARRIER_UP : ACCOUNT_CARRIER_DOWN;
		out->carrier_since = at(p->carrier_since);
	}
}

/* Only those of the silence that led here: earlier ones are of an earlier story. */
static void tell_questions(struct msg_account *m, const struct account *a, const struct node *n)
{
	const struct node_solicit *s = &n->solicit;
	const struct node_probe *p = &n->probe;
	ha_time heard = peer_last_heard(n), dead = n->config.timing.dead;

	if (a->probe_last > heard) {
		m->probe.first = a->probe_first;
		m->probe.last = a->probe_last;
		m->probe.rounds = a->probe_rounds;
		m->probe.answered = p->answered > heard ? p->answered : 0;
		m->probe.answer = m->probe.answered ? ACCOUNT_ANSWER_PEER : ACCOUNT_ANSWER_NONE;
		if (p->third > heard && p->third > m->probe.answered) {
			m->probe.answered = p->third;
			m->probe.answer = ACCOUNT_ANSWER_OTHER;
		}
	}
	if (s->sent > 0 && s->since + dead > heard) {
		m->solicit.since = s->since;
		m->solicit.sent = (uint8_t)s->sent;
		m->solicit.answered = a->solicit_answered;
	}
}

static void tell_reach(struct msg_account *m, const struct account *a, const struct node *n)
{
	const struct node_reach *r = &n->reach;

	m->reach.evidence = at(r->evidence);
	m->reach.unanswered = r->asked == HA_NEVER ? 0 : at(r->asked);
	if (m->reach.evidence == 0)
		return;
	m->reach.asked = a->answer;
	for (unsigned i = 0; i < r->n; i++) {
		const struct node_station *s = &r->station[i];

		if (s->answered && s->heard == r->evidence) {
			m->reach.station = s->address;
			m->reach.configured = s->configured;
			return;
		}
	}
}

static void tell_peer(struct msg_account *m, const struct account *a, const struct node *n)
{
	const struct msg_heartbeat *last = &n->peer.last;

	m->peer.held = a->peer_held;
	if (!n->peer.known)
		return;
	m->peer.heard = at(n->peer.last_at);
	m->peer.boot = n->peer.boot;
	m->peer.state = last->state;
	m->peer.claim = last->claim;
	m->peer.reason = last->reason;
	m->peer.flags = last->flags;
	m->peer.why_not = last->why_not;
}

static void tell_handover(struct msg_account *m, const struct account *a, const struct node *n)
{
	if (a->resigned == 0 || (a->resigned != n->now && m->reason != REASON_TOOK_BACK))
		return;
	m->handover.intent = a->intent;
	m->handover.ack = a->ack;
	m->handover.resigned = a->resigned;
	m->handover.taking = a->taking;
}

static void begin(struct account *a, const struct node *n, const struct node_action *change)
{
	struct msg_account m = {
		.boot = n->config.boot,
		.decided = n->now,
		.from = (uint8_t)change->from,
		.to = (uint8_t)change->to,
		.reason = (uint8_t)change->reason,
		.term = change->term,
		.awake = a->step,
	};

	tell_paths(&m, n);
	tell_questions(&m, a, n);
	tell_reach(&m, a, n);
	tell_peer(&m, a, n);
	tell_handover(&m, a, n);
	if (change->from == HA_ACTIVE) {
		m.lease.until =
			a->lease_wanted || a->lease_releasing || a->off ? at(n->lease.deadline) : 0;
		m.lease.released = a->released;
		m.lease.off = a->off;
	}
	a->last = m;
}

void account_observe(struct account *a, const struct node *after, const struct node_event *ev,
		     const struct node_actions *actions)
{
	bool probed = false, asked = false;

	if (ev->type == EV_PAIRED)
		a->peer_held = 0; /* it is another */
	watch(a, after);
	for (unsigned i = 0; i < actions->n; i++) {
		const struct node_action *action = &actions->a[i];

		switch (action->type) {
		case ACT_PROBE:
			if (!probed)
				watch_probe(a, after);
			probed = true;
			break;
		case ACT_ASK:
			asked = true;
			break;
		case ACT_ANNOUNCE:
			if (a->last.to == HA_ACTIVE && a->last.lease.announced == 0)
				a->last.lease.announced = after->now;
			break;
		case ACT_EVENT:
			if (action->event == EVENT_STATE &&
			    role_of(action->from) != role_of(action->to))
				begin(a, after, action);
			break;
		default:
			break;
		}
	}
	if (asked)
		a->asked = after->now;
	a->step = after->now;
}

void account_translate(struct msg_account *m, int64_t offset_us)
{
	ha_time *const time[] = {
		&m->decided,          &m->awake,
		&m->path[0].heard,    &m->path[0].carrier_since,
		&m->path[1].heard,    &m->path[1].carrier_since,
		&m->probe.first,      &m->probe.last,
		&m->probe.answered,   &m->solicit.since,
		&m->reach.evidence,   &m->reach.asked,
		&m->reach.unanswered, &m->peer.heard,
		&m->peer.held,        &m->handover.intent,
		&m->handover.ack,     &m->handover.resigned,
		&m->handover.taking,  &m->lease.until,
		&m->lease.released,   &m->lease.off,
		&m->lease.on,         &m->lease.announced,
	};

	for (size_t i = 0; i < sizeof(time) / sizeof(*time); i++) {
		ha_time us = *time[i] / HA_US;

		if (*time[i] == 0)
			continue;
		/* The offset is by what the peer says of its clock, which may be anything. */
		if (__builtin_sub_overflow(us, offset_us, &us) || us < 0 || us >= US_MAX)
			us = 0;
		*time[i] = us * HA_US;
	}
}

static bool handed_over(const struct msg_account *gave, const struct msg_account *took)
{
	return gave->decided != 0 && took->decided != 0 && gave->from == HA_ACTIVE &&
	       took->to == HA_ACTIVE && gave->handover.resigned != 0 &&
	       took->handover.resigned != 0 && took->term > gave->term;
}

/* The frame in which the giver resigned came no later than this. */
static ha_time resignation_heard(const struct msg_account *took)
{
	bool said = took->peer.claim == HA_CLAIM_RESIGNED && took->peer.heard != 0;

	return said && took->peer.heard < took->decided ? took->peer.heard : took->decided;
}

/* What is left when the frame is sent before it is heard; less than 0, if it is not. */
static void bound(ha_time *most, ha_time sent, ha_time heard)
{
	if (sent != 0 && heard != 0 && heard - FLIGHT - sent < *most)
		*most = heard - FLIGHT - sent;
}

void account_align(struct msg_account *theirs, const struct msg_account *own)
{
	bool taken = handed_over(theirs, own);
	const struct msg_account *gave = taken ? theirs : own, *took = taken ? own : theirs;
	ha_time later = HA_NEVER, earlier = HA_NEVER; /* the giver may be told, than now */
	ha_time by_us;

	if (!handed_over(gave, took))
		return;
	bound(&later, gave->handover.intent, took->handover.intent);
	bound(&later, gave->handover.resigned, resignation_heard(took));
	bound(&earlier, took->handover.ack, gave->handover.ack);
	bound(&earlier, took->decided, gave->handover.taking);
	if (later >= 0 && earlier >= 0)
		return;
	by_us = (HA_US - 1 - (later < earlier ? later : earlier)) / HA_US;
	if (by_us * HA_US > (later < earlier ? earlier : later) || by_us * HA_US > APART)
		return;
	account_translate(theirs, (later < earlier) == taken ? by_us : -by_us);
}
