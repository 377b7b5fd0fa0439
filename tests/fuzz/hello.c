/* hello - two sides that agree on streams, and somebody between them who has every HELLO that was ever said.
 *
 *   steps: time, what is sent, what of it arrives, and when; one side begins anew
 *
 * No salt of a side serves two streams, and nobody takes up a stream but with somebody who said so. Once the wire is good again
 * both are in the same stream, and know it.
 */
#include "tests/fuzz/fuzz.h"

#include "agent/sync/hello.h"

enum {
	SAID = 64,
	STREAMS = 512,
	STEPS_MAX = 800,
};

struct said {
	unsigned from;
	bool proof; /* a frame of the stream of own and peer */
	hello_salt own, peer;
	struct sync_hello hello;
};

static struct {
	struct hello hello[2];
	hello_salt served[2][STREAMS];
	unsigned streams[2], salts;
	ha_time now;
	struct said said[SAID];
	unsigned said_n;
} w;

static void fresh(unsigned side, hello_salt out)
{
	memset(out, 0, SYNC_SALT_LEN);
	out[0] = (uint8_t)(1 + side);
	w.salts++;
	memcpy(out + 4, &w.salts, sizeof(w.salts));
}

static void begin_anew(unsigned side)
{
	hello_salt salt;

	fresh(side, salt);
	hello_init(&w.hello[side], salt, w.now);
}

static void note_stream(unsigned side)
{
	const struct hello *h = &w.hello[side];

	FUZZ_CHECK(h->up && h->own[0] == 1 + side && h->peer[0] == 2 - side);
	FUZZ_CHECK(memcmp(h->own, h->next, SYNC_SALT_LEN) != 0);
	for (unsigned i = 0; i < w.streams[side] && i < STREAMS; i++)
		FUZZ_CHECK(memcmp(w.served[side][i], h->own, SYNC_SALT_LEN) != 0);
	memcpy(w.served[side][w.streams[side]++ % STREAMS], h->own, SYNC_SALT_LEN);
}

static bool of_stream(const struct said *m, const struct hello *h)
{
	return h->up && memcmp(m->own, h->peer, SYNC_SALT_LEN) == 0 &&
	       memcmp(m->peer, h->own, SYNC_SALT_LEN) == 0;
}

static void arrive(const struct said *m)
{
	unsigned to = 1 - m->from;
	hello_salt salt;

	if (m->proof) {
		if (of_stream(m, &w.hello[to]))
			hello_proof(&w.hello[to]);
		return;
	}
	fresh(to, salt);
	if (hello_heard(&w.hello[to], &m->hello, salt, w.now) == HELLO_BEGIN)
		note_stream(to);
}

static struct said *log_said(unsigned from)
{
	struct said *m = &w.said[w.said_n++ % SAID];

	*m = (struct said){.from = from};
	return m;
}

/* What is due of a side. NULL: nothing. */
static const struct said *say(unsigned side)
{
	struct hello *h = &w.hello[side];
	struct said *m;

	if (h->prove) {
		FUZZ_CHECK(h->up);
		h->prove = false;
		m = log_said(side);
		m->proof = true;
		memcpy(m->own, h->own, SYNC_SALT_LEN);
		memcpy(m->peer, h->peer, SYNC_SALT_LEN);
		return m;
	}
	if (hello_due(h) > w.now)
		return NULL;
	m = log_said(side);
	hello_say(h, m->hello.salt, m->hello.echo, w.now);
	FUZZ_CHECK(hello_due(h) > w.now);
	FUZZ_CHECK(m->hello.salt[0] == 1 + side);
	return m;
}

static void step(struct script *s)
{
	uint8_t op = script_u8(s);
	unsigned side = op >> 7, n = w.said_n < SAID ? w.said_n : SAID;
	const struct said *m;

	switch (op % 8) {
	case 0:
		w.now += (ha_time)script_u8(s) * HA_MS;
		break;
	case 1:
		begin_anew(side);
		break;
	case 2:
	case 3:
		if (n > 0)
			arrive(&w.said[(w.said_n - 1 - script_u8(s) % n) % SAID]);
		break;
	case 4:
		(void)say(side);
		break;
	default:
		m = say(side);
		if (m != NULL)
			arrive(m);
		break;
	}
}

static bool agree(void)
{
	const struct hello *a = &w.hello[0], *b = &w.hello[1];

	return a->up && b->up && a->proved && b->proved &&
	       memcmp(a->own, b->peer, SYNC_SALT_LEN) == 0 &&
	       memcmp(b->own, a->peer, SYNC_SALT_LEN) == 0;
}

/* An echo in vain is given up after a few, and slow ones come once a second. */
static void heal(void)
{
	for (ha_time until = w.now + 20 * HA_SEC; w.now < until && !agree(); w.now += HA_MS) {
		for (unsigned side = 0; side < 2; side++) {
			const struct said *m = say(side);

			if (m != NULL)
				arrive(m);
		}
	}
	FUZZ_CHECK(agree());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct script s = {data, len};

	memset(&w, 0, sizeof(w));
	w.now = 1000 * HA_SEC;
	begin_anew(0);
	begin_anew(1);
	for (unsigned i = 0; i < STEPS_MAX && !script_ended(&s); i++)
		step(&s);
	heal();
	return 0;
}
