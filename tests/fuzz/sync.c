/* sync - the machine that decides who gives its settings to whom, told whatever a syncer can be told.
 *
 *   lineage on disk; then steps: an event
 *
 * What the machine asks for is done, or fails, at once or later as its caller would do it; what the other side says may be
 * anything that its records can hold. Checked: what sync.h promises of its actions; that what it says can be said; that no
 * number is used twice; that nobody is told of a barrier that did not hold.
 */
#include "tests/fuzz/fuzz.h"

#include "proto/sync.h"

enum {
	STEPS_MAX = 600,
	REQUESTS = 255,
};

struct world {
	struct sync sync;
	ha_time now;
	struct lineage disk;
	struct sync_self self;
	struct sync_trees trees;
	bool making, waiting[REQUESTS + 1];
	struct lineage made;
	bool commit_due, compare[REQUESTS + 1];
	struct lineage committing;
	uint32_t request;
};

/* Few values, so that two of them are equal now and then. */
static void small(uint8_t out[HA_KEY_LEN], uint8_t value)
{
	memset(out, 0, HA_KEY_LEN);
	out[0] = value;
}

static struct lineage some_lineage(struct script *s)
{
	struct lineage l = {.n = script_u8(s) % 4};
	uint64_t term = 0, number = 0;

	for (unsigned i = 0; i < l.n; i++) {
		term += 1 + script_u8(s) % 3;
		number += 1 + script_u8(s) % 4;
		l.point[i] = (struct lineage_point){term, number};
	}
	if (l.n > 0)
		l.digest[0] = script_u8(s) % 4;
	FUZZ_CHECK(lineage_valid(&l));
	return l;
}

/* ---- what it asks for ---- */

static void check_answer(struct world *w, const struct sync_action *a)
{
	const struct sync *m = &w->sync;
	bool compare;

	FUZZ_CHECK(a->request != 0 && a->request <= REQUESTS && w->waiting[a->request]);
	FUZZ_CHECK(a->ok == (a->reason[0] == '\0'));
	compare = w->compare[a->request];
	w->waiting[a->request] = false;
	if (!a->ok || compare)
		return;
	FUZZ_CHECK(m->self.holds && m->self.paired && !m->trees.broken);
	FUZZ_CHECK(m->side == SYNC_SIDE_FOLLOWS || (m->peer_known && m->peer.whole));
}

static void check_action(struct world *w, const struct sync_action *a)
{
	struct sync_status status;
	struct sync_head head;
	uint8_t body[1024];

	switch (a->type) {
	case SYNC_ACT_SAY_HEAD:
		sync_own_head(&w->sync, &head);
		FUZZ_CHECK(w->sync.up && sync_encode_head(body, sizeof(body), &head) > 0);
		break;
	case SYNC_ACT_SAY_STATUS:
		sync_own_status(&w->sync, &status);
		FUZZ_CHECK(w->sync.up && sync_encode_status(body, sizeof(body), &status) > 0);
		break;
	case SYNC_ACT_SAY_PULL:
		FUZZ_CHECK(w->sync.side == SYNC_SIDE_FOLLOWS);
		break;
	case SYNC_ACT_SAY_LIST:
		FUZZ_CHECK(w->sync.side == SYNC_SIDE_LEADS && sync_is_clean(&w->sync));
		FUZZ_CHECK(lineage_equal(&a->lineage, &w->sync.lineage));
		break;
	case SYNC_ACT_GENERATION:
		FUZZ_CHECK(!w->making && w->self.holds && w->self.paired);
		FUZZ_CHECK(lineage_valid(&a->lineage));
		FUZZ_CHECK(lineage_head(&a->lineage).number == lineage_head(&w->disk).number + 1);
		FUZZ_CHECK(lineage_head(&a->lineage).term >= lineage_head(&w->disk).term);
		w->making = true;
		w->made = a->lineage;
		break;
	case SYNC_ACT_COMMIT:
		FUZZ_CHECK(!w->commit_due && lineage_valid(&a->lineage));
		w->commit_due = true;
		w->committing = a->lineage;
		break;
	case SYNC_ACT_ADOPT:
		memcpy(w->trees.key, a->key, HA_KEY_LEN);
		w->trees.settled = false;
		break;
	case SYNC_ACT_SCAN:
		w->trees.settled = false;
		break;
	case SYNC_ACT_ANSWER:
		check_answer(w, a);
		break;
	default:
		break;
	}
}

