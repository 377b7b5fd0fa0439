/* tool.h - what the lab's little helpers share: end with a message, the time, real-time priority.
 *
 * Wall-clock time throughout: it is what the kernel stamps received packets with, so that what one tool saw can be
 * laid beside what another did.
 */
#ifndef HA_TESTS_TOOL_H
#define HA_TESTS_TOOL_H

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

static inline int64_t realtime_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static inline double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

static inline double milliseconds(int64_t ns)
{
	return (double)ns / 1e6;
}

/* Best effort: a tool that is refused measures less exactly, and works. */
static inline void real_time(int priority)
{
	struct sched_param p = {.sched_priority = priority};

	(void)sched_setscheduler(0, SCHED_FIFO, &p);
	(void)mlockall(MCL_CURRENT);
}

static inline unsigned long number(const char *text, unsigned long most)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value > most)
		die("not a number up to %lu: %s", most, text);
	return value;
}

/* Receives one packet with the kernel's time of its arrival. Its length, or -1 if there is none. */
static inline ssize_t receive_stamped(int fd, void *buffer, size_t size, int64_t *at)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct timespec))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = buffer, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	const struct cmsghdr *c;
	ssize_t len = recvmsg(fd, &msg, MSG_DONTWAIT);

	if (len < 0)
		return -1;
	*at = realtime_ns();
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
		struct timespec t;

		memcpy(&t, CMSG_DATA(c), sizeof(t));
		*at = t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
	}
	return len;
}

#endif
