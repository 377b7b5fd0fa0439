/* bulk_state.h - what the files of bulk share: one socket, one agreement, one stream of each direction. Nobody else
 * includes it.
 *
 * bulk.c the stream's life and the timer; bulk_socket.c the interface; bulk_send.c from fill() to the wire;
 * bulk_receive.c from the wire to record().
 */
#ifndef HA_AGENT_SYNC_BULK_STATE_H
#define HA_AGENT_SYNC_BULK_STATE_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "agent/sync/bulk.h"
#include "agent/sync/hello.h"
#include "agent/sync/seal.h"
#include "agent/wire.h"
#include "proto/flow.h"
#include "proto/replay.h"

enum {
	BULK_BATCH = 64, /* frames for one system call, or between two looks at what has arrived */
	BULK_SLICE = 4,  /* batches in one turn of the loop */
	BULK_MTU_MIN = 576,      /* no stream over less */
	BULK_STRIDE_MAX = 9280,  /* a sealed frame with its Ethernet header, in whole cache lines */
	BULK_RING_LEN = 8 << 20, /* of received stream; a power of two, whole pages */
	/* plaintext to be cut into frames: a largest record always has room behind the rest of the one before */
	BULK_PLAIN_LEN = SYNC_RECORD_HEADER_LEN + SYNC_RECORD_MAX + 65536 + MSG_SYNC_LEN_MAX,
};

struct bulk_socket {
	struct pcap *pcap; /* in; NULL: not open */
	int in, out;
	int ifindex;
	struct ha_mac mac;
	uint16_t mtu;     /* largest frame without its Ethernet header */
	ha_time retry_at; /* not open: try again then */
	ha_time look_at;  /* open: is it still what it was? */
};

struct bulk_send {
	struct flow_sender flow;
	size_t payload;  /* bytes of the stream in a whole frame */
	uint64_t offset; /* in the stream, of plain[head] */
	uint8_t *plain;
	size_t head, tail;
	bool quiet;      /* fill() had nothing to say, and nobody has called bulk_wake() since */
	uint8_t *frames; /* sealed: a slot of `stride` bytes for each number of the window */
	size_t stride;
	uint16_t len[FLOW_WINDOW_MAX];
	struct mmsghdr
		message[BULK_BATCH]; /* the batch that is on its way: from `at` on not taken yet */
	struct iovec vector[BULK_BATCH];
	unsigned at, n;
	ha_time blocked;   /* the kernel takes no more until then; 0: it may be asked */
	unsigned refusals; /* in a row */
	uint64_t ack_number;
};

struct bulk_receive {
	struct flow_receiver flow;
	struct replay acks;
	uint8_t *ring;               /* mapped twice in a row, so that a record never wraps */
	uint64_t delivered, arrived; /* offsets in the stream: handed up; there without a gap */
	uint64_t offset[FLOW_WINDOW_MAX]; /* of those that came out of order */
	uint16_t len[FLOW_WINDOW_MAX];
	unsigned
		followed; /* frames in this turn since one with SYNC_FLUSH, or a gap: more are coming */
	ha_time ack_at; /* what is left unacknowledged is then; HA_NEVER */
	uint8_t scratch[MSG_SYNC_LEN_MAX];
};

struct bulk {
	struct bulk_config config;
	struct bulk_counters counters;
	struct bulk_socket socket;
	struct ha_mac group;
	bool keyed, lower;
	uint8_t exporter[HA_KEY_LEN];
	uint32_t key_id;
	struct hello hello;
	struct seal seal; /* while hello.up */
	struct bulk_send send;
	struct bulk_receive receive;
	bool broken;      /* the stream makes no sense: to be ended at the end of the batch */
	bool inside;      /* a callback is running */
	int wake;         /* eventfd: there is work that no descriptor tells of */
	ha_time deadline; /* no later than anything is due; may be early */
};

/* bulk.c */
void bulk_begin_stream(struct bulk *, const struct sync_hello *peer, ha_time now);
void bulk_restart(struct bulk *,
		  ha_time at);      /* ends the stream, if there is one; the next from then on */
void bulk_work_left(struct bulk *); /* the loop shall come back to send */
void bulk_settle(struct bulk *);    /* at the end of every way in: the deadline */
void bulk_count(struct bulk *, enum ha_drop);

/* bulk_socket.c */
void bulk_socket_try(struct bulk *, ha_time now); /* opens it, or says when to try again */
void bulk_socket_look(struct bulk *,
		      ha_time now); /* anew if the interface is another than it was */
void bulk_socket_close(struct bulk *, ha_time retry_at);
/* One frame, its header made here: type, number, body and what is behind it. 0 or -errno. */
int bulk_socket_frame(struct bulk *, const uint8_t *frame, size_t len);
void bulk_ether(const struct bulk *, uint8_t *frame);

/* bulk_send.c */
int bulk_send_open(struct bulk_send *);
void bulk_send_close(struct bulk_send *);
void bulk_send_begin(struct bulk *, uint16_t mtu, uint32_t window);
void bulk_send_pump(struct bulk *); /* all that may be sent now, or a slice of it */
void bulk_send_hello(struct bulk *, ha_time now);
void bulk_send_ack(struct bulk *);

/* bulk_receive.c */
int bulk_receive_open(struct bulk_receive *);
void bulk_receive_close(struct bulk_receive *);
void bulk_receive_begin(struct bulk *);
uint32_t bulk_receive_window(uint16_t mtu);
void bulk_receive_ready(void *arg, uint32_t events);

#endif
