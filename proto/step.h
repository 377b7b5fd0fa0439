/* step.h - what the node's parts use to say and do something in a step: actions, history, terms, changes of state. */
#ifndef HA_PROTO_STEP_H
#define HA_PROTO_STEP_H

#include "proto/node.h"

/* A new action at the end of the list, zeroed but for its type. The list cannot overflow: SPEC 5.9 bounds it. */
struct node_action *step_add(struct node_actions *, enum node_action_type);

void step_event(struct node *, struct node_actions *, enum node_event_code, uint32_t detail);

/* The same with a reason of its own, not that of the state. */
void step_event_for(struct node *, struct node_actions *, enum node_event_code, enum ha_reason,
		    uint32_t detail);

/* To whoever asked; nobody did if request is 0. */
void step_reply(struct node_actions *, uint32_t request, enum node_refusal);

/* The only place where state and reason change. */
void step_state(struct node *, struct node_actions *, enum ha_state, enum ha_reason);

/* Claim and handover are public: a change goes out at the end of the step, not at the next heartbeat. */
void step_claim(struct node *, enum ha_claim);

/* SPEC 5.4: even terms for the lower key, odd ones for the higher, so that two are never equal. */
uint64_t step_next_term(const struct node *, uint64_t above);
void step_know_term(struct node *, uint64_t); /* heard of, or used */

void step_active(struct node *, enum ha_reason,
		 struct node_actions *); /* take the next term and the virtual IP */
void step_yield(struct node *, enum ha_reason, enum ha_state,
		struct node_actions *); /* give it up, now */

#endif
