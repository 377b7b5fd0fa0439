/* engine_state.h - the struct behind engine.h, and what its files ask of each other.
 *
 *   engine.c  start, loop, timers, sessions         hear.c   frames in, events out
 *   kin.c     guardian and steward                  act.c    actions out
 *   watch.c   what netlink reports, carrier         serve.c  operators
 *   meet.c    two that are no pair yet: the join    part.c   the end of a pair
 *   knock.c   beacons, strangers, former peers      role.c   what the rest of the appliance is told
 *   copy.c    the copy of the settings               reconfigure.c  another configuration
 *   readdress.c  other virtual IPs
 *
 * There is one engine in a process, all of it static. Once it runs, nothing here allocates, blocks
 * or writes a log line between an event and its actions; only an interface that was deleted and
 * comes back costs an allocation and a wait, at its opening.
 */
#ifndef HA_AGENT_ENGINE_STATE_H
#define HA_AGENT_ENGINE_STATE_H

#include "agent/addresses.h"
#include "agent/config.h"
#include "agent/control.h"
#include "agent/dump.h"
#include "agent/dump_sync.h"
#include "agent/ipc.h"
#include "agent/join.h"
#include "agent/loop.h"
#include "agent/loss.h"
#include "agent/plug.h"
#include "agent/recorder.h"
#include "agent/second.h"
#include "agent/segment.h"
#include "agent/survey.h"
#include "agent/wire.h"
#include "netlink/carrier.h"
#include "netlink/monitor.h"
#include "proto/account.h"
#include "proto/node.h"
#include "proto/session.h"

enum {
	ENGINE_ENTROPY_N = 32, /* portions of randomness at hand */
};

#define ENGINE_ALIVE       (100 * HA_MS) /* a fifth of the guardian's patience, or a heartbeat */
#define ENGINE_REOPEN      (100 * HA_MS) /* between attempts at an absent interface */
#define ENGINE_IDENTITY    HA_SEC
#define ENGINE_BUSY        (5 * HA_MS) /* without waiting for anything: a flood */
#define ENGINE_BEACON      HA_SEC
#define ENGINE_SUSPEND_MAX (30 * 86400 * HA_SEC)
#define ENGINE_OWN_SAVE    (UINT64_C(1) << 63) /* in numbers of saves that the node did not ask for */

struct engine_path {
	struct wire wire;
	ha_time reopen_at; /* HA_NEVER while it is open */
	struct plug plug;
	int carrier; /* as last asked: 1, 0, or -1 = not yet */
	bool paired; /* session is in use */
	struct session session;
	uint64_t sent, received; /* heartbeats */
	struct loss loss;        /* of the peer's */
	struct second second;
	uint64_t drop[DROP_N];
};

/* Leaving the pair. */
struct part {
	enum part_phase {
		PART_IDLE = 0,
		PART_ASKING, /* active: DETACH_REQUEST is sent until it is answered */
		PART_SAVING, /* the record without the pair is on its way to the disk */
	} phase;
	enum msg_parting why;
	bool keeps;                /* PART_SAVING: the virtual IP stays here */
	ha_time until, next;       /* PART_ASKING */
	uint64_t save;             /* PART_SAVING: its number */
	uint32_t request;          /* of the control client that waits; 0 = none */
	bool asked;                /* by the peer: it waits for DETACH_DONE */
	char name[STORE_NAME_LEN]; /* of the peer, when it is none any more */
};

enum {
	COPY_WAITS_MAX = CONTROL_CLIENTS_MAX,
};

/* Other virtual IPs: readdress.c. */
struct readdress {
	enum readdress_phase {
		READDRESS_IDLE = 0,
		READDRESS_PROBING, /* does anybody answer for those that are new? */
		READDRESS_ASKING,  /* active of a pair: the proposal is sent until it is answered */
		READDRESS_SAVING,  /* the record with them is on its way to the disk */
		READDRESS_CHANGING, /* ... and there: the node is changing over */
	} phase;
	struct addresses addresses;
	ha_time until, next;
	unsigned probes;  /* sent of each */
	uint64_t save;    /* READDRESS_SAVING: its number */
	uint32_t request; /* of the control client that waits; 0 = none */
	bool proposed;    /* by the peer, who waits for an answer */
	bool adopted;     /* ... or what it has, and nobody has asked */
	ha_time settled;  /* what was accepted is not taken back by the peer's older word before */
};

