/* world.h - two real nodes of a pair in virtual time, and everything around them that can fail.
 *
 * The world does for each node what the daemon does: it hands over what was received before it looks at timers, steps
 * it at node_deadline(), carries its frames through msg.h to the other, keeps its durable state, and plays its guardian
 * with fence and kernel addresses. A third station on the management segment answers questions. There is no other
 * source of time or chance than struct world: the same calls give the same story.
 *
 * At every step it checks what must always be true, and fails the test with the story when it is not:
 * never two holders (unless the test allows it), no announcement without the address, terms node-unique and on disk
 * before use, the bounds of SPEC 5.9 on actions, a deadline that lies ahead, eligible exactly when no reason speaks
 * against it, a standalone node that wants nothing, an unpaired one that remembers nothing of a peer.
 */
#ifndef HA_TESTS_UNIT_WORLD_H
#define HA_TESTS_UNIT_WORLD_H

#include "proto/node.h"

enum {
	A = 0, /* the lower key, even terms; holds after world_pair() */
	B = 1,
	STATION = 2, /* a third station on the management segment, for instance the gateway */
	WORLD_STATIONS = 3,
	NOBODY = -1,
	BOTH = -2,
	WORLD_MESSAGES = 1024,
	WORLD_STORY = 1 << 15,
};

/* One direction of a path between two stations. */
struct world_wire {
	bool cut;
	unsigned loss; /* per cent */
	ha_time delay;
};

struct world_guardian {
	ha_time delay;         /* of a request */
	ha_time blocked_until; /* stopped: requests wait */
	bool dead;             /* requests are lost; the fence and valid_lft remain */
	bool failing;          /* the kernel refuses the addresses */
	bool fence;            /* in place */
	uint64_t lease, ended;
	ha_time deadline;  /* world time, like all below */
	uint32_t on, want; /* addresses on the interface, and those that it can put on */
	ha_time fence_until, valid_until;
};

struct world_store {
	ha_time delay;
	bool failing;
	struct node_durable disk; /* suspended_until is of the world's time, as of a wall clock */
	uint64_t boot;
	bool paired, readable;
	enum msg_parting parting; /* how the pair ended here */
	uint64_t parted; /* the record that says so: whatever was asked for before is behind it */
};

struct world_node {
	struct node node;
	struct world_guardian guardian;
	struct world_store store;
	struct msg_lineage lineage;
	bool powered, running; /* the machine, the engine */
	bool carrier[HA_PATH_N];
	uint64_t session[HA_PATH_N]; /* boot of the peer that it is with; 0 = none */
	uint64_t counter;
	uint64_t life;                      /* what was under way to an earlier engine is lost */
	ha_time blocked_until;              /* the engine runs no step */
	ha_time frozen_since, frozen_until; /* the whole machine, its clock too */
	ha_time base;                       /* its clock = world's + base */
	bool resigned_lost;                 /* faults by content: frames that say so never leave */
	bool taking_lost;
	uint64_t term_seen, term_used; /* in this boot, ever */
	unsigned steps, promotions;
};

enum world_kind {
	TO_ENGINE, /* from this machine */
	TO_GUARDIAN,
	TO_STORE,
	FRAME,    /* from the peer's engine */
	SESSION,  /* ... a handshake with it */
	QUESTION, /* ARP or NS: the kernel answers */
	SEGMENT,  /* ARP or NA, an answer or an announcement: the engine hears it */
};

struct world_message {
	ha_time at;
	uint64_t order, life;
	enum world_kind kind;
	int from, to;
	enum ha_path path;
	uint64_t boot; /* FRAME, SESSION: of the sender */
	uint8_t body[256];
	size_t body_len;
	struct node_event event;
	struct node_action action; /* TO_GUARDIAN */
	struct node_durable durable;
};

