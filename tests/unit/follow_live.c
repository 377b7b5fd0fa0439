/* follow_live.c - what changes in a real tree is noticed as it happens: a tree that is followed is, once everything is quiet,
 * the same as one that is made anew.
 */
#include "agent/sync/follow.h"

#include <grp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "agent/loop.h"
#include "tests/unit/tree_rig.h"

static struct digest digest;
static struct roots roots;
static struct tree *tree;
static struct scan *scan;
static struct follow *follow;

static void on_found(void *arg, uint8_t root, const char *path, size_t len)
{
	(void)arg;
	follow_directory(follow, root, path, len);
}

static void setup(void)
{
	uint8_t key[HA_KEY_LEN] = {1};

	rig_make();
	roots_init(&roots);
	rig_add_root(&roots, "one");
	cr_assert_eq(roots_exclude(&roots, "*.local"), 0);
	cr_assert_eq(roots_open(&roots, false), 0);
	cr_assert_eq(digest_open(&digest, key), 0);
	cr_assert_eq(tree_open(&tree, &digest), 0);
	cr_assert_eq(scan_open(&scan, &roots, tree, &digest, on_found, NULL), 0);
	cr_assert_eq(follow_open(&follow, &roots, scan), 0);
}

static void teardown(void)
{
	follow_close(follow);
	scan_close(scan);
	tree_close(tree);
	digest_close(&digest);
	roots_close(&roots);
	rig_remove();
}

TestSuite(follow_live, .init = setup, .fini = teardown);

/* Events are there when the call that made them returns: no waiting for them, only for what the scan has put off. */
static void settle(void)
{
	for (;;) {
		ha_time due, left;

		while (follow_read(follow))
			;
		while (scan_step(scan, loop_now() + 10 * HA_MS))
			;
		if (follow_read(follow) || scan_busy(scan))
			continue;
		due = scan_deadline(scan);
		if (due == HA_NEVER)
			return;
		left = due - loop_now();
		if (left > 0)
			usleep((useconds_t)(left / HA_US + 1));
	}
}

