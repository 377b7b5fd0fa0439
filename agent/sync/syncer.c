/* syncer.c - start, loop, and what the other processes say.
 *
 * Order of a start: as root it opens the trees and its own directory, making them where they are missing; then it takes
 * on its user and confines itself; only then it reads anything of what is in them, or hears anything of a peer.
 */
#include "agent/sync/syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/privileges.h"
#include "agent/runtime.h"
#include "agent/sync/confine.h"
#include "agent/sync/fault.h"
#include "agent/sync/syncer_state.h"
#include "agent/text.h"

#define INDEX_FILE "index"

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

static void save_index(struct syncer *s, ha_time now)
{
	int error;

	s->save_at = now + SYNCER_SAVE_EVERY;
	if (scan_busy(s->scan) || !sync_is_clean(&s->sync))
		return;
	fault_point("index");
	error = tree_save(s->tree, s->state, INDEX_FILE, &s->ledger.lineage, s->self.roots);
	fault_point("index-saved");
	if (error != 0)
		log_event(LOG_WARNING, "index", "error=%s", strerror(-error));
	s->save_at = HA_NEVER;
}

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
	if (now >= s->save_at)
		save_index(s, now);
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

/* Tombstones that the other one has no use for any more. One that is further behind is told everything. */
static void prune(struct syncer *s)
{
	struct tree_totals totals;
	uint64_t peer;

	tree_totals(s->tree, &totals);
	if (totals.tombstones < SYNCER_TOMBSTONES + totals.entries / 4 || s->list.on)
		return;
	peer = lineage_head(&s->sync.peer.lineage).number;
	tree_prune(s->tree, peer != 0 ? peer : lineage_head(&s->ledger.lineage).number);
}

static void after(struct syncer *s)
{
	uint64_t number = lineage_head(&s->ledger.lineage).number;

	settle_after(s);
	take_after(s);
	prune(s);
	syncer_report(s, false);
	if (s->saved_number != number && s->save_at == HA_NEVER) {
		s->saved_number = number;
		s->save_at =
			loop_now() + (s->trees.entries < SYNCER_SMALL ? HA_SEC : SYNCER_SAVE_EVERY);
	}
	loop_arm(&s->loop, deadline(s));
}

/* ---- start ---- */

static int open_state(struct syncer *s)
{
	char name[CONFIG_PATH_MAX + 8];

	snprintf(name, sizeof(name), "%s/sync", s->config.state_directory);
	if (mkdir(name, 0700) != 0 && errno != EEXIST)
		return -errno;
	s->state = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return s->state < 0 ? -errno : 0;
}

static int open_roots(struct syncer *s)
{
	int error = 0;

	roots_init(&s->roots);
	for (unsigned i = 0; i < s->config.path_n && error == 0; i++)
		error = roots_add(&s->roots, s->config.path[i]);
	for (unsigned i = 0; i < s->config.exclude_n && error == 0; i++)
		error = roots_exclude(&s->roots, s->config.exclude[i]);
	if (error != 0)
		return error;
	/* Missing at a first start, it is made; missing later, somebody has to look. */
	error = roots_open(&s->roots, faccessat(s->state, LEDGER_FILE, F_OK, 0) != 0);
	if (error != 0) /* the others serve nobody alone, but the dump says which it is */
		log_event(LOG_ERR, "roots", "error=%s", strerror(-error));
	roots_fingerprint(&s->roots, s->self.roots);
	return 0;
}

/* What the peer can make this process need is not worth an engine. */
static void be_expendable(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "500", 3) != 3)
		log_event(LOG_WARNING, "oom_score", "error=%s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* From here on this process is not root, and nothing but its trees is within its reach. */
static int drop(struct syncer *s)
{
	int fd[SYNC_ROOTS_MAX + 1], error;
	pid_t parent = getppid();
	uid_t uid;
	gid_t gid;

	error = privileges_user(s->config.user, &uid, &gid);
	if (error == 0)
		error = privileges_syncer(uid, gid);
	if (error != 0)
		return error;
	/* The change of ids has cleared it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
		return -EPERM;
	for (unsigned i = 0; i < s->roots.n; i++)
		fd[i] = s->roots.root[i].fd;
	fd[s->roots.n] = s->state;
	error = confine(fd, s->roots.n + 1);
	s->confined = error == 0;
	if (error == -EOPNOTSUPP)
		log_event(LOG_WARNING, "confine", "error=%s", "this kernel has no Landlock");
	return error == -EOPNOTSUPP ? 0 : error;
}

static void read_ledger(struct syncer *s)
{
	int error = ledger_read(s->state, &s->ledger);

	if (error == 0)
		return;
	/* Torn: what is here is of no known generation. It follows whoever has one, and what it changes is kept. */
	if (error != -ENOENT)
		log_event(LOG_ERR, "ledger", "file=%s error=%s", LEDGER_FILE, strerror(-error));
	memset(&s->ledger, 0, sizeof(s->ledger));
	randombytes_buf(s->ledger.key, sizeof(s->ledger.key));
}

/* Also an older one: what it does not know of is found to have changed. */
static bool is_of_this(const struct lineage *index, const struct lineage *ledger)
{
	uint64_t common;
	enum lineage_relation r = lineage_compare(index, ledger, &common);

	return r == LINEAGE_SAME || (r == LINEAGE_BEHIND && index->n > 0);
}

static int open_index(struct syncer *s)
{
	struct lineage head;
	int error = tree_open(&s->tree, &s->digest);

	if (error != 0)
		return error;
	error = tree_load(s->tree, s->state, INDEX_FILE, &head, s->self.roots);
	if (error != 0 && error != -ENOENT)
		log_event(LOG_WARNING, "index", "error=%s", strerror(-error));
	/* Without one, whatever was full may look empty now. */
	s->full_once = s->ledger.full;
	s->cold = s->ledger.lineage.n > 0 && (error != 0 || !is_of_this(&head, &s->ledger.lineage));
	for (unsigned i = 0; error == 0 && i < s->roots.n; i++) {
		tree_id id = tree_find(s->tree, (uint8_t)i, "", 0);

		if (id != TREE_NONE && tree_child(s->tree, id, TREE_NONE) != TREE_NONE)
			s->full_once |= UINT32_C(1) << i;
	}
	/* The numbers in it are of one lineage, and of no other. */
	if (error == 0 && s->cold)
		tree_clear(s->tree);
	return 0;
}

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
	int error = runtime_config(&s->config);

	if (error == 0 && (sodium_init() < 0 || OPENSSL_init_crypto(0, NULL) != 1))
		error = -EIO;
	if (error == 0)
		error = open_state(s);
	if (error == 0)
		error = open_roots(s);
	be_expendable();
	if (error == 0)
		error = drop(s);
	if (error != 0)
		return error;
	read_ledger(s);
	s->errand_number = randombytes_random();
	error = digest_open(&s->digest, s->ledger.key);
	if (error == 0)
		error = open_index(s);
	if (error == 0)
		error = loop_init(&s->loop, on_timer, s);
	if (error == 0)
		error = open_parts(s);
	sync_init(&s->sync, &s->ledger.lineage, loop_now());
	if (error == 0)
		error = loop_add(&s->loop, s->guardian, on_guardian, s);
	return error;
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
	s.save_at = HA_NEVER;
	s.scrub_at = loop_now() + s.config.sync_scrub;
	while (!s.done) {
		after(&s);
		if (loop_run_once(&s.loop) != 0)
			break;
	}
	bulk_close(s.bulk);
	digest_close(&s.digest);
	return s.status;
}
