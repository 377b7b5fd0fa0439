/* serve.c - what operators ask for, and the join, which is the longest of their requests. */
#include <arpa/inet.h>
#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "agent/engine_state.h"
#include "agent/log.h"

/* What the node is given as the number of a request: it says what was asked, too, so that the
 * answer can be worded. */
static uint32_t serve_request_id(uint32_t number, enum control_action action)
{
	assert(number <= CONTROL_NUMBER_MAX && action < 8);
	return number * 8 + (uint32_t)action;
}

static void serve_dump(struct engine *engine, struct control_answer *answer)
{
	struct dump_view view = {
		.now = engine_now(engine),
		.realtime_ns = act_realtime(),
		.config = &engine->config,
		.node = &engine->node,
		.record = &engine->record,
		.public_key = engine->key.public_key,
		.own = &engine->own,
		.peer = engine->peer_known ? &engine->peer : NULL,
		.status = &engine->status,
		.history = &engine->history,
		.lateness_last = engine->lateness,
		.floods = engine->floods,
		.ipc_errors = engine->ipc_errors,
	};

	for (int i = 0; i < HA_PATH_N; i++) {
		const struct engine_path *p = &engine->path[i];

		view.path[i] = (struct dump_path){
			.wire = &p->wire,
			.session = p->paired ? &p->session : NULL,
			.sent = p->sent,
			.received = p->received,
			.drop = p->drop,
		};
	}
	answer->result = CONTROL_DONE;
	answer->data = dump_all(&view);
}

static bool serve_join(struct engine *engine, const json_t *request, uint32_t number,
		       struct control_answer *answer)
{
	const char *text = json_string_value(json_object_get(request, "address"));
	struct ha_address address = {0};
	const char *refusal = NULL;

	if (text != NULL && inet_pton(AF_INET, text, address.b) == 1)
		address.family = HA_IPV4;
	else if (text != NULL && inet_pton(AF_INET6, text, address.b) == 1)
		address.family = HA_IPV6;
	if (address.family == HA_FAMILY_NONE) {
		snprintf(answer->text, sizeof(answer->text),
			 "join needs the address of the other appliance's management interface");
		return true;
	}
	if (engine->record.paired)
		refusal = "this appliance is part of a pair already";
	else if (!engine->node.config.store_ok)
		refusal = "the state of this appliance is not readable";
	else if (engine->node.lease.wanted)
		refusal = "this appliance holds the virtual IP; the one that joins must not";
	else if (segment_owns(&engine->segment, &address))
		refusal = "the address is this appliance's own";
	else if (engine->join.phase != JOIN_IDLE)
		refusal = "a join is under way";
	if (refusal != NULL) {
		answer->result = CONTROL_REFUSED;
		snprintf(answer->text, sizeof(answer->text), "%s", refusal);
		return true;
	}
	engine->join_request = number;
	join_start(&engine->join, &address, engine_now(engine));
	engine_meet(engine, true);
	return false;
}

bool serve_request(void *arg, enum control_action action, const json_t *request, uint32_t number,
		   struct control_answer *answer)
{
	struct engine *engine = arg;
	struct node_event event = {
		.type = EV_OPERATOR,
		.request = serve_request_id(number, action),
	};

	if (!engine->running) {
		snprintf(answer->text, sizeof(answer->text), "haagent is still starting");
		return true;
	}
	switch (action) {
	case CONTROL_DUMP:
		serve_dump(engine, answer);
		return true;
	case CONTROL_HISTORY:
		answer->result = CONTROL_DONE;
		answer->data = dump_events(&engine->history, STORE_HISTORY_MAX);
		return true;
	case CONTROL_JOIN:
		return serve_join(engine, request, number, answer);
	case CONTROL_SWAP:
		event.op = OP_SWAP;
		break;
	case CONTROL_SUSPEND:
		event.op = OP_SUSPEND;
		break;
	case CONTROL_RESUME:
		event.op = OP_RESUME;
		break;
	case CONTROL_ACTION_N:
		assert(action != CONTROL_ACTION_N);
	}
	engine_feed(engine, &event); /* the answer is an action: of this step, or of a later one */
	return false;
}

static void serve_reasons(char *text, size_t cap, unsigned why_not)
{
	const char *before = ": ";

	for (unsigned bit = 1; bit <= WHY_NOT_ALL; bit <<= 1) {
		size_t len = strlen(text);

		if (!(why_not & bit))
			continue;
		snprintf(text + len, cap - len, "%s%s", before,
			 node_why_not_text((enum msg_why_not)bit));
		before = ", ";
	}
}

void serve_reply(struct engine *engine, const struct node_action *action)
{
	enum control_action asked = (enum control_action)(action->request % 8);
	uint32_t number = action->request / 8;
	char text[CONTROL_TEXT_MAX];

	if (action->refusal != REFUSED_NOT) {
		snprintf(text, sizeof(text), "%s", node_refusal_text(action->refusal));
		if (action->refusal == REFUSED_PEER_NOT_READY)
			serve_reasons(text, sizeof(text), engine->node.peer.last.why_not);
		control_answer(&engine->control, number, CONTROL_REFUSED, text);
		return;
	}
	if (asked == CONTROL_SWAP)
		snprintf(text, sizeof(text),
			 "%s holds the virtual IP now; the handover took %.1f ms",
			 engine->record.peer_name[0] ? engine->record.peer_name : "the peer",
			 (double)action->took / (double)HA_MS);
	else
		snprintf(text, sizeof(text), "%s",
			 asked == CONTROL_SUSPEND ? "suspended: no takeover until resumed"
						  : "resumed");
	control_answer(&engine->control, number, CONTROL_DONE, text);
}

