/* password.h - checking a password takes tenths of a second and memory by design: on a thread of its own, one after the
 * other, so that a hundred logins at once delay each other and nobody else.
 *
 * The queue is bounded. Some places in it are kept for the machine itself, which is served first.
 */
#ifndef HA_CONSOLE_PASSWORD_H
#define HA_CONSOLE_PASSWORD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "console/accounts.h"

enum {
	PASSWORD_QUEUE_MAX = 8,
	PASSWORD_QUEUE_LOCAL = 2, /* more, for the machine itself */
};

/* On the thread of password_open(), from password_ready(). */
typedef void password_fn(void *arg, bool good);

struct password_job {
	bool used, taken, done, good, local;
	uint64_t order;
	char hash[crypto_pwhash_STRBYTES];
	char password[ACCOUNTS_PASSWORD_MAX + 1];
	password_fn *then;
	void *arg;
};

struct password {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	int event; /* readable when one is done */
	bool stop;
	uint64_t order;
	char nobody[crypto_pwhash_STRBYTES]; /* what is checked for a name that is none */
	struct password_job job[PASSWORD_QUEUE_MAX + PASSWORD_QUEUE_LOCAL];
};

int password_open(struct password *);   /* 0 or -errno */
void password_close(struct password *); /* what is not checked yet has failed */

/* account NULL: takes as long and fails. False: the queue is full; then nothing is called. */
bool password_check(struct password *, const struct account *, const char *password, bool local,
		    password_fn *then, void *arg);
void password_ready(struct password *);

#endif
