/* conf.c - see conf.h. */
#include "console/conf.h"

#include <arpa/inet.h>
#include <confuse.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* libconfuse's callbacks carry no argument of ours; set while conf_read() runs. */
static struct {
	const char *file;
	FILE *errors;
	unsigned mistakes;
	char last[256];
} reading;

__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *format,
							   va_list ap)
{
	char text[sizeof(reading.last)];

	/* Values of a list are checked one by one, and the last one again. */
	vsnprintf(text, sizeof(text), format, ap);
	if (strcmp(text, reading.last) == 0)
		return;
	memcpy(reading.last, text, sizeof(text));
	reading.mistakes++;
	fprintf(reading.errors, "%s:%d: %s\n", reading.file, cfg->line, text);
}

static int on_number(cfg_t *cfg, cfg_opt_t *opt, long min, long max)
{
	long value = cfg_opt_getnint(opt, 0);

	if (value < min || value > max)
		cfg_error(cfg, "'%s' is a number from %ld to %ld, not %ld", opt->name, min, max,
			  value);
	return 0;
}

static int on_port(cfg_t *cfg, cfg_opt_t *opt)
{
	return on_number(cfg, opt, 1, 65535);
}

static int on_seconds(cfg_t *cfg, cfg_opt_t *opt)
{
	return on_number(cfg, opt, 60, 7 * 86400);
}

static int on_connections(cfg_t *cfg, cfg_opt_t *opt)
{
	return on_number(cfg, opt, 4, CONF_CONNECTIONS_MAX);
}

static int on_address(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, 0);
	uint8_t any[16];

	if (inet_pton(AF_INET, value, any) != 1 && inet_pton(AF_INET6, value, any) != 1)
		cfg_error(cfg, "'%s': '%s' is no IPv4 or IPv6 address", opt->name, value);
	return 0;
}

static int on_path(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, 0);

	if (*value != '/' || strlen(value) >= CONF_PATH_MAX)
		cfg_error(cfg, "'%s': '%s' is no absolute path of less than %d bytes", opt->name,
			  value, CONF_PATH_MAX);
	return 0;
}

static int on_user(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, 0);

	if (*value == '\0' || *value == '-' || strpbrk(value, "/:, \t") != NULL ||
	    strlen(value) >= CONF_USER_MAX)
		cfg_error(cfg, "'%s': '%s' is no name of a user", opt->name, value);
	return 0;
}

static bool is_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_:";

	return *name != '\0' && strlen(name) < CONF_NAME_MAX &&
	       strspn(name, allowed) == strlen(name);
}

/* Called with each of them. */
static int on_names(cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned n = cfg_opt_size(opt);
	const char *name = cfg_opt_getnstr(opt, n - 1);

	if (n == CONF_NAMES_MAX + 1)
		cfg_error(cfg, "'%s' has more than %d names", opt->name, CONF_NAMES_MAX);
	if (!is_name(name))
		cfg_error(cfg, "'%s': '%s' is no host name or address (without a port)", opt->name,
			  name);
	return 0;
}

static void take(char *out, size_t cap, const char *value)
{
	snprintf(out, cap, "%s", value != NULL ? value : "");
}

static void collect(struct conf *conf, cfg_t *cfg)
{
	take(conf->address, sizeof(conf->address), cfg_getstr(cfg, "address"));
	take(conf->control, sizeof(conf->control), cfg_getstr(cfg, "control"));
	take(conf->state_directory, sizeof(conf->state_directory),
	     cfg_getstr(cfg, "state_directory"));
	take(conf->certificate, sizeof(conf->certificate), cfg_getstr(cfg, "certificate"));
	take(conf->key, sizeof(conf->key), cfg_getstr(cfg, "key"));
	take(conf->user, sizeof(conf->user), cfg_getstr(cfg, "user"));
	take(conf->metrics_token_file, sizeof(conf->metrics_token_file),
	     cfg_getstr(cfg, "metrics_token_file"));
	conf->port = (unsigned)cfg_getint(cfg, "port");
	conf->peer_port = (unsigned)cfg_getint(cfg, "peer_port");
	conf->idle_s = (unsigned)cfg_getint(cfg, "idle_timeout_s");
	conf->session_s = (unsigned)cfg_getint(cfg, "session_timeout_s");
	conf->connections = (unsigned)cfg_getint(cfg, "connections");
	conf->connections_per_address = (unsigned)cfg_getint(cfg, "connections_per_address");
	conf->name_n = cfg_size(cfg, "names");
	for (unsigned i = 0; i < conf->name_n && i < CONF_NAMES_MAX; i++)
		take(conf->name[i], sizeof(conf->name[i]), cfg_getnstr(cfg, "names", i));
}

