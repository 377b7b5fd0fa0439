/* The console's end of the control socket, against an agent that is this test. */
#include "console/agent.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char directory[64], path[80], said[128];
static int listener;
static unsigned answers;
static struct loop loop;
static struct agent agent;

static void on_timer(void *arg, ha_time now)
{
	(void)arg;
	(void)now;
}

static void on_dump(void *arg, const json_t *dump, const char *why)
{
	(void)arg;
	cr_assert_null(dump);
	snprintf(said, sizeof(said), "%s", why);
	answers++;
}

static void on_answer(void *arg, const json_t *answer, const char *why)
{
	const char *text = json_string_value(json_object_get(answer, "text"));

	(void)arg;
	snprintf(said, sizeof(said), "%s", text != NULL ? text : why);
	answers++;
}

static void setup(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	snprintf(directory, sizeof(directory), "%s/haconsole-agent-XXXXXX", P_tmpdir);
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/control", directory);
	strcpy(name.sun_path, path);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(listener, (const struct sockaddr *)&name, sizeof(name)), 0);
	cr_assert_eq(listen(listener, 8), 0);
	cr_assert_eq(loop_init(&loop, on_timer, NULL), 0);
	agent_init(&agent, &loop, path, on_dump, NULL);
}

static void teardown(void)
{
	agent_close(&agent);
	loop_close(&loop);
	close(listener);
	unlink(path);
	rmdir(directory);
}

TestSuite(console_agent, .init = setup, .fini = teardown, .timeout = 20);

/* What control.c does where there is no place. */
static void turn_away(void)
{
	static const char busy[] = "{\"result\":\"busy\",\"text\":\"try again\"}";
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL), sizeof(busy) - 1);
	close(fd);
	cr_assert_eq(loop_run_once(&loop), 0);
	cr_expect_eq(answers, 1);
	cr_expect_str_eq(said, "try again");
}

Test(console_agent, busy_is_said_of_a_dump)
{
	agent_want(&agent, true, loop_now());
	turn_away();
}

Test(console_agent, busy_is_said_of_an_action)
{
	json_t *request = json_pack("{s:s}", "action", "swap");

	cr_assert_eq(agent_ask(&agent, request, loop_now(), on_answer, NULL), 0);
	json_decref(request);
	turn_away();
}
