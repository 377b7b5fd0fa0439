/* The join: two machines, a wire that loses frames, two judgements and two disks.
 *
 * _j is of the joiner, _a of the active.
 */
#include "agent/join.h"

#include <criterion/criterion.h>

#include <sodium.h>
#include <string.h>

static const struct ha_address asked = {.family = HA_IPV4, .b = {192, 0, 2, 1}};
static const struct ha_address vip[2] = {
	{.family = HA_IPV4, .b = {192, 0, 2, 100}},
	{.family = HA_IPV6, .b = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
};

static const uint8_t key_j[HA_KEY_LEN] = {1}, key_a[HA_KEY_LEN] = {2}, other[HA_KEY_LEN] = {3};
static const uint8_t secret[HA_KEY_LEN] = {9}, new_secret[HA_KEY_LEN] = {8};
static const uint8_t fresh[HA_CLUSTER_ID_LEN] = {7};

static const uint8_t all_met[REQUIREMENT_N];
static const struct msg_join good_report = {.op = JOIN_REPORT};

/* An active that anybody may join. */
static struct join_view open_view(void)
{
	return (struct join_view){.active = true,
				  .store_ok = true,
				  .address_own = true,
				  .vip_n = 2,
				  .surveyed = true,
				  .term = 12};
}

static struct join_view paired_view(const uint8_t key[HA_KEY_LEN])
{
	struct join_view view = open_view();

	view.paired = true;
	memcpy(view.peer_key, key, HA_KEY_LEN);
	memcpy(view.pair_secret, secret, HA_KEY_LEN);
	view.cluster_id[0] = 5;
	return view;
}

static struct msg_identity identity_of_active(void)
{
	struct msg_identity identity = {.host_name = "first"};

	memcpy(identity.vip, vip, sizeof(vip));
	return identity;
}

/* A joiner in a session since 1 s, whose test has been sent. */
static struct join testing(bool test_only)
{
	struct join join;
	struct join_step step;

	join_start(&join, &asked, test_only, NULL, 0);
	step = join_up(&join, key_a, secret, HA_SEC);
	cr_assert_eq(step.what, JOIN_SEND);
	cr_assert_eq(step.message.op, JOIN_TEST);
	cr_assert(ha_address_equal(&step.message.address, &asked));
	return join;
}

/* ... and whose request has been sent. */
static struct join asking(void)
{
	struct join join = testing(false);
	struct join_step step;

	cr_assert_eq(join_answer(&join, &good_report).what, JOIN_NOTHING);
	step = join_judged(&join, all_met, false, HA_SEC);
	cr_assert_eq(step.what, JOIN_SEND);
	cr_assert_eq(step.message.op, JOIN_REQUEST);
	cr_assert(ha_address_equal(&step.message.address, &asked));
	return join;
}

static bool is_wiped(const struct join *join)
{
	static const uint8_t zero[HA_KEY_LEN];

	return memcmp(join->pair_secret, zero, HA_KEY_LEN) == 0;
}

/* ---- the test ---- */

Test(join, test_is_repeated_until_the_table_is_whole)
{
	struct join join = testing(true);
	struct join_step step;

	cr_assert_eq(join_deadline(&join), HA_SEC + JOIN_REPEAT);
	cr_assert_eq(join_timer(&join, HA_SEC + JOIN_REPEAT - 1).what, JOIN_NOTHING);
	step = join_timer(&join, HA_SEC + JOIN_REPEAT);
	cr_assert_eq(step.what, JOIN_SEND);
	cr_assert_eq(step.message.op, JOIN_TEST);
	join_answer(&join, &good_report);
	cr_assert_eq(join_timer(&join, HA_SEC + 2 * JOIN_REPEAT).what, JOIN_SEND);
}

Test(join, test_ends_when_both_sides_know)
{
	struct join join = testing(true);
	struct join_step step;

	cr_assert_eq(join_judged(&join, all_met, false, HA_SEC).what, JOIN_NOTHING, "no report");
	join_answer(&join, &good_report);
	cr_assert_eq(join_judged(&join, all_met, true, HA_SEC).what, JOIN_NOTHING, "own is open");
	cr_assert_eq(join_judged(&join, all_met, true, HA_SEC).what, JOIN_NOTHING, "again");
	step = join_judged(&join, all_met, false, HA_SEC);
	cr_assert_eq(step.what, JOIN_TESTED);
	cr_assert_not(step.refused);
	cr_assert_str_eq(step.text, "all requirements are met: this appliance may join");
	cr_assert(join.tested && is_wiped(&join));
	cr_assert_arr_eq(join.cause, all_met, REQUIREMENT_N);
	cr_assert_eq(join_deadline(&join), HA_NEVER);
	cr_assert_eq(join_judged(&join, all_met, false, HA_SEC).what, JOIN_NOTHING, "once");
}

Test(join, table_is_that_of_both_sides)
{
	uint8_t own[REQUIREMENT_N] = {
		[REQUIREMENT_MODEL] = CAUSE_MODEL_DIFFERS, [REQUIREMENT_VERSION] = CAUSE_NOT_SEEN};
	struct msg_join report = good_report;
	struct join join = testing(true);
	struct join_step step;

	report.cause[REQUIREMENT_CABLE] = CAUSE_STATIONS;
	join_answer(&join, &report);
	step = join_judged(&join, own, false, HA_SEC);
	cr_assert_eq(step.what, JOIN_TESTED);
	cr_assert(step.refused);
	cr_assert_eq(join.cause[REQUIREMENT_MODEL], CAUSE_MODEL_DIFFERS);
	cr_assert_eq(join.cause[REQUIREMENT_VERSION], CAUSE_NONE);
	cr_assert_eq(join.cause[REQUIREMENT_CABLE], CAUSE_STATIONS);
}

Test(join, test_ends_with_what_is_known_when_its_time_is_over)
{
	uint8_t own[REQUIREMENT_N] = {[REQUIREMENT_SEGMENT] = CAUSE_PENDING};
	struct join join = testing(true);
	struct join_step step;

	cr_assert_eq(join_judged(&join, own, true, JOIN_TEST_TIMEOUT - 1).what, JOIN_NOTHING);
	cr_assert_eq(join_timer(&join, JOIN_TEST_TIMEOUT).what, JOIN_NOTHING);
	step = join_judged(&join, own, true, JOIN_TEST_TIMEOUT);
	cr_assert_eq(step.what, JOIN_TESTED);
	cr_assert(step.refused && join.tested);
	cr_assert_eq(join.cause[REQUIREMENT_SEGMENT], CAUSE_PENDING);
}

Test(join, test_without_anybody_has_a_table_too)
{
	uint8_t own[REQUIREMENT_N] = {[REQUIREMENT_PROTOCOL] = CAUSE_UNHEARD};
	struct join join;
	struct join_step step;

	join_start(&join, &asked, true, NULL, 0);
	cr_assert_eq(join_judged(&join, own, false, 0).what, JOIN_NOTHING);
	cr_assert_eq(join_deadline(&join), JOIN_TEST_TIMEOUT);
	cr_assert_eq(join_timer(&join, JOIN_TEST_TIMEOUT).what, JOIN_NOTHING);
	step = join_judged(&join, own, false, JOIN_TEST_TIMEOUT);
	cr_assert_eq(step.what, JOIN_TESTED);
	cr_assert(step.refused && join.tested && !join.met);
	cr_assert_eq(join.cause[REQUIREMENT_PROTOCOL], CAUSE_UNHEARD);
}

Test(join, an_active_that_would_refuse_is_no_good_test)
{
	struct msg_join report = {.op = JOIN_REPORT, .refusal = JOIN_OCCUPIED};
	struct join join = testing(true);

	join_answer(&join, &report);
	cr_assert_eq(join.refusal, JOIN_OCCUPIED, "for the judgement");
	cr_assert(join_judged(&join, all_met, false, HA_SEC).refused);
}

Test(join, test_begins_anew_with_the_session)
{
	struct join join = testing(true);
	struct join_step step;

	join_answer(&join, &good_report);
	step = join_up(&join, other, new_secret, 2 * HA_SEC);
	cr_assert_eq(step.what, JOIN_SEND);
	cr_assert_eq(step.message.op, JOIN_TEST);
	cr_assert_eq(join_judged(&join, all_met, false, 2 * HA_SEC).what, JOIN_NOTHING);
	cr_assert_arr_eq(join.peer_key, other, HA_KEY_LEN);
}

Test(join, answers_to_a_request_are_nothing_to_a_test)
{
	struct join join = testing(true);
	struct msg_identity identity = identity_of_active();
	const struct msg_join accept = {.op = JOIN_ACCEPT};
	const struct msg_join refuse = {.op = JOIN_REFUSE, .refusal = JOIN_OCCUPIED};

	join_identity(&join, &identity);
	cr_assert(join.identity_known);
	cr_assert_eq(join_answer(&join, &accept).what, JOIN_NOTHING);
	cr_assert_eq(join_answer(&join, &refuse).what, JOIN_NOTHING);
	cr_assert_eq(join.phase, JOIN_TESTING);
}

Test(join, a_join_that_does_not_meet_them_does_not_ask)
{
	uint8_t own[REQUIREMENT_N] = {[REQUIREMENT_CABLE] = CAUSE_RELAYED};
	struct join join = testing(false);
	struct join_step step;

	join_answer(&join, &good_report);
	step = join_judged(&join, own, false, HA_SEC);
	cr_assert_eq(step.what, JOIN_FAILED);
	cr_assert(step.refused && join.tested && is_wiped(&join));
	cr_assert_eq(join.cause[REQUIREMENT_CABLE], CAUSE_RELAYED);
	cr_assert_str_eq(step.text, "the cluster requirements are not met");
}

Test(join, a_join_without_a_report_does_not_ask)
{
	struct join join = testing(false);

	cr_assert_eq(join_judged(&join, all_met, false, JOIN_TEST_TIMEOUT).what, JOIN_FAILED);
}

Test(join, nobody_on_the_link_fails_with_the_table)
{
	uint8_t own[REQUIREMENT_N] = {[REQUIREMENT_PROTOCOL] = CAUSE_VERSION};
	struct join join;
	struct join_step step;

	join_start(&join, &asked, false, NULL, 0);
	step = join_judged(&join, own, false, JOIN_TEST_TIMEOUT);
	cr_assert_eq(step.what, JOIN_FAILED);
	cr_assert(step.refused && join.tested);
	cr_assert_eq(join.cause[REQUIREMENT_PROTOCOL], CAUSE_VERSION);
	cr_assert(strstr(step.text, "no connection") != NULL);
	cr_assert_eq(join_deadline(&join), HA_NEVER);
}

Test(join, two_that_join_each_other_are_told_so)
{
	uint8_t own[REQUIREMENT_N] = {[REQUIREMENT_PROTOCOL] = CAUSE_UNHEARD};
	struct join join;
	struct join_step step;

	join_start(&join, &asked, false, NULL, 0);
	join_crossed(&join);
	step = join_judged(&join, own, false, JOIN_TEST_TIMEOUT);
	cr_assert_eq(step.what, JOIN_FAILED);
	cr_assert(strstr(step.text, "at the same time") != NULL);

	join_start(&join, &asked, false, NULL, 0);
	cr_assert_not(join.crossed, "not this time");
}

/* What is left of it would be this side's judgement of the next one that asks it. */
Test(join, that_two_tested_each_other_is_over_with_the_test)
{
	uint8_t own[REQUIREMENT_N] = {[REQUIREMENT_PROTOCOL] = CAUSE_CROSSED};
	struct join join;
	struct join_step step;

	for (int test_only = 0; test_only < 2; test_only++) {
		join_start(&join, &asked, test_only, NULL, 0);
		join_crossed(&join);
		cr_assert(join.crossed);
		step = join_judged(&join, own, false, JOIN_TEST_TIMEOUT);
		cr_assert_eq(step.what, test_only ? JOIN_TESTED : JOIN_FAILED);
		cr_assert(strstr(step.text, "at the same time") != NULL);
		cr_assert_not(join.crossed);
		join_crossed(&join);
		cr_assert_not(join.crossed, "nobody joins here");
	}
}

Test(join, only_the_key_that_was_confirmed)
{
	struct join join;
	uint8_t digest[crypto_hash_sha256_BYTES];
	struct join_step step;

	crypto_hash_sha256(digest, key_a, sizeof(key_a));
	join_start(&join, &asked, false, digest, 0);
	cr_assert_eq(join_up(&join, key_a, secret, HA_SEC).what, JOIN_SEND);
	step = join_up(&join, other, new_secret, HA_SEC);
	cr_assert_eq(step.what, JOIN_FAILED);
	cr_assert(step.refused && !join.tested && is_wiped(&join));
	cr_assert(strstr(step.text, "another key than the one that was confirmed") != NULL);
	cr_assert_eq(join.phase, JOIN_IDLE);
}

/* ---- the join ---- */

Test(join, accepted_request_ends_with_both_records_on_disk)
{
	struct join joiner = asking(), active = {0};
	struct join_view view = open_view();
	struct msg_identity identity = identity_of_active();
	struct store_record record_j = {.term = 3, .held_term = 3};
	struct store_record record_a = {.term = 12, .held_term = 12};
	struct join_step step = join_request(&active, &view, key_j, secret, fresh);

	cr_assert_eq(step.what, JOIN_SAVE, "the active's record comes before its yes");
	strcpy(active.identity.host_name, "second");
	join_record(&active, vip, 2, &record_a);
	step = join_saved(&active, true);
	cr_assert_eq(step.what, JOIN_PAIRED);
	cr_assert_eq(step.message.op, JOIN_ACCEPT);

	join_identity(&joiner, &identity);
	cr_assert_eq(join_answer(&joiner, &step.message).what, JOIN_SAVE);
	join_record(&joiner, NULL, 0, &record_j);
	cr_assert_eq(join_saved(&joiner, true).what, JOIN_PAIRED);
	cr_assert(is_wiped(&joiner) && is_wiped(&active));

	cr_assert(record_j.paired && record_a.paired);
	cr_assert_eq(record_j.mode, HA_MODE_PRIMARY_PASSIVE);
	cr_assert_eq(record_a.mode, HA_MODE_PRIMARY_ACTIVE);
	cr_assert_eq(record_j.term, 12);
	cr_assert_eq(record_j.held_term, 0, "it has never held in this pair");
	cr_assert_eq(record_a.held_term, 12);
	cr_assert(!record_j.whole_copy && record_a.whole_copy);
	cr_assert_arr_eq(record_j.peer_key, key_a, HA_KEY_LEN);
	cr_assert_arr_eq(record_a.peer_key, key_j, HA_KEY_LEN);
	cr_assert_arr_eq(record_j.pair_secret, record_a.pair_secret, HA_KEY_LEN);
	cr_assert_arr_eq(record_j.cluster_id, fresh, HA_CLUSTER_ID_LEN);
	cr_assert_arr_eq(record_a.cluster_id, fresh, HA_CLUSTER_ID_LEN);
	cr_assert_arr_eq(record_j.vip, record_a.vip, sizeof(record_a.vip));
	cr_assert_str_eq(record_j.peer_name, "first");
	cr_assert_str_eq(record_a.peer_name, "second");
}

Test(join, request_is_repeated_until_it_is_answered)
{
	struct join join = asking();

	cr_assert_eq(join_deadline(&join), HA_SEC + JOIN_REPEAT);
	cr_assert_eq(join_timer(&join, HA_SEC + JOIN_REPEAT - 1).what, JOIN_NOTHING);
	cr_assert_eq(join_timer(&join, HA_SEC + JOIN_REPEAT).what, JOIN_SEND);
	cr_assert_eq(join_deadline(&join), HA_SEC + 2 * JOIN_REPEAT);
}

Test(join, unanswered_request_fails_after_the_timeout)
{
	struct join join = asking();

	cr_assert_neq(join_timer(&join, HA_SEC + JOIN_TIMEOUT - 1).what, JOIN_FAILED);
	cr_assert_eq(join_timer(&join, HA_SEC + JOIN_TIMEOUT).what, JOIN_FAILED);
	cr_assert_eq(join.phase, JOIN_IDLE);
	cr_assert_not(join.tested, "the table is not why");
	cr_assert(is_wiped(&join));
}

Test(join, accept_without_the_identity_waits_for_the_next)
{
	struct join join = asking();
	struct msg_identity identity = identity_of_active();
	const struct msg_join accept = {.op = JOIN_ACCEPT, .term = 4};

	cr_assert_eq(join_answer(&join, &accept).what, JOIN_NOTHING);
	join_identity(&join, &identity);
	cr_assert_eq(join_answer(&join, &accept).what, JOIN_SAVE);
	cr_assert_eq(join_answer(&join, &accept).what, JOIN_NOTHING, "it is being saved");
}

Test(join, virtual_ips_that_no_station_can_have_are_no_cluster_to_join)
{
	static const struct ha_address bad[] = {
		{.family = HA_FAMILY_NONE}, /* and a second one behind it */
		{.family = HA_IPV4},
		{.family = HA_IPV4, .b = {224, 0, 0, 1}},
		{.family = HA_IPV6, .b = {[15] = 1}},
	};
	const struct msg_join accept = {.op = JOIN_ACCEPT};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct join join = asking();
		struct msg_identity identity = identity_of_active();

		identity.vip[0] = bad[i];
		join_identity(&join, &identity);
		cr_assert_eq(join_answer(&join, &accept).what, JOIN_FAILED, "%zu", i);
		cr_assert_eq(join.phase, JOIN_IDLE);
	}
}

