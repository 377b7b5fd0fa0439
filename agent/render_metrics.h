/* render_metrics.h - a dump as metrics, for monitoring.
 *
 * From the JSON dump, as the page is: one source. Two formats, which differ in the names of counters and of infos:
 * OpenMetrics 1.0, for whoever scrapes; and the text format 0.0.4 that Prometheus's textfile collector and promtool
 * read. What the daemon does not say has no sample.
 */
#ifndef HA_AGENT_RENDER_METRICS_H
#define HA_AGENT_RENDER_METRICS_H

#include <jansson.h>
#include <stdio.h>

enum render_metrics_format {
	RENDER_METRICS_NONE = 0,
	RENDER_METRICS_OPEN,       /* --dump=openmetrics */
	RENDER_METRICS_PROMETHEUS, /* --dump=prometheus */
};

/* "openmetrics" or "prometheus"; else RENDER_METRICS_NONE. */
enum render_metrics_format render_metrics_format(const char *name);

/* NULL: there is no daemon to be asked, which is a metric, too. */
void render_metrics(FILE *out, enum render_metrics_format, const json_t *dump);

#endif
