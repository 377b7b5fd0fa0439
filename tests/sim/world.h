/* world.h - two real nodes of a pair in virtual time, and everything around them that can fail.
 *
 * The world does for each node what the daemon does: it hands over what was received before it looks at timers, steps
 * it at node_deadline(), carries its frames through msg.h to the other, keeps its durable state, and plays the kernel
 * under its guardian's lease (agent/hold.h). A third station on the management segment answers questions, and is the
 * client: who answers it is what the switch has learned from announcements. There is no other source of time or chance than
 * struct world: the same calls give the same story, and the same hash of it.
 *
 * Two things are there if they are asked for before the nodes are powered on. `sealed`: frames are sealed and opened by the sessions of
 * proto/session.h, with their handshakes, beacons and rekeying; without it a stand-in says which frames would verify.
 * `mirrored`: each node has a syncer, trees that are a handful of numbers, and a disk that loses what was not synced (mirror.c).
 *
 * At every step it checks what must always be true (invariant.h) and gives up, with the story, when it is not.
 */
#ifndef HA_TESTS_SIM_WORLD_H
#define HA_TESTS_SIM_WORLD_H

#include <setjmp.h>

#include "agent/hold.h"
#include "proto/account.h"
#include "proto/node.h"
#include "proto/session.h"
#include "tests/sim/invariant.h"
#include "tests/sim/mutant.h"
#include "tests/sim/mirror.h"

enum {
	A = 0, /* the lower key, even terms; holds after world_pair() */
	B = 1,
	STATION = 2, /* a third station on the management segment, for instance the gateway */
	WORLD_STATIONS = 3,
	NOBODY = -1,
	BOTH = -2,
	WORLD_MESSAGES = 2048,
	WORLD_VIPS = 2,
	WORLD_LISTS = 64, /* of virtual IPs, made up one after the other: world_readdress.c */
	WORLD_BODY = 576, /* the longest frame: IDENTITY */
	WORLD_STORY = 1 << 15,
};

/* One direction of a path between two stations. */
struct world_wire {
	bool cut;
	unsigned loss, twice; /* per cent of the frames */
	ha_time delay,
		jitter; /* more jitter than there is between two frames turns their order round */
};

/* The guardian is the lease's rules; the kernel under it is this. */
struct world_guardian {
	struct world *world;
	int node;
	ha_time delay;         /* of a request */
	ha_time blocked_until; /* stopped: requests wait */
	bool dead;             /* requests are lost; the fence and valid_lft remain */
	bool failing;          /* the kernel refuses the addresses (EEXIST) */
	bool absent;           /* there is no such interface (ENODEV) */
	bool fence;            /* in place */
	bool ticks;            /* the fence's time is counted in ticks of the kernel */
	ha_time slow;          /* what each call into the kernel takes */
	ha_time spent;         /* in the calls of this moment */
	struct hold hold;
	struct hold_kernel kernel;
	unsigned untold;       /* answers on their way to the engine */
	unsigned list, wanted; /* of virtual IPs: at hand, and told by the steward */
	uint32_t on, want;     /* addresses on the interface, and those that it can put on */
	ha_time fence_until, valid_until; /* world time */
};

struct world_store {
	ha_time delay, busy_until; /* the newest record is there then */
	bool failing;
	unsigned list;            /* of virtual IPs */
	struct node_durable disk; /* suspended_until is of the world's time, as of a wall clock */
	uint64_t boot, peer_boot;
	bool paired, readable;
	enum msg_parting parting; /* how the pair ended here */
	uint64_t parted; /* the record that says so: whatever was asked for before is behind it */
};

/* What authenticates, where frames are sealed. */
struct world_keys {
	uint8_t secret_key[HA_KEY_LEN], public_key[HA_KEY_LEN];
	uint8_t pair_secret[HA_KEY_LEN], former_secret[HA_KEY_LEN];
	uint8_t cluster_id[HA_CLUSTER_ID_LEN], former_id[HA_CLUSTER_ID_LEN];
};

struct world_sealed {
	struct session session[HA_PATH_N];
	bool open;
	uint64_t peer_boot; /* newest authenticated; what is saved has it, too */
	ha_time identity_at, beacon_at, disown_at; /* on its clock */
};

/* Other virtual IPs: what the engine has to do with them. */
struct world_readdress {
	enum {
		WORLD_IDLE = 0,
		WORLD_ASKING,
		WORLD_SAVING,
	} phase;
	unsigned list;   /* that is asked about, or written */
	unsigned record; /* ... that is in the record, as the engine knows it */
	unsigned peer;   /* of the peer's newest IDENTITY, if one was heard */
	bool proposed, heard;
	bool adopted;           /* ... and nobody has asked */
	ha_time until, settled; /* world time */
};

