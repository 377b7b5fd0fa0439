/* What the syncer may do once it is the syncer: all below its trees, nothing elsewhere. Tried in a child, as root. */
#include "agent/privileges.h"
#include "agent/sync/confine.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	NOBODY = 65534,
	SKIPPED = 77,
};

static char base[] = "/tmp/haagent-confine.XXXXXX";

static void setup(void)
{
	char path[64];

	cr_assert_not_null(mkdtemp(base));
	for (const char *const *name = (const char *const[]){"in", "out", NULL}; *name; name++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%s", base, *name);
		cr_assert_eq(mkdir(path, 0700), 0);
		snprintf(path, sizeof(path), "%s/%s/file", base, *name);
		fd = open(path, O_CREAT | O_WRONLY, 0600);
		cr_assert_geq(fd, 0);
		close(fd);
	}
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", base);
	cr_expect_eq(system(command), 0);
}

TestSuite(confine, .init = setup, .fini = teardown);

/* As another user, of another's files. The step that went wrong, or 0. */
static int become_and_try(void)
{
	int base_fd = open(base, O_RDONLY | O_DIRECTORY), in, error;

	in = openat(base_fd, "in", O_RDONLY | O_DIRECTORY);
	if (in < 0 || privileges_syncer(NOBODY, NOBODY) != 0)
		return 1;
	if (getuid() != NOBODY || geteuid() != NOBODY || setuid(0) == 0)
		return 2;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 3;
	error = confine(&in, 1);
	if (error == -EOPNOTSUPP)
		return SKIPPED;
	if (error != 0)
		return 4;
	/* within: read, write, rename, set-user-id, owner */
	if (openat(in, "file", O_RDWR) < 0 || renameat(in, "file", in, "moved") != 0)
		return 5;
	if (fchownat(in, "moved", 12, 34, 0) != 0 || fchmodat(in, "moved", 04750, 0) != 0)
		return 6;
	if (mkdirat(in, "made", 0700) != 0 || symlinkat("/etc/passwd", in, "link") != 0)
		return 7;
	/* elsewhere: in spite of capabilities over all files, and by whatever way */
	if (openat(base_fd, "out/file", O_RDONLY) >= 0 || errno != EACCES)
		return 8;
	if (openat(in, "../out/file", O_RDONLY) >= 0 || openat(in, "link", O_RDONLY) >= 0)
		return 9;
	if (unlinkat(base_fd, "out/file", 0) == 0 || mkdirat(base_fd, "new", 0700) == 0)
		return 10;
	if (renameat(in, "moved", base_fd, "out/moved") == 0)
		return 11;
	return 0;
}

Test(confine, the_syncer_keeps_to_its_trees)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		cr_skip_test("must be run as root");
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0)
		_exit(become_and_try());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		cr_skip_test("this kernel has no Landlock");
	cr_assert_eq(WEXITSTATUS(status), 0, "step %d", WEXITSTATUS(status));
}
