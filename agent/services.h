/* services.h - what the steward runs for the appliance: its service checks, their recovery, the hooks, and the commands
 * of the settings.
 *
 * check.h, hook.h and settings.h decide, command.h runs; here they are put together, and what has become of them is
 * said as the messages that the engine understands (IPC_CHECK, IPC_HOOK, IPC_RAN). Each check has one command at a
 * time, and so have the hooks and the settings; none waits for one of the others.
 */
#ifndef HA_AGENT_SERVICES_H
#define HA_AGENT_SERVICES_H

#include "agent/check.h"
#include "agent/hook.h"
#include "agent/ipc.h"
#include "agent/settings.h"

struct services_check {
	struct services *services;
	struct check check;
	struct command command;  /* the check, or while it is recovering its recovery */
	struct ipc_message said; /* the newest IPC_CHECK */
};

struct services {
	const struct config *config;
	bool active, role_known;
	struct services_check check[CONFIG_CHECKS_MAX];
	struct hooks hooks;
	struct settings settings;
	void (*tell)(void *arg, const struct ipc_message *);
	void *arg;
};

/* The structs stay where they are until services_close(). The checks are due at once. */
void services_init(struct services *, const struct config *, struct loop *,
		   void (*tell)(void *arg, const struct ipc_message *), void *arg);

/* By this one from now on, which has taken the place of the former in the same struct: was is that. What has not changed
 * goes on; of the rest what runs is killed, and begins anew. */
void services_reconfigure(struct services *, const struct config *was, ha_time now);

void services_role(struct services *, const struct hook_occasion *, ha_time now);
void services_run(struct services *, const struct ipc_message *, ha_time now); /* a valid IPC_RUN */
/* The engine is gone: the next one is told of nothing that it did not ask for. */
void services_forget(struct services *);

/* Says of each check how it is. */
void services_report(struct services *);

ha_time services_deadline(const struct services *);
void services_timer(struct services *, ha_time now);

/* Kills what runs. */
void services_close(struct services *);

#endif
