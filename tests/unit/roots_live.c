/* roots_live.c - the way into the trees, on a real filesystem: what is below is reached, and nothing else is. */
#include "agent/sync/roots.h"

#include <sys/mount.h>
#include <sys/xattr.h>
#include <sched.h>

#include "tests/unit/tree_rig.h"

static struct roots roots;

static void setup(void)
{
	rig_make();
	roots_init(&roots);
	rig_add_root(&roots, "one");
	cr_assert_eq(roots_open(&roots, false), 0);
}

static void teardown(void)
{
	roots_close(&roots);
	rig_remove();
}

TestSuite(roots_live, .init = setup, .fini = teardown);

static int open_below(const char *path, int flags)
{
	return roots_openat(&roots.root[0], path, strlen(path), flags, 0600);
}

/* Opens, and says only whether that went well. */
static int try(const char *path, int flags)
{
	int fd = open_below(path, flags);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

Test(roots_live, what_is_below_is_opened_and_made)
{
	rig_mkdir("one/a");
	rig_text("one/a/file", "x");
	cr_expect_eq(try("", O_RDONLY | O_DIRECTORY), 0);
	cr_expect_eq(try("a/file", O_RDONLY), 0);
	cr_expect_eq(try("a/new", O_WRONLY | O_CREAT | O_EXCL), 0);
	cr_expect_eq(faccessat(rig_fd, "one/a/new", F_OK, 0), 0);
	cr_expect_eq(try("a/none", O_RDONLY), -ENOENT);
	cr_expect_eq(try("a/file/x", O_RDONLY), -ENOTDIR);
}

Test(roots_live, a_path_ends_at_its_length)
{
	int fd;

	rig_text("one/file", "x");
	fd = roots_openat(&roots.root[0], "file.more", 4, O_RDONLY, 0);
	cr_expect_geq(fd, 0);
	close(fd);
}

Test(roots_live, a_path_that_is_none_is_refused)
{
	static const char *const bad[] = {"/", "/etc", "..",   "../outside", "a/../../outside",
					  ".", "a/",   "a//b", "a/./b"};

	rig_mkdir("one/a");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(try(bad[i], O_RDONLY), -EINVAL, "%s", bad[i]);
	cr_expect_eq(roots_openat(&roots.root[0], "a\0b", 3, O_RDONLY, 0), -EINVAL);
}

Test(roots_live, no_symlink_is_followed_wherever_it_leads)
{
	char absolute[256];

	rig_mkdir("one/a");
	rig_text("one/a/file", "x");
	rig_text("outside/secret", "x");
	snprintf(absolute, sizeof(absolute), "%s/outside", rig_top);
	rig_symlink("../outside", "one/up");
	rig_symlink(absolute, "one/absolute");
	rig_symlink("a", "one/inner");
	rig_symlink("../outside/secret", "one/last");
	rig_symlink("/proc/self/root", "one/magic");
	cr_expect_eq(try("up/secret", O_RDONLY), -ELOOP);
	cr_expect_eq(try("absolute/secret", O_RDONLY), -ELOOP);
	cr_expect_eq(try("inner/file", O_RDONLY), -ELOOP);
	cr_expect_eq(try("last", O_RDONLY), -ELOOP);
	cr_expect_eq(try("last", O_WRONLY | O_CREAT), -ELOOP);
	cr_expect_eq(try("magic/etc", O_RDONLY), -ELOOP);
	cr_expect_eq(try("last", O_PATH), 0, "the link itself");
}

Test(roots_live, a_parent_is_opened_and_the_last_component_named)
{
	char name[SYNC_NAME_MAX + 1];
	int fd;

	rig_mkdir("one/a");
	fd = roots_parent(&roots.root[0], "a/filexx", 6, name);
	cr_assert_geq(fd, 0);
	cr_expect_str_eq(name, "file");
	cr_expect_eq(mkdirat(fd, name, 0700), 0);
	cr_expect_eq(try("a/file", O_RDONLY | O_DIRECTORY), 0);
	close(fd);
	fd = roots_parent(&roots.root[0], "top", 3, name);
	cr_assert_geq(fd, 0);
	cr_expect_str_eq(name, "top");
	close(fd);
	cr_expect_eq(roots_parent(&roots.root[0], "", 0, name), -EINVAL);
	cr_expect_eq(roots_parent(&roots.root[0], "a/..", 4, name), -EINVAL);
	cr_expect_eq(roots_parent(&roots.root[0], "b/c", 3, name), -ENOENT);
	rig_symlink("../outside", "one/up");
	cr_expect_eq(roots_parent(&roots.root[0], "up/c", 4, name), -ENOTDIR);
}

Test(roots_live, another_filesystem_below_is_not_entered)
{
	char below[256];

	rig_mkdir("one/mounted");
	snprintf(below, sizeof(below), "%s/one/mounted", rig_top);
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", below, "tmpfs", 0, NULL) != 0)
		cr_skip_test("no mount may be made: %s", strerror(errno));
	roots_close(&roots); /* it is of the namespace before */
	cr_assert_eq(roots_open(&roots, false), 0);
	cr_expect_eq(try("mounted", O_RDONLY | O_DIRECTORY), -EXDEV);
	cr_expect_eq(try("mounted/new", O_WRONLY | O_CREAT), -EXDEV);
	cr_assert_eq(umount(below), 0);
	cr_expect_eq(try("mounted", O_RDONLY | O_DIRECTORY), 0);
}

Test(roots_live, a_root_that_is_replaced_is_lost_until_it_is_opened_anew)
{
	cr_expect_eq(roots_verify(&roots), 0);
	rig_rename("one", "old");
	cr_expect_eq(try("", O_RDONLY), 0, "not noticed yet");
	cr_expect_eq(roots_verify(&roots), -ESTALE);
	cr_expect_eq(try("", O_RDONLY), -ESTALE);
	cr_expect_eq(roots_verify(&roots), 0, "known by now");
	cr_expect_eq(roots_open(&roots, false), -ENOENT);
	rig_mkdir("one");
	cr_expect_eq(roots_open(&roots, false), 0);
	cr_expect_eq(roots_verify(&roots), 0);
	rig_rename("one", "older");
	rig_symlink("old", "one");
	cr_expect_eq(roots_verify(&roots), -ESTALE);
	rig_unlink("one");
}

Test(roots_live, roots_are_made_where_they_are_wanted)
{
	struct stat st;

	rig_add_root(&roots, "new/deep/root");
	cr_expect_eq(roots_open(&roots, false), -ENOENT);
	cr_expect_eq(roots.root[1].error, -ENOENT);
	cr_expect_eq(roots_openat(&roots.root[1], "x", 1, O_RDONLY, 0), -ENOENT);
	cr_expect_eq(try("", O_RDONLY), 0, "the other one serves");
	umask(022);
	cr_expect_eq(roots_open(&roots, true), 0);
	cr_expect_eq(fstat(roots.root[1].fd, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0755);
	rig_text("file", "x");
	rig_add_root(&roots, "file");
	cr_expect_eq(roots_open(&roots, true), -ENOTDIR);
}

Test(roots_live, lists_are_bounded)
{
	char name[ROOTS_NAME_MAX + 1], pattern[ROOTS_PATTERN_MAX + 1];

	memset(name, 'x', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = 0;
	cr_expect_eq(roots_add(&roots, name), -ENAMETOOLONG);
	cr_expect_eq(roots_add(&roots, name + sizeof(name) - 1), -EINVAL, "empty");
	cr_expect_eq(roots_add(&roots, "relative"), -EINVAL);
	while (roots.n < SYNC_ROOTS_MAX)
		cr_assert_eq(roots_add(&roots, "/x"), 0);
	cr_expect_eq(roots_add(&roots, "/x"), -ENOSPC);
	memset(pattern, 'x', sizeof(pattern) - 1);
	pattern[sizeof(pattern) - 1] = 0;
	cr_expect_eq(roots_exclude(&roots, pattern), -ENAMETOOLONG);
	cr_expect_eq(roots_exclude(&roots, ""), -EINVAL);
	cr_expect_eq(roots_exclude(&roots, "directory/"), -EINVAL);
	while (roots.exclude_n < ROOTS_EXCLUDES_MAX)
		cr_assert_eq(roots_exclude(&roots, "x"), 0);
	cr_expect_eq(roots_exclude(&roots, "x"), -ENOSPC);
}

static bool excluded(const char *path)
{
	return roots_excluded(&roots, path, strlen(path));
}

Test(roots_live, excludes_match_a_component_or_the_whole_path_and_what_is_below)
{
	cr_assert_eq(roots_exclude(&roots, "*.local"), 0);
	cr_assert_eq(roots_exclude(&roots, "net/*/cache"), 0);
	cr_assert_eq(roots_exclude(&roots, "/top"), 0);
	cr_expect(excluded("host.local"));
	cr_expect(excluded(".local"), "a leading period is nothing special");
	cr_expect(excluded("a/b.local"));
	cr_expect(excluded("a.local/b"));
	cr_expect_not(excluded("a.locals"));
	cr_expect(excluded("net/eth0/cache"));
	cr_expect(excluded("net/eth0/cache/x"));
	cr_expect_not(excluded("net/a/b/cache"));
	cr_expect_not(excluded("x/net/eth0/cache"));
	cr_expect(excluded("top"));
	cr_expect(excluded("top/x"));
	cr_expect_not(excluded("a/top"));
	cr_expect_not(excluded(""));
	cr_expect(excluded("\xff.local"));
}

Test(roots_live, the_stage_is_always_excluded_and_only_at_the_top)
{
	cr_expect(excluded(ROOTS_STAGE));
	cr_expect(excluded(ROOTS_STAGE "/x"));
	cr_expect_not(excluded(ROOTS_STAGE "x"));
	cr_expect_not(excluded("a/" ROOTS_STAGE));
}

Test(roots_live, the_fingerprint_is_of_roots_in_order_and_excludes_in_any)
{
	static const char *const lists[][4] = {
		/* roots, excludes */
		{"/a", "/b", "x", "y"}, {"/b", "/a", "x", "y"}, {"/a", "/bx", "", "y"},
		{"/a", "/b", "x", ""},  {"/a", "", "x", "y"},
	};
	uint8_t print[5][SYNC_HASH_LEN], swapped[SYNC_HASH_LEN];
	struct roots r;

	for (size_t i = 0; i < 5; i++) {
		roots_init(&r);
		for (size_t j = 0; j < 4; j++) {
			if (lists[i][j][0] != 0)
				cr_assert_eq(j < 2 ? roots_add(&r, lists[i][j])
						   : roots_exclude(&r, lists[i][j]),
					     0);
		}
		roots_fingerprint(&r, print[i]);
		for (size_t j = 0; j < i; j++)
			cr_expect_arr_neq(print[i], print[j], SYNC_HASH_LEN, "%zu and %zu", i, j);
	}
	roots_init(&r);
	roots_add(&r, "/a");
	roots_add(&r, "/b");
	roots_exclude(&r, "y");
	roots_exclude(&r, "x");
	roots_fingerprint(&r, swapped);
	cr_expect_arr_eq(print[0], swapped, SYNC_HASH_LEN);
}

/* ---- extended attributes ---- */

static int file_with_attributes(void)
{
	int fd;

	rig_text("one/file", "x");
	fd = open_below("file", O_RDWR);
	cr_assert_geq(fd, 0);
	if (fsetxattr(fd, "user.b", "second", 6, 0) != 0)
		cr_skip_test("no extended attributes here: %s", strerror(errno));
	cr_assert_eq(fsetxattr(fd, "user.a", "", 0, 0), 0);
	return fd;
}

Test(roots_live, attributes_are_encoded_sorted_by_name)
{
	uint8_t out[256];
	int fd = file_with_attributes();

	cr_assert_eq(roots_xattrs(fd, out, sizeof(out)), 2 * (1 + 6 + 2) + 6);
	cr_expect_arr_eq(out, "\6user.a\0\0\6user.b\0\6second", 24);
	close(fd);
}

Test(roots_live, attributes_that_do_not_fit_are_too_big)
{
	uint8_t out[24];
	int fd = file_with_attributes();

	for (size_t cap = 0; cap < sizeof(out); cap++)
		cr_expect_eq(roots_xattrs(fd, out, cap), -E2BIG, "%zu", cap);
	cr_expect_eq(roots_xattrs(fd, out, sizeof(out)), 24);
	close(fd);
}

Test(roots_live, attributes_of_other_kinds_are_the_machine_s_own)
{
	uint8_t out[256];
	int fd = file_with_attributes();

	if (fsetxattr(fd, "trusted.x", "own", 3, 0) != 0)
		cr_skip_test("no trusted attributes here: %s", strerror(errno));
	cr_expect_eq(roots_xattrs(fd, out, sizeof(out)), 24);
	cr_expect_eq(roots_set_xattrs(fd, NULL, 0), 0);
	cr_expect_eq(roots_xattrs(fd, out, sizeof(out)), 0);
	cr_expect_eq(fgetxattr(fd, "trusted.x", out, sizeof(out)), 3);
	close(fd);
}

Test(roots_live, attributes_that_are_set_are_there_and_no_others)
{
	static const uint8_t wanted[] = "\6user.b\0\1x\6user.c\0\3new";
	const size_t len = sizeof(wanted) - 1;
	uint8_t out[256];
	int fd = file_with_attributes();

	cr_expect_eq(roots_set_xattrs(fd, wanted, len), 0);
	cr_assert_eq(roots_xattrs(fd, out, sizeof(out)), (int)len);
	cr_expect_arr_eq(out, wanted, len);
	close(fd);
}

Test(roots_live, attributes_torn_or_of_a_kind_that_is_not_synced_are_refused)
{
	static const uint8_t wanted[] = "\6user.b\0\1x\6user.c\0\3new";
	static const uint8_t trusted[] = "\11trusted.x\0\1x", nul[] = "\6user\0b\0\1x";
	uint8_t out[256];
	int fd = file_with_attributes();

	for (size_t len = 1; len < sizeof(wanted) - 1; len++) {
		if (len != 10)
			cr_expect_eq(roots_set_xattrs(fd, wanted, len), -EINVAL, "%zu", len);
	}
	cr_expect_eq(roots_set_xattrs(fd, trusted, sizeof(trusted) - 1), -EINVAL);
	cr_expect_eq(roots_set_xattrs(fd, nul, sizeof(nul) - 1), -EINVAL);
	cr_expect_eq(roots_xattrs(fd, out, sizeof(out)), 24, "nothing has changed");
	close(fd);
}

Test(roots_live, directories_have_attributes_too)
{
	uint8_t out[256];
	int fd = open_below("", O_RDONLY | O_DIRECTORY);

	if (fsetxattr(fd, "user.d", "x", 1, 0) != 0)
		cr_skip_test("no extended attributes here: %s", strerror(errno));
	cr_expect_eq(roots_xattrs(fd, out, sizeof(out)), 10);
	cr_expect_arr_eq(out, "\6user.d\0\1x", 10);
	close(fd);
}
