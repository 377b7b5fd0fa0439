/* syncer.c - the loop, and what the other processes say. See syncer.h. */
#include "agent/sync/syncer.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/sync/fault.h"
#include "agent/sync/syncer_state.h"
#include "agent/text.h"

static ha_time earlier(ha_time a, ha_time b)
{
	return a < b ? a : b;
}

uint8_t syncer_section(const struct syncer *s, uint8_t root)
{
	for (unsigned i = 0; i < s->config.settings_n; i++) {
		const struct config_settings *section = &s->config.settings[i];

		if (root >= section->path_first && root < section->path_first + section->path_n)
			return (uint8_t)i;
	}
	return 0;
}

/* ---- the machine ---- */

static void feed_one(struct syncer *s, struct sync_event *event)
{
	struct sync_actions actions;
	char reason[SYNC_REASON_MAX + 1];

	/* It may have the name of a file in it, and goes to the other side as text. */
	memcpy(reason, event->reason, sizeof(reason));
	text_head(event->reason, sizeof(event->reason), reason, strnlen(reason, SYNC_REASON_MAX));
	event->now = loop_now();
	if (event->now < s->sync.now)
		event->now = s->sync.now;
	sync_step(&s->sync, event, &actions);
	carry_out(s, &actions);
}

void syncer_feed(struct syncer *s, struct sync_event *event)
{
	if (s->feeding) {
		if (s->event_n == SYNCER_EVENTS_MAX)
			s->done = true; /* it would go wrong: a start is better */
		else
			s->event[s->event_n++] = *event;
		return;
	}
	s->feeding = true;
	feed_one(s, event);
	for (unsigned i = 0; i < s->event_n; i++)
		feed_one(s, &s->event[i]);
	s->event_n = 0;
	s->feeding = false;
}

/* ---- the stream ---- */

static void feed_type(struct syncer *s, enum sync_event_type type)
{
	struct sync_event event = {.type = type};

	syncer_feed(s, &event);
}

static void on_up(void *arg)
{
	feed_type(arg, SYNC_EV_UP);
}

static void on_down(void *arg)
{
	struct syncer *s = arg;

	give_stop(s);
	take_stop(s);
	feed_type(s, SYNC_EV_DOWN);
}

static bool on_control(struct syncer *s, enum sync_record_type type, const uint8_t *body,
		       size_t len)
{
	struct sync_event event = {0};
	struct sync_begin begin;
	struct sync_pull pull;
	bool good = true;

	switch (type) {
	case SYNC_HEAD:
		event.type = SYNC_EV_HEAD;
		good = sync_decode_head(body, len, &event.head);
		break;
	case SYNC_PULL:
		event.type = SYNC_EV_PULL;
		good = sync_decode_pull(body, len, &pull);
		give_forget(s);
		event.since = pull.since;
		break;
	case SYNC_BEGIN:
		event.type = SYNC_EV_BEGIN;
		good = sync_decode_begin(body, len, &begin);
		event.full = begin.full;
		event.since = begin.since;
		break;
	case SYNC_END:
		event.type = SYNC_EV_END;
		good = sync_decode_end(body, len, &event.end);
		break;
	case SYNC_STATUS:
		event.type = SYNC_EV_STATUS;
		good = sync_decode_status(body, len, &event.status);
		break;
	case SYNC_COMPARE:
		event.type = SYNC_EV_COMPARE;
		break;
	default:
		return false;
	}
	if (!good)
		return false;
	syncer_feed(s, &event);
	if (type == SYNC_END)
		take_end(s);
	return true;
}

static bool on_record(void *arg, enum sync_record_type type, const uint8_t *body, size_t len)
{
	struct syncer *s = arg;

	switch (type) {
	case SYNC_ENTRY:
		return take_entry(s, body, len);
	case SYNC_BLOCK:
		return take_block(s, body, len);
	case SYNC_DONE:
		return take_done(s, body, len);
	case SYNC_WANT:
		return give_wanted(s, body, len);
	default:
		return on_control(s, type, body, len);
	}
}

static size_t on_fill(void *arg, uint8_t *out, size_t cap)
{
	return give_fill(arg, out, cap);
}

/* ---- the engine ---- */

bool syncer_run(struct syncer *s, unsigned section, bool import, uint32_t number)
{
	struct ipc_message message = {.type = IPC_RUN};

	message.u.run.section = (uint8_t)section;
	message.u.run.import = import;
	message.u.run.number = number;
	return s->engine >= 0 && s->self_known && ipc_send(s->engine, &message) == 0;
}

static void on_self(struct syncer *s, const struct ipc_message *message)
{
	struct sync_event event = {.type = SYNC_EV_SELF};
	bool held = s->self.holds;

	s->self_known = true;
	s->self.paired = message->u.self.paired;
	s->self.holds = message->u.self.holds;
	s->self.whole = message->u.self.whole;
	s->self.paused = message->u.self.paused;
	s->self.peer_heard = message->u.self.peer_heard;
	s->self.term = message->u.self.term;
	if (held != s->self.holds)
		settle_role(s);
	event.self = s->self;
	syncer_feed(s, &event);
	syncer_report(s, true);
}

static void on_request(struct syncer *s, const struct ipc_message *message)
{
	struct sync_event event = {
		.type = message->u.sync.compare ? SYNC_EV_FORCE : SYNC_EV_BARRIER,
		.request = message->u.sync.number,
		.until = message->u.sync.until,
	};

	syncer_feed(s, &event);
}

static void engine_gone(struct syncer *s)
{
	loop_remove(&s->loop, s->engine);
	close(s->engine);
	s->engine = -1;
	s->self_known = false;
	/* A new one comes soon. If none does, the old one wants no more of this process. */
	s->alone_until = loop_now() + SYNCER_ALONE;
	errand_forget(s);
}

