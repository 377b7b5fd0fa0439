#include "agent/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/file.h"
#include "agent/text.h"
#include "proto/cursor.h"
#include "proto/msg.h"

enum {
	HEADER_LEN = 4 + 2, /* magic, version */
	CHECKSUM_LEN = 32,
	EVENT_LEN = 8 + 8 + 4 + 4 + STORE_SUBJECT_LEN,
	HISTORY_LEN = 2 + STORE_HISTORY_MAX * EVENT_LEN,
	FILE_MAX = HEADER_LEN + HISTORY_LEN + CHECKSUM_LEN, /* history is the largest */
};

/* A kind of file. The magic keeps one from being read as another. It is written in its newest version, and read in
 * those before it too: they lack what was added at the end, of the record or of each event. */
struct kind {
	const char *name, *temporary, *magic;
	unsigned version;
};

static const struct kind kind_record = {"cluster", "cluster.new", "HAcl", 3};
static const struct kind kind_key = {"key", "key.new", "HAky", 1};
static const struct kind kind_history = {"history", "history.new", "HAhi", 2};

int store_open(struct store *s, const char *directory)
{
	struct stat st;
	int parent, fd, error = 0;
	bool made;

	made = mkdir(directory, 0700) == 0;
	if (!made && errno != EEXIST)
		return -errno;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0) {
		error = -errno;
		goto out;
	}
	if (st.st_uid != geteuid()) {
		error = -EPERM;
		goto out;
	}
	if ((st.st_mode & 077) != 0 && fchmod(fd, 0700) != 0) {
		error = -errno;
		goto out;
	}
	if (made) {
		parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (parent < 0 || fsync(parent) != 0)
			error = -errno;
		if (parent >= 0)
			close(parent);
	}
out:
	if (error == 0)
		s->directory = fd;
	else
		close(fd);
	return error;
}

void store_close(struct store *s)
{
	close(s->directory);
	s->directory = -1;
}

/* Header in front; body and checksum follow. */
static void begin(struct cursor_writer *w, uint8_t buffer[FILE_MAX], const struct kind *kind)
{
	cursor_write(w, buffer, FILE_MAX);
	cursor_put_bytes(w, kind->magic, 4);
	cursor_put_u16(w, kind->version);
}

static void checksum(uint8_t out[CHECKSUM_LEN], const uint8_t *bytes, size_t len)
{
	int failed = crypto_generichash(out, CHECKSUM_LEN, bytes, len, NULL, 0);

	assert(failed == 0);
}

static int finish(struct store *s, struct cursor_writer *w, const struct kind *kind)
{
	uint8_t sum[CHECKSUM_LEN];
	size_t len = cursor_written(w);
	int error;

	assert(len > 0);
	checksum(sum, w->buffer, len);
	cursor_put_bytes(w, sum, sizeof(sum));
	error = file_replace(s->directory, kind->name, kind->temporary, w->buffer,
			     cursor_written(w));
	sodium_memzero(w->buffer, FILE_MAX);
	return error;
}

/* Reads the file, and leaves the reader at its body if magic, version and checksum are good. */
static int load(struct store *s, uint8_t buffer[FILE_MAX], const struct kind *kind,
		struct cursor_reader *r, unsigned *version)
{
	uint8_t sum[CHECKSUM_LEN], magic[4];
	size_t len;
	int error = file_read(s->directory, kind->name, buffer, FILE_MAX, &len);

	if (error == -EFBIG)
		return -EBADMSG;
	if (error != 0)
		return error;
	if (len < HEADER_LEN + CHECKSUM_LEN)
		return -EBADMSG;
	checksum(sum, buffer, len - CHECKSUM_LEN);
	if (memcmp(sum, buffer + len - CHECKSUM_LEN, CHECKSUM_LEN) != 0)
		return -EBADMSG;
	cursor_read(r, buffer, len - CHECKSUM_LEN);
	cursor_get_bytes(r, magic, sizeof(magic));
	*version = cursor_get_u16(r);
	if (memcmp(magic, kind->magic, sizeof(magic)) != 0 || *version == 0 ||
	    *version > kind->version)
		return -EBADMSG;
	return 0;
}

static void put_address(struct cursor_writer *w, const struct ha_address *a)
{
	cursor_put_u8(w, a->family);
	cursor_put_bytes(w, a->b, sizeof(a->b));
}

/* False where no record that was written can have such a value: then the code that wrote it was another. */
static bool get_address(struct cursor_reader *r, struct ha_address *a)
{
	a->family = cursor_get_u8(r);
	cursor_get_bytes(r, a->b, sizeof(a->b));
	return a->family == HA_FAMILY_NONE || a->family == HA_IPV4 || a->family == HA_IPV6;
}

