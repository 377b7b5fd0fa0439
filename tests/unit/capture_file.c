/* What is written of the recorder's memory, and what is left of a file that could not be written. */
#include "agent/capture_file.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config config = {.link = "eth3", .management = "eth0", .model = "1100"};
static struct capture_file file;
static struct recorder recorder;
static struct recorder_reader reader;
static uint8_t bytes[65536];
static int fd = -1, writer = -1, reader_fd = -1;

static void setup(void)
{
	char name[] = "/tmp/haagent-capture-XXXXXX";

	fd = mkstemp(name);
	cr_assert_geq(fd, 0);
	cr_assert_eq(unlink(name), 0);
	writer = recorder_make(&reader_fd);
	cr_assert_geq(writer, 0);
	cr_assert_eq(recorder_attach(&recorder, writer), 0);
}

static void teardown(void)
{
	recorder_close(&reader);
	recorder_detach(&recorder);
	close(fd);
	close(writer);
	close(reader_fd);
}

TestSuite(capture_file, .init = setup, .fini = teardown);

static uint32_t u32(size_t at)
{
	return bytes[at] | (uint32_t)bytes[at + 1] << 8 | (uint32_t)bytes[at + 2] << 16 |
	       (uint32_t)bytes[at + 3] << 24;
}

/* How many blocks of that type are in the file, which is whole blocks. */
static unsigned blocks(uint32_t type, size_t *last)
{
	ssize_t len = pread(fd, bytes, sizeof(bytes), 0);
	unsigned n = 0;
	size_t at = 0;

	cr_assert(len > 0 && len < (ssize_t)sizeof(bytes));
	while (at < (size_t)len) {
		size_t block = u32(at + 4);

		cr_assert(block >= 12 && block <= (size_t)len - at && u32(at + block - 4) == block);
		if (u32(at) == type) {
			n++;
			*last = at;
		}
		at += block;
	}
	return n;
}

static void record(enum ha_path path, ha_time at)
{
	static const uint8_t frame[60];

	recorder_sent(&recorder, path, frame, sizeof(frame), at);
}

Test(capture_file, what_is_of_the_time_that_is_asked_for_is_in_it)
{
	static const uint8_t decided[79];
	size_t last;

	record(HA_PATH_LINK, 9);
	record(HA_PATH_MANAGEMENT, 10);
	recorder_decided(&recorder, decided, sizeof(decided), 15);
	record(HA_PATH_LINK, 20);
	record(HA_PATH_LINK, 21);
	record(HA_PATH_LINK, INT64_MIN); /* a hostile engine's */
	record(HA_PATH_LINK, INT64_MAX);
	cr_assert_eq(capture_file_begin(&file, fd, &config), 0);
	cr_assert_eq(recorder_open(&reader, reader_fd), 0);
	cr_assert_eq(capture_file_recorded(&file, &reader, 1000, 10, 20, false), 0);
	cr_assert_eq(capture_file_flush(&file), 0);
	cr_expect_eq(blocks(1, &last), RECORDER_SOURCE_N);
	cr_assert_eq(blocks(6, &last), 3);
	cr_expect_eq(u32(last + 8), RECORDER_LINK);
	cr_expect_eq(u32(last + 16), 1020, "its time of day");

	recorder_close(&reader);
	cr_assert_eq(recorder_open(&reader, reader_fd), 0);
	cr_assert_eq(capture_file_recorded(&file, &reader, 1000, 10, 20, true), 0);
	cr_assert_eq(capture_file_flush(&file), 0);
	cr_assert_eq(blocks(6, &last), 4, "the decisions only");
	cr_expect_eq(u32(last + 8), RECORDER_DECISIONS);
}

/* As on a disk that is full: in the middle of a block. */
Test(capture_file, what_cannot_be_written_leaves_whole_blocks)
{
	const struct rlimit limit = {20001, RLIM_INFINITY};
	struct stat st;
	size_t last;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 500; i++)
		record(HA_PATH_LINK, 1);
	cr_assert_eq(capture_file_begin(&file, fd, &config), 0);
	cr_assert_eq(recorder_open(&reader, reader_fd), 0);
	cr_expect_eq(capture_file_recorded(&file, &reader, 0, 0, 20, false), -EFBIG);
	cr_expect_eq(capture_file_flush(&file), -EFBIG, "the first error stays");
	cr_assert_eq(fstat(fd, &st), 0);
	cr_expect(st.st_size > 10000 && st.st_size < 20001);
	cr_expect_gt(blocks(6, &last), 50);
}

Test(capture_file, what_stood_there_before_stays)
{
	const struct rlimit limit = {20001, RLIM_INFINITY};
	off_t before;
	size_t last;

	cr_assert_eq(capture_file_begin(&file, fd, &config), 0);
	for (int i = 0; i < 20; i++)
		record(HA_PATH_LINK, 1);
	cr_assert_eq(recorder_open(&reader, reader_fd), 0);
	cr_assert_eq(capture_file_recorded(&file, &reader, 0, 0, 20, false), 0);
	cr_assert_eq(capture_file_flush(&file), 0);
	before = file.whole;
	for (int i = 0; i < 2;
	     i++) { /* in a file that is written on, and in one that is appended to */
		cr_assert_eq(fcntl(fd, F_SETFL, i == 0 ? 0 : O_APPEND), 0);
		if (i > 0)
			cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
		cr_assert_eq(capture_file_begin(&file, fd, &config), 0);
		cr_expect_eq(file.whole, before);
	}
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 500; i++)
		record(HA_PATH_LINK, 1);
	recorder_more(&reader);
	cr_expect_eq(capture_file_recorded(&file, &reader, 0, 0, 20, false), -EFBIG);
	cr_expect_geq(blocks(6, &last), 20);
	cr_expect_geq(file.whole, before);
}

Test(capture_file, a_pipe_that_breaks_is_an_error)
{
	int pipes[2];

	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(pipe2(pipes, O_CLOEXEC), 0);
	close(pipes[0]);
	cr_assert_eq(capture_file_begin(&file, pipes[1], &config), 0);
	cr_expect_eq(capture_file_flush(&file), -EPIPE);
	close(pipes[1]);
}
