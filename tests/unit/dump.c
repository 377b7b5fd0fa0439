/* What the dump says, of a node made by hand. */
#include "agent/dump.h"

#include <criterion/criterion.h>

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/control.h"

struct rig {
	struct config config;
	struct node node;
	struct store_record record;
	struct msg_identity own, peer;
	struct ipc_message status;
	struct dump_history history;
	struct dump_check check[CONFIG_CHECKS_MAX];
	struct dump_hook hook[HOOK_N];
	struct dump_stranger stranger[DUMP_STRANGERS_MAX];
	struct wire wire[HA_PATH_N];
	uint64_t drop[HA_PATH_N][DROP_N];
	uint8_t key[HA_KEY_LEN];
	struct dump_view view;
};

static struct rig *rig_new(void)
{
	static struct rig rig;
	struct node_config config = {
		.timing = {20 * HA_MS, 100 * HA_MS, 5 * HA_MS, 3 * HA_SEC, 30 * HA_SEC},
		.boot = 3,
		.mode = HA_MODE_PRIMARY_ACTIVE,
		.store_ok = true,
		.whole_copy = true,
		.vip_n = 2,
		.vip = {{.family = HA_IPV4, .b = {192, 0, 2, 100}},
			{.family = HA_IPV6, .b = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}},
	};

	cr_assert_geq(sodium_init(), 0);
	memset(&rig, 0, sizeof(rig));
	rig.config.timing = config.timing;
	strcpy(rig.config.timing_name, "default");
	strcpy(rig.own.host_name, "second");
	strcpy(rig.wire[HA_PATH_LINK].ifname, "eth3");
	strcpy(rig.wire[HA_PATH_MANAGEMENT].ifname, "eth0");
	node_init(&rig.node, &config, HA_SEC);
	for (unsigned i = 0; i < DUMP_STRANGERS_MAX; i++)
		rig.stranger[i].heard = -1;
	rig.view = (struct dump_view){
		.now = 2 * HA_SEC,
		.config = &rig.config,
		.node = &rig.node,
		.record = &rig.record,
		.public_key = rig.key,
		.own = &rig.own,
		.status = &rig.status,
		.history = &rig.history,
		.check = rig.check,
		.hook = rig.hook,
		.stranger = rig.stranger,
		.registration = {.reason = "standalone"},
		.path = {{.wire = &rig.wire[0], .drop = rig.drop[0]},
			 {.wire = &rig.wire[1], .drop = rig.drop[1]}},
	};
	return &rig;
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "(none)";
}

static json_int_t number(const json_t *object, const char *key)
{
	cr_assert(json_is_integer(json_object_get(object, key)), "%s", key);
	return json_integer_value(json_object_get(object, key));
}

static struct store_event event_of_term(uint64_t term)
{
	return (struct store_event){
		.realtime_ns = 1700000000 * (int64_t)HA_SEC + 42 * HA_MS,
		.term = term,
		.event = EVENT_STATE,
		.from = HA_PASSIVE,
		.to = HA_ACTIVE,
		.reason = REASON_BOTH_SILENT,
	};
}

Test(dump, has_every_key_that_is_promised)
{
	static const char *const keys[] = {
		"version",     "host_name",    "mode",         "state",
		"reason",      "rule",         "since_ms",     "term",
		"fingerprint", "timing",       "degraded",     "peer",
		"paths",       "virtual_ip",   "sync",         "takeover",
		"guardian",    "witness",      "requirements", "counters",
		"lateness_us", "history",      "role",         "degraded_reasons",
		"suspension",  "registration", "checks",       "hooks",
		"parting",     "strangers"};
	json_t *dump = dump_all(&rig_new()->view);

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		cr_assert(json_object_get(dump, keys[i]), "%s", keys[i]);
	cr_assert_str_eq(text(dump, "version"), HA_VERSION);
	cr_assert_str_eq(text(dump, "host_name"), "second");
	cr_assert_str_eq(text(dump, "mode"), "primary (active)");
	cr_assert_str_eq(text(dump, "state"), "initializing");
	cr_assert_eq(number(dump, "since_ms"), 1000);
	cr_assert(json_is_null(json_object_get(dump, "peer")), "not paired");
	json_decref(dump);
}

