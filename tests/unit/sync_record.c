/* The records of the sync: SPEC 6.1. Every field has a value of its own, so that no two can be confused. */
#include "proto/cursor.h"
#include "proto/sync_msg.h"

#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Any of them; the type says which. */
struct record {
	enum sync_record_type type;
	union {
		struct sync_head head;
		struct sync_pull pull;
		struct sync_begin begin;
		struct sync_entry entry;
		struct sync_end end;
		struct sync_want want;
		struct sync_block block;
		struct sync_done done;
		struct sync_status status;
	};
};

static const uint8_t two_attributes[] = "\x06user.a\x00\x02xy\x06user.b\x00\x00";
static const char path[] = "etc/appliance.conf", target[] = "../elsewhere";
static const uint8_t tags[2][SYNC_HASH_LEN] = {{0xd0, [15] = 0xd1}, {0xd2, [15] = 0xd3}};
static const uint8_t content[] = "some content";

static const struct record samples[] = {
	{SYNC_HEAD,
	 .head = {.whole = true,
		  .clean = true,
		  .key = {0x10, 0x11, [31] = 0x1f},
		  .roots = {0x20, 0x21, [15] = 0x2f},
		  .entries = 0x3132333435363738,
		  .bytes = 0x4142434445464748,
		  .lineage = {.n = 2,
			      .point = {{0x0101, 0x0202}, {0x2122232425262728, 0x3132333435363738}},
			      .digest = {0x70, 0x71, [31] = 0x7f}}}},
	{SYNC_PULL, .pull = {.since = 0x0102030405060708}},
	{SYNC_BEGIN, .begin = {.since = 0x0102030405060708}},
	{SYNC_ENTRY, .entry = {.type = SYNC_FILE,
			       .root = 15,
			       .mode = 04755,
			       .uid = 0x11121314,
			       .gid = 0x21222324,
			       .mtime_ns = -0x3132333435363738,
			       .size = 0x4142434445464748,
			       .hash = {0x50, 0x51, [15] = 0x5f},
			       .path = path,
			       .path_len = sizeof(path) - 1,
			       .xattr = two_attributes,
			       .xattr_len = sizeof(two_attributes) - 1}},
	{SYNC_ENTRY, .entry = {.type = SYNC_SYMLINK,
			       .uid = 1,
			       .gid = 2,
			       .mtime_ns = 3,
			       .path = path,
			       .path_len = sizeof(path) - 1,
			       .target = target,
			       .target_len = sizeof(target) - 1}},
	{SYNC_ENTRY, .entry = {.type = SYNC_DIRECTORY, .root = 3, .mode = 01777, .uid = 5}},
	{SYNC_ENTRY, .entry = {.type = SYNC_GONE, .path = path, .path_len = sizeof(path) - 1}},
	{SYNC_END, .end = {.head = {0x0102030405060708, 0x1112131415161718},
			   .digest = {0x20, 0x21, [31] = 0x2f}}},
	{SYNC_WANT, .want = {.ticket = 0x01020304,
			     .root = 7,
			     .hash = {0x10, 0x11, [15] = 0x1f},
			     .path = path,
			     .path_len = sizeof(path) - 1,
			     .tags = tags[0],
			     .tags_n = 2}},
	{SYNC_BLOCK, .block = {.ticket = 0x01020304,
			       .offset = 0x1112131415160000,
			       .data = content,
			       .len = sizeof(content) - 1}},
	{SYNC_DONE, .done = {.ticket = 0x01020304, .failed = true}},
	{SYNC_STATUS, .status = {.phase = SYNC_PHASE_ERROR,
				 .files = 0x0102030405060708,
				 .files_total = 0x1112131415161718,
				 .bytes = 0x2122232425262728,
				 .bytes_total = 0x3132333435363738,
				 .reason = "voll: wächter"}},
};

static const struct sync_head *const head = &samples[0].head;
static const struct sync_entry *const file = &samples[3].entry;
static const struct sync_entry *const link_entry = &samples[4].entry;

enum {
	SAMPLES = sizeof(samples) / sizeof(*samples),
};

static uint8_t room[2][SYNC_RECORD_MAX]; /* to encode into: what was taken, and a large one */

static size_t encode(uint8_t *out, size_t cap, const struct record *r)
{
	size_t len;

	switch (r->type) {
	case SYNC_HEAD:
		return sync_encode_head(out, cap, &r->head);
	case SYNC_PULL:
		return sync_encode_pull(out, cap, &r->pull);
	case SYNC_BEGIN:
		return sync_encode_begin(out, cap, &r->begin);
	case SYNC_ENTRY:
		return sync_encode_entry(out, cap, &r->entry);
	case SYNC_END:
		return sync_encode_end(out, cap, &r->end);
	case SYNC_WANT:
		return sync_encode_want(out, cap, &r->want);
	case SYNC_BLOCK: /* the data is the caller's */
		len = sync_encode_block(out, cap, &r->block);
		if (len == 0 || r->block.len > cap - len)
			return 0;
		memcpy(out + len, r->block.data, r->block.len);
		return len + r->block.len;
	case SYNC_DONE:
		return sync_encode_done(out, cap, &r->done);
	default:
		cr_assert_eq(r->type, SYNC_STATUS);
		return sync_encode_status(out, cap, &r->status);
	}
}

/* Decodes a copy on the heap that has just that size: a byte read too far is caught. If it is taken, it is what the encoder would
 * write; if it is not, *out is left alone. */
