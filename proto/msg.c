#include "proto/msg.h"

#include "proto/cursor.h"
#include "proto/msg_account.h"
#include "proto/reason.h"
#include "proto/sync_msg.h"

#include <assert.h>

enum {
	ADDRESS_LEN = 1 + 16,
	BEACON_LEN = HA_KEY_LEN + 8,
	HEARTBEAT_LEN = 156,
	SOLICIT_LEN = 8,
	JOIN_LEN = 1 + 1 + ADDRESS_LEN + HA_CLUSTER_ID_LEN + 8 + MSG_CAUSES,
	IDENTITY_LEN = 4 + MSG_MODEL_LEN + MSG_FIRMWARE_LEN + MSG_HOTFIX_LEN + MSG_PATCH_LEN +
		       MSG_HOST_LEN + MSG_AGENT_LEN + 6 + HA_ADDRESS_MAX * (ADDRESS_LEN + 1) +
		       HA_VIP_MAX * ADDRESS_LEN + HA_CLUSTER_ID_LEN + 1 + 3 * 4,
	DETACH_LEN = 1 + 1 + HA_CLUSTER_ID_LEN,
	ADDRESSES_LEN = 1 + 1 + HA_CLUSTER_ID_LEN + HA_VIP_MAX * ADDRESS_LEN,
	DISOWN_LEN = HA_CLUSTER_ID_LEN + HA_KEY_LEN + 8 + 1 + 16, /* its MAC is in the body */
};

static bool is_sync(unsigned type)
{
	return type == MSG_SYNC_DATA || type == MSG_SYNC_ACK || type == MSG_SYNC_HELLO;
}

static bool is_known(unsigned type)
{
	return (type >= MSG_BEACON && type <= MSG_ADDRESSES) || is_sync(type);
}

size_t msg_body_len(enum msg_type type)
{
	switch (type) {
	case MSG_BEACON:
		return BEACON_LEN;
	case MSG_HEARTBEAT:
		return HEARTBEAT_LEN;
	case MSG_SOLICIT:
	case MSG_ANSWER:
		return SOLICIT_LEN;
	case MSG_IDENTITY:
		return IDENTITY_LEN;
	case MSG_JOIN:
		return JOIN_LEN;
	case MSG_DETACH:
		return DETACH_LEN;
	case MSG_DISOWN:
		return DISOWN_LEN;
	case MSG_ACCOUNT:
		return MSG_ACCOUNT_LEN;
	case MSG_ADDRESSES:
		return ADDRESSES_LEN;
	case MSG_SYNC_ACK:
		return SYNC_ACK_LEN;
	case MSG_SYNC_HELLO:
		return SYNC_HELLO_LEN;
	default:
		return 0;
	}
}

size_t msg_tag_len(enum msg_type type)
{
	switch (type) {
	case MSG_BEACON:
	case MSG_HANDSHAKE:
	case MSG_DISOWN:
	case MSG_DECISION:
		return 0;
	default:
		return MSG_TAG_LEN;
	}
}

size_t msg_encode_header(uint8_t *out, size_t cap, const struct msg_header *h)
{
	struct cursor_writer w;

	cursor_write(&w, out, cap);
	cursor_put_u8(&w, h->version);
	cursor_put_u8(&w, h->type);
	cursor_put_u8(&w, h->path);
	cursor_put_u8(&w, 0); /* flags: SPEC 2.R2 */
	cursor_put_u16(&w, h->length);
	cursor_put_u32(&w, h->receiver);
	cursor_put_u64(&w, h->counter);
	return cursor_written(&w);
}

/* A SYNC_DATA without a byte of the stream has nothing to say. */
static size_t least_len(enum msg_type type)
{
	if (type == MSG_SYNC_DATA)
		return SYNC_DATA_OVERHEAD + 1;
	return MSG_HEADER_LEN + msg_tag_len(type);
}

/* SPEC 2.4, the checks of the length field: sums are in size_t, nothing is subtracted from it. */
static enum ha_drop check_length(const struct msg_header *h, size_t present)
{
	size_t tag = msg_tag_len(h->type), body = msg_body_len(h->type);

