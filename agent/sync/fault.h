/* fault.h - where a power failure is put in by the tests.
 *
 * In a build with HA_FAULT_POINTS a fault NAME[:N], armed by fault_arm() or the environment's HA_FAULT, ends the process by SIGKILL when
 * it passes the point of that name for the N-th time (the first, without N); "*" is any point. Written =NAME[:N] it
 * stops the process there instead, until it gets SIGCONT, so that somebody can look at what is on the disk.
 *
 * HA_FAULT=@FILE is for a process that is started anew after each fault: the file has a fault on each line, and whenever
 * none is armed its first line is. That line is taken out of it before it happens, and with the last one the file goes. It
 * may be made while the process runs.
 *
 * In every other build nothing is left of it.
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
