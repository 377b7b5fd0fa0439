/* What the steward is told of the role and the registration, and when; and what is reported of the versions. */
#include "tests/unit/engine_rig.h"

static struct engine_rig rig;
static struct engine *const engine = &rig.engine;

static void setup(void)
{
	rig_init(&rig);
}

static void teardown(void)
{
	rig_close(&rig);
}

TestSuite(role, .init = setup, .fini = teardown);

static void be_active(void)
{
	engine->node.state = HA_ACTIVE;
	engine->node.claim = HA_CLAIM_HOLDING;
	engine->node.lease.wanted = true;
}

static void be_initializing(void)
{
	engine->node.state = HA_INITIALIZING;
	engine->node.claim = HA_CLAIM_NONE;
	engine->node.lease.wanted = false;
}

/* The role that the steward is told; -1: nothing. */
static int told(struct hook_occasion *occasion)
{
	struct ipc_message message;

	role_follow(engine);
	if (!rig_heard(&rig, &message))
		return -1;
	cr_assert_eq(message.type, IPC_ROLE);
	cr_assert(hook_occasion_valid(&message.u.role));
	*occasion = message.u.role;
	return message.u.role.role;
}

Test(role, each_change_is_told_once)
{
	struct hook_occasion occasion;

	be_active();
	cr_assert_eq(told(&occasion), ROLE_ACTIVE);
	cr_expect(occasion.registration_allowed);
	cr_expect_eq(told(&occasion), -1);
	engine->node.claim = HA_CLAIM_TAKING;
	cr_assert_eq(told(&occasion), ROLE_ACTIVE);
	cr_expect_not(occasion.registration_allowed);
}

/* The registration of one that is active no more is withdrawn, though nobody knows yet what it will be. */
Test(role, that_there_is_none_is_told_when_it_lasts)
{
	struct hook_occasion occasion;
	uint64_t before;

	be_active();
	cr_assert_eq(told(&occasion), ROLE_ACTIVE);
	before = occasion.transition;
	be_initializing();
	cr_expect_eq(told(&occasion), -1);
	engine->now += HA_SEC - 1;
	cr_expect_eq(told(&occasion), -1);
	engine->now += 1;
	cr_assert_eq(told(&occasion), ROLE_NONE);
	cr_expect_not(occasion.registration_allowed);
	cr_expect_gt(occasion.transition, before);
	engine->now += HA_SEC;
	cr_expect_eq(told(&occasion), -1, "once");
	be_active();
	cr_assert_eq(told(&occasion), ROLE_ACTIVE);
	cr_expect(occasion.registration_allowed);
}

Test(role, that_there_is_none_for_a_moment_is_not_told)
{
	struct hook_occasion occasion;

	be_active();
	cr_assert_eq(told(&occasion), ROLE_ACTIVE);
	for (int i = 0; i < 3; i++) {
		be_initializing();
		cr_expect_eq(told(&occasion), -1);
		engine->now += HA_SEC / 2;
		cr_expect_eq(told(&occasion), -1);
		be_active();
		cr_expect_eq(told(&occasion), -1, "it is as it was");
		engine->now += HA_SEC / 2;
	}
}

/* A new engine knows nothing of what an earlier one has told. */
Test(role, an_engine_that_begins_without_a_role_says_so)
{
	struct hook_occasion occasion;

	be_initializing();
	cr_expect_eq(told(&occasion), -1);
	engine->now += HA_SEC;
	cr_assert_eq(told(&occasion), ROLE_NONE);
}

/* The steward's queue has no room for the record: no hook is to run before what it rests on is on disk. */
Test(role, no_role_is_told_before_the_record_that_it_rests_on)
{
	struct hook_occasion occasion;
	struct ipc_message message;
	unsigned queued = 0;

	be_active();
	while (act_save(engine, ++queued))
		;
	while (rig_heard(&rig, &message))
		queued--;
	cr_expect_eq(queued, 1, "all but the last");
	cr_expect_eq(told(&occasion), -1);
	cr_expect_eq(told(&occasion), -1);
	cr_assert(act_save(engine, 1000));
	cr_assert(rig_heard(&rig, &message));
	cr_expect_eq(message.type, IPC_SAVE);
	cr_expect_eq(told(&occasion), ROLE_ACTIVE);
}

/* Nobody says it again. */
Test(role, a_save_of_the_engine_s_own_that_was_not_taken_holds_up_no_role)
{
	struct hook_occasion occasion;
	struct ipc_message message;

	be_active();
	while (act_save(engine, ENGINE_OWN_SAVE | 1))
		;
	while (rig_heard(&rig, &message))
		;
	cr_expect_eq(told(&occasion), ROLE_ACTIVE);
}

static void differ(void)
{
	engine->peer_known = true;
	strcpy(engine->own.firmware, "7.1");
	strcpy(engine->peer.firmware, "7.2");
	role_identities(engine);
}

static enum node_event_code reported(void)
{
	struct ipc_message message;

	if (!rig_heard(&rig, &message))
		return EVENT_NONE;
	cr_assert_eq(message.type, IPC_EVENT);
	return (enum node_event_code)message.u.event.event;
}

Test(role, versions_that_differ_and_agree_again_are_reported)
{
	differ();
	cr_assert(engine->mismatch);
	cr_expect_eq(reported(), EVENT_VERSION_MISMATCH);
	role_identities(engine);
	cr_expect_eq(reported(), EVENT_NONE, "once");
	strcpy(engine->own.firmware, "7.2");
	role_identities(engine);
	cr_assert_not(engine->mismatch);
	cr_expect_eq(reported(), EVENT_VERSION_MATCH);
}

Test(role, versions_of_a_pair_that_has_ended_do_not_agree)
{
	differ();
	cr_expect_eq(reported(), EVENT_VERSION_MISMATCH);
	engine->record.paired = engine->peer_known = false;
	role_identities(engine);
	cr_assert_not(engine->mismatch);
	cr_expect_eq(reported(), EVENT_NONE);
}
