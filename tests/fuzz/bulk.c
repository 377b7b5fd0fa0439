/* bulk - the stream's receiving end: frames as a capture would hold them, by somebody who has the key, or who has not.
 *
 *   how; then steps: a HELLO, a DATA, an ACK, well made or not; bytes; what is to be said; time; another key
 *
 * There is no socket: frames come out of a capture in memory, and what is sent falls away. Records are handed up whole, of lengths that
 * their types can have, and are the bytes of the stream in their order.
 */
#include "tests/fuzz/fuzz.h"

#include <pcap/pcap.h>
#include <sodium.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/sync/bulk_state.h"
#include "proto/cursor.h"

enum {
	STEPS_MAX = 120,
	CAPTURE_LEN = 1 << 18,
	PCAP_HEADER_LEN = 24,
	AD_LEN = MSG_HEADER_LEN + SYNC_DATA_CLEAR_LEN,
	STREAM_MAX = 1 << 21,
};

static const uint8_t exporters[2][HA_KEY_LEN] = {"one", "another"};

static struct {
	struct loop loop;
	struct bulk *bulk;
	int sink[2]; /* what is sent ends up in the second */
	uint8_t capture[CAPTURE_LEN];
	size_t len;
	unsigned exporter;
	struct seal seal; /* of the peer's side */
	bool sealed;
	unsigned ups, downs;
	uint64_t number, offset, ack; /* of what the peer sends next */
	uint8_t *stream;              /* what it has said, in order */
	uint64_t handed;              /* bytes of it that came up as records */
	uint32_t to_say;
	bool honest; /* the peer has said nothing twice in two ways */
} w;

/* ---- its callbacks ---- */

static void up(void *arg)
{
	(void)arg;
	FUZZ_CHECK(w.ups == w.downs);
	w.ups++;
	if (w.sealed)
		seal_close(&w.seal);
	w.sealed = seal_open(&w.seal, w.bulk->exporter, !w.bulk->lower, w.bulk->hello.peer,
			     w.bulk->hello.own, w.bulk->counters.aes) == 0;
	w.number = w.offset = w.ack = w.handed = 0;
	w.honest = true;
}

static void down(void *arg)
{
	(void)arg;
	FUZZ_CHECK(w.ups == w.downs + 1);
	w.downs++;
}

static bool record(void *arg, enum sync_record_type type, const uint8_t *body, size_t len)
{
	uint8_t header[SYNC_RECORD_HEADER_LEN];
	enum sync_record_type same;
	uint32_t n;

	(void)arg;
	FUZZ_CHECK(w.ups == w.downs + 1 && w.sealed);
	sync_encode_record(header, type, (uint32_t)len);
	FUZZ_CHECK(sync_decode_record(header, &same, &n) && same == type && n == len);
	if (w.honest) {
		FUZZ_CHECK(w.handed + sizeof(header) + len <= w.offset);
		FUZZ_CHECK(memcmp(w.stream + w.handed, header, sizeof(header)) == 0);
		FUZZ_CHECK(memcmp(w.stream + w.handed + sizeof(header), body, len) == 0);
	}
	w.handed += sizeof(header) + len;
	return type != SYNC_COMPARE || w.handed % 16 != 0;
}

static size_t fill(void *arg, uint8_t *out, size_t cap)
{
	size_t n = 0;

	(void)arg;
	FUZZ_CHECK(cap >= SYNC_RECORD_HEADER_LEN + SYNC_RECORD_MAX);
	for (; w.to_say > 0 && n + 16 <= cap; w.to_say--) {
		sync_encode_record(out + n, SYNC_COMPARE, 0);
		n += SYNC_RECORD_HEADER_LEN;
	}
	return n;
}

/* ---- frames of the peer ---- */

static void put_frame(const uint8_t *frame, size_t len)
{
	uint32_t info[4] = {0, 0, (uint32_t)len, (uint32_t)len};

	if (w.len + sizeof(info) + len > sizeof(w.capture))
		return;
	memcpy(w.capture + w.len, info, sizeof(info));
	memcpy(w.capture + w.len + sizeof(info), frame, len);
	w.len += sizeof(info) + len;
}

