/* lease.h - the node's hold on the virtual IP: acquired from the guardian, renewed with every heartbeat, announced,
 * probed (SPEC 5.7, 5.8).
 */
#ifndef HA_PROTO_LEASE_H
#define HA_PROTO_LEASE_H

#include "proto/clock.h"
#include "proto/node.h"

enum {
	PARTIAL_MS = 300,     /* an IPv6 address may come on later than that of IPv4 */
	LEASE_FAILS_MS = 300, /* what the guardian does not confirm for so long is not kept */
};

/* The peer cannot have taken over yet: it was sent a heartbeat less than its dead interval ago. Without a pair: no other
 * appliance can have seen three probes unanswered since the lease ended; a former peer might at any time after it. */
bool lease_unbroken(const struct node *);

void lease_acquire(struct node *, struct node_actions *);
/* After one that was lost unbroken: in a pair by the timer, behind what has been received (L4). */
void lease_again(struct node *, struct node_actions *);
void lease_renew(struct node *, struct node_actions *);
void lease_release(struct node *, struct node_actions *);
void lease_ended(struct node *); /* it is certain that the addresses are mute */

/* What the guardian says of the lease. True if it withdrew one that was wanted. */
bool lease_event(struct node *, const struct node_event *);

/* A release that the guardian does not confirm is certain when the lease has run out. */
bool lease_ran_out(const struct node *, struct clock *);

/* A claim without an address keeps nobody else from holding (L6). */
void lease_claim(struct node *, struct clock *);

/* Gratuitous ARP and NA, when they are due. */
void lease_announce(struct node *, struct clock *, struct node_actions *);
void lease_announce_again(struct node *);

/* Asks who else has the virtual IP, while that matters (T2, T3, T5, V1). */
void lease_probe(struct node *, struct clock *, struct node_actions *);

/* Three probes in a row went unanswered, the last long enough ago. */
bool lease_unanswered(const struct node *, struct clock *);

#endif
