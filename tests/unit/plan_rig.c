/* plan_rig.c - see plan_rig.h. */
#include "plan_rig.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

static const uint8_t key[HA_KEY_LEN] = {1, 2, 3};

/* ---- files ---- */

void rig_run(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	cr_assert_eq(system(command), 0, "%s", command);
}

static const char *join(const char *top, const char *path)
{
	static char whole[4][8192];
	static unsigned next;
	char *out = whole[next++ % 4];

	snprintf(out, sizeof(whole[0]), "%s/%s", top, path);
	return out;
}

void rig_touch(const char *top, const char *path, int64_t mtime_ns)
{
	struct timespec t = {.tv_sec = mtime_ns / 1000000000, .tv_nsec = mtime_ns % 1000000000};
	struct timespec times[2] = {t, t};

	cr_assert_eq(utimensat(AT_FDCWD, join(top, path), times, AT_SYMLINK_NOFOLLOW), 0);
}

void rig_xattr(const char *top, const char *path, const char *name, const char *value)
{
	cr_assert_eq(lsetxattr(join(top, path), name, value, strlen(value), 0), 0, "%s: %s", name,
		     strerror(errno));
}

static void settle(const char *top, const char *path)
{
	rig_touch(top, path, INT64_C(1000000000000000000) + (int64_t)strlen(path) * 1000000007);
}

