/* privileges.c - see privileges.h. */
#include "agent/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define BIT(cap) (UINT64_C(1) << (cap))
#define GUARDIAN_CAPS                                                                              \
	(BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW) | BIT(CAP_KILL) | BIT(CAP_SYS_NICE) |               \
	 BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP) | BIT(CAP_IPC_LOCK))
#define ENGINE_CAPS (BIT(CAP_NET_RAW) | BIT(CAP_IPC_LOCK))
#define FINAL_CAPS  BIT(CAP_NET_RAW)
#define SYNCER_CAPS                                                                                \
	(BIT(CAP_NET_RAW) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_CHOWN) |    \
	 BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_SETFCAP))
/* Where these cannot be had the agent runs without real-time scheduling and locked memory, and the syncer without
 * capabilities of files and setgid bits of other groups. */
#define OPTIONAL_CAPS                                                                              \
	(BIT(CAP_SYS_NICE) | BIT(CAP_IPC_LOCK) | BIT(CAP_SETFCAP) | BIT(CAP_FSETID) |              \
	 BIT(CAP_DAC_READ_SEARCH))

struct privileges {
	unsigned uid, gid;
	uint64_t inheritable, permitted, effective, bounding, ambient;
	unsigned no_new_privs;
};

/* The process's own status file as text. */
static int status_read(char *text, size_t size)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;
	int error;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, text + len, size - 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	error = n < 0 ? -errno : 0;
	close(fd);
	text[len] = '\0';
	return error;
}

static bool status_has(const char *text, const char *line)
{
	return strstr(text, line) != NULL;
}

/* What the kernel writes of the sets of such a process. */
static void status_sets(const struct privileges *want, char *line, size_t size)
{
	snprintf(line, size,
		 "\nCapInh:\t%016jx\nCapPrm:\t%016jx\nCapEff:\t%016jx\nCapBnd:\t%016jx\n"
		 "CapAmb:\t%016jx\nNoNewPrivs:\t%u\n",
		 (uintmax_t)want->inheritable, (uintmax_t)want->permitted,
		 (uintmax_t)want->effective, (uintmax_t)want->bounding, (uintmax_t)want->ambient,
		 want->no_new_privs);
}

/* Line by line what the kernel writes in such a process, spaces and all. */
static int status_compare(const struct privileges *want)
{
	char text[4096], line[512];
	int error = status_read(text, sizeof(text));

	if (error != 0)
		return error;
	snprintf(line, sizeof(line), "\nUid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", want->uid,
		 want->uid, want->uid, want->uid, want->gid, want->gid, want->gid, want->gid);
	if (!status_has(text, line))
		return -EPERM;
	/* The guardian may keep root's groups: they give nothing that root's ids do not. */
	if (want->uid != 0 && !status_has(text, "\nGroups:\t \n"))
		return -EPERM;
	status_sets(want, line, sizeof(line));
	return status_has(text, line) ? 0 : -EPERM;
}

/* The bounding set as it is now. */
static uint64_t bounding_set(void)
{
	uint64_t set = 0;

	for (unsigned cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			set |= BIT(cap);
	return set;
}

/* Those of caps that this process has to give; all that are not optional count as such. */
static uint64_t available(uint64_t caps)
{
	capng_get_caps_process();
	for (unsigned cap = 0; cap < 64; cap++)
		if ((OPTIONAL_CAPS & BIT(cap)) != 0 &&
		    capng_have_capability(CAPNG_PERMITTED, cap) == 0)
			caps &= ~BIT(cap);
	return caps;
}

/* Prepares libcap-ng to leave caps in the sets named, and nothing in any other. */
static int select_caps(uint64_t caps, capng_type_t sets)
{
	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned cap = 0; cap < 64; cap++)
		if ((caps & BIT(cap)) != 0 && capng_update(CAPNG_ADD, sets, cap) != 0)
			return -EPERM;
	return 0;
}

