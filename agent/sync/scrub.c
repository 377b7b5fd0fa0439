/* scrub.c - now and then every file is read again, whatever its times say: a disk that forgets, a write through a map that
 * left no trace, an event that nobody heard.
 *
 * Slowly, a few files at a time between everything else: a change that is made meanwhile is a generation as soon as
 * ever. First all names are looked at, which is quick.
 */
#include "agent/sync/syncer_state.h"

#define SCRUB_PAUSE (50 * HA_MS)

enum {
	SCRUB_FILES = 16,      /* at a time ... */
	SCRUB_BYTES = 4 << 20, /* ... or so many bytes, but at least one file */
};

static void begin(struct syncer *s, ha_time now)
{
	s->scrub_on = true;
	s->scrub_cursor = 0;
	s->scrub_at = now + SCRUB_PAUSE;
	scan_all(s->scan, false);
}

/* False: that was the last. */
static bool read_some(struct syncer *s)
{
	uint64_t bytes = 0;

	for (unsigned files = 0; files < SCRUB_FILES && bytes < SCRUB_BYTES;) {
		tree_id id = tree_next(s->tree, &s->scrub_cursor);
		struct sync_entry entry;

		if (id == TREE_NONE)
			return false;
		tree_get(s->tree, id, &entry);
		if (entry.type != SYNC_FILE)
			continue;
		scan_name(s->scan, entry.root, entry.path, entry.path_len, SCAN_MODIFIED);
		files++;
		bytes += entry.size;
	}
	return true;
}

void scrub_timer(struct syncer *s, bool settled, ha_time now)
{
	if (s->config.sync_scrub == 0 || now < s->scrub_at)
		return;
	if (!settled || s->list.on) {
		s->scrub_at = now + SCRUB_PAUSE; /* there is better to do */
		return;
	}
	if (!s->scrub_on) {
		begin(s, now);
		return;
	}
	s->scrub_on = read_some(s);
	s->scrub_at = now + (s->scrub_on ? SCRUB_PAUSE : s->config.sync_scrub);
}

ha_time scrub_deadline(const struct syncer *s)
{
	return s->config.sync_scrub == 0 ? HA_NEVER : s->scrub_at;
}
