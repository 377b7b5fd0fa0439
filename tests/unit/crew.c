/* crew.c - many blocks hashed at once have the tags that they have one by one. */
#include "agent/sync/crew.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	BLOCKS = 40,
	SIZE = (BLOCKS - 1) * SYNC_BLOCK_LEN + 1000, /* the last one is short */
};

static struct crew *crew;
static struct digest digest;
static int fd;
static uint8_t content[SIZE];
static digest_tag expected[BLOCKS], got[BLOCKS];

static void use_key(uint8_t first)
{
	uint8_t key[HA_KEY_LEN] = {first};

	digest_close(&digest);
	cr_assert_eq(digest_open(&digest, key), 0);
	for (size_t i = 0; i < BLOCKS; i++) {
		size_t at = i * SYNC_BLOCK_LEN;

		digest_block(&digest, content + at,
			     SIZE - at < SYNC_BLOCK_LEN ? SIZE - at : SYNC_BLOCK_LEN, expected[i]);
	}
}

static void setup(void)
{
	for (size_t i = 0; i < SIZE; i++)
		content[i] = (uint8_t)(i * 31 + i / SYNC_BLOCK_LEN);
	fd = memfd_create("crew", MFD_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, content, SIZE), SIZE);
	crew = crew_open();
	cr_assert_not_null(crew);
	use_key(1);
}

static void teardown(void)
{
	crew_close(crew);
	digest_close(&digest);
	close(fd);
}

TestSuite(crew, .init = setup, .fini = teardown);

static void expect_tags(void)
{
	cr_expect_eq(memcmp(got, expected, sizeof(got)), 0);
	memset(got, 0, sizeof(got));
}

/* Again and again: whoever wakes late for one task finds the next, or none. */
Test(crew, each_block_has_its_own_tag)
{
	for (unsigned i = 0; i < 200; i++) {
		cr_assert_eq(crew_hash(crew, &digest, fd, SIZE, 0, BLOCKS, got), 0);
		expect_tags();
	}
}

Test(crew, a_part_of_a_file_is_that_part)
{
	cr_assert_eq(crew_hash(crew, &digest, fd, SIZE, 0, 7, got), 0);
	cr_assert_eq(crew_hash(crew, &digest, fd, SIZE, 7, 1, got + 7), 0);
	cr_assert_eq(crew_hash(crew, &digest, fd, SIZE, 8, BLOCKS - 8, got + 8), 0);
	expect_tags();
}

Test(crew, another_key_makes_other_tags)
{
	cr_assert_eq(crew_hash(crew, &digest, fd, SIZE, 0, BLOCKS, got), 0);
	use_key(2);
	cr_expect_neq(memcmp(got, expected, sizeof(got)), 0);
	cr_assert_eq(crew_hash(crew, &digest, fd, SIZE, 0, BLOCKS, got), 0);
	expect_tags();
}

Test(crew, a_file_that_has_become_shorter_is_told)
{
	cr_assert_eq(ftruncate(fd, SIZE - 1), 0);
	cr_expect_eq(crew_hash(crew, &digest, fd, SIZE, 0, BLOCKS, got), -EBADMSG);
	cr_assert_eq(ftruncate(fd, 5 * SYNC_BLOCK_LEN), 0);
	cr_expect_eq(crew_hash(crew, &digest, fd, SIZE, 0, BLOCKS, got), -EBADMSG);
	cr_expect_eq(crew_hash(crew, &digest, fd, 5 * SYNC_BLOCK_LEN, 0, 5, got), 0);
	cr_expect_eq(memcmp(got, expected, 5 * sizeof(got[0])), 0, "it is of use after that");
}

Test(crew, a_file_that_cannot_be_read_is_told)
{
	cr_expect_eq(crew_hash(crew, &digest, -1, SIZE, 0, BLOCKS, got), -EBADF);
}
