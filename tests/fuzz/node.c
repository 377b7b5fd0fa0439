/* node - the failover machine, told whatever can be told: by the peer, the segment, the guardian, the store, operators, time.
 *
 *   how it is configured; then steps: an event, or time that passes
 *
 * The events are what the engine could say, in any order and number: what comes from the peer is what its messages can
 * hold. At every step what SPEC 5.9 and the headers promise is checked; nothing here knows what the right decision would be: that
 * is tests/sim's.
 */
#include "tests/fuzz/fuzz.h"

#include "proto/msg.h"
#include "proto/node.h"

enum {
	STEPS_MAX = 1500,
	PROBES_MAX = 8, /* of one step: SPEC 5.9 */
	QUESTIONS_MAX = 16,
	OTHERS_MAX = 24,
	TIMERS_AT_ONCE = 50,
	HEARTBEAT_LEN = 256,
};

struct world {
	struct node node;
	ha_time now;
	struct msg_heartbeat says; /* the peer's newest word */
	uint64_t counter;
	uint64_t term; /* newest held under in this run */
	bool exited;
};

static const struct ha_mac macs[] = {{{2, 0, 0, 0, 0, 1}},
				     {{2, 0, 0, 0, 0, 2}},
				     {{2, 0, 0, 0, 0, 3}},
				     {{2, 0, 0, 0, 0, 0}},
				     {{0}},
				     {{2, 0, 0, 0, 9, 9}}};
static const struct ha_address addresses[] = {
	{HA_IPV4, {192, 0, 2, 100}},                      /* the virtual ones ... */
	{HA_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 0x64}}, /* ... both */
	{HA_IPV4, {192, 0, 2, 1}},
	{HA_IPV4, {192, 0, 2, 2}},
	{HA_FAMILY_NONE, {0}},
	{HA_IPV6, {0xfe, 0x80, [15] = 1}},
};

enum {
	MACS = sizeof(macs) / sizeof(*macs),
	ADDRESSES = sizeof(addresses) / sizeof(*addresses),
	VIPS = 2,
};

/* ---- what is promised ---- */

static void check_heartbeat(const struct world *w, enum ha_path path)
{
	uint8_t body[HEARTBEAT_LEN];
	struct msg_heartbeat says, read;
	size_t len;

	node_heartbeat(&w->node, path, w->now, &says);
	FUZZ_CHECK((says.why_not == 0) == !!(says.flags & MSG_FLAG_ELIGIBLE));
	FUZZ_CHECK(says.why_not == node_why_not(&w->node, w->now));
	len = msg_encode_heartbeat(body, sizeof(body), &says);
	FUZZ_CHECK(len == msg_body_len(MSG_HEARTBEAT));
	FUZZ_CHECK(msg_decode_heartbeat(body, len, &read) == DROP_NONE);
}

static void check_action(struct world *w, const struct node_action *a)
{
	const struct node *n = &w->node;

	switch (a->type) {
	case ACT_HEARTBEAT:
		FUZZ_CHECK(n->config.paired);
		check_heartbeat(w, a->path);
		break;
	case ACT_ANNOUNCE:
		FUZZ_CHECK(n->lease.wanted && a->mask != 0 && (a->mask & ~n->lease.on) == 0);
		break;
	case ACT_HOLD:
		FUZZ_CHECK(a->deadline > w->now && a->lease != 0);
		break;
	case ACT_PROBE:
		FUZZ_CHECK(a->address.family != HA_FAMILY_NONE);
		break;
	case ACT_EXIT:
		FUZZ_CHECK(!n->lease.wanted);
		w->exited = true;
		break;
	default:
		break;
	}
}

/* By their count: no list overflows, no step asks the whole segment. */
static void check_counts(const struct node_actions *out)
{
	unsigned probes = 0, questions = 0;

	for (unsigned i = 0; i < out->n; i++) {
		probes += out->a[i].type == ACT_PROBE;
		questions += out->a[i].type == ACT_ASK;
	}
	FUZZ_CHECK(probes <= PROBES_MAX && questions <= QUESTIONS_MAX);
	FUZZ_CHECK(out->n - probes - questions <= OTHERS_MAX);
}

