/* steward.c - see steward.h. */
#include "agent/steward.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "agent/addresses.h"
#include "agent/flight.h"
#include "agent/ipc.h"
#include "agent/log.h"
#include "agent/loop.h"
#include "agent/privileges.h"
#include "agent/runtime.h"
#include "agent/sealed.h"
#include "agent/services.h"
#include "agent/text.h"

enum {
	MESSAGES_MAX = 1024, /* of the engine at a stretch: more than a queue can hold */
	SEND_WAIT_MS = 1000,
};

#define HISTORY_EVERY (200 * HA_MS)
#define ALIVE_EVERY   HA_SEC

struct steward {
	struct config config;
	struct store store;
	int store_error;  /* the directory cannot be used */
	int record_error; /* the record could not be read: it is left as it is */
	struct store_record record;
	struct loop loop;
	struct services services;
	struct flight flight;
	int engine;    /* -1: none */
	bool greeted;  /* it has said IPC_HELLO, which counts once */
	bool settled;  /* it has the record and the history: now or from the steward before */
	bool told_any; /* which addresses count, as the guardian knows it: */
	bool told_recorded;
	struct addresses told;
	struct steward_history history;
	ha_time history_at; /* when it is to be written; HA_NEVER: it is */
	ha_time alive_at;   /* when the guardian is to hear from here */
	bool done;
	int status;
};

void steward_fresh_record(struct store_record *record, const struct config *config)
{
	memset(record, 0, sizeof(*record));
	record->mode = config->vip_n > 0 ? HA_MODE_PRIMARY_ACTIVE : HA_MODE_STANDALONE;
	record->whole_copy = true; /* its settings are the settings */
}

static bool former_valid(const struct store_former *former)
{
	return former->why < PARTING_N && text_valid(former->name, sizeof(former->name));
}

bool steward_record_valid(const struct store_record *record)
{
	if (record->mode >= HA_MODE_N || record->parting >= PARTING_N ||
	    record->suspended_until < 0 || !ipc_bool_valid(&record->paired) ||
	    !ipc_bool_valid(&record->suspended) || !ipc_bool_valid(&record->whole_copy) ||
	    !ipc_bool_valid(&record->in_sync) || !ipc_bool_valid(&record->detached) ||
	    !ipc_bool_valid(&record->vip_set) || !store_terms_valid(record))
		return false;
	for (unsigned i = 0; i < HA_VIP_MAX; i++) {
		uint8_t family = record->vip[i].family;

		if (family != HA_FAMILY_NONE && family != HA_IPV4 && family != HA_IPV6)
			return false;
	}
	for (unsigned i = 0; i < STORE_FORMER_MAX; i++)
		if (!former_valid(&record->former[i]))
			return false;
	return text_valid(record->peer_name, sizeof(record->peer_name));
}

bool steward_event_valid(const struct store_event *event)
{
	return event->event > EVENT_NONE && event->event < EVENT_CODE_N &&
	       event->from < HA_STATE_N && event->to < HA_STATE_N && event->reason < REASON_N;
}

void steward_history_append(struct steward_history *history, const struct store_event *event)
{
	unsigned at = (history->first + history->n) % STORE_HISTORY_MAX;

	history->event[at] = *event;
	if (history->n < STORE_HISTORY_MAX)
		history->n++;
	else
		history->first = (history->first + 1) % STORE_HISTORY_MAX;
}

const struct store_event *steward_history_at(const struct steward_history *history, unsigned i)
{
	assert(i < history->n);
	return &history->event[(history->first + i) % STORE_HISTORY_MAX];
}

static void give_up(struct steward *steward, const char *why)
{
	log_event(LOG_ERR, "give_up", "why=%s", why);
	steward->done = true;
	steward->status = 1;
}

/* Unlike the others this process may wait: the engine's queue can be full of history. */
static int send_patiently(int fd, const struct ipc_message *message)
{
	struct pollfd room = {.fd = fd, .events = POLLOUT};
	int error;

	while ((error = ipc_send(fd, message)) == -EAGAIN)
		if (poll(&room, 1, SEND_WAIT_MS) == 0)
			break;
	return error;
}

/* The guardian takes the configured addresses while those of the record do not count. */
static void tell_addresses(struct steward *steward)
{
	struct ipc_message message = {.type = IPC_VIPS};
	bool recorded = addresses_are_recorded(&steward->record, &steward->config);
	struct addresses addresses;

	addresses_of(&steward->record, &steward->config, &addresses);
	if (steward->told_any && recorded == steward->told_recorded &&
	    addresses_same(&steward->told, addresses.vip, addresses.n))
		return;
	message.u.vips.recorded = recorded;
	message.u.vips.n = addresses.n;
	memcpy(message.u.vips.vip, addresses.vip, sizeof(addresses.vip));
	steward->told = addresses;
	steward->told_recorded = recorded;
	steward->told_any = true;
	if (send_patiently(IPC_FD_GUARDIAN, &message) != 0)
		give_up(steward, "guardian reads nothing");
}

