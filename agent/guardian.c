/* guardian.c - see guardian.h.
 *
 * The policy of the privileged side. The engine is taken to be in an attacker's hands: it reads
 * what strangers send.
 *
 *   - The engine may ask for three things only: to have the virtual addresses on until a time, to
 *     have them off, and at the end to be ended. It names neither address nor interface: those are
 *     the configuration's, or the cluster record's as the steward reports them, and each is
 *     checked. It says by a number which list it means: no other one is put on.
 *   - What it asked for ends by itself (hold.h). All that it has queued is read before any of it is
 *     acted on; only the newest request counts; then the deadline is looked at.
 *   - An engine that sends anything else, is silent for too long or reads nothing is killed, and
 *     what it held is withdrawn, before it is started anew.
 *   - The steward may name addresses; of those that wait, the newest count. What it is told by the
 *     engine is its own affair. It may wait for a disk; one that says nothing for CHILD_QUIET_MAX
 *     seconds is killed. The engine and what it holds are not touched by that.
 *   - The syncer, if there are settings to sync, may say that it lives, and nothing else. The same goes for it.
 *   - Once the children have been started the guardian opens no file, runs nothing but its own
 *     executable, which it has kept open, and has the capabilities of privileges_guardian() only.
 *     The one exception is an upgrade: then it opens the program that is where its own was.
 *   - It answers to signals: SIGTERM and SIGINT end everything in order; SIGHUP has the configuration
 *     read anew, by another process (renewal.h); SIGUSR1 has the steward write down what the flight
 *     recorder has; SIGUSR2 has the program that is installed now go on in
 *     the place of this one (upgrade.h).
 */
#include "agent/guardian.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/config_change.h"
#include "agent/family.h"
#include "agent/keeper.h"
#include "agent/log.h"
#include "agent/memory.h"
#include "agent/notify.h"
#include "agent/privileges.h"
#include "agent/reader.h"
#include "agent/renewal.h"
#include "agent/sealed.h"
#include "agent/upgrade.h"

enum {
	GUARDIAN_PRIORITY = 50,    /* SCHED_FIFO, above the engine: it must be able to end it */
	GUARDIAN_QUEUE_MAX = 1024, /* messages read at a stretch: more than a queue can hold */
};

/* No engine at all for so long, although it is started again and again: only a new start of everything can help, and the
 * service manager sees to that when it is not told any more that all is well. */
#define ENGINE_MISSED (15 * HA_SEC)

#define SILENCE_HEARTBEATS 10
#define SILENCE_LEAST      (500 * HA_MS)
#define START_GRACE        (3 * HA_SEC)
#define LEAVE_LIMIT        (3 * HA_SEC)
#define STEWARD_LIMIT      (1 * HA_SEC)
#define LOOK_EVERY         (1 * HA_SEC)

struct guardian {
	struct config config;
	struct runtime runtime;
	struct loop loop;
	struct keeper keeper;
	struct family family;
	struct notify notify;
	struct renewal renewal;
	struct upgrade upgrade;
	bool own_addresses;        /* those of the configuration count, not the record's */
	struct ipc_message status; /* as it was told to the engine last */
	uint32_t
		reported_to; /* the engine that has the newest report, by its starts; 0: none has */
	ha_time engine_heard; /* any of them */
	bool realtime, locked;
	bool engine_lost; /* to be seen to when the callbacks are done */
	bool ready;       /* the service manager knows */
	bool leaving;     /* SIGTERM has come */
	ha_time leave_until;
	bool done, failed;
	ha_time watchdog_at;
	ha_time look_at; /* at steward and syncer */
};

/* What it held is withdrawn, and no successor is told to go on with it. */
static void lose_engine(struct guardian *guardian)
{
	keeper_new_engine(&guardian->keeper);
	guardian->upgrade.held = false;
	if (guardian->leaving)
		guardian->done = true;
}

static void drop_engine(struct guardian *guardian, const char *why)
{
	log_event(LOG_WARNING, "drop", "process=engine why=%s", why);
	family_drop(&guardian->family, &guardian->family.engine);
	lose_engine(guardian);
}

static void on_answer(void *arg, const struct ipc_message *message)
{
	struct guardian *guardian = arg;
	int fd = guardian->family.engine.fd;

	if (fd >= 0 && ipc_send(fd, message) != 0)
		guardian->engine_lost = true;
}

