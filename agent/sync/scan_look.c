/* scan_look.c - a name on the disk, compared with what is known of it. See scan_state.h. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/sync/scan_state.h"

#define RETRY_FIRST (50 * HA_MS)
#define RETRY_MAX   (1 * HA_SEC)

int64_t scan_time_ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * HA_SEC + t->tv_nsec;
}

int64_t scan_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return scan_time_ns(&now);
}

/* Only what is stamped with the tick that was still going on when the look began. A time that is far ahead was made by a
 * clock that has been set since. A filesystem that knows whole seconds only shows by zeros. */
bool scan_is_racy(const struct stat *st, int64_t started_ns)
{
	int64_t changed_ns = scan_time_ns(&st->st_ctim);

	if (st->st_ctim.tv_nsec == 0)
		started_ns -= started_ns % HA_SEC;
	return changed_ns >= started_ns && changed_ns <= started_ns + HA_SEC;
}

/* Nothing has changed in 1970: so it is looked at again by whoever comes upon it, after a crash too. */
struct tree_stat scan_stat(const struct stat *st, bool racy)
{
	return (struct tree_stat){.inode = st->st_ino,
				  .ctime_ns = racy ? 0 : scan_time_ns(&st->st_ctim)};
}

ha_time scan_longer(ha_time delay)
{
	if (delay < RETRY_FIRST)
		return RETRY_FIRST;
	return delay * 2 > RETRY_MAX ? RETRY_MAX : delay * 2;
}

bool scan_same_stat(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_uid == b->st_uid &&
	       a->st_gid == b->st_gid && a->st_size == b->st_size &&
	       scan_time_ns(&a->st_mtim) == scan_time_ns(&b->st_mtim) &&
	       scan_time_ns(&a->st_ctim) == scan_time_ns(&b->st_ctim);
}

void scan_entry(struct sync_entry *e, uint8_t type, uint8_t root, const char *path, size_t len,
		const struct stat *st)
{
	*e = (struct sync_entry){
		.type = type,
		.root = root,
		.mode = type == SYNC_SYMLINK ? 0 : st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime_ns = scan_time_ns(&st->st_mtim),
		.size = type == SYNC_FILE ? (uint64_t)st->st_size : 0,
		.path = path,
		.path_len = (uint16_t)len,
	};
}

void scan_xattrs(struct scan *s, int fd, struct sync_entry *e)
{
	int n = roots_xattrs(fd, s->xattr, SYNC_XATTR_MAX);

	if (n < 0) {
		s->totals.skipped++;
		scan_report(s, e->root, e->path, e->path_len, "its extended attributes");
		n = 0;
	}
	e->xattr = s->xattr;
	e->xattr_len = (uint32_t)n;
}

/* Of a kind that is synced, or SYNC_GONE. */
static uint8_t type_of(const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return SYNC_FILE;
	if (S_ISDIR(st->st_mode))
		return SYNC_DIRECTORY;
	return S_ISLNK(st->st_mode) ? SYNC_SYMLINK : SYNC_GONE;
}

/* Is all that a status tells as it was? */
static bool unchanged(const struct scan *s, tree_id id, uint8_t type, const struct stat *st)
{
	struct sync_entry known;
	struct tree_stat stat;

	tree_get(s->tree, id, &known);
	tree_stat_of(s->tree, id, &stat);
	return known.type == type && stat.inode == st->st_ino &&
	       stat.ctime_ns == scan_time_ns(&st->st_ctim) &&
	       known.mtime_ns == scan_time_ns(&st->st_mtim) &&
	       (type == SYNC_SYMLINK || known.mode == (st->st_mode & 07777)) &&
	       known.uid == st->st_uid && known.gid == st->st_gid &&
	       (type != SYNC_FILE || known.size == (uint64_t)st->st_size);
}

static bool is_known_directory(const struct scan *s, tree_id id, ino_t inode)
{
	struct sync_entry known;
	struct tree_stat stat;

	if (id == TREE_NONE)
		return false;
	tree_get(s->tree, id, &known);
	tree_stat_of(s->tree, id, &stat);
	return known.type == SYNC_DIRECTORY && stat.inode == inode;
}

