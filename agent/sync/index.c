/* index.c - the index on disk: read at the start, written when a generation has been made, tombstones taken out of it.
 *
 * Its bytes are made at once, from one state of the tree. To bring them to the disk takes as long as the disk does, and the other
 * side, or a barrier, would wait meanwhile: a thread does that, and puts the file into its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/sync/fault.h"
#include "agent/sync/syncer_state.h"

#define INDEX_FILE "index"

enum {
	TOMBSTONES = 1000, /* so many are kept, and a quarter of the entries */
};

/* ---- at the start ---- */

/* Also an older one: what it does not know of is found to have changed. */
static bool is_of_this(const struct lineage *index, const struct lineage *ledger)
{
	uint64_t common;
	enum lineage_relation r = lineage_compare(index, ledger, &common);

	return r == LINEAGE_SAME || (r == LINEAGE_BEHIND && index->n > 0);
}

int index_open(struct syncer *s)
{
	struct lineage head;
	int error = tree_open(&s->tree, &s->digest);

	s->save_at = HA_NEVER;
	if (error != 0)
		return error;
	error = tree_load(s->tree, s->state, INDEX_FILE, &head, s->self.roots);
	if (error != 0 && error != -ENOENT)
		log_event(LOG_WARNING, "index", "error=%s", strerror(-error));
	/* Without one, whatever was full may look empty now. */
	s->full_once = s->ledger.full;
	s->cold = s->ledger.lineage.n > 0 && (error != 0 || !is_of_this(&head, &s->ledger.lineage));
	for (unsigned i = 0; error == 0 && i < s->roots.n; i++) {
		tree_id id = tree_find(s->tree, (uint8_t)i, "", 0);

		if (id != TREE_NONE && tree_child(s->tree, id, TREE_NONE) != TREE_NONE)
			s->full_once |= UINT32_C(1) << i;
	}
	/* The numbers in it are of one lineage, and of no other. */
	if (error == 0 && s->cold)
		tree_clear(s->tree);
	return 0;
}

/* ---- writing it ---- */

static void *publish(void *arg)
{
	struct index_saver *saver = arg;

	saver->error = tree_save_end(saver->fd, saver->state, INDEX_FILE);
	fault_point("index-saved");
	saver->done = true;
	return NULL;
}

static void note_saved(int error)
{
	if (error != 0)
		log_event(LOG_WARNING, "index", "error=%s", strerror(-error));
}

/* Waits for the one before: there is one temporary file. */
void index_wait(struct syncer *s)
{
	if (!s->saver.running)
		return;
	pthread_join(s->saver.thread, NULL);
	s->saver.running = false;
	note_saved(s->saver.error);
}

static void save(struct syncer *s, ha_time now)
{
	int fd;

	s->save_at = now + SYNCER_SAVE_EVERY;
	if (scan_busy(s->scan) || !sync_is_clean(&s->sync) || (s->saver.running && !s->saver.done))
		return;
	index_wait(s);
	fault_point("index");
	fd = tree_save_begin(s->tree, s->state, INDEX_FILE, &s->ledger.lineage, s->self.roots);
	s->save_at = HA_NEVER;
	if (fd < 0) {
		note_saved(fd);
		return;
	}
	s->saver.fd = fd;
	s->saver.state = s->state;
	s->saver.done = false;
	s->saver.running = pthread_create(&s->saver.thread, NULL, publish, &s->saver) == 0;
	if (!s->saver.running)
		note_saved(tree_save_end(fd, s->state, INDEX_FILE));
}

/* ---- the loop's ---- */

void index_timer(struct syncer *s, ha_time now)
{
	if (now >= s->save_at)
		save(s, now);
}

/* Tombstones that the other one has no use for any more. One that is further behind is told everything. */
static void prune(struct syncer *s)
{
	struct tree_totals totals;
	uint64_t peer;

	tree_totals(s->tree, &totals);
	if (totals.tombstones < TOMBSTONES + totals.entries / 4 || s->list.on)
		return;
	peer = lineage_head(&s->sync.peer.lineage).number;
	tree_prune(s->tree, peer != 0 ? peer : lineage_head(&s->ledger.lineage).number);
}

void index_after(struct syncer *s)
{
	uint64_t number = lineage_head(&s->ledger.lineage).number;

	prune(s);
	if (s->saved_number == number || s->save_at != HA_NEVER)
		return;
	s->saved_number = number;
	s->save_at = loop_now() + (s->trees.entries < SYNCER_SMALL ? HA_SEC : SYNCER_SAVE_EVERY);
}
