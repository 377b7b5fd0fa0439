/* act.c - the node's actions, carried out in their order.
 *
 * So the lease is on its way to the guardian before the heartbeat that speaks of it. A frame that
 * the kernel does not take is counted by its wire; the next heartbeat is never far.
 */
#include <assert.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/engine_state.h"
#include "agent/log.h"
#include "proto/announce.h"

void act_frame(struct engine *engine, enum ha_path path, const struct ha_mac *to,
	       const uint8_t *message, size_t len)
{
	struct wire *wire = &engine->path[path].wire;
	uint8_t frame[HA_FRAME_MAX];

	assert(len <= sizeof(frame) - WIRE_ETHER_LEN);
	wire_header(wire, path == HA_PATH_LINK ? NULL : to, frame);
	memcpy(frame + WIRE_ETHER_LEN, message, len);
	(void)wire_send(wire, frame, WIRE_ETHER_LEN + len);
}

/* SPEC 1.R3: by unicast where the peer's MAC is known, and to the group while it is silent there.
 * Each is sealed on its own, since one counter must not be heard twice. */
bool act_message(struct engine *engine, enum ha_path path, enum msg_type type, const uint8_t *body,
		 size_t len)
{
	struct engine_path *p = &engine->path[path];
	const struct ha_mac *mac = &engine->node.peer.mac;
	bool unicast = path == HA_PATH_MANAGEMENT && !ha_mac_is_zero(mac);
	bool group = !unicast || !node_path_audible(&engine->node, path, engine->now);
	uint8_t frame[HA_FRAME_MAX - WIRE_ETHER_LEN];
	size_t sealed = 0;

	if (!p->paired || len == 0)
		return false;
	if (unicast) {
		sealed = session_seal(&p->session, type, body, len, frame, sizeof(frame));
		if (sealed != 0)
			act_frame(engine, path, mac, frame, sealed);
	}
	if (group) {
		sealed = session_seal(&p->session, type, body, len, frame, sizeof(frame));
		if (sealed != 0)
			act_frame(engine, path, NULL, frame, sealed);
	}
	return sealed != 0;
}

void act_meeting(struct engine *engine, enum msg_type type, const uint8_t *body, size_t len)
{
	uint8_t frame[HA_FRAME_MAX - WIRE_ETHER_LEN];
	size_t sealed;

	if (!engine->meeting_on || len == 0)
		return;
	sealed = session_seal(&engine->meeting, type, body, len, frame, sizeof(frame));
	if (sealed != 0)
		act_frame(engine, HA_PATH_LINK, NULL, frame, sealed);
}

static void act_heartbeat(struct engine *engine, enum ha_path path)
{
	struct msg_heartbeat heartbeat;
	uint8_t body[256];
	size_t len;

	node_heartbeat(&engine->node, path, engine->now, &heartbeat);
	heartbeat.identity_revision = engine->own.revision;
	len = msg_encode_heartbeat(body, sizeof(body), &heartbeat);
	assert(len != 0);
	engine->path[path].sent += act_message(engine, path, MSG_HEARTBEAT, body, len);
}

static void act_solicit(struct engine *engine, const struct node_action *action)
{
	const struct msg_solicit solicit = {.nonce = action->nonce};
	uint8_t body[64];
	size_t len = msg_encode_solicit(body, sizeof(body), &solicit);

	act_message(engine, action->path, action->type == ACT_SOLICIT ? MSG_SOLICIT : MSG_ANSWER,
		    body, len);
}

/* ACT_PROBE does not say who asks (RFC 5227), nor does who has no IPv4 address to say; in IPv6 the
 * answer needs an address to go to, so it does there. */
static void act_question(struct engine *engine, const struct node_action *action)
{
	static const struct ha_address nobody;
	struct wire *wire = &engine->path[HA_PATH_MANAGEMENT].wire;
	const struct ha_address *from = segment_sender(&engine->segment, &action->address);
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	size_t len;

	if (action->address.family == HA_IPV4 && (action->type == ACT_PROBE || from == NULL))
		from = &nobody;
	if (from == NULL)
		return;
	len = announce_question(frame, &action->address, &action->mac, from, &wire->mac);
	if (len != 0)
		(void)wire_send(wire, frame, len);
}

static void act_announce(struct engine *engine, const struct node_action *action)
{
	struct wire *wire = &engine->path[HA_PATH_MANAGEMENT].wire;

	for (unsigned i = 0; i < engine->node.config.vip_n; i++)
		for (unsigned form = ANNOUNCE_ARP_REQUEST; form <= ANNOUNCE_NA; form++) {
			uint8_t frame[ANNOUNCE_FRAME_MAX];
			size_t len;

			if (!(action->mask >> i & 1) ||
			    !(form == ANNOUNCE_NA ? action->na : action->arp))
				continue;
			len = announce_build(frame, (enum announce_form)form,
					     &engine->node.config.vip[i], &wire->mac,
					     engine->router);
			if (len != 0)
				(void)wire_send(wire, frame, len);
		}
}

void act_identity(struct engine *engine, bool meeting)
{
	uint8_t body[1024];
	size_t len = msg_encode_identity(body, sizeof(body), &engine->own);

	if (meeting) {
		act_meeting(engine, MSG_IDENTITY, body, len);
		return;
	}
	for (int i = 0; i < HA_PATH_N; i++)
		act_message(engine, (enum ha_path)i, MSG_IDENTITY, body, len);
}

