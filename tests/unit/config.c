/* haagent.conf: what is accepted, and that every mistake is reported with its line, all of them at once. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config.h"

static struct config config;
static char errors[16384]; /* what config_read() wrote, each FILE: left out */
static char file[64], appliance_file[64];

static void make_file(char name[64])
{
	int fd;

	snprintf(name, 64, "%s/haagent-config-XXXXXX", P_tmpdir);
	fd = mkstemp(name);
	cr_assert_geq(fd, 0);
	close(fd);
}

static void setup(void)
{
	make_file(file);
	make_file(appliance_file);
	memset(&config, 0, sizeof(config));
}

static void teardown(void)
{
	unlink(file);
	unlink(appliance_file);
}

TestSuite(config, .init = setup, .fini = teardown);

static void drop_file_name(char *text)
{
	size_t len = strlen(file);
	char *at = text;

	while ((at = strstr(at, file)) != NULL)
		memmove(at, at + len + 1, strlen(at + len + 1) + 1);
}

static unsigned read_again(void)
{
	FILE *to = fmemopen(errors, sizeof(errors), "w");
	unsigned n;

	cr_assert_not_null(to);
	n = config_read(&config, file, to);
	fclose(to);
	if (n == 0)
		errors[0] = '\0';
	drop_file_name(errors);
	return n;
}

static unsigned read_bytes(const char *text, size_t len)
{
	FILE *out = fopen(file, "w");

	cr_assert_not_null(out);
	cr_assert_eq(fwrite(text, 1, len, out), len);
	fclose(out);
	return read_again();
}

static unsigned read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

#define GOOD(text) cr_expect_eq(read_text(text), 0, "%s", errors)

/* The text has exactly the mistakes that expected lists, a line each. */
static void bad(const char *text, const char *expected)
{
	unsigned n = read_text(text), lines = 0;

	for (const char *c = expected; *c != '\0'; c++)
		lines += *c == '\n';
	cr_expect_eq(n, lines, "%u mistakes, not %u", n, lines);
	cr_expect_str_eq(errors, expected, "of:\n%s\n", text);
}

static bool is_ipv4(const struct ha_address *a, uint8_t first, uint8_t last)
{
	return a->family == HA_IPV4 && a->b[0] == first && a->b[3] == last && a->b[4] == 0;
}

Test(config, empty_file_gives_the_defaults)
{
	char *absolute = realpath(file, NULL);

	GOOD("");
	cr_expect_str_eq(config.file, absolute);
	cr_expect_str_eq(config.link, "eth3");
	cr_expect_str_eq(config.management, "eth0");
	cr_expect(config.link_direct);
	cr_expect_eq(config.vip_n, 0);
	cr_expect_eq(config.witness_policy, CONFIG_WITNESS_AUTO);
	cr_expect_str_eq(config.timing_name, "default");
	cr_expect_eq(config.timing.heartbeat, 20 * HA_MS);
	cr_expect_eq(config.timing.dead, 100 * HA_MS);
	cr_expect_eq(config.timing.confirm, 5 * HA_MS);
	cr_expect_eq(config.timing.boot_wait, 3 * HA_SEC);
	cr_expect_eq(config.timing.boot_wait_passive, 30 * HA_SEC);
	cr_expect_str_eq(config.state_directory, "/var/lib/haagent");
	cr_expect_str_eq(config.runtime_directory, "/run/haagent");
	cr_expect_str_eq(config.user, "haagent");
	cr_expect_str_eq(config.model, "");
	cr_expect_str_eq(config.hooks, "/etc/haagent/hooks");
	cr_expect_eq(config.hook_timeout, 30 * HA_SEC);
	cr_expect_eq(config.supported_model_n, 3);
	cr_expect_str_eq(config.supported_model[0], "1000");
	cr_expect_str_eq(config.supported_model[2], "1200");
	cr_expect(!config.passphrase_set);
	cr_expect_eq(config.check_n, 0);
	cr_expect_eq(config.path_n, 0, "nothing is synced that nobody named");
	cr_expect_eq(config.settings_n, 0);
	cr_expect_eq(config.sync_debounce, 20 * HA_MS);
	cr_expect_eq(config.sync_scrub, 3600 * HA_SEC);
	free(absolute);
}

/* Run from the root of the source tree. */
Test(config, sample_file_is_clean)
{
	char text[4096] = "";
	FILE *to = fmemopen(text, sizeof(text), "w");

	cr_expect_eq(config_read(&config, "agent/haagent.conf", to), 0);
	fclose(to);
	cr_expect_str_eq(text, "");
	cr_expect_eq(config.vip_n, 2);
	cr_expect(is_ipv4(&config.vip[0], 192, 100));
	cr_expect_eq(config.vip[1].family, HA_IPV6);
	cr_expect_eq(config.vip[1].b[14], 1);
	cr_expect_str_eq(config.firmware, "7.1.0.1234");
	cr_expect_eq(config.file[0], '/');
	cr_expect_eq(config.path_n, 1);
	cr_expect_str_eq(config.path[0], "/etc/appliance");
}

Test(config, every_option_is_read)
{
	GOOD("link = \"ha0\" management = mgmt\nlink_direct = false\nvirtual_ip = "
	     "{\"192.0.2.100\"}\n"
	     "witness = {\"192.0.2.1\", \"2001:db8::1\"}\nstate_directory = \"/srv/ha\"\n"
	     "runtime_directory = '/run/ha'\nuser = \"_ha\"\n"
	     "appliance { model = \"M \xc3\xa9\" firmware = \"1\" hotfix = \"2\" patch = \"3\" }\n"
	     "settings { paths = {\"/etc/a\", \"/etc/b\"} exclude = {\"*.local\"} }\n"
	     "hooks = \"/srv/hooks\" hook_timeout_ms = 100\n"
	     "supported_models = {\"M \xc3\xa9\", \"N\"}\n"
	     "cluster_passphrase = \"correct horse\"\nsync_debounce_ms = 5 sync_scrub_s = 60\n");
	cr_expect_str_eq(config.link, "ha0");
	cr_expect_str_eq(config.management, "mgmt");
	cr_expect(!config.link_direct);
	cr_expect_eq(config.witness_policy, CONFIG_WITNESS_LIST);
	cr_expect_eq(config.witness_n, 2);
	cr_expect(is_ipv4(&config.witness[0], 192, 1));
	cr_expect_str_eq(config.state_directory, "/srv/ha");
	cr_expect_str_eq(config.runtime_directory, "/run/ha");
	cr_expect_str_eq(config.user, "_ha");
	cr_expect_str_eq(config.model, "M \xc3\xa9");
	cr_expect_str_eq(config.patch, "3");
	cr_expect_str_eq(config.hooks, "/srv/hooks");
	cr_expect_eq(config.hook_timeout, 100 * HA_MS);
	cr_expect_eq(config.supported_model_n, 2);
	cr_expect_str_eq(config.supported_model[0], "M \xc3\xa9");
	cr_expect_str_eq(config.supported_model[1], "N");
	cr_expect(config.passphrase_set);
	cr_expect_eq(config.path_n, 2);
	cr_expect_str_eq(config.path[1], "/etc/b");
	cr_expect_eq(config.exclude_n, 1);
	cr_expect_str_eq(config.exclude[0], "*.local");
	cr_expect_eq(config.sync_debounce, 5 * HA_MS);
	cr_expect_eq(config.sync_scrub, 60 * HA_SEC);
}

