/* stage.c - staged files: at the top of each root, named by path and content, so that what was fetched before a restart
 * is found again; but nothing that is found counts before its content has been hashed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "agent/file.h"
#include "agent/sync/fault.h"
#include "agent/sync/plan_state.h"

enum {
	SPECIAL = S_ISUID | S_ISGID | S_ISVTX,
};

static struct timespec timespec_of(int64_t ns)
{
	struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	if (t.tv_nsec < 0) {
		t.tv_sec--;
		t.tv_nsec += 1000000000;
	}
	return t;
}

/* ---- the directory ---- */

/* To make it changes the root's mtime, which is somebody's setting. */
static int make(const struct root *root)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	struct stat st;

	if (fstat(root->fd, &st) != 0)
		return -errno;
	if (mkdirat(root->fd, ROOTS_STAGE, 0700) != 0 && errno != EEXIST)
		return -errno;
	times[1] = st.st_mtim;
	return futimens(root->fd, times) == 0 ? 0 : -errno;
}

/* Nobody but this program, whatever the root hands down: set-group-ID, default ACLs. */
static int seclude(int fd)
{
	if (fchown(fd, geteuid(), getegid()) != 0)
		return -errno;
	fremovexattr(fd, "system.posix_acl_default");
	fremovexattr(fd, "system.posix_acl_access");
	return fchmod(fd, 0700) == 0 ? 0 : -errno;
}

static DIR *list(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);

	if (d == NULL && copy >= 0)
		close(copy);
	return d;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool is_empty(int fd)
{
	DIR *d = list(fd);
	const struct dirent *e;

	if (d == NULL)
		return false;
	while ((e = readdir(d)) != NULL && is_dots(e->d_name))
		;
	closedir(d);
	return e == NULL;
}

int stage_open(struct plan *p, uint8_t index)
{
	const struct root *root = &p->c.roots->root[index];
	const size_t len = sizeof(ROOTS_STAGE) - 1;
	int fd, error;

	if (root->fd < 0)
		return root->error != 0 ? root->error : -ENOENT;
	if (p->stage[index] >= 0)
		return p->stage_of[index] == root->inode ? p->stage[index] : -ESTALE;
	fd = roots_openat(root, ROOTS_STAGE, len, O_RDONLY | O_DIRECTORY, 0);
	if (fd == -ENOENT) {
		error = make(root);
		if (error != 0)
			return error;
		fault_point("stage-made");
		fd = roots_openat(root, ROOTS_STAGE, len, O_RDONLY | O_DIRECTORY, 0);
	}
	if (fd < 0)
		return fd;
	error = seclude(fd);
	if (error != 0) {
		close(fd);
		return error;
	}
	p->stage[index] = fd;
	p->stage_of[index] = root->inode;
	p->leftover[index] = !is_empty(fd);
	return fd;
}

void stage_close(struct plan *p)
{
	stage_let_go(p);
	for (size_t i = 0; i < SYNC_ROOTS_MAX; i++) {
		if (p->stage[i] >= 0)
			close(p->stage[i]);
		p->stage[i] = -1;
	}
}

/* ---- names ---- */

void stage_id(const struct sync_entry *e, uint8_t out[STAGE_ID_LEN])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, STAGE_ID_LEN);
	crypto_generichash_update(&state, &e->type, sizeof(e->type));
	crypto_generichash_update(&state, &e->root, sizeof(e->root));
	crypto_generichash_update(&state, (const uint8_t *)&e->size, sizeof(e->size));
	crypto_generichash_update(&state, (const uint8_t *)&e->path_len, sizeof(e->path_len));
	crypto_generichash_update(&state, e->hash, sizeof(e->hash));
	crypto_generichash_update(&state, (const uint8_t *)e->path, e->path_len);
	crypto_generichash_update(&state, (const uint8_t *)e->target, e->target_len);
	crypto_generichash_final(&state, out, STAGE_ID_LEN);
}

void stage_name(const uint8_t id[STAGE_ID_LEN], char out[STAGE_NAME_LEN])
{
	sodium_bin2hex(out, STAGE_NAME_LEN, id, STAGE_ID_LEN);
}

