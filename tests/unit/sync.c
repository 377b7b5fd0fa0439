/* The settings machine (SPEC 6.3 to 6.8): two of them, with trees that are a handful of numbers, and a stream that can be
 * cut. What the trees hold is checked against what was acknowledged. */
#include <criterion/criterion.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "proto/sync.h"
#include "tests/sim/said.h"

enum {
	CELLS = 6, /* "files" of a tree: each holds a value */
	A = 0,
	B = 1,
	QUEUE = 256,
	PENDING = 0,
};

/* What one says to the other, in order. */
struct said {
	enum sync_action_type type;
	struct sync_head head;
	struct sync_status status;
	uint64_t since;
	bool full;
	struct sync_end end;
	uint32_t cell[CELLS];
	bool told[CELLS];
};

struct side {
	struct sync sync;
	struct lineage disk; /* what a crash leaves */
	uint8_t key[HA_KEY_LEN];
	uint32_t cell[CELLS];
	uint64_t number[CELLS]; /* of the generation that changed it; UINT64_MAX: none yet */
	bool paired, holds, whole, paused, alive, scanning, unexported;
	uint64_t term;
	/* following */
	bool planning, plan_full, plan_ended;
	uint32_t plan[CELLS];
	bool planned[CELLS];
	uint64_t keep_above;
	unsigned kept; /* values set aside */
	uint32_t kept_value[64];
	bool fail_next; /* the next commit */
	/* operators */
	unsigned answers;
	bool answer_ok;
	char answer[SYNC_REASON_MAX + 1];
	struct said queue[QUEUE];
	unsigned first, n;
};

struct pair {
	struct side side[2];
	ha_time now;
	bool connected;
};

static void digest(const struct side *s, uint8_t out[HA_KEY_LEN])
{
	uint8_t bytes[CELLS * 4];

	memcpy(bytes, s->cell, sizeof(bytes));
	crypto_generichash(out, HA_KEY_LEN, bytes, sizeof(bytes), s->key, HA_KEY_LEN);
}

static uint64_t pending(const struct side *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < CELLS; i++)
		n += s->number[i] == UINT64_MAX;
	return n;
}

static void carry(struct pair *, unsigned, const struct sync_actions *);

static void feed(struct pair *p, unsigned who, struct sync_event *ev)
{
	struct side *s = &p->side[who];
	struct sync_actions out;

	if (!s->alive)
		return;
	ev->now = p->now;
	sync_step(&s->sync, ev, &out);
	carry(p, who, &out);
}

static struct sync_trees trees_of(const struct side *s)
{
	struct sync_trees t = {.settled = !s->scanning, .pending = pending(s), .entries = CELLS};

	t.export_failed = s->unexported;
	memcpy(t.key, s->key, HA_KEY_LEN);
	digest(s, t.digest);
	return t;
}

static void feed_trees(struct pair *p, unsigned who)
{
	struct sync_event ev = {.type = SYNC_EV_TREES, .reason = "the export has failed"};

	p->side[who].scanning = false;
	ev.trees = trees_of(&p->side[who]);
	feed(p, who, &ev);
}

static void feed_type(struct pair *p, unsigned who, enum sync_event_type type)
{
	struct sync_event ev = {.type = type};

	feed(p, who, &ev);
}

static void feed_self(struct pair *p, unsigned who)
{
	const struct side *s = &p->side[who];
	struct sync_event ev = {.type = SYNC_EV_SELF,
				.self = {.paired = s->paired,
					 .holds = s->holds,
					 .whole = s->whole,
					 .paused = s->paused,
					 .peer_heard = p->connected && p->side[1 - who].alive,
					 .term = s->term}};

	feed(p, who, &ev);
}

static void say(struct pair *p, unsigned who, const struct said *what)
{
	struct side *s = &p->side[who];

	if (!p->connected)
		return;
	cr_assert_lt(s->n, QUEUE);
	s->queue[(s->first + s->n++) % QUEUE] = *what;
}

