/* sync_rules.c - SPEC 6.3 to 6.8, rule by rule: one settings machine, and every word of the other's is the test's.
 *
 * All generations are of term 4 unless a test says otherwise; the digest of generation n is n in every byte. */
#include <criterion/criterion.h>
#include <string.h>

#include "proto/sync.h"

static struct sync s;
static struct sync_actions out;
static ha_time now;

static struct lineage up_to(uint64_t number)
{
	struct lineage l = {.n = number > 0, .point = {{.term = 4, .number = number}}};

	memset(l.digest, (int)number, sizeof(l.digest));
	return l;
}

static void step(struct sync_event ev)
{
	ev.now = now;
	sync_step(&s, &ev, &out);
}

static void tick(ha_time passed)
{
	now += passed;
	step((struct sync_event){.type = SYNC_EV_TIMER});
}

static const struct sync_action *did(enum sync_action_type type)
{
	for (unsigned i = 0; i < out.n; i++)
		if (out.a[i].type == type)
			return &out.a[i];
	return NULL;
}

/* Trees at rest, with the content of a generation; if it is not the lineage's, one entry has changed. */
static struct sync_trees content(uint64_t number)
{
	struct sync_trees t = {.settled = true,
			       .pending = number != lineage_head(&s.lineage).number};

	memset(t.digest, (int)number, sizeof(t.digest));
	return t;
}

static void trees(struct sync_trees t)
{
	step((struct sync_event){.type = SYNC_EV_TREES, .trees = t});
}

static struct sync_head says(uint64_t number, bool holds)
{
	return (struct sync_head){
		.whole = true, .holds = holds, .clean = true, .lineage = up_to(number)};
}

static void head(struct sync_head h)
{
	step((struct sync_event){.type = SYNC_EV_HEAD, .head = h});
}

static void begin(bool full)
{
	step((struct sync_event){.type = SYNC_EV_BEGIN, .full = full});
}

static void end(uint64_t number)
{
	struct lineage l = up_to(number);
	struct sync_event ev = {.type = SYNC_EV_END, .end.head = lineage_head(&l)};

	memcpy(ev.end.digest, l.digest, sizeof(l.digest));
	step(ev);
}

static void complete(void)
{
	step((struct sync_event){.type = SYNC_EV_PLAN, .complete = true});
}

static void committed(uint64_t number)
{
	struct sync_trees t = content(number);

	t.pending = 0;
	step((struct sync_event){.type = SYNC_EV_COMMITTED, .trees = t});
}

static void made(uint64_t number)
{
	struct sync_trees t = content(number);

	t.pending = 0;
	step((struct sync_event){.type = SYNC_EV_MADE, .trees = t});
}

static void failed(void)
{
	step((struct sync_event){.type = SYNC_EV_FAILED, .reason = "disk full"});
}

static void ask(enum sync_event_type type)
{
	step((struct sync_event){.type = type, .request = 7, .until = now + 30 * HA_SEC});
}

/* A member of a pair with that generation on its disk, its trees not looked at yet. */
static void is(bool holds, uint64_t number)
{
	struct lineage l = up_to(number);

	now = 100 * HA_SEC;
	sync_init(&s, &l, now);
	step((struct sync_event){
		.type = SYNC_EV_SELF,
		.self = {.paired = true,
			 .holds = holds,
			 .whole = true,
			 .peer_heard = true,
			 .term = 4},
	});
}

/* It holds, both have generation 3, and the other one has asked for what comes. */
static void leads(void)
{
	is(true, 3);
	trees(content(3));
	step((struct sync_event){.type = SYNC_EV_UP});
	head(says(3, false));
	cr_assert_eq(s.side, SYNC_SIDE_LEADS);
}

/* It has generation 3, the holder 5, and it has asked for that. */
static void follows(void)
{
	is(false, 3);
	trees(content(3));
	step((struct sync_event){.type = SYNC_EV_UP});
	head(says(5, true));
	cr_assert_eq(s.side, SYNC_SIDE_FOLLOWS);
	cr_assert(did(SYNC_ACT_SAY_PULL));
}

