/* bulk_receive.c - frames are judged by their number, opened, put in their place, and handed up as whole records.
 *
 * The stream is received into a ring that is mapped twice in a row. What comes in order is decrypted where it belongs:
 * nothing that is there already can be overwritten by a frame that then turns out to be forged. What comes out of order has
 * neighbours, and an offset that nobody has vouched for yet: it is opened aside and copied when it is authentic.
 */
#include "agent/sync/bulk_state.h"

#include <assert.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define ACK_DELAY HA_MS /* for the few that end a batch */

enum {
	AD_LEN = MSG_HEADER_LEN + SYNC_DATA_CLEAR_LEN,
	WINDOW_MAX =
		768,   /* frames: fewer than the kernel queues between two interfaces of one host */
	NAP_AFTER = 6, /* frames of one turn */
	NAP_NS = 20000, /* to which the kernel adds some 50 us */
	ACK_SOME = 8,   /* frames at the end of a batch that are worth an ACK of their own */
	BACKLOG_MAX =
		SYNC_RECORD_HEADER_LEN + SYNC_RECORD_MAX, /* of a record that is not whole yet */
};

int bulk_receive_open(struct bulk_receive *r)
{
	int fd = memfd_create("haagent-sync", MFD_CLOEXEC), error = 0;
	uint8_t *ring;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, BULK_RING_LEN) != 0) {
		error = -errno;
		goto out;
	}
	ring = mmap(NULL, 2 * (size_t)BULK_RING_LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ring == MAP_FAILED) {
		error = -errno;
		goto out;
	}
	r->ring = ring;
	for (unsigned i = 0; i < 2 && !error; i++)
		if (mmap(ring + i * (size_t)BULK_RING_LEN, BULK_RING_LEN, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			error = -errno;
out:
	close(fd);
	return error;
}

void bulk_receive_close(struct bulk_receive *r)
{
	if (r->ring != NULL)
		munmap(r->ring, 2 * (size_t)BULK_RING_LEN);
	r->ring = NULL;
}

void bulk_receive_begin(struct bulk *b)
{
	struct bulk_receive *r = &b->receive;

	flow_receiver_init(&r->flow);
	r->acks = (struct replay){0};
	r->delivered = r->arrived = 0;
	r->ack_at = HA_NEVER;
}

/* What the ring has room for behind a record that lacks its end, and the batch that is being read. */
uint32_t bulk_receive_window(uint16_t mtu)
{
	size_t payload = mtu - (size_t)SYNC_DATA_OVERHEAD;
	size_t window = (BULK_RING_LEN - BACKLOG_MAX) / payload - BULK_BATCH;

	return (uint32_t)(window < WINDOW_MAX ? window : WINDOW_MAX);
}

static uint8_t *place(struct bulk_receive *r, uint64_t offset)
{
	return r->ring + offset % BULK_RING_LEN;
}

/* ---- DATA ---- */

/* The frame has been put in its place, or nobody will ever miss it: the stream goes on behind it as far as it is whole.
 * False: the pieces do not fit together. */
static bool join(struct bulk_receive *r, uint64_t from)
{
	for (uint64_t n = from; n < r->flow.cumulative; n++) {
		if (r->offset[n % FLOW_WINDOW_MAX] != r->arrived)
			return false;
		r->arrived += r->len[n % FLOW_WINDOW_MAX];
	}
	return true;
}

static void take_in(struct bulk *b, uint64_t number, const struct sync_data *clear, size_t len)
{
	struct bulk_receive *r = &b->receive;
	uint64_t from = r->flow.cumulative;

	r->offset[number % FLOW_WINDOW_MAX] = clear->offset;
	r->len[number % FLOW_WINDOW_MAX] = (uint16_t)len;
	flow_received(&r->flow, number, clear->flags & SYNC_FLUSH);
	if (!join(r, from))
		b->broken = true;
	if (clear->flags & SYNC_FLUSH || r->flow.top != r->flow.cumulative)
		r->followed = 0;
	else
		r->followed++;
	b->counters.frames_received++;
	b->counters.bytes_received += len;
}

/* Is there room for it, and is it behind all that has come? */
static bool fits(const struct bulk_receive *r, uint64_t offset, size_t len)
{
	return offset >= r->arrived && offset + len <= r->delivered + BULK_RING_LEN;
}

static enum ha_drop hear_data(struct bulk *b, const struct msg_header *h, const uint8_t *frame)
{
	struct bulk_receive *r = &b->receive;
	enum flow_verdict verdict = flow_judge(&r->flow, h->counter);
	const uint8_t *sealed = frame + AD_LEN;
	struct sync_data clear;
	uint8_t *to = r->scratch;
	bool readable;
	size_t len;

	if (h->length <= SYNC_DATA_OVERHEAD)
		return DROP_BAD_LENGTH;
	if (verdict == FLOW_BEYOND)
		return DROP_REPLAY;
	len = h->length - (size_t)SYNC_DATA_OVERHEAD;
	readable =
		sync_decode_data(frame + MSG_HEADER_LEN, SYNC_DATA_CLEAR_LEN, &clear) == DROP_NONE;
	/* Nothing has come that is behind it, so nothing of worth is where it goes. */
	if (readable && h->counter == r->flow.top && h->counter == r->flow.cumulative &&
	    clear.offset == r->arrived && fits(r, clear.offset, len))
		to = place(r, clear.offset);
	if (!unseal_data(&b->seal, h->counter, frame, AD_LEN, sealed, len, to))
		return DROP_BAD_TAG;
	hello_proof(&b->hello);
	if (verdict == FLOW_DUPLICATE) {
		flow_received(&r->flow, h->counter, false);
		return DROP_REPLAY;
	}
	if (!readable || !fits(r, clear.offset, len)) {
		b->broken = true;
		return DROP_BAD_VALUE;
	}
	if (to == r->scratch)
		memcpy(place(r, clear.offset), r->scratch, len);
	take_in(b, h->counter, &clear, len);
	return DROP_NONE;
}

/* ---- the other two kinds ---- */

static enum ha_drop hear_ack(struct bulk *b, const struct msg_header *h, const uint8_t *frame,
			     ha_time now)
{
	const uint8_t *body = frame + MSG_HEADER_LEN;
	struct sync_ack ack;
	enum ha_drop drop;

	if (!unseal_ack(&b->seal, h->counter, frame, MSG_HEADER_LEN + SYNC_ACK_LEN,
			body + SYNC_ACK_LEN))
		return DROP_BAD_TAG;
	if (!replay_accept(&b->receive.acks, h->counter))
		return DROP_REPLAY;
	hello_proof(&b->hello);
	drop = sync_decode_ack(body, SYNC_ACK_LEN, &ack);
	if (!drop && !flow_acknowledge(&b->send.flow, &ack, now))
		drop = DROP_BAD_VALUE;
	return drop;
}

static enum ha_drop hear_hello(struct bulk *b, const uint8_t *frame, ha_time now)
{
	const uint8_t *body = frame + MSG_HEADER_LEN;
	uint8_t mac[MSG_TAG_LEN];
	struct sync_hello hello;
	hello_salt fresh;
	enum ha_drop drop;

	seal_hello_mac(b->exporter, !b->lower, frame, MSG_HEADER_LEN + SYNC_HELLO_LEN, mac);
	if (sodium_memcmp(mac, body + SYNC_HELLO_LEN, MSG_TAG_LEN) != 0)
		return DROP_BAD_TAG;
	drop = sync_decode_hello(body, SYNC_HELLO_LEN, &hello);
	if (drop)
		return drop;
	randombytes_buf(fresh, sizeof(fresh));
	if (hello_heard(&b->hello, &hello, fresh, now) == HELLO_BEGIN)
		bulk_begin_stream(b, &hello, now);
	return DROP_NONE;
}

static enum ha_drop hear(struct bulk *b, const uint8_t *frame, size_t len, ha_time now)
{
	struct msg_header h;
	enum ha_drop drop;

	if (len < WIRE_ETHER_LEN)
		return DROP_TRUNCATED;
	drop = msg_decode_header(frame + WIRE_ETHER_LEN, len - WIRE_ETHER_LEN, HA_PATH_LINK, &h);
	if (drop)
		return drop;
	if (memcmp(frame, b->group.b, sizeof(b->group.b)) != 0)
		return DROP_RELAYED;
	frame += WIRE_ETHER_LEN;
	if (h.receiver != b->key_id)
		return DROP_UNKNOWN_INDEX;
	if (h.type == MSG_SYNC_HELLO)
		return hear_hello(b, frame, now);
	if (!b->hello.up)
		return DROP_UNKNOWN_INDEX;
	return h.type == MSG_SYNC_ACK ? hear_ack(b, &h, frame, now) : hear_data(b, &h, frame);
}

/* ---- a batch ---- */

struct batch {
	struct bulk *bulk;
	ha_time now;
};

static void hear_one(uint8_t *arg, const struct pcap_pkthdr *info, const uint8_t *frame)
{
	const struct batch *batch = (const void *)arg;
	struct bulk *b = batch->bulk;
	enum ha_drop drop;

	if (b->broken)
		return;
	drop = hear(b, frame, info->caplen, batch->now);
	if (drop)
		bulk_count(b, drop);
	if (b->hello.up && flow_ack_due(&b->receive.flow))
		bulk_send_ack(b);
}

/* All records that are whole. */
static void deliver(struct bulk *b)
{
	struct bulk_receive *r = &b->receive;
	enum sync_record_type type;
	uint32_t len;

	while (!b->broken && r->arrived - r->delivered >= SYNC_RECORD_HEADER_LEN) {
		const uint8_t *record = place(r, r->delivered);

		if (!sync_decode_record(record, &type, &len)) {
			b->broken = true;
			return;
		}
		if (r->arrived - r->delivered - SYNC_RECORD_HEADER_LEN < len)
			return;
		b->inside = true;
		if (!b->config.record(b->config.arg, type, record + SYNC_RECORD_HEADER_LEN, len))
			b->broken = true;
		b->inside = false;
		r->delivered += SYNC_RECORD_HEADER_LEN + len;
	}
}

static void acknowledge_rest(struct bulk *b, ha_time now)
{
	struct bulk_receive *r = &b->receive;

	if (b->broken || r->flow.unacknowledged == 0)
		return;
	if (r->flow.unacknowledged >= ACK_SOME)
		bulk_send_ack(b);
	else if (r->ack_at == HA_NEVER)
		r->ack_at = now + ACK_DELAY;
}

/* In the middle of a stream: lets some frames gather. To be woken for each costs the sender's processor more, where it
 * takes the interrupt, than to send it.
 */
static void nap(const struct bulk *b)
{
	static const struct timespec while_they_gather = {.tv_nsec = NAP_NS};

	if (b->hello.up && b->receive.followed >= NAP_AFTER)
		nanosleep(&while_they_gather, NULL);
}

void bulk_receive_ready(void *arg, uint32_t events)
{
	struct batch batch = {.bulk = arg};
	struct bulk *b = arg;
	int n = BULK_BATCH;

	(void)events;
	b->receive.followed = 0;
	for (unsigned i = 0; i < BULK_SLICE && n == BULK_BATCH && !b->broken; i++) {
		batch.now = loop_now();
		n = pcap_dispatch(b->socket.pcap, BULK_BATCH, hear_one, (uint8_t *)&batch);
		if (n < 0) {
			bulk_socket_close(b, batch.now);
			break;
		}
		if (!b->hello.up)
			continue;
		deliver(b);
		acknowledge_rest(b, batch.now);
	}
	if (b->socket.pcap != NULL && b->keyed && batch.now >= hello_due(&b->hello))
		bulk_send_hello(b, batch.now);
	bulk_send_pump(b);
	bulk_settle(b);
	if (n < BULK_BATCH)
		nap(b);
}
