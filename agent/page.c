#include "agent/page.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool wants_colour(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(out)) && (no == NULL || *no == '\0') && term != NULL &&
	       *term != '\0' && strcmp(term, "dumb") != 0;
}

void page_style(const struct page *page, enum page_style style)
{
	static const char *const codes[PAGE_STYLE_N] = {
		[PAGE_PLAIN] = "\x1b[0m", [PAGE_TITLE] = "\x1b[1m",  [PAGE_GOOD] = "\x1b[32m",
		[PAGE_WARN] = "\x1b[33m", [PAGE_BAD] = "\x1b[1;31m",
	};

	if (page->colour)
		fputs(codes[style], page->out);
}

struct page page_open(FILE *out)
{
	struct page page = {.out = out, .width = PAGE_WIDTH, .colour = wants_colour(out)};
	struct winsize size;

	if (isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		page.width = size.ws_col;
	if (page.width < PAGE_WIDTH_MIN)
		page.width = PAGE_WIDTH_MIN;
	if (page.width > PAGE_WIDTH_MAX)
		page.width = PAGE_WIDTH_MAX;
	return page;
}

/* U+200E, U+200F, U+2028 to U+202E and U+2066 to U+2069: they would show a line in another order than it has. */
static bool turns(const unsigned char *at)
{
	if (at[0] != 0xe2)
		return false;
	if (at[1] == 0x80)
		return at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae);
	return at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9;
}

void page_clean(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
		/* UTF-8 writes the controls of ISO 6429, which begin at U+0080, as c2 80 to c2 9f. */
		if (*at == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f)
			at[0] = at[1] = '?';
		else if (turns(at))
			at[0] = at[1] = at[2] = '?';
		else if ((*at < ' ' && *at != '\n') || *at == 0x7f)
			*at = '?';
	}
}

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Text that was cut may end within a character. */
static void trim(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && continues(text[len - 1]))
		len--;
	if (len > 0)
		len--;
	text[len] = '\0';
}

struct cell cell_of(const char *format, ...)
{
	struct cell c;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(c.text, sizeof(c.text), format, ap);
	va_end(ap);
	if (n < 0)
		c.text[0] = '\0';
	else if ((size_t)n >= sizeof(c.text))
		trim(c.text);
	for (char *newline = c.text; (newline = strchr(newline, '\n')) != NULL;)
		*newline = ' ';
	page_clean(c.text);
	return c;
}

bool cell_is(const struct cell *c, const char *text)
{
	return strcmp(c->text, text) == 0;
}

bool cell_is_none(const struct cell *c)
{
	return cell_is(c, "-");
}

bool page_is_true(const json_t *in, const char *key)
{
	return json_is_true(json_object_get(in, key));
}

bool page_has(const json_t *in, const char *key)
{
	const json_t *value = json_object_get(in, key);

	return value != NULL && !json_is_null(value);
}

struct cell cell_string(const json_t *in, const char *key)
{
	const char *s = json_string_value(json_object_get(in, key));

	return cell_of("%s", s != NULL && *s != '\0' ? s : "-");
}

struct cell cell_integer(const json_t *in, const char *key)
{
	const json_t *value = json_object_get(in, key);

	return json_is_integer(value) ? cell_of("%lld", (long long)json_integer_value(value))
				      : cell_of("-");
}

struct cell cell_list(const json_t *in, const char *key, const char *separator)
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
		if (len >= sizeof(all.text)) {
			trim(all.text);
			break;
		}
	}
	return len > 0 ? cell_of("%s", all.text) : cell_of("-");
}

struct cell cell_choice(const json_t *in, const char *key, const char *yes, const char *no)
{
	return cell_of("%s", page_has(in, key) ? page_is_true(in, key) ? yes : no : "-");
}

struct cell cell_duration(const json_t *in, const char *key, long long unit_us)
{
	const json_t *value = json_object_get(in, key);
	double us = json_number_value(value) * (double)unit_us;
	char text[PAGE_TIME_MAX];

	if (!json_is_number(value))
		return cell_of("-");
	if (us == 0) /* in the unit that it was measured in: it is not known any finer */
		return cell_of("%s", unit_us >= 1000000 ? "under 1 s"
				     : unit_us >= 1000  ? "0 ms"
							: "0 us");
	if (us < 0 || us > 1e18)
		return cell_of("-");
	page_duration(text, (long long)us);
	return cell_of("%s", text);
}

