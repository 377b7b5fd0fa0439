/* config_change.c - see config_change.h. */
#include "agent/config_change.h"

#include <stddef.h>
#include <string.h>

#define FIELD(part, member)                                                                        \
	{                                                                                          \
		part, offsetof(struct config, member), sizeof(((struct config *)0)->member)        \
	}

/* Where each part is in the struct. */
static const struct {
	enum config_part part;
	size_t offset, size;
} fields[] = {
	FIELD(PART_LINK, link),
	FIELD(PART_MANAGEMENT, management),
	FIELD(PART_LINK_DIRECT, link_direct),
	FIELD(PART_VIRTUAL_IP, vip),
	FIELD(PART_VIRTUAL_IP, vip_n),
	FIELD(PART_WITNESS, witness_policy),
	FIELD(PART_WITNESS, witness),
	FIELD(PART_WITNESS, witness_n),
	FIELD(PART_TIMING, timing),
	FIELD(PART_TIMING, timing_name),
	FIELD(PART_STATE_DIRECTORY, state_directory),
	FIELD(PART_RUNTIME_DIRECTORY, runtime_directory),
	FIELD(PART_USER, user),
	FIELD(PART_HOOKS, hooks),
	FIELD(PART_HOOK_TIMEOUT, hook_timeout),
	FIELD(PART_SYNC_DEBOUNCE, sync_debounce),
	FIELD(PART_SYNC_SCRUB, sync_scrub),
	FIELD(PART_SUPPORTED_MODELS, supported_model),
	FIELD(PART_SUPPORTED_MODELS, supported_model_n),
	FIELD(PART_PASSPHRASE, passphrase_set),
	FIELD(PART_PASSPHRASE, passphrase),
	FIELD(PART_APPLIANCE, model),
	FIELD(PART_APPLIANCE, firmware),
	FIELD(PART_APPLIANCE, hotfix),
	FIELD(PART_APPLIANCE, patch),
	FIELD(PART_SETTINGS, path),
	FIELD(PART_SETTINGS, path_n),
	FIELD(PART_SETTINGS, exclude),
	FIELD(PART_SETTINGS, exclude_n),
	FIELD(PART_SETTINGS, settings),
	FIELD(PART_SETTINGS, settings_n),
	FIELD(PART_CHECK, check),
	FIELD(PART_CHECK, check_n),
	FIELD(PART_OPERATOR, operator),
	FIELD(PART_OPERATOR, operator_n),
};

enum {
	FIELDS_N = sizeof(fields) / sizeof(*fields),
};

#define BIT(part) (UINT32_C(1) << (part))
#define WAITS                                                                                      \
	(BIT(PART_LINK) | BIT(PART_MANAGEMENT) | BIT(PART_LINK_DIRECT) | BIT(PART_TIMING) |        \
	 BIT(PART_STATE_DIRECTORY) | BIT(PART_RUNTIME_DIRECTORY) | BIT(PART_USER))
/* No path of the settings may lie in them. */
#define DIRECTORIES (BIT(PART_STATE_DIRECTORY) | BIT(PART_RUNTIME_DIRECTORY))

struct config_change config_change(const struct config *old, struct config *next)
{
	struct config_change change = {0, 0};
	uint32_t differ = 0;

	for (size_t i = 0; i < FIELDS_N; i++)
		if (memcmp((const char *)old + fields[i].offset,
			   (const char *)next + fields[i].offset, fields[i].size) != 0)
			differ |= BIT(fields[i].part);
	change.waits = differ & WAITS;
	/* They were judged with directories that are not in use yet. */
	if (differ & DIRECTORIES)
		change.waits |= differ & BIT(PART_SETTINGS);
	change.applied = differ & ~change.waits;
	for (size_t i = 0; i < FIELDS_N; i++)
		if (change.waits >> fields[i].part & 1)
			memcpy((char *)next + fields[i].offset,
			       (const char *)old + fields[i].offset, fields[i].size);
	return change;
}

bool config_part_waits(enum config_part part)
{
	return part < CONFIG_PART_N && (WAITS & BIT(part)) != 0;
}

static const char *const names[CONFIG_PART_N] = {
	[PART_LINK] = "link",
	[PART_MANAGEMENT] = "management",
	[PART_LINK_DIRECT] = "link_direct",
	[PART_VIRTUAL_IP] = "virtual_ip",
	[PART_WITNESS] = "witness",
	[PART_TIMING] = "timing",
	[PART_STATE_DIRECTORY] = "state_directory",
	[PART_RUNTIME_DIRECTORY] = "runtime_directory",
	[PART_USER] = "user",
	[PART_HOOKS] = "hooks",
	[PART_HOOK_TIMEOUT] = "hook_timeout_ms",
	[PART_SYNC_DEBOUNCE] = "sync_debounce_ms",
	[PART_SYNC_SCRUB] = "sync_scrub_s",
	[PART_SUPPORTED_MODELS] = "supported_models",
	[PART_PASSPHRASE] = "cluster_passphrase",
	[PART_APPLIANCE] = "appliance",
	[PART_SETTINGS] = "settings",
	[PART_CHECK] = "check",
	[PART_OPERATOR] = "operator",
};

const char *config_part_name(enum config_part part)
{
	return part < CONFIG_PART_N ? names[part] : "?";
}

bool config_part_has(enum config_part part, const char *section, const char *name)
{
	static const char *const times[] = {"heartbeat_ms", "dead_ms", "confirm_ms", "boot_wait_ms",
					    "boot_wait_passive_ms"};

	if (section[0] != '\0')
		return strcmp(section, config_part_name(part)) == 0;
	for (size_t i = 0; part == PART_TIMING && i < sizeof(times) / sizeof(*times); i++)
		if (strcmp(name, times[i]) == 0)
			return true;
	return strcmp(name, config_part_name(part)) == 0;
}
