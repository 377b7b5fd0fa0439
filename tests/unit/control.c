/* The control socket, with clients at the other end of socket pairs. */
#include "agent/control.h"
#include "agent/dump.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct rig {
	struct loop loop;
	struct control control;
	int client[CONTROL_CLIENTS_MAX];
	unsigned n;
	unsigned handled;
	enum control_action action;
	uint32_t number;
	bool later;                         /* the handler leaves the answer for later */
	unsigned entries;                   /* strings in the answer's data */
	const struct dump_history *history; /* that is the answer's data */
	bool too_much;                      /* ... and one that the arena has no room for */
};

static struct rig rig;
static char too_much[CONTROL_ARENA_LEN];

static void on_timer(void *arg, ha_time now)
{
	(void)arg;
	(void)now;
}

static bool on_request(void *arg, enum control_action action, const json_t *request,
		       uint32_t number, struct control_answer *answer)
{
	struct rig *r = arg;

	(void)request;
	r->handled++;
	r->action = action;
	r->number = number;
	if (r->later)
		return false;
	answer->result = CONTROL_DONE;
	answer->data =
		r->history != NULL ? dump_events(r->history, STORE_HISTORY_MAX) : json_object();
	if (r->too_much)
		json_object_set_new(answer->data, "k", json_stringn(too_much, sizeof(too_much)));
	for (unsigned i = 0; i < r->entries; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%u", i);
		json_object_set_new(answer->data, key,
				    json_string("0123456789012345678901234567890"));
	}
	return true;
}

static void setup(void)
{
	memset(&rig, 0, sizeof(rig));
	cr_assert_eq(loop_init(&rig.loop, on_timer, &rig), 0);
	memset(too_much, 'x', sizeof(too_much));
	cr_assert_eq(control_open(&rig.control, &rig.loop, -1, on_request, &rig), 0);
}

static void teardown(void)
{
	for (unsigned i = 0; i < rig.n; i++)
		close(rig.client[i]);
	control_close(&rig.control);
	loop_close(&rig.loop);
}

/* The client's end of a connection by that user, or -1 when it is turned away. */
static int connect_as(uid_t uid)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	if (control_adopt(&rig.control, pair[0], uid) != 0) {
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	rig.client[rig.n++] = pair[1];
	return pair[1];
}

static void ask(int fd, const char *request)
{
	cr_assert_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
	cr_assert_eq(loop_run_once(&rig.loop), 0);
}

/* What was answered: "" nothing yet, "closed" when the server hung up. */
static const char *answer(int fd)
{
	static char text[CONTROL_ANSWER_MAX + 1];
	ssize_t len = recv(fd, text, sizeof(text) - 1, 0);

	if (len == 0)
		return "closed";
	if (len < 0)
		return errno == EAGAIN ? "" : "closed";
	text[len] = '\0';
	return text;
}

static void assert_error(const char *request, const char *word)
{
	int fd = connect_as(0);
	const char *got;

	ask(fd, request);
	got = answer(fd);
	cr_assert(strstr(got, "\"result\":\"error\"") && strstr(got, word), "%s", got);
	cr_assert_eq(rig.handled, 0);
	close(rig.client[--rig.n]);
	cr_assert_eq(loop_run_once(&rig.loop), 0);
}

TestSuite(control, .init = setup, .fini = teardown);

Test(control, every_action_reaches_the_handler)
{
	static const char *const name[CONTROL_ACTION_N] = {"dump",
							   "history",
							   "swap",
							   "suspend",
							   "resume",
							   "join",
							   "test-connection",
							   "detach",
							   "remove",
							   "force-active",
							   "is-active",
							   "sync",
							   "barrier",
							   "why",
							   "capture",
							   "virtual_ip"};
	int fd = connect_as(0);

	for (unsigned i = 0; i < CONTROL_ACTION_N; i++) {
		char request[64];

		snprintf(request, sizeof(request), "{\"action\":\"%s\"}", name[i]);
		ask(fd, request);
		cr_assert_eq(rig.action, i);
		cr_assert_str_eq(answer(fd), "{\"result\":\"done\",\"text\":\"\",\"data\":{}}");
	}
}

