/* bulkblast.c - how fast the bulk stream of the settings sync is, between two interfaces.
 *
 *   bulkblast serve DEVICE               the one end: takes everything, answers a DONE with a DONE, until killed
 *   bulkblast blast DEVICE MEGABYTES     the other: sends so much in blocks of 64 KiB, then a DONE; prints the rate
 *   bulkblast ping DEVICE ROUNDS         ... or single small records, each after the answer to the one before; prints the
 *                                        time that a round takes
 *
 * Whoever blasts or pings has the lower key. Exits 1 when nobody answers within 60 s.
 */
#include <sodium.h>

#include "agent/sync/bulk.h"
#include "tests/system/tools/tool.h"

enum {
	ROUNDS_MAX = 100000,
	DONE_LEN = 5,
	BLOCK_HEADER_LEN = 12,
};

#define PATIENCE (60 * HA_SEC)

static struct loop loop;
static struct bulk *bulk;
static bool serving, pinging, finished;
static unsigned answers;        /* serve: owed */
static uint64_t left;           /* blast: bytes to be sent */
static bool said;               /* the DONE */
static unsigned rounds, done_n; /* ping */
static ha_time began, round_began;
static ha_time took[ROUNDS_MAX];
static uint8_t block[SYNC_BLOCK_LEN];

static size_t put_done(uint8_t *out)
{
	struct sync_done done = {.ticket = 1};

	sync_encode_record(out, SYNC_DONE, DONE_LEN);
	return SYNC_RECORD_HEADER_LEN +
	       sync_encode_done(out + SYNC_RECORD_HEADER_LEN, DONE_LEN, &done);
}

static size_t put_block(uint8_t *out)
{
	struct sync_block b = {.ticket = 1, .data = block, .len = SYNC_BLOCK_LEN};
	size_t len = SYNC_RECORD_HEADER_LEN;

	sync_encode_record(out, SYNC_BLOCK, BLOCK_HEADER_LEN + SYNC_BLOCK_LEN);
	len += sync_encode_block(out + len, BLOCK_HEADER_LEN, &b);
	memcpy(out + len, block, sizeof(block));
	left -= left < sizeof(block) ? left : sizeof(block);
	return len + sizeof(block);
}

static size_t fill(void *arg, uint8_t *out, size_t cap)
{
	size_t len = 0;

	(void)arg;
	if (serving) {
		if (answers == 0)
			return 0;
		answers--;
		return put_done(out);
	}
	while (left > 0 && cap - len >= sizeof(block) + 64 && len < 4 * sizeof(block))
		len += put_block(out + len);
	if (len == 0 && !said) {
		said = true;
		round_began = loop_now();
		return put_done(out);
	}
	return len;
}

static bool record(void *arg, enum sync_record_type type, const uint8_t *body, size_t len)
{
	(void)arg;
	(void)body;
	(void)len;
	if (type != SYNC_DONE)
		return true;
	if (serving) {
		answers++;
		bulk_wake(bulk);
	} else if (pinging && done_n < rounds) {
		took[done_n++] = loop_now() - round_began;
		finished = done_n == rounds;
		said = finished;
		bulk_wake(bulk);
	} else {
		finished = true;
	}
	return true;
}

static void up(void *arg)
{
	(void)arg;
	began = loop_now();
	answers = 0;
}

static void down(void *arg)
{
	(void)arg;
	if (!serving)
		die("bulkblast: the stream has ended");
}

static void on_timer(void *arg, ha_time now)
{
	(void)arg;
	bulk_timer(bulk, now);
}

static int compare(const void *a, const void *b)
{
	const ha_time *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void report(uint64_t bytes)
{
	ha_time now = loop_now();
	struct bulk_counters c;

	bulk_counters(bulk, &c);
	if (pinging) {
		qsort(took, rounds, sizeof(took[0]), compare);
		printf("%u rounds, us: median %.0f, 99 %% %.0f, worst %.0f\n", rounds,
		       (double)took[rounds / 2] / 1e3, (double)took[rounds * 99 / 100] / 1e3,
		       (double)took[rounds - 1] / 1e3);
		return;
	}
	printf("%.2f Gb/s, %.3f s; mtu %u, %s, frames %lu, repeats %lu, timeouts %lu, waits %lu, "
	       "rtt %.0f us\n",
	       (double)bytes * 8 / (double)(now - began), (double)(now - began) / 1e9, c.mtu,
	       c.aes ? "AES-256-GCM" : "ChaCha20-Poly1305", c.frames_sent, c.repeats, c.timeouts,
	       c.send_waits, (double)c.rtt / 1e3);
}

int main(int argc, char **argv)
{
	static const uint8_t exporter[HA_KEY_LEN] = "bulkblast";
	struct bulk_config config = {
		.direct = true,
		.loop = &loop,
		.up = up,
		.down = down,
		.record = record,
		.fill = fill,
	};
	uint64_t bytes = 0;
	ha_time until;

	if (argc < 3 || sodium_init() < 0)
		die("usage: bulkblast serve|blast|ping DEVICE [MEGABYTES|ROUNDS]");
	snprintf(config.ifname, sizeof(config.ifname), "%s", argv[2]);
	serving = strcmp(argv[1], "serve") == 0;
	pinging = strcmp(argv[1], "ping") == 0;
	if (pinging && argc == 4)
		rounds = (unsigned)number(argv[3], ROUNDS_MAX);
	else if (!serving && argc == 4)
		left = bytes = number(argv[3], 1UL << 20) << 20;
	else if (!serving)
		die("bulkblast: how much?");
	randombytes_buf(block, sizeof(block));
	if (loop_init(&loop, on_timer, NULL) || bulk_open(&bulk, &config))
		die("bulkblast: cannot start");
	bulk_key(bulk, exporter, !serving);
	until = loop_now() + PATIENCE;
	while (!finished && (serving || loop_now() < until)) {
		loop_arm(&loop, bulk_deadline(bulk));
		if (loop_run_once(&loop))
			die("bulkblast: the loop has ended");
	}
	if (!finished)
		return 1;
	report(bytes);
	bulk_close(bulk);
	loop_close(&loop);
	return 0;
}