static bool get_bool(struct cursor_reader *r, bool *out)
{
	uint8_t value = cursor_get_u8(r);

	*out = value == 1;
	return value <= 1;
}

static void put_name(struct cursor_writer *w, const char *name, size_t field)
{
	/* What follows the terminator is nobody's business, and nothing to keep. */
	cursor_put_bytes(w, name, strnlen(name, field));
	cursor_put_zeros(w, field - strnlen(name, field));
}

static bool get_name(struct cursor_reader *r, char *name, size_t field)
{
	cursor_get_bytes(r, name, field);
	return text_valid(name, field);
}

static void put_former(struct cursor_writer *w, const struct store_former *former)
{
	cursor_put_u8(w, former->why);
	cursor_put_bytes(w, former->key, sizeof(former->key));
	cursor_put_bytes(w, former->pair_secret, sizeof(former->pair_secret));
	cursor_put_bytes(w, former->cluster_id, sizeof(former->cluster_id));
	put_name(w, former->name, sizeof(former->name));
}

static bool get_former(struct cursor_reader *r, struct store_former *former)
{
	former->why = cursor_get_u8(r);
	cursor_get_bytes(r, former->key, sizeof(former->key));
	cursor_get_bytes(r, former->pair_secret, sizeof(former->pair_secret));
	cursor_get_bytes(r, former->cluster_id, sizeof(former->cluster_id));
	return get_name(r, former->name, sizeof(former->name)) && former->why < PARTING_N;
}

/* What version 2 has more. */
static bool decode_ended(struct cursor_reader *r, struct store_record *out)
{
	bool good = true;

	out->suspended_until = (int64_t)cursor_get_u64(r);
	good &= out->suspended_until >= 0;
	out->parting = cursor_get_u8(r);
	good &= out->parting < PARTING_N;
	good &= get_bool(r, &out->detached);
	for (size_t i = 0; i < STORE_FORMER_MAX; i++)
		good &= get_former(r, &out->former[i]);
	return good;
}

bool store_terms_valid(const struct store_record *r)
{
	return r->term <= MSG_TERM_KEPT_MAX && r->held_term <= MSG_TERM_KEPT_MAX &&
	       r->reserved <= MSG_TERM_KEPT_MAX;
}

static bool decode_record(struct cursor_reader *r, unsigned version, struct store_record *out)
{
	bool good = true;

	memset(out, 0, sizeof(*out));
	out->boot = cursor_get_u64(r);
	out->term = cursor_get_u64(r);
	out->held_term = cursor_get_u64(r);
	out->reserved = cursor_get_u64(r);
	good &= store_terms_valid(out);
	out->peer_boot = cursor_get_u64(r);
	out->mode = cursor_get_u8(r);
	good &= out->mode < HA_MODE_N;
	good &= get_bool(r, &out->paired);
	good &= get_bool(r, &out->suspended);
	good &= get_bool(r, &out->whole_copy);
	good &= get_bool(r, &out->in_sync);
	cursor_get_bytes(r, out->peer_key, sizeof(out->peer_key));
	cursor_get_bytes(r, out->pair_secret, sizeof(out->pair_secret));
	cursor_get_bytes(r, out->cluster_id, sizeof(out->cluster_id));
	good &= get_name(r, out->peer_name, sizeof(out->peer_name));
	for (size_t i = 0; i < HA_VIP_MAX; i++)
		good &= get_address(r, &out->vip[i]);
	if (version >= 2)
		good &= decode_ended(r, out);
	if (version >= 3) {
		good &= get_bool(r, &out->vip_set);
		out->vip_against = cursor_get_u64(r);
	}
	return good && cursor_finished(r);
}

int store_read_record(struct store *s, struct store_record *out)
{
	uint8_t buffer[FILE_MAX];
	struct store_record record;
	struct cursor_reader r;
	unsigned version;
	int error = load(s, buffer, &kind_record, &r, &version);

	if (error == 0 && !decode_record(&r, version, &record))
		error = -EBADMSG;
	if (error == 0)
		*out = record;
	sodium_memzero(buffer, sizeof(buffer));
	sodium_memzero(&record, sizeof(record));
	return error;
}

