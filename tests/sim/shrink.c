/* shrink.c - the fewest deeds of a script that still break the same; see script.h. */
#include "tests/sim/script.h"

static bool still(const struct script *s, uint32_t deeds, enum mutant mutant, struct world *w,
		  enum invariant broken)
{
	struct script_result r;

	script_run(s, deeds, mutant, w, &r);
	return r.broken == broken;
}

static uint32_t nth_run(uint32_t deeds, unsigned first, unsigned n)
{
	uint32_t out = 0;

	for (unsigned k = 0, seen = 0; k < 32; k++) {
		if (!(deeds >> k & 1))
			continue;
		if (seen >= first && seen < first + n)
			out |= UINT32_C(1) << k;
		seen++;
	}
	return out;
}

/* Halves, then quarters, and so on down to one by one, until none can be left out. */
uint32_t script_shrink(const struct script *s, uint32_t deeds, enum mutant mutant, struct world *w)
{
	struct script_result r;
	unsigned size;

	deeds &= s->n < 32 ? (UINT32_C(1) << s->n) - 1 : UINT32_MAX;
	script_run(s, deeds, mutant, w, &r);
	size = (unsigned)__builtin_popcount(deeds);
	while (size > 0 && r.broken != INV_NONE) {
		bool less = false;

		for (unsigned at = 0; at < (unsigned)__builtin_popcount(deeds);) {
			uint32_t part = nth_run(deeds, at, size);

			if (part != 0 && still(s, deeds & ~part, mutant, w, r.broken)) {
				deeds &= ~part;
				less = true;
			} else {
				at += size;
			}
		}
		if (!less || size > 1)
			size = size > 1 ? size / 2 : 0;
	}
	return deeds;
}
