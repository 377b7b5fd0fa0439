/* What operators and monitoring are shown of real dumps, those of tests/golden/: the page and the metrics exactly as they
 * stand beside them, and everything good enough for other people's readers. tests/golden/record makes the dumps, and
 * HA_GOLDEN=write what is beside them; look at the difference. Read from the tree: run from its root. */
#include <criterion/criterion.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/advice.h"
#include "agent/render.h"
#include "agent/render_metrics.h"

enum {
	TEXT_MAX = 64 * 1024,
};

static char text[TEXT_MAX], wanted[TEXT_MAX];
static glob_t found;

static void setup(void)
{
	cr_assert_eq(glob("tests/golden/*.json", 0, NULL, &found), 0,
		     "not run from the root of the tree");
	cr_assert_geq(found.gl_pathc, 16);
}

static void teardown(void)
{
	globfree(&found);
}

TestSuite(golden, .init = setup, .fini = teardown);

static json_t *load(const char *file)
{
	json_error_t error;
	json_t *data = json_load_file(file, 0, &error);

	cr_assert_not_null(data, "%s: %s", file, error.text);
	return data;
}

static void page_of(const json_t *data)
{
	const struct page page = {.out = fmemopen(text, sizeof(text), "w"), .width = PAGE_WIDTH};

	cr_assert_not_null(page.out);
	render_dump(&page, data);
	fclose(page.out);
}

static void metrics_of(enum render_metrics_format format, const json_t *data)
{
	FILE *out = fmemopen(text, sizeof(text), "w");

	cr_assert_not_null(out);
	render_metrics(out, format, data);
	fclose(out);
}

/* Is text what stands in FILE with another ending? */
static void compare(const char *file, const char *ending)
{
	const char *mode = getenv("HA_GOLDEN");
	char name[256];
	size_t len;
	FILE *f;

	snprintf(name, sizeof(name), "%.*s%s", (int)(strlen(file) - strlen("json")), file, ending);
	f = fopen(name, mode != NULL && strcmp(mode, "write") == 0 ? "w+" : "r");
	cr_assert_not_null(f, "%s", name);
	if (mode != NULL && strcmp(mode, "write") == 0)
		fputs(text, f);
	rewind(f);
	len = fread(wanted, 1, sizeof(wanted) - 1, f);
	wanted[len] = '\0';
	fclose(f);
	cr_expect_str_eq(text, wanted, "%s", name);
}

static void assert_fits(const char *file)
{
	cr_expect_null(strpbrk(text, "\x1b\t\r"), "%s", file);
	for (const char *line = text; *line != '\0';) {
		size_t len = strcspn(line, "\n");

		cr_expect_leq(page_columns(line, len), PAGE_WIDTH, "%s: %.*s", file, (int)len,
			      line);
		cr_expect(len == 0 || line[len - 1] != ' ', "%s: %.*s|", file, (int)len, line);
		line += len + 1;
	}
}

Test(golden, pages_are_as_they_stand)
{
	for (size_t i = 0; i < found.gl_pathc; i++) {
		json_t *data = load(found.gl_pathv[i]);

		page_of(data);
		json_decref(data);
		assert_fits(found.gl_pathv[i]);
		compare(found.gl_pathv[i], "txt");
	}
}

Test(golden, metrics_are_as_they_stand)
{
	for (size_t i = 0; i < found.gl_pathc; i++) {
		json_t *data = load(found.gl_pathv[i]);

		metrics_of(RENDER_METRICS_OPEN, data);
		json_decref(data);
		compare(found.gl_pathv[i], "om");
	}
}

/* Each state has its sentence, and each piece of advice something to do. */
Test(golden, advice_names_the_states)
{
	static const struct {
		const char *name;
		int worst; /* -1: all is well */
	} states[] = {{"active", -1},
		      {"passive", -1},
		      {"alone", ADVICE_REMARK},
		      {"standalone", ADVICE_REMARK},
		      {"starting", ADVICE_IMPORTANT},
		      {"active-no-peer", ADVICE_IMPORTANT},
		      {"active-suspended", ADVICE_IMPORTANT},
		      {"active-link-cut", ADVICE_IMPORTANT},
		      {"active-syncing", ADVICE_IMPORTANT},
		      {"passive-check-failed", ADVICE_IMPORTANT},
		      {"faulted", ADVICE_CRITICAL}};

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		enum advice_level worst;
		struct advice_list list;
		char file[128];
		json_t *data;

		snprintf(file, sizeof(file), "tests/golden/%s.json", states[i].name);
		data = load(file);
		advice_of(data, &list);
		json_decref(data);
		cr_expect_eq(advice_worst(&list, &worst) ? (int)worst : -1, states[i].worst, "%s",
			     file);
		for (unsigned a = 0; a < list.n; a++) {
			cr_expect_gt(strlen(list.a[a].what.text), 10, "%s", file);
			cr_expect_gt(strlen(list.a[a].remedy.text), 10, "%s", file);
			cr_expect(a == 0 || list.a[a - 1].level >= list.a[a].level, "%s", file);
		}
	}
}

/* ---- other people's readers ---- */

/* tests/valid KIND FILES */
static int valid(const char *kind, const char *files)
{
	char command[256];
	int status;

	cr_assert_lt((size_t)snprintf(command, sizeof(command), "tests/valid %s %s", kind, files),
		     sizeof(command));
	status = system(command);
	cr_assert(WIFEXITED(status), "%s", command);
	if (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127)
		cr_skip_test("a reader is missing: scripts/install-deps");
	return WEXITSTATUS(status);
}

Test(golden, dumps_are_as_the_schema_says)
{
	cr_expect_eq(valid("dump", "tests/golden/*.json"), 0);
}

/* The schema refuses what it should, key by key: any that is missing, any that it does not know. */
Test(golden, the_schema_is_strict)
{
	char file[] = "/tmp/haagent-golden-XXXXXX";
	json_t *data = load("tests/golden/active.json");
	int fd = mkstemp(file);

	cr_assert_geq(fd, 0);
	close(fd);
	cr_assert_eq(json_dump_file(data, file, 0), 0);
	cr_expect_eq(valid("dump", file), 0);
	json_object_set_new(json_object_get(data, "timing"), "of_tomorrow", json_true());
	cr_assert_eq(json_dump_file(data, file, 0), 0);
	cr_expect_eq(valid("dump", file), 1);
	json_object_del(json_object_get(data, "timing"), "of_tomorrow");
	json_object_del(data, "state");
	cr_assert_eq(json_dump_file(data, file, 0), 0);
	cr_expect_eq(valid("dump", file), 1);
	json_decref(data);
	unlink(file);
}

Test(golden, metrics_are_openmetrics)
{
	cr_expect_eq(valid("openmetrics", "tests/golden/*.om"), 0);
}

Test(golden, promtool_finds_nothing_in_the_metrics)
{
	if (system("command -v promtool >/dev/null") != 0)
		cr_skip_test("no promtool: scripts/install-deps");
	for (size_t i = 0; i < found.gl_pathc; i++) {
		json_t *data = load(found.gl_pathv[i]);
		FILE *to = popen("promtool check metrics >&2", "w");

		cr_assert_not_null(to);
		render_metrics(to, RENDER_METRICS_PROMETHEUS, data);
		json_decref(data);
		cr_expect_eq(pclose(to), 0, "%s", found.gl_pathv[i]);
	}
}
