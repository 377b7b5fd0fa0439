/* types.h - the few value types that every part of haagent shares.
 *
 * Time is nanoseconds of CLOCK_BOOTTIME in an int64_t: it does not jump when the wall clock is set, and it
 * goes on during suspend. Nobody in proto/ reads a clock; time is always an argument.
 */
#ifndef HA_PROTO_TYPES_H
#define HA_PROTO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t ha_time; /* a point in time or a duration, ns */

#define HA_US    ((ha_time)1000)
#define HA_MS    ((ha_time)1000000)
#define HA_SEC   ((ha_time)1000000000)
#define HA_NEVER INT64_MAX

enum {
	HA_VIP_MAX = 8,     /* virtual addresses of a cluster */
	HA_ADDRESS_MAX = 8, /* management addresses of an appliance that are stated to the peer */
	HA_KEY_LEN = 32,    /* X25519 keys, the pair secret, digests */
	HA_CLUSTER_ID_LEN = 16,
	HA_FRAME_MAX =
		1514, /* Ethernet header and 1500 bytes: no frame of ours but SYNC_* is larger */
};

struct ha_mac {
	uint8_t b[6];
};

enum ha_family {
	HA_FAMILY_NONE = 0,
	HA_IPV4 = 4,
	HA_IPV6 = 6,
};

/* An IPv4 address uses the first four bytes of b, the others are zero; network byte order. */
struct ha_address {
	uint8_t family; /* enum ha_family */
	uint8_t b[16];
};

/* The two ways to the peer (SPEC 1). */
enum ha_path {
	HA_PATH_LINK = 0,       /* the direct cable, eth3 */
	HA_PATH_MANAGEMENT = 1, /* the management segment */
	HA_PATH_N = 2,
};

/* What an operator made of the appliance; durable. */
enum ha_mode {
	HA_MODE_STANDALONE = 0,
	HA_MODE_PRIMARY_ACTIVE = 1,
	HA_MODE_PRIMARY_PASSIVE = 2,
	HA_MODE_N,
};

/* What it does at this moment (SPEC 5.1). */
enum ha_state {
	HA_INITIALIZING = 0,
	HA_ACTIVE = 1,
	HA_PASSIVE = 2,
	HA_SUSPENDED = 3,
	HA_FAULTED = 4,
	HA_ISOLATED = 5,
	HA_STATE_N,
};

/* What a heartbeat says of the virtual IP. */
enum ha_claim {
	HA_CLAIM_NONE = 0,
	HA_CLAIM_TAKING = 1,   /* decided, the address is not confirmed yet */
	HA_CLAIM_HOLDING = 2,  /* the address is on the interface */
	HA_CLAIM_RESIGNED = 3, /* released in favour of the peer (T1) */
	HA_CLAIM_N,
};

bool ha_mac_equal(const struct ha_mac *, const struct ha_mac *);
bool ha_mac_is_zero(const struct ha_mac *);
bool ha_mac_is_group(const struct ha_mac *);
bool ha_address_equal(const struct ha_address *, const struct ha_address *);
size_t ha_address_len(const struct ha_address *); /* 4, 16, or 0 for no address */
/* How many there are before the first unused one, whose family is none; at most max. */
unsigned ha_address_count(const struct ha_address *, unsigned max);
/* Are the first bits of both the same, in one family? Not if there are none, for such a network has everybody in it,
 * nor if the family has not so many. */
bool ha_address_same_network(const struct ha_address *, const struct ha_address *, unsigned bits);

/* The names that dump, history and log use. Never NULL; "?" for a value out of range. */
const char *ha_path_name(enum ha_path); /* "link", "management" */
const char *ha_mode_name(enum ha_mode); /* "standalone", "primary (active)", "primary (passive)" */
const char *ha_state_name(enum ha_state); /* "initializing" ... */
const char *ha_claim_name(enum ha_claim); /* "none", "taking", "holding", "resigned" */

#endif
