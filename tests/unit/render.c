/* The page that an operator reads: against a fixed answer, and against answers with anything missing. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <pty.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/render.h"

/* As the engine answers; the peer's name carries an escape and a C1 control. */
static const char answer[] =
	"{\"version\":\"0.1.0\",\"host_name\":\"alpha\",\"mode\":\"primary (active)\","
	"\"state\":\"active\",\"reason\":\"peer silent on both paths\",\"rule\":\"T2\","
	"\"since_ms\":192000,\"term\":6,"
	"\"fingerprint\":\"SHA256:abc\",\"timing\":{\"name\":\"default\","
	"\"heartbeat_ms\":20,\"dead_ms\":100,\"confirm_ms\":5},\"degraded\":true,"
	"\"peer\":{\"state\":\"passive\",\"host_name\":\"be\\u001bta\\u009b\","
	"\"mode\":\"primary (passive)\",\"claim\":\"none\","
	"\"reason\":\"the peer holds the virtual IP\","
	"\"management_addresses\":[\"192.0.2.11\",\"2001:db8::11\"],"
	"\"fingerprint\":\"SHA256:def\",\"last_heard_ms\":12,\"boot\":3,\"ready\":false,"
	"\"why_not\":[\"no whole copy of the settings\",\"suspended\"]},"
	"\"paths\":[{\"name\":\"link\",\"interface\":\"eth3\",\"state\":\"up\","
	"\"carrier\":true,\"rtt_us\":85,\"rtt_worst_us\":1250,"
	"\"heartbeats_sent\":123456,\"heartbeats_received\":123450,"
	"\"worst_gap_ms\":21.5,\"margin_ms\":78.5,\"session_age_s\":7260},"
	"{\"name\":\"management\",\"interface\":\"eth0\",\"state\":\"silent\","
	"\"carrier\":false,\"rtt_us\":0,\"rtt_worst_us\":0,\"heartbeats_sent\":10,"
	"\"heartbeats_received\":0,\"worst_gap_ms\":0,\"margin_ms\":100,"
	"\"session_age_s\":null}],"
	"\"virtual_ip\":[{\"address\":\"192.0.2.100\",\"held\":true},"
	"{\"address\":\"2001:db8::100\",\"held\":false}],"
	"\"sync\":{\"status\":\"paused\",\"direction\":\"sends\",\"phase\":null,"
	"\"reason\":\"the firmware differs\",\"paused\":\"the firmware differs\","
	"\"percent\":100,\"files\":0,\"files_total\":0,\"bytes\":0,\"bytes_total\":0,"
	"\"rate_bytes_per_s\":0,\"left_s\":null,\"generation\":\"6.12\","
	"\"peer_generation\":\"6.10\",\"digest\":\"00\",\"lag\":2,\"lag_bytes\":1234567,"
	"\"synced_at\":\"2026-01-31T11:59:00.000000Z\",\"skipped\":2,\"unreadable\":1234,"
	"\"example\":\"/etc/appliance/a\\u001bb\",\"conflicts\":7,\"entries\":1234,"
	"\"tree_bytes\":56700000,\"memory_bytes\":1,\"watches\":9,\"scanning\":false,"
	"\"stream\":null,\"sections\":[{\"path\":\"/etc/appliance\",\"export\":null,"
	"\"import\":null},{\"path\":\"/srv/export\",\"export\":{\"last\":\"failed\","
	"\"running\":false,\"status\":5,\"took_ms\":120,\"runs\":9,\"bad\":1,\"ended\":null,"
	"\"output\":\"database is locked\"},\"import\":{\"last\":\"passed\",\"status\":0}}]},"
	"\"takeover\":{\"ready\":false,\"reasons\":[\"no whole copy of the settings\","
	"\"suspended\"]},"
	"\"guardian\":{\"fence\":true,\"realtime\":false,\"locked\":true,\"restored\":0,"
	"\"engine_starts\":1,\"steward_starts\":2},"
	"\"witness\":{\"policy\":\"auto\",\"evidence_ms\":15,"
	"\"stations\":[{\"address\":\"192.0.2.1\",\"mac\":\"02:00:00:00:00:01\","
	"\"answered\":true},{\"address\":\"2001:db8::1\",\"mac\":\"\",\"answered\":false}]},"
	"\"role\":\"active\","
	"\"degraded_reasons\":[\"management is silent\",\"the passive is not ready: no whole copy "
	"of "
	"the settings\"],"
	"\"suspension\":{\"suspended\":true,\"until\":\"2026-01-31T12:15:00.000000Z\","
	"\"left_s\":852},"
	"\"registration\":{\"allowed\":true,\"address\":\"192.0.2.100\",\"addresses\":[\"192.0.2."
	"100\",\"2001:db8::100\"],"
	"\"reason\":\"active\"},"
	"\"parting\":\"removed\","
	"\"strangers\":[{\"fingerprint\":\"SHA256:ghi\",\"name\":\"gam\u202ema\","
	"\"why\":\"detached\",\"last_heard_ms\":800}],"
	"\"checks\":[{\"name\":\"analyzer\",\"state\":\"passing\",\"failing\":false,"
	"\"failed\":false,\"last\":\"passed\",\"status\":0,\"attempts\":0,\"runs\":1234,\"bad\":4,"
	"\"took_ms\":12},{\"name\":\"a-check-of-a-longer-name\",\"state\":\"failed\","
	"\"failing\":true,\"failed\":true,\"last\":\"failed\",\"status\":-9,\"attempts\":2,"
	"\"runs\":12,\"bad\":9,\"took_ms\":3000},{\"name\":\"new\",\"state\":\"unknown\","
	"\"failing\":false,\"failed\":false,\"last\":\"none\",\"status\":0,\"attempts\":0,"
	"\"runs\":0,\"bad\":0,\"took_ms\":0}],"
	"\"hooks\":[{\"name\":\"role-active\",\"outcome\":\"failed\",\"status\":1,"
	"\"took_ms\":120,\"transition\":196610,"
	"\"output\":\"cannot start the analyzer: no licence was found\"},"
	"{\"name\":\"registration\",\"outcome\":\"none\",\"status\":0,\"took_ms\":0,"
	"\"transition\":0,\"output\":\"\"}],"
	"\"requirements\":[{\"name\":\"hardware_model\",\"title\":\"Hardware model\","
	"\"result\":\"pass\",\"local\":\"1100\",\"peer\":\"1100\",\"remedy\":\"\"},"
	"{\"name\":\"version\",\"title\":\"Firmware, hotfix, and patch version\","
	"\"result\":\"fail\",\"local\":\"7.1.0\",\"peer\":\"7.1.1\",\"remedy\":\"Update.\"}],"
	"\"counters\":{\"link.replayed\":2,\"link.bad_tag\":0,"
	"\"floods\":1},\"lateness_us\":{\"worst\":343,\"last\":21},"
	"\"history\":[{\"time\":\"2026-01-31T12:00:00.123456Z\",\"event\":\"state\","
	"\"from\":\"passive\",\"to\":\"active\",\"reason\":\"peer silent on both paths\","
	"\"rule\":\"T2\",\"term\":6,\"detail\":0},"
	"{\"time\":\"2026-01-31T12:00:01.000456Z\",\"event\":\"path_down\","
	"\"from\":\"active\",\"to\":\"active\",\"reason\":\"\",\"rule\":\"\",\"term\":6,"
	"\"detail\":1}]}";

