/* msg.h - the messages: header and bodies, encoded and decoded field by field (SPEC 2, 3).
 *
 * Every type has exactly one body length; strings are fixed fields padded with zeros, so that no
 * length inside a body can lie. All integers are big-endian. Encoders return the bytes written,
 * or 0 if the buffer is too small. Decoders check range after length and write *out only when
 * they return DROP_NONE. They know nothing of keys: the caller has the body authenticated before
 * it decodes it.
 */
#ifndef HA_PROTO_MSG_H
#define HA_PROTO_MSG_H

#include "proto/drop.h"
#include "proto/types.h"

enum {
	MSG_VERSION = 1,
	MSG_ETHERTYPE = 0x88b5,
	MSG_HEADER_LEN = 18,
	MSG_TAG_LEN = 16,
	MSG_LEN_MAX = 1500,      /* header + body + tag of any message but SYNC_* */
	MSG_SYNC_LEN_MAX = 9216, /* of a SYNC_* message: what jumbo frames carry */
};

enum msg_type {
	MSG_BEACON = 1,
	MSG_HANDSHAKE = 2,
	MSG_HEARTBEAT = 3,
	MSG_SOLICIT = 4,
	MSG_ANSWER = 5,
	MSG_IDENTITY = 6,
	MSG_JOIN = 7,
	MSG_DETACH = 8,     /* the end of a pair in good order, over the sessions of the pair */
	MSG_DISOWN = 9,     /* to a former peer that knocks: you are no member any more */
	MSG_ACCOUNT = 10,   /* how the sender's last change of role came about: msg_account.h */
	MSG_ADDRESSES = 11, /* other virtual IPs for the pair, over its sessions */
	/* SYNC_* (sync_msg.h) are between the syncers, the link only: the engine never sees them */
	MSG_SYNC_DATA = 0x40,
	MSG_SYNC_ACK = 0x41,
	MSG_SYNC_HELLO = 0x42,

	MSG_SYNC_FIRST = 0x40, /* the range that is theirs; of it the others do not exist yet */
	MSG_SYNC_LAST = 0x4f,
	/* In captures only (decision.h): on the wire it does not exist, and is DROP_BAD_TYPE */
	MSG_DECISION = 0x50,
};

/* Terms, and the numbers of generations, are below 2^63, and there is always a next one: the other one is believed up to 2^62,
 * the own disk up to 2^32 below the end, and nobody lives to count on through what is left (SPEC 3.R5, 5.4, 6.R18). */
#define MSG_TERM_MAX       (UINT64_MAX / 2)
#define MSG_TERM_HEARD_MAX (UINT64_MAX / 4)
#define MSG_TERM_KEPT_MAX  (MSG_TERM_MAX - (UINT64_C(1) << 32))

enum msg_header_flag {
	MSG_UNPAIRED = 1 << 0, /* of a BEACON: its sender has no pair */
};

struct msg_header {
	uint8_t version;
	uint8_t type;      /* enum msg_type */
	uint8_t path;      /* enum ha_path that it was sent on */
	uint8_t flags;     /* MSG_UNPAIRED; others are sent as zero, ignored when received */
	uint16_t length;   /* header + body + tag; Ethernet padding comes after */
	uint32_t receiver; /* session index the receiver chose; 0 where there is none (SPEC 2.1) */
	uint64_t counter;  /* nonce; 0 in BEACON, HANDSHAKE and DISOWN */
};

/* The body's length for the type, or 0 for a type without a fixed one (HANDSHAKE, SYNC_DATA) or no
 * such type. */
size_t msg_body_len(enum msg_type);

/* How many bytes of tag follow the body: 16 (the MAC of a SYNC_HELLO is one), or 0 for BEACON,
 * HANDSHAKE, DISOWN and DECISION. */
size_t msg_tag_len(enum msg_type);

size_t msg_encode_header(uint8_t *out, size_t cap, const struct msg_header *);

/* frame..len is what follows the EtherType, padding included. Checks, in this order: truncated,
 * version, type, the shortest length, oversized, the type's exact length, truncated against the
 * length field, and the path. */
enum ha_drop msg_decode_header(const uint8_t *frame, size_t len, enum ha_path on,
			       struct msg_header *out);

/* BEACON: "here I am". Unauthenticated: it makes the receiver consider a handshake, or answer a
 * former peer, and nothing else. */
