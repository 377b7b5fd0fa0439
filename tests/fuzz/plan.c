/* plan - a leader that has the key of the stream and means ill: entries, blocks and ends of contents in any order, and
 * commits between them.
 *
 *   how; then steps: an entry, a block, the end of a content, good or not; a commit; a new plan; a start after a crash
 *
 * Whatever it says, nothing outside of the root is touched, and nothing that is excluded. A commit that succeeds has left no
 * journal and an index that tells what is on the disk; one that fails says why.
 */
#include "tests/fuzz/trees.h"

enum {
	STEPS_MAX = 60,
	TICKETS = 16,
};

static struct trees trees;
static uint8_t block[SYNC_BLOCK_LEN];

static struct wanted {
	uint32_t ticket;
	uint64_t size;
} wanted[TICKETS];
static unsigned wanted_n;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	trees_open(&trees);
	return 0;
}

/* So that some contents are complete in the end. */
static void hash_of_zeros(struct sync_entry *e)
{
	digest_tag tags[TREES_LARGE / SYNC_BLOCK_LEN + 1];
	size_t n = 0;

	if (e->size > TREES_LARGE)
		return;
	for (uint64_t from = 0; from < e->size; from += SYNC_BLOCK_LEN)
		digest_block(&trees.digest, block,
			     e->size - from < SYNC_BLOCK_LEN ? (size_t)(e->size - from)
							     : SYNC_BLOCK_LEN,
			     tags[n++]);
	digest_file(&trees.digest, e->size, tags, n, e->hash);
}

static void note(const struct sync_want *want, uint64_t size)
{
	FUZZ_CHECK(want->path_len > 0 && sync_path_valid(want->path, want->path_len));
	wanted[wanted_n++ % TICKETS] = (struct wanted){.ticket = want->ticket, .size = size};
}

static void entry(struct script *s)
{
	struct sync_entry e = trees_entry(s, &trees), read;
	struct sync_want want;
	uint8_t body[512];
	size_t len;
	int result;

	if (e.type == SYNC_FILE && script_bool(s))
		hash_of_zeros(&e);
	len = sync_encode_entry(body, sizeof(body), &e);
	if (len == 0)
		return; /* no record can carry it */
	FUZZ_CHECK(sync_decode_entry(body, len, &read));
	result = plan_entry(trees.plan, &read, &want);
	FUZZ_CHECK(result <= 1);
	if (result == 1)
		note(&want, read.size);
}

static const struct wanted *choose(struct script *s)
{
	unsigned n = wanted_n < TICKETS ? wanted_n : TICKETS;
	static struct wanted any;

	any = (struct wanted){.ticket = script_u8(s), .size = SYNC_BLOCK_LEN + 1};
	return n == 0 || any.ticket == 0xff ? &any : &wanted[any.ticket % n];
}

static void one_block(const struct wanted *w, uint64_t offset, const uint8_t *data)
{
	uint64_t left = w->size - offset;
	struct sync_block b = {.ticket = w->ticket,
			       .offset = offset,
			       .data = data,
			       .len = (uint32_t)(left < SYNC_BLOCK_LEN ? left : SYNC_BLOCK_LEN)};
	int error = plan_block(trees.plan, &b);

	FUZZ_CHECK(error <= 0);
}

static void blocks(struct script *s)
{
	static uint8_t other[SYNC_BLOCK_LEN];
	const struct wanted *w = choose(s);
	uint8_t how = script_u8(s);
	uint64_t offset = how & 1 ? script_number(s, 1) * SYNC_BLOCK_LEN : 0;

	if (w->size == 0)
		return;
	if (how & 2) { /* all of it */
		for (offset = 0; offset < w->size && offset < TREES_LARGE; offset += SYNC_BLOCK_LEN)
			one_block(w, offset, block);
	} else if (how & 4) {
		struct sync_block b = {.ticket = w->ticket,
				       .offset = script_number(s, 8),
				       .data = block,
				       .len = 1 + (uint32_t)script_number(s, 2) % SYNC_BLOCK_LEN};

		FUZZ_CHECK(plan_block(trees.plan, &b) <= 0);
	} else if (offset < w->size) {
		memset(other, how, sizeof(other));
		one_block(w, offset, how & 8 ? other : block);
	}
}

