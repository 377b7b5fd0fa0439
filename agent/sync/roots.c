/* roots.c - see roots.h. */
#include "agent/sync/roots.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	TRIES_MAX = 8, /* of openat2 while the kernel cannot vouch for the path */
};

void roots_init(struct roots *r)
{
	memset(r, 0, sizeof(*r));
	for (unsigned i = 0; i < SYNC_ROOTS_MAX; i++)
		r->root[i] = (struct root){.fd = -1, .error = -ENOENT};
}

int roots_add(struct roots *r, const char *name)
{
	size_t len = strlen(name);

	if (r->n == SYNC_ROOTS_MAX)
		return -ENOSPC;
	if (len >= ROOTS_NAME_MAX)
		return -ENAMETOOLONG;
	if (name[0] != '/')
		return -EINVAL;
	memcpy(r->root[r->n++].name, name, len + 1);
	return 0;
}

int roots_exclude(struct roots *r, const char *pattern)
{
	size_t len = strlen(pattern);

	if (r->exclude_n == ROOTS_EXCLUDES_MAX)
		return -ENOSPC;
	if (len >= ROOTS_PATTERN_MAX)
		return -ENAMETOOLONG;
	/* One that ends in a slash looks as if it meant directories; it would match nothing. */
	if (len == 0 || pattern[len - 1] == '/')
		return -EINVAL;
	memcpy(r->exclude[r->exclude_n++], pattern, len + 1);
	return 0;
}

/* All components of an absolute name that are not there. */
static int make_directories(const char *name)
{
	char part[ROOTS_NAME_MAX];
	size_t len = strlen(name);

	for (size_t i = 1; i <= len; i++) {
		if (name[i] != '/' && name[i] != 0)
			continue;
		memcpy(part, name, i);
		part[i] = 0;
		if (mkdir(part, 0755) != 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int open_root(struct root *root, bool make)
{
	struct stat st;
	int fd, error = 0;

	/* The way there is the configuration's, links in it too; from its last name on it is anybody's. */
	fd = open(root->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && make) {
		error = make_directories(root->name);
		if (error != 0)
			return error;
		fd = open(root->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0) {
		error = -errno;
		close(fd);
		return error;
	}
	root->fd = fd;
	root->device = st.st_dev;
	root->inode = st.st_ino;
	return 0;
}

int roots_open(struct roots *r, bool make)
{
	int error = 0;

	for (unsigned i = 0; i < r->n; i++) {
		struct root *root = &r->root[i];

		if (root->fd >= 0)
			continue;
		root->error = open_root(root, make);
		if (error == 0)
			error = root->error;
	}
	return error;
}

static void close_root(struct root *root, int error)
{
	if (root->fd >= 0)
		close(root->fd);
	root->fd = -1;
	root->error = error;
}

void roots_close(struct roots *r)
{
	for (unsigned i = 0; i < r->n; i++)
		close_root(&r->root[i], -ENOENT);
}

int roots_verify(struct roots *r)
{
	struct stat st;
	int error = 0;

	for (unsigned i = 0; i < r->n; i++) {
		struct root *root = &r->root[i];

		if (root->fd < 0)
			continue;
		if (lstat(root->name, &st) == 0 && st.st_dev == root->device &&
		    st.st_ino == root->inode)
			continue;
		close_root(root, -ESTALE);
		error = -ESTALE;
	}
	return error;
}

bool roots_found(struct roots *r)
{
	bool found = false;

	for (unsigned i = 0; i < r->n; i++) {
		struct root *root = &r->root[i];
		int fd;

		if (root->fd >= 0)
			continue;
		fd = open(root->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0) {
			root->error = -errno;
			continue;
		}
		close(fd);
		found = true;
	}
	return found;
}

/* ---- what is left out ---- */

static bool matches(const struct roots *r, const char *path, const char *component)
{
	for (unsigned i = 0; i < r->exclude_n; i++) {
		const char *pattern = r->exclude[i];
		bool whole = strchr(pattern, '/') != NULL;

		if (pattern[0] == '/')
			pattern++;
		if (fnmatch(pattern, whole ? path : component, whole ? FNM_PATHNAME : 0) == 0)
			return true;
	}
	return false;
}

static bool is_stage(const char *path, size_t len)
{
	const size_t stage = sizeof(ROOTS_STAGE) - 1;

	return len >= stage && memcmp(path, ROOTS_STAGE, stage) == 0 &&
	       (len == stage || path[stage] == '/');
}

bool roots_excluded(const struct roots *r, const char *path, size_t len)
{
	char prefix[SYNC_PATH_MAX + 1];
	size_t component = 0;

	if (is_stage(path, len))
		return true;
	if (r->exclude_n == 0 || len == 0 || len > SYNC_PATH_MAX)
		return false;
	/* What is below something that is excluded is so too. */
	for (size_t i = 0; i <= len; i++) {
		prefix[i] = 0;
		if (i == len || path[i] == '/') {
			if (matches(r, prefix, prefix + component))
				return true;
			component = i + 1;
		}
		if (i < len)
			prefix[i] = path[i];
	}
	return false;
}

static void hash_text(crypto_generichash_state *state, const char *text)
{
	/* With its terminator, so that no two lists read the same. */
	crypto_generichash_update(state, (const uint8_t *)text, strlen(text) + 1);
}

void roots_fingerprint(const struct roots *r, uint8_t out[SYNC_HASH_LEN])
{
	crypto_generichash_state state;
	const char *sorted[ROOTS_EXCLUDES_MAX];
	uint8_t n = (uint8_t)r->n;

	/* An index on the wire means a root by its place; the order of the excludes means nothing. */
	for (unsigned i = 0; i < r->exclude_n; i++) {
		unsigned at = i;

		for (; at > 0 && strcmp(sorted[at - 1], r->exclude[i]) > 0; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = r->exclude[i];
	}
	crypto_generichash_init(&state, NULL, 0, SYNC_HASH_LEN);
	crypto_generichash_update(&state, &n, sizeof(n));
	for (unsigned i = 0; i < r->n; i++)
		hash_text(&state, r->root[i].name);
	for (unsigned i = 0; i < r->exclude_n; i++)
		hash_text(&state, sorted[i]);
	crypto_generichash_final(&state, out, SYNC_HASH_LEN);
}

/* ---- the way in ---- */

int roots_openat(const struct root *root, const char *path, size_t len, int flags, mode_t mode)
{
	/* O_TMPFILE has O_DIRECTORY's bit in it. */
	bool makes = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
	char name[SYNC_PATH_MAX + 1];
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
		.mode = makes ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};

	if (root->fd < 0)
		return root->error;
	if (!sync_path_valid(path, len))
		return -EINVAL;
	memcpy(name, len == 0 ? "." : path, len == 0 ? 1 : len);
	name[len == 0 ? 1 : len] = 0;
	for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
		long fd = syscall(SYS_openat2, root->fd, name, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			break;
	}
	return -errno;
}

int roots_parent(const struct root *root, const char *path, size_t len,
		 char name[SYNC_NAME_MAX + 1])
{
	const char *slash = memrchr(path, '/', len);
	size_t directory = slash == NULL ? 0 : (size_t)(slash - path);
	size_t first = slash == NULL ? 0 : directory + 1;

	if (len == 0 || !sync_path_valid(path, len))
		return -EINVAL;
	memcpy(name, path + first, len - first);
	name[len - first] = 0;
	return roots_openat(root, path, directory, O_RDONLY | O_DIRECTORY, 0);
}
