/* The client's end of the control socket, against a daemon that is a process of this test, on a terminal that is a pty. */
#include "agent/client.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "agent/action.h"
#include "agent/control.h"
#include "agent/renew.h"

enum {
	DUMPS = 3, /* that are asked for before the answer comes */
};

static char directory[64], path[80], config_file[80];
static int listener;
static pid_t daemon_pid;
static struct page page;
static int terminal; /* where what is written on the page can be read */

static void setup(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int slave;
	struct termios raw;
	FILE *config;

	snprintf(directory, sizeof(directory), "%s/haagent-client-XXXXXX", P_tmpdir);
	cr_assert(mkdtemp(directory) != NULL);
	snprintf(path, sizeof(path), "%s/control", directory);
	snprintf(config_file, sizeof(config_file), "%s/conf", directory);
	config = fopen(config_file, "w");
	cr_assert(config != NULL);
	fprintf(config, "runtime_directory = \"%s\"\n", directory);
	fclose(config);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	strcpy(name.sun_path, path);
	cr_assert_eq(bind(listener, (const struct sockaddr *)&name, sizeof(name)), 0);
	cr_assert_eq(listen(listener, 8), 0);
	cr_assert_eq(openpty(&terminal, &slave, NULL, NULL, NULL), 0);
	cr_assert_eq(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	cr_assert_eq(tcsetattr(slave, TCSANOW, &raw), 0);
	page = (struct page){.out = fdopen(slave, "w"), .width = PAGE_WIDTH};
}

static void teardown(void)
{
	fclose(page.out);
	close(terminal);
	close(listener);
	unlink(path);
	unlink(config_file);
	rmdir(directory);
}

TestSuite(client, .init = setup, .fini = teardown, .timeout = 60);

static int take(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		_exit(90);
	return fd;
}

/* One request. False: the client has gone. */
static bool hear(int fd, const char *expected)
{
	char text[256];
	ssize_t len = recv(fd, text, sizeof(text) - 1, 0);

	if (len <= 0)
		return false;
	text[len] = '\0';
	if (strcmp(text, expected) != 0)
		_exit(91);
	return true;
}

static void say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		_exit(92);
}

/* Starts a daemon that does this and ends. */
static void start(void (*body)(void))
{
	daemon_pid = fork();
	cr_assert_geq(daemon_pid, 0);
	if (daemon_pid == 0) {
		body();
		_exit(0);
	}
}

static void assert_ended_well(void)
{
	int status;

	cr_assert_eq(waitpid(daemon_pid, &status, 0), daemon_pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

static void say_dump(int fd, unsigned percent)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"result\":\"done\",\"text\":\"\",\"data\":{\"sync\":{\"status\":\"syncing\","
		 "\"percent\":%u,\"bytes\":1,\"bytes_total\":2,\"files\":3,\"files_total\":4}}}",
		 percent);
	say(fd, text);
}

static const char request_text[] = "{\"action\":\"barrier\",\"seconds\":10}";
static const char dump_text[] = "{\"action\":\"dump\"}";

static int take_request(void)
{
	int fd = take();

	if (!hear(fd, request_text))
		_exit(93);
	return fd;
}

static void answers_after_some_dumps(void)
{
	int waiting = take_request(), dumps = take();

	for (unsigned i = 1; i <= DUMPS; i++) {
		if (!hear(dumps, dump_text))
			_exit(94);
		say_dump(dumps, 25 * i);
	}
	say(waiting, "{\"result\":\"done\",\"text\":\"committed\"}");
	while (hear(dumps, dump_text)) /* one may be on its way */
		say_dump(dumps, 100);
}

static void has_no_place_for_dumps(void)
{
	int waiting = take_request();

	for (unsigned i = 0; i < DUMPS; i++)
		close(take());
	say(waiting, "{\"result\":\"refused\",\"text\":\"no\"}");
}

static void ends_while_it_is_waited_for(void)
{
	int waiting = take_request();

	close(take());
	close(waiting);
}

static void never_answers(void)
{
	int waiting = take_request(), dumps = take();

	while (hear(dumps, dump_text))
		say_dump(dumps, 50);
	close(waiting);
}

