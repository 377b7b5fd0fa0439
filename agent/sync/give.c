/* give.c - the side that leads: the entries of a generation, and the contents that the other one wants.
 *
 * Everything is pulled: the stream asks for the next bytes when it has room. First what is short and waits, then the
 * list, then what this side wants itself, then contents.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/sync/fault.h"
#include "agent/sync/syncer_state.h"

enum {
	WANTED_MAX = 256 << 20, /* bytes that wait: a million files are some 100 MB */
	HEADER = SYNC_RECORD_HEADER_LEN,
	BLOCK_FIXED = 12, /* ticket and offset, before the data */
	DONE_LEN = 5,
};

void give_list_begin(struct syncer *s, bool full, uint64_t since, const struct lineage *lineage)
{
	s->list = (struct give_list){
		.on = true,
		.full = full,
		.since = full ? 0 : since,
		.lineage = *lineage,
	};
	bulk_wake(s->bulk);
}

static void close_file(struct syncer *s)
{
	if (s->file.fd >= 0)
		close(s->file.fd);
	free(s->file.tags);
	s->file = (struct give_file){.fd = -1};
}

void give_forget(struct syncer *s)
{
	close_file(s);
	outbox_clear(&s->wanted);
}

void give_stop(struct syncer *s)
{
	s->list.on = false;
	give_forget(s);
	outbox_clear(&s->control);
}

/* ---- the list ---- */

static size_t put_record(uint8_t *out, enum sync_record_type type, size_t len)
{
	sync_encode_record(out, type, (uint32_t)len);
	return HEADER + len;
}

static size_t put_begin(const struct give_list *list, uint8_t *out, size_t cap)
{
	const struct sync_begin begin = {.full = list->full, .since = list->since};

	return put_record(out, SYNC_BEGIN, sync_encode_begin(out + HEADER, cap - HEADER, &begin));
}

static size_t put_end(const struct give_list *list, uint8_t *out, size_t cap)
{
	struct sync_end end = {.head = lineage_head(&list->lineage)};

	memcpy(end.digest, list->lineage.digest, sizeof(end.digest));
	return put_record(out, SYNC_END, sync_encode_end(out + HEADER, cap - HEADER, &end));
}

enum {
	ENTRY_ROOM = HEADER + 64 + SYNC_PATH_MAX + SYNC_XATTR_MAX + SYNC_TARGET_MAX,
};

static size_t fill_list(struct syncer *s, uint8_t *out, size_t cap)
{
	struct give_list *list = &s->list;
	size_t len = 0;

	if (!list->begun)
		len += put_begin(list, out, cap);
	list->begun = true;
	fault_point("list");
	while (cap - len >= ENTRY_ROOM) {
		tree_id id = tree_next(s->tree, &list->cursor);
		struct sync_entry entry;
		size_t n;

		if (id == TREE_NONE) {
			list->on = false;
			fault_point("list-told");
			return len + put_end(list, out + len, cap - len);
		}
		/* What has changed since, tombstones too; or all there are. */
		if (!list->full && tree_number(s->tree, id) <= list->since)
			continue;
		tree_get(s->tree, id, &entry);
		if (list->full && entry.type == SYNC_GONE)
			continue;
		n = sync_encode_entry(out + len + HEADER, cap - len - HEADER, &entry);
		assert(n != 0);
		len += put_record(out + len, SYNC_ENTRY, n);
	}
	return len;
}

/* ---- contents ---- */

bool give_wanted(struct syncer *s, const uint8_t *body, size_t len)
{
	uint32_t prefix = (uint32_t)len;
	struct sync_want want;
	uint8_t *room;

	if (!sync_decode_want(body, len, &want))
		return false;
	room = s->wanted.len < WANTED_MAX ? outbox_room(&s->wanted, sizeof(prefix) + len) : NULL;
	if (room == NULL)
		return false; /* the stream begins anew */
	memcpy(room, &prefix, sizeof(prefix));
	memcpy(room + sizeof(prefix), body, len);
	outbox_added(&s->wanted, sizeof(prefix) + len);
	fault_point("wanted");
	bulk_wake(s->bulk);
	return true;
}

static size_t put_done(uint32_t ticket, bool failed, uint8_t *out, size_t cap)
{
	const struct sync_done done = {.ticket = ticket, .failed = failed};

	return put_record(out, SYNC_DONE, sync_encode_done(out + HEADER, cap - HEADER, &done));
}

static int64_t time_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * HA_SEC + t->tv_nsec;
}

/* Is it still what it was when it was opened? Whether that was what the list tells of the other side sees by its hash. */
static bool is_unchanged(const struct give_file *file)
{
	struct stat now;

	return fstat(file->fd, &now) == 0 && now.st_size == file->status.st_size &&
	       time_of(&now.st_mtim) == time_of(&file->status.st_mtim) &&
	       time_of(&now.st_ctim) == time_of(&file->status.st_ctim);
}

/* What is not as it was told has changed, or was known wrongly: it is looked at again, and told anew. */
static void look_again(struct syncer *s, uint8_t root, const char *path, size_t len)
{
	if (root < s->roots.n)
		scan_name(s->scan, root, path, len, SCAN_MODIFIED);
}