Test(control, changes_are_for_root_and_reading_is_not)
{
	static const char *const change[] = {
		"swap",   "suspend",      "resume", "join",    "test-connection", "detach",
		"remove", "force-active", "sync",   "barrier", "capture",         "virtual_ip"};
	int fd = connect_as(1000);

	ask(fd, "{\"action\":\"dump\"}");
	cr_assert(strstr(answer(fd), "done"));
	ask(fd, "{\"action\":\"history\"}");
	cr_assert(strstr(answer(fd), "done"));
	rig.handled = 0;
	for (unsigned i = 0; i < sizeof(change) / sizeof(*change); i++) {
		char request[64], expected[96];

		snprintf(request, sizeof(request), "{\"action\":\"%s\"}", change[i]);
		snprintf(expected, sizeof(expected),
			 "{\"result\":\"refused\",\"text\":\"only root may %s\"}", change[i]);
		ask(fd, request);
		cr_assert_str_eq(answer(fd), expected);
	}
	cr_assert_eq(rig.handled, 0);
}

Test(control, garbage_is_an_error)
{
	assert_error("{", "not a request");
	assert_error("action=dump", "not a request");
	assert_error("\xff\xfe", "not a request");
	assert_error("{\"action\":\"dump\"} x", "not a request");
	assert_error("{\"action\":\"dump\",\"action\":\"swap\"}", "not a request");
}

Test(control, wrong_types_are_an_error)
{
	assert_error("[]", "not a request");
	assert_error("{\"action\":7}", "not a request");
	assert_error("{\"action\":{\"action\":\"dump\"}}", "not a request");
	assert_error("{\"verb\":\"dump\"}", "not a request");
}

Test(control, unknown_action_is_an_error)
{
	assert_error("{\"action\":\"reboot\"}", "no such action");
}

Test(control, deep_nesting_is_turned_away_unparsed)
{
	char request[CONTROL_REQUEST_MAX + 1];

	memset(request, '[', CONTROL_REQUEST_MAX);
	request[CONTROL_REQUEST_MAX] = '\0';
	assert_error(request, "not a request");
}

Test(control, request_of_more_than_4096_bytes_is_an_error_and_the_end)
{
	char request[CONTROL_REQUEST_MAX + 2];
	int fd = connect_as(0);

	memset(request, ' ', sizeof(request));
	memcpy(request, "{\"action\":\"dump\"}", 17);
	request[CONTROL_REQUEST_MAX] = '\0';
	ask(fd, request);
	cr_assert(strstr(answer(fd), "done"), "4096 are not too many");
	request[CONTROL_REQUEST_MAX] = ' ';
	request[CONTROL_REQUEST_MAX + 1] = '\0';
	ask(fd, request);
	cr_assert(strstr(answer(fd), "too long"));
	cr_assert_str_eq(answer(fd), "closed");
}

Test(control, deferred_answer_finds_its_client)
{
	int first = connect_as(0), second = connect_as(0);
	uint32_t number;

	rig.later = true;
	ask(first, "{\"action\":\"swap\"}");
	number = rig.number;
	ask(second, "{\"action\":\"join\"}");
	cr_assert_neq(number, rig.number);
	cr_assert_str_eq(answer(first), "");
	control_answer(&rig.control, number, CONTROL_REFUSED, "busy");
	cr_assert_str_eq(answer(first), "{\"result\":\"refused\",\"text\":\"busy\"}");
	cr_assert_str_eq(answer(second), "");
	control_answer(&rig.control, number, CONTROL_DONE, "again");
	cr_assert_str_eq(answer(first), "", "one answer to one request");
}

