/* pair.h - a pair begins, and ends: for this node, when its record says so (SPEC 5.10). */
#ifndef HA_PROTO_PAIR_H
#define HA_PROTO_PAIR_H

#include "proto/node.h"

void pair_begin(struct node *, const struct node_event *, struct node_actions *); /* EV_PAIRED */
void pair_end(struct node *, const struct node_event *, struct node_actions *);   /* EV_UNPAIRED */

#endif
