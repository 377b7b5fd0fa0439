/* node.c - one step of the machine: observe what happened, let judge.c decide, do what is due.
 *
 * Everything is decided by state, at every step anew: an event only changes what is known (observe.c). So no order of
 * events has a handler of its own, and what a lost event would have said, the next one says too.
 */
#include "proto/node.h"
#include "proto/clock.h"
#include "proto/handover.h"
#include "proto/judge.h"
#include "proto/lease.h"
#include "proto/observe.h"
#include "proto/peer.h"
#include "proto/reach.h"
#include "proto/readdress.h"
#include "proto/step.h"
#include "proto/suspend.h"

#include <assert.h>
#include <string.h>

enum {
	SOLICITS = 3,
};

/* SPEC 5.T4, T4a: since when nobody holds although this node may. */
static void count_nobody(struct node *n, enum nobody nobody)
{
	bool reluctant = nobody == NOBODY_RELUCTANT;

	if (nobody == NOBODY_NOT)
		n->nobody_since = HA_NEVER;
	else if (n->nobody_since == HA_NEVER || n->nobody_reluctant != reluctant)
		n->nobody_since = n->now;
	n->nobody_reluctant = reluctant;
}

/* SPEC 5.U1: the term is the one that it holds under already. */
static void go_on(struct node *n, struct node_actions *out)
{
	if (!n->going_on)
		return;
	n->going_on = false;
	n->verify_since = n->config.paired ? n->now : HA_NEVER; /* V1 */
	lease_acquire(n, out);
	step_state(n, out, HA_ACTIVE, REASON_UPGRADED);
}

static void decide(struct node *n, struct clock *c, struct node_actions *out)
{
	struct verdict v;

	if (lease_ran_out(n, c)) {
		lease_ended(n);
		handover_released(n, out);
	}
	if (handover_timer(n, c, out))
		step_active(n, REASON_TOOK_BACK, out); /* T1 */
	if (n->leaving && n->lease.wanted && !n->handover.giving)
		step_yield(n, REASON_SHUTDOWN, HA_PASSIVE, out); /* the passive did not answer */
	readdress_follow(n, out);
	go_on(n, out);
	count_nobody(n, judge_nobody(n, c));
	v = may_hold(n, c);
	switch (v.judgement) {
	case JUDGE_STAY:
		break;
	case JUDGE_TAKE:
		step_active(n, v.reason, out);
		break;
	case JUDGE_YIELD:
		if (v.reason == REASON_HIGHER_TERM || v.reason == REASON_UNHEARD)
			step_event(n, out, EVENT_CONFLICT, 0);
		step_yield(n, v.reason, v.state, out);
		break;
	case JUDGE_HAND_OVER:
		if (!n->handover.giving)
			handover_begin(n, v.reason, 0, out);
		break;
	}
}

static void solicit(struct node *n, struct clock *c, struct node_actions *out)
{
	struct node_solicit *s = &n->solicit;

	if (!s->running)
		return;
	if (clock_due(c, s->until)) {
		s->running = false;
		s->unanswered = true;
		return;
	}
	if (s->sent < SOLICITS && clock_due(c, s->next)) {
		struct node_action *a = step_add(out, ACT_SOLICIT);

		a->path = HA_PATH_MANAGEMENT;
		a->nonce = s->nonce;
		s->sent++;
		s->next = n->now + (s->until - s->since) / (SOLICITS + 1);
	}
	if (s->sent < SOLICITS)
		(void)clock_due(c, s->next);
}

/* SPEC 5.L5: it holds, but not all of its addresses are on. */
static void partial(struct node *n, struct clock *c, struct node_actions *out)
{
	uint32_t missing = ((1u << n->config.vip_n) - 1) & ~n->lease.on;
	bool now = n->claim == HA_CLAIM_HOLDING && n->lease.wanted && missing;

	if (!now)
		n->lease.partial = HA_NEVER;
	else if (n->lease.partial == HA_NEVER)
		n->lease.partial = n->now;
	if (now && !clock_due(c, n->lease.partial + PARTIAL_MS * HA_MS))
		return;
	if (now != n->lease.partial_reported) {
		n->lease.partial_reported = now;
		n->kick = true;
		step_event(n, out, now ? EVENT_ADDRESS_MISSING : EVENT_ADDRESSES_WHOLE, missing);
	}
}

