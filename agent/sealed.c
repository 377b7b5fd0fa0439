#include "agent/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int sealed_make(const char *name, const void *from, size_t len)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), error = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, from, len);
	if (n != (ssize_t)len)
		error = n < 0 ? -errno : -EIO;
	else if (fcntl(fd, F_ADD_SEALS, SEALS) != 0)
		error = -errno;
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

int sealed_read(int fd, void *out, size_t len)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat status;
	ssize_t n;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &status) != 0 ||
	    status.st_size != (off_t)len)
		return -EPROTO;
	n = pread(fd, out, len, 0);
	if (n < 0)
		return -errno;
	return n == (ssize_t)len ? 0 : -EPROTO;
}
