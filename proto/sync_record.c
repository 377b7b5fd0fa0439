/* The records of the sync's stream (SPEC 6.1): what is in its frames, once they are opened and put in order.
 *
 * Both ways go through one check of what the fields say: so what is encoded can be decoded. Where a body ends in a part of
 * variable length, that part takes what is left of the record: no length is stated that could be computed.
 */
#include "proto/cursor.h"
#include "proto/msg_text.h"
#include "proto/sync_msg.h"

#include <assert.h>
#include <string.h>

enum {
	POINT_LEN = 8 + 8,
	HEAD_LEN = 3 + HA_KEY_LEN + SYNC_HASH_LEN + 8 + 8 + HA_KEY_LEN, /* and points */
	PULL_LEN = 8,
	BEGIN_LEN = 1 + 8,
	ENTRY_LEN = 1 + 1 + 2 + 4 + 4 + 8 + 8 + SYNC_HASH_LEN + 2 + 4, /* path, xattr, target */
	END_LEN = POINT_LEN + HA_KEY_LEN,
	WANT_LEN = 4 + 1 + SYNC_HASH_LEN + 2, /* and path, tags */
	BLOCK_LEN = 4 + 8,                    /* and data */
	DONE_LEN = 4 + 1,
	STATUS_LEN = 1 + 4 * 8 + SYNC_REASON_MAX,
	MODE_ALL = 07777,
};

/* ---- headers ---- */

static bool length_possible(unsigned type, uint32_t len)
{
	/* A symlink has no attributes, and nothing else a target: no entry has both. */
	static const struct {
		uint32_t least, most;
	} lengths[SYNC_RECORD_N] = {
		[SYNC_HEAD] = {HEAD_LEN, HEAD_LEN + LINEAGE_MAX * POINT_LEN},
		[SYNC_PULL] = {PULL_LEN, PULL_LEN},
		[SYNC_BEGIN] = {BEGIN_LEN, BEGIN_LEN},
		[SYNC_ENTRY] = {ENTRY_LEN, ENTRY_LEN + SYNC_PATH_MAX + SYNC_XATTR_MAX},
		[SYNC_END] = {END_LEN, END_LEN},
		[SYNC_WANT] = {WANT_LEN + 1,
			       WANT_LEN + SYNC_PATH_MAX + SYNC_TAGS_MAX * SYNC_HASH_LEN},
		[SYNC_BLOCK] = {BLOCK_LEN + 1, BLOCK_LEN + SYNC_BLOCK_LEN},
		[SYNC_DONE] = {DONE_LEN, DONE_LEN},
		[SYNC_STATUS] = {STATUS_LEN, STATUS_LEN},
		[SYNC_COMPARE] = {0, 0},
	};

	if (type < SYNC_HEAD || type >= SYNC_RECORD_N || len < lengths[type].least ||
	    len > lengths[type].most)
		return false;
	return type != SYNC_HEAD || (len - HEAD_LEN) % POINT_LEN == 0;
}

void sync_encode_record(uint8_t out[SYNC_RECORD_HEADER_LEN], enum sync_record_type type,
			uint32_t len)
{
	struct cursor_writer w;

	assert(length_possible(type, len));
	cursor_write(&w, out, SYNC_RECORD_HEADER_LEN);
	cursor_put_u32(&w, (uint32_t)type << 24 | len);
}

bool sync_decode_record(const uint8_t in[SYNC_RECORD_HEADER_LEN], enum sync_record_type *type,
			uint32_t *len)
{
	struct cursor_reader r;
	uint32_t word;

	cursor_read(&r, in, SYNC_RECORD_HEADER_LEN);
	word = cursor_get_u32(&r);
	if (!length_possible(word >> 24, word & 0xffffff))
		return false;
	*type = word >> 24;
	*len = word & 0xffffff;
	return true;
}

/* ---- what bodies are made of ---- */

static bool is_zero(const uint8_t *bytes, size_t len)
{
	while (len > 0 && bytes[len - 1] == 0)
		len--;
	return len == 0;
}

