/* role.c - what the rest of the appliance has to know: its role, whether it may register with a central
 * manager and as whom, and what the steward's checks and hooks say of it (SPEC 5.10).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/engine_state.h"

#define ROLE_UNDECIDED HA_SEC /* so long no role is none worth telling: most pass sooner */

static void role_own_addresses(const struct engine *engine, struct dump_registration *out)
{
	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++) {
		const struct ha_address *a = &engine->own.management[i].address;
		unsigned family = a->family == HA_IPV4 ? 0 : 1;

		if (a->family != HA_FAMILY_NONE && out->address[family].family == HA_FAMILY_NONE)
			out->address[family] = *a;
	}
}

void role_registration(const struct engine *engine, struct dump_registration *out)
{
	const struct node *node = &engine->node;

	*out = (struct dump_registration){.reason = "only the active appliance registers"};
	if (node_role(node) == ROLE_STANDALONE) {
		out->allowed = true;
		out->reason = "standalone: under its own address";
		role_own_addresses(engine, out);
	} else if (node->claim == HA_CLAIM_HOLDING && node->lease.wanted) {
		out->allowed = true;
		out->reason = "active: under the virtual IP address";
		for (unsigned i = 0; i < node->config.vip_n; i++) {
			const struct ha_address *a = &node->config.vip[i];
			unsigned family = a->family == HA_IPV4 ? 0 : 1;

			if (out->address[family].family == HA_FAMILY_NONE)
				out->address[family] = *a;
		}
	} else if (node_role(node) == ROLE_ACTIVE) {
		out->reason = "the virtual IP address is not on yet";
	}
}

static void role_occasion(const struct engine *engine, struct hook_occasion *out)
{
	const struct node *node = &engine->node;
	struct dump_registration registration;

	memset(out, 0, sizeof(*out)); /* it is compared and sent by its bytes */
	role_registration(engine, &registration);
	out->role = (uint8_t)node_role(node);
	out->reason = (uint8_t)node->reason;
	out->term = node->term_known;
	memcpy(out->vip, node->config.vip, node->config.vip_n * sizeof(out->vip[0]));
	if (engine->record.paired)
		memcpy(out->peer_name, engine->record.peer_name, sizeof(out->peer_name));
	for (unsigned i = 0; engine->peer_known && i < HA_ADDRESS_MAX; i++)
		out->peer[i] = engine->peer.management[i].address;
	out->registration_allowed = registration.allowed;
	memcpy(out->registration, registration.address, sizeof(out->registration));
}

/* What makes an occasion: the role, or the registration. The rest goes along. */
static bool role_same(const struct hook_occasion *a, const struct hook_occasion *b)
{
	return a->role == b->role && a->registration_allowed == b->registration_allowed &&
	       memcmp(a->registration, b->registration, sizeof(a->registration)) == 0;
}

/* An active that is initializing again, and stays so, may not register any more. */
static bool role_is_passing(struct engine *engine, const struct hook_occasion *occasion)
{
	if (occasion->role != ROLE_NONE)
		engine->undecided = 0;
	else if (engine->undecided == 0)
		engine->undecided = engine->now;
	return occasion->role == ROLE_NONE && engine->now - engine->undecided < ROLE_UNDECIDED;
}

void role_follow(struct engine *engine)
{
	struct ipc_message message = {.type = IPC_ROLE};
	struct hook_occasion *occasion = &message.u.role;

	if (engine->node.handover.releasing)
		return; /* the role follows in a moment, and goes first */
	if (engine->readdress.phase == READDRESS_CHANGING)
		return; /* so does the registration, under the new addresses */
	if (engine->unsaved)
		return; /* what it rests on goes first */
	role_occasion(engine, occasion);
	if (occasion->role != ROLE_ACTIVE)
		engine->copy.waited_since = 0;
	else if (!(engine->told && engine->occasion.role == ROLE_ACTIVE) &&
		 copy_is_waited_for(engine))
		return; /* SPEC 6.R37: not on half of a generation */
	if (role_is_passing(engine, occasion) || engine->steward < 0 ||
	    (engine->told && role_same(occasion, &engine->occasion)))
		return;
	occasion->transition = engine->record.boot << 24 | (++engine->transitions & 0xffffff);
	if (ipc_send(engine->steward, &message) != 0) {
		engine->ipc_errors++;
		return; /* at the next wake */
	}
	engine->occasion = *occasion;
	engine->told = true;
}

