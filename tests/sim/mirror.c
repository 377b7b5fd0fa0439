/* mirror.c - see mirror.h. */
#include "tests/sim/world.h"

#include <sodium.h>
#include <string.h>

#include "tests/sim/said.h"

#define NO_NUMBER UINT64_MAX

#define SCAN      (5 * HA_MS)
#define DEBOUNCE  (20 * HA_MS)
#define FETCH     (2 * HA_MS)
#define FETCH_1ST (500 * HA_MS) /* the first copy of all */
#define AGAIN     (20 * HA_MS)  /* a lost frame is repeated */
#define BARRIER   (10 * HA_SEC)

/* --- generations --- */

static void digest_of(const struct mirror *s, const uint32_t cell[MIRROR_CELLS],
		      uint8_t out[HA_KEY_LEN])
{
	(void)s;
	memset(out, 0, HA_KEY_LEN);
	memcpy(out, cell, MIRROR_CELLS * sizeof(*cell));
	out[HA_KEY_LEN - 1] = 1;
}

static const uint32_t *generation(const struct world *w, struct lineage_point at)
{
	for (unsigned i = w->past.n; i > 0 && i + MIRROR_PAST > w->past.n; i--) {
		unsigned k = (i - 1) % MIRROR_PAST;

		if (w->past.generation[k].term == at.term &&
		    w->past.generation[k].number == at.number)
			return w->past.generation[k].cell;
	}
	return NULL;
}

static void remember(struct world *w, const struct lineage *l, const uint32_t cell[MIRROR_CELLS])
{
	const struct lineage_point head = lineage_head(l);
	const uint32_t *before = generation(w, head);
	unsigned k = w->past.n % MIRROR_PAST;

	if (before != NULL && memcmp(before, cell, MIRROR_CELLS * sizeof(*cell)) != 0)
		world_broken(w, INV_PARTIAL, "two generations of one name");
	w->past.generation[k].term = head.term;
	w->past.generation[k].number = head.number;
	memcpy(w->past.generation[k].cell, cell, MIRROR_CELLS * sizeof(*cell));
	w->past.n++;
}

static struct sync_trees trees_of(const struct mirror *s)
{
	struct sync_trees t = {.settled = !s->scanning, .entries = MIRROR_CELLS};

	for (unsigned c = 0; c < MIRROR_CELLS; c++)
		t.pending += s->index.number[c] == NO_NUMBER;
	digest_of(s, s->index.cell, t.digest);
	return t;
}

/* --- the machine --- */

static void carry(struct world *, int i, const struct sync_action *);
static void say_report(struct world *, int i);

static void feed(struct world *w, int i, struct sync_event *ev)
{
	struct mirror *s = &w->n[i].mirror;
	struct sync_actions out;

	if (!s->running)
		return;
	ev->now = world_local(w, i, w->now);
	sync_step(&s->sync, ev, &out);
	world_hash(w, (uint64_t)s->sync.side << 32 | (uint64_t)s->sync.phase << 16 | out.n);
	for (unsigned k = 0; k < out.n; k++)
		carry(w, i, &out.a[k]);
	say_report(w, i);
}

static void feed_type(struct world *w, int i, enum sync_event_type type)
{
	feed(w, i, &(struct sync_event){.type = type});
}

static void feed_trees(struct world *w, int i, enum sync_event_type type)
{
	struct sync_event ev = {.type = type, .trees = trees_of(&w->n[i].mirror)};

	feed(w, i, &ev);
}

static void feed_failed(struct world *w, int i)
{
	struct sync_event ev = {.type = SYNC_EV_FAILED, .reason = "the disk is full"};

	feed(w, i, &ev);
}

static void run_errand(struct world *w, int i, enum mirror_errand errand, ha_time at)
{
	struct world_message *m = world_post(w, TO_SYNCER, i, at);

	m->errand = errand;
	m->stream = w->n[i].mirror.start;
}

