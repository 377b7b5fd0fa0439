/* Commands that behave and such that do not, with real processes. Times are short, and nothing is asserted about
 * them: each test waits for what must come, and then looks that nothing is left in the command's group. */
#include "agent/command.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SOON_MS = 200,   /* of those that are to run out of time */
	PATIENCE_S = 60, /* before a test is given up */
};

static struct loop loop;
static struct command command;
static unsigned ended;
static pid_t group;

static void on_done(void *arg, struct command *c)
{
	cr_assert_eq(c, &command);
	cr_assert_eq(arg, &ended);
	ended++;
}

static void on_timer(void *arg, ha_time now)
{
	(void)arg;
	command_timer(&command, now);
}

static void setup(void)
{
	alarm(PATIENCE_S);
	cr_assert_eq(loop_init(&loop, on_timer, NULL), 0);
	command_init(&command, &loop, on_done, &ended);
}

static void teardown(void)
{
	loop_close(&loop);
}

TestSuite(command, .init = setup, .fini = teardown);

static char *const no_environment[] = {NULL};

static void start(const char *line, ha_time timeout)
{
	cr_assert_eq(command_start(&command, line, NULL, no_environment, timeout, loop_now()), 0);
	cr_assert(command_running(&command));
	group = command.pid;
}

static void step(void)
{
	loop_arm(&loop, command_deadline(&command));
	cr_assert_eq(loop_run_once(&loop), 0);
}

static void wait_for_end(void)
{
	unsigned before = ended;

	while (ended == before)
		step();
	cr_assert_eq(ended, before + 1);
}

/* Those that were killed are the init process's to reap. */
static void expect_group_empty(void)
{
	while (kill(-group, 0) == 0)
		usleep(1000);
	cr_assert_eq(errno, ESRCH);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is left");
	cr_assert_eq(command.pidfd, -1);
	cr_assert_eq(command.output, -1);
	cr_assert_eq(command_deadline(&command), HA_NEVER);
}

static void run(const char *line, ha_time timeout)
{
	start(line, timeout);
	wait_for_end();
	cr_assert_not(command_running(&command));
	expect_group_empty();
}

static void expect_output(const char *want)
{
	char text[COMMAND_OUTPUT_MAX];

	command_output(&command, text, sizeof(text));
	cr_expect_str_eq(text, want);
}

static const char *output(void)
{
	static char text[COMMAND_OUTPUT_MAX];

	command_output(&command, text, sizeof(text));
	return text;
}

Test(command, exit_status_zero_has_passed_and_its_output_is_caught)
{
	run("echo well; echo quite well >&2", HA_SEC * 30);
	cr_expect_eq(command.outcome, COMMAND_PASSED);
	cr_expect_eq(command.status, 0);
	cr_expect_geq(command.took, 0);
	expect_output("well quite well");
}

Test(command, another_exit_status_has_failed)
{
	run("exit 3", HA_SEC * 30);
	cr_expect_eq(command.outcome, COMMAND_FAILED);
	cr_expect_eq(command.status, 3);
	expect_output("");
}

Test(command, one_that_is_killed_by_a_signal_has_failed_by_it)
{
	run("kill -SEGV $$", HA_SEC * 30);
	cr_expect_eq(command.outcome, COMMAND_FAILED);
	cr_expect_eq(command.status, -SIGSEGV);
}

Test(command, one_that_is_not_there_or_no_program_is_missing)
{
	run("/nowhere/analyzer --check", HA_SEC * 30);
	cr_expect_eq(command.outcome, COMMAND_MISSING);
	cr_expect_eq(command.status, 127);
	run("/etc/passwd", HA_SEC * 30);
	cr_expect_eq(command.outcome, COMMAND_MISSING);
	cr_expect_eq(command.status, 126);
}

