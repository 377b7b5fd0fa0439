#include "agent/config.h"

#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config_parse.h"
#include "agent/file.h"

enum {
	FILE_LEN_MAX = 65536,
};

/* libconfuse's callbacks carry no argument of ours; set while config_read() runs. */
static struct config_draft *reading;

void config_mistake(struct config_draft *d, int line, const char *format, ...)
{
	struct config_mistakes *m = &d->mistakes;
	va_list ap;
	char *text;

	if (m->n++ >= CONFIG_ERRORS_MAX)
		return;
	text = m->list[m->n - 1].text;
	m->list[m->n - 1].line = line;
	va_start(ap, format);
	vsnprintf(text, CONFIG_MISTAKE_MAX, format, ap);
	va_end(ap);
	/* It quotes from the file, and goes to a terminal. */
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			*text = '?';
	}
}

__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *format,
							   va_list ap)
{
	char text[CONFIG_MISTAKE_MAX];

	vsnprintf(text, sizeof(text), format, ap);
	config_mistake(reading, cfg->line, "%s", text);
}

void config_presets(struct config_draft *d, const char *section)
{
	for (size_t i = 0; i < config_keys_n; i++) {
		const struct config_key *key = &config_keys[i];

		if (strcmp(key->section, section) == 0 && key->preset != NULL)
			config_value(d, key, key->preset, 0);
	}
}

/* The check of that name; a new one has its defaults. */
static void select_check(struct config_draft *d, const char *name)
{
	struct config *c = &d->config;

	for (unsigned i = 0; i < c->check_n; i++) {
		d->check = &c->check[i];
		if (strcmp(d->check->name, name) == 0)
			return;
	}
	d->check = c->check_n < CONFIG_CHECKS_MAX ? &c->check[c->check_n++] : &d->spare;
	snprintf(d->check->name, sizeof(d->check->name), "%s", name);
	config_presets(d, "check");
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const char *section = strcmp(cfg->name, "root") == 0 ? reading->section : cfg->name;
	const struct config_key *key = config_key_find(section, opt->name, strlen(opt->name));

	assert(key != NULL);
	if (strcmp(section, "operator") == 0)
		config_operator_select(reading, cfg->title, cfg->line);
	else if (cfg->title != NULL)
		select_check(reading, cfg->title);
	else if (strcmp(section, "settings") == 0)
		config_settings_select(reading, cfg);
	config_value(reading, key, value, cfg->line);
	*(const char **)result = value;
	return 0;
}

/* libconfuse's table of the options of a section: all are strings to it, so that it stops at no value. */
static cfg_opt_t *add_options(cfg_opt_t *opt, const char *section)
{
	for (size_t i = 0; i < config_keys_n; i++) {
		const struct config_key *key = &config_keys[i];

		if (strcmp(key->section, section) == 0)
			*opt++ = (cfg_opt_t){.name = key->name,
					     .type = CFGT_STR,
					     .flags = CFGF_NODEFAULT | (key->list ? CFGF_LIST : 0),
					     .parsecb = on_value};
	}
	return opt;
}

static void parse(struct config_draft *d, char *text)
{
	cfg_opt_t table[2 * CONFIG_KEYS_MAX] = {0}, *sub = table + CONFIG_KEYS_MAX, *opt;
	cfg_t *cfg;

	opt = add_options(table, d->section);
	for (size_t i = 0; i < config_sections_n && *d->section == '\0'; i++) {
		const struct config_section *section = &config_sections[i];

		*opt++ = (cfg_opt_t){.name = section->name,
				     .type = CFGT_SEC,
				     .flags = (section->max > 1 ? CFGF_MULTI : CFGF_NONE) |
					      (section->titled ? CFGF_TITLE : CFGF_NONE),
				     .subopts = sub};
		sub = add_options(sub, section->name) + 1; /* an empty entry ends it */
		assert(sub <= table + 2 * CONFIG_KEYS_MAX);
	}
	assert(opt < table + CONFIG_KEYS_MAX);
	reading = d;
	cfg = cfg_init(table, CFGF_NONE);
	if (cfg == NULL) {
		config_mistake(d, 0, "%s", strerror(ENOMEM));
	} else {
		cfg_set_error_function(cfg, on_error);
		if (cfg_parse_buf(cfg, text) != CFG_SUCCESS && d->mistakes.n == 0)
			config_mistake(d, cfg->line, "syntax error");
		cfg_free(cfg);
	}
	reading = NULL;
}

