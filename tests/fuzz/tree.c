/* tree - the index: as a file that is loaded, and as what puts, stamps and prunes make of it.
 *
 *   length of the steps; the steps; the file behind its header
 *
 * A file is loaded as what could have been saved, or leaves an empty tree. The totals are those of its entries, at any time;
 * the digest is, of what was put. What is saved is loaded as it was.
 */
#include "tests/fuzz/fuzz.h"

#include "agent/sync/tree.h"
#include "tests/fuzz/directory.h"

enum {
	FILE_LEN_MAX = 1 << 16,
	HEAD_LEN = 4 + 2 + 2 * SYNC_HASH_LEN,
	STEPS_MAX = 200,
	TAGS_MAX = 4,
};

static const uint8_t key[HA_KEY_LEN] = {1, 2, 3}, roots[SYNC_HASH_LEN] = "roots";
static char top[128];
static int directory;
static struct digest digest;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	directory = directory_make(top, sizeof(top));
	return digest_open(&digest, key) != 0;
}

/* Walks all of it. summed: the digest is of these entries. */
static void check(const struct tree *t, bool summed)
{
	struct tree_totals says, is = {0};
	struct digest_sum sum = {0};
	uint8_t a[HA_KEY_LEN], b[HA_KEY_LEN];
	struct sync_entry e;
	uint64_t pending = 0;
	uint32_t cursor = 0;
	tree_id id;

	while ((id = tree_next(t, &cursor)) != TREE_NONE) {
		size_t n = 0;

		tree_get(t, id, &e);
		FUZZ_CHECK(e.type < SYNC_ENTRY_TYPE_N && e.root < SYNC_ROOTS_MAX);
		FUZZ_CHECK(sync_path_valid(e.path, e.path_len));
		FUZZ_CHECK(tree_find(t, e.root, e.path, e.path_len) == id);
		digest_add(&digest, &sum, &e);
		if (e.type == SYNC_GONE)
			is.tombstones++;
		else
			is.entries++;
		is.bytes += e.type == SYNC_FILE ? e.size : 0;
		pending += tree_number(t, id) == TREE_PENDING;
		FUZZ_CHECK((tree_tags(t, id, &n) != NULL) == (n > 0));
		FUZZ_CHECK(n == 0 || e.size > SYNC_BLOCK_LEN);
		for (tree_id c = tree_child(t, id, TREE_NONE); c != TREE_NONE;
		     c = tree_child(t, id, c))
			FUZZ_CHECK(c != id);
	}
	tree_totals(t, &says);
	FUZZ_CHECK(says.entries == is.entries && says.tombstones == is.tombstones);
	FUZZ_CHECK(says.bytes == is.bytes && tree_pending(t) == pending);
	if (!summed)
		return;
	tree_digest(t, a);
	digest_sum_bytes(&sum, b);
	FUZZ_CHECK(memcmp(a, b, sizeof(a)) == 0);
}

/* ---- on disk ---- */

static bool load(struct tree *t, struct script *s)
{
	static uint8_t bytes[FILE_LEN_MAX + SUM_LEN];
	struct tree_totals totals;
	struct lineage head = {0};
	size_t n = s->left < FILE_LEN_MAX - HEAD_LEN ? s->left : FILE_LEN_MAX - HEAD_LEN;
	int error;

	memcpy(bytes, "HAtr\0\1", 6);
	memcpy(bytes + 6, roots, SYNC_HASH_LEN);
	digest_file(&digest, 0, NULL, 0, bytes + 6 + SYNC_HASH_LEN);
	script_bytes(s, bytes + HEAD_LEN, n);
	directory_write_summed(directory, "index", bytes, n + HEAD_LEN);
	error = tree_load(t, directory, "index", &head, roots);
	FUZZ_CHECK(error == 0 || error == -EBADMSG);
	tree_totals(t, &totals);
	FUZZ_CHECK(error == 0 || totals.entries + totals.tombstones == 0);
	FUZZ_CHECK(error != 0 || lineage_valid(&head));
	return error == 0;
}