	if (h->length < least_len(h->type))
		return DROP_BAD_LENGTH;
	if (h->length > (is_sync(h->type) ? MSG_SYNC_LEN_MAX : MSG_LEN_MAX))
		return DROP_OVERSIZED;
	if (body != 0 && h->length != MSG_HEADER_LEN + body + tag)
		return DROP_BAD_LENGTH;
	if (h->length > present)
		return DROP_TRUNCATED;
	return DROP_NONE;
}

enum ha_drop msg_decode_header(const uint8_t *frame, size_t len, enum ha_path on,
			       struct msg_header *out)
{
	struct cursor_reader r;
	struct msg_header h;
	enum ha_drop drop;

	if (len < MSG_HEADER_LEN)
		return DROP_TRUNCATED;
	cursor_read(&r, frame, MSG_HEADER_LEN);
	h.version = cursor_get_u8(&r);
	h.type = cursor_get_u8(&r);
	h.path = cursor_get_u8(&r);
	h.flags = cursor_get_u8(&r);
	h.length = cursor_get_u16(&r);
	h.receiver = cursor_get_u32(&r);
	h.counter = cursor_get_u64(&r);
	assert(cursor_finished(&r));

	if (h.version != MSG_VERSION)
		return DROP_BAD_VERSION;
	if (!is_known(h.type))
		return DROP_BAD_TYPE;
	drop = check_length(&h, len);
	if (drop)
		return drop;
	if (h.path != on)
		return DROP_BAD_PATH;
	*out = h;
	return DROP_NONE;
}

size_t msg_encode_beacon(uint8_t *out, size_t cap, const struct msg_beacon *m)
{
	struct cursor_writer w;

	cursor_write(&w, out, cap);
	cursor_put_bytes(&w, m->key, sizeof(m->key));
	cursor_put_u64(&w, m->boot);
	return cursor_written(&w);
}

enum ha_drop msg_decode_beacon(const uint8_t *body, size_t len, struct msg_beacon *out)
{
	struct cursor_reader r;
	struct msg_beacon m;

	cursor_read(&r, body, len);
	cursor_get_bytes(&r, m.key, sizeof(m.key));
	m.boot = cursor_get_u64(&r);
	if (!cursor_finished(&r))
		return DROP_BAD_LENGTH;
	*out = m;
	return DROP_NONE;
}

size_t msg_encode_heartbeat(uint8_t *out, size_t cap, const struct msg_heartbeat *m)
{
	struct cursor_writer w;

	cursor_write(&w, out, cap);
	cursor_put_u64(&w, m->boot);
	cursor_put_u64(&w, m->number);
	cursor_put_u8(&w, m->mode);
	cursor_put_u8(&w, m->state);
	cursor_put_u8(&w, m->claim);
	cursor_put_u8(&w, m->reason);
	cursor_put_u8(&w, m->flags & MSG_FLAG_ALL);
	cursor_put_u16(&w, m->why_not & WHY_NOT_ALL);
	cursor_put_u64(&w, m->term);
	cursor_put_u8(&w, m->handover.phase);
	cursor_put_u64(&w, m->handover.term);
	cursor_put_u32(&w, m->handover.number);
	cursor_put_u32(&w, m->handover.grant_ms);
	for (size_t i = 0; i < HA_PATH_N; i++) {
		cursor_put_u64(&w, m->heard[i].counter);
		cursor_put_u32(&w, m->heard[i].age_us);
	}
	cursor_put_u32(&w, m->reach_age_ms);
	cursor_put_u64(&w, m->lineage.term);
	cursor_put_u64(&w, m->lineage.number);
	cursor_put_bytes(&w, m->lineage.digest, sizeof(m->lineage.digest));
	cursor_put_u32(&w, m->identity_revision);
	cursor_put_u32(&w, m->lateness_us);
	cursor_put_u64(&w, m->sent_us);
	cursor_put_u64(&w, m->echo_us);
	cursor_put_u32(&w, m->echo_hold_us);
	cursor_put_u32(&w, m->suspended_s);
	return cursor_written(&w);
}

/* SPEC 3.R5 to 3.R7, 3.R18 */
static bool heartbeat_valid(const struct msg_heartbeat *m)
{
	const struct msg_handover *h = &m->handover;
	bool eligible = m->flags & MSG_FLAG_ELIGIBLE;
	bool suspended = m->why_not & WHY_NOT_SUSPENDED;

	return m->mode < HA_MODE_N && m->state < HA_STATE_N && m->claim < HA_CLAIM_N &&
	       m->reason < REASON_N && eligible == (m->why_not == 0) && h->phase < HANDOVER_N &&
	       m->term <= MSG_TERM_HEARD_MAX && h->term <= MSG_TERM_HEARD_MAX &&
	       suspended == (m->suspended_s != 0) &&
	       (h->phase != HANDOVER_NONE || (h->term == 0 && h->number == 0 && h->grant_ms == 0));
}

