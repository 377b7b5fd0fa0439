/* main.c - the command line, and the loop of a running console. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/file.h"
#include "agent/log.h"
#include "console/hosts.h"
#include "console/metrics.h"
#include "console/request.h"
#include "console/server.h"
#include "console/state.h"

enum main_exit {
	EXIT_WELL = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

enum {
	LISTEN_FD = 3,
	OTHER_FDS = 32,    /* beside the connections */
	PARTING_MS = 1000, /* what is on its way at the end has so long to get there */
	CERTIFICATE_WARN_S = 14 * 86400,
};

#define SETTLE (20 * HA_MS)

/* ---- the agent's dumps ---- */

static void resume_waiting(struct console *console)
{
	struct request *request;

	while ((request = console->waiting) != NULL) {
		console->waiting = request->next;
		request_resume(request);
	}
}

static void on_dump(void *arg, const json_t *dump, const char *why)
{
	struct console *console = arg;
	ha_time now = loop_now();
	json_t *live, *state = state_make(dump, why, &live);
	bool same = console->state != NULL && json_equal(state, console->state);

	/* Whoever only listens asks for nothing by which it would be seen that he may no more. */
	if (console->events.n > 0)
		(void)accounts_refresh(&console->accounts, &console->sessions);
	json_decref(console->live);
	json_decref(console->dump);
	console->dump = json_incref((json_t *)(uintptr_t)dump);
	console->live = live;
	console->state_at = now;
	if (same) {
		json_decref(state);
		events_live(console, now);
	} else {
		json_decref(console->state);
		console->state = state;
		events_state(console);
	}
	resume_waiting(console);
}

/* ---- the loop ---- */

/* The service manager starts a console anew that does not come round any more. When it wants to hear again. */
static ha_time keep_alive(struct console *console, ha_time now)
{
	if (console->notify.interval == 0)
		return HA_NEVER;
	if (now >= console->alive_at) {
		notify_send(&console->notify, "WATCHDOG=1");
		console->alive_at = now + console->notify.interval;
	}
	return console->alive_at;
}

static bool is_wanted(const struct console *console)
{
	return console->events.n > 0 || console->waiting != NULL;
}

static ha_time earlier(ha_time a, ha_time b)
{
	return a < b ? a : b;
}

static void on_timer(void *arg, ha_time now)
{
	struct console *console = arg;

	agent_timer(&console->agent, now);
	events_timer(console, now);
}

/* One wake: what is ready, then what browsers want. */
static int run_once(struct console *console)
{
	ha_time at;
	int error = loop_run_once(&console->loop);

	if (error != 0)
		return error;
	at = server_run(console);
	agent_want(&console->agent, is_wanted(console), loop_now());
	at = earlier(at, agent_deadline(&console->agent));
	at = earlier(at, events_deadline(&console->events));
	at = earlier(at, connections_deadline(&console->connections));
	at = earlier(at, keep_alive(console, loop_now()));
	loop_arm(&console->loop, at);
	return 0;
}

static void on_password(void *arg, uint32_t events)
{
	struct console *console = arg;

	(void)events;
	password_ready(&console->password);
}

static void on_signal(void *arg, int signal)
{
	struct console *console = arg;

	(void)signal;
	console->stopping = true;
}

/* ---- start ---- */

/* What the service manager hands over, or -1. */
static int handed_over(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
	int listening = 0;
	socklen_t len = sizeof(listening);

	if (pid == NULL || n == NULL || strtol(pid, NULL, 10) != getpid() || strcmp(n, "1") != 0)
		return -1;
	if (getsockopt(LISTEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 || !listening)
		return -1;
	(void)fcntl(LISTEN_FD, F_SETFD, FD_CLOEXEC);
	(void)fcntl(LISTEN_FD, F_SETFL, fcntl(LISTEN_FD, F_GETFL) | O_NONBLOCK);
	return LISTEN_FD;
}

static int complain(const char *what, int error)
{
	fprintf(stderr, "haconsole: %s: %s\n", what, strerror(-error));
	return error;
}

static int read_token(struct console *console)
{
	const char *path = console->conf.metrics_token_file;
	size_t len = 0;
	int error;

	if (*path == '\0')
		return 0;
	error = file_read(AT_FDCWD, path, (uint8_t *)console->metrics_token, CONF_TOKEN_MAX, &len);
	if (error != 0)
		return complain(path, error);
	console->metrics_token[len] = '\0';
	console->metrics_token[strcspn(console->metrics_token, "\r\n")] = '\0';
	if (strlen(console->metrics_token) >= CONF_TOKEN_MIN)
		return 0;
	fprintf(stderr,
		"haconsole: %s: a token has %d characters at least: nobody counts how often "
		"one is guessed\n",
		path, CONF_TOKEN_MIN);
	return -EINVAL;
}

static int watch_signals(struct console *console)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	return loop_signals(&console->loop, &set, on_signal, console);
}

