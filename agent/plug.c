/* plug.c - see plug.h. */
#include "agent/plug.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
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

/* Of the driver alone: what the stack makes of it comes later and is asked separately. */
static int plug_ask(const struct plug *plug, const struct carrier *carrier, bool *up)
{
	struct ethtool_value link = {.cmd = ETHTOOL_GLINK};
	struct ifreq request = {.ifr_data = (void *)&link};

	memcpy(request.ifr_name, plug->ifname, sizeof(plug->ifname));
	if (ioctl(carrier->fd, SIOCETHTOOL, &request) != 0)
		return -errno;
	*up = link.data != 0;
	return 0;
}

/* /sys may be another network namespace's: its interface of that name has another index. */
static bool plug_is_ours(const struct plug *plug, struct carrier *carrier)
{
	int ifindex = carrier_ifindex(carrier, plug->ifname);
	unsigned long number = 0;
	int fd = plug_open_file(plug, "ifindex");
	bool read = fd >= 0 && plug_read(fd, &number);

	if (fd >= 0)
		close(fd);
	return read && ifindex > 0 && number == (unsigned long)ifindex;
}

static void plug_open(struct plug *plug, struct carrier *carrier)
{
	unsigned long before, after;

	if (!plug_is_ours(plug, carrier))
		return;
	plug->running = false;
	plug->fd = plug_open_file(plug, "carrier_changes");
	for (unsigned i = 0; plug->fd >= 0 && i < PLUG_ATTEMPTS; i++) {
		if (!plug_read(plug->fd, &before) || plug_ask(plug, carrier, &plug->up) != 0 ||
		    !plug_read(plug->fd, &after))
			break;
		plug->count = after;
		if (before == after)
			return;
	}
	plug_close(plug);
}

/* Neither of these takes the lock. */
static bool plug_running(const struct plug *plug, const struct carrier *carrier)
{
	struct ifreq request = {0};

	memcpy(request.ifr_name, plug->ifname, sizeof(plug->ifname));
	return ioctl(carrier->fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) &&
	       (request.ifr_flags & IFF_RUNNING);
}

int plug_up(struct plug *plug, struct carrier *carrier)
{
	unsigned long count;

	if (plug->fd < 0)
		plug_open(plug, carrier);
	if (plug->fd < 0)
		return carrier_up(carrier, plug->ifname) == 1;
	if (!plug_read(plug->fd, &count)) { /* deleted */
		plug_close(plug);
		return 0;
	}
	if (count == plug->count && plug->running)
		return 1; /* an interface that is taken down loses its carrier, too */
	if ((count - plug->count) % 2 != 0)
		plug->up = !plug->up;
	plug->count = count;
	plug->running = plug->up && plug_running(plug, carrier);
	return plug->running;
}
