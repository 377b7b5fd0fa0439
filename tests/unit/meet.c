/* Who may begin a test or a join, as the operator is told, and how one ends whose peer makes no sense. */
#include "tests/unit/engine_rig.h"

static struct engine_rig rig;
static struct engine *const engine = &rig.engine;

static void setup(void)
{
	rig_init(&rig);
	engine->node.whole_copy = true;
}

static void teardown(void)
{
	rig_close(&rig);
}

TestSuite(meet, .init = setup, .fini = teardown);

static void expect_refused(const char *text)
{
	static const struct ha_address elsewhere = {HA_IPV4, {192, 0, 2, 77}};

	for (int test_only = 0; test_only < 2; test_only++) {
		struct control_answer answer = {.result = CONTROL_ERROR};

		cr_assert(meet_start(engine, &elsewhere, test_only, NULL, 1, &answer));
		cr_expect_eq(answer.result, CONTROL_REFUSED);
		cr_expect_str_eq(answer.text, text);
		cr_expect_eq(engine->join.phase, JOIN_IDLE);
	}
}

Test(meet, a_passive_joins_nobody_else_and_names_its_active)
{
	rig_peer(&rig, HA_CLAIM_HOLDING);
	expect_refused("this appliance is part of a pair already; changes are made at its active "
		       "appliance: that is first at 192.0.2.11");
}

Test(meet, an_active_with_a_passive_joins_nobody)
{
	rig_peer(&rig, HA_CLAIM_NONE);
	engine->node.lease.wanted = true;
	expect_refused("this appliance is part of a pair already");
}

Test(meet, one_that_is_still_copying_joins_nobody_for_that_reason)
{
	rig_peer(&rig, HA_CLAIM_HOLDING);
	engine->node.whole_copy = false;
	expect_refused("the first copy of the settings is still under way");
}

Test(meet, one_whose_peer_is_gone_is_part_of_a_pair_all_the_same)
{
	engine->node.whole_copy = false;
	expect_refused("this appliance is part of a pair already");
}

Test(meet, a_peer_whose_identity_is_malformed_has_a_row_for_that)
{
	static const struct ha_address address = {HA_IPV4, {192, 0, 2, 11}};
	static const uint8_t key[HA_KEY_LEN] = {1}, secret[HA_KEY_LEN] = {2};
	static const struct ha_mac from = {{2, 0, 0, 0, 3, 1}};

	engine->record.paired = engine->node.config.paired = false;
	join_start(&engine->join, &address, true, NULL, engine->now);
	meet_open(engine, true);
	join_up(&engine->join, key, secret, engine->now);
	meet_heard(engine, &from, false);
	meet_malformed(engine);
	cr_assert_eq(engine->join.phase, JOIN_TESTING, "the next one may make sense");
	engine->now += JOIN_TEST_TIMEOUT;
	meet_malformed(engine);
	cr_assert_eq(engine->join.phase, JOIN_IDLE);
	cr_assert(engine->join.tested);
	cr_expect_eq(engine->join.cause[REQUIREMENT_PROTOCOL], CAUSE_IDENTITY);
	cr_expect_eq(engine->join.cause[REQUIREMENT_MODEL], CAUSE_NO_MODEL, "the own one");
	cr_expect_eq(engine->join.cause[REQUIREMENT_TIMING], CAUSE_PENDING);
}