static void check(struct world *w)
{
	struct sync_view view;

	FUZZ_CHECK(lineage_valid(&w->sync.lineage));
	FUZZ_CHECK(lineage_equal(&w->sync.lineage, &w->disk));
	sync_view(&w->sync, &view);
	FUZZ_CHECK(view.state < SYNC_STATE_N && view.reason != NULL);
	FUZZ_CHECK((view.state == SYNC_ERROR) <= (view.reason[0] != '\0'));
	FUZZ_CHECK(w->sync.up || w->sync.side == SYNC_SIDE_NONE);
}

static void feed(struct world *w, struct sync_event *ev)
{
	static struct sync_actions out;

	ev->now = w->now;
	sync_step(&w->sync, ev, &out);
	if (ev->type == SYNC_EV_TIMER)
		FUZZ_CHECK(sync_deadline(&w->sync) > w->now || w->commit_due || out.n > 0);
	for (unsigned i = 0; i < out.n; i++)
		check_action(w, &out.a[i]);
	check(w);
}

/* ---- what becomes of it ---- */

static void trees_are(struct world *w, struct sync_event *ev)
{
	ev->trees = w->trees;
	snprintf(ev->reason, sizeof(ev->reason), "%s", w->trees.broken ? "a root is missing" : "");
}

static void failed(struct world *w, uint8_t how)
{
	struct sync_event ev = {.type = SYNC_EV_FAILED};

	snprintf(ev.reason, sizeof(ev.reason), "%s", how & 1 ? "no space" : "");
	w->making = false;
	feed(w, &ev);
}

/* A commit blocks: nothing comes between. */
static void commit(struct world *w, uint8_t how)
{
	struct sync_event ev = {.type = SYNC_EV_COMMITTED};

	w->commit_due = false;
	if (how % 4 == 0) {
		failed(w, how >> 2);
		return;
	}
	w->disk = w->committing;
	memcpy(w->trees.digest, w->disk.digest, HA_KEY_LEN);
	if (how % 4 == 1)
		w->trees.digest[0] ^= 1; /* something else had changed */
	trees_are(w, &ev);
	feed(w, &ev);
}

static void made(struct world *w, uint8_t how)
{
	struct sync_event ev = {.type = SYNC_EV_MADE};

	if (!w->making)
		return;
	if (how % 4 == 0) {
		failed(w, how >> 2);
		return;
	}
	w->making = false;
	w->disk = w->made;
	w->trees.pending = 0;
	if (how % 4 != 1)
		memcpy(w->trees.digest, w->disk.digest, HA_KEY_LEN);
	trees_are(w, &ev);
	feed(w, &ev);
}

/* ---- events ---- */

static void self(struct world *w, struct script *s)
{
	struct sync_event ev = {.type = SYNC_EV_SELF};
	uint8_t how = script_u8(s);

	w->self.paired = how & 1;
	w->self.holds = how & 2;
	w->self.whole = how & 4;
	w->self.paused = (how & 0x18) == 0x18;
	w->self.peer_heard = how & 0x20;
	if (w->self.holds)
		w->self.term += how >> 6;
	ev.self = w->self;
	feed(w, &ev);
}

static void trees(struct world *w, struct script *s)
{
	struct sync_event ev = {.type = SYNC_EV_TREES};
	uint8_t how = script_u8(s);

	w->trees.settled = how & 1;
	w->trees.broken = (how & 6) == 6;
	w->trees.exporting = (how & 0x18) == 0x18;
	if (how & 0x20) {
		w->trees.pending = 1;
		w->trees.digest[0] = script_u8(s) % 4;
	} else if (how & 0x40) {
		w->trees.pending = 0;
		memcpy(w->trees.digest, w->disk.digest, HA_KEY_LEN);
	}
	w->trees.floor = how & 0x80 ? script_u8(s) : 0;
	trees_are(w, &ev);
	feed(w, &ev);
}

static void head(struct world *w, struct script *s)
{
	struct sync_event ev = {.type = SYNC_EV_HEAD};
	uint8_t how = script_u8(s);

	ev.head = (struct sync_head){.whole = how & 1, .holds = how & 2, .clean = how & 4};
	small(ev.head.key, how & 8 ? w->trees.key[0] : script_u8(s) % 3);
	small(ev.head.key, ev.head.key[0]);
	ev.head.roots[0] = (how & 0x30) == 0x30;
	ev.head.lineage = how & 0x40 ? w->disk : some_lineage(s);
	if (how & 0x80 && ev.head.lineage.n > 0)
		ev.head.lineage.point[ev.head.lineage.n - 1].number += script_u8(s) % 3;
	feed(w, &ev);
}

