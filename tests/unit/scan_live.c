/* scan_live.c - a tree brought up to date with a real disk: all of it is found, what changes is noticed, what goes is gone,
 * and nothing is taken for gone that is only out of sight.
 */
#include "agent/sync/scan.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "agent/loop.h"
#include "tests/unit/tree_rig.h"

static struct digest digest;
static struct roots roots;
static struct tree *tree;
static struct scan *scan;
static struct scan_totals totals;
static unsigned found_n;

static void on_found(void *arg, uint8_t root, const char *path, size_t len)
{
	(void)arg, (void)root, (void)path, (void)len;
	found_n++;
}

static void setup(void)
{
	uint8_t key[HA_KEY_LEN] = {1};

	rig_make();
	roots_init(&roots);
	rig_add_root(&roots, "one");
	cr_assert_eq(roots_open(&roots, false), 0);
	cr_assert_eq(digest_open(&digest, key), 0);
	cr_assert_eq(tree_open(&tree, &digest), 0);
	cr_assert_eq(scan_open(&scan, &roots, tree, &digest, on_found, NULL), 0);
}

static void teardown(void)
{
	scan_close(scan);
	tree_close(tree);
	digest_close(&digest);
	roots_close(&roots);
	rig_remove();
}

TestSuite(scan_live, .init = setup, .fini = teardown);

/* Until nothing is left to do now; what waits, waits. */
static void work(void)
{
	while (scan_step(scan, loop_now() + 10 * HA_MS))
		;
	cr_assert_not(scan_busy(scan));
	scan_totals(scan, &totals);
}

/* Until nothing waits either. */
static void settle(void)
{
	work();
	for (ha_time due; (due = scan_deadline(scan)) != HA_NEVER; work()) {
		ha_time left = due - loop_now();

		if (left > 0)
			usleep((useconds_t)(left / HA_US + 1));
	}
}

static void scan_everything(void)
{
	scan_all(scan, false);
	settle();
}

static void name(const char *path)
{
	scan_name(scan, 0, path, strlen(path), SCAN_SETTLED);
}

static tree_id find(const char *path)
{
	return tree_find(tree, 0, path, strlen(path));
}

static struct sync_entry get(const char *path)
{
	struct sync_entry e;

	cr_assert_neq(find(path), TREE_NONE, "%s", path);
	tree_get(tree, find(path), &e);
	return e;
}

static bool is_there(const char *path)
{
	return find(path) != TREE_NONE && get(path).type != SYNC_GONE;
}

/* What the content of a file has to be summed to. */
static void expect_content(const char *path, const void *bytes, size_t len)
{
	size_t n = (len + SYNC_BLOCK_LEN - 1) / SYNC_BLOCK_LEN, kept_n;
	digest_tag tag[64], hash;
	const digest_tag *kept;

	cr_assert_leq(n, 64);
	for (size_t i = 0; i < n; i++)
		digest_block(&digest, (const uint8_t *)bytes + i * SYNC_BLOCK_LEN,
			     i + 1 < n ? SYNC_BLOCK_LEN : len - i * SYNC_BLOCK_LEN, tag[i]);
	digest_file(&digest, len, (const void *)tag, n, hash);
	cr_expect_eq(get(path).size, len);
	cr_expect_arr_eq(get(path).hash, hash, sizeof(hash), "%s", path);
	kept = tree_tags(tree, find(path), &kept_n);
	cr_expect_eq(kept_n, n > 1 ? n : 0);
	if (kept_n > 0)
		cr_expect_arr_eq(kept, tag, n * sizeof(*tag));
}

/* As a tree has it that has never known anything else. */
static void expect_like_fresh(void)
{
	uint8_t kept[HA_KEY_LEN], fresh[HA_KEY_LEN];
	struct tree *other;
	struct scan *s;

	cr_assert_eq(tree_open(&other, &digest), 0);
	cr_assert_eq(scan_open(&s, &roots, other, &digest, NULL, NULL), 0);
	scan_all(s, false);
	while (scan_step(s, loop_now() + HA_SEC))
		;
	tree_digest(tree, kept);
	tree_digest(other, fresh);
	cr_expect_arr_eq(kept, fresh, sizeof(kept));
	scan_close(s);
	tree_close(other);
}

