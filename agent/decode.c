/* decode.c - see decode.h. */
#include "agent/decode.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "agent/text.h"
#include "proto/decision.h"
#include "proto/disown.h"
#include "proto/handshake.h"
#include "proto/msg.h"
#include "proto/msg_account.h"
#include "proto/msg_names.h"
#include "proto/node.h"
#include "proto/requirement.h"
#include "proto/sync_msg.h"

struct line {
	char *text;
	size_t len;
};

/* ---- pieces of a line ---- */

__attribute__((format(printf, 2, 3))) static void put(struct line *l, const char *format, ...)
{
	size_t left = DECODE_LINE_MAX - l->len;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(l->text + l->len, left, format, ap);
	va_end(ap);
	assert(n >= 0);
	l->len += (size_t)n < left ? (size_t)n : left - 1;
}

/* A value that may be a peer's: in quotes, with nothing in it that a terminal would act on. */
static void put_text(struct line *l, const char *name, const char *text)
{
	size_t left = strlen(text), n;

	put(l, " %s=\"", name);
	for (const char *at = text; left > 0; at += n, left -= n) {
		n = text_character(at, left);
		/* General punctuation has characters among it that turn the direction of writing. */
		if (n == 0 || (n == 3 && (uint8_t)at[0] == 0xe2 && (uint8_t)at[1] <= 0x81)) {
			put(l, "\\x%02x", (unsigned)(uint8_t)*at);
			n = 1;
		} else if (*at == '"' || *at == '\\') {
			put(l, "\\%c", *at);
		} else {
			put(l, "%.*s", (int)n, at);
		}
	}
	put(l, "\"");
}

static void put_bytes(struct line *l, const char *name, const uint8_t *bytes, size_t len)
{
	put(l, " %s=", name);
	for (size_t i = 0; i < len; i++)
		put(l, "%02x", bytes[i]);
}

/* Of a field of bits, the names of those that are set; nothing if none is. */
static void put_bits(struct line *l, const char *name, unsigned bits,
		     const char *(*name_of)(unsigned))
{
	const char *before = "";

	if (bits == 0)
		return;
	put(l, " %s=", name);
	for (unsigned bit = 1; bit != 0 && bit <= bits; bit <<= 1) {
		if ((bits & bit) == 0)
			continue;
		put(l, "%s%s", before, name_of(bit));
		before = ",";
	}
}

/* An unsigned number whose greatest value means something else. */
static void put_age(struct line *l, const char *name, uint32_t age, const char *greatest)
{
	if (age == UINT32_MAX)
		put(l, " %s=%s", name, greatest);
	else
		put(l, " %s=%" PRIu32, name, age);
}

static void put_address(struct line *l, const struct ha_address *address)
{
	if (address->family == HA_IPV4)
		put(l, "%u.%u.%u.%u", address->b[0], address->b[1], address->b[2], address->b[3]);
	else
		for (unsigned i = 0; i < 16; i += 2)
			put(l, "%s%x", i > 0 ? ":" : "",
			    (unsigned)address->b[i] << 8 | address->b[i + 1]);
}

static void put_mac(struct line *l, const struct ha_mac *mac)
{
	for (unsigned i = 0; i < sizeof(mac->b); i++)
		put(l, "%s%02x", i > 0 ? ":" : "", mac->b[i]);
}

/* ---- the messages ---- */

static enum ha_drop show_beacon(struct line *l, const uint8_t *body, size_t len)
{
	struct msg_beacon m;
	enum ha_drop drop = msg_decode_beacon(body, len, &m);

	if (drop)
		return drop;
	put(l, " boot=%" PRIu64, m.boot);
	put_bytes(l, "key", m.key, sizeof(m.key));
	return DROP_NONE;
}

static void show_heard(struct line *l, const char *name, const struct msg_heard *heard)
{
	put(l, " heard.%s=%" PRIu64, name, heard->counter);
	if (heard->age_us != UINT32_MAX)
		put(l, ",%" PRIu32 "us", heard->age_us);
	else
		put(l, ",never");
}

static enum ha_drop show_heartbeat(struct line *l, const uint8_t *body, size_t len)
{
	struct msg_heartbeat m;
	enum ha_drop drop = msg_decode_heartbeat(body, len, &m);

