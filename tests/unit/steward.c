/* What the steward believes, and what it keeps. */
#include "agent/steward.h"

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
	for (size_t i = 0; i < HA_VIP_MAX; i++)
		expect_invalid(offsetof(struct store_record, vip) + i * sizeof(struct ha_address),
			       5);
}

Test(steward, a_name_without_an_end_is_not_written)
{
	const struct config config = config_of(1);
	struct store_record record;

	steward_fresh_record(&record, &config);
	memset(record.peer_name, 'x', sizeof(record.peer_name));
	cr_assert_not(steward_record_valid(&record));
	record.peer_name[sizeof(record.peer_name) - 1] = '\0';
	cr_assert(steward_record_valid(&record));
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
