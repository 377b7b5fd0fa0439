/* services.c - see services.h. */
#include "agent/services.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/config_change.h"
#include "agent/log.h"
#include "agent/text.h"

static uint32_t milliseconds(ha_time t)
{
	return t / HA_MS < UINT32_MAX ? (uint32_t)(t / HA_MS) : UINT32_MAX;
}

/* ---- checks ---- */

/* Is there anything in it that an operator looks at? The counts and the time are for those who ask. */
static bool is_news(const struct ipc_message *old, const struct ipc_message *new)
{
	return old->u.check.state != new->u.check.state || old->u.check.last != new->u.check.last ||
	       old->u.check.attempts != new->u.check.attempts ||
	       old->u.check.status != new->u.check.status;
}

static void log_check(const struct services_check *one, enum check_state before)
{
	const struct check *check = &one->check;
	bool down = check_is_failing(check);
	char output[COMMAND_OUTPUT_MAX];

	if (check->state == before || check->state == CHECK_IDLE || before == CHECK_IDLE)
		return;
	command_output(&one->command, output, sizeof(output));
	log_event(down ? LOG_WARNING : LOG_NOTICE, "check",
		  "name=%s from=%s to=%s last=%s status=%d attempts=%u output=%s",
		  check->config->name, check_state_name(before), check_state_name(check->state),
		  command_outcome_name((enum command_outcome)one->said.u.check.last),
		  one->said.u.check.status, check->attempts, output);
}

/* After each run, and whatever else may have moved it. */
static void say(struct services_check *one)
{
	const struct ipc_message old = one->said;

	one->said.u.check.state = (uint8_t)one->check.state;
	one->said.u.check.attempts = one->check.attempts;
	one->said.u.check.runs = one->check.runs;
	one->said.u.check.bad = one->check.bad;
	log_check(one, (enum check_state)old.u.check.state);
	if (is_news(&old, &one->said))
		one->services->tell(one->services->arg, &one->said);
}

static void do_check(struct services_check *one, enum check_do what, ha_time now);

static void ran(struct services_check *one, enum command_outcome outcome, int status, ha_time took,
		ha_time now)
{
	enum check_do next;

	one->said.u.check.last = (uint8_t)outcome;
	one->said.u.check.status = status;
	one->said.u.check.took_ms = milliseconds(took);
	if (one->services->active)
		check_grace(&one->check, hooks_settled(&one->services->hooks));
	next = check_ran(&one->check, outcome, now);
	say(one);
	do_check(one, next, now);
}

static void recovered(struct services_check *one, enum command_outcome outcome, int status,
		      ha_time now)
{
	if (outcome != COMMAND_PASSED)
		log_event(LOG_WARNING, "recovery", "check=%s outcome=%s status=%d",
			  one->check.config->name, command_outcome_name(outcome), status);
	check_recovered(&one->check, outcome, now);
	say(one);
}

static void do_check(struct services_check *one, enum check_do what, ha_time now)
{
	const struct config_check *config = one->check.config;
	bool recover = what == CHECK_RECOVER;
	char name[sizeof("HAAGENT_CHECK=") + CONFIG_NAME_MAX];
	char *const environment[] = {name, NULL};
	enum command_outcome outcome;
	int error;

	if (what == CHECK_NOTHING)
		return;
	snprintf(name, sizeof(name), "HAAGENT_CHECK=%s", config->name);
	error = command_start(&one->command, recover ? config->recover : config->command, NULL,
			      environment, recover ? config->recover_timeout : config->timeout,
			      now);
	if (error == 0)
		return;
	/* The last one hangs so that it cannot even be killed. */
	outcome = error == -EBUSY ? COMMAND_TIMEOUT : COMMAND_UNSTARTED;
	if (recover)
		recovered(one, outcome, error, now);
	else
		ran(one, outcome, error, 0, now);
}

static void on_check_done(void *arg, struct command *command)
{
	struct services_check *one = arg;

	if (one->check.state == CHECK_RECOVERING)
		recovered(one, command->outcome, command->status, loop_now());
	else
		ran(one, command->outcome, command->status, command->took, loop_now());
}

/* ---- hooks ---- */

static void on_hook_ended(void *arg, const struct hooks *hooks)
{
	struct services *services = arg;
	struct ipc_message message = {.type = IPC_HOOK};

	message.u.hook.transition = hooks->occasion->transition;
	message.u.hook.hook = (uint8_t)hooks->hook;
	message.u.hook.outcome = (uint8_t)hooks->outcome;
	message.u.hook.status = hooks->status;
	message.u.hook.took_ms = milliseconds(hooks->took);
	text_tail(message.u.hook.output, sizeof(message.u.hook.output), hooks->output,
		  strlen(hooks->output));
	log_event(hooks->outcome == COMMAND_PASSED ? LOG_INFO : LOG_ERR, "hook",
		  "name=%s transition=%llu outcome=%s status=%d took_ms=%u output=%s",
		  hook_name(hooks->hook), (unsigned long long)hooks->occasion->transition,
		  command_outcome_name(hooks->outcome), hooks->status, message.u.hook.took_ms,
		  hooks->output);
	services->tell(services->arg, &message);
}

