/* settings.h - the commands of the settings: the exports and imports of the sections, and the hook settings-applied.
 *
 * Run one at a time, in the order in which they were asked for (IPC_RUN), each answered when it has ended (IPC_RAN). One
 * that is asked for while it waits is one; while it runs, it is run once more behind that: what has changed meanwhile is in
 * it then. So no more wait than there are, and an operator's script never runs beside itself. A section without that
 * command is answered at once, COMMAND_MISSING; without settings-applied nothing is amiss, and one that cannot be run, or
 * that others than root could have written (hook.h), is COMMAND_MISSING and not run.
 *
 * In their environment: HAAGENT_SETTINGS_ACTION (export or import) and HAAGENT_SETTINGS_PATHS, the paths of the section
 * with a space between; of settings-applied those of all sections, and HAAGENT_HOOK. A section's commands have its
 * command_timeout, settings-applied that of the hooks; one that cannot even be killed holds up those behind it.
 */
#ifndef HA_AGENT_SETTINGS_H
#define HA_AGENT_SETTINGS_H

#include "agent/command.h"
#include "agent/config.h"
#include "agent/ipc.h"

struct settings_request {
	uint8_t section; /* or IPC_RUN_APPLIED */
	bool import;
	uint32_t number; /* the newest that it was asked for by: the answer has it */
};

enum {
	SETTINGS_WAIT_MAX = 2 * CONFIG_SETTINGS_MAX + 1, /* all that there are */
};

struct settings {
	const struct config *config;
	struct command command;
	struct settings_request waiting[SETTINGS_WAIT_MAX]; /* the next one first, none twice */
	unsigned waiting_n;
	bool runs, wanted;               /* wanted: who asked for it is still there */
	struct settings_request current; /* valid if it runs */
	ha_time retry_at; /* while the last one is stuck and another waits; else HA_NEVER */
	void (*tell)(void *arg, const struct ipc_message *);
	void *arg;
};

/* May it come from another process that runs by another configuration? */
bool settings_possible(const struct ipc_message *);

/* May this IPC_RUN or IPC_RAN come from another process? Of a section that there is, or of settings-applied. */
bool settings_valid(const struct config *, const struct ipc_message *);
/* "export", "import" or "settings-applied" */
const char *settings_name(const struct ipc_message *);

/* tell() is called with each IPC_RAN, and may call settings_forget(). */
void settings_init(struct settings *, const struct config *, struct loop *,
		   void (*tell)(void *arg, const struct ipc_message *), void *arg);
void settings_run(struct settings *, const struct ipc_message *, ha_time now); /* a valid IPC_RUN */
/* Who asked is gone: what waits is not run, and nobody is told of what runs, which is left to end. */
void settings_forget(struct settings *);
ha_time settings_deadline(const struct settings *);
void settings_timer(struct settings *, ha_time now);
void settings_close(struct settings *); /* kills what runs */

#endif