struct msg_beacon {
	uint8_t key[HA_KEY_LEN]; /* static public key */
	uint64_t boot;
};

/* HEARTBEAT: the sender's whole public state (SPEC 3.3). */
enum msg_flag {
	MSG_FLAG_ELIGIBLE = 1 << 0, /* may take over */
	MSG_FLAG_LEAVING = 1 << 1,  /* shutting down in good order */
	MSG_FLAG_DEGRADED = 1 << 2, /* up, but not whole */
	MSG_FLAG_REACH_OK = 1 << 3, /* its management interface hears the segment */
	MSG_FLAG_CARRIER = 1 << 4,  /* its management interface has carrier */
	MSG_FLAG_RESERVED = 1 << 5, /* its next term is on disk */
	MSG_FLAG_ALL = (1 << 6) - 1,
};

/* Why a node is not eligible; bits of msg_heartbeat.why_not. */
enum msg_why_not {
	WHY_NOT_COPY = 1 << 0,      /* no whole copy of the settings yet */
	WHY_NOT_SUSPENDED = 1 << 1, /* by an operator */
	WHY_NOT_CHECK = 1 << 2,     /* a service check fails, or its hold has not ended */
	WHY_NOT_CARRIER = 1 << 3,   /* management interface without carrier */
	WHY_NOT_DEAF = 1 << 4,      /* management interface hears nobody */
	WHY_NOT_STORE = 1 << 5,     /* state not readable or not writable; no term reserved */
	WHY_NOT_GUARDIAN = 1 << 6,  /* the virtual IP cannot be put on, or its hold has not ended */
	WHY_NOT_STARTING = 1 << 7,  /* boot wait, or watching after a pause */
	WHY_NOT_LEAVING = 1 << 8,   /* shutting down */
	WHY_NOT_DISPROVED = 1 << 9, /* the peer still answers for the virtual IP (V1) */
	WHY_NOT_ALL = (1 << 10) - 1,
};

enum msg_handover_phase {
	HANDOVER_NONE = 0,
	HANDOVER_INTENT = 1,   /* giver: will you? */
	HANDOVER_ACK = 2,      /* taker: reserved and ready */
	HANDOVER_RESIGNED = 3, /* giver: address deleted and confirmed; yours for grant_ms */
	HANDOVER_TAKING = 4,   /* taker: installing it */
	HANDOVER_N,
};

struct msg_handover {
	uint8_t phase; /* enum msg_handover_phase */
	uint64_t term; /* id: the giver's term and a number that rises in it */
	uint32_t number;
	uint32_t grant_ms;
};

/* What the sender has heard of the receiver on one path. */
struct msg_heard {
	uint64_t counter; /* newest frame counter */
	uint32_t age_us;  /* since then; UINT32_MAX = never in this boot, or longer than that */
};

struct msg_lineage {
	uint64_t term;
	uint64_t number;
	uint8_t digest[HA_KEY_LEN];
};

struct msg_heartbeat {
	uint64_t boot; /* rises with every start of the sender's engine; durable */
	uint64_t
		number; /* of the state: rises with every heartbeat round, the same on both paths */
	uint8_t mode, state, claim;
	uint8_t reason;   /* enum ha_reason of its state */
	uint8_t flags;    /* enum msg_flag */
	uint16_t why_not; /* enum msg_why_not; 0 exactly when MSG_FLAG_ELIGIBLE is set */
	uint64_t term;    /* the newest it held under; 0 = none yet */
	struct msg_handover handover;
	struct msg_heard heard[HA_PATH_N];
	uint32_t reach_age_ms; /* since its last evidence of the segment; UINT32_MAX = never */
	struct msg_lineage lineage;
	uint32_t identity_revision;
	uint32_t lateness_us;  /* worst of the last minute */
	uint64_t sent_us;      /* the sender's clock */
	uint64_t echo_us;      /* newest sent_us received on this path; 0 = none */
	uint32_t echo_hold_us; /* from its receipt until this was sent */
	uint32_t
		suspended_s; /* what is left of its suspension, rounded up; UINT32_MAX = until it is
				 resumed. 0 exactly when why_not has no WHY_NOT_SUSPENDED */
};

/* SOLICIT and its ANSWER carry the same body. */
struct msg_solicit {
	uint64_t nonce;
};

