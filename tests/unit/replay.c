/* The replay window (SPEC 4.5), numbered like the edges it walks. */
#include "proto/replay.h"

#include <criterion/criterion.h>

enum {
	WINDOW = REPLAY_WINDOW,
};

/* A window that has seen `newest` and nothing else. */
static struct replay seen(uint64_t newest)
{
	struct replay r = {0};

	cr_assert(replay_accept(&r, newest));
	return r;
}

Test(replay, r24_1_each_counter_once)
{
	struct replay r = {0};

	cr_assert(replay_accept(&r, 0));
	cr_assert_not(replay_accept(&r, 0));
	cr_assert(replay_accept(&r, 1));
	cr_assert_not(replay_accept(&r, 1));
	cr_assert_not(replay_accept(&r, 0));
	cr_assert(replay_accept(&r, 9));
	cr_assert(replay_accept(&r, 8));
	cr_assert(replay_accept(&r, 7));
	cr_assert_not(replay_accept(&r, 9));
	cr_assert_not(replay_accept(&r, 8));
	cr_assert_not(replay_accept(&r, 7));
}

Test(replay, r24_2_the_window_ends_exactly_where_it_says)
{
	/* At every alignment to the bitmap's words. */
	for (uint64_t newest = WINDOW + 1; newest < WINDOW + 130; newest++) {
		struct replay r = seen(newest);

		cr_assert_not(replay_accept(&r, newest - WINDOW - 1), "%lu", newest);
		cr_assert(replay_accept(&r, newest - WINDOW), "%lu", newest);
		cr_assert_not(replay_accept(&r, newest - WINDOW), "%lu", newest);
	}
}

Test(replay, r24_3_all_of_a_full_window_upwards)
{
	struct replay r = {0};

	for (uint64_t c = 0; c < 3 * WINDOW; c++) {
		cr_assert(replay_accept(&r, c));
		cr_assert_not(replay_accept(&r, c));
	}
	for (uint64_t c = 0; c < 3 * WINDOW; c++)
		cr_assert_not(replay_accept(&r, c));
}

Test(replay, r24_4_all_of_a_full_window_downwards)
{
	struct replay r = {0};

	for (uint64_t c = WINDOW + 1; c-- > 0;)
		cr_assert(replay_accept(&r, c), "%lu", c);
	for (uint64_t c = 0; c <= WINDOW; c++)
		cr_assert_not(replay_accept(&r, c), "%lu", c);
}

Test(replay, r24_5_a_jump_forgets_what_it_skipped_and_nothing_else)
{
	for (uint64_t jump = 1; jump < 3 * WINDOW; jump += 61) {
		struct replay r = seen(5000);

		cr_assert(replay_accept(&r, 5000 + jump));
		cr_assert_not(replay_accept(&r, 5000), "after a jump of %lu", jump);
		cr_assert_not(replay_accept(&r, 5000 + jump), "after a jump of %lu", jump);
		if (jump > 1)
			cr_assert(replay_accept(&r, 5000 + jump - 1), "after a jump of %lu", jump);
	}
}

Test(replay, r24_6_a_far_jump_clears_the_whole_ring)
{
	struct replay r = {0};
	uint64_t far = UINT64_C(1) << 60;

	for (uint64_t c = 0; c < WINDOW; c++)
		cr_assert(replay_accept(&r, c));
	cr_assert(replay_accept(&r, far));
	for (uint64_t c = far - WINDOW; c < far; c++)
		cr_assert(replay_accept(&r, c));
	for (uint64_t c = 0; c < WINDOW; c++)
		cr_assert_not(replay_accept(&r, c));
}

Test(replay, r24_7_the_last_counters)
{
	struct replay r = {0};

	cr_assert_not(replay_accept(&r, UINT64_MAX));
	cr_assert(replay_accept(&r, UINT64_MAX - 1));
	cr_assert_not(replay_accept(&r, UINT64_MAX - 1));
	cr_assert(replay_accept(&r, UINT64_MAX - 2));
	cr_assert_not(replay_accept(&r, UINT64_MAX));
	cr_assert_not(replay_accept(&r, 0));
}
