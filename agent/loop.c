/* loop.c - see loop.h. */
#include "agent/loop.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* What epoll hands back: a slot and who used it then, or the timer. */
#define LOOP_TIMER UINT64_MAX

/* What takes longer than any look at ready descriptors. */
#define LOOP_WAIT (20 * HA_US)

ha_time loop_now(void)
{
	struct timespec t;
	int error = clock_gettime(CLOCK_BOOTTIME, &t);

	assert(error == 0);
	return (ha_time)t.tv_sec * HA_SEC + t.tv_nsec;
}

int loop_init(struct loop *loop, loop_timer_fn *timer, void *arg)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = LOOP_TIMER};
	int error;

	assert(timer != NULL);
	*loop = (struct loop){
		.timer = -1,
		.signals = -1,
		.at = HA_NEVER,
		.timer_callback = timer,
		.timer_arg = arg,
	};
	for (unsigned i = 0; i < LOOP_SOURCES_MAX; i++)
		loop->source[i].fd = -1;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0)
		return -errno;
	loop->timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->timer < 0 || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->timer, &event) != 0) {
		error = -errno;
		loop_close(loop);
		return error;
	}
	return 0;
}

void loop_close(struct loop *loop)
{
	if (loop->signals >= 0)
		close(loop->signals);
	if (loop->timer >= 0)
		close(loop->timer);
	if (loop->epoll >= 0)
		close(loop->epoll);
	loop->signals = loop->timer = loop->epoll = -1;
}

static struct loop_source *loop_find(struct loop *loop, int fd)
{
	for (unsigned i = 0; i < LOOP_SOURCES_MAX; i++)
		if (loop->source[i].fd == fd)
			return &loop->source[i];
	return NULL;
}

int loop_add(struct loop *loop, int fd, loop_fn *callback, void *arg)
{
	struct loop_source *source = loop_find(loop, -1);
	struct epoll_event event = {.events = EPOLLIN};

	assert(fd >= 0 && callback != NULL && loop_find(loop, fd) == NULL);
	if (source == NULL)
		return -ENOSPC;
	event.data.u64 = (uint64_t)source->generation << 32 | (uint64_t)(source - loop->source);
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		return -errno;
	source->fd = fd;
	source->callback = callback;
	source->arg = arg;
	return 0;
}

void loop_remove(struct loop *loop, int fd)
{
	struct loop_source *source = fd < 0 ? NULL : loop_find(loop, fd);

	if (source == NULL)
		return;
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
	source->fd = -1;
	source->callback = NULL;
	/* One bit short, so that no slot is ever taken for LOOP_TIMER. */
	source->generation = (source->generation + 1) & INT32_MAX;
}

static void loop_signal_ready(void *arg, uint32_t events)
{
	struct loop *loop = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (loop->signals >= 0 && read(loop->signals, &info, sizeof(info)) == sizeof(info))
		loop->signal_callback(loop->signal_arg, (int)info.ssi_signo);
}

int loop_signals(struct loop *loop, const sigset_t *set, loop_signal_fn *callback, void *arg)
{
	assert(loop->signals < 0 && callback != NULL);
	if (sigprocmask(SIG_BLOCK, set, NULL) != 0)
		return -errno;
	loop->signals = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (loop->signals < 0)
		return -errno;
	loop->signal_callback = callback;
	loop->signal_arg = arg;
	return loop_add(loop, loop->signals, loop_signal_ready, loop);
}

void loop_arm(struct loop *loop, ha_time at)
{
	struct itimerspec spec = {0};
	int error;

	if (at == loop->at && !loop->fired)
		return;
	loop->at = at;
	loop->fired = false;
	if (at != HA_NEVER) {
		/* Zero would disarm it; what lies in the past is due at once. */
		ha_time due = at > 0 ? at : 1;

		spec.it_value.tv_sec = (time_t)(due / HA_SEC);
		spec.it_value.tv_nsec = (long)(due % HA_SEC);
	}
	error = timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &spec, NULL);
	assert(error == 0);
}

/* Serves what is ready now, each once. Returns how many there were besides the timer, or -errno. */
static int loop_serve(struct loop *loop, int timeout_ms)
{
	struct epoll_event ready[LOOP_SOURCES_MAX + 1];
	ha_time asked = loop_now(), answered;
	int served = 0, n;

	n = epoll_wait(loop->epoll, ready, LOOP_SOURCES_MAX + 1, timeout_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	answered = loop_now();
	if (answered - asked > LOOP_WAIT)
		loop->waited_at = answered;
	for (int i = 0; i < n; i++) {
		uint64_t data = ready[i].data.u64;
		struct loop_source *source;

		if (data == LOOP_TIMER)
			continue;
		source = &loop->source[data & UINT32_MAX];
		if (source->fd < 0 || source->generation != data >> 32)
			continue;
		source->callback(source->arg, ready[i].events);
		served++;
	}
	return served;
}

int loop_run_once(struct loop *loop)
{
	ha_time now;
	int n;

	loop->wakes++;
	if (loop->fired) /* nobody has armed it anew */
		loop_arm(loop, HA_NEVER);
	n = loop_serve(loop, -1);
	if (n < 0)
		return n;
	now = loop_now();
	if (now < loop->at)
		return 0;
	/* Something may have come in while the above was served, or this process may have been
	 * stopped: look again, after the clock. */
	n = loop_serve(loop, 0);
	if (n < 0)
		return n;
	if (now < loop->at) /* a callback has moved it */
		return 0;
	loop->at = HA_NEVER;
	loop->fired = true;
	loop->timer_callback(loop->timer_arg, now);
	return 0;
}
