/* render_metrics.c - see render_metrics.h. */
#include "agent/render_metrics.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/advice.h"
#include "agent/dump_sync.h"
#include "agent/page.h"
#include "proto/drop.h"
#include "proto/node.h"
#include "proto/types.h"

enum kind {
	GAUGE,
	COUNTER, /* its samples end in _total */
	INFO,    /* ... in _info, and are 1 */
};

/* name without what its kind and its format add to it, and with its unit; unit may be NULL. */
struct family {
	const char *name;
	enum kind kind;
	const char *unit, *help;
};

struct metrics {
	FILE *out;
	bool open;                  /* OpenMetrics */
	const struct family *begun; /* its head is written */
};

/* What is in the labels comes from the peer, too: no terminal acts on it, and no parser stumbles. */
static void put_value(const struct metrics *m, const char *text)
{
	struct cell clean = cell_of("%s", text);

	for (const char *at = clean.text; *at != '\0'; at++) {
		if (*at == '\\' || *at == '"')
			fputc('\\', m->out);
		fputc(*at, m->out);
	}
}

static void begin(struct metrics *m, const struct family *family)
{
	static const char *const suffix[] = {[GAUGE] = "", [COUNTER] = "_total", [INFO] = "_info"};
	static const char *const type[] = {
		[GAUGE] = "gauge", [COUNTER] = "counter", [INFO] = "info"};
	const char *added = m->open ? "" : suffix[family->kind];

	if (m->begun == family)
		return;
	m->begun = family;
	fprintf(m->out, "# HELP haagent_%s%s %s\n", family->name, added, family->help);
	fprintf(m->out, "# TYPE haagent_%s%s %s\n", family->name, added,
		m->open ? type[family->kind] : type[family->kind == INFO ? GAUGE : family->kind]);
	if (m->open && family->unit != NULL)
		fprintf(m->out, "# UNIT haagent_%s %s\n", family->name, family->unit);
}

struct label {
	const char *name, *value;
};

enum {
	LABELS_MAX = 6,
};

#define LABELS(...) ((const struct label[LABELS_MAX]){__VA_ARGS__})
#define NO_LABELS   LABELS({NULL, NULL})

static void sample(struct metrics *m, const struct family *family, const struct label *label,
		   double value)
{
	const char *between = "{";

	begin(m, family);
	fprintf(m->out, "haagent_%s%s", family->name,
		family->kind == COUNTER ? "_total"
		: family->kind == INFO  ? "_info"
					: "");
	for (unsigned i = 0; i < LABELS_MAX && label[i].name != NULL; i++) {
		fprintf(m->out, "%s%s=\"", between, label[i].name);
		put_value(m, label[i].value);
		fputc('"', m->out);
		between = ",";
	}
	fprintf(m->out, "%s %.15g\n", *between == ',' ? "}" : "", value);
}

/* Numbers and truth values; anything else is no sample. */
static void sample_key(struct metrics *m, const struct family *family, const struct label *label,
		       const json_t *in, const char *key, double scale)
{
	const json_t *value = json_object_get(in, key);

	if (json_is_boolean(value))
		sample(m, family, label, json_is_true(value));
	else if (json_is_number(value))
		sample(m, family, label, json_number_value(value) * scale);
}

/* "2026-01-31T12:00:00.123456Z" */
static void sample_time(struct metrics *m, const struct family *family, const json_t *in,
			const char *key)
{
	const char *text = json_string_value(json_object_get(in, key));
	struct tm tm = {0};
	const char *rest = text != NULL ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	double part = 0; /* of a second */

	if (rest == NULL)
		return;
	if (*rest == '.')
		part = strtod(rest, NULL);
	sample(m, family, NO_LABELS, (double)timegm(&tm) + part);
}

static bool is_text(const json_t *in, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(in, key));

	return value != NULL && strcmp(value, text) == 0;
}

/* ---- what has one value ---- */

struct single {
	struct family family;
	const char *object; /* in the dump; NULL: the dump itself */
	const char *key;
	double scale;
};

static void singles(struct metrics *m, const json_t *d, const struct single *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const json_t *in = all[i].object != NULL ? json_object_get(d, all[i].object) : d;

		sample_key(m, &all[i].family, NO_LABELS, in, all[i].key, all[i].scale);
	}
}

#define SINGLES(m, d, table) singles(m, d, table, sizeof(table) / sizeof(*(table)))

