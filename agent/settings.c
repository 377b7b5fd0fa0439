/* settings.c - see settings.h. */
#include "agent/settings.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "agent/log.h"
#include "agent/text.h"

#define RETRY_EVERY HA_SEC

/* A path and a blank each. */
#define PATHS_MAX (SYNC_ROOTS_MAX * ROOTS_NAME_MAX)

static const char applied[] = "settings-applied";

bool settings_possible(const struct ipc_message *message)
{
	if (!ipc_bool_valid(&message->u.run.import))
		return false;
	if (message->u.run.section == IPC_RUN_APPLIED)
		return message->u.run.import;
	return message->u.run.section < CONFIG_SETTINGS_MAX;
}

bool settings_valid(const struct config *config, const struct ipc_message *message)
{
	return settings_possible(message) && (message->u.run.section == IPC_RUN_APPLIED ||
					      message->u.run.section < config->settings_n);
}

const char *settings_name(const struct ipc_message *message)
{
	if (message->u.run.section == IPC_RUN_APPLIED)
		return applied;
	return message->u.run.import ? "import" : "export";
}

/* ---- what is run ---- */

static bool is_applied(const struct settings_request *request)
{
	return request->section == IPC_RUN_APPLIED;
}

/* "": there is none. */
static const char *line_of(const struct settings *settings, const struct settings_request *request)
{
	const struct config_settings *section;

	if (is_applied(request))
		return "exec \"$1\"";
	section = &settings->config->settings[request->section];
	return request->import ? section->import_command : section->export_command;
}

static ha_time timeout_of(const struct settings *settings, const struct settings_request *request)
{
	if (is_applied(request))
		return settings->config->hook_timeout;
	return settings->config->settings[request->section].command_timeout;
}

/* Of its section, or all of them. */
static void list_paths(const struct settings *settings, const struct settings_request *request,
		       char *out, size_t cap)
{
	const struct config *config = settings->config;
	unsigned first = 0, n = config->path_n;
	size_t len = 0;

	if (!is_applied(request)) {
		first = config->settings[request->section].path_first;
		n = config->settings[request->section].path_n;
	}
	len = (size_t)snprintf(out, cap, "HAAGENT_SETTINGS_PATHS=");
	for (unsigned i = first; i < first + n; i++) {
		len += (size_t)snprintf(out + len, cap - len, "%s%s", i > first ? " " : "",
					config->path[i]);
		assert(len < cap);
	}
}

/* ---- what becomes of it ---- */

/* A passed one is in the dump, and there may be many of them. */
static void report(struct settings *settings, const struct settings_request *request,
		   enum command_outcome outcome, int status, ha_time took, const char *output)
{
	struct ipc_message ran = {.type = IPC_RAN};

	ran.u.run.section = request->section;
	ran.u.run.import = request->import;
	ran.u.run.number = request->number;
	ran.u.run.outcome = (uint8_t)outcome;
	ran.u.run.status = status;
	ran.u.run.took_ms = took / HA_MS < UINT32_MAX ? (uint32_t)(took / HA_MS) : UINT32_MAX;
	text_tail(ran.u.run.output, sizeof(ran.u.run.output), output, strlen(output));
	if (outcome != COMMAND_PASSED)
		log_event(LOG_WARNING, "settings_command",
			  "name=%s section=%u outcome=%s status=%d took_ms=%u output=%s",
			  settings_name(&ran), (unsigned)request->section,
			  command_outcome_name(outcome), status, ran.u.run.took_ms, output);
	settings->tell(settings->arg, &ran);
}

