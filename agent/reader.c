/* reader.c - see reader.h. */
#include "agent/reader.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "agent/handover.h"
#include "agent/ipc.h"
#include "agent/log.h"
#include "agent/passphrase.h"
#include "agent/runtime.h"

enum {
	SEND_WAIT_MS = 5000,
};

/* The text of the passphrase becomes a key here, and is gone: before the memory that this takes could be locked, and
 * before anybody else gets the configuration. */
int reader_read(struct config *config, const char *file, FILE *errors)
{
	char passphrase[CONFIG_PASSPHRASE_MAX + 1];
	int error = 0;

	if (config_read_secret(config, passphrase, file, errors) != 0)
		return 2;
	if (geteuid() != 0) {
		fprintf(errors, "haagent: must be started as root\n");
		sodium_memzero(passphrase, sizeof(passphrase));
		return 1;
	}
	config_operators(config);
	if (config->passphrase_set)
		error = passphrase_hash(config->passphrase, passphrase);
	sodium_memzero(passphrase, sizeof(passphrase));
	if (error != 0)
		fprintf(errors, "haagent: cannot hash the passphrase: %s\n", strerror(-error));
	return error == 0 ? 0 : 1;
}

/* Nobody waits for this process but the one that it writes to. */
static int tell(const struct ipc_message *message, int passed)
{
	struct pollfd room = {.fd = IPC_FD_GUARDIAN, .events = POLLOUT};
	int error;

	do
		error = passed < 0 ? ipc_send(IPC_FD_GUARDIAN, message)
				   : ipc_send_fd(IPC_FD_GUARDIAN, message, passed);
	while (error == -EAGAIN && poll(&room, 1, SEND_WAIT_MS) > 0);
	return error;
}

static int tell_line(enum config_line line, const char *text, bool ok)
{
	struct ipc_message message = {.type = IPC_CONFIG_LINE};
	struct config_news *news = &message.u.news;

	news->line = (uint8_t)line;
	news->ok = ok;
	news->format = HANDOVER_FORMAT;
	snprintf(news->text, sizeof(news->text), "%s", text);
	return tell(&message, -1);
}

/* The line that begins at text, and where the next one does; NULL: there is none. */
static const char *next_line(const char *text, char line[CONFIG_LINE_MAX])
{
	size_t len = strcspn(text, "\n");

	if (*text == '\0')
		return NULL;
	snprintf(line, CONFIG_LINE_MAX, "%.*s", (int)len, text);
	return text + len + (text[len] == '\n');
}

/* Each line of what the reading has complained of. */
static int tell_mistakes(const char *text)
{
	char line[CONFIG_LINE_MAX];
	int error = 0;

	while (error == 0 && (text = next_line(text, line)) != NULL)
		error = tell_line(CONFIG_MISTAKE, line, false);
	return error;
}

/* All of them, however many: this process has the time to wait until the log takes more. */
static void log_mistakes(const char *text)
{
	const struct timespec pause = {.tv_nsec = HA_SEC / LOG_PER_SECOND};
	char line[CONFIG_LINE_MAX];
	unsigned n = 0;

	while ((text = next_line(text, line)) != NULL) {
		if (++n > LOG_BURST)
			nanosleep(&pause, NULL);
		log_event(LOG_ERR, "config_mistake", "what=%s", line);
	}
}

int reader_main(const char *file)
{
	const struct ipc_message whole = {.type = IPC_CONFIG};
	static struct config config;
	char *text = NULL;
	size_t len = 0;
	FILE *errors;
	int status, sealed, error;

	prctl(PR_SET_NAME, "ha-reader", 0, 0, 0);
	log_open("reader");
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	errors = open_memstream(&text, &len);
	if (errors == NULL)
		return 1;
	status = reader_read(&config, file, errors);
	if (fclose(errors) != 0)
		return 1;
	error = tell_mistakes(text);
	sealed = status == 0 ? runtime_seal(&config) : -1;
	if (error == 0)
		error = tell_line(CONFIG_ENDS, "", sealed >= 0);
	if (error == 0 && sealed >= 0)
		error = tell(&whole, sealed);
	log_mistakes(text);
	free(text);
	return error == 0 ? status : 1;
}
