/* memory.h - what runs in real time must not wait for a page.
 *
 * Everything that the process uses is locked. What it merely has mapped is not: most of the libraries are the
 * dependencies of dependencies, and serve nothing after the start. So the program, its stack, its heap and the
 * libraries that it calls while it runs are brought in whole and locked; the rest is locked as it is touched.
 */
#ifndef HA_AGENT_MEMORY_H
#define HA_AGENT_MEMORY_H

/* At the start, before anything allocates much: the heap grows by one piece, which stays, and never by mmap. */
void memory_prepare(void);

/* When everything is open. 0 or -errno: not permitted, or beyond RLIMIT_MEMLOCK. */
int memory_lock(void);

#endif
