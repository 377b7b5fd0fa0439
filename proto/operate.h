/* operate.h - what an operator asks for: done, begun, or refused with the reason (SPEC 5.10). */
#ifndef HA_PROTO_OPERATE_H
#define HA_PROTO_OPERATE_H

#include "proto/clock.h"
#include "proto/node.h"

void operate(struct node *, const struct node_event *, struct clock *, struct node_actions *);

#endif