static const char as_it_should_read[] =
	"CRITICAL: alpha is active, and be?ta?? CANNOT take over.\n"
	"  ! the virtual IP 2001:db8::100 is not on the interface\n"
	"    -> Is IPv4 or IPv6 switched off on the management interface, or the\n"
	"       interface down? See journalctl -u haagent.\n"
	"  ! the check a-check-of-a-longer-name fails, and cannot be recovered\n"
	"    -> Repair that service on this appliance.\n"
	"  * the hook role-active ended badly: failed\n"
	"    -> Does what it starts or stops do so? See hooks below, and journalctl -u\n"
	"       haagent.\n"
	"  * be?ta?? cannot take over: no whole copy of the settings\n"
	"  * be?ta?? cannot take over: suspended\n"
	"    -> See haagent(8), and --history.\n"
	"  * the management interface eth0 has no carrier\n"
	"    -> Plug its cable in; or what it leads to is switched off.\n"
	"  * the settings are not copied: the firmware differs\n"
	"    -> Settings that are changed now are on one appliance only, until both run\n"
	"       the same version.\n"
	"  * not met: Firmware, hotfix, and patch version (here 7.1.0, there 7.1.1)\n"
	"    -> Update.\n"
	"  - 1,234 settings cannot be read, such as /etc/appliance/a?b\n"
	"    -> They are not on the other appliance. Are their names or contents damaged?\n"
	"  - 7 files that had to give way are kept aside\n"
	"    -> Look at conflicts/ in the state directory, take over what is needed, and\n"
	"       remove the rest.\n"
	"  - real-time scheduling was refused\n"
	"    -> Start it by its unit, or as root with CAP_SYS_NICE: a busy machine delays\n"
	"       heartbeats.\n"
	"  - an appliance that is no member is heard: gam???ma\n"
	"    -> Is it to join, or wired to the wrong place? See strangers below.\n"
	"\n"
	"alpha (haagent 0.1.0)\n"
	"  role            active\n"
	"  state           active (degraded), since 3 min 12 s\n"
	"  reason          peer silent on both paths [T2]\n"
	"  active is       this appliance\n"
	"  degraded        management is silent; the passive is not ready: no whole copy\n"
	"                  of the settings\n"
	"  suspended       for 14 min 12 s, until 2026-01-31 12:15:00 UTC: no takeover\n"
	"  set up as       primary (active)\n"
	"  last pair       ended: the other appliance has removed this one\n"
	"  term            6\n"
	"  fingerprint     SHA256:abc\n"
	"  timing          default: heartbeat 20 ms, dead after 100 ms, confirm 5 ms\n"
	"\n"
	"virtual IP\n"
	"  192.0.2.100                              held\n"
	"  2001:db8::100                            not held\n"
	"\n"
	"redundancy\n"
	"  takeover        NOT READY: no whole copy of the settings; suspended\n"
	"  settings        PAUSED: the firmware differs\n"
	"                  generation 6.12 here, 6.10 there\n"
	"                  the passive is behind: 2 generations, 1.23 MB\n"
	"                  UNREADABLE: 1,234, such as /etc/appliance/a?b\n"
	"                  skipped: 2 sockets, pipes or devices\n"
	"                  kept aside after a conflict: 7 files, in conflicts/\n"
	"                  EXPORT of /srv/export: failed (status 5) in 120 ms: database\n"
	"                  is locked\n"
	"  requirements    1 met, 1 NOT MET, 0 unknown\n"
	"                  Firmware, hotfix, and patch version: FAIL (here 7.1.0, there\n"
	"                  7.1.1)\n"
	"  registration    allowed, as 192.0.2.100, 2001:db8::100\n"
	"\n"
	"peer\n"
	"  name            be?ta??\n"
	"  state           passive: the peer holds the virtual IP\n"
	"  set up as       primary (passive)\n"
	"  virtual IP      none\n"
	"  takeover        not ready: no whole copy of the settings; suspended\n"
	"  addresses       192.0.2.11, 2001:db8::11\n"
	"  fingerprint     SHA256:def\n"
	"  last heard      12 ms ago, in start 3 of its agent\n"
	"\n"
	"strangers\n"
	"  gam???ma        detached; heard 800 ms ago\n"
	"                  SHA256:ghi\n"
	"\n"
	"checks\n"
	"  analyzer        passing; last run passed in 12 ms; 4 of 1234 runs failed\n"
	"  a-check-of-a-longer-name\n"
	"                  failed, beyond recovery; last run failed (signal 9) in 3.0 s;\n"
	"                  9 of 12 runs failed; attempts at recovery: 2\n"
	"  new             unknown\n"
	"\n"
	"hooks\n"
	"  role-active     failed (status 1) in 120 ms: cannot start the analyzer: no\n"
	"                  licence was found\n"
	"  registration    has not run\n"
	"\n"
	"paths              interface        state      carrier      session\n"
	"  link                  eth3           up          yes   2 h 01 min\n"
	"  management            eth0       silent           NO            -\n"
	"heartbeats              sent     received         lost\n"
	"  link               123,456      123,450            -\n"
	"  management              10            0            -\n"
	"times             round trip  worst of it    worst gap   dead after       margin\n"
	"  link                 85 us      1.25 ms      21.5 ms       100 ms      78.5 ms\n"
	"  management               -            -            -       100 ms       100 ms\n"
	"\n"
	"witness\n"
	"  policy          auto\n"
	"  segment heard   15 ms ago\n"
	"  stations        192.0.2.1                      02:00:00:00:00:01  answered\n"
	"                  2001:db8::1                    -                  unanswered\n"
	"\n"
	"agent\n"
	"  guardian        fence on, real-time OFF, memory locked\n"
	"  starts          engine 1, steward 2; addresses put back 0\n"
	"  lateness        worst 343 us, last 21 us\n"
	"\n"
	"counters\n"
	"  link.replayed                                       2\n"
	"  floods                                              1\n"
	"\n"
	"history (UTC; ! critical, * important)\n"
	"  2026-01-31 12:00:00.123  passive -> active, term 6: peer silent on both paths\n"
	"                           [T2]\n"
	"  2026-01-31 12:00:01.000  path down (management)\n";
