/* scan.c - see scan.h. */
#include "agent/sync/scan.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/sync/scan_state.h"
#include "agent/text.h"

enum {
	WALK_SLICE = 4096, /* entries at a stretch */
};

#define MEMORY_WAIT (1 * HA_SEC) /* before a full scan, when there was none */

int scan_open(struct scan **out, struct roots *roots, struct tree *tree, struct digest *digest,
	      void (*found)(void *arg, uint8_t root, const char *path, size_t len), void *arg)
{
	struct scan *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->block = malloc(SYNC_BLOCK_LEN);
	s->xattr = malloc(SYNC_XATTR_MAX);
	s->crew = crew_open();
	if (s->block == NULL || s->xattr == NULL || s->crew == NULL) {
		crew_close(s->crew);
		free(s->block);
		free(s->xattr);
		free(s);
		return -ENOMEM;
	}
	s->roots = roots;
	s->tree = tree;
	s->digest = digest;
	s->found = found;
	s->arg = arg;
	s->file.fd = s->parked.fd = -1;
	s->ready_end = &s->ready;
	s->full_due = HA_NEVER;
	randombytes_buf(s->job_key, sizeof(s->job_key));
	*out = s;
	return 0;
}

/* ---- what went wrong ---- */

/* "root/path: why", printable. */
void scan_report(struct scan *s, uint8_t root, const char *path, size_t len, const char *why)
{
	char text[2 * sizeof(s->totals.example)];
	int n = snprintf(text, sizeof(text), "%s%s%.*s: %s", s->roots->root[root].name,
			 len > 0 ? "/" : "", (int)(len > 120 ? 120 : len), path, why);

	text_head(s->totals.example, sizeof(s->totals.example), text, (size_t)n);
}

void scan_unreadable(struct scan *s, uint8_t root, const char *path, size_t len, int error)
{
	s->totals.unreadable++;
	scan_report(s, root, path, len, strerror(-error));
	if (error == -ENOMEM || error == -EMFILE || error == -ENFILE)
		s->full_due = loop_now() + MEMORY_WAIT;
}

bool scan_put(struct scan *s, const struct sync_entry *e, const struct tree_stat *stat,
	      const digest_tag *tags, size_t tags_n)
{
	int error = tree_put(s->tree, e, stat, tags, tags_n, TREE_PENDING, NULL);
	const char *slash;

	if (error == -EINVAL && e->path_len > 0) {
		/* What it is in is no directory any more, or not known as one yet: that one first. */
		slash = memrchr(e->path, '/', e->path_len);
		scan_name(s, e->root, e->path, slash == NULL ? 0 : (size_t)(slash - e->path), 0);
	} else if (error != 0) {
		scan_unreadable(s, e->root, e->path, e->path_len, error);
	}
	return error == 0;
}

/* ---- jobs ---- */

static struct job **job_bucket(struct scan *s, uint8_t root, const char *path, size_t len)
{
	uint8_t bytes[1 + SYNC_PATH_MAX], hash[crypto_shorthash_BYTES];

	bytes[0] = root;
	memcpy(bytes + 1, path, len);
	crypto_shorthash(hash, bytes, 1 + len, s->job_key);
	return &s->bucket[(hash[0] << 8 | hash[1]) % JOB_BUCKETS];
}

static struct job *job_find(struct job *head, uint8_t root, const char *path, size_t len)
{
	while (head != NULL &&
	       (head->root != root || head->len != len || memcmp(head->path, path, len) != 0))
		head = head->chain;
	return head;
}

static void append_ready(struct scan *s, struct job *job)
{
	job->waits = false;
	job->next = NULL;
	*s->ready_end = job;
	s->ready_end = &job->next;
}

/* ---- those that wait: each is due no later than the two below it ---- */

static void put_waiting(struct scan *s, struct job *job, uint32_t place)
{
	s->waiting[place] = job;
	job->place = place;
}

static void rise(struct scan *s, struct job *job)
{
	uint32_t at = job->place;

	for (; at > 0 && s->waiting[(at - 1) / 2]->due > job->due; at = (at - 1) / 2)
		put_waiting(s, s->waiting[(at - 1) / 2], at);
	put_waiting(s, job, at);
}

static void sink(struct scan *s, struct job *job)
{
	uint32_t at = job->place, below;

	while ((below = 2 * at + 1) < s->waiting_n) {
		if (below + 1 < s->waiting_n && s->waiting[below + 1]->due < s->waiting[below]->due)
			below++;
		if (s->waiting[below]->due >= job->due)
			break;
		put_waiting(s, s->waiting[below], at);
		at = below;
	}
	put_waiting(s, job, at);
}

