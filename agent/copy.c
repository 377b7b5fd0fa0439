/* copy.c - the copy of the settings, seen from the engine: what the syncer is told, what it says of the copy, and what
 * it wants to have run.
 *
 * The syncer reads what the peer sent, and so is believed nothing but that: how its copy is. Whether this node holds, and
 * which keys the stream may be made from, is told to it after each wake, when it has changed.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/engine_state.h"
#include "agent/settings.h"

/* How long the processing of a new active waits for a commit that is being written. */
#define COPY_PATIENCE (30 * HA_SEC)
#define COPY_SETTLE   HA_SEC /* how long a swap waits for changes that are on their way (SPEC D6) */
#define COPY_EVENTS   (10 * HA_SEC) /* between two reports that it fails */

enum {
	COPY_MESSAGES_MAX = 16, /* of the syncer at a wake */
};

static bool copy_is_configured(const struct engine *engine)
{
	return engine->config.settings_n > 0;
}

/* SPEC 6.R27: no generation is made in a term before it is on disk that this node held under it. */
static bool copy_holds(const struct engine *engine)
{
	const struct node *node = &engine->node;
	/* From one list of virtual IPs to another it is the same holder (SPEC 5.X3). */
	bool changing = engine->readdress.phase == READDRESS_CHANGING && node->state == HA_ACTIVE;

	return (node->claim == HA_CLAIM_HOLDING || changing) &&
	       node->term == engine->copy.held_saved;
}

static bool copy_send(struct engine *engine, const struct ipc_message *message)
{
	if (engine->copy.fd >= 0 && ipc_send(engine->copy.fd, message) == 0)
		return true;
	engine->ipc_errors++;
	return false;
}

static bool copy_same_self(const struct copy_self *a, const struct copy_self *b)
{
	return a->paired == b->paired && a->holds == b->holds && a->whole == b->whole &&
	       a->paused == b->paused && a->peer_heard == b->peer_heard && a->term == b->term;
}

static void copy_tell_self(struct engine *engine)
{
	const struct node *node = &engine->node;
	struct ipc_message message = {.type = IPC_SELF};
	const struct copy_self self = {
		.paired = node->config.paired,
		.holds = copy_holds(engine),
		.whole = node->whole_copy,
		.paused = engine->mismatch,
		.peer_heard = node_peer_audible(node, engine->now),
		.term = node->term,
	};

	if (engine->copy.told && copy_same_self(&self, &engine->copy.self))
		return;
	engine->copy.self = message.u.self = self;
	engine->copy.untold |= !copy_send(engine, &message);
}

static void copy_tell_key(struct engine *engine)
{
	const struct engine_path *link = &engine->path[HA_PATH_LINK];
	/* Over a link that is silent nobody is led, and nobody follows (SPEC 6.R24). */
	bool heard = link->paired && node_path_audible(&engine->node, HA_PATH_LINK, engine->now);
	const uint8_t *exporter = heard ? session_exporter(&link->session) : NULL;
	struct copy *copy = &engine->copy;
	struct ipc_message message = {.type = IPC_KEY};

	if (copy->told && copy->keyed == (exporter != NULL) &&
	    (exporter == NULL || memcmp(copy->exporter, exporter, HA_KEY_LEN) == 0))
		return;
	copy->keyed = exporter != NULL;
	if (exporter != NULL) {
		memcpy(copy->exporter, exporter, HA_KEY_LEN);
		memcpy(message.u.key.exporter, exporter, HA_KEY_LEN);
	}
	message.u.key.valid = exporter != NULL;
	message.u.key.lower = engine->node.config.lower;
	copy->untold |= !copy_send(engine, &message);
	sodium_memzero(&message, sizeof(message));
}

void copy_follow(struct engine *engine)
{
	if (engine->copy.fd < 0)
		return;
	engine->copy.untold = false;
	copy_tell_self(engine);
	copy_tell_key(engine);
	engine->copy.told = !engine->copy.untold; /* else all of it again at the next wake */
}

/* ---- what it says ---- */

