/* carrier.c - see carrier.h */
#include "netlink/carrier.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/sockios.h>

int carrier_open(struct carrier *c)
{
	c->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return c->fd < 0 ? -errno : 0;
}

void carrier_close(struct carrier *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
}

static int ask(const struct carrier *c, unsigned long what, const char *ifname,
	       struct ifreq *request)
{
	size_t len = strlen(ifname);

	assert(len > 0 && len < IFNAMSIZ);
	memcpy(request->ifr_name, ifname, len + 1);
	return ioctl(c->fd, what, request) < 0 ? -errno : 0;
}

int carrier_up(struct carrier *c, const char *ifname)
{
	struct ethtool_value link = {.cmd = ETHTOOL_GLINK};
	struct ifreq request = {.ifr_data = (void *)&link};
	int error;

	error = ask(c, SIOCETHTOOL, ifname, &request);
	if (error == -EOPNOTSUPP) /* a driver without it: the stack's word alone */
		link.data = 1;
	else if (error)
		return error;
	memset(&request, 0, sizeof(request));
	error = ask(c, SIOCGIFFLAGS, ifname, &request);
	if (error)
		return error;
	return link.data && (request.ifr_flags & IFF_UP) && (request.ifr_flags & IFF_RUNNING);
}

int carrier_ifindex(struct carrier *c, const char *ifname)
{
	struct ifreq request = {0};
	int error = ask(c, SIOCGIFINDEX, ifname, &request);

	return error ? error : request.ifr_ifindex;
}

int carrier_mac(struct carrier *c, const char *ifname, struct ha_mac *mac)
{
	struct ifreq request = {0};
	int error = ask(c, SIOCGIFHWADDR, ifname, &request);

	if (error)
		return error;
	if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EAFNOSUPPORT;
	memcpy(mac->b, request.ifr_hwaddr.sa_data, sizeof(mac->b));
	return 0;
}