void rig_file(const char *top, const char *path, const void *bytes, size_t len)
{
	int fd = open(join(top, path), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	cr_assert_geq(fd, 0, "%s/%s: %s", top, path, strerror(errno));
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
	settle(top, path);
}

void rig_text(const char *top, const char *path, const char *text)
{
	rig_file(top, path, text, strlen(text));
}

void rig_directory(const char *top, const char *path)
{
	cr_assert_eq(mkdir(join(top, path), 0755), 0, "%s/%s: %s", top, path, strerror(errno));
	settle(top, path);
}

void rig_symlink(const char *top, const char *path, const char *target)
{
	cr_assert_eq(symlink(target, join(top, path)), 0);
	settle(top, path);
}

static void pattern(uint8_t *out, size_t len, uint64_t seed)
{
	uint8_t from[randombytes_SEEDBYTES] = {0};

	memcpy(from, &seed, sizeof(seed));
	randombytes_buf_deterministic(out, len, from);
}

static void write_blocks(const char *top, const char *path, size_t first, size_t len, unsigned seed)
{
	static uint8_t block[SYNC_BLOCK_LEN];
	int fd = open(join(top, path), O_WRONLY | O_CREAT, 0644);

	cr_assert_geq(fd, 0);
	for (size_t i = first; len > 0; i++) {
		size_t n = len < sizeof(block) ? len : sizeof(block);

		pattern(block, n, (uint64_t)seed << 32 | i);
		cr_assert_eq(pwrite(fd, block, n, (off_t)(i * sizeof(block))), (ssize_t)n);
		len -= n;
	}
	close(fd);
	settle(top, path);
}

void rig_large(const char *top, const char *path, size_t len, unsigned seed)
{
	write_blocks(top, path, 0, len, seed);
}

void rig_change(const char *top, const char *path, size_t block, size_t n, unsigned seed)
{
	write_blocks(top, path, block, n * SYNC_BLOCK_LEN, seed);
	rig_touch(top, path, INT64_C(1100000000000000000) + seed);
}

struct stat rig_stat(const char *top, const char *path)
{
	struct stat st = {0};

	cr_assert_eq(lstat(join(top, path), &st), 0, "%s/%s: %s", top, path, strerror(errno));
	return st;
}

char *rig_read(const char *top, const char *path)
{
	struct stat st = rig_stat(top, path);
	char *text = calloc(1, (size_t)st.st_size + 1);
	int fd = open(join(top, path), O_RDONLY);

	cr_assert_geq(fd, 0);
	cr_assert_eq(read(fd, text, (size_t)st.st_size), st.st_size);
	close(fd);
	return text;
}

void rig_copy(const char *from, const char *to)
{
	rig_run("cp -a --sparse=never '%s/.' '%s'", from, to);
}

void rig_wipe(const char *top)
{
	rig_run("find '%s' -mindepth 1 -delete", top);
}

/* ---- what is on the disk ---- */

static void hash_file(struct rig *r, int fd, struct rig_item *item)
{
	static uint8_t block[SYNC_BLOCK_LEN];
	struct sync_entry *e = &item->e;

	item->tags_n = (size_t)((e->size + SYNC_BLOCK_LEN - 1) / SYNC_BLOCK_LEN);
	item->tags = calloc(item->tags_n + 1, sizeof(*item->tags));
	for (size_t i = 0; i < item->tags_n; i++) {
		ssize_t n = pread(fd, block, sizeof(block), (off_t)(i * sizeof(block)));

		cr_assert_gt(n, 0);
		digest_block(&r->digest, block, (size_t)n, item->tags[i]);
	}
	digest_file(&r->digest, e->size, item->tags, item->tags_n, e->hash);
}

static void list_one(struct rig *r, struct rig_list *list, const char *top, const char *path)
{
	static uint8_t xattr[SYNC_XATTR_MAX];
	struct stat st = rig_stat(top, path);
	struct rig_item item = {
		.e = {.mode = (uint16_t)(st.st_mode & 07777),
		      .uid = st.st_uid,
		      .gid = st.st_gid,
		      .mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec,
		      .path = strdup(path),
		      .path_len = (uint16_t)strlen(path)},
		.stat = {.inode = st.st_ino,
			 .ctime_ns = st.st_ctim.tv_sec * INT64_C(1000000000) + st.st_ctim.tv_nsec},
	};
	int fd, n;

	if (S_ISLNK(st.st_mode)) {
		char *target = calloc(1, SYNC_TARGET_MAX);

		item.e.type = SYNC_SYMLINK;
		item.e.mode = 0;
		item.e.target = target;
		item.e.target_len = (uint16_t)readlink(join(top, path), target, SYNC_TARGET_MAX);
	} else {
		cr_assert(S_ISDIR(st.st_mode) || S_ISREG(st.st_mode));
		item.e.type = S_ISDIR(st.st_mode) ? SYNC_DIRECTORY : SYNC_FILE;
		item.e.size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
		fd = open(join(top, path), O_RDONLY | O_NOFOLLOW);
		cr_assert_geq(fd, 0);
		n = roots_xattrs(fd, xattr, sizeof(xattr));
		cr_assert_geq(n, 0);
		item.e.xattr_len = (uint32_t)n;
		if (n > 0)
			item.e.xattr = memcpy(malloc((size_t)n), xattr, (size_t)n);
		if (item.e.type == SYNC_FILE)
			hash_file(r, fd, &item);
		close(fd);
	}
	list->item = reallocarray(list->item, list->n + 1, sizeof(item));
	list->item[list->n++] = item;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_below(struct rig *r, struct rig_list *list, const char *top, const char *path)
{
	char *name[65536 / 2];
	char below[SYNC_PATH_MAX + 1];
	const struct dirent *e;
	DIR *d = opendir(join(top, path));
	size_t n = 0;

	cr_assert(d != NULL, "%s/%s: %s", top, path, strerror(errno));
	while ((e = readdir(d)) != NULL) {
		snprintf(below, sizeof(below), "%s%s%s", path, *path == '\0' ? "" : "/", e->d_name);
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    !roots_excluded(&r->roots, below, strlen(below)))
			name[n++] = strdup(e->d_name);
	}
	closedir(d);
	qsort(name, n, sizeof(*name), by_name);
	for (size_t i = 0; i < n; i++) {
		snprintf(below, sizeof(below), "%s%s%s", path, *path == '\0' ? "" : "/", name[i]);
		free(name[i]);
		if (S_ISDIR(rig_stat(top, below).st_mode)) {
			list_one(r, list, top, below);
			list_below(r, list, top, below);
		} else if (S_ISREG(rig_stat(top, below).st_mode) ||
			   S_ISLNK(rig_stat(top, below).st_mode)) {
			list_one(r, list, top, below);
		}
	}
}

struct rig_list rig_list(struct rig *r, const char *top)
{
	struct rig_list list = {0};

	list_one(r, &list, top, "");
	list_below(r, &list, top, "");
	return list;
}

void rig_list_free(struct rig_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct sync_entry *e = &list->item[i].e;

		free((void *)(uintptr_t)e->path);
		free((void *)(uintptr_t)e->xattr);
		free((void *)(uintptr_t)e->target);
		free(list->item[i].tags);
	}
	free(list->item);
	*list = (struct rig_list){0};
}

