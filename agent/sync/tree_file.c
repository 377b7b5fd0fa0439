/* tree_file.c - a tree on disk. See tree.h.
 *
 * Magic, version, roots, a check of the digest's key, lineage, floor, sum; the attributes; the entries, parents first, each
 * with its depth, so that its parent is the last one before it that is a level higher; BLAKE2b over all of it. It is read as a whole and
 * summed before anything in it is looked at; then each length is checked all the same.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/file.h"
#include "agent/sync/tree_state.h"
#include "proto/cursor.h"

enum {
	VERSION = 1,
	CHECKSUM_LEN = 32,
	HEADER_MAX = 4 + 2 + 2 * SYNC_HASH_LEN + 1 + LINEAGE_MAX * 16 + HA_KEY_LEN + 8 + 4 * 8 + 8,
	/* An entry without tags, attributes without their bytes. */
	ITEM_MAX = 128 + SYNC_NAME_MAX + SYNC_TARGET_MAX,
	BUFFER_LEN = 1 << 20,
	DEPTH_MAX = SYNC_PATH_MAX / 2 + 2,
	TAGGED = 0x80,
	NAME_LEN = NAME_MAX + 1,
};

static const char magic[] = "HAtr";

/* That the hashes were made with this key: the hash of no content. */
static void key_check(struct digest *d, uint8_t out[SYNC_HASH_LEN])
{
	digest_file(d, 0, NULL, 0, out);
}

/* ---- writing ---- */

struct sink {
	int fd, error;
	uint8_t *buffer;
	size_t len;
	crypto_generichash_state state;
};

static void put_out(struct sink *s, const uint8_t *bytes, size_t len)
{
	if (s->error == 0)
		s->error = file_write(s->fd, bytes, len);
}

static void flush(struct sink *s)
{
	crypto_generichash_update(&s->state, s->buffer, s->len);
	put_out(s, s->buffer, s->len);
	s->len = 0;
}

/* Room for an item is made before, so that it needs no check for each field. */
static void item_begin(struct sink *s, struct cursor_writer *w)
{
	if (BUFFER_LEN - s->len < ITEM_MAX)
		flush(s);
	cursor_write(w, s->buffer + s->len, BUFFER_LEN - s->len);
}

static void item_end(struct sink *s, struct cursor_writer *w)
{
	assert(cursor_written(w) > 0);
	s->len += cursor_written(w);
}

/* What may be long. */
static void put_bytes(struct sink *s, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > 0) {
		size_t n = BUFFER_LEN - s->len < len ? BUFFER_LEN - s->len : len;

		memcpy(s->buffer + s->len, at, n);
		s->len += n;
		at += n;
		len -= n;
		if (s->len == BUFFER_LEN)
			flush(s);
	}
}

static void save_header(struct sink *s, const struct tree *t, const struct lineage *head,
			const uint8_t roots[SYNC_HASH_LEN])
{
	uint8_t check[SYNC_HASH_LEN];
	struct cursor_writer w;

	key_check(t->digest, check);
	item_begin(s, &w);
	cursor_put_bytes(&w, magic, 4);
	cursor_put_u16(&w, VERSION);
	cursor_put_bytes(&w, roots, SYNC_HASH_LEN);
	cursor_put_bytes(&w, check, sizeof(check));
	cursor_put_u8(&w, head->n);
	for (unsigned i = 0; i < head->n; i++) {
		cursor_put_u64(&w, head->point[i].term);
		cursor_put_u64(&w, head->point[i].number);
	}
	cursor_put_bytes(&w, head->digest, sizeof(head->digest));
	cursor_put_u64(&w, t->floor);
	for (unsigned i = 0; i < 4; i++)
		cursor_put_u64(&w, t->sum.lane[i]);
	cursor_put_u32(&w, t->attr_n);
	cursor_put_u32(&w, (uint32_t)(t->entries + t->tombstones));
	item_end(s, &w);
}

/* All of them, free ones too: entries name them by their place. */
static void save_attrs(struct sink *s, const struct tree *t)
{
	for (uint32_t i = 0; i < t->attr_n; i++) {
		const struct attr *a = &t->attr[i];
		struct cursor_writer w;

		item_begin(s, &w);
		cursor_put_u16(&w, a->mode);
		cursor_put_u32(&w, a->uid);
		cursor_put_u32(&w, a->gid);
		cursor_put_u32(&w, a->xattr_len);
		item_end(s, &w);
		put_bytes(s, a->xattr, a->xattr_len);
	}
}

