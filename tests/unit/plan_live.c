/* plan_live.c - a generation of the other's becomes this node's own, on a filesystem of each test's own. */
#include "plan_rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum {
	MIB = 1 << 20,
};

static struct rig r;

static void setup(void)
{
	rig_open(&r, 512 * MIB);
}

static void teardown(void)
{
	rig_close(&r);
}

TestSuite(plan, .init = setup, .fini = teardown);

static struct plan_totals totals(void)
{
	struct plan_totals t;

	plan_totals(r.plan, &t);
	return t;
}

/* ---- what is to be done, and what is not ---- */

Test(plan, of_equal_trees_nothing_is_asked_and_nothing_written)
{
	struct stat before, after;

	rig_random(r.leader, 1);
	rig_copy(r.leader, r.here);
	rig_scan(&r);
	rig_restart(&r);
	before = rig_stat(r.here, "");
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	after = rig_stat(r.here, "");
	cr_expect_eq(r.wants, 0);
	cr_expect_eq(totals().entries, 0);
	cr_expect_eq(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec, "not even a stage is made");
	cr_expect(rig_same(&r));
}

Test(plan, an_empty_side_gets_everything)
{
	rig_random(r.leader, 2);
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect(rig_same(&r));
	cr_expect(rig_index_true(&r));
}

Test(plan, what_a_full_plan_does_not_name_is_removed)
{
	rig_directory(r.here, "old");
	rig_directory(r.here, "old/er");
	rig_text(r.here, "old/er/file", "x");
	rig_text(r.here, "file", "x");
	rig_text(r.leader, "other", "y");
	rig_restart(&r);
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect(rig_same(&r));
	cr_expect(rig_index_true(&r));
}

Test(plan, a_plan_of_changes_leaves_what_it_does_not_name)
{
	rig_text(r.here, "mine", "x");
	rig_text(r.leader, "new", "y");
	rig_restart(&r);
	rig_begin(&r, false);
	cr_assert_eq(rig_entry(&r, "new"), 0);
	cr_assert_eq(rig_commit(&r), 0, "%s", r.reason);
	rig_stat(r.here, "mine");
	rig_stat(r.here, "new");
}

Test(plan, attributes_alone_do_not_touch_the_content)
{
	struct stat before, after;

	rig_text(r.leader, "file", "same");
	rig_copy(r.leader, r.here);
	rig_run("cd '%s' && chown 1000:1000 file && chmod 4750 file", r.leader);
	rig_xattr(r.leader, "file", "user.a", "b");
	rig_restart(&r);
	before = rig_stat(r.here, "file");
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	after = rig_stat(r.here, "file");
	cr_expect_eq(r.wants, 0);
	cr_expect_eq(before.st_ino, after.st_ino);
	cr_expect_eq(after.st_mode & 07777, 04750,
		     "the set-user-ID bit survives the change of owner");
	cr_expect(rig_same(&r));
	cr_expect(rig_index_true(&r));
}

/* Each kind of entry in the place of each other kind, what is below a directory included. */
Test(plan, every_type_can_become_every_other)
{
	static const char *const kind[] = {"none", "file", "link", "empty", "full"};

	for (int made_by_full = 0; made_by_full <= 1; made_by_full++) {
		rig_wipe(r.leader);
		rig_wipe(r.here);
		for (int from = 0; from < 5; from++) {
			for (int to = 0; to < 5; to++) {
				char name[32], below[64];

				snprintf(name, sizeof(name), "%s-%s", kind[from], kind[to]);
				for (int side = 0; side < 2; side++) {
					const char *top = side == 0 ? r.here : r.leader;
					int is = side == 0 ? from : to;

					if (is == 1)
						rig_text(top, name, top);
					else if (is == 2)
						rig_symlink(top, name, top);
					else if (is >= 3)
						rig_directory(top, name);
					if (is == 4) {
						snprintf(below, sizeof(below), "%s/below", name);
						rig_directory(top, below);
						strcat(below, "/file");
						rig_text(top, below, top);
					}
				}
			}
		}
		rig_restart(&r);
		cr_assert_eq(rig_sync(&r, made_by_full == 1), 0, "%s", r.reason);
		cr_expect(rig_same(&r));
		cr_expect(rig_index_true(&r));
	}
}

/* Generation after generation on the same index: each commit leaves exactly what the leader has, every mtime of every
 * directory included, and an index as a scan would make it. */
Test(plan, any_tree_becomes_any_other, .timeout = 240)
{
	for (unsigned seed = 1; seed <= 24; seed++) {
		rig_wipe(r.leader);
		rig_random(r.leader, seed);
		cr_assert_eq(rig_sync(&r, seed % 3 == 0), 0, "seed %u: %s", seed, r.reason);
		cr_assert(rig_same(&r), "seed %u", seed);
		cr_assert(rig_index_true(&r), "seed %u", seed);
	}
}

