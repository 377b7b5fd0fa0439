/* The commands of the settings on their way from the syncer to the steward and back: what the engine lets through, and
 * what it keeps of the answers. The test is both of them. */
#include "tests/unit/engine_rig.h"

#include <errno.h>

static struct engine_rig rig;
static struct engine *const engine = &rig.engine;
static int syncer;

static void on_timer(void *arg, ha_time now)
{
	(void)arg;
	(void)now;
}

static void setup(void)
{
	rig_init(&rig);
	engine->config.settings_n = 2;
	engine->copy.fd = -1;
	cr_assert_eq(loop_init(&engine->loop, on_timer, NULL), 0);
	cr_assert_eq(copy_open(engine, rig_socket(&syncer)), 0);
}

static void teardown(void)
{
	if (engine->copy.fd >= 0)
		close(engine->copy.fd);
	close(syncer);
	loop_close(&engine->loop);
	rig_close(&rig);
}

TestSuite(copy_run, .init = setup, .fini = teardown);

static struct ipc_message message_of(enum ipc_type type, unsigned section, bool import)
{
	struct ipc_message message;

	memset(&message, 0, sizeof(message));
	message.type = type;
	message.u.run.section = (uint8_t)section;
	message.u.run.import = import;
	return message;
}

static void ask_message(const struct ipc_message *message)
{
	cr_assert_eq(ipc_send(syncer, message), 0);
	cr_assert_eq(loop_run_once(&engine->loop), 0);
}

static void ask(unsigned section, bool import)
{
	const struct ipc_message run = message_of(IPC_RUN, section, import);

	ask_message(&run);
}

/* What the steward answers, and the syncer hears of it. */
static void answer(unsigned section, bool import, enum command_outcome outcome)
{
	struct ipc_message ran = message_of(IPC_RAN, section, import), came;

	ran.u.run.outcome = (uint8_t)outcome;
	ran.u.run.status = outcome == COMMAND_PASSED ? 0 : 3;
	strcpy(ran.u.run.output, "its output");
	copy_ran(engine, &ran);
	cr_assert_eq(ipc_receive(syncer, &came, NULL), 1);
	cr_assert_eq(memcmp(&ran, &came, sizeof(ran)), 0);
}

static void expect_asked(unsigned section, bool import)
{
	struct ipc_message message;

	cr_assert(rig_heard(&rig, &message));
	cr_expect_eq(message.type, IPC_RUN);
	cr_expect_eq(message.u.run.section, section);
	cr_expect_eq(message.u.run.import, import);
}

/* The only event; NULL: there is none. */
static const struct store_event *event(void)
{
	cr_assert_leq(engine->history.n, 1);
	return engine->history.n == 0 ? NULL : &engine->history.event[0];
}

Test(copy_run, a_command_goes_to_the_steward_and_its_answer_back)
{
	struct dump_sync_command *import = &engine->copy.section[1].import;

	ask(1, true);
	expect_asked(1, true);
	cr_expect(import->running);
	answer(1, true, COMMAND_PASSED);
	cr_expect_not(import->running);
	cr_expect_eq(import->last, COMMAND_PASSED);
	cr_expect_eq(import->runs, 1);
	cr_expect_eq(import->bad, 0);
	cr_expect_str_eq(import->output, "its output");
	cr_expect_eq(engine->copy.section[1].export.runs, 0);
	cr_expect_eq(event(), NULL);
}

Test(copy_run, one_that_fails_is_an_event_of_its_section)
{
	ask(1, false);
	answer(1, false, COMMAND_FAILED);
	cr_expect_eq(engine->copy.section[1].export.bad, 1);
	cr_assert(event() != NULL);
	cr_expect_eq(event()->event, EVENT_SETTINGS_COMMAND);
	cr_expect_str_eq(event()->subject, "export");
	cr_expect_eq(event()->detail, 1);
}

Test(copy_run, settings_applied_is_in_no_section)
{
	static const struct dump_sync_section none[CONFIG_SETTINGS_MAX];

	ask(IPC_RUN_APPLIED, true);
	expect_asked(IPC_RUN_APPLIED, true);
	answer(IPC_RUN_APPLIED, true, COMMAND_PASSED);
	cr_expect_eq(event(), NULL);
	answer(IPC_RUN_APPLIED, true, COMMAND_TIMEOUT);
	cr_assert(event() != NULL);
	cr_expect_eq(event()->event, EVENT_SETTINGS_COMMAND);
	cr_expect_str_eq(event()->subject, "settings-applied");
	cr_expect_eq(event()->detail, 0);
	cr_expect_eq(memcmp(engine->copy.section, none, sizeof(none)), 0);
}

Test(copy_run, without_a_steward_it_is_answered_that_it_could_not_be_started)
{
	struct ipc_message came;

	close(engine->steward);
	engine->steward = -1;
	ask(0, true);
	cr_assert_eq(ipc_receive(syncer, &came, NULL), 1);
	cr_expect_eq(came.type, IPC_RAN);
	cr_expect_eq(came.u.run.section, 0);
	cr_expect(came.u.run.import);
	cr_expect_eq(came.u.run.outcome, COMMAND_UNSTARTED);
	cr_expect_not(engine->copy.section[0].import.running);
	ask(IPC_RUN_APPLIED, true);
	cr_assert_eq(ipc_receive(syncer, &came, NULL), 1);
	cr_expect_eq(came.u.run.section, IPC_RUN_APPLIED);
	cr_expect_eq(came.u.run.outcome, COMMAND_UNSTARTED);
}

static void expect_dropped(unsigned section, uint8_t import)
{
	struct ipc_message run = message_of(IPC_RUN, section, false), came;

	memcpy(&run.u.run.import, &import, 1);
	ask_message(&run);
	cr_expect_eq(engine->copy.fd, -1, "section %u, import %u", section, import);
	cr_expect_not(rig_heard(&rig, &came));
	cr_expect_eq(ipc_receive(syncer, &came, NULL), -EPIPE);
	close(syncer);
	cr_assert_eq(copy_open(engine, rig_socket(&syncer)), 0);
}

/* It reads what the peer sent. This process goes on without it. */
Test(copy_run, a_syncer_that_asks_for_what_there_is_not_is_heard_no_more)
{
	expect_dropped(2, 1);
	expect_dropped(IPC_RUN_APPLIED - 1, 1);
	expect_dropped(IPC_RUN_APPLIED, 0);
	expect_dropped(0, 2);
}