/* ---- attributes ---- */

int stage_times(int fd, const struct sync_entry *e)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, timespec_of(e->mtime_ns)};

	return futimens(fd, times) == 0 ? 0 : -errno;
}

int stage_attributes(struct plan *p, int fd, const struct sync_entry *e, const struct stat *was)
{
	uid_t uid = was == NULL ? p->uid : was->st_uid;
	gid_t gid = was == NULL ? p->gid : was->st_gid;
	mode_t mode = was == NULL ? e->mode & 0777 & ~p->mask : was->st_mode & 07777;
	bool chowned = uid != e->uid || gid != e->gid;
	int error;

	if (chowned && fchown(fd, e->uid, e->gid) != 0)
		return -errno;
	/* To change the owner clears them. */
	if ((mode != e->mode || (chowned && (e->mode & SPECIAL) != 0)) && fchmod(fd, e->mode) != 0)
		return -errno;
	if (was != NULL || e->xattr_len > 0) {
		error = roots_set_xattrs(fd, e->xattr, e->xattr_len);
		if (error != 0)
			return error;
	}
	return stage_times(fd, e);
}

/* ---- files of one block, and links ---- */

static bool is_content(struct plan *p, const struct sync_entry *e, const uint8_t *data, size_t len)
{
	digest_tag tag, hash;

	if (e->size != len)
		return false;
	if (len > 0)
		digest_block(p->c.digest, data, len, tag);
	digest_file(p->c.digest, len, &tag, len > 0, hash);
	return memcmp(hash, e->hash, sizeof(hash)) == 0;
}

