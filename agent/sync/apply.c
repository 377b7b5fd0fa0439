/* apply.c - the operations of a commit, done; again, if a crash or an error came between: each finds out whether it has been
 * done already.
 *
 * Nothing here decides: what was on the disk before it decides nothing either, but for names that others have put in
 * the way since. Directories are held open while the walk is in them, so that a link that is put in the way afterwards
 * leads nowhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sync/fault.h"
#include "agent/sync/plan_state.h"

struct apply {
	struct plan *p;
	struct held {
		int fd;
		uint8_t root;
		const char *path;
		size_t len;
	} held[PLAN_DIRS];
	/* What has to reach the disk: a few descriptors, or all of the filesystems. */
	int touched[2 * PLAN_FSYNC_MAX];
	unsigned touched_n;
	bool many;
};

typedef int step(struct apply *, struct op *);

/* ---- to the disk ---- */

static void touch(struct apply *a, int fd)
{
	int copy;

	if (a->many)
		return;
	copy = a->touched_n < 2 * PLAN_FSYNC_MAX ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	if (copy < 0)
		a->many = true;
	else
		a->touched[a->touched_n++] = copy;
}

static int sync_all(const struct apply *a)
{
	const struct roots *roots = a->p->c.roots;

	for (unsigned i = 0; i < roots->n; i++) {
		bool done = roots->root[i].fd < 0;

		for (unsigned j = 0; j < i; j++)
			done |= roots->root[j].fd >= 0 &&
				roots->root[j].device == roots->root[i].device;
		if (!done && syncfs(roots->root[i].fd) != 0)
			return -errno;
	}
	return 0;
}

static int bring_to_disk(const struct apply *a)
{
	if (a->many)
		return sync_all(a);
	for (unsigned i = 0; i < a->touched_n; i++)
		if (fsync(a->touched[i]) != 0)
			return -errno;
	return 0;
}

/* ---- directories ---- */

static void let_go(struct apply *a)
{
	for (size_t i = 0; i < PLAN_DIRS; i++) {
		if (a->held[i].fd >= 0)
			close(a->held[i].fd);
		a->held[i].fd = -1;
	}
}

/* The directory that holds the operation's name; in a walk by order each is opened about once. fd, not to be closed,
 * or -errno. */
static int parent_of(struct apply *a, const struct op *op, char name[SYNC_NAME_MAX + 1])
{
	const struct sync_entry *e = &op->entry;
	const char *slash = memrchr(e->path, '/', e->path_len);
	size_t len = slash == NULL ? 0 : (size_t)(slash - e->path), depth = 0;
	size_t skip = slash == NULL ? 0 : len + 1;
	struct held *h;

	memcpy(name, e->path + skip, e->path_len - skip);
	name[e->path_len - skip] = '\0';
	for (size_t i = 0; i < len; i++)
		depth += e->path[i] == '/';
	h = &a->held[depth % PLAN_DIRS];
	if (h->fd >= 0 && h->root == e->root && h->len == len && memcmp(h->path, e->path, len) == 0)
		return h->fd;
	if (h->fd >= 0)
		close(h->fd);
	*h = (struct held){.root = e->root, .path = e->path, .len = len};
	h->fd = roots_openat(&a->p->c.roots->root[e->root], e->path, len, O_RDONLY | O_DIRECTORY,
			     0);
	if (h->fd < 0) {
		int error = h->fd;

		h->fd = -1;
		return error;
	}
	touch(a, h->fd);
	return h->fd;
}

static int64_t ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void done(struct op *op, const struct stat *st)
{
	op->flags |= OP_DONE;
	op->stat = (struct tree_stat){.inode = st->st_ino, .ctime_ns = ns_of(st->st_ctim)};
}

/* ---- one operation ---- */

static int remove_it(struct apply *a, struct op *op)
{
	char name[SYNC_NAME_MAX + 1];
	int dir, error = 0;

	dir = parent_of(a, op, name);
	if (dir == -ENOENT || dir == -ENOTDIR) {
		op->flags |= OP_DONE;
		return 0;
	}
	if (dir < 0)
		return plan_fail_op(a->p, op, "its directory cannot be opened", dir);
	if (unlinkat(dir, name, 0) != 0)
		error = -errno;
	if (error == -EISDIR || error == -EPERM)
		error = unlinkat(dir, name, AT_REMOVEDIR) == 0 ? 0 : -errno;
	/* What is not synced keeps it on the disk; of the settings it is none any more. */
	if ((error == -ENOTEMPTY || error == -EEXIST) && (op->flags & OP_FIRST) == 0) {
		a->p->totals.stayed++;
		error = 0;
	}
	if (error != 0 && error != -ENOENT)
		return plan_fail_op(a->p, op, "cannot be removed", error);
	op->flags |= OP_DONE;
	fault_point("removed");
	return 0;
}

