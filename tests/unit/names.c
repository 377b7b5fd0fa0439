/* The names and texts of proto/: each value has one, and a value that comes from elsewhere and is none has "?". */
#include <criterion/criterion.h>

#include "proto/drop.h"
#include "proto/node.h"

enum {
	NONE = 250, /* none of anything */
};

Test(names, each_reason_has_a_text_of_its_own)
{
	for (int a = 0; a < REASON_N; a++) {
		cr_expect_str_neq(reason_text((enum ha_reason)a), "?");
		cr_expect_str_not_empty(reason_text((enum ha_reason)a));
		for (int b = 0; b < a; b++)
			cr_expect_str_neq(reason_text((enum ha_reason)a),
					  reason_text((enum ha_reason)b), "%d and %d", a, b);
	}
}

Test(names, each_obstacle_to_a_takeover_has_a_name_of_its_own)
{
	for (unsigned a = 1; a <= WHY_NOT_ALL; a <<= 1) {
		cr_expect_str_neq(node_why_not_name((enum msg_why_not)a), "?");
		for (unsigned b = 1; b < a; b <<= 1)
			cr_expect_str_neq(node_why_not_name((enum msg_why_not)a),
					  node_why_not_name((enum msg_why_not)b));
	}
}

Test(names, what_is_out_of_range_is_a_question_mark)
{
	cr_expect_str_eq(reason_text((enum ha_reason)NONE), "?");
	cr_expect_str_eq(reason_rule((enum ha_reason)NONE), "?");
	cr_expect_str_eq(drop_name((enum ha_drop)NONE), "?");
	cr_expect_str_eq(node_event_name((enum node_event_code)NONE), "?");
	cr_expect_str_eq(node_level_name((enum node_level)NONE), "?");
	cr_expect_str_eq(node_role_name((enum node_role)NONE), "?");
	cr_expect_str_eq(node_refusal_text((enum node_refusal)NONE), "?");
	cr_expect_str_eq(node_why_not_name((enum msg_why_not)(WHY_NOT_ALL + 1)), "?");
	cr_expect_str_eq(node_why_not_text((enum msg_why_not)(WHY_NOT_ALL + 1)), "?");
	cr_expect_eq(node_event_level((enum node_event_code)NONE, HA_PASSIVE, HA_PASSIVE,
				      REASON_STARTING),
		     LEVEL_INFORMATIONAL, "of a newer version's history");
}
