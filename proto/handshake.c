#include "proto/handshake.h"

#include "proto/cursor.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

enum {
	FIXED_LEN = 1 + 1 + 4 + 8 + 8, /* of a HANDSHAKE's body, before the Noise message */
	MAC_LEN = 16,
	STEPS = 3,
	ENTROPY_INDEX = HA_KEY_LEN, /* offsets into the entropy */
	ENTROPY_JITTER = HA_KEY_LEN + 4,
};

/* Lengths of the Noise messages, by pattern and step (SPEC 4.R10). */
static const uint8_t message_len[][STEPS] = {
	[SESSION_XX] = {32, 96, 64},
	[SESSION_KK] = {48, 48, 0},
};

static uint32_t load_u32(const uint8_t *bytes)
{
	struct cursor_reader r;

	cursor_read(&r, bytes, 4);
	return cursor_get_u32(&r);
}

/* SPEC 4.R12: in KK the MAC is made for one receiver, so that a frame that comes back is known
 * as an echo. */
static void derive_mac_key(const struct session *s, const uint8_t *receiver,
			   uint8_t out[HA_KEY_LEN])
{
	static const uint8_t kk[] = "haagent handshake mac", xx[] = "haagent join mac";
	crypto_generichash_state state;

	crypto_generichash_init(&state, s->config.pair_secret, HA_KEY_LEN, HA_KEY_LEN);
	if (s->config.pattern == SESSION_KK) {
		crypto_generichash_update(&state, kk, sizeof(kk) - 1);
		crypto_generichash_update(&state, receiver, HA_KEY_LEN);
	} else {
		crypto_generichash_update(&state, xx, sizeof(xx) - 1);
	}
	crypto_generichash_final(&state, out, HA_KEY_LEN);
	sodium_memzero(&state, sizeof(state));
}

void handshake_init(struct session *s)
{
	derive_mac_key(s, s->config.public_key, s->mac_in);
	derive_mac_key(s, s->config.peer_key, s->mac_out);
}

static bool mac_holds(const uint8_t key[HA_KEY_LEN], const uint8_t *frame, size_t len)
{
	uint8_t mac[MAC_LEN];

	crypto_generichash(mac, MAC_LEN, frame, len - MAC_LEN, key, HA_KEY_LEN);
	return sodium_memcmp(mac, frame + len - MAC_LEN, MAC_LEN) == 0;
}

/* SPEC 4.R2 */
static void start_noise(const struct session *s, struct noise *n)
{
	static const uint8_t name[] = "haagent";
	uint8_t prologue[sizeof(name) - 1 + 2 + HA_CLUSTER_ID_LEN];
	struct cursor_writer w;

	cursor_write(&w, prologue, sizeof(prologue));
	cursor_put_bytes(&w, name, sizeof(name) - 1);
	cursor_put_u8(&w, MSG_VERSION);
	cursor_put_u8(&w, s->config.path);
	cursor_put_bytes(&w, s->config.cluster_id, HA_CLUSTER_ID_LEN);
	noise_init(n, s->config.pattern == SESSION_KK ? NOISE_KKPSK0 : NOISE_XX,
		   s->config.initiator, prologue, cursor_written(&w), s->config.secret_key,
		   s->config.peer_key, s->config.pair_secret);
}

static bool index_is_used(const struct session *s, uint32_t index)
{
	return (s->current.valid && s->current.local == index) ||
	       (s->next.valid && s->next.local == index) ||
	       (s->previous.valid && s->previous.local == index) ||
	       (s->handshake.active && s->handshake.local == index);
}

static uint32_t pick_index(const struct session *s, const uint8_t *entropy)
{
	uint32_t index = load_u32(entropy + ENTROPY_INDEX);

	while (index == 0 || index_is_used(s, index))
		index++;
	return index;
}