static bool open_file(struct syncer *s, const struct sync_want *want)
{
	struct give_file *file = &s->file;
	struct sync_entry entry;

	file->ticket = want->ticket;
	file->id = tree_find(s->tree, want->root, want->path, want->path_len);
	if (want->root >= s->roots.n || file->id == TREE_NONE)
		return false;
	tree_get(s->tree, file->id, &entry);
	if (entry.type != SYNC_FILE || memcmp(entry.hash, want->hash, SYNC_HASH_LEN) != 0)
		return false;
	file->size = entry.size;
	file->fd = roots_openat(&s->roots.root[want->root], want->path, want->path_len,
				O_RDONLY | O_NONBLOCK, 0);
	if (file->fd < 0 || fstat(file->fd, &file->status) != 0 || !S_ISREG(file->status.st_mode) ||
	    (uint64_t)file->status.st_size != file->size)
		return false;
	if (file->size > SYNC_BLOCK_LEN)
		(void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (want->tags_n == 0)
		return true;
	file->tags = malloc((size_t)want->tags_n * SYNC_HASH_LEN);
	if (file->tags == NULL)
		return true; /* then all of it is sent */
	memcpy(file->tags, want->tags, (size_t)want->tags_n * SYNC_HASH_LEN);
	file->tags_n = want->tags_n;
	return true;
}

/* The next WANT. False: none waits. *len: what was written, when it cannot be served. */
static bool next_file(struct syncer *s, uint8_t *out, size_t cap, size_t *len)
{
	struct sync_want want;
	const uint8_t *next;
	uint32_t prefix;
	bool good;

	*len = 0;
	if (s->wanted.len == 0)
		return false;
	next = outbox_next(&s->wanted);
	memcpy(&prefix, next, sizeof(prefix));
	good = sync_decode_want(next + sizeof(prefix), prefix, &want);
	assert(good);
	if (!open_file(s, &want)) {
		look_again(s, want.root, want.path, want.path_len);
		*len = put_done(want.ticket, true, out, cap);
		close_file(s);
	}
	outbox_taken(&s->wanted, sizeof(prefix) + prefix);
	return true;
}

/* Does the other one have this block already? */
static bool has_block(const struct syncer *s, uint64_t offset)
{
	const struct give_file *file = &s->file;
	size_t n, i = (size_t)(offset / SYNC_BLOCK_LEN);
	const digest_tag *own = tree_tags(s->tree, file->id, &n);

	return own != NULL && i < n && i < file->tags_n &&
	       memcmp(own[i], file->tags + i * SYNC_HASH_LEN, SYNC_HASH_LEN) == 0;
}

/* Of the file that is being sent: it is complete, or is not to be had. */
static size_t end_file(struct syncer *s, bool failed, uint8_t *out, size_t cap)
{
	size_t len = put_done(s->file.ticket, failed, out, cap);
	struct sync_entry entry;

	if (failed) {
		tree_get(s->tree, s->file.id, &entry);
		look_again(s, entry.root, entry.path, entry.path_len);
	}
	close_file(s);
	return len;
}

/* The next block, or the end. 0: this block is not needed. */
static size_t fill_file(struct syncer *s, uint8_t *out, size_t cap)
{
	struct give_file *file = &s->file;
	uint64_t left = file->size - file->offset;
	struct sync_block block = {.ticket = file->ticket, .offset = file->offset};
	size_t len;

	if (left == 0) {
		fault_point("given");
		return end_file(s, !is_unchanged(file), out, cap);
	}
	block.len = left < SYNC_BLOCK_LEN ? (uint32_t)left : SYNC_BLOCK_LEN;
	file->offset += block.len;
	fault_point("giving");
	if (has_block(s, block.offset))
		return 0;
	block.data = out + HEADER + BLOCK_FIXED;
	if (pread(file->fd, out + HEADER + BLOCK_FIXED, block.len, (off_t)block.offset) !=
	    (ssize_t)block.len)
		return end_file(s, true, out, cap);
	len = sync_encode_block(out + HEADER, cap - HEADER, &block);
	assert(len == BLOCK_FIXED);
	return put_record(out, SYNC_BLOCK, BLOCK_FIXED + block.len);
}

enum {
	CONTENT_ROOM = HEADER + BLOCK_FIXED + SYNC_BLOCK_LEN,
};

/* Nothing only if nothing is wanted: then the stream does not ask again. What the other one has is passed over at once:
 * there are SYNC_TAGS_MAX blocks of it at most, and then comes a DONE. */
static size_t fill_contents(struct syncer *s, uint8_t *out, size_t cap)
{
	size_t len = 0, n;

	while (cap - len >= CONTENT_ROOM) {
		if (s->file.fd < 0) {
			if (!next_file(s, out + len, cap - len, &n))
				return len;
			len += n;
			continue;
		}
		len += fill_file(s, out + len, cap - len);
	}
	return len;
}

static size_t move(struct outbox *box, uint8_t *out, size_t cap)
{
	size_t len = box->len < cap ? box->len : cap;

	/* Whole records: each is smaller than cap. */
	if (len < box->len) {
		const uint8_t *at = outbox_next(box);

		for (len = 0;;) {
			size_t n = HEADER + ((size_t)at[len + 1] << 16 | (size_t)at[len + 2] << 8 |
					     (size_t)at[len + 3]);

			if (len + n > cap)
				break;
			len += n;
		}
	}
	memcpy(out, outbox_next(box), len);
	outbox_taken(box, len);
	return len;
}

size_t give_fill(struct syncer *s, uint8_t *out, size_t cap)
{
	if (s->control.len > 0)
		return move(&s->control, out, cap);
	if (s->list.on)
		return fill_list(s, out, cap);
	if (s->wants_open && s->wants.len > 0)
		return move(&s->wants, out, cap);
	return fill_contents(s, out, cap);
}
