/* reason.h - why a node is in its state: every transition has one, and each names its rule in SPEC 5. */
#ifndef HA_PROTO_REASON_H
#define HA_PROTO_REASON_H

#include <stdint.h>

enum ha_reason {
	REASON_NONE = 0,
	REASON_STARTING,     /* boot: listening */
	REASON_STANDALONE,   /* no virtual IP and no pair: nothing to hold */
	REASON_UNPAIRED,     /* boot: unpaired, the virtual IP was unanswered */
	REASON_VIP_TAKEN,    /* boot: unpaired, another station answers for the virtual IP */
	REASON_HOLDER_HEARD, /* boot, I1: the peer holds the virtual IP */
	REASON_PEER_HEARD,   /* I1, boot: the peer is there, none of us holds yet */
	REASON_HANDOVER,     /* T1: the peer handed over */
	REASON_BOTH_SILENT, /* T2: peer silent on both paths, segment alive, virtual IP unanswered */
	REASON_NO_WITNESS,  /* T2: as above, but the witness was silent all through the wait */
	REASON_CARRIER_LOST,    /* T3: carrier lost on the link, no answer on management */
	REASON_NOBODY,          /* T4: both up, neither held */
	REASON_ALONE,           /* T5: alone at boot */
	REASON_FORCED,          /* T5: --force-active */
	REASON_TOOK_BACK,       /* T1: the peer let the grant run out */
	REASON_DISPROVED,       /* V1: the peer, thought dead, answers for the virtual IP */
	REASON_CHECK_FAILED,    /* Y1: own service check failed beyond recovery */
	REASON_DEAF,            /* Y1: own management hears nobody, the peer's does */
	REASON_CARRIER_DOWN,    /* Y1: own management without carrier, the peer's has it */
	REASON_GUARDIAN,        /* Y1: the guardian cannot keep the virtual IP */
	REASON_ISOLATED,        /* Y2: peer lost and deaf: it will have taken over */
	REASON_HIGHER_TERM,     /* Y3: the peer claims with a higher term */
	REASON_UNHEARD,         /* Y5: the peer claims and has not heard us for its dead interval */
	REASON_PAUSED,          /* Y6: this node slept past the peer's takeover bound */
	REASON_LEASE_LOST,      /* the guardian withdrew the virtual IP: the lease ran out */
	REASON_SWAP,            /* T1: an operator's swap */
	REASON_SHUTDOWN,        /* T1 or release: SIGTERM */
	REASON_SUSPENDED,       /* by an operator */
	REASON_RESUMED,         /* by an operator */
	REASON_STORE,           /* state not readable: never active by guess */
	REASON_JOINED,          /* paired now */
	REASON_DETACHED,        /* the pair was ended by --detach */
	REASON_REMOVED,         /* the other appliance removed this one */
	REASON_LEFT,            /* an operator removed the other appliance from here */
	REASON_SUSPENSION_OVER, /* S1: the suspension's time has passed */
	REASON_UPGRADED,        /* U1: it held before, as another program */
	REASON_READDRESSED,     /* X1: an operator has changed the virtual IPs */
	REASON_N,
};

/* What a peer said: REASON_NONE for one that only a newer version has. It is for people, and decides nothing. */
enum ha_reason reason_heard(uint8_t value);

const char *reason_text(enum ha_reason); /* for people: "peer silent on both paths" */
const char *reason_rule(enum ha_reason); /* "T2", "boot", ... ; "" if none */

#endif
