/* The command line's side of the control socket, without a daemon: what it asks, and what it makes of the answer. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "agent/action.h"

static char printed[8192], complained[1024];

static void assert_request(const struct action *action, const char *fingerprint,
			   const char *expected)
{
	json_t *request = action_request(action, fingerprint);
	char *text = json_dumps(request, JSON_COMPACT);

	cr_expect_str_eq(text, expected);
	free(text);
	json_decref(request);
}

/* The exit code; what was printed is in the two above. */
static enum action_exit report(const struct action *action, const char *answer)
{
	json_t *data = json_loads(answer, 0, NULL);
	FILE *errors = fmemopen(complained, sizeof(complained), "w");
	const struct page page = {.out = tmpfile(), .width = PAGE_WIDTH};
	enum action_exit code;
	size_t len;

	cr_assert(data != NULL && page.out != NULL && errors != NULL, "%s", answer);
	memset(complained, 0, sizeof(complained));
	code = action_report(action, data, &page, errors);
	rewind(page.out);
	len = fread(printed, 1, sizeof(printed) - 1, page.out);
	printed[len] = '\0';
	fclose(page.out);
	fclose(errors);
	json_decref(data);
	return code;
}

Test(action, requests_have_what_their_action_takes)
{
	assert_request(&(struct action){.verb = ACTION_DUMP, .json = true}, NULL,
		       "{\"action\":\"dump\"}");
	assert_request(&(struct action){.verb = ACTION_WHY}, NULL, "{\"action\":\"why\"}");
	assert_request(&(struct action){.verb = ACTION_TEST, .address = "192.0.2.1"}, NULL,
		       "{\"action\":\"test-connection\",\"address\":\"192.0.2.1\"}");
	assert_request(&(struct action){.verb = ACTION_JOIN, .address = "2001:db8::1", .yes = true},
		       "SHA256:abc",
		       "{\"action\":\"join\",\"address\":\"2001:db8::1\","
		       "\"peer_fingerprint\":\"SHA256:abc\"}");
	assert_request(&(struct action){.verb = ACTION_SUSPEND}, NULL, "{\"action\":\"suspend\"}");
	assert_request(&(struct action){.verb = ACTION_SUSPEND, .seconds = 900}, NULL,
		       "{\"action\":\"suspend\",\"seconds\":900}");
	assert_request(&(struct action){.verb = ACTION_DETACH}, NULL, "{\"action\":\"detach\"}");
	assert_request(&(struct action){.verb = ACTION_REMOVE}, NULL, "{\"action\":\"remove\"}");
	assert_request(&(struct action){.verb = ACTION_FORCE}, NULL,
		       "{\"action\":\"force-active\"}");
	assert_request(&(struct action){.verb = ACTION_IS_ACTIVE}, NULL,
		       "{\"action\":\"is-active\"}");
	assert_request(&(struct action){.verb = ACTION_SYNC}, NULL, "{\"action\":\"sync\"}");
	assert_request(&(struct action){.verb = ACTION_BARRIER}, NULL,
		       "{\"action\":\"barrier\",\"seconds\":10}");
	assert_request(&(struct action){.verb = ACTION_BARRIER, .seconds = 3}, NULL,
		       "{\"action\":\"barrier\",\"seconds\":3}");
	assert_request(
		&(struct action){.verb = ACTION_VIRTUAL_IP, .addresses = "192.0.2.1,2001:db8::1"},
		NULL, "{\"action\":\"virtual_ip\",\"addresses\":[\"192.0.2.1\",\"2001:db8::1\"]}");
	assert_request(&(struct action){.verb = ACTION_VIRTUAL_IP, .addresses = "none"}, NULL,
		       "{\"action\":\"virtual_ip\",\"addresses\":[]}");
}

Test(action, only_what_cannot_be_undone_asks)
{
	for (enum action_verb verb = ACTION_NONE; verb < ACTION_VERB_N; verb++)
		cr_expect_eq(action_asks(verb), verb == ACTION_JOIN || verb == ACTION_DETACH ||
							verb == ACTION_REMOVE ||
							verb == ACTION_FORCE);
}

Test(action, durations_have_one_unit)
{
	static const struct {
		const char *text;
		uint32_t seconds;
	} good[] = {
		{"1", 1},      {"30s", 30},          {"15m", 900},          {"2h", 7200},
		{"1d", 86400}, {"30d", 2592000},     {"720h", 2592000},     {"43200m", 2592000},
		{"007s", 7},   {"2592000", 2592000}, {"2592000s", 2592000},
	};
	uint32_t seconds;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		seconds = 0;
		cr_expect(action_duration(good[i].text, &seconds), "%s", good[i].text);
		cr_expect_eq(seconds, good[i].seconds, "%s", good[i].text);
	}
}

