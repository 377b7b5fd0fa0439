/* accounts.h - who may log in: one file, "name:hash" a line, of the console's own user.
 *
 * There is no account that nobody made: no default password. `haconsole --set-password USER` makes one, on the machine,
 * at a terminal. Hashes are Argon2id (libsodium), with ACCOUNTS_MEMORY and ACCOUNTS_PASSES: one of the sets that OWASP
 * holds for equally strong (9 MiB and 4, where it also has 19 MiB and 2), and the one that lets a process of 30 MB check
 * one beside 200 open pages.
 */
#ifndef HA_CONSOLE_ACCOUNTS_H
#define HA_CONSOLE_ACCOUNTS_H

#include <sodium.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "console/websession.h"

enum {
	ACCOUNTS_MAX = 32,
	ACCOUNTS_FILE_MAX = 8192,
	ACCOUNTS_PASSWORD_MIN = 10, /* characters, nearly: bytes */
	ACCOUNTS_PASSWORD_MAX = 256,
	ACCOUNTS_MEMORY = 9 * 1024 * 1024,
	ACCOUNTS_PASSES = 4,
};

struct account {
	char user[WEBSESSION_USER_MAX];
	char hash[crypto_pwhash_STRBYTES];
};

struct accounts {
	char path[160];
	struct stat seen; /* the file as it was read */
	bool read;
	unsigned changes; /* how often it was read */
	unsigned n;
	struct account account[ACCOUNTS_MAX];
};

void accounts_init(struct accounts *, const char *state_directory);

/* Reads the file if it is another than before. Sessions of who has another password now, or none, end. 0 or -errno; with
 * an error there is nobody. */
int accounts_refresh(struct accounts *, struct websessions *);

/* NULL: there is none of that name. */
const struct account *accounts_find(const struct accounts *, const char *user);

/* A letter or digit, then letters, digits, '.', '-', '_'; at most 32. */
bool accounts_is_name(const char *user);

/* Makes the account, or gives it that password; takes it away. Two that do so at once do it one after the other: neither
 * puts back what the other has changed. 0 or -errno. */
int accounts_set(struct accounts *, const char *user, const char *password);
int accounts_remove(struct accounts *, const char *user);

/* --set-password: asks twice at the terminal; --remove-user. As root they go on as the owner of the state directory,
 * before they touch anything there. The exit status. */
int accounts_ask(const char *state_directory, const char *owner, const char *user);
int accounts_take_away(const char *state_directory, const char *owner, const char *user);

#endif
