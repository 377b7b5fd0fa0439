/* frame - a frame of this protocol behind its Ethernet header, from the length field to the last field of its body.
 *
 *   path; the frame
 *
 * Bodies are decoded as if their tag had been good. What decodes can be encoded, and comes out of that as it was.
 */
#include "tests/fuzz/fuzz.h"

#include "proto/disown.h"
#include "proto/msg.h"
#include "proto/msg_account.h"
#include "proto/sync_msg.h"

static uint8_t again[MSG_SYNC_LEN_MAX], twice[MSG_SYNC_LEN_MAX];

/* Decodes with one, encodes with the other, and the same once more: a field that is lost, or that grows, shows. */
#define ROUND_TRIP(type, decode, encode, fixed)                                                    \
	do {                                                                                       \
		struct type first, second;                                                         \
		size_t n;                                                                          \
                                                                                                   \
		if (decode(body, len, &first) != DROP_NONE)                                        \
			return;                                                                    \
		FUZZ_CHECK(len == (fixed));                                                        \
		n = encode(again, sizeof(again), &first);                                          \
		FUZZ_CHECK(n == len);                                                              \
		FUZZ_CHECK(decode(again, n, &second) == DROP_NONE);                                \
		FUZZ_CHECK(encode(twice, sizeof(twice), &second) == n);                            \
		FUZZ_CHECK(memcmp(again, twice, n) == 0);                                          \
		FUZZ_CHECK(encode(twice, n - 1, &first) == 0);                                     \
	} while (0)

static void decode_body(enum msg_type type, const uint8_t *body, size_t len)
{
	size_t fixed = msg_body_len(type);

	switch (type) {
	case MSG_BEACON:
		ROUND_TRIP(msg_beacon, msg_decode_beacon, msg_encode_beacon, fixed);
		break;
	case MSG_HEARTBEAT:
		ROUND_TRIP(msg_heartbeat, msg_decode_heartbeat, msg_encode_heartbeat, fixed);
		break;
	case MSG_SOLICIT:
	case MSG_ANSWER:
		ROUND_TRIP(msg_solicit, msg_decode_solicit, msg_encode_solicit, fixed);
		break;
	case MSG_IDENTITY:
		ROUND_TRIP(msg_identity, msg_decode_identity, msg_encode_identity, fixed);
		break;
	case MSG_JOIN:
		ROUND_TRIP(msg_join, msg_decode_join, msg_encode_join, fixed);
		break;
	case MSG_DETACH:
		ROUND_TRIP(msg_detach, msg_decode_detach, msg_encode_detach, fixed);
		break;
	case MSG_ADDRESSES:
		ROUND_TRIP(msg_addresses, msg_decode_addresses, msg_encode_addresses, fixed);
		break;
	case MSG_ACCOUNT:
		ROUND_TRIP(msg_account, msg_decode_account, msg_encode_account, fixed);
		break;
	case MSG_SYNC_HELLO:
		ROUND_TRIP(sync_hello, sync_decode_hello, sync_encode_hello, fixed);
		break;
	case MSG_SYNC_ACK:
		ROUND_TRIP(sync_ack, sync_decode_ack, sync_encode_ack, fixed);
		break;
	case MSG_SYNC_DATA:
		if (len > SYNC_DATA_CLEAR_LEN)
			len = SYNC_DATA_CLEAR_LEN;
		ROUND_TRIP(sync_data, sync_decode_data, sync_encode_data, SYNC_DATA_CLEAR_LEN);
		break;
	default:
		break;
	}
}

/* It opens with what it says itself, under a MAC of the secret; with no other. */
static void disown(const uint8_t *frame, size_t len, enum ha_path path)
{
	static const uint8_t secret[HA_KEY_LEN] = "secret";
	const uint8_t *body = frame + MSG_HEADER_LEN;
	struct msg_disown says = {0};
	enum msg_parting why = PARTING_NONE;
	size_t n;

	memcpy(says.cluster_id, body, HA_CLUSTER_ID_LEN);
	memcpy(says.key, body + HA_CLUSTER_ID_LEN, HA_KEY_LEN);
	for (size_t i = 0; i < 8; i++)
		says.boot = says.boot << 8 | body[HA_CLUSTER_ID_LEN + HA_KEY_LEN + i];
	says.why = body[HA_CLUSTER_ID_LEN + HA_KEY_LEN + 8];
	FUZZ_CHECK(disown_open(frame, len, path, &says, secret, &why) != DROP_NONE ||
		   why == says.why);
	n = disown_seal(&says, path, secret, again, sizeof(again));
	FUZZ_CHECK(n > 0);
	if (disown_open(again, n, path, &says, secret, &why) == DROP_NONE)
		FUZZ_CHECK(why == PARTING_DETACHED || why == PARTING_REMOVED);
	else
		FUZZ_CHECK(says.why != PARTING_DETACHED && says.why != PARTING_REMOVED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len)
{
	struct script s = {data, data_len};
	enum ha_path path = script_bool(&s) ? HA_PATH_MANAGEMENT : HA_PATH_LINK;
	struct msg_header h;
	size_t len;
	uint8_t *frame = script_copy(&s, MSG_SYNC_LEN_MAX, &len);

	if (msg_decode_header(frame, len, path, &h) == DROP_NONE) {
		size_t outside = MSG_HEADER_LEN + msg_tag_len(h.type);

		FUZZ_CHECK(h.length >= outside && h.length <= len && h.path == path);
		if (h.type == MSG_DISOWN)
			disown(frame, len, path);
		else
			decode_body(h.type, frame + MSG_HEADER_LEN, h.length - outside);
	}
	free(frame);
	return 0;
}
