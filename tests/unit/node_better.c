/* node_better.c - SPEC 5.6: which of two should hold. The first difference decides. */
#include "proto/judge.h"

#include <criterion/criterion.h>

static const struct {
	const char *why;
	struct side better, worse;
} table[] = {
	{"eligible before all else",
	 {.eligible = true, .lineage = {.term = 1, .number = 1}, .term = 1},
	 {.eligible = false, .lineage = {.term = 9, .number = 9}, .term = 9, .lower = true}},
	{"lineage by term",
	 {.eligible = true, .lineage = {.term = 4, .number = 1}, .term = 1},
	 {.eligible = true, .lineage = {.term = 3, .number = 9}, .term = 9, .lower = true}},
	{"then by number",
	 {.eligible = true, .lineage = {.term = 3, .number = 2}, .term = 1},
	 {.eligible = true, .lineage = {.term = 3, .number = 1}, .term = 9, .lower = true}},
	{"last held term",
	 {.eligible = true, .lineage = {.term = 3, .number = 1}, .term = 4},
	 {.eligible = true, .lineage = {.term = 3, .number = 1}, .term = 3, .lower = true}},
	{"key", {.eligible = true, .lower = true}, {.eligible = true, .lower = false}},
	{"both ineligible: the rest decides",
	 {.lineage = {.term = 4}},
	 {.lineage = {.term = 3}, .term = 7, .lower = true}},
};

Test(node_better, the_first_difference_decides_and_never_both)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		cr_expect(better(&table[i].better, &table[i].worse), "%s", table[i].why);
		cr_expect(!better(&table[i].worse, &table[i].better), "%s", table[i].why);
	}
}