Test(dump, path_without_a_session_is_unknown)
{
	json_t *dump = dump_all(&rig_new()->view);
	json_t *link = json_array_get(json_object_get(dump, "paths"), HA_PATH_LINK);

	cr_assert_str_eq(text(link, "name"), "link");
	cr_assert_str_eq(text(link, "interface"), "eth3");
	cr_assert_str_eq(text(link, "state"), "unknown");
	cr_assert(json_is_null(json_object_get(link, "session_age_s")));
	json_decref(dump);
}

Test(dump, path_is_up_and_then_silent)
{
	struct rig *rig = rig_new();
	struct node_path *path = &rig->node.path[HA_PATH_MANAGEMENT];
	json_t *dump;

	path->session = true;
	path->heard = rig->view.now - 10 * HA_MS;
	path->gap_worst.now = 25 * HA_MS;
	dump = dump_all(&rig->view);
	cr_assert_str_eq(text(json_array_get(json_object_get(dump, "paths"), 1), "state"), "up");
	cr_assert_eq(number(json_array_get(json_object_get(dump, "paths"), 1), "margin_ms"), 75);
	json_decref(dump);
	path->heard = rig->view.now - 101 * HA_MS;
	dump = dump_all(&rig->view);
	cr_assert_str_eq(text(json_array_get(json_object_get(dump, "paths"), 1), "state"),
			 "silent");
	json_decref(dump);
}

Test(dump, a_second_without_a_heartbeat_has_no_figures)
{
	struct rig *rig = rig_new();
	json_t *dump, *link;

	rig->view.path[HA_PATH_LINK].second =
		(struct second_figures){.heard = true, .gap = 21500 * HA_US, .rtt = 85 * HA_US};
	dump = dump_all(&rig->view);
	link = json_object_get(json_array_get(json_object_get(dump, "paths"), HA_PATH_LINK),
			       "last_second");
	cr_assert_eq(json_number_value(json_object_get(link, "gap_ms")), 21.5);
	cr_assert_eq(number(link, "rtt_us"), 85);
	cr_assert(json_is_null(
		json_object_get(json_array_get(json_object_get(dump, "paths"), HA_PATH_MANAGEMENT),
				"last_second")));
	json_decref(dump);
}

Test(dump, held_addresses_are_marked)
{
	struct rig *rig = rig_new();
	json_t *dump, *list;

	rig->node.lease.on = 2;
	dump = dump_all(&rig->view);
	list = json_object_get(dump, "virtual_ip");
	cr_assert_eq(json_array_size(list), 2);
	cr_assert_str_eq(text(json_array_get(list, 0), "address"), "192.0.2.100");
	cr_assert(json_is_false(json_object_get(json_array_get(list, 0), "held")));
	cr_assert_str_eq(text(json_array_get(list, 1), "address"), "2001:db8::1");
	cr_assert(json_is_true(json_object_get(json_array_get(list, 1), "held")));
	json_decref(dump);
}

Test(dump, peer_by_its_newest_heartbeat_and_its_reasons)
{
	struct rig *rig = rig_new();
	json_t *dump, *peer;

	rig->record.paired = rig->node.config.paired = true;
	strcpy(rig->record.peer_name, "first");
	rig->node.peer.known = true;
	rig->node.peer.last.state = HA_PASSIVE;
	rig->node.peer.last.why_not = WHY_NOT_COPY | WHY_NOT_CARRIER;
	dump = dump_all(&rig->view);
	peer = json_object_get(dump, "peer");
	cr_assert_str_eq(text(peer, "host_name"), "first", "from the record until it is heard");
	cr_assert_str_eq(text(peer, "state"), "passive");
	cr_assert_eq(json_array_size(json_object_get(peer, "why_not")), 2);
	cr_assert(json_is_null(json_object_get(peer, "last_heard_ms")));
	json_decref(dump);
	rig->view.peer = &rig->peer;
	strcpy(rig->peer.host_name, "renamed");
	rig->peer.management[0].address = (struct ha_address){HA_IPV4, {192, 0, 2, 12}};
	dump = dump_all(&rig->view);
	peer = json_object_get(dump, "peer");
	cr_assert_str_eq(text(peer, "host_name"), "renamed");
	cr_assert_eq(json_array_size(json_object_get(peer, "management_addresses")), 1);
	json_decref(dump);
}