struct cell cell_bytes(const json_t *in, const char *key)
{
	static const char *const unit[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	const json_t *value = json_object_get(in, key);
	long long n = json_integer_value(value), whole = n;
	unsigned power = 0;

	if (!json_is_integer(value) || n < 0)
		return cell_of("-");
	if (n < 1000)
		return cell_of("%lld bytes", n);
	for (; whole >= 1000000; power++)
		whole /= 1000;
	/* whole is thousandths of the unit now */
	if (whole < 10000)
		return cell_of("%lld.%02lld %s", whole / 1000, whole % 1000 / 10, unit[power]);
	if (whole < 100000)
		return cell_of("%lld.%lld %s", whole / 1000, whole % 1000 / 100, unit[power]);
	return cell_of("%lld %s", whole / 1000, unit[power]);
}

struct cell cell_count(const json_t *in, const char *key)
{
	const json_t *value = json_object_get(in, key);
	struct cell digits = cell_integer(in, key), out = {""};
	size_t len = strlen(digits.text), n = 0;

	if (json_integer_value(value) < 0)
		return digits;
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out.text[n++] = ',';
		out.text[n++] = digits.text[i];
	}
	return out;
}

struct cell cell_time(const json_t *in, const char *key)
{
	struct cell c = cell_string(in, key);
	size_t len = strlen(c.text);

	if (len > 10 && c.text[10] == 'T')
		c.text[10] = ' ';
	if (len > 0 && c.text[len - 1] == 'Z')
		c.text[len - 1] = '\0';
	return c;
}

void page_duration(char out[PAGE_TIME_MAX], long long us)
{
	long long s = us / 1000000;

	if (us < 1000)
		snprintf(out, PAGE_TIME_MAX, "%lld us", us);
	else if (us < 1000000 && us % 1000 == 0)
		snprintf(out, PAGE_TIME_MAX, "%lld ms", us / 1000);
	else if (us < 10000)
		snprintf(out, PAGE_TIME_MAX, "%lld.%02lld ms", us / 1000, us % 1000 / 10);
	else if (us < 100000)
		snprintf(out, PAGE_TIME_MAX, "%lld.%lld ms", us / 1000, us % 1000 / 100);
	else if (us < 1000000)
		snprintf(out, PAGE_TIME_MAX, "%lld ms", us / 1000);
	else if (s < 60)
		snprintf(out, PAGE_TIME_MAX, "%lld.%lld s", s, us % 1000000 / 100000);
	else if (s < 3600)
		snprintf(out, PAGE_TIME_MAX, "%lld min %lld s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, PAGE_TIME_MAX, "%lld h %02lld min", s / 3600, s % 3600 / 60);
	else
		snprintf(out, PAGE_TIME_MAX, "%lld d %lld h", s / 86400, s % 86400 / 3600);
}

unsigned page_columns(const char *text, size_t bytes)
{
	unsigned n = 0;

	for (size_t i = 0; i < bytes; i++)
		n += !continues(text[i]);
	return n;
}

unsigned page_fit(const char *text, unsigned columns, const char **next)
{
	const char *at = text, *space = NULL;

	for (unsigned n = 0; *at != '\0'; at++) {
		if (continues(*at))
			continue;
		if (*at == ' ' && at > text)
			space = at;
		if (n++ == columns)
			break;
	}
	if (*at != '\0' && space != NULL)
		at = space;
	*next = at + strspn(at, " ");
	while (at > text && at[-1] == ' ')
		at--;
	return (unsigned)(at - text);
}

void page_hang_styled(const struct page *page, enum page_style style, const char *head,
		      const char *text)
{
	unsigned indent = page_columns(head, strlen(head));
	unsigned columns = page->width > indent + 20 ? page->width - indent : 20;

	fputs(head, page->out);
	do {
		const char *from = text;
		unsigned bytes = page_fit(from, columns, &text);

		if (style != PAGE_PLAIN)
			page_style(page, style);
		fprintf(page->out, "%.*s", (int)bytes, from);
		if (style != PAGE_PLAIN)
			page_style(page, PAGE_PLAIN);
		fputc('\n', page->out);
		if (*text != '\0')
			fprintf(page->out, "%*s", (int)indent, "");
	} while (*text != '\0');
}

void page_hang(const struct page *page, const char *head, const char *text)
{
	page_hang_styled(page, PAGE_PLAIN, head, text);
}

__attribute__((format(printf, 4, 0))) static void line(const struct page *page,
						       enum page_style style, const char *label,
						       const char *format, va_list ap)
{
	unsigned columns = page_columns(label, strlen(label)), bytes;
	char text[PAGE_LINE_MAX];
	const char *rest;
	struct cell head;

	if (columns > PAGE_LABEL_WIDTH) { /* on a line of its own */
		bytes = page_fit(label, page->width - 2, &rest);
		fprintf(page->out, "  %.*s\n", (int)bytes, label);
		label = "";
		columns = 0;
	}
	head = cell_of("  %s%*s ", label, (int)(PAGE_LABEL_WIDTH - columns), "");
	vsnprintf(text, sizeof(text), format, ap);
	page_hang_styled(page, style, head.text, text);
}

void page_line(const struct page *page, const char *label, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	line(page, PAGE_PLAIN, label, format, ap);
	va_end(ap);
}

void page_line_styled(const struct page *page, enum page_style style, const char *label,
		      const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	line(page, style, label, format, ap);
	va_end(ap);
}