/* What the engine is told, when it is news. */
static void say_report(struct world *w, int i)
{
	struct world_node *n = &w->n[i];
	struct mirror *s = &n->mirror;
	struct lineage_point head;
	struct world_message *m;
	struct sync_view v;

	sync_view(&s->sync, &v);
	if (!n->running || !n->node.config.paired ||
	    (s->reported && v.whole == s->report.whole && v.in_sync == s->report.in_sync &&
	     v.in_sync_known == s->report.in_sync_known && lineage_equal(&v.own, &s->report.own)))
		return;
	s->report = v;
	s->reported = true;
	head = lineage_head(&v.own);
	m = world_tell_engine(w, i, EV_COPY, w->now + 20 * HA_US);
	m->event.copy.whole = n->node.whole_copy || v.whole;
	m->event.copy.in_sync = v.in_sync_known ? v.in_sync : n->node.in_sync;
	m->event.copy.lineage.term = head.term;
	m->event.copy.lineage.number = head.number;
	memcpy(m->event.copy.lineage.digest, v.own.digest, HA_KEY_LEN);
}

/* --- the trees --- */

static void scan(struct world *w, int i, ha_time after)
{
	w->n[i].mirror.scanning = true;
	run_errand(w, i, ERRAND_SCANNED, w->now + after);
}

/* What is as the lineage says belongs to it. */
static void recognise(struct mirror *s)
{
	uint8_t digest[HA_KEY_LEN];

	digest_of(s, s->index.cell, digest);
	if (s->lineage.n == 0 || memcmp(digest, s->lineage.digest, HA_KEY_LEN) != 0)
		return;
	for (unsigned c = 0; c < MIRROR_CELLS; c++)
		if (s->index.number[c] == NO_NUMBER)
			s->index.number[c] = lineage_head(&s->lineage).number;
}

static void on_scanned(struct world *w, int i)
{
	struct mirror *s = &w->n[i].mirror;

	for (unsigned c = 0; c < MIRROR_CELLS; c++)
		if (s->index.cell[c] != s->file[c]) {
			s->index.cell[c] = s->file[c];
			s->index.number[c] = NO_NUMBER;
		}
	recognise(s);
	s->scanning = false;
	feed_trees(w, i, SYNC_EV_TREES);
}

void mirror_change(struct world *w, int i, unsigned cell)
{
	struct mirror *s = &w->n[i].mirror;

	if (!w->n[i].powered || w->now < w->n[i].frozen_until)
		return;
	s->file[cell] = ++w->past.value;
	s->foreign = true;
	world_tell(w, "%s writes %u", world_name(i), w->past.value);
	if (s->running && s->told.holds && !s->committing) /* who does not hold does not watch */
		run_errand(w, i, ERRAND_CHANGED, w->now + HA_MS);
}

static void sync_files(struct world *w, struct mirror *s)
{
	if (w->mutant != MUTANT_LAZY_DISK)
		memcpy(s->platter, s->file, sizeof(s->platter));
}

/* Of what programs have written only the name is on disk for certain. */
static void on_made(struct world *w, int i)
{
	struct mirror *s = &w->n[i].mirror;
	bool foreign = memcmp(s->file, s->index.cell, sizeof(s->file)) != 0;

	if (w->n[i].store.failing) {
		feed_failed(w, i);
		return;
	}
	s->lineage = s->generating;
	for (unsigned c = 0; c < MIRROR_CELLS; c++)
		if (s->index.number[c] == NO_NUMBER)
			s->index.number[c] = lineage_head(&s->lineage).number;
	s->disk = s->index;
	s->foreign = foreign;
	remember(w, &s->lineage, s->index.cell);
	w->past.made++;
	world_tell(w, "%s generation %llu.%llu", world_name(i),
		   (unsigned long long)lineage_head(&s->lineage).term,
		   (unsigned long long)lineage_head(&s->lineage).number);
	feed_trees(w, i, SYNC_EV_MADE);
}

/* --- following --- */

static void put_aside(struct mirror *s, const struct mirror_plan *p)
{
	for (unsigned c = 0; c < MIRROR_CELLS; c++)
		if (p->told[c] && s->file[c] != p->cell[c] && p->keep_above != UINT64_MAX &&
		    (s->index.number[c] > p->keep_above || s->index.cell[c] != s->file[c]) &&
		    s->file[c] > s->kept[c])
			s->kept[c] = s->file[c];
}

