/* IDENTITY, JOIN and ADDRESSES, and the addresses that they are made of (SPEC 3.R2). */
#include "proto/msg.h"

#include "proto/cursor.h"
#include "proto/msg_text.h"

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

bool msg_identity_has(const struct msg_identity *who, const struct ha_address *address)
{
	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++)
		if (ha_address_len(address) != 0 &&
		    ha_address_equal(&who->management[i].address, address))
			return true;
	return false;
}

bool msg_identity_reaches(const struct msg_identity *who, const struct ha_address *address)
{
	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++)
		if (ha_address_same_network(address, &who->management[i].address,
					    who->management[i].length))
			return true;
	return false;
}

size_t msg_encode_identity(uint8_t *out, size_t cap, const struct msg_identity *m)
{
	struct cursor_writer w;

	cursor_write(&w, out, cap);
	cursor_put_u32(&w, m->revision);
	msg_text_put(&w, m->model, MSG_MODEL_LEN);
	msg_text_put(&w, m->firmware, MSG_FIRMWARE_LEN);
	msg_text_put(&w, m->hotfix, MSG_HOTFIX_LEN);
	msg_text_put(&w, m->patch, MSG_PATCH_LEN);
	msg_text_put(&w, m->host_name, MSG_HOST_LEN);
	msg_text_put(&w, m->agent, MSG_AGENT_LEN);
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
	valid &= msg_text_get(&r, m.model, MSG_MODEL_LEN);
	valid &= msg_text_get(&r, m.firmware, MSG_FIRMWARE_LEN);
	valid &= msg_text_get(&r, m.hotfix, MSG_HOTFIX_LEN);
	valid &= msg_text_get(&r, m.patch, MSG_PATCH_LEN);
	valid &= msg_text_get(&r, m.host_name, MSG_HOST_LEN);
	valid &= msg_text_get(&r, m.agent, MSG_AGENT_LEN);
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
	    m->term > MSG_TERM_HEARD_MAX)
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

size_t msg_encode_addresses(uint8_t *out, size_t cap, const struct msg_addresses *m)
{
	struct cursor_writer w;

	cursor_write(&w, out, cap);
	cursor_put_u8(&w, m->op);
	cursor_put_u8(&w, m->refusal);
	cursor_put_bytes(&w, m->cluster_id, sizeof(m->cluster_id));
	for (size_t i = 0; i < HA_VIP_MAX; i++)
		put_address(&w, &m->vip[i]);
	return cursor_written(&w);
}

/* SPEC 3.R24: the list has no gap, and nothing twice. */
static bool valid_list(const struct ha_address vip[HA_VIP_MAX])
{
	unsigned n = ha_address_count(vip, HA_VIP_MAX);

	for (unsigned i = 0; i < HA_VIP_MAX; i++) {
		if (i >= n && vip[i].family != HA_FAMILY_NONE)
			return false;
		for (unsigned k = 0; k < i && i < n; k++)
			if (ha_address_equal(&vip[i], &vip[k]))
				return false;
	}
	return n > 0;
}

enum ha_drop msg_decode_addresses(const uint8_t *body, size_t len, struct msg_addresses *out)
{
	struct cursor_reader r;
	struct msg_addresses m;
	bool valid = true;

	cursor_read(&r, body, len);
	m.op = cursor_get_u8(&r);
	m.refusal = cursor_get_u8(&r);
	cursor_get_bytes(&r, m.cluster_id, sizeof(m.cluster_id));
	for (size_t i = 0; i < HA_VIP_MAX; i++)
		valid &= get_address(&r, &m.vip[i]);
	if (!cursor_finished(&r))
		return DROP_BAD_LENGTH;
	if (m.op < ADDRESSES_PROPOSE || m.op >= ADDRESSES_OP_N ||
	    m.refusal >= ADDRESSES_REFUSAL_N ||
	    (m.op == ADDRESSES_REFUSE) != (m.refusal != ADDRESSES_OK) || !valid ||
	    !valid_list(m.vip))
		return DROP_BAD_VALUE;
	*out = m;
	return DROP_NONE;
}