/* The node asks for no more than it must know: what did not change is not said. */
static void copy_feed(struct engine *engine, const struct sync_report *report)
{
	const struct node *node = &engine->node;
	struct node_event event = {.type = EV_COPY};

	if (!node->config.paired)
		return;
	event.copy.whole = node->whole_copy || report->whole;
	event.copy.in_sync = report->in_sync_known ? report->in_sync : node->in_sync;
	event.copy.lineage = report->lineage;
	if (event.copy.whole == node->whole_copy && event.copy.in_sync == node->in_sync &&
	    memcmp(&event.copy.lineage, &node->lineage, sizeof(event.copy.lineage)) == 0)
		return;
	engine_feed(engine, &event);
}

/* What goes into the history beside what the node says. */
static void copy_events(struct engine *engine, const struct sync_report *report)
{
	const struct sync_report *before = &engine->copy.report;
	char reason[SYNC_REASON_MAX + 1];

	memcpy(reason, report->reason, sizeof(reason));
	reason[SYNC_REASON_MAX] = '\0';
	/* Once, not at each of the attempts that follow, and not as often as a syncer may say so. */
	if (report->state == SYNC_ERROR && !engine->copy.failed &&
	    engine->now - engine->copy.failed_at >= COPY_EVENTS) {
		engine->copy.failed_at = engine->now;
		act_report(engine, EVENT_SYNC_FAILED, reason, 0);
	}
	if (report->state == SYNC_ERROR || report->state == SYNC_SYNCED)
		engine->copy.failed = report->state == SYNC_ERROR;
	if (report->conflicts > before->conflicts && engine->copy.reported)
		act_report(engine, EVENT_SETTINGS_KEPT, "",
			   (uint32_t)(report->conflicts - before->conflicts));
}

static bool copy_report_valid(const struct sync_report *report)
{
	const bool *flag[] = {&report->whole,    &report->in_sync,  &report->in_sync_known,
			      &report->busy,     &report->scanning, &report->blind,
			      &report->confined, &report->up,       &report->aes};

	for (unsigned i = 0; i < sizeof(flag) / sizeof(flag[0]); i++)
		if (!ipc_bool_valid(flag[i]))
			return false;
	return report->state < SYNC_STATE_N && report->side <= SYNC_SIDE_FOLLOWS &&
	       report->phase < SYNC_PHASE_N && report->lineage.term <= MSG_TERM_MAX;
}

static int copy_report(struct engine *engine, const struct ipc_message *message)
{
	struct copy *copy = &engine->copy;

	if (!copy_report_valid(&message->u.report))
		return -EPROTO;
	copy_events(engine, &message->u.report);
	copy->report = message->u.report;
	copy->report.reason[SYNC_REASON_MAX] = '\0';
	copy->reported = true;
	copy_feed(engine, &copy->report);
	return 0;
}

/* Was it asked for? Nobody else's request is the syncer's to answer. number 0: a free one. */
static struct copy_wait *copy_wait(struct engine *engine, uint32_t number)
{
	for (unsigned i = 0; i < COPY_WAITS_MAX; i++)
		if (engine->copy.wait[i].number == number)
			return &engine->copy.wait[i];
	return NULL;
}

/* Whoever waited for it is answered; a swap does what it can do now. */
static void copy_answer(struct engine *engine, struct copy_wait *wait, enum control_result result,
			const char *text)
{
	const struct copy_wait was = *wait;

	*wait = (struct copy_wait){0};
	if (was.swap)
		serve_swap(engine, was.number);
	else
		control_answer(&engine->control, was.number, result, text);
}

static void copy_done(struct engine *engine, const struct ipc_message *message)
{
	struct copy_wait *wait = copy_wait(engine, message->u.sync.number);
	char text[CONTROL_TEXT_MAX];

	if (message->u.sync.number == 0 || wait == NULL)
		return;
	if (message->u.sync.ok)
		snprintf(text, sizeof(text), "%s",
			 message->u.sync.compare ? "both appliances have the same settings"
						 : "the passive appliance has all settings");
	else
		snprintf(text, sizeof(text), "%.*s", (int)sizeof(message->u.sync.reason) - 1,
			 message->u.sync.reason);
	copy_answer(engine, wait, message->u.sync.ok ? CONTROL_DONE : CONTROL_REFUSED, text);
}

/* settings-applied is of no section, and in no dump. */
static bool copy_is_applied(const struct ipc_message *message)
{
	return message->u.run.section == IPC_RUN_APPLIED;
}

