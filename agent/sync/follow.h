/* follow.h - what changes in the trees, as it happens: inotify.
 *
 * One watch for each directory. Names that change are handed to the scan; when the kernel lost some (overflow), or
 * gives no more watches, a full scan is asked for, and in the latter case every FOLLOW_BLIND from then on.
 */
#ifndef HA_AGENT_SYNC_FOLLOW_H
#define HA_AGENT_SYNC_FOLLOW_H

#include "agent/sync/scan.h"

#define FOLLOW_BLIND (10 * HA_SEC)

struct follow; /* opaque */

int follow_open(struct follow **, struct roots *, struct scan *); /* 0 or -errno */
void follow_close(struct follow *);
int follow_fd(const struct follow *);
void follow_directory(struct follow *, uint8_t root, const char *path,
		      size_t len); /* scan's found() */
/* Reads what has happened. True: something has (or may have), and it is in the scan's queue. */
bool follow_read(struct follow *);
bool follow_blind(const struct follow *); /* some directories are not watched */
unsigned follow_watches(const struct follow *);
uint64_t follow_overflows(const struct follow *);

#endif
