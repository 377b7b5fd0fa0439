/* world_fail.c - where a world of the unit tests gives up. */
#include "tests/sim/world.h"

#include <criterion/criterion.h>
#include <stdlib.h>

void world_give_up(const struct world *w, const char *what)
{
	cr_assert_fail("%.3f ms: %s\n%s", (double)w->now / (double)HA_MS, what, w->trace);
	abort();
}
