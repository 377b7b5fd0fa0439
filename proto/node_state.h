/* node_state.h - the struct behind node.h, public because it is embedded and because the dump reads it.
 *
 * Only proto/'s node files write it.
 */
#ifndef HA_PROTO_NODE_STATE_H
#define HA_PROTO_NODE_STATE_H

#include "proto/announce.h"
#include "proto/msg.h"
#include "proto/reason.h"
#include "proto/types.h"

enum {
	NODE_STATIONS_MAX = 8, /* witnesses configured, and as many learned */
};

struct node_timing {
	ha_time heartbeat;         /* interval, on both paths */
	ha_time dead;              /* silence that counts as lost */
	ha_time confirm;           /* T3: least wait for an answer after carrier was lost */
	ha_time boot_wait;         /* listening at boot, from management carrier on */
	ha_time boot_wait_passive; /* the same for a node that did not hold last */
};

struct node_config {
	struct node_timing timing;
	uint64_t boot;
	enum ha_mode mode;
	bool paired;
	bool lower;    /* own static key is the lower: even terms */
	bool store_ok; /* the durable state could be read */
	bool suspended, whole_copy, in_sync;
	ha_time suspended_until;            /* HA_NEVER: until it is resumed */
	uint64_t term, held_term, reserved; /* as stored */
	unsigned vip_n;
	struct ha_address vip[HA_VIP_MAX];
	struct ha_mac mac;  /* own, on management */
	bool witness_learn; /* stations heard on the segment serve as witnesses too */
	bool disputed;      /* unpaired by --remove here: the former peer may not know of it (L4) */
	bool held;   /* U1: the program before held, and the addresses are still on, as lease 1 */
	bool fenced; /* the kernel fence is in place: a lease that ran out is certainly mute */
};

/* The largest value of the last one to two minutes. */
struct node_worst {
	ha_time now, before, since;
};

struct node_path {
	bool carrier, carrier_known;
	ha_time carrier_since;
	bool session;        /* had one in this boot */
	bool up;             /* what was last reported: EVENT_PATH_UP or _DOWN */
	ha_time heard;       /* receive time of the newest fresh frame */
	ha_time heard_since; /* since when without a gap of a dead interval (Y5) */
	uint64_t counter;
	uint64_t echo_us; /* newest sent_us of the peer here, and when it came */
	ha_time echo_at;
	ha_time rtt; /* latest; 0 = none yet */
	struct node_worst rtt_worst, gap_worst;
};

struct node_peer {
	bool known; /* a heartbeat was accepted in this boot */
	uint64_t boot;
	struct msg_heartbeat last; /* newest content */
	ha_time last_at;
	ha_time reach_since; /* since when it says so, if last has MSG_FLAG_REACH_OK */
	struct ha_mac mac;   /* on management; zero = not known */
	bool offset_known;   /* its clock against ours, for Y6 */
	int64_t offset_us;
};

struct node_station {
	struct ha_address address;
	struct ha_mac mac; /* zero = not known yet */
	bool answered;     /* in this boot */
	bool configured;
	ha_time heard;
};

struct node_reach {
	unsigned n;
	struct node_station station[2 * NODE_STATIONS_MAX];
	ha_time evidence; /* newest foreign frame or answer; -1 = never */
	ha_time asked;    /* first question since then; HA_NEVER = none */
	ha_time last_ask, next_ask;
	bool deaf_reported;
};

struct node_probe {
	bool running;
	ha_time next;
	ha_time last;     /* when the newest that counts in n was sent */
	ha_time answered; /* when one was last answered by the peer's MAC; -1 = never */
	ha_time third;    /* ... by anybody else; -1 = never */
	unsigned n;       /* unanswered in a row, up to three */
};

struct node_solicit {
	bool running;
	ha_time since, until; /* of the wait for an ANSWER (T3) */
	uint64_t nonce;
	unsigned sent;
	ha_time next;
	bool unanswered; /* it ran out: the peer counts as silent until it is heard again */
};