static void begin(void)
{
	scan_all(scan, false);
	settle();
	tree_stamp(tree, 1);
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

/* Says of every entry that differs where and how. */
static void expect_like_fresh(void)
{
	uint8_t kept[HA_KEY_LEN], fresh[HA_KEY_LEN];
	struct sync_entry e, f;
	struct tree *other;
	struct scan *s;
	uint32_t cursor = 0;

	cr_assert_eq(tree_open(&other, &digest), 0);
	cr_assert_eq(scan_open(&s, &roots, other, &digest, NULL, NULL), 0);
	scan_all(s, false);
	while (scan_step(s, loop_now() + HA_SEC))
		;
	tree_digest(tree, kept);
	tree_digest(other, fresh);
	cr_expect_arr_eq(kept, fresh, sizeof(kept));
	for (tree_id id; (id = tree_next(other, &cursor)) != TREE_NONE;) {
		tree_get(other, id, &e);
		id = tree_find(tree, e.root, e.path, e.path_len);
		cr_expect_neq(id, TREE_NONE, "missed: %.*s", (int)e.path_len, e.path);
		if (id == TREE_NONE)
			continue;
		tree_get(tree, id, &f);
		cr_expect(e.type == f.type && e.mode == f.mode && e.mtime_ns == f.mtime_ns &&
				  e.size == f.size && memcmp(e.hash, f.hash, sizeof(e.hash)) == 0,
			  "%.*s: type %u %u mode %o %o mtime %ld %ld", (int)e.path_len, e.path,
			  e.type, f.type, e.mode, f.mode, e.mtime_ns, f.mtime_ns);
	}
	scan_close(s);
	tree_close(other);
}

Test(follow_live, what_is_written_made_removed_and_changed_is_noticed)
{
	begin();
	cr_expect_eq(follow_watches(follow), 1);
	cr_expect_not(follow_read(follow), "all is quiet");
	rig_text("one/x", "1");
	cr_expect(follow_read(follow));
	settle();
	cr_expect_eq(get("x").size, 1);
	rig_text("one/x", "22");
	settle();
	cr_expect_eq(get("x").size, 2);
	cr_assert_eq(fchmodat(rig_fd, "one/x", 0600, 0), 0);
	settle();
	cr_expect_eq(get("x").mode, 0600);
	rig_symlink("x", "one/link");
	settle();
	cr_expect(is_there("link"));
	rig_unlink("one/x");
	settle();
	cr_expect_not(is_there("x"));
	cr_assert_eq(fchmod(roots.root[0].fd, 0711), 0);
	settle();
	cr_expect_eq(get("").mode, 0711);
	expect_like_fresh();
}

/* Written through a descriptor that stays open: nothing but its events tells. */
Test(follow_live, a_write_through_an_open_descriptor_is_noticed)
{
	int fd;

	rig_text("one/x", "aaaa");
	begin();
	fd = openat(rig_fd, "one/x", O_WRONLY);
	for (unsigned i = 0; i < 20; i++) {
		char text[8];

		snprintf(text, sizeof(text), "%04u", i);
		cr_assert_eq(pwrite(fd, text, 4, 0), 4);
		settle();
		expect_like_fresh();
	}
	close(fd);
}

Test(follow_live, new_directories_are_followed_and_what_was_in_them_already_is_seen)
{
	begin();
	rig_mkdir("one/a");
	rig_mkdir("one/a/b");
	rig_text("one/a/b/early", "x");
	settle();
	cr_expect(is_there("a/b/early"));
	cr_expect_eq(follow_watches(follow), 3);
	rig_text("one/a/b/late", "x");
	settle();
	cr_expect(is_there("a/b/late"));
	expect_like_fresh();
}

Test(follow_live, watches_go_with_their_directories)
{
	rig_mkdir("one/a");
	rig_mkdir("one/a/b");
	begin();
	cr_expect_eq(follow_watches(follow), 3);
	rig_rmdir("one/a/b");
	settle();
	cr_expect_eq(follow_watches(follow), 2);
	rig_rename("one/a", "outside/a");
	settle();
	cr_expect_eq(follow_watches(follow), 1);
	expect_like_fresh();
}

Test(follow_live, a_renamed_directory_reports_under_its_new_name_only)
{
	rig_mkdir("one/a");
	rig_mkdir("one/a/b");
	rig_text("one/a/b/x", "x");
	begin();
	rig_rename("one/a", "one/z");
	settle();
	cr_expect(is_there("z/b/x"));
	cr_expect_not(is_there("a/b/x"));
	cr_expect_eq(follow_watches(follow), 3);
	rig_mkdir("one/a"); /* another one under the old name */
	settle();
	rig_text("one/z/b/y", "y");
	settle();
	cr_expect(is_there("z/b/y"));
	cr_expect_not(is_there("a/b"));
	expect_like_fresh();
}

Test(follow_live, a_directory_that_left_is_not_followed_any_more)
{
	rig_mkdir("one/a");
	begin();
	rig_rename("one/a", "outside/a");
	settle();
	rig_text("outside/a/x", "x");
	cr_expect_not(follow_read(follow));
	cr_expect_not(is_there("a"));
}

Test(follow_live, two_directories_that_change_places)
{
	rig_mkdir("one/a");
	rig_mkdir("one/b");
	rig_text("one/a/x", "x");
	rig_text("one/b/y", "y");
	begin();
	cr_assert_eq(renameat2(rig_fd, "one/a", rig_fd, "one/b", RENAME_EXCHANGE), 0);
	settle();
	cr_expect(is_there("a/y") && is_there("b/x"));
	cr_expect_not(is_there("a/x") || is_there("b/y"));
	rig_text("one/a/late", "x");
	settle();
	cr_expect(is_there("a/late"));
	expect_like_fresh();
}

Test(follow_live, what_is_excluded_wakes_nobody)
{
	begin();
	rig_text("one/host.local", "x");
	cr_expect_not(follow_read(follow));
	rig_mkdir("one/" ROOTS_STAGE);
	cr_expect_not(follow_read(follow));
	cr_expect_not(scan_busy(scan));
}

Test(follow_live, a_symlink_put_in_the_way_is_not_followed)
{
	rig_mkdir("one/a");
	rig_text("one/a/x", "x");
	begin();
	rig_rename("one/a", "outside/b");
	rig_symlink("../outside", "one/a");
	settle();
	cr_expect_eq(get("a").type, SYNC_SYMLINK);
	rig_text("outside/secret", "x");
	cr_expect_not(follow_read(follow));
	expect_like_fresh();
}

Test(follow_live, a_root_that_is_moved_or_removed_is_lost_with_nothing_taken_for_gone)
{
	rig_mkdir("one/a");
	rig_text("one/a/x", "x");
	begin();
	rig_rename("one", "elsewhere");
	settle();
	cr_expect_lt(roots.root[0].fd, 0);
	cr_expect(is_there("a/x"));
	cr_expect_eq(follow_watches(follow), 0);
	rig_text("elsewhere/y", "y");
	cr_expect_not(follow_read(follow));
	rig_rename("elsewhere", "one");
	cr_assert_eq(roots_open(&roots, false), 0);
	scan_all(scan, false);
	settle();
	cr_expect(is_there("y"), "opened anew it is followed again");
	rig_text("one/z", "z");
	settle();
	cr_expect(is_there("z"));
	rig_unlink("one/a/x");
	rig_rmdir("one/a");
	settle();
	rig_unlink("one/y");
	rig_unlink("one/z");
	rig_rmdir("one");
	settle();
	cr_expect_lt(roots.root[0].fd, 0);
}

/* The kernel queues 16,384 events unless it is told otherwise. */
Test(follow_live, events_that_were_lost_are_made_good_by_a_full_scan)
{
	rig_mkdir("one/a");
	rig_text("one/x", "x");
	rig_text("one/y", "y");
	begin();
	/* Alternately, since the kernel merges equal ones. */
	for (unsigned i = 0; i < 200000 && follow_overflows(follow) == 0; i++) {
		cr_assert_eq(fchmodat(rig_fd, "one/x", 0600 + i % 2, 0), 0);
		cr_assert_eq(fchmodat(rig_fd, "one/y", 0600 + i % 2, 0), 0);
		if (i % 10000 != 9999)
			continue;
		rig_text("one/a/lost", "x"); /* when the queue is full */
		rig_mkdir("one/a/new");
		follow_read(follow);
		if (follow_overflows(follow) == 0) {
			rig_unlink("one/a/lost");
			rig_rmdir("one/a/new");
		}
	}
	cr_assert_eq(follow_overflows(follow), 1);
	settle();
	cr_expect(is_there("a/lost"));
	rig_text("one/a/new/later", "x");
	settle();
	cr_expect(is_there("a/new/later"), "and directories that were missed are followed");
	expect_like_fresh();
}

/* ---- as another user ---- */

/* In a process of its own, as somebody who may not read the directory; true if it went well. */
static bool as_nobody(bool (*what)(void))
{
	int status;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		if (setgroups(0, NULL) != 0 || setresgid(65534, 65534, 65534) != 0 ||
		    setresuid(65534, 65534, 65534) != 0)
			_exit(2);
		_exit(what() ? 0 : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool watches_what_it_may(void)
{
	rig_fd = -1;
	scan_all(scan, false);
	settle();
	return follow_watches(follow) == 2 && follow_blind(follow) && is_there("open");
}

Test(follow_live, what_may_not_be_watched_makes_it_blind_and_the_rest_is_followed)
{
	if (geteuid() != 0)
		cr_skip_test("needs root, to be somebody else");
	rig_mkdir("one/open");
	rig_mkdir("one/shut");
	begin();
	cr_expect_not(follow_blind(follow));
	cr_expect_eq(follow_watches(follow), 3);
	rig_rename("one/shut", "outside/shut");
	settle();
	rig_rename("outside/shut", "one/shut");
	cr_assert_eq(fchmodat(rig_fd, "one/shut", 0, 0), 0);
	cr_assert_eq(fchmod(rig_fd, 0755), 0);
	cr_assert_eq(tree_put(tree,
			      &(struct sync_entry){
				      .type = SYNC_DIRECTORY, .path = "shut", .path_len = 4},
			      &(struct tree_stat){0}, NULL, 0, 1, NULL),
		     0);
	cr_expect(as_nobody(watches_what_it_may));
}

/* ---- everything at once ---- */

static uint32_t seed = 1;

static uint32_t dice(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

static void random_path(char *out, size_t cap)
{
	unsigned depth = 1 + dice(3);

	snprintf(out, cap, "one");
	for (unsigned i = 0; i < depth; i++) {
		size_t len = strlen(out);

		snprintf(out + len, cap - len, "/%c", 'a' + (char)dice(5));
	}
}

static void write_random(const char *path)
{
	static uint8_t bytes[2 * SYNC_BLOCK_LEN + 9];
	int fd = openat(rig_fd, path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0644);
	size_t len = dice(4) == 0 ? sizeof(bytes) : dice(20);

	if (fd < 0)
		return;
	bytes[dice(sizeof(bytes))]++;
	bytes[0]++;
	if (dice(2) == 0)
		cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(pwrite(fd, bytes, len, dice(3)), (ssize_t)len);
	close(fd);
}

static void remove_tree(const char *path)
{
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", rig_top, path);
	nftw(full, rig_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Some fail, as they do in life. */
static void random_operation(void)
{
	const struct timespec times[2] = {{dice(1000), 0}, {dice(1000), 0}};
	char path[64], other[64];

	random_path(path, sizeof(path));
	random_path(other, sizeof(other));
	switch (dice(12)) {
	case 0:
	case 1:
		(void)!mkdirat(rig_fd, path, 0755);
		break;
	case 2:
	case 3:
	case 4:
		write_random(path);
		break;
	case 5:
		(void)!symlinkat(other, rig_fd, path);
		break;
	case 6:
	case 7:
		(void)!renameat(rig_fd, path, rig_fd, other);
		break;
	case 8:
		(void)!renameat2(rig_fd, path, rig_fd, other, RENAME_EXCHANGE);
		break;
	case 9:
		(void)!unlinkat(rig_fd, path, dice(2) == 0 ? AT_REMOVEDIR : 0);
		break;
	case 10:
		if (dice(3) == 0)
			remove_tree(path);
		else
			(void)!linkat(rig_fd, path, rig_fd, other, 0);
		break;
	default:
		if (dice(2) == 0)
			(void)!fchmodat(rig_fd, path, 0700 + dice(64), AT_SYMLINK_NOFOLLOW);
		else
			(void)!utimensat(rig_fd, path, times, AT_SYMLINK_NOFOLLOW);
		break;
	}
}

static void random_life(uint32_t from)
{
	seed = from;
	begin();
	for (unsigned round = 0; round < 40; round++) {
		for (unsigned i = dice(60); i > 0; i--) {
			random_operation();
			if (dice(6) == 0) /* in the middle of it */
				follow_read(follow);
			for (unsigned steps = dice(6); steps > 0; steps--)
				scan_step(scan, 0);
			if (dice(20) == 0) {
				tree_stamp(tree, round + 2);
				tree_prune(tree, round + 1);
			}
			if (dice(100) == 0)
				scan_all(scan, false);
		}
		settle();
		expect_like_fresh();
	}
	cr_expect_eq(follow_overflows(follow), 0);
}

Test(follow_live, a_followed_tree_is_what_a_fresh_one_would_be_1)
{
	random_life(11);
}

Test(follow_live, a_followed_tree_is_what_a_fresh_one_would_be_2)
{
	random_life(222);
}

Test(follow_live, a_followed_tree_is_what_a_fresh_one_would_be_3)
{
	random_life(3333);
}
