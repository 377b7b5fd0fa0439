/* render_config.c - what came of the newest reload or upgrade, for people. */
#include "agent/render.h"

static void lines(const struct page *page, const char *label, const json_t *list)
{
	const json_t *line;
	size_t i;

	json_array_foreach(list, i, line)
		page_line(page, i == 0 ? label : "", "%s",
			  cell_of("%s", json_is_string(line) ? json_string_value(line) : "?").text);
}

bool render_config(const struct page *page, const json_t *configuration)
{
	struct cell attempt = cell_string(configuration, "attempt"),
		    result = cell_string(configuration, "result"),
		    why = cell_string(configuration, "why"),
		    waits = cell_list(configuration, "needs_restart", ", "),
		    applied = cell_list(configuration, "applied", ", ");

	if (configuration == NULL || cell_is(&result, "none"))
		return true;
	if (cell_is(&result, "done")) {
		page_line(page, attempt.text, "done: %s",
			  cell_is_none(&applied) ? "nothing has changed" : applied.text);
		if (!cell_is_none(&waits))
			page_line(page, "", "NEEDS A RESTART, and is as it was: %s", waits.text);
		return true;
	}
	page_line(page, attempt.text, "REFUSED: %s", why.text);
	lines(page, "mistakes", json_object_get(configuration, "mistakes"));
	return false;
}
