/* bulk_live.c - the stream of the settings sync over a real pair of interfaces, in a network namespace of each test's own:
 *
 *	ha0 (bulk 0) ---- ha1 (bulk 1)
 *
 * Both ends are served by one loop. Each says numbered records of all sizes, whose bytes follow from their number, and
 * expects those of the other in order: so whatever is lost, repeated or mixed up is seen at once. Where no namespace may be
 * made the tests are skipped.
 */
#include "agent/sync/bulk.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/wire.h"

enum {
	BLOCK_LEAST = 13, /* bytes of a BLOCK's body */
	BLOCK_MOST = 12 + SYNC_BLOCK_LEN,
	WANT_MOST = SYNC_RECORD_MAX - 64, /* something that only just is a WANT */
	CAPTURE_MAX = 4096,
	TYPE = 15, /* offset of the type in a frame; of the other things that are tampered with: */
	KEY_ID = 20,
	NUMBER = 24,
};

#define PATIENCE (60 * HA_SEC)

static struct loop loop;

static struct end {
	struct bulk *bulk;
	struct bulk_config config;
	unsigned ups, downs;
	unsigned to_say, said, heard; /* records of this stream */
	bool refuse;                  /* the next record makes no sense */
	bool babble;                  /* says what is no record */
} end[2];

static const uint8_t exporter[HA_KEY_LEN] = "one", other_exporter[HA_KEY_LEN] = "another";

