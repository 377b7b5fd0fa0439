/* session - two live sessions, and an attacker who owns the wire between them.
 *
 *   pattern and path; then steps: a timer, time that passes, a message sealed, a frame of those sent so far delivered as it was
 *   (to its addressee or back to its sender), or changed, cut or lengthened, a frame of the attacker's own, a restart
 *
 * The attacker can make the MAC of a handshake good, as whoever knows the passphrase can (without one, before the join: everybody).
 * Of a pair nobody can, as its key is the pair's secret; there it is made good all the same, to get at what lies behind it, but
 * not for another boot or sequence: that these are the peer's the MAC alone says (SPEC 4.R17).
 *
 * Nothing is ever taken for a message but what the other side sealed for this start of its receiver, whole, and once. When the
 * attacker leaves the two find each other and talk.
 */
#include "tests/fuzz/fuzz.h"

#include <sodium.h>

#include "proto/session.h"

enum {
	WIRE = 32, /* frames that the attacker remembers */
	FRAME = SESSION_FRAME_MAX + 64,
	MAC_LEN = 16,
	BOOT_AT = MSG_HEADER_LEN + 6, /* with the sequence behind it: SPEC 4.2 */
	BOOT_AND_SEQUENCE = 16,
	STEPS_MAX = 400,
	HEAL_STEPS = 4000,
};

struct sent {
	unsigned from;
	unsigned life; /* of whom it was for, when it was sealed */
	bool data, accepted;
	size_t len;
	uint8_t bytes[FRAME];
};

struct world {
	struct session_config config[2];
	struct session side[2];
	unsigned life[2];
	ha_time now;
	uint64_t draws;
	struct sent wire[WIRE];
	unsigned sent;
};

static struct session_config preset[2][2]; /* pattern, side */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (sodium_init() < 0)
		return 1;
	for (unsigned i = 0; i < 4; i++) {
		struct session_config *c = &preset[i / 2][i % 2];
		uint8_t seed = (uint8_t)(100 + i % 2);

		c->pattern = i / 2 ? SESSION_KK : SESSION_XX;
		c->initiator = i % 2 == 0;
		c->boot = 10 + i % 2;
		crypto_generichash(c->secret_key, HA_KEY_LEN, &seed, 1, NULL, 0);
		crypto_scalarmult_curve25519_base(c->public_key, c->secret_key);
		if (c->pattern == SESSION_KK) {
			memset(c->pair_secret, 0x5a, HA_KEY_LEN);
			memset(c->cluster_id, 0xc1, HA_CLUSTER_ID_LEN);
		}
	}
	for (unsigned i = 0; i < 2; i++)
		memcpy(preset[1][i].peer_key, preset[1][1 - i].public_key, HA_KEY_LEN);
	return 0;
}

static void entropy(struct world *w, uint8_t out[SESSION_ENTROPY_LEN])
{
	w->draws++;
	crypto_generichash(out, SESSION_ENTROPY_LEN, (const uint8_t *)&w->draws, sizeof(w->draws),
			   NULL, 0);
}

static struct sent *log_frame(struct world *w, unsigned from, const uint8_t *frame, size_t len)
{
	struct sent *e = &w->wire[w->sent++ % WIRE];

	FUZZ_CHECK(len <= sizeof(e->bytes));
	*e = (struct sent){.from = from, .life = w->life[1 - from], .len = len};
	memcpy(e->bytes, frame, len);
	return e;
}

static void timer(struct world *w, unsigned who)
{
	uint8_t fresh[SESSION_ENTROPY_LEN];
	struct session_output out;

	entropy(w, fresh);
	session_timer(&w->side[who], w->now, fresh, &out);
	FUZZ_CHECK(!out.message && out.frame_len <= SESSION_FRAME_MAX);
	if (out.frame_len > 0)
		log_frame(w, who, out.frame, out.frame_len);
	FUZZ_CHECK(session_deadline(&w->side[who]) > w->now);
}

