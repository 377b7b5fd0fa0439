/* What each whole second of a path was like. */
#include "agent/second.h"

#include <criterion/criterion.h>

static struct second second;

static void setup(void)
{
	second = (struct second){.until = 0};
}

TestSuite(second, .init = setup);

/* One of those that come every 20 ms, from one time to another, each with its round trip. */
static void hear(ha_time from, ha_time to, ha_time rtt)
{
	for (ha_time at = from; at <= to; at += 20 * HA_MS)
		second_note(&second, at, 20 * HA_MS, rtt);
}

static void is(ha_time now, ha_time gap, ha_time rtt)
{
	struct second_figures last = second_last(&second, now);

	cr_expect(last.heard);
	cr_expect_eq(last.gap, gap, "%lld", (long long)last.gap);
	cr_expect_eq(last.rtt, rtt, "%lld", (long long)last.rtt);
}

Test(second, nothing_is_known_of_one_in_which_nothing_was_heard)
{
	cr_expect_not(second_last(&second, 0).heard);
	cr_expect_not(second_last(&second, 7 * HA_SEC).heard);
	hear(7 * HA_SEC, 7 * HA_SEC + 500 * HA_MS, 100);
	cr_expect_not(second_last(&second, 7 * HA_SEC + 600 * HA_MS).heard, "6 s");
	cr_expect(second_last(&second, 8 * HA_SEC + 999 * HA_MS).heard, "7 s");
	cr_expect_not(second_last(&second, 9 * HA_SEC).heard, "8 s");
}

Test(second, the_worst_of_each_second_is_told_in_the_next_and_then_forgotten)
{
	hear(5 * HA_SEC, 5 * HA_SEC + 400 * HA_MS, 100);
	second_note(&second, 5 * HA_SEC + 487 * HA_MS, 87 * HA_MS, 900);
	hear(5 * HA_SEC + 500 * HA_MS, 5 * HA_SEC + 980 * HA_MS, 100);
	hear(6 * HA_SEC, 6 * HA_SEC + 980 * HA_MS, 200);
	is(6 * HA_SEC + 990 * HA_MS, 87 * HA_MS, 900);
	is(7 * HA_SEC, 20 * HA_MS, 200);
	hear(7 * HA_SEC, 7 * HA_SEC, 300);
	is(7 * HA_SEC + 1, 20 * HA_MS, 200);
}

Test(second, a_gap_belongs_to_the_second_in_which_it_ends)
{
	hear(5 * HA_SEC, 5 * HA_SEC + 980 * HA_MS, 100);
	second_note(&second, 6 * HA_SEC + 30 * HA_MS, 50 * HA_MS, 100);
	is(6 * HA_SEC + 40 * HA_MS, 20 * HA_MS, 100);
	is(7 * HA_SEC, 50 * HA_MS, 100);
}

Test(second, a_silence_shows_in_its_whole_length_once_it_is_over)
{
	hear(5 * HA_SEC, 5 * HA_SEC + 500 * HA_MS, 100);
	second_note(&second, 12 * HA_SEC + 500 * HA_MS, 7 * HA_SEC, 100);
	cr_expect_not(second_last(&second, 12 * HA_SEC + 600 * HA_MS).heard, "11 s");
	is(13 * HA_SEC, 7 * HA_SEC, 100);
}

Test(second, the_first_heartbeat_of_all_ends_no_gap)
{
	second_note(&second, 5 * HA_SEC + 10, -1, 0);
	is(6 * HA_SEC, 0, 0);
}

/* The kernel's times of two frames may be out of order. */
Test(second, one_that_is_late_is_counted_where_it_is_read)
{
	hear(5 * HA_SEC, 5 * HA_SEC + 980 * HA_MS, 100);
	second_note(&second, 6 * HA_SEC, 20 * HA_MS, 100);
	second_note(&second, 5 * HA_SEC + 999 * HA_MS, 19 * HA_MS, 500);
	is(6 * HA_SEC + 10, 20 * HA_MS, 100);
	is(7 * HA_SEC, 20 * HA_MS, 500);
}
