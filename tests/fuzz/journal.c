/* journal - a start after a crash, with a journal that says anything: this program wrote it, or a disk that lies did.
 *
 *   how; then operations as a commit would have written them, and their staged files; or bytes
 *
 * It is rolled forward to its end, or refused with a reason, and then again, to the same end. Nothing outside of the root is
 * touched either way.
 */
#include "tests/fuzz/trees.h"

#include "proto/cursor.h"

enum {
	JOURNAL_MAX = 1 << 15,
	OPS_MAX = 24,
	RUNS_MAX = 4,
};

static struct trees trees;
static uint8_t bytes[JOURNAL_MAX + SUM_LEN];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	trees_open(&trees);
	return 0;
}

static void put_runs(struct cursor_writer *w, struct script *s)
{
	unsigned n = script_u8(s) % (RUNS_MAX + 1);
	struct stat st = {0};

	(void)fstatat(trees.top_fd, "here/large", &st, AT_SYMLINK_NOFOLLOW);
	cursor_put_u64(w, script_u8(s) % 4 == 0 ? script_number(s, 8) : st.st_ino);
	cursor_put_u32(w, n);
	for (unsigned i = 0; i < n; i++) {
		bool wild = script_u8(s) % 8 == 0;

		cursor_put_u64(w, script_number(s, wild ? 8 : 1));
		cursor_put_u64(w, script_number(s, wild ? 8 : 1) % (wild ? UINT64_MAX : 8));
	}
}

/* Something is in the stage under that name, as if it had been fetched. */
static void stage(const uint8_t id[STAGE_ID_LEN], const struct sync_entry *e, uint8_t how)
{
	char name[64] = "here/" ROOTS_STAGE "/";
	static uint8_t content[SYNC_BLOCK_LEN];

	stage_name(id, name + strlen(name));
	(void)mkdirat(trees.top_fd, "here/" ROOTS_STAGE, 0700);
	if (e->type == SYNC_SYMLINK)
		(void)symlinkat("a", trees.top_fd, name);
	else if (how & 1)
		directory_write(trees.top_fd, name, content, e->size < 256 ? e->size : 256);
	else
		directory_write(trees.top_fd, name, content, sizeof(content));
}

static void put_op(struct cursor_writer *w, struct script *s)
{
	uint8_t kind = script_u8(s), how = script_u8(s), id[STAGE_ID_LEN] = {0}, body[512];
	struct sync_entry e = trees_entry(s, &trees);
	size_t len = sync_encode_entry(body, sizeof(body), &e);

	kind = kind & 0x80 ? kind : kind % OP_KIND_N;
	cursor_put_u8(w, kind);
	cursor_put_u8(w, how & 0x80 ? script_u8(s) : how & (OP_IMPLIED | OP_EXISTING));
	if (kind == OP_RENAME || kind == OP_BLOCKS) {
		id[0] = script_u8(s) % 4;
		cursor_put_bytes(w, id, sizeof(id));
		if (how & 0x40)
			stage(id, &e, how >> 5);
	}
	if (kind == OP_BLOCKS)
		put_runs(w, s);
	cursor_put_u32(w, len);
	cursor_put_bytes(w, body, len);
}

static size_t make(struct script *s, uint8_t how)
{
	static const uint8_t digest[HA_KEY_LEN] = {9};
	uint8_t fingerprint[SYNC_HASH_LEN];
	struct cursor_writer w;
	unsigned n = script_u8(s) % OPS_MAX;
	bool wild = how & 4;

	FUZZ_CHECK(journal_roots(trees.plan, fingerprint) == 0);
	cursor_write(&w, bytes, JOURNAL_MAX);
	cursor_put_bytes(&w, "HAjo", 4);
	cursor_put_u16(&w, 1);
	cursor_put_bytes(&w, fingerprint, sizeof(fingerprint));
	cursor_put_u16(&w, wild ? script_u8(s) % (LINEAGE_MAX + 1) : 1);
	if (!wild) {
		cursor_put_u64(&w, 2);
		cursor_put_u64(&w, 8);
		cursor_put_bytes(&w, digest, sizeof(digest));
		cursor_put_u32(&w, n);
		for (unsigned i = 0; i < n; i++)
			put_op(&w, s);
	}
	while (!script_ended(s) && wild && w.len < JOURNAL_MAX)
		cursor_put_u8(&w, script_u8(s));
	FUZZ_CHECK(!w.failed);
	return w.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct script s = {data, len};
	uint8_t how = script_u8(&s);
	char reason[SYNC_REASON_MAX + 1], again[SYNC_REASON_MAX + 1];
	struct lineage generation = {0};
	int first, second;

	trees_begin(&trees, how & 1);
	directory_write_summed(trees.state_fd, "journal", bytes, make(&s, how));
	first = plan_recover(trees.plan, &generation, reason);
	FUZZ_CHECK(first == 1 || first < 0);
	FUZZ_CHECK((first < 0) == (reason[0] != '\0'));
	FUZZ_CHECK(first < 0 || (lineage_valid(&generation) && trees.recorded == 1));
	FUZZ_CHECK(journal_exists(trees.plan) == (first < 0));
	trees_check(&trees);
	second = plan_recover(trees.plan, &generation, again);
	FUZZ_CHECK(first < 0 || second == 0);
	if (second < 0) {
		FUZZ_CHECK(plan_disown(trees.plan) == 0);
		FUZZ_CHECK(plan_recover(trees.plan, &generation, again) == 0);
	}
	trees_end(&trees);
	return 0;
}
