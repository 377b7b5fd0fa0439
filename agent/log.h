/* log.h - one line per decision, as key=value, to stderr.
 *
 *   event=state proc=engine from=passive to=active reason="peer silent on both paths" rule=T2 term=4
 *
 * Under systemd (JOURNAL_STREAM names our stderr), and where it was asked for, each line carries its priority as "<N>". A line never costs more
 * than one system call that does not block on the journal, takes no heap, and is at most LOG_LINE_MAX bytes. Too many
 * lines are dropped by a token bucket, and the next line that passes is preceded by how many were: a flood of events
 * must never slow down a takeover.
 */
#ifndef HA_AGENT_LOG_H
#define HA_AGENT_LOG_H

#include <stdarg.h>
#include <syslog.h> /* the levels: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG */

#include "proto/types.h"

enum {
	LOG_LINE_MAX = 1024,
	LOG_BURST = 20,     /* lines at once */
	LOG_PER_SECOND = 5, /* and from then on */
};

/* Each line is to carry its priority, whatever stderr is: in this process, and in those that it starts. Before
 * log_open(). */
void log_priorities(void);

/* Says which process writes (proc=...), and looks whether stderr is the journal. process must live on. */
void log_open(const char *process);

/* The format is "key=conversion key=conversion": what stands between two blanks of the format, not of the output, is
 * one value, and it is quoted and escaped where it needs that. Conversions: d i u x c s and %%, with flags, width and
 * precision as digits, and the lengths l, ll, z, h, hh. */
void log_event(int level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, past the limit: for what must not be lost, and cannot come in floods. */
void log_record(int level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The line as log_event() writes it, without its priority, with the newline; its length. Never more than cap bytes: a
 * line that is too long is cut, and still ends with a newline. process may be NULL. cap >= 2. */
size_t log_format(char *out, size_t cap, const char *process, const char *event, const char *format,
		  va_list) __attribute__((format(printf, 5, 0)));

/* The limit, apart from its clock. Starts full when zeroed. */
struct log_bucket {
	ha_time spent_until; /* each line moves this 1/LOG_PER_SECOND s on; at most LOG_BURST of them ahead of now */
	uint64_t suppressed; /* since the last line that passed */
};

/* May a line pass at now? Counts it as suppressed if not. */
bool log_bucket_take(struct log_bucket *, ha_time now);

#endif
