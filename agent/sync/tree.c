/* tree.c - see tree.h. */
#include "agent/sync/tree.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sync/tree_state.h"

static void clear(struct tree *t)
{
	slot_reset(t);
	t->sum = (struct digest_sum){{0}};
	t->entries = t->bytes = t->pending = t->tombstones = 0;
	t->floor = t->oldest_gone = TREE_PENDING;
}

int tree_open(struct tree **out, struct digest *digest)
{
	struct tree *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	t->path = malloc(SYNC_PATH_MAX);
	t->scratch = malloc(SYNC_PATH_MAX);
	if (t->path == NULL || t->scratch == NULL) {
		free(t->path);
		free(t->scratch);
		free(t);
		return -ENOMEM;
	}
	t->digest = digest;
	randombytes_buf(t->table_key, sizeof(t->table_key));
	clear(t);
	*out = t;
	return 0;
}

void tree_close(struct tree *t)
{
	if (t == NULL)
		return;
	slot_reset(t);
	free(t->path);
	free(t->scratch);
	free(t);
}

void tree_clear(struct tree *t)
{
	clear(t);
}

/* ---- looking ---- */

tree_id tree_find_child(const struct tree *t, tree_id directory, const char *name, size_t len)
{
	return slot_find(t, directory, name, len);
}

tree_id tree_find(const struct tree *t, uint8_t root, const char *path, size_t len)
{
	tree_id id = root < SYNC_ROOTS_MAX ? t->root[root] : TREE_NONE;

	while (len > 0 && id != TREE_NONE) {
		const char *slash = memchr(path, '/', len);
		size_t n = slash == NULL ? len : (size_t)(slash - path);

		id = slot_find(t, id, path, n);
		len -= slash == NULL ? n : n + 1;
		path += slash == NULL ? n : n + 1;
	}
	return id;
}

void tree_fill(const struct tree *t, tree_id id, char path[SYNC_PATH_MAX], struct sync_entry *out)
{
	const struct slot *s = &t->slot[id];
	const struct content *c = slot_content(s);
	size_t target_len;

	memset(out, 0, sizeof(*out));
	out->path = slot_path(t, id, path + SYNC_PATH_MAX, &out->root);
	out->path_len = (uint16_t)(path + SYNC_PATH_MAX - out->path);
	out->type = (uint8_t)slot_type(s);
	if (out->type == SYNC_GONE)
		return;
	out->mode = t->attr[slot_attr(s)].mode;
	out->uid = t->attr[slot_attr(s)].uid;
	out->gid = t->attr[slot_attr(s)].gid;
	out->xattr = t->attr[slot_attr(s)].xattr;
	out->xattr_len = t->attr[slot_attr(s)].xattr_len;
	out->mtime_ns = s->mtime_ns;
	if (out->type == SYNC_FILE) {
		out->size = s->size;
		memcpy(out->hash, c != NULL ? c->hash : s->hash, sizeof(out->hash));
	} else if (out->type == SYNC_SYMLINK) {
		out->target = slot_target(t, s, &target_len);
		out->target_len = (uint16_t)target_len;
	}
}

static bool is_slot(const struct tree *t, tree_id id)
{
	return id < t->slot_n && slot_type(&t->slot[id]) != SLOT_FREE;
}

void tree_get(const struct tree *t, tree_id id, struct sync_entry *out)
{
	assert(is_slot(t, id));
	tree_fill(t, id, t->path, out);
}

uint64_t tree_number(const struct tree *t, tree_id id)
{
	assert(is_slot(t, id));
	return t->slot[id].number;
}

void tree_stat_of(const struct tree *t, tree_id id, struct tree_stat *out)
{
	assert(is_slot(t, id));
	out->inode = t->slot[id].inode;
	out->ctime_ns = t->slot[id].ctime_ns;
}

const digest_tag *tree_tags(const struct tree *t, tree_id id, size_t *n)
{
	const struct content *c;

	assert(is_slot(t, id));
	c = slot_content(&t->slot[id]);
	*n = c != NULL ? c->n : 0;
	return c != NULL ? c->tag : NULL;
}

