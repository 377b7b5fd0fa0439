#include "agent/action.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/client.h"
#include "agent/config.h"
#include "agent/confirm.h"
#include "agent/control.h"
#include "agent/render.h"

static const struct {
	const char *name;
	time_t timeout_s; /* 0: as long as it takes */
	bool asks, shows;
} verbs[ACTION_VERB_N] = {
	[ACTION_NONE] = {"", 0, false, false},
	[ACTION_DUMP] = {"dump", 10, false, true},
	[ACTION_HISTORY] = {"history", 10, false, true},
	[ACTION_TEST] = {"test-connection", 10, false, true}, /* the daemon takes up to 5 s */
	[ACTION_JOIN] = {"join", 20, true, false},            /* the peer is asked as well */
	[ACTION_SWAP] = {"swap", 10, false, false},
	[ACTION_SUSPEND] = {"suspend", 10, false, false},
	[ACTION_RESUME] = {"resume", 10, false, false},
	[ACTION_DETACH] = {"detach", 20, true, false}, /* the peer is asked as well */
	[ACTION_REMOVE] = {"remove", 10, true, false},
	[ACTION_FORCE] = {"force-active", 10, true, false},
	[ACTION_IS_ACTIVE] = {"is-active", 10, false, false},
	[ACTION_SYNC] = {"sync", 0, false, false},
	[ACTION_BARRIER] = {"barrier", 10, false, false}, /* beyond its own time */
	[ACTION_WHY] = {"why", 10, false, true},
	[ACTION_CHECK_CONFIG] = {"check-config", 0, false, false},
	[ACTION_CAPTURE] = {"capture", 0, false, false},
	[ACTION_DECODE] = {"decode", 0, false, false},
	[ACTION_RELOAD] = {"reload", 0, false, false},
	[ACTION_UPGRADE] = {"upgrade", 0, false, false},
	[ACTION_VIRTUAL_IP] = {"virtual_ip", 20, false, false}, /* the peer is asked as well */
};

const char *action_name(enum action_verb verb)
{
	return verbs[verb].name;
}

bool action_asks(enum action_verb verb)
{
	return verbs[verb].asks;
}

bool action_shows(enum action_verb verb)
{
	return verbs[verb].shows;
}

bool action_duration(const char *text, uint32_t *seconds)
{
	static const struct {
		const char *unit;
		uint32_t seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	size_t digits = strspn(text, "0123456789");
	unsigned long n;

	if (digits == 0 || digits > 9) /* which is far more than the maximum */
		return false;
	n = strtoul(text, NULL, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(text + digits, units[i].unit) != 0)
			continue;
		if (n < 1 || n > ACTION_SECONDS_MAX / units[i].seconds)
			return false;
		*seconds = (uint32_t)n * units[i].seconds;
		return true;
	}
	return false;
}

bool action_patience(const char *text, uint32_t *seconds)
{
	uint32_t n;

	if (!action_duration(text, &n) || n > CONTROL_BARRIER_MAX_S)
		return false;
	*seconds = n;
	return true;
}

static uint32_t seconds_of(const struct action *action)
{
	if (action->verb == ACTION_BARRIER && action->seconds == 0)
		return CONTROL_BARRIER_S;
	return action->seconds;
}

/* "none": an empty list. What is no address the daemon will say. */
static json_t *addresses_of(const char *text)
{
	json_t *list = json_array();

	while (text != NULL && strcmp(text, "none") != 0) {
		size_t len = strcspn(text, ",");

		json_array_append_new(list, json_stringn(text, len));
		text = text[len] == ',' ? text + len + 1 : NULL;
	}
	return list;
}

json_t *action_request(const struct action *action, const char *peer_fingerprint)
{
	json_t *seconds = seconds_of(action) != 0 ? json_integer(seconds_of(action)) : NULL;
	json_t *addresses =
		action->verb == ACTION_VIRTUAL_IP ? addresses_of(action->addresses) : NULL;

	return json_pack("{s:s, s:s*, s:s*, s:o*, s:o*}", "action", verbs[action->verb].name,
			 "address", action->address, "peer_fingerprint", peer_fingerprint,
			 "seconds", seconds, "addresses", addresses);
}

