/* kin.c - what the two other processes say: the guardian of the lease, the steward of the record.
 *
 * There is a node only when the steward has sent the record and the whole history. A guardian that
 * goes takes this process with it; a steward that goes is replaced while the node goes on. Whatever
 * does not belong here ends the engine, and the guardian starts it anew.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "agent/addresses.h"
#include "agent/engine_state.h"

/* ---- the start of the node ---- */

/* The wall clock may have been set meanwhile: it ends by the clock that an operator sees. */
static ha_time kin_suspended_until(const struct engine *engine)
{
	int64_t left = engine->record.suspended_until - act_realtime();

	if (!engine->record.suspended || engine->record.suspended_until == 0)
		return HA_NEVER;
	if (left > ENGINE_SUSPEND_MAX)
		left = ENGINE_SUSPEND_MAX; /* the clock was set back, or is not set yet */
	return engine->now + (left > 0 ? left : 0);
}

static void kin_config_node(const struct engine *engine, struct node_config *out)
{
	const struct store_record *record = &engine->record;
	const struct config *config = &engine->config;
	struct addresses addresses;

	*out = (struct node_config){
		.timing = config->timing,
		.boot = record->boot,
		.mode = (enum ha_mode)record->mode,
		.paired = record->paired,
		.lower = memcmp(engine->key.public_key, record->peer_key, HA_KEY_LEN) < 0,
		.store_ok = engine->store_ok,
		.suspended = record->suspended,
		.suspended_until = kin_suspended_until(engine),
		.disputed = !record->paired && record->parting == PARTING_LEFT,
		.whole_copy = record->whole_copy,
		.in_sync = record->in_sync,
		.term = record->term,
		.held_term = record->held_term,
		.reserved = record->reserved,
		.mac = engine->segment.mac,
		.witness_learn = config->witness_policy == CONFIG_WITNESS_AUTO,
		.held = engine->status.u.status.held,
		.fenced = engine->status.u.status.fence,
	};
	addresses_of(record, config, &addresses);
	out->vip_n = addresses.n;
	memcpy(out->vip, addresses.vip, sizeof(out->vip));
	if (record->paired)
		return;
	out->mode =
		out->vip_n > 0 && !record->detached ? HA_MODE_PRIMARY_ACTIVE : HA_MODE_STANDALONE;
}

/* What an operator has set, or a pair left behind, gives way to what the configuration has come to say since. A record of
 * before that was remembered gives way to whatever it says. */
static bool kin_forget_vips(struct engine *engine)
{
	struct store_record *record = &engine->record;
	bool since = record->vip_set
			     ? !addresses_are_recorded(record, &engine->config)
			     : engine->config.vip_n > 0 && record->vip[0].family != HA_FAMILY_NONE;

	if (record->paired || !since)
		return false;
	addresses_unrecord(record);
	return true;
}

/* The record and the whole history are here. */
static void kin_boot(struct engine *engine)
{
	struct node_action started = {
		.type = ACT_EVENT,
		.event = EVENT_STARTED,
		.reason = REASON_STARTING,
		.term = engine->record.term,
		.detail = (uint32_t)engine->record.boot,
	};
	struct node_config config;
	bool forgot;

	kin_guardian_ready(engine, 0); /* its word on what is held must be here (SPEC 5.U1) */
	forgot = kin_forget_vips(engine);
	engine->now = loop_now();
	kin_config_node(engine, &config);
	segment_set_vips(&engine->segment, config.vip, config.vip_n);
	node_init(&engine->node, &config, engine_now(engine));
	engine->running = true;
	act_event(engine, &started);
	act_refresh_identity(engine);
	if (engine->record.paired)
		engine_open_sessions(engine);
	meet_open(engine, false);
	if (forgot)
		act_save(engine, ENGINE_OWN_SAVE | ++engine->own_save);
	watch_carrier(engine, engine->now);
	watch_witnesses(engine);
	engine->copy.held_saved = engine->record.held_term;
	copy_begin(engine);
}

/* ---- the guardian ---- */

static void kin_lease(struct engine *engine, const struct ipc_message *message)
{
	struct node_event event = {.type = EV_LEASE};

	event.lease.id = message->u.lease.lease;
	event.lease.on = message->u.lease.on;
	event.lease.gone = message->u.lease.cause == LEASE_GONE;
	switch (message->u.lease.status) {
	case LEASE_HELD:
		event.lease.status = NODE_LEASE_HELD;
		break;
	case LEASE_DROPPED:
		event.lease.status = NODE_LEASE_DROPPED;
		break;
	case LEASE_FAILED:
		event.lease.status = NODE_LEASE_FAILED;
		break;
	default:
		engine_fatal("guardian", -EPROTO);
	}
	if (engine->running)
		engine_feed(engine, &event);
}

static void kin_status(struct engine *engine, const struct ipc_message *message)
{
	struct node_event event = {.type = EV_GUARDIAN, .ok = message->u.status.fence};

	engine->status = *message;
	if (engine->running)
		engine_feed(engine, &event);
}