Test(action, what_is_no_duration_is_refused_and_changes_nothing)
{
	static const char *const bad[] = {
		"",           "0",
		"0s",         "-1",
		"+1",         "s",
		"1x",         "1 h",
		" 1h",        "1h ",
		"1h30m",      "1.5h",
		"1H",         "0x10",
		"31d",        "721h",
		"43201m",     "2592001",
		"1ss",        "forever",
		"1h\n",       "99999999999999999999",
		"4294967297", "999999999d",
		"\xc2\xb2s",
	};
	uint32_t seconds = 17;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_expect_not(action_duration(bad[i], &seconds), "'%s'", bad[i]);
	cr_expect_eq(seconds, 17);
}

Test(action, a_barrier_waits_an_hour_at_most)
{
	uint32_t seconds = 0;

	cr_expect(action_patience("3600", &seconds));
	cr_expect_eq(seconds, 3600);
	cr_expect(action_patience("2m", &seconds));
	cr_expect_eq(seconds, 120);
	cr_expect_not(action_patience("3601", &seconds));
	cr_expect_not(action_patience("2h", &seconds));
	cr_expect_not(action_patience("0", &seconds));
	cr_expect_not(action_patience("json", &seconds));
	cr_expect_eq(seconds, 120, "a no changes nothing");
}

#define ROW(result)                                                                                \
	"{\"name\":\"host_name\",\"title\":\"Host name\",\"result\":\"" result                     \
	"\",\"local\":\"alpha\",\"peer\":\"beta\",\"remedy\":\"Name one otherwise.\"}"

Test(action, test_is_done_when_every_row_passes)
{
	const struct action test = {.verb = ACTION_TEST, .address = "192.0.2.1"};

	cr_expect_eq(report(&test,
			    "{\"result\":\"done\",\"text\":\"all requirements are met\","
			    "\"data\":{\"requirements\":[" ROW("pass") "," ROW("pass") "]}}"),
		     ACTION_DONE);
	cr_expect(strstr(printed, "\nA join is possible: all requirements are met.\n"), "%s",
		  printed);
	cr_expect_str_eq(complained, "");
}

Test(action, test_says_how_many_rows_do_not_pass)
{
	const struct action test = {.verb = ACTION_TEST, .address = "192.0.2.1"};

	cr_expect_eq(report(&test, "{\"result\":\"refused\",\"text\":\"\",\"data\":"
				   "{\"requirements\":[" ROW("pass") "," ROW("fail") "," ROW(
					   "unknown") "]}}"),
		     ACTION_REFUSED);
	cr_expect(strstr(printed, "A join is not possible. Requirements: 1 met, 1 not met, 1 "
				  "unknown.\n"),
		  "%s", printed);
}

/* Also where the answer contradicts itself. */
Test(action, test_that_is_done_with_a_row_that_fails_is_not_done)
{
	const struct action test = {.verb = ACTION_TEST, .address = "192.0.2.1"};

	cr_expect_eq(report(&test,
			    "{\"result\":\"done\",\"data\":{\"requirements\":[" ROW("fail") "]}}"),
		     ACTION_REFUSED);
	cr_expect_eq(report(&test, "{\"result\":\"done\",\"data\":{\"requirements\":[]}}"),
		     ACTION_REFUSED);
	cr_expect(strstr(complained, "not understood"), "%s", complained);
	cr_expect_eq(report(&test, "{\"result\":\"done\"}"), ACTION_REFUSED);
}

Test(action, test_that_is_refused_though_all_is_met_says_why)
{
	const struct action test = {.verb = ACTION_TEST, .address = "192.0.2.1"};

	cr_expect_eq(report(&test, "{\"result\":\"refused\",\"text\":\"a join is under way\","
				   "\"data\":{\"requirements\":[" ROW("pass") "]}}"),
		     ACTION_REFUSED);
	cr_expect(strstr(printed, "A join is not possible: a join is under way\n"), "%s", printed);
}

Test(action, test_without_a_table_says_why)
{
	const struct action test = {.verb = ACTION_TEST, .address = "192.0.2.1"};

	cr_expect_eq(report(&test, "{\"result\":\"refused\",\"text\":\"part of a pair\"}"),
		     ACTION_REFUSED);
	cr_expect_str_eq(printed, "");
	cr_expect_str_eq(complained, "part of a pair\n");
}