void handshake_schedule(struct session *s, ha_time now, const uint8_t entropy[SESSION_ENTROPY_LEN])
{
	ha_time base = s->tries < SESSION_FIRST_TRIES ? SESSION_FIRST_MS : SESSION_FIRST_SLOW_MS;
	ha_time half = base * HA_MS / 2;

	s->send_at = now + half + half / 2 + (half * load_u32(entropy + ENTROPY_JITTER) >> 32);
	if (s->tries < SESSION_FIRST_TRIES)
		s->tries++;
}

/* Writes one HANDSHAKE frame, MAC and all. */
static void send_frame(const struct session *s, const struct handshake_body *b,
		       const uint8_t *noise, size_t noise_len, uint32_t receiver,
		       struct session_output *out)
{
	struct msg_header h = {.version = MSG_VERSION, .type = MSG_HANDSHAKE, .receiver = receiver};
	size_t len = MSG_HEADER_LEN + FIXED_LEN + noise_len + MAC_LEN;
	struct cursor_writer w;

	assert(noise_len == message_len[b->pattern][b->step - 1]);
	assert(len <= sizeof(out->frame));
	h.path = (uint8_t)s->config.path;
	h.length = (uint16_t)len;
	msg_encode_header(out->frame, sizeof(out->frame), &h);
	cursor_write(&w, out->frame + MSG_HEADER_LEN, sizeof(out->frame) - MSG_HEADER_LEN);
	cursor_put_u8(&w, b->pattern);
	cursor_put_u8(&w, b->step);
	cursor_put_u32(&w, b->sender);
	cursor_put_u64(&w, b->boot);
	cursor_put_u64(&w, b->sequence);
	cursor_put_bytes(&w, noise, noise_len);
	assert(cursor_written(&w) == len - MSG_HEADER_LEN - MAC_LEN);
	crypto_generichash(out->frame + len - MAC_LEN, MAC_LEN, out->frame, len - MAC_LEN,
			   s->mac_out, HA_KEY_LEN);
	out->frame_len = len;
}

/* Takes the next Noise message of n and sends it. False if Noise refuses: the peer's key is of
 * low order. */
static bool send_message(const struct session *s, struct noise *n, const uint8_t *entropy,
			 struct handshake_body *b, uint32_t receiver, struct session_output *out)
{
	uint8_t message[NOISE_MESSAGE_MAX];
	size_t len;

	b->pattern = (uint8_t)s->config.pattern;
	b->boot = s->config.boot;
	len = noise_write(n, entropy, NULL, 0, message, sizeof(message));
	if (len == 0)
		return false;
	send_frame(s, b, message, len, receiver, out);
	return true;
}

static bool read_message(struct noise *n, const struct handshake_body *b)
{
	uint8_t none[1];
	size_t len;

	return noise_read(n, b->message, b->message_len, none, 0, &len);
}

void handshake_first(struct session *s, ha_time now, const uint8_t entropy[SESSION_ENTROPY_LEN],
		     struct session_output *out)
{
	struct session_handshake *hs = &s->handshake;
	struct handshake_body b = {.step = 1};
	uint32_t index = pick_index(s, entropy);
	bool sent;

	sodium_memzero(hs, sizeof(*hs));
	hs->active = true;
	hs->local = index;
	hs->sequence = ++s->sequence;
	hs->begun = now;
	start_noise(s, &hs->noise);
	b.sender = hs->local;
	b.sequence = hs->sequence;
	sent = send_message(s, &hs->noise, entropy, &b, 0, out);
	if (!sent) /* KK, and the pinned key is of low order: there is nobody to talk to */
		sodium_memzero(hs, sizeof(*hs));
	out->to_group = sent && (!s->current.valid || s->wanted ||
				 now >= s->heard_at + SESSION_QUIET_MS * HA_MS);
	s->sent_at = now;
	handshake_schedule(s, now, entropy);
}

