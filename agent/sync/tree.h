/* tree.h - the index: what is known of every entry of the settings, in memory and on disk.
 *
 * One table for all roots. An entry knows what a scan has to compare (inode, times, size) and what the peer has to
 * know (struct sync_entry); each has the number of the generation that changed it last, so that "what is newer than
 * N" is a walk and not a log. What has gone stays as a tombstone until it is pruned. 100 bytes an entry, name included, on
 * average: names are stored once per component, owner, mode and extended attributes once per combination.
 *
 * A change found by a scan is *pending* until tree_stamp() gives it to a generation. The digest is kept up to date
 * with every change.
 */
#ifndef HA_AGENT_SYNC_TREE_H
#define HA_AGENT_SYNC_TREE_H

#include "agent/sync/digest.h"
#include "proto/lineage.h"
#include "proto/sync_msg.h"

/* What identifies the state of a file on its disk, beside what the peer is told. */
struct tree_stat {
	uint64_t inode;
	int64_t ctime_ns;
};

#define TREE_PENDING UINT64_MAX /* number of an entry that no generation has yet */

typedef uint32_t tree_id;
#define TREE_NONE UINT32_MAX

struct tree; /* opaque */

/* 0 or -ENOMEM. The digest's key may change only while the tree is empty. */
int tree_open(struct tree **, struct digest *);
void tree_close(struct tree *);
void tree_clear(struct tree *); /* all entries; pending again when they are found */

/* Finds a name; tombstones count. TREE_NONE: never heard of. */
tree_id tree_find(const struct tree *, uint8_t root, const char *path, size_t len);
/* The same for one component, below what is (or was) a directory. */
tree_id tree_find_child(const struct tree *, tree_id directory, const char *name, size_t len);

/* The entry; path, xattr and target point into buffers of the tree that the next call of this or of a changing
 * function may overwrite. */
void tree_get(const struct tree *, tree_id, struct sync_entry *out);
uint64_t tree_number(const struct tree *,
		     tree_id); /* the generation that changed it last, or TREE_PENDING */
void tree_stat_of(const struct tree *, tree_id, struct tree_stat *out);

/* Tags of a file's blocks: SYNC_BLOCK_LEN or less has none of its own (its hash tells). NULL: not known. */
const digest_tag *tree_tags(const struct tree *, tree_id, size_t *n);

/* Puts what was found, or committed: makes or changes the entry. number: TREE_PENDING, or that of the generation
 * that a commit made. Nothing changes, not even the number, if it is as before but for the tree_stat. Parents must
 * exist first; SYNC_GONE makes a tombstone, of all that is below too, and so does what replaces a directory. Of a name
 * never heard of it makes one only with a number: what came and went unseen was in no generation. tags may be NULL.
 * *changed may be NULL. The entry may be one of tree_get(). 0 or -ENOMEM, -ENOSPC (too many entries), -EINVAL (its
 * parent is no directory; no valid path; a root that is no directory). */
int tree_put(struct tree *, const struct sync_entry *, const struct tree_stat *,
	     const digest_tag *tags, size_t tags_n, uint64_t number, bool *changed);

/* Walks: *cursor is 0 at first; TREE_NONE at the end. In an order in which directories come before what is in them.
 * Tombstones count. Changes between two calls are fine: what is new may or may not be seen. */
tree_id tree_next(const struct tree *, uint32_t *cursor);
/* Children of a directory that are not gone, in no order. */
tree_id tree_child(const struct tree *, tree_id directory,
		   tree_id after); /* after TREE_NONE: the first */

/* Gives all pending entries to generation number. */
void tree_stamp(struct tree *, uint64_t number);
uint64_t tree_pending(const struct tree *); /* how many are */
void tree_prune(struct tree *,
		uint64_t number); /* forgets tombstones of generations up to number ... */
/* ... so that "since" is known from here on. TREE_PENDING: from none, before the first stamp. */
uint64_t tree_floor(const struct tree *);

struct tree_totals {
	uint64_t entries, bytes; /* without tombstones */
	uint64_t tombstones;
	uint64_t memory; /* bytes that the index takes */
};
void tree_totals(const struct tree *, struct tree_totals *out);
void tree_digest(const struct tree *, uint8_t out[HA_KEY_LEN]);
void tree_sum(const struct tree *, struct digest_sum *out); /* what the digest is made of */

/* On disk, with a checksum, as name (and name.new while it is written); pending entries are written as such. It is a
 * cache: what is missing or torn costs a scan that reads every file. A load replaces all that the tree had; a failed one
 * leaves it empty. head: the lineage that the numbers belong to. roots: see sync_head. 0; -ENOENT; -EBADMSG: torn,
 * foreign, for other roots or made with another digest key; other -errno.
 *
 * Saved in two steps: written, to a descriptor (or -errno); and, by any thread, on the disk and in its place. A begun one
 * has to be ended. */
int tree_save_begin(const struct tree *, int directory, const char *name,
		    const struct lineage *head, const uint8_t roots[SYNC_HASH_LEN]);
int tree_save_end(int fd, int directory, const char *name);
int tree_load(struct tree *, int directory, const char *name, struct lineage *head,
	      const uint8_t roots[SYNC_HASH_LEN]);

#endif