static void commit(struct pair *p, unsigned who, const struct lineage *lineage)
{
	struct side *s = &p->side[who];
	struct sync_event ev = {.type = SYNC_EV_COMMITTED};

	cr_assert(s->planning && s->plan_ended, "only a whole plan is committed");
	s->planning = false;
	if (s->fail_next) {
		s->fail_next = false;
		ev.type = SYNC_EV_FAILED;
		snprintf(ev.reason, sizeof(ev.reason), "disk full");
		feed(p, who, &ev);
		return;
	}
	for (unsigned i = 0; i < CELLS; i++) {
		if (!s->planned[i] || s->cell[i] == s->plan[i])
			continue;
		if (s->number[i] > s->keep_above && s->keep_above != UINT64_MAX)
			s->kept_value[s->kept++ % 64] = s->cell[i];
		s->cell[i] = s->plan[i];
		s->number[i] = lineage_head(lineage).number;
	}
	for (unsigned i = 0; i < CELLS; i++) /* what fits already belongs to it, too */
		if (s->planned[i] && s->cell[i] == s->plan[i] && s->number[i] == UINT64_MAX)
			s->number[i] = lineage_head(lineage).number;
	s->disk = *lineage;
	ev.trees = trees_of(s);
	feed(p, who, &ev);
	s->whole |= s->sync.self.whole;
}

static void list(struct pair *p, unsigned who, const struct sync_action *a)
{
	const struct side *s = &p->side[who];
	struct said what = {.type = SYNC_ACT_SAY_LIST, .since = a->since, .full = a->full};

	for (unsigned i = 0; i < CELLS; i++) {
		what.told[i] = a->full || s->number[i] > a->since;
		what.cell[i] = s->cell[i];
	}
	what.end.head = lineage_head(&a->lineage);
	memcpy(what.end.digest, a->lineage.digest, HA_KEY_LEN);
	say(p, who, &what);
}

static void made(struct pair *p, unsigned who, const struct lineage *lineage)
{
	struct side *s = &p->side[who];
	struct sync_event ev = {.type = SYNC_EV_MADE};

	cr_assert(s->holds, "only who holds makes generations");
	cr_assert_gt(lineage_head(lineage).number, lineage_head(&s->disk).number,
		     "no number twice");
	s->disk = *lineage;
	for (unsigned i = 0; i < CELLS; i++)
		if (s->number[i] == UINT64_MAX)
			s->number[i] = lineage_head(lineage).number;
	ev.trees = trees_of(s);
	feed(p, who, &ev);
}

static void carry_one(struct pair *p, unsigned who, const struct sync_action *a)
{
	struct side *s = &p->side[who];
	struct said what = {.type = a->type, .since = a->since};

	switch (a->type) {
	case SYNC_ACT_SAY_HEAD:
		sync_own_head(&s->sync, &what.head);
		say(p, who, &what);
		break;
	case SYNC_ACT_SAY_STATUS:
		sync_own_status(&s->sync, &what.status);
		say(p, who, &what);
		break;
	case SYNC_ACT_SAY_PULL:
	case SYNC_ACT_SAY_COMPARE:
		say(p, who, &what);
		break;
	case SYNC_ACT_SAY_LIST:
		list(p, who, a);
		break;
	case SYNC_ACT_SCAN:
		s->scanning = true;
		break;
	case SYNC_ACT_ADOPT:
		memcpy(s->key, a->key, HA_KEY_LEN);
		for (unsigned i = 0; i < CELLS; i++)
			s->number[i] = UINT64_MAX;
		s->scanning = true;
		break;
	case SYNC_ACT_PLAN:
		s->planning = true;
		s->plan_ended = false;
		s->plan_full = a->full;
		s->keep_above = a->keep_above;
		memset(s->planned, 0, sizeof(s->planned));
		break;
	case SYNC_ACT_DROP:
		s->planning = false;
		break;
	case SYNC_ACT_COMMIT:
		commit(p, who, &a->lineage);
		break;
	case SYNC_ACT_GENERATION:
		made(p, who, &a->lineage);
		break;
	case SYNC_ACT_ANSWER:
		s->answers++;
		s->answer_ok = a->ok;
		memcpy(s->answer, a->reason, sizeof(s->answer));
		cr_assert(a->ok == (a->reason[0] == '\0'), "a refusal has a reason");
		break;
	}
}

