/* child.c - see child.h. */
#include "agent/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/config.h"
#include "agent/log.h"
#include "agent/privileges.h"

#define BACKOFF_FIRST (100 * HA_MS)
#define BACKOFF_MAX   (5 * HA_SEC)
#define LIFE_FORGIVES (10 * HA_SEC)
#define EXEC_FAILED   127

const char *child_name(enum ipc_process process)
{
	static const char *const name[] = {"guardian", "engine", "steward", "syncer", "reader"};

	_Static_assert(sizeof(name) / sizeof(*name) == IPC_READER_PROCESS + 1, "each has a name");
	assert(process <= IPC_READER_PROCESS);
	return name[process];
}

void child_init(struct child *child, enum ipc_process process, ha_time now)
{
	*child = (struct child){.process = process, .fd = -1, .restart_at = now};
}

void child_ended(struct child *child, ha_time now)
{
	if (now - child->started >= LIFE_FORGIVES)
		child->backoff = 0;
	child->pid = 0;
	child->restart_at = now + child->backoff;
	if (child->backoff == 0)
		child->backoff = BACKOFF_FIRST;
	else if (child->backoff < BACKOFF_MAX / 2)
		child->backoff *= 2;
	else
		child->backoff = BACKOFF_MAX;
}

void child_heard(struct child *child, ha_time now)
{
	child->heard = now;
	child->quiet = 0;
}

bool child_is_silent(struct child *child)
{
	return ++child->quiet >= CHILD_QUIET_MAX;
}

void child_kill(struct child *child)
{
	if (child->pid > 0)
		kill(child->pid, SIGKILL);
}

static int limit(__rlimit_resource_t what, rlim_t soft, rlim_t hard)
{
	const struct rlimit value = {.rlim_cur = soft, .rlim_max = hard};

	return setrlimit(what, &value) == 0 ? 0 : -errno;
}

/* Real-time for the engine where it is allowed, with a limit that ends it if it spins; none for
 * the others and what they run. */
static int set_scheduling(enum ipc_process process)
{
	struct sched_param param = {.sched_priority = 0};

	if (process != IPC_ENGINE_PROCESS)
		return sched_setscheduler(0, SCHED_OTHER, &param) == 0 ? 0 : -errno;
	param.sched_priority = CHILD_ENGINE_PRIORITY;
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) != 0)
		return 0;
	return limit(RLIMIT_RTTIME, 200000, 500000);
}

/* Each descriptor to its number. They are moved out of the way first, since one may stand where
 * another belongs. */
static int place_descriptors(const struct child_gift *gift, int *executable)
{
	const int from[] = {gift->guardian, gift->config,   gift->peer,    gift->control,
			    gift->syncer,   gift->recorder, gift->recorded};
	enum {
		N = sizeof(from) / sizeof(from[0]),
	};
	int moved[N], last = IPC_FD_GUARDIAN;

	*executable = fcntl(gift->executable, F_DUPFD_CLOEXEC, 16);
	if (*executable < 0)
		return -errno;
	for (int i = 0; i < N; i++) {
		moved[i] = from[i] < 0 ? -1 : fcntl(from[i], F_DUPFD_CLOEXEC, 16);
		if (from[i] >= 0 && moved[i] < 0)
			return -errno;
	}
	for (int i = 0; i < N; i++) {
		if (moved[i] < 0) {
			close(IPC_FD_GUARDIAN + i); /* the guardian's own, if anything */
			continue;
		}
		last = IPC_FD_GUARDIAN + i;
		if (dup2(moved[i], last) < 0)
			return -errno;
	}
	return close_range((unsigned)last + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0 ? 0 : -errno;
}

/* In the child. Returns only on failure, with the name of the step. */
static const char *become(enum ipc_process process, const struct child_gift *gift, pid_t parent)
{
	char program[] = "haagent", role[16] = "";
	char file[CONFIG_PATH_MAX] = "";
	char *const argv[] = {program, role, gift->file != NULL ? file : NULL, NULL};
	sigset_t none;
	int executable;

	setsid();
	if (place_descriptors(gift, &executable) != 0)
		return "descriptors";
	if (set_scheduling(process) != 0 || limit(RLIMIT_CORE, 0, 0) != 0)
		return "limits";
	if (process == IPC_ENGINE_PROCESS && privileges_engine(gift->uid, gift->gid) != 0)
		return "privileges";
	/* Only now: a change of ids clears it. And the guardian may be gone already. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
		return "parent";
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(role, sizeof(role), "%s", child_name(process));
	snprintf(file, sizeof(file), "%s", gift->file != NULL ? gift->file : "");
	execveat(executable, "", argv, environ, AT_EMPTY_PATH);
	return "exec";
}

int child_start(struct child *child, const struct child_gift *gift, ha_time now)
{
	pid_t parent = getpid(), pid;

	assert(child->pid == 0);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		const char *step = become(child->process, gift, parent);

		log_event(LOG_CRIT, "unstarted", "process=%s step=%s error=%s",
			  child_name(child->process), step, strerror(errno));
		_exit(EXEC_FAILED);
	}
	child->pid = pid;
	child->starts++;
	child->started = now;
	child_heard(child, now);
	child->restart_at = HA_NEVER;
	return 0;
}