/* ---- one question to the daemon ---- */

struct client {
	struct config config;
	char path[CONFIG_PATH_MAX + sizeof("/control")];
	struct page page;
};

enum action_exit action_failed(const char *path, const char *user, int error)
{
	switch (-error) {
	case ENOENT:
	case ECONNREFUSED:
		fprintf(stderr, "haagent: no daemon is running (%s)\n", path);
		return ACTION_NO_DAEMON;
	case EACCES:
		fprintf(stderr,
			"haagent: not allowed: only root and the group of '%s' may use %s\n", user,
			path);
		return ACTION_REFUSED;
	case EAGAIN:
		fprintf(stderr, "haagent: the daemon did not answer in time\n");
		return ACTION_REFUSED;
	case EBADMSG:
	case EMSGSIZE:
		fprintf(stderr, "haagent: the daemon's answer is not understood\n");
		return ACTION_REFUSED;
	case ECONNRESET:
	case EPIPE:
		fprintf(stderr, "haagent: the daemon ended before it answered\n");
		return ACTION_REFUSED;
	default:
		fprintf(stderr, "haagent: %s: %s\n", path, strerror(-error));
		return ACTION_REFUSED;
	}
}

static bool is_watched(const struct client *client, const struct action *action)
{
	return (action->verb == ACTION_SYNC || action->verb == ACTION_BARRIER) &&
	       isatty(fileno(client->page.out));
}

static time_t timeout_of(const struct action *action)
{
	time_t timeout_s = verbs[action->verb].timeout_s;

	return action->verb == ACTION_BARRIER ? timeout_s + seconds_of(action) : timeout_s;
}

static const char *result_of(const json_t *answer)
{
	const char *result = json_string_value(json_object_get(answer, "result"));

	return result != NULL ? result : "";
}

/* ACTION_DONE and an answer, which may be a no; or the daemon could not be asked, and that was said. */
static enum action_exit ask(const struct client *client, const struct action *action,
			    const char *peer_fingerprint, json_t **answer)
{
	json_t *request = action_request(action, peer_fingerprint);
	const struct client_question question = {
		.path = client->path,
		.timeout_s = timeout_of(action),
		.request = request,
		.shown = is_watched(client, action) ? &client->page : NULL,
	};
	struct client_answer got;
	int error = client_ask(&question, &got);

	if (got.descriptor >= 0)
		close(got.descriptor);
	json_decref(request);
	*answer = got.json;
	return error != 0 ? action_failed(client->path, client->config.user, error) : ACTION_DONE;
}

/* ---- its answer ---- */

static bool is_done(const json_t *answer)
{
	return strcmp(result_of(answer), "done") == 0;
}

static void print_text(const struct page *page, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return;
	page_clean(copy);
	fprintf(page->out, "%s\n", copy);
	free(copy);
}

