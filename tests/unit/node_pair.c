#include "tests/unit/world.h"
#include <stdio.h>
#include <criterion/criterion.h>
static struct world w;
Test(node_pair, forms)
{
	world_init(&w, 1);
	world_pair(&w);
	fprintf(stderr, "%s--\n", w.trace);
	world_power_off(&w, A);
	world_run(&w, HA_SEC);
	fprintf(stderr, "%s--\n", w.trace);
}