static void commits(uint64_t number)
{
	begin(false);
	end(number);
	complete();
	cr_assert(did(SYNC_ACT_COMMIT));
	committed(number);
}

/* --- 6.3 --- */

Test(sync_rules, R23_without_a_whole_copy_it_follows_whatever_its_lineage)
{
	is(false, 9);
	trees(content(9));
	s.self.whole = false;
	step((struct sync_event){.type = SYNC_EV_UP});
	head(says(3, true));
	cr_assert_eq(s.side, SYNC_SIDE_FOLLOWS);
	cr_assert(did(SYNC_ACT_SAY_PULL));
	cr_assert_eq(did(SYNC_ACT_SAY_PULL)->since, 0u);
}

Test(sync_rules, R24_nobody_leads_who_has_not_looked_at_its_trees)
{
	is(true, 3);
	step((struct sync_event){.type = SYNC_EV_UP});
	cr_assert_not(did(SYNC_ACT_SAY_HEAD));
	head(says(3, false));
	cr_assert_eq(s.side, SYNC_SIDE_NONE);
	trees(content(3));
	cr_assert_eq(s.side, SYNC_SIDE_LEADS);
	cr_assert(did(SYNC_ACT_SAY_HEAD));
}

Test(sync_rules, R23_what_is_under_way_goes_when_it_follows_no_more)
{
	follows();
	begin(false);
	end(5);
	step((struct sync_event){.type = SYNC_EV_SELF,
				 .self = {.paired = true, .whole = true, .paused = true}});
	cr_assert_eq(s.side, SYNC_SIDE_NONE);
	cr_assert(did(SYNC_ACT_DROP));
	complete();
	cr_assert_not(did(SYNC_ACT_COMMIT));
}

Test(sync_rules, HEAD_is_said_on_every_change_of_it_and_only_then)
{
	leads();
	tick(HA_SEC);
	cr_assert_not(did(SYNC_ACT_SAY_HEAD));
	trees(content(4));
	made(4);
	cr_assert(did(SYNC_ACT_SAY_HEAD));
	step((struct sync_event){.type = SYNC_EV_UP});
	cr_assert(did(SYNC_ACT_SAY_HEAD), "a new stream knows nothing");
}

/* --- 6.4 --- */

Test(sync_rules, R26_a_generation_is_made_of_trees_that_are_known_and_at_rest)
{
	struct sync_trees t;

	leads();
	t = content(4);
	t.settled = false;
	trees(t);
	cr_assert_not(did(SYNC_ACT_GENERATION));
	t = content(4);
	t.exporting = true;
	trees(t);
	cr_assert_not(did(SYNC_ACT_GENERATION));
	t = content(4);
	t.broken = true;
	trees(t);
	cr_assert_not(did(SYNC_ACT_GENERATION));
	trees(content(4));
	cr_assert(did(SYNC_ACT_GENERATION));
	cr_assert_eq(lineage_head(&did(SYNC_ACT_GENERATION)->lineage).number, 4u);
	trees(content(5));
	cr_assert_not(did(SYNC_ACT_GENERATION), "one after the other");
	made(4);
	trees(content(5));
	cr_assert_eq(lineage_head(&did(SYNC_ACT_GENERATION)->lineage).number, 5u);
}

Test(sync_rules, R26_not_by_a_holder_that_is_behind)
{
	is(true, 3);
	trees(content(3));
	step((struct sync_event){.type = SYNC_EV_UP});
	head(says(5, false));
	cr_assert_eq(s.side, SYNC_SIDE_FOLLOWS);
	trees(content(9));
	cr_assert_not(did(SYNC_ACT_GENERATION));
}

Test(sync_rules, R19_its_term_is_not_below_the_newest_s)
{
	leads();
	s.self.term = 2;
	trees(content(4));
	cr_assert_eq(lineage_head(&did(SYNC_ACT_GENERATION)->lineage).term, 4u);
}

