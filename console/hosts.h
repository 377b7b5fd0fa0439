/* hosts.h - is this request meant for this console? By the name in its Host header.
 *
 * A page elsewhere can make a browser believe that a name of its own is this appliance's address (DNS rebinding), so
 * names are believed only if they are ours: the host name, alone and in the domains that this machine itself looks names
 * up in; those configured, and those of a certificate that was given; and addresses that this appliance has. The host name in
 * just any domain is not: of that one anybody may be the owner.
 */
#ifndef HA_CONSOLE_HOSTS_H
#define HA_CONSOLE_HOSTS_H

#include "console/request.h"

enum hosts_verdict {
	HOSTS_OURS,
	HOSTS_OTHER,
	HOSTS_MALFORMED,
};

/* The domains of resolv.conf, read once. */
void hosts_domains(struct domains *);

enum hosts_verdict hosts_judge(const struct request *, const char *host);

/* Name or address without the port and brackets. False: malformed. */
bool hosts_name(const char *host, char out[CONF_NAME_MAX]);

#endif
