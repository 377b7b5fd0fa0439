/* The dissector, run by tshark over frames that the encoders made. Skipped where there is none. Run from the root of
 * the tree. */
#include "proto/decision.h"
#include "proto/msg_account.h"
#include "proto/disown.h"
#include "proto/node.h"
#include "proto/reason.h"
#include "proto/requirement.h"
#include "proto/session.h"
#include "proto/sync_msg.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char file[] = "/tmp/haagent-dissector-XXXXXX";
static char shown[512 * 1024];
static FILE *capture;

static void put(const void *bytes, size_t len)
{
	cr_assert_eq(fwrite(bytes, 1, len, capture), len);
}

static void put_u32(size_t value)
{
	const uint32_t host = (uint32_t)value; /* a capture says by its magic which order it has */

	put(&host, sizeof(host));
}

static void setup(void)
{
	int fd;

	if (system("command -v tshark >/dev/null") != 0)
		cr_skip_test("no tshark");
	cr_assert_eq(access("scripts/haagent.lua", R_OK), 0, "not run from the root of the tree");
	fd = mkstemp(file);
	cr_assert_geq(fd, 0);
	capture = fdopen(fd, "w");
	cr_assert_not_null(capture);
	put_u32(0xa1b2c3d4);
	put_u32(4 << 16 | 2); /* version 2.4, on a little-endian machine; nobody looks */
	put_u32(0);
	put_u32(0);
	put_u32(65535);
	put_u32(1); /* Ethernet */
}

static void teardown(void)
{
	unlink(file);
}

TestSuite(dissector, .init = setup, .fini = teardown);

static void put_frame(const uint8_t *message, size_t len)
{
	static const uint8_t ethernet[14] = {1, 0x80, 0xc2, 0, 0, 14, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};

	put_u32(0);
	put_u32(0);
	put_u32(sizeof(ethernet) + len);
	put_u32(sizeof(ethernet) + len);
	put(ethernet, sizeof(ethernet));
	put(message, len);
}

/* A frame with that body, and a tag of zeros; `more` is added to the length field. */
static void put_message(enum msg_type type, const uint8_t *body, size_t len, uint16_t more)
{
	uint8_t frame[MSG_LEN_MAX] = {0};
	size_t total = MSG_HEADER_LEN + len + msg_tag_len(type);
	const struct msg_header h = {
		.version = MSG_VERSION,
		.type = (uint8_t)type,
		.path = HA_PATH_LINK,
		.length = (uint16_t)(total + more),
		.receiver = 7,
		.counter = 11,
	};

	if (type != MSG_SYNC_DATA)
		cr_assert_eq(len, msg_body_len(type));
	msg_encode_header(frame, sizeof(frame), &h);
	memcpy(frame + MSG_HEADER_LEN, body, len);
	put_frame(frame, total + more);
}

static void put_heartbeat(const struct msg_heartbeat *m)
{
	uint8_t body[256];

	put_message(MSG_HEARTBEAT, body, msg_encode_heartbeat(body, sizeof(body), m), 0);
}

static void put_join(const struct msg_join *m)
{
	uint8_t body[256];

	put_message(MSG_JOIN, body, msg_encode_join(body, sizeof(body), m), 0);
}

static void put_detach(const struct msg_detach *m, uint16_t more)
{
	uint8_t body[256];

	put_message(MSG_DETACH, body, msg_encode_detach(body, sizeof(body), m), more);
}

static void put_identity(const struct msg_identity *m)
{
	uint8_t body[1024];

	put_message(MSG_IDENTITY, body, msg_encode_identity(body, sizeof(body), m), 0);
}

static void put_account(const struct msg_account *m)
{
	uint8_t body[MSG_ACCOUNT_LEN];

	put_message(MSG_ACCOUNT, body, msg_encode_account(body, sizeof(body), m), 0);
}

