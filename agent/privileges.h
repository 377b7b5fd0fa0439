/* privileges.h - what each process may do, dropped in one fixed order and then compared with what
 * the kernel says.
 *
 *   guardian  root by name, with the capabilities that its work takes; the bounding set stays
 *             whole, because the steward is started anew as full root by nothing but exec
 *   engine    the configured user with CAP_NET_RAW, and CAP_IPC_LOCK until its memory is locked
 *   steward   root: hooks, service checks and the state directory need it
 *   syncer    the configured user with the capabilities over files that keeping owners, modes and attributes takes, and
 *             CAP_NET_RAW; where it may use them is Landlock's business (agent/sync/confine.h)
 *
 * Each call: 0, -errno, or -EPERM when /proc/self/status does not read exactly as it should. Any
 * failure is fatal for the caller: a process that could not drop does not go on.
 */
#ifndef HA_AGENT_PRIVILEGES_H
#define HA_AGENT_PRIVILEGES_H

#include <sys/types.h>

/* The user's ids. -ENOENT: no such user; -EINVAL: it is root, or in root's group. */
int privileges_user(const char *name, uid_t *uid, gid_t *gid);

int privileges_guardian(void); /* for good, once the first children have been started */

/* Between fork and exec, as root or guardian: takes on the ids and leaves CAP_NET_RAW and
 * CAP_IPC_LOCK to what is executed, which can never get more. Clears PR_SET_PDEATHSIG. */
int privileges_engine(uid_t uid, gid_t gid);

/* In the engine when its memory is locked and its sockets are open: CAP_NET_RAW stays, to reopen
 * them. */
int privileges_engine_final(void);

int privileges_steward(void); /* checks only */

/* For good, before what a client was given is parsed: nothing is left. Root becomes that user; who is another user stays it. */
int privileges_none(uid_t uid, gid_t gid);

/* In the syncer, which root's exec has given all: takes on the ids, for good. Clears PR_SET_PDEATHSIG. */
int privileges_syncer(uid_t uid, gid_t gid);

#endif
