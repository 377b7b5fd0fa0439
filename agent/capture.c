/* capture.c - see capture.h.
 *
 * The interfaces are opened first and what is remembered is asked for afterwards: what came in between is in both, and is
 * taken from the memory up to that moment and from the wire from then on. What the node decides goes over no wire; it is
 * read from the agent's memory as long as the recording lasts.
 */
#include "agent/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/action.h"
#include "agent/capture_file.h"
#include "agent/client.h"
#include "agent/loop.h"
#include "agent/privileges.h"
#include "proto/msg.h"
#include "proto/sync_msg.h"

enum {
	ETHER_LEN = 14,
	BUFFER_LEN = 4 << 20,
	TURN_MS = 100, /* how old what is in the file may be, at the most */
	ASK_S = 2,
	/* Of a SYNC_DATA what is in the clear: the rest is settings, encrypted. */
	SYNC_SNAP_LEN = ETHER_LEN + MSG_HEADER_LEN + SYNC_DATA_CLEAR_LEN,
};

struct tap {
	pcap_t *pcap; /* NULL: not open */
	struct ha_mac mac;
	bool failed; /* it is down, or gone: that was said */
};

struct capture {
	struct config config;
	const char *name; /* of the file, for people */
	struct tap tap[HA_PATH_N];
	int fd;
	struct capture_file file;
	struct recorder_reader reader; /* shared NULL: no agent */
	int64_t offset;                /* capture_file_offset() at ... */
	ha_time begun;                 /* ... the moment from which on the wire counts */
};

static volatile sig_atomic_t ended;

static void on_signal(int signal)
{
	(void)signal;
	ended = 1;
}

/* ---- opening ---- */

static bool own_mac(const char *ifname, struct ha_mac *mac)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool known;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ifname);
	known = fd >= 0 && ioctl(fd, SIOCGIFHWADDR, &request) == 0;
	if (known)
		memcpy(mac->b, request.ifr_hwaddr.sa_data, sizeof(mac->b));
	if (fd >= 0)
		close(fd);
	return known;
}

/* What passes, and how much of it, is the kernel's business: this protocol, and of SYNC_DATA its first bytes. */
static int set_filter(pcap_t *pcap)
{
	static struct bpf_insn code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MSG_ETHERTYPE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETHER_LEN + 1),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MSG_SYNC_DATA, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SYNC_SNAP_LEN),
		BPF_STMT(BPF_RET | BPF_K, PCAPNG_SNAP_LEN),
	};
	struct bpf_program program = {sizeof(code) / sizeof(code[0]), code};

	return pcap_setfilter(pcap, &program);
}

static pcap_t *open_pcap(const char *ifname, char why[PCAP_ERRBUF_SIZE])
{
	pcap_t *pcap = pcap_create(ifname, why);

	if (pcap == NULL)
		return NULL;
	pcap_set_snaplen(pcap, PCAPNG_SNAP_LEN);
	pcap_set_promisc(pcap, 1);
	pcap_set_immediate_mode(pcap, 1);
	pcap_set_buffer_size(pcap, BUFFER_LEN);
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
	if (pcap_activate(pcap) < 0 || pcap_setnonblock(pcap, 1, why) != 0)
		snprintf(why, PCAP_ERRBUF_SIZE, "%s", pcap_geterr(pcap));
	else if (pcap_datalink(pcap) != DLT_EN10MB)
		snprintf(why, PCAP_ERRBUF_SIZE, "no Ethernet");
	else if (set_filter(pcap) != 0)
		snprintf(why, PCAP_ERRBUF_SIZE, "%s", pcap_geterr(pcap));
	else
		return pcap;
	pcap_close(pcap);
	return NULL;
}