/* SPEC 4.R39 */
static void derive_exporter(uint8_t out[HA_KEY_LEN], uint8_t extra[HA_KEY_LEN],
			    const uint8_t hash[HA_KEY_LEN])
{
	static const uint8_t label[] = "haagent exporter";
	crypto_generichash_state state;

	crypto_generichash_init(&state, extra, HA_KEY_LEN, HA_KEY_LEN);
	crypto_generichash_update(&state, label, sizeof(label) - 1);
	crypto_generichash_update(&state, hash, HA_KEY_LEN);
	crypto_generichash_final(&state, out, HA_KEY_LEN);
	sodium_memzero(&state, sizeof(state));
}

static void make_keys(const struct noise *n, uint32_t local, uint32_t remote, uint64_t peer_boot,
		      ha_time now, struct session_keys *out)
{
	uint8_t extra[HA_KEY_LEN];

	*out = (struct session_keys){
		.valid = true,
		.local = local,
		.remote = remote,
		.peer_boot = peer_boot,
		.born = now,
	};
	noise_split(n, out->send, out->receive, extra);
	if (n->pattern == NOISE_KKPSK0) /* XX makes the pair secret of it: 4.R21 */
		derive_exporter(out->exporter, extra, n->h);
	sodium_memzero(extra, sizeof(extra));
}

void handshake_adopt(struct session *s, struct session_keys *fresh, ha_time now)
{
	/* SPEC 4.R31: keys that never proved themselves do not push out those that did. */
	if (s->config.pattern == SESSION_KK && s->current.valid &&
	    (s->current.proved || !s->previous.valid))
		s->previous = s->current;
	s->current = *fresh;
	sodium_memzero(fresh, sizeof(*fresh));
	s->previous_until = s->current.proved ? now + SESSION_PREVIOUS_MS * HA_MS : HA_NEVER;
	s->heard_at = now;
	s->tries = 0;
	s->wanted = false;
}

/* SPEC 4.R21 */
static void derive_join(struct session *s, const struct noise *n)
{
	static const uint8_t label[] = "haagent pair secret";
	uint8_t send[HA_KEY_LEN], receive[HA_KEY_LEN], extra[HA_KEY_LEN];
	crypto_generichash_state state;

	noise_split(n, send, receive, extra);
	crypto_generichash_init(&state, extra, sizeof(extra), HA_KEY_LEN);
	crypto_generichash_update(&state, label, sizeof(label) - 1);
	crypto_generichash_update(&state, n->h, sizeof(n->h));
	crypto_generichash_update(&state, s->config.pair_secret, HA_KEY_LEN);
	crypto_generichash_final(&state, s->join_secret, HA_KEY_LEN);
	memcpy(s->join_hash, n->h, HA_KEY_LEN);
	memcpy(s->join_peer_key, n->rs, HA_KEY_LEN);
	sodium_memzero(&state, sizeof(state));
	sodium_memzero(send, sizeof(send));
	sodium_memzero(receive, sizeof(receive));
	sodium_memzero(extra, sizeof(extra));
}

/* KK message 1, whose MAC holds: the peer made it, in this boot or an earlier one. */
static enum ha_drop answer_kk(struct session *s, ha_time now, const uint8_t *entropy,
			      const struct handshake_body *in, struct session_output *out)
{
	struct handshake_body b = {
		.step = 2, .sender = pick_index(s, entropy), .sequence = in->sequence};
	enum ha_drop drop = DROP_BAD_HANDSHAKE;
	struct noise n;

	if (in->boot < s->peer_boot ||
	    (in->boot == s->peer_boot && in->sequence <= s->peer_sequence))
		return DROP_STALE_HANDSHAKE;
	start_noise(s, &n);
	if (read_message(&n, in) && send_message(s, &n, entropy, &b, in->sender, out)) {
		make_keys(&n, b.sender, in->sender, in->boot, now, &s->next);
		s->peer_boot = in->boot;
		s->peer_sequence = in->sequence;
		drop = DROP_NONE;
	}
	noise_wipe(&n);
	return drop;
}

/* XX message 1. Anybody can make one where there is no passphrase, hence the limit before the
 * curve. */