static void on_steward(void *arg, uint32_t events)
{
	struct guardian *guardian = arg;
	struct child *steward = &guardian->family.steward;
	const struct config *config = &guardian->config;
	struct ipc_message message, newest = {0};
	int got = 0;

	(void)events;
	for (int i = 0; i < GUARDIAN_QUEUE_MAX; i++) {
		got = ipc_receive(steward->fd, &message, NULL);
		if (got > 0 && message.type != IPC_VIPS && message.type != IPC_ALIVE)
			got = -EPROTO;
		if (got <= 0)
			break;
		child_heard(steward, loop_now());
		if (message.type == IPC_VIPS)
			newest = message;
	}
	if (newest.type != 0) {
		bool recorded = ipc_bool_valid(&newest.u.vips.recorded) && newest.u.vips.recorded;
		unsigned n = recorded ? newest.u.vips.n : config->vip_n;

		guardian->own_addresses = !recorded;
		if (!keeper_set_addresses(&guardian->keeper,
					  recorded ? newest.u.vips.vip : config->vip, n))
			log_event(LOG_ERR, "addresses", "n=%u what=%s", n, "refused");
	}
	if (got < 0)
		family_drop(&guardian->family, steward);
}

static void on_engine(void *arg, uint32_t events)
{
	struct guardian *guardian = arg;
	struct child *engine = &guardian->family.engine;
	struct ipc_message message, newest = {0}, leave = {0};
	int got = 0;

	(void)events;
	for (int i = 0; i < GUARDIAN_QUEUE_MAX; i++) {
		got = ipc_receive(engine->fd, &message, NULL);
		if (got <= 0)
			break;
		if (message.type == IPC_HOLD || message.type == IPC_RELEASE)
			newest = message;
		else if (message.type == IPC_LEFT)
			leave = message;
		else if (message.type != IPC_ALIVE)
			got = -EPROTO;
		if (got < 0)
			break;
		child_heard(engine, loop_now());
		guardian->engine_heard = engine->heard;
	}
	if (got < 0) {
		drop_engine(guardian, got == -EPIPE ? "gone" : "bad message");
		return;
	}
	if (newest.type != 0) {
		/* The steward has said so before the engine could know of other addresses. */
		if (!keeper_means(&guardian->keeper, &newest) && guardian->family.steward.fd >= 0)
			on_steward(guardian, 0);
		guardian->upgrade.held = false; /* it has been told, and has understood */
		keeper_request(&guardian->keeper, &newest);
	}
	if (leave.type != 0 && guardian->leaving) {
		guardian->upgrade.held = ipc_bool_valid(&leave.u.leave.holds) &&
					 leave.u.leave.holds && guardian->upgrade.under_way;
		guardian->done = true;
	}
	if (!guardian->ready)
		notify_send(&guardian->notify, "READY=1");
	guardian->ready = true;
}

static void on_syncer(void *arg, uint32_t events)
{
	struct guardian *guardian = arg;
	struct child *syncer = &guardian->family.syncer;
	struct ipc_message message;
	int got = 0;

	(void)events;
	for (int i = 0; i < GUARDIAN_QUEUE_MAX; i++) {
		got = ipc_receive(syncer->fd, &message, NULL);
		if (got > 0 && message.type != IPC_ALIVE)
			got = -EPROTO;
		if (got <= 0)
			break;
		child_heard(syncer, loop_now());
	}
	if (got < 0)
		family_drop(&guardian->family, syncer);
}

static void on_monitor(void *arg, uint32_t events)
{
	struct guardian *guardian = arg;
	int error = keeper_read(&guardian->keeper);

	(void)events;
	if (error == 0)
		return;
	log_event(LOG_CRIT, "monitor", "error=%d", error);
	guardian->done = guardian->failed = true;
}

static void leave(struct guardian *guardian)
{
	struct ipc_message message = {.type = IPC_LEAVE};
	int fd = guardian->family.engine.fd;

	if (guardian->leaving)
		return;
	log_event(LOG_NOTICE, "leave", "holding=%d", hold_holds(&guardian->keeper.hold));
	message.u.leave.in_place = guardian->upgrade.under_way && guardian->upgrade.in_place;
	guardian->leaving = true;
	guardian->leave_until = loop_now() + LEAVE_LIMIT;
	if (fd < 0 || ipc_send(fd, &message) != 0)
		guardian->done = true;
}