Test(dump, each_reason_to_drop_is_a_counter_of_each_path)
{
	struct rig *rig = rig_new();
	json_t *dump, *counters;

	rig->drop[HA_PATH_LINK][DROP_BAD_TAG] = 7;
	rig->drop[HA_PATH_MANAGEMENT][DROP_REPLAY] = 9;
	rig->wire[HA_PATH_LINK].send_errors = 3;
	dump = dump_all(&rig->view);
	counters = json_object_get(dump, "counters");
	for (unsigned drop = DROP_NONE + 1; drop < DROP_N; drop++) {
		char key[64];

		snprintf(key, sizeof(key), "management.%s", drop_name((enum ha_drop)drop));
		cr_assert(json_object_get(counters, key), "%s", key);
	}
	cr_assert_eq(number(counters, "link.bad_tag"), 7);
	cr_assert_eq(number(counters, "management.bad_tag"), 0);
	cr_assert_eq(number(counters, "management.replay"), 9);
	cr_assert_eq(number(counters, "link.send_errors"), 3);
	json_decref(dump);
}

Test(dump, history_is_oldest_first_and_keeps_the_newest)
{
	struct rig *rig = rig_new();
	json_t *all, *list;

	for (uint64_t term = 1; term <= STORE_HISTORY_MAX + 10; term++) {
		struct store_event event = event_of_term(term);

		dump_history_add(&rig->history, &event);
	}
	all = dump_events(&rig->history, STORE_HISTORY_MAX);
	list = json_object_get(all, "history");
	cr_assert_eq(json_array_size(list), STORE_HISTORY_MAX);
	cr_assert_eq(number(json_array_get(list, 0), "term"), 11);
	cr_assert_eq(number(json_array_get(list, STORE_HISTORY_MAX - 1), "term"),
		     STORE_HISTORY_MAX + 10);
	json_decref(all);
	all = dump_all(&rig->view);
	list = json_object_get(all, "history");
	cr_assert_eq(json_array_size(list), DUMP_HISTORY_N);
	cr_assert_eq(number(json_array_get(list, 0), "term"), STORE_HISTORY_MAX - 9);
	json_decref(all);
}

Test(dump, event_names_time_change_reason_and_rule)
{
	struct rig *rig = rig_new();
	struct store_event event = event_of_term(4);
	json_t *all, *one;

	dump_history_add(&rig->history, &event);
	all = dump_events(&rig->history, 1);
	one = json_array_get(json_object_get(all, "history"), 0);
	cr_assert_str_eq(text(one, "time"), "2023-11-14T22:13:20.042000Z");
	cr_assert_str_eq(text(one, "event"), "state");
	cr_assert_str_eq(text(one, "from"), "passive");
	cr_assert_str_eq(text(one, "to"), "active");
	cr_assert_str_eq(text(one, "rule"), "T2");
	json_decref(all);
}

/* The digest of 32 zero bytes, from sha256sum and base64. */
Test(dump, fingerprint_reads_like_ssh_s)
{
	static const uint8_t key[HA_KEY_LEN];
	char out[DUMP_FINGERPRINT_MAX];

	dump_fingerprint(out, key);
	cr_assert_str_eq(out, "SHA256:Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU");
}