static enum ha_drop answer_xx(struct session *s, ha_time now, const struct ha_mac *from,
			      const uint8_t *entropy, const struct handshake_body *in,
			      struct session_output *out)
{
	struct session_handshake hs = {
		.active = true,
		.local = pick_index(s, entropy),
		.remote = in->sender,
		.sequence = in->sequence,
		.begun = now,
	};
	struct handshake_body b = {.step = 2, .sender = hs.local, .sequence = in->sequence};
	enum ha_drop drop = DROP_BAD_HANDSHAKE;

	if (!limit_allows(&s->limit, now, from))
		return DROP_RATE_LIMIT;
	limit_charge(&s->limit, now, from);
	start_noise(s, &hs.noise);
	if (read_message(&hs.noise, in) &&
	    send_message(s, &hs.noise, entropy, &b, in->sender, out)) {
		s->handshake = hs;
		drop = DROP_NONE;
	}
	sodium_memzero(&hs, sizeof(hs));
	return drop;
}

/* A peer with our own key is a cloned disk, or ourselves: never a pair. */
static bool has_own_key(const struct session *s, const struct noise *n)
{
	return memcmp(n->rs, s->config.public_key, HA_KEY_LEN) == 0;
}

/* The last message that the initiator reads: in XX it has one more to send. Noise works on a
 * copy, so that a forged frame does not spoil the handshake in flight. */
static enum ha_drop finish_initiator(struct session *s, ha_time now, const uint8_t *entropy,
				     const struct handshake_body *in, struct session_output *out)
{
	struct handshake_body b = {
		.step = 3, .sender = s->handshake.local, .sequence = in->sequence};
	struct noise n = s->handshake.noise;
	enum ha_drop drop = DROP_BAD_HANDSHAKE;
	struct session_keys fresh;

	if (in->boot < s->peer_boot) {
		drop = DROP_STALE_HANDSHAKE;
		goto out;
	}
	if (!read_message(&n, in))
		goto out;
	if (has_own_key(s, &n)) {
		drop = DROP_OWN_ECHO;
		goto out;
	}
	if (s->config.pattern == SESSION_XX) {
		if (!send_message(s, &n, entropy, &b, in->sender, out))
			goto out;
		memcpy(s->third, out->frame, out->frame_len);
		s->third_len = out->frame_len;
		derive_join(s, &n);
	} else {
		s->peer_boot = in->boot;
	}
	make_keys(&n, s->handshake.local, in->sender, in->boot, now, &fresh);
	handshake_adopt(s, &fresh, now);
	if (s->config.pattern == SESSION_XX)
		handshake_schedule(s, now, entropy);
	sodium_memzero(&s->handshake, sizeof(s->handshake));
	out->up = true;
	drop = DROP_NONE;
out:
	noise_wipe(&n);
	return drop;
}

/* XX message 3: it proves that the initiator has the keys, so they serve at once. */
static enum ha_drop finish_responder(struct session *s, ha_time now,
				     const struct handshake_body *in, struct session_output *out)
{
	struct noise n = s->handshake.noise;
	struct session_keys fresh;
	enum ha_drop drop;

	if (!read_message(&n, in)) {
		drop = DROP_BAD_HANDSHAKE;
	} else if (has_own_key(s, &n)) {
		drop = DROP_OWN_ECHO;
	} else {
		derive_join(s, &n);
		make_keys(&n, s->handshake.local, in->sender, in->boot, now, &fresh);
		fresh.proved = true;
		handshake_adopt(s, &fresh, now);
		sodium_memzero(&s->handshake, sizeof(s->handshake));
		out->up = true;
		drop = DROP_NONE;
	}
	noise_wipe(&n);
	return drop;
}

enum ha_drop handshake_fields(const struct msg_header *h, const uint8_t *frame,
			      struct handshake_body *out)
{
	struct cursor_reader r;

