/* The engine and its account: every event is observed, and whoever asks why is told. */
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

TestSuite(why_engine, .init = setup, .fini = teardown);

static json_t *ask(void)
{
	struct control_answer answer = {.result = CONTROL_ERROR};

	cr_assert(serve_request(engine, CONTROL_WHY, NULL, 1, &answer), "at once");
	cr_assert_eq(answer.result, CONTROL_DONE);
	cr_assert_not_null(answer.data);
	return answer.data;
}

/* An operator's last word needs nobody else. */
static void force(void)
{
	struct node_event event = {.type = EV_OPERATOR, .op = OP_FORCE};

	engine->node.state = HA_PASSIVE;
	engine->node.config.vip_n = 1;
	engine->node.config.vip[0] = (struct ha_address){HA_IPV4, {192, 0, 2, 100}};
	engine->node.reach.asked = HA_NEVER;
	engine->node.lease.failing = engine->node.lease.again = HA_NEVER;
	engine->node.path[HA_PATH_MANAGEMENT].carrier = true;
	engine->node.whole_copy = true;
	engine->node.last_step = engine->node.tick = engine->now;
	engine_feed(engine, &event);
}

Test(why_engine, nothing_to_tell)
{
	json_t *data = ask();

	cr_expect(json_is_null(json_object_get(data, "change")));
	cr_expect(json_is_null(json_object_get(data, "own")));
	cr_expect(json_is_true(json_object_get(data, "paired")));
	act_account(engine); /* and nothing to send */
	cr_expect_eq(rig_frames(&rig, HA_PATH_LINK), 0);
	json_decref(data);
}

Test(why_engine, a_change_is_observed_as_it_happens)
{
	const json_t *own;
	json_t *data;

	force();
	cr_assert_eq(engine->node.state, HA_ACTIVE);
	data = ask();
	own = json_object_get(data, "own");
	cr_expect_str_eq(json_string_value(json_object_get(data, "change")), "own");
	cr_expect_str_eq(json_string_value(json_object_get(own, "from")), "passive");
	cr_expect_str_eq(json_string_value(json_object_get(own, "to")), "active");
	cr_expect_str_eq(json_string_value(json_object_get(own, "reason")),
			 reason_text(REASON_FORCED));
	cr_expect_eq(json_integer_value(json_object_get(own, "term")),
		     (json_int_t)engine->node.term);
	json_decref(data);
}

Test(why_engine, what_the_peer_told_is_told_on)
{
	json_t *data;

	engine->peer_account = (struct msg_account){
		.decided = engine->now - HA_SEC, .from = HA_PASSIVE, .to = HA_ACTIVE, .term = 3};
	memcpy(engine->record.peer_name, "beta", sizeof("beta"));
	data = ask();
	cr_expect_str_eq(json_string_value(json_object_get(data, "change")), "peer");
	cr_expect_str_eq(json_string_value(json_object_get(data, "peer_name")), "beta");
	cr_expect(json_is_object(json_object_get(data, "peer")));
	json_decref(data);
}
