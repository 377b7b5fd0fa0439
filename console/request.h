/* request.h - one request, from its headers to its reply.
 *
 * A handler leaves a reply, or has the request wait: for the agent's next dump, an action's answer, a password's check.
 * Whatever it waits for ends in time, and calls request_resume(); a request outlives its session, not its connection.
 */
#ifndef HA_CONSOLE_REQUEST_H
#define HA_CONSOLE_REQUEST_H

#include <jansson.h>
#include <microhttpd.h>

#include "console/console.h"

enum {
	REQUEST_BODY_MAX = 4096,
	REQUEST_URL_MAX = 1024,
	REQUEST_HEADERS_MAX = 8192,
	REQUEST_NESTING_MAX = 8,
};

struct asset;
struct route;

enum request_phase {
	REQUEST_READING,
	REQUEST_READY,   /* all of it is there, and allowed */
	REQUEST_WAITING, /* suspended */
	REQUEST_REPLIED,
};

struct request {
	struct console *console;
	struct MHD_Connection *mhd;
	struct connection *connection;
	const struct route *route;
	const struct asset *asset; /* of the route of the pages */
	enum request_phase phase;
	ha_time at; /* when its headers were there */
	char *body;
	size_t len;
	json_t *json;     /* an object, of a route that takes one */
	uint64_t session; /* 0: nobody is logged in */
	char user[WEBSESSION_USER_MAX];
	void (*resumed)(struct request *); /* goes on here; NULL: the route's handler */
	json_t *answer;                    /* what it waited for; NULL: why says */
	const char *why;
	bool good;
	unsigned changes; /* of the accounts, when a password was to be checked */
	unsigned status;
	struct MHD_Response *response;
	char cookie[192];     /* Set-Cookie, or "" */
	unsigned retry_after; /* seconds, or 0 */
	struct request *next; /* of those that wait for a dump */
};

const char *request_header(const struct request *, const char *name);
void request_from(const struct request *, char out[ADDRESS_TEXT_MAX]);

/* ---- replies: one each ---- */
void request_reply(struct request *, unsigned status, json_t *body); /* takes body */
void request_reply_text(struct request *, unsigned status, const char *type, const char *text);
/* {"error": {"code": ..., "message": ...}} */
void request_error(struct request *, unsigned status, const char *code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- waiting ---- */
void request_wait(struct request *, void (*resumed)(struct request *));
void request_resume(struct request *);
void request_wait_state(struct request *); /* the handler is called again with a fresh one */

/* For the server: hands the reply over. */
enum MHD_Result request_send(struct request *);

#endif