static void carry(struct pair *p, unsigned who, const struct sync_actions *out)
{
	for (unsigned i = 0; i < out->n; i++)
		carry_one(p, who, &out->a[i]);
}

static void hear_list(struct pair *p, unsigned who, const struct said *what)
{
	struct side *s = &p->side[who];

	feed(p, who,
	     &(struct sync_event){.type = SYNC_EV_BEGIN, .full = what->full, .since = what->since});
	if (!s->planning)
		return;
	for (unsigned i = 0; i < CELLS; i++)
		if (what->told[i]) {
			s->plan[i] = what->cell[i];
			s->planned[i] = true;
		}
	s->plan_ended = true;
	feed(p, who, &(struct sync_event){.type = SYNC_EV_END, .end = what->end});
	feed(p, who, &(struct sync_event){.type = SYNC_EV_PLAN, .complete = true});
}

/* Hands over the oldest thing that `who` said. */
static void deliver(struct pair *p, unsigned who)
{
	struct side *from = &p->side[who];
	struct said what = from->queue[from->first];
	struct sync_event ev;

	from->first = (from->first + 1) % QUEUE;
	from->n--;
	if (said_heard(what.type, what.since, &what.head, &what.status, &ev))
		feed(p, 1 - who, &ev);
	else
		hear_list(p, 1 - who, &what);
}

static void cut(struct pair *p)
{
	p->connected = false;
	for (unsigned i = 0; i < 2; i++) {
		p->side[i].n = 0;
		feed_type(p, i, SYNC_EV_DOWN);
		feed_self(p, i);
	}
}

static void join(struct pair *p)
{
	p->connected = true;
	for (unsigned i = 0; i < 2; i++)
		feed_self(p, i);
	for (unsigned i = 0; i < 2; i++)
		feed_type(p, i, SYNC_EV_UP);
}

/* Lets time pass until nobody has anything to say; at most `limit`. */
static void settle(struct pair *p, ha_time limit)
{
	ha_time end = p->now + limit;

	for (unsigned guard = 0; guard < 100000; guard++) {
		ha_time next = HA_NEVER;
		bool moved = false;

		for (unsigned i = 0; i < 2; i++) {
			if (p->side[i].alive && p->side[i].scanning) {
				feed_trees(p, i);
				moved = true;
			}
			if (p->side[i].n > 0) {
				deliver(p, i);
				moved = true;
			}
		}
		if (moved)
			continue;
		for (unsigned i = 0; i < 2; i++)
			if (p->side[i].alive && sync_deadline(&p->side[i].sync) < next)
				next = sync_deadline(&p->side[i].sync);
		if (next == HA_NEVER || next > end) {
			p->now = end;
			return;
		}
		cr_assert_geq(next, p->now);
		p->now = next;
		for (unsigned i = 0; i < 2; i++)
			if (p->now >= sync_deadline(&p->side[i].sync))
				feed_type(p, i, SYNC_EV_TIMER);
	}
	cr_assert_fail("it does not come to rest");
}

static void start(struct pair *p, unsigned who)
{
	struct side *s = &p->side[who];

	s->alive = true;
	s->planning = false;
	sync_init(&s->sync, &s->disk, p->now);
	feed_self(p, who);
	feed_trees(p, who);
}

/* The syncer dies; what was in memory is lost, and a tree whose numbers are not on disk is known by its content only. */
static void crash(struct pair *p, unsigned who)
{
	cut(p);
	p->side[who].alive = false;
}