Test(config, witness_none_is_explicit)
{
	GOOD("witness = {\"none\"}\n");
	cr_expect_eq(config.witness_policy, CONFIG_WITNESS_NONE);
	cr_expect_eq(config.witness_n, 0);
	GOOD("witness = {}\n");
	cr_expect_eq(config.witness_policy, CONFIG_WITNESS_AUTO);
	bad("witness = {\"none\",\n\"192.0.2.1\"}\n", "2: 'witness': \"none\" stands alone\n");
	bad("witness = {\"192.0.2.1\",\n\"none\"}\n", "2: 'witness': \"none\" stands alone\n");
}

Test(config, timing_presets_and_overrides)
{
	GOOD("timing = \"fast\"\n");
	cr_expect_str_eq(config.timing_name, "fast");
	cr_expect_eq(config.timing.heartbeat, 2 * HA_MS);
	cr_expect_eq(config.timing.dead, 8 * HA_MS);
	cr_expect_eq(config.timing.confirm, 3 * HA_MS);
	GOOD("timing = \"calm\"\n");
	cr_expect_eq(config.timing.heartbeat, 200 * HA_MS);
	cr_expect_eq(config.timing.dead, 1000 * HA_MS);
	cr_expect_eq(config.timing.confirm, 50 * HA_MS);
	GOOD("boot_wait_ms = 500\ntiming = \"fast\"\nboot_wait_passive_ms = 900\n");
	cr_expect_str_eq(config.timing_name, "custom");
	cr_expect_eq(config.timing.heartbeat, 2 * HA_MS);
	cr_expect_eq(config.timing.boot_wait, 500 * HA_MS);
	cr_expect_eq(config.timing.boot_wait_passive, 900 * HA_MS);
	bad("timing = \"slow\"\n",
	    "1: 'timing' is \"default\", \"fast\" or \"calm\", not 'slow'\n");
}

Test(config, timing_is_validated_together)
{
	bad("\nheartbeat_ms = 40\n",
	    "2: the dead interval, 100 ms, is less than three heartbeats of 40 ms\n");
	bad("heartbeat_ms = 40\ndead_ms = 119\n",
	    "2: the dead interval, 119 ms, is less than three heartbeats of 40 ms\n");
	GOOD("heartbeat_ms = 40\ndead_ms = 120\n");
	bad("confirm_ms = 101\n",
	    "1: the confirmation, 101 ms, is longer than the dead interval, 100 ms\n");
	GOOD("confirm_ms = 100\n");
	bad("boot_wait_ms = 99\n",
	    "1: the boot wait, 99 ms, is shorter than the dead interval, 100 ms\n");
	bad("boot_wait_passive_ms = 2999\n",
	    "1: the boot wait of a former passive, 2999 ms, is shorter than the other, 3000 ms\n");
}

Test(config, a_wrong_value_is_not_compared)
{
	bad("heartbeat_ms = x\ndead_ms = 30\n",
	    "1: 'heartbeat_ms' is a number from 1 to 1000, not 'x'\n");
	bad("link = \"a b\"\nmanagement = \"eth3\"\n",
	    "1: 'link': 'a b' is no name of an interface\n");
}

Test(config, numbers_are_decimal_and_in_range)
{
	static const char *const wrong[] = {"0",  "1001", "010",  "0x10", "-1",
					    "+5", "1.5",  "\"\"", "20ms", "9999999999"};
	char text[64], expected[128];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const char *shown = strcmp(wrong[i], "\"\"") == 0 ? "" : wrong[i];

		if (*wrong[i] == '+')
			continue;
		snprintf(text, sizeof(text), "heartbeat_ms = %s\n", wrong[i]);
		snprintf(expected, sizeof(expected),
			 "1: 'heartbeat_ms' is a number from 1 to 1000, not '%s'\n", shown);
		bad(text, expected);
	}
	bad("dead_ms = 4\n", "1: 'dead_ms' is a number from 5 to 10000, not '4'\n");
	GOOD("heartbeat_ms = 1000\ndead_ms = 10000\nboot_wait_ms = 600000\nboot_wait_passive_ms = "
	     "600000\n");
	bad("heartbeat_ms = +5\n", "1: '+' has to be in quotes\n");
}

Test(config, virtual_ips_are_single_stations)
{
	static const struct {
		const char *address, *why;
	} wrong[] = {
		{"224.0.0.1", "is multicast"},
		{"ff02::1", "is multicast"},
		{"127.0.0.1", "is loopback"},
		{"::1", "is loopback"},
		{"0.0.0.0", "is unspecified"},
		{"::", "is unspecified"},
		{"255.255.255.255", "is broadcast or reserved"},
		{"::ffff:192.0.2.1", "is IPv4-mapped: write the IPv4 address"},
		{"192.0.2.1/24", "is no IPv4 or IPv6 address"},
		{"192.0.2.01", "is no IPv4 or IPv6 address"},
		{"192.0.2", "is no IPv4 or IPv6 address"},
		{"2001:db8::1%eth0", "is no IPv4 or IPv6 address"},
		{"", "is no IPv4 or IPv6 address"},
	};
	char text[128], expected[128];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(text, sizeof(text), "virtual_ip = {\n\"192.0.2.9\",\n\"%s\"\n}\n",
			 wrong[i].address);
		snprintf(expected, sizeof(expected), "3: 'virtual_ip': '%s' %s\n", wrong[i].address,
			 wrong[i].why);
		bad(text, expected);
	}
	bad("virtual_ip = {\"2001:db8::1\",\n\"2001:DB8:0::1\"}\n",
	    "2: 'virtual_ip': '2001:DB8:0::1' is there twice\n");
	bad("virtual_ip = {192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5, 192.0.2.6, "
	    "192.0.2.7, 192.0.2.8,\n"
	    "192.0.2.9}\n",
	    "2: 'virtual_ip' has more than 8 addresses\n");
	bad("virtual_ip = 192.0.2.1\nwitness = {192.0.2.1}\n", "2: 'witness' names a virtual IP\n");
}

