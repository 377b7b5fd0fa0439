/* haagent --why: what two nodes have observed, as JSON and as a page. */
#include <criterion/criterion.h>

#include <string.h>

#include "agent/dump_why.h"
#include "agent/render.h"

#define T0   (100 * HA_SEC) /* the decision, by this node's clock */
#define NOW  (T0 + 12 * HA_SEC)
#define WALL (INT64_C(1769860812) * HA_SEC + 500 * HA_MS) /* 2026-01-31T12:00:12.5Z */

static struct node node;
static struct msg_account own, peer;
static struct dump_history history;
static struct why_view view = {
	.now = NOW,
	.realtime_ns = WALL,
	.node = &node,
	.own = &own,
	.peer = &peer,
	.own_name = "alpha",
	.peer_name = "beta",
	.history = &history,
};
static char *page_text;
static json_t *data;

static void setup(void)
{
	node.config.paired = true;
	node.config.boot = 3;
	node.config.timing = (struct node_timing){.heartbeat = 20 * HA_MS, .dead = 100 * HA_MS};
	node.now = NOW;
	node.peer.boot = 7;
	node.state = HA_ACTIVE;
}

static void heard(void)
{
	node.path[HA_PATH_LINK].session = true;
	node.path[HA_PATH_LINK].carrier = true;
	node.path[HA_PATH_LINK].heard = NOW - HA_MS;
}

static void teardown(void)
{
	free(page_text);
	json_decref(data);
}

TestSuite(why, .init = setup, .fini = teardown);

static void event(enum ha_state from, enum ha_state to, enum ha_reason reason)
{
	struct store_event one = {.realtime_ns = WALL - HA_SEC,
				  .event = EVENT_STATE,
				  .from = (uint8_t)from,
				  .to = (uint8_t)to,
				  .reason = (uint8_t)reason,
				  .term = 4};

	dump_history_add(&history, &one);
}

static const char *show(void)
{
	size_t len = 0;
	FILE *out;

	free(page_text);
	json_decref(data);
	page_text = NULL;
	out = open_memstream(&page_text, &len);
	data = dump_why(&view);
	render_why(&(struct page){.out = out, .width = PAGE_WIDTH}, data);
	fclose(out);
	return page_text;
}

static const char *text(const char *object, const char *key)
{
	const json_t *in = *object ? json_object_get(data, object) : data;
	const char *value = json_string_value(json_object_get(in, key));

	return value ? value : "null";
}

static double number(const char *object, const char *key)
{
	return json_number_value(json_object_get(json_object_get(data, object), key));
}

/* T3, as it is with a cable of 50 us. */
static void power_fails(void)
{
	own = (struct msg_account){
		.boot = 3,
		.decided = T0,
		.from = HA_PASSIVE,
		.to = HA_ACTIVE,
		.reason = REASON_CARRIER_LOST,
		.term = 5,
		.awake = T0 - HA_MS,
		.path = {{T0 - 12 * HA_MS, 0, ACCOUNT_CARRIER_DOWN, T0 - 5 * HA_MS},
			 {T0 - 12 * HA_MS + 20 * HA_US, 0, ACCOUNT_CARRIER_UP, T0 - 50 * HA_SEC}},
		.probe = {.first = T0 - 5 * HA_MS, .last = T0 - HA_MS, .rounds = 4},
		.solicit = {.since = T0 - 5 * HA_MS, .sent = 3},
		.reach = {.evidence = T0 - 2 * HA_MS,
			  .asked = T0 - 2 * HA_MS - 60 * HA_US,
			  .station = {HA_IPV4, {192, 0, 2, 1}},
			  .configured = 1},
		.peer = {.heard = T0 - 12 * HA_MS,
			 .boot = 7,
			 .state = HA_ACTIVE,
			 .claim = HA_CLAIM_HOLDING,
			 .reason = REASON_UNPAIRED,
			 .held = T0 - 12 * HA_MS},
		.lease = {.on = T0 + 136 * HA_US, .announced = T0 + 150 * HA_US},
	};
}

