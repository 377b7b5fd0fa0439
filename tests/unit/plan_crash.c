/* plan_crash.c - whatever stops a commit, and wherever: the trees are one whole generation again, the old one or the
 * new one.
 */
#include "plan_rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/file.h"
#include "agent/sync/fault.h"

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

TestSuite(plan_crash, .init = setup, .fini = teardown);

static int recover(void)
{
	struct lineage generation = {0};
	int result = plan_recover(r.plan, &generation, r.reason);

	if (result == 1)
		r.lineage = generation;
	return result;
}

/* ---- an error in the middle ---- */

/* No name in that directory can be made or removed: for root neither. */
static void freeze(const char *path, bool frozen)
{
	char whole[256];
	int flags = frozen ? FS_IMMUTABLE_FL : 0, fd;

	snprintf(whole, sizeof(whole), "%s/%s", r.here, path);
	fd = open(whole, O_RDONLY | O_DIRECTORY);
	cr_assert_geq(fd, 0);
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) != 0)
		cr_skip_test("this filesystem freezes no directory: %s", strerror(errno));
	close(fd);
}

/* A commit that cannot end: of two directories the second is frozen. */
static void get_stuck(void)
{
	rig_directory(r.leader, "a");
	rig_directory(r.leader, "z");
	rig_text(r.leader, "a/changed", "old");
	rig_text(r.leader, "z/changed", "old");
	rig_text(r.leader, "z/gone", "old");
	rig_large(r.leader, "large", 32 * SYNC_BLOCK_LEN, 1);
	rig_copy(r.leader, r.here);
	rig_restart(&r);
	rig_text(r.leader, "a/changed", "new");
	rig_text(r.leader, "z/changed", "new");
	rig_text(r.leader, "z/new", "new");
	rig_symlink(r.leader, "a/link", "new");
	rig_change(r.leader, "large", 3, 2, 2);
	rig_run("rm '%s/z/gone'", r.leader);
	freeze("z", true);
	cr_assert_eq(rig_sync(&r, true), -EPERM);
	cr_assert(strstr(r.reason, "here/z/changed: cannot be put into place") != NULL, "%s",
		  r.reason);
}

Test(plan_crash, an_error_after_the_point_of_no_return_is_rolled_forward_later)
{
	uint64_t number = lineage_head(&r.lineage).number;

	get_stuck();
	cr_expect_eq(rig_commit(&r), -EBUSY, "nothing else is begun before");
	rig_restart(&r);
	cr_expect_eq(recover(), -EPERM, "it is not whole yet");
	cr_expect(strstr(r.reason, "here/z/changed: cannot be put into place") != NULL);
	freeze("z", false);
	cr_expect_eq(recover(), 1, "%s", r.reason);
	cr_expect_eq(lineage_head(&r.lineage).number, number + 1);
	cr_expect(rig_same(&r));
	cr_expect_eq(recover(), 0, "that was it");
	rig_restart(&r);
	cr_assert_eq(rig_sync(&r, true), 0);
	cr_expect_eq(r.wants, 0);
}

Test(plan_crash, the_same_process_may_recover_and_go_on)
{
	get_stuck();
	freeze("z", false);
	cr_expect_eq(recover(), 1, "%s", r.reason);
	cr_expect(rig_same(&r));
	rig_restart(&r);
	rig_text(r.leader, "a/changed", "newer");
	cr_assert_eq(rig_sync(&r, false), 0, "%s", r.reason);
	cr_expect(rig_same(&r));
	cr_expect(rig_index_true(&r));
}

Test(plan_crash, a_link_that_is_put_in_the_way_of_recovery_leads_nowhere)
{
	struct stat st;

	get_stuck();
	freeze("z", false);
	st = rig_stat(r.here, "");
	rig_run("mkdir '%s/elsewhere' && mv '%s/z' '%s/away' && ln -s '%s/elsewhere' '%s/z'", r.top,
		r.here, r.top, r.top, r.here);
	cr_expect_lt(recover(), 0);
	cr_expect(strstr(r.reason, "here/z: is no directory any more") != NULL, "%s", r.reason);
	rig_run("test -z \"$(ls -A '%s/elsewhere')\"", r.top);
	rig_run("rm '%s/z' && mv '%s/away' '%s/z'", r.here, r.top, r.here);
	rig_touch(r.here, "", st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec);
	cr_expect_eq(recover(), 1, "%s", r.reason);
	cr_expect(rig_same(&r));
}

/* Somebody's change of his own, after the commit had begun, is neither an obstacle nor patched with foreign blocks. */
Test(plan_crash, a_file_that_was_replaced_before_recovery_is_left_to_the_next_scan)
{
	char *text;

	get_stuck();
	freeze("z", false);
	rig_run("cd '%s' && rm large && echo mine >large", r.here);
	cr_expect_eq(recover(), 1, "%s", r.reason);
	text = rig_read(r.here, "large");
	cr_expect_str_eq(text, "mine\n");
	free(text);
	rig_restart(&r);
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect(rig_same(&r));
}

