/* ether.c - see ether.h. */
#include "agent/ether.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Not bound yet: of protocol 0 the socket is given nothing. */
static int ether_options(int fd, int ifindex)
{
	const struct packet_mreq all = {.mr_ifindex = ifindex, .mr_type = PACKET_MR_PROMISC};
	int one = 1, len = ETHER_BUFFER_LEN;

	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &len, sizeof(len)) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) != 0)
		return -errno;
	return 0;
}

int ether_open(const char *ifname)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(ifname),
	};
	int fd, error;

	if (at.sll_ifindex == 0)
		return -ENODEV;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	error = ether_options(fd, at.sll_ifindex);
	if (!error && bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		error = -errno;
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

/* The interface's own address, as it is now. */
static int ether_own(int fd, struct ha_mac *own)
{
	struct sockaddr_ll at = {0};
	socklen_t len = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		return -errno;
	if (at.sll_halen != sizeof(own->b))
		return -ENODEV;
	memcpy(own->b, at.sll_addr, sizeof(own->b));
	return 0;
}

int ether_read(int fd, struct ha_mac from[ETHER_BUDGET])
{
	struct ha_mac own;
	int n = 0, error = ether_own(fd, &own);

	for (unsigned i = 0; !error && i < ETHER_BUDGET; i++) {
		uint8_t header[sizeof(struct ether_header)];
		ssize_t len = recv(fd, header, sizeof(header), 0);

		if (len < 0) {
			error = -errno;
		} else if (len == sizeof(header)) {
			memcpy(from[n].b, header + 6, sizeof(from[n].b));
			n += !ha_mac_equal(&from[n], &own);
		}
	}
	return error && error != -EAGAIN ? error : n;
}
