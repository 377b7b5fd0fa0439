/* The copy of the settings at the engine (SPEC 6): what the syncer is told and believed, and what waits for it. The test is the
 * syncer. */
#include "tests/unit/engine_rig.h"

static struct engine_rig rig;
static struct engine *const engine = &rig.engine;
static int syncer;

static void nothing(void *arg, ha_time now)
{
	(void)arg;
	(void)now;
}

static void setup(void)
{
	rig_init(&rig);
	engine->config.settings_n = 1;
	engine->config.path_n = 1;
	cr_assert_eq(loop_init(&engine->loop, nothing, engine), 0);
	cr_assert_eq(copy_open(engine, rig_socket(&syncer)), 0);
}

static void teardown(void)
{
	close(syncer);
	loop_close(&engine->loop);
	rig_close(&rig);
}

TestSuite(copy, .init = setup, .fini = teardown);

/* The type of what the syncer hears next; 0: nothing. */
static enum ipc_type heard(struct ipc_message *message)
{
	return ipc_receive(syncer, message, NULL) == 1 ? message->type : 0;
}

static void say(const struct ipc_message *message)
{
	cr_assert_eq(ipc_send(syncer, message), 0);
	cr_assert_eq(loop_run_once(&engine->loop), 0);
}

static struct ipc_message report_of(enum sync_state state)
{
	struct ipc_message message = {.type = IPC_SYNC_REPORT};

	message.u.report.state = (uint8_t)state;
	message.u.report.in_sync_known = true;
	return message;
}

Test(copy, who_holds_is_told_at_first_and_on_change)
{
	struct ipc_message message;

	copy_follow(engine);
	cr_assert_eq(heard(&message), IPC_SELF);
	cr_expect(message.u.self.paired && !message.u.self.holds && !message.u.self.whole);
	cr_assert_eq(heard(&message), IPC_KEY);
	cr_expect_not(message.u.key.valid, "there is no session");
	copy_follow(engine);
	cr_assert_eq(heard(&message), 0, "nothing has changed");
	engine->node.whole_copy = true;
	copy_follow(engine);
	cr_assert_eq(heard(&message), IPC_SELF);
	cr_expect(message.u.self.whole);
}

Test(copy, r27_it_does_not_hold_before_that_is_on_disk)
{
	struct ipc_message message;

	engine->node.claim = HA_CLAIM_HOLDING;
	engine->node.term = 8;
	engine->copy.held_saved = 6;
	copy_follow(engine);
	cr_assert_eq(heard(&message), IPC_SELF);
	cr_expect_not(message.u.self.holds);
	cr_assert_eq(heard(&message), IPC_KEY);
	engine->copy.held_saved = 8;
	copy_follow(engine);
	cr_assert_eq(heard(&message), IPC_SELF);
	cr_expect(message.u.self.holds && message.u.self.term == 8);
}

Test(copy, what_did_not_fit_into_the_queue_is_said_again)
{
	struct ipc_message message = {.type = IPC_SYNC};
	unsigned n = 0;

	while (ipc_send(engine->copy.fd, &message) == 0)
		n++;
	copy_follow(engine);
	while (heard(&message) != 0)
		n--;
	cr_assert_eq(n, 0, "it has heard nothing of it");
	copy_follow(engine);
	cr_assert_eq(heard(&message), IPC_SELF);
	cr_assert_eq(heard(&message), IPC_KEY);
}

Test(copy, a_whole_copy_is_the_nodes_news)
{
	struct ipc_message message = report_of(SYNC_SYNCED);

	message.u.report.whole = message.u.report.in_sync = true;
	message.u.report.lineage.term = 5;
	message.u.report.lineage.number = 17;
	say(&message);
	cr_expect(engine->node.whole_copy && engine->node.in_sync);
	cr_expect_eq(engine->node.lineage.number, 17);
	message.u.report.whole = false; /* it knows of none: nobody takes it back */
	message.u.report.in_sync = false;
	say(&message);
	cr_expect(engine->node.whole_copy && !engine->node.in_sync);
}