Test(dump, checks_and_hooks_are_shown_as_the_steward_told)
{
	struct rig *rig = rig_new();
	json_t *all, *one;

	rig->config.check_n = 2;
	strcpy(rig->config.check[1].name, "analyzer");
	rig->check[1] = (struct dump_check){
		.state = CHECK_RECOVERING, .last = COMMAND_TIMEOUT, .attempts = 2, .bad = 5};
	rig->hook[HOOK_REGISTRATION] =
		(struct dump_hook){.outcome = COMMAND_FAILED, .status = 7, .output = "no route"};
	all = dump_all(&rig->view);
	cr_assert_eq(json_array_size(json_object_get(all, "checks")), 2);
	one = json_array_get(json_object_get(all, "checks"), 1);
	cr_assert_str_eq(text(one, "name"), "analyzer");
	cr_assert_str_eq(text(one, "state"), "recovering");
	cr_assert_str_eq(text(one, "last"), "timeout");
	cr_assert(json_is_true(json_object_get(one, "failing")));
	cr_assert(json_is_false(json_object_get(one, "failed")));
	cr_assert_eq(json_array_size(json_object_get(all, "hooks")), 1);
	one = json_array_get(json_object_get(all, "hooks"), 0);
	cr_assert_str_eq(text(one, "name"), "registration");
	cr_assert_str_eq(text(one, "outcome"), "failed");
	cr_assert_str_eq(text(one, "output"), "no route");
}

