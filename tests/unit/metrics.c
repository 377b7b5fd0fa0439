/* Metrics of dumps that are not as they should be. What real ones look like is in tests/golden/. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "agent/render_metrics.h"

static char text[64 * 1024];

static void metrics(enum render_metrics_format format, const char *json)
{
	json_t *data = json != NULL ? json_loads(json, 0, NULL) : NULL;
	FILE *out = fmemopen(text, sizeof(text), "w");

	cr_assert(out != NULL && (json == NULL || data != NULL), "%s", json);
	render_metrics(out, format, data);
	fclose(out);
	json_decref(data);
}

static void has(const char *line)
{
	char wanted[512];

	(void)snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	cr_expect(strstr(text, wanted), "%s is not in:\n%s", line, text);
}

Test(metrics, no_daemon_is_a_metric)
{
	metrics(RENDER_METRICS_PROMETHEUS, NULL);
	cr_expect_str_eq(text, "# HELP haagent_up 1 if the daemon answers.\n"
			       "# TYPE haagent_up gauge\n"
			       "haagent_up 0\n");
	metrics(RENDER_METRICS_OPEN, NULL);
	cr_expect(strstr(text, "\nhaagent_up 0\n# EOF\n"), "%s", text);
}

Test(metrics, formats_differ_in_the_names_of_counters)
{
	static const char dump[] = "{\"counters\":{\"floods\":7}}";

	metrics(RENDER_METRICS_OPEN, dump);
	has("# TYPE haagent_floods counter");
	has("haagent_floods_total 7");
	has("# TYPE haagent_agent info");
	cr_expect_str_eq(text + strlen(text) - strlen("# EOF\n"), "# EOF\n");
	metrics(RENDER_METRICS_PROMETHEUS, dump);
	has("# TYPE haagent_floods_total counter");
	has("haagent_floods_total 7");
	has("# TYPE haagent_agent_info gauge");
	cr_expect_not(strstr(text, "EOF") || strstr(text, "UNIT"));
}

Test(metrics, labels_are_escaped_and_fit_for_a_terminal)
{
	metrics(RENDER_METRICS_OPEN, "{\"peer\":{\"host_name\":\"a\\\\b\\\"c\\nd\\u001be\","
				     "\"fingerprint\":\"\"}}");
	has("haagent_peer_info{host_name=\"a\\\\b\\\"c d?e\",fingerprint=\"\"} 1");
}

Test(metrics, units_are_seconds_and_bytes)
{
	metrics(RENDER_METRICS_OPEN,
		"{\"timing\":{\"dead_ms\":100},\"lateness_us\":{\"worst\":250},"
		"\"since\":\"2026-01-31T12:00:00.500000Z\",\"sync\":{\"lag_bytes\":1234567890123}"
		"}");
	has("haagent_dead_interval_seconds 0.1");
	has("haagent_timer_lateness_worst_seconds 0.00025");
	has("haagent_state_since_timestamp_seconds 1769860800.5");
	has("# UNIT haagent_sync_lag_bytes bytes");
	has("haagent_sync_lag_bytes 1234567890123");
}

Test(metrics, what_is_not_known_has_no_sample)
{
	metrics(RENDER_METRICS_OPEN,
		"{\"peer\":null,\"timing\":7,\"paths\":[null,{}],"
		"\"sync\":{\"synced_at\":\"soon\",\"lag\":null},\"checks\":{}}");
	cr_expect_not(strstr(text, "haagent_peer_info"), "%s", text);
	cr_expect_not(strstr(text, "dead_interval"));
	cr_expect_not(strstr(text, "timestamp"));
	cr_expect_not(strstr(text, "haagent_sync_lag"));
	has("haagent_up 1");
}

Test(metrics, formats_have_names)
{
	cr_expect_eq(render_metrics_format("openmetrics"), RENDER_METRICS_OPEN);
	cr_expect_eq(render_metrics_format("prometheus"), RENDER_METRICS_PROMETHEUS);
	cr_expect_eq(render_metrics_format("yaml"), RENDER_METRICS_NONE);
}
