/* What the runs of a service check amount to, transition by transition. */
#include "agent/check.h"

#include <criterion/criterion.h>

#include <string.h>

#define INTERVAL (1000 * HA_MS)
#define TOOK     (10 * HA_MS)

static ha_time now;

static struct config_check config_of(uint32_t fall, uint32_t rise, uint32_t attempts)
{
	struct config_check config = {
		.name = "analyzer",
		.command = "true",
		.recover = "restart",
		.interval = INTERVAL,
		.timeout = INTERVAL,
		.recover_timeout = INTERVAL,
		.fall = fall,
		.rise = rise,
		.recover_attempts = attempts,
	};

	return config;
}

/* One run at its time, with that outcome. */
static enum check_do run(struct check *check, enum command_outcome outcome)
{
	if (check_deadline(check) > now)
		now = check_deadline(check);
	cr_assert_eq(check_timer(check, now), CHECK_RUN);
	cr_assert_eq(check_deadline(check), HA_NEVER, "one at a time");
	cr_assert_eq(check_timer(check, now), CHECK_NOTHING);
	now += TOOK;
	return check_ran(check, outcome, now);
}

/* Runs as the letters say: P passes, F fails, T is out of time, r: its recovery has ended. After each the state, as
 * a letter: unknown, passing, down (failing), Recovering, Failed. */
static void expect(struct check *check, const char *runs, const char *want)
{
	static const char letter[] = "updRF-";
	char got[64] = "";

	for (size_t i = 0; runs[i] != '\0'; i++) {
		bool recovers = check->state == CHECK_RECOVERING;
		enum check_do next = CHECK_NOTHING;

		cr_assert_eq(runs[i] == 'r', recovers, "at %zu of %s: %s", i, runs, got);
		if (recovers)
			check_recovered(check, COMMAND_PASSED, now);
		else
			next = run(check, runs[i] == 'P'   ? COMMAND_PASSED
					  : runs[i] == 'T' ? COMMAND_TIMEOUT
							   : COMMAND_FAILED);
		cr_assert_eq(next == CHECK_RECOVER, !recovers && check->state == CHECK_RECOVERING);
		got[i] = letter[check->state];
		cr_assert_eq(check_is_failing(check), strchr("dRF", got[i]) != NULL);
	}
	cr_assert_str_eq(got, want, "after %s", runs);
}

static void expect_from_new(const struct config_check *config, const char *runs, const char *want)
{
	struct check check;

	check_init(&check, config, now);
	cr_assert_eq(check.state, CHECK_UNKNOWN);
	cr_assert_eq(check_deadline(&check), now, "due at once");
	expect(&check, runs, want);
}

Test(check, a_run_that_is_due_can_be_postponed_and_no_other)
{
	const struct config_check config = config_of(1, 1, 0);
	struct check check;

	check_init(&check, &config, now);
	check_postpone(&check, now + HA_SEC);
	cr_assert_eq(check_deadline(&check), now + HA_SEC);
	check_postpone(&check, now);
	cr_assert_eq(check_deadline(&check), now + HA_SEC, "never earlier");
	cr_assert_eq(check_timer(&check, now + HA_SEC), CHECK_RUN);
	check_postpone(&check, now + 5 * HA_SEC);
	cr_assert_eq(check_deadline(&check), HA_NEVER, "one runs");
}

Test(check, unknown_until_it_has_passed_or_failed_often_enough)
{
	const struct config_check config = config_of(3, 2, 1);

	expect_from_new(&config, "PP", "up");
	expect_from_new(&config, "FFF", "uuR");
	expect_from_new(&config, "PFPFFPP", "uuuuuup");
}

Test(check, fall_failures_in_a_row_are_a_failure_and_fewer_are_none)
{
	const struct config_check config = config_of(3, 1, 1);

	expect_from_new(&config, "PFFPFFPFFF", "pppppppppR");
}

Test(check, each_recovery_is_followed_by_fall_more_chances)
{
	const struct config_check config = config_of(2, 1, 2);

	expect_from_new(&config, "PFFrFFrFFFF", "ppRddRddFFF");
}

