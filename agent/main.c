/* main.c - the command line: daemon, one of its processes, or an action on the running daemon. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/action.h"
#include "agent/config.h"
#include "agent/engine.h"
#include "agent/guardian.h"
#include "agent/steward.h"

enum option_code {
	OPT_CONFIG = 'c',
	OPT_HELP = 'h',
	OPT_VERSION = 'V',
	OPT_DUMP = 256, /* the actions, in the order of actions[] */
	OPT_HISTORY,
	OPT_SWAP,
	OPT_SUSPEND,
	OPT_RESUME,
	OPT_JOIN,
	OPT_CHECK_CONFIG,
	OPT_YES,
};

static const struct option options[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{"dump", optional_argument, NULL, OPT_DUMP},
	{"history", optional_argument, NULL, OPT_HISTORY},
	{"swap", no_argument, NULL, OPT_SWAP},
	{"suspend", no_argument, NULL, OPT_SUSPEND},
	{"resume", no_argument, NULL, OPT_RESUME},
	{"join", required_argument, NULL, OPT_JOIN},
	{"check-config", no_argument, NULL, OPT_CHECK_CONFIG},
	{"yes", no_argument, NULL, OPT_YES},
	{NULL, 0, NULL, 0},
};

static const char *const actions[] = {"dump",   "history", "swap",        "suspend",
				      "resume", "join",    "check-config"};

static void usage(FILE *out)
{
	fprintf(out,
		"usage: haagent [-c FILE]                   run the daemon in the foreground\n"
		"       haagent [-c FILE] --dump[=json]     show this appliance, its peer and what "
		"links them\n"
		"       haagent [-c FILE] --history[=json]  show what happened, when and why\n"
		"       haagent [-c FILE] --swap            hand over to the passive appliance\n"
		"       haagent [-c FILE] --suspend         no takeover until --resume\n"
		"       haagent [-c FILE] --resume\n"
		"       haagent [-c FILE] --join ADDRESS [--yes]\n"
		"                                           become the passive of the appliance at "
		"ADDRESS\n"
		"       haagent [-c FILE] --check-config    list every mistake of the "
		"configuration\n"
		"       haagent --help | --version\n"
		"FILE is %s if not given. Exit: 0 done, 1 refused or failed,\n"
		"2 wrong usage or configuration, 3 no daemon is running.\n",
		CONFIG_DEFAULT_FILE);
}

static int usage_error(const char *what)
{
	if (what != NULL)
		fprintf(stderr, "haagent: %s\n", what);
	usage(stderr);
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
	if (action->name == NULL)
		return guardian_main(file);
	if (strcmp(action->name, "check-config") == 0)
		return check_config(file);
	return action_run(file, action);
}

int main(int argc, char **argv)
{
	const char *file = CONFIG_DEFAULT_FILE;
	struct action action = {0};
	int c;

	/* How the guardian starts its processes. */
	if (argc == 2 && strcmp(argv[1], "engine") == 0)
		return engine_main();
	if (argc == 2 && strcmp(argv[1], "steward") == 0)
		return steward_main();

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
		case OPT_YES:
			action.yes = true;
			break;
		case '?':
			return usage_error(NULL);
		default:
			if (action.name != NULL)
				return usage_error("one action at a time");
			action.name = actions[c - OPT_DUMP];
			if (c == OPT_JOIN)
				action.address = optarg;
			else if (optarg != NULL && strcmp(optarg, "json") == 0)
				action.json = true;
			else if (optarg != NULL)
				return usage_error("the only other form is json");
			break;
		}
	}
	if (optind != argc)
		return usage_error("unexpected argument");
	if (action.yes && action.address == NULL)
		return usage_error("--yes belongs to --join");
	return run(file, &action);
}
