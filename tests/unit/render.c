/* The page that an operator reads: against a fixed answer, and against answers with anything missing. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

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
	"\"sync\":{\"status\":\"fully synced\",\"percent\":100,\"generation\":\"6.12\","
	"\"digest\":\"00\",\"lag\":0},"
	"\"takeover\":{\"ready\":false,\"reasons\":[\"no whole copy of the settings\","
	"\"suspended\"]},"
	"\"guardian\":{\"fence\":true,\"realtime\":false,\"locked\":true,\"restored\":0,"
	"\"engine_starts\":1,\"steward_starts\":2},"
	"\"witness\":{\"policy\":\"auto\",\"evidence_ms\":15,"
	"\"stations\":[{\"address\":\"192.0.2.1\",\"mac\":\"02:00:00:00:00:01\","
	"\"answered\":true},{\"address\":\"2001:db8::1\",\"mac\":\"\",\"answered\":false}]},"
	"\"requirements\":[],\"counters\":{\"link.replayed\":2,\"link.bad_tag\":0,"
	"\"floods\":1},\"lateness_us\":{\"worst\":343,\"last\":21},"
	"\"history\":[{\"time\":\"2026-01-31T12:00:00.123456Z\",\"event\":\"state\","
	"\"from\":\"passive\",\"to\":\"active\",\"reason\":\"peer silent on both paths\","
	"\"rule\":\"T2\",\"term\":6,\"detail\":0},"
	"{\"time\":\"2026-01-31T12:00:01.000456Z\",\"event\":\"path_down\","
	"\"from\":\"active\",\"to\":\"active\",\"reason\":\"\",\"rule\":\"\",\"term\":6,"
	"\"detail\":1}]}";

static const char page[] =
	"alpha (haagent 0.1.0)\n"
	"  state          active (degraded), since 3 min 12 s\n"
	"  reason         peer silent on both paths [T2]\n"
	"  mode           primary (active), term 6\n"
	"  fingerprint    SHA256:abc\n"
	"  timing         default: heartbeat 20 ms, dead after 100 ms, confirm 5 ms\n"
	"\n"
	"virtual IP\n"
	"  192.0.2.100                              held\n"
	"  2001:db8::100                            not held\n"
	"\n"
	"redundancy\n"
	"  takeover       NOT READY: no whole copy of the settings; suspended\n"
	"  settings       fully synced, 100 %, generation 6.12\n"
	"\n"
	"peer\n"
	"  name           be?ta??\n"
	"  state          passive: the peer holds the virtual IP\n"
	"  mode           primary (passive)\n"
	"  virtual IP     none\n"
	"  takeover       not ready: no whole copy of the settings; suspended\n"
	"  addresses      192.0.2.11, 2001:db8::11\n"
	"  fingerprint    SHA256:def\n"
	"  last heard     12 ms ago, boot 3\n"
	"\n"
	"paths        interface       state    carrier         rtt  worst rtt  worst gap     "
	"margin    session\n"
	"  link       eth3            up       yes           85 us    1.25 ms    21.5 ms    78.5 "
	"ms 2 h 01 min\n"
	"  management eth0            silent   NO                -          -          -     100 "
	"ms          -\n"
	"heartbeats              sent        received\n"
	"  link                123456          123450\n"
	"  management              10               0\n"
	"\n"
	"witness\n"
	"  policy         auto\n"
	"  segment heard  15 ms ago\n"
	"  stations       192.0.2.1                                02:00:00:00:00:01  answered\n"
	"                 2001:db8::1                              -                  no answer\n"
	"\n"
	"agent\n"
	"  guardian       fence on, real-time OFF, memory locked\n"
	"  starts         engine 1, steward 2; addresses put back 0\n"
	"  lateness       worst 343 us, last 21 us\n"
	"\n"
	"counters\n"
	"  link.replayed                                       2\n"
	"  floods                                              1\n"
	"\n"
	"history (UTC)\n"
	"  2026-01-31 12:00:00.123456 state           passive -> active          term 6     peer "
	"silent on both paths [T2]\n"
	"  2026-01-31 12:00:01.000456 path_down       active                     term 6     (1)\n";

static char text[16384];

static void render(const char *json)
{
	json_t *data = json_loads(json, JSON_DECODE_ANY, NULL);
	FILE *out = fmemopen(text, sizeof(text), "w");

	cr_assert(data != NULL && out != NULL);
	render_dump(out, data);
	fclose(out);
	json_decref(data);
}

Test(render, dump_is_the_page_as_it_should_read)
{
	render(answer);
	cr_expect_str_eq(text, page);
}

/* A client of another version than its daemon. */
Test(render, any_key_may_be_missing_or_of_another_kind)
{
	static const char *const other[] = {"null", "[]",    "{}",           "17",
					    "true", "\"x\"", "[null, 1, {}]"};
	json_t *data = json_loads(answer, 0, NULL), *value;
	const char *key;

	json_object_foreach(data, key, value)
	{
		for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
			json_t *changed = json_copy(data);
			FILE *out = fmemopen(text, sizeof(text), "w");

			json_object_set_new(changed, key,
					    json_loads(other[i], JSON_DECODE_ANY, NULL));
			render_dump(out, changed);
			fclose(out);
			json_decref(changed);
			cr_expect_geq(strlen(text), 400, "%s = %s", key, other[i]);
		}
	}
	json_decref(data);
	render("{}");
	cr_expect(strstr(text, "peer\n  none\n") != NULL);
	render("7");
	cr_expect(strncmp(text, "- (haagent -)\n", 14) == 0, "%s", text);
}

Test(render, history_without_events_says_so)
{
	json_t *data = json_pack("{s:[]}", "history");
	FILE *out = fmemopen(text, sizeof(text), "w");

	render_history(out, data);
	fclose(out);
	json_decref(data);
	cr_expect_str_eq(text, "history (UTC)\n  nothing yet\n");
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
	char out[RENDER_TIME_MAX];

	for (size_t i = 0; i < sizeof(sample) / sizeof(*sample); i++) {
		render_duration(out, sample[i].us);
		cr_expect_str_eq(out, sample[i].text);
	}
}

Test(render, control_characters_are_cleaned_and_other_utf8_is_not)
{
	char dirty[] = "a\x1b[2Jb\x7f\xc2\x9b\xc3\xa9\n\xc2\xa0";

	render_clean(dirty);
	cr_expect_str_eq(dirty, "a?[2Jb???\xc3\xa9\n\xc2\xa0");
}
