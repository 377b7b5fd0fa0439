/* saved.c - how long from a file saved until the other appliance has it on its disk.
 *
 *   saved FILE COPY DIRECTORY NAME      all of them absolute or relative, as seen from here
 *
 * Writes FILE anew, and waits until NAME is renamed into DIRECTORY: the ledger, which says that a commit has been brought to
 * disk. COPY must be what was saved by then, or the wait goes on. Prints the milliseconds; fails after ten seconds.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "tool.h"

enum {
	TEXT_MAX = 64,
	WAIT_MS = 10000,
};

static void save(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) != 0)
		die("cannot write %s: %s", path, strerror(errno));
}

static bool is_there(const char *path, const char *text)
{
	char got[TEXT_MAX] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, got, sizeof(got) - 1);
	close(fd);
	return n >= 0 && strcmp(got, text) == 0;
}

/* Was it among what has happened in the directory? */
static bool was_renamed(int watch, const char *name)
{
	_Alignas(struct inotify_event) char bytes[4096];
	ssize_t n = read(watch, bytes, sizeof(bytes));
	bool was = false;

	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *event = (const void *)(bytes + at);

		was |= event->len > 0 && strcmp(event->name, name) == 0;
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	return was;
}

int main(int argc, char **argv)
{
	struct pollfd ready = {.events = POLLIN};
	char text[TEXT_MAX];
	int64_t began;

	if (argc != 5)
		die("usage: saved FILE COPY DIRECTORY NAME");
	ready.fd = inotify_init1(IN_CLOEXEC);
	if (ready.fd < 0 || inotify_add_watch(ready.fd, argv[3], IN_MOVED_TO) < 0)
		die("cannot watch %s: %s", argv[3], strerror(errno));
	began = realtime_ns();
	snprintf(text, sizeof(text), "saved at %lld\n", (long long)began);
	save(argv[1], text);
	do {
		if (poll(&ready, 1, WAIT_MS) <= 0)
			die("it did not arrive");
	} while (!was_renamed(ready.fd, argv[4]) || !is_there(argv[2], text));
	printf("%.2f\n", milliseconds(realtime_ns() - began));
	return 0;
}
