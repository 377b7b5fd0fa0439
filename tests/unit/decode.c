/* A capture as text: what each message says, what is wrong with one that is malformed, and nothing that a terminal would
 * obey.
 */
#include "agent/decode.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pcapng.h"
#include "proto/decision.h"
#include "proto/disown.h"
#include "proto/msg_account.h"
#include "proto/node.h"
#include "proto/requirement.h"
#include "proto/session.h"
#include "proto/sync_msg.h"

#define AT   "2026-01-31T12:00:00.123456789Z "
#define FROM " 02:00:00:00:00:01 "

static const int64_t at_ns = 1769860800123456789;
static uint8_t bytes[MSG_SYNC_LEN_MAX];
static char line[DECODE_LINE_MAX];
static bool good;

/* The line of so much of bytes, and of so much on the wire; without time and source, which are always the same. */
static const char *decode(size_t len, size_t wire_len)
{
	const struct decode_frame frame = {
		.time_ns = at_ns,
		.source = {{2, 0, 0, 0, 0, 1}},
		.message = bytes,
		.len = len,
		.wire_len = wire_len,
	};
	char *from;

	good = decode_line(line, &frame);
	cr_assert_eq(strncmp(line, AT, strlen(AT)), 0, "%s", line);
	from = strstr(line, FROM);
	cr_assert_not_null(from, "%s", line);
	return from + strlen(FROM);
}

/* A frame with that body and a tag of zeros; its length. */
static size_t put(enum msg_type type, enum ha_path path, const uint8_t *body, size_t len)
{
	size_t total = MSG_HEADER_LEN + len + msg_tag_len(type);
	const struct msg_header h = {
		.version = MSG_VERSION,
		.type = (uint8_t)type,
		.path = (uint8_t)path,
		.length = (uint16_t)total,
		.receiver = 7,
		.counter = 11,
	};

	memset(bytes, 0, sizeof(bytes));
	msg_encode_header(bytes, sizeof(bytes), &h);
	memcpy(bytes + MSG_HEADER_LEN, body, len);
	return total;
}

static const struct msg_heartbeat heartbeat = {
	.boot = 3,
	.number = 12,
	.mode = HA_MODE_PRIMARY_PASSIVE,
	.state = HA_SUSPENDED,
	.reason = REASON_SUSPENDED,
	.flags = MSG_FLAG_REACH_OK | MSG_FLAG_CARRIER,
	.why_not = WHY_NOT_SUSPENDED | WHY_NOT_CHECK,
	.term = 4,
	.handover = {HANDOVER_ACK, 5, 6, 70},
	.heard = {{100, 20}, {0, UINT32_MAX}},
	.reach_age_ms = UINT32_MAX,
	.lineage = {.term = 4, .number = 9, .digest = {0xab, 0xcd}},
	.identity_revision = 2,
	.lateness_us = 33,
	.sent_us = 44,
	.echo_us = 55,
	.echo_hold_us = 66,
	.suspended_s = UINT32_MAX,
};

static size_t put_heartbeat(void)
{
	uint8_t body[256];

	return put(MSG_HEARTBEAT, HA_PATH_MANAGEMENT, body,
		   msg_encode_heartbeat(body, sizeof(body), &heartbeat));
}

Test(decode, a_heartbeat)
{
	size_t len = put_heartbeat();

	cr_expect_str_eq(
		decode(len, len),
		"HEARTBEAT receiver=00000007 counter=11 boot=3 number=12 state=suspended "
		"claim=none term=4 "
		"mode=\"primary (passive)\" reason=\"suspended by an operator\" "
		"flags=reach_ok,carrier "
		"why_not=suspended,check handover=ack id=5.6 grant_ms=70 heard.link=100,20us "
		"heard.management=0,never reach_age_ms=never lineage=4.9 digest=abcd000000000000 "
		"identity=2 "
		"lateness_us=33 sent_us=44 echo_us=55 echo_hold_us=66 suspended_s=until_resumed");
	cr_expect(good);
	cr_expect_not_null(strstr(line, AT "management" FROM));
}