Test(why, a_power_failure_by_the_one_that_is_left)
{
	power_fails();
	cr_assert_str_eq(
		show(),
		"alpha became active at 2026-01-31 12:00:00.500 UTC, 12.0 s ago, in term 5: link\n"
		"carrier lost and no answer on management [T3].\n"
		"\n"
		"    -12.000 ms  alpha         last frame of beta on link\n"
		"    -12.000 ms  alpha         last word of beta: active, holding the virtual IP\n"
		"    -11.980 ms  alpha         last frame of beta on management\n"
		"     -5.000 ms  alpha         no carrier on link\n"
		"     -5.000 ms  alpha         beta asked whether it lives, 3 times: no answer\n"
		"     -5.000 ms  alpha         virtual IP probed, round 1\n"
		"     -2.000 ms  alpha         the segment was heard: witness 192.0.2.1 answered,\n"
		"                              asked 60 us before\n"
		"     -1.000 ms  alpha         virtual IP probed, round 4: no answer\n"
		"     +0.000 ms  alpha         passive -> active: link carrier lost and no answer\n"
		"                              on management [T3]\n"
		"     +0.136 ms  alpha         virtual IP on the interface\n"
		"     +0.150 ms  alpha         virtual IP announced\n"
		"\n"
		"Clients were without an answer for at most 12.1 ms: from the last word of beta\n"
		"as its holder until alpha announced the virtual IP.\n"
		"beta is not heard now; its side of this is not known.\n");
	cr_assert_str_eq(text("own", "decided"), "2026-01-31T12:00:00.500000Z");
	cr_assert_str_eq(text("gap", "from"), "2026-01-31T12:00:00.488000Z");
	cr_assert_float_eq(number("gap", "at_most_ms"), 12.15, 1e-9);
}

/* It comes back with a new start, and tells what it found. */
Test(why, the_other_returns)
{
	power_fails();
	heard();
	node.peer.boot = 8;
	peer = (struct msg_account){.boot = 8,
				    .decided = T0 + HA_SEC,
				    .from = HA_INITIALIZING,
				    .to = HA_PASSIVE,
				    .reason = REASON_HOLDER_HEARD,
				    .term = 5,
				    .awake = T0 + HA_SEC - HA_MS};
	cr_assert_not_null(
		strstr(show(), "  +1000.000 ms  beta          initializing -> passive: "));
	cr_assert_not_null(strstr(show(), "\nThe agent of beta has been restarted since.\n"));
	cr_assert_null(strstr(show(), "not heard"));
	cr_assert_str_eq(text("", "change"), "own");
}

/* The same, asked at the one that came back. */
Test(why, both_tell_the_same_story)
{
	struct msg_account other;

	power_fails();
	heard();
	other = own;
	own = (struct msg_account){.boot = 8,
				   .decided = T0 + HA_SEC,
				   .from = HA_INITIALIZING,
				   .to = HA_PASSIVE,
				   .reason = REASON_HOLDER_HEARD,
				   .term = 5,
				   .awake = T0 + HA_SEC - HA_MS};
	peer = other;
	node.config.boot = 8;
	view.own_name = "beta";
	view.peer_name = "alpha";
	cr_assert_eq(strncmp(show(), "alpha became active at ", 23), 0, "%s", page_text);
	cr_assert_not_null(strstr(page_text, "alpha         no carrier on link"));
	cr_assert_not_null(strstr(page_text, "beta          initializing -> passive"));
	cr_assert_not_null(strstr(page_text, "\nThe agent of beta has been restarted since.\n"));
	cr_assert_str_eq(text("", "change"), "peer");
}

static void swapped(void)
{
	heard();
	own = (struct msg_account){
		.decided = T0 - 60 * HA_US,
		.from = HA_ACTIVE,
		.to = HA_PASSIVE,
		.reason = REASON_SWAP,
		.term = 4,
		.awake = T0 - HA_MS,
		.peer = {.heard = T0 - 180 * HA_US, .boot = 7, .state = HA_PASSIVE},
		.handover = {T0 - 300 * HA_US, T0 - 170 * HA_US, T0 - 60 * HA_US, T0 + 30 * HA_US},
		.lease = {.until = T0 + 40 * HA_MS,
			  .released = T0 - 170 * HA_US,
			  .off = T0 - 60 * HA_US},
	};
	peer = (struct msg_account){
		.boot = 7,
		.decided = T0,
		.from = HA_PASSIVE,
		.to = HA_ACTIVE,
		.reason = REASON_HANDOVER,
		.term = 5,
		.awake = T0 - HA_MS,
		.peer = {.heard = T0 - 20 * HA_US,
			 .boot = 3,
			 .state = HA_PASSIVE,
			 .claim = HA_CLAIM_RESIGNED,
			 .reason = REASON_SWAP,
			 .held = T0 - 160 * HA_US},
		.handover = {T0 - 200 * HA_US, T0 - 200 * HA_US, T0 - 10 * HA_US, T0},
		.lease = {.on = T0 + 80 * HA_US, .announced = T0 + 90 * HA_US},
	};
}

