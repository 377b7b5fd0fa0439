/* request.c - see request.h. */
#include "console/request.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nothing that a page of this console does not do is possible in one. */
static const char *const headers[][2] = {
	{"Content-Security-Policy",
	 "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
	 "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
	 "require-trusted-types-for 'script'; trusted-types 'none'"},
	{"Strict-Transport-Security", "max-age=31536000"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
};

const char *request_header(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

void request_from(const struct request *request, char out[ADDRESS_TEXT_MAX])
{
	address_text(out, &request->connection->from);
}

/* ---- replies ---- */

static void keep(struct request *request, unsigned status, struct MHD_Response *response)
{
	assert(request->phase != REQUEST_REPLIED);
	request->status = status;
	request->response = response;
	request->phase = REQUEST_REPLIED;
}

void request_reply_text(struct request *request, unsigned status, const char *type,
			const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);

	if (response != NULL) {
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	}
	keep(request, status, response);
}

void request_reply(struct request *request, unsigned status, json_t *body)
{
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	request_reply_text(request, text != NULL ? status : MHD_HTTP_INTERNAL_SERVER_ERROR,
			   "application/json",
			   text != NULL ? text
					: "{\"error\":{\"code\":\"memory\",\"message\":\"the "
					  "console is out of memory\"}}");
	free(text);
}

void request_error(struct request *request, unsigned status, const char *code, const char *format,
		   ...)
{
	char message[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	request_reply(request, status,
		      json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message));
}

static void add_headers(const struct request *request, struct MHD_Response *response)
{
	char seconds[16];

	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		MHD_add_response_header(response, headers[i][0], headers[i][1]);
	if (*request->cookie != '\0')
		MHD_add_response_header(response, MHD_HTTP_HEADER_SET_COOKIE, request->cookie);
	if (request->retry_after > 0) {
		snprintf(seconds, sizeof(seconds), "%u", request->retry_after);
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
	}
}

enum MHD_Result request_send(struct request *request)
{
	struct console *console = request->console;
	enum MHD_Result result;

	if (request->response == NULL) /* out of memory: the connection ends */
		return MHD_NO;
	add_headers(request, request->response);
	if (request->status < CONSOLE_REPLIES_MAX)
		console->replies[request->status / 100]++;
	request->connection->until = loop_now() + CONNECTIONS_REPLY;
	result = MHD_queue_response(request->mhd, request->status, request->response);
	MHD_destroy_response(request->response);
	request->response = NULL;
	return result;
}

/* ---- waiting ---- */

void request_wait(struct request *request, void (*resumed)(struct request *))
{
	assert(request->phase == REQUEST_READY);
	request->phase = REQUEST_WAITING;
	request->resumed = resumed;
	request->connection->until = HA_NEVER;
	MHD_suspend_connection(request->mhd);
}

void request_resume(struct request *request)
{
	assert(request->phase == REQUEST_WAITING);
	request->phase = REQUEST_READY;
	MHD_resume_connection(request->mhd);
}

void request_wait_state(struct request *request)
{
	struct console *console = request->console;

	request->next = console->waiting;
	console->waiting = request;
	request_wait(request, NULL);
}
