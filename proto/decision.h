/* decision.h - what a node decided, as a frame of a capture (SPEC 3.12).
 *
 * Never on the wire: a receiver drops the type as bad_type. The flight recorder puts them between the frames that led
 * to them, so that one file shows both, in one order. What they say is what the history says.
 */
#ifndef HA_PROTO_DECISION_H
#define HA_PROTO_DECISION_H

#include "proto/drop.h"
#include "proto/types.h"

enum {
	DECISION_SUBJECT_LEN = 31,
	DECISION_BODY_LEN = 4 + 8 + 4 + DECISION_SUBJECT_LEN,
	DECISION_LEN = 18 + DECISION_BODY_LEN, /* with its header */
};

struct decision {
	uint64_t number;  /* rises: the header's counter */
	uint8_t event;    /* enum node_event_code */
	uint8_t from, to; /* enum ha_state */
	uint8_t reason;   /* enum ha_reason; it names the rule */
	uint64_t term;
	uint32_t detail;                        /* by event */
	char subject[DECISION_SUBJECT_LEN + 1]; /* text; "" nobody */
};

/* Header and body. Bytes written, or 0: the buffer is too small, or the subject has no end. */
size_t decision_encode(uint8_t *out, size_t cap, const struct decision *);

/* frame..len is what follows the EtherType. An event or a reason of a newer version is taken as it is: whoever shows it
 * has no name for it. DROP_BAD_VALUE: a state that does not exist, or a subject that is no text. */
enum ha_drop decision_decode(const uint8_t *frame, size_t len, struct decision *out);

#endif
