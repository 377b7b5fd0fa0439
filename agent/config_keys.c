#include "agent/config_parse.h"

#include <string.h>

#define STRING(field)                                                                              \
	.offset = offsetof(struct config_draft, config.field),                                     \
	.cap = sizeof(((struct config *)0)->field)
#define AT(field)           .offset = offsetof(struct config_draft, field)
#define CHECK_AT(field)     .offset = offsetof(struct config_check, field)
#define CHECK_STRING(field) CHECK_AT(field), .cap = sizeof(((struct config_check *)0)->field)
#define SET_AT(field)       .offset = offsetof(struct config_settings, field)
#define SET_STRING(field)   SET_AT(field), .cap = sizeof(((struct config_settings *)0)->field)

/* haagent.conf(5) describes each of them. */
const struct config_key config_keys[] = {
	{"", "link", KIND_INTERFACE, "eth3", STRING(link)},
	{"", "management", KIND_INTERFACE, "eth0", STRING(management)},
	{"", "link_direct", KIND_BOOL, "true", AT(config.link_direct)},
	{"", "virtual_ip", KIND_VIP, .list = true},
	{"", "witness", KIND_WITNESS, .list = true},
	{"", "timing", KIND_TIMING, "default", .list = false},
	{"", "heartbeat_ms", KIND_NUMBER, AT(heartbeat_ms), .min = 1, .max = 1000},
	{"", "dead_ms", KIND_NUMBER, AT(dead_ms), .min = 5, .max = 10000},
	{"", "confirm_ms", KIND_NUMBER, AT(confirm_ms), .min = 1, .max = 10000},
	{"", "boot_wait_ms", KIND_NUMBER, AT(boot_wait_ms), .min = 5, .max = 600000},
	{"", "boot_wait_passive_ms", KIND_NUMBER, AT(boot_wait_passive_ms), .min = 5,
	 .max = 600000},
	{"", "state_directory", KIND_DIRECTORY, "/var/lib/haagent", STRING(state_directory)},
	{"", "runtime_directory", KIND_DIRECTORY, "/run/haagent", STRING(runtime_directory)},
	{"", "user", KIND_USER, "haagent", STRING(user)},
	{"", "hooks", KIND_HOOKS, "/etc/haagent/hooks", STRING(hooks)},
	{"", "hook_timeout_ms", KIND_TIME, "30000", AT(config.hook_timeout), .min = 100,
	 .max = 3600000},
	{"", "sync_debounce_ms", KIND_TIME, "20", AT(config.sync_debounce), .min = 5, .max = 10000},
	{"", "sync_scrub_s", KIND_SCRUB, "3600", AT(config.sync_scrub), .min = 60, .max = 604800},
	{"", "supported_models", KIND_MODEL, .list = true},
	{"", "cluster_passphrase", KIND_PASSPHRASE, .list = false},
	{"appliance", "model", KIND_TEXT, STRING(model)},
	{"appliance", "firmware", KIND_TEXT, STRING(firmware)},
	{"appliance", "hotfix", KIND_TEXT, STRING(hotfix)},
	{"appliance", "patch", KIND_TEXT, STRING(patch)},
	{"appliance", "file", KIND_FILE, AT(appliance_file),
	 .cap = sizeof(((struct config_draft *)0)->appliance_file)},
	{"settings", "paths", KIND_TREE, .list = true},
	{"settings", "exclude", KIND_EXCLUDE, .list = true},
	{"settings", "export", KIND_COMMAND, SET_STRING(export_command)},
	{"settings", "import", KIND_COMMAND, SET_STRING(import_command)},
	{"settings", "watch", KIND_WATCH, .list = true},
	{"settings", "export_interval_ms", KIND_TIME, "60000", SET_AT(export_interval), .min = 1000,
	 .max = 86400000},
	{"settings", "command_timeout_ms", KIND_TIME, "60000", SET_AT(command_timeout), .min = 100,
	 .max = 3600000},
	{"operator", "actions", KIND_ACTION, .list = true, .required = true},
	{"check", "command", KIND_COMMAND, CHECK_STRING(command), .required = true},
	{"check", "when", KIND_WHEN, "always", CHECK_AT(active_only)},
	{"check", "interval_ms", KIND_TIME, "1000", CHECK_AT(interval), .min = 100, .max = 3600000},
	{"check", "timeout_ms", KIND_TIME, "3000", CHECK_AT(timeout), .min = 100, .max = 3600000},
	{"check", "fall", KIND_COUNT, "3", CHECK_AT(fall), .min = 1, .max = 100},
	{"check", "rise", KIND_COUNT, "2", CHECK_AT(rise), .min = 1, .max = 100},
	{"check", "grace_ms", KIND_TIME, "5000", CHECK_AT(grace), .min = 0, .max = 3600000},
	{"check", "recover", KIND_COMMAND, CHECK_STRING(recover)},
	{"check", "recover_attempts", KIND_COUNT, "2", CHECK_AT(recover_attempts), .min = 0,
	 .max = 100},
	{"check", "recover_timeout_ms", KIND_TIME, "30000", CHECK_AT(recover_timeout), .min = 100,
	 .max = 3600000},
};
const size_t config_keys_n = sizeof(config_keys) / sizeof(*config_keys);

_Static_assert(sizeof(config_keys) / sizeof(*config_keys) <= CONFIG_KEYS_MAX,
	       "room for each key's line");

const struct config_section config_sections[] = {
	{"appliance", .max = 1},
	{"settings", .max = CONFIG_SETTINGS_MAX},
	{"check", .titled = true, .max = CONFIG_CHECKS_MAX},
	{"operator", .titled = true, .max = CONTROL_OPERATORS_MAX},
};
const size_t config_sections_n = sizeof(config_sections) / sizeof(*config_sections);

static bool is_named(const char *name, const char *text, size_t len)
{
	return strlen(name) == len && memcmp(name, text, len) == 0;
}

const struct config_key *config_key_find(const char *section, const char *name, size_t name_len)
{
	for (size_t i = 0; i < config_keys_n; i++) {
		if (strcmp(config_keys[i].section, section) == 0 &&
		    is_named(config_keys[i].name, name, name_len))
			return &config_keys[i];
	}
	return NULL;
}

const struct config_section *config_section_find(const char *name, size_t name_len)
{
	for (size_t i = 0; i < config_sections_n; i++) {
		if (is_named(config_sections[i].name, name, name_len))
			return &config_sections[i];
	}
	return NULL;
}