Test(why, a_swap_by_both)
{
	swapped();
	cr_assert_str_eq(
		show(),
		"beta became active at 2026-01-31 12:00:00.500 UTC, 12.0 s ago, in term 5: the\n"
		"peer handed over [T1] (swapped by an operator).\n"
		"\n"
		"     -0.300 ms  alpha         asked beta to take over\n"
		"     -0.200 ms  beta          asked by alpha to take over: ready\n"
		"     -0.180 ms  alpha         last word of beta: passive\n"
		"     -0.170 ms  alpha         beta is ready; gives the virtual IP up\n"
		"     -0.060 ms  alpha         active -> passive: swapped by an operator [T1]\n"
		"     -0.060 ms  alpha         virtual IP off the interface\n"
		"     -0.020 ms  beta          last word of alpha: passive, gave up the virtual\n"
		"                              IP\n"
		"     +0.000 ms  beta          passive -> active: the peer handed over [T1]\n"
		"     +0.030 ms  alpha         beta heard taking it\n"
		"     +0.080 ms  beta          virtual IP on the interface\n"
		"     +0.090 ms  beta          virtual IP announced\n"
		"\n"
		"Clients were without an answer for at most 150 us: from the moment alpha had\n"
		"taken it off until beta announced the virtual IP.\n"
		"As alpha measured it, the handover took 200 us: from giving the virtual IP up\n"
		"until beta was heard taking it.\n");
	cr_assert_str_eq(text("gap", "by"), "address off");
	cr_assert_float_eq(number("gap", "handover_ms"), 0.2, 1e-9);
}

/* Its kernel answered for the address when its agent was dead: until then it was there. */
Test(why, what_its_kernel_answered_bounds_the_gap_too)
{
	power_fails();
	own.probe.answer = ACCOUNT_ANSWER_PEER;
	own.probe.answered = T0 - 8 * HA_MS;
	cr_assert_not_null(strstr(show(), "at most 8.15 ms: from its last answer by beta\n"), "%s",
			   page_text);
	cr_assert_not_null(
		strstr(page_text, "     -8.000 ms  alpha         virtual IP answered by beta"));
	own.probe.answer = ACCOUNT_ANSWER_OTHER;
	cr_assert_not_null(strstr(show(), "from the last word of beta"),
			   "a third one's is no service");
}

/* A clock that is compared with some us of error may put the address off behind its announcement. */
Test(why, what_cannot_be_is_no_negative_time)
{
	swapped();
	own.lease.off = peer.lease.announced + 20 * HA_US;
	show();
	cr_assert_str_eq(text("gap", "by"), "last heard holding");
	peer.peer.held = peer.lease.announced + 5 * HA_US;
	show();
	cr_assert_eq(number("gap", "at_most_ms"), 0);
}

/* It wakes when the other has long taken: the later moment, and the earlier term. */
Test(why, the_one_that_slept_did_not_change_last)
{
	power_fails();
	heard();
	peer = own;
	peer.from = HA_PASSIVE;
	own = (struct msg_account){.boot = 3,
				   .decided = T0 + 2 * HA_SEC,
				   .from = HA_ACTIVE,
				   .to = HA_PASSIVE,
				   .reason = REASON_PAUSED,
				   .term = 4,
				   .awake = T0 - 100 * HA_MS,
				   .lease = {.until = T0 - 50 * HA_MS,
					     .released = T0 + 2 * HA_SEC,
					     .off = T0 + 2 * HA_SEC + HA_MS}};
	cr_assert_eq(strncmp(show(), "beta became active at ", 22), 0);
	cr_assert_not_null(strstr(page_text,
				  "   -100.000 ms  alpha         stood still from here, for "
				  "2100.0 ms\n"));
	cr_assert_not_null(strstr(
		page_text,
		"    -50.000 ms  alpha         lease over: silent from here on in any case\n"));
	cr_assert_not_null(strstr(page_text, "  +2001.000 ms  alpha         virtual IP off"));
	cr_assert_str_eq(text("gap", "by"), "last heard holding", "it was not served by a sleeper");
}