static void check_state(struct world *w)
{
	const struct node *n = &w->node;
	struct node_durable disk;

	FUZZ_CHECK(n->mode < HA_MODE_N && n->state < HA_STATE_N && n->claim < HA_CLAIM_N);
	FUZZ_CHECK(!n->lease.wanted || n->state == HA_ACTIVE);
	FUZZ_CHECK(n->claim != HA_CLAIM_TAKING || n->lease.wanted || n->lease.releasing ||
		   n->lease.again != HA_NEVER);
	FUZZ_CHECK(!(n->lease.wanted && n->lease.releasing));
	FUZZ_CHECK(n->term <= n->term_floor && n->term_known <= n->term_floor);
	node_durable(n, &disk);
	FUZZ_CHECK(disk.mode < HA_MODE_N && disk.held_term <= disk.term);
	FUZZ_CHECK(n->config.paired || !n->peer.known);
	(void)node_degraded(n, w->now);
	(void)node_peer_ready(n, w->now);
	(void)node_may_detach(n, w->now);
	(void)node_may_remove(n, w->now);
	(void)node_may_be_detached(n, w->now);
	FUZZ_CHECK(node_role(n) < ROLE_N);
	if (!n->lease.wanted || !n->config.paired)
		return;
	FUZZ_CHECK(n->term >= w->term);
	if (n->term != w->term)
		FUZZ_CHECK(n->term % 2 == (n->config.lower ? 0u : 1u));
	w->term = n->term;
}

static void feed(struct world *w, struct node_event *ev)
{
	static struct node twin;
	static struct node_actions out, again;

	if (w->exited)
		return;
	ev->now = w->now;
	twin = w->node;
	node_step(&w->node, ev, &out);
	node_step(&twin, ev, &again);
	FUZZ_CHECK(out.n == again.n && twin.deadline == w->node.deadline &&
		   twin.state == w->node.state && twin.number == w->node.number);
	check_counts(&out);
	FUZZ_CHECK(node_deadline(&w->node) != HA_NEVER);
	FUZZ_CHECK(ev->type != EV_TIMER || node_deadline(&w->node) > w->now);
	check_state(w);
	for (unsigned i = 0; i < out.n; i++)
		check_action(w, &out.a[i]);
}

/* ---- time ---- */

static void timers(struct world *w, ha_time until)
{
	for (unsigned i = 0; i < TIMERS_AT_ONCE && node_deadline(&w->node) <= until; i++) {
		if (node_deadline(&w->node) > w->now)
			w->now = node_deadline(&w->node);
		feed(w, &(struct node_event){.type = EV_TIMER});
	}
	w->now = until > w->now ? until : w->now;
}

/* So many heartbeats of the other are heard in time. */
static void hear(struct world *w, enum ha_path path, ha_time echo_age)
{
	struct node_event ev = {
		.type = EV_HEARTBEAT, .path = path, .heard_at = w->now, .counter = ++w->counter};

	w->says.number++;
	w->says.sent_us = (uint64_t)(w->now / HA_US) + 5000000;
	w->says.echo_us = (uint64_t)((w->now - echo_age) / HA_US);
	ev.heartbeat = w->says;
	feed(w, &ev);
}

static void goes_on(struct world *w, struct script *s)
{
	unsigned n = script_u8(s) % 32, paths = script_u8(s);

	for (unsigned i = 0; i < n; i++) {
		for (int path = 0; path < HA_PATH_N; path++)
			if (paths & 1u << path)
				hear(w, path ? HA_PATH_MANAGEMENT : HA_PATH_LINK, 0);
		timers(w, w->now + w->node.config.timing.heartbeat);
	}
}

/* ---- the peer's word, within what a heartbeat can say ---- */

