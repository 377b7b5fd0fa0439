/* SPEC.md and the dissector say the numbers that the code has. Read from the tree: run from its root. */
#include "proto/msg.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

static const struct {
	enum msg_type type;
	const char *name, *section; /* what its heading begins with; NULL: laid out elsewhere */
} types[] = {{MSG_BEACON, "BEACON", "3.1 BEACON"},
	     {MSG_HANDSHAKE, "HANDSHAKE", NULL},
	     {MSG_HEARTBEAT, "HEARTBEAT", "3.3 HEARTBEAT"},
	     {MSG_SOLICIT, "SOLICIT", "3.4 SOLICIT and ANSWER"},
	     {MSG_ANSWER, "ANSWER", "3.4 SOLICIT and ANSWER"},
	     {MSG_IDENTITY, "IDENTITY", "3.5 IDENTITY"},
	     {MSG_JOIN, "JOIN", "3.6 JOIN"},
	     {MSG_DETACH, "DETACH", "3.7 DETACH"},
	     {MSG_DISOWN, "DISOWN", "3.8 DISOWN"},
	     {MSG_ACCOUNT, "ACCOUNT", "3.11 ACCOUNT"},
	     {MSG_ADDRESSES, "ADDRESSES", "3.13 ADDRESSES"}};

enum {
	TYPES = sizeof(types) / sizeof(*types),
};

static char text[256 * 1024];

static void read_file(const char *name)
{
	FILE *in = fopen(name, "r");
	size_t len;

	cr_assert_not_null(in, "%s: not run from the root of the tree", name);
	len = fread(text, 1, sizeof(text) - 1, in);
	cr_assert(len > 0 && len < sizeof(text) - 1);
	fclose(in);
	text[len] = '\0';
}

/* The lines under the heading, up to the next one; cut out of text. */
static char *section(const char *heading)
{
	char wanted[64], *from, *to;

	snprintf(wanted, sizeof(wanted), "\n### %s\n", heading);
	from = strstr(text, wanted);
	cr_assert_not_null(from, "no section %s", heading);
	from += strlen(wanted);
	to = strstr(from, "\n## ");
	if (strstr(from, "\n### ") != NULL && (to == NULL || strstr(from, "\n### ") < to))
		to = strstr(from, "\n### ");
	if (to != NULL)
		*to = '\0';
	return from;
}

static size_t total(enum msg_type type)
{
	return MSG_HEADER_LEN + msg_body_len(type) + msg_tag_len(type);
}

Test(spec, s2_2_lists_every_type_with_its_lengths)
{
	unsigned rows = 0, type;
	char *line;

	read_file("proto/SPEC.md");
	for (line = strtok(section("2.2 Types"), "\n"); line; line = strtok(NULL, "\n")) {
		char name[16], body[16], length[32], tag[16], path[16];

		if (sscanf(line, "| %u | %15[A-Z] | %15[^|]| %31[^|]| %15[^|]| %15[a-z] |", &type,
			   name, body, length, tag, path) != 6)
			continue;
		cr_assert(rows < TYPES && type == types[rows].type, "%s", line);
		cr_assert_str_eq(name, types[rows].name);
		cr_assert_eq(strcmp(tag, "yes ") == 0, msg_tag_len(type) == MSG_TAG_LEN, "%s",
			     line);
		cr_assert_str_eq(path, type == MSG_JOIN ? "link" : "both");
		if (types[rows++].section == NULL)
			continue;
		cr_assert_eq(strtoul(body, NULL, 10), msg_body_len(type), "%s", line);
		cr_assert_eq(strtoul(length, NULL, 10), total(type), "%s", line);
	}
	cr_assert_eq(rows, TYPES);
	cr_assert_eq(msg_body_len(MSG_ADDRESSES + 1), 0, "a type that is not listed");
}

/* The fields of a table of offsets follow each other without a gap; where they end. */
static size_t fields_end(char *lines)
{
	size_t end = 0, offset, len, times;

	for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, "| %zu | %zu x %zu |", &offset, &times, &len) == 3)
			len *= times;
		else if (sscanf(line, "| %zu | %zu |", &offset, &len) != 2)
			continue;
		cr_assert_eq(offset, end, "%s", line);
		end += len;
	}
	return end;
}

Test(spec, s3_lays_out_each_body_whole)
{
	for (size_t i = 0; i < TYPES; i++) {
		char *lines, *stated;

		if (types[i].section == NULL)
			continue;
		read_file("proto/SPEC.md");
		lines = section(types[i].section);
		stated = strstr(lines, "Total ");
		cr_assert_not_null(stated, "%s", types[i].name);
		cr_assert_eq(strtoul(stated + strlen("Total "), NULL, 10), total(types[i].type),
			     "%s", types[i].name);
		cr_assert_eq(fields_end(lines), msg_body_len(types[i].type), "%s", types[i].name);
	}
}

Test(spec, the_dissector_has_the_same_types_and_lengths)
{
	read_file("scripts/haagent.lua");
	for (size_t i = 0; i < TYPES; i++) {
		char entry[64], *numbers = strstr(text, "local BEACON, ");
		size_t len = msg_body_len(types[i].type), number = 0;

		cr_assert_not_null(numbers);
		numbers = strchr(numbers, '=');
		for (size_t skip = 0; skip <= i; skip++)
			number = strtoul(numbers + 1, &numbers, 10);
		cr_assert_eq(number, types[i].type, "%s", types[i].name);
		snprintf(entry, sizeof(entry), "[%s] = %zu,", types[i].name, len);
		cr_assert_eq(strstr(text, entry) != NULL, len != 0, "%s", entry);
	}
}
