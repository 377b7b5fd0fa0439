/* engine.c - start, loop, timers and sessions.
 *
 * Order of a start: everything that allocates or opens comes first, then memory is locked and
 * privileges go, then the steward is asked to boot this engine, and only with its record is there a
 * node. Each wake: descriptors first, then session timers, then the node's, then what can wait; the
 * log last.
 */
#include "agent/engine.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "agent/engine_state.h"
#include "agent/log.h"
#include "agent/memory.h"
#include "agent/privileges.h"
#include "agent/runtime.h"

void engine_fatal(const char *what, int error)
{
	log_event(LOG_CRIT, "fatal", "what=%s error=%s", what, strerror(-error));
	exit(1);
}

ha_time engine_now(struct engine *engine)
{
	ha_time now = loop_now();

	if (now > engine->now)
		engine->now = now;
	return engine->now;
}

static void engine_feed_at(struct engine *engine, struct node_event *event, ha_time now)
{
	if (now > engine->now)
		engine->now = now;
	event->now = engine->now;
	if (event->heard_at > event->now)
		event->heard_at = event->now;
	node_step(&engine->node, event, &engine->actions);
	account_observe(&engine->account, &engine->node, event, &engine->actions);
	act_carry_out(engine, &engine->actions);
}

void engine_feed(struct engine *engine, struct node_event *event)
{
	engine_feed_at(engine, event, loop_now());
}

const uint8_t *engine_entropy(struct engine *engine)
{
	if (engine->entropy_n == 0) {
		randombytes_buf(engine->entropy, sizeof(engine->entropy));
		engine->entropy_n = ENGINE_ENTROPY_N;
	}
	return engine->entropy[engine->entropy_n - 1];
}

void engine_entropy_spent(struct engine *engine)
{
	assert(engine->entropy_n > 0);
	engine->entropy_n--;
	sodium_memzero(engine->entropy[engine->entropy_n], SESSION_ENTROPY_LEN);
}

/* ---- sessions ---- */

void engine_open_sessions(struct engine *engine)
{
	const struct store_record *record = &engine->record;
	struct session_config config = {
		.pattern = SESSION_KK,
		.initiator = memcmp(engine->key.public_key, record->peer_key, HA_KEY_LEN) < 0,
		.boot = record->boot,
		.peer_boot = record->peer_boot,
	};

	memcpy(config.secret_key, engine->key.secret_key, HA_KEY_LEN);
	memcpy(config.public_key, engine->key.public_key, HA_KEY_LEN);
	memcpy(config.peer_key, record->peer_key, HA_KEY_LEN);
	memcpy(config.pair_secret, record->pair_secret, HA_KEY_LEN);
	memcpy(config.cluster_id, record->cluster_id, HA_CLUSTER_ID_LEN);
	for (int i = 0; i < HA_PATH_N; i++) {
		config.path = (enum ha_path)i;
		session_init(&engine->path[i].session, &config, engine->now);
		engine->path[i].paired = true;
	}
	sodium_memzero(&config, sizeof(config));
}

void engine_close_sessions(struct engine *engine)
{
	for (int i = 0; i < HA_PATH_N; i++) {
		engine->path[i].paired = false;
		session_wipe(&engine->path[i].session);
	}
}

static void engine_session_timer(struct engine *engine, struct session *session, enum ha_path path)
{
	struct session_output out;
	const struct ha_mac *peer = &engine->node.peer.mac;
	ha_time now = engine_now(engine);

	if (now < session_deadline(session))
		return;
	session_timer(session, now, engine_entropy(engine), &out);
	if (session == &engine->meeting && out.frame_len != 0 && !session_is_up(session))
		engine->meeting_relayed = !engine->meeting_relayed; /* SPEC 1.R2 */
	engine_entropy_spent(engine);
	if (path == HA_PATH_MANAGEMENT && !out.to_group && ha_mac_is_zero(peer))
		out.to_group = true;
	hear_output(engine, session, path, &out, peer);
}

/* ---- timers ---- */

static ha_time earlier(ha_time a, ha_time b)
{
	return a < b ? a : b;
}

static ha_time engine_deadline(const struct engine *engine)
{
	ha_time at = control_deadline(&engine->control);

	for (int i = 0; i < HA_PATH_N; i++)
		at = earlier(at, engine->path[i].reopen_at);
	if (!engine->running)
		return at;
	at = earlier(at, node_deadline(&engine->node));
	at = earlier(at, engine->identity_at);
	at = earlier(at, engine->beacon_at);
	at = earlier(at, meet_deadline(engine));
	at = earlier(at, part_deadline(engine));
	at = earlier(at, readdress_deadline(engine));
	if (engine->meeting_on)
		at = earlier(at, session_deadline(&engine->meeting));
	for (int i = 0; i < HA_PATH_N; i++)
		if (engine->path[i].paired)
			at = earlier(at, session_deadline(&engine->path[i].session));
	return at;
}

static void engine_reopen(struct engine *engine, ha_time now)
{
	for (int i = 0; i < HA_PATH_N; i++) {
		struct engine_path *p = &engine->path[i];

		if (now < p->reopen_at)
			continue;
		p->reopen_at =
			hear_open(engine, (enum ha_path)i) == 0 ? HA_NEVER : now + ENGINE_REOPEN;
	}
}

