/* The frames of the sync (SPEC 6.1). Their records are in sync_record.c. */
#include "proto/sync_msg.h"

#include "proto/cursor.h"

#include <string.h>

enum {
	MTU_MIN = 576, /* any Ethernet has more; a hostile one shall not make us send crumbs */
	MTU_MAX = MSG_SYNC_LEN_MAX,
	FLAGS_ALL = SYNC_FLUSH,
};

/* SPEC 6.R4 */
static bool hello_valid(const struct sync_hello *m)
{
	static const uint8_t none[SYNC_SALT_LEN];

	return memcmp(m->salt, none, sizeof(none)) != 0 && m->mtu >= MTU_MIN && m->mtu <= MTU_MAX &&
	       m->window >= 1 && m->window <= SYNC_ACK_BITS;
}

size_t sync_encode_hello(uint8_t *out, size_t cap, const struct sync_hello *m)
{
	struct cursor_writer w;

	if (!hello_valid(m))
		return 0;
	cursor_write(&w, out, cap);
	cursor_put_bytes(&w, m->salt, sizeof(m->salt));
	cursor_put_bytes(&w, m->echo, sizeof(m->echo));
	cursor_put_u16(&w, m->mtu);
	cursor_put_u8(&w, m->aes);
	cursor_put_u32(&w, m->window);
	cursor_put_u8(&w, 0); /* reserved */
	return cursor_written(&w);
}

enum ha_drop sync_decode_hello(const uint8_t *body, size_t len, struct sync_hello *out)
{
	struct cursor_reader r;
	struct sync_hello m;
	uint8_t aes;

	cursor_read(&r, body, len);
	cursor_get_bytes(&r, m.salt, sizeof(m.salt));
	cursor_get_bytes(&r, m.echo, sizeof(m.echo));
	m.mtu = cursor_get_u16(&r);
	aes = cursor_get_u8(&r);
	m.aes = aes != 0;
	m.window = cursor_get_u32(&r);
	cursor_skip(&r, 1);
	if (!cursor_finished(&r))
		return DROP_BAD_LENGTH;
	if (aes > 1 || !hello_valid(&m))
		return DROP_BAD_VALUE;
	*out = m;
	return DROP_NONE;
}

size_t sync_encode_data(uint8_t *out, size_t cap, const struct sync_data *m)
{
	struct cursor_writer w;

	if (m->offset > SYNC_COUNT_MAX)
		return 0;
	cursor_write(&w, out, cap);
	cursor_put_u64(&w, m->offset);
	cursor_put_u8(&w, m->flags & FLAGS_ALL);
	return cursor_written(&w);
}

enum ha_drop sync_decode_data(const uint8_t *clear, size_t len, struct sync_data *out)
{
	struct cursor_reader r;
	struct sync_data m;

	cursor_read(&r, clear, len);
	m.offset = cursor_get_u64(&r);
	m.flags = cursor_get_u8(&r) & FLAGS_ALL;
	if (!cursor_finished(&r))
		return DROP_BAD_LENGTH;
	if (m.offset > SYNC_COUNT_MAX)
		return DROP_BAD_VALUE;
	*out = m;
	return DROP_NONE;
}

size_t sync_encode_ack(uint8_t *out, size_t cap, const struct sync_ack *m)
{
	struct cursor_writer w;

	if (m->cumulative > SYNC_COUNT_MAX)
		return 0;
	cursor_write(&w, out, cap);
	cursor_put_u64(&w, m->cumulative);
	cursor_put_bytes(&w, m->bitmap, sizeof(m->bitmap));
	return cursor_written(&w);
}

enum ha_drop sync_decode_ack(const uint8_t *body, size_t len, struct sync_ack *out)
{
	struct cursor_reader r;
	struct sync_ack m;

	cursor_read(&r, body, len);
	m.cumulative = cursor_get_u64(&r);
	cursor_get_bytes(&r, m.bitmap, sizeof(m.bitmap));
	if (!cursor_finished(&r))
		return DROP_BAD_LENGTH;
	if (m.cumulative > SYNC_COUNT_MAX)
		return DROP_BAD_VALUE;
	*out = m;
	return DROP_NONE;
}