static void print_entry(FILE *out, const struct sync_entry *e)
{
	char hash[2 * SYNC_HASH_LEN + 1];

	sodium_bin2hex(hash, sizeof(hash), e->hash, sizeof(e->hash));
	fprintf(out, "'%.*s' %c %04o %u:%u %lld %llu %.8s", (int)e->path_len, e->path,
		"-fdl"[e->type], e -> mode, e -> uid, e -> gid, (long long)e -> mtime_ns,
		(unsigned long long)e -> size, hash);
	fprintf(out, " xattr %u/%08x", e->xattr_len, 0);
	for (uint32_t i = 0; i < e->xattr_len; i++)
		fprintf(out, "%02x", e->xattr[i]);
	fprintf(out, " %.*s\n", (int)e->target_len, e->target_len > 0 ? e->target : "");
}

char *rig_describe(struct rig *r, const char *top)
{
	struct rig_list list = rig_list(r, top);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; i < list.n; i++)
		print_entry(out, &list.item[i].e);
	fclose(out);
	rig_list_free(&list);
	return text;
}

bool rig_same(struct rig *r)
{
	char *leader = rig_describe(r, r->leader), *here = rig_describe(r, r->here);
	bool same = strcmp(leader, here) == 0;

	if (!same)
		fprintf(stderr, "---- leader\n%s---- here\n%s----\n", leader, here);
	free(leader);
	free(here);
	return same;
}

/* ---- the index ---- */

void rig_scan(struct rig *r)
{
	struct rig_list list = rig_list(r, r->here);

	tree_close(r->tree);
	cr_assert_eq(tree_open(&r->tree, &r->digest), 0);
	for (size_t i = 0; i < list.n; i++) {
		const struct rig_item *item = &list.item[i];
		bool tags = item->e.size > SYNC_BLOCK_LEN;

		cr_assert_eq(tree_put(r->tree, &item->e, &item->stat, tags ? item->tags : NULL,
				      tags ? item->tags_n : 0, lineage_head(&r->lineage).number,
				      NULL),
			     0);
	}
	rig_list_free(&list);
}

bool rig_index_true(struct rig *r)
{
	struct rig_list list = rig_list(r, r->here);
	struct tree_totals totals;
	bool good = true;

	tree_totals(r->tree, &totals);
	good = totals.entries == list.n;
	if (!good)
		fprintf(stderr, "%zu names, %llu known\n", list.n,
			(unsigned long long)totals.entries);
	for (size_t i = 0; i < list.n; i++) {
		const struct rig_item *item = &list.item[i];
		tree_id id = tree_find(r->tree, 0, item->e.path, item->e.path_len);
		struct tree_stat stat = {0};
		struct sync_entry e = {0};
		size_t n = 0;
		const digest_tag *tags = id == TREE_NONE ? NULL : tree_tags(r->tree, id, &n);
		bool same = id != TREE_NONE;

		if (same) {
			tree_get(r->tree, id, &e);
			tree_stat_of(r->tree, id, &stat);
			same = e.type == item->e.type && e.mode == item->e.mode &&
			       e.mtime_ns == item->e.mtime_ns &&
			       memcmp(e.hash, item->e.hash, sizeof(e.hash)) == 0 &&
			       stat.inode == item->stat.inode &&
			       (stat.ctime_ns == item->stat.ctime_ns ||
				item->e.path_len == 0); /* it tells of the stage */
			if (item->e.size > SYNC_BLOCK_LEN)
				same = same && n == item->tags_n && tags != NULL &&
				       memcmp(tags, item->tags, n * sizeof(*tags)) == 0;
		}
		if (!same) {
			fprintf(stderr,
				"not as it is known (inode %llu, known %llu; ctime %+lld): ",
				(unsigned long long)item->stat.inode,
				(unsigned long long)stat.inode,
				(long long)(stat.ctime_ns - item->stat.ctime_ns));
			print_entry(stderr, &item->e);
		}
		good = good && same;
	}
	rig_list_free(&list);
	return good;
}

/* ---- the rig ---- */

static int record(void *arg, const struct lineage *generation, bool recovered)
{
	struct rig *r = arg;

	if (r->records_fail)
		return -ENOSPC;
	r->records++;
	r->records_recovered += recovered;
	r->record_before_journal_went = faccessat(r->state_fd, "journal", F_OK, 0) == 0;
	r->recorded = *generation;
	return 0;
}