static void link_waiting(struct scan *s, struct job *job)
{
	job->waits = true;
	s->unseen += job->unseen;
	put_waiting(s, job, s->waiting_n++);
	rise(s, job);
}

static void unlink_waiting(struct scan *s, const struct job *job)
{
	struct job *last = s->waiting[--s->waiting_n];

	s->unseen -= job->unseen;
	if (last == job)
		return;
	put_waiting(s, last, job->place);
	rise(s, last);
	sink(s, last);
}

static struct job *job_make(struct scan *s, struct job **bucket, uint8_t root, const char *path,
			    size_t len)
{
	struct job *job;

	if (s->jobs == JOBS_MAX) {
		scan_all(s, false);
		return NULL;
	}
	job = calloc(1, sizeof(*job) + len);
	if (job == NULL) {
		s->full_due = loop_now() + MEMORY_WAIT;
		return NULL;
	}
	job->root = root;
	job->len = (uint16_t)len;
	memcpy(job->path, path, len);
	job->chain = *bucket;
	*bucket = job;
	s->jobs++;
	return job;
}

void scan_name(struct scan *s, uint8_t root, const char *path, size_t len, unsigned hints)
{
	struct job **bucket, *job;

	if (root >= s->roots->n || len > SYNC_PATH_MAX || roots_excluded(s->roots, path, len))
		return;
	bucket = job_bucket(s, root, path, len);
	job = job_find(*bucket, root, path, len);
	if (job == NULL) {
		job = job_make(s, bucket, root, path, len);
		if (job == NULL)
			return;
		append_ready(s, job);
	} else if (job->waits && (hints & SCAN_SETTLED) != 0) {
		unlink_waiting(s, job);
		append_ready(s, job);
	}
	job->look |= (hints & SCAN_MODIFIED) != 0 ? LOOK_READ : 0;
	job->look |= (hints & SCAN_ARRIVED) != 0 ? LOOK_LIST : 0;
}

void scan_retry(struct scan *s, uint8_t root, const char *path, size_t len, ha_time delay, bool put)
{
	struct job **bucket = job_bucket(s, root, path, len);
	struct job *job = job_find(*bucket, root, path, len);

	if (job != NULL) /* it has been asked for meanwhile */
		return;
	job = job_make(s, bucket, root, path, len);
	if (job == NULL)
		return;
	job->delay = delay;
	job->due = loop_now() + delay;
	job->unseen = !put;
	link_waiting(s, job);
}

static void wake_waiting(struct scan *s, ha_time now)
{
	while (s->waiting_n > 0 && s->waiting[0]->due <= now) {
		struct job *job = s->waiting[0];

		unlink_waiting(s, job);
		append_ready(s, job);
	}
}

/* Out of the list and the set: what is reported from now on is another job. */
static struct job *job_take(struct scan *s)
{
	struct job *job = s->ready, **link;

	s->ready = job->next;
	if (s->ready == NULL)
		s->ready_end = &s->ready;
	link = job_bucket(s, job->root, job->path, job->len);
	while (*link != job)
		link = &(*link)->chain;
	*link = job->chain;
	s->jobs--;
	return job;
}

static void drop_jobs(struct scan *s)
{
	while (s->ready != NULL) {
		struct job *job = s->ready;

		s->ready = job->next;
		free(job);
	}
	while (s->waiting_n > 0)
		free(s->waiting[--s->waiting_n]);
	memset((void *)s->bucket, 0, sizeof(s->bucket));
	s->ready_end = &s->ready;
	s->jobs = s->unseen = 0;
}

/* Is what holds the name known as a directory? If not it is to be looked at itself, and with it all that is in it. */
static bool parent_known(const struct scan *s, const struct job *job, size_t parent_len)
{
	tree_id id = tree_find(s->tree, job->root, job->path, parent_len);
	struct sync_entry e;

	if (id == TREE_NONE)
		return false;
	tree_get(s->tree, id, &e);
	return e.type == SYNC_DIRECTORY;
}

/* It is out of sight: if it was written to, so were the other names that it may have had. */
static void look_above(struct scan *s, const struct job *job, size_t parent_len)
{
	tree_id id = tree_find(s->tree, job->root, job->path, job->len);
	struct tree_stat known = {0};

	if (id != TREE_NONE)
		tree_stat_of(s->tree, id, &known);
	if (known.inode != 0 && (job->look & LOOK_READ) != 0)
		scan_linked(s, known.inode);
	scan_name(s, job->root, job->path, parent_len, SCAN_SETTLED);
}