static void kin_leave(struct engine *engine, const struct ipc_message *message)
{
	struct ipc_message left = {.type = IPC_LEFT};
	struct node_event event = {.type = EV_OPERATOR, .op = OP_SHUTDOWN};

	left.u.leave.holds = message->u.leave.in_place && engine->running &&
			     node_may_go_on(&engine->node, engine_now(engine));
	if (engine->running && !left.u.leave.holds)
		engine_feed(engine, &event);
	else if (ipc_send(engine->guardian, &left) != 0)
		engine->ipc_errors++;
}

static void kin_steward_gone(struct engine *engine)
{
	loop_remove(&engine->loop, engine->steward);
	close(engine->steward);
	engine->steward = -1;
	copy_steward_gone(engine);
}

/* A new steward. The node goes on: what it wants to be durable is said again, since nobody knows
 * what became of it. */
static void kin_new_steward(struct engine *engine, int fd)
{
	const struct ipc_message hello = {.type = IPC_HELLO};

	if (engine->steward >= 0)
		kin_steward_gone(engine);
	if (loop_add(&engine->loop, fd, kin_steward_ready, engine) != 0)
		engine_fatal("steward", -ENOSPC);
	engine->steward = fd;
	engine->history_whole = engine->running;
	if (!engine->running) {
		engine->history.n = 0;
		engine->ipc_errors += ipc_send(fd, &hello) != 0;
		return;
	}
	engine->told = false;
	engine->save_failed = !act_save(engine, engine->node_save);
	if (engine->join_save != 0 && !act_save(engine, engine->join_save))
		meet_saved(engine, engine->join_save, false);
	if (engine->part.phase == PART_SAVING && !act_save(engine, engine->part.save))
		part_saved(engine, engine->part.save, false);
	readdress_steward(engine);
}

static void kin_new_syncer(struct engine *engine, int fd)
{
	if (copy_open(engine, fd) != 0)
		engine_fatal("syncer", -ENOSPC);
}

void kin_guardian_ready(void *arg, uint32_t events)
{
	struct engine *engine = arg;
	struct ipc_message message;
	int got, fd = -1;

	(void)events;
	while ((got = ipc_receive(engine->guardian, &message, &fd)) > 0) {
		if (message.type == IPC_STEWARD && fd >= 0)
			kin_new_steward(engine, fd);
		else if (message.type == IPC_SYNCER && fd >= 0)
			kin_new_syncer(engine, fd);
		else if (message.type == IPC_LEASE)
			kin_lease(engine, &message);
		else if (message.type == IPC_STATUS)
			kin_status(engine, &message);
		else if (message.type == IPC_LEAVE)
			kin_leave(engine, &message);
		else if (message.type == IPC_CONFIG && fd >= 0)
			reconfigure(engine, fd);
		else if (message.type == IPC_CONFIG_REPORT && fd >= 0)
			reconfigure_report(engine, fd);
		else
			engine_fatal("guardian", -EPROTO);
	}
	if (got < 0)
		engine_fatal("guardian", got);
}

/* ---- the steward ---- */

static void kin_record(struct engine *engine, const struct ipc_message *message)
{
	engine->store_ok = message->error == 0;
	engine->record = message->u.record.record;
	engine->key = message->u.record.key;
	engine->recorded = true;
}

static void kin_history(struct engine *engine, const struct ipc_message *message)
{
	if (message->u.event.event != EVENT_NONE) {
		dump_history_add(&engine->history, &message->u.event);
		return;
	}
	engine->history_whole = true;
	kin_boot(engine);
}

static void kin_saved(struct engine *engine, const struct ipc_message *message)
{
	struct node_event event = {
		.type = EV_SAVED,
		.number = message->u.record.number,
		.ok = message->error == 0,
	};

	if (event.ok && message->u.record.number == engine->copy.save)
		engine->copy.held_saved = engine->copy.held_saving;
	if (event.number & ENGINE_OWN_SAVE) {
		meet_saved(engine, event.number, event.ok);
		part_saved(engine, event.number, event.ok);
		readdress_saved(engine, event.number, event.ok);
	} else if (event.number != 0) {
		engine_feed(engine, &event);
	}
}

void kin_steward_ready(void *arg, uint32_t events)
{
	struct engine *engine = arg;
	struct ipc_message message;
	int got = 0;

	(void)events;
	while (engine->steward >= 0 && (got = ipc_receive(engine->steward, &message, NULL)) > 0) {
		if (message.type == IPC_RECORD && !engine->running)
			kin_record(engine, &message);
		else if (message.type == IPC_HISTORY && engine->recorded && !engine->history_whole)
			kin_history(engine, &message);
		else if (message.type == IPC_SAVED && engine->running)
			kin_saved(engine, &message);
		else if (message.type == IPC_CHECK && engine->running)
			role_check(engine, &message);
		else if (message.type == IPC_HOOK && engine->running)
			role_hook(engine, &message);
		else if (message.type == IPC_RAN && engine->running)
			copy_ran(engine, &message);
		else
			engine_fatal("steward", -EPROTO);
	}
	sodium_memzero(&message, sizeof(message)); /* it may have held the keys */
	if (got == -EPROTO)
		engine_fatal("steward", got);
	if (got < 0)
		kin_steward_gone(engine); /* the guardian starts it anew */
}
