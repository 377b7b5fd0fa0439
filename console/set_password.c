/* set_password.c - haconsole --set-password, at a terminal of the machine; and --remove-user. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "console/accounts.h"

/* Root makes the directory where it is missing, and is its owner from then on: in a directory that another user may
 * write in, root opens nothing. False: said why. */
static bool become_owner(const char *directory, const char *name)
{
	const struct passwd *user = getpwnam(name);
	uid_t uid = user != NULL ? user->pw_uid : 0;
	gid_t gid = user != NULL ? user->pw_gid : 0;
	struct stat st;

	if (geteuid() != 0)
		return true;
	if (user == NULL || uid == 0) {
		fprintf(stderr, "haconsole: %s is no user that the console could run as\n", name);
		return false;
	}
	if (mkdir(directory, 0700) == 0 && lchown(directory, uid, gid) != 0) {
		fprintf(stderr, "haconsole: %s: %s\n", directory, strerror(errno));
		return false;
	}
	if (lstat(directory, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != uid) {
		fprintf(stderr, "haconsole: %s is no directory of %s\n", directory, name);
		return false;
	}
	if (setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
	    setresuid(uid, uid, uid) == 0)
		return true;
	fprintf(stderr, "haconsole: cannot go on as %s: %s\n", name, strerror(errno));
	return false;
}

static void on_signal(int signal)
{
	(void)signal; /* that reading ends is all */
}

/* Whoever thinks better of it, or is hung up on, gets a terminal back that shows what is typed. */
static void catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP};
	const struct sigaction ends = {.sa_handler = on_signal};

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &ends, NULL);
}

/* One line of the terminal, which does not show it. Its length, or -1. */
static ssize_t ask(FILE *terminal, const char *question, char out[ACCOUNTS_PASSWORD_MAX + 2])
{
	struct termios before, quiet;
	char *line;

	if (tcgetattr(fileno(terminal), &before) != 0)
		return -1;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fileno(terminal), TCSAFLUSH, &quiet);
	fprintf(terminal, "%s: ", question);
	fflush(terminal);
	line = fgets(out, ACCOUNTS_PASSWORD_MAX + 2, terminal);
	tcsetattr(fileno(terminal), TCSAFLUSH, &before);
	fputc('\n', terminal);
	if (line == NULL)
		return -1;
	out[strcspn(out, "\n")] = '\0';
	return (ssize_t)strlen(out);
}

static bool is_name(const char *user)
{
	if (accounts_is_name(user))
		return true;
	fprintf(stderr,
		"haconsole: '%s' is no name of an account: up to 32 letters, digits, '.', '-' and "
		"'_'\n",
		user);
	return false;
}

static const char *mistake(const char *password, ssize_t len, const char *again)
{
	if (len < ACCOUNTS_PASSWORD_MIN)
		return "a password has ten characters at least";
	if (len > ACCOUNTS_PASSWORD_MAX)
		return "a password has 256 bytes at most";
	return strcmp(password, again) != 0 ? "the two are not the same" : NULL;
}

int accounts_ask(const char *state_directory, const char *owner, const char *user)
{
	char password[ACCOUNTS_PASSWORD_MAX + 2] = "", again[ACCOUNTS_PASSWORD_MAX + 2] = "";
	FILE *terminal;
	struct accounts accounts;
	const char *wrong;
	ssize_t len;
	int error;

	if (!is_name(user))
		return 2;
	terminal = fopen("/dev/tty", "r+e");
	if (terminal == NULL) {
		fprintf(stderr, "haconsole: a password is asked for at a terminal: %s\n",
			strerror(errno));
		return 1;
	}
	if (!become_owner(state_directory, owner)) {
		fclose(terminal);
		return 1;
	}
	catch_signals();
	len = ask(terminal, "New password", password);
	wrong = len < 0 || ask(terminal, "Once more", again) < 0 ? "nothing was typed"
								 : mistake(password, len, again);
	fclose(terminal);
	accounts_init(&accounts, state_directory);
	error = wrong == NULL ? accounts_set(&accounts, user, password) : 0;
	sodium_memzero(password, sizeof(password));
	sodium_memzero(again, sizeof(again));
	if (wrong != NULL)
		fprintf(stderr, "haconsole: %s; nothing was changed\n", wrong);
	else if (error != 0)
		fprintf(stderr, "haconsole: %s: %s\n", accounts.path, strerror(-error));
	else
		printf("%s may log in with this password.\n", user);
	return wrong == NULL && error == 0 ? 0 : 1;
}

int accounts_take_away(const char *state_directory, const char *owner, const char *user)
{
	struct accounts accounts;
	int error;

	if (!is_name(user))
		return 2;
	if (!become_owner(state_directory, owner))
		return 1;
	accounts_init(&accounts, state_directory);
	error = accounts_remove(&accounts, user);
	if (error == 0)
		printf("%s may log in no more.\n", user);
	else if (error == -ENOENT)
		fprintf(stderr, "haconsole: there is no account %s\n", user);
	else
		fprintf(stderr, "haconsole: %s: %s\n", accounts.path, strerror(-error));
	return error == 0 ? 0 : 1;
}
