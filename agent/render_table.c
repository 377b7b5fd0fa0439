/* render_table.c - the requirements as a table. */
#include "agent/render.h"

#include <string.h>

enum {
	TITLE_WIDTH = 20,
	RESULT_WIDTH = 7,
	GAP = 2,
	COLUMNS = 4,
};

static bool passes(const json_t *row)
{
	struct cell result = cell_string(row, "result");

	return cell_is(&result, "pass");
}

struct render_count render_count(const json_t *rows)
{
	struct render_count count = {0};
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		struct cell result = cell_string(row, "result");

		if (cell_is(&result, "pass"))
			count.passed++;
		else if (cell_is(&result, "fail"))
			count.failed++;
		else
			count.unknown++;
	}
	return count;
}

static void columns(const struct page *page, const char *text[COLUMNS])
{
	unsigned value = (page->width - TITLE_WIDTH - RESULT_WIDTH - 3 * GAP) / 2;
	const unsigned width[COLUMNS] = {TITLE_WIDTH, RESULT_WIDTH, value, value};
	bool more;

	do {
		unsigned owed = 0; /* spaces; none at the end of a line */

		more = false;
		for (int i = 0; i < COLUMNS; i++) {
			const char *from = text[i];
			unsigned bytes = page_fit(from, width[i], &text[i]);

			if (bytes > 0) {
				fprintf(page->out, "%*s%.*s", (int)owed, "", (int)bytes, from);
				owed = 0;
			}
			owed += width[i] + GAP - page_columns(from, bytes);
			more = more || *text[i] != '\0';
		}
		fputc('\n', page->out);
	} while (more);
}

static void table_row(const struct page *page, const json_t *row)
{
	struct cell title = cell_string(row, page_has(row, "title") ? "title" : "name");
	struct cell result = cell_string(row, "result");
	struct cell local = cell_string(row, "local"), peer = cell_string(row, "peer");
	const char *text[COLUMNS] = {title.text, result.text, local.text, peer.text};

	if (cell_is(&result, "fail"))
		text[1] = "FAIL";
	columns(page, text);
}

/* Of rows one below the other that have the same remedy the last shows it. */
static void table_remedy(const struct page *page, const json_t *row, const json_t *below)
{
	struct cell remedy = cell_string(row, "remedy"), other = cell_string(below, "remedy");

	if (passes(row) || cell_is_none(&remedy))
		return;
	if (below == NULL || passes(below) || !cell_is(&other, remedy.text))
		page_hang(page, "    -> ", remedy.text);
}

static void table(const struct page *page, const json_t *rows, bool open_only)
{
	const char *head[COLUMNS] = {"requirement", "result", "here", "there"};
	const json_t *row;
	size_t i;

	columns(page, head);
	json_array_foreach(rows, i, row)
	{
		if (open_only && passes(row))
			continue;
		table_row(page, row);
		table_remedy(page, row, json_array_get(rows, i + 1));
	}
}

void render_table(const struct page *page, const json_t *rows)
{
	table(page, rows, false);
}

void render_table_open(const struct page *page, const json_t *rows)
{
	table(page, rows, true);
}
