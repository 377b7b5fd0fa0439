/* hook.h - what other software on the appliance is told: commands in the directory of the hooks, run in
 * order, one at a time.
 *
 *   role-active  role-passive  role-standalone   what this appliance is now (SPEC 5.10)
 *   registration                                 whether it may register with a central manager, and as whom
 *
 * A hook that is not there is no mistake; one that cannot be run, or that others than root could have
 * written, is reported and not run. Where systemd runs, haagent-active.target and haagent-passive.target
 * follow the role, each started after its hook, whatever became of that, unless the role is another by then. A
 * newer occasion replaces an older one of its kind that still waits; one that runs is left to end, or to its
 * timeout; one that cannot even be killed holds up the hooks behind it, and not its target. What was told last
 * is not told again. While no role is decided only a registration that was told, or is to be, is taken back. Nothing
 * waits for a hook but the next one.
 *
 * In its environment: HAAGENT_HOOK, HAAGENT_TRANSITION, HAAGENT_ROLE, HAAGENT_REASON, HAAGENT_RULE,
 * HAAGENT_TERM, HAAGENT_VIRTUAL_IPS, HAAGENT_PEER, HAAGENT_PEER_ADDRESSES, HAAGENT_REGISTRATION_ALLOWED (yes
 * or no), HAAGENT_REGISTRATION_ADDRESSES; addresses with a space between.
 */
#ifndef HA_AGENT_HOOK_H
#define HA_AGENT_HOOK_H

#include <limits.h>

#include "agent/command.h"
#include "proto/msg.h"
#include "proto/node.h"

enum hook {
	HOOK_ROLE_ACTIVE = 0,
	HOOK_ROLE_PASSIVE,
	HOOK_ROLE_STANDALONE,
	HOOK_REGISTRATION,
	HOOK_N,
};

/* Both kinds at once: the steward sees for itself which of them has changed. */
struct hook_occasion {
	uint64_t transition; /* rises: (boot << 24) + number */
	uint8_t role;   /* enum node_role; ROLE_NONE: no role hook, and no first registration */
	uint8_t reason; /* enum ha_reason */
	uint64_t term;
	struct ha_address vip[HA_VIP_MAX];
	char peer_name[MSG_HOST_LEN + 1];
	struct ha_address peer[HA_ADDRESS_MAX];
	bool registration_allowed;
	struct ha_address registration
		[2]; /* the addresses to register under, IPv4 then IPv6; family none: not any */
};

const char *hook_name(enum hook); /* the name of its file */

/* May the file of that name be run as a hook? path: how, without links on the way to it. False: *why says what is wrong
 * with it, or is NULL if it is not there, or directory is "". */
bool hook_may_run(const char *directory, const char *name, char path[PATH_MAX], const char **why);

/* May it come from another process? Fields in range, by their bytes. */
bool hook_occasion_valid(const struct hook_occasion *);

enum hook_kind {
	HOOK_KIND_ROLE = 0,
	HOOK_KIND_REGISTRATION,
	HOOK_KIND_N,
};

struct hook_news {
	bool waits, told;
	struct hook_occasion waiting; /* valid if it waits */
	struct hook_occasion last;    /* valid if told: of the hook that runs, or ran last */
};

enum hook_step {
	HOOK_STEP_NONE = 0, /* nothing runs */
	HOOK_STEP_FILE,     /* the hook itself */
	HOOK_STEP_TARGET,   /* the role's target is being started */
};

/* One queue: at most one runs, at most one occasion of each kind waits. */
struct hooks {
	const char *directory; /* "": none */
	ha_time timeout;
	const char *systemctl;  /* starts the targets; NULL: systemd does not run here */
	struct command command; /* the hook */
	struct command target;
	enum hook_step step;
	ha_time retry_at; /* while the last hook is stuck and another waits; else HA_NEVER */
	ha_time settled;  /* see hooks_settled() */
	struct hook_news news[HOOK_KIND_N];
	/* Of the hook that runs, or has ended. Of a role's hook a second time if its target could not be
	 * started. */
	enum hook hook;
	const struct hook_occasion *occasion;
	enum command_outcome outcome;
	int status;
	ha_time took;
	char output[COMMAND_OUTPUT_MAX];
	void (*ended)(void *arg, const struct hooks *);
	void *arg;
};

void hooks_init(struct hooks *, const char *directory, ha_time timeout, struct loop *,
		void (*ended)(void *, const struct hooks *), void *arg);
void hooks_occasion(struct hooks *, const struct hook_occasion *, ha_time now);
/* Since when nothing of the newest role's hook, or its target, waits or runs; or cannot, for a hook that is stuck.
 * HA_NEVER: something does. */
ha_time hooks_settled(const struct hooks *);
ha_time hooks_deadline(const struct hooks *);
void hooks_timer(struct hooks *, ha_time now);
void hooks_close(struct hooks *);

#endif