static int remove_first(struct apply *a, struct op *op)
{
	return (op->flags & OP_FIRST) != 0 ? remove_it(a, op) : 0;
}

static int remove_rest(struct apply *a, struct op *op)
{
	return op->kind == OP_REMOVE && (op->flags & OP_FIRST) == 0 ? remove_it(a, op) : 0;
}

/* With the directory that it was staged in. */
static bool is_moved(const struct plan *p, const struct op *op)
{
	return op->nest == NEST_INSIDE && (p->op[op->top].flags & OP_MOVED) != 0;
}

/* With all that is staged in it. Where it is not to be had so (it has been moved by an earlier run, something is there, the
 * filesystem does not know how) it is made, and the rest goes one by one. */
static bool move(struct apply *a, struct op *op, int dir, const char *name)
{
	int stage = stage_open(a->p, op->entry.root);
	char staged[STAGE_NAME_LEN];

	stage_name(op->id, staged);
	if (stage < 0 || renameat2(stage, staged, dir, name, RENAME_NOREPLACE) != 0)
		return false;
	op->flags |= OP_MOVED;
	fault_point("moved");
	return true;
}

static int make_directory(struct apply *a, struct op *op)
{
	char name[SYNC_NAME_MAX + 1];
	struct stat st;
	int dir;

	if (op->entry.path_len == 0 || (op->flags & OP_IMPLIED) != 0)
		return 0;
	if (is_moved(a->p, op))
		return 0;
	dir = parent_of(a, op, name);
	if (dir < 0)
		return plan_fail_op(a->p, op, "its directory cannot be opened", dir);
	if (op->nest == NEST_TOP && move(a, op, dir, name))
		return 0;
	if (mkdirat(dir, name, 0700) != 0) {
		if (errno != EEXIST || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return plan_fail_op(a->p, op, "cannot be made", -errno);
		if (S_ISDIR(st.st_mode))
			return 0;
		if ((op->flags & OP_EXISTING) != 0)
			return plan_fail_op(a->p, op, "is no directory any more", -ENOTDIR);
		if (unlinkat(dir, name, 0) != 0 || mkdirat(dir, name, 0700) != 0)
			return plan_fail_op(a->p, op, "cannot be made", -errno);
	}
	fault_point("made");
	return 0;
}

/* What was staged is not there any more: has it been renamed by an earlier run? */
static int was_renamed(struct apply *a, struct op *op, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    S_ISLNK(st.st_mode) != (op->entry.type == SYNC_SYMLINK) || S_ISDIR(st.st_mode))
		return plan_fail_op(a->p, op, "what was staged for it is lost", -ENOENT);
	done(op, &st);
	return 0;
}

static int rename_it(struct apply *a, struct op *op)
{
	char name[SYNC_NAME_MAX + 1], staged[SYNC_PATH_MAX + 1];
	struct plan *p = a->p;
	int dir, stage = stage_open(p, op->entry.root), error;
	struct stat st;

	if (is_moved(p, op)) {
		op->flags |= OP_DONE;
		return 0;
	}
	if (stage < 0)
		return plan_fail_op(p, op, "the stage cannot be opened", stage);
	dir = parent_of(a, op, name);
	if (dir < 0)
		return plan_fail_op(p, op, "its directory cannot be opened", dir);
	stage_path(p, op, staged);
	error = renameat(stage, staged, dir, name) == 0 ? 0 : -errno;
	if (error == -EISDIR && unlinkat(dir, name, AT_REMOVEDIR) == 0) {
		fault_point("way-cleared");
		error = renameat(stage, staged, dir, name) == 0 ? 0 : -errno;
	}
	if (error == -ENOENT)
		return was_renamed(a, op, dir, name);
	if (error != 0)
		return plan_fail_op(p, op, "cannot be put into place", error);
	op->staged = false;
	fault_point("renamed");
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		done(op, &st);
	return 0;
}

static int create(struct apply *a, struct op *op)
{
	if (op->kind == OP_DIRECTORY)
		return make_directory(a, op);
	return op->kind == OP_RENAME ? rename_it(a, op) : 0;
}