static void open_memory(struct rig *r)
{
	struct plan_config config = {
		.roots = &r->roots, .digest = &r->digest, .record = record, .arg = r};

	cr_assert_eq(digest_open(&r->digest, key), 0);
	roots_init(&r->roots);
	cr_assert_eq(roots_add(&r->roots, r->here), 0);
	cr_assert_eq(roots_exclude(&r->roots, "*.local"), 0);
	cr_assert_eq(roots_open(&r->roots, true), 0);
	rig_scan(r);
	config.state = r->state_fd = open(r->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	config.tree = r->tree;
	cr_assert_geq(config.state, 0);
	cr_assert_eq(plan_open(&r->plan, &config), 0);
}

static void close_memory(struct rig *r)
{
	plan_close(r->plan);
	tree_close(r->tree);
	r->tree = NULL;
	roots_close(&r->roots);
	digest_close(&r->digest);
	close(r->state_fd);
}

void rig_open(struct rig *r, uint64_t bytes)
{
	char options[64];

	cr_assert_geq(sodium_init(), 0);
	if (geteuid() != 0)
		cr_skip_test("only root can give files away");
	umask(022);
	*r = (struct rig){.keep_above = UINT64_MAX, .blocks_left = UINT64_MAX};
	snprintf(r->top, sizeof(r->top), "%s/haagent-plan-XXXXXX", P_tmpdir);
	cr_assert(mkdtemp(r->top) != NULL);
	snprintf(options, sizeof(options), "size=%llu,mode=755", (unsigned long long)bytes);
	if (bytes > 0 &&
	    (unshare(CLONE_NEWNS) != 0 || mount("", "/", "", MS_REC | MS_PRIVATE, NULL) != 0 ||
	     mount("plan", r->top, "tmpfs", 0, options) != 0)) {
		int error = errno;

		rmdir(r->top);
		cr_skip_test("no filesystem of one's own: %s", strerror(error));
	}
	snprintf(r->leader, sizeof(r->leader), "%s/leader", r->top);
	snprintf(r->here, sizeof(r->here), "%s/here", r->top);
	snprintf(r->state, sizeof(r->state), "%s/state", r->top);
	rig_directory(r->top, "leader");
	rig_directory(r->top, "here");
	rig_directory(r->top, "state");
	lineage_extend(&r->lineage, 2, key);
	open_memory(r);
}

void rig_close(struct rig *r)
{
	close_memory(r);
	if (umount2(r->top, MNT_DETACH) != 0)
		rig_wipe(r->top);
	rmdir(r->top);
}

void rig_restart(struct rig *r)
{
	close_memory(r);
	open_memory(r);
}

/* ---- the leader ---- */

int rig_begin(struct rig *r, bool full)
{
	r->wants = r->blocks = r->tags = r->refused = 0;
	plan_begin(r->plan, full, r->keep_above, r->conflicts);
	return 0;
}

int rig_serve(struct rig *r, const struct sync_want *want)
{
	static uint8_t data[SYNC_BLOCK_LEN];
	struct sync_block b = {.ticket = want->ticket, .data = data};
	struct sync_want more;
	char path[SYNC_PATH_MAX + 1];
	digest_tag tag;
	ssize_t n;
	int fd, error = 0;

	memcpy(path, want->path, want->path_len);
	path[want->path_len] = '\0';
	r->wants++;
	r->tags += want->tags_n;
	fd = open(join(r->leader, path), O_RDONLY);
	cr_assert_geq(fd, 0);
	for (uint64_t i = 0; error == 0; i++, b.offset += SYNC_BLOCK_LEN) {
		n = pread(fd, data, sizeof(data), (off_t)b.offset);
		if (n <= 0)
			break;
		digest_block(&r->digest, data, (size_t)n, tag);
		if (i < want->tags_n && memcmp(tag, want->tags + i * sizeof(tag), sizeof(tag)) == 0)
			continue;
		if (r->blocks_left == 0)
			error = -ECONNRESET;
		if (error == 0) {
			b.len = (uint32_t)n;
			r->blocks_left--;
			r->blocks++;
			error = plan_block(r->plan, &b);
		}
	}
	close(fd);
	if (error == 0) {
		error = plan_done(r->plan, b.ticket, &more);
		r->refused += error == -EBADMSG;
		if (error == -EBADMSG)
			error = rig_serve(r, &more);
	}
	return error;
}

static int feed_one(struct rig *r, const struct sync_entry *e)
{
	struct sync_want want;
	int error = plan_entry(r->plan, e, &want);

	return error == 1 ? rig_serve(r, &want) : error;
}

int rig_entry(struct rig *r, const char *path)
{
	struct rig_list list = {0};
	int error;

	list_one(r, &list, r->leader, path);
	error = feed_one(r, &list.item[0].e);
	rig_list_free(&list);
	return error;
}

static bool leader_has(const struct rig_list *list, const struct sync_entry *e)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->item[i].e.path_len == e->path_len &&
		    memcmp(list->item[i].e.path, e->path, e->path_len) == 0)
			return true;
	return false;
}

