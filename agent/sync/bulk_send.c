/* bulk_send.c - records are pulled, cut into frames, sealed, sent in batches, and kept sealed until they are acknowledged.
 *
 * Nothing is pulled before there is room in the window for it, so a change of mind of whoever fills is never more than a
 * window late.
 */
#include "agent/sync/bulk_state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCKED_MIN                                                                                \
	(50 * HA_US) /* the kernel's queue is full: so long, doubling while it stays so ... */
#define BLOCKED_MAX (10 * HA_MS) /* ... up to this */

enum {
	AD_LEN = MSG_HEADER_LEN + SYNC_DATA_CLEAR_LEN,
	ACK_FRAME_LEN = WIRE_ETHER_LEN + MSG_HEADER_LEN + SYNC_ACK_LEN + MSG_TAG_LEN,
	HELLO_FRAME_LEN = WIRE_ETHER_LEN + MSG_HEADER_LEN + SYNC_HELLO_LEN + MSG_TAG_LEN,
	FRAMES_LEN = FLOW_WINDOW_MAX * BULK_STRIDE_MAX,
};

int bulk_send_open(struct bulk_send *s)
{
	/* Mapped whole, touched only as far as a stream's frames go. */
	s->plain = mmap(NULL, BULK_PLAIN_LEN + FRAMES_LEN, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->plain == MAP_FAILED) {
		s->plain = NULL;
		return -ENOMEM;
	}
	s->frames = s->plain + BULK_PLAIN_LEN;
	for (unsigned i = 0; i < BULK_BATCH; i++) {
		s->message[i].msg_hdr.msg_iov = &s->vector[i];
		s->message[i].msg_hdr.msg_iovlen = 1;
	}
	return 0;
}

void bulk_send_close(struct bulk_send *s)
{
	if (s->plain != NULL)
		munmap(s->plain, BULK_PLAIN_LEN + FRAMES_LEN);
	s->plain = NULL;
}

void bulk_send_begin(struct bulk *b, uint16_t mtu, uint32_t window)
{
	struct bulk_send *s = &b->send;

	assert(mtu >= BULK_MTU_MIN && mtu <= MSG_SYNC_LEN_MAX);
	flow_sender_init(&s->flow, window < FLOW_WINDOW_MAX ? window : FLOW_WINDOW_MAX);
	s->payload = mtu - (size_t)SYNC_DATA_OVERHEAD;
	s->stride = (WIRE_ETHER_LEN + (size_t)mtu + 63) / 64 * 64;
	s->offset = s->ack_number = 0;
	s->head = s->tail = 0;
	s->at = s->n = 0;
	s->blocked = 0;
	s->refusals = 0;
	s->quiet = false;
	bulk_work_left(b);
}

static size_t header(const struct bulk *b, uint8_t *frame, enum msg_type type, size_t body_len,
		     uint64_t number)
{
	struct msg_header h = {
		.version = MSG_VERSION,
		.type = (uint8_t)type,
		.path = HA_PATH_LINK,
		.length = (uint16_t)(MSG_HEADER_LEN + body_len + MSG_TAG_LEN),
		.receiver = b->key_id,
		.counter = number,
	};
	size_t len;

	bulk_ether(b, frame);
	len = msg_encode_header(frame + WIRE_ETHER_LEN, MSG_HEADER_LEN, &h);
	assert(len == MSG_HEADER_LEN);
	return WIRE_ETHER_LEN + len;
}

/* ---- from fill() to sealed frames ---- */

/* More than one frame's worth, or all there is: then, and only then, `quiet`. */
static void pull(struct bulk *b)
{
	struct bulk_send *s = &b->send;

	while (s->tail - s->head <= s->payload && !s->quiet) {
		size_t n, cap;

		memmove(s->plain, s->plain + s->head, s->tail - s->head);
		s->tail -= s->head;
		s->head = 0;
		cap = BULK_PLAIN_LEN - s->tail;
		b->inside = true;
		n = b->config.fill(b->config.arg, s->plain + s->tail, cap);
		b->inside = false;
		assert(n <= cap);
		s->tail += n;
		s->quiet = n == 0;
	}
}

/* The next frame into its slot. False: there is nothing to say. */
static bool cut(struct bulk *b, ha_time now, uint64_t *number)
{
	struct bulk_send *s = &b->send;
	struct sync_data clear = {.offset = s->offset};
	uint8_t *frame, *body;
	size_t len;

	pull(b);
	len = s->tail - s->head;
	if (len == 0)
		return false;
	if (len > s->payload)
		len = s->payload;
	else
		clear.flags = SYNC_FLUSH;
	*number = flow_send(&s->flow, now);
	frame = s->frames + *number % FLOW_WINDOW_MAX * s->stride;
	body = frame + header(b, frame, MSG_SYNC_DATA, SYNC_DATA_CLEAR_LEN + len, *number);
	sync_encode_data(body, SYNC_DATA_CLEAR_LEN, &clear);
	seal_data(&b->seal, *number, frame + WIRE_ETHER_LEN, AD_LEN, s->plain + s->head, len,
		  body + SYNC_DATA_CLEAR_LEN);
	s->len[*number % FLOW_WINDOW_MAX] = (uint16_t)(WIRE_ETHER_LEN + SYNC_DATA_OVERHEAD + len);
	s->head += len;
	s->offset += len;
	b->counters.bytes_sent += len;
	return true;
}

