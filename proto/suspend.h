/* suspend.h - S1: no takeover for a while, or until it is resumed (SPEC 5.6).
 *
 * The holder's word counts: whoever hears one adopts its suspension and its end, and nobody but the holder ends it.
 */
#ifndef HA_PROTO_SUSPEND_H
#define HA_PROTO_SUSPEND_H

#include "proto/clock.h"
#include "proto/node.h"

/* OP_SUSPEND and OP_RESUME. */
enum node_refusal suspend_request(struct node *, const struct node_event *, struct clock *,
				  struct node_actions *);

/* A holder is heard: its suspension is this node's. */
void suspend_follow(struct node *, struct node_actions *);

/* Ends it when its time has passed. */
void suspend_timer(struct node *, struct clock *, struct node_actions *);

/* What is left of it, in seconds, rounded up: 0 = not suspended, UINT32_MAX = until it is resumed. */
uint32_t suspend_left(const struct node *, ha_time now);

#endif
