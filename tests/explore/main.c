/* main.c - explores the scenarios, and shows that each property can fail. TAP; figures and traces are in its comments.
 *
 *   explore          what ends within half a minute: for check
 *   explore --long   every scenario with one more of each, as far as the memory goes: for `make explore`
 *   explore --pair N...      one with an allowance of one's own, in the order of enum pair_price
 *   explore --settings N...  the same in the order of enum settings_price
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/explore/mutant.h"
#include "tests/explore/pair.h"
#include "tests/explore/settings.h"

#define TIMING                                                                                     \
	{                                                                                          \
		.heartbeat = 100 * HA_MS, .dead = 300 * HA_MS, .confirm = 50 * HA_MS,              \
		.boot_wait = 400 * HA_MS, .boot_wait_passive = 800 * HA_MS,                        \
	}
#define TICK (50 * HA_MS)

/* ALL, CRASH, PAUSE, SWAP, CUT, LOSS, DELAY */
static const struct pair_scenario pairs[] = {
	{"one of anything", TICK, TIMING, {1, 1, 1, 1, 1, 1, 1}, false, false},
	{"one of anything, the witness asked rarely",
	 TICK,
	 TIMING,
	 {1, 1, 1, 1, 1, 1, 1},
	 false,
	 true},
	{"one of anything in the first sync", TICK, TIMING, {1, 1, 1, 1, 1, 1, 1}, true, false},
	{"crashes and swaps", TICK, TIMING, {2, 2, 0, 2, 0, 0, 0}, false, false},
	{"losses, delays and swaps", TICK, TIMING, {2, 0, 0, 1, 0, 2, 1}, false, false},
};
static const struct pair_scenario longer[] = {
	{"two of anything", TICK, TIMING, {2, 2, 2, 2, 2, 2, 2}, false, false},
	{"two of anything in the first sync", TICK, TIMING, {2, 2, 2, 2, 2, 2, 2}, true, false},
	{"crashes, swaps and losses", TICK, TIMING, {3, 3, 0, 2, 0, 2, 0}, false, false},
	{"losses, delays and swaps", TICK, TIMING, {4, 0, 0, 2, 0, 4, 2}, false, false},
	{"cuts", TICK, TIMING, {3, 0, 0, 0, 3, 0, 0}, false, false},
	{"finer ticks", TICK / 2, TIMING, {1, 1, 1, 1, 1, 1, 1}, false, true},
};

/* ALL, CHANGE, CUT, CRASH, TURN, BARRIER, FAIL, SLOW */
static const struct settings_scenario settings[] = {
	{"settings: changes, barriers, crashes", {3, 2, 0, 1, 0, 1, 1, 0}, false},
	{"settings: cuts and turns", {4, 2, 1, 0, 1, 1, 0, 0}, false},
	{"settings: the first copy", {2, 1, 1, 1, 1, 1, 1, 0}, true},
};
static const struct settings_scenario settings_longer[] = {
	{"settings: a cut and two turns", {5, 2, 1, 0, 2, 0, 0, 0}, false},
	{"settings: changes on both sides of a cut", {5, 3, 1, 0, 1, 0, 0, 0}, false},
	{"settings: five of anything", {5, 2, 2, 2, 2, 2, 1, 1}, false},
	{"settings: the first copy", {4, 2, 2, 2, 2, 1, 1, 1}, true},
};

/* For each property a rule that is broken, and what it takes to notice. */
static const struct {
	enum mutant mutant;
	const char *what, *property;
	struct pair_scenario pair;
	struct settings_scenario settings;
} mutants[] = {
	{MUTANT_Y3, "a claimant of a higher term is ignored", "two holders",
	 .pair = {"", TICK, TIMING, {2, 0, 0, 0, 2, 0, 0}, false, false}},
	{MUTANT_LEASE, "the lease outlives the takeover and no probe asks", "two holders",
	 .pair = {"", TICK, TIMING, {1, 0, 1, 0, 0, 0, 0}, false, false}},
	{MUTANT_T2, "probes never count as unanswered", "nobody holds",
	 .pair = {"", TICK, TIMING, {1, 1, 0, 0, 0, 0, 0}, false, false}},
	{MUTANT_WATCH, "the watch after a pause never ends", "settles",
	 .pair = {"", TICK, TIMING, {1, 0, 1, 0, 0, 0, 0}, false, false}},
	{MUTANT_TERM, "terms are not of one node alone", "terms",
	 .pair = {"", TICK, TIMING, {1, 1, 0, 0, 0, 0, 0}, false, false}},
	{MUTANT_PROBES, "probes are sent ten at a time", "actions",
	 .pair = {"", TICK, TIMING, {1, 1, 0, 0, 0, 0, 0}, false, false}},
	{MUTANT_DEADLINE, "a timer is due again at once", "time",
	 .pair = {"", TICK, TIMING, {1, 1, 0, 0, 0, 0, 0}, false, false}},
	{MUTANT_ANNOUNCE, "announcements go on after the release", "announces",
	 .pair = {"", TICK, TIMING, {2, 0, 0, 2, 0, 0, 0}, false, false}},
	{MUTANT_COPY, "nobody asks for a whole copy", "first copy",
	 .pair = {"", TICK, TIMING, {1, 0, 0, 1, 0, 0, 0}, true, false}},
	{MUTANT_BARRIER, "a barrier does not wait for the trees", "acknowledged",
	 .settings = {"", {2, 1, 0, 0, 0, 1, 0, 0}, false}},
	{MUTANT_NUMBER, "the number of a generation does not rise", "generation",
	 .settings = {"", {1, 1, 0, 0, 0, 0, 0, 0}, false}},
	{MUTANT_HEAD, "a new HEAD is taken for the old one", "settles",
	 .settings = {"", {1, 1, 0, 0, 0, 0, 0, 0}, false}},
	{MUTANT_ASIDE, "what diverged counts as known to both", "kept",
	 .settings = {"", {4, 2, 1, 0, 1, 0, 0, 0}, false}},
	{MUTANT_BEGIN, "a list is taken wherever it begins", "no error",
	 .settings = {"", {3, 1, 0, 0, 2, 0, 0, 0}, false}},
};

