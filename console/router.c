/* router.c - see router.h. */
#include "console/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/shallow.h"
#include "console/assets.h"
#include "console/hosts.h"
#include "console/state.h"

#define CHANGE (ROUTE_CHANGE | ROUTE_LOGIN | ROUTE_STATE | ROUTE_ACTIVE)

static const struct route routes[] = {
	{"/healthz", ROUTE_STATE, look_health},
	{"/metrics", ROUTE_STATE, look_metrics},
	{"/api/v1/session", ROUTE_LOOK, login_session},
	{"/api/v1/login", ROUTE_CHANGE, login_begin},
	{"/api/v1/logout", ROUTE_CHANGE | ROUTE_LOGIN, login_end},
	{"/api/v1/state", ROUTE_LOGIN | ROUTE_STATE, look_state},
	{"/api/v1/events", ROUTE_LOGIN | ROUTE_STATE | ROUTE_LOOK | ROUTE_STREAM, look_events},
	{"/api/v1/history", ROUTE_LOGIN | ROUTE_LOOK, look_history},
	{"/api/v1/actions/swap", CHANGE, act_swap},
	{"/api/v1/actions/suspend", CHANGE, act_suspend},
	{"/api/v1/actions/resume", CHANGE, act_resume},
	{"/api/v1/actions/detach", CHANGE, act_detach},
	{"/api/v1/actions/remove", CHANGE, act_remove},
	{"/api/v1/actions/test", CHANGE, act_test},
	{"/api/v1/actions/join", CHANGE, act_join},
	{"/api/v1/actions/virtual_ip", CHANGE, act_virtual_ip},
};

static void send_asset(struct request *request);
static const struct route asset_route = {"", 0, send_asset};

static const struct route *find(struct request *request, const char *url)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		if (strcmp(routes[i].path, url) == 0)
			return &routes[i];
	request->asset = assets_find(url);
	return request->asset != NULL ? &asset_route : NULL;
}

/* ---- the pages ---- */

/* Among what it lists, and not with a weight of none. */
static bool takes_gzip(const struct request *request)
{
	const char *list = request_header(request, MHD_HTTP_HEADER_ACCEPT_ENCODING);
	const char *gzip = list != NULL ? strcasestr(list, "gzip") : NULL;

	return gzip != NULL && strncasecmp(gzip, "gzip;q=0", strlen("gzip;q=0")) != 0;
}

static void send_asset(struct request *request)
{
	const struct asset *asset = request->asset;
	bool small = takes_gzip(request), same;
	const struct asset_body *body = small ? &asset->gzip : &asset->plain;
	const char *known = request_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH);
	char etag[ASSETS_ETAG_MAX];

	assets_etag(body, etag);
	same = known != NULL && strcmp(known, etag) == 0;
	request->status = same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK;
	request->response = MHD_create_response_from_buffer(
		same ? 0 : (size_t)(body->end - body->start), (void *)(uintptr_t)body->start,
		MHD_RESPMEM_PERSISTENT);
	request->phase = REQUEST_REPLIED;
	if (request->response == NULL)
		return;
	MHD_add_response_header(request->response, MHD_HTTP_HEADER_CONTENT_TYPE, asset->type);
	MHD_add_response_header(request->response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
	MHD_add_response_header(request->response, MHD_HTTP_HEADER_VARY,
				MHD_HTTP_HEADER_ACCEPT_ENCODING);
	MHD_add_response_header(request->response, MHD_HTTP_HEADER_ETAG, etag);
	if (small)
		MHD_add_response_header(request->response, MHD_HTTP_HEADER_CONTENT_ENCODING,
					"gzip");
}

/* ---- refusals ---- */

struct tally {
	unsigned hosts, lengths;
	size_t len;
};

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *key,
				 const char *value)
{
	struct tally *tally = arg;

	(void)kind;
	tally->hosts += strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0;
	tally->lengths += strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 ||
			  strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
	tally->len += strlen(key) + (value != NULL ? strlen(value) : 0) + 4;
	return MHD_YES;
}