/* False: it has been reported that it could not, or need not. */
static bool start(struct settings *settings, const struct settings_request *request, ha_time now)
{
	static char hook[] = "HAAGENT_HOOK=settings-applied";
	char action[] = "HAAGENT_SETTINGS_ACTION=export";
	char paths[sizeof("HAAGENT_SETTINGS_PATHS=") + PATHS_MAX], file[PATH_MAX];
	char *const environment[] = {action, paths, is_applied(request) ? hook : NULL, NULL};
	const char *why;
	int error;

	if (is_applied(request) && !hook_may_run(settings->config->hooks, applied, file, &why)) {
		report(settings, request, why == NULL ? COMMAND_PASSED : COMMAND_MISSING, 0, 0,
		       why == NULL ? "" : why);
		return false;
	}
	if (request->import)
		snprintf(action, sizeof(action), "HAAGENT_SETTINGS_ACTION=import");
	list_paths(settings, request, paths, sizeof(paths));
	error = command_start(&settings->command, line_of(settings, request),
			      is_applied(request) ? file : NULL, environment,
			      timeout_of(settings, request), now);
	if (error != 0)
		report(settings, request, COMMAND_UNSTARTED, error, 0, strerror(-error));
	return error == 0;
}

/* ---- the queue ---- */

static struct settings_request take_first(struct settings *settings)
{
	struct settings_request first = settings->waiting[0];

	assert(settings->waiting_n > 0);
	settings->waiting_n--;
	memmove(&settings->waiting[0], &settings->waiting[1],
		settings->waiting_n * sizeof(settings->waiting[0]));
	return first;
}

static void proceed(struct settings *settings, ha_time now)
{
	settings->retry_at = HA_NEVER;
	while (!settings->runs && settings->waiting_n > 0) {
		if (settings->command.phase == COMMAND_STUCK) {
			settings->retry_at = now + RETRY_EVERY;
			return;
		}
		settings->current = take_first(settings);
		settings->wanted = true;
		settings->runs = start(settings, &settings->current, now);
	}
}

static void on_done(void *arg, struct command *command)
{
	struct settings *settings = arg;
	char output[COMMAND_OUTPUT_MAX];

	settings->runs = false;
	if (settings->wanted) {
		command_output(command, output, sizeof(output));
		report(settings, &settings->current, command->outcome, command->status,
		       command->took, output);
	}
	proceed(settings, loop_now());
}

void settings_init(struct settings *settings, const struct config *config, struct loop *loop,
		   void (*tell)(void *arg, const struct ipc_message *), void *arg)
{
	*settings = (struct settings){
		.config = config,
		.retry_at = HA_NEVER,
		.tell = tell,
		.arg = arg,
	};
	command_init(&settings->command, loop, on_done, settings);
}

static bool does_wait(struct settings *settings, const struct settings_request *request)
{
	for (unsigned i = 0; i < settings->waiting_n; i++)
		if (settings->waiting[i].section == request->section &&
		    settings->waiting[i].import == request->import) {
			settings->waiting[i].number = request->number;
			return true;
		}
	return false;
}

void settings_run(struct settings *settings, const struct ipc_message *run, ha_time now)
{
	const struct settings_request request = {run->u.run.section, run->u.run.import,
						 run->u.run.number};

	assert(settings_possible(run));
	if (!settings_valid(settings->config, run) || line_of(settings, &request)[0] == '\0') {
		report(settings, &request, COMMAND_MISSING, 0, 0, "no such command is configured");
		return;
	}
	if (does_wait(settings, &request))
		return;
	assert(settings->waiting_n < SETTINGS_WAIT_MAX);
	settings->waiting[settings->waiting_n++] = request;
	proceed(settings, now);
}

void settings_forget(struct settings *settings)
{
	settings->waiting_n = 0;
	settings->wanted = false;
	settings->retry_at = HA_NEVER;
}

ha_time settings_deadline(const struct settings *settings)
{
	ha_time at = command_deadline(&settings->command);

	return settings->retry_at < at ? settings->retry_at : at;
}

void settings_timer(struct settings *settings, ha_time now)
{
	command_timer(&settings->command, now);
	if (now >= settings->retry_at)
		proceed(settings, now);
}

void settings_close(struct settings *settings)
{
	settings_forget(settings);
	command_kill(&settings->command);
	settings->runs = false;
}
