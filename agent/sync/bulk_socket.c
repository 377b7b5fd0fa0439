/* bulk_socket.c - the two sockets of bulk: libpcap's ring for what comes, a plain packet socket for what goes.
 *
 * The ring is large: it takes a whole window while this process waits for a disk. What goes is bounded where it queues:
 * the send buffer holds a fraction of a millisecond of the link's rate, and the priority is below the heartbeats', so that
 * these never wait behind a window of bulk. Both work with CAP_NET_RAW alone.
 */
#include "agent/sync/bulk_state.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define RETRY      (100 * HA_MS)
#define LOOK_EVERY HA_SEC

/* Offset 15 of the frame is the type. "vlan" shifts every offset behind it, so it comes last. */
#define FILTER "ether proto 0x88b5 and ether[15] >= 0x40 and ether[15] <= 0x42 and not vlan"

enum {
	RING_LEN = 16 << 20,
	PRIORITY = 2, /* TC_PRIO_BULK */
	/* Bytes of the kernel's own count, for each Gbit/s of the link: some 0.3 ms of it. */
	SEND_BUFFER_LEN = 32768,
	SEND_BUFFER_TIMES = 6, /* the system's usual limit is 212992 */
};

struct identity {
	int ifindex;
	uint16_t mtu;
	struct ha_mac mac;
	bool up;
};

static int identify(const char *ifname, struct identity *out)
{
	struct ifreq request = {0};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return -errno;
	memcpy(request.ifr_name, ifname, sizeof(request.ifr_name));
	if (ioctl(fd, SIOCGIFINDEX, &request) != 0)
		goto failed;
	out->ifindex = request.ifr_ifindex;
	if (ioctl(fd, SIOCGIFFLAGS, &request) != 0)
		goto failed;
	out->up = request.ifr_flags & IFF_UP;
	if (ioctl(fd, SIOCGIFMTU, &request) != 0)
		goto failed;
	out->mtu =
		(uint16_t)(request.ifr_mtu < MSG_SYNC_LEN_MAX ? request.ifr_mtu : MSG_SYNC_LEN_MAX);
	if (ioctl(fd, SIOCGIFHWADDR, &request) != 0)
		goto failed;
	memcpy(out->mac.b, request.ifr_hwaddr.sa_data, sizeof(out->mac.b));
	if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER || out->mtu < BULK_MTU_MIN)
		error = -ENOTSUP;
	else if (!out->up)
		error = -ENETDOWN;
	close(fd);
	return error;
failed:
	error = -errno;
	close(fd);
	return error;
}

/* ---- in ---- */

static int listen_options(struct bulk *b, int fd, const struct identity *is)
{
	struct packet_mreq group = {
		.mr_ifindex = is->ifindex,
		.mr_type = PACKET_MR_MULTICAST,
		.mr_alen = sizeof(b->group.b),
	};
	int one = 1;

	memcpy(group.mr_address, b->group.b, sizeof(b->group.b));
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
		return -errno;
	return 0;
}

static int set_filter(pcap_t *pcap)
{
	struct bpf_program program;
	int error;

	if (pcap_compile(pcap, &program, FILTER, 1, PCAP_NETMASK_UNKNOWN) != 0)
		return -EINVAL;
	error = pcap_setfilter(pcap, &program) == 0 ? 0 : -EINVAL;
	pcap_freecode(&program);
	return error;
}