static void change_word(struct world *w, struct script *s)
{
	struct msg_heartbeat *m = &w->says;
	uint8_t body[HEARTBEAT_LEN];
	struct msg_heartbeat was = *m;

	switch (script_u8(s) % 16) {
	case 0:
		m->mode = script_u8(s) % HA_MODE_N;
		break;
	case 1:
		m->state = script_u8(s) % HA_STATE_N;
		break;
	case 2:
		m->claim = script_u8(s) % HA_CLAIM_N;
		break;
	case 3:
		m->why_not = (uint16_t)(script_number(s, 2) & WHY_NOT_ALL);
		break;
	case 4:
		m->flags = script_u8(s) & MSG_FLAG_ALL;
		break;
	case 5:
		m->term = w->node.term_known + script_u8(s) % 4;
		break;
	case 6:
		m->term = script_number(s, 8) % (MSG_TERM_HEARD_MAX + 1);
		break;
	case 7:
		m->handover = (struct msg_handover){
			.phase = script_u8(s) % HANDOVER_N,
			.term = script_bool(s) ? w->node.handover.own.term : script_u8(s),
			.number = script_bool(s) ? w->node.handover.own.number : script_u8(s),
			.grant_ms = script_u8(s),
		};
		break;
	case 8:
		m->heard[script_u8(s) % HA_PATH_N].age_us = (uint32_t)script_number(s, 4);
		break;
	case 9:
		m->lineage = (struct msg_lineage){.term = script_u8(s), .number = script_u8(s)};
		break;
	case 10:
		m->boot += script_u8(s) % 3;
		break;
	case 11:
		m->suspended_s = script_bool(s) ? UINT32_MAX : script_u8(s);
		break;
	case 12:
		m->lateness_us = (uint32_t)script_number(s, 4);
		m->echo_hold_us = (uint32_t)script_number(s, 4);
		break;
	case 13:
		m->reach_age_ms = (uint32_t)script_number(s, 4);
		break;
	default:
		m->number += script_u8(s) % 3;
		break;
	}
	/* What hangs together. */
	if (m->suspended_s != 0)
		m->why_not |= WHY_NOT_SUSPENDED;
	else
		m->why_not &= (uint16_t)~WHY_NOT_SUSPENDED;
	m->flags = (uint8_t)(m->why_not == 0 ? m->flags | MSG_FLAG_ELIGIBLE
					     : m->flags & ~MSG_FLAG_ELIGIBLE);
	if (msg_encode_heartbeat(body, sizeof(body), m) == 0 ||
	    msg_decode_heartbeat(body, msg_body_len(MSG_HEARTBEAT), m) != DROP_NONE)
		*m = was;
}

/* A whole one from its bytes. */
static void raw_word(struct world *w, struct script *s)
{
	uint8_t body[HEARTBEAT_LEN] = {0};
	struct node_event ev = {.type = EV_HEARTBEAT, .heard_at = w->now, .counter = ++w->counter};

	ev.path = script_bool(s) ? HA_PATH_MANAGEMENT : HA_PATH_LINK;
	script_bytes(s, body, msg_body_len(MSG_HEARTBEAT));
	if (msg_decode_heartbeat(body, msg_body_len(MSG_HEARTBEAT), &ev.heartbeat) == DROP_NONE)
		feed(w, &ev);
}

/* ---- everybody else ---- */

static void segment(struct world *w, struct script *s)
{
	struct node_event ev = {.type = EV_SEGMENT, .path = HA_PATH_MANAGEMENT};
	uint8_t who = script_u8(s), what = script_u8(s);

	ev.heard_at = w->now - (script_bool(s) ? 0 : script_u8(s) * HA_MS);
	ev.segment.source = ev.segment.sender_mac = macs[who % MACS];
	if (who & 0x80)
		ev.segment.sender_mac = macs[(who >> 4) % MACS];
	ev.segment.sender = addresses[what % ADDRESSES];
	ev.segment.target = addresses[(what >> 4) % ADDRESSES];
	ev.segment.answer = who & 0x40;
	feed(w, &ev);
}

static void guardian(struct world *w, struct script *s)
{
	struct node_event ev = {.type = EV_LEASE};
	uint8_t how = script_u8(s);

	ev.lease.id = how & 0x80 ? w->node.lease.id - (how >> 4) % 4 : w->node.lease.id;
	ev.lease.status = NODE_LEASE_HELD + how % 3;
	ev.lease.on = script_u8(s) & ((1u << w->node.config.vip_n) - 1);
	ev.lease.gone = how & 8;
	feed(w, &ev);
}