/* Two hold for a moment, and the one of the lower term has taken what the other one has made: of term 5. */
static void overtaken(bool still)
{
	struct sync_head other = says(3, still);

	is(true, 3);
	s.lineage.point[0].term = 5;
	trees(content(3));
	step((struct sync_event){.type = SYNC_EV_UP});
	other.lineage.point[0].term = 5;
	head(other);
	step((struct sync_event){.type = SYNC_EV_DOWN});
}

Test(sync_rules, R18_no_number_is_above_those_that_are_kept)
{
	leads();
	s.lineage.point[0].number = MSG_TERM_KEPT_MAX;
	trees(content(4));
	cr_assert_not(did(SYNC_ACT_GENERATION));
	s.lineage.point[0].number--;
	trees(content(4));
	cr_assert(did(SYNC_ACT_GENERATION));
	cr_assert(lineage_valid(&did(SYNC_ACT_GENERATION)->lineage));
}

Test(sync_rules, R27_none_in_a_term_above_its_own_while_the_other_one_holds)
{
	overtaken(true);
	trees(content(4));
	cr_assert_not(did(SYNC_ACT_GENERATION), "5.4 may be the other one's");
	s.self.term = 6;
	tick(HA_SEC);
	cr_assert(did(SYNC_ACT_GENERATION), "in a term of its own");
	overtaken(false);
	trees(content(4));
	cr_assert(did(SYNC_ACT_GENERATION), "and nobody else's any more");
}

Test(sync_rules, R27_none_in_a_term_above_its_own_before_the_other_one_is_heard)
{
	struct sync_head joining = says(0, false);

	is(true, 3);
	s.lineage.point[0].term = 5;
	trees(content(4));
	cr_assert_not(did(SYNC_ACT_GENERATION));
	step((struct sync_event){.type = SYNC_EV_UP});
	joining.whole = false;
	head(joining);
	cr_assert(did(SYNC_ACT_GENERATION), "it has none at all, and does not hold");
}

/* --- 6.5 --- */

static void pulls(uint64_t since)
{
	step((struct sync_event){.type = SYNC_EV_PULL, .since = since});
}

Test(sync_rules, R28_from_the_PULL_on_each_generation_is_told_once)
{
	leads();
	pulls(3);
	cr_assert(did(SYNC_ACT_SAY_LIST));
	tick(HA_SEC);
	cr_assert_not(did(SYNC_ACT_SAY_LIST));
	trees(content(4));
	made(4);
	cr_assert(did(SYNC_ACT_SAY_LIST));
	cr_assert_eq(did(SYNC_ACT_SAY_LIST)->since, 3u);
	cr_assert_not(did(SYNC_ACT_SAY_LIST)->full);
	tick(HA_SEC);
	cr_assert_not(did(SYNC_ACT_SAY_LIST));
}

Test(sync_rules, R29_what_is_not_known_any_more_is_told_in_full)
{
	struct sync_trees t;

	leads();
	t = content(3);
	t.floor = 2;
	trees(t);
	pulls(2);
	cr_assert_not(did(SYNC_ACT_SAY_LIST)->full);
	pulls(1);
	cr_assert(did(SYNC_ACT_SAY_LIST)->full);
	pulls(0);
	cr_assert(did(SYNC_ACT_SAY_LIST)->full);
	pulls(4);
	cr_assert(did(SYNC_ACT_SAY_LIST)->full, "which is none of its own");
}

/* Even if the trees have become again what they were. */
Test(sync_rules, R30_nothing_is_told_while_a_generation_is_under_way)
{
	struct sync_trees t;

	leads();
	trees(content(4));
	t = content(3);
	t.pending = 0;
	trees(t);
	pulls(0);
	cr_assert_not(did(SYNC_ACT_SAY_LIST));
	made(4);
	cr_assert_eq(lineage_head(&did(SYNC_ACT_SAY_LIST)->lineage).number, 4u);
}

