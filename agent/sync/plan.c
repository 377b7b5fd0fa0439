/* plan.c - see plan.h: entries and tickets. */
#include "agent/sync/plan.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "agent/sync/plan_state.h"
#include "agent/text.h"

int plan_open(struct plan **out, const struct plan_config *config)
{
	struct plan *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	p->c = *config;
	for (size_t i = 0; i < SYNC_ROOTS_MAX; i++)
		p->stage[i] = -1;
	p->nest_fd = -1;
	p->mask = umask(0);
	umask(p->mask);
	p->uid = geteuid();
	p->gid = getegid();
	randombytes_buf(p->hash_key, sizeof(p->hash_key));
	randombytes_buf(&p->first_ticket, sizeof(p->first_ticket));
	p->keep_above = UINT64_MAX;
	*out = p;
	return 0;
}

void plan_close(struct plan *p)
{
	if (p == NULL)
		return;
	plan_reset(p);
	stage_close(p);
	flusher_wait(&p->flusher);
	free(p->op);
	free(p->slot);
	free(p->ticket);
	free(p->seen);
	free(p);
}

/* ---- tickets ---- */

static bool ticket_give(struct plan *p, struct op *op)
{
	if (p->ticket_n == p->ticket_cap) {
		uint32_t cap = p->ticket_cap == 0 ? 256 : 2 * p->ticket_cap;
		uint32_t *ticket = reallocarray(p->ticket, cap, sizeof(*ticket));

		if (ticket == NULL)
			return false;
		p->ticket = ticket;
		p->ticket_cap = cap;
	}
	p->ticket[p->ticket_n] = (uint32_t)(op - p->op);
	op->ticket = p->first_ticket + p->ticket_n++;
	return true;
}

static struct op *ticket_op(const struct plan *p, uint32_t ticket)
{
	uint32_t at = ticket - p->first_ticket;
	struct op *op;

	if (at >= p->ticket_n)
		return NULL;
	op = &p->op[p->ticket[at]];
	return op->state == OP_FETCHING && op->ticket == ticket ? op : NULL;
}

/* ---- totals: each operation is taken out before it changes, and put in again after ---- */

static bool has_content(const struct op *op)
{
	return op->entry.type == SYNC_FILE && (op->kind == OP_RENAME || op->kind == OP_BLOCKS);
}

static void count(struct plan *p, const struct op *op, uint64_t sign)
{
	struct plan_totals *t = &p->totals;

	if (op->kind == OP_NONE)
		return;
	t->entries += sign;
	t->under_way += (unsigned)sign * (op->state == OP_FETCHING);
	t->waiting += (unsigned)sign * (op->state == OP_WAITING);
	if (!has_content(op))
		return;
	t->files_total += sign;
	t->bytes_total += sign * op->entry.size;
	if (op->state == OP_READY) {
		t->files += sign;
		t->bytes += sign * op->entry.size;
	} else if (op->content != NULL) {
		t->bytes += sign * op->content->came;
	}
}

static void count_out(struct plan *p, const struct op *op)
{
	count(p, op, UINT64_MAX);
}

static void count_in(struct plan *p, const struct op *op)
{
	count(p, op, 1);
}

void plan_totals(const struct plan *p, struct plan_totals *out)
{
	*out = p->totals;
}

bool plan_complete(const struct plan *p)
{
	return p->totals.under_way == 0 && p->totals.waiting == 0;
}

/* ---- entries ---- */

void plan_begin(struct plan *p, bool full, uint64_t keep_above, const char *conflicts)
{
	plan_reset(p);
	stage_close(p);
	p->full = full;
	p->keep_above = keep_above;
	snprintf(p->conflicts, sizeof(p->conflicts), "%s", conflicts == NULL ? "" : conflicts);
}

bool plan_seen(const struct plan *p, tree_id id)
{
	return id < p->seen_cap && (p->seen[id / 8] >> id % 8 & 1) != 0;
}