/* Carries out what is in the journal; what was as it should be belongs to the generation as well. */
static void apply(struct world *w, struct mirror *s)
{
	const struct mirror_plan *p = &s->journaled;
	uint64_t number = lineage_head(&p->target).number;
	bool foreign = false;

	for (unsigned c = 0; c < MIRROR_CELLS; c++) {
		if (p->told[c]) {
			s->index.cell[c] = p->cell[c];
			s->index.number[c] = number;
			if (w->mutant != MUTANT_HALF_COMMIT || c % 2 == 0)
				s->file[c] = p->cell[c];
		}
		foreign |= s->file[c] != s->index.cell[c] && w->mutant != MUTANT_HALF_COMMIT;
		foreign |= s->index.number[c] == NO_NUMBER;
	}
	s->lineage = p->target;
	s->foreign = foreign;
	recognise(s);
	sync_files(w, s);
	s->disk = s->index;
	s->journal = false;
}

/* Would that be all of the generation? Something here may have changed behind the index. */
static bool is_fit(const struct mirror *s, const struct lineage *target)
{
	uint32_t cell[MIRROR_CELLS];
	uint8_t digest[HA_KEY_LEN];

	for (unsigned c = 0; c < MIRROR_CELLS; c++)
		cell[c] = s->plan.told[c] ? s->plan.cell[c] : s->index.cell[c];
	digest_of(s, cell, digest);
	return memcmp(digest, target->digest, HA_KEY_LEN) == 0;
}

static void begin_commit(struct world *w, int i, const struct lineage *target)
{
	struct mirror *s = &w->n[i].mirror;
	ha_time delay = w->n[i].store.delay;

	if (!s->plan.on || !s->plan.ended)
		world_broken(w, INV_PARTIAL, "a commit without a whole plan");
	if (!s->sync.self.holds && !is_fit(s, target)) {
		s->plan.on = false;
		feed_type(w, i, SYNC_EV_UNFIT);
		return;
	}
	s->plan.target = *target;
	s->committing = true;
	s->busy_until = w->now + 3 * delay;
	run_errand(w, i, ERRAND_JOURNALED, w->now + delay);
}

static void on_journaled(struct world *w, int i)
{
	struct mirror *s = &w->n[i].mirror;

	if (w->n[i].store.failing) {
		s->committing = s->plan.on = false;
		s->busy_until = 0;
		feed_failed(w, i);
		return;
	}
	put_aside(s, &s->plan);
	s->journaled = s->plan;
	s->journal = true;
	run_errand(w, i, ERRAND_COMMITTED, w->now + 2 * w->n[i].store.delay);
}

static void check_whole(const struct world *w, int i)
{
	const struct mirror *s = &w->n[i].mirror;
	const uint32_t *whole = generation(w, lineage_head(&s->lineage));

	if (whole != NULL && !s->foreign && memcmp(whole, s->file, sizeof(s->file)) != 0)
		world_broken(w, INV_PARTIAL, "the files are no generation that was made");
}

static void on_committed(struct world *w, int i)
{
	struct mirror *s = &w->n[i].mirror;

	apply(w, s);
	s->committing = s->plan.on = false;
	s->busy_until = 0;
	w->n[i].whole = true;
	w->past.committed++;
	world_tell(w, "%s commits %llu.%llu", world_name(i),
		   (unsigned long long)lineage_head(&s->lineage).term,
		   (unsigned long long)lineage_head(&s->lineage).number);
	feed_trees(w, i, SYNC_EV_COMMITTED);
}

/* All that was told is here, if it still is what the leader has. */
static void on_fetched(struct world *w, int i)
{
	struct mirror *s = &w->n[i].mirror;
	const struct mirror *from = &w->n[1 - i].mirror;
	struct sync_event ev = {.type = SYNC_EV_PLAN, .complete = true};

	if (!s->plan.on || !s->plan.ended)
		return;
	for (unsigned c = 0; c < MIRROR_CELLS; c++)
		if (s->plan.told[c] && s->plan.cell[c] != s->file[c] &&
		    s->plan.cell[c] != from->file[c])
			ev.complete = false;
	ev.stalled =
		!ev.complete; /* the leader has another by now, and has told all it was asked for */
	if (ev.stalled && s->stream != 0 && s->stream == from->stream)
		run_errand(w, 1 - i, ERRAND_CHANGED, w->now + HA_MS); /* it looks at that again */
	feed(w, i, &ev);
}