Test(sync_rules, R30_nor_while_something_is_pending)
{
	leads();
	trees(content(4));
	failed(); /* the disk is full: it will be made later */
	pulls(0);
	cr_assert_not(did(SYNC_ACT_GENERATION));
	cr_assert_not(did(SYNC_ACT_SAY_LIST));
	tick(SYNC_RETRY_MIN);
	cr_assert(did(SYNC_ACT_GENERATION));
	made(4);
	cr_assert(did(SYNC_ACT_SAY_LIST));
}

Test(sync_rules, R28_it_asks_since_its_own_head_if_that_is_what_it_has)
{
	follows();
	cr_assert_eq(did(SYNC_ACT_SAY_PULL)->since, 3u);
	is(false, 3);
	trees(content(9));
	step((struct sync_event){.type = SYNC_EV_UP});
	head(says(5, true));
	cr_assert_eq(did(SYNC_ACT_SAY_PULL)->since, 0u, "but something has changed here");
}

/* The other one took over and gave up again before it saw that this side followed: it goes on waiting for what it asked for. */
Test(sync_rules, R28_a_PULL_stands_though_the_leader_has_followed_for_a_moment)
{
	leads();
	pulls(3);
	trees(content(4));
	failed(); /* so there is something that it does not have in a generation yet */
	step((struct sync_event){.type = SYNC_EV_SELF,
				 .self = {.paired = true, .whole = true, .term = 4}});
	head(says(3, true));
	cr_assert_eq(s.side, SYNC_SIDE_FOLLOWS);
	step((struct sync_event){
		.type = SYNC_EV_SELF,
		.self = {.paired = true, .holds = true, .whole = true, .term = 6}});
	head(says(3, false));
	cr_assert_eq(s.side, SYNC_SIDE_LEADS);
	tick(SYNC_RETRY_MIN);
	made(4);
	cr_assert(did(SYNC_ACT_SAY_LIST));
	cr_assert_eq(did(SYNC_ACT_SAY_LIST)->since, 3u);
}

Test(sync_rules, R29_a_list_adds_to_what_is_under_way_and_a_full_one_begins_anew)
{
	follows();
	begin(false);
	cr_assert(did(SYNC_ACT_PLAN));
	begin(false);
	cr_assert_not(did(SYNC_ACT_PLAN));
	begin(true);
	cr_assert(did(SYNC_ACT_PLAN));
	cr_assert(did(SYNC_ACT_PLAN)->full);
}

Test(sync_rules, R29_a_list_whose_beginning_is_missing_is_not_taken)
{
	follows();
	step((struct sync_event){.type = SYNC_EV_BEGIN, .since = 4});
	cr_assert_not(did(SYNC_ACT_PLAN));
	step((struct sync_event){.type = SYNC_EV_BEGIN, .since = 3});
	cr_assert(did(SYNC_ACT_PLAN));
}

/* It has asked for all, for something had changed here. What is told first is the answer to its first question. */
Test(sync_rules, R29_an_answer_to_an_earlier_question_is_not_taken_for_one_to_the_newest)
{
	follows();
	commits(5);
	trees(content(9));
	cr_assert_eq(did(SYNC_ACT_SAY_PULL)->since, 0u);
	head(says(6, true));
	step((struct sync_event){.type = SYNC_EV_BEGIN, .since = 5});
	cr_assert_not(did(SYNC_ACT_PLAN));
	end(6);
	begin(true);
	cr_assert(did(SYNC_ACT_PLAN)->full);
	end(6);
	complete();
	cr_assert(did(SYNC_ACT_COMMIT));
}