/* A steward that is down, or has its hands full, has nothing to write it with. */
static void capture(const struct guardian *guardian)
{
	const struct ipc_message message = {.type = IPC_CAPTURE};
	int fd = guardian->family.steward.fd;

	if (fd < 0 || ipc_send(fd, &message) != 0)
		log_event(LOG_WARNING, "capture", "error=%s", "the steward is not there");
}

/* SIGTERM. It counts for more than an upgrade that is under way. */
static void stop(struct guardian *guardian)
{
	notify_send(&guardian->notify, "STOPPING=1");
	upgrade_cancel(&guardian->upgrade);
	leave(guardian);
}

/* ---- another configuration, another program ---- */

static void on_other_child(void *arg, pid_t pid)
{
	struct guardian *guardian = arg;

	renewal_reaped(&guardian->renewal, pid);
}

static void pass_config(const struct guardian *guardian, struct child *to)
{
	const struct ipc_message message = {.type = IPC_CONFIG};

	/* Whoever does not take it is started anew, by the new one. */
	if (to->fd >= 0 && ipc_send_fd(to->fd, &message, guardian->runtime.config) != 0)
		child_kill(to);
}

/* The engine first: the others' word of what is new must find it informed. */
static void spread(struct guardian *guardian, const struct config_change *change)
{
	struct family *family = &guardian->family;
	const struct config *config = &guardian->config;

	pass_config(guardian, &family->engine);
	pass_config(guardian, &family->steward);
	if (config_changed(change, PART_SETTINGS) || config_changed(change, PART_SYNC_DEBOUNCE) ||
	    config_changed(change, PART_SYNC_SCRUB))
		family_resync(family, config->settings_n > 0, loop_now());
	if (config_changed(change, PART_VIRTUAL_IP) && guardian->own_addresses)
		(void)keeper_set_addresses(&guardian->keeper, config->vip, config->vip_n);
}

static void note_parts(struct renewal *renewal, enum config_line line, uint32_t parts)
{
	for (int i = 0; i < CONFIG_PART_N; i++) {
		const char *name = config_part_name((enum config_part)i);

		if ((parts >> i & 1) == 0)
			continue;
		log_event(line == CONFIG_WAITS ? LOG_WARNING : LOG_INFO, "config_change",
			  "option=%s result=%s", name,
			  line == CONFIG_WAITS ? "needs a restart" : "applied");
		renewal_note(renewal, line, name);
	}
}

static void apply(struct guardian *guardian, int fd)
{
	static struct config next;
	struct renewal *renewal = &guardian->renewal;
	struct config_change change;
	int sealed, error = sealed_read(fd, &next, sizeof(next));

	if (error != 0) {
		renewal_end(renewal, false, "the configuration that was read is not whole");
		return;
	}
	change = config_change(&guardian->config, &next);
	next.number = renewal->report.number;
	sealed = runtime_seal(&next);
	if (sealed < 0) {
		renewal_end(renewal, false, "there is no memory for another configuration");
		return;
	}
	note_parts(renewal, CONFIG_APPLIED, change.applied);
	note_parts(renewal, CONFIG_WAITS, change.waits);
	close(guardian->runtime.config);
	guardian->runtime.config = sealed;
	guardian->config = next;
	sodium_memzero(&next, sizeof(next));
	spread(guardian, &change);
	renewal_end(renewal, true, "");
}

static void on_read(void *arg, struct renewal *renewal, int config)
{
	struct guardian *guardian = arg;

	if (guardian->leaving) { /* SIGTERM came while it was read, and counts for more */
		renewal_end(renewal, false, "the agent is being stopped");
		return;
	}
	if (renewal->report.purpose == CONFIG_RELOAD) {
		apply(guardian, config);
		return;
	}
	if (upgrade_prepare(&guardian->upgrade, renewal, config) != 0)
		renewal_end(renewal, false, "there are no descriptors left");
	else
		leave(guardian);
}

static void on_told(void *arg)
{
	struct guardian *guardian = arg;

	guardian->reported_to = 0;
	notify_send(&guardian->notify, "READY=1");
}