static void change(struct pair *p, unsigned who, unsigned cell, uint32_t value)
{
	struct side *s = &p->side[who];

	s->cell[cell] = value;
	s->number[cell] = UINT64_MAX;
}

static bool same(const struct pair *p)
{
	return memcmp(p->side[A].cell, p->side[B].cell, sizeof(p->side[A].cell)) == 0;
}

static enum sync_state state(const struct pair *p, unsigned who)
{
	struct sync_view v;

	sync_view(&p->side[who].sync, &v);
	return v.state;
}

/* A holds; B has just joined and has nothing of its own that counts. */
static void fresh(struct pair *p)
{
	memset(p, 0, sizeof(*p));
	p->now = 100 * HA_SEC;
	for (unsigned i = 0; i < 2; i++) {
		struct side *s = &p->side[i];

		s->paired = true;
		memset(s->key, (int)(0x11 * (i + 1)), HA_KEY_LEN);
		for (unsigned c = 0; c < CELLS; c++) {
			s->cell[c] = 10 * (i + 1) + c;
			s->number[c] = UINT64_MAX;
		}
	}
	p->side[A].holds = p->side[A].whole = true;
	p->side[A].term = 4;
	start(p, A);
	start(p, B);
	join(p);
}

/* Who holds changes hands as node.h would have it: never two, and not while the other's word is missing. */
static void turn(struct pair *p)
{
	unsigned from = p->side[A].holds ? A : B, to = 1 - from;
	uint64_t term =
		p->side[from].term > p->side[to].term ? p->side[from].term : p->side[to].term;

	if (!p->side[to].whole || !p->side[to].alive)
		return;
	p->side[from].holds = false;
	feed_self(p, from);
	p->side[to].holds = true;
	p->side[to].term = term + 1;
	feed_self(p, to);
}

static void synced(struct pair *p)
{
	fresh(p);
	settle(p, HA_SEC);
	cr_assert(same(p));
}

Test(sync, the_first_copy_makes_the_follower_whole_and_asks_nobody)
{
	struct pair p;

	fresh(&p);
	cr_assert_neq(state(&p, B), SYNC_SYNCED);
	settle(&p, HA_SEC);
	cr_assert(same(&p));
	cr_assert_eq(p.side[B].cell[0], 10, "the holder's settings are the pair's");
	cr_assert(p.side[B].whole);
	cr_assert_eq(p.side[B].kept, 0, "the operator agreed that they are replaced");
	cr_assert_eq(state(&p, A), SYNC_SYNCED);
	cr_assert_eq(state(&p, B), SYNC_SYNCED);
	cr_assert_arr_eq(p.side[B].key, p.side[A].key, HA_KEY_LEN);
}

Test(sync, a_change_is_a_generation_and_only_it_is_told)
{
	struct pair p;
	uint64_t number;

	synced(&p);
	number = lineage_head(&p.side[A].disk).number;
	change(&p, A, 2, 77);
	feed_trees(&p, A);
	cr_assert_eq(lineage_head(&p.side[A].disk).number, number + 1);
	cr_assert_not(same(&p));
	cr_assert_neq(state(&p, A), SYNC_SYNCED, "the active knows what the passive lacks");
	settle(&p, HA_SEC);
	cr_assert(same(&p));
	for (unsigned i = 0; i < CELLS; i++)
		cr_assert_eq(p.side[B].planned[i], i == 2);
	cr_assert_eq(lineage_head(&p.side[B].disk).number, number + 1);
}

/* The index has it as changed, so it has no number: the digest alone does not tell. */
Test(sync, what_was_written_anew_as_it_was_is_a_generation_too)
{
	struct pair p;
	uint64_t number;

	synced(&p);
	number = lineage_head(&p.side[A].disk).number;
	change(&p, A, 2, p.side[A].cell[2]);
	feed_trees(&p, A);
	settle(&p, HA_SEC);
	cr_assert_eq(lineage_head(&p.side[A].disk).number, number + 1);
	cr_assert_eq(p.side[A].number[2], number + 1);
	cr_assert(lineage_equal(&p.side[A].disk, &p.side[B].disk));
}

