/* announce.h - the ARP and neighbour discovery frames that haagent sends and reads on the
 * management segment.
 *
 * Whole Ethernet frames, built and parsed by offset, without I/O. Sources: RFC 826, RFC 5227
 * (probes and announcements), RFC 4861 4.3, 4.4 and 7.2.6 (unsolicited neighbour
 * advertisements), SPEC 3.10.
 */
#ifndef HA_PROTO_ANNOUNCE_H
#define HA_PROTO_ANNOUNCE_H

#include "proto/types.h"

enum {
	ANNOUNCE_FRAME_MAX = 90, /* all of them fit */
};

enum announce_form {
	ANNOUNCE_ARP_REQUEST, /* gratuitous ARP to broadcast, opcode 1, target hardware address zero */
	ANNOUNCE_ARP_REPLY, /* the same, opcode 2, target hardware address = sender's (for Linux) */
	ANNOUNCE_NA,        /* unsolicited NA to ff02::1: S=0 O=1, target link-layer option */
};

/* Writes "address is at mac" to out (ANNOUNCE_FRAME_MAX bytes); `router` sets the NA's R flag.
 * The frame's length, or 0 if the form does not fit the address's family. */
size_t announce_build(uint8_t *out, enum announce_form, const struct ha_address *,
		      const struct ha_mac *, bool router);

/* Writes the question "who has target?" from own mac: ARP request or neighbour solicitation.
 * `to` is unicast, or zero for broadcast / the solicited-node group. `from` is the own address
 * of the same family that stands as the sender; family 0 = an RFC 5227 probe (sender 0.0.0.0),
 * for IPv6 then the link-local address is needed: `from` must be an IPv6 address there, because
 * an answer to a solicitation from :: goes to all nodes. The length, or 0. */
size_t announce_question(uint8_t *out, const struct ha_address *target, const struct ha_mac *to,
			 const struct ha_address *from, const struct ha_mac *mac);

/* What an ARP or neighbour discovery frame from the segment says. */
struct segment_frame {
	struct ha_mac source;     /* Ethernet source */
	struct ha_address sender; /* ARP sender, NA target or NS source; family 0: a probe */
	struct ha_address target; /* ARP or NS target; family 0: an NA */
	struct ha_mac sender_mac; /* ARP sender's, or the link-layer option's; else source */
	bool answer;              /* an ARP reply or an NA */
};

/* True if the Ethernet frame is a well-formed ARP (Ethernet / IPv4) or NS / NA (hop limit 255,
 * code 0, correct checksum, options whole); VLAN-tagged ones are not. */
bool segment_parse(const uint8_t *frame, size_t len, struct segment_frame *out);

#endif