static void save(struct tree *t)
{
	struct lineage head = {.n = 1, .point = {{2, 7}}}, read;
	struct tree_totals one, two;
	uint8_t a[HA_KEY_LEN], b[HA_KEY_LEN];
	struct tree *copy;
	int fd;

	fd = tree_save_begin(t, directory, "saved", &head, roots);
	FUZZ_CHECK(fd >= 0 && tree_save_end(fd, directory, "saved") == 0);
	FUZZ_CHECK(tree_open(&copy, &digest) == 0);
	FUZZ_CHECK(tree_load(copy, directory, "saved", &read, roots) == 0);
	FUZZ_CHECK(lineage_equal(&head, &read) && tree_floor(t) == tree_floor(copy));
	tree_totals(t, &one);
	tree_totals(copy, &two);
	FUZZ_CHECK(one.entries == two.entries && one.tombstones == two.tombstones &&
		   one.bytes == two.bytes && tree_pending(t) == tree_pending(copy));
	tree_digest(t, a);
	tree_digest(copy, b);
	FUZZ_CHECK(memcmp(a, b, sizeof(a)) == 0);
	check(copy, false);
	tree_close(copy);
}

/* ---- in memory ---- */

static void put(struct tree *t, struct script *s)
{
	static const uint8_t xattr[] = {6, 'u', 's', 'e', 'r', '.', 'a', 0, 1, 'x'};
	static const digest_tag tags[TAGS_MAX] = {{1}, {2}, {3}, {4}};
	uint8_t how = script_u8(s), depth = script_u8(s) % 5;
	struct tree_stat stat = {.inode = script_u8(s), .ctime_ns = script_u8(s)};
	uint64_t number = script_bool(s) ? TREE_PENDING : script_u8(s);
	struct sync_entry e = {.type = how % SYNC_ENTRY_TYPE_N, .root = how >> 7, .target = "to"};
	bool changed = false;
	char path[16];
	size_t n = 0;
	int error;
	tree_id id;

	for (uint8_t i = 0; i < depth; i++) {
		if (i > 0)
			path[e.path_len++] = '/';
		path[e.path_len++] = (char)('a' + script_u8(s) % 4);
	}
	e.path = path;
	if (e.type != SYNC_GONE) {
		e.mtime_ns = script_u8(s);
		e.uid = how >> 4 & 1;
	}
	if (e.type == SYNC_FILE || e.type == SYNC_DIRECTORY) {
		e.mode = script_u8(s);
		e.xattr = xattr;
		e.xattr_len = how & 8 ? sizeof(xattr) : 0;
	}
	if (e.type == SYNC_SYMLINK)
		e.target_len = 1 + (how >> 5 & 1);
	if (e.type == SYNC_FILE) {
		n = script_u8(s) % (TAGS_MAX + 1);
		e.size = n == 0 ? script_u8(s) : (n - 1) * SYNC_BLOCK_LEN + 1;
		e.hash[0] = script_u8(s);
	}
	error = tree_put(t, &e, &stat, n > 1 ? tags : NULL, n > 1 ? n : 0, number, &changed);
	FUZZ_CHECK(error == 0 || error == -EINVAL);
	if (error != 0)
		return;
	id = tree_find(t, e.root, e.path, e.path_len);
	FUZZ_CHECK(id != TREE_NONE || e.type == SYNC_GONE);
	if (id == TREE_NONE)
		return;
	tree_get(t, id, &e);
	FUZZ_CHECK(e.type == how % SYNC_ENTRY_TYPE_N);
	FUZZ_CHECK(!changed || tree_number(t, id) == number);
}

static void step(struct tree *t, struct script *s)
{
	switch (script_u8(s) % 8) {
	case 0:
		tree_stamp(t, 1 + script_u8(s));
		FUZZ_CHECK(tree_pending(t) == 0);
		break;
	case 1:
		tree_prune(t, script_u8(s));
		break;
	case 2:
		if (script_u8(s) == 0)
			tree_clear(t);
		break;
	default:
		put(t, s);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct script s = {data, len}, steps;
	struct tree *t;
	bool loaded;
	size_t n;

	n = script_number(&s, 2);
	n = n < s.left ? n : s.left;
	steps = (struct script){s.next, n};
	s.next += n;
	s.left -= n;
	FUZZ_CHECK(tree_open(&t, &digest) == 0);
	loaded = load(t, &s);
	check(t, false);
	for (unsigned i = 0; i < STEPS_MAX && !script_ended(&steps); i++) {
		step(t, &steps);
		check(t, !loaded);
	}
	save(t);
	tree_close(t);
	return 0;
}