Test(sync, nothing_is_made_before_the_other_ones_head_is_known)
{
	struct pair p;
	uint64_t number;

	synced(&p);
	cut(&p);
	number = lineage_head(&p.side[A].disk).number;
	p.connected = true;
	feed_type(&p, A, SYNC_EV_UP);
	change(&p, A, 0, 5);
	feed_trees(&p, A);
	cr_assert_eq(lineage_head(&p.side[A].disk).number, number,
		     "it may be that the other one only has more");
	feed_type(&p, B, SYNC_EV_UP);
	settle(&p, HA_SEC);
	cr_assert_eq(lineage_head(&p.side[A].disk).number, number + 1);
	cr_assert(same(&p));
}

Test(sync, alone_the_holder_goes_on_and_the_passive_is_out_of_sync)
{
	struct pair p;

	synced(&p);
	cut(&p);
	cr_assert_eq(state(&p, A), SYNC_SYNCED, "as far as anybody knows");
	change(&p, A, 1, 99);
	feed_trees(&p, A);
	settle(&p, 10 * HA_SEC);
	cr_assert_eq(state(&p, A), SYNC_OUT_OF_SYNC);
	join(&p);
	settle(&p, HA_SEC);
	cr_assert(same(&p));
	cr_assert_eq(state(&p, A), SYNC_SYNCED);
}

Test(sync, after_a_takeover_the_direction_turns)
{
	struct pair p;

	synced(&p);
	crash(&p, A);
	p.side[A].holds = false;
	p.side[B].holds = true;
	p.side[B].term = 5;
	feed_self(&p, B);
	change(&p, B, 3, 55);
	feed_trees(&p, B);
	cr_assert_eq(lineage_head(&p.side[B].disk).term, 5);
	start(&p, A);
	join(&p);
	settle(&p, HA_SEC);
	cr_assert(same(&p));
	cr_assert_eq(p.side[A].cell[3], 55);
	cr_assert_eq(p.side[A].kept, 0, "it had only missed something");
}

Test(sync, what_the_old_active_made_by_itself_is_kept_aside)
{
	struct pair p;

	synced(&p);
	cut(&p);
	change(&p, A, 0, 1000); /* the passive never hears of it */
	feed_trees(&p, A);
	p.side[B].holds = true;
	p.side[B].term = 5;
	p.side[A].holds = false;
	feed_self(&p, A);
	feed_self(&p, B);
	change(&p, B, 1, 2000);
	feed_trees(&p, B);
	join(&p);
	settle(&p, HA_SEC);
	cr_assert(same(&p));
	cr_assert_eq(p.side[A].cell[0], 10);
	cr_assert_eq(p.side[A].cell[1], 2000);
	cr_assert_eq(p.side[A].kept, 1);
	cr_assert_eq(p.side[A].kept_value[0], 1000);
}

Test(sync, a_new_holder_that_changed_nothing_takes_what_the_old_one_has_more)
{
	struct pair p;

	synced(&p);
	cut(&p);
	change(&p, A, 0, 1000);
	feed_trees(&p, A);
	p.side[B].holds = true;
	p.side[B].term = 5;
	p.side[A].holds = false;
	feed_self(&p, A);
	feed_self(&p, B);
	join(&p);
	settle(&p, HA_SEC);
	cr_assert(same(&p));
	cr_assert_eq(p.side[B].cell[0], 1000, "the returner's generation is the newer");
	cr_assert_eq(p.side[A].kept + p.side[B].kept, 0);
}

