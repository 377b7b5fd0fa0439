/* What a node decided, as a frame of a capture (SPEC 3.12), which on the wire is none (SPEC 2.R18). */
#include "proto/decision.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "agent/store.h"
#include "proto/msg.h"
#include "proto/node.h"

static const struct decision full = {
	.number = 0x0102030405060708,
	.event = EVENT_STATE,
	.from = HA_PASSIVE,
	.to = HA_ACTIVE,
	.reason = REASON_BOTH_SILENT,
	.term = 0x1112131415161718,
	.detail = 0x21222324,
	.subject = "1234567890123456789012345678901",
};

static uint8_t frame[DECISION_LEN];

Test(decision, the_bytes_are_those_of_the_specification)
{
	static const uint8_t head[] = {1,           0x50,
				       0,           0,
				       0,           DECISION_LEN,
				       0,           0,
				       0,           0,
				       1,           2,
				       3,           4,
				       5,           6,
				       7,           8,
				       EVENT_STATE, HA_PASSIVE,
				       HA_ACTIVE,   REASON_BOTH_SILENT,
				       0x11,        0x12,
				       0x13,        0x14,
				       0x15,        0x16,
				       0x17,        0x18,
				       0x21,        0x22,
				       0x23,        0x24,
				       '1'};

	cr_assert_eq(decision_encode(frame, sizeof(frame), &full), DECISION_LEN);
	cr_assert_eq(DECISION_LEN, 65);
	cr_expect_eq(memcmp(frame, head, sizeof(head)), 0);
	cr_expect_eq(frame[DECISION_LEN - 1], '1');
	cr_assert_eq(msg_tag_len(MSG_DECISION), 0);
}

Test(decision, it_comes_out_as_it_went_in)
{
	struct decision out;

	cr_assert_eq(decision_encode(frame, sizeof(frame), &full), DECISION_LEN);
	cr_assert_eq(decision_decode(frame, sizeof(frame), &out), DROP_NONE);
	cr_expect(out.number == full.number && out.event == full.event && out.from == full.from &&
		  out.to == full.to && out.reason == full.reason && out.term == full.term &&
		  out.detail == full.detail);
	cr_expect_str_eq(out.subject, full.subject);
	cr_assert_eq(STORE_SUBJECT_LEN, sizeof(full.subject), "as much as the history has");
}

Test(decision, s2_r18_on_the_wire_there_is_no_such_type)
{
	struct msg_header h;

	cr_assert_eq(decision_encode(frame, sizeof(frame), &full), DECISION_LEN);
	cr_expect_eq(msg_decode_header(frame, sizeof(frame), HA_PATH_LINK, &h), DROP_BAD_TYPE);
}

Test(decision, every_length_but_its_own_is_refused)
{
	struct decision out;

	cr_assert_eq(decision_encode(frame, sizeof(frame), &full), DECISION_LEN);
	for (size_t len = 0; len < sizeof(frame); len++) {
		uint8_t *copy = malloc(len > 0 ? len : 1);

		memcpy(copy, frame, len);
		cr_expect_eq(decision_decode(copy, len, &out), DROP_TRUNCATED);
		free(copy);
		cr_expect_eq(decision_encode(frame, len, &full), 0);
		cr_assert_eq(decision_encode(frame, sizeof(frame), &full), DECISION_LEN);
	}
	frame[5]--;
	cr_expect_eq(decision_decode(frame, sizeof(frame), &out), DROP_BAD_LENGTH);
}

static enum ha_drop with(size_t at, uint8_t value)
{
	struct decision out;

	cr_assert_eq(decision_encode(frame, sizeof(frame), &full), DECISION_LEN);
	frame[at] = value;
	return decision_decode(frame, sizeof(frame), &out);
}

Test(decision, s3_r23_what_is_out_of_range_is_a_bad_value)
{
	cr_expect_eq(with(0, 2), DROP_BAD_VERSION);
	cr_expect_eq(with(1, 3), DROP_BAD_TYPE);
	cr_expect_eq(with(19, HA_STATE_N), DROP_BAD_VALUE);
	cr_expect_eq(with(20, HA_STATE_N), DROP_BAD_VALUE);
	cr_expect_eq(with(34, 0x1b), DROP_BAD_VALUE, "a subject that a terminal would obey");
	cr_expect_eq(with(34, 0), DROP_BAD_VALUE, "something behind its end");
	cr_expect_eq(with(18, 250), DROP_NONE, "an event of a newer version");
	cr_expect_eq(with(21, 250), DROP_NONE, "a reason of a newer version");
}

Test(decision, a_subject_without_end_is_not_encoded)
{
	struct decision endless = full;

	memset(endless.subject, 'x', sizeof(endless.subject));
	cr_expect_eq(decision_encode(frame, sizeof(frame), &endless), 0);
}