Test(join, a_new_session_with_the_same_appliance_repeats_the_request)
{
	struct join join = asking();
	struct msg_identity identity = identity_of_active();
	const struct msg_join accept = {.op = JOIN_ACCEPT};
	struct join_step step;

	join_identity(&join, &identity);
	step = join_up(&join, key_a, new_secret, 2 * HA_SEC);
	cr_assert_eq(step.what, JOIN_SEND);
	cr_assert_eq(step.message.op, JOIN_REQUEST);
	cr_assert_eq(join_answer(&join, &accept).what, JOIN_NOTHING, "no identity in this one");
	cr_assert_arr_eq(join.pair_secret, new_secret, HA_KEY_LEN);
}

Test(join, another_appliance_is_tested_before_it_is_asked)
{
	struct join join = asking();
	struct join_step step = join_up(&join, other, new_secret, 2 * HA_SEC);

	cr_assert_eq(step.what, JOIN_SEND);
	cr_assert_eq(step.message.op, JOIN_TEST);
	cr_assert_not(join.tested);
	cr_assert_arr_eq(join.peer_key, other, HA_KEY_LEN);
}

Test(join, refusal_reaches_the_operator)
{
	struct join join = asking();
	const struct msg_join refuse = {.op = JOIN_REFUSE, .refusal = JOIN_OCCUPIED};
	struct join_step step = join_answer(&join, &refuse);

	cr_assert_eq(step.what, JOIN_FAILED);
	cr_assert(step.refused && !join.tested);
	cr_assert_str_eq(step.text, join_refusal_text(JOIN_OCCUPIED));
}

