/* recorder.c - who speaks for an address: a witness at the ports of the switch.
 *
 *   recorder [-w WINDOW_MS] ADDRESS... -- PORT...
 *
 * Notes every frame that enters a port and claims one of the addresses as its sender: ARP replies and gratuitous ARP,
 * neighbour advertisements, echo replies, any other packet. Runs until SIGTERM or SIGINT, then prints JSON:
 * for each address the stations by MAC, the switch-overs from one to another, and the overlap, that is how often and
 * how long a station was heard again after its successor had spoken. Two changes within WINDOW_MS (default 1000)
 * count as overlap, slower ones as a change and a change back. Times are the kernel's, at the entry of the port.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "tool.h"

enum {
	ADDRESSES_MAX = 8,
	PORTS_MAX = 16,
	STATIONS_MAX = 16,
	SWITCHES_MAX = 256,
};

enum kind {
	NOTHING,
	ANSWER,
	ANNOUNCEMENT,
	PACKET
};

struct station {
	uint8_t mac[6];
	int64_t first, last, first_answer;
	unsigned answers, announcements, packets;
};

struct change {
	unsigned from, to; /* stations */
	int64_t at, gap;   /* gap: since the last frame of the old one */
};

struct claim {
	const char *name;
	int family;
	uint8_t address[16];
	unsigned stations_n, changes_n, overlaps;
	struct station station[STATIONS_MAX];
	struct change change[SWITCHES_MAX];
	int64_t overlap;
};

static struct claim claims[ADDRESSES_MAX];
static unsigned claims_n;
static int64_t window = 1000000000;
static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	(void)signal;
	stopped = 1;
}

static bool same(const struct claim *c, const uint8_t *address)
{
	return !memcmp(c->address, address, c->family == AF_INET ? 4 : 16);
}

static enum kind classify_arp(const struct claim *c, const uint8_t *p, size_t len)
{
	if (c->family != AF_INET || len < 28 || !same(c, p + 14))
		return NOTHING;
	if (same(c, p + 24))
		return ANNOUNCEMENT;
	return p[7] == 2 ? ANSWER : PACKET;
}

static enum kind classify_v4(const struct claim *c, const uint8_t *p, size_t len)
{
	size_t header;

	if (c->family != AF_INET || len < 20 || !same(c, p + 12))
		return NOTHING;
	header = (size_t)(p[0] & 15) * 4;
	return p[9] == IPPROTO_ICMP && len > header && p[header] == ICMP_ECHOREPLY ? ANSWER
										   : PACKET;
}

static enum kind classify_v6(const struct claim *c, const uint8_t *p, size_t len)
{
	if (c->family != AF_INET6 || len < 48)
		return NOTHING;
	if (p[6] == IPPROTO_ICMPV6 && p[40] == ND_NEIGHBOR_ADVERT && len >= 64 && same(c, p + 48))
		return p[44] & 0x40 ? ANSWER : ANNOUNCEMENT; /* the S flag */
	if (!same(c, p + 8))
		return NOTHING;
	return p[6] == IPPROTO_ICMPV6 && p[40] == ICMP6_ECHO_REPLY ? ANSWER : PACKET;
}

static enum kind classify(const struct claim *c, const uint8_t *frame, size_t len)
{
	uint16_t type;

	if (len < 14)
		return NOTHING;
	memcpy(&type, frame + 12, 2);
	switch (ntohs(type)) {
	case ETHERTYPE_ARP:
		return classify_arp(c, frame + 14, len - 14);
	case ETHERTYPE_IP:
		return classify_v4(c, frame + 14, len - 14);
	case ETHERTYPE_IPV6:
		return classify_v6(c, frame + 14, len - 14);
	default:
		return NOTHING;
	}
}

static struct station *station_of(struct claim *c, const uint8_t mac[6])
{
	struct station *s;

	for (unsigned i = 0; i < c->stations_n; i++)
		if (!memcmp(c->station[i].mac, mac, 6))
			return &c->station[i];
	if (c->stations_n == STATIONS_MAX)
		return NULL;
	s = &c->station[c->stations_n++];
	memcpy(s->mac, mac, 6);
	return s;
}

/* The station s speaks at `at`: is it another one than before, and did its predecessor speak just before it? */
static void note_change(struct claim *c, unsigned to, int64_t at)
{
	const struct change *before = c->changes_n ? &c->change[c->changes_n - 1] : NULL;
	unsigned from = before ? before->to : 0;

	if (to == from)
		return;
	/* Back to the one that was relieved a moment ago: both spoke. */
	if (before && before->from == to && at - before->at < window) {
		c->overlaps++;
		if (at - before->at > c->overlap)
			c->overlap = at - before->at;
	}
	if (c->changes_n < SWITCHES_MAX)
		c->change[c->changes_n++] =
			(struct change){from, to, at, at - c->station[from].last};
}