	if (drop)
		return drop;
	put(l, " boot=%" PRIu64 " number=%" PRIu64 " state=%s claim=%s term=%" PRIu64, m.boot,
	    m.number, ha_state_name((enum ha_state)m.state), ha_claim_name((enum ha_claim)m.claim),
	    m.term);
	put_text(l, "mode", ha_mode_name((enum ha_mode)m.mode));
	put_text(l, "reason", reason_text((enum ha_reason)m.reason));
	put_bits(l, "flags", m.flags, msg_flag_name);
	put_bits(l, "why_not", m.why_not, msg_why_not_name);
	if (m.handover.phase != HANDOVER_NONE)
		put(l, " handover=%s id=%" PRIu64 ".%" PRIu32 " grant_ms=%" PRIu32,
		    msg_phase_name(m.handover.phase), m.handover.term, m.handover.number,
		    m.handover.grant_ms);
	show_heard(l, "link", &m.heard[HA_PATH_LINK]);
	show_heard(l, "management", &m.heard[HA_PATH_MANAGEMENT]);
	put_age(l, "reach_age_ms", m.reach_age_ms, "never");
	put(l, " lineage=%" PRIu64 ".%" PRIu64, m.lineage.term, m.lineage.number);
	put_bytes(l, "digest", m.lineage.digest, 8); /* as much as tells two apart */
	put(l,
	    " identity=%" PRIu32 " lateness_us=%" PRIu32 " sent_us=%" PRIu64 " echo_us=%" PRIu64
	    " echo_hold_us=%" PRIu32,
	    m.identity_revision, m.lateness_us, m.sent_us, m.echo_us, m.echo_hold_us);
	if (m.suspended_s != 0)
		put_age(l, "suspended_s", m.suspended_s, "until_resumed");
	return DROP_NONE;
}

static enum ha_drop show_solicit(struct line *l, const uint8_t *body, size_t len)
{
	struct msg_solicit m;
	enum ha_drop drop = msg_decode_solicit(body, len, &m);

	if (!drop)
		put(l, " nonce=%016" PRIx64, m.nonce);
	return drop;
}

static void put_vips(struct line *l, const struct ha_address vip[HA_VIP_MAX])
{
	for (unsigned i = 0; i < HA_VIP_MAX; i++) {
		if (vip[i].family == HA_FAMILY_NONE)
			continue;
		put(l, " virtual_ip=");
		put_address(l, &vip[i]);
	}
}

static void put_addresses(struct line *l, const struct msg_identity *m)
{
	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++) {
		if (m->management[i].address.family == HA_FAMILY_NONE)
			continue;
		put(l, " management=");
		put_address(l, &m->management[i].address);
		put(l, "/%u", m->management[i].length);
	}
	put_vips(l, m->vip);
}

static enum ha_drop show_identity(struct line *l, const uint8_t *body, size_t len)
{
	struct msg_identity m;
	enum ha_drop drop = msg_decode_identity(body, len, &m);

	if (drop)
		return drop;
	put(l, " revision=%" PRIu32, m.revision);
	put_text(l, "host_name", m.host_name);
	put_text(l, "model", m.model);
	put_text(l, "firmware", m.firmware);
	put_text(l, "hotfix", m.hotfix);
	put_text(l, "patch", m.patch);
	put_text(l, "agent", m.agent);
	put(l, " mac=");
	put_mac(l, &m.management_mac);
	put_addresses(l, &m);
	put_bytes(l, "cluster_id", m.cluster_id, sizeof(m.cluster_id));
	put(l, " direct=%d heartbeat_us=%" PRIu32 " dead_us=%" PRIu32 " confirm_us=%" PRIu32,
	    (m.flags & MSG_IDENTITY_DIRECT) != 0, m.heartbeat_us, m.dead_us, m.confirm_us);
	return DROP_NONE;
}

static enum ha_drop show_join(struct line *l, const uint8_t *body, size_t len)
{
	struct msg_join m;
	enum ha_drop drop = msg_decode_join(body, len, &m);

	if (drop)
		return drop;
	put(l, " op=%s", msg_join_op_name(m.op));
	if (m.refusal != JOIN_OK)
		put_text(l, "refusal", msg_join_refusal_name(m.refusal));
	if (m.address.family != HA_FAMILY_NONE) {
		put(l, " address=");
		put_address(l, &m.address);
	}
	if (m.op == JOIN_ACCEPT) {
		put_bytes(l, "cluster_id", m.cluster_id, sizeof(m.cluster_id));
		put(l, " term=%" PRIu64, m.term);
	}
	for (unsigned i = 0; i < MSG_CAUSES; i++)
		if (m.cause[i] != CAUSE_NONE) {
			put_text(l, requirement_name((enum requirement)i),
				 msg_cause_name(m.cause[i]));
			if (m.cause[i] >= CAUSE_N)
				put(l, ",%u", m.cause[i]); /* of a newer version */
		}
	return DROP_NONE;
}