bool config_timing_preset(struct config_draft *d, const char *name)
{
	static const struct {
		const char *name;
		struct node_timing timing;
	} preset[] = {
		{"default", {20 * HA_MS, 100 * HA_MS, 5 * HA_MS, 3 * HA_SEC, 30 * HA_SEC}},
		{"fast", {2 * HA_MS, 8 * HA_MS, 3 * HA_MS, 3 * HA_SEC, 30 * HA_SEC}},
		{"calm", {200 * HA_MS, 1000 * HA_MS, 50 * HA_MS, 3 * HA_SEC, 30 * HA_SEC}},
	};

	for (size_t i = 0; i < sizeof(preset) / sizeof(*preset); i++) {
		if (strcmp(name, preset[i].name) != 0)
			continue;
		d->config.timing = preset[i].timing;
		snprintf(d->config.timing_name, sizeof(d->config.timing_name), "%s", name);
		return true;
	}
	return false;
}

static void set_defaults(struct config_draft *d)
{
	d->heartbeat_ms = d->dead_ms = d->confirm_ms = CONFIG_NUMBER_UNSET;
	d->boot_wait_ms = d->boot_wait_passive_ms = CONFIG_NUMBER_UNSET;
	config_presets(d, "");
	assert(d->mistakes.n == 0);
}

/* A comparison with a value that is wrong itself would tell nothing. */
static bool any_wrong(const struct config_draft *d, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (d->wrong[config_key_find("", *names, strlen(*names)) - config_keys])
			return true;
	}
	return false;
}

/* Where the first of the options that is set at all was set; 0 if none is. */
static int line_of(const struct config_draft *d, const char *const *names)
{
	for (; *names != NULL; names++) {
		int line = d->line[config_key_find("", *names, strlen(*names)) - config_keys];

		if (line != 0)
			return line;
	}
	return 0;
}

#define ANY_WRONG(d, ...) any_wrong((d), (const char *const[]){__VA_ARGS__, NULL})
#define LINE_OF(d, ...)   line_of((d), (const char *const[]){__VA_ARGS__, NULL})

static void override(struct config_draft *d, ha_time *out, long ms)
{
	if (ms == CONFIG_NUMBER_UNSET)
		return;
	*out = ms * HA_MS;
	snprintf(d->config.timing_name, sizeof(d->config.timing_name), "custom");
}

static void check_timing(struct config_draft *d)
{
	struct node_timing *t = &d->config.timing;

	if (ANY_WRONG(d, "timing", "heartbeat_ms", "dead_ms", "confirm_ms", "boot_wait_ms",
		      "boot_wait_passive_ms"))
		return;
	override(d, &t->heartbeat, d->heartbeat_ms);
	override(d, &t->dead, d->dead_ms);
	override(d, &t->confirm, d->confirm_ms);
	override(d, &t->boot_wait, d->boot_wait_ms);
	override(d, &t->boot_wait_passive, d->boot_wait_passive_ms);
	if (t->dead < 3 * t->heartbeat)
		config_mistake(
			d, LINE_OF(d, "dead_ms", "heartbeat_ms"),
			"the dead interval, %lld ms, is less than three heartbeats of %lld ms",
			(long long)(t->dead / HA_MS), (long long)(t->heartbeat / HA_MS));
	if (t->confirm > t->dead)
		config_mistake(
			d, LINE_OF(d, "confirm_ms", "dead_ms"),
			"the confirmation, %lld ms, is longer than the dead interval, %lld ms",
			(long long)(t->confirm / HA_MS), (long long)(t->dead / HA_MS));
	if (t->boot_wait < t->dead)
		config_mistake(d, LINE_OF(d, "boot_wait_ms", "dead_ms"),
			       "the boot wait, %lld ms, is shorter than the dead interval, %lld ms",
			       (long long)(t->boot_wait / HA_MS), (long long)(t->dead / HA_MS));
	if (t->boot_wait_passive < t->boot_wait)
		config_mistake(d, LINE_OF(d, "boot_wait_passive_ms", "boot_wait_ms"),
			       "the boot wait of a former passive, %lld ms, is shorter than the "
			       "other, %lld ms",
			       (long long)(t->boot_wait_passive / HA_MS),
			       (long long)(t->boot_wait / HA_MS));
}

