/* sync.c - see sync.h. A step observes, then decides: side, generation, list, pull, commit, and who waits. */
#include "proto/sync.h"

#include "proto/clock.h"

#include <assert.h>
#include <string.h>

static struct sync_action *act(struct sync_actions *out, enum sync_action_type type)
{
	struct sync_action *a;

	assert(out->n < SYNC_ACTIONS_MAX);
	a = &out->a[out->n++];
	memset(a, 0, sizeof(*a));
	a->type = type;
	return a;
}

static bool due(struct sync *s, ha_time at)
{
	struct clock c = {s->now, s->next};
	bool is = clock_due(&c, at);

	s->next = c.next;
	return is;
}

void sync_init(struct sync *s, const struct lineage *lineage, ha_time now)
{
	assert(lineage_valid(lineage));
	*s = (struct sync){
		.now = now,
		.next = HA_NEVER,
		.lineage = *lineage,
		.behind = HA_NEVER,
		.stalled = HA_NEVER,
		.synced_at = -1,
		.retry_at = now,
	};
}

ha_time sync_deadline(const struct sync *s)
{
	return s->next;
}

bool sync_is_clean(const struct sync *s)
{
	return s->trees.pending == 0 && s->lineage.n > 0 &&
	       memcmp(s->trees.digest, s->lineage.digest, HA_KEY_LEN) == 0;
}

/* ---- who leads (SPEC 6.3) ---- */

static enum sync_side by_holder(const struct sync *s)
{
	if (s->self.holds == s->peer.holds)
		return SYNC_SIDE_NONE;
	return s->self.holds ? SYNC_SIDE_LEADS : SYNC_SIDE_FOLLOWS;
}

/* Does the fingerprint of one mean anything to the other? */
static bool is_related(const struct sync *s)
{
	return memcmp(s->trees.key, s->peer.key, HA_KEY_LEN) == 0;
}

static enum lineage_relation relation(const struct sync *s, uint64_t *common)
{
	enum lineage_relation r = LINEAGE_DIVERGED;

	*common = 0;
	if (is_related(s))
		r = lineage_compare(&s->lineage, &s->peer.lineage, common);
	/* 6.R25: what was changed behind the back of a newer lineage gives it no lead over the holder. */
	if (r == LINEAGE_AHEAD && s->peer.holds && !sync_is_clean(s))
		r = LINEAGE_DIVERGED;
	if (r == LINEAGE_BEHIND && s->self.holds && !s->peer.clean)
		r = LINEAGE_DIVERGED;
	return r;
}

static bool same_roots(const struct sync *s)
{
	return memcmp(s->self.roots, s->peer.roots, SYNC_HASH_LEN) == 0;
}

static enum sync_side decide_side(const struct sync *s)
{
	uint64_t common;

	if (!s->up || !s->peer_known || !s->trees_known || !s->self.paired || s->self.paused ||
	    !same_roots(s))
		return SYNC_SIDE_NONE;
	if (!s->self.whole || !s->peer.whole)
		return s->self.whole == s->peer.whole ? by_holder(s)
		       : s->self.whole                ? SYNC_SIDE_LEADS
						      : SYNC_SIDE_FOLLOWS;
	switch (relation(s, &common)) {
	case LINEAGE_BEHIND:
		return SYNC_SIDE_FOLLOWS;
	case LINEAGE_AHEAD:
		return SYNC_SIDE_LEADS;
	default:
		return by_holder(s);
	}
}

/* Whatever was under way as a follower, but what is staged, which stays. */
static void drop_plan(struct sync *s, struct sync_actions *out)
{
	if (s->planning)
		act(out, SYNC_ACT_DROP);
	s->planning = s->ended = s->complete = s->asked = false;
	if (s->phase != SYNC_PHASE_ERROR && s->phase != SYNC_PHASE_IDLE) {
		s->phase = SYNC_PHASE_IDLE;
		s->status_due = true;
	}
}

