/* Who is logged in, how often one may try, who may: tables of the console, without a socket. */
#include "console/accounts.h"
#include "console/address.h"
#include "console/connections.h"
#include "console/password.h"
#include "console/ratelimit.h"
#include "console/websession.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct address at(const char *text)
{
	struct address address;

	cr_assert(address_parse(&address, text), "%s", text);
	return address;
}

/* ---- addresses ---- */

Test(console_address, ipv4_in_ipv6_is_ipv4)
{
	struct address plain = at("192.0.2.1"), mapped = at("::ffff:192.0.2.1");
	char text[ADDRESS_TEXT_MAX];

	cr_expect(address_equal(&plain, &mapped));
	address_text(text, &mapped);
	cr_expect_str_eq(text, "192.0.2.1");
	cr_expect_not(address_parse(&plain, "192.0.2"));
	cr_expect_not(address_parse(&plain, "localhost"));
	cr_expect_not(address_of(&plain, NULL));
}

Test(console_address, an_ipv6_network_counts_as_one)
{
	struct address a = at("2001:db8::1"), b = at("2001:db8::ffff:1"), c = at("2001:db8:0:1::1");
	struct address na = address_network(&a), nb = address_network(&b), nc = address_network(&c);

	cr_expect(address_equal(&na, &nb));
	cr_expect_not(address_equal(&na, &nc));
	cr_expect_not(address_equal(&a, &b));
}

Test(console_address, loopback_stays_loopback)
{
	static const char *const ours[] = {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"};
	static const char *const others[] = {"128.0.0.1", "::2", "::", "0.0.0.0", "1::1"};

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		struct address a = at(ours[i]), network = address_network(&a);

		cr_expect(address_is_loopback(&a), "%s", ours[i]);
		cr_expect(address_is_loopback(&network), "%s", ours[i]);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct address a = at(others[i]);

		cr_expect_not(address_is_loopback(&a), "%s", others[i]);
	}
}

/* ---- sessions ---- */

static struct websessions all;
static char token[WEBSESSION_TOKEN_TEXT];

Test(console_session, a_token_finds_its_session_and_no_other_does)
{
	struct websession *session;
	char other[WEBSESSION_TOKEN_TEXT];

	websession_init(&all, 10 * HA_SEC, 100 * HA_SEC);
	session = websession_begin(&all, "admin", 1, token);
	websession_begin(&all, "other", 1, other);
	cr_expect_str_neq(token, other);
	cr_expect_str_neq(token, session->csrf);
	cr_expect_eq(strlen(token), WEBSESSION_TOKEN_TEXT - 1U);
	cr_expect_eq(websession_find(&all, token, 2, true), session);
	cr_expect_str_eq(session->user, "admin");
	other[3] ^= 1;
	cr_expect_null(websession_find(&all, other, 2, true));
	cr_expect_null(websession_find(&all, "", 2, true));
	cr_expect_null(websession_find(&all, NULL, 2, true));
	token[WEBSESSION_TOKEN_TEXT - 2] = '\0';
	cr_expect_null(websession_find(&all, token, 2, true));
	cr_expect_null(memmem(&all, sizeof(all), token, strlen(token)), "it is kept hashed");
}

Test(console_session, ends_unused_and_at_the_latest)
{
	struct websession *session;
	ha_time now;

	websession_init(&all, 10 * HA_SEC, 25 * HA_SEC);
	session = websession_begin(&all, "admin", 0, token);
	cr_expect(websession_is_valid(&all, session->id, 10 * HA_SEC - 1));
	cr_expect_not(websession_is_valid(&all, session->id, 10 * HA_SEC));
	for (now = 0; now < 25 * HA_SEC; now += 5 * HA_SEC)
		cr_expect_not_null(websession_find(&all, token, now, true));
	cr_expect_null(websession_find(&all, token, now, true), "used all the time, and over");
	session = websession_begin(&all, "admin", now, token);
	cr_expect_not_null(websession_find(&all, token, now + 9 * HA_SEC, false));
	cr_expect_null(websession_find(&all, token, now + 10 * HA_SEC, false),
		       "a look is no use of it");
}