/* IPv4 is the address where there are both. */
Test(dump, a_registration_has_its_addresses_and_the_first_of_them)
{
	struct rig *rig = rig_new();
	json_t *one = json_object_get(dump_all(&rig->view), "registration");

	cr_assert(json_is_false(json_object_get(one, "allowed")));
	cr_assert(json_is_null(json_object_get(one, "address")));
	cr_assert_eq(json_array_size(json_object_get(one, "addresses")), 0);
	rig->view.registration.allowed = true;
	rig->view.registration.address[1] =
		(struct ha_address){HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	one = json_object_get(dump_all(&rig->view), "registration");
	cr_assert_str_eq(text(one, "address"), "2001:db8::1");
	rig->view.registration.address[0] = (struct ha_address){HA_IPV4, {192, 0, 2, 100}};
	one = json_object_get(dump_all(&rig->view), "registration");
	cr_assert_str_eq(text(one, "address"), "192.0.2.100");
	cr_assert_eq(json_array_size(json_object_get(one, "addresses")), 2);
}

Test(dump, a_suspension_says_when_it_ends)
{
	struct rig *rig = rig_new();
	json_t *all, *one;

	rig->node.suspended = true;
	rig->node.suspended_until = HA_NEVER;
	all = dump_all(&rig->view);
	one = json_object_get(all, "suspension");
	cr_assert(json_is_true(json_object_get(one, "suspended")));
	cr_assert(json_is_null(json_object_get(one, "until")));

	rig->node.suspended_until = rig->view.now + 90 * HA_SEC;
	rig->view.realtime_ns = INT64_C(1000) * HA_SEC;
	all = dump_all(&rig->view);
	one = json_object_get(all, "suspension");
	cr_assert_eq(json_integer_value(json_object_get(one, "left_s")), 90);
	cr_assert_str_eq(text(one, "until"), "1970-01-01T00:18:10.000000Z");
}

Test(dump, strangers_are_told_apart_from_former_members)
{
	struct rig *rig = rig_new();
	json_t *list;

	rig->stranger[0].heard = HA_SEC;
	rig->stranger[2] = (struct dump_stranger){
		.heard = 2 * HA_SEC, .former = PARTING_REMOVED, .name = "second"};
	list = json_object_get(dump_all(&rig->view), "strangers");
	cr_assert_eq(json_array_size(list), 2);
	cr_assert_str_eq(text(json_array_get(list, 0), "why"), "not a member of this pair");
	cr_assert_str_eq(text(json_array_get(list, 1), "why"), "removed from the pair");
	cr_assert_str_eq(text(json_array_get(list, 1), "name"), "second");
}

Test(dump, a_pair_of_two_versions_pauses_the_sync_and_says_so)
{
	struct rig *rig = rig_new();
	json_t *all, *sync;

	all = dump_all(&rig->view);
	cr_assert(json_is_null(json_object_get(json_object_get(all, "sync"), "paused")));
	rig->view.mismatch = true;
	rig->node.config.paired = true;
	all = dump_all(&rig->view);
	sync = json_object_get(all, "sync");
	cr_assert_str_eq(text(sync, "status"), "paused");
	cr_assert_str_eq(text(sync, "paused"), "the two run different versions");
	cr_assert_str_eq(text(sync, "reason"), text(sync, "paused"));
	cr_assert(json_is_true(json_object_get(all, "degraded")));
}

static const char *sync_status(struct rig *rig)
{
	return text(json_object_get(dump_all(&rig->view), "sync"), "status");
}

Test(dump, sync_by_what_the_node_knows)
{
	struct rig *rig = rig_new();
	json_t *sync;

	cr_expect_str_eq(sync_status(rig), "nothing to sync", "alone");
	rig->node.config.paired = true;
	cr_expect_str_eq(sync_status(rig), "nothing to sync", "nothing is configured");
	rig->config.path_n = 1;
	rig->node.whole_copy = rig->node.in_sync = false;
	cr_expect_str_eq(sync_status(rig), "not started");
	rig->node.whole_copy = true;
	cr_expect_str_eq(sync_status(rig), "out of sync");
	rig->node.in_sync = true;
	rig->node.lease.wanted = true;
	rig->node.lineage = (struct msg_lineage){.term = 5, .number = 17, .digest = {0xab}};
	rig->node.peer.known = true;
	rig->node.peer.last.lineage = (struct msg_lineage){.term = 5, .number = 15};
	sync = json_object_get(dump_all(&rig->view), "sync");
	cr_expect_str_eq(text(sync, "status"), "fully synced");
	cr_expect_str_eq(text(sync, "direction"), "sends");
	cr_expect_str_eq(text(sync, "generation"), "5.17");
	cr_expect_str_eq(text(sync, "peer_generation"), "5.15");
	cr_expect_eq(strncmp(text(sync, "digest"), "ab00", 4), 0);
	cr_expect_eq(number(sync, "percent"), 100);
	cr_expect_eq(number(sync, "lag"), 2);
	cr_expect(json_is_null(json_object_get(sync, "stream")));
}

Test(dump, sync_as_the_engine_was_told)
{
	struct rig *rig = rig_new();
	struct dump_sync told = {
		.status = DUMP_SYNC_SYNCING,
		.direction = DUMP_SYNC_RECEIVES,
		.phase = SYNC_PHASE_FETCH,
		.percent = 47,
		.files = 812,
		.files_total = 1730,
		.bytes = 1200000000,
		.bytes_total = 2560000000,
		.rate_bytes_per_s = 410000000,
		.left_s = 3,
		.generation = {5, 16},
		.peer_generation = {5, 17},
		.synced_ns = 1700000000 * (int64_t)HA_SEC,
		.unreadable = 1,
		.example = "etc/\xff\x1b[2Jname",
		.stream = {.up = true, .aes = true, .mtu = 9000, .rtt = 85 * HA_US, .repeats = 4},
		.section_n = 2,
	};
	json_t *sync, *one;

	strcpy(told.section[1].path, "/srv/export");
	told.section[1].export = (struct dump_sync_command){
		.configured = true, .last = COMMAND_FAILED, .status = 5, .output = "locked"};
	rig->view.sync = &told;
	sync = json_object_get(dump_all(&rig->view), "sync");
	cr_expect_str_eq(text(sync, "status"), "syncing");
	cr_expect_str_eq(text(sync, "direction"), "receives");
	cr_expect_str_eq(text(sync, "phase"), "fetching");
	cr_expect_eq(number(sync, "percent"), 47);
	cr_expect_eq(number(sync, "files"), 812);
	cr_expect_eq(number(sync, "bytes_total"), 2560000000);
	cr_expect_eq(number(sync, "rate_bytes_per_s"), 410000000);
	cr_expect_eq(number(sync, "left_s"), 3);
	cr_expect_str_eq(text(sync, "synced_at"), "2023-11-14T22:13:20.000000Z");
	cr_expect_str_eq(text(sync, "example"), "etc/ [2Jname", "it may have any bytes");
	one = json_object_get(sync, "stream");
	cr_expect_str_eq(text(one, "cipher"), "AES-256-GCM");
	cr_expect_eq(number(one, "rtt_us"), 85);
	cr_expect_eq(number(one, "repeats"), 4);
	one = json_array_get(json_object_get(sync, "sections"), 0);
	cr_expect(json_is_null(json_object_get(one, "export")), "there is none");
	one = json_array_get(json_object_get(sync, "sections"), 1);
	cr_expect_str_eq(text(one, "path"), "/srv/export");
	one = json_object_get(one, "export");
	cr_expect_str_eq(text(one, "last"), "failed");
	cr_expect_str_eq(text(one, "output"), "locked");
	cr_expect(json_is_null(json_object_get(one, "ended")));
	told.left_s = -1;
	told.phase = SYNC_PHASE_IDLE;
	told.synced_ns = 0;
	told.generation = (struct lineage_point){0};
	sync = json_object_get(dump_all(&rig->view), "sync");
	cr_expect(json_is_null(json_object_get(sync, "left_s")));
	cr_expect(json_is_null(json_object_get(sync, "phase")));
	cr_expect(json_is_null(json_object_get(sync, "synced_at")));
	cr_expect(json_is_null(json_object_get(sync, "generation")));
}

Test(dump, each_status_of_the_sync_has_a_name)
{
	static const char *const name[DUMP_SYNC_STATUS_N + 1] = {
		"nothing to sync", "not started", "syncing", "fully synced",
		"out of sync",     "sync error",  "paused",  "?"};

	for (unsigned i = 0; i <= DUMP_SYNC_STATUS_N; i++)
		cr_expect_str_eq(dump_sync_status_name((enum dump_sync_status)i), name[i]);
}

/* Everything that can be long is, and what JSON has to escape besides. */
static void fill(char *out, size_t cap)
{
	memset(out, '"', cap - 1);
	out[cap - 1] = '\0';
}

static void fill_commands(struct dump_sync_section *section)
{
	fill(section->path, sizeof(section->path));
	section->export = (struct dump_sync_command){
		.configured = true,
		.last = COMMAND_UNSTARTED,
		.status = INT32_MIN,
		.took_ms = UINT32_MAX,
		.runs = INT64_MAX,
		.bad = INT64_MAX,
		.ended_ns = INT64_MAX,
	};
	fill(section->export.output, sizeof(section->export.output));
	section->import = section->export;
}

static void fill_sync(struct dump_sync *sync)
{
	*sync = (struct dump_sync){
		.status = DUMP_SYNC_PAUSED,
		.phase = SYNC_PHASE_COMMIT,
		.files = INT64_MAX,
		.bytes = INT64_MAX,
		.generation = {INT64_MAX, INT64_MAX},
		.peer_generation = {INT64_MAX, INT64_MAX},
		.synced_ns = INT64_MAX,
		.stream = {.mtu = 9000},
		.section_n = CONFIG_SETTINGS_MAX,
	};
	fill(sync->reason, sizeof(sync->reason));
	fill(sync->example, sizeof(sync->example));
	for (unsigned i = 0; i < CONFIG_SETTINGS_MAX; i++)
		fill_commands(&sync->section[i]);
}

static void fill_rig(struct rig *rig)
{
	struct store_event event = event_of_term(INT64_MAX);

	fill(event.subject, sizeof(event.subject));
	for (unsigned i = 0; i < DUMP_HISTORY_N; i++)
		dump_history_add(&rig->history, &event);
	rig->config.check_n = CONFIG_CHECKS_MAX;
	for (unsigned i = 0; i < CONFIG_CHECKS_MAX; i++)
		fill(rig->config.check[i].name, sizeof(rig->config.check[i].name));
	for (unsigned i = 0; i < HOOK_N; i++) {
		rig->hook[i].outcome = COMMAND_FAILED;
		fill(rig->hook[i].output, sizeof(rig->hook[i].output));
	}
	for (unsigned i = 0; i < DUMP_STRANGERS_MAX; i++) {
		rig->stranger[i].heard = HA_SEC;
		fill(rig->stranger[i].name, sizeof(rig->stranger[i].name));
	}
	rig->record.paired = rig->node.config.paired = rig->node.peer.known = true;
	rig->node.peer.last.why_not = WHY_NOT_ALL;
	rig->view.peer = &rig->peer;
	fill(rig->peer.host_name, sizeof(rig->peer.host_name));
	rig->own = rig->peer;
	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++) {
		rig->peer.management[i].address = (struct ha_address){HA_IPV6, {0}};
		memset(rig->peer.management[i].address.b, 0xdd, 16);
	}
	for (unsigned i = 0; i < HA_VIP_MAX; i++)
		rig->node.config.vip[i] = rig->peer.management[0].address;
	rig->node.config.vip_n = HA_VIP_MAX;
	rig->node.reach.n = 2 * NODE_STATIONS_MAX;
	for (unsigned i = 0; i < 2 * NODE_STATIONS_MAX; i++) {
		rig->node.reach.station[i].address = rig->peer.management[0].address;
		rig->node.reach.station[i].mac.b[0] = 2;
	}
	memset(rig->drop, 0xff, sizeof(rig->drop));
	rig->view.judged = true;
	rig->view.requirement.own = &rig->own;
	rig->view.requirement.peer = &rig->peer;
	memset(rig->view.cause, CAUSE_PENDING, sizeof(rig->view.cause));
}