/* SPEC 6.R10: one encoding. False if it is another. */
static bool get_flag(struct cursor_reader *r, bool *flag)
{
	uint8_t value = cursor_get_u8(r);

	*flag = value != 0;
	return value <= 1;
}

/* len bytes in place; to be used only once the whole record has been found to be long enough. */
static const uint8_t *get_view(struct cursor_reader *r, size_t len)
{
	const uint8_t *at = r->next;

	cursor_skip(r, len);
	return at;
}

/* SPEC 6.R12 */
static bool component_valid(const char *name, size_t len)
{
	bool dots = (len == 1 || len == 2) && name[0] == '.' && name[len - 1] == '.';

	return len > 0 && len <= SYNC_NAME_MAX && !dots;
}

bool sync_path_valid(const char *path, size_t len)
{
	size_t from = 0;

	if (len == 0)
		return true;
	if (len > SYNC_PATH_MAX || memchr(path, '\0', len) != NULL)
		return false;
	for (;;) {
		const char *slash = memchr(path + from, '/', len - from);
		size_t to = slash != NULL ? (size_t)(slash - path) : len;

		if (!component_valid(path + from, to - from))
			return false;
		if (slash == NULL)
			return true;
		from = to + 1;
	}
}

/* Does name a come before b? */
static bool name_rises(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order < 0 || (order == 0 && a_len < b_len);
}

/* SPEC 6.R13 */
static bool xattr_valid(const uint8_t *xattr, size_t len)
{
	const uint8_t *previous = NULL;
	size_t previous_len = 0;
	struct cursor_reader r;

	cursor_read(&r, xattr, len);
	while (r.left > 0 && !r.failed) {
		size_t name_len = cursor_get_u8(&r);
		const uint8_t *name = get_view(&r, name_len);

		cursor_skip(&r, cursor_get_u16(&r));
		if (r.failed || name_len == 0 || memchr(name, '\0', name_len) != NULL)
			return false;
		if (previous != NULL && !name_rises(previous, previous_len, name, name_len))
			return false;
		previous = name;
		previous_len = name_len;
	}
	return !r.failed;
}

/* ---- HEAD ---- */

static bool head_valid(const struct sync_head *m)
{
	return m->entries <= SYNC_COUNT_MAX && m->bytes <= SYNC_COUNT_MAX &&
	       lineage_valid(&m->lineage);
}

size_t sync_encode_head(uint8_t *out, size_t cap, const struct sync_head *m)
{
	struct cursor_writer w;

	if (!head_valid(m))
		return 0;
	cursor_write(&w, out, cap);
	cursor_put_u8(&w, m->whole);
	cursor_put_u8(&w, m->holds);
	cursor_put_u8(&w, m->clean);
	cursor_put_bytes(&w, m->key, sizeof(m->key));
	cursor_put_bytes(&w, m->roots, sizeof(m->roots));
	cursor_put_u64(&w, m->entries);
	cursor_put_u64(&w, m->bytes);
	cursor_put_bytes(&w, m->lineage.digest, sizeof(m->lineage.digest));
	for (unsigned i = 0; i < m->lineage.n; i++) {
		cursor_put_u64(&w, m->lineage.point[i].term);
		cursor_put_u64(&w, m->lineage.point[i].number);
	}
	return cursor_written(&w);
}

bool sync_decode_head(const uint8_t *body, size_t len, struct sync_head *out)
{
	struct sync_head m = {0};
	struct cursor_reader r;
	bool valid = true;

	cursor_read(&r, body, len);
	valid &= get_flag(&r, &m.whole);
	valid &= get_flag(&r, &m.holds);
	valid &= get_flag(&r, &m.clean);
	cursor_get_bytes(&r, m.key, sizeof(m.key));
	cursor_get_bytes(&r, m.roots, sizeof(m.roots));
	m.entries = cursor_get_u64(&r);
	m.bytes = cursor_get_u64(&r);
	cursor_get_bytes(&r, m.lineage.digest, sizeof(m.lineage.digest));
	for (; r.left > 0 && !r.failed && m.lineage.n < LINEAGE_MAX; m.lineage.n++) {
		m.lineage.point[m.lineage.n].term = cursor_get_u64(&r);
		m.lineage.point[m.lineage.n].number = cursor_get_u64(&r);
	}
	if (!cursor_finished(&r) || !valid || !head_valid(&m) || !lineage_heard_valid(&m.lineage))
		return false;
	*out = m;
	return true;
}

