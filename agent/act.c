/* act.c - the node's actions, carried out in their order.
 *
 * So the lease is on its way to the guardian before the heartbeat that speaks of it. A frame that
 * the kernel does not take is counted by its wire; the next heartbeat is never far.
 */
#include <assert.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/addresses.h"
#include "agent/engine_state.h"
#include "agent/log.h"
#include "agent/text.h"
#include "proto/announce.h"
#include "proto/decision.h"

/* On the wire, and then in the flight recorder. */
static void act_wire(struct engine *engine, enum ha_path path, const uint8_t *frame, size_t len)
{
	if (wire_send(&engine->path[path].wire, frame, len) == 0)
		recorder_sent(&engine->recorder, path, frame, len, engine->now);
}

void act_frame(struct engine *engine, enum ha_path path, const struct ha_mac *to,
	       const uint8_t *message, size_t len)
{
	struct wire *wire = &engine->path[path].wire;
	uint8_t frame[HA_FRAME_MAX];

	assert(len <= sizeof(frame) - WIRE_ETHER_LEN);
	wire_header(wire, path == HA_PATH_LINK ? NULL : to, frame);
	memcpy(frame + WIRE_ETHER_LEN, message, len);
	act_wire(engine, path, frame, WIRE_ETHER_LEN + len);
}

void act_link_frame(struct engine *engine, bool relayed, const uint8_t *message, size_t len)
{
	const struct ha_mac group = wire_group(HA_PATH_LINK, !relayed);
	struct wire *wire = &engine->path[HA_PATH_LINK].wire;
	uint8_t frame[HA_FRAME_MAX];

	assert(len <= sizeof(frame) - WIRE_ETHER_LEN);
	wire_header(wire, engine->config.link_direct ? &group : NULL, frame);
	memcpy(frame + WIRE_ETHER_LEN, message, len);
	act_wire(engine, HA_PATH_LINK, frame, WIRE_ETHER_LEN + len);
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

/* SPEC 1.R2: to both groups, so that each side learns which of them reaches it. */
void act_meeting(struct engine *engine, enum msg_type type, const uint8_t *body, size_t len)
{
	uint8_t frame[HA_FRAME_MAX - WIRE_ETHER_LEN];
	size_t sealed;

	if (!engine->meeting_on || len == 0)
		return;
	for (int relayed = 0; relayed <= (engine->config.link_direct ? 1 : 0); relayed++) {
		sealed = session_seal(&engine->meeting, type, body, len, frame, sizeof(frame));
		if (sealed != 0)
			act_link_frame(engine, relayed == 1, frame, sealed);
	}
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
void act_question(struct engine *engine, const struct node_action *action)
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

void act_account(struct engine *engine)
{
	uint8_t body[MSG_ACCOUNT_LEN];
	size_t len;

	if (engine->account.last.decided == 0)
		return;
	len = msg_encode_account(body, sizeof(body), &engine->account.last);
	assert(len != 0);
	for (int i = 0; i < HA_PATH_N; i++)
		act_message(engine, (enum ha_path)i, MSG_ACCOUNT, body, len);
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
	if (gethostname(own.host_name, sizeof(own.host_name)) != 0 ||
	    !text_valid(own.host_name, sizeof(own.host_name))) /* SPEC 3.R3: nobody would take it */
		memset(own.host_name, 0, sizeof(own.host_name));
	memcpy(own.agent, HA_VERSION, sizeof(HA_VERSION) - 1);
	own.management_mac = engine->segment.mac;
	segment_identity(&engine->segment, own.management);
	memcpy(own.vip, engine->node.config.vip, sizeof(own.vip));
	memcpy(own.cluster_id, engine->record.cluster_id, sizeof(own.cluster_id));
	own.flags = MSG_IDENTITY_ADDRESSES | (config->link_direct ? MSG_IDENTITY_DIRECT : 0);
	own.heartbeat_us = (uint32_t)(config->timing.heartbeat / HA_US);
	own.dead_us = (uint32_t)(config->timing.dead / HA_US);
	own.confirm_us = (uint32_t)(config->timing.confirm / HA_US);
	if (memcmp(&own, &engine->own, sizeof(own)) == 0)
		return;
	own.revision++;
	engine->own = own;
	engine->identity_at = engine->now; /* due */
	role_identities(engine);
}

/* The wall clock's time at which the suspension ends; 0: it does not by itself. */
static int64_t act_suspended_until(const struct engine *engine, const struct node_durable *durable)
{
	if (!durable->suspended || durable->suspended_until == HA_NEVER)
		return 0;
	return act_realtime() + durable->suspended_until - engine->now;
}

/* The node's part comes from the node, the rest is the engine's; a join or the end of a pair under way comes on top,
 * so that no other save takes it back. */
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
	out->suspended_until = act_suspended_until(engine, &durable);
	out->detached = engine->record.detached && durable.mode == HA_MODE_STANDALONE;
	if (engine->part.phase == PART_SAVING)
		part_record(engine, out);
	if (engine->readdress.phase == READDRESS_SAVING)
		readdress_record(engine, out);
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
		engine->unsaved |= !(number & ENGINE_OWN_SAVE);
		return false;
	}
	engine->unsaved = false; /* each has the whole of it */
	engine->copy.held_saving = message.u.record.record.held_term;
	engine->copy.save = number;
	return true;
}