static void engine_timer(void *arg, ha_time now)
{
	struct engine *engine = arg;
	struct node_event tick = {.type = EV_TIMER};

	engine_reopen(engine, now);
	control_timer(&engine->control, now);
	if (!engine->running)
		return;
	for (int i = 0; i < HA_PATH_N; i++)
		if (engine->path[i].paired)
			engine_session_timer(engine, &engine->path[i].session, (enum ha_path)i);
	if (engine->meeting_on)
		engine_session_timer(engine, &engine->meeting, HA_PATH_LINK);
	if (now >= node_deadline(&engine->node)) {
		engine->lateness = now - node_deadline(&engine->node);
		engine_feed_at(engine, &tick, now);
	}
	meet_timer(engine, engine->now);
	part_timer(engine, engine->now);
	readdress_timer(engine, engine->now);
	knock_timer(engine, engine->now);
	if (now >= engine->identity_at) {
		act_refresh_identity(engine);
		act_identity(engine, false);
		act_account(engine);
		engine->identity_at = now + ENGINE_IDENTITY;
	}
}

/* A flood of frames must neither starve the rest of the host nor spend this process's real-time
 * allowance: after a while without waiting it waits a little, by itself. */
static void engine_breathe(struct engine *engine, ha_time now)
{
	const struct timespec pause = {.tv_nsec = 100 * HA_US};

	if (now - engine->loop.waited_at < ENGINE_BUSY)
		return;
	engine->floods++;
	engine->loop.waited_at = now;
	nanosleep(&pause, NULL);
}

/* After each wake: what was put off until the node had its turn. */
static void engine_after(struct engine *engine)
{
	ha_time now = engine_now(engine);

	if (engine->running) {
		struct node_event failed = {.type = EV_SAVED, .number = engine->node_save};

		if (engine->save_failed) {
			engine->save_failed = false;
			engine_feed(engine, &failed);
		}
		watch_follow(engine, now);
		readdress_after(engine);
		role_follow(engine);
		copy_follow(engine);
		act_log(engine);
	}
	engine_breathe(engine, now);
	loop_arm(&engine->loop, engine_deadline(engine));
}

/* ---- start ---- */

static void engine_read_forwarding(struct engine *engine)
{
	char path[96], value = '0';
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/forwarding",
		 engine->config.management);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	engine->router = read(fd, &value, 1) == 1 && value != '0';
	close(fd);
}

static void engine_open_wires(struct engine *engine)
{
	const char *ifname[HA_PATH_N] = {engine->config.link, engine->config.management};

	for (int i = 0; i < HA_PATH_N; i++) {
		struct engine_path *p = &engine->path[i];
		enum ha_path path = (enum ha_path)i;
		struct ha_mac group = wire_group(path, engine->config.link_direct);
		int error;

		wire_init(&p->wire, path, ifname[i], &group);
		plug_init(&p->plug, ifname[i]);
		(void)plug_up(&p->plug, &engine->carrier); /* the slow first time */
		p->carrier = -1;
		error = hear_open(engine, path);
		p->reopen_at = error ? loop_now() + ENGINE_REOPEN : HA_NEVER;
		if (error)
			log_event(LOG_WARNING, "wire", "path=%s interface=%s error=%s",
				  ha_path_name(path), ifname[i], strerror(-error));
	}
}

static void engine_start(struct engine *engine)
{
	const struct ipc_message hello = {.type = IPC_HELLO};
	int error;

	if (sodium_init() < 0)
		engine_fatal("libsodium", -EIO);
	memory_prepare();
	error = runtime_config(&engine->config);
	if (!error)
		error = loop_init(&engine->loop, engine_timer, engine);
	if (!error)
		error = carrier_open(&engine->carrier);
	if (error)
		engine_fatal("configuration", error);
	engine_read_forwarding(engine);
	engine_open_wires(engine);
	error = watch_open(engine);
	if (error)
		engine_fatal("netlink monitor", error);
	error = control_open(&engine->control, &engine->loop, IPC_FD_CONTROL, serve_request,
			     engine);
	serve_operators(engine);
	if (!error)
		error = loop_add(&engine->loop, IPC_FD_GUARDIAN, kin_guardian_ready, engine);
	if (!error)
		error = loop_add(&engine->loop, IPC_FD_PEER, kin_steward_ready, engine);
	if (error)
		engine_fatal("control socket", error);
	(void)engine_entropy(engine);
	error = recorder_attach(&engine->recorder, IPC_FD_RECORDER);
	if (error)
		log_event(LOG_WARNING, "recorder", "error=%s", strerror(-error));
	error = memory_lock();
	if (error)
		log_event(LOG_WARNING, "memory_lock", "error=%s", strerror(-error));
	error = privileges_engine_final();
	if (error)
		engine_fatal("privileges", error);
	engine->guardian = IPC_FD_GUARDIAN;
	engine->steward = IPC_FD_PEER;
	engine->stations = -1;
	engine->copy.fd = -1;
	if (engine->config.settings_n > 0 && copy_open(engine, IPC_FD_SYNCER) != 0)
		engine_fatal("syncer", -ENOSPC);
	engine->stranger_reported = -HA_SEC * 3600;
	for (unsigned i = 0; i < DUMP_STRANGERS_MAX; i++)
		engine->stranger[i].heard = -1;
	if (ipc_send(engine->steward, &hello) != 0)
		engine->ipc_errors++;
}

int engine_main(void)
{
	static struct engine engine;
	int error = 0;

	prctl(PR_SET_NAME, "ha-engine", 0, 0, 0);
	log_open("engine");
	/* The guardian alone decides when it is time to go: there is an address to hand over first. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	engine_start(&engine);
	while (!error) {
		engine_after(&engine);
		error = loop_run_once(&engine.loop);
	}
	engine_fatal("loop", error);
}
