/* tree_state.h - what a tree is made of: for tree.c, tree_slot.c and tree_file.c only.
 *
 * Slots are one array, linked as parent, first child and next sibling. A table finds a slot by (parent, name); names and the
 * targets of symlinks are in one arena, owner, mode and extended attributes in a table of combinations. The tags of a file of several
 * blocks are in a piece of memory of their own, that takes the place of its hash in the slot.
 *
 * A slot that was pruned keeps its links until the next prune: a walk that stands on it finds its way on.
 */
#ifndef HA_AGENT_SYNC_TREE_STATE_H
#define HA_AGENT_SYNC_TREE_STATE_H

#include "agent/sync/tree.h"

enum {
	TREE_SLOTS_MAX =
		0xffffff, /* an id and eight bits of its name's hash are one word of the table */
	SLOT_FREE = 7,    /* in place of a type */
	SLOT_TYPE = 7,
	SLOT_TAGGED = 8,
	SLOT_ATTR_SHIFT = 8,
	ATTR_MAX = 0xffffff,
};

/* 76 bytes: packed, since a million of them should not carry padding. */
struct slot {
	int64_t mtime_ns, ctime_ns;
	uint64_t inode, size, number;
	uint8_t hash
		[SYNC_HASH_LEN]; /* tagged: a pointer to struct content; symlink: offset of its target */
	uint32_t name; /* offset in the arena; of a root: its index; free: the next free one */
	uint32_t parent, next, child;
	uint32_t what; /* type, SLOT_TAGGED, index of the attributes */
} __attribute__((packed, aligned(4)));

struct content {
	uint8_t hash[SYNC_HASH_LEN];
	uint32_t n;
	digest_tag tag[];
};

/* One combination of owner, mode and extended attributes. */
struct attr {
	uint8_t *xattr;
	uint32_t xattr_len, uid, gid;
	uint32_t users; /* 0: free */
	uint32_t chain; /* next of the same bucket, or of the free ones; TREE_NONE */
	uint16_t mode;
};

struct tree {
	struct digest *digest;
	struct digest_sum sum;

	struct slot *slot;
	uint32_t slot_n, slot_cap;
	uint32_t free, resting; /* lists; those that rest are free from the next prune on */
	tree_id root[SYNC_ROOTS_MAX];

	uint32_t *table;
	uint32_t table_n, table_cap;
	uint8_t table_key[16]; /* names are anybody's: nobody shall choose their places */

	uint8_t *name;
	uint32_t name_len, name_cap, name_dead;

	struct attr *attr;
	uint32_t attr_n, attr_cap, attr_free;
	uint32_t *bucket;
	uint32_t bucket_cap;

	uint64_t entries, bytes, pending, tombstones, tag_bytes, xattr_bytes;
	uint64_t floor;       /* TREE_PENDING: no generation is known yet */
	uint64_t oldest_gone; /* no tombstone that could be pruned is older */
	char *path, *scratch; /* SYNC_PATH_MAX each: tree_get's, and everybody else's */
};

static inline uint32_t slot_type(const struct slot *s)
{
	return s->what & SLOT_TYPE;
}

static inline uint32_t slot_attr(const struct slot *s)
{
	return s->what >> SLOT_ATTR_SHIFT;
}

/* ---- tree_slot.c: memory; nothing here knows of numbers or digests ---- */

/* A new slot below parent (TREE_NONE: a root, whose index is name_len), found by its name, and of type SYNC_GONE.
 * TREE_NONE with *error -ENOMEM or -ENOSPC. */
tree_id slot_make(struct tree *, tree_id parent, const char *name, size_t name_len, int *error);
void slot_rest(struct tree *, tree_id); /* out of table and arena; links stay */
void slot_release_resting(struct tree *);
tree_id slot_find(const struct tree *, tree_id parent, const char *name, size_t len);
const char *slot_name(const struct tree *, tree_id, size_t *len);
/* Writes the path so that it ends at end; where it begins. */
char *slot_path(const struct tree *, tree_id, char *end, uint8_t *root);
/* The next one in an order in which parents come first, below top (TREE_NONE: of all); at = top: the first. */
tree_id slot_walk(const struct tree *, tree_id at, tree_id top);

/* Content: sets hash and tags, or the target. 0 or -ENOMEM, -ENOSPC: nothing has changed. */
int slot_set_content(struct tree *, tree_id, const uint8_t hash[SYNC_HASH_LEN],
		     const digest_tag *tags, size_t tags_n);
int slot_set_target(struct tree *, tree_id, const char *target, size_t len);
void slot_drop_content(struct tree *, tree_id);          /* hash, tags or target */
const struct content *slot_content(const struct slot *); /* NULL: has no tags */
const char *slot_target(const struct tree *, const struct slot *, size_t *len);

/* The combination, one user more; TREE_NONE: -ENOMEM. */
uint32_t attr_take(struct tree *, uint16_t mode, uint32_t uid, uint32_t gid, const uint8_t *xattr,
		   size_t xattr_len);
void attr_drop(struct tree *, uint32_t);
uint64_t slot_memory(const struct tree *);
void slot_reset(struct tree *); /* everything goes */

/* ---- tree.c ---- */
void tree_fill(const struct tree *, tree_id, char path[SYNC_PATH_MAX], struct sync_entry *out);

#endif
