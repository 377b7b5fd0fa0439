/* state.c - see state.h. */
#include "console/state.h"

#include <string.h>
#include <time.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* The member as it is; null where there is none. */
static void copy(json_t *to, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	json_object_set_new(to, key, value != NULL ? json_incref(value) : json_null());
}

static void copy_all(json_t *to, const json_t *from, const char *const keys[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		copy(to, from, keys[i]);
}

#define COPY(to, from, ...)                                                                        \
	copy_all((to), (from), (const char *const[]){__VA_ARGS__},                                 \
		 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* Of each object of a list the members that are named. */
static json_t *copy_each(const json_t *from, const char *const keys[], size_t n)
{
	json_t *list = json_array();
	const json_t *one;
	size_t i;

	json_array_foreach(from, i, one)
	{
		json_t *to = json_object();

		copy_all(to, one, keys, n);
		json_array_append_new(list, to);
	}
	return list;
}

#define COPY_EACH(from, ...)                                                                       \
	copy_each((from), (const char *const[]){__VA_ARGS__},                                      \
		  sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* ---- an agent of another version ---- */

/* Without these there is nothing to show. */
static const char *const needed[] = {
	"host_name",    "management_addresses",
	"role",         "mode",
	"state",        "reason",
	"rule",         "term",
	"fingerprint",  "timing",
	"degraded",     "degraded_reasons",
	"registration", "operations",
	"takeover",     "virtual_ip",
	"testing",      "requirements",
	"parting",      "history",
	"peer",         "paths",
	"sync",         "checks",
	"strangers",    "suspension",
};

/* The first of them that this dump has not, or NULL. */
static const char *lacks(const json_t *dump)
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (json_object_get(dump, needed[i]) == NULL)
			return needed[i];
	return NULL;
}

/* What pages can do without, and say so. */
static json_t *missing(const json_t *dump)
{
	const json_t *path = json_array_get(json_object_get(dump, "paths"), 0);
	json_t *list = json_array();

	if (dump != NULL && json_object_get(path, "last_second") == NULL)
		json_array_append_new(list, json_string("last_second"));
	return list;
}

/* Each that a page may offer; one that this agent does not know is not possible, for that reason. */
static json_t *operations(const json_t *dump)
{
	static const char *const names[] = {
		"swap",   "suspend", "resume",          "detach",
		"remove", "join",    "test-connection", "virtual_ip",
	};
	json_t *all = json_copy(json_object_get(dump, "operations"));

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (json_object_get(all, names[i]) == NULL)
			json_object_set_new(
				all, names[i],
				json_pack("{s:b, s:s+}", "allowed", false, "reason",
					  "the agent of this appliance is older than its console, "
					  "and cannot do it: version ",
					  text_of(dump, "version")));
	return all;
}

/* ---- which screen ---- */

static enum state_screen screen_of(const json_t *dump)
{
	const char *role = text_of(dump, "role");

	if (dump == NULL)
		return STATE_DOWN;
	/* Still being decided: nothing is to be managed at an appliance that does not know. */
	if (strcmp(role, "none") == 0)
		return STATE_STANDBY;
	/* Without a pair there is no other one to manage it at, also while it cannot hold its virtual IP. */
	return strcmp(role, "passive") != 0 || !json_is_object(json_object_get(dump, "peer"))
		       ? STATE_CONSOLE
		       : STATE_STANDBY;
}

const char *state_screen_name(enum state_screen screen)
{
	static const char *const names[] = {
		[STATE_DOWN] = "down",
		[STATE_CONSOLE] = "console",
		[STATE_STANDBY] = "standby",
	};

	return names[screen];
}

enum state_screen state_screen(const json_t *state)
{
	const char *screen = text_of(state, "screen");

	if (strcmp(screen, "console") == 0)
		return STATE_CONSOLE;
	return strcmp(screen, "standby") == 0 ? STATE_STANDBY : STATE_DOWN;
}

const json_t *state_active(const json_t *state)
{
	const json_t *active = json_object_get(state, "active");

	return json_is_object(active) ? active : NULL;
}

/* Where the administrator goes instead: the peer, as far as it is known to be the one. */
static json_t *active_of(const json_t *dump)
{
	const json_t *peer = json_object_get(dump, "peer");
	const char *claim = text_of(peer, "claim");
	json_t *active;

	if (screen_of(dump) != STATE_STANDBY || !json_is_object(peer) ||
	    strcmp(claim, "holding") != 0)
		return json_null();
	active = json_object();
	COPY(active, peer, "host_name", "management_addresses");
	copy(active, dump, "virtual_ip");
	return active;
}

/* ---- nodes ---- */

static json_t *status(const char *level, const char *text)
{
	return json_pack("{s:s, s:s}", "level", level, "text", text);
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static const char *level_of(const char *state, bool degraded)
{
	if (strcmp(state, "faulted") == 0 || strcmp(state, "isolated") == 0)
		return "error";
	if (strcmp(state, "active") == 0 || strcmp(state, "passive") == 0)
		return degraded ? "warning" : "ok";
	return "warning";
}

static json_t *own_node(const json_t *dump)
{
	const char *state = text_of(dump, "state");
	json_t *node = json_object();

	json_object_set_new(node, "self", json_true());
	json_object_set_new(node, "connected", json_true());
	json_object_set_new(node, "status",
			    status(level_of(state, is_true(dump, "degraded")), state));
	COPY(node, dump, "mode", "state", "reason", "host_name", "management_addresses",
	     "fingerprint");
	return node;
}

/* Is it heard on any path? */
static bool is_connected(const json_t *dump)
{
	const json_t *paths = json_object_get(dump, "paths"), *path;
	size_t i;

	json_array_foreach(paths, i,
			   path) if (strcmp(text_of(path, "state"), "up") == 0) return true;
	return false;
}

static json_t *peer_node(const json_t *dump)
{
	const json_t *peer = json_object_get(dump, "peer");
	bool connected = is_connected(dump);
	const char *state = text_of(peer, "state");
	bool ready = is_true(peer, "ready") || strcmp(state, "passive") != 0;
	json_t *node;

	if (!json_is_object(peer))
		return NULL;
	node = json_object();
	json_object_set_new(node, "self", json_false());
	json_object_set_new(node, "connected", json_boolean(connected));
	json_object_set_new(node, "status",
			    connected ? status(level_of(state, !ready), state)
				      : status("error", "not reachable"));
	COPY(node, peer, "mode", "state", "reason", "host_name", "management_addresses",
	     "fingerprint", "why_not");
	return node;
}

static json_t *nodes(const json_t *dump)
{
	json_t *list = json_array(), *peer = peer_node(dump);

	json_array_append_new(list, own_node(dump));
	if (peer != NULL)
		json_array_append_new(list, peer);
	return list;
}

/* ---- the rest ---- */

static json_t *paths(const json_t *dump)
{
	json_t *list = COPY_EACH(json_object_get(dump, "paths"), "name", "interface", "state",
				 "carrier"),
	       *path;
	size_t i;

	json_array_foreach(list, i, path) copy(path, json_object_get(dump, "timing"), "dead_ms");
	return list;
}

static json_t *sync_of(const json_t *dump)
{
	json_t *sync = json_object();

	COPY(sync, json_object_get(dump, "sync"), "status", "direction", "reason", "phase",
	     "generation", "peer_generation", "synced_at", "skipped", "unreadable", "example",
	     "conflicts");
	return sync;
}

/* ---- what moves all the time ---- */

/* UTC, with milliseconds. */
static json_t *now_text(void)
{
	struct timespec now;
	struct tm tm;
	char text[40];
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, sizeof(text) - len, ".%03ldZ", now.tv_nsec / 1000000);
	return json_string(text);
}

/* To the second, which it does not leave; null: until it is resumed, or not suspended. */
static json_t *until(const json_t *dump)
{
	const char *text = text_of(json_object_get(dump, "suspension"), "until");

	return *text != '\0' ? json_string(text) : json_null();
}

static json_t *live_of(const json_t *dump)
{
	const json_t *peer = json_object_get(dump, "peer"), *stream;
	json_t *live = json_object(), *sync;

	json_object_set_new(live, "time", now_text());
	COPY(live, dump, "since", "since_ms");
	json_object_set_new(live, "paths",
			    COPY_EACH(json_object_get(dump, "paths"), "name", "state", "rtt_us",
				      "rtt_worst_us", "last_second", "worst_gap_ms", "margin_ms",
				      "heartbeats_sent", "heartbeats_received"));
	copy(live, peer, "last_heard_ms");
	copy(live, dump, "lateness_us");
	copy(live, json_object_get(dump, "witness"), "evidence_ms");
	json_object_set_new(live, "suspended_until", until(dump));
	sync = json_object();
	COPY(sync, json_object_get(dump, "sync"), "percent", "files", "files_total", "bytes",
	     "bytes_total", "rate_bytes_per_s", "left_s", "lag", "lag_bytes");
	json_object_set_new(live, "sync", sync);
	stream = json_object_get(json_object_get(dump, "sync"), "stream");
	copy(live, stream, "bytes_sent");
	copy(live, stream, "bytes_received");
	return live;
}

/* up with a text: it answers, and is not understood. */
static json_t *agent_of(const json_t *dump, const char *why)
{
	const char *key = dump != NULL ? lacks(dump) : NULL;
	json_t *agent = json_pack("{s:b, s:s, s:o}", "up", dump != NULL, "version",
				  text_of(dump, "version"), "missing", missing(dump));

	if (key == NULL)
		json_object_set_new(agent, "text", json_string(dump != NULL ? "" : why));
	else
		json_object_set_new(
			agent, "text",
			json_sprintf("the agent is of another version than the console, and does "
				     "not tell \"%s\": agent %s, console %s",
				     key, text_of(dump, "version"), HA_VERSION));
	return agent;
}

json_t *state_make(const json_t *dump, const char *why, json_t **live)
{
	json_t *state = json_object();

	*live = NULL;
	json_object_set_new(state, "agent", agent_of(dump, why));
	if (dump != NULL && lacks(dump) != NULL)
		dump = NULL;
	json_object_set_new(state, "screen", json_string(state_screen_name(screen_of(dump))));
	json_object_set_new(state, "active", active_of(dump));
	if (dump == NULL)
		return state;
	COPY(state, dump, "host_name", "management_addresses", "role", "mode", "state", "reason",
	     "rule", "term", "fingerprint", "timing", "degraded", "degraded_reasons",
	     "registration", "takeover", "virtual_ip", "testing", "requirements", "parting",
	     "history");
	json_object_set_new(state, "operations", operations(dump));
	json_object_set_new(state, "nodes", nodes(dump));
	json_object_set_new(state, "paths", paths(dump));
	json_object_set_new(state, "sync", sync_of(dump));
	json_object_set_new(
		state, "checks",
		COPY_EACH(json_object_get(dump, "checks"), "name", "state", "failing", "failed"));
	json_object_set_new(
		state, "strangers",
		COPY_EACH(json_object_get(dump, "strangers"), "fingerprint", "name", "why"));
	copy(state, json_object_get(dump, "suspension"), "suspended");
	*live = live_of(dump);
	return state;
}