static char text[16384];

static void show(void (*render)(const struct page *, const json_t *), const json_t *data,
		 unsigned width)
{
	const struct page page = {.out = fmemopen(text, sizeof(text), "w"), .width = width};

	cr_assert(page.out != NULL);
	render(&page, data);
	fclose(page.out);
}

static void render(const char *json)
{
	json_t *data = json_loads(json, JSON_DECODE_ANY, NULL);

	cr_assert(data != NULL);
	show(render_dump, data, PAGE_WIDTH);
	json_decref(data);
}

Test(render, dump_is_the_page_as_it_should_read)
{
	render(answer);
	cr_expect_str_eq(text, as_it_should_read);
}

/* Every key of data, and of the objects in it, in turn. */
static void change_keys(json_t *whole, json_t *data)
{
	static const char *const other[] = {"null",          "[]",    "{}", "17", "true", "\"x\"",
					    "[null, 1, {}]", "-1e300"};
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(data, next, key, value)
	{
		json_incref(value);
		if (json_is_object(value))
			change_keys(whole, value);
		for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
			json_object_set_new(data, key, json_loads(other[i], JSON_DECODE_ANY, NULL));
			show(render_dump, whole, PAGE_WIDTH);
			cr_expect_geq(strlen(text), 400, "%s = %s", key, other[i]);
		}
		json_object_set_new(data, key, value);
	}
}

/* A client of another version than its daemon. */
Test(render, any_key_may_be_missing_or_of_another_kind)
{
	json_t *data = json_loads(answer, 0, NULL);

	change_keys(data, data);
	show(render_dump, data, PAGE_WIDTH);
	cr_expect_str_eq(text, as_it_should_read, "all is in its place again");
	json_decref(data);
	render("{}");
	cr_expect(strstr(text, "peer\n  none\n") != NULL);
	render("7");
	cr_expect(strstr(text, "\n- (haagent -)\n"), "%s", text);
}

