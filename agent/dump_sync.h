/* dump_sync.h - what is known of the settings sync, as plain data, and how it reads in a dump.
 *
 * The same at both appliances: the active is where an operator looks, so it knows of the passive's progress what that
 * one told last. Numbers of a copy under way count what has to be fetched; they are zeros when nothing has.
 */
#ifndef HA_AGENT_DUMP_SYNC_H
#define HA_AGENT_DUMP_SYNC_H

#include <jansson.h>

#include "agent/command.h"
#include "agent/config.h"
#include "proto/lineage.h"
#include "proto/sync_msg.h"

struct dump_view;

enum dump_sync_status {
	DUMP_SYNC_NONE = 0,    /* no settings are configured, or there is no pair */
	DUMP_SYNC_NOT_STARTED, /* no whole copy, and none is being made */
	DUMP_SYNC_SYNCING,
	DUMP_SYNC_SYNCED, /* both digests are equal */
	DUMP_SYNC_OUT,    /* the passive has an older generation, and it is not being copied */
	DUMP_SYNC_ERROR,  /* it failed: reason says why; it is tried again */
	DUMP_SYNC_PAUSED, /* on purpose: reason says why */
	DUMP_SYNC_STATUS_N,
};

enum dump_sync_direction {
	DUMP_SYNC_NEITHER = 0,
	DUMP_SYNC_SENDS,
	DUMP_SYNC_RECEIVES,
	DUMP_SYNC_DIRECTION_N,
};

enum {
	DUMP_SYNC_NAME_MAX = 192,  /* of an example; a longer name loses its beginning */
	DUMP_SYNC_OUTPUT_MAX = 96, /* of a command's */
};

/* The export or the import of a section. */
struct dump_sync_command {
	bool configured;
	bool running;
	enum command_outcome last;
	int32_t status;
	uint32_t took_ms;
	uint64_t runs, bad;
	int64_t ended_ns; /* wall clock; 0 = never */
	char output[DUMP_SYNC_OUTPUT_MAX];
};

struct dump_sync_section {
	char path[ROOTS_NAME_MAX]; /* the first one of it: its name */
	struct dump_sync_command export, import;
};

/* struct bulk_counters, as far as they concern an operator. */
struct dump_sync_stream {
	bool up, aes;
	uint16_t mtu; /* 0: none yet */
	ha_time rtt;
	uint64_t frames_sent, frames_received, bytes_sent, bytes_received, repeats, timeouts;
};

struct dump_sync {
	enum dump_sync_status status;
	enum dump_sync_direction direction;
	enum sync_phase phase; /* while syncing, of whoever receives */
	char reason[SYNC_REASON_MAX + 1];
	/* of the copy under way */
	unsigned percent;
	uint64_t files, files_total, bytes, bytes_total;
	uint64_t rate_bytes_per_s;
	int64_t left_s; /* -1: not known */
	/* how the two stand; zeros: none, or not known */
	struct lineage_point generation, peer_generation;
	uint8_t digest[HA_KEY_LEN];
	uint64_t lag, lag_bytes; /* the passive behind the active, in generations and bytes */
	int64_t synced_ns; /* wall clock: since when they are equal, or were last; 0 = never */
	/* what is not synced, or not as it was */
	uint64_t skipped;                 /* sockets, devices and the like */
	uint64_t unreadable;              /* names that could not be read */
	char example[DUMP_SYNC_NAME_MAX]; /* one of them; any bytes */
	uint64_t conflicts;               /* files below conflicts/ in the state directory */
	/* the trees here */
	uint64_t entries, tree_bytes, memory_bytes, watches;
	bool scanning;
	struct dump_sync_stream stream;
	struct dump_sync_section section[CONFIG_SETTINGS_MAX];
	unsigned section_n;
};

/* "nothing to sync", "not started", "syncing", "fully synced", "out of sync", "sync error", "paused" */
const char *dump_sync_status_name(enum dump_sync_status);

/* What the node alone knows. */
void dump_sync_of(const struct dump_view *, struct dump_sync *out);

/* Fills the object "sync" of a dump. */
void dump_sync_json(json_t *sync, const struct dump_sync *);

#endif