Test(plan_disk, the_same_on_a_real_one, .timeout = 240)
{
	rig_open(&r, 0);
	for (unsigned seed = 101; seed <= 106; seed++) {
		rig_wipe(r.leader);
		rig_random(r.leader, seed);
		cr_assert_eq(rig_sync(&r, seed % 3 == 0), 0, "seed %u: %s", seed, r.reason);
		cr_assert(rig_same(&r), "seed %u", seed);
		cr_assert(rig_index_true(&r), "seed %u", seed);
	}
	rig_close(&r);
}

/* ---- large files ---- */

Test(plan, of_a_large_file_only_what_differs_is_sent_and_written_where_it_is)
{
	struct stat before, after;

	rig_large(r.leader, "large", 64 * SYNC_BLOCK_LEN + 100, 1);
	rig_copy(r.leader, r.here);
	rig_change(r.leader, "large", 3, 2, 2);
	rig_change(r.leader, "large", 60, 1, 3);
	rig_restart(&r);
	before = rig_stat(r.here, "large");
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	after = rig_stat(r.here, "large");
	cr_expect_eq(r.tags, 65);
	cr_expect_eq(r.blocks, 3);
	cr_expect_eq(before.st_ino, after.st_ino);
	cr_expect(rig_same(&r));
	cr_expect(rig_index_true(&r));
}

Test(plan, a_large_file_may_grow_and_shrink_where_it_is)
{
	struct stat before, after;

	rig_large(r.leader, "grows", 32 * SYNC_BLOCK_LEN + 5, 1);
	rig_large(r.leader, "shrinks", 32 * SYNC_BLOCK_LEN, 1);
	rig_copy(r.leader, r.here);
	rig_large(r.leader, "grows", 35 * SYNC_BLOCK_LEN + 9, 1);
	rig_run("truncate -s %d '%s/shrinks'", 20 * SYNC_BLOCK_LEN + 11, r.leader);
	rig_restart(&r);
	before = rig_stat(r.here, "grows");
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	after = rig_stat(r.here, "grows");
	cr_expect_eq(before.st_ino, after.st_ino);
	cr_expect_eq(r.blocks, 4 + 1, "what is new, and the two last ones");
	cr_expect(rig_same(&r));
	cr_expect(rig_index_true(&r));
}

/* Then to copy it over would cost more than to replace it. */
Test(plan, a_large_file_that_changes_by_more_than_half_is_replaced)
{
	struct stat before, after;

	rig_large(r.leader, "large", 32 * SYNC_BLOCK_LEN, 1);
	rig_copy(r.leader, r.here);
	rig_change(r.leader, "large", 0, 17, 2);
	rig_restart(&r);
	before = rig_stat(r.here, "large");
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	after = rig_stat(r.here, "large");
	cr_expect_eq(r.blocks, 17);
	cr_expect_neq(before.st_ino, after.st_ino);
	cr_expect(rig_same(&r));
	cr_expect(rig_index_true(&r));
}

Test(plan, a_file_with_other_names_is_replaced_and_they_keep_theirs)
{
	char *kept;

	rig_large(r.leader, "large", 32 * SYNC_BLOCK_LEN, 1);
	rig_copy(r.leader, r.here);
	rig_run("ln '%s/large' '%s/outside'", r.here, r.top);
	rig_change(r.leader, "large", 5, 1, 2);
	rig_restart(&r);
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect_eq(r.blocks, 1);
	cr_expect(rig_same(&r));
	kept = rig_read(r.top, "outside");
	cr_expect_neq(rig_stat(r.top, "outside").st_ino, rig_stat(r.here, "large").st_ino);
	free(kept);
}

Test(plan, zeros_take_no_room)
{
	rig_run("truncate -s 100M '%s/sparse' && touch -d @1000000000 '%s/sparse'", r.leader,
		r.leader);
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect_eq(rig_stat(r.here, "sparse").st_blocks, 0);
	cr_expect(rig_same(&r));
}

/* It is a base no more: what was offered of it cannot be relied upon. */
Test(plan, a_large_file_that_changes_here_meanwhile_is_not_patched)
{
	char *before, *after;

	rig_large(r.leader, "large", 32 * SYNC_BLOCK_LEN, 1);
	rig_copy(r.leader, r.here);
	rig_change(r.leader, "large", 5, 1, 2);
	rig_restart(&r);
	rig_begin(&r, true);
	cr_assert_eq(rig_feed(&r), 0);
	rig_change(r.here, "large", 9, 1, 3);
	before = rig_describe(&r, r.here);
	cr_expect_eq(rig_commit(&r), -ESTALE);
	cr_expect(strstr(r.reason, "here/large: has changed since") != NULL, "%s", r.reason);
	after = rig_describe(&r, r.here);
	cr_expect_str_eq(before, after);
	rig_restart(&r);
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect(rig_same(&r));
	free(before);
	free(after);
}

