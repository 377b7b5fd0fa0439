/* engine.h - the process that speaks to the peer and decides: raw sockets, sessions, node_step,
 * announcements, control.
 *
 * User haagent, CAP_NET_RAW, SCHED_FIFO, memory locked. It holds no address and touches no disk:
 * the guardian and the steward do that on its word. node.c decides everything; the engine turns
 * what happens into events and carries out the actions in their order.
 */
#ifndef HA_AGENT_ENGINE_H
#define HA_AGENT_ENGINE_H

/* With the descriptors of enum ipc_fd open. Runs until the guardian ends it; exit status 1 when it
 * cannot go on. */
int engine_main(void);

#endif
