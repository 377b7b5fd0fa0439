/* The flight recorder: what is written comes out as it was, in order; what is written over is not read; what a hostile
 * writer leaves is not believed.
 */
#include "agent/recorder.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* How the memory begins, and where the ring does: known to a hostile writer as well. */
enum {
	OLDEST = 0,
	WRITTEN = 8,
	RING = 64,
};

static int writer = -1, reader_fd = -1;
static struct recorder recorder;
static struct recorder_reader reader;
static struct recorded recorded;

static void setup(void)
{
	writer = recorder_make(&reader_fd);
	cr_assert_geq(writer, 0);
	cr_assert_eq(recorder_attach(&recorder, writer), 0);
}

static void teardown(void)
{
	recorder_close(&reader);
	recorder_detach(&recorder);
	close(writer);
	close(reader_fd);
}

TestSuite(recorder, .init = setup, .fini = teardown);

/* A frame of that length whose bytes follow from its number; the number is its time, too. */
static void fill(uint8_t *frame, size_t len, uint64_t number)
{
	for (size_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(number * 31 + i);
}

static size_t len_of(uint64_t number)
{
	return 14 + (size_t)(number * 7919 % (HA_FRAME_MAX - 13));
}

static void send_number(uint64_t number)
{
	uint8_t frame[HA_FRAME_MAX];

	fill(frame, len_of(number), number);
	recorder_sent(&recorder, number % 2 ? HA_PATH_LINK : HA_PATH_MANAGEMENT, frame,
		      len_of(number), (ha_time)number);
}

/* The record is that of its own number, from the first byte to the last. */
static void check_number(const struct recorded *r)
{
	uint8_t frame[HA_FRAME_MAX];
	uint64_t number = (uint64_t)r->at;

	cr_assert_eq(r->len, len_of(number));
	cr_assert_eq((int)r->source, number % 2 ? RECORDER_LINK : RECORDER_MANAGEMENT);
	fill(frame, r->len, number);
	cr_assert_eq(memcmp(frame, r->frame, r->len), 0, "record %llu", (unsigned long long)number);
}

Test(recorder, what_is_written_comes_out_in_order_and_once)
{
	static const uint8_t sent[20] = {1}, heard[30] = {2}, decided[40] = {3};

	recorder_sent(&recorder, HA_PATH_LINK, sent, sizeof(sent), 5);
	recorder_heard(&recorder, HA_PATH_MANAGEMENT, heard, sizeof(heard), 6);
	recorder_judged(&recorder, false, 6);
	recorder_decided(&recorder, decided, sizeof(decided), 7);
	cr_assert_eq(recorder_open(&reader, reader_fd), 0);

	cr_assert(recorder_next(&reader, &recorded));
	cr_expect(recorded.source == RECORDER_LINK && recorded.outgoing && recorded.at == 5);
	cr_expect(recorded.len == sizeof(sent) && memcmp(recorded.frame, sent, sizeof(sent)) == 0);
	cr_assert(recorder_next(&reader, &recorded));
	cr_expect(recorded.source == RECORDER_MANAGEMENT && !recorded.outgoing && recorded.at == 6);
	cr_assert(recorder_next(&reader, &recorded));
	cr_expect(recorded.source == RECORDER_DECISIONS && recorded.len == sizeof(decided));
	cr_assert_not(recorder_next(&reader, &recorded));

	recorder_sent(&recorder, HA_PATH_LINK, sent, sizeof(sent), 8);
	cr_assert_not(recorder_next(&reader, &recorded), "it came after the reader's end");
	recorder_more(&reader);
	cr_assert(recorder_next(&reader, &recorded));
	cr_expect_eq(recorded.at, 8);
	cr_expect_not(reader.broken);
}

Test(recorder, a_frame_stands_in_front_of_what_it_leads_to)
{
	static const uint8_t frame[20];

	recorder_heard(&recorder, HA_PATH_LINK, frame, sizeof(frame), 1);
	recorder_decided(&recorder, frame, sizeof(frame), 2);
	recorder_sent(&recorder, HA_PATH_LINK, frame, sizeof(frame), 3);
	recorder_judged(&recorder, false, 3);
	cr_assert_eq(recorder_open(&reader, reader_fd), 0);
	for (ha_time at = 1; at <= 3; at++) {
		cr_assert(recorder_next(&reader, &recorded));
		cr_expect_eq(recorded.at, at);
	}
	cr_assert_not(recorder_next(&reader, &recorded));
}

Test(recorder, a_flood_of_dropped_frames_is_kept_out_and_nothing_else)
{
	static const uint8_t frame[20];
	unsigned n = 0;

	for (int i = 0; i < 1000; i++) {
		recorder_heard(&recorder, HA_PATH_LINK, frame, sizeof(frame), 1);
		recorder_judged(&recorder, true, HA_SEC);
		recorder_heard(&recorder, HA_PATH_LINK, frame, sizeof(frame), 2);
		recorder_judged(&recorder, false, HA_SEC);
	}
	cr_assert_eq(recorder_open(&reader, reader_fd), 0);
	while (recorder_next(&reader, &recorded))
		n += recorded.at == 1;
	cr_expect_eq(n, RECORDER_BURST);
	cr_expect_eq(recorder.passed_over, 1000 - RECORDER_BURST);
	recorder_heard(&recorder, HA_PATH_LINK, frame, sizeof(frame), 3);
	recorder_judged(&recorder, true, HA_SEC + HA_SEC / RECORDER_PER_SECOND);
	recorder_more(&reader);
	cr_expect(recorder_next(&reader, &recorded) && recorded.at == 3, "there is room again");
}

Test(recorder, it_wraps_and_the_newest_are_there_whole)
{
	uint64_t number, first = 0;

	for (number = 1; number <= 20000; number++)
		send_number(number);
	cr_assert_eq(recorder_open(&reader, reader_fd), 0);
	for (number = 0; recorder_next(&reader, &recorded); number++) {
		check_number(&recorded);
		if (number == 0)
			first = (uint64_t)recorded.at;
		cr_assert_eq((uint64_t)recorded.at, first + number);
	}
	cr_expect_eq((uint64_t)recorded.at, 20000);
	/* All that there is room for, but for less than one of the longest. */
	cr_expect_gt(recorder.written - recorder.oldest, RECORDER_LEN - RING - HA_FRAME_MAX - 40);
}

Test(recorder, what_is_written_over_while_it_is_read_is_left_out)
{
	for (uint64_t number = 1; number <= 5000; number++)
		send_number(number);
	cr_assert_eq(recorder_open(&reader, reader_fd), 0);
	cr_assert(recorder_next(&reader, &recorded));
	for (uint64_t number = 5001; number <= 5500; number++)
		send_number(number);
	cr_assert(recorder_next(&reader, &recorded));
	cr_expect_gt(reader.missed, 0);
	do
		check_number(&recorded);
	while (recorder_next(&reader, &recorded));
	cr_expect_eq(recorded.at, 5000, "up to where it ended when it was opened");
	cr_expect_not(reader.broken);
}

static _Atomic bool stop;

static void *write_on(void *arg)
{
	for (uint64_t number = 1; !atomic_load(&stop); number++)
		send_number(number);
	return arg;
}

/* As the steward does: with the engine at its back. */
Test(recorder, a_reader_beside_a_writer_sees_whole_records_in_order)
{
	uint64_t seen = 0;
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, write_on, NULL), 0);
	while (seen < 50000) {
		ha_time last = 0;

		cr_assert_eq(recorder_open(&reader, reader_fd), 0);
		while (recorder_next(&reader, &recorded)) {
			check_number(&recorded);
			cr_assert_gt(recorded.at, last);
			last = recorded.at;
			seen++;
		}
		cr_assert_not(reader.broken);
		recorder_close(&reader);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
}

