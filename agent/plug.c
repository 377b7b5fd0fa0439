/* plug.c - see plug.h. */
#include "agent/plug.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	PLUG_ATTEMPTS = 3, /* at a state that does not change while it is asked */
};

void plug_init(struct plug *plug, const char *ifname)
{
	*plug = (struct plug){.fd = -1};
	assert(strlen(ifname) < sizeof(plug->ifname));
	memcpy(plug->ifname, ifname, strlen(ifname));
}

void plug_close(struct plug *plug)
{
	if (plug->fd >= 0)
		close(plug->fd);
	plug->fd = -1;
}

static int plug_open_file(const struct plug *plug, const char *file)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", plug->ifname, file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool plug_read(int fd, unsigned long *number)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	*number = strtoul(text, NULL, 10);
	return true;
}

static bool plug_read_file(const struct plug *plug, const char *file, unsigned long *number)
{
	int fd = plug_open_file(plug, file);
	bool read = fd >= 0 && plug_read(fd, number);

	if (fd >= 0)
		close(fd);
	return read;
}

/* /sys may be another network namespace's: its interface of that name has another index. */
static bool plug_is_ours(const struct plug *plug, struct carrier *carrier)
{
	int ifindex = carrier_ifindex(carrier, plug->ifname);
	unsigned long number;

	return plug_read_file(plug, "ifindex", &number) && ifindex > 0 &&
	       number == (unsigned long)ifindex;
}

static bool plug_has(const struct plug *plug, const struct carrier *carrier, int flags)
{
	struct ifreq request = {0};

	memcpy(request.ifr_name, plug->ifname, sizeof(plug->ifname));
	return ioctl(carrier->fd, SIOCGIFFLAGS, &request) == 0 &&
	       (request.ifr_flags & flags) == flags;
}

/* Asked is the very bit whose changes are counted: what the driver answers to ETHTOOL_GLINK may be
 * ahead of it, and turned over from there would be wrong for ever. It shows only while the
 * interface is up. */
static void plug_open(struct plug *plug, struct carrier *carrier)
{
	unsigned long before, after, up;

	if (!plug_is_ours(plug, carrier))
		return;
	plug->running = false;
	plug->fd = plug_open_file(plug, "carrier_changes");
	for (unsigned i = 0; plug->fd >= 0 && i < PLUG_ATTEMPTS; i++) {
		if (!plug_read(plug->fd, &before) || !plug_read_file(plug, "carrier", &up) ||
		    !plug_read(plug->fd, &after))
			break;
		plug->up = up != 0;
		plug->count = after;
		if (before == after)
			return;
	}
	plug_close(plug);
}

void plug_doubt(struct plug *plug)
{
	plug->running = false;
}

int plug_up(struct plug *plug, struct carrier *carrier)
{
	unsigned long count;

	/* Neither flags nor count take the lock. */
	if (plug->fd < 0 && !plug_has(plug, carrier, IFF_UP))
		return 0;
	if (plug->fd < 0)
		plug_open(plug, carrier);
	if (plug->fd < 0)
		return carrier_up(carrier, plug->ifname) == 1;
	if (!plug_read(plug->fd, &count)) { /* deleted */
		plug_close(plug);
		return 0;
	}
	if (count == plug->count && plug->running)
		return 1;
	if ((count - plug->count) % 2 != 0)
		plug->up = !plug->up;
	plug->count = count;
	plug->running = plug->up && plug_has(plug, carrier, IFF_UP | IFF_RUNNING);
	return plug->running;
}
