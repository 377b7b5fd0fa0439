/* render_history.c - the events, each with its level, its time, and what happened to whom. */
#include "agent/render.h"

#include <string.h>

#include "proto/node.h"

/* What an event's number means where nothing else says it. */
enum detail {
	DETAIL_PATH,
	DETAIL_ADDRESS,
	DETAIL_ADDRESSES,
	DETAIL_COUNT,
	DETAIL_REFUSAL,
	DETAIL_YIELDS,
	DETAIL_ATTEMPT,
	DETAIL_ATTEMPTS,
	DETAIL_STATUS,
	DETAIL_MS,
	DETAIL_SECONDS,
	DETAIL_START,
	DETAIL_NOTHING, /* that an operator has a use for */
	DETAIL_OTHER,
};

static enum detail detail_kind(const char *event)
{
	static const struct {
		const char *event;
		enum detail kind;
	} kinds[] = {
		{"path_up", DETAIL_PATH},
		{"path_down", DETAIL_PATH},
		{"carrier_up", DETAIL_PATH},
		{"carrier_down", DETAIL_PATH},
		{"third_party", DETAIL_ADDRESS},
		{"address_missing", DETAIL_ADDRESSES},
		{"handover_failed", DETAIL_REFUSAL},
		{"conflict", DETAIL_YIELDS},
		{"check_recovering", DETAIL_ATTEMPT},
		{"check_failed", DETAIL_ATTEMPTS},
		{"hook_failed", DETAIL_STATUS},
		{"hook_timeout", DETAIL_MS},
		{"suspended", DETAIL_SECONDS},
		{"started", DETAIL_START},
		{"stranger", DETAIL_NOTHING},
		{"peer_restarted", DETAIL_NOTHING},
		{"detached", DETAIL_NOTHING}, /* its reason says it */
		{"virtual_ip", DETAIL_COUNT},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].event, event) == 0)
			return kinds[i].kind;
	return DETAIL_OTHER;
}

/* Counted from 1, as people do. */
static struct cell addresses_of(uint32_t mask)
{
	struct cell text = cell_of("virtual IP");
	const char *before = " ";

	for (unsigned i = 0; i < HA_VIP_MAX; i++) {
		if (!(mask >> i & 1))
			continue;
		text = cell_of("%s%s%u", text.text, before, i + 1);
		before = ", ";
	}
	return text;
}

static struct cell detail_of(const json_t *event, const char *name, bool subject)
{
	const json_t *value = json_object_get(event, "detail");
	/* 32 bits in the daemon; a status is negative for a signal */
	uint32_t n = (uint32_t)json_integer_value(value);

	if (json_is_string(value))
		return cell_string(event, "detail");
	if (!json_is_integer(value))
		return cell_of("-");
	switch (detail_kind(name)) {
	case DETAIL_PATH:
		return cell_of("%s", subject ? "-" : ha_path_name((enum ha_path)n));
	case DETAIL_ADDRESS:
		return subject ? cell_of("-") : addresses_of(n < HA_VIP_MAX ? 1U << n : 0);
	case DETAIL_ADDRESSES:
		return subject ? cell_of("-") : addresses_of(n);
	case DETAIL_COUNT:
		return n < 2 ? cell_of("-") : cell_of("and %u more", n - 1);
	case DETAIL_REFUSAL:
		return cell_of("%s", node_refusal_text((enum node_refusal)n));
	case DETAIL_YIELDS:
		return cell_of("%s", n == 0 ? "this appliance yields" : "this appliance stays");
	case DETAIL_ATTEMPT:
		return cell_of("attempt %u", n);
	case DETAIL_ATTEMPTS:
		return n == 0 ? cell_of("no recovery") : cell_of("attempts at recovery: %u", n);
	case DETAIL_STATUS:
		return n > INT32_MAX ? cell_of("signal %u", UINT32_MAX - n + 1)
				     : cell_of("exit status %u", n);
	case DETAIL_MS:
		return cell_duration(event, "detail", 1000);
	case DETAIL_SECONDS:
		return n == 0 ? cell_of("-") : cell_duration(event, "detail", 1000000);
	case DETAIL_START:
		return cell_of("start %u of this agent", n);
	case DETAIL_NOTHING:
		return cell_of("-");
	case DETAIL_OTHER:
		break;
	}
	return n == 0 ? cell_of("-") : cell_of("detail %u", n);
}

/* "path_down" as "path down". */
static struct cell title_of(const struct cell *name)
{
	struct cell title = *name;

	for (char *at = title.text; (at = strchr(at, '_')) != NULL;)
		*at = ' ';
	return title;
}

/* To the millisecond: what is finer is in the JSON. */
static struct cell moment(const json_t *event)
{
	struct cell time = cell_time(event, "time");

	if (strlen(time.text) == strlen("2026-01-31 12:00:00.123456"))
		time.text[strlen("2026-01-31 12:00:00.123")] = '\0';
	return time;
}

static char mark_of(const json_t *event)
{
	struct cell level = cell_string(event, "level");

	return cell_is(&level, "critical") ? '!' : cell_is(&level, "important") ? '*' : ' ';
}

/* Whoever is left alone by the end of a pair is active for nobody but itself (SPEC 5.10). */
static struct cell became(const json_t *event, const struct cell *rule)
{
	struct cell to = cell_string(event, "to");

	return rule->text[0] == 'D' && cell_is(&to, "active") ? cell_of("standalone") : to;
}

static void render_event(const struct page *page, const json_t *event)
{
	struct cell name = cell_string(event, "event"), subject = cell_string(event, "subject");
	struct cell reason = cell_string(event, "reason"), rule = cell_string(event, "rule");
	struct cell detail = detail_of(event, name.text, !cell_is_none(&subject));
	struct cell head = cell_of("%c %-23.23s  ", mark_of(event), moment(event).text);
	struct cell text = title_of(&name);

	if (cell_is(&name, "state"))
		text = cell_of("%s -> %s, term %s", cell_string(event, "from").text,
			       became(event, &rule).text, cell_integer(event, "term").text);
	if (!cell_is_none(&subject))
		text = cell_of("%s: %s", text.text, subject.text);
	if (!cell_is_none(&detail))
		text = cell_of("%s (%s)", text.text, detail.text);
	if (!cell_is_none(&reason) && !cell_is(&reason, reason_text(REASON_NONE)))
		text = cell_of("%s%s %s", text.text, cell_is_none(&subject) ? ":" : ";",
			       reason.text);
	if (!cell_is_none(&rule))
		text = cell_of("%s [%s]", text.text, rule.text);
	page_hang_styled(page,
			 mark_of(event) == '!'   ? PAGE_BAD
			 : mark_of(event) == '*' ? PAGE_WARN
						 : PAGE_PLAIN,
			 head.text, text.text);
}

void render_history(const struct page *page, const json_t *data)
{
	const json_t *events = json_is_object(data) ? json_object_get(data, "history") : data;
	const json_t *event;
	size_t i;

	page_style(page, PAGE_TITLE);
	fputs("history (UTC; ! critical, * important)", page->out);
	page_style(page, PAGE_PLAIN);
	fputc('\n', page->out);
	json_array_foreach(events, i, event) render_event(page, event);
	if (json_array_size(events) == 0)
		fprintf(page->out, "  nothing yet\n");
}
