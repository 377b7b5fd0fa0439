/* settings.c - see settings.h. */
#include "tests/explore/settings.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "proto/sync.h"
#include "tests/explore/mutant.h"
#include "tests/sim/said.h"

enum {
	A = 0,
	B = 1,
	CELLS = 2, /* values of a tree */
	SAID = 24,
	MADE = 12,
	KEPT = 8,
	REQUEST = 7,
	ROOT_MOVES = 200,
	OPTIONS = 32,
};

#define EPOCH         (1000 * HA_SEC)
#define NO_GENERATION UINT64_MAX
#define FAILS         "the disk is full"
#define STALE         "the other appliance has other files than it told of: asking again"

struct said {
	enum sync_action_type type;
	uint8_t from;
	bool full;
	uint64_t since;
	union {
		struct sync_head head;
		struct sync_status status;
		struct {
			struct sync_end end;
			uint32_t cell[CELLS];
			bool told[CELLS], lacks[CELLS]; /* the content is another by now */
		} list;
	};
};

struct side {
	struct sync sync;
	struct lineage disk; /* what a crash leaves, like the cells */
	uint8_t key[HA_KEY_LEN];
	uint32_t cell[CELLS];
	uint32_t seen[CELLS];   /* by the newest scan: the index */
	uint64_t number[CELLS]; /* of the generation that changed it */
	uint64_t term;
	bool holds, whole, alive, scanning;
	/* following */
	bool planning, plan_ended, plan_full, planned[CELLS], lacking[CELLS];
	uint32_t plan[CELLS];
	uint64_t keep_above;
	uint8_t kept;
	uint32_t kept_value[KEPT];
};

struct pair {
	ha_time now;
	struct side side[2];
	bool connected, turning;
	uint8_t turns_to;
	uint8_t left[SETTINGS_N];
	uint32_t value;        /* newest that was ever written */
	uint32_t asked[CELLS]; /* by the barrier that waits */
	uint32_t acknowledged[CELLS];
	bool waiting;
	bool healed, must[2][CELLS];
	uint32_t last[2][CELLS];
	uint8_t made_n;
	struct lineage_point made[MADE];
	uint8_t said_n;
	struct said said[SAID + 1]; /* the rest is zero */
};

static const struct settings_scenario *scenario;

static const char *name(unsigned i)
{
	return i == A ? "A" : "B";
}

static bool spend(struct pair *p, enum settings_price price)
{
	if (!p->left[SETTINGS_ALL] || !p->left[price])
		return false;
	p->left[SETTINGS_ALL]--;
	p->left[price]--;
	return true;
}

static bool affords(const struct pair *p, enum settings_price price)
{
	return p->left[SETTINGS_ALL] && p->left[price];
}

/* ---- trees ---- */

/* Equal exactly if the cells and the key are. */
static void digest(const struct side *s, uint8_t out[HA_KEY_LEN])
{
	memset(out, 0, HA_KEY_LEN);
	memcpy(out, s->seen, sizeof(s->seen));
	memcpy(out + sizeof(s->seen), s->key, 8);
	out[HA_KEY_LEN - 1] = 1;
}

static struct sync_trees trees_of(const struct side *s)
{
	struct sync_trees t = {.settled = !s->scanning, .entries = CELLS};

	for (unsigned i = 0; i < CELLS; i++)
		t.pending += s->number[i] == NO_GENERATION;
	memcpy(t.key, s->key, HA_KEY_LEN);
	digest(s, t.digest);
	return t;
}

/* ---- to and from the machines ---- */

static void carry(struct pair *, unsigned, const struct sync_actions *);

/* Nothing fails here but commits, and what is told may be another by now. */
static void check_reason(const struct pair *p, unsigned who)
{
	const char *reason = p->side[who].sync.reason;

	if (reason[0] != '\0' && strcmp(reason, FAILS) != 0 && strcmp(reason, STALE) != 0)
		search_violated("no error", "%s: %s", name(who), reason);
}

