/* router.h - which request is whose, and what is refused before anybody looks at it, in this order:
 *
 *   sizes          414, 431, 413; more than one length 400
 *   Host           400, 421
 *   path           404; found in a table as it is written, not decoded
 *   method         405 with Allow
 *   for what changes something: where it comes from (Origin, Sec-Fetch-Site) 403, its type 415
 *   session        401
 *   CSRF token     403, for what changes something
 *   the body       400
 *   session        401, once more: it may have ended meanwhile
 *   standby        409 with the active's addresses, for what only the active does
 */
#ifndef HA_CONSOLE_ROUTER_H
#define HA_CONSOLE_ROUTER_H

#include "console/request.h"

typedef void route_fn(struct request *);

enum route_flag {
	ROUTE_CHANGE = 1,  /* POST, with a JSON object */
	ROUTE_LOGIN = 2,   /* somebody is logged in */
	ROUTE_STATE = 4,   /* with a fresh state */
	ROUTE_ACTIVE = 8,  /* not at the passive; with ROUTE_STATE */
	ROUTE_LOOK = 16,   /* not a use of the session: an open page does it by itself */
	ROUTE_STREAM = 32, /* without an end: no HEAD */
};

struct route {
	const char *path;
	unsigned flags;
	route_fn *handle;
};

/* By the headers: a refusal, or the request goes on. */
void router_begin(struct request *, const char *method, const char *url);
/* All of it is there. */
void router_run(struct request *);

/* ---- what the API does: login.c, look.c, history.c, act.c ---- */
route_fn login_session, login_begin, login_end;
route_fn look_state, look_events, look_health, look_metrics, look_history;
route_fn act_swap, act_suspend, act_resume, act_detach, act_remove, act_test, act_join,
	act_virtual_ip;

#define ROUTER_COOKIE "__Host-session"

#endif
