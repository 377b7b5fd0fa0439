/* knock.c - who is at the door: beacons said and heard while there is no session (SPEC 3.1, 4.8).
 *
 * A beacon is not authenticated. It is shown to operators, reported with a limit, and a former peer's that does not
 * know that it is one is answered with a frame that only it can verify. It changes nothing else.
 */
#include <string.h>

#include "agent/engine_state.h"
#include "proto/disown.h"

#define KNOCK_FORGET (60 * HA_SEC) /* a stranger that is silent for so long makes room */
#define KNOCK_REPORT (60 * HA_SEC) /* between events: there may be no end of forged keys */

static const struct store_former *knock_former(const struct engine *engine,
					       const uint8_t key[HA_KEY_LEN])
{
	for (unsigned i = 0; i < STORE_FORMER_MAX; i++) {
		const struct store_former *former = &engine->record.former[i];

		if (former->why != PARTING_NONE && memcmp(former->key, key, HA_KEY_LEN) == 0)
			return former;
	}
	return NULL;
}

/* Its entry, or a free one; NULL: all are in use. */
static struct dump_stranger *knock_entry(struct engine *engine, const uint8_t key[HA_KEY_LEN])
{
	struct dump_stranger *found = NULL;

	for (unsigned i = 0; i < DUMP_STRANGERS_MAX; i++) {
		struct dump_stranger *s = &engine->stranger[i];

		if (s->heard >= 0 && memcmp(s->key, key, HA_KEY_LEN) == 0)
			return s;
		if (s->heard < 0 || engine->now - s->heard > KNOCK_FORGET) {
			s->heard = -1;
			found = s;
		}
	}
	return found;
}

static void knock_stranger(struct engine *engine, const uint8_t key[HA_KEY_LEN],
			   const struct store_former *former)
{
	struct dump_stranger *s = knock_entry(engine, key);
	char subject[DUMP_FINGERPRINT_MAX];
	bool new = s != NULL && s->heard < 0;

	if (s == NULL)
		return;
	*s = (struct dump_stranger){.heard = engine->now};
	memcpy(s->key, key, HA_KEY_LEN);
	dump_fingerprint(subject, key);
	if (former != NULL) {
		s->former = (enum msg_parting)former->why;
		memcpy(s->name, former->name, sizeof(s->name));
	}
	if (!new || s->former == PARTING_DETACHED ||
	    engine->now - engine->stranger_reported < KNOCK_REPORT)
		return; /* whoever left in good order may stand there */
	engine->stranger_reported = engine->now;
	act_report(engine, EVENT_STRANGER, s->name[0] != '\0' ? s->name : subject, s->former);
}

/* SPEC 4.R35: the two must not both keep the virtual IP, nor neither of them. */
static enum msg_parting knock_why(const struct engine *engine, const struct store_former *former)
{
	bool standalone = engine->node.mode == HA_MODE_STANDALONE;

	return standalone && former->why != PARTING_REMOVED ? PARTING_DETACHED : PARTING_REMOVED;
}

static void knock_disown(struct engine *engine, enum ha_path path,
			 const struct store_former *former, uint64_t boot)
{
	struct msg_disown disown = {.boot = boot, .why = (uint8_t)knock_why(engine, former)};
	ha_time *at = &engine->disown_at[path][former - engine->record.former];
	uint8_t frame[MSG_LEN_MAX];
	size_t len;

	if (engine->now < *at)
		return;
	*at = engine->now + ENGINE_BEACON;
	memcpy(disown.cluster_id, former->cluster_id, HA_CLUSTER_ID_LEN);
	memcpy(disown.key, engine->key.public_key, HA_KEY_LEN);
	len = disown_seal(&disown, path, former->pair_secret, frame, sizeof(frame));
	if (len != 0)
		act_frame(engine, path, NULL, frame, len);
}

void knock_readmit(struct engine *engine, const uint8_t key[HA_KEY_LEN])
{
	for (unsigned i = 0; i < DUMP_STRANGERS_MAX; i++)
		if (memcmp(engine->stranger[i].key, key, HA_KEY_LEN) == 0)
			engine->stranger[i].heard = -1;
}

void knock_beacon(struct engine *engine, enum ha_path path, const struct msg_beacon *beacon,
		  bool unpaired)
{
	const struct store_former *former = knock_former(engine, beacon->key);

	if (path == HA_PATH_LINK)
		survey_beacon(&engine->survey);
	if (former == NULL && !engine->record.paired)
		return;                  /* somebody to be met */
	if (former != NULL && !unpaired) /* else there is nothing to tell it */
		knock_disown(engine, path, former, beacon->boot);
	knock_stranger(engine, beacon->key, former);
}

/* Where nobody answers: so that one who wants to join, or who was a member, is told apart from nobody. */
void knock_timer(struct engine *engine, ha_time now)
{
	uint8_t frame[SESSION_FRAME_MAX];

	if (now < engine->beacon_at)
		return;
	engine->beacon_at = now + ENGINE_BEACON;
	for (int i = 0; i < HA_PATH_N; i++) {
		enum ha_path path = (enum ha_path)i;
		size_t len;

		if (engine->record.paired ? node_path_audible(&engine->node, path, now)
					  : path != HA_PATH_LINK)
			continue;
		len = session_beacon(engine->key.public_key, engine->record.boot,
				     engine->record.paired, path, frame, sizeof(frame));
		act_frame(engine, path, NULL, frame, len);
	}
}
