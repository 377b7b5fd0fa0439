/* readdress.h - other virtual IPs while the node runs: they are its record's already (SPEC 5.12).
 *
 * What is held changes over in place: released, and once that is certain acquired anew, by the same term and in the same
 * state. What holds nothing takes them on at once.
 */
#ifndef HA_PROTO_READDRESS_H
#define HA_PROTO_READDRESS_H

#include "proto/node.h"

void readdress(struct node *, const struct node_event *);    /* EV_ADDRESSES */
void readdress_follow(struct node *, struct node_actions *); /* at each step: is it time? */

#endif
