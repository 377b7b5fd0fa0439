/* audit.h - one line for each change, and for each login: who, from where, what, and what came of it.
 *
 *   event=audit user=admin from=192.0.2.7 action=swap result=done text="..."
 *
 * These lines pass the limit on log lines: they are as many as logins and changes, which have limits of their own.
 */
#ifndef HA_CONSOLE_AUDIT_H
#define HA_CONSOLE_AUDIT_H

#include "console/request.h"

/* user and what may be "". */
void audit(const struct request *, const char *user, const char *action, const char *what,
	   const char *result, const char *text);

#endif
