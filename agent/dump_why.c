#include "agent/dump_why.h"

#include "agent/dump_json.h"
#include "proto/account.h"

enum {
	WHY_HISTORY_N = 5, /* changes of state */
	WHY_BEFORE_S = 10, /* of one story */
};

struct writer {
	const struct why_view *view;
	json_t *out;
};

static void at(const struct writer *w, const char *key, ha_time t)
{
	if (t == 0)
		put(w->out, key, json_null());
	else
		put_time(w->out, key, w->view->realtime_ns - (w->view->now - t));
}

static struct writer object(const struct writer *in, const char *key)
{
	struct writer w = {in->view, json_object()};

	put(in->out, key, w.out);
	return w;
}

static void put_paths(const struct writer *in, const struct msg_account *m)
{
	json_t *paths = json_array();

	for (int i = 0; i < HA_PATH_N; i++) {
		const struct account_path *p = &m->path[i];
		struct writer w = {in->view, json_object()};

		put_text(w.out, "name", ha_path_name((enum ha_path)i));
		at(&w, "heard", p->heard);
		put_number(w.out, "missed", p->missed);
		if (p->carrier == ACCOUNT_CARRIER_UNKNOWN)
			put(w.out, "carrier", json_null());
		else
			put_bool(w.out, "carrier", p->carrier == ACCOUNT_CARRIER_UP);
		at(&w, "carrier_since", p->carrier_since);
		json_array_append_new(paths, w.out);
	}
	put(in->out, "paths", paths);
}

static void put_questions(const struct writer *in, const struct msg_account *m)
{
	static const char *const answer[ACCOUNT_ANSWER_N] = {"nobody", "peer", "other"};
	struct writer probe = object(in, "probe"), solicit = object(in, "solicit"),
		      witness = object(in, "witness");

	at(&probe, "first", m->probe.first);
	at(&probe, "last", m->probe.last);
	put_number(probe.out, "rounds", m->probe.rounds);
	put_text(probe.out, "answered_by", answer[m->probe.answer]);
	at(&probe, "answered", m->probe.answered);
	at(&solicit, "since", m->solicit.since);
	put_number(solicit.out, "sent", m->solicit.sent);
	put_bool(solicit.out, "answered", m->solicit.answered);
	at(&witness, "evidence", m->reach.evidence);
	put_address(witness.out, "station", &m->reach.station);
	put_bool(witness.out, "configured", m->reach.configured);
	at(&witness, "asked", m->reach.asked);
	at(&witness, "unanswered_since", m->reach.unanswered);
}

/* What was last heard of the other. */
static void put_other(const struct writer *in, const struct msg_account *m)
{
	struct writer w = object(in, "other");
	bool heard = m->peer.heard != 0;

	at(&w, "heard", m->peer.heard);
	at(&w, "holding", m->peer.held);
	put_number(w.out, "boot", m->peer.boot);
	put_text(w.out, "state", heard ? ha_state_name((enum ha_state)m->peer.state) : "");
	put_text(w.out, "claim", heard ? ha_claim_name((enum ha_claim)m->peer.claim) : "");
	put_text(w.out, "reason", heard ? reason_text((enum ha_reason)m->peer.reason) : "");
	put_text(w.out, "rule", heard ? reason_rule((enum ha_reason)m->peer.reason) : "");
	put_bool(w.out, "eligible", m->peer.flags & MSG_FLAG_ELIGIBLE);
	put_bool(w.out, "leaving", m->peer.flags & MSG_FLAG_LEAVING);
	put_bool(w.out, "segment", m->peer.flags & MSG_FLAG_REACH_OK);
	put_bool(w.out, "carrier", m->peer.flags & MSG_FLAG_CARRIER);
	put(w.out, "why_not", dump_why_not(heard ? m->peer.why_not : 0));
}

static json_t *account(const struct why_view *view, const struct msg_account *m)
{
	struct writer w = {view, NULL}, part;

	if (m->decided == 0)
		return json_null();
	w.out = json_object();
	at(&w, "decided", m->decided);
	put_number(w.out, "boot", m->boot);
	put_text(w.out, "from", ha_state_name((enum ha_state)m->from));
	put_text(w.out, "to", ha_state_name((enum ha_state)m->to));
	put_text(w.out, "reason", reason_text((enum ha_reason)m->reason));
	put_text(w.out, "rule", reason_rule((enum ha_reason)m->reason));
	put_number(w.out, "term", m->term);
	at(&w, "awake", m->awake);
	put_paths(&w, m);
	put_questions(&w, m);
	put_other(&w, m);
	part = object(&w, "handover");
	at(&part, "intent", m->handover.intent);
	at(&part, "acknowledged", m->handover.ack);
	at(&part, "resigned", m->handover.resigned);
	at(&part, "taking", m->handover.taking);
	part = object(&w, "lease");
	at(&part, "until", m->lease.until);
	at(&part, "released", m->lease.released);
	at(&part, "off", m->lease.off);
	at(&part, "on", m->lease.on);
	at(&part, "announced", m->lease.announced);
	return w.out;
}

