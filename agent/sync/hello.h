/* hello.h - the agreement on a new stream: which two salts its keys are made of (SPEC 6.1).
 *
 * A salt serves at most one stream, and a side never takes up a stream but on the word of a HELLO that echoes a salt of
 * its own that served none yet. Such a one was made after that salt was, by who has the key: so it is no replay, and
 * whatever else is replayed changes nothing. hello.c has the table.
 *
 * Pure: time and fresh salts are arguments. Its HELLOs are authentic before they come here.
 */
#ifndef HA_AGENT_SYNC_HELLO_H
#define HA_AGENT_SYNC_HELLO_H

#include "proto/sync_msg.h"

#define HELLO_INTERVAL                                                                             \
	(50 * HA_MS)           /* while unanswered; after HELLO_PATIENT of them it doubles ... */
#define HELLO_SLOW HA_SEC      /* ... up to this */
#define HELLO_GAP  (2 * HA_MS) /* between any two, whatever is asked */

enum {
	HELLO_PATIENT = 20,
	HELLO_ECHOES = 4, /* an echo that was said so often in vain is not said again */
};

typedef uint8_t hello_salt[SYNC_SALT_LEN];

struct hello {
	bool up;         /* there is a stream, of own and peer */
	bool proved;     /* and the peer has it too: something came under its keys */
	hello_salt own;  /* up: spent on this stream */
	hello_salt next; /* up: for the next one */
	hello_salt peer; /* up: of the stream */
	hello_salt
		echo; /* what the next HELLO echoes: the newest heard that is not the stream's; zero = none */
	unsigned echoed;   /* how often it did */
	unsigned unheard;  /* HELLOs sent since one was heard */
	bool prove;        /* something under the stream's keys is to be sent */
	ha_time sent, due; /* the newest HELLO; the next, or HA_NEVER */
};

enum hello_verdict {
	HELLO_NOTED, /* nothing to do but what hello_due() and `prove` say */
	HELLO_BEGIN, /* a new stream, of h->own and h->peer, in place of the one there was */
};

/* No stream; fresh is the salt of the next. Anew by the same call whenever this side ends a stream. */
void hello_init(struct hello *, const hello_salt fresh, ha_time now);

/* An authentic one has come. fresh is used up if it is HELLO_BEGIN. */
enum hello_verdict hello_heard(struct hello *, const struct sync_hello *, const hello_salt fresh,
			       ha_time now);
void hello_proof(struct hello *); /* an authentic frame of the stream has come */

/* When a HELLO is to be sent, or HA_NEVER; and its salts. */
ha_time hello_due(const struct hello *);
void hello_say(struct hello *, hello_salt salt, hello_salt echo, ha_time now);

#endif
