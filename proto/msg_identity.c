/* IDENTITY and JOIN, and the addresses and texts that they are made of (SPEC 3.R2, 3.R3). */
#include "proto/msg.h"

#include "proto/cursor.h"

#include <string.h>

static void put_address(struct cursor_writer *w, const struct ha_address *a)
{
	cursor_put_u8(w, a->family);
	cursor_put_bytes(w, a->b, sizeof(a->b));
}

/* SPEC 3.R2: one family, one encoding. False if it is neither. */
static bool get_address(struct cursor_reader *r, struct ha_address *a)
{
	static const uint8_t zero[sizeof(a->b)];
	size_t used;

	a->family = cursor_get_u8(r);
	cursor_get_bytes(r, a->b, sizeof(a->b));
	used = ha_address_len(a);
	if (used == 0 && a->family != HA_FAMILY_NONE)
		return false;
	return memcmp(a->b + used, zero, sizeof(zero) - used) == 0;
}

static void put_prefix(struct cursor_writer *w, const struct msg_prefix *p)
{
	put_address(w, &p->address);
	cursor_put_u8(w, p->length);
}

static bool get_prefix(struct cursor_reader *r, struct msg_prefix *p)
{
	bool valid = get_address(r, &p->address);

	p->length = cursor_get_u8(r);
	return valid && p->length <= 8 * ha_address_len(&p->address);
}

/* The text's length, without its end; SIZE_MAX if it has none. */
static size_t text_len(const char *text, size_t field)
{
	const char *end = memchr(text, '\0', field + 1);

	return end != NULL ? (size_t)(end - text) : SIZE_MAX;
}

static void put_text(struct cursor_writer *w, const char *text, size_t field)
{
	size_t len = text_len(text, field);

	if (len > field) {
		w->failed = true;
		return;
	}
	cursor_put_bytes(w, text, len);
	cursor_put_zeros(w, field - len);
}

