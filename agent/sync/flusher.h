/* flusher.h - what has been written is on its way to the disk while more is written.
 *
 * A commit has to wait until all that was staged is durable. If nobody asks the kernel before, that is all of it; so a
 * thread asks now and then, and most of it is done when the commit asks in earnest. Of large files sync_file_range()
 * does the same without a thread; of thousands of small ones it would have to be called for each.
 */
#ifndef HA_AGENT_SYNC_FLUSHER_H
#define HA_AGENT_SYNC_FLUSHER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct flusher {
	pthread_t thread;
	int fd;
	bool running; /* to be joined */
	_Atomic bool done;
};

/* The directory's filesystem, as it is now, to its disk. False: that is still under way, or cannot be. Zeros are a flusher at
 * rest. Errors are nobody's: whoever syncs in earnest by a descriptor that was open before is told of them. */
bool flusher_begin(struct flusher *, int directory);
void flusher_wait(struct flusher *); /* at rest again */

#endif
