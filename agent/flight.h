/* flight.h - the captures directory: what the flight recorder had when something happened, as files.
 *
 * In the steward, which may wait for a disk. A file is written when the state of the node has changed, a while later so
 * that it shows what followed; when the engine has died; and when somebody asks, which is a file besides: neither takes
 * the other's place. FLIGHT_FILES_MAX are kept. They are of use
 * afterwards and nothing rests on them: so none is forced to the disk, none is begun where the record of the cluster might
 * need the room, and what fails is logged once and has no other effect.
 */
#ifndef HA_AGENT_FLIGHT_H
#define HA_AGENT_FLIGHT_H

#include "agent/config.h"
#include "agent/store.h"

enum {
	FLIGHT_FILES_MAX = 16,
	FLIGHT_NAME_MAX = 48,
	FLIGHT_ROOM = 8 << 20, /* bytes that stay free on the disk */
};

#define FLIGHT_AFTER_CHANGE (3 * HA_SEC) /* what followed */
#define FLIGHT_AFTER_DEATH  (1 * HA_SEC) /* its successor's start */
#define FLIGHT_BETWEEN      (5 * HA_SEC) /* from one file to the next, unless somebody asks ... */
#define FLIGHT_ASKED        (1 * HA_SEC) /* ... and then */

enum flight_why {
	FLIGHT_CHANGE,  /* the state of the node */
	FLIGHT_DEATH,   /* of the engine */
	FLIGHT_REQUEST, /* SIGUSR1 */
	FLIGHT_WHY_N,
};

struct flight_plan {
	ha_time due; /* HA_NEVER: nothing is to be written */
	enum flight_why why;
};

struct flight {
	const struct config *config;
	int state, recorded; /* descriptors, the caller's; -1: nothing is written */
	struct flight_plan happened, asked;
	ha_time written; /* the newest attempt */
	unsigned number; /* of the next file, from 0 to 999 and anew */
	bool complained; /* since a file was last written */
};

void flight_init(struct flight *, const struct config *, int state, int recorded);

void flight_event(struct flight *, const struct store_event *, ha_time now); /* in the history */
void flight_death(struct flight *, ha_time now);
void flight_request(struct flight *, ha_time now);

ha_time flight_deadline(const struct flight *);
void flight_timer(struct flight *, ha_time now);

/* The end of this process: what was to be written later is written now, but for the death of the engine. */
void flight_end(struct flight *, ha_time now);

/* Is it a name that flight_name() makes? */
bool flight_is_name(const char *name);
void flight_name(char out[FLIGHT_NAME_MAX], int64_t wall_ns, unsigned number, enum flight_why);

/* Removes the oldest of the directory until at most `keep` are left; nothing but files of such names. */
void flight_prune(int directory, unsigned keep);

#endif