static void touch(const char *path, time_t seconds)
{
	const struct timespec times[2] = {{seconds, 1}, {seconds, 1}};

	cr_assert_eq(utimensat(rig_fd, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

Test(scan_live, everything_is_found_as_it_is)
{
	static uint8_t large[3 * SYNC_BLOCK_LEN + 5];
	struct sync_entry e;
	struct stat st;

	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (uint8_t)(i * 7 >> 3);
	rig_text("one/small", "hello");
	rig_text("one/empty", "");
	rig_write("one/block", large, SYNC_BLOCK_LEN);
	rig_write("one/large", large, sizeof(large));
	rig_mkdir("one/a");
	rig_mkdir("one/a/b");
	rig_text("one/a/b/odd \n\xff\\name", "x");
	rig_symlink("../../outside", "one/a/link");
	cr_assert_eq(linkat(rig_fd, "one/small", rig_fd, "one/a/hard", 0), 0);
	cr_assert_eq(fchmodat(rig_fd, "one/small", 04750, 0), 0);
	cr_assert_eq(fchmodat(rig_fd, "one/a", 01711, 0), 0);
	touch("one/a/b", 1000);
	touch("one/a/link", 2000);
	touch("one/small", -5);
	scan_everything();
	expect_content("small", "hello", 5);
	expect_content("empty", "", 0);
	expect_content("block", large, SYNC_BLOCK_LEN);
	expect_content("large", large, sizeof(large));
	expect_content("a/b/odd \n\xff\\name", "x", 1);
	expect_content("a/hard", "hello", 5);
	e = get("small");
	cr_expect(e.type == SYNC_FILE && e.mode == 04750 && e.mtime_ns == -5 * HA_SEC + 1);
	cr_expect(e.uid == geteuid() && e.gid == getegid());
	e = get("a");
	cr_expect(e.type == SYNC_DIRECTORY && e.mode == 01711 && e.size == 0);
	cr_expect_eq(get("a/b").mtime_ns, 1000 * HA_SEC + 1);
	e = get("a/link");
	cr_expect(e.type == SYNC_SYMLINK && e.mode == 0 && e.target_len == 13);
	cr_expect_arr_eq(e.target, "../../outside", 13);
	cr_expect_eq(e.mtime_ns, 2000 * HA_SEC + 1);
	cr_assert_eq(fstat(roots.root[0].fd, &st), 0);
	cr_expect_eq(get("").mode, st.st_mode & 07777);
	cr_expect_eq(found_n, 3);
	cr_expect_eq(totals.entries, 10);
	cr_expect_eq(totals.unreadable + totals.skipped, 0);
	cr_expect_not(is_there("../outside"));
}

Test(scan_live, what_has_not_changed_is_not_read)
{
	rig_mkdir("one/a");
	rig_text("one/a/x", "x");
	rig_text("one/y", "y");
	scan_everything();
	tree_stamp(tree, 1);
	scan_everything();
	cr_expect_eq(totals.files_read, 0);
	cr_expect_eq(totals.entries, 4);
	cr_expect_eq(tree_pending(tree), 0);
	scan_all(scan, true);
	settle();
	cr_expect_eq(totals.files_read, 2, "to verify: all are");
	cr_expect_eq(tree_pending(tree), 0);
}

Test(scan_live, each_change_is_noticed)
{
	const struct timespec sooner[2] = {{1, 0}, {1, 0}};

	rig_mkdir("one/a");
	rig_text("one/a/x", "first");
	rig_symlink("1", "one/link");
	scan_everything();
	tree_stamp(tree, 1);
#define NOTICED(path, ...)                                                                         \
	do {                                                                                       \
		uint64_t before = tree_number(tree, find(path));                                   \
		cr_assert_eq(before, 1);                                                           \
		__VA_ARGS__;                                                                       \
		scan_everything();                                                                 \
		cr_expect_eq(tree_number(tree, find(path)), TREE_PENDING, "%s", #__VA_ARGS__);     \
		tree_stamp(tree, 1);                                                               \
	} while (0)
	NOTICED("a/x", rig_text("one/a/x", "longer"));
	NOTICED("a/x", rig_text("one/a/x", "LONGER"));
	NOTICED("a/x", cr_assert_eq(fchmodat(rig_fd, "one/a/x", 0600, 0), 0));
	NOTICED("a/x", touch("one/a/x", 77));
	NOTICED("a", touch("one/a", 77));
	NOTICED("a", cr_assert_eq(fchmodat(rig_fd, "one/a", 0700, 0), 0));
	NOTICED("link", rig_unlink("one/link"); rig_symlink("2", "one/link"));
	NOTICED("link",
		cr_assert_eq(utimensat(rig_fd, "one/link", sooner, AT_SYMLINK_NOFOLLOW), 0));
	NOTICED("link", rig_unlink("one/link"); rig_text("one/link", "a file"));
	NOTICED("link", rig_unlink("one/link"); rig_mkdir("one/link"));
	if (geteuid() == 0) {
		NOTICED("a/x", cr_assert_eq(fchownat(rig_fd, "one/a/x", 7, 8, 0), 0));
		cr_expect(get("a/x").uid == 7 && get("a/x").gid == 8);
	}
#undef NOTICED
	expect_content("a/x", "LONGER", 6);
	expect_like_fresh();
}

Test(scan_live, extended_attributes_belong_to_it)
{
	char path[256];

	rig_text("one/x", "x");
	rig_mkdir("one/a");
	snprintf(path, sizeof(path), "%s/one/x", rig_top);
	if (setxattr(path, "user.colour", "red", 3, 0) != 0)
		cr_skip_test("no extended attributes here: %s", strerror(errno));
	scan_everything();
	cr_assert_eq(get("x").xattr_len, 1 + 11 + 2 + 3);
	cr_expect_arr_eq(get("x").xattr, "\13user.colour\0\3red", 17);
	tree_stamp(tree, 1);
	snprintf(path, sizeof(path), "%s/one/a", rig_top);
	cr_assert_eq(setxattr(path, "user.colour", "red", 3, 0), 0);
	scan_everything();
	cr_expect_eq(get("a").xattr_len, 17);
	cr_expect_eq(tree_pending(tree), 1);
}

Test(scan_live, a_new_inode_with_the_same_content_is_read_and_nothing_has_changed)
{
	rig_text("one/x", "same");
	touch("one/x", 5);
	touch("one", 5);
	scan_everything();
	tree_stamp(tree, 1);
	rig_text("one/y", "same");
	touch("one/y", 5);
	rig_rename("one/y", "one/x");
	touch("one", 5);
	scan_everything();
	cr_expect_geq(totals.files_read, 1);
	cr_expect_eq(tree_pending(tree), 0);
	scan_everything();
	cr_expect_eq(totals.files_read, 0);
}

Test(scan_live, a_sparse_file_is_its_zeros)
{
	static uint8_t zeros[20 * SYNC_BLOCK_LEN + 1];
	int fd;

	rig_text("one/sparse", "");
	fd = openat(rig_fd, "one/sparse", O_WRONLY);
	cr_assert_eq(ftruncate(fd, sizeof(zeros)), 0);
	close(fd);
	scan_everything();
	expect_content("sparse", zeros, sizeof(zeros));
}

Test(scan_live, what_is_gone_is_gone_with_all_that_was_in_it)
{
	rig_mkdir("one/a");
	rig_mkdir("one/a/b");
	rig_text("one/a/b/x", "x");
	rig_text("one/y", "y");
	scan_everything();
	rig_unlink("one/a/b/x");
	rig_rmdir("one/a/b");
	rig_rmdir("one/a");
	scan_everything();
	cr_expect_eq(get("a").type, SYNC_GONE);
	cr_expect_eq(get("a/b/x").type, SYNC_GONE);
	cr_expect(is_there("y"));
	rig_unlink("one/y");
	scan_everything();
	cr_expect_not(is_there("y"));
	expect_like_fresh();
}

Test(scan_live, a_file_in_the_place_of_a_directory_and_the_other_way_round)
{
	rig_mkdir("one/a");
	rig_text("one/a/x", "x");
	rig_text("one/b", "b");
	scan_everything();
	rig_rename("one/a", "outside/a");
	rig_rename("one/b", "one/a");
	rig_rename("outside/a", "one/b");
	scan_everything();
	cr_expect_eq(get("a").type, SYNC_FILE);
	cr_expect_eq(get("a/x").type, SYNC_GONE);
	expect_content("b/x", "x", 1);
	expect_like_fresh();
}

Test(scan_live, what_is_neither_file_nor_directory_nor_symlink_is_counted_and_skipped)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	cr_assert_eq(mkfifoat(rig_fd, "one/pipe", 0600), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/one/sock", rig_top);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	rig_text("one/was a file", "x");
	scan_everything();
	cr_expect_eq(totals.skipped, 2);
	cr_expect_not(is_there("pipe") || is_there("sock"));
	rig_unlink("one/was a file");
	cr_assert_eq(mkfifoat(rig_fd, "one/was a file", 0600), 0);
	scan_everything();
	cr_expect_not(is_there("was a file"));
	cr_expect_eq(totals.skipped, 3);
	close(fd);
}

Test(scan_live, what_is_excluded_is_not_looked_at)
{
	cr_assert_eq(roots_exclude(&roots, "*.local"), 0);
	rig_text("one/host.local", "x");
	rig_mkdir("one/dir.local");
	rig_text("one/dir.local/x", "x");
	rig_mkdir("one/" ROOTS_STAGE);
	rig_text("one/" ROOTS_STAGE "/x", "x");
	rig_text("one/other", "x");
	scan_everything();
	cr_expect_not(is_there("host.local") || is_there("dir.local") || is_there(ROOTS_STAGE));
	cr_expect(is_there("other"));
	name("host.local");
	cr_expect_not(scan_busy(scan));
}

Test(scan_live, several_roots_are_kept_apart)
{
	rig_mkdir("two");
	rig_add_root(&roots, "two");
	cr_assert_eq(roots_open(&roots, false), 0);
	rig_text("one/x", "1");
	rig_text("two/x", "22");
	scan_everything();
	cr_expect_eq(get("x").size, 1);
	cr_assert_neq(tree_find(tree, 1, "x", 1), TREE_NONE);
	rig_unlink("two/x");
	scan_everything();
	cr_expect(is_there("x"));
}

/* ---- single names ---- */

Test(scan_live, a_name_is_looked_at_and_nothing_else)
{
	rig_text("one/x", "1");
	rig_text("one/y", "1");
	scan_everything();
	rig_text("one/x", "22");
	rig_text("one/y", "22");
	name("x");
	settle();
	cr_expect_eq(get("x").size, 2);
	cr_expect_eq(get("y").size, 1);
	rig_unlink("one/x");
	name("x");
	settle();
	cr_expect_not(is_there("x"));
}

Test(scan_live, a_name_that_is_a_new_directory_brings_what_is_in_it)
{
	scan_everything();
	found_n = 0;
	rig_mkdir("one/a");
	rig_mkdir("one/a/b");
	rig_text("one/a/b/x", "x");
	name("a");
	settle();
	cr_expect(is_there("a/b/x"));
	cr_expect_eq(found_n, 2);
	name("a");
	settle();
	cr_expect_eq(found_n, 2, "it is not new any more");
}

Test(scan_live, a_name_below_what_is_not_known_yet_begins_above)
{
	scan_everything();
	rig_mkdir("one/a");
	rig_mkdir("one/a/b");
	rig_text("one/a/b/x", "x");
	rig_text("one/a/y", "y");
	name("a/b/x");
	settle();
	cr_expect(is_there("a/b/x") && is_there("a/y"));
	rig_rename("one/a", "outside/a");
	name("a/b/x");
	settle();
	cr_expect_not(is_there("a") || is_there("a/b/x"));
}

Test(scan_live, a_directory_replaced_under_its_name_is_listed_anew)
{
	rig_mkdir("one/a");
	rig_text("one/a/old", "x");
	scan_everything();
	rig_rename("one/a", "outside/a");
	rig_mkdir("one/a");
	rig_text("one/a/new", "x");
	name("a");
	name(""); /* whose time has changed */
	settle();
	cr_expect(is_there("a/new"));
	cr_expect_not(is_there("a/old"));
	expect_like_fresh();
}

Test(scan_live, names_that_never_were_leave_no_trace)
{
	scan_everything();
	name("brief");
	name("a/b/c");
	settle();
	cr_expect_eq(find("brief"), TREE_NONE);
	cr_expect_eq(find("a"), TREE_NONE);
}

Test(scan_live, too_many_names_become_a_full_scan)
{
	char path[32];

	scan_everything();
	rig_text("one/x", "x");
	for (unsigned i = 0; i < 70000; i++) {
		snprintf(path, sizeof(path), "none%u", i);
		name(path);
	}
	work();
	cr_expect(is_there("x"));
}

/* ---- what must not mislead it ---- */

Test(scan_live, a_symlink_put_in_the_way_leads_nowhere)
{
	rig_mkdir("one/a");
	rig_text("one/a/x", "inside");
	rig_text("outside/x", "outside");
	scan_everything();
	rig_rename("one/a", "one/b");
	rig_symlink("../outside", "one/a");
	name("a/x");
	settle();
	cr_expect_eq(get("a").type, SYNC_SYMLINK);
	cr_expect_eq(get("a/x").type, SYNC_GONE);
	scan_everything();
	expect_like_fresh();
}

Test(scan_live, a_root_that_is_replaced_loses_nothing)
{
	uint8_t before[HA_KEY_LEN], after[HA_KEY_LEN];

	rig_text("one/x", "x");
	scan_everything();
	tree_digest(tree, before);
	rig_rename("one", "old");
	rig_mkdir("one");
	scan_everything();
	tree_digest(tree, after);
	cr_expect_arr_eq(before, after, sizeof(before));
	cr_expect_geq(totals.unreadable, 1);
	cr_expect(strstr(totals.example, "/one: ") != NULL, "%s", totals.example);
	name("x");
	settle();
	cr_expect(is_there("x"));
	cr_assert_eq(roots_open(&roots, false), 0);
	scan_everything();
	cr_expect_not(is_there("x"), "opened anew, it is what it is");
}

Test(scan_live, a_root_removed_while_it_is_listed_loses_nothing)
{
	char path[32];

	for (unsigned i = 0; i < 500; i++) {
		snprintf(path, sizeof(path), "one/%u", i);
		rig_text(path, "x");
	}
	scan_everything();
	scan_all(scan, false);
	scan_step(scan, 0);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(path, sizeof(path), "one/%u", i);
		rig_unlink(path);
	}
	rig_rmdir("one");
	settle();
	cr_expect(is_there("0") && is_there("499"));
	cr_expect_geq(totals.unreadable, 1);
}

Test(scan_live, a_directory_that_cannot_be_opened_keeps_what_is_known_of_it)
{
	if (geteuid() != 0)
		cr_skip_test("needs root, to be somebody else");
	rig_mkdir("one/a");
	rig_text("one/a/x", "x");
	rig_text("one/y", "y");
	scan_everything();
	cr_assert_eq(fchmodat(rig_fd, "one/a", 0, 0), 0);
	cr_assert_eq(fchmodat(rig_fd, "one/y", 0, 0), 0);
	cr_assert_eq(fchmod(rig_fd, 0755), 0);
	cr_assert_eq(seteuid(65534), 0);
	scan_everything();
	cr_assert_eq(seteuid(0), 0);
	cr_expect(is_there("a/x"));
	expect_content("y", "y", 1);
	cr_expect_eq(get("y").mode, 0644, "as it was last known");
	cr_expect_geq(totals.unreadable, 2);
	cr_expect(strstr(totals.example, "Permission denied") != NULL, "%s", totals.example);
	scan_everything();
	cr_expect_eq(get("y").mode, 0);
	expect_like_fresh();
}

Test(scan_live, another_filesystem_below_is_skipped_and_keeps_what_is_known_of_it)
{
	char below[256];

	rig_mkdir("one/a");
	rig_text("one/a/x", "x");
	snprintf(below, sizeof(below), "%s/one/a", rig_top);
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		cr_skip_test("no mount may be made: %s", strerror(errno));
	roots_close(&roots); /* it is of the namespace before */
	cr_assert_eq(roots_open(&roots, false), 0);
	scan_everything();
	if (mount("none", below, "tmpfs", 0, NULL) != 0)
		cr_skip_test("no mount may be made: %s", strerror(errno));
	scan_everything();
	cr_expect_eq(totals.skipped, 1);
	cr_expect(is_there("a/x"));
	cr_assert_eq(umount(below), 0);
	scan_everything();
	cr_expect_eq(totals.skipped, 0);
}

/* 21 components of 201 bytes, slash included: more than the 4095 that there may be. */
Test(scan_live, a_path_that_is_too_long_is_skipped)
{
	char component[201] = {0};
	int fd = dup(roots.root[0].fd);

	memset(component, 'd', sizeof(component) - 1);
	for (unsigned i = 0; i < 21; i++) {
		int next;

		cr_assert_eq(mkdirat(fd, component, 0755), 0);
		next = openat(fd, component, O_RDONLY | O_DIRECTORY);
		cr_assert_geq(next, 0);
		close(fd);
		fd = next;
	}
	close(fd);
	scan_everything();
	cr_expect_eq(totals.skipped, 1);
	cr_expect_eq(totals.entries, 21); /* with the root */
	expect_like_fresh();
}

/* ---- files that change while they are read ---- */

/* Into the tree as it was at one moment: half of one and half of the other is never seen. */
Test(scan_live, a_file_that_changes_while_it_is_read_is_not_put_until_it_is_whole)
{
	static uint8_t bytes[8 * SYNC_BLOCK_LEN];
	int fd;

	rig_write("one/x", bytes, sizeof(bytes));
	touch("one/x", 5);
	usleep(30000); /* older than a tick: it is read at once */
	scan_all(scan, false);
	for (unsigned i = 0; i < 6; i++) /* the root, the name, some blocks */
		cr_assert(scan_step(scan, 0));
	memset(bytes, 1, sizeof(bytes));
	fd = openat(rig_fd, "one/x", O_WRONLY);
	cr_assert_eq(pwrite(fd, bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
	close(fd);
	work();
	cr_expect_not(is_there("x"));
	cr_expect_neq(scan_deadline(scan), HA_NEVER);
	settle();
	expect_content("x", bytes, sizeof(bytes));
	expect_like_fresh();
}

Test(scan_live, a_file_that_shrinks_while_it_is_read_is_read_again)
{
	static uint8_t bytes[8 * SYNC_BLOCK_LEN];

	rig_write("one/x", bytes, sizeof(bytes));
	usleep(30000);
	scan_all(scan, false);
	for (unsigned i = 0; i < 6; i++)
		cr_assert(scan_step(scan, 0));
	rig_text("one/x", "short");
	settle();
	expect_content("x", "short", 5);
}

/* A large one that was written within this tick of the clock, and is asked for: true if it waits. */
static bool large_one_waits(void)
{
	int fd = openat(rig_fd, "one/x", O_WRONLY | O_CREAT, 0644);

	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(ftruncate(fd, 32 * SYNC_BLOCK_LEN), 0);
	close(fd);
	name("x");
	work();
	return scan_deadline(scan) != HA_NEVER;
}

Test(scan_live, what_waits_is_looked_at_once_its_writer_is_done)
{
	static uint8_t zeros[32 * SYNC_BLOCK_LEN];

	scan_everything();
	for (unsigned i = 0; !large_one_waits(); i++)
		cr_assert_lt(i, 100, "a tick came between each time");
	scan_name(scan, 0, "x", 1, 0);
	cr_expect_not(scan_busy(scan), "it goes on waiting");
	cr_expect_eq(scan_unseen(scan), 1, "and the tree does not know of it");
	name("x");
	cr_expect(scan_busy(scan));
	work();
	cr_expect_eq(scan_unseen(scan), 0, "what may wait now is to be looked at a second time");
	expect_content("x", zeros, sizeof(zeros));
}

/* As a write() that takes long does, which stamps the file when it begins. */
Test(scan_live, what_was_modified_is_read_even_if_it_looks_as_before)
{
	struct sync_entry e;
	struct tree_stat kept;

	rig_text("one/x", "right");
	scan_everything();
	e = get("x");
	tree_stat_of(tree, find("x"), &kept);
	memset(e.hash, 1, sizeof(e.hash));
	cr_assert_eq(tree_put(tree, &e, &kept, NULL, 0, 1, NULL), 0);
	name("x");
	settle();
	cr_expect_eq(get("x").hash[0], 1);
	scan_name(scan, 0, "x", 1, SCAN_MODIFIED);
	settle();
	expect_content("x", "right", 5);
}

/* The kernel's clock ticks some hundred times a second: what is written twice within a tick has one time. */
Test(scan_live, a_change_within_the_tick_of_the_last_look_is_not_missed)
{
	unsigned within = 0;
	char text[16];

	scan_everything();
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "a%05u", i);
		rig_text("one/x", text);
		name("x");
		work();
		if (scan_deadline(scan) == HA_NEVER)
			continue; /* a tick came in between: then it would be reported, here it is not */
		within++;
		text[0] = 'b';
		rig_text("one/x", text); /* same inode, same size, and mostly the same time */
		settle(); /* nobody reports it: what is looked at again by itself has to find it */
		expect_content("x", text, 6);
	}
	cr_expect_gt(within, 0);
}

Test(scan_live, the_other_names_of_a_file_are_looked_at_when_one_has_changed)
{
	rig_mkdir("one/a");
	rig_text("one/x", "1");
	cr_assert_eq(linkat(rig_fd, "one/x", rig_fd, "one/a/hard", 0), 0);
	scan_everything();
	rig_text("one/x", "22");
	name("x");
	settle();
	expect_content("a/hard", "22", 2);
	rig_text("one/x", "333"); /* and is gone before anybody looks */
	rig_unlink("one/x");
	scan_name(scan, 0, "x", 1, SCAN_MODIFIED);
	settle();
	expect_content("a/hard", "333", 3);
}

/* And after a crash in between: the status that was kept is not believed. */
Test(scan_live, nor_is_it_when_the_second_look_never_came)
{
	struct tree_stat kept;
	struct stat st;

	scan_everything();
	for (unsigned i = 0; i < 100; i++) {
		rig_text("one/x", "first");
		name("x");
		work();
		if (scan_deadline(scan) == HA_NEVER)
			continue; /* a tick came in between */
		tree_stat_of(tree, find("x"), &kept);
		cr_assert_eq(fstatat(rig_fd, "one/x", &st, 0), 0);
		cr_expect_neq(kept.ctime_ns, st.st_ctim.tv_sec * HA_SEC + st.st_ctim.tv_nsec);
		return;
	}
	cr_assert_fail("a hundred times a tick came between writing and reading");
}

/* ---- slices ---- */

Test(scan_live, it_works_in_slices_and_the_tree_may_change_between_them)
{
	char path[64];
	unsigned steps = 0;

	for (unsigned i = 0; i < 300; i++) {
		if (i % 100 == 0) {
			snprintf(path, sizeof(path), "one/%u", i / 100);
			rig_mkdir(path);
		}
		snprintf(path, sizeof(path), "one/%u/%u", i / 100, i);
		rig_text(path, "x");
	}
	scan_everything();
	tree_stamp(tree, 1);
	for (unsigned i = 0; i < 300; i += 2) {
		snprintf(path, sizeof(path), "one/%u/%u", i / 100, i);
		rig_unlink(path);
	}
	scan_all(scan, false);
	for (; scan_step(scan, 0); steps++) { /* one thing in each */
		tree_stamp(tree, steps + 2);
		tree_prune(tree, steps + 1);
	}
	cr_expect_gt(steps, 300);
	settle();
	expect_like_fresh();
}

Test(scan_live, a_full_scan_asked_for_again_and_again_comes_to_an_end_each_time)
{
	char path[64];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "one/%u", i);
		rig_text(path, "x");
	}
	scan_all(scan, false);
	for (unsigned i = 0; i < 2000; i++) {
		scan_step(scan, 0);
		scan_all(scan, false);
	}
	for (unsigned i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "%u", i);
		cr_expect(is_there(path), "%s", path);
	}
}

