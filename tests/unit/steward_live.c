/* The steward as a process, between a guardian and an engine that the tests play: what it says, in what order, what is
 * on the disk by then, and what is left when it goes. */
#include "agent/sealed.h"
#include "agent/steward.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/addresses.h"
#include "agent/check.h"
#include "agent/ipc.h"

enum {
	PATIENCE_S = 60,
};

static char top[64];
static struct config config;
static int guardian, engine; /* the tests' ends */
static pid_t steward;

static const char *in(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static void setup(void)
{
	if (geteuid() != 0)
		cr_skip_test("the steward is root");
	alarm(PATIENCE_S);
	snprintf(top, sizeof(top), "%s/haagent-steward-XXXXXX", P_tmpdir);
	cr_assert(mkdtemp(top) != NULL);
	snprintf(config.state_directory, sizeof(config.state_directory), "%s/state", top);
	snprintf(config.hooks, sizeof(config.hooks), "%s/hooks", top);
	config.hook_timeout = 30 * HA_SEC;
	cr_assert_eq(mkdir(in("hooks"), 0755), 0);
}

static void teardown(void)
{
	char command[128];

	if (steward > 0) {
		kill(steward, SIGKILL);
		waitpid(steward, NULL, 0);
	}
	snprintf(command, sizeof(command), "rm -rf '%s' 2>/dev/null", top);
	/* What it ran is killed as well, and may write a moment longer. */
	while (system(command) != 0)
		usleep(1000);
}

TestSuite(steward_live, .init = setup, .fini = teardown);

static struct config_check *add_check(const char *name, const char *command)
{
	struct config_check *check = &config.check[config.check_n++];

	snprintf(check->name, sizeof(check->name), "%s", name);
	snprintf(check->command, sizeof(check->command), "%s", command);
	check->interval = 50 * HA_MS;
	check->timeout = check->recover_timeout = 30 * HA_SEC;
	check->fall = check->rise = 1;
	return check;
}

/* Its commands run in the tests' directory. */
static void add_section(const char *export, const char *import)
{
	struct config_settings *section = &config.settings[config.settings_n++];

	snprintf(section->export_command, CONFIG_COMMAND_MAX, "cd '%s'; %s", top, export);
	snprintf(section->import_command, CONFIG_COMMAND_MAX, "cd '%s'; %s", top, import);
	section->command_timeout = 30 * HA_SEC;
}

static void hook(const char *name, const char *body)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "hooks/%s", name);
	fd = open(in(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	cr_assert_geq(fd, 0);
	dprintf(fd, "#!/bin/sh\ncd '%s'\n%s\n", top, body);
	close(fd);
}

static void pair(int *ours, int *theirs)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
		     0);
	*ours = fcntl(ends[0], F_DUPFD_CLOEXEC, 16); /* out of the way of enum ipc_fd */
	*theirs = fcntl(ends[1], F_DUPFD_CLOEXEC, 16);
	close(ends[0]);
	close(ends[1]);
}

static void start(void)
{
	int to_guardian, to_engine, memory = sealed_make("config", &config, sizeof(config)), mute;

	cr_assert_geq(memory, 0);
	pair(&guardian, &to_guardian);
	pair(&engine, &to_engine);
	memory = fcntl(memory, F_DUPFD_CLOEXEC, 16);
	steward = fork();
	cr_assert_geq(steward, 0);
	if (steward == 0) {
		mute = open("/dev/null", O_WRONLY);
		if (dup2(mute, STDERR_FILENO) < 0 || dup2(to_guardian, IPC_FD_GUARDIAN) < 0 ||
		    dup2(memory, IPC_FD_CONFIG) < 0 || dup2(to_engine, IPC_FD_PEER) < 0)
			_exit(9);
		close_range(IPC_FD_PEER + 1, ~0U, 0);
		_exit(steward_main());
	}
	close(to_guardian);
	close(to_engine);
	close(memory);
}

