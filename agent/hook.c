/* hook.c - see hook.h. */
#include "agent/hook.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config.h"
#include "agent/ipc.h"
#include "agent/text.h"

#define TARGET_TIMEOUT (10 * HA_SEC)
#define RETRY_EVERY    HA_SEC

const char *hook_name(enum hook hook)
{
	static const char *const name[HOOK_N] = {"role-active", "role-passive", "role-standalone",
						 "registration"};

	return hook < HOOK_N ? name[hook] : "?";
}

static bool addresses_valid(const struct ha_address *address, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (address[i].family != HA_FAMILY_NONE && address[i].family != HA_IPV4 &&
		    address[i].family != HA_IPV6)
			return false;
	return true;
}

bool hook_occasion_valid(const struct hook_occasion *o)
{
	return o->role < ROLE_N && o->reason < REASON_N && addresses_valid(o->vip, HA_VIP_MAX) &&
	       addresses_valid(o->peer, HA_ADDRESS_MAX) && addresses_valid(o->registration, 2) &&
	       ipc_bool_valid(&o->registration_allowed) &&
	       text_valid(o->peer_name, sizeof(o->peer_name));
}

/* ---- its environment ---- */

struct environment {
	char text[3072];
	size_t len;
	char *variable[COMMAND_ENVIRONMENT_MAX + 1];
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct environment *e, const char *format,
						      ...)
{
	size_t room = sizeof(e->text) - e->len;
	va_list ap;
	int n;

	assert(e->n < COMMAND_ENVIRONMENT_MAX);
	va_start(ap, format);
	n = vsnprintf(e->text + e->len, room, format, ap);
	va_end(ap);
	assert(n > 0 && (size_t)n < room);
	e->variable[e->n++] = e->text + e->len;
	e->len += (size_t)n + 1;
}

static void add_addresses(struct environment *e, const char *name, const struct ha_address *a,
			  size_t n)
{
	char list[HA_VIP_MAX * INET6_ADDRSTRLEN] = "";
	size_t len = 0;

	assert(n <= HA_VIP_MAX);
	for (size_t i = 0; i < n; i++) {
		char text[INET6_ADDRSTRLEN];

		if (a[i].family == HA_FAMILY_NONE)
			continue;
		inet_ntop(a[i].family == HA_IPV4 ? AF_INET : AF_INET6, a[i].b, text, sizeof(text));
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", len > 0 ? " " : "",
					text);
	}
	add(e, "%s=%s", name, list);
}

_Static_assert((int)HA_ADDRESS_MAX <= (int)HA_VIP_MAX, "room for either list");

/* The other appliance has chosen it, and some line of a root's script will forget the quotes: only what a host name is
 * made of, and nothing that looks like an option. */
static void add_name(struct environment *e, const char *name, const char *value)
{
	char text[MSG_HOST_LEN + 1] = "";

	for (size_t i = 0; i < MSG_HOST_LEN && value[i] != '\0'; i++) {
		unsigned char c = (unsigned char)value[i];
		bool letter =
			(c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

		text[i] = letter || (i > 0 && (c == '-' || c == '.')) ? value[i] : '_';
	}
	add(e, "%s=%s", name, text);
}

static void describe(struct environment *e, enum hook hook, const struct hook_occasion *o)
{
	e->len = e->n = 0;
	add(e, "HAAGENT_HOOK=%s", hook_name(hook));
	add(e, "HAAGENT_TRANSITION=%llu", (unsigned long long)o->transition);
	add(e, "HAAGENT_ROLE=%s", node_role_name((enum node_role)o->role));
	add(e, "HAAGENT_REASON=%s", reason_text((enum ha_reason)o->reason));
	add(e, "HAAGENT_RULE=%s", reason_rule((enum ha_reason)o->reason));
	add(e, "HAAGENT_TERM=%llu", (unsigned long long)o->term);
	add_addresses(e, "HAAGENT_VIRTUAL_IPS", o->vip, HA_VIP_MAX);
	add_name(e, "HAAGENT_PEER", o->peer_name);
	add_addresses(e, "HAAGENT_PEER_ADDRESSES", o->peer, HA_ADDRESS_MAX);
	add(e, "HAAGENT_REGISTRATION_ALLOWED=%s", o->registration_allowed ? "yes" : "no");
	add_addresses(e, "HAAGENT_REGISTRATION_ADDRESSES", o->registration, 2);
	e->variable[e->n] = NULL;
}

/* ---- its file ---- */

/* Can others than root put another in the place of this directory? Where all may write they cannot if it is sticky, as
 * /tmp is. */
static bool is_replaceable(int directory)
{
	int at = fcntl(directory, F_DUPFD_CLOEXEC, 0);
	struct stat in, above;
	bool bad = at < 0 || fstat(at, &in) != 0, top = false;

	while (!bad && !top) {
		int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		close(at);
		at = up;
		bad = at < 0 || fstat(at, &above) != 0 ||
		      (above.st_uid != 0 && above.st_uid != geteuid()) ||
		      ((above.st_mode & 022) != 0 && (above.st_mode & S_ISVTX) == 0);
		top = !bad && above.st_dev == in.st_dev && above.st_ino == in.st_ino;
		in = above;
	}
	if (at >= 0)
		close(at);
	return bad;
}

/* The name without links of an open directory, and the file's behind it: what was looked at is what is run. */
static bool name_file(char out[PATH_MAX], int directory, const char *name)
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
	n = readlink(link, out, PATH_MAX);
	if (n < 0 || n >= PATH_MAX)
		return false;
	return snprintf(out + n, PATH_MAX - (size_t)n, "/%s", name) < PATH_MAX - n;
}

