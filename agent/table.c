/* table.c - see table.h. */
#include "agent/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/dump.h"

enum {
	/* the longest: eight addresses with length and comma */
	TABLE_TEXT_MAX = HA_ADDRESS_MAX * (DUMP_ADDRESS_MAX + 8),
};

struct table_text {
	size_t len;
	char b[TABLE_TEXT_MAX];
};

static void __attribute__((format(printf, 2, 3)))
add(struct table_text *text, const char *format, ...)
{
	size_t left = sizeof(text->b) - text->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->b + text->len, left, format, args);
	va_end(args);
	if (n > 0)
		text->len += (size_t)n < left ? (size_t)n : left - 1;
}

/* The next one of a list. */
static void add_item(struct table_text *text, const char *item)
{
	add(text, "%s%s", text->len != 0 ? ", " : "", item);
}

static const char *or_dash(const char *text)
{
	return text[0] != '\0' ? text : "-";
}

/* ---- what an identity states ---- */

static void add_version(struct table_text *text, const struct msg_identity *who)
{
	add(text, "%s / %s / %s", or_dash(who->firmware), or_dash(who->hotfix),
	    or_dash(who->patch));
}

static void add_families(struct table_text *text, const struct msg_identity *who)
{
	bool ipv4 = false, ipv6 = false;

	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++) {
		ipv4 |= who->management[i].address.family == HA_IPV4;
		ipv6 |= who->management[i].address.family == HA_IPV6;
	}
	add(text, "%s%s%s", ipv4 ? "IPv4" : "", ipv4 && ipv6 ? " and " : "", ipv6 ? "IPv6" : "");
}

static void add_addresses(struct table_text *text, const struct msg_identity *who, bool lengths)
{
	for (unsigned i = 0; i < HA_ADDRESS_MAX; i++) {
		char address[DUMP_ADDRESS_MAX];

		dump_address(address, &who->management[i].address);
		if (address[0] == '\0')
			continue;
		add_item(text, address);
		if (lengths)
			add(text, "/%u", who->management[i].length);
	}
}

static void add_virtual_ips(struct table_text *text, const struct msg_identity *who)
{
	for (unsigned i = 0; i < HA_VIP_MAX; i++) {
		char address[DUMP_ADDRESS_MAX];

		dump_address(address, &who->vip[i]);
		if (address[0] != '\0')
			add_item(text, address);
	}
}

static void add_ms(struct table_text *text, const char *name, uint32_t us)
{
	add(text, "%s%s %u", text->len != 0 ? ", " : "", name, us / 1000);
	if (us % 1000 != 0) {
		add(text, ".%03u", us % 1000);
		while (text->b[text->len - 1] == '0')
			text->b[--text->len] = '\0';
	}
	add(text, " ms");
}

static void add_timing(struct table_text *text, const struct msg_identity *who)
{
	add_ms(text, "heartbeat", who->heartbeat_us);
	add_ms(text, "dead", who->dead_us);
	add_ms(text, "confirm", who->confirm_us);
}

/* ---- what only the view knows ---- */

static void add_cable(struct table_text *text, const struct requirement_view *view, bool local)
{
	const struct requirement_facts *facts = &view->facts;
	const struct msg_identity *who = local ? view->own : view->peer;
	bool direct = who->flags & MSG_IDENTITY_DIRECT;

	add(text, "link_direct = %s", direct ? "true" : "false");
	if (!local)
		return;
	if (!facts->heard)
		add_item(text, "nobody heard");
	else
		add_item(text, facts->direct ? "heard directly"
			       : direct      ? "heard through another device"
					     : "heard");
	if (facts->heard && facts->stations)
		add_item(text, "and other stations");
}

/* What was typed stands on the side of who typed it. */
static void add_address(struct table_text *text, const struct requirement_view *view, bool local)
{
	char typed[DUMP_ADDRESS_MAX];

	dump_address(typed, &view->address);
	if (local != view->is_active)
		add(text, "%s", typed);
	else if (local || view->peer != NULL)
		add_addresses(text, local ? view->own : view->peer, false);
}

static void add_role(struct table_text *text, const struct requirement_view *view, bool local,
		     uint8_t cause)
{
	if (local)
		add(text, "%s", view->own_holds ? "active" : "not active");
	else if (!view->is_active && (cause == CAUSE_NONE || cause == CAUSE_NOT_ACTIVE))
		add(text, "%s", cause == CAUSE_NONE ? "active" : "not active");
}