/* Some are asked for meanwhile, out of the middle of those that wait. */
Test(scan_live, of_many_that_wait_none_is_lost)
{
	enum {
		N = 600
	};
	ha_time last = 0;

	for (unsigned i = 0; i < N; i++) {
		char file[32];

		snprintf(file, sizeof(file), "one/f%03u", i);
		rig_write(file, "x", 1);
	}
	scan_all(scan, false);
	work();
	for (unsigned i = 0; i < N; i += 3) {
		char file[32];

		snprintf(file, sizeof(file), "f%03u", i);
		scan_name(scan, 0, file, strlen(file), SCAN_SETTLED);
	}
	for (ha_time due; (due = scan_deadline(scan)) != HA_NEVER; work()) {
		cr_assert_geq(due, last, "the first that is due is served first");
		last = due;
		usleep(1000);
	}
	cr_expect_eq(scan_unseen(scan), 0);
	for (unsigned i = 0; i < N; i++) {
		struct tree_stat known;
		char file[32];
		tree_id id;

		snprintf(file, sizeof(file), "f%03u", i);
		id = tree_find(tree, 0, file, strlen(file));
		cr_assert_neq(id, TREE_NONE);
		tree_stat_of(tree, id, &known);
		cr_expect_neq(known.ctime_ns, 0, "%s was looked at once more", file);
	}
}