enum {
	MSG_MODEL_LEN = 32, /* string fields: UTF-8, zero-padded, may fill the whole field */
	MSG_FIRMWARE_LEN = 32,
	MSG_HOTFIX_LEN = 32,
	MSG_PATCH_LEN = 32,
	MSG_HOST_LEN = 64,
	MSG_AGENT_LEN = 16,
};

struct msg_prefix {
	struct ha_address address; /* family 0 = entry unused */
	uint8_t length;
};

enum msg_identity_flag {
	MSG_IDENTITY_DIRECT =
		1 << 0, /* link_direct: its link frames go to the nearest-bridge group */
	MSG_IDENTITY_ADDRESSES = 1 << 1, /* it knows what ADDRESSES is */
	MSG_IDENTITY_ALL = (1 << 2) - 1,
};

/* IDENTITY: decoded strings are NUL-terminated; a control character (U+0000 to U+001F, U+007F
 * to U+009F) or malformed UTF-8 is DROP_BAD_VALUE, and so is a group address as MAC. To encode
 * a string that is not terminated gives 0. */
struct msg_identity {
	uint32_t revision;
	char model[MSG_MODEL_LEN + 1];
	char firmware[MSG_FIRMWARE_LEN + 1];
	char hotfix[MSG_HOTFIX_LEN + 1];
	char patch[MSG_PATCH_LEN + 1];
	char host_name[MSG_HOST_LEN + 1];
	char agent[MSG_AGENT_LEN + 1];
	struct ha_mac management_mac;
	struct msg_prefix management[HA_ADDRESS_MAX];
	struct ha_address vip[HA_VIP_MAX];
	uint8_t cluster_id[HA_CLUSTER_ID_LEN];
	uint32_t flags;                             /* enum msg_identity_flag; a byte on the wire */
	uint32_t heartbeat_us, dead_us, confirm_us; /* its timing: both have to have the same */
};

enum msg_join_op {
	JOIN_REQUEST = 1, /* joiner -> active: pair with me; address = what the operator typed */
	JOIN_ACCEPT = 2,  /* active -> joiner: pinned, durable; cluster_id and term are valid */
	JOIN_REFUSE = 3,  /* active -> joiner: refusal says why; cause, if it is the requirements */
	JOIN_TEST = 4,    /* joiner -> active: what would you say? address as in a request */
	JOIN_REPORT = 5,  /* active -> joiner: refusal (JOIN_OK: none) and its causes */
	JOIN_OP_N,
};

enum {
	MSG_CAUSES = 12, /* one for each requirement: enum requirement_cause, proto/requirement.h */
};

enum msg_join_refusal {
	JOIN_OK = 0,
	JOIN_NOT_ACTIVE = 1,    /* the peer is not primary (active) */
	JOIN_OCCUPIED = 2,      /* it has a passive already */
	JOIN_WRONG_ADDRESS = 3, /* the address is not one of its management addresses */
	JOIN_NO_VIP = 4,        /* it has no virtual IP configured */
	JOIN_REQUIREMENTS = 5,  /* the cluster requirements are not met */
	JOIN_STORE = 6,         /* it could not write its cluster record */
	JOIN_REFUSAL_N,
};

struct msg_join {
	uint8_t op;      /* enum msg_join_op */
	uint8_t refusal; /* enum msg_join_refusal; not JOIN_OK when op is JOIN_REFUSE, either in a
			    JOIN_REPORT, JOIN_OK in all others */
	struct ha_address address;
	uint8_t cluster_id[HA_CLUSTER_ID_LEN];
	uint64_t term;             /* the active's */
	uint8_t cause[MSG_CAUSES]; /* JOIN_REPORT, JOIN_REFUSE: enum requirement_cause; else 0 */
};

/* DETACH: the passive becomes standalone first, and says so; then the active lets go of it. */
enum msg_detach_op {
	DETACH_REQUEST = 1, /* active -> passive; repeated until it is answered */
	DETACH_DONE = 2,    /* passive -> active: it is standalone, on disk */
	DETACH_REFUSE = 3,  /* passive -> active: refusal says why */
	DETACH_OP_N,
};

enum msg_detach_refusal {
	DETACH_OK = 0,
	DETACH_SYNCING = 1, /* its first whole copy of the settings is under way */
	DETACH_STORE = 2,   /* it could not write its cluster record */
	DETACH_HOLDS = 3,   /* it holds the virtual IP */
	DETACH_REFUSAL_N,
};

