/* hear.c - frames in, events out.
 *
 * Nothing of a frame is looked at before its session has authenticated it, but for what it takes to
 * find that session. What is dropped is counted under its reason, and has no other effect.
 */
#include <errno.h>
#include <string.h>

#include "agent/engine_state.h"
#include "proto/announce.h"
#include "proto/disown.h"

struct hear {
	struct engine *engine;
	enum ha_path path;
};

/* A new session on a path of the pair. */
static void hear_up(struct engine *engine, enum ha_path path)
{
	uint64_t boot = engine->path[path].session.current.peer_boot;
	struct node_event event = {.type = EV_SESSION, .path = path, .boot = boot};

	if (boot > engine->record.peer_boot) {
		engine->record.peer_boot = boot;
		act_save(engine, ENGINE_OWN_SAVE | ++engine->own_save);
	}
	engine_feed(engine, &event);
	engine->identity_at = engine->now;
}

void hear_output(struct engine *engine, struct session *session, enum ha_path path,
		 const struct session_output *out, const struct ha_mac *from)
{
	if (out->frame_len != 0 && session == &engine->meeting)
		act_link_frame(engine, engine->meeting_relayed, out->frame, out->frame_len);
	else if (out->frame_len != 0)
		act_frame(engine, path, out->to_group ? NULL : from, out->frame, out->frame_len);
	if (!out->up)
		return;
	if (session == &engine->meeting)
		meet_up(engine);
	else
		hear_up(engine, path);
}

static void hear_peer_mac(struct engine *engine, const struct ha_mac *mac)
{
	struct node_event event = {.type = EV_PEER_MAC, .mac = *mac};

	if (ha_mac_is_zero(mac) || ha_mac_equal(mac, &engine->node.peer.mac))
		return;
	engine_feed(engine, &event);
}

static enum ha_drop hear_identity(struct engine *engine, const struct session_output *out,
				  bool meeting)
{
	struct msg_identity identity;
	enum ha_drop drop = msg_decode_identity(out->body, out->body_len, &identity);

	if (drop && meeting)
		meet_malformed(engine);
	if (drop)
		return drop;
	if (meeting) {
		meet_identity(engine, &identity);
		return DROP_NONE;
	}
	engine->peer = identity;
	engine->peer_known = true;
	role_identities(engine);
	hear_peer_mac(engine, &identity.management_mac);
	if (strncmp(engine->record.peer_name, identity.host_name,
		    sizeof(engine->record.peer_name) - 1) != 0) {
		memset(engine->record.peer_name, 0, sizeof(engine->record.peer_name));
		memcpy(engine->record.peer_name, identity.host_name,
		       sizeof(engine->record.peer_name) - 1);
		act_save(engine, ENGINE_OWN_SAVE | ++engine->own_save);
	}
	return DROP_NONE;
}

/* The clocks' difference as the node keeps it has the fastest frame's way in it, which is half the fastest round trip. */
static int64_t hear_offset(struct engine *engine, uint64_t boot)
{
	ha_time *least = &engine->peer_rtt;

	if (engine->peer_account.decided == 0 || engine->peer_account.boot != boot)
		*least = 0;
	for (int i = 0; i < HA_PATH_N; i++) {
		ha_time rtt = engine->node.path[i].rtt;

		if (rtt > 0 && (*least == 0 || rtt < *least))
			*least = rtt;
	}
	return engine->node.peer.offset_us + *least / 2 / HA_US;
}

/* For --why. Until the clocks have been compared its times say nothing; the next comes within a second. */
static enum ha_drop hear_account(struct engine *engine, const struct session_output *out)
{
	const struct node_peer *peer = &engine->node.peer;
	struct msg_account account;
	enum ha_drop drop = msg_decode_account(out->body, out->body_len, &account);

	if (drop || !peer->offset_known || account.boot != peer->boot)
		return drop;
	account_translate(&account, hear_offset(engine, account.boot));
	engine->peer_account = account;
	return DROP_NONE;
}

/* A message in the join's session. Only under its newest keys: those are the ones that the join
 * derives from. */
static enum ha_drop hear_meeting(struct engine *engine, const struct session_output *out)
{
	struct msg_join join;
	enum ha_drop drop;

	if (!out->current)
		return DROP_NONE;
	switch (out->header.type) {
	case MSG_IDENTITY:
		return hear_identity(engine, out, true);
	case MSG_JOIN:
		drop = msg_decode_join(out->body, out->body_len, &join);
		if (!drop)
			meet_message(engine, &join);
		return drop;
	default:
		return DROP_UNPAIRED;
	}
}

/* To the node; what it takes for a sign of life is one for the chart. */
static void hear_feed(struct engine *engine, struct node_event *event)
{
	const struct node_path *path = &engine->node.path[event->path];
	ha_time before = path->session ? path->heard : -1;

	engine_feed(engine, event);
	if (path->session && path->heard > before)
		second_note(&engine->path[event->path].second, path->heard,
			    before >= 0 ? path->heard - before : -1, path->rtt);
}

