#include "agent/render.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

enum {
	CELL_MAX = 160,
	LABEL_WIDTH = 14,
};

void render_clean(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
		/* UTF-8 writes the controls of ISO 6429, which begin at U+0080, as c2 80 to c2 9f. */
		if (*at == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f)
			at[0] = at[1] = '?';
		else if ((*at < ' ' && *at != '\n') || *at == 0x7f)
			*at = '?';
	}
}

/* A piece of the page, on one line. */
struct cell {
	char text[CELL_MAX];
};

__attribute__((format(printf, 1, 2))) static struct cell cell(const char *format, ...)
{
	struct cell c;
	va_list ap;

	va_start(ap, format);
	vsnprintf(c.text, sizeof(c.text), format, ap);
	va_end(ap);
	for (char *newline = c.text; (newline = strchr(newline, '\n')) != NULL;)
		*newline = ' ';
	render_clean(c.text);
	return c;
}

void render_duration(char out[RENDER_TIME_MAX], long long us)
{
	long long s = us / 1000000;

	if (us < 1000)
		snprintf(out, RENDER_TIME_MAX, "%lld us", us);
	else if (us < 1000000 && us % 1000 == 0)
		snprintf(out, RENDER_TIME_MAX, "%lld ms", us / 1000);
	else if (us < 10000)
		snprintf(out, RENDER_TIME_MAX, "%lld.%02lld ms", us / 1000, us % 1000 / 10);
	else if (us < 100000)
		snprintf(out, RENDER_TIME_MAX, "%lld.%lld ms", us / 1000, us % 1000 / 100);
	else if (us < 1000000)
		snprintf(out, RENDER_TIME_MAX, "%lld ms", us / 1000);
	else if (s < 60)
		snprintf(out, RENDER_TIME_MAX, "%lld.%lld s", s, us % 1000000 / 100000);
	else if (s < 3600)
		snprintf(out, RENDER_TIME_MAX, "%lld min %lld s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, RENDER_TIME_MAX, "%lld h %02lld min", s / 3600, s % 3600 / 60);
	else
		snprintf(out, RENDER_TIME_MAX, "%lld d %lld h", s / 86400, s % 86400 / 3600);
}

static bool is_true(const json_t *in, const char *key)
{
	return json_is_true(json_object_get(in, key));
}

static bool has(const json_t *in, const char *key)
{
	const json_t *value = json_object_get(in, key);

	return value != NULL && !json_is_null(value);
}

static struct cell string(const json_t *in, const char *key)
{
	const char *s = json_string_value(json_object_get(in, key));

	return cell("%s", s != NULL && *s != '\0' ? s : "-");
}

static bool is_none(const struct cell *c)
{
	return strcmp(c->text, "-") == 0;
}

static struct cell integer(const json_t *in, const char *key)
{
	const json_t *value = json_object_get(in, key);

	return json_is_integer(value) ? cell("%lld", (long long)json_integer_value(value))
				      : cell("-");
}

/* A duration that the data has in units of so many microseconds. */
static struct cell duration(const json_t *in, const char *key, long long unit_us)
{
	const json_t *value = json_object_get(in, key);
	char text[RENDER_TIME_MAX];

	if (!json_is_number(value))
		return cell("-");
	render_duration(text, (long long)(json_number_value(value) * (double)unit_us));
	return cell("%s", text);
}

/* The same of a measurement, which is 0 as long as there is none. */
static struct cell measured(const json_t *in, const char *key, long long unit_us)
{
	return json_number_value(json_object_get(in, key)) != 0 ? duration(in, key, unit_us)
								: cell("-");
}

/* "yes" and "no", or what the caller calls them. */
static struct cell choice(const json_t *in, const char *key, const char *yes, const char *no)
{
	return cell("%s", has(in, key) ? is_true(in, key) ? yes : no : "-");
}

/* The strings of an array, with separators between them. */
static struct cell list(const json_t *in, const char *key, const char *separator)
{
	struct cell all = {""};
	size_t i, len = 0;
	const json_t *value;

	json_array_foreach(json_object_get(in, key), i, value)
	{
		const char *s = json_string_value(value);
		int n;

		if (s == NULL)
			continue;
		n = snprintf(all.text + len, sizeof(all.text) - len, "%s%s",
			     len > 0 ? separator : "", s);
		len += (size_t)n;
		if (len >= sizeof(all.text))
			break;
	}
	return len > 0 ? cell("%s", all.text) : cell("-");
}

__attribute__((format(printf, 3, 4))) static void line(FILE *out, const char *label,
						       const char *format, ...)
{
	va_list ap;

	fprintf(out, "  %-*s ", LABEL_WIDTH, label);
	va_start(ap, format);
	vfprintf(out, format, ap);
	va_end(ap);
	fputc('\n', out);
}

static void render_head(FILE *out, const json_t *d)
{
	const json_t *timing = json_object_get(d, "timing");
	struct cell rule = string(d, "rule");

	fprintf(out, "%s (haagent %s)\n", string(d, "host_name").text, string(d, "version").text);
	line(out, "state", "%s%s, since %s", string(d, "state").text,
	     is_true(d, "degraded") ? " (degraded)" : "", duration(d, "since_ms", 1000).text);
	if (is_none(&rule))
		line(out, "reason", "%s", string(d, "reason").text);
	else
		line(out, "reason", "%s [%s]", string(d, "reason").text, rule.text);
	line(out, "mode", "%s, term %s", string(d, "mode").text, integer(d, "term").text);
	line(out, "fingerprint", "%s", string(d, "fingerprint").text);
	if (timing != NULL)
		line(out, "timing", "%s: heartbeat %s, dead after %s, confirm %s",
		     string(timing, "name").text, duration(timing, "heartbeat_ms", 1000).text,
		     duration(timing, "dead_ms", 1000).text,
		     duration(timing, "confirm_ms", 1000).text);
}

static void render_vips(FILE *out, const json_t *d)
{
	const json_t *all = json_object_get(d, "virtual_ip"), *one;
	size_t i;

	fprintf(out, "\nvirtual IP\n");
	json_array_foreach(all, i, one) fprintf(out, "  %-40s %s\n", string(one, "address").text,
						choice(one, "held", "held", "not held").text);
	if (json_array_size(all) == 0)
		fprintf(out, "  none configured\n");
}

static void render_takeover(FILE *out, const json_t *d)
{
	const json_t *takeover = json_object_get(d, "takeover"), *sync = json_object_get(d, "sync");
	const json_t *requirement;
	size_t i;

	fprintf(out, "\nredundancy\n");
	if (is_true(takeover, "ready"))
		line(out, "takeover", "ready");
	else
		line(out, "takeover", "NOT READY: %s", list(takeover, "reasons", "; ").text);
	if (sync != NULL) {
		fprintf(out, "  %-*s %s", LABEL_WIDTH, "settings", string(sync, "status").text);
		if (has(sync, "percent"))
			fprintf(out, ", %s %%", integer(sync, "percent").text);
		if (has(sync, "generation"))
			fprintf(out, ", generation %s",
				json_is_string(json_object_get(sync, "generation"))
					? string(sync, "generation").text
					: integer(sync, "generation").text);
		if (json_number_value(json_object_get(sync, "lag")) != 0)
			fprintf(out, ", %s behind", integer(sync, "lag").text);
		fputc('\n', out);
	}
	json_array_foreach(json_object_get(d, "requirements"), i, requirement)
	{
		if (json_is_string(requirement))
			line(out, i == 0 ? "requirements" : "", "%s",
			     cell("%s", json_string_value(requirement)).text);
		else
			line(out, i == 0 ? "requirements" : "", "%s: %s (here %s, peer %s)",
			     string(requirement, "name").text, string(requirement, "result").text,
			     string(requirement, "local").text, string(requirement, "peer").text);
	}
}

static void render_peer(FILE *out, const json_t *peer)
{
	fprintf(out, "\npeer\n");
	if (json_object_size(peer) == 0) {
		fprintf(out, "  none\n");
		return;
	}
	line(out, "name", "%s", string(peer, "host_name").text);
	if (has(peer, "state"))
		line(out, "state", "%s%s%s", string(peer, "state").text,
		     has(peer, "reason") ? ": " : "",
		     has(peer, "reason") ? string(peer, "reason").text : "");
	else
		line(out, "state", "not heard since this agent started");
	line(out, "mode", "%s", string(peer, "mode").text);
	line(out, "virtual IP", "%s", string(peer, "claim").text);
	if (is_true(peer, "ready"))
		line(out, "takeover", "ready");
	else
		line(out, "takeover", "not ready: %s", list(peer, "why_not", "; ").text);
	line(out, "addresses", "%s", list(peer, "management_addresses", ", ").text);
	line(out, "fingerprint", "%s", string(peer, "fingerprint").text);
	line(out, "last heard", "%s ago, boot %s", duration(peer, "last_heard_ms", 1000).text,
	     integer(peer, "boot").text);
}

static void render_paths(FILE *out, const json_t *paths)
{
	const json_t *p;
	size_t i;

	if (json_array_size(paths) == 0)
		return;
	fprintf(out, "\n%-12s %-15s %-8s %-8s %10s %10s %10s %10s %10s\n", "paths", "interface",
		"state", "carrier", "rtt", "worst rtt", "worst gap", "margin", "session");
	json_array_foreach(paths, i, p) fprintf(
		out, "  %-10s %-15s %-8s %-8s %10s %10s %10s %10s %10s\n", string(p, "name").text,
		string(p, "interface").text, string(p, "state").text,
		choice(p, "carrier", "yes", "NO").text, measured(p, "rtt_us", 1).text,
		measured(p, "rtt_worst_us", 1).text, measured(p, "worst_gap_ms", 1000).text,
		duration(p, "margin_ms", 1000).text, duration(p, "session_age_s", 1000000).text);
	fprintf(out, "%-12s %15s %15s\n", "heartbeats", "sent", "received");
	json_array_foreach(paths, i, p)
		fprintf(out, "  %-10s %15s %15s\n", string(p, "name").text,
			integer(p, "heartbeats_sent").text, integer(p, "heartbeats_received").text);
}

static void render_witness(FILE *out, const json_t *w)
{
	const json_t *station;
	size_t i;

	if (w == NULL)
		return;
	fprintf(out, "\nwitness\n");
	line(out, "policy", "%s", string(w, "policy").text);
	if (has(w, "evidence_ms"))
		line(out, "segment heard", "%s ago", duration(w, "evidence_ms", 1000).text);
	else
		line(out, "segment heard", "never");
	json_array_foreach(json_object_get(w, "stations"), i, station)
		line(out, i == 0 ? "stations" : "", "%-40s %-18s %s",
		     string(station, "address").text, string(station, "mac").text,
		     choice(station, "answered", "answered", "no answer").text);
}

static void render_health(FILE *out, const json_t *d)
{
	const json_t *g = json_object_get(d, "guardian"), *late = json_object_get(d, "lateness_us");

	fprintf(out, "\nagent\n");
	if (g != NULL) {
		line(out, "guardian", "fence %s, real-time %s, memory %s",
		     choice(g, "fence", "on", "OFF").text, choice(g, "realtime", "on", "OFF").text,
		     choice(g, "locked", "locked", "NOT LOCKED").text);
		line(out, "starts", "engine %s, steward %s; addresses put back %s",
		     integer(g, "engine_starts").text, integer(g, "steward_starts").text,
		     integer(g, "restored").text);
	}
	if (late != NULL)
		line(out, "lateness", "worst %s, last %s", duration(late, "worst", 1).text,
		     duration(late, "last", 1).text);
}

/* Those that have counted anything. */
static void render_counters(FILE *out, json_t *counters)
{
	const char *name;
	json_t *value;
	bool any = false;

	json_object_foreach(counters, name, value)
	{
		if (json_number_value(value) == 0)
			continue;
		if (!any)
			fprintf(out, "\ncounters\n");
		any = true;
		fprintf(out, "  %-40s %12.0f\n", cell("%s", name).text, json_number_value(value));
	}
}

/* "2026-01-31T12:00:00.123456Z" as "2026-01-31 12:00:00.123456". */
static struct cell time_of(const json_t *event)
{
	struct cell c = string(event, "time");
	size_t len = strlen(c.text);

	if (len > 10 && c.text[10] == 'T')
		c.text[10] = ' ';
	if (len > 0 && c.text[len - 1] == 'Z')
		c.text[len - 1] = '\0';
	return c;
}

static void render_event(FILE *out, const json_t *event)
{
	struct cell from = string(event, "from"), to = string(event, "to"), change;
	struct cell reason = string(event, "reason"), rule = string(event, "rule");

	change = strcmp(from.text, to.text) == 0 ? to : cell("%s -> %s", from.text, to.text);
	fprintf(out, "  %-26s %-15s %-26s term %-5s", time_of(event).text,
		string(event, "event").text, change.text, integer(event, "term").text);
	if (!is_none(&reason))
		fprintf(out, " %s", reason.text);
	if (!is_none(&rule))
		fprintf(out, " [%s]", rule.text);
	if (json_is_string(json_object_get(event, "detail")))
		fprintf(out, " (%s)", string(event, "detail").text);
	else if (json_integer_value(json_object_get(event, "detail")) != 0)
		fprintf(out, " (%s)", integer(event, "detail").text);
	fputc('\n', out);
}

void render_history(FILE *out, const json_t *data)
{
	const json_t *events = json_is_object(data) ? json_object_get(data, "history") : data;
	const json_t *event;
	size_t i;

	fprintf(out, "history (UTC)\n");
	json_array_foreach(events, i, event) render_event(out, event);
	if (json_array_size(events) == 0)
		fprintf(out, "  nothing yet\n");
}

void render_dump(FILE *out, const json_t *data)
{
	render_head(out, data);
	render_vips(out, data);
	render_takeover(out, data);
	render_peer(out, json_object_get(data, "peer"));
	render_paths(out, json_object_get(data, "paths"));
	render_witness(out, json_object_get(data, "witness"));
	render_health(out, data);
	render_counters(out, json_object_get(data, "counters"));
	if (json_array_size(json_object_get(data, "history")) > 0) {
		fputc('\n', out);
		render_history(out, data);
	}
}