static bool is_small(struct request *request, const char *url, const struct tally *tally)
{
	const char *length = request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (strlen(url) > REQUEST_URL_MAX)
		request_error(request, MHD_HTTP_URI_TOO_LONG, "too_long",
			      "an address here has at most %d bytes", REQUEST_URL_MAX);
	else if (tally->len > REQUEST_HEADERS_MAX)
		request_error(request, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "too_large",
			      "the headers of a request have at most %d bytes",
			      REQUEST_HEADERS_MAX);
	else if (length != NULL && strtoull(length, NULL, 10) > REQUEST_BODY_MAX)
		request_error(request, MHD_HTTP_CONTENT_TOO_LARGE, "too_large",
			      "a request has at most %d bytes", REQUEST_BODY_MAX);
	else if (tally->lengths > 1) /* where it ends somebody before us may have seen otherwise */
		request_error(request, MHD_HTTP_BAD_REQUEST, "bad_length",
			      "a request has one length");
	return request->phase == REQUEST_READING;
}

static bool is_for_us(struct request *request, const struct tally *tally)
{
	const char *host = request_header(request, MHD_HTTP_HEADER_HOST);
	enum hosts_verdict verdict = HOSTS_MALFORMED;

	if (host != NULL && tally->hosts == 1)
		verdict = hosts_judge(request, host);
	if (verdict == HOSTS_MALFORMED)
		request_error(request, MHD_HTTP_BAD_REQUEST, "bad_host",
			      "a request names one host, in its Host header");
	else if (verdict == HOSTS_OTHER)
		request_error(request, MHD_HTTP_MISDIRECTED_REQUEST, "wrong_host",
			      "this console is not known by that name: use an address of the "
			      "appliance, or add the name to 'names' in haconsole.conf");
	return verdict == HOSTS_OURS;
}

static bool is_method(struct request *request, const char *method)
{
	unsigned flags = request->route->flags;
	const char *allowed = flags & ROUTE_CHANGE   ? MHD_HTTP_METHOD_POST
			      : flags & ROUTE_STREAM ? MHD_HTTP_METHOD_GET
						     : "GET, HEAD";

	if (strcmp(method, flags & ROUTE_CHANGE ? MHD_HTTP_METHOD_POST : MHD_HTTP_METHOD_GET) == 0)
		return true;
	if (strcmp(method, MHD_HTTP_METHOD_HEAD) == 0 && !(flags & (ROUTE_CHANGE | ROUTE_STREAM)))
		return true;
	request_error(request, MHD_HTTP_METHOD_NOT_ALLOWED, "method", "only %s is possible here",
		      flags & ROUTE_CHANGE ? "POST" : "GET");
	if (request->response != NULL)
		MHD_add_response_header(request->response, MHD_HTTP_HEADER_ALLOW, allowed);
	return false;
}

/* Browsers say where a request comes from; who says nothing is none, and has to know the token. */
static bool is_same_origin(struct request *request)
{
	const char *origin = request_header(request, MHD_HTTP_HEADER_ORIGIN);
	const char *site = request_header(request, "Sec-Fetch-Site");
	const char *host = request_header(request, MHD_HTTP_HEADER_HOST);
	size_t scheme = strlen("https://");
	bool same = true;

	if (origin != NULL)
		same = strncmp(origin, "https://", scheme) == 0 &&
		       strcasecmp(origin + scheme, host) == 0;
	if (site != NULL)
		same = same && strcmp(site, "same-origin") == 0;
	if (!same)
		request_error(request, MHD_HTTP_FORBIDDEN, "cross_site",
			      "changes are made from pages of this console only");
	return same;
}

static bool is_json(struct request *request)
{
	const char *type = request_header(request, MHD_HTTP_HEADER_CONTENT_TYPE);
	const char *encoding = request_header(request, MHD_HTTP_HEADER_CONTENT_ENCODING);
	size_t len = strlen("application/json");

	if (type != NULL && strncasecmp(type, "application/json", len) == 0 &&
	    (type[len] == '\0' || type[len] == ';' || type[len] == ' ') && encoding == NULL)
		return true;
	request_error(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "type",
		      "a request here is application/json, not encoded");
	return false;
}

