/* judge.h - the two functions that carry every decision: may this node hold the virtual IP, and which of two should
 * (SPEC 5.4 to 5.6). Neither changes anything; a condition that waits for a time arms it through the clock.
 */
#ifndef HA_PROTO_JUDGE_H
#define HA_PROTO_JUDGE_H

#include "proto/clock.h"
#include "proto/node.h"

enum judgement {
	JUDGE_STAY = 0,  /* as it is */
	JUDGE_TAKE,      /* it may hold: become active */
	JUDGE_YIELD,     /* it must not hold any longer: release, now */
	JUDGE_HAND_OVER, /* it should not hold any longer: T1, if the peer agrees */
};

struct verdict {
	enum judgement judgement;
	enum ha_reason reason;
	enum ha_state state; /* after JUDGE_YIELD */
};

struct verdict may_hold(const struct node *, struct clock *);

/* One side of the comparison. */
struct side {
	bool eligible;
	struct msg_lineage lineage;
	uint64_t term; /* last held under */
	bool lower;    /* key */
};
bool better(const struct side *a, const struct side *b);

/* Why this node may not take over: enum msg_why_not, 0 = eligible. */
uint16_t judge_why_not(const struct node *, struct clock *);

/* The newest term of the cluster is this node's. */
bool judge_held_last(const struct node *);

/* T4 but for the time: both are audible, none claims, and this node may hold. */
enum nobody {
	NOBODY_NOT = 0,
	NOBODY_WILLING,
	NOBODY_RELUCTANT, /* T4a: a check of its own fails, and the peer is not eligible either */
};
enum nobody judge_nobody(const struct node *, struct clock *);

/* Y2: it has lost a peer that could take over, and hears nobody else either. */
bool judge_isolated(const struct node *, struct clock *);

/* T5 but for the probe: nobody was heard in this boot, and it was waited long enough. */
bool judge_alone(const struct node *, struct clock *);

#endif
