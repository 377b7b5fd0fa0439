/* The commands of the settings and the hook settings-applied, with a real shell in a directory of their own. Each writes
 * what it is told into the file "said"; the tests wait for ends, never for durations. */
#include "agent/settings.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PATIENCE_S = 60, /* before a test is given up */
	ANSWERS_MAX = 64,
};

static char directory[64], file[128];
static struct config config;
static struct loop loop;
static struct settings settings;
static struct ipc_message answer[ANSWERS_MAX];
static unsigned answers;
static bool forgets; /* who is told is gone */

static void on_ran(void *arg, const struct ipc_message *message)
{
	cr_assert_eq(arg, &answers);
	cr_assert_lt(answers, ANSWERS_MAX);
	cr_assert_eq(message->type, IPC_RAN);
	cr_assert(settings_valid(&config, message));
	answer[answers++] = *message;
	if (forgets)
		settings_forget(&settings);
}

static void on_timer(void *arg, ha_time now)
{
	(void)arg;
	settings_timer(&settings, now);
}

static const char *name_in(const char *name)
{
	snprintf(file, sizeof(file), "%s/%s", directory, name);
	return file;
}

static void add_path(const char *path)
{
	struct config_settings *section = &config.settings[config.settings_n - 1];

	if (section->path_n++ == 0)
		section->path_first = config.path_n;
	snprintf(config.path[config.path_n++], ROOTS_NAME_MAX, "%s", path);
}

/* "": no such command. */
static struct config_settings *add_section(const char *export, const char *import)
{
	struct config_settings *section = &config.settings[config.settings_n++];

	cr_assert_leq(config.settings_n, CONFIG_SETTINGS_MAX);
	if (export[0] != '\0')
		snprintf(section->export_command, CONFIG_COMMAND_MAX, "cd '%s'; %s", directory,
			 export);
	if (import[0] != '\0')
		snprintf(section->import_command, CONFIG_COMMAND_MAX, "cd '%s'; %s", directory,
			 import);
	section->command_timeout = 30 * HA_SEC;
	return section;
}

static void setup(void)
{
	alarm(PATIENCE_S);
	snprintf(directory, sizeof(directory), "%s/haagent-settings-XXXXXX", P_tmpdir);
	cr_assert(mkdtemp(directory) != NULL);
	snprintf(config.hooks, sizeof(config.hooks), "%s", directory);
	config.hook_timeout = 30 * HA_SEC;
	cr_assert_eq(loop_init(&loop, on_timer, NULL), 0);
	settings_init(&settings, &config, &loop, on_ran, &answers);
}

static void teardown(void)
{
	static const char *const made[] = {"settings-applied", "said", "go", "elsewhere"};

	settings_close(&settings);
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		unlink(name_in(made[i]));
	cr_assert_eq(rmdir(directory), 0);
	loop_close(&loop);
}

TestSuite(settings, .init = setup, .fini = teardown);