static enum ha_drop show_detach(struct line *l, const uint8_t *body, size_t len)
{
	struct msg_detach m;
	enum ha_drop drop = msg_decode_detach(body, len, &m);

	if (drop)
		return drop;
	put(l, " op=%s", msg_detach_op_name(m.op));
	if (m.refusal != DETACH_OK)
		put_text(l, "refusal", msg_detach_refusal_name(m.refusal));
	put_bytes(l, "cluster_id", m.cluster_id, sizeof(m.cluster_id));
	return DROP_NONE;
}

static enum ha_drop show_addresses(struct line *l, const uint8_t *body, size_t len)
{
	struct msg_addresses m;
	enum ha_drop drop = msg_decode_addresses(body, len, &m);

	if (drop)
		return drop;
	put(l, " op=%s", msg_addresses_op_name(m.op));
	if (m.refusal != ADDRESSES_OK)
		put_text(l, "refusal", msg_addresses_refusal_name(m.refusal));
	put_vips(l, m.vip);
	put_bytes(l, "cluster_id", m.cluster_id, sizeof(m.cluster_id));
	return DROP_NONE;
}

/* What happened to the sender, in us of its clock; what did not is left out. */
static void put_account(struct line *l, const char *name, ha_time at)
{
	if (at != 0)
		put(l, " %s_us=%" PRId64, name, at / HA_US);
}

static void show_account_paths(struct line *l, const struct msg_account *m)
{
	static const char *const carrier[] = {"unknown", "up", "down"};

	for (int i = 0; i < HA_PATH_N; i++) {
		const char *path = ha_path_name((enum ha_path)i);

		put(l, " %s.missed=%u %s.carrier=%s", path, m->path[i].missed, path,
		    m->path[i].carrier < 3 ? carrier[m->path[i].carrier] : "?");
		if (m->path[i].heard != 0)
			put(l, " %s.heard_us=%" PRId64, path, m->path[i].heard / HA_US);
		if (m->path[i].carrier_since != 0)
			put(l, " %s.carrier_since_us=%" PRId64, path,
			    m->path[i].carrier_since / HA_US);
	}
}

static void show_account_times(struct line *l, const struct msg_account *m)
{
	put_account(l, "awake", m->awake);
	put_account(l, "probe.first", m->probe.first);
	put_account(l, "probe.last", m->probe.last);
	put_account(l, "probe.answered", m->probe.answered);
	put_account(l, "solicit.since", m->solicit.since);
	put_account(l, "reach.evidence", m->reach.evidence);
	put_account(l, "reach.asked", m->reach.asked);
	put_account(l, "reach.unanswered", m->reach.unanswered);
	put_account(l, "peer.heard", m->peer.heard);
	put_account(l, "peer.holding", m->peer.held);
	put_account(l, "handover.intent", m->handover.intent);
	put_account(l, "handover.ack", m->handover.ack);
	put_account(l, "handover.resigned", m->handover.resigned);
	put_account(l, "handover.taking", m->handover.taking);
	put_account(l, "lease.until", m->lease.until);
	put_account(l, "lease.released", m->lease.released);
	put_account(l, "lease.off", m->lease.off);
	put_account(l, "lease.on", m->lease.on);
	put_account(l, "lease.announced", m->lease.announced);
}

static enum ha_drop show_account(struct line *l, const uint8_t *body, size_t len)
{
	struct msg_account m;
	enum ha_drop drop = msg_decode_account(body, len, &m);

	if (drop)
		return drop;
	put(l, " boot=%" PRIu64 " from=%s to=%s", m.boot, ha_state_name((enum ha_state)m.from),
	    ha_state_name((enum ha_state)m.to));
	put_text(l, "reason", reason_text((enum ha_reason)m.reason));
	put(l, " term=%" PRIu64, m.term);
	put_account(l, "decided", m.decided);
	show_account_paths(l, &m);
	put(l, " probes=%u solicits=%u", m.probe.rounds, m.solicit.sent);
	if (m.reach.station.family != HA_FAMILY_NONE) {
		put(l, " station=");
		put_address(l, &m.reach.station);
	}
	put(l, " peer.state=%s peer.claim=%s", ha_state_name((enum ha_state)m.peer.state),
	    ha_claim_name((enum ha_claim)m.peer.claim));
	put_bits(l, "peer.why_not", m.peer.why_not & WHY_NOT_ALL, msg_why_not_name);
	show_account_times(l, &m);
	return DROP_NONE;
}