static void put_disown(const struct msg_disown *m)
{
	static const uint8_t secret[HA_KEY_LEN];
	uint8_t frame[256];

	put_frame(frame, disown_seal(m, HA_PATH_LINK, secret, frame, sizeof(frame)));
}

static void put_sync_hello(const struct sync_hello *m)
{
	uint8_t body[256];

	put_message(MSG_SYNC_HELLO, body, sync_encode_hello(body, sizeof(body), m), 0);
}

/* With that many bytes of the stream behind what is in the clear. */
static void put_sync_data(const struct sync_data *m, size_t piece)
{
	uint8_t body[256];
	size_t len = sync_encode_data(body, sizeof(body), m);

	cr_assert_leq(len + piece, sizeof(body));
	memset(body + len, 0x5e, piece);
	put_message(MSG_SYNC_DATA, body, len + piece, 0);
}

static void put_sync_ack(const struct sync_ack *m)
{
	uint8_t body[256];

	put_message(MSG_SYNC_ACK, body, sync_encode_ack(body, sizeof(body), m), 0);
}

/* What tshark says of the capture. */
static const char *show(const char *options)
{
	char command[1024];
	FILE *from;
	size_t len;

	cr_assert_eq(fflush(capture), 0);
	snprintf(command, sizeof(command),
		 "tshark -X lua_script:scripts/haagent.lua -r %s %s 2>/dev/null", file, options);
	from = popen(command, "r");
	cr_assert_not_null(from);
	len = fread(shown, 1, sizeof(shown) - 1, from);
	cr_assert_lt(len, sizeof(shown) - 1);
	shown[len] = '\0';
	cr_assert_eq(pclose(from), 0, "%s", command);
	return shown;
}

Test(dissector, names_every_type)
{
	static const struct msg_heartbeat suspended = {
		.number = 9, .why_not = WHY_NOT_SUSPENDED, .suspended_s = 60};
	static const struct msg_identity identity = {.host_name = "ha-1"};
	static const struct msg_solicit solicit = {.nonce = 0x1122334455667788};
	uint8_t body[8], beacon[64];

	put_frame(beacon, session_beacon(suspended.lineage.digest, 3, HA_PATH_LINK, beacon,
					 sizeof(beacon)));
	put_heartbeat(&suspended);
	msg_encode_solicit(body, sizeof(body), &solicit);
	put_message(MSG_SOLICIT, body, sizeof(body), 0);
	put_message(MSG_ANSWER, body, sizeof(body), 0);
	put_identity(&identity);
	put_join(&(struct msg_join){.op = JOIN_TEST});
	put_join(&(struct msg_join){.op = JOIN_REPORT, .refusal = JOIN_REQUIREMENTS});
	put_detach(&(struct msg_detach){.op = DETACH_DONE}, 0);
	put_detach(&(struct msg_detach){DETACH_REFUSE, DETACH_STORE, {0}}, 0);
	put_disown(&(struct msg_disown){.why = PARTING_REMOVED});
	put_account(&(struct msg_account){
		.decided = 1, .from = HA_PASSIVE, .to = HA_ACTIVE, .reason = REASON_CARRIER_LOST});
	put_sync_hello(&(struct sync_hello){.salt = {1}, .mtu = 9000, .window = 512});
	put_sync_data(&(struct sync_data){.offset = 0x123456789a}, 7);
	put_sync_data(&(struct sync_data){.flags = SYNC_FLUSH}, 1);
	put_sync_ack(&(struct sync_ack){.cumulative = 4, .bitmap = {0x03, [127] = 0x80}});
	cr_assert_str_eq(show("-T fields -e _ws.col.Info"),
			 "BEACON on link\n"
			 "HEARTBEAT on link 9 initializing, claim none, term 0\n"
			 "SOLICIT on link 1122334455667788\n"
			 "ANSWER on link 1122334455667788\n"
			 "IDENTITY on link ha-1\n"
			 "JOIN on link test\n"
			 "JOIN on link report: requirements not met\n"
			 "DETACH on link done\n"
			 "DETACH on link refuse: could not write its cluster record\n"
			 "DISOWN on link removed\n"
			 "ACCOUNT on link passive -> active: link carrier lost and no answer on "
			 "management\n"
			 "SYNC_HELLO on link MTU 9000, window 512\n"
			 "SYNC_DATA on link 11: 7 bytes from 78187493530\n"
			 "SYNC_DATA on link 11: 1 bytes from 0, flush\n"
			 "SYNC_ACK on link all below 4, 3 beyond\n");
}