static void add_vacant(struct table_text *text, const struct requirement_view *view, bool local,
		       uint8_t cause)
{
	if (local)
		add(text, "%s", view->own_paired ? "part of a pair" : "free");
	else if (!view->is_active && (cause == CAUSE_NONE || cause == CAUSE_OCCUPIED))
		add(text, "%s", cause == CAUSE_NONE ? "free" : "part of a pair");
}

static void add_protocol(struct table_text *text, const struct requirement_view *view, bool local)
{
	const struct msg_identity *who = local ? view->own : view->peer;

	if (local || who != NULL || view->facts.heard)
		add(text, "version %d", MSG_VERSION);
	else if (view->facts.other_version)
		add(text, "another version");
	else if (view->facts.crossed)
		add(text, "tests or joins, too");
	else if (view->facts.unverified)
		add(text, "handshake fails");
	if (who != NULL && who->agent[0] != '\0')
		add(text, ", haagent %s", who->agent);
}

/* ---- rows ---- */

/* Of an identity that is known. */
static void add_stated(struct table_text *text, enum requirement row,
		       const struct msg_identity *who)
{
	switch (row) {
	case REQUIREMENT_MODEL:
		add(text, "%s", who->model);
		break;
	case REQUIREMENT_VERSION:
		add_version(text, who);
		break;
	case REQUIREMENT_HOST_NAME:
		add(text, "%s", who->host_name);
		break;
	case REQUIREMENT_FAMILIES:
		add_families(text, who);
		break;
	case REQUIREMENT_SEGMENT:
		add_addresses(text, who, true);
		break;
	case REQUIREMENT_VIRTUAL_IP:
		add_virtual_ips(text, who);
		break;
	case REQUIREMENT_TIMING:
		add_timing(text, who);
		break;
	default:
		break;
	}
	if (text->len == 0)
		add(text, "none");
}

static void make_value(struct table_text *text, const struct requirement_view *view,
		       enum requirement row, bool local, uint8_t cause)
{
	const struct msg_identity *who = local ? view->own : view->peer;

	text->len = 0;
	text->b[0] = '\0';
	switch (row) {
	case REQUIREMENT_ADDRESS:
		add_address(text, view, local);
		break;
	case REQUIREMENT_ROLE:
		add_role(text, view, local, cause);
		break;
	case REQUIREMENT_VACANT:
		add_vacant(text, view, local, cause);
		break;
	case REQUIREMENT_PROTOCOL:
		add_protocol(text, view, local);
		break;
	case REQUIREMENT_CABLE:
		if (who != NULL)
			add_cable(text, view, local);
		break;
	default:
		if (who != NULL)
			add_stated(text, row, who);
		break;
	}
	if (text->len == 0)
		add(text, "-");
}

/* False: the arena is full. The own host name is whatever the system has: one that is no UTF-8 is not shown. */
static bool put_text(json_t *object, const char *key, const char *text)
{
	json_t *value = json_string(text);

	if (value == NULL)
		value = json_string("?");
	return json_object_set_new(object, key, value) == 0;
}

static json_t *make_row(const struct requirement_view *view, enum requirement row, uint8_t cause)
{
	enum requirement_cause why = (enum requirement_cause)cause;
	json_t *out = json_object();
	struct table_text text;
	bool good;

	good = put_text(out, "name", requirement_name(row));
	good &= put_text(out, "title", requirement_title(row));
	good &= put_text(out, "result", requirement_result_name(requirement_result(why)));
	make_value(&text, view, row, true, cause);
	good &= put_text(out, "local", text.b);
	make_value(&text, view, row, false, cause);
	good &= put_text(out, "peer", text.b);
	good &= put_text(out, "remedy", requirement_remedy(why));
	if (good)
		return out;
	json_decref(out);
	return NULL;
}

json_t *table_rows(const struct requirement_view *view, const uint8_t cause[REQUIREMENT_N],
		   unsigned n)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < n && i < REQUIREMENT_N; i++) {
		if (json_array_append_new(rows, make_row(view, (enum requirement)i, cause[i])) == 0)
			continue;
		json_decref(rows);
		return NULL;
	}
	return rows;
}
