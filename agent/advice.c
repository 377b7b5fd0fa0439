/* advice.c - see advice.h. One function for each thing that can be wrong; what they say is written for somebody who was
 * woken up: what it is, then what to do.
 */
#include "agent/advice.h"

#include <errno.h>
#include <string.h>

#define LOG_HINT "journalctl -u haagent"

static void add(struct advice_list *list, enum advice_level level, const char *name,
		struct cell what, struct cell remedy)
{
	unsigned at = list->n;

	while (at > 0 && list->a[at - 1].level < level)
		at--;
	if (at == ADVICE_MAX)
		return;
	if (list->n < ADVICE_MAX)
		list->n++;
	memmove(&list->a[at + 1], &list->a[at], (list->n - 1 - at) * sizeof(list->a[0]));
	list->a[at] = (struct advice){level, name, what, remedy};
}

static bool is_text(const json_t *in, const char *key, const char *text)
{
	struct cell value = cell_string(in, key);

	return cell_is(&value, text);
}

static bool is_paired(const json_t *d)
{
	return json_object_size(json_object_get(d, "peer")) > 0;
}

static bool is_active(const json_t *d)
{
	return is_text(d, "role", "active");
}

static struct cell own_name(const json_t *d)
{
	struct cell name = cell_string(d, "host_name");

	return cell_is_none(&name) ? cell_of("this appliance") : name;
}

static struct cell peer_name(const json_t *d)
{
	struct cell name = cell_string(json_object_get(d, "peer"), "host_name");

	return cell_is_none(&name) ? cell_of("the other appliance") : name;
}

bool advice_peer_heard(const json_t *d)
{
	const json_t *paths = json_object_get(d, "paths"), *path;
	size_t i;

	json_array_foreach(paths, i, path)
	{
		if (is_text(path, "state", "up"))
			return true;
	}
	return json_array_size(paths) == 0;
}

static bool peer_holds(const json_t *d)
{
	return advice_peer_heard(d) && is_text(json_object_get(d, "peer"), "claim", "holding");
}

struct cell advice_sentence(const json_t *d)
{
	struct cell own = own_name(d), peer = peer_name(d);
	bool ready = page_is_true(json_object_get(d, "takeover"), "ready");
	const char *can = ready ? "can" : "CANNOT";

	if (is_text(d, "state", "initializing") || is_text(d, "role", "none"))
		return cell_of("%s is starting.", own.text);
	if (is_text(d, "state", "faulted") || is_text(d, "state", "isolated"))
		return cell_of("%s is %s, and holds nothing.", own.text,
			       cell_string(d, "state").text);
	if (is_active(d) && !is_paired(d))
		return cell_of("%s is active, and alone: it has no passive appliance.", own.text);
	if (is_active(d))
		return cell_of("%s is active, and %s %s take over.", own.text, peer.text, can);
	if (!is_paired(d))
		return cell_of("%s is standalone, not part of a pair.", own.text);
	if (peer_holds(d))
		return cell_of("%s is active, and %s %s take over.", peer.text, own.text, can);
	return cell_of("%s is not active, and does not hear that %s is.", own.text, peer.text);
}

/* ---- what can be wrong with the role ---- */

static void advise_state(const json_t *d, struct advice_list *list)
{
	struct cell reason = cell_string(d, "reason");

	if (is_text(d, "state", "faulted"))
		add(list, ADVICE_CRITICAL, "faulted", cell_of("it is faulted: %s", reason.text),
		    cell_of("See " LOG_HINT " for what is damaged; mend it, and restart haagent. "
			    "See FILES in haagent(8)."));
	if (is_text(d, "state", "isolated"))
		add(list, ADVICE_CRITICAL, "isolated", cell_of("it is isolated: %s", reason.text),
		    cell_of("Check both cables and the switch: it hears neither the other "
			    "appliance nor the network."));
	if (is_text(d, "state", "initializing"))
		add(list, ADVICE_IMPORTANT, "starting", reason,
		    cell_of("Wait for a few seconds, then look again."));
}

static void advise_nobody(const json_t *d, struct advice_list *list)
{
	if (!is_paired(d) || is_active(d) || is_text(d, "state", "initializing") || peer_holds(d))
		return;
	if (is_text(d, "state", "isolated"))
		return; /* that says more, and to force it is refused */
	if (advice_peer_heard(d))
		add(list, ADVICE_CRITICAL, "nobody", cell_of("nobody holds the virtual IP"),
		    cell_of("Wait for a few seconds: one of the two takes it. If none does, see "
			    "--history and takeover below."));
	else
		add(list, ADVICE_CRITICAL, "nobody",
		    cell_of("this appliance is not active, and %s is not heard", peer_name(d).text),
		    cell_of("Does %s work? Switch it on, or check its cables. If it is off and "
			    "stays off: haagent --force-active here.",
			    peer_name(d).text));
}