/* One of the two is enough: that the other is gone may be just what is to be looked into. */
static bool open_taps(struct capture *capture)
{
	const char *ifname[HA_PATH_N] = {capture->config.link, capture->config.management};
	unsigned open = 0;

	for (int i = 0; i < HA_PATH_N; i++) {
		char why[PCAP_ERRBUF_SIZE] = "";
		struct tap *tap = &capture->tap[i];

		tap->pcap = open_pcap(ifname[i], why);
		if (tap->pcap == NULL) {
			fprintf(stderr, "haagent: %s: %s\n", ifname[i], why);
			continue;
		}
		(void)own_mac(ifname[i], &tap->mac);
		open++;
	}
	capture->offset = capture_file_offset();
	capture->begun = loop_now();
	return open > 0;
}

static bool open_file(struct capture *capture)
{
	if (strcmp(capture->name, "-") == 0) {
		capture->fd = STDOUT_FILENO;
		if (!isatty(STDOUT_FILENO))
			return true;
		fprintf(stderr, "haagent: a capture is not for a terminal: name a file, or pipe it "
				"to 'haagent --decode -'\n");
		return false;
	}
	capture->fd =
		open(capture->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (capture->fd < 0)
		fprintf(stderr, "haagent: %s: %s\n", capture->name, strerror(errno));
	return capture->fd >= 0;
}

/* The agent's memory: its descriptor, or -errno. */
static int ask_agent(const struct capture *capture)
{
	char path[CONFIG_PATH_MAX + sizeof("/control")];
	json_t *request = json_pack("{s:s}", "action", "capture");
	const struct client_question question = {
		.path = path,
		.timeout_s = ASK_S,
		.request = request,
	};
	struct client_answer answer;
	int error;

	snprintf(path, sizeof(path), "%s/control", capture->config.runtime_directory);
	error = client_ask(&question, &answer);
	json_decref(request);
	json_decref(answer.json);
	return error != 0 ? error : answer.descriptor >= 0 ? answer.descriptor : -EACCES;
}

static void open_memory(struct capture *capture)
{
	int fd = ask_agent(capture), error = fd;

	if (fd >= 0) {
		error = recorder_open(&capture->reader, fd);
		close(fd);
	}
	if (error == -ENOENT || error == -ECONNREFUSED)
		fprintf(stderr, "haagent: no agent is running: nothing that it would remember\n");
	else if (error < 0)
		fprintf(stderr, "haagent: nothing of what the agent remembers: %s\n",
			strerror(-error));
}

static int drop_privileges(const struct capture *capture)
{
	uid_t uid = 65534;
	gid_t gid = 65534;

	if (geteuid() == 0)
		(void)privileges_user(capture->config.user, &uid, &gid);
	return privileges_none(uid, gid);
}

/* ---- recording ---- */

static void record_one(struct capture *capture, enum ha_path path, const struct pcap_pkthdr *header,
		       const uint8_t *bytes)
{
	int64_t time_ns = (int64_t)header->ts.tv_sec * HA_SEC + header->ts.tv_usec;
	const struct tap *tap = &capture->tap[path];
	struct pcapng_frame frame = {
		.interface = (uint32_t)path,
		.time_ns = (uint64_t)time_ns,
		.bytes = bytes,
		.len = header->caplen,
		.wire_len = header->len > header->caplen ? header->len : header->caplen,
	};

	if (frame.len > PCAPNG_SNAP_LEN)
		frame.len = PCAPNG_SNAP_LEN;
	if (frame.len < ETHER_LEN ||
	    (capture->reader.shared != NULL && time_ns <= capture->begun + capture->offset))
		return; /* it is in the memory */
	frame.direction = memcmp(bytes + 6, tap->mac.b, sizeof(tap->mac.b)) == 0 ? PCAPNG_OUTBOUND
										 : PCAPNG_INBOUND;
	(void)capture_file_frame(&capture->file, &frame);
}

/* An interface that is down may come up again, and then goes on. */
static void record_wire(struct capture *capture, enum ha_path path)
{
	struct tap *tap = &capture->tap[path];
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	int got = 0;

	for (unsigned n = 0; tap->pcap != NULL && n < 4096 && capture->file.error == 0; n++) {
		got = pcap_next_ex(tap->pcap, &header, &bytes);
		if (got != 1)
			break;
		record_one(capture, path, header, bytes);
	}
	if (tap->pcap == NULL || got >= 0 || tap->failed) {
		tap->failed &= got < 0;
		return;
	}
	tap->failed = true;
	fprintf(stderr, "haagent: %s: %s\n",
		path == HA_PATH_LINK ? capture->config.link : capture->config.management,
		pcap_geterr(tap->pcap));
}

static void record_decisions(struct capture *capture)
{
	if (capture->reader.shared == NULL)
		return;
	recorder_more(&capture->reader);
	(void)capture_file_recorded(&capture->file, &capture->reader, capture->offset,
				    capture->begun + 1, loop_now() + HA_SEC, true);
}

static void record_turn(struct capture *capture, int patience_ms)
{
	struct pollfd ready[HA_PATH_N];

	for (int i = 0; i < HA_PATH_N; i++)
		ready[i] = (struct pollfd){
			.fd = capture->tap[i].pcap == NULL || capture->tap[i].failed
				      ? -1
				      : pcap_get_selectable_fd(capture->tap[i].pcap),
			.events = POLLIN,
		};
	(void)poll(ready, HA_PATH_N, patience_ms);
	for (int i = 0; i < HA_PATH_N; i++)
		record_wire(capture, (enum ha_path)i);
	record_decisions(capture);
}

static void record(struct capture *capture, uint32_t seconds)
{
	ha_time end = seconds == 0 ? HA_NEVER : capture->begun + (ha_time)seconds * HA_SEC;
	struct capture_file *file = &capture->file;

	(void)capture_file_begin(file, capture->fd, &capture->config);
	file->ended = &ended;
	if (capture->reader.shared != NULL)
		(void)capture_file_recorded(file, &capture->reader, capture->offset,
					    capture->begun - RECORDER_SPAN, capture->begun, false);
	(void)capture_file_flush(file);
	while (file->error == 0 && !ended) {
		ha_time left = end == HA_NEVER ? HA_SEC : end - loop_now();

		if (left <= 0)
			break;
		record_turn(capture, left < TURN_MS * HA_MS ? (int)(left / HA_MS) + 1 : TURN_MS);
		(void)capture_file_flush(file);
	}
	record_turn(capture, 0);
	(void)capture_file_flush(file);
}

static void watch_signals(void)
{
	/* What waits is woken by it; the second one ends it whatever it waits for. */
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static int report(const struct capture *capture)
{
	int error = capture->file.error;

	if (error == 0 || error == -EPIPE || error == -EINTR)
		return ACTION_DONE; /* who reads a pipe may stop, or not go on when this ends */
	fprintf(stderr, "haagent: %s: %s\n", capture->name, strerror(-error));
	return ACTION_REFUSED;
}

int capture_main(const char *config_file, const char *file, uint32_t seconds)
{
	static struct capture capture;
	int error;

	capture.name = file;
	if (config_read(&capture.config, config_file, stderr) != 0)
		return ACTION_USAGE;
	watch_signals();
	if (!open_taps(&capture) || !open_file(&capture))
		return ACTION_REFUSED;
	open_memory(&capture);
	error = drop_privileges(&capture);
	if (error != 0) {
		fprintf(stderr, "haagent: privileges: %s\n", strerror(-error));
		return ACTION_REFUSED;
	}
	record(&capture, seconds);
	recorder_close(&capture.reader);
	for (int i = 0; i < HA_PATH_N; i++)
		if (capture.tap[i].pcap != NULL)
			pcap_close(capture.tap[i].pcap);
	error = report(&capture);
	if (capture.fd != STDOUT_FILENO && close(capture.fd) != 0 && error == ACTION_DONE) {
		fprintf(stderr, "haagent: %s: %s\n", file, strerror(errno));
		return ACTION_REFUSED;
	}
	return error;
}
