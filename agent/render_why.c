/* render_why.c - how the last change of role came about: one sentence, then what either node has observed in the order of
 * time, each with its distance to the decision.
 */
#include "agent/render.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	FACTS_MAX = 64,
	NAME_MAX_COLUMNS = 12,
	STILL_BEATS = 3, /* a node steps with every heartbeat: who took so many did not run */
};

struct fact {
	long long us; /* of the wall clock */
	const char *who;
	struct cell text;
};

struct chain {
	unsigned n;
	struct fact fact[FACTS_MAX];
};

/* One node's side. */
struct side {
	const json_t *account;
	const char *who, *other; /* names */
	struct cell rule, reason;
	long long decided;
	double heartbeat_ms;
};

/* "2026-01-31T12:00:00.123456Z" as microseconds; 0: there is none. */
static long long time_of(const json_t *in, const char *key)
{
	const char *text = json_string_value(json_object_get(in, key)), *rest = NULL;
	struct tm tm = {0};
	char *end = NULL;
	long us;

	if (text != NULL)
		rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest == NULL || *rest != '.')
		return 0;
	us = strtol(rest + 1, &end, 10);
	if (end != rest + 7 || us < 0)
		return 0;
	return (long long)timegm(&tm) * 1000000 + us;
}

static void add(struct chain *chain, const struct side *side, long long us, struct cell text)
{
	if (us == 0 || chain->n == FACTS_MAX)
		return;
	chain->fact[chain->n++] = (struct fact){us, side->who, text};
}

static const json_t *part(const struct side *side, const char *key)
{
	return json_object_get(side->account, key);
}

static bool gave_up(const struct side *side)
{
	struct cell from = cell_string(side->account, "from");

	return cell_is(&from, "active");
}

static bool took(const struct side *side)
{
	struct cell to = cell_string(side->account, "to");

	return cell_is(&to, "active");
}

/* Of silence: by T2 and T3 the other had fallen silent, by Y2 everybody. */
static bool is_silence(const struct side *side)
{
	return cell_is(&side->rule, "T2") || cell_is(&side->rule, "T3") ||
	       cell_is(&side->rule, "Y2");
}

static void add_paths(struct chain *chain, const struct side *side)
{
	const json_t *path;
	size_t i;

	json_array_foreach(part(side, "paths"), i, path)
	{
		struct cell name = cell_string(path, "name"), missed = cell_integer(path, "missed");
		bool none = cell_is(&missed, "0");

		if (is_silence(side) || !none)
			add(chain, side, time_of(path, "heard"),
			    none ? cell_of("last frame of %s on %s", side->other, name.text)
				 : cell_of("last frame of %s on %s: %s missed after it",
					   side->other, name.text, missed.text));
		if (page_has(path, "carrier") && !page_is_true(path, "carrier"))
			add(chain, side, time_of(path, "carrier_since"),
			    cell_of("no carrier on %s", name.text));
	}
}

static void add_solicit(struct chain *chain, const struct side *side)
{
	const json_t *solicit = part(side, "solicit");

	add(chain, side, time_of(solicit, "since"),
	    page_is_true(solicit, "answered")
		    ? cell_of("%s asked whether it lives: it answered", side->other)
		    : cell_of("%s asked whether it lives, %s times: no answer", side->other,
			      cell_integer(solicit, "sent").text));
}

static void add_probes(struct chain *chain, const struct side *side)
{
	const json_t *probe = part(side, "probe");
	long long first = time_of(probe, "first"), last = time_of(probe, "last");
	struct cell by = cell_string(probe, "answered_by");
	const char *who = cell_is(&by, "peer") ? side->other : "another station";

	add(chain, side, time_of(probe, "answered"), cell_of("virtual IP answered by %s", who));
	add(chain, side, first, cell_of("virtual IP probed, round 1"));
	if (last != first)
		add(chain, side, last,
		    cell_of("virtual IP probed, round %s: no answer",
			    cell_integer(probe, "rounds").text));
}

static void add_witness(struct chain *chain, const struct side *side)
{
	const json_t *witness = part(side, "witness");
	long long evidence = time_of(witness, "evidence"), asked = time_of(witness, "asked");
	long long unanswered = time_of(witness, "unanswered_since");
	bool silent = unanswered != 0 &&
		      (double)(side->decided - unanswered) / 1000 >= side->heartbeat_ms;
	struct cell station = cell_string(witness, "station"), text;
	char before[PAGE_TIME_MAX];

	if (!is_silence(side) && !cell_is(&side->rule, "T5") && !silent)
		return;
	page_duration(before, evidence - asked);
	if (cell_is_none(&station))
		text = cell_of("the segment was heard");
	else if (asked == 0 || evidence - asked > 1000000)
		text = cell_of("the segment was heard: %s", station.text);
	else
		text = cell_of("the segment was heard: %s %s answered, asked %s before",
			       page_is_true(witness, "configured") ? "witness" : "learned station",
			       station.text, before);
	add(chain, side, evidence, text);
	if (silent)
		add(chain, side, unanswered,
		    cell_of("the segment was asked, and nobody has answered since"));
}