static void renew(struct guardian *guardian, enum config_purpose purpose)
{
	if (guardian->leaving)
		return;
	notify_reloading(&guardian->notify);
	renewal_want(&guardian->renewal, purpose, loop_now());
}

static void on_signal(void *arg, int signal)
{
	struct guardian *guardian = arg;
	pid_t engine = guardian->family.engine.pid;

	if (signal == SIGTERM || signal == SIGINT)
		stop(guardian);
	if (signal == SIGUSR1)
		capture(guardian);
	if (signal == SIGHUP || signal == SIGUSR2)
		renew(guardian, signal == SIGHUP ? CONFIG_RELOAD : CONFIG_UPGRADE);
	if (signal != SIGCHLD)
		return;
	family_reap(&guardian->family, loop_now(), on_other_child);
	if (engine == 0 || guardian->family.engine.pid != 0)
		return;
	lose_engine(guardian); /* its death, unlike its last messages, is certain */
}

/* When the engine counts as stuck; HA_NEVER while there is none. */
static ha_time silent_at(const struct guardian *guardian)
{
	const struct child *engine = &guardian->family.engine;
	ha_time limit = SILENCE_HEARTBEATS * guardian->config.timing.heartbeat, at, grace;

	if (engine->fd < 0)
		return HA_NEVER;
	at = engine->heard + (limit > SILENCE_LEAST ? limit : SILENCE_LEAST);
	grace = engine->started + START_GRACE;
	return at > grace ? at : grace;
}

/* Those that may wait for a disk. */
static void look_at_others(struct guardian *guardian, ha_time now)
{
	struct child *other[] = {&guardian->family.steward, &guardian->family.syncer};

	if (now < guardian->look_at)
		return;
	guardian->look_at = now + LOOK_EVERY;
	for (unsigned i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		if (other[i]->fd < 0 || !child_is_silent(other[i]))
			continue;
		log_event(LOG_WARNING, "drop", "process=%s why=%s", child_name(other[i]->process),
			  "silent");
		family_drop(&guardian->family, other[i]);
	}
}

static void on_timer(void *arg, ha_time now)
{
	struct guardian *guardian = arg;

	keeper_timer(&guardian->keeper);
	renewal_timer(&guardian->renewal, now);
	look_at_others(guardian, now);
	if (now >= silent_at(guardian))
		drop_engine(guardian, "silent");
	if (guardian->leaving && now >= guardian->leave_until)
		guardian->done = true;
	if (!guardian->leaving)
		family_start(&guardian->family, now);
	/* It sees to the engine by itself, whose next start may be further off than the service
	 * manager would wait; but not for ever. */
	if (guardian->notify.interval != 0 && now >= guardian->watchdog_at) {
		if (now - guardian->engine_heard < ENGINE_MISSED)
			notify_send(&guardian->notify, "WATCHDOG=1");
		guardian->watchdog_at = now + guardian->notify.interval;
	}
}

static ha_time earlier(ha_time a, ha_time b)
{
	return a < b ? a : b;
}

static ha_time next_timer(const struct guardian *guardian)
{
	ha_time next = earlier(keeper_next(&guardian->keeper), silent_at(guardian));

	next = earlier(next, guardian->look_at);
	next = earlier(next, renewal_next(&guardian->renewal));
	next = earlier(next,
		       guardian->leaving ? guardian->leave_until : family_next(&guardian->family));
	return guardian->notify.interval == 0 ? next : earlier(next, guardian->watchdog_at);
}

static bool same_status(const struct ipc_message *a, const struct ipc_message *b)
{
	return a->type == b->type && a->u.status.fence == b->u.status.fence &&
	       a->u.status.realtime == b->u.status.realtime &&
	       a->u.status.locked == b->u.status.locked &&
	       a->u.status.engine_starts == b->u.status.engine_starts &&
	       a->u.status.steward_starts == b->u.status.steward_starts &&
	       a->u.status.restored == b->u.status.restored &&
	       a->u.status.held == b->u.status.held &&
	       memcmp(a->u.status.pid, b->u.status.pid, sizeof(a->u.status.pid)) == 0;
}