/* No leader does that. */
Test(sync_rules, R29_a_list_that_does_not_follow_the_one_before_ends_what_is_under_way)
{
	follows();
	begin(false);
	end(5);
	step((struct sync_event){.type = SYNC_EV_BEGIN, .since = 6});
	cr_assert(did(SYNC_ACT_DROP));
	cr_assert_eq(did(SYNC_ACT_SAY_PULL)->since, 3u);
	begin(false);
	end(5);
	step((struct sync_event){.type = SYNC_EV_BEGIN, .since = 5});
	cr_assert_not(did(SYNC_ACT_DROP));
}

/* All has come but one file, and that is not to be had: a newer entry of it should follow. */
Test(sync_rules, R31_what_the_other_one_has_not_is_waited_for_a_second_and_all_asked_for_anew)
{
	struct sync_view v;

	follows();
	begin(false);
	end(5);
	step((struct sync_event){.type = SYNC_EV_PLAN, .stalled = true});
	tick(SYNC_STALL - HA_MS);
	sync_view(&s, &v);
	cr_assert_eq(v.state, SYNC_SYNCING);
	tick(HA_MS);
	sync_view(&s, &v);
	cr_assert_eq(v.state, SYNC_ERROR);
	tick(SYNC_RETRY_MIN);
	cr_assert(did(SYNC_ACT_SAY_PULL));
	begin(false);
	end(5);
	step((struct sync_event){.type = SYNC_EV_PLAN, .stalled = true});
	tick(SYNC_STALL / 2);
	step((struct sync_event){.type = SYNC_EV_PLAN});
	tick(SYNC_STALL);
	cr_assert_eq(s.phase, SYNC_PHASE_FETCH, "it has come, and others are on their way");
}

Test(sync_rules, R29_the_end_of_another_moment_ends_nothing)
{
	struct lineage l = up_to(5);
	struct sync_event other = {.type = SYNC_EV_END, .end.head = lineage_head(&l)};

	follows();
	begin(false);
	end(4);
	complete();
	cr_assert_not(did(SYNC_ACT_COMMIT));
	step(other); /* the number fits, the digest does not */
	cr_assert_not(did(SYNC_ACT_COMMIT));
	end(5);
	cr_assert(did(SYNC_ACT_COMMIT));
	cr_assert(lineage_equal(&did(SYNC_ACT_COMMIT)->lineage, &l));
}

/* --- 6.6 --- */

Test(sync_rules, R33_it_commits_when_all_is_told_and_all_is_here)
{
	follows();
	begin(false);
	complete();
	cr_assert_not(did(SYNC_ACT_COMMIT), "of what was told so far");
	end(5);
	cr_assert(did(SYNC_ACT_COMMIT));
	follows();
	begin(false);
	end(5);
	cr_assert_not(did(SYNC_ACT_COMMIT), "contents are under way");
	complete();
	cr_assert(did(SYNC_ACT_COMMIT));
}

Test(sync_rules, R34_trees_that_come_out_otherwise_are_compared_once_and_are_then_an_error)
{
	struct sync_view v;

	follows();
	begin(false);
	end(5);
	complete();
	committed(6);
	cr_assert(did(SYNC_ACT_SAY_PULL));
	cr_assert_eq(did(SYNC_ACT_SAY_PULL)->since, 0u);
	begin(true);
	end(5);
	complete();
	cr_assert(did(SYNC_ACT_COMMIT));
	committed(6);
	cr_assert_not(did(SYNC_ACT_SAY_PULL));
	sync_view(&s, &v);
	cr_assert_eq(v.state, SYNC_ERROR);
	cr_assert_str_eq(v.reason, "the copy differs from the original after comparing all of it");
}

Test(sync_rules, R35_what_changed_behind_its_back_is_asked_for_anew)
{
	follows();
	commits(5);
	cr_assert_not(did(SYNC_ACT_SAY_PULL));
	trees(content(9));
	cr_assert(did(SYNC_ACT_SAY_PULL));
	cr_assert_eq(did(SYNC_ACT_SAY_PULL)->since, 0u);
}

/* --- 6.7 --- */

