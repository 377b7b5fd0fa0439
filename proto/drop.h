/* drop.h - why a received frame was not used: one name per reason, each a counter in the dump.
 *
 * DROP_NONE is zero, so that `if (drop)` reads as it should. SPEC 2.4 lists the reasons in the order in which
 * they are checked.
 */
#ifndef HA_PROTO_DROP_H
#define HA_PROTO_DROP_H

enum ha_drop {
	DROP_NONE = 0,
	DROP_TRUNCATED,     /* shorter than its header or its length field says */
	DROP_OVERSIZED,     /* the length field exceeds what the protocol allows */
	DROP_BAD_VERSION,   /* another protocol version */
	DROP_BAD_TYPE,      /* no such message */
	DROP_BAD_PATH,      /* sent for the other path */
	DROP_BAD_LENGTH,    /* not the length that its type has */
	DROP_OWN_ECHO,      /* our own frame came back: a loop, or both ports on one switch */
	DROP_UNPAIRED,      /* needs a pairing that does not exist */
	DROP_UNKNOWN_INDEX, /* no session of that index */
	DROP_BAD_TAG,       /* authentication failed: tampered, or the wrong key */
	DROP_REPLAY,        /* its counter was seen before, or is too old */
	DROP_BAD_HANDSHAKE, /* a handshake message in the wrong order, or one that does not verify */
	DROP_STALE_HANDSHAKE, /* a handshake of an earlier boot: a replay */
	DROP_WRONG_PEER,      /* a handshake by a key that is not the pinned one */
	DROP_RATE_LIMIT,      /* more handshakes than are served */
	DROP_RELAYED,         /* to the group that bridges forward, and not of a join */
	DROP_BAD_VALUE,       /* authenticated, but a field is out of its range */
	DROP_N,
};

const char *drop_name(enum ha_drop); /* "truncated", "bad_tag", ...: as in the dump's counters */

#endif
