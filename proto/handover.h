/* handover.h - T1, the orderly change of holder (SPEC 5.5):
 *
 *   giver                          taker
 *   INTENT(id)        ->
 *                     <-           ACK(id)         eligible, next term on disk
 *   address deleted, confirmed
 *   RESIGNED(id, grant) ->
 *                     <-           TAKING(id)      within the grant
 *   passive
 *
 * Each side says its phase in every heartbeat, so that no frame has to arrive.
 */
#ifndef HA_PROTO_HANDOVER_H
#define HA_PROTO_HANDOVER_H

#include "proto/clock.h"
#include "proto/node.h"

void handover_begin(struct node *, enum ha_reason why, uint32_t request, struct node_actions *);
void handover_cancel(struct node *, enum node_refusal, struct node_actions *);

/* The peer's newest heartbeat. True if it resigned in this node's favour and the grant still runs: take. */
bool handover_heard(struct node *, const struct node_event *, struct clock *,
		    struct node_actions *);

/* The giver's addresses are off. */
void handover_released(struct node *, struct node_actions *);

/* What time does to it. True if the grant ran out unused and this node takes back. */
bool handover_timer(struct node *, struct clock *, struct node_actions *);

#endif
