/* config - the configuration file: an operator's, but also whatever an editor or a full disk left of it.
 *
 *   the file
 *
 * It is read or refused with at least one mistake said, and what is read is within what the other parts take for granted.
 */
#include "tests/fuzz/fuzz.h"

#include "agent/config.h"
#include "tests/fuzz/directory.h"

static bool ends(const char *text, size_t cap)
{
	return memchr(text, '\0', cap) != NULL;
}

static void check_checks(const struct config *c)
{
	FUZZ_CHECK(c->check_n <= CONFIG_CHECKS_MAX);
	for (unsigned i = 0; i < c->check_n; i++) {
		const struct config_check *check = &c->check[i];

		FUZZ_CHECK(ends(check->name, sizeof(check->name)) && check->name[0] != '\0');
		FUZZ_CHECK(ends(check->command, sizeof(check->command)) &&
			   check->command[0] != '\0');
		FUZZ_CHECK(ends(check->recover, sizeof(check->recover)));
		FUZZ_CHECK(check->interval > 0 && check->timeout > 0);
		FUZZ_CHECK(check->fall >= 1 && check->rise >= 1);
	}
}

static void check_settings(const struct config *c)
{
	unsigned next = 0;

	FUZZ_CHECK(c->path_n <= SYNC_ROOTS_MAX && c->exclude_n <= ROOTS_EXCLUDES_MAX);
	FUZZ_CHECK(c->settings_n <= CONFIG_SETTINGS_MAX);
	for (unsigned i = 0; i < c->path_n; i++)
		FUZZ_CHECK(ends(c->path[i], sizeof(c->path[i])) && c->path[i][0] == '/');
	for (unsigned i = 0; i < c->settings_n; i++) {
		FUZZ_CHECK(c->settings[i].path_first == next);
		next += c->settings[i].path_n;
		FUZZ_CHECK(c->settings[i].watch_n <= CONFIG_WATCHES_MAX);
	}
	FUZZ_CHECK(next == c->path_n);
}

static void check(const struct config *c)
{
	const struct node_timing *t = &c->timing;

	FUZZ_CHECK(ends(c->link, sizeof(c->link)) && ends(c->management, sizeof(c->management)));
	FUZZ_CHECK(c->link[0] != '\0' && c->management[0] != '\0');
	FUZZ_CHECK(t->heartbeat > 0 && t->dead >= 3 * t->heartbeat && t->confirm <= t->dead);
	FUZZ_CHECK(t->boot_wait >= t->dead && t->boot_wait_passive >= t->boot_wait);
	FUZZ_CHECK(c->vip_n <= HA_VIP_MAX && c->witness_n <= CONFIG_WITNESS_MAX);
	for (unsigned i = 0; i < c->vip_n; i++) {
		FUZZ_CHECK(config_no_station(&c->vip[i]) == NULL);
		for (unsigned j = 0; j < i; j++)
			FUZZ_CHECK(!ha_address_equal(&c->vip[i], &c->vip[j]));
	}
	FUZZ_CHECK(ends(c->state_directory, sizeof(c->state_directory)) &&
		   c->state_directory[0] == '/');
	FUZZ_CHECK(ends(c->runtime_directory, sizeof(c->runtime_directory)) &&
		   c->runtime_directory[0] == '/');
	FUZZ_CHECK(ends(c->user, sizeof(c->user)) && ends(c->hooks, sizeof(c->hooks)));
	FUZZ_CHECK(ends(c->model, sizeof(c->model)) && ends(c->patch, sizeof(c->patch)));
	check_checks(c);
	check_settings(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct config config;
	static char top[128], name[160];
	static FILE *errors;
	static int directory;
	unsigned mistakes;
	long said;

	if (errors == NULL) {
		directory = directory_make(top, sizeof(top));
		snprintf(name, sizeof(name), "%s/conf", top);
		errors = tmpfile();
		FUZZ_CHECK(errors != NULL);
	}
	directory_write(directory, "conf", data, len);
	rewind(errors);
	mistakes = config_read(&config, name, errors);
	said = ftell(errors);
	FUZZ_CHECK((mistakes == 0) == (said == 0));
	if (mistakes == 0)
		check(&config);
	return 0;
}
