#include "proto/session.h"

#include "proto/handshake.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static ha_time earlier(ha_time a, ha_time b)
{
	return a < b ? a : b;
}

void session_init(struct session *s, const struct session_config *config, ha_time now)
{
	memset(s, 0, sizeof(*s));
	s->config = *config;
	s->peer_boot = config->peer_boot;
	s->send_at = now;
	s->sent_at = now;
	s->previous_until = HA_NEVER;
	handshake_init(s);
}

void session_wipe(struct session *s)
{
	sodium_memzero(s, sizeof(*s));
}

bool session_is_up(const struct session *s)
{
	return s->current.valid;
}

const uint8_t *session_exporter(const struct session *s)
{
	return s->config.pattern == SESSION_KK && s->current.valid ? s->current.exporter : NULL;
}

/* The keys whose index the peer was told, or NULL. */
static struct session_keys *find_keys(struct session *s, uint32_t index)
{
	if (s->current.valid && s->current.local == index)
		return &s->current;
	if (s->next.valid && s->next.local == index)
		return &s->next;
	if (s->previous.valid && s->previous.local == index)
		return &s->previous;
	return NULL;
}

bool session_owns(const struct session *s, const struct msg_header *h, const uint8_t *body,
		  size_t body_len)
{
	switch (h->type) {
	case MSG_BEACON:
		return s->config.pattern == SESSION_KK;
	case MSG_HANDSHAKE:
		return body_len > 0 && body[0] == s->config.pattern;
	case MSG_DISOWN: /* SPEC 4.R8: it stands by itself */
		return false;
	default:
		return (s->current.valid && s->current.local == h->receiver) ||
		       (s->next.valid && s->next.local == h->receiver) ||
		       (s->previous.valid && s->previous.local == h->receiver);
	}
}

/* What the session sends by itself, of which there is at most one at a time. */
enum duty {
	DUTY_NONE,
	DUTY_BEACON,
	DUTY_FIRST,
	DUTY_THIRD,
};

static bool is_used_up(const struct session_keys *k)
{
	return k->send_counter >= SESSION_REKEY_MESSAGES ||
	       k->replay.next >= SESSION_REKEY_MESSAGES;
}

/* SPEC 4.6: which duty is next, and when. */
static enum duty next_duty(const struct session *s, ha_time *at)
{
	const struct session_keys *k = &s->current;
	ha_time due;

	*at = s->send_at;
	if (s->config.pattern == SESSION_XX) {
		if (s->config.initiator && !k->valid)
			return DUTY_FIRST;
		if (s->config.initiator && !k->proved)
			return DUTY_THIRD;
	} else if (!s->config.initiator) {
		if (!k->valid)
			return DUTY_BEACON;
	} else {
		due = earlier(k->born + SESSION_REKEY_S * HA_SEC,
			      s->heard_at + SESSION_QUIET_MS * HA_MS);
		if (k->valid && !s->wanted && !is_used_up(k) && due > *at)
			*at = due;
		return DUTY_FIRST;
	}
	*at = HA_NEVER;
	return DUTY_NONE;
}

static ha_time expiry(const struct session_keys *k)
{
	return k->valid ? k->born + SESSION_KEY_MAX_S * HA_SEC : HA_NEVER;
}

static ha_time previous_expiry(const struct session *s)
{
	return s->previous.valid ? earlier(expiry(&s->previous), s->previous_until) : HA_NEVER;
}

static ha_time handshake_expiry(const struct session *s)
{
	return s->handshake.active ? s->handshake.begun + SESSION_HANDSHAKE_MS * HA_MS : HA_NEVER;
}

/* Forgets what is too old, before anything else is done at `now`. */
static void retire(struct session *s, ha_time now)
{
	if (now >= expiry(&s->current)) {
		sodium_memzero(&s->current, sizeof(s->current));
		s->send_at = now;
		s->tries = 0;
	}
	if (now >= expiry(&s->next))
		sodium_memzero(&s->next, sizeof(s->next));
	if (now >= previous_expiry(s))
		sodium_memzero(&s->previous, sizeof(s->previous));
	if (now >= handshake_expiry(s))
		sodium_memzero(&s->handshake, sizeof(s->handshake));
}

ha_time session_deadline(const struct session *s)
{
	ha_time at;

	next_duty(s, &at);
	at = earlier(at, expiry(&s->current));
	at = earlier(at, expiry(&s->next));
	at = earlier(at, previous_expiry(s));
	return earlier(at, handshake_expiry(s));
}

size_t session_beacon(const uint8_t public_key[HA_KEY_LEN], uint64_t boot, bool paired,
		      enum ha_path path, uint8_t *out, size_t cap)
{
	struct msg_header h = {.version = MSG_VERSION, .type = MSG_BEACON};
	struct msg_beacon b = {.boot = boot};
	size_t len = MSG_HEADER_LEN + msg_body_len(MSG_BEACON);

	if (cap < len)
		return 0;
	h.path = (uint8_t)path;
	h.flags = paired ? 0 : MSG_UNPAIRED;
	h.length = (uint16_t)len;
	memcpy(b.key, public_key, HA_KEY_LEN);
	msg_encode_header(out, MSG_HEADER_LEN, &h);
	msg_encode_beacon(out + MSG_HEADER_LEN, len - MSG_HEADER_LEN, &b);
	return len;
}

