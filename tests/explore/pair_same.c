/* pair_same.c - one form for all that is alike in what decides: times count from now, terms, boots and numbers from the
 * newest, and what is over for longer than anything asks for is over. It is the state itself that is brought into this form,
 * and the search goes on from it: so if a rule of this file is wrong, a trace shows it.
 */
#include "tests/explore/pair.h"

#include <string.h>

enum {
	TERM_NEWEST = 100,
	BOOT_NEWEST = 100,
	NUMBER_NEWEST = 64,
	LEASE_NEWEST = 64,
};

static ha_time heartbeat, dead;
static ha_time shift; /* of all times */

static ha_time long_ago(void)
{
	return 3 * HA_SEC + 2 * heartbeat; /* T2 without a witness, V1 */
}

/* `over`: how far back it may still count. */
static void past(ha_time *at, ha_time over)
{
	if (*at == HA_NEVER || *at == -1)
		return;
	*at -= shift;
	if (*at < PAIR_EPOCH - over)
		*at = PAIR_EPOCH - over;
}

static void microseconds(uint64_t *at)
{
	if (*at != 0)
		*at = (uint64_t)((ha_time)*at - shift / HA_US);
}

static void worst(struct node_worst *w)
{
	ha_time value = w->now > w->before ? w->now : w->before;

	w->now = value > dead ? dead : value;
	w->before = 0;
	w->since = PAIR_EPOCH;
}

/* ---- times ---- */

static void path_times(struct node_path *p, ha_time over)
{
	ha_time echo_at = p->echo_at - shift;

	past(&p->carrier_since, 2 * dead);
	past(&p->heard, over);
	past(&p->heard_since, 4 * heartbeat);
	microseconds(&p->echo_us);
	if (p->echo_us != 0) {
		past(&p->echo_at, over);
		p->echo_us += (uint64_t)((p->echo_at - echo_at) / HA_US);
	} else {
		p->echo_at = 0;
	}
	p->counter = 0;
	p->rtt = 0;
	worst(&p->rtt_worst);
	memset(&p->gap_worst, 0, sizeof(p->gap_worst));
	p->gap_worst.since = PAIR_EPOCH;
}

/* Y5 asks only whether it is a dead interval. */
static void heard_ages(struct msg_heartbeat *hb)
{
	for (unsigned i = 0; i < HA_PATH_N; i++) {
		bool over = (ha_time)hb->heard[i].age_us * HA_US >= dead;

		hb->heard[i].age_us = over ? UINT32_MAX : 0;
		hb->heard[i].counter = 0;
	}
	hb->reach_age_ms = 0;
	hb->reason = 0;
	hb->state = 0;
	if ((ha_time)hb->lateness_us * HA_US > dead)
		hb->lateness_us = (uint32_t)(dead / HA_US);
}

static void peer_times(struct node_peer *p, ha_time over)
{
	past(&p->last_at, over + dead + heartbeat);
	past(&p->reach_since, HA_SEC);
	heard_ages(&p->last);
	p->last.sent_us = p->last.echo_us = 0;
	p->last.echo_hold_us = 0;
}

/* `tick`: of the next heartbeat. */
static void reach_times(struct node_reach *r, ha_time tick)
{

	past(&r->evidence, long_ago());
	past(&r->asked, 500 * HA_MS + heartbeat);
	past(&r->last_ask, HA_SEC);
	past(&r->next_ask, HA_SEC);
	if (!pair_scenario->rare_asking && r->next_ask > tick)
		r->next_ask = tick;
	for (unsigned i = 0; i < r->n; i++)
		r->station[i].heard = PAIR_EPOCH;
}

static void solicit_times(struct node_solicit *s)
{
	if (!s->running && !s->unanswered) {
		uint64_t nonce = s->nonce;

		memset(s, 0, sizeof(*s));
		s->nonce = nonce;
		return;
	}
	past(&s->since, long_ago());
	past(&s->until, long_ago());
	past(&s->next, HA_SEC);
}

static void handover_times(struct node_handover *h)
{
	past(&h->retry_at, 0);
	past(&h->since, HA_SEC + 4 * dead);
	past(&h->released_at, 0);
	if (!h->giving) {
		h->why = REASON_NONE;
		if (h->own.phase == HANDOVER_NONE)
			h->since = PAIR_EPOCH;
	}
}