Test(check, rise_passes_mend_it_at_any_point)
{
	const struct config_check config = config_of(2, 2, 1);

	expect_from_new(&config, "FFrPP", "uRddp");
	expect_from_new(&config, "FFrFPP", "uRdddp");
	expect_from_new(&config, "FFrFFPP", "uRddFFp");
}

Test(check, mended_it_has_all_its_attempts_again)
{
	const struct config_check config = config_of(1, 1, 1);

	expect_from_new(&config, "FrPFrPFrF", "RdpRdpRdF");
}

Test(check, a_timeout_counts_as_a_failure)
{
	const struct config_check config = config_of(2, 1, 0);
	struct check check;

	expect_from_new(&config, "PTFTF", "ppFFF");
	check_init(&check, &config, now);
	expect(&check, "TPT", "upp");
	cr_expect_eq(check.runs, 3);
	cr_expect_eq(check.bad, 2);
}

Test(check, what_is_missing_or_cannot_be_started_counts_as_a_failure)
{
	const struct config_check config = config_of(2, 1, 0);
	struct check check;

	check_init(&check, &config, now);
	cr_assert_eq(run(&check, COMMAND_MISSING), CHECK_NOTHING);
	cr_assert_eq(run(&check, COMMAND_UNSTARTED), CHECK_NOTHING);
	cr_assert_eq(check.state, CHECK_FAILED);
}

Test(check, without_a_recovery_it_has_failed_at_once)
{
	struct config_check config = config_of(2, 1, 5);

	config.recover[0] = '\0';
	expect_from_new(&config, "PFFP", "ppFp");
	config = config_of(2, 1, 0);
	expect_from_new(&config, "PFFP", "ppFp");
}

/* While it is down a single pass is no reason to forget: it would be recovering for ever. */
Test(check, one_that_flaps_runs_out_of_chances)
{
	const struct config_check config = config_of(2, 2, 1);

	expect_from_new(&config, "FFrPFPFPFPP", "uRddddFFFFp");
}

Test(check, one_that_flaps_while_it_is_well_stays_so)
{
	const struct config_check config = config_of(2, 2, 1);

	expect_from_new(&config, "PPFPFPFPF", "upppppppp");
}

Test(check, a_recovery_that_fails_is_an_attempt_like_any_other)
{
	const struct config_check config = config_of(1, 1, 2);
	struct check check;

	check_init(&check, &config, now);
	for (uint32_t attempt = 1; attempt <= 2; attempt++) {
		cr_assert_eq(run(&check, COMMAND_FAILED), CHECK_RECOVER);
		cr_assert_eq(check.attempts, attempt);
		cr_assert_eq(check_deadline(&check), HA_NEVER, "no run beside its recovery");
		check_recovered(&check, attempt == 1 ? COMMAND_FAILED : COMMAND_MISSING, now);
		cr_assert_eq(check.state, CHECK_FAILING);
		cr_assert_eq(check_deadline(&check), now + INTERVAL);
	}
	cr_assert_eq(run(&check, COMMAND_FAILED), CHECK_NOTHING);
	cr_assert_eq(check.state, CHECK_FAILED);
	cr_assert_eq(check.attempts, 2);
}

Test(check, runs_begin_an_interval_apart_however_long_they_take)
{
	const struct config_check config = config_of(3, 1, 1);
	struct check check;
	ha_time first = now;

	check_init(&check, &config, now);
	run(&check, COMMAND_PASSED);
	cr_assert_eq(check_deadline(&check), first + INTERVAL);
	cr_assert_eq(check_timer(&check, first + INTERVAL - 1), CHECK_NOTHING);
	cr_assert_eq(check_timer(&check, first + INTERVAL), CHECK_RUN);
	now = first + 5 * INTERVAL;
	cr_assert_eq(check_ran(&check, COMMAND_PASSED, now), CHECK_NOTHING);
	cr_assert_eq(check_deadline(&check), now, "one that took too long is not made up for");
}