static size_t put_header(uint8_t *frame, enum msg_type type, size_t body_len, uint64_t number)
{
	struct msg_header h = {
		.version = MSG_VERSION,
		.type = (uint8_t)type,
		.path = HA_PATH_LINK,
		.length = (uint16_t)(MSG_HEADER_LEN + body_len + MSG_TAG_LEN),
		.receiver = w.bulk->key_id,
		.counter = number,
	};

	memcpy(frame, w.bulk->group.b, 6);
	memset(frame + 6, 2, 6);
	frame[12] = MSG_ETHERTYPE >> 8;
	frame[13] = MSG_ETHERTYPE & 0xff;
	return WIRE_ETHER_LEN + msg_encode_header(frame + WIRE_ETHER_LEN, MSG_HEADER_LEN, &h);
}

/* With a bit turned, now and then. */
static void finish(uint8_t *frame, size_t len, struct script *s)
{
	uint8_t how = script_u8(s);

	if (how >= 0xf0)
		frame[script_number(s, 2) % len] ^= (uint8_t)(1u << (how & 7));
	put_frame(frame, len);
}

static void say_hello(struct script *s)
{
	const struct hello *h = &w.bulk->hello;
	uint8_t frame[WIRE_ETHER_LEN + MSG_HEADER_LEN + SYNC_HELLO_LEN + MSG_TAG_LEN];
	size_t at = put_header(frame, MSG_SYNC_HELLO, SYNC_HELLO_LEN, 0);
	struct sync_hello m = {.mtu = 1500, .window = 64};
	uint8_t how = script_u8(s);

	m.salt[0] = how & 0x80 ? script_u8(s) : 1 + how % 4;
	if (how & 0x40)
		m.salt[1] = script_u8(s);
	if ((how >> 2 & 3) == 1)
		memcpy(m.echo, h->up ? h->next : h->own, SYNC_SALT_LEN);
	else if ((how >> 2 & 3) == 2)
		memcpy(m.echo, h->own, SYNC_SALT_LEN);
	else if ((how >> 2 & 3) == 3)
		m.echo[0] = script_u8(s);
	m.aes = how & 0x10;
	if (how & 0x20) {
		m.mtu = (uint16_t)(576 + script_number(s, 2) % (9216 - 576 + 1));
		m.window = 1 + (uint32_t)script_number(s, 2) % SYNC_ACK_BITS;
	}
	if (sync_encode_hello(frame + at, SYNC_HELLO_LEN, &m) == 0)
		return;
	seal_hello_mac(w.bulk->exporter, !w.bulk->lower, frame + WIRE_ETHER_LEN,
		       MSG_HEADER_LEN + SYNC_HELLO_LEN, frame + at + SYNC_HELLO_LEN);
	finish(frame, sizeof(frame), s);
}

/* A piece of the stream, whatever its number and offset. */
static void put_data(uint64_t number, uint64_t offset, uint8_t flags, const uint8_t *piece,
		     size_t len, struct script *s)
{
	static uint8_t frame[WIRE_ETHER_LEN + MSG_SYNC_LEN_MAX];
	struct sync_data clear = {.offset = offset, .flags = flags};
	size_t at = put_header(frame, MSG_SYNC_DATA, SYNC_DATA_CLEAR_LEN + len, number);

	if (!w.sealed || sync_encode_data(frame + at, SYNC_DATA_CLEAR_LEN, &clear) == 0)
		return;
	seal_data(&w.seal, number, frame + WIRE_ETHER_LEN, AD_LEN, piece, len,
		  frame + at + SYNC_DATA_CLEAR_LEN);
	finish(frame, at + SYNC_DATA_CLEAR_LEN + len + MSG_TAG_LEN, s);
}

