/* The files of the flight recorder: when one is written, what it is called, how many there are, and what happens where
 * none can be written.
 */
#include "agent/flight.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/recorder.h"
#include "proto/node.h"

static char directory[] = "/tmp/haagent-flight-XXXXXX";
static int state = -1, writer = -1, reader = -1;
static struct config config = {.link = "eth3", .management = "eth0", .model = "1100"};
static struct recorder recorder;
static struct flight flight;

static void setup(void)
{
	static const uint8_t frame[60];

	cr_assert_not_null(mkdtemp(directory));
	state = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	writer = recorder_make(&reader);
	cr_assert(state >= 0 && writer >= 0);
	cr_assert_eq(recorder_attach(&recorder, writer), 0);
	recorder_sent(&recorder, HA_PATH_LINK, frame, sizeof(frame), 0);
	flight_init(&flight, &config, state, reader);
}

static void teardown(void)
{
	char command[128];

	recorder_detach(&recorder);
	close(state);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}

TestSuite(flight, .init = setup, .fini = teardown);

static void change(enum ha_state from, enum ha_state to, ha_time now)
{
	const struct store_event event = {
		.event = EVENT_STATE, .from = (uint8_t)from, .to = (uint8_t)to};

	flight_event(&flight, &event, now);
}

/* How many files the directory has; *newest is the last by name. */
static unsigned files(char newest[FLIGHT_NAME_MAX])
{
	int fd = openat(state, "captures", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	unsigned n = 0;

	newest[0] = '\0';
	while (entries != NULL && (entry = readdir(entries)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		n++;
		if (strcmp(entry->d_name, newest) > 0 && strlen(entry->d_name) < FLIGHT_NAME_MAX)
			memcpy(newest, entry->d_name, strlen(entry->d_name) + 1);
	}
	if (entries != NULL)
		closedir(entries);
	return n;
}

Test(flight, a_change_of_state_is_written_a_while_later)
{
	char name[FLIGHT_NAME_MAX];
	struct stat st;

	cr_expect_eq(flight_deadline(&flight), HA_NEVER);
	change(HA_PASSIVE, HA_ACTIVE, HA_SEC);
	cr_assert_eq(flight_deadline(&flight), HA_SEC + FLIGHT_AFTER_CHANGE);
	change(HA_ACTIVE, HA_PASSIVE, 2 * HA_SEC);
	cr_expect_eq(flight_deadline(&flight), HA_SEC + FLIGHT_AFTER_CHANGE, "one file for both");
	flight_timer(&flight, HA_SEC + FLIGHT_AFTER_CHANGE - 1);
	cr_expect_eq(files(name), 0);
	flight_timer(&flight, HA_SEC + FLIGHT_AFTER_CHANGE);
	cr_assert_eq(files(name), 1);
	cr_expect(flight_is_name(name) && strstr(name, "-000-change.pcapng") != NULL, "%s", name);
	cr_expect_eq(flight_deadline(&flight), HA_NEVER);
	cr_assert_eq(fstatat(state, "captures", &st, AT_SYMLINK_NOFOLLOW), 0);
	cr_expect_eq(st.st_mode & 07777, 0700);

	change(HA_PASSIVE, HA_ACTIVE, 5 * HA_SEC);
	cr_expect_eq(flight_deadline(&flight), HA_SEC + FLIGHT_AFTER_CHANGE + FLIGHT_BETWEEN);
}

Test(flight, what_every_boot_is_and_what_is_no_change_is_not_written)
{
	const struct store_event other = {
		.event = EVENT_PATH_UP, .from = HA_PASSIVE, .to = HA_ACTIVE};

	change(HA_INITIALIZING, HA_PASSIVE, HA_SEC);
	change(HA_ACTIVE, HA_ACTIVE, HA_SEC);
	flight_event(&flight, &other, HA_SEC);
	cr_expect_eq(flight_deadline(&flight), HA_NEVER);
	change(HA_INITIALIZING, HA_ACTIVE, HA_SEC);
	cr_expect_neq(flight_deadline(&flight), HA_NEVER);
}

Test(flight, who_asks_is_served_at_once_but_not_ten_times)
{
	char name[FLIGHT_NAME_MAX];

	change(HA_PASSIVE, HA_ACTIVE, 10 * HA_SEC);
	flight_request(&flight, 10 * HA_SEC);
	cr_assert_eq(flight_deadline(&flight), 10 * HA_SEC);
	flight_timer(&flight, 10 * HA_SEC);
	for (int i = 0; i < 10; i++)
		flight_request(&flight, 10 * HA_SEC);
	cr_expect_eq(flight_deadline(&flight), 10 * HA_SEC + FLIGHT_ASKED);
	cr_expect_eq(files(name), 1);
	cr_expect_not_null(strstr(name, "-000-request.pcapng"));
}

/* Whoever asks just after a change wants to see now, and the change's own file has what followed. */
Test(flight, who_asks_does_not_take_the_file_of_a_change)
{
	char name[FLIGHT_NAME_MAX];

	change(HA_PASSIVE, HA_ACTIVE, 10 * HA_SEC);
	flight_request(&flight, 11 * HA_SEC);
	flight_timer(&flight, 11 * HA_SEC);
	cr_assert_eq(files(name), 1);
	cr_assert_eq(flight_deadline(&flight), 10 * HA_SEC + FLIGHT_AFTER_CHANGE, "nor its time");
	flight_timer(&flight, flight_deadline(&flight));
	cr_assert_eq(files(name), 2);
	cr_expect_not_null(strstr(name, "-001-change.pcapng"), "%s", name);
	cr_expect_eq(flight_deadline(&flight), HA_NEVER);
}

Test(flight, both_that_are_due_are_written_late_or_at_the_end)
{
	char name[FLIGHT_NAME_MAX];

	change(HA_PASSIVE, HA_ACTIVE, 10 * HA_SEC);
	flight_request(&flight, 10 * HA_SEC);
	flight_timer(&flight, 10 * HA_SEC + FLIGHT_AFTER_CHANGE); /* a disk was slow */
	cr_expect_eq(files(name), 2);
	change(HA_ACTIVE, HA_PASSIVE, 20 * HA_SEC);
	flight_request(&flight, 20 * HA_SEC);
	flight_end(&flight, 20 * HA_SEC);
	cr_expect_eq(files(name), 4);
	cr_expect_eq(flight_deadline(&flight), HA_NEVER);
}

Test(flight, a_death_is_written_but_not_when_all_end)
{
	char name[FLIGHT_NAME_MAX];

	flight_death(&flight, 20 * HA_SEC);
	flight_end(&flight, 20 * HA_SEC);
	cr_expect_eq(files(name), 0);
	flight_timer(&flight, 20 * HA_SEC + FLIGHT_AFTER_DEATH);
	cr_expect_eq(files(name), 1);
	cr_expect_not_null(strstr(name, "-000-engine.pcapng"));
	change(HA_ACTIVE, HA_INITIALIZING, 30 * HA_SEC);
	flight_end(&flight, 30 * HA_SEC);
	cr_expect_eq(files(name), 2, "a change that was to be written is");
}

Test(flight, the_oldest_make_room)
{
	char name[FLIGHT_NAME_MAX];

	for (int i = 1; i <= FLIGHT_FILES_MAX + 5; i++) {
		flight_request(&flight, i * 100 * HA_SEC);
		flight_timer(&flight, i * 100 * HA_SEC);
	}
	cr_expect_eq(files(name), FLIGHT_FILES_MAX);
	cr_expect_not_null(strstr(name, "-020-request.pcapng"));
}

Test(flight, what_is_not_its_own_is_left_alone)
{
	char name[FLIGHT_NAME_MAX];
	int captures;

	cr_assert_eq(mkdirat(state, "captures", 0700), 0);
	captures = openat(state, "captures", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(captures, 0);
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "note-%02d.pcapng", i);
		close(openat(captures, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	}
	flight_request(&flight, HA_SEC);
	flight_timer(&flight, HA_SEC);
	cr_expect_eq(files(name), 31);
	flight_prune(captures, 0);
	cr_expect_eq(files(name), 30);
	close(captures);
}

Test(flight, a_clock_that_was_put_back_does_not_cost_the_newest)
{
	char name[FLIGHT_NAME_MAX], future[64];

	cr_assert_eq(mkdirat(state, "captures", 0700), 0);
	for (unsigned i = 0; i < FLIGHT_FILES_MAX; i++) {
		snprintf(future, sizeof(future), "captures/29990101T000000Z-%03u-change.pcapng", i);
		close(openat(state, future, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	}
	flight_request(&flight, HA_SEC);
	flight_timer(&flight, HA_SEC);
	cr_expect_eq(files(name), FLIGHT_FILES_MAX);
	cr_expect_neq(faccessat(state, "captures/29990101T000000Z-000-change.pcapng", F_OK, 0), 0,
		      "the oldest of those that were there has gone");
}

Test(flight, nothing_is_written_through_a_link)
{
	char name[FLIGHT_NAME_MAX];
	struct stat st;
	int captures;

	cr_assert_eq(mkdirat(state, "elsewhere", 0700), 0);
	cr_assert_eq(symlinkat("elsewhere", state, "captures"), 0);
	flight_request(&flight, HA_SEC);
	flight_timer(&flight, HA_SEC);
	cr_expect(flight.complained);
	cr_expect_eq(unlinkat(state, "elsewhere", AT_REMOVEDIR), 0, "nothing is in it");

	cr_assert_eq(unlinkat(state, "captures", 0), 0);
	cr_assert_eq(mkdirat(state, "captures", 0700), 0);
	captures = openat(state, "captures", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(symlinkat("../victim", captures, "capture.new"), 0);
	close(openat(state, "victim", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	flight_request(&flight, 10 * HA_SEC);
	flight_timer(&flight, 10 * HA_SEC);
	cr_expect_eq(files(name), 1);
	cr_expect_not(flight.complained);
	cr_assert_eq(fstatat(state, "victim", &st, 0), 0);
	cr_expect_eq(st.st_size, 0);
	cr_assert_eq(fstatat(captures, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	cr_expect(S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0600 && st.st_size > 0);
	close(captures);
}

Test(flight, without_a_disk_or_a_memory_it_goes_on)
{
	flight_init(&flight, &config, -1, reader);
	flight_request(&flight, HA_SEC);
	flight_timer(&flight, HA_SEC);
	flight_init(&flight, &config, state, 999);
	flight_request(&flight, HA_SEC);
	flight_timer(&flight, HA_SEC);
	cr_expect(flight.complained);
	cr_expect_eq(flight_deadline(&flight), HA_NEVER);
}

Test(flight, names_are_known_again)
{
	char name[FLIGHT_NAME_MAX];

	flight_name(name, 1769860800 * HA_SEC, 1007, FLIGHT_CHANGE);
	cr_expect_str_eq(name, "20260131T120000Z-007-change.pcapng");
	cr_expect(flight_is_name(name));
	flight_name(name, INT64_MAX, 0, FLIGHT_REQUEST);
	cr_expect(flight_is_name(name), "%s", name);
	cr_expect_not(flight_is_name(""));
	cr_expect_not(flight_is_name("20260131T120000Z-007-"));
	cr_expect_not(flight_is_name("20260131T120000Z-007-change.pcapngx"));
	cr_expect_not(flight_is_name("20260131T120000Z-00x-change.pcapng"));
	cr_expect_not(flight_is_name("capture.new"));
}
