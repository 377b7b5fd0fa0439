/* render.h - the dump and the history as a page for people.
 *
 * The data is what the engine answers to "dump" and "history" (haagent(8) names its keys). A key that is missing is
 * left out or shown as "-", so that a client and a daemon of different versions understand each other. Strings come
 * from the peer, too: control characters never reach the terminal.
 */
#ifndef HA_AGENT_RENDER_H
#define HA_AGENT_RENDER_H

#include <jansson.h>
#include <stdio.h>

void render_dump(FILE *out, const json_t *data);
void render_history(FILE *out,
		    const json_t *data); /* data is the array, or an object with "history" */

/* Text that may quote the peer, for a terminal: control characters but newlines become question marks. */
void render_clean(char *text);

enum {
	RENDER_TIME_MAX = 32,
};

/* "850 us", "1.25 ms", "3.2 s", "3 min 12 s", "2 h 05 min", "4 d 3 h". */
void render_duration(char out[RENDER_TIME_MAX], long long us);

#endif
