/* plan_rig.h - two trees on a filesystem of the test's own: "leader" is what somebody else has, "here" is to become the
 * same by a plan. The test plays the leader: it reads his files and answers what is wanted.
 *
 * A mount namespace with a tmpfs, if that may be had, so that nothing is left behind; each test has its own process.
 */
#ifndef HA_TESTS_PLAN_RIG_H
#define HA_TESTS_PLAN_RIG_H

#include <sys/stat.h>

#include "agent/sync/plan.h"

/* What a scan finds under one name. */
struct rig_item {
	struct sync_entry e;
	struct tree_stat stat;
	digest_tag *tags;
	size_t tags_n;
};

struct rig_list {
	struct rig_item *item; /* parents first */
	size_t n;
};

struct rig {
	char top[64], leader[96], here[96], state[96];
	struct digest digest;
	struct roots roots;
	struct tree *tree;
	struct plan *plan;
	int state_fd;
	struct lineage lineage; /* of what is here */
	uint64_t keep_above;
	const char *conflicts;
	char reason[SYNC_REASON_MAX + 1];
	/* what was asked of the leader since rig_begin() */
	unsigned wants, blocks, tags, refused;
	uint64_t blocks_left; /* after so many the connection is cut */
	/* what was to be written down */
	unsigned records, records_recovered;
	bool records_fail, record_before_journal_went;
	struct lineage recorded;
};

/* bytes: size of the filesystem; 0: the disk that P_tmpdir is on. Skips the test where it may not. */
void rig_open(struct rig *, uint64_t bytes);
void rig_close(struct rig *);
void rig_restart(
	struct rig *); /* everything in memory is lost, but for the index, which is made anew */
void rig_scan(struct rig *); /* the index is what is on the disk */

struct rig_list rig_list(struct rig *, const char *top);
void rig_list_free(struct rig_list *);
/* Every name, attribute and content below, as text; to be freed. */
char *rig_describe(struct rig *, const char *top);
bool rig_same(struct rig *); /* here is what the leader has; if not, both are printed */
/* The index is what a scan would find. */
bool rig_index_true(struct rig *);

/* A plan for what the leader has: all of it, or what differs. rig_feed() answers what is wanted, as far as
 * blocks_left goes. Both return the first error. */
int rig_begin(struct rig *, bool full);
int rig_feed(struct rig *);
int rig_commit(struct rig *);
int rig_sync(struct rig *, bool full); /* all of that */
int rig_serve(struct rig *, const struct sync_want *);
int rig_entry(struct rig *,
	      const char *path); /* the leader's entry of that name, and what it wants */

/* Making files below one of the two. The time is 1e9 s and a bit, by name. */
void rig_file(const char *top, const char *path, const void *bytes, size_t len);
void rig_text(const char *top, const char *path, const char *text);
void rig_directory(const char *top, const char *path);
void rig_symlink(const char *top, const char *path, const char *target);
/* A file of so many bytes, all different by seed; some of its blocks (from, n) by another seed. */
void rig_large(const char *top, const char *path, size_t len, unsigned seed);
void rig_change(const char *top, const char *path, size_t block, size_t n, unsigned seed);
void rig_touch(const char *top, const char *path, int64_t mtime_ns);
void rig_xattr(const char *top, const char *path, const char *name, const char *value);
struct stat rig_stat(const char *top, const char *path);
char *rig_read(const char *top, const char *path); /* as text, to be freed */
void rig_copy(const char *from, const char *to);   /* the whole tree, with everything */
void rig_wipe(const char *top);                    /* all that is in it, the stage too */
void rig_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A tree of all kinds by seed: of two seeds much is the same, much is not. */
void rig_random(const char *top, unsigned seed);
unsigned rig_next(unsigned *state);

#endif