Test(copy, what_is_not_known_leaves_the_node_as_it_was)
{
	struct ipc_message message = report_of(SYNC_NOT_STARTED);

	engine->node.whole_copy = engine->node.in_sync = true;
	message.u.report.in_sync_known = false;
	say(&message);
	cr_expect(engine->node.whole_copy && engine->node.in_sync,
		  "T5 goes by the last contact, not by a syncer that has just started");
}

Test(copy, nonsense_costs_the_syncer_its_connection_and_nothing_else)
{
	struct ipc_message message = report_of(SYNC_STATE_N);

	say(&message);
	cr_assert_eq(engine->copy.fd, -1);
	cr_expect_not(engine->copy.reported);
	copy_follow(engine);

	cr_assert_eq(copy_open(engine, rig_socket(&syncer)), 0);
	message = report_of(SYNC_SYNCED);
	memset(&message.u.report.whole, 7, 1);
	say(&message);
	cr_assert_eq(engine->copy.fd, -1);

	cr_assert_eq(copy_open(engine, rig_socket(&syncer)), 0);
	message = (struct ipc_message){.type = IPC_RUN};
	message.u.run.section = 5; /* there is one */
	say(&message);
	cr_assert_eq(engine->copy.fd, -1);

	cr_assert_eq(copy_open(engine, rig_socket(&syncer)), 0);
	message = (struct ipc_message){.type = IPC_HOLD};
	say(&message);
	cr_assert_eq(engine->copy.fd, -1);
}

Test(copy, an_export_is_the_stewards_to_run_and_its_end_goes_back)
{
	struct ipc_message message = {.type = IPC_RUN}, got;

	say(&message);
	cr_assert(rig_heard(&rig, &got));
	cr_assert_eq(got.type, IPC_RUN);
	cr_expect(engine->copy.section[0].export.running);
	got.type = IPC_RAN;
	got.u.run.outcome = COMMAND_FAILED;
	got.u.run.status = 3;
	copy_ran(engine, &got);
	cr_expect_not(engine->copy.section[0].export.running);
	cr_expect_eq(engine->copy.section[0].export.bad, 1);
	cr_assert_eq(heard(&got), IPC_RAN);
	cr_expect_eq(got.u.run.outcome, COMMAND_FAILED);
}

Test(copy, without_a_steward_a_command_has_not_run)
{
	struct ipc_message message = {.type = IPC_RUN};

	close(engine->steward);
	engine->steward = -1;
	say(&message);
	cr_assert_eq(heard(&message), IPC_RAN);
	cr_expect_eq(message.u.run.outcome, COMMAND_UNSTARTED);
	engine->steward = rig_socket(&rig.steward);
}

Test(copy, r37_who_becomes_active_waits_for_a_commit_but_not_for_ever)
{
	struct ipc_message message = report_of(SYNC_SYNCING);

	message.u.report.busy = true;
	say(&message);
	cr_assert(copy_is_waited_for(engine));
	engine->node.state = HA_ACTIVE;
	engine->node.claim = HA_CLAIM_HOLDING;
	role_follow(engine);
	cr_expect_not(rig_heard(&rig, &message), "it does not process on half of a generation");
	engine->now += 31 * HA_SEC;
	cr_assert_not(copy_is_waited_for(engine));
	role_follow(engine);
	cr_assert(rig_heard(&rig, &message));
	cr_expect_eq(message.type, IPC_ROLE);
}

Test(copy, r39_a_barrier_is_the_actives)
{
	struct control_answer answer = {0};
	struct ipc_message message;

	cr_assert(copy_start(engine, false, engine->now + HA_SEC, 9, &answer));
	cr_expect_eq(answer.result, CONTROL_REFUSED);
	engine->node.claim = HA_CLAIM_HOLDING;
	cr_assert_not(copy_start(engine, false, engine->now + HA_SEC, 9, &answer));
	cr_assert_eq(heard(&message), IPC_SYNC);
	cr_expect(message.u.sync.number == 9 && !message.u.sync.compare);
	engine->config.settings_n = 0;
	cr_assert(copy_start(engine, true, HA_NEVER, 10, &answer));
	cr_expect_neq(answer.text[0], '\0');
}

