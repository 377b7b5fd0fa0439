#include "agent/config_parse.h"

#include <string.h>

/* Those of the next section. */
void config_settings_select(struct config_draft *d, const void *section)
{
	struct config *c = &d->config;

	if (d->settings_read == section)
		return;
	d->settings_read = section;
	d->settings = c->settings_n < CONFIG_SETTINGS_MAX ? &c->settings[c->settings_n++]
							  : &d->spare_settings;
	d->settings->path_first = c->path_n;
	config_presets(d, "settings");
}

/* Its part of the draft: of the section that is being read. */
static struct config_needs *needs(struct config_draft *d)
{
	return d->settings == &d->spare_settings ? &d->needs[CONFIG_SETTINGS_MAX]
						 : &d->needs[d->settings - d->config.settings];
}

void config_settings_note(struct config_draft *d, const struct config_key *key, int line)
{
	struct config_needs *n = needs(d);

	if (key->kind == KIND_TREE)
		n->paths = true;
	else if (key->kind == KIND_WATCH)
		n->watch_line = line;
	else if (strcmp(key->name, "export") == 0)
		n->export_line = line;
	else if (strcmp(key->name, "import") == 0)
		n->import_line = line;
}

/* No empty, "." or ".." component, and no slash at the end: one directory has one name. */
static bool is_plain(const char *path)
{
	while (*path == '/') {
		size_t len = strcspn(++path, "/");

		if (len == 0 || (len <= 2 && strncmp(path, "..", len) == 0))
			return false;
		path += len;
	}
	return true;
}

static void keep_tree(struct config_draft *d, const char *value, int line)
{
	struct config *c = &d->config;

	d->path_line[c->path_n] = line;
	memcpy(c->path[c->path_n++], value, strlen(value) + 1);
	d->settings->path_n++;
}

void config_settings_tree(struct config_draft *d, const struct config_key *key, const char *value,
			  int line)
{
	const struct config *c = &d->config;

	if (!config_absolute(d, key, value, line))
		return;
	for (unsigned i = 0; i < c->path_n; i++) {
		if (strcmp(value, c->path[i]) == 0) {
			config_mistake(d, line, "'%s': '%s' is there twice", key->name, value);
			return;
		}
	}
	if (strcmp(value, "/") == 0)
		config_mistake(d, line, "'%s': '/' is too much", key->name);
	else if (!is_plain(value))
		config_mistake(d, line,
			       "'%s': '%s' has an empty, \".\" or \"..\" component, or a slash at "
			       "its end",
			       key->name, value);
	else if (strlen(value) >= ROOTS_NAME_MAX)
		config_mistake(d, line, "'%s': a path is longer than %d bytes", key->name,
			       ROOTS_NAME_MAX - 1);
	else if (c->path_n == SYNC_ROOTS_MAX)
		config_mistake(d, line, "'%s' has more than %d paths in all", key->name,
			       SYNC_ROOTS_MAX);
	else
		keep_tree(d, value, line);
}

/* Sections that leave out the same are no mistake. */
void config_settings_exclude(struct config_draft *d, const struct config_key *key,
			     const char *value, int line)
{
	struct config *c = &d->config;

	if (!config_nonempty(d, key, value, line))
		return;
	for (unsigned i = 0; i < c->exclude_n; i++) {
		if (strcmp(value, c->exclude[i]) == 0)
			return;
	}
	if (*value == '/' || value[strlen(value) - 1] == '/')
		config_mistake(d, line,
			       "'%s': '%s' would match nothing: names are relative to their path, "
			       "without a slash at either end",
			       key->name, value);
	else if (strlen(value) >= ROOTS_PATTERN_MAX)
		config_mistake(d, line, "'%s': a pattern is longer than %d bytes", key->name,
			       ROOTS_PATTERN_MAX - 1);
	else if (c->exclude_n == ROOTS_EXCLUDES_MAX)
		config_mistake(d, line, "'%s' has more than %d patterns in all", key->name,
			       ROOTS_EXCLUDES_MAX);
	else
		memcpy(c->exclude[c->exclude_n++], value, strlen(value) + 1);
}

