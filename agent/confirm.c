#include "agent/confirm.h"

#include <string.h>

const char *confirm_word(enum action_verb verb)
{
	switch (verb) {
	case ACTION_JOIN:
	case ACTION_DETACH:
	case ACTION_REMOVE:
		return "yes";
	case ACTION_FORCE:
		return "force";
	default:
		return NULL;
	}
}

void confirm_fingerprints(const struct page *page, const json_t *data)
{
	page_line(page, "here", "%s", cell_string(data, "fingerprint").text);
	page_line(page, "there", "%s  %s", cell_string(data, "peer_fingerprint").text,
		  cell_string(data, "peer_host_name").text);
}

/* Who the two are now, as the dump has it. */
static void both(const struct page *page, const json_t *dump)
{
	const json_t *peer = json_object_get(dump, "peer");

	if (dump == NULL)
		return;
	page_line(page, "here", "%s: %s", cell_string(dump, "host_name").text,
		  cell_string(dump, "state").text);
	if (json_object_size(peer) == 0)
		page_line(page, "there", "no other appliance: not part of a pair");
	else if (page_has(peer, "state") && page_has(peer, "last_heard_ms"))
		page_line(page, "there", "%s: %s, last heard %s ago",
			  cell_string(peer, "host_name").text, cell_string(peer, "state").text,
			  cell_duration(peer, "last_heard_ms", 1000).text);
	else
		page_line(page, "there", "%s: not heard since this agent started",
			  cell_string(peer, "host_name").text);
}

static void points(const struct page *page, const char *const text[])
{
	for (; *text != NULL; text++)
		page_hang(page, "  - ", *text);
}

static void explain_join(const struct page *page, const struct action *action, const char *link,
			 const json_t *data)
{
	static const char *const text[] = {
		"it becomes primary (passive): it stops processing, and takes over when the other "
		"one fails;",
		"its settings are replaced by those of the cluster;",
		"it releases any virtual IP of its own and uses that of the cluster;",
		"it trusts the key shown above for \"there\", and no other: compare it with the "
		"fingerprint in the other one's --dump.",
		NULL,
	};

	confirm_fingerprints(page, data);
	page_hang(page, "",
		  cell_of("This appliance joins %s, the appliance at %s, which it reaches over %s:",
			  cell_string(data, "peer_host_name").text, action->address, link)
			  .text);
	points(page, text);
}

static void explain_detach(const struct page *page)
{
	static const char *const text[] = {
		"this appliance stays active, with the virtual IP; nobody takes over when it "
		"fails;",
		"the other one becomes standalone: it keeps its copy of the settings, and holds no "
		"virtual IP until it joins again or is made active by --force-active;",
		"a new --join makes them a pair again.",
		NULL,
	};

	page_hang(page, "", "The pair ends, on both appliances:");
	points(page, text);
}

static void explain_remove(const struct page *page)
{
	static const char *const text[] = {
		"if it holds the virtual IP it keeps it, and nobody takes over when it fails; if "
		"not, it "
		"becomes standalone;",
		"the other one cannot be told now: it may still think itself part of the pair, and "
		"take the virtual IP;",
		"so keep it switched off or off the network; when it is heard again, it learns "
		"that it "
		"was removed, and becomes standalone, unless this one has become so.",
		NULL,
	};

	page_hang(page, "", "This appliance forgets the other one, which is not reachable:");
	points(page, text);
}

static void explain_force(const struct page *page)
{
	static const char *const text[] = {
		"if the other one is active and only cannot be heard from here, both answer for "
		"the "
		"virtual IP: make sure that it is switched off or off the network;",
		"what was changed there and has not been copied here is not in use any more;",
		"the history says that it was forced.",
		NULL,
	};

	page_hang(page, "",
		  "This appliance becomes active and takes the virtual IP, without what a takeover "
		  "waits for:");
	points(page, text);
}

void confirm_explain(const struct page *page, const struct action *action, const char *link,
		     const json_t *data)
{
	if (action->verb == ACTION_JOIN) {
		explain_join(page, action, link, data);
		return;
	}
	both(page, data);
	if (action->verb == ACTION_DETACH)
		explain_detach(page);
	else if (action->verb == ACTION_REMOVE)
		explain_remove(page);
	else if (action->verb == ACTION_FORCE)
		explain_force(page);
}

bool confirm_ask(FILE *in, FILE *out, const char *word)
{
	char reply[16];
	size_t len = strlen(word);

	fprintf(out, "Type \"%s\" to go on, anything else to stop: ", word);
	fflush(out);
	return fgets(reply, sizeof(reply), in) != NULL && strncmp(reply, word, len) == 0 &&
	       strcmp(reply + len, "\n") == 0;
}
