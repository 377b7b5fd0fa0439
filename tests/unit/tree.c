/* The index: what is put is found again, numbered, summed and remembered when it is gone; on disk as in memory. */
#include "agent/sync/tree.h"

#include <sys/resource.h>

#include "agent/file.h"
#include "tests/unit/tree_rig.h"

static struct digest digest;
static struct tree *tree;
static const struct tree_stat no_stat;

static void setup(void)
{
	uint8_t key[HA_KEY_LEN] = {9};

	rig_make();
	cr_assert_eq(digest_open(&digest, key), 0);
	cr_assert_eq(tree_open(&tree, &digest), 0);
}

static void teardown(void)
{
	tree_close(tree);
	digest_close(&digest);
	rig_remove();
}

TestSuite(tree, .init = setup, .fini = teardown);

static struct sync_entry entry(uint8_t type, const char *path)
{
	struct sync_entry e = {.type = type, .path = path, .path_len = (uint16_t)strlen(path)};

	if (type == SYNC_SYMLINK) {
		e.target = "../target";
		e.target_len = 9;
	} else if (type != SYNC_GONE) {
		e.mode = type == SYNC_FILE ? 0644 : 0755;
	}
	if (type != SYNC_GONE) {
		e.uid = 1;
		e.gid = 2;
		e.mtime_ns = 1700000000000000001;
	}
	if (type == SYNC_FILE) {
		e.size = 3;
		memset(e.hash, 0x5a, sizeof(e.hash));
	}
	return e;
}

static bool put_entry(const struct sync_entry *e, uint64_t number)
{
	bool changed;

	cr_assert_eq(tree_put(tree, e, &no_stat, NULL, 0, number, &changed), 0, "%.*s",
		     (int)e->path_len, e->path);
	return changed;
}

static bool put(uint8_t type, const char *path, uint64_t number)
{
	struct sync_entry e = entry(type, path);

	return put_entry(&e, number);
}

static tree_id find(const char *path)
{
	return tree_find(tree, 0, path, strlen(path));
}

static uint8_t type_of(const char *path)
{
	struct sync_entry e;

	cr_assert_neq(find(path), TREE_NONE, "%s", path);
	tree_get(tree, find(path), &e);
	return e.type;
}

/* A small tree: generation 1. */
static void plant(void)
{
	put(SYNC_DIRECTORY, "", 1);
	put(SYNC_DIRECTORY, "net", 1);
	put(SYNC_FILE, "net/eth0", 1);
	put(SYNC_DIRECTORY, "net/more", 1);
	put(SYNC_SYMLINK, "net/more/link", 1);
	put(SYNC_FILE, "top", 1);
}

/* The digest as whoever knows the entries only would make it. */
static void expect_digest_of_entries(const struct tree *t)
{
	uint8_t kept[HA_KEY_LEN], fresh[HA_KEY_LEN];
	struct digest_sum sum = {{0}};
	uint64_t entries = 0, bytes = 0, gone = 0, pending = 0;
	struct tree_totals totals;
	struct sync_entry e;
	uint32_t cursor = 0;

	for (tree_id id; (id = tree_next(t, &cursor)) != TREE_NONE;) {
		tree_get(t, id, &e);
		digest_add(&digest, &sum, &e);
		entries += e.type != SYNC_GONE;
		gone += e.type == SYNC_GONE;
		bytes += e.size;
		pending += tree_number(t, id) == TREE_PENDING;
		cr_assert_eq(tree_find(t, e.root, e.path, e.path_len), id);
	}
	tree_digest(t, kept);
	digest_sum_bytes(&sum, fresh);
	cr_expect_arr_eq(kept, fresh, sizeof(kept));
	tree_totals(t, &totals);
	cr_expect_eq(totals.entries, entries);
	cr_expect_eq(totals.tombstones, gone);
	cr_expect_eq(totals.bytes, bytes);
	cr_expect_eq(tree_pending(t), pending);
}

Test(tree, an_empty_one_has_nothing)
{
	uint8_t sum[HA_KEY_LEN], zeros[HA_KEY_LEN] = {0};
	uint32_t cursor = 0;

	cr_expect_eq(find(""), TREE_NONE);
	cr_expect_eq(find("x/y"), TREE_NONE);
	cr_expect_eq(tree_next(tree, &cursor), TREE_NONE);
	tree_digest(tree, sum);
	cr_expect_arr_eq(sum, zeros, sizeof(sum));
	cr_expect_eq(tree_floor(tree), TREE_PENDING);
	tree_prune(tree, 3);
	tree_stamp(tree, 4);
	cr_expect_eq(tree_floor(tree), 4);
}

