/* render_sync.c - the settings sync: in the dump, and as a bar while somebody waits for it. */
#include "agent/render.h"

#include <string.h>

enum {
	BAR_MIN = 10, /* columns between its brackets */
	BAR_MAX = 40,
	PARTS_MAX = 5,
};

static bool is_positive(const json_t *in, const char *key)
{
	return json_integer_value(json_object_get(in, key)) > 0;
}

static bool has_text(const json_t *in, const char *key)
{
	struct cell text = cell_string(in, key);

	return !cell_is_none(&text);
}

static bool is_status(const json_t *sync, const char *name)
{
	struct cell status = cell_string(sync, "status");

	return cell_is(&status, name);
}

static struct cell rate_of(const json_t *sync)
{
	return cell_of("%s/s", cell_bytes(sync, "rate_bytes_per_s").text);
}

static struct cell left_of(const json_t *sync)
{
	return cell_of("%s left", cell_duration(sync, "left_s", 1000000).text);
}

/* Is there anything to fetch whose amount is known? */
static bool is_measured(const json_t *sync)
{
	return is_status(sync, "syncing") &&
	       (is_positive(sync, "files_total") || is_positive(sync, "bytes_total"));
}

static struct cell join(struct cell text, const char *separator, struct cell more)
{
	return cell_of("%s%s%s", text.text, separator, more.text);
}

/* "fully synced since 2026-01-31 12:00:00 UTC, generation 5.17, 1,234 entries, 56.7 MB" */
static struct cell synced_line(const json_t *sync)
{
	struct cell text = cell_string(sync, "status"), since = cell_time(sync, "synced_at");

	if (page_has(sync, "synced_at")) {
		if (strlen(since.text) > strlen("2026-01-31 12:00:00"))
			since.text[strlen("2026-01-31 12:00:00")] = '\0';
		text = cell_of("%s since %s UTC", text.text, since.text);
	}
	if (page_has(sync, "generation"))
		text = cell_of("%s, generation %s", text.text,
			       cell_string(sync, "generation").text);
	if (is_positive(sync, "entries"))
		text = cell_of("%s, %s entries, %s", text.text, cell_count(sync, "entries").text,
			       cell_bytes(sync, "tree_bytes").text);
	return text;
}

/* "syncing 47 %, fetching: 1.23 GB of 2.56 GB, 812 of 1,730 files, 410 MB/s, 3.0 s left" */
static struct cell syncing_line(const json_t *sync)
{
	struct cell text = cell_string(sync, "status");

	if (is_measured(sync))
		text = cell_of("%s %s %%", text.text, cell_integer(sync, "percent").text);
	if (page_has(sync, "phase"))
		text = join(text, ", ", cell_string(sync, "phase"));
	if (!is_measured(sync))
		return text;
	text = cell_of("%s: %s of %s, %s of %s files", text.text, cell_bytes(sync, "bytes").text,
		       cell_bytes(sync, "bytes_total").text, cell_count(sync, "files").text,
		       cell_count(sync, "files_total").text);
	if (is_positive(sync, "rate_bytes_per_s"))
		text = join(text, ", ", rate_of(sync));
	if (page_has(sync, "left_s"))
		text = join(text, ", ", left_of(sync));
	return text;
}

/* What an operator has to act on is in capitals. */
static struct cell trouble_line(const json_t *sync)
{
	static const struct {
		const char *status, *shown;
	} loud[] = {
		{"out of sync", "OUT OF SYNC"},
		{"sync error", "SYNC ERROR"},
		{"paused", "PAUSED"},
	};
	struct cell text = cell_string(sync, "status");

	for (size_t i = 0; i < sizeof(loud) / sizeof(*loud); i++) {
		if (is_status(sync, loud[i].status))
			text = cell_of("%s", loud[i].shown);
	}
	return has_text(sync, "reason") ? join(text, ": ", cell_string(sync, "reason")) : text;
}

/* How the two stand, where they do not have the same. */
static void render_lag(const struct page *page, const json_t *sync)
{
	struct cell direction = cell_string(sync, "direction"), text;

	if (page_has(sync, "generation") && !is_status(sync, "fully synced"))
		page_line(page, "", "generation %s here, %s there",
			  cell_string(sync, "generation").text,
			  cell_string(sync, "peer_generation").text);
	if (!is_positive(sync, "lag") && !is_positive(sync, "lag_bytes"))
		return;
	text = cell_of("%s behind: %s generation%s",
		       cell_is(&direction, "sends")      ? "the passive is"
		       : cell_is(&direction, "receives") ? "this appliance is"
							 : "the passive is",
		       cell_count(sync, "lag").text,
		       json_integer_value(json_object_get(sync, "lag")) == 1 ? "" : "s");
	if (is_positive(sync, "lag_bytes"))
		text = join(text, ", ", cell_bytes(sync, "lag_bytes"));
	page_line(page, "", "%s", text.text);
}