/* Tells the engine what has changed, and a new one everything. */
static void tell_status(struct guardian *guardian)
{
	const struct child *engine = &guardian->family.engine, *steward = &guardian->family.steward;
	struct ipc_message message = {.type = IPC_STATUS};

	message.u.status.fence = guardian->keeper.fenced;
	message.u.status.realtime = guardian->realtime;
	message.u.status.locked = guardian->locked;
	message.u.status.engine_starts = engine->starts;
	message.u.status.steward_starts = steward->starts;
	message.u.status.restored = guardian->keeper.hold.restored;
	message.u.status.upgrades = guardian->upgrade.count;
	/* Not once it has run out: an engine that is late must not take what somebody else may have by now. */
	message.u.status.held = guardian->upgrade.held && hold_holds(&guardian->keeper.hold);
	message.u.status.pid[IPC_GUARDIAN] = getpid();
	message.u.status.pid[IPC_ENGINE_PROCESS] = engine->pid;
	message.u.status.pid[IPC_STEWARD_PROCESS] = steward->pid;
	message.u.status.pid[IPC_SYNCER_PROCESS] = guardian->family.syncer.pid;
	if (engine->fd < 0 || same_status(&message, &guardian->status))
		return;
	guardian->status = message;
	if (ipc_send(engine->fd, &message) != 0)
		guardian->engine_lost = true;
}

/* What came of the newest reload or upgrade, in one piece. */
static void tell_report(struct guardian *guardian)
{
	const struct ipc_message message = {.type = IPC_CONFIG_REPORT};
	const struct config_report *report = &guardian->renewal.report;
	const struct child *engine = &guardian->family.engine;
	int fd;

	if (engine->fd < 0 || !report->ended || guardian->reported_to == engine->starts)
		return;
	guardian->reported_to = engine->starts;
	fd = sealed_make("haagent-report", report, sizeof(*report));
	if (fd < 0)
		return; /* the log has it */
	if (ipc_send_fd(engine->fd, &message, fd) != 0)
		guardian->engine_lost = true;
	close(fd);
}

/* Nothing may make the guardian wait: not another process's turn, not a page that was written
 * out, not the heap. */
static void become_realtime(struct guardian *guardian)
{
	const struct sched_param param = {.sched_priority = GUARDIAN_PRIORITY};

	guardian->realtime = sched_setscheduler(0, SCHED_FIFO, &param) == 0;
	memory_prepare();
	guardian->locked = memory_lock() == 0;
	if (!guardian->realtime || !guardian->locked)
		log_event(LOG_WARNING, "realtime", "scheduling=%d memory_locked=%d",
			  guardian->realtime, guardian->locked);
}

