/* The manual and the schema name what the code names. Read from the tree: run from its root. */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/check.h"
#include "agent/command.h"
#include "agent/dump_sync.h"
#include "proto/drop.h"
#include "proto/node.h"

enum {
	NAMES_MAX = 128,
	TEXT_MAX = 512 * 1024,
};

struct names {
	unsigned n;
	char name[NAMES_MAX][64];
};

static char text[TEXT_MAX];

static void read_file(const char *name)
{
	FILE *in = fopen(name, "r");
	size_t len;

	cr_assert_not_null(in, "%s: not run from the root of the tree", name);
	len = fread(text, 1, sizeof(text) - 1, in);
	cr_assert(len > 0 && len < sizeof(text) - 1, "%s", name);
	fclose(in);
	text[len] = '\0';
}

static bool is_in(const struct names *names, const char *name)
{
	for (unsigned i = 0; i < names->n; i++)
		if (strcmp(names->name[i], name) == 0)
			return true;
	return false;
}

static void add(struct names *names, const char *name, size_t len)
{
	char copy[64];

	cr_assert(len > 0 && len < sizeof(copy) && names->n < NAMES_MAX, "%.*s", (int)len, name);
	memcpy(copy, name, len);
	copy[len] = '\0';
	if (!is_in(names, copy))
		memcpy(names->name[names->n++], copy, len + 1);
}

static void assert_same(const struct names *code, const struct names *manual)
{
	for (unsigned i = 0; i < code->n; i++)
		cr_expect(is_in(manual, code->name[i]), "%s is not in the manual", code->name[i]);
	for (unsigned i = 0; i < manual->n; i++)
		cr_expect(is_in(code, manual->name[i]), "%s is not in the code", manual->name[i]);
}

/* What is tagged by .It Ic in a section of haagent.8, with the rest of its line. */
static void tags_of(const char *section, struct names *out)
{
	char heading[64];
	const char *from, *to;

	read_file("agent/haagent.8");
	(void)snprintf(heading, sizeof(heading), "\n.Sh %s\n", section);
	from = strstr(text, heading);
	cr_assert_not_null(from, "%s", section);
	to = strstr(from + 1, "\n.Sh ");
	cr_assert_not_null(to);
	while ((from = strstr(from, "\n.It Ic ")) != NULL && from < to) {
		from += strlen("\n.It Ic ");
		add(out, from, strcspn(from, "\n"));
	}
}

/* An event of the history is logged under the same name, and with a priority by its level. */
Test(manual, lists_the_events_with_their_levels)
{
	struct names code = {0}, manual = {0};

	for (unsigned event = EVENT_NONE + 1; event < EVENT_CODE_N; event++) {
		enum node_event_code which = (enum node_event_code)event;
		char tag[64];

		(void)snprintf(tag, sizeof(tag), "%s No %s", node_event_name(which),
			       which == EVENT_STATE
				       ? "by the states"
				       : node_level_name(node_event_level(
						 which, HA_PASSIVE, HA_PASSIVE, REASON_NONE)));
		add(&code, tag, strlen(tag));
	}
	tags_of("EVENTS", &manual);
	assert_same(&code, &manual);
}

/* The first string of each call to log_event() and log_now(). */
static void logged_in(const char *file, struct names *out)
{
	read_file(file);
	for (const char *at = text; (at = strstr(at, "log_")) != NULL;) {
		const char *end, *name;

		at += strlen("log_");
		if (strncmp(at, "event(", 6) != 0 && strncmp(at, "now(", 4) != 0)
			continue;
		end = strstr(at, ";");
		name = strchr(at, '"');
		if (end == NULL || name == NULL || name > end || strncmp(at, "event(int ", 10) == 0)
			continue; /* declared; or the name comes from a table */
		name++;
		if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")] == '"')
			add(out, name, strcspn(name, "\""));
	}
}

Test(manual, lists_whatever_else_is_logged)
{
	static const char *const where[] = {"agent/*.c", "agent/sync/*.c"};
	struct names code = {0}, manual = {0};

	for (size_t i = 0; i < sizeof(where) / sizeof(*where); i++) {
		glob_t found;

		cr_assert_eq(glob(where[i], 0, NULL, &found), 0);
		for (size_t f = 0; f < found.gl_pathc; f++)
			logged_in(found.gl_pathv[f], &code);
		globfree(&found);
	}
	cr_assert_gt(code.n, 30);
	tags_of("LOG", &manual);
	assert_same(&code, &manual);
}

static void expect_described(const char *name)
{
	char wanted[96];

	(void)snprintf(wanted, sizeof(wanted), "\"%s\"", name);
	cr_expect(strstr(text, wanted), "%s is not in the schema", wanted);
}

/* A dump of tomorrow's state has to be one that the schema allows. */
Test(manual, schema_knows_every_name_that_a_dump_can_have)
{
	read_file("agent/dump.schema.json");
	for (unsigned i = 0; i < ROLE_N; i++)
		expect_described(node_role_name((enum node_role)i));
	for (unsigned i = 0; i < HA_STATE_N; i++)
		expect_described(ha_state_name((enum ha_state)i));
	for (unsigned i = 0; i < DUMP_SYNC_STATUS_N; i++)
		expect_described(dump_sync_status_name((enum dump_sync_status)i));
	for (unsigned i = 0; i < CHECK_STATE_N; i++)
		expect_described(check_state_name((enum check_state)i));
	for (unsigned i = 0; i < COMMAND_OUTCOME_N; i++)
		expect_described(command_outcome_name((enum command_outcome)i));
	for (unsigned bit = 1; bit <= WHY_NOT_ALL; bit <<= 1)
		expect_described(node_why_not_name((enum msg_why_not)bit));
	for (unsigned i = DROP_NONE + 1; i < DROP_N; i++) {
		char pattern[64];

		(void)snprintf(pattern, sizeof(pattern), "^(link|management)\\\\.%s$",
			       drop_name((enum ha_drop)i));
		expect_described(pattern);
	}
}
