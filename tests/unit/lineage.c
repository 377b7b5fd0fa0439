/* Generations and where they come from: SPEC 6.2. A lineage is written as TERM:NUMBER for each of its points; a star
 * behind the last one stands for another digest of the same head. */
#include "proto/lineage.h"
#include "proto/msg.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct lineage lineage(const char *text)
{
	struct lineage l = {0};
	char *end;

	while (*text == ' ' || (*text >= '0' && *text <= '9')) {
		cr_assert_lt(l.n, LINEAGE_MAX, "%s", text);
		l.point[l.n].term = strtoull(text, &end, 10);
		cr_assert_eq(*end, ':', "%s", text);
		l.point[l.n++].number = strtoull(end + 1, &end, 10);
		text = end;
	}
	if (l.n > 0)
		l.digest[0] = *text == '*' ? 0xbb : 0xaa;
	return l;
}

static const char *written(const struct lineage *l)
{
	static char text[LINEAGE_MAX * 42];
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < l->n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%llu:%llu",
					i > 0 ? " " : "", (unsigned long long)l->point[i].term,
					(unsigned long long)l->point[i].number);
	return text;
}

static enum lineage_relation seen_from_there(enum lineage_relation relation)
{
	return relation == LINEAGE_BEHIND  ? LINEAGE_AHEAD
	       : relation == LINEAGE_AHEAD ? LINEAGE_BEHIND
					   : relation;
}

static void check_relation(const char *what, const struct lineage *own, const struct lineage *other,
			   enum lineage_relation expected, uint64_t expected_common)
{
	uint64_t common = 99;

	cr_assert_eq(lineage_compare(own, other, &common), expected, "%s", what);
	cr_assert_eq(common, expected_common, "%s: common %llu", what, (unsigned long long)common);
}

/* Terms 10 to 25: what is left of a history in which older ones gave way. */
#define SIXTEEN                                                                                    \
	"10:100 11:110 12:120 13:130 14:140 15:150 16:160 17:170 18:180 19:190 20:200 21:210 "     \
	"22:220 23:230 24:240 25:250"

Test(lineage, spec_6_R20_which_side_has_only_missed_something)
{
	static const struct {
		const char *what, *own, *other;
		enum lineage_relation relation;
		uint64_t common;
	} rows[] = {
		{"neither has a generation", "", "", LINEAGE_SAME, 0},
		{"only the other has one", "", "1:1", LINEAGE_BEHIND, 0},
		{"one and the same", "1:5", "1:5", LINEAGE_SAME, 5},
		{"the same of several terms", "1:5 2:7 5:9", "1:5 2:7 5:9", LINEAGE_SAME, 9},
		{"missed one of the same term", "1:5", "1:6", LINEAGE_BEHIND, 5},
		{"missed a term", "1:5", "1:5 2:6", LINEAGE_BEHIND, 5},
		{"missed the end of a term, and more", "1:5", "1:8 2:9 5:12", LINEAGE_BEHIND, 5},
		{"both made one after a takeover", "1:6", "1:5 2:6", LINEAGE_DIVERGED, 5},
		{"both in terms of their own", "1:5 3:9", "1:5 2:8", LINEAGE_DIVERGED, 5},
		{"they part in the middle of a term", "2:9 3:10", "2:4 5:5", LINEAGE_DIVERGED, 4},
		{"they part twice as far back", "1:3 2:6 4:8", "1:3 3:9 5:11", LINEAGE_DIVERGED, 3},
		{"no generation in common", "1:5", "2:5", LINEAGE_DIVERGED, 0},
		{"the same head, made differently", "1:5", "1:5*", LINEAGE_DIVERGED, 4},
		{"the same and only one, made differently", "1:1", "1:1*", LINEAGE_DIVERGED, 0},
		{"another digest of what is newer says nothing", "1:5", "1:6*", LINEAGE_BEHIND, 5},
		{"terms without a generation are not listed", "2:5", "2:5 8:6", LINEAGE_BEHIND, 5},
		{"term 0, of one that never was in a pair", "0:5", "0:7", LINEAGE_BEHIND, 5},
		{"older terms gave way, the head is still listed", "3:30 10:90", SIXTEEN,
		 LINEAGE_BEHIND, 90},
		{"older terms gave way, they parted since", "3:30 10:90 12:91", SIXTEEN,
		 LINEAGE_DIVERGED, 90},
		{"the only common term gave way", "3:30 9:90", SIXTEEN, LINEAGE_DIVERGED, 0},
		{"a number that cannot be of that term", "1:5 3:8", "1:5 2:9 3:12",
		 LINEAGE_DIVERGED, 5},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lineage own = lineage(rows[i].own), other = lineage(rows[i].other);

		check_relation(rows[i].what, &own, &other, rows[i].relation, rows[i].common);
		check_relation(rows[i].what, &other, &own, seen_from_there(rows[i].relation),
			       rows[i].common);
	}
}

