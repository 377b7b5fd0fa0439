/* dump_json.h - how a dump's values are written, for dump.c, dump_cluster.c and dump_sync.c. */
#ifndef HA_AGENT_DUMP_JSON_H
#define HA_AGENT_DUMP_JSON_H

#include "agent/dump.h"

void put(json_t *object, const char *key, json_t *value);
void put_text(json_t *object, const char *key, const char *text);
void put_number(json_t *object, const char *key, uint64_t number);
void put_bool(json_t *object, const char *key, bool value);
void put_address(json_t *object, const char *key, const struct ha_address *);
void put_fingerprint(json_t *object, const char *key, const uint8_t public_key[HA_KEY_LEN]);
/* A duration, with three decimals where the unit is coarse. */
void put_ms(json_t *object, const char *key, ha_time duration);
void put_ago(json_t *object, const char *key, ha_time at, ha_time now); /* null: never */
/* A point in time of the wall clock: ISO 8601 in UTC, to the microsecond. */
void put_time(json_t *object, const char *key, int64_t realtime_ns);

/* ---- dump.c ---- */
json_t *dump_event(const struct store_event *);
json_t *dump_why_not(unsigned why_not); /* the texts of its bits */

/* ---- dump_config.c ---- */
json_t *dump_configuration(const struct dump_view *);

/* ---- dump_cluster.c ---- */
json_t *dump_requirements(const struct dump_view *);
json_t *dump_operations(const struct dump_view *);
json_t *dump_registration(const struct dump_view *);
json_t *dump_suspension(const struct dump_view *);
json_t *dump_checks(const struct dump_view *);
json_t *dump_hooks(const struct dump_view *);
json_t *dump_parting(enum msg_parting);
json_t *dump_strangers(const struct dump_view *);
json_t *dump_degraded_reasons(const struct dump_view *);

#endif