static void read_record(struct steward *steward)
{
	int error = steward->store_error;

	if (error == 0)
		error = store_read_record(&steward->store, &steward->record);
	if (error == -ENOENT) {
		steward_fresh_record(&steward->record, &steward->config);
		error = 0;
	}
	steward->record_error = error;
	if (error != 0) {
		log_event(LOG_CRIT, "record_unreadable", "file=%s/cluster error=%s remedy=%s",
			  steward->config.state_directory, store_error(error),
			  "this node holds nothing until the file is restored, or removed "
			  "and the pair joined anew");
		memset(&steward->record, 0, sizeof(steward->record));
	}
}

/* Counts this start. 0 when it is on disk. */
static int count_boot(struct steward *steward)
{
	if (steward->record_error != 0) {
		/* It has to rise all the same: no count of starts comes near the seconds since
		 * 1970. */
		steward->record.boot = (uint64_t)time(NULL);
		return steward->record_error;
	}
	steward->record.boot++;
	return store_write_record(&steward->store, &steward->record);
}

static int send_history(struct steward *steward)
{
	struct ipc_message message = {.type = IPC_HISTORY};
	int error = 0;

	for (unsigned i = 0; i < steward->history.n && error == 0; i++) {
		message.u.event = *steward_history_at(&steward->history, i);
		error = send_patiently(steward->engine, &message);
	}
	if (error != 0)
		return error;
	memset(&message.u.event, 0, sizeof(message.u.event));
	return send_patiently(steward->engine, &message);
}

static void disconnect_engine(struct steward *steward)
{
	loop_remove(&steward->loop, steward->engine);
	close(steward->engine);
	steward->engine = -1;
	services_forget(&steward->services);
}

/* Gone: a new one will come from the guardian. There, but it reads nothing: only a new steward gets
 * a new connection to it. */
static void engine_lost(struct steward *steward, int error)
{
	disconnect_engine(steward);
	if (error == -EAGAIN)
		give_up(steward, "engine reads nothing");
}

/* Of the services, for whoever wants to know. */
static void tell_engine(void *arg, const struct ipc_message *message)
{
	struct steward *steward = arg;
	int error;

	if (steward->engine < 0 || !steward->settled)
		return;
	error = send_patiently(steward->engine, message);
	if (error != 0)
		engine_lost(steward, error);
}

/* It wants the checks behind the history, or at once where another steward has told it that. */
static void settle(struct steward *steward)
{
	if (steward->settled || steward->engine < 0)
		return;
	steward->settled = true;
	services_report(&steward->services);
}

static void on_hello(struct steward *steward)
{
	struct ipc_message message = {.type = IPC_RECORD};
	int key_error = steward->store_error, error;

	steward->greeted = true;
	message.error = count_boot(steward);
	message.u.record.record = steward->record;
	if (key_error == 0)
		key_error =
			store_key(&steward->store, !steward->record.paired, &message.u.record.key);
	if (key_error != 0)
		log_event(LOG_CRIT, "key_unreadable", "file=%s/key error=%s",
			  steward->config.state_directory, store_error(key_error));
	if (message.error == 0)
		message.error = key_error;
	if (message.error != 0)
		log_event(LOG_ERR, "boot", "boot=%llu error=%s",
			  (unsigned long long)steward->record.boot, store_error(message.error));
	error = send_patiently(steward->engine, &message);
	if (error == 0)
		error = send_history(steward);
	if (error != 0)
		engine_lost(steward, error);
	explicit_bzero(&message, sizeof(message));
	tell_addresses(steward);
	settle(steward);
}

/* Writes the newest of what was asked for. What could not be written is not known here either: the next
 * engine is told what is on the disk. */
static int save(struct steward *steward, const struct store_record *record)
{
	struct store_record written = *record;
	int error = steward->record_error;

	if (error == 0) {
		written.boot = steward->record.boot; /* the count is this process's */
		error = store_write_record(&steward->store, &written);
		if (error == 0)
			steward->record = written;
		else
			log_event(LOG_ERR, "save", "file=%s/cluster error=%s",
				  steward->config.state_directory, store_error(error));
	}
	explicit_bzero(&written, sizeof(written));
	if (error == 0)
		tell_addresses(steward);
	return error;
}