static bool decode(enum sync_record_type type, const uint8_t *bytes, size_t len)
{
	struct record out;
	uint8_t *copy = malloc(len ? len : 1);
	bool taken, touched = false;

	memcpy(copy, bytes, len);
	memset(&out, 0xee, sizeof(out));
	out.type = type;
	taken = type == SYNC_HEAD     ? sync_decode_head(copy, len, &out.head)
		: type == SYNC_PULL   ? sync_decode_pull(copy, len, &out.pull)
		: type == SYNC_BEGIN  ? sync_decode_begin(copy, len, &out.begin)
		: type == SYNC_ENTRY  ? sync_decode_entry(copy, len, &out.entry)
		: type == SYNC_END    ? sync_decode_end(copy, len, &out.end)
		: type == SYNC_WANT   ? sync_decode_want(copy, len, &out.want)
		: type == SYNC_BLOCK  ? sync_decode_block(copy, len, &out.block)
		: type == SYNC_DONE   ? sync_decode_done(copy, len, &out.done)
		: type == SYNC_STATUS ? sync_decode_status(copy, len, &out.status)
				      : false;
	if (taken) {
		cr_assert_eq(encode(room[1], sizeof(room[1]), &out), len);
		cr_assert(memcmp(room[1], bytes, len) == 0, "record %d has two encodings", type);
	}
	for (size_t i = sizeof(out.type); !taken && i < sizeof(out); i++)
		touched |= ((const uint8_t *)&out)[i] != 0xee;
	cr_assert_not(touched);
	free(copy);
	return taken;
}

static size_t sample_bytes(const struct record *r, uint8_t bytes[512])
{
	size_t len = encode(bytes, 512, r);

	cr_assert_gt(len, 0);
	return len;
}

static const struct record *sample(enum sync_record_type type)
{
	for (size_t i = 0; i < SAMPLES; i++)
		if (samples[i].type == type)
			return &samples[i];
	cr_assert_fail("no sample");
	return NULL;
}

/* Is the sample of the type taken after value was written at offset? */
static bool patched(enum sync_record_type type, size_t offset, const void *value, size_t len)
{
	uint8_t bytes[512];
	size_t total = sample_bytes(sample(type), bytes);

	cr_assert(offset + len <= total);
	memcpy(bytes + offset, value, len);
	return decode(type, bytes, total);
}

static bool patched_byte(enum sync_record_type type, size_t offset, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	return patched(type, offset, &byte, 1);
}

/* ---- headers ---- */

static bool header_taken(unsigned type, uint32_t len)
{
	const uint8_t in[SYNC_RECORD_HEADER_LEN] = {(uint8_t)type, (uint8_t)(len >> 16),
						    (uint8_t)(len >> 8), (uint8_t)len};
	enum sync_record_type out_type = 99;
	uint32_t out_len = 0xeeeeeeee;
	bool taken = sync_decode_record(in, &out_type, &out_len);

	cr_assert_eq(out_type, taken ? type : 99);
	cr_assert_eq(out_len, taken ? len : 0xeeeeeeee);
	return taken;
}

Test(sync_record, spec_6_R9_header_bytes)
{
	uint8_t out[SYNC_RECORD_HEADER_LEN];

	sync_encode_record(out, SYNC_WANT, 0x0a0b0c);
	cr_assert_arr_eq(out, "\x06\x0a\x0b\x0c", sizeof(out));
	sync_encode_record(out, SYNC_COMPARE, 0);
	cr_assert_arr_eq(out, "\x0a\0\0\0", sizeof(out));
}

Test(sync_record, spec_6_R9_a_type_has_its_lengths_and_no_other)
{
	static const struct {
		enum sync_record_type type;
		uint32_t least, most, step;
	} rows[] = {{SYNC_HEAD, 99, 99 + 16 * 16, 16},
		    {SYNC_PULL, 8, 8, 1},
		    {SYNC_BEGIN, 9, 9, 1},
		    {SYNC_ENTRY, 50, 50 + 4095 + 65536, 1},
		    {SYNC_END, 48, 48, 1},
		    {SYNC_WANT, 24, 23 + 4095 + 1048576, 1},
		    {SYNC_BLOCK, 13, 12 + 65536, 1},
		    {SYNC_DONE, 5, 5, 1},
		    {SYNC_STATUS, 193, 193, 1},
		    {SYNC_COMPARE, 0, 0, 1}};

	cr_assert_eq(sizeof(rows) / sizeof(*rows), SYNC_RECORD_N - 1, "every type");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cr_assert_leq(rows[i].most, SYNC_RECORD_MAX);
		for (uint32_t len = 0; len < rows[i].most + 300; len++) {
			bool fits = len >= rows[i].least && len <= rows[i].most &&
				    (len - rows[i].least) % rows[i].step == 0;

			cr_assert_eq(header_taken(rows[i].type, len), fits, "type %d, length %u",
				     rows[i].type, len);
		}
		cr_assert_not(header_taken(rows[i].type, 0xffffff));
	}
}

/* Read from the tree: run from its root. */
Test(sync_record, spec_6_1_lists_every_type_with_its_lengths)
{
	FILE *spec = fopen("proto/SPEC.md", "r");
	unsigned type, rows = 0;
	uint32_t least, most;
	char line[1024];

	cr_assert_not_null(spec, "not run from the root of the tree");
	while (fgets(line, sizeof(line), spec) != NULL && rows < SYNC_RECORD_N - 1) {
		int fields =
			sscanf(line, "| %u | %*[A-Z] | %*1[blf]%*[a-z] | %" SCNu32 " to %" SCNu32,
			       &type, &least, &most);

		if (fields < 2)
			continue;
		if (fields < 3)
			most = type == SYNC_HEAD ? least + LINEAGE_MAX * 16 : least;
		cr_assert_eq(type, ++rows, "%s", line);
		cr_assert(header_taken(type, least) && header_taken(type, most), "%s", line);
		cr_assert(!header_taken(type, least - 1) && !header_taken(type, most + 1), "%s",
			  line);
	}
	fclose(spec);
	cr_assert_eq(rows, SYNC_RECORD_N - 1);
}

Test(sync_record, spec_6_R9_other_types_do_not_exist)
{
	static const uint32_t lens[] = {0, 8, 9, 48, 100, 0xffffff};

	for (unsigned type = 0; type <= UINT8_MAX; type++)
		for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++)
			if (type < SYNC_HEAD || type >= SYNC_RECORD_N)
				cr_assert_not(header_taken(type, lens[i]), "type %u", type);
}