Test(config, interfaces_have_valid_and_different_names)
{
	bad("link = \"eth0\"\n", "1: 'link' and 'management' are both 'eth0'\n");
	bad("link = \"\"\n", "1: 'link': '' is no name of an interface\n");
	bad("link = \"a/b\"\nmanagement = \"..\"\n",
	    "1: 'link': 'a/b' is no name of an interface\n"
	    "2: 'management': '..' is no name of an interface\n");
	bad("link = \"abcdefghijklmnop\"\n", "1: 'link' is longer than 15 bytes\n");
	GOOD("link = \"abcdefghijklmno\"\n");
}

Test(config, paths_are_absolute_and_fit)
{
	char text[256], name[101];

	memset(name, 'x', sizeof(name) - 1);
	name[0] = '/';
	name[99] = '\0';
	snprintf(text, sizeof(text), "runtime_directory = \"%s\"\n", name);
	GOOD(text);
	name[99] = 'x';
	name[100] = '\0';
	snprintf(text, sizeof(text), "runtime_directory = \"%s\"\n", name);
	bad(text, "1: 'runtime_directory' is longer than 99 bytes\n");
	bad("state_directory = \"var\"\n", "1: 'state_directory': 'var' is no absolute path\n");
	bad("settings {\npaths = {\"/etc/a\",\n\"etc/b\"}\nexclude = {\"\"}\n}\n",
	    "3: 'paths': 'etc/b' is no absolute path\n4: 'exclude' is empty or no printable "
	    "UTF-8\n");
	bad("user = \"a:b\"\n", "1: 'user': 'a:b' is no name of a user\n");
	bad("link_direct = 1\n", "1: 'link_direct' is true or false, not '1'\n");
}

Test(config, appliance_strings_fit_identity)
{
	static const char *const wrong[] = {
		"\\x01",      "\\x7f",           "\\xc2\\x85",           "\\xff", "\\xc3",
		"\\xc0\\xaf", "\\xed\\xa0\\x80", "\\xf4\\x90\\x80\\x80", "a\\tb", "a\\nb"};
	char text[128];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(text, sizeof(text), "appliance {\n model = \"%s\"\n}\n", wrong[i]);
		bad(text, "2: 'model' has bytes that are no printable UTF-8\n");
	}
	GOOD("appliance { model = \"12345678901234567890123456789012\" }\n");
	bad("appliance { model = \"123456789012345678901234567890123\" }\n",
	    "1: 'model' is longer than 32 bytes\n");
}

Test(config, unknown_names_are_reported_and_passed_over)
{
	bad("lnik = \"eth3\"\nvirtual_pi = {\"a\",\n\"b\"}\nlink = \"a/b\"\n",
	    "1: unknown option 'lnik'\n2: unknown option 'virtual_pi'\n4: 'link': 'a/b' is no name "
	    "of an interface\n");
	bad("appliance {\n modle = \"1\"\n patch = \"\\x01\"\n}\n",
	    "2: unknown option 'modle' in section appliance\n3: 'patch' has bytes that are no "
	    "printable UTF-8\n");
	bad("extra {\n a = 1\n b { c = 2 }\n}\nextra \"t\" { }\nlink_direct = maybe\n",
	    "1: unknown section 'extra'\n5: unknown section 'extra'\n6: 'link_direct' is true or "
	    "false, not 'maybe'\n");
	bad("settings {\n inner { a = 1 }\n}\n",
	    "2: unknown section 'inner' in section settings\n");
	bad("appliance|model = 1\n", "1: unknown option 'appliance|model'\n");
	bad("model = 1\n", "1: unknown option 'model'\n");
}

Test(config, repeated_names_are_reported)
{
	bad("link = \"eth1\"\n\nlink = \"eth2\"\n", "3: 'link' is set twice, first in line 1\n");
	bad("virtual_ip = {\"192.0.2.1\"}\nvirtual_ip = {\"192.0.2.2\"}\n",
	    "2: 'virtual_ip' is set twice, first in line 1\n");
	bad("settings {\n watch = {\"/a\"}\n export = x\n paths = {\"/b\"}\n export = y\n}\n",
	    "5: 'export' is set twice, first in line 3\n");
	bad("appliance { }\nappliance { }\n",
	    "2: section 'appliance' is there twice, first in line 1\n");
	bad("check \"a\" { command = x }\ncheck \"a\" { command = x }\n",
	    "2: section 'check a' is there twice, first in line 1\n");
	bad("check \"a\" {\n fall = 1\n command = x\n fall = 1\n}\n",
	    "4: 'fall' is set twice, first in line 2\n");
	GOOD("check \"a\" { command = x }\ncheck \"b\" { command = x }\n");
	GOOD("virtual_ip = {\"192.0.2.1\"}\nvirtual_ip += {\"192.0.2.2\"}\n");
	cr_expect_eq(config.vip_n, 2);
}