static void save_slot(struct sink *s, const struct tree *t, tree_id id, unsigned depth)
{
	const struct slot *slot = &t->slot[id];
	const struct content *c = slot_content(slot);
	const char *name, *target;
	size_t len;
	struct cursor_writer w;

	item_begin(s, &w);
	cursor_put_u16(&w, depth);
	if (depth == 0) {
		cursor_put_u8(&w, slot->name);
	} else {
		name = slot_name(t, id, &len);
		cursor_put_u8(&w, len);
		cursor_put_bytes(&w, name, len);
	}
	cursor_put_u8(&w, slot_type(slot) | (c != NULL ? TAGGED : 0));
	cursor_put_u64(&w, slot->number);
	if (slot_type(slot) != SYNC_GONE) {
		cursor_put_u32(&w, slot_attr(slot));
		cursor_put_u64(&w, (uint64_t)slot->mtime_ns);
		cursor_put_u64(&w, (uint64_t)slot->ctime_ns);
		cursor_put_u64(&w, slot->inode);
	}
	if (slot_type(slot) == SYNC_FILE) {
		cursor_put_u64(&w, slot->size);
		cursor_put_bytes(&w, c != NULL ? c->hash : slot->hash, SYNC_HASH_LEN);
	} else if (slot_type(slot) == SYNC_SYMLINK) {
		target = slot_target(t, slot, &len);
		cursor_put_u16(&w, len);
		cursor_put_bytes(&w, target, len);
	}
	item_end(s, &w);
	if (c != NULL)
		put_bytes(s, c->tag, c->n * sizeof(digest_tag));
}

static void save_slots(struct sink *s, const struct tree *t)
{
	unsigned depth = 0;
	tree_id last = TREE_NONE;

	for (tree_id id = slot_walk(t, TREE_NONE, TREE_NONE); id != TREE_NONE && s->error == 0;
	     id = slot_walk(t, id, TREE_NONE)) {
		/* One step down, or as many up as it takes to be below the same parent. */
		if (last != TREE_NONE && t->slot[id].parent == last) {
			depth++;
		} else {
			for (tree_id up = last;
			     up != TREE_NONE && t->slot[up].parent != t->slot[id].parent;
			     up = t->slot[up].parent)
				depth--;
		}
		save_slot(s, t, id, depth);
		last = id;
	}
}

static int save_to(int fd, const struct tree *t, const struct lineage *head,
		   const uint8_t roots[SYNC_HASH_LEN])
{
	struct sink s = {.fd = fd, .buffer = malloc(BUFFER_LEN)};
	uint8_t sum[CHECKSUM_LEN];

	if (s.buffer == NULL)
		return -ENOMEM;
	crypto_generichash_init(&s.state, NULL, 0, sizeof(sum));
	save_header(&s, t, head, roots);
	save_attrs(&s, t);
	save_slots(&s, t);
	flush(&s);
	crypto_generichash_final(&s.state, sum, sizeof(sum));
	put_out(&s, sum, sizeof(sum));
	free(s.buffer);
	return s.error;
}

static int temporary_of(const char *name, char out[NAME_LEN])
{
	return (size_t)snprintf(out, NAME_LEN, "%s.new", name) < NAME_LEN ? 0 : -ENAMETOOLONG;
}

int tree_save_begin(const struct tree *t, int directory, const char *name,
		    const struct lineage *head, const uint8_t roots[SYNC_HASH_LEN])
{
	char temporary[NAME_LEN];
	int fd, error = temporary_of(name, temporary);

	assert(head->n <= LINEAGE_MAX);
	if (error != 0)
		return error;
	if (unlinkat(directory, temporary, 0) != 0 && errno != ENOENT)
		return -errno;
	fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return -errno;
	error = save_to(fd, t, head, roots);
	if (error == 0)
		return fd;
	close(fd);
	unlinkat(directory, temporary, 0);
	return error;
}

int tree_save_end(int fd, int directory, const char *name)
{
	char temporary[NAME_LEN];
	int error = fsync(fd) == 0 ? 0 : -errno;

	(void)temporary_of(name, temporary);
	if (close(fd) != 0 && error == 0)
		error = -errno;
	if (error == 0 && renameat(directory, temporary, directory, name) != 0)
		error = -errno;
	if (error != 0) {
		unlinkat(directory, temporary, 0);
		return error;
	}
	return fsync(directory) == 0 ? 0 : -errno;
}

/* ---- reading ---- */

/* Attributes as they stand in the file. */
struct stored_attr {
	const uint8_t *xattr;
	uint32_t xattr_len, uid, gid;
	uint16_t mode;
};

struct source {
	struct cursor_reader r;
	struct stored_attr *attr;
	uint32_t attr_n, slot_n;
	struct digest_sum sum;
	uint64_t floor;
	unsigned depth;
	tree_id above[DEPTH_MAX];     /* the newest entry of each depth */
	uint16_t path_len[DEPTH_MAX]; /* of that entry */
};