/* Only root can have written it, and put it where it is. A symbolic link says nothing of the directory that it
 * leads to, and is refused. */
bool hook_may_run(const char *directory, const char *name, char path[PATH_MAX], const char **why)
{
	struct stat in, file;
	int fd;

	*why = NULL;
	if (directory[0] == '\0')
		return false;
	fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		if (errno != ENOENT)
			*why = strerror(errno);
		return false;
	}
	if (fstat(fd, &in) != 0 || fstatat(fd, name, &file, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			*why = strerror(errno);
	} else if (in.st_uid != geteuid() || (in.st_mode & 022) != 0) {
		*why = "others than root can write in the directory";
	} else if (is_replaceable(fd)) {
		*why = "others than root can replace the directory";
	} else if (!name_file(path, fd, name)) {
		*why = "its name is too long";
	} else if (!S_ISREG(file.st_mode)) {
		*why = "not a regular file";
	} else if (file.st_uid != geteuid() || (file.st_mode & 022) != 0) {
		*why = "others than root can write it";
	} else if ((file.st_mode & 0111) == 0) {
		*why = "not executable";
	} else {
		close(fd);
		return true;
	}
	close(fd);
	return false;
}

/* ---- the queue ---- */

static void report(struct hooks *hooks, enum command_outcome outcome, int status, ha_time took,
		   const char *output)
{
	hooks->outcome = outcome;
	hooks->status = status;
	hooks->took = took;
	text_tail(hooks->output, sizeof(hooks->output), output, strlen(output));
	hooks->ended(hooks->arg, hooks);
}

static bool is_role(const struct hooks *hooks)
{
	return hooks->hook != HOOK_REGISTRATION;
}

/* False: it has been reported that it could not. */
static bool start(struct hooks *hooks, struct command *command, const char *line,
		  const char *argument, ha_time timeout, ha_time now)
{
	struct environment environment;
	int error;

	describe(&environment, hooks->hook, hooks->occasion);
	error = command_start(command, line, argument, environment.variable, timeout, now);
	if (error != 0)
		report(hooks, COMMAND_UNSTARTED, error, 0, strerror(-error));
	return error == 0;
}

static bool start_file(struct hooks *hooks, ha_time now)
{
	const char *name = hook_name(hooks->hook), *why;
	char path[PATH_MAX];

	if (!hook_may_run(hooks->directory, name, path, &why)) {
		if (why != NULL)
			report(hooks, COMMAND_MISSING, 0, 0, why);
		return false;
	}
	return start(hooks, &hooks->command, "exec \"$1\"", path, hooks->timeout, now);
}

/* Standalone it works as an active does. The two conflict: to start one stops the other. Not if the role is another by
 * now: what works in the old one only would begin, and go on beside the peer's until the new one's hook has ended. */
static bool start_target(struct hooks *hooks, ha_time now)
{
	const char *line = "exec \"$1\" --no-block start haagent-active.target";

	if (!is_role(hooks) || hooks->systemctl == NULL || hooks->news[HOOK_KIND_ROLE].waits)
		return false;
	if (hooks->hook == HOOK_ROLE_PASSIVE)
		line = "exec \"$1\" --no-block start haagent-passive.target";
	return start(hooks, &hooks->target, line, hooks->systemctl, TARGET_TIMEOUT, now);
}

/* What this appliance is comes before what follows from it. */
static struct hook_news *next_news(struct hooks *hooks)
{
	for (int kind = 0; kind < HOOK_KIND_N; kind++)
		if (hooks->news[kind].waits)
			return &hooks->news[kind];
	return NULL;
}

static enum hook hook_of_role(uint8_t role)
{
	if (role == ROLE_ACTIVE)
		return HOOK_ROLE_ACTIVE;
	return role == ROLE_PASSIVE ? HOOK_ROLE_PASSIVE : HOOK_ROLE_STANDALONE;
}

/* Starts what comes next until something runs, or nothing waits. A hook that not even SIGKILL ends is waited for: the
 * next one is told late then, and not never. */