Test(lineage, spec_6_R19_a_generation_is_one_more_in_its_term)
{
	static const struct {
		const char *before;
		uint64_t term;
		const char *after;
	} rows[] = {
		{"", 0, "0:1"},
		{"", 7, "7:1"},
		{"7:1", 7, "7:2"},
		{"7:2", 8, "7:2 8:3"},
		{"7:2 8:3", 8, "7:2 8:4"},
		{SIXTEEN, 25,
		 "10:100 11:110 12:120 13:130 14:140 15:150 16:160 17:170 18:180 19:190 20:200 "
		 "21:210 22:220 23:230 24:240 25:251"},
		{SIXTEEN, 27,
		 "11:110 12:120 13:130 14:140 15:150 16:160 17:170 18:180 19:190 20:200 21:210 "
		 "22:220 23:230 24:240 25:250 27:251"},
	};
	static const uint8_t digest[HA_KEY_LEN] = {1, [31] = 2};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lineage l = lineage(rows[i].before);
		uint64_t number = lineage_head(&l).number;

		lineage_extend(&l, rows[i].term, digest);
		cr_assert_str_eq(written(&l), rows[i].after);
		cr_assert_arr_eq(l.digest, digest, sizeof(digest));
		cr_assert_eq(lineage_head(&l).term, rows[i].term);
		cr_assert_eq(lineage_head(&l).number, number + 1);
		cr_assert(lineage_valid(&l));
	}
}

Test(lineage, the_head_of_none_is_zero)
{
	const struct lineage none = {0};

	cr_assert_eq(lineage_head(&none).term, 0);
	cr_assert_eq(lineage_head(&none).number, 0);
}

Test(lineage, a_term_below_the_heads_makes_nothing, .signal = SIGABRT)
{
	struct lineage l = lineage("7:2");

	lineage_extend(&l, 6, l.digest);
}

Test(lineage, spec_6_R18_what_may_come_from_elsewhere)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{"", true},
		{"0:1", true},
		{SIXTEEN, true},
		{"9223372032559808511:9223372032559808511", true},
		{"1:0", false},
		{"9223372032559808512:1", false},
		{"1:9223372032559808512", false},
		{"1:5 1:6", false},
		{"2:5 1:6", false},
		{"1:5 2:5", false},
		{"1:5 2:4", false},
		{"1:5 2:6 2:7", false},
	};
	struct lineage l;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		l = lineage(rows[i].text);
		cr_assert_eq(lineage_valid(&l), rows[i].valid, "%s", rows[i].text);
	}
	l = lineage(SIXTEEN);
	l.n = LINEAGE_MAX + 1;
	cr_assert_not(lineage_valid(&l), "more points than there is room for");
	l = lineage("");
	l.digest[31] = 1;
	cr_assert_not(lineage_valid(&l), "a digest of nothing");
}

Test(lineage, spec_6_R18_what_is_heard_has_a_next_one)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{"", true},
		{SIXTEEN, true},
		{"4611686018427387903:4611686018427387903", true},
		{"4611686018427387904:1", false},
		{"1:4611686018427387904", false},
		{"1:2 2:1", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lineage l = lineage(rows[i].text);

		cr_assert_eq(lineage_heard_valid(&l), rows[i].valid, "%s", rows[i].text);
	}
}

/* ---- random histories ---- */

enum {
	HISTORIES = 2000,
	STEPS = 160,
};

struct made {
	uint64_t term;
	uint32_t id; /* no two generations have the same */
};