Test(plan, a_large_file_that_changes_here_before_it_is_offered_is_fetched_whole)
{
	rig_large(r.leader, "large", 32 * SYNC_BLOCK_LEN, 1);
	rig_copy(r.leader, r.here);
	rig_change(r.leader, "large", 5, 1, 2);
	rig_restart(&r);
	rig_change(r.here, "large", 9, 1, 3);
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect_eq(r.tags, 0);
	cr_expect_eq(r.blocks, 32);
	cr_expect(rig_same(&r));
}

/* ---- what was fetched is not fetched again ---- */

Test(plan, a_transfer_that_was_cut_goes_on_where_it_was)
{
	rig_large(r.leader, "a-large", 40 * SYNC_BLOCK_LEN + 7, 1);
	rig_text(r.leader, "0-small", "staged already");
	rig_begin(&r, true);
	r.blocks_left = 30;
	cr_assert_eq(rig_feed(&r), -ECONNRESET);
	cr_assert_not(plan_complete(r.plan));
	rig_restart(&r);
	r.blocks_left = UINT64_MAX;
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect_eq(r.blocks, 1 + 41 - 30);
	cr_expect_eq(r.wants, 1, "the small one was there");
	cr_expect(rig_same(&r));
	cr_expect(rig_index_true(&r));
}

Test(plan, a_change_of_blocks_that_was_cut_goes_on_too)
{
	struct stat before, after;

	rig_large(r.leader, "large", 64 * SYNC_BLOCK_LEN, 1);
	rig_copy(r.leader, r.here);
	rig_change(r.leader, "large", 3, 6, 2);
	rig_restart(&r);
	rig_begin(&r, true);
	r.blocks_left = 4;
	cr_assert_eq(rig_feed(&r), -ECONNRESET);
	rig_restart(&r);
	r.blocks_left = UINT64_MAX;
	before = rig_stat(r.here, "large");
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	after = rig_stat(r.here, "large");
	cr_expect_eq(r.blocks, 2);
	cr_expect_eq(before.st_ino, after.st_ino);
	cr_expect(rig_same(&r));
}

Test(plan, what_is_staged_whole_needs_the_leader_no_more)
{
	rig_random(r.leader, 3);
	rig_begin(&r, true);
	cr_assert_eq(rig_feed(&r), 0);
	cr_assert_gt(r.wants, 3);
	rig_restart(&r);
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect_eq(r.wants, 0);
	cr_expect(rig_same(&r));
}

/* A power failure may leave staged files of the right size and the wrong content. */
Test(plan, what_is_staged_and_torn_is_fetched_again)
{
	rig_large(r.leader, "large", 40 * SYNC_BLOCK_LEN + 7, 1);
	rig_text(r.leader, "small", "staged already");
	rig_begin(&r, true);
	cr_assert_eq(rig_feed(&r), 0);
	rig_run("cd '%s/" ROOTS_STAGE "' && for f in *; do "
		"printf XX | dd of=$f bs=1 seek=5 conv=notrunc status=none; done",
		r.here);
	rig_restart(&r);
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect_eq(r.wants, 2);
	cr_expect_eq(r.blocks, 1 + 1, "one of the large one's blocks");
	cr_expect(rig_same(&r));
}

Test(plan, what_is_staged_and_cut_short_is_fetched_again)
{
	rig_large(r.leader, "large", 40 * SYNC_BLOCK_LEN + 7, 1);
	rig_text(r.leader, "small", "staged already");
	rig_begin(&r, true);
	cr_assert_eq(rig_feed(&r), 0);
	rig_run("cd '%s/" ROOTS_STAGE "' && for f in *; do truncate -s 3 $f; done", r.here);
	rig_restart(&r);
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect_eq(r.wants, 2);
	cr_expect(rig_same(&r));
}

Test(plan, nothing_is_left_in_the_stage_by_a_commit)
{
	rig_random(r.leader, 4);
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	rig_random(r.top, 5); /* anything else */
	rig_run("touch '%s/" ROOTS_STAGE "/foreign'", r.here);
	rig_text(r.leader, "new", "one");
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	rig_run("test -z \"$(ls -A '%s/" ROOTS_STAGE "')\"", r.here);
}

/* ---- content that is not what it should be ---- */

/* The entry of a file of these bytes, 'a' to 'c' at a time. */
static struct sync_entry entry_of(const char *path, const uint8_t *bytes, size_t len)
{
	struct sync_entry e = {.type = SYNC_FILE,
			       .mode = 0644,
			       .size = len,
			       .mtime_ns = 5,
			       .path = path,
			       .path_len = (uint16_t)strlen(path)};
	static digest_tag tag[64];
	size_t n = 0;