Test(config, checks_are_kept_in_order)
{
	const struct config_check *check = config.check;

	GOOD("check \"web-1\" { command = \"curl http://127.0.0.1/\" }\n"
	     "check b { when = \"active\" interval_ms = 100 timeout_ms = 200 fall = 4 rise = 5\n"
	     "command = 'b \"c\" | d' recover = \"e\" recover_attempts = 6 recover_timeout_ms = "
	     "700\n"
	     "grace_ms = 0 }\n");
	cr_expect_eq(config.check_n, 2);
	cr_expect_str_eq(check->name, "web-1");
	cr_expect_str_eq(check->command, "curl http://127.0.0.1/");
	cr_expect_eq(check->interval, HA_SEC);
	cr_expect_eq(check->timeout, 3 * HA_SEC);
	cr_expect_eq(check->fall, 3);
	cr_expect_eq(check->rise, 2);
	cr_expect_eq(check->grace, 5 * HA_SEC);
	cr_expect_str_eq(check->recover, "");
	cr_expect_eq(check->recover_attempts, 0, "there is nothing to attempt");
	cr_expect_eq(check->recover_timeout, 30 * HA_SEC);
	cr_expect(!check->active_only);
	check++;
	cr_expect_str_eq(check->name, "b");
	cr_expect_str_eq(check->command, "b \"c\" | d");
	cr_expect_eq(check->interval, 100 * HA_MS);
	cr_expect_eq(check->timeout, 200 * HA_MS);
	cr_expect_eq(check->fall, 4);
	cr_expect_eq(check->rise, 5);
	cr_expect_eq(check->grace, 0);
	cr_expect_str_eq(check->recover, "e");
	cr_expect_eq(check->recover_attempts, 6);
	cr_expect_eq(check->recover_timeout, 700 * HA_MS);
	cr_expect(check->active_only);
	GOOD("check a { recover = x command = y }\n");
	cr_expect_eq(config.check[0].recover_attempts, 2);
}

Test(config, as_many_checks_as_fit)
{
	char text[2048] = "", one[64];

	for (unsigned i = 0; i < CONFIG_CHECKS_MAX; i++) {
		snprintf(one, sizeof(one), "check c%u { command = x%u }\n", i, i);
		strcat(text, one);
	}
	GOOD(text);
	cr_expect_eq(config.check_n, CONFIG_CHECKS_MAX);
	cr_expect_str_eq(config.check[CONFIG_CHECKS_MAX - 1].command, "x15");
	strcat(text, "appliance { model = x }\nsettings { }\n"
		     "check more { command = x fall = 0 }\ncheck most { command = x }\n");
	bad(text, "19: more than 16 sections 'check'\n"
		  "19: 'fall' is a number from 1 to 100, not '0'\n"
		  "20: more than 16 sections 'check'\n");
}

Test(config, names_of_checks_fit_everywhere)
{
	static const char *const wrong[] = {"a b", "'a\"b'", "\"a\\x62\"", "\"a\xc3\xa9\"",
					    "\"\t\""};
	char text[128];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		bool bare = *wrong[i] != '\'' && *wrong[i] != '"';

		snprintf(text, sizeof(text), "check %s%s%s {\n command = x }\n", bare ? "\"" : "",
			 wrong[i], bare ? "\"" : "");
		cr_expect_eq(read_text(text), 1, "%s", text);
		cr_expect(strstr(errors, "1: section 'check': '") == errors, "%s", errors);
	}
	GOOD("check \"1234567890123456789012345678901\" { command = x }\n");
	bad("check \"12345678901234567890123456789012\" { command = x }\n",
	    "1: section 'check': '12345678901234567890123456789012' is no name: 1 to 31 printable "
	    "characters, no blank, quote or backslash\n");
}

Test(config, commands_fit)
{
	char text[1024], command[CONFIG_COMMAND_MAX + 1];

	memset(command, 'x', sizeof(command));
	command[CONFIG_COMMAND_MAX - 1] = '\0';
	snprintf(text, sizeof(text), "check a { command = \"%s\" }\n", command);
	GOOD(text);
	cr_expect_str_eq(config.check[0].command, command);
	command[CONFIG_COMMAND_MAX - 1] = 'x';
	command[CONFIG_COMMAND_MAX] = '\0';
	snprintf(text, sizeof(text), "check a { command = \"x\" recover = \"%s\" }\n", command);
	bad(text, "1: 'recover' is longer than 511 bytes\n");
}

Test(config, hooks_are_in_a_directory_or_none)
{
	GOOD("hooks = \"none\"\n");
	cr_expect_str_eq(config.hooks, "");
	bad("hooks = \"\"\nhook_timeout_ms = 99\n",
	    "1: 'hooks': '' is no absolute path\n"
	    "2: 'hook_timeout_ms' is a number from 100 to 3600000, not '99'\n");
}

Test(config, supported_models_are_names_and_differ)
{
	bad("supported_models = {\"1\",\n\"\",\n\"1\",\n"
	    "\"123456789012345678901234567890123\"}\n",
	    "2: 'supported_models' is empty or no printable UTF-8\n"
	    "3: 'supported_models': '1' is there twice\n"
	    "4: 'supported_models': '123456789012345678901234567890123' is longer than 32 bytes\n");
	bad("supported_models = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,\n17}\n",
	    "2: 'supported_models' has more than 16 models\n");
	GOOD("supported_models = {}\n");
	cr_expect_eq(config.supported_model_n, 3);
}

Test(config, settings_are_kept_section_by_section)
{
	const struct config_settings *s = config.settings;

	GOOD("settings {\n paths = {\"/etc/appliance\"}\n exclude = {\"*.local\", "
	     "\"cache/*.tmp\"}\n}\n"
	     "settings { }\n"
	     "settings { export = \"sqlite3 /var/lib/x.db .dump > /srv/export/x.sql\"\n"
	     "import = \"load\" watch = {\"/var/lib/x.db\", \"/var/lib/x.db-wal\"}\n"
	     "exclude = {\"*.local\", \"new\"}\n"
	     "paths = {\"/srv/export\"} paths += {\"/srv/more\"}\n"
	     "export_interval_ms = 1000 command_timeout_ms = 100 }\n");
	cr_expect_eq(config.settings_n, 2, "an empty section is none");
	cr_expect_eq(config.path_n, 3);
	cr_expect_eq(s[0].path_first, 0);
	cr_expect_eq(s[0].path_n, 1);
	cr_expect_str_eq(s[0].export_command, "");
	cr_expect_str_eq(s[0].import_command, "");
	cr_expect_eq(s[0].watch_n, 0);
	cr_expect_eq(s[0].export_interval, 60 * HA_SEC);
	cr_expect_eq(s[0].command_timeout, 60 * HA_SEC);
	cr_expect_eq(s[1].path_first, 1);
	cr_expect_eq(s[1].path_n, 2);
	cr_expect_str_eq(config.path[s[1].path_first + 1], "/srv/more");
	cr_expect_str_eq(s[1].export_command, "sqlite3 /var/lib/x.db .dump > /srv/export/x.sql");
	cr_expect_str_eq(s[1].import_command, "load");
	cr_expect_eq(s[1].watch_n, 2);
	cr_expect_str_eq(s[1].watch[1], "/var/lib/x.db-wal");
	cr_expect_eq(s[1].export_interval, HA_SEC);
	cr_expect_eq(s[1].command_timeout, 100 * HA_MS);
	cr_expect_eq(config.exclude_n, 3, "what two sections leave out is left out once");
	cr_expect_str_eq(config.exclude[2], "new");
}