Test(tree, an_entry_comes_back_as_it_was_put)
{
	static const uint8_t xattr[] = "\6user.a\0\3\1\2\3\6user.b\0\0";
	struct tree_stat stat = {.inode = UINT64_MAX, .ctime_ns = INT64_MIN}, stat_out;
	struct sync_entry e = entry(SYNC_FILE, "net/\xff\n"), out;
	digest_tag tags[3], one;
	const digest_tag *kept;
	size_t n;

	plant();
	e.mode = 07777;
	e.uid = UINT32_MAX - 1;
	e.gid = 0;
	e.mtime_ns = -1;
	e.size = 2 * SYNC_BLOCK_LEN + 1;
	e.xattr = xattr;
	e.xattr_len = sizeof(xattr) - 1;
	memset(tags, 0x77, sizeof(tags));
	cr_assert_eq(tree_put(tree, &e, &stat, tags, 3, 5, NULL), 0);
	tree_get(tree, find(e.path), &out);
	cr_expect(out.type == e.type && out.root == 0 && out.mode == e.mode);
	cr_expect(out.uid == e.uid && out.gid == e.gid && out.mtime_ns == e.mtime_ns);
	cr_expect_eq(out.size, e.size);
	cr_expect_arr_eq(out.hash, e.hash, sizeof(e.hash));
	cr_assert_eq(out.path_len, e.path_len);
	cr_expect_arr_eq(out.path, e.path, e.path_len);
	cr_assert_eq(out.xattr_len, e.xattr_len);
	cr_expect_arr_eq(out.xattr, xattr, e.xattr_len);
	cr_expect_eq(tree_number(tree, find(e.path)), 5);
	tree_stat_of(tree, find(e.path), &stat_out);
	cr_expect(stat_out.inode == stat.inode && stat_out.ctime_ns == stat.ctime_ns);
	kept = tree_tags(tree, find(e.path), &n);
	cr_assert_eq(n, 3);
	cr_expect_arr_eq(kept, tags, sizeof(tags));
	tree_get(tree, find("net/more/link"), &out);
	cr_assert_eq(out.target_len, 9);
	cr_expect_arr_eq(out.target, "../target", 9);
	memset(one, 1, sizeof(one));
	e.size = SYNC_BLOCK_LEN;
	cr_assert_eq(tree_put(tree, &e, &stat, &one, 1, 6, NULL), 0);
	cr_expect_eq(tree_tags(tree, find(e.path), &n), NULL, "one block needs none");
	expect_digest_of_entries(tree);
}

Test(tree, the_same_again_changes_nothing_but_the_status)
{
	struct tree_stat stat = {.inode = 7, .ctime_ns = 8}, out;
	struct sync_entry e = entry(SYNC_FILE, "top");
	bool changed = true;

	plant();
	cr_assert_eq(tree_put(tree, &e, &stat, NULL, 0, TREE_PENDING, &changed), 0);
	cr_expect_not(changed);
	cr_expect_eq(tree_number(tree, find("top")), 1);
	tree_stat_of(tree, find("top"), &out);
	cr_expect(out.inode == 7 && out.ctime_ns == 8);
	cr_expect_not(put(SYNC_DIRECTORY, "net", 9));
	cr_expect_not(put(SYNC_SYMLINK, "net/more/link", 9));
	cr_expect_eq(tree_pending(tree), 0);
}

Test(tree, tags_that_were_not_known_are_learned_without_a_change)
{
	struct sync_entry e = entry(SYNC_FILE, "top");
	digest_tag tags[2] = {{1}, {2}};
	bool changed = true;
	size_t n;

	plant();
	e.size = SYNC_BLOCK_LEN + 1;
	put_entry(&e, 2);
	cr_expect_eq(tree_tags(tree, find("top"), &n), NULL);
	cr_assert_eq(tree_put(tree, &e, &no_stat, tags, 2, 3, &changed), 0);
	cr_expect_not(changed);
	cr_expect_eq(tree_number(tree, find("top")), 2);
	cr_expect_arr_eq(tree_tags(tree, find("top"), &n), tags, sizeof(tags));
	expect_digest_of_entries(tree);
}