static void list(struct world *w, struct script *s)
{
	uint8_t how = script_u8(s);
	struct sync_event ev = {.type = how & 1 ? SYNC_EV_BEGIN : SYNC_EV_END, .full = how & 2};

	ev.end.head = lineage_head(&w->sync.peer.lineage);
	memcpy(ev.end.digest, w->sync.peer.lineage.digest, HA_KEY_LEN);
	if (how & 4)
		ev.end.head.number += script_u8(s);
	feed(w, &ev);
}

static void plan(struct world *w, struct script *s)
{
	struct sync_event ev = {.type = SYNC_EV_PLAN, .complete = script_bool(s)};

	ev.status.files = script_u8(s);
	ev.status.files_total = ev.status.files + script_u8(s);
	feed(w, &ev);
}

static void status(struct world *w, struct script *s)
{
	struct sync_event ev = {.type = SYNC_EV_STATUS};

	ev.status.phase = script_u8(s) % SYNC_PHASE_N;
	if (ev.status.phase == SYNC_PHASE_ERROR)
		snprintf(ev.status.reason, sizeof(ev.status.reason), "the other's reason");
	feed(w, &ev);
}

static void ask(struct world *w, struct script *s)
{
	struct sync_event ev = {.type = script_bool(s) ? SYNC_EV_FORCE : SYNC_EV_BARRIER};

	w->request = w->request % REQUESTS + 1;
	if (w->waiting[w->request])
		return;
	ev.request = w->request;
	ev.until = w->now + script_u8(s) * 100 * HA_MS;
	w->waiting[w->request] = true;
	w->compare[w->request] = ev.type == SYNC_EV_FORCE;
	feed(w, &ev);
}

static void plain(struct world *w, enum sync_event_type type)
{
	feed(w, &(struct sync_event){.type = type});
}

static void pull(struct world *w, struct script *s)
{
	feed(w, &(struct sync_event){.type = SYNC_EV_PULL,
				     .since = script_bool(s) ? lineage_head(&w->disk).number
							     : script_u8(s)});
}

static void pass(struct world *w, struct script *s)
{
	uint8_t how = script_u8(s);

	if (how & 1 && sync_deadline(&w->sync) != HA_NEVER)
		w->now = sync_deadline(&w->sync) > w->now ? sync_deadline(&w->sync) : w->now;
	else
		w->now += how * 10 * HA_MS;
	plain(w, SYNC_EV_TIMER);
}

static void step(struct world *w, struct script *s)
{
	uint8_t op = script_u8(s);

	if (w->commit_due) {
		commit(w, op);
		return;
	}
	switch (op % 16) {
	case 0:
	case 1:
		pass(w, s);
		break;
	case 2:
		self(w, s);
		break;
	case 3:
		trees(w, s);
		break;
	case 4:
		plain(w, w->sync.up && op & 0x80 ? SYNC_EV_DOWN : SYNC_EV_UP);
		break;
	case 5:
	case 6:
		if (w->sync.up)
			head(w, s);
		break;
	case 7:
		if (w->sync.up)
			pull(w, s);
		break;
	case 8:
	case 9:
		if (w->sync.up)
			list(w, s);
		break;
	case 10:
		if (w->sync.up)
			status(w, s);
		break;
	case 11:
		if (w->sync.up)
			plain(w, SYNC_EV_COMPARE);
		break;
	case 12:
		plan(w, s);
		break;
	case 13:
		ask(w, s);
		break;
	case 14:
		made(w, script_u8(s));
		break;
	default:
		if (op & 0x80)
			failed(w, op >> 4);
		else
			trees(w, s);
		break;
	}
}

/* All of them were answered, or are when their time is over. */
static void end(struct world *w)
{
	for (unsigned i = 0; i < 4 && w->commit_due; i++)
		commit(w, 0);
	w->now += 60 * HA_SEC;
	plain(w, SYNC_EV_TIMER);
	if (w->commit_due)
		commit(w, 0);
	for (unsigned i = 1; i <= REQUESTS; i++)
		FUZZ_CHECK(!w->waiting[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct world w;
	struct script s = {data, len};

	memset(&w, 0, sizeof(w));
	w.now = 1000 * HA_SEC;
	w.disk = some_lineage(&s);
	w.self.term = lineage_head(&w.disk).term;
	memcpy(w.trees.digest, w.disk.digest, HA_KEY_LEN);
	sync_init(&w.sync, &w.disk, w.now);
	for (unsigned i = 0; i < STEPS_MAX && !script_ended(&s); i++)
		step(&w, &s);
	end(&w);
	return 0;
}