static void feed(struct pair *p, unsigned who, struct sync_event *ev)
{
	struct sync_actions out;

	if (!p->side[who].alive)
		return;
	ev->now = p->now;
	sync_step(&p->side[who].sync, ev, &out);
	check_reason(p, who);
	if (sync_deadline(&p->side[who].sync) <= p->now)
		search_violated("time", "the deadline of %s does not lie ahead", name(who));
	carry(p, who, &out);
}

static void feed_type(struct pair *p, unsigned who, enum sync_event_type type)
{
	struct sync_event ev = {.type = type};

	feed(p, who, &ev);
}

static void feed_trees(struct pair *p, unsigned who)
{
	struct side *s = &p->side[who];
	struct sync_event ev = {.type = SYNC_EV_TREES};

	s->scanning = false;
	for (unsigned i = 0; i < CELLS; i++) {
		if (s->seen[i] != s->cell[i])
			s->number[i] = NO_GENERATION;
		s->seen[i] = s->cell[i];
	}
	ev.trees = trees_of(s);
	feed(p, who, &ev);
}

static void feed_self(struct pair *p, unsigned who)
{
	const struct side *s = &p->side[who];
	struct sync_event ev = {.type = SYNC_EV_SELF,
				.self = {.paired = true,
					 .holds = s->holds,
					 .whole = s->whole,
					 .peer_heard = p->connected && p->side[1 - who].alive,
					 .term = s->term}};

	feed(p, who, &ev);
}

static struct said *say(struct pair *p, unsigned who, enum sync_action_type type)
{
	static struct said nowhere;
	struct said *said = &nowhere;

	if (p->connected) {
		assert(p->said_n < SAID);
		said = &p->said[p->said_n++];
	}
	memset(said, 0, sizeof(*said));
	said->type = type;
	said->from = (uint8_t)who;
	return said;
}

/* ---- crashes ---- */

static void cut(struct pair *p)
{
	p->connected = false;
	p->said_n = 0;
	memset(p->said, 0, sizeof(p->said));
	for (unsigned i = A; i <= B; i++) {
		feed_type(p, i, SYNC_EV_DOWN);
		feed_self(p, i);
	}
}

static void crash(struct pair *p, unsigned who)
{
	struct side *s = &p->side[who];

	s->alive = s->scanning = s->planning = false;
	memset(&s->sync, 0, sizeof(s->sync));
	if (p->waiting && s->holds)
		p->waiting = false;
	cut(p);
}

static void start(struct pair *p, unsigned who)
{
	struct side *s = &p->side[who];

	s->alive = true;
	sync_init(&s->sync, &s->disk, p->now);
	feed_self(p, who);
	feed_trees(p, who);
}

static void join(struct pair *p)
{
	p->connected = true;
	for (unsigned i = A; i <= B; i++)
		feed_self(p, i);
	for (unsigned i = A; i <= B; i++)
		feed_type(p, i, SYNC_EV_UP);
}

/* At a point where the disk changes: it dies before (1), after (2), or not (0). */
static unsigned dies(struct pair *p, unsigned who)
{
	unsigned choice = affords(p, SETTINGS_CRASH) ? search_choice(3) : 0;

	if (choice == 0)
		return 0;
	spend(p, SETTINGS_CRASH);
	search_tell("%s crashes %s its disk has changed", name(who),
		    choice == 1 ? "before" : "after");
	return choice;
}

/* ---- what they want done ---- */

static void apply(struct side *s, const struct lineage *lineage)
{
	uint64_t number = lineage_head(lineage).number;

	for (unsigned i = 0; i < CELLS; i++) {
		bool unseen = s->seen[i] != s->cell[i], other = s->cell[i] != s->plan[i];

		if (!s->planned[i])
			continue;
		if (other && (unseen || s->number[i] > s->keep_above) &&
		    s->keep_above != UINT64_MAX)
			s->kept_value[s->kept++ % KEPT] = s->cell[i];
		if (other || s->number[i] == NO_GENERATION)
			s->number[i] = number;
		s->cell[i] = s->seen[i] = s->plan[i];
	}
	s->disk = *lineage;
}

