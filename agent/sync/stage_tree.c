/* stage_tree.c - directories that are new as a whole.
 *
 * What is in a directory that is not here yet is staged in a directory of the stage that stands for it, under its own name, and
 * so are the directories below. The commit renames the topmost one, once: not each of ten thousand files, whose names the
 * filesystem would have to write twice and take away once. Where that cannot be (something has come in the way meanwhile, the
 * filesystem cannot say), the commit makes the directories, and what is staged in them is renamed one by one.
 *
 * Only small files are staged so. A rename takes all that is in the directory along, whatever it is: so before the
 * commit all is removed that was left in it by an earlier plan.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sync/fault.h"
#include "agent/sync/plan_state.h"

enum {
	DEPTH_MAX = 16,  /* of directories in one another; what is deeper is staged by itself */
	BELOW_MAX = 2048 /* bytes of a path in it: with the stage's name in front it still is one */
};

/* ---- names ---- */

static uint32_t index_of(const struct plan *p, const struct op *op)
{
	return (uint32_t)(op - p->op);
}

size_t stage_path(const struct plan *p, const struct op *op, char out[SYNC_PATH_MAX + 1])
{
	const struct op *top = op->nest == NEST_INSIDE ? &p->op[op->top] : op;
	const struct sync_entry *e = &op->entry;
	size_t below = e->path_len - top->entry.path_len;

	stage_name(top->id, out);
	memcpy(out + STAGE_NAME_LEN - 1, e->path + top->entry.path_len, below);
	out[STAGE_NAME_LEN - 1 + below] = '\0';
	return STAGE_NAME_LEN - 1 + below;
}

static size_t parent_len(const struct sync_entry *e)
{
	const char *slash = memrchr(e->path, '/', e->path_len);

	return slash == NULL ? 0 : (size_t)(slash - e->path);
}

static struct op *parent_of(const struct plan *p, const struct op *op)
{
	size_t len = parent_len(&op->entry);
	struct op *parent = len == 0 ? NULL : plan_op(p, op->entry.root, op->entry.path, len);

	return parent != NULL && parent->kind == OP_DIRECTORY ? parent : NULL;
}

/* The directory that it is in, if this plan makes that; or NULL. */
static struct op *new_parent(const struct plan *p, const struct op *op)
{
	struct op *parent = parent_of(p, op);

	return parent != NULL && parent->here == SYNC_GONE ? parent : NULL;
}

struct op *stage_holder(const struct plan *p, const struct op *op)
{
	struct op *parent = parent_of(p, op);

	return parent != NULL && parent->nest != NEST_NONE ? parent : NULL;
}

/* ---- directories in the stage ---- */

void stage_let_go(struct plan *p)
{
	if (p->nest_fd >= 0)
		close(p->nest_fd);
	p->nest_fd = -1;
}

static int open_below(int stage, const char *path, size_t len)
{
	const struct root here = {.fd = stage};

	return roots_openat(&here, path, len, O_RDONLY | O_DIRECTORY, 0);
}

/* Where a directory that is new belongs: in one that is staged already, or made for it; or at the top. */
static void place_directory(const struct plan *p, struct op *dir)
{
	const struct op *parent = new_parent(p, dir);

	dir->nest = parent != NULL && parent->nest != NEST_NONE ? NEST_INSIDE : NEST_TOP;
	dir->top = dir->nest == NEST_INSIDE ? parent->top : index_of(p, dir);
}

static bool fits(const struct plan *p, const struct op *op)
{
	size_t from = p->op[op->top].entry.path_len, depth = 0;

	for (size_t i = from; i < op->entry.path_len; i++)
		depth += op->entry.path[i] == '/';
	return depth <= DEPTH_MAX && op->entry.path_len - from <= BELOW_MAX;
}

/* Only of those that are not staged yet: the others keep their place. */
static int open_directory(struct plan *p, struct op *dir, bool make)
{
	char path[SYNC_PATH_MAX + 1];
	int stage = stage_open(p, dir->entry.root), fd;
	bool placed = dir->nest != NEST_NONE;
	size_t len;

	if (stage < 0)
		return stage;
	if (!placed)
		place_directory(p, dir);
	fd = -ENAMETOOLONG;
	if (fits(p, dir)) {
		len = stage_path(p, dir, path);
		fd = open_below(stage, path, len);
		if (fd == -ENOENT && make) {
			fd = mkdirat(stage, path, 0700) == 0 ? open_below(stage, path, len)
							     : -errno;
			fault_point("stage-directory");
		}
	}
	if (fd < 0 && !placed)
		dir->nest = NEST_NONE;
	return fd;
}