static const struct single own[] = {
	{{"degraded", GAUGE, NULL, "1 while the pair, or this appliance, is up but not whole."},
	 NULL,
	 "degraded",
	 1},
	{{"term", GAUGE, NULL, "Newest term of the cluster: rises with each takeover."},
	 NULL,
	 "term",
	 1},
	{{"state_changes", COUNTER, NULL, "Changes of this appliance's state since its start."},
	 "counters",
	 "state_changes",
	 1},
	{{"takeover_ready", GAUGE, NULL,
	  "1 if the appliance that is not active could take over now."},
	 "takeover",
	 "ready",
	 1},
	{{"suspended", GAUGE, NULL, "1 while an operator has suspended takeovers."},
	 "suspension",
	 "suspended",
	 1},
	{{"suspension_left_seconds", GAUGE, "seconds",
	  "Until the suspension ends by itself; absent if it does not."},
	 "suspension",
	 "left_s",
	 1},
	{{"heartbeat_interval_seconds", GAUGE, "seconds", "Time between two heartbeats."},
	 "timing",
	 "heartbeat_ms",
	 1e-3},
	{{"dead_interval_seconds", GAUGE, "seconds",
	  "Silence after which a path counts as silent."},
	 "timing",
	 "dead_ms",
	 1e-3},
	{{"segment_heard_age_seconds", GAUGE, "seconds",
	  "Since another station was last heard on the management segment."},
	 "witness",
	 "evidence_ms",
	 1e-3},
	{{"peer_heard_age_seconds", GAUGE, "seconds",
	  "Since the other appliance was last heard on any path."},
	 "peer",
	 "last_heard_ms",
	 1e-3},
};

static const struct single sync_all[] = {
	{{"sync_lag_generations", GAUGE, NULL,
	  "Generations of the settings that the passive is behind."},
	 "sync",
	 "lag",
	 1},
	{{"sync_lag_bytes", GAUGE, "bytes", "Bytes of settings that the passive is behind."},
	 "sync",
	 "lag_bytes",
	 1},
	{{"sync_copied_bytes", GAUGE, "bytes", "Of the newest copy: fetched so far."},
	 "sync",
	 "bytes",
	 1},
	{{"sync_to_copy_bytes", GAUGE, "bytes", "Of the newest copy: to be fetched in all."},
	 "sync",
	 "bytes_total",
	 1},
	{{"sync_entries", GAUGE, NULL, "Files, directories and links that are synced."},
	 "sync",
	 "entries",
	 1},
	{{"sync_tree_bytes", GAUGE, "bytes", "Size of the files that are synced."},
	 "sync",
	 "tree_bytes",
	 1},
	{{"sync_unreadable_entries", GAUGE, NULL, "Settings that cannot be read."},
	 "sync",
	 "unreadable",
	 1},
	{{"sync_skipped_entries", GAUGE, NULL, "Sockets, devices and the like in the settings."},
	 "sync",
	 "skipped",
	 1},
	{{"sync_conflict_files", GAUGE, NULL, "Files kept aside after a conflict."},
	 "sync",
	 "conflicts",
	 1},
	{{"sync_memory_bytes", GAUGE, "bytes", "Memory that the index of the settings takes."},
	 "sync",
	 "memory_bytes",
	 1},
};

static const struct single stream[] = {
	{{"sync_stream_sent_bytes", COUNTER, "bytes", "Sent on the stream of the settings."},
	 NULL,
	 "bytes_sent",
	 1},
	{{"sync_stream_received_bytes", COUNTER, "bytes",
	  "Received on the stream of the settings."},
	 NULL,
	 "bytes_received",
	 1},
	{{"sync_stream_repeats", COUNTER, NULL, "Frames of that stream that were sent again."},
	 NULL,
	 "repeats",
	 1},
};

static const struct single agent[] = {
	{{"fence_active", GAUGE, NULL, "1 if the kernel fences the virtual IP."},
	 "guardian",
	 "fence",
	 1},
	{{"realtime_active", GAUGE, NULL, "1 if real-time scheduling was granted."},
	 "guardian",
	 "realtime",
	 1},
	{{"memory_locked", GAUGE, NULL, "1 if its memory is locked."}, "guardian", "locked", 1},
	{{"addresses_restored", COUNTER, NULL,
	  "Virtual IP addresses that somebody removed and the agent put back."},
	 "guardian",
	 "restored",
	 1},
	{{"timer_lateness_worst_seconds", GAUGE, "seconds",
	  "Latest that a timer was served within the last one or two minutes."},
	 "lateness_us",
	 "worst",
	 1e-6},
	{{"timer_lateness_last_seconds", GAUGE, "seconds", "How late the newest timer was."},
	 "lateness_us",
	 "last",
	 1e-6},
	{{"ipc_errors", COUNTER, NULL, "Messages between its processes that were lost."},
	 "counters",
	 "ipc_errors",
	 1},
	{{"floods", COUNTER, NULL, "Times that frames came faster than they were read."},
	 "counters",
	 "floods",
	 1},
};