static void on_event(struct steward *steward, const struct store_event *event)
{
	struct store_event kept = *event;

	text_head(kept.subject, sizeof(kept.subject), event->subject,
		  strnlen(event->subject, sizeof(event->subject)));
	steward_history_append(&steward->history, &kept);
	if (steward->history_at == HA_NEVER)
		steward->history_at = loop_now() + HISTORY_EVERY;
}

/* What the engine asked to be saved, and has not been answered yet. */
struct saves {
	struct store_record newest;
	uint64_t number[MESSAGES_MAX];
	unsigned n;
};

/* All that wait are covered by writing the newest; each is answered. 0 if it is on disk. */
static int answer_saves(struct steward *steward, struct saves *saves)
{
	struct ipc_message answer = {.type = IPC_SAVED};
	int error = 0;

	if (saves->n == 0)
		return 0;
	answer.error = save(steward, &saves->newest);
	for (unsigned i = 0; i < saves->n && error == 0 && steward->engine >= 0; i++) {
		answer.u.record.number = saves->number[i];
		error = send_patiently(steward->engine, &answer);
	}
	saves->n = 0;
	if (error != 0 && steward->engine >= 0)
		engine_lost(steward, error);
	return answer.error;
}

/* What it rests on came before it, and has to be on disk before a hook runs. A hook that never runs would be
 * worse than one that runs too early. */
static void on_role(struct steward *steward, struct saves *saves,
		    const struct hook_occasion *occasion)
{
	int error = answer_saves(steward, saves);

	if (error != 0)
		log_event(LOG_ERR, "hook_unsaved", "role=%s error=%s",
			  node_role_name((enum node_role)occasion->role), store_error(error));
	services_role(&steward->services, occasion, loop_now());
}

/* Whoever asks for it has the record, and is told what becomes of it. */
static void on_run(struct steward *steward, const struct ipc_message *message)
{
	settle(steward);
	services_run(&steward->services, message, loop_now());
}

/* False: it is no message of an engine. */
static bool on_message(struct steward *steward, const struct ipc_message *message,
		       struct saves *saves)
{
	switch (message->type) {
	case IPC_HELLO:
		if (steward->greeted)
			return false;
		on_hello(steward);
		return true;
	case IPC_EVENT:
		if (!steward_event_valid(&message->u.event))
			return false;
		on_event(steward, &message->u.event);
		flight_event(&steward->flight, &message->u.event, loop_now());
		return true;
	case IPC_SAVE:
		if (!steward_record_valid(&message->u.record.record))
			return false;
		saves->newest = message->u.record.record;
		saves->number[saves->n++] = message->u.record.number;
		return true;
	case IPC_ROLE:
		if (!hook_occasion_valid(&message->u.role))
			return false;
		on_role(steward, saves, &message->u.role);
		return true;
	case IPC_RUN:
		if (!settings_possible(message))
			return false;
		on_run(steward, message);
		return true;
	default:
		return false;
	}
}

static void on_engine(void *arg, uint32_t events)
{
	struct steward *steward = arg;
	struct ipc_message message;
	struct saves saves = {.n = 0};
	int got = 0;

	(void)events;
	for (unsigned i = 0; i < MESSAGES_MAX && steward->engine >= 0; i++) {
		got = ipc_receive(steward->engine, &message, NULL);
		if (got <= 0)
			break;
		if (!on_message(steward, &message, &saves)) {
			got = -EPROTO;
			break;
		}
		if (message.type == IPC_SAVE || message.type == IPC_ROLE)
			settle(steward);
	}
	(void)answer_saves(steward, &saves);
	explicit_bzero(&message, sizeof(message));
	explicit_bzero(&saves.newest, sizeof(saves.newest));
	if (got < 0)
		flight_death(&steward->flight, loop_now());
	if (got == -EPROTO)
		give_up(steward, "bad message from the engine");
	else if (got < 0 && steward->engine >= 0)
		disconnect_engine(steward);
}

static void connect_engine(struct steward *steward, int fd)
{
	steward->engine = fd;
	steward->greeted = steward->settled = false;
	if (loop_add(&steward->loop, fd, on_engine, steward) != 0)
		give_up(steward, "cannot watch the engine");
}

static void connect_new_engine(struct steward *steward, int fd)
{
	if (steward->engine >= 0)
		on_engine(steward, 0);
	if (steward->engine >= 0)
		disconnect_engine(steward);
	connect_engine(steward, fd);
}

/* It takes effect in place: checks and hooks have the struct before their eyes. */
static void reconfigure(struct steward *steward, int fd)
{
	static struct config was;
	int error;

	was = steward->config;
	error = sealed_read(fd, &steward->config, sizeof(steward->config));
	close(fd);
	if (error != 0) {
		give_up(steward, "no configuration from the guardian");
		return;
	}
	services_reconfigure(&steward->services, &was, loop_now());
	if (steward->greeted)
		tell_addresses(steward); /* another virtual_ip may count again */
	explicit_bzero(&was, sizeof(was));
	if (steward->settled && steward->engine >= 0)
		services_report(&steward->services);
}

