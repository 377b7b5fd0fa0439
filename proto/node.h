/* node.h - the failover decision of one node of the pair.
 *
 * Pure: no clock, no I/O, no heap, no log, no globals. The caller says what happened and when; node_step() answers
 * with what to do, in order. Equal inputs give equal outputs: the simulator and every replayed bug rest on that.
 * Rules are numbered in SPEC.md section 5; the code cites them.
 *
 *   node.c      events in, transitions, actions out        judge.c    may this node hold, which of two should
 *   peer.c      what is known of the peer, per path        reach.c    does management reach the segment
 *   handover.c  T1, the orderly change of holder           lease.c    the hold on the virtual IP, announcements
 */
#ifndef HA_PROTO_NODE_H
#define HA_PROTO_NODE_H

#include "proto/msg.h"
#include "proto/node_state.h"
#include "proto/reason.h"
#include "proto/types.h"

enum node_event_type {
	EV_TIMER = 1, /* node_deadline() has come */
	EV_CARRIER, /* carrier of a path's interface, as asked or notified; repeats are harmless */
	EV_SESSION, /* a session is up on a path: path, boot of the peer */
	EV_HEARTBEAT, /* path, heard_at, counter, heartbeat */
	EV_SOLICIT,   /* path, heard_at, counter, nonce: answered at once */
	EV_ANSWER,    /* path, heard_at, counter, nonce */
	EV_PEER_MAC,  /* the peer's MAC on management is known now: mac */
	EV_SEGMENT,   /* an ARP or ND frame from the management segment: heard_at, segment */
	EV_WITNESS,   /* the list of configured witnesses or default gateways: witness, n */
	EV_LEASE,     /* from the guardian: lease */
	EV_GUARDIAN,  /* the guardian's condition: fenced */
	EV_SAVED,  /* durable state of that number is on disk (ok), or could not be written (!ok) */
	EV_CHECK,  /* the service checks as a whole: ok, or failed beyond recovery */
	EV_COPY,   /* the copy of the settings: whole, in_sync, lineage */
	EV_PAIRED, /* a join was completed: paired */
	EV_OPERATOR, /* op, request */
};

enum node_op {
	OP_SWAP = 1, /* at the active: hand over to the passive (T1) */
	OP_SUSPEND,  /* no takeover until resumed (S1) */
	OP_RESUME,
	OP_FORCE,    /* become active in spite of T5's conditions */
	OP_SHUTDOWN, /* SIGTERM: hand over if the peer is ready, else release; then ACT_EXIT */
};

struct node_event {
	enum node_event_type type;
	ha_time now;
	enum ha_path path;
	ha_time heard_at; /* kernel's receive time, <= now */
	uint64_t counter;
	uint64_t nonce;
	uint64_t boot;
	bool up;         /* EV_CARRIER */
	bool ok;         /* EV_SAVED, EV_CHECK, EV_GUARDIAN (fence in place) */
	uint64_t number; /* EV_SAVED */
	struct msg_heartbeat heartbeat;
	struct ha_mac mac;
	struct segment_frame segment;
	struct {
		unsigned n;
		struct ha_address address[NODE_STATIONS_MAX];
	} witness;
	struct {
		uint64_t id;
		enum {
			NODE_LEASE_HELD = 1,
			NODE_LEASE_DROPPED,
			NODE_LEASE_FAILED
		} status;
		uint32_t on; /* HELD: bit i = config.vip[i] */
		bool gone;   /* DROPPED: because the interface is gone */
	} lease;
	struct {
		bool whole, in_sync;
		struct msg_lineage lineage;
	} copy;
	struct {
		enum ha_mode mode;
		bool lower;
		uint64_t term; /* the cluster's */
		unsigned vip_n;
		struct ha_address vip[HA_VIP_MAX];
	} paired;
	enum node_op op;
	uint32_t request; /* comes back in ACT_REPLY */
};

enum node_action_type {
	ACT_HEARTBEAT = 1, /* send one on path: node_heartbeat() gives the body */
	ACT_SOLICIT,       /* path, nonce; on management by unicast and to the group */
	ACT_ANSWER,        /* path, nonce */
	ACT_PROBE,    /* ask mac (zero: broadcast) on management who has address: a virtual IP */
	ACT_ASK,      /* ask a witness: address, mac (zero: broadcast) */
	ACT_ALIVE,    /* tell the guardian that the engine lives */
	ACT_HOLD,     /* lease, deadline: acquire or renew */
	ACT_RELEASE,  /* lease */
	ACT_ANNOUNCE, /* mask of config.vip; arp, na: which forms */
	ACT_SAVE,     /* make durable: node_durable(); answer with EV_SAVED of that number */
	ACT_EVENT,    /* event, from, to, reason, detail: history, log, hooks */
	ACT_REPLY,    /* request, refusal, took: to whoever asked */
	ACT_EXIT,     /* shutdown is complete */
};

