/* report.c - see report.h: what the engine is told, ten times a second at most. */
#include "agent/sync/report.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/sync/syncer_state.h"
#include "agent/text.h"

static int64_t wall_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * HA_SEC + t.tv_nsec;
}

static void report_trees(struct syncer *s, struct sync_report *out)
{
	struct scan_totals scan;
	struct tree_totals tree;

	scan_totals(s->scan, &scan);
	tree_totals(s->tree, &tree);
	out->skipped = scan.skipped;
	out->unreadable = scan.unreadable;
	text_head(out->example, sizeof(out->example), scan.example, strlen(scan.example));
	out->entries = tree.entries;
	out->tree_bytes = tree.bytes;
	out->memory = tree.memory;
	out->watches = s->follow != NULL ? follow_watches(s->follow) : 0;
	out->blind = s->follow != NULL && follow_blind(s->follow);
	out->scanning = scan_busy(s->scan);
	out->confined = s->confined;
	out->conflicts = s->conflicts;
}

static void report_stream(struct syncer *s, struct sync_report *out)
{
	struct bulk_counters c;

	bulk_counters(s->bulk, &c);
	out->up = bulk_is_up(s->bulk);
	out->aes = c.aes;
	out->mtu = c.mtu;
	out->rtt = c.rtt;
	out->frames_sent = c.frames_sent;
	out->frames_received = c.frames_received;
	out->bytes_sent = c.bytes_sent;
	out->bytes_received = c.bytes_received;
	out->repeats = c.repeats;
	out->timeouts = c.timeouts;
}

/* Bytes a second of the copy under way, over about a second. */
static uint64_t rate_of(struct syncer *s, uint64_t bytes, ha_time now)
{
	ha_time passed = now - s->rate_at;

	if (bytes < s->rate_bytes || passed > 5 * HA_SEC) {
		s->rate = 0;
		s->rate_bytes = bytes;
		s->rate_at = now;
	} else if (passed >= HA_SEC) {
		s->rate = (uint64_t)((double)(bytes - s->rate_bytes) * HA_SEC / (double)passed);
		s->rate_bytes = bytes;
		s->rate_at = now;
	}
	return s->rate;
}

static void report_state(struct syncer *s, ha_time now, struct sync_report *out)
{
	struct sync_view view;

	sync_view(&s->sync, &view);
	out->whole = view.whole;
	out->in_sync = view.in_sync;
	out->in_sync_known = view.in_sync_known;
	out->busy = s->committing || s->recover || errand_imports(s) != 0;
	out->lineage.term = lineage_head(&view.own).term;
	out->lineage.number = lineage_head(&view.own).number;
	memcpy(out->lineage.digest, view.own.digest, HA_KEY_LEN);
	out->state = (uint8_t)view.state;
	out->side = (uint8_t)view.side;
	out->phase = view.progress.phase;
	snprintf(out->reason, sizeof(out->reason), "%s", view.reason);
	out->files = view.progress.files;
	out->files_total = view.progress.files_total;
	out->bytes = view.progress.bytes;
	out->bytes_total = view.progress.bytes_total;
	out->rate = rate_of(s, out->bytes, now);
	out->peer = lineage_head(&view.peer);
	out->lag = view.lag;
	if (view.lag > 0 && out->bytes_total >= out->bytes)
		out->lag_bytes = out->bytes_total - out->bytes;
	if (view.synced_at >= 0)
		out->synced_ns = wall_clock() - (now - view.synced_at);
}

/* What is the same but for counters of frames and the time is no news: it goes out once a second. */
static bool is_news(const struct sync_report *a, const struct sync_report *b)
{
	return a->whole != b->whole || a->in_sync != b->in_sync || a->busy != b->busy ||
	       a->state != b->state || a->side != b->side || a->phase != b->phase ||
	       a->bytes != b->bytes || a->files != b->files || a->lag != b->lag ||
	       a->scanning != b->scanning || a->conflicts != b->conflicts ||
	       memcmp(&a->lineage, &b->lineage, sizeof(a->lineage)) != 0 ||
	       strcmp(a->reason, b->reason) != 0;
}

void syncer_report(struct syncer *s, bool at_once)
{
	struct ipc_message message;
	ha_time now = loop_now();
	bool old = !s->reported || now >= s->reported_at + HA_SEC;

	if (s->engine < 0 || (!at_once && now < s->report_at))
		return;
	memset(&message, 0, sizeof(message));
	message.type = IPC_SYNC_REPORT;
	report_state(s, now, &message.u.report);
	report_trees(s, &message.u.report);
	report_stream(s, &message.u.report);
	s->report_at = now + SYNCER_REPORT_EVERY;
	if (!old && !is_news(&message.u.report, &s->report))
		return;
	if (ipc_send(s->engine, &message) != 0)
		return;
	s->report = message.u.report;
	s->reported = true;
	s->reported_at = now;
}