static bool is_directory(const struct scan *s, uint8_t root, const char *path, size_t len)
{
	tree_id id = tree_find(s->tree, root, path, len);
	struct sync_entry known;

	if (id == TREE_NONE)
		return false;
	tree_get(s->tree, id, &known);
	return known.type == SYNC_DIRECTORY;
}

/* It is not there any more: if the root is, that is true. */
static void gone(struct scan *s, tree_id id, uint8_t root, const char *path, size_t len)
{
	struct sync_entry e = {.root = root, .path = path, .path_len = (uint16_t)len};

	if (id == TREE_NONE)
		return;
	(void)roots_verify(s->roots);
	if (s->roots->root[root].fd < 0)
		scan_unreadable(s, root, "", 0, s->roots->root[root].error);
	else
		scan_put(s, &e, NULL, NULL, 0);
}

/* Once it has waited it is believed: of a directory nothing but the attributes could have changed unseen. */
static void put_status(struct scan *s, const struct sync_entry *e, const struct stat *st,
		       int64_t started_ns, ha_time delay)
{
	bool racy = delay == 0 && scan_is_racy(st, started_ns);
	struct tree_stat known = scan_stat(st, racy);

	if (scan_put(s, e, &known, NULL, 0) && racy)
		scan_retry(s, e->root, e->path, e->path_len, RACY_WAIT, true);
}

static void put_directory(struct scan *s, int fd, uint8_t root, const char *path, size_t len,
			  ha_time delay)
{
	int64_t started_ns = scan_clock_ns();
	struct sync_entry e;
	struct stat st;

	if (fstat(fd, &st) != 0) {
		scan_unreadable(s, root, path, len, -errno);
		return;
	}
	scan_entry(&e, SYNC_DIRECTORY, root, path, len, &st);
	scan_xattrs(s, fd, &e);
	put_status(s, &e, &st, started_ns, delay);
}

static void look_directory(struct scan *s, int directory, const char *name, uint8_t root,
			   const char *path, size_t len, ha_time delay)
{
	struct root here = {.fd = directory};
	int fd = roots_openat(&here, name, strlen(name), O_RDONLY | O_DIRECTORY, 0);

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP) {
		scan_retry(s, root, path, len, scan_longer(delay), false);
		return;
	}
	if (fd == -EXDEV) {
		s->totals.skipped++;
		scan_report(s, root, path, len, "another filesystem");
		return;
	}
	if (fd < 0) {
		scan_unreadable(s, root, path, len, fd);
		return;
	}
	put_directory(s, fd, root, path, len, delay);
	close(fd);
}