Test(join, refusal_for_the_requirements_changes_the_table)
{
	struct join join = asking();
	struct msg_join refuse = {.op = JOIN_REFUSE, .refusal = JOIN_REQUIREMENTS};
	struct join_step step;

	refuse.cause[REQUIREMENT_VIRTUAL_IP] = CAUSE_VIP_THIRD_PARTY;
	step = join_answer(&join, &refuse);
	cr_assert_eq(step.what, JOIN_FAILED);
	cr_assert(step.refused && join.tested);
	cr_assert_eq(join.cause[REQUIREMENT_VIRTUAL_IP], CAUSE_VIP_THIRD_PARTY);
}

Test(join, a_late_report_is_nothing_to_who_has_asked)
{
	struct msg_join report = {.op = JOIN_REPORT, .refusal = JOIN_OCCUPIED};
	struct join join = asking();

	cr_assert_eq(join_answer(&join, &report).what, JOIN_NOTHING);
	cr_assert_eq(join.refusal, JOIN_OK);
	cr_assert_eq(join.phase, JOIN_ASKING);
}

Test(join, answers_are_nothing_to_who_did_not_ask)
{
	struct join join = {0};
	const struct msg_join accept = {.op = JOIN_ACCEPT};

	cr_assert_eq(join_answer(&join, &accept).what, JOIN_NOTHING);
	cr_assert_eq(join_answer(&join, &good_report).what, JOIN_NOTHING);
	cr_assert_eq(join_up(&join, key_a, secret, 0).what, JOIN_NOTHING);
	cr_assert_eq(join_judged(&join, all_met, false, 0).what, JOIN_NOTHING);
	cr_assert_eq(join_saved(&join, true).what, JOIN_NOTHING);
	cr_assert_eq(join_deadline(&join), HA_NEVER);
}