int privileges_user(const char *name, uid_t *uid, gid_t *gid)
{
	struct passwd *entry;

	errno = 0;
	entry = getpwnam(name);
	if (entry == NULL)
		return errno == 0 ? -ENOENT : -errno;
	if (entry->pw_uid == 0 || entry->pw_gid == 0)
		return -EINVAL;
	*uid = entry->pw_uid;
	*gid = entry->pw_gid;
	return 0;
}

int privileges_guardian(void)
{
	uint64_t caps = available(GUARDIAN_CAPS);
	const struct privileges want = {
		.permitted = caps,
		.effective = caps,
		.bounding = bounding_set(),
	};

	if (setgroups(0, NULL) != 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return -errno;
	if (select_caps(caps, CAPNG_EFFECTIVE | CAPNG_PERMITTED) != 0 ||
	    capng_apply(CAPNG_SELECT_CAPS) != 0)
		return -EPERM;
	return status_compare(&want);
}

int privileges_engine(uid_t uid, gid_t gid)
{
	uint64_t caps = available(ENGINE_CAPS);
	const struct privileges want = {
		.uid = uid,
		.gid = gid,
		.inheritable = caps,
		.permitted = caps,
		.effective = caps,
		.ambient = caps,
		.no_new_privs = 1,
	};

	if (uid == 0 || gid == 0)
		return -EINVAL;
	if (select_caps(caps, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE |
				      CAPNG_AMBIENT) != 0 ||
	    capng_change_id((int)uid, (int)gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0 ||
	    capng_apply(CAPNG_SELECT_AMBIENT) != 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	return status_compare(&want);
}

int privileges_engine_final(void)
{
	const struct privileges want = {
		.uid = getuid(),
		.gid = getgid(),
		.permitted = FINAL_CAPS,
		.effective = FINAL_CAPS,
		.no_new_privs = 1,
	};

	if (want.uid == 0 || want.gid == 0)
		return -EPERM;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return -errno;
	if (select_caps(FINAL_CAPS, CAPNG_EFFECTIVE | CAPNG_PERMITTED) != 0 ||
	    capng_apply(CAPNG_SELECT_CAPS) != 0)
		return -EPERM;
	return status_compare(&want);
}

int privileges_steward(void)
{
	uint64_t all = bounding_set();
	const struct privileges want = {
		.permitted = all,
		.effective = all,
		.bounding = all,
	};

	return status_compare(&want);
}

/* Whoever is not root keeps its groups: they cannot be left without a right to. */
static int none_as_user(void)
{
	struct privileges want = {.no_new_privs = 1, .bounding = bounding_set()};
	char text[4096], line[512];
	int error;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	if (select_caps(0, CAPNG_EFFECTIVE | CAPNG_PERMITTED) != 0 ||
	    capng_apply(CAPNG_SELECT_CAPS) != 0)
		return -EPERM;
	error = status_read(text, sizeof(text));
	if (error != 0)
		return error;
	status_sets(&want, line, sizeof(line));
	return status_has(text, line) ? 0 : -EPERM;
}

int privileges_none(uid_t uid, gid_t gid)
{
	const struct privileges want = {.uid = uid, .gid = gid, .no_new_privs = 1};

	if (geteuid() != 0)
		return none_as_user();
	if (uid == 0 || gid == 0)
		return -EINVAL;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return -errno;
	if (select_caps(0, CAPNG_EFFECTIVE | CAPNG_PERMITTED) != 0 ||
	    capng_change_id((int)uid, (int)gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	return status_compare(&want);
}

int privileges_syncer(uid_t uid, gid_t gid)
{
	uint64_t caps = available(SYNCER_CAPS);
	const struct privileges want = {
		.uid = uid,
		.gid = gid,
		.permitted = caps,
		.effective = caps,
		.no_new_privs = 1,
	};

	if (uid == 0 || gid == 0)
		return -EINVAL;
	if (select_caps(caps, CAPNG_EFFECTIVE | CAPNG_PERMITTED) != 0 ||
	    capng_change_id((int)uid, (int)gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	return status_compare(&want);
}