static void on_engine(void *arg, uint32_t events)
{
	struct syncer *s = arg;
	struct ipc_message message;
	int got = 0;

	(void)events;
	while (s->engine >= 0 && (got = ipc_receive(s->engine, &message, NULL)) > 0) {
		if (message.type == IPC_SELF)
			on_self(s, &message);
		else if (message.type == IPC_KEY)
			bulk_key(s->bulk, message.u.key.valid ? message.u.key.exporter : NULL,
				 message.u.key.lower);
		else if (message.type == IPC_SYNC)
			on_request(s, &message);
		else if (message.type == IPC_RAN)
			errand_ran(s, &message);
		else
			got = -EPROTO;
		if (got < 0)
			break;
	}
	sodium_memzero(&message, sizeof(message)); /* it may have held the key */
	if (got == -EPROTO)
		s->done = true;
	else if (got < 0)
		engine_gone(s);
}

static int connect_engine(struct syncer *s, int fd)
{
	if (s->engine >= 0)
		engine_gone(s);
	s->engine = fd;
	s->alone_until = HA_NEVER;
	s->reported = false;
	return loop_add(&s->loop, fd, on_engine, s);
}

/* ---- the guardian ---- */

static void on_guardian(void *arg, uint32_t events)
{
	struct syncer *s = arg;
	struct ipc_message message;
	int fd = -1, got;

	(void)events;
	while ((got = ipc_receive(s->guardian, &message, &fd)) > 0)
		if (message.type != IPC_ENGINE || fd < 0 || connect_engine(s, fd) != 0)
			s->done = true;
	if (got < 0)
		s->done = true;
}

/* Also while a commit keeps this process from its loop. */
void syncer_breathe(void *arg)
{
	const struct ipc_message alive = {.type = IPC_ALIVE};
	struct syncer *s = arg;
	ha_time now = loop_now();

	if (now < s->alive_at)
		return;
	s->alive_at = now + SYNCER_ALIVE_EVERY;
	(void)ipc_send(s->guardian, &alive);
}

/* ---- the loop ---- */

static void on_timer(void *arg, ha_time now)
{
	struct syncer *s = arg;

	syncer_breathe(s);
	bulk_timer(s->bulk, now);
	settle_timer(s, now);
	errand_timer(s, now);
	carry_timer(s, now);
	if (now >= sync_deadline(&s->sync))
		feed_type(s, SYNC_EV_TIMER);
	index_timer(s, now);
	if (now >= s->alone_until)
		s->done = true;
}

static ha_time deadline(const struct syncer *s)
{
	ha_time at = earlier(bulk_deadline(s->bulk), sync_deadline(&s->sync));

	at = earlier(at, settle_deadline(s));
	at = earlier(at, s->alive_at);
	at = earlier(at, s->save_at);
	at = earlier(at, s->alone_until);
	if (s->engine >= 0)
		at = earlier(at, scan_busy(s->scan) || s->planning ? s->report_at
								   : s->reported_at + HA_SEC);
	at = earlier(at, errand_deadline(s));
	if (s->recover)
		at = earlier(at, s->recover_at);
	return at;
}

static void after(struct syncer *s)
{
	settle_after(s);
	take_after(s);
	index_after(s);
	syncer_report(s, false);
	loop_arm(&s->loop, deadline(s));
}

/* ---- start ---- */

static int open_parts(struct syncer *s)
{
	const struct plan_config plan = {
		.roots = &s->roots,
		.state = s->state,
		.digest = &s->digest,
		.tree = s->tree,
		.breathe = syncer_breathe,
		.record = carry_record,
		.arg = s,
	};
	struct bulk_config bulk = {
		.direct = s->config.link_direct,
		.loop = &s->loop,
		.arg = s,
		.up = on_up,
		.down = on_down,
		.record = on_record,
		.fill = on_fill,
	};
	int error = plan_open(&s->plan, &plan);

	memcpy(bulk.ifname, s->config.link, sizeof(bulk.ifname));
	if (error == 0)
		(void)carry_recover(s);
	fault_point("recovered");
	if (error == 0)
		error = bulk_open(&s->bulk, &bulk);
	if (error == 0)
		error = settle_open(s);
	return error;
}

static int prepare(struct syncer *s)
{
	int error = start_open(s);

	if (error == 0)
		error = loop_init(&s->loop, on_timer, s);
	if (error == 0)
		error = open_parts(s);
	if (error != 0)
		return error;
	sync_init(&s->sync, &s->ledger.lineage, loop_now());
	return loop_add(&s->loop, s->guardian, on_guardian, s);
}

int syncer_main(void)
{
	static struct syncer s = {.guardian = IPC_FD_GUARDIAN, .engine = -1, .file = {.fd = -1}};
	int error;

	prctl(PR_SET_NAME, "ha-syncer", 0, 0, 0);
	log_open("syncer");
	umask(0); /* whatever is made has the mode that it is to have */
	/* The guardian alone decides when it is time to go. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	error = prepare(&s);
	if (error == 0)
		error = connect_engine(&s, IPC_FD_PEER);
	if (error != 0) {
		log_event(LOG_CRIT, "prepare", "error=%s", strerror(-error));
		return 1;
	}
	s.scrub_at = loop_now() + s.config.sync_scrub;
	while (!s.done) {
		after(&s);
		if (loop_run_once(&s.loop) != 0)
			break;
	}
	index_wait(&s);
	bulk_close(s.bulk);
	digest_close(&s.digest);
	return s.status;
}