Test(sync_rules, R38_behind_for_a_moment_is_not_out_of_sync)
{
	struct sync_view v;

	leads();
	trees(content(4));
	made(4);
	tick(SYNC_LAG_ALLOWED - HA_MS);
	sync_view(&s, &v);
	cr_assert(v.in_sync);
	cr_assert_eq(v.lag, 1u);
	tick(HA_MS);
	sync_view(&s, &v);
	cr_assert_not(v.in_sync);
	head(says(4, false));
	sync_view(&s, &v);
	cr_assert(v.in_sync);
}

Test(sync_rules, R34_a_copy_that_does_not_fit_is_asked_for_as_a_whole_once)
{
	struct sync_view v;

	follows();
	begin(false);
	end(5);
	complete();
	cr_assert(did(SYNC_ACT_COMMIT));
	step((struct sync_event){.type = SYNC_EV_UNFIT});
	cr_assert(did(SYNC_ACT_SAY_PULL));
	cr_assert_eq(did(SYNC_ACT_SAY_PULL)->since, 0u);
	begin(true);
	end(5);
	complete();
	cr_assert(did(SYNC_ACT_COMMIT));
	step((struct sync_event){.type = SYNC_EV_UNFIT});
	cr_assert_not(did(SYNC_ACT_SAY_PULL), "not at once again");
	sync_view(&s, &v);
	cr_assert_eq(v.state, SYNC_ERROR);
	step((struct sync_event){.type = SYNC_EV_UNFIT});
	cr_assert_eq(out.n, 0u, "of no plan");
}

Test(sync_rules, R39_a_barrier_waits_for_the_export)
{
	struct sync_trees t;

	leads();
	ask(SYNC_EV_BARRIER);
	t = content(3);
	t.exporting = true;
	trees(t);
	cr_assert_not(did(SYNC_ACT_ANSWER));
	trees(content(3));
	cr_assert(did(SYNC_ACT_ANSWER));
	cr_assert(did(SYNC_ACT_ANSWER)->ok);
}

Test(sync_rules, R39_a_barrier_waits_for_what_could_not_be_read_yet)
{
	struct sync_trees t;

	leads();
	ask(SYNC_EV_BARRIER);
	t = content(3);
	t.unseen = true;
	trees(t);
	cr_assert_not(did(SYNC_ACT_ANSWER));
	trees(content(3));
	cr_assert(did(SYNC_ACT_ANSWER)->ok);
}

Test(sync_rules, R39_a_barrier_waits_for_trees_that_are_what_they_are_said_to_be)
{
	struct sync_head unclean = says(3, false);

	leads();
	unclean.clean = false;
	head(unclean);
	ask(SYNC_EV_BARRIER);
	trees(content(3));
	cr_assert_not(did(SYNC_ACT_ANSWER));
	head(says(3, false));
	cr_assert(did(SYNC_ACT_ANSWER)->ok);
}

Test(sync_rules, R39_a_barrier_waits_for_the_generation_that_is_being_made)
{
	leads();
	trees(content(4));
	cr_assert(did(SYNC_ACT_GENERATION));
	ask(SYNC_EV_BARRIER);
	trees(content(4));
	cr_assert_not(did(SYNC_ACT_ANSWER));
	made(4);
	cr_assert_not(did(SYNC_ACT_ANSWER));
	head(says(4, false));
	cr_assert(did(SYNC_ACT_ANSWER)->ok);
}

/* It holds, but the other one has newer settings: what was to be told is replaced, or kept aside. */
Test(sync_rules, R39_a_barrier_that_newer_settings_overtake_fails)
{
	is(true, 3);
	trees(content(3));
	step((struct sync_event){.type = SYNC_EV_UP});
	head(says(5, false));
	cr_assert_eq(s.side, SYNC_SIDE_FOLLOWS);
	ask(SYNC_EV_BARRIER);
	trees(content(3));
	cr_assert_not(did(SYNC_ACT_ANSWER));
	commits(5);
	cr_assert(did(SYNC_ACT_ANSWER));
	cr_assert_not(did(SYNC_ACT_ANSWER)->ok);
}