/* Records, one behind the other, in frames that may overtake each other. */
static void say_records(struct script *s)
{
	uint8_t how = script_u8(s), first = script_u8(s);
	uint64_t from = w.offset;
	unsigned frames = 1 + how % 8;
	uint64_t at[8], len[8];

	for (unsigned n = 1 + how / 8 % 8; n > 0 && w.offset + (1 << 17) < STREAM_MAX; n--) {
		uint8_t what = script_u8(s);
		uint32_t body = what & 1   ? 5
				: what & 2 ? 13 + (uint32_t)script_number(s, 2) % SYNC_BLOCK_LEN
					   : 0;
		enum sync_record_type type = what & 1   ? SYNC_DONE
					     : what & 2 ? SYNC_BLOCK
							: SYNC_COMPARE;

		if (type == SYNC_BLOCK && body > 12 + SYNC_BLOCK_LEN)
			body = 12 + SYNC_BLOCK_LEN;
		if (what == 0xff) { /* no record at all */
			memset(w.stream + w.offset, 0xff, SYNC_RECORD_HEADER_LEN);
			w.offset += SYNC_RECORD_HEADER_LEN;
			break;
		}
		sync_encode_record(w.stream + w.offset, type, body);
		memset(w.stream + w.offset + SYNC_RECORD_HEADER_LEN, what, body);
		w.offset += SYNC_RECORD_HEADER_LEN + body;
	}
	/* Cut into so many pieces; the last one is what is left, in frames of their own. */
	for (unsigned i = 0; i < frames && from < w.offset; i++) {
		at[i] = from;
		len[i] = i + 1 < frames ? 1 + script_number(s, 2) % 1400 : 8000;
		if (len[i] > w.offset - from)
			len[i] = w.offset - from;
		from += len[i];
		if (i + 1 == frames || from == w.offset)
			frames = i + 1;
	}
	for (unsigned i = 0; i < frames; i++) {
		unsigned n = (first & 1 ? frames - 1 - i : i);

		put_data(w.number + n, at[n], first & 2 ? SYNC_FLUSH : 0, w.stream + at[n],
			 (size_t)len[n], s);
	}
	w.number += frames;
	for (; from < w.offset; w.number++) {
		uint64_t n = w.offset - from < 8000 ? w.offset - from : 8000;

		put_data(w.number, from, 0, w.stream + from, (size_t)n, s);
		from += n;
	}
}

static void say_anything(struct script *s)
{
	static uint8_t piece[MSG_SYNC_LEN_MAX - SYNC_DATA_OVERHEAD];
	uint8_t how = script_u8(s);
	uint64_t number = how & 1 ? w.number + script_u8(s) : script_number(s, how & 2 ? 8 : 1);
	uint64_t offset = how & 4 ? w.offset + script_u8(s) : script_number(s, how & 8 ? 8 : 2);
	size_t len = 1 + script_number(s, 2) % sizeof(piece);

	w.honest = false;
	memset(piece, script_u8(s), sizeof(piece));
	put_data(number, offset, script_u8(s), piece, len, s);
}

static void say_ack(struct script *s)
{
	uint8_t frame[WIRE_ETHER_LEN + MSG_HEADER_LEN + SYNC_ACK_LEN + MSG_TAG_LEN];
	size_t at = put_header(frame, MSG_SYNC_ACK, SYNC_ACK_LEN, w.ack);
	uint8_t how = script_u8(s);
	struct sync_ack ack = {.cumulative = how & 1 ? w.bulk->send.flow.next - script_u8(s) % 4
						     : script_number(s, how & 2 ? 8 : 1)};

	if (how & 4)
		script_bytes(s, ack.bitmap, 4);
	if (!w.sealed || sync_encode_ack(frame + at, SYNC_ACK_LEN, &ack) == 0)
		return;
	seal_ack(&w.seal, w.ack, frame + WIRE_ETHER_LEN, MSG_HEADER_LEN + SYNC_ACK_LEN,
		 frame + at + SYNC_ACK_LEN);
	w.ack += !(how & 8);
	finish(frame, sizeof(frame), s);
}

static void say_bytes(struct script *s)
{
	uint8_t frame[256];
	size_t len = script_u8(s);

	script_bytes(s, frame, len);
	if (script_bool(s) && len >= WIRE_ETHER_LEN + MSG_HEADER_LEN)
		put_header(frame, MSG_SYNC_DATA + script_u8(s) % 3,
			   len - WIRE_ETHER_LEN - MSG_HEADER_LEN - script_u8(s) % 17, script_u8(s));
	put_frame(frame, len);
}