static void note(struct claim *c, const uint8_t *frame, size_t len, int64_t at)
{
	enum kind kind = classify(c, frame, len);
	struct station *s = kind == NOTHING ? NULL : station_of(c, frame + 6);

	if (!s)
		return;
	note_change(c, (unsigned)(s - c->station), at);
	if (!s->first)
		s->first = at;
	s->last = at;
	if (kind == ANSWER) {
		if (!s->first_answer)
			s->first_answer = at;
		s->answers++;
	} else if (kind == ANNOUNCEMENT) {
		s->announcements++;
	} else {
		s->packets++;
	}
}

static int open_port(const char *name)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1, room = 8 << 20;

	at.sll_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || !at.sll_ifindex || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die("recorder: port %s: %s", name, strerror(errno));
	(void)setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return fd;
}

struct seen {
	uint8_t frame[128];
	size_t len;
	int64_t at;
	bool full;
};

/* The frames of all ports up to a time, in the order of their times: a port that is read first does not speak first. */
static void drain(const int *fd, unsigned n, int64_t until)
{
	static struct seen head[PORTS_MAX];

	for (;;) {
		struct seen *first = NULL;

		for (unsigned i = 0; i < n; i++) {
			ssize_t len;

			if (!head[i].full) {
				len = receive_stamped(fd[i], head[i].frame, sizeof(head[i].frame),
						      &head[i].at);
				head[i].full = len >= 0;
				head[i].len = len > 0 ? (size_t)len : 0;
			}
			if (head[i].full && head[i].at <= until &&
			    (!first || head[i].at < first->at))
				first = &head[i];
		}
		if (!first)
			return;
		for (unsigned i = 0; i < claims_n; i++)
			note(&claims[i], first->frame, first->len, first->at);
		first->full = false;
	}
}

static void print_mac(const struct station *s)
{
	printf("\"%02x:%02x:%02x:%02x:%02x:%02x\"", s->mac[0], s->mac[1], s->mac[2], s->mac[3],
	       s->mac[4], s->mac[5]);
}

static void print_claim(const struct claim *c, bool more)
{
	printf("  {\"address\": \"%s\", \"overlap_count\": %u, \"overlap_ms\": %.3f,\n"
	       "   \"stations\": [",
	       c->name, c->overlaps, milliseconds(c->overlap));
	for (unsigned i = 0; i < c->stations_n; i++) {
		const struct station *s = &c->station[i];

		printf("%s\n    {\"mac\": ", i ? "," : "");
		print_mac(s);
		printf(", \"answers\": %u, \"announcements\": %u, \"packets\": %u, \"first\": "
		       "%.6f, "
		       "\"first_answer\": %.6f, \"last\": %.6f}",
		       s->answers, s->announcements, s->packets, seconds(s->first),
		       seconds(s->first_answer), seconds(s->last));
	}
	printf("],\n   \"switches\": [");
	for (unsigned i = 0; i < c->changes_n; i++) {
		printf("%s\n    {\"from\": ", i ? "," : "");
		print_mac(&c->station[c->change[i].from]);
		printf(", \"to\": ");
		print_mac(&c->station[c->change[i].to]);
		printf(", \"at\": %.6f, \"gap_ms\": %.3f}", seconds(c->change[i].at),
		       milliseconds(c->change[i].gap));
	}
	printf("]}%s\n", more ? "," : "");
}

static void add_claim(const char *name)
{
	struct claim *c = &claims[claims_n];

	if (claims_n == ADDRESSES_MAX)
		die("recorder: too many addresses");
	c->name = name;
	c->family = strchr(name, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(c->family, name, c->address) != 1)
		die("recorder: not an address: %s", name);
	claims_n++;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct timespec a_while = {.tv_nsec = 2000000};
	int fd[PORTS_MAX], i = 1;
	unsigned ports = 0;

	if (argc > 2 && !strcmp(argv[1], "-w")) {
		window = (int64_t)number(argv[2], 3600000) * 1000000;
		i = 3;
	}
	for (; i < argc && strcmp(argv[i], "--"); i++)
		add_claim(argv[i]);
	for (i++; i < argc && ports < PORTS_MAX; i++)
		fd[ports++] = open_port(argv[i]);
	if (!claims_n || !ports)
		die("usage: recorder [-w WINDOW_MS] ADDRESS... -- PORT...");
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	real_time(5);

	while (!stopped) {
		/* What came within the last 2 ms may still be overtaken by an earlier one on its way here. */
		nanosleep(&a_while, NULL);
		drain(fd, ports, realtime_ns() - 2000000);
	}
	drain(fd, ports, INT64_MAX);
	printf("{\"addresses\": [\n");
	for (unsigned c = 0; c < claims_n; c++)
		print_claim(&claims[c], c + 1 < claims_n);
	printf("]}\n");
	return 0;
}