	for (size_t at = 0; at < len; at += SYNC_BLOCK_LEN, n++)
		digest_block(&r.digest, bytes + at,
			     len - at < SYNC_BLOCK_LEN ? len - at : SYNC_BLOCK_LEN, tag[n]);
	digest_file(&r.digest, len, tag, n, e.hash);
	return e;
}

static struct sync_block block_of(const struct sync_want *want, const void *bytes, uint32_t len)
{
	return (struct sync_block){.ticket = want->ticket, .data = bytes, .len = len};
}

Test(plan, other_content_than_the_entry_says_is_refused_and_wanted_again)
{
	struct sync_entry e = entry_of("file", (const uint8_t *)"right", 5);
	struct sync_block b;
	struct sync_want want, second;
	char *text;

	rig_begin(&r, false);
	cr_assert_eq(plan_entry(r.plan, &e, &want), 1);
	b = block_of(&want, "wrong", 5);
	cr_expect_eq(plan_block(r.plan, &b), 0);
	cr_assert_eq(plan_done(r.plan, want.ticket, &second), -EBADMSG);
	cr_expect_neq(second.ticket, want.ticket);
	cr_expect_arr_eq(second.hash, e.hash, sizeof(e.hash));
	cr_expect_eq(plan_block(r.plan, &b), -ENOENT, "that ticket is no more");
	cr_expect_not(plan_complete(r.plan));
	cr_expect_eq(rig_commit(&r), -EAGAIN);
	b = block_of(&second, "right", 5);
	cr_expect_eq(plan_block(r.plan, &b), 0);
	cr_expect_eq(plan_done(r.plan, second.ticket, &want), 0);
	cr_assert_eq(rig_commit(&r), 0, "%s", r.reason);
	text = rig_read(r.here, "file");
	cr_expect_str_eq(text, "right");
	free(text);
}

Test(plan, content_that_is_wrong_three_times_is_given_up)
{
	static uint8_t bytes[2 * SYNC_BLOCK_LEN];
	struct sync_entry e = entry_of("file", bytes, sizeof(bytes));
	struct sync_want want;

	rig_begin(&r, false);
	cr_assert_eq(plan_entry(r.plan, &e, &want), 1);
	cr_expect_eq(plan_done(r.plan, want.ticket, &want), -EBADMSG, "no block at all");
	cr_expect_eq(plan_done(r.plan, want.ticket, &want), -EBADMSG);
	cr_expect_eq(plan_done(r.plan, want.ticket, &want), -EIO);
	cr_expect_not(plan_complete(r.plan));
	cr_expect_eq(totals().waiting, 1);
}

Test(plan, a_block_that_no_file_of_that_size_has_is_refused)
{
	static uint8_t bytes[2 * SYNC_BLOCK_LEN + 5];
	struct sync_entry e = entry_of("file", bytes, sizeof(bytes));
	static const struct {
		uint64_t offset;
		uint32_t len;
	} bad[] = {{1, SYNC_BLOCK_LEN},
		   {0, SYNC_BLOCK_LEN - 1},
		   {SYNC_BLOCK_LEN, 5},
		   {2 * SYNC_BLOCK_LEN, 4},
		   {2 * SYNC_BLOCK_LEN, 6},
		   {3 * SYNC_BLOCK_LEN, 5},
		   {UINT64_MAX - SYNC_BLOCK_LEN + 1, SYNC_BLOCK_LEN}};
	struct sync_want want;

	rig_begin(&r, false);
	cr_assert_eq(plan_entry(r.plan, &e, &want), 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct sync_block b = block_of(&want, bytes, bad[i].len);

		b.offset = bad[i].offset;
		cr_expect_eq(plan_block(r.plan, &b), -EBADMSG, "block %zu", i);
	}
}

Test(plan, an_entry_that_is_none_is_refused)
{
	struct sync_entry no_root = {.type = SYNC_DIRECTORY, .root = 1, .path = ""};
	struct sync_entry gone = {.type = SYNC_GONE, .path = ""};
	struct sync_want want;

	rig_begin(&r, true);
	cr_expect_eq(plan_entry(r.plan, &no_root, &want), -EBADMSG);
	cr_expect_eq(plan_entry(r.plan, &gone, &want), -EBADMSG, "a root is never gone");
}

/* ---- entries that replace each other ---- */