/* ---- PULL, BEGIN, END ---- */

size_t sync_encode_pull(uint8_t *out, size_t cap, const struct sync_pull *m)
{
	struct cursor_writer w;

	if (m->since > SYNC_COUNT_MAX)
		return 0;
	cursor_write(&w, out, cap);
	cursor_put_u64(&w, m->since);
	return cursor_written(&w);
}

bool sync_decode_pull(const uint8_t *body, size_t len, struct sync_pull *out)
{
	struct cursor_reader r;
	struct sync_pull m;

	cursor_read(&r, body, len);
	m.since = cursor_get_u64(&r);
	if (!cursor_finished(&r) || m.since > SYNC_COUNT_MAX)
		return false;
	*out = m;
	return true;
}

size_t sync_encode_begin(uint8_t *out, size_t cap, const struct sync_begin *m)
{
	uint64_t since = m->full ? 0 : m->since;
	struct cursor_writer w;

	if (since > SYNC_COUNT_MAX)
		return 0;
	cursor_write(&w, out, cap);
	cursor_put_u8(&w, m->full);
	cursor_put_u64(&w, since);
	return cursor_written(&w);
}

bool sync_decode_begin(const uint8_t *body, size_t len, struct sync_begin *out)
{
	struct cursor_reader r;
	struct sync_begin m;
	bool valid;

	cursor_read(&r, body, len);
	valid = get_flag(&r, &m.full);
	m.since = cursor_get_u64(&r);
	if (!cursor_finished(&r) || !valid || m.since > (m.full ? 0 : SYNC_COUNT_MAX))
		return false;
	*out = m;
	return true;
}

static struct lineage alone(const struct sync_end *m)
{
	return (struct lineage){.n = 1, .point = {m->head}};
}

size_t sync_encode_end(uint8_t *out, size_t cap, const struct sync_end *m)
{
	const struct lineage head = alone(m);
	struct cursor_writer w;

	if (!lineage_valid(&head))
		return 0;
	cursor_write(&w, out, cap);
	cursor_put_u64(&w, m->head.term);
	cursor_put_u64(&w, m->head.number);
	cursor_put_bytes(&w, m->digest, sizeof(m->digest));
	return cursor_written(&w);
}

bool sync_decode_end(const uint8_t *body, size_t len, struct sync_end *out)
{
	struct cursor_reader r;
	struct lineage head;
	struct sync_end m;

	cursor_read(&r, body, len);
	m.head.term = cursor_get_u64(&r);
	m.head.number = cursor_get_u64(&r);
	cursor_get_bytes(&r, m.digest, sizeof(m.digest));
	head = alone(&m);
	if (!cursor_finished(&r) || !lineage_heard_valid(&head))
		return false;
	*out = m;
	return true;
}

/* ---- ENTRY ---- */

/* SPEC 6.R14: what an entry of each type has; the rest of it is zero. */
static bool entry_shape_valid(const struct sync_entry *e)
{
	static const struct {
		bool owner, mode, content, xattr, target; /* owner: and time */
	} has[SYNC_ENTRY_TYPE_N] = {
		[SYNC_GONE] = {0},
		[SYNC_FILE] = {.owner = true, .mode = true, .content = true, .xattr = true},
		[SYNC_DIRECTORY] = {.owner = true, .mode = true, .xattr = true},
		[SYNC_SYMLINK] = {.owner = true, .target = true},
	};

	if (!has[e->type].owner && (e->uid != 0 || e->gid != 0 || e->mtime_ns != 0))
		return false;
	if (!has[e->type].mode && e->mode != 0)
		return false;
	if (!has[e->type].content && (e->size != 0 || !is_zero(e->hash, sizeof(e->hash))))
		return false;
	if (!has[e->type].xattr && e->xattr_len != 0)
		return false;
	return has[e->type].target == (e->target_len != 0);
}

