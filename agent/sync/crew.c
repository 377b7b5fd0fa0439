/* crew.c - see crew.h. A task is divided by a counter of blocks: whoever is free takes the next. */
#include "agent/sync/crew.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CREW_MAX = 4, /* with the caller: more do not read faster */
};

struct task {
	int fd;
	uint64_t size, first;
	size_t n;
	digest_tag *tags;
	_Atomic size_t next;
	_Atomic int error;
};

struct member {
	struct crew *crew;
	pthread_t thread;
	struct digest digest; /* a context of its own */
	uint8_t block[SYNC_BLOCK_LEN];
};

struct crew {
	pthread_mutex_t lock;
	pthread_cond_t begun, ended;
	/* Under the lock. open: the caller is in it; after that nobody may begin. */
	unsigned round, busy;
	bool open, quit;
	struct task task;
	unsigned n; /* members, the caller among them */
	uint8_t key[HA_KEY_LEN];
	struct member member[CREW_MAX];
};

struct crew *crew_open(void)
{
	struct crew *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->begun, NULL);
	pthread_cond_init(&c->ended, NULL);
	return c;
}

static int read_block(int fd, uint8_t *out, size_t len, uint64_t at)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = pread(fd, out + got, len - got, (off_t)(at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		got += (size_t)n;
	}
	return 0;
}

static void take_part(struct member *m)
{
	struct task *t = &m->crew->task;
	size_t i;

	while (t->error == 0 && (i = atomic_fetch_add(&t->next, 1)) < t->n) {
		uint64_t at = (t->first + i) * SYNC_BLOCK_LEN;
		size_t len =
			t->size - at < SYNC_BLOCK_LEN ? (size_t)(t->size - at) : SYNC_BLOCK_LEN;
		int error = read_block(t->fd, m->block, len, at);

		if (error != 0)
			t->error = error;
		else
			digest_block(&m->digest, m->block, len, t->tags[i]);
	}
}

static void *serve(void *arg)
{
	struct member *m = arg;
	struct crew *c = m->crew;
	unsigned seen = 0;

	pthread_mutex_lock(&c->lock);
	while (!c->quit) {
		if (c->round == seen || !c->open) {
			pthread_cond_wait(&c->begun, &c->lock);
			continue;
		}
		seen = c->round;
		c->busy++;
		pthread_mutex_unlock(&c->lock);
		take_part(m);
		pthread_mutex_lock(&c->lock);
		if (--c->busy == 0)
			pthread_cond_signal(&c->ended);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void stop(struct crew *c)
{
	pthread_mutex_lock(&c->lock);
	c->quit = true;
	pthread_cond_broadcast(&c->begun);
	pthread_mutex_unlock(&c->lock);
	for (unsigned i = 0; i < c->n; i++) {
		if (i > 0)
			pthread_join(c->member[i].thread, NULL);
		digest_close(&c->member[i].digest);
	}
	c->n = 0;
	c->quit = false;
}

void crew_close(struct crew *c)
{
	if (c == NULL)
		return;
	stop(c);
	pthread_cond_destroy(&c->ended);
	pthread_cond_destroy(&c->begun);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* All of them under that key. */
static int gather(struct crew *c, const struct digest *digest)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (c->n > 0 && memcmp(c->key, digest->key, HA_KEY_LEN) == 0)
		return 0;
	stop(c);
	memcpy(c->key, digest->key, HA_KEY_LEN);
	do {
		struct member *m = &c->member[c->n];
		int error = digest_open(&m->digest, c->key);

		if (error != 0)
			return c->n > 0 ? 0 : error;
		m->crew = c;
		if (c->n > 0 && pthread_create(&m->thread, NULL, serve, m) != 0) {
			digest_close(&m->digest);
			return 0;
		}
		c->n++;
	} while (c->n < CREW_MAX && c->n < processors);
	return 0;
}

int crew_hash(struct crew *c, const struct digest *digest, int fd, uint64_t size, uint64_t first,
	      size_t n, digest_tag *tags)
{
	int error = gather(c, digest);

	assert((first + n - 1) * SYNC_BLOCK_LEN < size);
	if (error != 0)
		return error;
	pthread_mutex_lock(&c->lock);
	c->task = (struct task){.fd = fd, .size = size, .first = first, .n = n, .tags = tags};
	c->round++;
	c->open = true;
	pthread_cond_broadcast(&c->begun);
	pthread_mutex_unlock(&c->lock);
	take_part(&c->member[0]);
	pthread_mutex_lock(&c->lock);
	c->open = false;
	while (c->busy > 0)
		pthread_cond_wait(&c->ended, &c->lock);
	error = c->task.error;
	pthread_mutex_unlock(&c->lock);
	return error;
}
