/* confirm.h - what an operator is told, and has to type, before something that is not easily undone.
 *
 * No is the default: anything but the word, also the end of the input, is a no.
 */
#ifndef HA_AGENT_CONFIRM_H
#define HA_AGENT_CONFIRM_H

#include <jansson.h>

#include "agent/action.h"

/* What the action needs typed: "yes" or "force"; NULL for one that does not ask. */
const char *confirm_word(enum action_verb);

/* The two fingerprints that an operator compares before a join: data is that of the test. */
void confirm_fingerprints(const struct page *, const json_t *data);

/* What will happen. data: of the test for a join, of the dump for the others; NULL: not known. link: the interface of
 * the direct cable. */
void confirm_explain(const struct page *, const struct action *, const char *link,
		     const json_t *data);

/* Asks on out for the word, reads a line from in. */
bool confirm_ask(FILE *in, FILE *out, const char *word);

#endif
