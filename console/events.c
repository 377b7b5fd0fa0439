/* events.c - see events.h. */
#include "console/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/request.h"

enum {
	BLOCK = 4096,
};

struct listener {
	struct listener *next;
	struct console *console;
	struct MHD_Connection *mhd;
	struct connection *connection;
	uint64_t session;
	struct frame *frame; /* being sent */
	size_t sent;
	uint64_t state_number, live_number; /* what it has had */
	bool heartbeat, ending, suspended;
};

static struct frame frame_heartbeat = {.text = {": heartbeat\n\n"}};
static struct frame frame_bye = {.text = {"event: bye\ndata: {}\n\n"}};

void events_init(struct events *events)
{
	*events = (struct events){.heartbeat_at = HA_NEVER};
	frame_heartbeat.len = strlen(frame_heartbeat.text);
	frame_bye.len = strlen(frame_bye.text);
}

static void let_go(struct frame *frame)
{
	if (frame == &frame_heartbeat || frame == &frame_bye)
		return;
	if (frame != NULL && --frame->references == 0)
		free(frame);
}

static struct frame *hold(struct frame *frame)
{
	frame->references++;
	return frame;
}

/* NULL: out of memory. */
static struct frame *make(const char *event, uint64_t number, const json_t *data)
{
	char *text = json_dumps(data, JSON_COMPACT);
	size_t cap = text != NULL ? strlen(text) + 96 : 0;
	struct frame *frame = text != NULL ? malloc(sizeof(*frame) + cap) : NULL;

	if (frame != NULL) {
		frame->references = 1;
		frame->len = (size_t)snprintf(frame->text, cap, "event: %s\nid: %llu\ndata: %s\n\n",
					      event, (unsigned long long)number, text);
	}
	free(text);
	return frame;
}

/* ---- one who listens ---- */

static void wake(struct listener *listener)
{
	if (!listener->suspended)
		return;
	listener->suspended = false;
	listener->connection->until = loop_now() + CONNECTIONS_REPLY;
	MHD_resume_connection(listener->mhd);
}

/* What to send next, or NULL: there is nothing new. */
static struct frame *next_frame(struct listener *listener)
{
	struct events *events = &listener->console->events;

	if (listener->ending)
		return NULL;
	if (listener->console->stopping ||
	    !websession_is_valid(&listener->console->sessions, listener->session, loop_now())) {
		listener->ending = true;
		return hold(&frame_bye);
	}
	if (events->state != NULL && listener->state_number != events->state_number) {
		listener->state_number = events->state_number;
		listener->live_number = events->live_number; /* it is in there */
		return hold(events->state);
	}
	if (events->live != NULL && listener->live_number != events->live_number) {
		listener->live_number = events->live_number;
		return hold(events->live);
	}
	if (listener->heartbeat) {
		listener->heartbeat = false;
		return hold(&frame_heartbeat);
	}
	return NULL;
}

/* libmicrohttpd asks for what comes next. */
static ssize_t on_read(void *arg, uint64_t position, char *out, size_t max)
{
	struct listener *listener = arg;
	size_t n;

	(void)position;
	if (listener->frame == NULL) {
		listener->frame = next_frame(listener);
		listener->sent = 0;
	}
	if (listener->frame == NULL && listener->ending)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (listener->frame == NULL) {
		listener->suspended = true;
		listener->connection->until = HA_NEVER;
		MHD_suspend_connection(listener->mhd);
		return 0;
	}
	listener->connection->until = loop_now() + CONNECTIONS_REPLY;
	n = listener->frame->len - listener->sent;
	if (n > max)
		n = max;
	memcpy(out, listener->frame->text + listener->sent, n);
	listener->sent += n;
	if (listener->sent == listener->frame->len) {
		let_go(listener->frame);
		listener->frame = NULL;
	}
	return (ssize_t)n;
}