/* SPEC 5.Y1: a check failed beyond recovery, and there is nobody to hand over to. Said once, until either changes. */
static void stuck(struct node *n, struct clock *c, struct node_actions *out)
{
	bool now = n->config.paired && n->lease.wanted && n->check_failed && !n->handover.giving &&
		   !peer_ready(n, c);

	if (now && !n->stuck)
		step_event_for(n, out, EVENT_NO_HANDOVER, REASON_CHECK_FAILED, 0);
	n->stuck = now;
}

/* What changed with nobody's event: paths gone silent, deafness. */
static void report(struct node *n, struct clock *c, struct node_actions *out)
{
	bool deaf = n->path[HA_PATH_MANAGEMENT].carrier_known && reach_deaf(n, c);
	bool watching = !clock_due(c, n->watch_until);

	for (int i = 0; i < HA_PATH_N; i++) {
		struct node_path *p = &n->path[i];
		bool up = path_audible(n, (enum ha_path)i, c);

		if (up == p->up || (watching && !up))
			continue; /* what it was asleep for is no silence */
		p->up = up;
		n->kick = true;
		if (up && i == HA_PATH_MANAGEMENT)
			lease_announce_again(n); /* A2: what was said in between went nowhere */
		step_event(n, out, up ? EVENT_PATH_UP : EVENT_PATH_DOWN, (uint32_t)i);
	}
	if (deaf != n->reach.deaf_reported) {
		n->reach.deaf_reported = deaf;
		n->kick = true;
		if (!deaf)
			lease_announce_again(n);
		step_event(n, out, deaf ? EVENT_DEAF : EVENT_REACH_OK, 0);
	}
	lease_claim(n, c);
	partial(n, c, out);
	stuck(n, c, out);
	/* I1: what disproved a promotion has fallen silent */
	if (n->disproved && clock_due(c, n->probe.answered + 3 * HA_SEC))
		n->disproved = false;
}

/* SPEC 5.4: the next own term is on disk before it is needed. */
static void keep_durable(struct node *n, struct clock *c, struct node_actions *out)
{
	if (n->config.paired && n->config.store_ok && n->reserved <= n->term_known &&
	    !n->reserving) {
		n->reserved = 0;
		n->reserving = step_next_term(n, n->term_floor);
		n->term_floor = n->reserving;
		n->dirty = true;
	}
	if (n->save_retry != HA_NEVER && clock_due(c, n->save_retry)) {
		n->save_retry = n->now + HA_SEC;
		n->dirty = true;
	}
	if (!n->dirty || !n->config.store_ok)
		return;
	n->dirty = false;
	step_add(out, ACT_SAVE)->number = ++n->save_number;
}

/* SPEC 5.L1: nothing is promised before what was received is read, so not but by the timer. */
static void beat(struct node *n, struct clock *c, bool timer, struct node_actions *out)
{
	bool tick = clock_due(c, n->tick) && timer;

	if (tick) {
		n->tick += n->config.timing.heartbeat;
		if (n->tick <= n->now)
			n->tick = n->now + n->config.timing.heartbeat;
		(void)clock_due(c, n->tick);
		lease_renew(n, out);
	}
	if (!n->config.paired || (!tick && !n->kick))
		return;
	n->kick = false;
	n->number++;
	n->beat_at = n->now;
	for (int i = 0; i < HA_PATH_N; i++)
		step_add(out, ACT_HEARTBEAT)->path = (enum ha_path)i;
}

/* What waits for the timer is due at once, and no flood of other events puts it off. */
static ha_time next_timer(const struct node *n, const struct clock *c)
{
	if (n->tick <= n->now)
		return n->tick;
	return n->lease.again != HA_NEVER ? n->now : c->next;
}