static void add_other(struct chain *chain, const struct side *side)
{
	const json_t *other = part(side, "other");
	struct cell state = cell_string(other, "state"), claim = cell_string(other, "claim");
	struct cell why_not = cell_list(other, "why_not", ", ");
	bool active = cell_is(&state, "active");

	if (!cell_is(&claim, "none"))
		state = cell_of("%s, %s the virtual IP", state.text,
				cell_is(&claim, "resigned") ? "gave up" : claim.text);
	if (page_is_true(other, "leaving"))
		state = cell_of("%s, shutting down", state.text);
	else if (!active && !cell_is_none(&why_not))
		state = cell_of("%s, not ready (%s)", state.text, why_not.text);
	add(chain, side, time_of(other, "heard"),
	    cell_of("last word of %s: %s", side->other, state.text));
}

static void add_handover(struct chain *chain, const struct side *side)
{
	const json_t *handover = part(side, "handover");

	if (gave_up(side)) {
		add(chain, side, time_of(handover, "intent"),
		    cell_of("asked %s to take over", side->other));
		add(chain, side, time_of(handover, "acknowledged"),
		    cell_of("%s is ready; gives the virtual IP up", side->other));
		add(chain, side, time_of(handover, "taking"),
		    cell_of("%s heard taking it", side->other));
	} else {
		add(chain, side, time_of(handover, "acknowledged"),
		    cell_of("asked by %s to take over: ready", side->other));
	}
}

static void add_lease(struct chain *chain, const struct side *side)
{
	const json_t *lease = part(side, "lease");
	long long until = time_of(lease, "until"), off = time_of(lease, "off");

	if (until != 0 && (off == 0 || until < off))
		add(chain, side, until, cell_of("lease over: silent from here on in any case"));
	if (!page_has(part(side, "handover"), "acknowledged"))
		add(chain, side, time_of(lease, "released"), cell_of("gives the virtual IP up"));
	add(chain, side, off, cell_of("virtual IP off the interface"));
	add(chain, side, time_of(lease, "on"), cell_of("virtual IP on the interface"));
	add(chain, side, time_of(lease, "announced"), cell_of("virtual IP announced"));
}

static struct cell reason_of(const struct side *side)
{
	return cell_is_none(&side->rule) ? side->reason
					 : cell_of("%s [%s]", side->reason.text, side->rule.text);
}

static void add_side(struct chain *chain, const struct side *side)
{
	long long awake = time_of(side->account, "awake");
	double still_ms = (double)(side->decided - awake) / 1000;

	if (side->account == NULL)
		return;
	if (still_ms > STILL_BEATS * side->heartbeat_ms)
		add(chain, side, awake, cell_of("stood still from here, for %.1f ms", still_ms));
	add_paths(chain, side);
	add_other(chain, side);
	add_solicit(chain, side);
	add_probes(chain, side);
	add_witness(chain, side);
	add_handover(chain, side);
	add(chain, side, side->decided,
	    cell_of("%s -> %s: %s", cell_string(side->account, "from").text,
		    cell_string(side->account, "to").text, reason_of(side).text));
	add_lease(chain, side);
}

static void sort(struct chain *chain)
{
	for (unsigned i = 1; i < chain->n; i++) {
		struct fact fact = chain->fact[i];
		unsigned to = i;

		for (; to > 0 && chain->fact[to - 1].us > fact.us; to--)
			chain->fact[to] = chain->fact[to - 1];
		chain->fact[to] = fact;
	}
}

/* Milliseconds to the decision; what is far from it in larger units. */
static struct cell distance(long long us)
{
	char text[PAGE_TIME_MAX];

	if (llabs(us) < 100000000)
		return cell_of("%+.3f ms", (double)us / 1000);
	page_duration(text, llabs(us));
	return cell_of("%c%s", us < 0 ? '-' : '+', text);
}

static void render_chain(const struct page *page, const struct chain *chain, long long decided)
{
	for (unsigned i = 0; i < chain->n; i++) {
		const struct fact *fact = &chain->fact[i];
		struct cell head = cell_of("%14s  %-*s  ", distance(fact->us - decided).text,
					   NAME_MAX_COLUMNS, fact->who);

		page_hang(page, head.text, fact->text.text);
	}
}

static struct cell moment(const json_t *account)
{
	struct cell time = cell_time(account, "decided");

	if (strlen(time.text) == strlen("2026-01-31 12:00:00.123456"))
		time.text[strlen("2026-01-31 12:00:00.123")] = '\0';
	return time;
}

