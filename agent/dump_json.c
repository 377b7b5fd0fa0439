#include "agent/dump_json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/text.h"

void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

void put_text(json_t *object, const char *key, const char *text)
{
	json_t *value = json_string(text);
	char clean[DUMP_SYNC_NAME_MAX];

	if (value == NULL) { /* no UTF-8, such as a host name that somebody set so */
		text_head(clean, sizeof(clean), text, strlen(text));
		value = json_string(clean);
	}
	put(object, key, value);
}

void put_number(json_t *object, const char *key, uint64_t number)
{
	put(object, key, json_integer((json_int_t)number));
}

void put_bool(json_t *object, const char *key, bool value)
{
	put(object, key, json_boolean(value));
}

void put_address(json_t *object, const char *key, const struct ha_address *address)
{
	char text[DUMP_ADDRESS_MAX];

	dump_address(text, address);
	put_text(object, key, text);
}

void put_fingerprint(json_t *object, const char *key, const uint8_t public_key[HA_KEY_LEN])
{
	char text[DUMP_FINGERPRINT_MAX];

	dump_fingerprint(text, public_key);
	put_text(object, key, text);
}

void put_ms(json_t *object, const char *key, ha_time duration)
{
	ha_time us = duration / HA_US;

	if (us % 1000 == 0)
		put(object, key, json_integer(us / 1000));
	else
		put(object, key, json_real((double)us / 1000));
}

void put_ago(json_t *object, const char *key, ha_time at, ha_time now)
{
	if (at < 0)
		put(object, key, json_null());
	else
		put(object, key, json_integer((now - at) / HA_MS));
}

void put_time(json_t *object, const char *key, int64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / HA_SEC);
	int us = (int)(realtime_ns % HA_SEC / HA_US);
	char text[64] = "", whole[80];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(whole, sizeof(whole), "%s.%06dZ", text, us);
	put_text(object, key, whole);
}
