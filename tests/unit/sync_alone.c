/* One settings machine (SPEC 6.3 to 6.8), and an other side whose every word is the test's: what two honest ones (sync.c) seldom
 * come to. Who waits for a barrier is told why it cannot be; a tree that is broken decides nothing; what comes at the wrong
 * moment is ignored. */
#include <criterion/criterion.h>
#include <string.h>

#include "proto/sync.h"

static struct sync sync_;
static struct sync_actions out;
static struct sync_trees trees;
static struct sync_self self;
static ha_time now;

/* ---- events ---- */

static void feed(struct sync_event *ev)
{
	ev->now = now;
	sync_step(&sync_, ev, &out);
}

static void tell(enum sync_event_type type)
{
	feed(&(struct sync_event){.type = type});
}

static void tell_self(void)
{
	feed(&(struct sync_event){.type = SYNC_EV_SELF, .self = self});
}

static void tell_trees(const char *reason)
{
	struct sync_event ev = {.type = SYNC_EV_TREES, .trees = trees};

	strncpy(ev.reason, reason, sizeof(ev.reason) - 1);
	feed(&ev);
}

static void fail(const char *reason)
{
	struct sync_event ev = {.type = SYNC_EV_FAILED};

	strncpy(ev.reason, reason, sizeof(ev.reason) - 1);
	feed(&ev);
}

static void ask(enum sync_event_type type, uint32_t request)
{
	feed(&(struct sync_event){.type = type, .request = request, .until = now + HA_SEC});
}

static const struct sync_action *find(enum sync_action_type type)
{
	for (unsigned i = 0; i < out.n; i++)
		if (out.a[i].type == type)
			return &out.a[i];
	return NULL;
}

static void expect_refusal(uint32_t request, const char *reason)
{
	const struct sync_action *a = find(SYNC_ACT_ANSWER);

	cr_assert(a != NULL, "%s", reason);
	cr_expect_eq(a->request, request);
	cr_expect_not(a->ok);
	cr_expect_str_eq(a->reason, reason);
}

static void expect_granted(uint32_t request)
{
	const struct sync_action *a = find(SYNC_ACT_ANSWER);

	cr_assert(a != NULL);
	cr_expect_eq(a->request, request);
	cr_expect(a->ok, "%s", a->reason);
}

static struct sync_view view(void)
{
	struct sync_view v;

	sync_view(&sync_, &v);
	return v;
}

/* The other's HEAD: generation number of term 2, of digest number. */
static void hear_head(uint64_t number, bool holds, bool clean)
{
	struct sync_event ev = {
		.type = SYNC_EV_HEAD,
		.head = {.whole = true,
			 .holds = holds,
			 .clean = clean,
			 .lineage = {.n = 1, .point = {{2, number}}, .digest = {(uint8_t)number}}}};

	feed(&ev);
}

/* A member of a pair that has generation 5, clean, and a stream. */
static void start(bool holds)
{
	struct lineage disk = {.n = 1, .point = {{2, 5}}, .digest = {5}};

	now = 100 * HA_SEC;
	sync_init(&sync_, &disk, now);
	self = (struct sync_self){
		.paired = true, .holds = holds, .term = 2, .whole = true, .peer_heard = true};
	trees = (struct sync_trees){.settled = true, .digest = {5}};
	tell_self();
	tell_trees("");
	tell(SYNC_EV_UP);
}

static void lead(void)
{
	start(true);
	hear_head(5, false, true);
	cr_assert_eq(sync_.side, SYNC_SIDE_LEADS);
}

/* It has asked for generation 6 of the other, who holds. */
static void follow(void)
{
	start(false);
	hear_head(6, true, true);
	cr_assert_eq(sync_.side, SYNC_SIDE_FOLLOWS);
	cr_assert(find(SYNC_ACT_SAY_PULL) != NULL);
}

static void hear_end(uint64_t term, uint64_t number, uint8_t digest)
{
	feed(&(struct sync_event){
		.type = SYNC_EV_END,
		.end = {.head = {.term = term, .number = number}, .digest = {digest}}});
}