Test(plan, a_later_entry_replaces_an_earlier_one)
{
	struct sync_entry first = entry_of("file", (const uint8_t *)"first", 5);
	struct sync_entry second = entry_of("file", (const uint8_t *)"second", 6);
	struct sync_want want, old;
	struct sync_block b;
	char *text;

	rig_begin(&r, false);
	cr_assert_eq(plan_entry(r.plan, &first, &old), 1);
	cr_assert_eq(plan_entry(r.plan, &second, &want), 1);
	b = block_of(&old, "first", 5);
	cr_expect_eq(plan_block(r.plan, &b), -ENOENT);
	cr_expect_eq(plan_done(r.plan, old.ticket, &old), -ENOENT);
	b = block_of(&want, "second", 6);
	cr_expect_eq(plan_block(r.plan, &b), 0);
	cr_expect_eq(plan_done(r.plan, want.ticket, &old), 0);
	cr_expect_eq(totals().files_total, 1);
	cr_expect_eq(totals().bytes_total, 6);
	cr_assert_eq(rig_commit(&r), 0, "%s", r.reason);
	text = rig_read(r.here, "file");
	cr_expect_str_eq(text, "second");
	free(text);
}

Test(plan, what_is_here_after_all_needs_nothing)
{
	struct sync_entry gone = {.path = "file", .path_len = 4};
	struct sync_want want;

	rig_text(r.leader, "file", "new");
	rig_begin(&r, true);
	cr_assert_eq(rig_entry(&r, ""), 0);
	cr_assert_eq(rig_entry(&r, "file"), 0);
	cr_assert_eq(plan_entry(r.plan, &gone, &want), 0);
	cr_expect_eq(totals().files_total, 0);
	rig_run("test -z \"$(ls -A '%s/" ROOTS_STAGE "')\"", r.here);
	rig_run("rm '%s/file'", r.leader);
	rig_touch(r.leader, "", INT64_C(1000000000000000000));
	cr_assert_eq(rig_entry(&r, ""), 0);
	cr_assert_eq(rig_commit(&r), 0, "%s", r.reason);
	cr_expect(rig_same(&r));
}

/* A database that is written to all the time: each version goes on from what was fetched of the one before. */
Test(plan, what_came_of_a_large_file_s_last_version_serves_the_next)
{
	rig_large(r.leader, "large", 40 * SYNC_BLOCK_LEN, 1);
	rig_begin(&r, true);
	cr_assert_eq(rig_entry(&r, ""), 0);
	r.blocks_left = 30;
	cr_assert_eq(rig_entry(&r, "large"), -ECONNRESET);
	rig_change(r.leader, "large", 2, 1, 2);
	r.blocks_left = UINT64_MAX;
	r.blocks = 0;
	cr_assert_eq(rig_entry(&r, "large"), 0);
	cr_expect_eq(r.blocks, 11);
	cr_assert_eq(rig_commit(&r), 0, "%s", r.reason);
	cr_expect(rig_same(&r));
}

Test(plan, other_attributes_of_the_same_content_fetch_nothing_anew)
{
	rig_large(r.leader, "large", 4 * SYNC_BLOCK_LEN, 1);
	rig_text(r.leader, "small", "x");
	rig_begin(&r, true);
	cr_assert_eq(rig_feed(&r), 0);
	rig_run("cd '%s' && chmod 600 * && chown 7:8 *", r.leader);
	cr_assert_eq(rig_feed(&r), 0);
	cr_expect_eq(r.wants, 2);
	cr_assert_eq(rig_commit(&r), 0, "%s", r.reason);
	cr_expect(rig_same(&r));
}

Test(plan, content_that_the_leader_has_no_more_is_waited_for)
{
	struct sync_entry e = entry_of("file", (const uint8_t *)"12345", 5);
	struct sync_want want;

	rig_text(r.leader, "file", "new");
	rig_begin(&r, true);
	cr_assert_eq(rig_entry(&r, ""), 0);
	cr_assert_eq(plan_entry(r.plan, &e, &want), 1);
	plan_failed(r.plan, want.ticket);
	cr_expect_eq(totals().waiting, 1);
	cr_expect_not(plan_complete(r.plan));
	cr_expect_eq(rig_commit(&r), -EAGAIN);
	cr_assert_eq(rig_entry(&r, "file"), 0);
	cr_expect(plan_complete(r.plan));
	cr_assert_eq(rig_commit(&r), 0, "%s", r.reason);
	cr_expect(rig_same(&r));
}

Test(plan, progress_is_told_in_files_and_bytes)
{
	struct sync_entry e;
	static uint8_t bytes[3 * SYNC_BLOCK_LEN];
	struct sync_block b;
	struct sync_want want;

	e = entry_of("file", bytes, sizeof(bytes));
	rig_begin(&r, false);
	cr_assert_eq(plan_entry(r.plan, &e, &want), 1);
	b = block_of(&want, bytes, SYNC_BLOCK_LEN);
	cr_expect_eq(totals().under_way, 1);
	cr_expect_eq(totals().bytes, 0);
	cr_assert_eq(plan_block(r.plan, &b), 0);
	cr_expect_eq(totals().bytes, SYNC_BLOCK_LEN);
	cr_expect_eq(totals().files, 0);
	for (b.offset = SYNC_BLOCK_LEN; b.offset < sizeof(bytes); b.offset += SYNC_BLOCK_LEN)
		cr_assert_eq(plan_block(r.plan, &b), 0);
	cr_assert_eq(plan_done(r.plan, want.ticket, &want), 0);
	cr_expect_eq(totals().under_way, 0);
	cr_expect_eq(totals().files, 1);
	cr_expect_eq(totals().files_total, 1);
	cr_expect_eq(totals().bytes, sizeof(bytes));
	cr_expect_eq(totals().bytes_total, sizeof(bytes));
	cr_expect_eq(totals().entries, 1);
}