static void assert_within(unsigned columns)
{
	for (const char *line = text; *line != '\0';) {
		size_t len = strcspn(line, "\n");

		cr_expect_leq(page_columns(line, len), columns, "%.*s", (int)len, line);
		line += len + 1;
	}
}

Test(render, dump_fits_a_terminal_of_80_columns)
{
	render(answer);
	assert_within(80);
}

static void assert_plain(void)
{
	for (const char *at = text; *at != '\0'; at++)
		cr_assert(*at == '\n' || (unsigned char)*at >= ' ', "%d: %s", *at, text);
}

/* Strings as long and as nasty as a peer could make them, in every place, in turn. */
static void lengthen(json_t *whole, json_t *data)
{
	static const char nasty[] =
		"an\x1b[31mendless\nname of a peer that states what it likes and "
		"does-not-stop-where-a-line-of-a-terminal-does\xe2\x80\xae\r "
		"but goes on and on for longer than any line may be";
	json_t *value;
	const char *key;
	void *next;
	size_t i;

	if (json_is_array(data)) {
		json_array_foreach(data, i, value) lengthen(whole, value);
		return;
	}
	json_object_foreach_safe(data, next, key, value)
	{
		if (!json_is_string(value)) {
			lengthen(whole, value);
			continue;
		}
		json_incref(value);
		json_object_set_new(data, key, json_string(nasty));
		show(render_dump, whole, PAGE_WIDTH);
		assert_within(PAGE_WIDTH);
		assert_plain();
		json_object_set_new(data, key, value);
	}
}

Test(render, no_string_makes_a_line_too_long_or_writes_to_the_terminal)
{
	json_t *data = json_loads(answer, 0, NULL);

	lengthen(data, data);
	json_decref(data);
}

/* What is left without the colours is the page; each line ends plain. */
Test(render, colour_adds_nothing_but_colour)
{
	struct page page = {
		.out = fmemopen(text, sizeof(text), "w"), .width = PAGE_WIDTH, .colour = true};
	json_t *data = json_loads(answer, 0, NULL);
	bool styled = false;
	size_t n = 0;

	cr_assert_not_null(page.out);
	render_dump(&page, data);
	fclose(page.out);
	json_decref(data);
	cr_expect(strstr(text, "\x1b[1;31mCRITICAL: "), "%s", text);
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == '\x1b') {
			at += strcspn(at, "m");
			styled = at[-1] != '0' || at[-2] != '[';
			continue;
		}
		cr_assert(*at != '\n' || !styled, "%s", at);
		text[n++] = *at;
	}
	text[n] = '\0';
	cr_expect_str_eq(text, as_it_should_read);
}

Test(render, colour_is_for_terminals_that_want_it)
{
	int ends[2];
	FILE *out;

	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	cr_assert_eq(openpty(&ends[0], &ends[1], NULL, NULL, NULL), 0);
	out = fdopen(ends[1], "w");
	cr_expect(page_open(out).colour);
	setenv("NO_COLOR", "", 1);
	cr_expect(page_open(out).colour, "empty is not set: no-color.org");
	setenv("NO_COLOR", "1", 1);
	cr_expect_not(page_open(out).colour);
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	cr_expect_not(page_open(out).colour);
	unsetenv("TERM");
	cr_expect_not(page_open(out).colour);
	fclose(out);
	close(ends[0]);
	setenv("TERM", "xterm", 1);
	out = tmpfile();
	cr_expect_not(page_open(out).colour, "a file");
	fclose(out);
}

Test(render, history_without_events_says_so)
{
	json_t *data = json_pack("{s:[]}", "history");

	show(render_history, data, PAGE_WIDTH);
	json_decref(data);
	cr_expect_str_eq(text, "history (UTC; ! critical, * important)\n  nothing yet\n");
}

