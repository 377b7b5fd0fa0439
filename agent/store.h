/* store.h - what outlives a restart: the static key, the cluster record and the history.
 *
 * Each is a file in the state directory (0700, root), replaced as a whole: temporary file, fsync, rename, fsync of
 * the directory. Each begins with a magic and a version and ends with a BLAKE2b checksum, so that a torn or foreign
 * file is told apart from a good one. A file that is there but not readable is an error that the caller must not
 * take for "first start" (never active by guess).
 */
#ifndef HA_AGENT_STORE_H
#define HA_AGENT_STORE_H

#include "proto/reason.h"
#include "proto/types.h"

/* The cluster record: everything durable that decides. */
struct store_record {
	uint64_t boot;      /* engine starts so far */
	uint64_t term;      /* newest known of the cluster */
	uint64_t held_term; /* newest that this node held under; 0 = never */
	uint64_t reserved;  /* next own term, reserved for a takeover; 0 = none */
	uint64_t peer_boot; /* newest boot of the peer that was authenticated */
	uint8_t mode;       /* enum ha_mode */
	bool paired;
	bool suspended;
	bool whole_copy; /* of the settings: a durable property of the membership */
	bool in_sync;    /* at the last contact with the peer (T5) */
	uint8_t peer_key[HA_KEY_LEN];
	uint8_t pair_secret[HA_KEY_LEN];
	uint8_t cluster_id[HA_CLUSTER_ID_LEN];
	char peer_name[65];
	struct ha_address vip[HA_VIP_MAX]; /* the cluster's; unused entries have family 0 */
};

struct store_key {
	uint8_t secret_key[HA_KEY_LEN], public_key[HA_KEY_LEN];
};

/* One line of history. */
struct store_event {
	int64_t realtime_ns; /* wall clock */
	uint64_t term;
	uint8_t event;    /* enum node_event_code, proto/node.h */
	uint8_t from, to; /* enum ha_state */
	uint8_t reason;   /* enum ha_reason */
	uint32_t detail;  /* by event: a path, a count, ms */
};

enum {
	STORE_HISTORY_MAX = 256, /* the newest are kept */
};

struct store {
	int directory; /* fd of the state directory */
};

/* Opens, and creates if missing, the state directory. 0 or -errno. */
int store_open(struct store *, const char *directory);
void store_close(struct store *);

/* 0; -ENOENT if there is none; -EBADMSG if torn, foreign or of another version; other -errno. */
int store_read_record(struct store *, struct store_record *out);
int store_write_record(struct store *, const struct store_record *);

/* Reads the static key, or makes one where that is allowed: a pair's other half knows the old one. 0; -ENOENT: there
 * is none, and none is to be made; -EBADMSG; other -errno. */
int store_key(struct store *, bool make, struct store_key *out);

int store_read_history(struct store *, struct store_event out[STORE_HISTORY_MAX], unsigned *n);
int store_write_history(struct store *, const struct store_event *, unsigned n);

/* What is wrong, for people: "damaged: torn, or not written by this program" or the system's word. */
const char *store_error(int error);

#endif