/* An account of the peer's that is older than the change, and of another one. */
Test(why, an_earlier_story_stays_out)
{
	power_fails();
	peer = (struct msg_account){.boot = 7,
				    .decided = T0 - 2 * HA_SEC,
				    .from = HA_PASSIVE,
				    .to = HA_ACTIVE,
				    .reason = REASON_HANDOVER,
				    .term = 4};
	cr_assert_null(strstr(show(), "the peer handed over"));
	cr_assert_not_null(strstr(page_text, "what is said of its side is what it told last"));
	cr_assert(json_is_false(json_object_get(data, "related")));
	peer.to = HA_PASSIVE;
	peer.from = HA_INITIALIZING;
	cr_assert_not_null(strstr(show(), "initializing -> passive"), "a moment before");
	peer.decided = T0 - 3600 * HA_SEC;
	cr_assert_null(strstr(show(), "initializing -> passive"), "long before");
}

Test(why, nothing_is_known_any_more)
{
	event(HA_PASSIVE, HA_ACTIVE, REASON_BOTH_SILENT);
	event(HA_ACTIVE, HA_ACTIVE, REASON_JOINED);
	cr_assert_str_eq(
		show(),
		"No change of role is known of this start of the agent.\n"
		"\n"
		"What was before, without its causes: history (UTC; ! critical, * "
		"important)\n"
		"! 2026-01-31 12:00:11.500  passive -> active, term 4: peer silent on both paths,\n"
		"                           segment alive [T2]\n"
		"beta is not heard now; its side of this is not known.\n");
	cr_assert(json_is_null(json_object_get(data, "change")));
	cr_assert_eq(json_array_size(json_object_get(data, "history")), 1);
}

Test(why, standalone_and_new)
{
	node.config.paired = false;
	view.peer_name = "";
	cr_assert_str_eq(show(), "No change of role is known of this start of the agent.\n");
}

Test(why, of_the_history_the_newest_five)
{
	for (unsigned i = 0; i < 9; i++)
		event(HA_PASSIVE, HA_ACTIVE, (enum ha_reason)(REASON_HANDOVER + i));
	show();
	cr_assert_eq(json_array_size(json_object_get(data, "history")), 5);
	cr_assert_str_eq(json_string_value(json_object_get(
				 json_array_get(json_object_get(data, "history"), 4), "reason")),
			 reason_text(REASON_HANDOVER + 8));
}

/* Names that are the same, or too long for their column, tell nobody apart. */
Test(why, names)
{
	power_fails();
	view.own_name = view.peer_name = "alpha";
	cr_assert_eq(strncmp(show(), "this node became active", 23), 0);
	cr_assert_not_null(strstr(page_text, "last word of the peer"));
	view.own_name = "appliance-in-the-cellar";
	cr_assert_eq(strncmp(show(), "this node became active", 23), 0);
	view.own_name = "alpha";
	view.peer_name = "";
	cr_assert_eq(strncmp(show(), "alpha became active", 19), 0);
	cr_assert_not_null(strstr(page_text, "last word of the peer"));
}

/* Whatever is missing, nothing falls over: a client may be newer than its daemon, and older. */
Test(why, answers_with_anything_missing)
{
	static const char *const parts[] = {"paths",    "probe", "solicit", "witness", "other",
					    "handover", "lease", "rule",    "awake"};
	const struct page page = {.out = fopen("/dev/null", "w"), .width = PAGE_WIDTH};

	swapped();
	show();
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		json_object_del(json_object_get(data, "own"), parts[i]);
		json_object_del(json_object_get(data, "peer"), parts[i]);
		render_why(&page, data);
	}
	json_object_set_new(data, "own", json_string("?"));
	render_why(&page, data);
	json_object_clear(data);
	render_why(&page, data);
	render_why(&page, NULL);
	fclose(page.out);
}

/* Of all times there are, each has its line, and none is wider than the page. */
Test(why, no_line_is_wider_than_the_page)
{
	swapped();
	own.reason = REASON_CHECK_FAILED;
	own.probe.first = own.solicit.since = own.reach.unanswered = T0 - 3 * 3600 * HA_SEC;
	own.path[0] = (struct account_path){T0 - 90000 * HA_SEC, UINT16_MAX, ACCOUNT_CARRIER_DOWN,
					    T0 - 90000 * HA_SEC};
	own.peer.why_not = WHY_NOT_ALL;
	own.probe.answered = T0 - HA_SEC;
	own.probe.answer = ACCOUNT_ANSWER_OTHER;
	view.own_name = "twelve-chars";
	show();
	for (const char *line = page_text; *line; line = strchr(line, '\n') + 1)
		cr_assert_leq(strcspn(line, "\n"), 80, "%.100s", line);
	cr_assert_not_null(strstr(page_text, "another station"));
	cr_assert_not_null(strstr(page_text, "      -1 d 1 h  twelve-chars  no carrier on link"));
}
