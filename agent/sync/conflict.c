/* conflict.c - what this side changed by itself, and the plan overwrites or removes: kept aside for the operator, in
 * conflicts/TERM-NUMBER/root-N/PATH of the state directory. The newest few of these are kept.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/file.h"
#include "agent/sync/fault.h"
#include "agent/sync/plan_state.h"

static const char top[] = "conflicts";

enum {
	ATTEMPTS = 100, /* at a name that is not taken */
};

/* ---- removing ---- */

static int open_directory(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* All that is in it too. What cannot be removed stays: it is of no harm. */
static void remove_tree(int dir, const char *name)
{
	int fd = open_directory(dir, name);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (!is_dots(e->d_name) && unlinkat(fd, e->d_name, 0) != 0)
			remove_tree(fd, e->d_name);
	closedir(d);
	unlinkat(dir, name, AT_REMOVEDIR);
}

static bool is_older(const struct stat *a, const struct stat *b)
{
	if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
		return a->st_mtim.tv_sec < b->st_mtim.tv_sec;
	return a->st_mtim.tv_nsec < b->st_mtim.tv_nsec;
}

/* How many there are, and the oldest but `but`. */
static unsigned survey(int dir, const char *but, char oldest[CONFLICTS_NAME_MAX])
{
	int fd = open_directory(dir, ".");
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct stat st, oldest_st = {0};
	const struct dirent *e;
	unsigned n = 0;

	oldest[0] = '\0';
	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((e = readdir(d)) != NULL) {
		if (is_dots(e->d_name) || strlen(e->d_name) >= CONFLICTS_NAME_MAX ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
			continue;
		n++;
		if (strcmp(e->d_name, but) == 0 ||
		    (oldest[0] != '\0' && !is_older(&st, &oldest_st)))
			continue;
		snprintf(oldest, CONFLICTS_NAME_MAX, "%s", e->d_name);
		oldest_st = st;
	}
	closedir(d);
	return n;
}

static void prune(int dir, const char *newest)
{
	char oldest[CONFLICTS_NAME_MAX];

	for (unsigned n = survey(dir, newest, oldest); n > CONFLICTS_MAX && oldest[0] != '\0';
	     n--) {
		remove_tree(dir, oldest);
		survey(dir, newest, oldest);
	}
}

/* ---- copying ---- */

static int make_and_open(int dir, const char *name)
{
	if (mkdirat(dir, name, 0700) != 0 && errno != EEXIST)
		return -errno;
	return open_directory(dir, name);
}

/* The directory of the copy, made as far as it is not there; takes dir over. */
static int descend(int dir, const struct sync_entry *e, char name[SYNC_NAME_MAX + 1])
{
	const char *at = e->path, *end = e->path + e->path_len, *slash;

	while ((slash = memchr(at, '/', (size_t)(end - at))) != NULL) {
		int next;

		memcpy(name, at, (size_t)(slash - at));
		name[slash - at] = '\0';
		next = make_and_open(dir, name);
		close(dir);
		if (next < 0)
			return next;
		dir = next;
		at = slash + 1;
	}
	memcpy(name, at, (size_t)(end - at));
	name[end - at] = '\0';
	return dir;
}

static int copy_bytes(struct plan *p, int from, int to)
{
	int error = 0;

	while (error == 0) {
		ssize_t n = read(from, p->block, sizeof(p->block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		plan_work(p);
		error = file_write(to, p->block, (size_t)n);
	}
	return error;
}

static int copy_file(struct plan *p, const struct sync_entry *e, int dir, const char *name)
{
	int from = roots_openat(&p->c.roots->root[e->root], e->path, e->path_len,
				O_RDONLY | O_NONBLOCK, 0);
	struct stat st;
	int to, error;

	if (from < 0)
		return from;
	if (fstat(from, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(from);
		return -ENOENT; /* it is another thing by now */
	}
	to = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0) {
		error = -errno;
		close(from);
		return error;
	}
	error = copy_bytes(p, from, to);
	if (error == 0 && fstat(to, &st) == 0)
		error = stage_attributes(p, to, e, &st);
	if (error == -EOPNOTSUPP) /* this filesystem has none */
		error = stage_times(to, e);
	close(from);
	if (close(to) != 0 && error == 0)
		error = -errno;
	return error;
}

static int copy_link(const struct sync_entry *e, int dir, const char *name)
{
	char target[SYNC_TARGET_MAX + 1];

	memcpy(target, e->target, e->target_len);
	target[e->target_len] = '\0';
	return symlinkat(target, dir, name) == 0 ? 0 : -errno;
}

static int keep_one(struct plan *p, int dir, const struct sync_entry *e)
{
	char name[SYNC_NAME_MAX + 1], root[16];
	int fd, error;

	snprintf(root, sizeof(root), "root-%u", (unsigned)e->root);
	fd = make_and_open(dir, root);
	if (fd >= 0)
		fd = descend(fd, e, name);
	if (fd < 0)
		return fd;
	error = e->type == SYNC_FILE ? copy_file(p, e, fd, name) : copy_link(e, fd, name);
	close(fd);
	if (error == -ENOENT || error == -ENOTDIR) /* gone already */
		return 0;
	p->totals.conflicts += error == 0;
	fault_point("conflict");
	return error;
}

/* ---- what is to be kept ---- */

/* Is it a file or a link of this side's own making, and does the operation take something of it away? */
static bool is_own(const struct plan *p, const struct op *op, tree_id *id)
{
	struct sync_entry here;

	if (op->kind == OP_NONE || (op->flags & OP_IMPLIED) != 0)
		return false;
	*id = tree_find(p->c.tree, op->entry.root, op->entry.path, op->entry.path_len);
	if (*id == TREE_NONE || tree_number(p->c.tree, *id) <= p->keep_above)
		return false;
	tree_get(p->c.tree, *id, &here);
	return here.type == SYNC_FILE || here.type == SYNC_SYMLINK;
}

/* A directory that was not there: the name asked for, or with a number behind it. */
static int make_new(const struct plan *p, int dir, char made[CONFLICTS_NAME_MAX])
{
	const char *name = p->conflicts[0] == '\0' ? "unnamed" : p->conflicts;

	for (int i = 0; i < ATTEMPTS; i++) {
		if (i == 0)
			snprintf(made, CONFLICTS_NAME_MAX, "%.48s", name);
		else
			snprintf(made, CONFLICTS_NAME_MAX, "%.48s.%d", name, i);
		if (mkdirat(dir, made, 0700) == 0)
			return open_directory(dir, made);
		if (errno != EEXIST)
			break;
	}
	made[0] = '\0';
	return -errno;
}

static int keep_all(struct plan *p, char made[CONFLICTS_NAME_MAX])
{
	int dir = make_and_open(p->c.state, top), fd = -1, error = dir < 0 ? dir : 0;

	for (uint32_t i = 0; i < p->order_n && error == 0; i++) {
		const struct op *op = &p->op[p->order[i]];
		struct sync_entry e;
		tree_id id;

		plan_work(p);
		if (!is_own(p, op, &id))
			continue;
		if (fd < 0)
			fd = make_new(p, dir, made);
		if (fd < 0) {
			error = fd;
			break;
		}
		tree_get(p->c.tree, id, &e);
		error = keep_one(p, fd, &e);
		if (error != 0)
			plan_fail_op(p, op, "cannot be kept aside", error);
	}
	if (error == 0 && fd >= 0 && syncfs(fd) != 0)
		error = -errno;
	if (error == 0 && fd >= 0)
		prune(dir, made);
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	return error;
}

int conflict_keep(struct plan *p, char made[CONFLICTS_NAME_MAX])
{
	int error;

	made[0] = '\0';
	if (p->keep_above == UINT64_MAX)
		return 0;
	error = keep_all(p, made);
	if (error != 0) {
		if (p->reason[0] == '\0')
			snprintf(p->reason, sizeof(p->reason),
				 "what was changed here cannot be kept aside: %.60s",
				 strerror(-error));
		conflict_forget(p, made);
		made[0] = '\0';
	}
	return error;
}

void conflict_forget(struct plan *p, const char *made)
{
	int dir;

	if (made[0] == '\0')
		return;
	p->totals.conflicts = 0;
	dir = open_directory(p->c.state, top);
	if (dir < 0)
		return;
	remove_tree(dir, made);
	close(dir);
}
