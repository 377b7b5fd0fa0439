/* The join: two machines, a wire that loses frames, and two disks.
 *
 * _j is of the joiner, _a of the active.
 */
#include "agent/join.h"

#include <criterion/criterion.h>

#include <string.h>

static const struct ha_address asked = {.family = HA_IPV4, .b = {192, 0, 2, 1}};
static const struct ha_address vip[2] = {
	{.family = HA_IPV4, .b = {192, 0, 2, 100}},
	{.family = HA_IPV6, .b = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
};

static const uint8_t key_j[HA_KEY_LEN] = {1}, key_a[HA_KEY_LEN] = {2}, other[HA_KEY_LEN] = {3};
static const uint8_t secret[HA_KEY_LEN] = {9}, new_secret[HA_KEY_LEN] = {8};
static const uint8_t fresh[HA_CLUSTER_ID_LEN] = {7};

/* An active that anybody may join. */
static struct join_view open_view(void)
{
	return (struct join_view){
		.active = true, .store_ok = true, .address_own = true, .vip_n = 2, .term = 12};
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

static struct join asking(void)
{
	struct join join;
	struct join_step step;

	join_start(&join, &asked, 0);
	step = join_up(&join, key_a, secret, HA_SEC);
	cr_assert_eq(step.what, JOIN_SEND);
	cr_assert_eq(step.message.op, JOIN_REQUEST);
	cr_assert(ha_address_equal(&step.message.address, &asked));
	return join;
}

Test(join, accepted_request_ends_with_both_records_on_disk)
{
	struct join joiner = asking(), active = {0};
	struct join_view view = open_view();
	struct msg_identity identity = identity_of_active();
	struct store_record record_j = {.term = 3}, record_a = {.term = 12};
	struct join_step step = join_request(&active, &view, key_j, secret, fresh);

	cr_assert_eq(step.what, JOIN_SAVE, "the active's record comes before its yes");
	join_record(&active, vip, 2, &record_a);
	step = join_saved(&active, true);
	cr_assert_eq(step.what, JOIN_PAIRED);
	cr_assert_eq(step.message.op, JOIN_ACCEPT);

	join_identity(&joiner, &identity);
	cr_assert_eq(join_answer(&joiner, &step.message).what, JOIN_SAVE);
	join_record(&joiner, NULL, 0, &record_j);
	cr_assert_eq(join_saved(&joiner, true).what, JOIN_PAIRED);

	cr_assert(record_j.paired && record_a.paired);
	cr_assert_eq(record_j.mode, HA_MODE_PRIMARY_PASSIVE);
	cr_assert_eq(record_a.mode, HA_MODE_PRIMARY_ACTIVE);
	cr_assert_eq(record_j.term, 12);
	cr_assert(!record_j.whole_copy && record_a.whole_copy);
	cr_assert_arr_eq(record_j.peer_key, key_a, HA_KEY_LEN);
	cr_assert_arr_eq(record_a.peer_key, key_j, HA_KEY_LEN);
	cr_assert_arr_eq(record_j.pair_secret, record_a.pair_secret, HA_KEY_LEN);
	cr_assert_arr_eq(record_j.cluster_id, fresh, HA_CLUSTER_ID_LEN);
	cr_assert_arr_eq(record_a.cluster_id, fresh, HA_CLUSTER_ID_LEN);
	cr_assert_arr_eq(record_j.vip, record_a.vip, sizeof(record_a.vip));
	cr_assert_str_eq(record_j.peer_name, "first");
}

Test(join, request_is_repeated_until_it_is_answered)
{
	struct join join = asking();

	cr_assert_eq(join_deadline(&join), HA_SEC + JOIN_REPEAT);
	cr_assert_eq(join_timer(&join, HA_SEC + JOIN_REPEAT - 1).what, JOIN_NOTHING);
	cr_assert_eq(join_timer(&join, HA_SEC + JOIN_REPEAT).what, JOIN_SEND);
	cr_assert_eq(join_deadline(&join), HA_SEC + 2 * JOIN_REPEAT);
}

Test(join, nobody_on_the_link_fails_after_the_timeout)
{
	struct join join;
	struct join_step step;

	join_start(&join, &asked, 0);
	cr_assert_eq(join_deadline(&join), JOIN_TIMEOUT);
	step = join_timer(&join, JOIN_TIMEOUT);
	cr_assert_eq(step.what, JOIN_FAILED);
	cr_assert(!step.refused);
	cr_assert_eq(join_deadline(&join), HA_NEVER);
}

Test(join, unanswered_request_fails_after_the_timeout)
{
	struct join join = asking();

	cr_assert_eq(join_timer(&join, JOIN_TIMEOUT).what, JOIN_FAILED);
	cr_assert_eq(join.phase, JOIN_IDLE);
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

Test(join, a_new_session_forgets_the_identity_of_the_last)
{
	struct join join = asking();
	struct msg_identity identity = identity_of_active();
	const struct msg_join accept = {.op = JOIN_ACCEPT};

	join_identity(&join, &identity);
	cr_assert_eq(join_up(&join, other, new_secret, 2 * HA_SEC).what, JOIN_SEND);
	cr_assert_eq(join_answer(&join, &accept).what, JOIN_NOTHING);
	cr_assert_arr_eq(join.peer_key, other, HA_KEY_LEN);
}

Test(join, refusal_reaches_the_operator)
{
	struct join join = asking();
	const struct msg_join refuse = {.op = JOIN_REFUSE, .refusal = JOIN_OCCUPIED};
	struct join_step step = join_answer(&join, &refuse);

	cr_assert_eq(step.what, JOIN_FAILED);
	cr_assert(step.refused);
	cr_assert_str_eq(step.text, join_refusal_text(JOIN_OCCUPIED));
}

Test(join, answers_are_nothing_to_who_did_not_ask)
{
	struct join join = {0};
	const struct msg_join accept = {.op = JOIN_ACCEPT};

	cr_assert_eq(join_answer(&join, &accept).what, JOIN_NOTHING);
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