static const struct search_limit brief = {300000, (size_t)1 << 28};
static const struct search_limit far = {4000000, (size_t)3 << 29};
static unsigned tests, failed;

static void result(bool ok, const char *name)
{
	tests++;
	failed += !ok;
	printf("%sok %u - explore: %s\n", ok ? "" : "not ", tests, name);
	fflush(stdout);
}

static void figures(const struct search_result *r)
{
	printf("# %lu states, %lu moves and %lu after healing, depth %u%s; settled after %lld ms "
	       "at most\n",
	       r->states, r->moves, r->healed, r->depth, r->complete ? "" : ", not all of it",
	       (long long)(r->settle_longest / HA_MS));
}

/* What check explores, it explores to the end. */
static bool is_good(const struct search_result *r, const struct search_limit *limit)
{
	return r->violated == NULL && (r->complete || limit != &brief);
}

static void explore_pair(const struct pair_scenario *scenario, const struct search_limit *limit)
{
	struct search_result r;

	search_run(pair_model(scenario), limit, false, &r);
	figures(&r);
	printf("# longest with two holders once the wires were whole: %lld ms; longest with none "
	       "though one was ready: %lld ms\n",
	       (long long)(pair_figures.dual / HA_MS), (long long)(pair_figures.vacant / HA_MS));
	result(is_good(&r, limit), scenario->name);
}

static void explore_settings(const struct settings_scenario *scenario,
			     const struct search_limit *limit)
{
	struct search_result r;

	search_run(settings_model(scenario), limit, false, &r);
	figures(&r);
	result(is_good(&r, limit), scenario->name);
}

static void explore_mutants(void)
{
	for (unsigned i = 0; i < sizeof(mutants) / sizeof(*mutants); i++) {
		bool is_pair = mutants[i].pair.name != NULL;
		struct search_result r;
		char name[128];

		mutant_set(mutants[i].mutant);
		search_run(is_pair ? pair_model(&mutants[i].pair)
				   : settings_model(&mutants[i].settings),
			   &brief, true, &r);
		mutant_set(MUTANT_NONE);
		printf("# depth %u: %s\n", r.depth, r.violated ? r.violated : "unnoticed");
		(void)snprintf(name, sizeof(name), "\"%s\" is found where %s", mutants[i].property,
			       mutants[i].what);
		result(r.violated != NULL && strcmp(r.violated, mutants[i].property) == 0, name);
	}
}

static void explore_brief(void)
{
	for (unsigned i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		explore_pair(&pairs[i], &brief);
	for (unsigned i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		explore_settings(&settings[i], &brief);
	explore_mutants();
}

static void explore_long(void)
{
	for (unsigned i = 0; i < sizeof(longer) / sizeof(*longer); i++)
		explore_pair(&longer[i], &far);
	for (unsigned i = 0; i < sizeof(settings_longer) / sizeof(*settings_longer); i++)
		explore_settings(&settings_longer[i], &far);
}

static void allow(uint8_t *allowance, int of, int n, char *const *numbers)
{
	for (int i = 0; i < n && i < of; i++)
		allowance[i] = (uint8_t)strtoul(numbers[i], NULL, 10);
}

/* For a question of the moment. */
static void explore_own(bool is_pair, int n, char *const *numbers)
{
	struct pair_scenario pair = {"own", TICK, TIMING, {0}, false, false};
	struct settings_scenario own = {"own", {0}, false};

	if (is_pair) {
		allow(pair.allowance, PRICE_N, n, numbers);
		explore_pair(&pair, &far);
	} else {
		allow(own.allowance, SETTINGS_N, n, numbers);
		explore_settings(&own, &far);
	}
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (strcmp(mode, "--long") == 0)
		explore_long();
	else if (strcmp(mode, "--pair") == 0 || strcmp(mode, "--settings") == 0)
		explore_own(strcmp(mode, "--pair") == 0, argc - 2, argv + 2);
	else
		explore_brief();
	printf("1..%u\n", tests);
	return failed != 0;
}
