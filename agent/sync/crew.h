/* crew.h - the blocks of a large file, read and hashed by as many threads as there are processors, up to a few.
 *
 * Before a change of a large file is known to the peer all of it has to be hashed, while the link and the other appliance
 * wait: this is the one thing here that is worth threads. They know nothing but a descriptor and where the tags go, and
 * work only while the caller waits in crew_hash(); so nothing else of the process has to know that they are there.
 */
#ifndef HA_AGENT_SYNC_CREW_H
#define HA_AGENT_SYNC_CREW_H

#include "agent/sync/digest.h"

struct crew; /* opaque */

/* NULL: no memory. Threads are made when they are first of use, so that they are confined as their process is by then;
 * where none can be made the caller's own does all the work. */
struct crew *crew_open(void);
void crew_close(struct crew *);

/* Tags of n blocks of a file of that size, from `first` on, under the digest's key, into tags[0] and on. 0; -EBADMSG: the
 * file has become shorter; other -errno. */
int crew_hash(struct crew *, const struct digest *, int fd, uint64_t size, uint64_t first, size_t n,
	      digest_tag *tags);

#endif