Test(tree, each_difference_is_a_change)
{
	struct sync_entry base = entry(SYNC_FILE, "top"), link = entry(SYNC_SYMLINK, "link");

	plant();
	put(SYNC_SYMLINK, "link", 1);
#define CHANGES(e, assignment)                                                                     \
	do {                                                                                       \
		struct sync_entry other = e;                                                       \
		other.assignment;                                                                  \
		cr_expect(put_entry(&other, 2), #assignment);                                      \
		cr_expect(put_entry(&e, 2), "and back: " #assignment);                             \
	} while (0)
	CHANGES(base, mode = 0600);
	CHANGES(base, uid = 9);
	CHANGES(base, gid = 9);
	CHANGES(base, mtime_ns += 1);
	CHANGES(base, size = 4);
	CHANGES(base, hash[15] = 0);
	CHANGES(link, target = "../tarGet");
	CHANGES(link, target_len = 8);
#undef CHANGES
	base.xattr = (const uint8_t *)"\6user.a\0\1x";
	base.xattr_len = 10;
	cr_expect(put_entry(&base, 2));
	base.xattr = (const uint8_t *)"\6user.a\0\1y";
	cr_expect(put_entry(&base, 2));
	cr_expect(put(SYNC_SYMLINK, "top", 2), "type");
	expect_digest_of_entries(tree);
}

Test(tree, an_entry_of_the_tree_s_own_may_be_changed_and_put)
{
	char name[64];
	struct sync_entry e;

	plant();
	for (unsigned i = 0; i < 5000; i++) { /* so that the arena moves */
		tree_get(tree, find("net/more/link"), &e);
		e.mtime_ns = i;
		cr_assert(put_entry(&e, 2));
		snprintf(name, sizeof(name), "net/more/a-name-of-some-length-%u", i);
		put(SYNC_FILE, name, 2);
	}
	tree_get(tree, find("net/more/link"), &e);
	cr_assert_eq(e.target_len, 9);
	cr_expect_arr_eq(e.target, "../target", 9);
	expect_digest_of_entries(tree);
}

Test(tree, what_has_no_directory_to_be_in_is_refused)
{
	struct sync_entry e;

	e = entry(SYNC_DIRECTORY, "a");
	cr_expect_eq(tree_put(tree, &e, &no_stat, NULL, 0, 1, NULL), -EINVAL, "no root yet");
	plant();
	e = entry(SYNC_FILE, "none/x");
	cr_expect_eq(tree_put(tree, &e, &no_stat, NULL, 0, 1, NULL), -EINVAL);
	e = entry(SYNC_FILE, "top/x");
	cr_expect_eq(tree_put(tree, &e, &no_stat, NULL, 0, 1, NULL), -EINVAL, "below a file");
	put(SYNC_GONE, "net", 2);
	e = entry(SYNC_FILE, "net/eth0");
	cr_expect_eq(tree_put(tree, &e, &no_stat, NULL, 0, 1, NULL), -EINVAL, "below what is gone");
	e = entry(SYNC_FILE, "");
	cr_expect_eq(tree_put(tree, &e, &no_stat, NULL, 0, 1, NULL), -EINVAL);
	e = entry(SYNC_GONE, "");
	cr_expect_eq(tree_put(tree, &e, &no_stat, NULL, 0, 1, NULL), -EINVAL);
	e = entry(SYNC_FILE, "a/../b");
	cr_expect_eq(tree_put(tree, &e, &no_stat, NULL, 0, 1, NULL), -EINVAL);
	e = entry(SYNC_DIRECTORY, "");
	e.root = SYNC_ROOTS_MAX;
	cr_expect_eq(tree_put(tree, &e, &no_stat, NULL, 0, 1, NULL), -EINVAL);
	expect_digest_of_entries(tree);
}

Test(tree, roots_are_apart)
{
	struct sync_entry e = entry(SYNC_DIRECTORY, ""), out;
	uint32_t cursor = 0;
	unsigned n = 0;

	plant();
	e.root = 15;
	put_entry(&e, 1);
	e = entry(SYNC_FILE, "net");
	e.root = 15;
	put_entry(&e, 1);
	cr_expect_eq(type_of("net"), SYNC_DIRECTORY);
	tree_get(tree, tree_find(tree, 15, "net", 3), &out);
	cr_expect(out.type == SYNC_FILE && out.root == 15 && out.path_len == 3);
	while (tree_next(tree, &cursor) != TREE_NONE)
		n++;
	cr_expect_eq(n, 8);
	expect_digest_of_entries(tree);
}

Test(tree, a_directory_that_goes_takes_along_what_is_below)
{
	struct tree_totals totals;

	plant();
	cr_expect(put(SYNC_GONE, "net", 7));
	cr_expect_eq(type_of("net"), SYNC_GONE);
	cr_expect_eq(type_of("net/eth0"), SYNC_GONE);
	cr_expect_eq(type_of("net/more/link"), SYNC_GONE);
	cr_expect_eq(tree_number(tree, find("net/more/link")), 7);
	tree_totals(tree, &totals);
	cr_expect_eq(totals.entries, 2);
	cr_expect_eq(totals.tombstones, 4);
	cr_expect_eq(totals.bytes, 3);
	cr_expect_not(put(SYNC_GONE, "net", 8), "it is gone already");
	cr_expect_eq(tree_number(tree, find("net")), 7);
	expect_digest_of_entries(tree);
}

Test(tree, so_does_what_takes_a_directory_s_place)
{
	plant();
	cr_expect(put(SYNC_FILE, "net", 7));
	cr_expect_eq(type_of("net/eth0"), SYNC_GONE);
	cr_expect_eq(tree_number(tree, find("net/more/link")), 7);
	expect_digest_of_entries(tree);
	put(SYNC_DIRECTORY, "net", 8); /* whoever knows generation 6 still has to hear of eth0 */
	cr_expect_eq(type_of("net/eth0"), SYNC_GONE);
	cr_expect_eq(tree_number(tree, find("net/eth0")), 7);
	cr_expect(put(SYNC_FILE, "net/eth0", 9));
	expect_digest_of_entries(tree);
}

Test(tree, what_came_and_went_unseen_leaves_no_trace_but_what_a_generation_had_does)
{
	plant();
	cr_expect_not(put(SYNC_GONE, "brief", TREE_PENDING));
	cr_expect_eq(find("brief"), TREE_NONE);
	cr_expect_not(put(SYNC_GONE, "known elsewhere", 4));
	cr_expect_eq(type_of("known elsewhere"), SYNC_GONE);
	cr_expect_eq(tree_number(tree, find("known elsewhere")), 4);
	cr_expect_not(put(SYNC_GONE, "nowhere/x", 4));
	cr_expect_eq(find("nowhere/x"), TREE_NONE);
	expect_digest_of_entries(tree);
}

Test(tree, pending_entries_become_those_of_a_generation)
{
	plant();
	put(SYNC_FILE, "new", TREE_PENDING);
	put(SYNC_GONE, "top", TREE_PENDING);
	cr_expect_eq(tree_pending(tree), 2);
	cr_expect_eq(tree_number(tree, find("top")), TREE_PENDING);
	put(SYNC_GONE, "new", TREE_PENDING);
	cr_expect_eq(tree_pending(tree), 2);
	tree_stamp(tree, 2);
	cr_expect_eq(tree_pending(tree), 0);
	cr_expect_eq(tree_number(tree, find("top")), 2);
	cr_expect_eq(tree_number(tree, find("net")), 1);
	cr_expect_eq(tree_floor(tree), 2, "what was before the first stamp is not known");
	tree_stamp(tree, 3);
	cr_expect_eq(tree_floor(tree), 2);
}

Test(tree, tombstones_are_forgotten_up_to_a_generation)
{
	plant();
	tree_stamp(tree, 1);
	put(SYNC_GONE, "net/eth0", 2);
	put(SYNC_GONE, "top", 3);
	put(SYNC_FILE, "brief", TREE_PENDING);
	put(SYNC_GONE, "brief", TREE_PENDING);
	tree_prune(tree, 1);
	cr_expect_eq(type_of("net/eth0"), SYNC_GONE);
	tree_prune(tree, 2);
	cr_expect_eq(find("net/eth0"), TREE_NONE);
	cr_expect_eq(type_of("top"), SYNC_GONE);
	cr_expect_eq(tree_floor(tree), 2);
	expect_digest_of_entries(tree);
	tree_prune(tree, 3);
	cr_expect_eq(find("top"), TREE_NONE);
	cr_expect_eq(type_of("brief"), SYNC_GONE, "no generation has it yet");
	tree_stamp(tree, 4);
	tree_prune(tree, 4);
	cr_expect_eq(find("brief"), TREE_NONE);
	put(SYNC_FILE, "top", 5);
	cr_expect_eq(type_of("top"), SYNC_FILE);
	cr_expect_eq(type_of("net/more/link"), SYNC_SYMLINK);
	tree_prune(tree, 2);
	cr_expect_eq(tree_floor(tree), 4, "it does not sink");
	expect_digest_of_entries(tree);
}

Test(tree, a_tombstone_above_a_newer_one_stays)
{
	plant();
	put(SYNC_GONE, "net", 2);
	put(SYNC_DIRECTORY, "net", 3);
	put(SYNC_FILE, "net/late", 3);
	put(SYNC_GONE, "net/late", 9);
	put(SYNC_GONE, "net", 4); /* lower than what is below it */
	tree_prune(tree, 5);
	cr_expect_eq(type_of("net"), SYNC_GONE);
	cr_expect_eq(type_of("net/late"), SYNC_GONE);
	cr_expect_eq(find("net/eth0"), TREE_NONE);
	tree_prune(tree, 9);
	cr_expect_eq(find("net"), TREE_NONE);
	expect_digest_of_entries(tree);
}

Test(tree, children_are_those_that_are_there)
{
	unsigned files = 0, others = 0;
	struct sync_entry e;

	plant();
	put(SYNC_FILE, "net/eth1", 1);
	put(SYNC_GONE, "net/eth0", 1);
	for (tree_id c = TREE_NONE; (c = tree_child(tree, find("net"), c)) != TREE_NONE;) {
		tree_get(tree, c, &e);
		files += e.path_len == 8 && memcmp(e.path, "net/eth1", 8) == 0;
		others += e.path_len == 8 && memcmp(e.path, "net/more", 8) == 0;
	}
	cr_expect(files == 1 && others == 1);
	cr_expect_eq(tree_child(tree, find("top"), TREE_NONE), TREE_NONE);
	cr_expect_eq(tree_find_child(tree, find("net"), "eth1", 4), find("net/eth1"));
	cr_expect_eq(tree_find_child(tree, find("net"), "eth", 3), TREE_NONE);
}

Test(tree, a_walk_survives_whatever_happens_meanwhile)
{
	char name[32];
	uint32_t cursor = 0;
	unsigned stable = 0;
	struct sync_entry e;

	plant();
	put(SYNC_DIRECTORY, "z", 1);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "%s%u", i % 3 == 0 ? "z/stays" : "z/goes", i);
		put(SYNC_FILE, name, 1);
	}
	tree_stamp(tree, 1);
	for (tree_id id; (id = tree_next(tree, &cursor)) != TREE_NONE;) {
		tree_get(tree, id, &e);
		if (e.path_len > 7 && memcmp(e.path, "z/stays", 7) == 0)
			stable++;
		if (stable == 20) { /* also what the walk stands on */
			for (unsigned i = 0; i < 300; i++) {
				snprintf(name, sizeof(name), "z/goes%u", i);
				if (i % 3 != 0)
					put(SYNC_GONE, name, 2);
			}
			tree_prune(tree, 2);
		}
		if (stable == 40)
			put(SYNC_FILE, "z/new", 3);
	}
	cr_expect_eq(stable, 100);
	expect_digest_of_entries(tree);
	tree_clear(tree);
	cr_expect_eq(tree_next(tree, &cursor), TREE_NONE);
}