Test(dissector, the_fields_of_the_life_cycle_can_be_filtered)
{
	put_heartbeat(&(struct msg_heartbeat){.why_not = WHY_NOT_SUSPENDED | WHY_NOT_CHECK,
					      .suspended_s = 60});
	cr_assert_str_eq(show("-T fields -e haagent.suspended_s -e haagent.why_not.suspended "
			      "-e haagent.why_not.copy"),
			 "60\t1\t0\n");
	put_heartbeat(
		&(struct msg_heartbeat){.why_not = WHY_NOT_SUSPENDED, .suspended_s = UINT32_MAX});
	cr_assert_not_null(strstr(show("-O haagent"), ": until it is resumed\n"));
}

Test(dissector, the_fields_of_an_identity_can_be_filtered)
{
	put_identity(&(struct msg_identity){.cluster_id = {0xc1},
					    .flags = MSG_IDENTITY_DIRECT,
					    .heartbeat_us = 20000,
					    .dead_us = 100000,
					    .confirm_us = 5000});
	cr_assert_str_eq(show("-T fields -e haagent.identity_flags.direct -e haagent.heartbeat_us "
			      "-e haagent.dead_us -e haagent.confirm_us -e haagent.cluster_id"),
			 "1\t20000\t100000\t5000\tc1000000000000000000000000000000\n");
}

Test(dissector, the_fields_of_join_detach_and_disown_can_be_filtered)
{
	struct msg_join join = {.op = JOIN_REFUSE, .refusal = JOIN_REQUIREMENTS, .term = 7};

	for (uint8_t i = 0; i < MSG_CAUSES; i++)
		join.cause[i] = i;
	put_join(&join);
	put_detach(&(struct msg_detach){DETACH_REFUSE, DETACH_HOLDS, {0}}, 0);
	put_disown(&(struct msg_disown){.boot = 5, .why = PARTING_DETACHED});
	cr_assert_str_eq(
		show("-T fields -e haagent.join.op -e haagent.join.refusal -e haagent.term "
		     "-e haagent.join.cause.hardware_model -e "
		     "haagent.join.cause.physical_connection "
		     "-e haagent.join.cause.version -e haagent.join.cause.host_name "
		     "-e haagent.join.cause.ip_addresses -e haagent.join.cause.network_segment "
		     "-e haagent.join.cause.virtual_ip -e haagent.join.cause.address "
		     "-e haagent.join.cause.role -e haagent.join.cause.vacant "
		     "-e haagent.join.cause.timing -e haagent.join.cause.protocol "
		     "-e haagent.detach.op -e haagent.detach.refusal -e haagent.disown.why "
		     "-e haagent.boot -E separator=,"),
		"3,5,7,0,1,2,3,4,5,6,7,8,9,10,11,,,,\n"
		",,,,,,,,,,,,,,,3,3,,\n"
		",,,,,,,,,,,,,,,,,1,5\n");
}

