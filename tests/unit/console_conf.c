/* haconsole.conf: what is taken, and how mistakes are told. */
#include "console/conf.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct conf conf;
static char said[4096];

/* How many mistakes; what was said is without the name of the file. */
static unsigned take(const char *text)
{
	char file[] = "/tmp/haconsole-conf.XXXXXX", *all = NULL, *at, *line;
	int fd = mkstemp(file);
	size_t len;
	FILE *errors = open_memstream(&all, &len);
	unsigned n;

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	n = conf_read(&conf, file, errors);
	fclose(errors);
	unlink(file);
	said[0] = '\0';
	at = all;
	while ((line = strsep(&at, "\n")) != NULL) {
		if (*line == '\0')
			continue;
		cr_assert(strncmp(line, file, strlen(file)) == 0, "%s", line);
		strcat(said, line + strlen(file) + 1);
		strcat(said, "\n");
	}
	free(all);
	return n;
}

static void bad(const char *text, const char *mistakes)
{
	cr_expect_gt(take(text), 0U, "%s", text);
	cr_expect_str_eq(said, mistakes, "%s: %s", text, said);
}

Test(console_conf, an_empty_file_is_all_defaults)
{
	cr_assert_eq(take(""), 0U, "%s", said);
	cr_expect_str_eq(conf.address, "::");
	cr_expect_eq(conf.port, 8443U);
	cr_expect_eq(conf.peer_port, 0U);
	cr_expect_str_eq(conf.control, "/run/haagent/control");
	cr_expect_str_eq(conf.state_directory, "/var/lib/haconsole");
	cr_expect_str_eq(conf.certificate, "");
	cr_expect_eq(conf.name_n, 0U);
	cr_expect_eq(conf.idle_s, 1800U);
	cr_expect_eq(conf.session_s, 28800U);
	cr_expect_eq(conf.connections_per_address, 64U);
}

Test(console_conf, every_option_is_taken)
{
	cr_assert_eq(take("address = '192.0.2.1'\nport = 443\npeer_port = 9443\ncontrol = /run/x\n"
			  "state_directory = /var/x\ncertificate = /a.pem\nkey = /a.key\n"
			  "names = {'ha.example.net', \"192.0.2.100\", 2001:db8::1}\n"
			  "idle_timeout_s = 60\nsession_timeout_s = 61\nconnections = 10\n"
			  "connections_per_address = 5\nmetrics_token_file = /t\nuser = web\n"),
		     0U, "%s", said);
	cr_expect_str_eq(conf.address, "192.0.2.1");
	cr_expect_eq(conf.port, 443U);
	cr_expect_eq(conf.peer_port, 9443U);
	cr_expect_str_eq(conf.certificate, "/a.pem");
	cr_expect_str_eq(conf.key, "/a.key");
	cr_expect_eq(conf.name_n, 3U);
	cr_expect_str_eq(conf.name[2], "2001:db8::1");
	cr_expect_eq(conf.idle_s, 60U);
	cr_expect_eq(conf.connections, 10U);
	cr_expect_str_eq(conf.metrics_token_file, "/t");
	cr_expect_str_eq(conf.user, "web");
}

Test(console_conf, mistakes_have_their_line)
{
	bad("\nport = 0\n", "2: 'port' is a number from 1 to 65535, not 0\n");
	bad("port = 65536\nuser = 'a b'\n", "1: 'port' is a number from 1 to 65535, not 65536\n"
					    "2: 'user': 'a b' is no name of a user\n");
	bad("address = example.net\n", "1: 'address': 'example.net' is no IPv4 or IPv6 address\n");
	bad("peer_port = 0\n", "1: 'peer_port' is a number from 1 to 65535, not 0\n");
	bad("control = run\n", "1: 'control': 'run' is no absolute path of less than 108 bytes\n");
	bad("names = {'a/b'}\n", "1: 'names': 'a/b' is no host name or address (without a port)\n");
	bad("idle_timeout_s = 59\n", "1: 'idle_timeout_s' is a number from 60 to 604800, not 59\n");
	bad("connections = 2\n", "1: 'connections' is a number from 4 to 1000, not 2\n");
	bad("prot = 1\n", "1: no such option 'prot'\n");
}

Test(console_conf, some_options_go_together)
{
	cr_expect_gt(take("certificate = /a\n"), 0U);
	cr_expect(strstr(said, "'certificate' and 'key' go together") != NULL, "%s", said);
	cr_expect_gt(take("idle_timeout_s = 100\nsession_timeout_s = 99\n"), 0U);
	cr_expect(strstr(said, "is longer than") != NULL, "%s", said);
	cr_expect_gt(take("connections = 10\nconnections_per_address = 11\n"), 0U);
	cr_expect(strstr(said, "is more than") != NULL, "%s", said);
}

Test(console_conf, a_file_that_is_not_there)
{
	char *all = NULL;
	size_t len;
	FILE *errors = open_memstream(&all, &len);

	cr_expect_eq(conf_read(&conf, "/nonexistent/x", errors), 1U);
	fclose(errors);
	cr_expect_str_eq(all, "/nonexistent/x: No such file or directory\n");
	free(all);
}