/* ---- what is one of several ---- */

static void state_of(struct metrics *m, const json_t *d)
{
	static const struct family role = {"role", GAUGE, NULL,
					   "1 for the role that this appliance has."};
	static const struct family state = {"state", GAUGE, NULL,
					    "1 for the state that this appliance is in."};

	for (unsigned i = 0; i < ROLE_N; i++) {
		const char *name = node_role_name((enum node_role)i);

		sample(m, &role, LABELS({"role", name}), is_text(d, "role", name));
	}
	for (unsigned i = 0; i < HA_STATE_N; i++) {
		const char *name = ha_state_name((enum ha_state)i);

		sample(m, &state, LABELS({"state", name}), is_text(d, "state", name));
	}
}

static bool has_code(const json_t *d, const char *code)
{
	const json_t *codes = json_object_get(json_object_get(d, "takeover"), "codes"), *one;
	size_t i;

	json_array_foreach(codes, i, one)
	{
		if (json_is_string(one) && strcmp(json_string_value(one), code) == 0)
			return true;
	}
	return false;
}

static void obstacles(struct metrics *m, const json_t *d)
{
	static const struct family family = {"takeover_obstacle", GAUGE, NULL,
					     "1 for each reason why no takeover is possible now."};
	static const char *const more[] = {"not_paired", "not_heard", "not_passive"};

	for (unsigned bit = 1; bit <= WHY_NOT_ALL; bit <<= 1) {
		const char *name = node_why_not_name((enum msg_why_not)bit);

		sample(m, &family, LABELS({"reason", name}), has_code(d, name));
	}
	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
		sample(m, &family, LABELS({"reason", more[i]}), has_code(d, more[i]));
}

static void problems(struct metrics *m, const json_t *d)
{
	static const struct family family = {
		"problems", GAUGE, NULL,
		"What the dump advises on, by urgency; all 0: all is well."};
	static const char *const name[ADVICE_LEVEL_N] = {
		[ADVICE_REMARK] = "remark",
		[ADVICE_IMPORTANT] = "important",
		[ADVICE_CRITICAL] = "critical",
	};
	unsigned count[ADVICE_LEVEL_N] = {0};
	struct advice_list list;

	advice_of(d, &list);
	for (unsigned i = 0; i < list.n; i++)
		count[list.a[i].level]++;
	for (unsigned i = 0; i < ADVICE_LEVEL_N; i++)
		sample(m, &family, LABELS({"level", name[i]}), count[i]);
}

static void sync_of(struct metrics *m, const json_t *d)
{
	static const struct family status = {"sync_status", GAUGE, NULL,
					     "1 for the status of the settings sync."};
	static const struct family synced = {
		"sync_synced_timestamp_seconds", GAUGE, "seconds",
		"When the settings became, or were last, the same on both."};
	const json_t *sync = json_object_get(d, "sync");

	for (unsigned i = 0; i < DUMP_SYNC_STATUS_N; i++) {
		const char *name = dump_sync_status_name((enum dump_sync_status)i);

		sample(m, &status, LABELS({"status", name}), is_text(sync, "status", name));
	}
	sample_time(m, &synced, sync, "synced_at");
	SINGLES(m, d, sync_all);
	SINGLES(m, json_object_get(sync, "stream"), stream);
}

/* ---- what there are several of ---- */

struct column {
	struct family family;
	const char *key;
	double scale;
};

/* One family after the other, as both formats want it. first and second: labels and the keys of their values; second
 * may be NULL. */
static void columns(struct metrics *m, const json_t *rows, const struct label *key,
		    const struct column *all, size_t n)
{
	const json_t *one;
	size_t i;

	for (size_t c = 0; c < n; c++) {
		json_array_foreach(rows, i, one)
		{
			struct label label[LABELS_MAX] = {{NULL, NULL}};

			for (unsigned l = 0; key[l].name != NULL; l++) {
				const char *value =
					json_string_value(json_object_get(one, key[l].value));

				label[l] = (struct label){key[l].name, value ? value : ""};
			}
			sample_key(m, &all[c].family, label, one, all[c].key, all[c].scale);
		}
	}
}

