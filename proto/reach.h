/* reach.h - does the management interface reach its segment? Witnesses, evidence, deafness (SPEC 5.2).
 *
 * Evidence is any frame from a third station: neither this node nor its peer. Stations that answered before are asked
 * once a second, and quickly as soon as there is doubt.
 */
#ifndef HA_PROTO_REACH_H
#define HA_PROTO_REACH_H

#include "proto/clock.h"
#include "proto/node.h"

void reach_init(struct node_reach *);
void reach_configure(struct node *, const struct node_event *); /* EV_WITNESS */

/* A frame from a third station. */
void reach_evidence(struct node *, const struct segment_frame *, ha_time heard_at);

/* Who the peer is, or which addresses are virtual, is known now: what was learned of them is no third station. */
void reach_forget_pair(struct node *);

/* Asks whom it is time to ask. */
void reach_ask(struct node *, struct clock *, struct node_actions *);

bool reach_known(const struct node *); /* some third station was ever heard in this boot */
bool reach_deaf(const struct node *, struct clock *); /* carrier down, or nobody answers any more */
ha_time reach_deaf_since(
	const struct node *); /* of the question nobody answered, or of the carrier */

#endif
