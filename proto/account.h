/* account.h - how a node's last change of role came about: an observer beside the node.
 *
 * It is shown every step of a node when it is over, and keeps what the step has undone of what led to it: which frames were
 * heard last, what was asked and not answered. When the role changes, that becomes the account of it; what follows
 * (the address off, on, announced, the other heard taking) is added as it happens. Pure, without allocation, and O(1): a
 * few comparisons, unless there is a change.
 *
 * A role here is active, not active, or not decided yet: passive, suspended, isolated and faulted are one. Zeroed, there is no
 * account: none is of an earlier start.
 */
#ifndef HA_PROTO_ACCOUNT_H
#define HA_PROTO_ACCOUNT_H

#include "proto/msg_account.h"
#include "proto/node.h"

struct account {
	struct msg_account last; /* decided == 0: there was none yet */
	/* what is kept of the steps before */
	ha_time step;   /* when the newest was */
	ha_time asked;  /* a witness was, last */
	ha_time answer; /* ... and last before the newest evidence */
	ha_time evidence;
	ha_time peer_held;
	ha_time probe_first, probe_last;
	ha_time intent, ack, resigned, taking;
	ha_time released, off;
	uint16_t probe_rounds;
	uint8_t phase; /* enum msg_handover_phase of its own */
	bool releasing, lease_wanted, lease_releasing;
	bool soliciting, solicit_answered;
};

void account_observe(struct account *, const struct node *after, const struct node_event *,
		     const struct node_actions *);

/* One of the peer's, with its times by our clock: its clock is offset_us ahead (node_peer.offset_us). What would lie before
 * our clock began is as good as unknown. */
void account_translate(struct msg_account *, int64_t offset_us);

/* Moves the peer's, translated, by the least that lets no frame of a handover that both tell be heard before it was sent (SPEC
 * 3.11). No other account is changed. */
void account_align(struct msg_account *theirs, const struct msg_account *own);

#endif