int64_t act_realtime(void)
{
	struct timespec wall;
	int error = clock_gettime(CLOCK_REALTIME, &wall);

	assert(error == 0);
	return (int64_t)wall.tv_sec * HA_SEC + wall.tv_nsec;
}

/* Between the frames, as one that is never sent: from this appliance, to nobody. */
static void act_record_event(struct engine *engine, const struct store_event *event)
{
	struct decision decision = {
		.number = ++engine->decisions,
		.event = event->event,
		.from = event->from,
		.to = event->to,
		.reason = event->reason,
		.term = event->term,
		.detail = event->detail,
	};
	static const struct ha_mac nobody;
	uint8_t frame[WIRE_ETHER_LEN + DECISION_LEN];

	_Static_assert(sizeof(decision.subject) >= sizeof(event->subject), "it has an end in both");
	memcpy(decision.subject, event->subject, sizeof(event->subject));
	wire_header(&engine->path[HA_PATH_LINK].wire, &nobody, frame);
	if (decision_encode(frame + WIRE_ETHER_LEN, DECISION_LEN, &decision) != 0)
		recorder_decided(&engine->recorder, frame, sizeof(frame), engine->now);
}

static void act_store_event(struct engine *engine, const struct store_event *event)
{
	struct ipc_message message = {.type = IPC_EVENT, .u.event = *event};

	act_record_event(engine, event);
	dump_history_add(&engine->history, event);
	engine->state_changes += event->event == EVENT_STATE && event->from != event->to;
	if (engine->unlogged < STORE_HISTORY_MAX)
		engine->unlogged++;
	if (engine->steward < 0 || ipc_send(engine->steward, &message) != 0)
		engine->ipc_errors++;
}

/* Cut to fit, between two characters. */
static void act_subject(struct store_event *event, const char *subject)
{
	size_t n = strlen(subject);

	if (n >= sizeof(event->subject))
		n = sizeof(event->subject) - 1;
	while (n > 0 && ((uint8_t)subject[n] & 0xc0) == 0x80)
		n--;
	memcpy(event->subject, subject, n);
}

/* The first check that has failed beyond recovery: why the node hands over, or would. */
static const char *act_failed_check(const struct engine *engine)
{
	for (unsigned i = 0; i < engine->config.check_n; i++)
		if (engine->check[i].state == CHECK_FAILED)
			return engine->config.check[i].name;
	return "";
}

static void act_node_subject(const struct engine *engine, const struct node_action *action,
			     struct store_event *event)
{
	char address[DUMP_ADDRESS_MAX];

