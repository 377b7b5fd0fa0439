/* flight.c - see flight.h. */
#include "agent/flight.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "agent/capture_file.h"
#include "agent/log.h"
#include "agent/loop.h"
#include "proto/node.h"

#define DIRECTORY "captures"
#define NEW       "capture.new"

enum {
	NAMES_MAX =
		256, /* more than that are another one's: what is beyond is pruned the next time */
};

static const char *const why_name[FLIGHT_WHY_N] = {
	[FLIGHT_CHANGE] = "change",
	[FLIGHT_DEATH] = "engine",
	[FLIGHT_REQUEST] = "request",
};

void flight_init(struct flight *flight, const struct config *config, int state, int recorded)
{
	*flight = (struct flight){
		.config = config,
		.state = state,
		.recorded = recorded,
		.happened.due = HA_NEVER,
		.asked.due = HA_NEVER,
		.written = -FLIGHT_BETWEEN,
	};
}

/* ---- when ---- */

/* What is to be written already keeps its time: nothing puts it off. */
static void plan(struct flight_plan *plan, enum flight_why why, ha_time at)
{
	if (at < plan->due)
		*plan = (struct flight_plan){.due = at, .why = why};
}

static ha_time later(ha_time a, ha_time b)
{
	return a > b ? a : b;
}

/* A start that finds an active is what every boot is. */
static bool is_change(const struct store_event *event)
{
	return event->event == EVENT_STATE && event->from != event->to &&
	       !(event->from == HA_INITIALIZING && event->to == HA_PASSIVE);
}

void flight_event(struct flight *flight, const struct store_event *event, ha_time now)
{
	if (is_change(event))
		plan(&flight->happened, FLIGHT_CHANGE,
		     later(now + FLIGHT_AFTER_CHANGE, flight->written + FLIGHT_BETWEEN));
}

void flight_death(struct flight *flight, ha_time now)
{
	plan(&flight->happened, FLIGHT_DEATH,
	     later(now + FLIGHT_AFTER_DEATH, flight->written + FLIGHT_BETWEEN));
}

void flight_request(struct flight *flight, ha_time now)
{
	plan(&flight->asked, FLIGHT_REQUEST, later(now, flight->written + FLIGHT_ASKED));
}

ha_time flight_deadline(const struct flight *flight)
{
	return flight->asked.due < flight->happened.due ? flight->asked.due : flight->happened.due;
}

/* ---- names ---- */

void flight_name(char out[FLIGHT_NAME_MAX], int64_t wall_ns, unsigned number, enum flight_why why)
{
	time_t seconds = (time_t)(wall_ns / HA_SEC);
	char stamp[24];
	struct tm utc;

	if (gmtime_r(&seconds, &utc) == NULL || utc.tm_year > 9999 - 1900)
		utc = (struct tm){.tm_mday = 1};
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
	snprintf(out, FLIGHT_NAME_MAX, "%s-%03u-%s.pcapng", stamp, number % 1000, why_name[why]);
}