static int read_whole(int fd, uint8_t *out, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, out, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EBADMSG;
		out += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The file without its checksum, which is good. *out is to be freed. */
static int read_file(int directory, const char *name, uint8_t **out, size_t *len)
{
	uint8_t sum[CHECKSUM_LEN];
	struct stat st;
	int error, fd = openat(directory, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

	*out = NULL;
	if (fd < 0)
		return errno == ELOOP ? -EBADMSG : -errno;
	if (fstat(fd, &st) != 0)
		error = -errno;
	else
		error = S_ISREG(st.st_mode) && st.st_size > CHECKSUM_LEN ? 0 : -EBADMSG;
	if (error == 0) {
		*len = (size_t)st.st_size;
		*out = malloc(*len);
		error = *out == NULL ? -ENOMEM : read_whole(fd, *out, *len);
	}
	close(fd);
	if (error != 0)
		return error;
	*len -= CHECKSUM_LEN;
	crypto_generichash(sum, sizeof(sum), *out, *len, NULL, 0);
	return memcmp(sum, *out + *len, sizeof(sum)) == 0 ? 0 : -EBADMSG;
}

/* Bytes that stay where they are; NULL: there are not so many. */
static const uint8_t *get_bytes(struct cursor_reader *r, uint64_t len)
{
	const uint8_t *at = r->next;

	if (r->failed || len > r->left)
		return NULL;
	cursor_skip(r, (size_t)len);
	return at;
}

static bool load_lineage(struct cursor_reader *r, struct lineage *out)
{
	memset(out, 0, sizeof(*out));
	out->n = cursor_get_u8(r);
	if (out->n > LINEAGE_MAX)
		return false;
	for (unsigned i = 0; i < out->n; i++) {
		out->point[i].term = cursor_get_u64(r);
		out->point[i].number = cursor_get_u64(r);
	}
	cursor_get_bytes(r, out->digest, sizeof(out->digest));
	return !r->failed && lineage_valid(out);
}

static bool load_header(struct source *s, struct digest *d, struct lineage *head,
			const uint8_t roots[SYNC_HASH_LEN])
{
	uint8_t check[SYNC_HASH_LEN];
	const uint8_t *start = get_bytes(&s->r, 4 + 2 + 2 * SYNC_HASH_LEN);

	key_check(d, check);
	if (start == NULL || memcmp(start, magic, 4) != 0 || start[4] != 0 || start[5] != VERSION ||
	    memcmp(start + 6, roots, SYNC_HASH_LEN) != 0 ||
	    memcmp(start + 6 + SYNC_HASH_LEN, check, SYNC_HASH_LEN) != 0 ||
	    !load_lineage(&s->r, head))
		return false;
	s->floor = cursor_get_u64(&s->r);
	for (unsigned i = 0; i < 4; i++)
		s->sum.lane[i] = cursor_get_u64(&s->r);
	s->attr_n = cursor_get_u32(&s->r);
	s->slot_n = cursor_get_u32(&s->r);
	/* More than there can be room for is a lie, and would cost memory. */
	return !s->r.failed && s->attr_n <= s->r.left / 14 && s->slot_n <= s->r.left / 12;
}

static int load_attrs(struct source *s)
{
	s->attr = calloc(s->attr_n + UINT64_C(1), sizeof(*s->attr));
	if (s->attr == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->attr_n; i++) {
		struct stored_attr *a = &s->attr[i];

		a->mode = cursor_get_u16(&s->r);
		a->uid = cursor_get_u32(&s->r);
		a->gid = cursor_get_u32(&s->r);
		a->xattr_len = cursor_get_u32(&s->r);
		a->xattr = get_bytes(&s->r, a->xattr_len);
		if (a->xattr == NULL || a->xattr_len > SYNC_XATTR_MAX || a->mode > 07777)
			return -EBADMSG;
	}
	return 0;
}

/* Makes the slot, below the newest one a level higher. */
static tree_id load_name(struct source *s, struct tree *t, int *error)
{
	unsigned depth = cursor_get_u16(&s->r);
	uint8_t len = cursor_get_u8(&s->r);
	const char *name = NULL;
	size_t path_len = 0;
	tree_id id, parent = TREE_NONE;

	*error = -EBADMSG;
	if (depth >= DEPTH_MAX || depth > s->depth)
		return TREE_NONE;
	if (depth == 0) {
		if (len >= SYNC_ROOTS_MAX || t->root[len] != TREE_NONE)
			return TREE_NONE;
	} else {
		parent = s->above[depth - 1];
		path_len = s->path_len[depth - 1] + (depth > 1 ? 1u : 0u) + len;
		name = (const char *)get_bytes(&s->r, len);
		if (name == NULL || len == 0 || path_len > SYNC_PATH_MAX ||
		    memchr(name, '/', len) != NULL || !sync_path_valid(name, len) ||
		    slot_find(t, parent, name, len) != TREE_NONE)
			return TREE_NONE;
	}
	id = slot_make(t, parent, name, len, error);
	s->above[depth] = id;
	s->path_len[depth] = (uint16_t)path_len;
	s->depth = depth + 1;
	return id;
}

static int load_content(struct source *s, struct tree *t, tree_id id, unsigned type, bool tagged)
{
	const uint8_t *hash, *tags = NULL;
	uint64_t size, n = 0;
	size_t len;

	if (type == SYNC_SYMLINK) {
		len = cursor_get_u16(&s->r);
		hash = get_bytes(&s->r, len);
		if (hash == NULL || len > SYNC_TARGET_MAX || memchr(hash, 0, len) != NULL)
			return -EBADMSG;
		return slot_set_target(t, id, (const char *)hash, len);
	}
	if (type != SYNC_FILE)
		return tagged ? -EBADMSG : 0;
	size = cursor_get_u64(&s->r);
	hash = get_bytes(&s->r, SYNC_HASH_LEN);
	if (tagged) {
		n = size / SYNC_BLOCK_LEN + (size % SYNC_BLOCK_LEN != 0);
		tags = n > 1 && n <= s->r.left / SYNC_HASH_LEN ? get_bytes(&s->r, n * SYNC_HASH_LEN)
							       : NULL;
	}
	if (hash == NULL || (tagged && tags == NULL))
		return -EBADMSG;
	t->slot[id].size = size;
	t->bytes += size;
	return slot_set_content(t, id, hash, (const void *)tags, (size_t)n);
}

/* What is not gone is in a directory, or is a root. */
static bool fits(const struct tree *t, tree_id id, unsigned type)
{
	tree_id parent = t->slot[id].parent;

	if (parent == TREE_NONE)
		return type == SYNC_DIRECTORY;
	return type == SYNC_GONE || slot_type(&t->slot[parent]) == SYNC_DIRECTORY;
}

static int load_slot(struct source *s, struct tree *t)
{
	const struct stored_attr *a;
	int error;
	uint32_t index, attr;
	tree_id id = load_name(s, t, &error);
	uint8_t type = cursor_get_u8(&s->r);
	bool tagged = (type & TAGGED) != 0;

	if (id == TREE_NONE)
		return error;
	type = (uint8_t)(type & ~TAGGED);
	t->slot[id].number = cursor_get_u64(&s->r);
	t->pending += t->slot[id].number == TREE_PENDING;
	if (type >= SYNC_ENTRY_TYPE_N || !fits(t, id, type) || s->r.failed)
		return -EBADMSG;
	if (type == SYNC_GONE) {
		t->tombstones++;
		if (t->slot[id].number < t->oldest_gone)
			t->oldest_gone = t->slot[id].number;
		return tagged ? -EBADMSG : 0;
	}
	index = cursor_get_u32(&s->r);
	t->slot[id].mtime_ns = (int64_t)cursor_get_u64(&s->r);
	t->slot[id].ctime_ns = (int64_t)cursor_get_u64(&s->r);
	t->slot[id].inode = cursor_get_u64(&s->r);
	if (index >= s->attr_n)
		return -EBADMSG;
	error = load_content(s, t, id, type, tagged);
	if (error != 0)
		return error;
	a = &s->attr[index];
	attr = attr_take(t, a->mode, a->uid, a->gid, a->xattr, a->xattr_len);
	if (attr == TREE_NONE)
		return -ENOMEM;
	t->slot[id].what = type | (t->slot[id].what & SLOT_TAGGED) | attr << SLOT_ATTR_SHIFT;
	t->entries++;
	return 0;
}

static int load_from(struct source *s, struct tree *t, struct lineage *head,
		     const uint8_t roots[SYNC_HASH_LEN])
{
	struct lineage found;
	int error;

	if (!load_header(s, t->digest, &found, roots))
		return -EBADMSG;
	error = load_attrs(s);
	for (uint32_t i = 0; error == 0 && i < s->slot_n; i++)
		error = load_slot(s, t);
	if (error == 0 && !cursor_finished(&s->r))
		error = -EBADMSG;
	if (error != 0)
		return error;
	t->sum = s->sum;
	t->floor = s->floor;
	*head = found;
	return 0;
}

int tree_load(struct tree *t, int directory, const char *name, struct lineage *head,
	      const uint8_t roots[SYNC_HASH_LEN])
{
	struct source *s = calloc(1, sizeof(*s));
	uint8_t *bytes = NULL;
	size_t len = 0;
	int error;

	if (s == NULL)
		return -ENOMEM;
	tree_clear(t);
	error = read_file(directory, name, &bytes, &len);
	if (error == 0) {
		cursor_read(&s->r, bytes, len);
		error = load_from(s, t, head, roots);
	}
	if (error != 0)
		tree_clear(t);
	free(s->attr);
	free(s);
	free(bytes);
	return error;
}