static void succeed(struct sync *s)
{
	s->reason[0] = '\0';
	s->retry = 0;
	s->retry_at = s->now;
	s->phase = SYNC_PHASE_IDLE;
	s->status_due = true;
}

static void take_side(struct sync *s, struct sync_actions *out)
{
	enum sync_side side = decide_side(s);

	if (side == s->side)
		return;
	if (s->side == SYNC_SIDE_FOLLOWS)
		drop_plan(s, out);
	/* 6.R28: a PULL stands, for the other one may not see a change of sides here, and then does not ask again. */
	s->side = side;
	succeed(s); /* what failed on the other side is of no account on this one */
}

/* ---- events ---- */

static void set_reason(char to[SYNC_REASON_MAX + 1], const char *from)
{
	memset(to, 0, SYNC_REASON_MAX + 1);
	(void)memccpy(to, from, '\0', SYNC_REASON_MAX);
}

static void on_down(struct sync *s, struct sync_actions *out)
{
	s->up = s->said = s->peer_known = false;
	s->pulled = s->pull_due = false;
	s->comparing = s->compare = s->compared = 0;
	for (unsigned i = 0; i < SYNC_BARRIERS_MAX; i++)
		s->wait[i].compared = 0;
	memset(&s->peer_status, 0, sizeof(s->peer_status));
	drop_plan(s, out);
	s->side = SYNC_SIDE_NONE;
}

static void on_trees(struct sync *s, const struct sync_event *ev)
{
	s->status_due |= ev->trees.broken != s->trees.broken;
	s->trees = ev->trees;
	set_reason(s->trees_reason, ev->trees.broken || ev->trees.export_failed ? ev->reason : "");
	if (s->trees.settled && !s->trees.broken) {
		s->trees_known = true;
		s->adopting = false;
	}
}

/* 6.R35: what this side has changed since is no fault: who holds makes its next generation of it. */
static bool is_entitled(const struct sync *s)
{
	return s->self.holds && s->self.whole && s->trees.pending > 0;
}

/* A new list of the leader's. What is under way goes on, unless all is told anew. */
static void on_begin(struct sync *s, const struct sync_event *ev, struct sync_actions *out)
{
	struct sync_action *a;
	uint64_t common;

	if (s->side != SYNC_SIDE_FOLLOWS || !s->asked)
		return;
	/* 6.R29: it belongs to an earlier question, and its beginning is missing; the answer to the newest is behind it. */
	if (!ev->full && ev->since > s->told_to) {
		if (s->planning)
			drop_plan(s, out);
		return;
	}
	s->ended = s->complete = false;
	s->stalled = HA_NEVER;
	s->phase = SYNC_PHASE_LIST;
	s->status_due = true;
	if (s->planning && !ev->full)
		return;
	a = act(out, SYNC_ACT_PLAN);
	a->full = ev->full;
	a->lineage = s->lineage;
	if (!s->self.whole)
		a->keep_above = UINT64_MAX; /* the operator agreed that it is replaced */
	else if (relation(s, &common) == LINEAGE_DIVERGED)
		a->keep_above = common;
	else
		a->keep_above = lineage_head(&s->lineage).number;
	s->planning = true;
}

static void on_end(struct sync *s, const struct sync_event *ev)
{
	const struct lineage_point head = lineage_head(&s->peer.lineage);

	if (!s->planning)
		return;
	s->told_to = ev->end.head.number;
	/* HEAD came before it and says the same: else it is of a moment that is over. */
	s->ended = ev->end.head.term == head.term && ev->end.head.number == head.number &&
		   memcmp(ev->end.digest, s->peer.lineage.digest, HA_KEY_LEN) == 0;
	if (!s->ended)
		return;
	s->target = s->peer.lineage;
	s->phase = SYNC_PHASE_FETCH;
	s->status_due = true;
}