Test(sync, a_new_holder_keeps_what_it_changes_before_it_has_what_the_old_one_has_more)
{
	struct pair p;

	synced(&p);
	cut(&p);
	change(&p, A, 0, 1000);
	feed_trees(&p, A);
	turn(&p);
	join(&p);
	change(&p, B, 1,
	       2000); /* it is no generation: it is not known yet whether A has one more */
	feed_trees(&p, B);
	settle(&p, HA_SEC);
	cr_assert(same(&p));
	cr_assert_eq(p.side[A].cell[0], 1000);
	cr_assert_eq(p.side[A].cell[1], 2000);
	cr_assert_eq(p.side[A].kept + p.side[B].kept, 0);
}

Test(sync, what_was_changed_at_the_passive_gives_way_and_is_kept)
{
	struct pair p;

	synced(&p);
	change(&p, B, 4, 4444);
	feed_trees(&p, B);
	settle(&p, HA_SEC);
	cr_assert(same(&p));
	cr_assert_eq(p.side[B].cell[4], 14);
	cr_assert_eq(p.side[B].kept, 1);
	cr_assert_eq(p.side[B].kept_value[0], 4444);
}

Test(sync, a_commit_that_fails_says_why_and_is_tried_again)
{
	struct pair p;
	struct sync_view v;

	synced(&p);
	p.side[B].fail_next = true;
	change(&p, A, 0, 3);
	feed_trees(&p, A);
	settle(&p, SYNC_RETRY_MIN / 2);
	cr_assert_not(same(&p), "the old generation stands");
	cr_assert_eq(state(&p, A), SYNC_ERROR);
	cr_assert_eq(state(&p, B), SYNC_ERROR);
	sync_view(&p.side[A].sync, &v);
	cr_assert_str_eq(v.reason, "disk full");
	settle(&p, 2 * SYNC_RETRY_MIN);
	cr_assert(same(&p));
	cr_assert_eq(state(&p, A), SYNC_SYNCED);
	cr_assert_eq(state(&p, B), SYNC_SYNCED);
}

Test(sync, where_both_hold_nobody_leads)
{
	struct pair p;

	synced(&p);
	p.side[B].holds = true;
	p.side[B].term = 5;
	feed_self(&p, B);
	settle(&p, HA_SEC);
	cr_assert_eq(p.side[A].sync.side, SYNC_SIDE_NONE);
	cr_assert_eq(p.side[B].sync.side, SYNC_SIDE_NONE);
	p.side[A].holds = false;
	feed_self(&p, A);
	settle(&p, HA_SEC);
	cr_assert_eq(p.side[B].sync.side, SYNC_SIDE_LEADS);
	cr_assert_eq(p.side[A].sync.side, SYNC_SIDE_FOLLOWS);
}

/* Two that were each of another pair before: by their numbers alone one would seem to be behind the other. */
Test(sync, under_another_key_the_same_numbers_mean_nothing)
{
	static const uint64_t number[] = {1, 3};
	struct pair p;

	fresh(&p);
	cut(&p);
	p.side[B].whole = true;
	for (unsigned i = 0; i < 2; i++) {
		struct side *s = &p.side[i];

		s->disk = (struct lineage){.n = 1, .point = {{.term = 4, .number = number[i]}}};
		digest(s, s->disk.digest);
		for (unsigned c = 0; c < CELLS; c++)
			s->number[c] = number[i];
		start(&p, i);
	}
	join(&p);
	settle(&p, HA_SEC);
	cr_assert(same(&p));
	cr_assert_eq(p.side[A].cell[0], 10, "the holder leads");
	cr_assert_eq(p.side[B].kept, CELLS, "and what the other had is kept aside");
}

Test(sync, two_versions_pause_it)
{
	struct pair p;

	synced(&p);
	for (unsigned i = 0; i < 2; i++) {
		p.side[i].paused = true;
		feed_self(&p, i);
	}
	change(&p, A, 0, 3);
	feed_trees(&p, A);
	settle(&p, 10 * HA_SEC);
	cr_assert_not(same(&p));
	cr_assert_eq(state(&p, A), SYNC_PAUSED);
	for (unsigned i = 0; i < 2; i++) {
		p.side[i].paused = false;
		feed_self(&p, i);
	}
	settle(&p, HA_SEC);
	cr_assert(same(&p));
}