/* What is here and not there is told as gone, whether it is asked for or not. */
int rig_feed(struct rig *r)
{
	struct rig_list there = rig_list(r, r->leader), here = rig_list(r, r->here);
	int error = 0;

	for (size_t i = 0; i < there.n && error == 0; i++)
		error = feed_one(r, &there.item[i].e);
	for (size_t i = 0; i < here.n && error == 0; i++) {
		struct sync_entry gone = {.path = here.item[i].e.path,
					  .path_len = here.item[i].e.path_len};

		if (!leader_has(&there, &gone))
			error = feed_one(r, &gone);
	}
	rig_list_free(&there);
	rig_list_free(&here);
	return error;
}

int rig_commit(struct rig *r)
{
	struct lineage next = r->lineage;
	int error;

	lineage_extend(&next, 2, key);
	error = plan_commit(r->plan, &next, r->reason);
	if (error == 0)
		r->lineage = next;
	return error;
}

static int feed_named(struct rig *r)
{
	struct rig_list there = rig_list(r, r->leader);
	int error = 0;

	for (size_t i = 0; i < there.n && error == 0; i++)
		error = feed_one(r, &there.item[i].e);
	rig_list_free(&there);
	return error;
}

int rig_sync(struct rig *r, bool full)
{
	int error = rig_begin(r, full);

	if (error == 0)
		error = full ? feed_named(r) : rig_feed(r);
	return error == 0 ? rig_commit(r) : error;
}

/* ---- at random ---- */

unsigned rig_next(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void random_attributes(const char *top, const char *path, unsigned *s, mode_t type)
{
	static const mode_t mode[] = {0644, 0600, 04755, 02711, 0, 01777, 0400};
	static const uid_t id[] = {0, 0, 1000, 4242};
	const char *whole = join(top, path);

	cr_assert_eq(lchown(whole, id[rig_next(s) % 4], id[rig_next(s) % 4]), 0);
	if (type != S_IFLNK)
		cr_assert_eq(chmod(whole, mode[rig_next(s) % 7]), 0);
	if (type != S_IFLNK && rig_next(s) % 4 == 0)
		(void)lsetxattr(whole, "user.origin", path, 1 + rig_next(s) % 2, 0);
	rig_touch(top, path, (int64_t)(rig_next(s) % 3) * 1000000001 + 7);
}

static void random_file(const char *top, const char *path, unsigned *s)
{
	static const size_t size[] = {0,      1,       2000,   SYNC_BLOCK_LEN, SYNC_BLOCK_LEN + 1,
				      200000, 1100000, 1500000};
	size_t len = size[rig_next(s) % 8];
	unsigned kind = rig_next(s) % 4;

	rig_large(top, path, 0, 0);
	if (kind == 0)
		cr_assert_eq(truncate(join(top, path), (off_t)len), 0); /* zeros */
	else
		rig_large(top, path, len, 7);
	if (len > SYNC_BLOCK_LEN)
		for (unsigned i = rig_next(s) % 4; i > 0; i--)
			rig_change(top, path, rig_next(s) % (len / SYNC_BLOCK_LEN), 1,
				   rig_next(s) % 3);
}

static void random_below(const char *top, const char *path, unsigned *s, unsigned depth)
{
	for (char c = 'a'; c <= 'f'; c++) {
		char below[64];
		unsigned kind = rig_next(s) % 8;

		snprintf(below, sizeof(below), "%s%s%c", path, *path == '\0' ? "" : "/", c);
		if (kind <= 2) {
			random_file(top, below, s);
			random_attributes(top, below, s, S_IFREG);
		} else if (kind == 3) {
			rig_symlink(top, below, rig_next(s) % 2 == 0 ? "a/b" : "/etc/none");
			random_attributes(top, below, s, S_IFLNK);
		} else if (kind <= 5 && depth > 0) {
			rig_directory(top, below);
			random_below(top, below, s, depth - 1);
			random_attributes(top, below, s, S_IFDIR);
		}
	}
}

void rig_random(const char *top, unsigned seed)
{
	unsigned s = seed * 2654435761u + 1;

	random_below(top, "", &s, 3);
	rig_touch(top, "", (int64_t)seed * 1000000000 + 5);
}
