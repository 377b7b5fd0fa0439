/* The queue of the hooks, with real scripts in a directory of their own. Each writes what it is told into the file
 * "said"; the tests wait for ends, never for durations. */
#include "agent/hook.h"

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
	ENDS_MAX = 16,
};

struct end {
	enum hook hook;
	uint64_t transition;
	enum command_outcome outcome;
	int status;
	char output[COMMAND_OUTPUT_MAX];
};

static char directory[64], file[128], systemctl[128];
static struct loop loop;
static struct hooks hooks;
static struct end end[ENDS_MAX];
static unsigned ends;

static void on_ended(void *arg, const struct hooks *h)
{
	struct end *e = &end[ends++];

	cr_assert_eq(arg, &ends);
	cr_assert_lt(ends, ENDS_MAX);
	e->hook = h->hook;
	e->transition = h->occasion->transition;
	e->outcome = h->outcome;
	e->status = h->status;
	snprintf(e->output, sizeof(e->output), "%s", h->output);
}

static void on_timer(void *arg, ha_time now)
{
	(void)arg;
	hooks_timer(&hooks, now);
}

static void setup(void)
{
	alarm(PATIENCE_S);
	snprintf(directory, sizeof(directory), "%s/haagent-hooks-XXXXXX", P_tmpdir);
	cr_assert(mkdtemp(directory) != NULL);
	cr_assert_eq(loop_init(&loop, on_timer, NULL), 0);
	hooks_init(&hooks, directory, 30 * HA_SEC, &loop, on_ended, &ends);
	hooks.systemctl = NULL;
}

static const char *name_in(const char *name)
{
	snprintf(file, sizeof(file), "%s/%s", directory, name);
	return file;
}

static void teardown(void)
{
	static const char *const made[] = {"role-active",  "role-passive", "role-standalone",
					   "registration", "systemctl",    "said",
					   "go",           "elsewhere"};

	hooks_close(&hooks);
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		unlink(name_in(made[i]));
	rmdir(name_in("role-passive"));
	cr_assert_eq(rmdir(directory), 0);
	loop_close(&loop);
}

TestSuite(hook, .init = setup, .fini = teardown);

