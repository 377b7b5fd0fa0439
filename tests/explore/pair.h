/* pair.h - two real nodes as a model to search: struct node as it is, node_step() as it is, and around them the least
 * that decides: guardians with a fence that closes by itself, disks, two paths, a witness. Time goes in ticks; H, D and
 * C are small multiples of one. A frame takes no time, or is late at a price: so nothing hides behind a delay.
 *
 * What can happen is bought from a scenario's allowance: at any moment, in any order, two things at one moment. What was
 * broken may be mended at any later moment for nothing. Each answer of search_choice() is one of these, or which of two timers
 * of the same moment is first.
 *
 * What differs from the world of the daemon, so that the same situation is the same state: the question of once a second
 * is asked with every heartbeat, unless the scenario has it otherwise; announcements end after D, and the probes of V1 do not
 * get rarer; the worst of the last minute is the worst ever, cut to D; a pause ends after 2 D + H.
 */
#ifndef HA_TESTS_EXPLORE_PAIR_H
#define HA_TESTS_EXPLORE_PAIR_H

#include "proto/node.h"
#include "tests/explore/search.h"

enum {
	A = 0, /* the lower key; holds at the root */
	B = 1,
	PAIR_MESSAGES = 64,
};

#define PAIR_EPOCH (1000 * HA_SEC) /* now, in the canonical form */

enum pair_price {
	PRICE_ALL = 0, /* of everything together */
	PRICE_CRASH,   /* power, or the engine alone */
	PRICE_PAUSE,   /* the engine, or with its guardian */
	PRICE_SWAP,
	PRICE_CUT, /* of a path, one way or both; carrier */
	PRICE_LOSS,
	PRICE_DELAY,
	PRICE_N,
};

struct pair_scenario {
	const char *name;
	ha_time tick;
	struct node_timing timing;
	uint8_t allowance[PRICE_N];
	bool first_sync;  /* B has no whole copy yet */
	bool rare_asking; /* the witness is asked once a second, in whatever phase */
};

enum pair_kind {
	LOCAL = 1, /* event of the own machine */
	SESSION,
	HEARTBEAT,
	SOLICIT,
	ANSWER,
	SEGMENT, /* an answer, or an announcement */
};

struct pair_message {
	ha_time at;
	uint64_t boot, to_boot; /* of sender and receiver, when it was sent */
	uint64_t number;        /* nonce; lease; save */
	enum pair_kind kind;
	enum node_event_type event; /* LOCAL */
	uint8_t to, path, status;
	bool flag; /* LOCAL: up; SEGMENT: it claims the virtual IP */
	bool late; /* it was delayed */
	struct msg_heartbeat heartbeat;
};

struct pair_guardian {
	uint64_t lease, ended;
	ha_time deadline, fence_until;
};

struct pair_saving {
	ha_time at; /* 0: nothing is being written */
	uint64_t number;
	struct node_durable what;
};

struct pair_machine {
	struct node node;
	struct pair_guardian guardian;
	struct pair_saving saving;
	struct node_durable disk;
	uint64_t boot;
	uint64_t session[HA_PATH_N]; /* boot of the peer that it is with */
	uint64_t term_used;
	ha_time paused_since;
	bool powered, running;
	bool paused, guardian_paused;
	bool isolated;  /* its management hears nobody, and has carrier */
	bool unplugged; /* ... has none */
};

struct pair {
	ha_time now;
	ha_time calm_since;   /* some path works both ways, and nothing was lost or late on any */
	ha_time vacant_since; /* nobody holds although one is ready; HA_NEVER = not so */
	struct pair_machine m[2];
	uint8_t left[PRICE_N];
	bool cut[HA_PATH_N][2]; /* frames from A, from B */
	bool pulled;            /* the cable */
	uint8_t messages;
	struct pair_message message[PAIR_MESSAGES]; /* the rest is zero */
};

/* What was found out beside violations; of the newest search. */
struct pair_figures {
	ha_time dual;   /* longest that two could answer after a path worked both ways again */
	ha_time vacant; /* longest that nobody held although one was ready */
};
extern struct pair_figures pair_figures;

const struct search_model *pair_model(const struct pair_scenario *);
extern const struct pair_scenario *pair_scenario;

/* Among the model's own files. */
static inline const char *pair_name(unsigned i)
{
	return i == A ? "A" : "B";
}

bool pair_holds(const struct pair *, unsigned i, ha_time at); /* its fence is open */
bool pair_hears(const struct pair *, unsigned i);             /* its engine runs now */
bool pair_passes(const struct pair *, enum ha_path, unsigned from);
bool pair_witness(const struct pair *, unsigned i); /* it reaches the third station */
bool pair_spend(struct pair *, enum pair_price);    /* false: there is none left */
void pair_disturb(struct pair *);                   /* the wires are not calm now */
void pair_say(const struct pair *, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct pair_message *pair_post(struct pair *, enum pair_kind, unsigned to);
struct pair_message *pair_tell(struct pair *, unsigned to, enum node_event_type);
void pair_forget(struct pair *, unsigned to, bool local); /* what was under way to it is lost */

/* pair_engine.c */
void pair_step(struct pair *, unsigned i, struct node_event *);
void pair_deliver(struct pair *, const struct pair_message *);
void pair_boot(struct pair *, unsigned i);
void pair_power(struct pair *, unsigned i, bool on);
void pair_kill(struct pair *, unsigned i);
void pair_expire(struct pair *, unsigned i); /* the lease, if its time has come */
void pair_saved(struct pair *, unsigned i);

/* pair_fault.c: what happens to the pair at this moment. */
void pair_faults(struct pair *);
void pair_heal(struct pair *);
bool pair_is_whole(const struct pair *);

/* pair_same.c */
size_t pair_canonical(struct pair *);

#endif
