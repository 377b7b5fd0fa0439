/* peer.h - what the node knows of its peer: when it was heard on which path, and what it last said (SPEC 5.3). */
#ifndef HA_PROTO_PEER_H
#define HA_PROTO_PEER_H

#include "proto/clock.h"
#include "proto/node.h"

void worst_note(struct node_worst *, ha_time now, ha_time value);
ha_time worst_of(const struct node_worst *);

/* An authenticated frame was received on a path: liveness. */
void peer_heard(struct node *, const struct node_event *);

/* What a heartbeat was good for. */
enum peer_news {
	PEER_STALE,     /* sent over a dead interval ago: not even a sign of life */
	PEER_LIVENESS,  /* alive; its content is not newer than what is known */
	PEER_CONTENT,   /* peer.last is new */
	PEER_RESTARTED, /* ... and is the first of a new boot */
	PEER_JUMPED,    /* content, and its clock says that this node was paused (Y6) */
};
enum peer_news peer_heartbeat(struct node *, const struct node_event *);

/* There is another peer, or the same after a new join: its boots, state numbers and clock begin anew. */
void peer_forget(struct node *);

/* A session was established with a peer of that boot. */
void peer_session(struct node *, const struct node_event *);

bool path_audible(const struct node *, enum ha_path,
		  struct clock *); /* heard within the dead interval */
bool path_silent(const struct node *, enum ha_path,
		 struct clock *); /* had a session (or boot is over), not heard */
bool peer_audible(const struct node *, struct clock *); /* on any path */
bool peer_silent(const struct node *, struct clock *);  /* on both */
bool peer_claims(const struct node *, struct clock *);  /* audible, and taking or holding */
bool peer_ready(const struct node *, struct clock *);   /* audible, eligible, claims nothing */
bool peer_missed(const struct node *, struct clock *);  /* a heartbeat is overdue on every path */
bool peer_unheard_us(const struct node *, struct clock *); /* Y5: it does not hear this node */
ha_time peer_last_heard(const struct node *);              /* on any path; -1 = never */

#endif