/* Levels, subjects, and a number only where it says what it is. */
static const char events[] =
	"[{\"time\":\"2026-01-31T12:00:00.000001Z\",\"event\":\"started\",\"from\":"
	"\"initializing\","
	"\"to\":\"initializing\",\"reason\":\"none\",\"rule\":\"\",\"term\":6,\"detail\":0,"
	"\"level\":\"informational\",\"subject\":\"\"},"
	"{\"time\":\"2026-01-31T12:00:01.000Z\",\"event\":\"path_down\",\"detail\":0,"
	"\"level\":\"important\",\"subject\":\"link\"},"
	"{\"time\":\"2026-01-31T12:00:02.100Z\",\"event\":\"state\",\"from\":\"passive\","
	"\"to\":\"active\",\"reason\":\"link carrier lost and no answer on management\","
	"\"rule\":\"T3\",\"term\":8,\"detail\":0,\"level\":\"critical\"},"
	"{\"time\":\"2026-01-31T12:00:03.000Z\",\"event\":\"check_recovering\",\"detail\":2,"
	"\"level\":\"important\",\"subject\":\"analyzer\"},"
	"{\"time\":\"2026-01-31T12:00:04.000Z\",\"event\":\"check_failed\",\"detail\":2,"
	"\"level\":\"critical\",\"subject\":\"analyzer\"},"
	"{\"time\":\"2026-01-31T12:00:05.000Z\",\"event\":\"hook_failed\",\"detail\":127,"
	"\"level\":\"important\",\"subject\":\"role-active\"},"
	"{\"time\":\"2026-01-31T12:00:06.000Z\",\"event\":\"hook_failed\",\"detail\":4294967287,"
	"\"level\":\"important\",\"subject\":\"role-active\"},"
	"{\"time\":\"2026-01-31T12:00:07.000Z\",\"event\":\"hook_timeout\",\"detail\":30000,"
	"\"level\":\"important\",\"subject\":\"registration\"},"
	"{\"time\":\"2026-01-31T12:00:08.000Z\",\"event\":\"address_missing\",\"detail\":5},"
	"{\"time\":\"2026-01-31T12:00:09.000Z\",\"event\":\"third_party\",\"detail\":1},"
	"{\"time\":\"2026-01-31T12:00:10.000Z\",\"event\":\"stranger\",\"detail\":0,"
	"\"subject\":\"ga\\u001bmma\\u202e\",\"level\":\"important\"},"
	"{\"time\":\"2026-01-31T12:00:11.000Z\",\"event\":\"peer_restarted\",\"detail\":99},"
	"{\"time\":\"2026-01-31T12:00:12.000Z\",\"event\":\"of_tomorrow\",\"detail\":99}]";

static const char history_page[] =
	"history (UTC; ! critical, * important)\n"
	"  2026-01-31 12:00:00.000  started (start 0 of this agent)\n"
	"* 2026-01-31 12:00:01.000  path down: link\n"
	"! 2026-01-31 12:00:02.100  passive -> active, term 8: link carrier lost and no\n"
	"                           answer on management [T3]\n"
	"* 2026-01-31 12:00:03.000  check recovering: analyzer (attempt 2)\n"
	"! 2026-01-31 12:00:04.000  check failed: analyzer (attempts at recovery: 2)\n"
	"* 2026-01-31 12:00:05.000  hook failed: role-active (exit status 127)\n"
	"* 2026-01-31 12:00:06.000  hook failed: role-active (signal 9)\n"
	"* 2026-01-31 12:00:07.000  hook timeout: registration (30.0 s)\n"
	"  2026-01-31 12:00:08.000  address missing (virtual IP 1, 3)\n"
	"  2026-01-31 12:00:09.000  third party (virtual IP 2)\n"
	"* 2026-01-31 12:00:10.000  stranger: ga?mma???\n"
	"  2026-01-31 12:00:11.000  peer restarted\n"
	"  2026-01-31 12:00:12.000  of tomorrow (detail 99)\n";

Test(render, history_marks_levels_and_names_its_subjects)
{
	json_t *data = json_loads(events, 0, NULL);

	cr_assert(data != NULL);
	show(render_history, data, PAGE_WIDTH);
	json_decref(data);
	cr_expect_str_eq(text, history_page);
}

static json_t *rows(void)
{
	return json_pack("[{s:s, s:s, s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s, s:s, s:s},"
			 " {s:s, s:s, s:s, s:s, s:s, s:s}]",
			 "name", "version", "title", "Firmware, hotfix, and patch version",
			 "result", "pass", "local", "7.1.0.1234, hotfix 1050, patch 2", "peer",
			 "7.1.0.1234, hotfix 1050, patch 2", "remedy", "", "name", "addresses",
			 "title", "IP addresses", "result", "fail", "local",
			 "192.0.2.11/24, 2001:db8:1234:5678:9abc:def0:1234:5678/64", "peer",
			 "192.0.2.12/24", "remedy",
			 "Give both appliances addresses of the same families: IPv4, IPv6, or both "
			 "of them.",
			 "name", "host_name", "title", "Host name", "result", "unknown", "local",
			 "alpha", "peer", "-", "remedy", "Connect the cable.");
}

static const char table_page[] =
	"requirement           result   here                     there\n"
	"Firmware, hotfix,     pass     7.1.0.1234, hotfix       7.1.0.1234, hotfix\n"
	"and patch version              1050, patch 2            1050, patch 2\n"
	"IP addresses          FAIL     192.0.2.11/24,           192.0.2.12/24\n"
	"                               2001:db8:1234:5678:9abc\n"
	"                               :def0:1234:5678/64\n"
	"    -> Give both appliances addresses of the same families: IPv4, IPv6, or both\n"
	"       of them.\n"
	"Host name             unknown  alpha                    -\n"
	"    -> Connect the cable.\n";

Test(render, table_has_a_remedy_below_what_does_not_pass)
{
	json_t *all = rows();

	show(render_table, all, PAGE_WIDTH);
	cr_expect_str_eq(text, table_page);
	show(render_table_open, all, PAGE_WIDTH);
	cr_expect_not(strstr(text, "Firmware"), "%s", text);
	cr_expect(strstr(text, "IP addresses") && strstr(text, "Host name"), "%s", text);
	json_decref(all);
}