/* Root's alone, or that of whoever looks at his own. Extended permissions show in the group's. */
static void check_privacy(struct config_draft *d)
{
	int line = LINE_OF(d, "cluster_passphrase");
	struct stat st;

	if (line == 0)
		return;
	if (stat(d->config.file, &st) != 0)
		config_mistake(d, 0, "%s", strerror(errno));
	else if ((st.st_mode & 066) != 0)
		config_mistake(d, line,
			       "'cluster_passphrase' makes the file a secret, and others than its "
			       "owner may read or write it: chmod 600");
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		config_mistake(d, line,
			       "'cluster_passphrase' makes the file a secret, and it is not "
			       "root's: chown root");
}

/* Defaults that hang on what else is there. */
static void complete(struct config *c)
{
	static const char *const models[] = {"1000", "1100", "1200"};

	if (c->supported_model_n == 0) {
		for (size_t i = 0; i < sizeof(models) / sizeof(*models); i++)
			snprintf(c->supported_model[c->supported_model_n++], MSG_MODEL_LEN + 1,
				 "%s", models[i]);
	}
	for (unsigned i = 0; i < c->check_n; i++) {
		if (*c->check[i].recover == '\0')
			c->check[i].recover_attempts = 0;
	}
}

/* What must hold between options. */
static void check_together(struct config_draft *d)
{
	const struct config *c = &d->config;

	if (strcmp(c->link, c->management) == 0 && !ANY_WRONG(d, "link", "management"))
		config_mistake(d, LINE_OF(d, "management", "link"),
			       "'link' and 'management' are both '%s'", c->link);
	for (unsigned i = 0; i < c->witness_n; i++) {
		for (unsigned k = 0; k < c->vip_n; k++) {
			if (ha_address_equal(&c->witness[i], &c->vip[k]))
				config_mistake(d, LINE_OF(d, "witness"),
					       "'witness' names a virtual IP");
		}
	}
	check_timing(d);
	config_settings_check(d);
}

/* The text, terminated, and the file's absolute name. False: reported why not. */
static bool load_text(struct config_draft *d, const char *file, char text[FILE_LEN_MAX + 1],
		      size_t *len)
{
	char *absolute = realpath(file, NULL);
	bool fits;
	int error;

	if (absolute == NULL) {
		config_mistake(d, 0, "%s", strerror(errno));
		return false;
	}
	fits = strlen(absolute) < sizeof(d->config.file);
	if (fits)
		memcpy(d->config.file, absolute, strlen(absolute) + 1);
	error = file_read(AT_FDCWD, absolute, (uint8_t *)text, FILE_LEN_MAX, len);
	free(absolute);
	if (!fits)
		config_mistake(d, 0, "the absolute name is longer than %zu bytes",
			       sizeof(d->config.file) - 1);
	else if (error == -EFBIG)
		config_mistake(d, 0, "longer than %d bytes", FILE_LEN_MAX);
	else if (error == -EINVAL)
		config_mistake(d, 0, "not a regular file");
	else if (error != 0)
		config_mistake(d, 0, "%s", strerror(-error));
	else if (memchr(text, '\0', *len) != NULL)
		config_mistake(d, 0, "not a text file");
	else
		text[*len] = '\0';
	return d->mistakes.n == 0;
}