/* A message of the peer. */
static enum ha_drop hear_message(struct engine *engine, enum ha_path path,
				 const struct session_output *out, ha_time heard_at)
{
	struct node_event event = {
		.type = EV_HEARTBEAT,
		.path = path,
		.heard_at = heard_at,
		.counter = out->header.counter,
	};
	struct msg_solicit solicit = {0};
	struct msg_detach detach;
	struct msg_addresses addresses;
	enum ha_drop drop = DROP_NONE;

	switch (out->header.type) {
	case MSG_HEARTBEAT:
		drop = msg_decode_heartbeat(out->body, out->body_len, &event.heartbeat);
		if (!drop) {
			engine->path[path].received++;
			loss_note(&engine->path[path].loss, event.heartbeat.boot,
				  event.heartbeat.number);
		}
		break;
	case MSG_SOLICIT:
	case MSG_ANSWER:
		event.type = out->header.type == MSG_SOLICIT ? EV_SOLICIT : EV_ANSWER;
		drop = msg_decode_solicit(out->body, out->body_len, &solicit);
		event.nonce = solicit.nonce;
		break;
	case MSG_IDENTITY: /* no sign of life: it does not tell when it was sent (SPEC 5.P1) */
		return hear_identity(engine, out, false);
	case MSG_ACCOUNT: /* nor does this */
		return hear_account(engine, out);
	case MSG_DETACH:
		drop = msg_decode_detach(out->body, out->body_len, &detach);
		if (!drop)
			part_message(engine, &detach);
		return drop;
	case MSG_ADDRESSES:
		drop = msg_decode_addresses(out->body, out->body_len, &addresses);
		if (!drop)
			readdress_message(engine, &addresses);
		return drop;
	default:
		return DROP_BAD_TYPE;
	}
	if (!drop)
		hear_feed(engine, &event);
	return drop;
}

static struct session *hear_session(struct engine *engine, enum ha_path path,
				    const struct msg_header *header, const uint8_t *body,
				    size_t len)
{
	struct engine_path *p = &engine->path[path];

	if (p->paired && session_owns(&p->session, header, body, len))
		return &p->session;
	if (path == HA_PATH_LINK && engine->meeting_on &&
	    session_owns(&engine->meeting, header, body, len))
		return &engine->meeting;
	return NULL;
}

/* From a former peer, or one that thinks itself the peer (SPEC 4.8). */
static enum ha_drop hear_disown(struct engine *engine, enum ha_path path, const uint8_t *frame,
				size_t len)
{
	const struct store_record *record = &engine->record;
	struct msg_disown expected = {.boot = record->boot};
	enum msg_parting why;
	enum ha_drop drop;

	if (!record->paired)
		return DROP_UNPAIRED;
	memcpy(expected.cluster_id, record->cluster_id, HA_CLUSTER_ID_LEN);
	memcpy(expected.key, record->peer_key, HA_KEY_LEN);
	drop = disown_open(frame, len, path, &expected, record->pair_secret, &why);
	if (!drop)
		part_disowned(engine, why);
	return drop;
}

/* What needs no session. True: the frame is dealt with, *drop says how. */
static bool hear_stranger(struct engine *engine, enum ha_path path, const struct msg_header *header,
			  const uint8_t *frame, size_t len, enum ha_drop *drop)
{
	const struct store_record *record = &engine->record;
	struct msg_beacon beacon;

	if (header->type == MSG_DISOWN) {
		*drop = hear_disown(engine, path, frame, len);
		return true;
	}
	if (header->type != MSG_BEACON)
		return false;
	*drop = msg_decode_beacon(frame + MSG_HEADER_LEN, msg_body_len(MSG_BEACON), &beacon);
	if (*drop)
		return true;
	if (memcmp(beacon.key, engine->key.public_key, HA_KEY_LEN) == 0) {
		*drop = DROP_OWN_ECHO;
		return true;
	}
	if (record->paired && memcmp(beacon.key, record->peer_key, HA_KEY_LEN) == 0)
		return false; /* the session's */
	knock_beacon(engine, path, &beacon);
	*drop = record->paired ? DROP_WRONG_PEER : DROP_UNPAIRED;
	return true;
}

/* SPEC 2.R17, of what needs no session */
static bool hear_is_lone(const struct msg_header *header)
{
	return header->type == MSG_BEACON || header->type == MSG_DISOWN;
}

