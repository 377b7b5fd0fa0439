/* tree_slot.c - the memory of a tree: slots, the table that finds them, names, attributes. See tree_state.h. */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sync/tree_state.h"

enum {
	SPARE_MIN = 64,
	NAME_MIN = 4096,
	DEAD_MIN = 65536, /* bytes of names that nobody uses, before it is worth to make room */
};

#define NAME_CAP_MAX UINT32_MAX
#define TABLE_EMPTY  UINT32_MAX

/* Room for need elements and a 32nd more, so that large trees waste little. Large blocks grow by remapping: to do it often
 * is cheap. */
static int grow(void **array, uint32_t *cap, uint64_t need, uint64_t most, size_t size)
{
	uint64_t more = need + need / 32 + SPARE_MIN;
	void *now;

	if (need <= *cap)
		return 0;
	if (need > most)
		return -ENOSPC;
	if (more > most)
		more = most;
	now = realloc(*array, more * size);
	if (now == NULL)
		return -ENOMEM;
	*array = now;
	*cap = (uint32_t)more;
	return 0;
}

/* ---- the arena: a byte or two of length, then the text ---- */

static void copy_text(uint8_t *to, uint32_t *at, const uint8_t *from, uint32_t *offset, size_t len)
{
	memcpy(to + *at, from + *offset, len);
	*offset = *at;
	*at += (uint32_t)len;
}

static uint32_t target_offset(const struct slot *s)
{
	uint32_t offset;

	memcpy(&offset, s->hash, sizeof(offset));
	return offset;
}

static size_t target_len(const uint8_t *text)
{
	return (size_t)(text[0] << 8 | text[1]);
}

/* All names and targets into a new arena, without what nobody uses. If there is no memory for it the old one serves. */
static void compact(struct tree *t)
{
	uint32_t len = 0, cap = t->name_len - t->name_dead + NAME_MIN;
	uint8_t *now = malloc(cap);

	if (now == NULL)
		return;
	for (tree_id id = 0; id < t->slot_n; id++) {
		struct slot *s = &t->slot[id];
		uint32_t offset;

		if (slot_type(s) == SLOT_FREE)
			continue;
		offset = s->name;
		if (s->parent != TREE_NONE)
			copy_text(now, &len, t->name, &offset, 1 + (size_t)t->name[offset]);
		s->name = offset;
		if (slot_type(s) != SYNC_SYMLINK)
			continue;
		offset = target_offset(s);
		copy_text(now, &len, t->name, &offset, 2 + target_len(t->name + offset));
		memcpy(s->hash, &offset, sizeof(offset));
	}
	assert(len == t->name_len - t->name_dead);
	free(t->name);
	t->name = now;
	t->name_len = len;
	t->name_cap = cap;
	t->name_dead = 0;
}

static int name_room(struct tree *t, size_t len)
{
	if (t->name_len + (uint64_t)len > t->name_cap && t->name_dead >= DEAD_MIN &&
	    t->name_dead >= t->name_len / 4)
		compact(t);
	return grow((void **)&t->name, &t->name_cap, t->name_len + (uint64_t)len, NAME_CAP_MAX, 1);
}

/* ---- the table: open addressing; a word is an id, and eight bits of the hash above it ---- */

static uint64_t name_hash(const struct tree *t, tree_id parent, const char *name, size_t len)
{
	uint8_t bytes[sizeof(parent) + SYNC_NAME_MAX], hash[crypto_shorthash_BYTES];
	uint64_t out;

	memcpy(bytes, &parent, sizeof(parent));
	memcpy(bytes + sizeof(parent), name, len);
	crypto_shorthash(hash, bytes, sizeof(parent) + len, t->table_key);
	memcpy(&out, hash, sizeof(out));
	return out;
}

static uint32_t place_of(uint64_t hash, uint32_t cap)
{
	return (uint32_t)((hash >> 32) * cap >> 32);
}

static uint32_t word_of(uint64_t hash, tree_id id)
{
	return (uint32_t)(hash & 0xff) << 24 | id;
}