/* ---- what is not synced ---- */

Test(plan, what_is_excluded_is_never_touched_and_keeps_its_directory)
{
	rig_directory(r.here, "d");
	rig_text(r.here, "d/host.local", "own");
	rig_text(r.here, "d/gone", "x");
	rig_text(r.here, "top.local", "own");
	rig_text(r.leader, "top.local", "other");
	rig_restart(&r);
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect_eq(totals().stayed, 1);
	rig_run("cd '%s' && test \"$(cat d/host.local top.local)\" = ownown && test ! -e d/gone",
		r.here);
}

Test(plan, a_directory_that_holds_what_is_excluded_does_not_become_a_file)
{
	char *before, *after;

	rig_directory(r.here, "d");
	rig_text(r.here, "d/host.local", "own");
	rig_text(r.here, "d/gone", "x");
	rig_text(r.leader, "d", "a file");
	rig_restart(&r);
	before = rig_describe(&r, r.here);
	cr_expect_eq(rig_sync(&r, true), -ENOTEMPTY);
	cr_expect(strstr(r.reason, "d/host.local: is in the way") != NULL, "%s", r.reason);
	rig_touch(r.here, "", r.lineage.n == 0 ? 0 : INT64_C(1000000000000000000));
	rig_touch(r.here, "", (int64_t)rig_stat(r.here, "").st_mtim.tv_sec * 1000000000);
	after = rig_describe(&r, r.here);
	cr_expect_str_eq(strchr(before, '\n'), strchr(after, '\n'), "nothing has changed");
	free(before);
	free(after);
}

