/* render.c - the dump. */
#include "agent/render.h"

#include "agent/advice.h"

#include <stdint.h>
#include <string.h>

static void heading(const struct page *page, const char *title)
{
	fputc('\n', page->out);
	page_style(page, PAGE_TITLE);
	fputs(title, page->out);
	page_style(page, PAGE_PLAIN);
	fputc('\n', page->out);
}

static enum page_style style_if(bool condition, enum page_style style)
{
	return condition ? style : PAGE_PLAIN;
}

/* The moment without what is below a second. */
static struct cell second_of(const json_t *in, const char *key)
{
	struct cell time = cell_time(in, key);

	if (strlen(time.text) > strlen("2026-01-31 12:00:00"))
		time.text[strlen("2026-01-31 12:00:00")] = '\0';
	return time;
}

/* One sentence; then what is wrong, the most urgent first, each with what to do. */
static void render_advice(const struct page *page, const json_t *d)
{
	static const struct {
		const char *sentence, *head;
		enum page_style style;
	} levels[ADVICE_LEVEL_N] = {
		[ADVICE_REMARK] = {"Well, with remarks: ", "  - ", PAGE_GOOD},
		[ADVICE_IMPORTANT] = {"NOT WELL: ", "  * ", PAGE_WARN},
		[ADVICE_CRITICAL] = {"CRITICAL: ", "  ! ", PAGE_BAD},
	};
	struct cell sentence = advice_sentence(d);
	enum advice_level worst = ADVICE_REMARK;
	struct advice_list list;

	advice_of(d, &list);
	if (!advice_worst(&list, &worst)) {
		sentence = cell_of("All is well: %s", sentence.text);
		page_hang_styled(page, PAGE_GOOD, "", sentence.text);
		return;
	}
	sentence = cell_of("%s%s", levels[worst].sentence, sentence.text);
	page_hang_styled(page, levels[worst].style, "", sentence.text);
	for (unsigned i = 0; i < list.n; i++) {
		const struct advice *a = &list.a[i];

		page_hang_styled(page, style_if(a->level > ADVICE_REMARK, levels[a->level].style),
				 levels[a->level].head, a->what.text);
		if (i + 1 == list.n || !cell_is(&list.a[i + 1].remedy, a->remedy.text))
			page_hang(page, "    -> ", a->remedy.text);
	}
}

/* How the newest pair ended. */
static struct cell parting_of(const json_t *d)
{
	struct cell parting = cell_string(d, "parting");

	if (cell_is(&parting, "detached"))
		return cell_of("ended: detached by an operator");
	if (cell_is(&parting, "removed"))
		return cell_of("ended: the other appliance has removed this one");
	if (cell_is(&parting, "left"))
		return cell_of("ended: the other appliance was removed from here");
	return parting;
}

static void render_suspension(const struct page *page, const json_t *suspension)
{
	if (!page_is_true(suspension, "suspended"))
		return;
	if (!page_has(suspension, "left_s")) {
		page_line(page, "suspended", "until --resume: no takeover");
		return;
	}
	page_line(page, "suspended", "for %s, until %s UTC: no takeover",
		  cell_duration(suspension, "left_s", 1000000).text,
		  second_of(suspension, "until").text);
}

/* Who holds the virtual IP, as far as this appliance knows. */
static struct cell active_of(const json_t *d)
{
	const json_t *peer = json_object_get(d, "peer");
	struct cell role = cell_string(d, "role"), claim = cell_string(peer, "claim");

	if (cell_is(&role, "active"))
		return cell_of("this appliance");
	if (advice_peer_heard(d) && cell_is(&claim, "holding"))
		return cell_of("%s, at %s", cell_string(peer, "host_name").text,
			       cell_list(peer, "management_addresses", ", ").text);
	return cell_of("nobody that is known here");
}

static struct cell since_of(const json_t *d)
{
	struct cell age = cell_duration(d, "since_ms", 1000);