static int open_in(struct bulk *b, const struct identity *is)
{
	char text[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_create(b->config.ifname, text);
	int error = -ENETDOWN;

	if (pcap == NULL)
		return -ENOMEM;
	pcap_set_snaplen(pcap, WIRE_ETHER_LEN + is->mtu);
	pcap_set_immediate_mode(pcap, 1);
	pcap_set_buffer_size(pcap, RING_LEN);
	pcap_set_protocol_linux(pcap, MSG_ETHERTYPE);
	if (pcap_activate(pcap) < 0 || pcap_datalink(pcap) != DLT_EN10MB ||
	    pcap_setnonblock(pcap, 1, text) != 0)
		goto out;
	error = listen_options(b, pcap_fileno(pcap), is);
	if (!error)
		error = set_filter(pcap);
	if (!error)
		error = loop_add(b->config.loop, pcap_fileno(pcap), bulk_receive_ready, b);
out:
	if (error) {
		pcap_close(pcap);
		return error;
	}
	b->socket.pcap = pcap;
	b->socket.in = pcap_fileno(pcap);
	return 0;
}

/* ---- out ---- */

static int send_buffer(int fd, const char *ifname)
{
	struct ethtool_cmd command = {.cmd = ETHTOOL_GSET};
	struct ifreq request = {.ifr_data = (char *)&command};
	unsigned gigabits = 1;

	memcpy(request.ifr_name, ifname, sizeof(request.ifr_name));
	if (ioctl(fd, SIOCETHTOOL, &request) == 0 &&
	    ethtool_cmd_speed(&command) != (uint32_t)SPEED_UNKNOWN)
		gigabits = ethtool_cmd_speed(&command) / 1000;
	if (gigabits < 1)
		gigabits = 1;
	return SEND_BUFFER_LEN * (int)(gigabits < SEND_BUFFER_TIMES ? gigabits : SEND_BUFFER_TIMES);
}

static int open_out(struct bulk *b, const struct identity *is)
{
	/* Of protocol 0 it is given nothing that arrives. */
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = is->ifindex};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int priority = PRIORITY, buffer, error = 0;

	if (fd < 0)
		return -errno;
	buffer = send_buffer(fd, b->config.ifname);
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)) != 0) {
		error = -errno;
		close(fd);
		return error;
	}
	b->socket.out = fd;
	return 0;
}

/* ---- life ---- */

void bulk_socket_close(struct bulk *b, ha_time retry_at)
{
	struct bulk_socket *s = &b->socket;

	if (s->pcap != NULL) {
		loop_remove(b->config.loop, s->in);
		pcap_close(s->pcap);
	}
	if (s->out >= 0)
		close(s->out);
	s->pcap = NULL;
	s->in = s->out = -1;
	s->retry_at = retry_at;
}

void bulk_socket_try(struct bulk *b, ha_time now)
{
	struct bulk_socket *s = &b->socket;
	struct identity is = {0};
	int error = identify(b->config.ifname, &is);
	bool other;

	assert(s->pcap == NULL);
	if (!error)
		error = open_out(b, &is);
	if (!error)
		error = open_in(b, &is);
	if (error) {
		bulk_socket_close(b, now + RETRY);
		return;
	}
	/* Sealed frames have their length and source: over another interface the stream begins anew. The first
	 * HELLO has to say the true MTU. */
	other = is.mtu != s->mtu || !ha_mac_equal(&is.mac, &s->mac);
	s->ifindex = is.ifindex;
	s->mtu = is.mtu;
	s->mac = is.mac;
	s->look_at = now + LOOK_EVERY;
	if (other)
		bulk_restart(b, now);
}

void bulk_socket_look(struct bulk *b, ha_time now)
{
	struct bulk_socket *s = &b->socket;
	struct identity is = {0};
	int error = identify(b->config.ifname, &is);

	s->look_at = now + LOOK_EVERY;
	/* An interface that is down comes back to these sockets; another of its name does not. */
	if (error == -ENETDOWN || (!error && is.ifindex == s->ifindex && is.mtu == s->mtu &&
				   ha_mac_equal(&is.mac, &s->mac)))
		return;
	bulk_socket_close(b, now);
	bulk_socket_try(b, now);
}

void bulk_ether(const struct bulk *b, uint8_t *frame)
{
	memcpy(frame, b->group.b, 6);
	memcpy(frame + 6, b->socket.mac.b, 6);
	frame[12] = MSG_ETHERTYPE >> 8;
	frame[13] = MSG_ETHERTYPE & 0xff;
}

int bulk_socket_frame(struct bulk *b, const uint8_t *frame, size_t len)
{
	if (b->socket.out < 0)
		return -ENODEV;
	return send(b->socket.out, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