static struct websession *session_of(struct request *request)
{
	const char *token =
		MHD_lookup_connection_value(request->mhd, MHD_COOKIE_KIND, ROUTER_COOKIE);
	bool use = !(request->route->flags & ROUTE_LOOK);
	struct websession *session;

	(void)accounts_refresh(&request->console->accounts, &request->console->sessions);
	session = websession_find(&request->console->sessions, token, loop_now(), use);
	if (session != NULL) {
		request->connection->known = true;
		request->session = session->id;
		snprintf(request->user, sizeof(request->user), "%s", session->user);
	}
	return session;
}

static void refuse_stranger(struct request *request)
{
	request_error(request, MHD_HTTP_UNAUTHORIZED, "login",
		      "log in first, or again: the session has ended");
}

static bool is_logged_in(struct request *request)
{
	const struct websession *session = session_of(request);
	unsigned flags = request->route->flags;

	if (!(flags & ROUTE_LOGIN))
		return true;
	if (session == NULL) {
		refuse_stranger(request);
		return false;
	}
	if (!(flags & ROUTE_CHANGE) ||
	    websession_csrf(session, request_header(request, "X-CSRF-Token")))
		return true;
	request_error(request, MHD_HTTP_FORBIDDEN, "csrf",
		      "the header X-CSRF-Token is missing, or not the one of this session");
	return false;
}

void router_begin(struct request *request, const char *method, const char *url)
{
	struct tally tally = {0};

	MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, on_header, &tally);
	if (!is_small(request, url, &tally) || !is_for_us(request, &tally))
		return;
	request->route = find(request, url);
	if (request->route == NULL) {
		request_error(request, MHD_HTTP_NOT_FOUND, "not_found", "there is nothing here");
		return;
	}
	if (!is_method(request, method))
		return;
	if ((request->route->flags & ROUTE_CHANGE) &&
	    (!is_same_origin(request) || !is_json(request)))
		return;
	if (!is_logged_in(request))
		return;
	request->body = malloc(REQUEST_BODY_MAX + 1);
}

/* ---- all of it is there ---- */

static bool has_object(struct request *request)
{
	if (request->json != NULL)
		return true;
	request->json = request->len == 0
				? json_object()
				: shallow_parse(request->body, request->len, REQUEST_NESTING_MAX);
	sodium_memzero(request->body, REQUEST_BODY_MAX + 1); /* there may be a password in it */
	if (json_is_object(request->json))
		return true;
	request_error(request, MHD_HTTP_BAD_REQUEST, "json",
		      "the body is no JSON object, or no UTF-8");
	return false;
}

static void refuse_standby(struct request *request)
{
	const json_t *state = request->console->state;
	const json_t *active = state_active(state);

	request_reply(request, MHD_HTTP_CONFLICT,
		      json_pack("{s:{s:s, s:s, s:O?}}", "error", "code", "standby", "message",
				active != NULL ? "this is the passive appliance: changes are made "
						 "at the active one"
					       : "this appliance is not active: changes are made "
						 "at the active one",
				"active", active));
}

/* With a state that is not older than what a page may show, counted from when it was asked for: one that had to wait
 * for its turn does not wait for another state. */
static bool is_fresh(const struct request *request)
{
	const struct console *console = request->console;

	return console->state != NULL && request->at - console->state_at < AGENT_INTERVAL;
}

/* Its body, or a state, may have come long after its headers. */
static bool is_still_logged_in(const struct request *request)
{
	(void)accounts_refresh(&request->console->accounts, &request->console->sessions);
	return websession_is_valid(&request->console->sessions, request->session, loop_now());
}

void router_run(struct request *request)
{
	unsigned flags = request->route->flags;

	if ((flags & ROUTE_CHANGE) && !has_object(request))
		return;
	if ((flags & ROUTE_STATE) && !is_fresh(request)) {
		request_wait_state(request);
		return;
	}
	if ((flags & ROUTE_LOGIN) && !is_still_logged_in(request))
		refuse_stranger(request);
	else if ((flags & ROUTE_ACTIVE) && state_screen(request->console->state) == STATE_STANDBY)
		refuse_standby(request);
	else
		request->route->handle(request);
}