/* ---- the journal ---- */

static size_t journal_bytes(uint8_t *out, size_t cap)
{
	size_t len = 0;

	cr_assert_eq(file_read(r.state_fd, "journal", out, cap, &len), 0);
	return len;
}

static void spill(const char *name, const uint8_t *bytes, size_t len)
{
	int fd = openat(r.state_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

Test(plan_crash, a_journal_that_is_torn_or_changed_is_not_followed)
{
	static uint8_t bytes[65536];
	size_t len;

	get_stuck();
	freeze("z", false);
	len = journal_bytes(bytes, sizeof(bytes));
	for (size_t torn = 0; torn < len; torn++) {
		spill("journal", bytes, torn);
		cr_assert_eq(recover(), -EBADMSG, "at %zu", torn);
	}
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 0x10;
		spill("journal", bytes, len);
		cr_assert_eq(recover(), -EBADMSG, "byte %zu", i);
		bytes[i] ^= 0x10;
	}
	cr_expect(strstr(r.reason, "journal of an unfinished commit cannot be read") != NULL);
	spill("journal", bytes, len);
	cr_expect_eq(recover(), 1, "%s", r.reason);
	cr_expect(rig_same(&r));
}

/* Its head would be written down, and no start would ever get past that. */
Test(plan_crash, a_journal_whose_lineage_is_none_is_not_followed)
{
	enum {
		NUMBER = 4 + 2 + SYNC_HASH_LEN + 2 + 8, /* of the first point */
		SUM_LEN = 32,
	};
	static uint8_t bytes[65536];
	size_t len;

	get_stuck();
	freeze("z", false);
	len = journal_bytes(bytes, sizeof(bytes));
	memset(bytes + NUMBER, 0, 8);
	crypto_generichash(bytes + len - SUM_LEN, SUM_LEN, bytes, len - SUM_LEN, NULL, 0);
	spill("journal", bytes, len);
	cr_expect_eq(recover(), -EBADMSG);
}

Test(plan_crash, a_journal_of_other_roots_is_not_followed)
{
	char *before, *after;

	get_stuck();
	freeze("z", false);
	before = rig_describe(&r, r.here);
	cr_assert_eq(roots_exclude(&r.roots, "*.tmp"), 0);
	cr_expect_eq(recover(), -ESTALE);
	cr_expect(strstr(r.reason, "of other directories than are here") != NULL, "%s", r.reason);
	after = rig_describe(&r, r.here);
	cr_expect_str_eq(before, after);
	free(before);
	free(after);
	rig_restart(&r);
	cr_expect_eq(recover(), 1, "as they were: %s", r.reason);
	cr_expect(rig_same(&r));
}

/* Restored from a backup, mounted, or made anew: nothing in it is the journal's affair. */
Test(plan_crash, a_root_that_was_replaced_is_not_written_by_the_journal_of_the_old_one)
{
	char *before, *after;

	get_stuck();
	freeze("z", false);
	rig_run("mv '%s' '%s/old-root' && cp -a '%s/old-root' '%s'", r.here, r.top, r.top, r.here);
	before = rig_describe(&r, r.here);
	cr_expect_eq(recover(), -ENXIO, "under this process");
	cr_expect(strstr(r.reason, "has been replaced") != NULL, "%s", r.reason);
	rig_restart(&r);
	cr_expect_eq(recover(), -ESTALE, "by a new start");
	after = rig_describe(&r, r.here);
	cr_expect_str_eq(before, after);
	rig_run("rm -r '%s' && mv '%s/old-root' '%s'", r.here, r.top, r.here);
	rig_restart(&r);
	cr_expect_eq(recover(), 1, "it is back: %s", r.reason);
	cr_expect(rig_same(&r));
	free(before);
	free(after);
}

Test(plan_crash, a_journal_waits_for_a_root_that_is_missing)
{
	get_stuck();
	freeze("z", false);
	rig_run("mv '%s' '%s/away'", r.here, r.top);
	roots_close(&r.roots);
	cr_assert_eq(roots_open(&r.roots, false), -ENOENT);
	cr_expect_eq(recover(), -ENXIO);
	rig_run("mv '%s/away' '%s'", r.top, r.here);
	rig_restart(&r);
	cr_expect_eq(recover(), 1, "%s", r.reason);
	cr_expect(rig_same(&r));
}

Test(plan_crash, a_journal_that_was_not_finished_never_was)
{
	static uint8_t bytes[65536];
	char *before, *after;
	size_t len;

	get_stuck();
	freeze("z", false);
	len = journal_bytes(bytes, sizeof(bytes));
	spill("journal.new", bytes, len / 2);
	cr_assert_eq(unlinkat(r.state_fd, "journal", 0), 0);
	before = rig_describe(&r, r.here);
	cr_expect_eq(recover(), 0);
	cr_expect_str_empty(r.reason);
	cr_expect_neq(faccessat(r.state_fd, "journal.new", F_OK, 0), 0);
	after = rig_describe(&r, r.here);
	cr_expect_str_eq(before, after);
	free(before);
	free(after);
}

Test(plan_crash, without_a_journal_staged_files_stay_and_others_go)
{
	rig_text(r.leader, "file", "x");
	rig_begin(&r, true);
	cr_assert_eq(rig_feed(&r), 0);
	rig_run("cd '%s/" ROOTS_STAGE "' && touch foreign && mkdir directory", r.here);
	rig_restart(&r);
	cr_expect_eq(recover(), 0);
	rig_run("test $(ls '%s/" ROOTS_STAGE "' | wc -l) = 1", r.here);
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect_eq(r.wants, 0);
}

/* SPEC 6.R33: what is here is written down before the journal goes; if it cannot be, the journal stays for the next start. */
Test(plan_crash, a_generation_that_cannot_be_written_down_is_recovered)
{
	rig_text(r.leader, "file", "x");
	r.records_fail = true;
	cr_assert_eq(rig_sync(&r, true), -ENOSPC);
	cr_expect_str_not_empty(r.reason);
	cr_expect_eq(faccessat(r.state_fd, "journal", F_OK, 0), 0);
	r.records_fail = false;
	rig_restart(&r);
	cr_assert_eq(recover(), 1);
	cr_expect_eq(r.records_recovered, 1);
	cr_expect(r.record_before_journal_went);
	cr_expect_neq(faccessat(r.state_fd, "journal", F_OK, 0), 0);
	cr_expect(lineage_equal(&r.recorded, &r.lineage));
	cr_expect(rig_same(&r));
}

Test(plan_crash, each_commit_is_written_down_before_its_journal_goes_and_so_is_one_without_a_change)
{
	rig_text(r.leader, "file", "x");
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect_eq(r.records, 1);
	cr_expect(r.record_before_journal_went);
	cr_assert_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect_eq(r.records, 2);
	cr_expect_eq(r.records_recovered, 0);
}

/* ---- a power failure, at each point ---- */

#ifdef HA_FAULT_POINTS

/* Runs what makes `here` become what the leader has in a child that dies at the n-th point. False: it survived. */
static bool dies(bool full, const char *point, unsigned n)
{
	char what[64];
	int status = 0;
	pid_t child;

	snprintf(what, sizeof(what), "%s:%u", point, n);
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		fault_arm(what);
		_exit(rig_sync(&r, full) == 0 ? 0 : 1);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		cr_assert_eq(WTERMSIG(status), SIGKILL);
		return true;
	}
	cr_assert_eq(WEXITSTATUS(status), 0);
	return false;
}

