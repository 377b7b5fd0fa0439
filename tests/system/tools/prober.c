/* prober.c - what a client sees: an ICMP echo to each address every millisecond, and the gaps between the answers.
 *
 *   prober [-i INTERVAL_US] [-o OUTAGE_MS] [-t SECONDS] ADDRESS...
 *
 * Runs until SIGTERM, SIGINT or SECONDS; then waits a little for late answers and prints JSON. An outage is the time
 * from the last answer before it to the first after it, by the kernel's receive times; the normal distance between
 * two answers is one interval. "stalled_ms" is the longest that the prober itself was kept from running: where it comes
 * near an outage, the machine stood still and not the service. Every outage of OUTAGE_MS or more is listed (default 5); one that had not ended at the
 * end of the run is marked "open".
 */
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "tool.h"

enum {
	TARGETS_MAX = 8,
	OUTAGES_MAX = 256,
	MAGIC = 0x68617072,
	LINGER_MS = 200,
};

/* The payload of a request: which one it was, of which run. */
struct stamp {
	uint32_t magic, run, index;
};

struct outage {
	int64_t from, ns;
	bool open;
};

struct target {
	const char *name;
	struct sockaddr_storage address;
	socklen_t address_len;
	int fd;
	uint8_t *answered; /* by index */
	uint32_t sent, room, answers;
	int64_t last; /* newest answer */
	int64_t longest;
	unsigned outages_n;
	struct outage outage[OUTAGES_MAX];
};

static struct target targets[TARGETS_MAX];
static unsigned targets_n;
static int64_t outage_ns = 5000000;
static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	(void)signal;
	stopped = 1;
}

static bool is_v6(const struct target *t)
{
	return t->address.ss_family == AF_INET6;
}

