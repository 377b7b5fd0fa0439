/* command.c - see command.h. */
#include "agent/command.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/text.h"

enum {
	READ_MAX = 4096,
	READS_MAX = 16, /* at a stretch: others want to be served too */
	CANNOT_RUN = 126,
	NOT_FOUND = 127,
};

const char *command_outcome_name(enum command_outcome outcome)
{
	static const char *const name[COMMAND_OUTCOME_N] = {"none",    "passed",  "failed",
							    "missing", "timeout", "unstarted"};

	return outcome < COMMAND_OUTCOME_N ? name[outcome] : "?";
}

void command_init(struct command *c, struct loop *loop, void (*done)(void *, struct command *),
		  void *arg)
{
	*c = (struct command){
		.loop = loop,
		.pidfd = -1,
		.output = -1,
		.due = HA_NEVER,
		.done = done,
		.arg = arg,
	};
}

bool command_running(const struct command *c)
{
	return c->phase != COMMAND_IDLE && c->phase != COMMAND_STUCK;
}

ha_time command_deadline(const struct command *c)
{
	return c->due;
}

/* ---- in the child ---- */

/* An exec resets handlers, but what is ignored stays so. */
static void default_signals(void)
{
	sigset_t none;

	for (int signal_n = 1; signal_n < NSIG; signal_n++)
		(void)signal(signal_n, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The agent is spared when memory runs out; what it runs is like any other program. */
static void be_expendable(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "0", 1) < 0) {
		/* then it is spared as well */
	}
	if (fd >= 0)
		close(fd);
}

/* Those of the parent are closed first, so that one is free even where it has used up all. */
static int place_descriptors(int output)
{
	int nothing;

	if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
		return -1;
	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return nothing >= 0 && dup2(nothing, STDIN_FILENO) == STDIN_FILENO ? 0 : -1;
}

/* Returns only on failure, with the name of the step. */
static const char *become(const char *line, const char *argument, char *const environment[],
			  int output, pid_t parent)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char lang[] = "LANG=C.UTF-8";
	char *all[COMMAND_ENVIRONMENT_MAX + 3] = {path, lang};
	const char *const argv[] = {"sh", "-c", line, "sh", argument, NULL};

	for (size_t i = 0; environment[i] != NULL; i++)
		all[i + 2] = environment[i];
	default_signals();
	if (setsid() < 0)
		return "session";
	if (place_descriptors(output) != 0)
		return "descriptors";
	/* A command half done that nobody watches is worse than one that is cut off. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
		return "parent";
	be_expendable();
	umask(022);
	if (chdir("/") != 0)
		return "directory";
	/* execve does not write through the pointers; the interface has no const. */
	execve("/bin/sh", (char *const *)(uintptr_t)argv, all);
	return "/bin/sh";
}

/* ---- its end ---- */

static void keep(struct command *c, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		c->text[c->text_n++ % COMMAND_OUTPUT_MAX] = bytes[i];
}

static void close_output(struct command *c)
{
	loop_remove(c->loop, c->output);
	if (c->output >= 0)
		close(c->output);
	c->output = -1;
}