/* The stage is closed to others: it may have its permissions at once. */
static int make_file(int stage, const char *name, mode_t mode)
{
	int fd = openat(stage, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	return fd < 0 ? -errno : fd;
}

static int create(struct plan *p, const struct op *op, int stage, const char *name)
{
	mode_t mode = op->entry.mode & 0777;
	int fd = make_file(stage, name, mode);

	if (fd != -EEXIST || !p->leftover[op->entry.root])
		return fd;
	if (unlinkat(stage, name, 0) != 0 && errno != EISDIR && errno != EPERM)
		return -errno;
	return make_file(stage, name, mode);
}

/* In its place: in a directory that is new, or if something is in the way there by itself. */
static int make_place(struct plan *p, struct op *op, char name[SYNC_NAME_MAX + 1], int *stage)
{
	int fd;

	*stage = stage_place(p, op, true, name);
	if (*stage < 0)
		return *stage;
	fd = create(p, op, *stage, name);
	if (fd != -EEXIST || op->nest == NEST_NONE)
		return fd;
	op->nest = NEST_NONE;
	*stage = stage_where(p, op, name);
	return *stage < 0 ? *stage : create(p, op, *stage, name);
}

/* What the index is told of a file that is renamed with the directory that it is in. */
static int note(struct op *op, int fd)
{
	struct stat st;

	if (op->nest == NEST_NONE)
		return 0;
	if (fstat(fd, &st) != 0)
		return -errno;
	op->stat = (struct tree_stat){
		.inode = st.st_ino,
		.ctime_ns = st.st_ctim.tv_sec * INT64_C(1000000000) + st.st_ctim.tv_nsec,
	};
	return 0;
}

static void count_staged(struct plan *p, int stage)
{
	if (++p->unflushed >= PLAN_FLUSH_EVERY && flusher_begin(&p->flusher, stage))
		p->unflushed = 0;
}

/* Verified before it is written: what is staged by this process is what its entry says. */
int stage_whole(struct plan *p, struct op *op, const uint8_t *data, size_t len)
{
	char name[SYNC_NAME_MAX + 1];
	int stage, fd, error;

	if (!is_content(p, &op->entry, data, len))
		return -EBADMSG;
	if (op->staged)
		return 0;
	fd = make_place(p, op, name, &stage);
	if (fd < 0) {
		op->nest = NEST_NONE;
		return fd;
	}
	fault_point("stage-created");
	error = file_write(fd, data, len);
	fault_point("stage-written");
	if (error == 0)
		error = stage_attributes(p, fd, &op->entry, NULL);
	if (error == 0)
		error = note(op, fd);
	if (close(fd) != 0 && error == 0)
		error = -errno;
	fault_point("stage-done");
	op->staged = true;
	if (error != 0)
		stage_drop(p, op);
	else
		count_staged(p, p->stage[op->entry.root]);
	return error;
}

int stage_symlink(struct plan *p, struct op *op)
{
	const struct sync_entry *e = &op->entry;
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, timespec_of(e->mtime_ns)};
	char name[STAGE_NAME_LEN], target[SYNC_TARGET_MAX + 1];
	int stage = stage_open(p, e->root), error;

	if (stage < 0)
		return stage;
	stage_name(op->id, name);
	memcpy(target, e->target, e->target_len);
	target[e->target_len] = '\0';
	error = symlinkat(target, stage, name) == 0 ? 0 : -errno;
	if (error == -EEXIST) {
		unlinkat(stage, name, 0);
		error = symlinkat(target, stage, name) == 0 ? 0 : -errno;
	}
	if (error != 0)
		return error;
	op->staged = true;
	fault_point("stage-link");
	if (fchownat(stage, name, e->uid, e->gid, AT_SYMLINK_NOFOLLOW) != 0 ||
	    utimensat(stage, name, times, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	return 0;
}

int stage_again(struct plan *p, struct op *op)
{
	char name[SYNC_NAME_MAX + 1];
	struct stat st;
	int stage = stage_where(p, op, name), fd, error;

	if (stage < 0)
		return stage;
	fd = openat(stage, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	error = fstat(fd, &st) != 0 ? -errno : stage_attributes(p, fd, &op->entry, &st);
	if (error == 0)
		error = note(op, fd);
	close(fd);
	return error;
}

bool stage_resume(struct plan *p, struct op *op)
{
	char name[SYNC_NAME_MAX + 1];
	int stage = stage_open(p, op->entry.root), fd;
	ssize_t n;

	if (stage < 0 || !p->leftover[op->entry.root])
		return false;
	stage = stage_place(p, op, false, name);
	fd = stage < 0 ? -1 : openat(stage, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		op->nest = NEST_NONE;
		return false;
	}
	n = read(fd, p->block, sizeof(p->block));
	close(fd);
	op->staged = true;
	if (n >= 0 && is_content(p, &op->entry, p->block, (size_t)n) && stage_again(p, op) == 0)
		return true;
	stage_drop(p, op);
	return false;
}

void stage_drop(struct plan *p, struct op *op)
{
	char name[SYNC_NAME_MAX + 1];
	int stage;

	content_free(p, op);
	if (op->nest != NEST_NONE && op->entry.type == SYNC_DIRECTORY)
		p->leftover[op->entry.root] = true; /* it stays, and what is in it */
	if (op->staged && p->stage[op->entry.root] >= 0) {
		stage = stage_where(p, op, name);
		if (stage < 0 || unlinkat(stage, name, 0) != 0)
			p->leftover[op->entry.root] = true;
	}
	op->staged = false;
	op->nest = NEST_NONE;
}

/* ---- all of them ---- */

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, STAGE_ID_LEN);
}

static bool is_at_top(const struct op *op)
{
	return op->nest == NEST_TOP || (op->staged && op->nest == NEST_NONE);
}

/* The names that operations need, sorted. NULL, and *n > 0: no memory. */
static uint8_t *needed(const struct plan *p, size_t *n)
{
	uint8_t *ids;

	*n = 0;
	for (uint32_t i = 0; i < p->op_n; i++)
		*n += is_at_top(&p->op[i]);
	ids = calloc(*n + 1, STAGE_ID_LEN);
	if (ids == NULL)
		return NULL;
	*n = 0;
	for (uint32_t i = 0; i < p->op_n; i++)
		if (is_at_top(&p->op[i]))
			memcpy(ids + STAGE_ID_LEN * (*n)++, p->op[i].id, STAGE_ID_LEN);
	qsort(ids, *n, STAGE_ID_LEN, compare_ids);
	return ids;
}

static bool is_staged_name(const char *name, uint8_t id[STAGE_ID_LEN])
{
	size_t len = 0;

	return strlen(name) == STAGE_NAME_LEN - 1 &&
	       sodium_hex2bin(id, STAGE_ID_LEN, name, STAGE_NAME_LEN - 1, NULL, &len, NULL) == 0 &&
	       len == STAGE_ID_LEN;
}

static void sweep(struct plan *p, int stage, const uint8_t *ids, size_t n, bool foreign_only)
{
	uint8_t id[STAGE_ID_LEN];
	const struct dirent *e;
	DIR *d = list(stage);

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		plan_work(p);
		if (is_dots(e->d_name))
			continue;
		if (is_staged_name(e->d_name, id) &&
		    (foreign_only || (n > 0 && bsearch(id, ids, n, STAGE_ID_LEN, compare_ids))))
			continue;
		if (is_staged_name(e->d_name, id))
			(void)stage_remove(p, stage, e->d_name, 0);
		else if (unlinkat(stage, e->d_name, 0) != 0 && (errno == EISDIR || errno == EPERM))
			unlinkat(stage, e->d_name, AT_REMOVEDIR);
	}
	closedir(d);
}

