/* runtime.c - see runtime.h. */
#include "agent/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/ipc.h"
#include "agent/privileges.h"
#include "agent/recorder.h"
#include "agent/sealed.h"

enum {
	CONTROL_BACKLOG = 16,
};

static int complain(const char *what, const char *name, int error)
{
	fprintf(stderr, "haagent: %s %s: %s\n", what, name, strerror(-error));
	return error;
}

/* So that nothing that is opened later stands where somebody writes messages to. */
static void open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* A directory that is made here is 0750 root:group. One that was there is taken as it is, if
 * only root can write in it. */
static int open_directory(const char *name, gid_t gid)
{
	bool made = mkdir(name, 0750) == 0;
	struct stat status;
	int fd;

	if (!made && errno != EEXIST)
		return complain("cannot make the runtime directory", name, -errno);
	fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) != 0)
		return complain("cannot open the runtime directory", name, -errno);
	if (made && (fchown(fd, 0, gid) != 0 || fchmod(fd, 0750) != 0))
		return complain("cannot set the owner of the runtime directory", name, -errno);
	if (!made && (status.st_uid != 0 || (status.st_mode & 022) != 0)) {
		fprintf(stderr, "haagent: others than root can write in the runtime directory %s\n",
			name);
		return -EPERM;
	}
	return fd;
}

static int take_lock(int directory, const char *name)
{
	int fd = openat(directory, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return complain("cannot open the lock in", name, -errno);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (errno != EWOULDBLOCK)
		return complain("cannot lock", name, -errno);
	fprintf(stderr, "haagent: another haagent is running with runtime_directory %s\n", name);
	return -EBUSY;
}

/* One state is one node: two that count terms in it would outdo each other. A directory that is missing or not accessible
 * is the steward's to complain about. */
static int lock_state(struct runtime *runtime, const char *name)
{
	(void)mkdir(name, 0700);
	runtime->state = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (runtime->state < 0 || flock(runtime->state, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return complain("cannot lock", name, -errno);
	fprintf(stderr, "haagent: another haagent is running with state_directory %s\n", name);
	return -EBUSY;
}

/* Whoever has that name: is it root? Names like this one are anybody's. */
static bool is_roots(const struct sockaddr_un *address, socklen_t len)
{
	struct ucred owner = {.uid = (uid_t)-1};
	socklen_t owner_len = sizeof(owner);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	if (connect(fd, (const struct sockaddr *)address, len) == 0)
		(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &owner_len);
	else if (errno == EAGAIN) /* its queue is full of others that asked */
		owner.uid = 0;
	close(fd);
	return owner.uid == 0;
}

/* One guardian for an interface: it sweeps what others put there. An abstract socket is a name in the network
 * namespace, like the interface. */
static int lock_station(struct runtime *runtime, const char *ifname)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "haagent-%s", ifname);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);

	runtime->station = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (runtime->station < 0)
		return complain("cannot make a socket for", ifname, -errno);
	if (bind(runtime->station, (const struct sockaddr *)&address, len) == 0)
		return listen(runtime->station, 1) == 0 ? 0
							: complain("cannot claim", ifname, -errno);
	if (errno != EADDRINUSE)
		return complain("cannot claim", ifname, -errno);
	if (!is_roots(&address, len))
		return 0; /* somebody without the right to it: no reason to stay down */
	fprintf(stderr, "haagent: another haagent is running on interface %s\n", ifname);
	return -EBUSY;
}

static int open_control(int directory, const char *name, gid_t gid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", name);
	int fd;

	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return complain("no socket can be made in", name, -ENAMETOOLONG);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return complain("cannot open the control socket in", name, -errno);
	/* The lock is ours: whoever made the old one is gone. */
	if (unlinkat(directory, "control", 0) != 0 && errno != ENOENT)
		return complain("cannot remove the old control socket in", name, -errno);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    fchownat(directory, "control", 0, gid, AT_SYMLINK_NOFOLLOW) != 0 ||
	    fchmodat(directory, "control", 0660, 0) != 0 || listen(fd, CONTROL_BACKLOG) != 0)
		return complain("cannot make the control socket in", name, -errno);
	return fd;
}

int runtime_seal(const struct config *config)
{
	int fd = sealed_make("haagent-config", config, sizeof(*config));

	return fd < 0 ? complain("cannot seal", "the configuration", fd) : fd;
}

static int find_user(struct runtime *runtime, const char *name)
{
	int error = privileges_user(name, &runtime->uid, &runtime->gid);

	if (error == -ENOENT)
		fprintf(stderr,
			"haagent: there is no user %s: run scripts/install-deps, or\n"
			"\tuseradd --system --no-create-home --shell /usr/sbin/nologin "
			"--user-group %s\n",
			name, name);
	else if (error == -EINVAL)
		fprintf(stderr, "haagent: user %s is root, or in root's group\n", name);
	else if (error != 0)
		complain("cannot look up user", name, error);
	return error;
}

int runtime_open(struct runtime *runtime, const struct config *config)
{
	const char *name = config->runtime_directory;
	int error;

	*runtime = (struct runtime){-1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 0};
	umask(077);
	open_standard();
	error = find_user(runtime, config->user);
	if (error != 0)
		return error;
	runtime->executable = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (runtime->executable < 0)
		return complain("cannot open", "/proc/self/exe", -errno);
	runtime->directory = open_directory(name, runtime->gid);
	if (runtime->directory < 0)
		return runtime->directory;
	runtime->lock = take_lock(runtime->directory, name);
	if (runtime->lock < 0)
		return runtime->lock;
	error = lock_state(runtime, config->state_directory);
	if (error == 0)
		error = lock_station(runtime, config->management);
	if (error != 0)
		return error;
	runtime->control = open_control(runtime->directory, name, runtime->gid);
	if (runtime->control < 0)
		return runtime->control;
	runtime->recorder = recorder_make(&runtime->recorded);
	if (runtime->recorder < 0)
		return complain("cannot make", "the flight recorder's memory", runtime->recorder);
	runtime->config = runtime_seal(config);
	return runtime->config < 0 ? runtime->config : 0;
}

void runtime_close(struct runtime *runtime)
{
	close(runtime->control);
	unlinkat(runtime->directory, "control", 0);
}

int runtime_config(struct config *out)
{
	return sealed_read(IPC_FD_CONFIG, out, sizeof(*out));
}