static void send_beacon(struct session *s, ha_time now, struct session_output *out)
{
	const struct session_config *c = &s->config;

	out->frame_len = session_beacon(c->public_key, c->boot, true, c->path, out->frame,
					sizeof(out->frame));
	out->to_group = true;
	s->send_at = now + SESSION_BEACON_MS * HA_MS;
}

void session_timer(struct session *s, ha_time now, const uint8_t entropy[SESSION_ENTROPY_LEN],
		   struct session_output *out)
{
	enum duty duty;
	ha_time at;

	*out = (struct session_output){0};
	retire(s, now);
	duty = next_duty(s, &at);
	if (now < at)
		return;
	switch (duty) {
	case DUTY_BEACON:
		send_beacon(s, now, out);
		break;
	case DUTY_FIRST:
		handshake_first(s, now, entropy, out);
		break;
	case DUTY_THIRD:
		memcpy(out->frame, s->third, s->third_len);
		out->frame_len = s->third_len;
		handshake_schedule(s, now, entropy);
		break;
	case DUTY_NONE:
		break;
	}
}

/* SPEC 4.R27: a beacon is not authenticated; it costs a handshake attempt and nothing else. */
static enum ha_drop receive_beacon(struct session *s, ha_time now, const uint8_t *entropy,
				   const uint8_t *body, struct session_output *out)
{
	struct msg_beacon b;
	enum ha_drop drop;
	ha_time at;

	drop = msg_decode_beacon(body, msg_body_len(MSG_BEACON), &b);
	if (drop)
		return drop;
	if (memcmp(b.key, s->config.public_key, HA_KEY_LEN) == 0)
		return DROP_OWN_ECHO;
	if (s->config.pattern != SESSION_KK)
		return DROP_UNPAIRED;
	if (memcmp(b.key, s->config.peer_key, HA_KEY_LEN) != 0)
		return DROP_WRONG_PEER;
	if (b.boot < s->peer_boot)
		return DROP_STALE_HANDSHAKE;
	if (!s->config.initiator || (s->current.valid && b.boot <= s->current.peer_boot))
		return DROP_NONE;

	s->wanted = s->current.valid;
	s->send_at = earlier(s->send_at, s->sent_at + SESSION_FIRST_MS * HA_MS);
	if (next_duty(s, &at) == DUTY_FIRST && now >= at)
		handshake_first(s, now, entropy, out);
	return DROP_NONE;
}

static enum ha_drop receive_data(struct session *s, ha_time now, const struct msg_header *h,
				 const uint8_t *frame, struct session_output *out)
{
	struct session_keys *k = find_keys(s, h->receiver);
	size_t sealed_from = (size_t)h->length - MSG_TAG_LEN;
	uint8_t none[1];

	if (!k)
		return DROP_UNKNOWN_INDEX;
	if (h->counter >= SESSION_KEY_MESSAGES ||
	    !noise_open(k->receive, h->counter, frame, sealed_from, frame + sealed_from,
			MSG_TAG_LEN, none))
		return DROP_BAD_TAG;
	if (!replay_accept(&k->replay, h->counter))
		return DROP_REPLAY;

	if (k == &s->next) { /* the initiator has them: SPEC 4.R19 */
		k->proved = true;
		handshake_adopt(s, k, now);
		k = &s->current;
		out->up = true;
	}
	if (k == &s->current) {
		if (!k->proved)
			s->previous_until = now + SESSION_PREVIOUS_MS * HA_MS;
		k->proved = true;
		s->heard_at = now;
		s->tries = 0;
	}
	out->message = true;
	out->header = *h;
	out->body = frame + MSG_HEADER_LEN;
	out->body_len = sealed_from - MSG_HEADER_LEN;
	out->current = k == &s->current;
	return DROP_NONE;
}

enum ha_drop session_receive(struct session *s, ha_time now, const struct ha_mac *from,
			     const uint8_t entropy[SESSION_ENTROPY_LEN], const uint8_t *frame,
			     size_t len, struct session_output *out)
{
	struct msg_header h;
	enum ha_drop drop;

	*out = (struct session_output){0};
	retire(s, now);
	drop = msg_decode_header(frame, len, s->config.path, &h);
	if (drop)
		return drop;
	switch (h.type) {
	case MSG_BEACON:
		return receive_beacon(s, now, entropy, frame + MSG_HEADER_LEN, out);
	case MSG_HANDSHAKE:
		return handshake_receive(s, now, from, entropy, &h, frame, out);
	default:
		return receive_data(s, now, &h, frame, out);
	}
}

size_t session_seal(struct session *s, enum msg_type type, const uint8_t *body, size_t body_len,
		    uint8_t *out, size_t cap)
{
	struct session_keys *k = &s->current;
	size_t len = MSG_HEADER_LEN + body_len + MSG_TAG_LEN;
	struct msg_header h = {.version = MSG_VERSION};

	assert(msg_tag_len(type) == MSG_TAG_LEN && body_len <= MSG_LEN_MAX);
	if (!k->valid || k->send_counter >= SESSION_KEY_MESSAGES || cap < len)
		return 0;
	h.type = (uint8_t)type;
	h.path = (uint8_t)s->config.path;
	h.length = (uint16_t)len;
	h.receiver = k->remote;
	h.counter = k->send_counter++;
	memmove(out + MSG_HEADER_LEN, body, body_len);
	msg_encode_header(out, cap, &h);
	noise_seal(k->send, h.counter, out, len - MSG_TAG_LEN, NULL, 0, out + len - MSG_TAG_LEN);
	return len;
}