static void on_output(void *arg, uint32_t events)
{
	struct command *c = arg;
	char bytes[READ_MAX];

	(void)events;
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = read(c->output, bytes, sizeof(bytes));

		if (n > 0) {
			keep(c, bytes, (size_t)n);
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			close_output(c); /* it may go on without */
			return;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

void command_output(const struct command *c, char *out, size_t cap)
{
	size_t n = c->text_n < COMMAND_OUTPUT_MAX ? c->text_n : COMMAND_OUTPUT_MAX;
	char text[COMMAND_OUTPUT_MAX];

	for (size_t i = 0; i < n; i++)
		text[i] = c->text[(c->text_n - n + i) % COMMAND_OUTPUT_MAX];
	text_tail(out, cap, text, n);
}

/* A child that has not come so far as to lead its group has no children either. */
static void signal_group(const struct command *c, int signal_n)
{
	if (kill(-c->pid, signal_n) != 0)
		(void)kill(c->pid, signal_n);
}

static void judge(struct command *c, int status)
{
	if (WIFSIGNALED(status))
		c->status = -WTERMSIG(status);
	else
		c->status = WEXITSTATUS(status);
	if (c->phase != COMMAND_RUNS)
		c->outcome = COMMAND_TIMEOUT;
	else if (c->status == 0)
		c->outcome = COMMAND_PASSED;
	else if (c->status == CANNOT_RUN || c->status == NOT_FOUND)
		c->outcome = COMMAND_MISSING;
	else
		c->outcome = COMMAND_FAILED;
}

static void tell(struct command *c)
{
	c->took = loop_now() - c->started;
	c->done(c->arg, c);
}

/* The leader has ended. Until it is reaped nobody else can have its id: that is the time to kill what
 * is left of its group. */
static void on_end(void *arg, uint32_t events)
{
	struct command *c = arg;
	bool awaited = command_running(c);
	pid_t reaped;
	int status;

	(void)events;
	(void)kill(-c->pid, SIGKILL);
	if (c->output >= 0)
		on_output(c, 0);
	close_output(c);
	loop_remove(c->loop, c->pidfd);
	close(c->pidfd);
	c->pidfd = -1;
	do
		reaped = waitpid(c->pid, &status, 0);
	while (reaped < 0 && errno == EINTR);
	assert(reaped == c->pid);
	judge(c, status);
	c->phase = COMMAND_IDLE;
	c->due = HA_NEVER;
	if (awaited)
		tell(c);
}

/* ---- its beginning and its time ---- */

/* Of the child that has just been forked. */
static int watch(struct command *c)
{
	int error;

	c->pidfd = pidfd_open(c->pid, 0);
	if (c->pidfd < 0)
		return -errno;
	error = loop_add(c->loop, c->pidfd, on_end, c);
	if (error == 0)
		error = loop_add(c->loop, c->output, on_output, c);
	if (error != 0) {
		loop_remove(c->loop, c->pidfd);
		close(c->pidfd);
		c->pidfd = -1;
	}
	return error;
}

static int start(struct command *c, const char *line, const char *argument,
		 char *const environment[])
{
	pid_t parent = getpid();
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	c->pid = fork();
	if (c->pid == 0) {
		const char *step = become(line, argument, environment, ends[1], parent);

		dprintf(STDERR_FILENO, "haagent: %s: %s\n", step, strerror(errno));
		_exit(CANNOT_RUN);
	}
	error = c->pid < 0 ? -errno : 0;
	close(ends[1]);
	c->output = ends[0];
	if (error == 0 && fcntl(c->output, F_SETFL, O_NONBLOCK) != 0)
		error = -errno;
	if (error == 0)
		error = watch(c);
	if (error != 0 && c->pid > 0) {
		signal_group(c, SIGKILL);
		(void)waitpid(c->pid, NULL, 0);
	}
	if (error != 0)
		close_output(c);
	return error;
}

int command_start(struct command *c, const char *line, const char *argument,
		  char *const environment[], ha_time timeout, ha_time now)
{
	size_t n = 0;
	int error;

	assert(!command_running(c) && timeout > 0);
	while (environment[n] != NULL)
		n++;
	assert(n <= COMMAND_ENVIRONMENT_MAX);
	if (c->phase == COMMAND_STUCK)
		return -EBUSY;
	c->text_n = 0;
	c->outcome = COMMAND_NONE;
	c->status = 0;
	error = start(c, line, argument, environment);
	if (error != 0)
		return error;
	c->phase = COMMAND_RUNS;
	c->started = now;
	c->due = now + timeout;
	return 0;
}

void command_timer(struct command *c, ha_time now)
{
	if (now < c->due)
		return;
	switch (c->phase) {
	case COMMAND_IDLE:
	case COMMAND_STUCK:
		break;
	case COMMAND_RUNS:
		signal_group(c, SIGTERM);
		c->phase = COMMAND_ASKED;
		c->due = now + COMMAND_MERCY;
		break;
	case COMMAND_ASKED:
		signal_group(c, SIGKILL);
		c->phase = COMMAND_KILLED;
		c->due = now + COMMAND_MERCY;
		break;
	case COMMAND_KILLED:
		close_output(c);
		c->phase = COMMAND_STUCK;
		c->due = HA_NEVER;
		c->outcome = COMMAND_TIMEOUT;
		tell(c);
		break;
	}
}

void command_kill(struct command *c)
{
	if (!command_running(c))
		return;
	signal_group(c, SIGKILL);
	close_output(c);
	c->phase = COMMAND_STUCK; /* until the kernel reports its end */
	c->due = HA_NEVER;
}