Test(dissector, the_clear_parts_of_the_sync_can_be_filtered)
{
	put_sync_hello(&(struct sync_hello){
		.salt = {1}, .echo = {2}, .mtu = 1500, .aes = true, .window = 1024});
	put_sync_data(&(struct sync_data){.offset = 8, .flags = SYNC_FLUSH}, 3);
	put_sync_ack(&(struct sync_ack){.cumulative = 9, .bitmap = {0xff}});
	cr_assert_str_eq(
		show("-T fields -E separator=, -e haagent.sync.salt -e haagent.sync.echo "
		     "-e haagent.sync.mtu -e haagent.sync.aes -e haagent.sync.window "
		     "-e haagent.mac -e haagent.sync.offset -e haagent.sync_flags.flush "
		     "-e haagent.sealed -e haagent.sync.cumulative -e haagent.tag"),
		"01000000000000000000000000000000,02000000000000000000000000000000,1500,1,1024,"
		"00000000000000000000000000000000,,,,,\n"
		",,,,,,8,1,5e5e5e,,00000000000000000000000000000000\n"
		",,,,,,,,,9,00000000000000000000000000000000\n");
	cr_assert_not_null(strstr(show("-O haagent -Y haagent.sync.cumulative"),
				  "Frames beyond that have: ff00"));
	cr_assert_not_null(strstr(shown, "    Sync ack\n"));
}

Test(dissector, every_value_of_every_list_has_a_name)
{
	for (unsigned i = 0; i < REASON_N; i++)
		put_heartbeat(
			&(struct msg_heartbeat){.reason = (uint8_t)i, .flags = MSG_FLAG_ELIGIBLE});
	for (unsigned i = 0; i < CAUSE_N; i++)
		put_join(&(struct msg_join){
			.op = JOIN_REPORT, .refusal = JOIN_OK, .cause = {(uint8_t)i}});
	for (unsigned i = 1; i < JOIN_OP_N; i++)
		put_join(&(struct msg_join){.op = (uint8_t)i});
	for (unsigned i = 0; i < JOIN_REFUSAL_N; i++)
		put_join(&(struct msg_join){.op = JOIN_REFUSE, .refusal = (uint8_t)i});
	for (unsigned i = 1; i < DETACH_OP_N; i++)
		put_detach(&(struct msg_detach){.op = (uint8_t)i}, 0);
	for (unsigned i = 0; i < DETACH_REFUSAL_N; i++)
		put_detach(&(struct msg_detach){.op = DETACH_REFUSE, .refusal = (uint8_t)i}, 0);
	for (unsigned i = 1; i < PARTING_N; i++)
		put_disown(&(struct msg_disown){.why = (uint8_t)i});
	for (unsigned i = 0; i < REASON_N; i++)
		put_account(&(struct msg_account){.decided = 1, .reason = (uint8_t)i});
	for (unsigned i = 0; i < ACCOUNT_CARRIER_N; i++)
		put_account(&(struct msg_account){.decided = 1,
						  .path = {{.carrier = (uint8_t)i}},
						  .probe = {.answer = (uint8_t)i},
						  .solicit = {.answered = i & 1}});
	cr_assert_not_null(strstr(show("-O haagent"), "Reason: "));
	cr_assert_null(strstr(shown, "Unknown"));
	cr_assert_null(strstr(shown, "?"));

	put_join(&(struct msg_join){.op = JOIN_REPORT, .cause = {UINT8_MAX}});
	cr_assert_not_null(strstr(show("-O haagent"), "hardware_model: Unknown (255)"),
			   "of a newer peer");
}

Test(dissector, a_length_that_does_not_fit_is_pointed_out)
{
	put_detach(&(struct msg_detach){.op = DETACH_REQUEST}, 0);
	put_detach(&(struct msg_detach){.op = DETACH_REQUEST}, 1);
	put_sync_data(&(struct sync_data){0}, 1);
	put_sync_data(&(struct sync_data){0}, 0);
	cr_assert_str_eq(show("-Y haagent.bad_length -T fields -e frame.number"), "2\n4\n");
}