Test(render, table_has_a_remedy_once_below_rows_that_share_it)
{
	json_t *all = json_pack("[{s:s, s:s, s:s}, {s:s, s:s, s:s}, {s:s, s:s, s:s}]", "name",
				"first", "result", "unknown", "remedy", "Connect the cable.",
				"name", "second", "result", "fail", "remedy", "Connect the cable.",
				"name", "third", "result", "pass", "remedy", "Connect the cable.");
	const char *remedy;

	show(render_table, all, PAGE_WIDTH);
	remedy = strstr(text, "    -> Connect the cable.\n");
	cr_assert_not_null(remedy, "%s", text);
	cr_expect_null(strstr(remedy + strlen("    -> "), "->"), "%s", text);
	cr_expect(strstr(text, "second") < remedy && remedy < strstr(text, "third"), "%s", text);
	json_decref(all);
}

Test(render, table_fits_every_width)
{
	json_t *all = rows();

	for (unsigned width = PAGE_WIDTH_MIN; width <= PAGE_WIDTH_MAX; width++) {
		show(render_table, all, width);
		assert_within(width);
	}
	cr_expect(strstr(text, "192.0.2.11/24, 2001:db8:1234:5678:9abc:def0:1234:5678/64"),
		  "nothing is broken where there is room: %s", text);
	json_decref(all);
}

Test(render, count_tells_rows_apart_by_their_result)
{
	json_t *all = rows();
	struct render_count count;

	json_array_append_new(all, json_null());
	count = render_count(all);
	json_decref(all);
	cr_expect_eq(count.passed, 1);
	cr_expect_eq(count.failed, 1);
	cr_expect_eq(count.unknown, 2, "what is no row is not met");
	count = render_count(NULL);
	cr_expect_eq(count.passed + count.failed + count.unknown, 0);
}

/* A peer that states what it likes: an endless name, controls, characters of several bytes. */
Test(render, table_of_hostile_strings_stays_a_table)
{
	char name[2000];
	json_t *all;

	for (size_t i = 0; i + 2 < sizeof(name); i += 2)
		memcpy(name + i, "\xc3\xa9", 2);
	name[1998] = '\0';
	all = json_pack("[{s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s}]", "title", "Host name",
			"result", "fail", "local", name, "peer",
			"\x1b[2J\nHost name pass\xe2\x80\xae", "title", name, "result", name,
			"peer", name + 2, "remedy", name);
	cr_assert(all != NULL);
	show(render_table, all, PAGE_WIDTH);
	json_decref(all);
	assert_within(PAGE_WIDTH);
	cr_expect_not(strpbrk(text, "\x1b"));
	cr_expect(strstr(text, "?[2J Host name pass???"), "%s", text);
	for (const char *line = text; (line = strchr(line, '\n')) != NULL;)
		cr_expect_neq((unsigned char)*++line & 0xc0, 0x80, "a character was broken");
}

/* What is 0 in a coarse unit is not exactly nothing. */
Test(render, durations_of_0_keep_the_unit_that_they_were_measured_in)
{
	json_t *data = json_pack("{s:i, s:i, s:i, s:n}", "s", 0, "ms", 0, "us", 0, "null");

	cr_expect_str_eq(cell_duration(data, "s", 1000000).text, "under 1 s");
	cr_expect_str_eq(cell_duration(data, "ms", 1000).text, "0 ms");
	cr_expect_str_eq(cell_duration(data, "us", 1).text, "0 us");
	cr_expect_str_eq(cell_duration(data, "null", 1).text, "-");
	json_decref(data);
}

Test(render, standalone_after_a_pair_says_how_it_ended)
{
	static const struct {
		const char *parting, *text;
	} sample[] = {
		{"detached", "last pair       ended: detached by an operator\n"},
		{"left", "last pair       ended: the other appliance was removed from here\n"},
		{"eloped", "last pair       eloped\n"},
	};

	for (size_t i = 0; i < sizeof(sample) / sizeof(*sample); i++) {
		json_t *data = json_pack("{s:s}", "parting", sample[i].parting);

		show(render_dump, data, PAGE_WIDTH);
		json_decref(data);
		cr_expect(strstr(text, sample[i].text), "%s", text);
	}
	render("{\"parting\":null}");
	cr_expect_not(strstr(text, "last pair"));
}

Test(render, what_a_silent_peer_last_said_is_not_shown_as_what_is)
{
	static const char dump[] =
		"{\"peer\":{\"host_name\":\"beta\",\"state\":\"active\",\"why_not\":[]},"
		"\"virtual_ip\":[],\"guardian\":{\"fence\":false},"
		"\"paths\":[{\"name\":\"link\",\"state\":\"%s\"},"
		"{\"name\":\"management\",\"state\":\"silent\"}]}";
	char data[512];

	(void)snprintf(data, sizeof(data), dump, "silent");
	render(data);
	cr_expect(strstr(text, "\npeer (not heard now; this is how it was)\n"), "%s", text);
	(void)snprintf(data, sizeof(data), dump, "up");
	render(data);
	cr_expect(strstr(text, "\npeer\n"), "%s", text);
	cr_expect(strstr(text, "  takeover        -\n"), "%s", text);
	cr_expect(strstr(text, "fence not needed"), "%s", text);
}

