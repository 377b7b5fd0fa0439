/* look.c - what changes nothing: the state, once or as it changes, health and metrics. */
#include <stdlib.h>
#include <string.h>

#include "console/metrics.h"
#include "console/router.h"
#include "console/state.h"

void look_state(struct request *request)
{
	const struct console *console = request->console;
	json_t *whole = json_copy(console->state);

	json_object_set(whole, "live", console->live != NULL ? console->live : json_null());
	request_reply(request, MHD_HTTP_OK, whole);
}

void look_events(struct request *request)
{
	events_listen(request);
}

/* What a load balancer asks: is this the one to send people to? */
void look_health(struct request *request)
{
	const json_t *state = request->console->state;
	const char *role = json_string_value(json_object_get(state, "role"));
	bool active = role != NULL && strcmp(role, "active") == 0;

	request_reply(
		request, active ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
		json_pack("{s:b, s:s}", "active", active, "role", role != NULL ? role : "unknown"));
}

/* The machine itself, or who has the token. */
static bool may_measure(const struct request *request)
{
	const char *authorization = request_header(request, MHD_HTTP_HEADER_AUTHORIZATION);
	const char *token = request->console->metrics_token;
	size_t scheme = strlen("Bearer "), len = strlen(token);

	if (request->connection->local)
		return true;
	return len > 0 && authorization != NULL &&
	       strncasecmp(authorization, "Bearer ", scheme) == 0 &&
	       strlen(authorization + scheme) == len &&
	       sodium_memcmp(authorization + scheme, token, len) == 0;
}

void look_metrics(struct request *request)
{
	char *text;

	if (!may_measure(request)) {
		request_error(request, MHD_HTTP_UNAUTHORIZED, "token",
			      "metrics are for the machine itself, or take the token of "
			      "'metrics_token_file'");
		if (request->response != NULL)
			MHD_add_response_header(request->response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
						"Bearer");
		return;
	}
	text = metrics_text(request->console, request->console->dump);
	if (text == NULL)
		request_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "busy", "no memory");
	else
		request_reply_text(request, MHD_HTTP_OK, METRICS_TYPE, text);
	free(text);
}