/* ---- what holds for all ---- */

Test(sync_record, what_is_encoded_can_be_decoded)
{
	for (size_t i = 0; i < SAMPLES; i++) {
		uint8_t bytes[512];
		size_t len = sample_bytes(&samples[i], bytes);

		cr_assert(header_taken(samples[i].type, (uint32_t)len));
		cr_assert(decode(samples[i].type, bytes, len), "sample %zu", i);
	}
}

/* How many shorter records the sample holds: a part that takes the rest may have less of it. */
static size_t shorter_ones(const struct record *r)
{
	switch (r->type) {
	case SYNC_HEAD:
		return r->head.lineage.n - 1; /* one point has to stay: there is a digest */
	case SYNC_ENTRY:
		return r->entry.target_len > 0 ? r->entry.target_len - 1u : 0;
	case SYNC_WANT:
		return r->want.tags_n;
	case SYNC_BLOCK:
		return r->block.len - 1;
	default:
		return 0;
	}
}

Test(sync_record, truncated_at_every_length)
{
	for (size_t i = 0; i < SAMPLES; i++) {
		uint8_t bytes[512];
		size_t whole = sample_bytes(&samples[i], bytes), taken = 0;

		for (size_t len = 0; len < whole; len++)
			taken += decode(samples[i].type, bytes, len);
		cr_assert_eq(taken, shorter_ones(&samples[i]), "sample %zu: %zu", i, taken);
	}
}

Test(sync_record, one_byte_more_is_refused)
{
	for (size_t i = 0; i < SAMPLES; i++) {
		uint8_t bytes[513] = {0};
		size_t len = sample_bytes(&samples[i], bytes);

		if (samples[i].type == SYNC_BLOCK)
			continue; /* then it is one byte of content more */
		cr_assert_not(decode(samples[i].type, bytes, len + 1), "sample %zu", i);
	}
}

Test(sync_record, encoders_need_their_room)
{
	for (size_t i = 0; i < SAMPLES; i++) {
		uint8_t bytes[512];
		size_t len = sample_bytes(&samples[i], bytes);

		for (size_t cap = 0; cap < len; cap++) {
			uint8_t *out = malloc(cap ? cap : 1);

			cr_assert_eq(encode(out, cap, &samples[i]), 0, "sample %zu", i);
			free(out);
		}
	}
}

/* decode() says what has to hold: nothing beyond the buffer is read, and what is taken has one encoding. */
Test(sync_record, changed_bytes_are_refused_or_mean_what_they_say)
{
	unsigned taken = 0, refused = 0;
	uint64_t state = 1;

	for (unsigned round = 0; round < 60000; round++) {
		const struct record *r = &samples[round % SAMPLES];
		uint8_t bytes[512];
		size_t len = sample_bytes(r, bytes);

		for (unsigned n = 0; n <= round / SAMPLES % 3; n++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			bytes[(state >> 40) % len] = state >> 32 & 1 ? (uint8_t)(state >> 56)
								     : (uint8_t)(state >> 60 & 3);
		}
		if (decode(r->type, bytes, len))
			taken++;
		else
			refused++;
	}
	cr_assert_gt(taken, 10000);
	cr_assert_gt(refused, 10000);
}

/* ---- the layouts, and the way back ---- */

Test(sync_record, spec_6_1_head)
{
	struct sync_head out;
	uint8_t bytes[512];

	cr_assert_eq(sync_encode_head(bytes, sizeof(bytes), head), 99 + 2 * 16);
	cr_assert_arr_eq(bytes, "\x01\x00\x01\x10\x11", 5);
	cr_assert_arr_eq(bytes + 34, "\x1f\x20\x21", 3);
	cr_assert_arr_eq(bytes + 50,
			 "\x2f"
			 "12345678"
			 "ABCDEFGH"
			 "\x70\x71",
			 19);
	cr_assert_arr_eq(bytes + 98,
			 "\x7f"
			 "\0\0\0\0\0\0\1\1\0\0\0\0\0\0\2\2"
			 "!\"#$%&'(12345678",
			 33);
	cr_assert(sync_decode_head(bytes, 131, &out));
	cr_assert(out.whole && !out.holds && out.clean);
	cr_assert_arr_eq(out.key, head->key, sizeof(out.key));
	cr_assert_arr_eq(out.roots, head->roots, sizeof(out.roots));
	cr_assert_eq(out.entries, head->entries);
	cr_assert_eq(out.bytes, head->bytes);
	cr_assert_eq(out.lineage.n, 2);
	cr_assert(memcmp(&out.lineage, &head->lineage, sizeof(out.lineage)) == 0,
		  "and no point behind");
}

Test(sync_record, spec_6_1_head_without_a_generation_and_with_all_there_is_room_for)
{
	struct sync_head in = {.lineage = {.n = 0}}, out;
	uint8_t bytes[512];

	cr_assert_eq(sync_encode_head(bytes, sizeof(bytes), &in), 99);
	cr_assert(sync_decode_head(bytes, 99, &out));
	cr_assert_eq(out.lineage.n, 0);
	for (uint64_t term = 1; term <= LINEAGE_MAX; term++)
		lineage_extend(&in.lineage, term, head->lineage.digest);
	cr_assert_eq(sync_encode_head(bytes, sizeof(bytes), &in), 99 + 16 * 16);
	cr_assert(sync_decode_head(bytes, 99 + 16 * 16, &out));
	cr_assert_eq(out.lineage.n, LINEAGE_MAX);
	cr_assert_eq(out.lineage.point[15].number, 16);
	memset(bytes + 99 + 16 * 16, 0x7f, 16);
	cr_assert_not(sync_decode_head(bytes, 99 + 17 * 16, &out), "one point too many");
}

