/* The requirements as people and programs are shown them. */
#include "agent/table.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

struct rig {
	struct msg_identity own, peer;
	struct requirement_view view;
	uint8_t cause[REQUIREMENT_N];
};

static const char models[1][MSG_MODEL_LEN + 1] = {"1100"};

/* The joiner's view of a good active. */
static struct rig *rig_new(void)
{
	static struct rig rig;

	rig = (struct rig){
		.own =
			{
				.model = "1100",
				.firmware = "7.1.0.1234",
				.hotfix = "1050",
				.patch = "2",
				.host_name = "second",
				.agent = "0.1.0",
				.management = {[1] = {{HA_IPV4, {192, 0, 2, 12}}, 24},
					       [2] = {{HA_IPV6,
						       {0x20, 0x01, 0x0d, 0xb8, [15] = 0x12}},
						      64}},
				.flags = MSG_IDENTITY_DIRECT,
				.heartbeat_us = 20000,
				.dead_us = 100000,
				.confirm_us = 5000,
			},
		.view = {.own = &rig.own,
			 .peer = &rig.peer,
			 .model = models,
			 .model_n = 1,
			 .address = {HA_IPV4, {192, 0, 2, 11}},
			 .reported = true,
			 .facts = {.heard = true,
				   .direct = true,
				   .proof = {{.answered = true}, {.answered = true}},
				   .vip_over = true}},
	};
	rig.peer = rig.own;
	strcpy(rig.peer.host_name, "first");
	rig.peer.management[1].address.b[3] = 11;
	rig.peer.management[2].address.b[15] = 0x11;
	rig.peer.vip[0] = (struct ha_address){HA_IPV4, {192, 0, 2, 100}};
	rig.peer.vip[1] = (struct ha_address){HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x64}};
	return &rig;
}

static json_t *rig_rows(struct rig *rig)
{
	json_t *rows;

	requirements_judge(&rig->view, rig->cause);
	rows = table_rows(&rig->view, rig->cause, REQUIREMENT_N);
	cr_assert(rows);
	return rows;
}

static const char *text(const json_t *rows, enum requirement row, const char *key)
{
	const char *value = json_string_value(json_object_get(json_array_get(rows, row), key));

	cr_assert(value, "%u %s", row, key);
	return value;
}

static void expect(const json_t *rows, enum requirement row, const char *result, const char *local,
		   const char *peer)
{
	cr_expect_str_eq(text(rows, row, "result"), result, "%s: %s", requirement_name(row),
			 text(rows, row, "result"));
	cr_expect_str_eq(text(rows, row, "local"), local, "%s: %s", requirement_name(row),
			 text(rows, row, "local"));
	cr_expect_str_eq(text(rows, row, "peer"), peer, "%s: %s", requirement_name(row),
			 text(rows, row, "peer"));
}

Test(table, has_every_row_in_order)
{
	json_t *rows = rig_rows(rig_new());

	cr_assert_eq(json_array_size(rows), REQUIREMENT_N);
	for (unsigned i = 0; i < REQUIREMENT_N; i++) {
		cr_assert_eq(json_object_size(json_array_get(rows, i)), 6);
		cr_assert_str_eq(text(rows, i, "name"), requirement_name(i));
		cr_assert_str_eq(text(rows, i, "title"), requirement_title(i));
		cr_assert_str_eq(text(rows, i, "remedy"), "");
	}
	json_decref(rows);
}

