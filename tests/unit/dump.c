/* What the dump says, of a node made by hand. */
#include "agent/dump.h"

#include <criterion/criterion.h>

#include <sodium.h>
#include <stdio.h>
#include <string.h>

struct rig {
	struct config config;
	struct node node;
	struct store_record record;
	struct msg_identity own, peer;
	struct ipc_message status;
	struct dump_history history;
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
	rig.view = (struct dump_view){
		.now = 2 * HA_SEC,
		.config = &rig.config,
		.node = &rig.node,
		.record = &rig.record,
		.public_key = rig.key,
		.own = &rig.own,
		.status = &rig.status,
		.history = &rig.history,
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
		"version",      "host_name",  "mode",        "state",    "reason",   "rule",
		"since_ms",     "term",       "fingerprint", "timing",   "degraded", "peer",
		"paths",        "virtual_ip", "sync",        "takeover", "guardian", "witness",
		"requirements", "counters",   "lateness_us", "history"};
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
