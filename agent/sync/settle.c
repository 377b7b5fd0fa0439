/* settle.c - when the trees are what they are: scans, changes as they happen, exports before them.
 *
 * Whoever holds watches its trees; what has changed waits for quiet (sync_debounce), but not for longer than ten times
 * that, then is scanned, and then the trees are settled. Who does not hold has no business changing them: it scans at
 * its start, when it is asked to, and now and then (sync_scrub).
 *
 * While a list is being told nothing is scanned: what is told is one generation.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/sync/syncer_state.h"

enum {
	DEBOUNCES_MAX = 10,
};

/* What changed a moment before somebody asked for everything as of now is waited for; a file that is written to all the time
 * is not. */
#define UNSEEN_WAIT (100 * HA_MS)
#define ROOTS_EVERY HA_SEC /* is one that was lost there again? */

static ha_time earlier(ha_time a, ha_time b)
{
	return a < b ? a : b;
}

/* An export has ended: what it wrote, if anything, is to be seen. */
void settle_exported(struct syncer *s)
{
	s->flush = true;
	s->told_trees = false;
}

/* ---- scans ---- */

static void on_found(void *arg, uint8_t root, const char *path, size_t len)
{
	struct syncer *s = arg;

	if (s->follow != NULL)
		follow_directory(s->follow, root, path, len);
}

static void note_change(struct syncer *s, ha_time now)
{
	if (s->changed_first == HA_NEVER)
		s->changed_first = now;
	s->changed_last = now;
}

static void on_change(void *arg, uint32_t events)
{
	struct syncer *s = arg;

	(void)events;
	if (follow_read(s->follow))
		note_change(s, loop_now());
}

static void stop_following(struct syncer *s)
{
	if (s->follow == NULL)
		return;
	loop_remove(&s->loop, follow_fd(s->follow));
	follow_close(s->follow);
	s->follow = NULL;
}

void settle_role(struct syncer *s)
{
	int error;

	if (!s->self.holds) {
		stop_following(s);
		return;
	}
	if (s->follow != NULL)
		return;
	error = follow_open(&s->follow, &s->roots, s->scan);
	if (error == 0)
		error = loop_add(&s->loop, follow_fd(s->follow), on_change, s);
	if (error != 0)
		log_event(LOG_WARNING, "follow", "error=%s", strerror(-error));
	settle_scan(s, true); /* finds the directories to be watched */
}

static bool has_lost_root(const struct syncer *s)
{
	for (unsigned i = 0; i < s->roots.n; i++)
		if (s->roots.root[i].fd < 0)
			return true;
	return false;
}

/* A directory that is there again is another one: this process is confined to the old one, and has to start anew. */
static void check_roots(struct syncer *s)
{
	(void)roots_verify(&s->roots);
	if (!has_lost_root(s))
		return;
	s->roots_at = loop_now() + ROOTS_EVERY;
	s->told_trees = false; /* the reason may be another one */
	if (roots_found(&s->roots)) {
		log_event(LOG_WARNING, "roots", "what=%s", "one was replaced: a new start");
		s->done = true;
	}
}

void settle_scan(struct syncer *s, bool full)
{
	check_roots(s);
	s->flush = true;
	s->unseen_until = loop_now() + UNSEEN_WAIT;
	s->told_trees = false;
	errand_export_all(s);
	if (s->follow != NULL && follow_read(s->follow))
		note_change(s, loop_now());
	if (full || s->follow == NULL || follow_blind(s->follow))
		s->scan_after = true; /* behind the exports */
}

void settle_all(struct syncer *s)
{
	s->told_trees = false;
	scan_all(s->scan, false);
}

/* May it be scanned now? */
static bool may_scan(const struct syncer *s, ha_time now)
{
	if (s->list.on)
		return false;
	return s->flush || s->changed_first == HA_NEVER ||
	       now >= s->changed_last + s->config.sync_debounce ||
	       now >= s->changed_first + DEBOUNCES_MAX * s->config.sync_debounce;
}

static bool is_settled(const struct syncer *s)
{
	return s->changed_first == HA_NEVER && !s->scan_after && !scan_busy(s->scan) &&
	       (scan_unseen(s->scan) == 0 || loop_now() >= s->unseen_until);
}

static void step(struct syncer *s, ha_time now)
{
	if (s->scan_after && s->exporting == 0 && !s->list.on) {
		s->scan_after = false;
		scan_all(s->scan, false);
	}
	if (!may_scan(s, now))
		return;
	if (scan_step(s->scan, now + SYNCER_SLICE))
		return;
	s->changed_first = HA_NEVER;
	if (s->exporting == 0)
		s->flush = false;
}

/* SPEC 6.R43: what was full in the last generation and is empty at a start is not mounted, as far as anybody knows. */
static bool is_unmounted(const struct syncer *s, unsigned root)
{
	tree_id id = tree_find(s->tree, (uint8_t)root, "", 0);

	return (s->full_once >> root & 1) &&
	       (id == TREE_NONE || tree_child(s->tree, id, TREE_NONE) == TREE_NONE);
}

/* Without an index nothing is known of what cannot be read: it must not pass for gone. */
static bool is_half_seen(const struct syncer *s)
{
	struct scan_totals totals;

	scan_totals(s->scan, &totals);
	return s->cold && totals.unreadable > 0;
}

