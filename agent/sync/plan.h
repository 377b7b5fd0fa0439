/* plan.h - how a generation of the other's becomes this node's own: what is lacking, staged and verified, then
 * committed as a whole.
 *
 * Entries come in the leader's order; a later one for the same name replaces an earlier one, staged content and all. What is
 * here already needs nothing. Content goes into ROOTS_STAGE of its root, under a name made of path and hash, is verified against
 * the entry's hash, and waits; so a transfer that was cut goes on where it was. A large file of which little changes
 * is staged as its changed blocks only, and a directory that is new as a directory.
 *
 * The commit: all that is staged is on disk; then the journal, in the state directory, fsynced and renamed into
 * place: the one point at which it happens; then renames, blocks in place, removals, attributes; then syncfs; then it is
 * written down what generation this is; then the journal goes. A crash before that point changes nothing, one after it is rolled
 * forward by plan_recover(), any number of times.
 *
 * What the returning side changed by itself (SPEC 6.8) is copied aside before it is overwritten or removed.
 */
#ifndef HA_AGENT_SYNC_PLAN_H
#define HA_AGENT_SYNC_PLAN_H

#include "agent/sync/roots.h"
#include "agent/sync/tree.h"

struct plan; /* opaque */

struct plan_config {
	struct roots *roots;
	struct tree *tree;
	struct digest *digest;
	int state; /* the directory of the journal and of conflicts/ */
	/* Called now and then while it works for long: says that this process lives. May be NULL. */
	void (*breathe)(void *arg);
	/* A commit, or the rest of one, is in place: writes down what generation is here now, before the journal goes. 0 or -errno. May be
	 * NULL. */
	int (*record)(void *arg, const struct lineage *generation, bool recovered);
	void *arg;
};

int plan_open(struct plan **, const struct plan_config *);
void plan_close(struct plan *); /* what is staged stays on disk */

/* A new plan. full: what it does not name is removed. keep_above: own entries of a generation above this number
 * (TREE_PENDING is) that the plan changes go to conflicts/ first; UINT64_MAX: none do. conflicts: name of the
 * directory, "TERM-NUMBER". */
void plan_begin(struct plan *, bool full, uint64_t keep_above, const char *conflicts);

/* One entry. 0: nothing has to be fetched; 1: *want (ticket, and what is here of it) is to be sent, its pointers valid until the next
 * call; -errno. */
int plan_entry(struct plan *, const struct sync_entry *, struct sync_want *want);
/* A block of the content of a ticket. 0; -ENOENT: no such ticket any more (ignore it); -EBADMSG: no block of such a
 * file; -errno: the disk. */
int plan_block(struct plan *, const struct sync_block *);
/* Its content is complete. 0; -ENOENT; -EBADMSG: it is not what its entry says, it is wanted again (*want, with another
 * ticket); -EIO: for the third time, it is given up and the plan will not be complete; other -errno. */
int plan_done(struct plan *, uint32_t ticket, struct sync_want *want);
/* The leader does not have it any more: an ENTRY will replace it; until then the plan is not complete. */
void plan_failed(struct plan *, uint32_t ticket);

struct plan_totals {
	uint64_t entries;            /* that the commit changes */
	uint64_t files, files_total; /* content to be fetched */
	uint64_t bytes, bytes_total;
	unsigned under_way; /* tickets */
	unsigned waiting;   /* failed, and not replaced yet */
	uint64_t conflicts; /* files kept aside by the last commit */
	uint64_t stayed;    /* directories that it had to leave: they hold what is not synced */
};
void plan_totals(const struct plan *, struct plan_totals *out);
bool plan_complete(const struct plan *); /* nothing is under way or waited for */

/* Is there room for what is to be fetched? 0 or -ENOSPC, with the reason as text. What an earlier plan left in the
 * stage is removed for it. Of a file that is here in another version only what has come counts. */
int plan_space(struct plan *, char reason[SYNC_REASON_MAX + 1]);

/* Will the trees have this digest when it is committed, as far as the index knows? Always true of a full plan: it is seen
 * afterwards. */
bool plan_fits(const struct plan *, const uint8_t digest[HA_KEY_LEN]);

/* The commit. It blocks. generation: as the lineage will be after it; the tree's entries get its number. 0 or -errno, with the reason as
 * text: then the old generation stands, or (after its point) plan_recover() is to be called again before anything else. */
int plan_commit(struct plan *, const struct lineage *generation, char reason[SYNC_REASON_MAX + 1]);

/* At the start, and after a failed commit: finishes a commit whose journal is there; removes stale staging. 1: it rolled
 * forward to *generation; 0: nothing was to be done; -errno: it could not, and the trees are not whole. The tree has to be
 * scanned after a 1. */
int plan_recover(struct plan *, struct lineage *generation, char reason[SYNC_REASON_MAX + 1]);

/* The journal is damaged, or of other roots (-EBADMSG, -ESTALE; other names, or another directory of that name: the trees that it would
 * finish are not here). Not one of which a root is missing, or was replaced under this process: it may be back. Puts it aside as journal.bad. 0 or -errno; then the
 * trees are what they are, and have to be compared. */
int plan_disown(struct plan *);

#endif