static void script(const char *name, const char *body, mode_t mode)
{
	int fd = open(name_in(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	dprintf(fd, "#!/bin/sh\ncd '%s'\n%s\n", directory, body);
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
}

static const char *said(void)
{
	static char text[8192];
	int fd = open(name_in("said"), O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	cr_assert_geq(n, 0);
	text[n] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static struct ipc_message run_of(unsigned section, bool import)
{
	struct ipc_message run;

	memset(&run, 0, sizeof(run));
	run.type = IPC_RUN;
	run.u.run.section = (uint8_t)section;
	run.u.run.import = import;
	return run;
}

static void ask(unsigned section, bool import)
{
	const struct ipc_message run = run_of(section, import);

	settings_run(&settings, &run, loop_now());
}

static void ask_export(unsigned section)
{
	ask(section, false);
}

static void ask_import(unsigned section)
{
	ask(section, true);
}

static void ask_applied(void)
{
	ask(IPC_RUN_APPLIED, true);
}

static void step(void)
{
	loop_arm(&loop, settings_deadline(&settings));
	cr_assert_eq(loop_run_once(&loop), 0);
}

static void run_all(void)
{
	while (settings.runs || settings.waiting_n > 0)
		step();
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is left");
}

static void expect_answer(unsigned i, unsigned section, bool import, enum command_outcome outcome)
{
	cr_assert_lt(i, answers, "%u answers", answers);
	cr_expect_eq(answer[i].u.run.section, section, "answer %u", i);
	cr_expect_eq(answer[i].u.run.import, import, "answer %u", i);
	cr_expect_eq(answer[i].u.run.outcome, outcome, "answer %u", i);
}

/* Two sections and the hook, each of which says that it runs; section 0 exports only when it is told to go on. */
static void hold_first(void)
{
	add_section("echo export 0 >>said; until [ -e go ]; do sleep 0.05; done; echo ends >>said",
		    "echo import 0 >>said");
	add_section("echo export 1 >>said", "echo import 1 >>said");
	script("settings-applied", "echo applied >>said", 0755);
	ask_export(0);
	cr_assert(settings.runs);
}

static void let_go(void)
{
	script("go", "", 0600);
	run_all();
}

/* ---- what they are told ---- */

Test(settings, a_command_is_told_its_action_and_the_paths_of_its_section)
{
	add_section("", "");
	add_path("/etc/first");
	add_section("env | grep ^HAAGENT_ | sort >>said", "env | grep ^HAAGENT_ | sort >>said");
	add_path("/srv/a");
	add_path("/srv/b;$(id)");
	ask_export(1);
	ask_import(1);
	run_all();
	cr_expect_str_eq(said(), "HAAGENT_SETTINGS_ACTION=export\n"
				 "HAAGENT_SETTINGS_PATHS=/srv/a /srv/b;$(id)\n"
				 "HAAGENT_SETTINGS_ACTION=import\n"
				 "HAAGENT_SETTINGS_PATHS=/srv/a /srv/b;$(id)\n");
	cr_assert_eq(answers, 2);
	expect_answer(0, 1, false, COMMAND_PASSED);
	expect_answer(1, 1, true, COMMAND_PASSED);
}

Test(settings, settings_applied_is_told_the_paths_of_all_sections)
{
	add_section("", "");
	add_path("/etc/first");
	add_section("", "");
	add_path("/srv/a");
	add_path("/srv/b");
	script("settings-applied", "env | grep ^HAAGENT_ | sort >said; echo $# >>said", 0755);
	ask_applied();
	run_all();
	cr_expect_str_eq(said(), "HAAGENT_HOOK=settings-applied\n"
				 "HAAGENT_SETTINGS_ACTION=import\n"
				 "HAAGENT_SETTINGS_PATHS=/etc/first /srv/a /srv/b\n"
				 "0\n");
	cr_assert_eq(answers, 1);
	expect_answer(0, IPC_RUN_APPLIED, true, COMMAND_PASSED);
}

Test(settings, as_many_paths_as_there_can_be_fit_the_environment)
{
	char path[ROOTS_NAME_MAX];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	add_section("echo ${#HAAGENT_SETTINGS_PATHS} >said", "");
	for (int i = 0; i < SYNC_ROOTS_MAX; i++)
		add_path(path);
	ask_export(0);
	run_all();
	cr_expect_str_eq(said(), "4095\n", "16 of 255 bytes, 15 blanks between");
}

/* ---- one at a time, in order ---- */

Test(settings, they_run_one_at_a_time_in_the_order_in_which_they_were_asked_for)
{
	hold_first();
	ask_import(1);
	ask_applied();
	ask_export(1);
	ask_import(0);
	cr_expect_eq(answers, 0);
	let_go();
	cr_expect_str_eq(said(), "export 0\nends\nimport 1\napplied\nexport 1\nimport 0\n");
	cr_assert_eq(answers, 5);
	expect_answer(0, 0, false, COMMAND_PASSED);
	expect_answer(1, 1, true, COMMAND_PASSED);
	expect_answer(2, IPC_RUN_APPLIED, true, COMMAND_PASSED);
	expect_answer(3, 1, false, COMMAND_PASSED);
	expect_answer(4, 0, true, COMMAND_PASSED);
}

Test(settings, one_that_is_asked_for_again_while_it_waits_is_one)
{
	hold_first();
	for (int i = 0; i < 3; i++) {
		ask_import(1);
		ask_applied();
	}
	let_go();
	cr_expect_str_eq(said(), "export 0\nends\nimport 1\napplied\n");
	cr_expect_eq(answers, 3);
}

/* What has changed since it began may not be in what it writes. */
Test(settings, one_that_is_asked_for_again_while_it_runs_is_run_once_more_behind_what_waits)
{
	hold_first();
	ask_import(1);
	ask_export(0);
	ask_export(0);
	let_go();
	cr_expect_str_eq(said(), "export 0\nends\nimport 1\nexport 0\nends\n");
	cr_assert_eq(answers, 3);
	expect_answer(0, 0, false, COMMAND_PASSED);
	expect_answer(2, 0, false, COMMAND_PASSED);
}

Test(settings, all_that_there_are_can_wait_at_once)
{
	hold_first();
	while (config.settings_n < CONFIG_SETTINGS_MAX)
		add_section("true", "true");
	for (int again = 0; again < 2; again++) {
		for (unsigned i = 0; i < CONFIG_SETTINGS_MAX; i++) {
			ask_export(i);
			ask_import(i);
		}
		ask_applied();
	}
	cr_expect_eq(settings.waiting_n, SETTINGS_WAIT_MAX);
	let_go();
	cr_expect_eq(answers, 1 + SETTINGS_WAIT_MAX);
}

/* ---- what becomes of them ---- */

Test(settings, one_that_fails_is_told_with_the_end_of_its_output_and_the_next_runs)
{
	add_section("echo; printf 'database is \\033 locked\\n' >&2; exit 5", "echo import >>said");
	ask_export(0);
	ask_import(0);
	run_all();
	cr_assert_eq(answers, 2);
	expect_answer(0, 0, false, COMMAND_FAILED);
	cr_expect_eq(answer[0].u.run.status, 5);
	cr_expect_str_eq(answer[0].u.run.output, "database is locked");
	expect_answer(1, 0, true, COMMAND_PASSED);
	cr_expect_eq(answer[1].u.run.status, 0);
	cr_expect_str_eq(answer[1].u.run.output, "");
	cr_expect_str_eq(said(), "import\n");
}

Test(settings, one_that_a_signal_ends_has_failed)
{
	add_section("kill -SEGV $$", "");
	ask_export(0);
	run_all();
	expect_answer(0, 0, false, COMMAND_FAILED);
	cr_expect_eq(answer[0].u.run.status, -SIGSEGV);
}

Test(settings, one_that_hangs_is_ended_with_its_children_and_the_next_runs)
{
	pid_t pid;

	add_section("trap '' TERM; echo on; sleep 1000 & wait; sleep 1000", "echo import >>said")
		->command_timeout = 200 * HA_MS;
	ask_export(0);
	ask_import(0);
	pid = settings.command.pid;
	run_all();
	cr_assert_eq(answers, 2);
	expect_answer(0, 0, false, COMMAND_TIMEOUT);
	cr_expect_str_eq(answer[0].u.run.output, "on");
	cr_expect_geq(answer[0].u.run.took_ms, 200, "it was given its time");
	expect_answer(1, 0, true, COMMAND_PASSED);
	cr_expect_str_eq(said(), "import\n");
	while (kill(-pid, 0) == 0)
		usleep(1000);
	cr_expect_eq(errno, ESRCH);
}

Test(settings, each_section_has_a_time_of_its_own_and_settings_applied_that_of_the_hooks)
{
	add_section("sleep 1000", "")->command_timeout = 200 * HA_MS;
	add_section("until [ -e go ]; do sleep 0.05; done", "");
	script("settings-applied", "sleep 1000", 0755);
	config.hook_timeout = 300 * HA_MS;
	ask_export(0);
	cr_expect_eq(settings_deadline(&settings), settings.command.started + 200 * HA_MS);
	ask_applied();
	ask_export(1);
	while (answers < 1)
		step();
	expect_answer(0, 0, false, COMMAND_TIMEOUT);
	cr_assert_eq(settings_deadline(&settings), settings.command.started + 300 * HA_MS);
	while (answers < 2)
		step();
	expect_answer(1, IPC_RUN_APPLIED, true, COMMAND_TIMEOUT);
	cr_expect_eq(settings_deadline(&settings), settings.command.started + 30 * HA_SEC);
	let_go();
	expect_answer(2, 1, false, COMMAND_PASSED);
}

Test(settings, one_that_floods_is_read_to_its_end)
{
	add_section("seq 1 200000; echo that is all", "");
	ask_export(0);
	run_all();
	expect_answer(0, 0, false, COMMAND_PASSED);
	cr_expect(strstr(answer[0].u.run.output, " 200000 that is all") != NULL, "%s",
		  answer[0].u.run.output);
	cr_expect_eq(strlen(answer[0].u.run.output), sizeof(answer[0].u.run.output) - 1);
}

Test(settings, one_that_is_not_configured_is_missing_at_once)
{
	hold_first();
	add_section("", "true");
	add_section("true", "");
	ask_export(2);
	cr_assert_eq(answers, 1, "though another runs");
	expect_answer(0, 2, false, COMMAND_MISSING);
	cr_expect_str_eq(answer[0].u.run.output, "no such command is configured");
	ask_import(3);
	cr_assert_eq(answers, 2);
	expect_answer(1, 3, true, COMMAND_MISSING);
	let_go();
	cr_expect_eq(answers, 3);
}

Test(settings, one_that_names_no_program_is_missing)
{
	add_section("/nowhere/db-export", "");
	ask_export(0);
	run_all();
	expect_answer(0, 0, false, COMMAND_MISSING);
	cr_expect_eq(answer[0].u.run.status, 127);
	cr_expect(strstr(answer[0].u.run.output, "/nowhere/db-export") != NULL);
}

/* What not even SIGKILL ends would be a disk's; one whose end has not been looked at stands for it. */
Test(settings, one_that_is_stuck_holds_up_the_next_and_loses_none)
{
	hold_first();
	while (said()[0] == '\0')
		usleep(1000);
	command_kill(&settings.command);
	cr_assert_eq(settings.command.phase, COMMAND_STUCK);
	settings.command.outcome = COMMAND_TIMEOUT;
	settings.command.done(settings.command.arg, &settings.command);
	cr_assert_eq(answers, 1);
	expect_answer(0, 0, false, COMMAND_TIMEOUT);
	ask_import(0);
	ask_import(1);
	cr_expect_not(settings.runs);
	cr_expect_neq(settings_deadline(&settings), HA_NEVER);
	run_all();
	cr_expect_str_eq(said(), "export 0\nimport 0\nimport 1\n");
	cr_assert_eq(answers, 3);
	expect_answer(1, 0, true, COMMAND_PASSED);
	expect_answer(2, 1, true, COMMAND_PASSED);
}

/* ---- the hook ---- */

Test(settings, without_settings_applied_nothing_is_amiss)
{
	ask_applied();
	cr_assert_eq(answers, 1, "there is nothing to wait for");
	expect_answer(0, IPC_RUN_APPLIED, true, COMMAND_PASSED);
	config.hooks[0] = '\0';
	ask_applied();
	expect_answer(1, IPC_RUN_APPLIED, true, COMMAND_PASSED);
	snprintf(config.hooks, sizeof(config.hooks), "/nowhere/hooks");
	ask_applied();
	expect_answer(2, IPC_RUN_APPLIED, true, COMMAND_PASSED);
	cr_expect_not(settings.runs);
}

static void expect_refused(const char *why)
{
	ask_applied();
	run_all();
	expect_answer(answers - 1, IPC_RUN_APPLIED, true, COMMAND_MISSING);
	cr_expect_str_eq(answer[answers - 1].u.run.output, why);
	cr_expect_str_eq(said(), "");
}

Test(settings, a_settings_applied_that_others_could_have_written_is_told_of_and_not_run)
{
	script("settings-applied", "echo run >>said", 0644);
	expect_refused("not executable");
	script("settings-applied", "echo run >>said", 0775);
	expect_refused("others than root can write it");
	script("settings-applied", "echo run >>said", 0755);
	cr_assert_eq(chmod(directory, 0777), 0);
	expect_refused("others than root can write in the directory");
	cr_assert_eq(chmod(directory, 0700), 0);
	cr_assert_eq(unlink(name_in("settings-applied")), 0);
	script("elsewhere", "echo run >>said", 0755);
	cr_assert_eq(symlink("elsewhere", name_in("settings-applied")), 0);
	expect_refused("not a regular file");
	cr_expect_eq(answers, 4);
}

Test(settings, a_settings_applied_that_fails_is_told)
{
	script("settings-applied", "echo no reload; exit 9", 0755);
	ask_applied();
	run_all();
	expect_answer(0, IPC_RUN_APPLIED, true, COMMAND_FAILED);
	cr_expect_eq(answer[0].u.run.status, 9);
	cr_expect_str_eq(answer[0].u.run.output, "no reload");
}

/* ---- who asks goes ---- */

Test(settings, what_nobody_waits_for_any_more_is_not_begun_and_what_runs_ends)
{
	hold_first();
	ask_import(1);
	ask_applied();
	settings_forget(&settings);
	let_go();
	cr_expect_str_eq(said(), "export 0\nends\n");
	cr_expect_eq(answers, 0);
}

Test(settings, a_successor_is_answered_what_it_asks_for_and_no_more)
{
	hold_first();
	ask_import(0);
	settings_forget(&settings);
	ask_import(1);
	ask_export(0);
	let_go();
	cr_expect_str_eq(said(), "export 0\nends\nimport 1\nexport 0\nends\n");
	cr_assert_eq(answers, 2);
	expect_answer(0, 1, true, COMMAND_PASSED);
	expect_answer(1, 0, false, COMMAND_PASSED);
}

/* It is found out by telling it something. */
Test(settings, one_that_goes_while_it_is_told_leaves_nothing_waiting)
{
	hold_first();
	ask_import(1);
	ask_applied();
	forgets = true;
	let_go();
	cr_expect_str_eq(said(), "export 0\nends\n");
	cr_expect_eq(answers, 1);
	forgets = false;
	ask_import(0);
	run_all();
	cr_assert_eq(answers, 2);
	expect_answer(1, 0, true, COMMAND_PASSED);
}

Test(settings, a_successor_waits_for_one_that_is_stuck_as_well)
{
	hold_first();
	while (said()[0] == '\0')
		usleep(1000);
	command_kill(&settings.command);
	settings.command.done(settings.command.arg, &settings.command);
	ask_import(0);
	settings_forget(&settings);
	cr_expect_eq(settings_deadline(&settings), HA_NEVER, "nothing waits");
	ask_import(1);
	run_all();
	cr_expect_str_eq(said(), "export 0\nimport 1\n");
	cr_expect_eq(answers, 2);
}

Test(settings, closed_they_leave_nothing_behind)
{
	pid_t pid;

	hold_first();
	ask_import(1);
	pid = settings.command.pid;
	settings_close(&settings);
	cr_expect_eq(settings_deadline(&settings), HA_NEVER);
	while (waitpid(pid, NULL, 0) < 0)
		;
	while (kill(-pid, 0) == 0)
		usleep(1000);
	cr_expect_eq(errno, ESRCH);
	cr_expect_eq(answers, 0);
}

/* ---- what may be asked for ---- */

static bool valid(unsigned section, uint8_t import)
{
	struct ipc_message run = run_of(section, false);

	memcpy(&run.u.run.import, &import, 1);
	return settings_valid(&config, &run);
}

Test(settings, only_sections_that_there_are_and_settings_applied_can_be_asked_for)
{
	cr_expect_not(valid(0, 0), "there is none");
	add_section("true", "true");
	add_section("true", "true");
	cr_expect(valid(0, 0) && valid(0, 1) && valid(1, 0) && valid(1, 1));
	for (unsigned section = 2; section < IPC_RUN_APPLIED; section++)
		cr_expect(!valid(section, 0) && !valid(section, 1), "section %u", section);
	cr_expect(valid(IPC_RUN_APPLIED, 1));
	cr_expect_not(valid(IPC_RUN_APPLIED, 0), "it is no export");
	cr_expect_not(valid(0, 2));
	cr_expect_not(valid(IPC_RUN_APPLIED, 255));
}

Test(settings, each_has_a_name)
{
	struct ipc_message run = run_of(0, false);

	cr_expect_str_eq(settings_name(&run), "export");
	run = run_of(3, true);
	cr_expect_str_eq(settings_name(&run), "import");
	run = run_of(IPC_RUN_APPLIED, true);
	cr_expect_str_eq(settings_name(&run), "settings-applied");
}
