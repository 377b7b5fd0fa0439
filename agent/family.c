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
		 bool syncs, loop_fn *const ready[IPC_PROCESS_N], void *arg)
{
	ha_time now = loop_now();

	*family = (struct family){
		.syncs = syncs,
		.loop = loop,
		.runtime = runtime,
		.arg = arg,
		.link = {{&family->steward, IPC_STEWARD, -1, false},
			 {&family->syncer, IPC_SYNCER, -1, false}},
	};
	for (int i = 0; i < IPC_PROCESS_N; i++)
		family->ready[i] = ready[i];
	child_init(&family->engine, IPC_ENGINE_PROCESS, now);
	child_init(&family->steward, IPC_STEWARD_PROCESS, now);
	child_init(&family->syncer, IPC_SYNCER_PROCESS, syncs ? now : HA_NEVER);
}

static int make_pair(int pair[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0
		       ? 0
		       : -errno;
}

static void close_spare(struct family_link *link)
{
	if (link->spare >= 0)
		close(link->spare);
	link->spare = -1;
}

/* A descriptor for one end of a link. The other end goes to who is there, or waits. */
static int connect_link(struct family *family, struct family_link *link, bool for_engine)
{
	struct child *there = for_engine ? link->other : &family->engine;
	struct ipc_message message = {.type = for_engine ? IPC_ENGINE : link->news};
	int pair[2], fd = link->spare;

	if (fd >= 0 && link->for_engine == for_engine) {
		link->spare = -1;
		return fd;
	}
	close_spare(link);
	if (make_pair(pair) != 0)
		return -errno;
	if (there->fd < 0) {
		link->spare = pair[1];
		link->for_engine = !for_engine;
		return pair[0];
	}
	if (ipc_send_fd(there->fd, &message, pair[1]) != 0)
		child_kill(there);
	close(pair[1]);
	return pair[0];
}

/* What it is connected by, beside the guardian. 0 or -errno; what was made is in *gift all the same. */
static int connect_child(struct family *family, const struct child *child, struct child_gift *gift)
{
	struct family_link *steward = &family->link[0], *syncer = &family->link[1];

	if (child != &family->syncer)
		gift->recorded = family->runtime->recorded;
	if (child != &family->engine) {
		gift->peer =
			connect_link(family, child == steward->other ? steward : syncer, false);
		return gift->peer < 0 ? gift->peer : 0;
	}
	gift->control = family->runtime->control;
	gift->recorder = family->runtime->recorder;
	gift->peer = connect_link(family, steward, true);
	if (gift->peer >= 0 && family->syncs)
		gift->syncer = connect_link(family, syncer, true);
	return gift->peer < 0 ? gift->peer : family->syncs && gift->syncer < 0 ? gift->syncer : 0;
}

static int start(struct family *family, struct child *child, ha_time now)
{
	struct child_gift gift = {
		.executable = family->runtime->executable,
		.config = family->runtime->config,
		.peer = -1,
		.control = -1,
		.syncer = -1,
		.recorder = -1,
		.recorded = -1,
		.uid = family->runtime->uid,
		.gid = family->runtime->gid,
	};
	int pair[2], error;

	error = make_pair(pair);
	if (error != 0)
		return error;
	gift.guardian = pair[1];
	error = connect_child(family, child, &gift);
	if (error == 0)
		error = child_start(child, &gift, now);
	if (error != 0) {
		close(pair[0]);
	} else {
		child->fd = pair[0];
		if (loop_add(family->loop, child->fd, family->ready[child->process], family->arg) !=
		    0)
			family_drop(family, child); /* and starts it anew when it has ended */
	}
	if (gift.peer >= 0)
		close(gift.peer);
	if (gift.syncer >= 0)
		close(gift.syncer);
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
	start_if_due(family, &family->syncer, now);
}

ha_time family_next(const struct family *family)
{
	const struct child *child[] = {&family->engine, &family->steward, &family->syncer};
	ha_time next = HA_NEVER;

	for (unsigned i = 0; i < sizeof(child) / sizeof(child[0]); i++)
		if (child[i]->restart_at < next)
			next = child[i]->restart_at;
	return next;
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

void family_resync(struct family *family, bool syncs, ha_time now)
{
	struct child *syncer = &family->syncer;

	family->syncs = syncs;
	syncer->backoff = 0; /* it has done nothing wrong */
	if (syncer->pid != 0)
		family_drop(family, syncer);
	else
		syncer->restart_at = syncs ? now : HA_NEVER;
	if (!syncs)
		close_spare(&family->link[1]);
}

static void ended(struct family *family, struct child *child, int status, ha_time now)
{
	disconnect(family, child);
	child_ended(child, now);
	if (child == &family->syncer && !family->syncs) {
		child->restart_at = HA_NEVER;
		return;
	}
	log_event(LOG_WARNING, "end", "process=%s status=%d signal=%d restart_ms=%lld",
		  child_name(child->process), WIFEXITED(status) ? WEXITSTATUS(status) : 0,
		  WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		  (long long)((child->restart_at - now) / HA_MS));
}

void family_reap(struct family *family, ha_time now, void (*other)(void *arg, pid_t))
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == family->engine.pid)
			ended(family, &family->engine, status, now);
		else if (pid == family->steward.pid)
			ended(family, &family->steward, status, now);
		else if (pid == family->syncer.pid)
			ended(family, &family->syncer, status, now);
		else
			other(family->arg, pid);
	}
}

void family_end(struct family *family, ha_time patience)
{
	const struct timespec pause = {.tv_nsec = 5 * HA_MS};
	ha_time until = loop_now() + patience;

	family_drop(family, &family->engine);
	family_drop(family, &family->syncer);
	disconnect(family, &family->steward);
	for (unsigned i = 0; i < FAMILY_LINKS; i++)
		close_spare(&family->link[i]);
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