/* "said" is the name of the file that it writes, relative to where it stands. */
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
	static char text[4096];
	int fd = open(name_in("said"), O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	cr_assert_geq(n, 0);
	text[n] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static struct hook_occasion occasion_of(uint64_t transition, enum node_role role)
{
	struct hook_occasion o;

	memset(&o, 0, sizeof(o));
	o.transition = transition;
	o.role = (uint8_t)role;
	return o;
}

static void tell(const struct hook_occasion *o)
{
	cr_assert(hook_occasion_valid(o));
	hooks_occasion(&hooks, o, loop_now());
}

static void tell_role(uint64_t transition, enum node_role role)
{
	const struct hook_occasion o = occasion_of(transition, role);

	tell(&o);
}

static void step(void)
{
	loop_arm(&loop, hooks_deadline(&hooks));
	cr_assert_eq(loop_run_once(&loop), 0);
}

static void run_all(void)
{
	while (hooks.step != HOOK_STEP_NONE)
		step();
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is left");
}

/* All that are there write their name and transition. */
static void scripts(void)
{
	for (int i = 0; i < HOOK_N; i++)
		script(hook_name((enum hook)i), "echo ${0##*/} $HAAGENT_TRANSITION >>said", 0755);
}

/* The first waits until it is told to go on, so that the others come while it runs. */
static void hold_first(void)
{
	scripts();
	script("role-active",
	       "echo ${0##*/} $HAAGENT_TRANSITION >>said; until [ -e go ]; do sleep 0.05; done",
	       0755);
	tell_role(1, ROLE_ACTIVE);
	cr_assert_eq(hooks.step, HOOK_STEP_FILE);
}

static void let_go(void)
{
	int fd = open(name_in("go"), O_WRONLY | O_CREAT, 0600);

	cr_assert_geq(fd, 0);
	close(fd);
	run_all();
}

Test(hook, the_first_occasion_is_told_whole_the_role_first)
{
	scripts();
	tell_role(1, ROLE_PASSIVE);
	run_all();
	cr_expect_str_eq(said(), "role-passive 1\nregistration 1\n");
	cr_assert_eq(ends, 2);
	cr_expect_eq(end[0].hook, HOOK_ROLE_PASSIVE);
	cr_expect_eq(end[1].hook, HOOK_REGISTRATION);
	cr_expect_eq(end[1].transition, 1);
	cr_expect(end[0].outcome == COMMAND_PASSED && end[1].outcome == COMMAND_PASSED);
}

Test(hook, each_role_has_its_own)
{
	scripts();
	tell_role(1, ROLE_STANDALONE);
	run_all();
	tell_role(2, ROLE_ACTIVE);
	run_all();
	tell_role(3, ROLE_PASSIVE);
	run_all();
	cr_expect_str_eq(said(),
			 "role-standalone 1\nregistration 1\nrole-active 2\nrole-passive 3\n");
}

Test(hook, what_is_as_it_was_told_last_is_no_occasion)
{
	scripts();
	tell_role(1, ROLE_ACTIVE);
	run_all();
	tell_role(2, ROLE_ACTIVE);
	cr_expect_eq(hooks.step, HOOK_STEP_NONE);
	tell_role(3, ROLE_NONE);
	cr_expect_eq(hooks.step, HOOK_STEP_NONE);
	tell_role(4, ROLE_ACTIVE);
	cr_expect_eq(hooks.step, HOOK_STEP_NONE);
	cr_expect_str_eq(said(), "role-active 1\nregistration 1\n");
}

Test(hook, a_role_that_is_not_decided_has_no_hook)
{
	scripts();
	tell_role(1, ROLE_NONE);
	cr_expect_eq(hooks.step, HOOK_STEP_NONE,
		     "nothing was told that would have to be taken back");
	tell_role(2, ROLE_PASSIVE);
	run_all();
	cr_expect_str_eq(said(), "role-passive 2\nregistration 2\n");
}

Test(hook, while_no_role_is_decided_the_registration_is_taken_back)
{
	struct hook_occasion o = occasion_of(1, ROLE_ACTIVE);

	scripts();
	script("registration", "echo $HAAGENT_TRANSITION $HAAGENT_REGISTRATION_ALLOWED >>said",
	       0755);
	o.registration_allowed = true;
	tell(&o);
	run_all();
	tell_role(2, ROLE_NONE);
	run_all();
	o.transition = 3;
	tell(&o);
	run_all();
	cr_expect_str_eq(said(), "role-active 1\n1 yes\n2 no\n3 yes\n", "the role goes on");
}

Test(hook, a_registration_that_waits_is_taken_back_also_if_it_is_the_first)
{
	struct hook_occasion o = occasion_of(1, ROLE_ACTIVE);

	hold_first();
	script("registration", "echo $HAAGENT_TRANSITION $HAAGENT_REGISTRATION_ALLOWED >>said",
	       0755);
	o.registration_allowed = true;
	tell(&o);
	tell_role(2, ROLE_NONE);
	let_go();
	cr_expect_str_eq(said(), "role-active 1\n2 no\n");
}

Test(hook, each_change_of_the_registration_is_told)
{
	struct hook_occasion o = occasion_of(1, ROLE_ACTIVE);

	scripts();
	tell(&o);
	run_all();
	o.transition = 2;
	o.registration_allowed = true;
	tell(&o);
	run_all();
	o.transition = 3;
	o.registration[0] = (struct ha_address){HA_IPV4, {192, 0, 2, 100}};
	tell(&o);
	run_all();
	o.transition = 4;
	o.registration[1] = (struct ha_address){HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	tell(&o);
	run_all();
	o.transition = 5;
	tell(&o);
	run_all();
	cr_expect_str_eq(said(), "role-active 1\nregistration 1\nregistration 2\nregistration 3\n"
				 "registration 4\n");
}

Test(hook, a_newer_occasion_replaces_the_one_that_waits)
{
	hold_first();
	tell_role(2, ROLE_PASSIVE);
	tell_role(3, ROLE_STANDALONE);
	tell_role(4, ROLE_PASSIVE);
	let_go();
	cr_expect_str_eq(said(), "role-active 1\nrole-passive 4\nregistration 4\n");
}

/* Back to what the running one was told: there is nothing left to tell. */
Test(hook, an_occasion_can_take_back_the_one_that_waits)
{
	hold_first();
	tell_role(2, ROLE_PASSIVE);
	tell_role(3, ROLE_ACTIVE);
	let_go();
	cr_expect_str_eq(said(), "role-active 1\nregistration 3\n");
}

Test(hook, one_that_fails_is_reported_and_the_next_runs)
{
	scripts();
	script("role-active", "echo no such analyzer >&2; exit 7", 0755);
	tell_role(1, ROLE_ACTIVE);
	run_all();
	cr_assert_eq(ends, 2);
	cr_expect_eq(end[0].outcome, COMMAND_FAILED);
	cr_expect_eq(end[0].status, 7);
	cr_expect_str_eq(end[0].output, "no such analyzer");
	cr_expect_str_eq(said(), "registration 1\n");
}

Test(hook, one_that_hangs_is_ended_reported_and_the_next_runs)
{
	scripts();
	script("role-active", "echo on; sleep 1000", 0755);
	hooks.timeout = 200 * HA_MS;
	tell_role(1, ROLE_ACTIVE);
	run_all();
	cr_expect_eq(end[0].outcome, COMMAND_TIMEOUT);
	cr_expect_str_eq(end[0].output, "on");
	hooks.timeout = 30 * HA_SEC;
	tell_role(2, ROLE_PASSIVE);
	run_all();
	cr_expect_eq(end[ends - 1].hook, HOOK_ROLE_PASSIVE);
	cr_expect_eq(end[ends - 1].outcome, COMMAND_PASSED);
}

/* The hooks of the role alone: what follows from it may take its time. */
Test(hook, a_role_is_settled_when_its_hook_and_its_target_have_ended)
{
	ha_time before;

	hold_first();
	script("registration", "until [ -e elsewhere ]; do sleep 0.05; done", 0755);
	script("systemctl", "exit 0", 0755);
	snprintf(systemctl, sizeof(systemctl), "%s", name_in("systemctl"));
	hooks.systemctl = systemctl;
	cr_assert_eq(hooks_settled(&hooks), HA_NEVER);
	before = loop_now();
	script("go", "", 0700);
	while (hooks.step != HOOK_STEP_TARGET) {
		cr_assert_eq(hooks_settled(&hooks), HA_NEVER);
		step();
	}
	cr_assert_eq(hooks_settled(&hooks), HA_NEVER);
	while (hooks.hook != HOOK_REGISTRATION)
		step();
	cr_expect_geq(hooks_settled(&hooks), before);
	cr_expect_leq(hooks_settled(&hooks), loop_now());
	tell_role(2, ROLE_PASSIVE);
	cr_expect_eq(hooks_settled(&hooks), HA_NEVER, "it waits");
	before = loop_now();
	tell_role(3, ROLE_ACTIVE);
	cr_expect_geq(hooks_settled(&hooks), before, "it is taken back");
	cr_expect_neq(hooks_settled(&hooks), HA_NEVER);
	script("elsewhere", "", 0700);
	run_all();
}

Test(hook, a_role_is_settled_also_without_a_hook_and_after_one_that_hangs)
{
	ha_time before = loop_now();

	tell_role(1, ROLE_ACTIVE);
	cr_expect_geq(hooks_settled(&hooks), before);
	cr_expect_neq(hooks_settled(&hooks), HA_NEVER);
	script("role-passive", "sleep 1000", 0755);
	hooks.timeout = 200 * HA_MS;
	before = loop_now();
	tell_role(2, ROLE_PASSIVE);
	cr_expect_eq(hooks_settled(&hooks), HA_NEVER);
	run_all();
	cr_expect_geq(hooks_settled(&hooks), before + hooks.timeout);
	cr_expect_neq(hooks_settled(&hooks), HA_NEVER);
}

/* What it holds up may wait for ever. */
Test(hook, a_role_is_settled_as_far_as_one_that_is_stuck_lets_it)
{
	hold_first();
	while (said()[0] == '\0')
		usleep(1000);
	command_kill(&hooks.command);
	cr_assert_eq(hooks.command.phase, COMMAND_STUCK);
	hooks.command.done(hooks.command.arg, &hooks.command);
	cr_expect_neq(hooks_settled(&hooks), HA_NEVER);
	tell_role(2, ROLE_PASSIVE);
	cr_expect_neq(hooks_settled(&hooks), HA_NEVER);
	while (hooks.retry_at != HA_NEVER)
		step();
	run_all();
	cr_expect_neq(hooks_settled(&hooks), HA_NEVER);
	cr_expect_str_eq(said(), "role-active 1\nrole-passive 2\nregistration 2\n");
}

Test(hook, one_that_is_not_there_is_no_mistake)
{
	script("registration", "echo ${0##*/} >>said", 0755);
	tell_role(1, ROLE_ACTIVE);
	run_all();
	cr_expect_eq(ends, 1);
	cr_expect_str_eq(said(), "registration\n");
}

Test(hook, without_a_directory_there_is_none)
{
	hooks.directory = "";
	tell_role(1, ROLE_ACTIVE);
	cr_expect_eq(hooks.step, HOOK_STEP_NONE);
	hooks.directory = "/nowhere/hooks";
	tell_role(2, ROLE_PASSIVE);
	cr_expect_eq(hooks.step, HOOK_STEP_NONE);
	cr_expect_eq(ends, 0);
}

static void expect_refused(enum node_role role, const char *why)
{
	static uint64_t transition;
	unsigned before = ends;

	tell_role(++transition, role);
	run_all();
	cr_assert_geq(ends, before + 1);
	cr_expect_eq(end[before].outcome, COMMAND_MISSING);
	cr_expect_str_eq(end[before].output, why);
	cr_expect_str_eq(said(), "");
}

Test(hook, one_that_is_not_executable_or_that_others_can_write_is_reported_and_not_run)
{
	script("role-active", "echo run >>said", 0644);
	expect_refused(ROLE_ACTIVE, "not executable");
	script("role-passive", "echo run >>said", 0775);
	expect_refused(ROLE_PASSIVE, "others than root can write it");
	script("role-active", "echo run >>said", 0757);
	expect_refused(ROLE_ACTIVE, "others than root can write it");
	script("elsewhere", "echo run >>said", 0755);
	cr_assert_eq(unlink(name_in("role-passive")), 0);
	cr_assert_eq(symlink("elsewhere", name_in("role-passive")), 0);
	expect_refused(ROLE_PASSIVE, "not a regular file");
	script("role-active", "echo run >>said", 0755);
	cr_assert_eq(chmod(directory, 0777), 0);
	expect_refused(ROLE_ACTIVE, "others than root can write in the directory");
	cr_assert_eq(chmod(directory, 0700), 0);
	cr_assert_eq(unlink(name_in("role-passive")), 0);
	cr_assert_eq(mkdir(name_in("role-passive"), 0755), 0);
	expect_refused(ROLE_PASSIVE, "not a regular file");
}

Test(hook, one_of_another_user_is_not_run)
{
	if (geteuid() != 0)
		cr_skip_test("only root can give files away");
	script("role-active", "echo run >>said", 0755);
	cr_assert_eq(chown(name_in("role-active"), 65534, 65534), 0);
	expect_refused(ROLE_ACTIVE, "others than root can write it");
	script("role-passive", "echo run >>said", 0755);
	cr_assert_eq(chown(directory, 65534, 65534), 0);
	expect_refused(ROLE_PASSIVE, "others than root can write in the directory");
	cr_assert_eq(chown(directory, 0, 0), 0);
}

/* Whoever can rename a directory can put another in its place between the look and the run; and a link on the way to
 * it is followed once. */
Test(hook, none_is_run_of_a_directory_that_others_can_replace)
{
	char want[160], link[128];

	cr_assert_eq(mkdir(name_in("below"), 0755), 0);
	script("below/role-active", "echo run >>said", 0755);
	script("below/role-passive", "echo $0 >said", 0755);
	cr_assert_eq(symlink("below", name_in("go")), 0);
	snprintf(link, sizeof(link), "%s", name_in("go"));
	hooks.directory = link;
	cr_assert_eq(chmod(directory, 0777), 0);
	expect_refused(ROLE_ACTIVE, "others than root can replace the directory");
	cr_assert_eq(chmod(directory, 01777), 0);
	tell_role(100, ROLE_PASSIVE);
	run_all();
	snprintf(want, sizeof(want), "%s\n", name_in("below/role-passive"));
	cr_expect_str_eq(said(), want);
	cr_assert_eq(unlink(name_in("below/role-active")), 0);
	cr_assert_eq(unlink(name_in("below/role-passive")), 0);
	cr_assert_eq(rmdir(name_in("below")), 0);
}

Test(hook, one_without_its_interpreter_is_missing)
{
	int fd = open(name_in("role-active"), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	dprintf(fd, "#!/nowhere/sh\n");
	close(fd);
	tell_role(1, ROLE_ACTIVE);
	run_all();
	cr_assert_eq(ends, 1);
	cr_expect_eq(end[0].outcome, COMMAND_MISSING);
}

Test(hook, its_environment_says_what_has_happened)
{
	struct hook_occasion o = occasion_of((uint64_t)3 << 16 | 1, ROLE_ACTIVE);

	o.reason = REASON_BOTH_SILENT;
	o.term = 18446744073709551615u;
	o.vip[0] = (struct ha_address){HA_IPV4, {192, 0, 2, 100}};
	o.vip[2] = (struct ha_address){HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x64}};
	snprintf(o.peer_name, sizeof(o.peer_name), "%s", "beta-2.example");
	o.peer[7] = (struct ha_address){HA_IPV4, {192, 0, 2, 2}};
	o.registration_allowed = true;
	o.registration[1] = o.vip[2];
	script("role-active", "env | grep ^HAAGENT_ | sort >said", 0755);
	tell(&o);
	run_all();
	cr_expect_str_eq(said(), "HAAGENT_HOOK=role-active\n"
				 "HAAGENT_PEER=beta-2.example\n"
				 "HAAGENT_PEER_ADDRESSES=192.0.2.2\n"
				 "HAAGENT_REASON=peer silent on both paths, segment alive\n"
				 "HAAGENT_REGISTRATION_ADDRESSES=2001:db8::64\n"
				 "HAAGENT_REGISTRATION_ALLOWED=yes\n"
				 "HAAGENT_ROLE=active\n"
				 "HAAGENT_RULE=T2\n"
				 "HAAGENT_TERM=18446744073709551615\n"
				 "HAAGENT_TRANSITION=196609\n"
				 "HAAGENT_VIRTUAL_IPS=192.0.2.100 2001:db8::64\n");
}

static void expect_peer(const char *name, const char *want)
{
	static uint64_t transition;
	struct hook_occasion o = occasion_of(++transition, ROLE_ACTIVE);

	o.registration_allowed = transition % 2 == 0;
	snprintf(o.peer_name, sizeof(o.peer_name), "%s", name);
	tell(&o);
	run_all();
	cr_expect_str_eq(said(), want);
}

Test(hook, the_name_of_the_peer_can_be_nothing_but_a_name)
{
	script("registration", "printf %s \"$HAAGENT_PEER\" >said", 0755);
	expect_peer("b'e t\"a$(id)", "b_e_t_a__id_");
	expect_peer("-oProxyCommand=id", "_oProxyCommand_id");
	expect_peer("..", "_.");
	expect_peer("\xc3\xa4;*", "____");
	expect_peer("Beta_2.example-com", "Beta_2.example-com");
	expect_peer("", "");
}

Test(hook, as_much_as_an_occasion_can_hold_fits_its_environment)
{
	struct hook_occasion o = occasion_of(UINT64_MAX, ROLE_STANDALONE);

	o.term = UINT64_MAX;
	memset(o.peer_name, 'n', sizeof(o.peer_name) - 1);
	for (int i = 0; i < HA_VIP_MAX; i++) {
		o.vip[i].family = o.peer[i].family = HA_IPV6;
		memset(o.vip[i].b, 0xaa, sizeof(o.vip[i].b));
		memset(o.peer[i].b, 0xbb, sizeof(o.peer[i].b));
	}
	o.registration[0] = o.registration[1] = o.vip[0];
	script("role-standalone",
	       "echo ${#HAAGENT_PEER} ${#HAAGENT_VIRTUAL_IPS} ${#HAAGENT_PEER_ADDRESSES} >said",
	       0755);
	tell(&o);
	run_all();
	cr_expect_str_eq(said(), "64 319 319\n");
}

Test(hook, the_targets_follow_the_role_each_after_its_hook)
{
	scripts();
	script("systemctl", "echo systemctl $* >>said", 0755);
	hooks.systemctl = name_in("systemctl");
	tell_role(1, ROLE_ACTIVE);
	run_all();
	tell_role(2, ROLE_PASSIVE);
	run_all();
	cr_assert_eq(unlink(name_in("role-standalone")), 0);
	hooks.systemctl = name_in("systemctl");
	tell_role(3, ROLE_STANDALONE);
	run_all();
	cr_expect_str_eq(said(), "role-active 1\n"
				 "systemctl --no-block start haagent-active.target\n"
				 "registration 1\n"
				 "role-passive 2\n"
				 "systemctl --no-block start haagent-passive.target\n"
				 "systemctl --no-block start haagent-active.target\n");
	cr_expect_eq(ends, 3, "a target that was started is nothing to report");
}

/* Processing would begin on an appliance that is passive, and end only when its hook has. */
Test(hook, the_target_of_a_role_that_is_over_is_not_started)
{
	hold_first();
	script("systemctl", "echo $* >>said", 0755);
	snprintf(systemctl, sizeof(systemctl), "%s", name_in("systemctl"));
	hooks.systemctl = systemctl;
	tell_role(2, ROLE_PASSIVE);
	let_go();
	cr_expect_str_eq(said(), "role-active 1\n"
				 "role-passive 2\n"
				 "--no-block start haagent-passive.target\n"
				 "registration 2\n");
}

/* What not even SIGKILL ends would be a disk's; one whose end has not been looked at stands for it. */
Test(hook, one_that_is_stuck_holds_up_the_next_and_loses_none_and_not_the_target)
{
	scripts();
	script("role-active", "echo ${0##*/} $HAAGENT_TRANSITION >>said; exec sleep 1000", 0755);
	script("systemctl", "echo $* >>said", 0755);
	snprintf(systemctl, sizeof(systemctl), "%s", name_in("systemctl"));
	hooks.systemctl = systemctl;
	tell_role(1, ROLE_ACTIVE);
	while (said()[0] == '\0')
		usleep(1000);
	command_kill(&hooks.command);
	cr_assert_eq(hooks.command.phase, COMMAND_STUCK);
	hooks.command.done(hooks.command.arg, &hooks.command);
	cr_assert_eq(hooks.step, HOOK_STEP_TARGET);
	tell_role(2, ROLE_PASSIVE);
	while (hooks.step == HOOK_STEP_TARGET || hooks.retry_at != HA_NEVER)
		step();
	run_all();
	cr_expect_str_eq(said(), "role-active 1\n"
				 "--no-block start haagent-active.target\n"
				 "role-passive 2\n"
				 "--no-block start haagent-passive.target\n"
				 "registration 2\n");
}

Test(hook, a_target_is_started_after_a_hook_that_hangs_and_reported_if_it_cannot_be)
{
	script("role-passive", "sleep 1000", 0755);
	script("systemctl", "echo tried >>said; echo no such unit; exit 5", 0755);
	hooks.systemctl = name_in("systemctl");
	hooks.timeout = 200 * HA_MS;
	tell_role(1, ROLE_PASSIVE);
	run_all();
	cr_expect_str_eq(said(), "tried\n");
	cr_assert_eq(ends, 2);
	cr_expect_eq(end[0].outcome, COMMAND_TIMEOUT);
	cr_expect_eq(end[1].hook, HOOK_ROLE_PASSIVE);
	cr_expect_eq(end[1].outcome, COMMAND_FAILED);
	cr_expect_eq(end[1].status, 5);
	cr_expect_str_eq(end[1].output, "no such unit");
}

Test(hook, closed_it_leaves_nothing_behind)
{
	pid_t pid;

	hold_first();
	pid = hooks.command.pid;
	hooks_close(&hooks);
	while (waitpid(pid, NULL, 0) < 0)
		;
	while (kill(-pid, 0) == 0)
		usleep(1000);
	cr_expect_eq(errno, ESRCH);
	cr_expect_eq(ends, 0);
}

static void expect_invalid(size_t offset, uint8_t byte)
{
	struct hook_occasion o = occasion_of(1, ROLE_ACTIVE);

	cr_assert(hook_occasion_valid(&o));
	memcpy((uint8_t *)&o + offset, &byte, 1);
	cr_assert_not(hook_occasion_valid(&o), "byte %zu = %u", offset, byte);
}

Test(hook, an_occasion_out_of_range_is_none)
{
	struct hook_occasion o = occasion_of(1, ROLE_ACTIVE);

	expect_invalid(offsetof(struct hook_occasion, role), ROLE_N);
	expect_invalid(offsetof(struct hook_occasion, reason), REASON_N);
	expect_invalid(offsetof(struct hook_occasion, registration_allowed), 2);
	expect_invalid(offsetof(struct hook_occasion, peer_name), '\n');
	expect_invalid(offsetof(struct hook_occasion, peer_name), 0xff);
	for (size_t i = 0; i < HA_VIP_MAX; i++)
		expect_invalid(offsetof(struct hook_occasion, vip[0]) + i * sizeof(o.vip[0]), 5);
	for (size_t i = 0; i < HA_ADDRESS_MAX; i++)
		expect_invalid(offsetof(struct hook_occasion, peer[0]) + i * sizeof(o.peer[0]), 7);
	for (size_t i = 0; i < 2; i++)
		expect_invalid(offsetof(struct hook_occasion, registration[0]) +
				       i * sizeof(o.registration[0]),
			       1);
	memset(o.peer_name, 'x', sizeof(o.peer_name));
	cr_expect_not(hook_occasion_valid(&o), "a name without an end");
}

Test(hook, hooks_are_named_after_their_files)
{
	cr_assert_str_eq(hook_name(HOOK_ROLE_ACTIVE), "role-active");
	cr_assert_str_eq(hook_name(HOOK_ROLE_PASSIVE), "role-passive");
	cr_assert_str_eq(hook_name(HOOK_ROLE_STANDALONE), "role-standalone");
	cr_assert_str_eq(hook_name(HOOK_REGISTRATION), "registration");
	cr_assert_str_eq(hook_name(HOOK_N), "?");
}
