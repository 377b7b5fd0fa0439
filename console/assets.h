/* assets.h - the pages: files of console/pages/, in this program since it was built.
 *
 * A request finds one by its whole name in a table, or none: no path from a request is ever opened. Each is there as it
 * is and compressed by the build; what is compressed here holds no secret.
 */
#ifndef HA_CONSOLE_ASSETS_H
#define HA_CONSOLE_ASSETS_H

#include <stddef.h>

enum {
	ASSETS_ETAG_MAX = 24,
};

struct asset_body {
	const char *start, *end;
};

struct asset {
	const char *path, *type;
	struct asset_body plain, gzip;
};

const struct asset *assets_find(const char *path);
/* Of its content as it is sent, quoted. */
void assets_etag(const struct asset_body *, char out[ASSETS_ETAG_MAX]);

#endif