Test(config, paths_of_settings_are_plain)
{
	static const char *const wrong[] = {"/etc/",   "//etc", "/etc//a", "/etc/./a",
					    "/etc/..", "/.",    "/..",     "/a/.."};
	char text[128], expected[192];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(text, sizeof(text), "settings {\n paths = {\"%s\"}\n}\n", wrong[i]);
		snprintf(expected, sizeof(expected),
			 "2: 'paths': '%s' has an empty, \".\" or \"..\" component, or a slash at "
			 "its end\n",
			 wrong[i]);
		bad(text, expected);
	}
	GOOD("settings { paths = {\"/...\", \"/.a\", \"/..b/c.\"} }\n");
	bad("settings { paths = {\"/\"} }\n", "1: 'paths': '/' is too much\n");
}

/* Also across sections: one file has one way to the other appliance. */
Test(config, no_path_of_settings_is_in_another)
{
	bad("settings { paths = {\"/a/b\",\n\"/a/b/c\"} }\nsettings { paths = {\"/a\"} }\n",
	    "2: 'paths': '/a/b/c' is inside of '/a/b'\n"
	    "3: 'paths': '/a' contains '/a/b'\n"
	    "3: 'paths': '/a' contains '/a/b/c'\n");
	bad("settings { paths = {\"/a\"} }\nsettings { paths = {\"/a\"} }\n",
	    "2: 'paths': '/a' is there twice\n");
	GOOD("settings { paths = {\"/a/b\", \"/a/bc\", \"/a/c\", \"/ab\"} }\n");
}

/* Keys, record, sockets and this file are of one appliance. */
Test(config, what_is_the_agents_own_is_not_synced)
{
	char text[256], expected[256];

	bad("settings { paths = {\"/var/lib\",\n\"/run/haagent/x\"} }\n",
	    "1: 'paths': '/var/lib' and 'state_directory', '/var/lib/haagent', overlap\n"
	    "2: 'paths': '/run/haagent/x' and 'runtime_directory', '/run/haagent', overlap\n");
	bad("settings { paths = {\"/srv/ha\",\n\"/srv/hab\"} }\nstate_directory = "
	    "\"//srv/./ha/\"\n",
	    "1: 'paths': '/srv/ha' and 'state_directory', '//srv/./ha/', overlap\n");
	bad("settings { paths = {\"/srv/ha\"} }\nruntime_directory = \"/\"\n",
	    "1: 'paths': '/srv/ha' and 'runtime_directory', '/', overlap\n");
	bad("settings { paths = {\"/var/lib/haagent\"} }\nstate_directory = \"lib\"\n",
	    "2: 'state_directory': 'lib' is no absolute path\n");
	snprintf(text, sizeof(text), "settings { paths = {\"%s\"} }\n", P_tmpdir);
	snprintf(expected, sizeof(expected), "1: 'paths': this configuration is in '%s'\n",
		 P_tmpdir);
	bad(text, expected);
}

Test(config, excludes_can_match)
{
	static const char never[] =
		" would match nothing: names are relative to their path, without a slash at "
		"either end\n";
	char expected[512];

	snprintf(expected, sizeof(expected), "1: 'exclude': '/etc/a'%s2: 'exclude': 'cache/'%s",
		 never, never);
	bad("settings { exclude = {\"/etc/a\",\n\"cache/\"} }\n", expected);
	GOOD("settings { exclude = {\"cache/*\", \"[a-z].x\"} }\n");
}

Test(config, commands_of_settings_have_what_they_are_about)
{
	bad("settings {\n export = x\n}\nsettings {\n import = y\n exclude = {z}\n}\n"
	    "settings {\n watch = {\"/z\"}\n}\nsettings { paths = {\"/a\"} export = x import = y "
	    "}\n",
	    "2: 'export' needs 'paths'\n5: 'import' needs 'paths'\n9: 'watch' needs 'export'\n");
	bad("settings { paths = {\"a\"} export = \"\" watch = {\"/z\"} }\n",
	    "1: 'paths': 'a' is no absolute path\n1: 'export' is empty or no printable UTF-8\n");
	bad("settings { paths = {}\n export = x }\n", "2: 'export' needs 'paths'\n");
}

Test(config, numbers_of_settings_are_in_range)
{
	bad("sync_debounce_ms = 4\nsync_scrub_s = 59\nsettings {\n export_interval_ms = 999\n"
	    " command_timeout_ms = 3600001\n}\n",
	    "1: 'sync_debounce_ms' is a number from 5 to 10000, not '4'\n"
	    "2: 'sync_scrub_s' is 0 or a number from 60 to 604800, not '59'\n"
	    "4: 'export_interval_ms' is a number from 1000 to 86400000, not '999'\n"
	    "5: 'command_timeout_ms' is a number from 100 to 3600000, not '3600001'\n");
	GOOD("sync_scrub_s = 0\n");
	cr_expect_eq(config.sync_scrub, 0);
}

/* Adds before, number and after, for each number below n. */
static void add_items(char *text, const char *before, const char *after, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sprintf(text + strlen(text), "%s%u%s", before, i, after);
}

Test(config, as_many_settings_as_fit)
{
	char text[4096] = "";

	add_items(text, "settings { exclude = {\"x", "\"} }\n", CONFIG_SETTINGS_MAX);
	GOOD(text);
	cr_expect_eq(config.settings_n, CONFIG_SETTINGS_MAX);
	strcat(text, "settings { paths = {\"a\"} export = y }\nsettings { paths = {\"/a\"} }\n");
	bad(text, "9: more than 8 sections 'settings'\n9: 'paths': 'a' is no absolute path\n"
		  "10: more than 8 sections 'settings'\n");

	strcpy(text, "settings { paths = {\"/p\"");
	add_items(text, ", \"/p", "\"", SYNC_ROOTS_MAX - 1);
	strcat(text, "} }\n");
	GOOD(text);
	cr_expect_eq(config.path_n, SYNC_ROOTS_MAX);
	strcat(text, "settings { paths = {\"/q\"} }\n");
	bad(text, "2: 'paths' has more than 16 paths in all\n");

	strcpy(text, "settings { exclude = {\"e\"");
	add_items(text, ", \"e", "\"", ROOTS_EXCLUDES_MAX - 1);
	strcat(text, "} }\n");
	GOOD(text);
	cr_expect_eq(config.exclude_n, ROOTS_EXCLUDES_MAX);
	strcat(text, "settings { exclude = {\"e\",\n\"f\"} }\n");
	bad(text, "3: 'exclude' has more than 32 patterns in all\n");

	strcpy(text, "settings { paths = {\"/a\"} export = x watch = {\"/w\"");
	add_items(text, ", \"/w", "\"", CONFIG_WATCHES_MAX - 1);
	strcat(text, "} }\n");
	GOOD(text);
	strcpy(strrchr(text, '}') - 2, ",\n\"/x\"} }\n");
	bad(text, "2: 'watch' has more than 4 files\n");
}