/* Once something is in it, it is what it is. */
static void note_mounted(struct syncer *s)
{
	for (unsigned i = 0; i < s->roots.n; i++)
		if ((s->full_once >> i & 1) && is_settled(s) && !is_unmounted(s, i))
			s->full_once &= ~(UINT32_C(1) << i);
	if (s->cold && is_settled(s) && !is_half_seen(s))
		s->cold = false;
}

static void fill_trees(const struct syncer *s, struct sync_trees *out,
		       char reason[SYNC_REASON_MAX + 1])
{
	struct tree_totals totals;

	*out = (struct sync_trees){0};
	tree_totals(s->tree, &totals);
	out->settled = is_settled(s);
	out->exporting = s->exporting != 0;
	out->export_failed = s->export_failed != 0;
	out->unseen = scan_unseen(s->scan) > 0;
	out->pending = tree_pending(s->tree);
	out->floor = tree_floor(s->tree);
	out->entries = totals.entries;
	out->bytes = totals.bytes;
	memcpy(out->key, s->ledger.key, HA_KEY_LEN);
	tree_digest(s->tree, out->digest);
	reason[0] = '\0';
	for (unsigned i = 0; i < s->config.settings_n; i++)
		if (s->export_failed >> i & 1)
			snprintf(reason, SYNC_REASON_MAX + 1, "the export for %.90s has failed",
				 s->config.path[s->config.settings[i].path_first]);
	out->broken = s->recover || is_half_seen(s);
	if (s->recover)
		snprintf(reason, SYNC_REASON_MAX + 1,
			 "a commit could not be finished: see the log");
	else if (out->broken)
		snprintf(reason, SYNC_REASON_MAX + 1,
			 "something cannot be read, and it is not known what it was");
	for (unsigned i = 0; i < s->roots.n; i++) {
		if (s->roots.root[i].fd >= 0 && out->settled && is_unmounted(s, i)) {
			out->broken = true;
			snprintf(reason, SYNC_REASON_MAX + 1,
				 "%.90s is empty, and was not: is it mounted?",
				 s->roots.root[i].name);
		}
		if (s->roots.root[i].fd >= 0)
			continue;
		out->broken = true;
		snprintf(reason, SYNC_REASON_MAX + 1, "%.100s: %s", s->roots.root[i].name,
			 strerror(-s->roots.root[i].error));
	}
}

static bool same_trees(const struct sync_trees *a, const struct sync_trees *b)
{
	return a->settled == b->settled && a->broken == b->broken && a->exporting == b->exporting &&
	       a->export_failed == b->export_failed && a->unseen == b->unseen &&
	       a->pending == b->pending && a->floor == b->floor && a->entries == b->entries &&
	       a->bytes == b->bytes && memcmp(a->key, b->key, sizeof(a->key)) == 0 &&
	       memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

/* ---- the loop's ---- */

int settle_open(struct syncer *s)
{
	int error = scan_open(&s->scan, &s->roots, s->tree, &s->digest, on_found, s);

	s->changed_first = s->changed_last = HA_NEVER;
	s->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (error == 0 && s->watch < 0)
		error = -errno;
	if (error == 0)
		error = loop_add(&s->loop, s->watch, errand_watched, s);
	if (error != 0)
		return error;
	errand_watch(s);
	scan_all(s->scan, false);
	return 0;
}

void settle_timer(struct syncer *s, ha_time now)
{
	if (has_lost_root(s) && now >= s->roots_at)
		check_roots(s);
	if (s->follow != NULL && follow_blind(s->follow) && now >= s->blind_at) {
		s->blind_at = now + FOLLOW_BLIND;
		if (is_settled(s))
			scan_all(s->scan, false);
	}
	scrub_timer(s, is_settled(s), now);
}

/* The index was lost, or entries changed and changed back: what is as the lineage says belongs to it. */
static void recognise(struct syncer *s)
{
	uint8_t digest[HA_KEY_LEN];

	if (!is_settled(s) || s->ledger.lineage.n == 0 || tree_pending(s->tree) == 0)
		return;
	tree_digest(s->tree, digest);
	if (memcmp(digest, s->ledger.lineage.digest, sizeof(digest)) == 0)
		tree_stamp(s->tree, lineage_head(&s->ledger.lineage).number);
}

void settle_after(struct syncer *s)
{
	struct sync_event event = {.type = SYNC_EV_TREES};

	step(s, loop_now());
	recognise(s);
	note_mounted(s);
	fill_trees(s, &event.trees, event.reason);
	if (s->told_trees && same_trees(&event.trees, &s->trees))
		return;
	/* While it works nothing is concluded from the numbers in between. */
	if (s->told_trees && !event.trees.settled && !s->trees.settled)
		return;
	s->told_trees = true;
	s->trees = event.trees;
	syncer_feed(s, &event);
}

ha_time settle_deadline(const struct syncer *s)
{
	ha_time at = scrub_deadline(s);

	if (s->follow != NULL && follow_blind(s->follow))
		at = earlier(at, s->blind_at);
	if (has_lost_root(s))
		at = earlier(at, s->roots_at);
	if (s->list.on)
		return at;
	if (s->scan_after && s->exporting == 0)
		return 0;
	if (s->changed_first != HA_NEVER && !s->flush)
		return earlier(at,
			       earlier(s->changed_last + s->config.sync_debounce,
				       s->changed_first + DEBOUNCES_MAX * s->config.sync_debounce));
	return scan_busy(s->scan) ? 0 : earlier(at, scan_deadline(s->scan));
}
