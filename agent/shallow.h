/* shallow.h - JSON of somebody who is not trusted.
 *
 * jansson's parser recurses: what could nest deeply is turned away before it is parsed.
 */
#ifndef HA_AGENT_SHALLOW_H
#define HA_AGENT_SHALLOW_H

#include <jansson.h>

/* NULL: no JSON, a key twice in an object, or more than so many opening brackets, wherever they stand. */
json_t *shallow_parse(const char *text, size_t len, unsigned brackets_max);

#endif