struct world_node {
	struct node node;
	struct account account;
	struct world_guardian guardian;
	struct world_store store;
	struct world_keys keys;
	struct world_sealed sealed;
	struct world_readdress readdress;
	struct mirror mirror;
	struct msg_lineage lineage;
	bool powered, running; /* the machine, the engine */
	bool carrier[HA_PATH_N];
	uint64_t session[HA_PATH_N]; /* boot of the peer that it is with; 0 = none */
	uint64_t counter;
	uint64_t life;                      /* what was under way to an earlier engine is lost */
	ha_time blocked_until;              /* the engine runs no step */
	ha_time frozen_since, frozen_until; /* the whole machine, its clock too */
	ha_time base;                       /* its clock = world's + base, */
	int ppm;                            /* and so much faster */
	bool resigned_lost;                 /* faults by content: frames that say so never leave */
	bool taking_lost;
	uint64_t term_seen, term_used; /* in this boot, ever */
	bool whole; /* it has a whole copy of this membership, as the world knows */
	unsigned steps, promotions;
	ha_time promoted_at;
};

enum world_kind {
	TO_ENGINE, /* from this machine */
	TO_GUARDIAN,
	TO_STORE,
	FRAME,   /* from the peer's engine */
	SESSION, /* ... a handshake with it: of the stand-in */
	STREAM,  /* between the syncers */
	TO_SYNCER,
	QUESTION, /* ARP or NS: the kernel answers */
	SEGMENT,  /* ARP or NA, an answer or an announcement: the engine hears it */
};

struct world_message {
	ha_time at;
	uint64_t order, life;
	enum world_kind kind;
	int from, to;
	enum ha_path path;
	enum msg_type type; /* FRAME of the stand-in */
	uint64_t boot,
		peer_boot; /* FRAME, SESSION: of the sender, and of whom it is for; TO_STORE */
	uint64_t counter;
	uint64_t stream;           /* STREAM: of which it is; TO_SYNCER: of which start */
	enum mirror_errand errand; /* TO_SYNCER */
	uint8_t body[WORLD_BODY];
	size_t body_len;
	struct node_event event;
	struct node_action action; /* TO_GUARDIAN */
	unsigned list;             /* TO_GUARDIAN, TO_STORE, TO_ENGINE: of virtual IPs */
	struct node_durable durable;
};

/* Where a test ends that is meant to fail, and why. */
struct world_catch {
	jmp_buf jump;
	enum invariant broken;
	char what[160];
};