static void do_job(struct scan *s)
{
	struct job *job = job_take(s);
	const char *slash = memrchr(job->path, '/', job->len);
	size_t parent_len = slash == NULL ? 0 : (size_t)(slash - job->path);
	char name[SYNC_NAME_MAX + 1];
	int fd;

	if (job->len == 0) {
		scan_look_root(s, job->root, 0, job->delay);
		free(job);
		return;
	}
	fd = roots_parent(&s->roots->root[job->root], job->path, job->len, name);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ||
	    (fd >= 0 && !parent_known(s, job, parent_len)))
		look_above(s, job, parent_len);
	else if (fd < 0)
		scan_unreadable(s, job->root, job->path, job->len, fd);
	else
		scan_look(s, fd, name, job->root, job->path, job->len, job->look, job->delay);
	if (fd >= 0)
		close(fd);
	free(job);
}

/* ---- listing ---- */

void scan_list(struct scan *s, uint8_t root, const char *path, size_t len)
{
	struct directory *d = malloc(sizeof(*d) + len);

	if (d == NULL) {
		scan_unreadable(s, root, path, len, -ENOMEM);
		return;
	}
	d->root = root;
	d->len = (uint16_t)len;
	memcpy(d->path, path, len);
	d->next = s->directories;
	s->directories = d;
}

static void unmark(struct scan *s)
{
	for (uint32_t i = 0; i < s->seen_n; i++)
		s->mark[s->seen[i] / 8] = 0;
	s->seen_n = 0;
	s->seen_all = true;
}

static bool is_marked(const struct scan *s, tree_id id)
{
	return id / 8 < s->mark_cap && (s->mark[id / 8] >> (id % 8) & 1) != 0;
}

static bool room(void **array, uint32_t *cap, uint32_t need, size_t size)
{
	uint32_t more = need + need / 4 + 1024;
	void *now;

	if (need <= *cap)
		return true;
	now = realloc(*array, more * size);
	if (now == NULL)
		return false;
	memset((uint8_t *)now + *cap * size, 0, (more - *cap) * size);
	*array = now;
	*cap = more;
	return true;
}

static void mark(struct scan *s, tree_id id)
{
	if (!room((void **)&s->mark, &s->mark_cap, id / 8 + 1, 1) ||
	    !room((void **)&s->seen, &s->seen_cap, s->seen_n + 1, sizeof(*s->seen))) {
		s->seen_all = false; /* then all of them are asked for one by one */
		return;
	}
	s->mark[id / 8] = (uint8_t)(s->mark[id / 8] | 1u << (id % 8));
	s->seen[s->seen_n++] = id;
}

/* A file that was begun when its name was listed is in the tree only now. */
static void mark_read(struct scan *s)
{
	const struct reading *r = &s->file;
	tree_id id;
	size_t from;

	if (s->list == NULL || r->root != s->listed->root || r->len <= s->listed->len ||
	    memcmp(r->path, s->listed->path, s->listed->len) != 0)
		return;
	from = s->listed->len + (s->listed->len > 0 ? 1u : 0u);
	id = tree_find_child(s->tree, s->listed_id, r->path + from, r->len - from);
	if (id != TREE_NONE)
		mark(s, id);
}

static void close_list(struct scan *s)
{
	unmark(s);
	if (s->list != NULL)
		closedir(s->list);
	free(s->listed);
	s->list = NULL;
	s->listed = NULL;
}

static void open_list(struct scan *s)
{
	struct directory *d = s->directories;
	int fd;

	s->directories = d->next;
	/* First the watch, then the list: what comes in between is seen twice and not missed. */
	if (s->found != NULL)
		s->found(s->arg, d->root, d->path, d->len);
	fd = roots_openat(&s->roots->root[d->root], d->path, d->len, O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0)
		s->list = fdopendir(fd);
	if (fd >= 0 && s->list == NULL) {
		close(fd);
		fd = -ENOMEM;
	}
	if (fd >= 0) {
		scan_look_listed(s, fd, d->root, d->path, d->len);
		s->listed = d;
		s->seen_all = true;
		return;
	}
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		scan_name(s, d->root, d->path, d->len, SCAN_SETTLED);
	else if (fd != -EXDEV)
		scan_unreadable(s, d->root, d->path, d->len, fd);
	free(d);
}

/* Path of a name in the listed directory; 0: it is too long. */
static size_t path_in_list(const struct scan *s, const char *name, char out[SYNC_PATH_MAX])
{
	size_t len = s->listed->len, name_len = strlen(name);

	if (len + 1 + name_len > SYNC_PATH_MAX || name_len > SYNC_NAME_MAX)
		return 0;
	memcpy(out, s->listed->path, len);
	if (len > 0)
		out[len++] = '/';
	memcpy(out + len, name, name_len);
	return len + name_len;
}

