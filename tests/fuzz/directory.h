/* directory.h - a directory of a fuzzer's own, below TMPDIR: tests/fuzz/run makes one in memory, and removes it. */
#ifndef HA_TESTS_FUZZ_DIRECTORY_H
#define HA_TESTS_FUZZ_DIRECTORY_H

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

enum {
	SUM_LEN = 32,
};

static inline int directory_make(char *name, size_t cap)
{
	const char *parent = getenv("TMPDIR");
	int fd;

	FUZZ_CHECK(sodium_init() >= 0);
	umask(022);
	snprintf(name, cap, "%.80s/haagent-fuzz-XXXXXX", parent != NULL ? parent : P_tmpdir);
	FUZZ_CHECK(mkdtemp(name) != NULL);
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(fd >= 0);
	return fd;
}

static inline void directory_write(int at, const char *name, const void *bytes, size_t len)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
}

/* The same with a checksum behind it that is good. There has to be room for it. */
static inline void directory_write_summed(int at, const char *name, uint8_t *bytes, size_t len)
{
	crypto_generichash(bytes + len, SUM_LEN, bytes, len, NULL, 0);
	directory_write(at, name, bytes, len + SUM_LEN);
}

#endif