Test(copy, the_syncer_answers_no_request_but_its_own)
{
	struct control_answer answer = {0};
	struct ipc_message message = {.type = IPC_SYNC_DONE};

	engine->node.claim = HA_CLAIM_HOLDING;
	cr_assert_not(copy_start(engine, false, engine->now + HA_SEC, 9, &answer));
	message.u.sync.number = 8;
	say(&message);
	cr_expect_eq(engine->copy.wait[0].number, 9, "somebody else waits for 8");
	message.u.sync.number = 9;
	say(&message);
	cr_expect_eq(engine->copy.wait[0].number, 0);
}

/* Holds, and hears a peer that is ready. */
static void pair_is_up(void)
{
	struct node *node = &engine->node;
	struct node_path *link = &node->path[HA_PATH_LINK];

	node->claim = HA_CLAIM_HOLDING;
	node->peer.known = true;
	node->peer.last.why_not = 0;
	node->peer.last.flags = MSG_FLAG_ELIGIBLE;
	link->session = true;
	link->heard = engine->now = loop_now();
	engine->copy.report.up = true;
}

/* The node has been asked to hand over: it has answered that request, one way or the other. */
static bool swap_was_asked(uint32_t number)
{
	for (unsigned i = 0; i < engine->actions.n; i++)
		if (engine->actions.a[i].type == ACT_REPLY &&
		    engine->actions.a[i].request / 16 == number)
			return true;
	return engine->node.handover.request / 16 == number;
}

Test(copy, d6_a_swap_begins_when_the_passive_has_everything_or_has_had_its_time)
{
	for (int ok = 0; ok <= 1; ok++) {
		struct ipc_message message = {.type = IPC_SYNC_DONE};
		uint32_t number = 9 + (uint32_t)ok;

		pair_is_up();
		cr_assert(copy_settle(engine, number));
		cr_assert_eq(heard(&message), IPC_SYNC);
		cr_expect(message.u.sync.number == number && !message.u.sync.compare);
		cr_expect(message.u.sync.until > engine->now &&
			  message.u.sync.until <= engine->now + HA_SEC);
		cr_assert_not(swap_was_asked(number));
		message = (struct ipc_message){.type = IPC_SYNC_DONE};
		message.u.sync.number = number;
		message.u.sync.ok = ok != 0;
		say(&message);
		cr_expect(swap_was_asked(number));
	}
}

Test(copy, d6_nor_is_it_held_up_where_nothing_can_be_on_its_way)
{
	pair_is_up();
	engine->mismatch = true;
	cr_expect_not(copy_settle(engine, 9), "the sync pauses");
	engine->mismatch = false;
	engine->node.peer.last.why_not = WHY_NOT_COPY;
	engine->node.peer.last.flags = 0;
	cr_expect_not(copy_settle(engine, 9), "it will be refused");
	engine->node.peer.last.why_not = 0;
	engine->node.peer.last.flags = MSG_FLAG_ELIGIBLE;
	engine->node.path[HA_PATH_LINK].heard -= HA_SEC * 60;
	cr_expect_not(copy_settle(engine, 9), "nobody is heard");
	pair_is_up();
	cr_expect(copy_settle(engine, 9));
	close(syncer);
	cr_assert_eq(loop_run_once(&engine->loop), 0);
	cr_expect(swap_was_asked(9), "the syncer has died");
	cr_expect_not(copy_settle(engine, 10));
	syncer = dup(STDIN_FILENO);
}

Test(copy, what_a_steward_that_died_was_to_run_has_not_run)
{
	struct ipc_message message = {.type = IPC_RUN};

	say(&message);
	cr_assert(engine->copy.section[0].export.running);
	copy_steward_gone(engine);
	cr_expect_not(engine->copy.section[0].export.running);
	cr_assert_eq(heard(&message), IPC_RAN);
	cr_expect_eq(message.u.run.outcome, COMMAND_UNSTARTED);
}