static void ask(struct pair *p, unsigned who, enum sync_event_type type, ha_time within)
{
	struct sync_event ev = {.type = type, .request = 7, .until = p->now + within};

	p->side[who].answers = 0;
	feed(p, who, &ev);
}

Test(sync, a_barrier_is_answered_when_the_passive_has_all_of_it)
{
	struct pair p;

	synced(&p);
	change(&p, A, 5, 6);
	ask(&p, A, SYNC_EV_BARRIER, 10 * HA_SEC);
	cr_assert_eq(p.side[A].answers, 0, "the change was not even looked at");
	settle(&p, HA_SEC);
	cr_assert_eq(p.side[A].answers, 1);
	cr_assert(p.side[A].answer_ok);
	cr_assert_eq(p.side[B].cell[5], 6);
}

Test(sync, a_barrier_that_cannot_be_met_is_refused_with_the_reason)
{
	struct pair p;

	synced(&p);
	ask(&p, B, SYNC_EV_BARRIER, 10 * HA_SEC);
	cr_assert(p.side[B].answers == 1 && !p.side[B].answer_ok);
	cr_assert_str_eq(p.side[B].answer, "this appliance is not active");
	p.side[B].fail_next = true;
	change(&p, A, 5, 6);
	ask(&p, A, SYNC_EV_BARRIER, SYNC_RETRY_MIN / 2);
	settle(&p, SYNC_RETRY_MIN / 2);
	cr_assert(p.side[A].answers == 1 && !p.side[A].answer_ok);
	cr_assert_str_eq(p.side[A].answer, "disk full");
	cut(&p);
	ask(&p, A, SYNC_EV_BARRIER, 10 * HA_SEC);
	cr_assert(p.side[A].answers == 1 && !p.side[A].answer_ok);
	cr_assert_str_eq(p.side[A].answer, "the other appliance is not heard");
}

Test(sync, a_barrier_after_an_export_that_failed_is_refused_with_the_reason)
{
	struct pair p;

	synced(&p);
	change(&p, A, 5, 6);
	p.side[A].unexported = true;
	ask(&p, A, SYNC_EV_BARRIER, 10 * HA_SEC);
	settle(&p, HA_SEC);
	cr_assert(p.side[A].answers == 1 && !p.side[A].answer_ok);
	cr_assert_str_eq(p.side[A].answer, "the export has failed");
	cr_assert_eq(p.side[B].cell[5], 6, "what there is is synced all the same");
}

Test(sync, a_compare_is_answered_when_both_have_looked)
{
	struct pair p;

	synced(&p);
	p.side[B].cell[2] = 9999; /* nobody was told, not even its own index */
	ask(&p, A, SYNC_EV_FORCE, 10 * HA_SEC);
	cr_assert_eq(p.side[A].answers, 0);
	for (unsigned i = 0; i < 8 && p.side[A].n > 0; i++)
		deliver(&p, A);
	cr_assert(p.side[B].scanning, "the passive looks at all of its trees");
	p.side[B].number[2] = UINT64_MAX; /* ... and finds it */
	settle(&p, 5 * HA_SEC);
	cr_assert(p.side[A].answers == 1 && p.side[A].answer_ok);
	cr_assert(same(&p));
	ask(&p, B, SYNC_EV_FORCE, 10 * HA_SEC);
	settle(&p, 5 * HA_SEC);
	cr_assert(p.side[B].answers == 1 && p.side[B].answer_ok, "it may be asked for at either");
}

