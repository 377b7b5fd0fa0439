/* part.c - the end of a pair: --detach, --remove, and being disowned (SPEC 5.10).
 *
 * The one that stays without the virtual IP lets go first, and durably, so that at no time somebody counts on a
 * passive that takes over for nobody. What the other does not learn now it learns when it knocks (knock.c).
 */
#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "agent/addresses.h"
#include "agent/engine_state.h"

#define PART_REPEAT  (200 * HA_MS)
#define PART_TIMEOUT (5 * HA_SEC)

/* Who keeps the virtual IPs of the pair does so until the next start, if the configuration has come to say something else in
 * the meantime; else until it does. */
static void part_addresses(const struct engine *engine, bool keeps, struct store_record *record)
{
	const struct config *config = &engine->config;
	struct addresses pair;

	addresses_of(record, config, &pair);
	if (!keeps || addresses_same(&pair, config->vip, config->vip_n))
		addresses_unrecord(record);
	else if (record->vip_against != addresses_sum(config->vip, config->vip_n))
		record->vip_set = false;
}

/* What became of the peer, for when it knocks: removed by one that keeps the virtual IP, left by one that does not, or
 * taken leave of in good order. */
static enum msg_parting part_former(const struct part *part)
{
	if (part->why != PARTING_LEFT)
		return PARTING_DETACHED;
	return part->keeps ? PARTING_REMOVED : PARTING_LEFT;
}

/* The peer, among those that are recognised: the newest first. A peer that was removed here is to be told so;
 * one that was taken leave of in good order, too: its last word may have been lost. */
static void part_remember(const struct engine *engine, struct store_record *record)
{
	struct store_former former = {.why = (uint8_t)part_former(&engine->part)};
	unsigned at = STORE_FORMER_MAX - 1;

	if (engine->part.why == PARTING_REMOVED)
		return; /* it knows */
	memcpy(former.key, record->peer_key, HA_KEY_LEN);
	memcpy(former.pair_secret, record->pair_secret, HA_KEY_LEN);
	memcpy(former.cluster_id, record->cluster_id, HA_CLUSTER_ID_LEN);
	memcpy(former.name, record->peer_name, sizeof(former.name));
	for (unsigned i = 0; i < at; i++)
		if (memcmp(record->former[i].key, former.key, HA_KEY_LEN) == 0)
			at = i;
	memmove(&record->former[1], &record->former[0], at * sizeof(former));
	record->former[0] = former;
	sodium_memzero(&former, sizeof(former));
}

void part_record(const struct engine *engine, struct store_record *record)
{
	bool keeps = engine->part.keeps;

	part_remember(engine, record);
	part_addresses(engine, keeps, record);
	record->paired = false;
	record->mode = keeps ? HA_MODE_PRIMARY_ACTIVE : HA_MODE_STANDALONE;
	record->detached = !keeps;
	record->parting = (uint8_t)engine->part.why;
	record->peer_boot = 0;
	record->suspended = false;
	record->suspended_until = 0;
	record->whole_copy = true; /* its settings are the settings */
	record->in_sync = false;
	record->reserved = 0;
	sodium_memzero(record->peer_key, sizeof(record->peer_key));
	sodium_memzero(record->pair_secret, sizeof(record->pair_secret));
	memset(record->cluster_id, 0, sizeof(record->cluster_id));
	memset(record->peer_name, 0, sizeof(record->peer_name));
}

static void part_answer(struct engine *engine, enum control_result result, const char *text)
{
	control_answer(&engine->control, engine->part.request, result, text);
	engine->part.request = 0;
}

static void part_send(struct engine *engine, enum msg_detach_op op, enum msg_detach_refusal why)
{
	struct msg_detach message = {.op = (uint8_t)op, .refusal = (uint8_t)why};
	uint8_t body[64];
	size_t len;

	memcpy(message.cluster_id, engine->record.cluster_id, HA_CLUSTER_ID_LEN);
	len = msg_encode_detach(body, sizeof(body), &message);
	assert(len != 0);
	for (int i = 0; i < HA_PATH_N; i++)
		act_message(engine, (enum ha_path)i, MSG_DETACH, body, len);
}

static void part_save(struct engine *engine, enum msg_parting why)
{
	engine->part.phase = PART_SAVING;
	engine->part.why = why;
	engine->part.keeps = node_keeps(&engine->node, why, engine->part.asked);
	engine->part.save = ENGINE_OWN_SAVE | ++engine->own_save;
	if (!act_save(engine, engine->part.save))
		part_saved(engine, engine->part.save, false);
}

/* ---- the operator ---- */

bool part_start(struct engine *engine, enum control_action action, uint32_t number,
		struct control_answer *answer)
{
	ha_time now = engine_now(engine);
	enum node_refusal refusal = action == CONTROL_DETACH ? node_may_detach(&engine->node, now)
							     : node_may_remove(&engine->node, now);

	if (refusal == REFUSED_NOT && engine->part.phase != PART_IDLE)
		refusal = REFUSED_BUSY;
	if (refusal == REFUSED_NOT && readdress_is_busy(engine))
		refusal = REFUSED_READDRESSING;
	if (refusal != REFUSED_NOT) {
		answer->result = CONTROL_REFUSED;
		serve_refusal(engine, refusal, answer->text);
		return true;
	}
	engine->part = (struct part){.request = number};
	if (action == CONTROL_REMOVE) {
		part_save(engine, PARTING_LEFT);
		return false;
	}
	engine->part.phase = PART_ASKING;
	engine->part.until = now + PART_TIMEOUT;
	engine->part.next = now;
	return false;
}