static bool mark_seen(struct plan *p, tree_id id)
{
	if (id >= p->seen_cap) {
		uint32_t cap = p->seen_cap == 0 ? 4096 : p->seen_cap;
		uint8_t *seen;

		while (cap <= id)
			cap *= 2;
		seen = realloc(p->seen, cap / 8);
		if (seen == NULL)
			return false;
		memset(seen + p->seen_cap / 8, 0, (cap - p->seen_cap) / 8);
		p->seen = seen;
		p->seen_cap = cap;
	}
	p->seen[id / 8] |= (uint8_t)(1u << id % 8);
	return true;
}

static bool same_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

static bool same_content(const struct sync_entry *a, const struct sync_entry *b)
{
	return a->type == b->type && a->size == b->size &&
	       memcmp(a->hash, b->hash, SYNC_HASH_LEN) == 0 &&
	       same_bytes(a->target, a->target_len, b->target, b->target_len);
}

static bool same_attributes(const struct sync_entry *a, const struct sync_entry *b)
{
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid &&
	       a->mtime_ns == b->mtime_ns &&
	       same_bytes(a->xattr, a->xattr_len, b->xattr, b->xattr_len);
}

/* What has to be done to here, if anything is, to become e. */
static enum op_kind needed(const struct sync_entry *here, const struct sync_entry *e)
{
	if (e->type == SYNC_GONE)
		return here->type == SYNC_GONE ? OP_NONE : OP_REMOVE;
	if (same_content(here, e) && same_attributes(here, e))
		return OP_NONE;
	if (e->type == SYNC_DIRECTORY)
		return OP_DIRECTORY;
	return e->type == SYNC_FILE && same_content(here, e) ? OP_ATTRIBUTES : OP_RENAME;
}

static void want_of(const struct op *op, struct sync_want *want)
{
	const struct content *c = op->content;

	*want = (struct sync_want){
		.ticket = op->ticket,
		.root = op->entry.root,
		.path = op->entry.path,
		.path_len = op->entry.path_len,
		.tags = c == NULL || c->offered == 0 ? NULL : c->tags[0],
		.tags_n = c == NULL ? 0 : (uint32_t)c->offered,
	};
	memcpy(want->hash, op->entry.hash, SYNC_HASH_LEN);
}

/* Its content is staged if it can be had here, else asked for. */
static int stage_begin(struct plan *p, struct op *op, struct sync_want *want)
{
	int error;

	if (op->entry.type == SYNC_SYMLINK)
		return stage_symlink(p, op);
	if (op->entry.size == 0)
		return stage_whole(p, op, (const uint8_t *)"", 0);
	if (op->entry.size <= SYNC_BLOCK_LEN)
		error = stage_resume(p, op) ? 0 : 1;
	else
		error = content_begin(p, op);
	if (error != 1)
		return error;
	if (!ticket_give(p, op))
		return -ENOMEM;
	op->state = OP_FETCHING;
	want_of(op, want);
	return 1;
}

/* The same content as before, or a new version of a large one: what has come is not lost. */
static int stage_replace(struct plan *p, struct op *op, const struct sync_entry *e,
			 const uint8_t id[STAGE_ID_LEN])
{
	char from[STAGE_NAME_LEN], to[STAGE_NAME_LEN];
	bool keep = op->staged && op->content != NULL && e->size > SYNC_BLOCK_LEN;
	int fd = stage_open(p, e->root);

	if (fd < 0)
		return fd;
	if (!keep) {
		stage_drop(p, op);
		return 0;
	}
	content_free(p, op);
	stage_name(op->id, from);
	stage_name(id, to);
	op->staged = renameat(fd, from, fd, to) == 0;
	if (op->staged)
		p->leftover[e->root] = true;
	return 0;
}

/* Only what is around the content differs from what was planned. */
static int replace_attributes(struct plan *p, struct op *op, struct sync_want *want)
{
	if (op->state == OP_FETCHING)
		return 0;
	if (op->state == OP_READY)
		return op->kind == OP_RENAME ? stage_again(p, op) : 0;
	if (!ticket_give(p, op))
		return -ENOMEM;
	op->state = OP_FETCHING;
	want_of(op, want);
	return 1;
}

static int replace(struct plan *p, struct op *op, enum op_kind kind, const struct sync_entry *e,
		   struct sync_want *want)
{
	uint8_t id[STAGE_ID_LEN];
	int error;

