/* What pages are told: of a real dump, of one by another version of the agent, and without any. */
#include "console/state.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static json_t *dump, *state, *live;

static void take(const char *golden)
{
	json_error_t error;

	dump = json_load_file(golden, 0, &error);
	cr_assert_not_null(dump, "not run from the root of the tree: %s", error.text);
}

static void setup(void)
{
	take("tests/golden/active.json");
}

static void teardown(void)
{
	json_decref(dump);
	json_decref(state);
	json_decref(live);
	state = live = NULL;
}

TestSuite(console_state, .init = setup, .fini = teardown);

static const json_t *member(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	cr_assert_not_null(value, "%s", key);
	return value;
}

static const char *text(const json_t *object, const char *key)
{
	cr_assert(json_is_string(member(object, key)), "%s", key);
	return json_string_value(member(object, key));
}

static void make(void)
{
	state = state_make(dump, "", &live);
	cr_assert_not_null(state);
}

Test(console_state, an_agent_that_tells_all_is_the_console)
{
	make();
	cr_expect_eq(state_screen(state), STATE_CONSOLE);
	cr_expect_str_eq(text(member(state, "agent"), "text"), "");
	cr_expect_eq(json_array_size(member(member(state, "agent"), "missing")), 0);
	cr_expect_not_null(live);
}

Test(console_state, only_the_passive_one_of_a_pair_is_managed_elsewhere)
{
	static const struct {
		const char *golden;
		enum state_screen screen;
	} known[] = {
		{"tests/golden/active-no-peer.json", STATE_CONSOLE},
		{"tests/golden/standalone.json", STATE_CONSOLE},
		{"tests/golden/faulted.json",
		 STATE_CONSOLE}, /* alone: its address is somebody else's */
		{"tests/golden/passive.json", STATE_STANDBY},
		{"tests/golden/passive-deaf.json", STATE_STANDBY},
		{"tests/golden/suspended.json", STATE_STANDBY},
		{"tests/golden/starting.json", STATE_STANDBY},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		teardown();
		take(known[i].golden);
		make();
		cr_expect_eq(state_screen(state), known[i].screen, "%s", known[i].golden);
	}
}

Test(console_state, without_an_agent_it_says_why)
{
	state = state_make(NULL, "the agent is not running", &live);
	cr_expect_eq(state_screen(state), STATE_DOWN);
	cr_expect_str_eq(text(member(state, "agent"), "text"), "the agent is not running");
	cr_expect(json_is_false(member(member(state, "agent"), "up")));
	cr_expect_null(live);
}

/* Whatever a page cannot do without: the name of the key, and both versions. */
Test(console_state, an_agent_that_lacks_a_key_is_not_shown_by_halves)
{
	static const char *const keys[] = {"role", "operations", "history", "paths", "takeover"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		json_object_set_new(dump, "version", json_string("0.0.9"));
		json_object_del(dump, keys[i]);
		make();
		cr_expect_eq(state_screen(state), STATE_DOWN, "%s", keys[i]);
		cr_expect_not_null(strstr(text(member(state, "agent"), "text"), keys[i]));
		cr_expect_not_null(strstr(text(member(state, "agent"), "text"), "0.0.9"));
		cr_expect(json_is_true(member(member(state, "agent"), "up")));
		cr_expect_null(live);
		teardown();
		setup();
	}
}

Test(console_state, what_an_older_agent_cannot_do_is_not_possible_for_that_reason)
{
	const json_t *operation;

	json_object_del(json_object_get(dump, "operations"), "virtual_ip");
	make();
	cr_expect_eq(state_screen(state), STATE_CONSOLE);
	operation = member(member(state, "operations"), "virtual_ip");
	cr_expect(json_is_false(member(operation, "allowed")));
	cr_expect_not_null(strstr(text(operation, "reason"), "older"));
	operation = member(member(state, "operations"), "swap");
	cr_expect(json_is_true(member(operation, "allowed")));
}

Test(console_state, what_an_older_agent_does_not_measure_is_said)
{
	json_t *path;
	size_t i;

	json_array_foreach(json_object_get(dump, "paths"), i, path)
		json_object_del(path, "last_second");
	make();
	cr_expect_str_eq(
		json_string_value(json_array_get(member(member(state, "agent"), "missing"), 0)),
		"last_second");
	cr_expect(json_is_null(member(json_array_get(member(live, "paths"), 0), "last_second")));
}
