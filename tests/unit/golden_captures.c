/* Captures that the labs of tests/system recorded (tests/golden), as --decode and as the dissector show them: to the byte.
 *
 * What is meant to be another now is written anew with HA_GOLDEN=write, and looked at in the difference. Run from the root of
 * the tree; the dissector's part is skipped where there is no tshark.
 */
#include "agent/decode.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static const char *const captures[] = {"join", "takeover", "sync", "parting", "malformed"};

static char shown[1024 * 1024], expected[1024 * 1024];

static void name_of(char out[128], const char *capture, const char *what)
{
	snprintf(out, 128, "tests/golden/%s.%s", capture, what);
}

static void read_all(FILE *in, char *out, size_t cap)
{
	size_t len;

	cr_assert_not_null(in, "not run from the root of the tree");
	len = fread(out, 1, cap - 1, in);
	cr_assert_lt(len, cap - 1);
	out[len] = '\0';
}

/* Where two texts begin to differ, as a line of each: whole captures are too long for a report. */
static void compare(const char *name)
{
	size_t at = 0, line = 1, begin = 0;

	while (shown[at] != '\0' && shown[at] == expected[at]) {
		if (shown[at] == '\n') {
			line++;
			begin = at + 1;
		}
		at++;
	}
	cr_expect_eq(shown[at], expected[at], "%s, line %zu:\n  is   %.*s\n  was  %.*s", name, line,
		     (int)strcspn(shown + begin, "\n"), shown + begin,
		     (int)strcspn(expected + begin, "\n"), expected + begin);
}

static void check(const char *capture, const char *what)
{
	const char *mode = getenv("HA_GOLDEN");
	char name[128];
	FILE *file;

	name_of(name, capture, what);
	if (mode != NULL && strcmp(mode, "write") == 0) {
		file = fopen(name, "w");
		cr_assert(file != NULL && fputs(shown, file) >= 0 && fclose(file) == 0);
		return;
	}
	file = fopen(name, "r");
	read_all(file, expected, sizeof(expected));
	fclose(file);
	cr_assert_str_not_empty(expected);
	compare(name);
}

Test(golden_captures, decoded)
{
	for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
		struct decode_count count;
		char name[128], why[256];
		FILE *in, *out;

		name_of(name, captures[i], "pcapng");
		in = fopen(name, "r");
		out = fmemopen(shown, sizeof(shown), "w");
		cr_assert(in != NULL && out != NULL, "%s", name);
		cr_assert_eq(decode_stream(in, out, &count, why), 0, "%s", why);
		fclose(out);
		cr_expect_eq(count.malformed > 0, strcmp(captures[i], "malformed") == 0);
		cr_expect_eq(count.foreign, 0);
		check(captures[i], "decode");
	}
}

Test(golden_captures, dissected)
{
	if (system("command -v tshark >/dev/null") != 0)
		cr_skip_test("no tshark");
	for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
		char command[256];
		FILE *from;

		snprintf(command, sizeof(command),
			 "tshark -X lua_script:scripts/haagent.lua -r tests/golden/%s.pcapng "
			 "-O haagent 2>/dev/null",
			 captures[i]);
		from = popen(command, "r");
		read_all(from, shown, sizeof(shown));
		cr_assert_eq(pclose(from), 0);
		cr_expect_null(strstr(shown, "Lua Error"));
		check(captures[i], "tshark");
	}
}

/* tcpdump has no names for any of it, but takes each frame. */
Test(golden_captures, read_by_tcpdump)
{
	if (system("command -v tcpdump >/dev/null") != 0)
		cr_skip_test("no tcpdump");
	for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
		char command[256];

		snprintf(command, sizeof(command),
			 "[ $(tcpdump -nr tests/golden/%s.pcapng 2>/dev/null | grep -c 0x88b5) = "
			 "$(wc -l <tests/golden/%s.decode) ]",
			 captures[i], captures[i]);
		cr_expect_eq(system(command), 0, "%s", command);
	}
}
