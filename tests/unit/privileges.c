/* What a process may still do after it dropped its privileges: tried in a child, as root. */
#include "agent/privileges.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	NOBODY = 65534,
};

/* Without root there is nothing to drop; the report says so. */
#define NEED_ROOT()                                                                                \
	do {                                                                                       \
		if (geteuid() != 0)                                                                \
			cr_skip_test("must be run as root");                                       \
	} while (0)

/* Runs it in a child; its result, from 0 to 255. */
static int in_child(int (*run)(void))
{
	int status;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0)
		_exit(run());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static int packet_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -errno : 0;
}

static int engine_before_exec(void)
{
	if (privileges_engine(NOBODY, NOBODY) != 0)
		return 1;
	if (getuid() != NOBODY || geteuid() != NOBODY || getgid() != NOBODY ||
	    getgroups(0, NULL) != 0)
		return 2;
	if (setuid(0) == 0 || setgid(0) == 0)
		return 3;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 4;
	return packet_socket() == 0 ? 0 : 5;
}

Test(privileges, the_engine_is_another_user_without_groups_or_a_way_back)
{
	NEED_ROOT();
	cr_assert_eq(in_child(engine_before_exec), 0);
}

static int engine_at_the_end(void)
{
	char name[] = "other";

	if (privileges_engine(NOBODY, NOBODY) != 0 || privileges_engine_final() != 0)
		return 1;
	if (packet_socket() != 0)
		return 2; /* it has to reopen its captures */
	if (sethostname(name, sizeof(name) - 1) == 0 || errno != EPERM)
		return 3;
	if (chroot("/") == 0 || errno != EPERM)
		return 4;
	if (kill(getppid(), 0) == 0 || errno != EPERM)
		return 5;
	return privileges_engine_final() == 0 ? 0 : 6;
}

Test(privileges, in_the_end_the_engine_has_packet_sockets_and_nothing_else)
{
	NEED_ROOT();
	cr_assert_eq(in_child(engine_at_the_end), 0);
}

static int engine_as_root(void)
{
	return privileges_engine(0, 0) == -EINVAL && privileges_engine(NOBODY, 0) == -EINVAL ? 0
											     : 1;
}

Test(privileges, the_engine_is_never_root_nor_in_its_group)
{
	NEED_ROOT();
	cr_assert_eq(in_child(engine_as_root), 0);
}

static int final_as_root(void)
{
	return privileges_engine_final() == -EPERM ? 0 : 1;
}

Test(privileges, a_root_process_is_not_taken_for_an_engine)
{
	NEED_ROOT();
	cr_assert_eq(in_child(final_as_root), 0);
}

/* The comparison must be able to fail: the ids are right, one capability is not. */
static int final_without_no_new_privs(void)
{
	if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		return 1;
	return privileges_engine_final() == 0 ? 2 : 0;
}

Test(privileges, what_reads_otherwise_than_it_should_is_an_error)
{
	NEED_ROOT();
	cr_assert_eq(in_child(final_without_no_new_privs), 0);
}

static int guardian(void)
{
	if (privileges_guardian() != 0)
		return 1;
	if (getuid() != 0 || packet_socket() != 0)
		return 2;
	if (chroot("/") == 0 || errno != EPERM)
		return 3;
	if (chown("/proc/self/status", NOBODY, NOBODY) == 0)
		return 4;
	/* It can still start an engine. */
	return engine_before_exec() == 0 ? 0 : 5;
}

Test(privileges, the_guardian_keeps_what_starting_an_engine_takes)
{
	NEED_ROOT();
	cr_assert_eq(in_child(guardian), 0);
}

static int steward_of_guardian(void)
{
	if (privileges_steward() != 0 || privileges_guardian() != 0)
		return 1;
	return privileges_steward() == -EPERM ? 0 : 2;
}

Test(privileges, the_steward_is_whole_root_and_notices_when_it_is_not)
{
	NEED_ROOT();
	cr_assert_eq(in_child(steward_of_guardian), 0);
}

Test(privileges, users_are_found_by_name_and_root_is_refused)
{
	uid_t uid = 0;
	gid_t gid = 0;

	cr_assert_eq(privileges_user("nobody", &uid, &gid), 0);
	cr_assert_neq(uid, 0);
	cr_assert_eq(privileges_user("root", &uid, &gid), -EINVAL);
	cr_assert_eq(privileges_user("no-such-user-here", &uid, &gid), -ENOENT);
}

static int nothing_left(void)
{
	if (privileges_none(NOBODY, NOBODY) != 0)
		return 1;
	if (getuid() != NOBODY || getegid() != NOBODY || getgroups(0, NULL) != 0)
		return 2;
	if (setuid(0) == 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 3;
	return packet_socket() == 0 ? 4 : 0;
}

static int nothing_left_for_root(void)
{
	return privileges_none(0, 0) == 0;
}

/* Some other user, with a group that it cannot leave. */
static int nothing_left_for_another(void)
{
	const gid_t group = NOBODY - 1;

	if (setgroups(1, &group) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		return 1;
	if (privileges_none(0, 0) != 0)
		return 2;
	if (getuid() != NOBODY || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 3;
	return packet_socket() == 0 ? 4 : 0;
}

Test(privileges, who_shows_a_capture_has_none)
{
	NEED_ROOT();
	cr_expect_eq(in_child(nothing_left), 0);
	cr_expect_eq(in_child(nothing_left_for_root), 0);
	cr_expect_eq(in_child(nothing_left_for_another), 0);
}
