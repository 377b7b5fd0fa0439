/* metrics.c - see metrics.h. */
#include "console/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/render_metrics.h"

static void gauge(FILE *out, const char *name, const char *help, unsigned long long value)
{
	fprintf(out, "# TYPE %s gauge\n# HELP %s %s\n%s %llu\n", name, name, help, name, value);
}

static void counter(FILE *out, const char *name, const char *help, unsigned long long value)
{
	fprintf(out, "# TYPE %s counter\n# HELP %s %s\n%s_total %llu\n", name, name, help, name,
		value);
}

static void own(FILE *out, const struct console *console)
{
	gauge(out, "haconsole_agent_up", "Whether the agent answers.",
	      json_is_true(json_object_get(json_object_get(console->state, "agent"), "up")));
	gauge(out, "haconsole_certificate_ends_seconds",
	      "When the certificate ends, in seconds since 1970.",
	      (unsigned long long)console->certificate_ends);
	gauge(out, "haconsole_connections", "Open connections.", console->connections.n);
	gauge(out, "haconsole_pages", "Pages that follow the state.", console->events.n);
	gauge(out, "haconsole_sessions", "Sessions that have not ended.",
	      websession_count(&console->sessions, loop_now()));
	counter(out, "haconsole_connections_refused", "Connections that found no place.",
		console->connections.refused);
	counter(out, "haconsole_connections_overdue", "Connections that took too long.",
		console->connections.overdue);
	counter(out, "haconsole_connections_displaced", "Connections that made room for others.",
		console->connections.displaced);
	counter(out, "haconsole_agent_dumps", "Dumps that the agent was asked for.",
		console->agent.dumps);
	counter(out, "haconsole_logins", "Logins that succeeded.", console->logins);
	counter(out, "haconsole_logins_failed", "Logins that failed.", console->logins_failed);
	counter(out, "haconsole_changes", "Changes that the agent was asked for.",
		console->changes);
	fputs("# TYPE haconsole_replies counter\n# HELP haconsole_replies Replies by the first "
	      "digit of their status.\n",
	      out);
	for (unsigned i = 2; i < CONSOLE_REPLIES_MAX / 100; i++)
		fprintf(out, "haconsole_replies_total{status=\"%uxx\"} %llu\n", i,
			(unsigned long long)console->replies[i]);
}

/* An exposition has one end: the agent's is taken off, and this one's put there. */
char *metrics_text(const struct console *console, const json_t *dump)
{
	static const char end[] = "# EOF\n";
	char *text = NULL, *whole = NULL;
	size_t len, whole_len;
	FILE *agent = open_memstream(&text, &len), *out;

	if (agent == NULL)
		return NULL;
	render_metrics(agent, RENDER_METRICS_OPEN, dump);
	out = fclose(agent) == 0 ? open_memstream(&whole, &whole_len) : NULL;
	if (out != NULL) {
		if (len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0)
			len -= strlen(end);
		fwrite(text, 1, len, out);
		own(out, console);
		fputs(end, out);
		if (fclose(out) != 0) {
			free(whole);
			whole = NULL;
		}
	}
	free(text);
	return whole;
}