static uint32_t after(uint32_t place, uint32_t cap)
{
	return place + 1 == cap ? 0 : place + 1;
}

static uint64_t hash_of(const struct tree *t, tree_id id)
{
	size_t len;
	const char *name = slot_name(t, id, &len);

	return name_hash(t, t->slot[id].parent, name, len);
}

static void table_put(uint32_t *table, uint32_t cap, uint64_t hash, tree_id id)
{
	uint32_t place = place_of(hash, cap);

	while (table[place] != TABLE_EMPTY)
		place = after(place, cap);
	table[place] = word_of(hash, id);
}

/* Never fuller than three quarters. */
static int table_room(struct tree *t)
{
	uint32_t cap = t->table_cap + t->table_cap / 4 + SPARE_MIN;
	uint32_t *now;

	if ((t->table_n + 1) * UINT64_C(4) <= t->table_cap * UINT64_C(3))
		return 0;
	now = malloc(cap * sizeof(*now));
	if (now == NULL)
		return -ENOMEM;
	memset(now, 0xff, cap * sizeof(*now));
	/* In the order of the slots, where names are side by side, and not in that of the table. */
	for (tree_id id = 0; id < t->slot_n; id++) {
		if (slot_type(&t->slot[id]) != SLOT_FREE && t->slot[id].parent != TREE_NONE)
			table_put(now, cap, hash_of(t, id), id);
	}
	free(t->table);
	t->table = now;
	t->table_cap = cap;
	return 0;
}

tree_id slot_find(const struct tree *t, tree_id parent, const char *name, size_t len)
{
	uint64_t hash;

	if (t->table_cap == 0 || len > SYNC_NAME_MAX)
		return TREE_NONE;
	hash = name_hash(t, parent, name, len);
	for (uint32_t place = place_of(hash, t->table_cap); t->table[place] != TABLE_EMPTY;
	     place = after(place, t->table_cap)) {
		uint32_t word = t->table[place];
		tree_id id = word & TREE_SLOTS_MAX;
		const char *other;
		size_t other_len;

		if (word != word_of(hash, id) || t->slot[id].parent != parent)
			continue;
		other = slot_name(t, id, &other_len);
		if (other_len == len && memcmp(other, name, len) == 0)
			return id;
	}
	return TREE_NONE;
}

/* What comes behind moves up, unless its own place is behind the hole: so no place needs to remember that it was used. */
static void table_remove(struct tree *t, tree_id id)
{
	uint32_t cap = t->table_cap, hole = place_of(hash_of(t, id), cap);

	while ((t->table[hole] & TREE_SLOTS_MAX) != id || t->table[hole] == TABLE_EMPTY)
		hole = after(hole, cap);
	for (uint32_t at = after(hole, cap); t->table[at] != TABLE_EMPTY; at = after(at, cap)) {
		uint32_t home = place_of(hash_of(t, t->table[at] & TREE_SLOTS_MAX), cap);
		uint32_t from_home = at >= home ? at - home : at + cap - home;
		uint32_t from_hole = at >= hole ? at - hole : at + cap - hole;

		if (from_home < from_hole)
			continue;
		t->table[hole] = t->table[at];
		hole = at;
	}
	t->table[hole] = TABLE_EMPTY;
	t->table_n--;
}

/* ---- slots ---- */

static void put_name(struct tree *t, struct slot *s, const char *name, size_t len)
{
	s->name = t->name_len;
	t->name[t->name_len++] = (uint8_t)len;
	memcpy(t->name + t->name_len, name, len);
	t->name_len += (uint32_t)len;
}

static void link_slot(struct tree *t, tree_id id, const char *name, size_t len)
{
	struct slot *s = &t->slot[id];

	put_name(t, s, name, len);
	s->next = t->slot[s->parent].child;
	t->slot[s->parent].child = id;
	table_put(t->table, t->table_cap, name_hash(t, s->parent, name, len), id);
	t->table_n++;
}