static void open_target(struct target *t, const char *name)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	int on = 1, room = 1 << 20;

	t->name = name;
	if (inet_pton(AF_INET, name, &v4.sin_addr) == 1) {
		memcpy(&t->address, &v4, sizeof(v4));
		t->address_len = sizeof(v4);
		t->fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	} else if (inet_pton(AF_INET6, name, &v6.sin6_addr) == 1) {
		struct icmp6_filter filter;

		memcpy(&t->address, &v6, sizeof(v6));
		t->address_len = sizeof(v6);
		t->fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
		ICMP6_FILTER_SETBLOCKALL(&filter);
		ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
		(void)setsockopt(t->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
	} else {
		die("prober: not an address: %s", name);
	}
	if (t->fd < 0)
		die("prober: raw socket: %s", strerror(errno));
	(void)setsockopt(t->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	(void)setsockopt(t->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
}

static uint16_t checksum(const void *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2) {
		uint16_t word;

		memcpy(&word, (const char *)data + i, 2);
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void send_probe(struct target *t)
{
	struct {
		uint8_t type, code;
		uint16_t checksum, id, sequence;
		struct stamp stamp;
	} p = {
		.type = is_v6(t) ? ICMP6_ECHO_REQUEST : ICMP_ECHO,
		.id = (uint16_t)getpid(),
		.sequence = htons((uint16_t)t->sent),
		.stamp = {MAGIC, (uint32_t)getpid(), t->sent},
	};

	if (t->sent == t->room) {
		t->room += 65536;
		t->answered = realloc(t->answered, t->room);
		if (!t->answered)
			die("prober: out of memory");
		memset(t->answered + t->sent, 0, t->room - t->sent);
	}
	if (!is_v6(t))
		p.checksum = checksum(&p, sizeof(p));
	t->sent++;
	/* What the kernel refuses (no route, neighbour failed) is a probe without an answer. */
	(void)sendto(t->fd, &p, sizeof(p), MSG_DONTWAIT, (struct sockaddr *)&t->address,
		     t->address_len);
}

static void note_gap(struct target *t, int64_t until, bool open)
{
	int64_t gap = until - t->last;

	if (!t->last)
		return;
	if (gap > t->longest)
		t->longest = gap;
	if (gap >= outage_ns && t->outages_n < OUTAGES_MAX)
		t->outage[t->outages_n++] = (struct outage){t->last, gap, open};
}

static void receive_answers(struct target *t)
{
	uint8_t packet[256];
	int64_t at;
	ssize_t len;

	while ((len = receive_stamped(t->fd, packet, sizeof(packet), &at)) >= 0) {
		size_t header = is_v6(t) ? 0 : (size_t)(packet[0] & 15) * 4;
		uint8_t type = is_v6(t) ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
		struct stamp stamp;

		if ((size_t)len < header + 8 + sizeof(stamp) || packet[header] != type)
			continue;
		memcpy(&stamp, packet + header + 8, sizeof(stamp));
		if (stamp.magic != MAGIC || stamp.run != (uint32_t)getpid() ||
		    stamp.index >= t->sent)
			continue;
		if (t->answered[stamp.index])
			continue;
		t->answered[stamp.index] = 1;
		t->answers++;
		note_gap(t, at, false);
		t->last = at;
	}
}

/* Serves the sockets until then or, if it may be stopped, a signal. */
static void listen_until(int64_t then, bool stoppable)
{
	struct pollfd p[TARGETS_MAX];

	for (;;) {
		int64_t left = then - realtime_ns();
		struct timespec wait = {left / 1000000000, left % 1000000000};

		if (left <= 0 || (stoppable && stopped))
			return;
		for (unsigned i = 0; i < targets_n; i++)
			p[i] = (struct pollfd){.fd = targets[i].fd, .events = POLLIN};
		if (ppoll(p, targets_n, &wait, NULL) <= 0)
			continue;
		for (unsigned i = 0; i < targets_n; i++)
			receive_answers(&targets[i]);
	}
}

static void print_target(const struct target *t, int64_t start, bool more)
{
	printf("  {\"address\": \"%s\", \"sent\": %u, \"answered\": %u, \"lost\": %u,\n"
	       "   \"longest_outage_ms\": %.3f, \"outages\": [",
	       t->name, t->sent, t->answers, t->sent - t->answers, milliseconds(t->longest));
	for (unsigned i = 0; i < t->outages_n; i++)
		printf("%s\n    {\"at\": %.6f, \"after_ms\": %.1f, \"ms\": %.3f, \"open\": %s}",
		       i ? "," : "", seconds(t->outage[i].from),
		       milliseconds(t->outage[i].from - start), milliseconds(t->outage[i].ns),
		       t->outage[i].open ? "true" : "false");
	printf("]}%s\n", more ? "," : "");
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	int64_t interval = 1000000, start, next, end = INT64_MAX, stalled = 0;
	int option;

	while ((option = getopt(argc, argv, "i:o:t:")) != -1) {
		if (option == 'i')
			interval = (int64_t)number(optarg, 10000000) * 1000;
		else if (option == 'o')
			outage_ns = (int64_t)number(optarg, 3600000) * 1000000;
		else if (option == 't')
			end = realtime_ns() + (int64_t)number(optarg, 86400) * 1000000000;
		else
			die("usage: prober [-i INTERVAL_US] [-o OUTAGE_MS] [-t SECONDS] "
			    "ADDRESS...");
	}
	if (optind >= argc || argc - optind > TARGETS_MAX || interval < 1)
		die("prober: one to %d addresses, an interval of 1 us or more", TARGETS_MAX);
	for (; optind < argc; optind++)
		open_target(&targets[targets_n++], argv[optind]);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	real_time(10);

	start = next = realtime_ns();
	while (!stopped && realtime_ns() < end) {
		for (unsigned i = 0; i < targets_n; i++)
			send_probe(&targets[i]);
		/* A probe that is late is not made up for: two at once would measure nothing more. */
		do
			next += interval;
		while (next <= realtime_ns());
		listen_until(next, true);
		if (realtime_ns() - next > stalled)
			stalled = realtime_ns() - next;
	}
	end = realtime_ns();
	listen_until(end + LINGER_MS * INT64_C(1000000), false);

	printf("{\"interval_us\": %lld, \"from\": %.6f, \"to\": %.6f, \"stalled_ms\": %.3f, "
	       "\"targets\": [\n",
	       (long long)interval / 1000, seconds(start), seconds(end), milliseconds(stalled));
	for (unsigned i = 0; i < targets_n; i++) {
		if (!targets[i].last) /* never answered: one outage from the first to the last */
			targets[i].last = start;
		if (targets[i].last < end)
			note_gap(&targets[i], end, true);
		print_target(&targets[i], start, i + 1 < targets_n);
	}
	printf("]}\n");
	return 0;
}