static void on_plan(struct sync *s, const struct sync_event *ev)
{
	if (!s->planning)
		return;
	s->complete = ev->complete;
	if (!ev->stalled)
		s->stalled = HA_NEVER;
	else if (s->stalled == HA_NEVER)
		s->stalled = s->now;
	s->status.files = ev->status.files;
	s->status.files_total = ev->status.files_total;
	s->status.bytes = ev->status.bytes;
	s->status.bytes_total = ev->status.bytes_total;
	s->status_due = true;
}

static void fail(struct sync *s, const char *reason, struct sync_actions *out)
{
	s->making = false;
	drop_plan(s, out);
	set_reason(s->reason, reason[0] != '\0' ? reason : "unknown");
	s->retry = s->retry == 0 ? SYNC_RETRY_MIN : 2 * s->retry;
	if (s->retry > SYNC_RETRY_MAX)
		s->retry = SYNC_RETRY_MAX;
	s->retry_at = s->now + s->retry;
	s->phase = SYNC_PHASE_ERROR;
	s->status_due = true;
}

/* 6.R34: something else had changed here: all is compared, once. */
static void unfit(struct sync *s, struct sync_actions *out)
{
	s->planning = s->ended = s->complete = s->asked = false;
	if (s->full_needed) {
		s->full_needed = false;
		fail(s, "the copy differs from the original after comparing all of it", out);
		return;
	}
	s->full_needed = true;
	s->phase = SYNC_PHASE_LIST;
}

static void on_committed(struct sync *s, const struct sync_event *ev, struct sync_actions *out)
{
	for (unsigned i = 0; i < SYNC_BARRIERS_MAX; i++)
		s->wait[i].overtaken = true;
	s->planning = s->ended = s->complete = false;
	s->lineage = s->target;
	s->trees = ev->trees;
	if (!sync_is_clean(s) && !is_entitled(s)) {
		unfit(s, out);
		return;
	}
	s->full_needed = false;
	s->self.whole = true;
	succeed(s);
}

/* The leader's question, or the other one's answer to it. */
static void on_compare(struct sync *s, struct sync_actions *out)
{
	if (s->side == SYNC_SIDE_LEADS) {
		s->compared += s->compared < s->compare;
		return;
	}
	s->comparing += s->comparing < SYNC_BARRIERS_MAX;
	s->trees.settled = false;
	act(out, SYNC_ACT_SCAN)->full = true;
}

static void start_wait(struct sync *s, const struct sync_event *ev, struct sync_actions *out)
{
	struct sync_action *a;

	for (unsigned i = 0; i < SYNC_BARRIERS_MAX; i++) {
		struct sync_wait *w = &s->wait[i];

		if (w->request != 0)
			continue;
		*w = (struct sync_wait){
			.request = ev->request,
			.until = ev->until,
			.compare = ev->type == SYNC_EV_FORCE,
		};
		s->trees.settled = false; /* they are looked at again */
		act(out, SYNC_ACT_SCAN)->full = w->compare;
		return;
	}
	a = act(out, SYNC_ACT_ANSWER);
	a->request = ev->request;
	set_reason(a->reason, "too many others are waiting");
}

static void observe(struct sync *s, const struct sync_event *ev, struct sync_actions *out)
{
	bool whole = s->self.paired && s->self.whole && ev->self.paired;

	switch (ev->type) {
	case SYNC_EV_SELF:
		/* What a commit has made whole is whole, though the engine may not have heard of it yet. */
		s->self = ev->self;
		s->self.whole |= whole;
		break;
	case SYNC_EV_TREES:
		on_trees(s, ev);
		break;
	case SYNC_EV_UP:
		on_down(s, out);
		s->up = true;
		break;
	case SYNC_EV_DOWN:
		on_down(s, out);
		break;
	case SYNC_EV_HEAD:
		s->peer = ev->head;
		s->peer_known = true;
		break;
	case SYNC_EV_PULL:
		s->pulled = s->pull_due = true;
		s->pull_since = ev->since;
		break;
	case SYNC_EV_BEGIN:
		on_begin(s, ev, out);
		break;
	case SYNC_EV_END:
		on_end(s, ev);
		break;
	case SYNC_EV_STATUS:
		s->peer_status = ev->status;
		break;
	case SYNC_EV_COMPARE:
		on_compare(s, out);
		break;
	case SYNC_EV_PLAN:
		on_plan(s, ev);
		break;
	case SYNC_EV_COMMITTED:
		on_committed(s, ev, out);
		break;
	case SYNC_EV_UNFIT:
		if (s->planning)
			unfit(s, out);
		break;
	case SYNC_EV_FAILED:
		fail(s, ev->reason, out);
		break;
	case SYNC_EV_MADE:
		s->making = false;
		s->lineage = s->made;
		s->trees = ev->trees;
		succeed(s);
		break;
	case SYNC_EV_BARRIER:
	case SYNC_EV_FORCE:
		start_wait(s, ev, out);
		break;
	case SYNC_EV_TIMER:
		break;
	}
}

