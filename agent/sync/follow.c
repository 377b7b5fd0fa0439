/* follow.c - see follow.h. */
#include "agent/sync/follow.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
	BUCKETS = 4096,
	BUFFER_LEN = 65536,
	READS_MAX = 16, /* at a stretch: others want to be served too */
};

/* No IN_DONT_FOLLOW: the watch is put through a link of /proc to a descriptor, which is to be followed. */
#define WATCHED                                                                                    \
	(IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM |          \
	 IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)

struct watch {
	struct watch *chain;
	int wd;
	uint16_t len;
	uint8_t root;
	char path[];
};

struct follow {
	int fd;
	struct roots *roots;
	struct scan *scan;
	struct watch *bucket[BUCKETS];
	unsigned watches;
	uint64_t overflows;
	bool blind[SYNC_ROOTS_MAX];
	_Alignas(struct inotify_event) char buffer[BUFFER_LEN];
};

int follow_open(struct follow **out, struct roots *roots, struct scan *scan)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -ENOMEM;
	f->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (f->fd < 0) {
		int error = -errno;

		free(f);
		return error;
	}
	f->roots = roots;
	f->scan = scan;
	*out = f;
	return 0;
}

/* ---- watches ---- */

static struct watch **link_of(struct follow *f, int wd)
{
	struct watch **link = &f->bucket[(unsigned)wd % BUCKETS];

	while (*link != NULL && (*link)->wd != wd)
		link = &(*link)->chain;
	return link;
}

static void forget(struct follow *f, struct watch **link)
{
	struct watch *w = *link;

	*link = w->chain;
	free(w);
	f->watches--;
}

void follow_close(struct follow *f)
{
	if (f == NULL)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		while (f->bucket[i] != NULL)
			forget(f, &f->bucket[i]);
	}
	close(f->fd);
	free(f);
}

int follow_fd(const struct follow *f)
{
	return f->fd;
}

static bool is_at_or_below(const struct watch *w, uint8_t root, const char *path, size_t len)
{
	return w->root == root && w->len >= len && memcmp(w->path, path, len) == 0 &&
	       (len == 0 || w->len == len || w->path[len] == '/');
}

/* A directory that moves takes its watches along; they would go on to report under the old name. */
static void drop_below(struct follow *f, uint8_t root, const char *path, size_t len)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct watch **link = &f->bucket[i];

		while (*link != NULL) {
			if (!is_at_or_below(*link, root, path, len)) {
				link = &(*link)->chain;
				continue;
			}
			inotify_rm_watch(f->fd, (*link)->wd);
			forget(f, link);
		}
	}
}

static int add_watch(struct follow *f, uint8_t root, const char *path, size_t len)
{
	char name[64];
	int wd, fd = roots_openat(&f->roots->root[root], path, len, O_PATH | O_DIRECTORY, 0);

	if (fd < 0)
		return fd;
	/* By its descriptor: between a name and what it names there is no time for anybody to come between. */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	wd = inotify_add_watch(f->fd, name, WATCHED);
	if (wd < 0)
		wd = -errno;
	close(fd);
	return wd;
}

void follow_directory(struct follow *f, uint8_t root, const char *path, size_t len)
{
	struct watch **link, *w;
	int wd;

	if (len == 0)
		f->blind[root] =
			false; /* all of it is being listed: what cannot be watched shows again */
	wd = add_watch(f, root, path, len);
	if (wd == -ENOENT || wd == -ENOTDIR || wd == -ELOOP || wd == -EXDEV || wd == -ESTALE)
		return; /* gone, or none of ours: the scan will find the same */
	if (wd < 0) {
		f->blind[root] = true;
		return;
	}
	link = link_of(f, wd);
	w = *link;
	if (w != NULL && w->root == root && w->len == len && memcmp(w->path, path, len) == 0)
		return;
	if (w != NULL) /* the same directory under another name: it has moved */
		forget(f, link);
	w = malloc(sizeof(*w) + len);
	if (w == NULL) {
		inotify_rm_watch(f->fd, wd);
		f->blind[root] = true;
		return;
	}
	w->wd = wd;
	w->root = root;
	w->len = (uint16_t)len;
	memcpy(w->path, path, len);
	link = &f->bucket[(unsigned)wd % BUCKETS];
	w->chain = *link;
	*link = w;
	f->watches++;
}

