/* serve.c - what operators ask for. What takes longer is in meet.c and part.c. */
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "agent/dump_why.h"
#include "agent/engine_state.h"
#include "agent/log.h"
#include "agent/page.h"

enum {
	SERVE_ACTIONS = 16, /* times CONTROL_NUMBER_MAX is a uint32_t */
};

/* What the node is given as the number of a request: it says what was asked, too, so that the
 * answer can be worded. */
static uint32_t serve_request_id(uint32_t number, enum control_action action)
{
	static_assert((int)CONTROL_ACTION_N <= (int)SERVE_ACTIONS,
		      "a request's number has no room for it");
	assert(number <= CONTROL_NUMBER_MAX);
	return number * SERVE_ACTIONS + (uint32_t)action;
}

void serve_operators(struct engine *engine)
{
	const struct config *config = &engine->config;

	control_operators(&engine->control, config->operator, config->operator_n);
	for (unsigned i = 0; i < config->operator_n; i++)
		if (config->operator[i].uid == CONTROL_NOBODY)
			log_event(LOG_WARNING, "operator", "user=%s error=%s",
				  config->operator[i].user, "there is no such user");
}

/* The same words as the refusal that would follow. */
static void serve_may(struct engine *engine, enum node_refusal refusal,
		      struct dump_operation *operation)
{
	operation->allowed = refusal == REFUSED_NOT;
	if (!operation->allowed)
		serve_refusal(engine, refusal, operation->reason);
}

static void serve_operations(struct engine *engine, struct dump_operation out[DUMP_OPERATIONS_N])
{
	const struct node *node = &engine->node;
	ha_time now = engine_now(engine);
	enum node_refusal busy = engine->part.phase != PART_IDLE ? REFUSED_BUSY
				 : readdress_is_busy(engine)     ? REFUSED_READDRESSING
								 : REFUSED_NOT;
	enum node_refusal detach = node_may_detach(node, now), remove = node_may_remove(node, now);
	const enum node_refusal refusal[] = {
		node_may_swap(node, now),
		node_may_suspend(node, now),
		node_may_suspend(node, now),
		detach == REFUSED_NOT ? busy : detach,
		remove == REFUSED_NOT ? busy : remove,
	};
	static const char *const name[DUMP_OPERATIONS_N] = {
		"swap",   "suspend",         "resume", "detach",
		"remove", "test-connection", "join",   "virtual_ip",
	};

	for (unsigned i = 0; i < DUMP_OPERATIONS_N; i++) {
		out[i].name = name[i];
		if (i < sizeof(refusal) / sizeof(*refusal))
			serve_may(engine, refusal[i], &out[i]);
		else if (strcmp(name[i], "virtual_ip") == 0)
			out[i].allowed = readdress_may(engine, out[i].reason);
		else
			out[i].allowed =
				meet_may(engine, strcmp(name[i], "join") != 0, out[i].reason);
	}
}

static void serve_dump(struct engine *engine, struct control_answer *answer)
{
	struct dump_operation operation[DUMP_OPERATIONS_N];
	struct dump_sync sync;
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
		.report = &engine->report,
		.report_at = engine->report_at,
		.history = &engine->history,
		.check = engine->check,
		.hook = engine->hook,
		.stranger = engine->stranger,
		.mismatch = engine->mismatch,
		.lateness_last = engine->lateness,
		.floods = engine->floods,
		.ipc_errors = engine->ipc_errors,
		.state_changes = engine->state_changes,
	};

	for (int i = 0; i < HA_PATH_N; i++) {
		const struct engine_path *p = &engine->path[i];

		view.path[i] = (struct dump_path){
			.wire = &p->wire,
			.session = p->paired ? &p->session : NULL,
			.sent = p->sent,
			.received = p->received,
			.lost = p->loss.lost,
			.second = second_last(&p->second, view.now),
			.drop = p->drop,
		};
	}
	view.judging = meet_is_judging(engine);
	view.judged = meet_table(engine, &view.requirement, view.cause);
	role_registration(engine, &view.registration);
	copy_view(engine, &view, &sync);
	view.sync = &sync;
	serve_operations(engine, operation);
	view.operation = operation;
	answer->result = CONTROL_DONE;
	answer->data = dump_all(&view);
}

