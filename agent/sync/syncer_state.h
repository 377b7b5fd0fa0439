/* syncer_state.h - the struct behind syncer.h, and what its files ask of each other.
 *
 *   start.c    root's part of the start, and what is read first    index.c  the index on disk
 *   syncer.c   loop, timers; kin and what they are told            give.c  leading: entries and contents out
 *   settle.c   scan, changes, exports: when the trees are settled  take.c  following: entries and contents in
 *   scrub.c    reading everything again, slowly                    errand.c  exports and imports
 *   carry.c    the actions of the settings machine                 outbox.c  records that wait to be sent
 */
#ifndef HA_AGENT_SYNC_SYNCER_STATE_H
#define HA_AGENT_SYNC_SYNCER_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "agent/config.h"
#include "agent/ipc.h"
#include "agent/loop.h"
#include "agent/sync/bulk.h"
#include "agent/sync/follow.h"
#include "agent/sync/ledger.h"
#include "agent/sync/outbox.h"
#include "agent/sync/plan.h"
#include "agent/sync/scan.h"
#include "proto/sync.h"

#define SYNCER_SLICE        (5 * HA_MS) /* of a scan, before frames have their turn */
#define SYNCER_REPORT_EVERY (100 * HA_MS)
#define SYNCER_ALIVE_EVERY  HA_SEC
#define SYNCER_SAVE_EVERY                                                                          \
	(10 * HA_SEC)              /* the index, a cache: after a generation; a second if small */
#define SYNCER_SMALL         20000 /* entries */
#define SYNCER_IMPORT_AGAIN  (10 * HA_SEC)
#define SYNCER_RECOVER_AGAIN (5 * HA_SEC)
#define SYNCER_ALONE         (10 * HA_SEC) /* without an engine: then a new start */

enum {
	SYNCER_EVENTS_MAX = 16,
};

/* Leading: the list that is being told. */
struct give_list {
	bool on, begun;
	bool full;
	uint64_t since;
	struct lineage lineage; /* as it was when the list began */
	uint32_t cursor;
};

/* Leading: the content that is being sent. */
struct give_file {
	int fd; /* -1: none */
	uint32_t ticket;
	tree_id id;
	uint64_t size, offset;
	struct stat status; /* when it was opened */
	uint8_t *tags;      /* of what the other one has, or NULL */
	uint32_t tags_n;
};

/* index.c: what is written is on its way to the disk. */
struct index_saver {
	pthread_t thread;
	int fd, state, error;
	bool running; /* to be joined */
	_Atomic bool done;
};

struct syncer {
	struct config config;
	struct loop loop;
	int guardian, engine; /* engine: -1 while there is none */
	int state;            /* the directory of ledger, index, journal and conflicts */
	ha_time alone_until;  /* HA_NEVER while there is an engine */
	bool confined, done;
	int status;

	struct roots roots;
	struct digest digest;
	struct ledger ledger;
	struct tree *tree;
	struct scan *scan;
	struct follow *follow; /* NULL: not watching */
	struct plan *plan;
	struct bulk *bulk;
	struct sync sync;
	struct sync_self self;
	bool self_known; /* the engine that is there has told it */
	struct sync_event
		event[SYNCER_EVENTS_MAX]; /* what came up while actions were carried out */
	unsigned event_n;
	bool feeding;

	/* settle.c */
	ha_time changed_first,
		changed_last; /* since the trees were settled; HA_NEVER = nothing has */
	bool flush;           /* do not wait for quiet */
	ha_time unseen_until; /* until then the trees are not settled while something waits unseen */
	ha_time roots_at;     /* one is lost: the next look for it */
	bool told_trees;
	struct sync_trees trees; /* as the machine was told last */
	/* bit i: root i had something in it before this start, and has not been seen so since */
	uint32_t full_once;
	bool cold; /* there is a generation, and no index of it: what cannot be read may have been anything */
	bool scan_after; /* when the exports have ended, all is to be scanned */
	ha_time blind_at, save_at;
	bool scrub_on; /* scrub.c */
	uint32_t scrub_cursor;
	ha_time scrub_at;
	uint64_t saved_number;
	struct index_saver saver;
	/* give.c, take.c */
	struct outbox control; /* HEAD, PULL, STATUS, COMPARE */
	struct outbox
		wants; /* following: what is wanted, held back until it is known that it fits */
	struct outbox wanted; /* leading: bodies of the other's WANTs, oldest first */
	struct give_list list;
	struct give_file file;
	bool planning, wants_open;
	bool recover;       /* a commit is unfinished: the trees are not whole */
	ha_time recover_at; /* the next attempt */
	bool plan_changed;  /* the machine is to be told how far it is */
	uint32_t touched;   /* bit i: the plan changes something of section i */
	uint64_t conflicts;