Test(console_session, the_table_is_bounded_and_no_user_has_all_of_it)
{
	char first[WEBSESSION_TOKEN_TEXT], others[WEBSESSION_TOKEN_TEXT], user[8];

	websession_init(&all, 1000 * HA_SEC, 10000 * HA_SEC);
	websession_begin(&all, "other", 1, others);
	websession_begin(&all, "admin", 2, first);
	for (int i = 0; i < 100; i++)
		websession_begin(&all, "admin", 3 + i, token);
	cr_expect_eq(websession_count(&all, 200), WEBSESSION_PER_USER_MAX + 1U);
	cr_expect_null(websession_find(&all, first, 200, true), "the one least used has ended");
	cr_expect_not_null(websession_find(&all, token, 200, true));
	cr_expect_not_null(websession_find(&all, others, 200, true));
	for (int i = 0; i < 100; i++) {
		snprintf(user, sizeof(user), "u%d", i);
		websession_begin(&all, user, 300 + i, token);
	}
	cr_expect_eq(websession_count(&all, 400), (unsigned)WEBSESSION_MAX);
	cr_expect_not_null(websession_find(&all, token, 400, true));
}

Test(console_session, its_token_for_changes)
{
	struct websession *session;
	char wrong[WEBSESSION_TOKEN_TEXT];

	websession_init(&all, HA_SEC, HA_SEC);
	session = websession_begin(&all, "admin", 0, token);
	memcpy(wrong, session->csrf, sizeof(wrong));
	cr_expect(websession_csrf(session, wrong));
	wrong[42] ^= 1;
	cr_expect_not(websession_csrf(session, wrong));
	cr_expect_not(websession_csrf(session, ""));
	cr_expect_not(websession_csrf(session, NULL));
	cr_expect_not(websession_csrf(session, token));
}

Test(console_session, ends_with_its_user)
{
	char other[WEBSESSION_TOKEN_TEXT];

	websession_init(&all, HA_SEC, HA_SEC);
	websession_begin(&all, "admin", 0, token);
	websession_begin(&all, "admin2", 0, other);
	websession_end_user(&all, "admin");
	cr_expect_null(websession_find(&all, token, 1, true));
	cr_expect_not_null(websession_find(&all, other, 1, true));
}

/* ---- the limit on logins ---- */

static struct ratelimit limit;

Test(console_ratelimit, some_are_free_then_each_doubles)
{
	struct address a = at("192.0.2.1"), b = at("192.0.2.2");
	ha_time now = 100 * HA_SEC, wait = RATELIMIT_FIRST;

	memset(&limit, 0, sizeof(limit));
	for (int i = 0; i < RATELIMIT_FREE - 1; i++)
		ratelimit_failed(&limit, &a, now);
	cr_expect_eq(ratelimit_wait(&limit, &a, now), 0);
	for (int i = 0; i < 20; i++) {
		ratelimit_failed(&limit, &a, now);
		cr_expect_eq(ratelimit_wait(&limit, &a, now), wait, "%d", i);
		cr_expect_eq(ratelimit_wait(&limit, &a, now + wait), 0);
		now += wait;
		wait = wait * 2 < RATELIMIT_LAST ? wait * 2 : RATELIMIT_LAST;
	}
	cr_expect_eq(ratelimit_wait(&limit, &b, now), 0);
	ratelimit_failed(&limit, &a, now);
	ratelimit_passed(&limit, &a, now);
	cr_expect_eq(ratelimit_wait(&limit, &a, now), 0);
}