static void advise_addresses(const json_t *d, struct advice_list *list)
{
	const json_t *one;
	size_t i;

	if (is_active(d) && peer_holds(d))
		add(list, ADVICE_CRITICAL, "both", cell_of("both hold the virtual IP"),
		    cell_of("One of them yields within a moment. If not, stop haagent on one: "
			    "the two hear each other badly, see paths."));
	json_array_foreach(json_object_get(d, "virtual_ip"), i, one)
	{
		if (!is_active(d) || page_is_true(one, "held"))
			continue;
		add(list, ADVICE_CRITICAL, "virtual_ip",
		    cell_of("the virtual IP %s is not on the interface",
			    cell_string(one, "address").text),
		    cell_of("Is IPv4 or IPv6 switched off on the management interface, or the "
			    "interface down? See " LOG_HINT "."));
	}
}

/* ---- with the other one ---- */

static const struct obstacle {
	const char *code, *remedy;
} obstacles[] = {
	{"not_heard", "Is it switched on, and does haagent run there? Then check both cables."},
	{"no_copy", "Wait until the first copy of the settings is whole: see settings below."},
	{"suspended", "When the work is done: haagent --resume, at the active appliance."},
	{"check", "See the checks of that appliance, and repair the service; it is ready again "
		  "some time after the checks pass."},
	{"no_carrier", "Check the cable of the management interface of that appliance."},
	{"deaf", "Check the management network of that appliance: cable, switch port, VLAN."},
	{"store", "Is the disk of that appliance full, or read-only? See " LOG_HINT " there."},
	{"address", "See " LOG_HINT " there: why is the address refused?"},
	{"starting", "Wait for a few seconds, then look again."},
	{"leaving", "haagent is being stopped there: start it again."},
	{"disproved", "The other one answers for the virtual IP and sends no heartbeats: restart "
		      "haagent there, or switch it off."},
	{"not_passive", "Wait for a few seconds; then see the state of the other one, and "
			"--history."},
};

/* The reason at a place of the list: its code may be missing, of an older daemon. */
static const char *remedy_of(const json_t *takeover, size_t at)
{
	const char *code =
		json_string_value(json_array_get(json_object_get(takeover, "codes"), at));

	for (size_t i = 0; code != NULL && i < sizeof(obstacles) / sizeof(*obstacles); i++) {
		if (strcmp(obstacles[i].code, code) == 0)
			return obstacles[i].remedy;
	}
	return "See haagent(8), and --history.";
}

static void advise_takeover(const json_t *d, struct advice_list *list)
{
	const json_t *takeover = json_object_get(d, "takeover"), *reason;
	struct cell who = is_active(d) ? peer_name(d) : own_name(d);
	size_t i;

	if (!is_paired(d) || page_is_true(takeover, "ready") || is_text(d, "state", "initializing"))
		return;
	json_array_foreach(json_object_get(takeover, "reasons"), i, reason)
	{
		const char *text = json_string_value(reason);

		add(list, ADVICE_IMPORTANT, "takeover",
		    cell_of("%s cannot take over: %s", who.text, text != NULL ? text : "-"),
		    cell_of("%s", remedy_of(takeover, i)));
	}
}

static void advise_paths(const json_t *d, struct advice_list *list)
{
	const json_t *path;
	size_t i;

	json_array_foreach(json_object_get(d, "paths"), i, path)
	{
		struct cell name = cell_string(path, "name"), port = cell_string(path, "interface");
		bool cut = page_has(path, "carrier") && !page_is_true(path, "carrier");

		if (cut && (is_paired(d) || is_text(path, "name", "management")))
			add(list, ADVICE_IMPORTANT, "path",
			    cell_of("the %s interface %s has no carrier", name.text, port.text),
			    cell_of("Plug its cable in; or what it leads to is switched off."));
		else if (is_paired(d) && advice_peer_heard(d) && !is_text(path, "state", "up"))
			add(list, ADVICE_IMPORTANT, "path",
			    cell_of("nothing of %s is heard on %s (%s)", peer_name(d).text,
				    port.text, name.text),
			    cell_of("Check the cable, the switch ports and VLAN of %s on both "
				    "appliances.",
				    port.text));
	}
}