/* What is lost goes before what is new. */
static bool collect(struct bulk *b)
{
	struct bulk_send *s = &b->send;
	ha_time now = loop_now();
	uint64_t number;

	assert(s->at == s->n);
	s->at = s->n = 0;
	while (s->n < BULK_BATCH && (flow_lost(&s->flow, now, &number) ||
				     (flow_may_send(&s->flow) && cut(b, now, &number)))) {
		unsigned slot = number % FLOW_WINDOW_MAX;

		s->vector[s->n++] = (struct iovec){
			.iov_base = s->frames + slot * s->stride,
			.iov_len = s->len[slot],
		};
	}
	return s->n > 0;
}

/* ---- out ---- */

/* Waits where waiting helps. Else the frames count as sent and lost: the timeout repeats them. */
static void refused(struct bulk *b, int error)
{
	struct bulk_send *s = &b->send;
	ha_time now = loop_now(), wait = BLOCKED_MIN;

	b->counters.send_waits++;
	for (unsigned i = 0; i < s->refusals && wait < BLOCKED_MAX; i++)
		wait *= 2;
	s->refusals++;
	s->blocked = now + (wait < BLOCKED_MAX ? wait : BLOCKED_MAX);
	if (error == ENOBUFS || error == EAGAIN)
		return;
	s->at = s->n;
	if (error == EMSGSIZE || error == ENXIO || error == ENODEV)
		b->socket.look_at = now;
}

/* False: the kernel takes no more for now. */
static bool flush(struct bulk *b)
{
	struct bulk_send *s = &b->send;

	while (s->at < s->n) {
		int taken = sendmmsg(b->socket.out, s->message + s->at, s->n - s->at, MSG_DONTWAIT);

		if (taken <= 0) {
			refused(b, errno);
			return false;
		}
		s->at += (unsigned)taken;
		s->refusals = 0;
		b->counters.frames_sent += (unsigned)taken;
	}
	return true;
}

void bulk_send_pump(struct bulk *b)
{
	if (!b->hello.up || b->broken || b->socket.out < 0)
		return;
	if (b->hello.prove)
		bulk_send_ack(b);
	/* What arrives before the other side has the keys is lost to it. */
	if (b->send.blocked != 0 || !b->hello.proved)
		return;
	for (unsigned i = 0; i < BULK_SLICE; i++)
		if (!flush(b) || !collect(b))
			return;
	if (flush(b))
		bulk_work_left(b);
}

/* ---- the other two kinds ---- */

void bulk_send_ack(struct bulk *b)
{
	uint8_t frame[ACK_FRAME_LEN];
	struct sync_ack ack;
	size_t at = header(b, frame, MSG_SYNC_ACK, SYNC_ACK_LEN, b->send.ack_number);

	flow_ack(&b->receive.flow, &ack);
	sync_encode_ack(frame + at, SYNC_ACK_LEN, &ack);
	seal_ack(&b->seal, b->send.ack_number++, frame + WIRE_ETHER_LEN,
		 MSG_HEADER_LEN + SYNC_ACK_LEN, frame + at + SYNC_ACK_LEN);
	b->hello.prove = false;
	b->receive.ack_at = HA_NEVER;
	/* Not taken: said again soon, with what has come by then. */
	if (bulk_socket_frame(b, frame, sizeof(frame)) != 0) {
		b->counters.send_waits++;
		b->receive.ack_at = loop_now() + HA_MS;
	}
}

void bulk_send_hello(struct bulk *b, ha_time now)
{
	struct sync_hello hello = {
		.mtu = b->socket.mtu,
		.aes = seal_has_aes(),
		.window = bulk_receive_window(b->socket.mtu),
	};
	uint8_t frame[HELLO_FRAME_LEN];
	size_t at = header(b, frame, MSG_SYNC_HELLO, SYNC_HELLO_LEN, 0), len;

	hello_say(&b->hello, hello.salt, hello.echo, now);
	len = sync_encode_hello(frame + at, SYNC_HELLO_LEN, &hello);
	assert(len == SYNC_HELLO_LEN);
	seal_hello_mac(b->exporter, b->lower, frame + WIRE_ETHER_LEN,
		       MSG_HEADER_LEN + SYNC_HELLO_LEN, frame + at + len);
	/* Whether it is taken or not: it is said again, as any that is lost. */
	(void)bulk_socket_frame(b, frame, sizeof(frame));
}
