/* sync.h - who gives its settings to whom, when, and how far it is (SPEC 6.3 to 6.8).
 *
 * Pure: no clock, no I/O, no heap. It decides; files, frames and the content of files are its caller's. One of
 * these runs in each syncer. The caller says what has happened and carries out the actions in their order; a decision looks at
 * what is known, never at the event that came last.
 *
 * The side that *leads* gives its settings, the other one *follows*. Who holds the virtual IP leads, but for two
 * cases: a side without a whole copy always follows, and one that has only missed something (its newest generation
 * is an ancestor of the other's) follows even while it holds.
 */
#ifndef HA_PROTO_SYNC_H
#define HA_PROTO_SYNC_H

#include "proto/lineage.h"
#include "proto/sync_msg.h"
#include "proto/types.h"

enum {
	SYNC_BARRIERS_MAX = 8, /* requests that wait */
	SYNC_ACTIONS_MAX = 32,
};

#define SYNC_RETRY_MIN   HA_SEC
#define SYNC_RETRY_MAX   (30 * HA_SEC)
#define SYNC_STALL       HA_SEC /* an entry that was not to be had: until it is asked for anew */
#define SYNC_LAG_ALLOWED (2 * HA_SEC)  /* behind for longer: out of sync */
#define SYNC_STATUS_MIN  (100 * HA_MS) /* between two STATUS of a follower */

enum sync_side {
	SYNC_SIDE_NONE = 0, /* not decided, or nothing to do */
	SYNC_SIDE_LEADS,
	SYNC_SIDE_FOLLOWS,
};

/* What an operator reads. */
enum sync_state {
	SYNC_NOTHING = 0, /* no pair, or no settings are configured */
	SYNC_NOT_STARTED, /* the other one was not heard yet */
	SYNC_SYNCING,     /* the first whole copy, or a later change, is under way */
	SYNC_SYNCED,      /* both digests are equal */
	SYNC_OUT_OF_SYNC, /* the follower lacks something, and it is not under way */
	SYNC_ERROR,       /* reason */
	SYNC_PAUSED,      /* the two have different versions */
	SYNC_STATE_N,
};

/* This node, as the engine and the scan know it. */
struct sync_self {
	bool paired;
	bool holds;    /* the virtual IP, and that it does is on disk (SPEC 6.R27) */
	uint64_t term; /* that it holds under */
	bool whole;    /* it has a whole copy: of this membership */
	bool paused;
	bool peer_heard; /* by the engine, on any path */
	uint8_t roots[SYNC_HASH_LEN];
};

/* The own trees. */
struct sync_trees {
	bool settled; /* scanned, and nothing is queued */
	bool broken; /* some root is missing or unreadable: nothing is concluded from it. reason in the event */
	bool exporting; /* an export command runs: what it writes belongs to the next generation */
	bool export_failed; /* the newest run of some export: not all is there */
	bool unseen;        /* something has changed and cannot be read yet */
	uint64_t pending;   /* entries that no generation has yet */
	uint64_t floor;     /* "since" is known from here on */
	uint64_t entries, bytes;
	uint8_t key[HA_KEY_LEN];    /* of the fingerprints */
	uint8_t digest[HA_KEY_LEN]; /* as they are now */
};

enum sync_event_type {
	SYNC_EV_SELF = 1, /* self */
	SYNC_EV_TREES,    /* trees, reason */
	SYNC_EV_UP,       /* a new stream */
	SYNC_EV_DOWN,     /* it has ended */
	SYNC_EV_HEAD,     /* records of the other: head */
	SYNC_EV_PULL,     /* since */
	SYNC_EV_BEGIN,    /* full, since */
	SYNC_EV_END,      /* end */
	SYNC_EV_STATUS,   /* status */
	SYNC_EV_COMPARE,
	SYNC_EV_PLAN,      /* what became of the plan: complete, and how far it is in status */
	SYNC_EV_COMMITTED, /* ACT_COMMIT is done: trees hold the new digest */
	SYNC_EV_FAILED,    /* plan, commit or generation failed: reason */
	SYNC_EV_UNFIT, /* the plan does not make what the leader has: something here was changed */
	SYNC_EV_MADE,  /* SYNC_ACT_GENERATION is on disk */
	SYNC_EV_BARRIER, /* request, until */
	SYNC_EV_FORCE,   /* --sync: request, until */
	SYNC_EV_TIMER,
};

struct sync_event {
	enum sync_event_type type;
	ha_time now;
	struct sync_self self;
	struct sync_trees trees;
	struct sync_head head;
	uint64_t since;
	bool full;
	struct sync_end end;
	struct sync_status status;
	bool complete, stalled;
	char reason[SYNC_REASON_MAX + 1];
	uint32_t request;
	ha_time until;
};