/* ---- with what is copied ---- */

/* The first such disk that a user meets is none: the unit keeps all of the system read-only but what it names. */
static struct cell cure_of_sync(const struct cell *reason)
{
	if (strstr(reason->text, strerror(EROFS)) != NULL)
		return cell_of("Is the directory of the settings named in ReadWritePaths= of "
			       "haagent.service, on the passive? See haagent.conf(5). It is tried "
			       "again by itself.");
	return cell_of("Mend what the reason names; it is tried again by itself. See " LOG_HINT
		       ".");
}

static void advise_sync(const json_t *d, struct advice_list *list)
{
	const json_t *sync = json_object_get(d, "sync");
	struct cell reason = cell_string(sync, "reason");
	const char *colon = cell_is_none(&reason) ? "" : ": ";

	if (cell_is_none(&reason))
		reason.text[0] = '\0';
	if (!is_paired(d))
		return;
	if (is_text(sync, "status", "sync error"))
		add(list, ADVICE_IMPORTANT, "sync",
		    cell_of("the settings cannot be copied%s%s", colon, reason.text),
		    cure_of_sync(&reason));
	else if (is_text(sync, "status", "paused"))
		add(list, ADVICE_IMPORTANT, "sync",
		    cell_of("the settings are not copied%s%s", colon, reason.text),
		    cell_of("Settings that are changed now are on one appliance only, until both "
			    "run the same version."));
	else if (is_text(sync, "status", "out of sync"))
		add(list, ADVICE_IMPORTANT, "sync",
		    cell_of("the passive has older settings%s%s", colon, reason.text),
		    cell_of("It gets the newer ones as soon as the link is up: see paths below."));
	if (json_integer_value(json_object_get(sync, "unreadable")) > 0)
		add(list, ADVICE_REMARK, "unreadable",
		    cell_of("%s settings cannot be read, such as %s",
			    cell_count(sync, "unreadable").text, cell_string(sync, "example").text),
		    cell_of("They are not on the other appliance. Are their names or contents "
			    "damaged?"));
	if (json_integer_value(json_object_get(sync, "conflicts")) > 0)
		add(list, ADVICE_REMARK, "conflicts",
		    cell_of("%s files that had to give way are kept aside",
			    cell_count(sync, "conflicts").text),
		    cell_of("Look at conflicts/ in the state directory, take over what is needed, "
			    "and remove the rest."));
}

/* ---- with what it stands on ---- */

static void advise_requirements(const json_t *d, struct advice_list *list)
{
	const json_t *row;
	size_t i;

	if (!is_paired(d))
		return; /* of a test: it has its own page */
	json_array_foreach(json_object_get(d, "requirements"), i, row)
	{
		struct cell remedy = cell_string(row, "remedy");

		if (!is_text(row, "result", "fail"))
			continue;
		add(list, ADVICE_IMPORTANT, "requirement",
		    cell_of("not met: %s (here %s, there %s)",
			    cell_string(row, page_has(row, "title") ? "title" : "name").text,
			    cell_string(row, "local").text, cell_string(row, "peer").text),
		    cell_is_none(&remedy) ? cell_of("See LIFE CYCLE in haagent(8).") : remedy);
	}
}

static void advise_checks(const json_t *d, struct advice_list *list)
{
	const json_t *check, *hook;
	size_t i;

	json_array_foreach(json_object_get(d, "checks"), i, check)
	{
		bool failed = page_is_true(check, "failed");

		if (!failed && !page_is_true(check, "failing"))
			continue;
		add(list, failed && is_active(d) ? ADVICE_CRITICAL : ADVICE_IMPORTANT, "check",
		    cell_of("the check %s fails%s", cell_string(check, "name").text,
			    failed ? ", and cannot be recovered" : ""),
		    cell_of("Repair that service on this appliance."));
	}
	json_array_foreach(json_object_get(d, "hooks"), i, hook)
	{
		if (is_text(hook, "outcome", "passed") || is_text(hook, "outcome", "none"))
			continue;
		add(list, ADVICE_IMPORTANT, "hook",
		    cell_of("the hook %s ended badly: %s", cell_string(hook, "name").text,
			    cell_string(hook, "outcome").text),
		    cell_of("Does what it starts or stops do so? See hooks below, and " LOG_HINT
			    "."));
	}
}