static void check_together(const struct conf *conf, cfg_t *cfg)
{
	if ((*conf->certificate == '\0') != (*conf->key == '\0'))
		cfg_error(cfg, "'certificate' and 'key' go together");
	if (conf->idle_s > conf->session_s)
		cfg_error(cfg, "'idle_timeout_s', %u, is longer than 'session_timeout_s', %u",
			  conf->idle_s, conf->session_s);
	if (conf->connections_per_address > conf->connections)
		cfg_error(cfg, "'connections_per_address', %u, is more than 'connections', %u",
			  conf->connections_per_address, conf->connections);
}

unsigned conf_read(struct conf *conf, const char *file, FILE *errors)
{
	cfg_opt_t table[] = {
		CFG_STR("address", "::", CFGF_NONE),
		CFG_INT("port", 8443, CFGF_NONE),
		CFG_INT("peer_port", 0, CFGF_NONE),
		CFG_STR("control", "/run/haagent/control", CFGF_NONE),
		CFG_STR("state_directory", "/var/lib/haconsole", CFGF_NONE),
		CFG_STR("certificate", NULL, CFGF_NONE),
		CFG_STR("key", NULL, CFGF_NONE),
		CFG_STR("user", "haconsole", CFGF_NONE),
		CFG_STR_LIST("names", NULL, CFGF_NONE),
		CFG_INT("idle_timeout_s", 1800, CFGF_NONE),
		CFG_INT("session_timeout_s", 28800, CFGF_NONE),
		CFG_INT("connections", 320, CFGF_NONE),
		CFG_INT("connections_per_address", 64, CFGF_NONE),
		CFG_STR("metrics_token_file", NULL, CFGF_NONE),
		CFG_END(),
	};
	static const struct {
		const char *name;
		cfg_validate_callback_t check;
	} checks[] = {
		{"address", on_address},
		{"port", on_port},
		{"peer_port", on_port},
		{"control", on_path},
		{"state_directory", on_path},
		{"certificate", on_path},
		{"key", on_path},
		{"user", on_user},
		{"names", on_names},
		{"idle_timeout_s", on_seconds},
		{"session_timeout_s", on_seconds},
		{"connections", on_connections},
		{"connections_per_address", on_connections},
		{"metrics_token_file", on_path},
	};
	cfg_t *cfg = cfg_init(table, CFGF_NONE);

	*conf = (struct conf){0};
	reading.file = file;
	reading.errors = errors;
	reading.mistakes = 0;
	reading.last[0] = '\0';
	if (cfg == NULL) {
		fprintf(errors, "%s: %s\n", file, strerror(ENOMEM));
		return 1;
	}
	cfg_set_error_function(cfg, on_error);
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		cfg_set_validate_func(cfg, checks[i].name, checks[i].check);
	switch (cfg_parse(cfg, file)) {
	case CFG_SUCCESS:
		collect(conf, cfg);
		if (reading.mistakes == 0)
			check_together(conf, cfg);
		break;
	case CFG_FILE_ERROR:
		fprintf(errors, "%s: %s\n", file, strerror(errno));
		reading.mistakes++;
		break;
	default:
		if (reading.mistakes == 0)
			cfg_error(cfg, "syntax error");
		break;
	}
	cfg_free(cfg);
	return reading.mistakes;
}