Test(config, names_of_settings_fit)
{
	char name[ROOTS_NAME_MAX + 1], text[1024];

	memset(name, 'x', sizeof(name));
	name[0] = '/';
	name[ROOTS_NAME_MAX] = '\0';
	snprintf(text, sizeof(text),
		 "settings { paths = {\"%s\"}\n export = x watch = {\"%s\"}\n exclude = "
		 "{\"%.128s\"} }\n",
		 name, name, name + 1);
	bad(text, "1: 'paths': a path is longer than 255 bytes\n"
		  "2: 'watch': a path is longer than 255 bytes\n"
		  "3: 'exclude': a pattern is longer than 127 bytes\n");
	name[ROOTS_NAME_MAX - 1] = '\0';
	snprintf(text, sizeof(text),
		 "settings { paths = {\"%s\"}\n export = x watch = {\"%s\"}\n exclude = "
		 "{\"%.127s\"} }\n",
		 name, name, name + 1);
	GOOD(text);
	cr_expect_str_eq(config.path[0], name);
	cr_expect_str_eq(config.settings[0].watch[0], name);
	cr_expect_eq(strlen(config.exclude[0]), 127);
	bad("settings {\n paths = {\"/a\"}\n export = x\n watch = {\"a\",\n\"/a/\"}\n}\n",
	    "4: 'watch': 'a' is no absolute path\n5: 'watch': '/a/' is no plain name of a file\n");
}

static unsigned read_secret(const char *text, char passphrase[CONFIG_PASSPHRASE_MAX + 1])
{
	cr_assert_eq(read_text(text), 0, "%s", errors);
	return config_read_secret(&config, passphrase, file, stderr);
}

Test(config, the_passphrase_is_given_to_who_asks_and_is_not_in_the_configuration)
{
	static const uint8_t zeros[HA_KEY_LEN];
	char passphrase[CONFIG_PASSPHRASE_MAX + 1];

	cr_expect_eq(read_secret("cluster_passphrase = \"correct horse\" # yes\n", passphrase), 0);
	cr_expect_str_eq(passphrase, "correct horse");
	cr_expect(config.passphrase_set);
	cr_expect_arr_eq(config.passphrase, zeros, sizeof(zeros));
	cr_expect_null(memmem(&config, sizeof(config), "correct", strlen("correct")));
	cr_expect_eq(
		read_secret("cluster_passphrase='a\\'b\\\\c\\\"d\\$ \xc3\xa9' /* x */\r\nlink = "
			    "\"ha0\"\n",
			    passphrase),
		0);
	cr_expect_str_eq(passphrase, "a'b\\c\"d$ \xc3\xa9");
	cr_expect_str_eq(config.link, "ha0");
	cr_expect_eq(read_secret("link = \"ha0\"\n", passphrase), 0);
	cr_expect_str_eq(passphrase, "");
	cr_expect(!config.passphrase_set);
}

Test(config, the_passphrase_has_a_length)
{
	static const char range[] =
		"1: 'cluster_passphrase' is 8 to 128 bytes of printable UTF-8, with a backslash "
		"only before quotes, $ and a backslash\n";
	char text[256], of_128[129];

	memset(of_128, 'x', 128);
	of_128[128] = '\0';
	snprintf(text, sizeof(text), "cluster_passphrase = \"%s\"\n", of_128);
	GOOD(text);
	snprintf(text, sizeof(text), "cluster_passphrase = \"%sx\"\n", of_128);
	bad(text, range);
	GOOD("cluster_passphrase = \"12345678\"\n");
	bad("cluster_passphrase = \"1234567\"\n", range);
	bad("cluster_passphrase = \"\"\n", range);
	bad("cluster_passphrase = \"1234567\x01\"\n", range);
	bad("cluster_passphrase = \"1234567\\x41\"\n", range);
	bad("cluster_passphrase = \"12345678\"\n\ncluster_passphrase = \"12345678\"\n",
	    "3: 'cluster_passphrase' is set twice, first in line 1\n");
}

/* However it is written wrong: no mistake quotes a word of it. */
Test(config, no_mistake_tells_the_passphrase)
{
	static const char *const wrong[] = {
		"cluster_passphrase = zyxwvuts zyxwvuts\n",
		"cluster_passphrase = \"zyxwvuts\" zyxwvuts\n",
		"cluster_passphrase = \"zyxwvuts\"zyxwvuts\"zyxwvuts\"\n",
		"cluster_passphrase = \"zyxwvuts\nlink = \"eth3\"\n",
		"cluster_passphrase = 'zyxwvuts\" zyxwvuts\n",
		"cluster_passphrase = zyxwvuts\" zyxwvuts\n",
		"cluster_passphrase = {\"zyxwvuts\", \"zyxwvuts\"}\n",
		"cluster_passphrase += \"zyxwvuts\"\n",
		"cluster_passphrase = = \"zyxwvuts\"\n",
		"cluster_passphrase \"zyxwvuts\"\n",
		"cluster_passphrase zyxwvuts zyxwvuts\n",
		"cluster_passphrase: zyxwvuts zyxwvuts\n",
		"cluster_passphrase { zyxwvuts }\n",
		"cluster_passphrase = \"zyxwvuts${zyxwvuts}\"\n",
		"cluster_passphrase = \n zyxwvuts zyxwvuts\n",
		"link \"eth3\"\ncluster_passphrase = \"zyxwvuts\"\n",
		"appliance { cluster_passphrase = \"zyxwvuts\" }\n",
		"cluster_pasphrase = \"zyxwvuts zyxwvuts\"\n",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		cr_expect_neq(read_text(wrong[i]), 0, "%s", wrong[i]);
		cr_expect_null(strstr(errors, "zyx"), "%s\n%s", wrong[i], errors);
	}
	bad("cluster_passphrase = zyxwvuts zyxwvuts\nlnik = 1\n",
	    "1: 'cluster_passphrase' has to be in quotes\n2: unknown option 'lnik'\n");
	bad("cluster_passphrase = \"zyxwvuts\" link = \"ha0\"\nlnik = 1\n",
	    "1: 'cluster_passphrase' has to end its line\n2: unknown option 'lnik'\n");
}

