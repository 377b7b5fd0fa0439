/* table.h - the requirements as rows for people and programs: name, title, result, what is here, what is there,
 * and a remedy.
 *
 * Made where jansson allocates from the control socket's arena, so NULL: the arena is full.
 */
#ifndef HA_AGENT_TABLE_H
#define HA_AGENT_TABLE_H

#include <jansson.h>

#include "proto/requirement.h"

/* [{"name", "title", "result", "local", "peer", "remedy"}], in the order of enum requirement; remedy "" where it
 * passes. The first n rows; the values as the view's identities have them, "-" for what is not known. */
json_t *table_rows(const struct requirement_view *, const uint8_t cause[REQUIREMENT_N], unsigned n);

#endif
