/* journal.c - the operations of a commit as bytes: from the moment that they stand in the state directory, the commit
 * has happened.
 *
 *   magic "HAjo", version; fingerprint of the roots, and of which directories they are; lineage; number of operations
 *   each: kind, flags, and where in the stage it is; RENAME and BLOCKS: staged name; BLOCKS: inode, runs; length of the entry, entry (SPEC 6.1)
 *   BLAKE2b over all of that
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/file.h"
#include "agent/sync/fault.h"
#include "agent/sync/plan_state.h"
#include "proto/cursor.h"

enum {
	VERSION = 1,
	CHECKSUM_LEN = 32,
	HEADER_LEN = 4 + 2 + SYNC_HASH_LEN + 2 + LINEAGE_MAX * 16 + HA_KEY_LEN + 4,
	OP_LEN = 1 + 1 + STAGE_ID_LEN + 8 + 4 + 4, /* at most, without runs and entry */
	ENTRY_LEN = 64,                            /* at most, without path, attributes, target */
	RUN_LEN = 16,
	NEST_SHIFT = 4, /* above the flags */
};

static const char magic[] = "HAjo", name[] = "journal", temporary[] = "journal.new";

static size_t space(const struct plan *p)
{
	size_t len = HEADER_LEN + CHECKSUM_LEN;

	for (uint32_t i = 0; i < p->order_n; i++) {
		const struct op *op = &p->op[p->order[i]];
		const struct sync_entry *e = &op->entry;

		len += OP_LEN + ENTRY_LEN + e->path_len + e->xattr_len + e->target_len;
		len += (size_t)op->run_n * RUN_LEN;
	}
	return len;
}

static void put_op(struct cursor_writer *w, const struct op *op)
{
	struct cursor_writer length;
	size_t len;

	cursor_put_u8(w, op->kind);
	cursor_put_u8(w,
		      (op->flags & (OP_IMPLIED | OP_EXISTING)) | (unsigned)op->nest << NEST_SHIFT);
	if (op->kind == OP_RENAME || op->kind == OP_BLOCKS)
		cursor_put_bytes(w, op->id, sizeof(op->id));
	if (op->kind == OP_BLOCKS) {
		cursor_put_u64(w, op->inode);
		cursor_put_u32(w, op->run_n);
		for (uint32_t i = 0; i < op->run_n; i++) {
			cursor_put_u64(w, op->run[i].first);
			cursor_put_u64(w, op->run[i].n);
		}
	}
	cursor_write(&length, w->buffer + w->len, 4);
	cursor_put_zeros(w, 4);
	if (w->failed)
		return;
	len = sync_encode_entry(w->buffer + w->len, w->cap - w->len, &op->entry);
	cursor_put_u32(&length, len);
	w->len += len;
	w->failed |= len == 0;
}

static void put_lineage(struct cursor_writer *w, const struct lineage *l)
{
	cursor_put_u16(w, l->n);
	for (unsigned i = 0; i < l->n; i++) {
		cursor_put_u64(w, l->point[i].term);
		cursor_put_u64(w, l->point[i].number);
	}
	cursor_put_bytes(w, l->digest, sizeof(l->digest));
}

int journal_roots(const struct plan *p, uint8_t out[SYNC_HASH_LEN])
{
	const struct roots *roots = p->c.roots;
	crypto_generichash_state state;

	roots_fingerprint(roots, out);
	crypto_generichash_init(&state, NULL, 0, SYNC_HASH_LEN);
	crypto_generichash_update(&state, out, SYNC_HASH_LEN);
	for (unsigned i = 0; i < roots->n; i++) {
		const struct root *root = &roots->root[i];
		uint64_t inode = root->inode;

		if (root->fd < 0)
			return -ENXIO;
		crypto_generichash_update(&state, (const uint8_t *)&inode, sizeof(inode));
	}
	crypto_generichash_final(&state, out, SYNC_HASH_LEN);
	return 0;
}

int journal_write(struct plan *p, const struct lineage *generation)
{
	uint8_t fingerprint[SYNC_HASH_LEN];
	size_t cap = space(p);
	int error = journal_roots(p, fingerprint);
	uint8_t *buffer;
	struct cursor_writer w;

	if (error != 0)
		return error;
	buffer = malloc(cap);
	if (buffer == NULL)
		return -ENOMEM;
	cursor_write(&w, buffer, cap - CHECKSUM_LEN);
	cursor_put_bytes(&w, magic, 4);
	cursor_put_u16(&w, VERSION);
	cursor_put_bytes(&w, fingerprint, sizeof(fingerprint));
	put_lineage(&w, generation);
	cursor_put_u32(&w, p->order_n);
	for (uint32_t i = 0; i < p->order_n; i++) {
		plan_work(p);
		put_op(&w, &p->op[p->order[i]]);
	}
	if (w.failed) {
		error = -EBADMSG; /* an entry that no message can carry */
	} else {
		crypto_generichash(buffer + w.len, CHECKSUM_LEN, buffer, w.len, NULL, 0);
		error = file_replace(p->c.state, name, temporary, buffer, w.len + CHECKSUM_LEN);
	}
	free(buffer);
	return error;
}