	stage_id(e, id);
	if (kind == OP_RENAME && has_content(op) && e->type == SYNC_FILE &&
	    memcmp(id, op->id, sizeof(id)) == 0) {
		error = plan_copy_entry(p, &op->entry, e);
		return error != 0 ? error : replace_attributes(p, op, want);
	}
	error = 0;
	if (kind == OP_RENAME && e->type == SYNC_FILE)
		error = stage_replace(p, op, e, id);
	else if (kind != OP_DIRECTORY || op->kind != OP_DIRECTORY)
		stage_drop(p, op);
	op->kind = OP_NONE;
	op->state = OP_READY;
	op->tries = op->flags = 0;
	if (error == 0)
		error = plan_copy_entry(p, &op->entry, e);
	if (error != 0)
		return error;
	memcpy(op->id, id, sizeof(id));
	op->kind = (uint8_t)kind;
	return kind == OP_RENAME ? stage_begin(p, op, want) : 0;
}

static bool excluded(const struct plan *p, const struct sync_entry *e)
{
	return e->path_len > 0 && roots_excluded(p->c.roots, e->path, e->path_len);
}

int plan_entry(struct plan *p, const struct sync_entry *e, struct sync_want *want)
{
	struct sync_entry here = {.type = SYNC_GONE};
	enum op_kind kind;
	struct op *op;
	tree_id id;
	int error;

	if (e->root >= p->c.roots->n || (e->path_len == 0 && e->type != SYNC_DIRECTORY))
		return -EBADMSG;
	if (p->c.roots->root[e->root].fd < 0)
		return p->c.roots->root[e->root].error != 0 ? p->c.roots->root[e->root].error
							    : -ENOENT;
	if (excluded(p, e))
		return 0;
	plan_work(p);
	id = tree_find(p->c.tree, e->root, e->path, e->path_len);
	if (id != TREE_NONE) {
		if (!mark_seen(p, id))
			return -ENOMEM;
		tree_get(p->c.tree, id, &here);
	}
	kind = needed(&here, e);
	op = kind == OP_NONE ? plan_op(p, e->root, e->path, e->path_len)
			     : plan_op_make(p, e->root, e->path, e->path_len);
	if (op == NULL && kind == OP_NONE)
		return 0;
	if (op == NULL)
		return -ENOMEM;
	count_out(p, op);
	op->here = here.type;
	error = replace(p, op, kind, e, want);
	if (error < 0) { /* half staged: it is not to be committed so */
		op->kind = (uint8_t)kind;
		op->state = OP_WAITING;
	}
	count_in(p, op);
	return error;
}

int plan_block(struct plan *p, const struct sync_block *b)
{
	struct op *op = ticket_op(p, b->ticket);
	uint64_t size;
	int error;

	if (op == NULL)
		return -ENOENT;
	size = op->entry.size;
	if (b->offset >= size || b->offset % SYNC_BLOCK_LEN != 0 ||
	    b->len != (size - b->offset < SYNC_BLOCK_LEN ? size - b->offset : SYNC_BLOCK_LEN))
		return -EBADMSG;
	plan_work(p);
	count_out(p, op);
	error = op->content == NULL ? stage_whole(p, op, b->data, b->len) : content_block(p, op, b);
	count_in(p, op);
	return error == -EBADMSG ? 0 : error; /* plan_done() finds nothing staged */
}

/* From the beginning, without what is here: that was of no use. */
static int again(struct plan *p, struct op *op, struct sync_want *want)
{
	int error;

	stage_drop(p, op);
	op->kind = OP_RENAME;
	if (++op->tries >= PLAN_TRIES)
		return -EIO;
	if (op->entry.size > SYNC_BLOCK_LEN) {
		error = content_begin(p, op);
		if (error != 1)
			return error;
	}
	if (!ticket_give(p, op))
		return -ENOMEM;
	want_of(op, want);
	return -EBADMSG;
}

