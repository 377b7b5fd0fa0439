#include "proto/peer.h"

#include <string.h>

void worst_note(struct node_worst *w, ha_time now, ha_time value)
{
	if (now - w->since >= 60 * HA_SEC) {
		w->before = now - w->since >= 120 * HA_SEC ? 0 : w->now;
		w->now = 0;
		w->since = now;
	}
	if (value > w->now)
		w->now = value;
}

ha_time worst_of(const struct node_worst *w)
{
	return w->now > w->before ? w->now : w->before;
}

void peer_heard(struct node *n, const struct node_event *ev)
{
	struct node_path *p = &n->path[ev->path];

	ha_time gap = ev->heard_at - p->heard;

	if (!p->session || gap >= n->config.timing.dead)
		p->heard_since = ev->heard_at; /* it was silent, which is no measure of its gaps */
	else
		worst_note(&p->gap_worst, n->now, gap);
	p->session = true;
	if (ev->heard_at > p->heard)
		p->heard = ev->heard_at;
	if (ev->counter > p->counter)
		p->counter = ev->counter;
	if (n->solicit.unanswered && ev->heard_at > n->solicit.until)
		n->solicit.unanswered = false;
}

/* How long ago the frame was sent at most: its echo names a time of ours that the sender had seen before. */
static ha_time travelled(const struct node_event *ev)
{
	const struct msg_heartbeat *hb = &ev->heartbeat;

	if (hb->echo_us == 0 || hb->echo_us > (uint64_t)(ev->heard_at / HA_US) ||
	    hb->echo_hold_us == UINT32_MAX) /* so long, or longer */
		return -1;
	return ev->heard_at - (ha_time)hb->echo_us * HA_US - (ha_time)hb->echo_hold_us * HA_US;
}

/* SPEC 5.Y6: the peer's clock runs on while this machine is paused. True if it jumped ahead of ours by more than
 * a dead interval. The largest offset is the one with the least delay in it; it may sink by 5 us a frame, which is
 * more than two crystals drift apart. */
static bool clock_jumped(struct node *n, const struct node_event *ev)
{
	struct node_peer *peer = &n->peer;
	int64_t dead_us = n->config.timing.dead / HA_US;
	int64_t offset = (int64_t)(ev->heartbeat.sent_us - (uint64_t)(ev->heard_at / HA_US));
	int64_t ahead = offset - peer->offset_us;

	if (!peer->offset_known || ahead > 0 || ahead < -dead_us)
		peer->offset_us = offset;
	else
		peer->offset_us -= ahead < -5 ? 5 : -ahead;
	if (!peer->offset_known) {
		peer->offset_known = true;
		return false;
	}
	return ahead > dead_us;
}

enum peer_news peer_heartbeat(struct node *n, const struct node_event *ev)
{
	const struct msg_heartbeat *hb = &ev->heartbeat;
	struct node_path *p = &n->path[ev->path];
	ha_time age = travelled(ev);
	bool restarted = n->peer.known && hb->boot > n->peer.boot;
	bool jumped = false;

	if (age > n->config.timing.dead || (n->peer.known && hb->boot < n->peer.boot))
		return PEER_STALE;
	peer_heard(n, ev);
	if (age >= 0) {
		p->rtt = age;
		worst_note(&p->rtt_worst, n->now, age);
		/* it was sent after the question: as good as an answer to it (T3) */
		if (n->solicit.running && ev->heard_at - age >= n->solicit.since)
			n->solicit.running = false;
	}
	if (hb->sent_us > p->echo_us) {
		p->echo_us = hb->sent_us;
		p->echo_at = ev->heard_at;
	}
	if (n->peer.known && !restarted && hb->number <= n->peer.last.number)
		return PEER_LIVENESS;
	if (hb->echo_us && !restarted)
		jumped = clock_jumped(n, ev);
	if (hb->flags & ~n->peer.last.flags & MSG_FLAG_REACH_OK)
		n->peer.reach_since = ev->heard_at;
	n->peer.known = true;
	n->peer.boot = hb->boot;
	n->peer.last = *hb;
	n->peer.last_at = ev->heard_at;
	return restarted ? PEER_RESTARTED : jumped ? PEER_JUMPED : PEER_CONTENT;
}