/* After it: one of the two as a whole; and then the new one. */
static void expect_whole(const char *old, const char *new, const char *when)
{
	char *now;
	int result;

	rig_restart(&r);
	result = recover();
	cr_assert_geq(result, 0, "%s: %s", when, r.reason);
	now = rig_describe(&r, r.here);
	cr_assert(strcmp(now, result == 1 ? new : old) == 0 ||
			  (result == 0 && strcmp(now, new) == 0),
		  "%s: rolled forward %d\n---- old\n%s---- new\n%s---- is\n%s", when, result, old,
		  new, now);
	free(now);
	rig_restart(&r);
	cr_assert_eq(rig_sync(&r, true), 0, "%s: %s", when, r.reason);
	cr_assert(rig_same(&r), "%s", when);
	cr_assert(rig_index_true(&r), "%s", when);
}

static void put_back(const char *from)
{
	rig_wipe(r.here);
	rig_run("rm -rf '%s'/*", r.state);
	rig_copy(from, r.here);
	rig_restart(&r);
}

/* One of every kind of operation, and of every kind of staging. */
static void make_both(const char *old)
{
	mkdir(old, 0755);
	rig_directory(old, "becomes-file");
	rig_directory(old, "becomes-file/with");
	rig_text(old, "becomes-file/with/content", "x");
	rig_text(old, "becomes-directory", "x");
	rig_directory(old, "unnamed");
	rig_text(old, "unnamed/changed", "old");
	rig_directory(old, "gone");
	rig_text(old, "gone/file", "x");
	rig_text(old, "attributes", "x");
	rig_large(old, "large", 20 * SYNC_BLOCK_LEN, 1);
	rig_large(old, "rewritten", 20 * SYNC_BLOCK_LEN, 1);
	rig_copy(old, r.leader);
	rig_run("cd '%s' && rm -r becomes-file becomes-directory gone && chmod 4711 attributes && "
		"chown 1:2 attributes",
		r.leader);
	rig_text(r.leader, "becomes-file", "y");
	rig_directory(r.leader, "becomes-directory");
	rig_symlink(r.leader, "becomes-directory/link", "to");
	rig_directory(r.leader, "whole");
	rig_directory(r.leader, "whole/below");
	rig_text(r.leader, "whole/file", "z");
	rig_text(r.leader, "whole/below/file", "z");
	rig_symlink(r.leader, "whole/link", "to");
	rig_text(r.leader, "unnamed/changed", "new");
	rig_touch(r.leader, "unnamed",
		  rig_stat(old, "unnamed").st_mtim.tv_sec * 1000000000ll +
			  rig_stat(old, "unnamed").st_mtim.tv_nsec);
	rig_change(r.leader, "large", 4, 3, 2);
	rig_change(r.leader, "rewritten", 0, 18, 2);
	rig_touch(r.leader, "", 1234567890000000123);
}