/* --- the stream: what is said arrives, and in order, or the stream ends --- */

static void launch(struct world *w, int i, ha_time after)
{
	const struct world_wire *wire = &w->wire[HA_PATH_LINK][i][1 - i];
	struct world_message *m =
		world_post(w, STREAM, 1 - i, w->now + after + wire->delay + wire->jitter);

	m->from = i;
	m->stream = w->n[i].mirror.stream;
}

static void end_stream(struct world *w, int i)
{
	struct mirror *s = &w->n[i].mirror;
	bool up = s->stream != 0;

	s->stream = 0;
	s->n = s->first = 0;
	s->stuck = false;
	if (up)
		feed_type(w, i, SYNC_EV_DOWN);
}

static void open_later(struct world *w, int i, ha_time at)
{
	struct mirror *s = &w->n[i].mirror;

	if (s->opening || !s->running)
		return;
	s->opening = true;
	run_errand(w, i, ERRAND_STREAM, at);
}

static void say(struct world *w, int i, const struct mirror_said *what)
{
	struct mirror *s = &w->n[i].mirror;

	if (s->stream == 0)
		return;
	if (s->n == MIRROR_SAID) { /* nothing goes through: a new stream says what matters then */
		s->n = 0;
		s->stuck = true;
	}
	if (s->stuck)
		return;
	s->said[(s->first + s->n++) % MIRROR_SAID] = *what;
	if (s->n == 1)
		launch(w, i, 0);
}

static void hear_list(struct world *w, int i, const struct mirror_said *what)
{
	struct mirror *s = &w->n[i].mirror;
	struct sync_event ev = {.type = SYNC_EV_BEGIN, .full = what->full, .since = what->since};

	feed(w, i, &ev);
	if (!s->plan.on)
		return;
	for (unsigned c = 0; c < MIRROR_CELLS; c++)
		if (what->told[c]) {
			s->plan.told[c] = true;
			s->plan.cell[c] = what->cell[c];
		}
	s->plan.ended = true;
	ev = (struct sync_event){.type = SYNC_EV_END, .end = what->end};
	feed(w, i, &ev);
	run_errand(w, i, ERRAND_FETCHED, w->now + (w->n[i].whole ? FETCH : FETCH_1ST));
}

static void hear(struct world *w, int i, const struct mirror_said *what)
{
	struct sync_event ev;

	if (said_heard(what->type, what->since, &what->head, &what->status, &ev))
		feed(w, i, &ev);
	else
		hear_list(w, i, what);
}

void mirror_on_stream(struct world *w, const struct world_message *m)
{
	struct mirror *from = &w->n[m->from].mirror, *to = &w->n[m->to].mirror;
	struct mirror_said what;

	if (m->stream != from->stream || !from->running)
		return;
	if (from->stuck && w->now >= from->busy_until && w->now >= w->n[m->from].frozen_until) {
		end_stream(w, m->from);
		open_later(w, m->from, w->now + AGAIN);
		return;
	}
	if (m->stream != to->stream || !to->running || w->now < to->busy_until ||
	    !world_passes(w, HA_PATH_LINK, m->from, m->to)) {
		launch(w, m->from, AGAIN);
		return;
	}
	what = from->said[from->first];
	from->first = (from->first + 1) % MIRROR_SAID;
	from->n--;
	if (from->n > 0)
		launch(w, m->from, 0);
	hear(w, m->to, &what);
}

/* Under which session its keys would be made; 0: none. */
static uint64_t key_of(const struct world *w, int i)
{
	const struct world_node *n = &w->n[i];
	const uint8_t *exporter;
	uint64_t key = 0;

	if (!w->sealed)
		return n->session[HA_PATH_LINK] == 0 ? 0
		       : i == A ? n->store.boot << 32 | n->session[HA_PATH_LINK]
				: n->session[HA_PATH_LINK] << 32 | n->store.boot;
	exporter = n->sealed.open ? session_exporter(&n->sealed.session[HA_PATH_LINK]) : NULL;
	if (exporter != NULL)
		memcpy(&key, exporter, sizeof(key));
	return key;
}

