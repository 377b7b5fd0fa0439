/* assets.h - the pages: files of console/pages/, in this program since it was built.
 *
 * A request finds one by its whole name in a table, or none: no path from a request is ever opened.
 */
#ifndef HA_CONSOLE_ASSETS_H
#define HA_CONSOLE_ASSETS_H

#include <stddef.h>

enum {
	ASSETS_ETAG_MAX = 24,
};

struct asset {
	const char *path, *type;
	const char *start, *end;
};

const struct asset *assets_find(const char *path);
/* Of its content, quoted. */
void assets_etag(const struct asset *, char out[ASSETS_ETAG_MAX]);

#endif