/* ---- all of them ---- */

static void begin_check(struct services_check *one, unsigned i, ha_time now)
{
	const struct config *config = one->services->config;

	check_init(&one->check, &config->check[i], now);
	one->said = (struct ipc_message){.type = IPC_CHECK};
	one->said.u.check.config = config->number;
	one->said.u.check.index = (uint8_t)i;
	one->said.u.check.state = (uint8_t)one->check.state;
}

void services_init(struct services *services, const struct config *config, struct loop *loop,
		   void (*tell)(void *arg, const struct ipc_message *), void *arg)
{
	ha_time now = loop_now();

	*services = (struct services){.config = config, .tell = tell, .arg = arg};
	hooks_init(&services->hooks, config->hooks, config->hook_timeout, loop, on_hook_ended,
		   services);
	settings_init(&services->settings, config, loop, tell, arg);
	for (unsigned i = 0; i < CONFIG_CHECKS_MAX; i++) {
		struct services_check *one = &services->check[i];

		one->services = services;
		command_init(&one->command, loop, on_check_done, one);
		begin_check(one, i, now);
	}
}

void services_reconfigure(struct services *services, const struct config *was, ha_time now)
{
	const struct config *config = services->config;

	services->hooks.timeout = config->hook_timeout;
	if (!config_same(was->settings, config->settings, sizeof(config->settings)))
		settings_forget(&services->settings);
	for (unsigned i = 0; i < CONFIG_CHECKS_MAX; i++) {
		struct services_check *one = &services->check[i];

		one->said.u.check.config = config->number;
		if (config_same(&was->check[i], &config->check[i], sizeof(config->check[i])))
			continue;
		command_kill(&one->command);
		begin_check(one, i, now);
		if (services->role_known)
			check_role(&one->check, services->active, now);
		if (one->command.phase == COMMAND_STUCK) /* and about to end */
			check_postpone(&one->check, now + COMMAND_MERCY);
		one->said.u.check.state = (uint8_t)one->check.state;
	}
}

static void role_of_checks(struct services *services, bool active, ha_time now)
{
	if (services->role_known && services->active == active)
		return;
	services->role_known = true;
	services->active = active;
	for (unsigned i = 0; i < services->config->check_n; i++) {
		struct services_check *one = &services->check[i];

		check_role(&one->check, active, now);
		if (one->check.state == CHECK_IDLE)
			command_kill(&one->command);
		else if (one->command.phase == COMMAND_STUCK)
			/* Killed a moment ago, and about to end: that is no failure. */
			check_postpone(&one->check, now + COMMAND_MERCY);
		say(one);
	}
}

void services_role(struct services *services, const struct hook_occasion *occasion, ha_time now)
{
	/* While it is not decided what was true goes on. */
	if (occasion->role != ROLE_NONE)
		role_of_checks(services, occasion->role != ROLE_PASSIVE, now);
	hooks_occasion(&services->hooks, occasion, now);
}

void services_run(struct services *services, const struct ipc_message *run, ha_time now)
{
	settings_run(&services->settings, run, now);
}

void services_forget(struct services *services)
{
	settings_forget(&services->settings);
}

void services_report(struct services *services)
{
	for (unsigned i = 0; i < services->config->check_n; i++)
		services->tell(services->arg, &services->check[i].said);
}

static ha_time earlier(ha_time a, ha_time b)
{
	return a < b ? a : b;
}

ha_time services_deadline(const struct services *services)
{
	ha_time at =
		earlier(hooks_deadline(&services->hooks), settings_deadline(&services->settings));

	for (unsigned i = 0; i < services->config->check_n; i++) {
		const struct services_check *one = &services->check[i];

		at = earlier(at,
			     earlier(check_deadline(&one->check), command_deadline(&one->command)));
	}
	return at;
}

void services_timer(struct services *services, ha_time now)
{
	hooks_timer(&services->hooks, now);
	settings_timer(&services->settings, now);
	for (unsigned i = 0; i < services->config->check_n; i++) {
		struct services_check *one = &services->check[i];

		command_timer(&one->command, now);
		do_check(one, check_timer(&one->check, now), now);
	}
}

void services_close(struct services *services)
{
	hooks_close(&services->hooks);
	settings_close(&services->settings);
	for (unsigned i = 0; i < services->config->check_n; i++)
		command_kill(&services->check[i].command);
}