Test(sync_record, spec_6_1_pull_begin_end)
{
	struct sync_pull pull;
	struct sync_begin begin;
	struct sync_end end;
	uint8_t bytes[512];

	sample_bytes(sample(SYNC_PULL), bytes);
	cr_assert_arr_eq(bytes, "\1\2\3\4\5\6\7\10", 8);
	cr_assert(sync_decode_pull(bytes, 8, &pull));
	cr_assert_eq(pull.since, 0x0102030405060708);

	sample_bytes(sample(SYNC_BEGIN), bytes);
	cr_assert_arr_eq(bytes, "\0\1\2\3\4\5\6\7\10", 9);
	cr_assert(sync_decode_begin(bytes, 9, &begin));
	cr_assert(!begin.full && begin.since == 0x0102030405060708);

	sample_bytes(sample(SYNC_END), bytes);
	cr_assert_arr_eq(bytes, "\1\2\3\4\5\6\7\10\x11\x12\x13\x14\x15\x16\x17\x18\x20\x21", 18);
	cr_assert_eq(bytes[47], 0x2f);
	cr_assert(sync_decode_end(bytes, 48, &end));
	cr_assert_eq(end.head.term, 0x0102030405060708);
	cr_assert_eq(end.head.number, 0x1112131415161718);
	cr_assert_arr_eq(end.digest, sample(SYNC_END)->end.digest, sizeof(end.digest));
}

Test(sync_record, a_full_begin_has_no_since)
{
	struct sync_begin in = {.full = true, .since = 7}, out = {.since = 9};
	uint8_t bytes[9];

	cr_assert_eq(sync_encode_begin(bytes, sizeof(bytes), &in), 9);
	cr_assert_arr_eq(bytes, "\1\0\0\0\0\0\0\0\0", 9);
	cr_assert(sync_decode_begin(bytes, sizeof(bytes), &out));
	cr_assert(out.full && out.since == 0);
}

Test(sync_record, spec_6_1_entry_of_a_file)
{
	uint8_t bytes[512];
	struct sync_entry out;
	size_t len = sync_encode_entry(bytes, sizeof(bytes), file);

	cr_assert_eq(len, 50 + 18 + 20);
	cr_assert_arr_eq(bytes, "\x01\x0f\x09\xed\x11\x12\x13\x14\x21\x22\x23\x24", 12);
	cr_assert_arr_eq(bytes + 12, "\xce\xcd\xcc\xcb\xca\xc9\xc8\xc8", 8, "two's complement");
	cr_assert_arr_eq(bytes + 20, "ABCDEFGH\x50\x51", 10);
	cr_assert_arr_eq(bytes + 43, "\x5f\x00\x12\x00\x00\x00\x14", 7);
	cr_assert_arr_eq(bytes + 50, "etc/appliance.conf\x06user.a\x00\x02xy\x06user.b\0", 38);
	cr_assert(sync_decode_entry(bytes, len, &out));
	cr_assert_eq(out.type, SYNC_FILE);
	cr_assert_eq(out.root, 15);
	cr_assert_eq(out.mode, 04755);
	cr_assert_eq(out.uid, file->uid);
	cr_assert_eq(out.gid, file->gid);
	cr_assert_eq(out.mtime_ns, file->mtime_ns);
	cr_assert_eq(out.size, file->size);
	cr_assert_arr_eq(out.hash, file->hash, sizeof(out.hash));
	cr_assert_eq(out.path, (const char *)bytes + 50, "in place");
	cr_assert_eq(out.path_len, file->path_len);
	cr_assert_eq(out.xattr, bytes + 68, "in place");
	cr_assert_eq(out.xattr_len, file->xattr_len);
	cr_assert_eq(out.target_len, 0);
}

Test(sync_record, spec_6_1_entry_of_a_symlink)
{
	uint8_t bytes[512];
	struct sync_entry out;
	size_t len = sync_encode_entry(bytes, sizeof(bytes), link_entry);

	cr_assert_eq(len, 50 + 18 + 12);
	cr_assert(sync_decode_entry(bytes, len, &out));
	cr_assert_eq(out.type, SYNC_SYMLINK);
	cr_assert_eq(out.target, (const char *)bytes + 68, "in place");
	cr_assert_eq(out.target_len, 12);
	cr_assert_arr_eq(out.target, target, 12);
	cr_assert_eq(out.xattr_len, 0);
}

Test(sync_record, spec_6_1_want)
{
	uint8_t bytes[512];
	struct sync_want out;
	size_t len = sample_bytes(sample(SYNC_WANT), bytes);

	cr_assert_eq(len, 23 + 18 + 32);
	cr_assert_arr_eq(bytes, "\1\2\3\4\7\x10\x11", 7);
	cr_assert_arr_eq(bytes + 20, "\x1f\0\022etc/appliance.conf\xd0", 22);
	cr_assert(sync_decode_want(bytes, len, &out));
	cr_assert_eq(out.ticket, 0x01020304);
	cr_assert_eq(out.root, 7);
	cr_assert_arr_eq(out.hash, sample(SYNC_WANT)->want.hash, sizeof(out.hash));
	cr_assert_eq(out.path, (const char *)bytes + 23, "in place");
	cr_assert_eq(out.path_len, 18);
	cr_assert_eq(out.tags, bytes + 41, "in place");
	cr_assert_eq(out.tags_n, 2);
	cr_assert_arr_eq(out.tags, tags, sizeof(tags));
}

Test(sync_record, spec_6_1_block_done)
{
	struct sync_block block;
	struct sync_done done;
	uint8_t bytes[512];
	size_t len = sample_bytes(sample(SYNC_BLOCK), bytes);

	cr_assert_eq(len, 12 + 12);
	cr_assert_arr_eq(bytes, "\1\2\3\4\x11\x12\x13\x14\x15\x16\0\0some content", 24);
	cr_assert(sync_decode_block(bytes, len, &block));
	cr_assert_eq(block.ticket, 0x01020304);
	cr_assert_eq(block.offset, 0x1112131415160000);
	cr_assert_eq(block.data, bytes + 12, "in place");
	cr_assert_eq(block.len, 12);

	cr_assert_eq(sample_bytes(sample(SYNC_DONE), bytes), 5);
	cr_assert_arr_eq(bytes, "\1\2\3\4\1", 5);
	cr_assert(sync_decode_done(bytes, 5, &done));
	cr_assert(done.ticket == 0x01020304 && done.failed);
}

