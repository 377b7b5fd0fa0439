/* meet.c - two that are no pair yet, on the link: the XX session, the survey, --test-connection and --join.
 *
 * Frames of the session go to the nearest-bridge group, and to the group that bridges forward: so an appliance
 * behind a forwarding device is found, and told apart from one at the other end of the cable (SPEC 1.R2).
 */
#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/engine_state.h"
#include "agent/ether.h"
#include "agent/table.h"

#define MEET_VISIT    (1500 * HA_MS) /* a test by the other one is over then */
#define MEET_STATIONS (5 * HA_SEC)   /* so long the link is listened to for others */

static void meet_step(struct engine *, struct join_step);

/* ---- the session ---- */

void meet_open(struct engine *engine, bool initiator)
{
	struct session_config config = {
		.pattern = SESSION_XX,
		.path = HA_PATH_LINK,
		.initiator = initiator,
		.boot = engine->record.boot,
	};

	memcpy(config.secret_key, engine->key.secret_key, HA_KEY_LEN);
	memcpy(config.public_key, engine->key.public_key, HA_KEY_LEN);
	memcpy(config.pair_secret, engine->config.passphrase, HA_KEY_LEN);
	session_init(&engine->meeting, &config, engine->now);
	engine->meeting_on = true;
	engine->meeting_relayed = true; /* the first goes the other way */
	survey_init(&engine->survey, !initiator, &engine->segment.mac);
	sodium_memzero(&config, sizeof(config));
}

/* Not in the middle of a meeting: the next one is by the new one, at the latest. */
void meet_rekey(struct engine *engine)
{
	if (engine->meeting_on && engine->join.phase == JOIN_IDLE &&
	    !session_is_up(&engine->meeting))
		meet_open(engine, false);
}

/* Another one of theirs, or the same anew: what was seen of the one before does not count. Who answers says who it is
 * at once, so that both surveys run at the same time (SPEC 4.4). */
void meet_up(struct engine *engine)
{
	const struct session *s = &engine->meeting;

	if (!s->config.initiator) {
		survey_init(&engine->survey, true, &engine->segment.mac);
		act_identity(engine, true);
		return;
	}
	meet_step(engine,
		  join_up(&engine->join, s->join_peer_key, s->join_secret, engine_now(engine)));
}

void meet_heard(struct engine *engine, const struct ha_mac *from, bool relayed)
{
	engine->meeting_relayed = relayed;
	survey_authentic(&engine->survey, from, relayed ? SURVEY_TO_OTHER : SURVEY_TO_NEAREST);
}

/* ---- who else is on the link ---- */

static void meet_stations_close(struct engine *engine)
{
	if (engine->stations < 0)
		return;
	loop_remove(&engine->loop, engine->stations);
	close(engine->stations);
	engine->stations = -1;
}

static void meet_station(void *arg, uint32_t events)
{
	struct engine *engine = arg;
	struct ha_mac from[ETHER_BUDGET];
	int got;

	(void)events;
	got = ether_read(engine->stations, from);
	for (int i = 0; i < got; i++)
		survey_station(&engine->survey, &from[i]);
	if (got < 0)
		meet_stations_close(engine);
}

/* To make an interface promiscuous takes a lock that others may hold for long, and close() waits for a grace period of the
 * kernel: 6 ms and more, whenever anybody at the link asks for a survey. A holder has no time for that; the other
 * one listens. */
static void meet_stations_open(struct engine *engine)
{
	if (engine->node.lease.wanted)
		return;
	engine->stations_until = engine_now(engine) + MEET_STATIONS;
	if (engine->stations >= 0)
		return;
	engine->stations = ether_open(engine->config.link);
	if (engine->stations < 0)
		engine->stations = -1;
	else if (loop_add(&engine->loop, engine->stations, meet_station, engine) != 0)
		meet_stations_close(engine);
}

/* ---- judging ---- */

/* While a join is under way the peer is the one it is with; else the pair's. */
static void meet_view(const struct engine *engine, struct requirement_view *out)
{
	const struct survey *survey = &engine->survey;
	const struct store_record *record = &engine->record;
	const struct node *node = &engine->node;
	bool same = record->paired &&
		    memcmp(record->peer_key, engine->meeting.join_peer_key, HA_KEY_LEN) == 0;

	*out = (struct requirement_view){
		.is_active = survey->is_active,
		.own = &engine->own,
		.peer = survey->known ? &survey->peer : NULL,
		.model = engine->config.supported_model,
		.model_n = engine->config.supported_model_n,
		.address = survey->is_active ? engine->join_address : engine->join.address,
		.own_paired = record->paired && !(same && !node_peer_audible(node, engine->now)),
		.own_holds = node->lease.wanted,
		.reported = engine->join.reported,
		.refusal = engine->join.refusal,
		.facts = survey->facts,
	};
	out->facts.crossed = !survey->is_active && engine->join.crossed;
}

