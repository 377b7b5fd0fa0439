/* What of other people's text is kept. */
#include "agent/text.h"

#include <criterion/criterion.h>

#include <string.h>

Test(text, characters_are_those_of_rfc_3629_without_the_controls)
{
	static const struct {
		const char *bytes;
		size_t len;
	} good[] = {{" ", 1},
		    {"~", 1},
		    {"\xc2\xa0", 2},
		    {"\xdf\xbf", 2},
		    {"\xe0\xa0\x80", 3},
		    {"\xed\x9f\xbf", 3},
		    {"\xf0\x90\x80\x80", 4},
		    {"\xf4\x8f\xbf\xbf", 4}};
	static const char *const bad[] = {"\x01",
					  "\x1f",
					  "\x7f",
					  "\x80",
					  "\xc0\xaf",
					  "\xc2\x9f",
					  "\xe0\x9f\xbf",
					  "\xed\xa0\x80",
					  "\xf0\x8f\xbf\xbf",
					  "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80",
					  "\xc3(",
					  "\xe2\x82(",
					  "\xf0\x9f\x98("};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		cr_expect_eq(text_character(good[i].bytes, good[i].len), good[i].len, "good %zu",
			     i);
		cr_expect_eq(text_character(good[i].bytes, good[i].len - 1), 0, "cut %zu", i);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_eq(text_character(bad[i], strlen(bad[i])), 0, "bad %zu", i);
}

Test(text, a_field_is_valid_with_its_end_inside)
{
	cr_expect(text_valid("", 1));
	cr_expect(text_valid("Z\xc3\xbcrich", 8));
	cr_expect_not(text_valid("Zurich", 6), "no end within it");
	cr_expect_not(text_valid("a\nb", 4));
	cr_expect(text_valid("a\0\n", 4), "what is behind the end is nobody's business");
}

static void expect_head(const char *in, size_t cap, const char *want)
{
	char out[64];

	memset(out, 'x', sizeof(out));
	text_head(out, cap, in, strlen(in));
	cr_expect_str_eq(out, want);
}

static void expect_tail(const char *in, size_t cap, const char *want)
{
	char out[64];

	memset(out, 'x', sizeof(out));
	text_tail(out, cap, in, strlen(in));
	cr_expect_str_eq(out, want);
}

Test(text, what_is_no_text_becomes_one_space_between_what_is)
{
	expect_head("\n one\r\n\ttwo\x1b[0m\xff three\n", 64, "one two [0m three");
	expect_tail("\n one\r\n\ttwo\x1b[0m\xff three\n", 64, "one two [0m three");
	expect_head(" \n\n", 64, "");
	expect_head("", 1, "");
}

Test(text, what_does_not_fit_is_cut_by_whole_characters)
{
	expect_head("one two", 8, "one two");
	expect_head("one two", 7, "one tw");
	expect_head("one two", 5, "one");
	expect_head("\xc3\xa4\xc3\xb6\xc3\xbc", 6, "\xc3\xa4\xc3\xb6");
	expect_head("\xc3\xa4", 1, "");
	expect_tail("one two", 8, "one two");
	expect_tail("one two", 7, "ne two");
	expect_tail("one two", 5, "two");
	expect_tail("\xc3\xa4\xc3\xb6\xc3\xbc", 6, "\xc3\xb6\xc3\xbc");
	expect_tail("\xc3\xa4", 1, "");
}
