/* family.c - see family.h. */
#include "agent/family.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/log.h"

void family_init(struct family *family, struct loop *loop, const struct runtime *runtime,
		 loop_fn *engine_ready, loop_fn *steward_ready, void *arg)
{
	ha_time now = loop_now();

	*family = (struct family){
		.loop = loop,
		.runtime = runtime,
		.engine_ready = engine_ready,
		.steward_ready = steward_ready,
		.arg = arg,
		.spare = -1,
	};
	child_init(&family->engine, IPC_ENGINE_PROCESS, now);
	child_init(&family->steward, IPC_STEWARD_PROCESS, now);
}

static int make_pair(int pair[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0
		       ? 0
		       : -errno;
}

static void close_spare(struct family *family)
{
	if (family->spare >= 0)
		close(family->spare);
	family->spare = -1;
}

/* A descriptor to the other one for `child`. The other end goes to the other one, or waits for
 * it. */
static int connect_peer(struct family *family, const struct child *child)
{
	struct child *other = child == &family->engine ? &family->steward : &family->engine;
	struct ipc_message message = {0};
	int pair[2], fd = family->spare;

	if (fd >= 0 && family->spare_for == child->process) {
		family->spare = -1;
		return fd;
	}
	close_spare(family);
	if (make_pair(pair) != 0)
		return -errno;
	if (other->fd < 0) {
		family->spare = pair[1];
		family->spare_for = other->process;
		return pair[0];
	}
	message.type = other == &family->engine ? IPC_STEWARD : IPC_ENGINE;
	if (ipc_send_fd(other->fd, &message, pair[1]) != 0)
		child_kill(other);
	close(pair[1]);
	return pair[0];
}

static int start(struct family *family, struct child *child, ha_time now)
{
	bool engine = child == &family->engine;
	struct child_gift gift = {
		.executable = family->runtime->executable,
		.config = family->runtime->config,
		.control = engine ? family->runtime->control : -1,
		.uid = family->runtime->uid,
		.gid = family->runtime->gid,
	};
	int pair[2], error;

	error = make_pair(pair);
	if (error != 0)
		return error;
	gift.guardian = pair[1];
	gift.peer = connect_peer(family, child);
	error = gift.peer < 0 ? gift.peer : child_start(child, &gift, now);
	if (error != 0) {
		close(pair[0]);
	} else {
		child->fd = pair[0];
		if (loop_add(family->loop, child->fd,
			     engine ? family->engine_ready : family->steward_ready,
			     family->arg) != 0)
			family_drop(family, child); /* and starts it anew when it has ended */
	}
	if (gift.peer >= 0)
		close(gift.peer);
	close(pair[1]);
	return error;
}

static void start_if_due(struct family *family, struct child *child, ha_time now)
{
	const char *name = child_name(child->process);
	int error;

	if (child->pid != 0 || now < child->restart_at)
		return;
	error = start(family, child, now);
	if (error == 0) {
		log_event(LOG_INFO, "start", "process=%s pid=%d", name, (int)child->pid);
		return;
	}
	child->started = now;
	child_ended(child, now);
	log_event(LOG_ERR, "start", "process=%s error=%d", name, error);
}

void family_start(struct family *family, ha_time now)
{
	start_if_due(family, &family->steward, now);
	start_if_due(family, &family->engine, now);
}

ha_time family_next(const struct family *family)
{
	ha_time engine = family->engine.restart_at, steward = family->steward.restart_at;

	return engine < steward ? engine : steward;
}

static void disconnect(struct family *family, struct child *child)
{
	if (child->fd < 0)
		return;
	loop_remove(family->loop, child->fd);
	close(child->fd);
	child->fd = -1;
}

void family_drop(struct family *family, struct child *child)
{
	disconnect(family, child);
	child_kill(child);
}

static void ended(struct family *family, struct child *child, int status, ha_time now)
{
	disconnect(family, child);
	child_ended(child, now);
	log_event(LOG_WARNING, "end", "process=%s status=%d signal=%d restart_ms=%lld",
		  child_name(child->process), WIFEXITED(status) ? WEXITSTATUS(status) : 0,
		  WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		  (long long)((child->restart_at - now) / HA_MS));
}

void family_reap(struct family *family, ha_time now)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == family->engine.pid)
			ended(family, &family->engine, status, now);
		else if (pid == family->steward.pid)
			ended(family, &family->steward, status, now);
	}
}

void family_end(struct family *family, ha_time patience)
{
	const struct timespec pause = {.tv_nsec = 5 * HA_MS};
	ha_time until = loop_now() + patience;

	family_drop(family, &family->engine);
	disconnect(family, &family->steward);
	close_spare(family);
	while (family->steward.pid != 0 && loop_now() < until) {
		if (waitpid(family->steward.pid, NULL, WNOHANG) != 0)
			family->steward.pid = 0;
		else
			nanosleep(&pause, NULL);
	}
	child_kill(&family->steward);
	while (waitpid(-1, NULL, 0) > 0)
		;
}
