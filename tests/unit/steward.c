/* What the steward believes, and what it keeps. */
#include "agent/steward.h"
#include "proto/msg.h"

#include <criterion/criterion.h>

#include <string.h>

static struct config config_of(unsigned vip_n)
{
	struct config config;

	memset(&config, 0, sizeof(config));
	config.vip_n = vip_n;
	return config;
}

Test(steward, a_fresh_appliance_with_a_virtual_ip_is_active_and_has_the_settings)
{
	const struct config config = config_of(1);
	struct store_record record;

	memset(&record, 0xff, sizeof(record));
	steward_fresh_record(&record, &config);
	cr_assert_eq(record.mode, HA_MODE_PRIMARY_ACTIVE);
	cr_assert(record.whole_copy);
	cr_assert_not(record.paired);
	cr_assert_eq(record.boot, 0);
	cr_assert_eq(record.term, 0);
	cr_assert(steward_record_valid(&record));
}

Test(steward, without_one_it_is_standalone)
{
	const struct config config = config_of(0);
	struct store_record record;

	steward_fresh_record(&record, &config);
	cr_assert_eq(record.mode, HA_MODE_STANDALONE);
	cr_assert(record.whole_copy);
}

static void expect_invalid(size_t offset, uint8_t byte)
{
	const struct config config = config_of(1);
	struct store_record record;
	uint8_t bytes[sizeof(record)];

	steward_fresh_record(&record, &config);
	memcpy(bytes, &record, sizeof(bytes));
	bytes[offset] = byte;
	memcpy(&record, bytes, sizeof(record));
	cr_assert_not(steward_record_valid(&record), "byte %zu = %u", offset, byte);
}

Test(steward, a_record_out_of_range_is_not_written)
{
	expect_invalid(offsetof(struct store_record, mode), HA_MODE_N);
	expect_invalid(offsetof(struct store_record, paired), 2);
	expect_invalid(offsetof(struct store_record, suspended), 0xff);
	expect_invalid(offsetof(struct store_record, whole_copy), 2);
	expect_invalid(offsetof(struct store_record, in_sync), 2);
	expect_invalid(offsetof(struct store_record, detached), 2);
	expect_invalid(offsetof(struct store_record, vip_set), 2);
	expect_invalid(offsetof(struct store_record, parting), PARTING_N);
	for (size_t i = 0; i < STORE_FORMER_MAX; i++)
		expect_invalid(offsetof(struct store_record, former) +
				       i * sizeof(struct store_former) +
				       offsetof(struct store_former, why),
			       PARTING_N);
	for (size_t i = 0; i < HA_VIP_MAX; i++)
		expect_invalid(offsetof(struct store_record, vip) + i * sizeof(struct ha_address),
			       5);
}

Test(steward, a_term_without_many_more_above_it_is_not_written)
{
	const struct config config = config_of(1);
	struct store_record record;

	steward_fresh_record(&record, &config);
	record.term = record.held_term = record.reserved = MSG_TERM_KEPT_MAX;
	cr_assert(steward_record_valid(&record));
	record.term++;
	cr_assert_not(steward_record_valid(&record));
	record.term--;
	record.held_term++;
	cr_assert_not(steward_record_valid(&record));
	record.held_term--;
	record.reserved++;
	cr_assert_not(steward_record_valid(&record));
}

Test(steward, a_suspension_until_before_1970_is_not_written)
{
	const struct config config = config_of(1);
	struct store_record record;

	steward_fresh_record(&record, &config);
	record.suspended_until = -1;
	cr_assert_not(steward_record_valid(&record));
	record.suspended_until = INT64_MAX;
	cr_assert(steward_record_valid(&record));
}

static void expect_name_checked(size_t offset)
{
	const struct config config = config_of(1);
	struct store_record record;
	char *name = (char *)&record + offset;

	steward_fresh_record(&record, &config);
	memset(name, 'x', STORE_NAME_LEN);
	cr_assert_not(steward_record_valid(&record), "without an end");
	name[STORE_NAME_LEN - 1] = '\0';
	cr_assert(steward_record_valid(&record));
	name[5] = '\x1b';
	cr_assert_not(steward_record_valid(&record), "a control character");
	name[5] = '\xff';
	cr_assert_not(steward_record_valid(&record), "no UTF-8");
}

Test(steward, a_name_without_an_end_or_that_is_no_text_is_not_written)
{
	expect_name_checked(offsetof(struct store_record, peer_name));
	for (size_t i = 0; i < STORE_FORMER_MAX; i++)
		expect_name_checked(offsetof(struct store_record, former) +
				    i * sizeof(struct store_former) +
				    offsetof(struct store_former, name));
}

Test(steward, an_event_out_of_range_is_not_kept)
{
	const struct store_event good = {.event = EVENT_CODE_N - 1,
					 .from = HA_STATE_N - 1,
					 .to = HA_STATE_N - 1,
					 .reason = REASON_N - 1};
	struct store_event event = good;

	cr_assert(steward_event_valid(&event));
	event.event = EVENT_CODE_N;
	cr_assert_not(steward_event_valid(&event));
	event.event = EVENT_NONE;
	cr_assert_not(steward_event_valid(&event));
	event = good;
	event.from = HA_STATE_N;
	cr_assert_not(steward_event_valid(&event));
	event = good;
	event.to = HA_STATE_N;
	cr_assert_not(steward_event_valid(&event));
	event = good;
	event.reason = REASON_N;
	cr_assert_not(steward_event_valid(&event));
}

Test(steward, history_keeps_the_newest_in_their_order)
{
	static struct steward_history history;
	struct store_event event = {.event = 1};

	for (uint32_t i = 0; i < STORE_HISTORY_MAX + 10; i++) {
		event.detail = i;
		steward_history_append(&history, &event);
	}
	cr_assert_eq(history.n, STORE_HISTORY_MAX);
	for (uint32_t i = 0; i < history.n; i++)
		cr_assert_eq(steward_history_at(&history, i)->detail, i + 10);
}