static void lease_times(struct node *n)
{
	struct node_announce *a = &n->announce;

	past(&n->lease.deadline, HA_SEC);
	past(&n->lease.partial, HA_SEC);
	past(&n->lease.again, HA_SEC);
	past(&n->lease.failing, HA_SEC);
	past(&a->since, dead);
	past(&a->refresh, 0);
	past(&a->defended, 0);
	if (PAIR_EPOCH - a->since >= dead || a->mask == 0) {
		uint32_t mask = a->mask;

		/* all said, for as long as this story lasts */
		*a = (struct node_announce){.mask = mask,
					    .arp_n = 6,
					    .na_n = 3,
					    .since = PAIR_EPOCH - dead,
					    .refresh = HA_NEVER,
					    .defended = PAIR_EPOCH};
	}
}

/* How far back the peer's last word counts: where there has been evidence since, whether it is a dead interval. */
static ha_time silence_counts(const struct node *n)
{
	ha_time last = -1;

	for (unsigned i = 0; i < HA_PATH_N; i++)
		if (n->path[i].session && n->path[i].heard > last)
			last = n->path[i].heard;
	return n->reach.evidence >= last + dead ? 2 * dead : long_ago();
}

static void node_times(struct node *n)
{
	bool alone = !n->peer.known; /* T5 may come */
	ha_time over = silence_counts(n);

	n->now -= shift;
	past(&n->born, alone ? 31 * HA_SEC : 2 * n->config.timing.boot_wait);
	past(&n->last_step, 4 * dead);
	n->deadline -= shift;
	past(&n->tick, 4 * dead);
	past(&n->beat_at, 4 * dead);
	n->since = PAIR_EPOCH;
	n->reason = REASON_NONE;
	past(&n->save_retry, 0);
	past(&n->nobody_since, 9 * dead);
	past(&n->watch_until, 0);
	past(&n->boot_until, alone ? 31 * HA_SEC : 0);
	if (!alone)
		n->boot_until = PAIR_EPOCH;
	past(&n->check_hold_until, 0);
	past(&n->guardian_hold_until, 0);
	past(&n->verify_since, dead); /* V1's probes do not get rarer */
	past(&n->probe.next, HA_SEC);
	past(&n->probe.last, HA_SEC);
	past(&n->probe.answered, n->disproved ? long_ago() : 0);
	past(&n->probe.third, HA_SEC);
	worst(&n->late_worst);
	for (unsigned i = 0; i < HA_PATH_N; i++)
		path_times(&n->path[i], over);
	peer_times(&n->peer, over);
	reach_times(&n->reach, n->tick);
	solicit_times(&n->solicit);
	handover_times(&n->handover);
	lease_times(n);
}

static void message_times(struct pair_message *m)
{
	m->at -= shift;
	if (m->kind != HEARTBEAT)
		return;
	microseconds(&m->heartbeat.sent_us);
	microseconds(&m->heartbeat.echo_us);
	heard_ages(&m->heartbeat);
}

static void times(struct pair *p)
{
	shift = p->now - PAIR_EPOCH;
	heartbeat = pair_scenario->timing.heartbeat;
	dead = pair_scenario->timing.dead;
	p->now -= shift;
	past(&p->calm_since, 2 * dead);
	past(&p->vacant_since, 6 * dead);
	for (unsigned i = A; i <= B; i++) {
		struct pair_machine *m = &p->m[i];

		if (m->running)
			node_times(&m->node);
		if (m->guardian.fence_until)
			past(&m->guardian.fence_until, 0);
		if (m->guardian.deadline)
			past(&m->guardian.deadline, 0);
		if (m->saving.at)
			m->saving.at -= shift;
		if (m->paused)
			m->paused_since -= shift;
	}
	for (unsigned i = 0; i < p->messages; i++)
		message_times(&p->message[i]);
}

/* ---- numbers ---- */

/* Of something that is called by a number, the newest of which is called `newest` from now on. */
static void from_newest(uint64_t *number, uint64_t now_newest, uint64_t newest)
{
	if (*number == 0)
		return;
	*number = *number + newest > now_newest ? *number + newest - now_newest : 1;
}

static uint64_t term_shift; /* even, modulo 2^64 */

static void term(uint64_t *t)
{
	if (*t != 0)
		*t += term_shift;
}

static void durable_terms(struct node_durable *d)
{
	term(&d->term);
	term(&d->held_term);
	term(&d->reserved);
}

static void heartbeat_terms(struct msg_heartbeat *hb)
{
	term(&hb->term);
	term(&hb->handover.term);
}