Test(dissector, a_type_that_does_not_exist_is_pointed_out)
{
	for (unsigned type = MSG_SYNC_HELLO; type <= MSG_SYNC_LAST; type++) {
		uint8_t frame[64] = {0};
		const struct msg_header h = {
			.version = MSG_VERSION, .type = (uint8_t)type, .length = sizeof(frame)};

		msg_encode_header(frame, sizeof(frame), &h);
		put_frame(frame, sizeof(frame));
	}
	cr_assert_str_eq(show("-Y haagent.bad_type -T fields -e haagent.type -E occurrence=f"),
			 "67\n68\n69\n70\n71\n72\n73\n74\n75\n76\n77\n78\n79\n");
}

/* A message with one byte of its body another. */
static void put_spoiled(enum msg_type type, const uint8_t *body, size_t len, size_t at,
			uint8_t value)
{
	uint8_t spoiled[1024];

	memcpy(spoiled, body, len);
	spoiled[at] = value;
	put_message(type, spoiled, len, 0);
}

/* Frames that a receiver drops as bad_value, and that many that it takes; the dissector has to say the same. */
static unsigned values;

static void expect_value(enum msg_type type, const uint8_t *body, size_t len, size_t at,
			 uint8_t value, enum ha_drop drop)
{
	uint8_t spoiled[1024];
	struct msg_heartbeat heartbeat;
	struct msg_identity identity;
	struct msg_join join;
	struct msg_detach detach;
	struct msg_addresses addresses;
	enum ha_drop got = DROP_NONE;

	memcpy(spoiled, body, len);
	spoiled[at] = value;
	if (type == MSG_HEARTBEAT)
		got = msg_decode_heartbeat(spoiled, len, &heartbeat);
	else if (type == MSG_IDENTITY)
		got = msg_decode_identity(spoiled, len, &identity);
	else if (type == MSG_JOIN)
		got = msg_decode_join(spoiled, len, &join);
	else if (type == MSG_DETACH)
		got = msg_decode_detach(spoiled, len, &detach);
	else if (type == MSG_ADDRESSES)
		got = msg_decode_addresses(spoiled, len, &addresses);
	cr_assert_eq(got, drop, "type %d, byte %zu is %u", type, at, value);
	put_spoiled(type, body, len, at, value);
	values++;
}

/* The numbers of the frames that it says to have a bad value. */
static void check_values(unsigned first_bad)
{
	const char *at = show("-Y haagent.bad_value -T fields -e frame.number");

	for (unsigned i = first_bad; i <= values; i++) {
		char number[16];

		snprintf(number, sizeof(number), "%u\n", i);
		cr_assert_eq(strncmp(at, number, strlen(number)), 0, "%s instead of frame %u", at,
			     i);
		at += strlen(number);
	}
	cr_assert_str_empty(at);
}