static void on_stream_due(struct world *w, int i)
{
	struct mirror *s = &w->n[i].mirror, *peer = &w->n[1 - i].mirror;

	s->opening = false;
	if (s->key == 0 || s->stream != 0)
		return;
	if (!peer->running || peer->key != s->key || w->now < peer->busy_until ||
	    w->now < w->n[1 - i].frozen_until || !world_passes(w, HA_PATH_LINK, i, 1 - i) ||
	    !world_passes(w, HA_PATH_LINK, 1 - i, i)) {
		open_later(w, i, w->now + AGAIN);
		return;
	}
	end_stream(w, 1 - i);
	s->stream = peer->stream = ++w->past.stream;
	feed_type(w, i, SYNC_EV_UP);
	feed_type(w, 1 - i, SYNC_EV_UP);
}

/* --- what the machine wants --- */

static void list(struct world *w, int i, const struct sync_action *a)
{
	const struct mirror *s = &w->n[i].mirror;
	struct mirror_said what = {.type = SYNC_ACT_SAY_LIST, .since = a->since, .full = a->full};

	for (unsigned c = 0; c < MIRROR_CELLS; c++) {
		what.told[c] = a->full || s->index.number[c] > a->since;
		what.cell[c] = s->index.cell[c];
	}
	what.end.head = lineage_head(&a->lineage);
	memcpy(what.end.digest, a->lineage.digest, HA_KEY_LEN);
	say(w, i, &what);
}

static bool is_written(const struct mirror *s, unsigned c, uint32_t value)
{
	return s->platter[c] >= value || s->kept[c] >= value ||
	       (s->journal && s->journaled.told[c] && s->journaled.cell[c] >= value);
}

/* SPEC 6.R39: what was acknowledged is on both disks. */
static void acknowledge(struct world *w, const uint32_t cell[MIRROR_CELLS])
{
	w->past.acknowledged++;
	for (unsigned c = 0; c < MIRROR_CELLS; c++) {
		for (int k = A; k <= B; k++)
			if (!is_written(&w->n[k].mirror, c, cell[c]))
				world_broken(w, INV_BARRIER, "acknowledged, and not on both disks");
		if (cell[c] > w->past.acked[c])
			w->past.acked[c] = cell[c];
	}
}

static void answer(struct world *w, int i, const struct sync_action *a)
{
	struct mirror *s = &w->n[i].mirror;

	for (unsigned k = 0; k < MIRROR_BARRIERS; k++) {
		if (s->barrier[k].request != a->request)
			continue;
		s->barrier[k].request = 0;
		if (s->barrier[k].compare)
			return;
		world_tell(w, "%s barrier: %s", world_name(i), a->ok ? "done" : a->reason);
		if (a->ok)
			sync_files(w, s);
		if (a->ok)
			acknowledge(w, s->barrier[k].cell);
		else
			w->past.refused++;
	}
}

static void carry(struct world *w, int i, const struct sync_action *a)
{
	struct mirror *s = &w->n[i].mirror;
	struct mirror_said what = {.type = a->type, .since = a->since};

	switch (a->type) {
	case SYNC_ACT_SAY_HEAD:
		sync_own_head(&s->sync, &what.head);
		say(w, i, &what);
		break;
	case SYNC_ACT_SAY_STATUS:
		sync_own_status(&s->sync, &what.status);
		say(w, i, &what);
		break;
	case SYNC_ACT_SAY_PULL:
	case SYNC_ACT_SAY_COMPARE:
		say(w, i, &what);
		break;
	case SYNC_ACT_SAY_LIST:
		list(w, i, a);
		break;
	case SYNC_ACT_SCAN:
		scan(w, i, SCAN);
		break;
	case SYNC_ACT_ADOPT: /* all have one key here */
		world_fail(w, "another key");
		break;
	case SYNC_ACT_PLAN:
		s->plan = (struct mirror_plan){.on = true, .keep_above = a->keep_above};
		break;
	case SYNC_ACT_DROP:
		s->plan.on = false;
		break;
	case SYNC_ACT_COMMIT:
		begin_commit(w, i, &a->lineage);
		break;
	case SYNC_ACT_GENERATION:
		s->generating = a->lineage;
		s->busy_until = w->now + w->n[i].store.delay;
		run_errand(w, i, ERRAND_MADE, s->busy_until);
		break;
	case SYNC_ACT_ANSWER:
		answer(w, i, a);
		break;
	}
}

