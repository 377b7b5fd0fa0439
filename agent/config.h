/* config.h - /etc/haagent/haagent.conf, read at the start by the guardian, and upon SIGHUP for it (reader.h), and handed to
 * the others as bytes.
 *
 * A plain struct without pointers: it travels to the other processes in a sealed memory file, so that all of them,
 * and whoever is restarted later, run by the same configuration.
 */
#ifndef HA_AGENT_CONFIG_H
#define HA_AGENT_CONFIG_H

#include <net/if.h>
#include <stdio.h>

#include "agent/control.h"
#include "agent/sync/roots.h"
#include "proto/msg.h"
#include "proto/node.h"
#include "proto/types.h"

enum {
	CONFIG_PATH_MAX = 108, /* file names that become socket addresses have to fit there */
	CONFIG_USER_MAX = 32,
	CONFIG_WITNESS_MAX = 8,
	CONFIG_ERRORS_MAX = 64,
	CONFIG_MODELS_MAX = 16,
	CONFIG_CHECKS_MAX = 16,
	CONFIG_NAME_MAX = 32,     /* of a check, with the terminator */
	CONFIG_COMMAND_MAX = 512, /* of a command, with the terminator */
	CONFIG_SETTINGS_MAX = 8,  /* sections */
	CONFIG_WATCHES_MAX = 4,   /* of one section */
	CONFIG_PASSPHRASE_MIN = 8,
	CONFIG_PASSPHRASE_MAX = 128, /* bytes, without a terminator */
};

/* A service check: check "name" { ... }. */
struct config_check {
	char name[CONFIG_NAME_MAX];
	char command[CONFIG_COMMAND_MAX]; /* for /bin/sh -c; 0 = well */
	char recover[CONFIG_COMMAND_MAX]; /* "": none */
	ha_time interval, timeout;        /* between the starts of two runs; of one */
	ha_time recover_timeout;
	ha_time grace;       /* after the active role begins failures do not count */
	uint32_t fall, rise; /* so many in a row */
	uint32_t recover_attempts;
	bool active_only; /* when = "active": run at the active only */
};

/* A settings { ... }. Its commands are for /bin/sh -c; "": none. */
struct config_settings {
	unsigned path_first, path_n;             /* its part of struct config's path */
	char export_command[CONFIG_COMMAND_MAX]; /* before a generation: writes files below paths */
	char import_command[CONFIG_COMMAND_MAX]; /* after a commit that changed something there */
	char watch[CONFIG_WATCHES_MAX][ROOTS_NAME_MAX]; /* files: when one changes, export again */
	unsigned watch_n;
	ha_time export_interval, command_timeout;
};

enum config_witness {
	CONFIG_WITNESS_AUTO, /* {}: default gateways and stations heard */
	CONFIG_WITNESS_LIST, /* the addresses named */
	CONFIG_WITNESS_NONE, /* {"none"} */
};

struct config {
	uint32_t number; /* of the reload that brought it, 0 = of the start; the daemon's alone */
	char file[CONFIG_PATH_MAX]; /* absolute name of the file read */
	char link[IFNAMSIZ];
	char management[IFNAMSIZ];
	bool link_direct; /* nearest-bridge group address on the link (default), else a local group address */
	struct ha_address vip[HA_VIP_MAX];
	unsigned vip_n;
	enum config_witness witness_policy;
	struct ha_address witness[CONFIG_WITNESS_MAX];
	unsigned witness_n;
	struct node_timing timing; /* all of them, resolved and validated */
	char timing_name[16];      /* "default", "fast", "calm" or "custom" */
	char state_directory[CONFIG_PATH_MAX];
	char runtime_directory[CONFIG_PATH_MAX];
	char user[CONFIG_USER_MAX];
	char hooks[CONFIG_PATH_MAX]; /* directory of the hooks; "": none are run */
	ha_time hook_timeout;
	bool passphrase_set;
	/* passphrase_hash() of cluster_passphrase in the daemon (SPEC 4.R20); zeros without one, and in
	 * whoever only reads the file. The text itself is never here. */
	uint8_t passphrase[HA_KEY_LEN];
	char supported_model[CONFIG_MODELS_MAX][MSG_MODEL_LEN + 1];
	unsigned supported_model_n;
	struct config_check check[CONFIG_CHECKS_MAX];
	unsigned check_n;
	/* What is synced: the paths of all sections in their order, and excludes that count for all of
	 * them. Paths are absolute and plain, and none is in another or has anything of this agent's in
	 * it (SPEC 6). None: nothing is synced. */
	char path[SYNC_ROOTS_MAX][ROOTS_NAME_MAX];
	unsigned path_n;
	char exclude[ROOTS_EXCLUDES_MAX][ROOTS_PATTERN_MAX];
	unsigned exclude_n;
	struct config_settings settings[CONFIG_SETTINGS_MAX];
	unsigned settings_n;
	struct control_operator operator[CONTROL_OPERATORS_MAX]; /* uid: see config_operators() */
	unsigned operator_n;
	ha_time sync_debounce;
	ha_time sync_scrub; /* 0: never */
	char model[MSG_MODEL_LEN + 1];
	char firmware[MSG_FIRMWARE_LEN + 1];
	char hotfix[MSG_HOTFIX_LEN + 1];
	char patch[MSG_PATCH_LEN + 1];
};

/* Reads file into *out. Every mistake is written to errors as "FILE:LINE: what"; returns how many there were, 0 =
 * good. Mistakes are all listed, not only the first. */
unsigned config_read(struct config *out, const char *file, FILE *errors);

/* The same for the daemon, which hashes the text of cluster_passphrase and wipes it. "" if there is none. */
unsigned config_read_secret(struct config *out, char passphrase[CONFIG_PASSPHRASE_MAX + 1],
			    const char *file, FILE *errors);

/* Finds out the uid of each operator. A user that this machine does not have is no mistake: that an operator's program is
 * not installed is no reason for an appliance to stay down. */
void config_operators(struct config *);

/* Of a file with mistakes: runtime_directory and user, if it can be known what they are. */
bool config_locate(struct config *out, const char *file);

/* Why no single station can have the address, in the words of a mistake; NULL: one can. */
const char *config_no_station(const struct ha_address *);

#define CONFIG_DEFAULT_FILE "/etc/haagent/haagent.conf"

#endif
