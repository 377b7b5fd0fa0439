/* Beacons of those that were in the pair: each is answered, on the path that it knocks at, as often as it may knock. */
#include "tests/unit/engine_rig.h"

static struct engine_rig rig;
static struct engine *const engine = &rig.engine;

/* Of a pair that has ended here, and remembers as many as it can. */
static void setup(void)
{
	rig_init(&rig);
	engine->record.paired = engine->node.config.paired = false;
	for (unsigned i = 0; i < STORE_FORMER_MAX; i++) {
		struct store_former *former = &engine->record.former[i];

		former->why = PARTING_DETACHED;
		memset(former->key, (int)(10 + i), sizeof(former->key));
	}
}

static void teardown(void)
{
	rig_close(&rig);
}

TestSuite(knock, .init = setup, .fini = teardown);

static unsigned answered_if(enum ha_path path, uint8_t key, bool unpaired)
{
	struct msg_beacon beacon = {.boot = 7};

	memset(beacon.key, key, sizeof(beacon.key));
	knock_beacon(engine, path, &beacon, unpaired);
	cr_expect_eq(rig_frames(&rig, path == HA_PATH_LINK ? HA_PATH_MANAGEMENT : HA_PATH_LINK), 0);
	return rig_frames(&rig, path);
}

static unsigned answered(enum ha_path path, uint8_t key)
{
	return answered_if(path, key, false);
}

Test(knock, each_former_peer_is_answered_on_each_path)
{
	for (unsigned i = 0; i < STORE_FORMER_MAX; i++)
		for (int path = 0; path < HA_PATH_N; path++)
			cr_expect_eq(answered((enum ha_path)path, (uint8_t)(10 + i)), 1, "%u on %s",
				     i, ha_path_name((enum ha_path)path));
}

Test(knock, a_former_peer_is_answered_once_a_second)
{
	cr_expect_eq(answered(HA_PATH_LINK, 10), 1);
	cr_expect_eq(answered(HA_PATH_LINK, 10), 0);
	engine->now += ENGINE_BEACON - 1;
	cr_expect_eq(answered(HA_PATH_LINK, 10), 0);
	engine->now += 1;
	cr_expect_eq(answered(HA_PATH_LINK, 10), 1);
}

/* SPEC 4.R35: two that have parted say so once a second, and nothing else. */
Test(knock, a_former_peer_that_says_that_it_has_no_pair_is_not_answered)
{
	cr_expect_eq(answered_if(HA_PATH_LINK, 10, true), 0);
	cr_expect_eq(answered_if(HA_PATH_MANAGEMENT, 10, true), 0);
	cr_expect_eq(answered(HA_PATH_LINK, 10), 1, "nor does that put off one that has to know");
}

/* What it says of itself, once a second, on the link. */
static uint8_t flags_said(void)
{
	uint8_t frame[256];

	engine->now += ENGINE_BEACON;
	engine->beacon_at = engine->now;
	knock_timer(engine, engine->now);
	cr_assert_gt(recv(rig.wire[HA_PATH_LINK], frame, sizeof(frame), MSG_DONTWAIT),
		     MSG_HEADER_LEN + 14);
	cr_assert_eq(frame[14 + 1], MSG_BEACON);
	return frame[14 + 3];
}

Test(knock, it_says_itself_whether_it_has_a_pair)
{
	cr_expect_eq(flags_said(), MSG_UNPAIRED);
	engine->record.paired = engine->node.config.paired = true;
	cr_expect_eq(flags_said(), 0, "and does not hear its peer");
}

Test(knock, a_stranger_is_not_answered)
{
	cr_expect_eq(answered(HA_PATH_LINK, 99), 0);
	cr_expect_eq(answered(HA_PATH_MANAGEMENT, 99), 0);
}
