/* renew.c - see renew.h.
 *
 * The daemon is found by its control socket, and asked how many attempts there were. Then the signal, which only root may send,
 * and the same question until there is one attempt more, or after an upgrade another engine: the socket stays open through one.
 * The signal goes to the process that made the socket, which is the guardian: the kernel says so, where the dump is the
 * engine's word, that must not choose whom root sends signals to.
 */
#include "agent/renew.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/client.h"
#include "agent/config.h"
#include "agent/loop.h"
#include "agent/render.h"

enum {
	ASK_TIMEOUT_S = 5,
	ASK_EVERY_MS = 50,
	PATIENCE_S = 30, /* reading takes 15 s at most, a handover 3 */
};

struct daemon {
	char path[CONFIG_PATH_MAX + sizeof("/control")];
	json_t *dump;   /* the newest, NULL: it did not answer */
	pid_t guardian; /* 0: not known */
};

static int ask(struct daemon *daemon)
{
	json_t *request = json_pack("{s:s}", "action", "dump");
	const struct client_question question = {
		.path = daemon->path,
		.timeout_s = ASK_TIMEOUT_S,
		.request = request,
	};
	struct client_answer answer;
	int error = client_ask(&question, &answer);

	if (answer.descriptor >= 0)
		close(answer.descriptor);
	daemon->guardian = answer.listener;
	json_decref(request);
	json_decref(daemon->dump);
	daemon->dump = error == 0 ? json_incref(json_object_get(answer.json, "data")) : NULL;
	json_decref(answer.json);
	return error != 0 ? error : daemon->dump == NULL ? -EAGAIN : 0;
}

static json_int_t number_of(const struct daemon *daemon, const char *name)
{
	return json_integer_value(
		json_object_get(json_object_get(daemon->dump, "configuration"), name));
}

static json_int_t pid_of(const struct daemon *daemon, const char *process)
{
	const json_t *pids = json_object_get(json_object_get(daemon->dump, "guardian"), "pids");

	return json_integer_value(json_object_get(pids, process));
}

/* Another program's attempts begin anew. */
static bool wait_for_end(struct daemon *daemon, enum config_purpose purpose)
{
	json_int_t attempts = number_of(daemon, "attempts"), engine = pid_of(daemon, "engine");
	const struct timespec pause = {.tv_nsec = ASK_EVERY_MS * HA_MS};
	ha_time end = loop_now() + PATIENCE_S * HA_SEC;

	while (loop_now() < end) {
		if (ask(daemon) == 0 &&
		    (number_of(daemon, "attempts") > attempts ||
		     (purpose == CONFIG_UPGRADE && pid_of(daemon, "engine") != engine)))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static enum action_exit report(const struct daemon *daemon, enum config_purpose purpose)
{
	const struct page page = page_open(stdout), wrong = {.out = stderr, .width = page.width};
	const json_t *configuration = json_object_get(daemon->dump, "configuration");
	struct cell result = cell_string(configuration, "result");
	bool refused = cell_is(&result, "refused");

	if (purpose == CONFIG_UPGRADE && !refused) {
		fprintf(page.out, "%s runs now; %s\n", cell_string(daemon->dump, "version").text,
			cell_string(daemon->dump, "reason").text);
		return ACTION_DONE;
	}
	(void)render_config(refused ? &wrong : &page, configuration);
	return refused ? ACTION_REFUSED : ACTION_DONE;
}

static enum action_exit complain(const char *what, int error)
{
	fprintf(stderr, "haagent: %s: %s\n", what, strerror(-error));
	return ACTION_REFUSED;
}

static enum action_exit renew(struct daemon *daemon, const char *user, enum config_purpose purpose)
{
	int error = ask(daemon);

	if (error != 0)
		return action_failed(daemon->path, user, error);
	if (daemon->guardian <= 1)
		return complain(daemon->path, -ESRCH);
	if (kill(daemon->guardian, purpose == CONFIG_UPGRADE ? SIGUSR2 : SIGHUP) != 0)
		return complain("the daemon", -errno);
	if (wait_for_end(daemon, purpose))
		return report(daemon, purpose);
	fprintf(stderr, "haagent: the daemon did not come to an end with it in %d s\n", PATIENCE_S);
	return ACTION_REFUSED;
}

enum action_exit renew_run(const char *config_file, enum config_purpose purpose)
{
	static struct config config;
	struct daemon daemon = {.dump = NULL};
	enum action_exit code;

	if (!action_find(&config, config_file, daemon.path, sizeof(daemon.path)))
		return ACTION_USAGE;
	code = renew(&daemon, config.user, purpose);
	json_decref(daemon.dump);
	return code;
}
