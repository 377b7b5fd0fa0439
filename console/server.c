/* server.c - see server.h. */
#include "console/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/log.h"
#include "console/router.h"

enum {
	BACKLOG = 128,
	CONNECTION_MEMORY = 24 * 1024, /* headers, and what is read and written at once */
	SPARE = 8,          /* the library stops to accept at its limit: it must not come to that */
	SILENCE_MS = 30000, /* whoever has acknowledged nothing for so long has lost its network */
	BODY_FLOOD = 16 * REQUEST_BODY_MAX, /* more than that is not worth an answer */
};

/* ---- connections ---- */

static enum MHD_Result on_accept(void *arg, const struct sockaddr *from, socklen_t len)
{
	struct console *console = arg;
	struct address address;

	(void)len;
	if (console->stopping || !address_of(&address, from))
		return MHD_NO;
	return connections_room(&console->connections, &address) ? MHD_YES : MHD_NO;
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct console *console = arg;
	const union MHD_ConnectionInfo *fd, *from;
	unsigned silence = SILENCE_MS;
	struct address address = {0};

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		connections_remove(&console->connections, *context);
		*context = NULL;
		return;
	}
	fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	from = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	(void)address_of(&address, from->client_addr);
	(void)setsockopt(fd->connect_fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof(silence));
	*context = connections_add(&console->connections, fd->connect_fd, &address, loop_now());
}

/* ---- requests ---- */

static struct request *begin(struct console *console, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *context =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct request *request =
		context->socket_context != NULL ? calloc(1, sizeof(*request)) : NULL;

	if (request == NULL)
		return NULL;
	request->console = console;
	request->mhd = mhd;
	request->connection = context->socket_context;
	request->at = loop_now();
	return request;
}

/* False: whoever sends so much is not answered. */
static bool take_body(struct request *request, const char *data, size_t *len)
{
	size_t room = request->len < REQUEST_BODY_MAX ? REQUEST_BODY_MAX - request->len : 0;

	if (request->body != NULL)
		memcpy(request->body + request->len, data, *len < room ? *len : room);
	request->len += *len;
	*len = 0;
	return request->len <= BODY_FLOOD;
}

static void run(struct request *request)
{
	void (*resumed)(struct request *) = request->resumed;

	if (request->body == NULL) {
		request_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "busy", "no memory");
	} else if (request->len > REQUEST_BODY_MAX) {
		request_error(request, MHD_HTTP_CONTENT_TOO_LARGE, "too_large",
			      "a request has at most %d bytes", REQUEST_BODY_MAX);
	} else if (resumed != NULL) {
		request->resumed = NULL;
		resumed(request);
	} else if (request->console->stopping &&
		   request->asset == NULL) { /* nobody would end its wait */
		request_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "busy", "the console ends");
	} else {
		router_run(request);
	}
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *len, void **context)
{
	struct request *request = *context;

	(void)version;
	if (request == NULL) {
		request = begin(arg, mhd);
		if (request == NULL)
			return MHD_NO;
		*context = request;
		router_begin(request, method, url);
		return request->phase == REQUEST_REPLIED ? request_send(request) : MHD_YES;
	}
	if (*len > 0)
		return take_body(request, data, len) ? MHD_YES : MHD_NO;
	if (request->phase == REQUEST_WAITING)
		return MHD_YES;
	request->phase = REQUEST_READY;
	run(request);
	return request->phase == REQUEST_REPLIED ? request_send(request) : MHD_YES;
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **context,
			 enum MHD_RequestTerminationCode why)
{
	struct request *request = *context;

	(void)arg;
	(void)mhd;
	(void)why;
	if (request == NULL)
		return;
	request->connection->until = loop_now() + CONNECTIONS_IDLE;
	if (request->body != NULL)
		sodium_memzero(request->body, REQUEST_BODY_MAX + 1);
	free(request->body);
	json_decref(request->json);
	json_decref(request->answer);
	free(request);
	*context = NULL;
}

/* Names are compared as they are written: nothing is decoded. */
static size_t unescape(void *arg, struct MHD_Connection *mhd, char *text)
{
	(void)arg;
	(void)mhd;
	return strlen(text);
}

/* ---- start, run, end ---- */

static int listen_at(const struct conf *conf)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
				  .sin6_port = htons((in_port_t)conf->port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((in_port_t)conf->port)};
	bool ipv6 = inet_pton(AF_INET6, conf->address, &v6.sin6_addr) == 1;
	int fd, on = 1, off = 0, error;

	if (!ipv6)
		inet_pton(AF_INET, conf->address, &v4.sin_addr);
	fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 && errno == EAFNOSUPPORT && strcmp(conf->address, "::") == 0) {
		ipv6 = false; /* a machine without IPv6: all of what it has */
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	}
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ipv6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, ipv6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
		 ipv6 ? sizeof(v6) : sizeof(v4)) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static void on_epoll(void *arg, uint32_t events)
{
	(void)arg;
	(void)events; /* server_run() is called after each wake */
}

int server_open(struct console *console, const struct tls *tls, int listener)
{
	const union MHD_DaemonInfo *info;
	int fd = listener >= 0 ? listener : listen_at(&console->conf);
	unsigned limit = console->connections.places + SPARE;

	if (fd < 0)
		return fd;
	console->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME, 0, on_accept, console,
		on_request, console, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_CERT,
		tls->certificate, MHD_OPTION_HTTPS_MEM_KEY, tls->key, MHD_OPTION_HTTPS_PRIORITIES,
		TLS_PRIORITIES, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_LIMIT, limit, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
		console, MHD_OPTION_NOTIFY_COMPLETED, on_completed, console,
		MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_END);
	if (console->daemon == NULL) {
		close(fd);
		return -EINVAL;
	}
	info = MHD_get_daemon_info(console->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	return loop_add(&console->loop, info->epoll_fd, on_epoll, console);
}

unsigned server_port(const struct console *console)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(console->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info != NULL ? info->port : 0;
}

ha_time server_run(struct console *console)
{
	ha_time now = loop_now();
	MHD_UNSIGNED_LONG_LONG ms;

	connections_sweep(&console->connections, now);
	MHD_run(console->daemon);
	if (MHD_get_timeout(console->daemon, &ms) == MHD_YES)
		return loop_now() + (ha_time)ms * HA_MS;
	return HA_NEVER;
}

void server_quiesce(struct console *console)
{
	console->listener = MHD_quiesce_daemon(console->daemon);
}

void server_close(struct console *console)
{
	const union MHD_DaemonInfo *info;

	if (console->daemon == NULL)
		return;
	info = MHD_get_daemon_info(console->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	loop_remove(&console->loop, info->epoll_fd);
	MHD_stop_daemon(console->daemon);
	console->daemon = NULL;
	if (console->listener >= 0)
		close(console->listener);
}