Test(control, answer_to_a_client_that_left_is_dropped)
{
	int fd = connect_as(0);

	rig.later = true;
	ask(fd, "{\"action\":\"swap\"}");
	close(rig.client[--rig.n]);
	cr_assert_eq(loop_run_once(&rig.loop), 0);
	control_answer(&rig.control, rig.number, CONTROL_DONE, "too late");
	cr_assert_eq(control_deadline(&rig.control), HA_NEVER, "its place is free");
}

Test(control, second_request_before_the_answer_is_the_end)
{
	int fd = connect_as(0);

	rig.later = true;
	ask(fd, "{\"action\":\"swap\"}");
	ask(fd, "{\"action\":\"swap\"}");
	cr_assert_str_eq(answer(fd), "closed");
	cr_assert_eq(rig.handled, 1);
}

Test(control, silent_client_is_shown_the_door)
{
	int fd = connect_as(0);
	ha_time due = control_deadline(&rig.control);

	control_timer(&rig.control, due - 1);
	cr_assert_str_eq(answer(fd), "");
	control_timer(&rig.control, due);
	cr_assert_str_eq(answer(fd), "closed");
	cr_assert_eq(control_deadline(&rig.control), HA_NEVER);
}

Test(control, client_that_waits_for_us_is_not)
{
	int fd = connect_as(0);

	rig.later = true;
	ask(fd, "{\"action\":\"join\"}");
	cr_assert_eq(control_deadline(&rig.control), HA_NEVER);
	control_timer(&rig.control, loop_now() + 2 * CONTROL_PATIENCE);
	cr_assert_str_eq(answer(fd), "");
}

Test(control, ninth_client_finds_no_place)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		cr_assert_geq(connect_as(0), 0);
	cr_assert_eq(connect_as(0), -1);
}

Test(control, last_place_is_kept_for_root)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX - 1; i++)
		cr_assert_geq(connect_as(1000), 0);
	cr_assert_eq(connect_as(1000), -1);
	cr_assert_geq(connect_as(0), 0);
}

/* The largest answer there is: every event of the longest kind. */
Test(control, a_full_history_fits)
{
	static struct dump_history history;
	struct store_event event = {
		.realtime_ns = INT64_C(1789000000123456789),
		.term = UINT64_MAX / 2,
		.event = EVENT_STATE,
		.from = HA_INITIALIZING,
		.to = HA_SUSPENDED,
		.reason = REASON_REMOVED,
		.detail = UINT32_MAX,
		.subject = "0123456789012345678901234567890",
	};
	int fd = connect_as(0);

	for (unsigned i = 0; i < STORE_HISTORY_MAX; i++)
		dump_history_add(&history, &event);
	rig.history = &history;
	ask(fd, "{\"action\":\"history\"}");
	cr_assert(strstr(answer(fd), "\"result\":\"done\""));
}

/* Whoever asks for a number gets it, or what is set, or a no. */
Test(control, seconds_are_whole_and_in_range)
{
	static const struct {
		const char *request;
		uint32_t seconds; /* 0: refused */
	} sample[] = {
		{"{}", 10},
		{"{\"seconds\":1}", 1},
		{"{\"seconds\":3600}", 3600},
		{"{\"seconds\":3601}", 0},
		{"{\"seconds\":0}", 0},
		{"{\"seconds\":-1}", 0},
		{"{\"seconds\":4294967297}", 0},
		{"{\"seconds\":1.5}", 0},
		{"{\"seconds\":\"7\"}", 0},
		{"{\"seconds\":null}", 0},
		{"{\"seconds\":true}", 0},
	};

	for (size_t i = 0; i < sizeof(sample) / sizeof(*sample); i++) {
		json_t *request = json_loads(sample[i].request, 0, NULL);
		uint32_t seconds = 77;

		cr_expect_eq(control_seconds(request, CONTROL_BARRIER_S, CONTROL_BARRIER_MAX_S,
					     &seconds),
			     sample[i].seconds != 0, "%s", sample[i].request);
		cr_expect_eq(seconds, sample[i].seconds != 0 ? sample[i].seconds : 77);
	}
}

