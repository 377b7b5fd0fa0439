/* flusher.c - see flusher.h. */
#include "agent/sync/flusher.h"

#include <fcntl.h>
#include <unistd.h>

static void *flush(void *arg)
{
	struct flusher *f = arg;

	(void)syncfs(f->fd);
	f->done = true;
	return NULL;
}

void flusher_wait(struct flusher *f)
{
	if (!f->running)
		return;
	pthread_join(f->thread, NULL);
	close(f->fd);
	f->running = false;
}

bool flusher_begin(struct flusher *f, int directory)
{
	if (f->running && !f->done)
		return false;
	flusher_wait(f);
	/* An open file of its own: an error is reported once to each. */
	f->fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0)
		return false;
	f->done = false;
	f->running = pthread_create(&f->thread, NULL, flush, f) == 0;
	if (!f->running)
		close(f->fd);
	return f->running;
}