/* The trees were looked at, and are as they were. */
static void look(void)
{
	trees.settled = true;
	tell_trees("");
}

/* ---- who waits is told why ---- */

Test(sync_alone, a_barrier_is_refused_at_once_where_it_can_never_be)
{
	lead();
	self.peer_heard = false;
	tell_self();
	ask(SYNC_EV_BARRIER, 1);
	expect_refusal(1, "the other appliance is not heard");

	self.holds = false;
	tell_self();
	ask(SYNC_EV_BARRIER, 2);
	expect_refusal(2, "this appliance is not active");

	self.paused = true;
	tell_self();
	ask(SYNC_EV_BARRIER, 3);
	expect_refusal(3,
		       "the two appliances have different versions: the settings are not synced");
	cr_expect_eq(view().state, SYNC_PAUSED);

	self.paired = false;
	tell_self();
	ask(SYNC_EV_FORCE, 4);
	expect_refusal(4, "this appliance is part of no pair");
	cr_expect_eq(view().state, SYNC_NOTHING);
}

Test(sync_alone, one_that_waits_is_refused_when_its_tree_breaks)
{
	lead();
	ask(SYNC_EV_BARRIER, 1);
	cr_expect(find(SYNC_ACT_ANSWER) == NULL, "the trees are looked at first");
	trees.broken = true;
	tell_trees("/etc/appliance: not there");
	expect_refusal(1, "/etc/appliance: not there");
}

Test(sync_alone, a_ninth_one_is_one_too_many)
{
	lead();
	for (uint32_t i = 1; i <= SYNC_BARRIERS_MAX; i++) {
		ask(SYNC_EV_BARRIER, i);
		cr_expect(find(SYNC_ACT_ANSWER) == NULL);
		cr_expect(find(SYNC_ACT_SCAN) != NULL);
	}
	ask(SYNC_EV_BARRIER, 99);
	expect_refusal(99, "too many others are waiting");
}

Test(sync_alone, what_was_missing_is_said_when_time_is_over)
{
	lead();
	trees.pending = 1;
	trees.digest[0] = 6;
	tell_trees("");
	cr_assert(find(SYNC_ACT_GENERATION) != NULL);
	trees.pending = 0;
	feed(&(struct sync_event){.type = SYNC_EV_MADE, .trees = trees});
	ask(SYNC_EV_BARRIER, 1);
	look();
	cr_expect(find(SYNC_ACT_ANSWER) == NULL, "generation 6 is not there yet");
	now += HA_SEC;
	tell(SYNC_EV_TIMER);
	expect_refusal(1, "the passive appliance has not written all of it yet");

	ask(SYNC_EV_BARRIER, 2);
	feed(&(struct sync_event){.type = SYNC_EV_STATUS,
				  .status = {.phase = SYNC_PHASE_ERROR, .reason = "no room"}});
	look();
	now += HA_SEC;
	tell(SYNC_EV_TIMER);
	expect_refusal(2, "no room");

	tell(SYNC_EV_DOWN);
	ask(SYNC_EV_BARRIER, 3);
	look();
	now += HA_SEC;
	tell(SYNC_EV_TIMER);
	expect_refusal(3, "there is no connection over the link to the other appliance");

	fail("cannot be written");
	ask(SYNC_EV_BARRIER, 4);
	look();
	now += HA_SEC;
	tell(SYNC_EV_TIMER);
	expect_refusal(4, "cannot be written");
}

Test(sync_alone, what_the_other_has_in_another_lineage_counts_for_nothing)
{
	struct sync_event ev = {.type = SYNC_EV_HEAD, .head = {.whole = true, .clean = true}};

	lead();
	ev.head.key[0] = 9; /* its fingerprints are of another lineage */
	ev.head.lineage = (struct lineage){.n = 1, .point = {{2, 5}}, .digest = {5}};
	feed(&ev);
	ask(SYNC_EV_BARRIER, 1);
	look();
	cr_expect(find(SYNC_ACT_ANSWER) == NULL);
	hear_head(5, false, true);
	expect_granted(1);
}

