/* record - the records of the sync's stream: what the other syncer says once its frames are open.
 *
 *   header of a record, and its body: to the end of the input, or as long as the header says
 *
 * What decodes can be encoded, and its bytes are those that it came as: there is one encoding of everything.
 */
#include "tests/fuzz/fuzz.h"

#include "proto/sync_msg.h"

static uint8_t again[SYNC_RECORD_HEADER_LEN + SYNC_RECORD_MAX];

/* behind: what the encoder leaves to its caller. */
#define ONE_ENCODING(type, name, behind)                                                           \
	do {                                                                                       \
		struct sync_##type m;                                                              \
		size_t n;                                                                          \
                                                                                                   \
		if (!sync_decode_##name(body, len, &m))                                            \
			return;                                                                    \
		n = sync_encode_##name(again, sizeof(again), &m);                                  \
		FUZZ_CHECK(n == len - (behind));                                                   \
		FUZZ_CHECK(memcmp(again, body, n) == 0);                                           \
		FUZZ_CHECK(sync_encode_##name(again, n - 1, &m) == 0);                             \
	} while (0)

static void entry(const uint8_t *body, size_t len)
{
	struct sync_entry e;

	if (!sync_decode_entry(body, len, &e))
		return;
	FUZZ_CHECK(e.path_len <= SYNC_PATH_MAX && sync_path_valid(e.path, e.path_len));
	FUZZ_CHECK(e.path_len == 0 || (e.path[0] != '/' && e.path[e.path_len - 1] != '/'));
	FUZZ_CHECK(memmem(e.path, e.path_len, "/../", 4) == NULL);
	FUZZ_CHECK(e.xattr_len <= SYNC_XATTR_MAX && e.target_len <= SYNC_TARGET_MAX);
	ONE_ENCODING(entry, entry, 0);
}

static void block(const uint8_t *body, size_t len)
{
	struct sync_block b;

	if (!sync_decode_block(body, len, &b))
		return;
	FUZZ_CHECK(b.len >= 1 && b.len <= SYNC_BLOCK_LEN && b.data + b.len == body + len);
	ONE_ENCODING(block, block, b.len);
}

static void decode(enum sync_record_type type, const uint8_t *body, size_t len)
{
	switch (type) {
	case SYNC_HEAD:
		ONE_ENCODING(head, head, 0);
		break;
	case SYNC_PULL:
		ONE_ENCODING(pull, pull, 0);
		break;
	case SYNC_BEGIN:
		ONE_ENCODING(begin, begin, 0);
		break;
	case SYNC_ENTRY:
		entry(body, len);
		break;
	case SYNC_END:
		ONE_ENCODING(end, end, 0);
		break;
	case SYNC_WANT:
		ONE_ENCODING(want, want, 0);
		break;
	case SYNC_BLOCK:
		block(body, len);
		break;
	case SYNC_DONE:
		ONE_ENCODING(done, done, 0);
		break;
	case SYNC_STATUS:
		ONE_ENCODING(status, status, 0);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len)
{
	struct script s = {data, data_len};
	uint8_t header[SYNC_RECORD_HEADER_LEN], same[SYNC_RECORD_HEADER_LEN];
	enum sync_record_type type;
	uint32_t said;
	size_t len;
	uint8_t *body;

	script_bytes(&s, header, sizeof(header));
	if (sync_decode_record(header, &type, &said)) {
		sync_encode_record(same, type, said);
		FUZZ_CHECK(memcmp(header, same, sizeof(same)) == 0);
		FUZZ_CHECK(said <= SYNC_RECORD_MAX);
	}
	/* The decoders judge the length themselves, whatever the header says. */
	body = script_copy(&s, SYNC_RECORD_MAX + 1, &len);
	decode(header[0] % SYNC_RECORD_N, body, len);
	free(body);
	return 0;
}