/* --- errands --- */

static void on_self(struct world *w, int i)
{
	struct mirror *s = &w->n[i].mirror;
	struct sync_event ev = {.type = SYNC_EV_SELF, .self = s->told};
	bool held = s->sync.self.holds;

	if (!s->self_known)
		return;
	if (s->told.holds && !held)
		scan(w, i, SCAN);
	feed(w, i, &ev);
}

static bool waits_for_commit(enum mirror_errand errand)
{
	return errand != ERRAND_JOURNALED && errand != ERRAND_COMMITTED && errand != ERRAND_MADE;
}

void mirror_errand(struct world *w, const struct world_message *m)
{
	struct mirror *s = &w->n[m->to].mirror;

	if (m->stream != s->start || !s->running)
		return;
	if (w->now < s->busy_until && waits_for_commit(m->errand)) {
		run_errand(w, m->to, m->errand, s->busy_until + HA_US);
		return;
	}
	switch (m->errand) {
	case ERRAND_SELF:
		on_self(w, m->to);
		break;
	case ERRAND_SCANNED:
		on_scanned(w, m->to);
		break;
	case ERRAND_CHANGED:
		s->scanning = true;
		feed_trees(w, m->to, SYNC_EV_TREES);
		scan(w, m->to, DEBOUNCE);
		break;
	case ERRAND_MADE:
		s->busy_until = 0;
		on_made(w, m->to);
		break;
	case ERRAND_FETCHED:
		on_fetched(w, m->to);
		break;
	case ERRAND_JOURNALED:
		on_journaled(w, m->to);
		break;
	case ERRAND_COMMITTED:
		on_committed(w, m->to);
		break;
	case ERRAND_STREAM:
		on_stream_due(w, m->to);
		break;
	}
}

/* --- from outside --- */

void mirror_start(struct world *w, int i)
{
	struct mirror *s = &w->n[i].mirror;

	s->self_known = s->reported = false; /* there is a new engine */
	if (s->running)
		return;
	s->running = true;
	s->start = ++w->order;
	s->scanning = s->committing = s->opening = false;
	s->plan.on = false;
	s->busy_until = 0;
	s->stream = 0;
	s->n = s->first = 0;
	memset(s->barrier, 0, sizeof(s->barrier));
	s->index = s->disk;
	if (s->journal) {
		apply(w, s);
		w->n[i].whole = true;
	}
	sync_init(&s->sync, &s->lineage, world_local(w, i, w->now));
	scan(w, i, SCAN);
	if (s->key != 0)
		open_later(w, i, w->now + HA_MS);
}

void mirror_stop(struct world *w, int i)
{
	(void)w;
	w->n[i].mirror.running = false;
}

void mirror_power_off(struct world *w, int i)
{
	struct mirror *s = &w->n[i].mirror;
	bool lost = false;

	s->running = false;
	s->key = 0;
	for (unsigned c = 0; c < MIRROR_CELLS; c++) {
		if (s->file[c] == s->platter[c])
			continue;
		if (world_chance(w, 2)) {
			s->platter[c] = s->file[c];
			continue;
		}
		s->file[c] = s->platter[c];
		s->foreign = lost = true; /* what its maker loses is still the other one's */
	}
	if (lost)
		world_tell(w, "%s loses what was not synced", world_name(i));
}

static void follow_key(struct world *w, int i)
{
	struct mirror *s = &w->n[i].mirror;
	uint64_t key = key_of(w, i);

	if (key == s->key || w->now < s->busy_until)
		return; /* while it is busy it reads nothing */
	s->key = key;
	end_stream(w, i);
	if (key != 0)
		open_later(w, i, w->now + HA_MS);
}

