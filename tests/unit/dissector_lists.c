/* The dissector's lists of names are those of the program. Read from the tree: run from its root. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/msg.h"
#include "proto/msg_names.h"
#include "proto/node.h"
#include "proto/reason.h"
#include "proto/requirement.h"

enum {
	NAMES_MAX = 128,
	NAME_MAX_LEN = 96,
};

static char text[256 * 1024];
static char names[NAMES_MAX][NAME_MAX_LEN];

static void setup(void)
{
	FILE *in = fopen("scripts/haagent.lua", "r");
	size_t len;

	cr_assert_not_null(in, "not run from the root of the tree");
	len = fread(text, 1, sizeof(text) - 1, in);
	cr_assert(len > 0 && len < sizeof(text) - 1);
	fclose(in);
	text[len] = '\0';
}

TestSuite(dissector_lists, .init = setup);

/* The strings behind "<start>" up to the closing brace, in order; how many. *from_zero: does it begin with [0]? */
static unsigned list(const char *start, bool *from_zero)
{
	const char *at = strstr(text, start), *end;
	unsigned n = 0;

	cr_assert_not_null(at, "%s", start);
	at += strlen(start);
	end = strchr(at, '}');
	cr_assert_not_null(end);
	*from_zero = false;
	while ((at = strpbrk(at, "\"}")) != NULL && at < end) {
		const char *quote = strchr(at + 1, '"');

		if (n == 0)
			*from_zero = at - 4 > text && strncmp(at - 6, "[0] = ", 6) == 0;
		cr_assert(quote != NULL && quote - at - 1 < NAME_MAX_LEN && n < NAMES_MAX);
		memcpy(names[n], at + 1, (size_t)(quote - at - 1));
		names[n++][quote - at - 1] = '\0';
		at = quote + 1;
	}
	return n;
}

typedef const char *name_fn(unsigned value);

/* Values from first to last - 1 have the names of the list, and there are no more. */
static void check(const char *start, unsigned first, unsigned end, name_fn *name_of)
{
	bool from_zero;
	unsigned n = list(start, &from_zero);

	cr_expect_eq(n, end - first, "%s has %u names", start, n);
	cr_expect_eq(from_zero, first == 0, "%s", start);
	for (unsigned i = 0; i < n && first + i < end; i++)
		cr_expect_str_eq(names[i], name_of(first + i), "%s", start);
}

#define NAME(wrapper, type, function)                                                              \
	static const char *wrapper(unsigned value)                                                 \
	{                                                                                          \
		return function((enum type)value);                                                 \
	}

NAME(path_name, ha_path, ha_path_name)
NAME(mode_name, ha_mode, ha_mode_name)
NAME(state_name, ha_state, ha_state_name)
NAME(claim_name, ha_claim, ha_claim_name)
NAME(text_of_reason, ha_reason, reason_text)
NAME(rule_of_reason, ha_reason, reason_rule)
NAME(event_name, node_event_code, node_event_name)
NAME(name_of_requirement, requirement, requirement_name)

Test(dissector_lists, numbers_have_the_names_that_the_program_has)
{
	check("local paths = {", 0, HA_PATH_N, path_name);
	check("local patterns = {", 0, 2, msg_pattern_name);
	check("local modes = {", 0, HA_MODE_N, mode_name);
	check("local states = {", 0, HA_STATE_N, state_name);
	check("local claims = {", 0, HA_CLAIM_N, claim_name);
	check("local phases = {", 0, HANDOVER_N, msg_phase_name);
	check("local reasons = {", 0, REASON_N, text_of_reason);
	check("local rules = {", 0, REASON_N, rule_of_reason);
	check("local events = {", 0, EVENT_CODE_N, event_name);
	check("local join_ops = {", JOIN_REQUEST, JOIN_OP_N, msg_join_op_name);
	check("local refusals = {", 0, JOIN_REFUSAL_N, msg_join_refusal_name);
	check("local causes = {", 0, CAUSE_N, msg_cause_name);
	check("local detach_ops = {", DETACH_REQUEST, DETACH_OP_N, msg_detach_op_name);
	check("local detach_refusals = {", 0, DETACH_REFUSAL_N, msg_detach_refusal_name);
	check("local addresses_ops = {", ADDRESSES_PROPOSE, ADDRESSES_OP_N, msg_addresses_op_name);
	check("local addresses_refusals = {", 0, ADDRESSES_REFUSAL_N, msg_addresses_refusal_name);
	check("local partings = {", 0, PARTING_N, msg_parting_name);
}

static const char *flag_name(unsigned i)
{
	return msg_flag_name(1U << (i - 1));
}

static const char *identity_flag_name(unsigned i)
{
	return i == 1 ? "direct" : "addresses";
}

static const char *why_not_name(unsigned i)
{
	return msg_why_not_name(1U << (i - 1));
}

static const char *requirement_field(unsigned i)
{
	return name_of_requirement(i - 1);
}

static unsigned bits_of(unsigned all)
{
	return (unsigned)__builtin_popcount(all);
}

/* From 1 on, as lists are counted there: the lowest bit first; the order on the wire. */
Test(dissector_lists, fields_have_the_names_that_the_program_has)
{
	check("heartbeat_flags = {", 1, 1 + bits_of(MSG_FLAG_ALL), flag_name);
	check("why_not = {", 1, 1 + bits_of(WHY_NOT_ALL), why_not_name);
	check("identity_flags = {", 1, 1 + bits_of(MSG_IDENTITY_ALL), identity_flag_name);
	check("local requirements = {", 1, 1 + REQUIREMENT_N, requirement_field);
}

static unsigned number_of(const char *name)
{
	char wanted[32];
	const char *at;

	snprintf(wanted, sizeof(wanted), "[%s] = \"%s\"", name, name);
	at = strstr(text, wanted);
	return at != NULL;
}

Test(dissector_lists, every_type_is_in_its_table_and_no_other)
{
	const char *table = strstr(text, "local types = {");
	unsigned known = 0, listed = 0;

	cr_assert_not_null(table);
	for (unsigned type = 0; type < 256; type++) {
		const char *name = msg_type_name(type);

		if (name[0] == '?')
			continue;
		known++;
		cr_expect(number_of(name), "%s", name);
	}
	for (const char *at = table; *at != '}'; at++)
		listed += at[0] == ']' && at[1] == ' ';
	cr_expect_eq(listed, known);
}

Test(dissector_lists, what_has_no_name_is_a_question_mark)
{
	cr_expect_str_eq(msg_type_name(0), "?");
	cr_expect_str_eq(msg_type_name(1000), "?");
	cr_expect_str_eq(msg_flag_name(0), "?");
	cr_expect_str_eq(msg_flag_name(MSG_FLAG_ALL + 1), "?");
	cr_expect_str_eq(msg_why_not_name(WHY_NOT_ALL + 1), "?");
	cr_expect_str_eq(msg_cause_name(CAUSE_N), "?");
	cr_expect_str_eq(msg_join_op_name(0), "?");
	cr_expect_str_eq(msg_detach_op_name(DETACH_OP_N), "?");
}