int plan_done(struct plan *p, uint32_t ticket, struct sync_want *want)
{
	struct op *op = ticket_op(p, ticket);
	int error;

	if (op == NULL)
		return -ENOENT;
	count_out(p, op);
	if (op->content != NULL)
		error = content_finish(p, op);
	else
		error = op->staged ? 0 : -EBADMSG;
	if (error == -EBADMSG)
		error = again(p, op, want);
	if (error == 0)
		op->state = OP_READY;
	else if (error != -EBADMSG)
		op->state = OP_WAITING;
	count_in(p, op);
	return error;
}

void plan_failed(struct plan *p, uint32_t ticket)
{
	struct op *op = ticket_op(p, ticket);

	if (op == NULL)
		return;
	count_out(p, op);
	op->state = OP_WAITING;
	count_in(p, op);
}

/* ---- room ---- */

/* What is still to be written below the root's filesystem. Of a file that is here in another version nobody knows
 * how much will come: that the disk says when it comes. */
static void space_needed(const struct plan *p, dev_t device, uint64_t unit, uint64_t *bytes,
			 uint64_t *files)
{
	*bytes = *files = 0;
	for (uint32_t i = 0; i < p->op_n; i++) {
		const struct op *op = &p->op[i];
		uint64_t size = op->entry.size;

		if (op->state != OP_FETCHING || p->c.roots->root[op->entry.root].device != device)
			continue;
		++*files;
		if (op->content != NULL && op->content->based)
			continue;
		size -= op->content == NULL ? 0 : op->content->came;
		*bytes += (size + unit - 1) / unit * unit;
	}
}

/* 0, or -ENOSPC and why. */
static int space_of(const struct plan *p, const struct root *root, char reason[SYNC_REASON_MAX + 1])
{
	uint64_t bytes, files, have;
	struct statvfs fs;
	char name[64];

	if (root->fd < 0 || fstatvfs(root->fd, &fs) != 0)
		return 0;
	space_needed(p, root->device, fs.f_frsize, &bytes, &files);
	if (files == 0)
		return 0;
	bytes += bytes / 20 > 1 << 20 ? bytes / 20 : 1 << 20;
	have = fs.f_bavail * fs.f_frsize;
	text_tail(name, sizeof(name), root->name, strlen(root->name));
	if (bytes > have)
		snprintf(reason, SYNC_REASON_MAX + 1, "%s: %llu MiB are needed, %llu MiB are free",
			 name, (unsigned long long)(bytes >> 20) + 1,
			 (unsigned long long)(have >> 20));
	else if (fs.f_files != 0 && files > fs.f_favail)
		snprintf(reason, SYNC_REASON_MAX + 1,
			 "%s: %llu files are to be made, there is room for %llu", name,
			 (unsigned long long)files, (unsigned long long)fs.f_favail);
	else
		return 0;
	return -ENOSPC;
}

int plan_space(struct plan *p, char reason[SYNC_REASON_MAX + 1])
{
	reason[0] = '\0';
	for (unsigned i = 0; i < p->c.roots->n; i++) {
		const struct root *root = &p->c.roots->root[i];

		if (space_of(p, root, reason) == 0)
			continue;
		stage_sweep(p, false); /* what an earlier plan left is of no use to this one */
		if (space_of(p, root, reason) != 0)
			return -ENOSPC;
		reason[0] = '\0';
	}
	return 0;
}

bool plan_fits(const struct plan *p, const uint8_t digest[HA_KEY_LEN])
{
	uint8_t bytes[HA_KEY_LEN];
	struct digest_sum sum;

	if (p->full)
		return true;
	tree_sum(p->c.tree, &sum);
	for (uint32_t i = 0; i < p->op_n; i++) {
		const struct sync_entry *e = &p->op[i].entry;
		tree_id id = tree_find(p->c.tree, e->root, e->path, e->path_len);
		struct sync_entry here;

		if (p->op[i].kind == OP_NONE || (p->op[i].flags & OP_IMPLIED) != 0)
			continue;
		if (id != TREE_NONE) {
			tree_get(p->c.tree, id, &here);
			digest_subtract(p->c.digest, &sum, &here);
		}
		digest_add(p->c.digest, &sum, e);
	}
	digest_sum_bytes(&sum, bytes);
	return memcmp(bytes, digest, sizeof(bytes)) == 0;
}
