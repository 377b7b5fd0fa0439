#include "proto/msg_account.h"

#include "proto/cursor.h"
#include "proto/msg.h"
#include "proto/reason.h"

/* SPEC 3.R22: so that as nanoseconds they fit a ha_time. */
#define US_MAX ((uint64_t)1 << 53)

static void put_time(struct cursor_writer *w, ha_time t)
{
	uint64_t us = t <= 0 ? 0 : (uint64_t)(t / HA_US);

	cursor_put_u64(w, t > 0 && us == 0 ? 1 : us);
}

static bool get_time(struct cursor_reader *r, ha_time *t)
{
	uint64_t us = cursor_get_u64(r);

	*t = us < US_MAX ? (ha_time)us * HA_US : 0;
	return us < US_MAX;
}

size_t msg_encode_account(uint8_t *out, size_t cap, const struct msg_account *m)
{
	struct cursor_writer w;

	cursor_write(&w, out, cap);
	cursor_put_u64(&w, m->boot);
	put_time(&w, m->decided);
	cursor_put_u8(&w, m->from);
	cursor_put_u8(&w, m->to);
	cursor_put_u8(&w, m->reason);
	cursor_put_u64(&w, m->term);
	put_time(&w, m->awake);
	for (int i = 0; i < HA_PATH_N; i++) {
		put_time(&w, m->path[i].heard);
		cursor_put_u16(&w, m->path[i].missed);
		cursor_put_u8(&w, m->path[i].carrier);
		put_time(&w, m->path[i].carrier_since);
	}
	put_time(&w, m->probe.first);
	put_time(&w, m->probe.last);
	cursor_put_u16(&w, m->probe.rounds);
	cursor_put_u8(&w, m->probe.answer);
	put_time(&w, m->probe.answered);
	put_time(&w, m->solicit.since);
	cursor_put_u8(&w, m->solicit.sent);
	cursor_put_u8(&w, m->solicit.answered);
	put_time(&w, m->reach.evidence);
	put_time(&w, m->reach.asked);
	put_time(&w, m->reach.unanswered);
	cursor_put_u8(&w, m->reach.station.family);
	cursor_put_bytes(&w, m->reach.station.b, sizeof(m->reach.station.b));
	cursor_put_u8(&w, m->reach.configured);
	put_time(&w, m->peer.heard);
	cursor_put_u64(&w, m->peer.boot);
	cursor_put_u8(&w, m->peer.state);
	cursor_put_u8(&w, m->peer.claim);
	cursor_put_u8(&w, m->peer.reason);
	cursor_put_u8(&w, m->peer.flags & MSG_FLAG_ALL);
	cursor_put_u16(&w, m->peer.why_not & WHY_NOT_ALL);
	put_time(&w, m->peer.held);
	put_time(&w, m->handover.intent);
	put_time(&w, m->handover.ack);
	put_time(&w, m->handover.resigned);
	put_time(&w, m->handover.taking);
	put_time(&w, m->lease.until);
	put_time(&w, m->lease.released);
	put_time(&w, m->lease.off);
	put_time(&w, m->lease.on);
	put_time(&w, m->lease.announced);
	return cursor_written(&w);
}

/* SPEC 3.R2 */
static bool address_valid(const struct ha_address *a)
{
	size_t used = ha_address_len(a);

	if (used == 0 && a->family != HA_FAMILY_NONE)
		return false;
	for (size_t i = used; i < sizeof(a->b); i++)
		if (a->b[i] != 0)
			return false;
	return true;
}

/* SPEC 3.R22 */
static bool account_valid(const struct msg_account *m)
{
	for (int i = 0; i < HA_PATH_N; i++)
		if (m->path[i].carrier >= ACCOUNT_CARRIER_N)
			return false;
	return m->decided != 0 && m->from < HA_STATE_N && m->to < HA_STATE_N &&
	       m->reason < REASON_N && m->term <= MSG_TERM_MAX &&
	       m->probe.answer < ACCOUNT_ANSWER_N && m->solicit.answered <= 1 &&
	       address_valid(&m->reach.station) && m->reach.configured <= 1 &&
	       m->peer.state < HA_STATE_N && m->peer.claim < HA_CLAIM_N &&
	       m->peer.reason < REASON_N;
}

static bool get_path(struct cursor_reader *r, struct account_path *p)
{
	bool valid = get_time(r, &p->heard);

	p->missed = cursor_get_u16(r);
	p->carrier = cursor_get_u8(r);
	return get_time(r, &p->carrier_since) && valid;
}

enum ha_drop msg_decode_account(const uint8_t *body, size_t len, struct msg_account *out)
{
	struct cursor_reader r;
	struct msg_account m = {0};
	bool valid = true;

	cursor_read(&r, body, len);
	m.boot = cursor_get_u64(&r);
	valid &= get_time(&r, &m.decided);
	m.from = cursor_get_u8(&r);
	m.to = cursor_get_u8(&r);
	m.reason = (uint8_t)reason_heard(cursor_get_u8(&r));
	m.term = cursor_get_u64(&r);
	valid &= get_time(&r, &m.awake);
	for (int i = 0; i < HA_PATH_N; i++)
		valid &= get_path(&r, &m.path[i]);
	valid &= get_time(&r, &m.probe.first);
	valid &= get_time(&r, &m.probe.last);
	m.probe.rounds = cursor_get_u16(&r);
	m.probe.answer = cursor_get_u8(&r);
	valid &= get_time(&r, &m.probe.answered);
	valid &= get_time(&r, &m.solicit.since);
	m.solicit.sent = cursor_get_u8(&r);
	m.solicit.answered = cursor_get_u8(&r);
	valid &= get_time(&r, &m.reach.evidence);
	valid &= get_time(&r, &m.reach.asked);
	valid &= get_time(&r, &m.reach.unanswered);
	m.reach.station.family = cursor_get_u8(&r);
	cursor_get_bytes(&r, m.reach.station.b, sizeof(m.reach.station.b));
	m.reach.configured = cursor_get_u8(&r);
	valid &= get_time(&r, &m.peer.heard);
	m.peer.boot = cursor_get_u64(&r);
	m.peer.state = cursor_get_u8(&r);
	m.peer.claim = cursor_get_u8(&r);
	m.peer.reason = (uint8_t)reason_heard(cursor_get_u8(&r));
	m.peer.flags = cursor_get_u8(&r) & MSG_FLAG_ALL;
	m.peer.why_not = cursor_get_u16(&r) & WHY_NOT_ALL;
	valid &= get_time(&r, &m.peer.held);
	valid &= get_time(&r, &m.handover.intent);
	valid &= get_time(&r, &m.handover.ack);
	valid &= get_time(&r, &m.handover.resigned);
	valid &= get_time(&r, &m.handover.taking);
	valid &= get_time(&r, &m.lease.until);
	valid &= get_time(&r, &m.lease.released);
	valid &= get_time(&r, &m.lease.off);
	valid &= get_time(&r, &m.lease.on);
	valid &= get_time(&r, &m.lease.announced);
	if (!cursor_finished(&r))
		return DROP_BAD_LENGTH;
	if (!valid || !account_valid(&m))
		return DROP_BAD_VALUE;
	*out = m;
	return DROP_NONE;
}