static int copy_run(struct plan *p, int from, int to, const struct run *run, uint64_t size)
{
	off_t at = (off_t)(run->first * SYNC_BLOCK_LEN);
	off_t end = (off_t)((run->first + run->n) * SYNC_BLOCK_LEN);

	if (end > (off_t)size)
		end = (off_t)size;
	while (at < end) {
		size_t len = end - at < SYNC_BLOCK_LEN ? (size_t)(end - at) : SYNC_BLOCK_LEN;
		ssize_t n = pread(from, p->block, len, at);

		if (n > 0)
			n = pwrite(to, p->block, (size_t)n, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		plan_work(p);
		fault_point("block");
	}
	return 0;
}

static int copy_blocks(struct plan *p, const struct op *op, int to)
{
	int stage = stage_open(p, op->entry.root), from, error = 0;
	char staged[STAGE_NAME_LEN];

	if (stage < 0)
		return stage;
	stage_name(op->id, staged);
	from = openat(stage, staged, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0)
		return -errno;
	for (uint32_t i = 0; i < op->run_n && error == 0; i++)
		error = copy_run(p, from, to, &op->run[i], op->entry.size);
	close(from);
	if (error == 0 && ftruncate(to, (off_t)op->entry.size) != 0)
		error = -errno;
	fault_point("blocks");
	return error;
}

/* A file that is changed where it is. If it is another one by now, somebody replaced it after the commit had begun:
 * that is a change of its own, for the next scan to find. */
static int change(struct apply *a, struct op *op)
{
	const struct sync_entry *e = &op->entry;
	int flags = op->kind == OP_BLOCKS ? O_RDWR : O_RDONLY, fd, error = 0;
	struct stat st;

	if (op->kind != OP_BLOCKS && op->kind != OP_ATTRIBUTES)
		return 0;
	fd = roots_openat(&a->p->c.roots->root[e->root], e->path, e->path_len, flags | O_NONBLOCK,
			  0);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return plan_fail_op(a->p, op, "cannot be opened", fd);
	if (fstat(fd, &st) != 0)
		error = -errno;
	if (error == 0 && S_ISREG(st.st_mode) &&
	    (op->kind == OP_ATTRIBUTES || st.st_ino == op->inode)) {
		if (op->kind == OP_BLOCKS)
			error = copy_blocks(a->p, op, fd);
		if (error == 0 && fstat(fd, &st) != 0)
			error = -errno;
		if (error == 0)
			error = stage_attributes(a->p, fd, e, &st);
		if (error == 0 && fstat(fd, &st) == 0)
			done(op, &st);
		touch(a, fd);
		fault_point("changed");
	}
	close(fd);
	return error == 0 ? 0 : plan_fail_op(a->p, op, "cannot be changed", error);
}

static int finish_directory(struct apply *a, struct op *op)
{
	const struct sync_entry *e = &op->entry;
	struct stat st;
	int fd, error;

	if (op->kind != OP_DIRECTORY)
		return 0;
	fd = roots_openat(&a->p->c.roots->root[e->root], e->path, e->path_len,
			  O_RDONLY | O_DIRECTORY, 0);
	if (fd == -ENOENT && (op->flags & OP_IMPLIED) != 0)
		return 0;
	if (fd < 0)
		return plan_fail_op(a->p, op, "cannot be opened", fd);
	if ((op->flags & OP_IMPLIED) != 0)
		error = stage_times(fd, e);
	else
		error = fstat(fd, &st) != 0 ? -errno : stage_attributes(a->p, fd, e, &st);
	if (error == 0 && fstat(fd, &st) == 0)
		done(op, &st);
	touch(a, fd);
	close(fd);
	fault_point("directory");
	return error == 0 ? 0 : plan_fail_op(a->p, op, "cannot be changed", error);
}

/* ---- all of them ---- */

static int walk(struct apply *a, bool deepest_first, step *one)
{
	struct plan *p = a->p;
	int error = 0;

	for (uint32_t i = 0; i < p->order_n && error == 0; i++) {
		plan_work(p);
		error = one(a, &p->op[p->order[deepest_first ? p->order_n - 1 - i : i]]);
	}
	let_go(a);
	return error;
}

int apply(struct plan *p)
{
	struct apply a = {.p = p};
	int error;

	for (size_t i = 0; i < PLAN_DIRS; i++)
		a.held[i].fd = -1;
	for (uint32_t i = 0; i < p->order_n; i++)
		p->op[p->order[i]].flags &= (uint8_t) ~(OP_DONE | OP_MOVED);
	p->totals.stayed = 0;
	error = walk(&a, true, remove_first);
	if (error == 0)
		error = walk(&a, false, create);
	if (error == 0)
		error = walk(&a, false, change);
	if (error == 0)
		error = walk(&a, true, remove_rest);
	if (error == 0)
		error = walk(&a, true, finish_directory);
	fault_point("applied");
	if (error == 0) {
		error = bring_to_disk(&a);
		if (error != 0)
			plan_fail(p, 0, "", 0, "cannot be brought to disk", error);
	}
	for (unsigned i = 0; i < a.touched_n; i++)
		close(a.touched[i]);
	fault_point("synced");
	return error;
}