#define COLUMNS(m, rows, labels, table)                                                            \
	columns(m, rows, labels, table, sizeof(table) / sizeof(*(table)))

static const struct column paths[] = {
	{{"path_carrier", GAUGE, NULL, "1 if the interface of the path has carrier."},
	 "carrier",
	 1},
	{{"heartbeats_sent", COUNTER, NULL, "Heartbeats sent."}, "heartbeats_sent", 1},
	{{"heartbeats_received", COUNTER, NULL, "Heartbeats received."}, "heartbeats_received", 1},
	{{"heartbeats_lost", COUNTER, NULL,
	  "Heartbeats that the other appliance has numbered and that did not arrive."},
	 "heartbeats_lost",
	 1},
	{{"heartbeat_gap_worst_seconds", GAUGE, "seconds",
	  "Longest time between two heartbeats, within the last one or two minutes."},
	 "worst_gap_ms",
	 1e-3},
	{{"heartbeat_margin_seconds", GAUGE, "seconds",
	  "What the longest gap has left of the dead interval."},
	 "margin_ms",
	 1e-3},
	{{"round_trip_seconds", GAUGE, "seconds", "Newest round trip; 0 if there was none."},
	 "rtt_us",
	 1e-6},
	{{"round_trip_worst_seconds", GAUGE, "seconds",
	  "Longest round trip within the last one or two minutes."},
	 "rtt_worst_us",
	 1e-6},
};

static const struct column checks[] = {
	{{"check_failing", GAUGE, NULL, "1 while the service check fails."}, "failing", 1},
	{{"check_failed", GAUGE, NULL, "1 while it fails beyond recovery."}, "failed", 1},
	{{"check_runs", COUNTER, NULL, "Runs of the service check."}, "runs", 1},
	{{"check_bad_runs", COUNTER, NULL, "Runs of it that failed."}, "bad", 1},
	{{"check_recovery_attempts", GAUGE, NULL, "Attempts at recovery of the present failure."},
	 "attempts",
	 1},
	{{"check_duration_seconds", GAUGE, "seconds", "How long the newest run took."},
	 "took_ms",
	 1e-3},
};

static const struct column addresses[] = {
	{{"virtual_ip_held", GAUGE, NULL, "1 if this appliance holds the virtual IP."}, "held", 1},
};

static const struct column stations[] = {
	{{"witness_answered", GAUGE, NULL, "1 if the witness has answered since the start."},
	 "answered",
	 1},
};

static void path_states(struct metrics *m, const json_t *d)
{
	static const struct family family = {"path_up", GAUGE, NULL,
					     "1 if the other appliance is heard on the path."};
	const json_t *path;
	size_t i;

	json_array_foreach(json_object_get(d, "paths"), i, path)
	{
		const char *name = json_string_value(json_object_get(path, "name"));
		const char *port = json_string_value(json_object_get(path, "interface"));

		sample(m, &family,
		       LABELS({"path", name ? name : ""}, {"interface", port ? port : ""}),
		       is_text(path, "state", "up"));
	}
}

/* Counters of the paths: "link.bad_tag". */
static void dropped(struct metrics *m, const json_t *d)
{
	static const struct family drops = {"frames_dropped", COUNTER, NULL,
					    "Received frames that were not used, by reason."};
	static const struct family other[] = {
		{"send_errors", COUNTER, NULL, "Frames that could not be sent."},
		{"opened", COUNTER, NULL, "Times that the interface was opened."},
	};
	const json_t *counters = json_object_get(d, "counters");

	for (unsigned p = 0; p < HA_PATH_N; p++) {
		const char *path = ha_path_name((enum ha_path)p);

		for (unsigned drop = DROP_NONE + 1; drop < DROP_N; drop++) {
			const char *reason = drop_name((enum ha_drop)drop);

			sample_key(m, &drops, LABELS({"path", path}, {"reason", reason}), counters,
				   cell_of("%s.%s", path, reason).text, 1);
		}
	}
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
		for (unsigned p = 0; p < HA_PATH_N; p++) {
			const char *path = ha_path_name((enum ha_path)p);

			sample_key(m, &other[i], LABELS({"path", path}), counters,
				   cell_of("%s.%s", path, other[i].name).text, 1);
		}
	}
}

