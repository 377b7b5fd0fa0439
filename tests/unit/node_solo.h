/* node_solo.h - one node of world.h, and a peer whose every word is the test's. */
#ifndef HA_TESTS_UNIT_NODE_SOLO_H
#define HA_TESTS_UNIT_NODE_SOLO_H

#include "tests/sim/world.h"

struct solo {
	struct world w;
	struct msg_heartbeat says; /* what the peer says next; solo_say() counts number up */
	uint64_t counter;
};

static const struct ha_mac solo_peer_mac = {{2, 0, 0, 0, 0, B + 1}};

static inline struct node *solo_node(struct solo *s)
{
	return &s->w.n[A].node;
}

static inline ha_time solo_now(const struct solo *s)
{
	return world_local(&s->w, A, s->w.now);
}

static inline void solo_session(struct solo *s, enum ha_path path)
{
	world_event(&s->w, A,
		    &(struct node_event){.type = EV_SESSION, .path = path, .boot = s->says.boot});
	world_event(&s->w, A, &(struct node_event){.type = EV_PEER_MAC, .mac = solo_peer_mac});
}

/* The peer's heartbeat as it stands in says, received now. */
static inline void solo_hear(struct solo *s, enum ha_path path)
{
	struct node_event ev = {.type = EV_HEARTBEAT,
				.path = path,
				.heard_at = solo_now(s),
				.counter = ++s->counter,
				.heartbeat = s->says};

	world_event(&s->w, A, &ev);
}

/* A new one on both paths, fresh: its echo is of now. */
static inline void solo_say(struct solo *s)
{
	uint64_t now_us = (uint64_t)(solo_now(s) / HA_US);

	s->says.number++;
	s->says.sent_us = now_us + 5000000; /* another clock */
	s->says.echo_us = now_us;
	solo_hear(s, HA_PATH_LINK);
	solo_hear(s, HA_PATH_MANAGEMENT);
}

/* Says so every heartbeat interval. */
static inline void solo_goes_on(struct solo *s, ha_time duration)
{
	for (ha_time end = s->w.now + duration; s->w.now < end;) {
		solo_say(s);
		world_run(&s->w, s->w.timing.heartbeat);
	}
}

/* Node A up, its peer's sessions up, the peer eligible, claiming nothing, and not heard yet. */
static inline void solo_start(struct solo *s)
{
	world_init(&s->w, 1);
	world_power_on(&s->w, A);
	world_carrier(&s->w, A, HA_PATH_LINK, true);
	world_run(&s->w, 100 * HA_MS);
	s->counter = 0;
	s->says = (struct msg_heartbeat){
		.boot = 11,
		.mode = HA_MODE_PRIMARY_PASSIVE,
		.state = HA_PASSIVE,
		.flags = MSG_FLAG_ELIGIBLE | MSG_FLAG_REACH_OK | MSG_FLAG_CARRIER |
			 MSG_FLAG_RESERVED,
		.lineage = {.term = 2, .number = 7},
	};
	solo_session(s, HA_PATH_LINK);
	solo_session(s, HA_PATH_MANAGEMENT);
	world_forget(&s->w);
}

/* ... and after that A holds, in term 4, by T4. */
static inline void solo_active(struct solo *s)
{
	solo_start(s);
	solo_goes_on(s, HA_SEC);
	if (!world_holds(&s->w, A))
		world_fail(&s->w, "it does not hold");
	world_forget(&s->w);
}

/* ... or is a passive whose peer holds in term 5. */
static inline void solo_passive(struct solo *s)
{
	solo_start(s);
	s->says.claim = HA_CLAIM_HOLDING;
	s->says.state = HA_ACTIVE;
	s->says.term = 5;
	solo_goes_on(s, HA_SEC);
	world_forget(&s->w);
}

#endif
