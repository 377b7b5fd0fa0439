/* recorder.c - see recorder.h. */
#include "agent/recorder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	HEAD_LEN = 64, /* of the file: struct head and room */
	RING_LEN = RECORDER_LEN - HEAD_LEN,
	SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW,
};

/* What is shared beside the ring. */
struct head {
	_Atomic uint64_t oldest, written;
};

/* In front of each record in the ring, aligned to its own size as all records are to 8 bytes. */
struct mark {
	int64_t at;
	uint32_t len;
	uint8_t source;
	uint8_t outgoing;
	uint16_t zero;
};

_Static_assert(RING_LEN % 8 == 0 && sizeof(struct mark) == 16, "records stay aligned");
_Static_assert(sizeof(struct head) <= HEAD_LEN, "it has room");

static struct head *head_of(uint8_t *shared)
{
	void *at = shared;

	return at;
}

static const struct head *const_head_of(const uint8_t *shared)
{
	const void *at = shared;

	return at;
}

static uint64_t record_len(size_t frame_len)
{
	return sizeof(struct mark) + ((frame_len + 7) & ~(size_t)7);
}

static bool mark_valid(const struct mark *mark)
{
	return mark->len <= HA_FRAME_MAX && mark->source < RECORDER_SOURCE_N && mark->outgoing <= 1;
}

/* What is at a position of the ring, around its end. */
static void ring_get(const uint8_t *shared, uint64_t at, void *out, size_t len)
{
	const uint8_t *ring = shared + HEAD_LEN;
	size_t from = (size_t)(at % RING_LEN), first = RING_LEN - from;

	if (first > len)
		first = len;
	memcpy(out, ring + from, first);
	memcpy((uint8_t *)out + first, ring, len - first);
}

static void ring_put(uint8_t *shared, uint64_t at, const void *bytes, size_t len)
{
	uint8_t *ring = shared + HEAD_LEN;
	size_t from = (size_t)(at % RING_LEN), first = RING_LEN - from;

	if (first > len)
		first = len;
	memcpy(ring + from, bytes, first);
	memcpy(ring, (const uint8_t *)bytes + first, len - first);
}

/* ---- the writer ---- */

int recorder_make(int *reader)
{
	int fd = memfd_create("haagent-recorder", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;
	char name[32];

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, RECORDER_LEN) != 0 || fchmod(fd, 0600) != 0 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) != 0)
		goto out;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	*reader = open(name, O_RDONLY | O_CLOEXEC);
	if (*reader >= 0)
		return fd;
out:
	error = -errno;
	close(fd);
	return error;
}

/* Is what another engine left whole, from one end to the other? */
static bool is_whole(const uint8_t *shared, uint64_t oldest, uint64_t written)
{
	if (oldest > written || written - oldest > RING_LEN || written > UINT64_MAX / 2)
		return false;
	while (oldest < written) {
		struct mark mark;

		ring_get(shared, oldest, &mark, sizeof(mark));
		if (!mark_valid(&mark) || record_len(mark.len) > written - oldest)
			return false;
		oldest += record_len(mark.len);
	}
	return true;
}

int recorder_attach(struct recorder *r, int fd)
{
	struct head *head;
	void *shared =
		mmap(NULL, RECORDER_LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);

	*r = (struct recorder){0};
	if (shared == MAP_FAILED)
		return -errno;
	(void)mlock(shared, RECORDER_LEN); /* refused: memory_lock() reports it */
	r->shared = shared;
	head = head_of(r->shared);
	r->oldest = atomic_load(&head->oldest);
	r->written = atomic_load(&head->written);
	if (is_whole(r->shared, r->oldest, r->written))
		return 0;
	r->oldest = r->written = 0;
	atomic_store(&head->written, 0);
	atomic_store(&head->oldest, 0);
	return 0;
}

void recorder_detach(struct recorder *r)
{
	if (r->shared != NULL)
		munmap(r->shared, RECORDER_LEN);
	*r = (struct recorder){0};
}

/* Gives up the oldest records until so many bytes are free. What they are is this process's own word. */
static void make_room(struct recorder *r, uint64_t len)
{
	struct head *head = head_of(r->shared);

	while (r->written + len - r->oldest > RING_LEN) {
		struct mark mark;

		ring_get(r->shared, r->oldest, &mark, sizeof(mark));
		r->oldest += record_len(mark.len);
	}
	atomic_store_explicit(&head->oldest, r->oldest, memory_order_relaxed);
	atomic_thread_fence(memory_order_release); /* before anything of it is written over */
}