Test(decode, a_beacon_solicit_and_answer)
{
	const struct msg_solicit solicit = {.nonce = 0x1122334455667788};
	static const uint8_t key[HA_KEY_LEN] = {0xaa, [31] = 0xbb};
	uint8_t body[64];
	size_t len = session_beacon(key, 9, HA_PATH_LINK, bytes, sizeof(bytes));

	cr_expect_str_eq(decode(len, len),
			 "BEACON boot=9 "
			 "key=aa000000000000000000000000000000000000000000000000000000000000bb");
	len = msg_encode_solicit(body, sizeof(body), &solicit);
	len = put(MSG_SOLICIT, HA_PATH_LINK, body, len);
	cr_expect_str_eq(decode(len, len),
			 "SOLICIT receiver=00000007 counter=11 nonce=1122334455667788");
	bytes[1] = MSG_ANSWER;
	cr_expect_str_eq(decode(len, len),
			 "ANSWER receiver=00000007 counter=11 nonce=1122334455667788");
}

static size_t put_identity(const struct msg_identity *m)
{
	uint8_t body[1024];

	return put(MSG_IDENTITY, HA_PATH_LINK, body, msg_encode_identity(body, sizeof(body), m));
}

Test(decode, an_identity_and_what_a_peer_may_call_itself)
{
	struct msg_identity m = {
		.revision = 5,
		.model = "1100",
		.host_name = "a\" b=\\\xc3\xa9\xe2\x80\xae",
		.management_mac = {{2, 0, 0, 0, 0, 9}},
		.management = {{{HA_IPV4, {192, 0, 2, 11}}, 24}},
		.vip = {{HA_IPV6, {0x20, 1, 0xd, 0xb8, [15] = 1}}},
		.flags = MSG_IDENTITY_DIRECT,
		.heartbeat_us = 1,
		.dead_us = 2,
		.confirm_us = 3,
	};
	size_t len = put_identity(&m);

	cr_expect_str_eq(
		decode(len, len),
		"IDENTITY receiver=00000007 counter=11 revision=5 "
		"host_name=\"a\\\" b=\\\\\xc3\xa9\\xe2\\x80\\xae\" model=\"1100\" firmware=\"\" "
		"hotfix=\"\" patch=\"\" agent=\"\" mac=02:00:00:00:00:09 "
		"management=192.0.2.11/24 virtual_ip=2001:db8:0:0:0:0:0:1 "
		"cluster_id=00000000000000000000000000000000 direct=1 heartbeat_us=1 dead_us=2 "
		"confirm_us=3");
	cr_expect(good);
	bytes[MSG_HEADER_LEN + 132] = 0x1b; /* its name */
	cr_expect_str_eq(decode(len, len),
			 "IDENTITY bad_value version=1 path=0 length=561 present=561");
	cr_expect_not(good);
}

