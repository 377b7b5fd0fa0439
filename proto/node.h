/* node.h - the failover decision of one node of the pair.
 *
 * Pure: no clock, no I/O, no heap, no log, no globals. The caller says what happened and when; node_step() answers
 * with what to do, in order. Equal inputs give equal outputs: the simulator and every replayed bug rest on that.
 * Rules are numbered in SPEC.md section 5; the code cites them.
 *
 *   node.c      events in, transitions, actions out        judge.c    may this node hold, which of two should
 *   peer.c      what is known of the peer, per path        reach.c    does management reach the segment
 *   handover.c  T1, the orderly change of holder           lease.c    the hold on the virtual IP, announcements
 *   suspend.c   S1, no takeover for a while                pair.c     a pair begins, and ends
 *   operate.c   what an operator asks for, and refusals    readdress.c  other virtual IPs
 *   node_view.c, node_names.c   seen from outside
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
	EV_CHECK,  /* the service checks as a whole: check */
	EV_COPY,   /* the copy of the settings: whole, in_sync, lineage */
	EV_PAIRED, /* a join was completed: paired */
	EV_UNPAIRED,  /* the pair has ended, for this node: unpaired */
	EV_OPERATOR,  /* op, request */
	EV_ADDRESSES, /* the virtual IPs are others, on disk: addresses */
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
	bool ok;         /* EV_SAVED, EV_GUARDIAN (fence in place) */
	uint64_t number; /* EV_SAVED */
	struct msg_heartbeat heartbeat;
	struct ha_mac mac;
	struct segment_frame segment;
	struct {
		unsigned n;
		struct ha_address address[NODE_STATIONS_MAX];
		bool again; /* the configuration is another: learn counts from now on */
		bool learn; /* stations heard serve as witnesses, too */
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
	struct {
		bool failing; /* some check is down: a passive is not eligible */
		bool failed;  /* ... and beyond recovery: a holder hands over (Y1) */
	} check;
	struct {
		enum msg_parting
			why; /* PARTING_DETACHED, _REMOVED (by the other), _LEFT (--remove here) */
		unsigned vip_n; /* the virtual IPs from now on: a holder's stay as they are */
		struct ha_address vip[HA_VIP_MAX];
		bool keeps; /* the virtual IP is this node's: node_keeps(), as the record has it */
	} unpaired;
	struct {
		unsigned n;
		struct ha_address vip[HA_VIP_MAX];
	} addresses;
	enum node_op op;
	ha_time until;    /* OP_SUSPEND: when it ends by itself; HA_NEVER: when it is resumed */
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
	EVENT_SUSPENDED,       /* detail = s that it lasts, 0 = until it is resumed */
	EVENT_RESUMED,         /* by reason: resumed, or its time has passed */
	EVENT_DEAF,            /* management hears nobody */
	EVENT_REACH_OK,        /* ... hears the segment again */
	EVENT_PEER_RESTARTED,  /* detail = low bits of its boot number */
	EVENT_CONFLICT,        /* both claimed: detail 0 = this node yields, 1 = it stays */
	EVENT_DISPROVED,       /* V1 */
	EVENT_STORE_FAILED,
	EVENT_JOINED,
	EVENT_STARTED,
	EVENT_ADDRESS_MISSING, /* held, but not all of it: detail = mask of what is not on */
	EVENT_ADDRESSES_WHOLE,
	EVENT_COPY_WHOLE,  /* the first whole copy of the settings: it may take over now */
	EVENT_OUT_OF_SYNC, /* the passive's copy is not the newest */
	EVENT_IN_SYNC,
	EVENT_NO_HANDOVER, /* a check failed beyond recovery, and no passive is ready: it stays (Y1) */
	EVENT_DETACHED,    /* the pair has ended; detail = enum msg_parting */
	/* not of the node, but in the same history; most have a subject */
	EVENT_CHECK_FAILING,    /* subject = check */
	EVENT_CHECK_RECOVERING, /* ... detail = attempt */
	EVENT_CHECK_FAILED,     /* ... beyond recovery; detail = attempts made */
	EVENT_CHECK_RECOVERED,  /* ... passes again */
	EVENT_HOOK_FAILED,      /* subject = hook; detail = exit status */
	EVENT_HOOK_TIMEOUT,     /* subject = hook; detail = ms */
	EVENT_VERSION_MISMATCH, /* of the pair's firmware, hotfix or patch: sync pauses */
	EVENT_VERSION_MATCH,
	EVENT_STRANGER, /* an appliance that is no member knocked: subject = its name or fingerprint */
	EVENT_SYNC_FAILED,   /* the settings cannot be synced: subject = why, cut to fit */
	EVENT_SETTINGS_KEPT, /* own changes that had to give way were kept aside; detail = files */
	EVENT_SETTINGS_COMMAND, /* subject = "export" or "import" failed; detail = section */
	EVENT_VIRTUAL_IP,       /* they are others: detail = how many, subject = the first */
	EVENT_CODE_N,
};