/* Would the trees be what the leader has? */
static bool fits(const struct side *s, const struct lineage *lineage)
{
	struct side then = *s;
	uint8_t bytes[HA_KEY_LEN];

	for (unsigned i = 0; i < CELLS; i++)
		if (s->planned[i])
			then.seen[i] = s->plan[i];
	digest(&then, bytes);
	return s->plan_full || memcmp(bytes, lineage->digest, sizeof(bytes)) == 0;
}

static void commit(struct pair *p, unsigned who, const struct lineage *lineage)
{
	struct side *s = &p->side[who];
	struct sync_event ev = {.type = SYNC_EV_COMMITTED};
	unsigned dead;

	if (!s->planning || !s->plan_ended)
		search_violated("commit", "%s commits what is not whole", name(who));
	s->planning = false;
	if (!fits(s, lineage)) {
		search_tell("the plan of %s does not fit", name(who));
		feed_type(p, who, SYNC_EV_UNFIT);
		return;
	}
	dead = dies(p, who);
	if (dead == 0 && affords(p, SETTINGS_FAIL) && search_choice(2) == 1) {
		spend(p, SETTINGS_FAIL);
		search_tell("the commit of %s fails", name(who));
		ev.type = SYNC_EV_FAILED;
		(void)snprintf(ev.reason, sizeof(ev.reason), FAILS);
		feed(p, who, &ev);
		return;
	}
	search_tell("%s commits %llu: %u %u", name(who),
		    (unsigned long long)lineage_head(lineage).number,
		    s->planned[0] ? s->plan[0] : s->cell[0],
		    s->planned[1] ? s->plan[1] : s->cell[1]);
	if (dead != 1)
		apply(s, lineage);
	if (dead != 0) {
		crash(p, who);
		return;
	}
	ev.trees = trees_of(s);
	feed(p, who, &ev);
	s->whole |= s->sync.self.whole;
}

static void generation(struct pair *p, unsigned who, const struct lineage *lineage)
{
	struct side *s = &p->side[who];
	struct lineage_point head = lineage_head(lineage);
	struct sync_event ev = {.type = SYNC_EV_MADE};
	unsigned dead = dies(p, who);

	if (!s->holds)
		search_violated("generation", "%s makes one and does not hold", name(who));
	if (dead != 1) {
		for (unsigned i = 0; i < p->made_n; i++)
			if (p->made[i].term == head.term && p->made[i].number == head.number)
				search_violated("generation", "%s makes %llu of term %llu again",
						name(who), (unsigned long long)head.number,
						(unsigned long long)head.term);
		assert(p->made_n < MADE);
		p->made[p->made_n++] = head;
		s->disk = *lineage;
		for (unsigned i = 0; i < CELLS; i++)
			if (s->number[i] == NO_GENERATION)
				s->number[i] = head.number;
	}
	if (dead != 0) {
		crash(p, who);
		return;
	}
	search_tell("%s has made generation %llu of term %llu", name(who),
		    (unsigned long long)head.number, (unsigned long long)head.term);
	ev.trees = trees_of(s);
	feed(p, who, &ev);
}

static void list(struct pair *p, unsigned who, const struct sync_action *a)
{
	const struct side *s = &p->side[who];
	struct said *said = say(p, who, SYNC_ACT_SAY_LIST);

	said->since = a->since;
	said->full = a->full;
	for (unsigned i = 0; i < CELLS; i++) {
		said->list.told[i] = a->full || s->number[i] > a->since;
		said->list.cell[i] = s->seen[i];
		said->list.lacks[i] = said->list.told[i] && s->seen[i] != s->cell[i];
	}
	said->list.end.head = lineage_head(&a->lineage);
	memcpy(said->list.end.digest, a->lineage.digest, HA_KEY_LEN);
}

/* What was there when it was asked for is on both disks, or something newer is. */
static void check_acknowledged(const struct pair *p)
{
	for (unsigned i = A; i <= B; i++)
		for (unsigned c = 0; c < CELLS; c++)
			if (p->side[i].cell[c] < p->acknowledged[c])
				search_violated("acknowledged",
						"value %u was acknowledged, %s has %u",
						p->acknowledged[c], name(i), p->side[i].cell[c]);
}