static enum ha_drop show_handshake(struct line *l, const struct msg_header *h, const uint8_t *frame)
{
	struct handshake_body m;
	enum ha_drop drop = handshake_fields(h, frame, &m);

	if (!drop)
		put(l,
		    " pattern=%s step=%u sender=%08" PRIx32 " boot=%" PRIu64 " sequence=%" PRIu64,
		    msg_pattern_name(m.pattern), m.step, m.sender, m.boot, m.sequence);
	return drop;
}

static enum ha_drop show_disown(struct line *l, const struct msg_header *h, const uint8_t *frame)
{
	struct msg_disown m;
	enum ha_drop drop = disown_fields(h, frame, &m);

	if (drop)
		return drop;
	put(l, " why=%s boot=%" PRIu64, msg_parting_name(m.why), m.boot);
	put_bytes(l, "cluster_id", m.cluster_id, sizeof(m.cluster_id));
	put_bytes(l, "key", m.key, sizeof(m.key));
	return DROP_NONE;
}

static enum ha_drop show_sync_hello(struct line *l, const uint8_t *body, size_t len)
{
	struct sync_hello m;
	enum ha_drop drop = sync_decode_hello(body, len, &m);

	if (drop)
		return drop;
	put_bytes(l, "salt", m.salt, sizeof(m.salt));
	put_bytes(l, "echo", m.echo, sizeof(m.echo));
	put(l, " mtu=%u aes=%d window=%" PRIu32, m.mtu, m.aes, m.window);
	return DROP_NONE;
}

/* What is in the clear; the rest is settings, encrypted. */
static enum ha_drop show_sync_data(struct line *l, const struct msg_header *h, const uint8_t *body)
{
	struct sync_data m;
	enum ha_drop drop = sync_decode_data(body, SYNC_DATA_CLEAR_LEN, &m);

	if (!drop)
		put(l, " offset=%" PRIu64 " bytes=%d%s", m.offset, h->length - SYNC_DATA_OVERHEAD,
		    (m.flags & SYNC_FLUSH) != 0 ? " flush" : "");
	return drop;
}

static enum ha_drop show_sync_ack(struct line *l, const uint8_t *body, size_t len)
{
	struct sync_ack m;
	enum ha_drop drop = sync_decode_ack(body, len, &m);
	int beyond = 0;

	if (drop)
		return drop;
	for (size_t i = 0; i < sizeof(m.bitmap); i++)
		beyond += __builtin_popcount(m.bitmap[i]);
	put(l, " cumulative=%" PRIu64 " beyond=%d", m.cumulative, beyond);
	return DROP_NONE;
}

static enum ha_drop show_decision(struct line *l, const struct decode_frame *frame)
{
	struct decision m;
	enum ha_drop drop = decision_decode(frame->message, frame->len, &m);
	enum ha_reason reason;

	if (drop)
		return drop;
	reason = (enum ha_reason)m.reason;
	put(l, " number=%" PRIu64 " event=%s", m.number,
	    node_event_name((enum node_event_code)m.event));
	if (m.event >= EVENT_CODE_N)
		put(l, ",%u", m.event);
	put(l, " from=%s to=%s", ha_state_name((enum ha_state)m.from),
	    ha_state_name((enum ha_state)m.to));
	put_text(l, "reason", reason_text(reason));
	if (m.reason >= REASON_N)
		put(l, ",%u", m.reason);
	put(l, " rule=%s term=%" PRIu64, reason_rule(reason)[0] != '\0' ? reason_rule(reason) : "-",
	    m.term);
	if (m.subject[0] != '\0')
		put_text(l, "subject", m.subject);
	put(l, " detail=%" PRIu32, m.detail);
	return DROP_NONE;
}

/* The body of a frame that is there as a whole, but for SYNC_DATA, of which its clear part is. */
static enum ha_drop show_body(struct line *l, const struct msg_header *h, const uint8_t *frame)
{
	const uint8_t *body = frame + MSG_HEADER_LEN;
	size_t len = h->length - MSG_HEADER_LEN - msg_tag_len((enum msg_type)h->type);