/* A new engine, or another configuration. What the last engine still had to say is heard first. */
static void on_guardian(void *arg, uint32_t events)
{
	struct steward *steward = arg;
	struct ipc_message message;
	int fd = -1, got;

	(void)events;
	while ((got = ipc_receive(IPC_FD_GUARDIAN, &message, &fd)) > 0) {
		if (message.type == IPC_ENGINE && fd >= 0) {
			connect_new_engine(steward, fd);
		} else if (message.type == IPC_CONFIG && fd >= 0) {
			reconfigure(steward, fd);
		} else if (message.type == IPC_CAPTURE) {
			flight_request(&steward->flight, loop_now());
		} else {
			got = -EPROTO;
			break;
		}
	}
	if (got == -EPIPE) {
		if (steward->engine >= 0)
			on_engine(steward, 0);
		steward->done = true;
	} else if (got < 0) {
		give_up(steward, "bad message from the guardian");
	}
}

static void write_history(struct steward *steward)
{
	struct store_event event[STORE_HISTORY_MAX];
	int error;

	steward->history_at = HA_NEVER;
	if (steward->store_error != 0)
		return;
	for (unsigned i = 0; i < steward->history.n; i++)
		event[i] = *steward_history_at(&steward->history, i);
	error = store_write_history(&steward->store, event, steward->history.n);
	if (error != 0)
		log_event(LOG_ERR, "history", "file=%s/history error=%s",
			  steward->config.state_directory, store_error(error));
}

/* That this loop turns. A queue that is full is a guardian that is stopped, and will read it later. */
static void tell_alive(struct steward *steward, ha_time now)
{
	const struct ipc_message alive = {.type = IPC_ALIVE};

	if (now < steward->alive_at)
		return;
	steward->alive_at = now + ALIVE_EVERY;
	(void)ipc_send(IPC_FD_GUARDIAN, &alive);
}

static void on_timer(void *arg, ha_time now)
{
	struct steward *steward = arg;

	tell_alive(steward, now);
	if (now >= steward->history_at)
		write_history(steward);
	services_timer(&steward->services, now);
	flight_timer(&steward->flight, now);
}

static ha_time deadline(const struct steward *steward)
{
	ha_time at = services_deadline(&steward->services);

	if (flight_deadline(&steward->flight) < at)
		at = flight_deadline(&steward->flight);
	if (steward->history_at < at)
		at = steward->history_at;
	return steward->alive_at < at ? steward->alive_at : at;
}

static void read_history(struct steward *steward)
{
	int error = steward->store_error;

	if (error == 0)
		error = store_read_history(&steward->store, steward->history.event,
					   &steward->history.n);
	if (error == 0)
		return;
	steward->history.n = 0;
	if (error != -ENOENT)
		log_event(LOG_WARNING, "history", "file=%s/history error=%s",
			  steward->config.state_directory, store_error(error));
}

static int prepare(struct steward *steward)
{
	int error = runtime_config(&steward->config);

	if (error == 0)
		error = privileges_steward();
	if (error == 0)
		error = loop_init(&steward->loop, on_timer, steward);
	if (error == 0)
		error = loop_add(&steward->loop, IPC_FD_GUARDIAN, on_guardian, steward);
	return error;
}

int steward_main(void)
{
	struct steward steward = {.engine = -1, .history_at = HA_NEVER};
	int error;

	prctl(PR_SET_NAME, "ha-steward", 0, 0, 0);
	log_open("steward");
	/* The guardian alone decides when it is time to go. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	error = prepare(&steward);
	if (error != 0) {
		log_event(LOG_CRIT, "prepare", "error=%d", error);
		return 1;
	}
	steward.store_error = store_open(&steward.store, steward.config.state_directory);
	flight_init(&steward.flight, &steward.config,
		    steward.store_error == 0 ? steward.store.directory : -1, IPC_FD_RECORDED);
	read_record(&steward);
	read_history(&steward);
	tell_addresses(&steward);
	services_init(&steward.services, &steward.config, &steward.loop, tell_engine, &steward);
	connect_engine(&steward, IPC_FD_PEER);
	while (!steward.done) {
		loop_arm(&steward.loop, deadline(&steward));
		if (loop_run_once(&steward.loop) != 0)
			break;
	}
	services_close(&steward.services);
	if (steward.history_at != HA_NEVER)
		write_history(&steward);
	flight_end(&steward.flight, loop_now());
	if (steward.store_error == 0)
		store_close(&steward.store);
	return steward.status;
}