static void on_end(void *arg)
{
	struct listener *listener = arg;
	struct events *events = &listener->console->events;
	struct listener **at = &events->first;

	while (*at != listener)
		at = &(*at)->next;
	*at = listener->next;
	events->n--;
	let_go(listener->frame);
	free(listener);
}

/* The state with what is live now, under the same number. */
static bool renew(struct console *console)
{
	struct events *events = &console->events;
	json_t *whole = json_copy(console->state);
	struct frame *frame;

	json_object_set(whole, "live", console->live != NULL ? console->live : json_null());
	frame = make("state", events->state_number, whole);
	json_decref(whole);
	if (frame == NULL)
		return false;
	let_go(events->state);
	events->state = frame;
	return true;
}

void events_listen(struct request *request)
{
	struct console *console = request->console;
	struct events *events = &console->events;
	struct listener *listener = NULL;

	if (events->n < EVENTS_LISTENERS_MAX && renew(console))
		listener = calloc(1, sizeof(*listener));
	if (listener == NULL) {
		request->retry_after = 5;
		request_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "busy",
			      "too many pages are open");
		return;
	}
	*listener = (struct listener){
		.next = events->first,
		.console = console,
		.mhd = request->mhd,
		.connection = request->connection,
		.session = request->session,
	};
	request->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read,
							      listener, on_end);
	if (request->response == NULL) {
		free(listener);
		request_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "busy", "no memory");
		return;
	}
	events->first = listener;
	if (events->n++ == 0)
		events->heartbeat_at = loop_now() + EVENTS_HEARTBEAT;
	MHD_add_response_header(request->response, MHD_HTTP_HEADER_CONTENT_TYPE,
				"text/event-stream");
	MHD_add_response_header(request->response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	request->status = MHD_HTTP_OK;
	request->phase = REQUEST_REPLIED;
}

/* ---- all who listen ---- */

static void wake_all(struct events *events)
{
	for (struct listener *listener = events->first; listener != NULL; listener = listener->next)
		wake(listener);
}

void events_state(struct console *console)
{
	struct events *events = &console->events;

	events->state_number++;
	if (!renew(console))
		return;
	wake_all(events);
}

/* Is it time for another one? Counted as the agent counts, whose clock is the same: each of its whole seconds is told. */
static bool is_due(const struct events *events, const json_t *progress, ha_time now)
{
	if (now / EVENTS_LIVE != events->live_at / EVENTS_LIVE)
		return true;
	return now - events->live_at >= EVENTS_PROGRESS &&
	       !json_equal(events->progress, (json_t *)(uintptr_t)progress);
}

void events_live(struct console *console, ha_time now)
{
	struct events *events = &console->events;
	json_t *progress = json_object_get(console->live, "sync");
	struct frame *frame;

	if (events->n == 0 || console->live == NULL || !is_due(events, progress, now))
		return;
	frame = make("live", events->live_number + 1, console->live);
	if (frame == NULL)
		return;
	let_go(events->live);
	events->live = frame;
	events->live_number++;
	events->live_at = now;
	json_decref(events->progress);
	events->progress = json_incref(progress);
	wake_all(events);
}

ha_time events_deadline(const struct events *events)
{
	return events->n > 0 ? events->heartbeat_at : HA_NEVER;
}

void events_timer(struct console *console, ha_time now)
{
	struct events *events = &console->events;

	if (events->n == 0 || now < events->heartbeat_at)
		return;
	events->heartbeat_at = now + EVENTS_HEARTBEAT;
	for (struct listener *listener = events->first; listener != NULL; listener = listener->next)
		listener->heartbeat = true;
	wake_all(events);
}

void events_close(struct console *console)
{
	struct events *events = &console->events;

	console->stopping = true;
	wake_all(events); /* to read that it is over */
	let_go(events->state);
	let_go(events->live);
	json_decref(events->progress);
	events->state = events->live = NULL;
	events->progress = NULL;
}