static int check_state(const struct console *console)
{
	const char *name = console->conf.state_directory;
	struct stat st;

	if (mkdir(name, 0700) != 0 && errno != EEXIST)
		return complain(name, -errno);
	if (stat(name, &st) != 0)
		return complain(name, -errno);
	if (st.st_uid == geteuid() && (st.st_mode & 077) == 0)
		return 0;
	fprintf(stderr, "haconsole: %s has to be this user's alone: mode 700\n", name);
	return -EPERM;
}

/* Descriptors for all connections: without, whoever is at the machine would find no place, either. */
static int check_limit(const struct console *console)
{
	struct rlimit limit;
	rlim_t need = console->connections.places + OTHER_FDS;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
		return 0;
	limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= need)
		return 0;
	fprintf(stderr, "haconsole: %u connections take %ju open files, and only %ju are allowed\n",
		console->conf.connections, (uintmax_t)need, (uintmax_t)limit.rlim_cur);
	return -EMFILE;
}

static int open_all(struct console *console, struct tls *tls)
{
	const struct conf *conf = &console->conf;
	int error = loop_init(&console->loop, on_timer, console);

	if (error == 0)
		error = watch_signals(console);
	if (error == 0)
		error = connections_open(&console->connections, conf->connections,
					 conf->connections_per_address);
	if (error == 0)
		error = check_limit(console);
	if (error == 0)
		error = password_open(&console->password);
	if (error == 0)
		error = loop_add(&console->loop, console->password.event, on_password, console);
	if (error != 0)
		return complain("start", error);
	websession_init(&console->sessions, (ha_time)conf->idle_s * HA_SEC,
			(ha_time)conf->session_s * HA_SEC);
	accounts_init(&console->accounts, conf->state_directory);
	agent_init(&console->agent, &console->loop, conf->control, on_dump, console);
	events_init(&console->events);
	error = server_open(console, tls, handed_over());
	return error != 0 ? complain("cannot listen", error) : 0;
}