static bool entry_valid(const struct sync_entry *e)
{
	return e->type < SYNC_ENTRY_TYPE_N && entry_shape_valid(e) && e->root < SYNC_ROOTS_MAX &&
	       e->mode <= MODE_ALL && e->uid != UINT32_MAX && e->gid != UINT32_MAX &&
	       e->size <= SYNC_COUNT_MAX && sync_path_valid(e->path, e->path_len) &&
	       (e->path_len > 0 || e->type == SYNC_DIRECTORY) && e->xattr_len <= SYNC_XATTR_MAX &&
	       xattr_valid(e->xattr, e->xattr_len) && e->target_len <= SYNC_TARGET_MAX &&
	       (e->target_len == 0 || memchr(e->target, '\0', e->target_len) == NULL);
}

size_t sync_encode_entry(uint8_t *out, size_t cap, const struct sync_entry *m)
{
	struct cursor_writer w;

	if (!entry_valid(m))
		return 0;
	cursor_write(&w, out, cap);
	cursor_put_u8(&w, m->type);
	cursor_put_u8(&w, m->root);
	cursor_put_u16(&w, m->mode);
	cursor_put_u32(&w, m->uid);
	cursor_put_u32(&w, m->gid);
	cursor_put_u64(&w, (uint64_t)m->mtime_ns);
	cursor_put_u64(&w, m->size);
	cursor_put_bytes(&w, m->hash, sizeof(m->hash));
	cursor_put_u16(&w, m->path_len);
	cursor_put_u32(&w, m->xattr_len);
	cursor_put_bytes(&w, m->path, m->path_len);
	cursor_put_bytes(&w, m->xattr, m->xattr_len);
	cursor_put_bytes(&w, m->target, m->target_len);
	return cursor_written(&w);
}

bool sync_decode_entry(const uint8_t *body, size_t len, struct sync_entry *out)
{
	struct cursor_reader r;
	struct sync_entry m;

	cursor_read(&r, body, len);
	m.type = cursor_get_u8(&r);
	m.root = cursor_get_u8(&r);
	m.mode = cursor_get_u16(&r);
	m.uid = cursor_get_u32(&r);
	m.gid = cursor_get_u32(&r);
	m.mtime_ns = (int64_t)cursor_get_u64(&r);
	m.size = cursor_get_u64(&r);
	cursor_get_bytes(&r, m.hash, sizeof(m.hash));
	m.path_len = cursor_get_u16(&r);
	m.xattr_len = cursor_get_u32(&r);
	m.path = (const char *)get_view(&r, m.path_len);
	m.xattr = get_view(&r, m.xattr_len);
	if (r.failed || r.left > SYNC_TARGET_MAX)
		return false;
	m.target_len = (uint16_t)r.left;
	m.target = (const char *)get_view(&r, m.target_len);
	if (!entry_valid(&m))
		return false;
	*out = m;
	return true;
}

/* ---- WANT, BLOCK, DONE ---- */

static bool want_valid(const struct sync_want *m)
{
	return m->root < SYNC_ROOTS_MAX && m->path_len > 0 &&
	       sync_path_valid(m->path, m->path_len) && m->tags_n <= SYNC_TAGS_MAX;
}

size_t sync_encode_want(uint8_t *out, size_t cap, const struct sync_want *m)
{
	struct cursor_writer w;

	if (!want_valid(m))
		return 0;
	cursor_write(&w, out, cap);
	cursor_put_u32(&w, m->ticket);
	cursor_put_u8(&w, m->root);
	cursor_put_bytes(&w, m->hash, sizeof(m->hash));
	cursor_put_u16(&w, m->path_len);
	cursor_put_bytes(&w, m->path, m->path_len);
	cursor_put_bytes(&w, m->tags, (size_t)m->tags_n * SYNC_HASH_LEN);
	return cursor_written(&w);
}

