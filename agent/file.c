#include "agent/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Up to cap bytes; fewer only at the file's end. */
static int read_all(int fd, uint8_t *out, size_t cap, size_t *len)
{
	*len = 0;
	while (*len < cap) {
		ssize_t n = read(fd, out + *len, cap - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	return 0;
}

int file_read(int directory, const char *name, uint8_t *out, size_t cap, size_t *len)
{
	uint8_t more;
	size_t more_len = 0;
	struct stat st;
	int fd, error;

	/* O_NONBLOCK: to open a FIFO must not wait for its writer. */
	fd = openat(directory, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0) {
		error = -errno;
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		error = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
		goto out;
	}
	error = read_all(fd, out, cap, len);
	if (error == 0 && *len == cap)
		error = read_all(fd, &more, sizeof(more), &more_len);
	if (error == 0 && more_len > 0)
		error = -EFBIG;
out:
	close(fd);
	return error;
}

int file_write(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_new(int directory, const char *name, const uint8_t *bytes, size_t len)
{
	int fd, error;

	if (unlinkat(directory, name, 0) != 0 && errno != ENOENT)
		return -errno;
	fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	error = file_write(fd, bytes, len);
	if (error == 0 && fsync(fd) != 0)
		error = -errno;
	if (close(fd) != 0 && error == 0)
		error = -errno;
	return error;
}

int file_replace(int directory, const char *name, const char *temporary, const uint8_t *bytes,
		 size_t len)
{
	int error = write_new(directory, temporary, bytes, len);

	if (error == 0 && renameat(directory, temporary, directory, name) != 0)
		error = -errno;
	if (error != 0) {
		unlinkat(directory, temporary, 0);
		return error;
	}
	return fsync(directory) == 0 ? 0 : -errno;
}
