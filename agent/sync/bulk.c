/* bulk.c - see bulk.h: the life of a stream, and what is due by time.
 *
 * Every way in (a descriptor, the timer, a call) does its work in a bounded slice and ends in bulk_settle(). What is left
 * is told to the loop by an eventfd, so that other descriptors have their turn in between.
 */
#include "agent/sync/bulk_state.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Between the end of a stream that made no sense and the next: the other side may send the same again. */
#define BULK_REST (100 * HA_MS)

static void wake_ready(void *arg, uint32_t events)
{
	struct bulk *b = arg;
	uint64_t n;

	(void)events;
	if (read(b->wake, &n, sizeof(n)) < 0)
		return;
	b->send.quiet = false;
	bulk_send_pump(b);
	bulk_settle(b);
}

void bulk_work_left(struct bulk *b)
{
	uint64_t one = 1;
	ssize_t written = write(b->wake, &one, sizeof(one));

	assert(written == sizeof(one));
}

void bulk_count(struct bulk *b, enum ha_drop drop)
{
	b->counters.drop[drop]++;
}

int bulk_open(struct bulk **out, const struct bulk_config *config)
{
	struct bulk *b = calloc(1, sizeof(*b));
	int error;

	if (b == NULL)
		return -ENOMEM;
	b->config = *config;
	b->group = wire_group(HA_PATH_LINK, config->direct);
	b->socket.in = b->socket.out = -1;
	b->deadline = HA_NEVER;
	b->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = b->wake < 0 ? -errno : loop_add(config->loop, b->wake, wake_ready, b);
	if (!error)
		error = bulk_send_open(&b->send);
	if (!error)
		error = bulk_receive_open(&b->receive);
	if (error) {
		bulk_close(b);
		return error;
	}
	*out = b;
	return 0;
}

static void forget(struct bulk *b)
{
	bulk_socket_close(b, HA_NEVER);
	seal_close(&b->seal);
	sodium_memzero(b->exporter, sizeof(b->exporter));
	sodium_memzero(&b->hello, sizeof(b->hello));
	b->keyed = false;
}

void bulk_close(struct bulk *b)
{
	if (b == NULL)
		return;
	assert(!b->inside);
	forget(b);
	loop_remove(b->config.loop, b->wake);
	if (b->wake >= 0)
		close(b->wake);
	bulk_send_close(&b->send);
	bulk_receive_close(&b->receive);
	free(b);
}

/* ---- streams ---- */

static void end_stream(struct bulk *b)
{
	b->counters.repeats += b->send.flow.repeats;
	b->counters.timeouts += b->send.flow.timeouts;
	b->send.flow.repeats = b->send.flow.timeouts = 0;
	b->broken = false;
	seal_close(&b->seal);
	b->inside = true;
	b->config.down(b->config.arg);
	b->inside = false;
}

void bulk_restart(struct bulk *b, ha_time at)
{
	hello_salt fresh;
	bool was_up = b->hello.up;

	randombytes_buf(fresh, sizeof(fresh));
	hello_init(&b->hello, fresh, at);
	if (was_up)
		end_stream(b);
}

/* hello.own and hello.peer have changed already. */
void bulk_begin_stream(struct bulk *b, const struct sync_hello *peer, ha_time now)
{
	uint16_t mtu = peer->mtu < b->socket.mtu ? peer->mtu : b->socket.mtu;
	bool aes = peer->aes && seal_has_aes();

	if (b->seal.data_out != NULL)
		end_stream(b);
	if (seal_open(&b->seal, b->exporter, b->lower, b->hello.own, b->hello.peer, aes) != 0) {
		/* Nobody has been told of it yet. */
		hello_salt fresh;

		randombytes_buf(fresh, sizeof(fresh));
		hello_init(&b->hello, fresh, now + BULK_REST);
		return;
	}
	bulk_send_begin(b, mtu, peer->window);
	bulk_receive_begin(b);
	b->counters.streams++;
	b->counters.aes = aes;
	b->counters.mtu = mtu;
	b->inside = true;
	b->config.up(b->config.arg);
	b->inside = false;
}

void bulk_key(struct bulk *b, const uint8_t exporter[HA_KEY_LEN], bool lower)
{
	bool was_up = b->hello.up;

	assert(!b->inside);
	if (exporter != NULL && b->keyed && lower == b->lower &&
	    sodium_memcmp(exporter, b->exporter, HA_KEY_LEN) == 0)
		return;
	sodium_memzero(&b->hello, sizeof(b->hello)); /* another key, other salts */
	if (was_up)
		end_stream(b);
	if (exporter == NULL) {
		forget(b);
	} else {
		memcpy(b->exporter, exporter, HA_KEY_LEN);
		b->key_id = seal_key_id(exporter);
		b->lower = lower;
		b->keyed = true;
		bulk_restart(b, loop_now());
		if (b->socket.pcap == NULL)
			bulk_socket_try(b, loop_now());
	}
	bulk_settle(b);
}

/* ---- the rest ---- */

void bulk_wake(struct bulk *b)
{
	if (!b->send.quiet)
		return; /* it will be asked anyway */
	b->send.quiet = false;
	bulk_work_left(b);
}

bool bulk_is_up(const struct bulk *b)
{
	return b->hello.up;
}

ha_time bulk_deadline(const struct bulk *b)
{
	return b->deadline;
}

static ha_time earlier(ha_time a, ha_time b)
{
	return a < b ? a : b;
}

static ha_time due(const struct bulk *b)
{
	ha_time at = HA_NEVER;

	if (!b->keyed)
		return HA_NEVER;
	if (b->socket.pcap == NULL)
		return b->socket.retry_at;
	at = earlier(b->socket.look_at, hello_due(&b->hello));
	if (!b->hello.up)
		return at;
	at = earlier(at, b->receive.ack_at);
	if (b->send.blocked != 0)
		return earlier(at, b->send.blocked);
	return earlier(at, flow_deadline(&b->send.flow));
}

/* The deadline moves with every ACK. It is let stand where it is too early: that costs a wake now and then, and spares
 * arming the timer all the time. */
void bulk_settle(struct bulk *b)
{
	ha_time now;

	if (b->broken) {
		now = loop_now();
		bulk_restart(b, now + BULK_REST);
	}
	b->deadline = earlier(b->deadline, due(b));
}

void bulk_timer(struct bulk *b, ha_time now)
{
	if (now < b->deadline)
		return;
	b->deadline = HA_NEVER;
	if (!b->keyed)
		return;
	if (b->socket.pcap == NULL && now >= b->socket.retry_at)
		bulk_socket_try(b, now);
	if (b->socket.pcap != NULL && now >= b->socket.look_at)
		bulk_socket_look(b, now);
	if (b->socket.pcap != NULL) {
		if (now >= hello_due(&b->hello))
			bulk_send_hello(b, now);
		if (b->hello.up && now >= b->receive.ack_at)
			bulk_send_ack(b);
		if (b->send.blocked != 0 && now >= b->send.blocked)
			b->send.blocked = 0;
		if (b->hello.up && b->send.blocked == 0)
			flow_timer(&b->send.flow, now);
		bulk_send_pump(b);
	}
	bulk_settle(b);
}

void bulk_counters(const struct bulk *b, struct bulk_counters *out)
{
	*out = b->counters;
	out->repeats += b->send.flow.repeats;
	out->timeouts += b->send.flow.timeouts;
	out->rtt = b->hello.up ? b->send.flow.rtt : 0;
}