/* False: not to its end. */
static bool read_file(struct config_draft *d, const char *file)
{
	static char text[FILE_LEN_MAX + 1];
	size_t len;
	int stopped = -1;

	if (load_text(d, file, text, &len)) {
		d->names_runtime = strstr(text, "runtime_directory") != NULL;
		stopped = config_scan(d, text, len);
		parse(d, text);
		if (stopped != 0 && d->mistakes.n == 0)
			config_mistake(d, stopped, "syntax error");
	}
	sodium_memzero(text, sizeof(text));
	return stopped == 0;
}

static void read_configuration(struct config_draft *d, const char *file)
{
	set_defaults(d);
	if (!read_file(d, file))
		return;
	check_privacy(d);
	complete(&d->config);
	check_together(d);
}

/* What the configuration leaves to the file that it names. */
static void read_appliance(struct config_draft *appliance, struct config_draft *d)
{
	const struct config_key *key = config_key_find("appliance", "file", strlen("file"));

	if (*d->appliance_file == '\0')
		return;
	if (!read_file(appliance, d->appliance_file) && appliance->mistakes.list[0].line == 0) {
		config_mistake(d, d->line[key - config_keys], "'file': '%s': %s", d->appliance_file,
			       appliance->mistakes.list[0].text);
		appliance->mistakes.n = 0;
	}
	for (size_t i = 0; i < config_keys_n; i++) {
		key = &config_keys[i];
		if (strcmp(key->section, "appliance") == 0 && d->line[i] == 0)
			memcpy((char *)d + key->offset, (char *)appliance + key->offset, key->cap);
	}
}

/* In the order of the lines; those of one line in the order found. */
static void print_mistakes(struct config_mistakes *m, const char *file, FILE *errors)
{
	unsigned kept = m->n < CONFIG_ERRORS_MAX ? m->n : CONFIG_ERRORS_MAX;
	int last = -1;

	for (;;) {
		int line = INT32_MAX;

		for (unsigned i = 0; i < kept; i++) {
			if (m->list[i].line > last && m->list[i].line < line)
				line = m->list[i].line;
		}
		if (line == INT32_MAX)
			break;
		for (unsigned i = 0; i < kept; i++) {
			if (m->list[i].line != line)
				continue;
			if (line > 0)
				fprintf(errors, "%s:%d: %s\n", file, line, m->list[i].text);
			else
				fprintf(errors, "%s: %s\n", file, m->list[i].text);
		}
		last = line;
	}
	if (kept < m->n)
		fprintf(errors, "%s: and %u more\n", file, m->n - kept);
}

unsigned config_read_secret(struct config *out, char passphrase[CONFIG_PASSPHRASE_MAX + 1],
			    const char *file, FILE *errors)
{
	struct config_draft draft = {.section = ""}, appliance = {.section = "appliance"};
	unsigned n;

	read_configuration(&draft, file);
	read_appliance(&appliance, &draft);
	n = draft.mistakes.n + appliance.mistakes.n;
	print_mistakes(&draft.mistakes, file, errors);
	print_mistakes(&appliance.mistakes, draft.appliance_file, errors);
	if (n == 0) {
		*out = draft.config;
		memcpy(passphrase, draft.passphrase, sizeof(draft.passphrase));
	}
	sodium_memzero(&draft, sizeof(draft));
	return n;
}

unsigned config_read(struct config *out, const char *file, FILE *errors)
{
	char passphrase[CONFIG_PASSPHRASE_MAX + 1];
	unsigned n = config_read_secret(out, passphrase, file, errors);

	sodium_memzero(passphrase, sizeof(passphrase));
	return n;
}

bool config_locate(struct config *out, const char *file)
{
	struct config_draft draft = {.section = ""};
	bool readable, known;

	set_defaults(&draft);
	readable = read_file(&draft, file);
	/* Cut short by a mistake of syntax, it may have said where after that. */
	known = !ANY_WRONG(&draft, "runtime_directory", "user") && draft.config.file[0] != '\0' &&
		(readable || LINE_OF(&draft, "runtime_directory") != 0 || !draft.names_runtime);
	if (known)
		*out = draft.config;
	sodium_memzero(&draft, sizeof(draft));
	return known;
}
