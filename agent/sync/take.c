/* take.c - the side that follows: the leader's entries into a plan, and the contents that the plan wants.
 *
 * Wants are held back until the list has ended and it is known that there is room for all of them; then they go out
 * as the stream has room, and so do those that come later.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/sync/syncer_state.h"

enum {
	HEADER = SYNC_RECORD_HEADER_LEN,
};

static void fail(struct syncer *s, const char *what, int error)
{
	struct sync_event event = {.type = SYNC_EV_FAILED};

	snprintf(event.reason, sizeof(event.reason), "%s: %s", what, strerror(-error));
	syncer_feed(s, &event);
}

/* False: no memory. */
static bool put_want(struct syncer *s, const struct sync_want *want)
{
	size_t room = HEADER + 64 + want->path_len + (size_t)want->tags_n * SYNC_HASH_LEN, len;
	uint8_t *out = outbox_room(&s->wants, room);

	if (out == NULL)
		return false;
	len = sync_encode_want(out + HEADER, room - HEADER, want);
	if (len == 0)
		return false;
	sync_encode_record(out, SYNC_WANT, (uint32_t)len);
	outbox_added(&s->wants, HEADER + len);
	if (s->wants_open)
		bulk_wake(s->bulk);
	return true;
}

/* Whether the plan has come to change something, and so in which section. */
static void note_touched(struct syncer *s, uint8_t root, uint64_t before)
{
	struct plan_totals totals;

	plan_totals(s->plan, &totals);
	if (totals.entries != before || totals.under_way > 0)
		s->touched |= UINT32_C(1) << syncer_section(s, root);
}

bool take_entry(struct syncer *s, const uint8_t *body, size_t len)
{
	struct plan_totals before;
	struct sync_entry entry;
	struct sync_want want;
	int got;

	if (!sync_decode_entry(body, len, &entry) || entry.root >= s->roots.n)
		return false;
	if (!s->planning)
		return true; /* of a list that is void */
	plan_totals(s->plan, &before);
	got = plan_entry(s->plan, &entry, &want);
	if (got == 1 && !put_want(s, &want))
		got = -ENOMEM;
	if (got < 0)
		fail(s, "cannot plan", got);
	else
		note_touched(s, entry.root, before.entries);
	s->plan_changed = true;
	return true;
}

bool take_block(struct syncer *s, const uint8_t *body, size_t len)
{
	struct sync_block block;
	int error;

	if (!sync_decode_block(body, len, &block))
		return false;
	if (!s->planning)
		return true;
	error = plan_block(s->plan, &block);
	if (error == -EBADMSG)
		return false;
	if (error != 0 && error != -ENOENT)
		fail(s, "cannot stage a file", error);
	s->plan_changed = true;
	return true;
}

bool take_done(struct syncer *s, const uint8_t *body, size_t len)
{
	struct sync_done done;
	struct sync_want want;
	int error;

	if (!sync_decode_done(body, len, &done))
		return false;
	if (!s->planning)
		return true;
	s->plan_changed = true;
	if (done.failed) {
		plan_failed(s->plan, done.ticket);
		return true;
	}
	error = plan_done(s->plan, done.ticket, &want);
	if (error == -EBADMSG)
		error = put_want(s, &want) ? 0 : -ENOMEM;
	if (error != 0 && error != -ENOENT)
		fail(s, "cannot stage a file", error);
	return true;
}

void take_end(struct syncer *s)
{
	struct sync_event event = {.type = SYNC_EV_FAILED};

	if (!s->planning)
		return;
	if (plan_space(s->plan, event.reason) != 0) {
		syncer_feed(s, &event);
		return;
	}
	s->wants_open = true;
	s->plan_changed = true;
	if (s->wants.len > 0)
		bulk_wake(s->bulk);
}

void take_stop(struct syncer *s)
{
	s->planning = s->wants_open = false;
	outbox_clear(&s->wants);
}

void take_after(struct syncer *s)
{
	struct sync_event event = {.type = SYNC_EV_PLAN};
	struct plan_totals totals;

	if (!s->plan_changed || !s->planning)
		return;
	s->plan_changed = false;
	plan_totals(s->plan, &totals);
	event.complete = s->wants_open && plan_complete(s->plan);
	event.stalled = s->wants_open && totals.under_way == 0 && totals.waiting > 0;
	event.status.files = totals.files;
	event.status.files_total = totals.files_total;
	event.status.bytes = totals.bytes;
	event.status.bytes_total = totals.bytes_total;
	syncer_feed(s, &event);
}