/* Is a's the later change of the pair? Terms tell: whoever only noticed afterwards that it had been replaced did so in the
 * term of before. */
static bool later(const struct msg_account *a, const struct msg_account *b)
{
	bool active = a->to == HA_ACTIVE;

	if (a->decided == 0 || b->decided == 0)
		return a->decided != 0;
	if (a->term != b->term)
		return a->term > b->term;
	if (active != (b->to == HA_ACTIVE))
		return active;
	return a->decided >= b->decided;
}

/* Is the other's account a part of the same story? The one who gave up is; of an earlier holder, who has been replaced, this
 * is an earlier story, and so is what lies long before. */
static bool related(const struct msg_account *last, const struct msg_account *other)
{
	if (other->decided == 0)
		return false;
	if (other->from == HA_ACTIVE)
		return true;
	return other->to != HA_ACTIVE && other->decided >= last->decided - WHY_BEFORE_S * HA_SEC;
}

/* Has the agent of the other been restarted since it was last heard before? boot: its start by now. */
static bool restarted(const struct msg_account *last, uint64_t boot)
{
	return last->decided != 0 && last->peer.heard != 0 && boot > last->peer.boot;
}

/* From the last moment at which the earlier holder certainly served until the first announcement of the next: the clients
 * were without an answer for no longer than that. */
static json_t *gap(const struct why_view *view, const struct msg_account *took,
		   const struct msg_account *gave)
{
	struct writer w = {view, json_object()};
	bool given = related(took, gave) && gave->from == HA_ACTIVE && gave->term < took->term;
	bool off = given && gave->lease.off != 0 && gave->lease.off <= took->lease.announced;
	bool answered = !off && took->probe.answer == ACCOUNT_ANSWER_PEER &&
			took->probe.answered > took->peer.held;
	ha_time from = off ? gave->lease.off : answered ? took->probe.answered : took->peer.held;
	ha_time until = took->lease.announced;

	if (took->to != HA_ACTIVE || from == 0 || until == 0) {
		json_decref(w.out);
		return json_null();
	}
	at(&w, "from", from);
	put_text(w.out, "by",
		 off        ? "address off"
		 : answered ? "virtual IP answered"
			    : "last heard holding");
	at(&w, "until", until);
	put_ms(w.out, "at_most_ms", until > from ? until - from : 0);
	if (off && gave->handover.taking > gave->lease.released && gave->lease.released != 0)
		put_ms(w.out, "handover_ms", gave->handover.taking - gave->lease.released);
	else
		put(w.out, "handover_ms", json_null());
	return w.out;
}

/* What is known from before this start, too. */
static json_t *history(const struct dump_history *all)
{
	json_t *list = json_array();
	unsigned n = 0;

	for (unsigned i = all->n; i-- > 0 && n < WHY_HISTORY_N;) {
		const struct store_event *event = dump_history_at(all, i);

		if (event->event != EVENT_STATE || event->from == event->to)
			continue;
		json_array_insert_new(list, 0, dump_event(event));
		n++;
	}
	return list;
}

json_t *dump_why(const struct why_view *view)
{
	struct msg_account told = *view->peer;
	const struct msg_account *own = view->own, *peer = &told;
	bool ours = later(own, peer);
	const struct msg_account *last = ours ? own : peer, *other = ours ? peer : own;
	uint64_t boot = ours ? view->node->peer.boot : view->node->config.boot;
	struct writer w = {view, json_object()};

	account_align(&told, own);
	put_time(w.out, "time", view->realtime_ns);
	put_text(w.out, "host_name", view->own_name);
	put_text(w.out, "peer_name", view->peer_name);
	put_bool(w.out, "paired", view->node->config.paired);
	put_bool(w.out, "peer_heard", node_peer_audible(view->node, view->now));
	put_text(w.out, "state", ha_state_name(view->node->state));
	put_ms(w.out, "heartbeat_ms", view->node->config.timing.heartbeat);
	if (last->decided == 0)
		put(w.out, "change", json_null());
	else
		put_text(w.out, "change", ours ? "own" : "peer");
	put_bool(w.out, "related", last->decided != 0 && related(last, other));
	put_bool(w.out, "restarted", restarted(last, boot));
	put(w.out, "own", account(view, own));
	put(w.out, "peer", account(view, peer));
	put(w.out, "gap", last->decided != 0 ? gap(view, last, other) : json_null());
	put(w.out, "history", history(view->history));
	return w.out;
}