/* Topmost first: each finds the one above it in its place. */
static int open_new(struct plan *p, struct op *dir, bool make)
{
	struct op *above[DEPTH_MAX], *at = dir;
	unsigned n = 0;
	int fd = -ENOENT;

	while (n < DEPTH_MAX && at != NULL && at->nest == NEST_NONE) {
		above[n++] = at;
		at = new_parent(p, at);
	}
	while (n-- > 1) {
		fd = open_directory(p, above[n], make);
		if (fd < 0)
			return fd;
		close(fd);
	}
	return open_directory(p, dir, make);
}

/* The descriptor is kept, for the next file is most often in the same one. */
static int hold(struct plan *p, struct op *dir, bool make)
{
	int fd;

	if (p->nest_fd >= 0 && p->nest_of == index_of(p, dir) && dir->nest != NEST_NONE)
		return p->nest_fd;
	fd = open_new(p, dir, make);
	if (fd < 0)
		return fd;
	stage_let_go(p);
	p->nest_fd = fd;
	p->nest_of = index_of(p, dir);
	return fd;
}

static void last_name(const struct sync_entry *e, char out[SYNC_NAME_MAX + 1])
{
	size_t from = parent_len(e), len;

	from += from > 0;
	len = e->path_len - from;
	memcpy(out, e->path + from, len);
	out[len] = '\0';
}

int stage_place(struct plan *p, struct op *op, bool make, char name[SYNC_NAME_MAX + 1])
{
	struct op *dir = new_parent(p, op);
	int fd = dir == NULL ? -ENOENT : hold(p, dir, make);

	if (fd < 0)
		return stage_where(p, op, name);
	op->nest = NEST_INSIDE;
	op->top = dir->top;
	last_name(&op->entry, name);
	return fd;
}

int stage_where(struct plan *p, struct op *op, char name[SYNC_NAME_MAX + 1])
{
	struct op *dir;

	if (op->nest != NEST_INSIDE) {
		stage_name(op->id, name);
		return stage_open(p, op->entry.root);
	}
	dir = stage_holder(p, op);
	if (dir == NULL)
		return -ENOENT;
	last_name(&op->entry, name);
	return hold(p, dir, false);
}

int stage_sync_directory(struct plan *p, struct op *dir)
{
	int fd = hold(p, dir, false);

	if (fd < 0)
		return fd;
	return fsync(fd) == 0 ? 0 : -errno;
}

/* ---- what is left in them ---- */

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Takes the descriptor. */
static DIR *list(int fd)
{
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL && fd >= 0)
		close(fd);
	return d;
}

int stage_remove(struct plan *p, int directory, const char *name, unsigned depth)
{
	const struct dirent *e;
	DIR *d;

	plan_work(p);
	if (unlinkat(directory, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if (unlinkat(directory, name, AT_REMOVEDIR) == 0)
		return 0;
	if ((errno != ENOTEMPTY && errno != EEXIST) || depth > DEPTH_MAX + 1)
		return -errno;
	d = list(open_below(directory, name, strlen(name)));
	if (d == NULL)
		return -EIO;
	while ((e = readdir(d)) != NULL)
		if (!is_dots(e->d_name))
			(void)stage_remove(p, dirfd(d), e->d_name, depth + 1);
	closedir(d);
	return unlinkat(directory, name, AT_REMOVEDIR) == 0 ? 0 : -errno;
}

/* Below the directory of that path, of len bytes, which is open as fd (and is closed). */
static int tidy_below(struct plan *p, uint8_t root, int fd, char path[SYNC_PATH_MAX + 1],
		      size_t len, unsigned depth)
{
	const struct dirent *e;
	DIR *d = list(fd);
	int error = 0;

	if (d == NULL)
		return -EIO;
	while (error == 0 && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);
		const struct op *op = NULL;

		if (is_dots(e->d_name))
			continue;
		plan_work(p);
		path[len] = '/';
		if (len + 1 + n <= SYNC_PATH_MAX) {
			memcpy(path + len + 1, e->d_name, n);
			op = plan_op(p, root, path, len + 1 + n);
		}
		if (op == NULL || op->nest != NEST_INSIDE ||
		    (op->kind != OP_DIRECTORY && !op->staged))
			error = stage_remove(p, dirfd(d), e->d_name, depth);
		else if (op->kind == OP_DIRECTORY)
			error = tidy_below(p, root, open_below(dirfd(d), e->d_name, n), path,
					   len + 1 + n, depth + 1);
	}
	closedir(d);
	return error;
}

int stage_tidy(struct plan *p)
{
	char path[SYNC_PATH_MAX + 1];
	int error = 0;

	for (uint32_t i = 0; i < p->op_n && error == 0; i++) {
		struct op *op = &p->op[i];
		const struct sync_entry *e = &op->entry;

		if (op->nest != NEST_TOP || op->kind != OP_DIRECTORY || !p->leftover[e->root])
			continue;
		memcpy(path, e->path, e->path_len);
		error = tidy_below(p, e->root, open_directory(p, op, true), path, e->path_len, 0);
	}
	return error;
}
