/* decode_file.c - see decode.h: the capture, by libpcap.
 *
 * Files come from anywhere. So all that root does with one is to open it.
 */
#include "agent/decode.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "agent/action.h"
#include "agent/privileges.h"
#include "proto/msg.h"

/* Where a link layer has the source and the type. */
struct layer {
	int linktype;
	size_t header, source, ethertype;
};

/* The last two are what a capture on "any" interface has. */
static const struct layer layers[] = {
	{DLT_EN10MB, 14, 6, 12},
	{DLT_LINUX_SLL, 16, 6, 14},
	{DLT_LINUX_SLL2, 20, 12, 0},
};

static const struct layer *layer_of(int linktype)
{
	for (size_t i = 0; i < sizeof(layers) / sizeof(*layers); i++)
		if (layers[i].linktype == linktype)
			return &layers[i];
	return NULL;
}

/* 0, or -errno of the output. */
static int decode_one(const struct layer *layer, const struct pcap_pkthdr *header,
		      const uint8_t *bytes, FILE *out, struct decode_count *count)
{
	struct decode_frame frame = {
		/* With nanosecond precision tv_usec counts nanoseconds. */
		.time_ns = (int64_t)((uint64_t)header->ts.tv_sec * (uint64_t)HA_SEC +
				     (uint64_t)header->ts.tv_usec),
	};
	char line[DECODE_LINE_MAX];
	size_t wire_len = header->len > header->caplen ? header->len : header->caplen;

	if (header->caplen < layer->header ||
	    (bytes[layer->ethertype] << 8 | bytes[layer->ethertype + 1]) != MSG_ETHERTYPE) {
		count->foreign++;
		return 0;
	}
	count->frames++;
	memcpy(frame.source.b, bytes + layer->source, sizeof(frame.source.b));
	frame.message = bytes + layer->header;
	frame.len = header->caplen - layer->header;
	frame.wire_len = wire_len - layer->header;
	if (!decode_line(line, &frame))
		count->malformed++;
	return fputs(line, out) < 0 || fputc('\n', out) < 0 ? -errno : 0;
}

static int decode_all(pcap_t *pcap, const struct layer *layer, FILE *out,
		      struct decode_count *count, char why[256])
{
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	int got, error;

	while ((got = pcap_next_ex(pcap, &header, &bytes)) == 1) {
		error = decode_one(layer, header, bytes, out, count);
		if (error != 0)
			return error;
	}
	if (got == PCAP_ERROR_BREAK) /* the end */
		return fflush(out) == 0 ? 0 : -errno;
	snprintf(why, 256, "%s", pcap_geterr(pcap));
	(void)fflush(out);
	return -EIO;
}

int decode_stream(FILE *in, FILE *out, struct decode_count *count, char why[256])
{
	char text[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap =
		pcap_fopen_offline_with_tstamp_precision(in, PCAP_TSTAMP_PRECISION_NANO, text);
	const struct layer *layer;
	int error = -EIO;

	*count = (struct decode_count){0};
	why[0] = '\0';
	if (pcap == NULL) {
		snprintf(why, 256, "%s", text);
		fclose(in);
		return -EIO;
	}
	layer = layer_of(pcap_datalink(pcap));
	if (layer == NULL)
		snprintf(why, 256, "not a capture of Ethernet: link type %d", pcap_datalink(pcap));
	else
		error = decode_all(pcap, layer, out, count, why);
	pcap_close(pcap);
	return error;
}

/* Whoever may be nobody of importance. */
static int drop_privileges(void)
{
	const struct passwd *nobody = geteuid() == 0 ? getpwnam("nobody") : NULL;

	return nobody == NULL ? privileges_none(65534, 65534)
			      : privileges_none(nobody->pw_uid, nobody->pw_gid);
}

static FILE *open_capture(const char *file)
{
	int fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? NULL : fdopen(fd, "r");
}

static void summarize(const char *file, const struct decode_count *count)
{
	if (count->malformed > 0)
		fprintf(stderr, "haagent: %s: %" PRIu64 " of %" PRIu64 " frames malformed\n", file,
			count->malformed, count->frames);
	if (count->foreign > 0)
		fprintf(stderr, "haagent: %s: %" PRIu64 " frames of other protocols\n", file,
			count->foreign);
}

int decode_main(const char *file)
{
	struct decode_count count;
	FILE *in = open_capture(file);
	char why[256];
	int error;

	if (in == NULL) {
		fprintf(stderr, "haagent: %s: %s\n", file, strerror(errno));
		return ACTION_REFUSED;
	}
	error = drop_privileges();
	if (error != 0) {
		fprintf(stderr, "haagent: privileges: %s\n", strerror(-error));
		return ACTION_REFUSED;
	}
	signal(SIGPIPE, SIG_IGN);
	error = decode_stream(in, stdout, &count, why);
	if (error == -EPIPE)
		return ACTION_DONE; /* who reads has seen enough */
	summarize(file, &count);
	if (error == 0)
		return ACTION_DONE;
	fprintf(stderr, "haagent: %s: %s\n", file,
		error == -EIO && why[0] != '\0' ? why : strerror(-error));
	return ACTION_REFUSED;
}