/* The syncer's side of things. */
struct copy {
	int fd;                /* -1: there is none */
	bool told, untold;     /* what is told was taken; something was not */
	struct copy_self self; /* as it was told last */
	bool keyed;
	uint8_t exporter[HA_KEY_LEN];
	bool reported;
	bool failed;               /* it is in the history; until they are the same again */
	struct sync_report report; /* the newest; that of the one before, until another comes */
	struct copy_wait {
		uint32_t number; /* of a request under way; 0 = free */
		bool swap;       /* when it is answered, one way or the other, the swap begins */
	} wait[COPY_WAITS_MAX];
	struct dump_sync_section section[CONFIG_SETTINGS_MAX]; /* its commands */
	uint32_t run_number[CONFIG_SETTINGS_MAX][2]; /* of those that run: export, import */
	bool applying;                               /* settings-applied runs, by ... */
	uint32_t applied_number;
	ha_time waited_since; /* for a commit, before the active processes; 0 = it does not */
	ha_time failed_at;    /* an event that it failed was last reported */
	uint64_t held_saved,
		held_saving; /* held_term on disk; and in the save that is under way ... */
	uint64_t save;       /* ... of this number */
};

struct engine {
	struct config config;
	struct loop loop;
	int guardian, steward; /* steward: -1 while there is none */
	struct carrier carrier;
	struct monitor monitor;
	struct segment segment;
	struct control control;
	struct engine_path path[HA_PATH_N];

	bool recorded, history_whole; /* what the steward has sent so far */
	bool store_ok;                /* it could read all of it */
	bool running;                 /* there is a node */
	struct node node;
	struct node_actions actions;
	struct account account;          /* of its last change of role */
	struct msg_account peer_account; /* by our clock; decided == 0: none was heard */
	ha_time peer_rtt;                /* least since its clock is known, at each of them */
	ha_time now;                     /* newest time that the node was given */
	ha_time lateness;
	struct ipc_message status; /* newest IPC_STATUS */

	/* As last written or read, but for what the node keeps: act_record() has the whole. */
	struct store_record record;
	struct store_key key;
	uint64_t node_save, own_save; /* last numbers used */
	bool save_failed; /* not handed to the steward: the node is told at the next wake */
	bool unsaved;     /* ... and it has not been since */

	bool meeting_on; /* the XX session is in use */
	struct session meeting;
	bool meeting_relayed; /* its next frame goes to the group that bridges forward */
	struct join join;
	struct survey survey;
	int stations; /* who else is on the link: open while a survey lasts, else -1 */
	ha_time stations_until;
	struct ha_address join_address; /* of the newest test or request heard */
	uint64_t join_save;             /* number of the save that the join waits for; 0 = none */
	uint32_t join_request;          /* of the control client that waits */
	struct requirement_view tested; /* what the newest test was judged by, as it was then */
	struct msg_identity tested_own, tested_peer;

	struct part part;
	struct readdress readdress;
	struct copy copy;
	struct dump_stranger stranger[DUMP_STRANGERS_MAX];
	ha_time beacon_at, stranger_reported;
	ha_time disown_at[HA_PATH_N][STORE_FORMER_MAX]; /* not before: one of record.former */

	struct dump_check check[CONFIG_CHECKS_MAX];
	struct dump_hook hook[HOOK_N];
	bool mismatch;     /* of the pair's firmware, hotfix or patch */
	bool told;         /* occasion is what the steward was told last */
	ha_time undecided; /* since when there is no role; 0 = there is one */
	struct hook_occasion occasion;
	uint32_t transitions;

	struct msg_identity own, peer;
	bool peer_known;
	ha_time identity_at;
	ha_time carrier_at; /* last asked */
	int pulse; /* timerfd: when the cable is asked beside that; periodic, or not armed */
	bool pulsing;
	ha_time alive_at;            /* when the guardian was last told that nothing is held */
	bool witness_again;          /* their configuration has changed */
	struct config_report report; /* of the newest reload or upgrade; number 0: there was none */
	int64_t report_at;           /* when it came */
	bool router;                 /* this host forwards IPv6: R in its advertisements */

	struct dump_history history;
	unsigned unlogged; /* newest events that are still to be logged */