	return page_has(d, "since") ? cell_of("%s (%s UTC)", age.text, second_of(d, "since").text)
				    : age;
}

static void render_head(const struct page *page, const json_t *d)
{
	const json_t *timing = json_object_get(d, "timing");
	struct cell rule = cell_string(d, "rule"), why = cell_list(d, "degraded_reasons", "; ");
	struct cell role = cell_string(d, "role");

	heading(page, cell_of("%.60s (haagent %.10s)", cell_string(d, "host_name").text,
			      cell_string(d, "version").text)
			      .text);
	if (!cell_is_none(&role))
		page_line(page, "role", "%s", role.text);
	page_line_styled(page, style_if(page_is_true(d, "degraded"), PAGE_WARN), "state",
			 "%s%s, since %s",
			 cell_is(&role, "standalone") ? role.text : cell_string(d, "state").text,
			 page_is_true(d, "degraded") ? " (degraded)" : "", since_of(d).text);
	if (cell_is_none(&rule))
		page_line(page, "reason", "%s", cell_string(d, "reason").text);
	else
		page_line(page, "reason", "%s [%s]", cell_string(d, "reason").text, rule.text);
	if (!cell_is_none(&role) && !cell_is(&role, "standalone"))
		page_line(page, "active is", "%s", active_of(d).text);
	if (!cell_is_none(&why))
		page_line(page, "degraded", "%s", why.text);
	render_suspension(page, json_object_get(d, "suspension"));
	page_line(page, "set up as", "%s", cell_string(d, "mode").text);
	if (page_has(d, "parting"))
		page_line(page, "last pair", "%s", parting_of(d).text);
	page_line(page, "term", "%s", cell_integer(d, "term").text);
	page_line(page, "fingerprint", "%s", cell_string(d, "fingerprint").text);
	if (timing != NULL)
		page_line(page, "timing", "%s: heartbeat %s, dead after %s, confirm %s",
			  cell_string(timing, "name").text,
			  cell_duration(timing, "heartbeat_ms", 1000).text,
			  cell_duration(timing, "dead_ms", 1000).text,
			  cell_duration(timing, "confirm_ms", 1000).text);
}

static void render_vips(const struct page *page, const json_t *d)
{
	const json_t *all = json_object_get(d, "virtual_ip"), *one;
	size_t i;

	heading(page, "virtual IP");
	json_array_foreach(all, i, one)
		fprintf(page->out, "  %-40.60s %s\n", cell_string(one, "address").text,
			cell_choice(one, "held", "held", "not held").text);
	if (json_array_size(all) == 0)
		fprintf(page->out, "  none configured\n");
}

static void render_requirements(const struct page *page, const json_t *rows)
{
	struct render_count count = render_count(rows);
	const json_t *row;
	size_t i;

	if (json_array_size(rows) == 0)
		return;
	if (count.failed + count.unknown == 0)
		page_line(page, "requirements", "all met");
	else if (count.failed == 0)
		page_line(page, "requirements", "%u met, %u unknown", count.passed, count.unknown);
	else
		page_line_styled(page, PAGE_WARN, "requirements", "%u met, %u NOT MET, %u unknown",
				 count.passed, count.failed, count.unknown);
	json_array_foreach(rows, i, row)
	{
		struct cell result = cell_string(row, "result");

		if (cell_is(&result, "pass"))
			continue;
		page_line(page, "", "%s: %s (here %s, there %s)",
			  cell_string(row, page_has(row, "title") ? "title" : "name").text,
			  cell_is(&result, "fail") ? "FAIL" : result.text,
			  cell_string(row, "local").text, cell_string(row, "peer").text);
	}
}

static void render_registration(const struct page *page, const json_t *registration)
{
	struct cell reason = cell_string(registration, "reason");

	if (registration == NULL)
		return;
	if (page_is_true(registration, "allowed"))
		page_line(page, "registration", "allowed, as %s",
			  cell_list(registration, "addresses", ", ").text);
	else if (cell_is_none(&reason))
		page_line(page, "registration", "not allowed");
	else
		page_line(page, "registration", "not allowed: %s", reason.text);
}