static void answered(struct pair *p, unsigned who, bool ok)
{
	search_tell("the barrier at %s is %s", name(who), ok ? "acknowledged" : "refused");
	if (p->waiting && ok)
		memcpy(p->acknowledged, p->asked, sizeof(p->acknowledged));
	p->waiting = false;
	memset(p->asked, 0, sizeof(p->asked));
	check_acknowledged(p);
}

static void carry_one(struct pair *p, unsigned who, const struct sync_action *a)
{
	struct side *s = &p->side[who];

	switch (a->type) {
	case SYNC_ACT_SAY_HEAD:
		sync_own_head(&s->sync, &say(p, who, a->type)->head);
		break;
	case SYNC_ACT_SAY_STATUS:
		sync_own_status(&s->sync, &say(p, who, a->type)->status);
		break;
	case SYNC_ACT_SAY_PULL:
		say(p, who, a->type)->since = a->since;
		break;
	case SYNC_ACT_SAY_COMPARE:
		(void)say(p, who, a->type);
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
			s->number[i] = NO_GENERATION;
		s->scanning = true;
		break;
	case SYNC_ACT_PLAN:
		s->planning = true;
		s->plan_ended = false;
		s->plan_full = a->full;
		s->keep_above = a->keep_above;
		memset(s->planned, 0, sizeof(s->planned));
		memset(s->lacking, 0, sizeof(s->lacking));
		break;
	case SYNC_ACT_DROP:
		s->planning = false;
		break;
	case SYNC_ACT_COMMIT:
		commit(p, who, &a->lineage);
		break;
	case SYNC_ACT_GENERATION:
		generation(p, who, &a->lineage);
		break;
	case SYNC_ACT_ANSWER:
		answered(p, who, a->ok);
		break;
	}
}

static void carry(struct pair *p, unsigned who, const struct sync_actions *out)
{
	for (unsigned i = 0; i < out->n && p->side[who].alive; i++)
		carry_one(p, who, &out->a[i]);
}

/* ---- what was said is heard ---- */

static void hear_list(struct pair *p, unsigned who, const struct said *said)
{
	struct side *s = &p->side[who];
	bool complete = true;
	struct sync_event ev = {.type = SYNC_EV_BEGIN, .full = said->full, .since = said->since};

	feed(p, who, &ev);
	if (!s->planning)
		return;
	for (unsigned i = 0; i < CELLS; i++) {
		if (said->list.told[i]) {
			s->plan[i] = said->list.cell[i];
			s->planned[i] = true;
			s->lacking[i] = said->list.lacks[i];
		}
		complete &= !s->lacking[i];
	}
	s->plan_ended = true;
	ev = (struct sync_event){.type = SYNC_EV_END, .end = said->list.end};
	feed(p, who, &ev);
	ev = (struct sync_event){.type = SYNC_EV_PLAN, .complete = complete, .stalled = !complete};
	feed(p, who, &ev);
}

static void hear(struct pair *p, unsigned to, const struct said *said)
{
	struct sync_event ev;

	if (said_heard(said->type, said->since, &said->head, &said->status, &ev))
		feed(p, to, &ev);
	else
		hear_list(p, to, said);
}

static unsigned oldest(const struct pair *p, unsigned from)
{
	unsigned i = 0;

	while (i < p->said_n && p->said[i].from != from)
		i++;
	return i;
}

static void tell_said(const struct said *said)
{
	const char *who = name(said->from), *other = name(1u - said->from);
	struct lineage_point at;

	switch (said->type) {
	case SYNC_ACT_SAY_HEAD:
		at = lineage_head(&said->head.lineage);
		search_tell("%s hears HEAD: %s has %llu of term %llu%s%s", other, who,
			    (unsigned long long)at.number, (unsigned long long)at.term,
			    said->head.holds ? ", holds" : "", said->head.clean ? "" : ", unclean");
		break;
	case SYNC_ACT_SAY_PULL:
		search_tell("%s hears PULL: %s wants all since %llu", other, who,
			    (unsigned long long)said->since);
		break;
	case SYNC_ACT_SAY_LIST:
		search_tell("%s hears what changed at %s since %llu up to %llu%s", other, who,
			    (unsigned long long)said->since,
			    (unsigned long long)said->list.end.head.number,
			    said->full ? ": all" : "");
		break;
	default:
		break;
	}
}

