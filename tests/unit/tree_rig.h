/* tree_rig.h - a directory of a test's own on a real filesystem, and what tests do in it.
 *
 * Names are relative to it. Whatever fails ends the test.
 */
#ifndef HA_TESTS_TREE_RIG_H
#define HA_TESTS_TREE_RIG_H

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sync/roots.h"

static char rig_top[128];
static int rig_fd;

/* Makes the directory; within it are made "one" and, for what must not be reached, "outside". */
static inline void rig_make(void)
{
	const char *parent = getenv("TMPDIR");

	cr_assert_geq(sodium_init(), 0);
	snprintf(rig_top, sizeof(rig_top), "%.80s/haagent-tree-XXXXXX",
		 parent != NULL ? parent : P_tmpdir);
	cr_assert(mkdtemp(rig_top) != NULL);
	rig_fd = open(rig_top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(rig_fd, 0);
	cr_assert_eq(mkdirat(rig_fd, "one", 0755), 0);
	cr_assert_eq(mkdirat(rig_fd, "outside", 0755), 0);
}

static inline int rig_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void rig_remove(void)
{
	close(rig_fd);
	nftw(rig_top, rig_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void rig_write(const char *name, const void *bytes, size_t len)
{
	int fd = openat(rig_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	cr_assert_geq(fd, 0, "%s: %s", name, strerror(errno));
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static inline void rig_text(const char *name, const char *text)
{
	rig_write(name, text, strlen(text));
}

static inline void rig_mkdir(const char *name)
{
	cr_assert_eq(mkdirat(rig_fd, name, 0755), 0, "%s: %s", name, strerror(errno));
}

static inline void rig_symlink(const char *target, const char *name)
{
	cr_assert_eq(symlinkat(target, rig_fd, name), 0, "%s: %s", name, strerror(errno));
}

static inline void rig_rename(const char *from, const char *to)
{
	cr_assert_eq(renameat(rig_fd, from, rig_fd, to), 0, "%s: %s", from, strerror(errno));
}

static inline void rig_unlink(const char *name)
{
	cr_assert_eq(unlinkat(rig_fd, name, 0), 0, "%s: %s", name, strerror(errno));
}

static inline void rig_rmdir(const char *name)
{
	cr_assert_eq(unlinkat(rig_fd, name, AT_REMOVEDIR), 0, "%s: %s", name, strerror(errno));
}

/* Roots that consist of names in it. */
static inline void rig_add_root(struct roots *r, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", rig_top, name);
	cr_assert_eq(roots_add(r, path), 0);
}

#endif
