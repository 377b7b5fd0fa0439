/* dump_config.c - the configuration and the program in a dump: what came of the newest reload or upgrade. */
#include <string.h>

#include "agent/dump_json.h"

static json_t *lines_of(const struct config_report *report, enum config_line line)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < report->n; i++)
		if (report->lines[i].line == line)
			json_array_append_new(list, json_string(report->lines[i].text));
	return list;
}

static const char *result_of(const struct config_report *report)
{
	return report->number == 0 ? "none" : report->ok ? "done" : "refused";
}

json_t *dump_configuration(const struct dump_view *view)
{
	static const struct config_report none;
	const struct config_report *report = view->report != NULL ? view->report : &none;
	json_t *out = json_object();

	put_text(out, "file", view->config->file);
	put_number(out, "number", view->config->number);
	put_number(out, "attempts", report->number);
	put_text(out, "attempt",
		 report->number == 0                 ? "none"
		 : report->purpose == CONFIG_UPGRADE ? "upgrade"
						     : "reload");
	put_text(out, "result", result_of(report));
	if (report->number == 0)
		put(out, "time", json_null());
	else
		put_time(out, "time", view->report_at);
	put_text(out, "why", report->why);
	put(out, "mistakes", lines_of(report, CONFIG_MISTAKE));
	put_number(out, "more_mistakes", report->more);
	put(out, "applied", lines_of(report, CONFIG_APPLIED));
	put(out, "needs_restart", lines_of(report, CONFIG_WAITS));
	put_number(out, "upgrades", view->status->u.status.upgrades);
	return out;
}