/* ---- a file that takes long ---- */

static void make_long(const char *file, off_t more)
{
	int fd = openat(rig_fd, file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, (off_t)SCAN_LARGE + more), 0);
	close(fd);
	usleep(30000); /* else it waits for the tick to pass */
}

static bool knows(const char *path)
{
	tree_id id = tree_find(tree, 0, path, strlen(path));
	struct sync_entry e = {.type = SYNC_GONE};

	if (id != TREE_NONE)
		tree_get(tree, id, &e);
	return e.type != SYNC_GONE;
}

Test(scan_live, what_takes_long_keeps_nothing_else_waiting)
{
	scan_everything();
	make_long("one/long", 1);
	name("long");
	while (scan_step(scan, 0))
		;
	rig_text("one/small", "x");
	name("small");
	work();
	cr_expect(knows("small"));
	cr_expect_not(knows("long"));
	cr_expect_eq(scan_unseen(scan), 1);
	cr_expect_leq(scan_deadline(scan), loop_now(), "it goes on at once");
	settle();
	cr_expect(knows("long"));
	cr_expect_eq(scan_unseen(scan), 0);
}

Test(scan_live, what_takes_long_and_changes_meanwhile_is_read_again)
{
	struct sync_entry e;

	scan_everything();
	make_long("one/long", 1);
	make_long("one/other", 1);
	name("long");
	name("other");
	work();
	cr_expect_eq(scan_unseen(scan), 2, "one at a time");
	make_long("one/long", 3);
	name("long");
	settle();
	tree_get(tree, tree_find(tree, 0, "long", 4), &e);
	cr_expect_eq(e.size, SCAN_LARGE + 3);
	cr_expect(knows("other"));
}

