/* upgrade.c - see upgrade.h. */
#include "agent/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/privileges.h"
#include "agent/sealed.h"
#include "agent/recorder.h"

_Static_assert((int)HANDOVER_VIP_MAX >= (int)HA_VIP_MAX, "room for each address");
_Static_assert((int)HANDOVER_NAME_MAX >= (int)CONFIG_PATH_MAX, "room for each name");

int upgrade_prepare(struct upgrade *upgrade, const struct renewal *renewal, int config)
{
	int error;

	upgrade->executable = fcntl(renewal->executable, F_DUPFD_CLOEXEC, 0);
	if (upgrade->executable < 0)
		return -errno;
	upgrade->config = fcntl(config, F_DUPFD_CLOEXEC, 0);
	if (upgrade->config < 0) {
		error = -errno;
		close(upgrade->executable);
		return error;
	}
	upgrade->under_way = true;
	upgrade->in_place = renewal->format == HANDOVER_FORMAT;
	return 0;
}

void upgrade_cancel(struct upgrade *upgrade)
{
	upgrade->under_way = upgrade->held = false;
}

/* ---- here ---- */

/* Descriptors are closed by exec, unless this says otherwise. */
static int keep(const int32_t fd[HANDOVER_FD_N])
{
	for (int i = 0; i < HANDOVER_FD_N; i++)
		if (fd[i] >= 0 && fcntl(fd[i], F_SETFD, 0) != 0)
			return -errno;
	return 0;
}

static void put_vips(struct handover_vips *out, const struct ha_address *vip, unsigned n)
{
	out->n = n;
	for (unsigned i = 0; i < n; i++) {
		out->vip[i].family = vip[i].family;
		memcpy(out->vip[i].bytes, vip[i].b, sizeof(out->vip[i].bytes));
	}
}

static void describe(struct handover *out, const struct upgrade *upgrade,
		     const struct runtime *runtime, const struct config *config,
		     const struct keeper *keeper, const char *file)
{
	*out = (struct handover){
		.fd = {runtime->directory, runtime->lock, runtime->state, runtime->station,
		       runtime->control, upgrade->config},
		.uid = runtime->uid,
		.gid = runtime->gid,
		.upgrades = upgrade->count + 1,
		.restored = keeper->hold.restored,
	};
	memcpy(out->management, config->management, sizeof(out->management));
	snprintf(out->runtime_directory, sizeof(out->runtime_directory), "%s",
		 config->runtime_directory);
	snprintf(out->state_directory, sizeof(out->state_directory), "%s", config->state_directory);
	snprintf(out->file, sizeof(out->file), "%s", file);
	put_vips(&out->configured, config->vip, config->vip_n);
	if (!upgrade->held)
		return;
	out->held_until = (uint64_t)keeper->hold.deadline;
	put_vips(&out->held, keeper->vip.addresses, keeper->vip.n);
}

int upgrade_exec(struct upgrade *upgrade, const struct runtime *runtime,
		 const struct config *config, const struct keeper *keeper, const char *file)
{
	char program[] = "haagent", role[] = "guardian", option[] = "-c", number[16],
	     name[HANDOVER_NAME_MAX];
	char *const on[] = {program, role, number, NULL};
	char *const anew[] = {program, option, name, NULL};
	struct handover handover;
	int fd, error;

	snprintf(name, sizeof(name), "%s", file);
	if (!upgrade->in_place) {
		execveat(upgrade->executable, "", anew, environ, AT_EMPTY_PATH);
		return -errno;
	}
	describe(&handover, upgrade, runtime, config, keeper, file);
	fd = handover_seal(&handover);
	if (fd < 0)
		return fd;
	error = keep(handover.fd);
	if (error != 0 || fcntl(fd, F_SETFD, 0) != 0)
		return error != 0 ? error : -errno;
	snprintf(number, sizeof(number), "%d", fd);
	execveat(upgrade->executable, "", on, environ, AT_EMPTY_PATH);
	return -errno;
}

/* ---- there ---- */

static int complain(const char *what, int error)
{
	fprintf(stderr, "haagent: %s: %s\n", what, strerror(-error));
	return 1;
}

/* Its descriptors are not for children any more. */
static int take_runtime(struct runtime *runtime, const struct handover *h)
{
	*runtime = (struct runtime){
		.directory = h->fd[HANDOVER_DIRECTORY],
		.lock = h->fd[HANDOVER_LOCK],
		.state = h->fd[HANDOVER_STATE],
		.station = h->fd[HANDOVER_STATION],
		.control = h->fd[HANDOVER_CONTROL],
		.config = h->fd[HANDOVER_CONFIG],
		.uid = h->uid,
		.gid = h->gid,
	};
	for (int i = 0; i < HANDOVER_FD_N; i++)
		if (h->fd[i] >= 0 && fcntl(h->fd[i], F_SETFD, FD_CLOEXEC) != 0)
			return -errno;
	/* What the flight recorder had is the old program's: its layout may be another one. */
	runtime->recorder = recorder_make(&runtime->recorded);
	if (runtime->recorder < 0)
		return runtime->recorder;
	runtime->executable = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	return runtime->executable < 0 ? -errno : 0;
}

static unsigned get_vips(const struct handover_vips *from, struct ha_address vip[HA_VIP_MAX])
{
	unsigned n = from->n < HA_VIP_MAX ? from->n : HA_VIP_MAX;

	for (unsigned i = 0; i < n; i++) {
		vip[i].family = from->vip[i].family;
		memcpy(vip[i].b, from->vip[i].bytes, sizeof(vip[i].b));
	}
	return n;
}

static bool same_vips(const struct handover_vips *before, const struct config *config)
{
	struct ha_address vip[HA_VIP_MAX];
	unsigned n = get_vips(before, vip);

	return n == config->vip_n && memcmp(vip, config->vip, n * sizeof(*vip)) == 0;
}

/* Is what was handed over what this configuration asks for? */
static bool fits(const struct handover *h, const struct config *config)
{
	uid_t uid;
	gid_t gid;

	return strncmp(h->management, config->management, sizeof(h->management)) == 0 &&
	       strcmp(h->runtime_directory, config->runtime_directory) == 0 &&
	       strcmp(h->state_directory, config->state_directory) == 0 &&
	       same_vips(&h->configured, config) &&
	       privileges_user(config->user, &uid, &gid) == 0 && uid == h->uid && gid == h->gid;
}

/* The interface, or a directory, is another: a new start, with nothing of the old one. */
static int start_anew(const struct runtime *runtime, const char *file)
{
	char program[] = "haagent", option[] = "-c", name[HANDOVER_NAME_MAX];
	char *const argv[] = {program, option, name, NULL};

	snprintf(name, sizeof(name), "%s", file);
	execveat(runtime->executable, "", argv, environ, AT_EMPTY_PATH);
	return complain("cannot start anew", -errno);
}

int upgrade_receive(int fd, struct upgrade_gift *gift)
{
	struct handover h;
	int error = handover_unseal(fd, &h);

	if (error != 0)
		return complain("what was handed over is not understood", error);
	close(fd);
	error = take_runtime(&gift->runtime, &h);
	if (error == 0)
		error = sealed_read(gift->runtime.config, &gift->config, sizeof(gift->config));
	if (error != 0)
		return complain("cannot go on", error);
	if (!fits(&h, &gift->config))
		return start_anew(&gift->runtime, h.file);
	gift->count = h.upgrades;
	gift->restored = h.restored;
	gift->held_until = (ha_time)h.held_until;
	gift->vip_n = get_vips(&h.held, gift->vip);
	memcpy(gift->file, h.file, sizeof(gift->file));
	return 0;
}
