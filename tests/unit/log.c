/* The log line: key=value that a program can split again, whatever the values hold; and its limit. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/log.h"

static char line[LOG_LINE_MAX];

__attribute__((format(printf, 3, 4))) static size_t format(size_t cap, const char *process,
							   const char *with, ...)
{
	va_list ap;
	size_t len;

	memset(line, '#', sizeof(line));
	va_start(ap, with);
	len = log_format(line, cap, process, "state", with, ap);
	va_end(ap);
	cr_assert_leq(len, cap);
	cr_expect_eq(line[len - 1], '\n');
	if (len < sizeof(line))
		line[len] = '\0';
	return len;
}

#define LINE(expected, ...)                                                                        \
	do {                                                                                       \
		format(sizeof(line), NULL, __VA_ARGS__);                                           \
		cr_expect_str_eq(line, expected);                                                  \
	} while (0)

Test(log, values_are_plain_where_they_can_be)
{
	LINE("event=state from=passive to=active\n", "from=%s to=%s", "passive", "active");
	LINE("event=state error=-5 term=18446744073709551615 n=7 c=x\n",
	     "error=%d term=%llu n=%zu c=%c", -5, 18446744073709551615ULL, (size_t)7, 'x');
	LINE("event=state pct=100% mac=02:00 rtt=0007\n", "pct=%d%% mac=%02x:%02x rtt=%04ld", 100,
	     2u, 0u, 7L);
	format(sizeof(line), "engine", "a=%d", 1);
	cr_expect_str_eq(line, "event=state proc=engine a=1\n");
}

Test(log, values_that_would_not_split_again_are_quoted)
{
	LINE("event=state reason=\"peer silent on both paths\" rule=T2\n", "reason=%s rule=%s",
	     "peer silent on both paths", "T2");
	LINE("event=state a=\"\" b=\"x=y\" c=\"\\\"\\\\\"\n", "a=%s b=%s c=%s", "", "x=y", "\"\\");
}

Test(log, control_characters_never_reach_the_terminal)
{
	LINE("event=state a=\"x\\x0aevent=forged\"\n", "a=%s", "x\nevent=forged");
	LINE("event=state a=\"\\x1b[2J\" b=\"\\x7f\" c=\"\\xc2\\x9b\"\n", "a=%s b=%s c=%s",
	     "\x1b[2J", "\x7f", "\xc2\x9b");
	LINE("event=state a=caf\xc3\xa9\n", "a=%s", "caf\xc3\xa9");
}

Test(log, a_line_is_cut_at_any_room_and_ends)
{
	char text[600];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t cap = 2; cap <= sizeof(line); cap++)
		format(cap, "engine", "a=%s b=%s c=%s", text, "\"\"", text);
	cr_expect_eq(format(sizeof(line), NULL, "a=%s b=%s", text, text), LOG_LINE_MAX);
}

Test(log, a_burst_passes_and_then_five_a_second)
{
	struct log_bucket b = {0};
	ha_time now = 1000 * HA_SEC;
	unsigned passed = 0;

	for (unsigned i = 0; i < 100; i++)
		passed += log_bucket_take(&b, now);
	cr_expect_eq(passed, LOG_BURST);
	cr_expect_eq(b.suppressed, 100 - LOG_BURST);
	cr_expect_not(log_bucket_take(&b, now + 199 * HA_MS));
	cr_expect(log_bucket_take(&b, now + 200 * HA_MS));
	cr_expect_not(log_bucket_take(&b, now + 200 * HA_MS));
	passed = 0;
	for (unsigned ms = 201; ms <= 10200; ms++)
		passed += log_bucket_take(&b, now + ms * HA_MS);
	cr_expect_eq(passed, 10 * LOG_PER_SECOND);
	passed = 0;
	for (unsigned i = 0; i < 100; i++)
		passed += log_bucket_take(&b, now + 3600 * HA_SEC);
	cr_expect_eq(passed, LOG_BURST, "an hour of rest fills it up to the burst, no further");
}

Test(log, a_clock_at_zero_starts_full)
{
	struct log_bucket b = {0};

	for (unsigned i = 0; i < LOG_BURST; i++)
		cr_expect(log_bucket_take(&b, 0));
	cr_expect_not(log_bucket_take(&b, 0));
}

/* stderr is put back at the end, so that the test's own report is read. */
static void replace_stderr(int fd, int *kept)
{
	*kept = dup(STDERR_FILENO);
	cr_assert_geq(*kept, 0);
	cr_assert_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
}

Test(log, a_pipe_that_nobody_reads_neither_blocks_nor_kills)
{
	int fd[2], kept, n;
	char byte[4096] = "";

	cr_assert_eq(pipe(fd), 0);
	replace_stderr(fd[1], &kept);
	cr_assert_eq(fcntl(fd[1], F_SETFL, O_NONBLOCK), 0);
	while (write(fd[1], byte, sizeof(byte)) > 0)
		;
	cr_assert_eq(fcntl(fd[1], F_SETFL, 0), 0);
	log_event(LOG_INFO, "full", "a=%d", 1);
	close(fd[0]);
	log_event(LOG_INFO, "broken", "a=%d", 1);
	n = dup2(kept, STDERR_FILENO);
	cr_assert_eq(n, STDERR_FILENO);
}

/* What one line looks like that is written into a pipe. */
static const char *logged(int level)
{
	static char got[256];
	int fd[2], kept;
	ssize_t n;

	cr_assert_eq(pipe(fd), 0);
	replace_stderr(fd[1], &kept);
	log_open("engine");
	log_event(level, "state", "a=%d", 1);
	cr_assert_eq(dup2(kept, STDERR_FILENO), STDERR_FILENO);
	close(fd[1]);
	n = read(fd[0], got, sizeof(got) - 1);
	close(fd[0]);
	cr_assert_gt(n, 0);
	got[n] = '\0';
	return got;
}

Test(log, priorities_are_for_the_journal_and_for_who_asks)
{
	unsetenv("JOURNAL_STREAM");
	cr_expect_str_eq(logged(LOG_CRIT), "event=state proc=engine a=1\n");
	setenv("JOURNAL_STREAM", "1:1", 1);
	cr_expect_str_eq(logged(LOG_CRIT), "event=state proc=engine a=1\n", "not ours");
	log_priorities();
	cr_expect_str_eq(logged(LOG_CRIT), "<2>event=state proc=engine a=1\n");
	cr_expect_str_eq(logged(LOG_INFO), "<6>event=state proc=engine a=1\n");
}

Test(log, the_journal_is_known_by_its_device_and_inode)
{
	char file[] = "/tmp/haagent-log-XXXXXX", ours[64], got[256];
	int fd = mkstemp(file), kept;
	struct stat st;
	ssize_t n;

	cr_assert_geq(fd, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	(void)snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", ours, 1);
	replace_stderr(fd, &kept);
	log_open("steward");
	log_event(LOG_WARNING, "check", "name=%s", "a b");
	cr_assert_eq(dup2(kept, STDERR_FILENO), STDERR_FILENO);
	n = pread(fd, got, sizeof(got) - 1, 0);
	cr_assert_gt(n, 0);
	got[n] = '\0';
	cr_expect_str_eq(got, "<4>event=check proc=steward name=\"a b\"\n");
	close(fd);
	unlink(file);
}