/* A pair lives by the same requirements; what it sees of them, its sessions show. */
static void meet_pair_view(const struct engine *engine, struct requirement_view *out)
{
	const struct node *node = &engine->node;
	bool link = node_path_audible(node, HA_PATH_LINK, engine->now);
	bool management = node_path_audible(node, HA_PATH_MANAGEMENT, engine->now);

	*out = (struct requirement_view){
		.is_active = node->lease.wanted,
		.own = &engine->own,
		.peer = engine->peer_known ? &engine->peer : NULL,
		.model = engine->config.supported_model,
		.model_n = engine->config.supported_model_n,
		.own_holds = node->lease.wanted,
		.reported = true,
		.facts =
			{
				.heard = link,
				.direct = link && engine->config.link_direct,
				.vip_third = node->probe.third >= 0 &&
					     engine->now - node->probe.third < 60 * HA_SEC,
				.vip_over = true,
			},
	};
	for (int i = 0; i < 2; i++) {
		out->facts.proof[i].asked = true;
		out->facts.proof[i].answered = management;
		out->facts.proof[i].over = link && node->path[HA_PATH_MANAGEMENT].session;
	}
}

/* The survey is over with the test, and addresses change: what is shown of it later is what it was judged by. */
static void meet_keep(struct engine *engine, const struct requirement_view *view)
{
	engine->tested = *view;
	engine->tested_own = *view->own;
	engine->tested.own = &engine->tested_own;
	if (view->peer == NULL)
		return;
	engine->tested_peer = *view->peer;
	engine->tested.peer = &engine->tested_peer;
}

bool meet_is_judging(const struct engine *engine)
{
	const struct join *join = &engine->join;

	return join->joiner && (join->phase == JOIN_MEETING || join->phase == JOIN_TESTING);
}

bool meet_table(struct engine *engine, struct requirement_view *view, uint8_t cause[REQUIREMENT_N])
{
	if (engine->record.paired) {
		meet_pair_view(engine, view);
		requirements_judge(view, cause);
		return true;
	}
	if (meet_is_judging(engine)) { /* as far as it is: whoever watches sees row by row */
		meet_view(engine, view);
		requirements_judge(view, cause);
		if (engine->join.reported)
			requirements_merge(cause, engine->join.report);
		return true;
	}
	if (!engine->join.tested)
		return false;
	*view = engine->tested;
	memcpy(cause, engine->join.cause, REQUIREMENT_N);
	return true;
}

/* ---- steps of the join ---- */

static void meet_send(struct engine *engine, const struct msg_join *message)
{
	uint8_t body[128];
	size_t len = msg_encode_join(body, sizeof(body), message);

	assert(len != 0);
	act_identity(engine, true);
	act_meeting(engine, MSG_JOIN, body, len);
}

static void meet_paired(struct engine *engine)
{
	const struct store_record *record = &engine->record;
	const struct msg_identity *peer = &engine->join.identity;
	struct node_event paired = {.type = EV_PAIRED};
	struct node_event mac = {.type = EV_PEER_MAC};

	knock_readmit(engine, record->peer_key);
	meet_stations_close(engine); /* not when the peer is there to wait for this node */
	paired.paired.mode = (enum ha_mode)record->mode;
	paired.paired.lower = memcmp(engine->key.public_key, record->peer_key, HA_KEY_LEN) < 0;
	paired.paired.term = record->term;
	paired.paired.vip_n = ha_address_count(record->vip, HA_VIP_MAX);
	memcpy(paired.paired.vip, record->vip, paired.paired.vip_n * sizeof(record->vip[0]));
	segment_set_vips(&engine->segment, paired.paired.vip, paired.paired.vip_n);
	engine->peer = *peer;
	engine->peer_known = true;
	mac.mac = peer->management_mac;
	engine_open_sessions(engine);
	engine_feed(engine, &paired);
	engine_feed(engine, &mac);
	copy_begin(engine);
	act_refresh_identity(engine);
}

/* What a client is shown at the end of a test. */
static json_t *meet_data(const void *arg)
{
	const struct engine *engine = arg;
	const struct join *join = &engine->join;
	char own[DUMP_FINGERPRINT_MAX], peer[DUMP_FINGERPRINT_MAX] = "";
	char address[DUMP_ADDRESS_MAX];

	dump_fingerprint(own, engine->key.public_key);
	if (join->met)
		dump_fingerprint(peer, join->peer_key);
	dump_address(address, &join->address);
	return json_pack("{s:o, s:s, s:s, s:s, s:s}", "requirements",
			 table_rows(&engine->tested, join->cause, REQUIREMENT_N), "fingerprint",
			 own, "peer_fingerprint", peer, "peer_host_name",
			 join->identity_known ? join->identity.host_name : "", "address", address);
}