static void terms(struct pair *p)
{
	uint64_t newest = 0;

	for (unsigned i = A; i <= B; i++) {
		const struct pair_machine *m = &p->m[i];

		if (m->node.term_known > newest)
			newest = m->node.term_known;
		if (m->disk.term > newest)
			newest = m->disk.term;
	}
	term_shift = TERM_NEWEST - (newest - newest % 2);
	for (unsigned i = A; i <= B; i++) {
		struct pair_machine *m = &p->m[i];
		struct node *n = &m->node;

		n->config.term = n->config.held_term = n->config.reserved = 0;
		term(&n->term);
		term(&n->term_known);
		term(&n->term_floor);
		term(&n->reserved);
		term(&n->reserving);
		term(&n->handover.own.term);
		heartbeat_terms(&n->peer.last);
		durable_terms(&m->disk);
		durable_terms(&m->saving.what);
		term(&m->term_used);
	}
	for (unsigned i = 0; i < p->messages; i++)
		heartbeat_terms(&p->message[i].heartbeat);
}

static bool is_from(const struct pair_message *m, unsigned i)
{
	return m->kind != LOCAL && m->to == 1 - i;
}

/* The boots of machine i, and the numbers of its state in the newest of them, wherever they are known. */
static void boots(struct pair *p, unsigned i)
{
	struct pair_machine *m = &p->m[i], *other = &p->m[1 - i];
	uint64_t boot = m->boot, number = m->node.number;
	bool current = other->node.peer.boot == boot, under_way = false;

	from_newest(&m->boot, boot, BOOT_NEWEST);
	from_newest(&m->node.config.boot, boot, BOOT_NEWEST);
	from_newest(&other->node.peer.boot, boot, BOOT_NEWEST);
	from_newest(&other->node.peer.last.boot, boot, BOOT_NEWEST);
	from_newest(&m->node.number, number, NUMBER_NEWEST);
	for (unsigned k = 0; k < p->messages; k++)
		under_way |= is_from(&p->message[k], i);
	if (current && m->running && !under_way)
		other->node.peer.last.number = NUMBER_NEWEST; /* the next one is newer, anyway */
	else if (current && m->running)
		from_newest(&other->node.peer.last.number, number, NUMBER_NEWEST);
	else
		other->node.peer.last.number = 0;
	for (unsigned path = 0; path < HA_PATH_N; path++)
		from_newest(&other->session[path], boot, BOOT_NEWEST);
	for (unsigned k = 0; k < p->messages; k++) {
		struct pair_message *f = &p->message[k];

		if (is_from(f, i)) {
			if (f->boot == boot && m->running)
				from_newest(&f->heartbeat.number, number, NUMBER_NEWEST);
			from_newest(&f->boot, boot, BOOT_NEWEST);
			from_newest(&f->heartbeat.boot, boot, BOOT_NEWEST);
		} else if (f->kind != LOCAL) {
			from_newest(&f->to_boot, boot, BOOT_NEWEST);
		}
	}
}

static bool is_under_way(const struct pair *p, enum pair_kind a, enum pair_kind b)
{
	for (unsigned i = 0; i < p->messages; i++)
		if (p->message[i].kind == a || p->message[i].kind == b)
			return true;
	return false;
}

static bool hands_over(const struct pair *p)
{
	for (unsigned i = A; i <= B; i++) {
		const struct node *n = &p->m[i].node;

		if (n->handover.giving || n->handover.own.phase != HANDOVER_NONE ||
		    n->peer.last.handover.phase != HANDOVER_NONE)
			return true;
	}
	return is_under_way(p, HEARTBEAT, HEARTBEAT);
}

static void numbers(struct pair *p)
{
	bool asking = is_under_way(p, SOLICIT, ANSWER), local = is_under_way(p, LOCAL, LOCAL);
	bool handing = hands_over(p);

	for (unsigned i = A; i <= B; i++) {
		struct pair_machine *m = &p->m[i];
		struct node *n = &m->node;
		uint64_t lease = n->lease.id;

		if (!asking && !n->solicit.running)
			n->nonce = n->solicit.nonce = 0;
		if (!handing)
			n->handover.number = 0;
		if (!n->handover.giving && n->handover.own.phase == HANDOVER_NONE)
			n->handover.own = (struct msg_handover){0};
		if (!local && m->saving.at == 0)
			n->save_number = 0;
		if (local || !m->running)
			continue;
		from_newest(&n->lease.id, lease, LEASE_NEWEST);
		from_newest(&m->guardian.lease, lease, LEASE_NEWEST);
		from_newest(&m->guardian.ended, lease, LEASE_NEWEST);
	}
}

size_t pair_canonical(struct pair *p)
{
	times(p);
	terms(p);
	boots(p, A);
	boots(p, B);
	numbers(p);
	return offsetof(struct pair, message) + p->messages * sizeof(p->message[0]);
}