/* ---- leading ---- */

/* 6.R27: in a term above its own the other one makes generations, as long as it holds. */
static bool is_overtaken(const struct sync *s)
{
	bool heard = s->peer_known || s->peer.lineage.n > 0;

	return s->self.term < lineage_head(&s->lineage).term && (!heard || s->peer.holds);
}

/* 6.R26: whoever holds makes the generations, and not while it only lacks some. */
static bool may_make(const struct sync *s)
{
	uint64_t common;

	if (!s->self.paired || !s->self.holds || !s->self.whole || s->making || s->planning ||
	    !s->trees.settled || s->trees.broken || s->trees.exporting)
		return false;
	if (s->up && (!s->peer_known || (s->peer.whole && relation(s, &common) == LINEAGE_BEHIND)))
		return false;
	if (is_overtaken(s))
		return false;
	if (lineage_head(&s->lineage).number >= MSG_TERM_KEPT_MAX)
		return false; /* nobody gets there: 6.R18 */
	return s->lineage.n == 0 || !sync_is_clean(s);
}

static void make_generation(struct sync *s, struct sync_actions *out)
{
	uint64_t term = lineage_head(&s->lineage).term;

	if (!may_make(s) || !due(s, s->retry_at))
		return;
	s->made = s->lineage;
	lineage_extend(&s->made, s->self.term > term ? s->self.term : term, s->trees.digest);
	s->making = true;
	act(out, SYNC_ACT_GENERATION)->lineage = s->made;
}

static bool head_equal(const struct sync_head *a, const struct sync_head *b)
{
	return a->whole == b->whole && a->holds == b->holds && a->clean == b->clean &&
	       memcmp(a->key, b->key, HA_KEY_LEN) == 0 &&
	       memcmp(a->roots, b->roots, SYNC_HASH_LEN) == 0 &&
	       lineage_equal(&a->lineage, &b->lineage);
}

static void say_head(struct sync *s, struct sync_actions *out)
{
	struct sync_head head;

	if (!s->up || !s->trees_known || s->adopting)
		return;
	sync_own_head(s, &head);
	if (s->said && head_equal(&head, &s->said_head))
		return;
	s->said = true;
	s->said_head = head;
	act(out, SYNC_ACT_SAY_HEAD);
}

/* 6.R30: what is said is what the generation is: nothing may be pending. */
static void say_list(struct sync *s, struct sync_actions *out)
{
	uint64_t head = lineage_head(&s->lineage).number;
	struct sync_action *a;

	if (s->side != SYNC_SIDE_LEADS || !s->pulled || !s->said || s->making || head == 0 ||
	    !s->trees.settled || s->trees.broken || !sync_is_clean(s))
		return;
	if (!s->pull_due && head <= s->pulled_to)
		return;
	a = act(out, SYNC_ACT_SAY_LIST);
	a->since = s->pull_due ? s->pull_since : s->pulled_to;
	a->full = a->since == 0 || a->since < s->trees.floor || a->since > head;
	a->lineage = s->lineage;
	s->pull_due = false;
	s->pulled_to = head;
}

/* ---- following ---- */

