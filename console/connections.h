/* connections.h - how many there are, from where, and how long each may take.
 *
 * Whoever is slow is shown the door by absolute times, not by silence: a byte now and then does not keep a place. From
 * the connection to a whole request CONNECTIONS_REQUEST; for the next one CONNECTIONS_IDLE; to take the reply, or the
 * next part of a stream, CONNECTIONS_REPLY. Where all places are taken, the one that has kept its longest without
 * anybody having logged in by it is given to who comes: whoever fills them from many addresses does not keep out who
 * works here. Some places are the machine's own, so that nobody on the network can lock out whoever is at the appliance.
 */
#ifndef HA_CONSOLE_CONNECTIONS_H
#define HA_CONSOLE_CONNECTIONS_H

#include "console/address.h"
#include "proto/types.h"

enum {
	CONNECTIONS_LOCAL = 8, /* more, for the machine itself */
	CONNECTIONS_SPARE = 8, /* more, until those that make room are gone */
};

#define CONNECTIONS_REQUEST (10 * HA_SEC)
#define CONNECTIONS_IDLE    (15 * HA_SEC)
#define CONNECTIONS_REPLY   (20 * HA_SEC)

struct connection {
	int fd; /* -1: free */
	struct address from;
	bool local;
	bool known; /* somebody is logged in by it */
	ha_time began;
	ha_time until; /* HA_NEVER: it waits for us */
};

struct connections {
	unsigned max, per_address, n;
	unsigned places; /* with the spare ones and the machine's own */
	uint64_t refused, overdue, displaced;
	struct connection *all;
};

int connections_open(struct connections *, unsigned max, unsigned per_address); /* 0 or -ENOMEM */
void connections_close(struct connections *);

/* Is there a place for one more from there, or can one be made? Counts it as refused if not. */
bool connections_room(struct connections *, const struct address *);
struct connection *connections_add(struct connections *, int fd, const struct address *,
				   ha_time now);
void connections_remove(struct connections *, struct connection *);

/* Ends those whose time is over. */
void connections_sweep(struct connections *, ha_time now);
ha_time connections_deadline(const struct connections *);

#endif