tree_id slot_make(struct tree *t, tree_id parent, const char *name, size_t name_len, int *error)
{
	struct slot *s;
	tree_id id;

	*error = 0;
	if (t->free == TREE_NONE)
		*error = grow((void **)&t->slot, &t->slot_cap, t->slot_n + UINT64_C(1),
			      TREE_SLOTS_MAX, sizeof(*t->slot));
	if (*error == 0 && parent != TREE_NONE)
		*error = name_room(t, 1 + name_len);
	if (*error == 0 && parent != TREE_NONE)
		*error = table_room(t);
	if (*error != 0)
		return TREE_NONE;
	if (t->free != TREE_NONE) {
		id = t->free;
		t->free = t->slot[id].name;
	} else {
		id = t->slot_n++;
	}
	s = &t->slot[id];
	memset(s, 0, sizeof(*s));
	s->parent = parent;
	s->next = s->child = TREE_NONE;
	s->what = SYNC_GONE;
	if (parent != TREE_NONE) {
		link_slot(t, id, name, name_len);
	} else {
		s->name = (uint32_t)name_len;
		t->root[name_len] = id;
	}
	return id;
}

void slot_rest(struct tree *t, tree_id id)
{
	struct slot *s = &t->slot[id];

	assert(slot_type(s) == SYNC_GONE && s->parent != TREE_NONE);
	table_remove(t, id);
	t->name_dead += 1 + (uint32_t)t->name[s->name];
	s->what = SLOT_FREE;
	s->name = t->resting;
	t->resting = id;
}

void slot_release_resting(struct tree *t)
{
	while (t->resting != TREE_NONE) {
		tree_id id = t->resting;

		t->resting = t->slot[id].name;
		t->slot[id].name = t->free;
		t->free = id;
	}
}

const char *slot_name(const struct tree *t, tree_id id, size_t *len)
{
	const uint8_t *text = t->name + t->slot[id].name;

	*len = text[0];
	return (const char *)text + 1;
}

char *slot_path(const struct tree *t, tree_id id, char *end, uint8_t *root)
{
	char *at = end;

	for (; t->slot[id].parent != TREE_NONE; id = t->slot[id].parent) {
		size_t len;
		const char *name = slot_name(t, id, &len);

		if (at != end)
			*--at = '/';
		at -= len;
		memcpy(at, name, len);
	}
	*root = (uint8_t)t->slot[id].name;
	return at;
}

/* The first root at or behind an index. */
static tree_id root_from(const struct tree *t, uint32_t index)
{
	for (; index < SYNC_ROOTS_MAX; index++) {
		if (t->root[index] != TREE_NONE)
			return t->root[index];
	}
	return TREE_NONE;
}

tree_id slot_walk(const struct tree *t, tree_id at, tree_id top)
{
	if (at == TREE_NONE)
		return root_from(t, 0);
	if (t->slot[at].child != TREE_NONE)
		return t->slot[at].child;
	for (; at != top; at = t->slot[at].parent) {
		if (t->slot[at].parent == TREE_NONE)
			return root_from(t, t->slot[at].name + 1);
		if (t->slot[at].next != TREE_NONE)
			return t->slot[at].next;
	}
	return TREE_NONE;
}

/* ---- contents ---- */

static struct content *content_of(const struct slot *s)
{
	uintptr_t at = 0;

	_Static_assert(sizeof(at) <= SYNC_HASH_LEN, "a pointer fits where the hash was");
	if ((s->what & SLOT_TAGGED) != 0)
		memcpy(&at, s->hash, sizeof(at));
	return (struct content *)at;
}

const struct content *slot_content(const struct slot *s)
{
	return content_of(s);
}

void slot_drop_content(struct tree *t, tree_id id)
{
	struct slot *s = &t->slot[id];
	struct content *c = content_of(s);
	size_t len;

	if (c != NULL) {
		t->tag_bytes -= sizeof(*c) + c->n * sizeof(digest_tag);
		free(c);
	} else if (slot_type(s) == SYNC_SYMLINK) {
		slot_target(t, s, &len);
		t->name_dead += 2 + (uint32_t)len;
	}
	memset(s->hash, 0, sizeof(s->hash));
	s->what &= ~(uint32_t)SLOT_TAGGED;
}

