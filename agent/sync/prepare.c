/* prepare.c - from the entries that came to the operations of the commit: what follows from them, in which order, and
 * whether all of it can be done. Nothing on the disk is changed here.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sync/plan_state.h"

static uint8_t type_here(const struct plan *p, uint8_t root, const char *path, size_t len)
{
	tree_id id = tree_find(p->c.tree, root, path, len);
	struct sync_entry e;

	if (id == TREE_NONE)
		return SYNC_GONE;
	tree_get(p->c.tree, id, &e);
	return e.type;
}

static void look(struct plan *p)
{
	for (uint32_t i = 0; i < p->op_n; i++) {
		struct op *op = &p->op[i];

		plan_work(p);
		op->here = type_here(p, op->entry.root, op->entry.path, op->entry.path_len);
	}
}

static int out_of_memory(struct plan *p)
{
	return plan_fail(p, 0, "", 0, "cannot be prepared", -ENOMEM);
}

/* ---- what follows ---- */

/* A removal that nobody asked for by name. */
static int add_removal(struct plan *p, const struct sync_entry *e)
{
	struct op *op = plan_op_make(p, e->root, e->path, e->path_len);

	if (op == NULL)
		return out_of_memory(p);
	if (op->kind == OP_REMOVE)
		return 0;
	if (op->kind != OP_NONE && (op->flags & OP_IMPLIED) == 0)
		return plan_fail_op(p, op, "is to be in what is no directory", -EBADMSG);
	p->totals.entries += op->kind == OP_NONE;
	op->kind = OP_REMOVE;
	op->state = OP_READY;
	op->flags = 0;
	op->here = e->type;
	op->entry.type = SYNC_GONE;
	op->entry.mode = 0;
	op->entry.xattr_len = 0;
	op->entry.target_len = 0;
	op->entry.uid = op->entry.gid = 0;
	op->entry.mtime_ns = 0;
	op->entry.size = 0;
	memset(op->entry.hash, 0, sizeof(op->entry.hash));
	return 0;
}

/* A full plan: what is here and was not named. */
static int add_unnamed(struct plan *p)
{
	uint32_t cursor = 0;
	tree_id id;
	int error = 0;

	while (error == 0 && (id = tree_next(p->c.tree, &cursor)) != TREE_NONE) {
		struct sync_entry e;
		const struct op *op;

		plan_work(p);
		if (plan_seen(p, id))
			continue;
		tree_get(p->c.tree, id, &e);
		if (e.type == SYNC_GONE || e.path_len == 0)
			continue;
		op = plan_op(p, e.root, e.path, e.path_len);
		if (op == NULL || op->kind == OP_NONE)
			error = add_removal(p, &e);
	}
	return error;
}

/* All that is below a directory that goes. The list grows behind the walk, so that it reaches every depth. */
static int add_below(struct plan *p)
{
	for (uint32_t i = 0; i < p->op_n; i++) {
		const struct op *op = &p->op[i];
		struct sync_entry e;
		tree_id id, child;

		if ((op->kind != OP_REMOVE && op->kind != OP_RENAME) || op->here != SYNC_DIRECTORY)
			continue;
		id = tree_find(p->c.tree, op->entry.root, op->entry.path, op->entry.path_len);
		for (child = tree_child(p->c.tree, id, TREE_NONE); child != TREE_NONE;
		     child = tree_child(p->c.tree, id, child)) {
			int error;

			plan_work(p);
			tree_get(p->c.tree, child, &e);
			error = add_removal(p, &e);
			if (error != 0)
				return error;
		}
	}
	return 0;
}

/* Does it change the list of names of its directory? */
static bool changes_parent(const struct op *op)
{
	if (op->entry.path_len == 0)
		return false;
	return op->kind == OP_RENAME || op->kind == OP_REMOVE ||
	       (op->kind == OP_DIRECTORY && op->here != SYNC_DIRECTORY);
}