	uint8_t entropy[ENGINE_ENTROPY_N][SESSION_ENTROPY_LEN];
	unsigned entropy_n; /* portions left */
	uint64_t floods, ipc_errors, state_changes;

	struct recorder recorder;
	uint64_t decisions; /* in it so far */
};

/* ---- engine.c ---- */
ha_time engine_now(struct engine *);                    /* never runs backwards */
void engine_feed(struct engine *, struct node_event *); /* fills in the time, steps, acts */
void engine_open_sessions(struct engine *);             /* KK on both paths, by the record */
void engine_close_sessions(struct engine *);            /* and forgets their keys */
const uint8_t *engine_entropy(struct engine *); /* SESSION_ENTROPY_LEN bytes; stays until spent */
void engine_entropy_spent(struct engine *);
void engine_fatal(const char *what, int error) __attribute__((noreturn));

/* ---- kin.c ---- */
loop_fn kin_guardian_ready, kin_steward_ready; /* the engine is their argument */

/* ---- hear.c ---- */
int hear_open(struct engine *, enum ha_path);   /* opens the wire and watches it: 0 or -errno */
void hear_close(struct engine *, enum ha_path); /* and opens it anew at once */
void hear_output(struct engine *, struct session *, enum ha_path, const struct session_output *,
		 const struct ha_mac *from); /* what a session's call asked for */

/* ---- act.c ---- */
void act_carry_out(struct engine *, const struct node_actions *);
bool act_message(struct engine *, enum ha_path, enum msg_type, const uint8_t *body, size_t len);
void act_meeting(struct engine *, enum msg_type, const uint8_t *body, size_t len); /* over XX */
void act_frame(struct engine *, enum ha_path, const struct ha_mac *to, const uint8_t *frame,
	       size_t len); /* to NULL = the group, as always on the link */
void act_link_frame(struct engine *, bool relayed, const uint8_t *frame, size_t len);
void act_question(struct engine *, const struct node_action *); /* ACT_PROBE, ACT_ASK */
void act_identity(struct engine *, bool meeting);               /* on both paths; or over XX */
void act_account(struct engine *);          /* ... if there is one, on both paths */
void act_refresh_identity(struct engine *); /* and sends it when it has changed */
void act_record(const struct engine *, struct store_record *); /* what has to be on disk now */
bool act_save(struct engine *, uint64_t number); /* false: the steward does not take it */
void act_event(struct engine *,
	       const struct node_action *); /* ACT_EVENT: history, and later the log */
void act_report(struct engine *, enum node_event_code, const char *subject,
		uint32_t detail); /* the engine's own events, into the same history */
int64_t act_realtime(void);       /* the wall clock, ns */
void act_log(struct engine *);    /* the events that are still to be logged */

/* ---- watch.c ---- */
int watch_open(struct engine *); /* 0 or -errno */
void watch_carrier(struct engine *, ha_time now);
void watch_follow(struct engine *, ha_time now); /* after each wake: carrier, if it is time */
void watch_witnesses(struct engine *);

/* ---- serve.c ---- */
bool serve_request(void *engine, enum control_action, const json_t *, uint32_t number,
		   struct control_answer *);
void serve_reply(struct engine *, const struct node_action *); /* ACT_REPLY */
void serve_swap(struct engine *, uint32_t number);
void serve_operators(struct engine *); /* by the configuration, as it is now */
void serve_refusal(const struct engine *, enum node_refusal, char text[CONTROL_TEXT_MAX]);
/* Why it joins nobody: it is still copying, or is one of two; and whom to ask then. */
void serve_paired(const struct engine *, char text[CONTROL_TEXT_MAX]);

/* ---- meet.c ---- */
/* A test, or what a join begins with, is under way here. */
bool meet_is_judging(const struct engine *);
/* May one be asked for now? False: text says why not. */
bool meet_may(struct engine *, bool test_only, char text[CONTROL_TEXT_MAX]);
/* --test-connection or --join: false, the answer comes later; true: it is complete. confirmed: the fingerprint that
 * the operator has seen, and no other key is to be pinned; NULL: any. */
bool meet_start(struct engine *, const struct ha_address *, bool test_only, const char *confirmed,
		uint32_t number, struct control_answer *);
