/* trees.h - a small tree of settings on a filesystem of the fuzzer's own, its index, and what must not be reached from it.
 *
 *   TOP/here      the root that is synced: files, a directory, a link that leads outside
 *   TOP/state     journal, conflicts/
 *   TOP/outside   "sentinel", which nobody ever touches
 */
#ifndef HA_TESTS_FUZZ_TREES_H
#define HA_TESTS_FUZZ_TREES_H

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <sys/xattr.h>

#include "agent/sync/plan.h"
#include "agent/sync/plan_state.h"
#include "tests/fuzz/directory.h"

static const char *const trees_paths[] = {
	"",
	"a",
	"d",
	"d/b",
	"d/e",
	"link",
	"link/sentinel",
	"new",
	"new/deep",
	"new/deep/er",
	"d/b/below",
	"x.local",
	"large",
	"../outside/sentinel",
	"hard",
	".haagent-stage",
	".haagent-stage/x",
	"d/new",
	"a/a",
	"link/d",
};

enum {
	TREES_PATHS = sizeof(trees_paths) / sizeof(*trees_paths),
	TREES_LARGE = PLAN_IN_PLACE_MIN + 3 * SYNC_BLOCK_LEN + 17,
};

struct trees {
	char top[128], here[160];
	int top_fd, state_fd;
	struct digest digest;
	struct roots roots;
	struct tree *tree;
	struct plan *plan;
	unsigned recorded;
};

static inline int trees_remove_one(const char *path, const struct stat *st, int type,
				   struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level == 0 ? 0 : remove(path);
}

