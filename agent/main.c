/* main.c - the command line: daemon, one of its processes, or an action on the running daemon. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/action.h"
#include "agent/capture.h"
#include "agent/config.h"
#include "agent/decode.h"
#include "agent/engine.h"
#include "agent/guardian.h"
#include "agent/log.h"
#include "agent/reader.h"
#include "agent/renew.h"
#include "agent/steward.h"
#include "agent/sync/syncer.h"

enum option_code {
	OPT_CONFIG = 'c',
	OPT_HELP = 'h',
	OPT_VERSION = 'V',
	OPT_YES = 256,
	OPT_JSON,
	OPT_SECONDS,
	OPT_LOG_PRIORITIES,
	OPT_ACTION, /* and the verb */
};

static const struct option options[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{"yes", no_argument, NULL, OPT_YES},
	{"json", no_argument, NULL, OPT_JSON},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"log-priorities", no_argument, NULL, OPT_LOG_PRIORITIES},
	{"dump", optional_argument, NULL, OPT_ACTION + ACTION_DUMP},
	{"history", optional_argument, NULL, OPT_ACTION + ACTION_HISTORY},
	{"why", optional_argument, NULL, OPT_ACTION + ACTION_WHY},
	{"test-connection", required_argument, NULL, OPT_ACTION + ACTION_TEST},
	{"join", required_argument, NULL, OPT_ACTION + ACTION_JOIN},
	{"swap", no_argument, NULL, OPT_ACTION + ACTION_SWAP},
	{"suspend", optional_argument, NULL, OPT_ACTION + ACTION_SUSPEND},
	{"resume", no_argument, NULL, OPT_ACTION + ACTION_RESUME},
	{"detach", no_argument, NULL, OPT_ACTION + ACTION_DETACH},
	{"remove", no_argument, NULL, OPT_ACTION + ACTION_REMOVE},
	{"force-active", no_argument, NULL, OPT_ACTION + ACTION_FORCE},
	{"is-active", no_argument, NULL, OPT_ACTION + ACTION_IS_ACTIVE},
	{"sync", no_argument, NULL, OPT_ACTION + ACTION_SYNC},
	{"barrier", optional_argument, NULL, OPT_ACTION + ACTION_BARRIER},
	{"check-config", no_argument, NULL, OPT_ACTION + ACTION_CHECK_CONFIG},
	{"capture", required_argument, NULL, OPT_ACTION + ACTION_CAPTURE},
	{"decode", required_argument, NULL, OPT_ACTION + ACTION_DECODE},
	{"reload", no_argument, NULL, OPT_ACTION + ACTION_RELOAD},
	{"upgrade", no_argument, NULL, OPT_ACTION + ACTION_UPGRADE},
	{"virtual-ip", required_argument, NULL, OPT_ACTION + ACTION_VIRTUAL_IP},
	{NULL, 0, NULL, 0},
};

/* A screen of 24 lines and 80 columns has to have room for it, and for more actions. */
static void usage(FILE *out)
{
	fputs("usage: haagent [-c FILE] [ACTION]   without one: the daemon, in the foreground\n"
	      "  --dump[=FORM]              is all well? FORM: json, openmetrics or prometheus\n"
	      "  --history[=json]           what happened, when and why\n"
	      "  --why[=json]               how the last change of role came about\n"
	      "  --test-connection ADDRESS  may this appliance join the one at ADDRESS?\n"
	      "  --join ADDRESS             become its passive appliance\n"
	      "  --swap                     hand over to the passive appliance\n"
	      "  --suspend[=DURATION], --resume   no takeover (for 90s, 15m, 2h, 1d); end that\n"
	      "  --detach, --remove         end the pair, on both; forget a peer that is gone\n"
	      "  --force-active             become active without a takeover's conditions\n"
	      "  --is-active                exit 0 if it is active or standalone, 1 if not\n"
	      "  --sync                     compare all settings with the other appliance's\n"
	      "  --virtual-ip=ADDRESS[,...] other virtual IPs than now; none: standalone\n"
	      "  --barrier[=SECONDS]        wait until the passive has every setting as of now\n"
	      "  --reload, --upgrade        go on by the configuration, the program, of now\n"
	      "  --check-config             list every mistake of the configuration\n"
	      "  --capture FILE             what it remembers, and both paths from now on\n"
	      "  --decode FILE              a capture as text, one line a frame\n"
	      "  --json, --yes, --seconds N as =json; do not ask; how long --capture records\n"
	      "  --log-priorities           of the daemon: each line begins with <N>\n"
	      "  -c, --config FILE          not " CONFIG_DEFAULT_FILE "\n"
	      "  -h, --help, -V, --version  exit: 0 done, 1 no, 2 usage, 3 no daemon\n",
	      out);
}