Test(control, arena_is_empty_again_after_each_answer)
{
	int fd = connect_as(0);

	rig.entries = 1000; /* some hundred KiB of it */
	for (unsigned i = 0; i < 50; i++) {
		ask(fd, "{\"action\":\"dump\"}");
		cr_assert(strstr(answer(fd), "\"k999\""), "round %u", i);
	}
}

Test(control, answer_that_does_not_fit_is_an_error)
{
	int fd = connect_as(0);

	rig.entries = 4000;
	ask(fd, "{\"action\":\"dump\"}");
	cr_assert(strstr(answer(fd), "\"result\":\"error\""));
	rig.entries = 1;
	ask(fd, "{\"action\":\"dump\"}");
	cr_assert(strstr(answer(fd), "\"k0\""), "and the next one does");
}

/* An answer takes a while to make, and heartbeats are not to wait for eight of them. */
Test(control, serves_one_request_in_each_wake)
{
	for (unsigned i = 0; i < 3; i++)
		connect_as(0);
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(send(rig.client[i], "{\"action\":\"dump\"}", 17, MSG_NOSIGNAL), 17);
	for (unsigned i = 1; i <= 3; i++) {
		cr_assert_eq(loop_run_once(&rig.loop), 0);
		cr_assert_eq(rig.handled, i);
	}
}

Test(control, answer_that_is_not_whole_is_an_error)
{
	int fd = connect_as(0);

	rig.too_much = true;
	ask(fd, "{\"action\":\"dump\"}");
	cr_assert(strstr(answer(fd), "\"result\":\"error\""));
	rig.too_much = false;
	ask(fd, "{\"action\":\"dump\"}");
	cr_assert(strstr(answer(fd), "\"result\":\"done\""));
}

Test(control, client_that_does_not_read_is_closed)
{
	int fd = connect_as(0);
	unsigned i;

	rig.entries = 1500;
	for (i = 0; i < 64; i++) {
		if (send(fd, "{\"action\":\"dump\"}", 17, MSG_NOSIGNAL) != 17)
			break;
		cr_assert_eq(loop_run_once(&rig.loop), 0);
	}
	cr_assert_lt(i, 64);
}

Test(control, an_operator_may_do_what_he_is_allowed_to_and_nothing_else)
{
	static const struct control_operator operators[] = {
		{"web", 4000, 1 << CONTROL_SWAP | 1 << CONTROL_SUSPEND},
		{"gone", CONTROL_NOBODY, UINT32_MAX},
	};
	int web, other, nobody;

	control_operators(&rig.control, operators, 2);
	web = connect_as(4000);
	other = connect_as(4001);
	nobody = connect_as(CONTROL_NOBODY);
	ask(web, "{\"action\":\"swap\"}");
	cr_expect(strstr(answer(web), "\"result\":\"done\"") != NULL);
	cr_expect_eq(rig.handled, 1);
	ask(web, "{\"action\":\"detach\"}");
	cr_expect(strstr(answer(web), "only root may detach") != NULL);
	ask(web, "{\"action\":\"dump\"}");
	cr_expect(strstr(answer(web), "\"result\":\"done\"") != NULL);
	ask(other, "{\"action\":\"swap\"}");
	cr_expect(strstr(answer(other), "only root may swap") != NULL);
	ask(nobody, "{\"action\":\"swap\"}");
	cr_expect(strstr(answer(nobody), "only root may swap") != NULL, "a user that is not there");
	cr_expect_eq(rig.handled, 2);
}

Test(control, actions_that_change_something_have_names)
{
	cr_expect_eq(control_change("swap"), CONTROL_SWAP);
	cr_expect_eq(control_change("barrier"), CONTROL_BARRIER);
	cr_expect_eq(control_change("dump"), CONTROL_ACTION_N);
	cr_expect_eq(control_change(""), CONTROL_ACTION_N);
}