static void pull(struct sync *s, struct sync_actions *out)
{
	enum lineage_relation r;
	struct sync_action *a;
	uint64_t common;

	if (s->side != SYNC_SIDE_FOLLOWS || s->adopting || !s->trees.settled || s->trees.broken ||
	    s->peer.lineage.n == 0)
		return;
	/* 6.R35: what has changed behind its back is asked for anew. */
	if (s->asked && s->phase == SYNC_PHASE_IDLE && !sync_is_clean(s) && !is_entitled(s))
		s->asked = false;
	if (s->asked || !due(s, s->retry_at))
		return;
	if (!is_related(s)) {
		s->adopting = true;
		s->trees.settled = false;
		memcpy(act(out, SYNC_ACT_ADOPT)->key, s->peer.key, HA_KEY_LEN);
		return;
	}
	r = relation(s, &common);
	a = act(out, SYNC_ACT_SAY_PULL);
	if (s->self.whole && (sync_is_clean(s) || is_entitled(s)) && !s->full_needed &&
	    (r == LINEAGE_SAME || r == LINEAGE_BEHIND))
		a->since = lineage_head(&s->lineage).number;
	s->asked = true;
	s->told_to = a->since;
	s->phase = SYNC_PHASE_LIST;
	s->status_due = true;
}

/* 6.R31: an entry whose content was not to be had is followed by a newer one; if it is not, all is asked for anew. */
static void end_stall(struct sync *s, struct sync_actions *out)
{
	if (s->planning && s->ended && s->stalled != HA_NEVER && due(s, s->stalled + SYNC_STALL))
		fail(s, "the other appliance has other files than it told of: asking again", out);
}

static void commit(struct sync *s, struct sync_actions *out)
{
	if (!s->planning || !s->ended || !s->complete || !due(s, s->retry_at))
		return;
	s->phase = SYNC_PHASE_COMMIT;
	act(out, SYNC_ACT_COMMIT)->lineage = s->target;
}

/* 6.R40: a COMPARE is answered when the trees were looked at and are what they should be. */
static void answer_compare(struct sync *s, struct sync_actions *out)
{
	uint64_t common;

	if (s->comparing == 0 || !s->trees.settled || s->trees.broken || !s->said ||
	    s->phase != SYNC_PHASE_IDLE || !sync_is_clean(s) ||
	    relation(s, &common) != LINEAGE_SAME)
		return;
	for (; s->comparing > 0; s->comparing--)
		act(out, SYNC_ACT_SAY_COMPARE);
}

static void say_status(struct sync *s, struct sync_actions *out)
{
	if (!s->status_due || !s->up || (!s->trees.broken && s->side != SYNC_SIDE_FOLLOWS))
		return;
	if (s->phase != SYNC_PHASE_ERROR && !due(s, s->status_at + SYNC_STATUS_MIN))
		return;
	s->status_due = false;
	s->status_at = s->now;
	act(out, SYNC_ACT_SAY_STATUS);
}

/* ---- who waits ---- */

static bool peer_has(const struct sync *s, uint64_t number)
{
	uint64_t common;

	if (!s->peer_known || !s->peer.whole || !s->peer.clean || !is_related(s))
		return false;
	lineage_compare(&s->lineage, &s->peer.lineage, &common);
	return common >= number && lineage_head(&s->peer.lineage).number >= number;
}

/* The same at a side that follows: what the leader had when it was asked. */
static bool own_has(const struct sync *s, uint64_t number)
{
	return s->side == SYNC_SIDE_FOLLOWS && sync_is_clean(s) &&
	       lineage_head(&s->lineage).number >= number;
}

static void answer(struct sync_wait *w, const char *refused, struct sync_actions *out)
{
	struct sync_action *a = act(out, SYNC_ACT_ANSWER);

	a->request = w->request;
	a->ok = refused == NULL;
	set_reason(a->reason, refused == NULL ? "" : refused);
	w->request = 0;
}