Test(recorder, a_new_engine_goes_on_behind_the_one_that_died)
{
	uint8_t *shared = mmap(NULL, RECORDER_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, writer, 0);
	unsigned n = 0;

	cr_assert_neq(shared, MAP_FAILED);
	send_number(1);
	send_number(2);
	/* It died in the middle of a record. */
	memset(shared + RING + (size_t)recorder.written, 0xff, 100);
	recorder_detach(&recorder);
	cr_assert_eq(recorder_attach(&recorder, writer), 0);
	send_number(3);
	cr_assert_eq(recorder_open(&reader, reader_fd), 0);
	while (recorder_next(&reader, &recorded)) {
		check_number(&recorded);
		n++;
	}
	cr_expect_eq(n, 3);
	munmap(shared, RECORDER_LEN);
}

static void poke(uint8_t *shared, size_t at, uint64_t value, size_t len)
{
	memcpy(shared + at, &value, len); /* both are the same machine's */
}

/* Positions and marks that lie, in every way: nothing is read beyond the ring, and nothing goes on for ever. */
Test(recorder, what_a_hostile_engine_leaves_is_not_believed)
{
	static const struct {
		size_t at;
		uint64_t value;
		size_t len;
		const char *what;
	} lies[] = {
		{OLDEST, UINT64_MAX, 8, "oldest behind the end"},
		{WRITTEN, UINT64_MAX, 8, "written far away"},
		{WRITTEN, UINT64_MAX - 7, 8, "... and aligned"},
		{WRITTEN, (uint64_t)RECORDER_LEN * 2, 8, "more than there is room for"},
		{WRITTEN, 15, 8, "less than a mark"},
		{OLDEST, 3, 8, "not aligned"},
		{RING + 8, UINT32_MAX, 4, "a length of 4 GiB"},
		{RING + 8, HA_FRAME_MAX + 1, 4, "a length of one too many"},
		{RING + 12, RECORDER_SOURCE_N, 1, "no such source"},
		{RING + 13, 2, 1, "neither in nor out"},
	};
	uint8_t *shared = mmap(NULL, RECORDER_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, writer, 0);

	cr_assert_neq(shared, MAP_FAILED);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		unsigned n = 0;

		memset(shared, 0, RECORDER_LEN);
		recorder_detach(&recorder);
		cr_assert_eq(recorder_attach(&recorder, writer), 0);
		send_number(1);
		poke(shared, lies[i].at, lies[i].value, lies[i].len);
		cr_assert_eq(recorder_open(&reader, reader_fd), 0);
		while (recorder_next(&reader, &recorded))
			cr_assert_lt(++n, RECORDER_LEN / 16, "%s", lies[i].what);
		cr_expect_eq(n, 0, "%s", lies[i].what);
		recorder_close(&reader);

		/* And its successor starts anew. */
		recorder_detach(&recorder);
		cr_assert_eq(recorder_attach(&recorder, writer), 0);
		send_number(7);
		cr_assert_eq(recorder_open(&reader, reader_fd), 0);
		cr_assert(recorder_next(&reader, &recorded), "%s", lies[i].what);
		cr_expect_eq(recorded.at, 7);
		recorder_close(&reader);
	}
	munmap(shared, RECORDER_LEN);
}