Test(check, failures_in_the_grace_after_the_active_role_began_count_for_nothing)
{
	struct config_check config = config_of(2, 2, 0);
	struct check check;

	config.grace = 3 * INTERVAL;
	check_init(&check, &config, now);
	check_role(&check, true, now);
	expect(&check, "FFF", "uuu");
	cr_expect_eq(check.bad, 3);
	expect(&check, "FF", "uF");
	check_role(&check, false, now);
	check_role(&check, true, now);
	expect(&check, "FFPP", "FFFp");
	expect(&check, "FF", "pF");
	check_role(&check, true, now);
	check_role(&check, false, now);
	expect(&check, "PPFF", "FppF");
}

Test(check, the_grace_is_open_until_it_is_known_from_when_it_counts)
{
	struct config_check config = config_of(2, 2, 0);
	struct check check;

	config.grace = 2 * INTERVAL;
	check_init(&check, &config, now);
	check_role(&check, true, now);
	check_grace(&check, HA_NEVER);
	expect(&check, "FFFFFFFFFF", "uuuuuuuuuu");
	check_grace(&check, now);
	expect(&check, "F", "u");
	expect(&check, "FF", "uF");
}

/* Grace takes no pass for less than it is, and no two with a failure between for a row. */
Test(check, passes_in_the_grace_count_in_a_row)
{
	struct config_check config = config_of(2, 2, 0);
	struct check check;

	config.grace = 100 * INTERVAL;
	check_init(&check, &config, now);
	check_role(&check, true, now);
	expect(&check, "PFPFPP", "uuuuup");
}

Test(check, one_for_the_active_only_is_idle_elsewhere_and_begins_anew)
{
	struct config_check config = config_of(1, 1, 0);
	struct check check;

	config.active_only = true;
	check_init(&check, &config, now);
	cr_assert_eq(check.state, CHECK_IDLE);
	cr_assert_eq(check_deadline(&check), HA_NEVER);
	cr_assert_eq(check_timer(&check, now), CHECK_NOTHING);
	cr_assert_not(check_is_failing(&check));
	check_role(&check, true, now);
	cr_assert_eq(check.state, CHECK_UNKNOWN);
	cr_assert_eq(check_deadline(&check), now);
	expect(&check, "F", "F");
	check_role(&check, false, now);
	cr_assert_eq(check.state, CHECK_IDLE);
	cr_assert_eq(check_deadline(&check), HA_NEVER);
	cr_assert_not(check_is_failing(&check), "what it was counts no more");
	check_role(&check, true, now);
	expect(&check, "P", "p");
	cr_expect_eq(check.runs, 2, "all of them since the start");
}

/* The run is killed with the role; the next begins as if it had not been. */
Test(check, the_role_may_go_while_it_runs_or_recovers)
{
	struct config_check config = config_of(1, 1, 1);
	struct check check;

	config.active_only = true;
	check_init(&check, &config, now);
	check_role(&check, true, now);
	cr_assert_eq(check_timer(&check, now), CHECK_RUN);
	check_role(&check, false, now);
	cr_assert_eq(check_deadline(&check), HA_NEVER);
	check_role(&check, true, now);
	expect(&check, "F", "R");
	check_role(&check, false, now);
	cr_assert_eq(check.state, CHECK_IDLE);
	check_role(&check, true, now);
	expect(&check, "Fr", "Rd");
	cr_expect_eq(check.attempts, 1);
}

Test(check, one_for_both_roles_goes_on_through_a_change)
{
	const struct config_check config = config_of(2, 1, 1);
	struct check check;

	check_init(&check, &config, now);
	expect(&check, "PF", "pp");
	check_role(&check, true, now);
	expect(&check, "F", "R");
	check_role(&check, false, now);
	expect(&check, "rP", "dp");
}

Test(check, states_have_names)
{
	cr_assert_str_eq(check_state_name(CHECK_UNKNOWN), "unknown");
	cr_assert_str_eq(check_state_name(CHECK_PASSING), "passing");
	cr_assert_str_eq(check_state_name(CHECK_FAILING), "failing");
	cr_assert_str_eq(check_state_name(CHECK_RECOVERING), "recovering");
	cr_assert_str_eq(check_state_name(CHECK_FAILED), "failed");
	cr_assert_str_eq(check_state_name(CHECK_IDLE), "idle");
	cr_assert_str_eq(check_state_name(CHECK_STATE_N), "?");
}