Test(command, it_runs_in_a_world_of_its_own)
{
	char parent[32], *const environment[] = {parent, NULL};

	snprintf(parent, sizeof(parent), "OUTSIDE=%d", (int)getsid(0));
	cr_assert_geq(open("/dev/zero", O_RDONLY), 0, "not closed on exec: it would be inherited");
	signal(SIGTERM, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	cr_assert_eq(setenv("LEAK", "x", 1), 0);
	cr_assert_eq(command_start(&command,
				   "cat; echo ${1-none} ${LEAK-none} $(umask) $(pwd); "
				   "ls /proc/self/fd | tr '\\n' ,; "
				   "set -- $(cat /proc/$$/stat); echo $(($6 == $$)) $(($5 == $$)); "
				   "grep -E 'SigIgn|SigBlk' /proc/$$/status | tr -d '\\t\\n' | "
				   "sed s/[01][08]0000000\\$/000000000/",
				   NULL, environment, HA_SEC * 30, loop_now()),
		     0);
	wait_for_end();
	/* Descriptor 3 is that of ls itself. Signals 32 and 33 are the C library's own: whoever started this test may
	 * have left them ignored, and no program can say otherwise. */
	expect_output(
		"none none 0022 / 0,1,2,3,1 1 SigBlk:0000000000000000SigIgn:0000000000000000");
}

Test(command, environment_and_argument_are_passed_as_they_are)
{
	char one[] = "ONE=a b; echo no", *const environment[] = {one, NULL};

	cr_assert_eq(command_start(&command, "printf '%s|' \"$ONE\" \"$1\" \"${PATH%%:*}\" $LANG",
				   "$(echo no) 'x", environment, HA_SEC * 30, loop_now()),
		     0);
	wait_for_end();
	cr_expect_eq(command.outcome, COMMAND_PASSED);
	expect_output("a b; echo no|$(echo no) 'x|/usr/local/sbin|C.UTF-8|");
}

Test(command, one_that_hangs_is_out_of_time)
{
	run("sleep 1000", SOON_MS * HA_MS);
	cr_expect_eq(command.outcome, COMMAND_TIMEOUT);
	cr_expect_eq(command.status, -SIGTERM);
}

Test(command, one_that_ignores_sigterm_is_killed)
{
	run("trap '' TERM; echo on; while :; do sleep 1000; done", SOON_MS * HA_MS);
	cr_expect_eq(command.outcome, COMMAND_TIMEOUT);
	cr_expect_eq(command.status, -SIGKILL);
	expect_output("on");
}

Test(command, one_that_ends_well_but_late_is_out_of_time)
{
	run("trap 'exit 0' TERM; sleep 1000 & wait", SOON_MS * HA_MS);
	cr_expect_eq(command.outcome, COMMAND_TIMEOUT);
	cr_expect_eq(command.status, 0);
}

Test(command, one_that_stops_itself_is_killed)
{
	run("kill -STOP $$", SOON_MS * HA_MS);
	cr_expect_eq(command.outcome, COMMAND_TIMEOUT);
	cr_expect_eq(command.status, -SIGKILL);
}

Test(command, a_flood_is_read_and_only_its_end_is_kept)
{
	run("yes 0123456789 | head -c 3000000; printf '\\033[31mthe \\377end'", HA_SEC * 30);
	cr_expect_eq(command.outcome, COMMAND_PASSED);
	cr_expect_eq(command.text_n, 3000000 + 13);
	cr_expect_leq(strlen(output()), COMMAND_OUTPUT_MAX - 1);
	cr_expect(strstr(output(), "0123456789 012 [31mthe end") != NULL, "%s", output());
}

Test(command, a_flood_without_an_end_runs_out_of_time)
{
	run("yes", SOON_MS * HA_MS);
	cr_expect_eq(command.outcome, COMMAND_TIMEOUT);
	cr_expect_gt(command.text_n, COMMAND_OUTPUT_MAX);
}

Test(command, what_it_leaves_behind_in_its_group_is_killed)
{
	run("sleep 1000 & (trap '' TERM HUP; sleep 1000) & exit 0", HA_SEC * 30);
	cr_expect_eq(command.outcome, COMMAND_PASSED);
}

/* It keeps the pipe open, and nobody waits for that. */
Test(command, what_escaped_into_another_session_holds_nothing_up)
{
	pid_t escaped;

	run("setsid sh -c 'echo $$; exec sleep 1000' & "
	    "until grep -q sleep /proc/$!/comm; do :; done; exit 4",
	    HA_SEC * 30);
	cr_expect_eq(command.outcome, COMMAND_FAILED);
	cr_expect_eq(command.status, 4);
	escaped = (pid_t)atoi(output());
	cr_assert_gt(escaped, 1, "%s", output());
	cr_assert_eq(kill(escaped, SIGKILL), 0);
}

Test(command, one_that_closes_its_output_goes_on)
{
	start("exec >&- 2>&-; sleep 0.2; exit 5", HA_SEC * 30);
	wait_for_end();
	cr_expect_eq(command.outcome, COMMAND_FAILED);
	cr_expect_eq(command.status, 5);
	expect_group_empty();
	run("exec >&- 2>&-; sleep 1000", SOON_MS * HA_MS);
	cr_expect_eq(command.outcome, COMMAND_TIMEOUT);
}

Test(command, killed_by_its_owner_it_is_reaped_and_not_reported)
{
	start("trap '' TERM; sleep 1000", HA_SEC * 30);
	command_kill(&command);
	cr_assert_not(command_running(&command));
	while (command.phase != COMMAND_IDLE)
		step();
	expect_group_empty();
	cr_assert_eq(ended, 0);
	run("exit 0", HA_SEC * 30);
	cr_expect_eq(command.outcome, COMMAND_PASSED);
}

Test(command, started_and_killed_at_once_nothing_is_left)
{
	for (int i = 0; i < 50; i++) {
		start("sleep 1000 & sleep 1000", HA_SEC * 30);
		command_kill(&command);
		while (command.phase != COMMAND_IDLE)
			step();
		expect_group_empty();
	}
	cr_assert_eq(ended, 0);
}

/* A process that waits for a disk does not die. Its end is kept from being seen here: the loop does not run. */
Test(command, one_that_cannot_be_killed_is_reported_and_its_place_stays_taken)
{
	ha_time now = loop_now();

	start("sleep 1000", SOON_MS * HA_MS);
	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(ended, 0);
		now += SOON_MS * HA_MS + COMMAND_MERCY;
		command_timer(&command, now);
	}
	cr_assert_eq(ended, 1);
	cr_expect_eq(command.outcome, COMMAND_TIMEOUT);
	cr_expect_not(command_running(&command));
	cr_expect_eq(command_deadline(&command), HA_NEVER);
	cr_assert_eq(command_start(&command, "exit 0", NULL, no_environment, HA_SEC, now), -EBUSY);
	while (command.phase != COMMAND_IDLE)
		step();
	cr_assert_eq(ended, 1, "told once");
	expect_group_empty();
	run("exit 0", HA_SEC * 30);
	cr_expect_eq(command.outcome, COMMAND_PASSED);
}

