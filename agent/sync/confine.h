/* confine.h - the syncer sees its own trees and nothing else: Landlock.
 *
 * Its capabilities over files are root's over all files; the kernel grants them below the directories named here, and
 * nowhere else, for good. It binds to the directories as they are now: one that is replaced is out of reach until the
 * process starts anew.
 */
#ifndef HA_AGENT_SYNC_CONFINE_H
#define HA_AGENT_SYNC_CONFINE_H

/* fd: directories, -1 are passed over. 0; -EOPNOTSUPP: this kernel has no Landlock; other -errno. After
 * no_new_privs. */
int confine(const int *fd, unsigned n);

#endif
