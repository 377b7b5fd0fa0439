/* sim.c - what the simulator promises of itself; `make sim` is what it is for. Here it runs under the sanitizers as well. */
#include "tests/sim/script.h"

#include <criterion/criterion.h>

static struct world w;

static struct script_result run(uint64_t seed, bool sealed, uint32_t deeds, enum mutant mutant)
{
	struct script_result r;
	struct script s;

	script_draw(&s, seed, sealed);
	script_run(&s, deeds, mutant, &w, &r);
	return r;
}

static void nothing_breaks(uint64_t seeds, bool sealed)
{
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct script_result r = run(seed, sealed, SCRIPT_ALL, MUTANT_NONE);

		cr_assert_eq(r.broken, INV_NONE, "seed %llu: %s", (unsigned long long)seed, r.what);
	}
}

Test(sim, pairs_with_sessions)
{
	nothing_breaks(25, true);
}

Test(sim, pairs_with_a_stand_in_for_them)
{
	nothing_breaks(100, false);
}

Test(sim, a_seed_tells_the_same_story_again_to_the_hash)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct script_result once = run(seed, true, SCRIPT_ALL, MUTANT_NONE);
		struct script_result other = run(seed + 1, true, SCRIPT_ALL, MUTANT_NONE);
		struct script_result again = run(seed, true, SCRIPT_ALL, MUTANT_NONE);

		cr_assert_eq(once.hash, again.hash);
		cr_assert_eq(once.simulated, again.simulated);
		cr_assert_neq(once.hash, other.hash);
	}
}

/* The first seed at which the mutant is noticed. */
static uint64_t noticed(enum mutant m)
{
	uint64_t seed = 1;

	while (seed < 400 && run(seed, false, SCRIPT_ALL, m).broken != mutant_breaks(m))
		seed++;
	return seed;
}

Test(sim, what_breaks_is_reduced_to_the_deeds_that_it_takes)
{
	uint64_t seed = noticed(MUTANT_SPINS);
	struct script s;
	uint32_t few;

	script_draw(&s, seed, false);
	few = script_shrink(&s, SCRIPT_ALL, MUTANT_SPINS, &w);
	cr_assert_eq(run(seed, false, few, MUTANT_SPINS).broken, INV_SPIN);
	for (unsigned k = 0; k < s.n; k++)
		if (few >> k & 1)
			cr_assert_neq(
				run(seed, false, few & ~(UINT32_C(1) << k), MUTANT_SPINS).broken,
				INV_SPIN, "deed %u could be left out", k);
}

Test(sim, each_deliberate_mistake_is_noticed_by_its_invariant)
{
	for (int m = MUTANT_NONE + 1; m < MUTANT_N; m++) {
		uint64_t seed = noticed((enum mutant)m);
		struct script_result r = run(seed, false, SCRIPT_ALL, (enum mutant)m);

		cr_assert_eq(r.broken, mutant_breaks((enum mutant)m), "a node that %s",
			     mutant_name((enum mutant)m));
		cr_assert_eq(run(seed, false, SCRIPT_ALL, MUTANT_NONE).broken, INV_NONE,
			     "seed %llu without it", (unsigned long long)seed);
	}
}