Test(dissector, a_value_that_is_bad_to_a_receiver_is_pointed_out)
{
	const struct msg_heartbeat heartbeat = {.flags = MSG_FLAG_ELIGIBLE};
	const struct msg_identity identity = {
		.host_name = "h\xc3\xa9",
		.management = {{{HA_IPV4, {192, 0, 2, 1}}, 24}},
	};
	const struct msg_join join = {.op = JOIN_TEST};
	const struct msg_detach detach = {.op = DETACH_DONE};
	const struct msg_addresses addresses = {
		.op = ADDRESSES_ACCEPT,
		.vip = {{HA_IPV4, {192, 0, 2, 100}}, {HA_IPV4, {192, 0, 2, 101}}},
	};
	uint8_t h[256], i[1024], j[256], d[256], a[256];
	size_t h_len = msg_encode_heartbeat(h, sizeof(h), &heartbeat);
	size_t i_len = msg_encode_identity(i, sizeof(i), &identity);
	size_t j_len = msg_encode_join(j, sizeof(j), &join);
	size_t d_len = msg_encode_detach(d, sizeof(d), &detach);
	size_t a_len = msg_encode_addresses(a, sizeof(a), &addresses);

	expect_value(MSG_HEARTBEAT, h, h_len, 21, 0x80, DROP_NONE); /* a bit that is not known */
	expect_value(MSG_HEARTBEAT, h, h_len, 19, REASON_N, DROP_NONE);
	expect_value(MSG_HEARTBEAT, h, h_len, 23, 0x3f, DROP_NONE);
	expect_value(MSG_IDENTITY, i, i_len, 134, 0xa8, DROP_NONE);
	expect_value(MSG_IDENTITY, i, i_len, 235, 0, DROP_NONE); /* a prefix of nothing */
	expect_value(MSG_JOIN, j, j_len, 0, JOIN_REPORT, DROP_NONE);
	expect_value(MSG_DETACH, d, d_len, 0, DETACH_REQUEST, DROP_NONE);
	expect_value(MSG_ADDRESSES, a, a_len, 0, ADDRESSES_PROPOSE, DROP_NONE);

	expect_value(MSG_HEARTBEAT, h, h_len, 16, HA_MODE_N, DROP_BAD_VALUE);
	expect_value(MSG_HEARTBEAT, h, h_len, 17, HA_STATE_N, DROP_BAD_VALUE);
	expect_value(MSG_HEARTBEAT, h, h_len, 18, HA_CLAIM_N, DROP_BAD_VALUE);
	expect_value(MSG_HEARTBEAT, h, h_len, 23, 0x40, DROP_BAD_VALUE);
	expect_value(MSG_HEARTBEAT, h, h_len, 20, 0, DROP_BAD_VALUE);
	expect_value(MSG_HEARTBEAT, h, h_len, 22, WHY_NOT_CHECK, DROP_BAD_VALUE);
	expect_value(MSG_HEARTBEAT, h, h_len, 23, 0x80, DROP_BAD_VALUE);
	expect_value(MSG_HEARTBEAT, h, h_len, 31, HANDOVER_N, DROP_BAD_VALUE);
	expect_value(MSG_HEARTBEAT, h, h_len, 43, 1, DROP_BAD_VALUE);
	expect_value(MSG_HEARTBEAT, h, h_len, 155, 1, DROP_BAD_VALUE);
	expect_value(MSG_IDENTITY, i, i_len, 132, 0x1b, DROP_BAD_VALUE);
	expect_value(MSG_IDENTITY, i, i_len, 134, 0xc3, DROP_BAD_VALUE);
	expect_value(MSG_IDENTITY, i, i_len, 140, 'x', DROP_BAD_VALUE);
	expect_value(MSG_IDENTITY, i, i_len, 212, 1, DROP_BAD_VALUE);
	expect_value(MSG_IDENTITY, i, i_len, 218, 5, DROP_BAD_VALUE);
	expect_value(MSG_IDENTITY, i, i_len, 230, 1, DROP_BAD_VALUE);
	expect_value(MSG_IDENTITY, i, i_len, 235, 33, DROP_BAD_VALUE);
	expect_value(MSG_JOIN, j, j_len, 0, 0, DROP_BAD_VALUE);
	expect_value(MSG_JOIN, j, j_len, 0, JOIN_REFUSE, DROP_BAD_VALUE);
	expect_value(MSG_JOIN, j, j_len, 1, JOIN_STORE, DROP_BAD_VALUE);
	expect_value(MSG_JOIN, j, j_len, 1, JOIN_REFUSAL_N, DROP_BAD_VALUE);
	expect_value(MSG_JOIN, j, j_len, 35, 0x80, DROP_BAD_VALUE);
	expect_value(MSG_JOIN, j, j_len, 43, 1, DROP_BAD_VALUE);
	expect_value(MSG_DETACH, d, d_len, 0, DETACH_OP_N, DROP_BAD_VALUE);
	expect_value(MSG_DETACH, d, d_len, 0, DETACH_REFUSE, DROP_BAD_VALUE);
	expect_value(MSG_DETACH, d, d_len, 1, DETACH_STORE, DROP_BAD_VALUE);
	expect_value(MSG_ADDRESSES, a, a_len, 0, ADDRESSES_OP_N, DROP_BAD_VALUE);
	expect_value(MSG_ADDRESSES, a, a_len, 0, ADDRESSES_REFUSE, DROP_BAD_VALUE);
	expect_value(MSG_ADDRESSES, a, a_len, 1, ADDRESSES_STORE, DROP_BAD_VALUE);
	expect_value(MSG_ADDRESSES, a, a_len, 1, ADDRESSES_REFUSAL_N, DROP_BAD_VALUE);
	expect_value(MSG_ADDRESSES, a, a_len, 18 + 17 + 4, 100, DROP_BAD_VALUE);     /* twice */
	expect_value(MSG_ADDRESSES, a, a_len, 18 + 3 * 17, HA_IPV6, DROP_BAD_VALUE); /* a gap */
	expect_value(MSG_ADDRESSES, a, a_len, 18 + 17 + 5, 1, DROP_BAD_VALUE);
	check_values(9);
}

