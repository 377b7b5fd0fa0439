#include "proto/lease.h"
#include "proto/judge.h"
#include "proto/peer.h"
#include "proto/step.h"

#include <assert.h>

/* SPEC 5.8: when what is said, counted from the moment the address is on. */
static const ha_time arp_at[] = {0, 20 * HA_MS, 100 * HA_MS, HA_SEC, 2 * HA_SEC, 5 * HA_SEC};
static const ha_time na_at[] = {0, HA_SEC, 2 * HA_SEC};

enum {
	ARP_N = sizeof(arp_at) / sizeof(*arp_at),
	NA_N = sizeof(na_at) / sizeof(*na_at),
	REFRESH_S = 60,
	PROBES = 3,
	PROBE_MS = 100,
	LEASE_MIN_MS = 8,
	UNFENCED_S =
		4, /* valid_lft of the addresses and a second: without the fence the last layer counts */
};

static ha_time lease_time(const struct node_timing *t)
{
	ha_time lease = t->dead * 6 / 10;

	/* the fence counts in the kernel's ticks, of 4 ms as a rule: two of them, or it would flicker */
	if (lease < LEASE_MIN_MS * HA_MS)
		lease = LEASE_MIN_MS * HA_MS;
	return lease < t->dead ? lease : t->dead;
}

/* SPEC 5.L1: from then on the peer may take, since it need not have heard anything younger. */
static ha_time peer_may_take(const struct node *n)
{
	return n->beat_at + n->config.timing.dead - n->config.timing.heartbeat / 4;
}

bool lease_unbroken(const struct node *n)
{
	ha_time alone = n->config.disputed ? 0 : PROBE_MS * HA_MS;

	if (!n->config.paired)
		return n->now < n->lease.deadline + alone;
	return n->now < peer_may_take(n);
}

void lease_again(struct node *n, struct node_actions *out)
{
	if (n->config.paired)
		n->lease.again = peer_may_take(n);
	else
		lease_acquire(n, out); /* another appliance takes later than that */
}

static ha_time promise(const struct node *n)
{
	const struct node_timing *t = &n->config.timing;
	ha_time least = n->now + (t->dead < LEASE_MIN_MS * HA_MS ? t->dead : LEASE_MIN_MS * HA_MS);
	ha_time until = n->now + lease_time(t);

	if (n->config.paired && until > peer_may_take(n))
		until = peer_may_take(n);
	return until > least ? until : least;
}

static void hold(struct node *n, struct node_actions *out)
{
	struct node_action *a = step_add(out, ACT_HOLD);

	n->lease.deadline = promise(n);
	if (n->lease.failing == HA_NEVER)
		n->lease.failing = n->now; /* until the guardian confirms it */
	a->lease = n->lease.id;
	a->deadline = n->lease.deadline;
}

void lease_acquire(struct node *n, struct node_actions *out)
{
	struct node_lease *l = &n->lease;

	assert(!l->wanted && !l->releasing);
	l->id++;
	l->wanted = true;
	l->again = HA_NEVER;
	l->on = 0;
	n->announce.mask = 0;
	step_claim(n, HA_CLAIM_TAKING);
	hold(n, out);
}

void lease_renew(struct node *n, struct node_actions *out)
{
	if (n->lease.wanted)
		hold(n, out);
	else if (n->lease.failing !=
		 HA_NEVER) /* it owes an answer, and may have been told nothing */
		step_add(out, ACT_RELEASE)->lease = n->lease.id;
	else
		(void)step_add(out, ACT_ALIVE);
}

void lease_release(struct node *n, struct node_actions *out)
{
	if (!n->lease.wanted)
		return;
	n->lease.wanted = false;
	n->lease.releasing = true;
	n->announce.mask = 0;
	step_add(out, ACT_RELEASE)->lease = n->lease.id;
}

void lease_ended(struct node *n)
{
	n->lease.wanted = false;
	n->lease.releasing = false;
	n->lease.on = 0;
	n->announce.mask = 0;
	if (n->claim == HA_CLAIM_TAKING || n->claim == HA_CLAIM_HOLDING)
		step_claim(n, HA_CLAIM_NONE);
}

static void held(struct node *n, uint32_t on)
{
	struct node_lease *l = &n->lease;

	if (on)
		l->failing = HA_NEVER;
	n->announce.mask &= on; /* A1 */
	if (on & ~l->on)
		n->announce = (struct node_announce){.mask = on,
						     .since = n->now,
						     .refresh = n->now + REFRESH_S * HA_SEC,
						     .defended = n->announce.defended};
	l->on = on;
	if (on)
		step_claim(n, HA_CLAIM_HOLDING);
}

