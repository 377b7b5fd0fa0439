/* roots_xattr.c - extended attributes of files and directories, as the peer is told them. See roots.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "agent/sync/roots.h"

enum {
	LIST_MAX = 65536, /* the kernel's own limit (XATTR_LIST_MAX) */
	NAMES_MAX = 256,  /* of the kinds that are synced */
	VALUE_MAX = 65535,
};

/* One that is encoded: where its parts are. */
struct attribute {
	const char *name; /* not terminated */
	size_t name_len;
	const uint8_t *value;
	size_t value_len;
};

static bool begins(const char *name, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(name, with, strlen(with)) == 0;
}

static bool is(const char *name, size_t len, const char *whole)
{
	return len == strlen(whole) && memcmp(name, whole, len) == 0;
}

/* The settings' own. What a security module or the kernel keeps for itself is the machine's. */
static bool is_synced(const char *name, size_t len)
{
	return (begins(name, len, "user.") && len > strlen("user.")) ||
	       is(name, len, "system.posix_acl_access") ||
	       is(name, len, "system.posix_acl_default") || is(name, len, "security.capability");
}

static int by_name(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

/* Names of the kinds that are synced, sorted; they point into list. 0 or -errno. */
static int list_names(int fd, char *list, const char *name[NAMES_MAX], unsigned *n)
{
	ssize_t len = flistxattr(fd, list, LIST_MAX);

	*n = 0;
	if (len < 0 && (errno == ENOTSUP || errno == ENOSYS))
		return 0;
	if (len < 0)
		return errno == ERANGE ? -E2BIG : -errno;
	for (const char *at = list; at < list + len; at += strlen(at) + 1) {
		if (!is_synced(at, strlen(at)))
			continue;
		if (*n == NAMES_MAX)
			return -E2BIG;
		name[(*n)++] = at;
	}
	qsort(name, *n, sizeof(*name), by_name);
	return 0;
}

/* Appends one; 0 too if it has just gone. Its length, or -errno. */
static int encode_one(int fd, const char *name, uint8_t *out, size_t cap)
{
	size_t name_len = strlen(name), head = 1 + name_len + 2;
	ssize_t len;

	assert(name_len <= UINT8_MAX); /* XATTR_NAME_MAX */
	if (cap <= head)
		return -E2BIG;
	cap -= head;
	len = fgetxattr(fd, name, out + head, cap > VALUE_MAX ? VALUE_MAX : cap);
	if (len < 0)
		return errno == ENODATA ? 0 : errno == ERANGE ? -E2BIG : -errno;
	out[0] = (uint8_t)name_len;
	memcpy(out + 1, name, name_len);
	out[1 + name_len] = (uint8_t)(len >> 8);
	out[2 + name_len] = (uint8_t)len;
	return (int)(head + (size_t)len);
}

int roots_xattrs(int fd, uint8_t *out, size_t cap)
{
	char list[LIST_MAX];
	const char *name[NAMES_MAX];
	size_t len = 0;
	unsigned n;
	int error = list_names(fd, list, name, &n);

	if (error != 0)
		return error;
	if (cap > SYNC_XATTR_MAX)
		cap = SYNC_XATTR_MAX;
	for (unsigned i = 0; i < n; i++) {
		int more = encode_one(fd, name[i], out + len, cap - len);

		if (more < 0)
			return more;
		len += (size_t)more;
	}
	return (int)len;
}

/* The next one of an encoding; false at its end, and where it makes no sense: then *left is not 0. */
static bool next(const uint8_t **at, size_t *left, struct attribute *out)
{
	const uint8_t *p = *at;

	if (*left < 1 || *left < 1 + (size_t)p[0] + 2)
		return false;
	out->name_len = p[0];
	out->name = (const char *)p + 1;
	out->value = p + 1 + out->name_len + 2;
	out->value_len = (size_t)(out->value[-2] << 8 | out->value[-1]);
	if (*left < 3 + out->name_len + out->value_len ||
	    memchr(out->name, 0, out->name_len) != NULL || !is_synced(out->name, out->name_len))
		return false;
	*left -= 3 + out->name_len + out->value_len;
	*at = out->value + out->value_len;
	return true;
}

static bool contains(const uint8_t *xattr, size_t len, const char *name)
{
	struct attribute a;

	while (next(&xattr, &len, &a)) {
		if (is(a.name, a.name_len, name))
			return true;
	}
	return false;
}

static int remove_others(int fd, const uint8_t *xattr, size_t len)
{
	char list[LIST_MAX];
	const char *name[NAMES_MAX];
	unsigned n;
	int error = list_names(fd, list, name, &n);

	for (unsigned i = 0; error == 0 && i < n; i++) {
		if (!contains(xattr, len, name[i]) && fremovexattr(fd, name[i]) != 0 &&
		    errno != ENODATA)
			error = -errno;
	}
	return error;
}

int roots_set_xattrs(int fd, const uint8_t *xattr, size_t len)
{
	const uint8_t *at = xattr;
	char name[UINT8_MAX + 1];
	struct attribute a;
	size_t left = len;
	int error;

	while (next(&at, &left, &a))
		;
	if (left != 0)
		return -EINVAL;
	error = remove_others(fd, xattr, len);
	for (at = xattr, left = len; error == 0 && next(&at, &left, &a);) {
		memcpy(name, a.name, a.name_len);
		name[a.name_len] = 0;
		if (fsetxattr(fd, name, a.value, a.value_len, 0) != 0)
			error = -errno;
	}
	return error;
}