static struct dump_sync_command *copy_command(struct engine *engine,
					      const struct ipc_message *message)
{
	struct dump_sync_section *section = &engine->copy.section[message->u.run.section];

	return message->u.run.import ? &section->import : &section->export;
}

static void copy_running(struct engine *engine, const struct ipc_message *message)
{
	if (copy_is_applied(message)) {
		engine->copy.applying = true;
		engine->copy.applied_number = message->u.run.number;
		return;
	}
	copy_command(engine, message)->running = true;
	engine->copy.run_number[message->u.run.section][message->u.run.import] =
		message->u.run.number;
}

/* To the steward, who runs what the configuration says, and nothing else that is named here. */
static int copy_run(struct engine *engine, const struct ipc_message *message)
{
	struct ipc_message ran = *message;

	if (!settings_valid(&engine->config, message))
		return -EPROTO;
	if (engine->steward >= 0 && ipc_send(engine->steward, message) == 0) {
		copy_running(engine, message);
		return 0;
	}
	ran.type = IPC_RAN;
	ran.u.run.outcome = COMMAND_UNSTARTED;
	ran.u.run.status = -EPIPE;
	copy_send(engine, &ran);
	return 0;
}

static void copy_note(struct dump_sync_command *command, const struct ipc_message *message)
{
	command->running = false;
	command->last = (enum command_outcome)message->u.run.outcome;
	command->status = message->u.run.status;
	command->took_ms = message->u.run.took_ms;
	command->runs++;
	command->bad += command->last != COMMAND_PASSED;
	command->ended_ns = act_realtime();
	memcpy(command->output, message->u.run.output, sizeof(command->output));
	command->output[sizeof(command->output) - 1] = '\0';
}

void copy_ran(struct engine *engine, const struct ipc_message *message)
{
	bool applied = copy_is_applied(message), news = true;

	if (!settings_possible(message) || message->u.run.outcome >= COMMAND_OUTCOME_N)
		engine_fatal("steward", -EPROTO);
	if (!settings_valid(&engine->config, message))
		return; /* of a section that is no more */
	if (applied) {
		engine->copy.applying = false;
	} else {
		news = copy_command(engine, message)->last != message->u.run.outcome;
		copy_note(copy_command(engine, message), message);
	}
	/* Once, not at each of the attempts that follow. */
	if (message->u.run.outcome != COMMAND_PASSED && news)
		act_report(engine, EVENT_SETTINGS_COMMAND, settings_name(message),
			   applied ? 0 : message->u.run.section);
	if (engine->copy.fd >= 0)
		copy_send(engine, message);
}

/* What it was to run has not run, as far as anybody will ever know. */
void copy_steward_gone(struct engine *engine)
{
	struct ipc_message ran = {.type = IPC_RAN};

	ran.u.run.outcome = COMMAND_UNSTARTED;
	ran.u.run.status = -EPIPE;
	for (unsigned i = 0; i < 2 * engine->config.settings_n; i++) {
		ran.u.run.section = (uint8_t)(i / 2);
		ran.u.run.import = i % 2 != 0;
		ran.u.run.number = engine->copy.run_number[i / 2][i % 2];
		if (copy_command(engine, &ran)->running)
			copy_ran(engine, &ran);
	}
	ran.u.run.section = IPC_RUN_APPLIED;
	ran.u.run.import = true;
	ran.u.run.number = engine->copy.applied_number;
	if (engine->copy.applying)
		copy_ran(engine, &ran);
}

static void copy_gone(struct engine *engine)
{
	loop_remove(&engine->loop, engine->copy.fd);
	close(engine->copy.fd);
	engine->copy.fd = -1;
	engine->copy.told = false;
	engine->copy.reported = false;
	for (unsigned i = 0; i < COPY_WAITS_MAX; i++)
		if (engine->copy.wait[i].number != 0)
			copy_answer(engine, &engine->copy.wait[i], CONTROL_ERROR,
				    "the process that syncs the settings has ended: ask again");
}