struct msg_detach {
	uint8_t op;      /* enum msg_detach_op */
	uint8_t refusal; /* enum msg_detach_refusal; not DETACH_OK exactly when op is DETACH_REFUSE */
	uint8_t cluster_id[HA_CLUSTER_ID_LEN];
};

/* ADDRESSES: the passive takes the virtual IPs on first, durably, and says so; then the active changes over. */
enum msg_addresses_op {
	ADDRESSES_PROPOSE = 1, /* active -> passive; repeated until it is answered */
	ADDRESSES_ACCEPT = 2,  /* passive -> active: they are on its disk */
	ADDRESSES_REFUSE = 3,  /* passive -> active: refusal says why */
	ADDRESSES_OP_N,
};

enum msg_addresses_refusal {
	ADDRESSES_OK = 0,
	ADDRESSES_STORE = 1,   /* it could not write its cluster record */
	ADDRESSES_HOLDER = 2,  /* it does not hear the sender hold, or holds itself */
	ADDRESSES_SYNCING = 3, /* its first whole copy of the settings is under way */
	ADDRESSES_OWN = 4,     /* one is an address of its own */
	ADDRESSES_NETWORK = 5, /* one is in no network of its management */
	ADDRESSES_WITNESS = 6, /* one is a witness of its */
	ADDRESSES_BUSY = 7,    /* another change of the pair is under way there */
	ADDRESSES_REFUSAL_N,
};

struct msg_addresses {
	uint8_t op;      /* enum msg_addresses_op */
	uint8_t refusal; /* enum msg_addresses_refusal; not ADDRESSES_OK exactly when it is refused */
	uint8_t cluster_id[HA_CLUSTER_ID_LEN];
	struct ha_address
		vip[HA_VIP_MAX]; /* one at least, then empty ones; the same in the answer */
};

/* Why an appliance is not part of its pair any more. Stored on disk: append only. */
enum msg_parting {
	PARTING_NONE = 0,     /* it never was, or it is */
	PARTING_DETACHED = 1, /* in good order, by --detach */
	PARTING_REMOVED = 2,  /* by --remove at the other, while it was not reachable */
	PARTING_LEFT = 3,     /* by --remove at this one */
	PARTING_N,
};

/* DISOWN, the whole of it in disown.h: a former peer's beacon is answered with it. */
struct msg_disown {
	uint8_t cluster_id[HA_CLUSTER_ID_LEN];
	uint8_t key[HA_KEY_LEN]; /* static public key of the sender */
	uint64_t boot;           /* of the beacon that it answers */
	uint8_t why;             /* enum msg_parting: PARTING_DETACHED or PARTING_REMOVED */
};

size_t msg_encode_beacon(uint8_t *out, size_t cap, const struct msg_beacon *);
size_t msg_encode_heartbeat(uint8_t *out, size_t cap, const struct msg_heartbeat *);
size_t msg_encode_solicit(uint8_t *out, size_t cap, const struct msg_solicit *);
/* Is it one of its management addresses; does it lie in a network of one of them? */
bool msg_identity_has(const struct msg_identity *, const struct ha_address *);
bool msg_identity_reaches(const struct msg_identity *, const struct ha_address *);

size_t msg_encode_identity(uint8_t *out, size_t cap, const struct msg_identity *);
size_t msg_encode_join(uint8_t *out, size_t cap, const struct msg_join *);
size_t msg_encode_detach(uint8_t *out, size_t cap, const struct msg_detach *);
size_t msg_encode_addresses(uint8_t *out, size_t cap, const struct msg_addresses *);

/* body..len is the body without its tag; another length than the type's is DROP_BAD_LENGTH. */
enum ha_drop msg_decode_beacon(const uint8_t *body, size_t len, struct msg_beacon *out);
enum ha_drop msg_decode_heartbeat(const uint8_t *body, size_t len, struct msg_heartbeat *out);
enum ha_drop msg_decode_solicit(const uint8_t *body, size_t len, struct msg_solicit *out);
enum ha_drop msg_decode_identity(const uint8_t *body, size_t len, struct msg_identity *out);
enum ha_drop msg_decode_join(const uint8_t *body, size_t len, struct msg_join *out);
enum ha_drop msg_decode_detach(const uint8_t *body, size_t len, struct msg_detach *out);
enum ha_drop msg_decode_addresses(const uint8_t *body, size_t len, struct msg_addresses *out);

#endif
