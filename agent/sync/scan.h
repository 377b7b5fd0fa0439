/* scan.h - bringing the tree up to date with the disk, in slices.
 *
 * What looks as it did (type, mode, owner, size, times, inode) is not read; the rest is, and its tags are made. A file
 * that changes while it is read (its status before and after differ) is left as it was known and queued again. What is
 * neither file, directory nor symlink is counted and skipped, and so are other filesystems mounted below. What is excluded
 * is not looked at. A hard link is a file; when one of its names has changed the others are looked at.
 *
 * A file that changed in the very tick of the kernel's clock in which it was read may change again without a sign of it:
 * it is put at once, but its status is not believed, and it is read again a little later. Nothing is taken for gone but
 * what the kernel says is not there, below a root that is still the configured one.
 *
 * A scan is a queue of names: all of the roots for a full one; single ones as `follow` reports them. It never blocks
 * for longer than a read of one block; of a large file it reads some at a time, on all processors. One of more than
 * SCAN_LARGE is read when there is nothing else to do, and is unseen until then, so that small changes do not wait for it; but
 * a full scan has not ended before it has been read.
 */
#ifndef HA_AGENT_SYNC_SCAN_H
#define HA_AGENT_SYNC_SCAN_H

#include "agent/sync/roots.h"
#include "agent/sync/tree.h"

#define SCAN_LARGE (UINT64_C(1) << 28)

struct scan; /* opaque */

struct scan_totals {
	uint64_t entries;                /* that were listed, by the current or last full scan */
	uint64_t files_read, bytes_read; /* since it began */
	/* Sockets, devices, pipes, mounts, paths that are too long; attributes that are too many. */
	uint64_t skipped;
	uint64_t unreadable; /* could not be opened or read: they keep their last known state */
	char example[256];   /* "path: why" of the newest of them, printable; "" = none */
};

/* found: a directory is part of the tree (to be watched); may be NULL. */
int scan_open(struct scan **, struct roots *, struct tree *, struct digest *,
	      void (*found)(void *arg, uint8_t root, const char *path, size_t len), void *arg);
void scan_close(struct scan *);

/* Everything anew; what the tree has and the disk has not is gone at its end. verify: reads every file, whether it
 * looks changed or not. Replaces whatever was queued; one that is under way is finished first. */
void scan_all(struct scan *, bool verify);
enum scan_hint {
	SCAN_SETTLED =
		1 << 0, /* its writer is done with it: it does not go on waiting, if it does */
	SCAN_MODIFIED = 1 << 1, /* written to: it is read, whether it looks changed or not */
	SCAN_ARRIVED =
		1 << 2, /* a directory that was made or moved there: it is listed, as if new */
};

/* One name, and what is below if it is a directory that is new. hints: of enum scan_hint. A long write() stamps a file when it
 * begins: that it went on after the file was read only a hint tells. Too many names, or no memory: then a full scan is
 * queued instead. */
void scan_name(struct scan *, uint8_t root, const char *path, size_t len, unsigned hints);

/* Works until the time has come, or nothing is left to do now. False: nothing is. */
bool scan_step(struct scan *, ha_time until);
bool scan_busy(const struct scan *); /* something is to be done now, beside what takes long */
/* Names that wait to be looked at for the first time since they changed: the tree does not have their change yet. (Others
 * that wait are in it, and are looked at once more.) */
unsigned scan_unseen(const struct scan *);
/* When something queued again has to wait before it is read again; HA_NEVER: nothing has. */
ha_time scan_deadline(const struct scan *);
void scan_totals(const struct scan *, struct scan_totals *out);

#endif