Test(config, a_file_with_a_passphrase_is_its_owners_alone)
{
	static const char text[] = "\ncluster_passphrase = \"12345678\"\n";
	static const mode_t wrong[] = {0640, 0604, 0620, 0602};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		chmod(file, wrong[i]);
		bad(text, "2: 'cluster_passphrase' makes the file a secret, and others than its "
			  "owner may read or write it: chmod 600\n");
	}
	GOOD("link = \"eth3\"\n");
	chmod(file, 0600);
	GOOD(text);
	if (geteuid() != 0)
		return;
	cr_assert_eq(chown(file, 1, 1), 0);
	cr_expect_eq(read_again(), 1);
	cr_expect_str_eq(errors, "2: 'cluster_passphrase' makes the file a secret, and it is not "
				 "root's: chown root\n");
}

static void write_appliance(const char *text)
{
	FILE *out = fopen(appliance_file, "w");

	cr_assert_not_null(out);
	cr_assert_geq(fputs(text, out), 0);
	fclose(out);
}

/* The section names that file in its first line; its own lines follow. */
static const char *with_appliance(const char *rest)
{
	static char text[512];

	snprintf(text, sizeof(text), "appliance { file = \"%s\"\n%s}\n", appliance_file, rest);
	return text;
}

Test(config, appliance_file_gives_what_the_section_does_not)
{
	write_appliance("# generated\nmodel = \"1100\"\nfirmware = \"7.1\" hotfix = 5\n");
	GOOD(with_appliance("firmware = \"8\"\n"));
	cr_expect_str_eq(config.model, "1100");
	cr_expect_str_eq(config.firmware, "8");
	cr_expect_str_eq(config.hotfix, "5");
	cr_expect_str_eq(config.patch, "");
}

Test(config, mistakes_of_the_appliance_file_have_its_name_and_lines)
{
	char expected[1024];

	write_appliance("modle = \"1\"\nmodel = \"\\x01\"\nfile = \"/x\"\nlink = \"eth3\"\n"
			"check a { command = x }\n");
	snprintf(expected, sizeof(expected),
		 "2: 'patch' has bytes that are no printable UTF-8\n"
		 "%s:1: unknown option 'modle' in section appliance\n"
		 "%s:2: 'model' has bytes that are no printable UTF-8\n"
		 "%s:3: 'file' stands in the configuration only\n"
		 "%s:4: unknown option 'link' in section appliance\n"
		 "%s:5: unknown section 'check' in section appliance\n",
		 appliance_file, appliance_file, appliance_file, appliance_file, appliance_file);
	bad(with_appliance("patch = \"\\x01\"\n"), expected);
	write_appliance("model \"1\"\n");
	snprintf(expected, sizeof(expected), "%s:1: missing equal sign after option 'model'\n",
		 appliance_file);
	bad(with_appliance(""), expected);
	unlink(appliance_file);
	snprintf(expected, sizeof(expected), "1: 'file': '%s': No such file or directory\n",
		 appliance_file);
	bad(with_appliance(""), expected);
	bad("appliance {\n file = \"version\"\n}\n", "2: 'file': 'version' is no absolute path\n");
}

Test(config, checks_are_validated)
{
	bad("check \"a\" {\n grace_ms = -1\n recover_timeout_ms = 99\n when = \"passive\"\n "
	    "timeout_ms "
	    "= 3600001\n command = \"\"\n}\n",
	    "2: 'grace_ms' is a number from 0 to 3600000, not '-1'\n"
	    "3: 'recover_timeout_ms' is a number from 100 to 3600000, not '99'\n"
	    "4: 'when' is \"always\" or \"active\", not 'passive'\n"
	    "5: 'timeout_ms' is a number from 100 to 3600000, not '3600001'\n"
	    "6: 'command' is empty or no printable UTF-8\n");
	bad("check \"a\" {\n interval_ms = 1\n fall = 0\n rise = 101\n recover_attempts = -1\n "
	    "recover = \"\"\n}\n",
	    "1: section 'check' needs 'command'\n"
	    "2: 'interval_ms' is a number from 100 to 3600000, not '1'\n"
	    "3: 'fall' is a number from 1 to 100, not '0'\n"
	    "4: 'rise' is a number from 1 to 100, not '101'\n"
	    "5: 'recover_attempts' is a number from 0 to 100, not '-1'\n"
	    "6: 'recover' is empty or no printable UTF-8\n");
	bad("check \"\" { command = x }\n", "1: section 'check' needs a name\n");
}

Test(config, what_is_not_closed_is_reported_where_it_opens)
{
	bad("link = \"a/b\"\nappliance {\n model = \"1\"\n",
	    "1: 'link': 'a/b' is no name of an interface\n"
	    "2: section 'appliance' is not closed\n");
	bad("\nlink = \"eth3\nmanagement = \"eth0\"\n", "2: string is not closed\n");
	bad("link = 'eth3\n", "1: string is not closed\n");
	bad("user = \"a:b\"\nappliance {\n patch = \"\\x01\"\n model = \"1\n}\n",
	    "1: 'user': 'a:b' is no name of a user\n3: 'patch' has bytes that are no printable "
	    "UTF-8\n"
	    "4: string is not closed\n");
	bad("\n/* never\nends\n", "2: comment is not closed\n");
	bad("extra {\n a = 1\n", "1: unknown section 'extra'\n1: section 'extra' is not closed\n");
}