void config_settings_watch(struct config_draft *d, const struct config_key *key, const char *value,
			   int line)
{
	struct config_settings *settings = d->settings;

	if (!config_absolute(d, key, value, line))
		return;
	if (!is_plain(value) || strcmp(value, "/") == 0)
		config_mistake(d, line, "'%s': '%s' is no plain name of a file", key->name, value);
	else if (strlen(value) >= ROOTS_NAME_MAX)
		config_mistake(d, line, "'%s': a path is longer than %d bytes", key->name,
			       ROOTS_NAME_MAX - 1);
	else if (settings->watch_n == CONFIG_WATCHES_MAX)
		config_mistake(d, line, "'%s' has more than %d files", key->name,
			       CONFIG_WATCHES_MAX);
	else
		memcpy(settings->watch[settings->watch_n++], value, strlen(value) + 1);
}

/* Is path the same as dir, or below it? Component by component: the directories of this agent may be written with
 * slashes and dots that paths of settings may not have. */
static bool is_within(const char *path, const char *dir)
{
	for (;;) {
		size_t path_len, dir_len;

		dir += strspn(dir, "/");
		path += strspn(path, "/");
		dir_len = strcspn(dir, "/");
		path_len = strcspn(path, "/");
		if (dir_len == 0)
			return true;
		if (dir_len == 1 && *dir == '.') {
			dir++;
		} else if (path_len == 1 && *path == '.') {
			path++;
		} else if (path_len != dir_len || memcmp(path, dir, dir_len) != 0) {
			return false;
		} else {
			path += path_len;
			dir += dir_len;
		}
	}
}

/* What is this appliance's own, keys and record above all, never goes to the other one or comes from there. */
static void check_own(struct config_draft *d, const char *path, int line)
{
	const struct config *c = &d->config;
	const struct {
		const char *option, *path;
	} own[] = {{"state_directory", c->state_directory},
		   {"runtime_directory", c->runtime_directory}};

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		const struct config_key *key =
			config_key_find("", own[i].option, strlen(own[i].option));

		if (d->wrong[key - config_keys])
			continue;
		if (is_within(own[i].path, path) || is_within(path, own[i].path))
			config_mistake(d, line, "'paths': '%s' and '%s', '%s', overlap", path,
				       own[i].option, own[i].path);
	}
	if (is_within(c->file, path))
		config_mistake(d, line, "'paths': this configuration is in '%s'", path);
}

static void check_paths(struct config_draft *d)
{
	const struct config *c = &d->config;

	for (unsigned i = 0; i < c->path_n; i++) {
		check_own(d, c->path[i], d->path_line[i]);
		for (unsigned k = 0; k < i; k++) {
			bool inside = is_within(c->path[i], c->path[k]);

			if (inside || is_within(c->path[k], c->path[i]))
				config_mistake(d, d->path_line[i], "'paths': '%s' %s '%s'",
					       c->path[i], inside ? "is inside of" : "contains",
					       c->path[k]);
		}
	}
}

/* In each section: a command without what it is about would never do anything. */
static void check_needs(struct config_draft *d)
{
	for (unsigned i = 0; i < d->config.settings_n; i++) {
		const struct config_needs *needs = &d->needs[i];

		if (needs->export_line != 0 && !needs->paths)
			config_mistake(d, needs->export_line, "'export' needs 'paths'");
		if (needs->import_line != 0 && !needs->paths)
			config_mistake(d, needs->import_line, "'import' needs 'paths'");
		if (needs->watch_line != 0 && needs->export_line == 0)
			config_mistake(d, needs->watch_line, "'watch' needs 'export'");
	}
}

void config_settings_check(struct config_draft *d)
{
	check_paths(d);
	check_needs(d);
}
