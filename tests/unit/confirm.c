/* What is said and asked before something that is not easily undone. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "agent/confirm.h"

static char text[8192];

static bool answered(const char *typed, const char *word)
{
	FILE *in = *typed != '\0' ? fmemopen((void *)(uintptr_t)typed, strlen(typed), "r")
				  : fopen("/dev/null", "r");
	FILE *out = fmemopen(text, sizeof(text), "w");
	bool yes;

	cr_assert(in != NULL && out != NULL);
	yes = confirm_ask(in, out, word);
	fclose(in);
	fclose(out);
	return yes;
}

static const char *explained(const struct action *action, const json_t *data)
{
	FILE *out = fmemopen(text, sizeof(text), "w");
	const struct page page = {.out = out, .width = PAGE_WIDTH};

	cr_assert(out != NULL);
	confirm_explain(&page, action, "eth3", data);
	fclose(out);
	return text;
}

Test(confirm, the_word_alone_is_a_yes)
{
	static const char *const no[] = {"",          "\n",
					 "y\n",       "YES\n",
					 "yes",       " yes\n",
					 "yes \n",    "yes!\n",
					 "no\n",      "ye\n",
					 "yess\n",    "force\n",
					 "no\nyes\n", "yesyesyesyesyesyesyes\n"};

	cr_expect(answered("yes\n", "yes"));
	cr_expect(answered("yes\nrest", "yes"));
	cr_expect(strstr(text, "\"yes\""));
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		cr_expect_not(answered(no[i], "yes"), "'%s'", no[i]);
}

Test(confirm, force_wants_its_own_word)
{
	cr_assert_str_eq(confirm_word(ACTION_FORCE), "force");
	cr_expect(answered("force\n", confirm_word(ACTION_FORCE)));
	cr_expect(strstr(text, "\"force\""));
	cr_expect_not(answered("yes\n", confirm_word(ACTION_FORCE)));
}

Test(confirm, whoever_asks_has_a_word_and_an_explanation)
{
	for (enum action_verb verb = ACTION_NONE; verb < ACTION_VERB_N; verb++) {
		const struct action action = {.verb = verb, .address = "192.0.2.1"};

		cr_expect_eq(confirm_word(verb) != NULL, action_asks(verb), "%s",
			     action_name(verb));
		if (action_asks(verb))
			cr_expect(strstr(explained(&action, NULL), "\n  - "), "%s",
				  action_name(verb));
	}
}

/* The keys are compared by eye: whole, one below the other, on one line each. */
Test(confirm, join_shows_both_fingerprints)
{
	const struct action join = {.verb = ACTION_JOIN, .address = "192.0.2.11"};
	json_t *data = json_pack(
		"{s:s, s:s, s:s}", "fingerprint",
		"SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg", "peer_fingerprint",
		"SHA256:jp1Q2Wy0oP+Kz3fK0a1m1c4i5a0l8xkCq7tQq2J9l4s", "peer_host_name", "be\x1bta");

	explained(&join, data);
	json_decref(data);
	cr_expect(strstr(text,
			 "here            SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg\n"
			 "  there           "
			 "SHA256:jp1Q2Wy0oP+Kz3fK0a1m1c4i5a0l8xkCq7tQq2J9l4s  be?ta\n"),
		  "%s", text);
	cr_expect(strstr(text, "192.0.2.11") && strstr(text, "eth3"), "%s", text);
	cr_expect(strstr(text, "its settings are replaced"), "%s", text);
	cr_expect(strstr(text, "stops processing"), "%s", text);
	cr_expect(strstr(text, "virtual IP"), "%s", text);
}

Test(confirm, the_others_show_who_the_two_are)
{
	const struct action remove_it = {.verb = ACTION_REMOVE};
	json_t *dump =
		json_pack("{s:s, s:s, s:{s:s, s:s, s:i}}", "host_name", "alpha", "state", "active",
			  "peer", "host_name", "beta", "state", "passive", "last_heard_ms", 61000);

	explained(&remove_it, dump);
	cr_expect(strstr(text, "alpha: active\n"), "%s", text);
	cr_expect(strstr(text, "beta: passive, last heard 1 min 1 s ago\n"), "%s", text);
	cr_expect(strstr(text, "may still think itself"), "%s", text);
	json_object_set_new(json_object_get(dump, "peer"), "state", json_null());
	explained(&remove_it, dump);
	cr_expect(strstr(text, "beta: not heard since this agent started\n"), "%s", text);
	json_object_set_new(dump, "peer", json_null());
	explained(&remove_it, dump);
	cr_expect(strstr(text, "not part of a pair\n"), "%s", text);
	json_decref(dump);
}