static void deliver(struct pair *p, unsigned from)
{
	unsigned i = oldest(p, from);
	struct said said = p->said[i];

	tell_said(&said);
	p->said_n--;
	memmove(&p->said[i], &p->said[i + 1], (p->said_n - i) * sizeof(said));
	memset(&p->said[p->said_n], 0, sizeof(said));
	hear(p, 1 - from, &said);
}

/* ---- what can happen next ---- */

static bool has_said(const struct pair *p, unsigned i)
{
	return oldest(p, i) < p->said_n;
}

/* Y3: of two that hold and hear each other again the one of the lower term gives up. */
static bool must_give_up(const struct pair *p, unsigned i)
{
	return p->connected && p->side[i].holds && p->side[1 - i].holds &&
	       p->side[i].term < p->side[1 - i].term;
}

static void give_up(struct pair *p, unsigned i)
{
	search_tell("%s does not hold any more", name(i));
	p->side[i].holds = false;
	feed_self(p, i);
}

static bool takes_over(const struct pair *p, unsigned i)
{
	return p->turning && p->turns_to == i;
}

static void hold(struct pair *p, unsigned i)
{
	uint64_t ever = p->side[A].term > p->side[B].term ? p->side[A].term : p->side[B].term;

	p->turning = false;
	p->turns_to = 0;
	p->side[i].term = ever + 1 + ((ever + 1) % 2 != i); /* even: A, odd: B */
	p->side[i].holds = true;
	search_tell("%s holds in term %llu", name(i), (unsigned long long)p->side[i].term);
	feed_self(p, i);
}

static bool scans(const struct pair *p, unsigned i)
{
	return p->side[i].alive && p->side[i].scanning;
}

static bool may_change(const struct pair *p, unsigned i)
{
	return affords(p, SETTINGS_CHANGE) && p->side[i].alive && p->side[i].holds;
}

static void change(struct pair *p, unsigned i)
{
	unsigned cell = search_choice(CELLS);

	spend(p, SETTINGS_CHANGE);
	p->side[i].cell[cell] = ++p->value;
	p->side[i].scanning = true;
	search_tell("value %u at %s, place %u", p->value, name(i), cell);
}

static bool may_ask(const struct pair *p, unsigned i)
{
	return affords(p, SETTINGS_BARRIER) && p->side[i].alive && p->side[i].holds && !p->waiting;
}

static void ask(struct pair *p, unsigned i)
{
	struct sync_event ev = {
		.type = SYNC_EV_BARRIER, .request = REQUEST, .until = p->now + 10 * HA_SEC};

	spend(p, SETTINGS_BARRIER);
	search_tell("a barrier is asked for at %s", name(i));
	p->waiting = true;
	memcpy(p->asked, p->side[i].cell, sizeof(p->asked));
	feed(p, i, &ev);
}

static bool may_turn(const struct pair *p, unsigned i)
{
	return affords(p, SETTINGS_TURN) && p->side[i].alive && p->side[i].whole &&
	       !p->side[i].holds && p->side[1 - i].holds && !p->turning;
}

/* A swap; or where the holder is not heard it goes on holding, as far as it knows, if it lives. */
static void turn(struct pair *p, unsigned i)
{
	spend(p, SETTINGS_TURN);
	p->turning = true;
	p->turns_to = (uint8_t)i;
	if (p->connected)
		give_up(p, 1 - i);
	else if (!p->side[1 - i].alive)
		p->side[1 - i].holds = false;
}

static bool may_crash(const struct pair *p, unsigned i)
{
	return affords(p, SETTINGS_CRASH) && p->side[i].alive;
}

static void crash_at(struct pair *p, unsigned i)
{
	spend(p, SETTINGS_CRASH);
	search_tell("%s crashes", name(i));
	crash(p, i);
}

static bool is_dead(const struct pair *p, unsigned i)
{
	return !p->side[i].alive;
}

