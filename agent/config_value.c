#include "agent/config_parse.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum {
	NUMBER_DIGITS_MAX = 9,
	CONTROL_NAME_LEN =
		sizeof("/control") - 1, /* the longest file name in the runtime directory */
};

static bool is_printable_ascii(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s <= ' ' || *s > '~')
			return false;
	}
	return true;
}

/* How many bytes continue the sequence that this one leads, and the least code point that needs so many; -1: none. */
static int continuation(unsigned char lead, uint32_t *code, uint32_t *least)
{
	if (lead < 0x80) {
		*code = lead;
		*least = 0;
		return 0;
	}
	if (lead >= 0xc0 && lead < 0xe0) {
		*code = lead & 0x1f;
		*least = 0x80;
		return 1;
	}
	if (lead >= 0xe0 && lead < 0xf0) {
		*code = lead & 0x0f;
		*least = 0x800;
		return 2;
	}
	if (lead >= 0xf0 && lead < 0xf8) {
		*code = lead & 0x07;
		*least = 0x10000;
		return 3;
	}
	return -1;
}

/* Well-formed UTF-8 (RFC 3629) without control characters, as IDENTITY wants it (SPEC 3). */
static bool is_printable(const char *s)
{
	while (*s != '\0') {
		uint32_t code, least;
		int more = continuation((unsigned char)*s++, &code, &least);

		if (more < 0)
			return false;
		for (; more > 0; more--, s++) {
			if (((unsigned char)*s & 0xc0) != 0x80)
				return false;
			code = code << 6 | ((unsigned char)*s & 0x3f);
		}
		if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
			return false;
		if (code < 0x20 || (code >= 0x7f && code < 0xa0))
			return false;
	}
	return true;
}

static void *target(struct config_draft *d, const struct config_key *key)
{
	char *base = (char *)d;

	if (strcmp(key->section, "check") == 0)
		base = (char *)d->check;
	else if (strcmp(key->section, "settings") == 0)
		base = (char *)d->settings;
	return base + key->offset;
}

/* Checks that it fits, and keeps it. */
static void keep_string(struct config_draft *d, const struct config_key *key, const char *value,
			int line)
{
	if (strlen(value) >= key->cap)
		config_mistake(d, line, "'%s' is longer than %zu bytes", key->name, key->cap - 1);
	else
		memcpy(target(d, key), value, strlen(value) + 1);
}