Test(join, repeated_request_is_accepted_again_without_a_second_save)
{
	struct join active = {0};
	struct join_view view = paired_view(key_j);
	struct join_step step;

	view.peer_alive = true; /* it may well be heard already */
	step = join_request(&active, &view, key_j, secret, fresh);
	cr_assert_eq(step.what, JOIN_SEND);
	cr_assert_eq(step.message.op, JOIN_ACCEPT);
	cr_assert_eq(step.message.cluster_id[0], 5, "the cluster that it was accepted into");
}

Test(join, request_while_saving_is_left_to_the_next)
{
	struct join active = {0};
	struct join_view view = open_view();

	cr_assert_eq(join_request(&active, &view, key_j, secret, fresh).what, JOIN_SAVE);
	cr_assert_eq(join_request(&active, &view, key_j, secret, fresh).what, JOIN_NOTHING);
}

Test(join, passive_that_lost_its_record_joins_again)
{
	struct join active = {0};
	struct join_view view = paired_view(key_j);

	cr_assert_eq(join_request(&active, &view, key_j, new_secret, fresh).what, JOIN_SAVE);
	cr_assert_arr_eq(active.pair_secret, new_secret, HA_KEY_LEN);
}

Test(join, active_that_cannot_write_refuses)
{
	struct join active = {0};
	struct join_view view = open_view();
	struct join_step step;

	join_request(&active, &view, key_j, secret, fresh);
	step = join_saved(&active, false);
	cr_assert_eq(step.what, JOIN_SEND);
	cr_assert_eq(step.message.op, JOIN_REFUSE);
	cr_assert_eq(step.message.refusal, JOIN_STORE);
}

