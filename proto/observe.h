/* observe.h - what an event changes in what the node knows, and the few reactions that answer one directly. */
#ifndef HA_PROTO_OBSERVE_H
#define HA_PROTO_OBSERVE_H

#include "proto/clock.h"
#include "proto/node.h"

void observe(struct node *, const struct node_event *, struct clock *, struct node_actions *);

/* This node was stopped for longer than its lease (a holder), or too long to judge (SPEC 5.Y6). */
void observe_pause(struct node *, struct node_actions *);

#endif