	if (h->length < MSG_HEADER_LEN + FIXED_LEN + MAC_LEN)
		return DROP_BAD_LENGTH;
	cursor_read(&r, frame + MSG_HEADER_LEN, FIXED_LEN);
	out->pattern = cursor_get_u8(&r);
	out->step = cursor_get_u8(&r);
	out->sender = cursor_get_u32(&r);
	out->boot = cursor_get_u64(&r);
	out->sequence = cursor_get_u64(&r);
	out->message = frame + MSG_HEADER_LEN + FIXED_LEN;
	out->message_len = (size_t)h->length - MSG_HEADER_LEN - FIXED_LEN - MAC_LEN;
	if (out->pattern >= sizeof(message_len) / sizeof(*message_len) || out->step < 1 ||
	    out->step > STEPS || message_len[out->pattern][out->step - 1] == 0)
		return DROP_BAD_HANDSHAKE;
	if (out->message_len != message_len[out->pattern][out->step - 1])
		return DROP_BAD_LENGTH;
	return DROP_NONE;
}

static enum ha_drop parse(const struct session *s, const struct msg_header *h, const uint8_t *frame,
			  struct handshake_body *out)
{
	if (h->length >= MSG_HEADER_LEN + FIXED_LEN + MAC_LEN &&
	    frame[MSG_HEADER_LEN] != s->config.pattern)
		return DROP_BAD_HANDSHAKE;
	return handshake_fields(h, frame, out);
}

/* SPEC 4.R14: a frame whose MAC does not hold. What is charged here is paid by nobody but such
 * frames; in XX, where the limit guards the curve, they are not charged at all. */
static enum ha_drop refuse(struct session *s, ha_time now, const struct ha_mac *from,
			   const struct msg_header *h, const uint8_t *frame)
{
	if (s->config.pattern == SESSION_XX)
		return DROP_BAD_HANDSHAKE;
	if (!limit_allows(&s->limit, now, from))
		return DROP_RATE_LIMIT;
	if (mac_holds(s->mac_out, frame, h->length))
		return DROP_OWN_ECHO;
	limit_charge(&s->limit, now, from);
	return DROP_BAD_HANDSHAKE;
}

/* In XX the MAC tells nothing of the direction: an own frame has an own index. */
static bool is_own_xx(const struct session *s, const struct handshake_body *b)
{
	return s->config.pattern == SESSION_XX && b->boot == s->config.boot &&
	       index_is_used(s, b->sender);
}

enum ha_drop handshake_receive(struct session *s, ha_time now, const struct ha_mac *from,
			       const uint8_t entropy[SESSION_ENTROPY_LEN],
			       const struct msg_header *h, const uint8_t *frame,
			       struct session_output *out)
{
	const struct session_handshake *hs = &s->handshake;
	enum ha_drop drop;
	struct handshake_body b;

	drop = parse(s, h, frame, &b);
	if (drop)
		return drop;
	if (!mac_holds(s->mac_in, frame, h->length))
		return refuse(s, now, from, h, frame);

	if (s->config.initiator != (b.step == 2)) { /* only a responder sends message 2 */
		if (is_own_xx(s, &b))
			return DROP_OWN_ECHO;
		out->crossed = s->config.initiator && s->config.pattern == SESSION_XX;
		return DROP_BAD_HANDSHAKE;
	}
	if (b.sender == 0 || (b.step == 1 && h->receiver != 0))
		return DROP_BAD_VALUE;
	if (b.step == 1)
		return s->config.pattern == SESSION_KK ? answer_kk(s, now, entropy, &b, out)
						       : answer_xx(s, now, from, entropy, &b, out);
	if (b.step == 3 && s->current.valid && h->receiver == s->current.local)
		return DROP_REPLAY; /* repeated until the initiator hears us */
	if (!hs->active || h->receiver != hs->local || b.sequence != hs->sequence ||
	    (b.step == 3 && b.sender != hs->remote))
		return DROP_BAD_HANDSHAKE;
	return b.step == 2 ? finish_initiator(s, now, entropy, &b, out)
			   : finish_responder(s, now, &b, out);
}