Test(sync_record, spec_6_1_status)
{
	const struct sync_status *in = &sample(SYNC_STATUS)->status;
	struct sync_status out;
	uint8_t bytes[512];

	cr_assert_eq(sample_bytes(sample(SYNC_STATUS), bytes), 193);
	cr_assert_arr_eq(
		bytes, "\4\1\2\3\4\5\6\7\10\x11\x12\x13\x14\x15\x16\x17\x18!\"#$%&'(12345678", 33);
	cr_assert_arr_eq(bytes + 33, "voll: w\xc3\xa4", 9);
	cr_assert(sync_decode_status(bytes, 193, &out));
	cr_assert_eq(out.phase, SYNC_PHASE_ERROR);
	cr_assert_eq(out.files, in->files);
	cr_assert_eq(out.files_total, in->files_total);
	cr_assert_eq(out.bytes, in->bytes);
	cr_assert_eq(out.bytes_total, in->bytes_total);
	cr_assert_str_eq(out.reason, in->reason);
}

/* ---- ranges ---- */

Test(sync_record, spec_6_R10_a_flag_is_0_or_1)
{
	static const struct {
		enum sync_record_type type;
		size_t offset;
	} flags[] = {{SYNC_HEAD, 0}, {SYNC_HEAD, 1}, {SYNC_HEAD, 2}, {SYNC_DONE, 4}};

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		for (unsigned value = 0; value <= UINT8_MAX; value++)
			cr_assert_eq(patched_byte(flags[i].type, flags[i].offset, value),
				     value <= 1, "type %d, value %u", flags[i].type, value);
	for (unsigned value = 0; value <= UINT8_MAX; value++) {
		uint8_t begin[9] = {(uint8_t)value};

		cr_assert_eq(patched(SYNC_BEGIN, 0, begin, sizeof(begin)), value <= 1);
	}
	cr_assert_not(patched_byte(SYNC_BEGIN, 0, 1), "full, since a generation");
}

Test(sync_record, spec_6_R2_counts_are_below_2_to_the_63)
{
	static const struct {
		enum sync_record_type type;
		size_t offset;
	} counts[] = {{SYNC_HEAD, 51},   {SYNC_HEAD, 59},  {SYNC_PULL, 0},   {SYNC_BEGIN, 1},
		      {SYNC_ENTRY, 20},  {SYNC_BLOCK, 4},  {SYNC_STATUS, 1}, {SYNC_STATUS, 9},
		      {SYNC_STATUS, 17}, {SYNC_STATUS, 25}};

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		cr_assert(patched_byte(counts[i].type, counts[i].offset, 0x7f), "%zu", i);
		cr_assert_not(patched_byte(counts[i].type, counts[i].offset, 0x80), "%zu", i);
	}
}

Test(sync_record, spec_6_R18_terms_and_numbers_that_are_heard_have_a_next_one)
{
	static const struct {
		enum sync_record_type type;
		size_t offset;
	} fields[] = {{SYNC_HEAD, 115}, {SYNC_HEAD, 123}, {SYNC_END, 0}, {SYNC_END, 8}};
	struct sync_end own = {.head = {.term = MSG_TERM_KEPT_MAX, .number = MSG_TERM_KEPT_MAX}},
			out;
	uint8_t bytes[48];

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		cr_assert(patched_byte(fields[i].type, fields[i].offset, 0x3f), "%zu", i);
		cr_assert_not(patched_byte(fields[i].type, fields[i].offset, 0x40), "%zu", i);
	}
	cr_assert_eq(sync_encode_end(bytes, sizeof(bytes), &own), sizeof(bytes));
	cr_assert_not(sync_decode_end(bytes, sizeof(bytes), &out),
		      "which it may have, but not tell");
}

Test(sync_record, spec_6_R11_head_has_a_lineage_that_may_be)
{
	static const uint8_t points[][32] = {
		{[7] = 1, [15] = 1, [23] = 2, [31] = 2}, /* the only good one */
		{[7] = 1, [15] = 0, [23] = 2, [31] = 2}, /* number 0 */
		{[7] = 2, [15] = 1, [23] = 2, [31] = 2}, /* terms do not rise */
		{[7] = 1, [15] = 2, [23] = 2, [31] = 2}, /* numbers do not */
	};
	struct sync_head in = {.lineage = {.n = 0, .digest = {1}}};
	uint8_t bytes[512] = {[67] = 1};

	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++)
		cr_assert_eq(patched(SYNC_HEAD, 99, points[i], sizeof(points[i])), i == 0, "%zu",
			     i);
	cr_assert_not(decode(SYNC_HEAD, bytes, 99), "a digest without a generation");
	cr_assert_eq(sync_encode_head(bytes, sizeof(bytes), &in), 0);
	in = *head;
	in.lineage.point[1] = in.lineage.point[0];
	cr_assert_eq(sync_encode_head(bytes, sizeof(bytes), &in), 0);
}

Test(sync_record, spec_6_R18_end_has_a_generation)
{
	static const uint8_t zero[8];
	const struct sync_end in = {.head = {.term = 1, .number = 0}};
	uint8_t bytes[48];

	cr_assert_not(patched(SYNC_END, 8, zero, sizeof(zero)));
	cr_assert(patched(SYNC_END, 0, zero, sizeof(zero)), "term 0 is one");
	cr_assert_eq(sync_encode_end(bytes, sizeof(bytes), &in), 0);
}

/* ---- names ---- */

