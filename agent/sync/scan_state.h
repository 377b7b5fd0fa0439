/* scan_state.h - what a scan has under way: for scan.c, scan_look.c and scan_file.c only.
 *
 * Four things, in the order in which they are served: a file that is being read; jobs, names that are to be looked at,
 * now or later; a directory that is being listed, and others that will be; and a file that takes long, but for a full scan.
 */
#ifndef HA_AGENT_SYNC_SCAN_STATE_H
#define HA_AGENT_SYNC_SCAN_STATE_H

#include <dirent.h>

#include "agent/loop.h"
#include "agent/sync/crew.h"
#include "agent/sync/scan.h"

#define RACY_WAIT (20 * HA_MS) /* longer than a tick of any kernel's clock */

enum {
	JOB_BUCKETS = 4096,
	LINKED_BITS = 65536,
	JOBS_MAX = 65536, /* beyond that a full scan is cheaper */
};

struct job {
	struct job *next, *chain; /* of those that are ready, of its bucket */
	ha_time due, delay;       /* delay: how long it waited, 0: not at all */
	uint32_t place;           /* among those that wait */
	uint16_t len;
	uint8_t root;
	bool waits, unseen; /* unseen: nothing of its change has been put */
	uint8_t look;       /* of enum look */
	char path[];
};

struct directory {
	struct directory *next;
	uint16_t len;
	uint8_t root;
	char path[];
};

/* A file that is being read, over as many slices as it takes. */
struct reading {
	int fd; /* -1: none */
	struct stat before;
	int64_t started_ns; /* by scan_clock_ns */
	ha_time began, delay;
	bool torn; /* it was reported to have changed meanwhile */
	uint64_t offset;
	digest_tag *tag;
	size_t tag_n;
	uint8_t root;
	uint16_t len;
	char path[SYNC_PATH_MAX];
};

struct scan {
	struct roots *roots;
	struct tree *tree;
	struct digest *digest;
	void (*found)(void *arg, uint8_t root, const char *path, size_t len);
	void *arg;

	struct reading file;
	struct reading parked; /* one that is large: read while there is nothing else to do */

	struct job *bucket[JOB_BUCKETS];
	struct job *ready, **ready_end;
	struct job *waiting[JOBS_MAX]; /* a heap: the first is due first */
	uint32_t waiting_n;
	unsigned jobs, unseen; /* unseen: of those that wait */
	uint8_t job_key[16];

	DIR *list; /* NULL: none */
	struct directory *listed, *directories;
	tree_id listed_id;
	/* Children that were seen in it: a bit for each id of the tree, and which bits are set. */
	uint8_t *mark;
	uint32_t mark_cap; /* bytes */
	tree_id *seen;
	uint32_t seen_n, seen_cap;
	bool seen_all; /* none was missed for want of memory */

	bool full, verify;          /* all of the roots are under way */
	bool wanted, wanted_verify; /* are to be, after that */
	ha_time full_due;           /* there was no memory: then; HA_NEVER */

	/* Inodes of which another name may have changed too, a bit for each by its hash, and the walk that looks for
	 * these names: nobody reports them. */
	uint8_t linked[LINKED_BITS / 8];
	bool linked_any;
	uint32_t linked_cursor;

	struct crew *crew; /* for files of many blocks */
	uint8_t *block, *xattr;
	struct scan_totals totals;
};

/* What a look at a name is to do beyond it. */
enum look {
	LOOK_LIST = 1 << 0, /* lists a directory in any case, not only if it is new */
	LOOK_READ = 1 << 1, /* reads a file in any case */
};

/* ---- scan.c ---- */
void scan_report(struct scan *, uint8_t root, const char *path, size_t len, const char *why);
void scan_unreadable(struct scan *, uint8_t root, const char *path, size_t len, int error);
/* Again after that time. put: what it was is in the tree, for now. */
void scan_retry(struct scan *, uint8_t root, const char *path, size_t len, ha_time delay, bool put);
void scan_list(struct scan *, uint8_t root, const char *path, size_t len);
/* Puts it into the tree as pending. True: it is there. */
bool scan_put(struct scan *, const struct sync_entry *, const struct tree_stat *,
	      const digest_tag *tags, size_t tags_n);

void scan_linked(struct scan *, uint64_t inode);

/* ---- scan_look.c ---- */
/* Looks at a name of an open directory. delay: for how long it has waited already. */
void scan_look(struct scan *, int directory, const char *name, uint8_t root, const char *path,
	       size_t len, unsigned look, ha_time delay);
/* The same of a name that a list says is a file, and that the tree has never heard of. */
void scan_look_new_file(struct scan *, int directory, const char *name, uint8_t root,
			const char *path, size_t len);
void scan_look_root(struct scan *, uint8_t root, unsigned look, ha_time delay);
/* The directory that is about to be listed, now that it is watched: has it changed since it was looked at? */
void scan_look_listed(struct scan *, int fd, uint8_t root, const char *path, size_t len);
int64_t scan_time_ns(const struct timespec *);
int64_t scan_clock_ns(void); /* the clock that files are stamped with */
/* Could it change again and keep its time? Looked at since started_ns. */
bool scan_is_racy(const struct stat *, int64_t started_ns);
/* What is put for its status: that it is not known, if it is racy. */
struct tree_stat scan_stat(const struct stat *, bool racy);
ha_time scan_longer(ha_time delay); /* the next delay after this one */
void scan_entry(struct sync_entry *, uint8_t type, uint8_t root, const char *path, size_t len,
		const struct stat *);
/* Extended attributes into s->xattr; what cannot be read has none, and is reported. */
void scan_xattrs(struct scan *, int fd, struct sync_entry *);
bool scan_same_stat(const struct stat *, const struct stat *);

/* ---- scan_file.c ---- */
/* Opens a file and makes it the one that is read. */
void scan_file_begin(struct scan *, int directory, const char *name, uint8_t root, const char *path,
		     size_t len, ha_time delay);
void scan_file_step(struct scan *); /* a block, or many of a large file; and the end */
void scan_file_drop(struct scan *);

#endif
