/* sealed.h - a struct as a sealed memory file: nobody can change it any more, so each process that is given the descriptor
 * reads the same, and what was checked once stays so.
 */
#ifndef HA_AGENT_SEALED_H
#define HA_AGENT_SEALED_H

#include <stddef.h>

/* A descriptor, or -errno. name: for those who look into /proc. */
int sealed_make(const char *name, const void *from, size_t len);

/* 0; -EPROTO: it is not sealed, or not len bytes long; other -errno. */
int sealed_read(int fd, void *out, size_t len);

#endif