Test(sync_record, spec_6_R12_paths)
{
	static const struct {
		const char *path;
		size_t len;
		bool valid;
	} rows[] = {
		{"", 0, true},           {"a", 1, true},
		{"a/b", 3, true},        {"a b\n\xff\x01", 6, true},
		{".a", 2, true},         {"..a", 3, true},
		{"...", 3, true},        {"a./b.", 5, true},
		{"a/", 2, false},        {"/", 1, false},
		{"/a", 2, false},        {"a//b", 4, false},
		{".", 1, false},         {"..", 2, false},
		{"./a", 3, false},       {"../a", 4, false},
		{"a/.", 3, false},       {"a/..", 4, false},
		{"a/./b", 5, false},     {"a/../b", 6, false},
		{"a/b/../..", 9, false}, {"a\0b", 3, false},
		{"\0", 1, false},        {"a/\0/b", 5, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		/* not terminated: a byte read too far is caught */
		char *copy = malloc(rows[i].len ? rows[i].len : 1);

		memcpy(copy, rows[i].path, rows[i].len);
		cr_assert_eq(sync_path_valid(copy, rows[i].len), rows[i].valid, "row %zu: %s", i,
			     rows[i].path);
		free(copy);
	}
	cr_assert(sync_path_valid(NULL, 0));
}

Test(sync_record, spec_6_R12_how_long_a_path_may_be)
{
	char deep[5000], wide[300];

	memset(wide, 'x', sizeof(wide));
	cr_assert(sync_path_valid(wide, 255));
	cr_assert_not(sync_path_valid(wide, 256));
	wide[255] = '/';
	cr_assert(sync_path_valid(wide, 300));
	for (size_t i = 0; i < sizeof(deep); i++)
		deep[i] = i % 2 ? '/' : 'x';
	cr_assert(sync_path_valid(deep, 4095));
	cr_assert_not(sync_path_valid(deep, 4097));
}

/* The bytes of an entry, whatever it says. */
static size_t raw_entry(uint8_t *out, size_t cap, const struct sync_entry *e)
{
	struct cursor_writer w;

	cursor_write(&w, out, cap);
	cursor_put_u8(&w, e->type);
	cursor_put_u8(&w, e->root);
	cursor_put_u16(&w, e->mode);
	cursor_put_u32(&w, e->uid);
	cursor_put_u32(&w, e->gid);
	cursor_put_u64(&w, (uint64_t)e->mtime_ns);
	cursor_put_u64(&w, e->size);
	cursor_put_bytes(&w, e->hash, sizeof(e->hash));
	cursor_put_u16(&w, e->path_len);
	cursor_put_u32(&w, e->xattr_len);
	cursor_put_bytes(&w, e->path, e->path_len);
	cursor_put_bytes(&w, e->xattr, e->xattr_len);
	cursor_put_bytes(&w, e->target, e->target_len);
	return cursor_written(&w);
}

/* Both directions say the same of it. */
static bool entry_good(const struct sync_entry *e)
{
	static uint8_t raw[128 * 1024], encoded[sizeof(raw)];
	size_t len = raw_entry(raw, sizeof(raw), e);
	bool taken = decode(SYNC_ENTRY, raw, len);

	cr_assert_gt(len, 0);
	cr_assert_eq(sync_encode_entry(encoded, sizeof(encoded), e), taken ? len : 0);
	return taken;
}

static const struct sync_entry plain[SYNC_ENTRY_TYPE_N] = {
	[SYNC_GONE] = {.type = SYNC_GONE, .path = "a", .path_len = 1},
	[SYNC_FILE] = {.type = SYNC_FILE, .path = "a", .path_len = 1},
	[SYNC_DIRECTORY] = {.type = SYNC_DIRECTORY, .path = "a", .path_len = 1},
	[SYNC_SYMLINK] =
		{.type = SYNC_SYMLINK, .path = "a", .path_len = 1, .target = "b", .target_len = 1},
};

Test(sync_record, spec_6_R14_what_an_entry_of_each_type_has)
{
	static const struct {
		const char *what;
		struct sync_entry with;       /* its fields that are not zero */
		bool good[SYNC_ENTRY_TYPE_N]; /* gone, file, directory, symlink */
	} rows[] = {
		{"nothing but its name", {0}, {true, true, true, true}},
		{"another root", {.root = 15}, {true, true, true, true}},
		{"a mode", {.mode = 1}, {false, true, true, false}},
		{"an owner", {.uid = 1}, {false, true, true, true}},
		{"a group", {.gid = 1}, {false, true, true, true}},
		{"a time", {.mtime_ns = -1}, {false, true, true, true}},
		{"a size", {.size = 1}, {false, true, false, false}},
		{"a hash", {.hash = {[15] = 1}}, {false, true, false, false}},
		{"attributes",
		 {.xattr = two_attributes, .xattr_len = sizeof(two_attributes) - 1},
		 {false, true, true, false}},
		{"a target", {.target = "t", .target_len = 1}, {false, false, false, true}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (uint8_t type = 0; type < SYNC_ENTRY_TYPE_N; type++) {
			struct sync_entry e = rows[i].with;

			e.type = type;
			e.path = plain[type].path;
			e.path_len = plain[type].path_len;
			if (e.target_len == 0) {
				e.target = plain[type].target;
				e.target_len = plain[type].target_len;
			}
			cr_assert_eq(entry_good(&e), rows[i].good[type], "type %d with %s", type,
				     rows[i].what);
		}
	}
}

Test(sync_record, spec_6_R14_a_symlink_has_a_target)
{
	static char longest[SYNC_TARGET_MAX + 1];
	struct sync_entry e = plain[SYNC_SYMLINK];

	e.target_len = 0;
	cr_assert_not(entry_good(&e));
	memset(longest, '/', sizeof(longest));
	e.target = longest;
	e.target_len = SYNC_TARGET_MAX;
	cr_assert(entry_good(&e), "any bytes but NUL");
	e.target_len++;
	cr_assert_not(entry_good(&e));
	e.target = "a\0b";
	e.target_len = 3;
	cr_assert_not(entry_good(&e));
}

Test(sync_record, spec_6_R14_a_target_of_2_to_the_16_and_1_is_not_one_of_1)
{
	static uint8_t bytes[1024 + 65536];
	size_t len = encode(bytes, sizeof(bytes),
			    &(struct record){SYNC_ENTRY, .entry = plain[SYNC_SYMLINK]});

	memset(bytes + len, 'x', 65536);
	cr_assert(decode(SYNC_ENTRY, bytes, len));
	cr_assert_not(decode(SYNC_ENTRY, bytes, len + 65536));
}

Test(sync_record, spec_6_R14_only_a_directory_can_be_the_root_itself)
{
	for (uint8_t type = 0; type < SYNC_ENTRY_TYPE_N; type++) {
		struct sync_entry e = plain[type];

		e.path_len = 0;
		cr_assert_eq(entry_good(&e), type == SYNC_DIRECTORY, "type %d", type);
		e.path = "a/../b";
		e.path_len = 6;
		cr_assert_not(entry_good(&e), "6.R12 holds for type %d", type);
	}
}

Test(sync_record, spec_6_R14_entry_values_out_of_range)
{
	static const struct {
		const char *what;
		struct sync_entry entry;
		bool good;
	} rows[] = {
		{"type 4", {.type = 4, .path = "a", .path_len = 1}, false},
		{"type 255", {.type = 255, .path = "a", .path_len = 1}, false},
		{"root 16", {.type = SYNC_FILE, .root = 16, .path = "a", .path_len = 1}, false},
		{"mode 07777", {.type = SYNC_DIRECTORY, .mode = 07777}, true},
		{"mode 010000", {.type = SYNC_DIRECTORY, .mode = 010000}, false},
		{"the last user", {.type = SYNC_DIRECTORY, .uid = UINT32_MAX - 1}, true},
		{"no user", {.type = SYNC_DIRECTORY, .uid = UINT32_MAX}, false},
		{"the last group", {.type = SYNC_DIRECTORY, .gid = UINT32_MAX - 1}, true},
		{"no group", {.type = SYNC_DIRECTORY, .gid = UINT32_MAX}, false},
		{"the first time", {.type = SYNC_DIRECTORY, .mtime_ns = INT64_MIN}, true},
		{"the last time", {.type = SYNC_DIRECTORY, .mtime_ns = INT64_MAX}, true},
		{"the largest file",
		 {.type = SYNC_FILE, .size = SYNC_COUNT_MAX, .path = "a", .path_len = 1},
		 true},
		{"a larger one",
		 {.type = SYNC_FILE, .size = SYNC_COUNT_MAX + 1, .path = "a", .path_len = 1},
		 false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_assert_eq(entry_good(&rows[i].entry), rows[i].good, "%s", rows[i].what);
}

static bool attributes_good(const char *xattr, size_t len)
{
	struct sync_entry e = plain[SYNC_FILE];

	e.xattr = (const uint8_t *)xattr;
	e.xattr_len = (uint32_t)len;
	return entry_good(&e);
}

Test(sync_record, spec_6_R13_attributes)
{
	static const struct {
		const char *what, *xattr;
		size_t len;
		bool good;
	} rows[] = {
		{"none", "", 0, true},
		{"one", "\1a\0\1x", 5, true},
		{"an empty value", "\1a\0\0", 4, true},
		{"a value of any bytes", "\1a\0\2\0\xff", 6, true},
		{"names that rise", "\1a\0\0\1b\0\0", 8, true},
		{"a name that begins another", "\1a\0\0\2ab\0\0", 9, true},
		{"bytes are unsigned", "\1a\0\0\1\xff\0\0", 8, true},
		{"the same name twice", "\1a\0\0\1a\0\0", 8, false},
		{"names that fall", "\1b\0\0\1a\0\0", 8, false},
		{"a name behind one that it begins", "\2ab\0\0\1a\0\0", 9, false},
		{"no name", "\0\0\0", 3, false},
		{"a name with a NUL", "\3a\0b\0\0", 6, false},
		{"a name that is cut", "\3ab", 3, false},
		{"a value without a length", "\1a", 2, false},
		{"half a length", "\1a\0", 3, false},
		{"a value that is cut", "\1a\0\2x", 5, false},
		{"one byte more", "\1a\0\0\1", 5, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_assert_eq(attributes_good(rows[i].xattr, rows[i].len), rows[i].good, "%s",
			     rows[i].what);
}

Test(sync_record, spec_6_R13_how_many_bytes_of_attributes)
{
	static char xattr[SYNC_XATTR_MAX + 1] = "\1a\xff\xfb"; /* 4 + 0xfffb bytes, and then: */

	memcpy(xattr + 0xffff, "\1b", 2);
	cr_assert(attributes_good(xattr, 0xffff));
	memcpy(xattr, "\1a\xff\xf8", 4); /* 4 + 0xfff8 + 4 bytes */
	memcpy(xattr + 0xfffc, "\1b\0\0", 4);
	cr_assert(attributes_good(xattr, SYNC_XATTR_MAX));
	memcpy(xattr, "\1a\xff\xf9", 4);
	memcpy(xattr + 0xfffd, "\1b\0\0", 4);
	cr_assert_not(attributes_good(xattr, SYNC_XATTR_MAX + 1));
}

/* ---- content ---- */

Test(sync_record, spec_6_R15_want_names_a_file)
{
	struct sync_want in = {.path = "a", .path_len = 1, .root = 15};
	uint8_t bytes[64];

	cr_assert_eq(sync_encode_want(bytes, sizeof(bytes), &in), 24);
	cr_assert(decode(SYNC_WANT, bytes, 24), "without tags");
	bytes[4] = 16;
	cr_assert_not(decode(SYNC_WANT, bytes, 24), "no such root");
	bytes[4] = 0;
	bytes[22] = 0;
	cr_assert_not(decode(SYNC_WANT, bytes, 23), "no name");
	bytes[22] = 2;
	memcpy(bytes + 23, "..", 2);
	cr_assert_not(decode(SYNC_WANT, bytes, 25));
	in.root = 16;
	cr_assert_eq(sync_encode_want(bytes, sizeof(bytes), &in), 0);
	in = (struct sync_want){.path = "a/", .path_len = 2};
	cr_assert_eq(sync_encode_want(bytes, sizeof(bytes), &in), 0);
	in.path_len = 0;
	cr_assert_eq(sync_encode_want(bytes, sizeof(bytes), &in), 0);
}

Test(sync_record, the_largest_record_is_a_want_with_all_its_tags)
{
	static uint8_t every_tag[SYNC_TAGS_MAX + 1][SYNC_HASH_LEN], longer[SYNC_RECORD_MAX + 64];
	static char deep[SYNC_PATH_MAX];
	struct sync_want in = {.path = deep,
			       .path_len = sizeof(deep),
			       .tags = every_tag[0],
			       .tags_n = SYNC_TAGS_MAX};
	size_t len;

	for (size_t i = 0; i < sizeof(deep); i++)
		deep[i] = i % 2 ? '/' : 'x';
	len = sync_encode_want(room[0], sizeof(room[0]), &in);
	cr_assert_eq(len, 23 + 4095 + 1048576);
	cr_assert(decode(SYNC_WANT, room[0], len));
	memcpy(longer, room[0], len);
	cr_assert_not(decode(SYNC_WANT, longer, len + SYNC_HASH_LEN), "one tag more");
	in.tags_n++;
	cr_assert_eq(sync_encode_want(longer, sizeof(longer), &in), 0);
}

Test(sync_record, spec_6_R16_a_block_is_where_a_block_can_be)
{
	static const struct {
		uint64_t offset;
		uint32_t len;
		bool good;
	} rows[] = {
		{0, 1, true},
		{0, 65536, true},
		{65536, 65536, true},
		{UINT64_C(1) << 40, 7, true},
		{0, 0, false},
		{0, 65537, false},
		{1, 1, false},
		{65535, 1, false},
		{SYNC_COUNT_MAX - 65535, 65535, true}, /* a multiple of 65536 */
		{SYNC_COUNT_MAX - 65535, 65536, false},
		{SYNC_COUNT_MAX + 1, 1, false},
	};
	static uint8_t bytes[12 + 65537];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct sync_block in = {
			.ticket = 1, .offset = rows[i].offset, .len = rows[i].len};
		struct cursor_writer w;

		cr_assert_eq(sync_encode_block(bytes, sizeof(bytes), &in), rows[i].good ? 12 : 0,
			     "row %zu", i);
		cursor_write(&w, bytes, sizeof(bytes));
		cursor_put_u32(&w, in.ticket);
		cursor_put_u64(&w, in.offset);
		cr_assert_eq(decode(SYNC_BLOCK, bytes, 12 + in.len), rows[i].good, "row %zu", i);
	}
}

Test(sync_record, spec_6_R17_an_error_and_nothing_else_has_a_reason)
{
	for (unsigned phase = 0; phase <= UINT8_MAX; phase++) {
		struct sync_status in = {.phase = (uint8_t)phase};
		uint8_t bytes[193] = {(uint8_t)phase};
		bool without = phase < SYNC_PHASE_ERROR, with = phase == SYNC_PHASE_ERROR;

		cr_assert_eq(sync_encode_status(bytes, sizeof(bytes), &in), without ? 193 : 0);
		cr_assert_eq(decode(SYNC_STATUS, bytes, sizeof(bytes)), without, "phase %u", phase);
		in.reason[0] = 'x';
		cr_assert_eq(sync_encode_status(bytes, sizeof(bytes), &in), with ? 193 : 0);
		bytes[33] = 'x';
		cr_assert_eq(decode(SYNC_STATUS, bytes, sizeof(bytes)), with, "phase %u", phase);
	}
}

Test(sync_record, spec_3_R3_the_reason_is_text)
{
	static const char *const bad[] = {"a\nb", "\x1b[2J", "\xc2\x9b",
					  "\xff", "w\xc3",   "\xc0\x80"};
	struct sync_status in = sample(SYNC_STATUS)->status;
	uint8_t bytes[193];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint8_t field[SYNC_REASON_MAX] = {0};

		memcpy(field, bad[i], strlen(bad[i]));
		cr_assert_not(patched(SYNC_STATUS, 33, field, sizeof(field)), "%zu", i);
		snprintf(in.reason, sizeof(in.reason), "%s", bad[i]);
		cr_assert_eq(sync_encode_status(bytes, sizeof(bytes), &in), 0, "%zu", i);
	}
	cr_assert_not(patched_byte(SYNC_STATUS, 192, 'x'), "something behind its end");
	memset(in.reason, 'x', sizeof(in.reason));
	cr_assert_eq(sync_encode_status(bytes, sizeof(bytes), &in), 0, "no end");
	in.reason[SYNC_REASON_MAX] = '\0';
	cr_assert_eq(sync_encode_status(bytes, sizeof(bytes), &in), 193, "it may fill its field");
	cr_assert(decode(SYNC_STATUS, bytes, sizeof(bytes)));
}

Test(sync_record, counts_that_are_too_large_are_not_encoded)
{
	const uint64_t over = SYNC_COUNT_MAX + 1;
	const struct record rows[] = {
		{SYNC_HEAD, .head = {.entries = over}},
		{SYNC_HEAD, .head = {.bytes = over}},
		{SYNC_PULL, .pull = {.since = over}},
		{SYNC_BEGIN, .begin = {.since = over}},
		{SYNC_END, .end = {.head = {1, over}}},
		{SYNC_END, .end = {.head = {over, 1}}},
		{SYNC_STATUS, .status = {.files = over}},
		{SYNC_STATUS, .status = {.files_total = over}},
		{SYNC_STATUS, .status = {.bytes = over}},
		{SYNC_STATUS, .status = {.bytes_total = over}},
	};
	uint8_t bytes[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_assert_eq(encode(bytes, sizeof(bytes), &rows[i]), 0, "row %zu", i);
}
