/* script.h - what befalls a pair: drawn from one seed, carried out, healed, judged; and made shorter if it broke something.
 *
 * A script is data. Each of its deeds can be left out, and what is left is a story of the same kind: so a seed that fails is
 * reduced to the few deeds that it takes.
 */
#ifndef HA_TESTS_SIM_SCRIPT_H
#define HA_TESTS_SIM_SCRIPT_H

#include "tests/sim/world.h"

enum {
	SCRIPT_DEEDS = 24,
};

enum deed {
	DEED_POWER_OFF,
	DEED_POWER_ON,
	DEED_ENGINE_KILL,
	DEED_ENGINE_START,
	DEED_SYNCER_KILL,
	DEED_SYNCER_START,
	DEED_PAUSE,   /* the engine */
	DEED_SUSPEND, /* engine and guardian: SIGSTOP of all */
	DEED_GUARDIAN_FAILING,
	DEED_GUARDIAN_SLOW,
	DEED_ADDRESS_DELETED,
	DEED_STORE_FAILING,
	DEED_STORE_SLOW,
	DEED_LINK_CARRIER,
	DEED_CHECK,
	DEED_APPLIANCE_N, /* what stands below is of more than one appliance */

	DEED_CUT = DEED_APPLIANCE_N,
	DEED_SPLIT,
	DEED_ISOLATE,
	DEED_LOSS,
	DEED_JITTER,
	DEED_TWICE,
	DEED_DELAY,
	DEED_CARRIER,
	DEED_INTERFACE,
	DEED_SWITCH,
	DEED_STATION_SILENT,
	DEED_WORD_LOST, /* RESIGNED or TAKING */
	DEED_FREEZE,    /* the machine with its clock */
	DEED_GUARDIAN_DEAD,
	DEED_THIRD_PARTY,
	DEED_WIRE_N,

	DEED_SWAP = DEED_WIRE_N, /* what people ask for */
	DEED_SUSPENSION,
	DEED_SUSPENSION_FOR,
	DEED_RESUME,
	DEED_DETACH,
	DEED_REMOVE,
	DEED_JOIN,
	DEED_FORCE,
	DEED_OPERATOR_N,

	DEED_WRITE = DEED_OPERATOR_N, /* to the settings, where the pair works */
	DEED_WRITE_ASIDE,             /* ... where it should not */
	DEED_BARRIER,
	DEED_SYNC,
	DEED_QUIET, /* for an hour and more: keys get old */
	DEED_N,
};

struct script_deed {
	enum deed what;
	int node;
	enum ha_path path;
	bool on;
	unsigned amount;      /* of whatever: a cell, per cent */
	ha_time time, before; /* how long it lasts; how long after the one before */
};

struct script {
	uint64_t seed;
	struct node_timing timing;
	const char *timing_name;
	bool sealed; /* with sessions */
	bool wires;  /* not only what one appliance can suffer: two may hold, but not for long */
	bool no_witness;
	bool fresh; /* the two have just joined */
	int ppm[2];
	unsigned n;
	struct script_deed deed[SCRIPT_DEEDS];
};

#define SCRIPT_ALL UINT32_MAX

struct script_result {
	enum invariant broken; /* INV_NONE: nothing is */
	char what[160];
	ha_time simulated;
	uint64_t hash;
	unsigned steps, takeovers, generations, commits, barriers;
	ha_time dual;
};

/* What the seed says. sealed: with sessions, else with the stand-in. */
void script_draw(struct script *, uint64_t seed, bool sealed);

/* Carries out those deeds whose bit is set, heals, and wants everything well again. w is left as it was at the end. */
void script_run(const struct script *, uint32_t deeds, enum mutant, struct world *w,
		struct script_result *);

/* The fewest deeds that still break what `deeds` break. */
uint32_t script_shrink(const struct script *, uint32_t deeds, enum mutant, struct world *w);

/* One line for a deed. Its length. */
int script_tell(const struct script_deed *, char *out, size_t cap);

#endif