static void serve_why(struct engine *engine, struct control_answer *answer)
{
	const struct why_view view = {
		.now = engine_now(engine),
		.realtime_ns = act_realtime(),
		.node = &engine->node,
		.own = &engine->account.last,
		.peer = &engine->peer_account,
		.own_name = engine->own.host_name,
		.peer_name = engine->record.paired ? engine->record.peer_name : "",
		.history = &engine->history,
	};

	answer->result = CONTROL_DONE;
	answer->data = dump_why(&view);
}

static bool serve_address(const json_t *request, struct ha_address *out)
{
	const char *text = json_string_value(json_object_get(request, "address"));

	*out = (struct ha_address){0};
	if (text != NULL && inet_pton(AF_INET, text, out->b) == 1)
		out->family = HA_IPV4;
	else if (text != NULL && inet_pton(AF_INET6, text, out->b) == 1)
		out->family = HA_IPV6;
	return out->family != HA_FAMILY_NONE;
}

static bool serve_meet(struct engine *engine, enum control_action action, const json_t *request,
		       uint32_t number, struct control_answer *answer)
{
	const json_t *confirmed = json_object_get(request, "peer_fingerprint");
	struct ha_address address;

	if (!serve_address(request, &address)) {
		snprintf(answer->text, sizeof(answer->text),
			 "the address of the other appliance's management interface is missing");
		return true;
	}
	if (confirmed != NULL && !json_is_string(confirmed)) {
		snprintf(answer->text, sizeof(answer->text), "a fingerprint is a string");
		return true;
	}
	return meet_start(engine, &address, action == CONTROL_TEST, json_string_value(confirmed),
			  number, answer);
}

/* {"seconds": N}: so long; without it until it is resumed. */
static bool serve_duration(const json_t *request, ha_time now, ha_time *until)
{
	uint32_t n;

	*until = HA_NEVER;
	if (json_object_get(request, "seconds") == NULL)
		return true;
	if (!control_seconds(request, 0, ENGINE_SUSPEND_MAX / HA_SEC, &n))
		return false;
	*until = now + n * HA_SEC;
	return true;
}

static bool serve_barrier(struct engine *engine, const json_t *request, uint32_t number,
			  struct control_answer *answer)
{
	uint32_t n;

	if (!control_seconds(request, CONTROL_BARRIER_S, CONTROL_BARRIER_MAX_S, &n)) {
		snprintf(answer->text, sizeof(answer->text), "seconds is a number from 1 to %d",
			 CONTROL_BARRIER_MAX_S);
		return true;
	}
	return copy_start(engine, false, engine_now(engine) + n * HA_SEC, number, answer);
}

static void serve_is_active(struct engine *engine, struct control_answer *answer)
{
	enum node_role role = node_role(&engine->node);

	answer->result = CONTROL_DONE;
	answer->data = json_pack("{s:b, s:s, s:s}", "active",
				 role == ROLE_ACTIVE || role == ROLE_STANDALONE, "role",
				 node_role_name(role), "reason", reason_text(engine->node.reason));
}

void serve_swap(struct engine *engine, uint32_t number)
{
	struct node_event event = {
		.type = EV_OPERATOR,
		.op = OP_SWAP,
		.request = serve_request_id(number, CONTROL_SWAP),
	};

	engine_feed(engine, &event);
}

bool serve_request(void *arg, enum control_action action, const json_t *request, uint32_t number,
		   struct control_answer *answer)
{
	struct engine *engine = arg;
	struct node_event event = {
		.type = EV_OPERATOR,
		.request = serve_request_id(number, action),
	};

