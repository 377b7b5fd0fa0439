/* accounts.c - see accounts.h. */
#include "console/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "agent/file.h"

void accounts_init(struct accounts *accounts, const char *state_directory)
{
	*accounts = (struct accounts){0};
	snprintf(accounts->path, sizeof(accounts->path), "%s/accounts", state_directory);
}

bool accounts_is_name(const char *user)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_";

	return *user != '\0' && strchr(".-_", *user) == NULL &&
	       strspn(user, allowed) == strlen(user) && strlen(user) < WEBSESSION_USER_MAX;
}

static unsigned place_of(const struct accounts *accounts, const char *user)
{
	unsigned i = 0;

	while (i < accounts->n && strcmp(accounts->account[i].user, user) != 0)
		i++;
	return i;
}

const struct account *accounts_find(const struct accounts *accounts, const char *user)
{
	unsigned i = place_of(accounts, user);

	return i < accounts->n ? &accounts->account[i] : NULL;
}

/* A line that is none of ours is left out: an account less, never one that nobody made. */
static void take_line(struct accounts *accounts, const char *line)
{
	const char *colon = strchr(line, ':');
	struct account account = {0};

	if (colon == NULL || accounts->n == ACCOUNTS_MAX ||
	    (size_t)(colon - line) >= sizeof(account.user) ||
	    strlen(colon + 1) >= sizeof(account.hash))
		return;
	memcpy(account.user, line, (size_t)(colon - line));
	memcpy(account.hash, colon + 1, strlen(colon + 1));
	if (accounts_is_name(account.user) &&
	    strncmp(account.hash, crypto_pwhash_STRPREFIX, strlen(crypto_pwhash_STRPREFIX)) == 0 &&
	    accounts_find(accounts, account.user) == NULL)
		accounts->account[accounts->n++] = account;
}

static int read_all(struct accounts *accounts)
{
	char text[ACCOUNTS_FILE_MAX + 1], *at = text, *line;
	size_t len = 0;
	int error = file_read(AT_FDCWD, accounts->path, (uint8_t *)text, ACCOUNTS_FILE_MAX, &len);

	accounts->n = 0;
	if (error != 0)
		return error == -ENOENT ? 0 : error;
	text[len] = '\0';
	while ((line = strsep(&at, "\n")) != NULL)
		take_line(accounts, line);
	sodium_memzero(text, sizeof(text));
	return 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Whoever was there with another hash, or is there no more. */
static void end_changed(const struct accounts *before, const struct accounts *now,
			struct websessions *sessions)
{
	for (unsigned i = 0; i < before->n; i++) {
		const struct account *old = &before->account[i];
		const struct account *new = accounts_find(now, old->user);

		if (new == NULL || strcmp(new->hash, old->hash) != 0)
			websession_end_user(sessions, old->user);
	}
}

int accounts_refresh(struct accounts *accounts, struct websessions *sessions)
{
	struct stat st = {0};
	struct accounts before;
	int error;

	(void)stat(accounts->path, &st); /* not there: all zero, as another file */
	if (accounts->read && is_same(&st, &accounts->seen))
		return 0;
	before = *accounts;
	error = read_all(accounts);
	accounts->seen = st;
	accounts->read = error == 0;
	accounts->changes++;
	if (sessions != NULL)
		end_changed(&before, accounts, sessions);
	sodium_memzero(&before, sizeof(before));
	return error;
}

/* The state directory, and nobody else changes accounts until it is closed; or -errno. */
static int lock(const struct accounts *accounts)
{
	char directory[sizeof(accounts->path)];
	int fd, error;

	snprintf(directory, sizeof(directory), "%s", accounts->path);
	*strrchr(directory, '/') = '\0';
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX) != 0) {
		if (errno == EINTR)
			continue;
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

static int write_all(const struct accounts *accounts, int directory)
{
	char text[ACCOUNTS_FILE_MAX];
	size_t len = 0;
	int error;

	for (unsigned i = 0; i < accounts->n; i++) {
		int n = snprintf(text + len, sizeof(text) - len, "%s:%s\n",
				 accounts->account[i].user, accounts->account[i].hash);

		if (n < 0 || (size_t)n >= sizeof(text) - len)
			return -EFBIG;
		len += (size_t)n;
	}
	error = file_replace(directory, "accounts", "accounts.new", (const uint8_t *)text, len);
	sodium_memzero(text, sizeof(text));
	return error;
}

static int give(struct accounts *accounts, const char *user, const char *password)
{
	unsigned i = place_of(accounts, user);
	struct account *account = &accounts->account[i];

	if (i == ACCOUNTS_MAX)
		return -ENOSPC;
	if (i == accounts->n) {
		accounts->n++;
		snprintf(account->user, sizeof(account->user), "%s", user);
	}
	return crypto_pwhash_str_alg(account->hash, password, strlen(password), ACCOUNTS_PASSES,
				     ACCOUNTS_MEMORY, crypto_pwhash_ALG_ARGON2ID13) == 0
		       ? 0
		       : -ENOMEM;
}

static int take_away(struct accounts *accounts, const char *user)
{
	unsigned i = place_of(accounts, user);

	if (i == accounts->n)
		return -ENOENT;
	accounts->account[i] = accounts->account[--accounts->n];
	return 0;
}

/* Reads, changes and writes, while nobody else does. password NULL: the account goes. */
static int change(struct accounts *accounts, const char *user, const char *password)
{
	int directory = lock(accounts);
	int error = directory < 0 ? directory : accounts_refresh(accounts, NULL);

	if (error == 0)
		error = password != NULL ? give(accounts, user, password)
					 : take_away(accounts, user);
	if (error == 0)
		error = write_all(accounts, directory);
	if (directory >= 0)
		close(directory);
	return error;
}

int accounts_set(struct accounts *accounts, const char *user, const char *password)
{
	return change(accounts, user, password);
}

int accounts_remove(struct accounts *accounts, const char *user)
{
	return change(accounts, user, NULL);
}