static inline void trees_wipe(struct trees *t, const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", t->top, name);
	nftw(path, trees_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline int trees_record(void *arg, const struct lineage *generation, bool recovered)
{
	struct trees *t = arg;

	(void)recovered;
	FUZZ_CHECK(generation->n <= LINEAGE_MAX);
	t->recorded++;
	return 0;
}

/* Once for a process. */
static inline void trees_open(struct trees *t)
{
	static const char *const names[] = {"here", "state", "outside"};

	t->top_fd = directory_make(t->top, sizeof(t->top));
	snprintf(t->here, sizeof(t->here), "%s/here", t->top);
	for (unsigned i = 0; i < 3; i++)
		FUZZ_CHECK(mkdirat(t->top_fd, names[i], 0755) == 0);
	directory_write(t->top_fd, "outside/sentinel", "untouched", 9);
	t->state_fd = openat(t->top_fd, "state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(t->state_fd >= 0);
}

/* The index of a name as a scan would find it. */
static inline void trees_index(struct trees *t, const char *path)
{
	static uint8_t bytes[TREES_LARGE];
	static digest_tag tags[TREES_LARGE / SYNC_BLOCK_LEN + 1];
	struct sync_entry e = {.path = path, .path_len = (uint16_t)strlen(path)};
	struct tree_stat at;
	char target[64];
	struct stat st;
	ssize_t len;
	size_t n = 0;
	int fd;

	FUZZ_CHECK(fstatat(t->roots.root[0].fd, path[0] == '\0' ? "." : path, &st,
			   AT_SYMLINK_NOFOLLOW) == 0);
	e.type = S_ISDIR(st.st_mode)   ? SYNC_DIRECTORY
		 : S_ISLNK(st.st_mode) ? SYNC_SYMLINK
				       : SYNC_FILE;
	e.mode = e.type == SYNC_SYMLINK ? 0 : st.st_mode & 07777;
	e.uid = st.st_uid;
	e.gid = st.st_gid;
	e.mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
	if (e.type == SYNC_SYMLINK) {
		len = readlinkat(t->roots.root[0].fd, path, target, sizeof(target));
		FUZZ_CHECK(len > 0);
		e.target = target;
		e.target_len = (uint16_t)len;
	} else if (e.type == SYNC_FILE) {
		fd = openat(t->roots.root[0].fd, path, O_RDONLY | O_CLOEXEC);
		FUZZ_CHECK(fd >= 0 && read(fd, bytes, sizeof(bytes)) == st.st_size);
		close(fd);
		e.size = (uint64_t)st.st_size;
		for (size_t from = 0; from < e.size; from += SYNC_BLOCK_LEN)
			digest_block(&t->digest, bytes + from,
				     e.size - from < SYNC_BLOCK_LEN ? e.size - from
								    : SYNC_BLOCK_LEN,
				     tags[n++]);
		digest_file(&t->digest, e.size, tags, n, e.hash);
	}
	at = (struct tree_stat){.inode = st.st_ino,
				.ctime_ns = st.st_ctim.tv_sec * INT64_C(1000000000) +
					    st.st_ctim.tv_nsec};
	FUZZ_CHECK(tree_put(t->tree, &e, &at, n > 1 ? tags : NULL, n > 1 ? n : 0, 7, NULL) == 0);
}

/* The tree as it is at the start of each input. large: with a file that is changed in place. */
static inline void trees_begin(struct trees *t, bool large)
{
	static const uint8_t key[HA_KEY_LEN] = {1, 2, 3};
	static const char *const names[] = {"", "a", "d", "d/b", "link"};
	struct plan_config config = {
		.roots = &t->roots, .digest = &t->digest, .state = t->state_fd, .arg = t};

	trees_wipe(t, "here");
	trees_wipe(t, "state");
	FUZZ_CHECK(fchmodat(t->top_fd, "here", 0755, 0) == 0);
	directory_write(t->top_fd, "here/a", "one", 3);
	FUZZ_CHECK(mkdirat(t->top_fd, "here/d", 0755) == 0);
	directory_write(t->top_fd, "here/d/b", "two", 3);
	FUZZ_CHECK(symlinkat("../outside", t->top_fd, "here/link") == 0);
	directory_write(t->top_fd, "here/x.local", "mine", 4);
	if (large) {
		static uint8_t bytes[TREES_LARGE];

		directory_write(t->top_fd, "here/large", bytes, sizeof(bytes));
	}
	FUZZ_CHECK(digest_open(&t->digest, key) == 0);
	roots_init(&t->roots);
	FUZZ_CHECK(roots_add(&t->roots, t->here) == 0);
	FUZZ_CHECK(roots_exclude(&t->roots, "*.local") == 0);
	FUZZ_CHECK(roots_open(&t->roots, false) == 0);
	FUZZ_CHECK(tree_open(&t->tree, &t->digest) == 0);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		trees_index(t, names[i]);
	if (large)
		trees_index(t, "large");
	config.tree = t->tree;
	config.record = trees_record;
	t->recorded = 0;
	FUZZ_CHECK(plan_open(&t->plan, &config) == 0);
}

/* Nothing left the root. */
static inline void trees_check(const struct trees *t)
{
	char text[16] = "";
	struct dirent *d;
	struct stat st;
	unsigned n = 0;
	int fd = openat(t->top_fd, "outside/sentinel", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir;

	FUZZ_CHECK(fd >= 0 && read(fd, text, sizeof(text)) == 9 &&
		   memcmp(text, "untouched", 9) == 0);
	FUZZ_CHECK(fstat(fd, &st) == 0 && st.st_nlink == 1 && st.st_uid == geteuid() &&
		   (st.st_mode & 07777) == 0600);
	close(fd);
	fd = openat(t->top_fd, "outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fdopendir(fd);
	FUZZ_CHECK(fd >= 0 && dir != NULL);
	while ((d = readdir(dir)) != NULL)
		n++;
	closedir(dir);
	FUZZ_CHECK(n == 3); /* two of them dots */
	FUZZ_CHECK(fstatat(t->top_fd, "outside", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		   (st.st_mode & 07777) == 0755 && st.st_uid == geteuid());
}

static inline void trees_end(struct trees *t)
{
	trees_check(t);
	plan_close(t->plan);
	tree_close(t->tree);
	roots_close(&t->roots);
	digest_close(&t->digest);
}

/* An entry that a record can carry, of a name that matters here. xattr and path live in the caller's hands. */
static inline struct sync_entry trees_entry(struct script *s, const struct trees *t)
{
	static const uint8_t xattr[] = {6, 'u', 's', 'e', 'r', '.', 'a', 0, 1, 'x'};
	static const char *const targets[] = {"a", "../outside", "/etc/passwd", "."};
	uint8_t how = script_u8(s);
	const char *path = trees_paths[script_u8(s) % TREES_PATHS];
	struct sync_entry e = {.type = how % SYNC_ENTRY_TYPE_N, .path = path};

	e.root = how & 0x80 && script_u8(s) == 0 ? 1 : 0;
	e.path_len = (uint16_t)strlen(path);
	if (e.type != SYNC_GONE) {
		e.mtime_ns = (int64_t)script_number(s, how & 0x40 ? 8 : 1);
		e.uid = how & 0x20 ? script_u8(s) : geteuid();
		e.gid = how & 0x20 ? script_u8(s) : getegid();
	}
	if (e.type == SYNC_FILE || e.type == SYNC_DIRECTORY) {
		e.mode = (uint16_t)(script_number(s, 2) & 07777);
		e.xattr = xattr;
		e.xattr_len = how & 0x10 ? sizeof(xattr) : 0;
	}
	if (e.type == SYNC_SYMLINK) {
		e.target = targets[script_u8(s) % 4];
		e.target_len = (uint16_t)strlen(e.target);
	}
	if (e.type == SYNC_FILE) {
		uint8_t size = script_u8(s);
		tree_id id = tree_find(t->tree, 0, path, e.path_len);

		e.size = size;
		if (size >= 192)
			/* One whose tags have room in memory, or one whose tags never have. */
			e.size = size & 2 ? SYNC_COUNT_MAX - script_number(s, 4)
					  : script_number(s, 4);
		else if (size >= 128)
			e.size = TREES_LARGE;
		else if (size >= 64)
			e.size = SYNC_BLOCK_LEN + size;
		if (size & 1 && id != TREE_NONE) { /* as it is here */
			struct sync_entry here;

			tree_get(t->tree, id, &here);
			if (here.type == SYNC_FILE) {
				e.size = here.size;
				memcpy(e.hash, here.hash, sizeof(e.hash));
			}
		} else {
			memset(e.hash, size, sizeof(e.hash));
		}
	}
	return e;
}

#endif