/* ---- events ---- */

/* What an event of the directory itself means: its attributes, or its end. */
static bool on_self(struct follow *f, const struct watch *w, uint32_t mask)
{
	uint8_t root = w->root;

	if ((mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0 && w->len == 0) {
		if (roots_verify(f->roots) != 0 && f->roots->root[root].fd < 0)
			drop_below(f, root, "", 0); /* w too */
		scan_name(f->scan, root, "", 0, SCAN_SETTLED);
		return true;
	}
	scan_name(f->scan, root, w->path, w->len, SCAN_SETTLED);
	return true;
}

/* False: it is nothing that is synced. */
static bool on_child(struct follow *f, const struct watch *w, const char *name, uint32_t mask)
{
	char path[SYNC_PATH_MAX];
	size_t len = w->len, name_len = strlen(name);
	unsigned hints = (mask & IN_MODIFY) != 0 ? 0 : SCAN_SETTLED;

	if ((mask & (IN_MODIFY | IN_ATTRIB)) != 0)
		hints |= SCAN_MODIFIED;
	if ((mask & IN_ISDIR) != 0 && (mask & (IN_CREATE | IN_MOVED_TO)) != 0)
		hints |= SCAN_ARRIVED; /* it may have left, its watches dropped, and be back */
	if (len + 1 + name_len > sizeof(path))
		return false;
	memcpy(path, w->path, len);
	if (len > 0)
		path[len++] = '/';
	memcpy(path + len, name, name_len);
	len += name_len;
	if (roots_excluded(f->roots, path, len))
		return false;
	scan_name(f->scan, w->root, path, len, hints);
	if ((mask & (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)) != 0)
		scan_name(f->scan, w->root, w->path, w->len,
			  SCAN_SETTLED); /* its time has changed */
	if ((mask & IN_MOVED_FROM) != 0 && (mask & IN_ISDIR) != 0)
		drop_below(f, w->root, path, len);
	return true;
}

static bool on_event(struct follow *f, const struct inotify_event *event)
{
	struct watch **link;

	if ((event->mask & IN_Q_OVERFLOW) != 0) {
		f->overflows++;
		scan_all(f->scan, false);
		return true;
	}
	link = link_of(f, event->wd);
	if (*link == NULL) /* of a watch that was dropped: what it says has been looked at anew */
		return false;
	if ((event->mask & IN_IGNORED) != 0) {
		forget(f, link);
		return false;
	}
	if (event->len == 0)
		return on_self(f, *link, event->mask);
	return on_child(f, *link, event->name, event->mask);
}

bool follow_read(struct follow *f)
{
	bool any = false;

	for (unsigned reads = 0; reads < READS_MAX; reads++) {
		ssize_t n = read(f->fd, f->buffer, sizeof(f->buffer));

		if (n <= 0) /* EAGAIN: that was all */
			break;
		for (const char *at = f->buffer; at < f->buffer + n;) {
			const struct inotify_event *event = (const void *)at;

			any |= on_event(f, event);
			at += sizeof(*event) + event->len;
		}
	}
	return any;
}

bool follow_blind(const struct follow *f)
{
	for (unsigned i = 0; i < SYNC_ROOTS_MAX; i++) {
		if (f->blind[i])
			return true;
	}
	return false;
}

unsigned follow_watches(const struct follow *f)
{
	return f->watches;
}

uint64_t follow_overflows(const struct follow *f)
{
	return f->overflows;
}