static void look_symlink(struct scan *s, int directory, const char *name, uint8_t root,
			 const char *path, size_t len, const struct stat *st, ha_time delay)
{
	int64_t started_ns = scan_clock_ns();
	char target[SYNC_TARGET_MAX + 1];
	struct sync_entry e;
	struct stat after;
	ssize_t n = readlinkat(directory, name, target, sizeof(target));

	if (n <= 0 || n > SYNC_TARGET_MAX ||
	    fstatat(directory, name, &after, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !scan_same_stat(st, &after)) {
		scan_retry(s, root, path, len, scan_longer(delay), false);
		return;
	}
	scan_entry(&e, SYNC_SYMLINK, root, path, len, st);
	e.target = target;
	e.target_len = (uint16_t)n;
	put_status(s, &e, st, started_ns, delay);
}

/* What the tree has to learn. */
static void look_closer(struct scan *s, int directory, const char *name, uint8_t root,
			const char *path, size_t len, const struct stat *st, ha_time delay)
{
	switch (type_of(st)) {
	case SYNC_FILE:
		scan_file_begin(s, directory, name, root, path, len, delay);
		break;
	case SYNC_DIRECTORY:
		look_directory(s, directory, name, root, path, len, delay);
		break;
	default:
		look_symlink(s, directory, name, root, path, len, st, delay);
		break;
	}
}

/* A file of several names (or a symlink) is reported under the one by which it was changed, whether that still leads to
 * it or not. */
static void look_for_links(struct scan *s, tree_id id, unsigned look, const struct stat *st)
{
	struct sync_entry known = {.type = SYNC_GONE};
	struct tree_stat stat = {0};

	if (id != TREE_NONE) {
		tree_get(s->tree, id, &known);
		tree_stat_of(s->tree, id, &stat);
	}
	if (known.type != SYNC_GONE && known.type != SYNC_DIRECTORY && (look & LOOK_READ) != 0 &&
	    !s->verify && (st == NULL || st->st_ino != stat.inode))
		scan_linked(s, stat.inode);
	if (st != NULL && !S_ISDIR(st->st_mode) && st->st_nlink > 1 &&
	    (id == TREE_NONE || !unchanged(s, id, type_of(st), st)))
		scan_linked(s, st->st_ino);
}

void scan_look(struct scan *s, int directory, const char *name, uint8_t root, const char *path,
	       size_t len, unsigned look, ha_time delay)
{
	tree_id id = tree_find(s->tree, root, path, len);
	bool list;
	struct stat st;
	uint8_t type;

	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
		if (errno != ENOENT) {
			scan_unreadable(s, root, path, len, -errno);
			return;
		}
		look_for_links(s, id, look, NULL);
		gone(s, id, root, path, len);
		return;
	}
	look_for_links(s, id, look, &st);
	s->totals.entries += (look & LOOK_LIST) != 0;
	type = type_of(&st);
	if (type == SYNC_GONE) {
		s->totals.skipped++;
		gone(s, id, root, path, len); /* what it was before */
		return;
	}
	if (type == SYNC_DIRECTORY && st.st_dev != s->roots->root[root].device) {
		s->totals.skipped++;
		scan_report(s, root, path, len, "another filesystem");
		return;
	}
	list = type == SYNC_DIRECTORY &&
	       ((look & LOOK_LIST) != 0 || !is_known_directory(s, id, st.st_ino));
	if (id == TREE_NONE || (look & LOOK_READ) != 0 || !unchanged(s, id, type, &st))
		look_closer(s, directory, name, root, path, len, &st, delay);
	if (list && is_directory(s, root, path, len))
		scan_list(s, root, path, len);
}

void scan_look_new_file(struct scan *s, int directory, const char *name, uint8_t root,
			const char *path, size_t len)
{
	s->totals.entries++;
	scan_file_begin(s, directory, name, root, path, len, 0);
	if (s->file.fd >= 0 && s->file.before.st_nlink > 1)
		scan_linked(s, s->file.before.st_ino);
}

void scan_look_root(struct scan *s, uint8_t root, unsigned look, ha_time delay)
{
	struct root *r = &s->roots->root[root];
	tree_id id = tree_find(s->tree, root, "", 0);
	struct stat st;
	bool list;

	(void)roots_verify(s->roots);
	if (r->fd < 0 || fstat(r->fd, &st) != 0) {
		scan_unreadable(s, root, "", 0, r->fd < 0 ? r->error : -errno);
		return;
	}
	s->totals.entries += (look & LOOK_LIST) != 0;
	list = (look & LOOK_LIST) != 0 || !is_known_directory(s, id, st.st_ino);
	if (id == TREE_NONE || !unchanged(s, id, SYNC_DIRECTORY, &st))
		put_directory(s, r->fd, root, "", 0, delay);
	if (list)
		scan_list(s, root, "", 0);
}

void scan_look_listed(struct scan *s, int fd, uint8_t root, const char *path, size_t len)
{
	tree_id id = tree_find(s->tree, root, path, len);
	struct stat st;

	if (fstat(fd, &st) == 0 && (id == TREE_NONE || !unchanged(s, id, SYNC_DIRECTORY, &st)))
		put_directory(s, fd, root, path, len, 0);
}
