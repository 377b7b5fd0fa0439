/* dump.c - see dump.h. */
#include "agent/dump_json.h"

#include <arpa/inet.h>
#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "proto/drop.h"
#include "proto/peer.h"

void dump_history_add(struct dump_history *history, const struct store_event *event)
{
	if (history->n < STORE_HISTORY_MAX) {
		history->event[(history->first + history->n++) % STORE_HISTORY_MAX] = *event;
		return;
	}
	history->event[history->first] = *event;
	history->first = (history->first + 1) % STORE_HISTORY_MAX;
}

const struct store_event *dump_history_at(const struct dump_history *history, unsigned i)
{
	assert(i < history->n);
	return &history->event[(history->first + i) % STORE_HISTORY_MAX];
}

void dump_fingerprint(char out[DUMP_FINGERPRINT_MAX], const uint8_t public_key[HA_KEY_LEN])
{
	uint8_t digest[crypto_hash_sha256_BYTES];
	size_t prefix = strlen("SHA256:");

	memcpy(out, "SHA256:", prefix);
	crypto_hash_sha256(digest, public_key, HA_KEY_LEN);
	sodium_bin2base64(out + prefix, DUMP_FINGERPRINT_MAX - prefix, digest, sizeof(digest),
			  sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

bool dump_fingerprint_parse(const char *text, uint8_t digest[HA_KEY_LEN])
{
	size_t prefix = strlen("SHA256:"), len;

	return strncmp(text, "SHA256:", prefix) == 0 &&
	       sodium_base642bin(digest, HA_KEY_LEN, text + prefix, strlen(text + prefix), NULL,
				 &len, NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
	       len == HA_KEY_LEN;
}

void dump_address(char out[DUMP_ADDRESS_MAX], const struct ha_address *address)
{
	int family = address->family == HA_IPV4 ? AF_INET : AF_INET6;

	out[0] = '\0';
	if (ha_address_len(address) != 0)
		inet_ntop(family, address->b, out, DUMP_ADDRESS_MAX);
}

/* The texts of the bits in why_not. */
json_t *dump_why_not(unsigned why_not)
{
	json_t *texts = json_array();

	for (unsigned bit = 1; bit <= WHY_NOT_ALL; bit <<= 1)
		if (why_not & bit)
			json_array_append_new(
				texts, json_string(node_why_not_text((enum msg_why_not)bit)));
	return texts;
}

static json_t *dump_timing(const struct config *config)
{
	json_t *timing = json_object();

	put_text(timing, "name", config->timing_name);
	put_ms(timing, "heartbeat_ms", config->timing.heartbeat);
	put_ms(timing, "dead_ms", config->timing.dead);
	put_ms(timing, "confirm_ms", config->timing.confirm);
	return timing;
}

/* who NULL: nobody is known, so nothing is. */
static json_t *management_addresses(const struct msg_identity *who)
{
	json_t *addresses = json_array();

	for (int i = 0; who != NULL && i < HA_ADDRESS_MAX; i++) {
		char text[DUMP_ADDRESS_MAX];

		dump_address(text, &who->management[i].address);
		if (text[0] != '\0')
			json_array_append_new(addresses, json_string(text));
	}
	return addresses;
}

static json_t *dump_peer(const struct dump_view *view)
{
	const struct node *node = view->node;
	const struct msg_heartbeat *last = &node->peer.last;
	json_t *peer;
	ha_time heard = -1;

	if (!view->record->paired)
		return json_null();
	peer = json_object();
	for (int i = 0; i < HA_PATH_N; i++)
		if (node->path[i].session && node->path[i].heard > heard)
			heard = node->path[i].heard;
	put(peer, "state",
	    node->peer.known ? json_string(ha_state_name((enum ha_state)last->state))
			     : json_null());
	put_text(peer, "host_name", view->peer ? view->peer->host_name : view->record->peer_name);
	put(peer, "mode",
	    node->peer.known ? json_string(ha_mode_name((enum ha_mode)last->mode)) : json_null());
	put_text(peer, "claim", ha_claim_name((enum ha_claim)last->claim));
	put_text(peer, "reason", reason_text((enum ha_reason)last->reason));
	put(peer, "management_addresses", management_addresses(view->peer));
	put_fingerprint(peer, "fingerprint", view->record->peer_key);
	put_ago(peer, "last_heard_ms", heard, view->now);
	put_number(peer, "boot", node->peer.boot);
	put_bool(peer, "ready", node_peer_ready(node, view->now));
	put(peer, "why_not", dump_why_not(node->peer.known ? last->why_not : 0));
	return peer;
}

/* null: nothing was heard in it. */
static json_t *dump_second(const struct second_figures *figures)
{
	json_t *second;

	if (!figures->heard)
		return json_null();
	second = json_object();
	put_ms(second, "gap_ms", figures->gap);
	put_number(second, "rtt_us", (uint64_t)(figures->rtt / HA_US));
	return second;
}

static json_t *dump_path(const struct dump_view *view, enum ha_path i)
{
	const struct node_path *state = &view->node->path[i];
	const struct dump_path *path = &view->path[i];
	ha_time gap = worst_of(&state->gap_worst), dead = view->config->timing.dead;
	json_t *out = json_object();

	put_text(out, "name", ha_path_name(i));
	put_text(out, "interface", path->wire->ifname);
	put_text(out, "state",
		 !state->session                               ? "unknown"
		 : node_path_audible(view->node, i, view->now) ? "up"
							       : "silent");
	put_bool(out, "carrier", state->carrier);
	put_number(out, "rtt_us", (uint64_t)(state->rtt / HA_US));
	put_number(out, "rtt_worst_us", (uint64_t)(worst_of(&state->rtt_worst) / HA_US));
	put_number(out, "heartbeats_sent", path->sent);
	put_number(out, "heartbeats_received", path->received);
	put_number(out, "heartbeats_lost", path->lost);
	put(out, "last_second", dump_second(&path->second));
	put_ms(out, "worst_gap_ms", gap);
	put_ms(out, "margin_ms", gap < dead ? dead - gap : 0);
	if (path->session != NULL && session_is_up(path->session))
		put(out, "session_age_s",
		    json_integer((view->now - path->session->current.born) / HA_SEC));
	else
		put(out, "session_age_s", json_null());
	return out;
}

static json_t *dump_virtual_ip(const struct node *node)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < node->config.vip_n; i++) {
		json_t *one = json_object();

		put_address(one, "address", &node->config.vip[i]);
		put_bool(one, "held", node->lease.on >> i & 1);
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *dump_settings(const struct dump_view *view)
{
	json_t *out = json_object();
	struct dump_sync sync;

	if (view->sync == NULL)
		dump_sync_of(view, &sync);
	dump_sync_json(out, view->sync != NULL ? view->sync : &sync);
	return out;
}

static void obstacle(json_t *codes, json_t *reasons, const char *code, const char *reason)
{
	json_array_append_new(codes, json_string(code));
	json_array_append_new(reasons, json_string(reason));
}

/* Could the other one take over now? Seen from whichever side holds. Each obstacle has a code, and a reason in words. */
static json_t *dump_takeover(const struct dump_view *view)
{
	const struct node *node = view->node;
	bool holds = node->lease.wanted;
	bool heard = !holds || node_peer_audible(node, view->now);
	unsigned why_not = holds ? node->peer.last.why_not : node_why_not(node, view->now);
	bool ready = holds ? node_peer_ready(node, view->now) : why_not == 0;
	json_t *takeover = json_object(), *codes = json_array(), *reasons = json_array();

	if (!node->config.paired) {
		ready = false;
		obstacle(codes, reasons, "not_paired", "not part of a pair");
	} else if (!heard) {
		obstacle(codes, reasons, "not_heard", "the passive is not heard");
	} else {
		for (unsigned bit = 1; bit <= WHY_NOT_ALL; bit <<= 1)
			if (why_not & bit)
				obstacle(codes, reasons, node_why_not_name((enum msg_why_not)bit),
					 node_why_not_text((enum msg_why_not)bit));
		if (!ready && why_not == 0)
			obstacle(codes, reasons, "not_passive", "the other one is not passive");
	}
	put_bool(takeover, "ready", ready);
	put(takeover, "reasons", reasons);
	put(takeover, "codes", codes);
	return takeover;
}

static json_t *dump_guardian(const struct ipc_message *status)
{
	json_t *guardian = json_object(), *pids = json_object();

	put_bool(guardian, "fence", status->u.status.fence);
	put_bool(guardian, "realtime", status->u.status.realtime);
	put_bool(guardian, "locked", status->u.status.locked);
	put_number(guardian, "restored", status->u.status.restored);
	put_number(guardian, "engine_starts", status->u.status.engine_starts);
	put_number(guardian, "steward_starts", status->u.status.steward_starts);
	put(pids, "guardian", json_integer(status->u.status.pid[IPC_GUARDIAN]));
	put(pids, "engine", json_integer(status->u.status.pid[IPC_ENGINE_PROCESS]));
	put(pids, "steward", json_integer(status->u.status.pid[IPC_STEWARD_PROCESS]));
	put(pids, "syncer", json_integer(status->u.status.pid[IPC_SYNCER_PROCESS]));
	put(guardian, "pids", pids);
	return guardian;
}

static json_t *dump_witness(const struct dump_view *view)
{
	static const char *const policy[] = {
		[CONFIG_WITNESS_AUTO] = "auto",
		[CONFIG_WITNESS_LIST] = "list",
		[CONFIG_WITNESS_NONE] = "none",
	};
	const struct node_reach *reach = &view->node->reach;
	json_t *witness = json_object(), *stations = json_array();

	for (unsigned i = 0; i < reach->n; i++) {
		const uint8_t *m = reach->station[i].mac.b;
		json_t *one = json_object();
		char mac[18];

		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
			 m[4], m[5]);
		put_address(one, "address", &reach->station[i].address);
		put_text(one, "mac", ha_mac_is_zero(&reach->station[i].mac) ? "" : mac);
		put_bool(one, "answered", reach->station[i].answered);
		json_array_append_new(stations, one);
	}
	put_text(witness, "policy", policy[view->config->witness_policy]);
	put_ago(witness, "evidence_ms", reach->evidence, view->now);
	put(witness, "stations", stations);
	return witness;
}

static json_t *dump_counters(const struct dump_view *view)
{
	json_t *counters = json_object();

	for (unsigned i = 0; i < HA_PATH_N; i++) {
		const char *path = ha_path_name((enum ha_path)i);
		char key[64];

		for (unsigned drop = DROP_NONE + 1; drop < DROP_N; drop++) {
			snprintf(key, sizeof(key), "%s.%s", path, drop_name((enum ha_drop)drop));
			put_number(counters, key, view->path[i].drop[drop]);
		}
		snprintf(key, sizeof(key), "%s.send_errors", path);
		put_number(counters, key, view->path[i].wire->send_errors);
		snprintf(key, sizeof(key), "%s.opened", path);
		put_number(counters, key, view->path[i].wire->opened);
	}
	put_number(counters, "state_changes", view->state_changes);
	put_number(counters, "floods", view->floods);
	put_number(counters, "ipc_errors", view->ipc_errors);
	return counters;
}

json_t *dump_event(const struct store_event *event)
{
	json_t *out = json_object();

	put_time(out, "time", event->realtime_ns);
	put_text(out, "event", node_event_name((enum node_event_code)event->event));
	put_text(out, "from", ha_state_name((enum ha_state)event->from));
	put_text(out, "to", ha_state_name((enum ha_state)event->to));
	put_text(out, "reason",
		 event->reason == REASON_NONE ? "" : reason_text((enum ha_reason)event->reason));
	put_text(out, "rule", reason_rule((enum ha_reason)event->reason));
	put_number(out, "term", event->term);
	put_number(out, "detail", event->detail);
	put_text(out, "subject", event->subject);
	put_text(out, "level",
		 node_level_name(node_event_level(
			 (enum node_event_code)event->event, (enum ha_state)event->from,
			 (enum ha_state)event->to, (enum ha_reason)event->reason)));
	return out;
}

static json_t *dump_event_list(const struct dump_history *history, unsigned newest)
{
	unsigned from = history->n > newest ? history->n - newest : 0;
	json_t *list = json_array();

	for (unsigned i = from; i < history->n; i++)
		json_array_append_new(list, dump_event(dump_history_at(history, i)));
	return list;
}

json_t *dump_events(const struct dump_history *history, unsigned newest)
{
	json_t *out = json_object();

	put(out, "history", dump_event_list(history, newest));
	return out;
}

json_t *dump_all(const struct dump_view *view)
{
	const struct node *node = view->node;
	json_t *out = json_object(), *paths = json_array(), *lateness = json_object();

	put_text(out, "version", HA_VERSION);
	put_text(out, "host_name", view->own->host_name);
	put(out, "management_addresses", management_addresses(view->own));
	put_text(out, "role", node_role_name(node_role(node)));
	put_text(out, "mode", ha_mode_name(node->mode));
	put_text(out, "state", ha_state_name(node->state));
	put_text(out, "reason", reason_text(node->reason));
	put_text(out, "rule", reason_rule(node->reason));
	put_time(out, "started", view->realtime_ns - (view->now - node->born));
	put_number(out, "start", view->record->boot);
	put_time(out, "since", view->realtime_ns - (view->now - node->since));
	put_ago(out, "since_ms", node->since, view->now);
	put_number(out, "term", node->term_known);
	put_fingerprint(out, "fingerprint", view->public_key);
	put(out, "timing", dump_timing(view->config));
	put_bool(out, "degraded", node_degraded(node, view->now) || view->mismatch);
	put(out, "degraded_reasons", dump_degraded_reasons(view));
	put(out, "suspension", dump_suspension(view));
	put(out, "registration", dump_registration(view));
	put(out, "operations", dump_operations(view));
	put(out, "peer", dump_peer(view));
	for (int i = 0; i < HA_PATH_N; i++)
		json_array_append_new(paths, dump_path(view, (enum ha_path)i));
	put(out, "paths", paths);
	put(out, "virtual_ip", dump_virtual_ip(node));
	put(out, "sync", dump_settings(view));
	put(out, "takeover", dump_takeover(view));
	put(out, "guardian", dump_guardian(view->status));
	put(out, "configuration", dump_configuration(view));
	put(out, "witness", dump_witness(view));
	put_bool(out, "testing", view->judging);
	put(out, "requirements", dump_requirements(view));
	put(out, "checks", dump_checks(view));
	put(out, "hooks", dump_hooks(view));
	put(out, "parting", dump_parting((enum msg_parting)view->record->parting));
	put(out, "strangers", dump_strangers(view));
	put(out, "counters", dump_counters(view));
	put_number(lateness, "worst", (uint64_t)(worst_of(&node->late_worst) / HA_US));
	put_number(lateness, "last", (uint64_t)(view->lateness_last / HA_US));
	put(out, "lateness_us", lateness);
	put(out, "history", dump_event_list(view->history, DUMP_HISTORY_N));
	return out;
}