Test(table, shows_both_values_where_all_is_met)
{
	json_t *rows = rig_rows(rig_new());

	expect(rows, REQUIREMENT_MODEL, "pass", "1100", "1100");
	expect(rows, REQUIREMENT_CABLE, "pass", "link_direct = true, heard directly",
	       "link_direct = true");
	expect(rows, REQUIREMENT_VERSION, "pass", "7.1.0.1234 / 1050 / 2", "7.1.0.1234 / 1050 / 2");
	expect(rows, REQUIREMENT_HOST_NAME, "pass", "second", "first");
	expect(rows, REQUIREMENT_FAMILIES, "pass", "IPv4 and IPv6", "IPv4 and IPv6");
	expect(rows, REQUIREMENT_SEGMENT, "pass", "192.0.2.12/24, 2001:db8::12/64",
	       "192.0.2.11/24, 2001:db8::11/64");
	expect(rows, REQUIREMENT_VIRTUAL_IP, "pass", "none", "192.0.2.100, 2001:db8::64");
	expect(rows, REQUIREMENT_ADDRESS, "pass", "192.0.2.11", "192.0.2.11, 2001:db8::11");
	expect(rows, REQUIREMENT_ROLE, "pass", "not active", "active");
	expect(rows, REQUIREMENT_VACANT, "pass", "free", "free");
	expect(rows, REQUIREMENT_TIMING, "pass", "heartbeat 20 ms, dead 100 ms, confirm 5 ms",
	       "heartbeat 20 ms, dead 100 ms, confirm 5 ms");
	expect(rows, REQUIREMENT_PROTOCOL, "pass", "version 1, haagent 0.1.0",
	       "version 1, haagent 0.1.0");
	json_decref(rows);
}

Test(table, shows_the_active_s_side)
{
	struct rig *rig = rig_new();
	struct msg_identity joiner = rig->own;
	json_t *rows;

	rig->own = rig->peer;
	rig->peer = joiner;
	rig->view.is_active = rig->view.own_holds = true;
	rows = rig_rows(rig);
	cr_assert(requirements_met(rig->cause));
	expect(rows, REQUIREMENT_ADDRESS, "pass", "192.0.2.11, 2001:db8::11", "192.0.2.11");
	expect(rows, REQUIREMENT_ROLE, "pass", "active", "-");
	expect(rows, REQUIREMENT_VACANT, "pass", "free", "-");
	expect(rows, REQUIREMENT_VIRTUAL_IP, "pass", "192.0.2.100, 2001:db8::64", "none");
	json_decref(rows);
}

Test(table, shows_what_differs_and_the_remedy)
{
	struct rig *rig = rig_new();
	json_t *rows;

	strcpy(rig->peer.model, "1200");
	rig->peer.hotfix[0] = rig->peer.patch[0] = '\0';
	strcpy(rig->peer.host_name, "second");
	rig->peer.management[2] = (struct msg_prefix){0};
	rig->peer.flags = 0;
	rig->peer.heartbeat_us = 2500;
	rig->peer.dead_us = 8125;
	rig->peer.confirm_us = 1;
	rig->peer.agent[0] = '\0';
	rig->view.refusal = JOIN_OCCUPIED;
	rows = rig_rows(rig);
	expect(rows, REQUIREMENT_MODEL, "fail", "1100", "1200");
	expect(rows, REQUIREMENT_CABLE, "fail", "link_direct = true, heard directly",
	       "link_direct = false");
	expect(rows, REQUIREMENT_VERSION, "fail", "7.1.0.1234 / 1050 / 2", "7.1.0.1234 / - / -");
	expect(rows, REQUIREMENT_HOST_NAME, "fail", "second", "second");
	expect(rows, REQUIREMENT_FAMILIES, "fail", "IPv4 and IPv6", "IPv4");
	expect(rows, REQUIREMENT_ROLE, "unknown", "not active", "-");
	expect(rows, REQUIREMENT_VACANT, "fail", "free", "part of a pair");
	expect(rows, REQUIREMENT_TIMING, "fail", "heartbeat 20 ms, dead 100 ms, confirm 5 ms",
	       "heartbeat 2.5 ms, dead 8.125 ms, confirm 0.001 ms");
	expect(rows, REQUIREMENT_PROTOCOL, "pass", "version 1, haagent 0.1.0", "version 1");
	for (unsigned i = 0; i < REQUIREMENT_N; i++)
		cr_assert_str_eq(text(rows, i, "remedy"),
				 requirement_remedy((enum requirement_cause)rig->cause[i]));
	json_decref(rows);
}