tree_id tree_next(const struct tree *t, uint32_t *cursor)
{
	tree_id at = *cursor == 0 ? TREE_NONE : *cursor - 1;

	if (at != TREE_NONE && at >= t->slot_n) /* it was cleared meanwhile */
		return TREE_NONE;
	do
		at = slot_walk(t, at, TREE_NONE);
	while (at != TREE_NONE && slot_type(&t->slot[at]) == SLOT_FREE);
	if (at != TREE_NONE)
		*cursor = at + 1;
	return at;
}

tree_id tree_child(const struct tree *t, tree_id directory, tree_id after)
{
	tree_id at;

	assert(is_slot(t, directory));
	at = after == TREE_NONE ? t->slot[directory].child : t->slot[after].next;
	while (at != TREE_NONE &&
	       (slot_type(&t->slot[at]) == SYNC_GONE || slot_type(&t->slot[at]) == SLOT_FREE))
		at = t->slot[at].next;
	return at;
}

/* ---- changing ---- */

static void set_number(struct tree *t, struct slot *s, uint64_t number)
{
	t->pending -= s->number == TREE_PENDING;
	t->pending += number == TREE_PENDING;
	s->number = number;
}

/* Out of digest and totals, before it changes. */
static void uncount(struct tree *t, tree_id id)
{
	struct sync_entry e;

	if (slot_type(&t->slot[id]) == SYNC_GONE)
		return;
	tree_fill(t, id, t->scratch, &e);
	digest_subtract(t->digest, &t->sum, &e);
	t->entries--;
	t->bytes -= e.size;
}

/* As it is stored by now: what the caller gave may have been of the tree, and moved. */
static void count(struct tree *t, tree_id id)
{
	struct sync_entry e;

	tree_fill(t, id, t->scratch, &e);
	digest_add(t->digest, &t->sum, &e);
	t->entries++;
	t->bytes += e.size;
}

static void bury_one(struct tree *t, tree_id id, uint64_t number)
{
	struct slot *s = &t->slot[id];

	uncount(t, id);
	slot_drop_content(t, id);
	attr_drop(t, slot_attr(s));
	s->what = SYNC_GONE;
	s->mtime_ns = s->ctime_ns = 0;
	s->inode = s->size = 0;
	set_number(t, s, number);
	t->tombstones++;
	if (number < t->oldest_gone)
		t->oldest_gone = number;
}

static void bury_below(struct tree *t, tree_id top, uint64_t number)
{
	for (tree_id id = slot_walk(t, top, top); id != TREE_NONE; id = slot_walk(t, id, top)) {
		if (slot_type(&t->slot[id]) != SYNC_GONE)
			bury_one(t, id, number);
	}
}

/* The parent of a path, which is not the root's, and the name in it. */
static tree_id parent_of(const struct tree *t, const struct sync_entry *e, const char **name,
			 size_t *name_len)
{
	const char *slash = memrchr(e->path, '/', e->path_len);
	size_t above = slash == NULL ? 0 : (size_t)(slash - e->path);

	*name = slash == NULL ? e->path : slash + 1;
	*name_len = e->path_len - (size_t)(*name - e->path);
	return tree_find(t, e->root, e->path, above);
}

static tree_id make(struct tree *t, const struct sync_entry *e, int *error)
{
	tree_id parent = TREE_NONE, id;
	const char *name = NULL;
	size_t len = e->root;

	if (e->path_len > 0) {
		parent = parent_of(t, e, &name, &len);
		*error = -EINVAL;
		if (parent == TREE_NONE)
			return TREE_NONE;
	}
	id = slot_make(t, parent, name, len, error);
	t->tombstones += id != TREE_NONE; /* for now: of number 0, which nobody has to be told of */
	return id;
}

static int bury(struct tree *t, tree_id id, const struct sync_entry *e, uint64_t number,
		bool *changed)
{
	int error = 0;

	if (id != TREE_NONE && slot_type(&t->slot[id]) == SYNC_GONE)
		return 0;
	if (id != TREE_NONE) {
		bury_below(t, id, number);
		bury_one(t, id, number);
		*changed = true;
		return 0;
	}
	/* No generation had what came and went unseen; what one had and has no more, others may have to be told. */
	if (number == TREE_PENDING)
		return 0;
	id = make(t, e, &error);
	if (id == TREE_NONE)
		return error == -EINVAL ? 0 : error; /* no parent: nor has it what is below */
	set_number(t, &t->slot[id], number);
	if (number < t->oldest_gone)
		t->oldest_gone = number;
	return 0;
}