void peer_forget(struct node *n)
{
	n->peer = (struct node_peer){.known = false};
	for (int i = 0; i < HA_PATH_N; i++) {
		n->path[i].session = n->path[i].up = false;
		n->path[i].counter = n->path[i].echo_us = 0;
	}
}

void peer_session(struct node *n, const struct node_event *ev)
{
	struct node_path *p = &n->path[ev->path];

	p->counter = 0;
	if (ev->boot == n->peer.boot)
		return;
	/* a new boot has a new clock, and its counters and state numbers start anew */
	for (int i = 0; i < HA_PATH_N; i++)
		n->path[i].echo_us = 0;
	n->peer.offset_known = false;
}

/* T3: carrier lost on the link and no answer on management is silence on both */
static bool proved_silent(const struct node *n, enum ha_path path)
{
	return n->solicit.unanswered && (path == HA_PATH_MANAGEMENT || !n->path[path].carrier);
}

bool path_audible(const struct node *n, enum ha_path path, struct clock *c)
{
	const struct node_path *p = &n->path[path];

	if (!p->session || proved_silent(n, path))
		return false;
	return !clock_due(c, p->heard + n->config.timing.dead);
}

bool path_silent(const struct node *n, enum ha_path path, struct clock *c)
{
	const struct node_path *p = &n->path[path];

	if (proved_silent(n, path))
		return true;
	if (!p->session)
		return clock_due(c, n->born + n->config.timing.boot_wait);
	return clock_due(c, p->heard + n->config.timing.dead);
}

bool peer_audible(const struct node *n, struct clock *c)
{
	bool link = path_audible(n, HA_PATH_LINK, c);

	return path_audible(n, HA_PATH_MANAGEMENT, c) || link;
}

bool peer_silent(const struct node *n, struct clock *c)
{
	bool link = path_silent(n, HA_PATH_LINK, c);

	return path_silent(n, HA_PATH_MANAGEMENT, c) && link;
}

bool peer_claims(const struct node *n, struct clock *c)
{
	return n->peer.known && peer_audible(n, c) &&
	       (n->peer.last.claim == HA_CLAIM_TAKING || n->peer.last.claim == HA_CLAIM_HOLDING);
}

bool peer_ready(const struct node *n, struct clock *c)
{
	return n->peer.known && peer_audible(n, c) && n->peer.last.claim == HA_CLAIM_NONE &&
	       (n->peer.last.flags & MSG_FLAG_ELIGIBLE) && !(n->peer.last.flags & MSG_FLAG_LEAVING);
}

ha_time peer_last_heard(const struct node *n)
{
	ha_time last = -1;

	for (int i = 0; i < HA_PATH_N; i++)
		if (n->path[i].session && n->path[i].heard > last)
			last = n->path[i].heard;
	return last;
}

bool peer_missed(const struct node *n, struct clock *c)
{
	ha_time last = peer_last_heard(n);

	return last >= 0 && clock_due(c, last + n->config.timing.heartbeat * 3 / 2);
}

bool peer_unheard_us(const struct node *n, struct clock *c)
{
	const struct node_timing *t = &n->config.timing;
	ha_time since = HA_NEVER;

	for (int i = 0; i < HA_PATH_N; i++) {
		ha_time age = (ha_time)n->peer.last.heard[i].age_us * HA_US;

		if (age < t->dead)
			return false;
		if (path_audible(n, (enum ha_path)i, c) && n->path[i].heard_since < since)
			since = n->path[i].heard_since;
	}
	/* after a cut has healed its first frames are older than what it hears of us now */
	return since != HA_NEVER && clock_due(c, since + 3 * t->heartbeat);
}
