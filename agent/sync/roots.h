/* roots.h - the trees that are synced, and the only way into them.
 *
 * A root is a directory of the configuration, opened once at the start. Whatever is done below it goes through
 * openat2() with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS: no name that the peer sends and no
 * link that somebody puts in the way leads out of it. Other filesystems mounted below are not entered. If the
 * directory itself is replaced, the root is lost until it is opened anew; a link in its place is never followed.
 */
#ifndef HA_AGENT_SYNC_ROOTS_H
#define HA_AGENT_SYNC_ROOTS_H

#include <sys/stat.h>

#include "proto/sync_msg.h"

/* At the top of each root: staged files and nothing else. Never synced, never listed. */
#define ROOTS_STAGE ".haagent-stage"

enum {
	ROOTS_EXCLUDES_MAX = 32,
	ROOTS_PATTERN_MAX = 128, /* with the terminator */
	ROOTS_NAME_MAX = 256,
};

struct root {
	char name[ROOTS_NAME_MAX]; /* absolute, as configured */
	int fd;                    /* O_RDONLY | O_DIRECTORY, or -1: not there; error says why */
	int error;                 /* -errno */
	dev_t device;
	ino_t inode;
};

struct roots {
	unsigned n;
	struct root root[SYNC_ROOTS_MAX];
	unsigned exclude_n;
	/* Without a slash: matches any component; with one (at its beginning too): the whole relative path, where no
	 * wildcard matches a slash. fnmatch(FNM_PERIOD off). What is below a match is excluded too. */
	char exclude[ROOTS_EXCLUDES_MAX][ROOTS_PATTERN_MAX];
};

void roots_init(struct roots *); /* none, and nothing is open */
/* As configured. 0; -ENOSPC: too many; -ENAMETOOLONG; -EINVAL: not absolute; an exclude that is empty, or ends
 * with a slash. */
int roots_add(struct roots *, const char *name);
int roots_exclude(struct roots *, const char *pattern);

/* Opens those that are not open. A root that does not exist is made if make (0755, and what is above it), so that a
 * new passive needs nothing done by hand. 0, or the first -errno. */
int roots_open(struct roots *, bool make);
void roots_close(struct roots *);
/* Is the directory at the configured name still the one that is open? If not it is closed; -ESTALE. Those that are
 * not open are not looked at. */
int roots_verify(struct roots *);
/* Of those that are not open: is one there by now? error says why not. It cannot be opened by a process that is confined
 * to what was there before: that has to start anew. */
bool roots_found(struct roots *);

bool roots_excluded(const struct roots *, const char *path, size_t len); /* also ROOTS_STAGE */
void roots_fingerprint(const struct roots *,
		       uint8_t out[SYNC_HASH_LEN]); /* of names and excludes */

/* openat2 below the root as above, O_CLOEXEC | O_NOFOLLOW added; path need not be terminated; "" is the root. fd or
 * -errno (-ELOOP: there is a symlink in it, -ENOTDIR: at its end, with O_DIRECTORY; -EXDEV: it would lead out, or onto
 * another filesystem; -EINVAL: no path; that of the root if it is not open). */
int roots_openat(const struct root *, const char *path, size_t len, int flags, mode_t mode);
/* The directory that holds path, opened, and the terminated last component in name. fd or -errno. */
int roots_parent(const struct root *, const char *path, size_t len, char name[SYNC_NAME_MAX + 1]);

/* Extended attributes in struct sync_entry's encoding, those of user., system.posix_acl_* and security.capability
 * only. fd is not one of O_PATH; symlinks have none here. Bytes, or -errno (-E2BIG: too many, it is treated as none by
 * the caller and reported). */
int roots_xattrs(int fd, uint8_t *out, size_t cap);
int roots_set_xattrs(int fd, const uint8_t *xattr,
		     size_t len); /* exactly these: others of the kinds are removed */

#endif
