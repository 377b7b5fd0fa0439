/* world_sealed.c - frames as they really are: sessions, beacons, DISOWN, as the engine has them; see world.h. */
#include "tests/sim/world.h"

#include <sodium.h>
#include <string.h>

#include "proto/disown.h"

#define IDENTITY_EVERY HA_SEC
#define BEACON_EVERY   HA_SEC

static void draw(struct world *w, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(world_chance(w, UINT64_C(1) << 40) >> 8);
}

/* --- keys --- */

static void new_pair(struct world *w)
{
	uint8_t secret[HA_KEY_LEN], id[HA_CLUSTER_ID_LEN];

	draw(w, secret, sizeof(secret));
	draw(w, id, sizeof(id));
	for (int i = A; i <= B; i++) {
		memcpy(w->n[i].keys.pair_secret, secret, sizeof(secret));
		memcpy(w->n[i].keys.cluster_id, id, sizeof(id));
	}
}

/* Static keys once, of which A has the lower; a secret for each pair that they make. */
void world_sealed_keys(struct world *w, unsigned membership)
{
	if (!w->sealed)
		return;
	for (int i = A; i <= B && membership == 1; i++) {
		draw(w, w->n[i].keys.secret_key, HA_KEY_LEN);
		crypto_scalarmult_curve25519_base(w->n[i].keys.public_key, w->n[i].keys.secret_key);
	}
	if (membership == 1 &&
	    memcmp(w->n[A].keys.public_key, w->n[B].keys.public_key, HA_KEY_LEN) > 0) {
		struct world_keys kept = w->n[A].keys;

		w->n[A].keys = w->n[B].keys;
		w->n[B].keys = kept;
	}
	new_pair(w);
}

void world_sealed_open(struct world *w, int i)
{
	struct world_node *n = &w->n[i];
	const struct world_keys *k = &n->keys;
	ha_time now = world_local(w, i, w->now);
	struct session_config config = {
		.pattern = SESSION_KK,
		.initiator = i == A,
		.boot = n->store.boot,
		.peer_boot = n->store.peer_boot,
	};

	if (!w->sealed)
		return;
	n->sealed.peer_boot = n->store.peer_boot;
	n->sealed.identity_at = n->sealed.beacon_at = now;
	n->sealed.disown_at = 0;
	n->sealed.open = n->store.paired;
	if (!n->store.paired)
		return;
	memcpy(config.secret_key, k->secret_key, HA_KEY_LEN);
	memcpy(config.public_key, k->public_key, HA_KEY_LEN);
	memcpy(config.peer_key, w->n[1 - i].keys.public_key, HA_KEY_LEN);
	memcpy(config.pair_secret, k->pair_secret, HA_KEY_LEN);
	memcpy(config.cluster_id, k->cluster_id, HA_CLUSTER_ID_LEN);
	for (int path = 0; path < HA_PATH_N; path++) {
		config.path = path ? HA_PATH_MANAGEMENT : HA_PATH_LINK;
		session_init(&n->sealed.session[path], &config, now);
	}
}

void world_sealed_part(struct world *w, int i)
{
	struct world_node *n = &w->n[i];

	if (!n->sealed.open)
		return;
	memcpy(n->keys.former_secret, n->keys.pair_secret, HA_KEY_LEN);
	memcpy(n->keys.former_id, n->keys.cluster_id, HA_CLUSTER_ID_LEN);
	n->sealed.open = false;
	for (int path = 0; path < HA_PATH_N; path++)
		session_wipe(&n->sealed.session[path]);
}

/* --- out --- */

/* SPEC 1.R3: by unicast, and to the group while the peer is silent there. */
void world_sealed_send(struct world *w, int i, enum ha_path path, enum msg_type type,
		       const uint8_t *body, size_t body_len)
{
	struct world_node *n = &w->n[i];
	ha_time now = world_local(w, i, w->now);
	bool unicast = path == HA_PATH_MANAGEMENT && !ha_mac_is_zero(&n->node.peer.mac);
	unsigned copies = unicast && !node_path_audible(&n->node, path, now) ? 2 : 1;
	uint8_t frame[WORLD_BODY];

	for (; copies > 0 && n->sealed.open; copies--) {
		size_t len = session_seal(&n->sealed.session[path], type, body, body_len, frame,
					  sizeof(frame));

		if (len != 0)
			world_send_frame(w, i, path, frame, len);
	}
}