static bool get_lineage(struct cursor_reader *r, struct lineage *l)
{
	*l = (struct lineage){.n = cursor_get_u16(r)};
	if (l->n > LINEAGE_MAX)
		return false;
	for (unsigned i = 0; i < l->n; i++) {
		l->point[i].term = cursor_get_u64(r);
		l->point[i].number = cursor_get_u64(r);
	}
	cursor_get_bytes(r, l->digest, sizeof(l->digest));
	return !r->failed && lineage_valid(l);
}

static bool get_runs(struct cursor_reader *r, struct op *op)
{
	op->inode = cursor_get_u64(r);
	op->run_n = cursor_get_u32(r);
	if (op->run_n > r->left / RUN_LEN)
		return false;
	op->run = calloc((size_t)op->run_n + 1, sizeof(*op->run));
	if (op->run == NULL)
		return false;
	for (uint32_t i = 0; i < op->run_n; i++) {
		op->run[i].first = cursor_get_u64(r);
		op->run[i].n = cursor_get_u64(r);
	}
	return true;
}

/* What is staged in a directory stands behind it. */
static bool get_nest(const struct plan *p, struct op *op)
{
	const struct op *holder;

	op->nest = op->flags >> NEST_SHIFT;
	op->flags &= OP_IMPLIED | OP_EXISTING;
	switch (op->nest) {
	case NEST_NONE:
		return true;
	case NEST_TOP:
		op->top = p->op_n - 1;
		stage_id(&op->entry, op->id);
		return op->kind == OP_DIRECTORY && op->entry.path_len > 0;
	case NEST_INSIDE:
		holder = stage_holder(p, op);
		op->top = holder == NULL ? 0 : holder->top;
		return holder != NULL && (op->kind == OP_DIRECTORY || op->kind == OP_RENAME);
	default:
		return false;
	}
}

static bool get_op(struct plan *p, struct cursor_reader *r)
{
	struct op read = {.kind = cursor_get_u8(r), .flags = cursor_get_u8(r)}, *op;
	struct sync_entry e;
	uint32_t len;
	bool good;

	read.staged = read.kind == OP_RENAME || read.kind == OP_BLOCKS;
	if (read.staged)
		cursor_get_bytes(r, read.id, sizeof(read.id));
	good = read.kind != OP_BLOCKS || get_runs(r, &read);
	len = cursor_get_u32(r);
	good = good && !r->failed && len <= r->left && read.kind > OP_NONE &&
	       read.kind < OP_KIND_N && sync_decode_entry(r->next, len, &e) &&
	       e.root < p->c.roots->n;
	op = good ? plan_op_make(p, e.root, e.path, e.path_len) : NULL;
	if (op == NULL || op->kind != OP_NONE || plan_copy_entry(p, &read.entry, &e) != 0 ||
	    !get_nest(p, &read)) {
		free(read.run);
		return false;
	}
	cursor_skip(r, len);
	*op = read;
	return true;
}

static int decode(struct plan *p, const uint8_t *bytes, size_t len, struct lineage *out)
{
	uint8_t fingerprint[SYNC_HASH_LEN], written[SYNC_HASH_LEN], sum[CHECKSUM_LEN], start[4];
	struct cursor_reader r;
	uint32_t n;
	int error;

	if (len < CHECKSUM_LEN)
		return -EBADMSG;
	len -= CHECKSUM_LEN;
	crypto_generichash(sum, sizeof(sum), bytes, len, NULL, 0);
	cursor_read(&r, bytes, len);
	cursor_get_bytes(&r, start, sizeof(start));
	if (memcmp(sum, bytes + len, sizeof(sum)) != 0 || memcmp(start, magic, 4) != 0 ||
	    cursor_get_u16(&r) != VERSION)
		return -EBADMSG;
	error = journal_roots(p, fingerprint);
	if (error != 0)
		return error;
	cursor_get_bytes(&r, written, sizeof(written));
	if (memcmp(written, fingerprint, sizeof(written)) != 0)
		return -ESTALE;
	if (!get_lineage(&r, out))
		return -EBADMSG;
	n = cursor_get_u32(&r);
	for (uint32_t i = 0; i < n; i++)
		if (!get_op(p, &r))
			return -EBADMSG;
	return cursor_finished(&r) ? 0 : -EBADMSG;
}

bool journal_exists(const struct plan *p)
{
	struct stat st;

	/* Not access(): that asks what the real user may, who has none of this process's capabilities. */
	return fstatat(p->c.state, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

int journal_read(struct plan *p, struct lineage *out)
{
	struct stat st;
	uint8_t *bytes;
	size_t len;
	int error;

	if (unlinkat(p->c.state, temporary, 0) != 0 && errno != ENOENT)
		return -errno;
	if (fstatat(p->c.state, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	bytes = malloc((size_t)st.st_size + 1);
	if (bytes == NULL)
		return -ENOMEM;
	error = file_read(p->c.state, name, bytes, (size_t)st.st_size, &len);
	plan_reset(p);
	if (error == 0)
		error = decode(p, bytes, len, out);
	if (error != 0)
		plan_reset(p);
	free(bytes);
	return error;
}

int journal_remove(struct plan *p)
{
	fault_point("journal-kept");
	if (unlinkat(p->c.state, name, 0) != 0 && errno != ENOENT)
		return -errno;
	fault_point("journal-unlinked");
	return fsync(p->c.state) == 0 ? 0 : -errno;
}

int plan_disown(struct plan *p)
{
	if (renameat(p->c.state, name, p->c.state, "journal.bad") != 0)
		return -errno;
	return fsync(p->c.state) == 0 ? 0 : -errno;
}