__attribute__((format(printf, 1, 2))) static int usage_error(const char *format, ...)
{
	va_list ap;

	fputs("haagent: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputs("\nTry 'haagent --help'.\n", stderr);
	return ACTION_USAGE;
}

static int check_config(const char *file)
{
	struct config config;

	if (config_read(&config, file, stderr) != 0)
		return ACTION_USAGE;
	printf("%s: ok\n", file);
	return ACTION_DONE;
}

static int run(const char *file, const struct action *action)
{
	if (action->verb == ACTION_NONE)
		return guardian_main(file);
	if (action->verb == ACTION_CHECK_CONFIG)
		return check_config(file);
	if (action->verb == ACTION_CAPTURE)
		return capture_main(file, action->file, action->seconds);
	if (action->verb == ACTION_DECODE)
		return decode_main(action->file);
	if (action->verb == ACTION_RELOAD || action->verb == ACTION_UPGRADE)
		return (int)renew_run(file, action->verb == ACTION_RELOAD ? CONFIG_RELOAD
									  : CONFIG_UPGRADE);
	return (int)action_run(file, action);
}

/* An action's option, with its argument. 0, or the error was said. */
static int take_action(struct action *action, enum action_verb verb, const char *argument)
{
	if (action->verb != ACTION_NONE)
		return usage_error("one action at a time");
	action->verb = verb;
	if (verb == ACTION_TEST || verb == ACTION_JOIN) {
		action->address = argument;
	} else if (verb == ACTION_CAPTURE || verb == ACTION_DECODE) {
		action->file = argument;
	} else if (verb == ACTION_VIRTUAL_IP) {
		action->addresses = argument;
	} else if (argument == NULL) {
		return 0;
	} else if (verb == ACTION_SUSPEND) {
		if (!action_duration(argument, &action->seconds))
			return usage_error("'%s' is no duration: 90s, 15m, 2h, 1d or a number of "
					   "seconds, at most 30d",
					   argument);
	} else if (verb == ACTION_BARRIER) {
		if (!action_patience(argument, &action->seconds))
			return usage_error("'%s' is no time to wait: 1 to 3600 seconds", argument);
	} else if (strcmp(argument, "json") == 0) {
		action->json = true;
	} else if (verb == ACTION_DUMP) {
		action->metrics = render_metrics_format(argument);
		if (action->metrics == RENDER_METRICS_NONE)
			return usage_error("--dump has the other forms json, openmetrics and "
					   "prometheus");
	} else {
		return usage_error("the only other form is json");
	}
	return 0;
}

/* Everything in its place? 0, or the error was said. */
static int check_usage(const struct action *action, const char *seconds, const char *unexpected)
{
	if (unexpected != NULL)
		return usage_error("unexpected argument '%s'", unexpected);
	if (action->yes && !action_asks(action->verb))
		return usage_error("--yes belongs to an action that asks");
	if (seconds != NULL && action->verb != ACTION_CAPTURE)
		return usage_error("--seconds belongs to --capture");
	if (action->json && action->metrics != RENDER_METRICS_NONE)
		return usage_error("--dump in one form at a time");
	if (action->json && !action_shows(action->verb))
		return usage_error(
			"--json belongs to --dump, --history, --why and --test-connection");
	return 0;
}

int main(int argc, char **argv)
{
	const char *file = CONFIG_DEFAULT_FILE, *seconds = NULL;
	struct action action = {0};
	int c, error;

	/* How the guardian starts its processes. */
	if (argc == 3 && strcmp(argv[1], "guardian") == 0)
		return guardian_go_on((int)strtol(argv[2], NULL, 10));
	if (argc == 3 && strcmp(argv[1], "reader") == 0)
		return reader_main(argv[2]);
	if (argc == 2 && strcmp(argv[1], "engine") == 0)
		return engine_main();
	if (argc == 2 && strcmp(argv[1], "steward") == 0)
		return steward_main();
	if (argc == 2 && strcmp(argv[1], "syncer") == 0)
		return syncer_main();

	while ((c = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		switch (c) {
		case OPT_CONFIG:
			file = optarg;
			break;
		case OPT_HELP:
			usage(stdout);
			return ACTION_DONE;
		case OPT_VERSION:
			puts("haagent " HA_VERSION);
			return ACTION_DONE;
		case OPT_SECONDS:
			seconds = optarg;
			if (!action_duration(optarg, &action.seconds))
				return usage_error("'%s' is no number of seconds", optarg);
			break;
		case OPT_YES:
			action.yes = true;
			break;
		case OPT_JSON:
			action.json = true;
			break;
		case OPT_LOG_PRIORITIES:
			log_priorities();
			break;
		case '?': /* getopt has said what is wrong */
			fputs("Try 'haagent --help'.\n", stderr);
			return ACTION_USAGE;
		default:
			error = take_action(&action, (enum action_verb)(c - OPT_ACTION), optarg);
			if (error != 0)
				return error;
			break;
		}
	}
	error = check_usage(&action, seconds, argv[optind]);
	return error != 0 ? error : run(file, &action);
}
