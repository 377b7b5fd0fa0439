/* dump.h - everything an operator may want to know, as JSON objects, and the history in memory.
 *
 * Reads; changes nothing. Durations are in the unit that their key names, and `..._ms` of an event
 * says how long ago it was. What is not known is null. Made where jansson allocates from the
 * control socket's arena, so every function here may return NULL: the arena is full.
 */
#ifndef HA_AGENT_DUMP_H
#define HA_AGENT_DUMP_H

#include <jansson.h>

#include "agent/check.h"
#include "agent/config.h"
#include "agent/dump_sync.h"
#include "agent/ipc.h"
#include "agent/second.h"
#include "agent/store.h"
#include "agent/wire.h"
#include "proto/node.h"
#include "proto/requirement.h"
#include "proto/session.h"

enum {
	DUMP_HISTORY_N = 20,       /* events in a dump; history has all */
	DUMP_FINGERPRINT_MAX = 64, /* "SHA256:" and 43 characters */
	DUMP_ADDRESS_MAX = 48,
};

enum {
	DUMP_STRANGERS_MAX = 4,
};

/* An appliance that knocked and is no member: by its beacon, which anybody can forge. */
struct dump_stranger {
	uint8_t key[HA_KEY_LEN];
	ha_time heard;           /* -1: unused entry */
	enum msg_parting former; /* PARTING_NONE: it was never a member */
	char name[STORE_NAME_LEN];
};

/* As the steward told last; zeros before it did. */
struct dump_check {
	enum check_state state;
	enum command_outcome last;
	uint32_t attempts, runs, bad, took_ms;
	int32_t status;
};

struct dump_hook {
	enum command_outcome outcome;
	int32_t status;
	uint32_t took_ms;
	uint64_t transition;
	char output[96];
};

struct dump_registration {
	bool allowed;
	struct ha_address address[2]; /* IPv4, IPv6; family none: not any */
	const char *reason;
};

/* What an operator may ask for now; not allowed: the words of the refusal. */
struct dump_operation {
	const char *name;
	bool allowed;
	char reason[CONTROL_TEXT_MAX];
};

enum {
	DUMP_OPERATIONS_N = 8,
};

/* The newest STORE_HISTORY_MAX events, a ring. */
struct dump_history {
	unsigned n, first;
	struct store_event event[STORE_HISTORY_MAX];
};

struct dump_path {
	const struct wire *wire;
	const struct session *session; /* NULL: none before the join */
	uint64_t sent, received, lost; /* heartbeats; lost: on their way here */
	struct second_figures second;  /* of the last one that is over */
	const uint64_t *drop;          /* DROP_N counters */
};

struct dump_view {
	ha_time now;
	int64_t realtime_ns; /* the same moment on the wall clock */
	const struct config *config;
	const struct node *node;
	const struct store_record *record;
	const uint8_t *public_key;
	const struct msg_identity *own;
	const struct msg_identity *peer;    /* NULL: not heard in this start */
	const struct ipc_message *status;   /* newest IPC_STATUS */
	const struct config_report *report; /* NULL: no reload and no upgrade yet */
	int64_t report_at;
	const struct dump_history *history;
	struct dump_path path[HA_PATH_N];
	bool judging; /* a test is under way, and its rows are as far as it is */
	bool judged;  /* requirement and cause are valid */
	struct requirement_view requirement;
	uint8_t cause[REQUIREMENT_N];
	struct dump_registration registration;
	const struct dump_operation *operation; /* DUMP_OPERATIONS_N, or NULL */
	const struct dump_check *check;         /* config->check_n */
	const struct dump_hook *hook;           /* HOOK_N */
	const struct dump_stranger *stranger;   /* DUMP_STRANGERS_MAX */
	const struct dump_sync *sync;           /* NULL: by what the node alone knows */
	bool mismatch;
	ha_time lateness_last; /* of the node's timer */
	uint64_t floods, ipc_errors, state_changes;
};

void dump_history_add(struct dump_history *, const struct store_event *);
const struct store_event *dump_history_at(const struct dump_history *, unsigned i); /* 0 = oldest */

json_t *dump_all(const struct dump_view *);
json_t *dump_events(const struct dump_history *,
		    unsigned newest); /* {"history": [...]}, oldest first */

/* "SHA256:" and base64 without padding, as ssh shows keys. */
void dump_fingerprint(char out[DUMP_FINGERPRINT_MAX], const uint8_t public_key[HA_KEY_LEN]);
/* Back to the 32 bytes of the digest; false: it is none. */
bool dump_fingerprint_parse(const char *text, uint8_t digest[HA_KEY_LEN]);
void dump_address(char out[DUMP_ADDRESS_MAX], const struct ha_address *); /* "" for none */

#endif