static void meet_answer(struct engine *engine, enum control_result result, const char *text)
{
	if (engine->join.tested)
		control_answer_data(&engine->control, engine->join_request, result, text, meet_data,
				    engine);
	else
		control_answer(&engine->control, engine->join_request, result, text);
}

static void meet_joined(struct engine *engine)
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

static void meet_step(struct engine *engine, struct join_step step)
{
	switch (step.what) {
	case JOIN_NOTHING:
		break;
	case JOIN_SEND:
		meet_send(engine, &step.message);
		break;
	case JOIN_SAVE:
		engine->join_save = ENGINE_OWN_SAVE | ++engine->own_save;
		if (!act_save(engine, engine->join_save))
			meet_saved(engine, engine->join_save, false);
		break;
	case JOIN_PAIRED:
		meet_paired(engine);
		if (engine->join.joiner) {
			meet_joined(engine);
			meet_open(engine, false);
		} else if (sodium_memcmp(engine->meeting.join_secret, engine->record.pair_secret,
					 HA_KEY_LEN) == 0) {
			/* SPEC 4.R22: else it has begun anew meanwhile, with another secret */
			meet_send(engine, &step.message);
		}
		break;
	case JOIN_TESTED:
		meet_answer(engine, step.refused ? CONTROL_REFUSED : CONTROL_DONE, step.text);
		meet_open(engine, false);
		break;
	case JOIN_FAILED:
		meet_answer(engine, step.refused ? CONTROL_REFUSED : CONTROL_ERROR, step.text);
		meet_open(engine, false);
		break;
	}
}

/* The joiner's own side, as it stands. */
static void meet_consider(struct engine *engine)
{
	struct requirement_view view;
	uint8_t cause[REQUIREMENT_N];
	bool open;

	if (engine->join.phase != JOIN_MEETING && engine->join.phase != JOIN_TESTING)
		return;
	meet_view(engine, &view);
	requirements_judge(&view, cause);
	meet_keep(engine, &view);
	open = !survey_complete(&engine->survey, engine->now);
	meet_step(engine, join_judged(&engine->join, cause, open, engine->now));
}

/* The other one has begun, and is not done: whose session this is would be lost for both. */
static bool meet_is_visited(const struct engine *engine)
{
	return engine->meeting_on && !engine->meeting.config.initiator &&
	       session_is_up(&engine->meeting) &&
	       engine->now - engine->meeting.current.born < MEET_VISIT;
}

bool meet_may(struct engine *engine, bool test_only, char text[CONTROL_TEXT_MAX])
{
	const char *refusal = NULL;

	if (engine->record.paired) {
		engine_now(engine);
		serve_paired(engine, text);
		return false;
	}
	if (!engine->node.config.store_ok)
		refusal = "the state of this appliance is not readable";
	else if (engine->node.lease.wanted && !test_only)
		refusal = "this appliance holds the virtual IP; the one that joins must not";
	else if (engine->join.phase != JOIN_IDLE)
		refusal = "a join, or a test of the connection, is under way";
	else if (readdress_is_busy(engine))
		refusal = "a change of the virtual IP is under way";
	else if (meet_is_visited(engine))
		refusal = "the other appliance is testing the connection, or joining, at this "
			  "moment: test or join from one of the two only";
	snprintf(text, CONTROL_TEXT_MAX, "%s", refusal != NULL ? refusal : "");
	return refusal == NULL;
}

bool meet_start(struct engine *engine, const struct ha_address *address, bool test_only,
		const char *confirmed, uint32_t number, struct control_answer *answer)
{
	uint8_t expected[HA_KEY_LEN];

	answer->result = CONTROL_REFUSED;
	if (!meet_may(engine, test_only, answer->text))
		return true;
	if (confirmed != NULL && !dump_fingerprint_parse(confirmed, expected)) {
		snprintf(answer->text, sizeof(answer->text), "this is no fingerprint of a key");
		return true;
	}
	engine->join_request = number;
	join_start(&engine->join, address, test_only, confirmed ? expected : NULL,
		   engine_now(engine));
	meet_open(engine, true);
	meet_stations_open(engine);
	return false;
}

/* ---- what is heard ---- */

void meet_identity(struct engine *engine, const struct msg_identity *identity)
{
	join_identity(&engine->join, identity);
	if (!engine->meeting.config.initiator)
		meet_stations_open(engine);
	survey_begin(&engine->survey, &engine->own, identity, engine_now(engine));
	meet_consider(engine);
}