static bool answer_dump(void *arg, enum control_action action, const json_t *request,
			uint32_t number, struct control_answer *answer)
{
	(void)action;
	(void)request;
	(void)number;
	answer->result = CONTROL_DONE;
	fill(answer->text, sizeof(answer->text));
	answer->data = dump_all(arg);
	return true;
}

static void on_timer(void *arg, ha_time now)
{
	(void)arg;
	(void)now;
}

/* The largest dump there is goes through the control socket. */
Test(dump, a_full_one_fits_into_an_answer)
{
	static char answer[CONTROL_ANSWER_MAX + 1];
	static struct control control;
	static struct dump_sync sync;
	struct rig *rig = rig_new();
	struct loop loop;
	int pair[2];
	ssize_t len;

	fill_rig(rig);
	fill_sync(&sync);
	rig->view.sync = &sync;
	cr_assert_eq(loop_init(&loop, on_timer, NULL), 0);
	cr_assert_eq(control_open(&control, &loop, -1, answer_dump, &rig->view), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	cr_assert_eq(control_adopt(&control, pair[0], 0), 0);
	cr_assert_eq(send(pair[1], "{\"action\":\"dump\"}", 17, MSG_NOSIGNAL), 17);
	cr_assert_eq(loop_run_once(&loop), 0);
	len = recv(pair[1], answer, sizeof(answer) - 1, 0);
	cr_assert_gt(len, 0);
	answer[len] = '\0';
	cr_assert(strstr(answer, "\"result\":\"done\"") != NULL, "%.200s", answer);
	close(pair[1]);
	control_close(&control);
	loop_close(&loop);
}

Test(dump, who_is_degraded_without_a_pair_says_why_too)
{
	struct rig *rig = rig_new();
	json_t *all;

	cr_assert_eq(json_array_size(json_object_get(dump_all(&rig->view), "degraded_reasons")), 0);
	rig->node.lease.partial = HA_SEC;
	rig->node.lease.partial_reported = true;
	all = dump_all(&rig->view);
	cr_assert(json_is_true(json_object_get(all, "degraded")));
	cr_assert_eq(json_array_size(json_object_get(all, "degraded_reasons")), 1);
}