/* Answers, unless somebody asks for more than that. */
static void answers_if_left_alone(void)
{
	struct pollfd more = {.fd = listener, .events = POLLIN};
	int waiting = take_request();

	if (poll(&more, 1, 500) != 0)
		_exit(95);
	say(waiting, "{\"result\":\"done\",\"text\":\"committed\"}");
}

/* What control.c does where there is no place: before the request is read, or even sent. */
static void is_busy_at_first(void)
{
	for (unsigned i = 0; i < 3; i++) {
		struct pollfd request = {.fd = take(), .events = POLLIN};

		if (i > 0 && poll(&request, 1, 5000) != 1)
			_exit(96);
		say(request.fd, "{\"result\":\"busy\",\"text\":\"busy\"}");
		close(request.fd);
	}
	answers_if_left_alone();
}

static int ask(void)
{
	json_t *request = action_request(&(struct action){.verb = ACTION_BARRIER}, NULL);
	int fd = client_connect(path, 30);

	cr_assert_geq(fd, 0);
	cr_assert_eq(client_send(fd, request), 0);
	json_decref(request);
	return fd;
}

/* All that was written to the terminal. It comes through the kernel when that has time: a mark of our own ends it. */
static const char *seen(void)
{
	static const char mark[] = "\001end\001";
	static char text[8192];
	size_t len = 0;
	char *end;

	fputs(mark, page.out);
	fflush(page.out);
	while (len < sizeof(text) - 1) {
		ssize_t n = read(terminal, text + len, sizeof(text) - 1 - len);

		cr_assert_gt(n, 0, "%s", text);
		len += (size_t)n;
		text[len] = '\0';
		end = strstr(text, mark);
		if (end != NULL) {
			*end = '\0';
			break;
		}
	}
	return text;
}

static void assert_text(json_t *answer, const char *expected)
{
	const char *text = json_string_value(json_object_get(answer, "text"));

	cr_assert(text != NULL);
	cr_expect_str_eq(text, expected);
	json_decref(answer);
}

Test(client, shows_on_a_terminal_how_far_it_is_and_clears_the_line)
{
	json_t *answer;
	const char *text;
	int fd;

	start(answers_after_some_dumps);
	fd = ask();
	cr_assert_eq(client_watch(fd, path, &page, 30), 0);
	cr_assert_eq(client_receive(fd, &answer), 0);
	assert_text(answer, "committed");
	close(fd);
	assert_ended_well();
	text = seen();
	cr_expect(strstr(text, "\r[#########---------------------------]   25 %  1 bytes of 2 "
			       "bytes"),
		  "%s", text);
	cr_expect(strstr(text, " 50 %") && strstr(text, " 75 %"), "%s", text);
	cr_expect(strchr(text, '\n') == NULL, "one line, overwritten");
	text += strlen(text) - PAGE_WIDTH - 1;
	cr_expect_eq(text[0], '\r');
	cr_expect_eq(strspn(text + 1, " "), PAGE_WIDTH - 1, "it is empty in the end");
	cr_expect_str_eq(text + PAGE_WIDTH, "\r");
}

Test(client, without_a_dump_there_is_no_bar_and_an_answer_all_the_same)
{
	json_t *answer;
	int fd;

	start(has_no_place_for_dumps);
	fd = ask();
	cr_assert_eq(client_watch(fd, path, &page, 30), 0);
	cr_assert_eq(client_receive(fd, &answer), 0);
	assert_text(answer, "no");
	close(fd);
	assert_ended_well();
	cr_expect_str_eq(seen(), "");
}

Test(client, a_daemon_that_ends_is_told_apart_from_one_that_is_silent)
{
	json_t *answer;
	int fd;

	start(ends_while_it_is_waited_for);
	fd = ask();
	cr_assert_eq(client_watch(fd, path, &page, 30), 0);
	cr_expect_eq(client_receive(fd, &answer), -ECONNRESET);
	cr_expect_null(answer);
	close(fd);
	assert_ended_well();

	start(never_answers);
	fd = ask();
	cr_expect_eq(client_watch(fd, path, &page, 1), -EAGAIN);
	close(fd);
	assert_ended_well();
}