bool lease_event(struct node *n, const struct node_event *ev)
{
	struct node_lease *l = &n->lease;
	bool lost = false;

	if (!l->wanted && l->again == HA_NEVER)
		l->failing = HA_NEVER; /* the guardian lives, and there is nothing to keep */
	if (ev->lease.id != l->id)
		return false; /* of an earlier lease */
	switch (ev->lease.status) {
	case NODE_LEASE_HELD:
		if (l->wanted)
			held(n, ev->lease.on);
		break;
	case NODE_LEASE_FAILED:
		break; /* not confirmed: failing since it was asked for */
	case NODE_LEASE_DROPPED:
		lost = l->wanted;
		if (l->wanted || l->releasing)
			lease_ended(n);
		break;
	}
	return lost;
}

void lease_claim(struct node *n, struct clock *c)
{
	if (n->config.paired && n->claim == HA_CLAIM_TAKING && n->lease.failing != HA_NEVER &&
	    clock_due(c, n->lease.failing + LEASE_FAILS_MS * HA_MS))
		step_claim(n, HA_CLAIM_NONE);
}

bool lease_ran_out(const struct node *n, struct clock *c)
{
	ha_time late = n->config.fenced ? 0 : UNFENCED_S * HA_SEC;

	return n->lease.releasing && clock_due(c, n->lease.deadline + late);
}

void lease_announce_again(struct node *n)
{
	if (!n->announce.mask)
		return;
	n->announce.arp_n = 0;
	n->announce.na_n = 0;
	n->announce.since = n->now;
}

void lease_announce(struct node *n, struct clock *c, struct node_actions *out)
{
	struct node_announce *a = &n->announce;
	struct node_action *action;
	bool arp, na;

	if (!a->mask)
		return;
	if (clock_due(c, a->refresh)) {
		a->refresh = n->now + REFRESH_S * HA_SEC;
		lease_announce_again(n);
	}
	arp = a->arp_n < ARP_N && clock_due(c, a->since + arp_at[a->arp_n]);
	na = a->na_n < NA_N && clock_due(c, a->since + na_at[a->na_n]);
	if (!arp && !na)
		return;
	action = step_add(out, ACT_ANNOUNCE);
	action->mask = a->mask;
	action->arp = arp;
	action->na = na;
	a->arp_n += arp;
	a->na_n += na;
	if (a->arp_n < ARP_N)
		(void)clock_due(c, a->since + arp_at[a->arp_n]);
	if (a->na_n < NA_N)
		(void)clock_due(c, a->since + na_at[a->na_n]);
}

/* How often to probe now; 0 = not at all. */
static ha_time probe_interval(const struct node *n, struct clock *c)
{
	const struct node_timing *t = &n->config.timing;

	if (!n->config.vip_n || !n->path[HA_PATH_MANAGEMENT].carrier || n->lease.releasing)
		return 0;
	if (!n->config.paired && n->mode == HA_MODE_STANDALONE)
		return 0;      /* D4: it is not after it */
	if (n->lease.wanted) { /* V1 */
		if (n->verify_since == HA_NEVER || !peer_silent(n, c))
			return 0;
		return clock_due(c, n->verify_since + 2 * HA_SEC) ? HA_SEC : PROBE_MS * HA_MS;
	}
	if (!n->config.paired || judge_alone(n, c)) /* boot */
		return n->probe.third >= 0 && n->now - n->probe.third < HA_SEC ? HA_SEC
									       : PROBE_MS * HA_MS;
	if (n->probe.n >= PROBES && peer_silent(n, c))
		return PROBE_MS * HA_MS; /* known, and something else is missing */
	if (n->solicit.running || n->solicit.unanswered)
		return t->confirm / 4;
	return peer_missed(n, c) ? t->heartbeat / 2 : 0;
}

void lease_probe(struct node *n, struct clock *c, struct node_actions *out)
{
	struct node_probe *p = &n->probe;
	ha_time interval = probe_interval(n, c);

	if (!interval) {
		p->running = false;
		p->n = 0;
		return;
	}
	if (!p->running || p->next > n->now + interval)
		p->next = n->now;
	p->running = true;
	if (!clock_due(c, p->next))
		return;
	for (unsigned i = 0; i < n->config.vip_n; i++) {
		struct node_action *a = step_add(out, ACT_PROBE);

		a->address = n->config.vip[i];
		a->mac = n->peer.known ? n->peer.mac : (struct ha_mac){{0}};
	}
	if (p->n < PROBES) {
		p->n++;
		p->last = n->now;
	}
	p->next = n->now + interval;
	(void)clock_due(c, p->next);
}

bool lease_unanswered(const struct node *n, struct clock *c)
{
	ha_time wait = n->peer.known ? n->config.timing.confirm / 2 : PROBE_MS * HA_MS;

	return n->probe.n >= PROBES && clock_due(c, n->probe.last + wait);
}
