/* metrics.h - the agent's and the console's own figures for Prometheus, as OpenMetrics.
 */
#ifndef HA_CONSOLE_METRICS_H
#define HA_CONSOLE_METRICS_H

#include "console/console.h"

#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* dump: the agent's newest, or NULL: there is none. To be freed; NULL: out of memory. */
char *metrics_text(const struct console *, const json_t *dump);

#endif