Test(console_ratelimit, an_own_account_buys_no_guesses_of_anothers)
{
	struct address a = at("192.0.2.1");
	ha_time now = 100 * HA_SEC, begin = now, wait;

	memset(&limit, 0, sizeof(limit));
	for (int i = 0; i < 12; i++) {
		ratelimit_failed(&limit, &a, now); /* a guess */
		now += ratelimit_wait(&limit, &a, now);
		ratelimit_failed(&limit, &a, now); /* the own one, as it begins */
		ratelimit_passed(&limit, &a, now);
		cr_expect_eq(ratelimit_wait(&limit, &a, now), 0, "a success makes nobody wait");
	}
	cr_expect_geq(now - begin, 127 * HA_SEC, "they wait as if nothing had passed");
	ratelimit_failed(&limit, &a, now);
	wait = ratelimit_wait(&limit, &a, now);
	cr_expect_eq(wait, 256 * HA_SEC);
	memset(&limit, 0, sizeof(limit));
	for (int i = 0; i < 100; i++) {
		ratelimit_failed(&limit, &a, now);
		ratelimit_passed(&limit, &a, now);
	}
	cr_expect_eq(ratelimit_wait(&limit, &a, now), 0, "who only passes never waits");
}

Test(console_ratelimit, is_forgotten_after_a_while)
{
	struct address a = at("192.0.2.1");
	ha_time now = HA_SEC;

	memset(&limit, 0, sizeof(limit));
	for (int i = 0; i < 6; i++)
		ratelimit_failed(&limit, &a, now);
	now += 2 * RATELIMIT_FIRST + RATELIMIT_LAST;
	ratelimit_failed(&limit, &a, now);
	cr_expect_eq(ratelimit_wait(&limit, &a, now), 0, "it begins anew");
}

/* A thousand networks fail ten times each: far more than there are entries. */
static void crowd(ha_time now)
{
	char text[32];

	for (int i = 0; i < 1000; i++) {
		struct address a;

		snprintf(text, sizeof(text), "10.0.%d.%d", i / 256, i % 256);
		a = at(text);
		for (int k = 0; k < 10; k++)
			ratelimit_failed(&limit, &a, now);
	}
}

Test(console_ratelimit, nobody_pushes_out_what_holds_him_back)
{
	struct address bad = at("198.51.100.1"), late = at("203.0.113.1");
	ha_time now = HA_SEC;

	memset(&limit, 0, sizeof(limit));
	for (int i = 0; i < 30; i++)
		ratelimit_failed(&limit, &bad, now);
	crowd(now);
	cr_expect_eq(ratelimit_wait(&limit, &bad, now), RATELIMIT_LAST);
	cr_expect_gt(ratelimit_wait(&limit, &late, now), 0,
		     "the table is full: he shares an entry");
}

Test(console_ratelimit, who_works_here_is_not_held_back_with_a_crowd)
{
	struct address here = at("192.0.2.1"), late = at("203.0.113.1");
	ha_time now = HA_SEC;

	memset(&limit, 0, sizeof(limit));
	ratelimit_failed(&limit, &here, now);
	ratelimit_failed(&limit, &here, now);
	ratelimit_passed(&limit, &here, now);
	crowd(now);
	cr_expect_gt(ratelimit_wait(&limit, &late, now), 0);
	cr_expect_eq(ratelimit_wait(&limit, &here, now), 0);
	ratelimit_failed(&limit, &late, now); /* by the entry that he shares, he gets in at last */
	ratelimit_passed(&limit, &late, now);
	ratelimit_failed(&limit, &(struct address){.ipv4 = true, .b = {11}}, now);
	cr_expect_eq(ratelimit_wait(&limit, &late, now), 0);
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(ratelimit_wait(&limit, &here, now), 0);
		ratelimit_failed(&limit, &here, now);
	}
	ratelimit_failed(&limit, &here, now);
	cr_expect_eq(ratelimit_wait(&limit, &here, now), RATELIMIT_FIRST, "he counts as before");
	now += RATELIMIT_LAST * 2;
	ratelimit_failed(&limit, &here, now);
	cr_expect_eq(ratelimit_wait(&limit, &here, now), 0, "it begins anew");
}