Test(dissector, a_change_of_role_is_pointed_out_once)
{
	struct msg_heartbeat m = {.flags = MSG_FLAG_ELIGIBLE, .state = HA_PASSIVE};

	put_heartbeat(&m);
	put_heartbeat(&m);
	m.state = HA_ACTIVE;
	m.claim = HA_CLAIM_TAKING;
	put_heartbeat(&m);
	m.claim = HA_CLAIM_HOLDING;
	put_heartbeat(&m);
	m.term = 7;
	put_heartbeat(&m);
	cr_assert_str_eq(
		show("-Y haagent.changed_role -T fields -e frame.number -e _ws.expert.message"),
		"3\tChanged role: passive, claim none before\n"
		"4\tChanged role: active, claim taking before\n");
	cr_assert_str_eq(show("-2 -R haagent.changed_role -T fields -e haagent.claim"), "1\n2\n",
			 "in a second pass as well");
}

Test(dissector, decisions_are_shown_and_can_be_filtered)
{
	const struct decision m = {
		.number = 3,
		.event = EVENT_STATE,
		.from = HA_PASSIVE,
		.to = HA_ACTIVE,
		.reason = REASON_BOTH_SILENT,
		.term = 6,
		.subject = "eth3",
	};
	uint8_t frame[DECISION_LEN];

	cr_assert_eq(decision_encode(frame, sizeof(frame), &m), DECISION_LEN);
	put_frame(frame, sizeof(frame));
	cr_assert_str_eq(
		show("-T fields -e _ws.col.Info"),
		"DECISION 3: state from passive to active: peer silent on both paths, segment "
		"alive (eth3)\n");
	cr_assert_str_eq(
		show("-Y 'haagent.decision.rule == \"T2\"' -T fields -E separator=, "
		     "-e haagent.decision.event -e haagent.decision.from -e haagent.decision.to "
		     "-e haagent.reason -e haagent.term -e haagent.decision.detail "
		     "-e haagent.decision.subject"),
		"1,2,1,8,6,0,eth3\n");
	frame[19] = HA_STATE_N;
	put_frame(frame, sizeof(frame));
	cr_assert_str_eq(show("-Y haagent.bad_value -T fields -e frame.number"), "2\n");
}

Test(dissector, a_frame_that_was_cut_is_no_bad_one)
{
	put_heartbeat(&(struct msg_heartbeat){.flags = MSG_FLAG_ELIGIBLE});
	cr_assert_eq(fflush(capture), 0);
	cr_assert_eq(ftruncate(fileno(capture), 24 + 16 + 14 + 100), 0);
	cr_assert_eq(fseek(capture, 24 + 8, SEEK_SET), 0);
	put_u32(14 + 100); /* what is there of it */
	cr_assert_str_eq(show("-T fields -e _ws.col.Info"),
			 "HEARTBEAT on link (cut when it was captured)\n");
	cr_assert_str_eq(show("-Y 'haagent.bad_length or _ws.malformed' -T fields -e frame.number"),
			 "");
}