bool sync_decode_want(const uint8_t *body, size_t len, struct sync_want *out)
{
	struct cursor_reader r;
	struct sync_want m;

	cursor_read(&r, body, len);
	m.ticket = cursor_get_u32(&r);
	m.root = cursor_get_u8(&r);
	cursor_get_bytes(&r, m.hash, sizeof(m.hash));
	m.path_len = cursor_get_u16(&r);
	m.path = (const char *)get_view(&r, m.path_len);
	if (r.failed || r.left % SYNC_HASH_LEN != 0 || r.left / SYNC_HASH_LEN > SYNC_TAGS_MAX)
		return false;
	m.tags_n = (uint32_t)(r.left / SYNC_HASH_LEN);
	m.tags = get_view(&r, r.left);
	if (!want_valid(&m))
		return false;
	*out = m;
	return true;
}

static bool block_valid(const struct sync_block *m)
{
	return m->offset % SYNC_BLOCK_LEN == 0 && m->len >= 1 && m->len <= SYNC_BLOCK_LEN &&
	       m->offset <= SYNC_COUNT_MAX - m->len;
}

size_t sync_encode_block(uint8_t *out, size_t cap, const struct sync_block *m)
{
	struct cursor_writer w;

	if (!block_valid(m))
		return 0;
	cursor_write(&w, out, cap);
	cursor_put_u32(&w, m->ticket);
	cursor_put_u64(&w, m->offset);
	return cursor_written(&w);
}

bool sync_decode_block(const uint8_t *body, size_t len, struct sync_block *out)
{
	struct cursor_reader r;
	struct sync_block m;

	cursor_read(&r, body, len);
	m.ticket = cursor_get_u32(&r);
	m.offset = cursor_get_u64(&r);
	if (r.failed || r.left > SYNC_BLOCK_LEN)
		return false;
	m.len = (uint32_t)r.left;
	m.data = get_view(&r, m.len);
	if (!block_valid(&m))
		return false;
	*out = m;
	return true;
}

size_t sync_encode_done(uint8_t *out, size_t cap, const struct sync_done *m)
{
	struct cursor_writer w;

	cursor_write(&w, out, cap);
	cursor_put_u32(&w, m->ticket);
	cursor_put_u8(&w, m->failed);
	return cursor_written(&w);
}

bool sync_decode_done(const uint8_t *body, size_t len, struct sync_done *out)
{
	struct cursor_reader r;
	struct sync_done m;
	bool valid;

	cursor_read(&r, body, len);
	m.ticket = cursor_get_u32(&r);
	valid = get_flag(&r, &m.failed);
	if (!cursor_finished(&r) || !valid)
		return false;
	*out = m;
	return true;
}

/* ---- STATUS ---- */

static bool status_valid(const struct sync_status *m)
{
	return m->phase < SYNC_PHASE_N && m->files <= SYNC_COUNT_MAX &&
	       m->files_total <= SYNC_COUNT_MAX && m->bytes <= SYNC_COUNT_MAX &&
	       m->bytes_total <= SYNC_COUNT_MAX && msg_text_valid(m->reason, SYNC_REASON_MAX) &&
	       (m->phase == SYNC_PHASE_ERROR) == (m->reason[0] != '\0');
}

size_t sync_encode_status(uint8_t *out, size_t cap, const struct sync_status *m)
{
	struct cursor_writer w;

	if (!status_valid(m))
		return 0;
	cursor_write(&w, out, cap);
	cursor_put_u8(&w, m->phase);
	cursor_put_u64(&w, m->files);
	cursor_put_u64(&w, m->files_total);
	cursor_put_u64(&w, m->bytes);
	cursor_put_u64(&w, m->bytes_total);
	msg_text_put(&w, m->reason, SYNC_REASON_MAX);
	return cursor_written(&w);
}

bool sync_decode_status(const uint8_t *body, size_t len, struct sync_status *out)
{
	struct cursor_reader r;
	struct sync_status m;
	bool valid;

	cursor_read(&r, body, len);
	m.phase = cursor_get_u8(&r);
	m.files = cursor_get_u64(&r);
	m.files_total = cursor_get_u64(&r);
	m.bytes = cursor_get_u64(&r);
	m.bytes_total = cursor_get_u64(&r);
	valid = msg_text_get(&r, m.reason, SYNC_REASON_MAX);
	if (!cursor_finished(&r) || !valid || !status_valid(&m))
		return false;
	*out = m;
	return true;
}
