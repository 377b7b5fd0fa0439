/* dump_sync.c - the settings sync in a dump. */
#include "agent/dump_sync.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "agent/dump_json.h"
#include "agent/text.h"

const char *dump_sync_status_name(enum dump_sync_status status)
{
	static const char *const name[DUMP_SYNC_STATUS_N] = {
		[DUMP_SYNC_NONE] = "nothing to sync", [DUMP_SYNC_NOT_STARTED] = "not started",
		[DUMP_SYNC_SYNCING] = "syncing",      [DUMP_SYNC_SYNCED] = "fully synced",
		[DUMP_SYNC_OUT] = "out of sync",      [DUMP_SYNC_ERROR] = "sync error",
		[DUMP_SYNC_PAUSED] = "paused",
	};

	return status < DUMP_SYNC_STATUS_N ? name[status] : "?";
}

static const char *direction_name(enum dump_sync_direction direction)
{
	static const char *const name[DUMP_SYNC_DIRECTION_N] = {
		[DUMP_SYNC_NEITHER] = "none",
		[DUMP_SYNC_SENDS] = "sends",
		[DUMP_SYNC_RECEIVES] = "receives",
	};

	return direction < DUMP_SYNC_DIRECTION_N ? name[direction] : "?";
}

/* NULL: it is doing nothing. */
static const char *phase_name(enum sync_phase phase)
{
	switch (phase) {
	case SYNC_PHASE_LIST:
		return "comparing";
	case SYNC_PHASE_FETCH:
		return "fetching";
	case SYNC_PHASE_COMMIT:
		return "committing";
	default:
		return NULL;
	}
}

static struct lineage_point point_of(const struct msg_lineage *lineage)
{
	return (struct lineage_point){.term = lineage->term, .number = lineage->number};
}

static enum dump_sync_status status_of(const struct dump_view *view)
{
	const struct node *node = view->node;

	if (node->config.paired && view->mismatch)
		return DUMP_SYNC_PAUSED;
	if (!node->config.paired || view->config->path_n == 0)
		return DUMP_SYNC_NONE;
	if (!node->whole_copy)
		return DUMP_SYNC_NOT_STARTED;
	return node->in_sync ? DUMP_SYNC_SYNCED : DUMP_SYNC_OUT;
}

static void sections_of(const struct config *config, struct dump_sync *out)
{
	out->section_n = config->settings_n;
	for (unsigned i = 0; i < config->settings_n; i++) {
		const struct config_settings *from = &config->settings[i];
		struct dump_sync_section *to = &out->section[i];

		if (from->path_n > 0)
			memcpy(to->path, config->path[from->path_first], sizeof(to->path));
		to->export.configured = from->export_command[0] != '\0';
		to->import.configured = from->import_command[0] != '\0';
	}
}

void dump_sync_of(const struct dump_view *view, struct dump_sync *out)
{
	const struct node *node = view->node;
	uint64_t own = node->lineage.number, other = node->peer.last.lineage.number;

	*out = (struct dump_sync){
		.status = status_of(view),
		.percent = node->whole_copy ? 100 : 0,
		.left_s = -1,
		.generation = point_of(&node->lineage),
	};
	memcpy(out->digest, node->lineage.digest, sizeof(out->digest));
	if (out->status == DUMP_SYNC_PAUSED)
		snprintf(out->reason, sizeof(out->reason), "the two run different versions");
	if (node->config.paired)
		out->direction = node->lease.wanted ? DUMP_SYNC_SENDS : DUMP_SYNC_RECEIVES;
	if (node->config.paired && node->peer.known) {
		out->peer_generation = point_of(&node->peer.last.lineage);
		out->lag = own > other ? own - other : other - own;
	}
	sections_of(view->config, out);
}

static void put_generation(json_t *object, const char *key, struct lineage_point point)
{
	char text[48];

	snprintf(text, sizeof(text), "%llu.%llu", (unsigned long long)point.term,
		 (unsigned long long)point.number);
	put(object, key, point.number == 0 ? json_null() : json_string(text));
}

/* 0: never. */
static void put_moment(json_t *object, const char *key, int64_t realtime_ns)
{
	if (realtime_ns == 0)
		put(object, key, json_null());
	else
		put_time(object, key, realtime_ns);
}

