/* conf.h - /etc/haagent/haconsole.conf, read once at start. haconsole(8) describes each option.
 */
#ifndef HA_CONSOLE_CONF_H
#define HA_CONSOLE_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
	CONF_PATH_MAX = 108, /* some are addresses of sockets */
	CONF_USER_MAX = 32,
	CONF_NAME_MAX = 254, /* a host name, or an address */
	CONF_NAMES_MAX = 16,
	CONF_TOKEN_MIN = 16,
	CONF_TOKEN_MAX = 128,
	CONF_CONNECTIONS_MAX = 1000, /* 40 MB */
};

#define CONF_DEFAULT_FILE "/etc/haagent/haconsole.conf"

struct conf {
	char address
		[CONF_NAME_MAX];  /* to listen at, where the service manager hands over no socket */
	unsigned port, peer_port; /* peer_port 0: the other console's is the same as ours */
	char control[CONF_PATH_MAX]; /* the agent's control socket */
	char state_directory[CONF_PATH_MAX];
	char certificate[CONF_PATH_MAX], key[CONF_PATH_MAX]; /* "": one of its own */
	char user[CONF_USER_MAX];
	char name[CONF_NAMES_MAX][CONF_NAME_MAX]; /* by which browsers may call it, besides */
	unsigned name_n;
	unsigned idle_s, session_s; /* when a session ends: unused, and at the latest */
	unsigned connections, connections_per_address;
	char metrics_token_file[CONF_PATH_MAX]; /* "": /metrics is for the machine itself only */
};

/* Every mistake is written to errors as "FILE:LINE: what"; returns how many there were. */
unsigned conf_read(struct conf *, const char *file, FILE *errors);

#endif
