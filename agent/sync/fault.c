/* fault.c - see fault.h. */
#include "agent/sync/fault.h"

#ifdef HA_FAULT_POINTS

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	bool read; /* the environment has been looked at */
	const char *file;
	bool stop;
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
	fault.stop = *what == '=';
	what += fault.stop;
	colon = strchr(what, ':');
	snprintf(fault.name, sizeof(fault.name), "%.*s",
		 (int)(colon == NULL ? strlen(what) : (size_t)(colon - what)), what);
	fault.left = colon == NULL ? 1 : strtoul(colon + 1, NULL, 10);
}

/* The file's first line, and where the second begins; NULL: there is none. */
static char *read_file(char *bytes, size_t cap)
{
	int fd = open(fault.file, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, bytes, cap - 1);
	char *end;

	if (fd >= 0)
		close(fd);
	bytes[n > 0 ? n : 0] = '\0';
	end = strchr(bytes, '\n');
	if (end == NULL)
		return NULL;
	*end = '\0';
	return end + 1;
}

static void take_line(void)
{
	char bytes[1024], *rest = read_file(bytes, sizeof(bytes));
	size_t len = rest == NULL ? 0 : strlen(rest);
	int fd;

	if (len == 0) {
		unlink(fault.file);
		return;
	}
	fd = open(fault.file, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0 || write(fd, rest, len) != (ssize_t)len)
		abort();
	close(fd);
}

static void look(void)
{
	const char *environment = getenv("HA_FAULT");
	char bytes[1024];

	if (fault.file == NULL && environment != NULL && !fault.read) {
		if (*environment == '@')
			fault.file = environment + 1;
		else
			fault_arm(environment);
	}
	fault.read = true;
	if (fault.file != NULL && read_file(bytes, sizeof(bytes)) != NULL)
		fault_arm(bytes);
}

void fault_point(const char *name)
{
	if (fault.left == 0)
		look();
	if (fault.left == 0 || (strcmp(fault.name, "*") != 0 && strcmp(fault.name, name) != 0) ||
	    --fault.left > 0)
		return;
	if (fault.file != NULL)
		take_line();
	raise(fault.stop ? SIGSTOP : SIGKILL);
}

#endif