Test(render, suspension_without_an_end_lasts_until_resumed)
{
	render("{\"suspension\":{\"suspended\":true,\"until\":null,\"left_s\":null}}");
	cr_expect(strstr(text, "suspended       until --resume: no takeover\n"), "%s", text);
	render("{\"suspension\":{\"suspended\":false,\"until\":null,\"left_s\":null}}");
	cr_expect_not(strstr(text, "suspended"));
}

static void assert_sync(const char *json, const char *expected)
{
	json_t *sync = json_loads(json, 0, NULL);

	cr_assert(sync != NULL, "%s", json);
	show(render_sync, sync, PAGE_WIDTH);
	json_decref(sync);
	cr_expect_str_eq(text, expected);
}

Test(render, sync_that_is_well_takes_one_line)
{
	assert_sync(
		"{\"status\":\"fully synced\",\"synced_at\":\"2026-01-31T12:00:00.123456Z\","
		"\"percent\":100,\"generation\":\"5.17\",\"peer_generation\":\"5.17\","
		"\"entries\":1234,\"tree_bytes\":56700000,\"lag\":0}",
		"  settings        fully synced since 2026-01-31 12:00:00 UTC, generation 5.17,\n"
		"                  1,234 entries, 56.7 MB\n");
	assert_sync("{\"status\":\"fully synced\",\"synced_at\":null,\"generation\":null}",
		    "  settings        fully synced\n");
	assert_sync("{\"status\":\"nothing to sync\",\"generation\":\"1.1\",\"lag\":3}",
		    "  settings        nothing to sync\n");
	assert_sync("{}", "  settings        -\n");
}

static const char under_way[] =
	"{\"status\":\"syncing\",\"direction\":\"receives\",\"phase\":\"fetching\",\"percent\":47,"
	"\"files\":812,\"files_total\":1730,\"bytes\":1234567890,\"bytes_total\":2560000000,"
	"\"rate_bytes_per_s\":410000000,\"left_s\":3,\"generation\":\"5.16\","
	"\"peer_generation\":\"5.17\",\"lag\":1,\"lag_bytes\":0}";

Test(render, sync_under_way_says_how_far_it_is)
{
	assert_sync(under_way,
		    "  settings        syncing 47 %, fetching: 1.23 GB of 2.56 GB, 812 of 1,730\n"
		    "                  files, 410 MB/s, 3.0 s left\n"
		    "                  generation 5.16 here, 5.17 there\n"
		    "                  this appliance is behind: 1 generation\n");
	assert_sync(
		"{\"status\":\"syncing\",\"phase\":\"comparing\",\"percent\":0,\"files_total\":0}",
		"  settings        syncing, comparing\n");
}

Test(render, sync_in_trouble_is_loud)
{
	assert_sync("{\"status\":\"sync error\",\"reason\":\"No space left on device\","
		    "\"generation\":\"5.16\"}",
		    "  settings        SYNC ERROR: No space left on device\n"
		    "                  generation 5.16 here, - there\n");
	assert_sync("{\"status\":\"out of sync\",\"reason\":\"\"}",
		    "  settings        OUT OF SYNC\n");
	assert_sync("{\"status\":\"not started\",\"reason\":\"eth3 is down\"}",
		    "  settings        not started: eth3 is down\n");
	assert_sync("{\"status\":\"fully synced\",\"paused\":\"versions\"}",
		    "  settings        fully synced; PAUSED: versions\n");
	assert_sync("{\"status\":\"fully synced\",\"skipped\":3,\"example\":\"a/socket\"}",
		    "  settings        fully synced\n"
		    "                  skipped: 3 sockets, pipes or devices, such as a/socket\n");
}

static const char *progress(unsigned columns, const char *json)
{
	static struct cell line;
	json_t *sync = json_loads(json, 0, NULL);

	cr_assert(sync != NULL, "%s", json);
	line = render_progress(columns, sync);
	json_decref(sync);
	return line.text;
}

Test(render, progress_is_a_bar_with_what_there_is_room_for)
{
	cr_expect_str_eq(
		progress(79, under_way),
		"[#############---------------]   47 %  3.0 s left  1.23 GB of 2.56 GB  410 MB/s");
	cr_expect_str_eq(
		progress(99, under_way),
		"[#############---------------]   47 %  3.0 s left  1.23 GB of 2.56 GB  410 MB/s  "
		"812 of 1,730 files");
	cr_expect_str_eq(progress(59, under_way),
			 "[########----------]   47 %  3.0 s left  1.23 GB of 2.56 GB");
}

