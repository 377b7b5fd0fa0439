/* injector.c - hostile and broken frames of the heartbeat's EtherType.
 *
 *   injector KIND [-n COUNT] [-i INTERVAL_US] [-d MAC] DEVICE [FILE]
 *
 *   capture   records the next COUNT frames of the protocol that come in at DEVICE into FILE
 *   replay    sends the frames of FILE as they are          tamper   ... each with one bit of its body flipped
 *   version   ... with another version                      newer    ... with the version after theirs
 *   type      ... with a type that does not exist
 *   path      ... with the other path                       oversize ... with a length field beyond all bounds
 *   truncate  ... cut off at a random length                index    ... for a session that does not exist
 *   random    sends frames of random bytes and lengths      header   ... with a valid header before them
 *   claim     an ARP reply for the IPv4 address FILE from a MAC that nobody has
 *
 * COUNT is 100 unless given, 0 = until killed; INTERVAL_US is 1000, 0 = as fast as it goes. Without -d frames of a
 * FILE go where they went, others to the nearest-bridge group.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/random.h>
#include <unistd.h>

#include "tool.h"

enum {
	ETHERTYPE = 0x88b5,
	FRAMES_MAX = 1024,
	FRAME_MAX = 1514,
	HEADER =
		14, /* Ethernet; then version, type, path, flags, length (2), session index (4), counter (8) */
};

struct frame {
	uint16_t len;
	uint8_t bytes[FRAME_MAX];
};

static struct frame frames[FRAMES_MAX];
static unsigned frames_n;
static uint8_t destination[6] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e};
static bool redirected;
static const uint8_t stranger[6] = {0x02, 0xba, 0xdb, 0xad, 0xba, 0xd0};

/* Chance with a fixed seed: a run that failed can be had again. */
static uint32_t chance(uint32_t below)
{
	static uint64_t x = UINT64_C(0x9e3779b97f4a7c15);

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)((x >> 32) % below);
}

static int open_device(const char *name, int protocol)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons((uint16_t)protocol)};
	struct packet_mreq promiscuous = {.mr_type = PACKET_MR_PROMISC};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;

	at.sll_ifindex = promiscuous.mr_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || !at.sll_ifindex || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die("injector: %s: %s", name, strerror(errno));
	(void)setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	if (protocol)
		(void)setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous,
				 sizeof(promiscuous));
	return fd;
}

static int capture(int fd, const char *file, unsigned long count)
{
	FILE *f = fopen(file, "wb");
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (!f)
		die("injector: %s: %s", file, strerror(errno));
	for (unsigned long i = 0; i < count;) {
		struct frame frame = {0};
		ssize_t len;

		if (poll(&p, 1, 5000) <= 0)
			die("injector: nothing came within 5 s");
		len = recv(fd, frame.bytes, sizeof(frame.bytes), MSG_DONTWAIT);
		if (len < HEADER)
			continue;
		frame.len = (uint16_t)len;
		if (fwrite(&frame, sizeof(frame), 1, f) != 1)
			die("injector: %s: %s", file, strerror(errno));
		i++;
	}
	return fclose(f) ? 1 : 0;
}

static void load(const char *file)
{
	FILE *f = fopen(file, "rb");

	if (!f)
		die("injector: %s: %s", file, strerror(errno));
	frames_n = (unsigned)fread(frames, sizeof(frames[0]), FRAMES_MAX, f);
	fclose(f);
	if (!frames_n)
		die("injector: %s holds no frame", file);
}

static void random_frame(struct frame *f, bool header)
{
	const uint8_t known[8] = {1, (uint8_t)(1 + chance(7)), 0, 0};

	f->len = (uint16_t)(HEADER + chance(FRAME_MAX - HEADER + 1));
	for (unsigned i = 0; i < f->len; i++)
		f->bytes[i] = (uint8_t)chance(256);
	memcpy(f->bytes, destination, 6);
	memcpy(f->bytes + 6, stranger, 6);
	f->bytes[12] = ETHERTYPE >> 8;
	f->bytes[13] = ETHERTYPE & 0xff;
	if (header && f->len >= HEADER + 18) {
		memcpy(f->bytes + HEADER, known, 4);
		f->bytes[HEADER + 4] = (uint8_t)((f->len - HEADER) >> 8);
		f->bytes[HEADER + 5] = (uint8_t)(f->len - HEADER);
	}
}

