/* renewal.c - see renewal.h. */
#include "agent/renewal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/ipc.h"
#include "agent/log.h"

#define READER_LIMIT (15 * HA_SEC) /* it may have to wait for a disk, and for memory to hash in */

void renewal_init(struct renewal *renewal, struct loop *loop, const struct runtime *runtime,
		  const char *file, void (*read)(void *arg, struct renewal *, int config),
		  void (*told)(void *arg), void *arg)
{
	ssize_t n;

	*renewal = (struct renewal){
		.loop = loop,
		.file = file,
		.running = runtime->executable,
		.executable = -1,
		.until = HA_NEVER,
		.read = read,
		.told = told,
		.arg = arg,
	};
	child_init(&renewal->reader, IPC_READER_PROCESS, HA_NEVER);
	n = readlink("/proc/self/exe", renewal->program, sizeof(renewal->program));
	if (n < 0 || n >= (ssize_t)sizeof(renewal->program))
		n = 0;
	renewal->program[n] = '\0';
}

void renewal_note(struct renewal *renewal, enum config_line line, const char *text)
{
	struct config_news news = {.line = (uint8_t)line};

	snprintf(news.text, sizeof(news.text), "%s", text);
	(void)config_report_take(&renewal->report, &news);
}

static const char *purpose_name(enum config_purpose purpose)
{
	return purpose == CONFIG_UPGRADE ? "upgrade" : "reload";
}

void renewal_end(struct renewal *renewal, bool ok, const char *why)
{
	struct config_news news = {.line = CONFIG_ENDS, .ok = ok};

	snprintf(news.text, sizeof(news.text), "%s", why);
	(void)config_report_take(&renewal->report, &news);
	log_event(ok ? LOG_NOTICE : LOG_ERR, purpose_name(renewal->report.purpose),
		  "ok=%d file=%s mistakes=%u why=%s", ok, renewal->file,
		  ok ? 0 : renewal->report.n + renewal->report.more, why);
	renewal->told(renewal->arg);
}

/* Nothing more is heard of the reader; it still has its log to write, and ends. */
static void dismiss(struct renewal *renewal)
{
	if (renewal->reader.fd >= 0) {
		loop_remove(renewal->loop, renewal->reader.fd);
		close(renewal->reader.fd);
		renewal->reader.fd = -1;
	}
	renewal->until = HA_NEVER;
}

static void close_executable(struct renewal *renewal)
{
	if (renewal->executable >= 0)
		close(renewal->executable);
	renewal->executable = -1;
}

static void fail(struct renewal *renewal, const char *why)
{
	dismiss(renewal);
	close_executable(renewal);
	renewal_end(renewal, false, why);
}

static void succeed(struct renewal *renewal, int config)
{
	dismiss(renewal);
	renewal->read(renewal->arg, renewal, config);
	close(config);
	close_executable(renewal);
}

/* It is root's, and this program, or was installed in its place: what it says is still looked at. */
static void on_reader(void *arg, uint32_t events)
{
	struct renewal *renewal = arg;
	struct ipc_message message;
	int got, config = -1;

	(void)events;
	while ((got = ipc_receive(renewal->reader.fd, &message, &config)) > 0) {
		if (message.type == IPC_CONFIG_LINE && message.u.news.line == CONFIG_MISTAKE) {
			(void)config_report_take(&renewal->report, &message.u.news);
		} else if (message.type == IPC_CONFIG_LINE && message.u.news.line == CONFIG_ENDS) {
			renewal->format = message.u.news.format;
			renewal->read_well = message.u.news.ok == 1;
			if (renewal->read_well)
				continue;
			fail(renewal, "the configuration is not as it should be: the one before "
				      "stays in force");
			return;
		} else if (message.type == IPC_CONFIG && renewal->read_well) {
			succeed(renewal, config);
			return;
		} else {
			if (config >= 0)
				close(config);
			fail(renewal, "the process that read the configuration said nonsense");
			return;
		}
	}
	if (got < 0)
		fail(renewal, renewal->report.purpose == CONFIG_UPGRADE
				      ? "the program that is installed now does not run, or is too "
					"old to go on in the place of this one"
				      : "the process that was to read the configuration has ended");
}

static int connect_reader(struct renewal *renewal, ha_time now)
{
	struct child_gift gift = {
		.executable = renewal->executable >= 0 ? renewal->executable : renewal->running,
		.config = -1,
		.peer = -1,
		.control = -1,
		.syncer = -1,
		.recorder = -1,
		.recorded = -1,
		.file = renewal->file,
	};
	int pair[2], error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return -errno;
	gift.guardian = pair[1];
	error = child_start(&renewal->reader, &gift, now);
	close(pair[1]);
	if (error == 0)
		error = loop_add(renewal->loop, pair[0], on_reader, renewal);
	if (error != 0) {
		close(pair[0]);
		return error;
	}
	renewal->reader.fd = pair[0];
	return 0;
}

/* For an upgrade alone the guardian opens a file: the program in its own place, and only to have it run. */
static int open_program(struct renewal *renewal, enum config_purpose purpose)
{
	if (purpose == CONFIG_RELOAD)
		return 0;
	if (renewal->program[0] == '\0')
		return -ENOENT;
	renewal->executable = open(renewal->program, O_PATH | O_CLOEXEC);
	return renewal->executable < 0 ? -errno : 0;
}

static void begin(struct renewal *renewal, enum config_purpose purpose, ha_time now)
{
	const struct config_news news = {
		.line = CONFIG_BEGINS,
		.purpose = (uint8_t)purpose,
		.number = renewal->report.number + 1,
	};
	char why[CONFIG_LINE_MAX];
	int error;

	renewal->wanted[purpose] = renewal->read_well = false;
	(void)config_report_take(&renewal->report, &news);
	error = open_program(renewal, purpose);
	if (error == 0)
		error = connect_reader(renewal, now);
	if (error == 0) {
		renewal->until = now + READER_LIMIT;
		return;
	}
	snprintf(why, sizeof(why), "cannot start %s: %s",
		 purpose == CONFIG_UPGRADE ? renewal->program : "the reader", strerror(-error));
	fail(renewal, why);
}

void renewal_want(struct renewal *renewal, enum config_purpose purpose, ha_time now)
{
	renewal->wanted[purpose] = true;
	renewal_timer(renewal, now);
}

static bool is_free(const struct renewal *renewal)
{
	return renewal->reader.pid == 0 && (renewal->report.number == 0 || renewal->report.ended);
}

void renewal_timer(struct renewal *renewal, ha_time now)
{
	if (now >= renewal->until) {
		child_kill(&renewal->reader);
		fail(renewal, "reading the configuration took too long");
	}
	for (int i = CONFIG_RELOAD; i <= CONFIG_UPGRADE; i++)
		if (renewal->wanted[i] && is_free(renewal))
			begin(renewal, (enum config_purpose)i, now);
}

void renewal_stop(struct renewal *renewal)
{
	child_kill(&renewal->reader);
}

ha_time renewal_next(const struct renewal *renewal)
{
	return renewal->until;
}

void renewal_reaped(struct renewal *renewal, pid_t pid)
{
	if (pid == renewal->reader.pid)
		renewal->reader.pid = 0;
}