static void render_takeover(const struct page *page, const json_t *d)
{
	const json_t *takeover = json_object_get(d, "takeover");

	heading(page, "redundancy");
	if (page_is_true(takeover, "ready"))
		page_line_styled(page, PAGE_GOOD, "takeover", "ready");
	else
		page_line_styled(page, PAGE_WARN, "takeover", "NOT READY: %s",
				 cell_list(takeover, "reasons", "; ").text);
	render_sync(page, json_object_get(d, "sync"));
	render_requirements(page, json_object_get(d, "requirements"));
	render_registration(page, json_object_get(d, "registration"));
}

static void render_peer(const struct page *page, const json_t *peer, bool heard)
{
	struct cell reason = cell_string(peer, "reason"),
		    why_not = cell_list(peer, "why_not", "; ");

	heading(page, heard || !page_has(peer, "state")
			      ? "peer"
			      : "peer (not heard now; this is how it was)");
	if (json_object_size(peer) == 0) {
		fprintf(page->out, "  none\n");
		return;
	}
	page_line(page, "name", "%s", cell_string(peer, "host_name").text);
	if (page_has(peer, "role"))
		page_line(page, "role", "%s", cell_string(peer, "role").text);
	if (!page_has(peer, "state"))
		page_line(page, "state", "not heard since this agent started");
	else if (cell_is_none(&reason))
		page_line(page, "state", "%s", cell_string(peer, "state").text);
	else
		page_line(page, "state", "%s: %s", cell_string(peer, "state").text, reason.text);
	page_line(page, "set up as", "%s", cell_string(peer, "mode").text);
	page_line(page, "virtual IP", "%s", cell_string(peer, "claim").text);
	if (page_is_true(peer, "ready"))
		page_line(page, "takeover", "ready");
	else if (cell_is_none(&why_not))
		page_line(page, "takeover", "-");
	else
		page_line(page, "takeover", "not ready: %s", why_not.text);
	page_line(page, "addresses", "%s", cell_list(peer, "management_addresses", ", ").text);
	page_line(page, "fingerprint", "%s", cell_string(peer, "fingerprint").text);
	if (page_has(peer, "last_heard_ms"))
		page_line(page, "last heard", "%s ago, in start %s of its agent",
			  cell_duration(peer, "last_heard_ms", 1000).text,
			  cell_integer(peer, "boot").text);
	else
		page_line(page, "last heard", "-");
}

/* A measurement is 0 as long as there is none. */
static struct cell measured(const json_t *in, const char *key, long long unit_us)
{
	return json_number_value(json_object_get(in, key)) != 0 ? cell_duration(in, key, unit_us)
								: cell_of("-");
}

/* "12 (0.1 %)": of those that the peer has sent. */
static struct cell lost_of(const json_t *path)
{
	double lost = json_number_value(json_object_get(path, "heartbeats_lost"));
	double all = lost + json_number_value(json_object_get(path, "heartbeats_received"));

	if (!page_has(path, "heartbeats_lost"))
		return cell_of("-");
	if (lost <= 0 || all <= 0)
		return cell_of("none");
	return cell_of("%.0f (%.*f %%)", lost, lost / all < 0.1 ? 2 : 0, lost / all * 100);
}

enum {
	ROW_CELLS = 6,
};

/* A row of 80 columns at most, whatever the cells are; the last ones may be NULL. */
static void row(const struct page *page, enum page_style style, const char *const cell[ROW_CELLS])
{
	page_style(page, style);
	fprintf(page->out, "%-12.12s", cell[0]);
	for (unsigned i = 1; i < ROW_CELLS && cell[i] != NULL; i++)
		fprintf(page->out, i == 1 ? " %15.15s" : " %12.12s", cell[i]);
	page_style(page, PAGE_PLAIN);
	fputc('\n', page->out);
}

#define ROW(style, ...) row(page, style, (const char *const[ROW_CELLS]){__VA_ARGS__})