/* The length of the UTF-8 character at s (RFC 3629 4), or 0 if it is malformed or a control. */
static size_t character_len(const uint8_t *s, size_t left)
{
	uint8_t first = s[0], low = 0x80, high = 0xbf;
	size_t len;

	if (first < 0x80)
		return first >= 0x20 && first != 0x7f;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (len > left)
		return 0;
	switch (first) {
	case 0xc2: /* U+0080 to U+009F: terminals obey them as controls */
	case 0xe0: /* overlong */
		low = 0xa0;
		break;
	case 0xed: /* surrogates */
		high = 0x9f;
		break;
	case 0xf0: /* overlong */
		low = 0x90;
		break;
	case 0xf4: /* beyond U+10FFFF */
		high = 0x8f;
		break;
	}
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* SPEC 3.R3: reads a field of that many bytes into text (field + 1). */
static bool get_text(struct cursor_reader *r, char *text, size_t field)
{
	const uint8_t *s = (const uint8_t *)text;
	size_t at, len, step;

	cursor_get_bytes(r, text, field);
	text[field] = '\0';
	len = text_len(text, field);
	for (at = 0; at < len; at += step) {
		step = character_len(s + at, len - at);
		if (step == 0)
			return false;
	}
	for (; at < field; at++)
		if (s[at] != 0)
			return false;
	return true;
}

size_t msg_encode_identity(uint8_t *out, size_t cap, const struct msg_identity *m)
{
	struct cursor_writer w;

	cursor_write(&w, out, cap);
	cursor_put_u32(&w, m->revision);
	put_text(&w, m->model, MSG_MODEL_LEN);
	put_text(&w, m->firmware, MSG_FIRMWARE_LEN);
	put_text(&w, m->hotfix, MSG_HOTFIX_LEN);
	put_text(&w, m->patch, MSG_PATCH_LEN);
	put_text(&w, m->host_name, MSG_HOST_LEN);
	put_text(&w, m->agent, MSG_AGENT_LEN);
	cursor_put_bytes(&w, m->management_mac.b, sizeof(m->management_mac.b));
	for (size_t i = 0; i < HA_ADDRESS_MAX; i++)
		put_prefix(&w, &m->management[i]);
	for (size_t i = 0; i < HA_VIP_MAX; i++)
		put_address(&w, &m->vip[i]);
	cursor_put_bytes(&w, m->cluster_id, sizeof(m->cluster_id));
	cursor_put_u8(&w, m->flags & MSG_IDENTITY_ALL);
	cursor_put_u32(&w, m->heartbeat_us);
	cursor_put_u32(&w, m->dead_us);
	cursor_put_u32(&w, m->confirm_us);
	return cursor_written(&w);
}

enum ha_drop msg_decode_identity(const uint8_t *body, size_t len, struct msg_identity *out)
{
	struct cursor_reader r;
	struct msg_identity m = {0};
	bool valid = true;

	cursor_read(&r, body, len);
	m.revision = cursor_get_u32(&r);
	valid &= get_text(&r, m.model, MSG_MODEL_LEN);
	valid &= get_text(&r, m.firmware, MSG_FIRMWARE_LEN);
	valid &= get_text(&r, m.hotfix, MSG_HOTFIX_LEN);
	valid &= get_text(&r, m.patch, MSG_PATCH_LEN);
	valid &= get_text(&r, m.host_name, MSG_HOST_LEN);
	valid &= get_text(&r, m.agent, MSG_AGENT_LEN);
	cursor_get_bytes(&r, m.management_mac.b, sizeof(m.management_mac.b));
	valid &= !ha_mac_is_group(&m.management_mac);
	for (size_t i = 0; i < HA_ADDRESS_MAX; i++)
		valid &= get_prefix(&r, &m.management[i]);
	for (size_t i = 0; i < HA_VIP_MAX; i++)
		valid &= get_address(&r, &m.vip[i]);
	cursor_get_bytes(&r, m.cluster_id, sizeof(m.cluster_id));
	m.flags = cursor_get_u8(&r) & MSG_IDENTITY_ALL;
	m.heartbeat_us = cursor_get_u32(&r);
	m.dead_us = cursor_get_u32(&r);
	m.confirm_us = cursor_get_u32(&r);
	if (!cursor_finished(&r))
		return DROP_BAD_LENGTH;
	if (!valid)
		return DROP_BAD_VALUE;
	*out = m;
	return DROP_NONE;
}

size_t msg_encode_join(uint8_t *out, size_t cap, const struct msg_join *m)
{
	struct cursor_writer w;

	cursor_write(&w, out, cap);
	cursor_put_u8(&w, m->op);
	cursor_put_u8(&w, m->refusal);
	put_address(&w, &m->address);
	cursor_put_bytes(&w, m->cluster_id, sizeof(m->cluster_id));
	cursor_put_u64(&w, m->term);
	cursor_put_bytes(&w, m->cause, sizeof(m->cause));
	return cursor_written(&w);
}

/* SPEC 3.R10, 3.R19. Which cause a byte stands for is not judged: a newer peer may have more of
 * them. */
static bool join_valid(const struct msg_join *m)
{
	static const uint8_t none[MSG_CAUSES];
	bool refuses = m->op == JOIN_REFUSE, reports = m->op == JOIN_REPORT;

	if (m->op < JOIN_REQUEST || m->op >= JOIN_OP_N || m->refusal >= JOIN_REFUSAL_N ||
	    m->term > MSG_TERM_MAX)
		return false;
	if (!reports && refuses != (m->refusal != JOIN_OK))
		return false;
	return reports || refuses || memcmp(m->cause, none, sizeof(none)) == 0;
}

enum ha_drop msg_decode_join(const uint8_t *body, size_t len, struct msg_join *out)
{
	struct cursor_reader r;
	struct msg_join m;
	bool valid;

	cursor_read(&r, body, len);
	m.op = cursor_get_u8(&r);
	m.refusal = cursor_get_u8(&r);
	valid = get_address(&r, &m.address);
	cursor_get_bytes(&r, m.cluster_id, sizeof(m.cluster_id));
	m.term = cursor_get_u64(&r);
	cursor_get_bytes(&r, m.cause, sizeof(m.cause));
	if (!cursor_finished(&r))
		return DROP_BAD_LENGTH;
	if (!valid || !join_valid(&m))
		return DROP_BAD_VALUE;
	*out = m;
	return DROP_NONE;
}