Test(join, joiner_that_cannot_write_says_so)
{
	struct join join = asking();
	struct msg_identity identity = identity_of_active();
	const struct msg_join accept = {.op = JOIN_ACCEPT};
	struct join_step step;

	join_identity(&join, &identity);
	join_answer(&join, &accept);
	step = join_saved(&join, false);
	cr_assert_eq(step.what, JOIN_FAILED);
	cr_assert(!step.refused);
}

/* ---- the active ---- */

Test(join, report_waits_for_the_survey)
{
	struct join active = {0};
	struct join_view view = open_view();
	struct join_step step;

	view.cause[REQUIREMENT_SEGMENT] = CAUSE_NOT_ANSWERED;
	view.surveyed = false;
	cr_assert_eq(join_test(&active, &view, key_j).what, JOIN_NOTHING);
	view.surveyed = true;
	step = join_test(&active, &view, key_j);
	cr_assert_eq(step.what, JOIN_SEND);
	cr_assert_eq(step.message.op, JOIN_REPORT);
	cr_assert_eq(step.message.refusal, JOIN_OK);
	cr_assert_arr_eq(step.message.cause, view.cause, REQUIREMENT_N);
	view = paired_view(other);
	cr_assert_eq(join_test(&active, &view, key_j).message.refusal, JOIN_OCCUPIED);
	cr_assert_eq(active.phase, JOIN_IDLE, "a test changes nothing");
}