/* ---- the end that is tested ---- */

static void drain(void)
{
	static uint8_t frame[WIRE_ETHER_LEN + MSG_SYNC_LEN_MAX];

	while (recv(w.sink[1], frame, sizeof(frame), MSG_DONTWAIT) > 0)
		;
}

static void begin_capture(void)
{
	static const uint32_t start[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, DLT_EN10MB};

	memcpy(w.capture, start, PCAP_HEADER_LEN);
	w.len = PCAP_HEADER_LEN;
}

/* All that was captured arrives. */
static void arrive(void)
{
	char text[PCAP_ERRBUF_SIZE];
	FILE *file = fmemopen(w.capture, w.len, "r");

	FUZZ_CHECK(file != NULL);
	w.bulk->socket.pcap = pcap_fopen_offline(file, text);
	FUZZ_CHECK(w.bulk->socket.pcap != NULL);
	bulk_receive_ready(w.bulk, EPOLLIN);
	FUZZ_CHECK(w.bulk->socket.pcap != NULL);
	drain();
	bulk_timer(w.bulk, bulk_deadline(w.bulk) == HA_NEVER ? loop_now() : bulk_deadline(w.bulk));
	drain();
	if (w.bulk->socket.pcap != NULL)
		pcap_close(w.bulk->socket.pcap);
	w.bulk->socket.pcap = NULL;
	begin_capture();
}

static void open_sink(void)
{
	if (w.bulk->socket.out < 0)
		w.bulk->socket.out = dup(w.sink[0]);
	FUZZ_CHECK(w.bulk->socket.out >= 0);
	w.bulk->socket.mtu = 9000;
	w.bulk->socket.look_at = HA_NEVER;
	w.bulk->socket.retry_at = HA_NEVER;
}

static void other_key(struct script *s)
{
	uint8_t how = script_u8(s);

	w.exporter = how & 1;
	bulk_key(w.bulk, (how & 6) == 6 ? NULL : exporters[w.exporter], how & 8);
	if ((how & 6) == 6)
		bulk_key(w.bulk, exporters[w.exporter], how & 8);
	open_sink();
}

static void step(struct script *s)
{
	switch (script_u8(s) % 16) {
	case 0:
	case 1:
		say_hello(s);
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		say_records(s);
		break;
	case 6:
		say_anything(s);
		break;
	case 7:
		say_ack(s);
		break;
	case 8:
		say_bytes(s);
		break;
	case 9:
		w.to_say += script_u8(s);
		bulk_wake(w.bulk);
		break;
	case 10:
		if (script_u8(s) == 0)
			other_key(s);
		break;
	default:
		arrive();
		break;
	}
}

static void on_timer(void *arg, ha_time now)
{
	(void)arg;
	(void)now;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct bulk_config config = {.ifname = "fuzz-none",
				     .loop = &w.loop,
				     .up = up,
				     .down = down,
				     .record = record,
				     .fill = fill};

	(void)argc;
	(void)argv;
	w.stream = malloc(STREAM_MAX + (1 << 18));
	return sodium_init() < 0 || w.stream == NULL || loop_init(&w.loop, on_timer, NULL) != 0 ||
	       bulk_open(&w.bulk, &config) != 0 ||
	       socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, w.sink) != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct script s = {data, len};
	uint8_t how = script_u8(&s);

	w.ups = w.downs = 0;
	w.to_say = 0;
	bulk_key(w.bulk, exporters[0], how & 1);
	open_sink();
	begin_capture();
	if (how & 2) {
		const uint8_t both[] = {4 | 1, 0}; /* it echoes what this side says */
		struct script hello = {both, sizeof(both)};

		say_hello(&hello);
		arrive();
		FUZZ_CHECK(w.ups == 1);
	}
	for (unsigned i = 0; i < STEPS_MAX && !script_ended(&s); i++)
		step(&s);
	arrive();
	bulk_key(w.bulk, NULL, false);
	FUZZ_CHECK(w.ups == w.downs && !bulk_is_up(w.bulk));
	if (w.sealed)
		seal_close(&w.seal);
	w.sealed = false;
	return 0;
}
