/* console.h - the whole of a running console: one thread that serves browsers and the agent, one that checks passwords.
 *
 *   server    sockets, TLS and HTTP (libmicrohttpd), in the same loop as everything else
 *   router    which request is whose, and everything that is refused before anybody looks at it
 *   request   one request and its reply
 *   login, act, look, history   what the API does
 *   agent     asks the agent; state makes of its dump what pages show; events pushes it to whoever listens
 */
#ifndef HA_CONSOLE_CONSOLE_H
#define HA_CONSOLE_CONSOLE_H

#include <jansson.h>
#include <time.h>

#include "agent/loop.h"
#include "agent/notify.h"
#include "console/accounts.h"
#include "console/agent.h"
#include "console/conf.h"
#include "console/connections.h"
#include "console/events.h"
#include "console/history.h"
#include "console/password.h"
#include "console/ratelimit.h"
#include "console/websession.h"

struct MHD_Daemon;
struct request;
struct tls;

enum {
	CONSOLE_REPLIES_MAX = 600, /* HTTP status codes */
	CONSOLE_DOMAINS_MAX = 6,
};

/* In which this machine looks names up. */
struct domains {
	unsigned n;
	char name[CONSOLE_DOMAINS_MAX][CONF_NAME_MAX];
};

struct console {
	struct conf conf;
	char host_name[CONF_NAME_MAX];
	struct domains domains;
	const struct tls *tls;
	char metrics_token[CONF_TOKEN_MAX + 1]; /* "": none */
	struct loop loop;
	struct MHD_Daemon *daemon;
	int listener; /* once it takes no more connections; theirs, not the library's, from then on */
	struct connections connections;
	struct websessions sessions;
	struct accounts accounts;
	struct ratelimit ratelimit;
	struct password password;
	struct agent agent;
	struct events events;
	struct notify notify; /* the service manager */
	time_t certificate_ends;
	ha_time alive_at; /* when it is told the next time that this one lives */
	/* the newest state, and when it came; NULL before the first */
	json_t *state, *live;
	json_t *dump; /* what it was made of, for metrics */
	ha_time state_at;
	struct history history;
	struct request *waiting; /* for the next one */
	bool stopping;
	uint64_t replies[CONSOLE_REPLIES_MAX / 100]; /* by the first digit of the status */
	uint64_t logins, logins_failed, changes;
};

#endif