static void start_at(struct pair *p, unsigned i)
{
	search_tell("%s starts", name(i));
	start(p, i);
}

static bool may_cut(const struct pair *p, unsigned i)
{
	return i == A && p->connected && affords(p, SETTINGS_CUT);
}

static void cut_at(struct pair *p, unsigned i)
{
	(void)i;
	spend(p, SETTINGS_CUT);
	search_tell("the stream is cut");
	cut(p);
}

static bool may_join(const struct pair *p, unsigned i)
{
	return i == A && !p->connected && p->side[A].alive && p->side[B].alive;
}

static void join_at(struct pair *p, unsigned i)
{
	(void)i;
	search_tell("there is a stream again");
	join(p);
}

static void deliver_of(struct pair *p, unsigned i)
{
	deliver(p, i);
}

/* In the order in which it goes on by itself; mending and breaking is up to somebody. */
static const struct {
	bool by_itself;
	bool (*may)(const struct pair *, unsigned i);
	void (*happen)(struct pair *, unsigned i);
} events[] = {
	{true, must_give_up, give_up}, {true, takes_over, hold},     {true, has_said, deliver_of},
	{true, scans, feed_trees},     {false, may_change, change},  {false, may_ask, ask},
	{false, may_turn, turn},       {false, may_crash, crash_at}, {false, is_dead, start_at},
	{false, may_cut, cut_at},      {false, may_join, join_at},
};

enum {
	EVENTS = sizeof(events) / sizeof(*events),
};

static ha_time next_time(const struct pair *p)
{
	ha_time next = p->now + HA_SEC;

	for (unsigned i = A; i <= B; i++)
		if (p->side[i].alive && sync_deadline(&p->side[i].sync) < next)
			next = sync_deadline(&p->side[i].sync);
	return next > p->now ? next : p->now + 1;
}

static ha_time time_passes(struct pair *p)
{
	ha_time from = p->now;

	p->now = next_time(p);
	for (unsigned i = A; i <= B; i++)
		if (p->side[i].alive && p->now >= sync_deadline(&p->side[i].sync))
			feed_type(p, i, SYNC_EV_TIMER);
	return p->now - from;
}

static ha_time move(void *state)
{
	struct pair *p = state;
	unsigned option[OPTIONS], n = 0, by_itself = 0, chosen;
	bool slow = affords(p, SETTINGS_SLOW);

	for (unsigned k = 0; k < 2 * EVENTS; k++) {
		if (!events[k / 2].may(p, k % 2))
			continue;
		option[n++] = k;
		by_itself += events[k / 2].by_itself;
	}
	/* Time is the last that goes on by itself. */
	if (by_itself == 0) {
		chosen = search_choice(n + 1);
		if (chosen == 0)
			return time_passes(p);
		chosen--;
	} else {
		chosen = search_choice(n + slow);
		if (chosen == n) {
			spend(p, SETTINGS_SLOW);
			return time_passes(p);
		}
	}
	events[option[chosen] / 2].happen(p, option[chosen] % 2);
	check_acknowledged(p);
	return 0;
}

/* ---- the model ---- */

static void root(void *state, unsigned which)
{
	struct pair *p = state;

	(void)which;
	p->now = EPOCH;
	p->value = 20;
	for (unsigned i = A; i <= B; i++) {
		struct side *s = &p->side[i];

		memset(s->key, (int)(0x11 * (i + 1)), HA_KEY_LEN);
		for (unsigned c = 0; c < CELLS; c++) {
			s->cell[c] = 1 + 10 * i + c;
			s->number[c] = NO_GENERATION;
		}
	}
	p->side[A].holds = p->side[A].whole = true;
	p->side[A].term = 4;
	start(p, A);
	start(p, B);
	join(p);
	for (unsigned k = 0; k < ROOT_MOVES && !scenario->joining; k++)
		(void)move(p);
	memcpy(p->left, scenario->allowance, sizeof(p->left));
}

static bool is_open(const void *state)
{
	const struct pair *p = state;

	return p->left[SETTINGS_ALL] > 0 || p->said_n > 0 || !p->connected || p->turning;
}