static void membership(struct world *w, struct script *s)
{
	struct node_event ev = {0};
	uint8_t how = script_u8(s);

	if (how & 0x20) {
		ev.type = EV_ADDRESSES;
		ev.addresses.n = (how >> 6) % (VIPS + 1);
		memcpy(ev.addresses.vip, addresses + (how & 1) * VIPS,
		       sizeof(*addresses) * ev.addresses.n);
	} else if (!w->node.config.paired) {
		ev.type = EV_PAIRED;
		ev.paired.mode = how & 1 ? HA_MODE_PRIMARY_ACTIVE : HA_MODE_PRIMARY_PASSIVE;
		ev.paired.lower = how & 2;
		ev.paired.term = script_number(s, 2);
		ev.paired.vip_n = VIPS;
		memcpy(ev.paired.vip, addresses, sizeof(*addresses) * VIPS);
		w->term = 0;
	} else {
		ev.type = EV_UNPAIRED;
		ev.unpaired.why = PARTING_DETACHED + how % 3;
		ev.unpaired.keeps = node_keeps(&w->node, ev.unpaired.why, how & 8);
		ev.unpaired.vip_n = how & 16 ? VIPS : 0;
		memcpy(ev.unpaired.vip, addresses, sizeof(*addresses) * ev.unpaired.vip_n);
	}
	feed(w, &ev);
}

static void operator(struct world *w, struct script *s)
{
	struct node_event ev = {.type = EV_OPERATOR};

	ev.op = OP_SWAP + script_u8(s) % 5;
	ev.request = script_u8(s);
	ev.until = script_bool(s) ? HA_NEVER : w->now + script_u8(s) * HA_SEC;
	feed(w, &ev);
}

static void witnesses(struct world *w, struct script *s)
{
	struct node_event ev = {.type = EV_WITNESS};

	ev.witness.n = script_u8(s) % (NODE_STATIONS_MAX + 1);
	for (unsigned i = 0; i < ev.witness.n; i++) {
		ev.witness.address[i] = addresses[2];
		ev.witness.address[i].b[3] = script_u8(s);
	}
	feed(w, &ev);
}

static void condition(struct world *w, struct script *s)
{
	struct node_event ev = {0};
	uint8_t how = script_u8(s);

	switch (how % 4) {
	case 0:
		ev.type = EV_CHECK;
		ev.check.failing = how & 4;
		ev.check.failed = how & 8;
		break;
	case 1:
		ev.type = EV_COPY;
		ev.copy.whole = how & 4;
		ev.copy.in_sync = how & 8;
		ev.copy.lineage =
			(struct msg_lineage){.term = script_u8(s), .number = script_u8(s)};
		break;
	case 2:
		ev.type = EV_GUARDIAN;
		ev.ok = how & 4;
		break;
	default:
		ev.type = EV_SAVED;
		ev.ok = how & 4;
		ev.number = how & 8 ? w->node.save_number : script_u8(s);
		break;
	}
	feed(w, &ev);
}

/* Its frames but for heartbeats, and what is known of it. */
static void peer(struct world *w, struct script *s)
{
	struct node_event ev = {.heard_at = w->now, .counter = ++w->counter};
	uint8_t how = script_u8(s);

	ev.path = how & 0x80 ? HA_PATH_MANAGEMENT : HA_PATH_LINK;
	switch (how % 4) {
	case 0:
		ev.type = EV_SOLICIT;
		ev.nonce = script_u8(s);
		break;
	case 1:
		ev.type = EV_ANSWER;
		ev.nonce = how & 4 ? w->node.solicit.nonce : script_u8(s);
		break;
	case 2:
		ev.type = EV_SESSION;
		ev.boot = how & 4 ? w->says.boot : script_u8(s);
		break;
	default:
		ev.type = EV_PEER_MAC;
		ev.mac = macs[script_u8(s) % MACS];
		break;
	}
	feed(w, &ev);
}

static void carrier(struct world *w, uint8_t how)
{
	feed(w, &(struct node_event){.type = EV_CARRIER,
				     .path = how & 1 ? HA_PATH_MANAGEMENT : HA_PATH_LINK,
				     .up = how & 2});
}

