/* password.c - see password.h. */
#include "console/password.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	JOBS = PASSWORD_QUEUE_MAX + PASSWORD_QUEUE_LOCAL,
};

/* The oldest, of the machine itself before others. */
static struct password_job *next_job(struct password *p)
{
	struct password_job *next = NULL;

	for (unsigned i = 0; i < JOBS; i++) {
		struct password_job *job = &p->job[i];

		if (!job->used || job->taken)
			continue;
		if (next == NULL || (job->local && !next->local) ||
		    (job->local == next->local && job->order < next->order))
			next = job;
	}
	return next;
}

static void *run(void *arg)
{
	struct password *p = arg;
	uint64_t one = 1;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		struct password_job *job = next_job(p);
		bool good;

		if (job == NULL) {
			pthread_cond_wait(&p->work, &p->lock);
			continue;
		}
		job->taken = true; /* nobody else touches it from here on */
		pthread_mutex_unlock(&p->lock);
		good = crypto_pwhash_str_verify(job->hash, job->password, strlen(job->password)) ==
		       0;
		sodium_memzero(job->password, sizeof(job->password));
		pthread_mutex_lock(&p->lock);
		job->good = good;
		job->done = true;
		if (write(p->event, &one, sizeof(one)) < 0)
			break; /* an eventfd takes any number of them */
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* It lives with 64 KiB of stack; signals are the main thread's. */
static int start(struct password *p)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 128 * 1024);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&p->thread, &attributes, run, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -error;
}

int password_open(struct password *p)
{
	char nobodys[33];

	*p = (struct password){.event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
	if (p->event < 0)
		return -errno;
	for (unsigned i = 0; i < sizeof(nobodys) - 1; i++)
		nobodys[i] = (char)('a' + randombytes_uniform(26));
	nobodys[sizeof(nobodys) - 1] = '\0';
	if (crypto_pwhash_str_alg(p->nobody, nobodys, strlen(nobodys), ACCOUNTS_PASSES,
				  ACCOUNTS_MEMORY, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return -ENOMEM;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	return start(p);
}

void password_close(struct password *p)
{
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	close(p->event);
	for (unsigned i = 0; i < JOBS; i++)
		if (p->job[i].used)
			p->job[i].then(p->job[i].arg, false);
	sodium_memzero(p->job, sizeof(p->job));
}

bool password_check(struct password *p, const struct account *account, const char *password,
		    bool local, password_fn *then, void *arg)
{
	struct password_job *job = NULL;
	unsigned room = local ? JOBS : PASSWORD_QUEUE_MAX, used = 0;

	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < JOBS; i++) {
		used += p->job[i].used;
		if (!p->job[i].used)
			job = &p->job[i];
	}
	if (job != NULL && used < room) {
		*job = (struct password_job){
			.used = true,
			.local = local,
			.order = ++p->order,
			.then = then,
			.arg = arg,
		};
		snprintf(job->hash, sizeof(job->hash), "%s",
			 account != NULL ? account->hash : p->nobody);
		snprintf(job->password, sizeof(job->password), "%s", password);
		pthread_cond_signal(&p->work);
	} else {
		job = NULL;
	}
	pthread_mutex_unlock(&p->lock);
	return job != NULL;
}

void password_ready(struct password *p)
{
	uint64_t n;

	if (read(p->event, &n, sizeof(n)) < 0)
		return;
	for (unsigned i = 0; i < JOBS; i++) {
		struct password_job done = {0};

		pthread_mutex_lock(&p->lock);
		if (p->job[i].used && p->job[i].done) {
			done = p->job[i];
			p->job[i] = (struct password_job){0};
		}
		pthread_mutex_unlock(&p->lock);
		if (done.used)
			done.then(done.arg, done.good);
	}
}