Test(sync_alone, at_a_side_that_follows_a_compare_waits_for_its_own_copy)
{
	follow();
	ask(SYNC_EV_FORCE, 1);
	cr_expect(find(SYNC_ACT_SCAN)->full);
	look();
	cr_expect(find(SYNC_ACT_ANSWER) == NULL, "generation 6 is not here yet");
	feed(&(struct sync_event){.type = SYNC_EV_BEGIN});
	hear_end(2, 6, 6);
	feed(&(struct sync_event){.type = SYNC_EV_PLAN, .complete = true});
	cr_assert(find(SYNC_ACT_COMMIT) != NULL);
	trees.digest[0] = 6;
	feed(&(struct sync_event){.type = SYNC_EV_COMMITTED, .trees = trees});
	expect_granted(1);
}

/* ---- a tree that is broken ---- */

Test(sync_alone, from_a_broken_tree_nothing_is_concluded_and_the_other_is_told)
{
	struct sync_status status;

	lead();
	trees.broken = true;
	trees.pending = 7; /* all of it is gone, as it seems */
	trees.digest[0] = 0;
	now += SYNC_STATUS_MIN;
	tell_trees("/etc/appliance: not there");
	cr_expect(find(SYNC_ACT_GENERATION) == NULL);
	cr_expect(find(SYNC_ACT_SAY_STATUS) != NULL, "though it leads");
	sync_own_status(&sync_, &status);
	cr_expect_eq(status.phase, SYNC_PHASE_ERROR);
	cr_expect_str_eq(status.reason, "/etc/appliance: not there");
	cr_expect_eq(view().state, SYNC_ERROR);
	cr_expect_str_eq(view().reason, "/etc/appliance: not there");
	feed(&(struct sync_event){.type = SYNC_EV_PULL, .since = 0});
	cr_expect(find(SYNC_ACT_SAY_LIST) == NULL);

	trees = (struct sync_trees){.settled = true, .digest = {5}};
	tell_trees("");
	cr_expect(find(SYNC_ACT_SAY_LIST) != NULL, "it is told when it is whole again");
	cr_expect_str_empty(view().reason);
}

Test(sync_alone, a_broken_tree_asks_for_nothing_and_answers_no_compare)
{
	start(false);
	trees.broken = true;
	tell_trees("not there");
	hear_head(6, true, true);
	cr_expect(find(SYNC_ACT_SAY_PULL) == NULL);
	tell(SYNC_EV_COMPARE);
	cr_expect(find(SYNC_ACT_SAY_COMPARE) == NULL);
}

/* ---- what comes at the wrong moment ---- */

Test(sync_alone, a_list_that_nobody_asked_for_is_no_plan)
{
	lead();
	feed(&(struct sync_event){.type = SYNC_EV_BEGIN, .full = true});
	cr_expect(find(SYNC_ACT_PLAN) == NULL);
	hear_end(2, 5, 5);
	feed(&(struct sync_event){.type = SYNC_EV_PLAN, .complete = true});
	cr_expect(find(SYNC_ACT_COMMIT) == NULL);
}

Test(sync_alone, an_end_of_another_moment_than_its_head_ends_nothing)
{
	static const struct {
		uint64_t term, number;
		uint8_t digest;
	} wrong[] = {{3, 6, 6}, {2, 7, 6}, {2, 6, 7}};

	follow();
	feed(&(struct sync_event){.type = SYNC_EV_BEGIN});
	cr_assert(find(SYNC_ACT_PLAN) != NULL);
	feed(&(struct sync_event){.type = SYNC_EV_PLAN, .complete = true});
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		hear_end(wrong[i].term, wrong[i].number, wrong[i].digest);
		cr_expect(find(SYNC_ACT_COMMIT) == NULL);
	}
	hear_end(2, 6, 6);
	cr_assert(find(SYNC_ACT_COMMIT) != NULL);
}