static struct cell path_head(const json_t *path)
{
	return cell_of("  %s", cell_string(path, "name").text);
}

static void render_paths(const struct page *page, const json_t *d)
{
	struct cell dead = cell_duration(json_object_get(d, "timing"), "dead_ms", 1000);
	const json_t *paths = json_object_get(d, "paths"), *p;
	size_t i;

	if (json_array_size(paths) == 0)
		return;
	fputc('\n', page->out);
	ROW(PAGE_TITLE, "paths", "interface", "state", "carrier", "session");
	json_array_foreach(paths, i, p)
	{
		struct cell state = cell_string(p, "state");

		ROW(style_if(cell_is(&state, "silent"), PAGE_WARN), path_head(p).text,
		    cell_string(p, "interface").text, state.text,
		    cell_choice(p, "carrier", "yes", "NO").text,
		    cell_duration(p, "session_age_s", 1000000).text);
	}
	ROW(PAGE_TITLE, "heartbeats", "sent", "received", "lost");
	json_array_foreach(paths, i, p)
	{
		ROW(PAGE_PLAIN, path_head(p).text, cell_count(p, "heartbeats_sent").text,
		    cell_count(p, "heartbeats_received").text, lost_of(p).text);
	}
	ROW(PAGE_TITLE, "times", "round trip", "worst of it", "worst gap", "dead after", "margin");
	json_array_foreach(paths, i, p)
	{
		ROW(PAGE_PLAIN, path_head(p).text, measured(p, "rtt_us", 1).text,
		    measured(p, "rtt_worst_us", 1).text, measured(p, "worst_gap_ms", 1000).text,
		    dead.text, cell_duration(p, "margin_ms", 1000).text);
	}
}

static void render_witness(const struct page *page, const json_t *w)
{
	const json_t *station;
	size_t i;

	if (w == NULL)
		return;
	heading(page, "witness");
	page_line(page, "policy", "%s", cell_string(w, "policy").text);
	if (page_has(w, "evidence_ms"))
		page_line(page, "segment heard", "%s ago",
			  cell_duration(w, "evidence_ms", 1000).text);
	else
		page_line(page, "segment heard", "never");
	json_array_foreach(json_object_get(w, "stations"), i, station)
		page_line(page, i == 0 ? "stations" : "", "%-30s %-18s %s",
			  cell_string(station, "address").text, cell_string(station, "mac").text,
			  cell_choice(station, "answered", "answered", "unanswered").text);
}

struct cell render_outcome(const json_t *in, const char *key)
{
	struct cell outcome = cell_string(in, key);
	int32_t status = (int32_t)json_integer_value(json_object_get(in, "status"));
	struct cell took = cell_duration(in, "took_ms", 1000);

	if (cell_is_none(&outcome) || cell_is(&outcome, "none"))
		return cell_of("-");
	if (status > 0)
		outcome = cell_of("%s (status %d)", outcome.text, status);
	else if (status < 0 && cell_is(&outcome, "failed"))
		outcome = cell_of("%s (signal %u)", outcome.text, 0U - (uint32_t)status);
	else if (status < 0 && status > -4096) /* an error of the system */
		outcome = cell_of("%s (%s)", outcome.text, strerror(-status));
	return cell_is_none(&took) ? outcome : cell_of("%s in %s", outcome.text, took.text);
}

static void render_checks(const struct page *page, const json_t *checks)
{
	const json_t *check;
	size_t i;

	if (json_array_size(checks) == 0)
		return;
	heading(page, "checks");
	json_array_foreach(checks, i, check)
	{
		struct cell last = render_outcome(check, "last"), text;
		bool down = page_is_true(check, "failed") || page_is_true(check, "failing");

		text = cell_of("%s%s", cell_string(check, "state").text,
			       page_is_true(check, "failed") ? ", beyond recovery"
			       : down                        ? ", DOWN"
							     : "");
		if (!cell_is_none(&last))
			text = cell_of("%s; last run %s; %s of %s runs failed", text.text,
				       last.text, cell_integer(check, "bad").text,
				       cell_integer(check, "runs").text);
		if (json_integer_value(json_object_get(check, "attempts")) != 0)
			text = cell_of("%s; attempts at recovery: %s", text.text,
				       cell_integer(check, "attempts").text);
		page_line_styled(page, style_if(down, PAGE_WARN), cell_string(check, "name").text,
				 "%s", text.text);
	}
}