static void copy_ready(void *arg, uint32_t events)
{
	struct engine *engine = arg;
	struct ipc_message message;
	int got = 0;

	(void)events;
	/* Some, then others have their turn: this process must not be kept busy by that one. */
	for (unsigned i = 0; i < COPY_MESSAGES_MAX && engine->copy.fd >= 0; i++) {
		got = ipc_receive(engine->copy.fd, &message, NULL);
		if (got <= 0)
			break;
		if (!engine->running)
			continue; /* it says it again */
		if (message.type == IPC_SYNC_REPORT)
			got = copy_report(engine, &message);
		else if (message.type == IPC_SYNC_DONE)
			copy_done(engine, &message);
		else if (message.type == IPC_RUN)
			got = copy_run(engine, &message);
		else
			got = -EPROTO;
		if (got < 0)
			break;
	}
	/* Whatever it sends, it cannot end this process: the guardian starts it anew. */
	if (got < 0)
		copy_gone(engine);
}

/* What the old one still has to say, and what comes of what it asked for, is of another configuration. */
void copy_close(struct engine *engine)
{
	if (engine->copy.fd >= 0)
		copy_gone(engine);
	memset(engine->copy.section, 0, sizeof(engine->copy.section));
	memset(engine->copy.run_number, 0, sizeof(engine->copy.run_number));
	engine->copy.applying = false;
	engine->copy.report = (struct sync_report){0};
	engine->copy.reported = false;
}

int copy_open(struct engine *engine, int fd)
{
	if (engine->copy.fd >= 0)
		copy_gone(engine);
	if (loop_add(&engine->loop, fd, copy_ready, engine) != 0)
		return -ENOSPC;
	engine->copy.fd = fd;
	return 0;
}

/* ---- who asks ---- */

/* A commit is being written: who became active does not process on half of it, but not for ever. */
bool copy_is_waited_for(struct engine *engine)
{
	struct copy *copy = &engine->copy;

	if (!copy_is_configured(engine) || !copy->report.busy) {
		copy->waited_since = 0;
		return false;
	}
	if (copy->waited_since == 0)
		copy->waited_since = engine->now;
	return engine->now - copy->waited_since < COPY_PATIENCE;
}

/* Without settings, or without a pair, there is nothing to copy: it is whole. */
void copy_begin(struct engine *engine)
{
	struct node_event copy = {.type = EV_COPY, .copy = {.whole = true, .in_sync = true}};

	if (engine->node.config.paired && !copy_is_configured(engine))
		engine_feed(engine, &copy);
}

static bool copy_ask(struct engine *engine, bool compare, ha_time until,
		     const struct copy_wait *who)
{
	struct ipc_message message = {.type = IPC_SYNC};
	struct copy_wait *wait = copy_wait(engine, 0);

	message.u.sync.number = who->number;
	message.u.sync.compare = compare;
	message.u.sync.until = until;
	if (wait == NULL || engine->copy.fd < 0 || ipc_send(engine->copy.fd, &message) != 0)
		return false;
	*wait = *who;
	return true;
}

bool copy_start(struct engine *engine, bool compare, ha_time until, uint32_t number,
		struct control_answer *answer)
{
	answer->result = CONTROL_REFUSED;
	if (!copy_is_configured(engine)) {
		snprintf(answer->text, sizeof(answer->text),
			 "no settings are configured: there is nothing to sync");
		return true;
	}
	if (!compare && !copy_holds(engine)) {
		serve_refusal(engine, REFUSED_NOT_ACTIVE, answer->text);
		return true;
	}
	if (copy_ask(engine, compare, until, &(struct copy_wait){.number = number}))
		return false;
	snprintf(answer->text, sizeof(answer->text),
		 "the process that syncs the settings does not answer: try again");
	return true;
}

/* Where nothing can be on its way the node says at once what there is to say. */
bool copy_settle(struct engine *engine, uint32_t number)
{
	const struct copy_wait who = {.number = number, .swap = true};

	return copy_is_configured(engine) && copy_holds(engine) && engine->copy.report.up &&
	       !engine->mismatch && node_peer_ready(&engine->node, engine->now) &&
	       copy_ask(engine, false, engine_now(engine) + COPY_SETTLE, &who);
}

/* ---- for the dump ---- */

