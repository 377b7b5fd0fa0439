/* The event loop: queues are drained before timers are looked at. */
#include "agent/loop.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What happened, in order: one letter each. */
struct trace {
	struct loop *loop;
	char text[64];
	int fd, other;
	bool drain;
	ha_time given;
};

static void note(struct trace *trace, char what)
{
	size_t len = strlen(trace->text);

	cr_assert_lt(len + 1, sizeof(trace->text));
	trace->text[len] = what;
}

static void on_ready(void *arg, uint32_t events)
{
	struct trace *trace = arg;
	char byte;

	(void)events;
	do {
		if (read(trace->fd, &byte, 1) != 1)
			return;
		note(trace, byte);
	} while (trace->drain);
}

static void on_timer(void *arg, ha_time now)
{
	struct trace *trace = arg;

	note(trace, 'T');
	trace->given = now;
}

static void open_pair(int pair[2])
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static void say(int fd, const char *text)
{
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

Test(loop, a_timer_that_is_due_waits_for_what_is_queued)
{
	struct loop loop;
	struct trace trace = {.loop = &loop, .drain = true};
	int pair[2];

	open_pair(pair);
	trace.fd = pair[0];
	cr_assert_eq(loop_init(&loop, on_timer, &trace), 0);
	cr_assert_eq(loop_add(&loop, pair[0], on_ready, &trace), 0);
	loop_arm(&loop, loop_now() - HA_SEC);
	say(pair[1], "abc");
	cr_assert_eq(loop_run_once(&loop), 0);
	cr_assert_str_eq(trace.text, "abcT");
	loop_close(&loop);
	close_pair(pair);
}

/* Arrives while the first is being served, as after a pause of the whole process. */
static void on_ready_and_late_arrival(void *arg, uint32_t events)
{
	struct trace *trace = arg;

	if (trace->text[0] == '\0')
		say(trace->other, "b");
	on_ready(arg, events);
}

Test(loop, what_arrives_while_queues_are_served_still_comes_before_the_timer)
{
	struct loop loop;
	struct trace trace = {.loop = &loop, .drain = false};
	int pair[2];

	open_pair(pair);
	trace.fd = pair[0];
	trace.other = pair[1];
	cr_assert_eq(loop_init(&loop, on_timer, &trace), 0);
	cr_assert_eq(loop_add(&loop, pair[0], on_ready_and_late_arrival, &trace), 0);
	loop_arm(&loop, 1);
	say(pair[1], "a");
	cr_assert_eq(loop_run_once(&loop), 0);
	cr_assert_str_eq(trace.text, "abT");
	loop_close(&loop);
	close_pair(pair);
}

Test(loop, the_timer_is_given_a_time_that_is_not_before_the_one_it_was_armed_for)
{
	struct loop loop;
	struct trace trace = {.loop = &loop};
	ha_time at = loop_now() + 2 * HA_MS;

	cr_assert_eq(loop_init(&loop, on_timer, &trace), 0);
	loop_arm(&loop, at);
	while (trace.text[0] == '\0')
		cr_assert_eq(loop_run_once(&loop), 0);
	cr_assert_geq(trace.given, at);
	cr_assert_leq(trace.given, loop_now());
	loop_close(&loop);
}

Test(loop, the_timer_fires_once_and_the_newest_arming_counts)
{
	struct loop loop;
	struct trace trace = {.loop = &loop, .drain = true};
	int pair[2];

	open_pair(pair);
	trace.fd = pair[0];
	cr_assert_eq(loop_init(&loop, on_timer, &trace), 0);
	cr_assert_eq(loop_add(&loop, pair[0], on_ready, &trace), 0);
	loop_arm(&loop, 1);
	loop_arm(&loop, HA_NEVER);
	say(pair[1], "a");
	cr_assert_eq(loop_run_once(&loop), 0);
	cr_assert_str_eq(trace.text, "a", "disarmed");
	loop_arm(&loop, 1);
	cr_assert_eq(loop_run_once(&loop), 0);
	say(pair[1], "b");
	cr_assert_eq(loop_run_once(&loop), 0);
	cr_assert_str_eq(trace.text, "aTb", "and not again");
	loop_close(&loop);
	close_pair(pair);
}

static void on_ready_rearm(void *arg, uint32_t events)
{
	struct trace *trace = arg;

	on_ready(arg, events);
	loop_arm(trace->loop, loop_now() + 3600 * HA_SEC);
}

Test(loop, a_message_that_moves_the_deadline_is_in_time)
{
	struct loop loop;
	struct trace trace = {.loop = &loop, .drain = true};
	int pair[2];

	open_pair(pair);
	trace.fd = pair[0];
	cr_assert_eq(loop_init(&loop, on_timer, &trace), 0);
	cr_assert_eq(loop_add(&loop, pair[0], on_ready_rearm, &trace), 0);
	loop_arm(&loop, 1);
	say(pair[1], "renewal");
	cr_assert_eq(loop_run_once(&loop), 0);
	cr_assert_str_eq(trace.text, "renewal");
	loop_close(&loop);
	close_pair(pair);
}

/* Both are ready; whoever comes first removes the other. */
static void on_ready_remove_other(void *arg, uint32_t events)
{
	struct trace *trace = arg;

	(void)events;
	note(trace, 'x');
	loop_remove(trace->loop, trace->fd);
	loop_remove(trace->loop, trace->other);
}

Test(loop, a_source_that_was_removed_is_not_called_for_an_event_already_fetched)
{
	struct loop loop;
	struct trace trace = {.loop = &loop};
	int first[2], second[2];

	open_pair(first);
	open_pair(second);
	trace.fd = first[0];
	trace.other = second[0];
	cr_assert_eq(loop_init(&loop, on_timer, &trace), 0);
	cr_assert_eq(loop_add(&loop, first[0], on_ready_remove_other, &trace), 0);
	cr_assert_eq(loop_add(&loop, second[0], on_ready_remove_other, &trace), 0);
	say(first[1], "a");
	say(second[1], "b");
	cr_assert_eq(loop_run_once(&loop), 0);
	cr_assert_str_eq(trace.text, "x");
	loop_close(&loop);
	close_pair(first);
	close_pair(second);
}

Test(loop, removing_what_is_not_watched_does_nothing_and_slots_are_used_again)
{
	struct loop loop;
	struct trace trace = {.loop = &loop, .drain = true};
	int pair[2];

	open_pair(pair);
	trace.fd = pair[0];
	cr_assert_eq(loop_init(&loop, on_timer, &trace), 0);
	loop_remove(&loop, -1);
	loop_remove(&loop, pair[0]);
	for (int i = 0; i < 3 * LOOP_SOURCES_MAX; i++) {
		cr_assert_eq(loop_add(&loop, pair[0], on_ready, &trace), 0);
		loop_remove(&loop, pair[0]);
	}
	cr_assert_eq(loop_add(&loop, pair[0], on_ready, &trace), 0);
	say(pair[1], "a");
	cr_assert_eq(loop_run_once(&loop), 0);
	cr_assert_str_eq(trace.text, "a");
	loop_close(&loop);
	close_pair(pair);
}

Test(loop, there_is_room_for_so_many_sources_and_no_more)
{
	struct loop loop;
	struct trace trace = {.loop = &loop};
	int fd[LOOP_SOURCES_MAX + 1], pair[2];

	open_pair(pair);
	cr_assert_eq(loop_init(&loop, on_timer, &trace), 0);
	for (int i = 0; i <= LOOP_SOURCES_MAX; i++) {
		fd[i] = dup(pair[0]);
		cr_assert_geq(fd[i], 0);
		cr_assert_eq(loop_add(&loop, fd[i], on_ready, &trace),
			     i < LOOP_SOURCES_MAX ? 0 : -ENOSPC);
	}
	for (int i = 0; i <= LOOP_SOURCES_MAX; i++)
		close(fd[i]);
	loop_close(&loop);
	close_pair(pair);
}

static void on_signal(void *arg, int signal)
{
	note(arg, signal == SIGUSR1 ? 'U' : '?');
}

Test(loop, signals_are_events_like_others)
{
	struct loop loop;
	struct trace trace = {.loop = &loop};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	cr_assert_eq(loop_init(&loop, on_timer, &trace), 0);
	cr_assert_eq(loop_signals(&loop, &set, on_signal, &trace), 0);
	cr_assert_eq(kill(getpid(), SIGUSR1), 0);
	loop_arm(&loop, 1);
	cr_assert_eq(loop_run_once(&loop), 0);
	cr_assert_str_eq(trace.text, "UT");
	loop_close(&loop);
}
