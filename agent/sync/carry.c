/* carry.c - what the settings machine wants to have done. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/sync/fault.h"
#include "agent/sync/syncer_state.h"

enum {
	HEADER = SYNC_RECORD_HEADER_LEN,
	SAY_ROOM = 1024,
};

_Static_assert(SAY_ROOM >= HEADER + 128 + LINEAGE_MAX * 16 + SYNC_REASON_MAX, "HEAD, STATUS");

static void say(struct syncer *s, enum sync_record_type type)
{
	uint8_t *out = outbox_room(&s->control, SAY_ROOM);
	struct sync_status status;
	struct sync_head head;
	size_t len = 0;

	if (out == NULL)
		return;
	if (type == SYNC_HEAD) {
		sync_own_head(&s->sync, &head);
		len = sync_encode_head(out + HEADER, SAY_ROOM - HEADER, &head);
		assert(len != 0);
	} else if (type == SYNC_STATUS) {
		sync_own_status(&s->sync, &status);
		len = sync_encode_status(out + HEADER, SAY_ROOM - HEADER, &status);
		if (len == 0)
			return; /* a reason that is no text */
	}
	sync_encode_record(out, type, (uint32_t)len);
	outbox_added(&s->control, HEADER + len);
	bulk_wake(s->bulk);
}

static void say_pull(struct syncer *s, uint64_t since)
{
	const struct sync_pull pull = {.since = since};
	uint8_t *out = outbox_room(&s->control, SAY_ROOM);
	size_t len;

	if (out == NULL)
		return;
	len = sync_encode_pull(out + HEADER, SAY_ROOM - HEADER, &pull);
	sync_encode_record(out, SYNC_PULL, (uint32_t)len);
	outbox_added(&s->control, HEADER + len);
	bulk_wake(s->bulk);
}

static void feed_trees(struct syncer *s, enum sync_event_type type)
{
	struct sync_event event = {.type = type};
	struct tree_totals totals;

	tree_totals(s->tree, &totals);
	event.trees = s->trees;
	event.trees.settled = true;
	event.trees.pending = tree_pending(s->tree);
	event.trees.floor = tree_floor(s->tree);
	event.trees.entries = totals.entries;
	event.trees.bytes = totals.bytes;
	memcpy(event.trees.key, s->ledger.key, HA_KEY_LEN);
	tree_digest(s->tree, event.trees.digest);
	s->trees = event.trees;
	syncer_feed(s, &event);
}

static void feed_type(struct syncer *s, enum sync_event_type type)
{
	struct sync_event event = {.type = type};

	syncer_feed(s, &event);
}

static void feed_failed(struct syncer *s, const char *reason)
{
	struct sync_event event = {.type = SYNC_EV_FAILED};

	snprintf(event.reason, sizeof(event.reason), "%s", reason);
	log_event(LOG_ERR, "sync", "error=%s", reason);
	syncer_feed(s, &event);
}

static int write_ledger(struct syncer *s, const struct ledger *ledger,
			char reason[SYNC_REASON_MAX + 1])
{
	int error = ledger_write(s->state, ledger);

	if (error == 0)
		s->ledger = *ledger;
	else
		snprintf(reason, SYNC_REASON_MAX + 1, "cannot write %s: %s", LEDGER_FILE,
			 strerror(-error));
	return error;
}

static uint32_t full_roots(const struct syncer *s)
{
	uint32_t full = 0;

	for (unsigned i = 0; i < s->roots.n; i++) {
		tree_id id = tree_find(s->tree, (uint8_t)i, "", 0);

		if (id != TREE_NONE && tree_child(s->tree, id, TREE_NONE) != TREE_NONE)
			full |= UINT32_C(1) << i;
	}
	return full;
}

/* ---- leading ---- */

static void make_generation(struct syncer *s, const struct lineage *lineage)
{
	struct ledger next = s->ledger;
	char reason[SYNC_REASON_MAX + 1];

	next.lineage = *lineage;
	next.full = full_roots(s);
	fault_point("generation");
	if (write_ledger(s, &next, reason) != 0) {
		feed_failed(s, reason);
		return;
	}
	fault_point("generation-made");
	tree_stamp(s->tree, lineage_head(lineage).number);
	feed_trees(s, SYNC_EV_MADE);
}

/* ---- following ---- */

static void adopt(struct syncer *s, const uint8_t key[HA_KEY_LEN])
{
	struct ledger next = s->ledger;

	memcpy(next.key, key, HA_KEY_LEN);
	tree_clear(s->tree);
	digest_close(&s->digest);
	if (digest_open(&s->digest, key) != 0) {
		s->done = true; /* nothing can be compared any more */
		return;
	}
	s->ledger = next; /* on disk with the first commit: until then it would be adopted again */
	settle_all(s);
}

/* Of a commit that an earlier start began it is not known what it has changed: then all is imported. A journal whose
 * generation this one has left behind is none of a commit that is to be finished. */
int carry_record(void *syncer, const struct lineage *generation, bool recovered)
{
	struct syncer *s = syncer;
	struct ledger next = s->ledger;
	char reason[SYNC_REASON_MAX + 1];
	int error;

	next.lineage = *generation;
	next.full = recovered ? next.full : full_roots(s);
	next.imports |= (recovered ? UINT32_MAX : s->touched) & errand_importable(s);
	if (recovered || s->touched != 0)
		next.imports |= LEDGER_APPLIED;
	fault_point("ledger");
	error = write_ledger(s, &next, reason);
	fault_point("ledger-written");
	return error;
}

