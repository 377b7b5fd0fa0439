/* sim - whole pairs, simulated from seeds until something breaks.
 *
 *   build/sim [--plain] [--seeds N] [--first S]   N seeds from S on; sessions are real unless --plain
 *   build/sim [--plain] [--trace] --seed S[/DEEDS] one seed, or only those of its deeds whose bit is set (hexadecimal)
 *   build/sim [--plain] --shrink S[/DEEDS]        the fewest deeds that break the same, and their trace
 *   build/sim --known FILE                        the seeds that once found something: tests/sim/seeds.txt
 *   build/sim --mutants                           every deliberate mistake is noticed, each by its invariant
 *   build/sim --check                             what `make check` runs, as TAP
 *
 * Exits 0, or 1 with the seed of what broke.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "tests/sim/script.h"

enum {
	MUTANT_SEEDS = 400, /* within which each is noticed */
	CHECK_SEALED = 250,
	CHECK_PLAIN = 1200,
};

static struct world w;
static unsigned tests, failed;

void world_give_up(const struct world *world, const char *what)
{
	(void)fprintf(stderr, "%s\n%s", what, world->trace);
	exit(1);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct target {
	uint64_t seed;
	uint32_t deeds;
};

static struct target target_of(const char *text)
{
	struct target t = {.deeds = SCRIPT_ALL};
	char *end;

	t.seed = strtoull(text, &end, 10);
	if (*end == '/')
		t.deeds = (uint32_t)strtoul(end + 1, NULL, 16);
	return t;
}

static void print_script(const struct script *s, uint32_t deeds)
{
	char line[160];

	printf("# seed %" PRIu64 ", %s, %s timing, %s, clocks %+d and %+d ppm%s\n", s->seed,
	       s->sealed ? "sessions" : "plain", s->timing_name,
	       s->wires ? "appliances and wires" : "appliances only", s->ppm[A], s->ppm[B],
	       s->no_witness ? ", no witness" : "");
	if (s->fresh)
		printf("# they have just joined\n");
	for (unsigned k = 0; k < s->n; k++) {
		script_tell(&s->deed[k], line, sizeof(line));
		if (deeds >> k & 1)
			printf("# %2u %s\n", k, line);
	}
}

static void print_trace(void)
{
	for (const char *at = w.trace; *at != '\0';) {
		int len = (int)strcspn(at, "\n");

		if (len > 0)
			printf("# %.*s\n", len, at);
		at += len + (at[len] == '\n');
	}
}

static int run_one(const char *text, bool sealed, bool trace, bool shrink)
{
	struct target t = target_of(text);
	struct script_result r;
	struct script s;

	script_draw(&s, t.seed, sealed);
	if (shrink)
		t.deeds = script_shrink(&s, t.deeds, MUTANT_NONE, &w);
	script_run(&s, t.deeds, MUTANT_NONE, &w, &r);
	if (trace || shrink) {
		print_script(&s, t.deeds);
		print_trace();
	}
	printf("%s seed %" PRIu64 "/%" PRIx32 "%s: %s; %.1f s simulated, hash %016" PRIx64 "\n",
	       r.broken ? "not ok" : "ok", t.seed, t.deeds, sealed ? "" : " plain",
	       r.broken ? r.what : "nothing broke", (double)r.simulated / 1e9, r.hash);
	return r.broken != INV_NONE;
}

struct total {
	double simulated, took, dual;
	unsigned seeds, steps, takeovers, generations, commits, barriers;
};

static void print_total(const struct total *t, bool sealed)
{
	printf("# %s: %u seeds, %.1f simulated hours in %.1f s of processor: %.1f h/s, %.0f x; "
	       "%u M steps, %u takeovers, %u generations, %u commits, %u barriers kept, %.3f s "
	       "dual\n",
	       sealed ? "sessions" : "plain", t->seeds, t->simulated / 3600, t->took,
	       t->simulated / 3600 / t->took, t->simulated / t->took, t->steps / 1000000,
	       t->takeovers, t->generations, t->commits, t->barriers, t->dual);
}

/* 0, or the first seed that breaks something. */
static uint64_t run_seeds(uint64_t first, uint64_t n, bool sealed, bool go_on)
{
	struct total t = {0};
	uint64_t bad = 0;

	for (uint64_t seed = first; seed < first + n && (!bad || go_on); seed++) {
		struct script_result r;
		struct script s;
		double began = seconds();

		script_draw(&s, seed, sealed);
		script_run(&s, SCRIPT_ALL, MUTANT_NONE, &w, &r);
		t.took += seconds() - began;
		t.simulated += (double)r.simulated / 1e9;
		t.dual += (double)r.dual / 1e9;
		t.seeds++;
		t.steps += r.steps;
		t.takeovers += r.takeovers;
		t.generations += r.generations;
		t.commits += r.commits;
		t.barriers += r.barriers;
		if (r.broken == INV_NONE)
			continue;
		bad = seed;
		printf("# seed %" PRIu64 "%s: %s\n", seed, sealed ? "" : " plain", r.what);
	}
	print_total(&t, sealed);
	return bad;
}

static void result(bool ok, const char *name)
{
	tests++;
	failed += !ok;
	printf("%s %u - %s\n", ok ? "ok" : "not ok", tests, name);
	(void)fflush(stdout);
}

/* Each is noticed within some seeds, by its own invariant; and without it the same seed breaks nothing. */
static bool is_noticed(enum mutant m)
{
	for (uint64_t seed = 1; seed <= MUTANT_SEEDS; seed++) {
		struct script_result r;
		struct script s;

		script_draw(&s, seed, false);
		script_run(&s, SCRIPT_ALL, m, &w, &r);
		if (r.broken != mutant_breaks(m))
			continue;
		printf("# seed %" PRIu64 ": %s\n", seed, r.what);
		script_run(&s, SCRIPT_ALL, MUTANT_NONE, &w, &r);
		return r.broken == INV_NONE;
	}
	return false;
}

static void run_mutants(void)
{
	for (int m = MUTANT_NONE + 1; m < MUTANT_N; m++) {
		char name[160];

		snprintf(name, sizeof(name), "a node that %s is noticed: %s",
			 mutant_name((enum mutant)m),
			 invariant_name(mutant_breaks((enum mutant)m)));
		result(is_noticed((enum mutant)m), name);
	}
}

/* Lines: SEED[/DEEDS] sessions|plain what it found. */
static void run_known(const char *file)
{
	FILE *f = fopen(file, "r");
	char line[512], seed[64], how[16], what[384];

	if (f == NULL) {
		result(false, file);
		return;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		struct script_result r;
		struct script s;
		struct target t;

		if (line[0] == '#' || sscanf(line, "%63s %15s %383[^\n]", seed, how, what) != 3)
			continue;
		t = target_of(seed);
		script_draw(&s, t.seed, strcmp(how, "plain") != 0);
		script_run(&s, t.deeds, MUTANT_NONE, &w, &r);
		if (r.broken != INV_NONE)
			printf("# seed %s %s: %s\n", seed, how, r.what);
		result(r.broken == INV_NONE, what);
	}
	fclose(f);
}

static void run_check(void)
{
	result(!run_seeds(1, CHECK_SEALED, true, true), "pairs with sessions");
	result(!run_seeds(1, CHECK_PLAIN, false, true), "pairs with a stand-in for them");
	run_mutants();
	run_known("tests/sim/seeds.txt");
}

static int done(void)
{
	printf("1..%u\n", tests);
	return failed != 0;
}

int main(int argc, char **argv)
{
	uint64_t seeds = 1000, first = 1;
	bool plain = false, trace = false, go_on = false;

	if (sodium_init() < 0)
		return 2;
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i], *value = i + 1 < argc ? argv[i + 1] : "1";

		if (strcmp(arg, "--plain") == 0)
			plain = true;
		else if (strcmp(arg, "--trace") == 0)
			trace = true;
		else if (strcmp(arg, "--keep-going") == 0)
			go_on = true;
		else if (strcmp(arg, "--seed") == 0)
			return run_one(value, !plain, trace, false);
		else if (strcmp(arg, "--shrink") == 0)
			return run_one(value, !plain, true, true);
		else if (strcmp(arg, "--mutants") == 0)
			return run_mutants(), done();
		else if (strcmp(arg, "--check") == 0)
			return run_check(), done();
		else if (strcmp(arg, "--known") == 0)
			return run_known(value), done();
		else if (strcmp(arg, "--seeds") == 0)
			seeds = strtoull(value, NULL, 10), i++;
		else if (strcmp(arg, "--first") == 0)
			first = strtoull(value, NULL, 10), i++;
		else
			return (void)fprintf(stderr, "see the head of tests/sim/sim.c\n"), 2;
	}
	return run_seeds(first, seeds, !plain, go_on) != 0;
}
