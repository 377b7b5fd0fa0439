/* plan_state.h - what the parts of the plan share; of no use to anybody else.
 *
 *   plan.c      entries and tickets: what is to be done, and what for that is to be fetched
 *   ops.c       the operations that come of them
 *   stage.c     staged files, and content.c the large ones among them: blocks, resuming, verifying
 *   stage_tree.c   directories that are new as a whole, and staged so
 *   prepare.c   from entries to operations: what follows from them, their order, whether they can be done
 *   conflict.c  what is kept aside
 *   journal.c   the operations as bytes
 *   apply.c     doing them, any number of times
 *   commit.c    all of that in its order; recovery
 */
#ifndef HA_AGENT_SYNC_PLAN_STATE_H
#define HA_AGENT_SYNC_PLAN_STATE_H

#include "agent/sync/flusher.h"
#include "agent/sync/plan.h"

enum {
	STAGE_ID_LEN = 16,
	STAGE_NAME_LEN = 2 * STAGE_ID_LEN + 1, /* as hex, with the terminator */
	STAGE_OPEN_MAX = 8,                    /* large files that are open at a time */
	PLAN_TRIES = 3,                        /* contents that are not what they should be */
	PLAN_IN_PLACE_MIN = 1 << 20,           /* smaller files are staged as a whole */
	PLAN_FSYNC_MAX = 8,                    /* more files than that: syncfs() */
	PLAN_FLUSH_EVERY = 2048,               /* small files that are staged */
	PLAN_DIRS = 8,                         /* directories that are held open */
	CONFLICTS_MAX = 16,
	CONFLICTS_NAME_MAX = 64,
};

enum op_kind {
	OP_NONE = 0,   /* here already, or withdrawn */
	OP_REMOVE,     /* of a file, a link, or a directory, empty by then */
	OP_DIRECTORY,  /* made if it is not there; attributes last of all */
	OP_RENAME,     /* what is staged takes its place: a file or a symlink */
	OP_BLOCKS,     /* the blocks of a staged file go into the one that is there */
	OP_ATTRIBUTES, /* of a file */
	OP_KIND_N,
};

enum op_state {
	OP_READY = 0,
	OP_FETCHING, /* its ticket is under way */
	OP_WAITING,  /* for an entry that replaces it */
};

enum op_flag {
	/* A directory that is no part of the plan but changes by it: gets its mtime back. */
	OP_IMPLIED = 1 << 0,
	OP_FIRST = 1 << 1, /* a removal that has to go before what takes its place */
	OP_EXISTING =
		1
		<< 2, /* a directory that is there: whatever else stands there is not cleared away */
	OP_DONE = 1 << 3,  /* applied: stat is what it is now */
	OP_MOVED = 1 << 4, /* a directory that was renamed with all that is staged in it */
};

/* Where in the stage something is (stage_tree.c). */
enum op_nest {
	NEST_NONE = 0, /* by itself, under the name of its id; or not at all */
	NEST_TOP,      /* a directory, under the name of its id */
	NEST_INSIDE,   /* in the directory of op `top`, as it will be there */
	NEST_N,
};

/* Blocks that follow each other. */
struct run {
	uint64_t first, n;
};

/* A file of more than one block, while it is fetched; its tags serve the index after that. */
struct content {
	uint64_t blocks;
	digest_tag *tags; /* those that were offered, then those of what came */
	uint8_t *have; /* a bit for each block that is in the staged file; others are the base's */
	uint64_t have_n;
	uint64_t offered;  /* blocks whose tags were in the WANT */
	uint64_t came;     /* bytes */
	uint64_t unsynced; /* bytes since the disk was last told to begin */
	int fd;            /* of the staged file, or -1 */
	bool fresh;        /* made in this run: what was not written is zeros */
	bool based;        /* the file that is here lends the blocks that it has */
	bool in_place;     /* ... and may be changed where it is */
	uint64_t inode;    /* of that file */
};

struct op {
	struct sync_entry entry; /* its pointers: into the plan's memory, or the journal's */
	uint8_t kind, state, flags, tries;
	uint8_t here; /* prepare(): the type of what is here */
	bool staged;  /* there is something under its name in the stage; of no directory */
	uint8_t nest;
	uint32_t top; /* unless NEST_NONE */
	uint32_t ticket;
	uint8_t id[STAGE_ID_LEN];
	struct content *content; /* or NULL */
	uint64_t inode;          /* OP_BLOCKS: of the file that they go into */
	struct run *run;         /* OP_BLOCKS */
	uint32_t run_n;
	struct tree_stat stat; /* OP_DONE; NEST_INSIDE: since it was staged */
};

struct chunk; /* of memory that lives as long as the plan */

struct plan {
	struct plan_config c;
	bool full;
	uint64_t keep_above;
	char conflicts[CONFLICTS_NAME_MAX];
	struct plan_totals totals;

	struct op *op;
	uint32_t op_n, op_cap;
	uint32_t *slot; /* hash table of op + 1, by root and path */
	uint32_t slot_n;
	uint8_t hash_key[16];
	uint32_t *ticket; /* op of each ticket from first_ticket on */
	uint32_t ticket_n, ticket_cap, first_ticket;
	uint8_t *seen; /* a bit for each tree_id that an entry named */
	uint32_t seen_cap;
	struct chunk *memory;
	uint32_t *order; /* of the commit: ops by root and path, parents first */
	uint32_t order_n;