Test(join, who_joins_elsewhere_is_no_active)
{
	struct join join = asking();
	struct join_view view = open_view();

	cr_assert_eq(join_test(&join, &view, key_j).message.refusal, JOIN_NOT_ACTIVE);
	cr_assert_eq(join_request(&join, &view, key_j, secret, fresh).message.refusal,
		     JOIN_NOT_ACTIVE);
	cr_assert_eq(join.phase, JOIN_ASKING);
}

Test(join, request_is_judged_again)
{
	struct join active = {0};
	struct join_view view = open_view();
	struct join_step step;

	view.surveyed = false;
	cr_assert_eq(join_request(&active, &view, key_j, secret, fresh).what, JOIN_NOTHING);
	view.surveyed = true;
	view.cause[REQUIREMENT_HOST_NAME] = CAUSE_SAME_HOST_NAME;
	step = join_request(&active, &view, key_j, secret, fresh);
	cr_assert_eq(step.what, JOIN_SEND);
	cr_assert_eq(step.message.op, JOIN_REFUSE);
	cr_assert_eq(step.message.refusal, JOIN_REQUIREMENTS);
	cr_assert_arr_eq(step.message.cause, view.cause, REQUIREMENT_N);
	view.cause[REQUIREMENT_HOST_NAME] = CAUSE_PENDING;
	step = join_request(&active, &view, key_j, secret, fresh);
	cr_assert_eq(step.message.refusal, JOIN_REQUIREMENTS, "not known is not met");
	cr_assert(is_wiped(&active));
}