void meet_malformed(struct engine *engine)
{
	survey_malformed(&engine->survey);
	meet_consider(engine);
}

static void meet_join_view(struct engine *engine, struct join_view *view)
{
	const struct node *node = &engine->node;
	const struct store_record *record = &engine->record;
	struct requirement_view requirement;

	*view = (struct join_view){
		.active = node->state == HA_ACTIVE &&
			  (record->paired || node->mode == HA_MODE_PRIMARY_ACTIVE),
		.paired = record->paired,
		.peer_alive = record->paired && node_peer_audible(node, engine_now(engine)),
		.store_ok = node->config.store_ok,
		.vip_n = node->config.vip_n,
		.surveyed = survey_complete(&engine->survey, engine->now) ||
			    engine->survey.facts.malformed,
		.term = node->term_known,
	};
	meet_view(engine, &requirement);
	requirements_judge(&requirement, view->cause);
	view->address_own = segment_owns(&engine->segment, &engine->join_address);
	memcpy(view->peer_key, record->peer_key, HA_KEY_LEN);
	memcpy(view->pair_secret, record->pair_secret, HA_KEY_LEN);
	memcpy(view->cluster_id, record->cluster_id, HA_CLUSTER_ID_LEN);
}

/* At the active: a test or a request. */
static void meet_asked(struct engine *engine, const struct msg_join *message)
{
	const struct session *s = &engine->meeting;
	uint8_t fresh[HA_CLUSTER_ID_LEN];
	struct join_view view;
	struct join_step step;

	if (readdress_is_busy(engine))
		return; /* it is asked again, and then of the virtual IPs that are the pair's */
	engine->join_address = message->address;
	meet_join_view(engine, &view);
	randombytes_buf(fresh, sizeof(fresh));
	if (!view.surveyed)
		act_identity(engine, true); /* the first may be lost */
	if (message->op == JOIN_TEST)
		step = join_test(&engine->join, &view, s->join_peer_key);
	else
		step = join_request(&engine->join, &view, s->join_peer_key, s->join_secret, fresh);
	if (step.what ==
	    JOIN_SAVE) /* somebody else may have a survey of his own before it is on disk */
		engine->join.identity = engine->survey.peer;
	meet_step(engine, step);
	sodium_memzero(&view, sizeof(view));
}

void meet_message(struct engine *engine, const struct msg_join *message)
{
	bool question = message->op == JOIN_REQUEST || message->op == JOIN_TEST;

	if (question != !engine->meeting.config.initiator)
		return;
	if (question) {
		meet_asked(engine, message);
	} else {
		meet_step(engine, join_answer(&engine->join, message));
		meet_consider(engine);
	}
}

void meet_segment(struct engine *engine, const struct segment_frame *frame)
{
	if (!engine->survey.running)
		return;
	survey_segment(&engine->survey, frame);
	meet_consider(engine);
}

void meet_saved(struct engine *engine, uint64_t number, bool ok)
{
	bool awaited = engine->join.phase == JOIN_SAVING;

	if (number == 0 || number != engine->join_save)
		return;
	engine->join_save = 0;
	if (ok && awaited)
		join_record(&engine->join, engine->node.config.vip, engine->node.config.vip_n,
			    &engine->record);
	meet_step(engine, join_saved(&engine->join, ok));
	/* The steward is not to write it later, with the next start it counts; nor is what came when it was given up
	 * to make a member of this appliance at the next start. */
	if (!ok || !awaited)
		act_save(engine, ENGINE_OWN_SAVE | ++engine->own_save);
}

/* ---- time ---- */

ha_time meet_deadline(const struct engine *engine)
{
	ha_time at = join_deadline(&engine->join);

	if (survey_deadline(&engine->survey) < at)
		at = survey_deadline(&engine->survey);
	if (engine->stations >= 0 && engine->stations_until < at)
		at = engine->stations_until;
	return at;
}

/* Questions go to everybody: the point is who answers. */
static void meet_ask(struct engine *engine, ha_time now)
{
	struct survey_question question[SURVEY_QUESTIONS_MAX];
	unsigned n = survey_timer(&engine->survey, now, question);

	for (unsigned i = 0; i < n; i++) {
		struct node_action ask = {.type = ACT_ASK, .address = question[i].address};

		act_question(engine, &ask);
	}
}

void meet_timer(struct engine *engine, ha_time now)
{
	if (engine->stations >= 0 && now >= engine->stations_until)
		meet_stations_close(engine);
	if (now >= survey_deadline(&engine->survey)) {
		meet_ask(engine, now);
		meet_consider(engine);
	}
	if (now >= join_deadline(&engine->join)) {
		meet_step(engine, join_timer(&engine->join, now));
		meet_consider(engine);
	}
}
