#include "agent/log.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	VALUE_MAX = 512, /* of one value, before escaping */
};

/* A process logs from one thread, and says who it is once. */
static const char *log_process;
static bool log_journal;
static struct log_bucket log_bucket;

#define LOG_PRIORITIES "HAAGENT_LOG_PRIORITIES"

void log_priorities(void)
{
	(void)setenv(LOG_PRIORITIES, "1", 1);
}

void log_open(const char *process)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[48];
	struct stat st;

	log_process = process;
	log_journal = getenv(LOG_PRIORITIES) != NULL;
	if (log_journal || stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	log_journal = strcmp(stream, ours) == 0;
}

bool log_bucket_take(struct log_bucket *b, ha_time now)
{
	const ha_time cost = HA_SEC / LOG_PER_SECOND;
	ha_time from = b->spent_until > now ? b->spent_until : now;

	if (from + cost > now + LOG_BURST * cost) {
		b->suppressed++;
		return false;
	}
	b->spent_until = from + cost;
	return true;
}

/* Text that grows up to its buffer's end and no further. */
struct text {
	char *at;
	size_t cap, len;
};

static void add_byte(struct text *t, char c)
{
	if (t->len < t->cap)
		t->at[t->len++] = c;
}

static void add_string(struct text *t, const char *s)
{
	while (*s != '\0')
		add_byte(t, *s++);
}

/* Controls of ASCII, and those that UTF-8 writes as c2 80 to c2 9f: a terminal would act on both. */
static bool is_control(const char *value, size_t i, size_t len)
{
	unsigned char c = (unsigned char)value[i];
	unsigned char before = i > 0 ? (unsigned char)value[i - 1] : 0;
	unsigned char after = i + 1 < len ? (unsigned char)value[i + 1] : 0;

	return c < ' ' || c == 0x7f || (c == 0xc2 && after >= 0x80 && after <= 0x9f) ||
	       (before == 0xc2 && c >= 0x80 && c <= 0x9f);
}

static bool is_plain(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (is_control(value, i, len) || strchr(" \"=\\", value[i]) != NULL)
			return false;
	}
	return len > 0;
}

static void add_value(struct text *t, const char *value, size_t len)
{
	static const char hex[] = "0123456789abcdef";

	if (is_plain(value, len)) {
		for (size_t i = 0; i < len; i++)
			add_byte(t, value[i]);
		return;
	}
	add_byte(t, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		if (is_control(value, i, len)) {
			add_string(t, "\\x");
			add_byte(t, hex[c >> 4]);
			add_byte(t, hex[c & 15]);
			continue;
		}
		if (c == '"' || c == '\\')
			add_byte(t, '\\');
		add_byte(t, (char)c);
	}
	add_byte(t, '"');
}

/* One conversion of the format, from '%' on; its argument is taken from ap. Returns where the format goes on. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static const char *add_conversion(struct text *t, const char *format, va_list *ap)
{
	char spec[16], out[VALUE_MAX] = "";
	size_t n = 1 + strspn(format + 1, "-+ #0123456789.");
	size_t longs = strspn(format + n, "lzh");
	bool is_long = longs > 0 && format[n] == 'l', is_size = longs > 0 && format[n] == 'z';
	char kind = format[n + longs];

	assert(n + longs + 2 <= sizeof(spec) && strchr("diuxcs%", kind) != NULL && kind != '\0');
	memcpy(spec, format, n + longs + 1);
	spec[n + longs + 1] = '\0';
	if (kind == '%')
		snprintf(out, sizeof(out), "%%");
	else if (kind == 's')
		snprintf(out, sizeof(out), spec, va_arg(*ap, const char *));
	else if (is_long && longs == 2)
		snprintf(out, sizeof(out), spec, va_arg(*ap, long long));
	else if (is_long)
		snprintf(out, sizeof(out), spec, va_arg(*ap, long));
	else if (is_size)
		snprintf(out, sizeof(out), spec, va_arg(*ap, size_t));
	else
		snprintf(out, sizeof(out), spec, va_arg(*ap, int));
	add_string(t, out);
	return format + n + longs + 1;
}
#pragma GCC diagnostic pop

size_t log_format(char *out, size_t cap, const char *process, const char *event, const char *format,
		  va_list args)
{
	struct text line = {.at = out, .cap = cap - 1};
	va_list ap;

	assert(cap >= 2);
	va_copy(ap, args);
	add_string(&line, "event=");
	add_value(&line, event, strlen(event));
	if (process != NULL) {
		add_string(&line, " proc=");
		add_value(&line, process, strlen(process));
	}
	while (*format != '\0') {
		char value[VALUE_MAX];
		struct text v = {.at = value, .cap = sizeof(value)};
		size_t key = strcspn(format, "= %");

		add_byte(&line, ' ');
		if (format[key] == '=') {
			for (size_t i = 0; i <= key; i++)
				add_byte(&line, format[i]);
			format += key + 1;
		}
		while (*format != '\0' && *format != ' ') {
			if (*format == '%')
				format = add_conversion(&v, format, &ap);
			else
				add_byte(&v, *format++);
		}
		add_value(&line, v.at, v.len);
		format += strspn(format, " ");
	}
	va_end(ap);
	line.cap = cap;
	add_byte(&line, '\n');
	return line.len;
}

/* What cannot be written at once is lost: stderr may be a socket or a pipe whose reader hangs, or is
 * gone. A pipe that has room for anything has room for a line. */
static void write_line(const char *line, size_t len)
{
	struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != ENOTSOCK)
		return;
	if (poll(&room, 1, 0) != 1 || room.revents != POLLOUT ||
	    write(STDERR_FILENO, line, len) < 0)
		log_bucket.suppressed++;
}

__attribute__((format(printf, 3, 0))) static void log_line(int level, const char *event,
							   const char *format, va_list ap)
{
	char line[4 + LOG_LINE_MAX];
	size_t prefix = 0;

	assert(level >= LOG_EMERG && level <= LOG_DEBUG);
	if (log_journal)
		prefix = (size_t)snprintf(line, sizeof(line), "<%d>", level);
	write_line(line, prefix + log_format(line + prefix, LOG_LINE_MAX, log_process, event,
					     format, ap));
}

__attribute__((format(printf, 3, 4))) static void log_now(int level, const char *event,
							  const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_line(level, event, format, ap);
	va_end(ap);
}

void log_event(int level, const char *event, const char *format, ...)
{
	int error = errno;
	struct timespec ts;
	uint64_t suppressed;
	va_list ap;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	if (!log_bucket_take(&log_bucket, ts.tv_sec * HA_SEC + ts.tv_nsec))
		return;
	suppressed = log_bucket.suppressed;
	log_bucket.suppressed = 0;
	if (suppressed > 0)
		log_now(LOG_WARNING, "log_limited", "suppressed=%llu",
			(unsigned long long)suppressed);
	va_start(ap, format);
	log_line(level, event, format, ap);
	va_end(ap);
	errno = error;
}

void log_record(int level, const char *event, const char *format, ...)
{
	int error = errno;
	va_list ap;

	va_start(ap, format);
	log_line(level, event, format, ap);
	va_end(ap);
	errno = error;
}
