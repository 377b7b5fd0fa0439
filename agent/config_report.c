/* config_report.c - see config_report.h. */
#include "agent/config_report.h"

#include <string.h>

#include "agent/text.h"

static void copy_text(char out[CONFIG_LINE_MAX], const char text[CONFIG_LINE_MAX])
{
	text_head(out, CONFIG_LINE_MAX, text, strnlen(text, CONFIG_LINE_MAX));
}

bool config_report_take(struct config_report *report, const struct config_news *news)
{
	if (news->line < CONFIG_BEGINS || news->line >= CONFIG_LINE_N || news->ok > 1)
		return false;
	if (news->line == CONFIG_BEGINS) {
		if (news->purpose != CONFIG_RELOAD && news->purpose != CONFIG_UPGRADE)
			return false;
		*report = (struct config_report){
			.number = news->number,
			.purpose = (enum config_purpose)news->purpose,
		};
	} else if (news->line == CONFIG_ENDS) {
		report->ended = true;
		report->ok = news->ok != 0;
		copy_text(report->why, news->text);
	} else if (report->n == CONFIG_LINES_MAX) {
		report->more++;
	} else {
		report->lines[report->n].line = (enum config_line)news->line;
		copy_text(report->lines[report->n++].text, news->text);
	}
	return true;
}

bool config_report_valid(const struct config_report *report)
{
	if (report->number == 0 || report->n > CONFIG_LINES_MAX ||
	    !text_valid(report->why, sizeof(report->why)))
		return false;
	for (unsigned i = 0; i < report->n; i++)
		if (!text_valid(report->lines[i].text, sizeof(report->lines[i].text)))
			return false;
	return true;
}