Test(console_ratelimit, the_known_ones_are_few_and_the_newest)
{
	ha_time now = HA_SEC;
	unsigned n = 0;

	memset(&limit, 0, sizeof(limit));
	for (uint8_t i = 0; i < 100; i++) {
		struct address a = {.ipv4 = true, .b = {10, 0, 0, i}};

		ratelimit_failed(&limit, &a, now + i);
		ratelimit_passed(&limit, &a, now + i);
	}
	for (unsigned i = 0; i < RATELIMIT_KNOWN; i++)
		n += limit.known[i].network.b[3] >= 100 - RATELIMIT_KNOWN;
	cr_expect_eq(n, (unsigned)RATELIMIT_KNOWN);
	for (unsigned i = 0; i < RATELIMIT_MAX; i++)
		cr_expect_eq(limit.entry[i].failures, 0U, "%u", i);
}

Test(console_ratelimit, the_machine_itself_waits_a_second_whatever_happens)
{
	struct address here = at("127.0.0.1"), here6 = at("::1");
	ha_time now = HA_SEC;

	memset(&limit, 0, sizeof(limit));
	crowd(now);
	cr_expect_eq(ratelimit_wait(&limit, &here, now), 0);
	for (int i = 0; i < 100; i++)
		ratelimit_failed(&limit, &here, now);
	cr_expect_eq(ratelimit_wait(&limit, &here, now), RATELIMIT_LOCAL);
	cr_expect_eq(ratelimit_wait(&limit, &here6, now), RATELIMIT_LOCAL);
	cr_expect_eq(ratelimit_wait(&limit, &here, now + RATELIMIT_LOCAL), 0);
}

/* ---- connections ---- */

static struct connections table;

Test(console_connections, so_many_from_one_address_and_some_for_the_machine)
{
	struct address a = at("192.0.2.1"), b = at("192.0.2.2"), here = at("127.0.0.1");
	unsigned local = CONNECTIONS_LOCAL + CONNECTIONS_SPARE;

	cr_assert_eq(connections_open(&table, 6, 4), 0);
	for (int i = 0; i < 4; i++) {
		cr_expect(connections_room(&table, &a));
		connections_add(&table, 100 + i, &a, 0)->known = true;
	}
	cr_expect_not(connections_room(&table, &a));
	cr_expect(connections_room(&table, &b));
	connections_add(&table, 110, &b, 0)->known = true;
	connections_add(&table, 111, &b, 0)->known = true;
	cr_expect_not(connections_room(&table, &b), "all places are taken");
	for (unsigned i = 0; i < local; i++) {
		cr_expect(connections_room(&table, &here));
		cr_assert_not_null(connections_add(&table, 120 + (int)i, &here, 0));
	}
	cr_expect_not(connections_room(&table, &here));
	cr_expect_null(connections_add(&table, 130, &here, 0));
	cr_expect_eq(table.refused, 3U);
	connections_remove(&table, &table.all[0]);
	connections_remove(&table, &table.all[0]);
	cr_expect_eq(table.n, 6U + local - 1);
	connections_close(&table);
}

/* Sockets of theirs, so that it is seen which one ends. */
static int connect_from(const char *from, ha_time now, int *theirs)
{
	struct address address = at(from);
	int two[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, two), 0);
	cr_assert_not_null(connections_add(&table, two[0], &address, now));
	*theirs = two[1];
	return two[0];
}

static bool has_ended(int theirs)
{
	char byte;

	return read(theirs, &byte, 1) == 0;
}

