#include "proto/disown.h"

#include "proto/cursor.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

enum {
	MAC_LEN = 16,
};

/* SPEC 4.R36 */
static void make_mac(const uint8_t pair_secret[HA_KEY_LEN], const uint8_t *frame, size_t len,
		     uint8_t out[MAC_LEN])
{
	static const uint8_t label[] = "haagent disown";
	uint8_t key[HA_KEY_LEN];

	crypto_generichash(key, sizeof(key), label, sizeof(label) - 1, pair_secret, HA_KEY_LEN);
	crypto_generichash(out, MAC_LEN, frame, len, key, sizeof(key));
	sodium_memzero(key, sizeof(key));
}

size_t disown_seal(const struct msg_disown *m, enum ha_path path,
		   const uint8_t pair_secret[HA_KEY_LEN], uint8_t *out, size_t cap)
{
	struct msg_header h = {.version = MSG_VERSION, .type = MSG_DISOWN};
	size_t len = MSG_HEADER_LEN + msg_body_len(MSG_DISOWN);
	struct cursor_writer w;

	if (cap < len)
		return 0;
	h.path = (uint8_t)path;
	h.length = (uint16_t)len;
	msg_encode_header(out, MSG_HEADER_LEN, &h);
	cursor_write(&w, out + MSG_HEADER_LEN, len - MSG_HEADER_LEN - MAC_LEN);
	cursor_put_bytes(&w, m->cluster_id, sizeof(m->cluster_id));
	cursor_put_bytes(&w, m->key, sizeof(m->key));
	cursor_put_u64(&w, m->boot);
	cursor_put_u8(&w, m->why);
	assert(cursor_written(&w) == len - MSG_HEADER_LEN - MAC_LEN);
	make_mac(pair_secret, out, len - MAC_LEN, out + len - MAC_LEN);
	return len;
}

/* They are public: that they are looked at first tells a frame for another start or pair from one that is forged, and
 * no more. */
enum ha_drop disown_fields(const struct msg_header *h, const uint8_t *frame, struct msg_disown *out)
{
	struct cursor_reader r;

	cursor_read(&r, frame + MSG_HEADER_LEN, (size_t)h->length - MSG_HEADER_LEN - MAC_LEN);
	cursor_get_bytes(&r, out->cluster_id, sizeof(out->cluster_id));
	cursor_get_bytes(&r, out->key, sizeof(out->key));
	out->boot = cursor_get_u64(&r);
	out->why = cursor_get_u8(&r);
	assert(cursor_finished(&r));
	if ((out->why != PARTING_DETACHED && out->why != PARTING_REMOVED) || h->receiver != 0 ||
	    h->counter != 0)
		return DROP_BAD_VALUE;
	return DROP_NONE;
}

enum ha_drop disown_open(const uint8_t *frame, size_t len, enum ha_path on,
			 const struct msg_disown *expected, const uint8_t pair_secret[HA_KEY_LEN],
			 enum msg_parting *why)
{
	uint8_t mac[MAC_LEN];
	struct msg_header h;
	struct msg_disown m;
	enum ha_drop drop, fields;

	drop = msg_decode_header(frame, len, on, &h);
	if (drop)
		return drop;
	if (h.type != MSG_DISOWN)
		return DROP_BAD_TYPE;
	fields = disown_fields(&h, frame, &m);
	if (memcmp(m.key, expected->key, sizeof(m.key)) != 0 ||
	    memcmp(m.cluster_id, expected->cluster_id, sizeof(m.cluster_id)) != 0)
		return DROP_WRONG_PEER;
	if (m.boot != expected->boot)
		return DROP_STALE_HANDSHAKE;
	make_mac(pair_secret, frame, h.length - (size_t)MAC_LEN, mac);
	if (sodium_memcmp(mac, frame + h.length - MAC_LEN, MAC_LEN) != 0)
		return DROP_BAD_TAG;
	if (fields)
		return fields;
	*why = (enum msg_parting)m.why;
	return DROP_NONE;
}