Test(plan_crash, a_power_failure_at_any_point_leaves_one_whole_generation, .timeout = 600)
{
	char old[128], when[64];
	char *before, *after;
	unsigned n = 0;

	snprintf(old, sizeof(old), "%s/old", r.top);
	make_both(old);
	before = rig_describe(&r, old);
	after = rig_describe(&r, r.leader);
	do {
		snprintf(when, sizeof(when), "point %u", ++n);
		put_back(old);
		r.keep_above = 0;
		r.conflicts = "4-17";
		if (!dies(n % 2 == 0, "*", n))
			break;
		expect_whole(before, after, when);
	} while (n < 1000);
	cr_expect_gt(n, 40, "so many points there are at least");
	cr_expect_lt(n, 1000);
	free(before);
	free(after);
}

/* Each of them is where somebody thought that a failure would matter. */
Test(plan_crash, each_point_is_passed, .timeout = 120)
{
	static const char *const point[] = {"stage-made",
					    "stage-directory",
					    "moved",
					    "stage-created",
					    "stage-written",
					    "stage-done",
					    "stage-link",
					    "content-created",
					    "content-written",
					    "content-filled",
					    "content-done",
					    "conflict",
					    "kept",
					    "staged",
					    "journal",
					    "removed",
					    "made",
					    "way-cleared",
					    "renamed",
					    "block",
					    "blocks",
					    "changed",
					    "directory",
					    "applied",
					    "synced",
					    "journal-kept",
					    "journal-unlinked",
					    "journal-gone"};
	char old[128];

	snprintf(old, sizeof(old), "%s/old", r.top);
	make_both(old);
	for (size_t i = 0; i < sizeof(point) / sizeof(*point); i++) {
		put_back(old);
		r.keep_above = 0;
		r.conflicts = "4-17";
		cr_expect(dies(true, point[i], 1), "%s", point[i]);
	}
}

/* A recovery that is cut short itself, again and again. */
Test(plan_crash, a_power_failure_in_the_recovery_too, .timeout = 240)
{
	char old[128];
	char *before, *after;

	snprintf(old, sizeof(old), "%s/old", r.top);
	make_both(old);
	before = rig_describe(&r, old);
	after = rig_describe(&r, r.leader);
	put_back(old);
	cr_assert(dies(true, "journal", 1));
	for (unsigned n = 1; n < 1000; n++) {
		char what[32];
		int status = 0;
		pid_t child = fork();

		snprintf(what, sizeof(what), "*:%u", n);
		if (child == 0) {
			fault_arm(what);
			_exit(recover() == 1 ? 0 : 1);
		}
		cr_assert_eq(waitpid(child, &status, 0), child);
		if (WIFEXITED(status)) {
			cr_expect_leq(WEXITSTATUS(status), 1);
			break;
		}
	}
	expect_whole(after, after, "after all of them");
	free(before);
	free(after);
}

Test(plan_crash, any_two_generations_at_a_random_point, .timeout = 600)
{
	char old[128], when[64];

	snprintf(old, sizeof(old), "%s/old", r.top);
	for (unsigned seed = 1; seed <= 40; seed++) {
		unsigned s = seed;
		char *before, *after;

		rig_run("rm -rf '%s' && mkdir '%s'", old, old);
		rig_wipe(r.leader);
		rig_random(old, 2 * seed);
		rig_random(r.leader, 2 * seed + 1);
		before = rig_describe(&r, old);
		after = rig_describe(&r, r.leader);
		put_back(old);
		snprintf(when, sizeof(when), "seed %u", seed);
		dies(seed % 2 == 0, "*", 1 + rig_next(&s) % 300);
		expect_whole(before, after, when);
		free(before);
		free(after);
	}
}

#endif
