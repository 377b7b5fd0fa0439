/* render.h - what the daemon answers, as a page for people.
 *
 * The data is what the engine answers to "dump", "history" and "test-connection" (haagent(8) names its keys). A key
 * that is missing is left out or shown as "-", so that a client and a daemon of different versions understand each
 * other.
 */
#ifndef HA_AGENT_RENDER_H
#define HA_AGENT_RENDER_H

#include <jansson.h>

#include "agent/page.h"

/* First whether all is well, and what to do if not. */
void render_dump(const struct page *, const json_t *data);
/* data is the array, or an object with "history" */
void render_history(const struct page *, const json_t *data);

/* How the last change of role came about, by both nodes: what the engine answers to "why". */
void render_why(const struct page *, const json_t *data);

/* How a command ended, of an object with its outcome at key, status and took_ms: "passed in 12 ms", "failed (status
 * 127) in 3 ms"; "-": it has not run. */
struct cell render_outcome(const json_t *in, const char *key);

/* The object "sync" of a dump: one line if all is well. */
void render_sync(const struct page *, const json_t *sync);
/* The same as one line of at most so many columns, to be overwritten by the next: how far it is, with a bar. */
struct cell render_progress(unsigned columns, const json_t *sync);

/* The requirements, each with what is here and there, and a remedy below those that are not met: once
 * below several in a row that have the same. */
void render_table(const struct page *, const json_t *rows);
/* The same without those that are met. */
void render_table_open(const struct page *, const json_t *rows);

struct render_count {
	unsigned passed, failed, unknown;
};
struct render_count render_count(const json_t *rows);

/* What came of the newest reload or upgrade. False: it was refused. */
bool render_config(const struct page *, const json_t *configuration);

#endif