static int add_implied(struct plan *p, uint32_t of, const char *path, size_t len)
{
	uint8_t root = p->op[of].entry.root;
	tree_id id = tree_find(p->c.tree, root, path, len);
	struct sync_entry e = {.type = SYNC_GONE};
	struct op *op;

	if (id != TREE_NONE)
		tree_get(p->c.tree, id, &e);
	if (e.type != SYNC_DIRECTORY) {
		if (len == 0 || p->op[of].kind == OP_REMOVE)
			return 0;
		return plan_fail_op(p, &p->op[of], "its directory is not known", -EBADMSG);
	}
	op = plan_op_make(p, root, path, len);
	if (op == NULL || plan_copy_entry(p, &op->entry, &e) != 0)
		return out_of_memory(p);
	op->kind = OP_DIRECTORY;
	op->state = OP_READY;
	op->flags = OP_IMPLIED | OP_EXISTING;
	op->here = SYNC_DIRECTORY;
	return 0;
}

/* A directory that the plan does not name, but whose names change, gets a new mtime by that: it has to be set back. */
static int add_parents(struct plan *p)
{
	uint32_t n = p->op_n;
	int error = 0;

	for (uint32_t i = 0; i < n && error == 0; i++) {
		const struct op *op = &p->op[i], *parent;
		const char *path = op->entry.path, *slash;
		size_t len;

		if (!changes_parent(op))
			continue;
		slash = memrchr(path, '/', op->entry.path_len);
		len = slash == NULL ? 0 : (size_t)(slash - path);
		parent = plan_op(p, op->entry.root, path, len);
		if (parent == NULL || parent->kind == OP_NONE || (parent->flags & OP_IMPLIED) != 0)
			error = add_implied(p, i, path, len);
		else if (parent->kind != OP_DIRECTORY && op->kind != OP_REMOVE)
			error = plan_fail_op(p, op, "is to be in what is no directory", -EBADMSG);
	}
	return error;
}

/* ---- the order ---- */

/* Parents before what is in them, and all of that before the next name: '/' is the lowest byte of all. */
static int compare(const void *a, const void *b, void *arg)
{
	const struct plan *p = arg;
	const struct sync_entry *x = &p->op[*(const uint32_t *)a].entry;
	const struct sync_entry *y = &p->op[*(const uint32_t *)b].entry;
	size_t n = x->path_len < y->path_len ? x->path_len : y->path_len, i = 0;

	if (x->root != y->root)
		return x->root < y->root ? -1 : 1;
	while (i < n && x->path[i] == y->path[i])
		i++;
	if (i == n)
		return (x->path_len > y->path_len) - (x->path_len < y->path_len);
	if (x->path[i] == '/' || y->path[i] == '/')
		return x->path[i] == '/' ? -1 : 1;
	return (unsigned char)x->path[i] < (unsigned char)y->path[i] ? -1 : 1;
}

static bool is_below(const struct op *op, const struct op *above)
{
	const struct sync_entry *a = &above->entry, *e = &op->entry;

	return e->root == a->root && e->path_len > a->path_len && e->path[a->path_len] == '/' &&
	       memcmp(e->path, a->path, a->path_len) == 0;
}

int prepare_sort(struct plan *p)
{
	const struct op *cover = NULL;
	uint32_t n = 0;

	free(p->order);
	p->order = calloc((size_t)p->op_n + 1, sizeof(*p->order));
	p->order_n = 0;
	if (p->order == NULL)
		return out_of_memory(p);
	for (uint32_t i = 0; i < p->op_n; i++)
		if (p->op[i].kind != OP_NONE)
			p->order[n++] = i;
	p->order_n = n;
	qsort_r(p->order, n, sizeof(*p->order), compare, p);
	for (uint32_t i = 0; i < n; i++) {
		struct op *op = &p->op[p->order[i]];

		op->flags &= (uint8_t)~OP_FIRST;
		if (cover != NULL && is_below(op, cover))
			op->flags |= OP_FIRST;
		else
			cover = op->kind == OP_RENAME ? op : NULL;
	}
	return 0;
}

/* ---- can it be done? ---- */

/* What is changed where it is has to be what was compared. */
static int check_base(struct plan *p, const struct op *op)
{
	const struct sync_entry *e = &op->entry;
	tree_id id = tree_find(p->c.tree, e->root, e->path, e->path_len);
	struct sync_entry here = {.type = SYNC_GONE};
	struct tree_stat known = {0};
	struct stat st;
	bool same;
	int fd;

	if (id != TREE_NONE) {
		tree_get(p->c.tree, id, &here);
		tree_stat_of(p->c.tree, id, &known);
	}
	fd = roots_openat(&p->c.roots->root[e->root], e->path, e->path_len, O_RDONLY | O_NONBLOCK,
			  0);
	if (fd < 0)
		return plan_fail_op(p, op, "cannot be opened", fd);
	same = here.type == SYNC_FILE && fstat(fd, &st) == 0 &&
	       content_same_stat(&st, &here, &known);
	if (op->kind == OP_BLOCKS)
		same = same && st.st_ino == op->inode && st.st_nlink == 1;
	close(fd);
	return same ? 0 : plan_fail_op(p, op, "has changed since it was compared", -ESTALE);
}

