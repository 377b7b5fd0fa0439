/* act.c - what changes something: what was asked is checked, the agent is asked, and what came of it is told and logged. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "console/audit.h"
#include "console/router.h"

enum {
	SUSPEND_MAX_S = 30 * 86400,
	ADDRESSES_TEXT_MAX = HA_VIP_MAX * (INET6_ADDRSTRLEN + 1),
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static const char *action_of(const struct request *request)
{
	return strrchr(request->route->path, '/') + 1;
}

/* What it was asked for, for the log: an address, or several. */
static const char *subject_of(const struct request *request, char list[ADDRESSES_TEXT_MAX])
{
	const json_t *addresses = json_object_get(request->json, "addresses"), *address;
	size_t len = 0, i;

	if (addresses == NULL)
		return text_of(request->json, "address");
	list[0] = '\0';
	json_array_foreach(addresses, i, address)
	{
		len += (size_t)snprintf(list + len, ADDRESSES_TEXT_MAX - len, "%s%s",
					i > 0 ? "," : "", json_string_value(address));
	}
	return len > 0 ? list : "none";
}

/* ---- the answer ---- */

static void refused(struct request *request, const char *result, const json_t *data)
{
	bool refusal = strcmp(result, "refused") == 0;

	request_reply(request, MHD_HTTP_CONFLICT,
		      json_pack("{s:{s:s, s:s, s:O?}}", "error", "code",
				refusal ? "refused" : "failed", "message",
				text_of(request->answer, "text"), "data", data));
}

static void answered(struct request *request)
{
	const json_t *answer = request->answer, *data = json_object_get(answer, "data");
	const char *result = text_of(answer, "result"), *text = text_of(answer, "text");
	const char *action = action_of(request);
	bool done = strcmp(result, "done") == 0;
	char list[ADDRESSES_TEXT_MAX];
	const char *subject = subject_of(request, list);

	if (answer == NULL) {
		audit(request, request->user, action, subject, "unknown", request->why);
		request_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "agent_down", "%s",
			      request->why);
		return;
	}
	audit(request, request->user, action, subject, result, text);
	/* A test that was carried out is a success, whatever it has found. */
	if (done || (strcmp(action, "test") == 0 && data != NULL))
		request_reply(request, MHD_HTTP_OK,
			      json_pack("{s:s, s:s, s:O?}", "result", result, "text", text, "data",
					data));
	else
		refused(request, result, data);
}

static void on_answer(void *arg, const json_t *answer, const char *why)
{
	struct request *request = arg;

	request->answer = json_incref((json_t *)(uintptr_t)answer);
	request->why = why;
	request_resume(request);
}

/* Takes ask, which is the agent's request. */
static void ask(struct request *request, json_t *ask)
{
	struct console *console = request->console;
	int error = ask != NULL ? agent_ask(&console->agent, ask, loop_now(), on_answer, request)
				: -ENOMEM;

	json_decref(ask);
	if (error == 0) {
		console->changes++;
		request_wait(request, answered);
		return;
	}
	request->retry_after = 2;
	if (error == -EBUSY)
		request_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "busy",
			      "other actions are under way: try again");
	else
		request_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "agent_down", "%s",
			      agent_reason(error));
}

/* ---- what was asked ---- */

/* Nothing but those members, of those that are there. */
static bool has_only(struct request *request, const char *a, const char *b)
{
	const char *key;
	json_t *value;

	json_object_foreach(request->json, key, value)
	{
		if ((a != NULL && strcmp(key, a) == 0) || (b != NULL && strcmp(key, b) == 0))
			continue;
		request_error(request, MHD_HTTP_BAD_REQUEST, "fields",
			      "there is a member in it that does not belong here");
		return false;
	}
	return true;
}

static void ask_plain(struct request *request)
{
	if (has_only(request, NULL, NULL))
		ask(request, json_pack("{s:s}", "action", action_of(request)));
}

