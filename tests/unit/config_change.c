/* What a reload changes, and what has to wait. */
#include "agent/config_change.h"
#include "agent/config_parse.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

static struct config old, next;

static void begin(void)
{
	memset(&old, 0, sizeof(old));
	strcpy(old.link, "eth3");
	strcpy(old.management, "eth0");
	strcpy(old.state_directory, "/var/lib/haagent");
	strcpy(old.timing_name, "default");
	old.timing.heartbeat = 20 * HA_MS;
	old.vip_n = 1;
	old.vip[0].family = HA_IPV4;
	old.check_n = 1;
	strcpy(old.check[0].name, "disk");
	next = old;
}

static uint32_t bit(enum config_part part)
{
	return UINT32_C(1) << part;
}

Test(config_change, the_same_changes_nothing)
{
	struct config_change change;

	begin();
	next.number = 7; /* which reading it is, is no difference */
	strcpy(next.file, "/etc/other.conf");
	change = config_change(&old, &next);
	cr_expect_eq(change.applied, 0);
	cr_expect_eq(change.waits, 0);
	cr_expect_eq(next.number, 7);
}

Test(config_change, what_can_be_is_applied)
{
	struct config_change change;

	begin();
	strcpy(next.check[0].command, "true");
	next.witness_policy = CONFIG_WITNESS_NONE;
	strcpy(next.firmware, "7.2");
	change = config_change(&old, &next);
	cr_expect_eq(change.applied, bit(PART_CHECK) | bit(PART_WITNESS) | bit(PART_APPLIANCE));
	cr_expect_eq(change.waits, 0);
	cr_expect_str_eq(next.check[0].command, "true");
}

Test(config_change, what_needs_a_restart_is_put_back_and_the_rest_is_not)
{
	struct config_change change;

	begin();
	strcpy(next.link, "eth9");
	next.timing.heartbeat = 2 * HA_MS;
	strcpy(next.timing_name, "fast");
	next.vip_n = 0;
	change = config_change(&old, &next);
	cr_expect_eq(change.waits, bit(PART_LINK) | bit(PART_TIMING));
	cr_expect_eq(change.applied, bit(PART_VIRTUAL_IP));
	cr_expect_str_eq(next.link, "eth3");
	cr_expect_eq(next.timing.heartbeat, 20 * HA_MS);
	cr_expect_str_eq(next.timing_name, "default");
	cr_expect_eq(next.vip_n, 0);
}

Test(config_change, settings_that_were_judged_by_other_directories_wait_with_them)
{
	struct config_change change;

	begin();
	strcpy(next.path[0], "/var/lib/haagent");
	next.path_n = next.settings_n = 1;
	cr_expect_eq(config_change(&old, &next).waits, 0);
	strcpy(next.state_directory, "/var/lib/other");
	change = config_change(&old, &next);
	cr_expect_eq(change.waits, bit(PART_STATE_DIRECTORY) | bit(PART_SETTINGS));
	cr_expect_eq(next.path_n, 0);
	cr_expect_eq(next.settings_n, 0);
}

Test(config_change, each_option_is_part_of_one_part)
{
	for (size_t i = 0; i < config_keys_n; i++) {
		unsigned parts = 0;

		for (int part = 0; part < CONFIG_PART_N; part++)
			parts += config_part_has((enum config_part)part, config_keys[i].section,
						 config_keys[i].name);
		cr_expect_eq(parts, 1, "%s %s", config_keys[i].section, config_keys[i].name);
	}
}

/* What haagent.conf(5) says of each option is so. */
Test(config_change, the_manual_says_what_can_be_reloaded)
{
	FILE *manual = fopen("agent/haagent.conf.5", "re");
	char line[128], name[64], verdict[64];
	unsigned told = 0;
	bool here = false;

	cr_assert_not_null(manual);
	while (fgets(line, sizeof(line), manual) != NULL) {
		if (strncmp(line, ".Ss ", 4) == 0)
			here = strcmp(line, ".Ss Reloading\n") == 0;
		if (!here || sscanf(line, ".It %63s Ta %63[^\n]", name, verdict) != 2)
			continue;
		for (int part = 0; part < CONFIG_PART_N; part++) {
			if (!config_part_has((enum config_part)part, "", name))
				continue;
			told++;
			cr_expect_str_eq(verdict,
					 config_part_waits((enum config_part)part)
						 ? "needs a restart"
						 : "applied by reload",
					 "%s", name);
		}
	}
	fclose(manual);
	cr_expect_eq(told, CONFIG_PART_N + 5u, "each of them, and what goes with timing");
}

/* Whatever byte of the configuration changes, but for its number and its file's name: it is noticed, and after a change that
 * waits everything is as before. */
Test(config_change, each_field_is_looked_at)
{
	const size_t from = offsetof(struct config, link);
	unsigned char *at = (unsigned char *)&next;

	begin();
	for (size_t i = 0; i < sizeof(next); i++) {
		struct config_change change;

		if (i >= offsetof(struct config, file) && i < from)
			continue;
		if (i < sizeof(next.number))
			continue;
		at[i] ^= 1;
		change = config_change(&old, &next);
		if (change.waits != 0)
			cr_expect_eq(at[i], ((unsigned char *)&old)[i], "offset %zu", i);
		else if (change.applied == 0) /* padding, before what is aligned */
			cr_expect_eq(((unsigned char *)&old)[i], 0, "offset %zu", i);
		next = old;
	}
}

Test(config_change, each_part_has_a_name_of_its_own)
{
	for (int a = 0; a < CONFIG_PART_N; a++)
		for (int b = 0; b < a; b++)
			cr_expect_str_neq(config_part_name((enum config_part)a),
					  config_part_name((enum config_part)b));
	cr_expect_str_eq(config_part_name(CONFIG_PART_N), "?");
}
