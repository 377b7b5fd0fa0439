/* audit.c - see audit.h. */
#include "console/audit.h"

#include "agent/log.h"

void audit(const struct request *request, const char *user, const char *action, const char *what,
	   const char *result, const char *text)
{
	char from[ADDRESS_TEXT_MAX];

	request_from(request, from);
	log_record(LOG_NOTICE, "audit", "user=%s from=%s action=%s what=%s result=%s text=%s", user,
		   from, action, what, result, text);
}
