/* plan_tree.c - directories that are new as a whole: staged as they will be, and renamed once. */
#include "plan_rig.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/sync/fault.h"

enum {
	MIB = 1 << 20,
};

static struct rig r;

static void setup(void)
{
	rig_open(&r, 64 * MIB);
}

static void teardown(void)
{
	rig_close(&r);
}

TestSuite(plan_tree, .init = setup, .fini = teardown);

/* Two levels, of every kind something: small, empty, large, a link, a directory without anything. */
static void make_new(void)
{
	rig_directory(r.leader, "new");
	rig_directory(r.leader, "new/below");
	rig_directory(r.leader, "new/empty");
	rig_text(r.leader, "new/a", "x");
	rig_text(r.leader, "new/nothing", "");
	rig_text(r.leader, "new/below/b", "y");
	rig_large(r.leader, "new/below/large", 3 * SYNC_BLOCK_LEN, 1);
	rig_symlink(r.leader, "new/below/link", "../a");
	rig_run("chmod 2751 '%s/new/below' && chown 1:2 '%s/new' '%s/new/below/b' && chmod 4640 "
		"'%s/new/below/b'",
		r.leader, r.leader, r.leader, r.leader);
}

static void fetch(void)
{
	rig_begin(&r, true);
	cr_assert_eq(rig_feed(&r), 0, "%s", r.reason);
}

static void expect_committed(void)
{
	cr_assert_eq(rig_commit(&r), 0, "%s", r.reason);
	cr_expect(rig_same(&r));
	cr_expect(rig_index_true(&r));
	rig_run("test -z \"$(ls -A '%s/" ROOTS_STAGE "')\"", r.here);
}

/* Where in the stage: found by one of its names. */
static void find_staged(const char *name, char out[256])
{
	char command[512];
	FILE *f;

	snprintf(command, sizeof(command), "cd '%s' && find " ROOTS_STAGE " -name '%s'", r.here,
		 name);
	f = popen(command, "r");
	cr_assert(f != NULL && fgets(out, 256, f) != NULL, "%s is not staged", name);
	out[strcspn(out, "\n")] = '\0';
	pclose(f);
}

Test(plan_tree, what_is_in_it_is_never_renamed)
{
	struct stat file, below;
	char path[256];

	make_new();
	fetch();
	find_staged("b", path);
	file = rig_stat(r.here, path);
	*strrchr(path, '/') = '\0';
	below = rig_stat(r.here, path);
	cr_expect_str_eq(strrchr(path, '/'), "/below");
	expect_committed();
	cr_expect_eq(rig_stat(r.here, "new/below/b").st_ino, file.st_ino);
	cr_expect_eq(rig_stat(r.here, "new/below/b").st_ctim.tv_nsec, file.st_ctim.tv_nsec,
		     "a rename would show");
	cr_expect_eq(rig_stat(r.here, "new/below").st_ino, below.st_ino);
}

Test(plan_tree, it_may_be_deeper_than_directories_are_nested_in_the_stage)
{
	char path[256] = "0";

	for (unsigned i = 1; i <= 20; i++) {
		rig_directory(r.leader, path);
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "/f");
		rig_text(r.leader, path, "x");
		path[strlen(path) - 1] = '0';
	}
	fetch();
	expect_committed();
}

Test(plan_tree, it_may_be_in_one_that_is_there_and_beside_others)
{
	rig_directory(r.leader, "old");
	rig_text(r.leader, "old/file", "x");
	rig_copy(r.leader, r.here);
	rig_restart(&r);
	for (unsigned i = 0; i < 3; i++) {
		char path[32];

		snprintf(path, sizeof(path), "old/new%u", i);
		rig_directory(r.leader, path);
		snprintf(path, sizeof(path), "old/new%u/file", i);
		rig_text(r.leader, path, "y");
	}
	rig_text(r.leader, "old/file", "changed");
	fetch();
	expect_committed();
}

Test(plan_tree, what_was_staged_in_it_is_found_again)
{
	make_new();
	fetch();
	rig_restart(&r);
	fetch();
	cr_expect_eq(r.wants, 0);
	expect_committed();
}

/* Else it would get into the settings: a rename takes all along. */
Test(plan_tree, what_an_earlier_plan_left_in_it_is_not_taken_along)
{
	make_new();
	rig_directory(r.leader, "new/gone");
	rig_text(r.leader, "new/gone/file", "x");
	rig_text(r.leader, "new/below/gone", "x");
	rig_text(r.leader, "new/file-then", "x");
	rig_directory(r.leader, "new/directory-then");
	rig_text(r.leader, "new/directory-then/file", "x");
	fetch();
	rig_restart(&r);
	rig_run("cd '%s/new' && rm -r gone below/gone file-then directory-then", r.leader);
	rig_text(r.leader, "new/directory-then", "a file now");
	rig_directory(r.leader, "new/file-then");
	rig_text(r.leader, "new/file-then/file", "y");
	rig_text(r.leader, "new/a", "z");
	fetch();
	cr_expect_eq(r.wants, 3);
	expect_committed();
}