/* Why it never will; NULL: it may. */
static const char *hopeless(const struct sync *s, const struct sync_wait *w)
{
	if (!s->self.paired)
		return "this appliance is part of no pair";
	if (s->self.paused)
		return "the two appliances have different versions: the settings are not synced";
	if (s->trees.broken)
		return s->trees_reason;
	if (!w->compare && !s->self.holds)
		return "this appliance is not active";
	if (!w->compare && w->overtaken)
		return "newer settings of the other appliance came first: changes may be kept "
		       "aside";
	if (!s->self.peer_heard)
		return "the other appliance is not heard";
	return NULL;
}

static const char *late(const struct sync *s)
{
	if (s->side == SYNC_SIDE_LEADS && s->peer_status.phase == SYNC_PHASE_ERROR)
		return s->peer_status.reason;
	if (s->reason[0] != '\0')
		return s->reason;
	if (!s->up)
		return "there is no connection over the link to the other appliance";
	return "the passive appliance has not written all of it yet";
}

/* Is all that there was when it was asked in a generation? A barrier at a holder that follows waits until it leads. */
static bool is_made(const struct sync *s, const struct sync_wait *w)
{
	if (!s->trees.settled || s->trees.exporting || s->trees.unseen || s->making)
		return false;
	if (s->side == SYNC_SIDE_FOLLOWS)
		return w->compare && !s->planning;
	return sync_is_clean(s);
}

static void serve_wait(struct sync *s, struct sync_wait *w, struct sync_actions *out)
{
	const char *never = hopeless(s, w);
	bool leads = s->side != SYNC_SIDE_FOLLOWS;

	if (never != NULL) {
		answer(w, never, out);
		return;
	}
	if (!w->flushed && is_made(s, w)) {
		w->flushed = true;
		w->number = lineage_head(leads ? &s->lineage : &s->peer.lineage).number;
	}
	if (w->compare && w->compared == 0 && s->side == SYNC_SIDE_LEADS) {
		w->compared = ++s->compare;
		act(out, SYNC_ACT_SAY_COMPARE);
	}
	/* 6.R39: what an export would have written is not there. */
	if (w->flushed && s->self.holds && s->trees.export_failed)
		answer(w, s->trees_reason, out);
	else if (w->flushed &&
		 (leads || !w->compare ? peer_has(s, w->number) &&
						 (!w->compare ||
						  (w->compared != 0 && s->compared >= w->compared))
				       : own_has(s, w->number)))
		answer(w, NULL, out);
	else if (due(s, w->until))
		answer(w, late(s), out);
}

/* ---- a step ---- */

/* 6.R38: what is behind for a moment is not out of sync. */
static void judge_sync(struct sync *s)
{
	uint64_t common;
	bool same;

	if (s->peer.lineage.n == 0 || s->lineage.n == 0)
		return;
	same = is_related(s) && s->peer.whole && s->self.whole &&
	       lineage_compare(&s->lineage, &s->peer.lineage, &common) == LINEAGE_SAME &&
	       (s->self.holds ? s->peer.clean : sync_is_clean(s) || !s->trees_known);
	if (same) {
		s->behind = HA_NEVER;
		s->synced_at = s->now;
	} else if (s->behind == HA_NEVER) {
		s->behind = s->now;
	}
	if (same || !s->in_sync_known || due(s, s->behind + SYNC_LAG_ALLOWED)) {
		s->in_sync = same;
		s->in_sync_known = true;
	}
}

void sync_step(struct sync *s, const struct sync_event *ev, struct sync_actions *out)
{
	assert(ev->now >= s->now);
	out->n = 0;
	s->now = ev->now;
	s->next = HA_NEVER;
	observe(s, ev, out);
	take_side(s, out);
	make_generation(s, out);
	say_head(s, out);
	say_list(s, out);
	end_stall(s, out);
	pull(s, out);
	commit(s, out);
	answer_compare(s, out);
	say_status(s, out);
	judge_sync(s);
	for (unsigned i = 0; i < SYNC_BARRIERS_MAX; i++)
		if (s->wait[i].request != 0)
			serve_wait(s, &s->wait[i], out);
}