/* A journal that cannot be read, or is of other roots (by name, or by the directory that has the name), says nothing of what is
 * here: to follow it would write into trees that it was not made for. It is put aside, and the trees are compared. */
static void distrust_journal(struct syncer *s)
{
	if (plan_disown(s->plan) != 0)
		return;
	log_event(LOG_ERR, "recover", "what=%s", "the journal was put aside: all is compared");
	s->recover = false;
}

/* Before anything else, at the start and after a commit that failed. */
int carry_recover(struct syncer *s)
{
	char reason[SYNC_REASON_MAX + 1] = "";
	struct lineage generation;
	int got = plan_recover(s->plan, &generation, reason);

	s->recover = got < 0;
	s->recover_at = loop_now() + SYNCER_RECOVER_AGAIN;
	if (got < 0)
		log_event(LOG_ERR, "recover", "error=%s", reason);
	if (got == -EBADMSG || got == -ESTALE)
		distrust_journal(s);
	if (got != 1)
		return got;
	log_event(LOG_NOTICE, "recovered", "generation=%llu",
		  (unsigned long long)lineage_head(&generation).number);
	return 1;
}

/* What a commit that failed behind its point left: finished, it is another generation, and a new start sees it whole. */
void carry_timer(struct syncer *s, ha_time now)
{
	if (s->recover && now >= s->recover_at && carry_recover(s) == 1)
		s->done = true;
}

static void begin_plan(struct syncer *s, const struct sync_action *a)
{
	const struct lineage_point head = lineage_head(&s->ledger.lineage);
	char name[64];

	take_stop(s);
	if (s->recover)
		return; /* nothing is concluded from trees that are not whole */
	snprintf(name, sizeof(name), "%llu-%llu", (unsigned long long)head.term,
		 (unsigned long long)head.number);
	plan_begin(s->plan, a->full, a->keep_above, name);
	s->planning = true;
	s->touched = 0;
}

/* What was as it should be already belongs to the generation, too. */
static void stamp_rest(struct syncer *s, const struct lineage *lineage)
{
	uint8_t digest[HA_KEY_LEN];

	tree_digest(s->tree, digest);
	if (memcmp(digest, lineage->digest, sizeof(digest)) == 0)
		tree_stamp(s->tree, lineage_head(lineage).number);
}

static void commit(struct syncer *s, const struct lineage *lineage)
{
	char reason[SYNC_REASON_MAX + 1] = "";
	struct plan_totals totals;
	int error;

	/* Something here was changed behind the index; but what a holder has changed waits for its next generation (6.R28). */
	if (!s->self.holds && !plan_fits(s->plan, lineage->digest)) {
		take_stop(s);
		feed_type(s, SYNC_EV_UNFIT);
		return;
	}
	plan_totals(s->plan, &totals);
	s->committing = totals.entries > 0;
	if (s->committing)
		syncer_report(s, true);
	error = plan_commit(s->plan, lineage, reason);
	if (error == 0) {
		plan_totals(s->plan, &totals);
		s->conflicts += totals.conflicts;
		stamp_rest(s, lineage);
	}
	s->committing = false;
	take_stop(s);
	if (error != 0) {
		/* Before its point nothing has happened, and this says so. */
		s->done = carry_recover(s) == 1;
		feed_failed(s, reason);
		return;
	}
	if (totals.entries > 0)
		errand_committed(s);
	feed_trees(s, SYNC_EV_COMMITTED);
}

/* ---- both ---- */

/* SPEC 6.R39: on both disks. */
static bool bring_to_disk(const struct syncer *s)
{
	bool good = true;

	for (unsigned i = 0; i < s->roots.n; i++)
		if (s->roots.root[i].fd >= 0)
			good &= syncfs(s->roots.root[i].fd) == 0;
	return good;
}

static void answer(struct syncer *s, const struct sync_action *a)
{
	struct ipc_message message = {.type = IPC_SYNC_DONE};

	message.u.sync.number = a->request;
	message.u.sync.ok = a->ok && bring_to_disk(s);
	snprintf(message.u.sync.reason, sizeof(message.u.sync.reason), "%s",
		 a->ok ? "the settings here cannot be brought to the disk" : a->reason);
	if (s->engine >= 0)
		(void)ipc_send(s->engine, &message);
}

static void carry_one(struct syncer *s, const struct sync_action *a)
{
	switch (a->type) {
	case SYNC_ACT_SAY_HEAD:
		say(s, SYNC_HEAD);
		break;
	case SYNC_ACT_SAY_STATUS:
		say(s, SYNC_STATUS);
		break;
	case SYNC_ACT_SAY_COMPARE:
		say(s, SYNC_COMPARE);
		break;
	case SYNC_ACT_SAY_PULL:
		say_pull(s, a->since);
		break;
	case SYNC_ACT_SAY_LIST:
		give_list_begin(s, a->full, a->since, &a->lineage);
		break;
	case SYNC_ACT_SCAN:
		settle_scan(s, a->full);
		break;
	case SYNC_ACT_ADOPT:
		adopt(s, a->key);
		break;
	case SYNC_ACT_PLAN:
		begin_plan(s, a);
		break;
	case SYNC_ACT_DROP:
		take_stop(s);
		break;
	case SYNC_ACT_COMMIT:
		commit(s, &a->lineage);
		break;
	case SYNC_ACT_GENERATION:
		make_generation(s, &a->lineage);
		break;
	case SYNC_ACT_ANSWER:
		answer(s, a);
		break;
	}
}

void carry_out(struct syncer *s, const struct sync_actions *actions)
{
	for (unsigned i = 0; i < actions->n; i++)
		carry_one(s, &actions->a[i]);
}