struct world {
	ha_time now;
	uint64_t chance, order;
	struct node_timing timing;
	struct world_node n[2];
	struct world_wire wire[HA_PATH_N][WORLD_STATIONS][WORLD_STATIONS];
	ha_time handshake_until[HA_PATH_N];
	bool station_silent;  /* the third station answers nobody */
	bool no_witness;      /* none is configured */
	bool third_party;     /* the station answers for the virtual IP */
	bool dual_allowed;    /* two holders are what the test is about */
	bool probe_lost;      /* answers for the virtual IP get lost */
	bool terms_unchecked; /* the test breaks the disk on purpose */
	ha_time dual;         /* how long two held */
	unsigned probes, asked[2], announced[2], solicits, answers; /* sent so far */
	ha_time held_at; /* since when the present holder holds */
	int holder;
	unsigned messages;
	struct world_message message[WORLD_MESSAGES];
	char story[WORLD_STORY]; /* one line per change: "b active T2" */
	char trace[WORLD_STORY]; /* the same with the time in ms before it */
	size_t story_len, trace_len;
};

/* Two powered-off members of a pair; A held last, in term 2, and both copies are in sync. */
void world_init(struct world *, uint64_t seed);

/* ... booted and settled: A holds, B is ready; the story starts anew. */
void world_pair(struct world *);

void world_run(struct world *, ha_time duration);
bool world_until_holder(struct world *, int holder, ha_time within); /* as world_holder() */

/* Who holds: the address is on the interface and the fence is open. */
int world_holder(const struct world *);
bool world_holds(const struct world *, int node);

void world_power_on(struct world *, int node);
void world_power_off(struct world *, int node);
void world_engine_kill(struct world *, int node); /* the machine goes on */
void world_engine_start(struct world *, int node);
void world_pause(struct world *, int node, ha_time duration);   /* the engine; frames queue up */
void world_suspend(struct world *, int node, ha_time duration); /* engine and guardian */
void world_freeze(struct world *, int node,
		  ha_time duration); /* a virtual machine with its clock */
void world_carrier(struct world *, int node, enum ha_path, bool up);
void world_cut(struct world *, enum ha_path, int from, int to, bool cut); /* one direction */
void world_split(struct world *, enum ha_path, bool cut); /* between the nodes, both directions */
void world_isolate(struct world *, int node, bool cut);   /* its management, from everybody */
void world_loss(struct world *, unsigned percent);        /* of all frames between the nodes */
void world_heal(struct world *);                          /* all wires, carriers, losses */
void world_operator(struct world *, int node, enum node_op, uint32_t request);
void world_suspend_for(struct world *, int node, ha_time duration, uint32_t request);
void world_check(struct world *, int node, bool ok); /* not: failed beyond recovery */
void world_checks(struct world *, int node, bool failing, bool failed);
void world_copy(struct world *, int node, bool whole, bool in_sync, uint64_t number);

/* What the engines and stewards do of a pair's end: the refusals are in the story. Who is heard on the link again after
 * that is disowned (SPEC 5.10). */
void world_detach(struct world *, int node);
void world_remove(struct world *, int node);
void world_join(struct world *, int holder); /* the other joins; its copy is not whole */

/* Steps a node with an event of the test's own making; now is set. */
void world_event(struct world *, int node, struct node_event *);

uint64_t world_chance(struct world *, uint64_t below);
ha_time world_local(const struct world *, int node, ha_time at); /* on the node's clock */
void world_forget(struct world *);                               /* the story so far */
bool world_saw(const struct world *, const char *line);          /* a whole line of the story */
unsigned world_count(const struct world *, const char *line);
ha_time world_when(const struct world *, const char *line); /* its newest time, or -1 */
void world_fail(const struct world *, const char *what);

/* Among the world's own files. */
void world_tell(struct world *, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct world_message *world_post(struct world *, enum world_kind, int to, ha_time at);
struct world_message *world_tell_engine(struct world *, int node, enum node_event_type, ha_time at);
bool world_passes(struct world *, enum ha_path, int from, int to);
void world_deliver(struct world *, struct world_message *);
void world_part(struct world *, int node, struct node_event *);
void world_disown(struct world *, enum ha_path);
void world_check_parted(const struct world *, int node);
void world_check_holders(struct world *);
void world_engine_step(struct world *, int node, struct node_event *);
void world_engine_boot(struct world *, int node);
void world_on_guardian(struct world *, const struct world_message *);
void world_guardian_withdraw(struct world_guardian *);
void world_guardian_expire(struct world *, int node); /* the deadline has passed */
void world_on_store(struct world *, const struct world_message *);

#endif