Test(join, what_the_active_cannot_see_is_the_joiner_s_to_judge)
{
	struct join active = {0};
	struct join_view view = open_view();

	view.cause[REQUIREMENT_ADDRESS] = CAUSE_NOT_SEEN;
	cr_assert_eq(join_request(&active, &view, key_j, secret, fresh).what, JOIN_SAVE);
}

Test(join, a_new_pair_takes_nothing_along_from_the_old)
{
	struct join active = {0};
	struct join_view view = open_view();
	struct store_record record = {
		.suspended = true,
		.suspended_until = 5,
		.parting = PARTING_REMOVED,
		.detached = true,
		.former = {{.why = PARTING_DETACHED, .key = {3}, .name = "third"},
			   {.why = PARTING_REMOVED, .key = {1}, .pair_secret = {4}},
			   {.why = PARTING_NONE},
			   {.why = PARTING_REMOVED, .key = {6}, .name = "sixth"}},
	};

	join_request(&active, &view, key_j, secret, fresh);
	join_record(&active, vip, 2, &record);
	cr_assert_not(record.suspended || record.detached);
	cr_assert_eq(record.suspended_until, 0);
	cr_assert_eq(record.parting, PARTING_NONE);
	cr_assert_str_eq(record.former[0].name, "third");
	cr_assert_str_eq(record.former[1].name, "sixth", "the peer is no former one any more");
	cr_assert_eq(record.former[2].why, PARTING_NONE);
	cr_assert_eq(record.former[2].key[0], 0);
}

Test(join, every_refusal_of_the_active)
{
	struct join_view view = open_view();

	cr_assert_eq(join_refusal(&view, key_j), JOIN_OK);
	view.store_ok = false;
	cr_assert_eq(join_refusal(&view, key_j), JOIN_STORE);
	view.vip_n = 0;
	cr_assert_eq(join_refusal(&view, key_j), JOIN_NO_VIP);
	view.address_own = false;
	cr_assert_eq(join_refusal(&view, key_j), JOIN_WRONG_ADDRESS);
	view = paired_view(other);
	cr_assert_eq(join_refusal(&view, key_j), JOIN_OCCUPIED);
	view = paired_view(key_j);
	view.peer_alive = true;
	cr_assert_eq(join_refusal(&view, key_j), JOIN_OCCUPIED);
	view.peer_alive = false;
	cr_assert_eq(join_refusal(&view, key_j), JOIN_OK);
	view.active = false;
	cr_assert_eq(join_refusal(&view, key_j), JOIN_NOT_ACTIVE);
}

Test(join, every_refusal_has_a_text)
{
	for (unsigned why = 0; why < JOIN_REFUSAL_N; why++)
		cr_assert(strlen(join_refusal_text((enum msg_join_refusal)why)) > 1);
	cr_assert_str_eq(join_refusal_text(JOIN_REFUSAL_N), "?");
}