/* SPEC 7: a pair may run two versions while it is upgraded, one after the other. */
void role_identities(struct engine *engine)
{
	const struct msg_identity *own = &engine->own, *peer = &engine->peer;
	bool mismatch = strcmp(own->firmware, peer->firmware) != 0 ||
			strcmp(own->hotfix, peer->hotfix) != 0 ||
			strcmp(own->patch, peer->patch) != 0;

	if (!engine->record.paired || !engine->peer_known) {
		engine->mismatch = false; /* there is nobody to agree with: nothing to report */
		return;
	}
	if (mismatch == engine->mismatch)
		return;
	engine->mismatch = mismatch;
	act_report(engine, mismatch ? EVENT_VERSION_MISMATCH : EVENT_VERSION_MATCH, peer->firmware,
		   0);
}

/* ---- what the steward says ---- */

static void role_check_event(struct engine *engine, unsigned index, enum check_state from,
			     const struct dump_check *check)
{
	const char *name = engine->config.check[index].name;
	bool was_down = check_is_down(from), is_down = check_is_down(check->state);

	if (is_down && !was_down)
		act_report(engine, EVENT_CHECK_FAILING, name, 0);
	if (check->state == CHECK_RECOVERING)
		act_report(engine, EVENT_CHECK_RECOVERING, name, check->attempts);
	if (check->state == CHECK_FAILED)
		act_report(engine, EVENT_CHECK_FAILED, name, check->attempts);
	if (check->state == CHECK_PASSING && was_down)
		act_report(engine, EVENT_CHECK_RECOVERED, name, 0);
}

void role_feed_checks(struct engine *engine)
{
	struct node_event event = {.type = EV_CHECK};

	for (unsigned i = 0; i < engine->config.check_n; i++) {
		enum check_state state = engine->check[i].state;

		event.check.failed |= state == CHECK_FAILED;
		event.check.failing |= check_is_down(state);
	}
	engine_feed(engine, &event);
}

void role_check(struct engine *engine, const struct ipc_message *message)
{
	unsigned index = message->u.check.index;
	struct dump_check *check;
	enum check_state from;

	if (message->u.check.config != engine->config.number)
		kin_guardian_ready(engine, 0); /* it was told first, and knows more */
	if (message->u.check.config != engine->config.number)
		return; /* of a check that is no more */
	if (index >= engine->config.check_n || message->u.check.state >= CHECK_STATE_N ||
	    message->u.check.last >= COMMAND_OUTCOME_N)
		engine_fatal("steward", -EPROTO);
	check = &engine->check[index];
	from = check->state;
	*check = (struct dump_check){
		.state = (enum check_state)message->u.check.state,
		.last = (enum command_outcome)message->u.check.last,
		.attempts = message->u.check.attempts,
		.runs = message->u.check.runs,
		.bad = message->u.check.bad,
		.took_ms = message->u.check.took_ms,
		.status = message->u.check.status,
	};
	/* A new steward knows nothing yet; what was down is so until it is seen otherwise. */
	if (check->state == CHECK_UNKNOWN && check_is_down(from))
		check->state = from;
	if (from == check->state)
		return;
	role_check_event(engine, index, from, check);
	role_feed_checks(engine);
}

void role_hook(struct engine *engine, const struct ipc_message *message)
{
	unsigned index = message->u.hook.hook;
	struct dump_hook *hook;

	if (index >= HOOK_N || message->u.hook.outcome >= COMMAND_OUTCOME_N)
		engine_fatal("steward", -EPROTO);
	hook = &engine->hook[index];
	*hook = (struct dump_hook){
		.outcome = (enum command_outcome)message->u.hook.outcome,
		.status = message->u.hook.status,
		.took_ms = message->u.hook.took_ms,
		.transition = message->u.hook.transition,
	};
	memcpy(hook->output, message->u.hook.output, sizeof(hook->output) - 1);
	if (hook->outcome == COMMAND_TIMEOUT)
		act_report(engine, EVENT_HOOK_TIMEOUT, hook_name((enum hook)index), hook->took_ms);
	else if (hook->outcome != COMMAND_PASSED)
		act_report(engine, EVENT_HOOK_FAILED, hook_name((enum hook)index),
			   (uint32_t)hook->status);
}
