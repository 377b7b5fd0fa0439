/* node_view.c - the node seen from outside: its heartbeat, its durable state, its names. */
#include "proto/clock.h"
#include "proto/judge.h"
#include "proto/lease.h"
#include "proto/node.h"
#include "proto/peer.h"
#include "proto/reach.h"
#include "proto/suspend.h"

#include <string.h>

static uint32_t saturate(ha_time duration, ha_time unit)
{
	ha_time units = duration < 0 ? 0 : duration / unit;

	return units >= UINT32_MAX ? UINT32_MAX : (uint32_t)units;
}

/* A frame that comes late states less: what counts is what is left of the grant (SPEC 5.5). */
static struct msg_handover handover(const struct node *n, ha_time now)
{
	struct msg_handover h = n->handover.own;
	uint32_t gone = saturate(now - n->handover.since, HA_MS);

	if (h.phase == HANDOVER_RESIGNED)
		h.grant_ms = gone < h.grant_ms ? h.grant_ms - gone : 0;
	return h;
}

static uint8_t flags(const struct node *n, uint16_t why_not, struct clock *c)
{
	bool carrier = n->path[HA_PATH_MANAGEMENT].carrier;
	unsigned f = why_not ? 0 : MSG_FLAG_ELIGIBLE;

	f |= n->leaving ? MSG_FLAG_LEAVING : 0;
	f |= node_degraded(n, c->now) ? MSG_FLAG_DEGRADED : 0;
	f |= carrier ? MSG_FLAG_CARRIER : 0;
	f |= carrier && !reach_deaf(n, c) ? MSG_FLAG_REACH_OK : 0;
	f |= n->reserved ? MSG_FLAG_RESERVED : 0;
	return (uint8_t)f;
}

void node_heartbeat(const struct node *n, enum ha_path path, ha_time now, struct msg_heartbeat *out)
{
	const struct node_path *p = &n->path[path];
	struct clock c = {.now = now, .next = HA_NEVER};
	uint16_t why_not = judge_why_not(n, &c);

	*out = (struct msg_heartbeat){
		.boot = n->config.boot,
		.number = n->number,
		.mode = (uint8_t)n->mode,
		.state = (uint8_t)n->state,
		.claim = (uint8_t)n->claim,
		.reason = (uint8_t)n->reason,
		.flags = flags(n, why_not, &c),
		.why_not = why_not,
		.term = n->term,
		.handover = handover(n, now),
		.reach_age_ms = n->reach.evidence < 0 ? UINT32_MAX
						      : saturate(now - n->reach.evidence, HA_MS),
		.lineage = n->lineage,
		.lateness_us = saturate(worst_of(&n->late_worst), HA_US),
		.sent_us = (uint64_t)(now / HA_US),
		.echo_us = p->echo_us,
		.echo_hold_us = p->echo_us ? saturate(now - p->echo_at, HA_US) : 0,
		.suspended_s = suspend_left(n, now),
	};
	for (int i = 0; i < HA_PATH_N; i++) {
		out->heard[i].counter = n->path[i].counter;
		out->heard[i].age_us =
			n->path[i].session ? saturate(now - n->path[i].heard, HA_US) : UINT32_MAX;
	}
}

void node_durable(const struct node *n, struct node_durable *out)
{
	*out = (struct node_durable){
		.term = n->term_known,
		.held_term = n->term,
		.reserved = n->reserving ? n->reserving : n->reserved,
		.mode = n->mode,
		.suspended = n->suspended,
		.whole_copy = n->whole_copy,
		.in_sync = n->in_sync,
		.suspended_until = n->suspended_until,
	};
}

uint16_t node_why_not(const struct node *n, ha_time now)
{
	struct clock c = {.now = now, .next = HA_NEVER};

	return judge_why_not(n, &c);
}

bool node_path_audible(const struct node *n, enum ha_path path, ha_time now)
{
	struct clock c = {.now = now, .next = HA_NEVER};

	return path_audible(n, path, &c);
}

bool node_peer_audible(const struct node *n, ha_time now)
{
	struct clock c = {.now = now, .next = HA_NEVER};

	return peer_audible(n, &c);
}

bool node_peer_ready(const struct node *n, ha_time now)
{
	struct clock c = {.now = now, .next = HA_NEVER};

	return peer_ready(n, &c);
}

/* The passive's newest generation of the settings is older than this node's. */
static bool peer_behind(const struct node *n)
{
	const struct msg_lineage *theirs = &n->peer.last.lineage, *own = &n->lineage;

	return theirs->term != own->term ? theirs->term < own->term : theirs->number < own->number;
}

bool node_degraded(const struct node *n, ha_time now)
{
	struct clock c = {.now = now, .next = HA_NEVER};

	if (n->lease.partial != HA_NEVER && clock_due(&c, n->lease.partial + PARTIAL_MS * HA_MS))
		return true;
	if (n->check_failing)
		return true;
	if (!n->config.paired)
		return false;
	if (!path_audible(n, HA_PATH_LINK, &c) || !path_audible(n, HA_PATH_MANAGEMENT, &c))
		return true;
	if (n->suspended || !n->in_sync)
		return true;
	return n->lease.wanted && (!peer_ready(n, &c) || peer_behind(n));
}

enum node_role node_role(const struct node *n)
{
	switch (n->state) {
	case HA_INITIALIZING:
		return ROLE_NONE;
	case HA_ACTIVE:
		return !n->config.paired && !n->lease.wanted ? ROLE_STANDALONE : ROLE_ACTIVE;
	case HA_PASSIVE:
	case HA_SUSPENDED:
	case HA_FAULTED:
	case HA_ISOLATED:
	case HA_STATE_N:
		break;
	}
	return ROLE_PASSIVE;
}