static enum ha_drop hear_frame(struct engine *engine, enum ha_path path, const uint8_t *frame,
			       size_t len, ha_time heard_at)
{
	const struct ha_mac relay = wire_group(HA_PATH_LINK, false);
	struct engine_path *p = &engine->path[path];
	bool relayed = path == HA_PATH_LINK && memcmp(frame, relay.b, sizeof(relay.b)) == 0;
	bool aside = relayed && engine->config.link_direct; /* for XX alone */
	struct session_output out;
	struct session *session;
	struct msg_header header;
	struct ha_mac from;
	enum ha_drop drop;

	memcpy(from.b, frame + 6, sizeof(from.b));
	frame += WIRE_ETHER_LEN;
	len -= WIRE_ETHER_LEN;
	if (ha_mac_equal(&from, &p->wire.mac))
		return DROP_OWN_ECHO;
	if (path == HA_PATH_LINK)
		survey_station(&engine->survey, &from);
	drop = msg_decode_header(frame, len, path, &header);
	if (drop == DROP_BAD_VERSION && path == HA_PATH_LINK)
		survey_version(&engine->survey);
	if (!drop && aside && hear_is_lone(&header))
		return DROP_RELAYED;
	if (drop || hear_stranger(engine, path, &header, frame, len, &drop))
		return drop;
	session = hear_session(engine, path, &header, frame + MSG_HEADER_LEN,
			       (size_t)header.length - MSG_HEADER_LEN);
	if (aside && session != &engine->meeting)
		return DROP_RELAYED;
	if (session == NULL)
		return p->paired ? DROP_UNKNOWN_INDEX : DROP_UNPAIRED;
	drop = session_receive(session, engine_now(engine), &from, engine_entropy(engine), frame,
			       len, &out);
	if (header.type == MSG_HANDSHAKE || header.type == MSG_BEACON || out.frame_len != 0)
		engine_entropy_spent(engine);
	if (out.crossed)
		join_crossed(&engine->join); /* it is no responder: it wants to join us */
	if (drop)
		return drop;
	if (session == &engine->meeting)
		meet_heard(engine, &from, relayed);
	hear_output(engine, session, path, &out, &from);
	if (!out.message)
		return DROP_NONE;
	if (session == &engine->meeting)
		return hear_meeting(engine, &out);
	if (path == HA_PATH_MANAGEMENT && !engine->peer_known)
		hear_peer_mac(engine, &from);
	return hear_message(engine, path, &out, heard_at);
}

static bool hear_is_for_us(const struct wire *wire, const uint8_t *frame)
{
	const struct ha_mac relay = wire_group(HA_PATH_LINK, false);

	return memcmp(frame, wire->mac.b, 6) == 0 || memcmp(frame, wire->group.b, 6) == 0 ||
	       (wire->path == HA_PATH_LINK && memcmp(frame, relay.b, 6) == 0);
}

static void hear_one(void *arg, const uint8_t *frame, size_t len, ha_time heard_at)
{
	const struct hear *hear = arg;
	struct engine *engine = hear->engine;
	struct engine_path *path = &engine->path[hear->path];
	struct node_event event = {.type = EV_SEGMENT, .path = hear->path, .heard_at = heard_at};
	enum ha_drop drop;

	if (len < WIRE_ETHER_LEN || !engine->running)
		return;
	if (frame[12] == MSG_ETHERTYPE >> 8 && frame[13] == (MSG_ETHERTYPE & 0xff)) {
		if (!hear_is_for_us(&path->wire, frame))
			return;
		recorder_heard(&engine->recorder, hear->path, frame, len, heard_at);
		drop = hear_frame(engine, hear->path, frame, len, heard_at);
		recorder_judged(&engine->recorder, drop != DROP_NONE, engine->now);
		path->drop[drop]++;
	} else if (hear->path == HA_PATH_MANAGEMENT && segment_parse(frame, len, &event.segment) &&
		   !ha_mac_equal(&event.segment.source, &path->wire.mac)) {
		engine_feed(engine, &event);
		meet_segment(engine, &event.segment);
		readdress_segment(engine, &event.segment);
	}
}

void hear_close(struct engine *engine, enum ha_path path)
{
	struct engine_path *p = &engine->path[path];

	loop_remove(&engine->loop, p->wire.fd);
	wire_close(&p->wire);
	p->reopen_at = engine_now(engine);
}

static void hear_path(struct engine *engine, enum ha_path path)
{
	struct engine_path *p = &engine->path[path];
	struct hear hear = {engine, path};

	if (wire_read(&p->wire, hear_one, &hear) < 0)
		hear_close(engine, path);
}

static void hear_link(void *engine, uint32_t events)
{
	(void)events;
	hear_path(engine, HA_PATH_LINK);
}

static void hear_management(void *engine, uint32_t events)
{
	(void)events;
	hear_path(engine, HA_PATH_MANAGEMENT);
}

int hear_open(struct engine *engine, enum ha_path path)
{
	struct wire *wire = &engine->path[path].wire;
	struct ha_mac mac;
	int error;

	if (!wire_interface_up(engine->carrier.fd, wire->ifname))
		return -ENETDOWN;
	error = carrier_mac(&engine->carrier, wire->ifname, &mac);
	if (!error)
		error = wire_open(wire, &mac);
	if (error)
		return error;
	error = loop_add(&engine->loop, wire->fd,
			 path == HA_PATH_LINK ? hear_link : hear_management, engine);
	if (error)
		wire_close(wire);
	return error;
}