static void start_again(void *arg, struct command *c)
{
	on_done(arg, c);
	if (ended == 1)
		start("exit 9", HA_SEC * 30);
}

Test(command, it_may_be_started_anew_as_soon_as_it_has_ended)
{
	command_init(&command, &loop, start_again, &ended);
	start("exit 0", HA_SEC * 30);
	while (ended < 2)
		step();
	cr_expect_eq(command.status, 9);
	expect_group_empty();
}

/* The pipe needs two; what is free again when the child has its end does for the pidfd. */
Test(command, where_no_descriptor_is_left_none_is_started)
{
	const struct rlimit limit = {.rlim_cur = 64, .rlim_max = 64};
	int fds[64], n = 0, failures = 0, error;

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n++;
	while ((error = command_start(&command, "exit 0", NULL, no_environment, HA_SEC * 30,
				      loop_now())) != 0) {
		cr_assert_eq(error, -EMFILE);
		cr_assert_not(command_running(&command));
		cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is left");
		close(fds[--n]);
		failures++;
	}
	cr_assert_eq(failures, 2);
	wait_for_end();
	cr_assert_eq(command.outcome, COMMAND_PASSED, "%s", output());
}

/* The one who runs it is killed: the kernel takes the command with it. */
Test(command, it_ends_with_the_process_that_runs_it)
{
	pid_t steward;
	int said[2];

	cr_assert_eq(pipe(said), 0);
	steward = fork();
	cr_assert_geq(steward, 0);
	if (steward == 0) {
		start("echo on; exec sleep 1000", HA_SEC * 30);
		while (command.text_n == 0)
			step();
		if (write(said[1], &command.pid, sizeof(command.pid)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	cr_assert_eq(read(said[0], &group, sizeof(group)), (ssize_t)sizeof(group));
	cr_assert_eq(kill(group, 0), 0);
	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	cr_assert_eq(kill(steward, SIGKILL), 0);
	cr_assert_eq(waitpid(steward, NULL, 0), steward);
	cr_assert_eq(waitpid(group, NULL, 0), group);
	cr_assert_eq(kill(group, 0), -1);
}

Test(command, outcomes_have_names)
{
	cr_assert_str_eq(command_outcome_name(COMMAND_NONE), "none");
	cr_assert_str_eq(command_outcome_name(COMMAND_PASSED), "passed");
	cr_assert_str_eq(command_outcome_name(COMMAND_FAILED), "failed");
	cr_assert_str_eq(command_outcome_name(COMMAND_MISSING), "missing");
	cr_assert_str_eq(command_outcome_name(COMMAND_TIMEOUT), "timeout");
	cr_assert_str_eq(command_outcome_name(COMMAND_UNSTARTED), "unstarted");
	cr_assert_str_eq(command_outcome_name(COMMAND_OUTCOME_N), "?");
}