	int stage[SYNC_ROOTS_MAX];
	bool leftover[SYNC_ROOTS_MAX];  /* something was in the stage when it was opened */
	ino_t stage_of[SYNC_ROOTS_MAX]; /* the root's */
	struct flusher flusher;
	unsigned unflushed; /* small files that were staged since it began */
	uid_t uid;          /* what files belong to that this process makes */
	gid_t gid;
	mode_t mask;      /* what this process takes from the permissions of new files */
	int nest_fd;      /* the directory in the stage that was used last, or -1 */
	uint32_t nest_of; /* its op */
	struct content *open[STAGE_OPEN_MAX];
	unsigned open_next;
	uint8_t block[SYNC_BLOCK_LEN];
	uint64_t worked; /* steps; each so many the owner is told */
	char reason[SYNC_REASON_MAX + 1];
};

/* ---- ops.c ---- */

void plan_work(struct plan *); /* one more step: breathes now and then */
/* "ROOT/PATH: what: why" as the reason; returns error. */
int plan_fail(struct plan *, uint8_t root, const char *path, size_t len, const char *what,
	      int error);
int plan_fail_op(struct plan *, const struct op *, const char *what, int error);
void plan_reset(struct plan *); /* no operations */
/* The operation on that name, or NULL. It stays where it is until the next plan_op_make(). */
struct op *plan_op(const struct plan *, uint8_t root, const char *path, size_t len);
struct op *plan_op_make(struct plan *, uint8_t root, const char *path,
			size_t len);                            /* NULL: no memory */
void *plan_memory(struct plan *, const void *copy, size_t len); /* NULL: no memory */
int plan_copy_entry(struct plan *, struct sync_entry *out, const struct sync_entry *);
bool plan_seen(const struct plan *, tree_id);

/* ---- stage.c ---- */

int stage_open(struct plan *, uint8_t root); /* fd of the root's stage, or -errno */
void stage_close(struct plan *);
void stage_id(const struct sync_entry *, uint8_t out[STAGE_ID_LEN]);
void stage_name(const uint8_t id[STAGE_ID_LEN], char out[STAGE_NAME_LEN]);
/* Mode, owner, mtime and attributes as the entry has them, what can harm last. was: as it is; NULL: made just now by
 * this process, in the stage, with its permissions. */
int stage_attributes(struct plan *, int fd, const struct sync_entry *, const struct stat *was);
int stage_times(int fd, const struct sync_entry *);                           /* the mtime alone */
int stage_whole(struct plan *, struct op *, const uint8_t *data, size_t len); /* one block */
int stage_symlink(struct plan *, struct op *);
bool stage_resume(struct plan *, struct op *); /* one block: is it there already? */
int stage_again(struct plan *, struct op *);   /* attributes of a staged file, after they changed */
void stage_drop(struct plan *, struct op *);   /* what is staged, and its content */
/* Removes what no operation needs, or everything that is no staged file. */
void stage_sweep(struct plan *, bool foreign_only);
int stage_sync(struct plan *); /* what is staged is on disk */

/* ---- stage_tree.c ---- */

/* Where something that is not staged yet is to be: the directory's descriptor (not to be closed) and the name there. make:
 * directories that it takes; else it is where they are already. */
int stage_place(struct plan *, struct op *, bool make, char name[SYNC_NAME_MAX + 1]);
int stage_where(struct plan *, struct op *, char name[SYNC_NAME_MAX + 1]); /* where it is staged */
/* The directory of the plan that it is staged in, or NULL. */
struct op *stage_holder(const struct plan *, const struct op *);
/* The same as a path from the stage; its length. */
size_t stage_path(const struct plan *, const struct op *, char out[SYNC_PATH_MAX + 1]);
int stage_sync_directory(struct plan *, struct op *);
void stage_let_go(struct plan *);
/* What no operation put there goes out of the directories that are to be renamed. */
int stage_tidy(struct plan *);
/* With all that is in it, as far as it was made here. depth: 0. */
int stage_remove(struct plan *, int directory, const char *name, unsigned depth);

/* ---- content.c ---- */

/* Finds what is here of it already. 0: everything, and it is staged; 1: the tags in op->content are offered. */
int content_begin(struct plan *, struct op *);
int content_block(struct plan *, struct op *, const struct sync_block *);
int content_finish(struct plan *, struct op *); /* 0, -EBADMSG, -errno */
void content_free(struct plan *, struct op *);
bool content_same_stat(const struct stat *, const struct sync_entry *, const struct tree_stat *);

/* ---- prepare.c, conflict.c ---- */

int prepare(struct plan *);      /* operations in order; nothing is changed yet */
int prepare_sort(struct plan *); /* the order alone */
int conflict_keep(struct plan *,
		  char made[CONFLICTS_NAME_MAX]); /* made "": nothing was to be kept */
void conflict_forget(struct plan *, const char *made);

/* ---- journal.c ---- */

/* Which roots it is of: their names, the excludes, and the very directories. -ENXIO: one is missing. */
int journal_roots(const struct plan *, uint8_t out[SYNC_HASH_LEN]);
int journal_write(struct plan *, const struct lineage *);
/* Its operations become the plan's. 0; -ENOENT; -EBADMSG: damaged; -ESTALE: of other roots; -ENXIO: a root is missing. */
int journal_read(struct plan *, struct lineage *);
int journal_remove(struct plan *);
bool journal_exists(const struct plan *);

/* ---- apply.c ---- */

int apply(struct plan *); /* does them all, and brings them to disk */

#endif