Test(scan_live, what_takes_long_and_is_not_there_any_more_is_gone)
{
	scan_everything();
	rig_mkdir("one/d");
	make_long("one/d/long", 1);
	name("d");
	work();
	cr_expect_eq(scan_unseen(scan), 1);
	cr_assert_eq(renameat(rig_fd, "one/d", rig_fd, "outside/d"), 0);
	rig_mkdir("one/d");
	name("d");
	settle();
	cr_expect(knows("d"));
	cr_expect_not(knows("d/long"));
}

/* Who starts, or is asked for everything, has nothing to tell before it has been read. */
Test(scan_live, a_full_scan_ends_with_what_takes_long)
{
	make_long("one/long", 1);
	scan_everything();
	cr_expect(knows("long"));
}

/* The name by which it was written to went with its directory, before anybody had looked. */
Test(scan_live, the_other_names_of_a_file_are_looked_at_though_its_directory_has_gone)
{
	rig_mkdir("one/d");
	rig_text("one/x", "before");
	cr_assert_eq(linkat(rig_fd, "one/x", rig_fd, "one/d/y", 0), 0);
	usleep(30000);
	scan_everything();
	rig_text("one/d/y", "after!");
	scan_name(scan, 0, "d/y", 3, SCAN_MODIFIED);
	cr_assert_eq(unlinkat(rig_fd, "one/d/y", 0), 0);
	cr_assert_eq(unlinkat(rig_fd, "one/d", AT_REMOVEDIR), 0);
	name("d/y");
	name("d");
	settle();
	expect_content("x", "after!", 6);
}