/* Whatever bytes it has; of a long name the end tells more. */
static void put_any(json_t *object, const char *key, const char *bytes, size_t cap)
{
	char text[DUMP_SYNC_NAME_MAX];

	text_tail(text, sizeof(text), bytes, strnlen(bytes, cap));
	put_text(object, key, text);
}

static json_t *command_json(const struct dump_sync_command *command)
{
	json_t *out;

	if (!command->configured)
		return json_null();
	out = json_object();
	put_text(out, "last", command_outcome_name(command->last));
	put_bool(out, "running", command->running);
	put(out, "status", json_integer(command->status));
	put_number(out, "took_ms", command->took_ms);
	put_number(out, "runs", command->runs);
	put_number(out, "bad", command->bad);
	put_moment(out, "ended", command->ended_ns);
	put_any(out, "output", command->output, sizeof(command->output));
	return out;
}

static json_t *sections_json(const struct dump_sync *sync)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < sync->section_n; i++) {
		json_t *one = json_object();

		put_text(one, "path", sync->section[i].path);
		put(one, "export", command_json(&sync->section[i].export));
		put(one, "import", command_json(&sync->section[i].import));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *stream_json(const struct dump_sync_stream *stream)
{
	json_t *out;

	if (stream->mtu == 0)
		return json_null();
	out = json_object();
	put_bool(out, "up", stream->up);
	put_text(out, "cipher", stream->aes ? "AES-256-GCM" : "ChaCha20-Poly1305");
	put_number(out, "mtu", stream->mtu);
	put_number(out, "rtt_us", (uint64_t)(stream->rtt / HA_US));
	put_number(out, "frames_sent", stream->frames_sent);
	put_number(out, "frames_received", stream->frames_received);
	put_number(out, "bytes_sent", stream->bytes_sent);
	put_number(out, "bytes_received", stream->bytes_received);
	put_number(out, "repeats", stream->repeats);
	put_number(out, "timeouts", stream->timeouts);
	return out;
}

static void put_progress(json_t *out, const struct dump_sync *sync)
{
	const char *phase = phase_name(sync->phase);

	put(out, "phase",
	    sync->status == DUMP_SYNC_SYNCING && phase != NULL ? json_string(phase) : json_null());
	put_number(out, "percent", sync->percent);
	put_number(out, "files", sync->files);
	put_number(out, "files_total", sync->files_total);
	put_number(out, "bytes", sync->bytes);
	put_number(out, "bytes_total", sync->bytes_total);
	put_number(out, "rate_bytes_per_s", sync->rate_bytes_per_s);
	put(out, "left_s", sync->left_s < 0 ? json_null() : json_integer(sync->left_s));
}

void dump_sync_json(json_t *out, const struct dump_sync *sync)
{
	char digest[2 * HA_KEY_LEN + 1];

	sodium_bin2hex(digest, sizeof(digest), sync->digest, HA_KEY_LEN);
	put_text(out, "status", dump_sync_status_name(sync->status));
	put_text(out, "direction", direction_name(sync->direction));
	put_text(out, "reason", sync->reason);
	put(out, "paused",
	    sync->status == DUMP_SYNC_PAUSED ? json_string(sync->reason) : json_null());
	put_progress(out, sync);
	put_generation(out, "generation", sync->generation);
	put_generation(out, "peer_generation", sync->peer_generation);
	put_text(out, "digest", digest);
	put_number(out, "lag", sync->lag);
	put_number(out, "lag_bytes", sync->lag_bytes);
	put_moment(out, "synced_at", sync->synced_ns);
	put_number(out, "skipped", sync->skipped);
	put_number(out, "unreadable", sync->unreadable);
	put_any(out, "example", sync->example, sizeof(sync->example));
	put_number(out, "conflicts", sync->conflicts);
	put_number(out, "entries", sync->entries);
	put_number(out, "tree_bytes", sync->tree_bytes);
	put_number(out, "memory_bytes", sync->memory_bytes);
	put_number(out, "watches", sync->watches);
	put_bool(out, "scanning", sync->scanning);
	put(out, "stream", stream_json(&sync->stream));
	put(out, "sections", sections_json(sync));
}