/* What an operator is to make of it. */
enum node_level {
	LEVEL_INFORMATIONAL = 0,
	LEVEL_IMPORTANT,
	LEVEL_CRITICAL,
};

enum node_refusal {
	REFUSED_NOT = 0,        /* done */
	REFUSED_NOT_ACTIVE,     /* only the active can; it is named by its address */
	REFUSED_NO_PEER,        /* no passive is heard */
	REFUSED_PEER_NOT_READY, /* it is heard but not eligible: its reasons are in the dump */
	REFUSED_BUSY,           /* a handover is under way */
	REFUSED_TIMEOUT,        /* the passive did not answer in time */
	REFUSED_UNPAIRED,
	REFUSED_STORE,        /* state could not be made durable */
	REFUSED_PEER_ACTIVE,  /* the peer holds the virtual IP */
	REFUSED_SYNCING,      /* the first whole copy of the settings is under way */
	REFUSED_PEER_HEARD,   /* --remove is for a peer that is not reachable */
	REFUSED_NO_VIP,       /* there is no virtual IP to hold */
	REFUSED_VIP_TAKEN,    /* without a pair: another station answers for it */
	REFUSED_READDRESSING, /* a change of the virtual IP is under way */
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
	ha_time suspended_until; /* HA_NEVER: until it is resumed */
};
void node_durable(const struct node *, struct node_durable *out);

/* For the dump; pure functions of the node at a time. */
uint16_t node_why_not(const struct node *, ha_time now); /* enum msg_why_not; 0 = eligible */
bool node_path_audible(const struct node *, enum ha_path, ha_time now);
bool node_peer_audible(const struct node *, ha_time now); /* on any path */
bool node_peer_ready(const struct node *, ha_time now);   /* could take over now */
bool node_degraded(const struct node *, ha_time now);

/* Is it the holder, and may it be silent for a moment with the virtual IP left on (SPEC 5.U1)? */
bool node_may_go_on(const struct node *, ha_time now);

/* May an operator do so at this node now? What follows is the caller's: the exchange with the peer, the record, and
 * EV_UNPAIRED or EV_PAIRED at its end (SPEC 5.10). */
enum node_refusal node_may_swap(const struct node *, ha_time now);
enum node_refusal node_may_suspend(const struct node *, ha_time now); /* and resume */
enum node_refusal node_may_detach(const struct node *, ha_time now);
enum node_refusal node_may_remove(const struct node *, ha_time now);
enum node_refusal node_may_readdress(const struct node *, ha_time now); /* SPEC 5.12 */
/* The same for DETACH_REQUEST of the peer. */
enum msg_detach_refusal node_may_be_detached(const struct node *, ha_time now);
/* ... and for a proposal of other virtual IPs. */
enum msg_addresses_refusal node_may_be_readdressed(const struct node *, ha_time now);
/* Is the peer the one whose virtual IPs count, if they are others than this node's (SPEC 5.X4)? */
bool node_follows(const struct node *, ha_time now);
/* Does this node keep the virtual IP if the pair ends so? by_peer: it was asked by DETACH_REQUEST. To be asked once,
 * for the record and for EV_UNPAIRED: what holds may change while the record is written (SPEC 5.D1). */
bool node_keeps(const struct node *, enum msg_parting why, bool by_peer);

/* Roles as hooks and registration see them; ROLE_NONE while it is not decided (initializing). */
enum node_role {
	ROLE_NONE = 0,
	ROLE_STANDALONE,
	ROLE_ACTIVE,
	ROLE_PASSIVE, /* also suspended, isolated and faulted: it does not process */
	ROLE_N,
};
enum node_role node_role(const struct node *);
const char *node_role_name(enum node_role); /* "none", "standalone", "active", "passive" */

const char *node_event_name(enum node_event_code); /* "state", "path_up", ... */
enum node_level node_event_level(enum node_event_code, enum ha_state from, enum ha_state to,
				 enum ha_reason);
const char *node_level_name(enum node_level);     /* "informational", "important", "critical" */
const char *node_refusal_text(enum node_refusal); /* for people */
const char *node_why_not_name(enum msg_why_not);  /* of one bit: "no_copy", "deaf", ... */
const char *node_why_not_text(enum msg_why_not);  /* of one bit */

#endif
