#include "agent/action.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/config.h"
#include "agent/render.h"

enum {
	ANSWER_MAX = 131072,
	TIMEOUT_S = 10,
	JOIN_TIMEOUT_S = 20, /* the peer is asked as well */
};

static int connect_to(const char *path, time_t timeout_s)
{
	struct timeval timeout = {.tv_sec = timeout_s};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd, error;

	if ((size_t)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0 &&
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

/* Sends the request and waits for the answer; *answer is the caller's to free. 0 or -errno. */
static int exchange(int fd, const json_t *request, json_t **answer)
{
	char *out = json_dumps(request, JSON_COMPACT), *in = malloc(ANSWER_MAX);
	ssize_t n;
	int error = 0;

	*answer = NULL;
	if (out == NULL || in == NULL) {
		error = -ENOMEM;
		goto out;
	}
	if (send(fd, out, strlen(out), MSG_NOSIGNAL) < 0) {
		error = -errno;
		goto out;
	}
	n = recv(fd, in, ANSWER_MAX, MSG_TRUNC);
	if (n < 0) {
		error = -errno;
	} else if (n == 0) {
		error = -ECONNRESET;
	} else if (n > ANSWER_MAX) {
		error = -EMSGSIZE;
	} else {
		*answer = json_loadb(in, (size_t)n, 0, NULL);
		if (!json_is_object(*answer)) {
			json_decref(*answer);
			*answer = NULL;
			error = -EBADMSG;
		}
	}
out:
	free(out);
	free(in);
	return error;
}

static int report_error(const char *path, const struct config *config, int error)
{
	switch (-error) {
	case ENOENT:
	case ECONNREFUSED:
		fprintf(stderr, "haagent: no daemon is running (%s)\n", path);
		return ACTION_NO_DAEMON;
	case EACCES:
		fprintf(stderr,
			"haagent: not allowed: only root and the group of '%s' may use %s\n",
			config->user, path);
		return ACTION_REFUSED;
	case EAGAIN:
		fprintf(stderr, "haagent: the daemon did not answer in time\n");
		return ACTION_REFUSED;
	case EBADMSG:
	case EMSGSIZE:
		fprintf(stderr, "haagent: the daemon's answer is not understood\n");
		return ACTION_REFUSED;
	case ECONNRESET:
	case EPIPE:
		fprintf(stderr, "haagent: the daemon ended before it answered\n");
		return ACTION_REFUSED;
	default:
		fprintf(stderr, "haagent: %s: %s\n", path, strerror(-error));
		return ACTION_REFUSED;
	}
}

static void print_data(const struct action *action, const json_t *data)
{
	if (action->json) {
		json_dumpf(data, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (strcmp(action->name, "dump") == 0) {
		render_dump(stdout, data);
	} else if (strcmp(action->name, "history") == 0) {
		render_history(stdout, data);
	}
}

static void print_text(FILE *out, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return;
	render_clean(copy);
	fprintf(out, "%s\n", copy);
	free(copy);
}

static int report(const struct action *action, const json_t *answer)
{
	const char *result = json_string_value(json_object_get(answer, "result"));
	const char *text = json_string_value(json_object_get(answer, "text"));
	const json_t *data = json_object_get(answer, "data");
	bool done = result != NULL && strcmp(result, "done") == 0;

	if (done && data != NULL)
		print_data(action, data);
	if (text != NULL && *text != '\0')
		print_text(done ? stdout : stderr, text);
	else if (!done)
		fprintf(stderr, "haagent: %s\n",
			result != NULL ? "refused" : "the daemon's answer is not understood");
	if (fflush(stdout) != 0) {
		fprintf(stderr, "haagent: %s\n", strerror(errno));
		return ACTION_REFUSED;
	}
	return done ? ACTION_DONE : ACTION_REFUSED;
}

static bool is_address(const char *text)
{
	uint8_t any[16];

	return inet_pton(AF_INET, text, any) == 1 || inet_pton(AF_INET6, text, any) == 1;
}

/* A join gives up this appliance's own settings, and trusts the key that it finds: that wants a word. */
static bool confirm_join(const struct action *action, const struct config *config)
{
	char reply[16];

	if (action->yes)
		return true;
	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr,
			"haagent: --join asks for confirmation: use a terminal, or --yes\n");
		return false;
	}
	printf("This appliance joins the appliance at %s, which it reaches directly over %s:\n"
	       "  - it becomes primary (passive), and takes over when that one fails;\n"
	       "  - it releases any virtual IP of its own and uses that of the cluster;\n"
	       "  - its settings are replaced by those of the cluster;\n"
	       "  - it trusts the key that the appliance shows now (compare the fingerprints in "
	       "--dump).\n"
	       "Type \"yes\" to go on: ",
	       action->address, config->link);
	fflush(stdout);
	if (fgets(reply, sizeof(reply), stdin) != NULL && strcmp(reply, "yes\n") == 0)
		return true;
	fprintf(stderr, "haagent: nothing was done\n");
	return false;
}

int action_run(const char *config_file, const struct action *action)
{
	bool join = action->address != NULL;
	char path[CONFIG_PATH_MAX + sizeof("/control")];
	json_t *request = NULL, *answer = NULL;
	struct config config;
	int fd, error, result;

	if (join && !is_address(action->address)) {
		fprintf(stderr, "haagent: '%s' is no IPv4 or IPv6 address\n", action->address);
		return ACTION_USAGE;
	}
	if (config_read(&config, config_file, stderr) != 0)
		return ACTION_USAGE;
	if (join && !confirm_join(action, &config))
		return ACTION_REFUSED;
	snprintf(path, sizeof(path), "%s/control", config.runtime_directory);
	fd = connect_to(path, join ? JOIN_TIMEOUT_S : TIMEOUT_S);
	if (fd < 0)
		return report_error(path, &config, fd);
	request = json_pack("{s:s, s:s*}", "action", action->name, "address", action->address);
	error = request != NULL ? exchange(fd, request, &answer) : -ENOMEM;
	result = error != 0 ? report_error(path, &config, error) : report(action, answer);
	json_decref(request);
	json_decref(answer);
	close(fd);
	return result;
}
