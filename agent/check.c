/* check.c - see check.h. */
#include "agent/check.h"

#include <assert.h>
#include <string.h>

const char *check_state_name(enum check_state state)
{
	static const char *const name[CHECK_STATE_N] = {"unknown",    "passing", "failing",
							"recovering", "failed",  "idle"};

	return state < CHECK_STATE_N ? name[state] : "?";
}

static void begin(struct check *check, enum check_state state, ha_time next)
{
	check->state = state;
	check->passes = check->failures = check->attempts = 0;
	check->next = next;
}

void check_init(struct check *check, const struct config_check *config, ha_time now)
{
	*check = (struct check){.config = config};
	if (config->active_only)
		begin(check, CHECK_IDLE, HA_NEVER);
	else
		begin(check, CHECK_UNKNOWN, now);
}

void check_role(struct check *check, bool active, ha_time now)
{
	check->grace_until = 0;
	if (active)
		check_grace(check, now);
	if (!check->config->active_only)
		return;
	if (!active)
		begin(check, CHECK_IDLE, HA_NEVER);
	else if (check->state == CHECK_IDLE)
		begin(check, CHECK_UNKNOWN, now);
}

void check_grace(struct check *check, ha_time from)
{
	check->grace_until = from == HA_NEVER ? HA_NEVER : from + check->config->grace;
}

void check_postpone(struct check *check, ha_time until)
{
	if (check->next < until)
		check->next = until;
}

ha_time check_deadline(const struct check *check)
{
	return check->next;
}

enum check_do check_timer(struct check *check, ha_time now)
{
	if (now < check->next)
		return CHECK_NOTHING;
	check->started = now;
	check->next = HA_NEVER;
	return CHECK_RUN;
}

bool check_is_down(enum check_state state)
{
	return state == CHECK_FAILING || state == CHECK_RECOVERING || state == CHECK_FAILED;
}

bool check_is_failing(const struct check *check)
{
	return check_is_down(check->state);
}

static void passed(struct check *check)
{
	if (!check_is_failing(check))
		check->failures = 0;
	if (check->passes < check->config->rise)
		check->passes++;
	if (check->passes == check->config->rise && check->state != CHECK_PASSING)
		begin(check, CHECK_PASSING, check->next);
}

/* Answers whether its recovery is to be tried now. */
static bool failed(struct check *check)
{
	const struct config_check *config = check->config;

	check->passes = 0;
	if (check->state == CHECK_FAILED || ++check->failures < config->fall)
		return false;
	check->failures = 0;
	if (config->recover[0] == '\0' || check->attempts >= config->recover_attempts) {
		check->state = CHECK_FAILED;
		return false;
	}
	check->state = CHECK_RECOVERING;
	check->attempts++;
	check->next = HA_NEVER;
	return true;
}

enum check_do check_ran(struct check *check, enum command_outcome outcome, ha_time now)
{
	ha_time next = check->started + check->config->interval;

	assert(check->next == HA_NEVER && check->state != CHECK_IDLE &&
	       check->state != CHECK_RECOVERING);
	check->runs++;
	check->next = next > now ? next : now;
	if (outcome == COMMAND_PASSED) {
		passed(check);
		return CHECK_NOTHING;
	}
	check->bad++;
	if (now < check->grace_until) {
		check->passes = 0;
		return CHECK_NOTHING;
	}
	return failed(check) ? CHECK_RECOVER : CHECK_NOTHING;
}

void check_recovered(struct check *check, enum command_outcome outcome, ha_time now)
{
	/* Whether it did any good is for the check itself to say. */
	(void)outcome;
	assert(check->state == CHECK_RECOVERING);
	check->state = CHECK_FAILING;
	check->next = now + check->config->interval;
}