void meet_open(struct engine *, bool initiator); /* the XX session on the link, anew */
void meet_rekey(struct engine *);                /* the passphrase is another */
void meet_up(struct engine *);                   /* ... is up */
void meet_heard(struct engine *, const struct ha_mac *from, bool relayed); /* a frame of it */
void meet_identity(struct engine *, const struct msg_identity *);
void meet_malformed(struct engine *); /* what is out of range instead */
void meet_message(struct engine *, const struct msg_join *);
void meet_segment(struct engine *, const struct segment_frame *);
void meet_saved(struct engine *, uint64_t number, bool ok);
ha_time meet_deadline(const struct engine *);
void meet_timer(struct engine *, ha_time now);
/* The requirements as they are judged now: of a pair, or of the newest test. False: there is neither. */
bool meet_table(struct engine *, struct requirement_view *, uint8_t cause[REQUIREMENT_N]);

/* ---- part.c ---- */
bool part_start(struct engine *, enum control_action, uint32_t number, struct control_answer *);
void part_message(struct engine *, const struct msg_detach *);
void part_disowned(struct engine *, enum msg_parting why); /* by the pinned peer */
void part_saved(struct engine *, uint64_t number, bool ok);
void part_record(const struct engine *, struct store_record *); /* the record without the pair */
ha_time part_deadline(const struct engine *);
void part_timer(struct engine *, ha_time now);

/* ---- readdress.c ---- */
bool readdress_start(struct engine *, const json_t *request, uint32_t number,
		     struct control_answer *); /* --virtual-ip */
/* May it be asked for now? False: text says why not. */
bool readdress_may(struct engine *, char text[CONTROL_TEXT_MAX]);
bool readdress_is_busy(const struct engine *);
void readdress_message(struct engine *, const struct msg_addresses *);
void readdress_segment(struct engine *, const struct segment_frame *);
void readdress_record(const struct engine *, struct store_record *); /* ... with them in it */
void readdress_saved(struct engine *, uint64_t number, bool ok);
void readdress_give_up(struct engine *); /* the pair that it was for ends */
void readdress_steward(
	struct engine *); /* there is another one: what it is to write is said again */
ha_time readdress_deadline(const struct engine *);
void readdress_timer(struct engine *, ha_time now);
void readdress_after(
	struct engine *); /* after each wake: is it done, does the holder have others? */

/* ---- knock.c ---- */
/* One is heard, whose sender has no pair, or does not say so. */
void knock_beacon(struct engine *, enum ha_path, const struct msg_beacon *, bool unpaired);
void knock_timer(struct engine *, ha_time now);                     /* says the own ones */
void knock_readmit(struct engine *, const uint8_t key[HA_KEY_LEN]); /* it is no stranger any more */

/* ---- role.c ---- */
void role_follow(struct engine *); /* after each wake: tells the steward what has changed */
void role_registration(const struct engine *, struct dump_registration *);
void role_identities(struct engine *); /* own or peer's identity has changed: same versions? */
void role_check(struct engine *, const struct ipc_message *); /* IPC_CHECK */
void role_hook(struct engine *, const struct ipc_message *);  /* IPC_HOOK */

void role_feed_checks(struct engine *); /* how they are, to the node */

/* ---- reconfigure.c ---- */
void reconfigure(struct engine *, int fd);        /* IPC_CONFIG; closes it */
void reconfigure_report(struct engine *, int fd); /* IPC_CONFIG_REPORT; likewise */

/* ---- copy.c ---- */
void copy_close(
	struct engine *); /* the syncer and the commands of the settings are about to be others */
int copy_open(struct engine *, int fd); /* a syncer is on the other end of it; 0 or -ENOSPC */
void copy_follow(struct engine *);      /* after each wake: tells the syncer what has changed */
void copy_begin(struct engine *);       /* the node is there, or a pair has begun */
void copy_ran(struct engine *, const struct ipc_message *); /* IPC_RAN of the steward */
void copy_steward_gone(struct engine *);
bool copy_is_waited_for(struct engine *); /* by who became active: a commit is being written */
/* --sync (compare) or --barrier: false, the answer comes later; true: it is complete. */
bool copy_start(struct engine *, bool compare, ha_time until, uint32_t number,
		struct control_answer *);
/* Before a swap: true, serve_swap is called when the passive has every setting, or has had its time for it; false: there
 * is nothing to wait for. */
bool copy_settle(struct engine *, uint32_t number);
void copy_view(const struct engine *, const struct dump_view *, struct dump_sync *out);

#endif