/* It stood still, or the whole machine did. */
static void pause_it(struct world *w, struct script *s)
{
	w->now += (ha_time)script_number(s, 2) * (script_bool(s) ? HA_MS : 20 * HA_US);
	if (script_bool(s))
		feed(w, &(struct node_event){.type = EV_TIMER});
}

static void step(struct world *w, struct script *s)
{
	uint8_t op = script_u8(s);

	switch (op % 16) {
	case 0:
		timers(w, node_deadline(&w->node));
		break;
	case 1:
		timers(w, w->now + script_u8(s) * HA_MS);
		break;
	case 2:
		timers(w, w->now + script_u8(s) * 100 * HA_MS);
		break;
	case 3:
		pause_it(w, s);
		break;
	case 4:
		change_word(w, s);
		break;
	case 5:
		hear(w, op & 0x80 ? HA_PATH_MANAGEMENT : HA_PATH_LINK,
		     op & 0x40 ? script_u8(s) * HA_MS : 0);
		break;
	case 6:
		goes_on(w, s);
		break;
	case 7:
		raw_word(w, s);
		break;
	case 8:
		segment(w, s);
		break;
	case 9:
		guardian(w, s);
		break;
	case 10:
		condition(w, s);
		break;
	case 11:
		peer(w, s);
		break;
	case 12:
		carrier(w, op >> 4);
		break;
	case 13:
		operator(w, s);
		break;
	case 14:
		witnesses(w, s);
		break;
	default:
		if (op & 0x80)
			membership(w, s);
		else
			goes_on(w, s);
		break;
	}
}

static struct node_config configure(struct script *s)
{
	static const struct node_timing timing[] = {
		{20 * HA_MS, 100 * HA_MS, 5 * HA_MS, 3 * HA_SEC, 30 * HA_SEC},
		{2 * HA_MS, 8 * HA_MS, 3 * HA_MS, 3 * HA_SEC, 30 * HA_SEC},
		{200 * HA_MS, 1000 * HA_MS, 50 * HA_MS, 3 * HA_SEC, 30 * HA_SEC},
	};
	uint8_t a = script_u8(s), b = script_u8(s);
	struct node_config c = {
		.timing = timing[(a & 3) % 3],
		.boot = 10,
		.paired = !(a & 4),
		.lower = a & 8,
		.store_ok = (a & 0x30) != 0x30,
		.whole_copy = !(a & 0x40),
		.in_sync = !(a & 0x80),
		.suspended = (b & 3) == 3,
		.suspended_until = HA_NEVER,
		.vip_n = b & 4 && !c.paired ? 0 : VIPS,
		.mac = macs[0],
		.witness_learn = !(b & 8),
		.disputed = b & 16,
		.fenced = !(b & 32),
	};

	c.mode = c.paired ? (b & 64 ? HA_MODE_PRIMARY_ACTIVE : HA_MODE_PRIMARY_PASSIVE)
			  : (b & 64 ? HA_MODE_STANDALONE : HA_MODE_PRIMARY_ACTIVE);
	c.term = script_u8(s);
	c.held_term = c.term > 0 && b & 64 ? c.term - 1 : 0;
	c.reserved = b & 128 ? c.term + 1 : 0;
	memcpy(c.vip, addresses, sizeof(*addresses) * VIPS);
	return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct world w;
	struct script s = {data, len};
	struct node_config config = configure(&s);

	memset(&w, 0, sizeof(w));
	w.now = 1000 * HA_SEC;
	w.says = (struct msg_heartbeat){
		.boot = 11,
		.mode = HA_MODE_PRIMARY_PASSIVE,
		.state = HA_PASSIVE,
		.flags = MSG_FLAG_ELIGIBLE | MSG_FLAG_REACH_OK | MSG_FLAG_CARRIER |
			 MSG_FLAG_RESERVED,
		.lineage = {.term = 2, .number = 7},
	};
	node_init(&w.node, &config, w.now);
	for (unsigned i = 0; i < STEPS_MAX && !script_ended(&s) && !w.exited; i++)
		step(&w, &s);
	return 0;
}