Test(recorder, random_memory_ends)
{
	uint8_t *shared = mmap(NULL, RECORDER_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, writer, 0);

	cr_assert_neq(shared, MAP_FAILED);
	srandom(1);
	for (int turn = 0; turn < 50; turn++) {
		unsigned n = 0;

		for (size_t i = 0; i < RECORDER_LEN; i += 4)
			poke(shared, i, (uint64_t)random() >> (turn % 24), 4);
		poke(shared, OLDEST, 0, 8);
		poke(shared, WRITTEN, RECORDER_LEN - RING, 8);
		cr_assert_eq(recorder_open(&reader, reader_fd), 0);
		while (recorder_next(&reader, &recorded))
			cr_assert_lt(++n, RECORDER_LEN / 16);
		recorder_close(&reader);
	}
	munmap(shared, RECORDER_LEN);
}

Test(recorder, its_size_is_sealed_and_the_reader_cannot_write)
{
	static const uint8_t byte;
	int other = memfd_create("other", MFD_CLOEXEC), pipes[2];

	cr_expect_neq(ftruncate(writer, RECORDER_LEN / 2), 0,
		      "whoever has it mapped would be killed");
	cr_expect_neq(ftruncate(writer, RECORDER_LEN * 2L), 0);
	cr_expect_eq(write(reader_fd, &byte, 1), -1);
	cr_expect_eq(mmap(NULL, RECORDER_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, reader_fd, 0),
		     MAP_FAILED);

	cr_assert_geq(other, 0);
	cr_assert_eq(ftruncate(other, RECORDER_LEN), 0);
	cr_expect_eq(recorder_open(&reader, other), -EBADF, "it is not sealed");
	cr_assert_eq(pipe2(pipes, O_CLOEXEC), 0);
	cr_expect_eq(recorder_open(&reader, pipes[0]), -EBADF);
	close(pipes[0]);
	close(pipes[1]);
	close(other);
}

Test(recorder, without_memory_nothing_is_recorded)
{
	static const uint8_t frame[20];
	struct recorder none = {0};

	recorder_sent(&none, HA_PATH_LINK, frame, sizeof(frame), 1);
	recorder_heard(&none, HA_PATH_LINK, frame, sizeof(frame), 1);
	recorder_judged(&none, false, 1);
	recorder_decided(&none, frame, sizeof(frame), 1);
	cr_expect_eq(none.written, 0);
}
