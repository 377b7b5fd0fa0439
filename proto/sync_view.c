/* sync_view.c - the settings machine seen from outside: what it says of itself, and what an operator reads. */
#include "proto/sync.h"

#include <string.h>

void sync_own_head(const struct sync *s, struct sync_head *out)
{
	*out = (struct sync_head){
		.whole = s->self.whole,
		.holds = s->self.holds,
		/* Of the holder's changes the next generation is made. */
		.clean = s->self.holds || sync_is_clean(s),
		.entries = s->trees.entries,
		.bytes = s->trees.bytes,
		.lineage = s->lineage,
	};
	memcpy(out->key, s->trees.key, HA_KEY_LEN);
	memcpy(out->roots, s->self.roots, SYNC_HASH_LEN);
}

void sync_own_status(const struct sync *s, struct sync_status *out)
{
	*out = s->status;
	out->phase = (uint8_t)(s->trees.broken ? SYNC_PHASE_ERROR : s->phase);
	memset(out->reason, 0, sizeof(out->reason));
	if (out->phase == SYNC_PHASE_ERROR)
		memcpy(out->reason, s->trees.broken ? s->trees_reason : s->reason,
		       sizeof(out->reason));
}

static bool is_busy(const struct sync_status *status)
{
	return status->phase == SYNC_PHASE_LIST || status->phase == SYNC_PHASE_FETCH ||
	       status->phase == SYNC_PHASE_COMMIT;
}

static enum sync_state state_of(const struct sync *s, const struct sync_view *v)
{
	if (!s->self.paired)
		return SYNC_NOTHING;
	if (s->self.paused)
		return SYNC_PAUSED;
	if (v->reason[0] != '\0')
		return SYNC_ERROR;
	if (s->in_sync_known && s->in_sync && s->behind == HA_NEVER)
		return SYNC_SYNCED;
	if (s->side != SYNC_SIDE_NONE && (is_busy(&v->progress) || s->in_sync))
		return SYNC_SYNCING;
	if (!s->in_sync_known)
		return SYNC_NOT_STARTED;
	return s->in_sync ? SYNC_SYNCED : SYNC_OUT_OF_SYNC;
}

static const char *reason_of(const struct sync *s)
{
	if (s->trees.broken)
		return s->trees_reason;
	if (s->up && s->peer_known && memcmp(s->self.roots, s->peer.roots, SYNC_HASH_LEN) != 0)
		return "the two appliances have different settings paths or excludes";
	if (s->side != SYNC_SIDE_FOLLOWS && s->peer_status.phase == SYNC_PHASE_ERROR)
		return s->peer_status.reason;
	return s->reason;
}

void sync_view(const struct sync *s, struct sync_view *out)
{
	bool leads = s->side == SYNC_SIDE_LEADS || (s->side == SYNC_SIDE_NONE && s->self.holds);
	uint64_t own = lineage_head(&s->lineage).number,
		 peer = lineage_head(&s->peer.lineage).number;

	*out = (struct sync_view){
		.side = s->side,
		.whole = s->self.whole,
		.in_sync = s->in_sync,
		.in_sync_known = s->in_sync_known,
		.own = s->lineage,
		.peer = s->peer.lineage,
		.synced_at = s->synced_at,
		.reason = reason_of(s),
	};
	if (leads)
		out->progress = s->peer_status;
	else
		sync_own_status(s, &out->progress);
	if (leads ? own > peer : peer > own)
		out->lag = leads ? own - peer : peer - own;
	out->state = state_of(s, out);
}