static void outcomes(struct metrics *m, const json_t *d)
{
	static const struct family hook = {"hook_failed", GAUGE, NULL,
					   "1 if the newest run of the hook ended badly."};
	static const struct family requirement = {
		"requirement_met", GAUGE, NULL,
		"1 if the requirement of the pair is met; 0 if not, or not known."};
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(d, "hooks"), i, one)
	{
		const char *name = json_string_value(json_object_get(one, "name"));

		sample(m, &hook, LABELS({"hook", name ? name : ""}),
		       !is_text(one, "outcome", "passed") && !is_text(one, "outcome", "none"));
	}
	json_array_foreach(json_object_get(d, "requirements"), i, one)
	{
		const char *name = json_string_value(json_object_get(one, "name"));

		sample(m, &requirement, LABELS({"requirement", name ? name : ""}),
		       is_text(one, "result", "pass"));
	}
}

static void agent_of(struct metrics *m, const json_t *d)
{
	static const struct family starts = {"process_starts", COUNTER, NULL,
					     "Starts of its processes, the first included."};
	const json_t *guardian = json_object_get(d, "guardian");

	sample_key(m, &starts, LABELS({"process", "engine"}), guardian, "engine_starts", 1);
	sample_key(m, &starts, LABELS({"process", "steward"}), guardian, "steward_starts", 1);
	SINGLES(m, d, agent);
}

static const char *text_of(const json_t *in, const char *key)
{
	const char *text = json_string_value(json_object_get(in, key));

	return text != NULL ? text : "";
}

static void identity(struct metrics *m, const json_t *d)
{
	static const struct family info = {"agent", INFO, NULL,
					   "What runs here, and as what it is set up."};
	static const struct family peer = {"peer", INFO, NULL, "The other appliance."};
	static const struct family started = {"start_time_seconds", GAUGE, "seconds",
					      "When the engine started, since the epoch."};
	static const struct family since = {"state_since_timestamp_seconds", GAUGE, "seconds",
					    "Since when it is in its state."};
	const json_t *other = json_object_get(d, "peer");

	sample(m, &info,
	       LABELS({"version", text_of(d, "version")}, {"host_name", text_of(d, "host_name")},
		      {"mode", text_of(d, "mode")}, {"fingerprint", text_of(d, "fingerprint")}),
	       1);
	if (json_is_object(other))
		sample(m, &peer,
		       LABELS({"host_name", text_of(other, "host_name")},
			      {"fingerprint", text_of(other, "fingerprint")}),
		       1);
	sample_time(m, &started, d, "started");
	sample_time(m, &since, d, "since");
}

enum render_metrics_format render_metrics_format(const char *name)
{
	if (strcmp(name, "openmetrics") == 0)
		return RENDER_METRICS_OPEN;
	return strcmp(name, "prometheus") == 0 ? RENDER_METRICS_PROMETHEUS : RENDER_METRICS_NONE;
}

void render_metrics(FILE *out, enum render_metrics_format format, const json_t *d)
{
	static const struct family up = {"up", GAUGE, NULL, "1 if the daemon answers."};
	const struct label by_path[] = {{"path", "name"}, {"interface", "interface"}, {NULL, NULL}};
	const struct label by_check[] = {{"check", "name"}, {NULL, NULL}};
	const struct label by_address[] = {{"address", "address"}, {NULL, NULL}};
	struct metrics m = {.out = out, .open = format == RENDER_METRICS_OPEN};

	sample(&m, &up, NO_LABELS, d != NULL);
	if (d != NULL) {
		identity(&m, d);
		state_of(&m, d);
		problems(&m, d);
		obstacles(&m, d);
		SINGLES(&m, d, own);
		COLUMNS(&m, json_object_get(d, "virtual_ip"), by_address, addresses);
		path_states(&m, d);
		COLUMNS(&m, json_object_get(d, "paths"), by_path, paths);
		dropped(&m, d);
		sync_of(&m, d);
		COLUMNS(&m, json_object_get(d, "checks"), by_check, checks);
		outcomes(&m, d);
		COLUMNS(&m, json_object_get(json_object_get(d, "witness"), "stations"), by_address,
			stations);
		agent_of(&m, d);
	}
	if (m.open)
		fputs("# EOF\n", out);
}