static void interface(struct config_draft *d, const struct config_key *key, const char *value,
		      int line)
{
	if (*value == '\0' || !is_printable_ascii(value) || strpbrk(value, "/:%") != NULL ||
	    strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
		config_mistake(d, line, "'%s': '%s' is no name of an interface", key->name, value);
	else
		keep_string(d, key, value, line);
}

static void boolean(struct config_draft *d, const struct config_key *key, const char *value,
		    int line)
{
	bool *out = target(d, key);

	if (strcmp(value, "true") == 0)
		*out = true;
	else if (strcmp(value, "false") == 0)
		*out = false;
	else
		config_mistake(d, line, "'%s' is true or false, not '%s'", key->name, value);
}

/* Decimal digits only: "010" would mean 10 to one reader and 8 to another. False: reported. */
static bool number(struct config_draft *d, const struct config_key *key, const char *value,
		   int line, long *out)
{
	size_t len = strlen(value);
	long n = -1;

	if (len > 0 && len <= NUMBER_DIGITS_MAX && strspn(value, "0123456789") == len &&
	    (*value != '0' || len == 1))
		n = strtol(value, NULL, 10);
	if ((n >= key->min && n <= key->max) || (n == 0 && key->kind == KIND_SCRUB)) {
		*out = n;
		return true;
	}
	config_mistake(d, line, "'%s' is %sa number from %ld to %ld, not '%s'", key->name,
		       key->kind == KIND_SCRUB ? "0 or " : "", key->min, key->max, value);
	return false;
}

static void keep_number(struct config_draft *d, const struct config_key *key, const char *value,
			int line)
{
	long n = 0;

	if (!number(d, key, value, line, &n))
		return;
	if (key->kind == KIND_TIME)
		*(ha_time *)target(d, key) = n * HA_MS;
	else if (key->kind == KIND_SCRUB)
		*(ha_time *)target(d, key) = n * HA_SEC;
	else if (key->kind == KIND_COUNT)
		*(uint32_t *)target(d, key) = (uint32_t)n;
	else
		*(long *)target(d, key) = n;
}

const char *config_no_station(const struct ha_address *a)
{
	static const uint8_t loopback6[16] = {[15] = 1}, any[16],
			     mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (a->family == HA_IPV4) {
		if (a->b[0] == 0)
			return "unspecified";
		if (a->b[0] == 127)
			return "loopback";
		if (a->b[0] >= 240)
			return "broadcast or reserved";
		return a->b[0] >= 224 ? "multicast" : NULL;
	}
	if (a->family != HA_IPV6)
		return "of no known family";
	if (memcmp(a->b, any, 16) == 0)
		return "unspecified";
	if (memcmp(a->b, loopback6, 16) == 0)
		return "loopback";
	if (memcmp(a->b, mapped, 12) == 0)
		return "IPv4-mapped: write the IPv4 address";
	return a->b[0] == 0xff ? "multicast" : NULL;
}

/* Adds the address to the list of *n of at most max. */
static void address(struct config_draft *d, const struct config_key *key, const char *value,
		    int line, struct ha_address *list, unsigned *n, unsigned max)
{
	struct ha_address a = {.family = HA_FAMILY_NONE};
	const char *why;

	if (inet_pton(AF_INET, value, a.b) == 1)
		a.family = HA_IPV4;
	else if (inet_pton(AF_INET6, value, a.b) == 1)
		a.family = HA_IPV6;
	if (a.family == HA_FAMILY_NONE) {
		config_mistake(d, line, "'%s': '%s' is no IPv4 or IPv6 address", key->name, value);
		return;
	}
	why = config_no_station(&a);
	if (why != NULL) {
		config_mistake(d, line, "'%s': '%s' is %s", key->name, value, why);
		return;
	}
	for (unsigned i = 0; i < *n; i++) {
		if (ha_address_equal(&a, &list[i])) {
			config_mistake(d, line, "'%s': '%s' is there twice", key->name, value);
			return;
		}
	}
	if (*n == max)
		config_mistake(d, line, "'%s' has more than %u addresses", key->name, max);
	else
		list[(*n)++] = a;
}

static void witness(struct config_draft *d, const struct config_key *key, const char *value,
		    int line)
{
	struct config *c = &d->config;
	bool none = strcmp(value, "none") == 0;

	if (c->witness_policy == CONFIG_WITNESS_NONE ||
	    (none && c->witness_policy == CONFIG_WITNESS_LIST)) {
		config_mistake(d, line, "'%s': \"none\" stands alone", key->name);
		return;
	}
	c->witness_policy = none ? CONFIG_WITNESS_NONE : CONFIG_WITNESS_LIST;
	if (!none)
		address(d, key, value, line, c->witness, &c->witness_n, CONFIG_WITNESS_MAX);
}

static void timing(struct config_draft *d, const struct config_key *key, const char *value,
		   int line)
{
	if (!config_timing_preset(d, value))
		config_mistake(d, line, "'%s' is \"default\", \"fast\" or \"calm\", not '%s'",
			       key->name, value);
}

bool config_absolute(struct config_draft *d, const struct config_key *key, const char *value,
		     int line)
{
	if (*value == '/' && is_printable(value))
		return true;
	config_mistake(d, line, "'%s': '%s' is no absolute path", key->name, value);
	return false;
}

static void directory(struct config_draft *d, const struct config_key *key, const char *value,
		      int line)
{
	size_t room = key->cap - 1 - CONTROL_NAME_LEN;

	if (!config_absolute(d, key, value, line))
		return;
	if (strlen(value) > room)
		config_mistake(d, line, "'%s' is longer than %zu bytes", key->name, room);
	else
		keep_string(d, key, value, line);
}

static void hooks(struct config_draft *d, const struct config_key *key, const char *value, int line)
{
	if (strcmp(value, "none") == 0)
		keep_string(d, key, "", line);
	else
		directory(d, key, value, line);
}

static void file_name(struct config_draft *d, const struct config_key *key, const char *value,
		      int line)
{
	if (*d->section != '\0')
		config_mistake(d, line, "'%s' stands in the configuration only", key->name);
	else if (config_absolute(d, key, value, line))
		keep_string(d, key, value, line);
}

bool config_nonempty(struct config_draft *d, const struct config_key *key, const char *value,
		     int line)
{
	if (*value != '\0' && is_printable(value))
		return true;
	config_mistake(d, line, "'%s' is empty or no printable UTF-8", key->name);
	return false;
}

static void user(struct config_draft *d, const struct config_key *key, const char *value, int line)
{
	if (*value == '\0' || *value == '-' || !is_printable_ascii(value) ||
	    strpbrk(value, "/:,") != NULL)
		config_mistake(d, line, "'%s': '%s' is no name of a user", key->name, value);
	else
		keep_string(d, key, value, line);
}

static void text(struct config_draft *d, const struct config_key *key, const char *value, int line)
{
	if (!is_printable(value))
		config_mistake(d, line, "'%s' has bytes that are no printable UTF-8", key->name);
	else
		keep_string(d, key, value, line);
}

static void model(struct config_draft *d, const struct config_key *key, const char *value, int line)
{
	struct config *c = &d->config;

	if (!config_nonempty(d, key, value, line))
		return;
	for (unsigned i = 0; i < c->supported_model_n; i++) {
		if (strcmp(value, c->supported_model[i]) == 0) {
			config_mistake(d, line, "'%s': '%s' is there twice", key->name, value);
			return;
		}
	}
	if (strlen(value) > MSG_MODEL_LEN)
		config_mistake(d, line, "'%s': '%s' is longer than %d bytes", key->name, value,
			       MSG_MODEL_LEN);
	else if (c->supported_model_n == CONFIG_MODELS_MAX)
		config_mistake(d, line, "'%s' has more than %d models", key->name,
			       CONFIG_MODELS_MAX);
	else
		memcpy(c->supported_model[c->supported_model_n++], value, strlen(value) + 1);
}

/* Not a byte of it is in the mistake. */
static void passphrase(struct config_draft *d, const struct config_key *key, const char *value,
		       int line)
{
	size_t len = strlen(value);

	if (len < CONFIG_PASSPHRASE_MIN || len > CONFIG_PASSPHRASE_MAX || !is_printable(value)) {
		config_mistake(d, line,
			       "'%s' is %d to %d bytes of printable UTF-8, with a backslash only "
			       "before quotes, $ and a backslash",
			       key->name, CONFIG_PASSPHRASE_MIN, CONFIG_PASSPHRASE_MAX);
		return;
	}
	memcpy(d->passphrase, value, len + 1);
	d->config.passphrase_set = true;
}

static void when(struct config_draft *d, const struct config_key *key, const char *value, int line)
{
	bool *active_only = target(d, key);

	*active_only = strcmp(value, "active") == 0;
	if (!*active_only && strcmp(value, "always") != 0)
		config_mistake(d, line, "'%s' is \"always\" or \"active\", not '%s'", key->name,
			       value);
}

static void keep(struct config_draft *d, const struct config_key *key, const char *value, int line)
{
	struct config *c = &d->config;

	switch (key->kind) {
	case KIND_INTERFACE:
		interface(d, key, value, line);
		break;
	case KIND_BOOL:
		boolean(d, key, value, line);
		break;
	case KIND_VIP:
		address(d, key, value, line, c->vip, &c->vip_n, HA_VIP_MAX);
		break;
	case KIND_WITNESS:
		witness(d, key, value, line);
		break;
	case KIND_TIMING:
		timing(d, key, value, line);
		break;
	case KIND_NUMBER:
	case KIND_TIME:
	case KIND_SCRUB:
	case KIND_COUNT:
		keep_number(d, key, value, line);
		break;
	case KIND_DIRECTORY:
		directory(d, key, value, line);
		break;
	case KIND_HOOKS:
		hooks(d, key, value, line);
		break;
	case KIND_USER:
		user(d, key, value, line);
		break;
	case KIND_TEXT:
		text(d, key, value, line);
		break;
	case KIND_MODEL:
		model(d, key, value, line);
		break;
	case KIND_PASSPHRASE:
		passphrase(d, key, value, line);
		break;
	case KIND_FILE:
		file_name(d, key, value, line);
		break;
	case KIND_COMMAND:
		if (config_nonempty(d, key, value, line))
			keep_string(d, key, value, line);
		break;
	case KIND_WHEN:
		when(d, key, value, line);
		break;
	case KIND_TREE:
		config_settings_tree(d, key, value, line);
		break;
	case KIND_ACTION:
		config_operator_action(d, key, value, line);
		break;
	case KIND_EXCLUDE:
		config_settings_exclude(d, key, value, line);
		break;
	case KIND_WATCH:
		config_settings_watch(d, key, value, line);
		break;
	}
}

void config_value(struct config_draft *d, const struct config_key *key, const char *value, int line)
{
	unsigned mistakes = d->mistakes.n;

	if (strcmp(key->section, "settings") == 0 && line != 0)
		config_settings_note(d, key, line);
	keep(d, key, value, line);
	d->line[key - config_keys] = line;
	d->wrong[key - config_keys] |= d->mistakes.n > mistakes;
}
