#include "proto/decision.h"

#include "proto/cursor.h"
#include "proto/msg.h"
#include "proto/msg_text.h"

_Static_assert((int)DECISION_LEN == (int)MSG_HEADER_LEN + (int)DECISION_BODY_LEN, "as stated");

size_t decision_encode(uint8_t *out, size_t cap, const struct decision *d)
{
	const struct msg_header h = {
		.version = MSG_VERSION,
		.type = MSG_DECISION,
		.length = DECISION_LEN,
		.counter = d->number,
	};
	struct cursor_writer w;

	if (cap < DECISION_LEN || msg_encode_header(out, cap, &h) == 0)
		return 0;
	cursor_write(&w, out + MSG_HEADER_LEN, DECISION_BODY_LEN);
	cursor_put_u8(&w, d->event);
	cursor_put_u8(&w, d->from);
	cursor_put_u8(&w, d->to);
	cursor_put_u8(&w, d->reason);
	cursor_put_u64(&w, d->term);
	cursor_put_u32(&w, d->detail);
	msg_text_put(&w, d->subject, DECISION_SUBJECT_LEN);
	return cursor_written(&w) == 0 ? 0 : DECISION_LEN;
}

enum ha_drop decision_decode(const uint8_t *frame, size_t len, struct decision *out)
{
	struct cursor_reader r;
	struct decision d;
	uint8_t version, type;
	bool text;
	size_t length;

	if (len < MSG_HEADER_LEN)
		return DROP_TRUNCATED;
	cursor_read(&r, frame, len < DECISION_LEN ? len : DECISION_LEN);
	version = cursor_get_u8(&r);
	type = cursor_get_u8(&r);
	(void)cursor_get_u16(&r); /* path, flags */
	length = cursor_get_u16(&r);
	(void)cursor_get_u32(&r); /* receiver */
	d.number = cursor_get_u64(&r);
	if (version != MSG_VERSION)
		return DROP_BAD_VERSION;
	if (type != MSG_DECISION)
		return DROP_BAD_TYPE;
	if (length != DECISION_LEN)
		return DROP_BAD_LENGTH;
	if (len < length)
		return DROP_TRUNCATED;
	d.event = cursor_get_u8(&r);
	d.from = cursor_get_u8(&r);
	d.to = cursor_get_u8(&r);
	d.reason = cursor_get_u8(&r);
	d.term = cursor_get_u64(&r);
	d.detail = cursor_get_u32(&r);
	text = msg_text_get(&r, d.subject, DECISION_SUBJECT_LEN);
	if (!cursor_finished(&r) || !text || d.from >= HA_STATE_N || d.to >= HA_STATE_N)
		return DROP_BAD_VALUE;
	*out = d;
	return DROP_NONE;
}