struct world {
	ha_time now;
	uint64_t chance, order;
	uint64_t hash;             /* of all that happened */
	bool sealed, mirrored;     /* what there is in it */
	enum mutant mutant;        /* what is broken on purpose */
	struct world_catch *catch; /* NULL: world_give_up() */
	struct watch watch;        /* of the invariants that take time */
	struct past past;          /* of the settings */
	struct node_timing timing;
	struct world_node n[2];
	struct world_wire wire[HA_PATH_N][WORLD_STATIONS][WORLD_STATIONS];
	ha_time handshake_until[HA_PATH_N];
	bool station_silent;  /* the third station answers nobody */
	bool no_witness;      /* none is configured */
	bool third_party;     /* the station answers for the virtual IP */
	bool dual_allowed;    /* two holders are what the test is about */
	bool watched;         /* what takes time is held against its bounds, too */
	bool probe_lost;      /* answers for the virtual IP get lost */
	bool terms_unchecked; /* the test breaks the disk on purpose */
	ha_time dual;         /* how long two held */
	unsigned probes, asked[2], announced[2], solicits, answers; /* sent so far */
	ha_time held_at; /* since when the present holder holds */
	int holder;
	int learned[WORLD_VIPS]; /* by the switch: where it sends what is for the address */
	unsigned pairs;          /* made so far */
	unsigned lists;          /* of virtual IPs, made up so far */
	unsigned list_done;      /* the newest that an operator of a pair was told is done */
	unsigned messages;       /* under way: a heap over the slots */
	struct {
		ha_time due, at;
		uint64_t order;
		unsigned slot;
	} heap[WORLD_MESSAGES];
	unsigned slots, free_n, free[WORLD_MESSAGES];
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

/* Other virtual IPs are asked for there. */
void world_readdress(struct world *, int node);
unsigned world_list(const struct world *, int node); /* what its node has */
bool world_lists_same(const struct world *);         /* everywhere in the pair */

void world_jitter(struct world *, enum ha_path, ha_time jitter);
void world_twice(struct world *, enum ha_path, unsigned percent);
void world_switch_restart(
	struct world *); /* both lose carrier on management; it has learned nothing */
void world_interface(struct world *, int node,
		     bool present); /* management's, as the guardian sees it */
void world_delete_address(struct world *, int node, unsigned vip); /* by somebody else */

/* Steps a node with an event of the test's own making; now is set. */
void world_event(struct world *, int node, struct node_event *);

uint64_t world_chance(struct world *, uint64_t below);
ha_time world_local(const struct world *, int node, ha_time at); /* on the node's clock */
void world_forget(struct world *);                               /* the story so far */
bool world_saw(const struct world *, const char *line);          /* a whole line of the story */
unsigned world_count(const struct world *, const char *line);
ha_time world_when(const struct world *, const char *line); /* its newest time, or -1 */
void world_fail(const struct world *, const char *what) __attribute__((noreturn));
void world_broken(const struct world *, enum invariant, const char *what) __attribute__((noreturn));

/* Where nobody catches: whoever links the world says what a failure is. Never returns. */
void world_give_up(const struct world *, const char *what) __attribute__((noreturn));

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
ha_time world_engine_next(const struct world *, int node); /* on its clock */
void world_engine_timer(struct world *, int node);
ha_time world_global(const struct world *, int node,
		     ha_time local);                     /* not before it is local there */
unsigned world_first(struct world *);                    /* slot of the message that is due first */
void world_take(struct world *, struct world_message *); /* ... off the heap */
void world_drop_messages(struct world *, int to);
void world_remove_message(struct world *, unsigned at); /* in the heap */
void world_hash(struct world *, uint64_t what);

struct ha_mac world_mac(int station);
const struct ha_address *world_vip(unsigned i);
const char *world_name(int node);

void world_question(struct world *, int node, const struct node_action *); /* world_segment.c */
void world_announce(struct world *, int node, const struct node_action *);
void world_on_question(struct world *, const struct world_message *);
void world_on_segment(struct world *, struct world_message *);

struct ha_address world_address(unsigned list, unsigned i); /* world_readdress.c */
unsigned world_list_of(const struct ha_address *);
unsigned world_record_list(const struct world *, int node);
bool world_guardian_means(struct world_guardian *, const struct world_message *);
void world_guardian_told(struct world *, int node, unsigned list);
void world_list_stored(struct world *, const struct world_message *);
void world_on_addresses(struct world *, int node, const uint8_t *body, size_t body_len);
void world_readdressed(struct world *, int node, unsigned list, bool ok);
void world_adopt(struct world *, int node);
void world_hear_list(struct world *, int node, unsigned list);
void world_readdress_boot(struct world *, int node, struct node_config *);
void world_readdress_join(struct world *, int holder);

void world_send(struct world *, int node, enum ha_path, enum msg_type, const uint8_t *body,
		size_t body_len); /* world_frame.c */
void world_on_frame(struct world *, struct world_message *);
void world_on_session(struct world *, const struct world_message *);
void world_drop_sessions(struct world *, int node);
void world_send_frame(struct world *, int node, enum ha_path, const uint8_t *frame, size_t len);
void world_heartbeat(struct world *, int node, enum ha_path);
void world_solicit(struct world *, int node, const struct node_action *);
bool world_has_session(const struct world *, int node, enum ha_path);

void world_sealed_keys(struct world *, unsigned membership); /* world_sealed.c */
void world_sealed_open(struct world *, int node);
void world_sealed_part(struct world *, int node);
void world_sealed_send(struct world *, int node, enum ha_path, enum msg_type, const uint8_t *body,
		       size_t body_len);
void world_sealed_receive(struct world *, struct world_message *);
ha_time world_sealed_next(const struct world *, int node);
void world_sealed_timer(struct world *, int node);
void world_part_later(struct world *, int node, enum msg_parting, bool by_peer, ha_time at);
void world_hear_message(struct world *, int node, enum ha_path, enum msg_type, uint64_t counter,
			const uint8_t *body, size_t body_len, ha_time at);

void world_guardian_init(struct world *, int node);
void world_guardian_engine(struct world_guardian *); /* a new one: what is held is withdrawn */
void world_on_guardian(struct world *, const struct world_message *);
ha_time world_guardian_next(const struct world *, int node); /* world time */
void world_guardian_timer(struct world *, int node);
struct world_message *world_save(struct world *,
				 int node); /* what the node has to say, on its way to the disk */
void world_on_store(struct world *, const struct world_message *);

#endif