static void done(struct script *s)
{
	struct wanted w = *choose(s);
	struct sync_want want;
	int error;

	if (script_u8(s) % 8 == 0) {
		plan_failed(trees.plan, w.ticket);
		return;
	}
	error = plan_done(trees.plan, w.ticket, &want);
	FUZZ_CHECK(error <= 0);
	if (error == -EBADMSG)
		note(&want, w.size);
}

/* What is in the index is what a look at the disk finds. */
static void check_index(void)
{
	uint32_t cursor = 0;
	struct sync_entry e;
	struct stat st;
	char path[64];
	tree_id id;

	while ((id = tree_next(trees.tree, &cursor)) != TREE_NONE) {
		tree_get(trees.tree, id, &e);
		FUZZ_CHECK(e.path_len < sizeof(path) - 2);
		snprintf(path, sizeof(path), "%.*s", (int)e.path_len, e.path_len > 0 ? e.path : "");
		if (fstatat(trees.roots.root[0].fd, e.path_len > 0 ? path : ".", &st,
			    AT_SYMLINK_NOFOLLOW) != 0) {
			FUZZ_CHECK(e.type == SYNC_GONE);
			continue;
		}
		FUZZ_CHECK(e.type != SYNC_FILE ||
			   (S_ISREG(st.st_mode) && (uint64_t)st.st_size == e.size));
		FUZZ_CHECK(e.type != SYNC_DIRECTORY || S_ISDIR(st.st_mode));
		FUZZ_CHECK(e.type != SYNC_SYMLINK || S_ISLNK(st.st_mode));
		FUZZ_CHECK(e.type != SYNC_FILE || (st.st_mode & 07777) == e.mode);
	}
}

static void check_excluded(void)
{
	char text[8] = "";
	int fd = openat(trees.top_fd, "here/x.local", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	FUZZ_CHECK(fd >= 0 && read(fd, text, sizeof(text)) == 4 && memcmp(text, "mine", 4) == 0);
	close(fd);
}

static void commit(struct script *s)
{
	struct lineage generation = {.n = 1, .point = {{2, 8 + script_u8(s)}}};
	char reason[SYNC_REASON_MAX + 1];
	bool whole = plan_complete(trees.plan);
	int error = plan_commit(trees.plan, &generation, reason);

	FUZZ_CHECK(error <= 0 && (error == 0) == (reason[0] == '\0'));
	FUZZ_CHECK(whole || error != 0);
	check_excluded();
	if (error == 0) {
		FUZZ_CHECK(!journal_exists(trees.plan));
		check_index();
	}
}

static void recover(void)
{
	char reason[SYNC_REASON_MAX + 1];
	struct lineage generation;
	int result = plan_recover(trees.plan, &generation, reason);

	FUZZ_CHECK(result <= 1 && (result >= 0) == (reason[0] == '\0'));
	FUZZ_CHECK(result < 0 || !journal_exists(trees.plan));
	check_excluded();
}

static void begin(struct script *s)
{
	uint8_t how = script_u8(s);

	plan_begin(trees.plan, how & 1, how & 2 ? script_u8(s) : UINT64_MAX, "2-8");
	wanted_n = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct script s = {data, len};
	char reason[SYNC_REASON_MAX + 1];
	struct plan_totals totals;

	trees_begin(&trees, script_u8(&s) % 8 == 7);
	begin(&s);
	for (unsigned i = 0; i < STEPS_MAX && !script_ended(&s); i++) {
		switch (script_u8(&s) % 16) {
		case 0:
			commit(&s);
			break;
		case 1:
			recover();
			break;
		case 2:
			begin(&s);
			break;
		case 3:
			(void)plan_space(trees.plan, reason);
			break;
		case 4:
		case 5:
		case 6:
			blocks(&s);
			break;
		case 7:
		case 8:
			done(&s);
			break;
		default:
			entry(&s);
			break;
		}
		plan_totals(trees.plan, &totals);
		FUZZ_CHECK(plan_complete(trees.plan) ==
			   (totals.under_way == 0 && totals.waiting == 0));
		FUZZ_CHECK(totals.files <= totals.files_total);
	}
	commit(&s);
	trees_end(&trees);
	return 0;
}