bool flight_is_name(const char *name)
{
	static const char pattern[] = "00000000T000000Z-000-";

	for (size_t i = 0; pattern[i] != '\0'; i++)
		if (pattern[i] == '0' ? !isdigit((unsigned char)name[i]) : name[i] != pattern[i])
			return false;
	for (unsigned why = 0; why < FLIGHT_WHY_N; why++) {
		const char *rest = name + sizeof(pattern) - 1;
		size_t len = strlen(why_name[why]);

		if (strncmp(rest, why_name[why], len) == 0 && strcmp(rest + len, ".pcapng") == 0)
			return true;
	}
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

void flight_prune(int directory, unsigned keep)
{
	char(*names)[FLIGHT_NAME_MAX] = calloc(NAMES_MAX, sizeof(*names));
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	unsigned n = 0;

	if (entries == NULL && fd >= 0)
		close(fd);
	while (names != NULL && entries != NULL && n < NAMES_MAX &&
	       (entry = readdir(entries)) != NULL)
		if (flight_is_name(entry->d_name))
			memcpy(names[n++], entry->d_name, strlen(entry->d_name) + 1);
	if (entries != NULL)
		closedir(entries);
	if (n > 0)
		qsort(names, n, sizeof(*names), compare);
	for (unsigned i = 0; n > keep && i < n - keep; i++)
		(void)unlinkat(directory, names[i], 0);
	free(names);
}

/* ---- a file ---- */

/* Its own, and no one else's: never through a link. */
static int open_directory(int state)
{
	int fd;

	if (mkdirat(state, DIRECTORY, 0700) != 0 && errno != EEXIST)
		return -errno;
	fd = openat(state, DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int check_room(int directory)
{
	struct statvfs disk;

	if (fstatvfs(directory, &disk) != 0)
		return -errno;
	return (uint64_t)disk.f_bavail * disk.f_frsize < RECORDER_LEN + FLIGHT_ROOM ? -ENOSPC : 0;
}

static int fill(struct flight *flight, int fd, struct recorder_reader *reader)
{
	ha_time now = loop_now();
	struct capture_file file;
	int error = capture_file_begin(&file, fd, flight->config);

	if (error == 0)
		error = capture_file_recorded(&file, reader, capture_file_offset(),
					      now - RECORDER_SPAN, now, false);
	return error != 0 ? error : capture_file_flush(&file);
}

static int write_new(struct flight *flight, int directory, struct recorder_reader *reader)
{
	int fd, error;

	if (unlinkat(directory, NEW, 0) != 0 && errno != ENOENT)
		return -errno;
	fd = openat(directory, NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	error = fill(flight, fd, reader);
	if (close(fd) != 0 && error == 0)
		error = -errno;
	return error;
}

static int write_into(struct flight *flight, enum flight_why why, int directory,
		      char name[FLIGHT_NAME_MAX])
{
	struct recorder_reader reader;
	int error = check_room(directory);

	if (error == 0)
		error = recorder_open(&reader, flight->recorded);
	if (error != 0)
		return error;
	error = write_new(flight, directory, &reader);
	recorder_close(&reader);
	flight_name(name, capture_file_offset() + loop_now(), flight->number, why);
	/* First those that are there: where the clock was put back, the new one has the oldest name. */
	if (error == 0) {
		flight_prune(directory, FLIGHT_FILES_MAX - 1);
		if (renameat(directory, NEW, directory, name) != 0)
			error = -errno;
	}
	if (error != 0)
		(void)unlinkat(directory, NEW, 0);
	return error;
}

static void write_file(struct flight *flight, enum flight_why why)
{
	char name[FLIGHT_NAME_MAX] = "";
	int directory = open_directory(flight->state), error = directory;

	if (directory >= 0) {
		error = write_into(flight, why, directory, name);
		close(directory);
	}
	if (error == 0) {
		flight->number = (flight->number + 1) % 1000;
		log_event(LOG_NOTICE, "capture", "file=%s/" DIRECTORY "/%s",
			  flight->config->state_directory, name);
	} else if (!flight->complained) {
		log_event(LOG_WARNING, "capture", "directory=%s/" DIRECTORY " error=%s",
			  flight->config->state_directory, strerror(-error));
	}
	flight->complained = error != 0;
}

static void write_due(struct flight *flight, struct flight_plan *plan, ha_time now)
{
	if (now < plan->due)
		return;
	plan->due = HA_NEVER;
	flight->written = now;
	if (flight->state >= 0 && flight->recorded >= 0)
		write_file(flight, plan->why);
}

void flight_timer(struct flight *flight, ha_time now)
{
	write_due(flight, &flight->asked, now);
	write_due(flight, &flight->happened, now);
}

static void hasten(struct flight_plan *plan, ha_time now)
{
	if (plan->due != HA_NEVER)
		plan->due = now;
}

void flight_end(struct flight *flight, ha_time now)
{
	hasten(&flight->asked, now);
	if (flight->happened.why != FLIGHT_DEATH) /* at the end the engine goes first */
		hasten(&flight->happened, now);
	flight_timer(flight, now);
}