	switch (action->event) {
	case EVENT_PATH_UP:
	case EVENT_PATH_DOWN:
	case EVENT_CARRIER_UP:
	case EVENT_CARRIER_DOWN:
		act_subject(event, ha_path_name((enum ha_path)action->detail));
		break;
	case EVENT_THIRD_PARTY:
	case EVENT_DISPROVED:
		dump_address(address, &engine->node.config.vip[action->detail % HA_VIP_MAX]);
		act_subject(event, address);
		break;
	case EVENT_JOINED:
		act_subject(event, engine->record.peer_name);
		break;
	case EVENT_DETACHED:
		act_subject(event, engine->part.name);
		break;
	case EVENT_VIRTUAL_IP:
		dump_address(address, &engine->node.config.vip[0]);
		act_subject(event, address);
		break;
	case EVENT_NO_HANDOVER:
		act_subject(event, act_failed_check(engine));
		break;
	case EVENT_STATE:
		if (action->reason == REASON_CHECK_FAILED)
			act_subject(event, act_failed_check(engine));
		break;
	default:
		break;
	}
}

/* The reason of the node's state is not that of everything that happens in it. */
static bool act_has_reason(enum node_event_code code)
{
	switch (code) {
	case EVENT_STATE:
	case EVENT_STARTED:
	case EVENT_SUSPENDED:
	case EVENT_RESUMED:
	case EVENT_DETACHED:
	case EVENT_VIRTUAL_IP:
		return true;
	default:
		return false;
	}
}

void act_event(struct engine *engine, const struct node_action *action)
{
	struct store_event event = {
		.realtime_ns = act_realtime(),
		.term = action->term,
		.event = (uint8_t)action->event,
		.from = (uint8_t)action->from,
		.to = (uint8_t)action->to,
		.reason = act_has_reason(action->event) ? (uint8_t)action->reason : REASON_NONE,
		.detail = action->detail,
	};

	act_node_subject(engine, action, &event);
	act_store_event(engine, &event);
}

void act_report(struct engine *engine, enum node_event_code code, const char *subject,
		uint32_t detail)
{
	const struct node *node = &engine->node;
	struct store_event event = {
		.realtime_ns = act_realtime(),
		.term = node->term_known,
		.event = (uint8_t)code,
		.from = (uint8_t)node->state,
		.to = (uint8_t)node->state,
		.detail = detail,
	};

	act_subject(&event, subject);
	act_store_event(engine, &event);
}

static void act_guardian(struct engine *engine, const struct node_action *action)
{
	struct ipc_message message = {.type = IPC_ALIVE};

	switch (action->type) {
	case ACT_HOLD:
		message.type = IPC_HOLD;
		message.u.lease.lease = action->lease;
		message.u.lease.deadline = action->deadline;
		message.u.lease.addresses =
			addresses_sum(engine->node.config.vip, engine->node.config.vip_n);
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

static void act_alive(struct engine *engine, const struct node_action *action)
{
	if (engine->now - engine->alive_at < ENGINE_ALIVE)
		return;
	engine->alive_at = engine->now;
	act_guardian(engine, action);
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
			act_alive(engine, action);
			break;
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

static int act_log_level(enum node_level level)
{
	switch (level) {
	case LEVEL_CRITICAL:
		return LOG_CRIT;
	case LEVEL_IMPORTANT:
		return LOG_WARNING;
	default:
		return LOG_INFO;
	}
}

void act_log(struct engine *engine)
{
	for (; engine->unlogged > 0; engine->unlogged--) {
		const struct store_event *event =
			dump_history_at(&engine->history, engine->history.n - engine->unlogged);
		enum node_event_code code = (enum node_event_code)event->event;
		enum ha_state from = (enum ha_state)event->from, to = (enum ha_state)event->to;
		enum ha_reason reason = (enum ha_reason)event->reason;

		log_event(act_log_level(node_event_level(code, from, to, reason)),
			  node_event_name(code),
			  "from=%s to=%s reason=%s rule=%s term=%llu subject=%s detail=%u",
			  ha_state_name(from), ha_state_name(to), reason_text(reason),
			  reason_rule(reason), (unsigned long long)event->term, event->subject,
			  event->detail);
	}
}