/* ---- many, at random ---- */

static uint32_t seed = 1;

static uint32_t dice(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

/* One of some hundred paths: names repeat in other directories. */
static void random_path(char *out, size_t cap)
{
	unsigned depth = 1 + dice(4);

	out[0] = 0;
	for (unsigned i = 0; i < depth; i++) {
		size_t len = strlen(out);

		snprintf(out + len, cap - len, "%s%c%.*s", i > 0 ? "/" : "", 'a' + (char)dice(5),
			 (int)dice(2), "long enough to fill the arena at times");
	}
}

static void random_change(uint64_t number)
{
	static const uint8_t *const xattr[] = {(const uint8_t *)"\6user.a\0\1x",
					       (const uint8_t *)"\6user.b\0\1x"};
	struct sync_entry e;
	digest_tag tags[2];
	char path[256];

	random_path(path, sizeof(path));
	e = entry((uint8_t)dice(SYNC_ENTRY_TYPE_N), path);
	if (e.type == SYNC_FILE && dice(2) == 0)
		e.size = 2 * SYNC_BLOCK_LEN;
	if (e.type != SYNC_GONE)
		e.uid = dice(3);
	if ((e.type == SYNC_FILE || e.type == SYNC_DIRECTORY) && dice(3) == 0) {
		e.xattr = xattr[dice(2)];
		e.xattr_len = 10;
	}
	memset(tags, (int)dice(256), sizeof(tags));
	(void)tree_put(tree, &e, &no_stat, tags, 2, number, NULL); /* or no parent */
}

Test(tree, a_hundred_thousand_changes_keep_sum_and_counts)
{
	struct sync_entry e = entry(SYNC_DIRECTORY, "");
	struct tree_totals totals;

	put_entry(&e, 1);
	for (unsigned i = 0; i < 100000; i++) {
		random_change(i / 100 + (dice(10) == 0 ? 1 : 0));
		if (dice(1000) == 0)
			tree_prune(tree, i / 100 - dice(3) % (i / 100 + 1));
		if (i % 10000 == 0)
			expect_digest_of_entries(tree);
	}
	expect_digest_of_entries(tree);
	tree_totals(tree, &totals);
	/* Room for the some 780 names that there can be, and their tags: not for all that have been. */
	cr_expect_lt(totals.memory, 1000000);
}

Test(tree, names_that_come_and_go_take_no_more_and_more_memory)
{
	struct sync_entry root = entry(SYNC_DIRECTORY, "");
	struct tree_totals first, last;
	char name[200];

	put_entry(&root, 1);
	for (unsigned round = 0; round < 60; round++) {
		for (unsigned i = 0; i < 1000; i++) {
			snprintf(name, sizeof(name), "%0100u-%u", round, i);
			put(i % 2 == 0 ? SYNC_FILE : SYNC_SYMLINK, name, round);
		}
		for (unsigned i = 0; i < 1000; i++) {
			snprintf(name, sizeof(name), "%0100u-%u", round, i);
			put(SYNC_GONE, name, round);
		}
		tree_prune(tree, round);
		if (round == 9)
			tree_totals(tree, &first);
	}
	tree_totals(tree, &last);
	cr_expect_leq(last.memory, first.memory + first.memory / 4);
	expect_digest_of_entries(tree);
}

/* What the header promises, with names of 16 bytes each and some room to grow. */
Test(tree, an_entry_takes_a_hundred_bytes)
{
	struct sync_entry e = entry(SYNC_DIRECTORY, "");
	struct tree_totals totals;
	char name[64];

	put_entry(&e, 1);
	for (unsigned i = 0; i < 50000; i++) {
		if (i % 50 == 0) {
			snprintf(name, sizeof(name), "directory-%05u", i / 50);
			put(SYNC_DIRECTORY, name, 1);
		}
		snprintf(name, sizeof(name), "directory-%05u/name-%06u.conf", i / 50, i);
		put(SYNC_FILE, name, 1);
	}
	tree_totals(tree, &totals);
	cr_expect_leq(totals.memory / totals.entries, 105, "%lu",
		      (unsigned long)(totals.memory / totals.entries));
}

#ifndef __SANITIZE_ADDRESS__
Test(tree, without_memory_it_says_so_and_stays_as_it_was)
{
	struct sync_entry e = entry(SYNC_DIRECTORY, "");
	struct rlimit limit, most;
	digest_tag *tags = calloc(4096, sizeof(*tags));
	char name[64];
	unsigned made = 0;
	int error = 0;

	put_entry(&e, 1);
	cr_assert_eq(getrlimit(RLIMIT_AS, &most), 0);
	limit = most;
	limit.rlim_cur = 512u << 20;
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
	while (error == 0) {
		snprintf(name, sizeof(name), "%u", made++);
		e = entry(SYNC_FILE, name);
		e.size = 4096ul * SYNC_BLOCK_LEN;
		error = tree_put(tree, &e, &no_stat, tags, 4096, 1, NULL);
	}
	cr_expect_eq(error, -ENOMEM);
	cr_assert_eq(setrlimit(RLIMIT_AS, &most), 0);
	cr_expect_eq(type_of("0"), SYNC_FILE);
	expect_digest_of_entries(tree);
	cr_expect_eq(tree_put(tree, &e, &no_stat, tags, 4096, 1, NULL), 0);
	expect_digest_of_entries(tree);
	free(tags);
}
#endif

/* ---- on disk ---- */

static const uint8_t roots[SYNC_HASH_LEN] = "these roots";
static struct lineage head = {.n = 2, .point = {{1, 4}, {7, 9}}, .digest = {3}};

/* Tree with something of everything. */
static void plant_all(void)
{
	struct sync_entry e;
	struct tree_stat stat = {.inode = 77, .ctime_ns = -78};
	digest_tag tags[2] = {{1}, {2}};

	plant();
	tree_stamp(tree, 1);
	e = entry(SYNC_FILE, "net/big");
	e.size = SYNC_BLOCK_LEN + 1;
	e.xattr = (const uint8_t *)"\6user.a\0\1x";
	e.xattr_len = 10;
	cr_assert_eq(tree_put(tree, &e, &stat, tags, 2, 3, NULL), 0);
	put(SYNC_GONE, "net/more", 4);
	put(SYNC_FILE, "new", TREE_PENDING);
	put(SYNC_GONE, "top", TREE_PENDING);
	e = entry(SYNC_DIRECTORY, "");
	e.root = 3;
	put_entry(&e, 5);
	tree_prune(tree, 2);
}

static void expect_same(const struct tree *a, const struct tree *b)
{
	uint8_t digest_a[HA_KEY_LEN], digest_b[HA_KEY_LEN];
	struct tree_totals totals_a, totals_b;
	uint32_t cursor = 0;

	for (tree_id id, other; (id = tree_next(a, &cursor)) != TREE_NONE;) {
		struct sync_entry e, f;
		struct tree_stat s, t;
		const digest_tag *tags, *tags_b;
		size_t n, m;

		tree_get(a, id, &e);
		other = tree_find(b, e.root, e.path, e.path_len);
		cr_assert_neq(other, TREE_NONE, "%.*s", (int)e.path_len, e.path);
		tree_get(b, other, &f);
		cr_expect_eq(e.type, f.type);
		cr_expect_eq(tree_number(a, id), tree_number(b, other));
		tree_stat_of(a, id, &s);
		tree_stat_of(b, other, &t);
		cr_expect(s.inode == t.inode && s.ctime_ns == t.ctime_ns);
		tags = tree_tags(a, id, &n);
		tags_b = tree_tags(b, other, &m);
		cr_assert_eq(n, m);
		if (n > 0)
			cr_expect_arr_eq(tags, tags_b, n * sizeof(*tags));
	}
	tree_totals(a, &totals_a);
	tree_totals(b, &totals_b);
	cr_expect_eq(totals_a.entries, totals_b.entries);
	cr_expect_eq(totals_a.tombstones, totals_b.tombstones);
	cr_expect_eq(totals_a.bytes, totals_b.bytes);
	cr_expect_eq(tree_pending(a), tree_pending(b));
	cr_expect_eq(tree_floor(a), tree_floor(b));
	tree_digest(a, digest_a);
	tree_digest(b, digest_b);
	cr_expect_arr_eq(digest_a, digest_b, sizeof(digest_a));
}

static int save(const char *name, const struct lineage *lineage)
{
	int fd = tree_save_begin(tree, rig_fd, name, lineage, roots);

	return fd < 0 ? fd : tree_save_end(fd, rig_fd, name);
}

static int load(struct tree *t, struct lineage *out)
{
	return tree_load(t, rig_fd, "index", out, roots);
}

Test(tree, it_comes_back_from_disk_as_it_was)
{
	struct lineage out;
	struct tree *other;

	plant_all();
	cr_assert_eq(tree_open(&other, &digest), 0);
	cr_expect_eq(load(other, &out), -ENOENT);
	cr_assert_eq(save("index", &head), 0);
	cr_expect_neq(faccessat(rig_fd, "index.new", F_OK, 0), 0);
	cr_assert_eq(load(other, &out), 0);
	cr_expect_eq(out.n, 2);
	cr_expect(out.point[1].term == 7 && out.point[1].number == 9 && out.digest[0] == 3);
	expect_same(tree, other);
	expect_digest_of_entries(other);
	tree_prune(other, 4);
	cr_expect_eq(tree_find(other, 0, "net/more", 8), TREE_NONE, "it goes on from there");
	cr_assert_eq(load(other, &out), 0, "and again, in place of what was there");
	expect_same(tree, other);
	tree_close(other);
}

Test(tree, an_empty_one_comes_back_too)
{
	struct lineage none = {.n = 0}, out = {.n = 5};

	cr_assert_eq(save("index", &none), 0);
	cr_assert_eq(load(tree, &out), 0);
	cr_expect_eq(out.n, 0);
	cr_expect_eq(tree_floor(tree), TREE_PENDING);
}

Test(tree, a_large_one_with_many_tags_comes_back)
{
	struct sync_entry e;
	size_t n = 3 * 65536 + 5; /* more than fits into what is written at once */
	digest_tag *tags = calloc(n, sizeof(*tags));
	struct tree *other;
	struct lineage out;
	char name[64];

	plant();
	for (unsigned i = 0; i < 30000; i++) {
		snprintf(name, sizeof(name), "net/%u", i);
		put(i % 3 == 0 ? SYNC_DIRECTORY : SYNC_FILE, name, i);
	}
	for (size_t i = 0; i < n; i++)
		memcpy(tags[i], &i, sizeof(i));
	e = entry(SYNC_FILE, "net/huge");
	e.size = n * SYNC_BLOCK_LEN;
	cr_assert_eq(tree_put(tree, &e, &no_stat, tags, n, 1, NULL), 0);
	free(tags);
	cr_assert_eq(save("index", &head), 0);
	cr_assert_eq(tree_open(&other, &digest), 0);
	cr_assert_eq(load(other, &out), 0);
	expect_same(tree, other);
	tree_close(other);
}

Test(tree, one_of_other_roots_or_another_key_is_none)
{
	static const uint8_t others[SYNC_HASH_LEN] = "other roots";
	uint8_t key[HA_KEY_LEN] = {8};
	struct lineage out = {.n = 5};
	struct digest stranger;
	struct tree *other;

	plant_all();
	cr_assert_eq(save("index", &head), 0);
	cr_assert_eq(digest_open(&stranger, key), 0);
	cr_assert_eq(tree_open(&other, &stranger), 0);
	cr_expect_eq(load(other, &out), -EBADMSG);
	cr_expect_eq(tree_load(tree, rig_fd, "index", &out, others), -EBADMSG);
	cr_expect_eq(out.n, 5);
	cr_expect_eq(find(""), TREE_NONE, "nothing is left of either");
	tree_close(other);
	digest_close(&stranger);
}

static uint8_t file[4096];
static size_t file_len;

static void slurp(void)
{
	cr_assert_eq(file_read(rig_fd, "index", file, sizeof(file), &file_len), 0);
}

Test(tree, one_torn_or_with_a_bit_flipped_is_none)
{
	struct lineage out;

	plant_all();
	cr_assert_eq(save("index", &head), 0);
	slurp();
	for (size_t torn = 0; torn < file_len; torn++) {
		rig_write("index", file, torn);
		cr_expect_eq(load(tree, &out), -EBADMSG, "at %zu", torn);
	}
	for (size_t i = 0; i < file_len; i++) {
		file[i] ^= 0x40;
		rig_write("index", file, file_len);
		cr_expect_eq(load(tree, &out), -EBADMSG, "byte %zu", i);
		file[i] ^= 0x40;
	}
	rig_write("index", file, file_len);
	cr_expect_eq(load(tree, &out), 0);
}

/* With a good checksum: nothing that it says is taken for granted. Whatever is still accepted is a tree that can be walked, and
 * saved again. */
Test(tree, one_that_lies_under_a_good_checksum_harms_nobody)
{
	struct lineage out;
	unsigned accepted = 0;

	plant_all();
	cr_assert_eq(save("index", &head), 0);
	slurp();
	for (unsigned round = 0; round < 8; round++) {
		for (size_t i = 0; i < file_len - 32; i++) {
			uint8_t was = file[i];
			static const uint8_t value[] = {0, 1, 2, 3, 0x7f, 0x80, 0xff, '/'};
			uint32_t cursor = 0;
			struct sync_entry e;

			file[i] = value[round];
			crypto_generichash(file + file_len - 32, 32, file, file_len - 32, NULL, 0);
			rig_write("index", file, file_len);
			file[i] = was;
			if (load(tree, &out) != 0) {
				cr_expect_eq(find(""), TREE_NONE);
				continue;
			}
			accepted++;
			cr_expect(lineage_valid(&out), "byte %zu", i);
			for (tree_id id; (id = tree_next(tree, &cursor)) != TREE_NONE;)
				tree_get(tree, id, &e);
			cr_expect_eq(save("index", &out), 0);
		}
	}
	cr_expect_gt(accepted, 0);
}

Test(tree, one_cut_short_under_a_good_checksum_is_none)
{
	struct lineage out;

	plant_all();
	cr_assert_eq(save("index", &head), 0);
	slurp();
	for (size_t len = 0; len < file_len - 32; len++) {
		uint8_t cut[4096];

		memcpy(cut, file, len);
		crypto_generichash(cut + len, 32, cut, len, NULL, 0);
		rig_write("index", cut, len + 32);
		cr_expect_eq(load(tree, &out), -EBADMSG, "at %zu", len);
	}
}

Test(tree, what_is_no_file_is_none_and_what_cannot_be_written_says_so)
{
	struct lineage out;

	rig_mkdir("index");
	cr_expect_eq(load(tree, &out), -EBADMSG);
	cr_expect_eq(save("index", &head), -EISDIR);
	cr_expect_neq(faccessat(rig_fd, "index.new", F_OK, 0), 0, "nothing is left behind");
	rig_symlink("elsewhere", "link");
	cr_expect_eq(tree_load(tree, rig_fd, "link", &out, roots), -EBADMSG);
	cr_expect_eq(save("link", &head), 0, "the link is replaced");
	cr_expect_neq(faccessat(rig_fd, "elsewhere", F_OK, 0), 0);
	rig_symlink("elsewhere", "index.new");
	rig_rmdir("index");
	cr_expect_eq(save("index", &head), 0);
	cr_expect_neq(faccessat(rig_fd, "elsewhere", F_OK, 0), 0);
}
