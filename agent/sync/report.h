/* report.h - how the copy of the settings is: what the syncer tells the engine, for the node and for the dump. */
#ifndef HA_AGENT_SYNC_REPORT_H
#define HA_AGENT_SYNC_REPORT_H

#include "proto/sync.h"

enum {
	REPORT_EXAMPLE_MAX = 192,
};

struct sync_report {
	/* for the node */
	bool whole, in_sync, in_sync_known;
	bool busy; /* a commit is being applied: who becomes active waits for it before it processes */
	struct msg_lineage lineage;
	/* for the dump */
	uint8_t state, side; /* enum sync_state, enum sync_side */
	uint8_t phase;       /* enum sync_phase, of the one that follows */
	char reason[SYNC_REASON_MAX + 1];
	uint64_t files, files_total, bytes, bytes_total;
	uint64_t rate; /* bytes per second */
	struct lineage_point peer;
	uint64_t lag, lag_bytes;
	int64_t synced_ns; /* wall clock; 0 = never */
	uint64_t skipped, unreadable, conflicts;
	char example[REPORT_EXAMPLE_MAX];
	uint64_t entries, tree_bytes, memory;
	uint32_t watches;
	bool scanning, blind; /* blind: the kernel gives no more watches, scans take their place */
	bool confined;        /* by Landlock */
	/* of the stream */
	bool up, aes;
	uint16_t mtu;
	ha_time rtt;
	uint64_t frames_sent, frames_received, bytes_sent, bytes_received, repeats, timeouts;
};

#endif
