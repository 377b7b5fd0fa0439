/* wire.c - see wire.h. */
#include "agent/wire.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "agent/loop.h"
#include "proto/msg.h"

/* "vlan" shifts every offset that follows it in the expression, so it comes last. ether[15] is the
 * message type. */
#define FILTER_LINK                                                                                \
	"ether proto 0x88b5 and not (ether[15] >= 0x40 and ether[15] <= 0x4f) and not vlan"
/* Solicitations are type 135, advertisements 136, behind an IPv6 header without extensions. */
#define FILTER_MANAGEMENT                                                                          \
	"((ether proto 0x88b5 and not (ether[15] >= 0x40 and ether[15] <= 0x4f)) or "              \
	"((arp or (ip6 and ip6[6] == 58 and (ip6[40] == 135 or ip6[40] == 136))) and "             \
	"not ether src %02x:%02x:%02x:%02x:%02x:%02x)) and not vlan"

struct ha_mac wire_group(enum ha_path path, bool direct)
{
	static const struct ha_mac nearest = {{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e}};
	static const struct ha_mac link = {{0x03, 0x48, 0x41, 0x47, 0x00, 0x02}};
	static const struct ha_mac management = {{0x03, 0x48, 0x41, 0x47, 0x00, 0x01}};

	if (path == HA_PATH_MANAGEMENT)
		return management;
	return direct ? nearest : link;
}

void wire_init(struct wire *wire, enum ha_path path, const char *ifname, const struct ha_mac *group)
{
	*wire = (struct wire){.fd = -1, .path = path, .group = *group};
	assert(strlen(ifname) < sizeof(wire->ifname));
	memcpy(wire->ifname, ifname, strlen(ifname));
}

static int wire_join(const struct wire *wire, struct ha_mac mac)
{
	struct packet_mreq group = {
		.mr_ifindex = (int)if_nametoindex(wire->ifname),
		.mr_type = PACKET_MR_MULTICAST,
		.mr_alen = sizeof(mac.b),
	};

	memcpy(group.mr_address, mac.b, sizeof(mac.b));
	if (setsockopt(wire->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
		return -errno;
	return 0;
}

static int wire_options(struct wire *wire)
{
	int one = 1, priority = WIRE_PRIORITY, error;

	if (setsockopt(wire->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) != 0 ||
	    setsockopt(wire->fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority)) != 0)
		return -errno;
	error = wire_join(wire, wire->group);
	if (!error && wire->path == HA_PATH_LINK)
		error = wire_join(wire, wire_group(HA_PATH_LINK, true));
	if (!error && wire->path == HA_PATH_LINK)
		error = wire_join(wire, wire_group(HA_PATH_LINK, false));
	return error;
}

static int wire_filter(struct wire *wire)
{
	const uint8_t *m = wire->mac.b;
	struct bpf_program program;
	char text[512];
	int error;

	if (wire->path == HA_PATH_LINK)
		snprintf(text, sizeof(text), "%s", FILTER_LINK);
	else
		snprintf(text, sizeof(text), FILTER_MANAGEMENT, m[0], m[1], m[2], m[3], m[4], m[5]);
	if (pcap_compile(wire->pcap, &program, text, 1, PCAP_NETMASK_UNKNOWN) != 0)
		return -EINVAL;
	error = pcap_setfilter(wire->pcap, &program) == 0 ? 0 : -EINVAL;
	pcap_freecode(&program);
	return error;
}

static int wire_activate(pcap_t *pcap, enum ha_path path)
{
	pcap_set_snaplen(pcap, WIRE_SNAP_LEN);
	pcap_set_immediate_mode(pcap, 1);
	pcap_set_buffer_size(pcap, WIRE_BUFFER_LEN);
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	if (path == HA_PATH_LINK)
		pcap_set_protocol_linux(pcap, MSG_ETHERTYPE);
	switch (pcap_activate(pcap)) {
	case 0:
	case PCAP_WARNING:
		return 0;
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return -ENODEV;
	case PCAP_ERROR_IFACE_NOT_UP:
		return -ENETDOWN;
	case PCAP_ERROR_PERM_DENIED:
		return -EPERM;
	default:
		return -EIO;
	}
}

int wire_open(struct wire *wire, const struct ha_mac *own)
{
	char text[PCAP_ERRBUF_SIZE];
	int error;

	assert(wire->pcap == NULL);
	wire->pcap = pcap_create(wire->ifname, text);
	if (wire->pcap == NULL)
		return -ENOMEM;
	wire->mac = *own;
	error = wire_activate(wire->pcap, wire->path);
	if (error)
		goto out;
	error = -ENOTSUP;
	if (pcap_datalink(wire->pcap) != DLT_EN10MB ||
	    pcap_get_tstamp_precision(wire->pcap) != PCAP_TSTAMP_PRECISION_NANO)
		goto out;
	if (pcap_setnonblock(wire->pcap, 1, text) != 0)
		goto out;
	wire->fd = pcap_fileno(wire->pcap);
	error = wire_options(wire);
	if (error)
		goto out;
	error = wire_filter(wire);
out:
	if (error) {
		wire_close(wire);
		return error;
	}
	wire->empty_at = loop_now();
	wire->opened++;
	return 0;
}

void wire_close(struct wire *wire)
{
	if (wire->pcap != NULL)
		pcap_close(wire->pcap);
	wire->pcap = NULL;
	wire->fd = -1;
}

static ha_time wire_wall_clock(void)
{
	struct timespec t;
	int error = clock_gettime(CLOCK_REALTIME, &t);

	assert(error == 0);
	return (ha_time)t.tv_sec * HA_SEC + t.tv_nsec;
}

int wire_read(struct wire *wire, wire_fn *callback, void *arg)
{
	ha_time began = loop_now();
	ha_time offset = began - wire_wall_clock();

	for (unsigned n = 0; n < WIRE_BUDGET; n++) {
		struct pcap_pkthdr *header;
		const uint8_t *frame;
		ha_time at, now;
		int got = pcap_next_ex(wire->pcap, &header, &frame);

		if (got == 0) {
			wire->empty_at = began;
			return 0;
		}
		if (got < 0)
			return -ENODEV;
		now = loop_now();
		/* With nanosecond precision tv_usec counts nanoseconds. */
		at = (ha_time)header->ts.tv_sec * HA_SEC + header->ts.tv_usec + offset;
		if (at < wire->empty_at)
			at = wire->empty_at;
		if (at > now)
			at = now;
		callback(arg, frame, header->caplen, at);
	}
	return 1;
}

void wire_header(const struct wire *wire, const struct ha_mac *to, uint8_t *frame)
{
	memcpy(frame, to != NULL ? to->b : wire->group.b, 6);
	memcpy(frame + 6, wire->mac.b, 6);
	frame[12] = MSG_ETHERTYPE >> 8;
	frame[13] = MSG_ETHERTYPE & 0xff;
}

int wire_send(struct wire *wire, const uint8_t *frame, size_t len)
{
	assert(len >= WIRE_ETHER_LEN && len <= HA_FRAME_MAX);
	if (wire->fd >= 0 && send(wire->fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	wire->send_errors++;
	return wire->fd < 0 ? -ENODEV : -errno;
}

bool wire_interface_up(int socket, const char *ifname)
{
	struct ifreq request = {0};

	assert(strlen(ifname) < sizeof(request.ifr_name));
	memcpy(request.ifr_name, ifname, strlen(ifname));
	return ioctl(socket, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP);
}