Test(console_connections, who_has_been_there_longest_for_nothing_makes_room)
{
	struct address late = at("203.0.113.1");
	int ours[6], theirs[6];
	char from[16];

	cr_assert_eq(connections_open(&table, 6, 4), 0);
	for (int i = 0; i < 6; i++) {
		snprintf(from, sizeof(from), "10.0.0.%d", i);
		ours[i] = connect_from(i == 0 ? "127.0.0.1" : from, i, &theirs[i]);
	}
	table.all[1].known = true;
	table.all[2].until = HA_NEVER; /* it waits for us */
	cr_expect(connections_room(&table, &late));
	for (int i = 0; i < 6; i++)
		cr_expect_eq(has_ended(theirs[i]), i == 3, "%d", i);
	cr_expect_eq(table.displaced, 1U);
	connections_add(&table, 200, &late, 10)->known = true;
	cr_expect(connections_room(&table, &late), "the next one");
	cr_expect(has_ended(theirs[4]));
	connections_add(&table, 201, &late, 10)->known = true;
	cr_expect(connections_room(&table, &late));
	connections_add(&table, 202, &late, 10)->known = true;
	cr_expect_not(connections_room(&table, &(struct address){.ipv4 = true, .b = {10, 1}}),
		      "nobody is left to make room");
	cr_expect_eq(table.refused, 1U);
	for (int i = 0; i < 6; i++) {
		close(ours[i]);
		close(theirs[i]);
	}
	connections_close(&table);
}

Test(console_connections, no_more_are_displaced_than_there_are_spare_places)
{
	struct address late = at("203.0.113.1");
	unsigned n = 0;

	cr_assert_eq(connections_open(&table, 100, 100), 0);
	for (int i = 0; i < 100; i++) {
		struct address a = {.ipv4 = true, .b = {10, 0, 0, (uint8_t)i}};

		connections_add(&table, 1000 + i, &a, i);
	}
	while (n < 50 && connections_room(&table, &late)) {
		cr_assert_not_null(connections_add(&table, 2000, &late, 200));
		n++;
	}
	cr_expect_eq(n, (unsigned)CONNECTIONS_SPARE, "until the library has closed them");
	connections_close(&table);
}

Test(console_connections, an_ipv6_network_is_one_address)
{
	struct address a = at("2001:db8::1"), b = at("2001:db8::2");

	cr_assert_eq(connections_open(&table, 6, 1), 0);
	connections_add(&table, 100, &a, 0);
	cr_expect_not(connections_room(&table, &b));
	connections_close(&table);
}

Test(console_connections, who_takes_too_long_is_shown_the_door)
{
	struct address a = at("192.0.2.1");
	struct connection *slow, *busy;
	int one[2], two[2];
	char byte;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, one), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, two), 0);
	cr_assert_eq(connections_open(&table, 6, 6), 0);
	slow = connections_add(&table, one[0], &a, 5);
	busy = connections_add(&table, two[0], &a, 5);
	busy->until = HA_NEVER; /* it waits for us */
	cr_expect_eq(connections_deadline(&table), 5 + CONNECTIONS_REQUEST);
	connections_sweep(&table, 4 + CONNECTIONS_REQUEST);
	cr_expect_lt(read(one[1], &byte, 1), 0);
	connections_sweep(&table, 5 + CONNECTIONS_REQUEST);
	cr_expect_eq(read(one[1], &byte, 1), 0, "the end");
	cr_expect_lt(read(two[1], &byte, 1), 0, "nothing");
	cr_expect_eq(slow->until, HA_NEVER, "once");
	cr_expect_eq(table.overdue, 1U);
	cr_expect_eq(connections_deadline(&table), HA_NEVER);
	connections_close(&table);
	close(one[0]);
	close(one[1]);
	close(two[0]);
	close(two[1]);
}

/* ---- accounts ---- */

static char directory[64];
static struct accounts accounts;

static void accounts_setup(void)
{
	snprintf(directory, sizeof(directory), "/tmp/haconsole-accounts.XXXXXX");
	cr_assert_not_null(mkdtemp(directory));
	cr_assert_geq(sodium_init(), 0);
	accounts_init(&accounts, directory);
}

static void accounts_teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}