static int end_status(void)
{
	int status;

	cr_assert_eq(waitpid(steward, &status, 0), steward);
	steward = 0;
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct ipc_message next(void)
{
	struct pollfd ready = {.fd = engine, .events = POLLIN};
	struct ipc_message message;

	cr_assert_eq(poll(&ready, 1, -1), 1);
	cr_assert_eq(ipc_receive(engine, &message, NULL), 1);
	return message;
}

static struct ipc_message next_of(enum ipc_type type)
{
	struct ipc_message message = next();

	while (message.type != type)
		message = next();
	return message;
}

static void say(const struct ipc_message *message)
{
	cr_assert_eq(ipc_send(engine, message), 0);
}

static void say_hello(void)
{
	const struct ipc_message hello = {.type = IPC_HELLO};

	say(&hello);
}

static void say_save(uint64_t number, const struct store_record *record)
{
	struct ipc_message save = {.type = IPC_SAVE};

	save.u.record.number = number;
	save.u.record.record = *record;
	say(&save);
}

static void say_role(uint64_t transition, enum node_role role)
{
	struct ipc_message message = {.type = IPC_ROLE};

	message.u.role.transition = transition;
	message.u.role.role = (uint8_t)role;
	say(&message);
}

static void say_run(unsigned section, bool import)
{
	struct ipc_message message = {.type = IPC_RUN};

	message.u.run.section = (uint8_t)section;
	message.u.run.import = import;
	say(&message);
}

/* HELLO, and what is answered up to the end of the history. */
static struct store_record greet(void)
{
	struct ipc_message record, history;

	say_hello();
	record = next();
	cr_assert_eq(record.type, IPC_RECORD);
	do {
		history = next();
		cr_assert_eq(history.type, IPC_HISTORY);
	} while (history.u.event.event != EVENT_NONE);
	return record.u.record.record;
}

static void new_engine(void)
{
	struct ipc_message message = {.type = IPC_ENGINE};
	int theirs;

	close(engine);
	pair(&engine, &theirs);
	cr_assert_eq(ipc_send_fd(guardian, &message, theirs), 0);
	close(theirs);
}

Test(steward_live, every_check_is_told_of_behind_the_history)
{
	struct ipc_message message;

	add_check("one", "sleep 1000");
	add_check("two", "sleep 1000")->active_only = true;
	start();
	greet();
	message = next();
	cr_assert_eq(message.type, IPC_CHECK);
	cr_expect_eq(message.u.check.index, 0);
	cr_expect_eq(message.u.check.state, CHECK_UNKNOWN);
	cr_expect_eq(message.u.check.last, COMMAND_NONE);
	message = next();
	cr_assert_eq(message.type, IPC_CHECK);
	cr_expect_eq(message.u.check.index, 1);
	cr_expect_eq(message.u.check.state, CHECK_IDLE);
}

Test(steward_live, a_check_is_told_of_when_it_changes_and_not_of_every_run)
{
	struct ipc_message message;

	add_check("analyzer", "");
	snprintf(config.check[0].command, CONFIG_COMMAND_MAX,
		 "cd %s; until [ -e go ]; do sleep 0.02; done; echo x >>runs; [ -e up ]", top);
	snprintf(config.check[0].recover, CONFIG_COMMAND_MAX,
		 "[ $HAAGENT_CHECK = analyzer ] && touch %s/up", top);
	config.check[0].recover_attempts = 1;
	start();
	greet();
	cr_assert_eq(next_of(IPC_CHECK).u.check.state, CHECK_UNKNOWN);
	cr_assert_eq(mkdir(in("go"), 0700), 0);
	message = next();
	cr_expect(message.type == IPC_CHECK && message.u.check.state == CHECK_RECOVERING);
	cr_expect_eq(message.u.check.last, COMMAND_FAILED);
	cr_expect_eq(message.u.check.status, 1);
	cr_expect_eq(message.u.check.attempts, 1);
	cr_expect_eq(message.u.check.runs, 1);
	cr_expect_eq(message.u.check.bad, 1);
	message = next();
	cr_expect(message.type == IPC_CHECK && message.u.check.state == CHECK_FAILING);
	message = next();
	cr_expect(message.type == IPC_CHECK && message.u.check.state == CHECK_PASSING);
	cr_expect_eq(message.u.check.last, COMMAND_PASSED);
	cr_expect_eq(message.u.check.attempts, 0);
	cr_expect_eq(message.u.check.runs, 2);
	/* It goes on passing: the next that is heard of it is its failure. */
	for (struct stat st = {0}; st.st_size < 10; usleep(1000))
		cr_assert_eq(stat(in("runs"), &st), 0);
	cr_assert_eq(unlink(in("up")), 0);
	message = next();
	cr_expect(message.type == IPC_CHECK && message.u.check.state == CHECK_RECOVERING);
	cr_expect_geq(message.u.check.runs, 5);
}

Test(steward_live, a_check_for_the_active_follows_the_role)
{
	struct ipc_message message, occasion = {.type = IPC_ROLE};
	bool told = false, passes = false;

	add_check("one", "exit 0")->active_only = true;
	hook("registration", "exit 0");
	start();
	greet();
	cr_assert_eq(next_of(IPC_CHECK).u.check.state, CHECK_IDLE);
	say_role(1, ROLE_STANDALONE);
	while (!told || !passes) {
		message = next();
		told |= message.type == IPC_HOOK;
		passes |= message.type == IPC_CHECK && message.u.check.state == CHECK_PASSING;
	}
	/* Not decided: as it was. */
	occasion.u.role.transition = 2;
	occasion.u.role.registration_allowed = true;
	say(&occasion);
	cr_assert_eq(next().type, IPC_HOOK);
	say_role(3, ROLE_PASSIVE);
	cr_assert_eq(next_of(IPC_CHECK).u.check.state, CHECK_IDLE);
}

/* What the hook starts is not to blame for not being there yet. */
Test(steward_live, no_check_fails_while_the_hook_of_the_active_role_runs)
{
	struct ipc_message message;

	snprintf(add_check("one", "")->command, CONFIG_COMMAND_MAX, "echo x >>%s/runs; exit 1",
		 top);
	config.check[0].active_only = true;
	hook("role-active", "until [ -e go ]; do sleep 0.02; done");
	start();
	greet();
	cr_assert_eq(next_of(IPC_CHECK).u.check.state, CHECK_IDLE);
	say_role(1, ROLE_ACTIVE);
	for (struct stat st = {0}; st.st_size < 20; usleep(1000))
		if (stat(in("runs"), &st) != 0)
			cr_assert_eq(errno, ENOENT);
	cr_assert_eq(mkdir(in("go"), 0700), 0);
	for (message = next(); message.type != IPC_HOOK; message = next()) {
		cr_assert_eq(message.type, IPC_CHECK);
		cr_expect_eq(message.u.check.state, CHECK_UNKNOWN);
	}
	cr_expect_eq(message.u.hook.hook, HOOK_ROLE_ACTIVE);
	message = next_of(IPC_CHECK);
	cr_expect_eq(message.u.check.state, CHECK_FAILED);
	cr_expect_geq(message.u.check.bad, 10);
}

/* There and back at once: what was killed is still to be reaped, and there is nothing wrong with the service. */
Test(steward_live, a_role_that_comes_back_at_once_fails_no_check)
{
	struct ipc_message message;

	snprintf(add_check("one", "")->command, CONFIG_COMMAND_MAX,
		 "[ -e %s/go ] || { touch %s/runs; exec sleep 1000; }", top, top);
	config.check[0].active_only = true;
	start();
	greet();
	cr_assert_eq(next_of(IPC_CHECK).u.check.state, CHECK_IDLE);
	say_role(1, ROLE_ACTIVE);
	cr_assert_eq(next_of(IPC_CHECK).u.check.state, CHECK_UNKNOWN);
	while (access(in("runs"), F_OK) != 0)
		usleep(1000);
	cr_assert_eq(mkdir(in("go"), 0700), 0);
	kill(steward, SIGSTOP);
	say_role(2, ROLE_PASSIVE);
	say_role(3, ROLE_ACTIVE);
	kill(steward, SIGCONT);
	cr_assert_eq(next_of(IPC_CHECK).u.check.state, CHECK_IDLE);
	cr_assert_eq(next_of(IPC_CHECK).u.check.state, CHECK_UNKNOWN);
	message = next_of(IPC_CHECK);
	cr_expect_eq(message.u.check.state, CHECK_PASSING);
	cr_expect_eq(message.u.check.bad, 0);
	close(guardian);
	cr_assert_eq(end_status(), 0);
}

/* A steward in the place of another: the engine has its record, and greets nobody twice. */
Test(steward_live, an_engine_that_needs_no_greeting_is_told_of_the_checks_when_it_speaks)
{
	struct store_record record;

	add_check("one", "sleep 1000");
	start();
	steward_fresh_record(&record, &config);
	say_save(1, &record);
	cr_assert_eq(next_of(IPC_CHECK).u.check.state, CHECK_UNKNOWN);
	cr_assert_eq(next().type, IPC_SAVED);
}

static struct ipc_message told_of_addresses(void)
{
	struct pollfd ready = {.fd = guardian, .events = POLLIN};
	struct ipc_message message;

	do {
		cr_assert_eq(poll(&ready, 1, -1), 1);
		cr_assert_eq(ipc_receive(guardian, &message, NULL), 1);
	} while (message.type != IPC_VIPS);
	return message;
}

/* Of an appliance that is alone: an operator's list, which may have nothing in it, and that of the configuration. */
Test(steward_live,
     the_guardian_hears_which_addresses_count_before_the_engine_hears_that_they_are_saved)
{
	static const struct ha_address vip = {HA_IPV4, {192, 0, 2, 100}};
	struct addresses none = {.n = 0}, one = {.n = 1, .vip = {{HA_IPV4, {192, 0, 2, 110}}}};
	struct store_record record;
	struct ipc_message message;

	config.vip[0] = vip;
	config.vip_n = 1;
	start();
	message = told_of_addresses();
	cr_expect(message.u.vips.n == 1 && !message.u.vips.recorded);
	record = greet();
	addresses_record(&record, &config, &one);
	say_save(1, &record);
	cr_assert_eq(next_of(IPC_SAVED).u.record.number, 1);
	cr_assert_eq(ipc_receive(guardian, &message, NULL), 1, "it is there already");
	while (message.type != IPC_VIPS)
		cr_assert_eq(ipc_receive(guardian, &message, NULL), 1);
	cr_expect(message.u.vips.n == 1 && message.u.vips.recorded);
	cr_expect(ha_address_equal(&message.u.vips.vip[0], &one.vip[0]));
	addresses_record(&record, &config, &none);
	say_save(2, &record);
	message = told_of_addresses();
	cr_expect(message.u.vips.n == 0 && message.u.vips.recorded);
	addresses_unrecord(&record);
	say_save(3, &record);
	message = told_of_addresses();
	cr_expect(message.u.vips.n == 1 && !message.u.vips.recorded);
	close(guardian);
	cr_assert_eq(end_status(), 0);
}

/* Whatever it runs. */
Test(steward_live, the_guardian_hears_that_it_lives)
{
	struct pollfd ready = {.fd = 0, .events = POLLIN};
	struct ipc_message message;

	add_check("one", "sleep 1000");
	hook("role-active", "sleep 1000");
	start();
	greet();
	say_role(1, ROLE_ACTIVE);
	ready.fd = guardian;
	for (unsigned heard = 0; heard < 2;) {
		cr_assert_eq(poll(&ready, 1, -1), 1);
		cr_assert_eq(ipc_receive(guardian, &message, NULL), 1);
		cr_assert(message.type == IPC_VIPS || message.type == IPC_ALIVE);
		heard += message.type == IPC_ALIVE;
	}
	close(guardian);
	cr_assert_eq(end_status(), 0);
}

Test(steward_live, what_a_hook_rests_on_is_on_disk_before_it_runs)
{
	struct store_record record, copied;
	struct ipc_message message;
	struct store copy;

	hook("role-active", "mkdir copy; cp state/cluster copy");
	start();
	record = greet();
	for (uint64_t term = 1; term <= 20; term++) {
		record.term = term;
		say_save(term, &record);
	}
	say_role(1, ROLE_ACTIVE);
	record.term = 21;
	say_save(21, &record);
	message = next_of(IPC_HOOK);
	cr_expect_eq(message.u.hook.hook, HOOK_ROLE_ACTIVE);
	cr_expect_eq(message.u.hook.transition, 1);
	cr_expect_eq(message.u.hook.outcome, COMMAND_PASSED);
	cr_assert_eq(store_open(&copy, in("copy")), 0);
	cr_assert_eq(store_read_record(&copy, &copied), 0);
	cr_expect_geq(copied.term, 20);
	store_close(&copy);
}

Test(steward_live, a_record_that_could_not_be_written_is_not_told_as_if_it_had_been)
{
	struct store_record record;
	struct ipc_message message;

	hook("role-active", "echo done");
	start();
	record = greet();
	record.term = 4;
	say_save(1, &record);
	cr_assert_eq(next_of(IPC_SAVED).error, 0);
	cr_assert_eq(mkdir(in("state/cluster.new"), 0700), 0);
	record.term = 6;
	say_save(2, &record);
	say_role(1, ROLE_ACTIVE);
	cr_assert_lt(next_of(IPC_SAVED).error, 0);
	message = next_of(IPC_HOOK);
	cr_expect_eq(message.u.hook.outcome, COMMAND_PASSED, "the hook runs all the same");
	cr_expect_str_eq(message.u.hook.output, "done");
	cr_assert_eq(rmdir(in("state/cluster.new")), 0);
	new_engine();
	cr_expect_eq(greet().term, 4);
}

Test(steward_live, a_hook_s_failure_is_told_with_the_end_of_its_output)
{
	struct ipc_message message;

	hook("registration", "seq 1 10000; echo refused by the manager; exit 3");
	start();
	greet();
	say_role(7, ROLE_PASSIVE);
	message = next_of(IPC_HOOK);
	cr_expect_eq(message.u.hook.hook, HOOK_REGISTRATION);
	cr_expect_eq(message.u.hook.transition, 7);
	cr_expect_eq(message.u.hook.outcome, COMMAND_FAILED);
	cr_expect_eq(message.u.hook.status, 3);
	cr_expect(strstr(message.u.hook.output, " 10000 refused by the manager") != NULL, "%s",
		  message.u.hook.output);
}

Test(steward_live, events_come_back_with_their_subject_cut_to_text)
{
	struct ipc_message event = {.type = IPC_EVENT}, message;

	start();
	greet();
	event.u.event.event = EVENT_CHECK_FAILED;
	memset(event.u.event.subject, 'x', STORE_SUBJECT_LEN);
	memcpy(event.u.event.subject, "an\x1b", 3);
	say(&event);
	new_engine(); /* what the last one said is heard first */
	say_hello();
	message = next_of(IPC_HISTORY);
	cr_expect_eq(message.u.event.event, EVENT_CHECK_FAILED);
	cr_expect_str_eq(message.u.event.subject, "an xxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

static void expect_ran(unsigned section, bool import, enum command_outcome outcome)
{
	struct ipc_message message = next_of(IPC_RAN);

	cr_expect_eq(message.u.run.section, section);
	cr_expect_eq(message.u.run.import, import);
	cr_expect_eq(message.u.run.outcome, outcome, "%s", message.u.run.output);
}

Test(steward_live, the_commands_of_the_settings_are_answered_in_order)
{
	add_section("echo export >>said", "echo import >>said; exit 4");
	hook("settings-applied", "echo applied >>said; cat said");
	start();
	greet();
	say_run(0, false);
	say_run(0, true);
	say_run(IPC_RUN_APPLIED, true);
	expect_ran(0, false, COMMAND_PASSED);
	expect_ran(0, true, COMMAND_FAILED);
	cr_expect_str_eq(next_of(IPC_RAN).u.run.output, "export import applied");
}

/* An export that takes its time is no reason for a service to fail its check, or for a role not to be told. */
Test(steward_live, neither_checks_nor_hooks_wait_for_a_command_of_the_settings)
{
	add_check("one", "exit 0");
	add_section("until [ -e go ]; do sleep 0.02; done", "true");
	hook("role-active", "exit 0");
	start();
	greet();
	cr_assert_eq(next_of(IPC_CHECK).u.check.state, CHECK_UNKNOWN);
	say_run(0, false);
	say_role(1, ROLE_ACTIVE);
	for (bool passed = false, told = false; !passed || !told;) {
		struct ipc_message message = next();

		cr_assert_neq(message.type, IPC_RAN);
		passed |= message.type == IPC_CHECK && message.u.check.state == CHECK_PASSING;
		told |= message.type == IPC_HOOK;
	}
	cr_assert_eq(mkdir(in("go"), 0700), 0);
	expect_ran(0, false, COMMAND_PASSED);
}

/* What runs is left to end; its answer would be for somebody who is gone. */
Test(steward_live, a_new_engine_is_answered_what_it_asked_for_itself)
{
	FILE *said;
	char text[64] = "";

	add_section("echo one >>said; until [ -e go ]; do sleep 0.02; done", "echo old >>said");
	add_section("true", "echo new >>said");
	start();
	greet();
	say_run(0, false);
	say_run(0, true);
	while (access(in("said"), F_OK) != 0)
		usleep(1000);
	new_engine();
	greet();
	say_run(1, true);
	cr_assert_eq(mkdir(in("go"), 0700), 0);
	expect_ran(1, true, COMMAND_PASSED);
	said = fopen(in("said"), "re");
	cr_assert(said != NULL);
	cr_expect_eq(fread(text, 1, sizeof(text) - 1, said), 8);
	cr_expect_str_eq(text, "one\nnew\n");
	fclose(said);
}

/* A steward in the place of another: who asks it for something has been greeted by that one. */
Test(steward_live, an_engine_that_needs_no_greeting_is_answered_what_it_asks_for_first)
{
	add_check("one", "sleep 1000");
	add_section("true", "true");
	config.settings[0].export_command[0] = '\0';
	start();
	say_run(0, false);
	cr_assert_eq(next().type, IPC_CHECK);
	expect_ran(0, false, COMMAND_MISSING);
}

Test(steward_live, a_section_of_another_configuration_has_no_command)
{
	start();
	greet();
	say_run(1, false);
	expect_ran(1, false, COMMAND_MISSING);
}

/* ---- another configuration ---- */

static void reconfigure(void)
{
	const struct ipc_message message = {.type = IPC_CONFIG};
	int fd = sealed_make("config", &config, sizeof(config));

	cr_assert_geq(fd, 0);
	cr_assert_eq(ipc_send_fd(guardian, &message, fd), 0);
	close(fd);
}

Test(steward_live, by_another_configuration_a_check_that_is_the_same_goes_on_and_others_begin)
{
	struct ipc_message message;

	add_check("one", "exit 0")->rise = 1;
	add_check("two", "sleep 1000");
	start();
	greet();
	while ((message = next_of(IPC_CHECK)).u.check.state != CHECK_PASSING)
		cr_assert_eq(message.u.check.config, 0);
	snprintf(config.check[1].command, CONFIG_COMMAND_MAX, "exit 3");
	config.check[1].fall = config.check[1].rise = 1;
	add_check("three", "sleep 1000");
	config.number = 9;
	reconfigure();
	message = next_of(IPC_CHECK);
	cr_expect_eq(message.u.check.index, 0);
	cr_expect_eq(message.u.check.state, CHECK_PASSING);
	cr_expect_eq(message.u.check.config, 9);
	message = next_of(IPC_CHECK);
	cr_expect_eq(message.u.check.index, 1);
	cr_expect_eq(message.u.check.state, CHECK_UNKNOWN);
	message = next_of(IPC_CHECK);
	cr_expect_eq(message.u.check.index, 2);
	message = next_of(IPC_CHECK); /* the second runs, by its new command */
	cr_expect_eq(message.u.check.index, 1);
	cr_expect_eq(message.u.check.state, CHECK_FAILED);
	cr_expect_eq(message.u.check.status, 3);
}

Test(steward_live, by_another_configuration_no_hook_of_the_role_runs_again)
{
	struct ipc_message message;

	hook("role-passive", "echo x >>runs");
	start();
	greet();
	say_role(1, ROLE_PASSIVE);
	message = next_of(IPC_HOOK);
	cr_expect_eq(message.u.hook.outcome, COMMAND_PASSED);
	add_check("one", "exit 3")->fall = 1;
	reconfigure();
	while ((message = next()).type == IPC_CHECK && message.u.check.state != CHECK_FAILED)
		;
	cr_expect_eq(message.type, IPC_CHECK, "nothing but the check ran");
}

Test(steward_live, what_is_no_configuration_ends_it)
{
	const struct ipc_message message = {.type = IPC_CONFIG};
	int fd = sealed_make("config", &config, sizeof(config) - 1);

	start();
	greet();
	cr_assert_eq(ipc_send_fd(guardian, &message, fd), 0);
	close(fd);
	cr_assert_eq(end_status(), 1);
}

static void expect_end(const struct ipc_message *message)
{
	start();
	greet();
	say(message);
	cr_assert_eq(end_status(), 1);
	close(engine);
	close(guardian);
}

Test(steward_live, what_no_engine_of_ours_would_say_ends_it)
{
	struct ipc_message message = {.type = IPC_ROLE};

	message.u.role.role = ROLE_N;
	expect_end(&message);
	message = (struct ipc_message){.type = IPC_EVENT};
	message.u.event.event = EVENT_CODE_N;
	expect_end(&message);
	message = (struct ipc_message){.type = IPC_SAVE};
	message.u.record.record.parting = PARTING_N;
	expect_end(&message);
	message = (struct ipc_message){.type = IPC_CHECK};
	expect_end(&message);
	message = (struct ipc_message){.type = IPC_RUN};
	message.u.run.section = CONFIG_SETTINGS_MAX; /* there can be no such section */
	expect_end(&message);
	message.u.run.section = IPC_RUN_APPLIED;
	expect_end(&message);
	message = (struct ipc_message){.type = IPC_HELLO};
	expect_end(&message);
}

static pid_t read_pid(const char *name)
{
	long pid = 0;

	while (pid == 0) {
		FILE *f = fopen(in(name), "re");

		if (f != NULL) {
			if (fscanf(f, "%ld\n", &pid) != 1)
				pid = 0;
			fclose(f);
		}
		usleep(1000);
	}
	return (pid_t)pid;
}

Test(steward_live, what_it_runs_ends_with_it)
{
	pid_t check, role, export;

	snprintf(add_check("one", "")->command, CONFIG_COMMAND_MAX,
		 "trap '' TERM; sleep 1000 & echo $$ >%s/check; wait", top);
	hook("role-passive", "trap '' TERM; sleep 1000 & echo $$ >hook; wait");
	add_section("trap '' TERM; sleep 1000 & echo $$ >export; wait", "true");
	start();
	greet();
	say_role(1, ROLE_PASSIVE);
	say_run(0, false);
	check = read_pid("check");
	role = read_pid("hook");
	export = read_pid("export");
	close(guardian);
	cr_assert_eq(end_status(), 0);
	while (kill(-check, 0) == 0 || kill(-role, 0) == 0 || kill(-export, 0) == 0)
		usleep(1000);
	cr_assert_eq(errno, ESRCH);
}