int store_write_record(struct store *s, const struct store_record *record)
{
	uint8_t buffer[FILE_MAX];
	struct cursor_writer w;

	assert(record->mode < HA_MODE_N && record->parting < PARTING_N);
	assert(text_valid(record->peer_name, sizeof(record->peer_name)));
	begin(&w, buffer, &kind_record);
	cursor_put_u64(&w, record->boot);
	cursor_put_u64(&w, record->term);
	cursor_put_u64(&w, record->held_term);
	cursor_put_u64(&w, record->reserved);
	cursor_put_u64(&w, record->peer_boot);
	cursor_put_u8(&w, record->mode);
	cursor_put_u8(&w, record->paired);
	cursor_put_u8(&w, record->suspended);
	cursor_put_u8(&w, record->whole_copy);
	cursor_put_u8(&w, record->in_sync);
	cursor_put_bytes(&w, record->peer_key, sizeof(record->peer_key));
	cursor_put_bytes(&w, record->pair_secret, sizeof(record->pair_secret));
	cursor_put_bytes(&w, record->cluster_id, sizeof(record->cluster_id));
	put_name(&w, record->peer_name, sizeof(record->peer_name));
	for (size_t i = 0; i < HA_VIP_MAX; i++)
		put_address(&w, &record->vip[i]);
	cursor_put_u64(&w, (uint64_t)record->suspended_until);
	cursor_put_u8(&w, record->parting);
	cursor_put_u8(&w, record->detached);
	for (size_t i = 0; i < STORE_FORMER_MAX; i++)
		put_former(&w, &record->former[i]);
	cursor_put_u8(&w, record->vip_set);
	cursor_put_u64(&w, record->vip_against);
	return finish(s, &w, &kind_record);
}

static int make_key(struct store *s, struct store_key *out)
{
	uint8_t buffer[FILE_MAX];
	struct cursor_writer w;

	randombytes_buf(out->secret_key, sizeof(out->secret_key));
	if (crypto_scalarmult_base(out->public_key, out->secret_key) != 0)
		return -EIO;
	begin(&w, buffer, &kind_key);
	cursor_put_bytes(&w, out->secret_key, sizeof(out->secret_key));
	return finish(s, &w, &kind_key);
}

int store_key(struct store *s, bool make, struct store_key *out)
{
	uint8_t buffer[FILE_MAX];
	struct cursor_reader r;
	unsigned version;
	int error;

	if (sodium_init() < 0)
		return -EIO;
	error = load(s, buffer, &kind_key, &r, &version);
	if (error == 0) {
		cursor_get_bytes(&r, out->secret_key, sizeof(out->secret_key));
		if (!cursor_finished(&r) ||
		    crypto_scalarmult_base(out->public_key, out->secret_key) != 0)
			error = -EBADMSG;
	} else if (error == -ENOENT && make) {
		error = make_key(s, out);
	}
	if (error != 0)
		sodium_memzero(out, sizeof(*out));
	sodium_memzero(buffer, sizeof(buffer));
	return error;
}

static void put_event(struct cursor_writer *w, const struct store_event *event)
{
	cursor_put_u64(w, (uint64_t)event->realtime_ns);
	cursor_put_u64(w, event->term);
	cursor_put_u8(w, event->event);
	cursor_put_u8(w, event->from);
	cursor_put_u8(w, event->to);
	cursor_put_u8(w, event->reason);
	cursor_put_u32(w, event->detail);
	put_name(w, event->subject, sizeof(event->subject));
}

static bool get_event(struct cursor_reader *r, unsigned version, struct store_event *event)
{
	memset(event, 0, sizeof(*event));
	event->realtime_ns = (int64_t)cursor_get_u64(r);
	event->term = cursor_get_u64(r);
	event->event = cursor_get_u8(r);
	event->from = cursor_get_u8(r);
	event->to = cursor_get_u8(r);
	event->reason = cursor_get_u8(r);
	event->detail = cursor_get_u32(r);
	return version < 2 || get_name(r, event->subject, sizeof(event->subject));
}

int store_read_history(struct store *s, struct store_event out[STORE_HISTORY_MAX], unsigned *n)
{
	uint8_t buffer[FILE_MAX];
	struct cursor_reader r;
	unsigned count, version;
	bool good = true;
	int error;

	*n = 0;
	error = load(s, buffer, &kind_history, &r, &version);
	if (error != 0)
		return error;
	count = cursor_get_u16(&r);
	if (count > STORE_HISTORY_MAX)
		return -EBADMSG;
	for (unsigned i = 0; i < count; i++)
		good &= get_event(&r, version, &out[i]);
	if (!good || !cursor_finished(&r))
		return -EBADMSG;
	*n = count;
	return 0;
}

int store_write_history(struct store *s, const struct store_event *event, unsigned n)
{
	uint8_t buffer[FILE_MAX];
	struct cursor_writer w;

	assert(n <= STORE_HISTORY_MAX);
	begin(&w, buffer, &kind_history);
	cursor_put_u16(&w, n);
	for (unsigned i = 0; i < n; i++)
		put_event(&w, &event[i]);
	return finish(s, &w, &kind_history);
}

const char *store_error(int error)
{
	return error == -EBADMSG ? "damaged: torn, or not written by this program"
				 : strerror(-error);
}