/* What history and log report. Stored on disk: append only. */
enum node_event_code {
	EVENT_NONE = 0,
	EVENT_STATE,           /* from, to, reason */
	EVENT_PATH_UP,         /* detail = path */
	EVENT_PATH_DOWN,       /* detail = path: silent for the dead interval */
	EVENT_CARRIER_UP,      /* detail = path */
	EVENT_CARRIER_DOWN,    /* detail = path */
	EVENT_THIRD_PARTY,     /* another station claims a virtual IP: detail = index of it */
	EVENT_LEASE_LOST,      /* the guardian withdrew the virtual IP */
	EVENT_HANDOVER_FAILED, /* detail = enum node_refusal */
	EVENT_SUSPENDED,
	EVENT_RESUMED,
	EVENT_DEAF,           /* management hears nobody */
	EVENT_REACH_OK,       /* ... hears the segment again */
	EVENT_PEER_RESTARTED, /* detail = low bits of its boot number */
	EVENT_CONFLICT,       /* both claimed: detail 0 = this node yields, 1 = it stays */
	EVENT_DISPROVED,      /* V1 */
	EVENT_STORE_FAILED,
	EVENT_JOINED,
	EVENT_STARTED,
	EVENT_ADDRESS_MISSING, /* held, but not all of it: detail = mask of what is not on */
	EVENT_ADDRESSES_WHOLE,
	EVENT_CODE_N,
};

enum node_refusal {
	REFUSED_NOT = 0,        /* done */
	REFUSED_NOT_ACTIVE,     /* only the active can; it is named by its address */
	REFUSED_NO_PEER,        /* no passive is heard */
	REFUSED_PEER_NOT_READY, /* it is heard but not eligible: its reasons are in the dump */
	REFUSED_BUSY,           /* a handover is under way */
	REFUSED_TIMEOUT,        /* the passive did not answer in time */
	REFUSED_UNPAIRED,
	REFUSED_STORE,       /* state could not be made durable */
	REFUSED_PEER_ACTIVE, /* the peer holds the virtual IP */
	REFUSED_N,
};

struct node_action {
	enum node_action_type type;
	enum ha_path path;
	uint64_t nonce;
	struct ha_address address;
	struct ha_mac mac;
	uint64_t lease;
	ha_time deadline;
	uint32_t mask;
	bool arp, na;
	uint64_t number;
	enum node_event_code event;
	enum ha_state from, to;
	enum ha_reason reason;
	uint32_t detail;
	uint64_t term;
	uint32_t request;
	enum node_refusal refusal;
	ha_time took; /* ACT_REPLY of a swap: from the address released until the peer was heard taking it */
};

enum {
	NODE_ACTIONS_MAX = 64,
};

struct node_actions {
	unsigned n;
	struct node_action a[NODE_ACTIONS_MAX];
};

void node_init(struct node *, const struct node_config *, ha_time now);
void node_step(struct node *, const struct node_event *, struct node_actions *out);
ha_time node_deadline(
	const struct node *); /* when EV_TIMER is due, never HA_NEVER: a heartbeat always is */

/* The heartbeat to send on path at now. */
void node_heartbeat(const struct node *, enum ha_path, ha_time now, struct msg_heartbeat *out);

/* What has to be on disk (ACT_SAVE). */
struct node_durable {
	uint64_t term, held_term, reserved;
	enum ha_mode mode;
	bool suspended, whole_copy, in_sync;
};
void node_durable(const struct node *, struct node_durable *out);

/* For the dump; pure functions of the node at a time. */
uint16_t node_why_not(const struct node *, ha_time now); /* enum msg_why_not; 0 = eligible */
bool node_path_audible(const struct node *, enum ha_path, ha_time now);
bool node_peer_audible(const struct node *, ha_time now); /* on any path */
bool node_peer_ready(const struct node *, ha_time now);   /* could take over now */
bool node_degraded(const struct node *, ha_time now);

const char *node_event_name(enum node_event_code); /* "state", "path_up", ... */
const char *node_refusal_text(enum node_refusal);  /* for people */
const char *node_why_not_text(enum msg_why_not);   /* of one bit */

#endif
