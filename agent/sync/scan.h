/* scan.h - bringing the tree up to date with the disk, in slices.
 *
 * What looks as it did (type, mode, owner, size, times, inode) is not read; the rest is, and its tags are made. A file
 * that changes while it is read (its status before and after differ) is left as it was known and queued again. What is
 * neither file, directory nor symlink is counted and skipped, and so is what is excluded. A hard link is a file.
 *
 * A scan is a queue of names: all of the roots for a full one; single ones as `follow` reports them. It never blocks
 * for longer than a read of one block.
 */
#ifndef HA_AGENT_SYNC_SCAN_H
#define HA_AGENT_SYNC_SCAN_H

#include "agent/sync/roots.h"
#include "agent/sync/tree.h"

struct scan; /* opaque */

struct scan_totals {
	uint64_t entries, files_read, bytes_read; /* of the current or last full scan */
	uint64_t skipped;                         /* sockets, devices, pipes; too many attributes */
	uint64_t unreadable; /* could not be opened or read: they keep their last known state */
	char example[256];   /* "path: why" of the newest of them, printable; "" = none */
};

/* found: a directory is part of the tree (to be watched); may be NULL. */
int scan_open(struct scan **, struct roots *, struct tree *, struct digest *,
	      void (*found)(void *arg, uint8_t root, const char *path, size_t len), void *arg);
void scan_close(struct scan *);

/* Everything anew; what the tree has and the disk has not is gone at its end. verify: reads every file, whether it
 * looks changed or not. Replaces whatever was queued. */
void scan_all(struct scan *, bool verify);
/* One name, and what is below if it is a directory that is new. -ENOMEM: then a full scan is queued instead. */
void scan_name(struct scan *, uint8_t root, const char *path, size_t len);

/* Works until the time has come, or nothing is left. False: nothing is left. now: of each call of clock. */
bool scan_step(struct scan *, ha_time until);
bool scan_busy(const struct scan *);
/* When something queued again has to wait before it is read again; HA_NEVER: nothing has. */
ha_time scan_deadline(const struct scan *);
void scan_totals(const struct scan *, struct scan_totals *out);

#endif