/* ---- the join ---- */

static void serve_paired(struct engine *engine)
{
	const struct store_record *record = &engine->record;
	struct node_event copy = {.type = EV_COPY, .copy = {.whole = true, .in_sync = true}};
	struct node_event paired = {.type = EV_PAIRED};

	paired.paired.mode = (enum ha_mode)record->mode;
	paired.paired.lower = memcmp(engine->key.public_key, record->peer_key, HA_KEY_LEN) < 0;
	paired.paired.term = record->term;
	for (unsigned i = 0; i < HA_VIP_MAX && record->vip[i].family != HA_FAMILY_NONE; i++)
		paired.paired.vip[paired.paired.vip_n++] = record->vip[i];
	segment_set_vips(&engine->segment, paired.paired.vip, paired.paired.vip_n);
	engine->peer_known = false;
	engine_open_sessions(engine);
	engine_feed(engine, &paired);
	engine_feed(engine, &copy);
	act_refresh_identity(engine);
}

static void serve_joined(struct engine *engine)
{
	char own[DUMP_FINGERPRINT_MAX], peer[DUMP_FINGERPRINT_MAX], text[CONTROL_TEXT_MAX];

	dump_fingerprint(own, engine->key.public_key);
	dump_fingerprint(peer, engine->record.peer_key);
	snprintf(text, sizeof(text),
		 "joined %s; this appliance is primary (passive) now\n"
		 "compare: this appliance's key is %s, the other's %s",
		 engine->record.peer_name, own, peer);
	control_answer(&engine->control, engine->join_request, CONTROL_DONE, text);
}

static void serve_join_send(struct engine *engine, const struct msg_join *message)
{
	uint8_t body[128];
	size_t len = msg_encode_join(body, sizeof(body), message);

	assert(len != 0);
	act_identity(engine, true);
	act_meeting(engine, MSG_JOIN, body, len);
}

void serve_join_step(struct engine *engine, struct join_step step)
{
	switch (step.what) {
	case JOIN_NOTHING:
		break;
	case JOIN_SEND:
		serve_join_send(engine, &step.message);
		break;
	case JOIN_SAVE:
		engine->join_save = ENGINE_OWN_SAVE | ++engine->own_save;
		if (!act_save(engine, engine->join_save))
			serve_join_saved(engine, engine->join_save, false);
		break;
	case JOIN_PAIRED:
		serve_paired(engine);
		if (engine->join.joiner) {
			serve_joined(engine);
			engine_meet(engine, false);
		} else if (sodium_memcmp(engine->meeting.join_secret, engine->join.pair_secret,
					 HA_KEY_LEN) == 0) {
			/* SPEC 4.R22: else it has begun anew meanwhile, with another secret */
			serve_join_send(engine, &step.message);
		}
		break;
	case JOIN_FAILED:
		control_answer(&engine->control, engine->join_request,
			       step.refused ? CONTROL_REFUSED : CONTROL_ERROR, step.text);
		engine_meet(engine, false);
		break;
	}
}

static void serve_join_request(struct engine *engine)
{
	const struct node *node = &engine->node;
	const struct store_record *record = &engine->record;
	struct join_view view = {
		.active = node->state == HA_ACTIVE &&
			  (record->paired || node->mode == HA_MODE_PRIMARY_ACTIVE),
		.paired = record->paired,
		.peer_alive = record->paired && node_peer_audible(node, engine_now(engine)),
		.store_ok = node->config.store_ok,
		.vip_n = node->config.vip_n,
		.term = node->term_known,
	};
	uint8_t fresh[HA_CLUSTER_ID_LEN];

	view.address_own = segment_owns(&engine->segment, &engine->join_address);
	memcpy(view.peer_key, record->peer_key, HA_KEY_LEN);
	memcpy(view.pair_secret, record->pair_secret, HA_KEY_LEN);
	memcpy(view.cluster_id, record->cluster_id, HA_CLUSTER_ID_LEN);
	randombytes_buf(fresh, sizeof(fresh));
	serve_join_step(engine, join_request(&engine->join, &view, engine->meeting.join_peer_key,
					     engine->meeting.join_secret, fresh));
	sodium_memzero(&view, sizeof(view));
}

void serve_join_message(struct engine *engine, const struct msg_join *message)
{
	if (message->op == JOIN_REQUEST && !engine->meeting.config.initiator) {
		engine->join_address = message->address;
		serve_join_request(engine);
	} else if (message->op != JOIN_REQUEST && engine->meeting.config.initiator) {
		serve_join_step(engine, join_answer(&engine->join, message));
	}
}

void serve_join_saved(struct engine *engine, uint64_t number, bool ok)
{
	if (number == 0 || number != engine->join_save)
		return;
	engine->join_save = 0;
	if (ok && engine->join.phase == JOIN_SAVING)
		join_record(&engine->join, engine->node.config.vip, engine->node.config.vip_n,
			    &engine->record);
	serve_join_step(engine, join_saved(&engine->join, ok));
	if (!ok) /* the steward is not to write it later, with the next start it counts */
		act_save(engine, ENGINE_OWN_SAVE | ++engine->own_save);
}