static enum dump_sync_status copy_status(const struct engine *engine)
{
	static const enum dump_sync_status status[SYNC_STATE_N] = {
		[SYNC_NOTHING] = DUMP_SYNC_NONE,    [SYNC_NOT_STARTED] = DUMP_SYNC_NOT_STARTED,
		[SYNC_SYNCING] = DUMP_SYNC_SYNCING, [SYNC_SYNCED] = DUMP_SYNC_SYNCED,
		[SYNC_OUT_OF_SYNC] = DUMP_SYNC_OUT, [SYNC_ERROR] = DUMP_SYNC_ERROR,
		[SYNC_PAUSED] = DUMP_SYNC_PAUSED,
	};

	return status[engine->copy.report.state];
}

static void copy_progress(const struct sync_report *r, struct dump_sync *out)
{
	out->phase = (enum sync_phase)r->phase;
	out->files = r->files;
	out->files_total = r->files_total;
	out->bytes = r->bytes;
	out->bytes_total = r->bytes_total;
	out->rate_bytes_per_s = r->rate;
	out->left_s = -1;
	if (r->bytes_total > 0 && r->bytes <= r->bytes_total)
		out->percent = (unsigned)((double)r->bytes * 100 / (double)r->bytes_total);
	if (out->status == DUMP_SYNC_SYNCED)
		out->percent = 100;
	if (r->rate > 0 && r->bytes <= r->bytes_total)
		out->left_s = (int64_t)((r->bytes_total - r->bytes) / r->rate);
}

static void copy_trees(const struct sync_report *r, struct dump_sync *out)
{
	out->skipped = r->skipped;
	out->unreadable = r->unreadable;
	out->conflicts = r->conflicts;
	memcpy(out->example, r->example, sizeof(out->example));
	out->example[sizeof(out->example) - 1] = '\0';
	out->entries = r->entries;
	out->tree_bytes = r->tree_bytes;
	out->memory_bytes = r->memory;
	out->watches = r->watches;
	out->scanning = r->scanning;
	out->stream = (struct dump_sync_stream){
		.up = r->up,
		.aes = r->aes,
		.mtu = r->mtu,
		.rtt = r->rtt,
		.frames_sent = r->frames_sent,
		.frames_received = r->frames_received,
		.bytes_sent = r->bytes_sent,
		.bytes_received = r->bytes_received,
		.repeats = r->repeats,
		.timeouts = r->timeouts,
	};
}

void copy_view(const struct engine *engine, const struct dump_view *view, struct dump_sync *out)
{
	const struct copy *copy = &engine->copy;
	const struct sync_report *r = &copy->report;

	dump_sync_of(view, out);
	for (unsigned i = 0; i < engine->config.settings_n; i++) {
		bool exports = out->section[i].export.configured,
		     imports = out->section[i].import.configured;

		out->section[i].export = copy->section[i].export;
		out->section[i].import = copy->section[i].import;
		out->section[i].export.configured = exports;
		out->section[i].import.configured = imports;
	}
	if (!copy_is_configured(engine) || !engine->node.config.paired)
		return;
	if (!copy->reported) {
		out->status = DUMP_SYNC_ERROR;
		snprintf(out->reason, sizeof(out->reason), "the process that syncs is not running");
		return;
	}
	out->status = copy_status(engine);
	out->direction = r->side == SYNC_SIDE_LEADS     ? DUMP_SYNC_SENDS
			 : r->side == SYNC_SIDE_FOLLOWS ? DUMP_SYNC_RECEIVES
							: DUMP_SYNC_NEITHER;
	if (out->status == DUMP_SYNC_NOT_STARTED && !r->up &&
	    node_peer_audible(&engine->node, engine->now))
		snprintf(out->reason, sizeof(out->reason),
			 "the other appliance's settings are not heard of: are any configured "
			 "there?");
	if (out->reason[0] == '\0' || r->reason[0] != '\0') {
		memcpy(out->reason, r->reason, sizeof(r->reason));
		out->reason[sizeof(r->reason) - 1] = '\0';
	}
	out->generation = (struct lineage_point){r->lineage.term, r->lineage.number};
	memcpy(out->digest, r->lineage.digest, sizeof(out->digest));
	out->peer_generation = r->peer;
	out->lag = r->lag;
	out->lag_bytes = r->lag_bytes;
	out->synced_ns = r->synced_ns;
	copy_progress(r, out);
	copy_trees(r, out);
}
