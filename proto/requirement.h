/* requirement.h - may these two be a pair? The cluster requirements, as one pure function over the two identities
 * and what has been seen of the network (SPEC 7).
 *
 * Both sides judge by it: the two tables are merged, so that what only one of them can see counts for both.
 */
#ifndef HA_PROTO_REQUIREMENT_H
#define HA_PROTO_REQUIREMENT_H

#include "proto/msg.h"
#include "proto/types.h"

enum requirement {
	/* the product's seven */
	REQUIREMENT_MODEL = 0,
	REQUIREMENT_CABLE,
	REQUIREMENT_VERSION,
	REQUIREMENT_HOST_NAME,
	REQUIREMENT_FAMILIES,
	REQUIREMENT_SEGMENT,
	REQUIREMENT_VIRTUAL_IP,
	/* and what a join takes besides */
	REQUIREMENT_ADDRESS, /* the address typed is the other one's */
	REQUIREMENT_ROLE,    /* the other one is primary (active) */
	REQUIREMENT_VACANT,  /* ... and has no passive yet */
	REQUIREMENT_TIMING,  /* the same heartbeat, dead interval and confirm time */
	REQUIREMENT_PROTOCOL, /* the same protocol version, the same passphrase: a handshake is possible */
	REQUIREMENT_N,
};
_Static_assert((int)REQUIREMENT_N == (int)MSG_CAUSES, "each has its byte in JOIN");

enum requirement_result {
	REQUIREMENT_PASS,
	REQUIREMENT_FAIL,
	REQUIREMENT_UNKNOWN, /* not seen (yet) */
};

/* Why a requirement is not met. On the wire: append only. The first ones mean "unknown". */
enum requirement_cause {
	CAUSE_NONE = 0,          /* it is met */
	CAUSE_UNHEARD,           /* unknown: the other appliance is not heard on the link */
	CAUSE_PENDING,           /* unknown: asked, not answered yet */
	CAUSE_NOT_SEEN,          /* unknown: cannot be seen from here (the other side may) */
	CAUSE_MODEL_DIFFERS,     /* not the same model */
	CAUSE_MODEL_UNSUPPORTED, /* none that may form a pair */
	CAUSE_RELAYED,           /* heard through a forwarding device only */
	CAUSE_STATIONS,          /* another station is on the link */
	CAUSE_LINK_DIRECT,       /* link_direct is true on one side and false on the other */
	CAUSE_FIRMWARE_DIFFERS,
	CAUSE_HOTFIX_DIFFERS,
	CAUSE_PATCH_DIFFERS,
	CAUSE_SAME_HOST_NAME,
	CAUSE_NO_HOST_NAME,
	CAUSE_FAMILY_ACTIVE,  /* the active has a family that the passive has not */
	CAUSE_FAMILY_PASSIVE, /* the other way round */
	CAUSE_NO_ADDRESS,     /* one of them has no management address at all */
	CAUSE_PREFIX_DIFFERS, /* no network in common in one of the families */
	CAUSE_OTHER_MAC,      /* somebody else answers for the other's management address */
	CAUSE_NOT_ANSWERED,   /* nobody answers for it on the management segment */
	CAUSE_NO_VIP,         /* the active has no virtual IP configured */
	CAUSE_VIP_OUTSIDE, /* a virtual IP outside of the management networks, or of a family that one lacks */
	CAUSE_VIP_IS_MANAGEMENT, /* a virtual IP is a management address of one of them */
	CAUSE_VIP_THIRD_PARTY,   /* another station answers for a virtual IP */
	CAUSE_ADDRESS_OWN,       /* the address typed is this appliance's own */
	CAUSE_ADDRESS_OTHER,     /* it is none of the other's management addresses */
	CAUSE_NOT_ACTIVE,        /* the other one is not primary (active) */
	CAUSE_BOTH_ACTIVE,       /* this one holds a virtual IP itself */
	CAUSE_OCCUPIED,          /* the active has a passive already */
	CAUSE_PAIRED,            /* this one is part of a pair already */
	CAUSE_TIMING_DIFFERS,
	CAUSE_VERSION,      /* the other one speaks another version of the protocol */
	CAUSE_PASSPHRASE,   /* it is there and its handshake does not verify */
	CAUSE_STORE,        /* the active cannot write its cluster record */
	CAUSE_NO_MODEL,     /* one of them states no model */
	CAUSE_NO_FIRMWARE,  /* one of them states no firmware version */
	CAUSE_SAME_ADDRESS, /* a management address is on both of them */
	CAUSE_CROSSED,      /* the other one tests or joins this one at the same time */
	CAUSE_IDENTITY,     /* what it states of itself is malformed: authentic, and of no use */
	CAUSE_N,
};

/* What has been seen, by one side. Who is a stranger on the link is not judged before the peer is heard. */
struct requirement_facts {
	bool heard;         /* the peer's authentic frames, on the link */
	bool direct;        /* one of them came to the nearest-bridge address */
	bool stations;      /* a frame of another station was heard on the link */
	bool listening;     /* too early to say that there is no such frame, or no direct one */
	bool other_version; /* frames of another protocol version were */
	bool unverified;    /* a beacon was, but no handshake succeeds */
	bool crossed;       /* the peer begins handshakes of its own meanwhile */
	bool malformed;     /* the newest identity that it states is out of range */
	struct requirement_proof { /* of the other's management address, per family: [0] IPv4, [1] IPv6 */
		bool asked, answered; /* with the MAC that it states */
		bool other_mac;       /* with another one */
		bool over;            /* it was waited long enough for an answer */
	} proof[2];
	uint8_t vip_third; /* bit i: another station answered for the active's virtual IP i */
	bool vip_over;     /* it was waited long enough for such an answer */
};

/* A settled pair is judged by the same function: no address, own_paired false (of this very peer), own_holds as
 * is_active, nothing reported; then the rows that only a join has are met. */
struct requirement_view {
	bool is_active; /* this side is the active one of the two; else the one that joins */
	const struct msg_identity *own;
	const struct msg_identity *peer;        /* NULL: not known */
	const char (*model)[MSG_MODEL_LEN + 1]; /* those that may form a pair */
	unsigned model_n;
	struct ha_address
		address; /* what the operator typed; family none: nothing, and not judged */
	bool own_paired; /* this side is in a pair with somebody (not with this peer) */
	bool own_holds;  /* this side is primary (active) */
	/* Of the other side, as its JOIN_REPORT says; only the one that joins looks at it, and only if there is an
	 * address. */
	bool reported;
	enum msg_join_refusal refusal;
	struct requirement_facts facts;
};

/* One cause for each requirement. Reads the identities safely whatever is in them. */
void requirements_judge(const struct requirement_view *, uint8_t cause[REQUIREMENT_N]);

/* The two sides' tables as one, into own: a failure beats what is not known, that beats what is met; and of two
 * failures the own one stays. CAUSE_NOT_SEEN of one side gives way to whatever the other says. A cause that is not in
 * the list, of a newer peer, is a failure. */
void requirements_merge(uint8_t own[REQUIREMENT_N], const uint8_t peer[REQUIREMENT_N]);

bool requirements_met(const uint8_t cause[REQUIREMENT_N]); /* each of them */

enum requirement_result requirement_result(enum requirement_cause);
const char *requirement_name(enum requirement);  /* "hardware_model", ...: of --dump=json */
const char *requirement_title(enum requirement); /* "Hardware model", ...: for people */
const char *requirement_result_name(enum requirement_result); /* "pass", "fail", "unknown" */
const char *requirement_remedy(
	enum requirement_cause); /* one sentence, for people; "" for CAUSE_NONE */

#endif
