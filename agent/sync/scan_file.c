/* scan_file.c - one file read, block by block, and put as it was at one moment. See scan_state.h. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/sync/scan_state.h"

enum {
	BLOCKS_MAX = 1 << 20,     /* 64 GiB */
	DEFER_SIZE = 1024 * 1024, /* larger ones rather wait a little than be read twice */
	CREW_BLOCKS = 128,        /* at a time; a file of fewer is read by this thread alone */
};

void scan_file_drop(struct scan *s)
{
	if (s->file.fd >= 0)
		close(s->file.fd);
	free(s->file.tag);
	s->file.fd = -1;
	s->file.tag = NULL;
}

void scan_file_begin(struct scan *s, int directory, const char *name, uint8_t root,
		     const char *path, size_t len, ha_time delay)
{
	struct root here = {.fd = directory};
	struct reading *r = &s->file;
	uint64_t n;

	assert(r->fd < 0);
	r->started_ns = scan_clock_ns();
	/* O_NONBLOCK: what has become a pipe meanwhile must not make this wait for its writer. */
	r->fd = roots_openat(&here, name, strlen(name), O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (r->fd == -ENOENT || r->fd == -ELOOP) {
		r->fd = -1;
		scan_retry(s, root, path, len, scan_longer(delay), false);
		return;
	}
	if (r->fd == -EXDEV) {
		s->totals.skipped++;
		scan_report(s, root, path, len, "another filesystem");
		r->fd = -1;
		return;
	}
	if (r->fd < 0) {
		scan_unreadable(s, root, path, len, r->fd);
		r->fd = -1;
		return;
	}
	if (fstat(r->fd, &r->before) != 0 || !S_ISREG(r->before.st_mode)) {
		scan_file_drop(s);
		scan_retry(s, root, path, len, scan_longer(delay), false);
		return;
	}
	if (r->before.st_size > DEFER_SIZE && delay == 0 &&
	    scan_is_racy(&r->before, r->started_ns)) {
		scan_file_drop(s);
		scan_retry(s, root, path, len, RACY_WAIT, false);
		return;
	}
	n = (uint64_t)r->before.st_size / SYNC_BLOCK_LEN +
	    ((uint64_t)r->before.st_size % SYNC_BLOCK_LEN != 0);
	r->tag = n > BLOCKS_MAX ? NULL : malloc((n + 1) * sizeof(*r->tag));
	if (r->tag == NULL) {
		scan_file_drop(s);
		scan_unreadable(s, root, path, len, n > BLOCKS_MAX ? -EFBIG : -ENOMEM);
		return;
	}
	if (n > 1)
		posix_fadvise(r->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	r->tag_n = (size_t)n;
	r->offset = 0;
	r->torn = false;
	r->began = loop_now();
	r->delay = delay;
	r->root = root;
	r->len = (uint16_t)len;
	memcpy(r->path, path, len);
}

/* What is written to all the time is not read all the time. */
static void torn(struct scan *s)
{
	ha_time delay = scan_longer(s->file.delay), took = loop_now() - s->file.began;

	scan_file_drop(s);
	scan_retry(s, s->file.root, s->file.path, s->file.len, delay > 4 * took ? delay : 4 * took,
		   false);
}

static void finish(struct scan *s)
{
	struct reading *r = &s->file;
	struct sync_entry e;
	struct tree_stat known;
	struct stat after;
	bool racy;

	scan_entry(&e, SYNC_FILE, r->root, r->path, r->len, &r->before);
	scan_xattrs(s, r->fd, &e);
	if (r->torn || fstat(r->fd, &after) != 0 || !scan_same_stat(&r->before, &after)) {
		torn(s);
		return;
	}
	digest_file(s->digest, e.size, (const void *)r->tag, r->tag_n, e.hash);
	racy = scan_is_racy(&r->before, r->started_ns);
	known = scan_stat(&r->before, racy);
	s->totals.files_read++;
	s->totals.bytes_read += e.size;
	if (scan_put(s, &e, &known, (const void *)r->tag, r->tag_n) && racy)
		scan_retry(s, r->root, r->path, r->len,
			   r->delay == 0 ? RACY_WAIT : scan_longer(r->delay), true);
	scan_file_drop(s);
}

static int read_one(struct scan *s, size_t want)
{
	struct reading *r = &s->file;
	size_t got = 0;

	while (got < want) {
		ssize_t n = pread(r->fd, s->block + got, want - got, (off_t)(r->offset + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		got += (size_t)n;
	}
	if (want > 0)
		digest_block(s->digest, s->block, want, r->tag[r->offset / SYNC_BLOCK_LEN]);
	return 0;
}

void scan_file_step(struct scan *s)
{
	struct reading *r = &s->file;
	uint64_t left = (uint64_t)r->before.st_size - r->offset, want = SYNC_BLOCK_LEN;
	size_t first = (size_t)(r->offset / SYNC_BLOCK_LEN);
	int error;

	if (left >= (uint64_t)CREW_BLOCKS * SYNC_BLOCK_LEN) {
		want = (uint64_t)CREW_BLOCKS * SYNC_BLOCK_LEN;
		error = crew_hash(s->crew, s->digest, r->fd, (uint64_t)r->before.st_size, first,
				  CREW_BLOCKS, r->tag + first);
	} else {
		want = left < want ? left : want;
		error = read_one(s, (size_t)want);
	}
	if (error == -EBADMSG) { /* it is shorter by now */
		torn(s);
		return;
	}
	if (error != 0) {
		scan_file_drop(s);
		scan_unreadable(s, r->root, r->path, r->len, error);
		return;
	}
	r->offset += want;
	if (r->offset == (uint64_t)r->before.st_size)
		finish(s);
}