Test(table, shows_what_an_appliance_lacks)
{
	struct rig *rig = rig_new();
	json_t *rows;

	memset(&rig->peer, 0, sizeof(rig->peer));
	rig->view.refusal = JOIN_NOT_ACTIVE;
	rows = rig_rows(rig);
	expect(rows, REQUIREMENT_MODEL, "fail", "1100", "none");
	expect(rows, REQUIREMENT_VERSION, "fail", "7.1.0.1234 / 1050 / 2", "- / - / -");
	expect(rows, REQUIREMENT_HOST_NAME, "fail", "second", "none");
	expect(rows, REQUIREMENT_FAMILIES, "fail", "IPv4 and IPv6", "none");
	expect(rows, REQUIREMENT_SEGMENT, "fail", "192.0.2.12/24, 2001:db8::12/64", "none");
	expect(rows, REQUIREMENT_VIRTUAL_IP, "fail", "none", "none");
	expect(rows, REQUIREMENT_ADDRESS, "fail", "192.0.2.11", "-");
	expect(rows, REQUIREMENT_ROLE, "fail", "not active", "not active");
	json_decref(rows);
}

Test(table, shows_what_is_heard_of_the_link)
{
	static const struct {
		bool direct_claimed, heard, direct, stations;
		const char *local;
	} table[] = {
		{true, false, false, true, "link_direct = true, nobody heard"},
		{true, true, true, false, "link_direct = true, heard directly"},
		{true, true, false, false, "link_direct = true, heard through another device"},
		{true, true, true, true, "link_direct = true, heard directly, and other stations"},
		{false, true, false, false, "link_direct = false, heard"},
		{false, true, true, false, "link_direct = false, heard directly"},
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct rig *rig = rig_new();
		json_t *rows;

		rig->own.flags = table[i].direct_claimed ? MSG_IDENTITY_DIRECT : 0;
		rig->view.facts.heard = table[i].heard;
		rig->view.facts.direct = table[i].direct;
		rig->view.facts.stations = table[i].stations;
		rows = rig_rows(rig);
		cr_assert_str_eq(text(rows, REQUIREMENT_CABLE, "local"), table[i].local, "%s",
				 text(rows, REQUIREMENT_CABLE, "local"));
		json_decref(rows);
	}
}

Test(table, shows_a_dash_for_what_is_not_known)
{
	struct rig *rig = rig_new();
	json_t *rows;

	rig->view.peer = NULL;
	rig->view.reported = false;
	memset(&rig->view.facts, 0, sizeof(rig->view.facts));
	rows = rig_rows(rig);
	for (unsigned i = 0; i < REQUIREMENT_N; i++) {
		cr_assert_str_eq(text(rows, i, "peer"), "-", "%s", requirement_name(i));
		cr_assert_str_eq(text(rows, i, "result"), "unknown", "%s", requirement_name(i));
		cr_assert_str_eq(text(rows, i, "remedy"), requirement_remedy(CAUSE_UNHEARD));
	}
	json_decref(rows);

	rig->view.facts.unverified = true;
	rows = rig_rows(rig);
	expect(rows, REQUIREMENT_PROTOCOL, "fail", "version 1, haagent 0.1.0", "handshake fails");
	json_decref(rows);
	rig->view.facts.crossed = true;
	rows = rig_rows(rig);
	expect(rows, REQUIREMENT_PROTOCOL, "fail", "version 1, haagent 0.1.0",
	       "tests or joins, too");
	json_decref(rows);
	rig->view.facts.other_version = true;
	rows = rig_rows(rig);
	expect(rows, REQUIREMENT_PROTOCOL, "fail", "version 1, haagent 0.1.0", "another version");
	json_decref(rows);
	rig->view.facts.heard = true;
	rig->view.facts.crossed = false;
	rows = rig_rows(rig);
	expect(rows, REQUIREMENT_PROTOCOL, "pass", "version 1, haagent 0.1.0", "version 1");
	json_decref(rows);
}