	if (!engine->running && action != CONTROL_CAPTURE) {
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
	case CONTROL_IS_ACTIVE:
		serve_is_active(engine, answer);
		return true;
	case CONTROL_JOIN:
	case CONTROL_TEST:
		return serve_meet(engine, action, request, number, answer);
	case CONTROL_DETACH:
	case CONTROL_REMOVE:
		return part_start(engine, action, number, answer);
	case CONTROL_SWAP:
		if (!copy_settle(engine, number))
			serve_swap(engine, number);
		return false;
	case CONTROL_SUSPEND:
		event.op = OP_SUSPEND;
		if (!serve_duration(request, engine_now(engine), &event.until)) {
			snprintf(answer->text, sizeof(answer->text),
				 "seconds is a number from 1 to %lld",
				 (long long)(ENGINE_SUSPEND_MAX / HA_SEC));
			return true;
		}
		break;
	case CONTROL_RESUME:
		event.op = OP_RESUME;
		break;
	case CONTROL_FORCE:
		event.op = OP_FORCE;
		break;
	case CONTROL_SYNC:
		return copy_start(engine, true, HA_NEVER, number, answer);
	case CONTROL_BARRIER:
		return serve_barrier(engine, request, number, answer);
	case CONTROL_CAPTURE:
		answer->result = CONTROL_DONE;
		answer->descriptor = IPC_FD_RECORDED;
		return true;
	case CONTROL_VIRTUAL_IP:
		return readdress_start(engine, request, number, answer);
	case CONTROL_WHY:
		serve_why(engine, answer);
		return true;
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

static bool serve_peer_is_active(const struct engine *engine)
{
	return engine->peer_known && engine->node.peer.last.claim == HA_CLAIM_HOLDING;
}

/* The passive is not managed directly: whom to ask instead. */
static void serve_active(const struct engine *engine, char *text, size_t cap)
{
	const char *between = " at ";

	if (!serve_peer_is_active(engine))
		return;
	snprintf(text + strlen(text), cap - strlen(text), ": that is %s", engine->peer.host_name);
	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++) {
		char address[DUMP_ADDRESS_MAX];

		dump_address(address, &engine->peer.management[i].address);
		if (address[0] == '\0')
			continue;
		snprintf(text + strlen(text), cap - strlen(text), "%s%s", between, address);
		between = ", ";
	}
}

void serve_refusal(const struct engine *engine, enum node_refusal refusal,
		   char text[CONTROL_TEXT_MAX])
{
	snprintf(text, CONTROL_TEXT_MAX, "%s", node_refusal_text(refusal));
	if (refusal == REFUSED_PEER_NOT_READY)
		serve_reasons(text, CONTROL_TEXT_MAX, engine->node.peer.last.why_not);
	if (refusal == REFUSED_NOT_ACTIVE || refusal == REFUSED_PEER_ACTIVE ||
	    refusal == REFUSED_PEER_HEARD)
		serve_active(engine, text, CONTROL_TEXT_MAX);
}

void serve_paired(const struct engine *engine, char text[CONTROL_TEXT_MAX])
{
	if (node_may_detach(&engine->node, engine->now) == REFUSED_SYNCING) {
		serve_refusal(engine, REFUSED_SYNCING, text);
		return;
	}
	snprintf(text, CONTROL_TEXT_MAX, "this appliance is part of a pair already%s",
		 serve_peer_is_active(engine) ? "; changes are made at its active appliance" : "");
	serve_active(engine, text, CONTROL_TEXT_MAX);
}

static void serve_done(const struct engine *engine, enum control_action asked, ha_time took,
		       char *text, size_t cap)
{
	char left[PAGE_TIME_MAX];

	switch (asked) {
	case CONTROL_SWAP:
		snprintf(text, cap, "%s holds the virtual IP now; the handover took %.1f ms",
			 engine->record.peer_name[0] ? engine->record.peer_name : "the peer",
			 (double)took / (double)HA_MS);
		break;
	case CONTROL_SUSPEND:
		if (engine->node.suspended_until == HA_NEVER) {
			snprintf(text, cap, "suspended: no takeover until resumed");
			break;
		}
		page_duration(left, (engine->node.suspended_until - engine->now + HA_SEC / 2) /
					    HA_SEC * 1000000);
		snprintf(text, cap, "suspended: no takeover for %s", left);
		break;
	case CONTROL_FORCE:
		snprintf(text, cap, "this appliance takes the virtual IP%s",
			 engine->node.config.paired
				 ? ""
				 : " unless another station answers for it: see --dump");
		break;
	default:
		snprintf(text, cap, "resumed");
		break;
	}
}

void serve_reply(struct engine *engine, const struct node_action *action)
{
	uint32_t number = action->request / SERVE_ACTIONS;
	char text[CONTROL_TEXT_MAX];

	if (action->refusal != REFUSED_NOT) {
		serve_refusal(engine, action->refusal, text);
		control_answer(&engine->control, number, CONTROL_REFUSED, text);
		return;
	}
	serve_done(engine, (enum control_action)(action->request % SERVE_ACTIONS), action->took,
		   text, sizeof(text));
	control_answer(&engine->control, number, CONTROL_DONE, text);
}