	switch (h->type) {
	case MSG_BEACON:
		return show_beacon(l, body, len);
	case MSG_HANDSHAKE:
		return show_handshake(l, h, frame);
	case MSG_HEARTBEAT:
		return show_heartbeat(l, body, len);
	case MSG_SOLICIT:
	case MSG_ANSWER:
		return show_solicit(l, body, len);
	case MSG_IDENTITY:
		return show_identity(l, body, len);
	case MSG_JOIN:
		return show_join(l, body, len);
	case MSG_DETACH:
		return show_detach(l, body, len);
	case MSG_ACCOUNT:
		return show_account(l, body, len);
	case MSG_ADDRESSES:
		return show_addresses(l, body, len);
	case MSG_DISOWN:
		return show_disown(l, h, frame);
	case MSG_SYNC_DATA:
		return show_sync_data(l, h, body);
	case MSG_SYNC_ACK:
		return show_sync_ack(l, body, len);
	case MSG_SYNC_HELLO:
		return show_sync_hello(l, body, len);
	default:
		return DROP_BAD_TYPE;
	}
}

/* ---- the line ---- */

static void put_start(struct line *l, const struct decode_frame *frame)
{
	int64_t ns = frame->time_ns % HA_SEC;
	time_t seconds = (time_t)(frame->time_ns / HA_SEC) - (ns < 0);
	char stamp[40] = "?";
	struct tm utc;

	if (gmtime_r(&seconds, &utc) != NULL)
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
	put(l, "%s.%09lldZ ", stamp, (long long)(ns < 0 ? ns + HA_SEC : ns));
}

static void put_type(struct line *l, unsigned type)
{
	const char *name = msg_type_name(type);

	if (name[0] != '?')
		put(l, " %s", name);
	else
		put(l, " type=%u", type);
}

/* What went wrong with it, by the name of the dump's counters, and what that can be told by. */
static void put_drop(struct line *l, const struct decode_frame *frame, enum ha_drop drop)
{
	const uint8_t *m = frame->message;

	put(l, " %s", drop_name(drop));
	if (frame->wire_len >= MSG_HEADER_LEN && frame->len >= MSG_HEADER_LEN)
		put(l, " version=%u path=%u length=%u", m[0], m[2], (unsigned)m[4] << 8 | m[5]);
	put(l, " present=%zu", frame->wire_len);
}

/* How much of it has to be there to show its body. */
static size_t needed(const struct msg_header *h)
{
	return h->type == MSG_SYNC_DATA ? (size_t)MSG_HEADER_LEN + SYNC_DATA_CLEAR_LEN : h->length;
}

static enum ha_drop show(struct line *l, const struct decode_frame *frame)
{
	struct msg_header h;
	enum ha_drop drop;

	/* Its path is the one that it says: which one it came in on is not in every capture. */
	drop = msg_decode_header(frame->message, frame->wire_len, (enum ha_path)frame->message[2],
				 &h);
	if (drop)
		return drop;
	if (h.path >= HA_PATH_N)
		return DROP_BAD_PATH;
	if (h.type == MSG_HEARTBEAT || h.type == MSG_IDENTITY || h.receiver != 0 || h.counter != 0)
		put(l, " receiver=%08" PRIx32 " counter=%" PRIu64, h.receiver, h.counter);
	if (frame->len < needed(&h)) {
		put(l, " cut");
		return DROP_NONE;
	}
	return show_body(l, &h, frame->message);
}

bool decode_line(char out[DECODE_LINE_MAX], const struct decode_frame *frame)
{
	struct line l = {.text = out};
	const uint8_t *m = frame->message;
	enum ha_drop drop;
	size_t shown;
	bool decision, header = frame->len >= MSG_HEADER_LEN;

	decision = header && m[1] == MSG_DECISION;
	put_start(&l, frame);
	put(&l, "%s ", !header ? "-" : decision ? "decisions" : ha_path_name((enum ha_path)m[2]));
	put_mac(&l, &frame->source);
	if (!header && frame->wire_len > frame->len) {
		put(&l, " cut");
		return true;
	}
	if (!header) {
		put_drop(&l, frame, DROP_TRUNCATED);
		return false;
	}
	put_type(&l, m[1]);
	shown = l.len;
	if (!decision)
		drop = show(&l, frame);
	else if (frame->len < frame->wire_len)
		drop = DROP_NONE;
	else
		drop = show_decision(&l, frame);
	if (!drop)
		return true;
	l.len = shown; /* what was shown before that means nothing */
	put_drop(&l, frame, drop);
	return false;
}