Test(table, shows_nothing_typed_as_a_dash)
{
	struct rig *rig = rig_new();
	json_t *rows;

	memset(&rig->view.address, 0, sizeof(rig->view.address));
	rows = rig_rows(rig);
	expect(rows, REQUIREMENT_ADDRESS, "pass", "-", "192.0.2.11, 2001:db8::11");
	json_decref(rows);
}

Test(table, has_the_first_n_rows)
{
	struct rig *rig = rig_new();

	requirements_judge(&rig->view, rig->cause);
	for (unsigned n = 0; n <= REQUIREMENT_N + 1; n++) {
		json_t *rows = table_rows(&rig->view, rig->cause, n);

		cr_assert_eq(json_array_size(rows), n < REQUIREMENT_N ? n : REQUIREMENT_N);
		json_decref(rows);
	}
}

Test(table, shows_a_newer_peer_s_objection_as_a_failure)
{
	struct rig *rig = rig_new();
	json_t *rows;

	memset(rig->cause, 0xff, sizeof(rig->cause));
	rows = table_rows(&rig->view, rig->cause, REQUIREMENT_N);
	for (unsigned i = 0; i < REQUIREMENT_N; i++) {
		cr_assert_str_eq(text(rows, i, "result"), "fail");
		cr_assert_str_not_empty(text(rows, i, "remedy"));
	}
	json_decref(rows);
}

/* The longest values there are, and a host name that is no text. */
Test(table, holds_the_longest_values)
{
	struct rig *rig = rig_new();
	json_t *rows;

	memset(rig->peer.firmware, 'f', MSG_FIRMWARE_LEN);
	memset(rig->peer.hotfix, 'h', MSG_HOTFIX_LEN);
	memset(rig->peer.patch, 'p', MSG_PATCH_LEN);
	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++) {
		struct ha_address *a = &rig->peer.management[i].address;

		a->family = HA_IPV6;
		memset(a->b, 0x20, sizeof(a->b));
		a->b[15] = (uint8_t)(0xf0 + i);
		rig->peer.management[i].length = 128;
	}
	rig->peer.heartbeat_us = rig->peer.dead_us = rig->peer.confirm_us = UINT32_MAX;
	strcpy(rig->own.host_name, "\xff\xfe");
	rows = rig_rows(rig);
	cr_assert_eq(strlen(text(rows, REQUIREMENT_VERSION, "peer")), 3 * 32 + 2 * 3);
	cr_assert_str_eq(text(rows, REQUIREMENT_SEGMENT, "peer") + 7 * 45,
			 "2020:2020:2020:2020:2020:2020:2020:20f7/128");
	cr_assert_str_eq(text(rows, REQUIREMENT_TIMING, "peer"),
			 "heartbeat 4294967.295 ms, dead 4294967.295 ms, confirm 4294967.295 ms");
	expect(rows, REQUIREMENT_HOST_NAME, "pass", "?", "first");
	json_decref(rows);
}

static long allowance, live;

static void *stingy_malloc(size_t size)
{
	void *p = allowance-- > 0 ? malloc(size) : NULL;

	live += p != NULL;
	return p;
}

static void stingy_free(void *p)
{
	live -= p != NULL;
	free(p);
}

/* Wherever the arena comes to its end: no table, rather than half of one, and nothing is left behind. */
Test(table, is_whole_or_not_there)
{
	struct rig *rig = rig_new();
	long needed;
	json_t *rows;

	json_set_alloc_funcs(stingy_malloc, stingy_free);
	requirements_judge(&rig->view, rig->cause);
	for (needed = 0; needed < 10000; needed++) {
		allowance = needed;
		rows = table_rows(&rig->view, rig->cause, REQUIREMENT_N);
		if (rows != NULL)
			break;
		cr_assert_eq(live, 0, "%ld", needed);
	}
	cr_assert_gt(needed, (long)REQUIREMENT_N * 6, "each value costs one at least");
	cr_assert_eq(json_array_size(rows), REQUIREMENT_N);
	json_decref(rows);
	cr_assert_eq(live, 0);
}
