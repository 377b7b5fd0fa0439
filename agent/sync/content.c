/* content.c - files of more than one block, while they are fetched.
 *
 * The staged file has the size that the file will have, and each block where it belongs. What is not sent because the
 * file that is here has the same stays a hole. If few blocks were sent, and the file here may be changed in place, that is
 * all: the commit copies them over. Else the holes are filled, and the staged file takes the other one's place. So no more
 * than the file's size is ever written.
 *
 * After a restart the blocks that are no holes are hashed and offered: they are asked for only if they are not, or no longer,
 * what the leader has.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sync/fault.h"
#include "agent/sync/plan_state.h"

enum {
	WRITE_BEHIND = 8 << 20, /* bytes after which the disk is told to begin */
};

static bool has(const struct content *c, uint64_t block)
{
	return (c->have[block / 8] >> block % 8 & 1) != 0;
}

static void set(struct content *c, uint64_t block)
{
	c->have_n += !has(c, block);
	c->have[block / 8] |= (uint8_t)(1u << block % 8);
}

static size_t block_len(const struct op *op, uint64_t block)
{
	uint64_t left = op->entry.size - block * SYNC_BLOCK_LEN;

	return left < SYNC_BLOCK_LEN ? (size_t)left : SYNC_BLOCK_LEN;
}

static bool is_zeros(const uint8_t *data, size_t len)
{
	return data[0] == 0 && memcmp(data, data + 1, len - 1) == 0;
}

static int read_block(int fd, uint8_t *out, size_t len, off_t at)
{
	while (len > 0) {
		ssize_t n = pread(fd, out, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EBADMSG; /* it ends too early */
		out += n;
		len -= (size_t)n;
		at += n;
	}
	return 0;
}

static int write_block(int fd, const uint8_t *data, size_t len, off_t at)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
		at += n;
	}
	return 0;
}

/* ---- its memory and its descriptor ---- */