/* Without a plan for it it goes, with all that is in it. */
Test(plan_tree, one_that_is_not_wanted_any_more_leaves_the_stage)
{
	make_new();
	fetch();
	rig_restart(&r);
	rig_run("rm -r '%s/new'", r.leader);
	rig_text(r.leader, "other", "x");
	rig_touch(r.leader, "", INT64_C(1000000000000000000));
	fetch();
	expect_committed();
}

/* What the leader says of a name, in a list that follows. */
static void say_gone(const char *path)
{
	struct sync_entry gone = {.path = path, .path_len = (uint16_t)strlen(path)};
	struct sync_want want;

	cr_assert_eq(plan_entry(r.plan, &gone, &want), 0);
}

Test(plan_tree, it_may_become_a_file_before_the_commit_and_a_directory_again)
{
	static const char *const all[] = {
		"new",       "new/a",       "new/nothing",    "new/empty",
		"new/below", "new/below/b", "new/below/link", "new/below/large"};

	make_new();
	fetch();
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		say_gone(all[i]);
	rig_run("rm -r '%s/new'", r.leader);
	rig_text(r.leader, "new", "a file");
	cr_assert_eq(rig_entry(&r, "new"), 0);
	rig_run("rm '%s/new'", r.leader);
	rig_directory(r.leader, "new");
	rig_text(r.leader, "new/a", "other");
	cr_assert_eq(rig_entry(&r, "new"), 0);
	cr_assert_eq(rig_entry(&r, "new/a"), 0);
	rig_touch(r.leader, "", INT64_C(1000000000000000000));
	cr_assert_eq(rig_entry(&r, ""), 0);
	expect_committed();
}

Test(plan_tree, its_attributes_may_change_before_the_commit)
{
	make_new();
	fetch();
	rig_run("chmod 711 '%s/new' && chmod 600 '%s/new/a'", r.leader, r.leader);
	r.wants = 0;
	cr_assert_eq(rig_entry(&r, "new"), 0);
	cr_assert_eq(rig_entry(&r, "new/a"), 0);
	cr_expect_eq(r.wants, 0);
	expect_committed();
}

/* Made here since the last scan, or left because it holds what is not synced. */
Test(plan_tree, a_directory_in_its_place_keeps_what_is_in_it)
{
	char *text;

	make_new();
	fetch();
	rig_directory(r.here, "new");
	rig_directory(r.here, "new/below");
	rig_text(r.here, "new/below/stranger", "mine");
	cr_assert_eq(rig_commit(&r), 0, "%s", r.reason);
	text = rig_read(r.here, "new/below/stranger");
	cr_expect_str_eq(text, "mine");
	free(text);
	rig_run("rm '%s/new/below/stranger'", r.here);
	rig_touch(r.here, "new/below",
		  rig_stat(r.leader, "new/below").st_mtim.tv_sec * INT64_C(1000000000) +
			  rig_stat(r.leader, "new/below").st_mtim.tv_nsec);
	cr_expect(rig_same(&r));
	rig_run("test -z \"$(ls -A '%s/" ROOTS_STAGE "')\"", r.here);
}

Test(plan_tree, a_link_in_its_place_leads_nowhere)
{
	make_new();
	fetch();
	rig_run("mkdir '%s/elsewhere' && ln -s '%s/elsewhere' '%s/new'", r.top, r.top, r.here);
	cr_assert_eq(rig_commit(&r), 0, "%s", r.reason);
	cr_expect(rig_same(&r));
	rig_run("test -z \"$(ls -A '%s/elsewhere')\"", r.top);
}

#ifdef HA_FAULT_POINTS

/* Ends where it is told to; what is in place by then somebody else may have seen, and worked on. */
static void die_at(const char *point)
{
	int status = 0;
	pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child == 0) {
		fault_arm(point);
		_exit(rig_commit(&r));
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s is passed", point);
	rig_restart(&r);
}

static void expect_recovered(void)
{
	struct lineage generation = {0};

	cr_assert_eq(plan_recover(r.plan, &generation, r.reason), 1, "%s", r.reason);
	r.lineage = generation;
	cr_expect(rig_same(&r));
	rig_run("test -z \"$(ls -A '%s/" ROOTS_STAGE "')\"", r.here);
	rig_restart(&r);
	cr_expect_eq(rig_sync(&r, true), 0, "%s", r.reason);
	cr_expect_eq(r.wants, 0);
}

Test(plan_tree, a_crash_before_it_is_renamed_is_rolled_forward)
{
	make_new();
	fetch();
	die_at("journal:1");
	expect_recovered();
}

Test(plan_tree, a_crash_after_it_was_renamed_is_rolled_forward)
{
	make_new();
	fetch();
	die_at("moved:1");
	expect_recovered();
}

/* One by one, and cut in the middle of that, too. */
Test(plan_tree, a_crash_while_it_is_filled_where_something_stood_is_rolled_forward)
{
	make_new();
	fetch();
	rig_directory(r.here, "new");
	die_at("renamed:2");
	expect_recovered();
}

#endif
