/* msg_account.h - ACCOUNT: how the sender's last change of role came about (SPEC 3.11).
 *
 * What account.c has observed, as it is kept and as it is sent. It decides nothing: the receiver keeps the newest for whoever
 * asks why (haagent --why), so one that is lost, late or not understood costs an explanation and no more.
 *
 * All times are the sender's clock; 0 = did not happen, or is not known.
 */
#ifndef HA_PROTO_MSG_ACCOUNT_H
#define HA_PROTO_MSG_ACCOUNT_H

#include "proto/drop.h"
#include "proto/types.h"

enum {
	MSG_ACCOUNT_LEN = 254,
};

enum account_carrier {
	ACCOUNT_CARRIER_UNKNOWN = 0,
	ACCOUNT_CARRIER_UP = 1,
	ACCOUNT_CARRIER_DOWN = 2,
	ACCOUNT_CARRIER_N,
};

/* Who answered for the virtual IP while it was probed. */
enum account_answer {
	ACCOUNT_ANSWER_NONE = 0,
	ACCOUNT_ANSWER_PEER = 1,
	ACCOUNT_ANSWER_OTHER = 2,
	ACCOUNT_ANSWER_N,
};

struct account_path {
	ha_time heard;   /* newest fresh frame of the peer up to then */
	uint16_t missed; /* heartbeats that were due since; UINT16_MAX = that many or more */
	uint8_t carrier; /* enum account_carrier, at the decision */
	ha_time carrier_since;
};

struct msg_account {
	uint64_t boot;   /* of the sender's start */
	ha_time decided; /* never 0 */
	uint8_t from, to, reason;
	uint64_t term; /* the newest of the cluster, as it knew */
	ha_time awake; /* its last step before the one that decided: it may have stood still since */
	struct account_path path[HA_PATH_N];
	struct {
		ha_time first, last; /* sent; of the run that was under way */
		uint16_t rounds;     /* to every virtual IP each */
		uint8_t answer;      /* enum account_answer: the newest */
		ha_time answered;
	} probe;
	struct {
		ha_time since;
		uint8_t sent, answered; /* answered: 1 = the peer was heard again after it */
	} solicit;
	struct {
		ha_time evidence;          /* newest of the segment */
		ha_time asked;             /* the newest question before it */
		ha_time unanswered;        /* the first question after it */
		struct ha_address station; /* whose it was; family 0 = of none that can be asked */
		uint8_t configured;        /* 1: a witness by the configuration, or the gateway */
	} reach;
	struct {
		ha_time heard; /* its newest content; 0: nothing else here is known */
		uint64_t boot; /* of its start */
		uint8_t state, claim, reason, flags;
		uint16_t why_not;
		ha_time held; /* when it was last heard holding the virtual IP */
	} peer;
	struct {
		/* giver: intent said, acknowledgement heard, resigned said, taking heard
		 * taker: intent heard and acknowledged, resigned heard and taken */
		ha_time intent, ack, resigned, taking;
	} handover;
	struct {
		ha_time until;    /* of who held: the lease then ran so long, whatever happened */
		ha_time released; /* the guardian was asked to take the address off */
		ha_time off;      /* it is, or the lease has certainly run out */
		ha_time on,
			announced; /* of who became active: the first address, the first word of it */
	} lease;
};

size_t msg_encode_account(uint8_t *out, size_t cap, const struct msg_account *);
enum ha_drop msg_decode_account(const uint8_t *body, size_t len, struct msg_account *out);

#endif
