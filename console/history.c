/* history.c - see history.h. */
#include "console/history.h"

#include <errno.h>
#include <string.h>

#include "console/router.h"

void history_close(struct history *history)
{
	json_decref(history->events);
	*history = (struct history){.events = NULL};
}

static void send_it(struct request *request)
{
	request_reply(request, MHD_HTTP_OK,
		      json_pack("{s:O}", "history", request->console->history.events));
}

static void unavailable(struct request *request, const char *code, const char *why)
{
	request->retry_after = 2;
	request_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, code, "%s", why);
}

static void answered(struct request *request)
{
	struct history *history = &request->console->history;
	json_t *events = json_object_get(json_object_get(request->answer, "data"), "history");
	const char *text = json_string_value(json_object_get(request->answer, "text"));

	if (!json_is_array(events)) {
		unavailable(request, "agent_down", text != NULL ? text : request->why);
		return;
	}
	json_decref(history->events);
	history->events = json_incref(events);
	history->at = loop_now();
	send_it(request);
}

static void on_answer(void *arg, const json_t *answer, const char *why)
{
	struct request *request = arg;

	request->answer = json_incref((json_t *)(uintptr_t)answer);
	request->why = answer != NULL ? "the agent's answer is not understood" : why;
	request_resume(request);
}

void look_history(struct request *request)
{
	struct console *console = request->console;
	ha_time now = loop_now();
	json_t *ask;
	int error;

	if (console->history.events != NULL && now - console->history.at < HISTORY_AGE) {
		send_it(request);
		return;
	}
	ask = json_pack("{s:s}", "action", "history");
	error = ask != NULL ? agent_ask(&console->agent, ask, now, on_answer, request) : -ENOMEM;
	json_decref(ask);
	if (error == 0)
		request_wait(request, answered);
	else if (error == -EBUSY)
		unavailable(request, "busy", "actions are under way: try again");
	else
		unavailable(request, "agent_down", agent_reason(error));
}