Test(client, what_is_no_answer_is_an_error)
{
	static char large[CONTROL_ANSWER_MAX + 1];
	json_t *answer;
	int pair[2], room = 2 * (int)sizeof(large);

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	cr_assert_eq(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
	say(pair[0], "[1]");
	cr_expect_eq(client_receive(pair[1], &answer), -EBADMSG);
	cr_expect_null(answer);
	say(pair[0], "{\"result\":");
	cr_expect_eq(client_receive(pair[1], &answer), -EBADMSG);
	memset(large, ' ', sizeof(large));
	cr_assert_eq(send(pair[0], large, sizeof(large), MSG_NOSIGNAL), (ssize_t)sizeof(large));
	cr_expect_eq(client_receive(pair[1], &answer), -EMSGSIZE);
	close(pair[0]);
	cr_expect_eq(client_receive(pair[1], &answer), -ECONNRESET);
	close(pair[1]);
	cr_expect_eq(client_connect("/nonexistent/control", 1), -ENOENT);
}

/* In a script: the answer, its exit code, and nothing else. */
static void assert_run_in_a_pipe(void (*body)(void))
{
	const struct action barrier = {.verb = ACTION_BARRIER};
	char text[256];
	int out[2], status;
	ssize_t len;
	pid_t pid;

	start(body);
	cr_assert_eq(pipe(out), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		status = (int)action_run(config_file, &barrier);
		fflush(stdout);
		_exit(status);
	}
	close(out[1]);
	len = read(out[0], text, sizeof(text) - 1);
	cr_assert_gt(len, 0);
	text[len] = '\0';
	cr_expect_str_eq(text, "committed\n");
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == ACTION_DONE);
	close(out[0]);
	assert_ended_well();
}

Test(client, nothing_is_shown_in_a_pipe)
{
	assert_run_in_a_pipe(answers_if_left_alone);
}

Test(client, who_is_turned_away_asks_again)
{
	assert_run_in_a_pipe(is_busy_at_first);
}

/* ---- reload ---- */

static volatile sig_atomic_t hung_up;

static void on_hangup(int signal)
{
	(void)signal;
	hung_up++;
}

/* It says that another process is the guardian: this one, which would end by the signal. */
static void answer_dump(unsigned attempts)
{
	char text[256];
	int fd = take();

	if (!hear(fd, dump_text))
		_exit(96);
	snprintf(text, sizeof(text),
		 "{\"result\":\"done\",\"text\":\"\",\"data\":{\"guardian\":{\"pids\":{"
		 "\"guardian\":%d,"
		 "\"engine\":2}},\"configuration\":{\"attempts\":%u,\"result\":\"done\"}}}",
		 getpid(), attempts);
	say(fd, text);
	close(fd);
}

static void names_another_guardian(void)
{
	signal(SIGHUP, SIG_DFL);
	for (unsigned attempts = 0; attempts < 2; attempts++)
		answer_dump(attempts);
}

/* Turned away before each question: by control.c's rule nothing of it was read. */
static void is_busy_between_dumps(void)
{
	signal(SIGHUP, SIG_DFL);
	for (unsigned attempts = 0; attempts < 2; attempts++) {
		for (int i = 0; i < 3; i++) {
			int fd = take();

			say(fd, "{\"result\":\"busy\",\"text\":\"busy\"}");
			close(fd);
		}
		answer_dump(attempts);
	}
}

Test(client, a_reload_asks_again_where_it_is_turned_away)
{
	signal(SIGHUP, on_hangup);
	start(is_busy_between_dumps);
	cr_expect_eq(renew_run(config_file, CONFIG_RELOAD), ACTION_DONE);
	assert_ended_well();
	cr_expect_eq(hung_up, 1);
}

Test(client, the_signal_goes_to_who_made_the_socket_whatever_the_dump_says)
{
	signal(SIGHUP, on_hangup);
	start(names_another_guardian);
	cr_expect_eq(renew_run(config_file, CONFIG_RELOAD), ACTION_DONE);
	assert_ended_well();
	cr_expect_eq(hung_up, 1);
}
