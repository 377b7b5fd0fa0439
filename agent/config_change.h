/* config_change.h - what a new reading of the configuration changes, and what of it can be applied while the agent runs.
 *
 * Three answers, by option or section (haagent.conf(5) states it for each): unchanged; applied at once; or left as it
 * was until the agent is started anew, because sockets, directories, users or the timing that two appliances have agreed upon
 * hang on it. Sections count as a whole.
 */
#ifndef HA_AGENT_CONFIG_CHANGE_H
#define HA_AGENT_CONFIG_CHANGE_H

#include <string.h>

#include "agent/config.h"

enum config_part {
	PART_LINK,
	PART_MANAGEMENT,
	PART_LINK_DIRECT,
	PART_VIRTUAL_IP,
	PART_WITNESS,
	PART_TIMING, /* with heartbeat_ms and all that follow */
	PART_STATE_DIRECTORY,
	PART_RUNTIME_DIRECTORY,
	PART_USER,
	PART_HOOKS,
	PART_HOOK_TIMEOUT,
	PART_SYNC_DEBOUNCE,
	PART_SYNC_SCRUB,
	PART_SUPPORTED_MODELS,
	PART_PASSPHRASE,
	PART_APPLIANCE,
	PART_SETTINGS,
	PART_CHECK,
	PART_OPERATOR,
	CONFIG_PART_N,
};

struct config_change {
	uint32_t applied; /* masks of enum config_part */
	uint32_t waits;   /* for a start */
};

/* What changes from old to *next. What has to wait is put back in *next as it was in old, which makes *next what is to be
 * run by from now on. Both are valid, and so is the result. */
struct config_change config_change(const struct config *old, struct config *next);

static inline bool config_changed(const struct config_change *change, enum config_part part)
{
	return (change->applied >> part & 1) != 0;
}

/* Are these parts of two configurations the same, byte by byte? They are: each was all zeros before it was read. */
static inline bool config_same(const void *a, const void *b, size_t len)
{
	return memcmp(a, b, len) == 0;
}

const char *config_part_name(enum config_part); /* as in the file: "link", "settings", ... */

bool config_part_waits(enum config_part); /* for a start */

/* Is the option of that section ("" outside of any) part of it? */
bool config_part_has(enum config_part, const char *section, const char *name);

#endif