int slot_set_content(struct tree *t, tree_id id, const uint8_t hash[SYNC_HASH_LEN],
		     const digest_tag *tags, size_t tags_n)
{
	struct slot *s = &t->slot[id];
	struct content *c = NULL;

	if (tags_n > 0) {
		c = malloc(sizeof(*c) + tags_n * sizeof(digest_tag));
		if (c == NULL)
			return -ENOMEM;
		memcpy(c->hash, hash, sizeof(c->hash));
		c->n = (uint32_t)tags_n;
		memcpy(c->tag, tags, tags_n * sizeof(digest_tag));
		t->tag_bytes += sizeof(*c) + tags_n * sizeof(digest_tag);
	}
	slot_drop_content(t, id);
	if (c != NULL) {
		uintptr_t at = (uintptr_t)c;

		memcpy(s->hash, &at, sizeof(at));
		s->what |= SLOT_TAGGED;
	} else {
		memcpy(s->hash, hash, SYNC_HASH_LEN);
	}
	return 0;
}

int slot_set_target(struct tree *t, tree_id id, const char *target, size_t len)
{
	struct slot *s = &t->slot[id];
	char copy[SYNC_TARGET_MAX]; /* it may come from the arena, which may move */
	uint32_t offset;
	int error;

	assert(len <= sizeof(copy));
	memcpy(copy, target, len);
	error = name_room(t, 2 + len);
	if (error != 0)
		return error;
	slot_drop_content(t, id);
	offset = t->name_len;
	t->name[offset] = (uint8_t)(len >> 8);
	t->name[offset + 1] = (uint8_t)len;
	memcpy(t->name + offset + 2, copy, len);
	t->name_len += 2 + (uint32_t)len;
	memcpy(s->hash, &offset, sizeof(offset));
	return 0;
}

const char *slot_target(const struct tree *t, const struct slot *s, size_t *len)
{
	const uint8_t *text = t->name + target_offset(s);

	*len = target_len(text);
	return (const char *)text + 2;
}

/* ---- attributes ---- */

static uint32_t attr_hash(const struct tree *t, const struct attr *a)
{
	uint8_t bytes[3 * 4 + crypto_shorthash_BYTES], hash[crypto_shorthash_BYTES];
	uint32_t mode = a->mode, out;

	memcpy(bytes, &mode, 4);
	memcpy(bytes + 4, &a->uid, 4);
	memcpy(bytes + 8, &a->gid, 4);
	crypto_shorthash(bytes + 12, a->xattr, a->xattr_len, t->table_key);
	crypto_shorthash(hash, bytes, sizeof(bytes), t->table_key);
	memcpy(&out, hash, sizeof(out));
	return out;
}

static bool attr_equal(const struct attr *a, const struct attr *b)
{
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid &&
	       a->xattr_len == b->xattr_len &&
	       (a->xattr_len == 0 || memcmp(a->xattr, b->xattr, a->xattr_len) == 0);
}

/* One bucket for each combination, at least. */
static int bucket_room(struct tree *t)
{
	uint32_t cap = t->bucket_cap == 0 ? SPARE_MIN : 2 * t->bucket_cap;
	uint32_t *now;

	if (t->attr_n < t->bucket_cap)
		return 0;
	now = malloc(cap * sizeof(*now));
	if (now == NULL)
		return -ENOMEM;
	memset(now, 0xff, cap * sizeof(*now));
	for (uint32_t i = 0; i < t->attr_n; i++) {
		uint32_t *head;

		if (t->attr[i].users == 0)
			continue;
		head = &now[attr_hash(t, &t->attr[i]) & (cap - 1)];
		t->attr[i].chain = *head;
		*head = i;
	}
	free(t->bucket);
	t->bucket = now;
	t->bucket_cap = cap;
	return 0;
}