static void write_accounts(const char *text)
{
	int fd = open(accounts.path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

TestSuite(console_accounts, .init = accounts_setup, .fini = accounts_teardown);

Test(console_accounts, there_is_nobody_at_first)
{
	cr_expect_eq(accounts_refresh(&accounts, NULL), 0);
	cr_expect_eq(accounts.n, 0U);
	cr_expect_null(accounts_find(&accounts, "admin"));
}

Test(console_accounts, one_that_is_removed_is_gone_and_so_is_his_session)
{
	struct accounts here;

	accounts_init(&here, directory);
	websession_init(&all, HA_SEC, HA_SEC);
	cr_assert_eq(accounts_set(&accounts, "a", "a password"), 0);
	cr_assert_eq(accounts_set(&accounts, "b", "a password"), 0);
	cr_assert_eq(accounts_set(&accounts, "c", "a password"), 0);
	cr_assert_eq(accounts_refresh(&here, &all), 0);
	websession_begin(&all, "a", 0, token);
	cr_expect_eq(accounts_remove(&accounts, "a"), 0);
	cr_expect_eq(accounts_remove(&accounts, "a"), -ENOENT);
	cr_assert_eq(accounts_refresh(&here, &all), 0);
	cr_expect_eq(here.n, 2U);
	cr_expect_null(accounts_find(&here, "a"));
	cr_expect_not_null(accounts_find(&here, "b"));
	cr_expect_not_null(accounts_find(&here, "c"));
	cr_expect_null(websession_find(&all, token, 1, true));
}

Test(console_accounts, where_nothing_can_be_written_all_is_as_before)
{
	struct rlimit nothing = {0, 0};
	char temporary[sizeof(accounts.path) + 4];
	pid_t child;
	int status;

	cr_assert_eq(accounts_set(&accounts, "admin", "an old password"), 0);
	child = fork();
	if (child == 0) {
		signal(SIGXFSZ, SIG_IGN);
		_exit(setrlimit(RLIMIT_FSIZE, &nothing) != 0 ||
		      accounts_set(&accounts, "admin", "a new password") != -EFBIG);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
	cr_assert_eq(accounts_refresh(&accounts, NULL), 0);
	cr_expect_eq(crypto_pwhash_str_verify(accounts_find(&accounts, "admin")->hash,
					      "an old password", strlen("an old password")),
		     0);
	snprintf(temporary, sizeof(temporary), "%s.new", accounts.path);
	cr_expect_neq(access(temporary, F_OK), 0);
}

Test(console_accounts, of_two_administrators_at_once_none_undoes_the_other)
{
	char user[8];
	pid_t child[6];
	int status;

	cr_assert_eq(accounts_set(&accounts, "admin", "an old password"), 0);
	for (int i = 0; i < 6; i++) {
		child[i] = fork();
		if (child[i] != 0)
			continue;
		snprintf(user, sizeof(user), "u%d", i);
		_exit(accounts_set(&accounts, i == 0 ? "admin" : user, "a new password") != 0);
	}
	for (int i = 0; i < 6; i++) {
		cr_assert_eq(waitpid(child[i], &status, 0), child[i]);
		cr_expect_eq(status, 0);
	}
	cr_assert_eq(accounts_refresh(&accounts, NULL), 0);
	cr_expect_eq(accounts.n, 6U);
	for (unsigned i = 0; i < accounts.n; i++)
		cr_expect_eq(crypto_pwhash_str_verify(accounts.account[i].hash, "a new password",
						      strlen("a new password")),
			     0, "%s", accounts.account[i].user);
}

Test(console_accounts, one_that_is_set_is_there_and_verifies)
{
	struct accounts reader;

	cr_assert_eq(accounts_set(&accounts, "admin", "a long password"), 0);
	cr_assert_eq(accounts_set(&accounts, "other", "another password"), 0);
	cr_assert_eq(accounts_set(&accounts, "admin", "a new password"), 0);
	accounts_init(&reader, directory);
	cr_assert_eq(accounts_refresh(&reader, NULL), 0);
	cr_assert_eq(reader.n, 2U);
	cr_expect_eq(crypto_pwhash_str_verify(accounts_find(&reader, "admin")->hash,
					      "a new password", 14),
		     0);
	cr_expect_neq(crypto_pwhash_str_verify(accounts_find(&reader, "admin")->hash,
					       "a long password", 15),
		      0);
}

Test(console_accounts, lines_that_are_none_are_no_accounts)
{
	write_accounts("\n:\nadmin\nadmin:\nadmin:x\nadmin:$6$abc\n:$argon2id$x\na b:$argon2id$x\n"
		       "../x:$argon2id$x\n-x:$argon2id$x\ngood:$argon2id$x\ngood:$argon2id$y\n");
	cr_expect_eq(accounts_refresh(&accounts, NULL), 0);
	cr_assert_eq(accounts.n, 1U);
	cr_expect_str_eq(accounts.account[0].hash, "$argon2id$x");
}

Test(console_accounts, names)
{
	cr_expect(accounts_is_name("admin"));
	cr_expect(accounts_is_name("a.b-c_9"));
	cr_expect(accounts_is_name("12345678901234567890123456789012"));
	cr_expect_not(accounts_is_name("123456789012345678901234567890123"));
	cr_expect_not(accounts_is_name(""));
	cr_expect_not(accounts_is_name(".a"));
	cr_expect_not(accounts_is_name("a:b"));
	cr_expect_not(accounts_is_name("a\nb"));
}

Test(console_accounts, another_password_or_none_ends_the_sessions_of_that_user)
{
	char admins[WEBSESSION_TOKEN_TEXT], others[WEBSESSION_TOKEN_TEXT];

	websession_init(&all, HA_SEC, HA_SEC);
	write_accounts("admin:$argon2id$x\nother:$argon2id$y\n");
	cr_assert_eq(accounts_refresh(&accounts, &all), 0);
	websession_begin(&all, "admin", 0, admins);
	websession_begin(&all, "other", 0, others);
	write_accounts("admin:$argon2id$zz\nother:$argon2id$y\n");
	cr_assert_eq(accounts_refresh(&accounts, &all), 0);
	cr_expect_null(websession_find(&all, admins, 0, true));
	cr_expect_not_null(websession_find(&all, others, 0, true));
	unlink(accounts.path);
	cr_assert_eq(accounts_refresh(&accounts, &all), 0);
	cr_expect_null(websession_find(&all, others, 0, true));
}

/* ---- checking passwords ---- */

static struct password password;
static int good, bad;

static void on_checked(void *arg, bool is_good)
{
	unsigned *order = arg;

	if (order != NULL)
		*order = (unsigned)(good + bad) + 1;
	good += is_good;
	bad += !is_good;
}

static void wait_for(int n)
{
	struct pollfd ready = {.fd = password.event, .events = POLLIN};

	while (good + bad < n) {
		cr_assert_eq(poll(&ready, 1, 60000), 1);
		password_ready(&password);
	}
}

Test(console_accounts, passwords_are_checked_beside_and_the_machine_comes_first)
{
	const struct account *account;
	unsigned local = 0, n = 0;

	good = bad = 0;
	cr_assert_eq(accounts_set(&accounts, "admin", "a long password"), 0);
	account = accounts_find(&accounts, "admin");
	cr_assert_eq(password_open(&password), 0);
	cr_assert(password_check(&password, account, "a long password", false, on_checked, NULL));
	wait_for(1);
	cr_expect_eq(good, 1);
	for (int i = 0; i < 50; i++)
		n += password_check(&password, i % 2 ? account : NULL, "wrong", false, on_checked,
				    NULL);
	cr_expect_geq(n, (unsigned)PASSWORD_QUEUE_MAX);
	cr_expect_lt(n, 50U, "the queue is bounded");
	cr_assert(password_check(&password, account, "a long password", true, on_checked, &local),
		  "there is room for the machine itself");
	wait_for((int)n + 2);
	cr_expect_eq(good, 2);
	cr_expect_lt(local, n + 2, "it overtook the others");
	password_close(&password);
}

Test(console_accounts, what_is_not_checked_at_the_end_has_failed)
{
	good = bad = 0;
	cr_assert_eq(password_open(&password), 0);
	for (int i = 0; i < 4; i++)
		cr_assert(password_check(&password, NULL, "x", false, on_checked, NULL));
	password_close(&password);
	cr_expect_eq(bad, 4);
}