void mirror_follow(struct world *w, int i)
{
	const struct world_node *n = &w->n[i];
	struct mirror *s = &w->n[i].mirror;
	const struct sync_self self = {
		.paired = n->node.config.paired,
		.holds = n->node.claim == HA_CLAIM_HOLDING &&
			 n->node.term == n->store.disk.held_term,
		.whole = n->node.whole_copy,
		.peer_heard = node_peer_audible(&n->node, world_local(w, i, w->now)),
		.term = n->node.term,
	};

	if (!s->running)
		return;
	follow_key(w, i);
	if (s->self_known && self.paired == s->told.paired && self.holds == s->told.holds &&
	    self.whole == s->told.whole && self.peer_heard == s->told.peer_heard &&
	    self.term == s->told.term)
		return;
	s->told = self;
	s->self_known = true;
	run_errand(w, i, ERRAND_SELF, w->now + 20 * HA_US);
}

void mirror_barrier(struct world *w, int i, bool compare)
{
	struct mirror *s = &w->n[i].mirror;
	struct sync_event ev = {.type = compare ? SYNC_EV_FORCE : SYNC_EV_BARRIER};
	unsigned k = 0;

	if (!w->n[i].running || !s->running || w->now < s->busy_until ||
	    w->now < w->n[i].frozen_until)
		return;
	while (k < MIRROR_BARRIERS && s->barrier[k].request != 0)
		k++;
	if (k == MIRROR_BARRIERS)
		return;
	ev.request = ++s->requests;
	ev.until = world_local(w, i, w->now) + BARRIER;
	s->barrier[k].request = ev.request;
	s->barrier[k].compare = compare;
	memcpy(s->barrier[k].cell, s->file, sizeof(s->file));
	feed(w, i, &ev);
}

ha_time mirror_next(const struct world *w, int i)
{
	const struct mirror *s = &w->n[i].mirror;
	ha_time next = sync_deadline(&s->sync), busy = world_local(w, i, s->busy_until),
		frozen = world_local(w, i, w->n[i].frozen_until);

	if (next == HA_NEVER || s->committing)
		return HA_NEVER;
	next = next > busy ? next : busy;
	return next > frozen ? next : frozen;
}

void mirror_timer(struct world *w, int i)
{
	feed_type(w, i, SYNC_EV_TIMER);
}

/* Who joins has nothing that counts, and nobody was promised anything yet. */
void mirror_joined(struct world *w, int joiner)
{
	w->n[joiner].mirror.foreign = true;
	memset(w->past.acked, 0, sizeof(w->past.acked));
}

void mirror_init(struct world *w)
{
	w->past.value = MIRROR_CELLS;
	for (int i = A; i <= B; i++) {
		struct mirror *s = &w->n[i].mirror;

		for (unsigned c = 0; c < MIRROR_CELLS; c++) {
			s->file[c] = s->platter[c] = s->index.cell[c] = c + 1;
			s->index.number[c] = 7;
		}
		s->disk = s->index;
		s->lineage.n = 1;
		s->lineage.point[0] = (struct lineage_point){2, 7};
		digest_of(s, s->file, s->lineage.digest);
		remember(w, &s->lineage, s->file);
	}
}

/* --- what must be true --- */

void mirror_check(const struct world *w, int i)
{
	const struct mirror *s = &w->n[i].mirror;

	if (!s->running || s->committing || s->journal || !w->n[i].store.paired)
		return;
	check_whole(w, i);
}

bool mirror_same(const struct world *w)
{
	const struct mirror *a = &w->n[A].mirror, *b = &w->n[B].mirror;

	return memcmp(a->file, b->file, sizeof(a->file)) == 0 &&
	       lineage_equal(&a->lineage, &b->lineage);
}

void mirror_settled(const struct world *w)
{
	const struct mirror *s = w->n[A].mirror.running ? &w->n[A].mirror : NULL;

	if (s == NULL || !mirror_same(w))
		world_broken(w, INV_HEALED, "the two have not the same settings");
	for (unsigned c = 0; c < MIRROR_CELLS; c++)
		if (s->file[c] < w->past.acked[c] && w->n[A].mirror.kept[c] < w->past.acked[c] &&
		    w->n[B].mirror.kept[c] < w->past.acked[c])
			world_broken(w, INV_BARRIER, "what was acknowledged is lost");
}