void act_refresh_identity(struct engine *engine)
{
	const struct config *config = &engine->config;
	struct msg_identity own;

	memset(&own, 0, sizeof(own));
	own.revision = engine->own.revision;
	memcpy(own.model, config->model, sizeof(own.model));
	memcpy(own.firmware, config->firmware, sizeof(own.firmware));
	memcpy(own.hotfix, config->hotfix, sizeof(own.hotfix));
	memcpy(own.patch, config->patch, sizeof(own.patch));
	if (gethostname(own.host_name, sizeof(own.host_name) - 1) != 0)
		own.host_name[0] = '\0';
	memcpy(own.agent, HA_VERSION, sizeof(HA_VERSION) - 1);
	own.management_mac = engine->segment.mac;
	segment_identity(&engine->segment, own.management);
	memcpy(own.vip, engine->node.config.vip, sizeof(own.vip));
	memcpy(own.cluster_id, engine->record.cluster_id, sizeof(own.cluster_id));
	if (memcmp(&own, &engine->own, sizeof(own)) == 0)
		return;
	own.revision++;
	engine->own = own;
	engine->identity_at = engine->now; /* due */
}

/* The node's part comes from the node, the rest is the engine's; a join under way comes on top, so
 * that no other save takes it back. */
void act_record(const struct engine *engine, struct store_record *out)
{
	struct node_durable durable;

	node_durable(&engine->node, &durable);
	*out = engine->record;
	out->term = durable.term;
	out->held_term = durable.held_term;
	out->reserved = durable.reserved;
	out->mode = (uint8_t)durable.mode;
	out->suspended = durable.suspended;
	out->whole_copy = durable.whole_copy;
	out->in_sync = durable.in_sync;
	if (engine->join.phase == JOIN_SAVING)
		join_record(&engine->join, engine->node.config.vip, engine->node.config.vip_n, out);
}

bool act_save(struct engine *engine, uint64_t number)
{
	struct ipc_message message = {.type = IPC_SAVE};

	message.u.record.number = number;
	act_record(engine, &message.u.record.record);
	if (engine->steward < 0 || ipc_send(engine->steward, &message) != 0) {
		engine->ipc_errors++;
		return false;
	}
	return true;
}

int64_t act_realtime(void)
{
	struct timespec wall;
	int error = clock_gettime(CLOCK_REALTIME, &wall);

	assert(error == 0);
	return (int64_t)wall.tv_sec * HA_SEC + wall.tv_nsec;
}

void act_event(struct engine *engine, const struct node_action *action)
{
	struct ipc_message message = {.type = IPC_EVENT};
	struct store_event *event = &message.u.event;

	*event = (struct store_event){
		.realtime_ns = act_realtime(),
		.term = action->term,
		.event = (uint8_t)action->event,
		.from = (uint8_t)action->from,
		.to = (uint8_t)action->to,
		.reason = (uint8_t)action->reason,
		.detail = action->detail,
	};
	dump_history_add(&engine->history, event);
	if (engine->unlogged < STORE_HISTORY_MAX)
		engine->unlogged++;
	if (engine->steward < 0 || ipc_send(engine->steward, &message) != 0)
		engine->ipc_errors++;
}

static void act_guardian(struct engine *engine, const struct node_action *action)
{
	struct ipc_message message = {.type = IPC_ALIVE};

	switch (action->type) {
	case ACT_HOLD:
		message.type = IPC_HOLD;
		message.u.lease.lease = action->lease;
		message.u.lease.deadline = action->deadline;
		break;
	case ACT_RELEASE:
		message.type = IPC_RELEASE;
		message.u.lease.lease = action->lease;
		break;
	case ACT_EXIT:
		message.type = IPC_LEFT;
		break;
	default:
		break;
	}
	if (ipc_send(engine->guardian, &message) != 0)
		engine->ipc_errors++;
}

void act_carry_out(struct engine *engine, const struct node_actions *actions)
{
	for (unsigned i = 0; i < actions->n; i++) {
		const struct node_action *action = &actions->a[i];

		switch (action->type) {
		case ACT_HEARTBEAT:
			act_heartbeat(engine, action->path);
			break;
		case ACT_SOLICIT:
		case ACT_ANSWER:
			act_solicit(engine, action);
			break;
		case ACT_PROBE:
		case ACT_ASK:
			act_question(engine, action);
			break;
		case ACT_ALIVE:
		case ACT_HOLD:
		case ACT_RELEASE:
		case ACT_EXIT:
			act_guardian(engine, action);
			break;
		case ACT_ANNOUNCE:
			act_announce(engine, action);
			break;
		case ACT_SAVE:
			engine->node_save = action->number;
			engine->save_failed = !act_save(engine, action->number);
			break;
		case ACT_EVENT:
			act_event(engine, action);
			break;
		case ACT_REPLY:
			serve_reply(engine, action);
			break;
		}
	}
}

void act_log(struct engine *engine)
{
	for (; engine->unlogged > 0; engine->unlogged--) {
		const struct store_event *event =
			dump_history_at(&engine->history, engine->history.n - engine->unlogged);
		enum ha_reason reason = (enum ha_reason)event->reason;

		log_event(event->event == EVENT_STATE ? LOG_NOTICE : LOG_INFO,
			  node_event_name((enum node_event_code)event->event),
			  "from=%s to=%s reason=%s rule=%s term=%llu detail=%u",
			  ha_state_name((enum ha_state)event->from),
			  ha_state_name((enum ha_state)event->to), reason_text(reason),
			  reason_rule(reason), (unsigned long long)event->term, event->detail);
	}
}