static void render_hooks(const struct page *page, const json_t *hooks)
{
	const json_t *hook;
	size_t i;

	if (json_array_size(hooks) == 0)
		return;
	heading(page, "hooks");
	json_array_foreach(hooks, i, hook)
	{
		struct cell text = render_outcome(hook, "outcome"),
			    output = cell_string(hook, "output");

		if (cell_is_none(&text))
			text = cell_of("has not run");
		else if (!cell_is_none(&output))
			text = cell_of("%s: %s", text.text, output.text);
		page_line(page, cell_string(hook, "name").text, "%s", text.text);
	}
}

/* Appliances that speak the protocol and are no members. */
static void render_strangers(const struct page *page, const json_t *strangers)
{
	const json_t *stranger;
	size_t i;

	if (json_array_size(strangers) == 0)
		return;
	heading(page, "strangers");
	json_array_foreach(strangers, i, stranger)
	{
		page_line(page, cell_string(stranger, "name").text, "%s; heard %s ago",
			  cell_string(stranger, "why").text,
			  cell_duration(stranger, "last_heard_ms", 1000).text);
		page_line(page, "", "%s", cell_string(stranger, "fingerprint").text);
	}
}

static void render_health(const struct page *page, const json_t *d)
{
	bool idle = json_array_size(json_object_get(d, "virtual_ip")) == 0; /* nothing to fence */
	const json_t *g = json_object_get(d, "guardian"), *late = json_object_get(d, "lateness_us");

	heading(page, "agent");
	if (g != NULL) {
		page_line(page, "guardian", "fence %s, real-time %s, memory %s",
			  cell_choice(g, "fence", "on", idle ? "not needed" : "OFF").text,
			  cell_choice(g, "realtime", "on", "OFF").text,
			  cell_choice(g, "locked", "locked", "NOT LOCKED").text);
		page_line(page, "starts", "engine %s, steward %s; addresses put back %s",
			  cell_integer(g, "engine_starts").text,
			  cell_integer(g, "steward_starts").text, cell_integer(g, "restored").text);
	}
	if (late != NULL)
		page_line(page, "lateness", "worst %s, last %s",
			  cell_duration(late, "worst", 1).text,
			  cell_duration(late, "last", 1).text);
}

/* Those that have counted anything. */
static void render_counters(const struct page *page, json_t *counters)
{
	const char *name;
	json_t *value;
	bool any = false;

	json_object_foreach(counters, name, value)
	{
		if (json_number_value(value) == 0)
			continue;
		if (!any)
			heading(page, "counters");
		any = true;
		fprintf(page->out, "  %-40.50s %12.0f\n", cell_of("%s", name).text,
			json_number_value(value));
	}
}

void render_dump(const struct page *page, const json_t *data)
{
	render_advice(page, data);
	render_head(page, data);
	render_vips(page, data);
	render_takeover(page, data);
	render_peer(page, json_object_get(data, "peer"), advice_peer_heard(data));
	render_strangers(page, json_object_get(data, "strangers"));
	render_checks(page, json_object_get(data, "checks"));
	render_hooks(page, json_object_get(data, "hooks"));
	render_paths(page, data);
	render_witness(page, json_object_get(data, "witness"));
	render_health(page, data);
	(void)render_config(page, json_object_get(data, "configuration"));
	render_counters(page, json_object_get(data, "counters"));
	if (json_array_size(json_object_get(data, "history")) > 0) {
		fputc('\n', page->out);
		render_history(page, data);
	}
}