/* A staged file changes the root's list of names; its mtime stays all the same. */
Test(plan, to_stage_does_not_show_in_the_root_s_mtime)
{
	struct stat before = rig_stat(r.here, ""), after;

	rig_text(r.leader, "file", "x");
	rig_begin(&r, true);
	cr_assert_eq(rig_feed(&r), 0);
	after = rig_stat(r.here, "");
	cr_expect_eq(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	cr_expect_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

/* ---- what the returning side changed by itself ---- */

Test(plan, what_was_changed_here_is_kept_aside)
{
	static const char where[] = "state/conflicts/4-17/root-0";
	char *text;

	rig_directory(r.here, "d");
	rig_text(r.here, "d/changed", "own change");
	rig_text(r.here, "d/removed", "own file");
	rig_symlink(r.here, "link", "own target");
	rig_text(r.here, "same", "same");
	rig_text(r.leader, "same", "same");
	rig_directory(r.leader, "d");
	rig_text(r.leader, "d/changed", "the leader's");
	rig_run("cd '%s' && chmod 600 d/removed && chown 7:8 d/removed", r.here);
	rig_restart(&r);
	r.keep_above = 0;
	r.conflicts = "4-17";
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect(rig_same(&r));
	cr_expect_eq(totals().conflicts, 3);
	rig_run("cd '%s/%s' && test \"$(cat d/changed)\" = 'own change' && "
		"test \"$(readlink link)\" = 'own target' && test ! -e same && "
		"test \"$(stat -c %%a:%%u:%%g d/removed)\" = 600:7:8",
		r.top, where);
	text = rig_read(r.top, "state/conflicts/4-17/root-0/d/removed");
	cr_expect_str_eq(text, "own file");
	free(text);
}

Test(plan, what_was_there_before_is_not_kept)
{
	rig_text(r.here, "file", "old");
	rig_text(r.leader, "file", "new");
	rig_restart(&r);
	r.keep_above = lineage_head(&r.lineage).number;
	r.conflicts = "4-17";
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect_eq(totals().conflicts, 0);
	rig_run("test -z \"$(ls '%s/conflicts')\"", r.state);
}

Test(plan, the_newest_conflicts_are_kept_and_the_same_name_is_no_reason_to_lose_one)
{
	r.keep_above = 0;
	r.conflicts = "4-17";
	for (int i = 0; i < 20; i++) {
		char text[32];

		snprintf(text, sizeof(text), "version %d", i);
		rig_text(r.leader, "file", text);
		cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
		if (i > 0) /* so that they are told apart however fast this is */
			rig_run("touch -d @%d \"$(dirname $(dirname $(grep -lrx 'version %d' "
				"'%s/conflicts')))\"",
				i, i - 1, r.state);
	}
	rig_run("cd '%s/conflicts' && test $(ls | wc -l) = 16 && "
		"test \"$(cat */root-0/file | tr -s 'a-z' '\n' | sort -n | tr -d '\n')\" = "
		"' 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18'",
		r.state);
}

Test(plan, without_room_for_what_is_kept_nothing_is_overwritten)
{
	char *before, *after;

	rig_large(r.here, "file", 3 * MIB, 1);
	rig_text(r.leader, "file", "new");
	cr_assert_eq(mount("full", r.state, "tmpfs", 0, "size=1M"), 0);
	rig_restart(&r);
	r.keep_above = 0;
	r.conflicts = "4-17";
	rig_begin(&r, true);
	cr_assert_eq(rig_feed(&r), 0);
	before = rig_describe(&r, r.here);
	cr_expect_eq(rig_commit(&r), -ENOSPC);
	cr_expect(strstr(r.reason, "file: cannot be kept aside") != NULL, "%s", r.reason);
	after = rig_describe(&r, r.here);
	cr_expect_str_eq(before, after);
	rig_run("test -z \"$(ls '%s/conflicts')\"", r.state);
	cr_assert_eq(mount("full", r.state, "tmpfs", MS_REMOUNT, "size=8M"), 0);
	cr_expect_eq(rig_commit(&r), 0, "with more room the same plan goes through: %s", r.reason);
	cr_expect(rig_same(&r));
	free(before);
	free(after);
}

/* ---- disks that are full, or cannot be written ---- */

Test(plan_disk, a_full_disk_is_known_beforehand_and_told)
{
	char reason[SYNC_REASON_MAX + 1];
	struct sync_entry e = {.type = SYNC_FILE, .size = 64 * MIB, .path = "f", .path_len = 1};
	struct sync_want want;

	rig_open(&r, 8 * MIB);
	rig_begin(&r, true);
	cr_assert_eq(plan_space(r.plan, reason), 0);
	cr_assert_eq(plan_entry(r.plan, &e, &want), 1);
	cr_expect_eq(plan_space(r.plan, reason), -ENOSPC);
	cr_expect(strstr(reason, "here: 68 MiB are needed, 8 MiB are free") != NULL, "%s", reason);
	rig_close(&r);
}

Test(plan_disk, a_full_disk_stops_the_staging_and_leaves_what_is)
{
	char *before, *after;

	rig_open(&r, 8 * MIB);
	rig_large(r.leader, "large", 5 * MIB, 1);
	rig_text(r.here, "old", "x");
	rig_restart(&r);
	before = rig_describe(&r, r.here);
	cr_expect_eq(rig_sync(&r, true), -ENOSPC);
	cr_expect_not(plan_complete(r.plan));
	after = rig_describe(&r, r.here);
	cr_expect_str_eq(before, after);
	free(before);
	free(after);
	rig_close(&r);
}

/* Room that an abandoned transfer takes is given back, if it is needed. */
Test(plan_disk, stale_staging_makes_room)
{
	char reason[SYNC_REASON_MAX + 1];
	struct sync_entry e = {.type = SYNC_FILE, .size = 5 * MIB, .path = "g", .path_len = 1};
	struct sync_want want;

	rig_open(&r, 8 * MIB);
	rig_large(r.leader, "f", 2 * MIB, 1);
	rig_begin(&r, true);
	cr_assert_eq(rig_feed(&r), 0);
	rig_run("rm '%s/f'", r.leader);
	rig_restart(&r);
	rig_begin(&r, true);
	cr_assert_eq(plan_entry(r.plan, &e, &want), 1);
	cr_expect_eq(plan_space(r.plan, reason), 0, "%s", reason);
	rig_close(&r);
}

Test(plan, a_disk_that_may_not_be_written_is_told)
{
	struct sync_entry e = entry_of("file", (const uint8_t *)"12345", 5);
	struct sync_want want;
	struct sync_block b;

	cr_assert_eq(mount("ro", r.here, "tmpfs", 0, "size=1M"), 0);
	rig_restart(&r);
	rig_begin(&r, true);
	cr_assert_eq(plan_entry(r.plan, &e, &want), 1);
	cr_assert_eq(mount("ro", r.here, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1M"), 0);
	b = block_of(&want, "12345", 5);
	cr_expect_eq(plan_block(r.plan, &b), -EROFS);
	cr_expect_not(plan_complete(r.plan));
}

/* ---- links in the way ---- */

Test(plan, a_link_that_is_put_in_the_way_leads_nowhere)
{
	rig_directory(r.leader, "d");
	rig_copy(r.leader, r.here);
	rig_restart(&r);
	rig_text(r.leader, "d/file", "x");
	rig_begin(&r, true);
	cr_assert_eq(rig_feed(&r), 0);
	rig_run("mkdir '%s/elsewhere' && rmdir '%s/d' && ln -s ../elsewhere '%s/d'", r.top, r.here,
		r.here);
	cr_expect_neq(rig_commit(&r), 0);
	cr_expect(strstr(r.reason, "here/d: is no directory any more: ") != NULL, "%s", r.reason);
	rig_run("test -z \"$(ls -A '%s/elsewhere')\"", r.top);
}

Test(plan, a_root_that_was_replaced_is_not_written)
{
	rig_text(r.leader, "file", "x");
	rig_begin(&r, true);
	cr_assert_eq(rig_feed(&r), 0);
	rig_run("mv '%s' '%s/moved' && mkdir '%s'", r.here, r.top, r.here);
	cr_expect_eq(rig_commit(&r), -ESTALE);
	cr_expect_neq(r.reason[0], '\0');
	rig_run("test -z \"$(ls -A '%s')\" && test ! -e '%s/moved/file'", r.here, r.top);
}

Test(plan, another_filesystem_below_is_not_written)
{
	char *before, *after;

	rig_directory(r.leader, "d");
	rig_text(r.leader, "d/file", "x");
	rig_text(r.leader, "other", "x");
	rig_begin(&r, true);
	cr_assert_eq(rig_feed(&r), 0);
	rig_directory(r.here, "d");
	before = rig_describe(&r, r.here);
	rig_run("mount -t tmpfs mounted '%s/d'", r.here);
	cr_expect_eq(rig_commit(&r), -EXDEV);
	cr_expect(strstr(r.reason, "here/d: is on another filesystem") != NULL, "%s", r.reason);
	rig_run("test -z \"$(ls -A '%s/d')\" && umount '%s/d'", r.here, r.here);
	after = rig_describe(&r, r.here);
	cr_expect_str_eq(before, after);
	free(before);
	free(after);
}

/* Made here since the last scan: nobody knows what is in it. */
Test(plan, an_unknown_directory_in_the_way_is_not_removed)
{
	rig_text(r.leader, "name", "a file");
	rig_begin(&r, true);
	cr_assert_eq(rig_feed(&r), 0);
	rig_directory(r.here, "name");
	rig_text(r.here, "name/unknown", "x");
	cr_expect_eq(rig_commit(&r), -ENOTEMPTY);
	cr_expect(strstr(r.reason, "here/name/unknown: is in the way") != NULL, "%s", r.reason);
	rig_stat(r.here, "name/unknown");
	rig_restart(&r);
	cr_assert_eq(rig_sync(&r, true), 0, "known by now, it goes: %s", r.reason);
	cr_expect(rig_same(&r));
}

/* ---- more roots than one ---- */

static void put_root(uint8_t root, const char *top)
{
	struct stat st = rig_stat(top, "");
	struct sync_entry e = {.type = SYNC_DIRECTORY,
			       .root = root,
			       .mode = (uint16_t)(st.st_mode & 07777),
			       .mtime_ns =
				       st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec,
			       .path = ""};
	struct tree_stat known = {.inode = st.st_ino};

	cr_assert_eq(tree_put(r.tree, &e, &known, NULL, 0, TREE_PENDING, NULL), 0);
}

static int fetch_to(uint8_t root, const char *path, const char *text)
{
	struct sync_entry e = entry_of(path, (const uint8_t *)text, (uint32_t)strlen(text));
	struct sync_want want;
	struct sync_block b;

	e.root = root;
	cr_assert_eq(plan_entry(r.plan, &e, &want), 1);
	cr_expect_eq(want.root, root);
	b = block_of(&want, text, (uint32_t)strlen(text));
	cr_assert_eq(plan_block(r.plan, &b), 0);
	return plan_done(r.plan, want.ticket, &want);
}

/* The same name in both is two files; each is staged and kept aside for its own root, on a filesystem of its own. */
Test(plan, each_root_gets_its_own)
{
	char second[128];

	snprintf(second, sizeof(second), "%s/second", r.top);
	rig_directory(r.top, "second");
	rig_run("mount -t tmpfs other '%s'", second);
	cr_assert_eq(roots_add(&r.roots, second), 0);
	cr_assert_eq(roots_open(&r.roots, false), 0);
	put_root(1, second);
	r.keep_above = 0;
	r.conflicts = "2-3";
	for (int i = 0; i < 2; i++) {
		rig_begin(&r, false);
		cr_assert_eq(fetch_to(0, "name", i == 0 ? "a0" : "b0"), 0);
		cr_assert_eq(fetch_to(1, "name", i == 0 ? "a1" : "b1"), 0);
		cr_assert_eq(rig_commit(&r), 0, "%s", r.reason);
	}
	rig_run("test $(cat '%s/name' '%s/name' '%s'/conflicts/2-3/root-[01]/name) = b0b1a0a1",
		r.here, second, r.state);
	rig_run("umount -l '%s'", second);
}
