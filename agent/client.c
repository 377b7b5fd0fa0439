#include "agent/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "agent/control.h"
#include "agent/loop.h"
#include "agent/render.h"

enum {
	WATCH_INTERVAL_MS = 100,
	WATCH_PATIENCE_S = 1, /* for a dump: without it the bar stands still, no more */
	BUSY_PAUSE_MS = 50,
	BUSY_TRIES_MAX = 60,
};

int client_connect(const char *path, time_t timeout_s)
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

pid_t client_listener(int fd)
{
	struct ucred peer = {0};
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? peer.pid : 0;
}

int client_send(int fd, const json_t *request)
{
	char *out = json_dumps(request, JSON_COMPACT);
	int error = 0;

	if (out == NULL)
		return -ENOMEM;
	if (send(fd, out, strlen(out), MSG_NOSIGNAL) < 0)
		error = -errno;
	free(out);
	return error;
}

static ssize_t receive(int fd, char *in, int *descriptor)
{
	union {
		struct cmsghdr header; /* for its alignment */
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {.iov_base = in, .iov_len = CONTROL_ANSWER_MAX};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	ssize_t n = recvmsg(fd, &message, MSG_TRUNC | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&message);

	*descriptor = -1;
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(descriptor, CMSG_DATA(c), sizeof(int));
	return n;
}

int client_receive_with(int fd, json_t **answer, int *descriptor)
{
	char *in = malloc(CONTROL_ANSWER_MAX);
	int error = 0;
	ssize_t n;

	*answer = NULL;
	*descriptor = -1;
	if (in == NULL)
		return -ENOMEM;
	n = receive(fd, in, descriptor);
	if (n < 0 && errno == ECONNRESET) /* it did not read the request, but may have said why */
		n = receive(fd, in, descriptor);
	if (n < 0)
		error = -errno;
	else if (n == 0)
		error = -ECONNRESET;
	else if (n > CONTROL_ANSWER_MAX)
		error = -EMSGSIZE;
	else
		*answer = json_loadb(in, (size_t)n, 0, NULL);
	free(in);
	if (error == 0 && !json_is_object(*answer)) {
		json_decref(*answer);
		*answer = NULL;
		error = -EBADMSG;
	}
	return error;
}

int client_receive(int fd, json_t **answer)
{
	int descriptor, error = client_receive_with(fd, answer, &descriptor);

	if (descriptor >= 0)
		close(descriptor);
	return error;
}

/* One dump over *fd, which is -1 while there is no connection; NULL: not now. */
static json_t *ask_dump(int *fd, const char *path)
{
	json_t *request = json_pack("{s:s}", "action", "dump"), *answer = NULL;

	if (*fd < 0)
		*fd = client_connect(path, WATCH_PATIENCE_S);
	if (*fd >= 0 && (client_send(*fd, request) != 0 || client_receive(*fd, &answer) != 0)) {
		close(*fd);
		*fd = -1;
	}
	json_decref(request);
	return answer;
}

/* The last column stays free: a cursor there may be in the next line already. */
static void show(const struct page *page, const char *text)
{
	unsigned columns = page_columns(text, strlen(text)), room = page->width - 1;

	fprintf(page->out, "\r%s%*s", text, (int)(room > columns ? room - columns : 0), "");
	fflush(page->out);
}

int client_watch(int fd, const char *path, const struct page *page, time_t timeout_s)
{
	ha_time end = timeout_s > 0 ? loop_now() + timeout_s * HA_SEC : HA_NEVER;
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	int dumps = -1, n, error = 0;
	bool shown = false;

	while ((n = poll(&ready, 1, WATCH_INTERVAL_MS)) <= 0 && error == 0) {
		const json_t *sync;
		json_t *answer;

		if (n < 0 && errno != EINTR)
			error = -errno;
		else if (loop_now() >= end)
			error = -EAGAIN;
		if (error != 0)
			break;
		answer = ask_dump(&dumps, path);
		sync = json_object_get(json_object_get(answer, "data"), "sync");
		if (sync != NULL) {
			show(page, render_progress(page->width - 1, sync).text);
			shown = true;
		}
		json_decref(answer);
	}
	if (shown) {
		show(page, "");
		fputc('\r', page->out);
		fflush(page->out);
	}
	if (dumps >= 0)
		close(dumps);
	return error;
}

/* ---- as a whole ---- */

static void drop(struct client_answer *answer)
{
	if (answer->descriptor >= 0)
		close(answer->descriptor);
	json_decref(answer->json);
	answer->descriptor = -1;
	answer->json = NULL;
}

static int ask_once(const struct client_question *q, struct client_answer *out)
{
	int fd = client_connect(q->path, q->timeout_s), error;

	*out = (struct client_answer){.descriptor = -1};
	if (fd < 0)
		return fd;
	out->listener = client_listener(fd);
	error = client_send(fd, q->request);
	if (error == 0 && q->shown != NULL)
		error = client_watch(fd, q->path, q->shown, q->timeout_s);
	if (error == 0 || error == -EPIPE) /* turned away, but not without a word */
		error = client_receive_with(fd, &out->json, &out->descriptor);
	close(fd);
	if (error != 0)
		drop(out);
	return error;
}

static bool is_busy(const struct client_answer *answer)
{
	const char *result = json_string_value(json_object_get(answer->json, "result"));

	return result != NULL && strcmp(result, "busy") == 0;
}

int client_ask(const struct client_question *q, struct client_answer *out)
{
	const struct timespec pause = {.tv_nsec = BUSY_PAUSE_MS * HA_MS};
	int error = ask_once(q, out);

	for (unsigned tries = 1; tries < BUSY_TRIES_MAX && error == 0 && is_busy(out); tries++) {
		drop(out);
		nanosleep(&pause, NULL);
		error = ask_once(q, out);
	}
	return error;
}