Test(sync_alone, a_newer_list_goes_on_with_the_plan_unless_it_is_a_full_one)
{
	follow();
	feed(&(struct sync_event){.type = SYNC_EV_BEGIN});
	cr_assert(find(SYNC_ACT_PLAN) != NULL);
	hear_head(7, true, true);
	feed(&(struct sync_event){.type = SYNC_EV_BEGIN});
	cr_expect(find(SYNC_ACT_PLAN) == NULL, "it is amended");
	feed(&(struct sync_event){.type = SYNC_EV_BEGIN, .full = true});
	cr_assert(find(SYNC_ACT_PLAN) != NULL, "it begins anew");
	cr_expect(find(SYNC_ACT_PLAN)->full);
}

Test(sync_alone, what_fails_is_tried_again_ever_more_seldom)
{
	ha_time wait = SYNC_RETRY_MIN;

	follow();
	for (unsigned i = 0; i < 8; i++) {
		fail(i % 2 == 0 ? "no room" : "");
		cr_expect_str_eq(view().reason, i % 2 == 0 ? "no room" : "unknown");
		cr_expect(find(SYNC_ACT_SAY_PULL) == NULL);
		now += wait - 1;
		tell(SYNC_EV_TIMER);
		cr_expect(find(SYNC_ACT_SAY_PULL) == NULL, "%u", i);
		now += 1;
		tell(SYNC_EV_TIMER);
		cr_expect(find(SYNC_ACT_SAY_PULL) != NULL, "%u", i);
		wait = 2 * wait < SYNC_RETRY_MAX ? 2 * wait : SYNC_RETRY_MAX;
	}
}

Test(sync_alone, a_since_of_the_future_is_answered_with_everything)
{
	lead();
	feed(&(struct sync_event){.type = SYNC_EV_PULL, .since = 6});
	cr_assert(find(SYNC_ACT_SAY_LIST) != NULL);
	cr_expect(find(SYNC_ACT_SAY_LIST)->full);
	feed(&(struct sync_event){.type = SYNC_EV_PULL, .since = 5});
	cr_expect_not(find(SYNC_ACT_SAY_LIST)->full);
	trees.floor = 5;
	tell_trees("");
	feed(&(struct sync_event){.type = SYNC_EV_PULL, .since = 4});
	cr_expect(find(SYNC_ACT_SAY_LIST)->full, "what was before the floor is forgotten");
}

Test(sync_alone, of_two_without_a_whole_copy_the_holder_leads)
{
	struct sync_event ev = {.type = SYNC_EV_HEAD, .head = {.holds = true}};

	start(false);
	self.whole = false;
	self.paired = false; /* of another membership */
	tell_self();
	self.paired = true;
	tell_self();
	cr_assert_not(view().whole);
	feed(&ev);
	cr_expect_eq(sync_.side, SYNC_SIDE_FOLLOWS);
	ev.head.holds = false;
	feed(&ev);
	cr_expect_eq(sync_.side, SYNC_SIDE_NONE);
	ev.head.whole = true;
	ev.head.lineage = (struct lineage){.n = 1, .point = {{2, 5}}};
	feed(&ev);
	cr_expect_eq(sync_.side, SYNC_SIDE_FOLLOWS,
		     "of one that has none and one that has: that one");
}

Test(sync_alone, a_lag_shows_as_out_of_sync_only_when_it_lasts)
{
	lead();
	cr_expect_eq(view().state, SYNC_SYNCED);
	cr_expect_eq(view().lag, 0);
	hear_head(4, false, true);
	cr_expect_eq(view().lag, 1);
	cr_expect_eq(view().state, SYNC_SYNCING, "for a moment");
	feed(&(struct sync_event){.type = SYNC_EV_STATUS, .status = {.phase = SYNC_PHASE_COMMIT}});
	now += SYNC_LAG_ALLOWED;
	tell(SYNC_EV_TIMER);
	cr_expect_eq(view().state, SYNC_SYNCING, "it is written");
	feed(&(struct sync_event){.type = SYNC_EV_STATUS});
	cr_expect_eq(view().state, SYNC_OUT_OF_SYNC);
	tell(SYNC_EV_DOWN);
	cr_expect_eq(view().state, SYNC_OUT_OF_SYNC);
}
