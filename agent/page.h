/* page.h - what a page for people is made of: cells of text that are fit for a terminal, and lines of them that are
 * wrapped to its width.
 *
 * A cell is one line of text without control characters: what is put on the page comes from the peer, too. Whatever
 * the data lacks is "-", so that a client and a daemon of different versions understand each other.
 */
#ifndef HA_AGENT_PAGE_H
#define HA_AGENT_PAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum {
	PAGE_CELL_MAX = 512,
	PAGE_LINE_MAX = 2048,
	PAGE_TIME_MAX = 32,
	PAGE_LABEL_WIDTH = 15,
	PAGE_WIDTH = 80, /* of what is no terminal */
	PAGE_WIDTH_MIN = 60,
	PAGE_WIDTH_MAX = 200,
};

struct page {
	FILE *out;
	unsigned width; /* columns */
	bool colour;
};

/* How a piece of the page looks where there is colour; where there is none words and marks say the same. */
enum page_style {
	PAGE_PLAIN = 0,
	PAGE_TITLE,
	PAGE_GOOD,
	PAGE_WARN,
	PAGE_BAD,
	PAGE_STYLE_N,
};

struct cell {
	char text[PAGE_CELL_MAX];
};

/* As wide as the terminal that out is, within the limits above. In colour on a terminal, unless NO_COLOR is set to
 * anything (no-color.org), or TERM is "dumb" or not set. */
struct page page_open(FILE *out);

/* From here on; PAGE_PLAIN ends it. Not across the end of a line: a pager may show any part of the page. */
void page_style(const struct page *, enum page_style);

/* Text that may quote the peer, for a terminal: control characters but newlines, and those that turn the direction of
 * writing, become question marks. */
void page_clean(char *text);

struct cell cell_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool cell_is_none(const struct cell *);
bool cell_is(const struct cell *, const char *text);

/* Of the key of an object. */
bool page_has(const json_t *in, const char *key); /* it is there, and not null */
bool page_is_true(const json_t *in, const char *key);
struct cell cell_string(const json_t *in, const char *key);
struct cell cell_integer(const json_t *in, const char *key);
struct cell cell_list(const json_t *in, const char *key, const char *separator); /* of strings */
struct cell cell_choice(const json_t *in, const char *key, const char *yes, const char *no);
/* A duration that the data has in units of so many microseconds. */
struct cell cell_duration(const json_t *in, const char *key, long long unit_us);
/* "2026-01-31T12:00:00.123456Z" as "2026-01-31 12:00:00.123456". */
struct cell cell_time(const json_t *in, const char *key);

/* "999 bytes", "1.23 kB", "56.7 MB", "890 GB": in powers of ten, as disks and networks are measured. */
struct cell cell_bytes(const json_t *in, const char *key);
/* "1,234,567" */
struct cell cell_count(const json_t *in, const char *key);

/* "850 us", "1.25 ms", "3.2 s", "3 min 12 s", "2 h 05 min", "4 d 3 h". */
void page_duration(char out[PAGE_TIME_MAX], long long us);

/* Columns that so many bytes of text take. */
unsigned page_columns(const char *text, size_t bytes);
/* How many of the text's bytes go into a line of so many columns: up to a space, if there is one; *next is where the
 * rest begins. */
unsigned page_fit(const char *text, unsigned columns, const char **next);
/* Head and text, wrapped; what does not fit stands below the text. The head is as wide as it is, and not wrapped. */
void page_hang(const struct page *, const char *head, const char *text);
void page_hang_styled(const struct page *, enum page_style, const char *head, const char *text);
/* The same with a head of "  label" in a column of its own. */
void page_line(const struct page *, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void page_line_styled(const struct page *, enum page_style, const char *label, const char *format,
		      ...) __attribute__((format(printf, 4, 5)));

#endif
