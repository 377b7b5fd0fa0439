/* fault.c - see fault.h. */
#include "agent/sync/fault.h"

#ifdef HA_FAULT_POINTS

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	bool read; /* the environment has been looked at */
	char name[64];
	unsigned long left; /* passes until it happens; 0: never */
} fault;

void fault_arm(const char *what)
{
	const char *colon;

	fault.read = true;
	fault.left = 0;
	if (what == NULL || *what == '\0')
		return;
	colon = strchr(what, ':');
	snprintf(fault.name, sizeof(fault.name), "%.*s",
		 (int)(colon == NULL ? strlen(what) : (size_t)(colon - what)), what);
	fault.left = colon == NULL ? 1 : strtoul(colon + 1, NULL, 10);
}

void fault_point(const char *name)
{
	if (!fault.read)
		fault_arm(getenv("HA_FAULT"));
	if (fault.left == 0 || (strcmp(fault.name, "*") != 0 && strcmp(fault.name, name) != 0))
		return;
	if (--fault.left == 0)
		raise(SIGKILL);
}

#endif
