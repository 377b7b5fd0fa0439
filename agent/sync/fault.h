/* fault.h - where a power failure is put in by the tests.
 *
 * In a build with HA_FAULT_POINTS, HA_FAULT=NAME[:N] in the environment, or fault_arm() with the same, ends the process by SIGKILL when it
 * passes the point of that name for the N-th time (the first, without N); "*" is any point. In every other build nothing
 * is left of it.
 */
#ifndef HA_AGENT_SYNC_FAULT_H
#define HA_AGENT_SYNC_FAULT_H

#ifdef HA_FAULT_POINTS
void fault_point(const char *name);
void fault_arm(const char *what); /* NULL: none */
#else
#define fault_point(name) ((void)0)
#endif

#endif