static void claim_frame(struct frame *f, const char *address)
{
	static const uint8_t reply[] = {0, 1, 8, 0, 6, 4, 0, 2};
	struct in_addr a;

	if (!address || inet_pton(AF_INET, address, &a) != 1)
		die("injector: claim wants an IPv4 address");
	f->len = 60;
	memset(f->bytes, 0, 60);
	memset(f->bytes, 0xff, 6);
	memcpy(f->bytes + 6, stranger, 6);
	f->bytes[12] = ETHERTYPE_ARP >> 8;
	f->bytes[13] = ETHERTYPE_ARP & 0xff;
	memcpy(f->bytes + 14, reply, sizeof(reply));
	memcpy(f->bytes + 22, stranger, 6);
	memcpy(f->bytes + 28, &a, 4);
	memcpy(f->bytes + 32, stranger, 6);
	memcpy(f->bytes + 38, &a, 4);
}

/* Spoils a recorded frame in the way that kind names. */
static void spoil(struct frame *f, const char *kind)
{
	uint8_t *p = f->bytes + HEADER;

	if (redirected)
		memcpy(f->bytes, destination, 6);
	if (f->len < HEADER + 18)
		return;
	if (!strcmp(kind, "tamper")) /* beyond the header, within the shortest body */
		p[18 + chance(16)] ^= (uint8_t)(1 << chance(8));
	else if (!strcmp(kind, "version"))
		p[0] = 0xee;
	else if (!strcmp(kind, "newer"))
		p[0]++;
	else if (!strcmp(kind, "type"))
		p[1] = 0xee;
	else if (!strcmp(kind, "path"))
		p[2] ^= 1;
	else if (!strcmp(kind, "oversize"))
		p[4] = p[5] = 0xff;
	else if (!strcmp(kind, "index"))
		p[6] ^= 0xff;
	else if (!strcmp(kind, "truncate"))
		f->len = (uint16_t)(HEADER + chance((uint32_t)f->len - HEADER));
}

static void make_frame(struct frame *f, const char *kind, const char *file, unsigned long i)
{
	if (!strcmp(kind, "random") || !strcmp(kind, "header")) {
		random_frame(f, !strcmp(kind, "header"));
	} else if (!strcmp(kind, "claim")) {
		claim_frame(f, file);
	} else {
		*f = frames[i % frames_n];
		spoil(f, kind);
	}
}

static bool known(const char *kind)
{
	static const char *const kinds[] = {"capture", "replay",   "tamper",   "version", "newer",
					    "type",    "path",     "oversize", "index",   "random",
					    "header",  "truncate", "claim"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kind, kinds[i]))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "", *device, *file;
	unsigned long count = 100, interval = 1000, sent = 0;
	int option, fd;

	optind = 2;
	while (argc > 1 && (option = getopt(argc, argv, "n:i:d:")) != -1) {
		if (option == 'n')
			count = number(optarg, 1000000000);
		else if (option == 'i')
			interval = number(optarg, 10000000);
		else if (option == 'd' &&
			 sscanf(optarg, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &destination[0],
				&destination[1], &destination[2], &destination[3], &destination[4],
				&destination[5]) == 6)
			redirected = true;
		else
			die("injector: bad option");
	}
	device = optind < argc ? argv[optind] : NULL;
	file = optind + 1 < argc ? argv[optind + 1] : NULL;
	if (!known(kind) || !device)
		die("usage: injector KIND [-n COUNT] [-i INTERVAL_US] [-d MAC] DEVICE [FILE]");
	if (!strcmp(kind, "capture") && file)
		return capture(open_device(device, ETHERTYPE), file, count);
	if (strcmp(kind, "random") && strcmp(kind, "header") && strcmp(kind, "claim")) {
		if (!file)
			die("injector: %s wants a FILE", kind);
		load(file);
	}
	fd = open_device(device, 0);
	for (unsigned long i = 0; !count || i < count; i++) {
		struct frame f;

		make_frame(&f, kind, file, i);
		if (send(fd, f.bytes, f.len, 0) == f.len)
			sent++;
		if (interval)
			usleep((useconds_t)interval);
	}
	printf("%lu\n", sent);
	return 0;
}