/* Hands the frame over. origin: the one it was made of, or NULL. */
static void deliver(struct world *w, unsigned to, const uint8_t *bytes, size_t len,
		    struct sent *origin)
{
	const struct ha_mac from = {{2, 0, 0, 0, 0, (uint8_t)(1 - to)}};
	uint8_t fresh[SESSION_ENTROPY_LEN], *frame = malloc(len > 0 ? len : 1);
	struct session_output out;
	struct msg_header h;

	FUZZ_CHECK(frame != NULL);
	memcpy(frame, bytes, len);
	if (msg_decode_header(frame, len, w->config[to].path, &h) == DROP_NONE)
		(void)session_owns(&w->side[to], &h, frame + MSG_HEADER_LEN,
				   h.length - MSG_HEADER_LEN - msg_tag_len(h.type));
	entropy(w, fresh);
	if (session_receive(&w->side[to], w->now, &from, fresh, frame, len, &out) != DROP_NONE)
		FUZZ_CHECK(!out.message && !out.up);
	if (out.message) {
		FUZZ_CHECK(origin != NULL && origin->data && origin->from == 1 - to);
		FUZZ_CHECK(!origin->accepted && origin->life == w->life[to]);
		FUZZ_CHECK(out.header.length == origin->len &&
			   memcmp(frame, origin->bytes, origin->len) == 0);
		FUZZ_CHECK(out.body == frame + MSG_HEADER_LEN);
		origin->accepted = true;
	}
	if (out.frame_len > 0)
		log_frame(w, to, out.frame, out.frame_len);
	if (out.up && w->config[to].pattern == SESSION_KK)
		FUZZ_CHECK(session_exporter(&w->side[to]) != NULL);
	free(frame);
}

static struct sent *seal(struct world *w, unsigned who, uint8_t what)
{
	const uint8_t body[8] = {what};
	uint8_t frame[FRAME];
	size_t len =
		session_seal(&w->side[who], MSG_SOLICIT, body, sizeof(body), frame, sizeof(frame));
	struct sent *e;

	FUZZ_CHECK((len > 0) == session_is_up(&w->side[who]));
	if (len == 0)
		return NULL;
	e = log_frame(w, who, frame, len);
	e->data = true;
	return e;
}

static void restart(struct world *w, unsigned who)
{
	w->config[who].boot++;
	w->life[who]++;
	session_wipe(&w->side[who]);
	session_init(&w->side[who], &w->config[who], w->now);
}

/* One of the frames, the newest by 0. */
static struct sent *choose(struct world *w, struct script *s)
{
	unsigned n = w->sent < WIRE ? w->sent : WIRE;

	return n == 0 ? NULL : &w->wire[(w->sent - 1 - script_below(s, n)) % WIRE];
}

/* As the receiver expects it of a handshake. */
static void make_mac_good(const struct world *w, unsigned to, uint8_t *bytes, size_t len)
{
	if (len > MSG_HEADER_LEN + MAC_LEN)
		crypto_generichash(bytes + len - MAC_LEN, MAC_LEN, bytes, len - MAC_LEN,
				   w->side[to].mac_in, HA_KEY_LEN);
}

static void change(struct world *w, struct script *s)
{
	struct sent *e = choose(w, s), kept;
	uint8_t bytes[FRAME], how = script_u8(s);
	size_t len;

	if (e == NULL)
		return;
	kept = *e;
	len = kept.len;
	memcpy(bytes, kept.bytes, len);
	if (how & 1 && len > 0)
		len = script_below(s, (uint32_t)len);
	for (; how & 6 && len < sizeof(bytes) && len < kept.len + 8; how = (uint8_t)(how - 2))
		bytes[len++] = script_u8(s);
	for (unsigned i = 0; how & 8 && i < 4 && len > 0; i++)
		bytes[script_below(s, (uint32_t)len)] ^= script_u8(s);
	if (how & 0x40 && w->config[0].pattern == SESSION_KK &&
	    kept.len >= BOOT_AT + BOOT_AND_SEQUENCE)
		memcpy(bytes + BOOT_AT, kept.bytes + BOOT_AT, BOOT_AND_SEQUENCE);
	if (how & 0x40)
		make_mac_good(w, 1 - kept.from, bytes, len);
	deliver(w, how & 0x80 ? kept.from : 1 - kept.from, bytes, len, e);
}

