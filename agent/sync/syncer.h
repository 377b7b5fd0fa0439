/* syncer.h - the process that keeps the settings of the two appliances the same.
 *
 * User haagent with the capabilities over files that owners, modes and attributes take, confined by Landlock to the
 * configured trees and its own directory; CAP_NET_RAW for a packet socket of its own on the link. Normal scheduling: it
 * may wait for disks. proto/sync.h decides; this process scans, sends, stages and commits on its word.
 */
#ifndef HA_AGENT_SYNC_SYNCER_H
#define HA_AGENT_SYNC_SYNCER_H

/* With the descriptors of enum ipc_fd open. Runs until the guardian goes; exit status 1 when it cannot go on. */
int syncer_main(void);

#endif