Test(action, test_as_json_is_the_data_and_the_same_exit_code)
{
	const struct action test = {.verb = ACTION_TEST, .address = "192.0.2.1", .json = true};
	json_t *data;

	cr_expect_eq(report(&test, "{\"result\":\"refused\",\"text\":\"no\",\"data\":"
				   "{\"requirements\":[" ROW("fail") "],\"address\":\"x\"}}"),
		     ACTION_REFUSED);
	cr_expect_str_eq(complained, "");
	data = json_loads(printed, 0, NULL);
	cr_assert(data != NULL, "%s", printed);
	cr_expect_str_eq(json_string_value(json_object_get(data, "address")), "x");
	json_decref(data);
}

Test(action, json_has_nothing_that_a_terminal_would_act_on)
{
	const struct action dump = {.verb = ACTION_DUMP, .json = true};
	json_t *data;

	cr_expect_eq(report(&dump, "{\"result\":\"done\",\"data\":{\"host_name\":"
				   "\"a\\u009b2J\\u001b\\u202eb\\u00e9\"}}"),
		     ACTION_DONE);
	for (const char *at = printed; *at != '\0'; at++)
		cr_expect(*at == '\n' || (*at >= ' ' && *at <= '~'), "%s", printed);
	data = json_loads(printed, 0, NULL);
	cr_assert(data != NULL, "%s", printed);
	cr_expect_str_eq(json_string_value(json_object_get(data, "host_name")), "a\xc2\x9b"
										"2J\x1b\xe2\x80\xae"
										"b\xc3\xa9");
	json_decref(data);
}

Test(action, join_that_is_refused_shows_the_rows_that_do_not_pass)
{
	const struct action join = {.verb = ACTION_JOIN, .address = "192.0.2.1"};

	cr_expect_eq(report(&join, "{\"result\":\"refused\",\"text\":\"occupied\",\"data\":"
				   "{\"requirements\":[{\"title\":\"Hardware model\","
				   "\"result\":\"pass\",\"local\":\"1100\",\"peer\":\"1100\"}," ROW(
					   "fail") "]}}"),
		     ACTION_REFUSED);
	cr_expect(strstr(printed, "Host name") && strstr(printed, "Name one otherwise."), "%s",
		  printed);
	cr_expect_not(strstr(printed, "Hardware model"), "%s", printed);
	cr_expect_str_eq(complained, "occupied\n");
}

Test(action, is_active_speaks_by_its_exit_code)
{
	const struct action is_active = {.verb = ACTION_IS_ACTIVE};

	cr_expect_eq(report(&is_active, "{\"result\":\"done\",\"text\":\"\",\"data\":"
					"{\"active\":true,\"role\":\"active\"}}"),
		     ACTION_DONE);
	cr_expect_str_eq(printed, "", "nobody watches");
	cr_expect_eq(report(&is_active, "{\"result\":\"done\",\"text\":\"\",\"data\":"
					"{\"active\":false,\"role\":\"passive\"}}"),
		     ACTION_REFUSED);
	cr_expect_eq(report(&is_active, "{\"result\":\"done\",\"text\":\"\"}"), ACTION_REFUSED);
	cr_expect_str_eq(complained, "");
	cr_expect_eq(report(&is_active, "{\"result\":\"error\",\"text\":\"still starting\"}"),
		     ACTION_REFUSED);
	cr_expect_str_eq(complained, "still starting\n");
}

Test(action, what_was_done_goes_out_and_why_not_to_the_errors)
{
	const struct action swap = {.verb = ACTION_SWAP};

	cr_expect_eq(report(&swap, "{\"result\":\"done\",\"text\":\"swapped \\u001b[2J\"}"),
		     ACTION_DONE);
	cr_expect_str_eq(printed, "swapped ?[2J\n");
	cr_expect_eq(report(&swap, "{\"result\":\"refused\",\"text\":\"not ready\"}"),
		     ACTION_REFUSED);
	cr_expect_str_eq(printed, "");
	cr_expect_str_eq(complained, "not ready\n");
	cr_expect_eq(report(&swap, "{\"result\":\"refused\"}"), ACTION_REFUSED);
	cr_expect_str_eq(complained, "haagent: refused\n");
	cr_expect_eq(report(&swap, "{\"result\":7}"), ACTION_REFUSED);
	cr_expect(strstr(complained, "not understood"));
}