static void look_in_list(struct scan *s, const char *name, unsigned char type)
{
	char path[SYNC_PATH_MAX];
	size_t len = path_in_list(s, name, path);
	tree_id id;

	if (len == 0) {
		s->totals.skipped++;
		scan_report(s, s->listed->root, s->listed->path, s->listed->len,
			    "the path of what is in it is too long");
		return;
	}
	if (roots_excluded(s->roots, path, len))
		return;
	id = tree_find_child(s->tree, s->listed_id, name, strlen(name));
	if (id == TREE_NONE && type == DT_REG) {
		/* To open it says all that a status by its name would. */
		scan_look_new_file(s, dirfd(s->list), name, s->listed->root, path, len);
		return;
	}
	scan_look(s, dirfd(s->list), name, s->listed->root, path, len,
		  LOOK_LIST | (s->verify ? LOOK_READ : 0), 0);
	id = tree_find_child(s->tree, s->listed_id, name, strlen(name));
	if (id != TREE_NONE)
		mark(s, id);
}

/* The whole directory has been seen: what was not in it is asked for by name. A list alone proves nothing: it may miss
 * what is renamed while it is made. */
static void sweep(struct scan *s)
{
	struct stat st;
	tree_id next;

	if (fstat(dirfd(s->list), &st) != 0 || st.st_nlink == 0) {
		/* It has been removed itself. */
		scan_name(s, s->listed->root, s->listed->path, s->listed->len, SCAN_SETTLED);
		return;
	}
	for (tree_id id = tree_child(s->tree, s->listed_id, TREE_NONE); id != TREE_NONE;
	     id = next) {
		char name[SYNC_NAME_MAX + 1];
		struct sync_entry e;
		const char *slash;
		size_t from;

		next = tree_child(s->tree, s->listed_id, id);
		if (s->seen_all && is_marked(s, id))
			continue;
		tree_get(s->tree, id, &e);
		slash = memrchr(e.path, '/', e.path_len);
		from = slash == NULL ? 0 : (size_t)(slash - e.path) + 1;
		memcpy(name, e.path + from, e.path_len - from);
		name[e.path_len - from] = 0;
		if (fstatat(dirfd(s->list), name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
			scan_name(s, e.root, e.path, e.path_len, SCAN_SETTLED);
	}
}

static void list_one(struct scan *s)
{
	const struct dirent *entry;

	errno = 0;
	entry = readdir(s->list);
	if (entry == NULL) {
		if (errno != 0)
			scan_unreadable(s, s->listed->root, s->listed->path, s->listed->len,
					-errno);
		else
			sweep(s);
		close_list(s);
		return;
	}
	if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
		look_in_list(s, entry->d_name, entry->d_type);
}

/* Ids do not last: what is listed is found again at each slice. */
static void find_listed(struct scan *s)
{
	struct sync_entry e;

	if (s->list == NULL)
		return;
	s->listed_id = tree_find(s->tree, s->listed->root, s->listed->path, s->listed->len);
	if (s->listed_id != TREE_NONE) {
		tree_get(s->tree, s->listed_id, &e);
		if (e.type == SYNC_DIRECTORY)
			return;
	}
	close_list(s);
}

/* ---- other names of one file ---- */

static unsigned linked_bit(uint64_t inode)
{
	return (unsigned)(inode * UINT64_C(0x9e3779b97f4a7c15) >> 48) % LINKED_BITS;
}

void scan_linked(struct scan *s, uint64_t inode)
{
	unsigned bit = linked_bit(inode);

	s->linked[bit / 8] = (uint8_t)(s->linked[bit / 8] | 1u << (bit % 8));
	s->linked_any = true;
	s->linked_cursor = 0; /* from the beginning, once all else is done */
}

/* Those that look as they did cost a stat; in the end all do. */
static void walk_links(struct scan *s)
{
	for (unsigned n = 0; n < WALK_SLICE; n++) {
		tree_id id = tree_next(s->tree, &s->linked_cursor);
		struct tree_stat stat;
		struct sync_entry e;
		unsigned bit;

		if (id == TREE_NONE) {
			s->linked_any = false;
			memset(s->linked, 0, sizeof(s->linked));
			return;
		}
		tree_stat_of(s->tree, id, &stat);
		bit = linked_bit(stat.inode);
		if (stat.inode == 0 || (s->linked[bit / 8] >> (bit % 8) & 1) == 0)
			continue;
		tree_get(s->tree, id, &e);
		if (e.type != SYNC_DIRECTORY)
			scan_name(s, e.root, e.path, e.path_len, 0);
	}
}

/* ---- the whole ---- */

static void drop_directories(struct scan *s)
{
	close_list(s);
	while (s->directories != NULL) {
		struct directory *d = s->directories;

		s->directories = d->next;
		free(d);
	}
}

/* ---- a file that takes long ---- */

static void unpark(struct scan *s)
{
	s->file = s->parked;
	s->parked.fd = -1;
	s->parked.tag = NULL;
}

static void park(struct scan *s)
{
	s->parked = s->file;
	s->file.fd = -1;
	s->file.tag = NULL;
}

static bool takes_long(const struct scan *s)
{
	return !s->full && (uint64_t)s->file.before.st_size > SCAN_LARGE;
}

/* One at a time: another one waits. Who comes again has changed while it was read. */
static void put_off(struct scan *s)
{
	struct reading *r = &s->file;

	if (s->parked.fd < 0) {
		park(s);
		return;
	}
	scan_file_drop(s);
	if (s->parked.root == r->root && s->parked.len == r->len &&
	    memcmp(s->parked.path, r->path, r->len) == 0)
		s->parked.torn = true;
	else
		scan_retry(s, r->root, r->path, r->len, scan_longer(r->delay), false);
}

/* Whether its name still leads to it is asked afterwards: what was reported meanwhile has been looked at before. */
static void step_parked(struct scan *s)
{
	unpark(s);
	scan_file_step(s);
	if (s->file.fd >= 0)
		park(s);
	else
		scan_name(s, s->file.root, s->file.path, s->file.len, 0);
}

static void drop_all(struct scan *s)
{
	scan_file_drop(s);
	if (s->parked.fd >= 0)
		unpark(s);
	scan_file_drop(s);
	drop_jobs(s);
	drop_directories(s);
}

static void begin_full(struct scan *s)
{
	drop_all(s);
	memset(&s->totals, 0, sizeof(s->totals));
	s->full = true;
	s->verify = s->wanted_verify;
	s->wanted = s->wanted_verify = false;
	s->full_due = HA_NEVER;
	for (unsigned i = 0; i < s->roots->n; i++)
		scan_look_root(s, (uint8_t)i, LOOK_LIST, 0);
}

/* It begins with the next step: whoever asks may be in the middle of something. */
void scan_all(struct scan *s, bool verify)
{
	drop_jobs(s); /* it will see to them */
	s->wanted = true;
	s->wanted_verify |= verify;
}

static bool has_more(const struct scan *s)
{
	return s->file.fd >= 0 || s->ready != NULL || s->list != NULL || s->directories != NULL ||
	       s->linked_any;
}

static void work(struct scan *s)
{
	if (s->file.fd >= 0 && takes_long(s)) {
		put_off(s);
	} else if (s->file.fd >= 0) {
		scan_file_step(s);
		if (s->file.fd < 0)
			mark_read(s);
	} else if (s->ready != NULL) {
		do_job(s);
		find_listed(s);
	} else if (s->list != NULL) {
		list_one(s);
	} else if (s->directories != NULL) {
		open_list(s);
		find_listed(s);
	} else if (s->linked_any) {
		walk_links(s);
	} else {
		step_parked(s);
	}
}

bool scan_step(struct scan *s, ha_time until)
{
	ha_time now = loop_now();

	find_listed(s);
	if (now >= s->full_due)
		s->wanted = true;
	wake_waiting(s, now);
	do {
		/* One that is under way comes to its end first: else, with much going on, none ever would. */
		s->full = s->full && has_more(s);
		if (s->wanted && !s->full)
			begin_full(s);
		if (has_more(s) || s->parked.fd >= 0)
			work(s);
	} while ((scan_busy(s) || s->parked.fd >= 0) && loop_now() < until);
	s->full = s->full && has_more(s);
	return scan_busy(s);
}

bool scan_busy(const struct scan *s)
{
	return s->wanted || has_more(s);
}

unsigned scan_unseen(const struct scan *s)
{
	return s->unseen + (s->parked.fd >= 0);
}

ha_time scan_deadline(const struct scan *s)
{
	ha_time first = s->waiting_n > 0 ? s->waiting[0]->due : HA_NEVER;

	if (s->parked.fd >= 0)
		return 0;
	return first < s->full_due ? first : s->full_due;
}

void scan_totals(const struct scan *s, struct scan_totals *out)
{
	*out = s->totals;
}

void scan_close(struct scan *s)
{
	if (s == NULL)
		return;
	drop_all(s);
	crew_close(s->crew);
	free(s->mark);
	free(s->seen);
	free(s->block);
	free(s->xattr);
	free(s);
}
