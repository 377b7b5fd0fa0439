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

enum {
	STORE_FORMER_MAX = 4,
	STORE_NAME_LEN = 65,
	STORE_SUBJECT_LEN = 32,
};

/* A peer of a pair that has ended: it is recognised when it comes back, and told so. */
struct store_former {
	/* enum msg_parting: detached, removed, or left by this one, which kept no virtual IP; PARTING_NONE: unused */
	uint8_t why;
	uint8_t key[HA_KEY_LEN];
	uint8_t pair_secret[HA_KEY_LEN];
	uint8_t cluster_id[HA_CLUSTER_ID_LEN];
	char name[STORE_NAME_LEN];
};

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
	/* Wall clock, ns, when the suspension ends by itself; 0: when it is resumed. */
	int64_t suspended_until;
	/* How the newest pair ended (enum msg_parting), and whether this appliance was left standalone by it: then
	 * a virtual IP of the configuration is not taken, until --force-active or a join. */
	uint8_t parting;
	bool detached;
	uint8_t peer_key[HA_KEY_LEN];
	uint8_t pair_secret[HA_KEY_LEN];
	uint8_t cluster_id[HA_CLUSTER_ID_LEN];
	char peer_name[STORE_NAME_LEN];
	struct ha_address vip[HA_VIP_MAX]; /* the cluster's; unused entries have family 0 */
	/* An operator has set them, or a pair left them behind, while the configuration's virtual_ip was another one, of which this
	 * is addresses_sum(); none at all may have been meant (addresses.h). */
	bool vip_set;
	uint64_t vip_against;
	struct store_former former[STORE_FORMER_MAX]; /* newest first */
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
	char subject
		[STORE_SUBJECT_LEN]; /* whom or what it concerns, UTF-8, cut to fit; "" nobody */
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

/* Is there a next one to each of its terms, and many more (SPEC 5.4)? */
bool store_terms_valid(const struct store_record *);

/* Reads the static key, or makes one where that is allowed: a pair's other half knows the old one. 0; -ENOENT: there
 * is none, and none is to be made; -EBADMSG; other -errno. */
int store_key(struct store *, bool make, struct store_key *out);

int store_read_history(struct store *, struct store_event out[STORE_HISTORY_MAX], unsigned *n);
int store_write_history(struct store *, const struct store_event *, unsigned n);

/* What is wrong, for people: "damaged: torn, or not written by this program" or the system's word. */
const char *store_error(int error);

#endif
