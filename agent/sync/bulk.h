/* bulk.h - the stream to the other syncer: a packet socket of its own on the link, sealed frames, records in and out.
 *
 * Records are handed up whole, in order, each once. Records to be sent are pulled: whenever there is room the `fill`
 * callback is asked for the next piece, so that nothing queues up here but one window of sealed frames. A lost or repeated
 * frame is this file's affair; a peer that starts anew is not: bulk_fn down() and then up() are called, and everything
 * begins again. hello.h has how two sides agree on a stream.
 *
 * Callbacks come from the loop and from bulk_timer(); down() also from bulk_key(). Of the functions here they may call
 * bulk_wake(), bulk_is_up() and bulk_counters(), and no other. Sockets are open while there is a key.
 */
#ifndef HA_AGENT_SYNC_BULK_H
#define HA_AGENT_SYNC_BULK_H

#include "agent/loop.h"
#include "proto/sync_msg.h"

struct bulk; /* opaque */

struct bulk_config {
	char ifname[16];
	bool direct; /* the nearest-bridge group, or the one that bridges forward (SPEC 1.R2) */
	struct loop *loop; /* its descriptor is watched there */
	void *arg;
	void (*up)(void *arg);   /* a new stream: nothing that was said before counts */
	void (*down)(void *arg); /* it has ended */
	/* One whole record. False: it makes no sense, the stream is torn down and begun anew. */
	bool (*record)(void *arg, enum sync_record_type, const uint8_t *body, size_t len);
	/* Writes whole records (header and body), at most cap (at least SYNC_RECORD_HEADER_LEN + SYNC_RECORD_MAX) bytes.
	 * Returns how many; 0 = nothing to say for now: then it is asked again after bulk_wake(), or up(). */
	size_t (*fill)(void *arg, uint8_t *out, size_t cap);
};

struct bulk_counters {
	uint64_t frames_sent, frames_received, repeats, timeouts, bytes_sent, bytes_received,
		send_waits, streams;
	uint64_t drop[DROP_N];
	ha_time rtt;
	bool aes;
	uint16_t mtu;
};

/* 0 or -errno. The interface may be absent: it is opened when it is there. */
int bulk_open(struct bulk **, const struct bulk_config *);
void bulk_close(struct bulk *);

/* The session's exporter has changed: a new stream under it; the same again: nothing. NULL: there is no session any
 * more, and no stream. */
void bulk_key(struct bulk *, const uint8_t exporter[HA_KEY_LEN], bool lower);
void bulk_wake(struct bulk *); /* fill() has something to say */
bool bulk_is_up(const struct bulk *);
/* To be asked whenever the loop is armed. It may be early: then bulk_timer() does nothing. */
ha_time bulk_deadline(const struct bulk *);
void bulk_timer(struct bulk *, ha_time now);
void bulk_counters(const struct bulk *, struct bulk_counters *out);

#endif