Test(render, progress_fits_every_width)
{
	const char *const sample[] = {
		under_way,
		"{\"status\":\"syncing\",\"phase\":\"comparing\"}",
		"{\"status\":\"sync error\",\"reason\":\"a long reason that says a lot of what is "
		"not right "
		"and does not end where a line of a small terminal does: No space left on "
		"device\"}",
		"{\"status\":\"syncing\",\"bytes_total\":9000000000000000000,\"files_total\":"
		"9000000000000000000,\"left_s\":9000000000,\"rate_bytes_per_s\":9000000000000}",
		"{\"status\":\"syncing\",\"bytes_total\":1,\"percent\":-5}",
		"{\"status\":\"syncing\",\"bytes_total\":1,\"percent\":500}",
		"{}",
	};

	for (size_t i = 0; i < sizeof(sample) / sizeof(*sample); i++) {
		for (unsigned width = PAGE_WIDTH_MIN; width <= PAGE_WIDTH_MAX; width++) {
			const char *line = progress(width - 1, sample[i]);

			cr_expect_leq(page_columns(line, strlen(line)), width - 1, "%s", line);
			cr_expect_not(strpbrk(line, "\r\n"), "%s", line);
		}
	}
	cr_expect_eq(strncmp(progress(79, sample[4]), "[-", 2), 0);
	cr_expect(strstr(progress(79, sample[5]), "#]"));
	cr_expect_str_eq(progress(79, sample[1]), "syncing, comparing");
	cr_expect_str_eq(progress(79, "{\"status\":\"paused\",\"reason\":\"versions\"}"),
			 "PAUSED: versions");
}

Test(render, amounts_have_the_unit_that_fits)
{
	static const struct {
		json_int_t n;
		const char *bytes, *count;
	} sample[] = {
		{0, "0 bytes", "0"},
		{999, "999 bytes", "999"},
		{1000, "1.00 kB", "1,000"},
		{12345, "12.3 kB", "12,345"},
		{999999, "999 kB", "999,999"},
		{1000000, "1.00 MB", "1,000,000"},
		{56700000, "56.7 MB", "56,700,000"},
		{1073741824, "1.07 GB", "1,073,741,824"},
		{INT64_MAX, "9.22 EB", "9,223,372,036,854,775,807"},
		{-1, "-", "-1"},
	};

	for (size_t i = 0; i < sizeof(sample) / sizeof(*sample); i++) {
		json_t *data = json_pack("{s:I}", "n", sample[i].n);

		cr_expect_str_eq(cell_bytes(data, "n").text, sample[i].bytes);
		cr_expect_str_eq(cell_count(data, "n").text, sample[i].count);
		cr_expect_str_eq(cell_bytes(data, "m").text, "-");
		cr_expect_str_eq(cell_count(data, "m").text, "-");
		json_decref(data);
	}
}

Test(render, requirements_that_are_all_met_take_one_line)
{
	render("{\"requirements\":[{\"title\":\"Host name\",\"result\":\"pass\"}]}");
	cr_expect(strstr(text, "  requirements    all met\n"), "%s", text);
	cr_expect_not(strstr(text, "Host name"));
	render("{\"requirements\":[]}");
	cr_expect_not(strstr(text, "requirements"), "nothing was tested");
}

/* Text is broken at spaces, what has none where the line ends, and never within a character. */
Test(render, long_text_hangs_below_its_beginning)
{
	const struct page page = {.out = fmemopen(text, sizeof(text), "w"), .width = 60};

	cr_assert(page.out != NULL);
	page_line(&page, "label", "%s", "one two three four five six seven eight nine ten");
	page_line(&page, "a-label-that-is-too-long", "%s", "text");
	page_line(&page, "l\xc3\xa4nge", "%s", "text");
	page_line(&page, "empty", "%s", "");
	fclose(page.out);
	cr_expect_str_eq(text, "  label           one two three four five six seven eight\n"
			       "                  nine ten\n"
			       "  a-label-that-is-too-long\n"
			       "                  text\n"
			       "  l\xc3\xa4nge           text\n"
			       "  empty           \n");
}

Test(render, durations_have_the_unit_that_fits)
{
	static const struct {
		long long us;
		const char *text;
	} sample[] = {
		{0, "0 us"},
		{999, "999 us"},
		{1000, "1 ms"},
		{1250, "1.25 ms"},
		{21550, "21.5 ms"},
		{100000, "100 ms"},
		{999999, "999 ms"},
		{1000000, "1.0 s"},
		{59999999, "59.9 s"},
		{60000000, "1 min 0 s"},
		{192000000, "3 min 12 s"},
		{3600000000, "1 h 00 min"},
		{7500000000, "2 h 05 min"},
		{86400000000, "1 d 0 h"},
		{356400000000, "4 d 3 h"},
	};
	char out[PAGE_TIME_MAX];

	for (size_t i = 0; i < sizeof(sample) / sizeof(*sample); i++) {
		page_duration(out, sample[i].us);
		cr_expect_str_eq(out, sample[i].text);
	}
}

Test(render, control_characters_are_cleaned_and_other_utf8_is_not)
{
	char dirty[] = "a\x1b[2Jb\x7f\xc2\x9b\xc3\xa9\n\xc2\xa0";
	char turned[] = "a\xe2\x80\xae"
			"b\xe2\x81\xa6"
			"c\xe2\x80\x8f"
			"d\xe2\x82\xac\xe2";

	page_clean(dirty);
	cr_expect_str_eq(dirty, "a?[2Jb???\xc3\xa9\n\xc2\xa0");
	page_clean(turned);
	cr_expect_str_eq(turned, "a???b???c???d\xe2\x82\xac\xe2", "the euro sign stays");
}
