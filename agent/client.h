/* client.h - one question to the daemon: a JSON packet to its control socket, and the answer.
 *
 * Some questions are answered only when what they ask for is done. Whoever waits at a terminal is shown how far it is
 * meanwhile, by what the dump says of the sync, asked over a connection of its own.
 */
#ifndef HA_AGENT_CLIENT_H
#define HA_AGENT_CLIENT_H

#include <jansson.h>
#include <sys/types.h>
#include <time.h>

#include "agent/page.h"

/* The socket, or -errno. A question that is not answered in so long is -EAGAIN; 0: it waits for ever. */
int client_connect(const char *path, time_t timeout_s);

/* The process that made the socket, of this one's pid namespace; 0: it is not known. */
pid_t client_listener(int fd);

int client_send(int fd, const json_t *request); /* 0 or -errno */

/* 0, and *answer is an object that is the caller's to free; or -errno: -ECONNRESET: the daemon has ended; -EBADMSG,
 * -EMSGSIZE: it is not understood. */
int client_receive(int fd, json_t **answer);

/* The same, with a descriptor that came along, or -1. */
int client_receive_with(int fd, json_t **answer, int *descriptor);

/* A question and its answer, over a connection of its own. */
struct client_question {
	const char *path;
	time_t timeout_s;
	const json_t *request;
	const struct page *shown; /* a terminal, on which the sync is watched meanwhile; or NULL */
};

struct client_answer {
	json_t *json;   /* the caller's to free; NULL: there is none */
	int descriptor; /* likewise to close, or -1 */
	pid_t listener; /* as client_listener() */
};

/* 0 or -errno, as above. A daemon that serves too many others has not read the request, and is asked again for some
 * seconds; then that it is busy is the answer. */
int client_ask(const struct client_question *, struct client_answer *out);

/* Shows on page, a terminal, how the sync gets on until there is something to be received, and leaves the line empty.
 * 0 or -errno. path and timeout_s as above. */
int client_watch(int fd, const char *path, const struct page *, time_t timeout_s);

#endif