Test(config, syntax_errors_end_the_list_but_do_not_hide_it)
{
	bad("lnik = 1\nuser = \"a:b\"\nlink \"eth3\"\nuser = \"c:d\"\n",
	    "1: unknown option 'lnik'\n2: 'user': 'a:b' is no name of a user\n"
	    "3: missing equal sign after option 'link'\n");
	bad("appliance = \"x\"\n", "1: missing opening brace for section 'appliance'\n");
	bad("link { }\n", "1: missing equal sign after option 'link'\n");
	bad("link = {\"a\"}\n", "1: unexpected token '{'\n");
	bad("\n}\n", "2: unexpected closing brace\n");
	bad("link += \"a\"\n", "1: attempt to append to non-list option 'link'\n");
	bad("check { command = x }\n", "1: missing title for section 'check'\n");
	bad("include(\"/etc/passwd\")\n", "1: no such option 'include'\n");
	bad("link =\n", "2: premature end of file\n");
	bad("virtual_ip = {\"192.0.2.1\"\n\"192.0.2.2\"}\n", "2: unexpected token '192.0.2.2'\n");
}

Test(config, lines_are_right_after_every_kind_of_comment)
{
	bad("# one\n// two\n//three\n/* four */ /* four */\n/* five\nsix */ link = \"a/b\" # "
	    "end\nuser = \"a:b\" // end\n"
	    "lnik = 1",
	    "6: 'link': 'a/b' is no name of an interface\n7: 'user': 'a:b' is no name of a user\n"
	    "8: unknown option 'lnik'\n");
	GOOD("appliance { model = \"a # b // c /* d */\" }\n");
	cr_expect_str_eq(config.model, "a # b // c /* d */");
	GOOD("appliance { model = \"a\\\"b\" }\r\n");
	cr_expect_str_eq(config.model, "a\"b");
}

Test(config, nothing_is_expanded_or_dropped_silently)
{
	static const char variable[] =
		"1: environment variables are not expanded: write \"\\${\" for the characters\n";

	setenv("HAAGENT_TEST", "value", 1);
	bad("appliance { model = \"${HAAGENT_TEST}\" }\n", variable);
	bad("appliance { model = ${HAAGENT_TEST} }\n", variable);
	GOOD("appliance { model = \"\\${HAAGENT_TEST}\" }\n");
	cr_expect_str_eq(config.model, "${HAAGENT_TEST}");
	GOOD("appliance { model = '${HAAGENT_TEST}' }\n");
	cr_expect_str_eq(config.model, "${HAAGENT_TEST}");
	bad("settings { exclude = {*.local} }\n", "1: '*' has to be in quotes\n");
}

Test(config, files_that_are_none_are_reported)
{
	char text[512] = "", too_long[70000];
	FILE *to = fmemopen(text, sizeof(text), "w");

	cr_expect_eq(config_read(&config, "/", to), 1);
	cr_expect_eq(config_read(&config, "/nonexistent/haagent.conf", to), 1);
	cr_expect_eq(config_read(&config, "/dev/null", to), 1);
	fclose(to);
	cr_expect_str_eq(text,
			 "/: Is a directory\n/nonexistent/haagent.conf: No such file or directory\n"
			 "/dev/null: not a regular file\n");
	cr_expect_eq(read_bytes("link = \"eth3\"\n\0x", 15), 1);
	cr_expect_str_eq(errors, " not a text file\n");
	memset(too_long, '\n', sizeof(too_long));
	cr_expect_eq(read_bytes(too_long, sizeof(too_long)), 1);
	cr_expect_str_eq(errors, " longer than 65536 bytes\n");
	cr_expect_eq(read_bytes(too_long, 65536), 0);
}

Test(config, no_more_than_fit_are_listed_and_all_are_counted)
{
	char text[2048] = "";

	for (unsigned i = 0; i < CONFIG_ERRORS_MAX + 6; i++)
		strcat(text, "x = 1\n");
	cr_expect_eq(read_text(text), CONFIG_ERRORS_MAX + 6);
	cr_expect(strstr(errors, "\n64: unknown option 'x'\n and 6 more\n") != NULL, "%s", errors);
}

Test(config, no_torn_file_crashes_or_passes_half_a_section)
{
	static const char text[] =
		"link = \"a\" /* c */ virtual_ip = {\"192.0.2.1\", '2001:db8::1'} # x\n"
		"appliance { model = \"\\x41${X}\" } check \"a\" { command = \"x\" }\n"
		"cluster_passphrase = \"a\\\"b c\" # x\n"
		"settings { paths = {\"/a\"} export = \"x\" } settings { watch = {'/c'} }\n";

	for (size_t len = 0; len < sizeof(text) - 1; len++)
		read_bytes(text, len);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char changed[sizeof(text)];

		for (unsigned c = 1; c < 256; c++) {
			memcpy(changed, text, sizeof(text));
			changed[i] = (char)c;
			read_bytes(changed, sizeof(text) - 1);
		}
	}
}

Test(config, operators_are_given_actions)
{
	GOOD("operator \"nobody\" { actions = {\"swap\", \"join\"} }\n"
	     "operator \"no-such-user\" { actions = {\"detach\"} }\n");
	cr_assert_eq(config.operator_n, 2U);
	cr_expect_str_eq(config.operator[0].user, "nobody");
	cr_expect_eq(config.operator[0].actions, 1U << CONTROL_SWAP | 1U << CONTROL_JOIN);
	cr_expect_eq(config.operator[0].uid, CONTROL_NOBODY, "the reader looks nobody up");
	config_operators(&config);
	cr_expect_neq(config.operator[0].uid, CONTROL_NOBODY);
	cr_expect_eq(config.operator[1].uid, CONTROL_NOBODY);
}

Test(config, mistakes_in_operators)
{
	bad("operator \"web\" { actions = {\"swap\", \"flap\"} }\n",
	    "1: 'actions': 'flap' is no action that changes something\n");
	bad("operator \"web\" {\n actions = {\"dump\"} }\n",
	    "2: 'actions': 'dump' is no action that changes something\n");
	bad("operator \"web\" { actions = {\"swap\", \"swap\"} }\n",
	    "1: 'actions': 'swap' is there twice\n");
	bad("operator \"web\" { }\n", "1: section 'operator' needs 'actions'\n");
	bad("operator \"root\" { actions = {\"swap\"} }\n",
	    "1: section 'operator': root may do everything as it is\n");
	bad("operator \"a/b\" { actions = {\"swap\"} }\n",
	    "1: section 'operator': 'a/b' is no name of a user\n");

	bad("operator \"a\" { actions = {\"swap\"} }\noperator \"b\" { actions = {\"swap\"} }\n"
	    "operator \"c\" { actions = {\"swap\"} }\noperator \"d\" { actions = {\"swap\"} }\n"
	    "operator \"e\" { actions = {\"swap\"} }\n",
	    "5: more than 4 sections 'operator'\n");
}