static int watch_signals(struct guardian *guardian)
{
	sigset_t set;

	/* Ignored by whoever started this process, no end of a child would be reported. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	return loop_signals(&guardian->loop, &set, on_signal, guardian);
}

/* What every start has in common, once it is known what it stands on. */
static int watch(struct guardian *guardian)
{
	int error;

	guardian->own_addresses = true;
	guardian->engine_heard = loop_now();
	log_open("guardian");
	notify_open(&guardian->notify);
	error = loop_init(&guardian->loop, on_timer, guardian);
	return error == 0 ? watch_signals(guardian) : error;
}

static int complain(struct guardian *guardian, int error)
{
	if (error == 0) {
		become_realtime(guardian);
		return 0;
	}
	fprintf(stderr, "haagent: cannot start: %s\n", strerror(-error));
	runtime_close(&guardian->runtime);
	return 1;
}

/* All that takes root or opens anything. 0 or the exit status. */
static int prepare(struct guardian *guardian, const char *file)
{
	const struct config *config = &guardian->config;
	int error = reader_read(&guardian->config, file, stderr);

	if (error != 0)
		return error;
	prctl(PR_SET_NAME, "ha-guardian", 0, 0, 0);
	if (runtime_open(&guardian->runtime, config) != 0)
		return 1;
	error = watch(guardian);
	if (error == 0)
		error = keeper_open(&guardian->keeper, config->management, config->vip,
				    config->vip_n, on_answer, guardian);
	if (error == 0)
		error = loop_add(&guardian->loop, keeper_fd(&guardian->keeper), on_monitor,
				 guardian);
	return complain(guardian, error);
}

/* The same in the place of another program. What it held is held on. */
static int adopt(struct guardian *guardian, struct upgrade_gift *gift)
{
	const struct config *config = &guardian->config;
	int error;

	prctl(PR_SET_NAME, "ha-guardian", 0, 0, 0);
	guardian->runtime = gift->runtime;
	guardian->config = gift->config;
	guardian->upgrade = (struct upgrade){.count = gift->count, .held = gift->vip_n > 0};
	error = watch(guardian);
	if (error == 0)
		error = gift->vip_n > 0
				? keeper_adopt(&guardian->keeper, config->management, gift->vip,
					       gift->vip_n, gift->held_until, on_answer, guardian)
				: keeper_open(&guardian->keeper, config->management, config->vip,
					      config->vip_n, on_answer, guardian);
	if (error == 0)
		error = loop_add(&guardian->loop, keeper_fd(&guardian->keeper), on_monitor,
				 guardian);
	guardian->keeper.hold.restored = gift->restored;
	return complain(guardian, error);
}

static void run(struct guardian *guardian)
{
	while (!guardian->done) {
		int error;

		tell_status(guardian);
		tell_report(guardian);
		if (guardian->engine_lost) {
			guardian->engine_lost = false;
			drop_engine(guardian, "reads nothing");
		}
		loop_arm(&guardian->loop, next_timer(guardian));
		error = loop_run_once(&guardian->loop);
		if (error != 0) {
			log_event(LOG_CRIT, "loop", "error=%d", error);
			guardian->failed = true;
			return;
		}
	}
}

static bool bridge(struct guardian *guardian)
{
	return keeper_bridge(&guardian->keeper, loop_now() + UPGRADE_BRIDGE);
}

/* Another program goes on from here; or, if it cannot, this one ends, and what it held is withdrawn. */
static void hand_over(struct guardian *guardian)
{
	struct upgrade *upgrade = &guardian->upgrade;
	int error;

	upgrade->held = upgrade->held && bridge(guardian);
	if (!upgrade->held)
		hold_withdraw(&guardian->keeper.hold);
	family_end(&guardian->family, STEWARD_LIMIT);
	upgrade->held = upgrade->held && bridge(guardian);
	if (!upgrade->held)
		keeper_close(&guardian->keeper);
	log_event(LOG_NOTICE, "upgrade", "in_place=%d holding=%d", upgrade->in_place,
		  upgrade->held);
	notify_restore(&guardian->notify);
	error = upgrade_exec(upgrade, &guardian->runtime, &guardian->config, &guardian->keeper,
			     guardian->renewal.file);
	log_event(LOG_CRIT, "upgrade", "error=%d", error);
	guardian->failed = true;
	if (upgrade->held)
		keeper_close(&guardian->keeper);
}

static void end(struct guardian *guardian)
{
	keeper_close(&guardian->keeper);
	family_end(&guardian->family, STEWARD_LIMIT);
}

static int work(struct guardian *guardian, const char *file)
{
	loop_fn *const ready[IPC_PROCESS_N] = {
		[IPC_ENGINE_PROCESS] = on_engine,
		[IPC_STEWARD_PROCESS] = on_steward,
		[IPC_SYNCER_PROCESS] = on_syncer,
	};
	int error;

	renewal_init(&guardian->renewal, &guardian->loop, &guardian->runtime, file, on_read,
		     on_told, guardian);
	family_init(&guardian->family, &guardian->loop, &guardian->runtime,
		    guardian->config.settings_n > 0, ready, guardian);
	family_start(&guardian->family, loop_now());
	error = privileges_guardian();
	if (error != 0) {
		log_event(LOG_CRIT, "privileges", "error=%d", error);
		guardian->failed = true;
	} else {
		run(guardian);
	}
	renewal_stop(&guardian->renewal);
	if (guardian->upgrade.under_way && !guardian->failed)
		hand_over(guardian);
	else
		end(guardian);
	runtime_close(&guardian->runtime);
	log_event(LOG_NOTICE, "stop", "failed=%d", guardian->failed);
	return guardian->failed ? 1 : 0;
}

int guardian_main(const char *config_file)
{
	static struct guardian guardian;
	int status = prepare(&guardian, config_file);

	return status != 0 ? status : work(&guardian, config_file);
}

int guardian_go_on(int handover)
{
	static struct guardian guardian;
	static struct upgrade_gift gift;
	int status = upgrade_receive(handover, &gift);

	if (status == 0)
		status = adopt(&guardian, &gift);
	return status != 0 ? status : work(&guardian, gift.file);
}
