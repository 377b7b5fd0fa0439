/* What came of a reload, line by line. */
#include "agent/config_report.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

static struct config_news line(enum config_line which, const char *text)
{
	struct config_news news = {.line = (uint8_t)which, .purpose = CONFIG_RELOAD, .number = 3};

	snprintf(news.text, sizeof(news.text), "%s", text);
	return news;
}

static bool take(struct config_report *report, enum config_line which, const char *text)
{
	struct config_news news = line(which, text);

	return config_report_take(report, &news);
}

Test(config_report, gathers_an_attempt_and_forgets_it_at_the_next)
{
	struct config_report report = {0};

	cr_assert(!config_report_valid(&report), "there was none yet");
	cr_assert(take(&report, CONFIG_BEGINS, ""));
	cr_expect(!report.ended);
	cr_assert(take(&report, CONFIG_MISTAKE, "FILE:3: no"));
	cr_assert(take(&report, CONFIG_ENDS, "it is wrong"));
	cr_expect_eq(report.number, 3);
	cr_expect_eq(report.purpose, CONFIG_RELOAD);
	cr_expect(report.ended);
	cr_expect(!report.ok);
	cr_expect_eq(report.n, 1);
	cr_expect_str_eq(report.lines[0].text, "FILE:3: no");
	cr_expect_str_eq(report.why, "it is wrong");
	cr_expect(config_report_valid(&report));
	cr_assert(take(&report, CONFIG_BEGINS, ""));
	cr_expect_eq(report.n, 0);
	cr_expect(!report.ended);
}

Test(config_report, counts_what_it_has_no_room_for)
{
	struct config_report report = {0};

	cr_assert(take(&report, CONFIG_BEGINS, ""));
	for (int i = 0; i < CONFIG_LINES_MAX + 5; i++)
		cr_assert(take(&report, CONFIG_MISTAKE, "one"));
	cr_expect_eq(report.n, (unsigned)CONFIG_LINES_MAX);
	cr_expect_eq(report.more, 5);
	cr_expect(config_report_valid(&report));
}

Test(config_report, takes_nothing_that_is_out_of_range)
{
	struct config_report report = {0}, before;
	struct config_news news = line(CONFIG_LINE_N, "");

	cr_assert(take(&report, CONFIG_BEGINS, ""));
	before = report;
	cr_expect(!config_report_take(&report, &news));
	news = line(CONFIG_ENDS, "");
	news.ok = 2;
	cr_expect(!config_report_take(&report, &news));
	news = line(CONFIG_BEGINS, "");
	news.purpose = CONFIG_UPGRADE + 1;
	cr_expect(!config_report_take(&report, &news));
	news = (struct config_news){.line = 0};
	cr_expect(!config_report_take(&report, &news));
	cr_expect_eq(memcmp(&before, &report, sizeof(report)), 0);
}

Test(config_report, keeps_no_text_without_an_end_or_with_controls)
{
	struct config_report report = {0};
	struct config_news news = line(CONFIG_MISTAKE, "a\033[2Jb");

	cr_assert(take(&report, CONFIG_BEGINS, ""));
	cr_assert(config_report_take(&report, &news));
	cr_expect_str_eq(report.lines[0].text, "a [2Jb");
	memset(news.text, 'x', sizeof(news.text));
	cr_assert(config_report_take(&report, &news));
	cr_expect_eq(strlen(report.lines[1].text), (size_t)CONFIG_LINE_MAX - 1);
	cr_expect(config_report_valid(&report));
	memset(report.lines[1].text, 'x', sizeof(report.lines[1].text));
	cr_expect(!config_report_valid(&report));
	report.n = CONFIG_LINES_MAX + 1;
	cr_expect(!config_report_valid(&report));
}