enum ha_drop msg_decode_heartbeat(const uint8_t *body, size_t len, struct msg_heartbeat *out)
{
	struct cursor_reader r;
	struct msg_heartbeat m;

	cursor_read(&r, body, len);
	m.boot = cursor_get_u64(&r);
	m.number = cursor_get_u64(&r);
	m.mode = cursor_get_u8(&r);
	m.state = cursor_get_u8(&r);
	m.claim = cursor_get_u8(&r);
	m.reason = (uint8_t)reason_heard(cursor_get_u8(&r));
	m.flags = cursor_get_u8(&r) & MSG_FLAG_ALL;
	m.why_not = cursor_get_u16(&r) & WHY_NOT_ALL;
	m.term = cursor_get_u64(&r);
	m.handover.phase = cursor_get_u8(&r);
	m.handover.term = cursor_get_u64(&r);
	m.handover.number = cursor_get_u32(&r);
	m.handover.grant_ms = cursor_get_u32(&r);
	for (size_t i = 0; i < HA_PATH_N; i++) {
		m.heard[i].counter = cursor_get_u64(&r);
		m.heard[i].age_us = cursor_get_u32(&r);
	}
	m.reach_age_ms = cursor_get_u32(&r);
	m.lineage.term = cursor_get_u64(&r);
	m.lineage.number = cursor_get_u64(&r);
	cursor_get_bytes(&r, m.lineage.digest, sizeof(m.lineage.digest));
	m.identity_revision = cursor_get_u32(&r);
	m.lateness_us = cursor_get_u32(&r);
	m.sent_us = cursor_get_u64(&r);
	m.echo_us = cursor_get_u64(&r);
	m.echo_hold_us = cursor_get_u32(&r);
	m.suspended_s = cursor_get_u32(&r);
	if (!cursor_finished(&r))
		return DROP_BAD_LENGTH;
	if (!heartbeat_valid(&m))
		return DROP_BAD_VALUE;
	*out = m;
	return DROP_NONE;
}

size_t msg_encode_solicit(uint8_t *out, size_t cap, const struct msg_solicit *m)
{
	struct cursor_writer w;

	cursor_write(&w, out, cap);
	cursor_put_u64(&w, m->nonce);
	return cursor_written(&w);
}

enum ha_drop msg_decode_solicit(const uint8_t *body, size_t len, struct msg_solicit *out)
{
	struct cursor_reader r;
	struct msg_solicit m;

	cursor_read(&r, body, len);
	m.nonce = cursor_get_u64(&r);
	if (!cursor_finished(&r))
		return DROP_BAD_LENGTH;
	*out = m;
	return DROP_NONE;
}

size_t msg_encode_detach(uint8_t *out, size_t cap, const struct msg_detach *m)
{
	struct cursor_writer w;

	cursor_write(&w, out, cap);
	cursor_put_u8(&w, m->op);
	cursor_put_u8(&w, m->refusal);
	cursor_put_bytes(&w, m->cluster_id, sizeof(m->cluster_id));
	return cursor_written(&w);
}

enum ha_drop msg_decode_detach(const uint8_t *body, size_t len, struct msg_detach *out)
{
	struct cursor_reader r;
	struct msg_detach m;

	cursor_read(&r, body, len);
	m.op = cursor_get_u8(&r);
	m.refusal = cursor_get_u8(&r);
	cursor_get_bytes(&r, m.cluster_id, sizeof(m.cluster_id));
	if (!cursor_finished(&r))
		return DROP_BAD_LENGTH;
	/* SPEC 3.R20: a refusal, and nothing else, says why */
	if (m.op < DETACH_REQUEST || m.op >= DETACH_OP_N || m.refusal >= DETACH_REFUSAL_N ||
	    (m.op == DETACH_REFUSE) != (m.refusal != DETACH_OK))
		return DROP_BAD_VALUE;
	*out = m;
	return DROP_NONE;
}