struct node_handover {
	struct msg_handover own; /* what the heartbeat says */
	bool giving;
	bool releasing; /* acknowledged: the address is being deleted */
	enum ha_reason why;
	ha_time since;       /* of the intent, then of the release, then of the resignation */
	ha_time released_at; /* for the measured time of a swap */
	ha_time retry_at;    /* a failed one is not tried again before */
	uint32_t number;     /* last used */
	uint32_t request;    /* of the operator who asked; 0 = none */
};

struct node_lease {
	uint64_t id;
	bool wanted;      /* acquired and not released */
	bool releasing;   /* ACT_RELEASE sent, not confirmed */
	uint32_t on;      /* addresses on the interface */
	ha_time deadline; /* of the last ACT_HOLD */
	ha_time partial; /* since when some address is not on although others are; HA_NEVER = none */
	bool partial_reported;
	ha_time again; /* L4: lost, and acquired anew by a timer's step before then; HA_NEVER = not so */
	ha_time failing; /* the guardian owes a confirmation since then; HA_NEVER = it does not */
};

/* Other virtual IPs (SPEC 5.12). */
struct node_readdress {
	bool pending;  /* they are taken on when nothing is held any more */
	bool changing; /* the lease on the former ones was released for them */
	unsigned n;
	struct ha_address vip[HA_VIP_MAX];
};

struct node_announce {
	uint32_t mask; /* addresses being announced */
	unsigned arp_n, na_n;
	ha_time since, refresh;
	ha_time defended; /* against a third party, or reported one */
};

struct node {
	struct node_config config;
	ha_time now, born, last_step;
	ha_time deadline, tick;
	ha_time beat_at; /* newest heartbeat sent */
	enum ha_mode mode;
	enum ha_state state;
	enum ha_reason reason;
	ha_time since;
	enum ha_claim claim;
	uint64_t number;     /* of the state, rises each heartbeat round */
	uint64_t term;       /* newest this node held under; what the heartbeat says */
	uint64_t term_known; /* newest of the cluster: held by either */
	uint64_t
		term_floor; /* above it the next own term is taken: every one ever used or reserved */
	uint64_t reserved;  /* next own, on disk */
	uint64_t reserving; /* being written */
	uint64_t save_number;
	ha_time save_retry; /* a save that failed is tried again then; HA_NEVER = none did */
	bool dirty;         /* what must be durable has changed since the last ACT_SAVE */
	bool kick; /* public state has changed: a heartbeat goes out at the end of the step */
	bool suspended, leaving, whole_copy, in_sync, disproved;
	bool going_on;                    /* U1: to hold on at the first step */
	bool check_failing, check_failed; /* EV_CHECK */
	bool stuck; /* Y1: a check failed and nobody is ready to take over: reported */
	ha_time suspended_until;
	struct msg_lineage lineage;
	struct node_path path[HA_PATH_N];
	struct node_peer peer;
	struct node_reach reach;
	struct node_probe probe;
	struct node_solicit solicit;
	struct node_handover handover;
	struct node_lease lease;
	struct node_readdress readdress;
	struct node_announce announce;
	ha_time nobody_since;  /* T4: both audible and none holds; HA_NEVER = not so */
	bool nobody_reluctant; /* ... and it would take as a last resort only (T4a) */
	ha_time watch_until;   /* Y6: no judgement before */
	ha_time boot_until;    /* T5: HA_NEVER while management has no carrier */
	bool conflict;         /* both claim: reported */
	ha_time check_hold_until, guardian_hold_until; /* Y1: not eligible before; HA_NEVER =
							   not before the checks pass */
	ha_time check_hold, guardian_hold;             /* how long the newest lasted */
	ha_time verify_since; /* V1: of a promotion without the peer's word; HA_NEVER = none */
	uint64_t nonce;
	struct node_worst late_worst;
};

#endif