/* What is not synced, or was put aside. */
static void render_left_out(const struct page *page, const json_t *sync)
{
	struct cell example = cell_string(sync, "example");
	const char *such = cell_is_none(&example) ? "" : ", such as ";

	if (cell_is_none(&example))
		example.text[0] = '\0';
	if (is_positive(sync, "unreadable"))
		page_line(page, "", "UNREADABLE: %s%s%s", cell_count(sync, "unreadable").text, such,
			  example.text);
	if (is_positive(sync, "skipped"))
		page_line(page, "", "skipped: %s sockets, pipes or devices%s%s",
			  cell_count(sync, "skipped").text,
			  is_positive(sync, "unreadable") ? "" : such,
			  is_positive(sync, "unreadable") ? "" : example.text);
	if (is_positive(sync, "conflicts"))
		page_line(page, "", "kept aside after a conflict: %s files, in conflicts/",
			  cell_count(sync, "conflicts").text);
}

/* Exports and imports that did not end well. */
static void render_commands(const struct page *page, const json_t *sections)
{
	static const char *const kinds[] = {"export", "import"};
	const json_t *section;
	size_t i;

	json_array_foreach(sections, i, section)
	{
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
			const json_t *command = json_object_get(section, kinds[k]);
			struct cell last = cell_string(command, "last"),
				    output = cell_string(command, "output");

			if (cell_is_none(&last) || cell_is(&last, "none") ||
			    cell_is(&last, "passed"))
				continue;
			page_line(page, "", "%s of %s: %s%s%s", k == 0 ? "EXPORT" : "IMPORT",
				  cell_string(section, "path").text,
				  render_outcome(command, "last").text,
				  cell_is_none(&output) ? "" : ": ",
				  cell_is_none(&output) ? "" : output.text);
		}
	}
}

void render_sync(const struct page *page, const json_t *sync)
{
	struct cell text;

	if (sync == NULL)
		return;
	if (is_status(sync, "fully synced"))
		text = synced_line(sync);
	else if (is_status(sync, "syncing"))
		text = syncing_line(sync);
	else
		text = trouble_line(sync);
	if (page_has(sync, "paused") && !is_status(sync, "paused")) /* an older daemon */
		text = join(text, "; PAUSED: ", cell_string(sync, "paused"));
	page_line_styled(page,
			 is_status(sync, "out of sync") || is_status(sync, "sync error") ||
					 is_status(sync, "paused")
				 ? PAGE_WARN
				 : PAGE_PLAIN,
			 "settings", "%s", text.text);
	if (is_status(sync, "nothing to sync"))
		return;
	render_lag(page, sync);
	render_left_out(page, sync);
	render_commands(page, json_object_get(sync, "sections"));
}

/* ---- the bar ---- */

/* What stands behind the bar. Where there is no room, the last in this order goes first. */
static unsigned parts_of(const json_t *sync, struct cell part[PARTS_MAX])
{
	unsigned n = 0;

	part[n++] = cell_of("%3s %%", cell_integer(sync, "percent").text);
	if (page_has(sync, "left_s"))
		part[n++] = left_of(sync);
	part[n++] = cell_of("%s of %s", cell_bytes(sync, "bytes").text,
			    cell_bytes(sync, "bytes_total").text);
	if (is_positive(sync, "rate_bytes_per_s"))
		part[n++] = rate_of(sync);
	part[n++] = cell_of("%s of %s files", cell_count(sync, "files").text,
			    cell_count(sync, "files_total").text);
	return n;
}

static struct cell bar_of(unsigned width, const json_t *sync)
{
	json_int_t percent = json_integer_value(json_object_get(sync, "percent"));
	unsigned full;
	char bar[BAR_MAX + 1];

	if (percent < 0 || percent > 100)
		percent = percent < 0 ? 0 : 100;
	full = (unsigned)percent * width / 100;
	memset(bar, '#', full);
	memset(bar + full, '-', width - full);
	bar[width] = '\0';
	return cell_of("[%s]", bar);
}

struct cell render_progress(unsigned columns, const json_t *sync)
{
	struct cell part[PARTS_MAX], text = {""};
	unsigned n, used = BAR_MIN + 2, width;
	const char *rest;

	if (!is_measured(sync)) {
		text = is_status(sync, "fully synced") ? synced_line(sync)
		       : is_status(sync, "syncing")    ? syncing_line(sync)
						       : trouble_line(sync);
		text.text[page_fit(text.text, columns, &rest)] = '\0';
		return text;
	}
	n = parts_of(sync, part);
	for (unsigned i = 0; i < n; i++) {
		unsigned more = 2 + page_columns(part[i].text, strlen(part[i].text));

		if (used + more > columns)
			break;
		used += more;
		text = join(text, "  ", part[i]);
	}
	width = BAR_MIN + (columns > used ? columns - used : 0);
	return join(bar_of(width < BAR_MAX ? width : BAR_MAX, sync), "", text);
}