/* One of its own is made anew in time; a given one is somebody else's to renew. */
static void warn_of_end(const struct tls *tls)
{
	char day[sizeof("YYYY-MM-DD")] = "";
	struct tm tm;

	if (tls->ends > time(NULL) + CERTIFICATE_WARN_S || gmtime_r(&tls->ends, &tm) == NULL)
		return;
	(void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	log_event(LOG_WARNING, "certificate", "ends=%s remedy=%s", day,
		  "browsers refuse it from then on: give another one, and restart the console");
}

static void announce(struct console *console, const struct tls *tls)
{
	int error = accounts_refresh(&console->accounts, &console->sessions);

	log_event(LOG_NOTICE, "start", "version=%s port=%u certificate=%s", HA_VERSION,
		  server_port(console), tls->fingerprint);
	warn_of_end(tls);
	if (error != 0)
		log_event(LOG_ERR, "accounts", "error=%s", strerror(-error));
	else if (console->accounts.n == 0)
		log_event(LOG_WARNING, "accounts", "n=0 remedy=%s",
			  "nobody can log in: run haconsole --set-password admin");
}

/* Whatever waits is answered, and what is on its way gets there, or has had its time. */
static void part(struct console *console)
{
	ha_time until = loop_now() + (ha_time)PARTING_MS * HA_MS;

	notify_send(&console->notify, "STOPPING=1");
	server_quiesce(console);
	events_close(console);
	agent_close(&console->agent);
	password_close(&console->password);
	resume_waiting(console);
	while (console->connections.n > 0 && loop_now() < until) {
		(void)server_run(console);
		usleep(SETTLE / HA_US);
	}
	server_close(console);
	connections_close(&console->connections);
	loop_close(&console->loop);
	json_decref(console->state);
	json_decref(console->live);
	json_decref(console->dump);
	history_close(&console->history);
}

static int serve(const struct conf *conf)
{
	static struct console console;
	static struct tls tls;
	int error;

	if (geteuid() == 0) {
		fprintf(stderr, "haconsole: does not run as root: start it as %s\n", conf->user);
		return EXIT_FAILED;
	}
	if (tls_check(conf) != 0)
		return EXIT_USAGE;
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TRIM_THRESHOLD, 256 * 1024);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	console.conf = *conf;
	console.tls = &tls;
	notify_open(&console.notify);
	gethostname(console.host_name, sizeof(console.host_name) - 1);
	hosts_domains(&console.domains);
	error = check_state(&console);
	if (error == 0)
		error = read_token(&console);
	if (error == 0)
		error = tls_load(&tls, conf, console.host_name);
	if (error == 0)
		error = open_all(&console, &tls);
	sodium_memzero(tls.key, sizeof(tls.key));
	if (error != 0)
		return EXIT_FAILED;
	console.certificate_ends = tls.ends;
	announce(&console, &tls);
	notify_send(&console.notify, "READY=1");
	loop_arm(&console.loop, 1);
	while (!console.stopping && error == 0)
		error = run_once(&console);
	part(&console);
	log_event(LOG_NOTICE, "stop", "error=%s", error != 0 ? strerror(-error) : "none");
	return error != 0 ? EXIT_FAILED : EXIT_WELL;
}

/* ---- the command line ---- */

static void usage(FILE *out)
{
	fputs("usage: haconsole [-c FILE] [--set-password USER | --remove-user USER | "
	      "--check-config]\n"
	      "Without an option: the management console, in the foreground, as its own user.\n"
	      "  --set-password USER  make an account, or give it another password\n"
	      "  --remove-user USER   take an account away; its sessions end\n"
	      "  --check-config       list the mistakes of the configuration\n"
	      "  --help, --version\n"
	      "FILE is " CONF_DEFAULT_FILE " if not given.\n",
	      out);
}

/* As the service would read it, where root asks: with its user's rights, so that a key that it may not read is a mistake. */
static int check_config(const struct conf *conf, const char *file)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam(conf->user) : NULL;

	if (user != NULL && (initgroups(conf->user, user->pw_gid) != 0 ||
			     setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
			     setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)) {
		complain(conf->user, -errno);
		return EXIT_FAILED;
	}
	if (tls_check(conf) != 0)
		return EXIT_USAGE;
	printf("%s: ok\n", file);
	return EXIT_WELL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"set-password", required_argument, NULL, 'p'},
		{"remove-user", required_argument, NULL, 'r'},
		{"check-config", no_argument, NULL, 'C'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	const char *file = CONF_DEFAULT_FILE, *user = NULL;
	struct conf conf;
	int c, action = 0, actions = 0;

	while ((c = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			file = optarg;
			break;
		case 'p':
		case 'r':
		case 'C':
			actions++;
			action = c;
			user = optarg;
			break;
		case 'h':
			usage(stdout);
			return EXIT_WELL;
		case 'V':
			puts("haconsole " HA_VERSION);
			return EXIT_WELL;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc || actions > 1) {
		usage(stderr);
		return EXIT_USAGE;
	}
	umask(077);
	if (sodium_init() < 0)
		return EXIT_FAILED;
	if (conf_read(&conf, file, stderr) != 0)
		return EXIT_USAGE;
	switch (action) {
	case 'p':
		return accounts_ask(conf.state_directory, conf.user, user);
	case 'r':
		return accounts_take_away(conf.state_directory, conf.user, user);
	case 'C':
		return check_config(&conf, file);
	default:
		log_open("haconsole");
		return serve(&conf);
	}
}