static uint32_t attr_make(struct tree *t, const struct attr *wanted)
{
	struct attr a = *wanted;
	uint32_t index, *head;

	if (bucket_room(t) != 0 ||
	    (t->attr_free == TREE_NONE &&
	     grow((void **)&t->attr, &t->attr_cap, t->attr_n + 1, ATTR_MAX, sizeof(*t->attr)) != 0))
		return TREE_NONE;
	if (a.xattr_len > 0) {
		a.xattr = malloc(a.xattr_len);
		if (a.xattr == NULL)
			return TREE_NONE;
		memcpy(a.xattr, wanted->xattr, a.xattr_len);
	}
	if (t->attr_free != TREE_NONE) {
		index = t->attr_free;
		t->attr_free = t->attr[index].chain;
	} else {
		index = t->attr_n++;
	}
	head = &t->bucket[attr_hash(t, &a) & (t->bucket_cap - 1)];
	a.chain = *head;
	a.users = 1;
	*head = index;
	t->attr[index] = a;
	t->xattr_bytes += a.xattr_len;
	return index;
}

uint32_t attr_take(struct tree *t, uint16_t mode, uint32_t uid, uint32_t gid, const uint8_t *xattr,
		   size_t xattr_len)
{
	/* Nothing is written through it: attr_make takes a copy. */
	struct attr wanted = {.xattr = (uint8_t *)(uintptr_t)xattr,
			      .xattr_len = (uint32_t)xattr_len,
			      .uid = uid,
			      .gid = gid,
			      .mode = mode};
	uint32_t i;

	if (xattr_len == 0)
		wanted.xattr = NULL;
	if (t->bucket_cap > 0) {
		i = t->bucket[attr_hash(t, &wanted) & (t->bucket_cap - 1)];
		for (; i != TREE_NONE; i = t->attr[i].chain) {
			if (!attr_equal(&t->attr[i], &wanted))
				continue;
			t->attr[i].users++;
			return i;
		}
	}
	return attr_make(t, &wanted);
}

void attr_drop(struct tree *t, uint32_t index)
{
	struct attr *a = &t->attr[index];
	uint32_t *link;

	assert(a->users > 0);
	if (--a->users > 0)
		return;
	link = &t->bucket[attr_hash(t, a) & (t->bucket_cap - 1)];
	while (*link != index)
		link = &t->attr[*link].chain;
	*link = a->chain;
	t->xattr_bytes -= a->xattr_len;
	free(a->xattr);
	a->xattr = NULL;
	a->xattr_len = 0;
	a->chain = t->attr_free;
	t->attr_free = index;
}

uint64_t slot_memory(const struct tree *t)
{
	return sizeof(*t) + 2 * (uint64_t)SYNC_PATH_MAX + t->slot_cap * sizeof(*t->slot) +
	       t->table_cap * sizeof(*t->table) + t->name_cap + t->attr_cap * sizeof(*t->attr) +
	       t->bucket_cap * sizeof(*t->bucket) + t->xattr_bytes + t->tag_bytes;
}

void slot_reset(struct tree *t)
{
	for (tree_id id = 0; id < t->slot_n; id++)
		free(content_of(&t->slot[id]));
	for (uint32_t i = 0; i < t->attr_n; i++)
		free(t->attr[i].xattr);
	free(t->slot);
	free(t->table);
	free(t->name);
	free(t->attr);
	free(t->bucket);
	t->slot = NULL;
	t->table = NULL;
	t->name = NULL;
	t->attr = NULL;
	t->bucket = NULL;
	t->slot_n = t->slot_cap = t->table_n = t->table_cap = 0;
	t->name_len = t->name_cap = t->name_dead = 0;
	t->attr_n = t->attr_cap = t->bucket_cap = 0;
	t->free = t->resting = t->attr_free = TREE_NONE;
	t->tag_bytes = t->xattr_bytes = 0;
	memset(t->root, 0xff, sizeof(t->root));
}