/* A directory in whose place something else comes has to become empty. */
static int check_way(struct plan *p, const struct op *op)
{
	const struct sync_entry *e = &op->entry;
	char path[SYNC_PATH_MAX + 1 + SYNC_NAME_MAX + 1];
	const struct dirent *d;
	DIR *dir;
	int fd, error = 0;

	fd = roots_openat(&p->c.roots->root[e->root], e->path, e->path_len, O_RDONLY | O_DIRECTORY,
			  0);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return 0;
	if (fd < 0)
		return plan_fail_op(p, op, "cannot be opened", fd);
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return out_of_memory(p);
	}
	memcpy(path, e->path, e->path_len);
	path[e->path_len] = '/';
	while (error == 0 && (d = readdir(dir)) != NULL) {
		size_t len = strlen(d->d_name);
		const struct op *below;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		memcpy(path + e->path_len + 1, d->d_name, len);
		below = plan_op(p, e->root, path, e->path_len + 1 + len);
		if (below == NULL || below->kind != OP_REMOVE)
			error = plan_fail(p, e->root, path, e->path_len + 1 + len,
					  "is in the way, and is not synced", -ENOTEMPTY);
	}
	closedir(dir);
	return error;
}

/* Not what somebody has put in its place: that leads elsewhere. Nor where another filesystem is mounted. */
static int check_directory(struct plan *p, struct op *op)
{
	const struct sync_entry *e = &op->entry;
	int fd;

	op->flags &= (uint8_t)~OP_EXISTING;
	fd = roots_openat(&p->c.roots->root[e->root], e->path, e->path_len, O_PATH | O_DIRECTORY,
			  0);
	if (fd >= 0)
		close(fd);
	if (fd == -EXDEV)
		return plan_fail_op(p, op, "is on another filesystem", fd);
	if (op->here != SYNC_DIRECTORY || fd == -ENOENT) /* then it is made */
		return 0;
	if (fd < 0)
		return plan_fail_op(p, op, "is no directory any more", fd);
	op->flags |= OP_EXISTING;
	return 0;
}

/* In a directory that is made by this commit nothing is in the way yet. */
static bool is_in_new_directory(const struct plan *p, const struct op *op)
{
	const char *path = op->entry.path, *slash = memrchr(path, '/', op->entry.path_len);
	const struct op *parent;

	if (slash == NULL)
		return false;
	parent = plan_op(p, op->entry.root, path, (size_t)(slash - path));
	return parent != NULL && parent->here == SYNC_GONE;
}

static int check_one(struct plan *p, struct op *op)
{
	if (op->nest == NEST_INSIDE && stage_holder(p, op) == NULL)
		return plan_fail_op(p, op, "its directory is another since it was staged", -ESTALE);
	switch (op->kind) {
	case OP_DIRECTORY:
		return check_directory(p, op);
	case OP_ATTRIBUTES:
	case OP_BLOCKS:
		return check_base(p, op);
	case OP_RENAME:
		return is_in_new_directory(p, op) ? 0 : check_way(p, op);
	default:
		return op->here == SYNC_DIRECTORY && (op->flags & OP_FIRST) != 0 ? check_way(p, op)
										 : 0;
	}
}

static int check(struct plan *p)
{
	int error = 0;

	for (uint32_t i = 0; i < p->order_n && error == 0; i++) {
		plan_work(p);
		error = check_one(p, &p->op[p->order[i]]);
	}
	return error;
}

int prepare(struct plan *p)
{
	int error = 0;

	look(p);
	if (p->full)
		error = add_unnamed(p);
	if (error == 0)
		error = add_below(p);
	if (error == 0)
		error = add_parents(p);
	if (error == 0)
		error = prepare_sort(p);
	return error == 0 ? check(p) : error;
}
