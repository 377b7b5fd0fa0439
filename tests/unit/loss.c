/* What of the peer's heartbeats a path has lost, by their numbers. */
#include "agent/loss.h"

#include <criterion/criterion.h>

static struct loss heard(const uint64_t *number, unsigned n)
{
	struct loss loss = {0};

	for (unsigned i = 0; i < n; i++)
		loss_note(&loss, 7, number[i]);
	return loss;
}

#define LOST(...)                                                                                  \
	heard((const uint64_t[]){__VA_ARGS__},                                                     \
	      sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))                          \
		.lost

Test(loss, nothing_is_lost_where_no_number_is_left_out)
{
	cr_expect_eq(LOST(1, 2, 3, 4), 0);
	cr_expect_eq(LOST(1000, 1001), 0, "what was before the first is not known");
}

Test(loss, a_number_left_out_is_lost_and_one_that_comes_late_is_not)
{
	cr_expect_eq(LOST(5, 7), 1);
	cr_expect_eq(LOST(5, 10, 11, 13), 5);
	cr_expect_eq(LOST(5, 7, 6, 8), 0);
	cr_expect_eq(LOST(5, 9, 6, 10, 7), 1, "8");
}

Test(loss, one_before_the_first_takes_nothing_away)
{
	cr_expect_eq(LOST(5, 4, 3), 0);
}

Test(loss, a_new_start_of_the_peer_counts_on_from_its_first)
{
	struct loss loss = {0};

	loss_note(&loss, 1, 100);
	loss_note(&loss, 1, 103);
	loss_note(&loss, 2, 1);
	cr_expect_eq(loss.lost, 2);
	loss_note(&loss, 2, 3);
	cr_expect_eq(loss.lost, 3);
}

/* A peer may state what it likes. */
Test(loss, leaps_stop_at_the_largest_number)
{
	struct loss loss = {0};

	for (uint64_t boot = 1; boot < 4; boot++) {
		loss_note(&loss, boot, 0);
		loss_note(&loss, boot, UINT64_MAX);
		cr_expect_eq(loss.lost, LOSS_MAX);
	}
}