Test(sync, other_paths_at_the_other_one_are_said_and_nothing_is_moved)
{
	struct pair p;
	struct sync_view v;

	memset(&p, 0, sizeof(p));
	fresh(&p);
	cut(&p);
	p.side[B].sync.self.roots[0] = 1;
	p.connected = true;
	feed_type(&p, A, SYNC_EV_UP);
	feed_type(&p, B, SYNC_EV_UP);
	settle(&p, 10 * HA_SEC);
	cr_assert_not(same(&p));
	sync_view(&p.side[A].sync, &v);
	cr_assert_eq(v.state, SYNC_ERROR);
	cr_assert_str_eq(v.reason, "the two appliances have different settings paths or excludes");
}

/* ---- random histories ---- */

static uint32_t draw(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void random_step(struct pair *p, uint32_t *seed, uint32_t *value)
{
	unsigned who = draw(seed) % 2;

	switch (draw(seed) % 12) {
	case 0:
		if (p->connected)
			cut(p);
		else if (p->side[A].alive && p->side[B].alive)
			join(p);
		break;
	case 1:
		turn(p);
		break;
	case 2:
		if (p->side[who].alive)
			crash(p, who);
		else
			start(p, who);
		break;
	case 3:
		p->side[who].fail_next = true;
		break;
	case 4:
	case 5:
	case 6:
		who = p->side[A].holds ? A : B;
		if (!p->side[who].alive)
			break;
		change(p, who, draw(seed) % CELLS, ++*value);
		feed_trees(p, who);
		break;
	default:
		if (p->side[who].n > 0)
			deliver(p, who);
		if (p->side[who].alive && p->side[who].scanning)
			feed_trees(p, who);
		break;
	}
	p->now += draw(seed) % (300 * HA_MS);
	for (unsigned i = 0; i < 2; i++)
		if (p->side[i].alive && p->now >= sync_deadline(&p->side[i].sync))
			feed_type(p, i, SYNC_EV_TIMER);
}

/* Must the value outlive what comes? Not what both had once: what came after that. */
static bool counts(const struct pair *p, unsigned who, unsigned cell)
{
	const struct side *s = &p->side[who];
	uint64_t common;

	lineage_compare(&s->disk, &p->side[1 - who].disk, &common);
	return s->number[cell] > common;
}

static bool somewhere(const struct pair *p, uint32_t value)
{
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned c = 0; c < CELLS; c++)
			if (p->side[i].cell[c] == value)
				return true;
		for (unsigned k = 0; k < p->side[i].kept && k < 64; k++)
			if (p->side[i].kept_value[k] == value)
				return true;
	}
	return false;
}

Test(sync, whatever_happens_both_have_the_same_in_the_end_and_nothing_is_thrown_away)
{
	for (uint32_t run = 1; run <= 3000; run++) {
		uint32_t seed = run, value = 1000 * run, last[2][CELLS];
		bool must[2][CELLS];
		struct pair p;

		synced(&p);
		for (unsigned i = 0; i < 60; i++)
			random_step(&p, &seed, &value);
		for (unsigned i = 0; i < 2; i++)
			for (unsigned c = 0; c < CELLS; c++) {
				last[i][c] = p.side[i].cell[c];
				must[i][c] = counts(&p, i, c);
			}
		for (unsigned i = 0; i < 2; i++) {
			p.side[i].fail_next = false;
			if (!p.side[i].alive)
				start(&p, i);
		}
		if (!p.connected)
			join(&p);
		settle(&p, 5 * SYNC_RETRY_MAX);
		cr_assert(same(&p), "run %u: they differ", run);
		cr_assert_eq(state(&p, A), SYNC_SYNCED, "run %u: %d", run, state(&p, A));
		cr_assert_eq(state(&p, B), SYNC_SYNCED, "run %u: %d", run, state(&p, B));
		for (unsigned i = 0; i < 2; i++)
			for (unsigned c = 0; c < CELLS; c++)
				cr_assert(!must[i][c] || somewhere(&p, last[i][c]),
					  "run %u: a value is lost", run);
	}
}