void stage_sweep(struct plan *p, bool foreign_only)
{
	size_t n;
	uint8_t *ids = needed(p, &n);

	if (ids == NULL)
		return;
	for (unsigned i = 0; i < p->c.roots->n; i++) {
		int stage = p->stage[i];

		if (stage < 0 && p->c.roots->root[i].fd >= 0) {
			/* Only if there is one: to look is no reason to make it. */
			stage = roots_openat(&p->c.roots->root[i], ROOTS_STAGE,
					     sizeof(ROOTS_STAGE) - 1, O_RDONLY | O_DIRECTORY, 0);
		}
		if (stage < 0)
			continue;
		sweep(p, stage, ids, n, foreign_only);
		if (stage != p->stage[i])
			close(stage);
	}
	free(ids);
}

static bool is_staged(const struct op *op)
{
	return op->staged || op->nest != NEST_NONE;
}

static int sync_file(struct plan *p, struct op *op)
{
	char name[SYNC_NAME_MAX + 1];
	int stage = stage_where(p, op, name), fd, error;

	if (stage < 0)
		return stage;
	fd = openat(stage, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	error = fsync(fd) == 0 ? 0 : -errno;
	close(fd);
	return error;
}

static int sync_files(struct plan *p)
{
	bool touched[SYNC_ROOTS_MAX] = {false};
	int error = 0;

	for (uint32_t i = 0; i < p->op_n && error == 0; i++) {
		struct op *op = &p->op[i];

		if (!is_staged(op))
			continue;
		touched[op->entry.root] = true;
		if (op->kind == OP_DIRECTORY)
			error = stage_sync_directory(p, op);
		else if (op->entry.type == SYNC_FILE)
			error = sync_file(p, op);
	}
	for (unsigned i = 0; i < p->c.roots->n && error == 0; i++)
		if (touched[i] && fsync(p->stage[i]) != 0)
			error = -errno;
	return error;
}

static int sync_filesystems(struct plan *p)
{
	const struct roots *roots = p->c.roots;

	for (unsigned i = 0; i < roots->n; i++) {
		bool done = p->stage[i] < 0;

		for (unsigned j = 0; j < i; j++)
			done |= p->stage[j] >= 0 && roots->root[j].device == roots->root[i].device;
		if (!done && syncfs(p->stage[i]) != 0)
			return -errno;
	}
	return 0;
}

int stage_sync(struct plan *p)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < p->op_n; i++)
		n += is_staged(&p->op[i]);
	if (n == 0)
		return 0;
	flusher_wait(&p->flusher);
	return n <= PLAN_FSYNC_MAX ? sync_files(p) : sync_filesystems(p);
}