static bool left(const struct node *n)
{
	return n->leaving && !n->lease.wanted && !n->lease.releasing && !n->handover.giving;
}

/* Time passes first: it may have passed too far (SPEC 5.Y6). */
static void begin(struct node *n, const struct node_event *ev, struct node_actions *out)
{
	const struct node_timing *t = &n->config.timing;
	ha_time gap = ev->now - n->last_step;
	bool slept;

	assert(ev->now >= n->last_step);
	n->now = ev->now;
	n->last_step = ev->now;
	if (ev->type == EV_TIMER && ev->now > n->deadline)
		worst_note(&n->late_worst, ev->now, ev->now - n->deadline);
	slept = n->lease.wanted ? !lease_unbroken(n) : gap >= t->heartbeat + t->dead / 2;
	if (slept)
		observe_pause(n, out);
}

/* SPEC 5.L4: whoever has taken meanwhile has said so, and that is read by the time of the timer. */
static void regain(struct node *n, bool timer, struct node_actions *out)
{
	struct node_lease *l = &n->lease;

	if (l->again == HA_NEVER || !timer)
		return;
	if (n->state == HA_ACTIVE && !l->wanted && !n->leaving) {
		if (n->now < l->again) {
			lease_acquire(n, out);
		} else {
			l->failing = HA_NEVER;
			step_state(n, out, HA_PASSIVE, REASON_LEASE_LOST);
		}
	}
	l->again = HA_NEVER;
}

void node_step(struct node *n, const struct node_event *ev, struct node_actions *out)
{
	struct clock c = {.now = ev->now, .next = HA_NEVER};
	bool was_leaving = n->leaving && left(n), timer = ev->type == EV_TIMER;

	out->n = 0;
	begin(n, ev, out);
	observe(n, ev, &c, out);
	regain(n, timer, out);
	suspend_timer(n, &c, out);
	solicit(n, &c, out);
	reach_ask(n, &c, out);
	lease_probe(n, &c, out);
	decide(n, &c, out);
	regain(n, timer, out); /* what a release left that the time has made certain */
	report(n, &c, out);
	lease_announce(n, &c, out);
	keep_durable(n, &c, out);
	beat(n, &c, timer, out);
	if (left(n) && !was_leaving)
		(void)step_add(out, ACT_EXIT);
	n->deadline = next_timer(n, &c);
}

void node_init(struct node *n, const struct node_config *config, ha_time now)
{
	memset(n, 0, sizeof(*n));
	n->config = *config;
	n->now = n->born = n->last_step = n->since = n->tick = n->beat_at = now;
	n->deadline = now;
	n->mode = config->mode;
	n->state = HA_INITIALIZING;
	n->reason = REASON_STARTING;
	n->term = config->held_term;
	n->term_known = config->term > config->held_term ? config->term : config->held_term;
	n->term_floor = config->reserved > n->term_known ? config->reserved : n->term_known;
	n->save_retry = n->nobody_since = n->boot_until = n->verify_since = HA_NEVER;
	n->suspended = config->suspended;
	n->whole_copy = config->whole_copy;
	n->in_sync = config->in_sync;
	n->suspended_until = config->suspended ? config->suspended_until : HA_NEVER;
	n->nonce = config->boot << 24;
	n->probe.answered = n->probe.third = -1;
	n->lease.failing = n->lease.partial = n->lease.again = HA_NEVER;
	n->announce.defended = now - 60 * HA_SEC;
	reach_init(&n->reach);
	for (int i = 0; i < HA_PATH_N; i++)
		n->path[i].rtt_worst.since = n->path[i].gap_worst.since = now;
	n->late_worst.since = now;
	if (!config->store_ok) {
		n->state = HA_FAULTED;
		n->reason = REASON_STORE;
	} else if (config->held && config->vip_n) {
		n->going_on = true;
	} else if (!config->paired && (config->mode == HA_MODE_STANDALONE || !config->vip_n)) {
		n->state = HA_ACTIVE;
		n->reason = REASON_STANDALONE;
	}
}

ha_time node_deadline(const struct node *n)
{
	return n->deadline;
}
