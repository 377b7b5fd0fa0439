/* confine.c - see confine.h. */
#include "agent/sync/confine.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of later kernels than the headers that this may be built with. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

/* All that the first version knows: from execute to make a symlink. */
#define FIRST_RIGHTS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static uint64_t rights_of(int abi)
{
	uint64_t rights = FIRST_RIGHTS;

	if (abi >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
	return rights;
}

static int allow(int ruleset, int fd, uint64_t rights)
{
	const struct landlock_path_beneath_attr rule = {
		.allowed_access = rights & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE,
		.parent_fd = fd,
	};

	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0
		       ? 0
		       : -errno;
}

int confine(const int *fd, unsigned n)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr all = {0};
	int ruleset, error = 0;

	/* Without the right to refer, nothing could be renamed out of the staging directory. */
	if (abi < 2)
		return -EOPNOTSUPP;
	all.handled_access_fs = rights_of((int)abi);
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (ruleset < 0)
		return -errno;
	for (unsigned i = 0; i < n && error == 0; i++)
		if (fd[i] >= 0)
			error = allow(ruleset, fd[i], all.handled_access_fs);
	if (error == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		error = -errno;
	close(ruleset);
	return error;
}
