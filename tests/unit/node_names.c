/* node_names.c - what people read of the node: names, levels, roles. */
#include "proto/node.h"

#include <criterion/criterion.h>
#include <string.h>

Test(node_names, roles_follow_the_state)
{
	static struct node node = {.config.paired = true};
	static const struct {
		enum ha_state state;
		enum node_role role;
	} table[] = {{HA_INITIALIZING, ROLE_NONE}, {HA_ACTIVE, ROLE_ACTIVE},
		     {HA_PASSIVE, ROLE_PASSIVE},   {HA_SUSPENDED, ROLE_PASSIVE},
		     {HA_ISOLATED, ROLE_PASSIVE},  {HA_FAULTED, ROLE_PASSIVE}};

	for (size_t k = 0; k < sizeof(table) / sizeof(*table); k++) {
		node.state = table[k].state;
		cr_expect_eq(node_role(&node), table[k].role);
	}
	node.state = HA_ACTIVE;
	node.config.paired = false;
	cr_expect_eq(node_role(&node), ROLE_STANDALONE);
	node.lease.wanted = true;
	cr_expect_eq(node_role(&node), ROLE_ACTIVE);
	for (int r = 0; r < ROLE_N; r++)
		cr_expect_str_neq(node_role_name((enum node_role)r), "?");
}

static enum node_level level(enum ha_state from, enum ha_state to, enum ha_reason reason)
{
	return node_event_level(EVENT_STATE, from, to, reason);
}

Test(node_names, an_activated_passive_is_critical_and_a_start_on_its_own_is_not)
{
	cr_expect_eq(level(HA_PASSIVE, HA_ACTIVE, REASON_BOTH_SILENT), LEVEL_CRITICAL);
	cr_expect_eq(level(HA_INITIALIZING, HA_ACTIVE, REASON_NOBODY), LEVEL_CRITICAL);
	cr_expect_eq(level(HA_INITIALIZING, HA_ACTIVE, REASON_UNPAIRED), LEVEL_IMPORTANT);
	cr_expect_eq(level(HA_PASSIVE, HA_ACTIVE, REASON_DETACHED), LEVEL_IMPORTANT);
	cr_expect_eq(level(HA_ACTIVE, HA_ACTIVE, REASON_REMOVED), LEVEL_INFORMATIONAL);
	cr_expect_eq(level(HA_ACTIVE, HA_ISOLATED, REASON_ISOLATED), LEVEL_CRITICAL);
	cr_expect_eq(level(HA_ACTIVE, HA_FAULTED, REASON_DISPROVED), LEVEL_CRITICAL);
	cr_expect_eq(level(HA_ACTIVE, HA_PASSIVE, REASON_SWAP), LEVEL_IMPORTANT);
	cr_expect_eq(level(HA_INITIALIZING, HA_PASSIVE, REASON_HOLDER_HEARD), LEVEL_INFORMATIONAL);
	cr_expect_eq(level(HA_PASSIVE, HA_SUSPENDED, REASON_SUSPENDED), LEVEL_IMPORTANT);
}

Test(node_names, every_event_has_a_name_of_its_own_and_a_level)
{
	static const enum node_event_code critical[] = {EVENT_NO_HANDOVER,  EVENT_LEASE_LOST,
							EVENT_CONFLICT,     EVENT_DISPROVED,
							EVENT_STORE_FAILED, EVENT_CHECK_FAILED};
	static const enum node_event_code important[] = {
		EVENT_SUSPENDED, EVENT_RESUMED,     EVENT_OUT_OF_SYNC,    EVENT_CHECK_FAILING,
		EVENT_PATH_DOWN, EVENT_HOOK_FAILED, EVENT_CHECK_RECOVERED};

	for (int a = 0; a < EVENT_CODE_N; a++)
		for (int b = 0; b <= a; b++) {
			const char *name = node_event_name((enum node_event_code)a);

			cr_assert_not_null(name, "%d", a);
			cr_assert_eq(strcmp(name, node_event_name((enum node_event_code)b)) == 0,
				     a == b, "%s", name);
		}
	for (size_t k = 0; k < sizeof(critical) / sizeof(*critical); k++)
		cr_expect_eq(node_event_level(critical[k], HA_ACTIVE, HA_ACTIVE, REASON_NONE),
			     LEVEL_CRITICAL);
	for (size_t k = 0; k < sizeof(important) / sizeof(*important); k++)
		cr_expect_eq(node_event_level(important[k], HA_ACTIVE, HA_ACTIVE, REASON_NONE),
			     LEVEL_IMPORTANT);
	cr_expect_str_eq(node_level_name(LEVEL_CRITICAL), "critical");
	cr_expect_str_eq(node_level_name(LEVEL_INFORMATIONAL), "informational");
	for (int k = 0; k < REFUSED_N; k++)
		cr_expect_str_neq(node_refusal_text((enum node_refusal)k), "?");
}