static void advise_guardian(const json_t *d, struct advice_list *list)
{
	static const struct {
		const char *key, *what, *remedy;
	} wanted[] = {
		{"fence", "the kernel does not fence the virtual IP",
		 "Is nftables missing in this kernel? An agent that is stopped may answer beside "
		 "its successor for longer."},
		{"realtime", "real-time scheduling was refused",
		 "Start it by its unit, or as root with CAP_SYS_NICE: a busy machine delays "
		 "heartbeats."},
		{"locked", "memory could not be locked",
		 "Raise LimitMEMLOCK: a machine that swaps delays heartbeats."},
	};
	const json_t *guardian = json_object_get(d, "guardian");
	bool holds = json_array_size(json_object_get(d, "virtual_ip")) > 0;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		if (!page_has(guardian, wanted[i].key) || page_is_true(guardian, wanted[i].key) ||
		    (i == 0 && !holds))
			continue;
		add(list, ADVICE_REMARK, wanted[i].key, cell_of("%s", wanted[i].what),
		    cell_of("%s", wanted[i].remedy));
	}
	if (json_integer_value(json_object_get(guardian, "engine_starts")) > 1)
		add(list, ADVICE_REMARK, "engine_restarted",
		    cell_of("the engine was started %s times in this run",
			    cell_integer(guardian, "engine_starts").text),
		    cell_of("It should not end: please report it, with " LOG_HINT "."));
}

/* A gap that came near the dead interval: more than three quarters of it. */
static void advise_margin(const json_t *d, struct advice_list *list)
{
	double dead = json_number_value(json_object_get(json_object_get(d, "timing"), "dead_ms"));
	const json_t *path;
	size_t i;

	json_array_foreach(json_object_get(d, "paths"), i, path)
	{
		double gap = json_number_value(json_object_get(path, "worst_gap_ms"));

		if (!is_text(path, "state", "up") || dead <= 0 || gap <= dead * 3 / 4)
			continue;
		add(list, ADVICE_REMARK, "margin",
		    cell_of("on %s, heartbeats were %s apart: close to the dead interval of %s",
			    cell_string(path, "interface").text,
			    cell_duration(path, "worst_gap_ms", 1000).text,
			    cell_duration(json_object_get(d, "timing"), "dead_ms", 1000).text),
		    cell_of("If that repeats while nothing fails, choose a calmer timing: see "
			    "haagent.conf(5)."));
	}
}

static void advise_others(const json_t *d, struct advice_list *list)
{
	size_t strangers = json_array_size(json_object_get(d, "strangers"));
	const json_t *first = json_array_get(json_object_get(d, "strangers"), 0);
	struct cell name = cell_string(first, "name");

	if (strangers > 0)
		add(list, ADVICE_REMARK, "stranger",
		    cell_of("an appliance that is no member is heard: %s",
			    cell_is_none(&name) ? cell_string(first, "fingerprint").text
						: name.text),
		    cell_of("Is it to join, or wired to the wrong place? See strangers below."));
	if (is_paired(d) || is_text(d, "role", "none") || is_text(d, "state", "faulted"))
		return;
	add(list, ADVICE_REMARK, "alone", cell_of("there is no second appliance"),
	    is_active(d) ? cell_of("If there is one, give haagent --join ADDRESS on it, with the "
				   "address of this one.")
			 : cell_of("To make it a passive one: haagent --join ADDRESS, with the "
				   "address of the active one."));
}

/* What the daemon calls degraded has a cause that an operator can read, in any case. */
static void advise_degraded(const json_t *d, struct advice_list *list)
{
	enum advice_level worst;
	struct cell reasons = cell_list(d, "degraded_reasons", "; ");

	if (!page_is_true(d, "degraded") ||
	    (advice_worst(list, &worst) && worst >= ADVICE_IMPORTANT))
		return;
	add(list, ADVICE_IMPORTANT, "degraded",
	    cell_is_none(&reasons) ? cell_of("the pair is degraded") : reasons,
	    cell_of("If it stays so for a minute, see --history."));
}

void advice_of(const json_t *d, struct advice_list *list)
{
	list->n = 0;
	advise_state(d, list);
	advise_addresses(d, list);
	advise_nobody(d, list);
	advise_checks(d, list);
	advise_takeover(d, list);
	advise_paths(d, list);
	advise_sync(d, list);
	advise_requirements(d, list);
	advise_guardian(d, list);
	advise_margin(d, list);
	advise_others(d, list);
	advise_degraded(d, list);
}

bool advice_worst(const struct advice_list *list, enum advice_level *level)
{
	if (list->n > 0)
		*level = list->a[0].level;
	return list->n > 0;
}