/* What cannot be undone by the same button is asked for by its name. */
static void ask_confirmed(struct request *request)
{
	const char *action = action_of(request);

	if (!has_only(request, "confirm", NULL))
		return;
	if (strcmp(text_of(request->json, "confirm"), action) == 0)
		ask(request, json_pack("{s:s}", "action", action));
	else
		request_error(request, MHD_HTTP_BAD_REQUEST, "confirm",
			      "this takes {\"confirm\": \"%s\"}", action);
}

void act_swap(struct request *request)
{
	ask_plain(request);
}

void act_resume(struct request *request)
{
	ask_plain(request);
}

void act_detach(struct request *request)
{
	ask_confirmed(request);
}

void act_remove(struct request *request)
{
	ask_confirmed(request);
}

void act_suspend(struct request *request)
{
	json_t *seconds = json_object_get(request->json, "seconds");
	json_int_t n = json_integer_value(seconds);

	if (!has_only(request, "seconds", NULL))
		return;
	if (seconds == NULL || json_is_null(seconds))
		ask(request, json_pack("{s:s}", "action", "suspend"));
	else if (json_is_integer(seconds) && n >= 1 && n <= SUSPEND_MAX_S)
		ask(request, json_pack("{s:s, s:I}", "action", "suspend", "seconds", n));
	else
		request_error(request, MHD_HTTP_BAD_REQUEST, "seconds",
			      "\"seconds\" is a number from 1 to %d, or null: until resumed",
			      SUSPEND_MAX_S);
}

static bool is_address(const char *text)
{
	uint8_t any[16];

	return inet_pton(AF_INET, text, any) == 1 || inet_pton(AF_INET6, text, any) == 1;
}

static bool has_address(struct request *request)
{
	if (is_address(text_of(request->json, "address")))
		return true;
	request_error(request, MHD_HTTP_BAD_REQUEST, "address",
		      "\"address\" is the IPv4 or IPv6 address of the active appliance, without "
		      "a length or a port");
	return false;
}

void act_test(struct request *request)
{
	if (has_only(request, "address", NULL) && has_address(request))
		ask(request, json_pack("{s:s, s:s}", "action", "test-connection", "address",
				       text_of(request->json, "address")));
}

/* Only with the key that the test has shown and somebody has compared. */
void act_join(struct request *request)
{
	const char *fingerprint = text_of(request->json, "peer_fingerprint");

	if (!has_only(request, "address", "peer_fingerprint") || !has_address(request))
		return;
	if (strncmp(fingerprint, "SHA256:", strlen("SHA256:")) != 0) {
		request_error(request, MHD_HTTP_BAD_REQUEST, "peer_fingerprint",
			      "\"peer_fingerprint\" is the fingerprint that the connection test "
			      "has shown, and that was compared");
		return;
	}
	ask(request, json_pack("{s:s, s:s, s:s}", "action", "join", "address",
			       text_of(request->json, "address"), "peer_fingerprint", fingerprint));
}

/* Their form only: which ones are possible is the agent's to say. */
static bool are_addresses(const json_t *addresses)
{
	const json_t *address;
	size_t i;

	if (!json_is_array(addresses) || json_array_size(addresses) > HA_VIP_MAX)
		return false;
	json_array_foreach(addresses, i, address)
	{
		if (!json_is_string(address) || !is_address(json_string_value(address)))
			return false;
	}
	return true;
}

void act_virtual_ip(struct request *request)
{
	json_t *addresses = json_object_get(request->json, "addresses");

	if (!has_only(request, "addresses", NULL))
		return;
	if (are_addresses(addresses))
		ask(request,
		    json_pack("{s:s, s:O}", "action", "virtual_ip", "addresses", addresses));
	else
		request_error(request, MHD_HTTP_BAD_REQUEST, "addresses",
			      "\"addresses\" is a list of IPv4 and IPv6 addresses, at most %d, "
			      "without a length or a port; empty: none",
			      HA_VIP_MAX);
}
