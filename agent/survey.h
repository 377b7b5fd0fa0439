/* survey.h - what this appliance sees of the other before the two become a pair: the facts behind the
 * requirements (proto/requirement.h), gathered in a few seconds.
 *
 * No I/O and no heap: frames are reported to it, and it says whom to ask. The questions, all on the management
 * segment: who has the other's management addresses (one for each family that both have a common network in),
 * and who has the virtual IPs of the active. Each is asked three times, 300 ms apart, and given up 500 ms after
 * the last. Answers are ARP and neighbour advertisements (struct segment_frame).
 *
 * It always takes all of that time, 1.1 s, also when every question is answered at once or there is none: a second
 * station that answers, and another one on the link, are a little late.
 */
#ifndef HA_AGENT_SURVEY_H
#define HA_AGENT_SURVEY_H

#include "proto/announce.h"
#include "proto/msg.h"
#include "proto/requirement.h"

#define SURVEY_EVERY    (300 * HA_MS)
#define SURVEY_PATIENCE (500 * HA_MS)
#define SURVEY_TTL      (10 * HA_SEC) /* facts older than this are gathered anew */

enum {
	SURVEY_TRIES = 3,
	SURVEY_QUESTIONS_MAX = 2 + HA_VIP_MAX,
};

/* How a frame of the link was addressed. */
enum survey_to {
	SURVEY_TO_NEAREST, /* the nearest-bridge group: nobody forwards it */
	SURVEY_TO_OTHER,
};

struct survey_question {
	struct ha_address address;
	bool vip;       /* a virtual IP; else a management address of the peer */
	unsigned index; /* of the virtual IP; or 0 IPv4, 1 IPv6 */
};

struct survey {
	bool running;         /* questions are still open */
	bool known;           /* the peer's identity is */
	ha_time begun, ended; /* ended: HA_NEVER while running */
	struct msg_identity peer;
	bool is_active;
	struct ha_mac own_mac, peer_link_mac; /* on management; on the link, zero = not known */
	struct ha_mac station; /* the first on the link, before the peer's is known; zero = none */
	struct requirement_facts facts;
	struct survey_question question[SURVEY_QUESTIONS_MAX];
	unsigned question_n, asked; /* asked: rounds so far */
	ha_time next;
};

/* Forgets everything but when it may ask again; zeroed before the first time. What is reported of the link before
 * survey_begin() counts. */
void survey_init(struct survey *, bool is_active, const struct ha_mac *own_management_mac);

/* ---- the link ---- */
void survey_authentic(struct survey *, const struct ha_mac *from,
		      enum survey_to); /* a frame of the peer's session */
/* Any frame at all that came in, the peer's or another's. Not one that this interface has sent itself. */
void survey_station(struct survey *, const struct ha_mac *from);
void survey_version(struct survey *);   /* a frame of another protocol version */
void survey_beacon(struct survey *);    /* an appliance is there */
void survey_malformed(struct survey *); /* an identity of the peer's session that is out of range */

/* ---- the management segment ---- */
/* The peer's identity has come: what to ask follows from the two. Again: nothing changes, unless it is another
 * revision, or asks for other questions, or what is known is older than SURVEY_TTL; then it begins anew. However
 * often that is, no round of questions comes sooner than SURVEY_EVERY after the one before. */
void survey_begin(struct survey *, const struct msg_identity *own, const struct msg_identity *peer,
		  ha_time now);
void survey_segment(struct survey *, const struct segment_frame *);
ha_time survey_deadline(const struct survey *);
/* The questions to ask now, into out; how many. */
unsigned survey_timer(struct survey *, ha_time now,
		      struct survey_question out[SURVEY_QUESTIONS_MAX]);

/* Its questions are all answered or given up, not longer than SURVEY_TTL ago. */
bool survey_complete(const struct survey *, ha_time now);

#endif