static void proceed(struct hooks *hooks, ha_time now)
{
	struct hook_news *news;

	hooks->retry_at = HA_NEVER;
	while (hooks->step != HOOK_STEP_TARGET) {
		if (hooks->step == HOOK_STEP_FILE && start_target(hooks, now)) {
			hooks->step = HOOK_STEP_TARGET;
			return;
		}
		hooks->step = HOOK_STEP_NONE;
		news = next_news(hooks);
		if (news == NULL)
			return;
		if (hooks->command.phase == COMMAND_STUCK) {
			hooks->retry_at = now + RETRY_EVERY;
			return;
		}
		news->waits = false;
		news->told = true;
		news->last = news->waiting;
		hooks->occasion = &news->last;
		hooks->hook = news == &hooks->news[HOOK_KIND_ROLE] ? hook_of_role(news->last.role)
								   : HOOK_REGISTRATION;
		hooks->step = HOOK_STEP_FILE;
		if (start_file(hooks, now))
			return;
	}
}

static void settle(struct hooks *hooks, ha_time now)
{
	bool runs = hooks->step != HOOK_STEP_NONE && is_role(hooks);

	if (runs || (hooks->news[HOOK_KIND_ROLE].waits && hooks->command.phase != COMMAND_STUCK))
		hooks->settled = HA_NEVER;
	else if (hooks->settled == HA_NEVER)
		hooks->settled = now;
}

ha_time hooks_settled(const struct hooks *hooks)
{
	return hooks->settled;
}

static void on_done(void *arg, struct command *command)
{
	struct hooks *hooks = arg;
	char output[COMMAND_OUTPUT_MAX];

	if (hooks->step == HOOK_STEP_FILE || command->outcome != COMMAND_PASSED) {
		command_output(command, output, sizeof(output));
		report(hooks, command->outcome, command->status, command->took, output);
	}
	if (hooks->step == HOOK_STEP_TARGET)
		hooks->step = HOOK_STEP_NONE;
	proceed(hooks, loop_now());
	settle(hooks, loop_now());
}

void hooks_init(struct hooks *hooks, const char *directory, ha_time timeout, struct loop *loop,
		void (*ended)(void *, const struct hooks *), void *arg)
{
	*hooks = (struct hooks){
		.directory = directory,
		.timeout = timeout,
		.systemctl = access("/run/systemd/system", F_OK) == 0 ? "systemctl" : NULL,
		.retry_at = HA_NEVER,
		.ended = ended,
		.arg = arg,
	};
	command_init(&hooks->command, loop, on_done, hooks);
	command_init(&hooks->target, loop, on_done, hooks);
}

static bool same_role(const struct hook_occasion *a, const struct hook_occasion *b)
{
	return a->role == b->role;
}

static bool same_registration(const struct hook_occasion *a, const struct hook_occasion *b)
{
	return a->registration_allowed == b->registration_allowed &&
	       ha_address_equal(&a->registration[0], &b->registration[0]) &&
	       ha_address_equal(&a->registration[1], &b->registration[1]);
}

/* What is as it was told last is no news, and takes back what waits. */
static void consider(struct hook_news *news, const struct hook_occasion *o,
		     bool (*same)(const struct hook_occasion *, const struct hook_occasion *))
{
	news->waits = !news->told || !same(&news->last, o);
	if (news->waits)
		news->waiting = *o;
}

void hooks_occasion(struct hooks *hooks, const struct hook_occasion *o, ha_time now)
{
	struct hook_news *registration = &hooks->news[HOOK_KIND_REGISTRATION];
	bool decided = o->role != ROLE_NONE;

	if (decided)
		consider(&hooks->news[HOOK_KIND_ROLE], o, same_role);
	/* Where nothing has been told yet there is nothing to take back. */
	if (decided || registration->told || registration->waits)
		consider(registration, o, same_registration);
	settle(hooks, now); /* what waits, even if there is no such hook */
	if (hooks->step == HOOK_STEP_NONE)
		proceed(hooks, now);
	settle(hooks, now);
}

static ha_time earlier(ha_time a, ha_time b)
{
	return a < b ? a : b;
}

ha_time hooks_deadline(const struct hooks *hooks)
{
	return earlier(hooks->retry_at, earlier(command_deadline(&hooks->command),
						command_deadline(&hooks->target)));
}

void hooks_timer(struct hooks *hooks, ha_time now)
{
	command_timer(&hooks->command, now);
	command_timer(&hooks->target, now);
	if (now >= hooks->retry_at)
		proceed(hooks, now);
	settle(hooks, now);
}

void hooks_close(struct hooks *hooks)
{
	command_kill(&hooks->command);
	command_kill(&hooks->target);
	hooks->step = HOOK_STEP_NONE;
	hooks->retry_at = HA_NEVER;
}