/* Whatever a string has in it, for a reader the same, and nothing that a terminal would act on. */
static void print_json(const struct page *page, const json_t *data)
{
	json_dumpf(data, page->out, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	fputc('\n', page->out);
}

static const json_t *rows_of(const json_t *answer)
{
	return json_object_get(json_object_get(answer, "data"), "requirements");
}

/* The test's answer says that the two may become a pair, and so does each row of it. */
static bool is_possible(const json_t *answer)
{
	struct render_count count = render_count(rows_of(answer));

	return is_done(answer) && count.passed > 0 && count.failed + count.unknown == 0;
}

static void print_verdict(const struct page *page, const json_t *answer)
{
	struct render_count count = render_count(rows_of(answer));

	if (is_possible(answer))
		page_hang(page, "", "A join is possible: all requirements are met.");
	else if (count.failed + count.unknown == 0)
		page_hang(page, "A join is not possible: ", cell_string(answer, "text").text);
	else
		page_hang(page, "",
			  cell_of("A join is not possible. Requirements: %u met, %u not met, %u "
				  "unknown.",
				  count.passed, count.failed, count.unknown)
				  .text);
}

/* False: there is no table in the answer. */
static bool print_test(const struct page *page, const json_t *answer)
{
	const json_t *rows = rows_of(answer);

	if (json_array_size(rows) == 0)
		return false;
	render_table(page, rows);
	fputc('\n', page->out);
	print_verdict(page, answer);
	return true;
}

/* What the answer has besides its text. True: that is all there is to say. */
static bool print_data(const struct action *action, const json_t *answer, const struct page *page)
{
	const json_t *data = json_object_get(answer, "data");

	if (data == NULL)
		return false;
	if (action->metrics != RENDER_METRICS_NONE && is_done(answer)) {
		render_metrics(page->out, action->metrics, data);
		return true;
	}
	if (action->json && (is_done(answer) || action->verb == ACTION_TEST)) {
		print_json(page, data);
		return true;
	}
	switch (action->verb) {
	case ACTION_TEST:
		return print_test(page, answer);
	case ACTION_JOIN:
		if (!is_done(answer) && json_array_size(rows_of(answer)) > 0)
			render_table_open(page, rows_of(answer));
		return false;
	case ACTION_DUMP:
		if (is_done(answer))
			render_dump(page, data);
		return false;
	case ACTION_HISTORY:
		if (is_done(answer))
			render_history(page, data);
		return false;
	case ACTION_WHY:
		if (is_done(answer))
			render_why(page, data);
		return false;
	default:
		return false;
	}
}

/* For scripts: by the exit status. A word of it only where somebody watches. */
static enum action_exit report_active(const json_t *answer, const struct page *page)
{
	const json_t *data = json_object_get(answer, "data");
	bool active = page_is_true(data, "active");

	if (isatty(fileno(page->out)))
		fprintf(page->out, "%s\n",
			page_has(data, "role") ? cell_string(data, "role").text
			: active               ? "active"
					       : "not active");
	return active ? ACTION_DONE : ACTION_REFUSED;
}

enum action_exit action_report(const struct action *action, const json_t *answer,
			       const struct page *page, FILE *errors)
{
	const char *result = json_string_value(json_object_get(answer, "result"));
	const char *text = json_string_value(json_object_get(answer, "text"));
	const struct page wrong = {.out = errors, .width = page->width};
	bool done = is_done(answer), said;
	enum action_exit code = done ? ACTION_DONE : ACTION_REFUSED;

	if (action->verb == ACTION_IS_ACTIVE && done)
		return report_active(answer, page);
	said = print_data(action, answer, page);
	if (action->verb == ACTION_TEST && !is_possible(answer))
		code = ACTION_REFUSED;
	if (fflush(page->out) != 0) {
		fprintf(errors, "haagent: %s\n", strerror(errno));
		return ACTION_REFUSED;
	}
	if (said)
		return code;
	if (text != NULL && *text != '\0')
		print_text(done ? page : &wrong, text);
	else if (code != ACTION_DONE)
		fprintf(errors, "haagent: %s\n",
			result != NULL && !done ? "refused"
						: "the daemon's answer is not understood");
	return code;
}

/* ---- the actions ---- */

static bool is_address(const char *text)
{
	uint8_t any[16];

	return inet_pton(AF_INET, text, any) == 1 || inet_pton(AF_INET6, text, any) == 1;
}

/* Each of the list. */
static bool are_addresses(const char *list)
{
	bool good = true;

	for (const char *at = list; good && at != NULL;) {
		char one[64];
		size_t len = strcspn(at, ",");

		snprintf(one, sizeof(one), "%.*s", (int)(len < sizeof(one) ? len : 0), at);
		good = is_address(one);
		at = at[len] == ',' ? at + len + 1 : NULL;
	}
	return good;
}

static bool confirmed(const struct client *client, const struct action *action, const json_t *data)
{
	confirm_explain(&client->page, action, client->config.link, data);
	if (confirm_ask(stdin, client->page.out, confirm_word(action->verb)))
		return true;
	fprintf(stderr, "haagent: nothing was done\n");
	return false;
}

static enum action_exit run_plain(const struct client *client, const struct action *action,
				  const char *peer_fingerprint)
{
	enum action_exit code;
	json_t *answer;

	code = ask(client, action, peer_fingerprint, &answer);
	if (code == ACTION_DONE)
		code = action_report(action, answer, &client->page, stderr);
	else if (code == ACTION_NO_DAEMON && action->metrics != RENDER_METRICS_NONE)
		render_metrics(client->page.out, action->metrics,
			       NULL); /* an alert wants to know */
	json_decref(answer);
	return code;
}

/* The question shows who the two are, as far as the daemon tells. */
static enum action_exit run_confirmed(const struct client *client, const struct action *action)
{
	const struct action dump = {.verb = ACTION_DUMP};
	enum action_exit code;
	json_t *answer;
	bool yes = action->yes;

	if (!yes) {
		code = ask(client, &dump, NULL, &answer);
		if (code != ACTION_DONE)
			return code;
		yes = confirmed(client, action, json_object_get(answer, "data"));
		json_decref(answer);
	}
	return yes ? run_plain(client, action, NULL) : ACTION_REFUSED;
}

/* A join gives up this appliance's own settings, and trusts the key that it finds: the one that the test has found and
 * the operator has compared, no other. */
static enum action_exit run_join(const struct client *client, const struct action *action)
{
	const struct action test = {.verb = ACTION_TEST, .address = action->address};
	enum action_exit code;
	const json_t *data;
	const char *peer;
	json_t *answer;

	code = ask(client, &test, NULL, &answer);
	if (code != ACTION_DONE)
		return code;
	data = json_object_get(answer, "data");
	peer = json_string_value(json_object_get(data, "peer_fingerprint"));
	if (!is_possible(answer)) {
		code = action_report(&test, answer, &client->page, stderr);
	} else if (peer == NULL || *peer == '\0') {
		code = action_failed(client->path, client->config.user, -EBADMSG);
	} else if (action->yes) {
		confirm_fingerprints(&client->page, data);
		code = run_plain(client, action, peer);
	} else {
		code = confirmed(client, action, data) ? run_plain(client, action, peer)
						       : ACTION_REFUSED;
	}
	json_decref(answer);
	return code;
}

static bool answers(const char *path)
{
	int fd = client_connect(path, 1);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool action_find(struct config *config, const char *config_file, char *path, size_t cap)
{
	char *text = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&text, &len);
	bool good, located;

	if (errors == NULL)
		return false;
	good = config_read(config, config_file, errors) == 0;
	located = good || config_locate(config, config_file);
	if (located)
		snprintf(path, cap, "%s/control", config->runtime_directory);
	located = located && (good || answers(path));
	if (fclose(errors) == 0 && !good)
		fprintf(stderr, "%s%s", text,
			located ? "haagent: the daemon goes on by what it read before these "
				  "mistakes\n"
				: "");
	free(text);
	return located;
}

enum action_exit action_run(const char *config_file, const struct action *action)
{
	struct client client = {.page = page_open(stdout)};

	if (action->address != NULL && !is_address(action->address)) {
		fprintf(stderr, "haagent: '%s' is no IPv4 or IPv6 address\n", action->address);
		return ACTION_USAGE;
	}
	if (action->addresses != NULL && strcmp(action->addresses, "none") != 0 &&
	    !are_addresses(action->addresses)) {
		fprintf(stderr, "haagent: '%s' is no list of IPv4 and IPv6 addresses\n",
			action->addresses);
		return ACTION_USAGE;
	}
	if (!action_find(&client.config, config_file, client.path, sizeof(client.path)))
		return ACTION_USAGE;
	if (action_asks(action->verb) && !action->yes && !isatty(STDIN_FILENO)) {
		fprintf(stderr, "haagent: --%s asks for confirmation: use a terminal, or --yes\n",
			action_name(action->verb));
		return ACTION_REFUSED;
	}
	if (action->verb == ACTION_JOIN)
		return run_join(&client, action);
	if (action_asks(action->verb))
		return run_confirmed(&client, action);
	return run_plain(&client, action, NULL);
}