static void render_sentence(const struct page *page, const json_t *data, const struct side *last)
{
	struct cell given = cell_string(json_object_get(last->account, "other"), "reason");
	bool handed = cell_is(&last->rule, "T1") && took(last) && !cell_is_none(&given);
	char ago[PAGE_TIME_MAX];

	page_duration(ago, time_of(data, "time") - last->decided);
	page_hang(page, "",
		  cell_of("%s became %s at %s UTC, %s ago, in term %s: %s%s%s%s.", last->who,
			  cell_string(last->account, "to").text, moment(last->account).text, ago,
			  cell_integer(last->account, "term").text, reason_of(last).text,
			  handed ? " (" : "", handed ? given.text : "", handed ? ")" : "")
			  .text);
}

/* The times of one's own clock are exact; what the other has seen is off by what its fastest frame took. */
static void render_gap(const struct page *page, const json_t *gap, const struct side *last,
		       const struct side *other)
{
	struct cell by = cell_string(gap, "by");

	if (!json_is_object(gap)) {
		if (took(last))
			page_hang(page, "",
				  "When the clients were last served before that is not known.");
		return;
	}
	page_hang(page, "",
		  cell_of("Clients were without an answer for at most %s: from %s until %s "
			  "announced the virtual IP.",
			  cell_duration(gap, "at_most_ms", 1000).text,
			  cell_is(&by, "address off")
				  ? cell_of("the moment %s had taken it off", last->other).text
			  : cell_is(&by, "virtual IP answered")
				  ? cell_of("its last answer by %s", last->other).text
				  : cell_of("the last word of %s as its holder", last->other).text,
			  last->who)
			  .text);
	if (page_has(gap, "handover_ms"))
		page_hang(page, "",
			  cell_of("As %s measured it, the handover took %s: from giving the "
				  "virtual IP up until %s was heard taking it.",
				  other->who, cell_duration(gap, "handover_ms", 1000).text,
				  other->other)
				  .text);
}

/* What is to be known about the other's side of it. */
static void render_peer(const struct page *page, const json_t *data, const char *peer)
{
	bool told = page_has(data, "peer");

	if (!page_is_true(data, "paired"))
		return;
	if (!page_is_true(data, "peer_heard"))
		page_hang(page, "",
			  cell_of("%s is not heard now; %s.", peer,
				  told ? "what is said of its side is what it told last"
				       : "its side of this is not known")
				  .text);
	else if (!told)
		page_hang(page, "",
			  cell_of("%s has not told its side of this: its agent has seen no change "
				  "of role since it started, or is older.",
				  peer)
				  .text);
}

static void render_nothing(const struct page *page, const json_t *data)
{
	fprintf(page->out, "No change of role is known of this start of the agent.\n");
	if (json_array_size(json_object_get(data, "history")) == 0)
		return;
	fprintf(page->out, "\nWhat was before, without its causes: ");
	render_history(page, data);
}

static struct side side_of(const json_t *data, const char *key, const char *who, const char *other)
{
	const json_t *account = json_object_get(data, key);

	return (struct side){
		.account = json_is_object(account) ? account : NULL,
		.who = who,
		.other = other,
		.rule = cell_string(account, "rule"),
		.reason = cell_string(account, "reason"),
		.decided = time_of(account, "decided"),
		.heartbeat_ms = json_number_value(json_object_get(data, "heartbeat_ms")),
	};
}

/* Names that tell the two apart, and fit the column. */
static void names_of(const json_t *data, struct cell *own, struct cell *peer)
{
	*own = cell_string(data, "host_name");
	*peer = cell_string(data, "peer_name");
	if (!cell_is_none(own) && !cell_is(own, peer->text) &&
	    page_columns(own->text, strlen(own->text)) <= NAME_MAX_COLUMNS &&
	    page_columns(peer->text, strlen(peer->text)) <= NAME_MAX_COLUMNS) {
		if (cell_is_none(peer))
			*peer = cell_of("the peer");
		return;
	}
	*own = cell_of("this node");
	*peer = cell_of("the peer");
}

void render_why(const struct page *page, const json_t *data)
{
	struct cell own_name, peer_name, change = cell_string(data, "change");
	struct side own, peer, *last, *other;
	struct chain chain = {0};

	names_of(data, &own_name, &peer_name);
	own = side_of(data, "own", own_name.text, peer_name.text);
	peer = side_of(data, "peer", peer_name.text, own_name.text);
	last = cell_is(&change, "peer") ? &peer : &own;
	other = last == &own ? &peer : &own;
	if (last->account == NULL) {
		render_nothing(page, data);
		render_peer(page, data, peer_name.text);
		return;
	}
	render_sentence(page, data, last);
	fputc('\n', page->out);
	add_side(&chain, last);
	if (page_is_true(data, "related"))
		add_side(&chain, other);
	sort(&chain);
	render_chain(page, &chain, last->decided);
	fputc('\n', page->out);
	render_gap(page, json_object_get(data, "gap"), last, other);
	if (page_is_true(data, "restarted"))
		page_hang(page, "",
			  cell_of("The agent of %s has been restarted since.", other->who).text);
	render_peer(page, data, peer_name.text);
}