static void run(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

/* ---- the records ---- */

static size_t length_of(unsigned n)
{
	if (n % 50 == 49)
		return WANT_MOST - n % 7;
	return n % 5 == 0 ? BLOCK_MOST : BLOCK_LEAST + n * 7919 % (n % 3 == 0 ? 60 : 20000);
}

static enum sync_record_type type_of(unsigned n)
{
	return length_of(n) > BLOCK_MOST ? SYNC_WANT : SYNC_BLOCK;
}

static uint8_t byte_of(unsigned n, size_t i)
{
	return (uint8_t)(n * 31 + i * 7 + i / 253);
}

static size_t say(void *arg, uint8_t *out, size_t cap)
{
	struct end *e = arg;
	size_t at = 0;

	cr_assert_geq(cap, SYNC_RECORD_HEADER_LEN + SYNC_RECORD_MAX);
	if (e->babble) {
		e->babble = false;
		memset(out, 0xff, 100);
		return 100;
	}
	while (e->said < e->to_say && SYNC_RECORD_HEADER_LEN + length_of(e->said) <= cap - at) {
		size_t len = length_of(e->said);

		sync_encode_record(out + at, type_of(e->said), (uint32_t)len);
		at += SYNC_RECORD_HEADER_LEN;
		for (size_t i = 0; i < len; i++)
			out[at++] = byte_of(e->said, i);
		e->said++;
	}
	return at;
}

static bool hear(void *arg, enum sync_record_type type, const uint8_t *body, size_t len)
{
	struct end *e = arg;

	cr_assert_eq(type, type_of(e->heard), "record %u", e->heard);
	cr_assert_eq(len, length_of(e->heard), "record %u", e->heard);
	for (size_t i = 0; i < len; i++)
		if (body[i] != byte_of(e->heard, i))
			cr_assert_fail("record %u, byte %zu of %zu", e->heard, i, len);
	e->heard++;
	if (e->refuse) {
		e->refuse = false;
		return false;
	}
	return true;
}

static void up(void *arg)
{
	struct end *e = arg;

	cr_assert_eq(e->ups, e->downs, "up twice");
	e->ups++;
	e->said = e->heard = 0;
}

static void down(void *arg)
{
	struct end *e = arg;

	e->downs++;
	cr_assert_eq(e->ups, e->downs, "down twice");
}

/* ---- the two ends ---- */

static void on_timer(void *arg, ha_time now)
{
	(void)arg;
	for (unsigned i = 0; i < 2; i++)
		if (end[i].bulk != NULL)
			bulk_timer(end[i].bulk, now);
}

static void open_end(unsigned i)
{
	end[i].config = (struct bulk_config){
		.ifname = "ha0",
		.direct = true,
		.loop = &loop,
		.arg = &end[i],
		.up = up,
		.down = down,
		.record = hear,
		.fill = say,
	};
	end[i].config.ifname[2] = i ? '1' : '0';
	cr_assert_eq(bulk_open(&end[i].bulk, &end[i].config), 0);
	bulk_key(end[i].bulk, exporter, i == 0);
}

static void close_end(unsigned i)
{
	bulk_close(end[i].bulk);
	end[i].bulk = NULL;
	end[i].downs = end[i].ups;
}

static void enter(void)
{
	cr_assert_geq(sodium_init(), 0);
	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("no network namespace: %s", strerror(errno));
	run("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6;"
	    "ip link add ha0 address 02:00:00:00:00:01 type veth "
	    "peer name ha1 address 02:00:00:00:00:02 && ip link set ha0 up && ip link set ha1 up");
	cr_assert_eq(loop_init(&loop, on_timer, NULL), 0);
	open_end(0);
	open_end(1);
}

static void leave(void)
{
	bulk_close(end[0].bulk);
	bulk_close(end[1].bulk);
	loop_close(&loop);
}

TestSuite(bulk_live, .init = enter, .fini = leave);

static void turn(ha_time at_most)
{
	ha_time at = loop_now() + at_most;

	for (unsigned i = 0; i < 2; i++)
		if (end[i].bulk != NULL && bulk_deadline(end[i].bulk) < at)
			at = bulk_deadline(end[i].bulk);
	loop_arm(&loop, at);
	cr_assert_eq(loop_run_once(&loop), 0);
}

#define AWAIT(condition)                                                                           \
	do {                                                                                       \
		ha_time until = loop_now() + PATIENCE;                                             \
                                                                                                   \
		while (!(condition)) {                                                             \
			cr_assert_lt(loop_now(), until, "in vain: %s", #condition);                \
			turn(HA_SEC);                                                              \
		}                                                                                  \
	} while (0)

static void rest(ha_time duration)
{
	for (ha_time until = loop_now() + duration; loop_now() < until;)
		turn(until - loop_now());
}

static bool both_up(void)
{
	return end[0].bulk && end[1].bulk && bulk_is_up(end[0].bulk) && bulk_is_up(end[1].bulk);
}

static void more(unsigned i, unsigned n)
{
	end[i].to_say += n;
	bulk_wake(end[i].bulk);
}

static bool all_heard(void)
{
	return end[0].heard == end[1].to_say && end[1].heard == end[0].to_say &&
	       end[0].said == end[0].to_say && end[1].said == end[1].to_say;
}

static struct bulk_counters counters(unsigned i)
{
	struct bulk_counters c;

	bulk_counters(end[i].bulk, &c);
	return c;
}

/* ---- records ---- */

Test(bulk_live, records_of_all_sizes_in_both_directions)
{
	AWAIT(both_up());
	more(0, 300);
	more(1, 120);
	AWAIT(all_heard());
	cr_assert_eq(end[0].ups, 1);
	cr_assert_eq(end[1].ups, 1);
	cr_assert_eq(counters(0).bytes_sent, counters(1).bytes_received);
	cr_assert_eq(counters(1).bytes_sent, counters(0).bytes_received);
	cr_assert_eq(counters(0).mtu, 1500);
	cr_assert_gt(counters(0).rtt, 0);
}

Test(bulk_live, single_small_records_one_after_the_other)
{
	AWAIT(both_up());
	for (unsigned round = 0; round < 100; round++) {
		more(round % 2, 1);
		AWAIT(all_heard());
	}
	cr_assert_lt(counters(0).frames_sent, 1500, "each in few frames, and none for nothing");
}

Test(bulk_live, what_was_to_be_said_before_the_stream_was_up)
{
	end[0].to_say = end[1].to_say = 3;
	AWAIT(both_up() && all_heard());
}

Test(bulk_live, a_wire_that_loses_a_fifth)
{
	if (system("nft add table netdev t && "
		   "nft 'add chain netdev t a { type filter hook ingress device ha0 priority 0; }' "
		   "&& "
		   "nft 'add chain netdev t b { type filter hook ingress device ha1 priority 0; }' "
		   "&& "
		   "nft add rule netdev t a numgen random mod 100 '<' 20 drop && "
		   "nft add rule netdev t b numgen random mod 100 '<' 20 drop") != 0)
		cr_skip_test("no nftables");
	AWAIT(both_up());
	more(0, 300);
	more(1, 300);
	AWAIT(all_heard());
	cr_assert_eq(end[0].ups, 1);
	cr_assert_gt(counters(0).repeats, counters(0).frames_sent / 12);
	run("nft flush ruleset");
	more(0, 1);
	AWAIT(all_heard());
}

Test(bulk_live, jumbo_frames_and_unequal_ends)
{
	run("ip link set ha0 mtu 9000 && ip link set ha1 mtu 9000");
	AWAIT(both_up() && counters(0).mtu == 9000 && counters(1).mtu == 9000);
	more(0, 100);
	more(1, 100);
	AWAIT(all_heard());

	run("ip link set ha1 mtu 2000");
	AWAIT(both_up() && counters(0).mtu == 2000 && counters(1).mtu == 2000 && all_heard());
	cr_assert_geq(end[0].ups, 2, "it was another stream");

	run("ip link set ha0 mtu 65535");
	AWAIT(counters(1).mtu == 2000 && both_up() && all_heard());
}

/* ---- streams ---- */

Test(bulk_live, a_record_that_makes_no_sense_ends_the_stream_and_another_begins)
{
	AWAIT(both_up());
	more(0, 10);
	AWAIT(all_heard());
	end[1].refuse = true;
	more(0, 1);
	AWAIT(end[0].ups == 2 && end[1].ups == 2 && all_heard());
	cr_assert_eq(end[0].downs, 1);
	cr_assert_eq(end[1].downs, 1);
}

Test(bulk_live, what_is_no_record_ends_the_stream)
{
	AWAIT(both_up());
	end[0].babble = true;
	end[0].to_say = 5;
	bulk_wake(end[0].bulk);
	AWAIT(end[0].ups == 2 && end[1].ups == 2 && all_heard());
}

Test(bulk_live, a_peer_that_starts_anew)
{
	AWAIT(both_up());
	for (unsigned round = 0; round < 6; round++) {
		unsigned i = round % 2, before = end[!i].ups;

		more(0, 40);
		more(1, 40);
		if (round < 2)
			AWAIT(all_heard());
		else
			AWAIT(end[i].heard > 5);
		close_end(i);
		open_end(i);
		AWAIT(end[!i].ups == before + 1 && both_up() && all_heard());
	}
}

Test(bulk_live, another_key_another_stream)
{
	AWAIT(both_up());
	more(0, 5);
	AWAIT(all_heard());
	bulk_key(end[0].bulk, exporter, true); /* the same: nothing happens */
	cr_assert(bulk_is_up(end[0].bulk));

	bulk_key(end[0].bulk, other_exporter, true);
	cr_assert_eq(end[0].downs, 1);
	rest(200 * HA_MS);
	cr_assert_not(bulk_is_up(end[0].bulk), "the other has the old one still");
	cr_assert_gt(counters(1).drop[DROP_UNKNOWN_INDEX], 0);
	bulk_key(end[1].bulk, other_exporter, false);
	AWAIT(both_up() && all_heard());

	bulk_key(end[0].bulk, NULL, true);
	cr_assert_not(bulk_is_up(end[0].bulk));
	cr_assert_eq(bulk_deadline(end[0].bulk) == HA_NEVER || end[0].downs == 2, 1);
	run("! ip maddress show dev ha0 | grep -q 01:80:c2:00:00:0e");
	bulk_key(end[0].bulk, exporter, true);
	bulk_key(end[1].bulk, exporter, false);
	AWAIT(both_up() && all_heard());
}

Test(bulk_live, both_that_think_they_are_the_lower_never_meet)
{
	bulk_key(end[1].bulk, exporter, true);
	rest(300 * HA_MS);
	cr_assert_not(bulk_is_up(end[0].bulk));
	cr_assert_gt(counters(0).drop[DROP_BAD_TAG], 0);
}

/* ---- interfaces ---- */

Test(bulk_live, down_and_up_in_the_middle_goes_on)
{
	AWAIT(both_up());
	for (unsigned round = 0; round < 4; round++) {
		more(0, 200);
		more(1, 200);
		AWAIT(end[1].heard > end[0].to_say - 180);
		run(round % 2 ? "ip link set ha0 down" : "ip link set ha1 down");
		rest(150 * HA_MS);
		cr_assert_not(all_heard());
		run(round % 2 ? "ip link set ha0 up" : "ip link set ha1 up");
		AWAIT(all_heard());
	}
	cr_assert_eq(end[0].ups, 1);
	cr_assert_eq(end[1].ups, 1);
}

Test(bulk_live, an_interface_that_is_deleted_and_comes_back)
{
	AWAIT(both_up());
	more(0, 500);
	AWAIT(end[1].heard > 10);
	run("ip link del ha0");
	rest(250 * HA_MS);
	run("ip link add ha0 address 02:00:00:00:00:01 type veth "
	    "peer name ha1 address 02:00:00:00:00:02 && ip link set ha0 up && ip link set ha1 up");
	AWAIT(both_up() && all_heard());
	cr_assert_eq(end[0].ups, 1, "the same MTU and address: the same stream");

	run("ip link del ha0");
	run("ip link add ha0 address 02:00:00:00:00:03 type veth "
	    "peer name ha1 address 02:00:00:00:00:02 && ip link set ha0 up && ip link set ha1 up");
	more(1, 5);
	AWAIT(end[0].ups == 2 && both_up() && all_heard());
}

Test(bulk_live, an_interface_that_is_not_there_yet)
{
	close_end(0);
	close_end(1);
	end[0].ups = end[0].downs = end[1].ups = end[1].downs = 0;
	run("ip link del ha0");
	open_end(0);
	open_end(1);
	rest(250 * HA_MS);
	run("ip link add ha0 address 02:00:00:00:00:01 type veth "
	    "peer name ha1 address 02:00:00:00:00:02 && ip link set ha0 up");
	rest(250 * HA_MS);
	run("ip link set ha1 up");
	AWAIT(both_up());
	more(0, 3);
	AWAIT(all_heard());
}

/* ---- strangers ---- */

struct frame {
	uint8_t bytes[1600];
	size_t len;
};

static struct frame captured[CAPTURE_MAX];
static unsigned captured_n;

/* A socket for what comes in at ha0, or to send at ha1 what then does. */
static int raw(const char *ifname)
{
	const struct sockaddr_ll at = {.sll_family = AF_PACKET,
				       .sll_protocol = htons(MSG_ETHERTYPE),
				       .sll_ifindex = (int)if_nametoindex(ifname)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0), one = 1;

	cr_assert_geq(fd, 0);
	cr_assert_eq(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)), 0);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void capture(int fd)
{
	while (captured_n < CAPTURE_MAX) {
		struct frame *f = &captured[captured_n];
		ssize_t len = recv(fd, f->bytes, sizeof(f->bytes), 0);

		if (len < 0)
			return;
		f->len = (size_t)len;
		captured_n++;
	}
}

static void inject(int fd, const uint8_t *bytes, size_t len)
{
	cr_assert_eq(send(fd, bytes, len, 0), (ssize_t)len, "%s", strerror(errno));
}

/* A story on the wire, all of it recorded as it came in at ha0. */
static int record_story(void)
{
	int in = raw("ha0");

	for (unsigned round = 0; round < 8; round++) {
		AWAIT(both_up());
		more(1, 2);
		more(0, 2);
		AWAIT(all_heard());
		capture(in);
		if (round % 2 == 0) {
			unsigned before = end[0].ups;

			close_end(1);
			open_end(1);
			AWAIT(end[0].ups == before + 1);
			AWAIT(both_up() && all_heard());
		}
		capture(in);
	}
	rest(100 * HA_MS);
	capture(in);
	close(in);
	cr_assert_gt(captured_n, 50);
	return raw("ha1");
}

Test(bulk_live, a_replay_of_everything_changes_nothing)
{
	int out = record_story();
	unsigned ups[2] = {end[0].ups, end[1].ups}, heard = end[0].heard;
	uint64_t replays = counters(0).drop[DROP_REPLAY];

	for (unsigned i = 0; i < captured_n; i++) {
		inject(out, captured[i].bytes, captured[i].len);
		if (i % 10 == 0)
			rest(5 * HA_MS);
	}
	rest(200 * HA_MS);
	cr_assert_eq(end[0].heard, heard);
	cr_assert_gt(counters(0).drop[DROP_REPLAY], replays);
	cr_assert_gt(counters(0).drop[DROP_BAD_TAG], 0, "those of earlier streams");
	more(0, 20);
	more(1, 20);
	AWAIT(all_heard());
	cr_assert_eq(end[0].ups, ups[0]);
	cr_assert_eq(end[1].ups, ups[1]);
	close(out);
}

Test(bulk_live, forged_frames_are_counted_and_change_nothing)
{
	static const struct {
		unsigned at;
		enum ha_drop drop;
	} forgeries[] = {
		{0, DROP_RELAYED},          {TYPE - 1, DROP_BAD_VERSION},
		{TYPE + 1, DROP_BAD_PATH},  {KEY_ID, DROP_UNKNOWN_INDEX},
		{NUMBER + 7, DROP_BAD_TAG},
	};
	int out = record_story();
	unsigned ups = end[0].ups, data = 0;

	for (unsigned i = captured_n; i-- > 0 && data < 20;) {
		struct frame *f = &captured[i];

		if (f->bytes[TYPE] != MSG_SYNC_DATA)
			continue;
		data++;
		for (unsigned k = 0; k < sizeof(forgeries) / sizeof(forgeries[0]); k++) {
			uint64_t before = counters(0).drop[forgeries[k].drop];
			uint8_t bit = forgeries[k].drop == DROP_RELAYED ? 0x02 : 0x40;

			f->bytes[forgeries[k].at] ^= bit;
			inject(out, f->bytes, f->len);
			f->bytes[forgeries[k].at] ^= bit;
			AWAIT(counters(0).drop[forgeries[k].drop] > before);
		}
	}
	cr_assert_eq(data, 20);
	more(1, 20);
	AWAIT(all_heard());
	cr_assert_eq(end[0].ups, ups);
	close(out);
}

/* What is the next in order is decrypted in place before its tag is known: a forgery there must leave no trace, whatever
 * offset it names. */
Test(bulk_live, a_forged_next_frame_spoils_nothing)
{
	int out = record_story();
	unsigned last = captured_n;
	uint64_t before, number = 0;
	struct frame f;

	while (captured[--last].bytes[TYPE] != MSG_SYNC_DATA)
		continue;
	f = captured[last];
	for (unsigned i = 0; i < 8; i++)
		number = number << 8 | f.bytes[NUMBER + i];
	for (unsigned ahead = 1; ahead < 6; ahead++)
		for (unsigned offset = 0; offset < 2; offset++) {
			for (unsigned i = 0; i < 8; i++)
				f.bytes[NUMBER + i] = (uint8_t)((number + ahead) >> (56 - 8 * i));
			memset(f.bytes + 32, offset ? 0xff : 0, 8);
			before = counters(0).drop[DROP_BAD_TAG];
			inject(out, f.bytes, f.len);
			AWAIT(counters(0).drop[DROP_BAD_TAG] > before);
		}
	/* far beyond every window: not even opened */
	memset(f.bytes + NUMBER, 0x7f, 8);
	before = counters(0).drop[DROP_REPLAY];
	inject(out, f.bytes, f.len);
	AWAIT(counters(0).drop[DROP_REPLAY] > before);
	more(1, 50);
	AWAIT(all_heard());
	close(out);
}

Test(bulk_live, truncated_at_every_length)
{
	int out = record_story();
	unsigned ups = end[0].ups;

	for (unsigned type = MSG_SYNC_DATA; type <= MSG_SYNC_HELLO; type++) {
		unsigned last = captured_n;

		while (captured[--last].bytes[TYPE] != type)
			cr_assert_gt(last, 0);
		for (size_t len = 16; len < captured[last].len && len < 300; len++) {
			uint64_t before = counters(0).drop[DROP_TRUNCATED];

			inject(out, captured[last].bytes, len);
			AWAIT(counters(0).drop[DROP_TRUNCATED] > before);
		}
	}
	more(1, 5);
	AWAIT(all_heard());
	cr_assert_eq(end[0].ups, ups);
	close(out);
}

Test(bulk_live, heartbeats_do_not_come_here)
{
	uint8_t frame[60] = {1, 0x80, 0xc2, 0, 0,    0x0e, 2, 0,
			     0, 0,    0,    9, 0x88, 0xb5, 1, MSG_HEARTBEAT};
	struct bulk_counters before;
	int out = raw("ha1");

	AWAIT(both_up());
	rest(100 * HA_MS);
	before = counters(0);
	for (unsigned i = 0; i < 100; i++)
		inject(out, frame, sizeof(frame));
	more(1, 1);
	AWAIT(all_heard());
	cr_assert_arr_eq(counters(0).drop, before.drop, sizeof(before.drop));
	close(out);
}