static void identity(struct world *w, int i)
{
	struct msg_identity own = {.revision = 1, .host_name = "node", .model = "1100"};
	uint8_t body[WORLD_BODY];
	size_t len;

	own.revision = 1 + world_list(w, i);
	for (unsigned v = 0; v < WORLD_VIPS; v++)
		own.vip[v] = world_address(world_list(w, i), v);
	own.management_mac = world_mac(i);
	len = msg_encode_identity(body, sizeof(body), &own);
	for (int path = 0; path < HA_PATH_N; path++)
		world_sealed_send(w, i, path ? HA_PATH_MANAGEMENT : HA_PATH_LINK, MSG_IDENTITY,
				  body, len);
}

static void on_up(struct world *w, int i, enum ha_path path)
{
	struct world_node *n = &w->n[i];
	struct node_event ev = {.type = EV_SESSION, .path = path};

	ev.boot = n->sealed.session[path].current.peer_boot;
	if (ev.boot > n->sealed.peer_boot) {
		n->sealed.peer_boot = ev.boot;
		(void)world_save(w, i);
	}
	world_engine_step(w, i, &ev);
	n->sealed.identity_at = world_local(w, i, w->now);
}

static void output(struct world *w, int i, enum ha_path path, const struct session_output *out)
{
	if (out->frame_len != 0)
		world_send_frame(w, i, path, out->frame, out->frame_len);
	if (out->up)
		on_up(w, i, path);
}

/* --- in --- */

/* SPEC 4.R35 */
static void on_beacon(struct world *w, int i, enum ha_path path, const struct msg_beacon *beacon)
{
	struct world_node *n = &w->n[i];
	bool left = n->node.mode == HA_MODE_STANDALONE && n->store.parting != PARTING_REMOVED;
	struct msg_disown disown = {.boot = beacon->boot};
	ha_time now = world_local(w, i, w->now);
	uint8_t frame[SESSION_FRAME_MAX];
	size_t len;

	if (n->store.parting == PARTING_NONE || now < n->sealed.disown_at)
		return;
	n->sealed.disown_at = now + BEACON_EVERY;
	disown.why = left ? PARTING_DETACHED : PARTING_REMOVED;
	memcpy(disown.cluster_id, n->keys.former_id, HA_CLUSTER_ID_LEN);
	memcpy(disown.key, n->keys.public_key, HA_KEY_LEN);
	len = disown_seal(&disown, path, n->keys.former_secret, frame, sizeof(frame));
	world_send_frame(w, i, path, frame, len);
}

static void on_disown(struct world *w, int i, const struct world_message *m)
{
	struct world_node *n = &w->n[i];
	struct msg_disown expected = {.boot = n->store.boot};
	enum msg_parting why;

	if (!n->store.paired)
		return;
	memcpy(expected.cluster_id, n->keys.cluster_id, HA_CLUSTER_ID_LEN);
	memcpy(expected.key, w->n[1 - i].keys.public_key, HA_KEY_LEN);
	if (disown_open(m->body, m->body_len, m->path, &expected, n->keys.pair_secret, &why) ==
	    DROP_NONE)
		world_part_later(w, i, why, false,
				 w->now + (why == PARTING_REMOVED ? 0 : n->store.delay));
}

static void on_message(struct world *w, int i, const struct world_message *m,
		       const struct session_output *out)
{
	struct node_event mac = {.type = EV_PEER_MAC};
	struct msg_identity is;

	if (out->header.type != MSG_IDENTITY) {
		world_hear_message(w, i, m->path, (enum msg_type)out->header.type,
				   out->header.counter, out->body, out->body_len, m->at);
		return;
	}
	if (msg_decode_identity(out->body, out->body_len, &is) != DROP_NONE)
		world_broken(w, INV_WIRE, "an identity does not decode");
	world_hear_list(w, i, world_list_of(&is.vip[0]));
	mac.mac = is.management_mac;
	if (!ha_mac_equal(&mac.mac, &w->n[i].node.peer.mac))
		world_engine_step(w, i, &mac);
}

