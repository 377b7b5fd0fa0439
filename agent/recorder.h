/* recorder.h - the flight recorder: the newest frames and decisions, in memory that outlives the engine.
 *
 * A ring of fixed size in a memory file that the guardian makes, sealed in its size. The engine writes, with nothing but
 * copies into locked memory: no system call, no allocation, in constant time. Who reads, the steward or a client that
 * writes a capture, believes nothing of it: the engine may be in an attacker's hands, and it goes on writing meanwhile.
 *
 * Positions are bytes ever written; they only rise. The writer first gives up what it is about to write over (oldest),
 * then writes, then says so (written); so a reader that finds its record behind oldest, once it has copied it, knows that
 * the copy is no good. A new engine goes on behind what the one before it left, if that is whole.
 */
#ifndef HA_AGENT_RECORDER_H
#define HA_AGENT_RECORDER_H

#include "proto/types.h"

enum {
	RECORDER_LEN = 2 << 20, /* of the memory file */
	RECORDER_BURST = 100,   /* frames that were dropped: so many at once are kept, ... */
	RECORDER_PER_SECOND =
		50, /* ... and so many from then on: a flood shall not push out the rest */
};

#define RECORDER_SPAN (30 * HA_SEC) /* what a capture shows, as far as the ring goes back */

enum recorder_source {
	RECORDER_LINK = HA_PATH_LINK,
	RECORDER_MANAGEMENT = HA_PATH_MANAGEMENT,
	RECORDER_DECISIONS,
	RECORDER_SOURCE_N,
};

/* ---- the writer ---- */

struct recorder_pending {
	const uint8_t *frame; /* NULL: none */
	size_t len;
	ha_time at;
	enum ha_path path;
};

/* All zeros records nothing. */
struct recorder {
	uint8_t *shared;
	uint64_t oldest, written; /* its own word for it: what is shared is for readers */
	struct recorder_pending pending;
	ha_time spent_until;  /* of the bucket of dropped frames */
	uint64_t passed_over; /* frames that the bucket kept out */
};

/* The memory file: RECORDER_LEN bytes, sealed in size. Its descriptor, or -errno. *reader is another one for it that
 * cannot be written through. */
int recorder_make(int *reader);

/* Maps it, all of it present and locked if that is permitted. 0 or -errno. */
int recorder_attach(struct recorder *, int fd);
void recorder_detach(struct recorder *);

/* Whole Ethernet frames, at most HA_FRAME_MAX bytes; longer ones are cut. One that is heard is kept when it is judged,
 * or before the first thing that it leads to; until then it has to stay where it is. */
void recorder_sent(struct recorder *, enum ha_path, const uint8_t *frame, size_t len, ha_time at);
void recorder_heard(struct recorder *, enum ha_path, const uint8_t *frame, size_t len, ha_time at);
void recorder_judged(struct recorder *, bool dropped, ha_time now);
void recorder_decided(struct recorder *, const uint8_t *frame, size_t len, ha_time at);

/* ---- the reader ---- */

struct recorded {
	enum recorder_source source;
	bool outgoing;
	ha_time at; /* CLOCK_BOOTTIME, as the writer says: it may be anything */
	size_t len;
	uint8_t frame[HA_FRAME_MAX];
};

struct recorder_reader {
	const uint8_t *shared;
	uint64_t at, until; /* the next record */
	uint64_t missed;    /* bytes that were written over before they were read */
	bool broken;        /* what is there is no record: nothing more is read */
};

/* Begins at the oldest. -EBADF: it is no such file, sealed and of that size; other -errno. */
int recorder_open(struct recorder_reader *, int fd);
void recorder_close(struct recorder_reader *);

/* What was there when the reader was opened, or recorder_more() was called last. False: that was all; or it is broken. */
bool recorder_next(struct recorder_reader *, struct recorded *out);
void recorder_more(struct recorder_reader *);

/* The same as if memory of RECORDER_LEN bytes had been mapped; for tests. */
void recorder_read(struct recorder_reader *, const uint8_t *shared);

#endif