/* A node as it would be if nothing were ever forgotten, beside the lineage that it really has. */
struct witness {
	struct made made[STEPS]; /* generation i + 1 */
	unsigned n;
	uint64_t term; /* the newest of its own */
	struct lineage lineage;
};

struct story {
	struct witness node[2];
	uint64_t state;   /* of the random numbers */
	unsigned follows; /* one step in so many: the more, the more is forgotten */
	uint32_t id;
};

static unsigned chance(struct story *s, unsigned of)
{
	s->state = s->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(s->state >> 33) % of;
}

/* The next own term above every one that is known here: one node has the even ones, the other the odd. */
static void promote(struct witness *w, unsigned parity)
{
	uint64_t known = lineage_head(&w->lineage).term;

	if (known < w->term)
		known = w->term;
	w->term = known + 1 + ((known + 1) % 2 != parity);
}

static void make_generation(struct story *s, unsigned i)
{
	struct witness *w = &s->node[i];
	uint8_t digest[HA_KEY_LEN] = {0};

	if (w->term < lineage_head(&w->lineage).term || w->term == 0)
		promote(w, i);
	s->id++;
	memcpy(digest, &s->id, sizeof(s->id));
	w->made[w->n++] = (struct made){w->term, s->id};
	lineage_extend(&w->lineage, w->term, digest);
}

static unsigned common_generations(const struct witness *a, const struct witness *b)
{
	unsigned n = 0;

	while (n < a->n && n < b->n && a->made[n].id == b->made[n].id)
		n++;
	return n;
}

static bool lists(const struct lineage *l, uint64_t term)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->point[i].term == term)
			return true;
	return false;
}

/* What the whole histories say; *common becomes 0 where the term of the newest common generation gave way in one. */
static enum lineage_relation truth(const struct witness *own, const struct witness *other,
				   unsigned *common)
{
	unsigned n = *common = common_generations(own, other);

	if (n > 0 && (!lists(&own->lineage, own->made[n - 1].term) ||
		      !lists(&other->lineage, own->made[n - 1].term))) {
		*common = 0;
		return LINEAGE_DIVERGED;
	}
	return n == own->n     ? (n == other->n ? LINEAGE_SAME : LINEAGE_BEHIND)
	       : n == other->n ? LINEAGE_AHEAD
			       : LINEAGE_DIVERGED;
}

/* One step of the story: mostly new generations, now and then a takeover, or one follows the other. */
static void happen(struct story *s)
{
	unsigned i = chance(s, 2), common;
	struct witness *w = &s->node[i], *other = &s->node[1 - i];
	enum lineage_relation relation = truth(w, other, &common);

	if (chance(s, s->follows) > 0) {
		if (chance(s, 4) == 0)
			promote(w, i);
		make_generation(s, i);
	} else if (relation == LINEAGE_BEHIND ||
		   (relation == LINEAGE_DIVERGED &&
		    lineage_head(&w->lineage).term < lineage_head(&other->lineage).term)) {
		memcpy(w->made, other->made, sizeof(w->made));
		w->n = other->n;
		w->lineage = other->lineage;
	}
}

Test(lineage, spec_6_R20_random_histories_of_two_nodes_are_told_apart_rightly)
{
	unsigned seen[LINEAGE_DIVERGED + 1] = {0}, forgotten = 0;

	for (unsigned seed = 0; seed < HISTORIES; seed++) {
		struct story s = {.state = seed, .follows = seed % 2 ? 5 : 50};

		for (unsigned step = 0; step < STEPS; step++) {
			const struct witness *a = &s.node[0], *b = &s.node[1];
			enum lineage_relation relation;
			unsigned common;
			char what[40];

			happen(&s);
			relation = truth(a, b, &common);
			snprintf(what, sizeof(what), "seed %u, step %u", seed, step);
			check_relation(what, &a->lineage, &b->lineage, relation, common);
			check_relation(what, &b->lineage, &a->lineage, seen_from_there(relation),
				       common);
			cr_assert(lineage_valid(&a->lineage) && lineage_valid(&b->lineage));
			seen[relation]++;
			forgotten += common != common_generations(a, b);
		}
	}
	for (unsigned i = 0; i <= LINEAGE_DIVERGED; i++)
		cr_assert_gt(seen[i], HISTORIES, "relation %u", i);
	cr_assert_gt(forgotten, HISTORIES);
}