static void forge(struct world *w, struct script *s)
{
	uint8_t bytes[FRAME], to = script_bool(s);
	size_t len = script_below(s, sizeof(bytes));
	struct msg_header h = {
		.version = MSG_VERSION,
		.type = script_u8(s) % (MSG_ADDRESSES + 2),
		.path = (uint8_t)w->config[0].path,
		.length = (uint16_t)len,
		.receiver =
			script_bool(s) ? w->side[to].current.local : w->side[to].handshake.local,
		.counter = script_u8(s),
	};

	script_bytes(s, bytes, len);
	if (script_bool(s) && len >= MSG_HEADER_LEN)
		msg_encode_header(bytes, MSG_HEADER_LEN, &h);
	if (h.type == MSG_HANDSHAKE)
		make_mac_good(w, to, bytes, len);
	deliver(w, to, bytes, len, NULL);
}

static void step(struct world *w, struct script *s)
{
	uint8_t op = script_u8(s);
	unsigned who = op >> 7;
	struct sent *e;

	switch (op % 16) {
	case 0:
	case 1:
		if (session_deadline(&w->side[who]) > w->now &&
		    session_deadline(&w->side[who]) != HA_NEVER)
			w->now = session_deadline(&w->side[who]);
		timer(w, who);
		break;
	case 2:
		w->now += (ha_time)script_u8(s) << script_u8(s) % 36;
		break;
	case 3:
		w->now += script_u8(s) * HA_MS;
		if (session_deadline(&w->side[who]) <= w->now)
			timer(w, who);
		break;
	case 4:
	case 5:
		seal(w, who, script_u8(s));
		break;
	case 6:
		restart(w, who);
		break;
	case 7:
	case 8:
		change(w, s);
		break;
	case 9:
		forge(w, s);
		break;
	case 10:
		e = choose(w, s);
		if (e != NULL)
			deliver(w, e->from, e->bytes, e->len, e);
		break;
	default:
		e = choose(w, s);
		if (e != NULL)
			deliver(w, 1 - e->from, e->bytes, e->len, e);
		break;
	}
}

/* Each hears all of the other from now on: they come up, and a message passes each way. */
static void heal(struct world *w)
{
	unsigned talked = 0, seen = w->sent;

	/* A join has one try: who asked and is up does not ask again, whatever becomes of the other. */
	for (unsigned who = 0; who < 2 && w->config[0].pattern == SESSION_XX; who++)
		restart(w, who);
	w->now += 2 * HA_SEC; /* what floods took of the limits comes back */
	for (unsigned i = 0; i < HEAL_STEPS && talked != 3; i++) {
		for (; seen != w->sent; seen++) {
			struct sent e = w->wire[seen % WIRE], *origin = &w->wire[seen % WIRE];

			deliver(w, 1 - e.from, e.bytes, e.len, origin);
			if (e.data && origin->accepted)
				talked |= 1u << e.from;
		}
		w->now += 10 * HA_MS;
		for (unsigned who = 0; who < 2; who++) {
			if (session_deadline(&w->side[who]) <= w->now)
				timer(w, who);
			if (i % 10 == 0)
				seal(w, who, 1);
		}
	}
	FUZZ_CHECK(talked == 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct world w;
	struct script s = {data, len};
	uint8_t first = script_u8(&s);

	memset(&w, 0, sizeof(w));
	w.now = 1000 * HA_SEC;
	for (unsigned i = 0; i < 2; i++) {
		w.config[i] = preset[first & 1][i];
		w.config[i].path = first & 1 && first & 2 ? HA_PATH_MANAGEMENT : HA_PATH_LINK;
		session_init(&w.side[i], &w.config[i], w.now);
	}
	for (unsigned i = 0; i < STEPS_MAX && !script_ended(&s); i++)
		step(&w, &s);
	heal(&w);
	return 0;
}
