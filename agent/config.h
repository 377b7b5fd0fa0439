/* config.h - /etc/haagent/haagent.conf, read once at start by the guardian and handed to the others as bytes.
 *
 * A plain struct without pointers: it travels to the other processes in a sealed memory file, so that all of them,
 * and whoever is restarted later, run by the same configuration.
 */
#ifndef HA_AGENT_CONFIG_H
#define HA_AGENT_CONFIG_H

#include <net/if.h>
#include <stdio.h>

#include "proto/msg.h"
#include "proto/node.h"
#include "proto/types.h"

enum {
	CONFIG_PATH_MAX = 108, /* file names that become socket addresses have to fit there */
	CONFIG_USER_MAX = 32,
	CONFIG_WITNESS_MAX = 8,
	CONFIG_ERRORS_MAX = 64,
};

enum config_witness {
	CONFIG_WITNESS_AUTO, /* {}: default gateways and stations heard */
	CONFIG_WITNESS_LIST, /* the addresses named */
	CONFIG_WITNESS_NONE, /* {"none"} */
};

struct config {
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
	char model[MSG_MODEL_LEN + 1];
	char firmware[MSG_FIRMWARE_LEN + 1];
	char hotfix[MSG_HOTFIX_LEN + 1];
	char patch[MSG_PATCH_LEN + 1];
};

/* Reads file into *out. Every mistake is written to errors as "FILE:LINE: what"; returns how many there were, 0 =
 * good. Mistakes are all listed, not only the first. */
unsigned config_read(struct config *out, const char *file, FILE *errors);

/* Why no single station can have the address, in the words of a mistake; NULL: one can. */
const char *config_no_station(const struct ha_address *);

#define CONFIG_DEFAULT_FILE "/etc/haagent/haagent.conf"

#endif