/* Must the value outlive what comes? Not what both had once: what came after that. */
static bool counts(const struct pair *p, unsigned who, unsigned cell)
{
	const struct side *s = &p->side[who];
	uint64_t common;

	mutant_rest(true);
	lineage_compare(&s->disk, &p->side[1 - who].disk, &common);
	mutant_rest(false);
	return s->whole && (s->number[cell] > common || s->seen[cell] != s->cell[cell]);
}

static void heal(void *state)
{
	struct pair *p = state;

	memset(p->left, 0, sizeof(p->left));
	p->healed = true;
	for (unsigned i = A; i <= B; i++)
		for (unsigned c = 0; c < CELLS; c++) {
			p->last[i][c] = p->side[i].cell[c];
			p->must[i][c] = counts(p, i, c);
		}
	for (unsigned i = A; i <= B; i++)
		if (!p->side[i].alive)
			start(p, i);
	if (!p->connected)
		join(p);
}

static bool is_somewhere(const struct pair *p, uint32_t value)
{
	for (unsigned i = A; i <= B; i++) {
		for (unsigned c = 0; c < CELLS; c++)
			if (p->side[i].cell[c] == value)
				return true;
		for (unsigned k = 0; k < KEPT; k++)
			if (p->side[i].kept_value[k] == value)
				return true;
	}
	return false;
}

static bool is_synced(const struct pair *p, unsigned i)
{
	struct sync_view v;

	sync_view(&p->side[i].sync, &v);
	return v.state == SYNC_SYNCED && !p->side[i].scanning && !v.lag;
}

static bool is_settled(const void *state)
{
	const struct pair *p = state;

	if (!p->connected || p->said_n > 0 || p->side[A].holds == p->side[B].holds ||
	    memcmp(p->side[A].cell, p->side[B].cell, sizeof(p->side[A].cell)) != 0 ||
	    !is_synced(p, A) || !is_synced(p, B))
		return false;
	for (unsigned i = A; i <= B && p->healed; i++)
		for (unsigned c = 0; c < CELLS; c++)
			if (p->must[i][c] && !is_somewhere(p, p->last[i][c]))
				search_violated("kept", "value %u of %s is nowhere any more",
						p->last[i][c], name(i));
	return true;
}

static void past(ha_time *at, ha_time shift, ha_time over)
{
	if (*at == HA_NEVER || *at == -1)
		return;
	*at -= shift;
	if (*at < EPOCH - over)
		*at = EPOCH - over;
}

static size_t canonical(void *state)
{
	struct pair *p = state;
	ha_time shift = p->now - EPOCH;

	p->now = EPOCH;
	for (unsigned i = A; i <= B; i++) {
		struct sync *s = &p->side[i].sync;

		if (!p->side[i].alive)
			continue;
		s->now = EPOCH; /* of its newest step: the next one sets it anew */
		past(&s->next, shift, 0);
		past(&s->behind, shift, SYNC_LAG_ALLOWED);
		past(&s->retry_at, shift, 0);
		past(&s->stalled, shift, SYNC_STALL);
		past(&s->status_at, shift, SYNC_STATUS_MIN);
		if (s->synced_at >= 0)
			s->synced_at = EPOCH; /* only told */
		for (unsigned w = 0; w < SYNC_BARRIERS_MAX; w++) {
			if (s->wait[w].request == 0)
				memset(&s->wait[w], 0, sizeof(s->wait[w]));
			else
				past(&s->wait[w].until, shift, 0);
		}
	}
	return offsetof(struct pair, said) + p->said_n * sizeof(p->said[0]);
}

const struct search_model *settings_model(const struct settings_scenario *of)
{
	static const struct search_model model = {
		.size = sizeof(struct pair),
		.roots = 1,
		.root = root,
		.is_open = is_open,
		.move = move,
		.canonical = canonical,
		.heal = heal,
		.is_settled = is_settled,
		.settle_within = 5 * SYNC_RETRY_MAX,
		.settle_stable = 3 * HA_SEC,
	};

	scenario = of;
	return &model;
}