Test(decode, a_join_a_detach_and_a_disown)
{
	static const uint8_t secret[HA_KEY_LEN];
	struct msg_join join = {
		.op = JOIN_REFUSE, .refusal = JOIN_REQUIREMENTS, .cause = {0, 0, 9, [11] = 250}};
	const struct msg_detach detach = {DETACH_REFUSE, DETACH_HOLDS, {1}};
	const struct msg_addresses addresses = {
		.op = ADDRESSES_REFUSE,
		.refusal = ADDRESSES_OWN,
		.cluster_id = {1},
		.vip = {{HA_IPV4, {192, 0, 2, 100}}, {HA_IPV6, {0x20, 1, 0xd, 0xb8, [15] = 1}}},
	};
	const struct msg_disown disown = {.boot = 4, .why = PARTING_REMOVED};
	uint8_t body[256];
	size_t len = put(MSG_JOIN, HA_PATH_LINK, body, msg_encode_join(body, sizeof(body), &join));

	cr_expect_str_eq(
		decode(len, len),
		"JOIN receiver=00000007 counter=11 op=refuse refusal=\"requirements not met\" "
		"version=\"firmware differs\" protocol=\"?\",250");
	join = (struct msg_join){.op = JOIN_REQUEST, .address = {HA_IPV4, {192, 0, 2, 1}}};
	len = put(MSG_JOIN, HA_PATH_LINK, body, msg_encode_join(body, sizeof(body), &join));
	cr_expect_str_eq(decode(len, len),
			 "JOIN receiver=00000007 counter=11 op=request address=192.0.2.1");
	len = put(MSG_DETACH, HA_PATH_LINK, body, msg_encode_detach(body, sizeof(body), &detach));
	cr_expect_str_eq(
		decode(len, len),
		"DETACH receiver=00000007 counter=11 op=refuse refusal=\"holds the virtual IP\" "
		"cluster_id=01000000000000000000000000000000");
	len = put(MSG_ADDRESSES, HA_PATH_LINK, body,
		  msg_encode_addresses(body, sizeof(body), &addresses));
	cr_expect_str_eq(decode(len, len), "ADDRESSES receiver=00000007 counter=11 op=refuse "
					   "refusal=\"an address of its own\" "
					   "virtual_ip=192.0.2.100 virtual_ip=2001:db8:0:0:0:0:0:1 "
					   "cluster_id=01000000000000000000000000000000");
	len = disown_seal(&disown, HA_PATH_LINK, secret, bytes, sizeof(bytes));
	cr_expect_str_eq(decode(len, len),
			 "DISOWN why=removed boot=4 cluster_id=00000000000000000000000000000000 "
			 "key=0000000000000000000000000000000000000000000000000000000000000000");
}

Test(decode, an_account)
{
	const struct msg_account m = {
		.boot = 3,
		.decided = 9 * HA_MS,
		.from = HA_PASSIVE,
		.to = HA_ACTIVE,
		.reason = REASON_BOTH_SILENT,
		.term = 4,
		.path = {{.heard = HA_MS, .missed = 5, .carrier = ACCOUNT_CARRIER_DOWN}},
		.probe = {.rounds = 3},
		.peer = {.state = HA_ACTIVE, .claim = HA_CLAIM_HOLDING},
		.lease = {.on = 10 * HA_MS},
	};
	uint8_t body[MSG_ACCOUNT_LEN];
	size_t len =
		put(MSG_ACCOUNT, HA_PATH_LINK, body, msg_encode_account(body, sizeof(body), &m));

	cr_expect_str_eq(
		decode(len, len),
		"ACCOUNT receiver=00000007 counter=11 boot=3 from=passive to=active "
		"reason=\"peer silent on both paths, segment alive\" term=4 decided_us=9000 "
		"link.missed=5 link.carrier=down link.heard_us=1000 management.missed=0 "
		"management.carrier=unknown probes=3 solicits=0 peer.state=active "
		"peer.claim=holding lease.on_us=10000");
	cr_expect(good);
}

Test(decode, a_handshake)
{
	/* KK, step 1: what is fixed, a message of 48 bytes, the MAC */
	uint8_t body[22 + 48 + 16] = {1, 1, 0, 0, 0, 5, [13] = 6, [21] = 7};
	size_t len = put(MSG_HANDSHAKE, HA_PATH_LINK, body, sizeof(body));

	cr_expect_str_eq(decode(len, len),
			 "HANDSHAKE receiver=00000007 counter=11 pattern=KKpsk0 step=1 "
			 "sender=00000005 boot=6 sequence=7");
	bytes[MSG_HEADER_LEN + 1] = 3;
	cr_expect_str_eq(decode(len, len),
			 "HANDSHAKE bad_handshake version=1 path=0 length=104 present=104");
	bytes[MSG_HEADER_LEN] = 0;
	cr_expect_str_eq(decode(len, len),
			 "HANDSHAKE bad_length version=1 path=0 length=104 present=104");
}