static bool same(const struct tree *t, tree_id id, const struct sync_entry *e)
{
	struct sync_entry old;

	tree_fill(t, id, t->scratch, &old);
	return old.type == e->type && old.mode == e->mode && old.uid == e->uid &&
	       old.gid == e->gid && old.mtime_ns == e->mtime_ns && old.size == e->size &&
	       old.xattr_len == e->xattr_len && old.target_len == e->target_len &&
	       memcmp(old.hash, e->hash, sizeof(old.hash)) == 0 &&
	       (e->xattr_len == 0 || memcmp(old.xattr, e->xattr, e->xattr_len) == 0) &&
	       (e->target_len == 0 || memcmp(old.target, e->target, e->target_len) == 0);
}

static void set_stat(struct slot *s, const struct tree_stat *stat)
{
	s->inode = stat->inode;
	s->ctime_ns = stat->ctime_ns;
}

/* What may fail comes first. */
static int set_content(struct tree *t, tree_id id, const struct sync_entry *e,
		       const digest_tag *tags, size_t tags_n)
{
	if (e->type == SYNC_SYMLINK)
		return slot_set_target(t, id, e->target, e->target_len);
	return slot_set_content(t, id, e->hash, tags, e->type == SYNC_FILE ? tags_n : 0);
}

static int replace(struct tree *t, tree_id id, const struct sync_entry *e,
		   const struct tree_stat *stat, const digest_tag *tags, size_t tags_n,
		   uint64_t number)
{
	uint32_t was = slot_type(&t->slot[id]), attr_was = slot_attr(&t->slot[id]);
	uint32_t attr = attr_take(t, e->mode, e->uid, e->gid, e->xattr, e->xattr_len);
	struct digest_sum sum = t->sum;
	struct slot *s;
	int error;

	if (attr == TREE_NONE)
		return -ENOMEM;
	uncount(t, id);
	error = set_content(t, id, e, tags, tags_n);
	if (error != 0) {
		attr_drop(t, attr);
		t->sum = sum;
		t->entries += was != SYNC_GONE;
		t->bytes += was == SYNC_FILE ? t->slot[id].size : 0;
		return error;
	}
	if (was == SYNC_DIRECTORY && e->type != SYNC_DIRECTORY)
		bury_below(t, id, number);
	if (was != SYNC_GONE)
		attr_drop(t, attr_was);
	else
		t->tombstones--;
	s = &t->slot[id];
	s->what = e->type | (s->what & SLOT_TAGGED) | attr << SLOT_ATTR_SHIFT;
	s->size = e->size;
	s->mtime_ns = e->mtime_ns;
	set_stat(s, stat);
	set_number(t, s, number);
	count(t, id);
	return 0;
}

static bool acceptable(const struct sync_entry *e)
{
	return e->root < SYNC_ROOTS_MAX && e->type < SYNC_ENTRY_TYPE_N &&
	       sync_path_valid(e->path, e->path_len) &&
	       (e->path_len > 0 || e->type == SYNC_DIRECTORY);
}

static bool has_directory(const struct tree *t, const struct sync_entry *e)
{
	const char *name;
	size_t len;
	tree_id parent;

	if (e->path_len == 0)
		return true;
	parent = parent_of(t, e, &name, &len);
	return parent != TREE_NONE && slot_type(&t->slot[parent]) == SYNC_DIRECTORY;
}

int tree_put(struct tree *t, const struct sync_entry *e, const struct tree_stat *stat,
	     const digest_tag *tags, size_t tags_n, uint64_t number, bool *changed)
{
	bool dummy = false;
	int error = 0;
	tree_id id;

	changed = changed != NULL ? changed : &dummy;
	*changed = false;
	if (!acceptable(e))
		return -EINVAL;
	id = tree_find(t, e->root, e->path, e->path_len);
	if (e->type == SYNC_GONE)
		return bury(t, id, e, number, changed);
	if (!has_directory(t, e))
		return -EINVAL;
	if (e->type != SYNC_FILE || tags == NULL || e->size <= SYNC_BLOCK_LEN)
		tags_n = 0;
	assert(tags_n == 0 || tags_n == (e->size + SYNC_BLOCK_LEN - 1) / SYNC_BLOCK_LEN);
	if (id != TREE_NONE && same(t, id, e)) {
		if (tags_n > 0 && slot_content(&t->slot[id]) == NULL)
			error = slot_set_content(t, id, e->hash, tags, tags_n);
		set_stat(&t->slot[id], stat);
		return error;
	}
	if (id == TREE_NONE)
		id = make(t, e, &error);
	if (id == TREE_NONE)
		return error;
	error = replace(t, id, e, stat, tags, tags_n, number);
	if (error != 0 && t->slot[id].number < t->oldest_gone)
		t->oldest_gone = t->slot[id].number;
	*changed = error == 0;
	return error;
}