static void put(struct recorder *r, enum recorder_source source, bool outgoing,
		const uint8_t *frame, size_t len, ha_time at)
{
	struct head *head = head_of(r->shared);
	struct mark mark = {
		.at = at,
		.len = (uint32_t)(len < HA_FRAME_MAX ? len : HA_FRAME_MAX),
		.source = (uint8_t)source,
		.outgoing = outgoing,
	};
	uint64_t need = record_len(mark.len);

	make_room(r, need);
	ring_put(r->shared, r->written, &mark, sizeof(mark));
	ring_put(r->shared, r->written + sizeof(mark), frame, mark.len);
	r->written += need;
	atomic_store_explicit(&head->written, r->written, memory_order_release);
}

static void put_pending(struct recorder *r)
{
	struct recorder_pending pending = r->pending;

	if (pending.frame == NULL)
		return;
	r->pending.frame = NULL;
	put(r, (enum recorder_source)pending.path, false, pending.frame, pending.len, pending.at);
}

void recorder_sent(struct recorder *r, enum ha_path path, const uint8_t *frame, size_t len,
		   ha_time at)
{
	if (r->shared == NULL)
		return;
	put_pending(r);
	put(r, (enum recorder_source)path, true, frame, len, at);
}

void recorder_heard(struct recorder *r, enum ha_path path, const uint8_t *frame, size_t len,
		    ha_time at)
{
	if (r->shared != NULL)
		r->pending = (struct recorder_pending){frame, len, at, path};
}

/* One more dropped frame, if there have not been too many. */
static bool take(struct recorder *r, ha_time now)
{
	const ha_time each = HA_SEC / RECORDER_PER_SECOND;

	if (r->spent_until < now)
		r->spent_until = now;
	if (r->spent_until - now > (RECORDER_BURST - 1) * each)
		return false;
	r->spent_until += each;
	return true;
}

void recorder_judged(struct recorder *r, bool dropped, ha_time now)
{
	if (r->pending.frame != NULL && dropped && !take(r, now)) {
		r->pending.frame = NULL;
		r->passed_over++;
	}
	put_pending(r);
}

void recorder_decided(struct recorder *r, const uint8_t *frame, size_t len, ha_time at)
{
	if (r->shared == NULL)
		return;
	put_pending(r);
	put(r, RECORDER_DECISIONS, true, frame, len, at);
}

/* ---- the reader ---- */

void recorder_read(struct recorder_reader *reader, const uint8_t *shared)
{
	*reader = (struct recorder_reader){.shared = shared};
	reader->at = atomic_load(&const_head_of(shared)->oldest);
	recorder_more(reader);
}

void recorder_more(struct recorder_reader *reader)
{
	reader->until =
		atomic_load_explicit(&const_head_of(reader->shared)->written, memory_order_acquire);
}

int recorder_open(struct recorder_reader *reader, int fd)
{
	struct stat st;
	void *shared;
	int seals = fcntl(fd, F_GET_SEALS);

	*reader = (struct recorder_reader){0};
	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) != 0 ||
	    st.st_size != RECORDER_LEN)
		return -EBADF;
	shared = mmap(NULL, RECORDER_LEN, PROT_READ, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		return -errno;
	recorder_read(reader, shared);
	return 0;
}

void recorder_close(struct recorder_reader *reader)
{
	void *shared;

	if (reader->shared != NULL) {
		memcpy(&shared, &reader->shared, sizeof(shared)); /* munmap has no const */
		munmap(shared, RECORDER_LEN);
	}
	*reader = (struct recorder_reader){0};
}

/* Where to go on, if the writer has been here meanwhile. */
static bool overtaken(struct recorder_reader *reader)
{
	uint64_t oldest;

	atomic_thread_fence(memory_order_acquire); /* behind everything that was copied */
	oldest = atomic_load_explicit(&const_head_of(reader->shared)->oldest, memory_order_acquire);
	if (oldest <= reader->at)
		return false;
	reader->missed += oldest - reader->at;
	reader->at = oldest;
	return true;
}

/* One record, as it stands. False: it is none. */
static bool copy(const struct recorder_reader *reader, struct recorded *out)
{
	uint64_t left = reader->until - reader->at;
	struct mark mark;

	if (left < sizeof(mark) || left > RING_LEN)
		return false;
	ring_get(reader->shared, reader->at, &mark, sizeof(mark));
	if (!mark_valid(&mark) || record_len(mark.len) > left)
		return false;
	ring_get(reader->shared, reader->at + sizeof(mark), out->frame, mark.len);
	out->source = (enum recorder_source)mark.source;
	out->outgoing = mark.outgoing;
	out->at = mark.at;
	out->len = mark.len;
	return true;
}

bool recorder_next(struct recorder_reader *reader, struct recorded *out)
{
	/* An honest writer overtakes now and then; one that pretends to at every turn gets to the end by that. */
	while (!reader->broken && reader->at < reader->until) {
		bool good = copy(reader, out);

		if (overtaken(reader))
			continue;
		reader->broken = !good;
		if (good)
			reader->at += record_len(out->len);
		return good;
	}
	return false;
}