enum sync_action_type {
	SYNC_ACT_SAY_HEAD = 1, /* sync_own_head() gives it */
	SYNC_ACT_SAY_PULL,     /* since */
	SYNC_ACT_SAY_LIST,     /* HEAD, BEGIN (full or since), the entries, END */
	SYNC_ACT_SAY_STATUS,   /* sync_own_status() */
	SYNC_ACT_SAY_COMPARE,
	SYNC_ACT_SCAN,   /* exports first; then what has changed, or if full all of the own trees */
	SYNC_ACT_ADOPT,  /* another key for all fingerprints: forget the index, scan: key */
	SYNC_ACT_PLAN,   /* plan_begin: full, keep_above */
	SYNC_ACT_DROP,   /* the plan is void; what is staged stays */
	SYNC_ACT_COMMIT, /* the plan, as lineage; answer SYNC_EV_COMMITTED or _FAILED */
	SYNC_ACT_GENERATION, /* make lineage durable, stamp what is pending; SYNC_EV_MADE or _FAILED */
	SYNC_ACT_ANSWER,     /* request, ok, reason */
};

struct sync_action {
	enum sync_action_type type;
	uint64_t since;
	bool full;
	uint64_t keep_above;
	uint32_t request;
	bool ok;
	uint8_t key[HA_KEY_LEN];
	struct lineage lineage;
	char reason[SYNC_REASON_MAX + 1];
};

struct sync_actions {
	unsigned n;
	struct sync_action a[SYNC_ACTIONS_MAX];
};

/* An operator who waits. */
struct sync_wait {
	uint32_t request; /* 0: free */
	ha_time until;
	bool compare;      /* --sync: wait for a compare, too */
	bool flushed;      /* the trees were looked at since it was asked */
	bool overtaken;    /* a commit came in between: it may have put aside what it is about */
	uint64_t number;   /* of the generation that the follower has to have, once flushed */
	uint32_t compared; /* the how manyth COMPARE of this stream is for it; 0 = not said yet */
};

struct sync {
	ha_time now, next;
	struct sync_self self;
	struct sync_trees trees;
	bool trees_known; /* they were settled once: this node knows what it has */
	char trees_reason[SYNC_REASON_MAX + 1];
	struct lineage lineage; /* own, durable */
	bool in_sync;           /* newest judgement; known once both were heard of */
	bool in_sync_known;
	ha_time behind; /* since when the one that follows lacks something; HA_NEVER = it does not */
	ha_time synced_at; /* when both were last known to have the same; -1 = not in this start */

	bool up;   /* there is a stream ... */
	bool said; /* ... and said_head was said on it last */
	struct sync_head said_head;
	bool peer_known; /* its HEAD has come on it; peer stays when it ends */
	struct sync_head peer;
	enum sync_side side;

	/* leading */
	bool pulled,
		pull_due; /* the other one wants each new generation; a PULL is to be answered */
	uint64_t pull_since, pulled_to;
	struct sync_status peer_status;
	bool making; /* SYNC_ACT_GENERATION is under way */
	struct lineage made;
	uint32_t compare, compared; /* COMPAREs said on this stream, and answered */

	/* following */
	enum sync_phase phase;
	bool adopting, asked; /* ADOPT is under way; PULL was said on this stream */
	bool planning, ended; /* BEGIN has come: there is a plan; and its END */
	bool complete;        /* all content is here */
	ha_time stalled; /* nothing is under way, and it is not complete: since then; HA_NEVER = not so */
	uint64_t told_to; /* trees and plan lack nothing up to this generation of the leader's */
	bool full_needed; /* the digest did not fit: compare all */
	struct lineage target; /* valid if ended */
	uint32_t comparing;    /* COMPAREs that are to be answered */
	ha_time retry_at, retry;
	ha_time status_at; /* when the last STATUS was said */
	bool status_due;
	struct sync_status status;
	char reason[SYNC_REASON_MAX + 1]; /* of the newest failure; "" = none */

	struct sync_wait wait[SYNC_BARRIERS_MAX];
};

/* lineage: as it is on disk; n = 0: there is none. */
void sync_init(struct sync *, const struct lineage *, ha_time now);
void sync_step(struct sync *, const struct sync_event *, struct sync_actions *out);
ha_time sync_deadline(const struct sync *); /* when SYNC_EV_TIMER is due, or HA_NEVER */

void sync_own_head(const struct sync *, struct sync_head *out);
void sync_own_status(const struct sync *, struct sync_status *out);
bool sync_is_clean(const struct sync *); /* the trees are what the lineage says */

/* For the dump. */
struct sync_view {
	enum sync_state state;
	enum sync_side side;
	bool whole; /* of this membership: told by the engine, or by a commit since */
	bool in_sync; /* a lag of up to SYNC_LAG_ALLOWED counts for nothing; what was known last stays ... */
	bool in_sync_known;          /* ... and before that nothing is */
	struct sync_status progress; /* of the one that follows */
	struct lineage own, peer;
	uint64_t lag; /* generations that the one that follows lacks */
	ha_time synced_at;
	const char *reason; /* "" if there is none */
};
void sync_view(const struct sync *, struct sync_view *out); /* as of the last step */

#endif