/* What was changed is put back meanwhile: the other one has just that, but will be given the generation first. */
Test(sync_rules, R39_a_barrier_waits_for_one_that_is_made_of_what_is_put_back)
{
	leads();
	trees(content(4));
	cr_assert(did(SYNC_ACT_GENERATION));
	ask(SYNC_EV_BARRIER);
	trees(content(3));
	cr_assert(sync_is_clean(&s));
	cr_assert_not(did(SYNC_ACT_ANSWER));
}

/* It could not be written, and is tried again later: what is on the other disk meanwhile is the one before. */
Test(sync_rules, R39_a_barrier_waits_for_a_generation_that_has_failed_once)
{
	leads();
	trees(content(4));
	failed();
	ask(SYNC_EV_BARRIER);
	trees(content(4));
	cr_assert_not(did(SYNC_ACT_GENERATION), "not yet");
	cr_assert_not(did(SYNC_ACT_ANSWER));
	tick(SYNC_RETRY_MIN);
	cr_assert(did(SYNC_ACT_GENERATION));
	made(4);
	cr_assert_not(did(SYNC_ACT_ANSWER));
	head(says(4, false));
	cr_assert(did(SYNC_ACT_ANSWER)->ok);
}

Test(sync_rules, R39_another_lineage_s_higher_number_is_no_answer)
{
	struct sync_head other = says(3, false);

	leads();
	trees(content(4));
	made(4);
	other.lineage.point[1] = (struct lineage_point){.term = 5, .number = 9};
	other.lineage.n = 2;
	head(other);
	cr_assert_eq(s.side, SYNC_SIDE_LEADS, "they have diverged, and it holds");
	ask(SYNC_EV_BARRIER);
	trees(content(4));
	cr_assert_not(did(SYNC_ACT_ANSWER));
	tick(30 * HA_SEC);
	cr_assert(did(SYNC_ACT_ANSWER));
	cr_assert_not(did(SYNC_ACT_ANSWER)->ok);
}

Test(sync_rules, R40_the_leader_s_compare_waits_for_the_other_one_s)
{
	leads();
	ask(SYNC_EV_FORCE);
	cr_assert(did(SYNC_ACT_SCAN)->full);
	cr_assert(did(SYNC_ACT_SAY_COMPARE));
	trees(content(3));
	cr_assert_not(did(SYNC_ACT_ANSWER));
	step((struct sync_event){.type = SYNC_EV_COMPARE});
	cr_assert(did(SYNC_ACT_ANSWER)->ok);
}

Test(sync_rules, R40_COMPARE_is_said_when_the_trees_are_the_leader_s_again)
{
	follows();
	commits(5);
	step((struct sync_event){.type = SYNC_EV_COMPARE});
	cr_assert(did(SYNC_ACT_SCAN)->full);
	head(says(6, true));
	trees(content(5));
	cr_assert_not(did(SYNC_ACT_SAY_COMPARE), "they are what they were, and that is not enough");
	commits(6);
	cr_assert(did(SYNC_ACT_SAY_COMPARE));
}

/* --- 6.8 --- */

Test(sync_rules, R41_what_failed_is_tried_again_after_a_second_doubling_to_thirty)
{
	static const ha_time pause[] = {1, 2, 4, 8, 16, 30, 30};

	follows();
	for (unsigned i = 0; i < sizeof(pause) / sizeof(*pause); i++) {
		failed();
		tick(pause[i] * HA_SEC - HA_MS);
		cr_assert_not(did(SYNC_ACT_SAY_PULL), "%u", i);
		tick(HA_MS);
		cr_assert(did(SYNC_ACT_SAY_PULL), "%u", i);
	}
	commits(5);
	trees(content(9));
	cr_assert(did(SYNC_ACT_SAY_PULL));
	failed();
	tick(HA_SEC);
	cr_assert(did(SYNC_ACT_SAY_PULL), "what has gone well is forgotten");
}
