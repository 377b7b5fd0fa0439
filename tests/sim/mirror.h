/* mirror.h - a syncer around the settings machine (proto/sync.h), whose trees are a handful of numbers.
 *
 * Every change of a cell gets a number that no other has ever had, so that of two values it is known which one came later.
 * What is written is in memory first; the disk has it when it is synced, and a power failure leaves a part of what was not. The
 * syncer's durable lineage, its journal and the trees are three things, as in agent/sync.
 */
#ifndef HA_TESTS_SIM_MIRROR_H
#define HA_TESTS_SIM_MIRROR_H

#include "proto/msg.h"
#include "proto/sync.h"

enum {
	MIRROR_CELLS = 6,
	MIRROR_SAID = 256,   /* records under way in one direction */
	MIRROR_PAST = 1024,  /* generations that are remembered */
	MIRROR_BARRIERS = 8, /* of this world, at one time */
};

/* What a syncer waits for. */
enum mirror_errand {
	ERRAND_SELF = 1, /* the engine has told it */
	ERRAND_SCANNED,
	ERRAND_CHANGED,
	ERRAND_MADE,
	ERRAND_FETCHED,
	ERRAND_JOURNALED,
	ERRAND_COMMITTED,
	ERRAND_STREAM,
};

/* The index: what the last scan found, and which generation changed it. */
struct mirror_index {
	uint32_t cell[MIRROR_CELLS];
	uint64_t number[MIRROR_CELLS]; /* UINT64_MAX: none has it yet */
};

struct mirror_said {
	enum sync_action_type type;
	struct sync_head head;
	struct sync_status status;
	uint64_t since;
	bool full;
	struct sync_end end;
	uint32_t cell[MIRROR_CELLS];
	bool told[MIRROR_CELLS];
};

struct mirror_plan {
	bool on, ended;
	uint64_t keep_above;
	uint32_t cell[MIRROR_CELLS];
	bool told[MIRROR_CELLS];
	struct lineage target;
};

struct mirror {
	bool running;
	uint64_t start; /* what was under way to an earlier one is lost */
	struct sync sync;
	struct mirror_plan plan;
	bool scanning, committing;
	ha_time busy_until; /* a commit keeps it from all else */
	bool self_known;
	struct sync_self told; /* by the engine, or under way */
	struct mirror_index index;
	uint32_t file[MIRROR_CELLS]; /* as programs see them */
	bool foreign;                  /* programs have changed them since the newest generation here */
	uint32_t kept[MIRROR_CELLS]; /* the newest values that were put aside */
	/* what a power failure leaves */
	uint32_t platter[MIRROR_CELLS];
	struct mirror_index disk;
	struct lineage lineage, generating;
	bool journal;
	struct mirror_plan journaled;
	/* the stream to the other one */
	uint64_t key, stream; /* of the session that it is under; 0: none */
	bool opening, stuck;
	struct mirror_said said[MIRROR_SAID];
	unsigned first, n;
	struct { /* operators who wait */
		uint32_t request;
		bool compare;
		uint32_t cell[MIRROR_CELLS]; /* as they were when it was asked */
	} barrier[MIRROR_BARRIERS];
	uint32_t requests;
	bool reported;
	struct sync_view report;
};

/* What was, to hold what is against. */
struct past {
	struct {
		uint64_t term, number;
		uint32_t cell[MIRROR_CELLS];
	} generation[MIRROR_PAST];
	unsigned n;
	uint32_t value;                /* the newest ever written */
	uint32_t acked[MIRROR_CELLS]; /* by a barrier, in this membership */
	unsigned acknowledged, refused, made, committed;
	uint64_t stream;
};

struct world;
struct world_message;
struct node_action;

void mirror_init(struct world *);
void mirror_power_off(struct world *, int node); /* what was not synced is lost, or half of it */
void mirror_start(struct world *, int node);
void mirror_stop(struct world *, int node);
void mirror_change(struct world *, int node, unsigned cell);
void mirror_barrier(struct world *, int node, bool compare);
void mirror_follow(struct world *, int node); /* after each step of the engine: what the syncer is told */
void mirror_errand(struct world *, const struct world_message *);
void mirror_on_stream(struct world *, const struct world_message *);
void mirror_joined(struct world *, int joiner);
ha_time mirror_next(const struct world *, int node); /* on its clock */
void mirror_timer(struct world *, int node);
void mirror_check(const struct world *, int node);
bool mirror_same(const struct world *);
void mirror_settled(const struct world *); /* after heal: what was acknowledged is there */

#endif