/* What needs no session. */
static bool lone(struct world *w, int i, const struct world_message *m,
		 const struct msg_header *header)
{
	struct msg_beacon beacon;

	if (header->type == MSG_DISOWN) {
		on_disown(w, i, m);
		return true;
	}
	if (header->type != MSG_BEACON || w->n[i].store.paired)
		return false;
	if (msg_decode_beacon(m->body + MSG_HEADER_LEN, msg_body_len(MSG_BEACON), &beacon) ==
	    DROP_NONE)
		on_beacon(w, i, m->path, &beacon);
	return true;
}

void world_sealed_receive(struct world *w, struct world_message *m)
{
	struct world_node *n = &w->n[m->to];
	struct session *s = &n->sealed.session[m->path];
	struct ha_mac from = world_mac(m->from);
	uint8_t entropy[SESSION_ENTROPY_LEN] = {0};
	struct session_output out;
	struct msg_header header;

	if (msg_decode_header(m->body, m->body_len, m->path, &header) != DROP_NONE)
		world_broken(w, INV_WIRE, "a header does not decode");
	if (lone(w, m->to, m, &header) || !n->sealed.open ||
	    !session_owns(s, &header, m->body + MSG_HEADER_LEN, m->body_len - MSG_HEADER_LEN))
		return;
	if (header.type == MSG_HANDSHAKE || header.type == MSG_BEACON)
		draw(w, entropy, sizeof(entropy));
	if (session_receive(s, world_local(w, m->to, w->now), &from, entropy, m->body, m->body_len,
			    &out) != DROP_NONE)
		return;
	output(w, m->to, m->path, &out);
	if (out.message)
		on_message(w, m->to, m, &out);
}

/* --- timers --- */

ha_time world_sealed_next(const struct world *w, int i)
{
	const struct world_sealed *s = &w->n[i].sealed;
	ha_time at = s->beacon_at;

	if (!w->sealed)
		return HA_NEVER;
	if (!s->open)
		return at;
	if (s->identity_at < at)
		at = s->identity_at;
	for (int path = 0; path < HA_PATH_N; path++)
		if (session_deadline(&s->session[path]) < at)
			at = session_deadline(&s->session[path]);
	return at;
}

static void beacons(struct world *w, int i, ha_time now)
{
	struct world_node *n = &w->n[i];
	uint8_t frame[SESSION_FRAME_MAX];

	if (now < n->sealed.beacon_at)
		return;
	n->sealed.beacon_at = now + BEACON_EVERY;
	for (int k = 0; k < HA_PATH_N; k++) {
		enum ha_path path = k ? HA_PATH_MANAGEMENT : HA_PATH_LINK;
		size_t len;

		if (n->store.paired ? node_path_audible(&n->node, path, now) : path != HA_PATH_LINK)
			continue;
		len = session_beacon(n->keys.public_key, n->store.boot, path, frame, sizeof(frame));
		world_send_frame(w, i, path, frame, len);
	}
}

void world_sealed_timer(struct world *w, int i)
{
	struct world_sealed *s = &w->n[i].sealed;
	ha_time now = world_local(w, i, w->now);
	uint8_t entropy[SESSION_ENTROPY_LEN];
	struct session_output out;

	if (!w->sealed)
		return;
	for (int path = 0; path < HA_PATH_N && s->open; path++) {
		if (now < session_deadline(&s->session[path]))
			continue;
		draw(w, entropy, sizeof(entropy));
		session_timer(&s->session[path], now, entropy, &out);
		output(w, i, path ? HA_PATH_MANAGEMENT : HA_PATH_LINK, &out);
	}
	beacons(w, i, now);
	if (s->open && now >= s->identity_at) {
		s->identity_at = now + IDENTITY_EVERY;
		identity(w, i);
	}
}