ha_time part_deadline(const struct engine *engine)
{
	const struct part *part = &engine->part;

	if (part->phase != PART_ASKING)
		return HA_NEVER;
	return part->next < part->until ? part->next : part->until;
}

void part_timer(struct engine *engine, ha_time now)
{
	struct part *part = &engine->part;

	if (now < part_deadline(engine))
		return;
	if (now >= part->until) {
		part->phase = PART_IDLE;
		part_answer(
			engine, CONTROL_ERROR,
			"the passive appliance did not answer; nothing has changed here. If it is "
			"gone for good: --remove");
		return;
	}
	part_send(engine, DETACH_REQUEST, DETACH_OK);
	part->next = now + PART_REPEAT;
}

/* ---- the peer ---- */

static const char *part_refusal_text(enum msg_detach_refusal why)
{
	switch (why) {
	case DETACH_SYNCING:
		return "the passive appliance is still copying the settings for the first time";
	case DETACH_STORE:
		return "the passive appliance could not write its cluster record";
	case DETACH_HOLDS:
		return "the other appliance holds the virtual IP";
	default:
		return "the passive appliance refuses";
	}
}

static void part_requested(struct engine *engine)
{
	enum msg_detach_refusal refusal;

	if (engine->part.phase == PART_SAVING || readdress_is_busy(engine))
		return; /* the answer follows; or it is asked again */
	refusal = node_may_be_detached(&engine->node, engine_now(engine));
	if (refusal != DETACH_OK) {
		part_send(engine, DETACH_REFUSE, refusal);
		return;
	}
	engine->part = (struct part){.asked = true, .request = engine->part.request};
	part_save(engine, PARTING_DETACHED);
}

void part_message(struct engine *engine, const struct msg_detach *message)
{
	if (memcmp(message->cluster_id, engine->record.cluster_id, HA_CLUSTER_ID_LEN) != 0)
		return;
	if (message->op == DETACH_REQUEST) {
		part_requested(engine);
	} else if (engine->part.phase == PART_ASKING && message->op == DETACH_DONE) {
		part_save(engine, PARTING_DETACHED);
	} else if (engine->part.phase == PART_ASKING) {
		engine->part.phase = PART_IDLE;
		part_answer(engine, CONTROL_REFUSED,
			    part_refusal_text((enum msg_detach_refusal)message->refusal));
	}
}

/* ---- the end ---- */

static void part_done_answer(struct engine *engine)
{
	const char *name = engine->part.name;
	char text[CONTROL_TEXT_MAX];

	if (name[0] == '\0')
		name = "the other appliance";
	if (engine->part.why == PARTING_LEFT)
		snprintf(text, sizeof(text),
			 "%s is removed from the pair. If it is still running somewhere it may "
			 "think itself part of it; it is told when it is heard again",
			 name);
	else if (engine->part.keeps)
		snprintf(text, sizeof(text),
			 "%s is detached: it is standalone, with its copy of the settings", name);
	else
		snprintf(text, sizeof(text),
			 "%s has ended the pair meanwhile: this appliance is standalone", name);
	part_answer(engine,
		    engine->part.why == PARTING_LEFT || engine->part.keeps ? CONTROL_DONE
									   : CONTROL_ERROR,
		    text);
}

static void part_done(struct engine *engine)
{
	struct node_event event = {.type = EV_UNPAIRED};
	const struct config *config = &engine->config;
	bool keeps = engine->part.keeps;

	memcpy(engine->part.name, engine->record.peer_name, sizeof(engine->part.name));
	if (engine->part.asked)
		part_send(engine, DETACH_DONE, DETACH_OK);
	event.unpaired.why = engine->part.why;
	event.unpaired.keeps = keeps;
	event.unpaired.vip_n = keeps ? engine->node.config.vip_n : config->vip_n;
	memcpy(event.unpaired.vip, keeps ? engine->node.config.vip : config->vip,
	       sizeof(event.unpaired.vip));
	part_record(engine, &engine->record);
	engine->part.phase = PART_IDLE;
	engine_close_sessions(engine);
	engine->peer_known = false;
	engine->peer_account.decided = 0;
	segment_set_vips(&engine->segment, event.unpaired.vip, event.unpaired.vip_n);
	engine_feed(engine, &event);
	role_identities(engine);
	act_refresh_identity(engine);
	meet_open(engine, false);
	part_done_answer(engine);
}

/* SPEC 5.D3: by one that has kept the virtual IP, so it is released at once, and the node has the record written for as
 * long as that takes. Else what makes it durable may fail; then the peer says so again. */
void part_disowned(struct engine *engine, enum msg_parting why)
{
	uint32_t request = engine->part.request;

	if (engine->part.phase == PART_SAVING)
		return;
	readdress_give_up(engine); /* or its record would come on top of the one without a pair */
	engine->part = (struct part){.request = request, .why = why};
	if (why == PARTING_REMOVED)
		part_done(engine);
	else
		part_save(engine, why);
}

/* ---- the disk ---- */

void part_saved(struct engine *engine, uint64_t number, bool ok)
{
	struct part *part = &engine->part;

	if (part->phase != PART_SAVING || number != part->save)
		return;
	if (ok) {
		part_done(engine);
		return;
	}
	part->phase = PART_IDLE;
	if (part->asked)
		part_send(engine, DETACH_REFUSE, DETACH_STORE);
	part_answer(engine, CONTROL_ERROR,
		    "the cluster record could not be written; nothing has changed here");
	act_save(engine,
		 ENGINE_OWN_SAVE | ++engine->own_save); /* the pair's, should that one come late */
}