static void content_close(struct plan *p, struct content *c)
{
	for (size_t i = 0; i < STAGE_OPEN_MAX; i++)
		if (p->open[i] == c)
			p->open[i] = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void content_free(struct plan *p, struct op *op)
{
	struct content *c = op->content;

	free(op->run);
	op->run = NULL;
	op->run_n = 0;
	if (c == NULL)
		return;
	content_close(p, c);
	free(c->tags);
	free(c->have);
	free(c);
	op->content = NULL;
}

static struct content *content_make(const struct op *op)
{
	struct content *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fd = -1;
	c->blocks = op->entry.size / SYNC_BLOCK_LEN + (op->entry.size % SYNC_BLOCK_LEN != 0);
	c->tags = calloc(c->blocks, sizeof(*c->tags));
	c->have = calloc(c->blocks / 8 + 1, 1);
	if (c->tags != NULL && c->have != NULL)
		return c;
	free(c->tags);
	free(c->have);
	free(c);
	return NULL;
}

/* The staged file, open; made if it is not there and may be. Others are closed for it. */
static int content_open(struct plan *p, struct op *op, bool may_make)
{
	struct content *c = op->content;
	char name[STAGE_NAME_LEN];
	int stage;

	if (c->fd >= 0)
		return 0;
	stage = stage_open(p, op->entry.root);
	if (stage < 0)
		return stage;
	stage_name(op->id, name);
	c->fd = openat(stage, name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (c->fd < 0 && errno == ENOENT && may_make) {
		c->fd = openat(stage, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			       0600);
		c->fresh = c->fd >= 0;
		fault_point("content-created");
	}
	if (c->fd < 0)
		return -errno;
	op->staged = true;
	if (ftruncate(c->fd, (off_t)op->entry.size) != 0) {
		int error = -errno;

		content_close(p, c);
		return error;
	}
	if (p->open[p->open_next] != NULL)
		content_close(p, p->open[p->open_next]);
	p->open[p->open_next] = c;
	p->open_next = (p->open_next + 1) % STAGE_OPEN_MAX;
	return 0;
}

/* ---- what is here of it ---- */

bool content_same_stat(const struct stat *st, const struct sync_entry *e,
		       const struct tree_stat *known)
{
	return S_ISREG(st->st_mode) && st->st_ino == known->inode &&
	       st->st_ctim.tv_sec * INT64_C(1000000000) + st->st_ctim.tv_nsec == known->ctime_ns &&
	       st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec == e->mtime_ns &&
	       (uint64_t)st->st_size == e->size;
}

/* The file of that name, if it is as it was when its tags were made. */
static void find_base(struct plan *p, struct op *op)
{
	const struct sync_entry *e = &op->entry;
	struct content *c = op->content;
	tree_id id = tree_find(p->c.tree, e->root, e->path, e->path_len);
	const digest_tag *tags = NULL;
	struct tree_stat known;
	struct sync_entry here;
	struct stat st;
	size_t n = 0;
	int fd;

	if (id != TREE_NONE)
		tags = tree_tags(p->c.tree, id, &n);
	if (tags == NULL || n == 0 || c->blocks > SYNC_TAGS_MAX || op->tries > 0)
		return;
	c->offered = n < c->blocks ? n : c->blocks;
	memcpy(c->tags, tags, c->offered * sizeof(*tags));
	tree_get(p->c.tree, id, &here);
	tree_stat_of(p->c.tree, id, &known);
	fd = roots_openat(&p->c.roots->root[e->root], e->path, e->path_len, O_RDONLY | O_NONBLOCK,
			  0);
	c->based = here.type == SYNC_FILE && fd >= 0 && fstat(fd, &st) == 0 &&
		   content_same_stat(&st, &here, &known);
	if (fd >= 0)
		close(fd);
	if (!c->based) {
		memset(c->tags, 0, c->offered * sizeof(*tags));
		c->offered = 0;
		return;
	}
	c->inode = known.inode;
	c->in_place =
		st.st_nlink == 1 && here.size >= PLAN_IN_PLACE_MIN && e->size >= PLAN_IN_PLACE_MIN;
}

/* The end of the hole that begins at the block's first byte, or -1: there is none. */
static off_t hole_end(int fd, uint64_t size, uint64_t block)
{
	off_t at = (off_t)(block * SYNC_BLOCK_LEN);
	off_t data = lseek(fd, at, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? (off_t)size : -1;
	return data > at ? data : -1;
}

/* Blocks that an earlier run staged: their tags are what they are now. A hole is the base's block; without one it is
 * zeros, which may be what the leader has. */
static int resume(struct plan *p, struct op *op)
{
	struct content *c = op->content;
	uint64_t of_base = c->offered;
	digest_tag zeros;
	off_t hole = -1;
	int error;

	memset(p->block, 0, sizeof(p->block));
	digest_block(p->c.digest, p->block, sizeof(p->block), zeros);
	for (uint64_t i = 0; i < c->blocks; i++) {
		size_t len = block_len(op, i);
		off_t at = (off_t)(i * SYNC_BLOCK_LEN);

		plan_work(p);
		if (hole < at + (off_t)len)
			hole = hole_end(c->fd, op->entry.size, i);
		if (hole >= at + (off_t)len && i < of_base)
			continue;
		if (hole >= at + (off_t)len && len == SYNC_BLOCK_LEN) {
			memcpy(c->tags[i], zeros, sizeof(zeros));
		} else {
			error = read_block(c->fd, p->block, len, at);
			if (error != 0)
				return error;
			digest_block(p->c.digest, p->block, len, c->tags[i]);
		}
		set(c, i);
		if (i >= c->offered)
			c->offered = i + 1;
	}
	return 0;
}

int content_begin(struct plan *p, struct op *op)
{
	int error;

	if (op->entry.size > INT64_MAX)
		return -EFBIG;
	op->content = content_make(op);
	if (op->content == NULL)
		return -ENOMEM;
	error = stage_open(p, op->entry.root);
	if (error < 0)
		return error;
	find_base(p, op);
	if (!p->leftover[op->entry.root] || op->content->blocks > SYNC_TAGS_MAX)
		return 1;
	error = content_open(p, op, false);
	if (error == -ENOENT)
		return 1;
	if (error == 0)
		error = resume(p, op);
	if (error == 0)
		error = content_finish(p, op);
	if (error == 0)
		return 0;
	return error == -EBADMSG || error == -ENOENT ? 1 : error;
}

int content_block(struct plan *p, struct op *op, const struct sync_block *b)
{
	struct content *c = op->content;
	int error = content_open(p, op, true);

	if (error != 0)
		return error;
	if (c->based || !c->fresh || !is_zeros(b->data, b->len)) {
		error = write_block(c->fd, b->data, b->len, (off_t)b->offset);
		if (error != 0)
			return error;
	}
	fault_point("content-written");
	digest_block(p->c.digest, b->data, b->len, c->tags[b->offset / SYNC_BLOCK_LEN]);
	set(c, b->offset / SYNC_BLOCK_LEN);
	c->came += c->came + b->len <= op->entry.size ? b->len : 0;
	c->unsynced += b->len;
	if (c->unsynced >= WRITE_BEHIND) {
		/* So that the commit does not find all of it to be written. */
		sync_file_range(c->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
		c->unsynced = 0;
	}
	return 0;
}

/* ---- all of it has come ---- */

static bool is_whole(struct plan *p, const struct op *op)
{
	const struct content *c = op->content;
	digest_tag hash;

	for (uint64_t i = 0; i < c->blocks; i++)
		if (!has(c, i) && (!c->based || i >= c->offered))
			return false;
	digest_file(p->c.digest, op->entry.size, c->tags, c->blocks, hash);
	return memcmp(hash, op->entry.hash, sizeof(hash)) == 0;
}

static int take_runs(struct op *op)
{
	const struct content *c = op->content;
	uint32_t n = 0;

	for (uint64_t i = 0; i < c->blocks; i++)
		n += has(c, i) && (i == 0 || !has(c, i - 1));
	op->run = calloc(n + 1, sizeof(*op->run));
	if (op->run == NULL)
		return -ENOMEM;
	for (uint64_t i = 0; i < c->blocks; i++) {
		if (!has(c, i))
			continue;
		if (i == 0 || !has(c, i - 1))
			op->run[op->run_n++] = (struct run){.first = i};
		op->run[op->run_n - 1].n++;
	}
	op->kind = OP_BLOCKS;
	op->inode = c->inode;
	return 0;
}

/* From the file that is here, block by block as it was promised. */
static int fill(struct plan *p, struct op *op)
{
	const struct sync_entry *e = &op->entry;
	struct content *c = op->content;
	digest_tag tag;
	int from, error = 0;

	from = roots_openat(&p->c.roots->root[e->root], e->path, e->path_len, O_RDONLY | O_NONBLOCK,
			    0);
	if (from < 0)
		return -EBADMSG;
	for (uint64_t i = 0; i < c->blocks && error == 0; i++) {
		size_t len = block_len(op, i);
		off_t at = (off_t)(i * SYNC_BLOCK_LEN);

		if (has(c, i))
			continue;
		plan_work(p);
		error = read_block(from, p->block, len, at);
		if (error != 0)
			break;
		digest_block(p->c.digest, p->block, len, tag);
		if (memcmp(tag, c->tags[i], sizeof(tag)) != 0)
			error = -EBADMSG; /* it has changed meanwhile */
		else if (!is_zeros(p->block, len))
			error = write_block(c->fd, p->block, len, at);
	}
	close(from);
	return error;
}

int content_finish(struct plan *p, struct op *op)
{
	struct content *c = op->content;
	struct stat st;
	int error;

	if (!is_whole(p, op))
		return -EBADMSG;
	error = content_open(p, op, true);
	if (error != 0)
		return error;
	if (c->in_place && c->have_n <= c->blocks / 2) {
		error = take_runs(op);
	} else {
		if (c->have_n < c->blocks)
			error = fill(p, op);
		fault_point("content-filled");
		if (error == 0 && fstat(c->fd, &st) != 0)
			error = -errno;
		if (error == 0)
			error = stage_attributes(p, c->fd, &op->entry, &st);
	}
	if (error != 0)
		return error;
	fault_point("content-done");
	content_close(p, c);
	free(c->have);
	c->have = NULL;
	return 0;
}