Test(decode, the_sync_as_far_as_it_is_in_the_clear)
{
	const struct sync_hello hello = {.salt = {1}, .mtu = 9000, .aes = true, .window = 512};
	const struct sync_data data = {.offset = 1000, .flags = SYNC_FLUSH};
	const struct sync_ack ack = {.cumulative = 4, .bitmap = {3, [127] = 0x80}};
	uint8_t body[256] = {0};
	size_t len = put(MSG_SYNC_HELLO, HA_PATH_LINK, body,
			 sync_encode_hello(body, sizeof(body), &hello));

	cr_expect_str_eq(decode(len, len),
			 "SYNC_HELLO receiver=00000007 counter=11 "
			 "salt=01000000000000000000000000000000 "
			 "echo=00000000000000000000000000000000 mtu=9000 aes=1 window=512");
	len = put(MSG_SYNC_ACK, HA_PATH_LINK, body, sync_encode_ack(body, sizeof(body), &ack));
	cr_expect_str_eq(decode(len, len),
			 "SYNC_ACK receiver=00000007 counter=11 cumulative=4 beyond=3");
	sync_encode_data(body, sizeof(body), &data);
	len = put(MSG_SYNC_DATA, HA_PATH_LINK, body, 9 + 100);
	cr_expect_str_eq(decode(len, len),
			 "SYNC_DATA receiver=00000007 counter=11 offset=1000 bytes=100 flush");
	cr_expect_str_eq(decode(27, len),
			 "SYNC_DATA receiver=00000007 counter=11 offset=1000 bytes=100 flush",
			 "what is encrypted is not needed");
	cr_expect_str_eq(decode(26, len), "SYNC_DATA receiver=00000007 counter=11 cut");
	cr_expect(good);
}

Test(decode, a_decision)
{
	struct decision m = {
		.number = 5,
		.event = EVENT_STATE,
		.from = HA_PASSIVE,
		.to = HA_ACTIVE,
		.reason = REASON_BOTH_SILENT,
		.term = 6,
		.detail = 7,
	};

	cr_assert_eq(decision_encode(bytes, sizeof(bytes), &m), DECISION_LEN);
	cr_expect_str_eq(
		decode(DECISION_LEN, DECISION_LEN),
		"DECISION number=5 event=state from=passive to=active "
		"reason=\"peer silent on both paths, segment alive\" rule=T2 term=6 detail=7");
	cr_expect_not_null(strstr(line, AT "decisions" FROM));
	m = (struct decision){.event = 250, .reason = 251, .subject = "eth3"};
	cr_assert_eq(decision_encode(bytes, sizeof(bytes), &m), DECISION_LEN);
	cr_expect_str_eq(
		decode(DECISION_LEN, DECISION_LEN),
		"DECISION number=0 event=?,250 from=initializing to=initializing reason=\"?\",251 "
		"rule=? term=0 subject=\"eth3\" detail=0");
	bytes[19] = 99;
	cr_expect_str_eq(decode(DECISION_LEN, DECISION_LEN),
			 "DECISION bad_value version=1 path=0 length=65 present=65");
	cr_expect_not(good);
}

static const char *spoiled(size_t at, uint8_t value)
{
	size_t len = put_heartbeat();

	bytes[at] = value;
	return decode(len, len);
}

Test(decode, what_is_wrong_with_a_frame_is_named)
{
	cr_expect_str_eq(spoiled(0, 9),
			 "HEARTBEAT bad_version version=9 path=1 length=190 present=190");
	cr_expect_str_eq(spoiled(1, 200),
			 "type=200 bad_type version=1 path=1 length=190 present=190");
	cr_expect_str_eq(spoiled(1, MSG_SYNC_LAST),
			 "type=79 bad_type version=1 path=1 length=190 present=190");
	cr_expect_str_eq(spoiled(2, 7),
			 "HEARTBEAT bad_path version=1 path=7 length=190 present=190");
	cr_expect_str_eq(spoiled(5, 191),
			 "HEARTBEAT bad_length version=1 path=1 length=191 present=190");
	cr_expect_str_eq(spoiled(4, 0xff),
			 "HEARTBEAT oversized version=1 path=1 length=65470 present=190");
	cr_expect_str_eq(spoiled(MSG_HEADER_LEN + 17, 77),
			 "HEARTBEAT bad_value version=1 path=1 length=190 present=190");
	cr_expect_not(good);
	(void)put_heartbeat();
	cr_expect_str_eq(decode(189, 189),
			 "HEARTBEAT truncated version=1 path=1 length=190 present=189");
	cr_expect_not(good);
}