/* ---- generations ---- */

void tree_stamp(struct tree *t, uint64_t number)
{
	assert(number != TREE_PENDING);
	for (tree_id id = 0; id < t->slot_n && t->pending > 0; id++) {
		struct slot *s = &t->slot[id];

		if (slot_type(s) == SLOT_FREE || s->number != TREE_PENDING)
			continue;
		set_number(t, s, number);
		if (slot_type(s) == SYNC_GONE && number < t->oldest_gone)
			t->oldest_gone = number;
	}
	/* Of what was before the first one nobody knows what is gone. */
	if (t->floor == TREE_PENDING)
		t->floor = number;
}

uint64_t tree_pending(const struct tree *t)
{
	return t->pending;
}

static bool marked(const uint8_t *mark, tree_id id)
{
	return (mark[id / 8] >> (id % 8) & 1) != 0;
}

/* What stays: all but tombstones that are old enough, and whatever something that stays is below of. */
static void mark_kept(struct tree *t, uint8_t *mark, uint64_t number)
{
	t->oldest_gone = TREE_PENDING;
	for (tree_id id = 0; id < t->slot_n; id++) {
		const struct slot *s = &t->slot[id];

		if (slot_type(s) == SLOT_FREE ||
		    (slot_type(s) == SYNC_GONE && s->number <= number && s->parent != TREE_NONE))
			continue;
		if (slot_type(s) == SYNC_GONE && s->number < t->oldest_gone)
			t->oldest_gone = s->number;
		for (tree_id up = id; up != TREE_NONE && !marked(mark, up); up = t->slot[up].parent)
			mark[up / 8] = (uint8_t)(mark[up / 8] | 1u << (up % 8));
	}
}

static void unlink_children(struct tree *t, tree_id directory, const uint8_t *mark)
{
	tree_id last = TREE_NONE;

	for (tree_id at = t->slot[directory].child; at != TREE_NONE; at = t->slot[at].next) {
		if (!marked(mark, at))
			continue;
		if (last == TREE_NONE)
			t->slot[directory].child = at;
		else
			t->slot[last].next = at;
		last = at;
	}
	if (last == TREE_NONE)
		t->slot[directory].child = TREE_NONE;
	else
		t->slot[last].next = TREE_NONE;
}

static void forget_unmarked(struct tree *t, const uint8_t *mark)
{
	for (tree_id id = 0; id < t->slot_n; id++) {
		if (slot_type(&t->slot[id]) == SLOT_FREE)
			continue;
		if (marked(mark, id)) {
			unlink_children(t, id, mark);
			continue;
		}
		slot_rest(t, id);
		t->tombstones--;
	}
}

void tree_prune(struct tree *t, uint64_t number)
{
	uint8_t *mark;

	assert(number != TREE_PENDING);
	if (t->floor != TREE_PENDING && t->floor < number)
		t->floor = number;
	if (number < t->oldest_gone)
		return;
	mark = calloc(1, t->slot_n / 8 + 1);
	if (mark == NULL)
		return; /* then they stay until the next time: it does no harm */
	slot_release_resting(t);
	mark_kept(t, mark, number);
	forget_unmarked(t, mark);
	free(mark);
}

uint64_t tree_floor(const struct tree *t)
{
	return t->floor;
}

void tree_totals(const struct tree *t, struct tree_totals *out)
{
	out->entries = t->entries;
	out->bytes = t->bytes;
	out->tombstones = t->tombstones;
	out->memory = slot_memory(t);
}

void tree_digest(const struct tree *t, uint8_t out[HA_KEY_LEN])
{
	digest_sum_bytes(&t->sum, out);
}

void tree_sum(const struct tree *t, struct digest_sum *out)
{
	*out = t->sum;
}
