/* When a process that ended is started anew. */
#include "agent/child.h"

#include <criterion/criterion.h>

/* It is started, lives, and ends: how long until it is started again. */
static ha_time wait_after(struct child *child, ha_time *now, ha_time life)
{
	ha_time wait;

	cr_assert_geq(*now, child->restart_at);
	child->pid = 1;
	child->started = *now;
	child->restart_at = HA_NEVER;
	*now += life;
	child_ended(child, *now);
	cr_assert_eq(child->pid, 0);
	wait = child->restart_at - *now;
	*now = child->restart_at;
	return wait;
}

Test(child, is_due_at_once_at_the_start)
{
	struct child child;

	child_init(&child, IPC_ENGINE_PROCESS, 5 * HA_SEC);
	cr_assert_eq(child.restart_at, 5 * HA_SEC);
	cr_assert_eq(child.pid, 0);
	cr_assert_eq(child.fd, -1);
}

Test(child, first_restart_at_once_then_after_100_ms_doubling_to_5_s)
{
	static const int expected_ms[] = {0, 100, 200, 400, 800, 1600, 3200, 5000, 5000};
	ha_time now = HA_SEC;
	struct child child;

	child_init(&child, IPC_ENGINE_PROCESS, now);
	for (size_t i = 0; i < sizeof(expected_ms) / sizeof(expected_ms[0]); i++)
		cr_assert_eq(wait_after(&child, &now, HA_MS), expected_ms[i] * HA_MS, "end %zu", i);
}

Test(child, ten_seconds_of_life_are_forgiven_and_not_less)
{
	ha_time now = HA_SEC;
	struct child child;

	child_init(&child, IPC_STEWARD_PROCESS, now);
	cr_assert_eq(wait_after(&child, &now, HA_MS), 0);
	cr_assert_eq(wait_after(&child, &now, 10 * HA_SEC - 1), 100 * HA_MS);
	cr_assert_eq(wait_after(&child, &now, 10 * HA_SEC), 0);
	cr_assert_eq(wait_after(&child, &now, HA_MS), 100 * HA_MS);
}

Test(child, is_silent_after_thirty_seconds_without_a_message_and_not_after_less)
{
	struct child child;

	child_init(&child, IPC_STEWARD_PROCESS, 0);
	for (unsigned second = 1; second < 30; second++)
		cr_assert_not(child_is_silent(&child), "second %u", second);
	child_heard(&child, 29 * HA_SEC);
	cr_assert_eq(child.heard, 29 * HA_SEC);
	for (unsigned second = 1; second < 30; second++)
		cr_assert_not(child_is_silent(&child), "second %u", second);
	cr_assert(child_is_silent(&child));
}

Test(child, processes_have_names)
{
	cr_assert_str_eq(child_name(IPC_GUARDIAN), "guardian");
	cr_assert_str_eq(child_name(IPC_ENGINE_PROCESS), "engine");
	cr_assert_str_eq(child_name(IPC_STEWARD_PROCESS), "steward");
}