	/* errand.c: bit i of each mask is section i */
	uint32_t exporting, export_again, export_failed;
	uint32_t watched; /* something that it watches has changed */
	uint32_t importing, import_again;
	bool applying;                          /* settings-applied */
	uint32_t errand_number, applied_number; /* newest used */
	uint32_t export_number[CONFIG_SETTINGS_MAX], import_number[CONFIG_SETTINGS_MAX];
	ha_time export_at[CONFIG_SETTINGS_MAX], import_at;
	int watch; /* inotify of what the sections watch */
	int watch_of[CONFIG_SETTINGS_MAX][CONFIG_WATCHES_MAX];

	/* report */
	struct sync_report report;
	bool reported;
	ha_time report_at, reported_at, alive_at; /* looked at again; sent last */
	uint64_t rate_bytes, rate;                /* progress as of rate_at */
	ha_time rate_at;
	bool committing;
};

/* ---- syncer.c ---- */
/* Fills in the time, steps, carries out; what is fed meanwhile comes after that. */
void syncer_feed(struct syncer *, struct sync_event *);
void syncer_report(struct syncer *, bool now);
void syncer_breathe(void *syncer);
/* Asks the steward; IPC_RAN follows. False: it was not asked. */
bool syncer_run(struct syncer *, unsigned section, bool import, uint32_t number);
uint8_t syncer_section(const struct syncer *, uint8_t root);

/* ---- start.c ---- */
int start_open(
	struct syncer *); /* from root to confined; config, state, roots, ledger, digest, tree */

/* ---- index.c ---- */
int index_open(struct syncer *);
void index_timer(struct syncer *, ha_time now);
void index_after(struct syncer *); /* after each wake */
void index_wait(struct syncer *);  /* none is on its way any more */

/* ---- settle.c ---- */
int settle_open(struct syncer *);
void settle_scan(struct syncer *, bool full); /* SYNC_ACT_SCAN */
void settle_all(struct syncer *);             /* the index was dropped: everything anew */
void settle_role(struct syncer *); /* it began or ceased to hold: watch the trees, or not */
void settle_exported(struct syncer *);
void settle_timer(struct syncer *, ha_time now);
void settle_after(struct syncer *); /* after each wake: tells the machine how the trees are */
ha_time settle_deadline(const struct syncer *);

/* ---- errand.c ---- */
uint32_t errand_importable(const struct syncer *); /* sections that have an import */
uint32_t errand_imports(const struct syncer *);    /* of these, those that have not passed yet */
void errand_export_all(struct syncer *); /* anew, before somebody is told that all is there */
void errand_committed(struct syncer *);  /* a commit has changed something */
void errand_ran(struct syncer *, const struct ipc_message *); /* IPC_RAN */
void errand_forget(struct syncer *);                          /* the engine is gone */
void errand_watch(struct syncer *);
loop_fn errand_watched; /* the syncer is its argument */
void errand_timer(struct syncer *, ha_time now);
ha_time errand_deadline(const struct syncer *);

/* ---- scrub.c ---- */
void scrub_timer(struct syncer *, bool settled, ha_time now);
ha_time scrub_deadline(const struct syncer *);

/* ---- carry.c ---- */
void carry_out(struct syncer *, const struct sync_actions *);
int carry_record(void *syncer, const struct lineage *, bool recovered); /* plan_config.record */
void carry_timer(struct syncer *, ha_time now);
int carry_recover(struct syncer *); /* as plan_recover(), ledger and all */

/* ---- give.c ---- */
void give_list_begin(struct syncer *, bool full, uint64_t since, const struct lineage *);
bool give_wanted(struct syncer *, const uint8_t *body, size_t len); /* WANT */
size_t give_fill(struct syncer *, uint8_t *out, size_t cap);
void give_forget(
	struct syncer *);        /* a new PULL: what was wanted for an earlier plan is of no use */
void give_stop(struct syncer *); /* the stream has ended */

/* ---- take.c ---- */
bool take_entry(struct syncer *, const uint8_t *body, size_t len);
bool take_block(struct syncer *, const uint8_t *body, size_t len);
bool take_done(struct syncer *, const uint8_t *body, size_t len);
void take_end(struct syncer *);   /* END: is there room? then the wants go out */
void take_stop(struct syncer *);  /* the plan is void */
void take_after(struct syncer *); /* after each wake: tells the machine how far the plan is */

#endif