/* At every length, in memory of that length: of a frame that was that short, and of one that was cut. */
Test(decode, every_length_has_a_line)
{
	for (size_t len = 0, whole = put_heartbeat(); len < whole; len++) {
		uint8_t *part = malloc(len > 0 ? len : 1);
		struct decode_frame frame = {
			.time_ns = at_ns, .message = part, .len = len, .wire_len = len};

		memcpy(part, bytes, len);
		cr_expect_not(decode_line(line, &frame));
		cr_expect_not_null(strstr(line, " truncated "), "%s", line);
		frame.wire_len = whole;
		cr_expect(decode_line(line, &frame));
		cr_expect_not_null(strstr(line, " cut"), "%s", line);
		free(part);
	}
}

Test(decode, a_time_before_1970_is_a_time)
{
	const struct decode_frame frame = {.time_ns = -1, .message = bytes};

	(void)decode_line(line, &frame);
	cr_expect_eq(strncmp(line, "1969-12-31T23:59:59.999999999Z ", 31), 0, "%s", line);
}

/* ---- whole captures ---- */

static uint8_t capture[65536];
static size_t capture_len;
static char text[65536];
static struct decode_count count;
static char why[256];

static int decode_capture(size_t len)
{
	FILE *in = fmemopen(capture, len, "r"), *out = fmemopen(text, sizeof(text), "w");
	int error;

	cr_assert(in != NULL && out != NULL);
	memset(text, 0, sizeof(text));
	error = decode_stream(in, out, &count, why);
	fclose(out);
	return error;
}

static void add(size_t len)
{
	cr_assert_gt(len, 0);
	capture_len += len;
}

static void add_frame(uint16_t ethertype)
{
	uint8_t frame[14 + 190] = {[12] = (uint8_t)(ethertype >> 8), [13] = (uint8_t)ethertype};
	struct pcapng_frame f = {
		.time_ns = (uint64_t)at_ns,
		.bytes = frame,
		.len = sizeof(frame),
		.wire_len = sizeof(frame),
	};

	put_heartbeat();
	memcpy(frame + 14, bytes, 190);
	add(pcapng_frame(capture + capture_len, sizeof(capture) - capture_len, &f));
}

static void begin(void)
{
	capture_len = 0;
	add(pcapng_section(capture, sizeof(capture), "1100", "Linux", "haagent"));
	add(pcapng_interface(capture + capture_len, sizeof(capture) - capture_len, "link", "eth3"));
}

Test(decode, a_capture_with_frames_of_others_in_it)
{
	begin();
	add_frame(MSG_ETHERTYPE);
	add_frame(0x0800);
	add_frame(MSG_ETHERTYPE);
	cr_assert_eq(decode_capture(capture_len), 0, "%s", why);
	cr_expect(count.frames == 2 && count.foreign == 1 && count.malformed == 0);
	cr_expect_eq(strncmp(text, AT "management 00:00:00:00:00:00 HEARTBEAT ", 60), 0, "%s",
		     text);
}

Test(decode, a_capture_that_is_cut_anywhere_shows_what_was_before)
{
	size_t first;

	begin();
	add_frame(MSG_ETHERTYPE);
	first = capture_len;
	add_frame(MSG_ETHERTYPE);
	for (size_t len = 1; len < capture_len; len++) {
		int error = decode_capture(len);

		cr_expect_eq(count.frames, len >= first ? 1 : 0, "%zu", len);
		if (len == first)
			cr_expect_eq(error, 0);
		else if (len > first)
			cr_expect(error == -EIO && why[0] != '\0', "%zu", len);
	}
}

Test(decode, what_is_no_capture_is_said_to_be_none)
{
	memset(capture, 'x', 1000);
	cr_expect_eq(decode_capture(1000), -EIO);
	cr_expect_str_not_empty(why);
	cr_expect_str_empty(text);
}
